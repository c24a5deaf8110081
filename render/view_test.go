package render

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestViewPlace(t *testing.T) {
	for _, c := range []struct {
		v                View
		winW, winH, w, h int
		want             [4]float64
	}{
		{View{}, 1920, 1080, 1920, 1080, [4]float64{0, 0, 1920, 1080}},
		{View{}, 1000, 1000, 1920, 1080, [4]float64{0, 218, 1000, 563}},
		{View{X: 9, Y: -9}, 960, 540, 1920, 1080, [4]float64{0, 0, 960, 540}},
		{View{Zoom: 1, X: 0.5, Y: 0.5}, 1920, 1080, 1920, 1080, [4]float64{0, 0, 1920, 1080}},
		{View{Zoom: 1, X: 0, Y: 1}, 1920, 1080, 100, 100, [4]float64{910, 490, 100, 100}},      // smaller: in the middle
		{View{Zoom: 2, X: 0, Y: 0}, 100, 100, 100, 100, [4]float64{50, 50, 200, 200}},          // its corner in the centre
		{View{Zoom: 2, X: 1, Y: 1}, 100, 100, 100, 100, [4]float64{-150, -150, 200, 200}},      // its other corner
		{View{Zoom: 2, X: -3, Y: 3}, 100, 100, 100, 100, [4]float64{50, -150, 200, 200}},       // never beyond
		{View{Zoom: 4, X: 0.5, Y: 0.5}, 101, 100, 100, 100, [4]float64{-149, -150, 400, 400}},  // 50.5-200 rounds up
		{View{Zoom: 1000, X: 0.5, Y: 0.5}, 100, 100, 10, 10, [4]float64{-270, -270, 640, 640}}, // MaxZoom
		{View{Zoom: 0.01, X: 0.5, Y: 0.5}, 100, 100, 200, 200, [4]float64{25, 25, 50, 50}},     // MinZoom
		{View{Zoom: 0.01, X: 0.5, Y: 0.5}, 100, 100, 4000, 4000, [4]float64{0, 0, 100, 100}},   // less, if all of it needs less
		{View{Zoom: 1000, X: 0.5, Y: 0.5}, 1000, 1000, 10, 10, [4]float64{0, 0, 1000, 1000}},   // more, if all of it allows for more
		{View{Zoom: math.NaN(), X: math.NaN()}, 10, 10, 20, 20, [4]float64{0, 0, 10, 10}},      // all of it
		{View{Zoom: math.Inf(1), X: math.NaN()}, 10, 10, 20, 20, [4]float64{5, 5, 1280, 1280}}, // its corner
		{View{Zoom: 1}, 0, 10, 20, 20, [4]float64{}},
		{View{}, 10, 10, 0, 20, [4]float64{}},
	} {
		x, y, pw, ph := c.v.Place(c.winW, c.winH, c.w, c.h)
		if got := [4]float64{x, y, pw, ph}; got != c.want {
			t.Errorf("%+v: %dx%d in %dx%d lies at %v, want %v", c.v, c.w, c.h, c.winW, c.winH, got, c.want)
		}
	}
}

// randomView is a window, a picture and a view of it.
func randomView(rng *rand.Rand) (v View, winW, winH, w, h int) {
	winW, winH = 1+rng.IntN(3000), 1+rng.IntN(2000)
	w, h = 1+rng.IntN(8000), 1+rng.IntN(5000)
	switch rng.IntN(3) {
	case 0:
		v.Zoom = math.Exp2(rng.Float64()*8 - 2)
	case 1:
		v.Zoom = float64(1 + rng.IntN(64))
	}
	v.X, v.Y = rng.Float64()*1.2-0.1, rng.Float64()*1.2-0.1
	return
}

func TestPlaceProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 50000 {
		v, winW, winH, w, h := randomView(rng)
		x, y, pw, ph := v.Place(winW, winH, w, h)
		for _, a := range []struct {
			at, size, window float64
			of               int
		}{{x, pw, float64(winW), w}, {y, ph, float64(winH), h}} {
			if a.at != math.Floor(a.at) || a.size != math.Floor(a.size) || a.size < 1 {
				t.Fatalf("%+v %dx%d in %dx%d: %v %v are not whole", v, w, h, winW, winH, a.at, a.size)
			}
			if a.at > a.window/2+0.5 || a.at+a.size < a.window/2-0.5 {
				t.Fatalf("%+v %dx%d in %dx%d: %v %v leaves the centre", v, w, h, winW, winH, a.at, a.size)
			}
			if a.size <= a.window && math.Abs(a.at+a.size/2-a.window/2) > 0.5 {
				t.Fatalf("%+v %dx%d in %dx%d: %v %v is not in the middle", v, w, h, winW, winH, a.at, a.size)
			}
			if v.Zoom == math.Floor(v.Zoom) && v.Zoom > 0 && v.Zoom <= MaxZoom && a.size != v.Zoom*float64(a.of) {
				t.Fatalf("zoom %v: %d pixels take %v", v.Zoom, a.of, a.size)
			}
		}
	}
}

// TestZoomAt: what is under the pointer stays there, and the picture grows when it
// is to grow.
func TestZoomAt(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	stayed := 0
	for range 50000 {
		v, winW, winH, w, h := randomView(rng)
		px, py := rng.Float64()*float64(winW), rng.Float64()*float64(winH)
		factor := math.Exp2(rng.Float64()*4 - 2)
		to := v.ZoomAt(factor, px, py, winW, winH, w, h)
		was, is := v.Scale(winW, winH, w, h), to.Scale(winW, winH, w, h)
		if factor > 1 && is < was || factor < 1 && is > was {
			t.Fatalf("%+v %dx%d in %dx%d: times %v is from %v to %v", v, w, h, winW, winH, factor, was, is)
		}
		if want := was * factor; want >= MinZoom && want <= MaxZoom && math.Abs(is/want-1) > 1e-9 {
			t.Fatalf("%+v %dx%d in %dx%d: times %v is %v, want %v", v, w, h, winW, winH, factor, is, want)
		}
		if to.X < 0 || to.X > 1 || to.Y < 0 || to.Y > 1 {
			t.Fatalf("%+v: the centre is beyond the picture", to)
		}
		x, y := v.Point(px, py, winW, winH, w, h)
		nx, ny := to.Point(px, py, winW, winH, w, h)
		_, _, pw, ph := to.Place(winW, winH, w, h)
		// Half a pixel of the window, and where the size is rounded, of each size.
		free := func(centre, size float64, window int) bool {
			return centre > 0 && centre < 1 && size > float64(window)
		}
		if free(to.X, pw, winW) {
			stayed++
			if off := math.Abs(nx-x) * pw / float64(w); off > 0.51 {
				t.Fatalf("%+v %dx%d in %dx%d times %v: x %v moved by %v pixels", v, w, h, winW, winH, factor, x, off)
			}
		}
		if free(to.Y, ph, winH) {
			if off := math.Abs(ny-y) * ph / float64(h); off > 0.51 {
				t.Fatalf("%+v %dx%d in %dx%d times %v: y %v moved by %v pixels", v, w, h, winW, winH, factor, y, off)
			}
		}
	}
	if stayed < 10000 {
		t.Errorf("only %d views were looked at", stayed)
	}
}

func TestZoomLimits(t *testing.T) {
	for _, c := range []struct {
		v      View
		factor float64
		w, h   int
		want   float64
	}{
		{View{}, 2, 1000, 1000, 2},
		{View{}, 2, 500, 500, 4},
		{View{}, 0.5, 10000, 10000, 0.1},               // all of it is as small as it gets
		{View{}, 2, 10000, 10000, 0.2},                 // and grows from there, not from MinZoom
		{View{}, 2, 10, 10, 100},                       // larger than MaxZoom already
		{View{}, 0.1, 10, 10, 10},                      //
		{View{Zoom: 60}, 2, 1000, 1000, 64},            //
		{View{Zoom: 0.3}, 0.5, 1000, 1000, 0.25},       //
		{View{Zoom: 3}, 0, 1000, 1000, 3},              // no factor
		{View{Zoom: 3}, math.NaN(), 1000, 1000, 3},     //
		{View{Zoom: 3}, math.Inf(1), 1000, 1000, 64},   //
		{View{Zoom: 3}, math.MaxFloat64, 300, 300, 64}, //
	} {
		if got := c.v.ZoomAt(c.factor, 500, 500, 1000, 1000, c.w, c.h).Zoom; math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v of %dx%d times %v: zoom %v, want %v", c.v, c.w, c.h, c.factor, got, c.want)
		}
	}
}

// TestPan: the picture follows the pointer to the pixel, whatever the rounding,
// and stops at its edges.
func TestPan(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 20000 {
		v, winW, winH, w, h := randomView(rng)
		v.X, v.Y = 0.5, 0.5
		x, y, pw, ph := v.Place(winW, winH, w, h)
		dx, dy := rng.IntN(41)-20, rng.IntN(41)-20
		to := v.Pan(float64(dx), float64(dy), winW, winH, w, h)
		nx, ny, nw, nh := to.Place(winW, winH, w, h)
		if nw != pw || nh != ph {
			t.Fatalf("%+v: the size changed", v)
		}
		for _, a := range [][4]float64{{x, nx, pw, float64(winW)}, {y, ny, ph, float64(winH)}} {
			moved, size, window := a[1]-a[0], a[2], a[3]
			by := float64(dx)
			if a == [4]float64{y, ny, ph, float64(winH)} {
				by = float64(dy)
			}
			if v.Zoom == 0 || size <= window {
				by = 0
			} else if math.Abs(by) > size/2-1 {
				continue
			}
			if moved != by {
				t.Fatalf("%+v %dx%d in %dx%d: moved by %v, want %v", v, w, h, winW, winH, moved, by)
			}
		}
	}
	v := View{Zoom: 4, X: 0.5, Y: 0.5}
	if got := v.Pan(1e9, -1e9, 100, 100, 50, 50); got.X != 0 || got.Y != 1 {
		t.Errorf("panned far away: %+v", got)
	}
}

func TestPoint(t *testing.T) {
	v := View{Zoom: 4, X: 0.5, Y: 0.5}
	for _, c := range [][4]float64{{50, 50, 50, 50}, {54, 46, 51, 49}, {53.5, 50, 50.875, 50}, {-150, 250, 0, 100}, {-154, 0, -1, 37.5}} {
		if x, y := v.Point(c[0], c[1], 100, 100, 100, 100); x != c[2] || y != c[3] {
			t.Errorf("%v,%v of the window is %v,%v, want %v,%v", c[0], c[1], x, y, c[2], c[3])
		}
	}
	if x, y := v.Point(1, 1, 0, 0, 100, 100); x >= 0 || y >= 0 {
		t.Errorf("there is %v,%v in no window", x, y)
	}
}

func TestSample(t *testing.T) {
	for _, c := range []struct {
		rotation int
		sar      Rational
		dx, dy   float64
		x, y     int
		ok       bool
	}{
		// 40 x 20 samples.
		{0, Rational{}, 0, 0, 0, 0, true},
		{0, Rational{}, 39.9, 19.9, 39, 19, true},
		{0, Rational{}, 40, 5, 0, 0, false},
		{0, Rational{}, 5, 20, 0, 0, false},
		{0, Rational{}, -0.1, 5, 0, 0, false},
		{0, Rational{}, math.NaN(), 5, 0, 0, false},
		{90, Rational{}, 0, 0, 0, 19, true}, // what was below on the left is above now
		{90, Rational{}, 19.5, 39.5, 39, 0, true},
		{90, Rational{}, 1, 2, 2, 18, true},
		{90, Rational{}, 20, 2, 0, 0, false},
		{180, Rational{}, 0, 0, 39, 19, true},
		{180, Rational{}, 1, 0.5, 38, 19, true},
		{270, Rational{}, 0, 0, 39, 0, true},
		{270, Rational{}, 19.9, 39.9, 0, 19, true},
		{0, Rational{2, 1}, 79, 3, 39, 3, true}, // 80 x 20
		{0, Rational{2, 1}, 2.9, 3, 1, 3, true},
		{90, Rational{2, 1}, 3, 79, 39, 16, true},
		{0, Rational{1, 2}, 19.5, 3, 39, 3, true},
	} {
		p := &Picture{Width: 40, Height: 20, Rotation: c.rotation, SAR: c.sar}
		if x, y, ok := p.Sample(c.dx, c.dy); x != c.x || y != c.y || ok != c.ok {
			t.Errorf("rotation %d, SAR %v: %v,%v is %d,%d %v, want %d,%d %v", c.rotation, c.sar, c.dx, c.dy, x, y, ok, c.x, c.y, c.ok)
		}
	}
}
