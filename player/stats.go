package player

import (
	"sync/atomic"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/player/latency"
	"planar/render"
)

// stats counts what happens, over all sources played.
type stats struct {
	shown, dropped, late, duplicated atomic.Int64
	decoded, decodeErrors            atomic.Int64
	bytes                            atomic.Int64
	reconnects, skips, underruns     atomic.Int64
	stalls                           atomic.Int64
	shownAt                          atomic.Int64 // real time of the latest presentation, ns
	avDiff                           atomic.Int64 // picture minus sound at the latest presentation, ns
	avKnown                          atomic.Bool
	number, pts                      atomic.Int64 // of the latest frame shown
	look                             atomic.Pointer[Look]
	lateness                         atomic.Int64 // of the latest presentation, ns
	unplayed                         atomic.Int64 // packets of live sources that were dropped before the decoder

	byteRate, received, decodeRate, showRate meter
	// What the pictures shown have gone through, one stage after the other.
	reorder, decoding, queueing, presenting, toScreen smooth
}

// keep carries over what a session that ends counted itself.
func (t *stats) keep(s sessionReport) {
	if s.live != nil {
		t.skips.Add(s.live.Skips)
	}
	t.avKnown.Store(false)
}

// Look is what kind of picture is shown.
type Look struct {
	Width, Height int
	Format        string        // FFmpeg's pixel-format name
	Colour        render.Colour // as it is shown: nothing is unknown
	Said          render.Colour // what the source or the user said; the rest is assumed
}

// Stats is a snapshot of how playback goes. Counters are since the start.
type Stats struct {
	Source       string        // name, without secrets; empty when nothing is open
	State        string        // "opening", "playing", "paused", "buffering", "signal lost", "ended"
	Frame        int64         // number of the frame on the screen; -1 if none
	PTS          time.Duration // its time in the source
	Duration     time.Duration // of the source by now, 0 if unknown
	LoopA, LoopB time.Duration // the first and the last frame of the part that is looped; NoLoop if not marked
	Look         Look          // of the picture on the screen; zero if none
	Shown        int64         // frames presented
	Dropped      int64         // frames whose time was over before they could be presented
	Late         int64         // of those presented, how many more than half a frame late
	Duplicated   int64         // frame times for which a picture stayed longer than it should
	Decoded      int64
	DecodeErrors int64
	Bytes        int64         // read
	AVDiff       time.Duration // picture minus sound, at the latest presentation
	AVKnown      bool          // AVDiff has a meaning
	Lateness     time.Duration // of the latest presentation
	VideoPackets int           // in the queue before the decoder
	AudioPackets int
	Frames       int           // decoded, waiting for their time
	SoundQueued  time.Duration // in the output's queue
	// DeviceLatency is from the hand-over of a sample to the device until it is heard, as
	// far as that is known.
	DeviceLatency time.Duration
	Underruns     int64 // times the sound device ran dry
	// Loudness is of the sound as it is in the source, since somebody began to look:
	// Config.Loudness, Status.WatchLoudness. It goes on through pauses and seeks, and
	// begins anew after ClearLevels. It is ahead of what is heard by the output's
	// queue. Nil if nothing is measured.
	Loudness   *audio.Loudness
	Stalls     int64 // times playback stopped for buffering
	Reconnects int64
	Skips      int64 // jumps to stay live
	Speed      float64
	Rates      Rates
	Stages     Stages
	Live       *Live // nil if the source is not live
}

// Rates are counts per second, over the last second.
type Rates struct {
	Bits     float64 // read
	Received float64 // access units of the video
	Decoded  float64 // pictures
	Shown    float64
}

// Stages is the way of a picture from its last packet to the screen, as a mean over
// the latest ones.
type Stages struct {
	Reorder time.Duration // waiting in the source for packets before it
	Decode  time.Duration // until it came out of the decoder
	Queue   time.Duration // until it was due
	Present time.Duration // putting it on the screen
}

// Live is how a live source goes.
type Live struct {
	latency.Report
	Lost      time.Duration   // how long the signal has been lost, 0 if it is not
	Cause     string          // why it was lost, the latest time
	Received  bool            // Reception has a meaning
	Reception demux.Reception // over all reconnects
	Unplayed  int64           // packets dropped before the decoder: without a key frame, paused, too many
	ToScreen  time.Duration   // from the sender's clock to the screen
	Captured  bool            // ToScreen has a meaning
}

// Stats may be called from any goroutine while Run runs.
func (p *Player) Stats() Stats {
	t := &p.stats
	st := Stats{
		State: "opening", Frame: -1, LoopA: NoLoop, LoopB: NoLoop,
		Shown: t.shown.Load(), Dropped: t.dropped.Load(), Late: t.late.Load(), Duplicated: t.duplicated.Load(),
		Decoded: t.decoded.Load(), DecodeErrors: t.decodeErrors.Load(), Bytes: t.bytes.Load(),
		AVDiff: time.Duration(t.avDiff.Load()), AVKnown: t.avKnown.Load(), Lateness: time.Duration(t.lateness.Load()),
		Underruns: t.underruns.Load(), Reconnects: t.reconnects.Load(), Skips: t.skips.Load(),
		Stalls: t.stalls.Load(),
	}
	if l := t.look.Load(); l != nil {
		st.Look = *l
	}
	if st.Shown > 0 {
		st.Frame, st.PTS = t.number.Load(), time.Duration(t.pts.Load())
	}
	p.mu.Lock()
	s, last := p.current, p.last
	p.mu.Unlock()
	if s == nil {
		if last.Source != "" {
			st.Source, st.State, st.Duration, st.Speed, st.Loudness = last.Source, "ended", last.Duration, last.Speed, last.Loudness
		}
		return st
	}
	r := s.report()
	st.Source, st.State, st.Duration = display(s.name), r.state, s.length.whole.Load()
	st.LoopA, st.LoopB = r.loopA, r.loopB
	st.VideoPackets, st.AudioPackets, st.Frames = r.videoPackets, r.audioPackets, s.frames.Len()
	st.Loudness = s.speaker.loudness.report()
	st.SoundQueued, st.DeviceLatency, st.Speed, st.Live = r.queued, r.latency, r.speed, r.live
	st.Underruns += r.underruns
	now := s.now()
	st.Rates = Rates{8 * t.byteRate.rate(now), t.received.rate(now), t.decodeRate.rate(now), t.showRate.rate(now)}
	st.Stages.Reorder, _ = t.reorder.get()
	st.Stages.Decode, _ = t.decoding.get()
	st.Stages.Queue, _ = t.queueing.get()
	st.Stages.Present, _ = t.presenting.get()
	if st.Live != nil {
		st.Skips += st.Live.Skips
		st.Live.Unplayed = t.unplayed.Load()
		st.Live.ToScreen, st.Live.Captured = t.toScreen.get()
	}
	if !s.hasVideo || s.framesAreStills {
		st.PTS = r.position
	}
	return st
}

// sessionReport is what only the session knows.
type sessionReport struct {
	state                      string
	videoPackets, audioPackets int
	queued, latency, position  time.Duration
	loopA, loopB               time.Duration
	speed                      float64
	underruns                  int64
	live                       *Live
}

func (s *session) report() sessionReport {
	var r sessionReport
	now := s.now()
	s.mu.Lock()
	r.state, r.speed = string(s.state(now)), s.clk.Speed()
	if !s.info.Live {
		r.speed = s.speaker.wantedSpeed() // that of the clock follows when it is heard
	}
	r.loopA, r.loopB = s.part.a, s.part.b
	media := s.clk.At(now)
	if s.info.Live {
		l := &Live{Report: s.live.control.Report(now), Cause: s.cause}
		l.Reception, l.Received = s.reception()
		if s.lost != nil {
			l.Lost = max(now-s.lostAt, 1)
		}
		r.live = l
	}
	s.mu.Unlock()
	if s.vlane != nil {
		r.videoPackets = s.vlane.Len()
	}
	if s.slane != nil {
		r.audioPackets = s.slane.Len()
	}
	r.position = s.soundAt(media)
	r.queued, r.latency, r.underruns = s.speaker.report()
	return r
}

// noteStages notes what the picture that is presented at real time now has gone
// through.
func (s *session) noteStages(f *frame, now time.Duration) {
	t, o := s.stats, f.from
	if o.decoded == 0 {
		return
	}
	t.reorder.note(o.waited)
	t.decoding.note(o.decoded - o.read)
	t.queueing.note(now - o.decoded)
	if wall := s.cfg.Time.Wall; wall != nil && !o.captured.IsZero() {
		t.toScreen.note(wall().Sub(o.captured))
	}
}

func lookOf(f *frame) Look { return Look{f.Width, f.Height, f.Format, f.ShownColour(), f.Colour} }

// account notes a presentation at real time now.
func (s *session) account(f *frame, now time.Duration) {
	t := s.stats
	t.shown.Add(1)
	t.showRate.add(1, now)
	t.number.Store(f.Number)
	t.pts.Store(int64(f.PTS))
	t.shownAt.Store(int64(now))
	look := lookOf(f)
	if l := t.look.Load(); l == nil || *l != look {
		t.look.Store(&look)
	}
	s.mu.Lock()
	steady := s.playing && s.clk.Running() && !f.first && s.paced
	apart := s.ahead != 0 // the sound waits for the picture
	late := s.clk.At(now) - f.start
	speed := s.clk.Speed()
	s.mu.Unlock()
	if !steady {
		return
	}
	length := f.end - f.start
	t.lateness.Store(int64(late))
	if late > length/2 {
		t.late.Add(1)
	}
	if s.shown != nil {
		should := float64(s.shown.end-s.shown.start) / speed
		if extra := float64(now-s.shownAt)/should - 0.5; extra >= 1 {
			t.duplicated.Add(int64(extra))
		}
	}
	heard, h := s.speaker.heard()
	together := h == hears && !apart
	if together {
		t.avDiff.Store(int64(f.start - heard))
	}
	t.avKnown.Store(together)
}

// report tells how much sound waits in the output, how late the device is, and its
// underruns.
func (k *speaker) report() (queued, latency time.Duration, underruns int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.out == nil {
		return 0, 0, 0
	}
	return k.out.Format().Duration(int64(k.out.Queued())), k.out.Position().Latency, k.out.Underruns()
}
