package clock

import (
	"math"
	"math/rand"
	"testing"
	"time"
)

const ms = time.Millisecond

func TestClockRunsAtItsSpeed(t *testing.T) {
	c := New()
	c.Set(10*time.Second, 0)
	if got := c.At(5 * time.Second); got != 10*time.Second {
		t.Errorf("a clock that was not started shows %v after 5 s, want 10s", got)
	}
	c.Start(5 * time.Second)
	c.SetSpeed(2, 6*time.Second)
	if got := c.At(7 * time.Second); got != 13*time.Second {
		t.Errorf("1 s at 1x and 1 s at 2x from 10 s: got %v, want 13s", got)
	}
	if got := c.Until(15*time.Second, 7*time.Second); got != time.Second {
		t.Errorf("2 s of media at 2x take %v, want 1s", got)
	}
	c.Stop(7 * time.Second)
	if got := c.At(100 * time.Second); got != 13*time.Second {
		t.Errorf("a stopped clock moved to %v", got)
	}
}

// A sound card tells its position with jitter that is always late, and its
// crystal is off by some ppm. The clock has to stay close to the true position,
// and to move evenly from frame to frame.
func TestFollowSmoothsJitterAndDrift(t *testing.T) {
	for _, ppm := range []float64{-200, 0, 100, 200} {
		rng := rand.New(rand.NewSource(1))
		c := New()
		c.Start(0)
		frame := time.Second / 60
		prev := time.Duration(math.MinInt64)
		var worstError, worstStep time.Duration
		for now := time.Duration(0); now < time.Hour/4; now += frame {
			truth := time.Duration(float64(now) * (1 + ppm/1e6))
			jitter := time.Duration(rng.ExpFloat64() * float64(ms))
			c.Follow(truth-min(jitter, 6*ms), now)
			at := c.At(now)
			if now > 5*time.Second {
				worstError = max(worstError, max(at-truth, truth-at))
				step := at - prev - frame
				worstStep = max(worstStep, max(step, -step))
			}
			prev = at
		}
		// 1 ms is the mean of the jitter; what is left of its variation and of the
		// drift must be small against the 2 ms that presentation may be off.
		if worstError > 2*ms || worstStep > ms/4 {
			t.Errorf("%v ppm: error up to %v, uneven by up to %v", ppm, worstError, worstStep)
		}
	}
}

func TestFollowStepsWhenFarOff(t *testing.T) {
	c := New()
	c.Start(0)
	if dev := c.Follow(3*time.Second, time.Second); dev != 2*time.Second {
		t.Errorf("deviation %v, want 2s", dev)
	}
	if got := c.At(time.Second); got != 3*time.Second {
		t.Errorf("after a large deviation the clock shows %v, want 3s", got)
	}
}

func TestFollowNeverJumpsBackBySmallDeviations(t *testing.T) {
	c := New()
	c.Start(0)
	last := time.Duration(0)
	for now := ms; now < time.Second; now += ms {
		c.Follow(now-60*ms, now)
		if at := c.At(now); at < last {
			t.Fatalf("at %v the clock went back from %v to %v", now, last, at)
		} else {
			last = at
		}
	}
}

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name                     string
		start, end, media, shown time.Duration
		last                     bool
		want                     Verdict
	}{
		{"before its time", 40 * ms, 80 * ms, 20 * ms, 20 * ms, false, Wait},
		{"at its time", 40 * ms, 80 * ms, 40 * ms, 40 * ms, false, Show},
		{"a hair early", 40 * ms, 80 * ms, 40*ms - 50*time.Microsecond, 40 * ms, false, Show},
		{"late but still current", 40 * ms, 80 * ms, 79 * ms, 79 * ms, false, Show},
		{"over", 40 * ms, 80 * ms, 80 * ms, 40 * ms, false, Drop},
		{"over, but it is the last", 40 * ms, 80 * ms, 500 * ms, 40 * ms, true, Show},
		{"over, but nothing was shown for long", 40 * ms, 80 * ms, 500 * ms, 100 * ms, false, Show},
		{"no duration", 40 * ms, 40 * ms, 500 * ms, 40 * ms, false, Show},
	} {
		if got := Decide(c.start, c.end, c.media, c.shown, c.last); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestRestamper(t *testing.T) {
	const video, audio = 0, 1
	f := 40 * ms
	type in struct {
		stream int
		t      time.Duration
		want   time.Duration // playback time
	}
	for _, c := range []struct {
		name   string
		live   bool
		offset time.Duration
		in     []in
	}{
		{"continuous", true, 0, []in{{video, 0, 0}, {video, f, f}, {audio, f, f}, {video, 2 * f, 2 * f}}},
		{"a live stream begins anywhere", true, 0, []in{{video, time.Hour, 0}, {audio, time.Hour - f, -f}, {video, time.Hour + f, f}}},
		{"offset", true, time.Minute, []in{{video, 0, time.Minute}, {video, f, time.Minute + f}}},
		{"a pause in the stream is kept", true, 0, []in{{video, 0, 0}, {video, 3 * time.Second, 3 * time.Second}}},
		{"camera sets its clock", true, 0, []in{{video, 0, 0}, {video, f, f}, {video, time.Hour, 2 * f}, {video, time.Hour + f, 3 * f}}},
		{"both streams jump together", true, 0, []in{
			{video, 0, 0},
			{audio, 10 * ms, 10 * ms},
			{video, time.Hour, f},
			{audio, time.Hour + 10*ms, f + 10*ms},
			{video, time.Hour + f, 2 * f},
		}},
		{"interleaved old and new", true, 0, []in{
			{video, 0, 0},
			{audio, 0, 0},
			{video, time.Hour, f},
			{audio, f, f},
			{audio, time.Hour + f, 2 * f},
		}},
		{"back to zero", false, 0, []in{{video, 20 * time.Second, 20 * time.Second}, {video, 0, 20*time.Second + f}, {video, f, 20*time.Second + 2*f}}},
		{"slide show in a file", false, 0, []in{{video, 0, 0}, {video, 30 * time.Second, 30 * time.Second}}},
	} {
		r := NewRestamper(c.offset, c.live)
		for i, p := range c.in {
			if got := p.t + r.Offset(p.stream, p.t, f); got != p.want {
				t.Errorf("%s: packet %d: got %v, want %v", c.name, i, got, p.want)
			}
		}
	}
	r := NewRestamper(0, false)
	r.Offset(video, 0, f)
	r.Offset(audio, 0, 3*f)
	if r.End() != 3*f {
		t.Errorf("end %v, want %v", r.End(), 3*f)
	}
	if r.End(99) != 0 {
		t.Errorf("end of a stream of which nothing came: %v", r.End(99))
	}
}

// Whoever waits as long as Until says must not find that it is not yet time.
func TestUntilIsEnough(t *testing.T) {
	for _, speed := range []float64{0.1, 0.95, 0.983, 1, 1.0173, 1.05, 2, 3.7} {
		c := New()
		c.SetSpeed(speed, 0)
		c.Start(0)
		for i := range 2000 {
			now, due := time.Duration(i)*7_654_321, time.Duration(i)*9_876_543+1
			d := c.Until(due, now)
			if at := c.At(now + d); d > 0 && (at < due || at > due+3*time.Nanosecond+time.Duration(speed)) {
				t.Fatalf("speed %v: at %d until %d it is %d, and then %d", speed, now, due, d, at)
			}
			if d <= 0 && c.At(now) < due {
				t.Fatalf("speed %v: %d is said to be over at %d, media time %d", speed, due, now, c.At(now))
			}
		}
	}
}
