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

// deep is reference for samples of any depth.
func deep(c render.Colour, depth, y, cb, cr float64) [3]float64 {
	one := math.Ldexp(1, int(depth)-8)
	if c.Range == render.Limited {
		return reference(c, y/one, cb/one, cr/one)
	}
	white := math.Ldexp(1, int(depth)) - 1
	half := math.Ldexp(1, int(depth)-1)
	return reference(c, 255*y/white, 128+255*(cb-half)/white, 128+255*(cr-half)/white)
}

// pixel is the colour of samples v of a picture of shape s.
func (s *shape) pixel(c render.Colour, v [3]float64) [3]float64 {
	if s.rgb {
		white := math.Ldexp(1, s.depth) - 1
		return [3]float64{255 * v[0] / white, 255 * v[1] / white, 255 * v[2] / white}
	}
	if len(s.places) == 1 {
		v[1] = math.Ldexp(1, s.depth-1)
		v[2] = v[1]
	}
	return deep(c, float64(s.depth), v[0], v[1], v[2])
}

// rowStep leaves out rows where every pixel takes long.
func rowStep() int {
	if testing.Short() || raceDetector {
		return 5
	}
	return 1
}

// extremes gives random samples, every third of them from the ends of the range.
func (s *shape) extremes(seed int64) func(i, x, y int) int {
	rnd := rand.New(rand.NewSource(seed))
	one := 1 << (s.depth - 8)
	ends := []int{0, 1, 16 * one, 235 * one, 240 * one, 1<<s.depth - 1, 1<<s.depth - 2, 1 << (s.depth - 1)}
	return func(int, int, int) int {
		if rnd.Intn(3) == 0 {
			return ends[rnd.Intn(len(ends))]
		}
		return rnd.Intn(1 << s.depth)
	}
}

// TestEveryFormat: samples are found where they are, for all colours.
func TestEveryFormat(t *testing.T) {
	sizes := [][2]int{{1, 1}, {2, 3}, {35, 3}, {67, 9}, {130, 4}}
	for _, name := range convert.Formats() {
		s := shapeOf(t, name)
		k := convert.New(nil)
		for i, c := range colours {
			size := sizes[i%len(sizes)]
			w, h := size[0], size[1]
			p := shaped(t, name, w, h, 7)
			s.fill(p, s.extremes(int64(i)))
			p.Colour = c
			if strings.HasPrefix(name, "yuvj") {
				c.Range = render.Full
			}
			dst := render.NewBitmap(w, h)
			if err := k.Convert(dst, p, render.Nearest); err != nil {
				t.Fatal(err)
			}
			for y := range h {
				for x := range w {
					var v [3]float64
					for j := range s.places {
						if j > 0 && !s.rgb {
							v[j] = float64(s.get(p, j, x>>s.shiftX, y>>s.shiftY))
						} else {
							v[j] = float64(s.get(p, j, x, y))
						}
					}
					b := dst.Pix[y*dst.Stride+4*x:][:4]
					if d := deviation(b, s.pixel(c, v)); d > 1 || b[3] != 255 || s.rgb && s.depth == 8 && d > 0 {
						t.Fatalf("%s (%v) %v %v, %dx%d: pixel %d,%d, %v, is %v, off by %.2f", name, s, c.Matrix, c.Range, w, h, x, y, v, b, d)
					}
				}
			}
		}
		k.Close()
	}
}

// TestDepths converts every code value of luma and chroma at every depth.
func TestDepths(t *testing.T) {
	for _, depth := range []int{9, 10, 12, 14, 16} {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			t.Parallel()
			name := fmt.Sprintf("yuv444p%dle", depth)
			s := shapeOf(t, name)
			k := convert.New(nil)
			defer k.Close()
			const w = 512
			h := 1 << depth / w
			p := shaped(t, name, w, h, 2)
			// Odd factors: each component takes every value, in an order of its own.
			s.fill(p, func(i, x, y int) int { return (y*w + x) * [3]int{1, 3989, 10007}[i] & (1<<depth - 1) })
			dst := render.NewBitmap(w, h)
			worst := 0.0
			for _, c := range colours {
				p.Colour = c
				if err := k.Convert(dst, p, render.Bilinear); err != nil {
					t.Fatal(err)
				}
				for y := 0; y < h; y += rowStep() {
					for x := range w {
						var v [3]float64
						for i := range v {
							v[i] = float64(s.get(p, i, x, y))
						}
						d := deviation(dst.Pix[y*dst.Stride+4*x:], s.pixel(c, v))
						if d > 1 {
							t.Fatalf("%v %v: %v is off by %.2f", c.Matrix, c.Range, v, d)
						}
						worst = max(worst, d)
					}
				}
			}
			t.Logf("largest deviation %.3f code values", worst)
		})
	}
}

// TestDamagedWords: samples beyond their depth are white, not black.
func TestDamagedWords(t *testing.T) {
	k := convert.New(nil)
	defer k.Close()
	p := shaped(t, "gray10le", 40, 1, 0)
	for i := range p.Planes[0].Data {
		p.Planes[0].Data[i] = 0xff
	}
	dst := render.NewBitmap(40, 1)
	if err := k.Convert(dst, p, render.Bilinear); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(dst.Pix, bytes.Repeat([]byte{255}, 160)) {
		t.Errorf("got %v", dst.Pix)
	}
}

// scaled is component i at pixel x,y of a bitmap of w x h: linear between
// samples that are means of pairs, and of pairs of them, while there are twice as
// many as pixels. The last of an odd number stays as it is.
func (s *shape) scaled(p *render.Picture, i int, siting render.Siting, w, h, x, y int) float64 {
	nx, ny := s.size(i, p.Width, p.Height)
	shiftX, shiftY := s.shiftX, s.shiftY
	if i == 0 || s.rgb {
		shiftX, shiftY = 0, 0
	}
	firstX, firstY := float64(int(1)<<shiftX-1)/2, float64(int(1)<<shiftY-1)/2
	if siting != render.SitingCentre {
		firstX = 0
	}
	if siting == render.SitingTopLeft {
		firstY = 0
	}
	along := func(n, shift int, first float64, size, count, at int) (index, box int, fraction float64) {
		box = 1
		for (n+box-1)/box >= 2*count {
			box *= 2
		}
		where := (float64(at)+0.5)*float64(size)/float64(count) - 0.5
		where = (where - first) / float64(int(1)<<shift)
		where = (where - float64(box-1)/2) / float64(box)
		where = math.Max(0, math.Min(where, float64((n-1)/box)))
		return int(where), box, where - math.Floor(where)
	}
	ix, bx, fx := along(nx, shiftX, firstX, p.Width, w, x)
	iy, by, fy := along(ny, shiftY, firstY, p.Height, h, y)
	var mean func(ix, iy, bx, by int) float64
	mean = func(ix, iy, bx, by int) float64 {
		at := func(x, y, bx, by int) float64 { return mean(min(x, (nx-1)/bx), min(y, (ny-1)/by), bx, by) }
		switch {
		case bx > 1:
			return (at(2*ix, iy, bx/2, by) + at(2*ix+1, iy, bx/2, by)) / 2
		case by > 1:
			return (at(ix, 2*iy, bx, by/2) + at(ix, 2*iy+1, bx, by/2)) / 2
		}
		return float64(s.get(p, i, ix, iy))
	}
	box := func(ix, iy int) float64 { return mean(min(ix, (nx-1)/bx), min(iy, (ny-1)/by), bx, by) }
	top := box(ix, iy)*(1-fx) + box(ix+1, iy)*fx
	return top*(1-fy) + (box(ix, iy+1)*(1-fx)+box(ix+1, iy+1)*fx)*fy
}

// TestScaling compares noise, enlarged and reduced, with the definition.
func TestScaling(t *testing.T) {
	sizes := [][2]int{{142, 66}, {213, 99}, {106, 49}, {71, 33}, {70, 34}, {50, 30}, {36, 17}, {35, 16}, {20, 40}, {9, 5}, {1, 1}, {300, 7}}
	for _, name := range []string{"yuv420p", "nv12", "yuv422p10le", "p010le", "yuv411p", "yuv410p", "yuv440p", "yuv444p16le", "yuyv422", "gray", "rgb24", "gbrp12le", "yuv420p10be"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shapeOf(t, name)
			k := convert.New(nil)
			defer k.Close()
			p := shaped(t, name, 71, 33, 3)
			s.fill(p, s.extremes(1))
			for n, size := range sizes {
				w, h := size[0], size[1]
				p.Colour = render.Colour{Matrix: render.BT709, Range: render.Full, Siting: []render.Siting{render.SitingLeft, render.SitingCentre, render.SitingTopLeft}[n%3]}
				dst := render.NewBitmap(w, h)
				if err := k.Convert(dst, p, render.Bilinear); err != nil {
					t.Fatal(err)
				}
				for y := 0; y < h; y += rowStep() {
					for x := range w {
						var v [3]float64
						for i := range s.places {
							v[i] = s.scaled(p, i, p.Colour.Siting, w, h, x, y)
						}
						if d := deviation(dst.Pix[y*dst.Stride+4*x:], s.pixel(p.Colour, v)); d > 1 {
							t.Fatalf("to %dx%d, sited %v: pixel %d,%d is off by %.2f", w, h, p.Colour.Siting, x, y, d)
						}
					}
				}
			}
		})
	}
}

// TestPlacement: the samples of an enlarged ramp are where they belong, also
// next to the edges.
func TestPlacement(t *testing.T) {
	const n, slope = 20, 12
	k := convert.New(nil)
	defer k.Close()
	s := shapeOf(t, "gray")
	for _, size := range []int{20, 30, 40, 47, 60, 200} {
		for _, down := range []bool{false, true} {
			p, dst := shaped(t, "gray", n, 2, 0), render.NewBitmap(size, 2)
			if down {
				p, dst = shaped(t, "gray", 2, n, 0), render.NewBitmap(2, size)
			}
			s.fill(p, func(_, x, y int) int {
				if down {
					x = y
				}
				return slope * x
			})
			if err := k.Convert(dst, p, render.Bilinear); err != nil {
				t.Fatal(err)
			}
			for at := range size {
				b := dst.Pix[4*at:]
				if down {
					b = dst.Pix[at*dst.Stride:]
				}
				want := math.Max(0, math.Min(n-1, (float64(at)+0.5)*n/float64(size)-0.5))
				if d := float64(b[0])/slope - want; math.Abs(d) > 0.1 {
					t.Errorf("%d samples on %d, down %v: number %d is %.2f samples off", n, size, down, at, d)
				}
			}
		}
	}
}

// TestPortable: the code for any machine gives what the vector code gives.
func TestPortable(t *testing.T) {
	fast, slow := convert.New(nil), convert.New(nil)
	slow.SetPortable()
	for n, name := range convert.Formats() {
		s := shapeOf(t, name)
		w, h := 161+n%40, 19
		p := shaped(t, name, w, h, n%5)
		s.fill(p, s.extremes(int64(n)))
		for _, size := range [][2]int{{w, h}, {w + 64, h + 9}, {w/2 + n%7, h / 2}, {w / 5, h}, {3*w + 5, 2 * h}} {
			for _, f := range []render.Filter{render.Bilinear, render.Nearest} {
				p.Colour.Siting = render.Siting(n % 4)
				a, b := render.NewBitmap(size[0], size[1]), render.NewBitmap(size[0], size[1])
				if err := fast.Convert(a, p, f); err != nil {
					t.Fatal(err)
				}
				if err := slow.Convert(b, p, f); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(a.Pix, b.Pix) {
					t.Errorf("%s, %dx%d to %dx%d, filter %d: the two differ", name, w, h, size[0], size[1], f)
				}
			}
		}
	}
	fast.Close()
	slow.Close()
}

// FuzzConvert: nothing in a picture's description makes the converter reach
// beyond its planes.
func FuzzConvert(f *testing.F) {
	f.Add(uint8(0), 16, 16, 16, 16, 16, 16, 16, 8, 8, uint8(0), 400)
	f.Add(uint8(9), 351, 289, 704, 704, 289, 700, 700, 145, 20, uint8(1), 300000)
	f.Add(uint8(50), 1<<31, 1<<31, 1<<40, 1<<40, 1<<40, 8, 8, 8, 8, uint8(0), 10)
	names := convert.Formats()
	k := convert.New(nil)
	f.Fuzz(func(t *testing.T, format uint8, w, h, stride, rowBytes, rows, stride1, rowBytes1, rows1, down int, turn uint8, size int) {
		size = max(0, min(size, 1<<16))
		p := &render.Picture{Format: names[int(format)%len(names)], Width: w, Height: h, Rotation: int(turn%4) * 90}
		for i := range 3 {
			pl := render.Plane{Data: make([]byte, size), Stride: stride1, RowBytes: rowBytes1, Rows: rows1}
			if i == 0 {
				pl = render.Plane{Data: make([]byte, size), Stride: stride, RowBytes: rowBytes, Rows: rows}
			}
			p.Planes = append(p.Planes, pl)
		}
		dst := render.NewBitmap(1+down&63, 1+down>>6&63)
		_ = k.Convert(dst, p, render.Filter(turn>>2%2))
	})
}
