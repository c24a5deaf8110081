package render

import "testing"

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		in   Colour
		w, h int
		want Colour
	}{
		{Colour{}, 352, 288, Colour{BT601, Limited, SitingLeft}},
		{Colour{}, 720, 576, Colour{BT601, Limited, SitingLeft}},
		{Colour{}, 1024, 576, Colour{BT601, Limited, SitingLeft}},
		{Colour{}, 1025, 576, Colour{BT709, Limited, SitingLeft}},
		{Colour{}, 720, 577, Colour{BT709, Limited, SitingLeft}},
		{Colour{}, 3840, 2160, Colour{BT709, Limited, SitingLeft}},
		{Colour{Matrix: BT2020}, 16, 16, Colour{BT2020, Limited, SitingLeft}},
		{Colour{Range: Full}, 1920, 1080, Colour{BT709, Full, SitingLeft}},
		{Colour{BT601, Full, SitingTopLeft}, 1920, 1080, Colour{BT601, Full, SitingTopLeft}},
		{Colour{Matrix: RGB}, 1920, 1080, Colour{RGB, Full, SitingLeft}},
	} {
		if got := c.in.Resolve(c.w, c.h); got != c.want {
			t.Errorf("%v.Resolve(%d, %d) = %v, want %v", c.in, c.w, c.h, got, c.want)
		}
	}
}

func TestDisplaySize(t *testing.T) {
	for _, c := range []struct {
		p    Picture
		w, h int
	}{
		{Picture{Width: 352, Height: 288}, 352, 288},
		{Picture{Width: 720, Height: 576, SAR: Rational{16, 11}}, 1047, 576},
		{Picture{Width: 720, Height: 576, SAR: Rational{16, 11}, Rotation: 90}, 576, 1047},
		{Picture{Width: 640, Height: 480, Rotation: 180}, 640, 480},
		{Picture{Width: 640, Height: 480, SAR: Rational{0, 1}, Rotation: 270}, 480, 640},
		{Picture{Width: 1, Height: 1, SAR: Rational{1, 1000}}, 1, 1},
	} {
		if w, h := c.p.DisplaySize(); w != c.w || h != c.h {
			t.Errorf("%+v: display size %dx%d, want %dx%d", c.p, w, h, c.w, c.h)
		}
	}
}
