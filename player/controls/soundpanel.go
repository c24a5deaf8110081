package controls

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/audio/analysis"
	"planar/demux/guess"
	"planar/player"
	"planar/render"
)

// soundPanel shows the sound: the waveform or the spectrum of all of it, levels and
// channels. It begins to read a source's sound when it is first drawn for it.
type soundPanel struct {
	scan     *soundScan
	source   string      // that the rest is of
	stream   int         // of it
	raw      guess.Sound // what it is taken for, if it has no header
	zoom     zoomed
	before   time.Duration // the playhead in the last drawing
	spectrum bool          // instead of the waveform
	log      bool          // its frequencies
	main     soundPicture
	strip    soundPicture  // the overview
	seen     soundLayout   // of the last drawing
	frame    uint64        // of the last drawing
	sought   time.Duration // while the pointer is held: where to
	soughtAt time.Duration // when that was asked for
	news     atomic.Bool   // something is there that a goroutine has brought

	auto     bool   // it has opened by itself
	declined bool   // and was closed then
	offered  string // the source that it was looked at for that
}

// meterEvery is how often levels are drawn while they move.
const meterEvery = 40 * time.Millisecond

// seekEvery is how often a seek is asked for while the pointer is dragged: as often
// as one can be done.
const seekEvery = 80 * time.Millisecond

// observe opens the panel by itself for what is sound alone, and has what a
// goroutine brought drawn.
func (s *soundPanel) observe(c *Controls, m player.Moment) {
	if s.news.Swap(false) || c.devices.news.Swap(false) {
		c.dirty = true
	}
	if s.auto && !c.panels.sound {
		s.auto, s.declined = false, true
	}
	switch {
	case m.Frame >= 0:
		if s.auto { // pictures after all
			s.auto, c.panels.sound = false, false
		}
		return
	case s.auto || s.declined || c.o.Show == "never" || m.State == player.Idle || m.State == player.Opening:
		return
	}
	st := m.Status()
	if st.HasSound && !st.HasVideo && st.Name != s.offered {
		s.offered = st.Name
		if !c.panels.sound {
			s.auto, c.panels.sound = true, true
		}
	}
}

// close ends the goroutines.
func (s *soundPanel) close() {
	if s.scan != nil {
		s.scan.cancel()
	}
}

// attend makes the panel one of a source.
func (s *soundPanel) attend(v *view) {
	raw, _ := v.o.rawSound(v.st.Name)
	if v.st.Name == s.source && raw.Sound == s.raw && (v.st.Sound == s.stream || v.st.Sound < 0) && s.scan != nil {
		return
	}
	if s.scan != nil {
		s.scan.cancel()
	}
	s.source, s.stream, s.raw = v.st.Name, v.st.Sound, raw.Sound
	s.zoom, s.before = zoomed{}, 0
	if v.st.IsLive || !v.st.Seekable {
		s.scan = &soundScan{name: s.source, cancel: func() {}, done: true, err: errNoScan}
		return
	}
	o := v.o
	o.Wake = func() {
		s.news.Store(true)
		if v.o.Wake != nil {
			v.o.Wake()
		}
	}
	s.scan = scanSound(&o, s.source, s.stream)
}

func (s *soundPanel) build(v *view) {
	t := v.tk
	if s.frame == 0 || s.frame+1 < t.frames { // it has just been opened
		v.devices.fetch(&v.o)
	}
	s.frame = t.frames
	w, h := float32(t.w), float32(t.h)
	margin, bar := t.px(12), t.px(104) // what the controller takes
	tiny := w < t.px(480) || h < t.px(360)
	if tiny {
		margin, bar = t.px(6), 0
	}
	size := vec2{X: w - 2*margin, Y: h - bar - 2*margin}
	if v.st.HasVideo || tiny {
		if !tiny {
			high := t.px(320 + 26*min(float32(max(v.st.Channels.Count-2, 0)), 6))
			if v.st.IsLive {
				high = t.px(150 + 26*min(float32(v.st.Channels.Count), 8))
			}
			size = vec2{X: min(t.px(900), size.X), Y: min(high, size.Y)}
		}
		pos := vec2{X: w - margin - size.X, Y: h - bar - margin - size.Y}
		t.panel("Sound", &v.panels.sound, pos, size, 0, func() { s.inside(v) })
		return
	}
	// There are no pictures: it is what the window shows, below the other panels.
	imgui.SetNextWindowPosV(vec2{X: margin, Y: margin}, imgui.ConditionAlways, vec2{})
	imgui.SetNextWindowSizeV(size, imgui.ConditionAlways)
	imgui.BeginV("Sound in the window", nil, panelFlags|imgui.WindowFlagsNoMove|imgui.WindowFlagsNoResize|imgui.WindowFlagsNoBringToFrontOnFocus)
	t.titleBar("Sound", &v.panels.sound)
	imgui.BeginChildV("body", vec2{}, false, imgui.WindowFlagsNoNav)
	s.inside(v)
	imgui.EndChild()
	imgui.End()
}

// soundLayout is where the parts of the panel lie.
type soundLayout struct {
	rows    int
	area    [2]vec2 // the waveform's corners, or those of level meters alone
	heads   float32 // the left edge of the channels' names and buttons
	meters  [2]vec2
	ruler   float32 // its upper edge
	over    float32 // the overview's, 0 if there is none
	bottom  float32
	pitch   float32 // from meter to meter
	numbers bool    // there is room for them above the meters
}

// place lays the panel out: below the tools, from p on, in a room of size.
func (s *soundPanel) place(t *toolkit, p, size vec2, rows, meters int, waves bool) soundLayout {
	l := soundLayout{rows: max(rows, 1), heads: p.X}
	narrow := size.X < t.px(440)
	switch {
	case narrow:
		l.pitch = t.px(14)
	case meters <= 2:
		l.pitch, l.numbers = t.px(40), true
	case meters <= 8:
		l.pitch, l.numbers = t.px(26), true
	default:
		l.pitch = t.px(12)
	}
	ruler, over := t.px(20), float32(0)
	if waves && size.Y >= t.px(190) {
		over = t.px(30)
	}
	high := round(max(size.Y-ruler-over, t.px(60), t.px(15)*float32(l.rows)))
	p, size.X = vec2{X: round(p.X), Y: round(p.Y)}, round(size.X)
	left, right := p.X+t.px(84), p.X+size.X
	if waves {
		wide := t.px(24) + l.pitch*float32(max(meters, 1))
		wide = min(wide, round(size.X/3))
		l.meters = [2]vec2{{X: right - wide, Y: p.Y}, {X: right, Y: p.Y + high}}
		right -= wide + t.px(8)
	}
	l.area = [2]vec2{{X: left, Y: p.Y}, {X: max(right, left+t.px(20)), Y: p.Y + high}}
	l.ruler = p.Y + high
	l.bottom = l.ruler + ruler
	if over > 0 {
		l.over = l.bottom + t.px(4)
		l.bottom += over
	}
	return l
}

// row is the upper and the lower edge of a channel's row.
func (l *soundLayout) row(i int) (y0, y1 float32) {
	high := l.area[1].Y - l.area[0].Y
	return l.area[0].Y + round(high*float32(i)/float32(l.rows)), l.area[0].Y + round(high*float32(i+1)/float32(l.rows))
}

func (s *soundPanel) inside(v *view) {
	t, st := v.tk, v.st
	if !st.HasSound {
		t.note("This source has no sound.")
		return
	}
	if st.Sound < 0 {
		t.note("No track of the sound is chosen: a plays the next one.")
		return
	}
	s.attend(v)
	scan := s.scan.look()
	waves := scan.err == nil || scan.channels > 0
	watchLoudness(st)
	var levels []analysis.Level
	if st.Levels != nil {
		levels = st.Levels()
	}
	if v.m.State == player.Playing && st.Levels != nil {
		v.again(meterEvery, v.m.Now)
	}
	if !scan.done {
		v.again(200*time.Millisecond, v.m.Now) // its progress
	}

	s.zoom = s.zoom.resize(max(scan.length, unfinished(&scan, st.Duration)))
	note := ""
	switch {
	case waves:
	case st.IsLive:
		note = "Levels only: the source is live"
	default:
		note = "Levels only: " + scan.err.Error()
	}
	s.tools(v, waves, note)
	if st.NoSound != "" {
		t.label(t.elide(st.NoSound, small, t.room()), small, t.theme.warn)
	}
	p, room := imgui.CursorScreenPos(), imgui.ContentRegionAvail()
	room.Y -= 1
	meters := len(levels)
	if meters == 0 {
		meters = st.Channels.Count
	}
	l := s.place(t, p, room, max(st.Channels.Count, scan.channels), meters, waves)
	s.seen = l
	s.heads(v, &l)
	if waves {
		s.wave(v, &scan, &l)
		s.meters(v, l.meters[0], l.meters[1], levels, meters, &l)
	} else {
		s.wideMeters(v, levels, meters, &l)
	}
	imgui.SetCursorScreenPos(vec2{X: p.X, Y: l.bottom - 1})
	imgui.Dummy(vec2{X: 1, Y: 1})
	s.before = st.Position
}

// unfinished is how long a source is said to be, as long as its sound has not been
// read to the end.
func unfinished(scan *scanned, whole time.Duration) time.Duration {
	if scan.done && scan.err == nil {
		return 0
	}
	return whole
}

// tools is the line with what can be chosen, or with a note.
func (s *soundPanel) tools(v *view, waves bool, note string) {
	t := v.tk
	high := t.px(32)
	narrow := t.room() < t.px(560)
	line := t.strip(high)
	if waves && narrow {
		line.next(high, 0)
		if t.iconButtonV("waveform", iconWave, "Waveform", iconLook{size: high, on: !s.spectrum, dim: true}) {
			s.spectrum = false
		}
		line.next(high, 0)
		if t.iconButtonV("spectrum", iconActivity, "Spectrogram", iconLook{size: high, on: s.spectrum, dim: true}) {
			s.spectrum = true
		}
	} else if waves {
		line.next(t.px(30), 0)
		which := 0
		if s.spectrum {
			which = 1
		}
		which, _ = t.segmented("what", []string{"Waveform", "Spectrogram"}, which, 0)
		s.spectrum = which == 1
	}
	if waves && s.spectrum {
		line.next(t.px(30), t.px(8))
		if narrow {
			if t.iconButtonV("log", iconRuler, "Logarithmic frequencies", iconLook{size: t.px(30), on: s.log, dim: true}) {
				s.log = !s.log
			}
		} else {
			which := 0
			if s.log {
				which = 1
			}
			which, _ = t.segmented("axis", []string{"Linear", "Log"}, which, 0)
			s.log = which == 1
		}
	}
	if waves && !s.zoom.all() {
		line.next(high, t.px(4))
		if t.iconButtonV("all", iconZoomOut, "Show all of it", iconLook{size: high, dim: true}) {
			s.zoom = zoomed{0, s.zoom.whole, s.zoom.whole}
		}
	}
	if wide := t.px(170); v.st.Channels.Count >= 2 && !narrow && line.left(t.px(252)) >= wide+t.px(12) {
		line.next(high, t.px(12))
		s.mapping(v, wide)
	}
	if note != "" {
		device := t.px(252)
		if narrow {
			device = t.px(110)
		}
		line.text(t.elide(note, small, line.left(device)-t.px(12)), small, t.theme.grey, t.px(12))
	}
	if text := loudnessLine(v.st.Loudness); text != "" && t.measure(text, small).X < line.left(t.px(240+24)) {
		line.text(text, small, t.theme.grey, t.px(14))
	}
	if wide := min(t.px(240), line.left(0)-t.px(12)); wide >= t.px(84) {
		names, at := v.devices.choices(v.st.Device)
		line.right(wide, high)
		if k, changed := t.combo("device", names, at, wide); changed {
			name := names[k]
			if k == 0 {
				name = ""
			}
			v.ask(player.Command{Do: player.SetDevice, Text: name})
		}
	}
	line.end()
}

// heads draws the channels' names and what silences them.
func (s *soundPanel) heads(v *view, l *soundLayout) {
	t, ch := v.tk, v.st.Channels
	for i, name := range channelNames(l.rows) {
		y0, y1 := l.row(i)
		size := min(t.px(21), y1-y0-2)
		muted, solo := ch.Muted>>i&1 != 0, ch.Soloed>>i&1 != 0
		ink := t.theme.text
		if muted || ch.Soloed != 0 && !solo {
			ink = t.theme.faint
		}
		t.writeIn(vec2{X: l.heads, Y: y0}, vec2{X: l.heads + t.px(30), Y: y1}, 0, name, small, ink)
		if i >= 32 || i >= ch.Count {
			continue // the masks have no more
		}
		imgui.PushIDInt(i)
		at := vec2{X: l.heads + t.px(31), Y: round((y0 + y1 - size) / 2)}
		if s.letter(t, at, "M", "Mute "+name, muted, t.theme.bad, size) {
			v.ask(player.Command{Do: player.MuteChannel, Index: i})
		}
		at.X += t.px(24)
		if s.letter(t, at, "S", "Solo "+name, solo, t.theme.accent, size) {
			v.ask(player.Command{Do: player.SoloChannel, Index: i})
		}
		imgui.PopID()
	}
}

// letter is a small button.
func (s *soundPanel) letter(t *toolkit, at vec2, what, tip string, on bool, c colour, size float32) bool {
	imgui.SetCursorScreenPos(at)
	i := t.hit(what, vec2{X: t.px(21), Y: size})
	d := imgui.WindowDrawList()
	back, ink := t.theme.raised, t.theme.grey
	if on {
		back, ink = c, t.theme.onAccent
	}
	d.AddRectFilledV(i.a, i.b, t.packed(back), t.px(4), imgui.DrawFlagsRoundCornersAll)
	if w, ok := t.wash(i); ok {
		d.AddRectFilledV(i.a, i.b, t.packed(w), t.px(4), imgui.DrawFlagsRoundCornersAll)
	}
	t.writeIn(i.a, i.b, 0.5, what, small, ink)
	if i.hovered && !i.held {
		t.tip(tip)
	}
	return i.clicked
}

// soundKey is what a picture of the sound depends on.
type soundKey struct {
	peaks         *analysis.Peaks
	w, h          int
	from, to      time.Duration
	read          time.Duration
	done          bool
	spectrum, log bool
	silent        uint32 // channels that are not heard
	rows          int
}

// soundPicture is a bitmap that is drawn anew only when what it shows changes.
type soundPicture struct {
	key     soundKey
	bitmap  render.Bitmap
	version uint64
}

// get is the texture for a key. draw is called if it is a new one.
func (p *soundPicture) get(t *toolkit, name string, key soundKey, draw func(b render.Bitmap)) imgui.TextureID {
	key.w, key.h = min(max(key.w, 1), maxImage), min(max(key.h, 1), maxImage)
	if p.key != key || p.version == 0 {
		if p.key.w != key.w || p.key.h != key.h || p.version == 0 {
			p.bitmap = render.NewBitmap(key.w, key.h)
		}
		p.key = key
		p.version++
		draw(p.bitmap)
	}
	return t.image(name, p.bitmap, p.version)
}

// silent is which channels are not heard.
func silent(ch player.ChannelStatus) uint32 {
	mask := ch.Muted
	if ch.Soloed != 0 {
		mask |= ^ch.Soloed
	}
	return mask
}

// inks are the colours of a waveform on nearly black.
func inks(t *toolkit, heard bool) waveInk {
	back := rgb(0x0b0c0e)
	c := t.theme.accent
	if !heard {
		c = t.theme.faint
	}
	return waveInk{
		back: inkOf(back, back), middle: inkOf(alpha(t.theme.text, 0.14), back),
		peak: inkOf(alpha(c, 0.48), back), rms: inkOf(c, back), clip: inkOf(t.theme.bad, back),
	}
}

// wave draws the waveform or the spectrogram, the ruler and the overview, and seeks
// and zooms.
func (s *soundPanel) wave(v *view, scan *scanned, l *soundLayout) {
	t, st := v.tk, v.st
	a, b := l.area[0], l.area[1]
	s.zoom = s.zoom.follow(s.before, st.Position)
	imgui.SetCursorScreenPos(a)
	i := t.hit("wave", vec2{X: b.X - a.X, Y: b.Y - a.Y})
	released := imgui.IsItemDeactivated()
	mouse := imgui.MousePos()
	x := float64(min(max((mouse.X-a.X)/(b.X-a.X), 0), 1))
	if i.hovered {
		s.wheel(t, x)
	}
	playhead := st.Position
	if (i.held || released) && st.Seekable && s.zoom.whole > 0 {
		playhead = s.seek(v, s.zoom.at(x), released)
	}

	d := imgui.WindowDrawList()
	key := soundKey{
		peaks: scan.peaks, w: int(b.X - a.X), h: int(b.Y - a.Y), from: s.zoom.from, to: s.zoom.to, read: scan.read, done: scan.done,
		spectrum: s.spectrum, log: s.log && s.spectrum, silent: silent(st.Channels), rows: l.rows,
	}
	if s.spectrum {
		key.silent = 0
		if !scan.done { // it takes 20 ms: fifty times in all
			key.read = scan.read.Truncate(max(s.zoom.whole/50, 1))
		}
	}
	d.AddImage(s.main.get(t, "sound", key, func(bm render.Bitmap) { s.draw(t, bm, scan, l, key) }), a, b)
	if s.spectrum {
		s.frequencies(t, scan, a, b)
	}
	if scan.channels == 0 || !scan.done {
		s.reading(t, scan, a, b)
	} else if scan.err != nil {
		t.write(vec2{X: a.X + t.px(8), Y: b.Y - t.px(22)}, t.elide("Not read to its end: "+scan.err.Error(), small, b.X-a.X-t.px(16)), small, t.theme.warn)
	}
	s.ruler(t, a, b, l.ruler)
	d.PushClipRectV(a, vec2{X: b.X, Y: l.ruler + t.px(20)}, true)
	at := func(x time.Duration) float32 { return round(a.X + (b.X-a.X)*float32(min(max(s.zoom.place(x), -1), 2))) }
	s.loop(t, st, at, a, b)
	s.playhead(t, at(playhead), a.Y, b.Y)
	d.PopClipRect()
	if i.hovered || i.held {
		s.explain(v, scan, l, x, mouse)
	}
	if l.over > 0 {
		s.overview(v, scan, l, playhead)
	}
}

// playhead is where playback is.
func (s *soundPanel) playhead(t *toolkit, x, top, bottom float32) {
	d, r := imgui.WindowDrawList(), t.px(4)
	crisp(d, vec2{X: x - 1, Y: top}, vec2{X: x + 1, Y: bottom}, t.packed(t.theme.text))
	d.AddTriangleFilled(vec2{X: x - r, Y: top}, vec2{X: x + r, Y: top}, vec2{X: x, Y: top + r + 1}, t.packed(t.theme.text))
}

// wheel zooms about the pointer, and moves what is shown with Shift. Where the panel
// is so low that it scrolls, zooming wants Ctrl.
func (s *soundPanel) wheel(t *toolkit, x float64) {
	side, up := t.io.MouseWheel()
	if t.io.KeyShiftPressed() {
		side, up = side-up, 0
	}
	if side != 0 {
		s.zoom = s.zoom.pan(0.12 * float64(side))
	}
	if up != 0 && (imgui.ScrollMaxY() == 0 || t.io.KeyCtrlPressed()) {
		s.zoom = s.zoom.zoom(x, math.Pow(0.8, float64(min(max(up, -10), 10))))
	}
}

// seek asks for a place, and returns it.
func (s *soundPanel) seek(v *view, to time.Duration, released bool) time.Duration {
	to = min(max(to, 0), s.zoom.whole)
	if (to != s.sought || s.soughtAt == 0) && (released || v.m.Now-s.soughtAt >= seekEvery) {
		s.sought, s.soughtAt = to, v.m.Now
		v.ask(player.Command{Do: player.SeekTo, Time: to})
	}
	if released {
		s.soughtAt = 0
	}
	return to
}

// draw draws the waveforms of all channels, or the spectrogram.
func (s *soundPanel) draw(t *toolkit, b render.Bitmap, scan *scanned, l *soundLayout, k soundKey) {
	if scan.peaks == nil || scan.channels == 0 {
		fillBitmap(b, inks(t, true).back)
		return
	}
	if k.spectrum {
		drawSpectrum(b, scan.spec.Columns(k.from, k.to, b.Width), scan.spec.Rate(), k.log, inks(t, true).back)
		return
	}
	fillBitmap(b, inks(t, true).back)
	for c := range scan.channels {
		y0, y1 := l.row(c)
		r := render.Rect{Y: int(y0 - l.area[0].Y), W: b.Width, H: int(y1 - y0)}
		r.H = min(r.H, b.Height-r.Y)
		if r.H < 1 {
			break
		}
		drawWave(b.Sub(r), scan.peaks.Columns(c, k.from, k.to, b.Width), inks(t, k.silent>>min(c, 31)&1 == 0))
		if c > 0 { // a line between two channels
			line := b.Sub(render.Rect{Y: r.Y, W: b.Width, H: 1})
			line.Height = 1
			fillBitmap(line, inkOf(alpha(t.theme.text, 0.1), rgb(0x0b0c0e)))
		}
	}
}

// reading tells how far the sound has been read.
func (s *soundPanel) reading(t *toolkit, scan *scanned, a, b vec2) {
	text := "Reading the sound…"
	switch {
	case scan.progress > 0:
		text += fmt.Sprintf(" %2.0f %%", 100*scan.progress)
	case scan.read > 0:
		text += " " + tickText(scan.read, time.Second)
	}
	w := min(t.px(220), b.X-a.X-t.px(16))
	if w < t.px(40) {
		return
	}
	p := vec2{X: a.X + t.px(8), Y: b.Y - t.px(36)}
	d := imgui.WindowDrawList()
	d.AddRectFilledV(p, vec2{X: p.X + w, Y: p.Y + t.px(30)}, t.packed(alpha(t.theme.panel, 0.85)), t.px(5), imgui.DrawFlagsRoundCornersAll)
	t.write(vec2{X: p.X + t.px(8), Y: p.Y + t.px(3)}, t.elide(text, small, w-t.px(16)), small, t.theme.text)
	from, to := vec2{X: p.X + t.px(8), Y: p.Y + t.px(22)}, vec2{X: p.X + w - t.px(8), Y: p.Y + t.px(25)}
	crisp(d, from, to, t.packed(t.theme.press))
	to.X = from.X + (to.X-from.X)*float32(scan.progress)
	crisp(d, from, to, t.packed(t.theme.accent))
}

// frequencies writes the axis of a spectrogram.
func (s *soundPanel) frequencies(t *toolkit, scan *scanned, a, b vec2) {
	rate := 0
	if scan.spec != nil {
		rate = scan.spec.Rate()
	}
	if rate <= 0 {
		return
	}
	marks := []float64{0, 1000, 5000, 10000, 15000, 20000, 30000, 40000}
	if s.log {
		marks = []float64{20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 40000}
	}
	d := imgui.WindowDrawList()
	high := t.measure("0", small).Y
	last := b.Y + high
	for _, f := range marks {
		y := round(b.Y - (b.Y-a.Y)*float32(heightOf(f, rate, s.log)))
		if y < a.Y || y > b.Y {
			continue
		}
		crisp(d, vec2{X: a.X, Y: y - 1}, vec2{X: b.X, Y: y}, t.packed(alpha(t.theme.text, 0.1)))
		text := min(max(y-high/2, a.Y), b.Y-high)
		if last-text < high {
			continue
		}
		last = text
		label := fmt.Sprintf("%g", f)
		if f >= 1000 {
			label = fmt.Sprintf("%gk", f/1000)
		}
		q := vec2{X: a.X + t.px(5), Y: text}
		m := t.measure(label, small)
		d.AddRectFilledV(vec2{X: q.X - t.px(3), Y: q.Y}, vec2{X: q.X + m.X + t.px(3), Y: q.Y + m.Y}, imgui.PackedColorFromVec4(colour{W: 0.5}), t.px(3), imgui.DrawFlagsRoundCornersAll)
		t.write(q, label, small, t.theme.text)
	}
}

// ruler draws the times below.
func (s *soundPanel) ruler(t *toolkit, a, b vec2, y float32) {
	if s.zoom.whole <= 0 {
		return
	}
	d := imgui.WindowDrawList()
	n := int((b.X - a.X) / t.px(66))
	step := tickStep(s.zoom.span(), n)
	end := a.X
	for at := (s.zoom.from + step - 1) / step * step; at <= s.zoom.to; at += step {
		x := round(a.X + (b.X-a.X)*float32(s.zoom.place(at)))
		crisp(d, vec2{X: x, Y: y}, vec2{X: x + 1, Y: y + t.px(5)}, t.packed(t.theme.grey))
		text := tickText(at, step)
		m := t.measure(text, small)
		q := min(max(x-m.X/2, a.X), b.X-m.X)
		if q < end {
			continue
		}
		end = q + m.X + t.px(8)
		t.write(vec2{X: round(q), Y: y + t.px(4)}, text, small, t.theme.grey)
	}
}

// loop marks the part that is repeated.
func (s *soundPanel) loop(t *toolkit, st *player.Status, at func(time.Duration) float32, a, b vec2) {
	d := imgui.WindowDrawList()
	mark := func(x time.Duration, letter string) {
		if x == player.NoLoop {
			return
		}
		px := at(x)
		crisp(d, vec2{X: px - 1, Y: a.Y}, vec2{X: px + 1, Y: b.Y}, t.packed(t.theme.good))
		t.write(vec2{X: px + t.px(4), Y: a.Y + t.px(1)}, letter, small, t.theme.good)
	}
	if st.LoopA != player.NoLoop && st.LoopB != player.NoLoop {
		crisp(d, vec2{X: at(st.LoopA), Y: a.Y}, vec2{X: at(st.LoopB), Y: b.Y}, t.packed(alpha(t.theme.good, 0.13)))
	}
	mark(st.LoopA, "A")
	mark(st.LoopB, "B")
}

// explain tells the time and the level that the pointer is at.
func (s *soundPanel) explain(v *view, scan *scanned, l *soundLayout, x float64, mouse vec2) {
	t := v.tk
	a, b := l.area[0], l.area[1]
	at := s.zoom.at(x)
	px := round(a.X + float32(x)*(b.X-a.X))
	crisp(imgui.WindowDrawList(), vec2{X: px, Y: a.Y}, vec2{X: px + 1, Y: b.Y}, t.packed(alpha(t.theme.text, 0.45)))
	text := ""
	each := s.zoom.span() / time.Duration(max(b.X-a.X, 1))
	y := min(max((mouse.Y-a.Y)/max(b.Y-a.Y, 1), 0), 0.999)
	switch {
	case scan.channels == 0:
	case s.spectrum:
		f := hertz(float64(1-y), scan.spec.Rate(), s.log)
		text = fmt.Sprintf("%.0f Hz", f)
		if c := scan.spec.Columns(at, at+max(each, 1), 1)[0]; c != nil {
			bin := min(int(f*2*analysis.Bins/float64(max(scan.spec.Rate(), 1))), analysis.Bins-1)
			text += fmt.Sprintf("   %.0f dBFS", analysis.Level2dB(c[bin]))
		}
	default:
		row := min(int(y*float32(l.rows)), l.rows-1)
		if c := scan.peaks.Columns(row, at, at+max(each, 1), 1)[0]; c.Known {
			text = fmt.Sprintf("%s   peak %s, RMS %s", channelNames(l.rows)[row], decibels(analysis.DB(float64(max(c.Max, -c.Min))), 1), decibels(analysis.DB(float64(c.RMS)), 1))
		}
	}
	t.tooltipAt(vec2{X: px, Y: a.Y - t.px(4)}, 1, func() {
		t.label(player.ClockText(at), mono, t.theme.text)
		if text != "" {
			t.label(text, small, t.theme.grey)
		}
	})
}

// decibels is a level as people read it.
func decibels(db float64, digits int) string {
	if db <= analysis.Floor {
		return "−∞"
	}
	return fmt.Sprintf("%.*f", digits, db)
}

// overview draws all of the sound, with what is shown above in a frame. Dragging
// moves that.
func (s *soundPanel) overview(v *view, scan *scanned, l *soundLayout, playhead time.Duration) {
	t := v.tk
	a := vec2{X: l.area[0].X, Y: l.over}
	b := vec2{X: l.area[1].X, Y: l.bottom}
	imgui.SetCursorScreenPos(a)
	i := t.hit("overview", vec2{X: b.X - a.X, Y: b.Y - a.Y})
	if i.held && s.zoom.whole > 0 {
		x := float64((imgui.MousePos().X - a.X) / (b.X - a.X))
		s.zoom = s.zoom.move(time.Duration(x*float64(s.zoom.whole)) - s.zoom.at(0.5))
	}
	if i.hovered {
		s.wheel(t, min(max(s.zoom.place(s.before), 0), 1))
	}
	d := imgui.WindowDrawList()
	key := soundKey{peaks: scan.peaks, w: int(b.X - a.X), h: int(b.Y - a.Y), to: s.zoom.whole, read: scan.read, done: scan.done}
	d.AddImage(s.strip.get(t, "sound overview", key, func(bm render.Bitmap) {
		if scan.peaks == nil {
			fillBitmap(bm, inks(t, false).back)
			return
		}
		c := inks(t, false)
		c.clip = c.peak
		drawWave(bm, overall(scan.peaks, 0, key.to, bm.Width), c)
	}), a, b)
	at := func(x time.Duration) float32 {
		return round(a.X + (b.X-a.X)*float32(min(max(zoomed{0, s.zoom.whole, s.zoom.whole}.place(x), 0), 1)))
	}
	if !s.zoom.all() {
		from, to := at(s.zoom.from), max(at(s.zoom.to), at(s.zoom.from)+t.px(3))
		shade := imgui.PackedColorFromVec4(colour{W: 0.55})
		crisp(d, a, vec2{X: from, Y: b.Y}, shade)
		crisp(d, vec2{X: to, Y: a.Y}, b, shade)
		crisp(d, vec2{X: from, Y: a.Y}, vec2{X: to, Y: b.Y}, t.packed(alpha(t.theme.accent, 0.1)))
		d.AddRectV(vec2{X: from, Y: a.Y}, vec2{X: to, Y: b.Y}, t.packed(t.theme.accent), t.px(3), imgui.DrawFlagsRoundCornersAll, max(1, t.px(1)))
	}
	x := at(playhead)
	crisp(d, vec2{X: x - 1, Y: a.Y}, vec2{X: x + 1, Y: b.Y}, t.packed(t.theme.text))
}

// The scale of the meters in dBFS. Colours change at the alignment levels of EBU R
// 68 (-18) and at the most that programme peaks may have before a limiter (-6).
const (
	scaleFloor = -60.0
	scaleWarn  = -18.0
	scaleHot   = -6.0
)

// scaleMarks are the levels that are written.
var scaleMarks = [...]float64{0, -6, -12, -18, -24, -36, -48, -60}

// onScale is where a level is: 0 at the floor, 1 at full scale.
func onScale(db float64) float32 {
	if !(db > scaleFloor) {
		return 0
	}
	return float32(min(1-db/scaleFloor, 1))
}

// meter draws a level between two corners: upwards, or to the right if wide.
func (s *soundPanel) meter(t *toolkit, a, b vec2, l analysis.Level, wide bool) {
	d := imgui.WindowDrawList()
	part := func(from, to float32, c colour) {
		if to <= from {
			return
		}
		p, q := vec2{X: a.X, Y: round(b.Y - (b.Y-a.Y)*to)}, vec2{X: b.X, Y: round(b.Y - (b.Y-a.Y)*from)}
		if wide {
			p, q = vec2{X: round(a.X + (b.X-a.X)*from), Y: a.Y}, vec2{X: round(a.X + (b.X-a.X)*to), Y: b.Y}
		}
		crisp(d, p, q, t.packed(c))
	}
	zones := [...]struct {
		from, to float64
		colour   colour
	}{{scaleFloor, scaleWarn, t.theme.good}, {scaleWarn, scaleHot, t.theme.warn}, {scaleHot, 0, t.theme.bad}}
	length := b.Y - a.Y
	if wide {
		length = b.X - a.X
	}
	line := max(t.px(2), 1) / max(length, 1)
	rms, peak, hold := onScale(l.RMS), onScale(l.Peak), onScale(l.Hold)
	for _, z := range zones {
		from, to := onScale(z.from), onScale(z.to)
		part(from, to, alpha(z.colour, 0.13))
		part(from, min(to, rms), z.colour)
		if peak > from && peak <= to {
			part(max(peak-line, 0), peak, z.colour)
		}
		if hold > from && hold <= to && hold > peak+line {
			part(max(hold-line, 0), hold, t.theme.text)
		}
	}
}

// noLevel is of a meter that nothing is fed to.
var noLevel = analysis.Level{Peak: analysis.Floor, RMS: analysis.Floor, Hold: analysis.Floor}

// levelOf is a channel's level, or noLevel if there is none.
func levelOf(levels []analysis.Level, c int) analysis.Level {
	if c < len(levels) {
		return levels[c]
	}
	return noLevel
}

// clipped reports whether a channel has clipped since the lights were put out.
func clipped(levels []analysis.Level, c int) bool { return c < len(levels) && levels[c].Clips > 0 }

// light is what tells that there was clipping.
func (s *soundPanel) light(t *toolkit, a, b vec2, on bool) {
	c := t.theme.press
	if on {
		c = t.theme.bad
	}
	imgui.WindowDrawList().AddRectFilledV(a, b, t.packed(c), t.px(2), imgui.DrawFlagsRoundCornersAll)
}

// meters draws the meters of n channels upright beside the waveform.
func (s *soundPanel) meters(v *view, a, b vec2, levels []analysis.Level, n int, l *soundLayout) {
	t := v.tk
	imgui.SetCursorScreenPos(a)
	i := t.hit("meters", vec2{X: b.X - a.X, Y: l.ruler + t.px(18) - a.Y})
	if i.clicked {
		v.ask(player.Command{Do: player.ClearLevels})
	}
	if i.hovered {
		t.tip("dBFS: bar RMS, line peak; a click puts the clip lights out and measures loudness anew")
	}
	top := a.Y + t.px(9)
	if l.numbers {
		top += t.px(16)
	}
	d := imgui.WindowDrawList()
	left := a.X + t.px(24)
	last := float32(-1e6)
	high := t.measure("0", small).Y
	for _, m := range scaleMarks {
		y := round(b.Y - (b.Y-top)*onScale(m))
		if y-last < high && m != 0 {
			continue
		}
		last = y
		t.writeIn(vec2{X: a.X, Y: y - high}, vec2{X: left - t.px(5), Y: y + high}, 1, fmt.Sprintf("%g", math.Abs(m)), small, t.theme.grey)
	}
	names := channelNames(n)
	for c := range n {
		x0 := left + l.pitch*float32(c)
		if x0+l.pitch > b.X+1 {
			break
		}
		lv := levelOf(levels, c)
		bar := min(l.pitch-t.px(3), t.px(18))
		p := round(x0 + (l.pitch-bar)/2)
		if l.numbers {
			digits := 0
			if l.pitch >= t.px(38) {
				digits = 1
			}
			ink := t.theme.text
			if lv.Hold <= scaleFloor {
				ink = t.theme.grey
			}
			if len(levels) > 0 {
				t.writeIn(vec2{X: x0, Y: a.Y}, vec2{X: x0 + l.pitch, Y: a.Y + t.px(15)}, 0.5, decibels(lv.Hold, digits), small, ink)
			}
		}
		s.light(t, vec2{X: p, Y: top - t.px(8)}, vec2{X: p + bar, Y: top - t.px(3)}, clipped(levels, c))
		s.meter(t, vec2{X: p, Y: top}, vec2{X: p + bar, Y: b.Y}, lv, false)
		if t.measure(names[c], small).X <= l.pitch {
			t.writeIn(vec2{X: x0, Y: b.Y}, vec2{X: x0 + l.pitch, Y: l.ruler + t.px(18)}, 0.5, names[c], small, t.theme.grey)
		}
	}
	for _, m := range scaleMarks[1:] {
		y := round(b.Y - (b.Y-top)*onScale(m))
		crisp(d, vec2{X: left, Y: y}, vec2{X: b.X, Y: y + 1}, t.packed(alpha(t.theme.panel, 0.5)))
	}
}

// wideMeters draws the meters in place of a waveform.
func (s *soundPanel) wideMeters(v *view, levels []analysis.Level, n int, l *soundLayout) {
	t := v.tk
	a, b := l.area[0], l.area[1]
	imgui.SetCursorScreenPos(a)
	if i := t.hit("meters", vec2{X: b.X - a.X, Y: b.Y - a.Y}); i.clicked {
		v.ask(player.Command{Do: player.ClearLevels})
	}
	names := channelNames(n)
	if n != l.rows { // as when the device has fewer channels
		for c := range n {
			a.X = max(a.X, l.area[0].X+t.measure(names[c], small).X+t.px(6))
		}
	}
	number, light := t.px(44), t.px(12)
	b.X = max(b.X-number-light, a.X+t.px(20))
	d := imgui.WindowDrawList()
	for c := range n {
		y0 := a.Y + (b.Y-a.Y)*float32(c)/float32(n)
		y1 := a.Y + (b.Y-a.Y)*float32(c+1)/float32(n)
		thick := min(round((y1-y0)*0.6), t.px(26))
		y := round((y0 + y1 - thick) / 2)
		lv := levelOf(levels, c)
		s.meter(t, vec2{X: a.X, Y: y}, vec2{X: b.X, Y: y + thick}, lv, true)
		for _, m := range scaleMarks {
			if x := round(a.X + (b.X-a.X)*onScale(m)); m > scaleFloor && m < 0 {
				crisp(d, vec2{X: x, Y: y}, vec2{X: x + 1, Y: y + thick}, t.packed(alpha(t.theme.panel, 0.5)))
			}
		}
		s.light(t, vec2{X: b.X + t.px(4), Y: y}, vec2{X: b.X + light, Y: y + thick}, clipped(levels, c))
		if len(levels) > 0 && y1-y0 >= t.px(13) {
			t.writeIn(vec2{X: b.X + light, Y: y0}, vec2{X: b.X + light + number, Y: y1}, 1, decibels(lv.Hold, 1), small, t.theme.text)
		}
		if n != l.rows {
			t.writeIn(vec2{X: l.area[0].X, Y: y0}, vec2{X: a.X, Y: y1}, 0, names[c], small, t.theme.grey)
		}
	}
	last := float32(1e6)
	for _, m := range scaleMarks {
		x := round(a.X + (b.X-a.X)*onScale(m))
		text := fmt.Sprintf("%g", m)
		half := t.measure(text, small).X / 2
		if x+half > last {
			continue
		}
		last = x - half - t.px(6)
		t.write(vec2{X: round(x - half), Y: l.ruler + t.px(3)}, text, small, t.theme.grey)
	}
}
