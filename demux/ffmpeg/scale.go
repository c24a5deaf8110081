package ffmpeg

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/asticode/go-astiav"

	"planar/render"
)

// Flags of swscale.
const (
	swsBilinear    = 0x2
	swsBicubic     = 0x4
	swsPoint       = 0x10
	swsFullChrInt  = 0x2000
	swsAccurateRnd = 0x40000
)

// Scaler converts pictures of any pixel format to 32-bit pixels with swscale.
type Scaler struct {
	key    scaleParams
	ctx    scaler
	format string // the name of key.src
	direct bool   // have swscale make packed pixels; to check the quick way by
}

var _ render.Converter = (*Scaler)(nil)

// NewScaler makes a converter; Close frees it.
func NewScaler() *Scaler { return &Scaler{} }

// Convert scales and converts p to dst with its matrix and range, the fourth
// byte of each pixel set to 255. It does not turn it: Picture.Rotation is for
// the caller. It keeps no reference to either. The context is made anew only
// when formats, sizes, colour or filter change.
func (s *Scaler) Convert(dst render.Bitmap, p *render.Picture, f render.Filter) error {
	key, err := s.params(dst, p, f)
	if err != nil {
		return err
	}
	if s.ctx.c == nil || key != s.key {
		s.Close()
		if s.ctx, err = newScaleContext(key); err != nil {
			return fmt.Errorf("scaling %s %dx%d to %dx%d: %w", p.Format, p.Width, p.Height, dst.Width, dst.Height, err)
		}
		s.key, s.format = key, p.Format
	}
	var planes [4]unsafe.Pointer
	var strides [4]int
	for i, pl := range p.Planes {
		planes[i], strides[i] = unsafe.Pointer(unsafe.SliceData(pl.Data)), pl.Stride
	}
	if err := s.ctx.scale(&s.key, &planes, &strides, dst.Pix, dst.Stride); err != nil {
		return fmt.Errorf("scaling: %w", err)
	}
	if key.dst != astiav.PixelFormatGbrp {
		makeOpaque(dst.Pix, dst.Stride, dst.Width, dst.Height)
	}
	return nil
}

// params checks everything swscale would otherwise read or write out of bounds.
func (s *Scaler) params(dst render.Bitmap, p *render.Picture, f render.Filter) (scaleParams, error) {
	var k scaleParams
	if dst.Width < 1 || dst.Height < 1 || dst.Stride < dst.Width*4 ||
		len(dst.Pix) < (dst.Height-1)*dst.Stride+dst.Width*4 {
		return k, errors.New("scaling: the bitmap is too small for its size")
	}
	k = s.key
	if s.format != p.Format || k.sw != p.Width || k.sh != p.Height {
		pf, ok := pixelFormat(p.Format)
		if !ok {
			return k, fmt.Errorf("scaling: unknown pixel format %q", p.Format)
		}
		k.src, k.sw, k.sh = pf, p.Width, p.Height
	}
	if err := checkPicture(p, k.src); err != nil {
		return k, fmt.Errorf("scaling: %w", err)
	}
	c := p.Colour.Resolve(p.Width, p.Height)
	if p.Colour.Range == render.RangeUnknown && isFull(k.src) {
		c.Range = render.Full
	}
	k.dw, k.dh, k.dst = dst.Width, dst.Height, astiav.PixelFormatBgra
	if !s.direct && !isRGB(k.src) && !hasAlpha(k.src) {
		k.dst = astiav.PixelFormatGbrp // three times as fast
	}
	k.contrast = 1 << 16
	if depth := depthOf(k.src); c.Range == render.Full && depth > 8 && depth <= 16 {
		// White is 2^depth - 1, but swscale takes it for 255 shifted left.
		white := int64(1)<<depth - 1
		k.contrast = int((int64(255)<<(depth-8)<<16 + white/2) / white)
	}
	k.matrix, k.full = 5, c.Range == render.Full
	switch c.Matrix {
	case render.BT709:
		k.matrix = 1
	case render.BT2020:
		k.matrix = 9
	}
	k.chromaX, k.chromaY = chromaPosition(c.Siting, f)
	k.flags = swsFlags(f)
	return k, nil
}

// checkPicture makes sure that C reads nothing beyond a picture of format f.
func checkPicture(p *render.Picture, f astiav.PixelFormat) error {
	if p.Width < 1 || p.Height < 1 || p.Width > MaxSide || p.Height > MaxSide {
		return fmt.Errorf("picture size %dx%d", p.Width, p.Height)
	}
	l, err := layoutOf(f, p.Width, p.Height)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Format, err)
	}
	if len(p.Planes) < int(l.planes) || len(p.Planes) > 4 {
		return fmt.Errorf("a %s picture with %d planes", p.Format, len(p.Planes))
	}
	for i, pl := range p.Planes[:l.planes] {
		if pl.Stride < int(l.rowbytes[i]) || pl.Stride > math.MaxInt32 || len(pl.Data) < (int(l.rows[i])-1)*pl.Stride+int(l.rowbytes[i]) {
			return fmt.Errorf("plane %d of a %s picture is too small", i, p.Format)
		}
	}
	if isPaletted(f) && (len(p.Planes) < 2 || len(p.Planes[1].Data) < 1024) {
		return errors.New("a " + p.Format + " picture without its palette")
	}
	return nil
}

// chromaMiddle has swscale put chroma samples in the middle of their luma
// samples, whatever the subsampling.
const chromaMiddle = -513

// chromaPosition is the chroma samples' place in 1/256 of a luma sample. Nearest
// is for looking at samples, so each luma sample gets the chroma stored with it.
func chromaPosition(s render.Siting, f render.Filter) (x, y int) {
	switch {
	case s == render.SitingCentre || f == render.Nearest:
		return chromaMiddle, chromaMiddle
	case s == render.SitingTopLeft:
		return 0, 0
	}
	return 0, chromaMiddle
}

func swsFlags(f render.Filter) int {
	switch f {
	case render.Nearest:
		return swsPoint | swsAccurateRnd | swsFullChrInt
	case render.Bicubic:
		return swsBicubic | swsAccurateRnd | swsFullChrInt
	}
	return swsBilinear | swsAccurateRnd | swsFullChrInt
}

// Close frees the context. The scaler may be used again.
func (s *Scaler) Close() {
	if s.ctx.c != nil {
		s.ctx.free()
		s.ctx.c = nil
	}
}
