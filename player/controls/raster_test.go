package controls

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"planar/render"
)

var everywhere = box{-1 << 20, -1 << 20, 1 << 20, 1 << 20}

// quad is two triangles as Dear ImGui makes them of an upright rectangle.
func quad(x0, y0, x1, y1, u0, v0, u1, v1 float32, c uint32) ([]vertex, []uint16) {
	return []vertex{{x0, y0, u0, v0, c}, {x1, y0, u1, v0, c}, {x1, y1, u1, v1, c}, {x0, y1, u0, v1, c}}, []uint16{0, 1, 2, 0, 2, 3}
}

func at(b render.Bitmap, x, y int) [4]byte { return [4]byte(b.Pix[y*b.Stride+4*x:]) }

func TestRectangles(t *testing.T) {
	const red, half = 0xff0000ff, 0x800000ff
	pixels := []byte{10, 20, 30, 0, 40, 50, 60, 0, 70, 80, 90, 0, 100, 110, 120, 0}
	picture := texture{pix: &pixels[0], width: 2, height: 2, stride: 8}
	coverage := []byte{0, 255, 128, 64}
	glyph := texture{alpha: true, pix: &coverage[0], width: 2, height: 2, stride: 2}
	for _, c := range []struct {
		name           string
		x0, y0, x1, y1 float32
		u0, v0, u1, v1 float32
		colour         uint32
		tx             texture
		clip           box
		want           map[[2]int][4]byte // in a target of 4x4 at 10, 20; others are 0
	}{
		{name: "whole pixels", x0: 11, y0: 21, x1: 13, y1: 22, colour: red, clip: everywhere, want: map[[2]int][4]byte{{1, 1}: {0, 0, 255, 255}, {2, 1}: {0, 0, 255, 255}}},
		{name: "middles decide", x0: 10.5, y0: 20.4, x1: 11.5, y1: 21.5, colour: red, clip: everywhere, want: map[[2]int][4]byte{{0, 0}: {0, 0, 255, 255}}},
		{name: "premultiplied", x0: 10, y0: 20, x1: 11, y1: 21, colour: half, clip: everywhere, want: map[[2]int][4]byte{{0, 0}: {0, 0, 128, 128}}},
		{name: "clipped", x0: -1e5, y0: -1e5, x1: 1e5, y1: 1e5, colour: red, clip: box{12, 22, 13, 23}, want: map[[2]int][4]byte{{2, 2}: {0, 0, 255, 255}}},
		{
			name: "pixel for pixel", x0: 11, y0: 21, x1: 13, y1: 23, u1: 1, v1: 1, colour: 0xffffffff, tx: picture, clip: everywhere,
			want: map[[2]int][4]byte{{1, 1}: {10, 20, 30, 255}, {2, 1}: {40, 50, 60, 255}, {1, 2}: {70, 80, 90, 255}, {2, 2}: {100, 110, 120, 255}},
		},
		{
			name: "pixel for pixel, half of it clipped", x0: 11, y0: 21, x1: 13, y1: 23, u1: 1, v1: 1, colour: 0xffffffff, tx: picture, clip: box{12, 22, 14, 24},
			want: map[[2]int][4]byte{{2, 2}: {100, 110, 120, 255}},
		},
		{
			name: "shrunk to its middle", x0: 10, y0: 20, x1: 11, y1: 21, u1: 1, v1: 1, colour: 0xffffffff, tx: picture, clip: everywhere,
			want: map[[2]int][4]byte{{0, 0}: {55, 65, 75, 255}},
		},
		{
			name: "a glyph", x0: 10, y0: 20, x1: 12, y1: 22, u1: 1, v1: 1, colour: red, tx: glyph, clip: everywhere,
			want: map[[2]int][4]byte{{1, 0}: {0, 0, 255, 255}, {0, 1}: {0, 0, 128, 128}, {1, 1}: {0, 0, 64, 64}},
		},
		{
			name: "mirrored", x0: 12, y0: 20, x1: 10, y1: 22, u1: 1, v1: 1, colour: 0xffffffff, tx: glyph, clip: everywhere,
			want: map[[2]int][4]byte{{0, 0}: {255, 255, 255, 255}, {1, 1}: {128, 128, 128, 128}, {0, 1}: {64, 64, 64, 64}},
		},
	} {
		b := render.NewBitmap(4, 4)
		v, i := quad(c.x0, c.y0, c.x1, c.y1, c.u0, c.v0, c.u1, c.v1, c.colour)
		triangles(b, 10, 20, c.clip, v, i, c.tx)
		for y := range 4 {
			for x := range 4 {
				if got, want := at(b, x, y), c.want[[2]int{x, y}]; got != want {
					t.Errorf("%s: pixel %d, %d is %v (blue, green, red, alpha), want %v", c.name, x, y, got, want)
				}
			}
		}
	}
}

// TestBlend compares laying one colour over another with arithmetic in floating
// point.
func TestBlend(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		under, over := rng.Uint32(), rng.Uint32()
		b := render.NewBitmap(1, 1)
		for _, c := range []uint32{under, over} {
			v, i := quad(0, 0, 1, 1, 0, 0, 0, 0, c)
			triangles(b, 0, 0, everywhere, v, i, texture{})
		}
		part := func(c uint32, n uint) float64 { return float64(c >> n & 255) }
		a1, a2 := part(under, 24)/255, part(over, 24)/255
		for k, n := range []uint{16, 8, 0} {
			want := part(under, n)*a1*(1-a2) + part(over, n)*a2
			if got := float64(b.Pix[k]); math.Abs(got-want) > 1.6 {
				t.Fatalf("%08x over %08x: channel %d is %v, want %v", over, under, k, got, want)
			}
			if b.Pix[k] > b.Pix[3] {
				t.Fatalf("%08x over %08x: channel %d is %v, more than its alpha of %v", over, under, k, b.Pix[k], b.Pix[3])
			}
		}
	}
}

// TestTrianglesMeet draws quadrangles as two triangles: no pixel twice, none left
// out, and none outside.
func TestTrianglesMeet(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const size = 40
	for n := range 400 {
		// Four points around the middle, in order, make it convex enough to have its
		// diagonal inside.
		var v []vertex
		for k := range 4 {
			a := (float64(k) + 0.8*rng.Float64()) * math.Pi / 2
			r := 8 + 10*rng.Float64()
			p := vertex{x: float32(20 + r*math.Cos(a)), y: float32(20 + r*math.Sin(a)), colour: 0x80ffffff}
			if n%3 == 0 { // on middles of pixels, where ties are
				p.x, p.y = float32(math.Floor(float64(p.x)))+0.5, float32(math.Floor(float64(p.y)))+0.5
			}
			v = append(v, p)
		}
		cross := func(a, b, c vertex) float64 {
			return float64(b.x-a.x)*float64(c.y-a.y) - float64(b.y-a.y)*float64(c.x-a.x)
		}
		if cross(v[0], v[1], v[2]) <= 0 || cross(v[0], v[2], v[3]) <= 0 {
			continue
		}
		b := render.NewBitmap(size, size)
		idx := []uint16{0, 1, 2, 3, 0, 2}
		if n%2 == 0 {
			idx = []uint16{2, 1, 0, 0, 3, 2} // the other way round
		}
		triangles(b, 0, 0, everywhere, v, idx, texture{})
		for y := range size {
			for x := range size {
				m := vertex{x: float32(x) + 0.5, y: float32(y) + 0.5}
				in := math.Inf(1) // twice the area is far from 0 where a point is well inside
				for _, tri := range [][3]int{{0, 1, 2}, {0, 2, 3}} {
					low := math.Inf(1)
					for k := range 3 {
						low = min(low, cross(v[tri[k]], v[tri[(k+1)%3]], m))
					}
					if math.IsInf(in, 1) || low > in {
						in = low
					}
				}
				outer := math.Inf(1)
				for k := range 4 {
					outer = min(outer, cross(v[k], v[(k+1)%4], m))
				}
				got := at(b, x, y)[3]
				if got != 0 && got != 128 {
					t.Fatalf("quadrangle %d: pixel %d, %d has alpha %d, want 0 or 128: it was drawn twice", n, x, y, got)
				}
				if in > 0.5 && got == 0 {
					t.Fatalf("quadrangle %d: pixel %d, %d lies inside and was not drawn", n, x, y)
				}
				if in < -0.5 && outer < -0.5 && got != 0 {
					t.Fatalf("quadrangle %d: pixel %d, %d lies outside and was drawn", n, x, y)
				}
			}
		}
	}
}

// TestGradient draws a triangle whose corners differ.
func TestGradient(t *testing.T) {
	b := render.NewBitmap(100, 100)
	v := []vertex{{x: 0, y: 0, colour: 0xff000000}, {x: 100, y: 0, colour: 0xff0000ff}, {x: 0, y: 100, colour: 0xff00ff00}}
	triangles(b, 0, 0, everywhere, v, []uint16{0, 1, 2}, texture{})
	for _, p := range [][2]int{{10, 10}, {50, 20}, {5, 90}, {80, 3}} {
		got := at(b, p[0], p[1])
		red, green := 2.55*(float64(p[0])+0.5), 2.55*(float64(p[1])+0.5)
		if math.Abs(float64(got[2])-red) > 1 || math.Abs(float64(got[1])-green) > 1 || got[0] != 0 {
			t.Errorf("pixel %v is %v, want about red %.0f, green %.0f", p, got, red, green)
		}
	}
}

// hostile is draw data made of whatever bytes there are, with numbers that are none.
func hostile(data []byte) (v []vertex, idx []uint16, clip box) {
	word := func() uint32 {
		if len(data) < 4 {
			return 0
		}
		w := binary.LittleEndian.Uint32(data)
		data = data[4:]
		return w
	}
	float := func() float32 {
		w := word()
		switch w % 16 {
		case 0:
			return float32(math.NaN())
		case 1:
			return float32(math.Inf(1))
		case 2:
			return float32(math.Inf(-1))
		case 3:
			return math.Float32frombits(w)
		case 4:
			return float32(int32(w) >> 8)
		case 5:
			return 0
		}
		return float32(int32(w)>>20) / 16
	}
	clip = everywhere
	if word()%2 == 0 {
		clip = box{int32(word()), int32(word()), int32(word()), int32(word())}
	}
	for range 1 + word()%12 {
		v = append(v, vertex{float(), float(), float(), float(), word()})
	}
	for len(data) >= 4 && len(idx) < 60 {
		w := word()
		idx = append(idx, uint16(w)%16)
		if w>>16%8 == 0 {
			a, b, c, d := uint16(w>>20)%16, uint16(w>>22)%16, uint16(w>>24)%16, uint16(w>>26)%16
			idx = append(idx[:len(idx)/3*3], a, b, c, a, c, d)
		}
		if w>>19%16 == 0 {
			idx = append(idx, uint16(w))
		}
	}
	return v, idx, clip
}

// survive draws hostile data and tests that nothing around the target changed.
func survive(t *testing.T, data []byte) {
	t.Helper()
	v, idx, clip := hostile(data)
	const w, h, stride, guard = 33, 17, 33*4 + 12, 64
	mem := bytes.Repeat([]byte{0xa5}, guard+h*stride+guard)
	b := render.Bitmap{Pix: mem[guard : guard+(h-1)*stride+4*w], Width: w, Height: h, Stride: stride}
	pix := make([]byte, 7*5*4)
	for _, tx := range []texture{{}, {alpha: true, pix: &pix[0], width: 7, height: 5, stride: 7}, {pix: &pix[0], width: 7, height: 5, stride: 28}} {
		triangles(b, -3, 5, clip, v, idx, tx)
	}
	e := extent(box{0, 0, 100, 100}, v, idx)
	if !e.empty() && !(box{0, 0, 100, 100}).contains(e) {
		t.Errorf("extent %v lies outside of its clip rectangle", e)
	}
	for i, m := range mem {
		row, col := (i-guard)/stride, (i-guard)%stride
		if (i < guard || row >= h || col >= 4*w) && m != 0xa5 {
			t.Fatalf("byte %d, outside of the target, was changed", i)
		}
	}
}

func TestHostileDrawData(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		data := make([]byte, 40+rng.IntN(600))
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		survive(t, data)
	}
	triangles(render.Bitmap{}, 0, 0, everywhere, make([]vertex, 3), []uint16{0, 1, 2}, texture{}) // no pixels
	triangles(render.NewBitmap(2, 2), 0, 0, everywhere, nil, []uint16{0, 1, 2}, texture{})
}

func FuzzTriangles(f *testing.F) {
	f.Add(bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7}, 60))
	f.Fuzz(survive)
}
