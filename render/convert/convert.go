// Package convert turns 8-bit 4:2:0 pictures into bitmaps, exactly and fast:
// libyuv scales and turns, planar's own kernel does the colours, because
// libyuv's is up to 18 code values off. Other formats go to another converter.
package convert

/*
#cgo CFLAGS: -O3
#cgo LDFLAGS: -lyuv
#include <libyuv/planar_functions.h>
#include <libyuv/rotate_argb.h>
#include <libyuv/scale.h>
#include "kernel.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"unsafe"

	"planar/render"
)

// Converter implements render.Converter. It keeps the memory that its largest
// pictures took.
type Converter struct {
	other render.Converter

	split  []byte    // chroma planes of pictures that interleave them
	halved [2][]byte // planes on the way to a much smaller size
	scaled []byte    // planes of the bitmap's size
	turned []byte    // the bitmap before it is turned
	rows   []int16   // the kernel's scratch memory, one part per thread
}

// New returns a converter that hands what it does not do itself to other: all
// formats but 8-bit 4:2:0, and bicubic scaling. other may be nil, and then
// these are errors. Closing the converter closes other.
func New(other render.Converter) *Converter { return &Converter{other: other} }

// Close gives up the converter's memory and closes the one behind it.
func (c *Converter) Close() {
	if c.other != nil {
		c.other.Close()
	}
	*c = Converter{}
}

// Convert fills the whole of dst with p, scaled to its size, turned by
// p.Rotation and converted with p.Colour. Colours are within one code value
// of exact arithmetic. Chroma is interpolated from where it is sited; with
// render.Nearest every pixel shows its own samples.
func (c *Converter) Convert(dst render.Bitmap, p *render.Picture, f render.Filter) error {
	if err := check(dst); err != nil {
		return err
	}
	if err := p.CheckPlanes(); err != nil {
		return err
	}
	switch p.Rotation {
	case 0:
		return c.upright(dst, p, f)
	case 90, 180, 270:
	default:
		return fmt.Errorf("a picture cannot be turned by %d degrees", p.Rotation)
	}
	upright := *p
	upright.Rotation = 0
	b := render.Bitmap{Width: dst.Width, Height: dst.Height}
	if p.Rotation != 180 {
		b.Width, b.Height = dst.Height, dst.Width
	}
	b.Stride = b.Width * 4
	b.Pix = room(&c.turned, b.Stride*b.Height)
	if err := c.upright(b, &upright, f); err != nil {
		return err
	}
	if C.ARGBRotate(pointer(b.Pix), C.int(b.Stride), pointer(dst.Pix), C.int(dst.Stride),
		C.int(b.Width), C.int(b.Height), C.enum_RotationMode(p.Rotation)) != 0 {
		return errors.New("libyuv cannot turn the picture")
	}
	return nil
}

// check makes sure that C cannot write beyond b.
func check(b render.Bitmap) error {
	if b.Width <= 0 || b.Height <= 0 || b.Stride < b.Width*4 || len(b.Pix) < (b.Height-1)*b.Stride+b.Width*4 {
		return fmt.Errorf("a bitmap of %dx%d, stride %d, does not fit into %d bytes", b.Width, b.Height, b.Stride, len(b.Pix))
	}
	return nil
}

// upright converts a picture that needs no turning.
func (c *Converter) upright(dst render.Bitmap, p *render.Picture, f render.Filter) error {
	resized := dst.Width != p.Width || dst.Height != p.Height
	colour := p.Colour
	if p.Format == "yuvj420p" {
		colour.Range = render.Full
	}
	colour = colour.Resolve(p.Width, p.Height)
	planar := p.Format == "yuv420p" || p.Format == "yuvj420p"
	interleaved := p.Format == "nv12" || p.Format == "nv21"
	if !planar && !interleaved || colour.Matrix == render.RGB || resized && f == render.Bicubic {
		if c.other == nil {
			return fmt.Errorf("cannot convert %s pictures", p.Format)
		}
		return c.other.Convert(dst, p, f)
	}
	s, err := c.samples(p, interleaved)
	if err != nil {
		return err
	}
	scaleX, scaleY := 1.0, 1.0
	if resized {
		scaleX = float64(dst.Width) / float64(p.Width)
		scaleY = float64(dst.Height) / float64(p.Height)
		if s, err = c.scale(s, dst.Width, dst.Height, f); err != nil {
			return err
		}
	}
	m := parameters(colour, scaleX, scaleY, f == render.Nearest)
	c.colours(dst, s, &m)
	return nil
}

// samples are the planes of an 8-bit 4:2:0 picture.
type samples struct {
	width, height int
	data          [3][]byte
	stride        [3]int
}

// samples takes p's planes, separated if they are interleaved.
func (c *Converter) samples(p *render.Picture, interleaved bool) (s samples, err error) {
	cw, ch := (p.Width+1)/2, (p.Height+1)/2
	want := []render.Layout{{RowBytes: p.Width, Rows: p.Height}, {RowBytes: cw, Rows: ch}, {RowBytes: cw, Rows: ch}}
	if interleaved {
		want = []render.Layout{want[0], {RowBytes: 2 * cw, Rows: ch}}
	}
	if len(p.Planes) != len(want) {
		return s, fmt.Errorf("a %s picture with %d planes", p.Format, len(p.Planes))
	}
	for i, l := range want {
		pl := p.Planes[i]
		if pl.RowBytes < l.RowBytes || pl.Rows < l.Rows {
			return s, fmt.Errorf("plane %d of a %s picture of %dx%d has only %d rows of %d bytes",
				i, p.Format, p.Width, p.Height, pl.Rows, pl.RowBytes)
		}
	}
	s = samples{width: p.Width, height: p.Height}
	for i, pl := range p.Planes {
		s.data[i], s.stride[i] = pl.Data, pl.Stride
	}
	if !interleaved {
		return s, nil
	}
	both := room(&c.split, 2*cw*ch)
	first, second := both[:cw*ch], both[cw*ch:]
	C.SplitUVPlane(pointer(p.Planes[1].Data), C.int(p.Planes[1].Stride), pointer(first), C.int(cw), pointer(second), C.int(cw), C.int(cw), C.int(ch))
	if p.Format == "nv21" {
		first, second = second, first
	}
	s.data[1], s.data[2] = first, second
	s.stride[1], s.stride[2] = cw, cw
	return s, nil
}

// scale makes the planes of a picture of width x height.
func (c *Converter) scale(s samples, width, height int, f render.Filter) (samples, error) {
	if f == render.Nearest {
		return scaleInto(&c.scaled, s, width, height, C.kFilterNone)
	}
	// Means of larger boxes come out one too dark in libyuv, or worse. Halving is
	// exact, and leaves a rest for which bilinear looks at every sample.
	for i := 0; s.width >= 2*width || s.height >= 2*height; i++ {
		w, h := s.width, s.height
		if w >= 2*width {
			w = (w + 1) / 2
		}
		if h >= 2*height {
			h = (h + 1) / 2
		}
		var err error
		if s, err = scaleInto(&c.halved[i%2], s, w, h, C.kFilterBilinear); err != nil {
			return s, err
		}
	}
	if s.width == width && s.height == height {
		return s, nil
	}
	return scaleInto(&c.scaled, s, width, height, C.kFilterBilinear)
}

// scaleInto scales s once, into memory that it takes from *b.
func scaleInto(b *[]byte, s samples, width, height int, filter C.enum_FilterMode) (samples, error) {
	cw, ch := (width+1)/2, (height+1)/2
	all := room(b, width*height+2*cw*ch)
	d := samples{
		width: width, height: height,
		data:   [3][]byte{all[:width*height], all[width*height:][:cw*ch], all[width*height+cw*ch:]},
		stride: [3]int{width, cw, cw},
	}
	if C.I420Scale(
		pointer(s.data[0]), C.int(s.stride[0]), pointer(s.data[1]), C.int(s.stride[1]), pointer(s.data[2]), C.int(s.stride[2]),
		C.int(s.width), C.int(s.height),
		pointer(d.data[0]), C.int(d.stride[0]), pointer(d.data[1]), C.int(d.stride[1]), pointer(d.data[2]), C.int(d.stride[2]),
		C.int(width), C.int(height), filter) != 0 {
		return d, fmt.Errorf("libyuv cannot scale %dx%d to %dx%d", s.width, s.height, width, height)
	}
	return d, nil
}

// parallelPixels is the size from which a picture is worth a second thread.
const parallelPixels = 3840 * 2160

// colours runs the kernel.
func (c *Converter) colours(dst render.Bitmap, s samples, m *C.planar_yuv) {
	size := int(C.planar_scratch_size(C.int(s.width), m))
	threads := 1
	if s.width*s.height >= parallelPixels {
		threads = 2
	}
	if len(c.rows) < threads*size {
		c.rows = make([]int16, threads*size)
	}
	part := func(i int) {
		C.planar_i420_to_bgra(
			pointer(s.data[0]), C.ptrdiff_t(s.stride[0]),
			pointer(s.data[1]), C.ptrdiff_t(s.stride[1]),
			pointer(s.data[2]), C.ptrdiff_t(s.stride[2]),
			C.int(s.width), C.int(s.height),
			C.int(s.height*i/threads), C.int(s.height*(i+1)/threads),
			pointer(dst.Pix), C.ptrdiff_t(dst.Stride), m, (*C.int16_t)(unsafe.Pointer(&c.rows[i*size])))
	}
	var wg sync.WaitGroup
	for i := 1; i < threads; i++ {
		wg.Go(func() { part(i) })
	}
	part(0)
	wg.Wait()
}

// parameters computes the kernel's constants for a resolved colour. The scale
// is by how much the planes were scaled before.
func parameters(colour render.Colour, scaleX, scaleY float64, nearest bool) C.planar_yuv {
	kr, kb := colour.Matrix.Weights()
	kg := 1 - kr - kb
	luma, chroma, black := 1.0, 1.0, 0.0
	if colour.Range == render.Limited {
		luma, chroma, black = 255.0/219, 255.0/224, 16
	}
	q13 := func(x float64) C.int16_t { return C.int16_t(math.Round(x * 8192)) }
	m := C.planar_yuv{
		luma:    q13(luma),
		red_v:   q13(chroma * 2 * (1 - kr)),
		green_u: q13(-chroma * 2 * (1 - kb) * kb / kg),
		green_v: q13(-chroma * 2 * (1 - kr) * kr / kg),
		blue_u:  q13(chroma * 2 * (1 - kb)),
		// Half a code value, so that cutting the fraction off rounds.
		offset: C.int16_t(math.Round((0.5 - luma*black) * 32)),
		pad:    1,
	}
	if nearest {
		return m
	}
	// A chroma sample covers two columns and two rows, and scaling keeps it in
	// their middle, which is a quarter of a sample from both. Where chroma is
	// sited on the first of them it has to move by half an unscaled column.
	x, y := -0.25, -0.25
	if colour.Siting != render.SitingCentre {
		x += 0.25 * scaleX
	}
	if colour.Siting == render.SitingTopLeft {
		y += 0.25 * scaleY
	}
	for odd := range 2 {
		px, py := x+0.5*float64(odd), y+0.5*float64(odd)
		whole := math.Floor(px)
		m.column_whole[odd] = C.int32_t(whole)
		m.column_fraction[odd] = C.int16_t(min(32767, math.Round((px-whole)*32768)))
		m.pad = max(m.pad, m.column_whole[odd]+1)
		whole = math.Floor(py)
		m.row_whole[odd] = C.int32_t(whole)
		m.row_fraction[odd] = C.int16_t(math.Round((py - whole) * 128))
	}
	return m
}

// room returns n bytes of *b, which grows as needed; what is in them is left.
func room(b *[]byte, n int) []byte {
	if cap(*b) < n {
		*b = make([]byte, n)
	}
	return (*b)[:n]
}

func pointer(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))) }
