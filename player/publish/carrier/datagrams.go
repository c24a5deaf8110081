package carrier

import (
	"encoding/binary"
	"time"

	"planar/player/publish"
)

const (
	tsPacket = 188          // ISO/IEC 13818-1, 2.4.3.2
	payload  = 7 * tsPacket // 1316 bytes: as many as fit an Ethernet frame with all headers

	// burst is how many datagrams are sent at once. A receiver's socket holds 208 KiB
	// on Linux unless it asks for more, of which the kernel counts some 2.3 KB for each
	// datagram: 90 of them. A third of that leaves room for a receiver that is late,
	// and for the other streams of its machine.
	burst = 30
	// udpGap is the time from one burst to the next.
	udpGap = time.Millisecond
	// longest is what counts of a unit's duration at most: a frame at 25 pictures per
	// second. It bounds by how much the last byte of a unit is late.
	longest = 40 * time.Millisecond
	// unknown is taken for a duration that is not known.
	unknown = 20 * time.Millisecond
)

// pacer tells how the datagrams of one unit are spread: a key picture of 300 kB is 230
// datagrams, which would overflow the receiver's socket if they came at once.
type pacer struct {
	last map[int]time.Duration // the latest DTS of each stream
}

// bursts is how many datagrams go together, with a gap after each burst, so that the
// n of a unit take so many percent of its time at most. What is no more than one burst
// goes at once. If so many gaps do not fit, the bursts are larger.
func (p *pacer) bursts(u *publish.Unit, n int, gap time.Duration, percent int) int {
	if u == nil {
		return burst
	}
	d := u.Duration
	if d <= 0 {
		if before, ok := p.last[u.Stream]; ok {
			d = u.DTS - before
		}
	}
	if p.last == nil {
		p.last = map[int]time.Duration{}
	}
	p.last[u.Stream] = u.DTS
	if d <= 0 {
		d = unknown
	}
	gaps := int(min(d, longest) * time.Duration(percent) / 100 / gap)
	return max(burst, (n+gaps)/(gaps+1)) // n over gaps+1 bursts, rounded up
}

// cutter cuts what a muxer writes into datagrams and sends those of a unit spread in
// time. Its buffer is reused; it grows to the largest unit.
type cutter struct {
	size    int                        // of a datagram's payload: a multiple of 188
	send    func(payload []byte) error // of one datagram
	gap     time.Duration              // between bursts; 0: everything at once
	percent int                        // of a unit's time that its datagrams take at most
	pacer   pacer
	unsent  []byte
}

func (c *cutter) Write(p []byte) (int, error) {
	c.unsent = append(c.unsent, p...)
	return len(p), nil
}

// flush sends all whole TS packets, the last ones in a shorter datagram: nothing waits
// for the next unit.
func (c *cutter) flush(u *publish.Unit) (err error) {
	b := c.unsent[:len(c.unsent)/tsPacket*tsPacket]
	n := (len(b) + c.size - 1) / c.size
	together := n
	if c.gap > 0 {
		together = c.pacer.bursts(u, n, c.gap, c.percent)
	}
	var next time.Time // of the next burst: what a sleep lasts too long, the next one makes up for
	for i := 0; len(b) > 0 && err == nil; i++ {
		if i > 0 && i%together == 0 {
			if next.IsZero() {
				next = time.Now()
			}
			next = next.Add(c.gap)
			time.Sleep(time.Until(next))
		}
		k := min(c.size, len(b))
		err = c.send(b[:k])
		b = b[k:]
	}
	rest := copy(c.unsent, c.unsent[len(c.unsent)/tsPacket*tsPacket:])
	c.unsent = c.unsent[:rest]
	return err
}

// rtpHeader makes RTP packets of MPEG-TS (RFC 3550, 5.1; RFC 2250, 2).
type rtpHeader struct {
	sequence  uint16
	timestamp uint32 // of the unit that is being sent
	offset    uint32 // of all timestamps: random
	ssrc      uint32
	latest    int64 // the highest timestamp so far, without the offset
}

const (
	rtpHeaderSize  = 12
	payloadTypeMP2 = 33
	rtpClock       = 90_000
)

// at sets the timestamp: when the unit is due, which never goes back.
func (h *rtpHeader) at(dts time.Duration) {
	h.latest = max(h.latest, int64(dts/time.Second)*rtpClock+int64(dts%time.Second)*rtpClock/int64(time.Second))
	h.timestamp = h.offset + uint32(h.latest)
}

// append appends the next packet's header.
func (h *rtpHeader) append(b []byte) []byte {
	b = append(b, 2<<6, payloadTypeMP2)
	b = binary.BigEndian.AppendUint16(b, h.sequence)
	b = binary.BigEndian.AppendUint32(b, h.timestamp)
	b = binary.BigEndian.AppendUint32(b, h.ssrc)
	h.sequence++
	return b
}
