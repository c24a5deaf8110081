package render

import (
	"math"
	"math/rand"
	"testing"
)

func TestFit(t *testing.T) {
	for _, c := range []struct {
		winW, winH, w, h int
		want             Rect
	}{
		{1920, 1080, 1920, 1080, Rect{0, 0, 1920, 1080}},
		{960, 540, 1920, 1080, Rect{0, 0, 960, 540}},
		{1000, 1000, 1920, 1080, Rect{0, 218, 1000, 563}}, // 562.5 rounds up
		{64, 64, 352, 288, Rect{0, 6, 64, 52}},            // 52.36
		{333, 777, 352, 288, Rect{0, 252, 333, 272}},      // 272.45
		{1600, 1000, 352, 288, Rect{189, 0, 1222, 1000}},  // 1222.2
		{100, 10, 1, 100, Rect{49, 0, 1, 10}},             // never less than a pixel
		{10, 100, 100000, 1, Rect{0, 49, 10, 1}},
		{1, 1, 7680, 4320, Rect{0, 0, 1, 1}},
		{0, 100, 10, 10, Rect{}},
		{100, 100, 0, 10, Rect{}},
		{-1, -1, 10, 10, Rect{}},
	} {
		if got := Fit(c.winW, c.winH, c.w, c.h); got != c.want {
			t.Errorf("Fit(%d, %d, %d, %d) = %v, want %v", c.winW, c.winH, c.w, c.h, got, c.want)
		}
	}
}

func TestFitProperties(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for range 50000 {
		winW, winH := 1+rnd.Intn(5000), 1+rnd.Intn(5000)
		w, h := 1+rnd.Intn(9000), 1+rnd.Intn(9000)
		r := Fit(winW, winH, w, h)
		if r.X < 0 || r.Y < 0 || r.W < 1 || r.H < 1 || r.X+r.W > winW || r.Y+r.H > winH {
			t.Fatalf("Fit(%d, %d, %d, %d) = %v leaves the window", winW, winH, w, h, r)
		}
		if r.W != winW && r.H != winH {
			t.Fatalf("Fit(%d, %d, %d, %d) = %v touches no edges", winW, winH, w, h, r)
		}
		scale := math.Min(float64(winW)/float64(w), float64(winH)/float64(h))
		wantW, wantH := math.Max(1, float64(w)*scale), math.Max(1, float64(h)*scale)
		if math.Abs(float64(r.W)-wantW) > 0.5+1e-9 || math.Abs(float64(r.H)-wantH) > 0.5+1e-9 {
			t.Fatalf("Fit(%d, %d, %d, %d) = %v, exact %.2fx%.2f", winW, winH, w, h, r, wantW, wantH)
		}
		cx, cy := float64(r.X)+float64(r.W)/2, float64(r.Y)+float64(r.H)/2
		if math.Abs(cx-float64(winW)/2) > 0.5 || math.Abs(cy-float64(winH)/2) > 0.5 {
			t.Fatalf("Fit(%d, %d, %d, %d) = %v is not centred", winW, winH, w, h, r)
		}
		area := r.W * r.H
		for _, b := range Bars(winW, winH, r) {
			area += b.W * b.H
			if b.X < r.X+r.W && r.X < b.X+b.W && b.Y < r.Y+r.H && r.Y < b.Y+b.H {
				t.Fatalf("bar %v lies on the picture %v", b, r)
			}
		}
		if area != winW*winH {
			t.Fatalf("picture %v and bars cover %d of %d pixels", r, area, winW*winH)
		}
	}
}

func TestInitialSize(t *testing.T) {
	for _, c := range [][6]int{
		{352, 288, 1920, 1080, 352, 288},
		{3840, 2160, 1920, 1080, 1920, 1080},
		{3840, 2160, 1920, 1040, 1849, 1040},
		{16, 16, 1920, 1080, 64, 64},
		{1080, 1920, 1920, 1080, 608, 1080},
	} {
		if w, h := InitialSize(c[0], c[1], c[2], c[3]); w != c[4] || h != c[5] {
			t.Errorf("InitialSize(%v) = %d, %d, want %v", c[:4], w, h, c[4:])
		}
	}
}
