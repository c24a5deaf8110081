package scope_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"planar/render"
	"planar/render/scope"
)

// pixel is a bitmap's pixel as red, green, blue.
func pixel(b render.Bitmap, x, y int) [3]int {
	px := b.Pix[y*b.Stride+4*x:]
	return [3]int{int(px[2]), int(px[1]), int(px[0])}
}

// brightest is the middle of the brightest pixels of b.
func brightest(b render.Bitmap) (x, y float64) {
	most, n := 0, 0.0
	for py := range b.Height {
		for px := range b.Width {
			c := pixel(b, px, py)
			sum := c[0] + c[1] + c[2]
			if sum > most {
				most, n, x, y = sum, 0, 0, 0
			}
			if sum == most {
				n, x, y = n+1, x+float64(px)+0.5, y+float64(py)+0.5
			}
		}
	}
	return x / n, y / n
}

// bars75 are the code values of 75 % bars in limited range of 8 bits, Cb and
// Cr, as tables of test signals have them: ITU-R BT.801 and SMPTE RP 219.
var bars75 = map[render.Matrix]map[string][2]float64{
	render.BT601: {"Yl": {44, 142}, "Cy": {156, 44}, "G": {72, 58}, "Mg": {184, 198}, "R": {100, 212}, "B": {212, 114}},
	render.BT709: {"Yl": {44, 136}, "Cy": {147, 44}, "G": {63, 52}, "Mg": {193, 204}, "R": {109, 212}, "B": {212, 120}},
}

func TestTargets(t *testing.T) {
	p := blank(t, "yuv420p", 2, 2, 0)
	for m, bars := range bars75 {
		p.Colour.Matrix = m
		for _, target := range formatOf(t, "yuv420p").Targets(p) {
			if want := bars[target.Name]; math.Round(target.U) != want[0] || math.Round(target.V) != want[1] {
				t.Errorf("%v: %s is at %.2f,%.2f, want %v", m, target.Name, target.U, target.V, want)
			}
		}
	}
}

func TestPureColoursLandOnTargets(t *testing.T) {
	var v scope.Vectorscope
	rgb := map[string][3]int{"R": {1, 0, 0}, "Mg": {1, 0, 1}, "B": {0, 0, 1}, "Cy": {0, 1, 1}, "G": {0, 1, 0}, "Yl": {1, 1, 0}}
	for _, name := range []string{"yuv420p", "yuv422p10be", "nv12", "p010le", "yuv444p16le", "uyvy422", "rgb24", "gbrp10le", "rgb565le"} {
		f, d := formatOf(t, name), descriptors[name]
		for m, bars := range bars75 {
			for bar, c := range bars {
				for _, size := range [][2]int{{256, 256}, {300, 180}, {400, 384}}[len(bar)-1 : len(bar)+1] {
					p := blank(t, name, 32, 18, 4)
					p.Colour = render.Colour{Matrix: m, Range: render.Limited}
					for i := range d.Components {
						value := 128 << max(0, d.Depth()-8)
						switch {
						case d.RGB:
							value = int(math.Round(0.75 * float64((int(1)<<d.Components[i].Depth-1)*rgb[bar][i])))
						case i > 0:
							value = int(c[i-1]) << (d.Depth() - 8)
						}
						w, h := sizeOf(d, i, 32, 18)
						for y := range h {
							for x := range w {
								put(t, p, i, x, y, value)
							}
						}
					}
					dst := render.NewBitmap(size[0], size[1])
					if err := v.Draw(dst, f, p, scope.Whole); err != nil {
						t.Fatal(err)
					}
					x, y := brightest(dst)
					wantX, wantY := scope.TargetXY(c[0], c[1], size[0], size[1])
					side := float64(min(size[0], size[1])) / 256
					near := 0.6 + 0.6*side // a pixel's rounding and a code value's
					if name == "rgb565le" {
						near += 3 * side // 75 % of 31 is 23 and a quarter
					}
					if math.Abs(x-wantX) > near || math.Abs(y-wantY) > near {
						t.Errorf("%s %v %s in %v is at %.1f,%.1f, want %.1f,%.1f", name, m, bar, size, x, y, wantX, wantY)
					}
				}
			}
		}
	}
}

func TestVectorscopeOfOthers(t *testing.T) {
	var v scope.Vectorscope
	dst := render.NewBitmap(128, 128)
	empty := render.NewBitmap(128, 128)
	yuv := blank(t, "yuv444p", 8, 8, 0)
	if err := v.Draw(empty, formatOf(t, "yuv444p"), yuv, render.Rect{}); err != nil {
		t.Fatal(err)
	}
	grey := blank(t, "gray", 8, 8, 0)
	if err := v.Draw(dst, formatOf(t, "gray"), grey, scope.Whole); err != nil {
		t.Errorf("grey: %v", err)
	}
	// The circle of full range is wider.
	grey.Colour.Range = render.Limited
	if err := v.Draw(dst, formatOf(t, "gray"), grey, scope.Whole); err != nil || !bytes.Equal(dst.Pix, empty.Pix) {
		t.Errorf("grey: %v, or there is something in its vectorscope", err)
	}
	if err := v.Draw(dst, formatOf(t, "xyz12le"), blank(t, "xyz12le", 8, 8, 0), scope.Whole); err == nil {
		t.Error("XYZ has a vectorscope")
	}
	yuv420 := blank(t, "yuv420p", 8, 8, 0)
	yuv420.Colour.Matrix = render.RGB
	if err := v.Draw(dst, formatOf(t, "yuv420p"), yuv420, scope.Whole); err == nil {
		t.Error("subsampled RGB has a vectorscope")
	}
	// Planes that are said to hold green, blue and red: all black is no colour.
	yuv.Colour.Matrix = render.RGB
	if err := v.Draw(dst, formatOf(t, "yuv444p"), yuv, scope.Whole); err != nil {
		t.Fatal(err)
	}
	x, y := brightest(dst)
	if wantX, wantY := scope.TargetXY(128, 128, 128, 128); math.Abs(x-wantX) > 1 || math.Abs(y-wantY) > 1 {
		t.Errorf("black is at %v,%v, want %v,%v", x, y, wantX, wantY)
	}
}

func TestWaveformOfOneValue(t *testing.T) {
	var w scope.Waveform
	for _, name := range []string{"yuv420p", "yuv420p10le", "p010be", "gray16le", "rgb24", "rgb565le"} {
		f, d := formatOf(t, name), descriptors[name]
		depth := d.Components[0].Depth
		for _, size := range [][2]int{{64, 256}, {200, 512}, {33, 100}, {7, 1024}} {
			for _, part := range []float64{0.1, 0.5, 0.77} {
				p := blank(t, name, 40, 30, 4)
				value := int(part * float64(int(1)<<depth-1))
				for y := range 30 {
					for x := range 40 {
						put(t, p, 0, x, y, value)
					}
				}
				dst := render.NewBitmap(size[0], size[1])
				if err := w.Draw(dst, f, p, scope.Whole, scope.WaveformOptions{}); err != nil {
					t.Fatal(err)
				}
				_, y := brightest(dst)
				want := scope.LevelY(float64(value), depth, size[1])
				if math.Abs(y-want) > 1.01 {
					t.Errorf("%s: %d of %d bits is at row %.1f of %d, want %.1f", name, value, depth, y, size[1], want)
				}
				// Every column has it, and all are equally bright.
				for x := range size[0] {
					if a, b := pixel(dst, x, int(y)), pixel(dst, 0, int(y)); a[1] < 90 || a[1]-b[1] > 60 || b[1]-a[1] > 60 {
						t.Fatalf("%s %v: column %d of row %d is %v, the first %v", name, size, x, int(y), a, b)
					}
				}
			}
		}
	}
}

func TestWaveformFollowsColumns(t *testing.T) {
	var w scope.Waveform
	p := blank(t, "gray", 256, 20, 0)
	for y := range 20 {
		for x := range 256 {
			put(t, p, 0, x, y, x)
		}
	}
	dst := render.NewBitmap(256, 256)
	f := formatOf(t, "gray")
	if err := w.Draw(dst, f, p, scope.Whole, scope.WaveformOptions{}); err != nil {
		t.Fatal(err)
	}
	for x := range 256 {
		_, y := brightest(dst.Sub(render.Rect{X: x, W: 1, H: 256}))
		if y != float64(255-x)+0.5 {
			t.Errorf("%d is brightest at %v, want %v", x, y, float64(255-x)+0.5)
		}
	}
	// A part: only values 100 to 103, four columns over all pixels.
	if err := w.Draw(dst, f, p, render.Rect{X: 100, Y: 3, W: 4, H: 2}, scope.WaveformOptions{}); err != nil {
		t.Fatal(err)
	}
	for x := range 256 {
		_, y := brightest(dst.Sub(render.Rect{X: x, W: 1, H: 256}))
		if want := float64(255-100-x/64) + 0.5; y != want {
			t.Errorf("of a part, column %d is brightest at %v, want %v", x, y, want)
		}
	}
}

func TestParade(t *testing.T) {
	var w scope.Waveform
	p := blank(t, "yuva420p", 64, 64, 0)
	values := []int{200, 60, 100, 255}
	for i := range values {
		cw, ch := sizeOf(descriptors["yuva420p"], i, 64, 64)
		for y := range ch {
			for x := range cw {
				put(t, p, i, x, y, values[i])
			}
		}
	}
	dst := render.NewBitmap(308, 256)
	if err := w.Draw(dst, formatOf(t, "yuva420p"), p, scope.Whole, scope.WaveformOptions{Parade: true}); err != nil {
		t.Fatal(err)
	}
	for i, v := range values[:3] {
		_, y := brightest(dst.Sub(render.Rect{X: 104 * i, W: 100, H: 256}))
		if want := float64(255-v) + 0.5; y != want {
			t.Errorf("component %d is at %v, want %v", i, y, want)
		}
	}
	// A scope too narrow for three shows the first.
	if err := w.Draw(render.NewBitmap(5, 5), formatOf(t, "yuva420p"), p, scope.Whole, scope.WaveformOptions{Parade: true}); err != nil {
		t.Error(err)
	}
	for _, i := range []int{-1, 4} {
		if err := w.Draw(dst, formatOf(t, "yuva420p"), p, scope.Whole, scope.WaveformOptions{Component: i}); err == nil {
			t.Errorf("component %d has a waveform", i)
		}
	}
}

func TestHistogramDrawing(t *testing.T) {
	var h scope.Histogram
	dst := render.NewBitmap(256, 90)
	if err := h.Draw(dst, scope.HistogramOptions{}); err != nil {
		t.Fatal(err)
	}
	p := blank(t, "yuv444p", 16, 16, 0)
	for i, v := range []int{50, 100, 200} {
		for y := range 16 {
			for x := range 16 {
				put(t, p, i, x, y, v)
			}
		}
	}
	if err := h.Measure(formatOf(t, "yuv444p"), p, scope.Whole); err != nil {
		t.Fatal(err)
	}
	dark := pixel(dst, 60, 60)
	for _, o := range []scope.HistogramOptions{{}, {Log: true}, {Stack: true}} {
		if err := h.Draw(dst, o); err != nil {
			t.Fatal(err)
		}
		for i, v := range []int{50, 100, 200} {
			y := 89
			if o.Stack {
				y = 30*i + 29
			}
			if pixel(dst, v, y) == dark || pixel(dst, v-3, y) != dark || pixel(dst, v+3, y) != dark {
				t.Errorf("%+v: component %d: columns beside and at %d are %v, %v, %v", o, i, v, pixel(dst, v-3, y), pixel(dst, v, y), pixel(dst, v+3, y))
			}
		}
	}
}

// TestBitmaps has wrong ones and ones with padding, which is left alone.
func TestBitmaps(t *testing.T) {
	f, p := formatOf(t, "yuv420p"), blank(t, "yuv420p", 20, 10, 0)
	var h scope.Histogram
	if err := h.Measure(f, p, scope.Whole); err != nil {
		t.Fatal(err)
	}
	draw := map[string]func(render.Bitmap) error{
		"histogram": func(b render.Bitmap) error { return h.Draw(b, scope.HistogramOptions{Stack: true}) },
		"waveform": func(b render.Bitmap) error {
			return new(scope.Waveform).Draw(b, f, p, scope.Whole, scope.WaveformOptions{})
		},
		"parade": func(b render.Bitmap) error {
			return new(scope.Waveform).Draw(b, f, p, scope.Whole, scope.WaveformOptions{Parade: true})
		},
		"vectorscope": func(b render.Bitmap) error { return new(scope.Vectorscope).Draw(b, f, p, scope.Whole) },
	}
	for name, draw := range draw {
		for _, b := range []render.Bitmap{
			{},
			{Width: 8, Height: 8, Stride: 32},
			{Width: 8, Height: 8, Stride: 16, Pix: make([]byte, 256)},
			{Width: -1, Height: 8, Stride: 32, Pix: make([]byte, 256)},
			{Width: 8, Height: 8, Stride: math.MaxInt, Pix: make([]byte, 256)},
			{Width: 1 << 40, Height: 1, Stride: 1 << 42},
		} {
			if err := draw(b); err == nil {
				t.Errorf("%s: a bitmap of %dx%d, stride %d, with %d bytes was drawn into", name, b.Width, b.Height, b.Stride, len(b.Pix))
			}
		}
		for _, size := range [][2]int{{1, 1}, {2, 1}, {1, 2}, {17, 3}, {3, 90}, {100, 50}, {300, 280}} {
			w, h := size[0], size[1]
			b := render.Bitmap{Width: w, Height: h, Stride: 4*w + 8, Pix: bytes.Repeat([]byte{0x5A}, h*(4*w+8))}
			if err := draw(b); err != nil {
				t.Fatalf("%s %v: %v", name, size, err)
			}
			for i, v := range b.Pix {
				if outside := i%b.Stride >= 4*w; outside && v != 0x5A || !outside && i%4 == 3 && v != 255 {
					t.Fatalf("%s %v: byte %d of row %d is %#x", name, size, i%b.Stride, i/b.Stride, v)
				}
			}
		}
	}
}

func TestNothingIsAllocatedForAPicture(t *testing.T) {
	for _, name := range []string{"yuv420p", "p010le", "rgb24"} {
		var (
			f         = formatOf(t, name)
			p         = blank(t, name, 64, 48, 0)
			dst       = render.NewBitmap(100, 80)
			h         scope.Histogram
			w         scope.Waveform
			v         scope.Vectorscope
			e         scope.Extractor
			stats     []scope.Stat
			failed    error
			something = func(err error) {
				if err != nil {
					failed = err
				}
			}
		)
		n := testing.AllocsPerRun(10, func() {
			var err error
			stats, err = f.Region(p, scope.Whole, stats)
			something(err)
			something(h.Measure(f, p, scope.Whole))
			something(h.Draw(dst, scope.HistogramOptions{}))
			something(w.Draw(dst, f, p, scope.Whole, scope.WaveformOptions{Parade: true}))
			something(v.Draw(dst, f, p, scope.Whole))
			_, err = e.Plane(f, p, 1)
			something(err)
			f.RGB(p, 1, 1)
		})
		if n != 0 || failed != nil {
			t.Errorf("%s: %v allocations, %v", name, n, failed)
		}
	}
}

// FuzzPictures has descriptors, planes, rectangles and bitmaps of any kind:
// nothing may panic, and what can be read can be measured.
func FuzzPictures(f *testing.F) {
	for i, name := range names() {
		if i%7 == 0 {
			f.Add(name, 5, 3, 2, 0, 1, 3, 2, 9, 7, []byte{1, 2, 3, 4, 5, 6, 7, 8}, uint64(0))
		}
	}
	f.Add("yuv420p", 1<<40, -1, math.MinInt, math.MaxInt, math.MinInt, math.MaxInt, 1, 64, 1, []byte{}, uint64(0x123456789))
	f.Fuzz(func(t *testing.T, name string, w, h, padding, x, y, rw, rh, bw, bh int, data []byte, change uint64) {
		d, ok := descriptors[name]
		if !ok {
			d = render.Descriptor{Name: name, Components: make([]render.Component, len(name)%6)}
		}
		cs := append([]render.Component(nil), d.Components...)
		d.Components = cs
		if len(cs) > 0 && change != 0 {
			c := &cs[int(change%uint64(len(cs)))]
			delta := int(int8(change >> 8))
			switch change >> 16 % 8 {
			case 0:
				c.Plane += delta
			case 1:
				c.Step += delta
			case 2:
				c.Offset += delta
			case 3:
				c.Shift += delta
			case 4:
				c.Depth += delta
			case 5:
				d.ShiftX += delta
			case 6:
				d.ShiftY += delta
			default:
				d.RGB, d.BigEndian = !d.RGB, !d.BigEndian
			}
		}
		format, err := scope.New(d)
		if err != nil {
			return
		}
		p := &render.Picture{Format: name, Width: w, Height: h, Rotation: padding, SAR: render.Rational{Num: x, Den: y}}
		p.Colour.Matrix = render.Matrix(change >> 32 % 5)
		p.Colour.Range = render.Range(change >> 40 % 3)
		for i := range 4 {
			cut := min(len(data), i)
			p.Planes = append(p.Planes, render.Plane{Data: data[cut:], Stride: w + padding, RowBytes: w + i, Rows: h})
		}
		r := render.Rect{X: x, Y: y, W: rw, H: rh}
		_, n := format.Values(p, x, y)
		stats, err := format.Region(p, r, nil)
		if n > 0 && err != nil {
			t.Errorf("a picture that has values has no statistics: %v", err)
		}
		format.RGB(p, x, y)
		format.Targets(p)
		var hist scope.Histogram
		if (hist.Measure(format, p, r) == nil) != (err == nil) {
			t.Error("statistics and histogram disagree about the picture")
		}
		for i := range hist.Components() {
			bins, _ := hist.Bins(i)
			sum := 0
			for _, k := range bins {
				sum += int(k)
			}
			if sum != stats[i].N {
				t.Errorf("component %d: %d samples in the histogram, %d in the statistics", i, sum, stats[i].N)
			}
		}
		var e scope.Extractor
		for i := range 5 {
			if q, err := e.Plane(format, p, i); err == nil {
				if err := q.CheckPlanes(); err != nil {
					t.Error(err)
				}
			}
		}
		if bw > 200 || bh > 200 || bw <= 0 || bh <= 0 {
			bw, bh = 20, 10
		}
		dst := render.NewBitmap(bw, bh)
		_ = hist.Draw(dst, scope.HistogramOptions{Stack: change&1 == 0, Log: change&2 == 0, Alpha: true})
		_ = new(scope.Waveform).Draw(dst, format, p, r, scope.WaveformOptions{Component: rw, Parade: change&1 == 0})
		_ = new(scope.Vectorscope).Draw(dst, format, p, r)
	})
}

func ExampleFormat_Targets() {
	f, _ := scope.New(render.Descriptor{Name: "yuv444p", Components: []render.Component{
		{Plane: 0, Step: 1, Depth: 8}, {Plane: 1, Step: 1, Depth: 8}, {Plane: 2, Step: 1, Depth: 8},
	}})
	targets := f.Targets(&render.Picture{Format: "yuv444p", Width: 1920, Height: 1080})
	for _, t := range targets[:2] {
		fmt.Printf("%s %.0f %.0f\n", t.Name, t.U, t.V)
	}
	// Output:
	// R 109 212
	// Mg 193 204
}
