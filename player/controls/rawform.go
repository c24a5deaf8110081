package controls

import (
	"fmt"
	"strings"
	"time"

	"github.com/inkyblackness/imgui-go/v4"
)

// rawForm is what the two pages of the panel for headerless files have in common:
// fields that are applied once nobody types any more, what is wrong with them, and a
// list of what the file may be. C is one of those.
type rawForm[C any] struct {
	guesses guesses[C]

	name    string        // of the source that the fields are of
	due     time.Duration // when what was typed is to be applied; 0 if nothing was
	problem string        // why it cannot be
	wish    bool          // the best guess is to be taken, once there is one
	formats picker
}

// typingPause is how long nothing is typed before it is applied.
const typingPause = 400 * time.Millisecond

// attend makes the form one of a source. It reports whether it was another's.
func (f *rawForm[C]) attend(name string) (other bool) {
	if name == f.name {
		return false
	}
	f.name, f.problem = name, ""
	f.rest()
	return true
}

// rest forgets what is still to be done.
func (f *rawForm[C]) rest() { f.due, f.wish = 0, false }

// now has the fields applied in this frame.
func (f *rawForm[C]) now(v *view) { f.due = max(v.m.Now, 1) }

// typed notes that something was typed, which is applied after a pause, or at once if
// Enter was pressed.
func (f *rawForm[C]) typed(v *view, changed, entered bool) {
	switch {
	case entered:
		f.now(v)
	case changed:
		f.due = v.m.Now + typingPause
	}
}

// ripe reports whether the fields are to be applied now.
func (f *rawForm[C]) ripe(v *view) bool {
	if f.due == 0 {
		return false
	}
	if v.m.Now < f.due {
		v.again(f.due-v.m.Now, v.m.Now)
		return false
	}
	return true
}

// input is a field whose text is applied.
func (f *rawForm[C]) input(v *view, id, hint string, s *string, width float32) {
	changed, entered := v.tk.field(id, hint, s, width)
	f.typed(v, changed, entered)
}

// steps is a number that is applied, with buttons.
func (f *rawForm[C]) steps(v *view, id string, n *stepper, s *string, width float32) {
	stepped, changed, entered := n.build(v.tk, id, s, width)
	f.typed(v, changed, entered || stepped)
}

// orUsual is a field whose text is applied, with a list of the usual ones at its
// right.
func (f *rawForm[C]) orUsual(v *view, id, hint string, s *string, usual []string, width float32) {
	t := v.tk
	gap, pick := t.px(4), t.px(34)
	t.sideBySide(gap, []float32{width - pick - gap, pick}, func(k int, w float32) {
		if k == 0 {
			f.input(v, id, hint, s, w)
		} else if to, changed := t.usual(id+"s", usual, *s, w); changed {
			*s = to
			f.now(v)
		}
	})
}

// trouble tells what is wrong with what was said.
func (f *rawForm[C]) trouble(t *toolkit) {
	if f.problem != "" {
		t.wrapped(f.problem, small, t.theme.bad)
	}
}

// offer is a button that wishes a file with a header to be taken for the best guess,
// which is returned once it is known.
func (f *rawForm[C]) offer(v *view, caption string, rank ranking[C]) (best C, ok bool) {
	t := v.tk
	list, err, done := f.guesses.answer(f.name)
	switch {
	case f.wish && !done:
		t.note("Looking at the file …")
	case f.wish && err != nil:
		f.wish, f.problem = false, err.Error()
	case f.wish && len(list) == 0:
		f.wish, f.problem = false, "nothing is known that it could be"
	case f.wish:
		f.wish = false
		return list[0], true
	case t.textButton(caption, caption):
		f.wish, f.problem = true, ""
		f.guesses.ask(f.name, rank, v.o.Wake)
		v.again(0, v.m.Now)
	}
	return best, false
}

// candidate is one thing that a file may be, as it is shown.
type candidate struct {
	title   string
	extent  string // of the file, if it is that
	rest    int64  // bytes that are left over
	score   float64
	reasons []string
	on      bool // it is taken for that
}

// candidates lists what the file may be, the likeliest first, as show says it. It
// returns the one that is clicked on.
func (f *rawForm[C]) candidates(t *toolkit, show func(c C) candidate) (chosen C, clicked bool) {
	list, err, done := f.guesses.answer(f.name)
	t.section("It may be")
	switch {
	case !done:
		t.note("Looking at the file …")
	case err != nil:
		t.wrapped(err.Error(), small, t.theme.grey)
	case len(list) == 0:
		t.note("Nothing that is known fits.")
	}
	imgui.PushStyleVarVec2(imgui.StyleVarItemSpacing, vec2{Y: t.px(2)})
	defer imgui.PopStyleVar()
	for k, c := range list {
		imgui.PushIDInt(k)
		if candidateRow(t, show(c)) {
			chosen, clicked = c, true
		}
		imgui.PopID()
	}
	return chosen, clicked
}

// candidateRow is a row for one of the candidates.
func candidateRow(t *toolkit, c candidate) (clicked bool) {
	w, h := t.room(), t.px(46)
	i := t.hit("candidate", vec2{X: w, Y: h})
	if !imgui.IsItemVisible() {
		return i.clicked
	}
	d := imgui.WindowDrawList()
	back := t.theme.raised
	if c.on {
		back = t.theme.hover
	}
	d.AddRectFilledV(i.a, i.b, t.packed(back), t.px(5), imgui.DrawFlagsRoundCornersAll)
	if c, ok := t.wash(i); ok {
		d.AddRectFilledV(i.a, i.b, t.packed(c), t.px(5), imgui.DrawFlagsRoundCornersAll)
	}
	pad := t.px(10)
	a, b := vec2{X: i.a.X + pad, Y: i.a.Y + t.px(4)}, vec2{X: i.b.X - pad, Y: i.a.Y + t.px(24)}
	ink := t.theme.text
	if c.on {
		ink = t.theme.accent
	}
	extent, extentInk := c.extent, t.theme.grey
	if c.rest != 0 {
		extent, extentInk = "does not divide", t.theme.warn
	}
	t.writeIn(a, b, 1, extent, small, extentInk)
	t.writeIn(a, b, 0, t.elide(c.title, body, w-2*pad-t.measure(extent, small).X-t.px(8)), body, ink)
	// How likely it is.
	bar := t.px(44)
	y := i.b.Y - t.px(14)
	x := b.X - bar
	d.AddRectFilledV(vec2{X: x, Y: y}, vec2{X: b.X, Y: y + t.px(4)}, t.packed(t.theme.press), t.px(2), imgui.DrawFlagsRoundCornersAll)
	if n := bar * float32(min(max(c.score, 0), 1)); n >= 1 {
		d.AddRectFilledV(vec2{X: x, Y: y}, vec2{X: x + n, Y: y + t.px(4)}, t.packed(t.theme.accent), t.px(2), imgui.DrawFlagsRoundCornersAll)
	}
	t.write(vec2{X: a.X, Y: i.a.Y + t.px(24)}, t.most(c.reasons, x-a.X-t.px(10)), small, t.theme.grey)
	if i.hovered && !i.held && len(c.reasons) > 0 {
		t.tip(t.elide(fmt.Sprintf("%.0f %%: %s", 100*c.score, strings.Join(c.reasons, ", ")), small, t.px(360)))
	}
	return i.clicked
}

// most is as many of the phrases as there is room for, in the small font.
func (t *toolkit) most(phrases []string, width float32) string {
	text := ""
	for i, p := range phrases {
		if i > 0 {
			p = text + ", " + p
		}
		t.need(p)
		if t.measure(p, small).X > width {
			break
		}
		text = p
	}
	if text == "" && len(phrases) > 0 {
		return t.elide(phrases[0], small, max(width, 1))
	}
	return text
}

// fileFacts shows how long a file and its frames are, and what does not fit; bytes
// are -1 if that is not known. more, which may be nil, adds lines.
func fileFacts(t *toolkit, bytes, frameBytes, whole, rest int64, more func()) {
	t.card("facts", func() {
		defer tight(t)()
		if bytes >= 0 {
			t.keyValue("File", lengthText(bytes))
		}
		if frameBytes > 0 {
			t.keyValue("A frame", bytesText(frameBytes))
		}
		if bytes >= 0 && frameBytes > 0 {
			t.keyValue("Frames", grouped(whole))
		}
		if more != nil {
			more()
		}
		if rest != 0 {
			w, h := t.room(), t.px(22)
			p := imgui.CursorScreenPos()
			t.writeIn(p, vec2{X: p.X + t.px(18), Y: p.Y + h}, 0, iconWarning.String(), smallIcons, t.theme.warn)
			t.writeIn(vec2{X: p.X + t.px(22), Y: p.Y}, vec2{X: p.X + w, Y: p.Y + h}, 0, t.elide(leftOver(rest), body, w-t.px(22)), body, t.theme.warn)
			imgui.Dummy(vec2{X: w, Y: h})
		}
	})
}
