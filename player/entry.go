package player

import (
	"math"
	"strings"
	"time"

	"planar/player/clock"
)

// entry is a position that a person types into the window.
type entry struct {
	open bool
	text string
}

// maxEntry is longer than any position that makes sense.
const maxEntry = 24

// String is the position as clock.ParsePosition reads it: a plain number is a frame's.
func (e entry) String() string {
	if strings.ContainsAny(e.text, ".:") {
		return e.text
	}
	return "#" + e.text
}

// typed gives a key to the open entry and reports whether it took it. A key
// that means nothing there closes it, and acts as ever.
func (s *session) typed(key string) bool {
	e := &s.entry
	switch {
	case !e.open:
		return false
	case key == "return":
		e.open = false
		if e.text != "" {
			s.goTo(e.String())
		}
	case key == "backspace":
		e.text = e.text[:max(0, len(e.text)-1)]
	case len(key) == 1 && strings.Contains("0123456789.,:", key):
		if len(e.text) < maxEntry {
			e.text += strings.Replace(key, ",", ".", 1) // what some keypads have instead
		}
	default:
		e.open = false
		return key == "escape"
	}
	return true
}

// goTo seeks to a typed position.
func (s *session) goTo(text string) {
	t, frame, err := clock.ParsePosition(text)
	switch {
	case err != nil:
		s.log.Warn(label(s.name) + ": go to " + err.Error())
	case frame < 0:
		s.seek(t, showing)
	case !s.rate().Known():
		s.log.Warn(label(s.name) + ": cannot go to a frame by its number: the frame rate is not known; type a time such as 1:02.5")
	default:
		length := float64(time.Second) / s.rate().Float()
		t := time.Duration(min(math.Round(float64(frame)*length), float64(beyond)))
		s.seek(t+inside(time.Duration(length)), showing)
	}
}

// beyond is a time behind the end of every source.
const beyond = 100_000_000 * time.Second

// inside is how far behind the beginning of a frame of the given length a seek
// aims at it: containers round timestamps to the millisecond, so that the frame
// before may seem to end a little later than this one begins.
func inside(length time.Duration) time.Duration { return min(time.Millisecond, length/2) }
