package sdlwindow

/*
#cgo CFLAGS: -O3
#include "blend.h"
*/
import "C"

import (
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/veandco/go-sdl2/sdl"

	"planar/render"
	"planar/render/overlay"
)

// While pictures come, new text comes onto the screen with one of them, which
// costs nothing but the writing. When none has come for stillAfter, the window is
// drawn again with the picture that it has. If that has been forgotten, there is
// only black to write on, so that a new one may take longer to come.
const (
	stillAfter     = 50 * time.Millisecond
	forgottenAfter = time.Second
)

// writing is the text over the pictures, and whether the screen shows it.
type writing struct {
	text    render.Overlay
	pending bool // the screen does not show text yet, and the timer is running
	// outdated says that what the canvas holds was drawn with another text.
	outdated bool

	timer *time.Timer // made when first needed
	due   atomic.Bool // the timer's time has come
}

// SetOverlay writes o over the pictures, from now on and until it is another one:
// with the next picture, or soon, over the one that is there.
func (w *Window) SetOverlay(o render.Overlay) {
	t := &w.writing
	if o.Equal(t.text) {
		return
	}
	t.text = o.Clone()
	t.outdated = w.canvas.write(t.text)
	if t.pending || !w.visible {
		return // the timer is running, or the window is drawn when it appears
	}
	t.pending = true
	wait := stillAfter
	if w.forgotten {
		wait = forgottenAfter
	}
	if t.timer == nil {
		t.timer = time.AfterFunc(wait, func() {
			t.due.Store(true)
			w.Wake()
		})
		return
	}
	t.timer.Reset(wait)
}

// shown notes that the screen shows what the canvas holds.
func (t *writing) shown() {
	if t.pending && !t.outdated {
		t.stop()
	}
}

// stop calls the timer off.
func (t *writing) stop() {
	t.pending = false
	if t.timer != nil {
		t.timer.Stop()
	}
	t.due.Store(false)
}

// writeIfDue draws the window again when its text has changed but no picture has
// come, and reports whether it did. What is prepared is converted again too, so
// that it can be presented at its time.
func (w *Window) writeIfDue() bool {
	if !w.writing.due.Swap(false) || !w.writing.pending {
		return false
	}
	w.writing.pending = false
	w.rewrite()
	if w.next != nil && w.redrawErr == nil {
		w.holds = holdsNothing
		if w.redrawErr = w.draw(w.next); w.redrawErr == nil {
			w.holds = holdsNext
		}
	}
	return true
}

// rewrite shows the presented picture with the text as it is now.
func (w *Window) rewrite() {
	if w.writing.outdated {
		w.holds = holdsNothing
	}
	w.repair()
}

// blend lays box over a window's pixels, of 32 bits. The box lies in the window.
func blend(window render.Bitmap, box overlay.Box) {
	b := box.Pixels
	dst := window.Sub(render.Rect{X: box.X, Y: box.Y, W: b.Width, H: b.Height})
	C.planar_overlay_blend((*C.uint8_t)(&dst.Pix[0]), C.int(dst.Stride), (*C.uint8_t)(&b.Pix[0]), C.int(b.Stride), C.int(b.Width), C.int(b.Height))
}

// blendAny is blend for surfaces of any format, by way of 32 bits.
func blendAny(on *sdl.Surface, box overlay.Box) error {
	b := box.Pixels
	w, h, pitch, format := int32(b.Width), int32(b.Height), int(on.Pitch), on.Format.Format
	at := unsafe.Add(on.Data(), box.Y*pitch+box.X*int(on.Format.BytesPerPixel))
	under := render.NewBitmap(b.Width, b.Height)
	pix := unsafe.Pointer(&under.Pix[0])
	if err := sdl.ConvertPixels(w, h, format, at, pitch, sdl.PIXELFORMAT_ARGB8888, pix, under.Stride); err != nil {
		return err
	}
	blend(under, overlay.Box{Pixels: b})
	return sdl.ConvertPixels(w, h, sdl.PIXELFORMAT_ARGB8888, pix, under.Stride, format, at, pitch)
}

// intersect is the part of a inside b; it is empty if W or H is not positive.
func intersect(a, b render.Rect) render.Rect {
	x, y := max(a.X, b.X), max(a.Y, b.Y)
	return render.Rect{X: x, Y: y, W: min(a.X+a.W, b.X+b.W) - x, H: min(a.Y+a.H, b.Y+b.H) - y}
}
