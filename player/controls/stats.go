package controls

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/demux"
	"planar/player"
)

// statsPanel is the numbers of playback.
type statsPanel struct {
	late   [lateSamples]float64 // ms, of the latest drawings, oldest first from at on
	at     int
	copied time.Duration // when the numbers were copied; 0 if they were not
}

// lateSamples is how many drawings back the lateness is drawn: 8 s of them.
const lateSamples = 80

// group is facts that belong together.
type group struct {
	title string
	facts []fact
}

// fact is a line of the statistics.
type fact struct {
	name, value string
	bad         bool // something is wrong
	long        bool // the value has lines of its own, below
}

// add appends a fact.
func (g *group) add(name, format string, a ...any) *fact {
	g.facts = append(g.facts, fact{name: name, value: fmt.Sprintf(format, a...)})
	return &g.facts[len(g.facts)-1]
}

// statistics is what is told of playback.
func statistics(st player.Stats) []group {
	source, picture := group{title: "Source"}, group{title: "Picture"}
	source.add("Name", "%s", st.Source)
	codec, video := "", demux.TrackReception{}
	if st.Live != nil {
		for _, t := range st.Live.Reception.Tracks {
			if codec != "" {
				codec += ", "
			}
			codec += t.Codec
			if t.Kind == demux.Video {
				video = t
			}
		}
		if r := st.Live.Reception.Transport; r != "" {
			codec = strings.TrimPrefix(codec+" over "+r, " ")
		}
	}
	if codec != "" {
		source.add("Stream", "%s", codec)
	}
	source.add("State", "%s", st.State)
	source.add("Bitrate", "%s", bitrate(st.Rates.Bits))
	if l := st.Look; l.Width > 0 {
		picture.add("Size", "%d × %d", l.Width, l.Height)
		picture.add("Format", "%s", l.Format)
		picture.add("Colour", "%s %s", l.Colour.Matrix, l.Colour.Range)
		picture.add("Frame", "%d at %s", st.Frame, player.ClockText(st.PTS))
	} else {
		picture.title = "Position"
		picture.add("Time", "%s", player.ClockText(st.PTS))
	}
	groups := []group{source, picture, timing(st), sounding(st), loudnessFacts(st.Loudness)}
	if st.Live != nil {
		groups = append(groups, receiving(st, video)...)
	}
	var some []group
	for _, g := range groups {
		if len(g.facts) > 0 {
			some = append(some, g)
		}
	}
	return some
}

// timing is how the pictures go.
func timing(st player.Stats) group {
	g := group{title: "Timing"}
	if st.Look.Width == 0 && st.Decoded == 0 && st.Rates.Received == 0 {
		return g
	}
	g.add("Received", "%.1f fps", st.Rates.Received)
	g.add("Decoded", "%.1f fps", st.Rates.Decoded)
	g.add("Shown", "%.1f fps", st.Rates.Shown)
	g.add("Frames shown", "%d", st.Shown)
	g.add("Late", "%d", st.Late)
	g.add("Dropped", "%d", st.Dropped)
	g.add("Repeated", "%d", st.Duplicated)
	if st.DecodeErrors > 0 {
		g.add("Damaged", "%d", st.DecodeErrors).bad = true
	}
	if st.Stalls > 0 {
		g.add("Stalls", "%d", st.Stalls)
	}
	if st.Live != nil {
		g.add("Reorder", "%s", millis(st.Stages.Reorder))
		// Of a file it is how far reading is ahead.
		g.add("Decode", "%s", millis(st.Stages.Decode))
	}
	g.add("Queue", "%s", millis(st.Stages.Queue))
	g.add("Present", "%s", millis(st.Stages.Present))
	g.add(lateness, "%+.1f ms", inMillis(st.Lateness))
	return g
}

// lateness is the fact that has a curve.
const lateness = "Lateness"

// sounding is how the sound goes.
func sounding(st player.Stats) group {
	g := group{title: "Sound"}
	if st.AVKnown {
		g.add("Sound late by", "%+.1f ms", inMillis(st.AVDiff))
	}
	if st.AVKnown || st.SoundQueued > 0 || st.AudioPackets > 0 {
		g.add("Sound queue", "%s", millis(st.SoundQueued))
		g.add("Device latency", "%s", millis(st.DeviceLatency))
		g.add("Underruns", "%d", st.Underruns).bad = st.Underruns > 0
	}
	return g
}

// receiving is how a live source goes. video is the track that is watched, if there
// is one.
func receiving(st player.Stats, video demux.TrackReception) []group {
	l := st.Live
	g := group{title: "Live"}
	g.add("Latency target", "%s", millis(l.Target))
	g.add("Behind it", "%+.1f ms", inMillis(l.Behind))
	g.add("Speed", "%.3f", l.Speed)
	g.add("Skips", "%d", st.Skips)
	switch c := l.Reception.Clock; {
	case l.Captured && c.Plausible:
		g.add("To screen", "%s", millis(l.ToScreen))
		g.add("Sender's report", "%.0f s old", c.Age.Seconds())
	case c.Known:
		g.add("To screen", "clock off by %+.1f s", -c.Offset.Seconds())
	case l.Received:
		g.add("To screen", "no report yet")
	}
	g.add("Reconnects", "%d", st.Reconnects).bad = l.Lost > 0
	if l.Cause != "" {
		f := g.add("Latest cause", "%s", strings.TrimPrefix(l.Cause, st.Source+": "))
		f.long, f.bad = true, l.Lost > 0
	}
	groups := []group{g}
	for _, t := range l.Reception.Tracks {
		g := group{title: map[demux.Kind]string{demux.Video: "Video packets", demux.Audio: "Sound packets"}[t.Kind]}
		g.add("Received", "%d", t.Packets)
		g.add("Lost", "%d (%.2f %%)", t.Lost, 100*t.Loss())
		g.add("Lost now", "%.1f %%", 100*t.LossNow).bad = t.LossNow > 0
		g.add("Late, reordered, twice", "%d, %d, %d", t.Late, t.Reordered, t.Duplicated)
		g.add("Jitter", "%s", millis(t.Jitter))
		if t.Kind == demux.Video && video.Codec != "" {
			key := "not seen twice"
			if t.KeyInterval > 0 {
				key = fmt.Sprintf("every %.2f s", t.KeyInterval.Seconds())
			}
			g.add("Key frames", "%s", key)
			if t.Waiting > 0 {
				g.add("Awaiting one for", "%.1f s", t.Waiting.Seconds()).bad = true
			}
			g.add("Units held back", "%d", t.Held)
		}
		groups = append(groups, g)
	}
	return groups
}

func inMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", inMillis(d)) }

// bitrate is bits a second as people read them.
func bitrate(perSecond float64) string {
	switch {
	case perSecond >= 1e9:
		return fmt.Sprintf("%.2f Gbit/s", perSecond/1e9)
	case perSecond >= 1e6:
		return fmt.Sprintf("%.2f Mbit/s", perSecond/1e6)
	}
	return fmt.Sprintf("%.0f kbit/s", perSecond/1e3)
}

// plain is groups as text.
func plain(groups []group) string {
	var b strings.Builder
	for i, g := range groups {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n", g.title)
		for _, f := range g.facts {
			fmt.Fprintf(&b, "  %s: %s\n", f.name, f.value)
		}
	}
	return b.String()
}

func (s *statsPanel) build(v *view) {
	t := v.tk
	watchLoudness(v.st)
	if v.m.State == player.Playing && v.st.Shown > 0 {
		s.late[s.at%lateSamples] = inMillis(v.st.Lateness)
		s.at++
	}
	groups := statistics(v.st.Stats)
	margin, column, gap := t.px(12), t.px(270), t.px(26)
	columns := [][]group{groups}
	width := column + 2*t.px(14)
	if n := len(groups); v.st.Live != nil && float32(t.w) >= 2*column+gap+t.px(28)+2*margin {
		// What is about the network stands beside the rest.
		k := 0
		for k < n && groups[k].title != "Live" {
			k++
		}
		columns = [][]group{groups[:k], groups[k:]}
		width += column + gap
	}
	if room := float32(t.w) - t.px(16); width > room {
		width, margin = room, t.px(8)
	}
	at := vec2{X: margin, Y: margin}
	t.panel("Statistics", &v.panels.stats, at, vec2{X: width}, 0, func() {
		s.copyButton(v, groups)
		top := imgui.CursorScreenPos()
		low := top.Y
		if len(columns) > 1 { // a scroll bar takes some of the room
			column = float32(int((t.room() - gap) / 2))
		}
		for i, c := range columns {
			if i > 0 {
				imgui.SetCursorScreenPos(vec2{X: top.X + column + gap, Y: top.Y})
			}
			imgui.BeginGroup()
			right := t.right
			if t.right = 0; len(columns) > 1 {
				t.right = imgui.CursorScreenPos().X + column
			}
			for _, g := range c {
				t.section(g.title)
				s.facts(t, g.facts)
				if g.title == loudnessTitle && t.button("measure anew", "Measure anew", false) {
					v.ask(player.Command{Do: player.ClearLevels})
				}
			}
			t.right = right
			imgui.EndGroup()
			low = max(low, imgui.ItemRectMax().Y)
		}
		imgui.SetCursorScreenPos(vec2{X: top.X, Y: low})
		imgui.Dummy(vec2{X: 1, Y: 1})
	})
}

// facts draws the lines of a group.
func (s *statsPanel) facts(t *toolkit, facts []fact) {
	imgui.PushStyleVarVec2(imgui.StyleVarItemSpacing, vec2{X: t.px(8), Y: t.px(1)})
	defer imgui.PopStyleVar()
	for _, f := range facts {
		ink := t.theme.text
		if f.bad {
			ink = t.theme.bad
		}
		p := imgui.CursorScreenPos()
		w := t.room()
		switch {
		case f.long:
			t.label(f.name, body, t.theme.grey)
			imgui.PushTextWrapPosV(p.X - imgui.WindowPos().X + w)
			t.label(cutTo(f.value, 300), small, ink)
			imgui.PopTextWrapPos()
		default:
			t.keyValueV(f.name, f.value, ink)
		}
		if f.name == lateness {
			s.curve(t, vec2{X: p.X + w*0.36, Y: p.Y + t.px(3)}, vec2{X: p.X + w - t.px(92), Y: p.Y + t.px(16)})
		}
	}
}

// curve draws the latest lateness between two corners.
func (s *statsPanel) curve(t *toolkit, a, b vec2) {
	if b.X-a.X < t.px(20) {
		return
	}
	v := make([]float64, lateSamples)
	top := 1.0
	for i := range v {
		k := s.at + i
		if v[i] = math.NaN(); k >= lateSamples {
			v[i] = s.late[k%lateSamples]
			top = max(top, math.Abs(v[i]))
		}
	}
	d := imgui.WindowDrawList()
	middle := round((a.Y + b.Y) / 2)
	crisp(d, vec2{X: a.X, Y: middle}, vec2{X: b.X, Y: middle + 1}, t.packed(t.theme.line))
	t.curve(d, a, b, axis{min: -top, max: top}, series{v, t.theme.accent})
}

// copyButton puts a button into the title that copies the numbers as text.
func (s *statsPanel) copyButton(v *view, groups []group) {
	if v.o.Clipboard == nil {
		return
	}
	t := v.tk
	const shown = 1500 * time.Millisecond
	icon, tip := iconCopy, "Copy"
	if s.copied > 0 && v.m.Now-s.copied < shown {
		icon, tip = iconCheck, "Copied"
		v.again(s.copied+shown-v.m.Now, v.m.Now)
	}
	p, h := imgui.CursorScreenPos(), t.px(26)
	q := vec2{X: p.X + imgui.ContentRegionAvail().X - 2*h - t.px(4), Y: p.Y - imgui.CurrentStyle().ItemSpacing().Y - h}
	imgui.SetCursorScreenPos(q)
	if t.iconButtonV("copy", icon, tip, iconLook{size: h, face: smallIcons, dim: true}) {
		if v.o.Clipboard.SetClipboardText(plain(groups)) == nil {
			s.copied = v.m.Now
		}
	}
	imgui.SetCursorScreenPos(p)
}

// cutTo cuts s at its end, to n bytes at most and between two characters.
func cutTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// crisp fills a rectangle with square corners. AddRectFilled of imgui-go rounds
// them by a pixel, of which lines get ragged ends.
func crisp(d imgui.DrawList, a, b vec2, c imgui.PackedColor) {
	d.AddRectFilledV(a, b, c, 0, imgui.DrawFlagsRoundCornersNone)
}
