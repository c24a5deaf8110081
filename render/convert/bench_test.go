package convert_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"planar/render"
	"planar/render/convert"
)

// processorTime is what the process has used of all cores.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkConvert/FORMAT/SIZE->SIZE counts the picture's bytes. Besides the
// time it tells the processor time, which other programs disturb less.
func BenchmarkConvert(b *testing.B) {
	sizes := []struct{ w, h, dw, dh int }{
		{1920, 1080, 1920, 1080},
		{3840, 2160, 3840, 2160},
		{3840, 2160, 1920, 1080},
	}
	more := []struct{ w, h, dw, dh int }{
		{352, 288, 352, 288},
		{1920, 1080, 960, 540},
		{1920, 1080, 1500, 844},
		{352, 288, 1320, 1080},
		{1280, 720, 1920, 1080},
	}
	for _, format := range []string{"yuv420p", "nv12", "yuv420p10le", "p010le", "yuv422p10le", "yuv444p", "yuyv422", "rgb24", "gbrp10le"} {
		of := sizes
		if format == "yuv420p" {
			of = append(of[:len(of):len(of)], more...)
		}
		for _, c := range of {
			b.Run(fmt.Sprintf("%s/%dx%d->%dx%d", format, c.w, c.h, c.dw, c.dh), func(b *testing.B) {
				k := convert.New(nil)
				defer k.Close()
				p := shaped(b, format, c.w, c.h, 0)
				size := 0
				for i, pl := range p.Planes {
					size += pl.RowBytes * pl.Rows
					for j := range pl.Data {
						pl.Data[j] = byte(j*7 + i)
					}
				}
				dst := render.NewBitmap(c.dw, c.dh)
				b.SetBytes(int64(size))
				start := processorTime()
				for b.Loop() {
					if err := k.Convert(dst, p, render.Bilinear); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(processorTime()-start)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}
