package render

import "testing"

func TestParseGeometry(t *testing.T) {
	good := map[string]Geometry{
		"":                {},
		"640x360":         {W: 640, H: 360},
		"640X360":         {W: 640, H: 360},
		"1x1":             {W: 1, H: 1},
		"32767x32767":     {W: 32767, H: 32767},
		"+0+0":            {Placed: true},
		"+10+20":          {Placed: true, X: 10, Y: 20},
		"-10+20":          {Placed: true, X: 10, Y: 20, FromRight: true},
		"+10-20":          {Placed: true, X: 10, Y: 20, FromBottom: true},
		"-0-0":            {Placed: true, FromRight: true, FromBottom: true},
		"+-5+-7":          {Placed: true, X: -5, Y: -7},
		"800x600+10+20":   {W: 800, H: 600, Placed: true, X: 10, Y: 20},
		"800x600--5-20":   {W: 800, H: 600, Placed: true, X: -5, Y: 20, FromRight: true, FromBottom: true},
		"0640x0360+01+02": {W: 640, H: 360, Placed: true, X: 1, Y: 2},
	}
	for s, want := range good {
		got, err := ParseGeometry(s)
		if err != nil || got != want {
			t.Errorf("ParseGeometry(%q) = %+v, %v; want %+v", s, got, err, want)
			continue
		}
		if again, err := ParseGeometry(got.String()); err != nil || again != got {
			t.Errorf("%q came back from %q as %+v, %v", s, got.String(), again, err)
		}
	}
	bad := []string{
		"640", "640x", "x360", "640x360+", "640x360+1", "640x360+1+", "640x360+1+2+3", "0x360", "640x0",
		"-640x360", "640x-360", "32768x100", "100x99999999999999999999999", "+99999999999999999999+0",
		"640x360 ", " 640x360", "640*360", "640x360+1,2", "+", "-", "++1+1", "+--1+1", "abc", "640×360", "6.4x3.6", "1e3x1", "\x00",
	}
	for _, s := range bad {
		if g, err := ParseGeometry(s); err == nil {
			t.Errorf("ParseGeometry(%q) = %+v, want an error", s, g)
		} else if g != (Geometry{}) {
			t.Errorf("ParseGeometry(%q) returned %+v with an error", s, g)
		}
	}
}

func TestPlace(t *testing.T) {
	screen := Rect{X: 100, Y: 50, W: 1920, H: 1080}
	for s, want := range map[string][2]int{
		"":       {100 + 640, 50 + 360},
		"640x9":  {100 + 640, 50 + 360},
		"+10+20": {110, 70},
		"-0-0":   {100 + 1280, 50 + 720},
		"-10-20": {100 + 1270, 50 + 700},
		"+-5+-7": {95, 43},
	} {
		g, err := ParseGeometry(s)
		if err != nil {
			t.Fatal(err)
		}
		if x, y := g.Place(640, 360, screen); [2]int{x, y} != want {
			t.Errorf("%q: placed at %d,%d, want %v", s, x, y, want)
		}
	}
}

func FuzzParseGeometry(f *testing.F) {
	f.Add("640x360+10-20")
	f.Add("+-5+-7")
	f.Fuzz(func(t *testing.T, s string) {
		g, err := ParseGeometry(s)
		if err != nil {
			return
		}
		if again, err := ParseGeometry(g.String()); err != nil || again != g {
			t.Errorf("%q read as %+v, written %q, read as %+v, %v", s, g, g.String(), again, err)
		}
	})
}
