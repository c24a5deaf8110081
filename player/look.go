package player

import (
	"fmt"

	"planar/render"
	"planar/render/scope"
)

// look is how pictures are shown, beyond what they are. It outlives a source; the
// main goroutine owns it.
type look struct {
	view      render.View
	filter    render.Filter
	colour    render.Colour // what is known here is so, whatever the source says
	component int           // 1 to 4 for one alone, 0 for all
	w, h      int           // displayed size of the picture that view is of
	named     string        // the pixel format that samples is of
	samples   *scope.Format // nil if its samples cannot be told apart
	// planes hold single components. A picture is in use while it is prepared, on
	// the screen, or the one before that: three, and one to write into.
	planes [4]scope.Extractor
	turn   int
}

// apply makes what is shown of a frame.
func (s *session) apply(f *frame) *render.Picture {
	l := &s.p.look
	if f.said.Matrix != render.RGB {
		f.Colour = l.colour.OrElse(f.said)
	}
	if l.component == 0 || s.cfg.Describe == nil {
		return &f.Picture
	}
	if f.Format != l.named {
		l.named, l.samples = f.Format, nil
		if d, ok := s.cfg.Describe(f.Format); ok {
			l.samples, _ = scope.New(d)
		}
	}
	if l.samples == nil {
		return &f.Picture
	}
	l.turn = (l.turn + 1) % len(l.planes)
	plane, err := l.planes[l.turn].Plane(l.samples, &f.Picture, l.component-1)
	if err != nil { // it has no such component
		return &f.Picture
	}
	f.alone = plane
	return &f.alone
}

// reshow shows the picture on the screen again, after its look has changed.
func (s *session) reshow() {
	if s.shown == nil {
		return
	}
	show := func() error {
		if err := s.out.Prepare(s.apply(s.shown)); err != nil {
			return err
		}
		if err := s.out.Present(s.shown.Number, s.shown.PTS); err != nil {
			return err
		}
		if s.next == nil {
			return nil
		}
		return s.out.Prepare(s.apply(s.next))
	}
	if err := show(); err != nil {
		s.failed = fmt.Errorf("%s: cannot show a frame: %w", label(s.name), err)
	}
	look := lookOf(s.shown)
	s.stats.look.Store(&look)
}

// shape keeps the view while pictures keep their size, and shows all of a picture
// of another one.
func (s *session) shape(w, h int) {
	l := &s.p.look
	if w == l.w && h == l.h {
		return
	}
	l.w, l.h = w, h
	if l.view != (render.View{}) {
		s.setView(render.View{})
	}
}

func (s *session) setView(v render.View) {
	if o := &s.p.overlay; o.screen != nil && v != s.p.look.view {
		s.p.look.view = v
		o.screen.SetView(v)
	}
}

// zoomBy zooms about a point of the window.
func (s *session) zoomBy(factor, x, y float64) {
	if s.shown == nil || s.p.overlay.screen == nil {
		return
	}
	w, h, _ := s.p.overlay.screen.Size()
	dw, dh := s.shown.DisplaySize()
	s.setView(s.p.look.view.ZoomAt(factor, x, y, w, h, dw, dh))
}
