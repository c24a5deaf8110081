package sdlaudio

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Measurements of a stream that begins to be heard at 100 ms, late by up to a request
// of 6 ms, one in 40 too early by one.
func TestOffset(t *testing.T) {
	const begins, request = 100 * time.Millisecond, 6 * time.Millisecond
	r := rand.New(rand.NewPCG(1, 2))
	uneven := func(at time.Duration) time.Duration {
		if r.IntN(40) == 0 {
			return at - request
		}
		return at + time.Duration(r.Int64N(int64(request)))
	}
	even := func(at time.Duration) time.Duration { return at }
	for _, c := range []struct {
		name    string
		measure func(time.Duration) time.Duration
		jump    time.Duration // after 100 measurements
		error   time.Duration // after that, and as many again
	}{
		{"even", even, 0, 0},
		{"uneven", uneven, 0, 3 * time.Millisecond},
		{"interrupted", even, 20 * time.Millisecond, 0},
		{"interrupted, uneven", uneven, 20 * time.Millisecond, 3 * time.Millisecond},
		{"sooner", even, -20 * time.Millisecond, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var o offset
			if _, ok := o.get(); ok || o.settled() {
				t.Error("known before it was measured")
			}
			at := begins
			for i := range 200 {
				if i == 100 {
					at += c.jump
				}
				o.add(c.measure(at))
				since := i % 100
				if c.jump == 0 {
					since = i
				}
				got, ok := o.get()
				if !ok {
					t.Fatal("not known after a measurement")
				}
				if err := (got - at).Abs(); since >= offsetsKept && err > c.error {
					t.Errorf("measurement %d: off by %v, want at most %v", i, err, c.error)
				}
			}
			o.reset()
			if _, ok := o.get(); ok {
				t.Error("known after a reset")
			}
		})
	}
}

// An interruption is followed within the few measurements that tell of it.
func TestOffsetFollowsInterruption(t *testing.T) {
	var o offset
	for range offsetsKept {
		o.add(time.Second)
	}
	if !o.settled() {
		t.Fatal("not settled")
	}
	for i := range offsetsFew {
		o.add(time.Second + 50*time.Millisecond)
		if settled := o.settled(); settled != (i+1 < offsetsFew/2) {
			t.Errorf("%d measurements after an interruption: settled is %v", i+1, settled)
		}
	}
	if got, _ := o.get(); got != time.Second+50*time.Millisecond {
		t.Errorf("after an interruption: %v", got)
	}
}
