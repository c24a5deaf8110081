package scope

import (
	"fmt"

	"planar/render"
)

// levels are the code values of 8 bits at which scopes have lines: the ends of
// full and of limited range, and the middle.
var levels = [...]float64{0, 16, 128, 235, 255}

// WaveformOptions say what a waveform shows.
type WaveformOptions struct {
	Component int  // which one is shown, by its place in Format.Components
	Parade    bool // all side by side instead, but alpha
}

// Waveform draws code values over their place from left to right. The zero
// value is ready; it keeps its memory and must not be used from two goroutines
// at once.
type Waveform struct {
	grid    grid
	columns []uint16 // the grid's column of each of the picture's
}

// LevelY is the height at which a waveform that is height pixels high shows
// code value v of a component with depth bits: pixels from the top to the
// level's middle.
func LevelY(v float64, depth, height int) float64 {
	count := float64(int(1) << depth)
	return (count - v - 0.5) / count * float64(height)
}

// Draw fills dst with the waveform of p inside r, as Region clips it; of
// large pictures not every row is counted. Code value 0 is at the bottom and
// 2^depth-1 at the top. Faint lines are at 0, 16, 128, 235 and 255, times
// 2^(depth-8).
func (w *Waveform) Draw(dst render.Bitmap, f *Format, p *render.Picture, r render.Rect, o WaveformOptions) error {
	if err := check(dst); err != nil {
		return err
	}
	first, n := o.Component, 1
	if o.Parade {
		first, n = 0, f.colours()
	}
	if first < 0 || first >= len(f.components) {
		return fmt.Errorf("%s pictures have %d components", f.name, len(f.components))
	}
	const gap = 4 // pixels between the parts of a parade
	if dst.Width < n*(gap+1) {
		n = 1
	}
	if n > 1 {
		canvas{dst}.fill(background)
	}
	for i := range n {
		x, end := (dst.Width+gap)*i/n, (dst.Width+gap)*(i+1)/n-gap
		if err := w.panel(dst.Sub(render.Rect{X: x, W: end - x, H: dst.Height}), f, p, first+i, r); err != nil {
			return err
		}
	}
	return nil
}

// panel fills dst with the waveform of one component.
func (w *Waveform) panel(dst render.Bitmap, f *Format, p *render.Picture, i int, r render.Rect) error {
	s, err := f.samples(p, i)
	if err != nil {
		return err
	}
	c := &f.components[i]
	a := c.clip(r, p.Width, p.Height)
	bits := cellsFor(c.Depth, dst.Height)
	// As many of the picture's columns to each of the grid's, so that all are
	// equally bright: no fewer columns than pixels, and at most twice as many.
	each := max(1, a.width()/dst.Width)
	w.grid.reset(max(1, (a.width()+each-1)/each), 1<<bits)
	w.columns = w.columns[:0]
	for x := range a.width() {
		w.columns = append(w.columns, uint16(x/each))
	}
	step := stride(a)
	shift, top, width, count := (c.Depth-bits)&15, 1<<bits-1, w.grid.width, w.grid.count
	read := s.reader(a, step)
	for v := read.next(); v != nil; v = read.next() {
		at := w.columns[read.x-a.x0:][:len(v)]
		for k, v := range v {
			count[(top-int(v>>shift))*width+int(at[k])]++
		}
	}
	rows := (a.height() + step - 1) / step
	w.grid.draw(dst, shades[c.Name], 0.12*float64(rows*each))
	g := canvas{dst}
	for _, v := range levels {
		y := LevelY(v*float64(int(1)<<c.Depth)/256, c.Depth, dst.Height)
		g.horizontal(0, g.Width, min(g.Height-1, int(y)), graticule, 0.22)
	}
	return nil
}
