package audio

import (
	"math"
	"sync"
	"time"
)

// maxSegments bounds a Timeline. A segment is made by a seek, a loop, a jump of
// the time stamps or a change of speed, and is needed only until it has been
// heard, less than a second later; even a correction of the speed with each block
// of 20 ms makes 50 a second. If there are more, nobody looks up and the oldest is
// dropped.
const maxSegments = 256

// Timeline maps frames, counted as an output counts them (Position.Handed), to
// media time. One goroutine may append while others look up. NewTimeline makes one.
type Timeline struct {
	rate     float64 // Hz of the counted frames
	mu       sync.Mutex
	segments []segment
}

type segment struct {
	frame int64         // first counted frame
	pts   time.Duration // its media time
	speed float64       // media seconds per heard second
}

// NewTimeline returns an empty timeline for frames of the given rate in Hz.
func NewTimeline(rate int) *Timeline { return &Timeline{rate: float64(rate)} }

func (t *Timeline) at(s segment, frame float64) time.Duration {
	return s.pts + time.Duration(math.Round((frame-float64(s.frame))/t.rate*s.speed*float64(time.Second)))
}

// Append says that from the counted frame on media time starts at pts and runs
// at speed media seconds per heard second. What lies before frame stays; segments
// that begin at frame or later are replaced. It does nothing if the segment goes on,
// within half a sample, as the one before it does.
func (t *Timeline) Append(frame int64, pts time.Duration, speed float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.segments)
	for n > 0 && t.segments[n-1].frame >= frame {
		n--
	}
	t.segments = t.segments[:n]
	if n > 0 {
		last := t.segments[n-1]
		half := float64(time.Second) / t.rate / 2
		if last.speed == speed && math.Abs(float64(t.at(last, float64(frame))-pts)) <= half {
			return
		}
	}
	if n == maxSegments {
		t.segments = append(t.segments[:0], t.segments[1:]...)
	}
	t.segments = append(t.segments, segment{frame, pts, speed})
}

// At is the media time of a counted frame, which need not be whole: see
// Position.Heard, and the speed, in media seconds per heard second, at which it runs
// there. Before the first segment it is extrapolated, so that it runs
// towards the first frame while the device's latency passes. ok is false if the
// timeline is empty. Segments that ended before heard are forgotten.
func (t *Timeline) At(heard float64) (pts time.Duration, speed float64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.segments) == 0 {
		return 0, 0, false
	}
	i := 0
	for i+1 < len(t.segments) && float64(t.segments[i+1].frame) <= heard {
		i++
	}
	t.segments = append(t.segments[:0], t.segments[i:]...)
	return t.at(t.segments[0], heard), t.segments[0].speed, true
}

// Reset empties the timeline.
func (t *Timeline) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.segments = t.segments[:0]
}
