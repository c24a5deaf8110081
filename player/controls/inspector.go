package controls

import (
	"fmt"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/player"
	"planar/render"
	"planar/render/scope"
)

// inspector answers questions about the picture: what a sample's value is, what a
// region's are like, and what the scopes show. Its panel, and the grid over the
// picture, which is there without the panel as well.
type inspector struct {
	hex    bool
	grid   grid
	scopes scopes

	// tool: dragging selects a region, without Shift too.
	tool      bool
	region    render.Rect // in luma samples; of no width if there is none
	selecting bool        // the button is held
	anchor    [2]int      // the luma sample where it was pressed
	pinned    bool        // the reading stays at pin
	pin       [2]int      // a luma sample
	pressed   bool        // the button was pressed on the picture, and has not moved since
	pressX    int
	pressY    int

	// What the picture on the screen was at the last moment that was looked at: its
	// shape, without planes.
	shape     render.Picture
	component int // the one that is shown alone, or -1
	view      render.View
	winW      int
	winH      int
	came      arrivals

	named  string // the pixel format that format is of
	format *scope.Format

	versions uint64
	markers  []render.Layer
	marked   [3]render.Rect // what markers were drawn for: the region, the pin, the sample under the pointer
	cursor   render.Cursor
	height   float32 // of what the panel holds, in pixels
}

// version is one for a layer. The toolkit's count from 1.
func (i *inspector) version() uint64 {
	i.versions++
	return 1<<63 | i.versions
}

// observe follows what there is to be seen. It is called at each moment.
func (i *inspector) observe(c *Controls, m player.Moment) {
	i.view, i.winW, i.winH = m.View, m.W, m.H
	if i.came.came(m) {
		st := m.Status()
		i.remember(&st)
	}
	if m.Frame < 0 {
		i.shape = render.Picture{}
	}
	if !c.panels.inspector {
		i.selecting, i.pressed = false, false
	}
	if i.grid.layer.Pixels.Pix != nil && !i.overPicture() {
		i.grid.forget()
	}
	cursor := render.CursorArrow
	if _, _, ok := i.pointed(c); ok && c.panels.inspector {
		cursor = render.CursorCrosshair
	}
	if c.o.Window != nil && cursor != i.cursor {
		i.cursor = cursor
		c.o.Window.SetCursor(cursor)
	}
}

// remember notes the shape of the picture on the screen.
func (i *inspector) remember(st *player.Status) {
	before := i.shape
	i.shape, i.component = render.Picture{}, -1
	if p := st.Picture; p != nil {
		i.shape = *p
		i.shape.Planes = nil
	}
	if i.shape.Width != before.Width || i.shape.Height != before.Height {
		i.region, i.pinned, i.selecting = render.Rect{}, false, false
	}
}

// overPicture reports whether there is a grid over the picture.
func (i *inspector) overPicture() bool {
	if i.grid.off || i.shape.Width <= 0 {
		return false
	}
	l := newLattice(&i.shape, i.view, i.winW, i.winH, scope.Component{})
	if l.empty() {
		return false
	}
	w, h := l.cell()
	return max(w, h) >= gridZoom/2 // a chroma sample that is shown alone is as wide as two
}

// lattice is where the samples that are shown lie.
func (i *inspector) lattice() lattice {
	var c scope.Component
	if i.format != nil && i.component >= 0 {
		c = i.format.Components()[i.component]
	}
	return newLattice(&i.shape, i.view, i.winW, i.winH, c)
}

// pointed is which luma sample is under the pointer, if it is over the picture and
// not over the controls.
func (i *inspector) pointed(c *Controls) (x, y int, ok bool) {
	if c.tk == nil || c.tk.input.out || c.tk.over() || i.shape.Width <= 0 {
		return 0, 0, false
	}
	return i.under(c.tk.input.x, c.tk.input.y)
}

// under is which luma sample is shown at the window's pixel px, py.
func (i *inspector) under(px, py int) (x, y int, ok bool) {
	l := i.lattice()
	column, row, ok := l.at(px, py)
	if !ok {
		return 0, 0, false
	}
	x, y = l.luma(column, row)
	// Of the luma samples that a chroma sample stands for, the one at the pointer.
	dw, dh := i.shape.DisplaySize()
	dx, dy := i.view.Point(float64(px)+0.5, float64(py)+0.5, i.winW, i.winH, dw, dh)
	if lx, ly, ok := i.shape.Sample(dx, dy); ok {
		x = min(max(lx, x), x+1<<l.shiftX-1)
		y = min(max(ly, y), y+1<<l.shiftY-1)
	}
	return min(x, i.shape.Width-1), min(y, i.shape.Height-1), true
}

// nearest is under, or the picture's edge that is nearest.
func (i *inspector) nearest(px, py int) (x, y int, ok bool) {
	l := i.lattice()
	if l.empty() {
		return 0, 0, false
	}
	return i.under(min(max(px, int(l.left)), int(l.left+l.width)-1), min(max(py, int(l.top)), int(l.top+l.height)-1))
}

// handle selects a region by dragging with Shift or the tool, which Escape clears.
// Everything else that is done to the picture is left to others; a click pins what
// is read all the same.
func (i *inspector) handle(c *Controls, e render.Event) bool {
	if !c.panels.inspector {
		return false
	}
	switch e.Kind {
	case render.KeyPress:
		return e.Key == "escape" && i.clear()
	case render.PointerDown:
		i.pressed = false
		if e.Button != render.ButtonLeft {
			return false
		}
		if i.tool || e.Mods&render.ModShift != 0 {
			x, y, ok := i.under(e.X, e.Y)
			if !ok {
				return false
			}
			i.selecting, i.anchor = true, [2]int{x, y}
			i.pressX, i.pressY = e.X, e.Y
			return true
		}
		i.pressed, i.pressX, i.pressY = true, e.X, e.Y
	case render.PointerMove:
		if i.selecting {
			i.extend(e.X, e.Y)
			return true
		}
		if max(e.X-i.pressX, i.pressX-e.X, e.Y-i.pressY, i.pressY-e.Y) > 3 {
			i.pressed = false // it is dragged
		}
	case render.PointerUp:
		if e.Button != render.ButtonLeft {
			return false
		}
		if i.selecting {
			i.selecting = false
			if e.X == i.pressX && e.Y == i.pressY {
				i.region = render.Rect{} // a click
			} else {
				i.extend(e.X, e.Y)
			}
			return true
		}
		if x, y, ok := i.under(e.X, e.Y); ok && i.pressed {
			i.pinned, i.pin = !i.pinned, [2]int{x, y}
		}
		i.pressed = false
	}
	return false
}

// clear takes back what was selected last.
func (i *inspector) clear() (done bool) {
	switch {
	case i.selecting || i.region.W > 0:
		i.selecting, i.region = false, render.Rect{}
	case i.tool:
		i.tool = false
	case i.pinned:
		i.pinned = false
	default:
		return false
	}
	return true
}

// extend makes the region reach from where it was begun to the pixel px, py.
func (i *inspector) extend(px, py int) {
	x, y, ok := i.nearest(px, py)
	if !ok {
		return
	}
	x0, y0 := min(x, i.anchor[0]), min(y, i.anchor[1])
	i.region = render.Rect{X: x0, Y: y0, W: max(x, i.anchor[0]) - x0 + 1, H: max(y, i.anchor[1]) - y0 + 1}
}

// prepare looks at the picture on the screen.
func (i *inspector) prepare(v *view) {
	i.remember(v.st)
	i.view, i.winW, i.winH = v.st.View, v.m.W, v.m.H
	p := v.st.Picture
	if p == nil {
		return
	}
	if p.Format != i.named {
		i.named, i.format = p.Format, nil
		if v.o.Describe != nil {
			if d, ok := v.o.Describe(p.Format); ok {
				i.format, _ = scope.New(d) // it says why, and the panel says that
			}
		}
	}
	if n := v.st.Component; i.format != nil && n > 0 && n <= len(i.format.Components()) {
		i.component = n - 1
	}
}

// below puts what lies over the picture below the layers of the controls.
func (i *inspector) below(v *view, over []render.Layer) []render.Layer {
	var all []render.Layer
	p := v.st.Picture
	if p == nil {
		i.grid.forget()
		return over
	}
	if l, ok := i.grid.draw(p, i.format, i.component, i.lattice(), v.m.W, v.m.H, v.m.Scale, i.hex, i.version); ok {
		all = append(all, l)
	}
	if v.panels.inspector {
		all = append(all, i.marks(v)...)
	}
	return append(all, over...)
}

// marks are frames around the region, the pinned sample and the one under the
// pointer.
func (i *inspector) marks(v *view) []render.Layer {
	l := i.lattice()
	if l.empty() {
		return nil
	}
	var now [3]render.Rect
	if i.region.W > 0 {
		now[0] = l.rect(i.region)
	}
	thick := max(1, int(v.m.Scale+0.25))
	// frame is around a sample: outside of it, if it is too small.
	frame := func(x, y int) render.Rect {
		r := l.rect(render.Rect{X: x, Y: y, W: 1, H: 1})
		for r.W < 7*thick || r.H < 7*thick {
			r = render.Rect{X: r.X - 1, Y: r.Y - 1, W: r.W + 2, H: r.H + 2}
		}
		return r
	}
	if i.pinned {
		now[1] = frame(i.pin[0], i.pin[1])
	}
	if w, h := l.cell(); max(w, h) >= gridZoom/2 && !i.selecting {
		if x, y, ok := i.pointed(v.Controls); ok {
			now[2] = frame(x, y)
		}
	}
	if now == i.marked {
		return i.markers
	}
	i.marked, i.markers = now, nil
	accent := packedRGB(v.tk.theme.accent)
	for k, c := range [3]uint32{accent, accent, 0xffffff} {
		if now[k].W > 0 {
			i.markers = append(i.markers, outline(now[k], v.m.W, v.m.H, thick, c, i.version)...)
		}
	}
	return i.markers
}

// packedRGB is an opaque colour as 0xRRGGBB.
func packedRGB(c colour) uint32 {
	part := func(v float32) uint32 { return uint32(min(max(v, 0), 1)*255 + 0.5) }
	return part(c.X)<<16 | part(c.Y)<<8 | part(c.Z)
}

// inspectorWidth is the panel's, in pixels at scale 1.
const inspectorWidth = 316

// build draws the panel.
func (i *inspector) build(v *view) {
	t := v.tk
	edge := min(t.px(12), float32(min(v.m.W, v.m.H))/30)
	size := vec2{X: min(t.px(inspectorWidth), float32(v.m.W)-2*edge)}
	t.panel("Inspector", &v.panels.inspector, vec2{X: edge, Y: edge}, size, 0, func() {
		defer t.steady(&i.height)
		if v.st.Picture == nil {
			t.wrapped("There is no picture.", body, t.theme.grey)
			return
		}
		i.zoomRow(v)
		i.componentRow(v)
		i.toolRow(v)
		if i.format == nil {
			t.wrapped("Values of "+v.st.Picture.Format+" cannot be shown.", body, t.theme.grey)
			return
		}
		i.readout(v)
		if i.region.W > 0 {
			i.regionCard(v)
		}
		i.scopes.build(v, i.format, i.region)
	})
}

// zoomRow has the zoom and what changes it.
func (i *inspector) zoomRow(v *view) {
	t := v.tk
	w, h := v.st.Picture.DisplaySize()
	zoom := v.st.View.Scale(v.m.W, v.m.H, w, h)
	h30 := t.px(30)
	look := iconLook{size: h30, face: smallIcons}
	if t.iconButtonV("out", iconZoomOut, "Smaller  -", look) {
		v.ask(player.Command{Do: player.ZoomBy, Factor: 0.5})
	}
	imgui.SameLineV(0, 0)
	p := imgui.CursorScreenPos()
	wide := t.px(68)
	t.writeIn(p, vec2{X: p.X + wide, Y: p.Y + h30}, 0.5, zoomText(zoom), mono, t.theme.text)
	imgui.Dummy(vec2{X: wide, Y: h30})
	imgui.SameLineV(0, 0)
	if t.iconButtonV("in", iconZoomIn, "Larger  +", look) {
		v.ask(player.Command{Do: player.ZoomBy, Factor: 2})
	}
	imgui.SameLine()
	if t.textButton("fit", "Fit") {
		v.ask(player.Command{Do: player.SetView})
	}
	imgui.SameLine()
	if t.textButton("one", "100 %") && zoom > 0 {
		to := v.st.View.ZoomAt(1/zoom, float64(v.m.W)/2, float64(v.m.H)/2, v.m.W, v.m.H, w, h)
		v.ask(player.Command{Do: player.SetView, View: to})
	}
}

// componentRow chooses what is shown.
func (i *inspector) componentRow(v *view) {
	t := v.tk
	if i.format == nil {
		return
	}
	names := []string{"All"}
	for _, c := range i.format.Components() {
		names = append(names, c.Name)
	}
	if to, changed := t.segmented("component", names, i.component+1, t.room()); changed {
		v.ask(player.Command{Do: player.ShowComponent, Index: to})
	}
}

// toolRow has the base of numbers and the tools.
func (i *inspector) toolRow(v *view) {
	t := v.tk
	base := 0
	if i.hex {
		base = 1
	}
	right := t.room()
	base, _ = t.segmented("base", []string{"Dec", "Hex"}, base, t.px(112))
	i.hex = base == 1
	look := iconLook{size: t.px(30), face: smallIcons}
	imgui.SameLineV(0, max(right-t.px(112)-2*look.size-t.px(4), t.px(4)))
	look.on = !i.grid.off
	if t.iconButtonV("grid", iconGrid, "Grid and values over the enlarged picture", look) {
		i.grid.off = !i.grid.off
	}
	imgui.SameLineV(0, t.px(4))
	look.on = i.tool
	if t.iconButtonV("region", iconFocus, "Drag to select a region (or Shift + drag)", look) {
		i.tool = !i.tool
	}
}

// softColours are the components' colours in the panel.
var softColours = map[string]colour{
	"Y": rgb(0xd8dcda), "U": rgb(0x9dbdff), "V": rgb(0xffa3ad), "A": rgb(0xc8b6e6),
	"R": rgb(0xff9d98), "G": rgb(0x98e2ab), "B": rgb(0x9dbdff), "X": rgb(0xf0d8a8), "Z": rgb(0xa8e2e2),
}

// place is which luma sample is read: the pinned one or the one under the pointer.
func (i *inspector) place(v *view) (x, y int, ok bool) {
	if i.pinned {
		return i.pin[0], i.pin[1], true
	}
	return i.pointed(v.Controls)
}

// readout shows a sample's values.
func (i *inspector) readout(v *view) {
	t := v.tk
	p := v.st.Picture
	cs := i.format.Components()
	x, y, ok := i.place(v)
	var r reading
	if ok {
		r = read(i.format, p, x, y)
		ok = r.n > 0
	}
	t.card("readout", func() {
		i.swatch(v, &r, ok)
		rows := t.rows(t.px(54))
		cell := func(n int, of func(k int) string) []string {
			s := make([]string, n)
			for k := range s {
				s[k] = "–"
				if ok {
					s[k] = of(k)
				}
			}
			return s
		}
		ink := func(names string) func(k int) colour {
			return func(k int) colour { return softColours[names[k:k+1]] }
		}
		names, depth := "", 0
		for _, c := range cs {
			names += c.Name
			depth = max(depth, c.Depth)
		}
		defer tight(t)()
		rows(fmt.Sprintf("%s %d bit", names, depth), t.theme.grey, mono, cell(len(cs), func(k int) string { return codeText(r.values[k], cs[k].Depth, i.hex) }), ink(names))
		if names[0] == 'R' || names[0] == 'X' {
			return
		}
		screen := ink("RGB")
		if ok && r.clipped() {
			screen = func(int) colour { return t.theme.warn }
		}
		rows("RGB 8 bit", t.theme.grey, mono, cell(3, func(k int) string { return codeText(screenCode(r.rgb[k], 8), 8, i.hex) }), screen)
		if depth > 8 {
			rows(fmt.Sprintf("RGB %d bit", depth), t.theme.grey, mono, cell(3, func(k int) string { return codeText(screenCode(r.rgb[k], depth), depth, i.hex) }), screen)
		}
	})
}

// swatch is a field of the sample's colour and, beside it, where it is.
func (i *inspector) swatch(v *view, r *reading, ok bool) {
	t := v.tk
	side := t.px(40)
	p := imgui.CursorScreenPos()
	room := t.room()
	q := vec2{X: p.X + side, Y: p.Y + side}
	d := imgui.WindowDrawList()
	c := alpha(t.theme.text, 0.05)
	if ok && r.coloured {
		c = rgb(uint32(screenCode(r.rgb[0], 8)<<16 | screenCode(r.rgb[1], 8)<<8 | screenCode(r.rgb[2], 8)))
	}
	d.AddRectFilledV(p, q, t.packed(c), t.px(4), imgui.DrawFlagsRoundCornersAll)
	d.AddRectV(p, q, t.packed(alpha(t.theme.text, 0.25)), t.px(4), imgui.DrawFlagsRoundCornersAll, 1)
	left := p.X + side + t.px(10)
	first, second := "Point at the picture", "click to pin"
	switch {
	case ok:
		first = fmt.Sprintf("%d, %d", r.x, r.y)
		second = fmt.Sprintf("frame %d", v.st.Frame)
		if cs := i.format.Components(); len(cs) > 1 && cs[1].ShiftX|cs[1].ShiftY != 0 {
			second = fmt.Sprintf("chroma %d, %d · ", r.chromaX, r.chromaY) + second
		}
	case i.pinned:
		first, second = "–", ""
	}
	face := mono
	if !ok {
		face = body
	}
	t.write(vec2{X: left, Y: p.Y + t.px(1)}, t.elide(first, face, p.X+room-left), face, t.theme.text)
	t.write(vec2{X: left, Y: p.Y + t.px(22)}, t.elide(second, small, p.X+room-left), small, t.theme.grey)
	if i.pinned {
		m := t.measure("pinned", small)
		t.write(vec2{X: p.X + room - m.X, Y: p.Y + t.px(2)}, "pinned", small, t.theme.accent)
	}
	imgui.Dummy(vec2{X: room, Y: side})
}

// regionCard shows what the region's samples are like.
func (i *inspector) regionCard(v *view) {
	t := v.tk
	t.card("region", func() {
		r := i.region
		p, room, h := imgui.CursorScreenPos(), t.room(), t.px(24)
		t.writeIn(p, vec2{X: p.X + room - h, Y: p.Y + h}, 0, t.elide(fmt.Sprintf("%d × %d at %d, %d", r.W, r.H, r.X, r.Y), mono, room-h), mono, t.theme.text)
		imgui.SetCursorScreenPos(vec2{X: p.X + room - h, Y: p.Y})
		if t.iconButtonV("clear region", iconClose, "Clear  Esc", iconLook{size: h, face: smallIcons, dim: true}) {
			i.region = render.Rect{}
		}
		defer tight(t)()
		rows := t.rows(t.px(60))
		grey := func(int) colour { return t.theme.grey }
		rows("", t.theme.grey, small, []string{"min", "max", "mean", "dev."}, grey)
		for k, c := range i.format.Components() {
			values := []string{"–", "–", "–", "–"}
			if k < len(i.scopes.stats) {
				s := i.scopes.stats[k]
				values = []string{codeText(s.Min, c.Depth, i.hex), codeText(s.Max, c.Depth, i.hex), statText(s.Mean), statText(s.StdDev)}
			}
			ink := softColours[c.Name]
			rows(c.Name, ink, mono, values, func(int) colour { return t.theme.text })
		}
	})
}
