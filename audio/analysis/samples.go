// Package analysis looks at sound: how loud it is now (Meter), what a whole file
// looks like (Peaks, Spectrogram), and the background reading that fills these
// (Scan). It draws nothing.
//
// Levels are in dBFS: 0 is the largest amplitude that fixed point holds, so that a
// full-scale sine has a peak of 0 and an RMS of -3.01.
package analysis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"planar/audio"
)

const (
	// MaxChannels is how many channels are looked at; more are ignored.
	MaxChannels = 32
	// Floor is the level of silence in dBFS: below what 24 bit hold.
	Floor = -144.0

	// maxRate is above every rate there is (DSD comes as 352.8 kHz). It bounds what a
	// gap between two time stamps costs.
	maxRate = 1 << 22
	// loudest bounds floating-point samples, which may be anything: +60 dBFS.
	loudest = 1000
)

// DB is an amplitude, of which 1 is full scale, in dBFS, and Floor at least.
func DB(amplitude float64) float64 {
	if !(amplitude > 0) {
		return Floor
	}
	return max(Floor, 20*math.Log10(amplitude))
}

// full is the amplitude from which on a sample counts as full scale: the largest
// positive code of fixed point, 1 of floating point.
func full(s audio.SampleFormat) float32 {
	switch s {
	case "u8", "u8p":
		return 127.0 / 128
	case "s16", "s16p":
		return 32767.0 / 32768
	case "s32", "s32p", "s64", "s64p":
		return 1 - 1.0/(1<<23) // float32 cannot tell the last codes apart
	}
	return 1
}

// samples writes n samples of a channel to dst, as amplitudes, of which 1 is full
// scale. pcm begins with the first of them, the following are step bytes apart.
func samples(dst []float32, pcm []byte, s audio.SampleFormat, step int) {
	e := binary.NativeEndian
	switch s {
	case "u8", "u8p":
		for i := range dst {
			dst[i] = float32(int(pcm[i*step])-128) / 128
		}
	case "s16", "s16p":
		for i := range dst {
			dst[i] = float32(int16(e.Uint16(pcm[i*step:]))) / (1 << 15)
		}
	case "s32", "s32p":
		for i := range dst {
			dst[i] = float32(int32(e.Uint32(pcm[i*step:]))) / (1 << 31)
		}
	case "s64", "s64p":
		for i := range dst {
			dst[i] = float32(int64(e.Uint64(pcm[i*step:]))) / (1 << 63)
		}
	case "flt", "fltp":
		for i := range dst {
			dst[i] = sane(math.Float32frombits(e.Uint32(pcm[i*step:])))
		}
	case "dbl", "dblp":
		for i := range dst {
			dst[i] = sane(float32(math.Float64frombits(e.Uint64(pcm[i*step:]))))
		}
	}
}

func sane(v float32) float32 {
	if v != v {
		return 0
	}
	return min(max(v, -loudest), loudest)
}

// split turns a block into one slice of amplitudes for each channel, up to
// MaxChannels, in memory that it takes from buf and that is valid until the next
// call with it. What a plane lacks is not there: the slices are as long as the shortest.
func split(b *audio.Block, buf *[][]float32) [][]float32 {
	size := b.Sample.Bytes()
	channels := min(b.Channels, MaxChannels)
	if size == 0 || channels <= 0 || len(b.Planes) == 0 {
		return nil
	}
	step := size
	if !b.Sample.Planar() {
		step *= b.Channels
	} else if channels = min(channels, len(b.Planes)); channels == 0 {
		return nil
	}
	n := max(b.Frames, 0)
	plane := func(c int) []byte {
		if b.Sample.Planar() {
			return b.Planes[c]
		}
		return b.Planes[0]
	}
	for c := range channels {
		n = min(n, len(plane(c))/step)
	}
	for len(*buf) < channels {
		*buf = append(*buf, nil)
	}
	out := (*buf)[:channels]
	for c := range out {
		if cap(out[c]) < n {
			out[c] = make([]float32, n)
		}
		out[c] = out[c][:n]
		pcm := plane(c)
		if n > 0 && !b.Sample.Planar() {
			pcm = pcm[c*size:]
		}
		samples(out[c], pcm, b.Sample, step)
	}
	return slices.Clone(out) // the caller may cut it
}

// ErrFormat says that the sound's rate or channels have changed in the middle, or
// are nothing that can be looked at.
var ErrFormat = errors.New("sound that cannot be analysed")

// track puts blocks one after another on the timeline of a whole source, on which
// frame 0 is at time 0.
type track struct {
	rate, channels int
	pos            int64 // frames taken so far
	buf            [][]float32
}

const (
	// NoPTS is the PTS of a block without a time stamp, which follows the one before;
	// the demuxers' value.
	NoPTS = time.Duration(math.MinInt64)

	// Containers round time stamps to milliseconds: up to this a deviation of the
	// stamped from the counted time is no news.
	stampJitter = 5 * time.Millisecond
	// Above this it is a broken time stamp. It bounds what a gap costs.
	hugeGap = time.Hour
)

// take returns a block's amplitudes, and how many frames are missing before it.
// What lies before the present end is cut off.
func (t *track) take(b *audio.Block) (gap int64, channels [][]float32, err error) {
	if b.Rate <= 0 || b.Rate > maxRate || b.Channels <= 0 || b.Sample.Bytes() == 0 {
		return 0, nil, fmt.Errorf("%w: %v", ErrFormat, b.Format)
	}
	if t.rate == 0 {
		t.rate, t.channels = b.Rate, min(b.Channels, MaxChannels)
	}
	if b.Rate != t.rate || min(b.Channels, MaxChannels) != t.channels {
		return 0, nil, fmt.Errorf("%w: %d Hz, %d channels become %d Hz, %d channels", ErrFormat, t.rate, t.channels, b.Rate, b.Channels)
	}
	channels = split(b, &t.buf)
	if len(channels) != t.channels {
		return 0, nil, fmt.Errorf("%w: a block of %d planes for %v", ErrFormat, len(b.Planes), b.Format)
	}
	off := b.PTS - t.time()
	switch first := t.pos == 0; {
	case b.PTS == NoPTS || off > hugeGap || off < -hugeGap:
	case off > stampJitter || first && off > 0:
		gap = b.Format.Frames(off)
	case off < -stampJitter || first && off < 0:
		cut := min(b.Format.Frames(-off), int64(len(channels[0])))
		for c := range channels {
			channels[c] = channels[c][cut:]
		}
	}
	t.pos += gap + int64(len(channels[0]))
	return gap, channels, nil
}

// time is the present end.
func (t *track) time() time.Duration { return audio.Format{Rate: t.rate}.Duration(t.pos) }
