package sdlwindow

import (
	"bytes"
	"fmt"
	"image"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"planar/internal/xvfb"
	"planar/render"
	"planar/render/convert"
	"planar/render/overlay"
)

// statistics is a panel of n lines like those of the player.
func statistics(n int) render.Overlay {
	lines := []string{
		"source\trtsp://camera.example:8554/live/front-door",
		"stream\tH264, Opus over UDP",
		"picture\t1920x1080 yuv420p bt709 limited",
		"frame\t1234 at 0:00:41.133",
		"fps\t30 received, 30 decoded, 30 shown",
		"bitrate\t4.21 Mbit/s",
		"shown\t1229, 2 late, 1 dropped, 0 repeated",
		"A-V\t+3.2 ms, sound queue 84.0 ms",
		"stages\treorder 2.1 ms, decode 4.8 ms, queue 31.0 ms, present 1.2 ms",
		"latency\ttarget 120.0 ms, 3.4 ms behind it, speed 1.002, 0 skips",
		"to screen\t184.3 ms from the sender's clock, report 2 s old",
		"video\t41811 packets, lost 12 (0.03 %, now 0.0 %), late 1, reordered 4, twice 0, jitter 1.1 ms",
		"key frames\tevery 2.00 s, 0 units held back",
		"reconnects\t0",
	}
	return render.Overlay{Panel: lines[:n]}
}

func write(w *Window, o render.Overlay) { onMain(func() { w.SetOverlay(o) }) }

// part is the pixels of img inside r.
func part(img *image.RGBA, r render.Rect) []byte {
	var out []byte
	for y := range r.H {
		out = append(out, img.Pix[img.PixOffset(r.X, r.Y+y):][:4*r.W]...)
	}
	return out
}

// under checks that got is img with the boxes of o laid over the window at r, and
// nothing else.
func under(t *testing.T, got, img *image.RGBA, r render.Rect, o render.Overlay) {
	t.Helper()
	want := &image.RGBA{Pix: bytes.Clone(img.Pix), Stride: img.Stride, Rect: img.Rect}
	boxes, _ := overlay.New().Paint(o, r.W, r.H)
	for _, b := range boxes {
		p := b.Pixels
		for y := range p.Height {
			for x := range p.Width {
				src := p.Pix[y*p.Stride+4*x:][:4]
				dst := want.Pix[want.PixOffset(r.X+b.X+x, r.Y+b.Y+y):][:3]
				for i := range dst {
					dst[i] = src[2-i] + byte((int(dst[i])*(255-int(src[3]))+127)/255)
				}
			}
		}
	}
	if len(boxes) == 0 {
		t.Error("no boxes")
	}
	for y := range r.H {
		for x := range r.W {
			c := want.Pix[want.PixOffset(r.X+x, r.Y+y):][:3]
			// Textures may round otherwise.
			if !near(got, r.X+x, r.Y+y, [3]byte(c), 1) {
				t.Errorf("window %v: pixel %d,%d is %v, want %v%s", r, x, y, got.RGBAAt(r.X+x, r.Y+y), c, keep(t, got))
				return
			}
		}
	}
}

// TestOverlay: text appears, changes and goes, over the picture and over the bars
// beside it, while no picture comes and with the next one.
func TestOverlay(t *testing.T) {
	first := statistics(10)
	first.Badge = "signal lost 3 s"
	second := render.Overlay{Panel: []string{"one line"}, Badge: "signal lost 14 s"}
	none := render.Overlay{}
	eachRenderer(t, func(t *testing.T, renderer string) {
		for _, size := range []string{"900x300", "300x500", "320x240"} {
			t.Run(size, func(t *testing.T) {
				g := geometry(t, size+"+10+20")
				w := open(t, Options{Renderer: renderer, Geometry: g})
				r := render.Rect{X: 10, Y: 20, W: g.W, H: g.H}
				show(t, w, quadrants(352, 288, 0))
				idle(w)
				bare := screenshot(t)
				expect(t, bare, r, 352, 288, 0)

				for _, o := range []render.Overlay{first, second, first} {
					write(w, o)
					idle(w)
					under(t, screenshot(t), bare, r, o)
				}
				write(w, none)
				idle(w)
				if !bytes.Equal(part(screenshot(t), r), part(bare, r)) {
					t.Errorf("something stays after the text has gone%s", keep(t, screenshot(t)))
				}

				write(w, first)
				for range 3 { // again and again, it must not grow darker
					show(t, w, quadrants(352, 288, 0))
				}
				under(t, screenshot(t), bare, r, first)
				write(w, none)
				show(t, w, quadrants(352, 288, 0))
				if !bytes.Equal(part(screenshot(t), r), part(bare, r)) {
					t.Errorf("something stays under the next picture%s", keep(t, screenshot(t)))
				}
			})
		}
	})
}

// TestOverlayBesidePrepared: new text does not bring a prepared picture onto the
// screen, nor does it spoil it.
func TestOverlayBesidePrepared(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "352x288+0+0")})
		r := render.Rect{W: 352, H: 288}
		o := render.Overlay{Badge: "paused"}
		show(t, w, quadrants(352, 288, 180))
		turned := screenshot(t)
		show(t, w, quadrants(352, 288, 0))
		idle(w)
		bare := screenshot(t)
		onMain(func() {
			if err := w.Prepare(quadrants(352, 288, 180)); err != nil {
				t.Error(err)
			}
		})
		write(w, o)
		if img := screenshot(t); !bytes.Equal(part(img, r), part(bare, r)) {
			t.Error("the text came before its time")
		}
		idle(w)
		under(t, screenshot(t), bare, r, o)
		onMain(func() {
			if w.holds != holdsNext {
				t.Error("what was prepared is not there any more")
			}
			if err := w.Present(0, 0); err != nil {
				t.Error(err)
			}
		})
		under(t, screenshot(t), turned, r, o)
	})
}

// TestOverlayResize: the text follows the window.
func TestOverlayResize(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "400x300+10+10")})
		p := flat(352, 288, 128, 128, 128)
		show(t, w, p)
		write(w, statistics(14))
		idle(w)
		for _, size := range [][2]int{{1600, 1000}, {64, 64}, {401, 303}} {
			xdotool(t, "windowsize", xid(t, w), fmt.Sprint(size[0]), fmt.Sprint(size[1]))
			idle(w)
			img := screenshot(t)
			write(w, render.Overlay{})
			idle(w)
			bare := screenshot(t)
			if size[0] > 64 { // there is no room for text in so small a window
				under(t, img, bare, render.Rect{X: 10, Y: 10, W: size[0], H: size[1]}, statistics(14))
			}
			write(w, statistics(14))
		}
	})
}

// TestOverlayWithoutPicture: text is there from the first moment, over black, and
// what is forgotten stays on the screen but without its text.
func TestOverlayWithoutPicture(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "352x288+0+0")})
		r := render.Rect{W: 352, H: 288}
		o := render.Overlay{Badge: "connecting"}
		black := screenshot(t)
		write(w, o)
		onMain(func() {
			if err := w.ShowNow(); err != nil {
				t.Error(err)
			}
		})
		under(t, screenshot(t), black, r, o)
		show(t, w, quadrants(352, 288, 0))
		idle(w)
		onMain(func() {
			w.SetOverlay(render.Overlay{})
			w.Forget()
		})
		expect(t, screenshot(t), r, 352, 288, 0)
		write(w, o)
		idle(w)
		expect(t, screenshot(t), r, 352, 288, 0)
		settle(w, func() bool { return differs(screenshot(t), r, 352, 288, 0) != nil })
		idle(w)
		under(t, screenshot(t), black, r, o)
		show(t, w, quadrants(352, 288, 0))
		write(w, render.Overlay{})
		idle(w)
		expect(t, screenshot(t), r, 352, 288, 0)
	})
}

// TestOverlayOtherDepth: text is written over pixels of 16 bits too.
func TestOverlayOtherDepth(t *testing.T) {
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
		o := render.Overlay{Badge: "signal lost 3 s"}
		w.SetOverlay(o)
		for range 2 {
			if err := w.Prepare(flat(400, 300, 235, 128, 128)); err != nil {
				t.Error(err)
			}
			if err := w.Present(0, 0); err != nil {
				t.Error(err)
			}
		}
		img, err := s.Screenshot()
		if err != nil {
			t.Error(err)
			return
		}
		boxes, _ := overlay.New().Paint(o, 400, 300)
		b := boxes[0]
		dark, light := 0, 0
		for y := range b.Pixels.Height {
			for x := range b.Pixels.Width {
				switch c := img.RGBAAt(b.X+x, b.Y+y); {
				case c.G < 90:
					dark++
				case c.G > 200:
					light++
				}
			}
		}
		if all := b.Pixels.Width * b.Pixels.Height; dark < all/2 || light < all/50 {
			t.Errorf("of %d pixels of the badge %d are dark and %d light", all, dark, light)
		}
		if !near(img, b.X-3, b.Y+5, [3]byte{255, 255, 255}, 9) {
			t.Error("beside the badge it is not white")
		}
	})
}

// TestBlend compares the blend with the formula, for all alphas and widths that
// vectors do not divide.
func TestBlend(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, w := range []int{1, 2, 3, 7, 8, 31, 65} {
		window, box := render.NewBitmap(w+4, 259), overlay.Box{X: 2, Y: 1, Pixels: render.NewBitmap(w, 256)}
		for i := range window.Pix {
			window.Pix[i] = byte(rng.Uint32())
		}
		for i := range w * 256 {
			a := i / w
			for j := range 3 {
				box.Pixels.Pix[4*i+j] = byte(rng.IntN(a + 1))
			}
			box.Pixels.Pix[4*i+3] = byte(a)
		}
		want := bytes.Clone(window.Pix)
		for y := range 256 {
			for x := range w {
				src := box.Pixels.Pix[y*box.Pixels.Stride+4*x:][:4]
				dst := want[(y+1)*window.Stride+4*(x+2):][:3]
				for i := range dst {
					dst[i] = src[i] + byte((2*int(dst[i])*(255-int(src[3]))+255)/510)
				}
			}
		}
		blend(window, box)
		if !bytes.Equal(window.Pix, want) {
			t.Errorf("width %d: not as the formula", w)
		}
	}
}

// TestOverlayUnchanged: the same text again is no reason to draw.
func TestOverlayUnchanged(t *testing.T) {
	w := open(t, Options{Renderer: "software", Geometry: geometry(t, "352x288+0+0")})
	show(t, w, quadrants(352, 288, 0))
	write(w, statistics(3))
	idle(w)
	onMain(func() {
		w.SetOverlay(statistics(3))
		if w.writing.pending || w.writing.outdated {
			t.Error("the same text is to be drawn again")
		}
		o := statistics(3)
		w.SetOverlay(o)
		o.Panel[0] = strings.Repeat("x", 9)
		if w.SetOverlay(o); !w.writing.pending {
			t.Error("the window holds on to its caller's lines")
		}
	})
}

// BenchmarkOverlay is what BenchmarkFrame measures, with a panel of 14 lines:
// none, the same every time, and another one for each picture.
func BenchmarkOverlay(b *testing.B) {
	for _, renderer := range renderers {
		for _, kind := range []string{"none", "same", "changing"} {
			b.Run(renderer+"/"+kind, func(b *testing.B) {
				w := open(b, Options{Renderer: renderer, Geometry: geometry(b, "1920x1080+0+0")})
				p := quadrants(1920, 1080, 0)
				show(b, w, p)
				var spent time.Duration
				n := 0
				for b.Loop() {
					onMain(func() {
						began := time.Now()
						if o := statistics(14); kind != "none" {
							if kind == "changing" {
								o.Panel[3] = fmt.Sprintf("frame\t%d", n)
							}
							w.SetOverlay(o)
						}
						if err := w.Prepare(p); err != nil {
							b.Fatal(err)
						}
						if err := w.Present(0, 0); err != nil {
							b.Fatal(err)
						}
						spent += time.Since(began)
					})
					n++
				}
				b.ReportMetric(float64(spent.Microseconds())/1000/float64(n), "frame-ms")
			})
		}
	}
}
