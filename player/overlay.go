package player

import (
	"fmt"
	"strings"
	"time"

	"planar/demux"
	"planar/render"
)

// overlayEvery is how often what is written over the picture follows the time.
const overlayEvery = 500 * time.Millisecond

// setOverlay writes over the picture what is to be there. While that is anything,
// it wakes the main goroutine again.
func (s *session) setOverlay() {
	s.mu.Lock()
	lost := time.Duration(0)
	if s.lost != nil {
		lost = max(s.now()-s.lostAt, 1)
	}
	s.mu.Unlock()
	show := s.p.panel || lost > 0
	if !show && !s.written {
		return
	}
	now := s.now()
	if show && s.written && now-s.writtenAt < overlayEvery && s.panelWas == s.p.panel && (lost > 0) == s.lostWas {
		return
	}
	var o render.Overlay
	if lost > 0 {
		o.Badge = fmt.Sprintf("signal lost %.0f s", lost.Seconds())
	}
	if s.p.panel {
		o.Panel = panel(s.p.Stats())
	}
	s.out.SetOverlay(o)
	s.written, s.writtenAt, s.panelWas, s.lostWas = show, now, s.p.panel, lost > 0
	if show {
		if s.ticker == nil {
			s.ticker = time.AfterFunc(overlayEvery, s.out.Wake)
		} else {
			s.ticker.Reset(overlayEvery)
		}
	}
}

// clearOverlay takes away what the session has written.
func (s *session) clearOverlay() {
	if s.ticker != nil {
		s.ticker.Stop()
	}
	if s.written {
		s.out.SetOverlay(render.Overlay{})
	}
}

// panel is the statistics as lines of a label, a tab and a text.
func panel(st Stats) []string {
	var lines []string
	line := func(label, format string, a ...any) { lines = append(lines, label+"\t"+fmt.Sprintf(format, a...)) }
	line("source", "%s", st.Source)
	codec := ""
	var video demux.TrackReception
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
			codec += " over " + r
		}
	}
	if codec != "" {
		line("stream", "%s", codec)
	}
	line("picture", "%dx%d %s %s %s", st.Look.Width, st.Look.Height, st.Look.Format, st.Look.Colour.Matrix, st.Look.Colour.Range)
	line("frame", "%d at %s", st.Frame, ClockText(st.PTS))
	line("fps", "%.0f received, %.0f decoded, %.0f shown", st.Rates.Received, st.Rates.Decoded, st.Rates.Shown)
	line("bitrate", "%s", bits(st.Rates.Bits))
	line("shown", "%d, %d late, %d dropped, %d repeated", st.Shown, st.Late, st.Dropped, st.Duplicated)
	if st.AVKnown {
		line("A-V", "%+.1f ms, sound queue %s", toMs(-st.AVDiff), milli(st.SoundQueued))
	}
	line("stages", "reorder %s, decode %s, queue %s, present %s",
		milli(st.Stages.Reorder), milli(st.Stages.Decode), milli(st.Stages.Queue), milli(st.Stages.Present))
	l := st.Live
	if l == nil {
		return lines
	}
	line("latency", "target %s, %s behind it, speed %.3f, %d skips", milli(l.Target), milli(l.Behind), l.Speed, st.Skips)
	switch c := l.Reception.Clock; {
	case l.Captured && c.Plausible:
		line("to screen", "%s from the sender's clock, report %.0f s old", milli(l.ToScreen), c.Age.Seconds())
	case c.Known:
		line("to screen", "clock not synchronised (%+.1f s)", -c.Offset.Seconds())
	case l.Received:
		line("to screen", "no sender report yet")
	}
	for _, t := range l.Reception.Tracks {
		line(t.Kind.String(), "%d packets, lost %d (%.2f %%, now %.1f %%), late %d, reordered %d, twice %d, jitter %s",
			t.Packets, t.Lost, 100*t.Loss(), 100*t.LossNow, t.Late, t.Reordered, t.Duplicated, milli(t.Jitter))
	}
	if video.Codec != "" {
		key := "not seen twice yet"
		if video.KeyInterval > 0 {
			key = fmt.Sprintf("every %.2f s", video.KeyInterval.Seconds())
		}
		if video.Waiting > 0 {
			key += fmt.Sprintf(", awaited for %.1f s", video.Waiting.Seconds())
		}
		line("key frames", "%s, %d units held back", key, video.Held)
	}
	reconnects := fmt.Sprint(st.Reconnects)
	if l.Cause != "" {
		reconnects += ", the latest: " + strings.TrimPrefix(l.Cause, st.Source+": ")
	}
	line("reconnects", "%s", reconnects)
	return lines
}

func toMs(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func milli(d time.Duration) string { return fmt.Sprintf("%.1f ms", toMs(d)) }

func bits(perSecond float64) string {
	if perSecond >= 1e6 {
		return fmt.Sprintf("%.2f Mbit/s", perSecond/1e6)
	}
	return fmt.Sprintf("%.0f kbit/s", perSecond/1e3)
}
