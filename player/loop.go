package player

import (
	"math"
	"time"

	"planar/demux"
	"planar/render"
)

// NoLoop is Stats.LoopA and LoopB where nothing is marked.
const NoLoop = time.Duration(math.MinInt64)

// part is the stretch of a source that is played over and over: from the frame at
// a to the one at b, both included. It holds as long as it is not left by a
// seek; playback that comes into it again stays in it. The main goroutine owns it
// and changes a and b under session.mu.
type part struct {
	a, b time.Duration // in the source's time; NoLoop if not marked
	was  bool          // without pictures: playback was between a and b when last looked
}

// noPart is that nothing is marked.
var noPart = part{a: NoLoop, b: NoLoop}

// markLoop marks the loop's beginning, then its end, then ends it.
func (s *session) markLoop() {
	if !s.info.Seekable {
		s.log.Warn(label(s.name) + ": cannot loop a part of this source: there is no seeking in it")
		return
	}
	s.lostWay.Store(false)
	a, b, at := s.part.a, s.part.b, s.position()
	switch {
	case a == NoLoop:
		a = at
	case b == NoLoop:
		a, b = min(a, at), max(a, at)
	default:
		a, b = NoLoop, NoLoop
	}
	s.mu.Lock()
	s.part = part{a: a, b: b, was: b > a} // at b it begins at once
	s.mu.Unlock()
	text := s.part.String()
	if text == "" {
		text = "off"
	}
	s.answer(label(s.name) + ": loop " + text)
}

// at is the loop of the same frames when they come at another rate.
func (p part) at(from, to render.Rational) part {
	for _, t := range []*time.Duration{&p.a, &p.b} {
		if *t != NoLoop && from.Known() && to.Known() && from != to {
			*t = demux.FrameTime(frameAt(*t, from), to)
		}
	}
	return p
}

// String tells what is marked; it is empty if nothing is.
func (p part) String() string {
	switch {
	case p.a == NoLoop:
		return ""
	case p.b == NoLoop:
		return "from " + ClockText(p.a)
	}
	return ClockText(p.a) + " to " + ClockText(p.b)
}

// holds reports whether a frame belongs to the loop.
func (p part) holds(f *frame) bool {
	length := f.end - f.start
	return p.b != NoLoop && f.PTS <= p.b && f.PTS+length > p.a+inside(length)
}

// leavesLoop reports whether the prepared frame is the one behind the loop's end.
func (s *session) leavesLoop() bool {
	return !s.paused && s.arrived() && s.next.epoch == s.shown.epoch &&
		!s.framesAreStills && s.part.holds(s.shown) && !s.part.holds(s.next)
}

// loopEnds reports whether the loop is over without a frame behind it: the
// source ends there, or there is only sound.
func (s *session) loopEnds(now time.Duration) bool {
	if s.part.b == NoLoop || s.paused {
		return false
	}
	if s.hasVideo && !s.framesAreStills {
		last := s.arrived() && s.part.holds(s.shown) && (s.videoDone || s.shown.PTS >= s.part.b)
		return last && now >= s.endOfShown()
	}
	was, at := s.part.was, s.position()
	s.part.was = at >= s.part.a && at < s.part.b
	return was && (at >= s.part.b || s.speaker.over())
}

// looping reports whether playback is inside the loop, and so does not end.
func (s *session) looping() bool {
	switch {
	case s.part.b == NoLoop || s.paused:
		return false
	case s.hasVideo && !s.framesAreStills:
		return s.arrived() && s.part.holds(s.shown)
	}
	return s.part.was
}

// loopBack goes to the loop's beginning.
func (s *session) loopBack() {
	if s.lostWay.Load() { // it would fail for ever
		s.mu.Lock()
		s.part = noPart
		s.mu.Unlock()
		return
	}
	length := time.Duration(0)
	if s.shown != nil {
		length = s.shown.end - s.shown.start
	}
	s.jump(s.part.a+inside(length), showing)
}
