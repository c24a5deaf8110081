package audio

import (
	"math"
	"time"
)

// Loudness is how loud a programme is, by EBU R 128: ITU-R BS.1770-4 measures, EBU
// Tech 3341 says over which times, EBU Tech 3342 what the range is. A figure that is
// not known is NaN; that of digital silence is -Inf. The zero value has no meaning.
type Loudness struct {
	Measured time.Duration // how much sound has been measured

	Momentary  float64 // LUFS, of the latest 400 ms; not known before there are as many
	ShortTerm  float64 // LUFS, of the latest 3 s; not known before there are as many
	Integrated float64 // LUFS, of all that was measured, gated; not known while all was below -70 LUFS
	Range      float64 // LU: the loudness range, LRA; not known before there are five ShortTerms, 100 ms apart

	SamplePeak float64 // dBFS: the highest sample of any channel
	TruePeak   float64 // dBTP: the highest of any channel between samples, BS.1770-4 Annex 2
}

// NoLoudness is that of nothing: no figure is known.
func NoLoudness() Loudness {
	nan := math.NaN()
	return Loudness{0, nan, nan, nan, nan, nan, nan}
}
