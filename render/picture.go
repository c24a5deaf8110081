// Package render describes a picture: its format, planes, colour and place in
// a window. It is arithmetic only and knows neither SDL nor FFmpeg.
package render

import (
	"math"
	"strings"
)

// Rational is a fraction such as a frame rate (30000/1001) or a sample aspect
// ratio (16/11). The zero value means "unknown".
type Rational struct {
	Num int `json:"num"`
	Den int `json:"den"`
}

// Known reports whether r is a positive, finite number.
func (r Rational) Known() bool { return r.Num > 0 && r.Den > 0 }

// Float returns r as a number, 0 if unknown.
func (r Rational) Float() float64 {
	if !r.Known() {
		return 0
	}
	return float64(r.Num) / float64(r.Den)
}

// Plane is one plane of a picture. Row y is
// Data[y*Stride : y*Stride+RowBytes]; bytes between RowBytes and Stride are
// padding and carry no picture.
type Plane struct {
	Data     []byte
	Stride   int // bytes from one row to the next, >= RowBytes
	RowBytes int // visible bytes of a row
	Rows     int
}

// Layout is the shape of one plane in a tightly packed picture.
type Layout struct{ RowBytes, Rows int }

// Picture is one uncompressed picture. Its planes alias memory that belongs
// to whoever made it, and are valid until that owner's release.
type Picture struct {
	Format        string // FFmpeg's pixel-format name, such as "yuv420p"
	Width, Height int    // coded size in luma samples, cropping applied
	Planes        []Plane
	Colour        Colour
	SAR           Rational // width to height of a sample; unknown means square
	Rotation      int      // degrees clockwise to turn it for display: 0, 90, 180, 270
}

// ShownColour is the picture's colour with what is unknown replaced by what is
// usual: RGB and the "yuvj" formats are full range whatever is said, grey is
// unless something else is said, and the rest is Colour.Resolve's.
func (p *Picture) ShownColour() Colour {
	c := p.Colour
	if c.Matrix == RGB || strings.HasPrefix(p.Format, "yuvj") || strings.HasPrefix(p.Format, "gray") && c.Range == RangeUnknown {
		c.Range = Full
	}
	return c.Resolve(p.Width, p.Height)
}

// DisplaySize is the size, in square pixels, at which the picture has its
// right shape: the sample aspect ratio widens or narrows it, rotation turns it.
func (p *Picture) DisplaySize() (w, h int) {
	return DisplaySize(p.Width, p.Height, p.SAR, p.Rotation)
}

// DisplaySize is Picture.DisplaySize for a picture that is not there yet.
func DisplaySize(width, height int, sar Rational, rotation int) (w, h int) {
	w, h = width, height
	if sar.Known() && sar.Num != sar.Den {
		w = max(1, int(math.Round(float64(width)*sar.Float())))
	}
	if rotation%180 != 0 {
		w, h = h, w
	}
	return w, h
}

// Bitmap is a picture of 32-bit pixels in the order blue, green, red, unused:
// what SDL calls RGB888 or ARGB8888 on a little-endian machine.
type Bitmap struct {
	Pix           []byte // at least (Height-1)*Stride + Width*4 bytes
	Width, Height int
	Stride        int // bytes
}

// NewBitmap allocates a tightly packed black bitmap.
func NewBitmap(w, h int) Bitmap {
	return Bitmap{Pix: make([]byte, w*h*4), Width: w, Height: h, Stride: w * 4}
}

// Sub is the part of b inside r, which must lie within b; it shares b's memory.
func (b Bitmap) Sub(r Rect) Bitmap {
	return Bitmap{Pix: b.Pix[r.Y*b.Stride+r.X*4:], Width: r.W, Height: r.H, Stride: b.Stride}
}

// Filter chooses how pictures are scaled.
type Filter int

// The scaling filters, in rising order of cost.
const (
	Bilinear Filter = iota
	Nearest
	Bicubic
)

// Converter scales, converts and turns pictures into bitmaps.
type Converter interface {
	// Convert fills the whole of dst with p. A converter keeps scratch memory
	// between calls and must not be used from two goroutines at once.
	Convert(dst Bitmap, p *Picture, f Filter) error
	Close()
}
