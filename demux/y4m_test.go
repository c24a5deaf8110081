package demux

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"planar/render"
)

// y4mLayouts knows the shapes that the tests need.
func y4mLayouts(format string, w, h int) ([]render.Layout, error) {
	switch format {
	case "yuv420p":
		return i420(w, h), nil
	case "gray":
		return packed(w, h, 1), nil
	case "yuv422p10le":
		c := render.Layout{RowBytes: (w + 1) / 2 * 2, Rows: h}
		return []render.Layout{{RowBytes: 2 * w, Rows: h}, c, c}, nil
	}
	return nil, fmt.Errorf("pixel format %q is unknown", format)
}

func openY4M(t *testing.T, data []byte) Source {
	t.Helper()
	src, err := OpenY4M(file(t, data), Y4MOptions{Layouts: y4mLayouts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

func TestY4MHeader(t *testing.T) {
	colour := func(r render.Range, s render.Siting) render.Colour { return render.Colour{Range: r, Siting: s} }
	centre := colour(0, render.SitingCentre)
	ntsc, pal := rate(30000, 1001), rate(25, 1)
	for _, c := range []struct {
		line string
		want y4mHeader
	}{
		{"YUV4MPEG2 W352 H288 F30000:1001 Ip A128:117 C420jpeg", y4mHeader{352, 288, "yuv420p", centre, ntsc, rate(128, 117), nil}},
		{"YUV4MPEG2 W352 H288 F25:1", y4mHeader{352, 288, "yuv420p", centre, pal, render.Rational{}, nil}},
		{"YUV4MPEG2 W1 H1 F25:1 It A0:0 C420", y4mHeader{1, 1, "yuv420p", centre, pal, render.Rational{}, nil}},
		{"YUV4MPEG2 C420mpeg2 F25:1 H2 W3 Im", y4mHeader{3, 2, "yuv420p", colour(0, render.SitingLeft), pal, render.Rational{}, nil}},
		{"YUV4MPEG2 W3 H2 F25:1 C420paldv XYSCSS=420MPEG2", y4mHeader{3, 2, "yuv420p", colour(0, render.SitingTopLeft), pal, render.Rational{}, nil}},
		{"YUV4MPEG2 W3 H2 F25:1 XYSCSS=420MPEG2", y4mHeader{3, 2, "yuv420p", colour(0, render.SitingLeft), pal, render.Rational{}, nil}},
		{"YUV4MPEG2 W3 H2 F25:1 XYSCSS=444", y4mHeader{3, 2, "yuv444p", render.Colour{}, pal, render.Rational{}, nil}},
		{"YUV4MPEG2 W3 H2 F25:1 C420p10 XYSCSS=420P10 XCOLORRANGE=FULL", y4mHeader{3, 2, "yuv420p10le", colour(render.Full, 0), pal, render.Rational{}, nil}},
		{"YUV4MPEG2 W3 H2 F25:1 C422p16 XCOLORRANGE=LIMITED XFOO=bar Zwhat", y4mHeader{3, 2, "yuv422p16le", colour(render.Limited, 0), pal, render.Rational{}, nil}},
		{"YUV4MPEG2 W3 H2 F25:1 C444p9", y4mHeader{3, 2, "yuv444p9le", render.Colour{}, pal, render.Rational{}, nil}},
		{"YUV4MPEG2 W3 H2 F25:1 C411", y4mHeader{3, 2, "yuv411p", render.Colour{}, pal, render.Rational{}, nil}},
		{"YUV4MPEG2 W3 H2 F25:1 C422", y4mHeader{3, 2, "yuv422p", render.Colour{}, pal, render.Rational{}, nil}},
		{"YUV4MPEG2 W3 H2 F25:1 C444alpha", y4mHeader{3, 2, "yuva444p", render.Colour{}, pal, render.Rational{}, nil}},
		{"YUV4MPEG2 W3 H2 F25:1 Cmono", y4mHeader{3, 2, "gray", render.Colour{}, pal, render.Rational{}, nil}},
		{"YUV4MPEG2 W3 H2 F25:1 Cmono12", y4mHeader{3, 2, "gray12le", render.Colour{}, pal, render.Rational{}, nil}},
		{"YUV4MPEG2   W3  H2   F50:1 ", y4mHeader{3, 2, "yuv420p", centre, rate(50, 1), render.Rational{}, nil}},
		// The size is checked later.
		{"YUV4MPEG2 W99999999999 H-2 F25:1 A-1:1", y4mHeader{99999999999, -2, "yuv420p", centre, pal, render.Rational{}, nil}},
	} {
		got, err := parseY4M(c.line)
		if err != nil || got.width != c.want.width || got.height != c.want.height || got.format != c.want.format ||
			got.colour != c.want.colour || got.rate != c.want.rate || got.sar != c.want.sar || got.notes != nil {
			t.Errorf("%s: %+v (%v), want %+v", c.line, got, err, c.want)
		}
	}
	for _, f := range []string{"", " F0:0", " F0:1", " F25:0", " F25", " F-25:1", " F99999999999:1", " F2147483647:1", " F1:1001", " Fx:y"} {
		h, err := parseY4M("YUV4MPEG2 W3 H2" + f)
		if err != nil || h.rate != pal || len(h.notes) != 1 {
			t.Errorf("%q: %+v, %v", f, h, err)
		}
	}
	for _, c := range []struct{ line, want string }{
		{"YUV4MPEG W3 H2", "is not a YUV4MPEG2 file"},
		{"", "is not a YUV4MPEG2 file"},
		{"YUV4MPEG2 H2 F25:1", "does not tell the picture size"},
		{"YUV4MPEG2 W3 F25:1", "does not tell the picture size"},
		{"YUV4MPEG2 W H2", `says "W", which is not a size`},
		{"YUV4MPEG2 W3x H2", `says "W3x"`},
		{"YUV4MPEG2 W3 H99999999999999999999999", "which is not a size"},
		{"YUV4MPEG2 W" + strings.Repeat("9", 3000) + " H2", "which is not a size"},
		{"YUV4MPEG2 W3 H2 C420p11", `"420p11"`},
		{"YUV4MPEG2 W3 H2 C410", `"410"`},
		{"YUV4MPEG2 W3 H2 Cmono8\x1b[2J", `"mono8\x1b[2J"`},
		{"YUV4MPEG2 W3 H2 XYSCSS=999", `"999"`},
	} {
		if _, err := parseY4M(c.line); err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 200 {
			t.Errorf("%.60q: %v, want %q", c.line, err, c.want)
		}
	}
}

func TestY4MOpenErrors(t *testing.T) {
	const head = "YUV4MPEG2 W4 H4 F25:1\n"
	for _, c := range []struct{ about, data, want string }{
		{"another file", "RIFF....AVI LIST", `is not a YUV4MPEG2 file: it begins with "RIFF....AV"`},
		{"a short one", "YUV4", `it begins with "YUV4"`},
		{"no line end", "YUV4MPEG2 W4 H4 F25:1", "ends within its header"},
		{"a long line", "YUV4MPEG2 W4 H4 X" + strings.Repeat("x", 10<<10) + "\n", "more than 4096 bytes"},
		{"a huge picture", "YUV4MPEG2 W99999999999 H4\nFRAME\n", "size 99999999999x4 is outside 1x1"},
		{"2^31 x 2^31", "YUV4MPEG2 W2147483648 H2147483648\nFRAME\n", "is outside 1x1"},
		{"a large picture", "YUV4MPEG2 W32768 H32768\nFRAME\n", "less than one yuv420p frame of 32768x32768 (1610612742 bytes)"},
		{"a frame over 2^31", "YUV4MPEG2 W32768 H32768 C422p10\nFRAME\n", "the limit is 2^31"},
		{"no frame", head, "0 bytes follow its header"},
		{"part of a frame", head + "FRAME\n" + strings.Repeat("x", 23), "29 bytes follow its header"},
		{"no frame header", head + strings.Repeat("x", 60), "no frame header (FRAME) at byte 22"},
		{"FRAMES", head + "FRAMES\n" + strings.Repeat("x", 60), "at byte 22"},
		{"endless frame header", head + "FRAME " + strings.Repeat("x", 9000), "at byte 22"},
		{"a format without layout", "YUV4MPEG2 W4 H4 C411\nFRAME\n", `"yuv411p" is unknown`},
	} {
		src, err := OpenY4M(file(t, []byte(c.data)), Y4MOptions{Layouts: y4mLayouts})
		if err == nil {
			src.Close()
			t.Errorf("%s: opened", c.about)
		} else if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "x.yuv: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q does not say %q", c.about, err, c.want)
		}
	}
	if _, err := OpenY4M(filepath.Join(t.TempDir(), "none.y4m"), Y4MOptions{}); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Error(err)
	}
}

func TestIsY4M(t *testing.T) {
	for head, want := range map[string]bool{"YUV4MPEG2 W": true, "YUV4MPEG2 ": true, "YUV4MPEG2": false, "YUV4MPEG2\n": false, "": false} {
		if IsY4M([]byte(head)) != want {
			t.Errorf("IsY4M(%q) is not %v", head, want)
		}
	}
}

// y4mFile makes a file of 4x4 frames whose headers have the given parameters;
// a frame's bytes are its number.
func y4mFile(parameters ...string) []byte {
	data := []byte("YUV4MPEG2 W4 H4 F25:1 A16:11 C420mpeg2 XCOLORRANGE=FULL\n")
	for i, p := range parameters {
		data = append(data, "FRAME"+p+"\n"...)
		data = append(data, bytes.Repeat([]byte{byte(i + 1)}, 24)...)
	}
	return data
}

// numbers reads the rest of a file of y4mFile and returns its frames' bytes.
func numbers(t *testing.T, src Source) (all []byte) {
	t.Helper()
	frames, _ := readFrames(t, src)
	for _, f := range frames {
		if len(f) != 24 || !bytes.Equal(f, bytes.Repeat(f[:1], 24)) {
			t.Errorf("a frame of %v", f)
		}
		all = append(all, f[0])
	}
	return all
}

func upTo(n int) (all []byte) {
	for i := range n {
		all = append(all, byte(i+1))
	}
	return all
}

func TestY4M(t *testing.T) {
	long := " X" + strings.Repeat("y", 300)
	for _, c := range []struct {
		about      string
		parameters []string
	}{
		{"plain", make([]string, 12)},
		{"alike", slices.Repeat([]string{" Ip XA=1"}, 12)},
		{"first differs", append([]string{" Ip"}, make([]string, 11)...)},
		{"last differs", append(make([]string, 11), long)},
		{"varying", []string{"", " I", "", long, " ", " Xa", "", "", " I1 X2", long, "", ""}},
	} {
		src := openY4M(t, append(y4mFile(c.parameters...), "FRAME\nrest"...))
		st := src.Streams()[0]
		if st.Codec != "rawvideo" || st.Width != 4 || st.PixelFormat != "yuv420p" || st.SAR != rate(16, 11) || st.FrameRate != rate(25, 1) ||
			st.Colour != (render.Colour{Range: render.Full, Siting: render.SitingLeft}) {
			t.Errorf("%s: stream %+v", c.about, st)
		}
		if got := numbers(t, src); !bytes.Equal(got, upTo(12)) {
			t.Errorf("%s: in order %v", c.about, got)
		}
		if info := src.Info(); info.Duration != 480*time.Millisecond || info.Format != "yuv4mpegpipe" || !info.Seekable ||
			len(info.Notes) != 1 || !strings.Contains(info.Notes[0], "10 bytes are left over after 12 whole frames") {
			t.Errorf("%s: info %+v", c.about, info)
		}
		for _, fresh := range []bool{false, true} {
			for _, to := range []int{7, 0, 11, 3, 12, 1000, 1} {
				s := src
				if fresh {
					s = openY4M(t, append(y4mFile(c.parameters...), "FRAME\nrest"...))
				}
				if err := s.Seek(time.Duration(to) * 40 * time.Millisecond); err != nil {
					t.Fatal(err)
				}
				to = min(to, 11)
				pkt, err := nextPacket(s)
				if err != nil || pkt.PTS != time.Duration(to)*40*time.Millisecond || pkt.Data[0] != byte(to+1) {
					t.Errorf("%s: after a seek to %d: %+v, %v", c.about, to, pkt, err)
					continue
				}
				pkt.Release()
			}
		}
		src.Seek(0)
		if got := numbers(t, src); !bytes.Equal(got, upTo(12)) {
			t.Errorf("%s: once more %v", c.about, got)
		}
	}
}

func TestY4MFlagsWin(t *testing.T) {
	m := &mapped{}
	name := file(t, slices.Concat([]byte("YUV4MPEG2 W4 H4 C420mpeg2 XCOLORRANGE=FULL\n"), y4mFile("", "")[57-1:]))
	src, err := OpenY4M(name, Y4MOptions{
		Layouts: y4mLayouts, Map: m.look, Rate: rate(50, 1),
		Colour: render.Colour{Matrix: render.BT2020, Siting: render.SitingTopLeft},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	st, info := src.Streams()[0], src.Info()
	if st.FrameRate != rate(50, 1) || st.Colour != (render.Colour{Matrix: render.BT2020, Range: render.Full, Siting: render.SitingTopLeft}) || len(info.Notes) != 0 {
		t.Errorf("stream %+v, info %+v", st, info)
	}
	if got := numbers(t, src); !bytes.Equal(got, upTo(2)) || m.calls.Load() != 2 || m.open.Load() != 0 {
		t.Errorf("frames %v, %d mapped, %d still open", got, m.calls.Load(), m.open.Load())
	}
}

func TestY4MDamage(t *testing.T) {
	data := y4mFile(make([]string, 9)...)
	head := bytes.IndexByte(data, '\n') + 1
	at := head + 5*30
	data[at] = 'f'
	want := fmt.Sprintf("no frame header (FRAME) at byte %d", at)
	src := openY4M(t, data)
	for i := range 5 {
		if pkt, err := nextPacket(src); err != nil || pkt.Data[0] != byte(i+1) {
			t.Fatalf("frame %d: %v", i, err)
		}
	}
	for range 2 {
		if _, err := nextPacket(src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	src.Interrupt()
	if _, err := nextPacket(src); !errors.Is(err, ErrInterrupted) {
		t.Errorf("after an interrupt: %v", err)
	}
	// Frames behind the damage are found where they should be.
	src = openY4M(t, data)
	src.Seek(280 * time.Millisecond)
	if pkt, err := nextPacket(src); err != nil || pkt.Data[0] != 8 {
		t.Errorf("behind the damage: %v", err)
	}
}

func TestY4MFromFIFO(t *testing.T) {
	for _, parameters := range [][]string{{"", "", "", ""}, {"", " Ip", "", " X" + strings.Repeat("z", 500)}} {
		p := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(p, 0o600); err != nil {
			t.Skip("no FIFOs here:", err)
		}
		go func() {
			w, err := os.OpenFile(p, os.O_WRONLY, 0)
			if err != nil {
				return
			}
			data := append(y4mFile(parameters...), "FRAME\ncut"...)
			for i := 0; i < len(data); i += 7 {
				w.Write(data[i:min(i+7, len(data))])
			}
			w.Close()
		}()
		src, err := OpenY4M(p, Y4MOptions{Layouts: y4mLayouts, Map: new(mapped).look})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		if info := src.Info(); info.Seekable || info.Duration != 0 || src.Seek(0) == nil {
			t.Errorf("a FIFO: %+v", info)
		}
		if got := numbers(t, src); !bytes.Equal(got, upTo(4)) {
			t.Errorf("frames %v", got)
		}
	}
}

func TestGrowingY4M(t *testing.T) {
	for _, parameters := range [][]string{make([]string, 6), {"", "", " Ip", "", " Xabcdefgh", ""}} {
		data := y4mFile(parameters...)
		synctest.Test(t, func(t *testing.T) {
			e := newEncoder(t, data[:100])
			src, err := OpenY4M(e.f.Name(), Y4MOptions{Layouts: y4mLayouts})
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				for at := 100; at < len(data); at += 11 {
					time.Sleep(time.Second)
					e.write(data[at:min(at+11, len(data))])
					src.Info()
				}
			}()
			got := numbers(t, src)
			<-done
			if !bytes.Equal(got, upTo(6)) {
				t.Errorf("frames %v", got)
			}
			if d := src.Info().Duration; d != 240*time.Millisecond {
				t.Errorf("duration %v", d)
			}
		})
	}
}

func TestTruncatedY4M(t *testing.T) {
	for _, parameters := range [][]string{make([]string, 9), {"", "", " Ip", "", " Xabcdefgh", "", "", "", ""}} {
		data := y4mFile(parameters...)
		name := file(t, data)
		src, err := OpenY4M(name, Y4MOptions{Layouts: y4mLayouts})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		if got := numbers(t, src); len(got) != 9 { // all places are known
			t.Fatal(got)
		}
		src.Seek(0)
		nextPacket(src)
		if err := os.Truncate(name, int64(bytes.IndexByte(data, 3)+5)); err != nil { // in frame 2
			t.Fatal(err)
		}
		if got := numbers(t, src); !bytes.Equal(got, []byte{2}) {
			t.Errorf("frames %v after the first", got)
		}
		if d := src.Info().Duration; d != 80*time.Millisecond {
			t.Errorf("duration %v", d)
		}
		if err := src.Seek(time.Hour); err != nil {
			t.Fatal(err)
		}
		if pkt, err := nextPacket(src); err != nil || pkt.Data[0] != 2 {
			t.Errorf("after a seek: %v, %v", pkt, err)
		}
	}
}

func FuzzY4MHeader(f *testing.F) {
	f.Add("YUV4MPEG2 W352 H288 F30000:1001 Ip A128:117 C420jpeg XYSCSS=420JPEG XCOLORRANGE=FULL")
	f.Add("YUV4MPEG2 W99999999999 H-1 F0:0 A1:0 C444alpha")
	f.Add("YUV4MPEG2 Cmono16")
	f.Fuzz(func(t *testing.T, line string) {
		h, err := parseY4M(line)
		if err != nil {
			if len(err.Error()) > 400 || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q", err)
			}
			return
		}
		if f := h.rate.Float(); f < 0.001 || f > 1000 || h.format == "" || h.width == 0 || h.height == 0 {
			t.Errorf("%q: %+v", line, h)
		}
	})
}

func FuzzY4MFile(f *testing.F) {
	f.Add(y4mFile("", "", ""), uint16(1))
	f.Add(y4mFile("", " Ip", "", " X"), uint16(2))
	f.Add([]byte("YUV4MPEG2 W1 H1 Cmono\nFRAME\nxFRAME \nyFRAM"), uint16(0))
	f.Add([]byte("YUV4MPEG2 W32768 H32768 Cmono\nFRAME\nx"), uint16(9))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte, seek uint16) {
		name := filepath.Join(dir, fmt.Sprint(os.Getpid(), ".y4m"))
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(name, time.Time{}, time.Unix(0, 0))
		src, err := OpenY4M(name, Y4MOptions{Layouts: y4mLayouts})
		if err != nil {
			return
		}
		defer src.Close()
		read := func() (n int, last error) {
			for {
				pkt, err := nextPacket(src)
				if err != nil {
					return n, err
				}
				n++
				pkt.Release()
			}
		}
		n, err := read()
		src.Info()
		if err := src.Seek(time.Duration(seek) * time.Millisecond); err != nil {
			return
		}
		nextPacket(src)
		src.Seek(0)
		if again, errAgain := read(); again != n || (err == io.EOF) != (errAgain == io.EOF) {
			t.Errorf("%d frames and %v, then %d and %v", n, err, again, errAgain)
		}
	})
}
