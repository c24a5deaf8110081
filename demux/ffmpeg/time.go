package ffmpeg

import (
	"math"
	"math/bits"
	"time"

	"planar/demux"
)

// ticksToDuration is ts ticks of num/den seconds each, rounded to the nearest
// nanosecond (half away from zero) and clamped to what a Duration holds above
// NoPTS. FFmpeg's "no timestamp" and an impossible time base give NoPTS.
func ticksToDuration(ts int64, num, den int) time.Duration {
	if ts == noTimestamp || num <= 0 || den <= 0 {
		return demux.NoPTS
	}
	neg, u := ts < 0, uint64(ts)
	if neg {
		u = -u
	}
	v, ok := mulDiv(u, uint64(num)*uint64(time.Second), uint64(den), uint64(den)/2)
	if !ok || v > math.MaxInt64 {
		v = math.MaxInt64
	}
	if neg {
		return -time.Duration(v)
	}
	return time.Duration(v)
}

// durationToTicks is the last tick of num/den seconds at or before d, by
// ticksToDuration's reckoning.
func durationToTicks(d time.Duration, num, den int) int64 {
	if num <= 0 || den <= 0 {
		return 0
	}
	neg, u := d < 0, uint64(d)
	if neg {
		u = -u
	}
	per := uint64(num) * uint64(time.Second)
	v, ok := mulDiv(u, uint64(den), per, per/2)
	if !ok || v >= math.MaxInt64 {
		v = math.MaxInt64 - 1
	}
	ts := int64(v)
	if neg {
		ts = -ts
	}
	for ticksToDuration(ts, num, den) > d {
		ts--
	}
	return ts
}

// mulDiv is (a*b + add) / c with a 128-bit product, false if it exceeds 64 bits.
func mulDiv(a, b, c, add uint64) (uint64, bool) {
	hi, lo := bits.Mul64(a, b)
	lo, carry := bits.Add64(lo, add, 0)
	hi += carry
	if hi >= c {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, c)
	return q, true
}

// since is t on a timeline that begins at base; NoPTS stays.
func since(t, base time.Duration) time.Duration {
	if t == demux.NoPTS {
		return t
	}
	r := t - base
	switch {
	case base > 0 && r > t: // wrapped
		return math.MinInt64 + 1
	case base < 0 && r < t:
		return math.MaxInt64
	case r == demux.NoPTS:
		return r + 1
	}
	return r
}
