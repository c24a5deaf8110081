package player

import (
	"fmt"
	"time"

	"planar/render"
)

// handle answers an event of the window.
func (s *session) handle(e render.Event) error {
	switch {
	case e.Kind == render.CloseRequest:
		return ErrQuit
	case s.p.overlay.handle(e, s.now()):
		return nil
	case e.Kind != render.KeyPress:
		return s.point(e)
	case s.typed(e.Key):
		return nil
	}
	return s.do(keys[e.Key])
}

func (s *session) do(c Command) error {
	switch c.Do {
	case TogglePause:
		s.togglePause()
	case StepForward:
		s.stepBy(1)
	case StepBack:
		s.stepBy(-1)
	case SeekBy:
		s.seek(s.position()+c.Time, showing)
	case SeekTo:
		s.scrub(c.Time)
	case SeekStart:
		s.seek(0, fromStart)
	case SeekEnd:
		if s.length.whole.Load() > 0 {
			s.seek(beyond, showing)
		}
	case GoTo:
		s.goTo(c.Text)
	case SpeedBy:
		s.setSpeed(s.p.speed * c.Factor)
	case SetSpeed:
		s.setSpeed(c.Factor)
	case VolumeBy, SetVolume, ToggleMute:
		err := s.p.do(c)
		s.speaker.setGain(s.p.gain())
		return err
	case ToggleLoop:
		s.mu.Lock()
		if s.p.loop < 0 {
			s.p.loop = 0
		} else {
			s.p.loop = -1
		}
		s.mu.Unlock()
	case MarkLoop:
		s.markLoop()
	case EnterPosition:
		s.entry = entry{open: true}
	case Snapshot:
		s.snapshot()
	case Reload:
		return s.reload()
	case SetView:
		s.setView(c.View)
	case ZoomBy:
		if o := s.p.overlay.screen; o != nil {
			w, h, _ := o.Size()
			s.zoomBy(c.Factor, float64(w)/2, float64(h)/2)
		}
	case ShowComponent:
		s.p.look.component = max(0, c.Index)
		s.reshow()
	case SetColour:
		s.p.look.colour = c.Colour
		s.reshow()
	case SetFilter:
		if o := s.p.overlay.screen; o != nil {
			s.p.look.filter = c.Filter
			o.SetFilter(c.Filter)
		}
	case SetDevice:
		same := c.Text == s.p.soundDevice()
		err := s.p.do(c)
		if !same || s.speaker.is(speakerOff) { // where sound goes to a file, that would be written anew
			s.speaker.reopen()
		}
		return err
	case MuteChannel, SoloChannel:
		s.p.toggleChannel(c)
		s.speaker.setMuted(s.p.mutes.Muted)
		s.speaker.setSolo(s.p.mutes.Soloed)
	case SelectTrack:
		s.selectTrack(c.Kind, c.Index)
	case NextTrack:
		s.nextTrack(c.Kind)
	case SetChannelMap:
		err := s.p.do(c)
		s.speaker.setMap(s.p.channelMap)
		return err
	case ClearLevels:
		s.speaker.clearMeter()
		s.speaker.loudness.clear()
	default:
		return s.p.do(c)
	}
	return nil
}

// toggleChannel mutes a channel of the sound, or has it alone, or ends that.
func (p *Player) toggleChannel(c Command) {
	if c.Index < 0 || c.Index >= 32 {
		return
	}
	if c.Do == MuteChannel {
		p.mutes.Muted ^= 1 << c.Index
	} else {
		p.mutes.Soloed ^= 1 << c.Index
	}
}

// scrub goes to a place in the source. While a seek is under way, the latest
// other one waits for its picture: someone who drags the seek bar sees all the
// pictures that can be made in the time.
func (s *session) scrub(to time.Duration) {
	if s.hasVideo && s.moving() {
		s.wanted = &to
		return
	}
	s.seek(to, showing)
}

// goOn takes the seek or the step that waited for another one.
func (s *session) goOn() {
	switch {
	case s.moving():
	case s.wanted != nil:
		to := *s.wanted
		s.wanted = nil
		s.seek(to, showing)
	case s.pending != 0:
		n := s.pending
		s.pending = 0
		s.stepBy(n)
	}
}

// gain is the volume as a factor of the samples. Loudness follows about the
// cube of it, so that each step sounds like one.
func (p *Player) gain() float64 {
	if p.muted {
		return 0
	}
	return p.volume * p.volume * p.volume
}

func (s *session) togglePause() {
	if s.ended {
		s.setPaused(false)
		s.seek(0, fromStart)
		return
	}
	s.setPaused(!s.paused)
}

func (s *session) setPaused(paused bool) {
	if s.paused == paused {
		return
	}
	s.paused = paused
	s.clearStall() // it is looked for anew when playback goes on
	now := s.now()
	s.mu.Lock()
	if paused {
		s.clk.Stop(now)
		s.playing = false
	} else {
		// Where pictures lead, playback goes on with the first one after a seek.
		s.playing = !s.hasVideo || s.videoDone || s.arrived()
		s.step, s.pending = false, 0
		s.waiting = 0
		if s.playing {
			s.clk.Stop(now) // sync starts it with the sound
		}
	}
	s.speaker.pause(!s.playing || s.ahead != 0)
	s.mu.Unlock()
	switch {
	case paused && s.info.Live:
		// Decoder and speaker may wait for room that a pause does not make.
		s.stopped.Store(true)
		s.dropLate()
	case paused:
	case s.info.Live:
		// What came meanwhile is no longer live. Decoding has gone on, so that what
		// comes next can be shown at once; the controller skips what was missed.
		s.dropLate()
	case s.stepped:
		s.seek(s.position(), showing)
	}
	s.refresh.poke()
}

// dropLate throws away the pictures that wait for their time, but for one that
// playback waits for.
func (s *session) dropLate() {
	keep := func(f frame) bool { return f.first || f.final }
	s.frameGroup.Flush(keep)
	if s.next != nil && !keep(*s.next) {
		s.next.release()
		s.next = nil
	}
}

// stepBy shows the frame before (-1) or behind (+1) the one on the screen and
// stays there. While a step or a seek is under way, one more step waits for it:
// a key that repeats faster than frames can be made does not run on when it is
// let go.
func (s *session) stepBy(n int) {
	if n > 0 && s.ended {
		return // this is the last frame
	}
	s.setPaused(true)
	switch {
	case s.moving():
		s.pending = min(1, max(-1, s.pending+n))
	case s.shown == nil:
	case n < 0:
		s.seek(s.shown.PTS, lastBefore)
	default:
		s.step = !s.videoDone || s.next != nil
	}
}

// moving reports whether a step or a seek has not arrived yet.
func (s *session) moving() bool {
	if !s.hasVideo || s.videoDone && s.next == nil {
		return false // no frame will come
	}
	return s.step || !s.arrived()
}

// position is where playback stands on the source's timeline.
func (s *session) position() time.Duration {
	switch {
	case s.hasVideo && !s.arrived():
		return s.clamp(s.epochs.current().target) // a seek that has not arrived
	case s.hasVideo && !s.framesAreStills:
		return s.shown.PTS
	}
	return s.soundAt(s.clockNow())
}

// soundAt is where in the source the sound of a playback time comes from. The
// speaker knows the offset of what it has handed over last, which at a loop's seam
// is of the round after the one that is heard.
func (s *session) soundAt(media time.Duration) time.Duration {
	offset, whole := time.Duration(s.speaker.offset.Load()), s.length.whole.Load()
	at := media - offset
	if at < 0 && offset > 0 && whole > 0 {
		at += (-at + whole - 1) / whole * whole
	}
	return at
}

// arrived reports whether the picture on the screen is of the current epoch.
func (s *session) arrived() bool { return s.shown != nil && s.shown.epoch == s.epochs.current().n }

// seek goes to a place in the source, or to its end if the place is behind it.
func (s *session) seek(to time.Duration, mode seekMode) {
	if !s.info.Seekable {
		s.log.Warn(label(s.name) + ": cannot seek in this source")
		return
	}
	s.jump(max(0, to), mode)
}

// jump begins a new epoch at a place and throws away what is on its way, also the
// wish for another place.
func (s *session) jump(to time.Duration, mode seekMode) {
	s.wanted = nil
	now := s.now()
	s.mu.Lock()
	s.clk.Stop(now)
	s.clk.Set(s.clamp(to), now)
	s.stalled, s.ahead = false, 0
	if s.hasVideo {
		s.playing = false // until the picture there is shown
		s.awaited = now
	} else {
		s.playing = !s.paused // the end may have stopped it
	}
	s.waiting = 0
	s.mu.Unlock()
	s.speaker.pause(s.hasVideo || s.paused)
	n := s.epochs.begin(to, mode).n
	// The other goroutines may be at work in the new epoch already.
	s.packets.Flush(func(p packet) bool { return p.epoch == n || p.mark == markOpen || p.mark == markClose })
	s.frameGroup.Flush(func(f frame) bool { return f.epoch == n })
	s.next.release()
	s.next = nil
	s.videoDone, s.ended, s.stepped, s.step, s.pending = false, false, false, false, 0
	s.stall.debt, s.part.was = 0, false
	s.refresh.poke()
}

func (s *session) setSpeed(speed float64) {
	if s.info.Live {
		return // a live source comes at its own speed
	}
	s.p.speed = min(16, max(0.1, speed))
	if d := s.p.speed - 1; d > -0.01 && d < 0.01 {
		s.p.speed = 1
	}
	s.speaker.setSpeed(s.p.speed) // and the clock's with it: see sync
	s.refresh.poke()
}

func (s *session) snapshot() {
	if s.shown == nil || s.cfg.Snapshot == nil {
		return
	}
	path, err := s.cfg.Snapshot(s.name, s.shown.Frame)
	if err != nil {
		s.log.Error(err.Error())
		return
	}
	s.answer("snapshot: " + path)
}

// snapshotLast hands out the last picture, for --screenshot.
func (s *session) snapshotLast() {
	if s.cfg.OnLast != nil && s.shown != nil {
		s.cfg.OnLast(s.shown.Frame)
	}
}

// soundFailed reports, once for a reason, that there is no sound device or decoder.
// Pictures go on without it.
func (s *session) soundFailed(err error) {
	s.mu.Lock()
	again := s.noSound != nil && s.noSound.Error() == err.Error()
	s.mu.Unlock()
	if s.hasVideo && !again {
		s.log.Error(fmt.Sprintf("%v: playing without sound", err))
	}
	s.setNoSound(err)
	s.out.Wake()
}

// setNoSound notes why there is no sound; nil if there is.
func (s *session) setNoSound(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noSound = err
}
