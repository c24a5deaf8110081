package convert_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"planar/render"
	"planar/render/convert"
)

var _ render.PartConverter = (*convert.Converter)(nil)

// cut is what of whole lies at x, y.
func cut(whole render.Bitmap, x, y, w, h int) []byte {
	var out []byte
	for row := range h {
		out = append(out, whole.Pix[(y+row)*whole.Stride+4*x:][:4*w]...)
	}
	return out
}

// TestPart: a part is what Convert makes there, of every format, at every scale.
func TestPart(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	k := convert.New(nil)
	defer k.Close()
	for n, name := range convert.Formats() {
		s := shapeOf(t, name)
		for round := range 24 {
			p := shaped(t, name, 1+rng.IntN(60), 1+rng.IntN(40), round%2*9)
			s.fill(p, s.extremes(int64(n)))
			p.Rotation = round % 4 * 90
			p.Colour.Siting = render.Siting(rng.IntN(4))
			w, h := p.DisplaySize()
			switch round / 4 {
			case 0:
			case 1:
				w, h = w*4, h*4
			case 2:
				w, h = 1+w/3, 1+h/5
			case 3:
				w *= 2
			default:
				w, h = 1+rng.IntN(150), 1+rng.IntN(150)
			}
			f := render.Bilinear
			if rng.IntN(2) == 0 {
				f = render.Nearest
			}
			whole := render.NewBitmap(w, h)
			if err := k.Convert(whole, p, f); err != nil {
				t.Fatal(err)
			}
			for range 6 {
				x, y := rng.IntN(w), rng.IntN(h)
				pw, ph := 1+rng.IntN(w-x), 1+rng.IntN(h-y)
				dst := render.NewBitmap(pw, ph)
				if err := k.ConvertPart(dst, p, f, x, y, w, h); err != nil {
					t.Fatal(err)
				}
				want := cut(whole, x, y, pw, ph)
				for i := range want {
					// Chroma of pictures that are not scaled is interpolated otherwise, and
					// rounded otherwise.
					if d := int(dst.Pix[i]) - int(want[i]); d < -1 || d > 1 {
						t.Fatalf("%s %dx%d turned by %d, filter %d: part %dx%d at %d,%d of %dx%d: byte %d is %d, want %d",
							name, p.Width, p.Height, p.Rotation, f, pw, ph, x, y, w, h, i, dst.Pix[i], want[i])
					}
				}
				if f == render.Nearest && !bytes.Equal(dst.Pix, want) {
					t.Fatalf("%s: not exactly so", name)
				}
			}
		}
	}
}

// TestPartHuge: of a bitmap that no memory holds, only the part counts.
func TestPartHuge(t *testing.T) {
	k := convert.New(nil)
	defer k.Close()
	p := picture(30000, 4, func(i, x, y int) byte { return byte(x) })
	dst := render.NewBitmap(64, 64)
	if err := k.ConvertPart(dst, p, render.Nearest, 64*29999, 0, 64*30000, 64*4); err != nil {
		t.Fatal(err)
	}
	one := picture(1, 1, func(i, x, y int) byte { return 0 })
	for i, b := range []byte{29999 & 255, 14999 & 255, 14999 & 255} {
		one.Planes[i].Data[0] = b
	}
	one.Colour = p.ShownColour()
	want := render.NewBitmap(64, 64)
	if err := k.Convert(want, one, render.Nearest); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(dst.Pix, want.Pix) {
		t.Errorf("the last sample is %v, want %v", dst.Pix[:4], want.Pix[:4])
	}
}

func TestPartBeyond(t *testing.T) {
	k := convert.New(nil)
	defer k.Close()
	p := picture(16, 16, func(i, x, y int) byte { return 0 })
	for _, c := range [][4]int{{-1, 0, 16, 16}, {0, -1, 16, 16}, {9, 0, 16, 16}, {0, 9, 16, 16}, {0, 0, 7, 16}, {0, 0, 0, 0}, {1 << 62, 0, -1 << 62, 16}} {
		if k.ConvertPart(render.NewBitmap(8, 8), p, render.Nearest, c[0], c[1], c[2], c[3]) == nil {
			t.Errorf("8x8 at %d,%d of %dx%d succeeded", c[0], c[1], c[2], c[3])
		}
	}
}

// strange converts pictures of one format, whose samples are their pixels.
type strange struct{ w, h int }

func (s *strange) Convert(dst render.Bitmap, p *render.Picture, f render.Filter) error {
	if p.Rotation != 0 {
		return errors.New("turned")
	}
	s.w, s.h = dst.Width, dst.Height
	for y := range dst.Height {
		for x := range dst.Width {
			v := p.Planes[0].Data[y*p.Height/dst.Height*p.Planes[0].Stride+x*p.Width/dst.Width]
			copy(dst.Pix[y*dst.Stride+4*x:], []byte{v, v, v, 255})
		}
	}
	return nil
}

func (s *strange) Close() {}

// TestPartByOther: parts of pictures that the kernel does not know.
func TestPartByOther(t *testing.T) {
	other := &strange{}
	k := convert.New(other)
	defer k.Close()
	grey := shaped(t, "gray", 40, 30, 3)
	for i := range grey.Planes[0].Data {
		grey.Planes[0].Data[i] = byte(i * 7)
	}
	grey.Colour.Range = render.Full
	for _, rotation := range []int{0, 90, 180, 270} {
		for _, zoom := range []int{1, 16} {
			t.Run(fmt.Sprint(rotation, "x", zoom), func(t *testing.T) {
				p := *grey
				p.Rotation = rotation
				w, h := p.DisplaySize()
				want, got := render.NewBitmap(20, 25), render.NewBitmap(20, 25)
				if err := k.ConvertPart(want, &p, render.Nearest, 3, 4, w*zoom, h*zoom); err != nil {
					t.Fatal(err)
				}
				p.Format = "strange"
				if err := k.ConvertPart(got, &p, render.Nearest, 3, 4, w*zoom, h*zoom); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Pix, want.Pix) {
					t.Error("not the same as of a format that is known")
				}
				if other.w > 40 || other.h > 40 {
					t.Errorf("the other converter made %dx%d", other.w, other.h)
				}
			})
		}
	}
}

// BenchmarkPart is a window of 1800x1080 full of a large picture.
func BenchmarkPart(b *testing.B) {
	for _, format := range []string{"yuv420p", "yuv422p10le", "uyvy422"} {
		p := shaped(b, format, 3840, 2160, 0)
		for _, zoom := range []float64{0.9, 1, 2, 4, 16, 64} {
			for _, rotation := range []int{0, 90} {
				b.Run(fmt.Sprintf("%s/%vx/%d", format, zoom, rotation), func(b *testing.B) {
					k := convert.New(nil)
					defer k.Close()
					p.Rotation = rotation
					w, h := p.DisplaySize()
					f := render.Nearest
					if zoom < 2 {
						f = render.Bilinear
					}
					zw, zh := int(float64(w)*zoom), int(float64(h)*zoom)
					dst := render.NewBitmap(1800, 1080)
					for b.Loop() {
						if err := k.ConvertPart(dst, p, f, 101, 103, zw, zh); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
