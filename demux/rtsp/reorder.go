package rtsp

import (
	"cmp"
	"slices"
	"time"

	"github.com/pion/rtp"
)

const (
	// RFC 3550 appendix A.1: a sequence number this far ahead or behind is not
	// loss or disorder but another sequence.
	maxDropout  = 3000
	maxMisorder = 100

	leastWait      = 5 * time.Millisecond // a switch or Wi-Fi may always reorder that much
	usualFrameTime = 40 * time.Millisecond
	longestWait    = 200 * time.Millisecond // also for pictures that come once a second

	// heldMost is what 50 Mbit/s in packets of 1,200 bytes bring in longestWait.
	heldMost = 50_000_000 / 8 / 1200 * int(longestWait/time.Millisecond) / 1000

	// strayMost bounds what is held of another sequence. Two of them in a row
	// decide, and there is such a pair among so many unless most got lost.
	strayMost = 64
	// senderSilence is when a sender that sends nothing has been replaced by
	// another one that does.
	senderSilence = 200 * time.Millisecond
	// formerLasts is how long after its last stray a former sequence is
	// remembered as such.
	formerLasts = 2 * time.Second

	// latenessFades is how long a late packet makes the wait longer, ever less.
	latenessFades = 8 * time.Second
	// latenessMost is how late a packet may be: what comes later and is far behind
	// in its sequence belongs to another one.
	latenessMost = 500 * time.Millisecond

	// historySize is how many sequence numbers are remembered to tell late packets
	// from duplicates: a power of two above maxDropout.
	historySize = 4096

	// jitterMost separates jitter from clocks that were set and from pauses.
	jitterMost = 500 * time.Millisecond
	// pictureReorder is how far timestamps may go back in the order of decoding.
	pictureReorder = 2 * time.Second
)

// inOrder is a packet in sequence.
type inOrder struct {
	packet *rtp.Packet
	at     time.Time // when it arrived
	lost   int       // packets missing right before it
	// restarted says that the sender has begun anew, with another SSRC or a
	// sequence that jumped for good: nothing before it counts.
	restarted bool
}

// counts tells what a reorderer has met. Every packet received is delivered,
// late, duplicated, or still held.
type counts struct {
	received uint64
	lost     uint64 // given up when their time was over, also if they came later
	// late were received and not delivered: they came when they had been given
	// up, before the first packet of all, from a sender that is not the current
	// one, or were still held when the sender began anew.
	late       uint64
	reordered  uint64 // came after a higher one, in time
	duplicated uint64
	restarts   uint64
	overflowed uint64 // times that too many packets were held
}

// heldPacket is a packet with its extended sequence number.
type heldPacket struct {
	packet *rtp.Packet
	at     time.Time
	seq    int64
}

// pastPacket remembers a packet that came.
type pastPacket struct {
	seq       int64
	at        time.Duration // since reorderer.epoch
	timestamp uint32
}

// reorderer puts the RTP packets of one track back in order. It waits for a
// missing packet for a time (see bound), not for a number of packets. After each
// push, and at the deadline, the caller pops until there is no more. It does not
// copy packets, nor use them after they were popped. It is not safe for
// concurrent use.
type reorderer struct {
	clockRate float64
	ordered   bool
	frameTime time.Duration
	count     counts
	epoch     time.Time // arrival of the first packet
	now       time.Time // arrival of the latest packet

	// The current sender. Sequence numbers are extended and begin in
	// [65536, 131072), so that they stay positive.
	begun     bool
	ssrc      uint32
	base      int64     // the first
	next      int64     // the lowest that is neither delivered nor given up
	expected  int64     // the one after the latest that was delivered
	high      int64     // the highest received
	last      time.Time // when its latest packet came
	restarted bool      // tell so with the next packet
	held      []heldPacket
	history   []pastPacket

	// Packets of other sequences: of another SSRC, or far away.
	strays []heldPacket
	// former is the sequence before the current one. What still comes of it is
	// late, or two senders at once would take turns.
	former struct {
		known bool
		ssrc  uint32
		seq   uint16
		seen  time.Time
	}

	// For reports about the current sender, RFC 3550 appendix A.3.
	got, gotBefore, expectedBefore int64

	jitterUnits float64 // in units of the RTP clock
	jitterBegun bool
	jitterStamp uint32
	jitterAt    time.Time

	lateness   time.Duration // how much later than a successor a packet came
	latenessAt time.Time
}

// newReorderer makes a reorderer for a track with this RTP clock rate in Hz. If
// ordered, packets come by TCP: they never wait, and what is missing is lost.
func newReorderer(clockRate int, ordered bool) *reorderer {
	if clockRate <= 0 {
		clockRate = 90000
	}
	return &reorderer{
		clockRate: float64(clockRate), ordered: ordered, frameTime: usualFrameTime,
		history: make([]pastPacket, historySize),
	}
}

// setFrameTime caps the wait at the duration of a frame, within 5 ms and 200 ms;
// 0 means unknown and 40 ms.
func (r *reorderer) setFrameTime(d time.Duration) {
	if d <= 0 {
		d = usualFrameTime
	}
	r.frameTime = min(max(d, leastWait), longestWait)
}

// bound is how long packets wait for a missing one before them, from the arrival
// of the first of them: 4 times the jitter, or 1.5 times how late packets came
// lately, at least 5 ms and at most a frame.
func (r *reorderer) bound() time.Duration {
	if r.ordered {
		return 0
	}
	return min(max(4*r.jitter(), r.lateNow()*3/2, leastWait), r.frameTime)
}

func (r *reorderer) counts() counts { return r.count }

// push takes a packet that arrived at the given time.
func (r *reorderer) push(p *rtp.Packet, at time.Time) {
	if p == nil {
		return
	}
	r.count.received++
	r.now = at
	a := heldPacket{packet: p, at: at}
	if !r.begun {
		r.epoch = at
		r.begin(p)
	}
	var ok bool
	if a.seq, ok = r.place(p, at); !ok {
		r.stray(a)
		return
	}
	r.take(a)
	// The sender goes on, so what came of others a while ago was a mistake.
	n := len(r.strays)
	r.strays = slices.DeleteFunc(r.strays, func(s heldPacket) bool { return at.Sub(s.at) >= senderSilence })
	r.count.late += uint64(n - len(r.strays))
}

// begin starts a sequence with this packet.
func (r *reorderer) begin(p *rtp.Packet) {
	r.begun, r.ssrc = true, p.SSRC
	r.base = 1<<16 + int64(p.SequenceNumber)
	r.next, r.expected, r.high = r.base, r.base, r.base-1
	r.got, r.gotBefore, r.expectedBefore = 0, 0, 0
	r.jitterBegun = false
	clear(r.history)
}

// place finds a packet's extended sequence number, and tells whether it belongs
// to the current sequence.
func (r *reorderer) place(p *rtp.Packet, at time.Time) (seq int64, ok bool) {
	distance := int64(int16(p.SequenceNumber - uint16(r.high)))
	seq = r.high + distance
	switch {
	case p.SSRC != r.ssrc || distance >= maxDropout || distance <= -maxDropout:
		return seq, false
	case distance > -maxMisorder:
		return seq, true
	case r.ordered:
		return seq, false
	}
	// More than 100 packets may be only milliseconds: time decides, or that it is
	// the same packet again.
	if h := r.seen(seq); h != nil {
		return seq, h.timestamp == p.Timestamp
	}
	if seq >= r.next {
		return seq, true
	}
	late, ok := r.behind(seq, at)
	return seq, ok && late < latenessMost
}

// seen is the history's entry for a sequence number, nil if it has not come.
func (r *reorderer) seen(seq int64) *pastPacket {
	if h := &r.history[seq%historySize]; h.seq == seq {
		return h
	}
	return nil
}

// behind tells how long before now the first packet with a higher sequence
// number came.
func (r *reorderer) behind(seq int64, now time.Time) (late time.Duration, ok bool) {
	since := now.Sub(r.epoch)
	for s := seq + 1; s <= r.high; s++ {
		if h := r.seen(s); h != nil {
			late, ok = max(late, since-h.at), true
		}
	}
	return late, ok
}

// take accepts a packet of the current sequence.
func (r *reorderer) take(a heldPacket) {
	r.got++
	r.last = a.at
	r.measure(a)
	if r.seen(a.seq) != nil {
		r.count.duplicated++
		return
	}
	r.history[a.seq%historySize] = pastPacket{a.seq, a.at.Sub(r.epoch), a.packet.Timestamp}
	if a.seq > r.high {
		r.high = a.seq
	} else {
		r.learn(a)
		if a.seq < r.next {
			r.count.late++
			return
		}
		r.count.reordered++
	}
	i := len(r.held)
	for i > 0 && r.held[i-1].seq > a.seq {
		i--
	}
	r.held = slices.Insert(r.held, i, a)
	if len(r.held) <= heldMost {
		return
	}
	r.count.overflowed++
	if r.held[0].seq > r.next {
		r.giveUp()
	} else { // the caller does not pop
		r.count.late++
		r.next = r.held[0].seq + 1
		r.held = slices.Delete(r.held, 0, 1)
	}
}

// giveUp counts what is missing before the held packets as lost.
func (r *reorderer) giveUp() {
	r.count.lost += uint64(r.held[0].seq - r.next)
	r.next = r.held[0].seq
}

// pop returns the next packet in sequence; false if there is none yet.
func (r *reorderer) pop(now time.Time) (inOrder, bool) {
	if len(r.held) == 0 {
		if len(r.strays) == 0 || now.Sub(r.last) < senderSilence {
			return inOrder{}, false
		}
		n := len(r.strays) - 1
		a := r.strays[n]
		r.strays = slices.Delete(r.strays, n, n+1)
		r.restart(a)
	}
	if r.held[0].seq > r.next {
		if !r.ordered && now.Before(r.gapEnds()) {
			return inOrder{}, false
		}
		r.giveUp()
	}
	a := r.held[0]
	r.held = slices.Delete(r.held, 0, 1)
	p := inOrder{packet: a.packet, at: a.at, lost: int(a.seq - r.expected), restarted: r.restarted}
	r.next, r.expected, r.restarted = a.seq+1, a.seq+1, false
	return p, true
}

// gapEnds is when the packets before the held ones are given up.
func (r *reorderer) gapEnds() time.Time {
	first := r.held[0].at
	for _, a := range r.held[1:] {
		if a.at.Before(first) {
			first = a.at
		}
	}
	return first.Add(r.bound())
}

// deadline is when pop may give more though nothing comes; zero if nothing is
// held.
func (r *reorderer) deadline() time.Time {
	switch {
	case len(r.held) > 0 && (r.ordered || r.held[0].seq == r.next):
		return r.held[0].at
	case len(r.held) > 0:
		return r.gapEnds()
	case len(r.strays) > 0:
		return r.last.Add(senderSilence)
	}
	return time.Time{}
}

// stray meets a packet that does not belong to the current sequence. Another
// sequence becomes the current one when two of its packets follow each other
// (RFC 3550 appendix A.1), or when the sender is silent.
func (r *reorderer) stray(a heldPacket) {
	if a.at.Sub(r.last) >= senderSilence {
		r.restart(a)
		return
	}
	if r.isFormer(a) {
		r.former.seen = a.at
		r.count.late++
		return
	}
	if r.ordered {
		r.restart(a)
		return
	}
	for _, s := range r.strays {
		if s.packet.SSRC != a.packet.SSRC {
			continue
		}
		switch s.packet.SequenceNumber - a.packet.SequenceNumber {
		case 0:
			r.count.duplicated++
			return
		case 1, 0xffff:
			r.restart(a)
			return
		}
	}
	if len(r.strays) >= strayMost {
		r.count.overflowed++
		r.count.late++
		r.strays = slices.Delete(r.strays, 0, 1)
	}
	r.strays = append(r.strays, a)
}

// isFormer tells whether a packet is of the sequence before the current one.
func (r *reorderer) isFormer(a heldPacket) bool {
	f := &r.former
	if !f.known || a.packet.SSRC != f.ssrc || a.at.Sub(f.seen) > formerLasts {
		return false
	}
	distance := int16(a.packet.SequenceNumber - f.seq)
	return f.ssrc != r.ssrc || (-maxDropout < distance && distance < maxDropout)
}

// restart makes the sequence of a packet the current one. What is held of it
// comes first, what is held of others is dropped.
func (r *reorderer) restart(a heldPacket) {
	all := append(r.strays, a)
	for i := range all { // in relation to this packet
		all[i].seq = int64(int16(all[i].packet.SequenceNumber - a.packet.SequenceNumber))
	}
	own := slices.DeleteFunc(slices.Clone(all), func(s heldPacket) bool {
		return s.packet.SSRC != a.packet.SSRC || s.seq <= -maxDropout || s.seq >= maxDropout
	})
	slices.SortStableFunc(own, func(x, y heldPacket) int { return cmp.Compare(x.seq, y.seq) })
	r.count.restarts++
	r.count.late += uint64(len(r.held) + len(all) - len(own))
	clear(all)
	clear(r.held)
	r.strays, r.held = all[:0], r.held[:0]
	r.former.known, r.former.ssrc, r.former.seq, r.former.seen = true, r.ssrc, uint16(r.high), a.at

	r.begin(own[0].packet)
	r.restarted = true
	first := own[0].seq
	for _, s := range own {
		s.seq += r.base - first
		r.take(s)
	}
	r.last = a.at
}

// measure updates the interarrival jitter, RFC 3550 section 6.4.1. The packets of
// a frame share a timestamp and are sent one after another, and the timestamps of
// pictures go back and forth in the order of decoding; so only the first packet
// of a timestamp above all others counts.
func (r *reorderer) measure(a heldPacket) {
	step := float64(int32(a.packet.Timestamp - r.jitterStamp))
	d := a.at.Sub(r.jitterAt).Seconds()*r.clockRate - step
	if r.jitterBegun {
		if step == 0 || (step < 0 && -step < pictureReorder.Seconds()*r.clockRate) {
			return
		}
		// More is no jitter: timestamps jumped, or the sender paused.
		if d = max(d, -d); d < jitterMost.Seconds()*r.clockRate {
			r.jitterUnits += (d - r.jitterUnits) / 16
		}
	}
	r.jitterBegun, r.jitterStamp, r.jitterAt = true, a.packet.Timestamp, a.at
}

// jitter is the interarrival jitter, RFC 3550 section 6.4.1.
func (r *reorderer) jitter() time.Duration {
	return time.Duration(r.jitterUnits / r.clockRate * float64(time.Second))
}

// learn notes how much later than a successor a packet came.
func (r *reorderer) learn(a heldPacket) {
	if late, _ := r.behind(a.seq, a.at); late > r.lateNow() {
		r.lateness, r.latenessAt = min(late, latenessMost), a.at
	}
}

// lateNow is what is left of the lateness when the latest packet came.
func (r *reorderer) lateNow() time.Duration {
	age := min(max(r.now.Sub(r.latenessAt), 0), latenessFades)
	return r.lateness - r.lateness*age/latenessFades
}

// highest is the extended highest sequence number received, RFC 3550 section
// 6.4.1.
func (r *reorderer) highest() uint32 { return uint32(max(r.high-1<<16, 0)) }

// report gives the numbers of a receiver report about the current sender, RFC
// 3550 section 6.4.1: the fraction lost since the last call in 1/256, the total
// lost in 24 bits (signed), the extended highest sequence number, the jitter in
// units of the RTP clock, and the SSRC. ok is false if nothing has come. Unlike
// counts, it goes by what arrived, late and double packets too (appendix A.3).
func (r *reorderer) report() (fraction uint8, total, highest, jitter, ssrc uint32, ok bool) {
	if !r.begun {
		return 0, 0, 0, 0, 0, false
	}
	expected := r.high - r.base + 1
	due := expected - r.expectedBefore
	lost := due - (r.got - r.gotBefore)
	r.expectedBefore, r.gotBefore = expected, r.got
	if due > 0 && lost > 0 {
		fraction = uint8(min(lost*256/due, 255))
	}
	total = uint32(min(max(expected-r.got, -1<<23), 1<<23-1)) & 0xffffff
	return fraction, total, r.highest(), uint32(r.jitterUnits), r.ssrc, true
}
