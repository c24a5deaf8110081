package player

import (
	"sync/atomic"
	"time"

	"planar/demux"
)

// length is how long the source and its streams are; 0 where it is not known.
// It changes while a file grows or is cut: the demux goroutine measures, others read.
type length struct{ whole, picture, sound atomicDuration }

type atomicDuration struct{ ns atomic.Int64 }

func (d *atomicDuration) Load() time.Duration   { return time.Duration(d.ns.Load()) }
func (d *atomicDuration) Store(v time.Duration) { d.ns.Store(int64(v)) }

// measure asks the source how long it is. It is called by the goroutine that owns it.
func (s *session) measure(src demux.Source) {
	s.length.whole.Store(src.Info().Duration)
	for _, st := range src.Streams() {
		switch {
		case s.hasVideo && st.Index == s.video.Index:
			s.length.picture.Store(st.Duration)
		case s.hasSound && st.Index == s.sound.Index:
			s.length.sound.Store(st.Duration)
		}
	}
}

// clamp brings a time in the source to between its ends.
func (s *session) clamp(t time.Duration) time.Duration {
	if whole := s.length.whole.Load(); whole > 0 {
		t = min(t, whole)
	}
	return max(0, t)
}

// aim measures the source and brings an epoch that is to begin behind its end
// back to there.
func (s *session) aim(e *epoch) *epoch {
	s.measure(s.src)
	if t := s.clamp(e.target); t != e.target {
		return s.epochs.retarget(e, t)
	}
	return e
}
