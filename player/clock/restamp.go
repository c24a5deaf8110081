package clock

import (
	"slices"
	"time"
)

// jump is the difference between two timestamps that follow each other which is
// taken for a new timeline rather than for a pause in the stream. In files only
// a jump backwards is: a slide show may well rest for longer.
const jump = 5 * time.Second

// Restamper mends timelines that jump, as those of a transport stream made of
// pieces, of a camera that sets its clock, or of a server that was restarted,
// do. Each stream keeps its own offset, and streams that jump together stay in
// sync.
type Restamper struct {
	streams map[int]*stamps
	recent  time.Duration // the offset that the latest jump of any stream led to
	jumps   int
	live    bool
	begun   bool
}

type stamps struct {
	next   time.Duration // where the stream's timeline is expected to go on
	offset time.Duration // added to the source's timestamps
	jumps  int           // how many jumps of the source this stream has made
	begun  bool
}

// NewRestamper returns a restamper for a file or a live stream. What is at time 0
// in a file, and the first packet of a live stream whatever its time, comes to be
// at start.
func NewRestamper(start time.Duration, live bool) *Restamper {
	return &Restamper{streams: map[int]*stamps{}, recent: start, live: live}
}

// Offset is what must be added to the source's timestamps of a packet of a
// stream: t is its decoding time (timestamps of B frames go back and forth),
// length its duration.
func (r *Restamper) Offset(stream int, t, length time.Duration) time.Duration {
	if r.live && !r.begun {
		r.recent -= t
	}
	r.begun = true
	s := r.streams[stream]
	if s == nil {
		s = &stamps{offset: r.recent, jumps: r.jumps}
		r.streams[stream] = s
	}
	if d := t + s.offset - s.next; s.begun && (d < -jump || d > jump && r.live) {
		if joined := t + r.recent - s.next; s.jumps < r.jumps && joined < jump && joined > -jump {
			s.offset = r.recent // another stream jumped before: go along with it
		} else {
			s.offset = s.next - t
			r.recent = s.offset
			r.jumps++
		}
		s.jumps = r.jumps
	}
	s.next, s.begun = t+s.offset+length, true
	return s.offset
}

// End is where the timeline of the longest of these streams ends, or of all if none are
// given.
func (r *Restamper) End(streams ...int) time.Duration {
	var end time.Duration
	for i, s := range r.streams {
		if len(streams) == 0 || slices.Contains(streams, i) {
			end = max(end, s.next)
		}
	}
	return end
}
