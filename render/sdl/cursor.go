package sdlwindow

import (
	"sync/atomic"
	"time"

	"github.com/veandco/go-sdl2/sdl"

	"planar/render"
)

// cursor hides the mouse pointer in full screen when it has not moved.
type cursor struct {
	timer  *time.Timer
	due    atomic.Bool
	hidden bool

	shape  render.Cursor
	shapes [len(systemCursors)]*sdl.Cursor // made when first needed
}

// cursorDelay is how long the pointer stays visible after its last motion.
const cursorDelay = 2 * time.Second

func (c *cursor) fullscreen(w *Window, on bool) {
	if on {
		c.moved(w)
		return
	}
	c.stop()
}

// moved shows the pointer and, in full screen, starts the wait for hiding it.
func (c *cursor) moved(w *Window) {
	c.reveal()
	if !w.Fullscreen() {
		return
	}
	if c.timer == nil {
		c.timer = time.AfterFunc(cursorDelay, func() {
			c.due.Store(true)
			w.Wake()
		})
		return
	}
	c.timer.Reset(cursorDelay)
}

func (c *cursor) reveal() {
	c.due.Store(false)
	if c.hidden {
		sdl.ShowCursor(sdl.ENABLE)
		c.hidden = false
	}
}

func (c *cursor) hideIfDue() {
	if c.due.Swap(false) {
		sdl.ShowCursor(sdl.DISABLE)
		c.hidden = true
	}
}

func (c *cursor) stop() {
	if c.timer != nil {
		c.timer.Stop()
	}
	c.reveal()
}

// systemCursors are SDL's numbers of render's cursors.
var systemCursors = [...]sdl.SystemCursor{
	render.CursorArrow: sdl.SYSTEM_CURSOR_ARROW, render.CursorHand: sdl.SYSTEM_CURSOR_HAND,
	render.CursorText: sdl.SYSTEM_CURSOR_IBEAM, render.CursorCrosshair: sdl.SYSTEM_CURSOR_CROSSHAIR,
	render.CursorMove:    sdl.SYSTEM_CURSOR_SIZEALL,
	render.CursorResizeH: sdl.SYSTEM_CURSOR_SIZEWE, render.CursorResizeV: sdl.SYSTEM_CURSOR_SIZENS,
}

// SetCursor gives the mouse's pointer a shape while it is over the window. A shape
// that there is not is the arrow.
func (w *Window) SetCursor(shape render.Cursor) {
	c := &w.cursor
	if shape < 0 || int(shape) >= len(systemCursors) {
		shape = render.CursorArrow
	}
	if shape == c.shape {
		return
	}
	c.shape = shape
	if c.shapes[shape] == nil {
		c.shapes[shape] = sdl.CreateSystemCursor(systemCursors[shape])
	}
	if c.shapes[shape] != nil {
		sdl.SetCursor(c.shapes[shape])
	}
}

// close gives back what the shapes take.
func (c *cursor) close() {
	c.stop()
	for i, shape := range c.shapes {
		if shape != nil {
			sdl.FreeCursor(shape) // SDL takes its own again
			c.shapes[i] = nil
		}
	}
}
