package player

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"planar/demux"
)

// turn ends a session because another source of the playlist is to be played.
type turn struct {
	to    int
	added bool // it has come into the playlist for this: if it cannot be played it goes again
}

func (t *turn) Error() string { return fmt.Sprintf("on to source %d", t.to+1) }

// do answers a command that does not depend on what plays.
func (p *Player) do(c Command) error {
	switch c.Do {
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
		return &turn{to: behind, added: true}
	case Append:
		idle := p.at >= len(p.list)
		p.list = append(p.list, c.Names...)
		if idle && p.at < len(p.list) {
			return &turn{to: p.at}
		}
	case PlayAt:
		if c.Index >= 0 && c.Index < len(p.list) {
			return &turn{to: c.Index}
		}
	case PlayNext:
		if p.at+1 < len(p.list) {
			return &turn{to: p.at + 1}
		}
	case PlayPrevious:
		if p.at > 0 {
			return &turn{to: p.at - 1}
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
	switch {
	case i < p.at:
		p.at--
	case i == p.at:
		return &turn{to: min(i, len(p.list)-1)}
	}
	return nil
}

// opened is a source that is open, and where to begin in it.
type opened struct {
	src    demux.Source
	start  time.Duration
	frame  int64 // its number, if start is 0
	paused bool
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
	s.p.ready = &opened{src: src, paused: s.paused}
	switch {
	case s.hasVideo && s.shown != nil && !s.framesAreStills:
		s.p.ready.frame = s.shown.Number
	case !s.hasVideo:
		s.p.ready.start = s.position()
	}
	return &turn{to: s.p.at}
}

// errCancelled is why a source was not played that somebody did not want to wait
// for.
var errCancelled = errors.New("opening was cancelled")
