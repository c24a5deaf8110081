package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"planar/audio"
	"planar/demux"
	"planar/render"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// NAL units as far as their headers go.
var (
	sps = []byte{0x67, 1, 2, 3}
	pps = []byte{0x68, 4, 5}
	aud = []byte{0x09, 0xF0}
)

func idr(n int) []byte   { return []byte{0x65, 0x88, byte(n), byte(n >> 8), 7} }
func slice(n int) []byte { return []byte{0x41, 0x9A, byte(n), byte(n >> 8), 7} }

// avcC is a configuration record of one set of each, with lengths of 4 bytes.
func avcC() []byte {
	b := []byte{1, 0x64, 0, 0x1F, 0xFF, 0xE1, 0, byte(len(sps))}
	b = append(append(b, sps...), 1, 0, byte(len(pps)))
	return append(b, pps...)
}

func prefixed(nalus ...[]byte) (b []byte) {
	for _, n := range nalus {
		b = append(append(b, 0, 0, 0, byte(len(n))), n...)
	}
	return b
}

func annexB(nalus ...[]byte) []byte {
	b, _ := joinAnnexB(nalus)
	return b
}

var asc = []byte{0x11, 0x90} // AAC-LC, 48 kHz, stereo

// clip is a file of H.264 at 25 fps with a key picture each second, and of AAC at
// 46.875 frames a second, as MP4 has them.
func clip(seconds int) (streams []demux.Stream, packets []demux.Packet) {
	streams = []demux.Stream{
		{Index: 3, Kind: demux.Video, Codec: "h264", Config: avcC(), Width: 640, Height: 360, FrameRate: render.Rational{Num: 25, Den: 1}},
		{Index: 5, Kind: demux.Audio, Codec: "aac", Config: asc, Sound: audio.Format{Rate: 48000, Channels: 2}},
	}
	const picture, sound = 40 * time.Millisecond, 1024 * time.Second / 48000
	for v, a := 0, 0; v < seconds*25; {
		if t := time.Duration(a) * sound; t < time.Duration(v)*picture {
			packets = append(packets, demux.Packet{Stream: 5, PTS: t, DTS: t, Duration: sound, Key: true, Data: []byte{0x21, byte(a), byte(a >> 8)}})
			a++
			continue
		}
		t := time.Duration(v) * picture
		p := demux.Packet{Stream: 3, PTS: t, DTS: t, Duration: picture, Key: v%25 == 0, Data: prefixed(aud, slice(v))}
		if p.Key {
			p.Data = prefixed(aud, idr(v))
		}
		packets = append(packets, p)
		v++
	}
	return streams, packets
}

// fakeSource hands out packets. After the last one it ends, or, with lost, is lost.
type fakeSource struct {
	info     demux.Info
	streams  []demux.Stream
	packets  []demux.Packet
	lost     error
	paced    bool // packets come at their DTS
	selected []int

	mu     sync.Mutex
	at     int
	out    int // packets that were not released
	closed int
	stop   chan struct{}
	decs   int // decoders that are open
}

func newFake(streams []demux.Stream, packets []demux.Packet) *fakeSource {
	return &fakeSource{info: demux.Info{Seekable: true}, streams: streams, packets: packets, stop: make(chan struct{})}
}

func (s *fakeSource) Info() demux.Info         { return s.info }
func (s *fakeSource) Streams() []demux.Stream  { return s.streams }
func (s *fakeSource) Select(streams ...int)    { s.selected = streams }
func (s *fakeSource) Seek(time.Duration) error { s.at = 0; return nil }

func (s *fakeSource) Read() (*demux.Packet, error) {
	select {
	case <-s.stop:
		return nil, demux.ErrInterrupted
	default:
	}
	if s.at == len(s.packets) {
		if s.lost != nil {
			return nil, s.lost
		}
		return nil, io.EOF
	}
	p := s.packets[s.at]
	if s.paced && s.at > 0 {
		t := time.NewTimer(max(0, p.DTS-s.packets[s.at-1].DTS))
		defer t.Stop()
		select {
		case <-t.C:
		case <-s.stop:
			return nil, demux.ErrInterrupted
		}
	}
	s.at++
	s.mu.Lock()
	s.out++
	s.mu.Unlock()
	p.Data = bytes.Clone(p.Data)
	p.Size = len(p.Data)
	data := p.Data
	p.OnFree = func() {
		s.mu.Lock()
		s.out--
		s.mu.Unlock()
		clear(data) // nobody may use it any more
	}
	return &p, nil
}

func (s *fakeSource) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
}

func (s *fakeSource) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
	return nil
}

// tidy checks that everything was given back.
func (s *fakeSource) tidy(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out != 0 || s.closed != 1 || s.decs != 0 {
		t.Errorf("%d packets not released, closed %d times, %d decoders open", s.out, s.closed, s.decs)
	}
}

func (s *fakeSource) decoder(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decs += n
}

func (s *fakeSource) VideoDecoder(int) (demux.VideoDecoder, error) {
	s.decoder(1)
	return &fakeVideoDecoder{src: s}, nil
}

func (s *fakeSource) AudioDecoder(int) (demux.AudioDecoder, error) {
	s.decoder(1)
	return &fakeAudioDecoder{src: s}, nil
}

// fakeVideoDecoder holds one picture back, as decoders with B pictures do.
type fakeVideoDecoder struct {
	src     *fakeSource
	held    []demux.Frame
	drained bool
}

func (d *fakeVideoDecoder) Send(p *demux.Packet) error {
	if d.drained = p == nil; p != nil {
		d.held = append(d.held, demux.Frame{PTS: p.PTS, Picture: render.Picture{Format: "yuv420p", Width: 640, Height: 360}})
	}
	return nil
}

func (d *fakeVideoDecoder) Receive() (*demux.Frame, error) {
	if len(d.held) == 0 && d.drained {
		return nil, io.EOF
	}
	if len(d.held) == 0 || len(d.held) == 1 && !d.drained {
		return nil, demux.ErrAgain
	}
	f := d.held[0]
	d.held = d.held[1:]
	return &f, nil
}

func (d *fakeVideoDecoder) Flush() { d.held, d.drained = nil, false }
func (d *fakeVideoDecoder) Close() { d.src.decoder(-1) }

type fakeAudioDecoder struct {
	src  *fakeSource
	held []audio.Block
}

func (d *fakeAudioDecoder) Send(p *demux.Packet) error {
	if p != nil {
		d.held = append(d.held, audio.Block{Format: audio.Format{Rate: 48000, Channels: 2, Sample: "s16"}, Frames: 1024, PTS: p.PTS})
	}
	return nil
}

func (d *fakeAudioDecoder) Receive() (*audio.Block, error) {
	if len(d.held) == 0 {
		return nil, demux.ErrAgain
	}
	b := d.held[0]
	d.held = d.held[1:]
	return &b, nil
}

func (d *fakeAudioDecoder) Flush() { d.held = nil }
func (d *fakeAudioDecoder) Close() { d.src.decoder(-1) }

// fakeEncoders take some time for a picture and note how they were made.
type fakeEncoders struct {
	takes time.Duration
	mu    sync.Mutex
	video []demux.VideoEncoding
	open  int
}

func (f *fakeEncoders) encoders() Encoders {
	return Encoders{
		Video: func(_ *render.Picture, e demux.VideoEncoding) (VideoEncoder, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.video = append(f.video, e)
			f.open++
			return &fakeVideoEncoder{f: f, e: e}, nil
		},
		Audio: func(in audio.Format, e demux.AudioEncoding) (AudioEncoder, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.open++
			return &fakeAudioEncoder{f: f, in: in, e: e}, nil
		},
	}
}

func (f *fakeEncoders) closed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open--
}

type fakeVideoEncoder struct {
	f *fakeEncoders
	e demux.VideoEncoding
	n int
}

func (v *fakeVideoEncoder) Stream() demux.Stream {
	return demux.Stream{Kind: demux.Video, Codec: v.e.Codec, Config: annexB(sps, pps), Width: 640, Height: 360}
}

func (v *fakeVideoEncoder) Encode(f *demux.Frame, key bool) ([]demux.Packet, error) {
	if f == nil {
		return nil, nil
	}
	time.Sleep(v.f.takes)
	n := v.n
	v.n++
	if key || n%v.e.GOP == 0 {
		return []demux.Packet{{PTS: f.PTS, DTS: f.PTS, Key: true, Data: annexB(sps, pps, idr(n))}}, nil
	}
	return []demux.Packet{{PTS: f.PTS, DTS: f.PTS, Data: annexB(slice(n))}}, nil
}

func (v *fakeVideoEncoder) Close() { v.f.closed() }

type fakeAudioEncoder struct {
	f  *fakeEncoders
	in audio.Format
	e  demux.AudioEncoding
}

func (a *fakeAudioEncoder) Stream() demux.Stream {
	return demux.Stream{Kind: demux.Audio, Codec: a.e.Codec, Config: asc, Sound: a.in}
}

func (a *fakeAudioEncoder) Encode(b *audio.Block) ([]demux.Packet, error) {
	if b == nil {
		return nil, nil
	}
	return []demux.Packet{{PTS: b.PTS, DTS: b.PTS, Data: []byte{0x21, 1}}}, nil
}

func (a *fakeAudioEncoder) Close() { a.f.closed() }

// fakeTarget notes what it is sent, and can be slow, refuse, and lose connections.
type fakeTarget struct {
	name   string
	takes  []string                    // codecs; nil: all
	refuse func(attempt int) error     // of Connect, attempts counted from 1
	fail   func(conn, unit int) error  // of Write, counted from 1 and 0
	wait   func(conn, unit int) bool   // Write blocks until it is closed
	hold   func(unit int) <-chan bool  // Write blocks until this is closed
	slow   func(unit int) (d duration) // Write takes so long

	mu       sync.Mutex
	attempts int
	conns    int
	streams  []demux.Stream
	got      []arrival
	finished int
	open     int
}

type duration = time.Duration

type arrival struct {
	*Unit
	at   time.Time
	conn int
}

var errRefused = errors.New("connection refused")

func (t *fakeTarget) Takes(codec string) bool {
	return t.takes == nil || slices.Contains(t.takes, codec)
}
func (t *fakeTarget) String() string { return t.name }

func (t *fakeTarget) Connect(_ context.Context, streams []demux.Stream) (Connection, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attempts++
	if t.refuse != nil {
		if err := t.refuse(t.attempts); err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
	}
	t.streams = streams
	t.conns++
	t.open++
	return &fakeConnection{t: t, n: t.conns, closed: make(chan struct{})}, nil
}

type fakeConnection struct {
	t      *fakeTarget
	n      int
	units  int
	once   sync.Once
	closed chan struct{}
	sent   int64
}

func (c *fakeConnection) Write(u *Unit) error {
	n := c.units
	c.units++
	t := c.t
	if t.wait != nil && t.wait(c.n, n) {
		<-c.closed
		return errors.New("closed")
	}
	if t.hold != nil {
		if ch := t.hold(n); ch != nil {
			<-ch
		}
	}
	if t.slow != nil {
		time.Sleep(t.slow(n))
	}
	if t.fail != nil {
		if err := t.fail(c.n, n); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.got = append(t.got, arrival{u, time.Now(), c.n})
	c.sent += int64(len(u.Data))
	return nil
}

func (c *fakeConnection) Finish() error {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	c.t.finished++
	return nil
}

func (c *fakeConnection) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.t.mu.Lock()
		defer c.t.mu.Unlock()
		c.t.open--
	})
	return nil
}

func (c *fakeConnection) RTT() time.Duration { return time.Millisecond }

func (c *fakeConnection) Sent() int64 {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	return c.sent
}

// lines collects what is logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func to(targets ...*fakeTarget) (list []Destination) {
	for _, t := range targets {
		if t.name == "" {
			t.name = "fake://target"
		}
		list = append(list, Destination{Target: t})
	}
	return list
}
