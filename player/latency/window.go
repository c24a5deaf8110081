package latency

import (
	"iter"
	"math"
	"slices"
	"time"
)

const (
	// What is measured of jitter is measured over this time.
	jitterWindow = 8 * time.Second
	// The base is the smallest transit of this time: a path that got longer is
	// known after it, a clock that drifts by 200 ppm makes the base 0.8 ms old.
	baseWindow = 4 * time.Second
	// Units closer together than sampleStep in media time share a sample, so
	// that maxSamples always hold jitterWindow: 60 pictures a second are 480, and
	// sound in blocks of 21.3 ms is 375.
	maxSamples = 512
	sampleStep = jitterWindow / maxSamples
	// Base and allowance are computed at most this often; it bounds the cost of
	// sorting, and is how long "at once" may take.
	evaluateEvery = 200 * time.Millisecond
	// Of pictures a part of it is enough, which makes the delay follow sooner: what
	// is asked of them is a matter of quarters, not of hundredths.
	pictureWindow = jitterWindow / 2
	// An allowance that is too large loses a quarter in 3 s: 3 s / ln(4/3); that of
	// pictures in 0.6 s, for they pay for it with their age all the time.
	fallTime, pictureFall = 10 * time.Second, 2 * time.Second
	// More than this is not buffered, whatever the network does.
	maxAllowance = time.Second
	// A silence so much longer than a unit is an outage.
	outageGap = 250 * time.Millisecond
	// A stream that delivers nothing for so long does not count.
	activeFor = 3 * time.Second
	// Longer units than this have no meaning here (a still picture, an error).
	maxLength = time.Second
)

// sample is what is kept of one unit, or of a few that are close together.
type sample struct {
	at        time.Duration // real time at which it became playable
	low, high time.Duration // smallest and largest transit
	base      time.Duration // the stream's base at that time
}

// transits measures how long the units of one stream are under way. The sender's
// clock is unknown, so that a transit means something only beside another one.
type transits struct {
	kind Stream
	ring [maxSamples]sample
	next int // where the next sample goes
	n    int // samples in use

	known   bool          // a unit has come; all below is valid only then
	last    time.Duration // real time of the latest unit
	newest  time.Duration // its PTS
	length  time.Duration // its duration
	sampled time.Duration // PTS with which the latest sample began

	base      time.Duration // low end of the transits
	allowance time.Duration // what to wait beyond base, smoothed
	jitter    time.Duration // mean difference of successive transits (RFC 3550, 6.4.1)
	evaluated time.Duration // real time of the latest evaluate

	held  bool          // units held back by an outage are coming in
	until time.Duration // real time at which held ends anyway
	calm  time.Duration // real time from which an outage is the only one in jitterWindow

	scratch [maxSamples]time.Duration
}

// add notes a unit that became playable at now.
func (t *transits) add(pts, length, now time.Duration) {
	transit := now - pts
	length = min(max(length, 0), maxLength)
	if !t.known {
		t.known, t.base, t.evaluated = true, transit, now
	} else {
		before := t.last - t.newest
		d := max(transit-before, before-transit)
		t.jitter += (min(d, maxAllowance) - t.jitter) / 16
		t.outage(now-t.last-t.length, now)
	}
	t.last, t.newest, t.length = now, pts, length
	t.base = min(t.base, transit)
	if t.held = t.held && now < t.until && transit-t.base > t.allowance+minZone; !t.held {
		t.note(transit, pts, now)
	}
	if now-t.evaluated >= evaluateEvery {
		t.evaluate(now)
	}
}

// outage looks at the silence before a unit. What an outage held back says
// nothing about jitter: nobody would want to see everything a second later
// because the network was away for a second. Outages that recur are jitter,
// such as those of a server that sends a second of pictures each second.
func (t *transits) outage(gap, now time.Duration) {
	if gap <= outageGap {
		return
	}
	// A burst comes faster than twice real time. If it has not ended by then,
	// it is no burst: the path got longer.
	t.held, t.until = now >= t.calm, now+gap
	t.calm = now + jitterWindow
}

func (t *transits) note(transit, pts, now time.Duration) {
	if t.n > 0 && max(pts-t.sampled, t.sampled-pts) < sampleStep {
		s := &t.ring[(t.next+maxSamples-1)%maxSamples]
		s.at, s.low, s.high, s.base = now, min(s.low, transit), max(s.high, transit), min(s.base, t.base)
		return
	}
	t.ring[t.next] = sample{now, transit, transit, t.base}
	t.next, t.n, t.sampled = (t.next+1)%maxSamples, min(t.n+1, maxSamples), pts
}

// latest gives the samples that are not older than age, the latest first.
func (t *transits) latest(age, now time.Duration) iter.Seq[sample] {
	return func(yield func(sample) bool) {
		for i := range t.n {
			s := t.ring[(t.next+maxSamples-1-i)%maxSamples]
			if now-s.at > age || !yield(s) {
				return
			}
		}
	}
}

// evaluate computes base and allowance.
func (t *transits) evaluate(now time.Duration) {
	base := time.Duration(math.MaxInt64)
	for s := range t.latest(baseWindow, now) {
		base = min(base, s.low)
	}
	if base == math.MaxInt64 { // nothing but what an outage held back
		base = t.base
	}
	// Each unit is judged by the base of its time: those that came before the
	// path got shorter, or in a burst ahead of real time, were not late. When the
	// path got longer, those on the new path are not late any more.
	excess := t.scratch[:0]
	window, fall := jitterWindow, fallTime
	if t.kind == Picture {
		window, fall = pictureWindow, pictureFall
	}
	for s := range t.latest(window, now) {
		excess = append(excess, max(0, s.high-max(s.base, base)))
	}
	slices.Sort(excess)
	measured := min(needed(excess, t.length, t.kind), maxAllowance)

	// A base that rises takes over what the allowance made up for.
	smooth := t.allowance - max(0, base-t.base)
	smooth -= time.Duration(float64(smooth-measured) * min(1, float64(now-t.evaluated)/float64(fall)))
	t.base, t.allowance, t.evaluated = base, max(measured, smooth), now
}

// needed is the allowance that a stream needs; excess is sorted. A gap in the sound
// is heard: of its blocks 99 in 100 are to be on time. A picture that comes too late
// is shown when it comes, while every picture pays for the allowance with its age:
// three of four are to be on time, and four of five at most half a picture late.
func needed(excess []time.Duration, length time.Duration, kind Stream) time.Duration {
	if len(excess) == 0 {
		return 0
	}
	of := func(share float64) time.Duration { return excess[int(share*float64(len(excess)-1))] }
	if kind == Sound {
		return of(0.99)
	}
	return max(of(0.75), of(0.8)-length/2)
}

// active reports whether the stream delivers.
func (t *transits) active(now time.Duration) bool {
	return t.known && now-t.last < activeFor
}
