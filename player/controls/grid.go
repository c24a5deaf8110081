package controls

import (
	"encoding/binary"
	"image"
	"math"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"planar/render"
	"planar/render/scope"
)

// How large a sample is in the window, in pixels of its longer side, from where on
// it has lines around it, and its values inside if they can be read then.
const (
	gridZoom  = 16
	valueZoom = 48
)

// lattice is where samples lie in the window: a column for each sample that is
// shown side by side, a row for each that is shown above another. They are the
// samples of all components, which then are as many as luma's, or those of the one
// that is shown alone.
type lattice struct {
	left, top, width, height float64 // of the picture in the window, whole numbers
	columns, rows            int
	rotation                 int // as render.Picture has it
	shiftX, shiftY           int // a sample is 2^shiftX x 2^shiftY luma samples, before it is turned
	lumaW, lumaH             int
}

// newLattice is the lattice of p in a window of winW x winH pixels, if samples
// like those of c are shown.
func newLattice(p *render.Picture, v render.View, winW, winH int, c scope.Component) lattice {
	w, h := p.DisplaySize()
	l := lattice{rotation: p.Rotation, shiftX: c.ShiftX, shiftY: c.ShiftY, lumaW: p.Width, lumaH: p.Height}
	l.left, l.top, l.width, l.height = v.Place(winW, winH, w, h)
	l.columns, l.rows = l.size()
	if l.turned() {
		l.columns, l.rows = l.rows, l.columns
	}
	return l
}

func (l *lattice) turned() bool { return l.rotation == 90 || l.rotation == 270 }

// size is how many samples there are, before they are turned.
func (l *lattice) size() (w, h int) {
	return (l.lumaW-1)>>l.shiftX + 1, (l.lumaH-1)>>l.shiftY + 1
}

// empty reports whether there is nothing to be seen.
func (l *lattice) empty() bool {
	return !(l.width > 0) || !(l.height > 0) || l.columns <= 0 || l.rows <= 0 || l.lumaW <= 0 || l.lumaH <= 0
}

// cell is how large a sample is in the window, in pixels.
func (l *lattice) cell() (w, h float64) {
	return l.width / float64(l.columns), l.height / float64(l.rows)
}

// at is the column and the row of which the sample is drawn at the window's pixel
// x, y; not ok beside the picture. A pixel shows what lies under its middle.
func (l *lattice) at(x, y int) (column, row int, ok bool) {
	fx, fy := float64(x)+0.5-l.left, float64(y)+0.5-l.top
	if l.empty() || !(fx >= 0 && fy >= 0 && fx < l.width && fy < l.height) {
		return 0, 0, false
	}
	return min(int(fx*float64(l.columns)/l.width), l.columns-1), min(int(fy*float64(l.rows)/l.height), l.rows-1), true
}

// x is the window's first pixel of a column, and the first behind the picture for
// the one behind the last; y is that of a row.
func (l *lattice) x(column int) int {
	return int(l.left + math.Ceil(float64(column)*l.width/float64(l.columns)-0.5))
}

func (l *lattice) y(row int) int {
	return int(l.top + math.Ceil(float64(row)*l.height/float64(l.rows)-0.5))
}

// sample is which sample is shown in a column and a row.
func (l *lattice) sample(column, row int) (x, y int) {
	w, h := l.size()
	switch l.rotation {
	case 90:
		return row, h - 1 - column
	case 180:
		return w - 1 - column, h - 1 - row
	case 270:
		return w - 1 - row, column
	}
	return column, row
}

// shown is where a sample is shown: the other way round.
func (l *lattice) shown(x, y int) (column, row int) {
	w, h := l.size()
	switch l.rotation {
	case 90:
		return h - 1 - y, x
	case 180:
		return w - 1 - x, h - 1 - y
	case 270:
		return y, w - 1 - x
	}
	return x, y
}

// luma is the first luma sample that the sample in a column and a row stands for.
func (l *lattice) luma(column, row int) (x, y int) {
	x, y = l.sample(column, row)
	return x << l.shiftX, y << l.shiftY
}

// rect is what the samples that cover a part of r, in luma samples, are of the
// window, in pixels. It may reach far beyond the window.
func (l *lattice) rect(r render.Rect) render.Rect {
	c0, r0 := l.shown(r.X>>l.shiftX, r.Y>>l.shiftY)
	c1, r1 := l.shown((r.X+r.W-1)>>l.shiftX, (r.Y+r.H-1)>>l.shiftY)
	c0, c1, r0, r1 = min(c0, c1), max(c0, c1), min(r0, r1), max(r0, r1)
	x, y := l.x(c0), l.y(r0)
	return render.Rect{X: x, Y: y, W: l.x(c1+1) - x, H: l.y(r1+1) - y}
}

// grid draws lines between samples, and their values, when they are large enough.
// It paints a layer of its own below the toolkit's: in one of the toolkit's all
// panels would be a part of it and be drawn whenever a value changes.
type grid struct {
	off    bool // it is not wanted
	look   gridLook
	cells  []printed // what is written now
	fresh  []printed // memory for what is written next
	pages  [2]render.Bitmap
	turn   int // of pages, the one that layer has
	layer  render.Layer
	digits digits
}

// gridLook is all that a grid's lines depend on.
type gridLook struct {
	lattice        lattice
	winW, winH     int
	groupX, groupY int // the samples between two stronger lines, before they are turned; 1 for none
	thick          int // pixels
	size           int // of the letters, in pixels; 0 if no values are written
	hex            bool
	depths         [3]int
	names          [3]byte // of the components that are written; 0 for none
}

// printed is what is written in a cell.
type printed struct {
	column, row int
	values      [3]int
	dark        bool // in dark letters, since the sample is bright
}

// maxCells bounds what is written: in a window of 16384 x 16384 pixels, cells of
// valueZoom by half of that. Narrower ones have no room for letters that can be
// read, or there are fewer of them.
const maxCells = 2 * (maxSide/(valueZoom-1) + 2) * (maxSide/(valueZoom-1) + 2)

// draw returns the grid over picture p, if it is to be seen. component is the one
// that is shown alone, or -1; f is nil if samples cannot be read.
func (g *grid) draw(p *render.Picture, f *scope.Format, component int, l lattice, winW, winH int, scale float64, hex bool, version func() uint64) (render.Layer, bool) {
	w, h := 0.0, 0.0
	if !g.off && !l.empty() {
		w, h = l.cell()
	}
	// A zoom of 16 comes as 15.999 at times.
	if max(w, h) < gridZoom-0.5 || min(w, h) < gridZoom/4 || winW <= 0 || winH <= 0 || winW > maxSide || winH > maxSide {
		g.forget()
		return render.Layer{}, false
	}
	look := gridLook{lattice: l, winW: winW, winH: winH, groupX: 1, groupY: 1, thick: max(1, int(scale*0.75)), hex: hex}
	if f != nil {
		if cs := f.Components(); component < 0 && len(cs) > 1 {
			look.groupX, look.groupY = 1<<cs[1].ShiftX, 1<<cs[1].ShiftY
		}
	}
	g.fresh = g.fresh[:0]
	if f != nil && max(w, h) >= valueZoom-0.5 {
		g.values(&look, p, f, component, scale)
	}
	if look == g.look && g.layer.Pixels.Pix != nil && same(g.fresh, g.cells) {
		return g.layer, true
	}
	g.look = look
	g.cells, g.fresh = g.fresh, g.cells
	g.paint()
	g.layer.Version = version()
	return g.layer, g.layer.Pixels.Pix != nil
}

func same(a, b []printed) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// forget gives the memory back.
func (g *grid) forget() {
	off := g.off
	*g = grid{off: off, digits: g.digits}
}

// visible are the columns and rows that are in the window, the ends excluded.
func (k *gridLook) visible() (c0, c1, r0, r1 int) {
	l := &k.lattice
	a := k.area()
	if a.W <= 0 || a.H <= 0 {
		return 0, 0, 0, 0
	}
	c0, r0, _ = l.at(a.X, a.Y)
	c1, r1, _ = l.at(a.X+a.W-1, a.Y+a.H-1)
	return c0, c1 + 1, r0, r1 + 1
}

// area is the part of the window that has the picture.
func (k *gridLook) area() render.Rect {
	l := &k.lattice
	x, y := max(0, int(l.left)), max(0, int(l.top))
	return render.Rect{X: x, Y: y, W: min(k.winW, int(l.left+l.width)) - x, H: min(k.winH, int(l.top+l.height)) - y}
}

// values reads what is written in the cells.
func (g *grid) values(look *gridLook, p *render.Picture, f *scope.Format, component int, scale float64) {
	all := f.Components()
	from, n := 0, min(3, len(all))
	if component >= 0 {
		from, n = component, 1
	}
	longest := 1
	for i := range n {
		c := &all[from+i]
		look.names[i], look.depths[i] = c.Name[0], c.Depth
		longest = max(longest, codeDigits(c.Depth, look.hex))
	}
	// A letter of Go Mono is 0.6 as wide as it is high.
	w, h := look.lattice.cell()
	size := min(15*scale, 0.86*h/(1.2*float64(n)), 0.86*w/(0.6*float64(longest)))
	if look.size = int(size); look.size < 7 {
		look.size = 0
		return
	}
	c0, c1, r0, r1 := look.visible()
	if (c1-c0)*(r1-r0) > maxCells {
		return
	}
	for row := r0; row < r1; row++ {
		for column := c0; column < c1; column++ {
			x, y := look.lattice.luma(column, row)
			v, have := f.Values(p, x, y)
			if have == 0 {
				continue
			}
			c := printed{column: column, row: row}
			copy(c.values[:n], v[from:])
			limit := float64(int(1)<<all[from].Depth - 1)
			bright := float64(v[from]) * 255 / limit
			if rgb, ok := f.RGB(p, x, y); ok && component < 0 {
				bright = luminance(rgb)
			}
			c.dark = bright > 120
			g.fresh = append(g.fresh, c)
		}
	}
}

// paint draws the layer.
func (g *grid) paint() {
	k := &g.look
	a := k.area()
	if a.W <= 0 || a.H <= 0 {
		g.layer = render.Layer{}
		return
	}
	g.turn = 1 - g.turn
	b := &g.pages[g.turn]
	if b.Width != a.W || b.Height != a.H {
		*b = render.NewBitmap(a.W, a.H)
	}
	g.layer = render.Layer{X: a.X, Y: a.Y, Pixels: *b}
	g.lines(*b, a)
	if len(g.cells) == 0 {
		return
	}
	g.digits.prepare(k.size)
	for i := range g.cells {
		g.print(*b, a, &g.cells[i])
	}
}

// A line is a dark one beside a bright one, so that one of the two is seen on
// whatever it lies.
var (
	weakDark, weakLight     = layerPixel(0x000000, 0.34), layerPixel(0xffffff, 0.22)
	strongDark, strongLight = layerPixel(0x000000, 0.62), layerPixel(0xffffff, 0.5)
)

// layerPixel is a colour of 0xRRGGBB with alpha, as a pixel of a layer.
func layerPixel(c uint32, alpha float64) uint32 {
	part := func(shift int) uint32 { return uint32(float64(c>>shift&255)*alpha + 0.5) }
	return uint32(255*alpha+0.5)<<24 | part(16)<<16 | part(8)<<8 | part(0)
}

// The kinds of rows of pixels in a grid.
const (
	between = iota // lines, but for those across
	weakDarkRow
	weakLightRow
	strongDarkRow
	strongLightRow
	rowKinds
)

// lines sets all of the layer that lies at a: every row of pixels is one of a few.
// Strong lines lie over weak ones.
func (g *grid) lines(b render.Bitmap, a render.Rect) {
	k := &g.look
	l := &k.lattice
	c0, c1, r0, r1 := k.visible()
	var rows [rowKinds][]byte
	memory := make([]byte, rowKinds*4*a.W)
	for kind, px := range [rowKinds]uint32{0, weakDark, weakLight, strongDark, strongLight} {
		rows[kind] = memory[4*a.W*kind:][:4*a.W]
		if px != 0 {
			set(rows[kind], 0, a.W, px)
		}
		for _, strong := range [2]bool{false, true} {
			dark, light := weakDark, weakLight
			if strong {
				dark, light = strongDark, strongLight
			}
			if kind >= strongDarkRow || kind != between && !strong {
				continue
			}
			for c := max(1, c0); c <= c1 && c < l.columns; c++ {
				if k.strong(c, true) == strong {
					x := l.x(c) - a.X
					set(rows[kind], x-k.thick, k.thick, dark)
					set(rows[kind], x, k.thick, light)
				}
			}
		}
	}
	kinds := make([]byte, a.H)
	for _, strong := range [2]bool{false, true} {
		dark, light := byte(weakDarkRow), byte(weakLightRow)
		if strong {
			dark, light = strongDarkRow, strongLightRow
		}
		for r := max(1, r0); r <= r1 && r < l.rows; r++ {
			if k.strong(r, false) != strong {
				continue
			}
			y := l.y(r) - a.Y
			for i := range k.thick {
				if at := y - 1 - i; at >= 0 && at < a.H {
					kinds[at] = dark
				}
				if at := y + i; at >= 0 && at < a.H {
					kinds[at] = light
				}
			}
		}
	}
	for y, kind := range kinds {
		copy(b.Pix[y*b.Stride:], rows[kind])
	}
}

// set sets n pixels of a row from x on, as far as there are so many.
func set(row []byte, x, n int, pixel uint32) {
	for i := max(0, x); i < min(len(row)/4, x+n); i++ {
		binary.LittleEndian.PutUint32(row[4*i:], pixel)
	}
}

// strong reports whether a chroma sample ends where a column, or a row, begins.
func (k *gridLook) strong(n int, column bool) bool {
	l := &k.lattice
	w, h := l.size()
	group, size := k.groupX, w
	if column == l.turned() {
		group, size = k.groupY, h
	}
	switch r := l.rotation; {
	case r == 180, r == 90 && column, r == 270 && !column:
		n = size - n // counted from the other end
	}
	return group > 1 && n%group == 0
}

// print writes the values of a cell, one below the other.
func (g *grid) print(b render.Bitmap, a render.Rect, c *printed) {
	k := &g.look
	l := &k.lattice
	x0, x1 := l.x(c.column)-a.X, l.x(c.column+1)-a.X
	y0, y1 := l.y(c.row)-a.Y, l.y(c.row+1)-a.Y
	n := 0
	for n < len(k.names) && k.names[n] != 0 {
		n++
	}
	d := &g.digits
	y := (y0 + y1 - n*d.high + 1) / 2
	var text [8]byte
	for i := range n {
		s := appendCode(text[:0], c.values[i], k.depths[i], k.hex)
		x := (x0 + x1 - len(s)*d.wide + 1) / 2
		d.write(b, x, y+i*d.high, s, cellInks[k.names[i]][c.dark])
	}
}

// appendCode appends codeText.
func appendCode(b []byte, v, depth int, hex bool) []byte {
	const figures = "0123456789ABCDEF"
	base, n := 10, 1
	if hex {
		base, n = 16, hexDigits(depth)
	} else {
		for p := 10; p <= v; p *= 10 {
			n++
		}
	}
	b = b[:n]
	for i := n - 1; i >= 0; i-- {
		b[i] = figures[v%base]
		v /= base
	}
	return b
}

// cellShades are the pixels of a colour, by how much a letter covers of them.
type cellShades [256]uint32

// cellInks are the colours of components, over dark and over bright samples.
var cellInks = func() map[byte]map[bool]*cellShades {
	all := map[byte]map[bool]*cellShades{}
	for name, c := range map[byte][2]uint32{
		'Y': {0xffffff, 0x080808}, 'U': {0xadc8ff, 0x0c2a78}, 'V': {0xffb4bc, 0x7a0f1e}, 'A': {0xd8c8f0, 0x3c2a58},
		'R': {0xffb4bc, 0x7a0f1e}, 'G': {0xa8eebd, 0x0b4a1c}, 'B': {0xadc8ff, 0x0c2a78}, 'X': {0xffe0b0, 0x553a08}, 'Z': {0xb0ecec, 0x08484c},
	} {
		all[name] = map[bool]*cellShades{}
		for i, dark := range []bool{false, true} {
			var s cellShades
			for a := range s {
				s[a] = layerPixel(c[i], float64(a)/255)
			}
			all[name][dark] = &s
		}
	}
	return all
}()

// digits are the letters of numbers in one size, as how much they cover of pixels.
type digits struct {
	size       int // pixels
	wide, high int // of a letter
	cover      [16][]byte
}

var monoFont = sync.OnceValue(func() *opentype.Font {
	f, _ := opentype.Parse(gomono.TTF) // which is a part of the program: it is a font
	return f
})

// prepare makes the letters.
func (d *digits) prepare(size int) {
	if d.size == size {
		return
	}
	*d = digits{size: size}
	face, err := opentype.NewFace(monoFont(), &opentype.FaceOptions{Size: float64(size), DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return
	}
	defer face.Close()
	advance, _ := face.GlyphAdvance('0')
	d.wide, d.high = advance.Round(), size*6/5
	// The figures' height, about 0.72 of the size, lies in the middle of the line.
	base := (d.high*100 + size*72 + 100) / 200
	for i, c := range "0123456789ABCDEF" {
		m := image.NewAlpha(image.Rect(0, 0, d.wide, d.high))
		w := font.Drawer{Dst: m, Src: image.Opaque, Face: face, Dot: fixed.P(0, base)}
		w.DrawString(string(c))
		d.cover[i] = m.Pix
	}
}

// write writes s, hexadecimal digits, with its top left corner at x, y. What is
// outside of b is left out. There is nothing below it that would be seen.
func (d *digits) write(b render.Bitmap, x, y int, s []byte, c *cellShades) {
	for _, ch := range s {
		i := ch - '0'
		if ch >= 'A' {
			i = ch - 'A' + 10
		}
		cover := d.cover[i]
		for gy := range d.high {
			if y+gy < 0 || y+gy >= b.Height {
				continue
			}
			row := b.Pix[(y+gy)*b.Stride:][:4*b.Width]
			for gx, a := range cover[gy*d.wide:][:d.wide] {
				if at := x + gx; a != 0 && at >= 0 && at < b.Width {
					binary.LittleEndian.PutUint32(row[4*at:], c[a])
				}
			}
		}
		x += d.wide
	}
}

// outline is a frame around r, in pixels of a window of winW x winH: dark, a colour
// on r's outermost pixels, dark again. Where it is outside of the window it is left
// out.
func outline(r render.Rect, winW, winH int, thick int, c uint32, version func() uint64) []render.Layer {
	t := thick
	var layers []render.Layer
	for _, s := range [4]render.Rect{
		{X: r.X - t, Y: r.Y - t, W: r.W + 2*t, H: 3 * t},
		{X: r.X - t, Y: r.Y + r.H - 2*t, W: r.W + 2*t, H: 3 * t},
		{X: r.X - t, Y: r.Y + 2*t, W: 3 * t, H: r.H - 4*t},
		{X: r.X + r.W - 2*t, Y: r.Y + 2*t, W: 3 * t, H: r.H - 4*t},
	} {
		x0, y0 := max(0, s.X), max(0, s.Y)
		w, h := min(winW, s.X+s.W)-x0, min(winH, s.Y+s.H)-y0
		if w <= 0 || h <= 0 || w > maxSide || h > maxSide {
			continue
		}
		b := render.NewBitmap(w, h)
		dark, bright := layerPixel(0, 0.6), layerPixel(c, 1)
		for y := range h {
			for x := range w {
				// How far inside of r's edge the pixel is.
				in := min(x0+x-r.X, r.X+r.W-1-x0-x, y0+y-r.Y, r.Y+r.H-1-y0-y)
				px := dark
				if in >= 0 && in < t {
					px = bright
				} else if in >= 2*t || in < -t {
					continue
				}
				binary.LittleEndian.PutUint32(b.Pix[y*b.Stride+4*x:], px)
			}
		}
		layers = append(layers, render.Layer{X: x0, Y: y0, Pixels: b, Version: version()})
	}
	return layers
}
