package latency

import (
	"fmt"
	"math"
	"math/rand"
	"sync"
	"testing"
	"time"
)

func abs(d time.Duration) time.Duration { return max(d, -d) }

func fps(n int) time.Duration { return time.Second / time.Duration(n) }

// Days with a sender's clock that is off, and with a stall each hour. A day must
// not take long, so that its units are long and its Steers few; the hours are as
// it is in truth.
func TestDrift(t *testing.T) {
	const day, hour = 24 * time.Hour, time.Hour
	for _, tt := range []struct {
		name   string
		length time.Duration
		ppm    float64 // of the sender's clock; positive: slow
		sound  bool
		stall  time.Duration // each hour
	}{
		{"day, slow", day, 200, false, 0},
		{"day, fast", day, -200, false, 0},
		{"day, slow, sound", day, 200, true, 0},
		{"day, slow, stalls", day, 200, false, 3 * time.Second},
		{"day, fast, stalls, sound", day, -200, true, time.Second},
		{"hour, slow", hour, 200, false, 0},
		{"hour, fast", hour, -200, false, 0},
		{"hour, slow, sound", hour, 200, true, 0},
		{"hour, fast, sound", hour, -200, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := world{picture: 400 * ms, ppm: tt.ppm, target: -1, steerEvery: 200 * ms}
			if tt.length == hour {
				w.picture, w.steerEvery = fps(25), 20*ms
			}
			if tt.stall > 0 {
				w.outages = every(time.Hour, tt.stall, tt.length)
			}
			if tt.sound {
				w.sound, w.reserve = 400*ms, 50*ms
				if tt.length == hour {
					w.sound = soundBlock
				}
			}
			// The delay without that of the network, which drifts with the clock.
			beyond := func(p *player) time.Duration {
				sent := float64(p.media) * (1 + tt.ppm/1e6)
				return p.now - time.Duration(sent)
			}
			var first, lowest, highest time.Duration
			lowest = never
			w.check = func(p *player) {
				if p.now < time.Minute || tt.stall > 0 && p.now%time.Hour < tt.stall+15*time.Second {
					return
				}
				b := beyond(p)
				if first == 0 {
					first = b
				}
				lowest, highest = min(lowest, b), max(highest, b)
			}
			p := w.run(t, tt.length)
			if last := beyond(p); abs(last-first) > 3*ms {
				t.Errorf("delay %v after a minute, %v at the end: want the same within 3ms", first, last)
			}
			if highest-lowest > 6*ms {
				t.Errorf("delay between %v and %v: want it within the dead zone", lowest, highest)
			}
			if tt.stall == 0 && p.skips > 0 {
				t.Errorf("%d skips, want none", p.skips)
			}
			if straight := float64(p.straight) / float64(p.steers); straight < 0.75 {
				t.Errorf("speed is exactly 1 in %.2f of the time, want it most of the time", straight)
			}
		})
	}
}

// After an outage playback has to be back where it was, soon.
func TestBackAfterOutages(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{25, 30, 60} {
		for _, sound := range []time.Duration{0, soundBlock} {
			for _, waits := range []bool{false, true} {
				if waits && sound > 0 {
					continue // then it always waits
				}
				for _, jitter := range []bool{false, true} {
					for _, length := range []time.Duration{300 * ms, time.Second, 3 * time.Second} {
						w := world{picture: fps(rate), sound: sound, spacing: ms, waits: waits, target: -1}
						if sound > 0 {
							w.reserve = 46 * ms
						}
						if jitter {
							w.jitter = gaussian
						}
						w.outages = every(30*time.Second, length, 100*time.Second)
						name := fmt.Sprintf("%d fps, sound %v, waits %v, jitter %v, outage %v", rate, sound, waits, jitter, length)
						within := 5 * ms
						if jitter { // the wanted delay wavers, too
							within = 9 * ms
						}
						skipsWithout := 0
						var before, worst time.Duration
						w.check = func(p *player) {
							in := p.now % (30 * time.Second)
							switch {
							case p.now < 29*time.Second:
							case before == 0:
								before = p.delay()
							case in < length:
								if p.order.Skip > 0 {
									skipsWithout++
								}
								if in > length/2 && length >= time.Second && p.order.Speed > 1 {
									t.Errorf("%s: speed %v while nothing arrives", name, p.order.Speed)
								}
							case in > length+15*time.Second:
								worst = max(worst, abs(p.Report(p.now).Behind))
								if d := p.delay() - before; abs(d) > 10*ms {
									t.Errorf("%s: delay at %v is %v, was %v", name, p.now, p.delay(), before)
									before += d
								}
							}
						}
						p := w.run(t, 110*time.Second)
						if worst > within {
							t.Errorf("%s: still %v off 15 s later, want at most %v", name, worst, within)
						}
						if skipsWithout > 0 {
							t.Errorf("%s: %d skips while nothing arrived", name, skipsWithout)
						}
						if n := len(w.outages); length == 300*ms && p.skips > 0 || p.skips > 2*n {
							t.Errorf("%s: %d skips for %d outages", name, p.skips, n)
						}
					}
				}
			}
		}
	}
}

// A server that sends what is older than now at once must not make us late.
func TestLiveAfterBurstAtStart(t *testing.T) {
	for _, rate := range []int{25, 30, 60} {
		for _, sound := range []time.Duration{0, soundBlock} {
			for _, spacing := range []time.Duration{0, ms, 4 * ms} {
				const start = 2 * time.Second
				w := world{picture: fps(rate), sound: sound, start: start, spacing: spacing, target: -1, waits: true}
				if sound > 0 {
					w.reserve = 46 * ms
				}
				name := fmt.Sprintf("%d fps, sound %v, %v apart", rate, sound, spacing)
				live := never
				w.check = func(p *player) {
					if e := p.Report(p.now).Behind; p.started && p.order.Skip == 0 {
						if e >= max(w.picture*3/2, startSkipSound) {
							live = never
						} else if live == never {
							live = p.now - start
						}
					}
				}
				p := w.run(t, 20*time.Second)
				// While the burst goes on, more is sent: it ends when it has caught up.
				burst := start.Seconds() * spacing.Seconds() / (min(w.picture, soundBlock) - spacing).Seconds()
				within := max(500*ms, time.Duration(burst*float64(time.Second))+skipRest)
				if live > within {
					t.Errorf("%s: live after %v, want at most %v", name, live, within)
				}
				if want := w.reserve + 6*ms; p.delay() > want {
					t.Errorf("%s: delay %v in the end, want at most %v", name, p.delay(), want)
				}
				if a := p.Report(p.now).Allowance; a > 2*ms {
					t.Errorf("%s: allowance %v: the burst was taken for jitter", name, a)
				}
			}
		}
	}
}

func TestJitter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		jitter func(*rand.Rand, Stream, int) time.Duration
		need   time.Duration // the smallest delay that obeys the rule for pictures
		sound  time.Duration // and for sound, without the reserve
		over   time.Duration // how much more is all right
		late   float64       // share of late pictures
	}{
		{"none", nil, 0, 0, 5 * ms, 0},
		{"gaussian", gaussian, 23400 * time.Microsecond, 31 * ms, 7 * ms, 0.26},
		{"uniform", uniform, 15 * ms, 19 * ms, 7 * ms, 0.26},
		{"key frames", keyFrames, 0, 0, 5 * ms, 0.09},
	} {
		for _, rate := range []int{25, 30, 60} {
			for _, sound := range []time.Duration{0, soundBlock} {
				for _, waits := range []bool{false, true} {
					for seed := range int64(2) {
						name := fmt.Sprintf("%s, %d fps, sound %v, waits %v, seed %d", tt.name, rate, sound, waits, seed)
						w := world{picture: fps(rate), sound: sound, jitter: tt.jitter, waits: waits, target: -1, seed: seed}
						need := tt.need
						if sound > 0 {
							w.reserve = 46 * ms
							need = tt.sound + w.reserve
						}
						var sum, n time.Duration
						w.check = func(p *player) {
							if p.now < 15*time.Second {
								p.resetStatistics()
								return
							}
							sum += p.delay()
							n++
						}
						p := w.run(t, 75*time.Second)
						r := p.Report(p.now)
						if mean := sum / n; mean < need-3*ms || mean > need+tt.over {
							t.Errorf("%s: mean delay %v, want %v and at most %v more", name, mean, need, tt.over)
						}
						if share := float64(p.late) / float64(p.shown); share > tt.late {
							t.Errorf("%s: %.3f of the pictures are late, want at most %v", name, share, tt.late)
						}
						if share := float64(p.veryLate) / float64(p.shown); share > 0.2 {
							t.Errorf("%s: %.3f of the pictures are more than half of one late, want at most 0.2", name, share)
						}
						if p.skips > 0 {
							t.Errorf("%s: %d skips, want none", name, p.skips)
						}
						straight := float64(p.straight) / float64(p.steers)
						if tt.jitter == nil && (r.Allowance > 2*ms || straight < 0.99) {
							t.Errorf("%s: allowance %v, speed exactly 1 in %.3f of the time", name, r.Allowance, straight)
						}
						if straight < 0.4 {
							t.Errorf("%s: speed is exactly 1 in %.2f of the time only", name, straight)
						}
						if want := r.Allowance + w.picture; tt.jitter == nil && sound == 0 && abs(r.Target-want) > minZone {
							t.Errorf("%s: target %v, want %v", name, r.Target, want)
						}
					}
				}
			}
		}
	}
}

// Jitter that is gone must not cost delay for long.
func TestAllowanceFalls(t *testing.T) {
	w := world{picture: fps(25), target: -1, jitter: func(r *rand.Rand, _ Stream, i int) time.Duration {
		if i > 25*30 {
			return 0
		}
		return time.Duration(r.Float64() * float64(200*ms))
	}}
	var before, after time.Duration
	w.check = func(p *player) {
		switch a := p.Report(p.now).Allowance; {
		case p.now <= 30*time.Second:
			before = a
		case p.now <= 42*time.Second:
			after = a
		}
	}
	p := w.run(t, 90*time.Second)
	if before < 130*ms || before > 170*ms {
		t.Errorf("allowance %v with jitter of up to 200ms", before)
	}
	if after > before*3/4 {
		t.Errorf("allowance %v 12s after the jitter ended, was %v", after, before)
	}
	if p.delay() > 8*ms {
		t.Errorf("delay %v a minute after the jitter ended", p.delay())
	}
}

func TestPathChanges(t *testing.T) {
	for _, change := range []time.Duration{100 * ms, -100 * ms, 400 * ms, -400 * ms} {
		for _, sound := range []time.Duration{0, soundBlock} {
			for _, kind := range []string{"auto", "auto, jitter", "explicit"} {
				const at = 30 * time.Second
				name := fmt.Sprintf("%v, sound %v, %s", change, sound, kind)
				w := world{picture: fps(30), sound: sound, target: -1, waits: true}
				within := 5 * ms
				switch kind {
				case "explicit":
					w.target = 150 * ms
				case "auto, jitter":
					w.jitter, within = gaussian, 10*ms
				}
				if sound > 0 {
					w.reserve = 46 * ms
				}
				w.path = func(now time.Duration) time.Duration {
					if now < at {
						return 500 * ms
					}
					return 500*ms + change
				}
				var before time.Duration
				w.check = func(p *player) {
					switch {
					case p.now < at:
						before = p.delay()
					case p.now > at+15*time.Second && p.now < at+time.Minute:
						if d := p.delay() - before - change; abs(d) > within {
							t.Errorf("%s: %v later the delay is %v, want within %v of %v", name, p.now-at, p.delay(), within, before+change)
							before += d
						}
					}
				}
				if p := w.run(t, at+time.Minute); p.skips > 0 {
					t.Errorf("%s: %d skips, want none", name, p.skips)
				}
			}
		}
	}
}

func TestExplicitTarget(t *testing.T) {
	for _, tt := range []struct {
		target, sound, reserve, want time.Duration
	}{
		{200 * ms, 0, 0, 200 * ms},
		{200 * ms, soundBlock, 46 * ms, 200 * ms},
		{20 * ms, soundBlock, 46 * ms, 46 * ms},
		{2 * time.Second, soundBlock, 46 * ms, 2 * time.Second},
		{0, 0, 0, 0},
		{0, soundBlock, 0, 0},
	} {
		w := world{picture: fps(25), sound: tt.sound, target: tt.target, reserve: tt.reserve, start: 2 * time.Second}
		off, length := time.Duration(0), 2*time.Minute
		w.check = func(p *player) {
			// 2 s are reached at speed 0.95 in 40.
			if p.now > time.Minute {
				off = max(off, abs(p.delay()-tt.want))
			}
		}
		p := w.run(t, length)
		if off > 5*ms {
			t.Errorf("%+v: delay up to %v off, want at most 5ms", tt, off)
		}
		if r := p.Report(p.now); abs(r.Target-tt.want-w.picture) > ms {
			t.Errorf("%+v: reported target %v, want %v", tt, r.Target, tt.want+w.picture)
		}
	}
}

func TestReserveOfSound(t *testing.T) {
	for _, jitter := range []bool{false, true} {
		for _, reserve := range []time.Duration{20 * ms, 46 * ms, 150 * ms} {
			w := world{picture: fps(25), sound: soundBlock, reserve: reserve, target: -1}
			if jitter {
				w.jitter = uniform
			}
			least := never
			w.check = func(p *player) {
				if p.now > 15*time.Second {
					least = min(least, p.delay())
				}
			}
			p := w.run(t, time.Minute)
			if least < reserve || p.delay() > reserve+30*ms {
				t.Errorf("reserve %v, jitter %v: delay at least %v, %v in the end", reserve, jitter, least, p.delay())
			}
		}
	}
}

// An error of 300 ms is worked off by speed alone, without audible steps.
func TestConvergence(t *testing.T) {
	for _, off := range []time.Duration{20 * ms, 300 * ms, -300 * ms} {
		c := New(500 * ms)
		const unit = 20 * ms
		media, order := -500*ms, Order{Speed: 1}
		settled, largest, step := never, 0.0, 0.0
		for now := time.Duration(0); now < 30*time.Second; now += unit {
			c.Ready(Picture, now, unit, now)
			media += time.Duration(float64(unit) * order.Speed)
			if now == 5*time.Second {
				media -= off
			}
			before := order.Speed
			order = c.Steer(media, now)
			if order.Skip > 0 && now >= startTime {
				t.Errorf("%v off: skip of %v", off, order.Skip)
			}
			media += order.Skip
			largest, step = max(largest, math.Abs(order.Speed-1)), max(step, math.Abs(order.Speed-before))
			if e := c.Report(now).Behind; abs(e) > 5*ms {
				settled = never
			} else if now > 5*time.Second {
				settled = min(settled, now-5*time.Second)
			}
		}
		if settled > 9*time.Second {
			t.Errorf("%v off: settled after %v, want about 8s", off, settled)
		}
		if step > 0.0011 {
			t.Errorf("%v off: speed changed by %v in 20 ms", off, step)
		}
		if off == 20*ms && (largest < 0.008 || largest > 0.017) {
			t.Errorf("%v off: speed off by %v, want about 0.01", off, largest)
		}
		if order.Speed != 1 {
			t.Errorf("%v off: speed %v in the end, want exactly 1", off, order.Speed)
		}
	}
}

func TestNeeded(t *testing.T) {
	ramp := make([]time.Duration, 100) // 0 to 99 ms
	for i := range ramp {
		ramp[i] = time.Duration(i) * ms
	}
	for _, tt := range []struct {
		name   string
		excess []time.Duration
		length time.Duration
		kind   Stream
		want   time.Duration
	}{
		{"nothing", nil, 40 * ms, Picture, 0},
		{"one", ramp[7:8], 40 * ms, Picture, 7 * ms},
		{"three of four", ramp, 40 * ms, Picture, 74 * ms},
		{"four of five half a picture late", ramp, 6 * ms, Picture, 76 * ms},
		{"sound", ramp, 20 * ms, Sound, 98 * ms},
	} {
		if got := needed(tt.excess, tt.length, tt.kind); got != tt.want {
			t.Errorf("%s: need %v, want %v", tt.name, got, tt.want)
		}
	}
}

// One outage is no jitter, outages that recur are.
func TestOutagesThatRecur(t *testing.T) {
	for _, tt := range []struct {
		period   time.Duration
		min, max time.Duration // of the allowance, in the end
	}{
		{20 * time.Second, 0, 5 * ms},
		{time.Second, 150 * ms, 500 * ms},
	} {
		w := world{picture: fps(25), target: -1, outages: every(tt.period, 400*ms, time.Minute)}
		p := w.run(t, time.Minute)
		if a := p.Report(p.now).Allowance; a < tt.min || a > tt.max {
			t.Errorf("outages of 400ms each %v: allowance %v, want %v to %v", tt.period, a, tt.min, tt.max)
		}
	}
}

func TestStreamThatStopsDoesNotCount(t *testing.T) {
	c := New(-1)
	c.SetReserve(Sound, 100*ms)
	now := time.Duration(0)
	for ; now < 10*time.Second; now += 20 * ms {
		c.Ready(Picture, now, 20*ms, now)
		if now < 5*time.Second {
			c.Ready(Sound, now, 20*ms, now)
		}
		switch r := c.Report(now); {
		case now < 5*time.Second && r.Target < 100*ms:
			t.Fatalf("at %v: target %v, want the reserve of the sound in it", now, r.Target)
		case now > 8*time.Second && r.Target > 30*ms:
			t.Fatalf("at %v: target %v, 3 s after the sound ended", now, r.Target)
		}
	}
	if o := c.Steer(now-time.Hour, now+activeFor); o != (Order{Speed: 1}) {
		t.Errorf("with nothing arriving the order is %+v", o)
	}
}

func TestRestart(t *testing.T) {
	c := New(-1)
	if o := c.Steer(0, 0); o != (Order{Speed: 1}) {
		t.Errorf("before anything came the order is %+v", o)
	}
	c.Ready(Picture, 0, 40*ms, time.Second)
	if o := c.Steer(-time.Second, time.Second); o.Skip != time.Second-margins[Picture] {
		t.Errorf("a second behind at the start: %+v", o)
	}
	c.Restart()
	if r := c.Report(time.Second); r != (Report{Speed: 1, Skips: 1}) {
		t.Errorf("after Restart the report is %+v", r)
	}
	c.Ready(Picture, time.Hour, 40*ms, 2*time.Second)
	if o := c.Steer(time.Hour, 2*time.Second); o != (Order{Speed: 1}) {
		t.Errorf("at the first unit after Restart: %+v", o)
	}
}

// Whatever a source says, orders stay in bounds.
func TestAnything(t *testing.T) {
	for seed := range int64(200) {
		r := rand.New(rand.NewSource(seed))
		any := func() time.Duration {
			switch r.Intn(8) {
			case 0:
				return math.MinInt64
			case 1:
				return math.MaxInt64
			case 2:
				return time.Duration(r.Uint64())
			}
			return time.Duration(r.Int63n(int64(20*time.Second))) - 5*time.Second
		}
		c := New(any())
		for now := time.Duration(0); now < 20*time.Second; now += time.Duration(r.Int63n(int64(50 * ms))) {
			at := now
			if r.Intn(50) == 0 {
				at = any()
			}
			switch r.Intn(20) {
			case 0:
				c.Ready(Stream(r.Intn(5)-1), any(), any(), at)
			case 1:
				c.SetReserve(Stream(r.Intn(5)-1), any())
			case 2:
				c.Report(at)
			case 3:
				if r.Intn(20) == 0 {
					c.Restart()
				}
			case 4:
				c.Steer(any(), at)
			default:
				c.Ready(Stream(r.Intn(2)), now, 20*ms, now)
			}
			o := c.Steer(now, at)
			if !(o.Speed >= 0.95-1e-9 && o.Speed <= 1.05+1e-9) || o.Skip < 0 {
				t.Fatalf("seed %d, at %v: order %+v", seed, now, o)
			}
			if a := c.Report(now).Allowance; a < 0 || a > maxAllowance {
				t.Fatalf("seed %d, at %v: allowance %v", seed, now, a)
			}
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	c := New(-1)
	var wg sync.WaitGroup
	for _, f := range []func(now time.Duration){
		func(now time.Duration) { c.Ready(Picture, now, 20*ms, now) },
		func(now time.Duration) { c.Ready(Sound, now, 20*ms, now) },
		func(now time.Duration) { c.Steer(now, now) },
		func(now time.Duration) { c.SetReserve(Sound, now%100); c.Report(now) },
	} {
		wg.Go(func() {
			for i := range 1000 {
				f(time.Duration(i) * 20 * ms)
			}
		})
	}
	wg.Wait()
	if r := c.Report(20 * time.Second); r.Target < 20*ms {
		t.Errorf("target %v, want at least a unit", r.Target)
	}
}

func BenchmarkReady(b *testing.B) {
	c := New(-1)
	r := rand.New(rand.NewSource(1))
	b.ReportAllocs()
	for i := range b.N {
		now := time.Duration(i) * fps(60)
		c.Ready(Picture, now, fps(60), now+time.Duration(r.Int63n(int64(10*ms))))
		c.Steer(now, now)
	}
}
