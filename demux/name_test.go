package demux

import (
	"testing"
	"time"

	"planar/render"
)

func rate(n, d int) render.Rational { return render.Rational{Num: n, Den: d} }

func TestParseName(t *testing.T) {
	for name, want := range map[string]Named{
		"clip_352x288_30fps.yuv":                  {352, 288, rate(30, 1)},
		"/data/176x144/x.yuv":                     {},
		"park_joy_1920x1080_50.yuv":               {1920, 1080, rate(50, 1)},
		"crowd_run_1080p50.yuv":                   {1920, 1080, rate(50, 1)},
		"foreman_cif.yuv":                         {352, 288, render.Rational{}},
		"akiyo_qcif-25Hz.yuv":                     {176, 144, rate(25, 1)},
		"BasketballDrive_1920x1080_50fps.yuv":     {1920, 1080, rate(50, 1)},
		"Netflix_Aerial_4096x2160_60fps_8bit.yuv": {4096, 2160, rate(60, 1)},
		"sintel-640X360@29.97fps.yuv":             {640, 360, rate(30000, 1001)},
		"beauty_uhd_59.94fps.yuv":                 {3840, 2160, rate(60000, 1001)},
		"dump.yuv":                                {},
		"take12_v2.yuv":                           {},
		"720p.yuv":                                {1280, 720, render.Rational{}},
		"99999x99999.yuv":                         {},
		"x_352x288.yuv":                           {352, 288, render.Rational{}},
	} {
		if got := ParseName(name); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string][2]int{"1920x1080": {1920, 1080}, "CIF": {352, 288}, "uhd": {3840, 2160}, "1X1": {1, 1}, "32768x32768": {32768, 32768}} {
		if w, h, err := ParseSize(s); err != nil || w != want[0] || h != want[1] {
			t.Errorf("%q: %dx%d, %v; want %v", s, w, h, err, want)
		}
	}
	for _, s := range []string{"", "x", "12", "0x10", "10x0", "-1x5", "2147483648x2147483648", "99999999999999999999x1", "32769x1", "1x1x1", "a x b"} {
		if _, _, err := ParseSize(s); err == nil {
			t.Errorf("%q was taken for a size", s)
		}
	}
}

func TestParseRate(t *testing.T) {
	for s, want := range map[string]render.Rational{
		"25": rate(25, 1), "29.97": rate(30000, 1001), "23.976": rate(24000, 1001), "59.94": rate(60000, 1001),
		"12.5": rate(25, 2), "30000/1001": rate(30000, 1001), "0.5": rate(1, 2), "1000": rate(1000, 1), "15.000": rate(15, 1),
	} {
		if got, err := ParseRate(s); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "0", "-1", "1001", "1/0", "0/1", "1/5000", "NaN", "Inf", "1e9", "5000/1", "1/1/1"} {
		if got, err := ParseRate(s); err == nil {
			t.Errorf("%q was taken for the rate %v", s, got)
		}
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("clip_352x288_30fps.yuv")
	f.Add("x_1080p59.94Hz")
	f.Fuzz(func(t *testing.T, s string) {
		n := ParseName(s)
		if n.Width < 0 || n.Width > MaxDimension || n.Height < 0 || n.Height > MaxDimension || (n.Width == 0) != (n.Height == 0) {
			t.Errorf("size %dx%d", n.Width, n.Height)
		}
		if r := n.Rate; r != (render.Rational{}) && !(r.Float() >= 0.0009 && r.Float() <= 1000) {
			t.Errorf("rate %v", r)
		}
		if _, err := ParseRate(s); err == nil && len(s) > 40 {
			t.Logf("long rate %q", s)
		}
	})
}

func TestFrameTimeIsExact(t *testing.T) {
	ntsc := rate(30000, 1001)
	// 30000 frames last exactly 1001 s, however many there were before.
	for _, k := range []int64{1, 1000, 1e6} {
		if got := FrameTime(30000*k, ntsc); got != time.Duration(1001*k)*time.Second {
			t.Errorf("frame %d is at %v", 30000*k, got)
		}
	}
	for _, r := range []render.Rational{rate(25, 1), ntsc, rate(24000, 1001), rate(1, 3), rate(1000, 1)} {
		for _, n := range []int64{0, 1, 2, 29, 30, 31, 999, 12345678} {
			at := FrameTime(n, r)
			if got := FrameAt(at, r); got != n {
				t.Errorf("%v: the frame at the time of frame %d is %d", r, n, got)
			}
			if got := FrameAt(at-1, r); n > 0 && got != n-1 {
				t.Errorf("%v: a moment before frame %d there is frame %d", r, n, got)
			}
		}
	}
}
