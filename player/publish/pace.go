package publish

import (
	"sync"
	"time"
)

// pacer tells when units are due: media time on the wall clock, one line for all
// streams.
type pacer struct {
	mu     sync.Mutex
	begun  bool
	origin time.Time // when media time 0 is, or would have been, due
	seen   time.Time // of a live source: when the origin was last looked at
	slips  int64
}

// maxLate is how far a file's units may be behind their time before time is taken to
// have stood still, because the disk or the encoder was too slow: sending a second's
// worth at once still fits into a receiver's buffers, more would not.
const maxLate = time.Second

// due is when a unit of a file with this decoding time is to leave.
func (p *pacer) due(dts time.Duration, now time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.begun {
		p.origin, p.begun = now, true
	}
	at := p.origin.Add(dts)
	if late := now.Sub(at); late > maxLate {
		p.origin = p.origin.Add(late)
		p.slips++
		at = now
	}
	return at
}

// creep says how fast the origin of a live source may move to later times: by 1/2000
// of the time that passes. Clocks differ by 1/10000 at most, and jitter moves it by
// little.
const creep = 2000

// arrived tells the pacer of a packet of a live source, with its time on our timeline:
// what the sender's clock says that it was captured at, or zero, and now. Without a
// clock the packet that came with the least delay so far tells.
func (p *pacer) arrived(t time.Duration, said, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := said
	if from.IsZero() {
		from = now
	}
	origin := from.Add(-t)
	switch ahead := origin.Sub(p.origin); {
	case !p.begun || !said.IsZero() || ahead < 0 || ahead > maxLate:
		p.origin, p.begun = origin, true
	default:
		p.origin = p.origin.Add(min(ahead, now.Sub(p.seen)/creep))
	}
	p.seen = now
}

// captured is when what has this time was captured, as far as can be known.
func (p *pacer) captured(t time.Duration) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.origin.Add(t)
}

// late is how far a unit with this time is behind, if it left now.
func (p *pacer) late(t time.Duration, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.begun {
		return 0
	}
	return now.Sub(p.origin.Add(t))
}

// Slips is how often time stood still.
func (p *pacer) Slips() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slips
}

// frameRate chooses the pictures of a stream that another rate needs: at each tick the
// latest one.
type frameRate struct {
	num, den int64 // frames per second
	next     int64 // the tick to fill
	begun    bool
}

// maxRepeat bounds how often a picture is repeated for a gap: 5 s at 60 fps. After a
// longer one time goes on where the source does.
const maxRepeat = 300

// before tells which ticks a picture is shown at, when one with this PTS follows it:
// first and count of them. The following one is shown from the nearest tick on.
func (f *frameRate) before(pts time.Duration) (first, count int64) {
	// Whole seconds are apart, or a week would overflow.
	s, rest := int64(pts/time.Second)*f.num, int64(pts%time.Second)*f.num
	k := s/f.den + (s%f.den*int64(time.Second)+rest+f.den*int64(time.Second)/2)/(f.den*int64(time.Second))
	first = f.next
	switch {
	case !f.begun:
		f.begun, f.next = true, k
		return k, 0
	case k-f.next > maxRepeat:
		f.next = k
		return first, 1
	}
	count = max(0, k-f.next)
	f.next += count
	return first, count
}

// at is the time of a tick.
func (f *frameRate) at(tick int64) time.Duration {
	t := tick * f.den
	return time.Duration(t/f.num)*time.Second + time.Duration(t%f.num*int64(time.Second)/f.num)
}
