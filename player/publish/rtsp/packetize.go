package rtsp

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpac3"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpav1"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtplpcm"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmpeg1audio"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmpeg4audio"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpsimpleaudio"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpvp8"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpvp9"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs/vp9"

	"planar/demux"
	"planar/player/publish"
)

// maxPayload is the size of the largest RTP payload in bytes: what is left of an
// Ethernet frame of 1500 bytes by IPv6, UDP and RTP (60), with 40 to spare for SRTP
// and tunnels.
const maxPayload = 1400

// Frames of sound are not larger than this: of AAC, whose size is told in 13 bits
// (RFC 3640 section 3.3.6), and of AC-3 (ATSC A/52 table 5.18).
const (
	aacSizeBits = 13
	maxAAC      = 1<<aacSizeBits - 1
	maxAC3      = 3840
	maxMPEG     = 1<<16 - 1 // offsets in a frame have 16 bits, RFC 2250 section 3.5
)

// packetizer makes RTP packets of one stream's units. It belongs to one goroutine.
type packetizer struct {
	encode func(u *publish.Unit) ([]*rtp.Packet, error)
	rate   int64  // Hz, of the timestamps
	ssrc   uint32 // begin anywhere, RFC 3550 section 5.1
	seq    uint16 // of the next packet
	base   uint32 // timestamp at PTS 0
	// The library marks each packet of MPEG audio, but a mark says that sound begins
	// after silence there, RFC 2250 section 3.3.
	unmarked bool
}

// newPacketizer makes packets of a stream in a format that describe has given it.
func newPacketizer(f format.Format, s demux.Stream) (*packetizer, error) {
	p := &packetizer{
		rate: int64(f.ClockRate()), ssrc: rand.Uint32(), seq: uint16(rand.Uint32()), base: rand.Uint32(),
	}
	if p.rate <= 0 {
		return nil, fmt.Errorf("rtsp cannot carry %s without a clock rate", demux.OneLine(s.Codec))
	}
	var err error
	switch f := f.(type) {
	case *format.H264:
		e := &rtph264.Encoder{PayloadType: f.PayloadTyp, PayloadMaxSize: maxPayload, PacketizationMode: f.PacketizationMode}
		err = e.Init()
		p.encode = func(u *publish.Unit) ([]*rtp.Packet, error) { return packH264(e, u.NALUs) }
	case *format.H265:
		e := &rtph265.Encoder{PayloadType: f.PayloadTyp, PayloadMaxSize: maxPayload}
		err = e.Init()
		p.encode = func(u *publish.Unit) ([]*rtp.Packet, error) { return parts(e.Encode, usable(u.NALUs, usableH265)) }
	case *format.AV1:
		e := &rtpav1.Encoder{PayloadType: f.PayloadTyp, PayloadMaxSize: maxPayload}
		err = e.Init()
		p.encode = func(u *publish.Unit) ([]*rtp.Packet, error) {
			list, err := obus(u.Data)
			if err != nil {
				return nil, err
			}
			return parts(e.Encode, list)
		}
	case *format.VP8:
		e := &rtpvp8.Encoder{PayloadType: f.PayloadTyp, PayloadMaxSize: maxPayload}
		err = e.Init()
		p.encode = func(u *publish.Unit) ([]*rtp.Packet, error) { return e.Encode(u.Data) }
	case *format.VP9:
		e := &rtpvp9.Encoder{PayloadType: f.PayloadTyp, PayloadMaxSize: maxPayload}
		err = e.Init()
		p.encode = func(u *publish.Unit) ([]*rtp.Packet, error) {
			var h vp9.Header // the encoder panics where this fails
			if err := h.Unmarshal(u.Data); err != nil {
				return nil, fmt.Errorf("damaged VP9: %w", err)
			}
			return e.Encode(u.Data)
		}
	case *format.MPEG4Audio:
		e := &rtpmpeg4audio.Encoder{
			PayloadType: f.PayloadTyp, PayloadMaxSize: maxPayload,
			SizeLength: f.SizeLength, IndexLength: f.IndexLength, IndexDeltaLength: f.IndexDeltaLength,
		}
		err = e.Init()
		p.encode = frame(e.Encode, maxAAC)
	case *format.AC3:
		e := &rtpac3.Encoder{PayloadType: f.PayloadTyp, PayloadMaxSize: maxPayload}
		err = e.Init()
		p.encode = frame(e.Encode, maxAC3)
	case *format.MPEG1Audio:
		e := &rtpmpeg1audio.Encoder{PayloadMaxSize: maxPayload}
		err = e.Init()
		p.encode = frame(e.Encode, maxMPEG)
		p.unmarked = true
	case *format.Opus:
		e := &rtpsimpleaudio.Encoder{PayloadType: f.PayloadTyp}
		err = e.Init()
		one := func(list [][]byte) ([]*rtp.Packet, error) { // RFC 7587 section 4.2
			k, err := e.Encode(list[0])
			return []*rtp.Packet{k}, err
		}
		p.encode = frame(one, maxPayload)
	case *format.G711:
		e := &rtplpcm.Encoder{PayloadType: f.PayloadTyp, PayloadMaxSize: maxPayload, BitDepth: 8, ChannelCount: f.ChannelCount}
		err = e.Init()
		p.encode = func(u *publish.Unit) ([]*rtp.Packet, error) { return e.Encode(u.Data) }
	default:
		err = fmt.Errorf("rtsp cannot carry %s", demux.OneLine(s.Codec))
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// packets are a unit's RTP packets, in the order in which they are sent; none if it is
// empty. Payloads alias u.Data where that is possible. An error means that the unit is
// none of its codec, or cannot be sent; the next one may well be.
func (p *packetizer) packets(u *publish.Unit) ([]*rtp.Packet, error) {
	if len(u.Data) == 0 {
		return nil, nil
	}
	list, err := p.encode(u)
	if err != nil {
		return nil, err
	}
	at := p.timestamp(u.PTS)
	for _, k := range list {
		k.SSRC, k.SequenceNumber = p.ssrc, p.seq
		k.Timestamp += at // parts of a block of samples have their own
		k.Marker = k.Marker && !p.unmarked
		p.seq++
	}
	return list, nil
}

// timestamp is the RTP timestamp at a PTS, rounded. It is computed from PTS 0 on, so
// that nothing adds up.
func (p *packetizer) timestamp(pts time.Duration) uint32 {
	// Whole seconds first: hours of nanoseconds times 90,000 do not fit.
	s, rest := int64(pts/time.Second), int64(pts%time.Second)
	return p.base + uint32(s*p.rate+(rest*p.rate+int64(time.Second)/2)/int64(time.Second))
}

// frame encodes a unit as the only frame of a list, unless it is larger than limit
// bytes.
func frame(encode func([][]byte) ([]*rtp.Packet, error), limit int) func(*publish.Unit) ([]*rtp.Packet, error) {
	return func(u *publish.Unit) ([]*rtp.Packet, error) {
		if len(u.Data) > limit {
			return nil, fmt.Errorf("a frame of %d bytes is too large: RTP carries %d of this codec", len(u.Data), limit)
		}
		return encode([][]byte{u.Data})
	}
}

// parts encodes a list that may be empty.
func parts(encode func([][]byte) ([]*rtp.Packet, error), list [][]byte) ([]*rtp.Packet, error) {
	if len(list) == 0 {
		return nil, nil
	}
	return encode(list)
}

// packH264 makes packets of NAL units, RFC 6184.
func packH264(e *rtph264.Encoder, nalus [][]byte) ([]*rtp.Packet, error) {
	list, err := parts(e.Encode, usable(nalus, usableH264))
	for _, k := range list {
		if k.Payload[0] == stapA {
			k.Payload[0] |= importance(k.Payload[1:])
		}
	}
	return list, err
}

// stapA is the type of a packet with several NAL units, RFC 6184 section 5.7.1.
const stapA = 24

// importance is the highest nal_ref_idc of those in a STAP-A, which its header has to
// repeat; the library leaves it out.
func importance(units []byte) (nri byte) {
	for len(units) > 2 {
		size := int(units[0])<<8 | int(units[1])
		nri = max(nri, units[2]&0x60)
		units = units[min(2+size, len(units)):]
	}
	return nri
}

// usableH264 and usableH265 tell NAL units from what is shorter than a header, or has
// one of the types that RTP uses for itself (RFC 6184 section 5.4, RFC 7798 section 4.4).
func usableH264(n []byte) bool { return len(n) > 0 && n[0]&0x1f < stapA }

func usableH265(n []byte) bool { return len(n) > 1 && n[0]>>1&0x3f < 48 }

// usable are those that ok says are; the list itself, which others share, if all are.
func usable(nalus [][]byte, ok func([]byte) bool) [][]byte {
	for i, n := range nalus {
		if ok(n) {
			continue
		}
		kept := append([][]byte(nil), nalus[:i]...)
		for _, n := range nalus[i+1:] {
			if ok(n) {
				kept = append(kept, n)
			}
		}
		return kept
	}
	return nalus
}

// obus are the parts of an AV1 temporal unit without its delimiter, which packets are
// to leave out (AOMedia, RTP Payload Format For AV1, section 5).
func obus(data []byte) ([][]byte, error) {
	const delimiter = 2
	var list av1.Bitstream
	if err := list.Unmarshal(data); err != nil {
		return nil, fmt.Errorf("damaged AV1: %w", err)
	}
	kept := list[:0]
	for _, o := range list {
		if o[0]>>3&0xf != delimiter {
			kept = append(kept, o)
		}
	}
	return kept, nil
}
