package render

import (
	"fmt"
	"slices"
	"strings"
)

// Matrix says how luma and chroma were computed from RGB.
type Matrix int

// The matrices planar converts. Values other than these are treated as unknown.
const (
	MatrixUnknown Matrix = iota
	BT601                // ITU-R BT.601, kr 0.299 kb 0.114
	BT709                // ITU-R BT.709, kr 0.2126 kb 0.0722
	BT2020               // ITU-R BT.2020 non-constant luminance, kr 0.2627 kb 0.0593
	RGB                  // no matrix: the planes are G, B, R or packed RGB
)

// Range says which code values carry black and white.
type Range int

// Ranges at 8 bit: limited is 16..235 (chroma 16..240), full is 0..255.
const (
	RangeUnknown Range = iota
	Limited
	Full
)

// Siting says where chroma samples lie between luma samples.
type Siting int

// The sitings of 4:2:0 and 4:2:2 pictures.
const (
	SitingUnknown Siting = iota
	SitingLeft           // MPEG-2, H.264, H.265
	SitingCentre         // MPEG-1, JPEG
	SitingTopLeft        // BT.2020, DV
)

// Colour is how a picture's code values map to light. Unknown fields are
// filled in by Resolve.
type Colour struct {
	Matrix Matrix `json:"matrix,omitzero"`
	Range  Range  `json:"range,omitzero"`
	Siting Siting `json:"siting,omitzero"`
}

// Resolve replaces what is unknown by what such pictures usually are: BT.601
// up to standard definition (576 lines and 1024 columns), BT.709 above; limited
// range, but full of RGB; chroma sited left.
func (c Colour) Resolve(width, height int) Colour {
	if c.Matrix == MatrixUnknown {
		if width > 1024 || height > 576 {
			c.Matrix = BT709
		} else {
			c.Matrix = BT601
		}
	}
	if c.Range == RangeUnknown {
		c.Range = Limited
		if c.Matrix == RGB {
			c.Range = Full
		}
	}
	if c.Siting == SitingUnknown {
		c.Siting = SitingLeft
	}
	return c
}

// OrElse replaces what is unknown by what d says.
func (c Colour) OrElse(d Colour) Colour {
	if c.Matrix == MatrixUnknown {
		c.Matrix = d.Matrix
	}
	if c.Range == RangeUnknown {
		c.Range = d.Range
	}
	if c.Siting == SitingUnknown {
		c.Siting = d.Siting
	}
	return c
}

// Weights returns the luma weights of red and blue, kr and kb.
func (m Matrix) Weights() (kr, kb float64) {
	switch m {
	case BT709:
		return 0.2126, 0.0722
	case BT2020:
		return 0.2627, 0.0593
	}
	return 0.299, 0.114
}

var (
	matrixNames = [...]string{"unknown", "bt601", "bt709", "bt2020", "rgb"}
	rangeNames  = [...]string{"unknown", "limited", "full"}
	sitingNames = [...]string{"unknown", "left", "centre", "topleft"}
)

func (m Matrix) String() string { return matrixNames[m] }

func (r Range) String() string { return rangeNames[r] }

func (s Siting) String() string { return sitingNames[s] }

// MarshalText is String, for JSON.
func (m Matrix) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// MarshalText is String, for JSON.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// MarshalText is String, for JSON.
func (s Siting) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes what String gives.
func (m *Matrix) UnmarshalText(b []byte) error { return named((*int)(m), b, matrixNames[:]) }

// UnmarshalText takes what String gives.
func (r *Range) UnmarshalText(b []byte) error { return named((*int)(r), b, rangeNames[:]) }

// UnmarshalText takes what String gives.
func (s *Siting) UnmarshalText(b []byte) error { return named((*int)(s), b, sitingNames[:]) }

func named(v *int, name []byte, names []string) error {
	i := slices.Index(names, string(name))
	if i < 0 {
		return fmt.Errorf("%q is not one of %s", name, strings.Join(names, ", "))
	}
	*v = i
	return nil
}
