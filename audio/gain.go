package audio

import (
	"encoding/binary"
	"math"
)

// ApplyGain multiplies interleaved PCM in an output's format (S16, S32, F32) in
// place. The gain goes from from to to in a straight line, which it reaches with
// the last frame, so that a change does not click. At 1 nothing is touched.
func ApplyGain(pcm []byte, f Format, from, to float64) {
	size := f.FrameBytes()
	if size == 0 || from == 1 && to == 1 {
		return
	}
	frames := len(pcm) / size
	for i := range frames {
		g := to
		if from != to && i+1 < frames {
			g = from + (to-from)*float64(i+1)/float64(frames)
		}
		for b := pcm[i*size : (i+1)*size]; len(b) > 0; b = b[f.Sample.Bytes():] {
			scale(b, f.Sample, g)
		}
	}
}

func scale(b []byte, s SampleFormat, g float64) {
	e := binary.NativeEndian
	switch s {
	case S16:
		e.PutUint16(b, uint16(int16(math.RoundToEven(float64(int16(e.Uint16(b)))*g))))
	case S32:
		e.PutUint32(b, uint32(int32(math.RoundToEven(float64(int32(e.Uint32(b)))*g))))
	case F32:
		e.PutUint32(b, math.Float32bits(math.Float32frombits(e.Uint32(b))*float32(g)))
	}
}
