package player

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"planar/audio"
	nullaudio "planar/audio/null"
	"planar/demux"
	"planar/player/clock"
	"planar/render"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seen is one presentation on a fake screen.
type seen struct {
	number int64
	pts    time.Duration
	at     time.Duration // since the test began
}

// screen is a video output that remembers what it showed.
type screen struct {
	render.Headless
	begin time.Time

	mu       sync.Mutex
	prepared *render.Picture
	shown    []seen
	events   []render.Event
	title    string
	unpaced  bool
	convert  time.Duration // what Prepare takes
}

func newScreen() *screen { return &screen{Headless: render.NewHeadless(), begin: time.Now()} }

func (s *screen) Prepare(p *render.Picture) error {
	time.Sleep(s.convert)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepared = p
	return nil
}

func (s *screen) Present(number int64, pts time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prepared == nil {
		return errors.New("nothing was prepared")
	}
	if want := byte(number); len(s.prepared.Planes) > 0 && s.prepared.Planes[0].Data[0] != want {
		return fmt.Errorf("the picture of frame %d carries the number %d", number, s.prepared.Planes[0].Data[0])
	}
	s.prepared = nil
	s.shown = append(s.shown, seen{number, pts, time.Since(s.begin)})
	return nil
}

func (s *screen) Wait(ctx context.Context) []render.Event {
	s.Headless.Wait(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.events
	s.events = nil
	return e
}

func (s *screen) SetTitle(t string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.title = t
}

func (s *screen) Title() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.title
}

func (s *screen) Paced() bool { return !s.unpaced }

// press types keys.
func (s *screen) press(keys ...string) {
	s.mu.Lock()
	for _, k := range keys {
		s.events = append(s.events, render.Event{Kind: render.KeyPress, Key: k})
	}
	s.mu.Unlock()
	s.Wake()
}

func (s *screen) all() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.shown...)
}

func (s *screen) last() seen {
	all := s.all()
	if len(all) == 0 {
		return seen{number: -1}
	}
	return all[len(all)-1]
}

// heardAt remembers when the sound that a null device consumed is heard.
type heardAt struct {
	mu    sync.Mutex
	begin time.Time
	marks []struct {
		frame int64
		at    time.Duration
	}
	total int64
	data  []byte
}

func (h *heardAt) consume(f audio.Format, latency time.Duration) func([]byte) error {
	return func(pcm []byte) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.marks = append(h.marks, struct {
			frame int64
			at    time.Duration
		}{h.total, time.Since(h.begin) + latency})
		h.total += int64(len(pcm) / f.FrameBytes())
		h.data = append(h.data, pcm...)
		return nil
	}
}

// frames is how many were consumed.
func (h *heardAt) frames() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.total
}

// when is the time at which a frame of sound was heard.
func (h *heardAt) when(frame int64, rate int) (time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := sort.Search(len(h.marks), func(i int) bool { return h.marks[i].frame > frame }) - 1
	if i < 0 || frame >= h.total {
		return 0, false
	}
	m := h.marks[i]
	return m.at + time.Duration(frame-m.frame)*time.Second/time.Duration(rate), true
}

// passing is a resampler for equal formats.
type passing struct{ out audio.Format }

func (p passing) Drift(float64) error { return nil }

func (p passing) Delay() time.Duration { return 0 }
func (p passing) Late() time.Duration  { return 0 }

func (p passing) Convert(b *audio.Block) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	return b.Planes[0][:b.Frames*b.FrameBytes()], nil
}
func (passing) Close() {}

// slow is a source whose decoder takes its time.
type slow struct {
	demux.Source
	each func() time.Duration
}

func (s slow) VideoDecoder(i int) (demux.VideoDecoder, error) {
	d, err := s.Source.VideoDecoder(i)
	return slowDecoder{d, s.each}, err
}

type slowDecoder struct {
	demux.VideoDecoder
	each func() time.Duration
}

func (d slowDecoder) Send(p *demux.Packet) error {
	if p != nil {
		time.Sleep(d.each())
	}
	return d.VideoDecoder.Send(p)
}

// logged is what the player has said so far.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// stage is everything a test needs around a player.
type stage struct {
	t      testing.TB
	screen *screen
	heard  *heardAt
	cfg    Config
	dir    string
	log    logged
	sound  nullaudio.Options
	done   chan struct{}
	out    []Outcome
	err    error
	p      *Player
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	opened *nullaudio.Device
}

// device is the sound device that was opened last.
func (s *stage) device() *nullaudio.Device {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

const testRate = 48000

var testFormat = audio.Format{Sample: audio.S16, Rate: testRate, Channels: 1}

func newStage(t testing.TB) *stage {
	begin := time.Now()
	s := &stage{t: t, screen: newScreen(), heard: &heardAt{begin: begin}, dir: t.TempDir(), done: make(chan struct{})}
	s.sound.Latency = 40 * time.Millisecond
	s.cfg = Config{
		Video: s.screen, Time: clock.Timebase{Now: func() time.Duration { return time.Since(begin) + time.Hour }, NewAlarm: clock.NewTimerAlarm},
		Log: slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Volume: 1, Exit: true,
		NewResampler: func(in, out audio.Format, speed float64) (Resampler, error) {
			if in != out {
				return nil, fmt.Errorf("no conversion from %v to %v in this test", in, out)
			}
			return passing{out}, nil
		},
	}
	s.cfg.OpenAudio = func(_ string, f audio.Format) (AudioOutput, error) {
		o := s.sound
		o.Consume = s.heard.consume(f, o.Latency)
		d, err := nullaudio.Open(f, o)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.opened = d
		return d, err
	}
	return s
}

// pictures makes a raw source of n frames of 16x16 at 25 fps, each carrying its
// number in every byte.
func (s *stage) pictures(n int) demux.Source {
	return s.picturesAt(n, render.Rational{Num: 25, Den: 1})
}

// picturesAt makes one at another rate.
func (s *stage) picturesAt(n int, rate render.Rational) demux.Source {
	const w, h, size = 16, 16, 384
	path := filepath.Join(s.dir, "pictures.yuv")
	var b []byte
	for i := range n {
		b = append(b, bytes.Repeat([]byte{byte(i)}, size)...)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		s.t.Fatal(err)
	}
	src, err := demux.OpenRawVideo(path, demux.RawVideoParams{
		Width: w, Height: h, PixelFormat: "yuv420p", Rate: rate,
		Layout: []render.Layout{{RowBytes: w, Rows: h}, {RowBytes: w / 2, Rows: h / 2}, {RowBytes: w / 2, Rows: h / 2}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return src
}

// tone makes a raw source of sound in which every sample differs from its
// neighbours.
func (s *stage) tone(d time.Duration) (demux.Source, []byte) { return s.toneAs(d, testFormat) }

// toneAs is tone in another format of 16 bits.
func (s *stage) toneAs(d time.Duration, f audio.Format) (demux.Source, []byte) {
	path := filepath.Join(s.dir, "sound.pcm")
	data := make([]byte, f.Frames(d)*int64(f.FrameBytes()))
	rand.New(rand.NewSource(1)).Read(data)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		s.t.Fatal(err)
	}
	src, err := demux.OpenRawAudio(path, demux.RawAudioParams{Codec: "pcm_s16le", SampleBytes: 2, Format: f})
	if err != nil {
		s.t.Fatal(err)
	}
	return src, data
}

// start plays a source in the background.
func (s *stage) start(src demux.Source) {
	used := false
	if s.cfg.Open == nil {
		s.cfg.Open = func(context.Context, string) (demux.Source, error) {
			if used {
				return nil, errors.New("opened twice")
			}
			used = true
			return src, nil
		}
	}
	var ctx context.Context
	ctx, s.cancel = context.WithCancelCause(context.Background())
	s.p = New(s.cfg)
	go func() {
		defer close(s.done)
		s.out, s.err = s.p.Run(ctx, []string{"test"})
	}()
}

// finish waits for the end.
func (s *stage) finish() {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(2 * time.Hour):
		s.cancel(errors.New("never ended"))
		<-s.done
		s.t.Fatalf("playback did not end; %+v", s.p.Stats())
	}
	for _, o := range s.out {
		if o.Err != nil {
			s.t.Fatalf("%s: %v", o.Name, o.Err)
		}
	}
}

// stop ends playback from outside.
func (s *stage) stop() {
	s.cancel(errors.New("end of test"))
	<-s.done
}

// live is a source of video in real time.
type live struct {
	*liveServer
	next int // frame to send
	stop chan struct{}
	once sync.Once
}

// liveServer hands out live sources while it is up. Frame n exists from n*40 ms on.
type liveServer struct {
	begin time.Time
	gop   time.Duration // how old the frame is that a new viewer begins with

	mu   sync.Mutex
	down chan struct{} // closed when the server goes; nil while it is away
}

func newLiveServer(gop time.Duration) *liveServer {
	return &liveServer{begin: time.Now(), gop: gop, down: make(chan struct{})}
}

func (s *liveServer) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.down)
	s.down = nil
}

func (s *liveServer) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = make(chan struct{})
}

func (s *liveServer) state() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

func (s *liveServer) open(context.Context, string) (demux.Source, error) {
	if s.state() == nil {
		return nil, errors.New("connection refused")
	}
	first := max(0, (time.Since(s.begin)-s.gop)/(40*time.Millisecond))
	return &live{liveServer: s, next: int(first), stop: make(chan struct{})}, nil
}

func (l *live) Info() demux.Info { return demux.Info{Format: "live", Live: true} }
func (l *live) Streams() []demux.Stream {
	return []demux.Stream{{Kind: demux.Video, Codec: "h264", Width: 16, Height: 16, FrameRate: render.Rational{Num: 25, Den: 1}}}
}
func (l *live) Select(...int)            {}
func (l *live) Seek(time.Duration) error { return errors.New("live") }
func (l *live) Read() (*demux.Packet, error) {
	down := l.state()
	if down == nil {
		return nil, io.EOF
	}
	at := time.Duration(l.next) * 40 * time.Millisecond
	select {
	case <-time.After(time.Until(l.begin.Add(at))):
	case <-down:
		return nil, io.EOF
	case <-l.stop:
		return nil, demux.ErrInterrupted
	}
	l.next++
	return &demux.Packet{PTS: at, DTS: at, Duration: 40 * time.Millisecond, Key: true, Data: []byte{byte(l.next - 1)}}, nil
}
func (l *live) VideoDecoder(int) (demux.VideoDecoder, error) { return &liveDecoder{}, nil }
func (l *live) AudioDecoder(int) (demux.AudioDecoder, error) { return nil, errors.New("no sound") }
func (l *live) Interrupt()                                   { l.once.Do(func() { close(l.stop) }) }
func (l *live) Close() error                                 { return nil }

type liveDecoder struct{ f *demux.Frame }

func (d *liveDecoder) Send(p *demux.Packet) error {
	if p != nil {
		d.f = &demux.Frame{PTS: p.PTS, Duration: p.Duration, Number: int64(p.PTS / (40 * time.Millisecond)), Picture: render.Picture{Width: 16, Height: 16}}
	}
	return nil
}

func (d *liveDecoder) Receive() (*demux.Frame, error) {
	if d.f == nil {
		return nil, demux.ErrAgain
	}
	f := d.f
	d.f = nil
	return f, nil
}
func (d *liveDecoder) Flush() { d.f = nil }
func (d *liveDecoder) Close() {}
