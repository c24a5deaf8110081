package rtsp

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

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
		return [][]byte{slices.Clip(b)}, err
	})
}

func always([]byte) bool { return true }

func nowhere([]byte) bool { return false }

// payloadOf makes what depends on the payload format, without any state.
func payloadOf(f format.Format, c codec) (payload, error) {
	switch f := f.(type) {
	case *format.H264:
		d, err := f.CreateDecoder()
		if err != nil {
			return payload{}, err
		}
		sps, pps := f.SPS, f.PPS
		s := newNALStream(lookH264, setSPS|setPPS, sps, pps)
		return payload{
			several(d.Decode), func(b []byte) bool { return s.begins(firstH264(b)) }, s.unit,
			&gather{s.slice, openH264, cutH264, s.note, splitAnnexB},
		}, nil
	case *format.H265:
		d, err := f.CreateDecoder()
		if err != nil {
			return payload{}, err
		}
		vps, sps, pps := f.VPS, f.SPS, f.PPS
		s := newNALStream(lookH265, setVPS|setSPS|setPPS, vps, sps, pps)
		return payload{
			several(d.Decode), func(b []byte) bool { return s.begins(firstH265(b)) }, s.unit,
			&gather{s.slice, openH265, cutH265, s.note, splitAnnexB},
		}, nil
	case *format.AV1:
		d, err := f.CreateDecoder()
		if err != nil {
			return payload{}, err
		}
		return payload{several(d.Decode), beginsAV1, unitAV1, &gather{picture: frameAV1, open: openAV1}}, nil
	case *format.MPEG4Video:
		d, err := f.CreateDecoder()
		if err != nil {
			return payload{}, err
		}
		key := func(b []byte) bool { return keyMPEG4(b, len(c.extradata) > 0) }
		return payload{one(d.Decode), beginsMPEG4, whole(key), &gather{picture: always, open: nowhere}}, nil
	case *format.MPEG1Video:
		d, err := f.CreateDecoder()
		return payload{one(d.Decode), beginsMPEG1, whole(keyMPEG1), nil}, err
	case *format.MJPEG:
		d, err := f.CreateDecoder()
		return payload{one(d.Decode), beginsMJPEG, whole(always), nil}, err
	case *format.VP8:
		d, err := f.CreateDecoder()
		return payload{one(d.Decode), beginsVP8, whole(vp8.IsRandomAccess), nil}, err
	case *format.VP9:
		d, err := f.CreateDecoder()
		return payload{one(d.Decode), beginsVP9, whole(vp9.IsRandomAccess), nil}, err
	case *format.MPEG4Audio:
		d, err := f.CreateDecoder()
		if err != nil {
			return payload{}, err
		}
		return payload{several(d.Decode), always, c.sounds(lengthAAC(f.Config)), nil}, nil
	case *format.MPEG4AudioLATM:
		d, err := f.CreateDecoder()
		if err != nil {
			return payload{}, err
		}
		if f.CPresent {
			// Nothing tells the first fragment of an element from others.
			return payload{one(d.Decode), nowhere, c.sounds(unknownLength).of(loas), nil}, nil
		}
		decode := several(func(p *rtp.Packet) ([][]byte, error) {
			b, err := d.Decode(p)
			if err != nil {
				return nil, err
			}
			return rawAAC(b, f.StreamMuxConfig.NumSubFrames) // which fails if fragments are missing
		})
		return payload{decode, always, c.sounds(lengthAAC(latmConfig(f.StreamMuxConfig))), nil}, nil
	case *format.Opus:
		d, err := f.CreateDecoder()
		length := func(b []byte) (int64, int) { return opus.PacketDuration2(b), 48000 }
		return payload{one(d.Decode), always, c.sounds(length), nil}, err
	case *format.G711:
		d, err := f.CreateDecoder()
		return payload{one(d.Decode), always, c.sounds(c.samples(8)), nil}, err
	case *format.LPCM:
		d, err := f.CreateDecoder()
		return payload{one(d.Decode), always, c.sounds(c.samples(f.BitDepth)), nil}, err
	case *format.G722:
		d, err := f.CreateDecoder()
		return payload{one(d.Decode), always, c.sounds(c.samples(4)), nil}, err
	case *format.MPEG1Audio:
		d, err := f.CreateDecoder()
		return payload{several(d.Decode), beginsMPEG1Audio, c.sounds(lengthMPEG1), nil}, err
	case *format.AC3:
		d, err := f.CreateDecoder()
		length := func([]byte) (int64, int) { return ac3.SamplesPerFrame, f.SampleRate }
		return payload{several(d.Decode), beginsAC3, c.sounds(length), nil}, err
	}
	return payload{}, fmt.Errorf("no way to put %T together", f)
}

type finisher func(pieces [][]byte, rtpTime uint32) []unit

// of has each piece changed before.
func (f finisher) of(change func([]byte) []byte) finisher {
	return func(pieces [][]byte, rtpTime uint32) []unit {
		out := make([][]byte, len(pieces))
		for i, b := range pieces {
			out[i] = change(b)
		}
		return f(out, rtpTime)
	}
}

// whole makes one unit of the pieces.
func whole(key func([]byte) bool) finisher {
	return func(pieces [][]byte, t uint32) []unit {
		b := pieces[0]
		if len(pieces) > 1 {
			b = bytes.Join(pieces, nil)
		}
		if len(b) == 0 {
			return nil
		}
		return []unit{{data: b, rtpTime: t, key: key(b)}}
	}
}

// sounds makes a unit of each piece, one following the other in time. A piece's
// length is told in samples and their rate in Hz, 0 if it is unknown.
func (c codec) sounds(length func([]byte) (samples int64, rate int)) finisher {
	return func(pieces [][]byte, t uint32) []unit {
		var units []unit
		var before int64 // samples
		for _, b := range pieces {
			if len(b) == 0 {
				continue
			}
			u := unit{data: slices.Clip(b), rtpTime: t, key: true}
			if n, rate := length(b); rate > 0 {
				u.duration = ticks(n, rate)
				u.rtpTime += uint32(before * int64(c.clockRate) / int64(rate))
				before += n
			}
			units = append(units, u)
		}
		return units
	}
}

func unknownLength([]byte) (int64, int) { return 0, 0 }

// samples tells how long sound of so many bits a sample is.
func (c codec) samples(bits int) func([]byte) (int64, int) {
	frame := int64(bits * max(1, c.sound.Channels))
	return func(b []byte) (int64, int) { return int64(len(b)) * 8 / frame, c.sound.Rate }
}

// lengthAAC tells the length of access units, which is counted in samples of the
// core, before spectral band replication: ISO/IEC 14496-3 section 4.5.1.1.
func lengthAAC(c *mpeg4audio.AudioSpecificConfig) func([]byte) (int64, int) {
	samples, rate := int64(mpeg4audio.SamplesPerAccessUnit), c.SampleRate
	if c.FrameLengthFlag {
		samples = 960
	}
	return func([]byte) (int64, int) { return samples, rate }
}

func lengthMPEG1(b []byte) (int64, int) {
	var h mpeg1audio.FrameHeader
	if h.Unmarshal(b) != nil {
		return 0, 0
	}
	return int64(h.SampleCount()), h.SampleRate
}

// beginsMJPEG looks at the fragment offset, RFC 2435 section 3.1.2.
func beginsMJPEG(b []byte) bool { return len(b) > 3 && b[1] == 0 && b[2] == 0 && b[3] == 0 }

// beginsVP8 looks for the start of partition 0, RFC 7741 section 4.2.
func beginsVP8(b []byte) bool { return b[0]&0x10 != 0 && b[0]&0x07 == 0 }

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

// beginsAV1 looks at N: a coded video sequence begins. AV1 RTP specification,
// section 4.4.
func beginsAV1(b []byte) bool { return b[0]&0x08 != 0 && b[0]&0x80 == 0 }

// openAV1 looks at Y: the last OBU goes on in the next packet.
func openAV1(b []byte) bool { return b[0]&0x40 != 0 }

// kindAV1 is the type of an OBU, AV1 section 6.2.2.
func kindAV1(obu []byte) av1.OBUType { return av1.OBUType(obu[0] >> 3 & 0x0F) }

// frameAV1 reports whether an OBU is a frame or a part of one: a frame header (3),
// a tile group (4), a frame (6) or a redundant frame header (7).
func frameAV1(obu []byte) bool {
	switch kindAV1(obu) {
	case 3, 4, 6, 7:
		return true
	}
	return false
}

// unitAV1 makes the temporal unit of its OBUs, in the low-overhead format, AV1
// section 5.2.
func unitAV1(obus [][]byte, t uint32) []unit {
	b, err := av1.Bitstream(obus).Marshal()
	if err != nil || len(b) == 0 {
		return nil
	}
	// A sequence header comes with every key frame, section 7.5, and may come with
	// others.
	key, sequence := false, false
	for _, o := range obus {
		sequence = sequence || kindAV1(o) == av1.OBUTypeSequenceHeader
		key = key || shownKeyAV1(o)
	}
	return []unit{{data: b, rtpTime: t, key: key && sequence, params: sequence}}
}

// shownKeyAV1 reads the first bits of a frame header: show_existing_frame is 0,
// frame_type is KEY_FRAME. AV1 section 5.9.2.
func shownKeyAV1(obu []byte) bool {
	if k := kindAV1(obu); k != 3 && k != 6 {
		return false
	}
	at := 1
	if obu[0]&0x04 != 0 { // extension
		at++
	}
	if obu[0]&0x02 != 0 { // size
		for at < len(obu) && obu[at]&0x80 != 0 {
			at++
		}
		at++
	}
	return at < len(obu) && obu[at]&0xE0 == 0
}

// beginsMPEG4 looks for a start code; those within a picture are no such.
func beginsMPEG4(b []byte) bool { return bytes.HasPrefix(b, startCode[1:]) }

// keyMPEG4 looks for a picture (VOP) that is coded by itself, ISO/IEC 14496-2 section
// 6.2.5, whose configuration is known or comes with it (a video object layer, 0x20
// to 0x2F).
func keyMPEG4(b []byte, configured bool) bool {
	head, vop, ok := bytes.Cut(b, []byte{0, 0, 1, 0xB6})
	for !configured && len(head) > 0 {
		_, head, _ = bytes.Cut(head, startCode[1:])
		configured = len(head) > 0 && head[0]&0xF0 == 0x20
	}
	return ok && configured && len(vop) > 0 && vop[0]>>6 == 0
}

// beginsMPEG1 looks behind the header for a sequence, a group or a picture, RFC 2250
// section 3.4; slices have start codes too.
func beginsMPEG1(b []byte) bool {
	if len(b) < 8 || !bytes.HasPrefix(b[4:], startCode[1:]) {
		return false
	}
	return b[7] == 0x00 || b[7] == 0xB3 || b[7] == 0xB8
}

// keyMPEG1 looks for a sequence header and an I picture, ISO/IEC 13818-2 section
// 6.2.3, both of which come early.
func keyMPEG1(b []byte) bool {
	_, b, ok := bytes.Cut(b[:min(len(b), 4096)], []byte{0, 0, 1, 0xB3})
	if !ok {
		return false
	}
	_, b, ok = bytes.Cut(b, []byte{0, 0, 1, 0x00})
	return ok && len(b) > 1 && b[1]>>3&7 == 1
}

// beginsMPEG1Audio looks at the fragment offset, RFC 2250 section 3.5.
func beginsMPEG1Audio(b []byte) bool { return len(b) > 3 && b[2] == 0 && b[3] == 0 }

// beginsAC3 looks at the frame type, RFC 4184 section 4.1.1: 3 is a later fragment.
func beginsAC3(b []byte) bool { return b[0]&0x03 != 3 }

// loas puts an AudioMuxElement into an AudioSyncStream, ISO/IEC 14496-3 section
// 1.7.2, as FFmpeg's decoder takes it: a sync word of 11 bits, a length of 13. What
// is longer has no such form.
func loas(element []byte) []byte {
	n := len(element)
	if n > 0x1FFF {
		return nil
	}
	return append([]byte{0x56, 0xE0 | byte(n>>8), byte(n)}, element...)
}

// rawAAC takes the access units out of an AudioMuxElement of one layer, ISO/IEC
// 14496-3 section 1.7.3: before each, its length, in bytes of 255 and a last one
// below. It is read by hand because what announces the lengths stands in the
// configuration behind an extension that the library does not skip.
func rawAAC(element []byte, subFrames uint) (units [][]byte, err error) {
	for range subFrames + 1 {
		size, rest, ok := byteSum(element)
		if !ok || size > len(rest) {
			return units, errors.New("AudioMuxElement is cut")
		}
		units = append(units, rest[:size:size])
		element = rest[size:]
	}
	return units, nil
}
