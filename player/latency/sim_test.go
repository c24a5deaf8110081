package latency

import (
	"math"
	"math/rand"
	"testing"
	"time"
)

const (
	ms         = time.Millisecond
	never      = time.Duration(math.MaxInt64)
	soundBlock = 1024 * time.Second / 48000
)

// outage is a time in which the network holds everything back.
type outage struct{ from, to time.Duration }

// world is a sender, a network and a player that obeys a Controller. Everything
// happens in simulated time.
type world struct {
	picture, sound time.Duration                                     // duration of a unit; 0: none
	ppm            float64                                           // how much slower than ours the sender's clock is
	jitter         func(r *rand.Rand, s Stream, i int) time.Duration // of the i-th unit
	path           func(at time.Duration) time.Duration              // what sound and pictures have in common
	outages        []outage                                          // in order
	spacing        time.Duration                                     // least time between arrivals of a stream
	start          time.Duration                                     // what was sent before comes in a burst now
	waits          bool                                              // without sound: the clock waits for pictures more than half a second late
	target         time.Duration
	reserve        time.Duration
	steerEvery     time.Duration
	check          func(p *player) // after each Steer
	seed           int64
}

// sender makes the units of one stream, in order.
type sender struct {
	stream     Stream
	length, at time.Duration // at: when the next unit becomes playable
	pts        time.Duration // of the next unit
	i          int
	outages    []outage
}

// player is the state of the world that plays.
type player struct {
	*Controller
	now, media       time.Duration
	started          bool
	order            Order
	soundEnd         time.Duration // what the device has
	from             time.Duration // media time before which nothing is shown, after a jump
	shown            int           // pictures, since the statistics were reset
	late, veryLate   int           // of these: late at all, more than half a unit
	steers, straight int           // Steers in all, with speed exactly 1
	skips            int
}

func (p *player) delay() time.Duration { return p.now - p.media }

func (p *player) resetStatistics() {
	p.shown, p.late, p.veryLate, p.steers, p.straight, p.skips = 0, 0, 0, 0, 0, 0
}

func (w *world) prepare(s *sender, r *rand.Rand) {
	if s.length == 0 {
		s.at = never
		return
	}
	s.pts = time.Duration(s.i) * s.length
	sent := s.pts + time.Duration(float64(s.pts)*w.ppm/1e6)
	at := sent
	if w.path != nil {
		at += w.path(sent)
	}
	if w.jitter != nil {
		at += max(0, w.jitter(r, s.stream, s.i))
	}
	at = max(at, w.start, s.at+w.spacing)
	for len(s.outages) > 0 && at >= s.outages[0].to {
		s.outages = s.outages[1:]
	}
	if len(s.outages) > 0 && at >= s.outages[0].from {
		at = s.outages[0].to
	}
	s.at = at
	s.i++
}

// run plays for a time.
func (w *world) run(t *testing.T, length time.Duration) *player {
	t.Helper()
	r := rand.New(rand.NewSource(w.seed + 1))
	if w.steerEvery == 0 {
		w.steerEvery = 20 * ms
	}
	p := &player{Controller: New(w.target), order: Order{Speed: 1}, from: math.MinInt64}
	if w.reserve > 0 {
		p.SetReserve(Sound, w.reserve)
	}
	pictures, sound := &sender{length: w.picture, outages: w.outages}, &sender{stream: Sound, length: w.sound, outages: w.outages}
	w.prepare(pictures, r)
	w.prepare(sound, r)
	steer := w.steerEvery
	for {
		now := min(pictures.at, sound.at, steer)
		if now > length {
			return p
		}
		if p.started {
			p.media += time.Duration(math.Round(float64(now-p.now) * p.order.Speed))
			if w.sound > 0 {
				p.media = min(p.media, p.soundEnd) // the device is dry, the clock waits
			}
		}
		p.now = now
		switch now {
		case pictures.at:
			p.Ready(Picture, pictures.pts, pictures.length, now)
			if w.sound == 0 && !p.started {
				p.started, p.media = true, pictures.pts
			}
			w.show(p, pictures.pts)
			w.prepare(pictures, r)
		case sound.at:
			p.Ready(Sound, sound.pts, sound.length, now)
			if !p.started {
				p.started, p.media = true, sound.pts-w.reserve
			}
			p.soundEnd = sound.pts + sound.length
			w.prepare(sound, r)
		default:
			p.order = p.Steer(p.media, now)
			steer += w.steerEvery
			p.steers++
			if p.order.Speed == 1 {
				p.straight++
			}
			if !(p.order.Speed >= 0.95-1e-9 && p.order.Speed <= 1.05+1e-9) || p.order.Skip < 0 {
				t.Fatalf("at %v: order %+v is out of bounds", now, p.order)
			}
			if p.order.Skip > 0 {
				p.media += p.order.Skip
				p.from = p.media
				p.skips++
			}
			if w.check != nil {
				w.check(p)
			}
		}
	}
}

// show accounts for a picture that became playable.
func (w *world) show(p *player, pts time.Duration) {
	if !p.started || pts+w.picture <= p.from {
		return
	}
	late := p.media - pts
	p.shown++
	// What the dead zone allows is not late.
	if late > minZone {
		p.late++
	}
	if late > w.picture/2 {
		p.veryLate++
	}
	if w.sound == 0 && w.waits && late > ms*500 {
		p.media = pts
	}
}

func gaussian(r *rand.Rand, _ Stream, _ int) time.Duration {
	return time.Duration((r.NormFloat64()*5 + 20) * float64(ms))
}

func uniform(r *rand.Rand, _ Stream, _ int) time.Duration {
	return time.Duration(r.Float64() * float64(20*ms))
}

// keyFrames takes 60 ms longer for each 50th picture.
func keyFrames(_ *rand.Rand, s Stream, i int) time.Duration {
	if s == Picture && i%50 == 0 {
		return 60 * ms
	}
	return 0
}

// every makes outages of a length, one each period, up to end.
func every(period, length, end time.Duration) []outage {
	var all []outage
	for at := period; at < end; at += period {
		all = append(all, outage{at, at + length})
	}
	return all
}
