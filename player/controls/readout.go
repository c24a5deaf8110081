package controls

import (
	"fmt"
	"math"
	"strconv"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/player"
	"planar/render"
	"planar/render/scope"
)

// arrivals notices when another source shows its first picture, without asking for
// the status of each moment.
type arrivals struct{ last int64 }

// came reports whether the picture of m may be the first of a source: there was
// none before, or one of a higher number.
func (a *arrivals) came(m player.Moment) bool {
	before := a.last
	a.last = m.Frame + 1 // so that the zero value is no picture
	return m.Frame >= 0 && (before == 0 || a.last < before)
}

// reading is what a picture has at one place.
type reading struct {
	x, y             int // in luma samples
	chromaX, chromaY int // in chroma samples
	values           [4]int
	n                int        // of values; 0 if nothing could be read
	rgb              [3]float64 // at 8 bit scale, not clipped
	coloured         bool       // rgb has a meaning
}

// read reads p at luma position x, y.
func read(f *scope.Format, p *render.Picture, x, y int) reading {
	r := reading{x: x, y: y, chromaX: x, chromaY: y}
	r.values, r.n = f.Values(p, x, y)
	r.rgb, r.coloured = f.RGB(p, x, y)
	if cs := f.Components(); len(cs) > 1 {
		r.chromaX, r.chromaY = x>>cs[1].ShiftX, y>>cs[1].ShiftY
	}
	return r
}

// clipped reports whether no screen can show the colour.
func (r *reading) clipped() bool {
	for _, v := range r.rgb {
		if v < -0.5 || v >= 255.5 {
			return true
		}
	}
	return false
}

// codeText is a code value of so many bits, in hexadecimal with all its digits.
func codeText(v, depth int, hex bool) string {
	if hex {
		return fmt.Sprintf("%0*X", hexDigits(depth), v)
	}
	return strconv.Itoa(v)
}

// hexDigits is how many digits a code value of so many bits has.
func hexDigits(depth int) int { return max(1, (depth+3)/4) }

// codeDigits is how many characters codeText has at most.
func codeDigits(depth int, hex bool) int {
	if hex {
		return hexDigits(depth)
	}
	return len(strconv.Itoa(1<<depth - 1))
}

// screenCode is a colour of 8 bit scale as a code value of so many bits, clipped to
// what there is.
func screenCode(v float64, depth int) int {
	most := float64(int(1)<<depth - 1)
	return int(math.Round(min(max(v*most/255, 0), most)))
}

// luminance is about how bright a colour of 8 bit scale is, 0 to 255.
func luminance(c [3]float64) float64 {
	return 0.2126*min(max(c[0], 0), 255) + 0.7152*min(max(c[1], 0), 255) + 0.0722*min(max(c[2], 0), 255)
}

// statText is a mean or a deviation.
func statText(v float64) string {
	if v >= 10000 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// zoomText is a zoom as people read it.
func zoomText(zoom float64) string {
	p := zoom * 100
	if p < 10 {
		return strconv.FormatFloat(p, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(p, 'f', 0, 64) + " %"
}

// rows returns a function that writes a line of values in columns at the right
// edge, each as wide as cell pixels, with a name at the left.
func (t *toolkit) rows(cell float32) func(name string, nameInk colour, f face, values []string, ink func(i int) colour) {
	return func(name string, nameInk colour, f face, values []string, ink func(i int) colour) {
		w, h := t.room(), t.px(19)
		p := imgui.CursorScreenPos()
		each := min(cell, max((w-t.measure(name, small).X-t.px(8))/float32(max(len(values), 1)), 1))
		left := p.X + w - each*float32(len(values))
		t.writeIn(p, vec2{X: left, Y: p.Y + h}, 0, t.elide(name, small, max(left-p.X-t.px(4), 1)), small, nameInk)
		for i, s := range values {
			x := left + each*float32(i)
			t.writeIn(vec2{X: x, Y: p.Y}, vec2{X: x + each, Y: p.Y + h}, 1, s, f, ink(i))
		}
		imgui.Dummy(vec2{X: w, Y: h})
	}
}

// tight puts lines closer together until its result is called.
func tight(t *toolkit) (end func()) {
	imgui.PushStyleVarVec2(imgui.StyleVarItemSpacing, vec2{X: imgui.CurrentStyle().ItemSpacing().X, Y: t.px(2)})
	return imgui.PopStyleVar
}

// sideBySide draws fields in columns of the given widths, in pixels, gap apart:
// each of them begins at the same height, which imgui.SameLine does not see to.
func (t *toolkit) sideBySide(gap float32, widths []float32, inside func(k int, width float32)) {
	p := imgui.CursorScreenPos()
	x, bottom := p.X, p.Y
	for k, w := range widths {
		imgui.SetCursorScreenPos(vec2{X: x, Y: p.Y})
		imgui.BeginGroup()
		inside(k, w)
		imgui.EndGroup()
		bottom = max(bottom, imgui.ItemRectMax().Y)
		x += w + gap
	}
	imgui.SetCursorScreenPos(p)
	imgui.Dummy(vec2{X: x - gap - p.X, Y: bottom - p.Y})
}

// steady has another frame drawn when the height of what a panel holds has changed,
// since the panel follows a frame later. It is called at the panel's end with the
// height of the last frame.
func (t *toolkit) steady(height *float32) {
	if y := imgui.CursorPosY() + imgui.ScrollY(); y != *height {
		*height = y
		t.settle = max(t.settle, 2)
	}
}
