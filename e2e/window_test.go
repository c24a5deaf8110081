package e2e

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"planar/internal/xvfb"
)

const screenW, screenH = 1700, 1100

// screen is a private X server.
type screen struct {
	t testing.TB
	*xvfb.Server
}

func newScreen(t testing.TB) *screen {
	t.Helper()
	need(t, "Xvfb", "xdotool")
	s := &screen{t, xvfb.ForTest(t, screenW, screenH)}
	// Not black: bars can be told from no window.
	if path := lookup("xsetroot"); path != "" {
		cmd := exec.Command(path, "-solid", "#402060")
		cmd.Env = append(os.Environ(), "DISPLAY="+s.Display)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("xsetroot: %v: %s", err, out)
		}
	}
	return s
}

// play starts planar in a window, silently, and without a controller over the
// picture.
func (s *screen) play(args ...string) *window {
	s.t.Helper()
	return s.playWith(func(*exec.Cmd) {}, args...)
}

// playWith is play with something of the program's surroundings set.
func (s *screen) playWith(set setup, args ...string) *window {
	s.t.Helper()
	w := &window{screen: s, process: start(s.t, append([]string{"--ao", "null", "--osc", "never"}, args...), env("DISPLAY="+s.Display), set)}
	until(s.t, 10*time.Second, "the window", func() bool {
		if w.ended() {
			s.t.Fatalf("planar has ended: %s", w.err.String())
		}
		w.id, _, _ = strings.Cut(strings.TrimSpace(s.tryXdotool("search", "--onlyvisible", "--class", "planar")), "\n")
		return w.id != ""
	})
	return w
}

func (s *screen) tryXdotool(args ...string) string {
	cmd := exec.Command(lookup("xdotool"), args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+s.Display)
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return string(out)
}

func (s *screen) xdotool(args ...string) string {
	s.t.Helper()
	cmd := exec.Command(lookup("xdotool"), args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+s.Display)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("xdotool %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// shows waits until a check of the screen is passed; otherwise it keeps the
// picture.
func (s *screen) shows(what string, check func(*image.RGBA) error) {
	s.t.Helper()
	var img *image.RGBA
	var err error
	for end := time.Now().Add(4 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if img, err = s.Screenshot(); err != nil {
			s.t.Fatal(err)
		}
		if err = check(img); err == nil {
			return
		}
		if time.Now().After(end) {
			break
		}
	}
	s.t.Errorf("%s: %v; see %s", what, err, keep(s.t, img))
}

// keep writes a bad picture next to the test.
func keep(t testing.TB, img image.Image) string {
	name := strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + ".bad.png"
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	path, _ := filepath.Abs(name)
	return path
}

// window is planar's.
type window struct {
	*screen
	*process
	id string
}

// place is where the window is, without a frame.
func (w *window) place() image.Rectangle {
	w.screen.t.Helper()
	v := map[string]int{}
	for line := range strings.Lines(w.xdotool("getwindowgeometry", "--shell", w.id)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		v[name], _ = strconv.Atoi(value)
	}
	return image.Rect(v["X"], v["Y"], v["X"]+v["WIDTH"], v["Y"]+v["HEIGHT"])
}

func (w *window) title() string { return strings.TrimSpace(w.tryXdotool("getwindowname", w.id)) }

// press presses keys, over the window: there is no window manager, and keys go
// where the pointer is.
func (w *window) press(keys ...string) {
	w.screen.t.Helper()
	p := w.place()
	w.xdotool("mousemove", fmt.Sprint(p.Min.X+p.Dx()/2), fmt.Sprint(p.Min.Y+p.Dy()/2))
	for _, k := range keys {
		w.xdotool("key", k)
	}
}

// quits presses q, and checks that this ends the program as it should.
func (w *window) quits() {
	w.screen.t.Helper()
	w.press("q")
	began := time.Now()
	if r := w.result(5 * time.Second); r.code != 0 || r.stderr != "" {
		w.screen.t.Errorf("exit code %d after q; stderr: %s", r.code, r.stderr)
	}
	if took := time.Since(began); took > 500*time.Millisecond {
		w.screen.t.Errorf("q took %v", took)
	}
}

// yuv is a colour in limited range.
type yuv struct{ y, u, v byte }

// rgb is what it looks like, by the standard's luma coefficients.
func (c yuv) rgb(kr, kb float64) [3]float64 {
	y := (float64(c.y) - 16) / 219
	b := (float64(c.u) - 128) / 224 * 2 * (1 - kb)
	r := (float64(c.v) - 128) / 224 * 2 * (1 - kr)
	out := [3]float64{y + r, y - (kr*r+kb*b)/(1-kr-kb), y + b}
	for i, v := range out {
		out[i] = 255 * min(1, max(0, v))
	}
	return out
}

const (
	kr601, kb601 = 0.299, 0.114
	kr709, kb709 = 0.2126, 0.0722
)

// Four colours that look different by each standard.
var quadrants = [4]yuv{{180, 90, 160}, {90, 170, 100}, {120, 60, 190}, {60, 140, 90}}

// flatClip is raw video of a few frames of the four quadrants.
func flatClip(t testing.TB, w, h int) string {
	t.Helper()
	var frame []byte
	for plane := range 3 {
		pw, ph := w, h
		if plane > 0 {
			pw, ph = (w+1)/2, (h+1)/2
		}
		for y := range ph {
			for x := range pw {
				c := quadrants[2*(2*y/ph)+2*x/pw]
				frame = append(frame, [3]byte{c.y, c.u, c.v}[plane])
			}
		}
	}
	return write(t, fmt.Sprintf("flat_%dx%d_25fps.yuv", w, h), bytes.Repeat(frame, 5))
}

// fit is where a picture has to be in a window: as large as its shape allows, to
// the nearest pixel, in the middle.
func fit(win image.Rectangle, w, h int) image.Rectangle {
	scale := min(float64(win.Dx())/float64(w), float64(win.Dy())/float64(h))
	pw, ph := int(math.Floor(float64(w)*scale+0.5)), int(math.Floor(float64(h)*scale+0.5))
	at := win.Min.Add(image.Pt((win.Dx()-pw)/2, (win.Dy()-ph)/2))
	return image.Rectangle{at, at.Add(image.Pt(pw, ph))}
}

// flat checks that a window shows the quadrants at the right place, each pixel
// within one level, and black around them. Next to the inner borders, where
// colours mix, anything goes.
func flat(win image.Rectangle, w, h int, kr, kb float64) func(*image.RGBA) error {
	pic := fit(win, w, h)
	var want [4][3]float64
	for i, c := range quadrants {
		want[i] = c.rgb(kr, kb)
	}
	// Two samples of chroma, of the source or of a picture scaled down as 4:2:0, in
	// pixels of the screen.
	mixX, mixY := max(4, 4*pic.Dx()/w)+2, max(4, 4*pic.Dy()/h)+2
	midX, midY := pic.Min.X+pic.Dx()/2, pic.Min.Y+pic.Dy()/2
	return func(img *image.RGBA) error {
		if !win.In(img.Rect) {
			return fmt.Errorf("the window %v is not on the screen", win)
		}
		for y := win.Min.Y; y < win.Max.Y; y++ {
			for x := win.Min.X; x < win.Max.X; x++ {
				got := img.RGBAAt(x, y)
				if !image.Pt(x, y).In(pic) {
					if got != (color.RGBA{0, 0, 0, 255}) {
						return fmt.Errorf("pixel %d,%d beside the picture %v in %v is %v, want black", x, y, pic, win, got)
					}
					continue
				}
				if distance(x, midX) <= mixX || distance(y, midY) <= mixY {
					continue
				}
				q := 0
				if x > midX {
					q++
				}
				if y > midY {
					q += 2
				}
				for i, v := range []byte{got.R, got.G, got.B} {
					if math.Abs(float64(v)-want[q][i]) > 1 {
						return fmt.Errorf("pixel %d,%d of the picture %v in %v is %v, want %.1f", x, y, pic, win, got, want[q])
					}
				}
			}
		}
		return nil
	}
}

func distance(a, b int) int { return max(a-b, b-a) }

// Every window size, changed while it plays: rectangle and colours to the pixel.
func TestWindowSizes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		w, h   int
		kr, kb float64 // by size: SD is BT.601, HD is BT.709
		flags  []string
	}{
		{352, 288, kr601, kb601, nil},
		{1280, 720, kr709, kb709, nil},
		{352, 288, kr709, kb709, []string{"--matrix", "bt709"}},
	} {
		t.Run(fmt.Sprint(c.w, "x", c.h, c.flags), func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			w := s.play(append(c.flags, "--loop", "inf", "--geometry", "+0+0", flatClip(t, c.w, c.h))...)
			own := image.Rect(0, 0, c.w, c.h)
			s.shows("its own size", flat(own, c.w, c.h, c.kr, c.kb))
			if p := w.place(); p != own {
				t.Errorf("the window is at %v, want %v", p, own)
			}
			for _, size := range [][2]int{{64, 64}, {333, 777}, {1001, 563}, {1600, 1000}, {65, 1099}, {1699, 64}, {c.w, c.h}} {
				w.xdotool("windowsize", w.id, fmt.Sprint(size[0]), fmt.Sprint(size[1]))
				win := image.Rect(0, 0, size[0], size[1])
				s.shows(fmt.Sprintf("%dx%d", size[0], size[1]), flat(win, c.w, c.h, c.kr, c.kb))
				if p := w.place(); p != win {
					t.Errorf("the window is at %v, want %v", p, win)
				}
			}
			w.quits()
		})
	}
}

func TestGeometry(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	raw := flatClip(t, 352, 288)
	for _, c := range []struct {
		flags []string
		want  image.Rectangle
	}{
		{[]string{"--geometry", "400x300+50+60"}, image.Rect(50, 60, 450, 360)},
		{[]string{"--geometry", "+70+80"}, image.Rect(70, 80, 70+352, 80+288)},
		{[]string{"--geometry", "500x200"}, image.Rect(600, 450, 1100, 650)}, // centred
		{[]string{"--geometry", "400x300-50-60"}, image.Rect(1250, 740, 1650, 1040)},
		{[]string{"--geometry", "400x300+0+0", "--borderless"}, image.Rect(0, 0, 400, 300)},
		{[]string{"--fullscreen"}, image.Rect(0, 0, screenW, screenH)},
	} {
		t.Run(strings.Join(c.flags, " "), func(t *testing.T) {
			s := &screen{t, s.Server}
			w := s.play(append(c.flags, raw)...)
			s.shows("the window", flat(c.want, 352, 288, kr601, kb601))
			if p := w.place(); p != c.want {
				t.Errorf("the window is at %v, want %v", p, c.want)
			}
			w.quits()
		})
	}
}

var frameInTitle = regexp.MustCompile(` #([0-9]+) - `)

// number is the number of the frame on the screen, as the title says, -1 if it
// does not.
func (w *window) number() int {
	if m := frameInTitle.FindStringSubmatch(w.title()); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return -1
}

// at waits until the title says a frame's number, and the screen shows it.
func (w *window) at(t testing.TB, what string, n int) {
	t.Helper()
	got := -1
	for end := time.Now().Add(3 * time.Second); got != n; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("%s: frame #%d, want #%d; title: %s", what, got, n, w.title())
			return
		}
		got = w.number()
	}
	p := w.place()
	w.shows(what, func(img *image.RGBA) error {
		c := img.RGBAAt(p.Min.X+p.Dx()/2, p.Min.Y+p.Dy()/2)
		want := float64(grey(n)-16) * 255 / 219
		if math.Abs(float64(c.G)-want) > 1 || c.R != c.G || c.G != c.B {
			return fmt.Errorf("the title says #%d, which is grey %.1f, but %v is on the screen", n, want, c)
		}
		return nil
	})
}

// grey is the luma of a frame, by which it can be told from its neighbours.
func grey(n int) int { return 30 + n*7%200 }

func greyClip(t testing.TB, frames int) string {
	t.Helper()
	const w, h = 64, 64
	var b []byte
	for n := range frames {
		b = append(b, bytes.Repeat([]byte{byte(grey(n))}, w*h)...)
		b = append(b, bytes.Repeat([]byte{128}, w*h/2)...)
	}
	return write(t, "flat_64x64_25fps.yuv", b)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	w := s.play("--geometry", "200x200+10+10", greyClip(t, 400)) // 16 s
	until(t, 3*time.Second, "it plays", func() bool { return w.number() > 0 })

	w.press("space")
	until(t, 3*time.Second, "a pause", func() bool { return strings.HasPrefix(w.title(), "paused - ") })
	n := w.number()
	time.Sleep(700 * time.Millisecond)
	w.at(t, "pause", n)
	w.press("period")
	w.at(t, ".", n+1)
	w.press("period")
	w.at(t, ".", n+2)
	w.press("comma")
	w.at(t, ",", n+1)
	w.press("comma", "comma")
	w.at(t, ", ,", n-1)
	w.press("period")
	w.at(t, ".", n)
	w.press("space")
	until(t, 3*time.Second, "it plays on", func() bool { return w.number() > n+5 && !strings.HasPrefix(w.title(), "paused") })
	w.press("period")
	until(t, 3*time.Second, "a step stops", func() bool { return strings.HasPrefix(w.title(), "paused - ") })

	w.press("Home")
	w.at(t, "Home", 0)
	w.press("comma")
	time.Sleep(200 * time.Millisecond)
	w.at(t, ", at the first frame", 0)
	w.press("Right")
	w.at(t, "Right", 125)
	w.press("Right")
	w.at(t, "Right", 250)
	w.press("Left")
	w.at(t, "Left", 125)
	w.press("Down")
	w.at(t, "Down", 0)
	w.press("Up")
	w.at(t, "Up", 399)
	w.press("Home")
	w.at(t, "Home", 0)
	w.press("End")
	w.at(t, "End", 399)
	w.press("comma")
	w.at(t, ", at the last frame", 398)
	if !strings.Contains(w.title(), "00:15.920 #398 - flat_64x64_25fps.yuv - planar") {
		t.Errorf("title: %q", w.title())
	}

	small := w.place()
	w.press("f")
	full := image.Rect(0, 0, screenW, screenH)
	until(t, 3*time.Second, "full screen", func() bool { return w.place() == full })
	w.at(t, "full screen", 398)
	w.press("Escape")
	until(t, 3*time.Second, "the window again", func() bool { return w.place() == small })
	w.press("f")
	until(t, 3*time.Second, "full screen", func() bool { return w.place() == full })
	w.press("f")
	until(t, 3*time.Second, "the window again", func() bool { return w.place() == small })
	w.at(t, "after full screen", 398)
	w.quits()
}

// Without --exit the last picture stays; Space begins anew.
func TestLastPictureStays(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	w := s.play("--geometry", "+0+0", greyClip(t, 10))
	until(t, 5*time.Second, "the end", func() bool { return strings.HasPrefix(w.title(), "end - ") })
	w.at(t, "the end", 9)
	time.Sleep(300 * time.Millisecond)
	w.at(t, "the end", 9)
	w.press("space")
	until(t, 3*time.Second, "it plays again", func() bool { return !strings.HasPrefix(w.title(), "end - ") })
	until(t, 3*time.Second, "the end again", func() bool { return strings.HasPrefix(w.title(), "end - ") })
	w.quits()
}

// --exit leaves when all has been played, in its time.
func TestExit(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	began := time.Now()
	r := planar(t, []string{"--exit", "--ao", "null", greyClip(t, 25)}, env("DISPLAY="+s.Display)).ok(t)
	if took := time.Since(began); took < 990*time.Millisecond || took > 3*time.Second {
		t.Errorf("a second took %v", took)
	}
	if r.stdout != "" {
		t.Errorf("stdout: %q", r.stdout)
	}
}

// likeFFmpeg checks a PNG file against FFmpeg's conversion of a frame of raw video.
func likeFFmpeg(t testing.TB, path, raw string, w, h, n int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if img.Bounds() != image.Rect(0, 0, w, h) {
		t.Fatalf("%s: %v, want %dx%d", path, img.Bounds(), w, h)
	}
	// Chroma is where H.264 and MPEG-2 have it: beside the left column, between the rows.
	want := ffmpeg(t, "-f", "rawvideo", "-video_size", fmt.Sprintf("%dx%d", w, h), "-i", raw,
		"-vf", fmt.Sprintf(`select=eq(n\,%d),scale=in_h_chr_pos=0:in_v_chr_pos=128:flags=accurate_rnd+bilinear,format=yuv444p,`+
			`scale=in_color_matrix=bt601:in_range=tv:flags=accurate_rnd+full_chroma_int`, n),
		"-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
	worst, bad := 0, 0
	for y := range h {
		for x := range w {
			c := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
			for i, v := range []byte{c.R, c.G, c.B} {
				d := distance(int(v), int(want[3*(y*w+x)+i]))
				worst = max(worst, d)
				if d > 1 {
					bad++
				}
			}
		}
	}
	if bad > 0 {
		t.Errorf("%s: %d samples differ by more than 1 from FFmpeg's conversion, at most by %d; see %s", path, bad, worst, keep(t, img))
	}
}

func TestSnapshotAndScreenshot(t *testing.T) {
	t.Parallel()
	raw := rawClip(t, 352, 288, 10)
	t.Run("last picture", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "last.png")
		planar(t, quiet("--untimed", "--screenshot", path, raw)).ok(t)
		likeFFmpeg(t, path, raw, 352, 288, 9)
	})
	t.Run("a picture in the middle", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "middle.png")
		planar(t, quiet("--start", "#4", "--frames", "2", "--screenshot", path, raw)).ok(t)
		likeFFmpeg(t, path, raw, 352, 288, 5)
	})
	t.Run("of a window", func(t *testing.T) {
		t.Parallel()
		s := newScreen(t)
		path := filepath.Join(t.TempDir(), "window.png")
		// Its own size, whatever the window's.
		planar(t, []string{"--ao", "null", "--exit", "--geometry", "640x200+0+0", "--screenshot", path, raw}, env("DISPLAY="+s.Display)).ok(t)
		likeFFmpeg(t, path, raw, 352, 288, 9)
	})
	t.Run("key s", func(t *testing.T) {
		t.Parallel()
		s := newScreen(t)
		w := s.play("--pause", "--start", "#7", "--geometry", "+0+0", raw)
		until(t, 3*time.Second, "frame 7", func() bool { return w.number() == 7 })
		stem := strings.TrimSuffix(filepath.Base(raw), ".yuv")
		for i, name := range []string{stem + "-000007.png", stem + "-000007-1.png"} {
			w.press("s")
			path := filepath.Join(w.cmd.Dir, name)
			until(t, 3*time.Second, "the snapshot "+name, func() bool {
				b, err := os.ReadFile(path)
				return err == nil && bytes.HasSuffix(b, []byte("IEND\xaeB`\x82"))
			})
			if i == 0 {
				likeFFmpeg(t, path, raw, 352, 288, 7)
			}
		}
		// A snapshot that cannot be written is told, and no reason to end.
		if err := os.RemoveAll(w.cmd.Dir); err != nil {
			t.Fatal(err)
		}
		w.press("s")
		until(t, 3*time.Second, "a message", func() bool { return strings.HasSuffix(w.err.String(), "\n") })
		w.press("q")
		w.result(5*time.Second).fails(t, 0, "snapshot", "cannot write", "no such file or directory")
	})
}

// The window of a server that does not answer can be left at once.
func TestLeaveWhileOpening(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	for _, c := range []struct {
		name  string
		leave func(*window)
	}{
		{"q", func(w *window) { w.press("q") }},
		{"close", func(w *window) { s.closeWindow(w.id) }},
	} {
		for _, url := range []string{"rtsp://127.0.0.1:%d/cam", "rtmp://127.0.0.1:%d/live/cam"} {
			t.Run(c.name+" "+url[:4], func(t *testing.T) {
				s := &screen{t, s.Server}
				w := s.play("--geometry", "+0+0", fmt.Sprintf(url, mute(t)))
				until(t, 3*time.Second, "the title", func() bool { return strings.HasPrefix(w.title(), "opening "+url[:15]) })
				began := time.Now()
				c.leave(w)
				r := w.result(5 * time.Second)
				if took := time.Since(began); took > 700*time.Millisecond {
					t.Errorf("it took %v", took)
				}
				if r.code != 0 || r.stderr != "" {
					t.Errorf("exit code %d, want 0; stderr: %q", r.code, r.stderr)
				}
			})
		}
	}
	t.Run("close while playing", func(t *testing.T) {
		s := &screen{t, s.Server}
		w := s.play("--loop", "inf", greyClip(t, 50))
		until(t, 3*time.Second, "it plays", func() bool { return w.number() > 0 })
		s.closeWindow(w.id)
		if r := w.result(2 * time.Second); r.code != 0 || r.stderr != "" {
			t.Errorf("exit code %d, want 0; stderr: %q", r.code, r.stderr)
		}
	})
}

// Without a display: a clear message; sound plays all the same.
func TestNoDisplay(t *testing.T) {
	t.Parallel()
	raw := rawClip(t, 176, 144, 25)
	planar(t, []string{"--ao", "null", raw}).fails(t, 2, "X server", "--vo null")
	planar(t, []string{"--ao", "null", raw}, env("DISPLAY=:9999")).fails(t, 2, "X server", "--vo null")
	pcm := write(t, "x.pcm", noise16(44100/2))
	planar(t, append([]string{"--ao", "null", pcm}, cd...)).fails(t, 0, "without a window")
	planar(t, []string{"--ao", "null", "/nowhere/x.pcm"}).fails(t, 2, "/nowhere/x.pcm")
}
