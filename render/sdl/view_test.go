package sdlwindow

import (
	"fmt"
	"image"
	"math/rand/v2"
	"testing"

	"planar/render"
	"planar/render/convert"
)

// noisy is a picture of random samples whose rows have padding.
func noisy(t testing.TB, format string, w, h, rotation int) *render.Picture {
	t.Helper()
	cw, ch := (w+1)/2, (h+1)/2
	var planes []render.Layout
	high := byte(255)
	switch format {
	case "yuv420p":
		planes = []render.Layout{{RowBytes: w, Rows: h}, {RowBytes: cw, Rows: ch}, {RowBytes: cw, Rows: ch}}
	case "nv12":
		planes = []render.Layout{{RowBytes: w, Rows: h}, {RowBytes: 2 * cw, Rows: ch}}
	case "uyvy422":
		planes = []render.Layout{{RowBytes: 4 * cw, Rows: h}}
	case "yuv422p10le":
		planes = []render.Layout{{RowBytes: 2 * w, Rows: h}, {RowBytes: 2 * cw, Rows: h}, {RowBytes: 2 * cw, Rows: h}}
		high = 3
	case "rgb24":
		planes = []render.Layout{{RowBytes: 3 * w, Rows: h}}
	default:
		t.Fatalf("format %s", format)
	}
	rng := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	p := &render.Picture{Format: format, Width: w, Height: h, Rotation: rotation}
	for _, l := range planes {
		pl := render.Plane{RowBytes: l.RowBytes, Rows: l.Rows, Stride: l.RowBytes + 6, Data: make([]byte, l.Rows*(l.RowBytes+6))}
		for i := range pl.Data {
			if pl.Data[i] = byte(rng.Uint32()); i%2 == 1 {
				pl.Data[i] &= high
			}
		}
		p.Planes = append(p.Planes, pl)
	}
	return p
}

// samplesOf is the colour of each sample of p, as it is stored.
func samplesOf(t testing.TB, p *render.Picture) render.Bitmap {
	t.Helper()
	k := convert.New(nil)
	defer k.Close()
	upright := *p
	upright.Rotation = 0
	b := render.NewBitmap(p.Width, p.Height)
	if err := k.Convert(b, &upright, render.Nearest); err != nil {
		t.Fatal(err)
	}
	return b
}

// pixelsShow checks that each pixel of a window of w x h at 0,0 is the sample of p
// that the view says it is, and black beyond the picture.
func pixelsShow(t *testing.T, img *image.RGBA, v render.View, p *render.Picture, samples render.Bitmap, w, h int) {
	t.Helper()
	dw, dh := p.DisplaySize()
	for py := range h {
		for px := range w {
			dx, dy := v.Point(float64(px)+0.5, float64(py)+0.5, w, h, dw, dh)
			x, y, ok := p.Sample(dx, dy)
			want := [3]byte{}
			if ok {
				s := samples.Pix[y*samples.Stride+4*x:]
				want = [3]byte{s[2], s[1], s[0]}
			}
			if !near(img, px, py, want, 0) {
				t.Errorf("%s %dx%d turned by %d, %+v: pixel %d,%d is %v, want that of sample %d,%d %v: %v%s",
					p.Format, p.Width, p.Height, p.Rotation, v, px, py, img.RGBAAt(px, py), x, y, ok, want, keep(t, img))
				return
			}
		}
	}
}

// TestZoom: every pixel is exactly the sample that it is said to be.
func TestZoom(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		rng := rand.New(rand.NewPCG(3, 4))
		const w, h = 153, 121
		win := open(t, Options{Renderer: renderer, Geometry: geometry(t, fmt.Sprintf("%dx%d+0+0", w, h))})
		for i, format := range []string{"yuv420p", "nv12", "uyvy422", "yuv422p10le", "rgb24"} {
			for j, zoom := range []float64{4, 16, 64, 2, 7, 3.3} {
				if renderer != "software" && j != i {
					continue // it shows what the converter made
				}
				if (i+j)%3 == 2 {
					continue // looking at the screen takes long; each format and zoom has its turns
				}
				p := noisy(t, format, 1+rng.IntN(90), 1+rng.IntN(90), (i+j)%4*90)
				if j == 5 { // where a pixel's middle may lie between two samples, turning is ambiguous
					p.Rotation = 0
					p.SAR = render.Rational{Num: 12, Den: 11}
				}
				samples := samplesOf(t, p)
				show(t, win, p)
				for n := range 1 + j%2 {
					v := render.View{Zoom: zoom, X: rng.Float64()*1.1 - 0.05, Y: rng.Float64()*1.1 - 0.05}
					onMain(func() {
						win.SetView(v)
						if n == 0 { // with the next picture, or while none comes
							win.changes.last = 0 // long ago
							win.catchUp()
						} else if err := win.Present(0, 0); err != nil {
							t.Error(err)
						}
					})
					pixelsShow(t, screenshot(t), v, p, samples, w, h)
				}
				if t.Failed() {
					return
				}
			}
		}
		onMain(func() { win.SetView(render.View{}) })
		show(t, win, quadrants(352, 288, 90))
		expect(t, screenshot(t), render.Rect{W: w, H: h}, 352, 288, 90)
	})
}

// TestZoomSmooth: below render.PixelZoom the view is a part of what the converter
// makes of the whole.
func TestZoomSmooth(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		const w, h = 200, 150
		win := open(t, Options{Renderer: renderer, Geometry: geometry(t, fmt.Sprintf("%dx%d+0+0", w, h))})
		k := convert.New(nil)
		defer k.Close()
		p := quadrants(352, 288, 90)
		show(t, win, p)
		for _, v := range []render.View{{Zoom: 1, X: 0.5, Y: 0.5}, {Zoom: 0.25, X: 0.5, Y: 0.5}, {Zoom: 1.5, X: 0.4, Y: 0.6}, {Zoom: 0.5, X: 1, Y: 0}} {
			onMain(func() { win.SetView(v) })
			idle(win)
			img := screenshot(t)
			place := wholePlace(v, w, h, 288, 352)
			whole := render.NewBitmap(place.W, place.H)
			if err := k.Convert(whole, p, render.Bilinear); err != nil {
				t.Fatal(err)
			}
			bad := 0
			for y := range h {
				for x := range w {
					want := [3]byte{}
					if px, py := x-place.X, y-place.Y; px >= 0 && py >= 0 && px < place.W && py < place.H {
						s := whole.Pix[py*whole.Stride+4*px:]
						want = [3]byte{s[2], s[1], s[0]}
					}
					if !near(img, x, y, want, 2) {
						bad++
					}
				}
			}
			// A graphics processor interpolates otherwise where colours meet.
			if limit := w * h / 20; renderer == "software" && bad > 0 || bad > limit {
				t.Errorf("%+v: %d pixels are not as the converter has them%s", v, bad, keep(t, img))
			}
		}
	})
}

// TestViewWhilePrepared: a new view does not show what is prepared, and makes it
// ready for its time.
func TestViewWhilePrepared(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		win := open(t, Options{Renderer: renderer, Geometry: geometry(t, "120x90+0+0")})
		p, next := noisy(t, "yuv420p", 41, 33, 0), noisy(t, "yuv420p", 39, 35, 0)
		v := render.View{Zoom: 4, X: 0.3, Y: 0.6}
		show(t, win, p)
		onMain(func() {
			win.SetView(v)
			if err := win.Prepare(next); err != nil {
				t.Error(err)
			}
			win.SetView(render.View{Zoom: 5, X: 0.2, Y: 0.2})
			win.SetView(v)
			win.SetFilter(render.Nearest)
			win.catchUp()
			if win.holds != holdsNext {
				t.Error("what was prepared is not ready")
			}
			win.changes.last = 0 // long ago
			win.catchUp()
		})
		pixelsShow(t, screenshot(t), v, p, samplesOf(t, p), 120, 90)
		onMain(func() {
			if err := win.Present(0, 0); err != nil {
				t.Error(err)
			}
		})
		pixelsShow(t, screenshot(t), v, next, samplesOf(t, next), 120, 90)
		xdotool(t, "windowsize", xid(t, win), "90", "100")
		idle(win)
		pixelsShow(t, screenshot(t), v, next, samplesOf(t, next), 90, 100)
	})
}

// TestFilter: small pictures that fill the window are scaled as was said last.
func TestFilter(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		win := open(t, Options{Renderer: renderer, Geometry: geometry(t, "120x90+0+0")})
		p := noisy(t, "rgb24", 40, 30, 0)
		show(t, win, p)
		onMain(func() { win.SetFilter(render.Nearest) })
		idle(win)
		pixelsShow(t, screenshot(t), render.View{}, p, samplesOf(t, p), 120, 90)
	})
}

// BenchmarkZoom is a step of panning in a window of 1920x1080, over a picture of
// 3840x2160.
func BenchmarkZoom(b *testing.B) {
	for _, zoom := range []float64{0.9, 1, 4, 64} {
		b.Run(fmt.Sprint(zoom), func(b *testing.B) {
			w := open(b, Options{Renderer: "software", Geometry: geometry(b, "1920x1080+0+0")})
			show(b, w, noisy(b, "yuv420p", 3840, 2160, 0))
			v := render.View{Zoom: zoom, X: 0.5, Y: 0.5}
			n, cpu := 0, cpuTime(b)
			for b.Loop() {
				onMain(func() {
					w.SetView(v.Pan(float64(n%50), float64(n%30), 1920, 1080, 3840, 2160))
					w.changes.last = 0 // long ago
					w.catchUp()
				})
				n++
			}
			b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/1000/float64(n), "cpu-ms")
		})
	}
}
