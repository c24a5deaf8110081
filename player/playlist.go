package player

import (
	"errors"
	"slices"
	"time"

	"planar/demux"
	"planar/render"
)

// errTurn ends a session, an opening or idleness because Player.at is to be played
// now.
var errTurn = errors.New("on to another source")

// turn has another source of the playlist played, the first of so many that have
// come into it for this. What played is gone back to if that fails, but not what
// was only being opened in its place.
func (p *Player) turn(to, added int) error {
	if p.current != nil || p.back < 0 {
		p.back = p.at
	}
	p.at, p.added = to, added
	return errTurn
}

// passOver goes on after a source that cannot be played.
func (p *Player) passOver() {
	gone := p.added > 0
	if gone {
		p.list = slices.Delete(p.list, p.at, p.at+1)
		if p.back > p.at {
			p.back--
		}
		if p.added--; p.added > 0 {
			return // the next one that was opened with it has taken its place
		}
	}
	switch {
	case p.back >= 0:
		p.at, p.back = p.back, -1
	case !gone:
		p.at++
	}
}

// do answers a command that does not depend on what plays. The error may be
// errTurn.
func (p *Player) do(c Command) error {
	switch c.Do {
	case VolumeBy:
		p.setVolume(p.volume + c.Amount)
	case SetVolume:
		p.setVolume(c.Amount)
	case ToggleMute:
		p.muted = !p.muted
	case SetDevice:
		p.device.Store(&c.Text)
	case SetChannelMap:
		p.channelMap = c.Map
	case Quit:
		return ErrQuit
	case ToggleFullscreen:
		p.cfg.Video.SetFullscreen(!p.cfg.Video.Fullscreen())
	case LeaveFullscreen:
		p.cfg.Video.SetFullscreen(false)
	case Open:
		if len(c.Names) == 0 {
			return nil
		}
		behind := min(p.at+1, len(p.list))
		p.list = slices.Insert(p.list, behind, c.Names...)
		if p.back >= behind {
			p.back += len(c.Names)
		}
		return p.turn(behind, len(c.Names))
	case Append:
		idle := p.at >= len(p.list)
		p.list = append(p.list, c.Names...)
		if idle && p.at < len(p.list) {
			return errTurn
		}
	case PlayAt:
		if c.Index >= 0 && c.Index < len(p.list) {
			return p.turn(c.Index, 0)
		}
	case PlayNext:
		if p.at+1 < len(p.list) {
			return p.turn(p.at+1, 0)
		}
	case PlayPrevious:
		if p.at > 0 {
			return p.turn(p.at-1, 0)
		}
	case Remove:
		return p.remove(c.Index)
	}
	return nil
}

// remove takes a source out of the playlist. If it plays, the one behind it does
// instead.
func (p *Player) remove(i int) error {
	if i < 0 || i >= len(p.list) || len(p.list) == 1 {
		return nil
	}
	p.list = slices.Delete(p.list, i, i+1)
	if p.at <= i && i < p.at+p.added {
		p.added--
	}
	switch {
	case i < p.back:
		p.back--
	case i == p.back:
		p.back = -1
	}
	switch {
	case i < p.at:
		p.at--
	case i == p.at:
		p.at = min(i, len(p.list)-1)
		return errTurn
	}
	return nil
}

// setVolume sets the volume to between 0 and 1.
func (p *Player) setVolume(v float64) { p.volume = min(1, max(0, v)) }

// opened is a source that is open, and where to begin in it.
type opened struct {
	src    demux.Source
	start  time.Duration
	frame  int64 // its number, if start is 0
	paused bool
	part   part            // what is looped, in the time of pictures that come at rate
	rate   render.Rational // zero if there are no pictures
}

// reload opens the source once more, for what the opener takes it for by now, and
// goes on at the frame that is on the screen. If that fails, all stays as it is.
func (s *session) reload() error {
	if s.info.Live || s.name == "-" {
		return nil
	}
	src, err := s.cfg.Open(s.ctx, s.name)
	if err != nil {
		if s.ctx.Err() == nil {
			s.log.Error(err.Error())
		}
		return nil
	}
	to := &opened{src: src, paused: s.paused, part: s.part, rate: s.rate()}
	switch {
	case s.hasVideo && !s.framesAreStills && s.arrived():
		to.frame = s.shown.Number
	case s.hasVideo && !s.framesAreStills && s.rate().Known():
		to.frame = frameAt(s.position(), s.rate()) // where a seek is on its way to
	default:
		to.start = s.position()
	}
	s.p.ready, s.p.back, s.p.added = to, -1, 0
	return errTurn
}

// frameAt is the number of the frame that is shown at a time in the source.
// Times of frames are rounded, so that one may seem to begin a little later.
func frameAt(t time.Duration, rate render.Rational) int64 {
	return int64((t + time.Microsecond).Seconds() * rate.Float())
}

// errCancelled is why a source was not played that somebody did not want to wait
// for.
var errCancelled = errors.New("opening was cancelled")
