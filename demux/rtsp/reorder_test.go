package rtsp

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// delivery is a packet that a reorderer gave out, and when.
type delivery struct {
	inOrder
	popped time.Time
}

// String writes a delivery as in the tables: the sequence number, "-n" before it
// for n lost, "!" for a restart.
func (d delivery) String() string {
	s := fmt.Sprint(d.packet.SequenceNumber)
	if d.lost > 0 {
		s = fmt.Sprintf("-%d %s", d.lost, s)
	}
	if d.restarted {
		s = "!" + s
	}
	return s
}

// receiver drives a reorderer as its user does: it pops after each packet and at
// each deadline, in simulated time.
type receiver struct {
	*reorderer
	out []delivery
}

func (r *receiver) drain(now time.Time) {
	for {
		p, ok := r.pop(now)
		if !ok {
			return
		}
		r.out = append(r.out, delivery{p, now})
	}
}

// until lets time pass.
func (r *receiver) until(now time.Time) {
	for i := 0; ; i++ {
		d := r.deadline()
		if d.IsZero() || d.After(now) {
			return
		}
		if i > 100_000 {
			panic("a deadline that does not pass")
		}
		r.drain(d)
	}
}

func (r *receiver) arrive(p *rtp.Packet, at time.Time) {
	r.until(at.Add(-1))
	r.push(p, at)
	r.drain(at)
}

func (r *receiver) log() string {
	var s []string
	for _, d := range r.out {
		s = append(s, d.String())
	}
	return strings.Join(s, " ")
}

func newReceiver(ordered bool) *receiver { return &receiver{reorderer: newReorderer(90000, ordered)} }

var testStart = time.Unix(1_700_000_000, 0)

func sinceStart(d time.Duration) time.Time { return testStart.Add(d) }

func rtpPacket(ssrc uint32, seq uint16, timestamp uint32) *rtp.Packet {
	return &rtp.Packet{Header: rtp.Header{Version: 2, SSRC: ssrc, SequenceNumber: seq, Timestamp: timestamp}}
}

// event is a packet that arrives.
type event struct {
	ssrc uint32
	seq  int
	wait time.Duration // before it, instead of 1 ms
}

// burst is packets with these sequence numbers of SSRC 1.
func burst(seqs ...int) []event {
	var e []event
	for _, s := range seqs {
		e = append(e, event{ssrc: 1, seq: s})
	}
	return e
}

// from makes another sender of a burst.
func from(ssrc uint32, e []event) []event {
	for i := range e {
		e[i].ssrc = ssrc
	}
	return e
}

// waited has time pass before a burst.
func waited(d time.Duration, e []event) []event {
	e[0].wait = d
	return e
}

func TestReorderRules(t *testing.T) {
	for _, c := range []struct {
		name    string
		ordered bool
		in      []event
		want    string
		counts  counts
	}{
		{"in order", false, burst(7, 8, 9), "7 8 9", counts{received: 3}},
		{"wrap", false, burst(65534, 65535, 0, 1), "65534 65535 0 1", counts{received: 4}},
		{"first is 65535", false, burst(65535, 0, 1), "65535 0 1", counts{received: 3}},
		{"first is 0", false, burst(0, 1), "0 1", counts{received: 2}},
		{"swapped", false, burst(10, 12, 11, 13), "10 11 12 13", counts{received: 4, reordered: 1}},
		{"swapped at the wrap", false, burst(65534, 0, 65535, 1), "65534 65535 0 1", counts{received: 4, reordered: 1}},
		{"lost", false, burst(10, 12, 13), "10 -1 12 13", counts{received: 3, lost: 1}},
		{"lost at the wrap", false, burst(65534, 1, 2), "65534 -2 1 2", counts{received: 3, lost: 2}},
		{"two gaps", false, burst(10, 12, 14, 15), "10 -1 12 -1 14 15", counts{received: 4, lost: 2}},
		{
			"first gap filled, second lost", false, burst(10, 12, 14, 11, 15),
			"10 11 12 -1 14 15",
			counts{received: 5, reordered: 1, lost: 1},
		},
		{
			"too late", false, slices.Concat(burst(10, 12), waited(20*time.Millisecond, burst(11)), burst(13)),
			"10 -1 12 13",
			counts{received: 4, lost: 1, late: 1},
		},
		{
			"late twice", false, slices.Concat(burst(10, 12), waited(20*time.Millisecond, burst(11, 11)), burst(13)),
			"10 -1 12 13",
			counts{received: 5, lost: 1, late: 1, duplicated: 1},
		},
		{"double of a delivered one", false, burst(10, 10, 11, 10), "10 11", counts{received: 4, duplicated: 2}},
		{
			"double of a held one", false, burst(10, 12, 12, 11, 13),
			"10 11 12 13",
			counts{received: 5, duplicated: 1, reordered: 1},
		},
		{
			"doubles across the wrap", false, burst(65535, 0, 65535, 0, 1, 65535),
			"65535 0 1",
			counts{received: 6, duplicated: 3},
		},
		{
			"before the first, across the wrap", false, burst(1, 0, 65535, 2, 0),
			"1 2",
			counts{received: 5, late: 2, duplicated: 1},
		},
		{"before the first", false, burst(100, 99, 101), "100 101", counts{received: 3, late: 1}},
		{"a large gap", false, burst(10, 3009, 3010), "10 -2998 3009 3010", counts{received: 3, lost: 2998}},
		{"a jump", false, burst(10, 3010, 3011, 3012), "10 !3010 3011 3012", counts{received: 4, restarts: 1}},
		{"a jump back", false, burst(50000, 10, 11, 12), "50000 !10 11 12", counts{received: 4, restarts: 1}},
		{
			"a jump back over a short distance", false,
			slices.Concat(burst(500, 501, 502), waited(600*time.Millisecond, burst(10)), burst(11, 12)),
			"500 501 502 !10 11 12",
			counts{received: 6, restarts: 1},
		},
		{
			"a jump out of order", false, burst(10, 30001, 30000, 30002),
			"10 !30000 30001 30002",
			counts{received: 4, restarts: 1},
		},
		{
			"a jump to the wrap", false, burst(30000, 65535, 0, 1),
			"30000 !65535 0 1",
			counts{received: 4, restarts: 1},
		},
		{
			"a lone packet far away", false, slices.Concat(burst(10, 30000, 11, 12), waited(205*time.Millisecond, burst(13)), burst(14)),
			"10 11 12 !30000 !13 14",
			counts{received: 6, restarts: 2},
		},
		{
			"a lone packet far away in a steady stream", false,
			slices.Concat(burst(10, 30000), waited(150*time.Millisecond, burst(11)), waited(150*time.Millisecond, burst(12)), burst(13)),
			"10 11 12 13",
			counts{received: 5, late: 1},
		},
		{
			"a former sequence ends", false, burst(10, 30000, 30001, 11, 12, 30002, 13),
			"10 !30000 30001 30002",
			counts{received: 7, restarts: 1, late: 3},
		},
		{
			"another SSRC", false, slices.Concat(burst(10, 11), from(2, burst(500, 501, 502))),
			"10 11 !500 501 502",
			counts{received: 5, restarts: 1},
		},
		{
			"another SSRC with the same sequence", false, slices.Concat(burst(10, 11), from(2, burst(12, 13))),
			"10 11 !12 13",
			counts{received: 4, restarts: 1},
		},
		{
			"another SSRC, out of order, across the wrap", false,
			slices.Concat(burst(10), from(2, burst(0, 2, 65535, 1, 3))),
			"10 !65535 0 1 2 3",
			counts{received: 6, restarts: 1, reordered: 1},
		},
		{
			"another SSRC, first ones with a loss", false, slices.Concat(burst(10), from(2, burst(20, 22, 23))),
			"10 !20 -1 22 23",
			counts{received: 4, restarts: 1, lost: 1},
		},
		{
			"another SSRC while packets are held", false, slices.Concat(burst(10, 12), from(2, burst(500, 501))),
			"10 !500 501",
			counts{received: 4, restarts: 1, late: 1},
		},
		{
			"the old SSRC ends", false,
			slices.Concat(burst(10, 11), from(2, burst(500, 501)), burst(12, 13, 14), from(2, burst(502)), burst(15), from(2, burst(503))),
			"10 11 !500 501 502 503",
			counts{received: 10, restarts: 1, late: 4},
		},
		{
			"the old SSRC comes back", false,
			slices.Concat(burst(10), from(2, burst(500, 501)), waited(200*time.Millisecond, burst(11)), burst(12)),
			"10 !500 501 !11 12",
			counts{received: 5, restarts: 2},
		},
		{
			"one packet of another SSRC, then silence", false, slices.Concat(burst(10), from(2, burst(500)), waited(time.Second, from(2, burst(501)))),
			"10 !500 501",
			counts{received: 3, restarts: 1},
		},
		{
			"another SSRC after silence", false, slices.Concat(burst(10), waited(200*time.Millisecond, from(2, burst(500)))),
			"10 !500",
			counts{received: 2, restarts: 1},
		},
		{
			"two of another SSRC not in a row", false, slices.Concat(burst(10), from(2, burst(500, 502)), burst(11), from(2, burst(500)), burst(12)),
			"10 11 12 !500 -1 502",
			counts{received: 6, restarts: 1, duplicated: 1, lost: 1},
		},
		{"TCP", true, burst(10, 11, 13, 14, 12), "10 11 -1 13 14", counts{received: 5, lost: 1, late: 1}},
		{"TCP, a large gap", true, burst(10, 2010), "10 -1999 2010", counts{received: 2, lost: 1999}},
		{"TCP, a jump", true, burst(10, 30000, 30001), "10 !30000 30001", counts{received: 3, restarts: 1}},
		{"TCP, a short jump back", true, burst(1000, 10, 11), "1000 !10 11", counts{received: 3, restarts: 1}},
		{"TCP, another SSRC", true, slices.Concat(burst(10), from(2, burst(500)), burst(11)), "10 !500", counts{received: 3, restarts: 1, late: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(c.ordered)
			at := testStart
			for _, e := range c.in {
				if e.wait == 0 {
					e.wait = time.Millisecond
				}
				at = at.Add(e.wait)
				// One picture, so that there is no jitter.
				r.arrive(rtpPacket(e.ssrc, uint16(e.seq), 1000), at)
			}
			r.until(at.Add(time.Second))
			if r.log() != c.want {
				t.Errorf("delivered %s, want %s", r.log(), c.want)
			}
			if r.counts() != c.counts {
				t.Errorf("counted %+v, want %+v", r.count, c.counts)
			}
			if d := r.deadline(); !d.IsZero() {
				t.Errorf("in the end there is a deadline at %v, want none", d)
			}
		})
	}
}

// TestReorderFarButSoon has packets come hundreds of places late, but only
// milliseconds, which is disorder and not another sequence.
func TestReorderFarButSoon(t *testing.T) {
	r := newReceiver(false)
	for i := range 1200 {
		at := sinceStart(time.Duration(i) * 20 * time.Microsecond)
		if i != 500 && i != 501 {
			r.arrive(rtpPacket(1, uint16(i), 0), at)
		}
		switch i {
		case 700: // 4 ms late, in time
			r.arrive(rtpPacket(1, 500, 0), at)
		case 900: // 8 ms late, given up
			r.arrive(rtpPacket(1, 501, 0), at)
			r.arrive(rtpPacket(1, 502, 0), at)
		}
	}
	if want := (counts{received: 1201, reordered: 1, lost: 1, late: 1, duplicated: 1}); r.count != want {
		t.Errorf("counted %+v, want %+v", r.count, want)
	}
}

func TestReorderBound(t *testing.T) {
	const frame = 3600 // 40 ms
	// picture sends a picture of 10 packets, one each 100 us, at a time.
	picture := func(r *receiver, n int, at time.Duration, skip int) {
		for i := range 10 {
			if i != skip {
				r.arrive(rtpPacket(1, uint16(n*10+i), uint32(n*frame)), sinceStart(at+time.Duration(i)*100*time.Microsecond))
			}
		}
	}
	ms := time.Millisecond
	for _, c := range []struct {
		name      string
		frameTime time.Duration
		jitter    time.Duration // pictures come so much early or late
		late      time.Duration // a packet comes so much after its successor
		age       time.Duration // how long ago
		from, to  time.Duration
	}{
		{name: "steady", from: 5 * ms, to: 5 * ms},
		{name: "jitter", jitter: 2 * ms, from: 14 * ms, to: 17 * ms}, // 4 ms apart
		{name: "much jitter", jitter: 15 * ms, from: 40 * ms, to: 40 * ms},
		{name: "much jitter, 60 fps", frameTime: 16 * ms, jitter: 15 * ms, from: 16 * ms, to: 16 * ms},
		{name: "much jitter, 1 fps", frameTime: time.Second, jitter: 100 * ms, from: 200 * ms, to: 200 * ms},
		{name: "240 fps", frameTime: 4 * ms, from: 5 * ms, to: 5 * ms},
		{name: "in time by 4 ms", late: 4 * ms, from: 6 * ms, to: 6 * ms},
		{name: "late by 20 ms", late: 20 * ms, from: 29 * ms, to: 31 * ms},
		{name: "late by 20 ms, 4 s ago", late: 20 * ms, age: 4 * time.Second, from: 14 * ms, to: 16 * ms},
		{name: "late by 20 ms, 8 s ago", late: 20 * ms, age: 8 * time.Second, from: 5 * ms, to: 5 * ms},
		{name: "late by 300 ms", late: 300 * ms, from: 40 * ms, to: 40 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(false)
			r.setFrameTime(c.frameTime)
			var at time.Duration
			n := 0
			for ; n < 200; n++ {
				at = time.Duration(n) * 40 * ms
				if n%2 == 1 {
					at += 2 * c.jitter
				}
				picture(r, n, at, -1)
			}
			if c.late > 0 {
				at = time.Duration(n) * 40 * ms
				r.arrive(rtpPacket(1, uint16(n*10+1), uint32(n*frame)), sinceStart(at))
				r.arrive(rtpPacket(1, uint16(n*10), uint32(n*frame)), sinceStart(at+c.late))
				r.arrive(rtpPacket(1, uint16(n*10+1), uint32(n*frame)), sinceStart(at+c.late+c.age))
			}
			if b := r.bound(); b < c.from || b > c.to {
				t.Errorf("bound %v, want %v to %v (jitter %v)", b, c.from, c.to, r.jitter())
			}
		})
	}
	if r := newReceiver(true); r.bound() != 0 {
		t.Errorf("TCP: bound %v, want 0", r.bound())
	}
}

// TestReorderDelay loses one packet: those behind it wait about 5 ms when there
// is no jitter, and at most 40 ms when there is much. A buffer of 64 packets
// would hold sound for 1.3 s.
func TestReorderDelay(t *testing.T) {
	for _, c := range []struct {
		name     string
		interval time.Duration // between packets
		perFrame int
		jitter   time.Duration
		want     time.Duration
	}{
		{"video, 25 fps", 4 * time.Millisecond, 10, 0, 5 * time.Millisecond},
		{"video, 25 fps in bursts", 0, 10, 0, 5 * time.Millisecond},
		{"video, 25 fps, jitter", 0, 10, 30 * time.Millisecond, 40 * time.Millisecond},
		{"sound, 50 a second", 20 * time.Millisecond, 1, 0, 5 * time.Millisecond},
		{"sound, 50 a second, jitter", 20 * time.Millisecond, 1, 30 * time.Millisecond, 40 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(false)
			random := rand.New(rand.NewPCG(1, 2))
			frame := 40 * time.Millisecond
			if c.perFrame == 1 {
				frame = c.interval
			}
			var worst time.Duration
			seq, late := 0, time.Duration(0)
			for n := range 1000 {
				if c.jitter > 0 { // never out of order
					late = max(time.Duration(random.Int64N(int64(c.jitter))), late-frame+time.Duration(c.perFrame-1)*c.interval)
				}
				for i := range c.perFrame {
					seq++
					if n%100 == 50 && i == c.perFrame/2 {
						continue
					}
					at := time.Duration(n)*frame + time.Duration(i)*c.interval + late
					r.arrive(rtpPacket(1, uint16(seq), uint32(time.Duration(n)*frame*9/100000)), sinceStart(at))
				}
			}
			r.until(sinceStart(time.Hour))
			for _, d := range r.out {
				worst = max(worst, d.popped.Sub(d.at))
			}
			if worst > c.want {
				t.Errorf("waited %v, want at most %v", worst, c.want)
			}
			if worst == 0 || r.count.lost != 10 {
				t.Errorf("waited %v with %d lost, want a wait and 10 lost", worst, r.count.lost)
			}
		})
	}
}

func TestReorderOverflow(t *testing.T) {
	r := newReceiver(false)
	for i := range 3 * heldMost {
		if i != 1 && i != heldMost+5 {
			r.arrive(rtpPacket(1, uint16(i), 0), testStart) // all at once
		}
		if len(r.held) > heldMost {
			t.Fatalf("%d packets held, want at most %d", len(r.held), heldMost)
		}
	}
	if r.count.overflowed != 2 || r.count.lost != 2 || len(r.out)+len(r.held) != 3*heldMost-2 {
		t.Errorf("%+v with %d delivered, want 2 gaps given up and nothing dropped", r.count, len(r.out))
	}

	// Someone who does not pop.
	n := newReorderer(90000, false)
	for i := range 70000 {
		n.push(rtpPacket(1, uint16(i), 0), testStart)
	}
	p, ok := n.pop(testStart)
	if len(n.held) > heldMost || !ok || p.lost != 70000-heldMost {
		t.Errorf("%d held, the first after %d lost; want %d after %d", len(n.held)+1, p.lost, heldMost, 70000-heldMost)
	}

	// Packets of many senders, while one goes on.
	r = newReceiver(false)
	for i := range 1000 {
		r.arrive(rtpPacket(1, uint16(i), 0), testStart)
		r.arrive(rtpPacket(uint32(i+2), uint16(i), 0), testStart)
	}
	if len(r.strays) > strayMost || len(r.out) != 1000 || r.count.restarts != 0 {
		t.Errorf("%d strays held, %d delivered, %d restarts; want at most %d, 1000, 0", len(r.strays), len(r.out), r.count.restarts, strayMost)
	}
}

func TestReorderJitter(t *testing.T) {
	const frame = 3600
	type arrival struct {
		stamp uint32
		at    time.Duration
	}
	var late, bursts, pictures, wrap []arrival
	for n := range 400 {
		at := time.Duration(n) * 40 * time.Millisecond
		late = append(late, arrival{uint32(n) * frame, at + time.Duration(n%2)*8*time.Millisecond})
		for i := range 10 { // each picture takes 30 ms
			bursts = append(bursts, arrival{uint32(n) * frame, at + time.Duration(i)*3*time.Millisecond})
		}
		// I B B P B B P in the order of decoding: 3 1 2 6 4 5.
		pictures = append(pictures, arrival{uint32(n+[]int{2, -1, -1}[n%3]) * frame, at})
		wrap = append(wrap, arrival{uint32(n-200) * frame, at})
	}
	jumps := slices.Clone(wrap)
	for i := range jumps {
		if i >= 200 {
			jumps[i].stamp += 1 << 30
		}
		if i >= 300 {
			jumps[i].stamp -= 1 << 31
		}
	}
	paused := slices.Clone(wrap)
	for i := range paused[200:] {
		paused[200+i].at += time.Minute
	}
	for _, c := range []struct {
		name     string
		arrivals []arrival
		want     time.Duration
	}{
		{"alternating by 8 ms", late, 8 * time.Millisecond},
		{"pictures of 10 packets", bursts, 0},
		{"B-frames", pictures, 0},
		{"wrap", wrap, 0},
		{"jumps", jumps, 0},
		{"a pause", paused, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(false)
			for i, a := range c.arrivals {
				r.arrive(rtpPacket(1, uint16(i), a.stamp), sinceStart(a.at))
			}
			if j := r.jitter(); j < c.want-10*time.Microsecond || j > c.want+10*time.Microsecond {
				t.Errorf("jitter %v, want %v", j, c.want)
			}
		})
	}
}

func TestReorderReport(t *testing.T) {
	r := newReceiver(false)
	type numbers struct {
		fraction                     uint8
		total, highest, jitter, ssrc uint32
		ok                           bool
	}
	check := func(what string, want numbers) {
		t.Helper()
		var n numbers
		n.fraction, n.total, n.highest, n.jitter, n.ssrc, n.ok = r.report()
		if n != want {
			t.Errorf("%s: %+v, want %+v", what, n, want)
		}
	}
	check("nothing", numbers{})
	send := func(ssrc uint32, seqs ...int) {
		for _, s := range seqs {
			r.arrive(rtpPacket(ssrc, uint16(s), 0), testStart)
		}
	}
	send(1, 65532, 65533, 65535) // 65534 missing
	check("1 of 4 lost", numbers{64, 1, 65535, 0, 1, true})
	check("nothing new", numbers{0, 1, 65535, 0, 1, true})
	send(1, 0, 2)
	check("1 of 3 lost after the wrap", numbers{85, 2, 65536 + 2, 0, 1, true})
	send(1, 3, 3, 3, 3)
	check("doubles", numbers{0, 0xffffff, 65536 + 3, 0, 1, true})
	send(9, 100, 101)
	check("another sender", numbers{0, 0, 101, 0, 9, true})
	if h := r.highest(); h != 101 {
		t.Errorf("highest %d, want 101", h)
	}
}

// TestReorderRandom feeds 200,000 packets, which go round four times, with loss, doubles
// and disorder, and compares with what must come out.
func TestReorderRandom(t *testing.T) {
	for _, c := range []struct {
		name  string
		total int
		shift time.Duration // a packet is on its way longer by up to this
		late  bool          // some come too late
	}{
		{"5 ms", 200_000, 5 * time.Millisecond, false},
		{"60 ms", 80_000, 60 * time.Millisecond, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			const first = 65_000
			random := rand.New(rand.NewPCG(3, 4))
			type sent struct {
				index int
				at    time.Time
			}
			var arrivals []sent
			for i := range c.total {
				at := sinceStart(time.Duration(i) * 500 * time.Microsecond)
				if i > 0 && random.IntN(100) < 2 {
					continue
				}
				if i > 0 && random.IntN(100) < 5 {
					at = at.Add(time.Duration(random.Int64N(int64(c.shift))))
				}
				arrivals = append(arrivals, sent{i, at})
				if random.IntN(100) < 2 {
					arrivals = append(arrivals, sent{i, at.Add(time.Duration(random.Int64N(int64(c.shift))))})
				}
			}
			slices.SortStableFunc(arrivals, func(a, b sent) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })

			r := newReceiver(false)
			came := make(map[int]time.Time)
			index := make(map[*rtp.Packet]int)
			var worst time.Duration
			for _, a := range arrivals {
				if _, double := came[a.index]; !double {
					came[a.index] = a.at
				}
				p := rtpPacket(1, uint16(first+a.index), uint32(a.index/20*900))
				index[p] = a.index
				r.arrive(p, a.at)
				worst = max(worst, r.bound())
			}
			r.until(sinceStart(time.Hour))

			expected, lost, tooLate := 0, 0, 0
			for _, d := range r.out {
				i := index[d.packet]
				if i != expected+d.lost || d.restarted {
					t.Fatalf("packet %d with %d lost after %d, want ascending ones", i, d.lost, expected-1)
				}
				if w := d.popped.Sub(d.at); w < 0 || w > worst || w > 40*time.Millisecond {
					t.Fatalf("packet %d waited %v, want at most %v", i, w, worst)
				}
				for ; expected < i; expected++ {
					lost++
					if at, ok := came[expected]; ok {
						tooLate++
						if !at.After(d.popped) {
							t.Fatalf("packet %d came at %v and was given up at %v", expected, at, d.popped)
						}
					}
				}
				expected++
			}
			n := r.count
			if want := (counts{
				received: uint64(len(arrivals)), lost: uint64(lost), late: uint64(tooLate),
				duplicated: uint64(len(arrivals) - len(came)), reordered: n.reordered,
			}); n != want || lost == 0 || n.reordered == 0 {
				t.Errorf("counted %+v, want %+v", n, want)
			}
			if (tooLate > 0) != c.late {
				t.Errorf("%d too late, want some: %v", tooLate, c.late)
			}
			if len(r.out) != len(came)-tooLate {
				t.Errorf("%d delivered, want %d", len(r.out), len(came)-tooLate)
			}
		})
	}
}

// FuzzReorder reads packets of four bytes each: how far the sequence goes, which
// sender and whether to pop, and how much time passes.
func FuzzReorder(f *testing.F) {
	f.Add([]byte{1, 0, 0, 1, 2, 0, 0, 1, 255, 255, 0, 1, 3, 0, 0, 1})
	f.Add([]byte{1, 0, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 128, 0, 200, 1, 0, 0, 200})
	f.Add([]byte{0, 16, 4, 0, 1, 0, 4, 0, 0, 240, 4, 0, 0, 16, 5, 9})
	f.Fuzz(func(t *testing.T, script []byte) {
		r := newReceiver(len(script)%2 == 1)
		at := testStart
		var seqs [4]uint16
		for ; len(script) >= 4; script = script[4:] {
			ssrc := script[2] & 3
			seqs[ssrc] += uint16(script[0]) | uint16(script[1])<<8
			at = at.Add(time.Duration(script[3]) * time.Duration(script[3]) * 10 * time.Microsecond)
			p := rtpPacket(uint32(ssrc), seqs[ssrc], uint32(script[2]>>3)*1800)
			if script[2]&4 != 0 {
				r.push(p, at)
			} else {
				r.arrive(p, at)
				if d := r.deadline(); !d.IsZero() && !d.After(at) {
					t.Fatalf("deadline %v at %v", d, at)
				}
			}
			n := r.count
			if got := n.late + n.duplicated + uint64(len(r.out)+len(r.held)+len(r.strays)); got != n.received {
				t.Fatalf("%d received and %d accounted for: %+v", n.received, got, n)
			}
			if len(r.held) > heldMost || len(r.strays) > strayMost || r.jitter() < 0 {
				t.Fatalf("%d held, %d strays, jitter %v", len(r.held), len(r.strays), r.jitter())
			}
			if b := r.bound(); b > usualFrameTime || (b < leastWait && !r.ordered) {
				t.Fatalf("bound %v", b)
			}
			r.report()
		}
		r.until(at.Add(time.Second))
		if len(r.held)+len(r.strays) > 0 {
			t.Fatalf("%d packets stay held", len(r.held)+len(r.strays))
		}
		for i, d := range r.out[min(1, len(r.out)):] {
			was := r.out[i].packet
			if !d.restarted && (d.packet.SSRC != was.SSRC || d.packet.SequenceNumber != was.SequenceNumber+uint16(d.lost)+1) {
				t.Fatalf("%d of %d after %d of %d with %d lost", d.packet.SequenceNumber, d.packet.SSRC, was.SequenceNumber, was.SSRC, d.lost)
			}
		}
	})
}
