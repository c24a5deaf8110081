package controls

import (
	"math"
	"testing"
	"time"

	"planar/player"
	"planar/render"
)

func TestTimeline(t *testing.T) {
	const ms = time.Millisecond
	pal, ntsc := render.Rational{Num: 25, Den: 1}, render.Rational{Num: 30000, Den: 1001}
	for _, c := range []struct {
		length time.Duration
		rate   render.Rational
		x      float64
		frames int64
		want   target
	}{
		{time.Minute, pal, 0, 1500, target{0, 0, 20 * ms}},
		{time.Minute, pal, 1, 1500, target{1499, 59960 * ms, 59980 * ms}},
		{time.Minute, pal, 2, 1500, target{1499, 59960 * ms, 59980 * ms}},
		{time.Minute, pal, -1, 1500, target{0, 0, 20 * ms}},
		{time.Minute, pal, 310.4 / 1499, 1500, target{310, 12400 * ms, 12420 * ms}},
		{200 * ms, pal, 0.49, 5, target{2, 80 * ms, 100 * ms}},
		{40 * ms, pal, 0.9, 1, target{0, 0, 20 * ms}},
		{10 * ms, pal, 0.9, 1, target{0, 0, 20 * ms}}, // shorter than it should be
		{3 * 33366666 * time.Nanosecond, ntsc, 0.5, 3, target{1, 33366667, 50050000}},
		{time.Minute, render.Rational{}, 0.5, 0, target{-1, 30 * time.Second, 30 * time.Second}},
		{0, pal, 0.5, 0, target{-1, 0, 0}},
	} {
		l := timeline{c.length, c.rate}
		if got := l.frames(); got != c.frames {
			t.Errorf("%v at %v: %d frames, want %d", c.length, c.rate, got, c.frames)
		}
		got := l.target(c.x)
		if got != c.want {
			t.Errorf("%v at %v, place %v: %+v, want %+v", c.length, c.rate, c.x, got, c.want)
		}
		if got.frame >= 0 && l.frameAt(got.seek) != got.frame {
			t.Errorf("%v at %v: the seek to frame %d goes to %d", c.length, c.rate, got.frame, l.frameAt(got.seek))
		}
	}
}

// What the tooltip says is what the seek is aimed at and what the knob then shows.
func TestTimelineRoundTrip(t *testing.T) {
	for _, rate := range []render.Rational{{Num: 25, Den: 1}, {Num: 30000, Den: 1001}, {Num: 24000, Den: 1001}, {Num: 120, Den: 1}, {Num: 1, Den: 2}, {Num: 90000, Den: 1}} {
		n := int64(100_003)
		l := timeline{rate: rate}
		l.length = l.start(n)
		if l.frames() != n {
			t.Fatalf("%v: %d frames, want %d", rate, l.frames(), n)
		}
		for k := int64(0); k < n; k += 97 {
			at := l.start(k)
			for name, got := range map[string]int64{
				"beginning": l.frameAt(at), "middle": l.frameAt(l.middle(k)), "place": l.target(l.place(at)).frame,
			} {
				if got != k {
					t.Fatalf("%v: the %s of frame %d is in frame %d", rate, name, k, got)
				}
			}
		}
	}
}

func TestTimelineStep(t *testing.T) {
	pal := timeline{time.Minute, render.Rational{Num: 25, Den: 1}}
	sound := timeline{length: time.Minute}
	for _, c := range []struct {
		line    timeline
		from    time.Duration
		n       int
		seconds bool
		frame   int64
		at      time.Duration
	}{
		{pal, 12400 * time.Millisecond, 1, false, 311, 12440 * time.Millisecond},
		{pal, 12400 * time.Millisecond, -1, false, 309, 12360 * time.Millisecond},
		{pal, 12400 * time.Millisecond, 1, true, 335, 13400 * time.Millisecond},
		{pal, 0, -1, false, 0, 0},
		{pal, 0, -3, true, 0, 0},
		{pal, time.Minute, 1, false, 1499, 59960 * time.Millisecond},
		{pal, 59 * time.Second, 5, true, 1499, 59960 * time.Millisecond},
		{sound, 12400 * time.Millisecond, 1, false, -1, 13400 * time.Millisecond},
		{sound, 12400 * time.Millisecond, -20, false, -1, 0},
		{sound, 59500 * time.Millisecond, 1, true, -1, time.Minute},
	} {
		if got := c.line.step(c.from, c.n, c.seconds); got.frame != c.frame || got.at != c.at {
			t.Errorf("%d from %v, seconds %v: frame %d at %v, want %d at %v", c.n, c.from, c.seconds, got.frame, got.at, c.frame, c.at)
		}
	}
}

func TestTimelineHostile(t *testing.T) {
	for _, length := range []time.Duration{math.MinInt64, -1, 0, 1, math.MaxInt64} {
		for _, rate := range []render.Rational{{}, {Num: -1, Den: 1}, {Num: math.MaxInt32, Den: 1}, {Num: 1, Den: math.MaxInt32}} {
			st := player.Status{HasVideo: true, Rate: rate}
			st.Duration = length
			l := timelineOf(&st)
			for _, x := range []float64{-1, 0, 0.3, 1, math.Inf(1)} {
				g := l.target(x)
				if g.at < 0 || g.seek < 0 || g.frame > maxCounted {
					t.Errorf("%v at %v, place %v: %+v", length, rate, x, g)
				}
			}
			for _, at := range []time.Duration{math.MinInt64, 0, math.MaxInt64} {
				if p := l.place(at); !(p >= 0 && p <= 1) {
					t.Errorf("%v at %v: %v is at %v", length, rate, at, p)
				}
			}
		}
	}
}

func TestTimeText(t *testing.T) {
	for _, c := range []struct {
		t, whole time.Duration
		want     string
	}{
		{12400 * time.Millisecond, time.Minute, "0:12.400"},
		{-47600 * time.Millisecond, time.Minute, "-0:47.600"},
		{66666667 * time.Nanosecond, time.Minute, "0:00.067"},
		{59999600 * time.Microsecond, time.Minute, "1:00.000"},
		{62 * time.Second, 20 * time.Minute, "01:02.000"},
		{62 * time.Second, time.Hour, "0:01:02.000"},
		{3723400 * time.Millisecond, 0, "1:02:03.400"},
		{math.MinInt64, 0, "-2562047:47:16.854"},
	} {
		if got := timeText(c.t, c.whole); got != c.want {
			t.Errorf("%v of %v is %q, want %q", c.t, c.whole, got, c.want)
		}
	}
	for d, want := range map[time.Duration]string{-1: "0 s", 12900 * time.Millisecond: "12 s", 65 * time.Second: "1:05", 3723 * time.Second: "1:02:03"} {
		if got := sinceText(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	for f, want := range map[float64]string{1: "1x", 1.25: "1.25x", 0.5: "0.5x", 1.1: "1.1x", 1.331: "1.33x", 10: "10x"} {
		if got := speedText(f); got != want {
			t.Errorf("speed %v is %q, want %q", f, got, want)
		}
	}
}
