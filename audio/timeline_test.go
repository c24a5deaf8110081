package audio

import (
	"math"
	"sync"
	"testing"
	"time"
)

func TestTimeline(t *testing.T) {
	const (
		s  = time.Second
		ms = time.Millisecond
	)
	type add struct {
		frame int64
		pts   time.Duration
		speed float64
	}
	type look struct {
		heard float64
		want  time.Duration
	}
	for _, c := range []struct {
		name     string
		rate     int
		adds     []add
		looks    []look
		segments int // left
	}{
		{"one", 48000, []add{{0, 10 * s, 1}}, []look{{0, 10 * s}, {48000, 11 * s}, {24000.5, 10*s + 500*ms + 10417}}, 1},
		{"latency before the first", 48000, []add{{0, 10 * s, 1}}, []look{{-4800, 9900 * ms}, {-24000, 9500 * ms}}, 1},
		{"latency at double speed", 48000, []add{{0, 10 * s, 2}}, []look{{-4800, 9800 * ms}, {4800, 10200 * ms}}, 1},
		{"negative time stamps", 48000, []add{{0, -s, 1}}, []look{{0, -s}, {96000, s}}, 1},
		{"a seek", 48000, []add{{0, 0, 1}, {48000, 60 * s, 1}}, []look{{47999, 999979167}, {48000, 60 * s}, {96000, 61 * s}}, 1},
		{"a loop", 44100, []add{{0, 0, 1}, {44100, 0, 1}, {88200, 0, 1}}, []look{{22050, 500 * ms}, {66150, 500 * ms}}, 2},
		{"a change of speed", 48000, []add{{0, 0, 1}, {48000, s, 0.5}, {96000, 1500 * ms, 2}}, []look{{24000, 500 * ms}, {72000, 1250 * ms}, {144000, 3500 * ms}}, 1},
		{"going on is no segment", 48000, []add{{0, 0, 1}, {48000, s, 1}, {96000, 2 * s, 1}, {144000, 3*s + 10000, 1}}, []look{{0, 0}, {192000, 4 * s}}, 1},
		{"half a sample is", 48000, []add{{0, 0, 1}, {48000, s + 10500, 1}}, []look{{0, 0}}, 2},
		{"another speed is", 48000, []add{{0, 0, 1}, {48000, s, 1.05}}, []look{{0, 0}}, 2},
		{"going on does not add up errors", 48000, []add{{0, 0, 1}, {100, 2083333 + 9000, 1}, {200, 4166667 + 18000, 1}}, []look{{0, 0}}, 2},
		{"a later one replaces", 48000, []add{{0, 0, 1}, {48000, 5 * s, 1}, {96000, 9 * s, 1}, {48000, 7 * s, 1}}, []look{{24000, 500 * ms}, {96000, 8 * s}}, 1},
		{"the same frame again", 48000, []add{{0, 5 * s, 1}, {0, 7 * s, 1}}, []look{{0, 7 * s}}, 1},
		{"looked up backwards across what was forgotten", 48000, []add{{0, 0, 1}, {48000, 60 * s, 1}}, []look{{48000, 60 * s}, {47520, 59990 * ms}}, 1},
		{"a day", 44100, []add{{0, 0, 1}}, []look{{44100 * 86400, 24 * time.Hour}}, 1},
	} {
		tl := NewTimeline(c.rate)
		for _, a := range c.adds {
			tl.Append(a.frame, a.pts, a.speed)
		}
		for _, l := range c.looks {
			if got, _, ok := tl.At(l.heard); got != l.want || !ok {
				t.Errorf("%s: At(%g) = %v, %v, want %v", c.name, l.heard, got, ok, l.want)
			}
		}
		if got := len(tl.segments); got != c.segments {
			t.Errorf("%s: %d segments are left, want %d", c.name, got, c.segments)
		}
	}
}

func TestTimelineEmpty(t *testing.T) {
	tl := NewTimeline(48000)
	if pts, _, ok := tl.At(0); ok || pts != 0 {
		t.Errorf("empty: At(0) = %v, %v", pts, ok)
	}
	tl.Append(0, time.Second, 1)
	tl.Reset()
	if _, _, ok := tl.At(0); ok {
		t.Error("At finds something after Reset")
	}
	tl.Append(500, 3*time.Second, 1)
	if pts, _, ok := tl.At(500); !ok || pts != 3*time.Second {
		t.Errorf("after Reset and Append: %v, %v", pts, ok)
	}
}

func TestTimelineIsBounded(t *testing.T) {
	tl := NewTimeline(48000)
	for i := range int64(10 * maxSegments) {
		tl.Append(i*100, time.Duration(i)*time.Hour, 1)
	}
	if n := len(tl.segments); n != maxSegments {
		t.Errorf("%d segments, want %d", n, maxSegments)
	}
	last := int64(10*maxSegments - 1)
	if pts, _, _ := tl.At(float64(last * 100)); pts != time.Duration(last)*time.Hour {
		t.Errorf("the newest segment is not there: %v", pts)
	}
	if n := cap(tl.segments); n > 2*maxSegments {
		t.Errorf("room for %d segments is kept", n)
	}
}

func TestTimelineConcurrency(t *testing.T) {
	tl := NewTimeline(48000)
	tl.Append(0, 0, 1)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for n := range 2000 {
				// Each segment starts where media time is ten times the frames' time.
				if pts, _, ok := tl.At(float64(n * 48)); !ok || math.IsNaN(pts.Seconds()) {
					t.Errorf("At(%d) = %v, %v", n*48, pts, ok)
				}
			}
		})
	}
	wg.Go(func() {
		for n := range int64(2000) {
			tl.Append(n*48, time.Duration(n)*10*time.Millisecond, 1)
		}
	})
	wg.Wait()
}
