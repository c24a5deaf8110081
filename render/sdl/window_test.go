package sdlwindow

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"planar/internal/xvfb"
	"planar/render"
	"planar/render/convert"
)

var renderers = []string{"software", "opengl"}

// eachRenderer runs f with both canvases.
func eachRenderer(t *testing.T, f func(t *testing.T, renderer string)) {
	needServer(t)
	for _, r := range renderers {
		t.Run(r, func(t *testing.T) { f(t, r) })
	}
}

func TestPictureInWindow(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		for i, size := range [][2]int{{64, 64}, {333, 777}, {1100, 700}, {352, 288}, {353, 289}} {
			for j, c := range []struct{ w, h, rotation int }{
				{352, 288, 0}, {351, 289, 0}, {352, 288, 90}, {352, 288, 180}, {351, 289, 270}, {16, 16, 0}, {1280, 720, 0},
			} {
				if renderer != "software" && (i+j)%3 != 0 {
					continue // size, shape and turning are the graphics processor's
				}
				t.Run(fmt.Sprintf("%dx%d/%dx%d-%d", size[0], size[1], c.w, c.h, c.rotation), func(t *testing.T) {
					g := geometry(t, fmt.Sprintf("%dx%d+31+17", size[0], size[1]))
					w := open(t, Options{Renderer: renderer, Geometry: g})
					show(t, w, quadrants(c.w, c.h, c.rotation))
					r := render.Rect{X: 31, Y: 17, W: size[0], H: size[1]}
					img := screenshot(t)
					expect(t, img, r, c.w, c.h, c.rotation)
					for _, outside := range [][2]int{{r.X - 1, r.Y}, {r.X, r.Y - 1}, {r.X + r.W, r.Y}, {r.X, r.Y + r.H}} {
						if !near(img, outside[0], outside[1], [3]byte{}, 0) {
							t.Errorf("pixel %v outside the window is not the root's", outside)
						}
					}
				})
			}
		}
	})
}

// TestColours shows colours that SDL's textures do not know.
func TestColours(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "64x64+0+0")})
		for _, c := range []struct {
			format  string
			colour  render.Colour
			y, u, v byte
			want    [3]byte
		}{
			{"yuv420p", render.Colour{Matrix: render.BT601, Range: render.Limited}, 100, 100, 160, [3]byte{149, 83, 41}},
			{"yuv420p", render.Colour{Matrix: render.BT601, Range: render.Full}, 100, 100, 160, [3]byte{145, 87, 50}},
			{"yuvj420p", render.Colour{Matrix: render.BT601}, 100, 100, 160, [3]byte{145, 87, 50}},
			{"yuv420p", render.Colour{Matrix: render.BT709, Range: render.Limited}, 100, 100, 160, [3]byte{155, 87, 39}},
			{"yuv420p", render.Colour{Matrix: render.BT709, Range: render.Full}, 100, 100, 160, [3]byte{150, 90, 48}},
			{"yuv420p", render.Colour{Matrix: render.BT2020, Range: render.Limited}, 100, 100, 160, [3]byte{152, 82, 38}},
			{"yuv420p", render.Colour{Matrix: render.BT2020, Range: render.Full}, 100, 100, 160, [3]byte{147, 86, 47}},
		} {
			p := flat(64, 64, c.y, c.u, c.v)
			p.Format, p.Colour = c.format, c.colour
			show(t, w, p)
			if img := screenshot(t); !near(img, 32, 32, c.want, 1) {
				t.Errorf("%s %v: got %v, want %v", c.format, c.colour, img.RGBAAt(32, 32), c.want)
			}
		}
	})
}

func TestSampleAspect(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "640x480+0+0")})
		p := quadrants(352, 288, 0)
		p.SAR = render.Rational{Num: 16, Den: 11}
		show(t, w, p)
		expect(t, screenshot(t), render.Rect{W: 640, H: 480}, 512, 288, 0)
	})
}

func TestResize(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "400x300+10+10")})
		show(t, w, quadrants(352, 288, 0))
		id := xid(t, w)
		for _, size := range [][2]int{{800, 300}, {200, 700}, {64, 64}, {801, 601}} {
			xdotool(t, "windowsize", id, fmt.Sprint(size[0]), fmt.Sprint(size[1]))
			r := render.Rect{X: 10, Y: 10, W: size[0], H: size[1]}
			settle(w, func() bool { return differs(screenshot(t), r, 352, 288, 0) == nil })
			expect(t, screenshot(t), r, 352, 288, 0)
		}
		// It is the user's size now: a new shape does not change it.
		onMain(func() { w.SetShape(640, 360) })
		show(t, w, quadrants(640, 360, 0))
		expect(t, screenshot(t), render.Rect{X: 10, Y: 10, W: 801, H: 601}, 640, 360, 0)
	})
}

// TestExpose: what others have drawn over is drawn again, paused or not.
func TestExpose(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "400x300+10+10")})
		show(t, w, quadrants(352, 288, 0))
		idle(w)
		id := xid(t, w)
		xdotool(t, "windowunmap", "--sync", id)
		if near(screenshot(t), 200, 100, quadrantColour(0, 0), 2) {
			t.Fatal("the window is still there")
		}
		xdotool(t, "windowmap", "--sync", id)
		r := render.Rect{X: 10, Y: 10, W: 400, H: 300}
		settle(w, func() bool { return differs(screenshot(t), r, 352, 288, 0) == nil })
		expect(t, screenshot(t), r, 352, 288, 0)
	})
}

// TestPreparedIsNotShown: Prepare changes nothing on the screen, nor does an
// exposure in between, and Present shows the right picture after it.
func TestPreparedIsNotShown(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "352x288+0+0")})
		r := render.Rect{W: 352, H: 288}
		show(t, w, quadrants(352, 288, 0))
		onMain(func() {
			if err := w.Prepare(quadrants(352, 288, 180)); err != nil {
				t.Error(err)
			}
		})
		expect(t, screenshot(t), r, 352, 288, 0)
		id := xid(t, w)
		xdotool(t, "windowunmap", "--sync", id)
		xdotool(t, "windowmap", "--sync", id)
		settle(w, func() bool { return differs(screenshot(t), r, 352, 288, 0) == nil })
		expect(t, screenshot(t), r, 352, 288, 0)
		onMain(func() {
			if err := w.Present(1, 0); err != nil {
				t.Error(err)
			}
		})
		expect(t, screenshot(t), r, 352, 288, 180)
		// And again with a resize in between.
		onMain(func() {
			if err := w.Prepare(quadrants(352, 288, 0)); err != nil {
				t.Error(err)
			}
		})
		xdotool(t, "windowsize", id, "500", "300")
		r = render.Rect{W: 500, H: 300}
		settle(w, func() bool { return differs(screenshot(t), r, 352, 288, 180) == nil })
		expect(t, screenshot(t), r, 352, 288, 180)
		onMain(func() {
			if err := w.Present(2, 0); err != nil {
				t.Error(err)
			}
		})
		expect(t, screenshot(t), r, 352, 288, 0)
	})
}

func TestHiddenUntilShown(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer})
		onMain(func() {
			w.SetShape(1920, 800)
			if err := w.Prepare(quadrants(1920, 800, 0)); err != nil {
				t.Error(err)
			}
		})
		if !near(screenshot(t), 100, 250, [3]byte{}, 0) {
			t.Error("the window shows before Present")
		}
		onMain(func() {
			if err := w.Present(0, 0); err != nil {
				t.Error(err)
			}
		})
		expect(t, screenshot(t), render.Rect{Y: 200, W: 1920, H: 800}, 1920, 800, 0)
		// The next source has another shape, and nobody has resized the window.
		onMain(func() { w.SetShape(640, 360) })
		show(t, w, quadrants(640, 360, 0))
		idle(w)
		expect(t, screenshot(t), render.Rect{Y: 200, W: 640, H: 360}, 640, 360, 0)
	})
}

func TestShowNow(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "300x200-0-0")})
		visible := func() string { return xdotool(t, "search", "--onlyvisible", "--class", "planar") }
		onMain(func() {
			if err := w.ShowNow(); err != nil {
				t.Error(err)
			}
		})
		if got := visible(); !strings.Contains(got, xid(t, w)) {
			t.Errorf("visible windows of planar: %q", got)
		}
		expect(t, screenshot(t), render.Rect{X: screenW - 300, Y: screenH - 200, W: 300, H: 200}, 0, 0, 0)
		onMain(func() { w.SetTitle("a title – ü") })
		idle(w)
		if got := xdotool(t, "getwindowname", xid(t, w)); got != "a title – ü" {
			t.Errorf("title %q", got)
		}
	})
}

func TestFullscreen(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "400x300+50+60")})
		show(t, w, quadrants(352, 288, 0))
		whole := render.Rect{W: screenW, H: screenH}
		part := render.Rect{X: 50, Y: 60, W: 400, H: 300}
		for range 2 {
			onMain(func() { w.SetFullscreen(true) })
			settle(w, func() bool { return differs(screenshot(t), whole, 352, 288, 0) == nil })
			expect(t, screenshot(t), whole, 352, 288, 0)
			if !w.Fullscreen() {
				t.Error("Fullscreen is false")
			}
			onMain(func() { w.SetFullscreen(false) })
			settle(w, func() bool { return differs(screenshot(t), part, 352, 288, 0) == nil })
			expect(t, screenshot(t), part, 352, 288, 0)
			if w.Fullscreen() {
				t.Error("Fullscreen is true")
			}
		}
	})
}

func TestStartsFullscreen(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Fullscreen: true})
		onMain(func() { w.SetShape(352, 288) })
		show(t, w, quadrants(352, 288, 0))
		whole := render.Rect{W: screenW, H: screenH}
		settle(w, func() bool { return differs(screenshot(t), whole, 352, 288, 0) == nil })
		expect(t, screenshot(t), whole, 352, 288, 0)
	})
}

func TestBicubicIsTheConverters(t *testing.T) {
	needServer(t)
	other := &counting{}
	w := open(t, Options{Renderer: "opengl", Filter: render.Bicubic, Converter: other, Geometry: geometry(t, "400x300+0+0")})
	show(t, w, quadrants(100, 100, 0))
	if other.w != 300 || other.h != 300 {
		t.Errorf("the converter scaled to %dx%d", other.w, other.h)
	}
	xdotool(t, "windowsize", xid(t, w), "500", "500")
	settle(w, func() bool { return other.w == 500 })
	if other.w != 500 || other.h != 500 {
		t.Errorf("after a resize the converter scaled to %dx%d", other.w, other.h)
	}
}

// counting is a converter that remembers what size it was asked for.
type counting struct{ w, h int }

func (c *counting) Convert(dst render.Bitmap, _ *render.Picture, _ render.Filter) error {
	c.w, c.h = dst.Width, dst.Height
	return nil
}

func (*counting) Close() {}

func TestWait(t *testing.T) {
	w := open(t, Options{Renderer: "software", Geometry: geometry(t, "100x100+0+0")})
	show(t, w, quadrants(64, 64, 0))
	idle(w)

	// A Wake before Wait ends it, and many are one.
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				w.Wake()
			}
		})
	}
	all.Wait()
	onMain(func() { w.Wait(context.Background()) })
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Millisecond)
	start := time.Now()
	onMain(func() { w.Wait(ctx) })
	cancel()
	if d := time.Since(start); d < 50*time.Millisecond {
		t.Errorf("a second Wait ended after %v: wakes were not merged", d)
	}
	// A context that has ended does not block.
	onMain(func() { w.Wait(ctx) })
	// A Wake during Wait ends it soon.
	for range 20 {
		woken := make(chan time.Time, 1)
		go func() {
			time.Sleep(10 * time.Millisecond)
			woken <- time.Now()
			w.Wake()
		}()
		onMain(func() { w.Wait(context.Background()) })
		if d := time.Since(<-woken); d > 500*time.Millisecond {
			t.Errorf("Wake took %v", d)
		}
	}
}

// TestIdle: waiting costs no processor time.
func TestIdle(t *testing.T) {
	w := open(t, Options{Renderer: "software", Geometry: geometry(t, "100x100+0+0")})
	show(t, w, quadrants(64, 64, 0))
	idle(w)
	before := cpuTime(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	onMain(func() { w.Wait(ctx) })
	if used := cpuTime(t) - before; used > 100*time.Millisecond {
		t.Errorf("a second of waiting took %v of processor time", used)
	}
}

func TestErrors(t *testing.T) {
	needServer(t)
	k := convert.New(nil)
	defer k.Close()
	fails := func(opts Options, words ...string) {
		t.Helper()
		var w *Window
		var err error
		onMain(func() { w, err = Open(opts) })
		if err == nil {
			onMain(func() { w.Close() })
			t.Error("Open succeeded")
			return
		}
		for _, s := range words {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%q does not mention %q", err, s)
			}
		}
	}
	fails(Options{}, "converter")
	fails(Options{Converter: k, Renderer: "vulkan"}, "vulkan", "software")
	t.Setenv("DISPLAY", ":987")
	fails(Options{Converter: k}, "no display", `DISPLAY=":987"`)
	os.Unsetenv("DISPLAY")
	fails(Options{Converter: k}, "no display", "DISPLAY is not set")
}

func TestPresentWithoutPicture(t *testing.T) {
	w := open(t, Options{})
	onMain(func() {
		if w.Present(0, 0) == nil {
			t.Error("Present succeeded")
		}
		p := quadrants(64, 64, 0)
		p.Format = "yuv999"
		if w.Prepare(p) == nil {
			t.Error("Prepare of an unknown format succeeded")
		}
		if w.Present(0, 0) == nil {
			t.Error("Present succeeded after Prepare had failed")
		}
	})
}

// otherDepth runs f on the main thread, with a window of 400x300 on a screen of
// 16 bits.
func otherDepth(t *testing.T, f func(s *xvfb.Server, w *Window)) {
	t.Helper()
	needServer(t)
	s, err := xvfb.Start(640, 480, 16)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	t.Setenv("DISPLAY", s.Display)
	k := convert.New(nil)
	defer k.Close()
	onMain(func() {
		w, err := Open(Options{Converter: k, Geometry: geometry(t, "400x300+0+0"), Renderer: "software"})
		if err != nil {
			t.Error(err)
			return
		}
		defer w.Close()
		f(s, w)
	})
}

// TestOtherDepth: screens of 16 bits still exist, on small devices.
func TestOtherDepth(t *testing.T) {
	otherDepth(t, func(s *xvfb.Server, w *Window) {
		if err := w.Prepare(quadrants(352, 288, 0)); err != nil {
			t.Error(err)
			return
		}
		if err := w.Present(0, 0); err != nil {
			t.Error(err)
		}
		img, err := s.Screenshot()
		if err != nil {
			t.Error(err)
			return
		}
		for q, at := range [][2]int{{100, 50}, {300, 50}, {100, 250}, {300, 250}} {
			if !near(img, at[0], at[1], quadrantColour(q, 0), 9) {
				t.Errorf("quadrant %d is %v", q, img.RGBAAt(at[0], at[1]))
			}
		}
		if !near(img, 2, 150, [3]byte{}, 0) {
			t.Error("the bar is not black")
		}
	})
}

// TestReopen: opening and closing leaves nothing behind.
func TestReopen(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		k := convert.New(nil)
		defer k.Close()
		p := quadrants(352, 288, 0)
		cycle := func(n int) {
			onMain(func() {
				for range n {
					w, err := Open(Options{Converter: k, Renderer: renderer, Geometry: geometry(t, "640x480")})
					if err != nil {
						t.Error(err)
						return
					}
					if err := w.Prepare(p); err != nil {
						t.Error(err)
					}
					if err := w.Present(0, 0); err != nil {
						t.Error(err)
					}
					w.Wake()
					w.Wait(context.Background())
					if err := w.Close(); err != nil {
						t.Error(err)
					}
					w.Wake() // must not touch what has gone
				}
			})
		}
		cycle(5)
		files, memory := openFiles(t), residentMemory(t)
		const n = 20
		cycle(n)
		if now := openFiles(t); now > files+2 {
			t.Errorf("open files: %d, then %d", files, now)
		}
		// A surface of this size has 1.2 MB.
		if now := residentMemory(t); now > memory+n*(400<<10) {
			t.Errorf("memory: %d KB, then %d KB after %d windows", memory>>10, now>>10, n)
		}
	})
}
