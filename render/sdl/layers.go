package sdlwindow

import (
	"slices"
	"time"

	"github.com/veandco/go-sdl2/sdl"

	"planar/render"
)

// forgottenAfter is how long changes wait for a picture when the last one has been
// forgotten: all there is to draw then is black, which a person would see flash.
const forgottenAfter = time.Second

// stillMillis is how long after a picture, in ms, changes of layers and view wait
// for the next one, which brings them along for next to nothing. Pictures of 10 or
// more a second come sooner.
const stillMillis = 100

// changes are those of layers, view and filter that the screen does not show yet.
type changes struct {
	pending bool
	since   uint64 // when the first of them was made, as sdl.GetTicks64 counts
	last    uint64 // when a picture was presented last; 0 if none was
	timer   *time.Timer
	layered bool // there have been layers
}

func (c *changes) presented() { c.last = max(1, sdl.GetTicks64()) }

// shown notes that the screen shows them.
func (c *changes) shown() {
	if c.pending {
		c.stop()
	}
}

func (c *changes) stop() {
	c.pending = false
	if c.timer != nil {
		c.timer.Stop()
	}
}

// SetLayers draws layers over the pictures, in their order, from now on and until
// it is called again: with the next picture, or in the next Wait if none has come
// for a tenth of a second. It copies ls, but not the pixels, which must stay as
// they are until the next call.
func (w *Window) SetLayers(ls []render.Layer) {
	ls = slices.DeleteFunc(slices.Clone(ls), func(l render.Layer) bool { return !whole(l.Pixels) })
	same := render.SameLayers(ls, w.layers)
	w.layers = ls
	w.canvas.lay(w.layers) // the memory may be another one
	w.changes.layered = w.changes.layered || len(ls) > 0
	if !same {
		w.changed()
	}
}

// whole reports whether b has pixels, and all of them.
func whole(b render.Bitmap) bool {
	return b.Width > 0 && b.Height > 0 && b.Stride >= 4*b.Width && len(b.Pix) >= (b.Height-1)*b.Stride+4*b.Width
}

// SetView says which part of the pictures is shown, from now on; the one that is
// there is drawn again as SetLayers does it. Of a zoom of render.PixelZoom and
// more, samples are squares.
func (w *Window) SetView(v render.View) {
	if v == w.view {
		return
	}
	w.view = v
	w.relook()
}

// SetFilter says how pictures are scaled, from now on.
func (w *Window) SetFilter(f render.Filter) {
	if f == w.opts.Filter {
		return
	}
	w.opts.Filter = f
	w.relook()
}

func (w *Window) relook() {
	w.canvas.look(w.view, w.opts.Filter)
	if w.holds != holdsScreen { // which cannot be drawn again
		w.holds = holdsNothing
	}
	w.changed()
}

// changed notes that the screen is not as it should be.
func (w *Window) changed() {
	if w.visible && !w.changes.pending {
		w.changes.pending, w.changes.since = true, sdl.GetTicks64()
	}
}

// catchUp puts changes on the screen, unless a picture is to be expected to do
// that, and reports whether it did. It gets what is prepared ready for them.
func (w *Window) catchUp() bool {
	c := &w.changes
	if !c.pending || !w.visible || w.redrawErr != nil {
		return false
	}
	if rest := w.rest(); rest > 0 {
		if w.next != nil {
			w.redrawErr = w.renew()
		}
		if c.timer == nil {
			c.timer = time.AfterFunc(rest, w.Wake)
		} else {
			c.timer.Reset(rest)
		}
		return false
	}
	c.stop()
	if (w.holds == holdsShown || w.holds == holdsScreen) && !w.canvas.stale() {
		w.redrawErr = w.canvas.showLayers()
	} else {
		w.repair()
	}
	return true
}

// rest is for how long changes may still wait.
func (w *Window) rest() time.Duration {
	c := &w.changes
	until := c.last + stillMillis
	switch {
	case w.forgotten && (w.holds != holdsScreen || w.canvas.stale()): // there is only black to draw
		until = c.since + uint64(forgottenAfter.Milliseconds())
	case w.shown == nil || c.last == 0:
		return 0
	}
	if now := sdl.GetTicks64(); now < until {
		return time.Duration(until-now) * time.Millisecond
	}
	return 0
}

// renew draws the prepared picture again if it has to be, or its layers.
func (w *Window) renew() error {
	if w.holds == holdsNext && !w.canvas.stale() {
		return w.canvas.settle()
	}
	if w.holds == holdsShown {
		return nil // for an exposure; Present draws the other one
	}
	w.holds = holdsNothing
	if err := w.canvas.draw(w.next); err != nil {
		return err
	}
	w.holds = holdsNext
	return nil
}

// holdScreen makes the canvas hold what is on the screen, where layers may change
// after its picture has been forgotten. It reports whether it does.
func (w *Window) holdScreen() bool {
	switch {
	case w.holds == holdsScreen:
		return true
	case !w.visible || !w.changes.layered || w.shown == nil:
		return false
	case w.holds == holdsShown:
		return !w.canvas.stale()
	}
	return w.canvas.draw(w.shown) == nil
}

// laid is a layer on a surface.
type laid struct {
	layer render.Layer // without its pixels
	at    render.Rect  // the part of it that is on the surface; may be empty
	under []byte       // what it covers there, without gaps
}

// lay keeps the layers.
func (s *surface) lay(ls []render.Layer) { s.layers = ls }

// bury notes that something is drawn over all layers.
func (s *surface) bury() {
	for _, l := range s.laid {
		s.free = append(s.free, l.under)
	}
	s.laid = nil
}

// settle brings the layers on the surface up to date: those that have changed, and
// those that overlap with these. It notes where, for showLayers.
func (s *surface) settle() error {
	if len(s.laid) == 0 && len(s.layers) == 0 {
		s.free = nil
		return nil
	}
	old := s.laid
	kept, was := unchanged(old, s.layers)
	for i := len(old) - 1; i >= 0; i-- { // upper ones first
		if !kept[i] {
			s.restore(&old[i])
			s.note(old[i].at)
			s.free = append(s.free, old[i].under)
		}
	}
	s.laid = make([]laid, 0, len(s.layers))
	for i, l := range s.layers {
		if was[i] >= 0 {
			s.laid = append(s.laid, old[was[i]])
			continue
		}
		n := laid{layer: l, at: intersect(l.Rect(), render.Rect{W: s.w, H: s.h})}
		n.layer.Pixels.Pix = nil
		if n.at.W <= 0 || n.at.H <= 0 {
			n.at = render.Rect{}
		} else if err := s.cover(&n, l); err != nil {
			return err
		}
		s.note(n.at)
		s.laid = append(s.laid, n)
	}
	s.free = nil
	return nil
}

// note notes that the screen is to be brought up to date at r.
func (s *surface) note(r render.Rect) {
	if !s.unseen && r.W > 0 {
		s.damage = append(s.damage, r)
	}
}

// unchanged finds the layers that may stay as they are: for each old one whether
// it does, and for each new one which old one it is, or -1.
func unchanged(old []laid, ls []render.Layer) (kept []bool, was []int) {
	kept, was = make([]bool, len(old)), make([]int, len(ls))
	from := 0
	for i, l := range ls {
		was[i] = -1
		for j := from; j < len(old); j++ {
			if o := old[j].layer; o.Rect() == l.Rect() && o.Version == l.Version {
				was[i], kept[j], from = j, true, j+1
				break
			}
		}
	}
	touches := func(r render.Rect) bool {
		for j := range old {
			if !kept[j] && overlap(old[j].layer.Rect(), r) {
				return true
			}
		}
		for i, l := range ls {
			if was[i] < 0 && overlap(l.Rect(), r) {
				return true
			}
		}
		return false
	}
	for again := true; again; { // at most as often as there are layers
		again = false
		for i, j := range was {
			if j >= 0 && touches(ls[i].Rect()) {
				was[i], kept[j], again = -1, false, true
			}
		}
	}
	return kept, was
}

func overlap(a, b render.Rect) bool {
	r := intersect(a, b)
	return r.W > 0 && r.H > 0
}

// bytes is how much a part of the surface takes.
func (s *surface) bytes(r render.Rect) int { return r.W * r.H * int(s.on.Format.BytesPerPixel) }

// rows calls f with each row of the surface inside r.
func (s *surface) rows(r render.Rect, f func(i int, row []byte)) {
	pixel, pitch := int(s.on.Format.BytesPerPixel), int(s.on.Pitch)
	all := s.memory()
	for i := range r.H {
		f(i, all[(r.Y+i)*pitch+r.X*pixel:][:r.W*pixel])
	}
}

// cover keeps what l covers, and lays it over that.
func (s *surface) cover(n *laid, l render.Layer) error {
	n.under = s.room(s.bytes(n.at))
	s.rows(n.at, func(i int, row []byte) { copy(n.under[i*len(row):], row) })
	part := l.Pixels.Sub(render.Rect{X: n.at.X - l.X, Y: n.at.Y - l.Y, W: n.at.W, H: n.at.H})
	return s.blend(n.at.X, n.at.Y, part)
}

// room is memory of n bytes, of a layer that has gone if that has as much.
func (s *surface) room(n int) []byte {
	for i, b := range s.free {
		if cap(b) >= n {
			s.free = slices.Delete(s.free, i, i+1)
			return b[:n]
		}
	}
	return make([]byte, n)
}

// restore puts back what a layer covers.
func (s *surface) restore(l *laid) {
	s.rows(l.at, func(i int, row []byte) { copy(row, l.under[i*len(row):]) })
}

// blend lays pixels over the surface, inside it.
func (s *surface) blend(x, y int, pixels render.Bitmap) error {
	if s.direct() {
		blend(s.window(), x, y, pixels)
		return nil
	}
	return blendAny(s.on, x, y, pixels)
}

// showLayers puts what settle has changed on the screen, and nothing else.
func (s *surface) showLayers() error {
	if s.unseen {
		return s.show()
	}
	if err := s.settle(); err != nil {
		return err
	}
	rects := make([]sdl.Rect, len(s.damage))
	for i, r := range s.damage {
		rects[i] = sdlRect(r)
	}
	s.damage = s.damage[:0]
	if len(rects) == 0 {
		return nil
	}
	return s.win.UpdateSurfaceRects(rects)
}

func sdlRect(r render.Rect) sdl.Rect {
	return sdl.Rect{X: int32(r.X), Y: int32(r.Y), W: int32(r.W), H: int32(r.H)}
}
