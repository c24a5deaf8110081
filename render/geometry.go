package render

import (
	"fmt"
	"strconv"
)

// Geometry is where a person wants the window: a size, a place, both or neither.
type Geometry struct {
	W, H int // pixels; 0 if no size was given
	// Placed says whether a place was given: X and Y are pixels from the
	// screen's left and top edge to the window's, or, with FromRight and
	// FromBottom, from the window's right and bottom edge to the screen's.
	Placed                bool
	X, Y                  int
	FromRight, FromBottom bool
}

// maxGeometry is the largest number a geometry may hold: what X11 can address.
const maxGeometry = 32767

// ParseGeometry reads WxH, +X+Y or WxH+X+Y, as X11 programs write it: "-X"
// counts from the right edge, "-Y" from the bottom, and "+-5" is five pixels
// outside. The empty string is the zero Geometry.
func ParseGeometry(s string) (Geometry, error) {
	var g Geometry
	rest := s
	fail := func() (Geometry, error) {
		return Geometry{}, fmt.Errorf("geometry %q: want WxH, +X+Y or WxH+X+Y, with numbers up to %d", s, maxGeometry)
	}
	// number takes decimal digits off rest.
	number := func() (int, bool) {
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		v, err := strconv.Atoi(rest[:n])
		rest = rest[n:]
		return v, err == nil && v <= maxGeometry
	}
	// offset takes a sign and a number that may have a sign of its own.
	offset := func() (v int, fromFar, ok bool) {
		if rest == "" || rest[0] != '+' && rest[0] != '-' {
			return 0, false, false
		}
		fromFar = rest[0] == '-'
		rest = rest[1:]
		negative := rest != "" && rest[0] == '-'
		if negative {
			rest = rest[1:]
		}
		if v, ok = number(); negative {
			v = -v
		}
		return v, fromFar, ok
	}
	var ok bool
	if rest != "" && rest[0] != '+' && rest[0] != '-' {
		if g.W, ok = number(); !ok || g.W == 0 || rest == "" || rest[0] != 'x' && rest[0] != 'X' {
			return fail()
		}
		rest = rest[1:]
		if g.H, ok = number(); !ok || g.H == 0 {
			return fail()
		}
	}
	if rest != "" {
		g.Placed = true
		if g.X, g.FromRight, ok = offset(); !ok {
			return fail()
		}
		if g.Y, g.FromBottom, ok = offset(); !ok || rest != "" {
			return fail()
		}
	}
	return g, nil
}

// Sized reports whether a size was given.
func (g Geometry) Sized() bool { return g.W > 0 }

// Place is the top left corner of a window of w x h on a screen whose
// rectangle is screen. Without a place of its own the window is centred.
func (g Geometry) Place(w, h int, screen Rect) (x, y int) {
	if !g.Placed {
		return screen.X + (screen.W-w)/2, screen.Y + (screen.H-h)/2
	}
	x, y = screen.X+g.X, screen.Y+g.Y
	if g.FromRight {
		x = screen.X + screen.W - w - g.X
	}
	if g.FromBottom {
		y = screen.Y + screen.H - h - g.Y
	}
	return x, y
}

// String writes g the way ParseGeometry reads it.
func (g Geometry) String() string {
	s := ""
	if g.Sized() {
		s = fmt.Sprintf("%dx%d", g.W, g.H)
	}
	if g.Placed {
		sign := map[bool]string{false: "+", true: "-"}
		s += fmt.Sprintf("%s%d%s%d", sign[g.FromRight], g.X, sign[g.FromBottom], g.Y)
	}
	return s
}
