package scope_test

import (
	"math"
	"strings"
	"testing"

	"planar/render"
	"planar/render/scope"
)

// greyValue reads a sample of a picture of "gray" or "gray10le" and the like.
func greyValue(p *render.Picture, x, y int) int {
	row := p.Planes[0].Data[y*p.Planes[0].Stride:]
	switch {
	case p.Format == "gray":
		return int(row[x])
	case strings.HasSuffix(p.Format, "be"):
		return int(row[2*x])<<8 | int(row[2*x+1])
	}
	return int(row[2*x]) | int(row[2*x+1])<<8
}

func TestPlane(t *testing.T) {
	// What each component becomes, and whether it is the picture's own memory.
	for name, want := range map[string][]string{
		"yuv420p":     {"gray=", "gray=", "gray="},
		"yuva444p":    {"gray=", "gray=", "gray=", "gray="},
		"nv12":        {"gray=", "gray", "gray"},
		"uyvy422":     {"gray", "gray", "gray"},
		"yuv422p10le": {"gray10le=", "gray10le=", "gray10le="},
		"yuv410p12be": {"gray12be=", "gray12be=", "gray12be="},
		"yuv440p9le":  {"gray9le=", "gray9le=", "gray9le="},
		"p010le":      {"gray10le", "gray10le", "gray10le"},
		"p010be":      {"gray10be", "gray10be", "gray10be"},
		"p016le":      {"gray16le=", "gray16le", "gray16le"},
		"y210be":      {"gray10be", "gray10be", "gray10be"},
		"gbrp14le":    {"gray14le=", "gray14le=", "gray14le="},
		"rgb24":       {"gray", "gray", "gray"},
		"rgb48be":     {"gray16be", "gray16be", "gray16be"},
		"x2rgb10le":   {"gray10le", "gray10le", "gray10le"},
		"rgb565be":    {"gray", "gray", "gray"},
		"rgb8":        {"gray", "gray", "gray"},
		"gray":        {"gray="},
		"gray16be":    {"gray16be="},
		"ya8":         {"gray", "gray"},
		"xyz12le":     {"gray12le", "gray12le", "gray12le"},
	} {
		f, d := formatOf(t, name), descriptors[name]
		var e scope.Extractor
		p, values := filled(t, name, 13, 9, 6)
		p.Rotation, p.SAR = 90, render.Rational{Num: 16, Den: 11}
		for i, want := range want {
			q, err := e.Plane(f, p, i)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			format, aliased := strings.CutSuffix(want, "=")
			if q.Format != format || q.Colour.Range != render.Full || q.Rotation != 90 {
				t.Errorf("%s: component %d is %s, %v, turned by %d; want %s, full, 90", name, i, q.Format, q.Colour, q.Rotation, format)
			}
			own := &p.Planes[d.Components[i].Plane]
			if (&q.Planes[0].Data[0] == &own.Data[0]) != aliased {
				t.Errorf("%s: component %d: shares memory %v, want %v", name, i, !aliased, aliased)
			}
			if err := q.CheckPlanes(); err != nil {
				t.Errorf("%s: component %d: %v", name, i, err)
			}
			w, h := sizeOf(d, i, 13, 9)
			if q.Width != w || q.Height != h {
				t.Fatalf("%s: component %d is %dx%d, want %dx%d", name, i, q.Width, q.Height, w, h)
			}
			// w*sar to h as the whole picture's.
			if q.SAR.Num*w*11*9 != 13*16*q.SAR.Den*h {
				t.Errorf("%s: component %d of %dx%d has samples of %v", name, i, w, h, q.SAR)
			}
			depth := d.Components[i].Depth
			for y := range h {
				for x := range w {
					v := values[i][y][x]
					if depth < 8 {
						v = int(math.Round(float64(v) * 255 / float64(int(1)<<depth-1)))
					}
					if got := greyValue(&q, x, y); got != v {
						t.Fatalf("%s: component %d at %d,%d is %d, want %d", name, i, x, y, got, v)
					}
				}
			}
		}
		if _, err := e.Plane(f, p, len(want)); err == nil {
			t.Errorf("%s has a plane too many", name)
		}
	}
}

func TestPlaneShape(t *testing.T) {
	for _, test := range []struct {
		format    string
		w, h      int
		sar, want render.Rational
	}{
		{"yuv420p", 192, 108, render.Rational{}, render.Rational{Num: 1, Den: 1}},
		{"yuv422p", 192, 108, render.Rational{}, render.Rational{Num: 2, Den: 1}},
		{"yuv440p", 192, 108, render.Rational{}, render.Rational{Num: 1, Den: 2}},
		{"yuv411p", 72, 56, render.Rational{Num: 16, Den: 11}, render.Rational{Num: 64, Den: 11}},
		{"yuv420p", 3, 3, render.Rational{}, render.Rational{Num: 1, Den: 1}},
		{"yuv420p", 3, 2, render.Rational{}, render.Rational{Num: 3, Den: 4}},
		{"yuv444p", 3, 2, render.Rational{}, render.Rational{}},
		{"yuv444p", 3, 2, render.Rational{Num: 4, Den: 3}, render.Rational{Num: 4, Den: 3}},
		{"yuv422p", 2, 2, render.Rational{Num: math.MaxInt, Den: math.MaxInt}, render.Rational{Num: 2, Den: 1}},
	} {
		p := blank(t, test.format, test.w, test.h, 0)
		p.SAR = test.sar
		var e scope.Extractor
		q, err := e.Plane(formatOf(t, test.format), p, 1)
		if err != nil || q.SAR != test.want {
			t.Errorf("%s %dx%d %v: chroma is %v, %v, want %v", test.format, test.w, test.h, test.sar, q.SAR, err, test.want)
		}
	}
}
