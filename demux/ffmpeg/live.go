package ffmpeg

import (
	"errors"
	"time"

	"planar/demux"
)

// Opening a live source without probing.
const (
	udpPatience   = 2 * time.Second        // for the first packet, before RTSP changes to TCP
	gatherWait    = 200 * time.Millisecond // for the second of two tracks, after the first packet
	gatherMedia   = time.Second            // the same in media time, for servers that send a burst
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
	first := s.queue[0].Time()
	until := time.Now().Add(gatherWait)
	for !s.complete() && len(s.queue) < gatherPackets {
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
		if t := p.Time(); t != demux.NoPTS && first != demux.NoPTS && t-first > gatherMedia {
			break
		}
	}
	return nil
}

func (s *Source) complete() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var video, sound bool
	for _, t := range s.tracks {
		if t != nil && t.seen {
			video = video || t.Kind == demux.Video
			sound = sound || t.Kind == demux.Audio
		}
	}
	return video && sound
}
