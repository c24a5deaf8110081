package player

import (
	"sync/atomic"
	"time"
)

const (
	// stallAfter is how much longer than it should a picture may stay, or how long
	// the first one may take, before that is called buffering.
	stallAfter = 250 * time.Millisecond
	// stallAgain is the time after a stall in which another one fills all queues
	// before playback goes on, so that a source that is too slow plays in long
	// pieces rather than in short ones.
	stallAgain = 10 * time.Second
	// stallMost is how long a stall waits for more once there is something to show.
	stallMost = 2 * time.Second
	// debtLasts is how long a wait for data counts towards the next ones.
	debtLasts = 2 * time.Second
	// pollStall is how often a stall's end is looked for.
	pollStall = 10 * time.Millisecond
)

// stall is what buffering goes by. The main goroutine owns it.
type stall struct {
	debt    time.Duration // how much longer than they should the latest pictures stayed for want of data
	owed    time.Duration // real time at which debt was last added to
	hungry  atomic.Bool   // the picture on the screen stays for want of data; videoStage looks at it
	patient bool          // the present stall follows closely on another
	began   time.Duration // real time at which the latest one began
	ended   time.Duration // and ended; 0 if there was none
}

// stalls begins and ends buffering, and reports whether playback waits for it.
func (s *session) stalls(now time.Duration) bool {
	switch {
	case s.stalled && s.filled():
		s.endStall(now)
	case !s.stalled && s.starved(now):
		s.beginStall(now)
	}
	return s.stalled
}

// overdue is how much longer than it should the picture on the screen has stayed,
// negative if it has not yet; false unless another has not been read. Where anything waits to be
// decoded, it is not reading's fault; where plenty of sound does, the stream is
// just poor in pictures.
func (s *session) overdue(now time.Duration) (time.Duration, bool) {
	if !s.paced || s.info.Live || s.framesAreStills || s.paused || s.next != nil || s.videoDone || !s.arrived() || !s.dry() {
		return 0, false
	}
	return now - s.endOfShown(), true
}

// starved reports whether the picture stands still because reading does not
// keep up.
func (s *session) starved(now time.Duration) bool {
	d, ok := s.overdue(now)
	return ok && d+s.stall.debt >= stallAfter
}

// noteHunger notes that nothing is there to follow the picture on the screen,
// whose time is over. Data mostly comes in bursts: when it has come, that cannot
// be seen any more.
func (s *session) noteHunger(now time.Duration) {
	if d, ok := s.overdue(now); ok && d >= 0 {
		s.stall.hungry.Store(true)
	}
}

// dry reports whether reading has fallen behind: more is to come, and nothing is there.
func (s *session) dry() bool {
	return s.frames.Len() == 0 && s.vlane.Len() == 0 && !s.readAll() && (s.slane == nil || !s.slane.Full())
}

// filled reports whether enough has been read for playback to go on.
func (s *session) filled() bool {
	some := s.next != nil
	return s.videoDone || s.readAll() || s.vlane.Full() || some && s.slane != nil && s.slane.Full() ||
		!s.stall.patient && s.frames.Full() || some && s.now()-s.stall.began > stallMost
}

// readAll reports whether reading has come to the end.
func (s *session) readAll() bool { return s.ends.Load() == int64(s.epochs.current().n) }

func (s *session) beginStall(now time.Duration) {
	s.stall.patient = s.stall.ended != 0 && now-s.stall.ended < stallAgain
	s.stall.began = now
	s.stats.stalls.Add(1)
	s.mu.Lock()
	s.stalled, s.playing, s.waiting = true, false, 0
	s.clk.Stop(now)
	s.clk.Set(s.shown.end, now)
	if t, h := s.speaker.heard(); h == hears || h == hearsGap {
		s.ahead = t // the sound has played on without the pictures
	}
	s.mu.Unlock()
	s.speaker.pause(true)
}

// endStall lets playback begin anew with the next frame, as after a seek.
func (s *session) endStall(now time.Duration) {
	s.clearStall()
	s.stall.ended = now
	if s.next == nil {
		s.resumeSound()
		return
	}
	s.next.first = true
}

func (s *session) clearStall() {
	s.stall.debt = 0
	s.mu.Lock()
	s.stalled = false
	s.mu.Unlock()
}

// noteStay keeps the account of how much too long pictures stay for want of
// data. It is called when the next one is shown.
func (s *session) noteStay(f *frame, now time.Duration) {
	hungry := s.stall.hungry.Swap(false)
	if f.first || s.paused || s.shown == nil || now-s.stall.owed > debtLasts {
		s.stall.debt = 0
	}
	if hungry && !f.first && !s.paused && s.shown != nil {
		s.stall.debt = max(0, s.stall.debt+now-s.endOfShown())
		s.stall.owed = now
	}
}

// buffering reports whether playback waits for the source. mu is held.
func (s *session) buffering(now time.Duration) bool {
	switch {
	case s.stalled:
		return true
	case s.info.Live:
		return false
	case s.hasVideo && !s.framesAreStills:
		return s.awaited != 0 && now-s.awaited >= stallAfter
	}
	return s.playing && s.waiting != 0 && now-s.waiting >= stallAfter
}

// nextLook is the real time at which something is to be looked at, although no
// frame is prepared: the one on the screen has been there for long enough, or no
// other has come for so long that playback is buffering; 0 for none.
func (s *session) nextLook(now time.Duration) time.Duration {
	end := s.endOfShown()
	switch {
	case s.awaited != 0:
		return s.awaited + stallAfter
	case end != 0 && now >= end:
		return end + stallAfter - s.stall.debt
	}
	return end
}
