package player

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"planar/demux"
	"planar/player/clock"
)

// readLoop is the demux goroutine: it reads packets and hands them to the lanes
// of the decoders, moves the source when a new epoch begins, and brings a live
// source back when it is lost.
func (s *session) readLoop(ctx context.Context) {
	s.openDecoders(s.epochs.current())
	stamps := s.restamp(0)
	rounds := 1
	read := s.stats.bytes.Load() // at the beginning of the round: an empty one is the last
	for ctx.Err() == nil {
		e, jump := s.epochs.takeJump()
		s.follow(e)
		if jump {
			e = s.aim(e)
			if err := s.src.Seek(e.from()); err != nil {
				if !s.seekFailed(ctx, e, err) {
					return
				}
				continue
			}
			stamps = s.restamp(0)
			rounds = 1
		}
		s.watch()
		pkt, err := s.src.Read()
		switch {
		case err == nil:
			s.deliver(e, pkt, stamps)
			continue
		case ctx.Err() != nil:
			return
		case errors.Is(err, demux.ErrAgain):
			continue // perhaps to somewhere else
		case s.info.Live && s.cfg.Reconnect && !(errors.Is(err, io.EOF) && s.info.Duration > 0):
			if !s.reconnect(ctx, e, err) {
				return
			}
			// The picture has stood still since: go on from there.
			stamps = s.restamp(s.clockNow())
			s.live.restart()
			continue
		case !errors.Is(err, io.EOF):
			if !errors.Is(err, demux.ErrInterrupted) {
				s.log.Warn(fmt.Sprintf("%v: playback ends here", err))
				s.setDamaged(err)
			}
		}
		s.measure(s.src)
		if s.loops(rounds) && s.info.Seekable && s.stats.bytes.Load() > read {
			rounds++
			read = s.stats.bytes.Load()
			s.mark(e, markDrain)
			video, sound := s.tracks.playing()
			end := stamps.End(video, sound)
			if end == 0 { // nothing of those has come
				end = stamps.End()
			}
			if err := s.src.Seek(0); err != nil {
				if !s.seekFailed(ctx, e, err) {
					return
				}
				continue
			}
			stamps = s.restamp(end)
			continue
		}
		if !s.end(ctx, e) {
			return
		}
	}
}

// end ends the epoch and waits for another; false if ctx ends first.
func (s *session) end(ctx context.Context, e *epoch) bool {
	s.ends.Store(int64(e.n))
	s.mark(e, markEnd)
	return s.epochs.waitJump(ctx)
}

// seekFailed ends the epoch and waits for another; false if ctx ends first.
func (s *session) seekFailed(ctx context.Context, e *epoch, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	s.setDamaged(err)
	s.log.Error(err.Error())
	s.lostWay.Store(true)
	return s.end(ctx, e)
}

// restamp begins a timeline at the given playback time.
func (s *session) restamp(start time.Duration) *clock.Restamper {
	return clock.NewRestamper(start, s.info.Live)
}

// keepFrom is the playback time from which sound may still be wanted of another track.
func (s *session) keepFrom() time.Duration { return s.clockNow() - s.cfg.AudioDelay - preroll }

func (s *session) deliver(e *epoch, pkt *demux.Packet, stamps *clock.Restamper) {
	lane := s.lane(pkt.Stream)
	if lane == nil {
		pkt.Release()
		return
	}
	p := packet{Packet: pkt, epoch: e.n, at: s.now()}
	t := pkt.DTS
	if t == demux.NoPTS {
		t = pkt.PTS
	}
	if t != demux.NoPTS {
		p.offset = stamps.Offset(pkt.Stream, t, pkt.Duration)
	}
	if lane == s.slane && !s.tracks.keep(&p, s.keepFrom()) {
		pkt.Release() // another track's
		return
	}
	if t != demux.NoPTS {
		s.readTo.Store(int64(t + pkt.Duration))
	}
	s.stats.bytes.Add(int64(pkt.Size))
	s.stats.byteRate.add(int64(pkt.Size), p.at)
	if lane == s.vlane {
		s.stats.received.add(1, p.at)
	}
	if s.info.Live {
		if !s.admit(lane, &p) {
			pkt.Release()
			return
		}
		s.noteArrival(lane, &p)
	}
	lane.Put(p)
}

func (s *session) mark(e *epoch, m mark) {
	p := packet{epoch: e.n, mark: m}
	if s.slane != nil {
		s.tracks.keep(&p, s.keepFrom())
	}
	for _, l := range s.lanes() {
		l.Put(p)
	}
}

// backoff is how long to wait before the next attempt to connect, when a source
// has been lost for so long. Servers are mostly back within seconds, and a viewer
// shall see that at once; one that stays away is not pestered.
func backoff(lost time.Duration) time.Duration {
	switch {
	case lost < 10*time.Second:
		return 200 * time.Millisecond
	case lost < time.Minute:
		return 500 * time.Millisecond
	case lost < 10*time.Minute:
		return time.Second
	}
	return 2 * time.Second
}

// reconnect opens a lost live source again, for as long as it takes. It returns
// false if the session ends meanwhile.
func (s *session) reconnect(ctx context.Context, e *epoch, cause error) bool {
	if errors.Is(cause, io.EOF) {
		cause = errors.New("the server ended the stream")
	}
	if text, named := strings.CutPrefix(cause.Error(), label(s.name)+": "); named {
		cause = errors.New(text) // the name is said once
	}
	s.log.Warn(fmt.Sprintf("%s: signal lost: %v", label(s.name), cause))
	s.setLost(cause)
	s.tracks.lose()
	// The decoders go before the source they belong to.
	var closed []chan struct{}
	for _, l := range s.lanes() {
		c := make(chan struct{})
		closed = append(closed, c)
		l.Put(packet{epoch: e.n, mark: markClose, done: func() { close(c) }})
	}
	for _, c := range closed {
		select {
		case <-c:
		case <-ctx.Done():
			return false
		}
	}
	if old := s.swapSource(nil); old != nil {
		old.Close()
	}
	began := s.now()
	for {
		select {
		case <-time.After(backoff(s.now() - began)):
		case <-ctx.Done():
			return false
		}
		src, err := s.cfg.Open(ctx, s.name)
		if err == nil {
			err = s.adopt(src)
		}
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return false
		}
		s.log.Debug("reconnect: " + err.Error())
	}
	s.openDecoders(e)
	s.stats.reconnects.Add(1)
	s.log.Warn(fmt.Sprintf("%s: signal back after %.1f s", label(s.name), (s.now() - began).Seconds()))
	s.setLost(nil)
	return true
}

// openDecoders tells the decoders which source and stream they serve from now on.
func (s *session) openDecoders(e *epoch) {
	t := &s.tracks
	t.mu.Lock()
	t.src = s.src
	video := t.video
	if s.hasSound {
		s.slane.Replace(nil, []packet{{epoch: e.n, mark: markOpen, src: s.src, stream: t.sound}})
	}
	t.mu.Unlock()
	if s.hasVideo {
		s.vlane.Put(packet{epoch: e.n, mark: markOpen, src: s.src, stream: video})
	}
}

// adopt takes a source that was opened again in place of the lost one. It must
// have the same kinds of stream; their numbers may differ.
func (s *session) adopt(src demux.Source) error {
	streams := src.Streams()
	video, sound, _ := s.choose(streams, false)
	if (s.hasVideo && video == nil) || (s.hasSound && sound == nil && !s.cfg.AudioTrack.None) {
		src.Close()
		return errors.New("a stream is missing")
	}
	// What has been chosen stays, if it is there.
	v, a := s.tracks.playing()
	again := func(now int, kind demux.Kind, other *demux.Stream) int {
		switch {
		case now == noTrack || slices.ContainsFunc(streams, func(st demux.Stream) bool { return st.Index == now && st.Kind == kind }):
			return now
		case other == nil:
			return noTrack
		}
		return other.Index
	}
	s.tracks.adopt(src, again(v, demux.Video, video), again(a, demux.Audio, sound))
	s.swapSource(src)
	return nil
}
