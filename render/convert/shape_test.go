package convert_test

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"planar/render"
)

// place is where a component's samples are, written down again for the tests,
// in bytes.
type place struct{ plane, offset, step int }

// shape is how a format's pictures look like.
type shape struct {
	depth          int
	low            int // bits below the sample in its word
	bytes          int
	order          binary.ByteOrder
	shiftX, shiftY int
	rgb            bool
	places         []place // Y U V, R G B, or grey
}

// shapeOf takes a format's name to pieces.
func shapeOf(t testing.TB, name string) shape {
	s := shape{depth: 8, bytes: 1, order: binary.LittleEndian}
	base := name
	if rest, ok := strings.CutSuffix(name, "be"); ok {
		base, s.order = rest, binary.BigEndian
	} else if rest, ok := strings.CutSuffix(name, "le"); ok {
		base = rest
	}
	wide := base != name
	planar := func(order ...int) {
		for _, plane := range order {
			s.places = append(s.places, place{plane, 0, s.bytes})
		}
	}
	depth := func(digits string) {
		if wide {
			n, err := strconv.Atoi(digits)
			if err != nil {
				t.Fatalf("format %s: %v", name, err)
			}
			s.depth, s.bytes = n, 2
		}
	}
	packed := func(step int, offsets ...int) {
		for _, o := range offsets {
			s.places = append(s.places, place{0, o * s.bytes, step * s.bytes})
		}
	}
	semi := func(u, v int) {
		s.places = []place{{0, 0, s.bytes}, {1, u * s.bytes, 2 * s.bytes}, {1, v * s.bytes, 2 * s.bytes}}
	}
	sub := func(digits string) {
		shifts, ok := map[string][2]int{"420": {1, 1}, "422": {1, 0}, "444": {0, 0}, "440": {0, 1}, "411": {2, 0}, "410": {2, 2}}[digits]
		if !ok {
			t.Fatalf("format %s", name)
		}
		s.shiftX, s.shiftY = shifts[0], shifts[1]
	}
	macro := map[string][3]int{"yuyv422": {0, 1, 3}, "yvyu422": {0, 3, 1}, "uyvy422": {1, 0, 2}}
	switch {
	case strings.HasPrefix(base, "gray"):
		depth(base[4:])
		planar(0)
	case strings.HasPrefix(base, "gbr"):
		_, digits, _ := strings.Cut(base, "p")
		depth(digits)
		s.rgb = true
		planar(2, 0, 1)
	case base == "rgb48" || base == "bgr48" || base == "rgba64" || base == "bgra64" || base == "ayuv64":
		depth("16")
		s.rgb = base != "ayuv64"
		switch base {
		case "rgb48":
			packed(3, 0, 1, 2)
		case "bgr48":
			packed(3, 2, 1, 0)
		case "rgba64":
			packed(4, 0, 1, 2)
		case "bgra64":
			packed(4, 2, 1, 0)
		default:
			packed(4, 1, 2, 3)
		}
	case base == "vuya" || base == "vuyx":
		packed(4, 2, 1, 0)
	case len(base) == 4 && strings.ContainsAny(base, "r") && strings.Contains(base, "g"):
		s.rgb = true
		packed(4, strings.Index(base, "r"), strings.Index(base, "g"), strings.Index(base, "b"))
	case base == "rgb24" || base == "bgr24":
		s.rgb = true
		packed(3, strings.Index(base, "r"), 1, strings.Index(base, "b"))
	case macro[base] != [3]int{}:
		sub("422")
		m := macro[base]
		s.places = []place{{0, m[0], 2}, {0, m[1], 4}, {0, m[2], 4}}
	case strings.HasPrefix(base, "y21"):
		depth(base[2:])
		s.low = 16 - s.depth
		sub("422")
		s.places = []place{{0, 0, 4}, {0, 2, 8}, {0, 6, 8}}
	case base == "nv20":
		s.depth, s.bytes = 10, 2
		sub("422")
		semi(0, 1)
	case strings.HasPrefix(base, "nv"):
		sub(map[string]string{"12": "420", "21": "420", "16": "422", "24": "444", "42": "444"}[base[2:]])
		if base == "nv21" || base == "nv42" {
			semi(1, 0)
		} else {
			semi(0, 1)
		}
	case strings.HasPrefix(base, "p"):
		depth(base[2:])
		s.low = 16 - s.depth
		sub(map[byte]string{'0': "420", '2': "422", '4': "444"}[base[1]])
		semi(0, 1)
	case strings.HasPrefix(base, "yuv"):
		digits, after, _ := strings.Cut(strings.TrimLeft(base, "yuvaj"), "p")
		depth(after)
		sub(digits)
		planar(0, 1, 2)
	default:
		t.Fatalf("no shape of %s", name)
	}
	return s
}

// size is how many samples component i has.
func (s *shape) size(i, w, h int) (int, int) {
	if i == 0 || s.rgb {
		return w, h
	}
	return (w + 1<<s.shiftX - 1) >> s.shiftX, (h + 1<<s.shiftY - 1) >> s.shiftY
}

// sample is where sample x,y of component i is.
func (s *shape) sample(p *render.Picture, i, x, y int) []byte {
	c := s.places[i]
	return p.Planes[c.plane].Data[y*p.Planes[c.plane].Stride+c.offset+x*c.step:]
}

func (s *shape) set(p *render.Picture, i, x, y, v int) {
	if b := s.sample(p, i, x, y); s.bytes == 1 {
		b[0] = byte(v)
	} else {
		s.order.PutUint16(b, uint16(v<<s.low))
	}
}

func (s *shape) get(p *render.Picture, i, x, y int) int {
	if b := s.sample(p, i, x, y); s.bytes == 1 {
		return int(b[0])
	} else {
		return int(s.order.Uint16(b)) >> s.low
	}
}

// shaped is a black-and-zero picture whose rows have padding bytes after them.
func shaped(t testing.TB, name string, w, h, padding int) *render.Picture {
	s := shapeOf(t, name)
	p := &render.Picture{Format: name, Width: w, Height: h}
	for i, c := range s.places {
		for c.plane >= len(p.Planes) {
			p.Planes = append(p.Planes, render.Plane{})
		}
		pl := &p.Planes[c.plane]
		sw, sh := s.size(i, w, h)
		pl.RowBytes, pl.Rows = max(pl.RowBytes, c.offset+(sw-1)*c.step+s.bytes), max(pl.Rows, sh)
	}
	for i := range p.Planes {
		pl := &p.Planes[i]
		pl.Stride = pl.RowBytes + padding
		pl.Data = make([]byte, (pl.Rows-1)*pl.Stride+pl.RowBytes)
	}
	return p
}

// fill sets every sample.
func (s *shape) fill(p *render.Picture, value func(i, x, y int) int) {
	for i := range s.places {
		w, h := s.size(i, p.Width, p.Height)
		for y := range h {
			for x := range w {
				s.set(p, i, x, y, value(i, x, y))
			}
		}
	}
}

func (s shape) String() string {
	return fmt.Sprintf("%d bit in %d bytes above %d, shifts %d %d", s.depth, s.bytes, s.low, s.shiftX, s.shiftY)
}
