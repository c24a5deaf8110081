package player

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"planar/demux"
	"planar/player/latency"
	"planar/player/queue"
)

// livePlay keeps a live stream live. The controller is told when pictures and
// sound become playable and says how fast playback has to go, or how far to jump,
// so that it stays as close behind the sender as the network allows.
type livePlay struct {
	control *latency.Controller
	from    atomic.Int64 // playback time before which nothing is played

	decoding smooth // what decoding a picture takes

	// Owned by the demux goroutine.
	needsKey bool          // video packets are dropped until a key frame
	since    time.Duration // real time since when
}

const (
	// liveBehind is how far the packets that wait for the decoder may be behind
	// when a key frame comes that makes them superfluous.
	liveBehind = 500 * time.Millisecond
	// keyPatience is how long a live stream without key frames is not shown: some
	// are refreshed in stripes and never have one.
	keyPatience = 10 * time.Second
	// deviceSlack is what a sound device must hold beyond its period, for a
	// hand-over that comes late.
	deviceSlack = 5 * time.Millisecond
)

// liveLimit bounds the packets of a live stream. They are never waited for: what is
// too much is dropped. A group of pictures may well be 10 s long and be sent at
// once, so only memory counts: 32 MiB are 10 s of 26 Mbit/s.
var liveLimit = queue.Limit{Items: 4096, Bytes: 32 << 20}

func newLivePlay(target *time.Duration) *livePlay {
	auto := time.Duration(-1)
	if target == nil {
		target = &auto
	}
	l := &livePlay{control: latency.New(*target)}
	l.restart()
	return l
}

// restart forgets what arrived: the source begins anew.
func (l *livePlay) restart() {
	l.control.Restart()
	l.from.Store(math.MinInt64)
	l.needsKey, l.since = true, 0
}

// begin is the playback time before which nothing is played.
func (l *livePlay) begin() time.Duration { return time.Duration(l.from.Load()) }

// steer asks the controller where playback should be, and goes there. mu is held.
func (s *session) steer(now time.Duration) {
	if !s.clk.Running() {
		return
	}
	order := s.live.control.Steer(s.clk.At(now), now)
	if order.Skip > 0 {
		s.clk.Set(s.clk.At(now)+order.Skip, now)
		s.live.from.Store(int64(s.clk.At(now)))
		s.log.Info(fmt.Sprintf("%s: skipped %v to stay live", label(s.name), order.Skip.Round(time.Millisecond)))
	}
	if order.Speed != s.clk.Speed() {
		s.clk.SetSpeed(order.Speed, now)
		s.speaker.setDrift(order.Speed)
	}
}

// admit makes room for a packet of a live stream and reports whether it is to be
// played. The reader must not wait: what comes from the network cannot.
func (s *session) admit(lane *queue.Lane[packet], p *packet) bool {
	if lane == s.slane {
		if s.stopped.Load() || lane.Full() {
			s.stats.unplayed.Add(1)
			return false
		}
		return true
	}
	l := s.live
	if p.Key || p.Fresh {
		p.Fresh = p.Fresh || l.needsKey
		l.needsKey, l.since = false, 0
		if lane.Cost().Duration > liveBehind || lane.Full() {
			dropped := lane.Drop(func(q packet) bool { return q.mark == markNone })
			s.stats.unplayed.Add(int64(dropped))
			p.Fresh = true
		}
		return true
	}
	if lane.Full() {
		l.needsKey = true
	}
	if !l.needsKey {
		return true
	}
	now := s.now()
	if l.since == 0 {
		l.since = now
	}
	if now-l.since < keyPatience || lane.Full() {
		s.stats.unplayed.Add(1)
		return false
	}
	l.needsKey = false
	return true
}

// noteArrival tells the controller of a packet that will be played. It could be shown as
// soon as it is decoded; that it then waits for its turn does not count, or a
// delay would justify itself.
func (s *session) noteArrival(lane *queue.Lane[packet], p *packet) {
	t := p.Time()
	if t == demux.NoPTS {
		return
	}
	t += p.offset
	if lane == s.slane {
		s.live.control.Ready(latency.Sound, t+s.cfg.AudioDelay, p.Duration, p.at)
		return
	}
	length := p.Duration
	if length <= 0 && s.rate().Known() {
		length = time.Duration(float64(time.Second) / s.rate().Float())
	}
	decoding, _ := s.live.decoding.get()
	s.live.control.Ready(latency.Picture, t, length, p.at+decoding)
}

// reserve tells the controller what the sound device needs: whoever hands over a
// sample waits for up to a period until the device takes it, and then for its
// latency.
func (k *speaker) reserve() {
	p := k.out.Position()
	k.s.live.control.SetReserve(latency.Sound, p.Period+p.Latency+deviceSlack)
}

// reception tells how the source is being received; false if it does not count.
// mu is held.
func (s *session) reception() (demux.Reception, bool) {
	r, ok := s.src.(demux.Receiver)
	if !ok {
		return s.earlier, s.src == nil && len(s.earlier.Tracks) > 0 // lost: as it was
	}
	now := r.Reception()
	now.Add(s.earlier)
	return now, true
}
