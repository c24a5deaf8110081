package sdlwindow

import (
	"bytes"
	"fmt"
	"image"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/veandco/go-sdl2/sdl"

	"planar/internal/xvfb"
	"planar/render"
)

// pane is a layer of one translucent colour with noise on it.
func pane(x, y, w, h int, version uint64) render.Layer {
	rng := rand.New(rand.NewPCG(version, 7))
	b := render.NewBitmap(w, h)
	for i := 0; i < len(b.Pix); i += 4 {
		a := rng.IntN(256)
		for j := range 3 {
			b.Pix[i+j] = byte(rng.IntN(a + 1))
		}
		b.Pix[i+3] = byte(a)
	}
	return render.Layer{X: x, Y: y, Pixels: b, Version: version}
}

func lay(w *Window, ls ...render.Layer) { onMain(func() { w.SetLayers(ls) }) }

// below is img with layers laid over the window at r.
func below(img *image.RGBA, r render.Rect, ls ...render.Layer) *image.RGBA {
	want := &image.RGBA{Pix: bytes.Clone(img.Pix), Stride: img.Stride, Rect: img.Rect}
	for _, l := range ls {
		for y := range l.Pixels.Height {
			for x := range l.Pixels.Width {
				wx, wy := l.X+x, l.Y+y
				if wx < 0 || wy < 0 || wx >= r.W || wy >= r.H {
					continue
				}
				src := l.Pixels.Pix[y*l.Pixels.Stride+4*x:][:4]
				dst := want.Pix[want.PixOffset(r.X+wx, r.Y+wy):][:3]
				for i := range dst {
					dst[i] = src[2-i] + byte((int(dst[i])*(255-int(src[3]))+127)/255)
				}
			}
		}
	}
	return want
}

// corner is the upper left corner of the screen.
func corner(t *testing.T, w, h int) *image.RGBA {
	t.Helper()
	img := screenshot(t)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		copy(out.Pix[y*out.Stride:][:out.Stride], img.Pix[img.PixOffset(0, y):])
	}
	return out
}

// same checks that the corner of the screen is want, but for rounding by each of some layers.
func same(t *testing.T, what string, want *image.RGBA, tolerance int) {
	t.Helper()
	got := corner(t, want.Rect.Dx(), want.Rect.Dy())
	if bytes.Equal(got.Pix, want.Pix) {
		return
	}
	for i := range want.Pix {
		if abs(int(got.Pix[i])-int(want.Pix[i])) > tolerance {
			x, y := i%want.Stride/4, i/want.Stride
			t.Errorf("%s: pixel %d,%d of the screen is %v, want %v%s", what, x, y, got.RGBAAt(x, y), want.RGBAAt(x, y), keep(t, got))
			return
		}
	}
}

// tolerance is by how much a renderer's blending of n layers may be off.
func tolerance(renderer string, n int) int {
	if renderer == "software" {
		return 0
	}
	return n
}

// TestLayers: layers appear, change, move and go, over the picture and over the
// bars beside it and beyond the window, while no picture comes and with the next.
func TestLayers(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		for _, size := range []string{"700x300", "200x500"} {
			if renderer != "software" && size == "200x500" {
				continue // there is nothing special about bars there
			}
			t.Run(size, func(t *testing.T) {
				g := geometry(t, size+"+10+20")
				w := open(t, Options{Renderer: renderer, Geometry: g})
				r := render.Rect{X: 10, Y: 20, W: g.W, H: g.H}
				show(t, w, quadrants(352, 288, 0))
				idle(w)
				bare := corner(t, r.X+r.W+5, r.Y+r.H+5)
				bar, panel, menu := pane(-5, g.H-60, g.W+9, 90, 1), pane(20, -30, 150, 300, 2), pane(120, g.H-100, 70, 70, 3)
				bar2, moved := pane(-5, g.H-60, g.W+9, 90, 4), pane(60, 10, 150, 300, 2)
				for i, ls := range [][]render.Layer{
					{bar},
					{bar, panel},
					{bar, panel, menu},
					{bar2, panel, menu},
					{bar2, moved, menu},
					{menu, bar2, moved},
					{moved},
					{},
					{pane(g.W, 0, 50, 50, 9), bar, pane(-50, 0, 50, 50, 9)},
					{bar, {Version: 77}, panel},
					{panel, bar},
				} {
					onMain(func() {
						w.SetLayers(ls)
						w.changes.last = 0 // long ago
						w.catchUp()
					})
					same(t, fmt.Sprintf("step %d", i), below(bare, r, ls...), tolerance(renderer, len(ls)))
					show(t, w, quadrants(352, 288, 0))
					if i%3 != 0 { // looking at the screen takes long
						continue
					}
					same(t, fmt.Sprintf("the picture after step %d", i), below(bare, r, ls...), tolerance(renderer, len(ls)))
				}
				lay(w)
				idle(w)
				same(t, "after all have gone", bare, 0)
			})
		}
	})
}

// TestLayersAtRandom: whatever changes, the surface is as if all had been laid
// over the picture once.
func TestLayersAtRandom(t *testing.T) {
	w := open(t, Options{Renderer: "software", Geometry: geometry(t, "300x200+0+0")})
	show(t, w, quadrants(352, 288, 0))
	time.Sleep(2 * stillMillis * time.Millisecond)
	idle(w)
	bare := corner(t, 310, 210)
	rng := rand.New(rand.NewPCG(8, 8))
	var ls []render.Layer
	for step := range 200 {
		for range 1 + rng.IntN(3) {
			n := pane(rng.IntN(360)-60, rng.IntN(260)-60, 1+rng.IntN(120), 1+rng.IntN(90), rng.Uint64())
			switch i := rng.IntN(len(ls) + 1); {
			case i == len(ls) && len(ls) < 6:
				ls = append(ls, n)
			case i == len(ls):
				ls = ls[:rng.IntN(len(ls))]
			case rng.IntN(3) == 0: // the same place
				ls[i] = pane(ls[i].X, ls[i].Y, ls[i].Pixels.Width, ls[i].Pixels.Height, rng.Uint64())
			case rng.IntN(2) == 0:
				j := rng.IntN(len(ls))
				ls[i], ls[j] = ls[j], ls[i]
			default:
				ls[i] = n
			}
		}
		want := below(bare, render.Rect{W: 300, H: 200}, ls...)
		onMain(func() {
			w.SetLayers(ls)
			w.catchUp()
			b := w.canvas.(*surface).window()
			for y := range b.Height {
				for x := range b.Width {
					got, c := b.Pix[y*b.Stride+4*x:], want.Pix[want.PixOffset(x, y):]
					if got[0] != c[2] || got[1] != c[1] || got[2] != c[0] {
						t.Errorf("step %d: pixel %d,%d of the surface is %v, want %v", step, x, y, got[:3], c[:3])
						return
					}
				}
			}
		})
		if step%50 == 49 { // all damage of before is on the screen too
			same(t, fmt.Sprintf("step %d", step), want, 0)
		}
		if t.Failed() {
			return
		}
	}
}

// TestLayersBesidePrepared: layers do not bring a prepared picture onto the
// screen, nor do they spoil it.
func TestLayersBesidePrepared(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "352x288+0+0")})
		r := render.Rect{W: 352, H: 288}
		show(t, w, quadrants(352, 288, 180))
		turned := corner(t, 360, 300)
		show(t, w, quadrants(352, 288, 0))
		bare := corner(t, 360, 300)
		prepare := func() {
			if err := w.Prepare(quadrants(352, 288, 180)); err != nil {
				t.Error(err)
			}
		}
		present := func() {
			if err := w.Present(0, 0); err != nil {
				t.Error(err)
			}
		}
		l, m := pane(10, 10, 100, 60, 1), pane(30, 20, 100, 60, 2)
		tol := tolerance(renderer, 2)
		// No picture comes: the layer comes at once.
		onMain(prepare)
		idle(w)
		lay(w, l)
		idle(w)
		same(t, "a layer beside what is prepared", below(bare, r, l), tol)
		lay(w, l, m)
		idle(w)
		same(t, "another", below(bare, r, l, m), tol)
		onMain(present)
		same(t, "what was prepared", below(turned, r, l, m), tol)
		// Pictures come: it comes with the next one.
		onMain(func() {
			present()
			if err := w.Prepare(quadrants(352, 288, 0)); err != nil {
				t.Error(err)
			}
			w.SetLayers([]render.Layer{m})
			w.Wake()
			w.catchUp()
			if w.holds != holdsNext {
				t.Error("what was prepared is not there any more")
			}
		})
		same(t, "while pictures come", below(turned, r, l, m), tol)
		onMain(present)
		same(t, "with the next one", below(bare, r, m), tol)
		if w.changes.pending {
			t.Error("it is still pending")
		}
		// And if it does not come, soon.
		onMain(prepare)
		lay(w, l)
		idle(w)
		same(t, "when none has come", below(bare, r, l), tol)
		onMain(present)
		same(t, "and at last", below(turned, r, l), tol)
	})
}

// TestLayersWithoutPicture: layers are there before the first picture, and change
// over one that has been forgotten.
func TestLayersWithoutPicture(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "352x288+0+0")})
		r := render.Rect{W: 352, H: 288}
		l, m := pane(10, 10, 100, 60, 1), pane(30, 20, 100, 60, 2)
		black := corner(t, 360, 300)
		lay(w, l)
		onMain(func() {
			if err := w.ShowNow(); err != nil {
				t.Error(err)
			}
		})
		same(t, "over black", below(black, r, l), 1)
		lay(w, m)
		onMain(func() {
			w.Wake()
			w.Wait(t.Context())
		})
		same(t, "another at once", below(black, r, m), 1)
		for _, prepared := range []bool{false, true} {
			if renderer != "software" && !prepared {
				continue // looking at the screen takes long
			}
			lay(w)
			show(t, w, quadrants(352, 288, 0))
			bare := corner(t, 360, 300)
			onMain(func() {
				w.SetLayers([]render.Layer{m})
				p := quadrants(352, 288, 180)
				if prepared {
					if err := w.Prepare(p); err != nil {
						t.Error(err)
					}
				}
				shown := w.shown
				w.Forget()
				for _, p := range []*render.Picture{p, shown} {
					for i := range p.Planes {
						p.Planes[i].Data = nil
					}
				}
			})
			idle(w)
			same(t, "after the picture is forgotten", below(bare, r, m), 1)
			lay(w, l, m)
			idle(w)
			same(t, "another after that", below(bare, r, l, m), 2)
			lay(w)
			idle(w)
			same(t, "none after that", bare, 0)
		}
	})
}

// TestLayersAfterForgetting: where there were none while there was a picture, that
// stays for a moment, in which the next one is likely to come, and then they are
// over black.
func TestLayersAfterForgetting(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "352x288+0+0")})
		r := render.Rect{W: 352, H: 288}
		l := pane(10, 10, 100, 60, 1)
		black := corner(t, 360, 300)
		show(t, w, quadrants(352, 288, 0))
		idle(w)
		bare := corner(t, 360, 300)
		began := time.Now()
		onMain(func() {
			w.Forget()
			w.SetLayers([]render.Layer{l})
		})
		idle(w)
		if time.Since(began) < forgottenAfter {
			same(t, "at first", bare, 0)
		}
		for time.Since(began) < forgottenAfter+100*time.Millisecond {
			idle(w)
		}
		same(t, "over black", below(black, r, l), tolerance(renderer, 1))
		show(t, w, quadrants(352, 288, 0))
		same(t, "over the next picture", below(bare, r, l), tolerance(renderer, 1))
		lay(w)
		idle(w)
		same(t, "none", bare, 0)
	})
}

// TestForgetPending: what is to change comes onto the screen while the picture can
// still be drawn, and what comes later does not make it black.
func TestForgetPending(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		for _, layers := range [][]render.Layer{nil, {pane(10, 10, 50, 30, 1)}} {
			w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "120x90+0+0")})
			p := noisy(t, "yuv420p", 41, 33, 0)
			show(t, w, p)
			lay(w, layers...)
			idle(w)
			v := render.View{Zoom: 4, X: 0.5, Y: 0.5}
			onMain(func() {
				w.changes.last = sdl.GetTicks64() // so that it waits for a picture
				w.SetView(v)
				w.Forget()
			})
			idle(w)
			if layers == nil {
				pixelsShow(t, screenshot(t), v, p, samplesOf(t, p), 120, 90)
			}
			now := corner(t, 120, 90)
			onMain(func() { w.SetView(render.View{Zoom: 5, X: 0.5, Y: 0.5}) })
			idle(w)
			same(t, "after another view", now, 0)
		}
	})
}

// TestLayersUnchanged: the same layers again are no reason to draw, and the slice
// stays the caller's.
func TestLayersUnchanged(t *testing.T) {
	w := open(t, Options{Renderer: "software", Geometry: geometry(t, "352x288+0+0")})
	show(t, w, quadrants(352, 288, 0))
	ls := []render.Layer{pane(10, 10, 50, 30, 1), pane(30, 30, 50, 30, 2)}
	lay(w, ls...)
	idle(w)
	onMain(func() {
		if w.changes.pending {
			t.Fatal("the layers are not on the screen")
		}
		w.SetLayers(ls)
		if w.changes.pending {
			t.Error("the same layers are to be drawn again")
		}
		ls[1] = pane(40, 30, 50, 30, 3)
		if w.SetLayers(ls); !w.changes.pending {
			t.Error("another layer is not to be drawn: the window holds on to its caller's slice")
		}
	})
}

// TestLayersResize: a window that changes draws its layers where they are, within
// it.
func TestLayersResize(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "400x300+10+10")})
		ls := []render.Layer{pane(-10, 200, 500, 90, 1), pane(300, -20, 90, 400, 2)}
		show(t, w, flat(352, 288, 128, 128, 128))
		lay(w, ls...)
		idle(w)
		for _, size := range [][2]int{{800, 600}, {64, 64}, {301, 203}} {
			xdotool(t, "windowsize", xid(t, w), fmt.Sprint(size[0]), fmt.Sprint(size[1]))
			idle(w)
			img := corner(t, 820, 620)
			lay(w)
			idle(w)
			want := below(corner(t, 820, 620), render.Rect{X: 10, Y: 10, W: size[0], H: size[1]}, ls...)
			for i := range want.Pix {
				if abs(int(img.Pix[i])-int(want.Pix[i])) > tolerance(renderer, 2) {
					t.Fatalf("%v: byte %d of the screen is %d, want %d%s", size, i, img.Pix[i], want.Pix[i], keep(t, img))
				}
			}
			lay(w, ls...)
			idle(w)
		}
		onMain(func() { w.SetFullscreen(true) })
		lay(w, pane(screenW-50, screenH-50, 100, 100, 5))
		idle(w)
		onMain(func() { w.SetFullscreen(false) })
		idle(w)
	})
}

// TestLayersOtherDepth: they come and go on pixels of 16 bits too.
func TestLayersOtherDepth(t *testing.T) {
	otherDepth(t, func(s *xvfb.Server, w *Window) {
		shot := func() *image.RGBA {
			w.changes.last = 0 // long ago
			w.catchUp()
			img, err := s.Screenshot()
			if err != nil {
				t.Fatal(err)
			}
			return img
		}
		if err := w.Prepare(quadrants(352, 288, 0)); err != nil {
			t.Error(err)
		}
		if err := w.Present(0, 0); err != nil {
			t.Error(err)
		}
		bare := shot()
		l := pane(10, 10, 100, 100, 1)
		w.SetLayers([]render.Layer{l})
		got, want := shot(), below(bare, render.Rect{W: 400, H: 300}, l)
		for i := range want.Pix {
			if abs(int(got.Pix[i])-int(want.Pix[i])) > 9 {
				t.Fatalf("byte %d is %d, want %d", i, got.Pix[i], want.Pix[i])
			}
		}
		w.SetLayers(nil)
		if !bytes.Equal(shot().Pix, bare.Pix) {
			t.Error("something stays")
		}
	})
}

// BenchmarkLayers is what a change of layers costs while no picture comes, and a
// picture with and without layers over it.
func BenchmarkLayers(b *testing.B) {
	bars := []render.Layer{pane(0, 990, 1920, 90, 1), pane(0, 990, 1920, 90, 2)}
	panels := []render.Layer{pane(1500, 100, 400, 600, 3), pane(1500, 100, 400, 600, 4)}
	for _, renderer := range renderers {
		for _, c := range []struct {
			name string
			step func(w *Window, p *render.Picture, n int)
		}{
			{"bar", func(w *Window, p *render.Picture, n int) {
				w.SetLayers([]render.Layer{bars[n%2], panels[0]})
				w.catchUp()
			}},
			{"both", func(w *Window, p *render.Picture, n int) {
				w.SetLayers([]render.Layer{bars[n%2], panels[n%2]})
				w.catchUp()
			}},
			{"frame-without", func(w *Window, p *render.Picture, n int) { _ = w.Prepare(p); _ = w.Present(0, 0) }},
			{"frame-with", func(w *Window, p *render.Picture, n int) {
				if n == 0 {
					w.SetLayers([]render.Layer{bars[0], panels[0]})
				}
				_ = w.Prepare(p)
				_ = w.Present(0, 0)
			}},
		} {
			b.Run(renderer+"/"+c.name, func(b *testing.B) {
				w := open(b, Options{Renderer: renderer, Geometry: geometry(b, "1920x1080+0+0")})
				p := quadrants(1920, 1080, 0)
				show(b, w, p)
				time.Sleep(2 * stillMillis * time.Millisecond)
				n, cpu := 0, cpuTime(b)
				for b.Loop() {
					onMain(func() { c.step(w, p, n) })
					n++
				}
				b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/1000/float64(n), "cpu-ms")
			})
		}
	}
}
