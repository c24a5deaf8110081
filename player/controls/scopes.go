package controls

import (
	"fmt"
	"time"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/player"
	"planar/player/clock"
	"planar/render"
	"planar/render/scope"
)

// pace keeps what is measured of the playing picture to ten times a second, and
// whatever is measured to a tenth of the time.
type pace struct{ next time.Duration }

// took notes that measuring at a moment took d.
func (p *pace) took(d, now time.Duration, playing bool) {
	every := 10 * max(d, 0)
	if playing {
		every = max(every, playingEvery)
	}
	p.next = now + every
}

// wait is how long from now until something may be measured again.
func (p *pace) wait(now time.Duration) time.Duration { return max(0, p.next-now) }

// The scopes.
const (
	noScope = iota
	histogramScope
	waveformScope
	vectorScope
)

// scopeNames are what a person chooses from.
var scopeNames = []string{"None", "Levels", "Wave", "Vector"}

// scopes measures the picture, or a region of it.
type scopes struct {
	kind   int
	parade bool
	clock  func() time.Duration // tells what measuring costs; nil is the machine's

	histogram scope.Histogram
	waveform  scope.Waveform
	vectors   scope.Vectorscope
	pace      pace
	measured  subject
	bitmap    render.Bitmap
	version   uint64
	problem   string
	stats     []scope.Stat
}

// subject is what was measured, and how.
type subject struct {
	of        occasion
	region    render.Rect
	whole     bool // there is no region
	kind      int
	parade    bool
	component int
	w, h      int // of the bitmap
}

// occasion tells pictures apart.
type occasion struct {
	name   string
	shown  int64 // pictures presented so far
	frame  int64
	format string
	w, h   int
	colour render.Colour
}

// occasionOf is the picture on the screen.
func occasionOf(st *player.Status) occasion {
	p := st.Picture
	return occasion{name: st.Name, shown: st.Shown, frame: st.Frame, format: p.Format, w: p.Width, h: p.Height, colour: p.Colour}
}

// follow measures the picture on the screen if it, or what is asked of it, has
// changed, and if there is time. w x h is the size of the scope in pixels.
func (s *scopes) follow(v *view, f *scope.Format, region render.Rect, w, h int) {
	to := subject{of: occasionOf(v.st), region: region, whole: region.W == 0, kind: s.kind, w: w, h: h}
	if s.kind == waveformScope {
		to.parade, to.component = s.parade, max(0, v.st.Component-1)
		if to.component >= len(f.Components()) {
			to.component = 0
		}
	}
	if s.kind == noScope && to.whole {
		s.measured, s.stats, s.bitmap = subject{}, nil, render.Bitmap{}
		return
	}
	if to == s.measured {
		return
	}
	now := v.m.Now
	if d := s.pace.wait(now); d > 0 {
		v.again(d, now)
		return
	}
	if s.clock == nil {
		s.clock = clock.Real().Now
	}
	began := s.clock()
	s.measure(v.st.Picture, f, to)
	s.measured = to
	s.pace.took(s.clock()-began, now, v.m.State == player.Playing)
}

// measure measures p.
func (s *scopes) measure(p *render.Picture, f *scope.Format, to subject) {
	r := to.region
	if to.whole {
		r = scope.Whole
	}
	s.problem = ""
	fail := func(err error) {
		if err != nil {
			s.problem = err.Error()
		}
	}
	s.stats = s.stats[:0]
	if !to.whole {
		var err error
		s.stats, err = f.Region(p, r, s.stats)
		fail(err)
	}
	if to.kind == noScope || to.w <= 0 || to.h <= 0 {
		return
	}
	if s.bitmap.Width != to.w || s.bitmap.Height != to.h {
		s.bitmap = render.NewBitmap(to.w, to.h)
	}
	s.version++
	switch to.kind {
	case histogramScope:
		err := s.histogram.Measure(f, p, r)
		if err == nil {
			err = s.histogram.Draw(s.bitmap, scope.HistogramOptions{})
		}
		fail(err)
	case waveformScope:
		fail(s.waveform.Draw(s.bitmap, f, p, r, scope.WaveformOptions{Component: to.component, Parade: to.parade}))
	case vectorScope:
		fail(s.vectors.Draw(s.bitmap, f, p, r))
	}
}

// height is how high the scope is, in pixels, if it is w wide and there is room for
// so much before the panel has to scroll.
func (s *scopes) height(t *toolkit, w, room float32) float32 {
	h := float32(0)
	switch s.kind {
	case histogramScope:
		h = t.px(120)
	case waveformScope:
		h = t.px(150)
	case vectorScope:
		h = min(w, t.px(200))
	}
	return min(h, max(round(room), t.px(100)))
}

// build draws the choice of scopes, and the one that is chosen.
func (s *scopes) build(v *view, f *scope.Format, region render.Rect) {
	t := v.tk
	w := t.room()
	s.kind, _ = t.segmented("scope", scopeNames, s.kind, w)
	if s.kind == waveformScope && len(f.Components()) > 2 {
		t.toggle("parade", "All components side by side", &s.parade)
	}
	h := s.height(t, w, t.highest()-imgui.CursorPosY()-imgui.CurrentStyle().WindowPadding().Y)
	s.follow(v, f, region, int(w), int(h))
	if s.kind == noScope {
		return
	}
	if s.problem != "" {
		t.wrapped(s.problem, small, t.theme.warn)
	}
	if s.bitmap.Width > 0 {
		p := imgui.CursorScreenPos()
		q := vec2{X: p.X + w, Y: p.Y + h}
		id := t.image("scope", s.bitmap, s.version)
		d := imgui.WindowDrawList()
		d.AddImage(id, p, vec2{X: p.X + float32(s.bitmap.Width), Y: p.Y + float32(s.bitmap.Height)})
		d.AddRectV(p, q, t.packed(t.theme.line), 0, 0, 1)
		s.captions(v, f, p)
	}
	imgui.Dummy(vec2{X: w, Y: h})
}

// captions writes beside the targets of a vectorscope which they are.
func (s *scopes) captions(v *view, f *scope.Format, p vec2) {
	t := v.tk
	switch {
	case s.kind == vectorScope && s.problem == "":
		for _, target := range f.Targets(v.st.Picture) {
			x, y := scope.TargetXY(target.U, target.V, s.bitmap.Width, s.bitmap.Height)
			m := t.measure(target.Name, small)
			side := t.px(8)
			if target.U < 128 {
				side = -side - m.X
			}
			t.write(vec2{X: round(p.X + float32(x) + side), Y: round(p.Y + float32(y) - m.Y/2)}, target.Name, small, alpha(t.theme.text, 0.6))
		}
	case s.kind == waveformScope && !s.parade:
		c := f.Components()[min(s.measured.component, len(f.Components())-1)]
		t.write(vec2{X: p.X + t.px(6), Y: p.Y + t.px(3)}, fmt.Sprintf("%s, %d bit", c.Name, c.Depth), small, alpha(t.theme.text, 0.6))
	}
}
