package player

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"planar/demux"
	"planar/player/clock"
)

// videoLoop is the video decode goroutine: packets in, frames out.
func (s *session) videoLoop(ctx context.Context) {
	v := &videoStage{s: s, cur: &epoch{}}
	defer v.close()
	for {
		p, ok := s.vlane.Get()
		if !ok {
			return
		}
		if !v.take(p) {
			return
		}
	}
}

// videoStage decodes the video stream and gives frames their playback time.
type videoStage struct {
	s   *session
	dec demux.VideoDecoder
	cur *epoch

	offset, older time.Duration     // playback time minus source time, now and before it last changed
	next          time.Duration     // playback time at which the next frame is expected
	begun         bool              // next is known
	arrived       bool              // the epoch's first frame has gone out
	held          *frame            // latest frame before the one wanted
	number        int64             // of the next frame, -1 if unknown
	fed           bool              // the decoder has got something
	inside        [inDecoder]origin // of the latest packets, one after the other
	fill          int
	sent          origin // of the present packet
	errors        oncePerSecond
}

// take handles one packet; false ends the goroutine.
func (v *videoStage) take(p packet) bool {
	defer p.Release()
	switch p.mark {
	case markOpen:
		v.open(p)
		return true
	case markClose:
		v.close()
		p.done()
		return true
	}
	if p.epoch != v.cur.n {
		c := v.s.epochs.current()
		if p.epoch != c.n {
			return true
		}
		v.begin(c)
		if v.dec == nil && !v.put(&frame{epoch: v.cur.n, final: true}) { // no picture will come: the sound need not wait
			return false
		}
	}
	if v.dec == nil {
		return true
	}
	if p.mark == markNone {
		if p.Fresh && v.fed {
			// Pictures that are still inside are whole; what follows does not refer to them.
			if !v.decode(nil) {
				return false
			}
			v.dec.Flush()
		}
		v.fed = true
		if p.offset != v.offset {
			v.older, v.offset = v.offset, p.offset
		}
		v.sent = origin{pts: p.PTS, read: p.at, waited: p.Waited, captured: p.Captured}
		v.inside[v.fill%inDecoder] = v.sent
		v.fill++
		return v.decode(p.Packet)
	}
	if !v.decode(nil) {
		return false
	}
	v.dec.Flush()
	v.number = 0 // after a drain the stream begins again, after an end a seek sets it
	if p.mark == markEnd {
		if v.held != nil && !v.arrived && !v.emitHeld() {
			return false
		}
		return v.put(&frame{epoch: v.cur.n, final: true})
	}
	return true
}

func (v *videoStage) open(p packet) {
	v.close()
	// Nothing of an older timeline is inside a new decoder: stamp must not take
	// the time lost in between for a change of offset to be smoothed over.
	v.begun, v.fed, v.fill = false, false, 0
	var err error
	if v.dec, err = p.src.VideoDecoder(p.stream); err != nil {
		v.dec = nil
		v.s.vlane.SetActive(false)
		v.s.setDamaged(err)
		v.s.log.Error(fmt.Sprintf("%s: %v", label(v.s.name), err))
	}
}

func (v *videoStage) close() {
	v.held.release()
	v.held = nil
	if v.dec != nil {
		v.dec.Close()
		v.dec = nil
	}
}

// begin starts a new epoch.
func (v *videoStage) begin(e *epoch) {
	v.held.release()
	own := *e
	if end := v.s.length.picture.Load(); own.mode == showing && end > 0 {
		// Behind the last picture there is only sound: show that picture at once,
		// rather than after reading all the sound in search of another.
		own.target = min(own.target, end-1)
	}
	v.held, v.cur, v.arrived, v.begun = nil, &own, false, false
	v.next = own.target // for frames without a time, such as cover art
	v.number = -1
	if own.target == 0 {
		v.number = 0
	}
	if v.dec != nil {
		v.dec.Flush()
	}
}

// decode sends one packet (nil to drain) and puts out the frames it yields.
func (v *videoStage) decode(pkt *demux.Packet) bool {
	var busy time.Duration
	for {
		began := v.s.now()
		err := v.dec.Send(pkt)
		again := errors.Is(err, demux.ErrAgain)
		if err != nil && !again {
			v.s.stats.decodeErrors.Add(1)
			v.s.setDamaged(err)
			v.errors.report(v.s, "video: ", err)
		}
		for {
			f, err := v.dec.Receive()
			busy += v.s.now() - began
			if err != nil {
				if !errors.Is(err, demux.ErrAgain) && !errors.Is(err, io.EOF) {
					v.s.stats.decodeErrors.Add(1)
					v.errors.report(v.s, "video: ", err)
				}
				break
			}
			v.s.stats.decoded.Add(1)
			if !v.emit(v.stamp(f)) {
				return false
			}
			began = v.s.now()
		}
		if !again {
			v.s.live.decoding.note(busy)
			return true
		}
	}
}

// stamp gives a frame its playback time and number.
func (v *videoStage) stamp(f *demux.Frame) *frame {
	pts := f.PTS
	length := f.Duration
	if length <= 0 && v.s.rate().Known() {
		length = time.Duration(float64(time.Second) / v.s.rate().Float())
	}
	if length <= 0 {
		length = 40 * time.Millisecond
	}
	start := v.next
	if f.PTS != demux.NoPTS {
		start = f.PTS + v.offset
		// Frames still inside the decoder when the offset changed belong to the
		// timeline that continues smoothly.
		if alt := f.PTS + v.older; v.begun && v.older != v.offset && distance(alt, v.next) < distance(start, v.next) {
			start = alt
		}
	} else {
		f.PTS = start - v.offset
	}
	if f.Number < 0 {
		if v.number < 0 {
			v.number = 0
			if v.s.rate().Known() {
				v.number = int64(math.Round(f.PTS.Seconds() * v.s.rate().Float()))
			}
		}
		f.Number = v.number
	}
	v.number = f.Number + 1
	v.next, v.begun = start+length, true
	now := v.s.now()
	v.s.stats.decodeRate.add(1, now)
	from := v.origin(pts)
	from.decoded = now
	return &frame{Frame: f, said: f.Colour, epoch: v.cur.n, start: start, end: start + length, from: from}
}

// inDecoder is how many packets' origins are remembered: a decoder holds up to 16
// pictures back for their order, and as many more in its threads.
const inDecoder = 64

// origin is that of the packet with the given PTS; of the latest if none had it.
func (v *videoStage) origin(pts time.Duration) origin {
	for i := range min(v.fill, inDecoder) {
		if o := v.inside[i]; o.pts == pts {
			return o
		}
	}
	return v.sent
}

func distance(a, b time.Duration) time.Duration { return max(a-b, b-a) }

// emit puts a frame out, unless playback of this epoch begins later.
func (v *videoStage) emit(f *frame) bool {
	if !v.arrived {
		if !v.s.framesAreStills && !v.cur.wants(f.start, f.end) {
			v.held.release()
			v.held = f
			return true
		}
		if v.cur.mode == lastBefore && v.held != nil {
			if !v.emitHeld() {
				f.release()
				return false
			}
		}
		v.held.release()
		v.held = nil
	}
	f.first = !v.arrived
	v.arrived = true
	if !f.first && v.s.tooLate(f) {
		v.s.stats.dropped.Add(1)
		f.release()
		return true
	}
	return v.put(f)
}

func (v *videoStage) emitHeld() bool {
	f := v.held
	v.held = nil
	f.first, v.arrived = true, true
	return v.put(f)
}

func (v *videoStage) put(f *frame) bool {
	if v.s.info.Live && v.s.stopped.Load() && !f.first && !f.final && v.s.frames.Full() {
		f.release() // paused: decoding goes on, so that resuming shows what is live then
		return true
	}
	ok := v.s.frames.Put(*f)
	v.s.refresh.frameReady()
	return ok
}

// tooLate reports whether a frame that was just decoded cannot be shown any
// more; dropping it here saves its way to the screen.
func (s *session) tooLate(f *frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.playing || s.info.Live || !s.paced || !s.clk.Running() || s.stall.hungry.Load() {
		return false
	}
	now := s.now()
	// With nothing behind it, it was reading that was late, and dropping saves nothing.
	last := s.vlane.Len() == 0 && s.frames.Len() == 0
	return clock.Decide(f.start, f.end, s.clk.At(now), now-time.Duration(s.stats.shownAt.Load()), last) == clock.Drop
}

// oncePerSecond keeps repeated complaints from flooding the terminal.
type oncePerSecond struct {
	at     time.Duration
	missed int
}

func (o *oncePerSecond) report(s *session, what string, err error) {
	now := s.now()
	if o.at != 0 && now-o.at < time.Second {
		o.missed++
		return
	}
	text := label(s.name) + ": " + what + err.Error()
	if o.missed > 0 {
		text += fmt.Sprintf(" (and %d more)", o.missed)
	}
	o.at, o.missed = now, 0
	s.log.Warn(text)
}
