package controls

import (
	"math"
	"time"

	"planar/player"
	"planar/render"
)

// Controls are everything that lies over the picture. They implement
// player.Controls. Nothing of the toolkit exists before there is something to be
// seen.
type Controls struct {
	o       Options
	tk      *toolkit // nil until first needed
	notices *notices

	bar       bar
	banner    banner
	menu      menu
	opener    opener
	panels    panels
	playlist  playlistPanel
	help      helpPanel
	raw       rawPanel
	inspector inspector
	sound     soundPanel
	stats     statsPanel
	live      livePanel
	devices   deviceList

	asked []player.Command

	// What the layers were drawn for.
	layers  []render.Layer
	seen    seen
	dirty   bool          // something has happened since
	drawnAt time.Duration // when that was
	nextAt  time.Duration // when they are to be drawn again; never if far
	was     bool          // there was something to be seen
}

// seen is what makes a drawing outdated when it changes.
type seen struct {
	w, h   int
	scale  float64
	state  player.State
	frame  int64
	urgent int
	view   render.View
}

// panels tells which of them are open.
type panels struct{ playlist, help, raw, inspector, sound, stats, live bool }

func (p panels) any() bool { return p != panels{} }

// far is a time that never comes.
const far = time.Duration(math.MaxInt64)

// playingEvery is how often what follows the playing picture is drawn again: as
// fast as a person can read numbers.
const playingEvery = 100 * time.Millisecond

// New makes controls that nobody sees yet.
func New(o Options) *Controls {
	if o.Log == nil {
		o.Log = NewLog()
	}
	o.Log.wake.Store(&o.Wake)
	c := &Controls{o: o, notices: &o.Log.notices, nextAt: far}
	c.inspector.hex = o.Hex
	return c
}

// Close gives back what the controls hold, and ends their goroutines.
func (c *Controls) Close() {
	c.raw.close()
	c.sound.close()
	c.opener.close()
	c.devices.close()
	if c.tk != nil {
		c.tk.close()
	}
}

// ask asks for something.
func (c *Controls) ask(cmd player.Command) { c.asked = append(c.asked, cmd) }

// again has the controls drawn again after a while.
func (c *Controls) again(d time.Duration, now time.Duration) { c.nextAt = min(c.nextAt, now+d) }

// Handle implements player.Controls.
func (c *Controls) Handle(e render.Event, now time.Duration) bool {
	c.bar.notice(e, now)
	// What was pressed before everything vanished is released afterwards.
	if c.was || c.tk != nil && c.tk.input.held(ours) {
		c.dirty = true
		if c.tk != nil && c.tk.handle(e) {
			return true
		}
	}
	if c.inspector.handle(c, e) || c.playlist.handle(c, e) || c.menu.handle(c, e) {
		c.dirty = true
		return true
	}
	if e.Kind == render.KeyPress && c.key(e.Key) {
		c.dirty = true
		return true
	}
	return false
}

// key answers the keys that open and close panels.
func (c *Controls) key(key string) bool {
	toggle := func(b *bool) bool { *b = !*b; return true }
	switch key {
	case "i":
		return toggle(&c.panels.stats)
	case "I":
		return toggle(&c.panels.inspector)
	case "n":
		return toggle(&c.panels.live)
	case "p":
		return toggle(&c.panels.playlist)
	case "r":
		return toggle(&c.panels.raw)
	case "w":
		return toggle(&c.panels.sound)
	case "?", "f1":
		return toggle(&c.panels.help)
	case "o", "ctrl+o":
		c.opener.ask(c)
		return true
	case "u", "ctrl+l":
		c.opener.address(c)
		return true
	case "escape":
		return c.closeTop()
	}
	return false
}

// closeTop closes what is open over the picture, for Escape.
func (c *Controls) closeTop() bool {
	switch {
	case c.opener.closeTop():
	case c.panels.help:
		c.panels.help = false
	default:
		return false
	}
	return true
}

// Draw implements player.Controls.
func (c *Controls) Draw(m player.Moment) player.Drawing {
	c.live.observe(m)
	c.sound.observe(c, m)
	c.raw.observe(c, m)
	c.inspector.observe(c, m)
	now := seen{m.W, m.H, m.Scale, m.State, m.Frame, c.notices.latest(), m.View}
	if !c.visible(m, now) {
		if c.was {
			c.was, c.layers, c.nextAt = false, nil, far
		}
		d := player.Drawing{Asked: c.take(), Again: c.live.again(m)}
		if wait := c.banner.patience(m); wait > 0 && (d.Again == 0 || wait < d.Again) {
			d.Again = wait
		}
		return d
	}
	c.dirty = c.dirty || !c.was
	c.was = true
	if c.outdated(m, now) {
		c.draw(m)
		c.seen, c.dirty, c.drawnAt = now, false, m.Now
	}
	d := player.Drawing{Layers: c.layers, Asked: c.take(), Again: c.live.again(m)}
	if c.nextAt < far {
		d.Again = max(time.Millisecond, c.nextAt-m.Now)
	}
	return d
}

// pasteboard is the clipboard as the toolkit has it.
type pasteboard struct{ Clipboard }

func (p pasteboard) Text() (string, error) { return p.ClipboardText() }
func (p pasteboard) SetText(s string)      { _ = p.SetClipboardText(s) } // nobody could do anything about it

func (c *Controls) take() []player.Command {
	a := c.asked
	c.asked = nil
	return a
}

// visible reports whether there is anything to be seen.
func (c *Controls) visible(m player.Moment, now seen) bool {
	return c.panels.any() || c.inspector.overPicture() || c.menu.open || c.opener.visible() || c.bar.visible(c, m) || c.banner.visible(c, m, now)
}

// outdated reports whether what was drawn last is no longer right.
func (c *Controls) outdated(m player.Moment, now seen) bool {
	before := c.seen
	if m.State == player.Playing {
		// The picture's number changes all the time; what follows it is drawn often enough.
		before.frame = now.frame
		c.again(max(0, c.drawnAt+playingEvery-m.Now), m.Now)
	}
	return c.dirty || before != now || m.Now >= c.nextAt
}

// draw builds all that is to be seen.
func (c *Controls) draw(m player.Moment) {
	if c.tk == nil {
		c.tk = newToolkit(m.Scale)
		if c.o.Accent != 0 {
			c.tk.theme.accent = rgb(c.o.Accent)
			c.tk.applyStyle()
		}
		if c.o.Clipboard != nil {
			c.tk.setClipboard(pasteboard{c.o.Clipboard})
		}
	}
	c.tk.setScale(m.Scale)
	c.tk.foot = 0
	if c.o.Show != "never" && float32(m.H) > c.tk.px(360) {
		c.tk.foot = c.tk.px(barHigh)
	}
	st := m.Status()
	v := &view{Controls: c, m: m, st: &st}
	c.inspector.prepare(v)
	for range maxFrames {
		c.nextAt = far
		c.tk.frame(m.Now, m.W, m.H, v.build)
		if !c.tk.pending() {
			break
		}
	}
	if c.tk.pending() {
		c.nextAt = m.Now
	}
	if d := c.tk.again(); d > 0 {
		c.again(d, m.Now)
	}
	c.layers = c.inspector.below(v, c.tk.layers())
}

// barHigh is what panels leave free for the controller, in windows that are high
// enough for both.
const barHigh = 88

// maxFrames is how many of the toolkit's frames one drawing may take: a press and a
// release of several buttons in a row need one each.
const maxFrames = 8

// view is what is drawn at one moment.
type view struct {
	*Controls
	m  player.Moment
	st *player.Status
}

// build draws all that is to be seen, what is behind first.
func (v *view) build() {
	v.banner.build(v)
	for _, p := range []struct {
		open  bool
		build func(*view)
	}{
		{v.panels.inspector, v.inspector.build},
		{v.panels.stats, v.stats.build},
		{v.panels.live, v.live.build},
		{v.panels.sound, v.sound.build},
		{v.panels.raw, v.raw.build},
		{v.panels.playlist, v.playlist.build},
		{v.panels.help, v.help.build},
	} {
		if p.open {
			p.build(v)
		}
	}
	v.bar.build(v)
	v.menu.build(v)
	v.opener.build(v)
}
