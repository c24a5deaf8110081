package ffmpeg

import (
	"fmt"

	"github.com/asticode/go-astiav"

	"planar/audio"
	"planar/demux"
)

// AudioParams describe a sound stream that does not come from FFmpeg's demuxers.
type AudioParams struct {
	Codec     string // FFmpeg's codec name, such as "aac"
	Extradata []byte // in the form FFmpeg expects; copied
	Rate      int    // Hz
	Channels  int
	Layout    uint64 // channel mask, 0 for the default of Channels
	Live      bool
}

// NewAudioDecoder makes a decoder for packets with Data. The caller closes it.
func NewAudioDecoder(a AudioParams) (demux.AudioDecoder, error) {
	id, ok := codecByName(a.Codec)
	if !ok {
		return nil, fmt.Errorf("unknown codec %q", a.Codec)
	}
	par := astiav.AllocCodecParameters()
	defer par.Free()
	par.SetMediaType(astiav.MediaTypeAudio)
	par.SetCodecID(id)
	if a.Channels > 0 {
		if err := setAudioParams(par, a.Rate, a.Channels, a.Layout); err != nil {
			return nil, fmt.Errorf("%d channels: %w", a.Channels, err)
		}
	}
	if err := par.SetExtraData(a.Extradata); err != nil {
		return nil, err
	}
	c, err := openCodec(par, nanoseconds, 1, a.Live)
	if err != nil {
		return nil, err
	}
	return &audioDecoder{codec: *c, info: new(soundInfo)}, nil
}

// NewPCMDecoder makes a decoder for raw samples in packets with Data, each a
// whole number of frames. codec is a PCMFormat's; of f, rate, channels
// and layout count. The caller closes it.
func NewPCMDecoder(codec string, f audio.Format) (demux.AudioDecoder, error) {
	if f.Rate <= 0 || f.Channels <= 0 {
		return nil, fmt.Errorf("raw sound of %d Hz with %d channels", f.Rate, f.Channels)
	}
	return NewAudioDecoder(AudioParams{Codec: codec, Rate: f.Rate, Channels: f.Channels, Layout: f.Layout})
}

type audioDecoder struct {
	codec
	info   *soundInfo
	format int32
	name   audio.SampleFormat // of format
}

func (d *audioDecoder) Send(p *demux.Packet) error { return d.send(p) }

// Receive returns the next block. Its planes alias the decoder's memory, which
// is bound until the block's release.
func (d *audioDecoder) Receive() (*audio.Block, error) {
	af, err := d.receive()
	if err != nil {
		return nil, err
	}
	o := d.info
	if err := soundInfoOf(af, o); err != nil {
		d.frames.put(af)
		return nil, fmt.Errorf("decoded sound: %w", err)
	}
	if d.name == "" || d.format != int32(o.format) {
		d.format = int32(o.format)
		d.name = audio.SampleFormat(astiav.SampleFormat(o.format).Name())
	}
	b := &audio.Block{
		Format: audio.Format{Sample: d.name, Rate: int(o.rate), Channels: int(o.channels), Layout: uint64(o.mask)},
		Frames: int(o.samples),
		PTS:    d.time(int64(o.pts)),
		Planes: make([][]byte, int(o.planes)),
	}
	for i := range b.Planes {
		b.Planes[i] = soundPlane(o, i)
	}
	frames := d.frames
	b.OnFree = func() { frames.put(af) }
	return b, nil
}
