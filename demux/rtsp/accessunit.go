package rtsp

import (
	"errors"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
)

// unit is one access unit.
type unit struct {
	data     []byte // the receiver's
	rtpTime  uint32
	duration time.Duration // 0 if unknown
	key      bool          // decoding can begin here, and is right at once
	recovery bool          // decoding can begin here; the decoder knows when it is right
	damaged  bool          // packets of it are missing; never key nor recovery
	params   bool          // carries parameter sets that earlier units did not
}

// depacketizer puts the access units of a track together. Its packets come in
// sequence; what is missing in between it is told. It begins as if packets had been
// lost: a stream may be joined in the middle of an access unit.
type depacketizer struct {
	f    format.Format
	c    codec
	keep bool // give out what is damaged too
	payload

	// The unit that is being put together.
	pieces   [][]byte
	pictured bool // there is a picture, or part of one, among them
	packets  int  // so far
	bytes    int  // in them
	rtpTime  uint32
	open     bool // the library holds a piece that is not complete
	torn     bool // packets are missing
	last     *rtp.Packet

	gap     bool   // packets are missing before the next one, or the next few are
	gapSeen bool   // of no use; one has come since
	gapTime uint32 // its RTP time
}

// payload is what depends on the payload format.
type payload struct {
	// decode takes a packet and gives the pieces that it completes: those of one
	// access unit, or, of sound, one after another.
	decode func(*rtp.Packet) ([][]byte, error)
	// begins reports whether a packet is surely the first of an access unit.
	begins func(payload []byte) bool
	// finish makes the unit, or units, of the pieces.
	finish func(pieces [][]byte, rtpTime uint32) []unit
	// gather is nil where the library puts units together. Where it does not, or
	// only small ones, it gives the pieces of each packet, and the depacketizer
	// waits for the end of the unit.
	gather *gather
}

// gather is what it takes to put units together from the pieces of packets.
type gather struct {
	picture func(piece []byte) bool        // it is a picture, or part of one
	open    func(payload []byte) bool      // it ends within a piece
	cut     func(payload []byte) []byte    // a payload that ends the piece; nil if there is no way
	discard func(pieces [][]byte)          // they are thrown away; may be nil
	split   func(pieces [][]byte) [][]byte // pieces that are several; may be nil
}

// Bounds of a unit. The key frames of a camera have less than 2 MiB, and no sender
// makes packets of less than half a KiB of what is that large.
const (
	maxUnit    = 8 << 20
	maxPackets = 16384
	maxPieces  = 16384
)

var (
	// errMore says that a unit is not complete yet.
	errMore    = errors.New("more packets are needed")
	errTooLong = errors.New("access unit is too long")
	errNoEnd   = errors.New("access unit without an end")
)

// newDepacketizer makes the depacketizer of a track. With keepDamaged, units that
// lack packets are given out, as far as they go. An error means that the session
// description describes the track wrongly.
func newDepacketizer(f format.Format, c codec, keepDamaged bool) (*depacketizer, error) {
	d := &depacketizer{f: f, c: c, keep: keepDamaged}
	p, err := payloadOf(f, c)
	if err != nil {
		return nil, err
	}
	d.payload = p
	d.gap = true
	return d, nil
}

// restart forgets everything: the sender began anew.
func (d *depacketizer) restart() {
	d.payload, _ = payloadOf(d.f, d.c) // it has succeeded before
	d.clear()
	d.gap, d.gapSeen = true, false
}

// renew takes a new decoder of the library; those have no reset. What the units
// told of the stream, in finish, stays known.
func (d *depacketizer) renew() {
	p, _ := payloadOf(d.f, d.c)
	d.decode = p.decode
}

// clear begins with the next unit.
func (d *depacketizer) clear() {
	d.pieces = nil // those given out are the receiver's
	d.pictured, d.packets, d.bytes, d.open, d.torn, d.last = false, 0, 0, false, false, nil
}

// lost says that packets before the next one are missing.
func (d *depacketizer) lost() {
	switch {
	case !d.keep:
		d.throwAway()
	case d.packets > 0:
		d.torn = true
		d.close()
	}
	d.renew()
	d.gap, d.gapSeen = true, false
}

// throwAway gives up the unit that is being put together.
func (d *depacketizer) throwAway() {
	if d.gather != nil && d.gather.discard != nil {
		d.gather.discard(d.pieces)
	}
	d.clear()
}

// close ends the piece that is open, as far as it has come.
func (d *depacketizer) close() {
	if !d.open || d.gather == nil || d.gather.cut == nil {
		return
	}
	end := rtp.Packet{Header: d.last.Header, Payload: d.gather.cut(d.last.Payload)}
	end.SequenceNumber++
	end.Marker = true
	if pieces, err := d.decode(&end); err == nil {
		d.add(pieces)
	}
	d.open = false
}

// add gathers pieces.
func (d *depacketizer) add(pieces [][]byte) {
	if d.gather == nil {
		d.pieces = pieces
		return
	}
	if d.gather.split != nil {
		pieces = d.gather.split(pieces)
	}
	for _, n := range pieces {
		if len(n) > 0 {
			d.pieces = append(d.pieces, n)
			d.pictured = d.pictured || d.gather.picture(n)
		}
	}
}

// push takes the next packet and returns the units that it completes. The packet is
// the depacketizer's from then on. An error says what is wrong with the packet, or
// with the unit that it ends; what they carried is lost.
func (d *depacketizer) push(p *rtp.Packet) (units []unit, err error) {
	if len(p.Payload) == 0 {
		return nil, nil // padding, and what opens firewalls
	}
	if d.packets > 0 && p.Timestamp != d.rtpTime {
		units, err = d.unmarked()
	}
	if d.gap && !d.resume(p) {
		return units, err
	}
	if !d.pictured { // parameter sets may have a time of their own; the picture's counts
		d.rtpTime = p.Timestamp
	}
	d.packets++
	d.bytes += len(p.Payload)
	if d.packets > maxPackets || d.bytes > maxUnit || len(d.pieces) > maxPieces {
		d.lost()
		return units, errTooLong
	}
	d.last = p
	q := p
	if d.gather != nil {
		q = &rtp.Packet{Header: p.Header, Payload: p.Payload}
		q.Marker = true // have the pieces now
	}
	pieces, e := d.decode(q)
	if d.open = errors.Is(e, errMore); d.gather != nil {
		d.open = d.gather.open(p.Payload)
	}
	if e != nil && !errors.Is(e, errMore) {
		if !d.torn { // nothing else is to be expected of a torn unit
			err = e
		}
		d.lost()
		return units, err
	}
	if e != nil && d.gather == nil {
		return units, err
	}
	d.add(pieces)
	if d.gather == nil || p.Marker && d.pictured && !d.open {
		units = append(units, d.complete()...)
	}
	return units, err
}

// resume reports whether a packet is to be used, in spite of what is missing before.
func (d *depacketizer) resume(p *rtp.Packet) bool {
	if d.begins(p.Payload) || d.gapSeen && p.Timestamp != d.gapTime {
		d.gap = false
		return true
	}
	d.gapSeen, d.gapTime = true, p.Timestamp
	d.torn = d.keep
	return d.keep // its beginning may be among what is missing
}

// unmarked ends the unit whose last packet was not marked as such: a packet of the
// next one is there.
func (d *depacketizer) unmarked() ([]unit, error) {
	var err error
	if d.gather == nil || d.open {
		if !d.torn {
			err = errNoEnd
		}
		d.torn = true
		d.close()
		d.renew()
	}
	switch {
	case d.torn && !(d.keep && d.pictured):
		d.throwAway()
	case d.pictured:
		return d.complete(), err
	}
	return nil, err // what comes before a picture waits for it
}

// complete makes the units of the pieces.
func (d *depacketizer) complete() []unit {
	units := d.finish(d.pieces, d.rtpTime)
	if d.torn {
		for i := range units {
			units[i].damaged, units[i].key, units[i].recovery = true, false, false
		}
	}
	d.clear()
	return units
}
