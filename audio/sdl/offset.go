package sdlaudio

import (
	"slices"
	"sync"
	"time"
)

// bounds are what one answer of the sound server says about when the first frame of a
// stream was heard: not before low, as what SDL still holds back will come after it, and
// not after high, as the block before the latest has gone in whole.
type bounds struct{ low, high time.Duration }

// offset is when the first frame of a stream was, or would have been, heard: frame n
// is heard n/rate later. It is narrowed down by many bounds. Its methods may be called from any
// goroutine.
type offset struct {
	request time.Duration // what the server requests at a time, at least

	mu   sync.Mutex
	seen []bounds // the latest ones that agree, oldest first
	odd  []bounds // the latest ones in a row that do not agree with these
}

const (
	// So many are kept, for some 2 s. A device that is 100 ppm fast is followed
	// with 0.2 ms of delay at most.
	boundsKept = 24
	// So many are needed, of all phases of a block, before they tell anything.
	boundsNeeded = 6
	// Answers are inexact by this.
	boundsSlack = 500 * time.Microsecond
	// A stream that was interrupted is late from then on. So many in a row that disagree
	// are believed; single ones are a busy machine's.
	boundsOdd = 4
)

// add takes what another answer says.
func (o *offset) add(b bounds) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.seen) > 0 {
		if now := narrow(o.seen); b.low > now.high+boundsSlack || b.high < now.low-boundsSlack {
			if o.odd = append(o.odd, b); len(o.odd) == boundsOdd {
				o.seen, o.odd = o.odd, nil
			}
			return
		}
	}
	o.odd = nil
	o.seen = append(o.seen, b)
	if n := len(o.seen) - boundsKept; n > 0 {
		o.seen = slices.Delete(o.seen, 0, n)
	}
}

// get is the offset, false if it is not known yet.
//
// SDL asks for the next block when a request of the server's could take the rest of the one
// before. If requests and blocks keep step, that rest is always a whole request, which
// low therefore lacks and high has or has more than. If they do not, high comes close.
func (o *offset) get() (time.Duration, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.seen) < boundsNeeded {
		return 0, false
	}
	b := narrow(o.seen)
	return min(b.high, b.low+o.request), true
}

// settled reports whether there are enough answers to trust, and none that disagrees.
func (o *offset) settled() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.seen) >= boundsKept/2 && len(o.odd) == 0
}

// reset forgets all: another stream has begun.
func (o *offset) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen, o.odd = nil, nil
}

// narrow is what all say together, but for the least high: a busy machine lets the
// server answer before it has got what was sent.
func narrow(all []bounds) bounds {
	low := all[0].low
	high := make([]time.Duration, len(all))
	for i, b := range all {
		low, high[i] = max(low, b.low), b.high
	}
	slices.Sort(high)
	return bounds{low, high[min(1, len(high)-1)]}
}
