package rtsp

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpac3"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpav1"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpfragmented"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmjpeg"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmpeg1audio"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmpeg1video"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmpeg4audio"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpvp8"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpvp9"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/ac3"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg1audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/vp8"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/vp9"
	"github.com/pion/rtp"
)

// incomplete are the errors by which the library says that more has to come, or
// that we have joined in the middle.
var incomplete = []error{
	rtph264.ErrMorePacketsNeeded, rtph264.ErrNonStartingPacketAndNoPrevious,
	rtph265.ErrMorePacketsNeeded, rtph265.ErrNonStartingPacketAndNoPrevious,
	rtpav1.ErrMorePacketsNeeded, rtpav1.ErrNonStartingPacketAndNoPrevious,
	rtpvp8.ErrMorePacketsNeeded, rtpvp8.ErrNonStartingPacketAndNoPrevious,
	rtpvp9.ErrMorePacketsNeeded, rtpvp9.ErrNonStartingPacketAndNoPrevious,
	rtpmjpeg.ErrMorePacketsNeeded, rtpmjpeg.ErrNonStartingPacketAndNoPrevious,
	rtpmpeg1video.ErrMorePacketsNeeded, rtpmpeg1video.ErrNonStartingPacketAndNoPrevious,
	rtpmpeg1audio.ErrMorePacketsNeeded, rtpmpeg1audio.ErrNonStartingPacketAndNoPrevious,
	rtpmpeg4audio.ErrMorePacketsNeeded,
	rtpfragmented.ErrMorePacketsNeeded,
	rtpac3.ErrMorePacketsNeeded, rtpac3.ErrNonStartingPacketAndNoPrevious,
}

// several adapts a decoder that gives several pieces.
func several(decode func(*rtp.Packet) ([][]byte, error)) func(*rtp.Packet) ([][]byte, error) {
	return func(p *rtp.Packet) ([][]byte, error) {
		pieces, err := decode(p)
		for _, e := range incomplete {
			if errors.Is(err, e) {
				return nil, errMore
			}
		}
		return pieces, err
	}
}

// one adapts a decoder that gives one piece.
func one(decode func(*rtp.Packet) ([]byte, error)) func(*rtp.Packet) ([][]byte, error) {
	return several(func(p *rtp.Packet) ([][]byte, error) {
		b, err := decode(p)
		return [][]byte{b}, err
	})
}

func always([]byte) bool { return true }

// payloadOf makes what depends on the payload format, without any state.
func payloadOf(f format.Format, c codec) (p payload, err error) {
	p.begins = always
	p.finish = c.sounds(func([]byte) time.Duration { return 0 })
	switch f := f.(type) {
	case *format.H264:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		known := c.extradata != nil
		return payload{several(d.Decode), beginsH264, func(nals [][]byte, t uint32) []unit { return unitH264(nals, t, &known) }}, nil
	case *format.H265:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		known := c.extradata != nil
		return payload{several(d.Decode), beginsH265, func(nals [][]byte, t uint32) []unit { return unitH265(nals, t, &known) }}, nil
	case *format.MJPEG:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		begins := func(b []byte) bool { return len(b) > 3 && b[1] == 0 && b[2] == 0 && b[3] == 0 } // fragment offset, RFC 2435 section 3.1.2
		return payload{one(d.Decode), begins, whole(always)}, nil
	case *format.VP8:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		begins := func(b []byte) bool { return b[0]&0x10 != 0 && b[0]&0x07 == 0 } // start of partition 0, RFC 7741 section 4.2
		return payload{one(d.Decode), begins, whole(vp8.IsRandomAccess)}, nil
	case *format.VP9:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		return payload{one(d.Decode), beginsVP9, whole(vp9.IsRandomAccess)}, nil
	case *format.AV1:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		begins := func(b []byte) bool { return b[0]&0x08 != 0 } // N: a coded video sequence begins
		return payload{several(d.Decode), begins, unitAV1}, nil
	case *format.MPEG4Video:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		return payload{one(d.Decode), beginsWithStartCode, whole(keyMPEG4)}, nil
	case *format.MPEG1Video:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		begins := func(b []byte) bool { return len(b) > 4 && beginsWithStartCode(b[4:]) }
		key := func(b []byte) bool { return bytes.Contains(b[:min(len(b), 512)], []byte{0, 0, 1, 0xB3}) } // a sequence header
		return payload{one(d.Decode), begins, whole(key)}, nil
	case *format.MPEG4Audio:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		p.decode = several(d.Decode)
		length := ticks(mpeg4audio.SamplesPerAccessUnit, f.Config.SampleRate)
		p.finish = c.sounds(func([]byte) time.Duration { return length })
		return p, nil
	case *format.MPEG4AudioLATM:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		p.decode = one(d.Decode)
		if f.CPresent {
			p.finish = func(pieces [][]byte, t uint32) []unit {
				return []unit{{data: loas(pieces[0]), rtpTime: t, key: true}}
			}
			return p, nil
		}
		p.decode = several(func(packet *rtp.Packet) ([][]byte, error) {
			b, err := d.Decode(packet)
			if err != nil {
				return nil, err
			}
			return rawAAC(b, f.StreamMuxConfig)
		})
		length := ticks(mpeg4audio.SamplesPerAccessUnit, c.sound.Rate)
		p.finish = c.sounds(func([]byte) time.Duration { return length })
		return p, nil
	case *format.Opus:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		p.decode = one(d.Decode)
		p.finish = c.sounds(func(b []byte) time.Duration { return ticks(opus.PacketDuration2(b), 48000) })
		return p, nil
	case *format.G711:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		p.decode = one(d.Decode)
		p.finish = c.sounds(c.samples(8))
		return p, nil
	case *format.LPCM:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		p.decode = one(d.Decode)
		p.finish = c.sounds(c.samples(f.BitDepth))
		return p, nil
	case *format.G722:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		p.decode = one(d.Decode)
		p.finish = c.sounds(c.samples(4))
		return p, nil
	case *format.MPEG1Audio:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		p.decode = several(d.Decode)
		p.finish = c.sounds(func(b []byte) time.Duration {
			var h mpeg1audio.FrameHeader
			if h.Unmarshal(b) != nil || h.SampleRate <= 0 {
				return 0
			}
			return ticks(int64(h.SampleCount()), h.SampleRate)
		})
		return p, nil
	case *format.AC3:
		d, err := f.CreateDecoder()
		if err != nil {
			return p, err
		}
		p.decode = several(d.Decode)
		length := ticks(ac3.SamplesPerFrame, f.SampleRate)
		p.finish = c.sounds(func([]byte) time.Duration { return length })
		return p, nil
	}
	return p, fmt.Errorf("no way to put %T together", f)
}

// whole makes a unit of one piece.
func whole(key func([]byte) bool) func([][]byte, uint32) []unit {
	return func(pieces [][]byte, t uint32) []unit {
		b := joined(pieces)
		if len(b) == 0 {
			return nil
		}
		return []unit{{data: b, rtpTime: t, key: key(b)}}
	}
}

// sounds makes a unit of each piece, one following the other in time.
func (c codec) sounds(length func([]byte) time.Duration) func([][]byte, uint32) []unit {
	return func(pieces [][]byte, t uint32) []unit {
		var units []unit
		for _, b := range pieces {
			d := length(b)
			units = append(units, unit{data: b, rtpTime: t, duration: d, key: true})
			t += uint32(int64(d) * int64(c.clockRate) / int64(time.Second))
		}
		return units
	}
}

// samples tells how long sound of so many bits a sample lasts.
func (c codec) samples(bits int) func([]byte) time.Duration {
	return func(b []byte) time.Duration {
		return ticks(int64(len(b))*8/int64(bits*max(1, c.sound.Channels)), c.sound.Rate)
	}
}

// beginsH264 looks for what precedes the slices of a picture, or its first slice,
// RFC 6184 section 5.
func beginsH264(b []byte) bool {
	switch b[0] & 0x1F {
	case 24: // STAP-A: size, then the first NAL unit
		return len(b) > 4 && b[3]&0x1F != 24 && beginsH264(b[3:])
	case 28: // FU-A
		return len(b) > 2 && b[1]&0x80 != 0 && sliceH264(b[1]&0x1F, b[2])
	}
	return len(b) > 1 && sliceH264(b[0]&0x1F, b[1])
}

// sliceH264 looks at a NAL unit's type and its first byte: first_mb_in_slice is 0
// if that begins with a 1.
func sliceH264(kind, first byte) bool {
	switch h264.NALUType(kind) {
	case h264.NALUTypeSEI, h264.NALUTypeSPS, h264.NALUTypePPS, h264.NALUTypeAccessUnitDelimiter:
		return true
	case h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA, h264.NALUTypeIDR:
		return first&0x80 != 0
	}
	return false
}

// beginsH265 is beginsH264's counterpart, RFC 7798 section 4.4.
func beginsH265(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	switch kind := b[0] >> 1 & 0x3F; kind {
	case 48: // AP: size, then the first NAL unit
		return len(b) > 6 && sliceH265(b[4]>>1&0x3F, b[6])
	case 49: // FU
		return b[2]&0x80 != 0 && sliceH265(b[2]&0x3F, b[3])
	default:
		return sliceH265(kind, b[2])
	}
}

// sliceH265 looks at first_slice_segment_in_pic_flag.
func sliceH265(kind, first byte) bool {
	switch k := h265.NALUType(kind); {
	case k == h265.NALUType_VPS_NUT, k == h265.NALUType_SPS_NUT, k == h265.NALUType_PPS_NUT,
		k == h265.NALUType_AUD_NUT, k == h265.NALUType_PREFIX_SEI_NUT:
		return true
	case k < h265.NALUType_VPS_NUT:
		return first&0x80 != 0
	}
	return false
}

// beginsVP9 looks for the start of a frame of the lowest spatial layer, RFC 9628
// section 4.2.
func beginsVP9(b []byte) bool {
	if b[0]&0x08 == 0 {
		return false
	}
	if b[0]&0x20 == 0 {
		return true // no layers
	}
	at := 1
	if b[0]&0x80 != 0 { // picture ID
		if at < len(b) && b[at]&0x80 != 0 {
			at++
		}
		at++
	}
	return at < len(b) && b[at]>>1&0x07 == 0
}

func beginsWithStartCode(b []byte) bool { return bytes.HasPrefix(b, []byte{0, 0, 1}) }

// keyMPEG4 looks for a VOP that is coded by itself, ISO/IEC 14496-2 section 6.2.5.
func keyMPEG4(b []byte) bool {
	_, vop, ok := bytes.Cut(b, []byte{0, 0, 1, 0xB6})
	return ok && len(vop) > 0 && vop[0]>>6 == 0
}

func unitH264(nals [][]byte, t uint32, known *bool) []unit {
	u := unit{rtpTime: t}
	for _, n := range nals {
		if len(n) == 0 {
			continue
		}
		switch h264.NALUType(n[0] & 0x1F) {
		case h264.NALUTypeSPS:
			*known = true
		case h264.NALUTypeIDR:
			u.key = true
		case h264.NALUTypeSEI:
			u.recovery = u.recovery || hasRecoveryPoint(n[1:])
		}
	}
	if u.data = annexB(nals); len(u.data) == 0 {
		return nil
	}
	// Without parameter sets nothing can be decoded.
	u.key, u.recovery = u.key && *known, u.recovery && *known
	return []unit{u}
}

func unitH265(nals [][]byte, t uint32, known *bool) []unit {
	u := unit{rtpTime: t}
	for _, n := range nals {
		if len(n) < 2 {
			continue
		}
		switch k := h265.NALUType(n[0] >> 1 & 0x3F); {
		case k == h265.NALUType_SPS_NUT:
			*known = true
		case k >= h265.NALUType_BLA_W_LP && k <= h265.NALUType_CRA_NUT:
			u.key = true
		case k == h265.NALUType_PREFIX_SEI_NUT:
			u.recovery = u.recovery || hasRecoveryPoint(n[2:])
		}
	}
	if u.data = annexB(nals); len(u.data) == 0 {
		return nil
	}
	u.key, u.recovery = u.key && *known, u.recovery && *known
	return []unit{u}
}

func unitAV1(obus [][]byte, t uint32) []unit {
	b, err := av1.Bitstream(obus).Marshal()
	if err != nil || len(b) == 0 {
		return nil
	}
	return []unit{{data: b, rtpTime: t, key: av1.IsRandomAccess2(obus)}}
}

// loas puts an AudioMuxElement into an AudioSyncStream, ISO/IEC 14496-3 section
// 1.7.2, as FFmpeg's decoder takes it.
func loas(element []byte) []byte {
	n := len(element) & 0x1FFF
	return append([]byte{0x56, 0xE0 | byte(n>>8), byte(n)}, element[:n]...)
}

// rawAAC takes the access units out of an AudioMuxElement.
func rawAAC(element []byte, conf *mpeg4audio.StreamMuxConfig) ([][]byte, error) {
	e := mpeg4audio.AudioMuxElement{StreamMuxConfig: conf}
	if err := e.Unmarshal(element); err != nil {
		return nil, err
	}
	var units [][]byte
	for _, frame := range e.Payloads {
		if len(frame) == 1 && len(frame[0]) == 1 {
			units = append(units, frame[0][0])
		}
	}
	return units, nil
}
