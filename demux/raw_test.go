package demux

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"planar/audio"
	"planar/render"
)

// i420 describes I420 of odd and even sizes.
func i420(w, h int) []render.Layout {
	return []render.Layout{{RowBytes: w, Rows: h}, {RowBytes: (w + 1) / 2, Rows: (h + 1) / 2}, {RowBytes: (w + 1) / 2, Rows: (h + 1) / 2}}
}

func params(w, h int) RawVideoParams {
	return RawVideoParams{Width: w, Height: h, PixelFormat: "yuv420p", Layout: i420(w, h), Rate: rate(25, 1)}
}

func file(t *testing.T, data []byte) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "x.yuv")
	if err := os.WriteFile(p, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// pattern fills n bytes so that each place is recognised.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i/251)
	}
	return b
}

// visible joins the visible bytes of a picture.
func visible(p *render.Picture) []byte {
	var out []byte
	for _, pl := range p.Planes {
		for y := range pl.Rows {
			out = append(out, pl.Data[y*pl.Stride:y*pl.Stride+pl.RowBytes]...)
		}
	}
	return out
}

func readFrames(t *testing.T, src Source) (frames [][]byte, pts []time.Duration) {
	t.Helper()
	dec, err := src.VideoDecoder(0)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	for {
		p, err := nextPacket(src)
		if err == io.EOF {
			return frames, pts
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := dec.Send(p); err != nil {
			t.Fatal(err)
		}
		p.Release()
		f, err := dec.Receive()
		if err != nil {
			t.Fatal(err)
		}
		frames, pts = append(frames, visible(&f.Picture)), append(pts, f.PTS)
		f.Release()
	}
}

func TestRawVideoOddSizeAndLeftover(t *testing.T) {
	const w, h, n = 351, 289, 152479 // bytes of a frame, as FFmpeg counts them
	data := pattern(3*n + 100)
	src, err := OpenRawVideo(file(t, data), params(w, h))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	info := src.Info()
	if info.Duration != 120*time.Millisecond || len(info.Notes) != 1 || !strings.Contains(info.Notes[0], "100 bytes are left over") {
		t.Errorf("info %+v", info)
	}
	frames, pts := readFrames(t, src)
	if len(frames) != 3 || pts[2] != 80*time.Millisecond {
		t.Fatalf("%d frames, times %v", len(frames), pts)
	}
	for i, f := range frames {
		if !bytes.Equal(f, data[i*n:(i+1)*n]) {
			t.Errorf("frame %d differs from the file", i)
		}
	}
}

func TestRawVideoHeadersAndStride(t *testing.T) {
	p := params(4, 4)
	p.Header, p.FrameHeader, p.Strides = 10, 3, []int{8, 4, 4}
	frame := 8*4 + 4*2 + 4*2
	data := pattern(10 + 2*(3+frame))
	src, err := OpenRawVideo(file(t, data), p)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	frames, _ := readFrames(t, src)
	if len(frames) != 2 || len(src.Info().Notes) != 0 {
		t.Fatalf("%d frames, notes %v", len(frames), src.Info().Notes)
	}
	at := 10 + 3 + frame + 3 // of the second frame
	want := append([]byte{}, data[at:at+4]...)
	if got := frames[1][:4]; !bytes.Equal(got, want) {
		t.Errorf("first row of frame 1: %v, want %v", got, want)
	}
	if got, want := frames[1][4:8], data[at+8:at+12]; !bytes.Equal(got, want) {
		t.Errorf("second row of frame 1: %v, want %v", got, want)
	}
}

func TestRawVideoSeek(t *testing.T) {
	const n = 6
	p := params(2, 2)
	src, err := OpenRawVideo(file(t, pattern(10*n)), p)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for _, c := range []struct {
		to   time.Duration
		want time.Duration
	}{{0, 0}, {39 * time.Millisecond, 0}, {40 * time.Millisecond, 40 * time.Millisecond}, {time.Hour, 360 * time.Millisecond}, {-time.Second, 0}} {
		if err := src.Seek(c.to); err != nil {
			t.Fatal(err)
		}
		pkt, err := nextPacket(src)
		if err != nil || pkt.PTS != c.want {
			t.Errorf("after a seek to %v: packet at %v (%v), want %v", c.to, pkt.PTS, err, c.want)
		}
		pkt.Release()
	}
	readFrames(t, src)
	if err := src.Seek(0); err != nil {
		t.Fatal(err)
	}
	if frames, _ := readFrames(t, src); len(frames) != 10 {
		t.Errorf("%d frames after a seek from the end, want 10", len(frames))
	}
}

func TestRawVideoBuffersAreReused(t *testing.T) {
	src, err := OpenRawVideo(file(t, pattern(6*1000)), params(2, 2))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	seen := map[*byte]bool{}
	for range 1000 {
		p, err := nextPacket(src)
		if err != nil {
			t.Fatal(err)
		}
		seen[&p.Data[0]] = true
		p.Release()
	}
	if len(seen) != 1 {
		t.Errorf("%d buffers for one frame at a time", len(seen))
	}
}

func TestRawOpenErrors(t *testing.T) {
	dir := t.TempDir()
	small := file(t, make([]byte, 10))
	empty := file(t, nil)
	for _, c := range []struct {
		name string
		w, h int
		want string
	}{
		{filepath.Join(dir, "none.yuv"), 16, 16, "file does not exist"},
		{dir, 16, 16, "is a directory"},
		{empty, 16, 16, "is empty"},
		{small, 16, 16, "less than one yuv420p frame of 16x16 (384 bytes)"},
		{small, 1 << 31, 1 << 31, "outside 1x1"},
		{small, -1, 16, "outside 1x1"},
	} {
		p := RawVideoParams{Width: c.w, Height: c.h, PixelFormat: "yuv420p", Rate: rate(25, 1)}
		if c.w > 0 && c.w <= MaxDimension {
			p.Layout = i420(c.w, c.h)
		}
		src, err := OpenRawVideo(c.name, p)
		if err == nil {
			src.Close()
			t.Errorf("%s %dx%d opened", c.name, c.w, c.h)
		} else if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s %dx%d: %q does not say %q in one line", c.name, c.w, c.h, err, c.want)
		}
	}
}

func TestRawVideoFromFIFO(t *testing.T) {
	p := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(p, 0o600); err != nil {
		t.Skip("no FIFOs here:", err)
	}
	src, err := OpenRawVideo(p, params(4, 4))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if src.Info().Seekable {
		t.Error("a FIFO claims to be seekable")
	}
	data := pattern(24 * 5)
	go func() {
		w, err := os.OpenFile(p, os.O_WRONLY, 0)
		if err != nil {
			return
		}
		for i := 0; i < len(data); i += 7 { // in pieces that do not fit frames
			w.Write(data[i:min(i+7, len(data))])
		}
		w.Close()
	}()
	frames, _ := readFrames(t, src)
	if got := bytes.Join(frames, nil); !bytes.Equal(got, data) {
		t.Errorf("%d frames differ from what was written", len(frames))
	}
}

func TestInterruptEndsAWaitingRead(t *testing.T) {
	p := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(p, 0o600); err != nil {
		t.Skip("no FIFOs here:", err)
	}
	src, err := OpenRawVideo(p, params(4, 4))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	w, err := os.OpenFile(p, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	go func() {
		time.Sleep(50 * time.Millisecond)
		src.Interrupt()
	}()
	done := make(chan error, 1)
	go func() { _, err := nextPacket(src); done <- err }()
	select {
	case err := <-done:
		if !errors.Is(err, ErrInterrupted) {
			t.Errorf("Read ended with %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Read did not notice the interrupt")
	}
}

// packed describes one plane of so many bytes a pixel.
func packed(w, h, bytes int) []render.Layout {
	return []render.Layout{{RowBytes: w * bytes, Rows: h}}
}

func TestRawVideoBounds(t *testing.T) {
	small := file(t, make([]byte, 10))
	none := filepath.Join(t.TempDir(), "none.yuv") // opened only after the parameters are found good
	for _, c := range []struct {
		about, name string
		set         func(*RawVideoParams)
		want        string
	}{
		{"2^31 x 2^31", none, func(p *RawVideoParams) { p.Width, p.Height = 1<<31, 1<<31 }, "outside 1x1"},
		{"frame over 2^31", none, func(p *RawVideoParams) { p.Layout = packed(MaxDimension, MaxDimension, 8) }, "has 8589934592 bytes, which planar does not read: the limit is 2^31"},
		{"frame of 2^31", none, func(p *RawVideoParams) { p.Layout = packed(MaxDimension, MaxDimension, 2) }, "file does not exist"},
		{"rows", none, func(p *RawVideoParams) { p.Layout = []render.Layout{{RowBytes: 1, Rows: 1 << 40}} }, "plane 0 of yuv420p has 1099511627776 rows"},
		{"row", none, func(p *RawVideoParams) { p.Layout = []render.Layout{{RowBytes: 1 << 62, Rows: 4}} }, "plane 0"},
		{"negative rows", none, func(p *RawVideoParams) { p.Layout[1].Rows = -4 }, "plane 1"},
		{"no layout", none, func(p *RawVideoParams) { p.Layout = nil }, "has 0 bytes"},
		{"stride of plane 0", none, func(p *RawVideoParams) { p.Strides = []int{3} }, "stride 3 of plane 0 is outside 4 (its row of 4 bytes)"},
		{"stride of plane 2", none, func(p *RawVideoParams) { p.Strides = []int{0, 0, 1} }, "stride 1 of plane 2 is outside 2 (its row of 2 bytes)"},
		{"huge stride", none, func(p *RawVideoParams) { p.Strides = []int{0, 1 << 62} }, "of plane 1 is outside"},
		{"negative stride", none, func(p *RawVideoParams) { p.Strides = []int{-8} }, "stride -8 of plane 0"},
		{"too many strides", none, func(p *RawVideoParams) { p.Strides = []int{0, 0, 0, 8} }, "4 strides for the 3 planes"},
		{"no rate", none, func(p *RawVideoParams) { p.Rate = render.Rational{} }, "frame rate 0/0"},
		{"huge rate", none, func(p *RawVideoParams) { p.Rate = rate(1<<40, 1) }, "frame rate"},
		{"negative header", none, func(p *RawVideoParams) { p.Header = -1 }, "a header of -1 bytes"},
		{"huge header", none, func(p *RawVideoParams) { p.Header = 1<<50 + 1 }, "must be from 0 to 2^50"},
		{"huge frame header", none, func(p *RawVideoParams) { p.FrameHeader = 1 << 62 }, "must be from 0 to 2^50"},
		{"large headers", small, func(p *RawVideoParams) { p.Header, p.FrameHeader = 1<<50, 1<<50 }, "less than one yuv420p frame"},
		{"packed without bytes", none, func(p *RawVideoParams) { p.Decoder = noDecoder }, "has 0 bytes"},
		{"packed, huge", none, func(p *RawVideoParams) { p.Decoder, p.FrameBytes = noDecoder, 1<<31+1 }, "the limit is 2^31"},
		{"packed, negative", none, func(p *RawVideoParams) { p.Decoder, p.FrameBytes = noDecoder, -5 }, "has -5 bytes"},
	} {
		p := params(4, 4)
		c.set(&p)
		for _, open := range []func(string, RawVideoParams) (Source, error){OpenRawVideo, OpenSequence} {
			src, err := open(c.name, p)
			if err == nil {
				src.Close()
				t.Errorf("%s: opened", c.about)
			} else if strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %q is not one line", c.about, err)
			}
		}
		if _, err := OpenRawVideo(c.name, p); !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q does not say %q", c.about, err, c.want)
		}
	}
}

func noDecoder() (VideoDecoder, error) { return nil, errors.New("no decoder") }

func TestTimesOfManyFrames(t *testing.T) {
	for _, c := range []struct {
		n    int64
		rate render.Rational
		want time.Duration
	}{
		{math.MaxInt64, rate(25, 1), math.MaxInt64},
		{math.MaxInt64, rate(1, 1000), math.MaxInt64},
		{math.MaxInt64, rate(math.MaxInt32, 1), 4294967298 * time.Second},
		{9223372036 * 25, rate(25, 1), math.MaxInt64},
		{9223372035 * 25, rate(25, 1), 9223372035 * time.Second},
		{1, rate(999999999, 999999998), 999999999},
		{999999999, rate(999999999, 999999998), 999999998 * time.Second},
		{3, rate(math.MaxInt32, math.MaxInt32), 3 * time.Second},
		{0, rate(25, 1), 0},
		{7, render.Rational{}, 0},
	} {
		if got := FrameTime(c.n, c.rate); got != c.want {
			t.Errorf("FrameTime(%d, %v) = %d, want %d", c.n, c.rate, got, c.want)
		}
	}
	for _, r := range []render.Rational{rate(25, 1), rate(30000, 1001), rate(1, 1000), rate(999999999, 999999998), rate(1000, 1)} {
		for _, n := range []int64{0, 1, 2, 29, 1e6 + 1, 9e6} {
			if got := FrameAt(FrameTime(n, r), r); got != n {
				t.Errorf("at %v: frame %d is found as %d", r, n, got)
			}
		}
		if n := FrameAt(math.MaxInt64, r); FrameTime(n, r) <= 0 {
			t.Errorf("at %v: the last time is frame %d at %v", r, n, FrameTime(n, r))
		}
	}
}

func TestStridesOfAnyPlane(t *testing.T) {
	for _, strides := range [][]int{{0, 5, 0}, {0, 0, 3}, {7}, {0, 2, 9}, {4, 2, 2}} {
		p := params(4, 4)
		p.Strides = strides
		var want []byte
		data := pattern(500)
		at := 0
		for i, l := range p.Layout {
			stride := l.RowBytes
			if i < len(strides) && strides[i] != 0 {
				stride = strides[i]
			}
			for y := range l.Rows {
				want = append(want, data[at+y*stride:at+y*stride+l.RowBytes]...)
			}
			at += stride * l.Rows
		}
		src, err := OpenRawVideo(file(t, data[:at]), p)
		if err != nil {
			t.Fatal(err)
		}
		if frames, _ := readFrames(t, src); len(frames) != 1 || !bytes.Equal(frames[0], want) {
			t.Errorf("strides %v: %v, want %v", strides, frames, want)
		}
		src.Close()
	}
}

func TestSwapChroma(t *testing.T) {
	data := pattern(24)
	p := params(4, 4)
	p.SwapChroma, p.SAR = true, render.Rational{Num: 16, Den: 11}
	src, err := OpenRawVideo(file(t, data), p)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if sar := src.Streams()[0].SAR; sar != p.SAR {
		t.Errorf("the stream's SAR is %v", sar)
	}
	frames, _ := readFrames(t, src)
	want := slices.Concat(data[:16], data[20:24], data[16:20])
	if len(frames) != 1 || !bytes.Equal(frames[0], want) {
		t.Errorf("frame %v, want %v", frames, want)
	}
}

// mapped is a MapFunc that counts, and reads nothing into the reader's buffers.
type mapped struct {
	calls, open atomic.Int64
	err         error
}

func (m *mapped) look(f *os.File, off int64, n int) ([]byte, func(), error) {
	m.calls.Add(1)
	if m.err != nil {
		return nil, nil, m.err
	}
	data := make([]byte, n)
	if _, err := f.ReadAt(data, off); err != nil {
		return nil, nil, io.ErrUnexpectedEOF
	}
	m.open.Add(1)
	return data, func() { m.open.Add(-1) }, nil
}

func TestFramesAreMapped(t *testing.T) {
	data := pattern(24*3 + 5)
	for _, c := range []struct {
		about string
		err   error
		want  string // the error, "" if three frames are read
	}{
		{"mapped", nil, ""},
		{"unsupported", fmt.Errorf("no mmap: %w", errors.ErrUnsupported), ""},
		{"fails", errors.New("bad sector"), "cannot read at byte 5: bad sector"},
	} {
		m := &mapped{err: c.err}
		p := params(4, 4)
		p.Header, p.Map = 5, m.look
		src, err := OpenRawVideo(file(t, data), p)
		if err != nil {
			t.Fatal(err)
		}
		if c.want != "" {
			if _, err := nextPacket(src); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", c.about, err)
			}
			src.Close()
			continue
		}
		pkt, err := nextPacket(src)
		if err != nil {
			t.Fatal(err)
		}
		dec, _ := src.VideoDecoder(0)
		dec.Send(pkt)
		pkt.Release()
		f, err := dec.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if c.err == nil && m.open.Load() != 1 {
			t.Errorf("%s: %d mappings for the one frame held", c.about, m.open.Load())
		}
		frames, _ := readFrames(t, src)
		src.Close()
		frames = append([][]byte{visible(&f.Picture)}, frames...)
		f.Release() // after the source is closed
		dec.Close()
		if !bytes.Equal(bytes.Join(frames, nil), data[5:]) {
			t.Errorf("%s: frames differ from the file", c.about)
		}
		if m.open.Load() != 0 || m.calls.Load() != 3 {
			t.Errorf("%s: %d calls, %d still open", c.about, m.calls.Load(), m.open.Load())
		}
	}
}

// delaying decodes packed pictures, late and without those that are damaged.
type delaying struct {
	inside  []*Frame
	delay   int
	drained bool
	noTimes bool
	closed  bool
}

func (d *delaying) Send(p *Packet) error {
	if p == nil {
		d.drained = true
		return nil
	}
	if p.Data[0] == 0xff { // damaged
		return nil
	}
	f := &Frame{Picture: render.Picture{Format: "yuv422p10le", Width: 4, Height: 4}, PTS: p.PTS + 3*time.Millisecond, Number: -1}
	if d.noTimes {
		f.PTS = NoPTS
	}
	d.inside = append(d.inside, f)
	return nil
}

func (d *delaying) Receive() (*Frame, error) {
	if len(d.inside) > d.delay || d.drained && len(d.inside) > 0 {
		f := d.inside[0]
		d.inside = d.inside[1:]
		return f, nil
	}
	if d.drained {
		return nil, io.EOF
	}
	return nil, ErrAgain
}

func (d *delaying) Flush() { d.inside, d.drained = nil, false }
func (d *delaying) Close() { d.closed = true }

func TestPackedPictures(t *testing.T) {
	for _, c := range []struct {
		about   string
		delay   int
		damaged []int
		noTimes bool
	}{{"at once", 0, nil, false}, {"late", 3, nil, false}, {"late, without times", 3, nil, true}, {"some damaged", 2, []int{0, 3, 4, 8}, false}} {
		const frames, size = 10, 11
		data := make([]byte, frames*size)
		var want []int64
		for i := range frames {
			if slices.Contains(c.damaged, i) {
				data[i*size] = 0xff
			} else {
				want = append(want, int64(i))
			}
		}
		inner := &delaying{delay: c.delay, noTimes: c.noTimes}
		p := RawVideoParams{
			Width: 4, Height: 4, PixelFormat: "v210", Rate: rate(30000, 1001), FrameBytes: size, SAR: rate(4, 3),
			Colour: render.Colour{Matrix: render.BT2020}, Decoder: func() (VideoDecoder, error) { return inner, nil },
		}
		src, err := OpenRawVideo(file(t, data), p)
		if err != nil {
			t.Fatal(err)
		}
		dec, err := src.VideoDecoder(0)
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		drain := func() {
			for {
				f, err := dec.Receive()
				if err != nil {
					return
				}
				got = append(got, f.Number)
				if f.PTS != FrameTime(f.Number, p.Rate) || f.Duration != FrameTime(f.Number+1, p.Rate)-f.PTS || !f.Key || f.Colour != p.Colour || f.SAR != p.SAR {
					t.Errorf("%s: frame %+v", c.about, f)
				}
			}
		}
		for {
			pkt, err := nextPacket(src)
			if err == io.EOF {
				break
			}
			if err != nil || len(pkt.Data) != size {
				t.Fatal(len(pkt.Data), err)
			}
			if err := dec.Send(pkt); err != nil {
				t.Fatal(err)
			}
			pkt.Release()
			drain()
		}
		dec.Send(nil)
		drain()
		if !slices.Equal(got, want) {
			t.Errorf("%s: frames %v, want %v", c.about, got, want)
		}
		dec.Flush()
		if dec.Close(); !inner.closed {
			t.Errorf("%s: the inner decoder was not closed", c.about)
		}
		src.Close()
	}
}

// encoder writes a file bit by bit, in the time of a synctest bubble.
type encoder struct {
	t *testing.T
	f *os.File
}

func (e *encoder) write(data []byte) {
	if _, err := e.f.Write(data); err != nil {
		e.t.Error(err)
	}
	e.touch()
}

func (e *encoder) touch() {
	if err := os.Chtimes(e.f.Name(), time.Now(), time.Now()); err != nil {
		e.t.Error(err)
	}
}

func newEncoder(t *testing.T, data []byte) *encoder {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "growing.yuv"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	e := &encoder{t, f}
	e.write(data)
	return e
}

// last is how long the end of what was written is waited for.
func (e *encoder) last() time.Duration {
	if writers(e.f) == writtenNow {
		return slowest
	}
	return settled
}

func TestGrowingFile(t *testing.T) {
	for _, useMap := range []bool{false, true} {
		const n = 24
		data := pattern(6*n + 5)
		synctest.Test(t, func(t *testing.T) {
			e := newEncoder(t, data[:n+5])
			p := params(4, 4)
			if useMap {
				p.Map = new(mapped).look
			}
			src, err := OpenRawVideo(e.f.Name(), p)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				for at := n + 5; at < len(data); at += 8 {
					time.Sleep(300 * time.Millisecond)
					src.Info()
					e.write(data[at:min(at+8, len(data))])
				}
			}()
			began := time.Now()
			frames, _ := readFrames(t, src)
			if took := time.Since(began); took < 15*300*time.Millisecond+e.last() || took > 15*300*time.Millisecond+e.last()+growthPoll {
				t.Errorf("the end came after %v", took)
			}
			<-done
			if !bytes.Equal(bytes.Join(frames, nil), data[:6*n]) {
				t.Errorf("%d frames differ from what was written", len(frames))
			}
			if d := src.Info().Duration; d != 240*time.Millisecond {
				t.Errorf("duration %v", d)
			}
			e.write(data[:2*n]) // the last frame is whole now
			if err := src.Seek(time.Hour); err != nil {
				t.Fatal(err)
			}
			if pkt, err := nextPacket(src); err != nil || pkt.PTS != 280*time.Millisecond {
				t.Errorf("after a seek to the end: %+v, %v", pkt, err)
			}
		})
	}
}

func TestEndsThatAreNotWaitedFor(t *testing.T) {
	for _, c := range []struct {
		about string
		then  func(*encoder)
	}{
		{"an old file", func(e *encoder) { time.Sleep(slowest) }},
		{"a clock far ahead", func(e *encoder) {
			os.Chtimes(e.f.Name(), time.Time{}, time.Now().Add(time.Hour))
		}},
		{"nobody writes", func(e *encoder) {
			e.f.Close()
			f, err := os.Open(e.f.Name())
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if writers(f) != writtenByNobody {
				time.Sleep(settled) // the kernel cannot tell here
			}
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newEncoder(t, pattern(24*3+7))
			c.then(e)
			src, err := OpenRawVideo(e.f.Name(), params(4, 4))
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			began := time.Now()
			if frames, _ := readFrames(t, src); len(frames) != 3 || time.Since(began) != 0 {
				t.Errorf("%s: %d frames, and the end after %v", c.about, len(frames), time.Since(began))
			}
		})
	}
}

func TestInterruptEndsTheWaitForMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEncoder(t, pattern(24))
		src, err := OpenRawVideo(e.f.Name(), params(4, 4))
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		go func() {
			time.Sleep(110 * time.Millisecond)
			src.Interrupt()
			src.Interrupt()
		}()
		began := time.Now()
		nextPacket(src)
		if _, err := nextPacket(src); !errors.Is(err, ErrInterrupted) || time.Since(began) != 110*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if _, err := nextPacket(src); !errors.Is(err, ErrInterrupted) {
			t.Errorf("the next read: %v", err)
		}
	})
}

func TestTruncatedWhileItPlays(t *testing.T) {
	for _, useMap := range []bool{false, true} {
		for _, looked := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				e := newEncoder(t, pattern(24*10))
				p := params(4, 4)
				if useMap {
					p.Map = new(mapped).look
				}
				src, err := OpenRawVideo(e.f.Name(), p)
				if err != nil {
					t.Fatal(err)
				}
				defer src.Close()
				for range 3 {
					if _, err := nextPacket(src); err != nil {
						t.Fatal(err)
					}
				}
				if err := e.f.Truncate(24*3 + 11); err != nil {
					t.Fatal(err)
				}
				e.touch()
				if looked {
					src.Info()
				}
				began := time.Now()
				if _, err := nextPacket(src); err != io.EOF || time.Since(began) != 0 {
					t.Errorf("map %v: %v after %v", useMap, err, time.Since(began))
				}
				if d := src.Info().Duration; d != 120*time.Millisecond {
					t.Errorf("map %v: duration %v", useMap, d)
				}
				if err := src.Seek(time.Hour); err != nil {
					t.Fatal(err)
				}
				if pkt, err := nextPacket(src); err != nil || pkt.PTS != 80*time.Millisecond {
					t.Errorf("map %v: after a seek %v, %v", useMap, pkt, err)
				}
				e.f.Truncate(0)
				src.Seek(0)
				if _, err := nextPacket(src); err != io.EOF {
					t.Errorf("map %v: of the emptied file %v", useMap, err)
				}
				if d := src.Info().Duration; d != 0 {
					t.Errorf("map %v: duration %v of the emptied file", useMap, d)
				}
			})
		}
	}
}

func TestFilesBeyond4GiB(t *testing.T) {
	for _, size := range []int64{5 << 30, 1 << 42, 1 << 62, math.MaxInt64} {
		name := file(t, pattern(1))
		if os.Truncate(name, size) != nil {
			continue // more than this file system's files can have
		}
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		p := params(64, 64)
		const step = 6144 + 3
		p.Header, p.FrameHeader = 11, 3
		n := (size-11)/step - 1
		f.WriteAt([]byte{42}, 11+n*step+3)
		f.Close()
		src, err := OpenRawVideo(name, p)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		if d := src.Info().Duration; d <= 0 || d != FrameTime(n+1, p.Rate) {
			t.Errorf("%d bytes: duration %v", size, d)
		}
		if err := src.Seek(FrameTime(n, p.Rate)); err != nil {
			t.Fatal(err)
		}
		pkt, err := nextPacket(src)
		if FrameTime(n, p.Rate) == math.MaxInt64 { // in 292 years
			if err != nil {
				t.Errorf("%d bytes: %v", size, err)
			}
			continue
		}
		if err != nil || pkt.Data[0] != 42 || pkt.PTS != FrameTime(n, p.Rate) {
			t.Errorf("%d bytes: frame %d: %v", size, n, err)
		}
		for range 3 { // over the end
			if _, err = nextPacket(src); err != nil {
				break
			}
		}
		if err != io.EOF {
			t.Errorf("%d bytes: at the end %v", size, err)
		}
	}
}

func TestInfoWhileReading(t *testing.T) {
	src, err := OpenRawVideo(file(t, pattern(24*2000)), params(4, 4))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 500 {
			src.Info()
			src.Streams()
		}
	}()
	readFrames(t, src)
	src.Close()
	<-done
}

func TestReadAheadStaysWithinTheFile(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, frame := range []int64{1, 152064, 3110400, 12441600, 199065600} {
		size := min(400*frame, 3<<30) + 17
		var a readAhead
		var told int64 // everything between the reader and this was asked for
		calls, pos, reads := 0, int64(0), 0
		for range 5000 {
			if rng.IntN(500) == 0 || pos+frame > size {
				a, pos = readAhead{}, rng.Int64N(size/frame)*frame
				told = pos
			}
			pos += frame
			reads++
			off, n := a.next(pos, size)
			told = max(told, pos)
			if n == 0 {
				continue
			}
			calls++
			if off != told || n < 0 || off+n > size || off+n > pos+readAheadBytes || n < readAheadStep && off+n != size {
				t.Fatalf("frames of %d, at %d of %d: asks for %d from %d, up to %d is known", frame, pos, size, n, off, told)
			}
			told = off + n
		}
		if most := reads*int(frame)/readAheadStep + 40*(reads/500+reads/400+2); calls > most {
			t.Errorf("frames of %d: %d calls for %d reads", frame, calls, reads)
		}
	}
	var a readAhead
	if off, n := a.next(100, 50); n != 0 {
		t.Errorf("behind the end it asks for %d from %d", n, off)
	}
	// A window that is full is kept full.
	a = readAhead{}
	for pos := int64(0); pos < 1<<30; pos += 12441600 {
		a.next(pos, 1<<40)
		if pos > 4*12441600 && a.to-pos < readAheadBytes-readAheadStep {
			t.Fatalf("at %d it is %d bytes ahead", pos, a.to-pos)
		}
	}
	f, err := os.Open(file(t, pattern(5000)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	willNeed(f, 0, 5000)
	willNeed(f, 4000, 1<<22) // beyond the end is no error
}

func TestRawAudio(t *testing.T) {
	f := audio.Format{Sample: audio.S16, Rate: 44100, Channels: 2}
	data := pattern(4*44100 + 3)
	src, err := OpenRawAudio(file(t, data), RawAudioParams{Codec: "pcm_s16le", SampleBytes: 2, Format: f})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if info := src.Info(); info.Duration != time.Second || len(info.Notes) != 1 {
		t.Errorf("info %+v", info)
	}
	read := func() (out []byte, first time.Duration) {
		dec, _ := src.AudioDecoder(0)
		first = -1
		for {
			p, err := nextPacket(src)
			if err == io.EOF {
				return out, first
			}
			if err != nil {
				t.Fatal(err)
			}
			if first < 0 {
				first = p.PTS
			}
			dec.Send(p)
			b, err := dec.Receive()
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b.Planes[0]...)
			b.Release()
		}
	}
	if out, _ := read(); !bytes.Equal(out, data[:4*44100]) {
		t.Error("what was read differs from the file")
	}
	if err := src.Seek(250 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if out, first := read(); first != 250*time.Millisecond || !bytes.Equal(out, data[4*11025:4*44100]) {
		t.Errorf("after a seek the sound begins at %v, with %d bytes", first, len(out))
	}
}

// A planar file's channels are put together, from any frame on, in any size of sample.
func TestRawAudioPlanar(t *testing.T) {
	const channels, frames, header = 3, 1000, 5
	for _, size := range []int{1, 2, 3, 8} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			data := pattern(header + channels*frames*size + 2)
			var want []byte
			for i := range frames {
				for c := range channels {
					want = append(want, data[header+(c*frames+i)*size:][:size]...)
				}
			}
			p := RawAudioParams{SampleBytes: size, Format: audio.Format{Rate: 8000, Channels: channels}, Header: header, Planar: true}
			src, err := OpenRawAudio(file(t, data), p)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			for _, from := range []int64{0, 1, 777, frames - 1, frames} {
				if err := src.Seek(p.Format.Duration(from)); err != nil {
					t.Fatal(err)
				}
				var got []byte
				for {
					pkt, err := src.Read()
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					if at := p.Format.Duration(from + int64(len(got)/size/channels)); pkt.PTS != at {
						t.Errorf("a packet at %v, want %v", pkt.PTS, at)
					}
					got = append(got, pkt.Data...)
				}
				if !bytes.Equal(got, want[int(from)*size*channels:]) {
					t.Errorf("from frame %d: %d bytes that are not the file's %d", from, len(got), len(want)-int(from)*size*channels)
				}
			}
			if n := src.Info().Notes; len(n) != 1 {
				t.Errorf("notes %q, want one about 2 bytes", n)
			}
		})
	}
}

// Whatever was cut while it was read, there is an end, and no panic.
func TestRawAudioPlanarCut(t *testing.T) {
	const channels, frames = 4, 4000
	name := file(t, pattern(2*channels*frames))
	src, err := OpenRawAudio(name, RawAudioParams{SampleBytes: 2, Format: audio.Format{Rate: 8000, Channels: channels}, Planar: true})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := src.Read(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 2*(3*frames+200)); err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		p, err := src.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n += len(p.Data) / 2 / channels
	}
	if n != 40 { // 200 less the packet before
		t.Errorf("%d frames behind the first 160, want 40", n)
	}
}

// Beyond 4 GiB, and beyond what 292 years hold, frames are found all the same.
func TestRawAudioHuge(t *testing.T) {
	for _, c := range []struct {
		frames int64
		planar bool
	}{{3 << 30, false}, {3 << 30, true}, {1 << 42, false}} {
		name := file(t, []byte{1})
		const tail = 100
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(2 * c.frames); err != nil {
			f.Close()
			t.Logf("no file of %d bytes can be here: %v", 2*c.frames, err)
			continue
		}
		want := pattern(2 * tail)
		left, right := []byte(nil), []byte(nil)
		for i := range tail {
			left, right = append(left, want[2*i]), append(right, want[2*i+1])
		}
		if c.planar {
			f.WriteAt(left, c.frames-tail)
			f.WriteAt(right, 2*c.frames-tail)
		} else {
			f.WriteAt(want, 2*(c.frames-tail))
		}
		f.Close()
		format := audio.Format{Sample: "u8", Rate: 1000, Channels: 2}
		src, err := OpenRawAudio(name, RawAudioParams{SampleBytes: 1, Format: format, Planar: c.planar})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		if got, want := src.Info().Duration, format.Duration(c.frames); got != want || got <= 0 {
			t.Errorf("%d frames last %v, want %v", c.frames, got, want)
		}
		if err := src.Seek(format.Duration(c.frames - tail)); err != nil {
			t.Fatal(err)
		}
		var got []byte
		for {
			p, err := src.Read()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, p.Data...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%d frames, planar %v: the last are %d bytes that are not the file's", c.frames, c.planar, len(got))
		}
	}
}

func TestRawAudioRefuses(t *testing.T) {
	f := audio.Format{Sample: "s16", Rate: 44100, Channels: 2}
	for _, c := range []struct {
		name string
		p    RawAudioParams
	}{
		{"no channels", RawAudioParams{SampleBytes: 2, Format: audio.Format{Rate: 1000}}},
		{"no rate", RawAudioParams{SampleBytes: 2, Format: audio.Format{Channels: 1}}},
		{"no size", RawAudioParams{Format: f}},
		{"a header as long as the file", RawAudioParams{SampleBytes: 2, Format: f, Header: 99}},
		{"a frame too long", RawAudioParams{SampleBytes: 8, Format: audio.Format{Rate: 1000, Channels: 64}, Planar: true}},
	} {
		if src, err := OpenRawAudio(file(t, pattern(100)), c.p); err == nil {
			src.Close()
			t.Errorf("%s was accepted", c.name)
		}
	}
}

// scripted is a source whose packets are given.
type scripted struct {
	kind  Kind
	times []time.Duration
	next  int
}

func (s *scripted) Info() Info        { return Info{Format: "test", Seekable: true} }
func (s *scripted) Streams() []Stream { return []Stream{{Kind: s.kind}} }
func (s *scripted) Select(...int)     {}
func (s *scripted) Read() (*Packet, error) {
	if s.next == len(s.times) {
		return nil, io.EOF
	}
	s.next++
	return &Packet{PTS: s.times[s.next-1], DTS: NoPTS}, nil
}
func (s *scripted) Seek(time.Duration) error               { s.next = 0; return nil }
func (s *scripted) VideoDecoder(int) (VideoDecoder, error) { return nil, errors.New("video") }
func (s *scripted) AudioDecoder(int) (AudioDecoder, error) { return nil, errors.New("audio") }
func (s *scripted) Interrupt()                             {}
func (s *scripted) Close() error                           { return nil }

func TestPairInterleaves(t *testing.T) {
	v := &scripted{kind: Video, times: []time.Duration{0, 40, 80, 120}}
	a := &scripted{kind: Audio, times: []time.Duration{0, 20, 40, 60}}
	p := Pair(v, a)
	if st := p.Streams(); len(st) != 2 || st[0].Index == st[1].Index {
		t.Fatalf("streams %+v", st)
	}
	collect := func() (order []int) {
		last := [2]time.Duration{}
		for {
			pkt, err := p.Read()
			if err == io.EOF {
				return order
			}
			if pkt.PTS < last[pkt.Stream] {
				t.Errorf("stream %d went back to %v", pkt.Stream, pkt.PTS)
			}
			last[pkt.Stream] = pkt.PTS
			if d := last[0] - last[1]; len(order) > 2 && len(order) < 6 && (d > 60 || d < -60) {
				t.Errorf("streams are %v apart", d)
			}
			order = append(order, pkt.Stream)
		}
	}
	if got := collect(); len(got) != 8 {
		t.Errorf("%d packets, want 8", len(got))
	}
	p.Select(1)
	p.Seek(0)
	for _, s := range collect() {
		if s != 1 {
			t.Error("a packet of a stream that was not selected")
		}
	}
	if _, err := p.VideoDecoder(0); err == nil || err.Error() != "video" {
		t.Errorf("VideoDecoder(0): %v", err)
	}
	if _, err := p.AudioDecoder(1); err == nil || err.Error() != "audio" {
		t.Errorf("AudioDecoder(1): %v", err)
	}
}

// nextPacket reads on while nothing is there yet.
func nextPacket(src Source) (*Packet, error) {
	for {
		if pkt, err := src.Read(); !errors.Is(err, ErrAgain) {
			return pkt, err
		}
	}
}
