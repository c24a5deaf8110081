package clock

import "time"

// Verdict says what to do with a frame.
type Verdict int

// The verdicts.
const (
	Wait Verdict = iota // it is not due yet
	Show
	Drop // its time is over
)

// slowest is the picture rate below which frames are shown although they are
// late: a machine that cannot keep up shows 10 pictures a second, not none.
const slowest = 100 * time.Millisecond

// early is how much before its time a frame may be shown: half of what a
// wake-up of the main thread costs, so that errors have a mean of zero.
const early = 100 * time.Microsecond

// Decide judges a frame that is to be seen from media time start to end (end
// == start if its duration is unknown), when the clock tells media, and the picture on
// the screen has been there for shown. The last frame of a stream is never dropped.
func Decide(start, end, media, shown time.Duration, last bool) Verdict {
	switch {
	case media < start-early:
		return Wait
	case end > start && media >= end && !last && shown < slowest:
		return Drop
	}
	return Show
}
