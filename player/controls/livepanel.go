package controls

import (
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/player"
)

// livePanel is how a source, above all a live one, has gone in the last minute.
type livePanel struct {
	past    history
	source  string // that past is of
	lines   []notice
	serial  int     // of the latest line
	corners [2]vec2 // of the stages' plot, as it was drawn last
}

// minute is how many seconds are shown.
const minute = 60

// maxLines bounds the list of events: what can be scrolled through. Each is laid out
// whenever the panel is drawn.
const maxLines = 100

// observe notes how a live source goes, once a second even while the panel is
// closed, so that the minute before it is opened can be seen: 10 us a second.
func (l *livePanel) observe(m player.Moment) {
	if m.Live && l.past.due(m.Now) {
		st := m.Status()
		l.note(m, &st)
	}
}

// note takes a sample, unless there is one of this second.
func (l *livePanel) note(m player.Moment, st *player.Status) {
	if st.Name != l.source {
		l.past.clear()
		l.source = st.Name
	}
	if l.past.due(m.Now) {
		l.past.add(sampleOf(&st.Stats, secondOf(m.Now)))
	}
}

// again is when observe wants to be called although nothing happens; 0 for never.
// While a picture comes at least once a second it puts off the alarm each time, so
// that none is raised. Where none comes, it is raised as the next second begins.
func (l *livePanel) again(m player.Moment) time.Duration {
	switch {
	case !m.Live:
		return 0
	case m.State == player.Playing && m.Frame >= 0:
		return time.Second
	}
	return time.Second - m.Now%time.Second
}

// events takes over what the log has had to say since the last time.
func (l *livePanel) events(n *notices) {
	more, serial := n.since(l.serial)
	l.serial = serial
	l.lines = append(l.lines, more...)
	if over := len(l.lines) - maxLines; over > 0 {
		l.lines = append(l.lines[:0], l.lines[over:]...)
	}
}

// chart is one of the plots.
type chart struct {
	title  string
	unit   string
	digits int
	factor float64                 // of what is shown to what the samples have
	least  float64                 // the axis reaches at least so far, in the unit
	value  func(s *sample) float64 // what is told in numbers, and drawn unless there are parts
	target func(s *sample) float64 // a second, thin line
	parts  []stagePart             // drawn as bars on one another
	bars   bool
}

// stagePart is a part of a bar.
type stagePart struct {
	name   string
	colour colour
	value  func(s *sample) float64
}

func (c *chart) number(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.*f", c.digits, v)
}

// stageColours are of the stages of a picture's way: beside the accent, which is the
// colour of what is measured by itself.
var stageColours = [...]colour{rgb(0x6f7bd9), rgb(0x4fa3d8), rgb(0x58bfae), rgb(0xd9a05b)}

// charts are the plots for a source.
func charts(live bool) []chart {
	stages := []stagePart{
		{"reorder", stageColours[0], func(s *sample) float64 { return s.stages.Reorder.Seconds() }},
		{"decode", stageColours[1], func(s *sample) float64 { return s.stages.Decode.Seconds() }},
		{"queue", stageColours[2], func(s *sample) float64 { return s.stages.Queue.Seconds() }},
		{"present", stageColours[3], func(s *sample) float64 { return s.stages.Present.Seconds() }},
	}
	rate := chart{title: "Bitrate", unit: "Mbit/s", digits: 2, factor: 1e-6, least: 0.1, value: func(s *sample) float64 { return s.bits }}
	shown := chart{title: "Pictures shown", unit: "fps", digits: 1, factor: 1, least: 10, value: func(s *sample) float64 { return s.fps }}
	sum := chart{title: "Latency", unit: "ms", digits: 1, factor: 1e3, least: 10, parts: stages, value: func(s *sample) float64 {
		if s.lost {
			return math.NaN()
		}
		return (s.stages.Reorder + s.stages.Decode + s.stages.Queue + s.stages.Present).Seconds()
	}}
	if !live {
		sum.title, sum.parts = "Decode and show", stages[1:]
		sum.value = func(s *sample) float64 { return (s.stages.Decode + s.stages.Queue + s.stages.Present).Seconds() }
		return []chart{rate, shown, sum}
	}
	return []chart{
		rate,
		{title: "Packets lost", unit: "%", digits: 1, factor: 100, least: 1, bars: true, value: func(s *sample) float64 { return s.loss }},
		{title: "Jitter", unit: "ms", digits: 1, factor: 1e3, least: 5, value: func(s *sample) float64 { return s.jitter }},
		sum,
		{
			title: "Buffer", unit: "ms", digits: 0, factor: 1e3, least: 20,
			value: func(s *sample) float64 { return s.delay }, target: func(s *sample) float64 { return s.target },
		},
		shown,
	}
}

func (l *livePanel) build(v *view) {
	t := v.tk
	if v.m.State == player.Playing || v.m.Live {
		l.note(v.m, v.st)
		v.again(time.Second-v.m.Now%time.Second, v.m.Now)
	}
	l.events(v.notices)
	w, h := float32(t.w), float32(t.h)
	margin := t.px(12)
	size := vec2{X: min(t.px(620), w-2*margin), Y: min(t.px(480), h-2*margin)}
	if w < t.px(480) || h < t.px(360) {
		margin = t.px(6)
		size = vec2{X: w - 2*margin, Y: h - 2*margin - t.px(4)}
	}
	t.panel("Network", &v.panels.live, vec2{X: w - margin - size.X, Y: margin}, size, 0, func() {
		if !v.st.IsLive && v.m.State != player.Opening {
			t.note("Not a live source: since the panel was opened")
		}
		all := charts(v.st.IsLive)
		room, gap := t.room(), t.px(20)
		columns := int(min(max((room+gap)/(t.px(240)+gap), 1), 3))
		width := (room - gap*float32(columns-1)) / float32(columns)
		for i := range all {
			if i%columns > 0 {
				imgui.SameLineV(0, gap)
			}
			l.chart(v, &all[i], vec2{X: float32(math.Floor(float64(width))), Y: t.px(54)}, i+columns >= len(all))
		}
		t.section("Events")
		l.list(v)
	})
}

// chart draws a plot with its headline, and with the times below it if it is in the
// last row.
func (l *livePanel) chart(v *view, c *chart, size vec2, last bool) {
	t, now := v.tk, v.m.Now
	values := l.past.series(now, minute, func(s *sample) float64 { return c.value(s) * c.factor })
	low, high, latest := extremes(values)
	top := high
	var target []float64
	if c.target != nil {
		target = l.past.series(now, minute, func(s *sample) float64 { return c.target(s) * c.factor })
		_, most, _ := extremes(target)
		if !(top >= most) { // also if it is no number
			top = most
		}
	}
	top = ceiling(1.3*top, c.least) // the axis and the legend are written above

	imgui.BeginGroup()
	p := imgui.CursorScreenPos()
	line := t.px(18)
	foot := float32(0)
	if last {
		foot = t.px(16)
	}
	i := t.hit(c.title, vec2{X: size.X, Y: line + size.Y + foot + t.px(6)})
	head := vec2{X: p.X + size.X, Y: p.Y + line}
	t.writeIn(p, head, 0, c.title, small, t.theme.text)
	s := c.number(latest) + " " + c.unit
	t.writeIn(p, head, 1, s, mono, t.theme.text)
	if !math.IsNaN(low) {
		s := c.number(low) + " to " + c.number(high)
		edge := head.X - t.px(78)
		if c.unit == "Mbit/s" {
			edge -= t.px(36)
		}
		if edge-t.measure(s, small).X > p.X+t.measure(c.title, small).X+t.px(6) {
			t.writeIn(p, vec2{X: edge, Y: head.Y}, 1, s, small, t.theme.grey)
		}
	}

	a, b := vec2{X: p.X, Y: p.Y + line + t.px(2)}, vec2{X: p.X + size.X, Y: p.Y + line + size.Y}
	if len(c.parts) > 0 {
		l.corners = [2]vec2{a, b}
	}
	d := imgui.WindowDrawList()
	d.AddRectFilledV(a, b, t.packed(t.theme.raised), t.px(3), imgui.DrawFlagsRoundCornersAll)
	for k := 1; k < 4; k++ { // a quarter of a minute each
		x := round(a.X + size.X*float32(k)/4)
		crisp(d, vec2{X: x, Y: a.Y}, vec2{X: x + 1, Y: b.Y}, t.packed(t.theme.line))
	}
	left := func(k int) float32 { return round(a.X + size.X*float32(k)/minute) }
	l.past.window(now, minute, func(k int, s *sample) {
		if s.lost {
			crisp(d, vec2{X: left(k), Y: a.Y}, vec2{X: left(k + 1), Y: b.Y}, t.packed(alpha(t.theme.bad, 0.25)))
		}
	})
	high0 := b.Y - a.Y - t.px(2)
	bar := func(k int, from, to float64, gap float32, c colour) {
		y0, y1 := round(b.Y-high0*float32(min(to, top)/top)), round(b.Y-high0*float32(min(from, top)/top))
		if to > from {
			crisp(d, vec2{X: left(k), Y: min(y0, y1-1)}, vec2{X: left(k+1) - gap, Y: y1}, t.packed(c))
		}
	}
	switch {
	case len(c.parts) > 0:
		l.past.window(now, minute, func(k int, s *sample) {
			sum := 0.0
			for _, part := range c.parts {
				x := part.value(s) * c.factor
				bar(k, sum, sum+x, 1, part.colour)
				sum += x
			}
		})
	case c.bars:
		for k, x := range values {
			if x > 0 {
				bar(k, 0, x, 1, t.theme.bad)
			}
		}
	default:
		// A point stands for a second, in whose middle it is.
		half := size.X / minute / 2
		u, w := vec2{X: a.X + half, Y: b.Y - high0}, vec2{X: b.X - half, Y: b.Y - 1}
		ax := axis{max: top}
		if target != nil {
			t.curve(d, u, w, ax, series{target, t.theme.grey})
		}
		for k, x := range values {
			if x > 0 {
				bar(k, 0, x, 0, alpha(t.theme.accent, 0.14))
			}
		}
		t.curve(d, u, w, ax, series{values, t.theme.accent})
	}
	mark := fmt.Sprintf("%g", top)
	t.write(vec2{X: a.X + t.px(4), Y: a.Y + t.px(1)}, mark, small, t.theme.grey)
	x := b.X - t.px(4)
	for k := len(c.parts) - 1; k >= 0; k-- { // the legend
		x -= t.measure(c.parts[k].name, small).X
		if x < a.X+t.measure(mark, small).X+t.px(12) {
			break
		}
		t.write(vec2{X: round(x), Y: a.Y + t.px(1)}, c.parts[k].name, small, c.parts[k].colour)
		x -= t.px(8)
	}
	if last {
		q, r := vec2{X: a.X, Y: b.Y + t.px(2)}, vec2{X: b.X, Y: b.Y + t.px(2) + foot}
		t.writeIn(q, r, 0, "60 s ago", small, t.theme.grey)
		t.writeIn(q, r, 0.5, "30 s", small, t.theme.grey)
		t.writeIn(q, r, 1, "now", small, t.theme.grey)
	}
	imgui.EndGroup()
	if i.hovered {
		l.explain(v, c, a, b, values, target)
	}
}

// explain tells the numbers of the second that the pointer is over.
func (l *livePanel) explain(v *view, c *chart, a, b vec2, values, target []float64) {
	t := v.tk
	mouse := imgui.MousePos()
	k := min(max(int((mouse.X-a.X)/(b.X-a.X)*minute), 0), minute-1)
	x := round(a.X + (b.X-a.X)*(float32(k)+0.5)/minute)
	crisp(imgui.WindowDrawList(), vec2{X: x, Y: a.Y}, vec2{X: x + 1, Y: b.Y}, t.packed(alpha(t.theme.text, 0.5)))
	var at *sample
	l.past.window(v.m.Now, minute, func(i int, s *sample) {
		if i == k {
			at = s
		}
	})
	t.tooltipAt(vec2{X: x, Y: a.Y - t.px(4)}, 1, func() {
		t.label(fmt.Sprintf("%d s ago", minute-1-k), small, t.theme.grey)
		switch {
		case at == nil:
			t.label("not measured", small, t.theme.text)
			return
		case at.lost:
			t.label("no signal", small, t.theme.bad)
			return
		}
		t.label(c.number(values[k])+" "+c.unit, mono, t.theme.text)
		if target != nil {
			t.label("target "+c.number(target[k])+" "+c.unit, small, t.theme.grey)
		}
		for _, p := range c.parts {
			t.label(p.name+" "+c.number(p.value(at)*c.factor)+" "+c.unit, small, p.colour)
		}
	})
}

// list draws what the log has had to say, the newest first.
func (l *livePanel) list(v *view) {
	t := v.tk
	if len(l.lines) == 0 {
		t.note("Nothing has happened yet.")
		return
	}
	imgui.PushStyleVarVec2(imgui.StyleVarItemSpacing, vec2{X: t.px(8), Y: t.px(3)})
	defer imgui.PopStyleVar()
	clock := t.measure("00:00:00", mono).X + t.px(10)
	for i := len(l.lines) - 1; i >= 0; i-- {
		n := l.lines[i]
		p := imgui.CursorScreenPos()
		t.write(p, n.at.Format("15:04:05"), mono, t.theme.grey)
		imgui.SetCursorScreenPos(vec2{X: p.X + clock, Y: p.Y})
		ink := t.theme.text
		switch {
		case n.level >= slog.LevelError:
			ink = t.theme.bad
		case n.level >= slog.LevelWarn:
			ink = t.theme.warn
		}
		t.wrapped(cutTo(n.text, 500), small, ink)
	}
}
