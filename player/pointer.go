package player

import (
	"math"

	"planar/render"
)

// pointer turns what the mouse does on the picture into commands: the wheel is
// the volume, with Ctrl the zoom; dragging moves the picture; a double click is
// full screen.
type pointer struct {
	dragging bool
	x, y     int
	turned   float64 // of the wheel, less than a notch
}

// zoomStep is what a notch of the wheel zooms by: three are twice as large.
var zoomStep = math.Cbrt(2)

// point answers an event of the pointer.
func (s *session) point(e render.Event) error {
	m := &s.mouse
	switch e.Kind {
	case render.PointerDown:
		if e.Button == render.ButtonLeft {
			m.dragging, m.x, m.y = true, e.X, e.Y
			if e.Clicks > 0 && e.Clicks%2 == 0 {
				return s.do(keys["doubleclick"])
			}
		}
	case render.PointerUp:
		if e.Button == render.ButtonLeft {
			m.dragging = false
		}
	case render.PointerMove:
		if m.dragging {
			s.panBy(float64(e.X-m.x), float64(e.Y-m.y))
			m.x, m.y = e.X, e.Y
		}
	case render.Wheel:
		if e.Mods&render.ModCtrl != 0 {
			s.zoomBy(math.Pow(zoomStep, e.WheelY), float64(e.X), float64(e.Y))
			return nil
		}
		m.turned += e.WheelY
		for ; m.turned >= 1; m.turned-- {
			_ = s.do(keys["wheelup"])
		}
		for ; m.turned <= -1; m.turned++ {
			_ = s.do(keys["wheeldown"])
		}
	}
	return nil
}

// panBy moves a picture that is larger than the window, or zoomed.
func (s *session) panBy(dx, dy float64) {
	if s.shown == nil || s.p.overlay.screen == nil {
		return
	}
	w, h, _ := s.p.overlay.screen.Size()
	dw, dh := s.shown.DisplaySize()
	s.setView(s.p.look.view.Pan(dx, dy, w, h, dw, dh))
}
