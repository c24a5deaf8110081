package rtsp

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"planar/audio"
	"planar/demux"
	"planar/render"
)

// codec says what a track carries, in FFmpeg's terms.
type codec struct {
	kind      demux.Kind
	name      string          // FFmpeg's codec name
	extradata []byte          // in the form FFmpeg's decoder takes; nil if the stream brings all it needs
	clockRate int             // Hz, of the RTP timestamps
	width     int             // video; 0 if the session description does not tell
	height    int             //
	rate      render.Rational // of pictures; zero if unknown
	sound     audio.Format    // Hz and channels, as far as they are known
}

// What a session description says is not believed beyond these: Hz, and as many
// channels as FFmpeg's masks have.
const (
	maxRate     = 1 << 20
	maxChannels = 63
)

// recognise finds out what a format is that the library takes for an unknown one,
// since it knows some by their static payload types only (RFC 3551 section 6).
func recognise(f format.Format) format.Format {
	g, ok := f.(*format.Generic)
	if !ok {
		return f
	}
	switch strings.ToUpper(encoding(f)) {
	case "G722/8000", "G722/8000/1":
		return &format.G722{}
	case "MPA/90000":
		return &format.MPEG1Audio{}
	case "JPEG/90000":
		return &format.MJPEG{}
	case "MPV/90000":
		return &format.MPEG1Video{}
	}
	return g
}

// encoding names what a format carries, as its rtpmap does.
func encoding(f format.Format) string {
	if m := f.RTPMap(); m != "" {
		return demux.OneLine(m)
	}
	return fmt.Sprintf("payload type %d", f.PayloadType())
}

// codecOf says what a format is; false if it is nothing that is played here.
func codecOf(f format.Format) (codec, bool) {
	c := codec{kind: demux.Video}
	sound := func(name string, rate, channels int) {
		c.kind, c.name, c.sound = demux.Audio, name, audio.Format{Rate: rate, Channels: channels}
	}
	switch f := f.(type) {
	case *format.H264:
		c.name = "h264"
		c.fromH264(f)
	case *format.H265:
		c.name = "hevc"
		c.fromH265(f)
	case *format.MJPEG:
		c.name = "mjpeg"
	case *format.VP8:
		c.name = "vp8"
	case *format.VP9:
		c.name = "vp9"
	case *format.AV1:
		c.name = "av1"
	case *format.MPEG4Video:
		c.name, c.extradata = "mpeg4", f.Config
	case *format.MPEG1Video:
		c.name = "mpeg2video" // which decodes both
	case *format.MPEG4Audio:
		if f.Config == nil {
			return c, false
		}
		sound("aac", outputRate(f.Config), channelsOf(f.Config))
		c.extradata, _ = f.Config.Marshal()
	case *format.MPEG4AudioLATM:
		if f.CPresent { // the stream brings its configuration
			sound("aac_latm", 0, 0)
			break
		}
		conf := latmConfig(f.StreamMuxConfig)
		if conf == nil {
			return c, false
		}
		sound("aac", outputRate(conf), channelsOf(conf))
		c.extradata, _ = conf.Marshal()
	case *format.Opus:
		sound("opus", 48000, f.ChannelCount)
		if f.ChannelCount > len(opusMappings) {
			return c, false
		}
		c.extradata = opusHead(f.ChannelCount)
	case *format.G711:
		name := "pcm_alaw"
		if f.MULaw {
			name = "pcm_mulaw"
		}
		sound(name, f.SampleRate, f.ChannelCount)
	case *format.G722:
		sound("adpcm_g722", 16000, 1) // whose RTP clock says 8000 by mistake, RFC 3551 section 4.5.2
	case *format.LPCM:
		name, ok := map[int]string{8: "pcm_u8", 16: "pcm_s16be", 24: "pcm_s24be"}[f.BitDepth]
		if !ok {
			return c, false
		}
		sound(name, f.SampleRate, f.ChannelCount)
	case *format.MPEG1Audio:
		sound("mp3", 0, 0)
	case *format.AC3:
		sound("ac3", f.SampleRate, f.ChannelCount)
	default:
		return c, false
	}
	c.clockRate = f.ClockRate()
	return c, c.clockRate > 0 && c.clockRate <= maxRate && c.sound.Rate <= maxRate && c.sound.Channels <= maxChannels
}

func (c *codec) fromH264(f *format.H264) {
	sps, pps := f.SPS, f.PPS
	if len(sps) == 0 || len(pps) == 0 {
		return
	}
	c.extradata = annexB([][]byte{sps, pps})
	var s h264.SPS
	if s.Unmarshal(sps) == nil {
		c.shape(s.Width(), s.Height(), s.FPS())
	}
}

func (c *codec) fromH265(f *format.H265) {
	vps, sps, pps := f.VPS, f.SPS, f.PPS
	if len(vps) == 0 || len(sps) == 0 || len(pps) == 0 {
		return
	}
	c.extradata = annexB([][]byte{vps, sps, pps})
	var s h265.SPS
	if s.Unmarshal(sps) == nil {
		c.shape(s.Width(), s.Height(), s.FPS())
	}
}

// shape takes over what parameter sets say, as far as it is plausible.
func (c *codec) shape(width, height int, fps float64) {
	if width > 0 && height > 0 && width <= demux.MaxDimension && height <= demux.MaxDimension {
		c.width, c.height = width, height
	}
	if fps >= 1 && fps <= 240 {
		c.rate = rateOf(fps)
	}
}

// rateOf is a rate as it is written: whole, or so many thousandths, or of 1001.
func rateOf(fps float64) render.Rational {
	whole := math.Round(fps)
	switch {
	case math.Abs(fps-whole) < 1e-4:
		return render.Rational{Num: int(whole), Den: 1}
	case math.Abs(fps-whole*1000/1001) < 1e-3:
		return render.Rational{Num: int(whole) * 1000, Den: 1001}
	}
	return render.Rational{Num: int(math.Round(fps * 1000)), Den: 1000}
}

// outputRate is the rate of the samples that decoding gives, as far as it is told.
func outputRate(c *mpeg4audio.AudioSpecificConfig) int {
	return max(c.SampleRate, c.ExtensionSampleRate)
}

// channelsOf is the number of channels, 0 if the stream tells.
func channelsOf(c *mpeg4audio.AudioSpecificConfig) int {
	switch {
	case c.ExtensionType == mpeg4audio.ObjectTypePS:
		return 2
	case c.ChannelConfig == 7:
		return 8
	}
	return int(c.ChannelConfig)
}

// opusMappings are the streams, those of them that are stereo, and which of their
// channels is which, for 1 to 8 channels in Vorbis order: RFC 7845 section 5.1.1.2.
var opusMappings = [...]struct {
	streams, coupled byte
	channels         string
}{
	{1, 0, "\x00"},
	{1, 1, "\x00\x01"},
	{2, 1, "\x00\x02\x01"},
	{2, 2, "\x00\x01\x02\x03"},
	{3, 2, "\x00\x04\x01\x02\x03"},
	{4, 2, "\x00\x04\x01\x02\x03\x05"},
	{4, 3, "\x00\x04\x01\x02\x03\x05\x06"},
	{5, 3, "\x00\x06\x01\x02\x03\x04\x05\x07"},
}

// opusHead is the identification header, RFC 7845 section 5.1, that decoders need
// for more than two channels; nil for less.
func opusHead(channels int) []byte {
	if channels <= 2 {
		return nil
	}
	m := opusMappings[channels-1]
	b := append([]byte("OpusHead\x01"), byte(channels), 0, 0) // no samples to skip
	b = binary.LittleEndian.AppendUint32(b, 48000)
	b = append(b, 0, 0, 1, m.streams, m.coupled) // no gain; mapping family 1
	return append(b, m.channels...)
}

// latmConfig is the configuration of the one layer that is played; nil if there is
// none, or several.
func latmConfig(m *mpeg4audio.StreamMuxConfig) *mpeg4audio.AudioSpecificConfig {
	if m == nil || len(m.Programs) != 1 || len(m.Programs[0].Layers) != 1 {
		return nil
	}
	return m.Programs[0].Layers[0].AudioSpecificConfig
}
