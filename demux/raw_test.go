package demux

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
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
		p, err := src.Read()
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
		pkt, err := src.Read()
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
		p, err := src.Read()
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
	go func() { _, err := src.Read(); done <- err }()
	select {
	case err := <-done:
		if !errors.Is(err, ErrInterrupted) {
			t.Errorf("Read ended with %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Read did not notice the interrupt")
	}
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
			p, err := src.Read()
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
