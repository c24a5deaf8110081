package rtsp

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// ntpOf is the NTP timestamp of a time.
func ntpOf(t time.Time) uint64 {
	ns := t.UnixNano()
	return uint64(ns/1e9+2208988800)<<32 | uint64(ns%1e9)<<32/1e9
}

// rtpOf is how far an RTP clock of this rate has got, ppm fast.
func rtpOf(d time.Duration, rate int, ppm float64) uint32 {
	return uint32(int64(math.Round(d.Seconds() * float64(rate) * (1 + ppm/1e6))))
}

const milli = time.Millisecond

func TestTimelineAnchors(t *testing.T) {
	for _, c := range []struct {
		name  string
		rate  int
		first uint32
		step  int64 // ticks
		want  time.Duration
	}{
		{"forward", 90000, 1000, 90000, time.Second},
		{"forward over the wrap", 90000, math.MaxUint32, 90000, time.Second},
		{"back", 90000, 90000, -9000, -100 * milli},
		{"back over the wrap", 90000, 0, -9000, -100 * milli},
		{"not at all", 90000, 7, 0, 0},
		{"a third of a millisecond", 90000, 0, 30, 333333},
		{"44100 Hz", 44100, math.MaxUint32 - 22050, 44100, time.Second},
		{"an unknown rate", 0, 5, 90000, time.Second},
		{"a mad rate", math.MaxInt, 5, 90000, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newTimeline().track(c.rate, true)
			if p := k.pts(c.first, testStart); p != 0 {
				t.Errorf("first PTS %v, want 0", p)
			}
			if p := k.pts(c.first+uint32(c.step), sinceStart(milli)); p != c.want {
				t.Errorf("PTS %v, want %v", p, c.want)
			}
			if p := k.pts(c.first, sinceStart(2*milli)); p != 0 {
				t.Errorf("the first again has PTS %v, want 0", p)
			}
		})
	}
	line := newTimeline()
	a, v := line.track(8000, false), line.track(90000, true)
	if line.reference != v {
		t.Error("the reference is not the first video track")
	}
	if p := a.pts(123456, testStart); p != 0 {
		t.Errorf("the session begins at %v, want 0", p)
	}
	if p := v.pts(654321, sinceStart(70*milli)); p != 70*milli {
		t.Errorf("the second track begins at %v, want 70ms", p)
	}
	if line.track(90000, true); line.reference != v {
		t.Error("the reference moved to the second video track")
	}
}

// TestTimelineBFrames sends pictures in the order of decoding across a wrap.
func TestTimelineBFrames(t *testing.T) {
	c := newTimeline().track(90000, true)
	first := uint32(math.MaxUint32 - 20*3600)
	for n := range 60 {
		shown := n
		if n > 0 {
			shown += []int{-1, 2, -1}[n%3]
		}
		want := time.Duration(shown) * 40 * milli
		if p := c.pts(first+uint32(shown*3600), sinceStart(time.Duration(n)*40*milli)); p != want {
			t.Fatalf("picture %d has PTS %v, want %v", shown, p, want)
		}
	}
}

func TestTimelineJumps(t *testing.T) {
	type access struct {
		seconds float64 // of the RTP clock
		at      time.Duration
		want    time.Duration
	}
	for _, c := range []struct {
		name string
		in   []access
	}{
		{"forward", []access{{0, 0, 0}, {1, time.Second, time.Second}, {5000, 2 * time.Second, 2 * time.Second}, {5001, 3 * time.Second, 3 * time.Second}}},
		{"back", []access{{5000, 0, 0}, {5001, time.Second, time.Second}, {0, 2 * time.Second, 2 * time.Second}, {1, 3 * time.Second, 3 * time.Second}}},
		{"half way round", []access{{0, 0, 0}, {23861, time.Second, time.Second}, {23862, 2 * time.Second, 2 * time.Second}}},
		{"900 ms is none", []access{{0, 0, 0}, {0.9, 40 * milli, 900 * milli}, {0, 80 * milli, 0}}},
		{"two seconds back", []access{{5, 0, 0}, {6, time.Second, time.Second}, {4.2, 1040 * milli, 1040 * milli}, {4.24, 1080 * milli, 1080 * milli}}},
		{"a pause is none", []access{{0, 0, 0}, {20.5, 20 * time.Second, 20*time.Second + 500*milli}}},
		{"a pause of 8 hours is none", []access{{0, 0, 0}, {8*3600 + 0.25, 8 * time.Hour, 8*time.Hour + 250*milli}}},
		{"what is held up is none", []access{{0, 0, 0}, {1, time.Second, time.Second}, {1.5, 20 * time.Second, 1500 * milli}, {20, 20*time.Second + milli, 20 * time.Second}}},
		{"not before what was handed out", []access{{0, 0, 0}, {0.9, milli, 900 * milli}, {5000, 2 * milli, 900 * milli}, {5001, 3 * milli, 1900 * milli}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newTimeline().track(90000, true)
			for i, a := range c.in {
				if p := k.pts(uint32(uint64(a.seconds*90000)), sinceStart(a.at)); !near(p, a.want, 0) {
					t.Errorf("%d: PTS %v, want %v", i, p, a.want)
				}
			}
		})
	}
}

func TestTimelineRebase(t *testing.T) {
	line := newTimeline()
	v, a := line.track(90000, true), line.track(8000, false)
	v.pts(0, testStart)
	a.pts(0, sinceStart(30*milli))
	v.pts(90000, sinceStart(time.Second))
	v.senderReport(ntpOf(testStart), 0, testStart)
	v.rebase()
	if _, _, ok := v.lastReport(); ok {
		t.Error("there is still a report of before")
	}
	if _, ok := v.captured(0); ok {
		t.Error("there is still a wall clock of before")
	}
	if p := v.pts(4_000_000_000, sinceStart(2*time.Second)); p != 2*time.Second {
		t.Errorf("after a restart PTS %v, want 2s", p)
	}
	v.rebase()
	if p := v.pts(0, sinceStart(1500*milli)); p != 2*time.Second {
		t.Errorf("after a restart PTS %v, want not before 2s", p)
	}
	if p := a.pts(16000, sinceStart(2030*milli)); p != 2030*milli {
		t.Errorf("the other track has PTS %v, want 2.03s", p)
	}
}

// TestTimelineRebaseLate restarts tracks after two days in which our clock and
// the sender's have drifted 17 s apart. They have to stay together.
func TestTimelineRebaseLate(t *testing.T) {
	line := newTimeline()
	v, a := line.track(90000, true), line.track(8000, false)
	const ppm = 100
	var pv time.Duration
	play := func(from, to time.Duration, vBase, aBase uint32) (pa time.Duration) {
		for d := from; d <= to; d += time.Second {
			pv = v.pts(vBase+rtpOf(d, 90000, ppm), sinceStart(d))
			pa = a.pts(aBase+rtpOf(d, 8000, ppm), sinceStart(d))
		}
		return pa
	}
	end := 48 * time.Hour
	if pa := play(0, end, 0, 0); !near(pa, pv, milli) {
		t.Fatalf("video at %v and sound at %v, want the same", pv, pa)
	}
	v.rebase()
	if pa := play(end+time.Second, end+time.Minute, 12345678, 0); !near(pa, pv, 50*milli) {
		t.Errorf("video began anew: video at %v and sound at %v, want the same", pv, pa)
	}
	a.rebase()
	if pa := play(end+61*time.Second, end+2*time.Minute, 12345678, 1234567); !near(pa, pv, 50*milli) {
		t.Errorf("sound began anew: video at %v and sound at %v, want the same", pv, pa)
	}
	late := line.track(8000, false)
	if p := late.pts(5, sinceStart(end+2*time.Minute)); !near(p, pv, 50*milli) {
		t.Errorf("a late track begins at %v with video at %v, want the same", p, pv)
	}
}

func TestTimelineRTPInfo(t *testing.T) {
	for _, c := range []struct {
		name     string
		video    int64 // -1: none
		audio    int64
		late     bool          // said when packets have come
		report   bool          // and sender reports
		wantThen time.Duration // PTS of the sound of 1 s later
	}{
		{"both", 90000, 8000, false, false, 1000 * milli},
		{"both, late", 90000, 8000, true, false, 1000 * milli},
		{"video only", 90000, -1, false, false, 1150 * milli},
		{"sound only", -1, 8000, false, false, 1150 * milli},
		{"none", -1, -1, false, false, 1150 * milli},
		{"1.2 s away", 90000, 8000 - 12000, false, false, 1150 * milli},
		{"mad", 90000, 4_000_000_000, false, false, 1150 * milli},
		{"reports know better", 90000, 8000, false, true, 1100 * milli},
		{"reports know better, late", 90000, 8000, true, true, 1100 * milli},
	} {
		t.Run(c.name, func(t *testing.T) {
			line := newTimeline()
			v, a := line.track(90000, true), line.track(8000, false)
			info := func() {
				if c.video >= 0 {
					v.rtpInfo(uint32(c.video))
				}
				if c.audio != -1 {
					a.rtpInfo(uint32(c.audio))
				}
			}
			if !c.late {
				info()
			}
			v.pts(90000, testStart)
			if p := a.pts(8000, sinceStart(150*milli)); p != c.wantThen-time.Second && !c.late && !c.report {
				t.Errorf("first PTS of the sound %v, want %v", p, c.wantThen-time.Second)
			}
			if c.report {
				v.senderReport(ntpOf(testStart), 90000, sinceStart(time.Second))
				a.senderReport(ntpOf(sinceStart(100*milli)), 8000, sinceStart(time.Second))
			}
			if c.late {
				info()
			}
			if p := a.pts(16000, sinceStart(1150*milli)); !near(p, c.wantThen, time.Microsecond) {
				t.Errorf("PTS of the sound %v, want %v", p, c.wantThen)
			}
			if p := v.pts(180000, sinceStart(1150*milli)); p != time.Second {
				t.Errorf("PTS of the picture %v, want 1s", p)
			}
		})
	}
}

// TestTimelineReports has sound whose true place is 0 and that arrived late by
// some time; reports are said in turn.
func TestTimelineReports(t *testing.T) {
	hours := 5 * time.Hour
	type said struct {
		video bool
		at    time.Duration // when it is sent and arrives
		off   time.Duration // what the wall clock is wrong by
	}
	V := func(at, off time.Duration) said { return said{true, at, off} }
	A := func(at, off time.Duration) said { return said{false, at, off} }
	s := time.Second
	for _, c := range []struct {
		name string
		late time.Duration
		in   []said
		want time.Duration // how late the sound is in the end
	}{
		{"none", 150 * milli, nil, 150 * milli},
		{"video only", 150 * milli, []said{V(s, 0), V(6*s, 0)}, 150 * milli},
		{"sound only", 150 * milli, []said{A(s, 0), A(6*s, 0)}, 150 * milli},
		{"both", 150 * milli, []said{V(s, 0), A(2*s, 0)}, 0},
		{"sound first", 150 * milli, []said{A(s, 0), V(2*s, 0)}, 0},
		{"early sound", -150 * milli, []said{A(s, 0), V(2*s, 0)}, 0},
		{"late by 1.9 s", 1900 * milli, []said{V(s, 0), A(2*s, 0)}, 0},
		{"late by 2.1 s", 2100 * milli, []said{V(s, 0), A(2*s, 0)}, 2100 * milli},
		{"31 s apart", 150 * milli, []said{V(s, 0), A(32*s, 0)}, 150 * milli},
		{"29 s apart", 150 * milli, []said{V(s, 0), A(30*s, 0)}, 0},
		{"wrong but the same", 150 * milli, []said{V(s, hours), A(2*s, hours)}, 0},
		{"one clock each", 150 * milli, []said{V(s, 0), A(s, hours), V(6*s, 0), A(6*s, hours)}, 150 * milli},
		{"set by hours in between", 150 * milli, []said{V(s, 0), A(2*s, hours)}, 150 * milli},
		{"set by hours in between, then alike", 150 * milli, []said{V(s, 0), A(2*s, hours), V(6*s, hours), A(7*s, hours)}, 0},
		{"set by hours later", 150 * milli, []said{V(s, 0), A(2*s, 0), V(6*s, hours)}, 0},
		{"set by hours later, then alike", 150 * milli, []said{V(s, 0), A(2*s, 0), V(6*s, hours), A(7*s, hours), V(11*s, hours)}, 0},
		{"set by a second later", 150 * milli, []said{V(s, 0), A(2*s, 0), V(6*s, s)}, 0},
		{"set back by a second later, sound first", 150 * milli, []said{V(s, 0), A(2*s, 0), V(6*s, 0), A(7*s, -s)}, 0},
		{"below 1 ms", 150 * milli, []said{V(s, 0), A(2*s, 0), V(6*s, 900*time.Microsecond), A(7*s, -90*time.Microsecond)}, 0},
		{"above 1 ms", 150 * milli, []said{V(s, 0), A(2*s, 0), A(7*s, 2*milli)}, 2 * milli},
	} {
		t.Run(c.name, func(t *testing.T) {
			line := newTimeline()
			v, a := line.track(90000, true), line.track(8000, false)
			const vBase, aBase = 4_294_900_000, 77
			lateness := func(at time.Duration) time.Duration {
				if p := v.pts(vBase+rtpOf(at, 90000, 0), sinceStart(at)); p != at {
					t.Errorf("picture of %v has PTS %v", at, p)
				}
				return a.pts(aBase+rtpOf(at-c.late, 8000, 0), sinceStart(at)) - (at - c.late)
			}
			// The sound's clock says -late at the start, and the wall clock knows.
			if l := lateness(0); l != c.late {
				t.Fatalf("late by %v before any report, want %v", l, c.late)
			}
			for _, r := range c.in {
				lateness(r.at)
				k, ts := a, aBase+rtpOf(r.at, 8000, 0)
				if r.video {
					k, ts = v, vBase+rtpOf(r.at, 90000, 0)
				}
				k.senderReport(ntpOf(sinceStart(r.at).Add(r.off)), ts, sinceStart(r.at))
				k.senderReport(0, 99, sinceStart(r.at)) // no wall clock: ignored
			}
			if l := lateness(40 * s); !near(l, c.want, 10*time.Microsecond) {
				t.Errorf("late by %v, want %v", l, c.want)
			}
		})
	}
}

// TestTimelineReportFirst has reports before packets, and after a restart.
func TestTimelineReportFirst(t *testing.T) {
	line := newTimeline()
	v, a := line.track(90000, true), line.track(8000, false)
	v.senderReport(ntpOf(testStart), math.MaxUint32, testStart)
	a.senderReport(ntpOf(testStart), 500, testStart)
	v.pts(89999, sinceStart(time.Second))
	if p := a.pts(8500, sinceStart(1200*milli)); !near(p, 0, time.Microsecond) {
		t.Errorf("PTS %v, want 0", p)
	}
	if w, ok := a.captured(8500 + 4000); !ok || !near(w.Sub(sinceStart(1500*milli)), 0, time.Microsecond) {
		t.Errorf("captured at %v, %v; want %v", w, ok, sinceStart(1500*milli))
	}
	a.rebase()
	if p := a.pts(5, sinceStart(2*time.Second)); !near(p, 800*milli, time.Microsecond) {
		t.Errorf("after a restart PTS %v, want 0.8s, as late as before", p)
	}
	a.senderReport(ntpOf(sinceStart(2*time.Second)), 5, sinceStart(2*time.Second))
	if p := a.pts(8005, sinceStart(3*time.Second)); !near(p, 2*time.Second, time.Microsecond) {
		t.Errorf("after a report PTS %v, want 2s", p)
	}
}

// TestTimelineTwoDays plays 48 hours with clocks that drift apart and reports
// every 5 s, in which timestamps wrap many times.
func TestTimelineTwoDays(t *testing.T) {
	for _, c := range []struct {
		name         string
		video, audio float64       // ppm off the wall clock
		round        time.Duration // of NTP times
	}{
		{"fast sound", 0, 100, 1},
		{"slow sound", 0, -100, 1},
		{"fast video", 100, 0, 1},
		{"both ways", -50, 50, 1},
		{"milliseconds", 0, 0, milli},
	} {
		t.Run(c.name, func(t *testing.T) {
			line := newTimeline()
			v, a := line.track(90000, true), line.track(48000, false)
			random := rand.New(rand.NewPCG(5, 6))
			const vBase, aBase = math.MaxUint32 - 1000, 1 << 31
			var worst, was, lowest time.Duration
			moves := 0
			for d := time.Duration(0); d < 48*time.Hour; d += time.Second {
				arrived := sinceStart(d + time.Duration(random.Int64N(int64(20*milli))))
				pv := v.pts(vBase+rtpOf(d, 90000, c.video), arrived)
				pa := a.pts(aBase+rtpOf(d, 48000, c.audio), arrived.Add(80*milli))
				if d > 10*time.Second {
					worst = max(worst, pv-pa, pa-pv)
					lowest = min(lowest, pa-was-time.Second)
				}
				was = pa
				offset := a.offset
				switch d % (5 * time.Second) {
				case 0:
					v.senderReport(ntpOf(sinceStart(d).Truncate(c.round)), vBase+rtpOf(d, 90000, c.video), arrived)
				case 2 * time.Second:
					a.senderReport(ntpOf(sinceStart(d).Truncate(c.round)), aBase+rtpOf(d, 48000, c.audio), arrived)
				}
				if a.offset != offset {
					moves++
				}
			}
			if worst >= 2*milli {
				t.Errorf("apart by %v, want less than 2ms", worst)
			}
			if lowest < -2*milli {
				t.Errorf("went back by %v at a time", -lowest)
			}
			if drifts := c.video != c.audio; drifts != (moves > 1) {
				t.Errorf("the offset moved %d times", moves)
			}
			if v.offset < 0 || v.offset > 20*milli {
				t.Errorf("the reference moved to %v", v.offset)
			}
		})
	}
}

func TestTimelineClock(t *testing.T) {
	line := newTimeline()
	v := line.track(90000, true)
	v.pts(0, testStart)
	if c := line.clock(); c.Known {
		t.Errorf("known without a report: %+v", c)
	}
	if _, ok := v.captured(0); ok {
		t.Error("captured without a report")
	}
	v.senderReport(0x0123_4567_89ab_cdef, 0, testStart)
	if at, lsr, ok := v.lastReport(); !at.Equal(testStart) || lsr != 0x4567_89ab || !ok {
		t.Errorf("last report %v %x %v, want %v 456789ab true", at, lsr, ok, testStart)
	}
	if c := line.clock(); !c.Known || c.Plausible {
		t.Errorf("a clock of 2036: %+v, want it known and not plausible", c)
	}
	for _, c := range []struct {
		offset    time.Duration
		plausible bool
	}{
		{80 * milli, true},
		{-99 * milli, true},
		{-101 * milli, false},
		{9999 * milli, true},
		{10001 * milli, false},
		{-3 * time.Hour, false},
	} {
		line := newTimeline()
		v := line.track(90000, true)
		v.pts(0, testStart)
		for i := range 20 {
			d := time.Duration(i) * time.Second
			extra := 50 * milli
			if i == 15 {
				extra = 0
			}
			v.senderReport(ntpOf(sinceStart(d)), rtpOf(d, 90000, 0), sinceStart(d+c.offset+extra))
		}
		got := line.clock()
		if !near(got.Offset, c.offset, time.Microsecond) || got.Plausible != c.plausible {
			t.Errorf("%+v, want offset %v, plausible %v", got, c.offset, c.plausible)
		}
		if want := sinceStart(19*time.Second + c.offset + 50*milli); !got.At.Equal(want) {
			t.Errorf("report at %v, want %v", got.At, want)
		}
		// The clock is set: what it said before does not count.
		v.senderReport(ntpOf(sinceStart(20*time.Second-time.Hour)), rtpOf(20*time.Second, 90000, 0), sinceStart(20*time.Second))
		if got := line.clock(); !near(got.Offset, time.Hour, time.Microsecond) {
			t.Errorf("offset %v after the clock was set, want 1h", got.Offset)
		}
	}
}

func TestNTPTime(t *testing.T) {
	for _, c := range []struct {
		ntp  uint64
		want time.Time
	}{
		{2208988800 << 32, time.Unix(0, 0)},
		{(2208988800+1_700_000_000)<<32 | 1<<31, time.Unix(1_700_000_000, 5e8)},
		{1 << 31 << 32, time.Date(1968, 1, 20, 3, 14, 8, 0, time.UTC)},
		{0xffffffff_ffffffff, time.Date(2036, 2, 7, 6, 28, 15, 999999999, time.UTC)},
		{1 << 32, time.Date(2036, 2, 7, 6, 28, 17, 0, time.UTC)},
	} {
		if got := ntpTime(c.ntp); !got.Equal(c.want) {
			t.Errorf("%x is %v, want %v", c.ntp, got.UTC(), c.want.UTC())
		}
	}
}

// FuzzTimeline reads calls of eight bytes each: which track and what, how much
// time passes, and a number.
func FuzzTimeline(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 9, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0})
	f.Add([]byte{2, 1, 0, 0, 1, 0, 7, 7, 3, 1, 0, 0, 1, 0, 7, 7, 0, 9, 0, 0, 1, 0, 0, 0, 1, 9, 0, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		line := newTimeline()
		rates := [4]int{90000, 8000, 1, 1e9}
		video := line.track(rates[len(script)%4], true)
		tracks := [2]*trackClock{video, line.track(rates[len(script)/4%4], false)}
		at := testStart
		for ; len(script) >= 8; script = script[8:] {
			at = at.Add(time.Duration(script[1]) * time.Duration(script[1]) * milli)
			c := tracks[script[0]&1]
			ts := uint32(script[2])<<24 | uint32(script[3])<<16 | uint32(script[4])<<8 | uint32(script[5])
			switch script[0] >> 1 & 3 {
			case 0:
				highest, anchored := c.highest, c.anchored
				offset := video.offset
				p := c.pts(ts, at)
				if c == video && anchored && c.anchor != int64(ts) && video.offset != offset {
					t.Fatalf("the reference moved from %v to %v", offset, video.offset)
				}
				if c == video && !anchored && p < highest {
					t.Fatalf("began anew at %v after %v", p, highest)
				}
			case 1:
				c.senderReport(ntpOf(at)+uint64(script[6])<<40+uint64(script[7])<<28, ts, at)
			case 2:
				c.rtpInfo(ts)
			case 3:
				c.rebase()
			}
			c.captured(ts)
			line.clock()
		}
	})
}
