package demux

import (
	"fmt"
	"strings"
	"unicode"
)

// maxTag bounds what a container says of a stream, in runes: it is shown in a line.
const maxTag = 80

// Tag is text out of a container, fit to be shown: in one line, without control
// characters and invalid UTF-8, and no longer than 80 runes.
func Tag(s string) string {
	var b strings.Builder
	n := 0
	space := false
	for _, r := range s {
		switch {
		case r == unicode.ReplacementChar:
			continue
		case unicode.IsSpace(r):
			space = n > 0
			continue
		case !unicode.IsPrint(r):
			continue
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		if n >= maxTag {
			break
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSuffix(b.String(), " ")
}

// Track is what a person knows a stream by: its language and title, its codec and the
// size of pictures or the number of channels, as far as they are known.
func (s Stream) Track() string {
	var parts []string
	add := func(t string) {
		if t != "" {
			parts = append(parts, t)
		}
	}
	add(s.Language)
	add(s.Title)
	add(s.Codec)
	switch {
	case s.Kind == Video && s.Width > 0:
		add(fmt.Sprintf("%dx%d", s.Width, s.Height))
	case s.Kind == Audio && s.Sound.Channels > 0:
		add(fmt.Sprintf("%d ch", s.Sound.Channels))
	}
	return strings.Join(parts, ", ")
}
