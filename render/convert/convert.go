// Package convert turns pictures into bitmaps, exactly and fast: a kernel of
// planar's own reads samples of 8 to 16 bit in any arrangement, scales, and
// does the colours in one pass, row by row, so that what lies between stays in
// the processor's cache. Formats that are rare go to another converter.
package convert

/*
#cgo CFLAGS: -O3
#cgo LDFLAGS: -lyuv
#include <libyuv/rotate_argb.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"

	"planar/render"
)

// maxSide is the largest width and height of pictures and bitmaps.
const maxSide = 32768

// Converter implements render.Converter. It keeps the memory that its largest
// pictures took.
type Converter struct {
	other    render.Converter
	portable bool // for tests: do without hand-written vector code

	now     request // what plan was made for
	plan    *plan
	turned  []byte  // the bitmap before it is turned
	whole   []byte  // what other has made of a picture of which a part is wanted
	scratch []int16 // the kernel's memory, one part per thread
}

// New returns a converter that hands what it does not do itself to other:
// formats that the table in format.go does not have, YCbCr formats whose matrix
// is render.RGB, and bicubic scaling. other may be nil, and then these are
// errors. Closing the converter closes other.
func New(other render.Converter) *Converter { return &Converter{other: other} }

// Close gives up the converter's memory and closes the one behind it.
func (c *Converter) Close() {
	if c.other != nil {
		c.other.Close()
	}
	*c = Converter{}
}

// Convert fills the whole of dst with p, scaled to its size, turned by
// p.Rotation and converted with p.Colour; the fourth byte of each pixel is 255.
// Colours are within one code value of exact arithmetic. Samples are
// interpolated linearly from where they lie: luma in the middle of its area,
// chroma where it is sited. With render.Nearest every pixel shows the samples
// of the area it lies in. Pictures shown at half their size or less are
// averaged before. The "yuvj" formats are full range, grey is unless p.Colour
// says otherwise, and RGB always. It is an error if planes or dst are
// smaller than their sizes say.
func (c *Converter) Convert(dst render.Bitmap, p *render.Picture, f render.Filter) error {
	return c.ConvertPart(dst, p, f, 0, 0, dst.Width, dst.Height)
}

// ConvertPart fills dst with the part at x, y of the bitmap of w x h that
// Convert would make. It looks only at the samples that are in that part, and w
// and h may be as large as they like. It is an error if dst reaches beyond.
func (c *Converter) ConvertPart(dst render.Bitmap, p *render.Picture, f render.Filter, x, y, w, h int) error {
	if err := check(dst); err != nil {
		return err
	}
	if x < 0 || y < 0 || dst.Width > w-x || dst.Height > h-y {
		return fmt.Errorf("a bitmap of %dx%d has no part of %dx%d at %d,%d", w, h, dst.Width, dst.Height, x, y)
	}
	if err := p.CheckPlanes(); err != nil {
		return err
	}
	of := part{x, y, w, h}
	switch p.Rotation {
	case 0:
		return c.upright(dst, p, f, of)
	case 90:
		of = part{y, w - x - dst.Width, h, w}
	case 180:
		of = part{w - x - dst.Width, h - y - dst.Height, w, h}
	case 270:
		of = part{h - y - dst.Height, x, h, w}
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
	if err := c.upright(b, &upright, f, of); err != nil {
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
	if b.Width <= 0 || b.Height <= 0 || b.Width > maxSide || b.Height > maxSide || b.Stride < b.Width*4 ||
		!holds(len(b.Pix), b.Stride, b.Width*4, b.Height) {
		return fmt.Errorf("a bitmap of %dx%d, stride %d, does not fit into %d bytes", b.Width, b.Height, b.Stride, len(b.Pix))
	}
	return nil
}

// holds reports whether size bytes hold rows of rowBytes that are stride apart.
func holds(size, stride, rowBytes, rows int) bool {
	return rowBytes <= size && (rows == 1 || stride <= (size-rowBytes)/(rows-1))
}

// upright converts a part of a picture that needs no turning.
func (c *Converter) upright(dst render.Bitmap, p *render.Picture, filter render.Filter, of part) error {
	f, ok := formats[p.Format]
	resized := of.w != p.Width || of.h != p.Height
	grey := len(f.components) == 1
	if !ok || p.Colour.Matrix == render.RGB && !f.rgb && !grey || resized && filter == render.Bicubic {
		if c.other == nil {
			return fmt.Errorf("cannot convert %s pictures", p.Format)
		}
		if of == (part{w: dst.Width, h: dst.Height}) {
			return c.other.Convert(dst, p, filter)
		}
		return c.partByOther(dst, p, filter, of)
	}
	data, stride, err := f.take(p)
	if err != nil {
		return err
	}
	r := request{
		format: p.Format, width: p.Width, height: p.Height, across: dst.Width, down: dst.Height, of: of,
		colour: p.ShownColour(), nearest: filter == render.Nearest, portable: c.portable,
	}
	if c.plan == nil || c.now != r {
		c.plan, c.now = newPlan(&f, r), r
	}
	for i := range f.components {
		data[i] = data[i][c.plan.skip[i]:]
	}
	pixels := dst.Width * dst.Height
	shown := float64(pixels) / float64(of.w) / float64(of.h)
	c.run(dst, data, stride, max(pixels, int(shown*float64(p.Width*p.Height))))
	return nil
}

// partByOther has the other converter, which knows no parts, make a bitmap of
// the whole picture, no larger than that is, and takes the part out of it.
func (c *Converter) partByOther(dst render.Bitmap, p *render.Picture, filter render.Filter, of part) error {
	b := render.Bitmap{Width: min(of.w, p.Width), Height: min(of.h, p.Height)}
	if b.Width > maxSide || b.Height > maxSide {
		return fmt.Errorf("a %s picture of %dx%d is larger than %dx%d", p.Format, p.Width, p.Height, maxSide, maxSide)
	}
	b.Stride = b.Width * 4
	b.Pix = room(&c.whole, b.Stride*b.Height)
	if err := c.other.Convert(b, p, filter); err != nil {
		return err
	}
	if filter == render.Bicubic {
		filter = render.Bilinear // what is left to do of enlarging
	}
	whole := render.Picture{
		Format: "bgr0", Width: b.Width, Height: b.Height, Colour: render.Colour{Matrix: render.RGB},
		Planes: []render.Plane{{Data: b.Pix, Stride: b.Stride, RowBytes: b.Stride, Rows: b.Height}},
	}
	return c.upright(dst, &whole, filter, of)
}

// take finds the components of p and makes sure that C cannot read beyond
// them.
func (f *format) take(p *render.Picture) (data [3][]byte, stride [3]int, err error) {
	if p.Width > maxSide || p.Height > maxSide {
		return data, stride, fmt.Errorf("a %s picture of %dx%d is larger than %dx%d", p.Format, p.Width, p.Height, maxSide, maxSide)
	}
	for i, c := range f.components {
		if c.plane >= len(p.Planes) {
			return data, stride, fmt.Errorf("a %s picture with %d planes", p.Format, len(p.Planes))
		}
		pl := p.Planes[c.plane]
		w, h := f.size(i, p.Width, p.Height)
		n := f.rowBytes(i, w)
		if pl.RowBytes < n || pl.Rows < h || !holds(len(pl.Data), pl.Stride, n, h) {
			return data, stride, fmt.Errorf("plane %d of a %s picture of %dx%d has only %d rows of %d bytes",
				c.plane, p.Format, p.Width, p.Height, pl.Rows, pl.RowBytes)
		}
		data[i], stride[i] = pl.Data[c.offset*f.wordBytes():], pl.Stride
	}
	return data, stride, nil
}

// parallelPixels is the size from which a picture is worth a second thread.
const parallelPixels = 3840 * 2160

// run runs the kernel for pictures or bitmaps of the given number of pixels.
func (c *Converter) run(dst render.Bitmap, data [3][]byte, stride [3]int, pixels int) {
	threads := 1
	if pixels >= parallelPixels {
		threads = min(2, dst.Height)
	}
	size := c.plan.scratch()
	if len(c.scratch) < threads*size {
		c.scratch = make([]int16, threads*size)
	}
	part := func(i int) {
		c.plan.rows(dst, data, stride, dst.Height*i/threads, dst.Height*(i+1)/threads, c.scratch[i*size:(i+1)*size])
	}
	var wg sync.WaitGroup
	for i := 1; i < threads; i++ {
		wg.Go(func() { part(i) })
	}
	part(0)
	wg.Wait()
}

// room returns n bytes of *b, which grows as needed; what is in them is left.
func room(b *[]byte, n int) []byte {
	if cap(*b) < n {
		*b = make([]byte, n)
	}
	return (*b)[:n]
}
