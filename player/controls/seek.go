package controls

import (
	"fmt"
	"math"
	"time"

	"planar/player"
	"planar/render"
)

// timeline is what the seek bar is of. Its left end is the source's beginning; its
// right end is the last frame's beginning, or, if frames cannot be counted, the
// end of the source: so both ends can be reached, and are what they seem to be.
type timeline struct {
	length time.Duration   // of the source
	rate   render.Rational // of the pictures; zero if they are not to be counted
}

// maxCounted bounds the numbers that are made of hostile lengths and rates: they
// stay exact as float64.
const maxCounted = 1 << 50

// timelineOf is the source's.
func timelineOf(st *player.Status) timeline {
	l := timeline{length: min(max(st.Duration, 0), math.MaxInt64/2)}
	if st.HasVideo && !st.Stills && st.Rate.Known() {
		l.rate = st.Rate
	}
	return l
}

// counts reports whether there are frames with numbers.
func (l timeline) counts() bool { return l.frames() > 0 }

// frames is how many there are, 0 if that is not known.
func (l timeline) frames() int64 {
	if l.length <= 0 || !l.rate.Known() {
		return 0
	}
	return int64(min(max(math.Round(l.length.Seconds()*l.rate.Float()), 1), maxCounted))
}

// start is when frame n begins.
func (l timeline) start(n int64) time.Duration { return l.beginning(float64(n)) }

// middle is when half of frame n is over: where a seek to it is aimed at, since
// containers round their timestamps.
func (l timeline) middle(n int64) time.Duration { return l.beginning(float64(n) + 0.5) }

func (l timeline) beginning(n float64) time.Duration {
	if !l.rate.Known() {
		return 0
	}
	s := max(n, 0) * float64(time.Second) / l.rate.Float()
	return time.Duration(min(math.Round(s), float64(math.MaxInt64/2)))
}

// frameAt is the number of the frame that is shown at t.
func (l timeline) frameAt(t time.Duration) int64 {
	// A thousandth of a frame later: timestamps are rounded.
	n := math.Floor(t.Seconds()*l.rate.Float() + 0.001)
	return int64(min(max(n, 0), float64(max(l.frames()-1, 0))))
}

// end is the time at the bar's right end.
func (l timeline) end() time.Duration {
	if n := l.frames(); n > 0 {
		return l.start(n - 1)
	}
	return l.length
}

// place is where t is on the bar, 0 to 1.
func (l timeline) place(t time.Duration) float64 {
	end := l.end()
	if end <= 0 {
		return 0
	}
	return min(max(float64(t)/float64(end), 0), 1)
}

// target is what a place on the bar, 0 to 1, stands for.
type target struct {
	frame int64         // -1 if frames are not counted
	at    time.Duration // what is shown: the beginning of the frame
	seek  time.Duration // what is asked for
}

// target is what is at the place x, 0 to 1.
func (l timeline) target(x float64) target {
	x = min(max(x, 0), 1)
	if n := l.frames(); n > 0 {
		return l.frame(int64(math.Round(x * float64(n-1))))
	}
	t := time.Duration(x * float64(l.length))
	return target{-1, t, t}
}

// frame is frame n, or the first or the last one if there is none such.
func (l timeline) frame(n int64) target {
	n = min(max(n, 0), max(l.frames()-1, 0))
	return target{n, l.start(n), l.middle(n)}
}

// step is what is some frames away from t, or some seconds, if that is asked for or
// frames are not counted.
func (l timeline) step(t time.Duration, n int, seconds bool) target {
	switch {
	case !l.counts():
		t = min(max(t+time.Duration(n)*time.Second, 0), l.length)
		return target{-1, t, t}
	case seconds:
		return l.frame(l.frameAt(min(max(t+time.Duration(n)*time.Second, 0), l.length)))
	}
	return l.frame(l.frameAt(t) + int64(n))
}

// timeText writes a time as "0:12.400" or "1:02:03.400". Times that are long enough
// for hours have them all, so that a text keeps its width; whole says how long they
// get.
func timeText(t, whole time.Duration) string {
	sign := ""
	if t < 0 {
		sign, t = "-", -max(t, -math.MaxInt64)
	}
	ms := int64(t.Round(time.Millisecond) / time.Millisecond)
	s, ms := ms/1000, ms%1000
	switch {
	case max(t, whole) >= time.Hour:
		return fmt.Sprintf("%s%d:%02d:%02d.%03d", sign, s/3600, s/60%60, s%60, ms)
	case whole >= 10*time.Minute:
		return fmt.Sprintf("%s%02d:%02d.%03d", sign, s/60, s%60, ms)
	}
	return fmt.Sprintf("%s%d:%02d.%03d", sign, s/60, s%60, ms)
}

// clockText writes how long something has lasted: "0:12", "1:02:03".
func clockText(t time.Duration) string {
	s := int64(max(t, 0) / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// sinceText is clockText with "12 s" for less than a minute.
func sinceText(t time.Duration) string {
	if t < time.Minute {
		return fmt.Sprintf("%d s", max(t, 0)/time.Second)
	}
	return clockText(t)
}
