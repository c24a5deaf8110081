package pattern

import (
	"encoding/binary"
	"math"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/render"
)

const (
	signalTime = 60 * time.Millisecond // of a beep, and of a flash
	edgeTime   = 5 * time.Millisecond  // in which a beep comes and goes: no clicks
	beepLevel  = 0.251188643150958     // -12 dBFS: the peak, 1 is full scale
	blockTime  = 20 * time.Millisecond
)

// flashes reports whether the flash and the beep of a second begin with frame n: it is
// the first one of a whole second of the pattern's timeline, or of more if frames last
// longer.
func flashes(n int64, rate render.Rational) bool {
	return n == 0 || n > 0 && demux.FrameTime(n, rate)/time.Second > demux.FrameTime(n-1, rate)/time.Second
}

// lit reports whether frame n shows the flash.
func lit(n int64, rate render.Rational) bool {
	at := demux.FrameTime(n, rate)
	for m := n; m >= 0 && at-demux.FrameTime(m, rate) < signalTime; m-- {
		if flashes(m, rate) {
			return true
		}
	}
	return false
}

// newBeep is the sound of one beep, as interleaved samples of f. It begins and ends with
// a sample of 0.
func newBeep(f audio.Format, tone int) []byte {
	n, edge := f.Frames(signalTime), float64(f.Frames(edgeTime))
	b := make([]byte, 0, int(n)*f.FrameBytes())
	for i := range n {
		gain := beepLevel
		if d := float64(min(i, n-1-i)); d < edge {
			gain *= (1 - math.Cos(math.Pi*d/edge)) / 2
		}
		v := math.Round(gain * math.MaxInt16 * math.Sin(2*math.Pi*float64(tone)*float64(i)/float64(f.Rate)))
		for range f.Channels {
			b = binary.LittleEndian.AppendUint16(b, uint16(int16(v)))
		}
	}
	return b
}

// blockOfSound is the sound from sample first on: silence, and what falls into it of
// the beeps that begin with the frames of a rate.
func blockOfSound(f audio.Format, first, frames int64, beep []byte, rate render.Rational) []byte {
	size := int64(f.FrameBytes())
	b := make([]byte, frames*size)
	// The beeps that may reach into it, a frame more at either end for rounding.
	from, to := f.Duration(first)-signalTime-time.Millisecond, f.Duration(first+frames)
	for n := demux.FrameAt(from, rate); n <= demux.FrameAt(to, rate)+1; n++ {
		if !flashes(n, rate) {
			continue
		}
		offset := (f.Frames(demux.FrameTime(n, rate)) - first) * size // of the beep in the block
		switch {
		case offset >= int64(len(b)) || -offset >= int64(len(beep)):
		case offset >= 0:
			copy(b[offset:], beep)
		default:
			copy(b, beep[-offset:])
		}
	}
	return b
}
