// Package clock makes the player's decisions about time: what media time it is
// now, whether a frame is due, and how timestamps that jump are mended. All of
// it is arithmetic on a `now` that the caller passes in.
package clock

import (
	"math"
	"time"
)

// Clock tells media time. It runs by itself from an anchor, at a speed, and
// can be led by a master such as the sound card. Methods are not safe for
// concurrent use.
type Clock struct {
	media   time.Duration // media time at the anchor
	at      time.Duration // real time of the anchor
	speed   float64       // media seconds per second
	running bool
	locked  time.Duration // real time at which Follow began to follow
	last    time.Duration // real time of the latest Follow
}

// New returns a clock that stands at 0, with speed 1.
func New() *Clock { return &Clock{speed: 1} }

// At is the media time at real time now.
func (c *Clock) At(now time.Duration) time.Duration {
	if !c.running {
		return c.media
	}
	return c.media + time.Duration(float64(now-c.at)*c.speed)
}

// Until is how much real time passes from now until media time t has come; 0 or
// negative only if it has. It is meaningful only while the clock runs.
func (c *Clock) Until(t, now time.Duration) time.Duration {
	left := t - c.At(now)
	d := time.Duration(math.Ceil(float64(left) / c.speed))
	if left > 0 && c.At(now+d) < t {
		d++ // At rounds down
	}
	return d
}

// Set jumps to media time t.
func (c *Clock) Set(t, now time.Duration) {
	c.media, c.at, c.locked = t, now, now
}

// Start lets the clock run on from where it stands.
func (c *Clock) Start(now time.Duration) {
	if !c.running {
		c.running, c.at, c.locked, c.last = true, now, now, now
	}
}

// Stop holds the clock where it is.
func (c *Clock) Stop(now time.Duration) {
	c.media, c.running = c.At(now), false
}

// Running reports whether the clock runs.
func (c *Clock) Running() bool { return c.running }

// SetSpeed changes the speed from now on.
func (c *Clock) SetSpeed(speed float64, now time.Duration) {
	c.media, c.at, c.speed = c.At(now), now, speed
}

// Lock has the master that is followed locked on to anew, as at the start.
func (c *Clock) Lock(now time.Duration) { c.locked = now }

// Speed is the current speed.
func (c *Clock) Speed() float64 { return c.speed }

const (
	// stepAbove is the deviation from the master that is corrected at once: the
	// shortest that people notice as sound out of step with lips is some 80 ms.
	stepAbove = 80 * time.Millisecond
	// A master read from a sound card jitters by some milliseconds from reading
	// to reading. The deviation is worked off with this time constant: short at
	// first, to lock on, then long, so that frames keep an even pace. Drift
	// between two crystals (100 ppm) leaves an error of 100 us.
	lockTime, holdTime = 50 * time.Millisecond, time.Second
	lockFor            = 400 * time.Millisecond
	// A master that was silent for so long is locked on to anew.
	absence = 200 * time.Millisecond
)

// Follow brings a running clock towards master, the media time that the master
// tells at real time now, and returns the deviation it found (master minus
// clock). Small deviations are worked off smoothly, large ones at once.
func (c *Clock) Follow(master, now time.Duration) time.Duration {
	dev := master - c.At(now)
	dt := now - c.last
	c.last = now
	if dt > absence {
		c.locked = now
	}
	if dev > stepAbove || dev < -stepAbove {
		c.Set(master, now)
		return dev
	}
	tau := holdTime
	if now-c.locked < lockFor {
		tau = lockTime
	}
	gain := 1 - math.Exp(-dt.Seconds()/tau.Seconds())
	// Slowed down to half its speed at most, the clock never goes back.
	correction := max(float64(dev)*gain, -0.5*c.speed*float64(dt))
	c.media = c.At(now) + time.Duration(correction)
	c.at = now
	return dev
}
