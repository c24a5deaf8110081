package sdlaudio

import (
	"slices"
	"sync"
	"time"
)

// offset is when the first frame of a stream was, or would have been, heard, as it was
// measured again and again: frame n is heard n/rate later. Measurements are late by up
// to a request of the sound server, never early but for an exception. Its methods may be
// called from any goroutine.
type offset struct {
	mu   sync.Mutex
	seen []time.Duration // the latest measurements, oldest first
}

const (
	// So many are kept: 2.4 s at ten measurements a second. A device that is 100 ppm fast
	// is followed with 0.2 ms of delay.
	offsetsKept = 24
	// Of so many the least counts; for each so many more another one is left out, which
	// is too early if the machine was too busy to hand over what was counted. The result
	// is late by an eighth of a request at most.
	offsetsEach = 8
	// A stream that was interrupted is late from then on, by this or more. If the latest
	// few all say so, those before are forgotten.
	offsetJump = 3 * time.Millisecond
	offsetsFew = 8
)

// add takes a measurement.
func (o *offset) add(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, d)
	if n := len(o.seen) - offsetsKept; n > 0 {
		o.seen = slices.Delete(o.seen, 0, n)
	}
	if n := len(o.seen) - offsetsFew; n > 0 && o.late(offsetsFew) {
		o.seen = slices.Delete(o.seen, 0, n)
	}
}

// late reports whether the latest n measurements all lie behind what counts.
func (o *offset) late(n int) bool {
	return slices.Min(o.seen[len(o.seen)-n:]) > least(o.seen)+offsetJump
}

// get is the offset, false if it is not known yet.
func (o *offset) get() (time.Duration, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.seen) == 0 {
		return 0, false
	}
	return least(o.seen), true
}

// settled reports whether there are enough measurements to trust, and no sign of an
// interruption.
func (o *offset) settled() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.seen) == offsetsKept && !o.late(offsetsFew/2)
}

// reset forgets all: another stream has begun.
func (o *offset) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = nil
}

// least is the least measurement, less those that are left out.
func least(seen []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(seen))[(len(seen)-1)/offsetsEach]
}
