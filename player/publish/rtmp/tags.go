package rtmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bluenviron/gortmplib/pkg/amf0"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"

	"planar/demux"
	"planar/player/publish"
)

// The library's own messages for pictures are not used: those of enhanced RTMP do not
// say which are key pictures, and each copies a unit three times.

// FLV's and enhanced RTMP's names of codecs.
const (
	flvH264 = 7
	flvAAC  = 10
	fourHEV = "hvc1"
	fourOpu = "Opus"
)

// Enhanced RTMP, version 1: ExVideoTagHeader, ExAudioTagHeader.
const (
	exVideo          = 0x80
	exSequenceStart  = 0
	exCodedFrames    = 1
	exCodedFramesX   = 3 // of pictures that are shown when they are decoded
	exAudio          = 9 << 4
	frameKey         = 1
	frameInter       = 2
	aacHeader        = flvAAC<<4 | 0x0F // 44 kHz, 16 bit, stereo: what it says for any AAC
	h264Config       = 0
	h264Picture      = 1
	compositionBytes = 3
)

// track is a stream on its way.
type track struct {
	video  bool
	codec  string
	config []byte   // the body of the sequence header's message
	sets   [][]byte // H.264, H.265: the parameter sets in config
	slices [][]byte // scratch: what of a unit is sent
}

// newTrack makes the sequence header of a stream.
func newTrack(s demux.Stream) (*track, error) {
	t := &track{codec: s.Codec, video: s.Kind == demux.Video}
	switch s.Codec {
	case "h264", "hevc":
		sets, err := publish.SplitAnnexB(s.Config)
		if err != nil {
			return nil, err
		}
		return t, t.setConfig(sets)
	case "aac":
		if len(s.Config) == 0 {
			return nil, errors.New("the AAC stream has no AudioSpecificConfig")
		}
		t.config = append([]byte{aacHeader, 0}, s.Config...)
	case "opus":
		head := s.Config
		if len(head) == 0 {
			var err error
			h := opus.IDHeader{Version: 1, ChannelCount: uint8(max(1, min(s.Sound.Channels, 2))), InputSampleRate: 48000}
			if head, err = h.Marshal(); err != nil {
				return nil, err
			}
		}
		t.config = append([]byte("\x00"+fourOpu), head...)
		t.config[0] = exAudio | exSequenceStart
	default:
		return nil, fmt.Errorf("RTMP has no name for %q", s.Codec)
	}
	return t, nil
}

// setConfig makes the sequence header of pictures.
func (t *track) setConfig(sets [][]byte) (err error) {
	var record []byte
	if t.codec == "h264" {
		if record, err = avcC(sets); err == nil {
			t.config = append([]byte{frameKey<<4 | flvH264, h264Config, 0, 0, 0}, record...)
		}
	} else if record, err = hvcC(sets); err == nil {
		t.config = append(append([]byte{exVideo | frameKey<<4 | exSequenceStart}, fourHEV...), record...)
	}
	if err != nil {
		return err
	}
	t.sets = nil
	for _, s := range sets {
		t.sets = append(t.sets, bytes.Clone(s)) // not to hold a picture's memory
	}
	return nil
}

// isSet reports whether a NAL unit is a parameter set.
func (t *track) isSet(n []byte) bool {
	if t.codec == "h264" {
		typ := h264.NALUType(n[0] & 0x1F)
		return typ == h264.NALUTypeSPS || typ == h264.NALUTypePPS
	}
	typ := h265.NALUType(n[0] >> 1 & 0x3F)
	return typ == h265.NALUType_VPS_NUT || typ == h265.NALUType_SPS_NUT || typ == h265.NALUType_PPS_NUT
}

// milliseconds rounds a time to RTMP's clock. Rounded are absolute times, so that no
// errors add up.
func milliseconds(t time.Duration) int64 {
	return max(0, int64((t+time.Millisecond/2)/time.Millisecond))
}

// append writes a unit as messages: its picture or sound, and before it a sequence
// header if the parameter sets are others now. Parameter sets go into the sequence
// header only (ISO/IEC 14496-15, 5.2.1).
func (t *track) append(c *chunker, stream uint32, u *publish.Unit) error {
	dts := milliseconds(u.DTS)
	if !t.video {
		head := []byte{aacHeader, 1}
		if t.codec == "opus" {
			head = []byte{exAudio | exCodedFrames, 'O', 'p', 'u', 's'}
		}
		if err := c.begin(chunkAudio, typeAudio, stream, uint32(milliseconds(u.PTS)), len(head)+len(u.Data)); err != nil {
			return err
		}
		c.write(head)
		c.write(u.Data)
		return nil
	}

	picture := t.slices[:0]
	var sets [][]byte
	size := 0
	for _, n := range u.NALUs {
		switch {
		case len(n) == 0:
		case t.isSet(n):
			sets = append(sets, n)
		default:
			picture = append(picture, n)
			size += 4 + len(n)
		}
	}
	t.slices = picture
	defer clear(picture) // not to hold the unit's memory
	if len(sets) > 0 && !slices.EqualFunc(sets, t.sets, bytes.Equal) {
		// Sets that make no sequence header, or not all of them, are left to the old one.
		if t.setConfig(sets) == nil {
			if err := c.begin(chunkVideo, typeVideo, stream, uint32(dts), len(t.config)); err != nil {
				return err
			}
			c.write(t.config)
		}
	}
	if len(picture) == 0 {
		return nil
	}

	kind := byte(frameInter << 4)
	if u.Key {
		kind = frameKey << 4
	}
	offset := milliseconds(u.PTS) - dts
	var b [5 + compositionBytes]byte
	head := b[:0]
	if t.codec == "h264" {
		head = append(head, kind|flvH264, h264Picture)
	} else if offset == 0 {
		head = append(append(head, exVideo|kind|exCodedFramesX), fourHEV...)
	} else {
		head = append(append(head, exVideo|kind|exCodedFrames), fourHEV...)
	}
	if t.codec == "h264" || offset != 0 {
		head = append(head, byte(offset>>16), byte(offset>>8), byte(offset))
	}
	if err := c.begin(chunkVideo, typeVideo, stream, uint32(dts), len(head)+size); err != nil {
		return err
	}
	c.write(head)
	var length [4]byte
	for _, n := range picture {
		binary.BigEndian.PutUint32(length[:], uint32(len(n)))
		c.write(length[:])
		c.write(n)
	}
	return nil
}

// maxSets is how many parameter sets of a kind a record counts: five bits.
const maxSets = 31

// avcC is an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1).
func avcC(sets [][]byte) ([]byte, error) {
	var sps, pps [][]byte
	for _, s := range sets {
		if h264.NALUType(s[0]&0x1F) == h264.NALUTypeSPS {
			sps = append(sps, s)
		} else {
			pps = append(pps, s)
		}
	}
	if len(sps) == 0 || len(pps) == 0 || len(sps) > maxSets || len(pps) > maxSets {
		return nil, errors.New("the H.264 stream has no parameter sets")
	}
	var info h264.SPS
	if err := info.Unmarshal(sps[0]); err != nil {
		return nil, fmt.Errorf("the H.264 stream's parameter sets are damaged: %w", err)
	}
	b := []byte{1, sps[0][1], sps[0][2], sps[0][3], 0xFC | 3, 0xE0 | byte(len(sps))}
	for _, s := range sps {
		b = appendSet(b, s)
	}
	b = append(b, byte(len(pps)))
	for _, s := range pps {
		b = appendSet(b, s)
	}
	switch info.ProfileIdc {
	case 100, 110, 122, 144:
		b = append(b, 0xFC|byte(info.ChromaFormatIdc), 0xF8|byte(info.BitDepthLumaMinus8), 0xF8|byte(info.BitDepthChromaMinus8), 0)
	}
	return b, nil
}

func appendSet(b, set []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(set))), set...)
}

// hvcC is an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1).
func hvcC(sets [][]byte) ([]byte, error) {
	kinds := [...]h265.NALUType{h265.NALUType_VPS_NUT, h265.NALUType_SPS_NUT, h265.NALUType_PPS_NUT}
	var of [len(kinds)][][]byte
	for _, s := range sets {
		for i, k := range kinds {
			if h265.NALUType(s[0]>>1&0x3F) == k {
				of[i] = append(of[i], s)
			}
		}
	}
	for _, list := range of {
		if len(list) == 0 || len(list) > maxSets {
			return nil, errors.New("the H.265 stream has no parameter sets")
		}
	}
	sps := of[1][0]
	var info h265.SPS
	if err := info.Unmarshal(sps); err != nil {
		return nil, fmt.Errorf("the H.265 stream's parameter sets are damaged: %w", err)
	}
	// Two bytes of header and one of counts before profile_tier_level's 12 general
	// bytes, which the record repeats.
	raw := h264.EmulationPreventionRemove(sps)
	if len(raw) < 15 {
		return nil, errors.New("the H.265 stream's parameter sets are damaged")
	}
	nesting := byte(0)
	if info.TemporalIDNestingFlag {
		nesting = 1 << 2
	}
	b := append([]byte{1}, raw[3:15]...)
	b = append(b,
		0xF0, 0, // min_spatial_segmentation_idc: not said
		0xFC, // parallelismType: not said
		0xFC|byte(info.ChromaFormatIdc), 0xF8|byte(info.BitDepthLumaMinus8), 0xF8|byte(info.BitDepthChromaMinus8),
		0, 0, // avgFrameRate: not said
		(info.MaxSubLayersMinus1+1)<<3|nesting|3, // lengths of four bytes
		byte(len(kinds)))
	for i, list := range of {
		b = append(b, 0x80|byte(kinds[i]), 0, byte(len(list)))
		for _, s := range list {
			b = appendSet(b, s)
		}
	}
	return b, nil
}

// metadata is the body of the message that tells players what comes.
func metadata(streams []demux.Stream) ([]byte, error) {
	number := func(four string) float64 { return float64(binary.BigEndian.Uint32([]byte(four))) }
	list := amf0.ECMAArray{{Key: "duration", Value: float64(0)}}
	add := func(key string, value any) { list = append(list, amf0.ObjectEntry{Key: key, Value: value}) }
	for _, s := range streams {
		switch s.Codec {
		case "h264":
			add("videocodecid", float64(flvH264))
		case "hevc":
			add("videocodecid", number(fourHEV))
		case "aac":
			add("audiocodecid", float64(flvAAC))
		case "opus":
			add("audiocodecid", number(fourOpu))
		}
		if s.Kind == demux.Video {
			if s.Width > 0 && s.Height > 0 {
				add("width", float64(s.Width))
				add("height", float64(s.Height))
			}
			if s.FrameRate.Known() {
				add("framerate", s.FrameRate.Float())
			}
			continue
		}
		if s.Sound.Rate > 0 {
			add("audiosamplerate", float64(s.Sound.Rate))
		}
		add("audiosamplesize", float64(16))
		add("stereo", s.Sound.Channels != 1)
	}
	add("encoder", "planar")
	return amf0.Data{"@setDataFrame", "onMetaData", list}.Marshal()
}
