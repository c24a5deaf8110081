package rtsp

import (
	"bytes"
	"encoding/base64"
	"reflect"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"planar/audio"
	"planar/demux"
	"planar/render"
)

func TestCodecOf(t *testing.T) {
	lc := &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 44100, ChannelConfig: 2}
	he := &mpeg4audio.AudioSpecificConfig{
		Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 24000, ChannelConfig: 1,
		ExtensionType: mpeg4audio.ObjectTypePS, ExtensionSampleRate: 48000,
	}
	h264, h265 := fixture(t, "slices.h264"), fixture(t, "slices.h265")
	video := func(name string, extradata []byte) codec {
		return codec{kind: demux.Video, name: name, clockRate: 90000, extradata: extradata}
	}
	sound := func(name string, clock, rate, channels int, extradata []byte) codec {
		return codec{kind: demux.Audio, name: name, clockRate: clock, extradata: extradata, sound: audio.Format{Rate: rate, Channels: channels}}
	}
	small := video("h264", annexB(h264[:2]))
	small.width, small.height, small.rate = 64, 64, render.Rational{Num: 5, Den: 1}
	large := video("hevc", annexB(h265[:3]))
	large.width, large.height, large.rate = 128, 192, render.Rational{Num: 5, Den: 1}
	surround := []byte("OpusHead\x01\x06\x00\x00\x80\xbb\x00\x00\x00\x00\x01\x04\x02\x00\x04\x01\x02\x03\x05")
	for _, c := range []struct {
		f    format.Format
		want codec
	}{
		{&format.H264{SPS: h264[0], PPS: h264[1]}, small},
		{&format.H264{}, video("h264", nil)},
		{&format.H264{SPS: h264[0]}, video("h264", nil)},
		{&format.H264{SPS: []byte{0x67}, PPS: []byte{0x68}}, video("h264", annexB([][]byte{{0x67}, {0x68}}))},
		{&format.H265{VPS: h265[0], SPS: h265[1], PPS: h265[2]}, large},
		{&format.H265{SPS: h265[1], PPS: h265[2]}, video("hevc", nil)},
		{&format.MJPEG{}, video("mjpeg", nil)},
		{&format.VP8{}, video("vp8", nil)},
		{&format.VP9{}, video("vp9", nil)},
		{&format.AV1{}, video("av1", nil)},
		{&format.MPEG4Video{Config: []byte{0, 0, 1, 0x20}}, video("mpeg4", []byte{0, 0, 1, 0x20})},
		{&format.MPEG1Video{}, video("mpeg2video", nil)},
		{&format.MPEG4Audio{Config: lc}, sound("aac", 44100, 44100, 2, []byte{0x12, 0x10})},
		{&format.MPEG4Audio{Config: he}, sound("aac", 24000, 48000, 2, []byte{0xEB, 0x09, 0x88, 0x00})},
		{&format.MPEG4AudioLATM{StreamMuxConfig: muxConfig(lc, 0)}, sound("aac", 44100, 44100, 2, []byte{0x12, 0x10})},
		{&format.MPEG4AudioLATM{CPresent: true}, sound("aac_latm", 90000, 0, 0, nil)},
		{&format.Opus{ChannelCount: 2}, sound("opus", 48000, 48000, 2, nil)},
		{&format.Opus{ChannelCount: 6}, sound("opus", 48000, 48000, 6, surround)},
		{&format.G711{MULaw: true, SampleRate: 8000, ChannelCount: 1}, sound("pcm_mulaw", 8000, 8000, 1, nil)},
		{&format.G711{SampleRate: 16000, ChannelCount: 2}, sound("pcm_alaw", 16000, 16000, 2, nil)},
		{&format.G722{}, sound("adpcm_g722", 8000, 16000, 1, nil)},
		{&format.LPCM{BitDepth: 8, SampleRate: 8000, ChannelCount: 1}, sound("pcm_u8", 8000, 8000, 1, nil)},
		{&format.LPCM{BitDepth: 16, SampleRate: 48000, ChannelCount: 2}, sound("pcm_s16be", 48000, 48000, 2, nil)},
		{&format.LPCM{BitDepth: 24, SampleRate: 96000, ChannelCount: 8}, sound("pcm_s24be", 96000, 96000, 8, nil)},
		{&format.MPEG1Audio{}, sound("mp3", 90000, 0, 0, nil)},
		{&format.AC3{SampleRate: 48000, ChannelCount: 6}, sound("ac3", 48000, 48000, 6, nil)},
	} {
		got, ok := codecOf(c.f)
		if !ok || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%T: %+v, %v; want %+v", c.f, got, ok, c.want)
		}
		if _, err := newDepacketizer(c.f, got, false); err != nil && c.want.name != "aac" { // sizes of AU headers are missing
			t.Errorf("%T: %v", c.f, err)
		}
	}
	for _, f := range []format.Format{
		&format.Generic{}, &format.KLV{}, &format.MPEGTS{}, &format.Vorbis{}, &format.Speex{}, &format.MPEG4Audio{},
		&format.Opus{ChannelCount: 9}, &format.LPCM{BitDepth: 20, SampleRate: 8000, ChannelCount: 1},
		&format.G711{SampleRate: 1 << 30, ChannelCount: 1}, &format.LPCM{BitDepth: 16, SampleRate: 8000, ChannelCount: 1 << 20},
	} {
		if c, ok := codecOf(f); ok {
			t.Errorf("%T is taken for %+v", f, c)
		}
	}
}

func muxConfig(c *mpeg4audio.AudioSpecificConfig, more uint) *mpeg4audio.StreamMuxConfig {
	return &mpeg4audio.StreamMuxConfig{
		NumSubFrames: more,
		Programs:     []*mpeg4audio.StreamMuxConfigProgram{{Layers: []*mpeg4audio.StreamMuxConfigLayer{{AudioSpecificConfig: c, LatmBufferFullness: 255}}}},
	}
}

// FuzzParameterSets has parameter sets of a hostile session description read.
func FuzzParameterSets(f *testing.F) {
	for _, n := range append(fixture(f, "slices.h264")[:2], fixture(f, "slices.h265")[:3]...) {
		f.Add(n)
	}
	b, _ := base64.StdEncoding.DecodeString("Z2QAKKwbGqAeAIm/8AAAAAA=")
	f.Add(b)
	f.Fuzz(func(t *testing.T, sps []byte) {
		for _, f := range []format.Format{
			&format.H264{SPS: sps, PPS: []byte{0x68}}, &format.H265{VPS: []byte{0x40, 1}, SPS: sps, PPS: []byte{0x44, 1}},
		} {
			c, ok := codecOf(f)
			if !ok || c.width < 0 || c.height > demux.MaxDimension || len(sps) > 0 && !bytes.Contains(c.extradata, sps) {
				t.Errorf("%T: %+v, %v", f, c, ok)
			}
		}
	})
}
