package scope

import (
	"errors"
	"math"

	"planar/render"
)

// Vectorscope draws how often which chroma occurs: U (Cb) to the right, V (Cr)
// upwards, no colour in the middle. The zero value is ready; it keeps its
// memory and must not be used from two goroutines at once.
type Vectorscope struct{ grid grid }

// Target is where a colour bar lies in a vectorscope.
type Target struct {
	Name string // R, Mg, B, Cy, G or Yl
	// U and V are code values at 8 bit scale: 128 is no colour, and 0 to 256 is
	// the scope's whole side.
	U, V float64
}

// bars are the colours of bars, as red, green and blue.
var bars = [6]struct {
	name    string
	r, g, b float64
}{{"R", 1, 0, 0}, {"Mg", 1, 0, 1}, {"B", 0, 0, 1}, {"Cy", 0, 1, 1}, {"G", 0, 1, 0}, {"Yl", 1, 1, 0}}

// skinAngle is where skin of every tint lies, nearly: the I axis of NTSC, 123
// degrees counterclockwise from U.
const skinAngle = 123 * math.Pi / 180

// Targets are where colour bars of 75 % (ITU-R BT.471, SMPTE RP 219) lie in p's
// vectorscope: with its matrix and range.
func (f *Format) Targets(p *render.Picture) [6]Target {
	m, wide := f.axes(p)
	kr, kb := m.Weights()
	var t [6]Target
	for i, b := range bars {
		y := kr*b.r + (1-kr-kb)*b.g + kb*b.b
		t[i] = Target{b.name, 128 + wide*0.75*(b.b-y)/(2*(1-kb)), 128 + wide*0.75*(b.r-y)/(2*(1-kr))}
	}
	return t
}

// TargetXY is where in a bitmap of w x h the vectorscope has chroma U, V, at 8
// bit scale: pixels from the left and top edge.
func TargetXY(u, v float64, w, h int) (x, y float64) {
	side := float64(min(w, h))
	return float64((w-min(w, h))/2) + (u+0.5)/256*side, float64((h-min(w, h))/2) + side - (v+0.5)/256*side
}

// axes are the matrix of p's vectorscope and how many code values of 8 bits
// chroma is wide. Pictures of RGB are shown as their matrix would have them in
// limited range.
func (f *Format) axes(p *render.Picture) (m render.Matrix, wide float64) {
	if _, ok := f.order(p); ok {
		c := p.Colour
		if c.Matrix == render.RGB {
			c.Matrix = render.MatrixUnknown
		}
		return c.Resolve(p.Width, p.Height).Matrix, 224
	}
	c := f.shown(p)
	if c.Range == render.Full && len(f.places) > 1 {
		limit := float64(f.places[1].limit)
		return c.Matrix, 256 * limit / (limit + 1)
	}
	return c.Matrix, 224
}

// Draw fills dst with the vectorscope of p inside r, as Region clips it, in the
// largest square that fits; of large pictures not every row is counted. Boxes
// are at the targets, a circle where chroma ends, and a line where skin is.
// RGB pictures are converted to chroma first; grey ones have an empty scope.
func (s *Vectorscope) Draw(dst render.Bitmap, f *Format, p *render.Picture, r render.Rect) error {
	if err := check(dst); err != nil {
		return err
	}
	if f.kind == xyz {
		return errNoColour
	}
	side := min(dst.Width, dst.Height)
	bits := 8
	if side > 256 && (f.kind == rgb || f.components[min(1, len(f.components)-1)].Depth > 8) {
		bits = 9 // finer cells than there are code values would leave gaps
	}
	s.grid.reset(1<<bits, 1<<bits)
	n, err := s.measure(f, p, r, bits)
	if err != nil {
		return err
	}
	if dst.Width != dst.Height {
		canvas{dst}.fill(background)
	}
	s.grid.glow(n)
	square := dst.Sub(render.Rect{X: (dst.Width - side) / 2, Y: (dst.Height - side) / 2, W: side, H: side})
	s.grid.draw(square, shade{140, 208, 168}, 0.004*float64(n))
	f.graticule(canvas{square}, p)
	return nil
}

// measure counts chroma in the grid of 2^bits a side, and says how many samples
// there were.
func (s *Vectorscope) measure(f *Format, p *render.Picture, r render.Rect, bits int) (n int, err error) {
	var c [3]samples
	order, isRGB := f.order(p)
	switch {
	case isRGB && (f.components[1].ShiftX|f.components[1].ShiftY) != 0:
		return 0, errors.New("RGB with subsampled colours has no vectorscope")
	case f.kind == grey:
		_, err := f.samples(p, 0)
		return 0, err
	case !isRGB:
		order = [3]int{1, 2, 2}
	}
	for i, k := range order {
		if c[i], err = f.samples(p, k); err != nil {
			return 0, err
		}
	}
	a := f.components[order[0]].clip(r, p.Width, p.Height)
	step := stride(a)
	count := s.grid.count
	if !isRGB {
		s.chroma(&c[0], &c[1], f.components[1].Depth, f.components[2].Depth, a, step, bits)
		return a.width() * ((a.height() + step - 1) / step), nil
	}
	u, v := f.toChroma(p, order, bits)
	side := 1 << bits
	var red, green, blue [chunk]uint16
	for y := a.y0; y < a.y1; y += step {
		for x := a.x0; x < a.x1; x += chunk {
			n := min(chunk, a.x1-x)
			c[0].read(red[:n], x, y)
			c[1].read(green[:n], x, y)
			c[2].read(blue[:n], x, y)
			for i := range n {
				r, g, b := int(red[i]), int(green[i]), int(blue[i])
				x := (u[0]*r + u[1]*g + u[2]*b + u[3]) >> fractionBits
				y := (v[0]*r + v[1]*g + v[2]*b + v[3]) >> fractionBits
				count[(side-1-y)*side+x]++
			}
		}
	}
	return a.width() * ((a.height() + step - 1) / step), nil
}

// chroma counts the pairs of two components of one size, every step-th row.
func (s *Vectorscope) chroma(cb, cr *samples, depthU, depthV int, a area, step, bits int) {
	scale := func(depth int) (up, down int) { return max(0, bits-depth) & 15, max(0, depth-bits) & 15 }
	upU, downU := scale(depthU)
	upV, downV := scale(depthV)
	count, last := s.grid.count, 1<<bits-1
	var us, vs [chunk]uint16
	for y := a.y0; y < a.y1; y += step {
		for x := a.x0; x < a.x1; x += chunk {
			n := min(chunk, a.x1-x)
			cb.read(us[:n], x, y)
			cr.read(vs[:n], x, y)
			for i := range n {
				u, v := int(us[i])<<upU>>downU, int(vs[i])<<upV>>downV
				count[(last-v)<<bits+u]++
			}
		}
	}
}

// fractionBits is the precision of toChroma's factors. A product of one and a
// code value of 16 bits has 9 bits before the point.
const fractionBits = 40

// toChroma gives the factors of red, green and blue code values, and the sum to
// begin with, that make columns and rows of a grid of 2^bits a side.
func (f *Format) toChroma(p *render.Picture, order [3]int, bits int) (u, v [4]int) {
	m, wide := f.axes(p)
	kr, kb := m.Weights()
	kg := 1 - kr - kb
	side := float64(int(1) << bits)
	one := math.Ldexp(wide/256*side, fractionBits)
	fu := [3]float64{-kr / (2 * (1 - kb)), -kg / (2 * (1 - kb)), 0.5}
	fv := [3]float64{0.5, -kg / (2 * (1 - kr)), -kb / (2 * (1 - kr))}
	for i, k := range order {
		limit := float64(f.places[k].limit)
		u[i], v[i] = int(math.Round(fu[i]*one/limit)), int(math.Round(fv[i]*one/limit))
	}
	// Cells of 8 bits are around their code values: half of one is added.
	middle := side/2 + side/512
	u[3] = int(math.Ldexp(middle, fractionBits))
	v[3] = u[3]
	return u, v
}

// graticule draws the lines of a vectorscope over it.
func (f *Format) graticule(c canvas, p *render.Picture) {
	side := c.Width
	scale := float64(side) / 256
	x, y := TargetXY(128, 128, side, side)
	_, wide := f.axes(p)
	radius := wide / 2 * scale
	c.horizontal(0, side, int(y), graticule, 0.16)
	c.vertical(int(x), 0, side, graticule, 0.16)
	c.circle(x, y, radius-0.5, graticule, 0.28)
	sin, cos := math.Sincos(skinAngle)
	c.line(x, y, x+radius*cos, y-radius*sin, skin, 0.45)
	for i, t := range f.Targets(p) {
		b := bars[i]
		x, y := TargetXY(t.U, t.V, side, side)
		c.box(x, y, max(2, 5*scale), mix(graticule, shade{255 * b.r, 255 * b.g, 255 * b.b}, 0.6), 0.8)
	}
}
