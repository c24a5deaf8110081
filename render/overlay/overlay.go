// Package overlay turns the text that is written over a picture into pixels:
// a panel of lines at the top left of a window, and a badge at its top right.
package overlay

import (
	"image"
	"math"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"planar/render"
)

// Box is a piece of text and its ground.
type Box struct {
	// X and Y are the box's top left corner in the window, in pixels.
	X, Y int
	// Pixels are what is laid over the picture: blue, green, red, alpha, with the
	// colours already multiplied by alpha.
	Pixels render.Bitmap
}

// The colours of the boxes.
var (
	ground = colour{r: 14, g: 17, b: 22, a: 208}
	edge   = colour{r: 120, g: 130, b: 142, a: 208}
	bright = colour{r: 240, g: 243, b: 246, a: 255}
	dim    = colour{r: 160, g: 172, b: 186, a: 255}
	accent = colour{r: 255, g: 171, b: 64, a: 255}
)

// colour is not multiplied by its alpha.
type colour struct{ r, g, b, a byte }

// Painter makes boxes. It remembers its last result and the glyphs of the size it
// last used; it must not be used from two goroutines at once.
type Painter struct {
	cell   cell
	face   font.Face
	glyphs map[rune]glyph

	text   render.Overlay
	w, h   int
	boxes  []Box
	memory [2][]byte // of the pixels of badge and panel
}

// New returns a Painter that has made nothing yet.
func New() *Painter { return &Painter{} }

// maxGlyphs bounds what a Painter remembers of a face: more than the font's 650
// or so, so that nothing is drawn twice.
const maxGlyphs = 1024

// Paint returns what is to be laid over a window of w x h pixels, at most two
// boxes that neither overlap nor leave the window; none if there is nothing to
// write or no room. Changed tells whether that differs from what the call before
// returned. The boxes' memory is the Painter's, and valid until the next call.
func (p *Painter) Paint(o render.Overlay, w, h int) (boxes []Box, changed bool) {
	if w == p.w && h == p.h && o.Equal(p.text) {
		return p.boxes, false
	}
	before := len(p.boxes)
	p.text, p.w, p.h, p.boxes = o.Clone(), w, h, p.boxes[:0]
	if !o.Empty() {
		p.use(cellFor(w, h))
		p.layOut()
	}
	return p.boxes, before > 0 || len(p.boxes) > 0
}

// cell is the room of one character, in pixels.
type cell struct {
	w, h     int
	baseline int // from the cell's top
}

// cellFor chooses the size of text in a window of w x h: a fiftieth of its height,
// but at least 60 characters wide, and from 11 to 28 pixels. Characters of Go Mono
// are 0.6 as wide as they are large, and all are on whole pixels.
func cellFor(w, h int) cell {
	size := min(max(11, min(float64(h)/50, float64(w)/36)), 28)
	c := cell{w: int(math.Round(0.6 * size))}
	size = c.size()
	c.h = int(math.Round(1.36 * size))
	c.baseline = int(math.Round(1.02 * size))
	return c
}

// size is the font's, in pixels.
func (c cell) size() float64 { return float64(c.w) / 0.6 }

// use makes c the size of what is written next.
func (p *Painter) use(c cell) {
	if p.face != nil && p.cell == c {
		return
	}
	// At 72 dots per inch a point is a pixel. NewFace has no error to return.
	face, err := opentype.NewFace(mono(), &opentype.FaceOptions{Size: c.size(), DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		panic("overlay: " + err.Error())
	}
	p.cell, p.face, p.glyphs = c, face, map[rune]glyph{}
}

// mono is Go Mono, which is part of the program.
var mono = sync.OnceValue(func() *opentype.Font {
	f, err := opentype.Parse(gomono.TTF)
	if err != nil {
		panic("overlay: " + err.Error())
	}
	return f
})

// glyph is the shape of a character.
type glyph struct {
	x, y, w, h int    // from the cell's left and the baseline; size
	cover      []byte // w*h, 255 is covered
}

// glyph returns r's shape, or that of a question mark.
func (p *Painter) glyph(r rune) glyph {
	if g, ok := p.glyphs[r]; ok {
		return g
	}
	if len(p.glyphs) >= maxGlyphs {
		clear(p.glyphs)
	}
	if !known(r) {
		return p.glyph('?')
	}
	var g glyph
	if at, mask, from, _, ok := p.face.Glyph(fixed.Point26_6{}, r); ok {
		g = glyph{x: at.Min.X, y: at.Min.Y, w: at.Dx(), h: at.Dy()}
		g.cover = make([]byte, g.w*g.h)
		alpha := mask.(*image.Alpha) // its memory is the face's
		for y := range g.h {
			copy(g.cover[y*g.w:][:g.w], alpha.Pix[alpha.PixOffset(from.X, from.Y+y):])
		}
	}
	p.glyphs[r] = g
	return g
}
