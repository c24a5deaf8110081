package ffmpeg

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/asticode/go-astiav"

	"planar/demux"
)

// retreats are how much earlier than asked to look when a format's seeking
// lands too late, as those without an index do.
var retreats = []time.Duration{0, time.Second, 5 * time.Second, 15 * time.Second}

// searchLimit bounds how many packets are read to find out where a seek landed.
const searchLimit = 20000

// Seek moves to the last key frame at or before t that the format lets FFmpeg
// find; the first video packet read afterwards is that frame. Sources without
// video go to the packet at or before t. It works after the end, too.
func (s *Source) Seek(t time.Duration) error {
	if s.intr.isStopped() {
		return demux.ErrInterrupted
	}
	if !s.info.Seekable {
		return fmt.Errorf("%s: cannot seek in it", s.t.show)
	}
	t = max(t, 0)
	if d := s.info.Duration; d > 0 {
		t = min(t, d)
	}
	ref := s.reference()
	if ref == nil {
		return fmt.Errorf("%s: no stream to seek in", s.t.show)
	}
	base := time.Duration(s.base.Load())
	to := func(at time.Duration) func() error {
		return func() error {
			return seekInput(s.fc, ref.Index, durationToTicks(max(0, at)+base, ref.num, ref.den))
		}
	}
	var tries []func() error
	for _, r := range retreats {
		tries = append(tries, to(t-r))
		if r >= t {
			break
		}
	}
	if t > retreats[len(retreats)-1] {
		tries = append(tries, to(0))
	}
	for _, try := range tries {
		ok, err := s.land(ref, t, try)
		if ok || errors.Is(err, demux.ErrInterrupted) {
			return err
		}
	}
	// Nothing decodable before t was found. Formats without an index may miss
	// their first frame when they seek to its time; others begin after t.
	if s.fc.InputFormat().Flags().Has(astiav.IOFormatFlagTsDiscont) {
		if _, err := s.land(ref, t, func() error { return rewindInput(s.fc) }); err == nil {
			return nil
		}
	}
	_, err := s.land(ref, t, to(t))
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	// Streams without timestamps, such as raw H.264, know no place but the beginning.
	if t == 0 && rewindInput(s.fc) == nil {
		return nil
	}
	return fmt.Errorf("%s: seeking failed: %w", s.t.show, err)
}

// reference is the stream by which seeking is done: moving pictures, else sound.
func (s *Source) reference() *track {
	s.mu.Lock()
	defer s.mu.Unlock()
	var best *track
	rank := func(t *track) int {
		switch {
		case t == nil:
			return 0
		case s.selected != nil && !s.selected[t.Index]:
			return 1
		case t.Still:
			return 2
		case t.Kind == demux.Audio:
			return 3
		}
		return 4
	}
	for _, t := range s.tracks {
		if rank(t) > rank(best) {
			best = t
		}
	}
	return best
}

// reorder is how much later than its DTS a packet without a PTS may be shown.
const reorder = 500 * time.Millisecond

// latest is the latest time at which p may be shown.
func latest(p *demux.Packet) time.Duration {
	if p.PTS != demux.NoPTS || p.DTS == demux.NoPTS {
		return p.PTS
	}
	return p.DTS + reorder
}

// land seeks and reads on, keeping what it reads, to the first packet of ref
// from which decoding can begin. It is done if that is not after t.
func (s *Source) land(ref *track, t time.Duration, seek func() error) (bool, error) {
	s.dropQueue()
	s.intr.deadline(0)
	if err := seek(); err != nil {
		if s.intr.isStopped() {
			return false, demux.ErrInterrupted
		}
		return false, unwrapErrno(err)
	}
	for n := 0; n < searchLimit; n++ {
		p, err := s.read(0)
		if err != nil {
			if errors.Is(err, demux.ErrInterrupted) {
				return false, err
			}
			s.pending = err
			return false, err
		}
		if p.Stream != ref.Index {
			s.queue = append(s.queue, p)
			continue
		}
		if !p.Key && p.Time() <= t {
			p.Release() // cannot be decoded from here
			continue
		}
		s.queue = append(s.queue, p)
		return p.Key && latest(p) <= t, nil
	}
	return false, nil
}
