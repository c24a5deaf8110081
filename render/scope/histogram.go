package scope

import (
	"math"

	"planar/render"
)

// maxBins is the most bins of a histogram: a bin for every code value of up to
// 10 bits.
const maxBins = 1024

// Histogram counts code values. The zero value is ready; it keeps its memory,
// 32 KiB, and must not be used from two goroutines at once.
type Histogram struct {
	format *Format
	bins   [4][maxBins]uint32
	parts  [4][maxBins]uint32 // while counting, so that equal neighbours do not wait for each other
}

// Measure counts every sample of p inside r, as Region does. What was counted
// before is gone.
func (h *Histogram) Measure(f *Format, p *render.Picture, r render.Rect) error {
	h.format = nil
	for i := range f.components {
		s, err := f.samples(p, i)
		if err != nil {
			return err
		}
		h.parts = [4][maxBins]uint32{}
		shift := binShift(f.components[i].Depth)
		read := s.reader(f.components[i].clip(r, p.Width, p.Height), 1)
		for v := read.next(); v != nil; v = read.next() {
			h.count(v, shift)
		}
		for k := range h.bins[i] {
			h.bins[i][k] = h.parts[0][k] + h.parts[1][k] + h.parts[2][k] + h.parts[3][k]
		}
	}
	h.format = f
	return nil
}

func (h *Histogram) count(v []uint16, shift int) {
	shift &= 15
	a, b, c, d := &h.parts[0], &h.parts[1], &h.parts[2], &h.parts[3]
	for len(v) >= 4 {
		a[v[0]>>shift&(maxBins-1)]++
		b[v[1]>>shift&(maxBins-1)]++
		c[v[2]>>shift&(maxBins-1)]++
		d[v[3]>>shift&(maxBins-1)]++
		v = v[4:]
	}
	for _, x := range v {
		a[x>>shift&(maxBins-1)]++
	}
}

// binShift is by how many bits code values are shifted down to bins.
func binShift(depth int) int { return max(0, depth-10) }

// Components is how many histograms there are, in the order of
// Format.Components: 0 before Measure and after an error.
func (h *Histogram) Components() int {
	if h.format == nil {
		return 0
	}
	return len(h.format.components)
}

// Bins are the counts of component i: bin k counted the code values v with
// v>>shift == k. shift is 0 up to a depth of 10 bits, so that each code value
// has its own; deeper components have 1024 bins. The memory is the histogram's
// and changes with the next Measure.
func (h *Histogram) Bins(i int) (counts []uint32, shift int) {
	if i < 0 || i >= h.Components() {
		return nil, 0
	}
	depth := h.format.components[i].Depth
	return h.bins[i][:1<<min(depth, 10)], binShift(depth)
}

// HistogramOptions say how a histogram is drawn.
type HistogramOptions struct {
	Log   bool // heights by the logarithm of counts, else by their square root
	Stack bool // components one above the other, else over each other
	Alpha bool // draw alpha, too
}

// Draw fills dst with what was measured: code values from left to right, each
// component's highest bin as high as there is room. Nothing measured is an
// empty scope.
func (h *Histogram) Draw(dst render.Bitmap, o HistogramOptions) error {
	if err := check(dst); err != nil {
		return err
	}
	canvas{dst}.fill(background)
	n := h.Components()
	if n > 0 && !o.Alpha {
		n = h.format.colours()
	}
	for i := range n {
		part := canvas{dst}
		if o.Stack && dst.Height >= n {
			y, end := dst.Height*i/n, dst.Height*(i+1)/n
			part.Bitmap = dst.Sub(render.Rect{Y: y, W: dst.Width, H: end - y})
		}
		if i == 0 || o.Stack {
			for _, k := range levels {
				part.vertical(min(part.Width-1, int((k+0.5)/256*float64(part.Width))), 0, part.Height, graticule, 0.16)
			}
		}
		counts, _ := h.Bins(i)
		part.curve(counts, shades[h.format.components[i].Name], o.Log)
	}
	return nil
}

// curve draws counts as a filled curve, the highest bin of each column.
func (c canvas) curve(counts []uint32, s shade, logarithm bool) {
	height := func(n uint32) float64 {
		if logarithm {
			return math.Log2(1 + float64(n))
		}
		return math.Sqrt(float64(n))
	}
	most := uint32(0)
	for _, n := range counts {
		most = max(most, n)
	}
	if most == 0 {
		return
	}
	scale := float64(c.Height) * 0.96 / height(most)
	edge := mix(s, shade{255, 255, 255}, 0.2)
	before := -1
	for x := range c.Width {
		first, end := x*len(counts)/c.Width, (x+1)*len(counts)/c.Width
		n := uint32(0)
		for _, v := range counts[first:max(end, first+1)] {
			n = max(n, v)
		}
		top := c.Height
		if n > 0 {
			top -= max(1, int(height(n)*scale+0.5)) // what is there is seen
		}
		c.vertical(x, top, c.Height, s, 0.38)
		// The edge reaches from the last column's height to this one's.
		if before < 0 {
			before = top
		}
		c.vertical(x, min(top, before), max(min(top, before)+1, max(top, before)), edge, 0.75)
		before = top
	}
}
