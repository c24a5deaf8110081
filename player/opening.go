package player

import (
	"context"
	"fmt"
	"time"

	"planar/demux"
	"planar/render"
)

// showAfter is how long opening may take before the window says so: files open
// faster, and then the window appears once, at the right size.
const showAfter = 300 * time.Millisecond

// open opens a source while the window stays alive.
func (p *Player) open(ctx context.Context, name string) (demux.Source, error) {
	type result struct {
		src demux.Source
		err error
	}
	done := make(chan result, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		src, err := p.cfg.Open(ctx, name)
		done <- result{src, err}
		p.cfg.Video.Wake()
	}()
	began := p.cfg.Time.Now()
	slow := time.AfterFunc(showAfter, p.cfg.Video.Wake)
	defer slow.Stop()
	shown := false
	// leave abandons the attempt; the opener sees the cancelled context.
	leave := func(err error) (demux.Source, error) {
		cancel()
		if r := <-done; r.src != nil {
			r.src.Close()
		}
		return nil, err
	}
	for {
		select {
		case r := <-done:
			return r.src, r.err
		default:
		}
		if ctx.Err() != nil {
			return leave(context.Cause(ctx))
		}
		if !shown && p.cfg.Time.Now()-began >= showAfter {
			shown = true
			p.cfg.Video.SetTitle("opening " + display(name) + " - planar")
			if err := p.showWindow(); err != nil {
				return leave(err)
			}
		}
		err := p.attend(ctx, shown, Moment{State: Opening, Live: demux.IsURL(name), Frame: -1, Status: func() Status {
			st := p.status()
			st.Name, st.Source, st.Since = name, display(name), p.cfg.Time.Now()-began
			return st
		}})
		if err == errCancelled {
			err = fmt.Errorf("%s: %w", label(name), err)
		}
		if err != nil {
			return leave(err)
		}
	}
}

// idle waits for something to play: errTurn, or why there is nothing to wait for.
func (p *Player) idle(ctx context.Context) error {
	p.cfg.Video.SetTitle("planar")
	if err := p.showBlack(); err != nil {
		return err
	}
	for {
		err := p.attend(ctx, true, Moment{State: Idle, Frame: -1, Status: func() Status {
			st := p.status()
			st.Source, st.State = "", string(Idle)
			return st
		}})
		if err != nil && err != errCancelled || ctx.Err() != nil {
			return err
		}
	}
}

// attend answers what a person does while nothing plays: once, after waiting for
// it. The error says that the waiting is over.
func (p *Player) attend(ctx context.Context, visible bool, m Moment) error {
	m.Now = p.cfg.Time.Now()
	if visible {
		commands := p.overlay.draw(m)
		for _, c := range commands {
			if err := p.answer(c); err != nil {
				return err
			}
		}
		if len(commands) > 0 {
			return nil
		}
	}
	var dropped []string
	for _, e := range p.cfg.Video.Wait(ctx) {
		var err error
		switch {
		case e.Kind == render.CloseRequest:
			err = ErrQuit
		case p.overlay.handle(e, m.Now):
		case e.Kind == render.FileDrop:
			dropped = append(dropped, e.Path)
		case e.Kind == render.KeyPress && e.Key == "escape" && m.State == Opening && !p.cfg.Video.Fullscreen():
			err = errCancelled
		case e.Kind == render.KeyPress:
			err = p.answer(keys[e.Key])
		}
		if err != nil {
			return err
		}
	}
	return p.do(Command{Do: Open, Names: dropped})
}

// answer does what was asked for while nothing plays.
func (p *Player) answer(c Command) error {
	if c.Do == CancelOpening {
		return errCancelled
	}
	return p.do(c)
}

// showBlack shows the window, if the output is one, without a picture.
func (p *Player) showBlack() error {
	err := p.showWindow()
	if p.overlay.screen != nil {
		p.overlay.screen.Clear()
	}
	return err
}

// showWindow shows the window, if the output is one, before there is a picture.
func (p *Player) showWindow() error {
	p.overlay.visible = true
	if p.overlay.screen != nil {
		return p.overlay.screen.ShowNow()
	}
	return nil
}
