package ffmpeg

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asticode/go-astiav"

	"planar/audio"
	"planar/demux"
	"planar/render"
)

// Source is an input opened by FFmpeg. It implements demux.Source; Streams,
// VideoDecoder, AudioDecoder and Interrupt may be called from any goroutine,
// the rest from one.
type Source struct {
	t    target
	opts Options
	fc   *astiav.FormatContext
	intr *interrupter
	pipe *os.File // what "pipe:N" reads, nil otherwise

	info  demux.Info
	live  bool
	base  atomic.Int64 // nanoseconds on FFmpeg's timeline that are 0 on ours
	based bool

	silence demux.Silence
	queue   []*demux.Packet // read ahead of the caller
	packets packetPool
	pending error // to be returned once the queue is empty
	closed  bool

	mu       sync.Mutex // guards what follows
	tracks   []*track   // by FFmpeg's stream index; nil: not played
	selected map[int]bool
}

// track is one stream that can be played.
type track struct {
	demux.Stream
	par      *astiav.CodecParameters
	tb       astiav.Rational
	seen     bool // a packet of it has been read
	num, den int  // of tb
}

var _ demux.Source = (*Source)(nil)

// Info describes the source as a whole.
func (s *Source) Info() demux.Info { return s.info }

// Streams lists the video and audio streams known so far. Of live sources it
// may grow while reading. The caller owns the list.
func (s *Source) Streams() []demux.Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []demux.Stream
	for _, t := range s.tracks {
		if t != nil {
			list = append(list, t.Stream)
		}
	}
	return list
}

// Select makes Read return packets of these streams only. FFmpeg then skips
// the others without copying them where the format allows it.
func (s *Source) Select(streams ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.selected = map[int]bool{}
	for _, i := range streams {
		s.selected[i] = true
	}
	for i, t := range s.tracks {
		discardStream(s.fc, i, t == nil || !s.selected[i])
	}
}

func (s *Source) wanted(i int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return i < len(s.tracks) && s.tracks[i] != nil && (s.selected == nil || s.selected[i])
}

// Read returns the next packet of a wanted stream; its bytes stay in C memory
// (Packet.Native) until Release. After Interrupt it returns
// demux.ErrInterrupted, at the end io.EOF. A live source that falls silent
// gives an error that says for how long.
func (s *Source) Read() (*demux.Packet, error) {
	for len(s.queue) > 0 {
		p := s.queue[0]
		s.queue[0] = nil
		s.queue = s.queue[1:]
		if s.intr.isStopped() {
			p.Release()
			return nil, demux.ErrInterrupted
		}
		if s.wanted(p.Stream) {
			return p, nil
		}
		p.Release()
	}
	if err := s.pending; err != nil {
		s.pending = nil
		return nil, err
	}
	return s.read(s.silence.Limit())
}

// read gets a packet of a wanted stream from FFmpeg. A live source must deliver
// something within limit.
func (s *Source) read(limit time.Duration) (*demux.Packet, error) {
	if s.intr.isStopped() {
		return nil, demux.ErrInterrupted
	}
	if !s.live {
		limit = 0
	}
	ap := s.packets.get()
	s.intr.deadline(limit)
	for {
		err := s.fc.ReadFrame(ap)
		switch {
		case err == nil:
		case errors.Is(err, astiav.ErrEagain) && !s.intr.isStopped() && !s.intr.expired():
			time.Sleep(time.Millisecond) // formats that do not block
			continue
		default:
			s.packets.put(ap)
			return nil, s.readError(err, limit)
		}
		if s.live && s.intr.expired() {
			// What a parser still held, not what came.
			s.pending = s.readError(nil, limit)
		} else if s.live {
			s.silence.Arrived(time.Now())
			s.intr.deadline(s.silence.Limit())
		}
		if s.intr.isStopped() {
			s.packets.put(ap)
			return nil, demux.ErrInterrupted
		}
		p := s.wrap(ap)
		if p == nil {
			ap.Unref()
			continue
		}
		return p, nil
	}
}

func (s *Source) readError(err error, limit time.Duration) error {
	switch {
	case s.intr.isStopped():
		return demux.ErrInterrupted
	case s.intr.expired():
		return fmt.Errorf("%s: no data for %s", s.t.show, seconds(limit))
	case s.opts.device != nil:
		return s.opts.device.readError(s.t, err)
	case errors.Is(err, astiav.ErrEof):
		if e := ioError(s.fc); e != nil && !errors.Is(e, astiav.ErrEof) {
			return fmt.Errorf("%s: reading failed: %w", s.t.show, unwrapErrno(e))
		}
		return io.EOF
	case errors.Is(err, astiav.ErrInvaliddata):
		return fmt.Errorf("%s: damaged data: %w", s.t.show, err)
	}
	return fmt.Errorf("%s: reading failed: %w", s.t.show, unwrapErrno(err))
}

// wrap makes a packet of ours, or returns nil if nobody wants it.
func (s *Source) wrap(ap *astiav.Packet) *demux.Packet {
	i := packetInfoOf(ap)
	n := int(i.stream)
	t := s.track(n)
	if t == nil || !s.wanted(n) {
		return nil
	}
	p := &demux.Packet{
		Stream:   n,
		PTS:      ticksToDuration(int64(i.pts), t.num, t.den),
		DTS:      ticksToDuration(int64(i.dts), t.num, t.den),
		Duration: max(0, ticksToDuration(int64(i.duration), t.num, t.den)),
		Key:      i.key != 0,
		Size:     int(i.size),
		Native:   ap,
	}
	p.OnFree = func() { s.packets.put(ap) }
	if s.opts.device != nil {
		if at, ok := wallClock(p.Time()); ok {
			p.Captured = at
			if !s.based {
				s.based = true
				s.base.Store(int64(devices.base()))
			}
		}
	}
	if !s.based && s.live && p.Time() != demux.NoPTS {
		s.based = true
		s.base.Store(int64(p.Time()))
	}
	base := time.Duration(s.base.Load())
	p.PTS, p.DTS = since(p.PTS, base), since(p.DTS, base)
	return p
}

// track finds stream n, looking at it anew when its first packet comes.
func (s *Source) track(n int) *track {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < len(s.tracks) {
		if t := s.tracks[n]; t == nil || t.seen {
			return t
		}
	}
	s.refresh()
	if n >= len(s.tracks) || s.tracks[n] == nil {
		return nil
	}
	s.tracks[n].seen = true
	return s.tracks[n]
}

// refresh looks at all streams that have not delivered a packet yet. s.mu is
// held, or nobody else knows s.
func (s *Source) refresh() {
	streams := s.fc.Streams()
	for i, st := range streams {
		if i < len(s.tracks) && s.tracks[i] != nil && s.tracks[i].seen {
			continue
		}
		t := s.describe(i, st)
		if i < len(s.tracks) {
			if old := s.tracks[i]; old != nil {
				old.par.Free()
			}
			s.tracks[i] = t
		} else {
			s.tracks = append(s.tracks, t)
		}
		if t == nil || s.selected != nil && !s.selected[i] {
			discardStream(s.fc, i, true)
		}
	}
}

// goodbye is how long telling a peer that we leave may take.
const goodbye = 300 * time.Millisecond

// dispositions of a stream that matter here.
const (
	dispositionDefault     = 0x0001
	dispositionAttachedPic = 0x0400
	dispositionStillImage  = 0x100000
)

// maxConfig is how large Stream.Config gets at most: parameter sets have some hundred
// bytes, fonts and Vorbis' tables may have more.
const maxConfig = 1 << 20

// describe says what stream i is, nil if it is neither video nor audio.
func (s *Source) describe(i int, st *astiav.Stream) *track {
	o, err := streamInfoOf(s.fc, i)
	if err != nil {
		return nil
	}
	t := &track{tb: st.TimeBase(), num: int(o.tb_num), den: int(o.tb_den)}
	t.Index = i
	t.Codec = astiav.CodecID(o.codec_id).Name()
	t.Default = o.disposition&dispositionDefault != 0
	if t.Language = demux.Tag(streamTag(s.fc, i, "language")); t.Language == "und" {
		t.Language = "" // undetermined
	}
	t.Title = demux.Tag(streamTag(s.fc, i, "title"))
	if d := ticksToDuration(int64(o.duration), t.num, t.den); d > 0 {
		t.Duration = d
	}
	switch astiav.MediaType(o._type) {
	case astiav.MediaTypeVideo:
		t.Kind = demux.Video
		t.Width, t.Height = int(o.width), int(o.height)
		t.Still = o.disposition&(dispositionAttachedPic|dispositionStillImage) != 0
		f := astiav.PixelFormat(o.pixel_format)
		if f >= 0 {
			t.PixelFormat = f.Name()
		}
		t.Colour = colourOf(int(o.space), int(o._range), int(o.location), f)
		t.FrameRate = frameRate(int(o.avg_num), int(o.avg_den), int(o.r_num), int(o.r_den))
		t.SAR = rational(int(o.sar_num), int(o.sar_den))
		if !t.SAR.Known() {
			t.SAR = rational(int(o.codec_sar_num), int(o.codec_sar_den))
		}
		t.Rotation = max(0, int(o.rotation))
	case astiav.MediaTypeAudio:
		t.Kind = demux.Audio
		t.Sound = audio.Format{Rate: int(o.rate), Channels: int(o.channels), Layout: uint64(o.mask)}
		if o.sample_format >= 0 {
			t.Sound.Sample = audio.SampleFormat(astiav.SampleFormat(o.sample_format).Name())
		}
	default:
		return nil
	}
	if o.extradata > 0 && o.extradata <= maxConfig {
		t.Config = st.CodecParameters().ExtraData()
	}
	t.par = astiav.AllocCodecParameters()
	if err := st.CodecParameters().Copy(t.par); err != nil {
		t.par.Free()
		return nil
	}
	return t
}

// usable reports whether enough is known of a probed stream to decode it.
func (t *track) usable() bool {
	if t.par.CodecID() == astiav.CodecIDNone {
		return false
	}
	if t.Kind == demux.Video {
		return t.Width > 0 && t.Height > 0
	}
	return t.Sound.Rate > 0 && t.Sound.Channels > 0
}

// frameRate is the first plausible one of a stream's average and base rates.
func frameRate(avgNum, avgDen, rNum, rDen int) render.Rational {
	for _, r := range []render.Rational{{Num: avgNum, Den: avgDen}, {Num: rNum, Den: rDen}} {
		if f := r.Float(); f >= 0.01 && f <= 1000 {
			return reduce(r)
		}
	}
	return render.Rational{}
}

func rational(num, den int) render.Rational {
	if num <= 0 || den <= 0 {
		return render.Rational{}
	}
	return reduce(render.Rational{Num: num, Den: den})
}

func reduce(r render.Rational) render.Rational {
	a, b := r.Num, r.Den
	for b != 0 {
		a, b = b, a%b
	}
	return render.Rational{Num: r.Num / a, Den: r.Den / a}
}

// Interrupt makes a blocked and every further Read, and a Seek, return
// demux.ErrInterrupted within a tenth of a second. It may be called at any time.
func (s *Source) Interrupt() { s.intr.stop() }

// Close gives everything back. Decoders must be closed first, packets may be
// released later.
func (s *Source) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	s.dropQueue()
	devices.leave(s)
	if s.fc != nil {
		s.disconnect()
	}
	s.intr.free()
	if s.pipe != nil {
		_ = s.pipe.Close()
	}
	s.packets.close()
	return nil
}

// disconnect takes leave of the peer, even after an Interrupt but not for long,
// and forgets what was learnt from it.
func (s *Source) disconnect() {
	s.intr.resume()
	s.intr.deadline(goodbye)
	s.fc.CloseInput()
	s.fc = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tracks {
		if t != nil {
			t.par.Free()
		}
	}
	s.tracks = nil
}

func (s *Source) dropQueue() {
	for _, p := range s.queue {
		p.Release()
	}
	s.queue, s.pending = nil, nil
}

// packetPool keeps freed packets for reuse. FFmpeg's objects have no
// finalizers, so sync.Pool would leak them.
type packetPool struct {
	mu     sync.Mutex
	free   []*astiav.Packet
	closed bool
}

func (p *packetPool) get() *astiav.Packet {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		ap := p.free[n-1]
		p.free = p.free[:n-1]
		return ap
	}
	return astiav.AllocPacket()
}

func (p *packetPool) put(ap *astiav.Packet) {
	ap.Unref()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		ap.Free()
		return
	}
	p.free = append(p.free, ap)
}

func (p *packetPool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, ap := range p.free {
		ap.Free()
	}
	p.free = nil
}
