package convert_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"testing"

	"planar/render"
	"planar/render/convert"
)

// zscale runs pictures of s through zimg, and gives 8-bit planes of G, B and R
// of w x h, one picture after the other.
func zscale(t *testing.T, format string, pw, ph int, raw []byte, c render.Colour, w, h int) []byte {
	t.Helper()
	matrix := map[render.Matrix]string{render.BT601: "170m", render.BT709: "709", render.BT2020: "2020_ncl"}[c.Matrix]
	siting := map[render.Siting]string{render.SitingLeft: "left", render.SitingCentre: "center", render.SitingTopLeft: "topleft"}[c.Siting]
	filter := fmt.Sprintf("zscale=w=%d:h=%d:filter=bilinear:dither=none:matrixin=%s:rangein=%v:chromalin=%s:matrix=gbr:range=full:"+
		"transferin=709:transfer=709:primariesin=709:primaries=709,format=gbrp", w, h, matrix, c.Range, siting)
	cmd := exec.Command("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin",
		"-f", "rawvideo", "-pixel_format", format, "-video_size", fmt.Sprintf("%dx%d", pw, ph), "-i", "pipe:0",
		"-vf", filter, "-f", "rawvideo", "pipe:1")
	cmd.Stdin = bytes.NewReader(raw)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg -vf %s: %v: %s", filter, err, stderr.Bytes())
	}
	return out
}

// contents are a test picture of FFmpeg's, a gradient, and a zone plate whose
// chroma rings are finer towards the corner.
func contents(t *testing.T, format string, w, h int) []*render.Picture {
	t.Helper()
	s := shapeOf(t, format)
	test, gradient, zones := shaped(t, format, w, h, 0), shaped(t, format, w, h, 0), shaped(t, format, w, h, 0)
	raw, err := exec.Command("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-f", "lavfi",
		"-i", fmt.Sprintf("testsrc2=size=%dx%d", w, h), "-frames:v", "1", "-pix_fmt", format, "-f", "rawvideo", "pipe:1").Output()
	if err != nil {
		t.Fatalf("ffmpeg testsrc2: %v", err)
	}
	for i := range test.Planes {
		raw = raw[copy(test.Planes[i].Data, raw):]
	}
	one := 1 << (s.depth - 8)
	s.fill(gradient, func(i, x, y int) int {
		nx, ny := s.size(i, w, h)
		return one*16 + [3]int{x * 219 / nx, y * 224 / ny, (nx - x) * 224 / nx}[i]*one
	})
	s.fill(zones, func(i, x, y int) int {
		nx, _ := s.size(i, w, h)
		phase := math.Pi * float64(x*x+y*y) / float64(3*nx)
		return one * int(128+[3]float64{40, 50, -50}[i]*math.Cos(phase))
	})
	return []*render.Picture{test, gradient, zones}
}

// TestAgainstZimg compares chroma that is interpolated, and enlarged pictures,
// with what zimg makes of them.
func TestAgainstZimg(t *testing.T) {
	if out, err := exec.Command("ffmpeg", "-hide_banner", "-filters").Output(); err != nil || !bytes.Contains(out, []byte(" zscale ")) {
		if os.Getenv("CI") == "true" {
			t.Fatal("ffmpeg with the zscale filter is not installed; packaging/install-deps.sh test installs it")
		}
		t.Skip("ffmpeg with the zscale filter is not installed")
	}
	const pw, ph = 176, 144
	for _, format := range []string{"yuv420p", "yuv420p10le"} {
		pictures := contents(t, format, pw, ph)
		var raw []byte
		for _, p := range pictures {
			for _, pl := range p.Planes {
				raw = append(raw, pl.Data...)
			}
		}
		for _, test := range []struct {
			colour render.Colour
			w, h   int
		}{
			{render.Colour{Matrix: render.BT601, Range: render.Limited, Siting: render.SitingLeft}, pw, ph},
			{render.Colour{Matrix: render.BT709, Range: render.Full, Siting: render.SitingCentre}, pw, ph},
			{render.Colour{Matrix: render.BT2020, Range: render.Limited, Siting: render.SitingTopLeft}, pw, ph},
			{render.Colour{Matrix: render.BT709, Range: render.Limited, Siting: render.SitingLeft}, pw * 3 / 2, ph * 2},
			{render.Colour{Matrix: render.BT2020, Range: render.Full, Siting: render.SitingTopLeft}, pw * 2, ph * 3},
		} {
			c, w, h := test.colour, test.w, test.h
			t.Run(fmt.Sprintf("%s/%v-%v-%v/%dx%d", format, c.Matrix, c.Range, c.Siting, w, h), func(t *testing.T) {
				t.Parallel()
				k := convert.New(nil)
				defer k.Close()
				want := zscale(t, format, pw, ph, raw, c, w, h)
				if len(want) != len(pictures)*3*w*h {
					t.Fatalf("zimg made %d bytes", len(want))
				}
				for n, p := range pictures {
					p := *p
					p.Colour = c
					dst := render.NewBitmap(w, h)
					if err := k.Convert(dst, &p, render.Bilinear); err != nil {
						t.Fatal(err)
					}
					most, sum := 0, 0
					for at := range w * h {
						for i, channel := range []int{1, 0, 2} {
							d := int(dst.Pix[4*at+channel]) - int(want[(3*n+i)*w*h+at])
							most, sum = max(most, d, -d), sum+max(d, -d)
						}
					}
					mean := float64(sum) / float64(3*w*h)
					t.Logf("picture %d: at most %d, %.3f in the mean", n, most, mean)
					if most > 2 || mean > 0.3 {
						t.Errorf("picture %d differs by up to %d code values, %.2f in the mean", n, most, mean)
					}
				}
			})
		}
	}
}
