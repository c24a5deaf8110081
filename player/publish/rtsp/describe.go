package rtsp

import (
	"errors"
	"fmt"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"planar/demux"
)

// firstDynamic is the first payload type that a session gives away itself, and
// maxStreams how many there are, RFC 3551 section 6.
const (
	firstDynamic = 96
	maxStreams   = 32
)

// formats say how a codec, by FFmpeg's name, is described in SDP. The payload type is
// a dynamic one; of those that always have the same it is not used.
var formats = map[string]func(s *demux.Stream, payloadType uint8) (format.Format, error){
	"h264": func(s *demux.Stream, payloadType uint8) (format.Format, error) {
		f := &format.H264{PayloadTyp: payloadType, PacketizationMode: 1}
		for _, n := range parameterSets(s) {
			switch h264.NALUType(n[0] & 0x1f) {
			case h264.NALUTypeSPS:
				first(&f.SPS, n)
			case h264.NALUTypePPS:
				first(&f.PPS, n)
			}
		}
		if len(f.SPS) < 4 || f.PPS == nil {
			return nil, errors.New("the H.264 stream comes without parameter sets")
		}
		return f, nil
	},
	"hevc": func(s *demux.Stream, payloadType uint8) (format.Format, error) {
		f := &format.H265{PayloadTyp: payloadType}
		for _, n := range parameterSets(s) {
			switch h265.NALUType(n[0] >> 1 & 0x3f) {
			case h265.NALUType_VPS_NUT:
				first(&f.VPS, n)
			case h265.NALUType_SPS_NUT:
				first(&f.SPS, n)
			case h265.NALUType_PPS_NUT:
				first(&f.PPS, n)
			}
		}
		if f.VPS == nil || f.SPS == nil || f.PPS == nil {
			return nil, errors.New("the H.265 stream comes without parameter sets")
		}
		return f, nil
	},
	"aac": func(s *demux.Stream, payloadType uint8) (format.Format, error) {
		c := &mpeg4audio.AudioSpecificConfig{}
		if err := c.Unmarshal(s.Config); err != nil {
			return nil, fmt.Errorf("rtsp cannot carry this AAC: its configuration: %v", err)
		}
		if c.SampleRate <= 0 {
			return nil, errors.New("rtsp cannot carry this AAC: its configuration names no sampling rate")
		}
		// That the rate doubles in decoding (SBR) is left to the decoder to find out.
		// Otherwise receivers differ on the clock: for some it is the doubled rate.
		c.ExtensionType, c.ExtensionSampleRate = 0, 0
		c.Type = mpeg4audio.ObjectTypeAACLC
		return &format.MPEG4Audio{
			PayloadTyp: payloadType, Config: c, ProfileLevelID: 1, SizeLength: aacSizeBits, IndexLength: 3, IndexDeltaLength: 3,
		}, nil
	},
	"opus": func(s *demux.Stream, payloadType uint8) (format.Format, error) {
		n := s.Sound.Channels
		if len(s.Config) >= 19 && string(s.Config[:8]) == "OpusHead" {
			n = int(s.Config[9])
		}
		if n < 1 || n > 8 {
			return nil, fmt.Errorf("rtsp cannot carry Opus with %d channels", n)
		}
		return &format.Opus{PayloadTyp: payloadType, ChannelCount: n}, nil
	},
	"pcm_alaw":  func(s *demux.Stream, payloadType uint8) (format.Format, error) { return g711(s, payloadType, 8, false) },
	"pcm_mulaw": func(s *demux.Stream, payloadType uint8) (format.Format, error) { return g711(s, payloadType, 0, true) },
	"mp2":       func(*demux.Stream, uint8) (format.Format, error) { return &format.MPEG1Audio{}, nil },
	"mp3":       func(*demux.Stream, uint8) (format.Format, error) { return &format.MPEG1Audio{}, nil },
	"ac3": func(s *demux.Stream, payloadType uint8) (format.Format, error) {
		return &format.AC3{PayloadTyp: payloadType, SampleRate: s.Sound.Rate, ChannelCount: s.Sound.Channels}, sounds(s)
	},
	"vp8": func(_ *demux.Stream, payloadType uint8) (format.Format, error) {
		return &format.VP8{PayloadTyp: payloadType}, nil
	},
	"vp9": func(_ *demux.Stream, payloadType uint8) (format.Format, error) {
		return &format.VP9{PayloadTyp: payloadType}, nil
	},
	"av1": func(_ *demux.Stream, payloadType uint8) (format.Format, error) {
		return &format.AV1{PayloadTyp: payloadType}, nil
	},
}

// takes reports whether RTSP can carry a codec (FFmpeg's name).
func takes(codec string) bool { return formats[codec] != nil }

// describe makes a session description: a medium with one format for each stream, in
// their order. Parameter sets are aliased. Whoever announces it changes it, so each
// session needs its own.
func describe(streams []demux.Stream) (*description.Session, error) {
	switch n := len(streams); {
	case n == 0:
		return nil, errors.New("there is nothing to send")
	case n > maxStreams:
		return nil, fmt.Errorf("rtsp cannot carry %d streams, only %d", n, maxStreams)
	}
	d := &description.Session{Title: "planar"}
	for i := range streams {
		s := &streams[i]
		announce := formats[s.Codec]
		if announce == nil {
			return nil, fmt.Errorf("rtsp cannot carry %s", demux.OneLine(s.Codec))
		}
		f, err := announce(s, uint8(firstDynamic+i))
		if err != nil {
			return nil, err
		}
		kind := description.MediaTypeVideo
		if s.Kind == demux.Audio {
			kind = description.MediaTypeAudio
		}
		d.Medias = append(d.Medias, &description.Media{Type: kind, Formats: []format.Format{f}})
	}
	return d, nil
}

// g711 has a payload type of its own at 8 kHz and one channel.
func g711(s *demux.Stream, payloadType, static uint8, muLaw bool) (format.Format, error) {
	if s.Sound.Rate == 8000 && s.Sound.Channels == 1 {
		payloadType = static
	}
	return &format.G711{PayloadTyp: payloadType, MULaw: muLaw, SampleRate: s.Sound.Rate, ChannelCount: s.Sound.Channels}, sounds(s)
}

// sounds is an error if a stream does not say its rate or channels.
func sounds(s *demux.Stream) error {
	if s.Sound.Rate < 1 || s.Sound.Channels < 1 || s.Sound.Channels > 63 {
		return fmt.Errorf("rtsp cannot carry %s with %d channels at %d Hz", demux.OneLine(s.Codec), s.Sound.Channels, s.Sound.Rate)
	}
	return nil
}

// parameterSets are the NAL units of a stream's Config, none of them empty.
func parameterSets(s *demux.Stream) [][]byte {
	var list h264.AnnexB // H.265 has the same form
	if list.Unmarshal(s.Config) != nil {
		return nil
	}
	kept := list[:0]
	for _, n := range list {
		if len(n) > 0 {
			kept = append(kept, n)
		}
	}
	return kept
}

func first(set *[]byte, n []byte) {
	if *set == nil {
		*set = n
	}
}
