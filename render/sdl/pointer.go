package sdlwindow

import (
	"time"

	"github.com/veandco/go-sdl2/sdl"

	"planar/render"
)

// moveMillis is how often, in ms, a moving pointer ends a Wait at most: a mouse
// reports up to a thousand places a second, of which a screen shows a tenth.
const moveMillis = 8

// pointer is the mouse.
type pointer struct {
	wanted bool // moves are
	down   [render.ButtonRight + 1]bool
	told   uint64      // when a move ended a Wait last, as sdl.GetTicks64 counts
	timer  *time.Timer // ends the Wait that a move must not end yet
}

// WantPointer says whether PointerMove events are wanted; they are at first.
func (w *Window) WantPointer(on bool) { w.pointer.wanted = on }

// holdsBack reports whether Wait is to go on, as nothing but a move has come, and
// too soon after the one before.
func (p *pointer) holdsBack(events []render.Event) bool {
	return len(events) == 1 && events[0].Kind == render.PointerMove && p.rest() > 0
}

// rest is for how long a move may not be told yet.
func (p *pointer) rest() time.Duration {
	if now, next := sdl.GetTicks64(), p.told+moveMillis; p.told != 0 && now < next {
		return time.Duration(next-now) * time.Millisecond
	}
	return 0
}

// hold has the timer end a Wait that goes on.
func (p *pointer) hold(w *Window) {
	if p.timer == nil {
		p.timer = time.AfterFunc(p.rest(), w.Wake)
	} else {
		p.timer.Reset(p.rest())
	}
}

// told is what Wait returns.
func (w *Window) told() []render.Event {
	if last := len(w.events) - 1; last >= 0 && w.events[last].Kind == render.PointerMove {
		w.pointer.told = max(1, sdl.GetTicks64())
	}
	return w.events
}

func (p *pointer) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// pixel is the window's pixel at a place in SDL's points.
func (w *Window) pixel(x, y int32) (px, py int) {
	if w.win == nil {
		return int(x), int(y)
	}
	scale := w.pixelsPerPoint()
	return int(float64(x) * scale), int(float64(y) * scale)
}

// move adds a move of the pointer; of a run of moves the last one counts.
func (w *Window) move(m *sdl.MouseMotionEvent) {
	if !w.pointer.wanted {
		return
	}
	e := render.Event{Kind: render.PointerMove, Mods: mods(w.keys.held)}
	e.X, e.Y = w.pixel(m.X, m.Y)
	if last := len(w.events) - 1; last >= 0 && w.events[last].Kind == render.PointerMove {
		w.events[last] = e
		return
	}
	w.events = append(w.events, e)
}

// buttons are render's numbers of SDL's buttons.
var buttons = map[uint8]render.Button{
	sdl.BUTTON_LEFT: render.ButtonLeft, sdl.BUTTON_MIDDLE: render.ButtonMiddle, sdl.BUTTON_RIGHT: render.ButtonRight,
}

// button adds a press or the release of a button. While one is held, the window
// hears of the pointer wherever it goes.
func (w *Window) button(b *sdl.MouseButtonEvent) {
	button, ok := buttons[b.Button]
	if !ok {
		return
	}
	e := render.Event{Kind: render.PointerUp, Button: button, Mods: mods(w.keys.held)}
	e.X, e.Y = w.pixel(b.X, b.Y)
	pressed := b.Type == sdl.MOUSEBUTTONDOWN
	if pressed {
		e.Kind, e.Clicks = render.PointerDown, max(1, int(b.Clicks))
	}
	held := w.pointer.held()
	w.pointer.down[button] = pressed
	if now := w.pointer.held(); now != held {
		_ = sdl.CaptureMouse(now) // where that is not possible, moves outside are missed
	}
	w.events = append(w.events, e)
}

// held reports whether a button is.
func (p *pointer) held() bool {
	for _, down := range p.down {
		if down {
			return true
		}
	}
	return false
}

// wheel adds a turn of the wheel.
func (w *Window) wheel(m *sdl.MouseWheelEvent) {
	e := render.Event{
		Kind: render.Wheel, WheelX: float64(m.PreciseX), WheelY: float64(m.PreciseY),
		Mods: mods(w.keys.held),
	}
	if e.WheelX == 0 && e.WheelY == 0 { // SDL before 2.0.18
		e.WheelX, e.WheelY = float64(m.X), float64(m.Y)
	}
	if m.Direction == sdl.MOUSEWHEEL_FLIPPED {
		e.WheelX, e.WheelY = -e.WheelX, -e.WheelY
	}
	x, y, _ := sdl.GetMouseState()
	e.X, e.Y = w.pixel(x, y)
	w.events = append(w.events, e)
}

// dropPoint is the pixel that something is being dropped on. Where nobody tells,
// it is where the pointer was before.
func (w *Window) dropPoint() (x, y int) {
	if w.win == nil {
		return 0, 0
	}
	if x, y, ok := askPointer(w.win); ok {
		return x, y
	}
	gx, gy, _ := sdl.GetGlobalMouseState()
	wx, wy := w.win.GetPosition()
	width, height := w.win.GetSize()
	if gx, gy = gx-wx, gy-wy; gx < 0 || gy < 0 || gx >= width || gy >= height {
		gx, gy, _ = sdl.GetMouseState()
	}
	return w.pixel(gx, gy)
}
