package scope

import (
	"encoding/binary"
	"fmt"
	"math"

	"planar/render"
)

// maxBitmap is the largest width and height of a scope. It bounds the memory of
// one: counts of at most 2*4096 columns x 1024 levels, 32 MiB.
const maxBitmap = 4096

// check makes sure that b can be drawn into.
func check(b render.Bitmap) error {
	if b.Width <= 0 || b.Height <= 0 || b.Width > maxBitmap || b.Height > maxBitmap || b.Stride < b.Width*4 ||
		len(b.Pix) < b.Width*4 || b.Height > 1 && b.Stride > (len(b.Pix)-b.Width*4)/(b.Height-1) {
		return fmt.Errorf("a scope of %dx%d, stride %d, does not fit into %d bytes", b.Width, b.Height, b.Stride, len(b.Pix))
	}
	return nil
}

// shade is a colour in 0..255.
type shade struct{ r, g, b float64 }

var (
	background = shade{14, 16, 20}
	graticule  = shade{150, 156, 168}
	skin       = shade{214, 168, 128}
	shades     = map[string]shade{
		"Y": {208, 216, 212}, "U": {92, 150, 255}, "V": {255, 96, 110}, "A": {170, 150, 200},
		"R": {250, 92, 84}, "G": {92, 214, 116}, "B": {96, 144, 255}, "X": {214, 190, 140}, "Z": {120, 200, 200},
	}
)

// mix goes from a to b as t goes from 0 to 1.
func mix(a, b shade, t float64) shade {
	return shade{a.r + (b.r-a.r)*t, a.g + (b.g-a.g)*t, a.b + (b.b-a.b)*t}
}

// pixel is s as one pixel of a bitmap, opaque.
func (s shade) pixel() uint32 {
	return 255<<24 | uint32(s.r+0.5)<<16 | uint32(s.g+0.5)<<8 | uint32(s.b+0.5)
}

// canvas draws into a bitmap that was checked. What lies outside is left out.
type canvas struct{ render.Bitmap }

func (c canvas) fill(s shade) {
	px := s.pixel()
	for y := range c.Height {
		row := c.Pix[y*c.Stride:][:c.Width*4]
		for x := 0; x < len(row); x += 4 {
			binary.LittleEndian.PutUint32(row[x:], px)
		}
	}
}

// blend lays s over a pixel, with alpha from 0 to 1.
func (c canvas) blend(x, y int, s shade, alpha float64) {
	if x < 0 || y < 0 || x >= c.Width || y >= c.Height {
		return
	}
	px := c.Pix[y*c.Stride+x*4:][:4]
	a := int(alpha*256 + 0.5)
	for i, v := range [3]float64{s.b, s.g, s.r} {
		px[i] = byte(int(px[i]) + (int(v)-int(px[i]))*a>>8)
	}
	px[3] = 255
}

func (c canvas) horizontal(x0, x1, y int, s shade, alpha float64) {
	for x := max(0, x0); x < min(x1, c.Width); x++ {
		c.blend(x, y, s, alpha)
	}
}

func (c canvas) vertical(x, y0, y1 int, s shade, alpha float64) {
	for y := max(0, y0); y < min(y1, c.Height); y++ {
		c.blend(x, y, s, alpha)
	}
}

// line draws a smooth line of one pixel's width; x and y are in pixels, and the
// first pixel's middle is at 0.5.
func (c canvas) line(x0, y0, x1, y1 float64, s shade, alpha float64) {
	n := max(math.Abs(x1-x0), math.Abs(y1-y0))
	if n == 0 || n > 4*maxBitmap {
		return
	}
	flat := math.Abs(x1-x0) >= math.Abs(y1-y0)
	for i := 0.0; i <= n; i++ {
		x, y := x0+(x1-x0)*i/n-0.5, y0+(y1-y0)*i/n-0.5
		if flat {
			whole := math.Floor(y)
			c.blend(int(math.Round(x)), int(whole), s, alpha*(1-y+whole))
			c.blend(int(math.Round(x)), int(whole)+1, s, alpha*(y-whole))
			continue
		}
		whole := math.Floor(x)
		c.blend(int(whole), int(math.Round(y)), s, alpha*(1-x+whole))
		c.blend(int(whole)+1, int(math.Round(y)), s, alpha*(x-whole))
	}
}

// box draws the outline of a square that reaches r to each side of x, y.
func (c canvas) box(x, y, r float64, s shade, alpha float64) {
	x0, x1 := int(math.Round(x-r-0.5)), int(math.Round(x+r-0.5))
	y0, y1 := int(math.Round(y-r-0.5)), int(math.Round(y+r-0.5))
	c.horizontal(x0, x1+1, y0, s, alpha)
	c.horizontal(x0, x1+1, y1, s, alpha)
	c.vertical(x0, y0+1, y1, s, alpha)
	c.vertical(x1, y0+1, y1, s, alpha)
}

// circle draws a smooth circle of radius r around x, y: the upper and lower
// quarters column by column, the others row by row.
func (c canvas) circle(x, y, r float64, s shade, alpha float64) {
	// both lays s over the two pixels between whose middles v is.
	both := func(v float64, blend func(at int, alpha float64)) {
		whole := math.Floor(v - 0.5)
		part := v - 0.5 - whole
		blend(int(whole), alpha*(1-part))
		blend(int(whole)+1, alpha*part)
	}
	quarter := r / math.Sqrt2
	for at := math.Ceil(x - quarter - 0.5); at+0.5 < x+quarter; at++ {
		h := math.Sqrt(r*r - (at+0.5-x)*(at+0.5-x))
		for _, v := range [2]float64{y - h, y + h} {
			both(v, func(k int, alpha float64) { c.blend(int(at), k, s, alpha) })
		}
	}
	for at := math.Ceil(y - quarter - 0.5); at+0.5 < y+quarter; at++ {
		h := math.Sqrt(r*r - (at+0.5-y)*(at+0.5-y))
		for _, v := range [2]float64{x - h, x + h} {
			both(v, func(k int, alpha float64) { c.blend(k, int(at), s, alpha) })
		}
	}
}

// grid counts samples in cells, width x height of them, row by row.
type grid struct {
	count         []uint32
	width, height int

	// While it is drawn: a row of the bitmap's width, the sum of some, and the
	// pixel of each cell's brightness.
	row, sum []float32
	table    [cells]uint32
}

// reset makes g an empty grid of w x h.
func (g *grid) reset(w, h int) {
	if n := w * h; cap(g.count) < n {
		g.count = make([]uint32, n)
	} else {
		g.count = g.count[:n]
		clear(g.count)
	}
	g.width, g.height = w, h
}

// glow gives the cells beside those that counted more than 1/64 of n samples a
// little light, so that pure colours, which are in one cell, are not overlooked.
func (g *grid) glow(n int) {
	enough := uint32(max(256, n/64))
	for y := 1; y < g.height-1; y++ {
		for i := y*g.width + 1; i < (y+1)*g.width-1; i++ {
			if v := g.count[i]; v > enough {
				for _, k := range [4]int{i - g.width, i - 1, i + 1, i + g.width} {
					g.count[k] += v >> 8
				}
			}
		}
	}
}

// draw fills b with g, scaled to its size by averaging areas so that no cell
// gets lost. A cell that counted top samples or more is as bright as s gets,
// and brightness grows with the logarithm, so that single samples are seen, too.
func (g *grid) draw(b render.Bitmap, s shade, top float64) {
	if cap(g.row) < b.Width {
		g.row, g.sum = make([]float32, b.Width), make([]float32, b.Width)
	}
	row, sum := g.row[:b.Width], g.sum[:b.Width]
	g.brightness(s, top)
	stepX, stepY := float64(g.width)/float64(b.Width), float64(g.height)/float64(b.Height)
	empty := background.pixel()
	done := -1 // the grid's row that is in row
	blank := false
	for y := range b.Height {
		clear(sum)
		something := false
		from, to := float64(y)*stepY, float64(y+1)*stepY
		for k := int(from); k < g.height && float64(k) < to; k++ {
			if k != done {
				blank = !g.across(row, k, stepX)
				done = k
			}
			if blank {
				continue
			}
			something = true
			weight := float32((min(to, float64(k+1)) - max(from, float64(k))) / stepY)
			for x, v := range row {
				sum[x] += v * weight
			}
		}
		out := b.Pix[y*b.Stride:][:4*b.Width]
		for x, v := range sum {
			px := empty
			if something && v > 0 {
				px = g.table[cell(v)]
			}
			binary.LittleEndian.PutUint32(out[4*x:], px)
		}
	}
}

// across scales row y of g to the width of row; false if the row is empty.
func (g *grid) across(row []float32, y int, step float64) bool {
	in := g.count[y*g.width:][:g.width]
	some := uint32(0)
	for _, v := range in {
		some |= v
	}
	if some == 0 {
		return false
	}
	if len(in) == len(row) {
		for x, v := range in {
			row[x] = float32(v)
		}
		return true
	}
	for x := range row {
		from, to := float64(x)*step, float64(x+1)*step
		v := 0.0
		for k := int(from); k < len(in) && float64(k) < to; k++ {
			if n := in[k]; n != 0 {
				v += float64(n) * (min(to, float64(k+1)) - max(from, float64(k)))
			}
		}
		row[x] = float32(v / step)
	}
	return true
}

// cells is how many steps of brightness there are: 16 from each power of two to
// the next, from 2^-10 to 2^30.
const cells = 40 * 16

// cell is the step of v samples, v > 0: the exponent and the first four bits of
// the fraction of a floating-point number are its logarithm, roughly.
func cell(v float32) int {
	return min(max(int(math.Float32bits(v)>>19)-(127-10)*16, 0), cells-1)
}

// brightness fills the table.
func (g *grid) brightness(s shade, top float64) {
	const single = 0.30 // of one sample alone
	white := mix(s, shade{255, 255, 255}, 0.45)
	scale := 1 / math.Log2(1+max(1, top))
	for i := range g.table {
		v := math.Ldexp(1+float64(i%16)/16, i/16-10)
		l := min(1, math.Log2(1+v)*scale)
		if v < 1 {
			l = v * scale
		}
		at := single*min(1, v) + (1-single)*l
		if at < 0.75 {
			g.table[i] = mix(background, s, at/0.75).pixel()
		} else {
			g.table[i] = mix(s, white, min(1, (at-0.75)/0.25)).pixel()
		}
	}
}

// cellsFor is how many levels a grid has for a component of the given depth
// that is drawn across size pixels, as a power of two: a level for every code
// value up to 8 bits, and of deeper ones as many as pixels, 1024 at most.
func cellsFor(depth, size int) int {
	k := min(depth, 8)
	for k < depth && k < 10 && 1<<k < size {
		k++
	}
	return k
}

// budget is how many samples of a component a scope counts, about: a quarter of
// 1080p. Of larger pictures it takes every n-th row.
const budget = 1 << 19

// stride is n, odd so that both fields of interlaced pictures are seen.
func stride(a area) int {
	n := (a.width()*a.height() + budget - 1) / budget
	return max(1, n|1)
}
