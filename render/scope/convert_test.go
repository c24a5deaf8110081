//go:build cgo

package scope_test

import (
	"math"
	"testing"

	"planar/render"
	"planar/render/convert"
	"planar/render/scope"
)

// TestShownColours compares RGB and Plane with what render/convert shows.
func TestShownColours(t *testing.T) {
	k := convert.New(nil)
	defer k.Close()
	for _, name := range []string{"yuv444p", "yuv420p", "yuvj422p", "yuv420p10le", "yuv444p16be", "yuv422p12be", "nv12", "p010le", "uyvy422", "rgb24", "bgra", "gbrp10le", "gray", "gray12be"} {
		f := formatOf(t, name)
		for _, m := range []render.Matrix{render.MatrixUnknown, render.BT601, render.BT709, render.BT2020} {
			for _, r := range []render.Range{render.RangeUnknown, render.Limited, render.Full} {
				p, _ := filled(t, name, 33, 21, 5)
				p.Colour = render.Colour{Matrix: m, Range: r}
				dst := render.NewBitmap(33, 21)
				if err := k.Convert(dst, p, render.Nearest); err != nil {
					t.Fatal(err)
				}
				for y := range 21 {
					for x := range 33 {
						c, ok := f.RGB(p, x, y)
						shown := pixel(dst, x, y)
						for i, v := range c {
							if v = min(255, max(0, v)); !ok || math.Abs(v-float64(shown[i])) > 1.1 {
								t.Fatalf("%s %v %v at %d,%d: %v, but %v is shown", name, m, r, x, y, c, shown)
							}
						}
					}
				}
				var e scope.Extractor
				for i, c := range f.Components() {
					q, err := e.Plane(f, p, i)
					if err != nil {
						t.Fatal(err)
					}
					dst := render.NewBitmap(q.Width, q.Height)
					if err := k.Convert(dst, &q, render.Nearest); err != nil {
						t.Fatal(err)
					}
					for y := range q.Height {
						for x := range q.Width {
							v, _ := f.Sample(p, i, x<<c.ShiftX, y<<c.ShiftY)
							want := float64(v) * 255 / float64(int(1)<<c.Depth-1)
							if got := pixel(dst, x, y)[1]; math.Abs(float64(got)-want) > 1.1 {
								t.Fatalf("%s: component %s at %d,%d is %d, shown as %d, want %.1f", name, c.Name, x, y, v, got, want)
							}
						}
					}
				}
			}
		}
	}
}
