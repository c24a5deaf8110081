package controls

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/player"
	"planar/render"
)

// How the controller comes and goes.
const (
	fadeIn     = 120 * time.Millisecond
	fadeOut    = 250 * time.Millisecond
	fadeEvery  = 16 * time.Millisecond
	barStays   = 2500 * time.Millisecond // after the pointer has moved
	leaveGrace = 300 * time.Millisecond  // after it has left the window
	aimStays   = time.Second             // what was sought is taken for reached
)

// bar is the controller at the bottom of the window.
type bar struct {
	// What the person does, by notice.
	x, y      int
	in, moved bool          // the pointer is in the window; it has ever been
	lastMove  time.Duration // when it moved, or left
	held      uint          // bit n: button n is
	met       bool          // the pointer has been somewhere
	wheels    []render.Event
	typing    bool // letters go into a text field, or into the position that is typed

	// How far it has come up, from 0 to 1.
	level  float64
	goal   float64
	at     time.Duration // when level was right
	moving bool

	// As of the last frame.
	box       box  // of the window; empty if there was none
	popup     bool // the choice of speeds is open
	seekBox   box
	volumeBox box
	places    []slot // what was there, in pixels from the window's left edge
	row       float32

	// Seeking.
	pulled bool   // the seek bar is being dragged
	aiming bool   // aim was asked for and may not have been reached
	aim    target // where to
	from   time.Duration
	aimAt  time.Duration
	// What the wheel was turned over the seek bar, less than a notch.
	notches float64

	remaining bool // instead of the whole length
	live      bool
	frame     int64
	opened    time.Duration // when the live source was

	osd osd
}

// maxWheels bounds the notches between two frames: a second of a fast wheel.
const maxWheels = 64

// notice sees all events before they are handled.
func (b *bar) notice(e render.Event, now time.Duration) {
	switch e.Kind {
	case render.PointerMove:
		if b.in && b.x == e.X && b.y == e.Y {
			return // pointers that tremble below a pixel
		}
		if !b.met {
			// The window has come under the pointer: nobody has asked for anything.
			b.met, b.in, b.x, b.y = true, true, e.X, e.Y
			return
		}
		b.point(e, now)
	case render.PointerDown:
		b.point(e, now)
		b.held |= 1 << uint(e.Button&31)
	case render.PointerUp:
		b.point(e, now)
		b.held &^= 1 << uint(e.Button&31)
	case render.PointerLeave:
		b.in, b.lastMove = false, now
	case render.Wheel:
		b.x, b.y, b.in = e.X, e.Y, true
		if len(b.wheels) < maxWheels {
			b.wheels = append(b.wheels, e)
		}
		b.osd.wheel(e)
	case render.KeyPress:
		if !b.typing {
			b.osd.key(e.Key, now)
			b.typing = player.Keys()[e.Key].Do == player.EnterPosition
		}
	}
}

// point notes that somebody is at the mouse.
func (b *bar) point(e render.Event, now time.Duration) {
	b.x, b.y, b.in, b.moved, b.lastMove = e.X, e.Y, true, true, now
}

// wanted reports whether the controller is to be there, and until when if nothing
// happens.
func (b *bar) wanted(c *Controls, m player.Moment) (on bool, until time.Duration) {
	nothing := m.State == player.Idle || m.State == player.Opening
	switch {
	case nothing || c.o.Show == "never":
		return false, far
	case c.o.Show == "always":
		return true, far
	case !b.moved:
		return false, far
	case b.level > 0 && (c.menu.open || b.popup || b.in && b.box.has(b.x, b.y)), b.held != 0:
		return true, far
	case b.in:
		until = b.lastMove + barStays
	default:
		until = b.lastMove + leaveGrace
		on = b.level > 0
		return on && m.Now < until, until
	}
	return m.Now < until, until
}

// advance fades, and reports whether anything is to be seen and when that changes.
func (b *bar) advance(c *Controls, m player.Moment) (seen bool, next time.Duration) {
	if m.Live != b.live || m.State == player.Opening || m.Frame < 0 && b.frame >= 0 {
		b.opened = m.Now
	}
	b.live, b.frame = m.Live, m.Frame
	on, until := b.wanted(c, m)
	goal := 0.0
	if on {
		goal = 1
	}
	switch {
	case b.level == goal:
		b.moving = false
	case !b.moving || b.goal != goal:
		b.moving, b.goal, b.at = true, goal, m.Now
		c.dirty = true
		if on {
			b.level += float64(fadeEvery) / float64(fadeIn) // what is faint is seen at once
		}
	default:
		passed := float64(max(m.Now-b.at, 0))
		b.at = m.Now
		if on {
			b.level += passed / float64(fadeIn)
		} else {
			b.level -= passed / float64(fadeOut)
		}
	}
	b.level = min(max(b.level, 0), 1)
	if b.moving && b.level != goal {
		return true, m.Now + fadeEvery
	}
	return b.level > 0, until
}

func (b *bar) visible(c *Controls, m player.Moment) bool {
	seen, _ := b.advance(c, m)
	if !seen {
		b.gone()
	} else if !c.was {
		c.dirty = true
	}
	return seen
}

// gone forgets what was there.
func (b *bar) gone() {
	b.box, b.seekBox, b.volumeBox = box{}, box{}, box{}
	b.wheels, b.places = b.wheels[:0], b.places[:0]
	b.popup, b.pulled, b.aiming = false, false, false
}

// part is a thing in the controller.
type part int

const (
	previousPart part = iota
	backPart
	playPart
	forwardPart
	nextPart
	positionPart
	totalPart
	framePart
	livePart
	delayPart
	lossPart
	sincePart
	trackPart // where there is one row only
	speedPart
	loopPart
	mutePart
	volumePart
	playlistPart
	inspectorPart
	statsPart
	soundPart // or that of live sources
	fullscreenPart
	menuPart
)

// ranks say what stays longer where there is little room; what is always there has
// none.
var ranks = map[part]int{
	soundPart: 1, inspectorPart: 2, statsPart: 3, playlistPart: 4, loopPart: 5, speedPart: 6, volumePart: 7,
	sincePart: 8, totalPart: 9, framePart: 10, lossPart: 11, previousPart: 12, nextPart: 12, fullscreenPart: 13,
	backPart: 14, forwardPart: 14, delayPart: 15, mutePart: 16, positionPart: 17,
}

// slot is where a part is in its row.
type slot struct {
	part     part
	x, width float32
}

// arrange gives parts their places in a row of the given width, those before
// speedPart from its left end on, the others up to its right end, and leaves out
// what does not fit. The track, if it is there, takes what is left.
func arrange(width, gap float32, parts []slot) []slot {
	need := -gap
	for _, s := range parts {
		need += s.width + gap
	}
	for need > width {
		least := 0
		for _, s := range parts {
			if r := ranks[s.part]; r > 0 && (least == 0 || r < least) {
				least = r
			}
		}
		if least == 0 {
			break
		}
		kept := parts[:0]
		for _, s := range parts {
			if ranks[s.part] == least {
				need -= s.width + gap
				continue
			}
			kept = append(kept, s)
		}
		parts = kept
	}
	left, right := float32(0), width
	for i := range parts {
		s := &parts[i]
		if s.part == trackPart {
			s.width = max(s.width+width-need, 1)
		}
		if s.part < speedPart {
			s.x = left
			left += s.width + gap
		}
	}
	for i := len(parts) - 1; i >= 0 && parts[i].part >= speedPart; i-- {
		right -= parts[i].width
		parts[i].x = right
		right -= gap
	}
	return parts
}

// barSizes are in pixels.
type barSizes struct{ margin, pad, button, play, gap, track float32 }

func (v *view) barSizes() barSizes {
	px := v.tk.px
	if float32(v.m.W) < px(520) || float32(v.m.H) < px(170) {
		return barSizes{px(6), px(8), px(30), px(34), px(2), px(20)}
	}
	return barSizes{px(12), px(12), px(34), px(40), px(3), px(22)}
}

// barFlags are those of a window that stays where it is put.
const barFlags = panelFlags | imgui.WindowFlagsNoResize | imgui.WindowFlagsNoMove | imgui.WindowFlagsNoScrollbar |
	imgui.WindowFlagsNoScrollWithMouse

func (b *bar) build(v *view) {
	b.typing = v.tk.wantText || v.st.Entry != ""
	seen, next := b.advance(v.Controls, v.m)
	if !seen {
		b.gone()
		return
	}
	if next < far {
		v.again(max(next-v.m.Now, 0), v.m.Now)
	}
	if v.m.State == player.Playing {
		v.again(playingEvery, v.m.Now) // there may be no pictures
	}
	t, z := v.tk, v.barSizes()
	line := timelineOf(v.st)
	track := !v.st.IsLive && line.length > 0
	switch {
	case !track:
		b.aiming, b.pulled = false, false
	case b.aiming && !b.pulled && (v.st.Position != b.from || v.m.Now-b.aimAt >= aimStays):
		b.aiming = false
	}
	one := !track || float32(v.m.H) < t.px(170)
	high := z.play + 2*t.px(6)
	if !one {
		high += z.track
	}
	defer t.fade(float32(b.level))()
	a := vec2{X: z.margin, Y: float32(v.m.H) - z.margin - high}
	size := vec2{X: max(float32(v.m.W)-2*z.margin, 1), Y: high}
	imgui.SetNextWindowPosV(a, imgui.ConditionAlways, vec2{})
	imgui.SetNextWindowSizeV(size, imgui.ConditionAlways)
	imgui.PushStyleVarVec2(imgui.StyleVarWindowPadding, vec2{})
	imgui.PushStyleVarFloat(imgui.StyleVarWindowRounding, t.px(12))
	back := t.theme.panel
	back.W = 0.87
	imgui.PushStyleColor(imgui.StyleColorWindowBg, back)
	imgui.BeginV("controller", nil, barFlags)
	imgui.PopStyleColor()
	imgui.PopStyleVarV(2)
	if imgui.IsWindowAppearing() {
		t.settle = 2
	}
	b.box = box{pixel(a.X), pixel(a.Y), pixel(a.X + size.X), pixel(a.Y + size.Y)}
	b.seekBox, b.volumeBox, b.popup = box{}, box{}, false

	y := a.Y + t.px(6)
	if !one {
		imgui.SetCursorScreenPos(vec2{X: a.X + z.pad, Y: y})
		b.track(v, line, size.X-2*z.pad, z.track)
		y += z.track
	}
	room := float32(0)
	if one && track {
		room = max(t.px(40), 0.4*(size.X-2*z.pad))
	}
	b.places = arrange(size.X-2*z.pad, z.gap, b.parts(v, line, z, room))
	b.row = y + z.play/2
	for i := range b.places {
		s := &b.places[i]
		s.x += a.X + z.pad
		b.put(v, line, z, *s)
	}
	b.turned(v, line)
	imgui.End()
	if b.aiming && !b.pulled {
		v.again(max(b.aimAt+aimStays-v.m.Now, 0), v.m.Now)
	}
}

// parts are what the controller would hold if there were room for everything, from
// left to right. track is how wide a seek bar among them is at least, 0 if there is
// none.
func (b *bar) parts(v *view, line timeline, z barSizes, track float32) []slot {
	st := v.st
	parts := b.places[:0]
	add := func(p part, width float32) { parts = append(parts, slot{part: p, width: width}) }
	many := len(st.Playlist) > 1
	if many {
		add(previousPart, z.button)
	}
	steps := line.rate.Known() && !st.IsLive
	if steps {
		add(backPart, z.button)
	}
	add(playPart, z.play)
	if steps {
		add(forwardPart, z.button)
	}
	if many {
		add(nextPart, z.button)
	}
	text := func(p part, s string, f face) {
		if s != "" {
			add(p, v.tk.measure(s, f).X+v.tk.px(10))
		}
	}
	if st.IsLive {
		add(livePart, v.tk.measure("LIVE", strong).X+v.tk.px(34))
		delay, _ := delayText(st)
		text(delayPart, delay, mono)
		if loss, ok := lossNow(st); ok {
			text(lossPart, lossText(loss), mono)
		}
		text(sincePart, clockText(v.m.Now-b.opened), mono)
	} else {
		whole := max(line.length, st.Position)
		text(positionPart, timeText(whole, whole), mono)
		if line.length > 0 {
			text(totalPart, "/ "+timeText(whole, whole), mono)
		}
		text(framePart, frameText(max(line.frames(), st.Frame), line), mono)
	}
	if track > 0 {
		add(trackPart, track)
	}
	if !st.IsLive {
		text(speedPart, "1.25x", mono)
		if st.Seekable {
			add(loopPart, z.button)
		}
	}
	add(mutePart, z.button)
	add(volumePart, v.tk.px(84))
	add(playlistPart, z.button)
	if st.HasVideo {
		add(inspectorPart, z.button)
	}
	add(statsPart, z.button)
	if st.IsLive || st.HasSound {
		add(soundPart, z.button)
	}
	add(fullscreenPart, z.button)
	add(menuPart, z.button)
	return parts
}

// put draws a part at its place; s.x is from the window's left edge.
func (b *bar) put(v *view, line timeline, z barSizes, s slot) {
	t, st := v.tk, v.st
	place := func(high float32) {
		imgui.SetCursorScreenPos(vec2{X: round(s.x), Y: round(b.row - high/2)})
	}
	button := func(id string, ic icon, tip string, l iconLook, do func()) {
		place(z.button)
		l.size = z.button
		if t.iconButtonV(id, ic, tip, l) {
			do()
		}
	}
	ask := func(a player.Action) func() { return func() { v.ask(player.Command{Do: a}) } }
	text := func(words string, f face, c colour) {
		t.writeIn(vec2{X: s.x, Y: b.row - z.button/2}, vec2{X: s.x + s.width, Y: b.row + z.button/2}, 0.5, words, f, c)
	}
	explain := func(id, tip string) {
		place(z.button)
		if t.hit(id, vec2{X: s.width, Y: z.button}).hovered {
			t.tip(tip)
		}
	}
	open := func(id string, ic icon, tip string, panel *bool) {
		button(id, ic, tip, iconLook{on: *panel, dim: !*panel}, func() { *panel = !*panel })
	}
	switch s.part {
	case previousPart:
		button("previous", iconPrevious, "Previous  <", iconLook{}, ask(player.PlayPrevious))
	case nextPart:
		button("next", iconNext, "Next  >", iconLook{}, ask(player.PlayNext))
	case backPart:
		button("back", iconStepBack, "One frame back  ,", iconLook{}, ask(player.StepBack))
	case forwardPart:
		button("forward", iconStepForward, "One frame on  .", iconLook{}, ask(player.StepForward))
	case playPart:
		ic, tip := iconPause, "Pause  Space"
		if st.Paused || v.m.State == player.Ended {
			ic, tip = iconPlay, "Play  Space"
		}
		place(z.play)
		if t.iconButtonV("play", ic, tip, iconLook{size: z.play, face: bigIcons}) {
			v.ask(player.Command{Do: player.TogglePause})
		}
	case positionPart:
		whole := max(line.length, st.Position)
		text(timeText(b.position(v), whole), mono, t.theme.text)
	case totalPart:
		place(z.button)
		if i := t.hit("total", vec2{X: s.width, Y: z.button}); i.clicked {
			b.remaining = !b.remaining
		} else if i.hovered {
			t.tip(map[bool]string{false: "Length; click for what remains", true: "What remains; click for the length"}[b.remaining])
		}
		words := "/ " + timeText(line.length, line.length)
		if b.remaining {
			words = timeText(min(b.position(v)-line.length, 0), line.length)
			if b.position(v) >= line.length {
				words = "-" + words
			}
		}
		text(words, mono, t.theme.grey)
	case framePart:
		n := st.Frame
		if b.aiming && b.aim.frame >= 0 {
			n = b.aim.frame
		}
		text(frameText(n, line), mono, t.theme.grey)
	case livePart, delayPart, lossPart, sincePart:
		b.putLive(v, z, s, text, explain)
	case trackPart:
		place(z.button)
		b.track(v, line, s.width, z.button)
	case speedPart:
		b.speed(v, z, s)
	case loopPart:
		marked := st.LoopA != player.NoLoop && st.LoopB != player.NoLoop
		switch {
		case marked:
			button("loop", iconLoop, "Loop from "+timeText(st.LoopA, 0)+" to "+timeText(st.LoopB, 0)+"; click to end it  l",
				iconLook{on: true}, ask(player.MarkLoop))
		case st.LoopAll:
			button("loop", iconLoop, "Loops  L", iconLook{on: true}, ask(player.ToggleLoop))
		default:
			button("loop", iconLoop, "Loop  L, or a part  l", iconLook{dim: true}, ask(player.ToggleLoop))
		}
	case mutePart:
		ic, tip := volumeIcon(st), "Mute  m"
		none := silence(st)
		if none != "" {
			ic, tip = iconVolumeMute, none
		}
		place(z.button)
		enable := t.disable(none != "")
		clicked := t.iconButtonV("mute", ic, tip, iconLook{size: z.button})
		enable()
		if clicked && none == "" {
			v.ask(player.Command{Do: player.ToggleMute})
		}
		b.noteVolume(none)
		b.explainSilence(v, none)
	case volumePart:
		none := silence(st)
		place(z.button)
		ink := t.theme.text
		if st.Muted {
			ink = t.theme.faint
		}
		sl := t.slider("volume", st.Volume, sliderLook{width: s.width, height: z.button, knob: true, colour: &ink, off: none != ""})
		if sl.changed && none == "" {
			if st.Muted {
				v.ask(player.Command{Do: player.ToggleMute})
			}
			v.ask(player.Command{Do: player.SetVolume, Amount: sl.value})
		}
		if sl.held {
			t.tooltipAt(vec2{X: sl.x, Y: sl.top}, 1, func() { t.label(percent(sl.value), mono, t.theme.text) })
		}
		b.noteVolume(none)
		b.explainSilence(v, none)
	case playlistPart:
		open("playlist", iconPlaylist, "Playlist  p", &v.panels.playlist)
	case inspectorPart:
		open("inspector", iconDropper, "Pixel inspector  I", &v.panels.inspector)
	case statsPart:
		open("statistics", iconStatistics, "Statistics  i", &v.panels.stats)
	case soundPart:
		if st.IsLive {
			open("live", iconBroadcast, "Live stream  n", &v.panels.live)
		} else {
			open("sound", iconWave, "Sound  w", &v.panels.sound)
		}
	case fullscreenPart:
		ic, tip := iconFullscreen, "Full screen  f"
		if st.Fullscreen {
			ic, tip = iconWindowed, "Leave full screen  f"
		}
		button("full screen", ic, tip, iconLook{}, ask(player.ToggleFullscreen))
	case menuPart:
		button("menu", iconMoreVertical, "Menu", iconLook{on: v.menu.open}, func() {
			v.menu.show(v.Controls, int(s.x+s.width), int(b.box.y0))
		})
	}
}

// putLive draws what there is of a live source instead of a seek bar.
func (b *bar) putLive(v *view, z barSizes, s slot, text func(string, face, colour), explain func(id, tip string)) {
	t, st := v.tk, v.st
	switch s.part {
	case livePart:
		c, tip := t.theme.bad, "As it comes"
		switch {
		case v.m.State == player.SignalLost:
			c, tip = t.theme.faint, "The signal is lost"
		case st.Paused:
			c, tip = t.theme.faint, "Paused; goes on with what is live then"
		}
		explain("LIVE", tip)
		a := vec2{X: s.x + t.px(2), Y: b.row - t.px(12)}
		q := vec2{X: s.x + s.width - t.px(4), Y: b.row + t.px(12)}
		d := imgui.WindowDrawList()
		d.AddRectFilledV(a, q, t.packed(alpha(c, 0.2)), t.px(6), imgui.DrawFlagsRoundCornersAll)
		d.AddCircleFilled(vec2{X: a.X + t.px(11), Y: b.row}, t.px(4), t.packed(c))
		ink := t.theme.text
		if c == t.theme.faint {
			ink = t.theme.grey
		}
		t.writeIn(vec2{X: a.X + t.px(20), Y: a.Y}, q, 0, "LIVE", strong, ink)
	case delayPart:
		words, tip := delayText(st)
		explain("delay", tip)
		text(words, mono, t.theme.text)
	case lossPart:
		loss, _ := lossNow(st)
		explain("loss", "Of the packets of the last second")
		c := t.theme.grey
		switch {
		case loss >= 0.02:
			c = t.theme.bad
		case loss >= 0.0005:
			c = t.theme.warn
		}
		text(lossText(loss), mono, c)
	case sincePart:
		explain("since", "Since it was opened")
		text(clockText(v.m.Now-b.opened), mono, t.theme.grey)
	}
}

// position is where playback is, or where it goes at once.
func (b *bar) position(v *view) time.Duration {
	if b.aiming {
		return b.aim.at
	}
	return v.st.Position
}

// track is the seek bar, at the cursor.
func (b *bar) track(v *view, line timeline, width, high float32) {
	t, st := v.tk, v.st
	enable := t.disable(!st.Seekable)
	i := t.hit("seek", vec2{X: width, Y: high})
	enable()
	b.seekBox = box{pixel(i.a.X), pixel(i.a.Y), pixel(i.b.X), pixel(i.b.Y)}
	r := t.px(7)
	x0, x1 := i.a.X+r, max(i.b.X-r, i.a.X+r+1)
	x := func(f float64) float32 { return x0 + float32(f)*(x1-x0) }
	mouse := min(max(imgui.MousePos().X, x0), x1)
	under := line.target(float64((mouse - x0) / (x1 - x0)))
	if released := imgui.IsItemDeactivated(); st.Seekable && (i.held || released && b.pulled) {
		if !b.pulled || under != b.aim {
			b.seek(v, under)
		}
		b.pulled = i.held
	} else {
		b.pulled = false
	}

	d := imgui.WindowDrawList()
	y := round((i.a.Y + i.b.Y) / 2)
	half := t.px(4) / 2
	hot := st.Seekable && (i.hovered || i.held)
	if hot {
		half = t.px(6) / 2
	}
	span := func(from, to float32, h float32, c colour) {
		if to > from {
			d.AddRectFilledV(vec2{X: from, Y: y - h}, vec2{X: to, Y: y + h}, t.packed(c), h, imgui.DrawFlagsRoundCornersAll)
		}
	}
	knob := x(line.place(b.position(v)))
	span(x0, x1, half, alpha(t.theme.text, 0.22))
	span(x0, x(line.place(st.ReadTo)), half, alpha(t.theme.text, 0.24))
	if st.LoopA != player.NoLoop && st.LoopB != player.NoLoop {
		span(x(line.place(st.LoopA)), x(line.place(st.LoopB)), t.px(6), alpha(t.theme.accent, 0.28))
	}
	span(x0, knob, half, t.theme.accent)
	for _, m := range []time.Duration{st.LoopA, st.LoopB} {
		if m != player.NoLoop {
			at := round(x(line.place(m)))
			d.AddRectFilled(vec2{X: at - 1, Y: y - t.px(7)}, vec2{X: at + 1, Y: y + t.px(7)}, t.packed(t.theme.text))
		}
	}
	if i.hovered && !i.held && hot {
		d.AddRectFilled(vec2{X: round(mouse), Y: y - t.px(5)}, vec2{X: round(mouse) + 1, Y: y + t.px(5)}, t.packed(t.theme.text))
	}
	if st.Seekable {
		size := t.px(5)
		if hot {
			size = t.px(7)
		}
		if i.held {
			d.AddCircleFilled(vec2{X: knob, Y: y}, size+t.px(4), t.packed(alpha(t.theme.accent, 0.25)))
		}
		d.AddCircleFilled(vec2{X: knob, Y: y}, size, t.packed(t.theme.accent))
	}
	if hot {
		words := timeText(under.at, line.length)
		if under.frame >= 0 {
			words += "  #" + strconv.FormatInt(under.frame, 10)
		}
		t.tooltipAt(vec2{X: mouse, Y: b.tipY(v, i.a.Y)}, 1, func() { t.label(words, mono, t.theme.text) })
	}
}

// tipY is the lower edge of what is said over the bar, which begins below y.
func (b *bar) tipY(v *view, y float32) float32 { return min(y, float32(b.box.y0)) - v.tk.px(5) }

// seek asks for a place.
func (b *bar) seek(v *view, to target) {
	v.ask(player.Command{Do: player.SeekTo, Time: to.seek})
	b.aiming, b.aim, b.from, b.aimAt = true, to, v.st.Position, v.m.Now
}

// turned does what the wheel was turned for.
func (b *bar) turned(v *view, line timeline) {
	for _, e := range b.wheels {
		notches := min(max(e.WheelX+e.WheelY, -100), 100)
		switch {
		case b.volumeBox.has(e.X, e.Y):
			v.ask(player.Command{Do: player.VolumeBy, Amount: 0.05 * notches})
		case b.seekBox.has(e.X, e.Y) && v.st.Seekable:
			b.notches += notches // touch pads turn by parts of one
			if n := int(b.notches); n != 0 {
				b.notches -= float64(n)
				b.seek(v, line.step(b.position(v), n, e.Mods&render.ModShift != 0))
			}
		}
	}
	b.wheels = b.wheels[:0]
}

// noteVolume remembers that the wheel over the item laid out last turns the volume.
func (b *bar) noteVolume(silent string) {
	if silent == "" {
		p, q := imgui.ItemRectMin(), imgui.ItemRectMax()
		b.volumeBox = b.volumeBox.or(box{pixel(p.X), pixel(p.Y), pixel(q.X), pixel(q.Y)})
	}
}

// explainSilence says why the item laid out last is dead. Dear ImGui does not tell
// that the pointer is over such an item.
func (b *bar) explainSilence(v *view, silent string) {
	p, q := imgui.ItemRectMin(), imgui.ItemRectMax()
	over := box{pixel(p.X), pixel(p.Y), pixel(q.X), pixel(q.Y)}
	if silent != "" && b.in && over.has(b.x, b.y) {
		v.tk.tip(silent)
	}
}

// speeds are those that can be chosen.
var speeds = []float64{0.25, 0.5, 1, 1.25, 1.5, 2, 4}

// speed is the button of the speed and what it opens.
func (b *bar) speed(v *view, z barSizes, s slot) {
	t := v.tk
	imgui.SetCursorScreenPos(vec2{X: round(s.x), Y: round(b.row - z.button/2)})
	i := t.hit("speed", vec2{X: s.width, Y: z.button})
	if w, ok := t.wash(i); ok {
		imgui.WindowDrawList().AddRectFilledV(i.a, i.b, t.packed(w), z.button/2, imgui.DrawFlagsRoundCornersAll)
	}
	c := t.theme.grey
	if v.st.Speed != 1 {
		c = t.theme.accent
	}
	t.writeIn(i.a, i.b, 0.5, speedText(v.st.Speed), mono, c)
	if i.clicked {
		imgui.OpenPopup("speeds")
	} else if i.hovered && !b.popup {
		t.tip("Speed  [ ]")
	}
	words, at, each := make([]string, len(speeds)), -1, float32(0)
	for k, f := range speeds {
		words[k] = speedText(f)
		each = max(each, t.measure(words[k], body).X+t.px(18))
		if math.Abs(f-v.st.Speed) < 0.005 {
			at = k
		}
	}
	pad := t.px(6)
	wide := float32(math.Ceil(float64(each)))*float32(len(speeds)) + 2*pad
	x := min(max((i.a.X+i.b.X-wide)/2, z.margin), float32(v.m.W)-z.margin-wide)
	high := t.px(30) + 2*pad
	imgui.SetNextWindowPosV(vec2{X: round(x), Y: max(float32(b.box.y0)-high-t.px(6), 0)}, imgui.ConditionAlways, vec2{})
	imgui.SetNextWindowSizeV(vec2{X: wide, Y: high}, imgui.ConditionAlways)
	t.popupV("speeds", vec2{X: pad, Y: pad}, imgui.WindowFlagsNoScrollbar, func() {
		b.popup = true
		if k, changed := t.segmented("speeds", words, at, wide-2*pad); changed {
			v.ask(player.Command{Do: player.SetSpeed, Factor: speeds[k]})
			imgui.CloseCurrentPopup()
		}
	})
}

// speedText writes a speed as "1x" or "1.25x".
func speedText(f float64) string {
	s := strconv.FormatFloat(f, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + "x"
}

// frameText is "#310 of 1500", or less if less is known.
func frameText(n int64, line timeline) string {
	switch whole := line.frames(); {
	case !line.rate.Known() || n < 0:
		return ""
	case whole == 0:
		return "#" + strconv.FormatInt(n, 10)
	default:
		return fmt.Sprintf("#%d of %d", n, whole)
	}
}

// delayText tells how far behind its sender a live source is, as far as is known.
func delayText(st *player.Status) (words, tip string) {
	ms := func(d time.Duration) string {
		if d >= 10*time.Second {
			return fmt.Sprintf("%.1f s", d.Seconds())
		}
		return fmt.Sprintf("%3d ms", max(d, 0)/time.Millisecond) // keeps its width
	}
	l := st.Live
	switch {
	case l == nil:
		return "", ""
	case l.Captured:
		return "delay " + ms(l.ToScreen), "From the sender's clock to the screen"
	case l.Target+l.Behind > 0:
		return "buffer " + ms(l.Target+l.Behind), "What is held here, aiming at " + ms(l.Target) + "; how long the way here takes is not known"
	}
	return "", ""
}

// lossNow is the share of the packets of the last second that got lost, of the track
// that fares worst; false if nobody counts them.
func lossNow(st *player.Status) (loss float64, ok bool) {
	if st.Live == nil || !st.Live.Received {
		return 0, false
	}
	for _, t := range st.Live.Reception.Tracks {
		loss, ok = max(loss, t.LossNow), true
	}
	return loss, ok
}

func lossText(loss float64) string { return fmt.Sprintf("%.1f %% lost", 100*loss) }

func percent(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }

// silence says why nothing can be heard whatever the volume; empty if it can.
func silence(st *player.Status) string {
	switch {
	case st.NoSound != "":
		return st.NoSound
	case !st.HasSound:
		return "There is no sound in this source"
	}
	return ""
}

// volumeIcon is the loudspeaker for a volume.
func volumeIcon(st *player.Status) icon {
	switch {
	case st.Muted || st.Volume <= 0:
		return iconVolumeMute
	case st.Volume < 0.5:
		return iconVolumeLow
	}
	return iconVolumeHigh
}
