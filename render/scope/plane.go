package scope

import (
	"fmt"
	"math"

	"planar/render"
)

// Extractor makes grey pictures of single components. It keeps the memory of
// the largest one, and must not be used from two goroutines at once.
type Extractor struct {
	buf   []byte
	plane [1]render.Plane
}

// Plane is one component of p as a grey picture in full range, so that its code
// values are shown as they are: 0 black, 2^depth-1 white. It has the
// component's own size and a sample aspect ratio that gives it the whole
// picture's shape. Components of 8, 9, 10, 12, 14 and 16 bits keep their code
// values; others are scaled to the next larger depth of these.
//
// Samples that lie side by side, lowest bit at the bottom of their word, are
// p's own memory and are valid as long as that; others are copied to the
// extractor's and are valid until its next Plane. So is the picture's list of
// planes.
func (e *Extractor) Plane(f *Format, p *render.Picture, component int) (render.Picture, error) {
	s, err := f.samples(p, component)
	if err != nil {
		return render.Picture{}, err
	}
	c := &f.components[component]
	depth, bytes := s.greyDepth, 1
	if depth > 8 {
		bytes = 2
	}
	row := s.width * bytes
	pl := render.Plane{Data: s.data, Stride: s.stride, RowBytes: row, Rows: s.height}
	if s.bytes != bytes || s.step != bytes || s.shift != 0 || c.Depth != depth || !s.alone {
		if size := row * s.height; cap(e.buf) < size {
			e.buf = make([]byte, size)
		} else {
			e.buf = e.buf[:size]
		}
		pl.Data, pl.Stride = e.buf, row
		e.copy(&s, row, bytes, 1<<depth-1)
	}
	e.plane[0] = pl
	return render.Picture{
		Format: s.grey, Width: s.width, Height: s.height, Planes: e.plane[:],
		Colour:   render.Colour{Matrix: f.shown(p).Matrix, Range: render.Full},
		SAR:      stretched(p.SAR, p.Width, s.width, p.Height, s.height),
		Rotation: p.Rotation,
	}, nil
}

// greyOf is the name and depth of the grey format for samples of the given
// depth in words of the given bytes.
func greyOf(depth, bytes int, big bool) (name string, greyDepth int) {
	if depth <= 8 {
		return "gray", 8
	}
	order := "le"
	if big && bytes == 2 {
		order = "be"
	}
	for _, greyDepth = range [...]int{9, 10, 12, 14, 16} {
		if greyDepth >= depth {
			break
		}
	}
	return fmt.Sprintf("gray%d%s", greyDepth, order), greyDepth
}

// copy writes s into e.buf, rows of row bytes with words of the given bytes, in
// s's byte order, scaled from s.limit to limit.
func (e *Extractor) copy(s *samples, row, bytes, limit int) {
	from, to := uint32(s.limit), uint32(limit)
	read := s.reader(area{0, 0, s.width, s.height}, 1)
	for v := read.next(); v != nil; v = read.next() {
		b := e.buf[read.y*row+read.x*bytes:]
		if from != to {
			for i, k := range v {
				v[i] = uint16((uint32(k)*to + from/2) / from)
			}
		}
		switch {
		case bytes == 1:
			b = b[:len(v)]
			for i, k := range v {
				b[i] = byte(k)
			}
		case s.big && s.bytes == 2:
			for i, k := range v {
				b[2*i], b[2*i+1] = byte(k>>8), byte(k)
			}
		default:
			for i, k := range v {
				b[2*i], b[2*i+1] = byte(k), byte(k>>8)
			}
		}
	}
}

// stretched is the sample aspect ratio that gives w x h samples the shape of
// ofW x ofH samples with ratio sar.
func stretched(sar render.Rational, ofW, w, ofH, h int) render.Rational {
	n, d := 1, 1
	if sar.Known() {
		n, d = sar.Num, sar.Den
	}
	for n > math.MaxInt32 || d > math.MaxInt32 { // so that the products, of sides of 2^15, hold
		n, d = max(1, n>>1), max(1, d>>1)
	}
	if w == ofW && h == ofH {
		return sar
	}
	n, d = n*ofW*h, d*w*ofH
	a, b := n, d
	for b != 0 {
		a, b = b, a%b
	}
	return render.Rational{Num: n / a, Den: d / a}
}
