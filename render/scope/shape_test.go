package scope_test

import (
	"fmt"
	"strings"
	"testing"

	"planar/render"
	"planar/render/scope"
)

// descriptors are those of FFmpeg's table that stand for all families.
var descriptors = func() map[string]render.Descriptor {
	all := map[string]render.Descriptor{}
	add := func(name string, sx, sy int, cs ...[5]int) {
		d := render.Descriptor{
			Name: name, ShiftX: sx, ShiftY: sy, BigEndian: strings.HasSuffix(name, "be"),
			RGB:   strings.Contains(name, "rgb") || strings.Contains(name, "bgr") || strings.HasPrefix(name, "gbr"),
			Alpha: len(cs) == 4 || len(cs) == 2,
		}
		for _, c := range cs {
			d.Components = append(d.Components, render.Component{Plane: c[0], Step: c[1], Offset: c[2], Shift: c[3], Depth: c[4]})
		}
		all[name] = d
	}
	planes := func(name string, sx, sy, depth int, order ...int) {
		bytes := 1
		if depth > 8 {
			bytes = 2
		}
		var cs [][5]int
		for _, k := range order {
			cs = append(cs, [5]int{k, bytes, 0, 0, depth})
		}
		add(name, sx, sy, cs...)
	}
	for name, s := range map[string][2]int{"420": {1, 1}, "422": {1, 0}, "444": {0, 0}, "440": {0, 1}, "411": {2, 0}, "410": {2, 2}} {
		planes("yuv"+name+"p", s[0], s[1], 8, 0, 1, 2)
		planes("yuva"+name+"p", s[0], s[1], 8, 0, 1, 2, 3)
		planes("yuvj"+name+"p", s[0], s[1], 8, 0, 1, 2)
		for _, depth := range []int{9, 10, 12, 14, 16} {
			for _, o := range []string{"le", "be"} {
				planes(fmt.Sprintf("yuv%sp%d%s", name, depth, o), s[0], s[1], depth, 0, 1, 2)
				planes(fmt.Sprintf("yuva%sp%d%s", name, depth, o), s[0], s[1], depth, 0, 1, 2, 3)
			}
		}
	}
	planes("gray", 0, 0, 8, 0)
	planes("gbrp", 0, 0, 8, 2, 0, 1)
	planes("gbrap", 0, 0, 8, 2, 0, 1, 3)
	add("ya8", 0, 0, [5]int{0, 2, 0, 0, 8}, [5]int{0, 2, 1, 0, 8})
	add("nv12", 1, 1, [5]int{0, 1, 0, 0, 8}, [5]int{1, 2, 0, 0, 8}, [5]int{1, 2, 1, 0, 8})
	add("nv21", 1, 1, [5]int{0, 1, 0, 0, 8}, [5]int{1, 2, 1, 0, 8}, [5]int{1, 2, 0, 0, 8})
	add("nv16", 1, 0, [5]int{0, 1, 0, 0, 8}, [5]int{1, 2, 0, 0, 8}, [5]int{1, 2, 1, 0, 8})
	add("yuyv422", 1, 0, [5]int{0, 2, 0, 0, 8}, [5]int{0, 4, 1, 0, 8}, [5]int{0, 4, 3, 0, 8})
	add("uyvy422", 1, 0, [5]int{0, 2, 1, 0, 8}, [5]int{0, 4, 0, 0, 8}, [5]int{0, 4, 2, 0, 8})
	add("rgb24", 0, 0, [5]int{0, 3, 0, 0, 8}, [5]int{0, 3, 1, 0, 8}, [5]int{0, 3, 2, 0, 8})
	add("bgra", 0, 0, [5]int{0, 4, 2, 0, 8}, [5]int{0, 4, 1, 0, 8}, [5]int{0, 4, 0, 0, 8}, [5]int{0, 4, 3, 0, 8})
	add("0rgb", 0, 0, [5]int{0, 4, 1, 0, 8}, [5]int{0, 4, 2, 0, 8}, [5]int{0, 4, 3, 0, 8})
	add("rgb8", 0, 0, [5]int{0, 1, 0, 6, 2}, [5]int{0, 1, 0, 3, 3}, [5]int{0, 1, 0, 0, 3})
	add("rgb565le", 0, 0, [5]int{0, 2, 1, 3, 5}, [5]int{0, 2, 0, 5, 6}, [5]int{0, 2, 0, 0, 5})
	add("rgb565be", 0, 0, [5]int{0, 2, -1, 3, 5}, [5]int{0, 2, 0, 5, 6}, [5]int{0, 2, 0, 0, 5})
	add("x2rgb10le", 0, 0, [5]int{0, 4, 2, 4, 10}, [5]int{0, 4, 1, 2, 10}, [5]int{0, 4, 0, 0, 10})
	add("x2rgb10be", 0, 0, [5]int{0, 4, 0, 4, 10}, [5]int{0, 4, 1, 2, 10}, [5]int{0, 4, 2, 0, 10})
	for _, o := range []string{"le", "be"} {
		for _, depth := range []int{9, 10, 12, 14, 16} {
			planes(fmt.Sprintf("gray%d%s", depth, o), 0, 0, depth, 0)
			planes(fmt.Sprintf("gbrp%d%s", depth, o), 0, 0, depth, 2, 0, 1)
		}
		add("p010"+o, 1, 1, [5]int{0, 2, 0, 6, 10}, [5]int{1, 4, 0, 6, 10}, [5]int{1, 4, 2, 6, 10})
		add("p016"+o, 1, 1, [5]int{0, 2, 0, 0, 16}, [5]int{1, 4, 0, 0, 16}, [5]int{1, 4, 2, 0, 16})
		add("nv20"+o, 1, 0, [5]int{0, 2, 0, 0, 10}, [5]int{1, 4, 0, 0, 10}, [5]int{1, 4, 2, 0, 10})
		add("y210"+o, 1, 0, [5]int{0, 4, 0, 6, 10}, [5]int{0, 8, 2, 6, 10}, [5]int{0, 8, 6, 6, 10})
		add("rgb48"+o, 0, 0, [5]int{0, 6, 0, 0, 16}, [5]int{0, 6, 2, 0, 16}, [5]int{0, 6, 4, 0, 16})
		add("ya16"+o, 0, 0, [5]int{0, 4, 0, 0, 16}, [5]int{0, 4, 2, 0, 16})
		add("xyz12"+o, 0, 0, [5]int{0, 6, 0, 4, 12}, [5]int{0, 6, 2, 4, 12}, [5]int{0, 6, 4, 4, 12})
	}
	return all
}()

// formatOf is the scope.Format of a name in the table.
func formatOf(t testing.TB, name string) *scope.Format {
	t.Helper()
	d, ok := descriptors[name]
	if !ok {
		t.Fatalf("the table has no %s", name)
	}
	f, err := scope.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sizeOf is how many samples component i has.
func sizeOf(d render.Descriptor, i, w, h int) (int, int) {
	if d.RGB || i == 0 || i == 3 {
		return w, h
	}
	return (w + 1<<d.ShiftX - 1) >> d.ShiftX, (h + 1<<d.ShiftY - 1) >> d.ShiftY
}

// blank is a picture of w x h whose rows are followed by padding bytes, all
// 0xAA where no sample is, and code values 0.
func blank(t testing.TB, name string, w, h, padding int) *render.Picture {
	t.Helper()
	d := descriptors[name]
	p := &render.Picture{Format: name, Width: w, Height: h}
	for i, c := range d.Components {
		for len(p.Planes) <= c.Plane {
			p.Planes = append(p.Planes, render.Plane{})
		}
		cw, ch := sizeOf(d, i, w, h)
		pl := &p.Planes[c.Plane]
		pl.RowBytes, pl.Rows = max(pl.RowBytes, cw*c.Step), max(pl.Rows, ch)
	}
	for i := range p.Planes {
		pl := &p.Planes[i]
		pl.Stride = pl.RowBytes + padding
		pl.Data = make([]byte, (pl.Rows-1)*pl.Stride+pl.RowBytes)
		for k := range pl.Data {
			pl.Data[k] = 0xAA
		}
	}
	for i := range d.Components {
		cw, ch := sizeOf(d, i, w, h)
		for y := range ch {
			for x := range cw {
				put(t, p, i, x, y, 0)
			}
		}
	}
	return p
}

// put writes a code value of component i's sample x, y bit by bit: as a number
// of up to 16 bits, of which bit k counts from the end that byte order says.
func put(t testing.TB, p *render.Picture, i, x, y, v int) {
	d := descriptors[p.Format]
	c := d.Components[i]
	if v < 0 || v >= 1<<c.Depth {
		t.Fatalf("%s: %d does not fit component %d", p.Format, v, i)
	}
	pl := p.Planes[c.Plane]
	at := y*pl.Stride + x*c.Step + c.Offset
	wide := c.Shift+c.Depth > 8
	if !wide && d.BigEndian {
		at++
	}
	for k := range c.Depth {
		bit := c.Shift + k
		b := &pl.Data[at]
		if wide && (bit >= 8) != d.BigEndian {
			b = &pl.Data[at+1]
		}
		*b = *b&^(1<<(bit%8)) | byte(v>>k&1)<<(bit%8)
	}
	// Of a word that is a sample's own, the rest is zero.
	if wide && c.Shift == 0 && (c.Step == 2 || len(d.Components) == 3 && d.ShiftX > 0) && c.Depth < 16 {
		b := &pl.Data[at+1]
		if d.BigEndian {
			b = &pl.Data[at]
		}
		*b &= 1<<(c.Depth-8) - 1
	}
}
