package sdlwindow

import (
	"fmt"
	"testing"
	"time"

	"planar/render"
	"planar/render/convert"
)

// BenchmarkOpen is from nothing to the first picture.
func BenchmarkOpen(b *testing.B) {
	needServer(b)
	k := convert.New(nil)
	defer k.Close()
	p := quadrants(1280, 720, 0)
	var steps [4]time.Duration
	for b.Loop() {
		onMain(func() {
			t := time.Now()
			lap := func(i int) {
				steps[i] += time.Since(t)
				t = time.Now()
			}
			w, err := Open(Options{Converter: k, Renderer: "software"})
			if err != nil {
				b.Fatal(err)
			}
			lap(0)
			w.SetShape(1280, 720)
			lap(1)
			if err := w.Prepare(p); err != nil {
				b.Fatal(err)
			}
			lap(2)
			if err := w.Present(0, 0); err != nil {
				b.Fatal(err)
			}
			lap(3)
			w.Close()
		})
	}
	for i, name := range []string{"open", "shape", "prepare", "present"} {
		b.ReportMetric(float64(steps[i].Microseconds())/1000/float64(b.N), name+"-ms")
	}
}

// BenchmarkFrame is one picture in a window of its size.
func BenchmarkFrame(b *testing.B) {
	for _, c := range []struct {
		w, h     int
		geometry string
		renderer string
	}{
		{1920, 1080, "1920x1080+0+0", "software"},
		{1920, 1080, "960x540+0+0", "software"},
		{3840, 2160, "1920x1080+0+0", "software"},
		{1920, 1080, "1920x1080+0+0", "opengl"},
	} {
		b.Run(fmt.Sprintf("%s/%dx%d-in-%s", c.renderer, c.w, c.h, c.geometry), func(b *testing.B) {
			w := open(b, Options{Renderer: c.renderer, Geometry: geometry(b, c.geometry)})
			p := []*render.Picture{quadrants(c.w, c.h, 0), quadrants(c.w, c.h, 180)}
			p[1].Rotation = 0
			show(b, w, p[0])
			var prepare, present time.Duration
			cpu, n := cpuTime(b), 0
			for b.Loop() {
				onMain(func() {
					t := time.Now()
					if err := w.Prepare(p[n%2]); err != nil {
						b.Fatal(err)
					}
					prepare += time.Since(t)
					t = time.Now()
					if err := w.Present(0, 0); err != nil {
						b.Fatal(err)
					}
					present += time.Since(t)
				})
				n++
			}
			b.ReportMetric(float64(prepare.Microseconds())/1000/float64(n), "prepare-ms")
			b.ReportMetric(float64(present.Microseconds())/1000/float64(n), "present-ms")
			b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/1000/float64(n), "cpu-ms")
		})
	}
}
