package convert_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand"
	"strings"
	"testing"

	"planar/render"
	"planar/render/convert"
)

var _ render.Converter = (*convert.Converter)(nil)

// picture is a yuv420p picture with padded rows; fill gives the samples of
// plane i.
func picture(w, h int, fill func(i, x, y int) byte) *render.Picture {
	p := &render.Picture{Format: "yuv420p", Width: w, Height: h}
	for i := range 3 {
		pl := render.Plane{RowBytes: w, Rows: h}
		if i > 0 {
			pl.RowBytes, pl.Rows = (w+1)/2, (h+1)/2
		}
		pl.Stride = pl.RowBytes + 5
		pl.Data = make([]byte, (pl.Rows-1)*pl.Stride+pl.RowBytes)
		for y := range pl.Rows {
			for x := range pl.RowBytes {
				pl.Data[y*pl.Stride+x] = fill(i, x, y)
			}
		}
		p.Planes = append(p.Planes, pl)
	}
	return p
}

func noise(seed int64) func(i, x, y int) byte {
	rnd := rand.New(rand.NewSource(seed))
	return func(int, int, int) byte { return byte(rnd.Intn(256)) }
}

// reference is the colour, unrounded and not yet clamped, in exact arithmetic.
func reference(c render.Colour, y, cb, cr float64) (rgb [3]float64) {
	kr, kb := c.Matrix.Weights()
	y, cb, cr = y/255, (cb-128)/255, (cr-128)/255
	if c.Range == render.Limited {
		y, cb, cr = (y*255-16)/219, cb*255/224, cr*255/224
	}
	r := y + 2*(1-kr)*cr
	b := y + 2*(1-kb)*cb
	g := (y - kr*r - kb*b) / (1 - kr - kb)
	return [3]float64{255 * r, 255 * g, 255 * b}
}

func clamp(v float64) float64 { return math.Max(0, math.Min(255, v)) }

// deviation is by how many code values the pixel at b is off.
func deviation(b []byte, want [3]float64) float64 {
	return max(math.Abs(float64(b[2])-clamp(want[0])), math.Abs(float64(b[1])-clamp(want[1])), math.Abs(float64(b[0])-clamp(want[2])))
}

var colours = []render.Colour{
	{Matrix: render.BT601, Range: render.Limited},
	{Matrix: render.BT601, Range: render.Full},
	{Matrix: render.BT709, Range: render.Limited},
	{Matrix: render.BT709, Range: render.Full},
	{Matrix: render.BT2020, Range: render.Limited},
	{Matrix: render.BT2020, Range: render.Full},
}

// TestEveryColour converts all 16.7 million combinations of Y, U and V. Each
// chroma sample of a picture of 512 x 512 has four lumas.
func TestEveryColour(t *testing.T) {
	step := 1
	if testing.Short() || raceDetector {
		step = 13
	}
	for _, c := range colours {
		t.Run(fmt.Sprint(c.Matrix, c.Range), func(t *testing.T) {
			t.Parallel()
			k := convert.New(nil)
			defer k.Close()
			dst := render.NewBitmap(512, 512)
			worst := 0.0
			for group := 0; group < 64; group += step {
				p := picture(512, 512, func(i, x, y int) byte {
					return [3]byte{byte(4*group + y&1*2 + x&1), byte(x), byte(y)}[i]
				})
				p.Colour = c
				if err := k.Convert(dst, p, render.Nearest); err != nil {
					t.Fatal(err)
				}
				for y := range 512 {
					for x := range 512 {
						b := dst.Pix[y*dst.Stride+4*x:]
						luma := 4*group + y&1*2 + x&1
						d := deviation(b, reference(c, float64(luma), float64(x/2), float64(y/2)))
						// The reference is not rounded: half a code value is exact.
						if d > 1 || b[3] != 255 {
							t.Fatalf("YUV %d %d %d: got BGRA %v, off by %.2f", luma, x/2, y/2, b[:4], d)
						}
						worst = max(worst, d)
					}
				}
			}
			t.Logf("largest deviation %.3f code values", worst)
		})
	}
}

// TestChromaSiting compares noise at awkward sizes, up to the edges, with
// linear interpolation from where the samples lie.
func TestChromaSiting(t *testing.T) {
	k := convert.New(nil)
	defer k.Close()
	for _, size := range [][2]int{{351, 289}, {352, 288}, {1, 1}, {2, 2}, {3, 1}, {1, 3}, {17, 5}, {64, 33}} {
		for _, siting := range []render.Siting{render.SitingLeft, render.SitingCentre, render.SitingTopLeft} {
			w, h := size[0], size[1]
			p := picture(w, h, noise(int64(w)))
			p.Colour = render.Colour{Matrix: render.BT709, Range: render.Full, Siting: siting}
			dst := render.NewBitmap(w, h)
			if err := k.Convert(dst, p, render.Bilinear); err != nil {
				t.Fatal(err)
			}
			// Columns and rows between samples, counted in luma.
			offX, offY := 0.0, 0.5
			if siting == render.SitingCentre {
				offX = 0.5
			}
			if siting == render.SitingTopLeft {
				offY = 0
			}
			at := func(pl render.Plane, x, y int) float64 {
				x, y = min(max(x, 0), pl.RowBytes-1), min(max(y, 0), pl.Rows-1)
				return float64(pl.Data[y*pl.Stride+x])
			}
			chroma := func(pl render.Plane, x, y int) float64 {
				fx, fy := (float64(x)-offX)/2, (float64(y)-offY)/2
				ix, iy := int(math.Floor(fx)), int(math.Floor(fy))
				fx, fy = fx-float64(ix), fy-float64(iy)
				return (at(pl, ix, iy)*(1-fx)+at(pl, ix+1, iy)*fx)*(1-fy) + (at(pl, ix, iy+1)*(1-fx)+at(pl, ix+1, iy+1)*fx)*fy
			}
			for y := range h {
				for x := range w {
					want := reference(p.Colour, at(p.Planes[0], x, y), chroma(p.Planes[1], x, y), chroma(p.Planes[2], x, y))
					if d := deviation(dst.Pix[y*dst.Stride+4*x:], want); d > 1 {
						t.Fatalf("%dx%d sited %v: pixel %d,%d is off by %.2f", w, h, siting, x, y, d)
					}
				}
			}
		}
	}
}

// TestFlat: a flat picture stays flat and exact at every size, and nothing
// beyond the bitmap's rows is written.
func TestFlat(t *testing.T) {
	k := convert.New(nil)
	defer k.Close()
	p := picture(351, 289, func(i, x, y int) byte { return [3]byte{81, 90, 240}[i] })
	want := reference(render.Colour{Matrix: render.BT601, Range: render.Limited}, 81, 90, 240)
	for _, size := range [][2]int{{351, 289}, {1, 1}, {64, 52}, {117, 96}, {100, 289}, {351, 20}, {175, 144}, {176, 145}, {333, 273}, {702, 578}, {1222, 1000}, {40, 1000}, {2000, 3}} {
		for _, f := range []render.Filter{render.Nearest, render.Bilinear} {
			w, h := size[0], size[1]
			stride := w*4 + 12
			dst := render.Bitmap{Pix: bytes.Repeat([]byte{0x77}, h*stride), Width: w, Height: h, Stride: stride}
			if err := k.Convert(dst, p, f); err != nil {
				t.Fatal(err)
			}
			for y := range h {
				row := dst.Pix[y*stride:][:stride]
				for x := range w {
					if b := row[4*x:]; deviation(b, want) > 1 || b[3] != 255 {
						t.Fatalf("%dx%d: pixel %d,%d is %v", w, h, x, y, b[:4])
					}
				}
				if !bytes.Equal(row[4*w:], bytes.Repeat([]byte{0x77}, 12)) {
					t.Fatalf("%dx%d: wrote beyond row %d", w, h, y)
				}
			}
		}
	}
}

// TestScaledPlacement: the middle of a scaled vertical edge stays where it is.
func TestScaledPlacement(t *testing.T) {
	k := convert.New(nil)
	defer k.Close()
	p := picture(640, 360, func(i, x, y int) byte {
		split := 320
		if i > 0 {
			split = 160
		}
		if x < split {
			return [3]byte{80, 118, 118}[i]
		}
		return [3]byte{160, 138, 138}[i]
	})
	for _, w := range []int{64, 160, 320, 480, 640, 1000, 1280, 1920} {
		h := w * 9 / 16
		dst := render.NewBitmap(w, h)
		if err := k.Convert(dst, p, render.Bilinear); err != nil {
			t.Fatal(err)
		}
		row := dst.Pix[h/2*dst.Stride:]
		for c := range 3 {
			left, right := float64(row[c]), float64(row[4*(w-1)+c])
			sum := 0.0
			for x := range w {
				sum += (float64(row[4*x+c]) - right) / (left - right)
			}
			// Chroma sited left has its edge half an unscaled column early; an edge
			// that falls between columns moves by a part of one.
			tolerance := 0.3 + 0.6*float64(w)/640
			if math.Abs(sum-float64(w)/2) > tolerance {
				t.Errorf("width %d, channel %d: the edge is at %.2f", w, c, sum)
			}
		}
	}
}

func TestRotation(t *testing.T) {
	k := convert.New(nil)
	defer k.Close()
	p := picture(31, 19, noise(3))
	plain := render.NewBitmap(31, 19)
	if err := k.Convert(plain, p, render.Bilinear); err != nil {
		t.Fatal(err)
	}
	for _, rotation := range []int{90, 180, 270} {
		p.Rotation = rotation
		w, h := p.DisplaySize()
		dst := render.Bitmap{Pix: make([]byte, h*(4*w+8)), Width: w, Height: h, Stride: 4*w + 8}
		if err := k.Convert(dst, p, render.Bilinear); err != nil {
			t.Fatal(err)
		}
		for y := range 19 {
			for x := range 31 {
				tx, ty := x, y
				switch rotation { // clockwise
				case 90:
					tx, ty = 18-y, x
				case 180:
					tx, ty = 30-x, 18-y
				case 270:
					tx, ty = y, 30-x
				}
				got, want := dst.Pix[ty*dst.Stride+4*tx:][:4], plain.Pix[y*plain.Stride+4*x:][:4]
				if !bytes.Equal(got, want) {
					t.Fatalf("turned by %d: pixel %d,%d is %v, want %v", rotation, tx, ty, got, want)
				}
			}
		}
	}
	p.Rotation = 45
	if k.Convert(plain, p, render.Bilinear) == nil {
		t.Error("a rotation by 45 degrees was accepted")
	}
}

func TestInterleaved(t *testing.T) {
	k := convert.New(nil)
	defer k.Close()
	for _, f := range []render.Filter{render.Bilinear, render.Nearest} {
		for _, w := range []int{351, 100} {
			p := picture(351, 289, noise(4))
			want := render.NewBitmap(w, 289)
			if err := k.Convert(want, p, f); err != nil {
				t.Fatal(err)
			}
			for _, format := range []string{"nv12", "nv21"} {
				first, second := p.Planes[1], p.Planes[2]
				if format == "nv21" {
					first, second = second, first
				}
				both := render.Plane{RowBytes: 352, Stride: 360, Rows: 145, Data: make([]byte, 360*145)}
				for y := range 145 {
					for x := range 176 {
						both.Data[y*360+2*x] = first.Data[y*first.Stride+x]
						both.Data[y*360+2*x+1] = second.Data[y*second.Stride+x]
					}
				}
				q := &render.Picture{Format: format, Width: 351, Height: 289, Planes: []render.Plane{p.Planes[0], both}}
				got := render.NewBitmap(w, 289)
				if err := k.Convert(got, q, f); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Pix, want.Pix) {
					t.Errorf("%s differs from yuv420p", format)
				}
			}
		}
	}
}

func TestFullRangeFormat(t *testing.T) {
	k := convert.New(nil)
	defer k.Close()
	p := picture(16, 16, func(i, x, y int) byte { return [3]byte{255, 128, 128}[i] })
	p.Format, p.Colour.Range = "yuvj420p", render.Limited
	dst := render.NewBitmap(16, 16)
	p.Planes[0].Data[0] = 16
	if err := k.Convert(dst, p, render.Nearest); err != nil {
		t.Fatal(err)
	}
	if dst.Pix[0] != 16 || dst.Pix[4] != 255 {
		t.Errorf("yuvj420p is full range, got %v", dst.Pix[:8])
	}
}

// fake stands for the converter of other formats.
type fake struct {
	got    *render.Picture
	closed bool
}

func (f *fake) Convert(dst render.Bitmap, p *render.Picture, _ render.Filter) error {
	f.got = p
	for i := range dst.Width * dst.Height {
		copy(dst.Pix[i/dst.Width*dst.Stride+i%dst.Width*4:], []byte{byte(i), byte(i >> 8), 0, 255})
	}
	return nil
}

func (f *fake) Close() { f.closed = true }

func TestOther(t *testing.T) {
	p := &render.Picture{
		Format: "rgb444le", Width: 7, Height: 5,
		Planes: []render.Plane{{Data: make([]byte, 105), Stride: 21, RowBytes: 21, Rows: 5}},
	}
	dst := render.NewBitmap(5, 7)
	none := convert.New(nil)
	if err := none.Convert(dst, p, render.Bilinear); err == nil || !strings.Contains(err.Error(), "rgb444le") {
		t.Errorf("without another converter: %v", err)
	}
	none.Close()

	f := &fake{}
	k := convert.New(f)
	p.Rotation = 90
	if err := k.Convert(dst, p, render.Bilinear); err != nil {
		t.Fatal(err)
	}
	if f.got.Rotation != 0 || p.Rotation != 90 {
		t.Error("the other converter must see the picture upright, the caller's stays as it is")
	}
	if dst.Pix[0] != 4*7 { // the bottom left corner comes to the top left
		t.Errorf("turned picture begins with %d", dst.Pix[0])
	}
	q := picture(8, 8, noise(5))
	f.got = nil
	if err := k.Convert(dst, q, render.Bicubic); err != nil || f.got != q {
		t.Errorf("bicubic scaling was not handed on: %v", err)
	}
	f.got = nil
	if err := k.Convert(render.NewBitmap(8, 8), q, render.Bicubic); err != nil || f.got != nil {
		t.Errorf("nothing is to be scaled, and it was handed on: %v", err)
	}
	k.Close()
	if !f.closed {
		t.Error("the other converter was not closed")
	}
}

func TestBadInput(t *testing.T) {
	k := convert.New(nil)
	defer k.Close()
	dst := render.NewBitmap(8, 8)
	for name, spoil := range map[string]func(*render.Picture){
		"short plane":    func(p *render.Picture) { p.Planes[2].Data = p.Planes[2].Data[:3] },
		"stride":         func(p *render.Picture) { p.Planes[0].Stride = 3 },
		"rows":           func(p *render.Picture) { p.Planes[1].Rows = 1 },
		"missing plane":  func(p *render.Picture) { p.Planes = p.Planes[:2] },
		"too large":      func(p *render.Picture) { p.Width = 80 },
		"no size":        func(p *render.Picture) { p.Height = 0 },
		"huge stride":    func(p *render.Picture) { p.Planes[0].Stride = math.MaxInt/4 + 1 },
		"huge picture":   func(p *render.Picture) { p.Width, p.Height = 1<<31, 1<<31 },
		"unknown format": func(p *render.Picture) { p.Format = "yuv999p" },
	} {
		p := picture(8, 8, noise(6))
		spoil(p)
		if k.Convert(dst, p, render.Bilinear) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	p := picture(8, 8, noise(6))
	for _, b := range []render.Bitmap{{}, {Pix: make([]byte, 255), Width: 8, Height: 8, Stride: 32}, {Pix: make([]byte, 256), Width: 8, Height: 8, Stride: 31}} {
		if k.Convert(b, p, render.Bilinear) == nil {
			t.Errorf("a bitmap of %dx%d in %d bytes was accepted", b.Width, b.Height, len(b.Pix))
		}
	}
}

// TestParallel: two threads give what one gives.
func TestParallel(t *testing.T) {
	k := convert.New(nil)
	defer k.Close()
	p := picture(3840, 2160, func(i, x, y int) byte { return byte(x*3 + y*7 + i) })
	dst := render.NewBitmap(3840, 2160)
	if err := k.Convert(dst, p, render.Bilinear); err != nil {
		t.Fatal(err)
	}
	// The middle rows, alone, with their neighbours' chroma.
	q := *p
	q.Height = 40
	q.Planes = append([]render.Plane(nil), p.Planes...)
	q.Planes[0].Data = q.Planes[0].Data[1060*q.Planes[0].Stride:]
	q.Planes[0].Rows = 40
	for i := 1; i < 3; i++ {
		q.Planes[i].Rows = 20
		q.Planes[i].Data = q.Planes[i].Data[530*q.Planes[i].Stride:]
	}
	q.Colour = p.Colour.Resolve(p.Width, p.Height)
	part := render.NewBitmap(3840, 40)
	if err := k.Convert(part, &q, render.Bilinear); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(part.Pix[2*part.Stride:38*part.Stride], dst.Pix[1062*dst.Stride:1098*dst.Stride]) {
		t.Error("the rows about the border between two threads differ")
	}
}
