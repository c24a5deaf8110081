package publish

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"planar/audio"
	"planar/demux"
)

// elementary brings the packets of a source into the one form that units have,
// whatever container they come from.
type elementary struct {
	stream demux.Stream // Config in the form of units, nil while it is not known
	nal    *nalSyntax   // of H.264 and H.265
	prefix int          // bytes of the length before a NAL unit; 0: start codes
	sets   [][]byte     // the latest parameter sets
	dts    dtsExtractor // for sources that tell no DTS; nil until it is needed
}

type dtsExtractor interface {
	Extract(au [][]byte, pts int64) (int64, error)
}

// Bounds of what a source may bring: a picture of 64 MiB is one of 8192x8192 at 8
// bits a sample, 4096 NAL units one for each of its macroblock rows, and more.
const (
	maxUnit  = 64 << 20
	maxNALUs = 4096
	maxSets  = 64
)

var (
	errDamaged  = errors.New("damaged access unit")
	errTooLarge = errors.New("access unit of more than 64 MiB or 4096 NAL units")
)

// nalSyntax is where H.264 and H.265 differ in what matters here.
type nalSyntax struct {
	kind      func(nalu []byte) nalKind
	extractor func() dtsExtractor
	size      func(sets [][]byte) (width, height int) // of pictures; 0 if it cannot be told
	needs     []nalKind                               // the parameter sets without which nothing can be decoded
}

type nalKind int

const (
	nalOther nalKind = iota
	nalKey           // a slice of a picture that refers to no other
	nalVPS
	nalSPS
	nalPPS
	nalDelimiter
)

var h264Syntax = nalSyntax{
	kind: func(n []byte) nalKind {
		switch h264.NALUType(n[0] & 0x1F) {
		case h264.NALUTypeIDR:
			return nalKey
		case h264.NALUTypeSPS:
			return nalSPS
		case h264.NALUTypePPS:
			return nalPPS
		case h264.NALUTypeAccessUnitDelimiter:
			return nalDelimiter
		}
		return nalOther
	},
	extractor: func() dtsExtractor {
		d := &h264.DTSExtractor{}
		d.Initialize()
		return d
	},
	size:  sizeH264,
	needs: []nalKind{nalSPS, nalPPS},
}

var h265Syntax = nalSyntax{
	kind: func(n []byte) nalKind {
		switch k := h265.NALUType(n[0] >> 1 & 0x3F); {
		case k >= h265.NALUType_BLA_W_LP && k <= h265.NALUType_CRA_NUT:
			return nalKey
		case k == h265.NALUType_VPS_NUT:
			return nalVPS
		case k == h265.NALUType_SPS_NUT:
			return nalSPS
		case k == h265.NALUType_PPS_NUT:
			return nalPPS
		case k == h265.NALUType_AUD_NUT:
			return nalDelimiter
		}
		return nalOther
	},
	extractor: func() dtsExtractor {
		d := &h265.DTSExtractor{}
		d.Initialize()
		return d
	},
	size:  sizeH265,
	needs: []nalKind{nalVPS, nalSPS, nalPPS},
}

// newElementary prepares for the packets of a stream. The error says why they cannot
// be passed on as they are.
func newElementary(s demux.Stream) (*elementary, error) {
	e := &elementary{stream: s}
	conf := s.Config
	switch s.Codec {
	case "h264":
		e.nal = &h264Syntax
	case "hevc":
		e.nal = &h265Syntax
	case "aac":
		if len(conf) > 0 {
			var c mpeg4audio.AudioSpecificConfig
			if err := c.Unmarshal(conf); err != nil {
				return nil, fmt.Errorf("AAC configuration: %w", err)
			}
		}
		return e, nil
	default:
		return e, nil
	}
	e.stream.Config = nil
	if len(conf) > 0 && conf[0] == 1 { // configurationVersion; Annex B begins with a zero
		sets, prefix, err := parseConfigurationRecord(s.Codec, conf)
		if err != nil {
			return nil, err
		}
		e.prefix = prefix
		e.note(sets)
		return e, nil
	}
	sets, err := SplitAnnexB(conf)
	if err != nil {
		return nil, err
	}
	e.note(sets)
	return e, nil
}

// ready reports whether the stream's Config is known, as far as it needs one.
func (e *elementary) ready() bool {
	switch e.stream.Codec {
	case "h264", "hevc", "aac":
		return e.stream.Config != nil
	}
	return true
}

// units makes units of a packet's bytes, which it does not keep. Times are the
// packet's; the caller moves them. A packet of which nothing can be passed on gives
// none and no error.
func (e *elementary) units(p *demux.Packet) ([]*Unit, error) {
	data := p.Bytes()
	if len(data) > maxUnit {
		return nil, errTooLarge
	}
	u := &Unit{Stream: p.Stream, PTS: p.PTS, DTS: p.DTS, Duration: p.Duration, Key: p.Key || e.stream.Kind == demux.Audio}
	switch {
	case e.nal != nil:
		return e.picture(u, data)
	case e.stream.Codec == "aac" && len(data) > 1 && data[0] == 0xFF && data[1]&0xF0 == 0xF0: // no raw block begins so
		return e.adts(u, data)
	}
	if e.stream.Codec == "aac" && e.stream.Config == nil {
		return nil, nil // nobody could decode it
	}
	if u.Data = data; p.Native == nil {
		u.Data = bytes.Clone(data)
	}
	if u.DTS == demux.NoPTS {
		u.DTS = u.PTS
	}
	return []*Unit{u}, nil
}

// adts takes the headers off, ISO/IEC 14496-3 section 1.A.2.2.
func (e *elementary) adts(u *Unit, data []byte) ([]*Unit, error) {
	var packets mpeg4audio.ADTSPackets
	if err := packets.Unmarshal(data); err != nil {
		return nil, errDamaged
	}
	var out []*Unit
	for i, p := range packets {
		if e.stream.Config == nil {
			c := mpeg4audio.AudioSpecificConfig{Type: p.Type, SampleRate: p.SampleRate, ChannelConfig: p.ChannelConfig}
			conf, err := c.Marshal()
			if err != nil {
				return nil, errDamaged
			}
			e.stream.Config = conf
			e.stream.Sound.Rate = p.SampleRate
			if e.stream.Sound.Channels = int(p.ChannelConfig); p.ChannelConfig == 7 {
				e.stream.Sound.Channels = 8
			}
		}
		one := *u
		length := audio.Format{Rate: p.SampleRate}.Duration(mpeg4audio.SamplesPerAccessUnit)
		if one.PTS != demux.NoPTS {
			one.PTS += time.Duration(i) * length
		}
		one.DTS, one.Duration, one.Data = one.PTS, length, bytes.Clone(p.AU)
		out = append(out, &one)
	}
	return out, nil
}

// picture makes a unit of NAL units.
func (e *elementary) picture(u *Unit, data []byte) ([]*Unit, error) {
	nalus, err := e.split(data)
	if err != nil {
		return nil, err
	}
	var own []nalKind
	nalus = slices.DeleteFunc(nalus, func(n []byte) bool { return e.nal.kind(n) == nalDelimiter })
	if len(nalus) == 0 {
		return nil, nil
	}
	for _, n := range nalus {
		k := e.nal.kind(n)
		own = append(own, k)
		u.Key = u.Key || k == nalKey
	}
	e.note(nalus)
	if u.Key {
		missing := func(k nalKind) bool { return !slices.Contains(own, k) }
		if len(e.sets) > 0 && slices.ContainsFunc(e.nal.needs, missing) {
			// All of them, so that they belong together.
			nalus = slices.DeleteFunc(nalus, func(n []byte) bool { return slices.Contains(e.nal.needs, e.nal.kind(n)) })
			nalus = slices.Concat(e.sets, nalus)
		}
	}
	if u.DTS == demux.NoPTS {
		u.DTS = e.decodingTime(nalus, u.PTS)
	}
	u.Data, u.NALUs = joinAnnexB(nalus)
	return []*Unit{u}, nil
}

// decodingTime is when a picture has to be decoded that is shown at pts, by the order
// of pictures that the stream tells.
func (e *elementary) decodingTime(nalus [][]byte, pts time.Duration) time.Duration {
	if pts == demux.NoPTS {
		return pts
	}
	if e.dts == nil {
		e.dts = e.nal.extractor()
	}
	// In steps of 1/90000 s, as the library has it tested.
	d, err := e.dts.Extract(nalus, int64(pts*9/100000))
	if err != nil {
		// A stream that begins without a key picture, or says nothing of its order.
		e.dts = nil
		return pts
	}
	return pts - max(0, pts-time.Duration(d)*100000/9)
}

// note remembers the parameter sets among NAL units, and with them Config.
func (e *elementary) note(nalus [][]byte) {
	var sets [][]byte
	for _, k := range e.nal.needs {
		var own [][]byte
		for _, n := range nalus {
			if e.nal.kind(n) == k && len(own) < maxSets {
				own = append(own, n)
			}
		}
		if own == nil { // the earlier ones hold
			for _, n := range e.sets {
				if e.nal.kind(n) == k {
					own = append(own, n)
				}
			}
		}
		if own == nil {
			return
		}
		sets = append(sets, own...)
	}
	if slices.EqualFunc(sets, e.sets, bytes.Equal) {
		return
	}
	e.stream.Config, e.sets = joinAnnexB(sets)
	if e.stream.Width == 0 || e.stream.Height == 0 {
		e.stream.Width, e.stream.Height = e.nal.size(e.sets)
	}
}

func sizeH264(sets [][]byte) (width, height int) {
	for _, n := range sets {
		var s h264.SPS
		if h264.NALUType(n[0]&0x1F) == h264.NALUTypeSPS && s.Unmarshal(n) == nil {
			return plausible(s.Width(), s.Height())
		}
	}
	return 0, 0
}

func sizeH265(sets [][]byte) (width, height int) {
	for _, n := range sets {
		var s h265.SPS
		if h265.NALUType(n[0]>>1&0x3F) == h265.NALUType_SPS_NUT && s.Unmarshal(n) == nil {
			return plausible(s.Width(), s.Height())
		}
	}
	return 0, 0
}

func plausible(width, height int) (int, int) {
	if width <= 0 || height <= 0 || width > demux.MaxDimension || height > demux.MaxDimension {
		return 0, 0
	}
	return width, height
}

// split takes an access unit apart. The parts alias data.
func (e *elementary) split(data []byte) ([][]byte, error) {
	if e.prefix == 0 {
		return SplitAnnexB(data)
	}
	var nalus [][]byte
	for len(data) > 0 {
		if len(data) < e.prefix {
			return nil, errDamaged
		}
		n := 0
		for _, b := range data[:e.prefix] {
			n = n<<8 | int(b)
		}
		data = data[e.prefix:]
		if n > len(data) {
			return nil, errDamaged
		}
		if n > 0 {
			nalus = append(nalus, data[:n])
		}
		if data = data[n:]; len(nalus) > maxNALUs {
			return nil, errTooLarge
		}
	}
	return nalus, nil
}

var startCode = []byte{0, 0, 0, 1}

// SplitAnnexB takes a byte stream apart, H.264 Annex B, into NAL units, none of them
// empty, that alias it; what is before the first start code is one too. More than 4096
// are an error.
func SplitAnnexB(data []byte) ([][]byte, error) {
	var nalus [][]byte
	for len(data) > 0 {
		piece, rest, _ := bytes.Cut(data, startCode[1:])
		// Zero bytes may precede a start code and the end; no NAL unit ends in one (7.4.1).
		if piece = bytes.TrimRight(piece, "\x00"); len(piece) > 0 {
			nalus = append(nalus, piece)
		}
		if data = rest; len(nalus) > maxNALUs {
			return nil, errTooLarge
		}
	}
	return nalus, nil
}

// joinAnnexB makes a byte stream, and gives the NAL units in it.
func joinAnnexB(nalus [][]byte) (data []byte, parts [][]byte) {
	size := 0
	for _, n := range nalus {
		size += len(startCode) + len(n)
	}
	data = make([]byte, 0, size)
	parts = make([][]byte, 0, len(nalus))
	for _, n := range nalus {
		data = append(append(data, startCode...), n...)
		parts = append(parts, data[len(data)-len(n):len(data):len(data)])
	}
	return data, parts
}

// parseConfigurationRecord reads an AVCDecoderConfigurationRecord or an
// HEVCDecoderConfigurationRecord, ISO/IEC 14496-15 sections 5.3.3.1.2 and 8.3.3.1.2:
// the parameter sets, which alias b, and how many bytes the lengths before NAL units
// have.
func parseConfigurationRecord(codec string, b []byte) (sets [][]byte, prefix int, err error) {
	short := fmt.Errorf("%s configuration record: cut short", codec)
	array := func(count int) bool { // of parameter sets with 16-bit lengths
		for range count {
			if len(b) < 2 {
				return false
			}
			n := int(b[0])<<8 | int(b[1])
			if b = b[2:]; n > len(b) {
				return false
			}
			if n > 0 && len(sets) < maxSets {
				sets = append(sets, b[:n])
			}
			b = b[n:]
		}
		return true
	}
	if codec == "h264" {
		if len(b) < 6 {
			return nil, 0, short
		}
		prefix = int(b[4]&3) + 1
		count := int(b[5] & 0x1F)
		b = b[6:]
		if !array(count) || len(b) < 1 {
			return nil, 0, short
		}
		count = int(b[0])
		if b = b[1:]; !array(count) {
			return nil, 0, short
		}
		return sets, prefix, nil
	}
	if len(b) < 23 {
		return nil, 0, short
	}
	prefix = int(b[21]&3) + 1
	arrays := int(b[22])
	b = b[23:]
	for range arrays {
		if len(b) < 3 {
			return nil, 0, short
		}
		count := int(b[1])<<8 | int(b[2])
		if b = b[3:]; !array(count) {
			return nil, 0, short
		}
	}
	return sets, prefix, nil
}
