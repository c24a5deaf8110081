package overlay

import (
	"math"

	"planar/render"
)

// box adds a box at r with round corners and a fine edge. The pixels are in the
// i-th memory. The radius is at most half of r's size.
func (p *Painter) box(i int, r render.Rect, radius int) Box {
	n := r.W * r.H * 4
	if cap(p.memory[i]) < n {
		p.memory[i] = make([]byte, n)
	}
	b := render.Bitmap{Pix: p.memory[i][:n], Width: r.W, Height: r.H, Stride: r.W * 4}
	for y := range r.H {
		row := b.Pix[y*b.Stride:][:b.Stride]
		if y > radius && y < r.H-radius {
			copy(row, b.Pix[radius*b.Stride:][:b.Stride]) // they are all alike
			continue
		}
		for x := range radius {
			left, right := blank(x, y, r.W, r.H, radius), blank(r.W-1-x, y, r.W, r.H, radius)
			copy(row[x*4:], left[:])
			copy(row[(r.W-1-x)*4:], right[:])
		}
		middle := blank(r.W/2, y, r.W, r.H, radius)
		for between := row[radius*4 : (r.W-radius)*4]; len(between) > 0; between = between[4:] {
			copy(between, middle[:])
		}
	}
	box := Box{X: r.X, Y: r.Y, Pixels: b}
	p.boxes = append(p.boxes, box)
	return box
}

// blank is the pixel x, y of a box of w x h without text.
func blank(x, y, w, h, radius int) [4]byte {
	// The edge is where the box is, but not one that is a pixel smaller: the two
	// share a pixel's area, so that their sum is no more than 255.
	in := inside(x, y, w, h, float64(radius))
	g, e := pixel(ground, cover(in-1)), pixel(edge, cover(in)-cover(in-1))
	for i := range g {
		g[i] += e[i]
	}
	return g
}

// inside is how far the middle of the pixel x, y is inside a rectangle of w x h
// with round corners, in pixels; negative outside.
func inside(x, y, w, h int, radius float64) float64 {
	// From the rectangle's middle, by symmetry, and from the corner's centre.
	dx := math.Abs(float64(x)+0.5-float64(w)/2) - float64(w)/2 + radius
	dy := math.Abs(float64(y)+0.5-float64(h)/2) - float64(h)/2 + radius
	return radius - math.Hypot(max(dx, 0), max(dy, 0)) - min(max(dx, dy), 0)
}

// disc draws a filled circle.
func disc(b render.Bitmap, cx, cy, radius float64, c colour) {
	for y := max(0, int(cy-radius-1)); y < min(b.Height, int(cy+radius+2)); y++ {
		for x := max(0, int(cx-radius-1)); x < min(b.Width, int(cx+radius+2)); x++ {
			in := radius - math.Hypot(float64(x)+0.5-cx, float64(y)+0.5-cy)
			over(b.Pix[y*b.Stride+x*4:], c, cover(in))
		}
	}
}

// write writes a line whose cells begin at x, y. What would be outside b is not
// drawn.
func (p *Painter) write(b render.Bitmap, x, y int, line []rune, c colour) {
	solid := pixel(c, 255)
	for _, r := range line {
		g := p.glyph(r)
		for gy := range g.h {
			ty := y + p.cell.baseline + g.y + gy
			if ty < 0 || ty >= b.Height {
				continue
			}
			for gx, a := range g.cover[gy*g.w:][:g.w] {
				tx := x + g.x + gx
				if a == 0 || tx < 0 || tx >= b.Width {
					continue
				}
				if dst := b.Pix[ty*b.Stride+tx*4:]; a == 255 {
					copy(dst, solid[:]) // text is opaque
				} else {
					over(dst, c, a)
				}
			}
		}
		x += p.cell.w
	}
}

// cover is how much of a pixel is covered, 0 to 255, whose middle is in pixels
// inside a shape.
func cover(in float64) byte { return byte(min(max(in+0.5, 0), 1)*255 + 0.5) }

// pixel is c, multiplied by its alpha, on a part of the pixel.
func pixel(c colour, covered byte) [4]byte {
	a := div255(int(c.a) * int(covered))
	return [4]byte{div255(int(c.b) * int(a)), div255(int(c.g) * int(a)), div255(int(c.r) * int(a)), a}
}

// over lays c over a part of the pixel dst.
func over(dst []byte, c colour, covered byte) {
	src := pixel(c, covered)
	rest := 255 - int(src[3])
	for i := range src {
		dst[i] = src[i] + div255(int(dst[i])*rest)
	}
}

// div255 is v/255, rounded, for v from 0 to 255*255.
func div255(v int) byte {
	v += 128
	return byte((v + v>>8) >> 8)
}
