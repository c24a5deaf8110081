package controls

import (
	"fmt"
	"slices"
	"strings"

	"github.com/inkyblackness/imgui-go/v4"
)

// dropdown is a button that opens a list below it, or above. wide and high are the
// list's size, as far as the window has room for it.
func (t *toolkit) dropdown(id, caption string, width, wide, high float32, inside func()) {
	i := t.hit(id, vec2{X: width, Y: t.px(32)})
	d := imgui.WindowDrawList()
	d.AddRectFilledV(i.a, i.b, t.packed(t.theme.raised), t.px(5), imgui.DrawFlagsRoundCornersAll)
	if w, ok := t.wash(i); ok {
		d.AddRectFilledV(i.a, i.b, t.packed(w), t.px(5), imgui.DrawFlagsRoundCornersAll)
	}
	chevron := min(t.px(30), width)
	if caption != "" {
		t.writeIn(vec2{X: i.a.X + t.px(10), Y: i.a.Y}, i.b, 0, t.elide(caption, body, max(width-t.px(12)-chevron, 1)), body, t.theme.text)
	}
	t.writeIn(vec2{X: i.b.X - chevron, Y: i.a.Y}, i.b, 0.5, iconChevronDown.String(), smallIcons, t.theme.grey)
	name := id + "/list"
	if i.clicked {
		imgui.OpenPopup(name)
	}
	wide = min(wide, float32(t.w)-2*t.px(4))
	x := min(i.a.X, float32(t.w)-t.px(4)-wide)
	y := i.b.Y + t.px(4)
	below, above := float32(t.h)-y-t.px(8), i.a.Y-t.px(12)
	if high > below && above > below {
		high = min(high, above)
		y = i.a.Y - t.px(4) - high
	} else {
		high = min(high, below)
	}
	imgui.SetNextWindowPosV(vec2{X: x, Y: y}, imgui.ConditionAlways, vec2{})
	imgui.SetNextWindowSizeV(vec2{X: wide, Y: high}, imgui.ConditionAlways)
	t.popupV(name, vec2{X: t.px(6), Y: t.px(6)}, 0, inside)
}

// usual is a narrow button that opens a list of the usual values of what is beside
// it, of which current is one or is not.
func (t *toolkit) usual(id string, values []string, current string, width float32) (now string, changed bool) {
	row := t.px(28)
	t.dropdown(id, "", width, t.px(110), float32(len(values))*row+2*t.px(6), func() {
		imgui.PushStyleVarVec2(imgui.StyleVarItemSpacing, vec2{})
		for _, s := range values {
			if t.listRow(s, rowLook{title: s, selected: s == current, height: row}).clicked {
				now, changed = s, true
				imgui.CloseCurrentPopup()
			}
		}
		imgui.PopStyleVar()
	})
	return now, changed
}

// picker chooses one of many names, among those that have what is typed in them.
type picker struct {
	filter  string
	closing bool // one has been chosen
}

// maxListed bounds the names that are listed; FFmpeg has some 200 pixel formats.
const maxListed = 512

func (p *picker) build(t *toolkit, id string, names []string, current string, width float32) (now string, changed bool) {
	t.dropdown(id, current, width, t.px(230), t.px(320), func() {
		if imgui.IsWindowAppearing() {
			p.filter = ""
			imgui.SetKeyboardFocusHere()
		}
		_, entered := t.field("filter", "Search", &p.filter, 0)
		imgui.BeginChildV("list", vec2{}, false, imgui.WindowFlagsNoNav)
		imgui.PushStyleVarVec2(imgui.StyleVarItemSpacing, vec2{})
		found := namesMatching(names, p.filter)
		for k, name := range found[:min(len(found), maxListed)] {
			imgui.PushIDInt(k)
			clicked := t.listRow("name", rowLook{title: name, selected: name == current, height: t.px(28)}).clicked
			imgui.PopID()
			if clicked || entered && k == 0 {
				now, changed = name, true
				p.closing = true
			}
		}
		if len(found) == 0 {
			t.note("There is none.")
		}
		imgui.PopStyleVar()
		imgui.EndChild()
		if p.closing {
			p.closing = false
			imgui.CloseCurrentPopup()
		}
	})
	return now, changed
}

// namesMatching are the names that contain all words of filter.
func namesMatching(names []string, filter string) []string {
	words := strings.Fields(strings.ToLower(filter))
	if len(words) == 0 {
		return names
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		name = strings.ToLower(name)
		return slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(name, w) })
	})
}

// stepper is a field of a number from 1 to most, with buttons at its right. The arrow
// keys and the wheel change it, too: by small, or by large with Shift.
type stepper struct {
	small, large, most int
	wheel              int // steps that the field, while it is typed in, is to take
}

// step is how far one step goes.
func (n *stepper) step() int {
	if imgui.CurrentIO().KeyShiftPressed() {
		return n.large
	}
	return n.small
}

// tip explains a button.
func (n *stepper) tip(what, key string) string {
	if n.large == n.small {
		return fmt.Sprintf("%d %s  %s", n.small, what, key)
	}
	return fmt.Sprintf("%d %s, Shift %d  %s", n.small, what, n.large, key)
}

// build draws the field. A step is done with; what was typed is only once Enter was
// pressed.
func (n *stepper) build(t *toolkit, id string, s *string, width float32) (stepped, typed, entered bool) {
	button := t.px(26)
	p := imgui.CursorScreenPos()
	before := *s
	imgui.PushStyleVarVec2(imgui.StyleVarFramePadding, vec2{X: t.px(10), Y: round((t.px(32) - imgui.FontSize()) / 2)})
	imgui.SetNextItemWidth(width - 2*button - t.px(4))
	entered = imgui.InputTextWithHintV("##"+id, "", s,
		imgui.InputTextFlagsEnterReturnsTrue|imgui.InputTextFlagsCallbackHistory|imgui.InputTextFlagsCallbackAlways,
		func(data imgui.InputTextCallbackData) int32 {
			by := 0
			switch {
			case data.EventFlag() == imgui.InputTextFlagsCallbackHistory && data.EventKey() == imgui.KeyUpArrow:
				by = n.step()
			case data.EventFlag() == imgui.InputTextFlagsCallbackHistory && data.EventKey() == imgui.KeyDownArrow:
				by = -n.step()
			case data.EventFlag() == imgui.InputTextFlagsCallbackAlways:
				by, n.wheel = n.wheel, 0
			}
			if by == 0 {
				return 0
			}
			text := []byte(moved(string(data.Buffer()), by, n.most))
			data.DeleteBytes(0, len(data.Buffer()))
			data.InsertBytes(0, text)
			stepped = true
			return 0
		})
	active := imgui.IsItemActive()
	if active {
		imgui.WindowDrawList().AddRectV(imgui.ItemRectMin(), imgui.ItemRectMax(), t.packed(t.theme.accent), t.px(5), imgui.DrawFlagsRoundCornersAll, 1)
	}
	t.ownWheel()
	if _, w := imgui.CurrentIO().MouseWheel(); imgui.IsItemHovered() && w != 0 {
		by := n.step()
		if w < 0 {
			by = -by
		}
		if active { // the field has its own text for now
			n.wheel += by
			t.settle = max(t.settle, 1)
		} else {
			*s, stepped = moved(*s, by, n.most), true
		}
	}
	imgui.PopStyleVar()
	look := iconLook{size: button, face: smallIcons, dim: true}
	for i, b := range []struct {
		ic   icon
		tip  string
		sign int
	}{{iconChevronLeft, n.tip("less", "Down"), -1}, {iconChevronRight, n.tip("more", "Up"), 1}} {
		x := p.X + width - button*float32(2-i)
		imgui.SetCursorScreenPos(vec2{X: x, Y: p.Y + round((t.px(32)-button)/2)})
		if t.iconButtonV(fmt.Sprint(id, i), b.ic, b.tip, look) {
			*s, stepped = moved(*s, b.sign*n.step(), n.most), true
		}
	}
	return stepped, *s != before, entered
}
