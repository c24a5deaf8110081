package e2e

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// reader reads numbers in Go Mono off the screen. Its digits are drawn by another
// rasteriser than planar's.
type reader struct {
	digits  [10]*image.Alpha
	advance float64
}

// newReader reads lines of px pixels from ascent to descent.
func newReader(px float64) (*reader, error) {
	f, err := opentype.Parse(gomono.TTF)
	if err != nil {
		return nil, err
	}
	var buf sfnt.Buffer
	em := f.UnitsPerEm()
	m, err := f.Metrics(&buf, fixed.I(int(em)), font.HintingNone)
	if err != nil {
		return nil, err
	}
	size := px * float64(em) / (float64(m.Ascent+m.Descent) / 64)
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return nil, err
	}
	r := &reader{}
	a, _ := face.GlyphAdvance('0')
	r.advance = math.Round(float64(a) / 64)
	for d := range r.digits {
		img := image.NewAlpha(image.Rect(0, 0, int(r.advance), int(px)))
		(&font.Drawer{Dst: img, Src: image.White, Face: face, Dot: fixed.P(0, int(px*0.8))}).DrawString(fmt.Sprint(d))
		r.digits[d] = img
	}
	return r, nil
}

// read reads a number of one to three digits in the middle of a box of one
// background colour.
func (r *reader) read(img *image.RGBA, box image.Rectangle) (int, error) {
	// Ink is how far a pixel is from the most frequent colour.
	count := map[color.RGBA]int{}
	var ground color.RGBA
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			c := img.RGBAAt(x, y)
			if count[c]++; count[c] > count[ground] {
				ground = c
			}
		}
	}
	ink := make([]float64, box.Dx()*box.Dy())
	most := 0.0
	for y := range box.Dy() {
		for x := range box.Dx() {
			c := img.RGBAAt(box.Min.X+x, box.Min.Y+y)
			d := math.Abs(float64(c.R)-float64(ground.R)) + math.Abs(float64(c.G)-float64(ground.G)) + math.Abs(float64(c.B)-float64(ground.B))
			ink[y*box.Dx()+x] = d
			most = max(most, d)
		}
	}
	first, last := -1, -1
	for x := range box.Dx() {
		for y := range box.Dy() {
			if ink[y*box.Dx()+x] > most/3 {
				if first < 0 {
					first = x
				}
				last = x
			}
		}
	}
	if first < 0 {
		return 0, fmt.Errorf("nothing is written at %v", box)
	}
	digits := int(math.Round(float64(last-first+1)/r.advance + 0.2))
	start := float64(first+last+1)/2 - float64(digits)*r.advance/2
	n := 0
	for i := range digits {
		best, which := -1.0, 0
		for d, glyph := range r.digits {
			for dx := -2; dx <= 2; dx++ {
				for dy := -4; dy <= 4; dy++ {
					if c := r.like(ink, box.Dx(), box.Dy(), glyph, int(math.Round(start+float64(i)*r.advance))+dx, dy); c > best {
						best, which = c, d
					}
				}
			}
		}
		if best < 0.6 {
			return 0, fmt.Errorf("digit %d at %v is like none (%.2f like %d)", i+1, box, best, which)
		}
		n = 10*n + which
	}
	return n, nil
}

// like is the correlation of a glyph with the ink at a place.
func (r *reader) like(ink []float64, w, h int, g *image.Alpha, x0, y0 int) float64 {
	var ab, aa, bb float64
	for y := range h {
		for x := x0; x < x0+g.Rect.Dx(); x++ {
			a, b := 0.0, 0.0
			if x >= 0 && x < w {
				a = ink[y*w+x]
			}
			b = float64(g.AlphaAt(x-x0, y-y0).A)
			ab, aa, bb = ab+a*b, aa+a*a, bb+b*b
		}
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
