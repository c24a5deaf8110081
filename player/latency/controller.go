// Package latency keeps a live stream live. It measures how late pictures and
// sound become playable, derives from that how far behind its source playback
// has to be, and steers playback there, by its speed or by a jump.
//
// Real time and media time are time.Duration from origins of their own. What
// is between them, real time minus media time, is called a transit where a unit
// (a picture, a block of sound) becomes playable, and a delay where it is played.
// Only differences of the two have a meaning.
package latency

import (
	"math"
	"sync"
	"time"
)

// Stream is a kind of media.
type Stream int

// The streams that are played together.
const (
	Picture Stream = iota
	Sound
	streams
)

const (
	// So long after the first unit, playback jumps rather than hurries: servers
	// send a whole group of pictures first, and nobody has got used to anything.
	startTime = 2 * time.Second
	// From these errors on it jumps: at the start with sound, and later. At the
	// start of pictures alone, whose jumps are hardly seen, one and a half of them
	// are enough, unless they are very short or of unknown length.
	startSkipSound = 60 * time.Millisecond
	startSkipLeast = 4 * maxZone
	skipAbove      = 500 * time.Millisecond
	// A jump has this time to be carried out before another one is ordered.
	skipRest = 200 * time.Millisecond

	// An error below the dead zone is left alone, for sound at speed 1 need not be
	// resampled. It is an eighth of the allowance, as the wanted delay wavers with
	// the jitter, within these bounds.
	minZone, maxZone = 2500 * time.Microsecond, 4 * time.Millisecond
	// Otherwise the error is worked off with this time constant, until a quarter
	// of the dead zone is left: 20 ms with 1.6 %, 300 ms within 9 s.
	settleTime = 1250 * time.Millisecond
	// Bounds of the deviation from speed 1, and of its change in a second: Steers
	// at 50 Hz change it by 0.1 % at most, which is far below what is heard as a
	// step in pitch.
	minDeviation, maxDeviation = 0.002, 0.05
	slewPerSecond              = 0.05
	// Steps of Steer longer than this are taken for so long.
	maxStep = 100 * time.Millisecond

	// Times beyond this (36 years) are errors; keeping them out, no difference
	// overflows.
	maxTime = time.Duration(1) << 60
)

// margins are what the wanted delay is above the measured need, so that at the lower
// end of the dead zone no sound is late, and no picture by much.
var margins = [streams]time.Duration{Picture: time.Millisecond, Sound: minZone}

// Controller holds the delay of playback at the wanted one: as low as the
// network's jitter and the sound device allow, or what the user asks for. Its
// methods may be called from any goroutine.
type Controller struct {
	mu      sync.Mutex
	target  time.Duration // explicit, or negative
	streams [streams]transits
	reserve [streams]time.Duration

	began   bool          // a unit has come
	first   time.Duration // real time of the first one
	rest    time.Duration // real time before which no jump is ordered
	steered time.Duration // real time of the latest Steer

	deviation  float64 // of the speed, from 1
	correcting bool    // the error left the dead zone and is being worked off
	behind     time.Duration
	skips      int64
}

// Order is what playback has to do now.
type Order struct {
	Speed float64       // media seconds per second, 0.95 to 1.05
	Skip  time.Duration // media time to jump forward now; 0 most of the time
}

// Report is how the delay is.
type Report struct {
	Target    time.Duration // how much media to hold: the wanted delay beyond the base, and the unit being played
	Allowance time.Duration // for jitter, of the stream that needs most
	Jitter    time.Duration // mean deviation of the transits, smoothed (RFC 3550, section 6.4.1)
	Behind    time.Duration // how much longer than wanted the delay was at the latest Steer; negative if shorter
	Speed     float64       // as ordered
	Skips     int64         // jumps ordered since New
}

// New returns a controller that holds the delay at target beyond the fastest
// transit, or at as little as possible if target is negative.
func New(target time.Duration) *Controller {
	c := &Controller{target: min(target, maxTime)}
	c.forget()
	return c
}

func (c *Controller) forget() {
	c.streams = [streams]transits{Picture: {kind: Picture}, Sound: {kind: Sound}}
}

// Restart forgets all transits: the source begins anew. Reserves and the count
// of jumps remain.
func (c *Controller) Restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget()
	c.began, c.rest, c.deviation, c.correcting, c.behind = false, 0, 0, false, 0
}

// Ready notes that the unit at media time pts, of duration length, became
// playable at real time now: it was received and decoded. Time that it then waits
// for its turn must not be in now.
func (c *Controller) Ready(s Stream, pts, length, now time.Duration) {
	if s < 0 || s >= streams || max(pts, now) > maxTime || min(pts, now) < -maxTime {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.began {
		c.began, c.first = true, now
	}
	c.streams[s].add(pts, length, now)
}

// SetReserve tells how much of a stream the device must hold so as not to run
// dry.
func (c *Controller) SetReserve(s Stream, d time.Duration) {
	if s < 0 || s >= streams {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reserve[s] = min(max(d, 0), maxTime)
}

// wanted is the delay playback should have, and the media time up to which
// something is playable. ok is false if no stream delivers.
func (c *Controller) wanted(now time.Duration) (delay, there time.Duration, ok bool) {
	base, auto, reserve := -maxTime*4, -maxTime*4, time.Duration(0)
	for s := range c.streams {
		t := &c.streams[s]
		if !t.active(now) {
			continue
		}
		ok = true
		base = max(base, t.base)
		auto = max(auto, t.base+t.allowance+c.reserve[s]+margins[s])
		reserve = max(reserve, c.reserve[s])
		there = t.newest + t.length // the sound's, if there is any: it leads
	}
	if c.target < 0 {
		return auto, there, ok
	}
	return base + max(c.target, reserve), there, ok
}

// allowance is the largest of those of the streams that deliver.
func (c *Controller) allowance(now time.Duration) time.Duration {
	var a time.Duration
	for s := range c.streams {
		if t := &c.streams[s]; t.active(now) {
			a = max(a, t.allowance)
		}
	}
	return a
}

// skipAbove is the error from which on playback jumps.
func (c *Controller) skipAbove(now time.Duration) time.Duration {
	switch {
	case now-c.first >= startTime:
		return skipAbove
	case c.streams[Sound].active(now):
		return startSkipSound
	}
	return max(startSkipLeast, c.streams[Picture].length*3/2)
}

// Steer tells what playback, which is at media, has to do. It is to be called 20
// to 100 times a second. An order to skip is given once; what is played when
// the next Steer is 200 ms later has to be behind the jump.
func (c *Controller) Steer(media, now time.Duration) Order {
	c.mu.Lock()
	defer c.mu.Unlock()
	step := min(max(now-c.steered, 0), maxStep)
	c.steered = now
	delay, there, ok := c.wanted(now)
	if !ok || max(media, now) > maxTime || min(media, now) < -maxTime {
		c.behind, c.correcting = 0, false
		return c.slew(0, step)
	}
	e := now - media - delay
	c.behind = e
	// Playback that has to wait falls behind, but nothing comes of it until what
	// it waits for is there.
	room := max(there-media, 0)
	if e > c.skipAbove(now) && room >= e && now >= c.rest {
		c.skips++
		c.rest, c.deviation, c.correcting = now+skipRest, 0, false
		return Order{Speed: 1, Skip: e}
	}
	return c.slew(c.correction(min(e, room), now), step)
}

// correction is the deviation from speed 1 that works off the error e.
func (c *Controller) correction(e, now time.Duration) float64 {
	size := max(e, -e)
	zone := min(max(c.allowance(now)/8, minZone), maxZone)
	across := (e > 0) != (c.deviation > 0) && c.deviation != 0
	switch {
	case size > zone:
		c.correcting = true
	case size < zone/4 || across:
		c.correcting = false
	}
	if !c.correcting || now < c.rest {
		return 0
	}
	d := min(max(float64(size)/float64(settleTime), minDeviation), maxDeviation)
	return math.Copysign(d, float64(e))
}

// slew leads the speed towards a deviation, slowly enough not to be heard.
func (c *Controller) slew(to float64, step time.Duration) Order {
	most := slewPerSecond * step.Seconds()
	if math.Abs(to-c.deviation) <= most {
		c.deviation = to
	} else {
		c.deviation += math.Copysign(most, to-c.deviation)
	}
	return Order{Speed: 1 + c.deviation}
}

// Report tells how the delay is, at real time now.
func (c *Controller) Report(now time.Duration) Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := Report{Allowance: c.allowance(now), Behind: c.behind, Speed: 1 + c.deviation, Skips: c.skips}
	delay, _, _ := c.wanted(now)
	for s := range c.streams {
		t := &c.streams[s]
		if !t.active(now) {
			continue
		}
		r.Jitter = max(r.Jitter, t.jitter)
		if r.Target == 0 { // that of the pictures, if there are any
			r.Target = max(0, delay-t.base) + t.length
		}
	}
	return r
}
