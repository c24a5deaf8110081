package controls

import (
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/demux"
	"planar/player"
	"planar/render"
)

// How long what the banner says stays.
const (
	spinEvery   = 100 * time.Millisecond
	bufferAfter = 300 * time.Millisecond // shorter waits, as after a jump, are not worth a word
	endStays    = 2 * time.Second
	osdStays    = 1200 * time.Millisecond
	toastStays  = 6 * time.Second
	errorStays  = 10 * time.Second
	toastHeld   = 2 * time.Second // after the pointer has been over it
	maxToasts   = 4
	maxToast    = 300 // bytes of a text: six lines or so
	maxRecent   = 5
	spinnerDots = 8
)

// banner is what says that playback does not just play: opening, signal lost,
// buffering, the end, what the log has to say; and what came of a key.
type banner struct {
	state  player.State
	since  time.Duration // when the controls first saw it
	serial int           // of the latest line of the log that has been looked at
	toasts []toast       // maxToasts at most, the newest last
}

// toast is a line of the log that comes up at the lower left.
type toast struct {
	level slog.Level
	text  string
	count int
	until time.Duration
	id    int
	box   box // where it was drawn
}

// observe looks at what has happened. It may be called any number of times.
func (b *banner) observe(c *Controls, m player.Moment, urgent int) {
	if m.State != b.state {
		b.state, b.since = m.State, m.Now
	}
	if urgent != b.serial {
		b.collect(c, m.Now)
	}
	kept := b.toasts[:0]
	for _, t := range b.toasts {
		if c.bar.in && t.box.has(c.bar.x, c.bar.y) {
			t.until = max(t.until, m.Now+toastHeld)
		}
		if m.Now < t.until {
			kept = append(kept, t)
		}
	}
	b.toasts = kept
	c.bar.osd.observe(c, m)
}

// collect makes toasts of what is new in the log.
func (b *banner) collect(c *Controls, now time.Duration) {
	lines, serial := c.notices.since(b.serial)
	b.serial = serial
	for _, n := range lines {
		if c.panels.raw && n.level == slog.LevelWarn {
			// What does not fit a headerless file is said by its panel, while one guess
			// after the other is tried.
			continue
		}
		if n.level >= player.LevelAnswer && n.text != "" {
			b.add(n, serial, now)
		}
	}
}

// add makes a toast, or counts it if it is there already.
func (b *banner) add(n notice, serial int, now time.Duration) {
	until := now + toastStays
	if n.level >= slog.LevelError {
		until = now + errorStays
	}
	text := n.text
	if len(text) > maxToast {
		text = strings.ToValidUTF8(text[:maxToast], "") + "…"
	}
	for i := range b.toasts {
		if t := &b.toasts[i]; t.level == n.level && t.text == text {
			t.count++
			t.until = until
			return
		}
	}
	if len(b.toasts) == maxToasts {
		b.toasts = append(b.toasts[:0], b.toasts[1:]...)
	}
	// Its number is its window's name, which must differ from those of the others.
	id := 0
	for _, t := range b.toasts {
		id = max(id, t.id+1)
	}
	b.toasts = append(b.toasts, toast{level: n.level, text: text, count: 1, until: until, id: id})
}

// patience is for how long nothing is said of buffering yet.
func (b *banner) patience(m player.Moment) time.Duration {
	if m.State != player.Buffering {
		return 0
	}
	return max(0, b.since+bufferAfter-m.Now)
}

func (b *banner) visible(c *Controls, m player.Moment, now seen) bool {
	b.observe(c, m, now.urgent)
	some := len(b.toasts) > 0 || c.bar.osd.on(m.Now)
	switch m.State {
	case player.Idle, player.Opening, player.SignalLost:
		some = true
	case player.Buffering:
		some = some || b.patience(m) == 0
	case player.Ended:
		some = some || m.Now-b.since < endStays
	}
	if !some && c.bar.typing {
		// A position may be being typed; only the status knows.
		some = m.Status().Entry != ""
		c.bar.typing = some
	}
	if some && !c.was {
		c.dirty = true
	}
	return some
}

func (b *banner) build(v *view) {
	b.observe(v.Controls, v.m, v.notices.latest())
	now, px := v.m.Now, v.tk.px
	under := px(12)
	switch v.m.State {
	case player.Idle:
		b.idle(v)
	case player.Opening:
		b.opening(v)
		v.again(spinEvery, now)
	case player.Buffering:
		if left := b.patience(v.m); left > 0 {
			v.again(left, now)
			break
		}
		under += b.chip(v, chipLook{spins: true, text: "Buffering"})
		v.again(spinEvery, now)
	case player.SignalLost:
		under += b.chip(v, chipLook{spins: true, text: "Signal lost", right: sinceText(v.st.Since), detail: v.st.LostBy, colour: &v.tk.theme.warn})
		v.again(spinEvery, now)
	case player.Ended:
		if left := b.since + endStays - now; left > 0 {
			under += b.chip(v, chipLook{text: "End"})
			v.again(left, now)
		}
	}
	if v.st.NoSound != "" && under == px(12) && v.bar.level > 0 && float32(v.m.H) >= px(400) {
		end := v.tk.fade(float32(v.bar.level))
		under += b.chip(v, chipLook{icon: iconVolumeMute, text: "No sound", detail: v.st.NoSound})
		end()
	}
	if v.st.Entry != "" {
		b.entry(v)
	}
	left := px(12)
	if float32(v.m.W) < px(720) {
		left = under // there is no room beside the chip
	}
	left += v.bar.osd.build(v, left)
	b.stack(v, left)
}

// onTop is Dear ImGui's own flag for tooltips: they lie above everything, whatever
// was clicked last. imgui-go does not name it.
const onTop imgui.WindowFlags = 1 << 25

// float opens a window of size at p for inside, which draws into it.
func (v *view) float(name string, p, size vec2, clickable bool, inside func(a, b vec2)) {
	v.floatAs(0, name, p, size, clickable, inside)
}

// floatAs is float with more flags.
func (v *view) floatAs(flags imgui.WindowFlags, name string, p, size vec2, clickable bool, inside func(a, b vec2)) {
	t := v.tk
	flags |= imgui.WindowFlags(barFlags)
	if !clickable {
		flags |= imgui.WindowFlagsNoMouseInputs | onTop
	}
	p = vec2{X: round(max(p.X, 0)), Y: round(max(p.Y, 0))}
	size = vec2{X: round(max(size.X, 1)), Y: round(max(size.Y, 1))}
	imgui.SetNextWindowPosV(p, imgui.ConditionAlways, vec2{})
	imgui.SetNextWindowSizeV(size, imgui.ConditionAlways)
	imgui.PushStyleVarVec2(imgui.StyleVarWindowPadding, vec2{})
	imgui.PushStyleVarFloat(imgui.StyleVarWindowRounding, min(t.px(10), size.Y/2))
	back := t.theme.panel
	back.W = 0.88
	if flags&onTop != 0 { // it may lie on a panel, whose text must not shine through
		back.W = 0.97
	}
	imgui.PushStyleColor(imgui.StyleColorWindowBg, back)
	imgui.BeginV(name, nil, flags)
	imgui.PopStyleColor()
	imgui.PopStyleVarV(2)
	if imgui.IsWindowAppearing() {
		t.settle = 2
	}
	inside(p, vec2{X: p.X + size.X, Y: p.Y + size.Y})
	imgui.End()
	if !clickable {
		t.ghosts = append(t.ghosts, box{pixel(p.X) - 2, pixel(p.Y) - 2, pixel(p.X+size.X) + 2, pixel(p.Y+size.Y) + 2})
	}
}

// spinner turns while something is being waited for.
func (v *view) spinner(middle vec2, radius float32, c colour) {
	at := int(v.m.Now / spinEvery % spinnerDots)
	d := imgui.WindowDrawList()
	// An eighth of a turn is 0.7071 on both axes.
	const s = 0.7071
	for i, p := range [spinnerDots]vec2{{X: 0, Y: -1}, {X: s, Y: -s}, {X: 1, Y: 0}, {X: s, Y: s}, {X: 0, Y: 1}, {X: -s, Y: s}, {X: -1, Y: 0}, {X: -s, Y: -s}} {
		age := float32((at-i+spinnerDots)%spinnerDots) / spinnerDots
		d.AddCircleFilled(vec2{X: middle.X + p.X*radius, Y: middle.Y + p.Y*radius}, max(radius*0.26, 1), v.tk.packed(alpha(c, 1-0.85*age)))
	}
}

// chipLook says what a chip shows.
type chipLook struct {
	icon   icon // before the text
	spins  bool // something that turns instead
	text   string
	right  string  // beside the text, in grey
	detail string  // below, small, in grey
	colour *colour // of the text; nil for the ordinary one
}

// chip is a small window at the middle of the upper edge. It returns how much of
// the height is taken.
func (b *banner) chip(v *view, l chipLook) float32 {
	t := v.tk
	t.need(l.detail)
	pad, lead, line := t.px(14), float32(0), t.px(32)
	if l.spins || l.icon != 0 {
		lead = t.px(26)
	}
	ink := t.theme.text
	if l.colour != nil {
		ink = *l.colour
	}
	most := min(float32(v.m.W)-t.px(24), t.px(520))
	first := lead + t.measure(l.text, strong).X
	if l.right != "" {
		// As wide as the longest that is usual, so that it does not twitch.
		first += t.px(10) + max(t.measure(l.right, mono).X, t.measure("00 s", mono).X)
	}
	detail := t.elide(l.detail, small, most-2*pad)
	size := vec2{X: min(max(first, t.measure(detail, small).X)+2*pad, most), Y: line}
	if detail != "" {
		size.Y += t.px(20)
	}
	v.float("chip", vec2{X: (float32(v.m.W) - size.X) / 2, Y: t.px(12)}, size, false, func(a, e vec2) {
		x := round((a.X + e.X - first) / 2)
		low := a.Y + line
		switch {
		case l.spins:
			v.spinner(vec2{X: x + t.px(8), Y: a.Y + line/2}, t.px(7), ink)
		case l.icon != 0:
			t.writeIn(vec2{X: x, Y: a.Y}, vec2{X: x + t.px(18), Y: low}, 0.5, l.icon.String(), icons, t.theme.grey)
		}
		t.writeIn(vec2{X: x + lead, Y: a.Y}, vec2{X: e.X, Y: low}, 0, l.text, strong, ink)
		if l.right != "" {
			t.writeIn(vec2{X: x + lead + t.measure(l.text, strong).X + t.px(10), Y: a.Y}, vec2{X: e.X, Y: low}, 0, l.right, mono, t.theme.grey)
		}
		if detail != "" {
			t.writeIn(vec2{X: a.X, Y: low - t.px(6)}, vec2{X: e.X, Y: e.Y - t.px(4)}, 0.5, detail, small, t.theme.grey)
		}
	})
	return size.Y + t.px(8)
}

// middle is where a card of size lies in the middle of the window.
func (v *view) middle(size vec2) vec2 {
	return vec2{X: (float32(v.m.W) - size.X) / 2, Y: (float32(v.m.H) - size.Y) / 2}
}

// opening is the card that is there while a source is being opened.
func (b *banner) opening(v *view) {
	t := v.tk
	pad := t.px(16)
	size := vec2{X: min(float32(v.m.W)-t.px(24), t.px(440)), Y: 2*pad + t.px(26+8+22+12+30)}
	v.float("opening", v.middle(size), size, true, func(a, e vec2) {
		a, e = vec2{X: a.X + pad, Y: a.Y + pad}, vec2{X: e.X - pad, Y: e.Y - pad}
		low := a.Y + t.px(26)
		v.spinner(vec2{X: a.X + t.px(9), Y: a.Y + t.px(13)}, t.px(8), t.theme.accent)
		t.writeIn(vec2{X: a.X + t.px(30), Y: a.Y}, vec2{X: e.X, Y: low}, 0, "Opening", strong, t.theme.text)
		t.writeIn(a, vec2{X: e.X, Y: low}, 1, sinceText(v.st.Since), mono, t.theme.grey)
		a.Y = low + t.px(8)
		t.writeIn(a, vec2{X: e.X, Y: a.Y + t.px(22)}, 0, t.elide(v.st.Source, body, e.X-a.X), body, t.theme.grey)
		imgui.SetCursorScreenPos(vec2{X: e.X - t.measure("Cancel", body).X - t.px(26), Y: e.Y - t.px(30)})
		if t.textButton("cancel", "Cancel") {
			v.ask(player.Command{Do: player.CancelOpening})
		}
	})
}

// recent are the sources that were opened lately, files first.
func (v *view) recent(most int) []string {
	if v.o.Recent == nil || most <= 0 {
		return nil
	}
	files, addresses := v.o.Recent()
	names := append(files[:min(len(files), most):min(len(files), most)], addresses...)
	return names[:min(len(names), most)]
}

// idle is the card that is there when there is nothing to play.
func (b *banner) idle(v *view) {
	t := v.tk
	tall := float32(v.m.H) >= t.px(440)
	pad, row, head, gap := t.px(20), t.px(46), t.px(64), t.px(28)
	if !tall {
		pad, row, head, gap = t.px(12), t.px(30), 0, t.px(14)
	}
	w := min(float32(v.m.W)-t.px(16), t.px(460))
	high := 2*pad + head + t.px(28) + t.px(8) + t.px(30)
	rest := float32(v.m.H) - t.px(16) - high - gap
	names := v.recent(min(maxRecent, int(rest/row)))
	if len(names) > 0 {
		high += gap + row*float32(len(names))
	}
	v.float("idle", v.middle(vec2{X: w, Y: high}), vec2{X: w, Y: high}, true, func(a, e vec2) {
		y := a.Y + pad
		centre := (a.X + e.X) / 2
		if tall {
			d := imgui.WindowDrawList()
			c := vec2{X: centre, Y: y + t.px(26)}
			d.AddCircleFilled(c, t.px(26), t.packed(alpha(t.theme.accent, 0.16)))
			t.writeIn(vec2{X: c.X - t.px(26), Y: c.Y - t.px(26)}, vec2{X: c.X + t.px(26), Y: c.Y + t.px(26)}, 0.5, iconVideo.String(), bigIcons, t.theme.accent)
			y += head
		}
		t.writeIn(vec2{X: a.X, Y: y}, vec2{X: e.X, Y: y + t.px(28)}, 0.5, "Drop a file here", strong, t.theme.text)
		y += t.px(28 + 8)
		wide := t.measure("Open file", body).X + t.measure("Open address", body).X + 2*t.px(26) + t.px(8)
		imgui.SetCursorScreenPos(vec2{X: round(centre - wide/2), Y: y})
		if t.primaryButton("file", "Open file") {
			v.opener.ask(v.Controls)
		}
		imgui.SameLineV(0, t.px(8))
		if t.textButton("address", "Open address") {
			v.opener.address(v.Controls)
		}
		y += t.px(30)
		if len(names) == 0 {
			return
		}
		imgui.WindowDrawList().AddRectFilled(vec2{X: a.X + pad, Y: y + round(gap*0.6)}, vec2{X: e.X - pad, Y: y + round(gap*0.6) + 1}, t.packed(t.theme.line))
		y += gap
		for k, name := range names {
			imgui.SetCursorScreenPos(vec2{X: a.X + t.px(8), Y: y + row*float32(k)})
			l := rowLook{icon: iconFile, width: w - 2*t.px(8), height: row}
			l.title, l.detail = sourceName(name)
			if demux.IsURL(name) {
				l.icon = iconLink
			}
			if !tall {
				l.detail = ""
			}
			if t.listRow("recent"+strconv.Itoa(k), l).clicked {
				v.opener.revisit(v.Controls, name)
			}
		}
	})
}

// entry is the card for a position that is being typed.
func (b *banner) entry(v *view) {
	t := v.tk
	t.need(v.st.Entry)
	hint := "A frame's number, or a time; Enter goes there"
	pad := t.px(16)
	size := vec2{X: min(t.measure(hint, small).X+2*pad, float32(v.m.W)-t.px(16)), Y: t.px(66)}
	at := v.middle(size)
	at.Y = max(float32(v.m.H)/3-size.Y/2, t.px(8))
	v.float("entry", at, size, false, func(a, e vec2) {
		a, e = vec2{X: a.X + pad, Y: a.Y}, vec2{X: e.X - pad, Y: e.Y}
		line := vec2{X: e.X, Y: a.Y + t.px(38)}
		x := t.measure("Go to", body).X + t.px(10)
		t.writeIn(vec2{X: a.X, Y: a.Y + t.px(6)}, line, 0, "Go to", body, t.theme.grey)
		t.writeIn(vec2{X: a.X + x, Y: a.Y + t.px(6)}, line, 0, t.elide(v.st.Entry+"_", mono, e.X-a.X-x), mono, t.theme.accent)
		t.writeIn(vec2{X: a.X, Y: line.Y - t.px(2)}, vec2{X: e.X, Y: e.Y - t.px(6)}, 0, t.elide(hint, small, e.X-a.X), small, t.theme.grey)
	})
}

// stack draws the toasts above the controller, the newest at the bottom, and no
// higher than top. Panels open in the other corners.
func (b *banner) stack(v *view, top float32) {
	t := v.tk
	low := float32(v.m.H) - t.foot - t.px(8)
	if !v.bar.box.empty() {
		low = min(low, float32(v.bar.box.y0)-t.px(8))
	}
	closed := -1
	for i := len(b.toasts) - 1; i >= 0; i-- {
		o := &b.toasts[i]
		if i < len(b.toasts)-1 && low < top+t.px(70) {
			o.box = box{} // it comes up when there is room
			continue
		}
		v.again(o.until-v.m.Now, v.m.Now)
		low -= b.toast(v, o, low, &closed) + t.px(8)
	}
	for i := range b.toasts {
		if b.toasts[i].id == closed {
			b.toasts = append(b.toasts[:i], b.toasts[i+1:]...)
			v.dirty = true
			v.again(0, v.m.Now)
			break
		}
	}
}

// toast draws one that ends at low, and returns its height.
func (b *banner) toast(v *view, o *toast, low float32, closed *int) float32 {
	t := v.tk
	t.need(o.text)
	ic, c := iconInfo, t.theme.grey
	switch {
	case o.level >= slog.LevelError:
		ic, c = iconWarning, t.theme.bad
	case o.level >= slog.LevelWarn:
		ic, c = iconWarning, t.theme.warn
	}
	times := ""
	if o.count > 1 {
		times = "x" + strconv.Itoa(min(o.count, 999))
	}
	pad, lead, tail := t.px(10), t.px(28), t.px(30)
	if times != "" {
		tail += t.measure("x999", small).X
	}
	most := min(float32(v.m.W)-t.px(24), t.px(420))
	wrap := most - pad - lead - tail
	imgui.PushFont(t.font(t.fonts.has(o.text, body)))
	m := imgui.CalcTextSize(o.text, false, max(wrap, t.px(40)))
	imgui.PopFont()
	size := vec2{X: min(m.X+pad+lead+tail+1, most), Y: max(m.Y, t.px(22)) + 2*t.px(8)}
	size.Y = min(size.Y, float32(v.m.H)*0.7)
	v.floatAs(onTop, "toast"+strconv.Itoa(o.id), vec2{X: t.px(12), Y: low - size.Y}, size, true, func(a, e vec2) {
		o.box = box{pixel(a.X), pixel(a.Y), pixel(e.X), pixel(e.Y)}
		line := a.Y + t.px(8) + t.px(22)
		t.writeIn(vec2{X: a.X + pad, Y: a.Y + t.px(8)}, vec2{X: a.X + pad + t.px(18), Y: line}, 0.5, ic.String(), icons, c)
		top := a.Y + t.px(8)
		if m.Y < t.px(22) {
			top = round(a.Y + (size.Y-m.Y)/2)
		}
		imgui.SetCursorScreenPos(vec2{X: a.X + pad + lead, Y: top})
		imgui.PushTextWrapPosV(pad + lead + wrap)
		t.label(o.text, body, t.theme.text)
		imgui.PopTextWrapPos()
		right := vec2{X: e.X - t.px(28), Y: line}
		t.writeIn(vec2{X: a.X, Y: a.Y + t.px(8)}, right, 1, times, small, t.theme.grey)
		imgui.SetCursorScreenPos(vec2{X: e.X - t.px(27), Y: a.Y + t.px(8)})
		if t.iconButtonV("close", iconClose, "", iconLook{size: t.px(22), face: smallIcons, dim: true}) {
			*closed = o.id
		}
	})
	return size.Y
}

// osd tells for a moment what came of a key.
type osd struct {
	what  osdKind
	until time.Duration
	fresh bool // it has not been drawn yet
	// A turn of the wheel may have been for anything; that the volume has changed
	// tells.
	turned bool
	known  bool
	volume float64
}

type osdKind int

const (
	noOSD osdKind = iota
	volumeOSD
	muteOSD
	speedOSD
	seekOSD
)

// osdKinds are what keys have said.
var osdKinds = map[player.Action]osdKind{
	player.VolumeBy: volumeOSD, player.SetVolume: volumeOSD, player.ToggleMute: muteOSD, player.SpeedBy: speedOSD, player.SetSpeed: speedOSD,
	player.SeekBy: seekOSD, player.SeekStart: seekOSD, player.SeekEnd: seekOSD,
}

// key notes a key that was pressed.
func (o *osd) key(key string, now time.Duration) {
	if what := osdKinds[player.Keys()[key].Do]; what != noOSD {
		o.show(what, now)
	}
}

// wheel notes that the wheel was turned.
func (o *osd) wheel(e render.Event) { o.turned = o.turned || e.Mods == 0 }

func (o *osd) show(what osdKind, now time.Duration) {
	o.what, o.until, o.fresh = what, now+osdStays, true
}

func (o *osd) on(now time.Duration) bool { return o.what != noOSD && now < o.until }

// observe looks at what has happened.
func (o *osd) observe(c *Controls, m player.Moment) {
	if o.turned {
		o.turned = false
		now := m.Status().Volume
		if !o.known || now != o.volume {
			o.show(volumeOSD, m.Now)
		}
		o.known, o.volume = true, now
	}
	if !o.on(m.Now) || c.o.Show == "never" || m.State == player.Idle || m.State == player.Opening {
		o.what, o.fresh = noOSD, false
	}
	if o.fresh {
		c.dirty, o.fresh = true, false
	}
}

// build draws it at the left edge at y, and returns how much of the height is taken.
func (o *osd) build(v *view, y float32) float32 {
	st := v.st
	o.known, o.volume = true, st.Volume
	if !o.on(v.m.Now) || st.Entry != "" {
		return 0
	}
	v.again(o.until-v.m.Now, v.m.Now)
	var ic icon
	var words string
	part := -1.0
	switch o.what {
	case seekOSD:
		if !st.Seekable || v.bar.level > 0 {
			return 0
		}
		line := timelineOf(st)
		ic, words = iconClock, timeText(st.Position, line.length)
		if line.length > 0 {
			words += " / " + timeText(line.length, line.length)
			part = line.place(st.Position)
		}
	case speedOSD:
		if st.IsLive {
			return 0
		}
		ic, words = iconPlay, "Speed "+strconv.FormatFloat(st.Speed, 'f', 2, 64)+"x"
	default:
		ic, words, part = volumeIcon(st), "Volume "+percent(st.Volume), st.Volume
		if st.Muted {
			words, part = "Mute", -1
		}
	}
	t := v.tk
	f := body
	if o.what == seekOSD {
		f = mono
	}
	wide := max(t.measure(words, f).X, t.measure("Volume 100 %", f).X)
	size := vec2{X: min(wide+t.px(12+28+14), float32(v.m.W)-t.px(24)), Y: t.px(34)}
	if part >= 0 {
		size.Y += t.px(8)
	}
	v.float("osd", vec2{X: t.px(12), Y: y}, size, false, func(a, e vec2) {
		low := a.Y + t.px(34)
		t.writeIn(vec2{X: a.X + t.px(12), Y: a.Y}, vec2{X: a.X + t.px(32), Y: low}, 0.5, ic.String(), icons, t.theme.grey)
		t.writeIn(vec2{X: a.X + t.px(40), Y: a.Y}, vec2{X: e.X, Y: low}, 0, words, f, t.theme.text)
		if part >= 0 {
			imgui.SetCursorScreenPos(vec2{X: a.X + t.px(12), Y: low - t.px(2)})
			t.progress(part, e.X-a.X-2*t.px(12))
		}
	})
	return size.Y + t.px(8)
}
