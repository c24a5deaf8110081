package player

import (
	"fmt"
	"os"
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

// lookEvery is how often a file that plays is looked at: a growing one is soon seen
// to be longer, and looking costs next to nothing.
const lookEvery = 2 * time.Second

// watched is what the demux goroutine knows of the file that it reads.
type watched struct {
	there bool          // it had a name when it was opened, and has it still
	at    time.Duration // real time at which it was looked at
}

// watch looks at the file now and then, and tells when it is cut or has gone: what
// is mapped of it reads as zeros then, which looks like a fault of ours.
func (s *session) watch() {
	now := s.now()
	if s.info.Live || now-s.file.at < lookEvery {
		return
	}
	s.file.at = now
	s.measure(s.src)
	if s.file.there && !onDisk(s.name) {
		s.file.there = false
		s.log.Warn(label(s.name) + ": has been removed or renamed; what is open of it plays on")
	}
}

func onDisk(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// measure asks the source how long it is. It is called by the goroutine that owns it.
func (s *session) measure(src demux.Source) {
	now, before := src.Info().Duration, s.length.whole.Load()
	if now < before {
		s.log.Warn(fmt.Sprintf("%s: has been cut while it plays: %s of %s are left", label(s.name), ClockText(now), ClockText(before)))
	}
	s.length.whole.Store(now)
	video, sound := s.tracks.playing()
	for _, st := range src.Streams() {
		switch st.Index {
		case video:
			s.length.picture.Store(st.Duration)
		case sound:
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
