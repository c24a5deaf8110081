package player

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"planar/player/clock"
)

// refresh is the refresh goroutine: it owns the one timer by which pictures are
// shown, and wakes the main goroutine when the prepared frame is due, when a
// frame has come for which nothing is prepared, and when something that can only
// be seen by looking, such as the end of the sound, must be looked at.
type refresh struct {
	s      *session
	alarm  clock.Alarm
	kicked atomic.Bool // something changed since the goroutine last looked

	mu       sync.Mutex
	armed    bool
	media    time.Duration // playback time at which the prepared frame is due
	deadline time.Duration // real time to wake at if nothing is prepared; 0 for none
	hungry   bool          // nothing is prepared
}

func newRefresh(s *session) *refresh {
	return &refresh{s: s, alarm: s.cfg.Time.NewAlarm()}
}

// at arms the timer for a frame due at playback time media.
func (r *refresh) at(media time.Duration) {
	r.set(func() { r.armed, r.media, r.deadline, r.hungry = true, media, 0, false })
}

// idle says that no frame is prepared; at real time deadline, if not 0, the one
// on the screen has been there for long enough.
func (r *refresh) idle(deadline time.Duration) {
	if deadline <= r.s.now() {
		deadline = 0 // that was looked at just now
	}
	r.set(func() { r.armed, r.deadline, r.hungry = false, deadline, true })
	if r.s.frames.Len() > 0 {
		r.frameReady() // one that came between looking and saying so
	}
}

// look makes the main goroutine look again at real time when, whatever comes before.
func (r *refresh) look(when time.Duration) {
	r.set(func() { r.armed, r.deadline, r.hungry = false, when, false })
}

func (r *refresh) set(change func()) {
	r.mu.Lock()
	change()
	r.mu.Unlock()
	r.poke()
}

func (r *refresh) poke() {
	r.kicked.Store(true)
	r.alarm.Set(0)
}

// frameReady is called when a frame has been put into the queue.
func (r *refresh) frameReady() {
	r.mu.Lock()
	wake := r.hungry
	r.hungry = false
	r.mu.Unlock()
	if wake {
		r.s.out.Wake()
	}
}

const (
	// pollSound is how often the clock is looked at while it waits for the sound
	// to begin: a small part of a frame.
	pollSound = 2 * time.Millisecond
	// pollEnd is how often the end is looked for while sound plays without pictures.
	pollEnd = 50 * time.Millisecond
	// forEver stands for "until something changes".
	forEver = time.Hour
)

// purpose is what a wait of the refresh goroutine is for.
type purpose int

const (
	forChange purpose = iota // nothing to do until something changes, or is looked at again
	forTime                  // wake the main goroutine at an exact moment
	forLook                  // wake the main goroutine to look, roughly then
)

// wait is how long there is nothing to do, and what for.
func (r *refresh) wait(now time.Duration) (time.Duration, purpose) {
	s := r.s
	s.sync(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.armed && s.clk.Running() && s.playing:
		d := s.clk.Until(r.media, now)
		if !s.info.Live && d > pollSound && s.speaker.wantedSpeed() != s.clk.Speed() { // it is about to change
			return pollSound, forChange
		}
		if s.ahead != 0 { // the sound goes on before the next picture may be due
			if until := s.clk.Until(s.ahead, now); until < d {
				return max(until, 0), forChange
			}
		}
		return d, forTime
	case r.armed && s.playing:
		return pollSound, forChange
	case r.deadline != 0:
		return r.deadline - now, forTime
	case s.playing && !r.armed:
		return pollEnd, forLook
	}
	return forEver, forChange
}

// done forgets what the main goroutine has just been woken for; it will say
// what comes next.
func (r *refresh) done() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.armed, r.deadline = false, 0
}

func (r *refresh) loop(ctx context.Context) {
	defer context.AfterFunc(ctx, r.poke)()
	for {
		r.kicked.Store(false) // before looking at anything, or a change in between is missed
		if ctx.Err() != nil {
			return
		}
		d, why := r.wait(r.s.now())
		if why == forTime && d <= 0 {
			r.done()
			r.s.out.Wake()
			d, why = pollEnd, forChange // the main goroutine says before that what comes next
		}
		r.alarm.Set(d)
		if r.kicked.Load() {
			continue // perhaps before the alarm was set
		}
		r.alarm.Wait()
		if why == forLook && !r.kicked.Load() {
			r.s.out.Wake()
		}
	}
}

// close is called when the goroutine has ended.
func (r *refresh) close() { r.alarm.Close() }
