package controls

/*
#cgo CFLAGS: -O3
#include "raster.h"
*/
import "C"

import (
	"unsafe"

	"planar/render"
)

// vertex is a corner of a triangle, as Dear ImGui lays it out in memory: the
// position in pixels of the window, where in the texture (0 to 1), and the colour,
// red in the lowest byte, not multiplied by alpha.
type vertex struct {
	x, y, u, v float32
	colour     uint32
}

// box is a rectangle of pixels, x1 and y1 excluded.
type box struct{ x0, y0, x1, y1 int32 }

func (b box) empty() bool { return b.x0 >= b.x1 || b.y0 >= b.y1 }

// contains reports whether all of o lies in b.
func (b box) contains(o box) bool {
	return o.x0 >= b.x0 && o.y0 >= b.y0 && o.x1 <= b.x1 && o.y1 <= b.y1
}

func (b box) has(x, y int) bool {
	return int(b.x0) <= x && x < int(b.x1) && int(b.y0) <= y && y < int(b.y1)
}

func (b box) and(o box) box {
	return box{max(b.x0, o.x0), max(b.y0, o.y0), min(b.x1, o.x1), min(b.y1, o.y1)}
}

func (b box) or(o box) box {
	if b.empty() {
		return o
	}
	if o.empty() {
		return b
	}
	return box{min(b.x0, o.x0), min(b.y0, o.y0), max(b.x1, o.x1), max(b.y1, o.y1)}
}

func (b box) c() C.raster_rect {
	return C.raster_rect{C.int(b.x0), C.int(b.y0), C.int(b.x1), C.int(b.y1)}
}

// texture is a picture that triangles are painted with. The zero value is white.
type texture struct {
	alpha         bool // a byte a pixel, white times it; else blue, green, red, unused
	pix           *byte
	width, height int
	stride        int // bytes
	version       uint64
}

// triangles draws the triangles of idx, three indices of vtx each, over dst, whose
// top left corner lies at x, y of the window, inside clip. Whatever the data are,
// nothing but dst changes.
func triangles(dst render.Bitmap, x, y int, clip box, vtx []vertex, idx []uint16, tx texture) {
	if len(vtx) == 0 || len(idx) < 3 || dst.Width <= 0 || dst.Height <= 0 {
		return
	}
	target := C.raster_target{C.int(x), C.int(y), C.int(dst.Width), C.int(dst.Height), C.int(dst.Stride)}
	rect := clip.c()
	t := C.raster_texture{kind: C.RASTER_NONE}
	if tx.pix != nil && tx.width > 0 && tx.height > 0 {
		t = C.raster_texture{C.RASTER_BGRX, C.int(tx.width), C.int(tx.height), C.int(tx.stride)}
		if tx.alpha {
			t.kind = C.RASTER_ALPHA
		}
	}
	C.raster_draw((*C.uint8_t)(&dst.Pix[0]), &target, &rect,
		(*C.raster_vertex)(unsafe.Pointer(&vtx[0])), C.int(len(vtx)),
		(*C.uint16_t)(&idx[0]), C.int(len(idx)), (*C.uint8_t)(tx.pix), &t)
}

// extent is what triangles would touch inside clip, or a little more.
func extent(clip box, vtx []vertex, idx []uint16) box {
	if len(vtx) == 0 || len(idx) < 3 {
		return box{}
	}
	var r C.raster_rect
	rect := clip.c()
	C.raster_bounds(&r, &rect, (*C.raster_vertex)(unsafe.Pointer(&vtx[0])), C.int(len(vtx)), (*C.uint16_t)(&idx[0]), C.int(len(idx)))
	return box{int32(r.x0), int32(r.y0), int32(r.x1), int32(r.y1)}
}
