package rtsp

import (
	"bytes"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// nal is what matters of a NAL unit.
type nal struct {
	leads    bool // comes before the slices of a picture, ends the picture before
	delimits bool // access unit delimiter
	slice    bool // part of a picture
	first    bool // its first slice
	key      bool // and of one that refers to no other
	set      byte // the parameter set that it is: setVPS, setSPS or setPPS
	recovery bool // says that decoding can begin here
}

const (
	setVPS = 1 << iota
	setSPS
	setPPS
)

// lookH264 reads a NAL unit's header, H.264 section 7.3.1, and the first bit of a
// slice: first_mb_in_slice is 0 if it is a 1.
func lookH264(b []byte) nal {
	if len(b) == 0 {
		return nal{}
	}
	first := len(b) > 1 && b[1]&0x80 != 0
	switch h264.NALUType(b[0] & 0x1F) {
	case h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA:
		return nal{slice: true, first: first}
	case h264.NALUTypeDataPartitionB, h264.NALUTypeDataPartitionC:
		return nal{slice: true}
	case h264.NALUTypeIDR:
		return nal{slice: true, first: first, key: true}
	case h264.NALUTypeSEI:
		_, recovery := recoveryCount(b[1:], false)
		return nal{leads: true, recovery: recovery}
	case h264.NALUTypeSPS:
		return nal{leads: true, set: setSPS}
	case h264.NALUTypePPS:
		return nal{leads: true, set: setPPS}
	case h264.NALUTypeAccessUnitDelimiter:
		return nal{leads: true, delimits: true}
	}
	return nal{}
}

// lookH265 reads a NAL unit's header, H.265 section 7.3.1.2, and
// first_slice_segment_in_pic_flag.
func lookH265(b []byte) nal {
	if len(b) < 2 {
		return nal{}
	}
	switch k := h265.NALUType(b[0] >> 1 & 0x3F); {
	case k < h265.NALUType_VPS_NUT:
		return nal{
			slice: true, first: len(b) > 2 && b[2]&0x80 != 0,
			key: k >= h265.NALUType_BLA_W_LP && k <= h265.NALUType_CRA_NUT,
		}
	case k == h265.NALUType_VPS_NUT:
		return nal{leads: true, set: setVPS}
	case k == h265.NALUType_SPS_NUT:
		return nal{leads: true, set: setSPS}
	case k == h265.NALUType_PPS_NUT:
		return nal{leads: true, set: setPPS}
	case k == h265.NALUType_AUD_NUT:
		return nal{leads: true, delimits: true}
	case k == h265.NALUType_PREFIX_SEI_NUT:
		_, recovery := recoveryCount(b[2:], true)
		return nal{leads: true, recovery: recovery}
	}
	return nal{}
}

// firstH264 is the first NAL unit of a payload, as far as the payload has it; nil
// if it begins in an earlier one. RFC 6184 sections 5.6 to 5.8.
func firstH264(b []byte) []byte {
	switch b = unprefixed(b); {
	case len(b) < 2:
		return nil
	case b[0]&0x1F == 24: // STAP-A: size, NAL unit
		return b[min(3, len(b)):]
	case b[0]&0x1F == 28: // FU-A
		if b[1]&0x80 == 0 {
			return nil
		}
		return append([]byte{b[1] & 0x1F}, b[2:min(len(b), 8)]...)
	}
	return b
}

// openH264 reports whether a payload ends within a NAL unit.
func openH264(b []byte) bool { return len(b) >= 2 && b[0]&0x1F == 28 && b[1]&0x40 == 0 }

// cutH264 is a payload that ends the NAL unit that b leaves open.
func cutH264(b []byte) []byte { return []byte{b[0], b[1]&0x1F | 0x40} }

// firstH265 is the counterpart of firstH264, RFC 7798 sections 4.4.1 to 4.4.3.
func firstH265(b []byte) []byte {
	switch b = unprefixed(b); {
	case len(b) < 3:
		return nil
	case b[0]>>1&0x3F == 48: // AP: size, NAL unit
		return b[min(4, len(b)):]
	case b[0]>>1&0x3F == 49: // FU
		if b[2]&0x80 == 0 {
			return nil
		}
		return append([]byte{b[2] & 0x3F << 1, b[1]}, b[3:min(len(b), 8)]...)
	}
	return b
}

func openH265(b []byte) bool { return len(b) >= 3 && b[0]>>1&0x3F == 49 && b[2]&0x40 == 0 }

func cutH265(b []byte) []byte { return []byte{b[0], b[1], b[2]&0x3F | 0x40} }

var startCode = []byte{0, 0, 0, 1}

// unprefixed is b without a start code before it, which some senders leave there.
func unprefixed(b []byte) []byte {
	if rest, ok := bytes.CutPrefix(b, startCode); ok {
		return rest
	}
	return bytes.TrimPrefix(b, startCode[1:])
}

// annexB joins NAL units as H.264 Annex B does.
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

// splitAnnexB takes NAL units apart that a sender has sent as one, with start codes
// between; there are none in a NAL unit otherwise, H.264 section 7.4.1.
func splitAnnexB(nals [][]byte) [][]byte {
	code := startCode[1:]
	if !slices.ContainsFunc(nals, func(n []byte) bool { return len(n) == 0 || bytes.Contains(n, code) }) {
		return nals
	}
	var out [][]byte
	for _, n := range nals {
		for len(n) > 0 && len(out) <= maxPieces {
			piece, rest, more := bytes.Cut(n, code)
			if more { // zero bytes may precede a start code
				piece = bytes.TrimRight(piece, "\x00")
			}
			if len(piece) > 0 {
				out = append(out, piece)
			}
			n = rest
		}
	}
	return out
}

// nalStream makes access units of NAL units. It remembers the parameter sets that
// the stream brought, so that every unit with which decoding can begin has them.
type nalStream struct {
	look    func([]byte) nal
	needs   byte     // the parameter sets without which nothing can be decoded
	sets    [][]byte // the latest
	changed bool     // since the latest unit that had them
	inBand  bool     // they are not those of the session description
}

// maxSets and maxSetBytes bound what is remembered: 256 picture parameter sets may
// exist, real encoders use a few, of less than 100 bytes.
const (
	maxSets     = 64
	maxSetBytes = 64 << 10
)

func newNALStream(look func([]byte) nal, needs byte, sdp ...[]byte) *nalStream {
	s := &nalStream{look: look, needs: needs}
	for _, n := range sdp {
		if len(n) > 0 {
			s.sets = append(s.sets, n)
		}
	}
	return s
}

// begins reports whether a NAL unit is surely the first of an access unit.
func (s *nalStream) begins(n []byte) bool {
	l := s.look(n)
	return l.leads || l.slice && l.first
}

func (s *nalStream) slice(n []byte) bool { return s.look(n).slice }

// note remembers the parameter sets among NAL units. A sequence parameter set takes
// the place of all that were there, those that precede it in its unit excepted.
func (s *nalStream) note(nals [][]byte) {
	var own [][]byte
	var kinds byte
	for _, n := range nals {
		if l := s.look(n); l.set != 0 {
			own, kinds = append(own, n), kinds|l.set
		}
	}
	known := func(n []byte) bool {
		return slices.ContainsFunc(s.sets, func(o []byte) bool { return bytes.Equal(o, n) })
	}
	if !slices.ContainsFunc(own, func(n []byte) bool { return !known(n) }) {
		return
	}
	s.changed, s.inBand = true, true
	if kinds&setSPS != 0 {
		if s.needs&^kinds != 0 {
			// The others come on their own.
			s.sets = slices.DeleteFunc(slices.Clone(s.sets), func(o []byte) bool { return s.look(o).set&kinds != 0 })
		} else {
			s.sets = nil
		}
	}
	size := 0
	for _, n := range s.sets {
		size += len(n)
	}
	for _, n := range own {
		if size += len(n); len(s.sets) >= maxSets || size > maxSetBytes {
			s.sets, size = nil, 0 // nonsense
			return
		}
		if !known(n) {
			s.sets = append(s.sets, bytes.Clone(n))
		}
	}
}

// complete reports whether all parameter sets that are needed are known.
func (s *nalStream) complete() bool {
	var have byte
	for _, n := range s.sets {
		have |= s.look(n).set
	}
	return have&s.needs == s.needs
}

// unit makes the access unit of its NAL units.
func (s *nalStream) unit(nals [][]byte, rtpTime uint32) []unit {
	s.note(nals)
	var have byte
	var first, key, recovery bool
	for _, n := range nals {
		l := s.look(n)
		have |= l.set
		first = first || l.slice && l.first
		key = key || l.key
		recovery = recovery || l.recovery
	}
	able := first && s.complete()
	u := unit{rtpTime: rtpTime, key: key && able, recovery: recovery && !key && able}
	if (u.key || u.recovery) && s.inBand && have&s.needs != s.needs {
		at := 0
		if s.look(nals[0]).delimits {
			at = 1 // a delimiter is always the first
		}
		nals = slices.Concat(nals[:at], s.sets, slices.DeleteFunc(slices.Clone(nals[at:]), func(n []byte) bool { return s.look(n).set != 0 }))
		have |= s.needs
	}
	if have != 0 && s.changed {
		u.params, s.changed = true, false
	}
	u.data = annexB(nals)
	return []unit{u}
}
