package sdlwindow

import (
	"unsafe"

	"github.com/veandco/go-sdl2/sdl"

	"planar/render"
)

// surface is the canvas without a graphics processor: pictures are converted
// straight into the window's memory, which the X server shares.
type surface struct {
	win    *sdl.Window
	conv   render.Converter
	filter render.Filter

	// What was drawn last, and where.
	on      *sdl.Surface
	pixels  unsafe.Pointer
	w, h    int
	picture render.Rect

	scratch render.Bitmap // for screens that do not have 32-bit pixels
}

func (*surface) name() string { return "surface" }

func (s *surface) draw(p *render.Picture) error {
	on, err := s.win.GetSurface()
	if err != nil {
		return err
	}
	fresh := !s.is(on)
	s.on, s.pixels, s.w, s.h = on, on.Data(), int(on.W), int(on.H)
	var r render.Rect
	if p != nil {
		dw, dh := p.DisplaySize()
		r = render.Fit(s.w, s.h, dw, dh)
	}
	if fresh || r != s.picture {
		s.picture = r
		for _, b := range render.Bars(s.w, s.h, r) {
			bar := sdl.Rect{X: int32(b.X), Y: int32(b.Y), W: int32(b.W), H: int32(b.H)}
			if err := on.FillRect(&bar, 0); err != nil {
				return err
			}
		}
	}
	if r.W == 0 || r.H == 0 {
		return nil
	}
	window := render.Bitmap{
		Pix:   unsafe.Slice((*byte)(on.Data()), int(on.Pitch)*s.h),
		Width: s.w, Height: s.h, Stride: int(on.Pitch),
	}
	switch format := on.Format.Format; format {
	case sdl.PIXELFORMAT_RGB888, sdl.PIXELFORMAT_ARGB8888:
		return s.conv.Convert(window.Sub(r), p, s.filter)
	default:
		if s.scratch.Width != r.W || s.scratch.Height != r.H {
			s.scratch = render.NewBitmap(r.W, r.H)
		}
		if err := s.conv.Convert(s.scratch, p, s.filter); err != nil {
			return err
		}
		at := unsafe.Add(on.Data(), r.Y*int(on.Pitch)+r.X*int(on.Format.BytesPerPixel))
		return sdl.ConvertPixels(int32(r.W), int32(r.H),
			sdl.PIXELFORMAT_ARGB8888, unsafe.Pointer(&s.scratch.Pix[0]), s.scratch.Stride,
			format, at, int(on.Pitch))
	}
}

// is reports whether on is the surface that was drawn on last, unchanged.
func (s *surface) is(on *sdl.Surface) bool {
	return s.on == on && s.pixels == on.Data() && s.w == int(on.W) && s.h == int(on.H)
}

// stale asks SDL for the surface, which it makes anew when the window's size
// has changed.
func (s *surface) stale() bool {
	on, err := s.win.GetSurface()
	return err != nil || !s.is(on)
}

func (s *surface) show() error { return s.win.UpdateSurface() }

// close has nothing to give back: the surface goes with the window.
func (s *surface) close() {}
