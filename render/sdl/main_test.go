package sdlwindow

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"planar/internal/xvfb"
	"planar/render"
	"planar/render/convert"
)

const screenW, screenH = 1920, 1200

var (
	server    *xvfb.Server
	mainTasks = make(chan func())
)

func init() { runtime.LockOSThread() }

// TestMain runs the tests beside the main goroutine, which is free for SDL.
func TestMain(m *testing.M) {
	var err error
	server, err = xvfb.Start(screenW, screenH, 24)
	if err != nil && !errors.Is(err, xvfb.ErrMissing) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if server != nil {
		os.Setenv("DISPLAY", server.Display)
		os.Unsetenv("WAYLAND_DISPLAY")
	}
	code := make(chan int)
	go func() { code <- m.Run() }()
	for {
		select {
		case f := <-mainTasks:
			f()
		case c := <-code:
			if server != nil {
				server.Close()
			}
			os.Exit(c)
		}
	}
}

// onMain runs f on the main thread, to its end.
func onMain(f func()) {
	done := make(chan struct{})
	mainTasks <- func() { defer close(done); f() }
	<-done
}

func needServer(t testing.TB) {
	t.Helper()
	if server == nil {
		t.Skip(xvfb.ErrMissing)
	}
}

// open opens a window for the time of a test.
func open(t testing.TB, opts Options) *Window {
	t.Helper()
	needServer(t)
	if opts.Converter == nil {
		opts.Converter = convert.New(nil)
	}
	var w *Window
	var err error
	onMain(func() { w, err = Open(opts) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		onMain(func() {
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		})
		opts.Converter.Close()
	})
	return w
}

func geometry(t testing.TB, s string) render.Geometry {
	t.Helper()
	g, err := render.ParseGeometry(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// quadrants is a picture of four flat colours: white and red above, green and
// blue below. It is the picture as stored; rotation is how it is to be shown.
func quadrants(w, h, rotation int) *render.Picture {
	yuv := [4][3]byte{{235, 128, 128}, {81, 90, 240}, {145, 54, 34}, {41, 240, 110}}
	p := &render.Picture{Format: "yuv420p", Width: w, Height: h, Rotation: rotation}
	p.Colour = render.Colour{Matrix: render.BT601, Range: render.Limited}
	for i := range 3 {
		pw, ph := w, h
		if i > 0 {
			pw, ph = (w+1)/2, (h+1)/2
		}
		pl := render.Plane{RowBytes: pw, Rows: ph, Stride: pw + 3}
		pl.Data = make([]byte, ph*pl.Stride)
		for y := range ph {
			for x := range pw {
				q := 0
				if 2*x >= pw {
					q++
				}
				if 2*y >= ph {
					q += 2
				}
				pl.Data[y*pl.Stride+x] = yuv[q][i]
			}
		}
		p.Planes = append(p.Planes, pl)
	}
	return p
}

// flat is a picture of one colour.
func flat(w, h int, y, u, v byte) *render.Picture {
	p := quadrants(w, h, 0)
	for i, value := range []byte{y, u, v} {
		for j := range p.Planes[i].Data {
			p.Planes[i].Data[j] = value
		}
	}
	return p
}

// quadrantColour is what quadrants shows in its upper left (0), upper right
// (1), lower left (2) and lower right (3) when turned.
func quadrantColour(q, rotation int) [3]byte {
	stored := map[int][4]int{0: {0, 1, 2, 3}, 90: {2, 0, 3, 1}, 180: {3, 2, 1, 0}, 270: {1, 3, 0, 2}}[rotation][q]
	return [4][3]byte{{255, 255, 255}, {254, 0, 0}, {0, 255, 1}, {0, 0, 255}}[stored]
}

func show(t testing.TB, w *Window, p *render.Picture) {
	t.Helper()
	var err error
	onMain(func() {
		if err = w.Prepare(p); err == nil {
			err = w.Present(0, 0)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// settle handles events until done is true or a second has passed.
func settle(w *Window, done func() bool) {
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		onMain(func() { w.Wait(ctx) })
		cancel()
		if done() {
			return
		}
	}
}

// idle handles the events of the next fifth of a second.
func idle(w *Window) {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	for ctx.Err() == nil {
		onMain(func() { w.Wait(ctx) })
	}
}

func screenshot(t testing.TB) *image.RGBA {
	t.Helper()
	img, err := server.Screenshot()
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func near(img *image.RGBA, x, y int, want [3]byte, tolerance int) bool {
	c := img.Pix[img.PixOffset(x, y):][:3]
	return abs(int(c[0])-int(want[0])) <= tolerance && abs(int(c[1])-int(want[1])) <= tolerance && abs(int(c[2])-int(want[2])) <= tolerance
}

// expect compares the window at r, which shows quadrants(pw, ph, rotation) or
// nothing if pw is 0, with the screen. A bad screen is kept as a file.
func expect(t testing.TB, img *image.RGBA, r render.Rect, pw, ph, rotation int) {
	t.Helper()
	if err := differs(img, r, pw, ph, rotation); err != nil {
		t.Errorf("%v%s", err, keep(t, img))
	}
}

func differs(img *image.RGBA, r render.Rect, pw, ph, rotation int) error {
	if rotation%180 != 0 {
		pw, ph = ph, pw
	}
	in := render.Fit(r.W, r.H, pw, ph)
	var colours [4][3]byte
	for q := range colours {
		colours[q] = quadrantColour(q, rotation)
	}
	// Near the borders of the quadrants colours mix, over some source samples.
	mixX, mixY := 3, 3
	if pw > 0 {
		mixX, mixY = 3+4*in.W/pw, 3+4*in.H/ph
	}
	for y := range r.H {
		for x := range r.W {
			want, tolerance := [3]byte{}, 0
			if px, py := x-in.X, y-in.Y; px >= 0 && py >= 0 && px < in.W && py < in.H {
				if abs(2*px-in.W) <= 2*mixX || abs(2*py-in.H) <= 2*mixY {
					continue
				}
				q := 0
				if 2*px >= in.W {
					q++
				}
				if 2*py >= in.H {
					q += 2
				}
				// The textures of SDL are off by one more.
				want, tolerance = colours[q], 2
			}
			if !near(img, r.X+x, r.Y+y, want, tolerance) {
				return fmt.Errorf("window %v, picture %v: pixel %d,%d is %v, want %v",
					r, in, x, y, img.RGBAAt(r.X+x, r.Y+y), want)
			}
		}
	}
	return nil
}

func abs(v int) int { return max(v, -v) }

// keep writes img beside the test and says where.
func keep(t testing.TB, img *image.RGBA) string {
	name := strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + ".bad.png"
	f, err := os.Create(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	if png.Encode(f, img) != nil {
		return ""
	}
	path, _ := filepath.Abs(name)
	return "; screen kept in " + path
}

// xdotool runs xdotool on the test's display.
func xdotool(t testing.TB, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("xdotool"); err != nil {
		t.Skip("needs xdotool")
	}
	out, err := exec.Command("xdotool", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("xdotool %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// xid is the X11 window of w.
func xid(t testing.TB, w *Window) string {
	t.Helper()
	var id uint64
	onMain(func() { _, id = x11Window(w.win) })
	if id == 0 {
		t.Fatal("the window has no X11 number")
	}
	return strconv.FormatUint(id, 10)
}
