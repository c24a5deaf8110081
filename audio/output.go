package audio

import (
	"math"
	"time"
)

// Output is the interleaved format nearest to s that outputs take: S16 for 8
// and 16 bit, S32 for 32 bit integers and F32 for everything else.
func (s SampleFormat) Output() SampleFormat {
	switch s {
	case "u8", "u8p", "s16", "s16p":
		return S16
	case "s32", "s32p":
		return S32
	}
	return F32
}

// QueueFrames is the size of an output's queue in frames: a quarter of a
// second. It has to bridge a hiccup of the decoder (garbage collection and a
// busy machine: 70 ms were seen) plus the largest block that decoders commonly
// deliver (FLAC: 4608 frames, 100 ms) plus a period, and should not be much more,
// because what is queued cannot be changed by a change of speed. A device with
// long periods needs at least four of them.
func QueueFrames(rate, period int) int { return max(rate/4, 4*period) }

// PeriodFrames is the time between two hand-overs that outputs aim for, in
// frames: the power of two nearest to 22 ms, that is 1024 at 44.1 and 48 kHz.
// Shorter ones were seen to starve on a busy machine, longer ones make pausing
// and volume sluggish. It is between 64 and 32768.
func PeriodFrames(rate int) int {
	n := math.Round(math.Log2(float64(max(rate, 1)) * (22 * time.Millisecond).Seconds()))
	return 1 << int(min(max(n, 6), 15))
}
