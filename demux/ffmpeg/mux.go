package ffmpeg

// #include "mux.h"
// #include <stdlib.h>
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/asticode/go-astiav"

	"planar/demux"
	"planar/render"
)

// MuxerOptions say how a container is written.
type MuxerOptions struct {
	// Live has every packet written at once, in a form that can be read while it is
	// being written and needs no more memory the longer it gets: nothing is gone back
	// to, MP4 is fragmented.
	Live bool
}

// Muxer writes streams into a container. It is used from one goroutine.
//
// It holds at most the packets of one MP4 fragment or Matroska cluster (Live: half a
// second of them, else 5 s; 8 MiB in both cases), and for the index of a file that is
// not fragmented some 100 bytes for each packet.
type Muxer struct {
	format string
	w      io.Writer
	seeker io.WriteSeeker // w, if it is gone back in
	base   int64          // where in w the container begins
	at     int64          // where in the container w is
	m      *C.PlMux
	out    *C.PlOutput // of its own: C may not point into what points to Go memory
	codecs []muxTrack
	err    error // what made the muxer useless

	shift   time.Duration // added to all timestamps
	shifted bool
	low     bool          // timestamps must not be below floor
	floor   time.Duration // with shift
}

// muxTrack is one stream of a muxer.
type muxTrack struct {
	num, den int   // its time base
	last     int64 // DTS of the latest packet, in its time base
	begun    bool
	video    bool
}

// formatTSNegative is FFmpeg's flag of containers with negative timestamps.
const formatTSNegative = 0x40000

// transportStart is the first timestamp of an MPEG transport stream: before it there
// is room for what begins a little earlier, such as the delay of an audio encoder.
const transportStart = time.Second

// maxMuxStreams is how many streams a container gets: more than anybody has tracks.
const maxMuxStreams = 64

// maxMuxPacket is the largest packet that is written: a raw picture of 8K in 16 bits
// 4:4:4 has 200 MB.
const maxMuxPacket = 1 << 28

// NewMuxer begins a container of FFmpeg's name ("mpegts", "flv", "mp4", "matroska",
// "adts" ...) and writes its header to w. Streams are given with their Config; Opus
// without one is taken for mono or stereo. If w is an io.Seeker too and o.Live is not
// set, MP4 and its like are written as ordinary files with the index at the end, and
// sizes are put in afterwards; otherwise MP4 is fragmented. Errors of w come back as
// they are; what is written to it is not valid afterwards. The caller closes the muxer, and w after it.
func NewMuxer(format string, streams []demux.Stream, w io.Writer, o MuxerOptions) (*Muxer, error) {
	if len(streams) == 0 || len(streams) > maxMuxStreams {
		return nil, fmt.Errorf("a %s container with %d streams", format, len(streams))
	}
	name := C.CString(format)
	defer C.free(unsafe.Pointer(name))
	var r C.int
	m := &Muxer{format: format, w: w, out: new(C.PlOutput)}
	if m.m = C.pl_mux_new(name, &r); m.m == nil {
		return nil, fmt.Errorf("FFmpeg here cannot write %q: %w", format, fail(r))
	}
	if err := m.begin(streams, o); err != nil {
		C.pl_mux_free(m.m)
		return nil, err
	}
	return m, nil
}

func (m *Muxer) begin(streams []demux.Stream, o MuxerOptions) error {
	for _, s := range streams {
		if !Takes(m.format, s.Codec) {
			return fmt.Errorf("%s cannot carry %s", m.format, s.Codec)
		}
		if err := m.add(s); err != nil {
			return fmt.Errorf("%s with %s: %w", m.format, s.Codec, err)
		}
	}
	seekable := C.int(0)
	if ws, ok := m.w.(io.WriteSeeker); ok && !o.Live {
		if pos, err := ws.Seek(0, io.SeekCurrent); err == nil { // a pipe is an *os.File too
			m.seeker, m.base, seekable = ws, pos, 1
		}
	}
	options := C.CString(muxOptions(m.format, m.seeker != nil, o.Live))
	defer C.free(unsafe.Pointer(options))
	log, err := captureLog(func() error {
		return fail(C.pl_mux_begin(m.m, seekable, flag(o.Live), options, m.out))
	})
	if err != nil {
		return fmt.Errorf("%s: %w%s", m.format, unwrapErrno(err), lastLine(log))
	}
	for i, s := range streams {
		var num, den C.int
		C.pl_mux_time_base(m.m, C.int(i), &num, &den)
		m.codecs = append(m.codecs, muxTrack{num: int(num), den: int(den), video: s.Kind == demux.Video})
	}
	m.low = C.pl_mux_flags(m.m)&formatTSNegative == 0 || isMP4(m.format) && m.seeker == nil
	return m.pass()
}

func isMP4(format string) bool {
	return slices.Contains([]string{"mp4", "mov", "ipod", "3gp", "3g2", "psp", "f4v", "ismv"}, format)
}

// fragmentLimit is how much of an MP4 fragment or Matroska cluster is held at most, in bytes.
const fragmentLimit = 8 << 20

// muxOptions are FFmpeg's options of a container, "name=value:name=value".
func muxOptions(format string, seekable, live bool) string {
	switch {
	case format == "mpegts" && live:
		// Sound is not gathered. Tables come every 0.1 s, and at key pictures besides.
		return "pes_payload_size=0:pat_period=0.1"
	case format == "flv" && !seekable:
		return "flvflags=no_duration_filesize"
	case format == "matroska" || format == "webm":
		o := fmt.Sprintf("cluster_size_limit=%d", fragmentLimit)
		if live {
			o += ":live=1:cluster_time_limit=500"
		}
		return o
	case isMP4(format) && !seekable:
		// frag_discont keeps the beginnings of the tracks apart, which FFmpeg would put
		// together.
		o := fmt.Sprintf("movflags=frag_keyframe+empty_moov+default_base_moof+skip_trailer+frag_discont:use_editlist=0:frag_size=%d", fragmentLimit)
		if live {
			return o + ":frag_duration=500000"
		}
		return o + ":frag_duration=5000000"
	}
	return ""
}

// add adds a stream before the header is written.
func (m *Muxer) add(s demux.Stream) error {
	id, ok := codecByName(s.Codec)
	if !ok {
		return fmt.Errorf("unknown codec %q", s.Codec)
	}
	p := C.PlMuxStream{codec_id: C.int(id), _type: C.int(astiav.MediaTypeVideo), format: -1, sample_format: -1, space: 2}
	config := s.Config
	switch s.Kind {
	case demux.Video:
		if s.Width < 1 || s.Height < 1 || s.Width > MaxSide || s.Height > MaxSide {
			return fmt.Errorf("pictures of %dx%d", s.Width, s.Height)
		}
		p.width, p.height, p.rotation = C.int(s.Width), C.int(s.Height), C.int(s.Rotation)
		if f, ok := pixelFormat(s.PixelFormat); ok {
			p.format = C.int(f)
		}
		p.rate_num, p.rate_den = ratio(s.FrameRate)
		p.sar_num, p.sar_den = ratio(s.SAR)
		p._range, p.location = C.int(s.Colour.Range), C.int(s.Colour.Siting)
		if s.Colour.Matrix != render.MatrixUnknown {
			p.space = C.int(spaceOf(s.Colour.Matrix))
		}
		if isMP4(m.format) && s.Codec == "hevc" {
			p.tag = C.int(binary.LittleEndian.Uint32([]byte("hvc1"))) // which Apple's players ask for
		}
	case demux.Audio:
		spec, err := specOf(s.Sound)
		if s.Sound.Sample == "" || err != nil {
			f := s.Sound
			f.Sample = "flt" // of no account to a container
			if spec, err = specOf(f); err != nil {
				return err
			}
		}
		p._type = C.int(astiav.MediaTypeAudio)
		p.sample_format, p.sample_rate = C.int(spec.sample), C.int(spec.rate)
		p.channels, p.mask = C.int(spec.channels), C.uint64_t(spec.mask)
		if s.Codec == "opus" && len(config) == 0 {
			config = opusHead(s.Sound.Channels)
		}
	}
	if len(config) > maxConfig {
		return fmt.Errorf("%d bytes of configuration", len(config))
	}
	language, title := C.CString(s.Language), C.CString(s.Title)
	defer C.free(unsafe.Pointer(language))
	defer C.free(unsafe.Pointer(title))
	return fail(C.pl_mux_stream(m.m, &p, unsafe.Pointer(unsafe.SliceData(config)), C.int(len(config)), language, title))
}

// ratio is a fraction for C, 0 over 1 if it is unknown or does not fit.
func ratio(r render.Rational) (num, den C.int) {
	if !r.Known() || r.Num > math.MaxInt32 || r.Den > math.MaxInt32 {
		return 0, 1
	}
	return C.int(r.Num), C.int(r.Den)
}

// opusHead is the identification header of Opus (RFC 7845 section 5.1) for up to two
// channels: version 1, nothing to skip, 48 kHz, no gain, mapping family 0.
func opusHead(channels int) []byte {
	h := append([]byte("OpusHead"), 1, byte(min(max(channels, 1), 2)), 0, 0)
	h = binary.LittleEndian.AppendUint32(h, codecRate)
	return append(h, 0, 0, 0)
}

// Write writes a packet of the stream with this number, whose Data has the form of
// publish.Unit.Data. Nothing is kept of it. A DTS that does not rise is moved behind
// the one before it. Where a container knows no negative timestamps, its first packet
// is moved to 0 and the others with it; packets that lie before it even so begin with
// it.
func (m *Muxer) Write(stream int, p *demux.Packet) error {
	if m.err != nil {
		return m.err
	}
	if stream < 0 || stream >= len(m.codecs) {
		return fmt.Errorf("%s: there is no stream %d", m.format, stream)
	}
	pts, dts := p.PTS, p.DTS
	if dts == demux.NoPTS {
		dts = pts
	}
	if pts == demux.NoPTS {
		pts = dts
	}
	if dts == demux.NoPTS {
		return fmt.Errorf("%s: a packet without a timestamp cannot be written", m.format)
	}
	data := p.Bytes()
	if len(data) == 0 {
		return nil
	}
	if len(data) > maxMuxPacket {
		return fmt.Errorf("%s: a packet of %d bytes is too large", m.format, len(data))
	}
	pts, dts = m.place(pts, dts)
	t := &m.codecs[stream]
	ticks := durationToTicks(dts, t.num, t.den)
	if t.begun && ticks <= t.last {
		ticks = t.last + 1
	}
	t.begun, t.last = true, ticks
	r := C.pl_mux_write(m.m, C.int(stream), unsafe.Pointer(unsafe.SliceData(data)), C.int(len(data)),
		C.int64_t(max(ticks, durationToTicks(pts, t.num, t.den))), C.int64_t(ticks),
		C.int64_t(durationToTicks(max(0, p.Duration), t.num, t.den)), flag(p.Key), flag(p.Key && t.video), m.out)
	return m.done(r)
}

// place moves timestamps to where the container can have them.
func (m *Muxer) place(pts, dts time.Duration) (time.Duration, time.Duration) {
	if !m.low {
		return pts, dts
	}
	if !m.shifted {
		m.shifted = true
		switch {
		case m.format == "mpegts":
			m.shift = transportStart
		case dts < 0:
			m.shift = -dts
		}
		if m.format == "flv" {
			m.floor = dts + m.shift // FFmpeg counts from the first packet, and takes none before it
		}
	}
	dts = max(dts+m.shift, m.floor)
	return max(pts+m.shift, dts), dts
}

// done passes on what a call has written, and notes what ends the muxer.
func (m *Muxer) done(r C.int) error {
	if err := m.pass(); err != nil {
		return err
	}
	if err := fail(r); err != nil {
		return fmt.Errorf("%s: writing failed: %w", m.format, unwrapErrno(err))
	}
	return nil
}

// pass writes what is in m.out to w.
func (m *Muxer) pass() error {
	segments := unsafe.Slice(m.out.segments, int(m.out.count))
	data := (*byte)(unsafe.Pointer(m.out.data))
	for _, s := range segments {
		if pos := int64(s.position); pos != m.at {
			// Without a seeker FFmpeg does not go back.
			if m.seeker == nil {
				m.err = fmt.Errorf("%s cannot be written without going back", m.format)
				return m.err
			}
			if _, err := m.seeker.Seek(m.base+pos, io.SeekStart); err != nil {
				m.err = err
				return err
			}
			m.at = pos
		}
		b := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(data), uintptr(s.at))), int(s.size))
		n, err := m.w.Write(b)
		if m.at += int64(n); err == nil && n < len(b) {
			err = io.ErrShortWrite
		}
		if err != nil {
			m.err = err
			return err
		}
	}
	*m.out = C.PlOutput{}
	return nil
}

// Flush writes to w what is held back, ending a fragment or cluster.
func (m *Muxer) Flush() error {
	if m.err != nil {
		return m.err
	}
	return m.done(C.pl_mux_flush(m.m, m.out))
}

// Close writes the trailer, unless writing has failed before, and frees the muxer. It
// may be called more than once, and says each time what went wrong.
func (m *Muxer) Close() error {
	if m.m == nil {
		if errors.Is(m.err, errMuxerClosed) {
			return nil
		}
		return m.err
	}
	if m.err == nil {
		if err := m.done(C.pl_mux_end(m.m, m.out)); err != nil && m.err == nil {
			m.err = err
		}
	}
	C.pl_mux_free(m.m)
	m.m = nil
	if m.err != nil {
		return m.err
	}
	m.err = errMuxerClosed
	return nil
}

var errMuxerClosed = errors.New("the container has been closed")

// MuxerFor is FFmpeg's name of the container that a file's name asks for.
func MuxerFor(name string) (string, error) {
	n := C.CString(strings.ToLower(filepath.Base(name)))
	defer C.free(unsafe.Pointer(n))
	if f := C.pl_mux_guess(n); f != nil {
		return C.GoString(f), nil
	}
	ext := filepath.Ext(name)
	if ext == "" {
		return "", fmt.Errorf("%s: the name does not say which container to write; let it end in .mp4, .mkv, .ts, .flv or the like", demux.Redact(demux.OneLine(name)))
	}
	return "", fmt.Errorf("%s: FFmpeg here cannot write %s files; let the name end in .mp4, .mkv, .ts, .flv or the like", demux.Redact(demux.OneLine(name)), demux.OneLine(ext))
}

// transportCodecs is what an MPEG transport stream carries. FFmpeg's muxer does not
// tell.
var transportCodecs = []string{"h264", "hevc", "mpeg2video", "mpeg1video", "mpeg4", "aac", "mp2", "mp3", "ac3", "eac3", "opus", "dts", "truehd"}

// Takes reports whether a container (FFmpeg's name) can carry a codec (FFmpeg's name).
func Takes(format, codec string) bool {
	if format == "mpegts" {
		return slices.Contains(transportCodecs, codec)
	}
	if codec == "rawvideo" {
		return format == "nut" // others need a name for the pixel format, and have few
	}
	id, ok := codecByName(codec)
	if !ok {
		return false
	}
	n := C.CString(format)
	defer C.free(unsafe.Pointer(n))
	return C.pl_mux_takes(n, C.int(id)) == 1
}
