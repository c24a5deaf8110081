package controls

import (
	"math"
	"time"

	"planar/player"
)

// maxSamples bounds a history: one sample a second, twice the minute that is shown.
const maxSamples = 120

// sample is how playback went in one second.
type sample struct {
	second int64 // on the clock of player.Moment
	// Numbers that are not known are NaN.
	bits    float64 // a second
	loss    float64 // share of the packets of the track that lost most, 0 to 1
	jitter  float64 // s
	fps     float64 // shown
	stages  player.Stages
	target  float64 // of the delay, s
	delay   float64 // s
	lost    bool    // no signal
	connect int64   // connections made again so far
}

// sampleOf is what st says of a second.
func sampleOf(st *player.Stats, second int64) sample {
	nan := math.NaN()
	s := sample{
		second: second, bits: st.Rates.Bits, fps: st.Rates.Shown, stages: st.Stages, connect: st.Reconnects,
		loss: nan, jitter: nan, target: nan, delay: nan,
	}
	l := st.Live
	if l == nil {
		return s
	}
	if s.lost = l.Lost > 0; s.lost {
		// What else is reported is from before.
		s.bits, s.fps, s.stages = 0, 0, player.Stages{}
		return s
	}
	s.target, s.delay, s.jitter = l.Target.Seconds(), max(0, l.Target+l.Behind).Seconds(), l.Jitter.Seconds()
	if l.Received {
		for i, t := range l.Reception.Tracks {
			if i == 0 {
				s.loss, s.jitter = 0, 0
			}
			s.loss, s.jitter = max(s.loss, t.LossNow), max(s.jitter, t.Jitter.Seconds())
		}
	}
	return s
}

// history is the latest samples of one source, a ring. The zero value is empty.
type history struct {
	ring  [maxSamples]sample
	count int // samples ever
}

// secondOf is the second that now lies in.
func secondOf(now time.Duration) int64 { return int64(now / time.Second) }

// due reports whether there is no sample of the present second. Seconds are those of
// the clock, so that samples are one in each, however late they are taken.
func (h *history) due(now time.Duration) bool {
	return h.count == 0 || h.last().second != secondOf(now)
}

func (h *history) last() *sample { return &h.ring[(h.count-1)%maxSamples] }

// add appends a sample; the oldest goes.
func (h *history) add(s sample) {
	h.ring[h.count%maxSamples] = s
	h.count++
}

// clear forgets all samples.
func (h *history) clear() { h.count = 0 }

// window calls f for each sample of the n seconds that end with now, with its place
// among them: n-1 is the present one.
func (h *history) window(now time.Duration, n int, f func(i int, s *sample)) {
	end := secondOf(now)
	for k := max(0, h.count-maxSamples); k < h.count; k++ {
		s := &h.ring[k%maxSamples]
		if i := int64(n) - 1 - (end - s.second); i >= 0 && i < int64(n) {
			f(int(i), s)
		}
	}
}

// series is a number of each of the n seconds that end with now, NaN where there is
// no sample.
func (h *history) series(now time.Duration, n int, number func(s *sample) float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.NaN()
	}
	h.window(now, n, func(i int, s *sample) { v[i] = number(s) })
	return v
}

// extremes are the smallest and the largest number of v, and the latest one; NaN if
// there is none.
func extremes(v []float64) (low, high, latest float64) {
	low, high, latest = math.NaN(), math.NaN(), math.NaN()
	for _, x := range v {
		if math.IsNaN(x) {
			continue
		}
		if math.IsNaN(low) {
			low, high = x, x
		}
		low, high, latest = min(low, x), max(high, x), x
	}
	return low, high, latest
}

// ceiling is the smallest of 1, 2, 3, 4, 5, 6, 8, 10, 20, ... times unit that v does
// not exceed, so that an axis changes seldom.
func ceiling(v, unit float64) float64 {
	if !(v > unit) {
		return unit
	}
	if v > unit*1e12 { // nothing of what is measured here
		return v
	}
	for step := unit; ; step *= 10 {
		for _, m := range [...]float64{1, 2, 3, 4, 5, 6, 8} {
			if v <= m*step {
				return m * step
			}
		}
	}
}
