// Package scope measures what a picture contains: single samples, statistics,
// histograms, and the scopes that people grade and check video with. Numbers
// are code values as the file has them, at its own depth; nothing is scaled or
// converted unless a function says so. Nothing here allocates for a picture
// once its tools have their memory, and a picture whose planes are smaller than
// its size says is an error.
package scope

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"planar/render"
)

// maxSide is the largest width and height of a picture, as in render/convert.
// It keeps all counts within 2^30 and sums of squares within 2^62.
const maxSide = 32768

// Whole is a rectangle that covers every picture.
var Whole = render.Rect{W: maxSide, H: maxSide}

// Component tells what one component of a format is.
type Component struct {
	Name  string // Y, U, V, R, G, B, X, Z, or A for alpha
	Depth int    // bits of a code value
	// A sample stands for 2^ShiftX x 2^ShiftY luma samples.
	ShiftX, ShiftY int
}

// Format knows where the samples of a pixel format are. It does not change, so
// that several goroutines may use one.
type Format struct {
	name       string
	components []Component
	places     []place // one for each component
	kind       kind
}

// kind is what the components mean.
type kind int

const (
	grey kind = iota
	ycbcr
	rgb
	xyz // of digital cinema: neither luma nor RGB
)

// place is how the samples of a component lie in memory.
type place struct {
	plane, step, offset int // bytes, as in render.Component
	bytes               int // of the word that holds a sample: 1 or 2
	shift               int
	limit               uint16 // the largest code value
	big                 bool   // high byte first
	// alone: no other component has bits in the word, so that what is above the
	// limit is a wrong sample and not a neighbour. It counts as the limit, as
	// render/convert shows it.
	alone bool
	// grey is the format of the component alone, and of what depth.
	grey      string
	greyDepth int
}

// New makes a Format of a descriptor, which has to be the one of the pictures'
// own format (Picture.Format is its name). Formats whose samples are no whole
// numbers in bytes of their own are errors: bitstreams, palettes, Bayer
// patterns, floating point, more than 16 bits, and UYYVYY411.
func New(d render.Descriptor) (*Format, error) {
	unsupported := func(why string) (*Format, error) {
		return nil, fmt.Errorf("the samples of %s pictures cannot be read: %s is not supported", d.Name, why)
	}
	switch {
	case d.Bitstream:
		return unsupported("a bitstream")
	case d.Palette:
		return unsupported("a palette")
	case d.Bayer:
		return unsupported("a Bayer pattern")
	case d.Float:
		return unsupported("floating point")
	case d.Name == "uyyvyy411": // whose luma is not evenly spaced, whatever its descriptor says
		return unsupported("luma at uneven distances")
	case len(d.Components) < 1 || len(d.Components) > 4:
		return unsupported(fmt.Sprintf("a pixel of %d components", len(d.Components)))
	case d.ShiftX < 0 || d.ShiftX > 4 || d.ShiftY < 0 || d.ShiftY > 4:
		return unsupported("its subsampling")
	}
	f := &Format{name: d.Name, kind: ycbcr}
	names := "YUVA"
	switch {
	case strings.HasPrefix(d.Name, "xyz"):
		f.kind, names = xyz, "XYZA"
	case d.RGB:
		f.kind, names = rgb, "RGBA"
	case len(d.Components) < 3:
		f.kind, names = grey, "YA"
	}
	if d.RGB && len(d.Components) < 3 {
		return unsupported(fmt.Sprintf("RGB of %d components", len(d.Components)))
	}
	for i, c := range d.Components {
		if c.Depth < 1 || c.Depth > 16 || c.Shift < 0 || c.Shift+c.Depth > 16 {
			return unsupported(fmt.Sprintf("a sample of %d bits", c.Depth))
		}
		p := place{plane: c.Plane, step: c.Step, offset: c.Offset, bytes: 1, shift: c.Shift, limit: 1<<c.Depth - 1, big: d.BigEndian}
		if c.Shift+c.Depth > 8 {
			p.bytes = 2
		} else if d.BigEndian {
			p.offset++ // the low byte of a word, as in AVComponentDescriptor
		}
		p.grey, p.greyDepth = greyOf(c.Depth, p.bytes, p.big)
		if p.plane < 0 || p.plane > 3 || p.offset < 0 || p.offset > 32 || p.step < p.bytes || p.step > 32 {
			return unsupported("the place of its samples")
		}
		k := Component{Name: names[i : i+1], Depth: c.Depth}
		if f.kind == ycbcr && (i == 1 || i == 2) {
			k.ShiftX, k.ShiftY = d.ShiftX, d.ShiftY
		}
		f.components, f.places = append(f.components, k), append(f.places, p)
	}
	for i := range f.places {
		p := &f.places[i]
		p.alone = true
		for j, o := range f.places {
			if i != j && p.plane == o.plane && p.offset < o.offset+o.bytes && o.offset < p.offset+p.bytes {
				p.alone = false
			}
		}
	}
	return f, nil
}

// Components are the format's components in FFmpeg's order. The caller must not
// change them.
func (f *Format) Components() []Component { return f.components }

// colours is how many components there are without alpha: 1 or 3.
func (f *Format) colours() int {
	if f.kind == grey {
		return 1
	}
	return 3
}

// size is how many samples component i of a picture of w x h has.
func (c *Component) size(w, h int) (int, int) { return (w-1)>>c.ShiftX + 1, (h-1)>>c.ShiftY + 1 }

// value is the code value in the word at b[0].
func (p *place) value(b []byte) int {
	v := uint16(b[0])
	if p.bytes == 2 {
		if p.big {
			v = v<<8 | uint16(b[1])
		} else {
			v |= uint16(b[1]) << 8
		}
	}
	return int(p.code(v))
}

func (p *place) code(v uint16) uint16 {
	v >>= p.shift
	if p.alone {
		return min(v, p.limit)
	}
	return v & p.limit
}

// samples are the samples of one component of a picture: width x height words,
// the first at data[0], rows stride bytes apart.
type samples struct {
	*place
	data          []byte
	stride        int
	width, height int
}

// samples finds component i of p and makes sure that it is all there.
func (f *Format) samples(p *render.Picture, i int) (samples, error) {
	if p.Format != f.name {
		return samples{}, fmt.Errorf("a %s picture where %s was expected", p.Format, f.name)
	}
	if p.Width <= 0 || p.Height <= 0 || p.Width > maxSide || p.Height > maxSide {
		return samples{}, fmt.Errorf("a %s picture of %dx%d is outside 1x1 to %dx%d", p.Format, p.Width, p.Height, maxSide, maxSide)
	}
	if i < 0 || i >= len(f.components) {
		return samples{}, fmt.Errorf("%s pictures have %d components", f.name, len(f.components))
	}
	k := &f.places[i]
	if k.plane >= len(p.Planes) {
		return samples{}, fmt.Errorf("a %s picture with %d planes", p.Format, len(p.Planes))
	}
	pl := &p.Planes[k.plane]
	w, h := f.components[i].size(p.Width, p.Height)
	row := k.offset + (w-1)*k.step + k.bytes
	if pl.Rows < h || pl.RowBytes < row || pl.Stride < row || len(pl.Data) < row || h > 1 && pl.Stride > (len(pl.Data)-row)/(h-1) {
		return samples{}, fmt.Errorf("plane %d of a %s picture of %dx%d: %d bytes, %d rows of %d bytes %d apart, do not hold %d rows of %d",
			k.plane, p.Format, p.Width, p.Height, len(pl.Data), pl.Rows, pl.RowBytes, pl.Stride, h, row)
	}
	return samples{place: k, data: pl.Data[k.offset:], stride: pl.Stride, width: w, height: h}, nil
}

// Sample is the code value of a component at luma position x, y: of the sample
// x>>ShiftX, y>>ShiftY. It is false outside of the picture, of a component that
// is not there, and of a picture that is damaged or of another format.
func (f *Format) Sample(p *render.Picture, component, x, y int) (value int, ok bool) {
	s, err := f.samples(p, component)
	if err != nil || x < 0 || y < 0 || x >= p.Width || y >= p.Height {
		return 0, false
	}
	c := &f.components[component]
	return s.value(s.data[(y>>c.ShiftY)*s.stride+(x>>c.ShiftX)*s.step:]), true
}

// Values are the code values of all components at luma position x, y, and how
// many there are: 0 where Sample would be false of one of them.
func (f *Format) Values(p *render.Picture, x, y int) (values [4]int, n int) {
	for i := range f.components {
		v, ok := f.Sample(p, i, x, y)
		if !ok {
			return [4]int{}, 0
		}
		values[i] = v
	}
	return values, len(f.components)
}

// shown is p.ShownColour, but that grey with alpha is full range like grey
// unless something else is said.
func (f *Format) shown(p *render.Picture) render.Colour {
	q := render.Picture{Format: p.Format, Width: p.Width, Height: p.Height, Colour: p.Colour}
	if f.kind == grey && q.Colour.Range == render.RangeUnknown {
		q.Colour.Range = render.Full
	}
	return q.ShownColour()
}

// order is which components are red, green and blue; false if none are. YCbCr
// formats whose matrix is said to be RGB have green, blue and red in the places
// of Y, Cb and Cr (ITU-T H.273, MatrixCoefficients 0).
func (f *Format) order(p *render.Picture) (order [3]int, ok bool) {
	switch {
	case f.kind == rgb:
		return [3]int{0, 1, 2}, true
	case f.kind == ycbcr && p.Colour.Matrix == render.RGB:
		return [3]int{2, 0, 1}, true
	}
	return order, false
}

// RGB is the colour at luma position x, y, computed without rounding from the
// code values and p.ShownColour, with the chroma sample that covers the place:
// red, green and blue at 8 bit scale, 0 is black and 255 is white. Colours that
// no screen can show are below 0 or above 255; nothing is clipped. Full range
// is 2^depth-1 wide at any depth, limited range is the one of 8 bits times
// 2^(depth-8) (ITU-T H.273, 8.3). RGB formats give their values times
// 255/(2^depth-1). It is false where Values gives nothing, and of XYZ.
func (f *Format) RGB(p *render.Picture, x, y int) (colour [3]float64, ok bool) {
	v, n := f.Values(p, x, y)
	if n == 0 || f.kind == xyz {
		return colour, false
	}
	if order, ok := f.order(p); ok {
		for i, k := range order {
			colour[i] = float64(v[k]) * 255 / float64(f.places[k].limit)
		}
		return colour, true
	}
	c := f.shown(p)
	luma := f.luma(c.Range, v[0])
	if f.kind == grey {
		return [3]float64{luma, luma, luma}, true
	}
	cb, cr := f.chroma(c.Range, 1, v[1]), f.chroma(c.Range, 2, v[2])
	kr, kb := c.Matrix.Weights()
	r, b := luma+2*(1-kr)*cr, luma+2*(1-kb)*cb
	return [3]float64{r, (luma - kr*r - kb*b) / (1 - kr - kb), b}, true
}

// luma is what code value v of the first component means: black is 0, white 255.
func (f *Format) luma(r render.Range, v int) float64 {
	if r == render.Limited {
		one := float64(int(f.places[0].limit)+1) / 256
		return (float64(v)/one - 16) * 255 / 219
	}
	return float64(v) * 255 / float64(f.places[0].limit)
}

// chroma is what code value v of component i means: -127.5 to 127.5 nominally.
func (f *Format) chroma(r render.Range, i, v int) float64 {
	count := float64(int(f.places[i].limit) + 1)
	if r == render.Limited {
		return (float64(v) - count/2) * 256 / count * 255 / 224
	}
	return (float64(v) - count/2) * 255 / (count - 1)
}

// area is a part of a component, in its own samples: x0 <= x < x1, y0 <= y < y1.
type area struct{ x0, y0, x1, y1 int }

func (a area) width() int  { return a.x1 - a.x0 }
func (a area) height() int { return a.y1 - a.y0 }

// clip is what component i has of r, which is in luma samples, in a picture of
// w x h: every sample that covers a part of r. It is the zero area if r is
// beside the picture or has no size.
func (c *Component) clip(r render.Rect, w, h int) area {
	x0, x1 := interval(r.X, r.W, w)
	y0, y1 := interval(r.Y, r.H, h)
	if x0 >= x1 || y0 >= y1 {
		return area{}
	}
	return area{x0 >> c.ShiftX, y0 >> c.ShiftY, (x1-1)>>c.ShiftX + 1, (y1-1)>>c.ShiftY + 1}
}

// interval is the part of at <= x < at+n that is in 0 <= x < size, for numbers
// of any size.
func interval(at, n, size int) (first, end int) {
	if n <= 0 || at >= size {
		return 0, 0
	}
	if at < 0 {
		return 0, min(size, at+n)
	}
	return at, at + min(n, size-at)
}

// chunk is how many samples are read at a time: enough to make the calls
// between cheap, and few enough to stay in the processor's nearest cache.
const chunk = 1024

// reader reads an area's code values in pieces. It is a variable of whoever
// reads, so that its memory is on the stack.
type reader struct {
	samples *samples
	area    area
	step    int // every step-th row is read, from the first on
	x, y    int // where the last piece begins
	n       int // how long it is
	buf     [chunk]uint16
}

func (s *samples) reader(a area, step int) reader {
	return reader{samples: s, area: a, step: step, x: a.x0, y: a.y0}
}

// next is the next piece, a part of row y from column x on, or nil at the end.
// It is valid until the next one.
func (r *reader) next() []uint16 {
	if r.x += r.n; r.x >= r.area.x1 {
		r.x, r.y = r.area.x0, r.y+r.step
	}
	if r.y >= r.area.y1 {
		return nil
	}
	r.n = min(chunk, r.area.x1-r.x)
	v := r.buf[:r.n]
	r.samples.read(v, r.x, r.y)
	return v
}

// read fills v with the code values of row y from column x on, which have to be
// there.
func (s *samples) read(v []uint16, x, y int) {
	b := s.data[y*s.stride+x*s.step:]
	b = b[:(len(v)-1)*s.step+s.bytes]
	switch {
	case s.bytes == 1 && s.step == 1 && s.limit == 255:
		b = b[:len(v)]
		for i := range v {
			v[i] = uint16(b[i])
		}
	case s.bytes == 1 && s.limit == 255:
		for i, at := 0, 0; i < len(v); i, at = i+1, at+s.step {
			v[i] = uint16(b[at])
		}
	case s.bytes == 1:
		for i, at := 0, 0; i < len(v); i, at = i+1, at+s.step {
			v[i] = s.code(uint16(b[at]))
		}
	case s.big:
		for i, at := 0, 0; i < len(v); i, at = i+1, at+s.step {
			v[i] = s.code(uint16(b[at])<<8 | uint16(b[at+1]))
		}
	case s.alone && s.step == 2:
		shift, limit := s.shift&15, s.limit
		for i := range v {
			v[i] = min(binary.LittleEndian.Uint16(b[2*i:2*i+2])>>shift, limit)
		}
	case s.alone:
		shift, limit := s.shift&15, s.limit
		for i, at := 0, 0; i < len(v); i, at = i+1, at+s.step {
			v[i] = min((uint16(b[at])|uint16(b[at+1])<<8)>>shift, limit)
		}
	default:
		for i, at := 0, 0; i < len(v); i, at = i+1, at+s.step {
			v[i] = s.code(uint16(b[at]) | uint16(b[at+1])<<8)
		}
	}
}

var errNoColour = errors.New("XYZ pictures have neither luma nor chroma")
