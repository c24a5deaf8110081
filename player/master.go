package player

import "time"

// patience is how long the clock waits for sound that does not come, at the
// start or when the device has run dry, before the picture goes on without it.
const patience = time.Second

// sync keeps the clock with its master: the sound while it is heard, else the
// machine's clock. It is called whenever the time is about to be read for a
// decision, from the refresh and the main goroutine.
func (s *session) sync(now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.playing || !s.paced {
		s.waiting = 0
		return
	}
	if s.ahead != 0 { // a stall has held the pictures up: they run alone until they are where the sound is
		s.clk.Start(now)
		if s.clk.At(now) < s.ahead {
			return
		}
		s.ahead = 0
		s.speaker.pause(false)
	}
	t, hearing := s.speaker.heard()
	switch hearing {
	case hearsNothing:
		s.waiting = 0
		s.takeSpeed(s.speaker.wantedSpeed(), now)
		s.clk.Start(now)
	case hears:
		s.waiting = 0
		s.takeSpeed(s.speaker.heardSpeed(), now)
		switch media := s.clk.At(now); {
		case s.clk.Running():
			s.clk.Follow(t, now)
		case t >= media || media-t > patience:
			s.clk.Set(t, now)
			s.clk.Start(now)
		default: // the first sound is still on its way through the device
		}
	default: // hearsNotYet, hearsGap
		if s.waiting == 0 {
			s.waiting = now
			s.clk.Stop(now)
		}
		if hearing == hearsNotYet {
			s.takeSpeed(s.speaker.wantedSpeed(), now)
		}
		wait := patience
		if s.info.Live && !s.speaker.began() {
			wait = 0 // a track that is announced may never come
		}
		if now-s.waiting >= wait && s.lost == nil {
			s.clk.Start(now)
		}
	}
	if s.info.Live {
		s.steer(now)
	}
}

// takeSpeed lets the clock run at a speed. That of a live source is steered.
func (s *session) takeSpeed(speed float64, now time.Duration) {
	if !s.info.Live && speed != s.clk.Speed() {
		s.clk.SetSpeed(speed, now)
		s.clk.Lock(now)
	}
}
