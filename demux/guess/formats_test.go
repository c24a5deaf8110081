package guess

import (
	"fmt"
	"strconv"
	"strings"

	"planar/render"
)

// table is a small table of pixel formats in place of FFmpeg's.
type table map[string]render.Descriptor

var aliases = map[string]string{
	"i420": "yuv420p", "iyuv": "yuv420p", "yv12": "yvu420p", "yuy2": "yuyv422", "uyvy": "uyvy422", "gray8": "gray", "yv16": "yvu422p", "p010": "p010le",
}

func (t table) Canonical(name string) (string, bool) {
	name = strings.ToLower(name)
	if a, ok := aliases[name]; ok {
		name = a
	}
	_, ok := t[name]
	return name, ok
}

func (t table) Describe(format string) (render.Descriptor, bool) {
	d, ok := t[format]
	return d, ok
}

func (t table) Layouts(format string, w, h int) ([]render.Layout, error) {
	d, ok := t[format]
	if !ok || w < 1 || h < 1 || w > 32768 || h > 32768 {
		return nil, fmt.Errorf("no layout for %s of %dx%d", format, w, h)
	}
	var ls []render.Layout
	for i, c := range d.Components {
		for len(ls) <= c.Plane {
			ls = append(ls, render.Layout{})
		}
		cw, ch := w, h
		if (i == 1 || i == 2) && !d.RGB {
			cw, ch = (w+1<<d.ShiftX-1)>>d.ShiftX, (h+1<<d.ShiftY-1)>>d.ShiftY
		}
		ls[c.Plane] = render.Layout{RowBytes: max(ls[c.Plane].RowBytes, cw*c.Step), Rows: ch}
	}
	return ls, nil
}

func comp(plane, step, offset, shift, depth int) render.Component {
	return render.Component{Plane: plane, Step: step, Offset: offset, Shift: shift, Depth: depth}
}

func makeTable() table {
	t := table{}
	add := func(name string, sx, sy int, cs ...render.Component) {
		t[name] = render.Descriptor{
			Name: name, Components: cs, ShiftX: sx, ShiftY: sy, BigEndian: strings.HasSuffix(name, "be"),
			RGB: strings.Contains(name, "rgb") || strings.Contains(name, "bgr") || strings.HasPrefix(name, "gbr"), Alpha: len(cs) == 4,
		}
	}
	for c, s := range map[string][2]int{"420": {1, 1}, "422": {1, 0}, "444": {0, 0}, "411": {2, 0}, "410": {2, 2}, "440": {0, 1}} {
		add("yuv"+c+"p", s[0], s[1], comp(0, 1, 0, 0, 8), comp(1, 1, 0, 0, 8), comp(2, 1, 0, 0, 8))
		for _, d := range []int{9, 10, 12, 14, 16} {
			for _, o := range []string{"le", "be"} {
				add("yuv"+c+"p"+strconv.Itoa(d)+o, s[0], s[1], comp(0, 2, 0, 0, d), comp(1, 2, 0, 0, d), comp(2, 2, 0, 0, d))
			}
		}
	}
	for i, c := range []string{"p0", "p2", "p4"} {
		s := [][2]int{{1, 1}, {1, 0}, {0, 0}}[i]
		for _, d := range []int{10, 12, 16} {
			for _, o := range []string{"le", "be"} {
				add(c+strconv.Itoa(d)+o, s[0], s[1], comp(0, 2, 0, 16-d, d), comp(1, 4, 0, 16-d, d), comp(1, 4, 2, 16-d, d))
			}
		}
	}
	t["yvu420p"], t["yvu422p"] = t["yuv420p"], t["yuv422p"]
	for name, s := range map[string][2]int{"nv12": {1, 1}, "nv21": {1, 1}, "nv16": {1, 0}, "nv24": {0, 0}} {
		add(name, s[0], s[1], comp(0, 1, 0, 0, 8), comp(1, 2, 0, 0, 8), comp(1, 2, 1, 0, 8))
	}
	add("yuyv422", 1, 0, comp(0, 2, 0, 0, 8), comp(0, 4, 1, 0, 8), comp(0, 4, 3, 0, 8))
	add("yvyu422", 1, 0, comp(0, 2, 0, 0, 8), comp(0, 4, 3, 0, 8), comp(0, 4, 1, 0, 8))
	add("uyvy422", 1, 0, comp(0, 2, 1, 0, 8), comp(0, 4, 0, 0, 8), comp(0, 4, 2, 0, 8))
	add("y210le", 1, 0, comp(0, 4, 0, 6, 10), comp(0, 8, 2, 6, 10), comp(0, 8, 6, 6, 10))
	add("gray", 0, 0, comp(0, 1, 0, 0, 8))
	for _, d := range []int{9, 10, 12, 14, 16} {
		add("gray"+strconv.Itoa(d)+"le", 0, 0, comp(0, 2, 0, 0, d))
		add("gray"+strconv.Itoa(d)+"be", 0, 0, comp(0, 2, 0, 0, d))
		add("gbrp"+strconv.Itoa(d)+"le", 0, 0, comp(2, 2, 0, 0, d), comp(0, 2, 0, 0, d), comp(1, 2, 0, 0, d))
	}
	add("gbrp", 0, 0, comp(2, 1, 0, 0, 8), comp(0, 1, 0, 0, 8), comp(1, 1, 0, 0, 8))
	packed := func(name string, step, depth int, at ...int) {
		var cs []render.Component
		for _, o := range at {
			cs = append(cs, comp(0, step, o, 0, depth))
		}
		add(name, 0, 0, cs...)
	}
	packed("rgb24", 3, 8, 0, 1, 2)
	packed("bgr24", 3, 8, 2, 1, 0)
	packed("rgba", 4, 8, 0, 1, 2, 3)
	packed("bgra", 4, 8, 2, 1, 0, 3)
	packed("argb", 4, 8, 1, 2, 3, 0)
	packed("abgr", 4, 8, 3, 2, 1, 0)
	packed("rgb48le", 6, 16, 0, 2, 4)
	packed("rgb48be", 6, 16, 0, 2, 4)
	packed("rgba64le", 8, 16, 0, 2, 4, 6)
	for _, b := range []string{"rggb", "bggr", "grbg", "gbrg"} {
		for _, o := range []string{"8", "16le", "16be"} {
			step := 2
			if o == "8" {
				step = 1
			}
			t["bayer_"+b+o] = render.Descriptor{
				Name: "bayer_" + b + o, RGB: true, Bayer: true, BigEndian: o == "16be",
				Components: []render.Component{comp(0, step, 0, 0, 2), comp(0, step, 0, 0, 4), comp(0, step, 0, 0, 2)},
			}
		}
	}
	return t
}

var formats = makeTable()
