package controls

import (
	"math"
	"testing"
	"time"

	"planar/demux"
	"planar/player"
	"planar/player/latency"
)

func TestHistoryIsBounded(t *testing.T) {
	var h history
	for i := range 1000 {
		now := time.Duration(i) * time.Second
		if !h.due(now) {
			t.Fatalf("second %d: not due", i)
		}
		h.add(sample{second: secondOf(now), bits: float64(i)})
		if h.due(now + 999*time.Millisecond) {
			t.Fatalf("second %d: due a second time", i)
		}
	}
	v := h.series(999*time.Second, maxSamples+1, func(s *sample) float64 { return s.bits })
	if !math.IsNaN(v[0]) || v[1] != 1000-maxSamples || v[maxSamples] != 999 {
		t.Errorf("it holds %v, %v ... %v, want nothing, %d ... 999", v[0], v[1], v[maxSamples], 1000-maxSamples)
	}
}

func TestHistoryLeavesGaps(t *testing.T) {
	var h history
	for _, s := range []int64{100, 101, 104} {
		h.add(sample{second: s, fps: float64(s)})
	}
	got := h.series(105*time.Second+300*time.Millisecond, 5, func(s *sample) float64 { return s.fps })
	nan := math.NaN()
	for i, want := range []float64{101, nan, nan, 104, nan} {
		if got[i] != want && !(math.IsNaN(got[i]) && math.IsNaN(want)) {
			t.Errorf("second %d is %v, want %v", i, got[i], want)
		}
	}
	if low, high, latest := extremes(got); low != 101 || high != 104 || latest != 104 {
		t.Errorf("extremes are %v, %v, %v, want 101, 104, 104", low, high, latest)
	}
	if low, _, latest := extremes([]float64{nan}); !math.IsNaN(low) || !math.IsNaN(latest) {
		t.Errorf("extremes of nothing are %v and %v", low, latest)
	}
	h.clear()
	h.window(105*time.Second, 60, func(int, *sample) { t.Error("there is a sample after clear") })
}

func TestSampleOf(t *testing.T) {
	live := &player.Live{
		Report:   latency.Report{Target: 100 * time.Millisecond, Behind: -20 * time.Millisecond, Jitter: 9 * time.Millisecond},
		Received: true,
		Reception: demux.Reception{Tracks: []demux.TrackReception{
			{Kind: demux.Video, LossNow: 0.02, Jitter: 3 * time.Millisecond}, {Kind: demux.Audio, LossNow: 0.01, Jitter: 4 * time.Millisecond},
		}},
	}
	st := player.Stats{Rates: player.Rates{Bits: 5e6, Shown: 25}, Live: live}
	if s := sampleOf(&st, 7); s.second != 7 || s.bits != 5e6 || s.loss != 0.02 || s.jitter != 0.004 || s.target != 0.1 || s.delay != 0.08 || s.lost {
		t.Errorf("live: %+v", s)
	}
	live.Received, live.Reception = false, demux.Reception{}
	if s := sampleOf(&st, 7); !math.IsNaN(s.loss) || s.jitter != 0.009 {
		t.Errorf("without a reception: loss %v, jitter %v, want none and 9 ms", s.loss, s.jitter)
	}
	live.Lost = 1
	if s := sampleOf(&st, 7); !s.lost || s.bits != 0 || !math.IsNaN(s.delay) {
		t.Errorf("lost: %+v", s)
	}
	st.Live = nil
	if s := sampleOf(&st, 7); !math.IsNaN(s.loss) || !math.IsNaN(s.target) || s.fps != 25 {
		t.Errorf("a file: %+v", s)
	}
}

func TestCeiling(t *testing.T) {
	for _, tt := range []struct{ v, unit, want float64 }{
		{0, 10, 10}, {math.NaN(), 10, 10}, {-3, 1, 1}, {10, 10, 10}, {11, 10, 20}, {21, 10, 30}, {61, 10, 80}, {81, 10, 100}, {99, 10, 100}, {100.5, 10, 200}, {0.25, 0.1, 0.3}, {math.Inf(1), 1, math.Inf(1)},
	} {
		if got := ceiling(tt.v, tt.unit); math.Abs(got-tt.want) > 1e-9 && got != tt.want {
			t.Errorf("ceiling(%v, %v) is %v, want %v", tt.v, tt.unit, got, tt.want)
		}
	}
}
