package controls

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/demux"
	"planar/demux/guess"
	"planar/player"
	"planar/render"
)

// rawPanel shows and changes what a headerless video is taken for.
type rawPanel struct {
	came    arrivals
	offered map[string]bool // files that the panel has opened for, or need not
	guesses guesses

	name    string // of the source that the fields are of
	fields  rawFields
	seen    RawVideo      // what it was taken for when the fields were filled in
	due     time.Duration // when what was typed is to be applied; 0 if nothing was
	problem string        // why it cannot be
	filter  string        // of pixel formats
	wish    bool          // the best guess is to be taken, once there is one
	height  float32       // of what the panel holds, in pixels
	closing bool          // a list has been chosen from
	wheel   [2]int        // steps that a field which is typed in is to take
}

// typingPause is how long nothing is typed before it is applied.
const typingPause = 400 * time.Millisecond

// maxOffered bounds the names that are remembered, some 100 kB.
const maxOffered = 1024

// observe opens the panel by itself, once for each file of which it is not known
// what it is.
func (r *rawPanel) observe(c *Controls, m player.Moment) {
	if r.guesses.news() {
		c.dirty = true
	}
	if !c.panels.raw {
		r.due, r.wish = 0, false
	}
	if !r.came.came(m) || c.o.Raw == nil || c.o.Show == "never" {
		return
	}
	name := m.Status().Name
	f, ok := c.o.Raw.Raw(name)
	if !ok || r.offered[name] {
		return
	}
	if r.offered == nil || len(r.offered) >= maxOffered {
		r.offered = map[string]bool{}
	}
	r.offered[name] = true
	if _, rest := f.Frames(); !f.Sure || rest != 0 {
		c.panels.raw, c.dirty = true, true
	}
}

func (r *rawPanel) close() { r.guesses.close() }

// guesses asks for what files may be, one at a time, on a goroutine of its own.
type guesses struct {
	mu      sync.Mutex
	name    string // what is asked about
	list    []guess.Candidate
	err     error
	done    bool // list and err are the answer
	fresh   bool // and have not been looked at
	running bool
	closed  bool
	cancel  context.CancelFunc // of what is being asked
}

// ask asks about a file. One that is asked about already is not asked about again.
func (g *guesses) ask(o *Options, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.name == name && (g.running || g.done) {
		return
	}
	g.name, g.list, g.err, g.done, g.fresh = name, nil, nil, false, false
	if g.cancel != nil {
		g.cancel()
	}
	if !g.running {
		g.running = true
		go g.run(o)
	}
}

// run asks until nothing more is wanted.
func (g *guesses) run(o *Options) {
	for {
		g.mu.Lock()
		if g.closed {
			g.mu.Unlock()
			return
		}
		name := g.name
		ctx, cancel := context.WithCancel(context.Background())
		g.cancel = cancel
		g.mu.Unlock()
		list, err := o.Raw.Guesses(ctx, name)
		cancel()
		g.mu.Lock()
		if g.name == name && !g.closed {
			g.list, g.err, g.done, g.fresh, g.running = list, err, true, true, false
			o.Wake() // while locked: not after close has returned
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
	}
}

// answer is what came of asking about a file.
func (g *guesses) answer(name string) (list []guess.Candidate, err error, done bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.name != name || !g.done {
		return nil, nil, false
	}
	return g.list, g.err, true
}

// news reports, once, that there is an answer.
func (g *guesses) news() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	fresh := g.fresh
	g.fresh = false
	return fresh
}

func (g *guesses) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	if g.cancel != nil {
		g.cancel()
	}
}

// rawWidth is the panel's, in pixels at scale 1.
const rawWidth = 336

// build draws the panel.
func (r *rawPanel) build(v *view) {
	t := v.tk
	edge := min(t.px(12), float32(min(v.m.W, v.m.H))/30)
	size := vec2{X: min(t.px(rawWidth), float32(v.m.W)-2*edge)}
	pos := vec2{X: edge, Y: edge}
	// Beside the inspector, if there is room.
	if x := edge + t.px(inspectorWidth) + t.px(8); v.panels.inspector && x+size.X <= float32(v.m.W) {
		pos.X = x
	}
	t.panel("Raw video", &v.panels.raw, pos, size, 0, func() {
		defer t.steady(&r.height)
		if v.st.Name == "" || v.o.Raw == nil {
			t.wrapped("Nothing is playing.", body, t.theme.grey)
			return
		}
		if v.st.Name != r.name {
			r.name, r.fields, r.seen, r.due, r.problem, r.wish = v.st.Name, rawFields{}, RawVideo{}, 0, "", false
		}
		file, ok := v.o.Raw.Raw(r.name)
		if !ok {
			r.notRaw(v)
			return
		}
		r.guesses.ask(&v.o, r.name)
		r.fill(file)
		r.picture(v)
		r.layout(v)
		if r.due != 0 {
			if v.m.Now >= r.due {
				r.apply(v, false)
			} else {
				v.again(r.due-v.m.Now, v.m.Now)
			}
		}
		if r.problem != "" {
			t.wrapped(r.problem, small, t.theme.bad)
		}
		r.facts(v, file)
		r.candidates(v, file)
	})
}

// fill fills the fields in with what the file is taken for, unless they say that
// already or are being typed in.
func (r *rawPanel) fill(file RawFile) {
	if r.due != 0 || sameRaw(file.RawVideo, r.seen) {
		return
	}
	r.seen = file.RawVideo
	if said, err := r.fields.video(); err != nil || !sameRaw(said, file.RawVideo) {
		r.fields = fieldsOf(file.RawVideo)
	}
}

// notRaw offers to take a file for headerless.
func (r *rawPanel) notRaw(v *view) {
	t := v.tk
	if demux.IsURL(r.name) {
		t.wrapped("A stream says what it is.", body, t.theme.grey)
		return
	}
	t.wrapped("This file has a header that says what it is.", body, t.theme.grey)
	list, err, done := r.guesses.answer(r.name)
	switch {
	case r.wish && !done:
		t.note("Looking at the file …")
	case r.wish && err != nil:
		r.wish, r.problem = false, err.Error()
	case r.wish && len(list) == 0:
		r.wish, r.problem = false, "nothing is known that it could be"
	case r.wish:
		r.wish = false
		r.take(v, list[0])
	case t.textButton("treat", "Treat as raw video"):
		r.wish, r.problem = true, ""
		r.guesses.ask(&v.o, r.name)
		v.again(0, v.m.Now)
	}
	if r.problem != "" {
		t.wrapped(r.problem, small, t.theme.bad)
	}
}

// take takes the file for a candidate.
func (r *rawPanel) take(v *view, c guess.Candidate) {
	to := RawVideo{Video: c.Video}
	if !to.Rate.Known() {
		to.Rate = r.seen.Rate
	}
	if !to.Rate.Known() {
		to.Rate = render.Rational{Num: 25, Den: 1}
	}
	r.fields = fieldsOf(to)
	r.apply(v, false)
}

// typed notes that something was typed, and applies it after a pause, or at once if
// Enter was pressed.
func (r *rawPanel) typed(v *view, changed, entered bool) {
	switch {
	case entered:
		r.apply(v, false)
	case changed:
		r.due = v.m.Now + typingPause
		v.again(typingPause, v.m.Now)
	}
}

// apply has the file opened as the fields say.
func (r *rawPanel) apply(v *view, coloured bool) {
	r.due, r.problem = 0, ""
	to, err := r.fields.video()
	if err == nil {
		if now, ok := v.o.Raw.Raw(r.name); ok && sameRaw(now.RawVideo, to) {
			return
		}
		err = v.o.Raw.SetRaw(r.name, to)
	}
	if err != nil {
		r.problem = err.Error()
		return
	}
	if coloured {
		c := to.Colour
		c.Siting = v.st.Colour.Siting
		v.ask(player.Command{Do: player.SetColour, Colour: c})
	}
	v.ask(player.Command{Do: player.Reload})
}

// picture has the fields that say what a picture is.
func (r *rawPanel) picture(v *view) {
	t := v.tk
	gap := t.px(8)
	half := float32(int((t.room() - gap) / 2))
	halves := []float32{half, half}
	t.sideBySide(gap, halves, func(k int, w float32) {
		if k == 0 {
			r.side(v, k, "Width", &r.fields.width, w)
		} else {
			r.side(v, k, "Height", &r.fields.height, w)
		}
	})
	sizes, at := []string{"Other size"}, 0
	for i, u := range usualSizes {
		sizes = append(sizes, fmt.Sprintf("%s  %d × %d", u.name, u.w, u.h))
		if w, h := fmt.Sprint(u.w), fmt.Sprint(u.h); w == r.fields.width && h == r.fields.height {
			at = i + 1
		}
	}
	if k, changed := t.combo("size", sizes, at, 2*half+gap); changed && k > 0 {
		u := usualSizes[k-1]
		r.fields.width, r.fields.height = fmt.Sprint(u.w), fmt.Sprint(u.h)
		r.apply(v, false)
	}
	t.sideBySide(gap, halves, func(k int, w float32) {
		if k == 0 {
			t.note("Pixel format")
			r.formats(v, w)
			return
		}
		t.note("Frames a second")
		pick := t.px(34)
		t.sideBySide(t.px(4), []float32{w - pick - t.px(4), pick}, func(k int, w float32) {
			if k == 0 {
				r.input(v, "rate", "25", &r.fields.rate, w)
			} else {
				r.rates(v, w)
			}
		})
	})
	t.sideBySide(gap, halves, func(k int, w float32) {
		if k == 0 {
			t.note("Matrix")
			matrices := []string{"By size", "BT.601", "BT.709", "BT.2020", "RGB"}
			if to, changed := t.combo("matrix", matrices, int(r.fields.colour.Matrix), w); changed {
				r.fields.colour.Matrix = render.Matrix(to)
				r.apply(v, true)
			}
			return
		}
		t.note("Range")
		if to, changed := t.combo("range", []string{"Usual", "Limited", "Full"}, int(r.fields.colour.Range), w); changed {
			r.fields.colour.Range = render.Range(to)
			r.apply(v, true)
		}
	})
}

// input is a field whose text is applied.
func (r *rawPanel) input(v *view, id, hint string, s *string, width float32) {
	changed, entered := v.tk.field(id, hint, s, width)
	r.typed(v, changed, entered)
}

// layout has the fields that say where pictures lie in the file.
func (r *rawPanel) layout(v *view) {
	t := v.tk
	gap := t.px(8)
	third := float32(int((t.room() - 2*gap) / 3))
	fields := []struct {
		id, name, hint string
		s              *string
	}{{"stride", "Row stride", "packed", &r.fields.stride}, {"header", "Offset", "0 bytes", &r.fields.header}, {"frame", "Frame header", "0 bytes", &r.fields.frameHeader}}
	t.sideBySide(gap, []float32{third, third, third}, func(k int, w float32) {
		f := &fields[k]
		t.label(t.elide(f.name, small, w), small, t.theme.grey)
		r.input(v, f.id, f.hint, f.s, w)
	})
}

// The steps of width and height: chroma is often half as wide, and codecs pad to
// macroblocks.
const (
	smallStep = 2
	largeStep = 16
)

func sideStep() int {
	if imgui.CurrentIO().KeyShiftPressed() {
		return largeStep
	}
	return smallStep
}

// side is a field of a width or a height, with buttons at its right. The arrow keys
// and the wheel change it, too.
func (r *rawPanel) side(v *view, k int, name string, s *string, width float32) {
	t := v.tk
	t.note(name)
	button := t.px(26)
	p := imgui.CursorScreenPos()
	before := *s
	imgui.PushStyleVarVec2(imgui.StyleVarFramePadding, vec2{X: t.px(10), Y: round((t.px(32) - imgui.FontSize()) / 2)})
	imgui.SetNextItemWidth(width - 2*button - t.px(4))
	by := 0
	entered := imgui.InputTextWithHintV("##"+name, "", s,
		imgui.InputTextFlagsEnterReturnsTrue|imgui.InputTextFlagsCallbackHistory|imgui.InputTextFlagsCallbackAlways,
		func(data imgui.InputTextCallbackData) int32 {
			n := 0
			switch {
			case data.EventFlag() == imgui.InputTextFlagsCallbackHistory && data.EventKey() == imgui.KeyUpArrow:
				n = sideStep()
			case data.EventFlag() == imgui.InputTextFlagsCallbackHistory && data.EventKey() == imgui.KeyDownArrow:
				n = -sideStep()
			case data.EventFlag() == imgui.InputTextFlagsCallbackAlways:
				n, r.wheel[k] = r.wheel[k], 0
			}
			if n == 0 {
				return 0
			}
			text := []byte(stepped(string(data.Buffer()), n))
			data.DeleteBytes(0, len(data.Buffer()))
			data.InsertBytes(0, text)
			by = n
			return 0
		})
	active := imgui.IsItemActive()
	if active {
		imgui.WindowDrawList().AddRectV(imgui.ItemRectMin(), imgui.ItemRectMax(), t.packed(t.theme.accent), t.px(5), imgui.DrawFlagsRoundCornersAll, 1)
	}
	v.tk.ownWheel()
	if _, w := imgui.CurrentIO().MouseWheel(); imgui.IsItemHovered() && w != 0 {
		n := sideStep()
		if w < 0 {
			n = -n
		}
		if active { // the field has its own text for now
			r.wheel[k] += n
			t.settle = max(t.settle, 1)
		} else {
			*s, by = stepped(*s, n), n
		}
	}
	imgui.PopStyleVar()
	look := iconLook{size: button, face: smallIcons, dim: true}
	for i, b := range []struct {
		ic   icon
		tip  string
		sign int
	}{{iconChevronLeft, "2 less, Shift 16  Down", -1}, {iconChevronRight, "2 more, Shift 16  Up", 1}} {
		x := p.X + width - button*float32(2-i)
		imgui.SetCursorScreenPos(vec2{X: x, Y: p.Y + round((t.px(32)-button)/2)})
		if t.iconButtonV(fmt.Sprint(name, i), b.ic, b.tip, look) {
			by = b.sign * sideStep()
			*s = stepped(*s, by)
		}
	}
	if by != 0 {
		r.apply(v, false)
		return
	}
	r.typed(v, *s != before, entered)
}

// dropdown is a button that opens a list below it, or above. wide is the list's
// width.
func (r *rawPanel) dropdown(v *view, id, caption string, width, wide, high float32, inside func()) {
	t := v.tk
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
	wide = min(wide, float32(v.m.W)-2*t.px(4))
	x := min(i.a.X, float32(v.m.W)-t.px(4)-wide)
	y := i.b.Y + t.px(4)
	below, above := float32(v.m.H)-y-t.px(8), i.a.Y-t.px(12)
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

// maxListed bounds the pixel formats that are listed; FFmpeg has some 200.
const maxListed = 512

// formats chooses the pixel format, among those that have what is typed in their
// names.
func (r *rawPanel) formats(v *view, width float32) {
	t := v.tk
	r.dropdown(v, "format", r.fields.format, width, t.px(230), t.px(320), func() {
		if imgui.IsWindowAppearing() {
			r.filter = ""
			imgui.SetKeyboardFocusHere()
		}
		_, entered := t.field("filter", "Search", &r.filter, 0)
		imgui.BeginChildV("list", vec2{}, false, imgui.WindowFlagsNoNav)
		imgui.PushStyleVarVec2(imgui.StyleVarItemSpacing, vec2{})
		names := formatsMatching(v.o.Raw.PixelFormats(), r.filter)
		for k, name := range names[:min(len(names), maxListed)] {
			imgui.PushIDInt(k)
			clicked := t.listRow("format", rowLook{title: name, selected: name == r.fields.format, height: t.px(28)}).clicked
			imgui.PopID()
			if clicked || entered && k == 0 {
				r.fields.format = name
				r.apply(v, false)
				r.closing = true
			}
		}
		if len(names) == 0 {
			t.note("There is none.")
		}
		imgui.PopStyleVar()
		imgui.EndChild()
		if r.closing {
			r.closing = false
			imgui.CloseCurrentPopup()
		}
	})
}

// formatsMatching are the names that contain all words of filter.
func formatsMatching(names []string, filter string) []string {
	words := strings.Fields(strings.ToLower(filter))
	if len(words) == 0 {
		return names
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		name = strings.ToLower(name)
		return slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(name, w) })
	})
}

// rates chooses one of the usual frame rates.
func (r *rawPanel) rates(v *view, width float32) {
	t := v.tk
	high := float32(len(usualRates))*t.px(28) + 2*t.px(6)
	r.dropdown(v, "rates", "", width, t.px(110), high, func() {
		imgui.PushStyleVarVec2(imgui.StyleVarItemSpacing, vec2{})
		for _, s := range usualRates {
			if t.listRow(s, rowLook{title: s, selected: s == r.fields.rate, height: t.px(28)}).clicked {
				r.fields.rate = s
				r.apply(v, false)
				imgui.CloseCurrentPopup()
			}
		}
		imgui.PopStyleVar()
	})
}

// facts shows what follows for the file.
func (r *rawPanel) facts(v *view, f RawFile) {
	t := v.tk
	t.card("facts", func() {
		defer tight(t)()
		if f.Bytes >= 0 {
			t.keyValue("File", lengthText(f.Bytes))
		}
		if f.FrameBytes > 0 {
			t.keyValue("A frame", grouped(f.FrameBytes)+" bytes")
		}
		whole, rest := f.Frames()
		if f.Bytes >= 0 && f.FrameBytes > 0 {
			t.keyValue("Frames", grouped(whole))
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

// candidates lists what the file may be, the likeliest first.
func (r *rawPanel) candidates(v *view, f RawFile) {
	t := v.tk
	list, err, done := r.guesses.answer(r.name)
	t.section("It may be")
	switch {
	case !done:
		t.note("Looking at the file …")
		return
	case err != nil:
		t.wrapped(err.Error(), small, t.theme.grey)
		return
	case len(list) == 0:
		t.note("Nothing that is known fits.")
		return
	}
	imgui.PushStyleVarVec2(imgui.StyleVarItemSpacing, vec2{Y: t.px(2)})
	defer imgui.PopStyleVar()
	for k, c := range list {
		imgui.PushIDInt(k)
		on := c.Width == f.Width && c.Height == f.Height && c.PixelFormat == f.PixelFormat
		if candidateRow(t, c, on) {
			r.take(v, c)
		}
		imgui.PopID()
	}
}

// candidateRow is a row for one of the candidates.
func candidateRow(t *toolkit, c guess.Candidate, on bool) (clicked bool) {
	w, h := t.room(), t.px(46)
	i := t.hit("candidate", vec2{X: w, Y: h})
	if !imgui.IsItemVisible() {
		return i.clicked
	}
	d := imgui.WindowDrawList()
	back := t.theme.raised
	if on {
		back = t.theme.hover
	}
	d.AddRectFilledV(i.a, i.b, t.packed(back), t.px(5), imgui.DrawFlagsRoundCornersAll)
	if c, ok := t.wash(i); ok {
		d.AddRectFilledV(i.a, i.b, t.packed(c), t.px(5), imgui.DrawFlagsRoundCornersAll)
	}
	pad := t.px(10)
	a, b := vec2{X: i.a.X + pad, Y: i.a.Y + t.px(4)}, vec2{X: i.b.X - pad, Y: i.a.Y + t.px(24)}
	ink := t.theme.text
	if on {
		ink = t.theme.accent
	}
	count, countInk := "", t.theme.grey
	if c.Frames > 0 {
		count = grouped(c.Frames) + " fr."
	}
	if c.Rest != 0 {
		count, countInk = "does not divide", t.theme.warn
	}
	t.writeIn(a, b, 1, count, small, countInk)
	title := fmt.Sprintf("%d×%d  %s", c.Width, c.Height, c.PixelFormat)
	if c.Rate.Known() {
		title += "  " + rateText(c.Rate) + " fps"
	}
	t.writeIn(a, b, 0, t.elide(title, body, w-2*pad-t.measure(count, small).X-t.px(8)), body, ink)
	// How likely it is.
	bar := t.px(44)
	y := i.b.Y - t.px(14)
	x := b.X - bar
	d.AddRectFilledV(vec2{X: x, Y: y}, vec2{X: b.X, Y: y + t.px(4)}, t.packed(t.theme.press), t.px(2), imgui.DrawFlagsRoundCornersAll)
	if n := bar * float32(min(max(c.Score, 0), 1)); n >= 1 {
		d.AddRectFilledV(vec2{X: x, Y: y}, vec2{X: x + n, Y: y + t.px(4)}, t.packed(t.theme.accent), t.px(2), imgui.DrawFlagsRoundCornersAll)
	}
	reasons := strings.Join(c.Reasons, ", ")
	t.write(vec2{X: a.X, Y: i.a.Y + t.px(24)}, t.most(c.Reasons, x-a.X-t.px(10)), small, t.theme.grey)
	if i.hovered && !i.held && len(c.Reasons) > 0 {
		t.tip(t.elide(fmt.Sprintf("%.0f %%: %s", 100*c.Score, reasons), small, t.px(360)))
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
