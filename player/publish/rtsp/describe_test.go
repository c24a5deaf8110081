package rtsp

import (
	"strconv"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"

	"planar/demux"
)

func TestDescribe(t *testing.T) {
	streams := []demux.Stream{
		h264Stream, h265Stream, aacStream, sound("opus", 48000, 1), sound("pcm_alaw", 8000, 1), sound("pcm_mulaw", 16000, 2),
		sound("mp3", 44100, 2), sound("ac3", 48000, 6),
		{Codec: "vp8"},
		{Codec: "vp9"},
		{Codec: "av1"},
		{Kind: demux.Audio, Codec: "aac", Config: []byte{0x2b, 0x11, 0x88, 0x00}}, // 24 kHz that SBR doubles
		{Kind: demux.Audio, Codec: "opus", Config: []byte("OpusHead\x01\x06\x00\x00\x80\xbb\x00\x00\x00\x00\x01\x04\x02\x00\x04\x01\x02\x03\x05")},
	}
	d, err := describe(streams)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range d.Medias {
		m.Control = "x"
	}
	text, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"m=video 0 RTP/AVP 96\r\n", "a=rtpmap:96 H264/90000\r\n",
		"a=fmtp:96 packetization-mode=1; profile-level-id=42C01E; sprop-parameter-sets=Z0LAHtkAoC/5cBEAAAMAAQAAAwAyDxYuSA==,aMuDyyA=",
		"a=rtpmap:97 H265/90000\r\n", "sprop-pps=RAHBcrRiQA==", "sprop-sps=QgEB", "sprop-vps=QAEM",
		"m=audio 0 RTP/AVP 98\r\n", "a=rtpmap:98 mpeg4-generic/48000/2\r\n",
		"a=fmtp:98 config=1190; indexdeltalength=3; indexlength=3; mode=AAC-hbr; profile-level-id=1; sizelength=13; streamtype=5",
		"a=rtpmap:99 opus/48000/2\r\n", "sprop-stereo=0",
		"m=audio 0 RTP/AVP 8\r\n", "a=rtpmap:8 PCMA/8000\r\n", "a=rtpmap:101 PCMU/16000/2\r\n",
		"m=audio 0 RTP/AVP 14\r\n", "a=rtpmap:103 AC3/48000/6\r\n",
		"a=rtpmap:104 VP8/90000\r\n", "a=rtpmap:105 VP9/90000\r\n", "a=rtpmap:106 AV1/90000\r\n",
		"a=rtpmap:107 mpeg4-generic/24000/2\r\n", "config=1310",
		"a=rtpmap:108 multiopus/48000/6\r\n", "channel_mapping=0,4,1,2,3,5",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the description lacks %q:\n%s", want, text)
		}
	}
	// Receivers and this side agree on the clock of each.
	for i, m := range d.Medias {
		one := description.Session{Medias: []*description.Media{m}}
		b, err := one.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if f := m.Formats[0]; !strings.Contains(string(b), "rtpmap") {
			continue // of a static type
		} else if g, ok := f.(*format.MPEG4Audio); ok && !strings.HasPrefix(g.RTPMap(), "mpeg4-generic/"+strconv.Itoa(g.ClockRate())+"/") {
			t.Errorf("stream %d: the clock has %d Hz, but is described as %s", i, g.ClockRate(), g.RTPMap())
		}
	}
	for _, s := range streams {
		if !takes(s.Codec) {
			t.Errorf("%s is described, but not taken", s.Codec)
		}
	}
}

func TestDescribeRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		streams []demux.Stream
		want    string
	}{
		{"nothing", nil, "nothing to send"},
		{"too much", make([]demux.Stream, maxStreams+1), "33 streams"},
		{"an unknown codec", []demux.Stream{{Codec: "wmv2"}}, "rtsp cannot carry wmv2"},
		{"a strange one", []demux.Stream{{Codec: "a\nb"}}, "rtsp cannot carry a?b"},
		{"no parameter sets", []demux.Stream{{Codec: "h264"}}, "without parameter sets"},
		{"avcC", []demux.Stream{{Codec: "h264", Config: []byte{1, 0x42, 0xc0, 0x1e, 0xff}}}, "without parameter sets"},
		{"a short SPS", []demux.Stream{{Codec: "h264", Config: annexB([]byte{0x67}, h264PPS)}}, "without parameter sets"},
		{"no VPS", []demux.Stream{{Codec: "hevc", Config: annexB(h265SPS, h265PPS)}}, "without parameter sets"},
		{"no AAC configuration", []demux.Stream{{Codec: "aac"}}, "configuration"},
		{"AAC at 0 Hz", []demux.Stream{{Codec: "aac", Config: []byte{0x17, 0x80, 0, 0, 0x10}}}, "sampling rate"},
		{"silent Opus", []demux.Stream{{Codec: "opus"}}, "0 channels"},
		{"PCM without a rate", []demux.Stream{{Codec: "pcm_alaw"}}, "0 Hz"},
	} {
		if _, err := describe(c.streams); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want an error that says %q", c.name, err, c.want)
		}
	}
	if takes("wmv2") {
		t.Error("wmv2 is taken")
	}
}
