package demux

import (
	"strings"
	"testing"

	"planar/audio"
)

func TestTag(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"Commentary", "Commentary"},
		{"  two\r\n\tlines ", "two lines"},
		{"bell\x07 \x1b[31mred", "bell [31mred"},
		{"Übersetzung 北京", "Übersetzung 北京"},
		{"bad\xff\xfeutf", "badutf"},
		{"turned\u202eround", "turnedround"},
		{strings.Repeat("x", 1000), strings.Repeat("x", maxTag)},
		{strings.Repeat("ä ", 1000), strings.Repeat("ä ", maxTag/2)},
	} {
		if got := Tag(c.in); strings.TrimSpace(got) != strings.TrimSpace(c.want) {
			t.Errorf("%.40q: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestTrack(t *testing.T) {
	for _, c := range []struct {
		s    Stream
		want string
	}{
		{Stream{Kind: Audio, Codec: "aac", Language: "deu", Title: "Ton", Sound: audio.Format{Channels: 6}}, "deu, Ton, aac, 6 ch"},
		{Stream{Kind: Audio, Codec: "aac"}, "aac"},
		{Stream{Kind: Video, Codec: "h264", Width: 1920, Height: 1080}, "h264, 1920x1080"},
	} {
		if got := c.s.Track(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
