package controls

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/demux"
	"planar/player"
	"planar/render"
)

// The menu's bounds.
const (
	maxLately = 10 // names below Recent
	maxKeys   = 32 // that wait for a frame, of which there is one after each few
)

// menuDelay is how long the pointer rests on an entry beside an open submenu until
// that closes: as long as the way to the submenu takes across other entries.
const menuDelay = 250 * time.Millisecond

// menu is opened by the right button and by the bar.
//
// It is one popup as large as the window, so that nothing else takes a click while it
// is there, with a child window for each submenu that is open.
type menu struct {
	open  bool
	fresh bool // it is to be opened by the next frame
	leave bool // it is to be closed by the next frame
	out   bool // a button was pressed beside it: it closes when that is released
	x, y  int  // where it was asked for; -1, -1 for the window's middle

	path   []int    // the entries whose submenus are open, from the outermost on
	cursor int      // the entry of the innermost one that keys are at; -1 if none
	keys   []string // pressed since the last frame
	scroll bool     // they have moved the cursor
	mouse  vec2     // in the last frame
	rested menuRest

	files, addresses []string // opened lately

	spots map[string][4]int // where entries are, by "View>Zoom>Fit", if a test wants to know
}

// menuRest is an entry that the pointer rests on, and since when.
type menuRest struct {
	level, entry int
	since        time.Duration
}

// entry is a line of the menu.
type entry struct {
	icon icon
	name string
	key  string // that does the same, as render.Event has it
	side string // instead of the key, in grey
	on   bool   // has a check
	off  bool   // cannot be used now
	line bool   // has a line above it
	sub  []entry
	do   func()
}

// show opens the menu at a place of the window.
func (n *menu) show(c *Controls, x, y int) {
	*n = menu{
		open: true, fresh: true, x: x, y: y, cursor: -1, rested: menuRest{entry: -1},
		spots: n.spots,
	}
	if c.o.Recent != nil {
		n.files, n.addresses = c.o.Recent()
	}
	c.devices.fetch(&c.o)
	c.dirty = true
}

// handle opens the menu, and takes the keys that are for it when it is open.
func (n *menu) handle(c *Controls, e render.Event) bool {
	switch {
	case e.Kind == render.PointerDown && e.Button == render.ButtonRight && !n.open:
		n.show(c, e.X, e.Y)
		return true
	case e.Kind != render.KeyPress:
		return false
	case !n.open:
		if e.Key == "f10" || e.Key == "application" {
			n.show(c, -1, -1)
			return true
		}
		return false
	}
	switch e.Key {
	case "up", "down", "left", "right", "home", "end", "return", "keypad enter", "escape":
		if len(n.keys) < maxKeys {
			n.keys = append(n.keys, e.Key)
		}
		return true
	case "f10", "application":
		n.leave = true
		return true
	}
	// Any other key does what it does, and ends the menu.
	n.leave = true
	c.dirty = true
	return false
}

// build draws the menu.
func (n *menu) build(v *view) {
	if !n.open {
		return
	}
	t := v.tk
	if n.fresh {
		if pressed() { // Dear ImGui would close it at the end of this frame
			v.again(0, v.m.Now)
			return
		}
		imgui.OpenPopup("menu")
		n.fresh = false
	}
	imgui.SetNextWindowPosV(vec2{}, imgui.ConditionAlways, vec2{})
	imgui.SetNextWindowSizeV(vec2{X: float32(t.w), Y: float32(t.h)}, imgui.ConditionAlways)
	imgui.PushStyleVarVec2(imgui.StyleVarWindowPadding, vec2{})
	imgui.PushStyleVarFloat(imgui.StyleVarPopupBorderSize, 0)
	open := imgui.BeginPopupV("menu", imgui.WindowFlagsNoNav|imgui.WindowFlagsNoMove|imgui.WindowFlagsNoBackground|
		imgui.WindowFlagsNoScrollbar|imgui.WindowFlagsNoScrollWithMouse)
	imgui.PopStyleVarV(2)
	if !open {
		n.open = false
		return
	}
	if imgui.IsKeyPressed(imgui.KeyEscape) {
		n.keys = append(n.keys, "escape")
	}
	top := n.entries(v)
	do := n.turn(top)
	if n.spots != nil {
		clear(n.spots)
	}
	if d := n.panes(v, top); d != nil {
		do = d
	}
	if n.leave || do != nil {
		n.open = false
		imgui.CloseCurrentPopup()
	}
	imgui.EndPopup()
	if do != nil {
		do()
	}
	if !n.open {
		v.again(0, v.m.Now) // what it asked for is drawn before it
	} else if v.devices.waiting() {
		v.again(playingEvery, v.m.Now)
	}
}

// level returns the entries of the submenu that is open at a depth, and cuts the path
// where it no longer leads anywhere.
func (n *menu) level(top []entry, depth int) []entry {
	for i := range depth {
		k := n.path[i]
		if k < 0 || k >= len(top) || len(top[k].sub) == 0 || top[k].off {
			n.path = n.path[:i]
			return top
		}
		top = top[k].sub
	}
	return top
}

// turn does what the keys say, and returns what was chosen by them.
func (n *menu) turn(top []entry) (do func()) {
	keys := n.keys
	n.keys, n.scroll = nil, len(keys) > 0
	for _, key := range keys {
		es := n.level(top, len(n.path))
		switch key {
		case "up", "end":
			from := n.cursor
			if key == "end" || from < 0 {
				from = len(es)
			}
			n.cursor = usable(es, from, -1)
		case "down", "home":
			from := n.cursor
			if key == "home" {
				from = -1
			}
			n.cursor = usable(es, from, 1)
		case "right", "return", "keypad enter":
			if n.cursor < 0 || n.cursor >= len(es) || es[n.cursor].off {
				continue
			}
			switch e := es[n.cursor]; {
			case len(e.sub) > 0:
				n.path = append(n.path, n.cursor)
				n.cursor = usable(e.sub, -1, 1)
			case key != "right":
				return e.do
			}
		case "left", "escape":
			if len(n.path) > 0 {
				n.back()
			} else if key == "escape" {
				n.leave = true
			}
		}
	}
	return nil
}

// back closes the innermost submenu.
func (n *menu) back() {
	last := len(n.path) - 1
	n.cursor, n.path = n.path[last], n.path[:last]
}

// usable is the next entry from i on, in steps of by, that can be chosen, around the
// end; -1 if there is none.
func usable(es []entry, i, by int) int {
	for range es {
		i = (i + by + len(es)) % len(es)
		if !es[i].off {
			return i
		}
	}
	return -1
}

// paneSize is the size of a menu's window, and how far down each entry is in it.
func (n *menu) paneSize(t *toolkit, es []entry, back bool) (size vec2, down []float32) {
	pad, row := t.px(6), t.px(29)
	h := pad
	if back {
		h += row + t.px(9)
	}
	w := t.px(130)
	for _, e := range es {
		if e.line && (h > pad) {
			h += t.px(9)
		}
		down = append(down, h)
		h += row
		one := t.px(36) + min(t.measure(e.name, body).X, t.px(300)) + t.px(18)
		switch {
		case len(e.sub) > 0:
			one += t.px(24)
		case e.side != "":
			one += min(t.measure(e.side, small).X, t.px(120)) + t.px(16)
		case e.key != "":
			one += t.measure(keyLabel(e.key), mono).X + t.px(16)
		}
		w = max(w, one)
	}
	return vec2{X: min(round(w+2*pad), float32(t.w)-2*t.px(4)), Y: h + pad}, down
}

// menuPane is a window of the menu.
type menuPane struct {
	at, size vec2
	down     []float32 // where entries begin
	entries  []entry
}

// panes draws the menu and the submenus that are open, and returns what was clicked.
func (n *menu) panes(v *view, top []entry) (do func()) {
	t := v.tk
	n.level(top, len(n.path)) // the path is right from here on
	margin := t.px(4)
	place := func(size vec2) vec2 {
		return vec2{X: min(size.X, float32(t.w)-2*margin), Y: min(size.Y, float32(t.h)-2*margin)}
	}
	inside := func(at, size vec2) vec2 {
		return vec2{
			X: round(max(margin, min(at.X, float32(t.w)-margin-size.X))),
			Y: round(max(margin, min(at.Y, float32(t.h)-margin-size.Y))),
		}
	}
	// beside is where a submenu of an entry is, if there is room beside the menu.
	beside := func(p menuPane, k int, size vec2) (at vec2, ok bool) {
		y := p.at.Y + p.down[k] - t.px(6)
		right, left := p.at.X+p.size.X-t.px(2), p.at.X-size.X+t.px(2)
		switch {
		case right+size.X <= float32(t.w)-margin:
			return inside(vec2{X: right, Y: y}, size), true
		case left >= margin:
			return inside(vec2{X: left, Y: y}, size), true
		}
		return vec2{}, false
	}
	var panes []menuPane
	stacked := false // there is room for one only
	for depth := range len(n.path) + 1 {
		es := n.level(top, depth)
		size, down := n.paneSize(t, es, false)
		p := menuPane{size: place(size), down: down, entries: es}
		if depth == 0 {
			at := vec2{X: float32(n.x), Y: float32(n.y)}
			switch {
			case n.x < 0:
				at = vec2{X: (float32(t.w) - p.size.X) / 2, Y: (float32(t.h) - p.size.Y) / 2}
			case at.Y+p.size.Y > float32(t.h)-margin && at.Y-p.size.Y >= margin:
				at.Y -= p.size.Y
			}
			p.at = inside(at, p.size)
		} else {
			var ok bool
			if p.at, ok = beside(panes[depth-1], n.path[depth-1], p.size); !ok {
				stacked = true
				p.at = panes[0].at
			}
		}
		panes = append(panes, p)
	}
	first := 0
	if stacked {
		first = len(panes) - 1
		p := &panes[first]
		size, down := n.paneSize(t, p.entries, true)
		p.size, p.down = place(size), down
		p.at = inside(p.at, p.size)
	}

	moved := imgui.MousePos() != n.mouse
	n.mouse = imgui.MousePos()
	over := false
	names := ""
	for depth, p := range panes {
		if depth > 0 {
			names += panes[depth-1].entries[n.path[depth-1]].name + ">"
		}
		if depth < first {
			continue
		}
		imgui.SetCursorScreenPos(p.at)
		imgui.PushStyleColor(imgui.StyleColorChildBg, imgui.CurrentStyle().Color(imgui.StyleColorPopupBg))
		imgui.PushStyleVarFloat(imgui.StyleVarChildRounding, t.px(8))
		imgui.PushStyleVarVec2(imgui.StyleVarWindowPadding, vec2{X: t.px(6), Y: t.px(6)})
		imgui.PushStyleVarVec2(imgui.StyleVarItemSpacing, vec2{})
		imgui.BeginChildV("pane"+strconv.Itoa(depth), p.size, true, imgui.WindowFlagsNoNav)
		over = over || imgui.IsWindowHovered()
		if stacked && n.backRow(v, panes[depth-1].entries[n.path[depth-1]].name) {
			n.back()
		}
		for i, e := range p.entries {
			if e.line && i > 0 {
				a := imgui.CursorScreenPos()
				imgui.WindowDrawList().AddRectFilled(vec2{X: a.X + t.px(8), Y: a.Y + t.px(4)}, vec2{X: a.X + t.room() - t.px(8), Y: a.Y + t.px(4) + 1}, t.packed(t.theme.line))
				imgui.Dummy(vec2{X: 1, Y: t.px(9)})
			}
			fits := false
			if len(e.sub) > 0 && !stacked {
				size, _ := n.paneSize(t, e.sub, false)
				_, fits = beside(p, i, place(size))
			}
			if n.row(v, depth, i, e, moved, fits, names) && !e.off && len(e.sub) == 0 {
				do = e.do
			}
		}
		imgui.EndChild()
		imgui.PopStyleVarV(3)
		imgui.PopStyleColor()
	}
	if !over && pressed() {
		n.out = true
	}
	// Who sees a button's press has to see its release.
	if n.out && !imgui.IsAnyMouseDown() {
		n.leave = true
	}
	return do
}

// pressed reports whether a button of the mouse has gone down.
func pressed() bool {
	return imgui.IsMouseClicked(0) || imgui.IsMouseClicked(1) || imgui.IsMouseClicked(2)
}

// backRow is the first line of a submenu that lies over the menu that it is of.
func (n *menu) backRow(v *view, name string) (clicked bool) {
	t := v.tk
	i := t.hit("back", vec2{X: t.room(), Y: t.px(29)})
	d := imgui.WindowDrawList()
	if w, ok := t.wash(i); ok {
		d.AddRectFilledV(i.a, i.b, t.packed(w), t.px(5), imgui.DrawFlagsRoundCornersAll)
	}
	t.writeIn(vec2{X: i.a.X + t.px(4), Y: i.a.Y}, vec2{X: i.a.X + t.px(26), Y: i.b.Y}, 0.5, iconChevronLeft.String(), smallIcons, t.theme.grey)
	t.writeIn(vec2{X: i.a.X + t.px(32), Y: i.a.Y}, i.b, 0, name, strong, t.theme.text)
	a := imgui.CursorScreenPos()
	d.AddRectFilled(vec2{X: a.X + t.px(8), Y: a.Y + t.px(4)}, vec2{X: a.X + t.room() - t.px(8), Y: a.Y + t.px(4) + 1}, t.packed(t.theme.line))
	imgui.Dummy(vec2{X: 1, Y: t.px(9)})
	n.spot("back", i)
	return i.clicked
}

// spot notes where an entry is.
func (n *menu) spot(name string, i item) {
	if n.spots != nil {
		n.spots[name] = [4]int{int(i.a.X), int(i.a.Y), int(i.b.X), int(i.b.Y)}
	}
}

// row draws an entry, and has its submenu open when the pointer is there.
func (n *menu) row(v *view, depth, k int, e entry, moved, fits bool, names string) (clicked bool) {
	t := v.tk
	width := t.room()
	i := t.hit(e.name+"/"+strconv.Itoa(k), vec2{X: width, Y: t.px(29)})
	n.spot(names+e.name, i)
	deepest := depth == len(n.path)
	opened := !deepest && n.path[depth] == k
	if i.hovered && !opened && (moved || i.clicked || n.rested.entry == k && n.rested.level == depth) {
		n.point(v, depth, k, e, fits, i.clicked)
	}
	if n.scroll && deepest && n.cursor == k {
		imgui.SetScrollHereY(0.5)
	}

	ink, side := t.theme.text, t.theme.grey
	if e.off {
		ink, side = t.theme.faint, t.theme.faint
	}
	d := imgui.WindowDrawList()
	switch {
	case e.off:
	case i.held && i.hovered:
		d.AddRectFilledV(i.a, i.b, t.packed(t.theme.press), t.px(5), imgui.DrawFlagsRoundCornersAll)
	case opened || deepest && n.cursor == k:
		d.AddRectFilledV(i.a, i.b, t.packed(t.theme.hover), t.px(5), imgui.DrawFlagsRoundCornersAll)
	}
	a, b := vec2{X: i.a.X + t.px(4), Y: i.a.Y}, vec2{X: i.b.X - t.px(8), Y: i.b.Y}
	at := vec2{X: a.X + t.px(22), Y: b.Y}
	switch {
	case e.on && !e.off:
		t.writeIn(a, at, 0.5, iconCheck.String(), smallIcons, t.theme.accent)
	case e.on:
		t.writeIn(a, at, 0.5, iconCheck.String(), smallIcons, side)
	case e.icon != 0:
		t.writeIn(a, at, 0.5, e.icon.String(), smallIcons, side)
	}
	a.X += t.px(28)
	switch {
	case len(e.sub) > 0:
		t.writeIn(a, vec2{X: b.X + t.px(4), Y: b.Y}, 1, iconChevronRight.String(), smallIcons, side)
		b.X -= t.px(20)
	case e.side != "":
		s := t.elide(e.side, small, min(t.px(120), (b.X-a.X)*0.4))
		t.writeIn(a, b, 1, s, small, side)
		b.X -= t.measure(s, small).X + t.px(12)
	case e.key != "":
		s := keyLabel(e.key)
		t.writeIn(a, b, 1, s, mono, side)
		b.X -= t.measure(s, mono).X + t.px(12)
	}
	t.writeIn(a, b, 0, t.elide(e.name, body, b.X-a.X), body, ink)
	return i.clicked
}

// point is told that the pointer is on an entry whose submenu is not open. A submenu
// beside it closes when the pointer has stayed for a moment. One that does not fit
// beside the menu waits for a click: it comes up where the pointer is.
func (n *menu) point(v *view, depth, k int, e entry, fits, now bool) {
	if n.rested.level != depth || n.rested.entry != k {
		n.rested = menuRest{depth, k, v.m.Now}
	}
	if wait := n.rested.since + menuDelay - v.m.Now; depth < len(n.path) && !now && wait > 0 {
		v.again(wait, v.m.Now)
		return
	}
	n.rested = menuRest{entry: -1}
	n.path = append([]int(nil), n.path[:depth]...)
	n.cursor = k
	if len(e.sub) > 0 && !e.off && (fits || now) {
		n.path = append(n.path, k)
		n.cursor = -1
		v.again(0, v.m.Now)
	}
}

// entries is all that the menu has at the moment.
func (n *menu) entries(v *view) []entry {
	c, st := v.Controls, v.st
	panel := func(open *bool) func() { return func() { *open = !*open } }
	recent := n.recent(v)
	return []entry{
		{icon: iconFolderOpen, name: "Open file…", key: "o", do: func() { c.opener.ask(c) }},
		{icon: iconLink, name: "Open address…", key: "u", do: func() { c.opener.address(c) }},
		{icon: iconRecent, name: "Recent", off: len(recent) == 0, sub: recent},
		{icon: iconPlaylist, name: "Playlist", key: "p", on: c.panels.playlist, do: panel(&c.panels.playlist)},
		{icon: iconPlay, name: "Playback", sub: n.playback(v), line: true},
		{icon: iconPhoto, name: "Picture", off: !st.HasVideo, sub: n.picture(v)},
		{icon: iconZoomIn, name: "View", sub: n.view(v)},
		{icon: iconVolumeHigh, name: "Sound", sub: n.sound(v)},
		{icon: iconGrid, name: "Format", sub: n.format(v)},
		{icon: iconSliders, name: "Panels", line: true, sub: []entry{
			{icon: iconDropper, name: "Inspector", key: "I", on: c.panels.inspector, do: panel(&c.panels.inspector)},
			{icon: iconStatistics, name: "Statistics", key: "i", on: c.panels.stats, do: panel(&c.panels.stats)},
			{icon: iconBroadcast, name: "Network", key: "n", off: !st.IsLive, on: c.panels.live, do: panel(&c.panels.live)},
			{icon: iconWave, name: "Sound", key: "w", on: c.panels.sound, do: panel(&c.panels.sound)},
		}},
		{icon: iconKeyboard, name: "Help", key: "?", on: c.panels.help, do: panel(&c.panels.help)},
		{icon: iconClose, name: "Quit", key: "q", do: n.asks(c, player.Command{Do: player.Quit})},
	}
}

// asks asks the player for something.
func (n *menu) asks(c *Controls, cmd player.Command) func() { return func() { c.ask(cmd) } }

// recent is what was opened lately: files first, but not so many that there is no
// room for addresses.
func (n *menu) recent(v *view) (es []entry) {
	c := v.Controls
	files := n.files[:min(len(n.files), maxLately-min(len(n.addresses), maxLately/2))]
	addresses := n.addresses[:min(len(n.addresses), maxLately-len(files))]
	for _, f := range files {
		es = append(es, entry{
			icon: fileIcon(f), name: demux.OneLine(filepath.Base(f)), side: demux.OneLine(filepath.Base(filepath.Dir(f))),
			do: n.asks(c, player.Command{Do: player.Open, Names: []string{f}}),
		})
	}
	for i, a := range addresses {
		es = append(es, entry{icon: iconLink, name: demux.OneLine(a), line: i == 0, do: func() { c.opener.revisit(c, a) }})
	}
	return es
}

func (n *menu) playback(v *view) []entry {
	c, st := v.Controls, v.st
	idle := st.State == string(player.Idle)
	play := entry{icon: iconPause, name: "Pause", key: "space", off: idle, do: n.asks(c, player.Command{Do: player.TogglePause})}
	if st.Paused || v.m.State == player.Ended {
		play.icon, play.name = iconPlay, "Play"
	}
	loop := "Loop from here (A)"
	switch {
	case st.LoopB != player.NoLoop:
		loop = "End A-B loop"
	case st.LoopA != player.NoLoop:
		loop = "Loop up to here (B)"
	}
	var speeds []entry
	for _, f := range []float64{0.25, 0.5, 1, 1.5, 2, 4} {
		e := entry{name: strconv.FormatFloat(f, 'g', -1, 64) + "×", on: math.Abs(st.Speed-f) < 1e-3, do: n.asks(c, player.Command{Do: player.SetSpeed, Factor: f})}
		if f == 1 {
			e.key = "backspace"
		}
		speeds = append(speeds, e)
	}
	return []entry{
		play,
		{icon: iconPrevious, name: "Previous", key: "<", off: st.At <= 0, do: n.asks(c, player.Command{Do: player.PlayPrevious})},
		{icon: iconNext, name: "Next", key: ">", off: st.At+1 >= len(st.Playlist), do: n.asks(c, player.Command{Do: player.PlayNext})},
		{icon: iconClock, name: "Go to…", key: "g", off: !st.Seekable, line: true, do: n.asks(c, player.Command{Do: player.EnterPosition})},
		{icon: iconActivity, name: "Speed", off: st.IsLive || idle, sub: speeds},
		{icon: iconLoop, name: loop, key: "l", off: !st.Seekable, do: n.asks(c, player.Command{Do: player.MarkLoop})},
		{icon: iconRefresh, name: "Loop all", key: "L", on: st.LoopAll, off: st.IsLive, do: n.asks(c, player.Command{Do: player.ToggleLoop})},
		{icon: iconCamera, name: "Snapshot", key: "s", off: st.Picture == nil, line: true, do: n.asks(c, player.Command{Do: player.Snapshot})},
	}
}

func (n *menu) picture(v *view) []entry {
	c, st := v.Controls, v.st
	rgb := st.Look.Colour.Matrix == render.RGB
	colour := func(name string, set func(*render.Colour)) entry {
		to := st.Colour
		set(&to)
		return entry{name: name, on: to == st.Colour, do: n.asks(c, player.Command{Do: player.SetColour, Colour: to})}
	}
	matrix := func(name string, m render.Matrix) entry {
		return colour(name, func(to *render.Colour) { to.Matrix = m })
	}
	ranged := func(name string, r render.Range) entry {
		return colour(name, func(to *render.Colour) { to.Range = r })
	}
	planes := []entry{{name: "All", key: "4", on: st.Component == 0, do: n.asks(c, player.Command{Do: player.ShowComponent})}}
	names := componentNames(c.o.Describe, st.Look.Format)
	for i, name := range names {
		e := entry{name: name, on: st.Component == i+1, line: i == 0, do: n.asks(c, player.Command{Do: player.ShowComponent, Index: i + 1})}
		if i < 3 {
			e.key = strconv.Itoa(i + 1)
		}
		planes = append(planes, e)
	}
	tracks := n.tracks(v, demux.Video)
	return []entry{
		{icon: iconList, name: "Track", off: len(tracks) == 0, sub: tracks},
		{icon: iconPhoto, name: "Matrix", off: rgb, sub: []entry{
			matrix("As the source says", render.MatrixUnknown), matrix("BT.601", render.BT601), matrix("BT.709", render.BT709), matrix("BT.2020", render.BT2020),
		}},
		{icon: iconSliders, name: "Range", off: rgb, sub: []entry{
			ranged("As the source says", render.RangeUnknown), ranged("Limited", render.Limited), ranged("Full", render.Full),
		}},
		{icon: iconEye, name: "Plane", off: len(names) == 0, sub: planes},
	}
}

// componentNames are what the components of a pixel format are called; none if there
// is only one.
func componentNames(describe func(string) (render.Descriptor, bool), format string) []string {
	if format == "" {
		return nil
	}
	names := []string{"Y", "U", "V"}
	for _, s := range []string{"rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr"} {
		if strings.HasPrefix(format, s) {
			names = []string{"R", "G", "B"}
		}
	}
	if describe == nil {
		return names
	}
	d, ok := describe(format)
	if !ok || len(d.Components) < 2 || d.Palette || d.Bayer {
		return nil
	}
	names = []string{"Y", "U", "V"}
	if d.RGB {
		names = []string{"R", "G", "B"}
	}
	colours := len(d.Components)
	if d.Alpha {
		colours--
	}
	names = names[:min(colours, 3)]
	if d.Alpha && len(names) == 3 { // a command counts alpha as the fourth
		names = append(names, "Alpha")
	}
	return names
}

// zooms are what the menu has of them, in window pixels per pixel.
var zooms = []float64{0.25, 0.5, 1, 2, 4, 8, 16}

func (n *menu) view(v *view) []entry {
	c, st := v.Controls, v.st
	at := st.View
	zoom := []entry{{name: "Fit", key: "=", on: at.Zoom == 0, do: n.asks(c, player.Command{Do: player.SetView})}}
	for i, z := range zooms {
		to := render.View{Zoom: z, X: 0.5, Y: 0.5}
		if at.Zoom > 0 {
			to.X, to.Y = at.X, at.Y
		}
		zoom = append(zoom, entry{
			name: strconv.Itoa(int(100*z)) + " %", on: math.Abs(at.Zoom-z) < 1e-3*z, line: i == 0,
			do: n.asks(c, player.Command{Do: player.SetView, View: to}),
		})
	}
	zoom = append(zoom,
		entry{icon: iconZoomIn, name: "Larger", key: "+", line: true, do: n.asks(c, player.Command{Do: player.ZoomBy, Factor: 2})},
		entry{icon: iconZoomOut, name: "Smaller", key: "-", do: n.asks(c, player.Command{Do: player.ZoomBy, Factor: 0.5})})
	filter := func(name string, f render.Filter) entry {
		return entry{name: name, on: st.Filter == f, do: n.asks(c, player.Command{Do: player.SetFilter, Filter: f})}
	}
	return []entry{
		{icon: iconZoomIn, name: "Zoom", off: st.Picture == nil, sub: zoom},
		{icon: iconFullscreen, name: "Full screen", key: "f", on: st.Fullscreen, do: n.asks(c, player.Command{Do: player.ToggleFullscreen})},
		{icon: iconGrid, name: "Pixel filter", sub: []entry{
			filter("Nearest", render.Nearest), filter("Bilinear", render.Bilinear), filter("Bicubic", render.Bicubic),
		}},
	}
}

func (n *menu) sound(v *view) []entry {
	c, st := v.Controls, v.st
	device := func(name, text string) entry {
		return entry{icon: iconSpeaker, name: demux.OneLine(name), on: st.Device == text, do: n.asks(c, player.Command{Do: player.SetDevice, Text: text})}
	}
	tracks := n.tracks(v, demux.Audio)
	es := []entry{
		{icon: iconVolumeMute, name: "Mute", key: "m", on: st.Muted, do: n.asks(c, player.Command{Do: player.ToggleMute})},
		{icon: iconWave, name: "Levels…", key: "w", off: !st.HasSound, do: func() { c.panels.sound = true }},
		{icon: iconList, name: "Track", off: len(tracks) == 0, sub: tracks, line: true},
		{icon: iconSliders, name: "Channels", off: !st.HasSound, sub: n.channels(v)},
	}
	first := device("Default device", "")
	first.line = true
	es = append(es, first)
	names, err := c.devices.list()
	for _, name := range names {
		es = append(es, device(name, name))
	}
	switch {
	case err != nil:
		es = append(es, entry{icon: iconWarning, name: demux.OneLine(err.Error()), off: true})
	case c.devices.waiting():
		es = append(es, entry{name: "Looking for devices…", off: true})
	}
	return es
}

func (n *menu) format(v *view) []entry {
	c, name := v.Controls, v.st.Name
	file := (c.o.Raw != nil || c.o.RawSound != nil) && name != "" && name != "-" && !demux.IsURL(name)
	_, isPicture := c.o.rawPicture(name)
	_, isSound := c.o.rawSound(name)
	isRaw := isPicture || isSound
	open := func() { c.panels.raw = true }
	return []entry{
		{icon: iconGrid, name: "Raw format…", key: "r", off: !isRaw, do: open},
		{icon: iconFile, name: "Treat as raw…", off: isRaw || !file, do: open},
	}
}
