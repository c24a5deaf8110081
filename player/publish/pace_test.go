package publish

import (
	"testing"
	"time"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestPacerFile(t *testing.T) {
	const ms = time.Millisecond
	var p pacer
	steps := []struct{ dts, now, due time.Duration }{
		{40 * ms, 0, 40 * ms}, // time begins
		{80 * ms, 10 * ms, 80 * ms},
		{120 * ms, 500 * ms, 120 * ms},   // late, but not by much
		{160 * ms, 3000 * ms, 3000 * ms}, // too late: time stood still
		{200 * ms, 3001 * ms, 3040 * ms},
	}
	for i, s := range steps {
		if got := p.due(s.dts, epoch.Add(s.now)).Sub(epoch); got != s.due {
			t.Errorf("step %d: due %v, want %v", i, got, s.due)
		}
	}
	if p.Slips() != 1 {
		t.Errorf("%d slips", p.Slips())
	}
}

// What a live source's units were captured at follows the ones that came quickest,
// and a clock that runs differently.
func TestPacerLive(t *testing.T) {
	var p pacer
	const drift = 1.0001     // ours runs faster than the sender's
	for i := range 100_000 { // 4000 s
		media := time.Duration(i) * 40 * time.Millisecond
		jitter := time.Duration(i*7919%50) * time.Millisecond
		now := epoch.Add(time.Duration(float64(media)*drift) + 20*time.Millisecond + jitter)
		p.arrived(media, time.Time{}, now)
		got := p.captured(media)
		if off := now.Sub(got) - jitter; i > 50 && (off < -time.Millisecond || off > 5*time.Millisecond) {
			t.Fatalf("at %v: %v before the quickest one would have come", media, off)
		}
	}
	said := epoch.Add(time.Hour)
	p.arrived(5*time.Second, said, epoch.Add(time.Hour+time.Second))
	if got := p.captured(5 * time.Second); !got.Equal(said) {
		t.Errorf("the sender says %v, taken for %v", said, got)
	}
}

// shownAt is which picture of a source is shown at each tick of another rate.
func shownAt(f *frameRate, pts []time.Duration, end time.Duration) (pictures []int, times []time.Duration) {
	for i := range pts {
		until := end
		if i+1 < len(pts) {
			until = pts[i+1]
		}
		if i == 0 {
			f.before(pts[0])
		}
		first, count := f.before(until)
		for k := range count {
			pictures = append(pictures, i)
			times = append(times, f.at(first+k))
		}
	}
	return pictures, times
}

func TestFrameRate(t *testing.T) {
	tests := []struct {
		name     string
		num, den int64
		from     time.Duration // of pictures
		n        int
	}{
		{"25 to 50", 50, 1, 40 * time.Millisecond, 100},
		{"50 to 25", 25, 1, 20 * time.Millisecond, 100},
		{"25 to 29.97", 30000, 1001, 40 * time.Millisecond, 1000},
		{"the same", 25, 1, 40 * time.Millisecond, 100},
		{"59.94 to 60", 60, 1, 1001 * time.Second / 60000, 60000},
		{"5 to 25", 25, 1, 200 * time.Millisecond, 10},
		{"a slide each 3 s", 10, 1, 3 * time.Second, 5},
	}
	for _, c := range tests {
		for _, base := range []time.Duration{0, 200 * time.Hour} {
			var pts []time.Duration
			for i := range c.n {
				pts = append(pts, base+time.Duration(i)*c.from)
			}
			end := base + time.Duration(c.n)*c.from
			pictures, times := shownAt(&frameRate{num: c.num, den: c.den}, pts, end)
			tick := time.Duration(c.den) * time.Second / time.Duration(c.num)
			if want := int((end - base + tick/2) / tick); len(times) < want-1 || len(times) > want+1 {
				t.Errorf("%s from %v: %d pictures, want %d", c.name, base, len(times), want)
			}
			for i, at := range times {
				if i > 0 && at <= times[i-1] {
					t.Fatalf("%s: %v after %v", c.name, at, times[i-1])
				}
				// The one that the source shows then, give or take half a tick.
				if late := at - pts[pictures[i]]; late < -tick/2-1 || late > c.from+tick/2+1 {
					t.Fatalf("%s: at %v picture %d is shown, of %v", c.name, at, pictures[i], pts[pictures[i]])
				}
			}
		}
	}
	f := frameRate{num: 25, den: 1}
	f.before(0)
	if _, n := f.before(4 * time.Second); n != 100 {
		t.Errorf("a gap of 4 s is filled with %d pictures", n)
	}
	if _, n := f.before(time.Hour); n != 1 {
		t.Errorf("a gap of an hour is filled with %d pictures", n)
	}
}
