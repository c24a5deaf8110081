package sdlwindow

/*
#cgo CFLAGS: -O3
#include "blend.h"
*/
import "C"

import (
	"unsafe"

	"github.com/veandco/go-sdl2/sdl"

	"planar/render"
)

// blend lays pixels over a window's, of 32 bits, at x, y and inside it.
func blend(window render.Bitmap, x, y int, b render.Bitmap) {
	dst := window.Sub(render.Rect{X: x, Y: y, W: b.Width, H: b.Height})
	C.planar_layer_blend((*C.uint8_t)(&dst.Pix[0]), C.int(dst.Stride), (*C.uint8_t)(&b.Pix[0]), C.int(b.Stride), C.int(b.Width), C.int(b.Height))
}

// blendAny is blend for surfaces of any format, by way of 32 bits.
func blendAny(on *sdl.Surface, x, y int, b render.Bitmap) error {
	w, h, pitch, format := int32(b.Width), int32(b.Height), int(on.Pitch), on.Format.Format
	at := unsafe.Add(on.Data(), y*pitch+x*int(on.Format.BytesPerPixel))
	under := render.NewBitmap(b.Width, b.Height)
	pix := unsafe.Pointer(&under.Pix[0])
	if err := sdl.ConvertPixels(w, h, format, at, pitch, sdl.PIXELFORMAT_ARGB8888, pix, under.Stride); err != nil {
		return err
	}
	blend(under, 0, 0, b)
	return sdl.ConvertPixels(w, h, sdl.PIXELFORMAT_ARGB8888, pix, under.Stride, format, at, pitch)
}

// intersect is the part of a inside b; it is empty if W or H is not positive.
func intersect(a, b render.Rect) render.Rect {
	x, y := max(a.X, b.X), max(a.Y, b.Y)
	return render.Rect{X: x, Y: y, W: min(a.X+a.W, b.X+b.W) - x, H: min(a.Y+a.H, b.Y+b.H) - y}
}
