package controls

import (
	"math"
	"time"

	"github.com/inkyblackness/imgui-go/v4"
)

// vec2 is a place or a size in pixels of the window.
type vec2 = imgui.Vec2

// label writes s, on a line of its own, in one of the fonts.
func (t *toolkit) label(s string, f face, c colour) {
	t.need(s)
	imgui.PushFont(t.font(t.fonts.has(s, f)))
	imgui.PushStyleColor(imgui.StyleColorText, c)
	imgui.Text(s)
	imgui.PopStyleColor()
	imgui.PopFont()
}

// text writes s as ordinary text, note as secondary text.
func (t *toolkit) text(s string) { t.label(s, body, t.theme.text) }
func (t *toolkit) note(s string) { t.label(s, small, t.theme.grey) }

// wrapped writes s in as many lines as it takes at the width that there is.
func (t *toolkit) wrapped(s string, f face, c colour) {
	imgui.PushTextWrapPos()
	t.label(s, f, c)
	imgui.PopTextWrapPos()
}

// measure is the size of s on one line.
func (t *toolkit) measure(s string, f face) vec2 {
	imgui.PushFont(t.font(t.fonts.has(s, f)))
	defer imgui.PopFont()
	return imgui.CalcTextSize(s, false, 0)
}

// write draws s at p, with nothing to be laid out.
func (t *toolkit) write(p vec2, s string, f face, c colour) {
	if s == "" {
		return
	}
	t.need(s)
	imgui.PushFont(t.font(t.fonts.has(s, f)))
	imgui.WindowDrawList().AddText(p, t.packed(c), s)
	imgui.PopFont()
}

// writeIn draws s in the middle of the height from a to b: at x parts of the width
// that is left, 0 left, 1 right.
func (t *toolkit) writeIn(a, b vec2, x float32, s string, f face, c colour) {
	t.need(s)
	m := t.measure(s, f)
	t.write(vec2{X: round(a.X + (b.X-a.X-m.X)*x), Y: round(a.Y + (b.Y-a.Y-m.Y)/2)}, s, f, c)
}

// rect fills a rectangle with sharp corners.
func (t *toolkit) rect(d imgui.DrawList, a, b vec2, c colour) {
	d.AddRectFilledV(a, b, t.packed(c), 0, imgui.DrawFlagsRoundCornersNone)
}

func round(x float32) float32 { return float32(math.Round(float64(x))) }

// elide cuts what is too wide of s out of its middle, so that a file's name keeps
// its beginning and its end.
func (t *toolkit) elide(s string, f face, width float32) string {
	t.need(s)
	// No letter is narrower than a pixel, and no window wider than this.
	if len(s) > 4*maxSide {
		s = s[:maxSide] + s[len(s)-maxSide:]
	}
	f = t.fonts.has(s, f) // the rest of a text is drawn as all of it would be, or smaller
	if t.measure(s, f).X <= width {
		return s
	}
	r := []rune(s)
	cut := func(n int) string { return string(r[:(n+1)/2]) + "…" + string(r[len(r)-n/2:]) }
	lo, hi := 0, len(r)-1 // lo runes fit, or it cannot be helped
	for lo < hi {
		n := (lo + hi + 1) / 2
		if t.measure(cut(n), f).X <= width {
			lo = n
		} else {
			hi = n - 1
		}
	}
	return cut(lo)
}

// item is a place that can be clicked on.
type item struct {
	a, b                   vec2 // its corners
	clicked, hovered, held bool
}

// hit lays out a place of size that can be clicked on.
func (t *toolkit) hit(id string, size vec2) item {
	var i item
	size = vec2{X: max(size.X, 1), Y: max(size.Y, 1)}
	i.clicked = imgui.InvisibleButton(id, size)
	i.hovered = imgui.IsItemHovered()
	i.held = imgui.IsItemActive()
	i.a, i.b = imgui.ItemRectMin(), imgui.ItemRectMax()
	return i
}

// wash is what lies over something that the pointer is over.
func (t *toolkit) wash(i item) (c colour, ok bool) {
	switch {
	case i.held && i.hovered:
		return t.theme.press, true
	case i.hovered:
		return t.theme.hover, true
	}
	return colour{}, false
}

// strip lays items out from left to right, each in the middle of the line's height.
//
//	s := t.strip(t.px(40))
//	s.next(t.px(34), 0)
//	t.iconButton(...)
//	s.next(t.px(34), t.px(8))
//	t.slider(...)
//	s.right(t.px(34))
//	t.iconButton(...)
//	s.end()
type strip struct {
	t      *toolkit
	at     vec2 // its upper left corner
	height float32
	edge   float32 // its right end
	any    bool
}

func (t *toolkit) strip(height float32) *strip {
	p := imgui.CursorScreenPos()
	return &strip{t: t, at: p, height: height, edge: p.X + t.room()}
}

// next makes the next item, height pixels high, follow the last one at a gap.
func (s *strip) next(height, gap float32) {
	x := s.at.X
	if s.any {
		x = imgui.ItemRectMax().X + gap
	}
	s.place(x, height)
}

// right places the next item, width pixels wide and height high, at the right end.
func (s *strip) right(width, height float32) { s.place(s.edge-width, height) }

// left is how much room there is between the last item and what is width pixels
// wide at the right end.
func (s *strip) left(width float32) float32 {
	if !s.any {
		return s.edge - width - s.at.X
	}
	return s.edge - width - imgui.ItemRectMax().X
}

func (s *strip) place(x, height float32) {
	s.any = true
	imgui.SetCursorScreenPos(vec2{X: round(x), Y: round(s.at.Y + (s.height-height)/2)})
}

// text is an item of text.
func (s *strip) text(text string, f face, c colour, gap float32) {
	s.next(s.t.measure(text, f).Y, gap)
	s.t.label(text, f, c)
}

// end goes on below.
func (s *strip) end() {
	imgui.SetCursorScreenPos(s.at)
	imgui.Dummy(vec2{X: 1, Y: s.height})
}

// iconLook says how an icon button looks. The zero value is an ordinary one.
type iconLook struct {
	size float32 // of the round button, in pixels; 0 is 34 at scale 1
	face face    // icons, smallIcons or bigIcons; the zero value is icons
	on   bool    // in the accent's colour
	dim  bool    // in grey
	fill bool    // on a disc of the accent's colour, as the one that matters most
}

// iconButton is a round button. tip is shown when the pointer rests on it.
func (t *toolkit) iconButton(id string, ic icon, tip string) (clicked bool) {
	return t.iconButtonV(id, ic, tip, iconLook{})
}

// iconButtonV is iconButton with a look.
func (t *toolkit) iconButtonV(id string, ic icon, tip string, l iconLook) (clicked bool) {
	if l.size == 0 {
		l.size = t.px(34)
	}
	if l.face != smallIcons && l.face != bigIcons {
		l.face = icons
	}
	i := t.hit(id, vec2{X: l.size, Y: l.size})
	d := imgui.WindowDrawList()
	middle := vec2{X: (i.a.X + i.b.X) / 2, Y: (i.a.Y + i.b.Y) / 2}
	c := t.theme.text
	switch {
	case l.fill:
		c = t.theme.onAccent
		d.AddCircleFilled(middle, l.size/2, t.packed(t.theme.accent))
	case l.on:
		c = t.theme.accent
	case l.dim && !i.hovered:
		c = t.theme.grey
	}
	if w, ok := t.wash(i); ok {
		d.AddCircleFilled(middle, l.size/2, t.packed(w))
	}
	t.writeIn(i.a, i.b, 0.5, ic.String(), l.face, c)
	if tip != "" && i.hovered && !i.held {
		t.tip(tip)
	}
	return i.clicked
}

// textButton is a button with a word or two; primaryButton the one of a dialogue
// that does what it is for.
func (t *toolkit) textButton(id, s string) (clicked bool) { return t.button(id, s, false) }

func (t *toolkit) primaryButton(id, s string) (clicked bool) { return t.button(id, s, true) }

func (t *toolkit) button(id, s string, primary bool) bool {
	t.need(s)
	m := t.measure(s, body)
	i := t.hit(id, vec2{X: m.X + t.px(26), Y: t.px(30)})
	back, c := t.theme.raised, t.theme.text
	if primary {
		back, c = t.theme.accent, t.theme.onAccent
	}
	d := imgui.WindowDrawList()
	d.AddRectFilledV(i.a, i.b, t.packed(back), t.px(5), imgui.DrawFlagsRoundCornersAll)
	if w, ok := t.wash(i); ok {
		d.AddRectFilledV(i.a, i.b, t.packed(w), t.px(5), imgui.DrawFlagsRoundCornersAll)
	}
	t.writeIn(i.a, i.b, 0.5, s, body, c)
	return i.clicked
}

// toggle is a switch with its meaning on the left and itself at the right edge.
func (t *toolkit) toggle(id, s string, on *bool) (changed bool) {
	w, h := imgui.ContentRegionAvail().X, t.px(28)
	i := t.hit(id, vec2{X: w, Y: h})
	if i.clicked {
		*on = !*on
	}
	sw, sh := t.px(32), t.px(18)
	a := vec2{X: i.b.X - sw, Y: round((i.a.Y + i.b.Y - sh) / 2)}
	b := vec2{X: i.b.X, Y: a.Y + sh}
	track, knob, x := t.theme.press, t.theme.text, a.X+sh/2
	if *on {
		track, knob, x = t.theme.accent, t.theme.onAccent, b.X-sh/2
	}
	d := imgui.WindowDrawList()
	d.AddRectFilledV(a, b, t.packed(track), sh/2, imgui.DrawFlagsRoundCornersAll)
	if i.hovered {
		d.AddRectFilledV(a, b, t.packed(t.theme.hover), sh/2, imgui.DrawFlagsRoundCornersAll)
	}
	d.AddCircleFilled(vec2{X: x, Y: a.Y + sh/2}, sh/2-t.px(3), t.packed(knob))
	t.writeIn(i.a, vec2{X: a.X, Y: i.b.Y}, 0, t.elide(s, body, w-sw-t.px(8)), body, t.theme.text)
	return i.clicked
}

// sliderLook says how a slider looks. The zero value is as wide as there is room.
type sliderLook struct {
	width, height float32 // of the place that can be clicked on, in pixels; a height of 0 is 22 at scale 1
	knob          bool    // always there, not only under the pointer
	colour        *colour // instead of the accent
	from, to      float64 // a span that is marked, such as an A-B loop; none if from >= to
	marks         []float64
	off           bool // there is nothing to slide
}

// slid is what a person does to a slider.
type slid struct {
	value    float64 // 0 to 1; what was given, or where it was pulled to
	changed  bool    // in this frame
	held     bool
	released bool    // in this frame; value is where
	hovered  bool    // at is where, 0 to 1, whether it is held or not
	at       float64 // of the pointer
	x, top   float32 // the pointer's place on the track, and the item's upper edge, for a tooltip
}

// slider is a thin line with a knob; value is 0 to 1.
func (t *toolkit) slider(id string, value float64, l sliderLook) slid {
	if l.width <= 0 {
		l.width = imgui.ContentRegionAvail().X
	}
	if l.height == 0 {
		l.height = t.px(22)
	}
	if !(value >= 0) {
		value = 0
	}
	value = min(value, 1)
	defer t.disable(l.off)()
	i := t.hit(id, vec2{X: l.width, Y: l.height})
	s := slid{value: value, held: i.held, hovered: i.hovered || i.held, released: imgui.IsItemDeactivated(), top: i.a.Y}
	r := t.px(6)
	a, b := i.a.X+r, max(i.b.X-r, i.a.X+r+1)
	if mouse := imgui.MousePos(); s.hovered || s.released {
		s.at = float64(min(max((mouse.X-a)/(b-a), 0), 1))
		s.x = a + float32(s.at)*(b-a)
		if i.held || s.released {
			s.changed = s.at != value
			s.value = s.at
		}
	}

	y := round((i.a.Y + i.b.Y) / 2)
	half := t.px(3) / 2
	if s.hovered && !l.off {
		half = t.px(5) / 2
	}
	at := func(v float64) float32 { return a + float32(min(max(v, 0), 1))*(b-a) }
	d := imgui.WindowDrawList()
	bar := func(x0, x1 float32, c colour) {
		if x1 > x0 {
			d.AddRectFilledV(vec2{X: x0, Y: y - half}, vec2{X: x1, Y: y + half}, t.packed(c), half, imgui.DrawFlagsRoundCornersAll)
		}
	}
	front := t.theme.accent
	if l.colour != nil {
		front = *l.colour
	}
	bar(a, b, alpha(t.theme.text, 0.25))
	if s.hovered && !i.held {
		bar(a, s.x, alpha(t.theme.text, 0.25))
	}
	if l.from < l.to {
		bar(at(l.from), at(l.to), alpha(t.theme.text, 0.5))
	}
	bar(a, at(s.value), front)
	if l.from < l.to {
		for _, v := range []float64{l.from, l.to} {
			t.rect(d, vec2{X: round(at(v)) - t.px(1), Y: y - t.px(6)}, vec2{X: round(at(v)) + t.px(1), Y: y + t.px(6)}, t.theme.text)
		}
	}
	for _, v := range l.marks {
		t.rect(d, vec2{X: round(at(v)) - t.px(1), Y: y - half}, vec2{X: round(at(v)) + t.px(1), Y: y + half}, t.theme.onAccent)
	}
	if !l.off && (l.knob || s.hovered) {
		if i.held {
			d.AddCircleFilled(vec2{X: at(s.value), Y: y}, r+t.px(4), t.packed(alpha(front, 0.25)))
		}
		d.AddCircleFilled(vec2{X: at(s.value), Y: y}, r, t.packed(front))
	}
	return s
}

// panelFlags are what all panels have.
const panelFlags = imgui.WindowFlagsNoTitleBar | imgui.WindowFlagsNoCollapse | imgui.WindowFlagsNoSavedSettings |
	imgui.WindowFlagsNoNav | imgui.WindowFlagsNoFocusOnAppearing

// panel is a window with a title and, unless open is nil, a button that closes it.
// It comes up at pos with size, in pixels, and may be moved and sized from then on,
// unless flags say that it may not. A size of 0 in Y is as high as the body is, up
// to the window's height.
func (t *toolkit) panel(title string, open *bool, pos, size vec2, flags imgui.WindowFlags, inside func()) {
	t.panelV(title, title, open, pos, size, flags, inside)
}

// panelV is panel with a title that may change: id tells it from the others.
func (t *toolkit) panelV(id, title string, open *bool, pos, size vec2, flags imgui.WindowFlags, inside func()) {
	if open != nil && !*open {
		return
	}
	t.need(title)
	high := t.highest()
	imgui.SetNextWindowPosV(t.aside(id, pos, size), imgui.ConditionAppearing, vec2{})
	if inside, moved := t.within(id); moved {
		imgui.SetNextWindowPosV(inside, imgui.ConditionAlways, vec2{})
	}
	if size.Y == 0 {
		flags |= imgui.WindowFlagsAlwaysAutoResize | imgui.WindowFlagsNoResize
		imgui.SetNextWindowSizeConstraints(vec2{X: size.X}, vec2{X: size.X, Y: high})
	} else {
		imgui.SetNextWindowSizeV(size, imgui.ConditionAppearing)
		imgui.SetNextWindowSizeConstraints(vec2{X: t.px(160), Y: t.px(80)}, vec2{X: float32(t.w), Y: high})
	}
	if t.wheelOwned {
		flags |= imgui.WindowFlagsNoScrollWithMouse
	}
	imgui.BeginV(id, nil, panelFlags|flags)
	if imgui.IsWindowAppearing() {
		t.settle = 2
	}
	if t.places == nil {
		t.places = map[string]place{}
	}
	was, now := t.places[id], imgui.WindowPos()
	if imgui.IsWindowAppearing() || imgui.IsMouseDown(0) && now != was.pos {
		was.meant = now
	}
	t.places[id] = place{now, imgui.WindowSize(), was.meant, t.frames}
	t.titleBar(title, open)
	if size.Y == 0 {
		inside()
	} else {
		imgui.BeginChildV("body", vec2{}, false, imgui.WindowFlagsNoNav)
		inside()
		imgui.EndChild()
	}
	imgui.End()
}

// highest is how high a panel can be.
func (t *toolkit) highest() float32 { return float32(t.h) - 2*t.px(8) - t.foot }

// ownWheel keeps the wheel, while the pointer is over the item drawn last, from
// scrolling the panel around it.
func (t *toolkit) ownWheel() {
	t.wheelWanted = t.wheelWanted || imgui.IsItemHovered()
}

// place is where a panel was in a frame.
type place struct {
	pos, size vec2
	meant     vec2 // where a person, or whoever opened it, put it
	frame     uint64
}

// within is where a panel has to go so that all of it is in the window, as far as
// there is room, and back to where it was meant to be when there is room again; moved is false if it is there, or being dragged.
func (t *toolkit) within(title string) (pos vec2, moved bool) {
	p, ok := t.places[title]
	if !ok || p.frame+1 != t.frames || imgui.IsMouseDown(0) {
		return vec2{}, false
	}
	edge := t.px(8)
	pos.X = max(edge, min(p.meant.X, float32(t.w)-edge-p.size.X))
	pos.Y = max(edge, min(p.meant.Y, float32(t.h)-edge-t.foot-p.size.Y))
	return pos, pos != p.pos
}

// aside is where a panel opens that is meant for pos: at the other side of the
// window if it would lie on another panel here and on none there.
func (t *toolkit) aside(title string, pos, size vec2) vec2 {
	size.Y = max(size.Y, t.px(80)) // of a height that is not known yet
	taken := func(at vec2) bool {
		for name, p := range t.places {
			if name != title && p.frame+1 >= t.frames && at.X < p.pos.X+p.size.X && p.pos.X < at.X+size.X &&
				at.Y < p.pos.Y+p.size.Y && p.pos.Y < at.Y+size.Y {
				return true
			}
		}
		return false
	}
	if other := (vec2{X: float32(t.w) - pos.X - size.X, Y: pos.Y}); taken(pos) && !taken(other) {
		return other
	}
	return pos
}

// titleBar is the first line of a panel.
func (t *toolkit) titleBar(title string, open *bool) {
	p, w, h := imgui.CursorScreenPos(), imgui.ContentRegionAvail().X, t.px(26)
	room := w
	if open != nil {
		room -= h + t.px(6)
	}
	t.writeIn(p, vec2{X: p.X + room, Y: p.Y + h}, 0, t.elide(title, strong, room), strong, t.theme.text)
	if open == nil {
		imgui.Dummy(vec2{X: w, Y: h})
		return
	}
	imgui.SetCursorScreenPos(vec2{X: p.X + w - h, Y: p.Y})
	if t.iconButtonV("close", iconClose, "", iconLook{size: h, face: smallIcons, dim: true}) {
		*open = false
	}
}

// section is a small headline over what follows.
func (t *toolkit) section(s string) {
	imgui.Dummy(vec2{Y: t.px(2)})
	t.label(s, small, t.theme.accent)
}

// card is a raised area as wide as there is room and as high as what is inside.
func (t *toolkit) card(id string, inside func()) {
	w, pad := imgui.ContentRegionAvail().X, t.px(10)
	p := imgui.CursorScreenPos()
	imgui.PushID(id)
	// The area is drawn with the height that it had in the last frame: what is
	// drawn later would lie over its contents.
	h, ok := t.heights[id]
	if ok {
		imgui.WindowDrawList().AddRectFilledV(p, vec2{X: p.X + w, Y: p.Y + h}, t.packed(t.theme.raised), t.px(5), imgui.DrawFlagsRoundCornersAll)
	}
	imgui.BeginGroup()
	imgui.Dummy(vec2{X: w, Y: pad - imgui.CurrentStyle().ItemSpacing().Y})
	imgui.IndentV(pad)
	right := t.right
	t.right = p.X + w - pad
	inside()
	t.right = right
	imgui.UnindentV(pad)
	imgui.Dummy(vec2{Y: pad - imgui.CurrentStyle().ItemSpacing().Y})
	imgui.EndGroup()
	now := imgui.ItemRectMax().Y - p.Y
	if now != h {
		if len(t.heights) > 256 { // a few dozen cards are many
			clear(t.heights)
		}
		t.heights[id] = now
		t.settle = max(t.settle, 1)
	}
	imgui.PopID()
}

// room is how wide the line is from the cursor on, in pixels: within a card, up to
// its padding.
func (t *toolkit) room() float32 {
	if t.right > 0 {
		return max(t.right-imgui.CursorScreenPos().X, 1)
	}
	return imgui.ContentRegionAvail().X
}

// keyValue is a line with a name in grey at the left and a value in Go Mono at the
// right edge.
func (t *toolkit) keyValue(name, value string) { t.keyValueV(name, value, t.theme.text) }

// keyValueV is keyValue with the value's colour.
func (t *toolkit) keyValueV(name, value string, c colour) {
	w, h := t.room(), t.px(19)
	p := imgui.CursorScreenPos()
	q := vec2{X: p.X + w, Y: p.Y + h}
	name = t.elide(name, body, w*0.6)
	value = t.elide(value, mono, w-t.measure(name, body).X-t.px(12))
	t.writeIn(p, q, 0, name, body, t.theme.grey)
	t.writeIn(p, q, 1, value, mono, c)
	imgui.Dummy(vec2{X: w, Y: h})
}

// chip is a word on a pill of a colour, 22 pixels high at scale 1.
func (t *toolkit) chip(s string, c colour) {
	t.need(s)
	m := t.measure(s, small)
	w, h := m.X+t.px(16), t.px(22)
	p := imgui.CursorScreenPos()
	q := vec2{X: p.X + w, Y: p.Y + h}
	imgui.WindowDrawList().AddRectFilledV(p, q, t.packed(alpha(c, 0.18)), h/2, imgui.DrawFlagsRoundCornersAll)
	t.writeIn(p, q, 0.5, s, small, c)
	imgui.Dummy(vec2{X: w, Y: h})
}

// segmented is a choice of a few, side by side, as wide as width or, if that is 0,
// as the words are. It returns what is chosen now.
func (t *toolkit) segmented(id string, choices []string, selected int, width float32) (now int, changed bool) {
	n := len(choices)
	if n == 0 {
		return selected, false
	}
	h, each := t.px(30), float32(0)
	for _, c := range choices {
		t.need(c)
		each = max(each, t.measure(c, body).X+t.px(22))
	}
	if width > 0 {
		each = float32(math.Floor(float64(width) / float64(n)))
	}
	each = float32(math.Ceil(float64(each)))
	p := imgui.CursorScreenPos()
	d := imgui.WindowDrawList()
	d.AddRectFilledV(p, vec2{X: p.X + each*float32(n), Y: p.Y + h}, t.packed(t.theme.raised), t.px(5), imgui.DrawFlagsRoundCornersAll)
	imgui.PushID(id)
	imgui.BeginGroup()
	now = selected
	for k, c := range choices {
		imgui.PushIDInt(k)
		imgui.SetCursorScreenPos(vec2{X: p.X + each*float32(k), Y: p.Y})
		i := t.hit("one", vec2{X: each, Y: h})
		imgui.PopID()
		if i.clicked && k != selected {
			now, changed = k, true
		}
		in := t.px(2)
		a, b := vec2{X: i.a.X + in, Y: i.a.Y + in}, vec2{X: i.b.X - in, Y: i.b.Y - in}
		ink := t.theme.grey
		if k == now {
			ink = t.theme.onAccent
			d.AddRectFilledV(a, b, t.packed(t.theme.accent), t.px(4), imgui.DrawFlagsRoundCornersAll)
		} else if w, ok := t.wash(i); ok {
			ink = t.theme.text
			d.AddRectFilledV(a, b, t.packed(w), t.px(4), imgui.DrawFlagsRoundCornersAll)
		}
		t.writeIn(i.a, i.b, 0.5, t.elide(c, body, each-t.px(8)), body, ink)
	}
	imgui.EndGroup()
	imgui.PopID()
	return now, changed
}

// field is a line of text to type in, width pixels wide (0 is all there is). hint
// is shown while it is empty. entered says that Enter was pressed.
func (t *toolkit) field(id, hint string, s *string, width float32) (changed, entered bool) {
	t.need(hint)
	t.need(*s)
	if width <= 0 {
		width = t.room()
	}
	imgui.PushStyleVarVec2(imgui.StyleVarFramePadding, vec2{X: t.px(10), Y: round((t.px(32) - imgui.FontSize()) / 2)})
	imgui.SetNextItemWidth(width)
	before := *s
	entered = imgui.InputTextWithHintV("##"+id, hint, s, imgui.InputTextFlagsEnterReturnsTrue, nil)
	if imgui.IsItemActive() {
		a, b := imgui.ItemRectMin(), imgui.ItemRectMax()
		imgui.WindowDrawList().AddRectV(a, b, t.packed(t.theme.accent), t.px(5), imgui.DrawFlagsRoundCornersAll, 1)
	}
	imgui.PopStyleVar()
	t.need(*s)
	return *s != before, entered
}

// combo is a choice of many, which come up when it is clicked on. It returns what is
// chosen now.
func (t *toolkit) combo(id string, choices []string, selected int, width float32) (now int, changed bool) {
	if width <= 0 {
		width = t.room()
	}
	i := t.hit(id, vec2{X: width, Y: t.px(32)})
	d := imgui.WindowDrawList()
	d.AddRectFilledV(i.a, i.b, t.packed(t.theme.raised), t.px(5), imgui.DrawFlagsRoundCornersAll)
	if w, ok := t.wash(i); ok {
		d.AddRectFilledV(i.a, i.b, t.packed(w), t.px(5), imgui.DrawFlagsRoundCornersAll)
	}
	if selected >= 0 && selected < len(choices) {
		in := vec2{X: i.a.X + t.px(10), Y: i.a.Y}
		t.writeIn(in, i.b, 0, t.elide(choices[selected], body, width-t.px(42)), body, t.theme.text)
	}
	t.writeIn(vec2{X: i.b.X - t.px(30), Y: i.a.Y}, i.b, 0.5, iconChevronDown.String(), smallIcons, t.theme.grey)
	name := id + "/choices"
	if i.clicked {
		imgui.OpenPopup(name)
	}
	now = selected
	rowHigh := t.px(30)
	imgui.SetNextWindowPosV(vec2{X: i.a.X, Y: i.b.Y + t.px(4)}, imgui.ConditionAlways, vec2{})
	high := min(float32(len(choices))*rowHigh+2*t.px(6), t.px(300))
	if below := float32(t.h) - i.b.Y - t.px(12); high > below && i.a.Y > below {
		high = min(high, i.a.Y-t.px(8))
		imgui.SetNextWindowPosV(vec2{X: i.a.X, Y: i.a.Y - t.px(4) - high}, imgui.ConditionAlways, vec2{})
	}
	imgui.SetNextWindowSizeV(vec2{X: width, Y: high}, imgui.ConditionAlways)
	t.popupV(name, vec2{X: t.px(6), Y: t.px(6)}, 0, func() {
		imgui.PushStyleVarVec2(imgui.StyleVarItemSpacing, vec2{})
		for k, c := range choices {
			imgui.PushIDInt(k)
			if imgui.IsWindowAppearing() && k == selected {
				imgui.SetScrollHereY(0.5)
			}
			if t.listRow("choice", rowLook{title: c, selected: k == selected, height: rowHigh}).clicked {
				now, changed = k, k != selected
				imgui.CloseCurrentPopup()
			}
			imgui.PopID()
		}
		imgui.PopStyleVar()
	})
	return now, changed
}

// popup draws inside in a window that imgui.OpenPopup(id) opened, and that a click
// elsewhere or Escape closes.
func (t *toolkit) popup(id string, inside func()) {
	t.popupV(id, vec2{X: t.px(8), Y: t.px(8)}, 0, inside)
}

// popupV is popup with padding and more flags.
func (t *toolkit) popupV(id string, padding vec2, flags imgui.WindowFlags, inside func()) {
	imgui.PushStyleVarVec2(imgui.StyleVarWindowPadding, padding)
	open := imgui.BeginPopupV(id, flags|imgui.WindowFlagsNoNav|imgui.WindowFlagsNoMove)
	imgui.PopStyleVar()
	if !open {
		return
	}
	if imgui.IsWindowAppearing() {
		t.settle = 2
	}
	inside()
	if imgui.IsKeyPressed(imgui.KeyEscape) {
		imgui.CloseCurrentPopup()
	}
	imgui.EndPopup()
}

// menuItem is a line of a popup that something is done with: an icon or 0, what,
// and the key that does it, too. It closes the popup.
func (t *toolkit) menuItem(id string, ic icon, s, key string, on bool) (clicked bool) {
	if t.listRow(id, rowLook{icon: ic, title: s, right: key, on: on, height: t.px(32)}).clicked {
		imgui.CloseCurrentPopup()
		return true
	}
	return false
}

// rowLook says how a row of a list looks.
type rowLook struct {
	icon     icon // 0 is none
	title    string
	detail   string // below the title, in grey
	right    string // at the right edge, in Go Mono and grey
	selected bool   // on a raised background
	on       bool   // in the accent's colour
	width    float32
	height   float32 // 0 is 32 at scale 1, or 48 with detail
}

// rowHit is what a person does to a row.
type rowHit struct {
	item
	double bool // clicked a second time
}

// listRow is a row of a list, as wide as there is room or as l says.
func (t *toolkit) listRow(id string, l rowLook) rowHit {
	if l.width <= 0 {
		l.width = t.room()
		// In a window that fits its contents there is no room before it has any.
		need := t.px(24) + t.measure(l.title, body).X
		if l.icon != 0 {
			need += t.px(28)
		}
		if l.right != "" {
			need += t.measure(l.right, mono).X + t.px(24)
		}
		if imgui.IsWindowAppearing() {
			l.width = max(l.width, need)
		}
	}
	if l.height == 0 {
		l.height = t.px(32)
		if l.detail != "" {
			l.height = t.px(48)
		}
	}
	r := rowHit{item: t.hit(id, vec2{X: l.width, Y: l.height})}
	r.double = r.hovered && imgui.IsMouseDoubleClicked(0)
	if !imgui.IsItemVisible() {
		return r
	}
	d := imgui.WindowDrawList()
	if l.selected {
		d.AddRectFilledV(r.a, r.b, t.packed(t.theme.hover), t.px(5), imgui.DrawFlagsRoundCornersAll)
	}
	if w, ok := t.wash(r.item); ok {
		d.AddRectFilledV(r.a, r.b, t.packed(w), t.px(5), imgui.DrawFlagsRoundCornersAll)
	}
	ink, side := t.theme.text, t.theme.grey
	if l.on {
		ink, side = t.theme.accent, t.theme.accent
	}
	a, b := vec2{X: r.a.X + t.px(8), Y: r.a.Y}, vec2{X: r.b.X - t.px(10), Y: r.b.Y}
	if l.icon != 0 {
		t.writeIn(a, vec2{X: a.X + t.px(22), Y: b.Y}, 0.5, l.icon.String(), icons, side)
		a.X += t.px(30)
	}
	if l.right != "" {
		t.writeIn(a, b, 1, l.right, mono, t.theme.grey)
		b.X -= t.measure(l.right, mono).X + t.px(12)
	}
	if l.detail == "" {
		t.writeIn(a, b, 0, t.elide(l.title, body, b.X-a.X), body, ink)
		return r
	}
	middle := round((a.Y + b.Y) / 2)
	t.write(vec2{X: a.X, Y: middle - t.px(18)}, t.elide(l.title, body, b.X-a.X), body, ink)
	t.write(vec2{X: a.X, Y: middle + t.px(1)}, t.elide(l.detail, small, b.X-a.X), small, t.theme.grey)
	return r
}

// progress is a bar that is filled to a fraction.
func (t *toolkit) progress(fraction float64, width float32) {
	if width <= 0 {
		width = t.room()
	}
	if !(fraction > 0) {
		fraction = 0
	}
	h := t.px(4)
	p := imgui.CursorScreenPos()
	d := imgui.WindowDrawList()
	d.AddRectFilledV(p, vec2{X: p.X + width, Y: p.Y + h}, t.packed(t.theme.press), h/2, imgui.DrawFlagsRoundCornersAll)
	if w := float32(min(fraction, 1)) * width; w >= 1 {
		d.AddRectFilledV(p, vec2{X: p.X + w, Y: p.Y + h}, t.packed(t.theme.accent), h/2, imgui.DrawFlagsRoundCornersAll)
	}
	imgui.Dummy(vec2{X: width, Y: h})
}

// separator is a thin line with room above and below.
func (t *toolkit) separator() {
	p, w := imgui.CursorScreenPos(), t.room()
	y := p.Y + t.px(3)
	t.rect(imgui.WindowDrawList(), vec2{X: p.X, Y: y}, vec2{X: p.X + w, Y: y + 1}, t.theme.line)
	imgui.Dummy(vec2{X: w, Y: t.px(7)})
}

// restFor is how long the pointer rests on something before it is explained.
const restFor = 400 * time.Millisecond

// tip explains the item laid out last, once the pointer has rested on it.
func (t *toolkit) tip(s string) {
	p := imgui.ItemRectMin()
	if t.tipAt != p || t.tipFrame+1 < t.frames {
		t.tipSince = t.last
	}
	t.tipAt, t.tipFrame = p, t.frames
	if wait := restFor - (t.last - t.tipSince); wait > 0 {
		t.later(wait)
		return
	}
	q := imgui.ItemRectMax()
	x := (p.X + q.X) / 2
	if p.Y > float32(t.h)/2 {
		t.tooltipAt(vec2{X: x, Y: p.Y - t.px(6)}, 1, func() { t.label(s, small, t.theme.text) })
	} else {
		t.tooltipAt(vec2{X: x, Y: q.Y + t.px(6)}, 0, func() { t.label(s, small, t.theme.text) })
	}
}

// tooltipAt draws inside in a small window over all others, that the pointer goes
// through. p is the middle of its upper edge, if down is 0, or of its lower edge,
// if it is 1. It is moved to lie within the window.
func (t *toolkit) tooltipAt(p vec2, down float32, inside func()) {
	// Its size is known from the last frame.
	key := "tooltip"
	half := t.tipSize.X / 2
	x := min(max(p.X-half, t.px(4)), max(float32(t.w)-t.tipSize.X-t.px(4), 0))
	y := min(max(p.Y-down*t.tipSize.Y, 0), max(float32(t.h)-t.tipSize.Y, 0))
	imgui.SetNextWindowPosV(vec2{X: round(x), Y: round(y)}, imgui.ConditionAlways, vec2{})
	imgui.PushStyleVarVec2(imgui.StyleVarWindowPadding, vec2{X: t.px(9), Y: t.px(5)})
	imgui.PushStyleVarFloat(imgui.StyleVarWindowRounding, t.px(5))
	imgui.PushStyleVarFloat(imgui.StyleVarPopupRounding, t.px(5))
	imgui.BeginTooltip()
	imgui.PopStyleVarV(3)
	imgui.PushID(key)
	inside()
	imgui.PopID()
	size := imgui.WindowSize()
	if size != t.tipSize {
		t.tipSize = size
		t.settle = max(t.settle, 2)
	}
	a := imgui.WindowPos()
	t.ghosts = append(t.ghosts, box{pixel(a.X) - 2, pixel(a.Y) - 2, pixel(a.X+size.X) + 2, pixel(a.Y+size.Y) + 2})
	imgui.EndTooltip()
}

// fade makes what follows, until its result is called, a times as opaque.
func (t *toolkit) fade(a float32) (end func()) {
	imgui.PushStyleVarFloat(imgui.StyleVarAlpha, min(max(a, 0), 1)*imgui.CurrentStyle().Alpha())
	return imgui.PopStyleVar
}

// disable makes what follows, until its result is called, faint and dead, if off.
func (t *toolkit) disable(off bool) (end func()) {
	if !off {
		return func() {}
	}
	imgui.PushItemFlag(imgui.ItemFlagsDisabled, true)
	undim := t.fade(0.4)
	return func() {
		undim()
		imgui.PopItemFlag()
	}
}

// series is a line of a plot.
type series struct {
	values []float64 // evenly spaced from left to right; what is no number leaves a gap
	colour colour
}

// axis is a plot's upright one.
type axis struct {
	min, max float64
	label    func(v float64) string // of the lines' values; nil for none
	lines    int                    // between the top one and the bottom one
}

// plot draws lines in a field of size pixels; a width of 0 is all there is.
func (t *toolkit) plot(size vec2, ax axis, lines ...series) {
	if size.X <= 0 {
		size.X = t.room()
	}
	p := imgui.CursorScreenPos()
	imgui.Dummy(size)
	d := imgui.WindowDrawList()
	q := vec2{X: p.X + size.X, Y: p.Y + size.Y}
	left := p.X
	n := max(ax.lines, 0) + 1
	high := t.measure("0", small).Y
	top, bottom := p.Y+round(high/2), q.Y-round(high/2)
	if ax.label == nil {
		top, bottom = p.Y, q.Y
	}
	if !(ax.max > ax.min) {
		ax.max = ax.min + 1
	}
	if ax.label != nil {
		for i := range n + 1 {
			left = max(left, p.X+t.measure(ax.label(ax.max+(ax.min-ax.max)*float64(i)/float64(n)), small).X+t.px(6))
		}
	}
	for i := range n + 1 {
		y := round(top + (bottom-top)*float32(i)/float32(n))
		t.rect(d, vec2{X: left, Y: y}, vec2{X: q.X, Y: y + 1}, t.theme.line)
		if ax.label != nil {
			s := ax.label(ax.max + (ax.min-ax.max)*float64(i)/float64(n))
			t.writeIn(vec2{X: p.X, Y: y - high}, vec2{X: left - t.px(6), Y: y + high}, 1, s, small, t.theme.grey)
		}
	}
	d.PushClipRectV(vec2{X: left, Y: p.Y}, q, true)
	for _, s := range lines {
		t.curve(d, vec2{X: left, Y: top}, vec2{X: q.X, Y: bottom}, ax, s)
	}
	d.PopClipRect()
}

// curve draws a series between two corners. No more than two points are drawn for
// a pixel's width: the lowest and the highest value there.
func (t *toolkit) curve(d imgui.DrawList, a, b vec2, ax axis, s series) {
	n := len(s.values)
	if n < 2 || b.X <= a.X {
		return
	}
	c, wide := t.packed(s.colour), float32(1.5*t.scale)
	at := func(i int, v float64) vec2 {
		// Well outside of the clip rectangle is as good as far away.
		f := min(max((v-ax.min)/(ax.max-ax.min), -1), 2)
		return vec2{X: a.X + (b.X-a.X)*float32(i)/float32(n-1), Y: b.Y - (b.Y-a.Y)*float32(f)}
	}
	step := max(1, 2*n/int(b.X-a.X+1))
	var last vec2
	drawn := false
	to := func(p vec2) {
		if drawn {
			d.AddLineV(last, p, c, wide)
		}
		last, drawn = p, true
	}
	for i := 0; i < n; i += step {
		lo, hi := -1, -1
		for k := i; k < min(i+step, n); k++ {
			v := s.values[k]
			if math.IsNaN(v) {
				continue
			}
			if lo < 0 || v < s.values[lo] {
				lo = k
			}
			if hi < 0 || v > s.values[hi] {
				hi = k
			}
		}
		switch {
		case lo < 0:
			drawn = false
		case lo == hi:
			to(at(lo, s.values[lo]))
		default:
			to(at(min(lo, hi), s.values[min(lo, hi)]))
			to(at(max(lo, hi), s.values[max(lo, hi)]))
		}
	}
}
