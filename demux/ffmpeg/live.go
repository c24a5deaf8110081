package ffmpeg

import (
	"errors"
	"time"

	"planar/demux"
)

// Opening a live source without probing.
const (
	udpPatience   = 2 * time.Second        // for the first packet, before RTSP changes to TCP
	gatherWait    = 200 * time.Millisecond // for sound, after the first picture
	pictureWait   = 3 * time.Second        // for pictures, after the first sound: servers begin with a key frame
	gatherMedia   = time.Second            // the same as gatherWait in media time, for servers that send a burst
	gatherPackets = 512
	probeBytes    = 1 << 20
	probeTime     = 700 * time.Millisecond
)

// firstPacket reads and keeps the first packet.
func (s *Source) firstPacket(limit time.Duration) error {
	p, err := s.read(limit)
	if err == nil {
		s.queue = append(s.queue, p)
	}
	return err
}

// gather reads and keeps packets until a video and an audio track have turned
// up, or the second one does not come.
func (s *Source) gather(limit time.Duration) error {
	if err := s.firstPacket(limit); err != nil {
		return err
	}
	began := time.Now()
	var pictures time.Time // when they were there
	var first time.Duration
	for !s.complete() && len(s.queue) < gatherPackets {
		until := began.Add(pictureWait)
		if pictures.IsZero() && s.seen(demux.Video) {
			pictures, first = time.Now(), s.queue[len(s.queue)-1].Time()
		}
		if !pictures.IsZero() {
			until = pictures.Add(gatherWait)
		}
		left := time.Until(until)
		if left <= 0 {
			break
		}
		// FFmpeg cannot be called back without an error that may stick, so
		// waiting goes by what comes; silence this early is a stall.
		p, err := s.read(max(left, demux.SilenceLeast))
		if err != nil {
			if errors.Is(err, demux.ErrInterrupted) {
				return err
			}
			s.pending = err
			break
		}
		s.queue = append(s.queue, p)
		if t := p.Time(); !pictures.IsZero() && t != demux.NoPTS && first != demux.NoPTS && t-first > gatherMedia {
			break
		}
	}
	return nil
}

func (s *Source) complete() bool { return s.seen(demux.Video) && s.seen(demux.Audio) }

// seen reports whether a packet of a track of that kind has come.
func (s *Source) seen(k demux.Kind) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tracks {
		if t != nil && t.seen && t.Kind == k {
			return true
		}
	}
	return false
}
