package controls

import (
	"fmt"
	"math"

	"planar/audio"
	"planar/player"
)

// loudnessTitle is that of the group that has a button.
const loudnessTitle = "Loudness, EBU R 128"

// loudnessFacts is how loud the source is.
func loudnessFacts(l *audio.Loudness) group {
	g := group{title: loudnessTitle}
	if l == nil {
		return g
	}
	g.add("Momentary", "%s", inUnit(l.Momentary, "LUFS"))
	g.add("Short-term", "%s", inUnit(l.ShortTerm, "LUFS"))
	g.add("Integrated", "%s", inUnit(l.Integrated, "LUFS"))
	g.add("Range", "%s", inUnit(l.Range, "LU"))
	g.add("Sample peak", "%s", inUnit(l.SamplePeak, "dBFS"))
	g.add("True peak", "%s", inUnit(l.TruePeak, "dBTP"))
	// The panel is where the measuring begins, and seeks do not end it.
	g.add("Measured so far", "%.1f s", l.Measured.Seconds())
	return g
}

// inUnit is a figure of loudness as people read it.
func inUnit(v float64, unit string) string { return loudness(v) + " " + unit }

// loudness is inUnit without the unit. What is not known is a dash.
func loudness(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case math.IsInf(v, -1):
		return "−∞"
	}
	return fmt.Sprintf("%.1f", v)
}

// loudnessLine is the loudness in a line; empty if nothing is measured.
func loudnessLine(l *audio.Loudness) string {
	if l == nil {
		return ""
	}
	return fmt.Sprintf("M %s   S %s   I %s LUFS   peak %s", loudness(l.Momentary), loudness(l.ShortTerm), loudness(l.Integrated), inUnit(l.TruePeak, "dBTP"))
}

// watchLoudness has the loudness measured as long as a panel shows it.
func watchLoudness(st *player.Status) {
	if st.WatchLoudness != nil {
		st.WatchLoudness()
	}
}
