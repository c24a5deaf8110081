package pattern

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"planar/audio"
	"planar/demux"
	"planar/render"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mustOpen(t testing.TB, o Options) demux.Source {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatalf("Open(%+v): %v", o, err)
	}
	return s
}

// frameOf decodes a packet of pictures.
func frameOf(t testing.TB, s demux.Source, p *demux.Packet) *demux.Frame {
	t.Helper()
	d, err := s.VideoDecoder(videoStream)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Send(p); err != nil {
		t.Fatal(err)
	}
	f, err := d.Receive()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// nextFrame reads up to the next picture.
func nextFrame(t testing.TB, s demux.Source) (*demux.Frame, *demux.Packet) {
	t.Helper()
	for {
		p, err := s.Read()
		if err != nil {
			t.Fatal(err)
		}
		if p.Stream == videoStream {
			return frameOf(t, s, p), p
		}
		p.Release()
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		o  Options
		ok bool
	}{
		{Options{}, true},
		{Options{Width: 64, Height: 48}, true},
		{Options{Width: 63, Height: 48}, false},
		{Options{Width: 64, Height: 47}, false},
		{Options{Width: 640}, false},
		{Options{Width: 8193, Height: 4320}, false},
		{Options{Width: -1, Height: -1}, false},
		{Options{Rate: render.Rational{Num: 1000, Den: 1}}, true},
		{Options{Rate: render.Rational{Num: 1001, Den: 1}}, false},
		{Options{Rate: render.Rational{Num: -1, Den: 1}}, false},
		{Options{Rate: render.Rational{Num: 1, Den: 1001}}, false},
		{Options{Rate: render.Rational{Num: math.MaxInt, Den: math.MaxInt}}, false},
		{Options{SampleRate: 1000}, true},
		{Options{SampleRate: 999}, false},
		{Options{SampleRate: 1 << 30}, false},
		{Options{Channels: 65}, false},
		{Options{Channels: -1}, false},
		{Options{Tone: 24001}, false},
		{Options{Tone: -5}, false},
	} {
		if _, err := Open(c.o); (err == nil) != c.ok {
			t.Errorf("Open(%+v): %v, want success: %v", c.o, err, c.ok)
		}
	}
}

func TestStreams(t *testing.T) {
	for _, c := range []struct {
		height int
		matrix render.Matrix
	}{{720, render.BT709}, {718, render.BT601}, {48, render.BT601}} {
		s := mustOpen(t, Options{Width: 1280, Height: c.height, SampleRate: 44100, Channels: 1})
		if i := s.Info(); !i.Live || i.Seekable || i.Format != "test pattern" {
			t.Errorf("Info is %+v", i)
		}
		st := s.Streams()
		if len(st) != 2 || st[0].Kind != demux.Video || st[1].Kind != demux.Audio {
			t.Fatalf("streams are %+v", st)
		}
		want := render.Colour{Matrix: c.matrix, Range: render.Limited, Siting: render.SitingLeft}
		if st[0].Colour != want || st[0].Height != c.height || st[0].PixelFormat != "yuv420p" {
			t.Errorf("%d lines: %+v, want %+v", c.height, st[0], want)
		}
		if want := (audio.Format{Sample: audio.S16, Rate: 44100, Channels: 1}); st[1].Sound != want {
			t.Errorf("sound is %v, want %v", st[1].Sound, want)
		}
		if _, err := s.VideoDecoder(audioStream); err == nil {
			t.Error("a video decoder for sound")
		}
		if _, err := s.AudioDecoder(videoStream); err == nil {
			t.Error("an audio decoder for video")
		}
		if s.Seek(0) == nil {
			t.Error("it can seek")
		}
	}
}

// 75 % bars as ITU-R BT.709 and BT.601 have them in 8 bits.
func TestBars(t *testing.T) {
	for m, want := range map[render.Matrix][7]colour{
		render.BT709: {{180, 128, 128}, {168, 44, 136}, {145, 147, 44}, {133, 63, 52}, {63, 193, 204}, {51, 109, 212}, {28, 212, 120}},
		render.BT601: {{180, 128, 128}, {162, 44, 142}, {131, 156, 44}, {112, 72, 58}, {84, 184, 198}, {65, 100, 212}, {35, 212, 114}},
	} {
		if got := barColours(m); got != want {
			t.Errorf("%v: bars are\n%v, want\n%v", m, got, want)
		}
	}
}

// halved is the first plane of a picture at half its size, by averaging.
func halved(p *render.Picture) *render.Picture {
	w, h := p.Width/2, p.Height/2
	in, out := p.Planes[0], make([]byte, w*h)
	for y := range h {
		for x := range w {
			at := func(dx, dy int) int { return int(in.Data[(2*y+dy)*in.Stride+2*x+dx]) }
			out[y*w+x] = byte((at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1) + 2) / 4)
		}
	}
	return grey(out, w, h)
}

// doubled is the first plane at twice its size, with a stride.
func doubled(p *render.Picture) *render.Picture {
	w, h := 2*p.Width, 2*p.Height
	out := grey(make([]byte, (w+24)*h), w, h)
	out.Planes[0].Stride = w + 24
	for y := range h {
		for x := range w {
			out.Planes[0].Data[y*(w+24)+x] = p.Planes[0].Data[y/2*p.Planes[0].Stride+x/2]
		}
	}
	return out
}

func grey(luma []byte, w, h int) *render.Picture {
	return &render.Picture{Format: "gray", Width: w, Height: h, Planes: []render.Plane{{Data: luma, Stride: w, RowBytes: w, Rows: h}}}
}

// noisy adds noise of up to n code values, and takes contrast away.
func noisy(p *render.Picture, n int) *render.Picture {
	r := rand.New(rand.NewPCG(1, 2))
	in := p.Planes[0]
	q := grey(append([]byte(nil), in.Data...), p.Width, p.Height)
	q.Planes[0].Stride = in.Stride
	for i, v := range q.Planes[0].Data {
		q.Planes[0].Data[i] = byte(max(0, min(255, 30+int(v)*3/4+r.IntN(2*n+1)-n)))
	}
	return q
}

func TestStampIsReadBack(t *testing.T) {
	sizes := [][2]int{
		{64, 48},
		{65, 49},
		{101, 77},
		{160, 90},
		{176, 144},
		{320, 180},
		{321, 181},
		{352, 288},
		{480, 640},
		{720, 576},
		{854, 480},
		{1279, 719},
		{1280, 720},
		{1080, 1920},
		{1920, 1080},
		{4096, 2160},
		{2000, 48},
		{64, 2000},
	}
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(123456789 * time.Microsecond) // a time with milliseconds
				s := mustOpen(t, Options{Width: size[0], Height: size[1]})
				defer s.Close()
				begin := time.Now()
				frames, large := int64(3), size[0]*size[1] > 500_000 // to spare time
				if large {
					frames = 1
				}
				for n := range frames {
					f, p := nextFrame(t, s)
					if err := f.CheckPlanes(); err != nil {
						t.Fatal(err)
					}
					want := Stamp{begin.Add(demux.FrameTime(n, render.Rational{Num: 30, Den: 1})).UnixMilli() & (1<<40 - 1), n}
					if p.Captured.UnixMilli()&(1<<40-1) != want.Millis {
						t.Errorf("frame %d was captured at %v, want %d ms", n, p.Captured, want.Millis)
					}
					looks := map[string]*render.Picture{"as it is": &f.Picture}
					if !large {
						looks["with noise"], looks["doubled"] = noisy(&f.Picture, 24), doubled(&f.Picture)
					}
					if size[0] >= 160 && size[1] >= 90 {
						looks["halved"] = halved(&f.Picture)
						looks["halved, with noise"] = noisy(looks["halved"], 24)
					}
					for how, pic := range looks {
						if got, ok := ReadStamp(pic); !ok || got != want {
							t.Errorf("frame %d %s: stamp %+v, %v, want %+v", n, how, got, ok, want)
						}
					}
					if d := want.Time(time.Now()).Sub(p.Captured).Abs(); d >= time.Millisecond {
						t.Errorf("the stamp's time is %v off", d)
					}
					f.Release()
				}
			})
		})
	}
}

func TestNoStamp(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 640*480)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	short := grey(make([]byte, 100), 320, 180)
	wide := grey(make([]byte, 640*180), 320, 180)
	wide.Planes[0].RowBytes, wide.Planes[0].Stride = 640, 640 // 16 bits
	rows := grey(make([]byte, 320*180), 320, 180)
	rows.Planes[0].Rows = 1
	for name, p := range map[string]*render.Picture{
		"nothing": nil, "no planes": {Width: 320, Height: 180}, "black": grey(make([]byte, 320*180), 320, 180),
		"white": grey(bytes.Repeat([]byte{255}, 320*180), 320, 180), "noise": grey(noise, 640, 480),
		"too small": grey(noise, 39, 30), "too low": grey(noise, 80, 23), "too short": short, "16 bits": wide, "one row": rows,
	} {
		if s, ok := ReadStamp(p); ok {
			t.Errorf("%s: read %+v", name, s)
		}
	}
}

// Every cell counts: a stamp with one bit turned is refused.
func TestStampIsProtected(t *testing.T) {
	const w, h = 320, 180
	for cell := range stampColumns * stampRows {
		p := grey(make([]byte, w*h), w, h)
		drawStamp(p.Planes[0].Data, w, h, Stamp{0x12_3456_789a, 0xbcdef0})
		top, bottom := stampEdge(h, cell/stampColumns), stampEdge(h, cell/stampColumns+1)
		for y := top; y < bottom; y++ {
			for x := cell % stampColumns * 8; x < (cell%stampColumns+1)*8; x++ {
				p.Planes[0].Data[y*w+x] = white + black - p.Planes[0].Data[y*w+x]
			}
		}
		if s, ok := ReadStamp(p); ok {
			t.Errorf("cell %d turned: read %+v", cell, s)
		}
	}
}

func TestStampTime(t *testing.T) {
	for _, at := range []int64{0, 1, 1<<40 - 1, 1 << 40, 1<<41 + 5, 1_900_000_000_123} {
		for _, off := range []time.Duration{0, time.Hour, -time.Hour, 24 * 365 * time.Hour, -24 * 365 * time.Hour} {
			want := time.UnixMilli(at)
			if got := stampOf(want, 0).Time(want.Add(off)); !got.Equal(want) {
				t.Errorf("%v from %v away: got %v", want, off, got)
			}
		}
	}
}

var rates = []render.Rational{{Num: 30, Den: 1}, {Num: 25, Den: 1}, {Num: 30000, Den: 1001}, {Num: 60, Den: 1}, {Num: 15, Den: 2}, {Num: 1, Den: 2}, {Num: 240, Den: 1}}

// The beep begins with the sample of the flash's frame, once a second, and is what it
// is said to be.
func TestFlashAndBeep(t *testing.T) {
	for _, rate := range rates {
		for _, f := range []audio.Format{{Sample: audio.S16, Rate: 48000, Channels: 2}, {Sample: audio.S16, Rate: 44100, Channels: 1}, {Sample: audio.S16, Rate: 11025, Channels: 3}} {
			synctest.Test(t, func(t *testing.T) {
				s := mustOpen(t, Options{Width: 64, Height: 48, Rate: rate, SampleRate: f.Rate, Channels: f.Channels})
				const span = 5 * time.Second
				var sound []int16 // the last channel
				var flashed []time.Duration
				was := false
				for {
					p, err := s.Read()
					if err != nil {
						t.Fatal(err)
					}
					if p.PTS >= span {
						break
					}
					if p.Stream == audioStream {
						if want := f.Duration(int64(len(sound))); p.PTS != want {
							t.Fatalf("a block at %v, want %v: a gap", p.PTS, want)
						}
						for i := 2 * (f.Channels - 1); i < len(p.Data); i += 2 * f.Channels {
							sound = append(sound, int16(binary.LittleEndian.Uint16(p.Data[i:])))
						}
					} else {
						pic := frameOf(t, s, p)
						now := pic.Planes[0].Data[bandRow(48)*64] == white
						if now && !was || now && rate.Float() < 1 {
							flashed = append(flashed, p.PTS)
						}
						was = now
						pic.Release()
					}
				}
				if want := min(5, int(math.Ceil(5*rate.Float()))); len(flashed) != want {
					t.Errorf("%v: flashes at %v, want %d", rate, flashed, want)
				}
				sound = sound[:min(int64(len(sound)), f.Frames(span))] // the last block reaches beyond
				want := make([]int16, len(sound))
				for _, at := range flashed {
					begin, edge := f.Frames(at), float64(f.Frames(5*time.Millisecond))
					n := f.Frames(60 * time.Millisecond)
					for i := range n {
						if k := begin + i; k < int64(len(want)) {
							gain := math.Pow(10, -12./20) * 32767
							if d := float64(min(i, n-1-i)); d < edge {
								gain *= 0.5 - 0.5*math.Cos(math.Pi*d/edge)
							}
							want[k] = int16(math.Round(gain * math.Sin(2*math.Pi*1000*float64(i)/float64(f.Rate))))
						}
					}
				}
				for i := range sound {
					if d := int(sound[i]) - int(want[i]); d < -1 || d > 1 {
						t.Fatalf("%v fps, %v: sample %d is %d, want %d; flashes at %v", rate.Float(), f, i, sound[i], want[i], flashed)
					}
				}
			})
		}
	}
}

// bandRow is the first row of the ball's band.
func bandRow(h int) int { return (&painter{h: h}).row(bandTop) }

func TestFlashTakesTwoFramesOr60ms(t *testing.T) {
	for _, c := range []struct {
		fps, frames int
	}{{10, 1}, {25, 2}, {30, 2}, {50, 3}, {60, 4}} {
		rate := render.Rational{Num: c.fps, Den: 1}
		n := int64(c.fps)
		for lit(n, rate) {
			n++
		}
		if got := int(n) - c.fps; got != c.frames || lit(int64(c.fps)-1, rate) {
			t.Errorf("%d fps: lit for %d frames, want %d", c.fps, got, c.frames)
		}
	}
}

// Packets come when they are due, to the nanosecond of simulated time.
func TestPace(t *testing.T) {
	for _, rate := range rates {
		synctest.Test(t, func(t *testing.T) {
			s := mustOpen(t, Options{Width: 64, Height: 48, Rate: rate})
			time.Sleep(time.Minute) // until somebody reads, no time passes
			begin := time.Now()
			var frames, blocks int64
			for time.Since(begin) < 3*time.Second {
				p, err := s.Read()
				if err != nil {
					t.Fatal(err)
				}
				if got := time.Since(begin); got != p.PTS {
					t.Fatalf("%v: stream %d, %v came at %v", rate, p.Stream, p.PTS, got)
				}
				if got := p.Captured.Sub(begin); got != p.PTS {
					t.Errorf("%v: stream %d, %v was captured at %v", rate, p.Stream, p.PTS, got)
				}
				if p.Stream == videoStream {
					if want := demux.FrameTime(frames, rate); p.PTS != want {
						t.Fatalf("%v: frame %d has PTS %v, want %v", rate, frames, p.PTS, want)
					}
					frames++
				} else {
					if want := time.Duration(blocks) * 20 * time.Millisecond; p.PTS != want || p.Duration != 20*time.Millisecond {
						t.Fatalf("block %d: %v for %v", blocks, p.PTS, p.Duration)
					}
					blocks++
				}
				p.Release()
			}
			if want := demux.FrameAt(3*time.Second, rate); frames < want || frames > want+1 || blocks < 150 {
				t.Errorf("%v: %d frames and %d blocks in 3 s", rate, frames, blocks)
			}
		})
	}
}

// A reader that was away gets the present picture and all of the sound.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, Options{Width: 64, Height: 48})
		f, _ := nextFrame(t, s)
		f.Release()
		begin := time.Now()
		time.Sleep(time.Second)
		var sound, last time.Duration
		video := int64(-1)
		for video < 0 {
			p, err := s.Read()
			if err != nil {
				t.Fatal(err)
			}
			if p.PTS < last {
				t.Errorf("%v after %v", p.PTS, last)
			}
			last = p.PTS
			if p.Stream == audioStream {
				sound += p.Duration
				continue
			}
			f := frameOf(t, s, p)
			video = f.Number
			if st, ok := ReadStamp(&f.Picture); !ok || st.Frame != video || p.Captured.Sub(begin) != time.Second {
				t.Errorf("stamp %+v, %v of frame %d, captured %v after the first", st, ok, video, p.Captured.Sub(begin))
			}
			f.Release()
		}
		if video != 30 || time.Since(begin) != time.Second {
			t.Errorf("a second late comes frame %d at %v, want 30 at once", video, time.Since(begin))
		}
		if sound != time.Second {
			t.Errorf("%v of sound, want 1 s", sound)
		}
		time.Sleep(time.Hour) // asleep: not even the sound is wanted any more
		for range 2 {
			p, err := s.Read()
			if err != nil {
				t.Fatal(err)
			}
			if p.PTS < time.Hour || time.Since(begin) > time.Hour+1100*time.Millisecond {
				t.Errorf("stream %d goes on at %v, want after an hour", p.Stream, p.PTS)
			}
			p.Release()
		}
	})
}

// Pictures that nobody gives back bound the memory; with them back it goes on.
func TestPicturesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, Options{Width: 64, Height: 48})
		var held []*demux.Packet
		for begin := time.Now(); time.Since(begin) < 2*time.Second; {
			p, err := s.Read()
			if err != nil {
				t.Fatal(err)
			}
			if p.Stream == videoStream {
				held = append(held, p)
			}
		}
		if len(held) != maxPictures {
			t.Errorf("%d pictures are held, want %d", len(held), maxPictures)
		}
		for i, p := range held {
			if s, ok := ReadStamp(grey(p.Data[:64*48], 64, 48)); !ok || s.Frame != int64(i) {
				t.Errorf("picture %d has become %+v, %v", i, s, ok)
			}
			p.Release()
			p.Release()
		}
		f, _ := nextFrame(t, s)
		if f.Number < 60 {
			t.Errorf("goes on with frame %d, want at least 60", f.Number)
		}
	})
}

func TestSelect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, Options{Width: 64, Height: 48})
		read := func(stream int, from time.Duration) {
			t.Helper()
			for range 20 {
				p, err := s.Read()
				if err != nil || p.Stream != stream || p.PTS < from {
					t.Fatalf("got %+v, %v, want stream %d from %v", p, err, stream, from)
				}
				p.Release()
			}
		}
		s.Select(videoStream)
		read(videoStream, 0)
		s.Select(audioStream)
		read(audioStream, 600*time.Millisecond)
		s.Select(5, -1)
		done := make(chan error)
		go func() {
			_, err := s.Read()
			done <- err
		}()
		synctest.Wait()
		s.Interrupt()
		if err := <-done; !errors.Is(err, demux.ErrInterrupted) {
			t.Errorf("with nothing selected: %v", err)
		}
	})
}

func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, Options{Width: 64, Height: 48, Rate: render.Rational{Num: 1, Den: 1000}})
		s.Select(videoStream)
		f, _ := nextFrame(t, s)
		f.Release()
		begin := time.Now()
		done := make(chan error)
		go func() {
			_, err := s.Read()
			done <- err
		}()
		synctest.Wait()
		s.Interrupt()
		s.Interrupt()
		if err := <-done; !errors.Is(err, demux.ErrInterrupted) || time.Since(begin) != 0 {
			t.Errorf("%v after %v, want ErrInterrupted at once", err, time.Since(begin))
		}
		if _, err := s.Read(); !errors.Is(err, demux.ErrInterrupted) {
			t.Errorf("and then %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAudioDecoder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, Options{Width: 64, Height: 48})
		s.Select(audioStream)
		d, err := s.AudioDecoder(audioStream)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Read()
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Send(p); err != nil {
			t.Fatal(err)
		}
		b, err := d.Receive()
		if err != nil || b.Frames != 960 || b.Format != s.Streams()[1].Sound || b.PTS != 0 {
			t.Errorf("decoded %+v, %v", b, err)
		}
	})
}

// What is drawn over a used picture leaves nothing of what was there.
func TestPicturesAreDrawnAnew(t *testing.T) {
	for _, size := range [][2]int{{64, 48}, {321, 181}, {1280, 720}} {
		rate := render.Rational{Num: 30, Den: 1}
		p, err := newPainter(size[0], size[1], rate, render.BT709)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC)
		used, fresh := append([]byte(nil), p.background...), append([]byte(nil), p.background...)
		for n := range int64(40) {
			p.paint(used, n*12345, at.Add(time.Duration(n)*time.Second))
		}
		p.paint(used, 7, at)
		p.paint(fresh, 7, at)
		if !bytes.Equal(used, fresh) {
			t.Errorf("%v: a used picture differs from a fresh one", size)
		}
	}
}

func BenchmarkPaint(b *testing.B) {
	p, err := newPainter(1920, 1080, render.Rational{Num: 30, Den: 1}, render.BT709)
	if err != nil {
		b.Fatal(err)
	}
	pic := append([]byte(nil), p.background...)
	at := time.Now()
	b.ReportAllocs()
	for n := int64(0); b.Loop(); n++ {
		p.paint(pic, n, at)
	}
}
