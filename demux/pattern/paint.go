package pattern

import (
	"fmt"
	"image"
	"math"
	"strconv"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"planar/demux"
	"planar/render"
)

// Code values of luma, limited range (ITU-R BT.601 and BT.709): whatever moves is grey,
// so that chroma never changes.
const (
	black   = 16
	white   = 235
	neutral = 128 // chroma
	panel   = 24
	dim     = 150 // labels
	ground  = 32  // of the ball's band
	marks   = 96
)

// Where things begin, in fractions of the height: bars from 0, then grey steps, the
// ball's band, a line of text, and the strip at 11/12 (stamp.go).
const (
	stepsTop = 0.58
	bandTop  = 0.66
	textTop  = 0.84
	stripTop = 11. / 12
)

// painter draws the pictures of a pattern of one size, packed as yuv420p. What stays
// the same is drawn once, into background; paint goes over all of the rest each time,
// so that a picture can be used again without being copied.
type painter struct {
	w, h       int
	rate       render.Rational
	background []byte

	clock, number text
	band          struct {
		top, rows int
		luma      [2][]byte // dark, and lit by the flash
		left      float64   // where the ball is at the beginning of a second
		travel    float64   // and how far it goes
		radius    float64
	}
}

// text is a line of characters of equal width, which is drawn anew for each frame.
type text struct {
	x, y          int // of the first cell
	width, height int // of a cell
	glyphs        map[byte][]byte
}

func newPainter(w, h int, rate render.Rational, m render.Matrix) (*painter, error) {
	p := &painter{w: w, h: h, rate: rate, background: make([]byte, w*h+2*((w+1)/2)*((h+1)/2))}
	c := newCanvas(p.background, w, h)
	c.rect(0, 0, w, h, colour{black, neutral, neutral})
	steps, band := p.row(stepsTop), p.row(bandTop)
	bars := barColours(m)
	for i, b := range bars {
		c.rect(even(i*w/len(bars)), 0, even((i+1)*w/len(bars)), steps, b)
	}
	const greys = 11
	for i := range greys {
		c.rect(even(i*w/greys), steps, even((i+1)*w/greys), band, colour{byte(black + (white-black)*i/(greys-1)), neutral, neutral})
	}
	font, err := opentype.Parse(gomonobold.TTF)
	if err != nil {
		return nil, err
	}
	if err := p.layPanel(c, font, steps); err != nil {
		return nil, err
	}
	p.layBand(c)
	return p, p.layInfo(c, font, m)
}

// row is a place in fractions of the height as an even number of rows.
func (p *painter) row(part float64) int { return even(int(part * float64(p.h))) }

// even keeps edges of colours where chroma samples lie.
func even(v int) int { return (v + 1) &^ 1 }

// The clock's text, and how many digits of the frame's number are shown.
const (
	clockLayout  = "15:04:05.000"
	numberDigits = 8
)

// layPanel draws the panel with the clock and the number in the middle of the bars,
// which end at bottom.
func (p *painter) layPanel(c canvas, f *opentype.Font, bottom int) error {
	em := min(0.80*float64(p.w)/float64(len(clockLayout))/0.6, 0.26*float64(p.h)) // Go Mono: a character is 0.6 em wide
	var err error
	if p.clock, err = newText(f, em, "0123456789:."); err != nil {
		return err
	}
	if p.number, err = newText(f, 0.62*em, "0123456789 "); err != nil {
		return err
	}
	wide := len(clockLayout) * p.clock.width
	gap := int(0.28 * em)
	high := p.clock.height + gap + p.number.height
	x, y := (p.w-wide)/2, (bottom-high)/2
	pad := int(0.32 * em)
	c.roundRect(x-pad, y-pad, x+wide+pad, y+high+pad, 0.22*em, colour{panel, neutral, neutral})
	p.clock.x, p.clock.y = x, y
	p.number.x, p.number.y = x+wide-numberDigits*p.number.width, y+p.clock.height+gap
	return c.label(f, 0.62*em, "frame", x, p.number.y+p.number.height, dim)
}

// layInfo writes what the pattern is between the band and the strip.
func (p *painter) layInfo(c canvas, f *opentype.Font, m render.Matrix) error {
	top, bottom := textTop*float64(p.h), stripTop*float64(p.h)
	name := map[render.Matrix]string{render.BT601: "BT.601", render.BT709: "BT.709"}[m]
	s := fmt.Sprintf("planar  %dx%d  %s fps  %s", p.w, p.h, strconv.FormatFloat(math.Round(p.rate.Float()*1000)/1000, 'f', -1, 64), name)
	em := min(0.62*(bottom-top), 0.94*float64(p.w)/float64(len(s))/0.6)
	if em < 7 {
		return nil // nobody could read it
	}
	return c.label(f, em, s, (p.w-int(float64(len(s))*math.Round(0.6*em)))/2, int((top+bottom)/2+0.34*em), dim)
}

// layBand makes the two looks of the ball's band.
func (p *painter) layBand(c canvas) {
	b := &p.band
	b.top = p.row(bandTop)
	b.rows = p.row(textTop) - b.top
	high := float64(b.rows)
	b.radius = min(0.30*high, 0.1*float64(p.w))
	b.left = max(0.06*float64(p.w), b.radius+2)
	b.travel = float64(p.w) - 2*b.left
	for lit, levels := range [2][2]byte{{ground, marks}, {white, marks}} {
		luma := make([]byte, b.rows*p.w)
		fill(luma, levels[0])
		line := func(x, y0, y1, thick int) { // upright
			for y := max(0, y0); y < min(b.rows, y1); y++ {
				fill(luma[y*p.w:][max(0, x-thick/2):min(p.w, x-thick/2+thick)], levels[1])
			}
		}
		thick := max(1, p.h/360)
		middle := b.rows / 2
		for y := middle - thick/2; y < middle-thick/2+thick; y++ { // the ball's way
			fill(luma[y*p.w:][int(b.left):int(b.left+b.travel)], levels[1])
		}
		for i := range 11 { // tenths of the second
			half := 0.14 * high
			if i%5 == 0 {
				half = 0.36 * high
			}
			line(int(math.Round(b.left+b.travel*float64(i)/10)), middle-int(half), middle+int(half)+1, thick)
		}
		b.luma[lit] = luma
	}
}

// paint draws frame n, captured at a time, into a picture that has the background.
func (p *painter) paint(pic []byte, n int64, captured time.Time) {
	luma := pic[:p.w*p.h]
	p.paintBand(luma, n)
	var buf [32]byte
	p.clock.paint(luma, p.w, captured.AppendFormat(buf[:0], clockLayout))
	digits := buf[:numberDigits]
	for i, v := numberDigits-1, n; i >= 0; i, v = i-1, v/10 {
		digits[i] = byte('0' + v%10)
		if v == 0 && i < numberDigits-1 {
			digits[i] = ' '
		}
	}
	p.number.paint(luma, p.w, digits)
	drawStamp(luma, p.w, p.h, stampOf(captured, n))
}

// paintBand draws the ball where it is at the time of frame n.
func (p *painter) paintBand(luma []byte, n int64) {
	b := &p.band
	look, ball := b.luma[0], white
	if lit(n, p.rate) {
		look, ball = b.luma[1], black
	}
	rows := luma[b.top*p.w:][:len(look)]
	copy(rows, look)
	phase := float64(demux.FrameTime(n, p.rate)%time.Second) / float64(time.Second)
	cx, cy := b.left+b.travel*phase, float64(b.rows)/2
	for y := max(0, int(cy-b.radius)); y < min(b.rows, int(cy+b.radius)+1); y++ {
		row := rows[y*p.w:][:p.w]
		dy := float64(y) + 0.5 - cy
		for x := max(0, int(cx-b.radius)); x < min(p.w, int(cx+b.radius)+1); x++ {
			dx := float64(x) + 0.5 - cx
			cover := b.radius + 0.5 - math.Sqrt(dx*dx+dy*dy)
			row[x] = mix(row[x], byte(ball), cover)
		}
	}
}

func (t *text) paint(luma []byte, stride int, s []byte) {
	for i, ch := range s {
		g := t.glyphs[ch]
		for y := range t.height {
			copy(luma[(t.y+y)*stride+t.x+i*t.width:], g[y*t.width:][:t.width])
		}
	}
}

// newText draws white characters on the panel's grey. A cell is as high as the highest
// of them.
func newText(f *opentype.Font, em float64, characters string) (text, error) {
	face, err := newFace(f, em)
	if err != nil {
		return text{}, err
	}
	defer face.Close()
	bounds, advance := font.BoundString(face, characters)
	top := bounds.Min.Y.Floor()
	t := text{
		width: advance.Round() / len(characters), height: max(1, bounds.Max.Y.Ceil()-top),
		glyphs: map[byte][]byte{},
	}
	t.width = max(1, t.width)
	for i := range len(characters) {
		mask := image.NewAlpha(image.Rect(0, 0, t.width, t.height))
		d := font.Drawer{Dst: mask, Src: image.Opaque, Face: face, Dot: fixed.P(0, -top)}
		d.DrawString(characters[i : i+1])
		g := make([]byte, len(mask.Pix))
		for k, a := range mask.Pix {
			g[k] = mix(panel, white, float64(a)/255)
		}
		t.glyphs[characters[i]] = g
	}
	return t, nil
}

func newFace(f *opentype.Font, em float64) (font.Face, error) {
	return opentype.NewFace(f, &opentype.FaceOptions{Size: em, DPI: 72, Hinting: font.HintingFull})
}

// colour is Y, Cb and Cr.
type colour [3]byte

// barColours are the bars at 75 % (ITU-R BT.471): white, yellow, cyan, green, magenta,
// red, blue, in limited range.
func barColours(m render.Matrix) (bars [7]colour) {
	kr, kb := m.Weights()
	for i, rgb := range [7][3]float64{{1, 1, 1}, {1, 1, 0}, {0, 1, 1}, {0, 1, 0}, {1, 0, 1}, {1, 0, 0}, {0, 0, 1}} {
		r, g, b := 0.75*rgb[0], 0.75*rgb[1], 0.75*rgb[2]
		y := kr*r + (1-kr-kb)*g + kb*b
		bars[i] = colour{
			byte(math.Round(16 + 219*y)),
			byte(math.Round(128 + 112*(b-y)/(1-kb))),
			byte(math.Round(128 + 112*(r-y)/(1-kr))),
		}
	}
	return bars
}

// canvas is a yuv420p picture. What is drawn outside is cut off.
type canvas struct {
	w, h, cw, ch int
	plane        [3][]byte
}

func newCanvas(pic []byte, w, h int) canvas {
	c := canvas{w: w, h: h, cw: (w + 1) / 2, ch: (h + 1) / 2}
	n, cn := w*h, c.cw*c.ch
	c.plane = [3][]byte{pic[:n], pic[n:][:cn], pic[n+cn:][:cn]}
	return c
}

// rect fills a rectangle up to x1 and y1. All of them are even, or the picture's size.
func (c canvas) rect(x0, y0, x1, y1 int, k colour) {
	for i, plane := range c.plane {
		x0, y0, x1, y1, w, h := x0, y0, x1, y1, c.w, c.h
		if i > 0 {
			x0, y0, x1, y1, w, h = x0/2, y0/2, (x1+1)/2, (y1+1)/2, c.cw, c.ch
		}
		for y := y0; y < min(y1, h); y++ {
			fill(plane[y*w:][min(x0, w):min(x1, w)], k[i])
		}
	}
}

// roundRect fills a rectangle with round corners and smooth edges.
func (c canvas) roundRect(x0, y0, x1, y1 int, radius float64, k colour) {
	mx, my := float64(x0+x1)/2, float64(y0+y1)/2
	hx, hy := float64(x1-x0)/2-radius, float64(y1-y0)/2-radius
	cover := func(x, y float64) float64 { // from the distance to the edge
		dx, dy := max(0, math.Abs(x-mx)-hx), max(0, math.Abs(y-my)-hy)
		return radius + 0.5 - math.Hypot(dx, dy)
	}
	for y := max(0, y0); y < min(c.h, y1); y++ {
		for x := max(0, x0); x < min(c.w, x1); x++ {
			v := &c.plane[0][y*c.w+x]
			*v = mix(*v, k[0], cover(float64(x)+0.5, float64(y)+0.5))
		}
	}
	for y := max(0, y0/2); y < min(c.ch, y1/2+1); y++ {
		for x := max(0, x0/2); x < min(c.cw, x1/2+1); x++ {
			for i := 1; i < 3; i++ { // between two rows, on the left pixel: sited left
				v := &c.plane[i][y*c.cw+x]
				*v = mix(*v, k[i], cover(float64(2*x)+0.5, float64(2*y)+1))
			}
		}
	}
}

// label writes a line of luma, its characters a whole number of pixels apart.
func (c canvas) label(f *opentype.Font, em float64, s string, x, baseline int, level byte) error {
	face, err := newFace(f, em)
	if err != nil {
		return err
	}
	defer face.Close()
	step := int(math.Round(0.6 * em))
	mask := image.NewAlpha(image.Rect(x, baseline-int(em), x+step*len(s)+int(em), baseline+int(em)/2))
	for i := range len(s) {
		d := font.Drawer{Dst: mask, Src: image.Opaque, Face: face, Dot: fixed.P(x+i*step, baseline)}
		d.DrawString(s[i : i+1])
	}
	r := mask.Rect.Intersect(image.Rect(0, 0, c.w, c.h))
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			v := &c.plane[0][y*c.w+x]
			*v = mix(*v, level, float64(mask.AlphaAt(x, y).A)/255)
		}
	}
	return nil
}

// mix lays b over a, which it covers by a part; what lies outside 0 to 1 is cut.
func mix(a, b byte, cover float64) byte {
	switch {
	case cover <= 0:
		return a
	case cover >= 1:
		return b
	}
	return byte(math.Round(float64(a) + cover*(float64(b)-float64(a))))
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}
