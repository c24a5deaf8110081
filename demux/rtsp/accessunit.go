package rtsp

import (
	"bytes"
	"errors"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"

	"planar/demux"
)

// unit is one access unit.
type unit struct {
	data     []byte // the receiver's
	rtpTime  uint32
	duration time.Duration // 0 if unknown
	key      bool          // decoding can begin here, and is right at once
	recovery bool          // decoding can begin here; the decoder knows when it is right
	damaged  bool          // packets of it are missing
}

// depacketizer puts the access units of a track together. Its packets come in
// sequence; what is missing in between it is told.
type depacketizer struct {
	f    format.Format
	c    codec
	keep bool // give out what is damaged too
	payload

	ending uint32 // RTP time of the unit that is being put together
	begun  bool   // there is one

	gap     bool   // packets are missing before the next one
	gapSeen bool   // one has come since
	gapTime uint32 // its RTP time
	damage  int    // so many units to come may be damaged
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
}

func newDepacketizer(f format.Format, c codec, keepDamaged bool) (*depacketizer, error) {
	d := &depacketizer{f: f, c: c, keep: keepDamaged}
	return d, d.restart()
}

// restart forgets everything: the sender began anew.
func (d *depacketizer) restart() error {
	known := d.finish != nil
	p, err := payloadOf(d.f, d.c)
	if err != nil {
		return err
	}
	if known { // what parameter sets are known stays so
		p.finish = d.finish
	}
	d.payload = p
	d.begun, d.gap, d.gapSeen, d.damage = false, false, false, 0
	return nil
}

// lost says that packets before the next one are missing.
func (d *depacketizer) lost() {
	if d.keep {
		d.damage = 2 // the one that is being put together and the next
		return
	}
	_ = d.restart() // it has succeeded before
	d.gap, d.gapSeen = true, false
}

// errMore says that a unit is not complete yet.
var errMore = errors.New("more packets are needed")

// push takes the next packet and returns the units that it completes. An error says
// what is wrong with the packet; what it carried is lost.
func (d *depacketizer) push(p *rtp.Packet) ([]unit, error) {
	if len(p.Payload) == 0 {
		return nil, nil // padding, and what opens firewalls
	}
	if d.gap {
		if !d.gapSeen {
			d.gapSeen, d.gapTime = true, p.Timestamp
		}
		if p.Timestamp == d.gapTime && !d.begins(p.Payload) {
			return nil, nil // its beginning may be among what is missing
		}
		d.gap = false
	}
	pieces, err := d.decode(p)
	if errors.Is(err, errMore) {
		if !d.begun {
			d.begun, d.ending = true, p.Timestamp
		}
		return nil, nil
	}
	if err != nil {
		d.begun = false
		return nil, err
	}
	// A unit without a marked end is complete when a packet of the next one comes.
	rtpTime := p.Timestamp
	if d.begun && d.ending != p.Timestamp && d.c.kind == demux.Video {
		rtpTime = d.ending
		d.ending = p.Timestamp
	} else {
		d.begun = false
	}
	units := d.finish(pieces, rtpTime)
	for i := range units {
		if d.damage > 0 {
			units[i].damaged = true
			d.damage--
		}
	}
	return units, nil
}

var startCode = []byte{0, 0, 0, 1}

// annexB joins NAL units as ITU-T H.264 Annex B does.
func annexB(nals [][]byte) []byte {
	size := 0
	for _, n := range nals {
		size += len(startCode) + len(n)
	}
	b := make([]byte, 0, size)
	for _, n := range nals {
		b = append(append(b, startCode...), n...)
	}
	return b
}

// joined is the pieces as one.
func joined(pieces [][]byte) []byte {
	if len(pieces) == 1 {
		return pieces[0]
	}
	return bytes.Join(pieces, nil)
}
