package controls

import (
	"strings"

	"github.com/inkyblackness/imgui-go/v4"
)

// helpPanel lists the keys.
type helpPanel struct{}

// helpGroup is keys that belong together.
type helpGroup struct {
	name string
	keys []helpKey
}

// helpKey is what one or more keys do.
type helpKey struct {
	keys []string // as render.Event names them, or what the mouse does
	what string
	as   string // is shown instead of the keys
}

// helpGroups are all keys. A test compares them with those that do something.
var helpGroups = []helpGroup{
	{"Playback", []helpKey{
		{keys: []string{"space"}, what: "pause, go on"},
		{keys: []string{",", "."}, what: "a frame back, on"},
		{keys: []string{"left", "right"}, what: "5 seconds back, on"},
		{keys: []string{"down", "up"}, what: "a minute back, on"},
		{keys: []string{"home", "end"}, what: "to the start, the end"},
		{keys: []string{"g", "#"}, what: "go to a time or frame"},
		{keys: []string{"[", "]"}, what: "slower, faster"},
		{keys: []string{"backspace"}, what: "usual speed"},
		{keys: []string{"l"}, what: "loop: A, B, off"},
		{keys: []string{"L"}, what: "loop all"},
	}},
	{"Open", []helpKey{
		{keys: []string{"o", "ctrl+o"}, what: "open files"},
		{keys: []string{"u", "ctrl+l"}, what: "open an address"},
		{keys: []string{"p"}, what: "playlist"},
		{keys: []string{"<", ">"}, what: "previous, next"},
	}},
	{"Picture", []helpKey{
		{keys: []string{"+", "-"}, what: "larger, smaller"},
		{keys: []string{"="}, what: "all of it"},
		{keys: []string{"ctrl+wheel"}, what: "zoom at the pointer"},
		{keys: []string{"drag"}, what: "move the picture"},
		{keys: []string{"1", "2", "3"}, what: "only Y U V, or R G B"},
		{keys: []string{"4"}, what: "all planes"},
		{keys: []string{"f", "doubleclick"}, what: "full screen"},
		{keys: []string{"s"}, what: "snapshot"},
	}},
	{"Sound", []helpKey{
		{keys: []string{"9", "0"}, what: "softer, louder"},
		{keys: []string{"wheeldown", "wheelup"}, what: "softer, louder", as: "Wheel"},
		{keys: []string{"m"}, what: "mute"},
		{keys: []string{"a"}, what: "next sound track"},
		{keys: []string{"w"}, what: "channels, waveform"},
	}},
	{"Panels", []helpKey{
		{keys: []string{"i"}, what: "statistics"},
		{keys: []string{"I"}, what: "pixel inspector"},
		{keys: []string{"n"}, what: "network"},
		{keys: []string{"r"}, what: "raw format"},
		{keys: []string{"?", "f1"}, what: "this help"},
	}},
	{"Program", []helpKey{
		{keys: []string{"f10", "rightclick"}, what: "menu"},
		{keys: []string{"escape"}, what: "close, leave full screen"},
		{keys: []string{"q"}, what: "quit"},
	}},
}

// keyLabels are keys that are not shown as render.Event names them.
var keyLabels = map[string]string{
	"escape": "Esc", "ctrl+wheel": "Ctrl+Wheel", "doubleclick": "Double click", "rightclick": "Right click",
}

// keyIcons are keys that are drawn: Go Mono has no arrows.
var keyIcons = map[string]icon{"left": iconChevronLeft, "right": iconChevronRight, "up": iconChevronUp, "down": iconChevronDown}

// keyLabel is a key as a person reads it.
func keyLabel(key string) string {
	if s, ok := keyLabels[key]; ok {
		return s
	}
	if len(key) <= 1 {
		return key
	}
	first, last, both := strings.Cut(key, "+")
	first = strings.ToUpper(first[:1]) + first[1:]
	if !both {
		return first
	}
	if len(last) == 1 {
		return first + "+" + strings.ToUpper(last)
	}
	return first + "+" + last
}

// helpColumns spreads groups over n columns, in their order, so that the highest is
// as low as can be: first[i] is the first group of column i, and first[n] is behind
// the last one. heights are the groups'.
func helpColumns(heights []float32, n int) (first []int) {
	limit, sum := float32(0), float32(0)
	for _, h := range heights {
		limit = max(limit, h)
		sum += h
	}
	fill := func(limit float32) []int {
		first, at := []int{0}, float32(0)
		for i, h := range heights {
			if at > 0 && at+h > limit {
				first, at = append(first, i), 0
			}
			at += h
		}
		return append(first, len(heights))
	}
	// The best limit is that of some row of groups; there are few of them.
	best := fill(sum)
	for i := range heights {
		row := float32(0)
		for _, h := range heights[i:] {
			if row += h; row >= limit && row < sum {
				if f := fill(row); len(f) <= n+1 {
					sum, best = row, f
				}
			}
		}
	}
	for len(best) < n+1 {
		best = append(best, len(heights))
	}
	return best
}

// build draws the panel.
func (h *helpPanel) build(v *view) {
	t := v.tk
	w, high := float32(t.w), float32(t.h)
	margin, pad := t.px(8), t.px(14)
	row, head, gap := t.px(27), t.px(26), t.px(10)
	heights := make([]float32, len(helpGroups))
	for i, g := range helpGroups {
		heights[i] = head + row*float32(len(g.keys)) + gap
	}
	size := vec2{X: min(t.px(3*316)+2*pad, w-2*margin)}
	n := min(max(int((size.X-2*pad)/t.px(290)), 1), 3)
	if n == 1 {
		size.X = min(size.X, t.px(380))
	}
	first := helpColumns(heights, n)
	for col := range n {
		at := float32(0)
		for _, h := range heights[first[col]:first[col+1]] {
			at += h
		}
		size.Y = max(size.Y, at)
	}
	lowest := size.Y - gap
	size.Y = min(lowest+t.px(66), high-2*margin)
	pos := vec2{X: round((w - size.X) / 2), Y: round(max(margin, (high-size.Y)/2.4))}
	t.panel("Keys", &v.panels.help, pos, size, 0, func() {
		at, room := imgui.CursorScreenPos(), imgui.ContentRegionAvail().X
		wide := float32(int(room / float32(n)))
		for col := range n {
			groups := helpGroups[first[col]:first[col+1]]
			p := vec2{X: at.X + wide*float32(col), Y: at.Y}
			right, indent := p.X+wide-t.px(10), float32(0)
			for _, g := range groups {
				for _, k := range g.keys {
					indent = max(indent, h.caps(t, k, p, row, false))
				}
			}
			if n == 1 {
				indent = min(indent, t.px(92)) // the words of the widest follow them
			}
			for _, g := range groups {
				t.write(vec2{X: p.X, Y: p.Y + t.px(3)}, g.name, small, t.theme.accent)
				p.Y += head
				for _, k := range g.keys {
					x := p.X + max(indent, h.caps(t, k, p, row, true)) + t.px(8)
					t.writeIn(vec2{X: x, Y: p.Y}, vec2{X: right, Y: p.Y + row}, 0, t.elide(k.what, body, right-x), body, t.theme.text)
					p.Y += row
				}
				p.Y += gap
			}
		}
		imgui.Dummy(vec2{X: 1, Y: lowest})
	})
}

// caps draws keys as caps in a row of a height, if it is to, and returns how wide
// they are.
func (h *helpPanel) caps(t *toolkit, k helpKey, at vec2, high float32, draw bool) (width float32) {
	keys := k.keys
	if k.as != "" {
		keys = []string{k.as}
	}
	d := imgui.WindowDrawList()
	top, bottom := at.Y+t.px(2), at.Y+high-t.px(2)
	for _, key := range keys {
		s, f := keyLabel(key), mono
		if ic, ok := keyIcons[key]; ok {
			s, f = ic.String(), smallIcons
		}
		w := max(t.measure(s, f).X+t.px(12), bottom-top)
		if draw {
			p, q := vec2{X: at.X + width, Y: top}, vec2{X: at.X + width + w, Y: bottom}
			d.AddRectFilledV(p, q, t.packed(t.theme.press), t.px(4), imgui.DrawFlagsRoundCornersAll)
			t.writeIn(p, q, 0.5, s, f, t.theme.text)
		}
		width += w + t.px(4)
	}
	return width
}
