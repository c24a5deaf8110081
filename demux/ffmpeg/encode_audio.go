package ffmpeg

// #include "encode.h"
import "C"

import (
	"fmt"
	"slices"
	"time"
	"unsafe"

	"github.com/asticode/go-astiav"

	"planar/audio"
	"planar/demux"
)

// AudioEncoder encodes sound as AAC (FFmpeg's own encoder) or Opus (libopus). It is
// used from one goroutine.
//
// Timestamps are counted in samples from the first block on, so that they have no
// jitter. They are early by the encoder's delay (1024 samples of AAC, 312 of 48 kHz of
// Opus), because a decoder gives that much silence before the first sample: what was
// heard at a time is heard at it again, and the first packet's PTS lies that much
// before the first block's, and may be negative. DTS is PTS, and never falls.
type AudioEncoder struct {
	encoder
	stream demux.Stream
	sound  audio.Format // what the codec takes: interleaved
	size   int          // samples of a packet, of each channel
	delay  int          // samples

	in    audio.Format // what comes
	res   *Resampler   // from in to sound
	part  []byte       // less than size samples that wait for more
	fed   int64        // samples handed to the codec, without part
	given int64        // packets that came out
	runs  []run        // that packets may still come from, the latest last
	took  int64        // samples of in that came in the latest run
	last  time.Duration
	ended bool
}

// run is sound without a gap.
type run struct {
	start int64         // its first sample's number of those handed to the codec
	pts   time.Duration // of that sample
}

// The timing of blocks. Live sound may lag behind its samples' number or be ahead of
// it, because clocks differ or a little was lost.
const (
	gapLimit = 100 * time.Millisecond // what is more is a gap
	slack    = 2 * time.Millisecond   // what is less is jitter of timestamps
	evening  = 100                    // what lies between is worked off by 1/evening of the time that passes
)

// aacRates are the rates of ISO/IEC 14496-3 table 1.18 that FFmpeg's encoder takes.
var aacRates = []int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// codecRate is what both codecs take, for sound of other rates.
const codecRate = 48000

// aacLayouts are FFmpeg's masks of the channel configurations 1 to 7 (ISO/IEC 14496-3
// table 1.19) by number of channels; there is none of seven. For eight, the standard
// has five loudspeakers in front, but encoders and decoders mean two at the sides.
var aacLayouts = [9]uint64{1: 0x4, 2: 0x3, 3: 0x7, 4: 0x107, 5: 0x37, 6: 0x3f, 8: 0x63f}

// NewAudioEncoder makes an encoder for sound of a format; blocks of another format may
// come later and are converted. AAC has up to 8 channels and the rates of MPEG-4, Opus
// up to 2 channels at 48 kHz in packets of 20 ms: more channels are mixed down, other
// rates become 48 kHz. e.Bitrate 0 is 64 kbit/s for each channel of AAC, 48 of Opus.
// The caller closes the encoder.
func NewAudioEncoder(in audio.Format, e demux.AudioEncoding) (*AudioEncoder, error) {
	if _, err := specOf(in); err != nil {
		return nil, err
	}
	out := audio.Format{Sample: audio.F32, Rate: codecRate, Channels: in.Channels}
	var names []string
	var perChannel, least, most int64
	sample := astiav.SampleFormatFltp
	switch e.Codec {
	case "aac":
		names, perChannel, least, most = []string{"aac"}, 64_000, 8_000, 288_000
		if slices.Contains(aacRates, in.Rate) {
			out.Rate = in.Rate
		}
		if out.Channels > 8 {
			out.Channels = 8
		} else if out.Channels == 7 {
			out.Channels = 6
		}
		out.Layout = aacLayouts[out.Channels]
	case "opus":
		names, perChannel, least, most = []string{"libopus"}, 48_000, 6_000, 256_000
		sample, out.Channels = astiav.SampleFormatFlt, min(out.Channels, 2)
		out.Layout = aacLayouts[out.Channels]
	default:
		return nil, fmt.Errorf("sound cannot be encoded as %q: give aac or opus", e.Codec)
	}
	n := int64(out.Channels)
	if e.Bitrate <= 0 {
		// Sound of a low rate has less to say.
		e.Bitrate = n * max(least, perChannel*min(int64(out.Rate), codecRate)/codecRate)
	}
	if e.Bitrate < n*least || e.Bitrate > n*most {
		return nil, fmt.Errorf("%d channels of %s at %d bit/s: give %d to %d", n, e.Codec, e.Bitrate, n*least, n*most)
	}
	enc, lib, err := newEncoder(e.Codec, names...)
	if err != nil {
		return nil, err
	}
	a := &AudioEncoder{encoder: enc, sound: out, last: demux.NoPTS}
	if err := a.open(lib, sample, e.Bitrate); err != nil {
		a.Close()
		return nil, err
	}
	if err := a.resampler(in); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *AudioEncoder) open(lib *astiav.Codec, sample astiav.SampleFormat, bitrate int64) error {
	rate, channels := C.int(a.sound.Rate), C.int(a.sound.Channels)
	if err := a.check(C.pl_encoder_sound(codecC(a.cc), C.int(sample), rate, channels, C.uint64_t(a.sound.Layout), C.int64_t(bitrate))); err != nil {
		return err
	}
	options := map[string]string{"frame_duration": "20"}
	if a.name == "aac" {
		// Measured at 64 kbit/s a channel: up to five times quicker than the default, and
		// nearer to what went in.
		options = map[string]string{"aac_coder": "fast"}
	}
	if err := a.encoder.open(lib, options); err != nil {
		return err
	}
	a.size, a.delay = a.cc.FrameSize(), int(C.pl_encoder_delay(codecC(a.cc)))
	if a.size <= 0 {
		return fmt.Errorf("encoding %s: the encoder does not say how long its packets are", a.name)
	}
	a.stream = demux.Stream{
		Kind: demux.Audio, Codec: a.name, Config: a.cc.ExtraData(),
		Sound: audio.Format{Sample: audio.SampleFormat(sample.Name()), Rate: a.sound.Rate, Channels: a.sound.Channels, Layout: a.sound.Layout},
	}
	return a.check(C.pl_sound_new(frameC(a.frame), C.int(sample), rate, channels, C.uint64_t(a.sound.Layout), C.int(a.size)))
}

func (a *AudioEncoder) check(r C.int) error {
	if err := fail(r); err != nil {
		return a.fail(err)
	}
	return nil
}

// resampler makes one for blocks of a format.
func (a *AudioEncoder) resampler(in audio.Format) error {
	res, err := NewResampler(in, a.sound, 1)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", a.name, err)
	}
	if a.res != nil {
		a.res.Close()
	}
	a.in, a.res = in, res
	return nil
}

// Stream says what comes out, from the beginning. Nobody writes to its Config.
func (a *AudioEncoder) Stream() demux.Stream { return a.stream }

// Encode encodes a block of any length and returns the packets that are ready; nil
// ends the stream. A block that begins more than 100 ms later than the one before
// ended makes the timestamps jump there, after the packet at hand has been filled with
// silence. Smaller differences, and blocks that come too early, are evened out: the
// timestamps follow by 1 % of the time that passes. b is not kept; the packets' Data is
// the caller's.
func (a *AudioEncoder) Encode(b *audio.Block) ([]demux.Packet, error) {
	switch {
	case a.cc == nil:
		return nil, errEncoderClosed
	case a.ended && b == nil:
		return nil, nil
	case a.ended:
		return nil, errEnded
	}
	var ps []demux.Packet
	if b == nil {
		a.ended = true
		if len(a.runs) == 0 {
			return nil, nil
		}
		err := a.finish(&ps)
		if err == nil {
			if err = a.drain(); err == nil {
				err = a.packets(&ps)
			}
		}
		return ps, err
	}
	if b.Frames <= 0 {
		return nil, nil
	}
	if err := a.follow(b, &ps); err != nil {
		return ps, err
	}
	pcm, err := a.res.Convert(b)
	if err != nil {
		return ps, fmt.Errorf("encoding %s: %w", a.name, err)
	}
	a.took += int64(b.Frames)
	return ps, a.feed(pcm, &ps)
}

// follow gives a block its place: in the run, or at the beginning of a new one.
func (a *AudioEncoder) follow(b *audio.Block, ps *[]demux.Packet) error {
	if len(a.runs) > 0 {
		r := &a.runs[len(a.runs)-1]
		late := time.Duration(0)
		if b.PTS != demux.NoPTS {
			late = b.PTS - (r.pts + a.in.Duration(a.took))
		}
		if late <= gapLimit && b.Format == a.in {
			if most := b.Duration(int64(b.Frames)) / evening; late > slack {
				r.pts += min(late-slack, most)
			} else if late < -slack {
				r.pts -= min(-slack-late, most)
			}
			return nil
		}
		// Another format begins a run of its own, without a gap if there is none.
		pts := b.PTS
		if late <= gapLimit {
			pts = r.pts + a.in.Duration(a.took)
		}
		if err := a.finishRun(late > gapLimit, ps); err != nil {
			return err
		}
		a.runs = append(a.runs, run{a.fed + int64(len(a.part)/a.sound.FrameBytes()), pts})
	} else {
		a.runs = append(a.runs, run{0, max(0, b.PTS)})
		if b.PTS != demux.NoPTS {
			a.runs[0].pts = b.PTS
		}
	}
	a.took = 0
	if b.Format != a.in {
		return a.resampler(b.Format)
	}
	return nil
}

// finishRun takes out what the resampler holds, and fills the packet at hand up.
func (a *AudioEncoder) finishRun(fill bool, ps *[]demux.Packet) error {
	pcm, err := a.res.Convert(nil)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", a.name, err)
	}
	if err := a.feed(pcm, ps); err != nil || !fill || len(a.part) == 0 {
		return err
	}
	return a.feed(make([]byte, a.size*a.sound.FrameBytes()-len(a.part)), ps)
}

func (a *AudioEncoder) finish(ps *[]demux.Packet) error { return a.finishRun(true, ps) }

// feed hands whole packets' worth of samples to the codec, and keeps the rest.
func (a *AudioEncoder) feed(pcm []byte, ps *[]demux.Packet) error {
	whole := a.size * a.sound.FrameBytes()
	for len(a.part)+len(pcm) >= whole {
		frame := pcm
		if len(a.part) > 0 {
			n := whole - len(a.part)
			a.part = append(a.part, pcm[:n]...)
			frame, pcm = a.part, pcm[n:]
		} else {
			pcm = pcm[whole:]
		}
		err := a.check(C.pl_sound_fill(frameC(a.frame), unsafe.Pointer(unsafe.SliceData(frame))))
		a.part = a.part[:0]
		if err != nil {
			return err
		}
		if err := a.check(C.pl_encode_frame(codecC(a.cc), frameC(a.frame), C.int64_t(a.fed), 0)); err != nil {
			return err
		}
		a.fed += int64(a.size)
		if err := a.packets(ps); err != nil {
			return err
		}
	}
	a.part = append(a.part, pcm...)
	return nil
}

// packets takes out what is ready. The nth packet has the sound from n times its size
// on, less the delay.
func (a *AudioEncoder) packets(ps *[]demux.Packet) error {
	for {
		data, _, _, err := a.receive()
		if finished(err) {
			return nil
		}
		if err != nil {
			return err
		}
		at := a.given*int64(a.size) - int64(a.delay)
		a.given++
		for len(a.runs) > 1 && a.runs[1].start <= at {
			a.runs = a.runs[1:]
		}
		pts := a.runs[0].pts + a.duration(at-a.runs[0].start)
		pts = max(pts, a.last)
		a.last = pts
		*ps = append(*ps, demux.Packet{
			PTS: pts, DTS: pts, Duration: a.sound.Duration(int64(a.size)),
			Key: true, Size: len(data), Data: data,
		})
	}
}

// duration is how long n samples last, which may be less than none.
func (a *AudioEncoder) duration(n int64) time.Duration {
	if n < 0 {
		return -a.sound.Duration(-n)
	}
	return a.sound.Duration(n)
}

// Close frees the encoder. It may be called more than once.
func (a *AudioEncoder) Close() {
	if a.res != nil {
		a.res.Close()
		a.res = nil
	}
	a.close()
}
