package scope_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"planar/render"
	"planar/render/scope"
)

// filled is a picture of random code values, and what they are: component,
// row, column.
func filled(t testing.TB, name string, w, h, padding int) (*render.Picture, [][][]int) {
	t.Helper()
	p, d := blank(t, name, w, h, padding), descriptors[name]
	random := rand.New(rand.NewPCG(uint64(w), uint64(len(name))))
	var want [][][]int
	for i, c := range d.Components {
		cw, ch := sizeOf(d, i, w, h)
		rows := make([][]int, ch)
		for y := range rows {
			rows[y] = make([]int, cw)
			for x := range cw {
				rows[y][x] = random.IntN(1 << c.Depth)
				put(t, p, i, x, y, rows[y][x])
			}
		}
		want = append(want, rows)
	}
	return p, want
}

func shift(d render.Descriptor, i int) (x, y int) {
	if d.RGB || i == 0 || i == 3 {
		return 0, 0
	}
	return d.ShiftX, d.ShiftY
}

func names() []string {
	var all []string
	for name := range descriptors {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func TestEverySampleOfEveryFormat(t *testing.T) {
	for _, name := range names() {
		f, d := formatOf(t, name), descriptors[name]
		for _, size := range [][3]int{{7, 5, 3}, {1, 1, 0}, {8, 4, 16}, {2, 3, 1}} {
			p, want := filled(t, name, size[0], size[1], size[2])
			for y := range p.Height {
				for x := range p.Width {
					values, n := f.Values(p, x, y)
					if n != len(d.Components) {
						t.Fatalf("%s %v: %d values at %d,%d, want %d", name, size, n, x, y, len(d.Components))
					}
					for i := range n {
						sx, sy := shift(d, i)
						if w := want[i][y>>sy][x>>sx]; values[i] != w {
							t.Fatalf("%s %v: component %d at %d,%d is %d, want %d", name, size, i, x, y, values[i], w)
						}
					}
				}
			}
			for _, at := range [][2]int{{-1, 0}, {0, -1}, {p.Width, 0}, {0, p.Height}, {math.MinInt, math.MaxInt}} {
				if v, ok := f.Sample(p, 0, at[0], at[1]); ok {
					t.Errorf("%s: there is a sample at %v: %d", name, at, v)
				}
			}
			if _, ok := f.Sample(p, len(d.Components), 0, 0); ok {
				t.Errorf("%s has a component too many", name)
			}
			if _, ok := f.Sample(p, -1, 0, 0); ok {
				t.Errorf("%s has a component -1", name)
			}
		}
	}
}

// TestBytes does not trust put: it spells bytes out.
func TestBytes(t *testing.T) {
	for _, test := range []struct {
		format string
		w      int
		planes []string
		x      int
		want   []int
	}{
		{"uyvy422", 2, []string{"\x10\x20\x30\x40"}, 1, []int{0x40, 0x10, 0x30}},
		{"yuyv422", 3, []string{"\x10\x20\x30\x40\x50\x60\x70\x80"}, 2, []int{0x50, 0x60, 0x80}},
		{"nv12", 2, []string{"\x01\x02", "\x03\x04"}, 1, []int{2, 3, 4}},
		{"nv21", 2, []string{"\x01\x02", "\x03\x04"}, 1, []int{2, 4, 3}},
		{"p010le", 1, []string{"\x40\xab", "\x00\x80\xff\xff"}, 0, []int{0x2ad, 512, 1023}},
		{"p010be", 1, []string{"\xab\x40", "\x80\x00\xff\xff"}, 0, []int{0x2ad, 512, 1023}},
		{"gray10le", 1, []string{"\xff\x03"}, 0, []int{1023}},
		{"gray10be", 1, []string{"\x02\x01"}, 0, []int{513}},
		{"gray16be", 1, []string{"\xfe\xdc"}, 0, []int{0xfedc}},
		{"bgra", 1, []string{"\x01\x02\x03\x04"}, 0, []int{3, 2, 1, 4}},
		{"ya8", 1, []string{"\x09\x08"}, 0, []int{9, 8}},
		{"gbrp", 1, []string{"\x01", "\x02", "\x03"}, 0, []int{3, 1, 2}},
		{"rgb565le", 1, []string{"\xe1\xf7"}, 0, []int{30, 63, 1}},
		{"rgb565be", 1, []string{"\xf7\xe1"}, 0, []int{30, 63, 1}},
		{"x2rgb10le", 1, []string{"\x01\x08\xf0\x3f"}, 0, []int{1023, 2, 1}},
		{"x2rgb10be", 1, []string{"\x3f\xf0\x08\x01"}, 0, []int{1023, 2, 1}},
		{"rgb8", 1, []string{"\xa9"}, 0, []int{2, 5, 1}},
		// Words above the limit, as a wrong guess of the depth makes them, count as
		// the limit: so they are shown.
		{"gray10le", 1, []string{"\x00\x04"}, 0, []int{1023}},
		{"gray12be", 1, []string{"\x80\x00"}, 0, []int{4095}},
	} {
		p := &render.Picture{Format: test.format, Width: test.w, Height: 1}
		for _, b := range test.planes {
			p.Planes = append(p.Planes, render.Plane{Data: []byte(b), Stride: len(b), RowBytes: len(b), Rows: 1})
		}
		v, n := formatOf(t, test.format).Values(p, test.x, 0)
		if !slices.Equal(v[:n], test.want) {
			t.Errorf("%s %q at %d: %v, want %v", test.format, test.planes, test.x, v[:n], test.want)
		}
	}
}

func TestComponents(t *testing.T) {
	for name, want := range map[string][]scope.Component{
		"yuva420p":   {{"Y", 8, 0, 0}, {"U", 8, 1, 1}, {"V", 8, 1, 1}, {"A", 8, 0, 0}},
		"yuv411p":    {{"Y", 8, 0, 0}, {"U", 8, 2, 0}, {"V", 8, 2, 0}},
		"gray10le":   {{"Y", 10, 0, 0}},
		"ya8":        {{"Y", 8, 0, 0}, {"A", 8, 0, 0}},
		"rgb565le":   {{"R", 5, 0, 0}, {"G", 6, 0, 0}, {"B", 5, 0, 0}},
		"gbrp12le":   {{"R", 12, 0, 0}, {"G", 12, 0, 0}, {"B", 12, 0, 0}},
		"xyz12le":    {{"X", 12, 0, 0}, {"Y", 12, 0, 0}, {"Z", 12, 0, 0}},
		"yuv440p9be": {{"Y", 9, 0, 0}, {"U", 9, 0, 1}, {"V", 9, 0, 1}},
	} {
		if got := formatOf(t, name).Components(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestFormatsThatCannotBeRead(t *testing.T) {
	one := []render.Component{{Step: 1, Depth: 8}}
	change := func(c render.Component) []render.Component { return []render.Component{c} }
	for want, d := range map[string]render.Descriptor{
		"bitstream":       {Bitstream: true, Components: one},
		"palette":         {Palette: true, Components: one},
		"Bayer":           {Bayer: true, Components: one},
		"floating point":  {Float: true, Components: one},
		"uneven":          {Name: "uyyvyy411", Components: []render.Component{{Step: 4, Offset: 1, Depth: 8}, {Step: 6, Depth: 8}, {Step: 6, Offset: 3, Depth: 8}}},
		"0 components":    {},
		"5 components":    {Components: make([]render.Component, 5)},
		"subsampling":     {Components: one, ShiftX: 60},
		"32 bits":         {Components: change(render.Component{Step: 4, Depth: 32})},
		"17 bits":         {Components: change(render.Component{Step: 4, Depth: 17})},
		"16 bits":         {Components: change(render.Component{Step: 4, Depth: 16, Shift: 1})},
		"a sample of 0":   {Components: change(render.Component{Step: 4})},
		"RGB of 1":        {Components: one, RGB: true},
		"the place of it": {Components: change(render.Component{Step: 1, Depth: 10})},
		"place of its":    {Components: change(render.Component{Step: 1, Depth: 8, Offset: -1})},
		"the place":       {Components: change(render.Component{Step: 1, Depth: 8, Plane: 4})},
	} {
		f, err := scope.New(d)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "not supported") {
			t.Errorf("%+v: %v, %v; want an error with %q", d, f, err, want)
		}
	}
}

func TestDamagedPicturesAreErrors(t *testing.T) {
	f := formatOf(t, "yuv420p10le")
	for name, damage := range map[string]func(p *render.Picture){
		"another format": func(p *render.Picture) { p.Format = "yuv420p10be" },
		"no width":       func(p *render.Picture) { p.Width = 0 },
		"huge":           func(p *render.Picture) { p.Width = math.MaxInt },
		"no planes":      func(p *render.Picture) { p.Planes = nil },
		"two planes":     func(p *render.Picture) { p.Planes = p.Planes[:2] },
		"short":          func(p *render.Picture) { p.Planes[2].Data = p.Planes[2].Data[1:] },
		"stride":         func(p *render.Picture) { p.Planes[2].Stride = math.MaxInt },
		"no stride":      func(p *render.Picture) { p.Planes[2].Stride = 0 },
		"below zero":     func(p *render.Picture) { p.Planes[2].Stride = -8 },
		"few rows":       func(p *render.Picture) { p.Planes[2].Rows-- },
		"short rows":     func(p *render.Picture) { p.Planes[2].RowBytes-- },
	} {
		p, _ := filled(t, "yuv420p10le", 9, 7, 2)
		damage(p)
		dst := render.NewBitmap(64, 64)
		if _, n := f.Values(p, 0, 0); n != 0 {
			t.Errorf("%s: there are values", name)
		}
		if _, ok := f.RGB(p, 0, 0); ok {
			t.Errorf("%s: there is a colour", name)
		}
		if _, err := f.Region(p, scope.Whole, nil); err == nil {
			t.Errorf("%s: it has statistics", name)
		}
		var h scope.Histogram
		if err := h.Measure(f, p, scope.Whole); err == nil || h.Components() != 0 {
			t.Errorf("%s: it has a histogram of %d components", name, h.Components())
		}
		if err := new(scope.Waveform).Draw(dst, f, p, scope.Whole, scope.WaveformOptions{Component: 2}); err == nil {
			t.Errorf("%s: it has a waveform", name)
		}
		if err := new(scope.Vectorscope).Draw(dst, f, p, scope.Whole); err == nil {
			t.Errorf("%s: it has a vectorscope", name)
		}
		if q, err := new(scope.Extractor).Plane(f, p, 2); err == nil {
			t.Errorf("%s: it has a plane of %dx%d", name, q.Width, q.Height)
		}
	}
}

// TestRGB compares with the equations as the standards print them, with their
// rounded coefficients.
func TestRGB(t *testing.T) {
	printed := map[render.Matrix][4]float64{
		render.BT601:  {1.402, -0.344136, -0.714136, 1.772},
		render.BT709:  {1.5748, -0.187324, -0.468124, 1.8556},
		render.BT2020: {1.4746, -0.164553, -0.571353, 1.8814},
	}
	for _, name := range []string{"yuv420p", "yuv422p10le", "yuv444p12be", "yuva420p16le", "nv12", "p010le", "uyvy422", "y210be", "yuv411p"} {
		f, d := formatOf(t, name), descriptors[name]
		p, want := filled(t, name, 9, 5, 2)
		depth := d.Depth()
		for m, k := range printed {
			for _, r := range []render.Range{render.Limited, render.Full} {
				p.Colour = render.Colour{Matrix: m, Range: r}
				for y := range p.Height {
					for x := range p.Width {
						cx, cy := x>>d.ShiftX, y>>d.ShiftY
						luma, u, v := float64(want[0][y][x]), float64(want[1][cy][cx]), float64(want[2][cy][cx])
						one, white := math.Pow(2, float64(depth-8)), math.Pow(2, float64(depth))-1
						if r == render.Limited {
							luma, u, v = (luma/one-16)/219, (u/one-128)/224, (v/one-128)/224
						} else {
							luma, u, v = luma/white, (u-128*one)/white, (v-128*one)/white
						}
						ref := [3]float64{255 * (luma + k[0]*v), 255 * (luma + k[1]*u + k[2]*v), 255 * (luma + k[3]*u)}
						got, ok := f.RGB(p, x, y)
						for i := range got {
							if !ok || math.Abs(got[i]-ref[i]) > 0.002 {
								t.Fatalf("%s %v %v at %d,%d: %v, %v, want %v", name, m, r, x, y, got, ok, ref)
							}
						}
					}
				}
			}
		}
	}
}

func TestRGBOfKnownValues(t *testing.T) {
	const w, h = 1, 1
	for _, test := range []struct {
		format string
		colour render.Colour
		values []int
		want   [3]float64
	}{
		{"yuv420p", render.Colour{}, []int{235, 128, 128}, [3]float64{255, 255, 255}},
		{"yuv420p", render.Colour{}, []int{16, 128, 128}, [3]float64{}},
		{"yuvj420p", render.Colour{}, []int{255, 128, 128}, [3]float64{255, 255, 255}},
		{"yuv420p10le", render.Colour{}, []int{940, 512, 512}, [3]float64{255, 255, 255}},
		{"yuv420p10le", render.Colour{Range: render.Full}, []int{1023, 512, 512}, [3]float64{255, 255, 255}},
		{"yuv420p16be", render.Colour{}, []int{60160, 32768, 32768}, [3]float64{255, 255, 255}},
		{"yuv444p", render.Colour{Matrix: render.RGB}, []int{10, 20, 30}, [3]float64{30, 10, 20}},
		{"gray", render.Colour{}, []int{77}, [3]float64{77, 77, 77}},
		{"gray10le", render.Colour{}, []int{1023}, [3]float64{255, 255, 255}},
		{"gray", render.Colour{Range: render.Limited}, []int{235}, [3]float64{255, 255, 255}},
		{"ya8", render.Colour{}, []int{255, 3}, [3]float64{255, 255, 255}},
		{"ya8", render.Colour{Range: render.Limited}, []int{235, 3}, [3]float64{255, 255, 255}},
		{"rgb24", render.Colour{}, []int{1, 2, 3}, [3]float64{1, 2, 3}},
		{"bgra", render.Colour{Matrix: render.BT709}, []int{1, 2, 3, 4}, [3]float64{1, 2, 3}},
		{"gbrp10le", render.Colour{Range: render.Limited}, []int{1023, 0, 341}, [3]float64{255, 0, 85}},
		{"rgb565be", render.Colour{}, []int{31, 63, 0}, [3]float64{255, 255, 0}},
	} {
		p := blank(t, test.format, w, h, 0)
		p.Colour = test.colour
		for i, v := range test.values {
			put(t, p, i, 0, 0, v)
		}
		got, ok := formatOf(t, test.format).RGB(p, 0, 0)
		for i := range got {
			if !ok || math.Abs(got[i]-test.want[i]) > 1e-9 {
				t.Errorf("%s %v %v: %v, %v, want %v", test.format, test.colour, test.values, got, ok, test.want)
				break
			}
		}
	}
	if _, ok := formatOf(t, "xyz12le").RGB(blank(t, "xyz12le", w, h, 0), 0, 0); ok {
		t.Error("XYZ has a colour")
	}
}

// rects are parts of a picture of 9x7, and beside it.
var rects = []render.Rect{
	scope.Whole,
	{X: 2, Y: 1, W: 3, H: 4},
	{X: 1, Y: 1, W: 1, H: 1},
	{X: -3, Y: -2, W: 5, H: 4},
	{X: 8, Y: 6, W: 100, H: 100},
	{},
	{X: 3, Y: 3, W: -2, H: 5},
	{X: 3, Y: 3, W: 2, H: 0},
	{X: 9, Y: 0, W: 1, H: 1},
	{X: -5, Y: 0, W: 5, H: 7},
	{X: math.MaxInt, Y: 0, W: math.MaxInt, H: 1},
	{X: math.MinInt, Y: math.MinInt, W: math.MaxInt, H: math.MaxInt},
	{X: 1, Y: 1, W: math.MaxInt, H: math.MaxInt},
	{X: math.MinInt, Y: 0, W: math.MinInt, H: 3},
}

// within are the values of component i that cover a part of r.
func within(d render.Descriptor, i int, rows [][]int, r render.Rect, w, h int) []int {
	sx, sy := shift(d, i)
	seen := map[[2]int]bool{}
	var all []int
	for y := range h {
		for x := range w {
			// Differences, because the sums may overflow.
			if x < r.X || y < r.Y || r.W <= 0 || r.H <= 0 || uint(x-r.X) >= uint(r.W) || uint(y-r.Y) >= uint(r.H) {
				continue
			}
			if at := [2]int{x >> sx, y >> sy}; !seen[at] {
				seen[at] = true
				all = append(all, rows[at[1]][at[0]])
			}
		}
	}
	return all
}

func TestRegionAndHistogram(t *testing.T) {
	var h scope.Histogram
	var stats []scope.Stat
	for _, name := range names() {
		f, d := formatOf(t, name), descriptors[name]
		p, want := filled(t, name, 9, 7, 5)
		for _, r := range rects {
			var err error
			if stats, err = f.Region(p, r, stats); err != nil || len(stats) != len(d.Components) {
				t.Fatalf("%s %v: %d statistics, %v", name, r, len(stats), err)
			}
			if err := h.Measure(f, p, r); err != nil || h.Components() != len(d.Components) {
				t.Fatalf("%s %v: %d histograms, %v", name, r, h.Components(), err)
			}
			for i, s := range stats {
				v := within(d, i, want[i], r, 9, 7)
				ref := scope.Stat{N: len(v)}
				counts := map[int]uint32{}
				depth := d.Components[i].Depth
				down := max(0, depth-10)
				for _, x := range v {
					ref.Mean += float64(x) / float64(len(v))
					counts[x>>down]++
				}
				for _, x := range v {
					ref.StdDev += (float64(x) - ref.Mean) * (float64(x) - ref.Mean) / float64(len(v))
				}
				ref.StdDev = math.Sqrt(ref.StdDev)
				if len(v) > 0 {
					ref.Min, ref.Max = slices.Min(v), slices.Max(v)
				}
				if s.N != ref.N || s.Min != ref.Min || s.Max != ref.Max || math.Abs(s.Mean-ref.Mean) > 1e-7 || math.Abs(s.StdDev-ref.StdDev) > 1e-6 {
					t.Fatalf("%s %v: component %d is %+v, want %+v", name, r, i, s, ref)
				}
				bins, shift := h.Bins(i)
				if shift != down || len(bins) != 1<<min(depth, 10) {
					t.Fatalf("%s: %d bins, shift %d", name, len(bins), shift)
				}
				for k, n := range bins {
					if n != counts[k] {
						t.Fatalf("%s %v: component %d has %d values in bin %d, want %d", name, r, i, n, k, counts[k])
					}
				}
			}
		}
	}
	if bins, _ := h.Bins(4); bins != nil {
		t.Error("there are bins of a component that is not there")
	}
}

// TestManySamples has rows longer than what is read at a time.
func TestManySamples(t *testing.T) {
	for _, name := range []string{"yuv420p", "gray10be", "gray16le", "rgb24"} {
		p, f := blank(t, name, 5003, 3, 1), formatOf(t, name)
		d := descriptors[name]
		depth := d.Depth()
		top := 1<<depth - 1
		for x := range 5003 {
			for y := range 3 {
				put(t, p, 0, x, y, top-(x&1)*2)
			}
		}
		s, err := f.Region(p, scope.Whole, nil)
		// 2502 of 5003 columns are top, the others top-2.
		high := 2502.0 / 5003
		mean, deviation := float64(top)-2*(1-high), 2*math.Sqrt(high*(1-high))
		if err != nil || s[0].N != 3*5003 || s[0].Max != top || s[0].Min != top-2 ||
			math.Abs(s[0].Mean-mean) > 1e-9 || math.Abs(s[0].StdDev-deviation) > 1e-12 {
			t.Errorf("%s: %+v, %v, want mean %v, deviation %v", name, s[0], err, mean, deviation)
		}
		var h scope.Histogram
		if err := h.Measure(f, p, scope.Whole); err != nil {
			t.Fatal(err)
		}
		bins, shift := h.Bins(0)
		sum := uint32(0)
		for _, n := range bins {
			sum += n
		}
		if sum != 3*5003 || shift == 0 && bins[top] != 3*2502 {
			t.Errorf("%s: %d counted, want %d; %d of the highest, want %d", name, sum, 3*5003, bins[len(bins)-1], 3*2502)
		}
	}
}

func ExampleFormat_RGB() {
	f, err := scope.New(render.Descriptor{Name: "gray", Components: []render.Component{{Step: 1, Depth: 8}}})
	if err != nil {
		panic(err)
	}
	p := &render.Picture{
		Format: "gray", Width: 1, Height: 1, Colour: render.Colour{Range: render.Limited},
		Planes: []render.Plane{{Data: []byte{235}, Stride: 1, RowBytes: 1, Rows: 1}},
	}
	v, n := f.Values(p, 0, 0)
	rgb, _ := f.RGB(p, 0, 0)
	fmt.Println(v[:n], rgb)
	// Output: [235] [255 255 255]
}
