package scope_test

import (
	"math"
	"testing"

	"planar/render"
	"planar/render/scope"
)

// BenchmarkScopes is what the inspector draws for one 1080p picture. "all" is
// a histogram, a luma waveform and a vectorscope.
func BenchmarkScopes(b *testing.B) {
	for _, format := range []string{"yuv420p", "yuv420p10le", "nv12", "uyvy422", "p010le", "rgb24"} {
		f := formatOf(b, format)
		p := blank(b, format, 1920, 1080, 64)
		scene(b, p)
		var (
			histogram scope.Histogram
			waveform  scope.Waveform
			vectors   scope.Vectorscope
			stats     []scope.Stat
			one       = render.NewBitmap(512, 160)
			two       = render.NewBitmap(512, 256)
			three     = render.NewBitmap(256, 256)
		)
		steps := []struct {
			name string
			do   func() error
		}{
			{"histogram", func() error { return histogram.Measure(f, p, scope.Whole) }},
			{"histogram drawing", func() error { return histogram.Draw(one, scope.HistogramOptions{}) }},
			{"waveform", func() error { return waveform.Draw(two, f, p, scope.Whole, scope.WaveformOptions{}) }},
			{"vectorscope", func() error { return vectors.Draw(three, f, p, scope.Whole) }},
		}
		all := steps
		steps = append(steps, struct {
			name string
			do   func() error
		}{"parade", func() error {
			return waveform.Draw(two, f, p, scope.Whole, scope.WaveformOptions{Parade: true})
		}}, struct {
			name string
			do   func() error
		}{"region", func() (err error) {
			stats, err = f.Region(p, scope.Whole, stats)
			return err
		}})
		b.Run(format+"/all", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, s := range all {
					if err := s.do(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		for _, s := range steps {
			b.Run(format+"/"+s.name, func(b *testing.B) {
				for b.Loop() {
					if err := s.do(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// scene fills p with something like a picture: gradients, some texture, colours.
func scene(t testing.TB, p *render.Picture) {
	d := descriptors[p.Format]
	noise := uint32(1)
	for i := range d.Components {
		w, h := sizeOf(d, i, p.Width, p.Height)
		for y := range h {
			for x := range w {
				noise = noise*1664525 + 1013904223
				n := float64(noise>>16)/65536 - 0.5
				fx, fy := float64(x)/float64(w), float64(y)/float64(h)
				v := 0.0
				switch {
				case i == 0:
					v = 0.08 + 0.7*fx*(0.6+0.4*math.Sin(5*fy)) + 0.15*math.Sin(12*fx*fy)*fy + 0.03*n
				case i == 1:
					v = 0.5 + 0.2*math.Sin(6*fx+2*fy)*fy + 0.02*n
				default:
					v = 0.5 + 0.15*math.Cos(4*fx)*(1-fy) + 0.02*n
				}
				limit := float64(int(1)<<d.Components[i].Depth - 1)
				put(t, p, i, x, y, int(min(1, max(0, v))*limit))
			}
		}
	}
}
