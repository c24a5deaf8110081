package controls

import (
	"path/filepath"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/demux"
	"planar/player"
	"planar/render"
)

// playlistPanel lists the sources.
type playlistPanel struct {
	where   box  // the panel, as of the last frame
	focused bool // it was clicked on last
	count   int
	chosen  int  // row; of a meaning while focused
	at      int  // the source that played in the last frame
	placed  bool // it has been scrolled to what plays
	scroll  bool // to the chosen row

	spots map[string][4]int // where rows and buttons are, if a test wants to know
}

// handle takes files that are dropped on the panel, and keys while it has been clicked
// on.
func (p *playlistPanel) handle(c *Controls, e render.Event) bool {
	if !c.panels.playlist {
		p.placed = false
		return false
	}
	switch {
	case e.Kind == render.FileDrop:
		if !p.where.has(e.X, e.Y) || e.Path == "" {
			return false
		}
		c.ask(player.Command{Do: player.Append, Names: []string{e.Path}})
		return true
	case e.Kind != render.KeyPress || !p.focused || p.chosen < 0 || p.chosen >= p.count:
		return false
	}
	switch e.Key {
	case "return", "keypad enter":
		c.ask(player.Command{Do: player.PlayAt, Index: p.chosen})
	case "delete":
		c.ask(player.Command{Do: player.Remove, Index: p.chosen})
	case "up":
		p.chosen, p.scroll = max(p.chosen-1, 0), true
	case "down":
		p.chosen, p.scroll = min(p.chosen+1, p.count-1), true
	default:
		return false
	}
	return true
}

// build draws the panel.
func (p *playlistPanel) build(v *view) {
	t, st := v.tk, v.st
	if p.spots != nil {
		clear(p.spots)
	}
	w, h := float32(t.w), float32(t.h)
	size := vec2{X: min(t.px(360), w-2*t.px(8)), Y: min(t.px(430), h-2*t.px(8))}
	if h > t.px(400) {
		size.Y = min(size.Y, h-t.px(130)) // above the bar
	}
	p.count = len(st.Playlist)
	p.focused = false
	t.panel("Playlist", &v.panels.playlist, vec2{X: w - size.X - t.px(8), Y: t.px(8)}, size, 0, func() {
		a, s := imgui.WindowPos(), imgui.WindowSize()
		edge := t.px(14)
		p.where = box{pixel(a.X - edge), pixel(a.Y - t.px(46)), pixel(a.X + s.X + edge), pixel(a.Y + s.Y + edge)}
		foot := t.px(42)
		p.list(v, imgui.ContentRegionAvail().Y-foot)
		p.buttons(v)
	})
}

// list draws the sources, in a part of the panel of a height.
func (p *playlistPanel) list(v *view, height float32) {
	t, st := v.tk, v.st
	imgui.PushStyleVarVec2(imgui.StyleVarItemSpacing, vec2{})
	defer imgui.PopStyleVar()
	imgui.BeginChildV("sources", vec2{Y: max(height, 1)}, false, imgui.WindowFlagsNoNav)
	defer imgui.EndChild()
	p.focused = imgui.IsWindowFocused()
	if len(st.Playlist) == 0 {
		t.wrapped("Nothing to play yet. Add files below, or drop them here.", small, t.theme.grey)
		return
	}
	high, visible := t.px(46), imgui.WindowHeight()
	switch {
	case !p.placed || p.at != st.At:
		// What plays now is seen, in the middle if it was not before.
		if at := float32(st.At) * high; at < imgui.ScrollY() || at+high > imgui.ScrollY()+visible || !p.placed {
			imgui.SetScrollY(max(at-(visible-high)/2, 0))
		}
		p.placed, p.at, p.chosen = true, st.At, st.At
		v.again(0, v.m.Now)
	case p.scroll:
		imgui.SetScrollY(scrollTo(imgui.ScrollY(), float32(p.chosen)*high, high, visible))
		v.again(0, v.m.Now)
	}
	p.scroll = false
	top := imgui.CursorPosY()
	first, behind := seenRows(imgui.ScrollY(), visible, high, len(st.Playlist))
	for i := first; i < behind; i++ {
		imgui.SetCursorPos(vec2{X: 0, Y: top + float32(i)*high})
		imgui.PushIDInt(i)
		p.row(v, i, st.Playlist[i], high)
		imgui.PopID()
	}
	imgui.SetCursorPos(vec2{X: 0, Y: top + float32(len(st.Playlist))*high})
	imgui.Dummy(vec2{X: 1, Y: 1})
}

// row draws a source.
func (p *playlistPanel) row(v *view, i int, name string, high float32) {
	t := v.tk
	title, detail := sourceName(name)
	plays := i == v.st.At
	l := rowLook{icon: fileIcon(name), title: title, detail: detail, on: plays, selected: p.focused && i == p.chosen, height: high}
	if plays {
		l.icon = iconPlay
	}
	at, room := imgui.CursorPos(), t.room()
	a := imgui.CursorScreenPos()
	mouse := imgui.MousePos()
	over := imgui.IsWindowHoveredV(imgui.HoveredFlagsAllowWhenBlockedByActiveItem) && mouse.Y >= a.Y && mouse.Y < a.Y+high && mouse.X >= a.X && mouse.X < a.X+room
	// The button that takes it out is there when the pointer is.
	gone := len(v.st.Playlist) > 1 && over
	l.width = room
	if gone {
		l.width = room - t.px(34)
	}
	hit := t.listRow("source", l)
	p.spot(name, hit.item)
	if hit.clicked {
		p.chosen = i
	}
	if hit.double {
		v.ask(player.Command{Do: player.PlayAt, Index: i})
	}
	if !gone {
		return
	}
	imgui.SetCursorPos(vec2{X: at.X + room - t.px(32), Y: at.Y + round((high-t.px(28))/2)})
	if t.iconButtonV("remove", iconClose, "Take it out", iconLook{size: t.px(28), face: smallIcons, dim: true}) {
		v.ask(player.Command{Do: player.Remove, Index: i})
	}
	p.spot("remove "+name, item{a: imgui.ItemRectMin(), b: imgui.ItemRectMax()})
}

// buttons draws what is below the list.
func (p *playlistPanel) buttons(v *view) {
	t, c := v.tk, v.Controls
	at := imgui.CursorScreenPos()
	w := imgui.ContentRegionAvail().X
	imgui.WindowDrawList().AddRectFilled(vec2{X: at.X, Y: at.Y + t.px(4)}, vec2{X: at.X + w, Y: at.Y + t.px(4) + 1}, t.packed(t.theme.line))
	x := at.X
	y := at.Y + t.px(8)
	button := func(id string, ic icon, tip string, off bool, do func()) {
		imgui.SetCursorScreenPos(vec2{X: x, Y: y})
		end := t.disable(off)
		clicked := t.iconButton(id, ic, tip)
		end()
		p.spot(id, item{a: imgui.ItemRectMin(), b: imgui.ItemRectMax()})
		if clicked {
			do()
			v.again(0, v.m.Now)
		}
		x += t.px(38)
	}
	button("add files", iconPlus, "Add files", false, func() { c.opener.askMore(c) })
	button("add address", iconLink, "Add an address", false, func() { c.opener.addressFor(c, true) })
	x = at.X + w - 2*t.px(38)
	button("previous", iconPrevious, "Previous  <", v.st.At <= 0, func() { v.ask(player.Command{Do: player.PlayPrevious}) })
	button("next", iconNext, "Next  >", v.st.At+1 >= len(v.st.Playlist), func() { v.ask(player.Command{Do: player.PlayNext}) })
}

// spot notes where something is.
func (p *playlistPanel) spot(name string, i item) {
	if p.spots != nil {
		p.spots[name] = [4]int{int(i.a.X), int(i.a.Y), int(i.b.X), int(i.b.Y)}
	}
}

// sourceName is what a source is shown as: a file's name and its folder, or an
// address without its secrets.
func sourceName(name string) (title, detail string) {
	switch {
	case demux.IsURL(name):
		return demux.OneLine(demux.Redact(name)), ""
	case name == "-":
		return "standard input", ""
	}
	if detail = filepath.Dir(name); detail == "." { // it tells nobody anything
		detail = ""
	}
	return demux.OneLine(filepath.Base(name)), demux.OneLine(shortHome(detail))
}
