package rtsp

import "time"

// gate keeps back what cannot be shown whole: from a loss on, every access unit
// until one with which decoding can begin anew, since pictures refer to each other.
// It begins closed: before the first key frame there is nothing to refer to.
type gate struct {
	showDamaged bool // let everything through

	open    bool
	since   time.Time // when it was closed; zero before the first unit
	leading bool      // pictures of before the one that opened it may follow
	opener  uint32    // RTP time of the unit that opened it
	held    int64     // units kept back
}

// lost closes the gate.
func (g *gate) lost(now time.Time) {
	if g.open || g.since.IsZero() {
		g.open, g.since = false, now
	}
}

// pass reports whether a unit goes through, and whether decoding begins anew with it.
func (g *gate) pass(u unit, now time.Time) (through, fresh bool) {
	if g.since.IsZero() {
		g.since = now
	}
	if u.damaged {
		g.lost(now)
	} else if !g.open && (u.key || u.recovery) {
		g.open, g.leading, g.opener = true, true, u.rtpTime
		return true, true
	}
	if g.leading {
		// Pictures that are decoded after the opener but shown before it (leading
		// pictures of an open group) refer to what was lost.
		if int32(u.rtpTime-g.opener) < 0 {
			g.held++
			return g.showDamaged, false
		}
		g.leading = !u.key
	}
	if !g.open {
		g.held++
		return g.showDamaged, false
	}
	return true, false
}

// waiting is how long a key frame has been awaited, 0 if it is not.
func (g *gate) waiting(now time.Time) time.Duration {
	if g.open || g.since.IsZero() {
		return 0
	}
	return now.Sub(g.since)
}

// trouble judges whether a transport that loses packets is to be left for one that
// does not. What counts is what a person sees: pictures that stand still.
type trouble struct {
	seconds [troubleSpan]struct {
		at   int64 // second
		held time.Duration
		lost int
		got  int
	}
	last time.Time
}

const (
	troubleSpan  = 5               // seconds looked back
	troubleHeld  = 1 * time.Second // of them, standing still
	troubleTimes = 2               // losses in so many different seconds: one accident is none
	troubleShare = 0.03            // or so much of the packets lost
	troubleLeast = 100             // of at least so many
)

// note tells how it goes: packets got and lost since the last call, and whether
// pictures are held back now.
func (t *trouble) note(got, lost int, held bool, now time.Time) {
	s := &t.seconds[now.Unix()%troubleSpan]
	if s.at != now.Unix() {
		s.at, s.held, s.lost, s.got = now.Unix(), 0, 0, 0
	}
	s.got += got
	s.lost += lost
	if d := now.Sub(t.last); held && !t.last.IsZero() && d < time.Second {
		s.held += d
	}
	t.last = now
}

// enough reports whether there has been too much of it.
func (t *trouble) enough(now time.Time) bool {
	var held time.Duration
	got, lost, times := 0, 0, 0
	for _, s := range t.seconds {
		if now.Unix()-s.at >= troubleSpan {
			continue
		}
		held += s.held
		got += s.got
		lost += s.lost
		if s.lost > 0 {
			times++
		}
	}
	if times < troubleTimes {
		return false
	}
	return held >= troubleHeld || got+lost >= troubleLeast && float64(lost) >= troubleShare*float64(got+lost)
}
