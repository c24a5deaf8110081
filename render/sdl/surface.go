package sdlwindow

import (
	"unsafe"

	"github.com/veandco/go-sdl2/sdl"

	"planar/render"
	"planar/render/overlay"
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

	text    render.Overlay
	painter *overlay.Painter // made when text first comes
	written []render.Rect    // where text lies on what was drawn last
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
	clear := func(b render.Rect) error {
		return on.FillRect(&sdl.Rect{X: int32(b.X), Y: int32(b.Y), W: int32(b.W), H: int32(b.H)}, 0)
	}
	for _, b := range render.Bars(s.w, s.h, r) {
		if fresh || r != s.picture {
			if err := clear(b); err != nil {
				return err
			}
			continue
		}
		for _, old := range s.written {
			if old = intersect(old, b); old.W > 0 && old.H > 0 {
				if err := clear(old); err != nil {
					return err
				}
			}
		}
	}
	s.picture, s.written = r, s.written[:0]
	if err := s.convert(p, r); err != nil {
		return err
	}
	return s.overwrite()
}

// window is the surface's memory, of 32-bit pixels.
func (s *surface) window() render.Bitmap {
	return render.Bitmap{
		Pix:   unsafe.Slice((*byte)(s.on.Data()), int(s.on.Pitch)*s.h),
		Width: s.w, Height: s.h, Stride: int(s.on.Pitch),
	}
}

// direct reports whether the surface has the pixels that converters make.
func (s *surface) direct() bool {
	f := s.on.Format.Format
	return f == sdl.PIXELFORMAT_RGB888 || f == sdl.PIXELFORMAT_ARGB8888
}

// convert fills r with p.
func (s *surface) convert(p *render.Picture, r render.Rect) error {
	if r.W == 0 || r.H == 0 {
		return nil
	}
	if s.direct() {
		return s.conv.Convert(s.window().Sub(r), p, s.filter)
	}
	if s.scratch.Width != r.W || s.scratch.Height != r.H {
		s.scratch = render.NewBitmap(r.W, r.H)
	}
	if err := s.conv.Convert(s.scratch, p, s.filter); err != nil {
		return err
	}
	at := unsafe.Add(s.on.Data(), r.Y*int(s.on.Pitch)+r.X*int(s.on.Format.BytesPerPixel))
	return sdl.ConvertPixels(int32(r.W), int32(r.H),
		sdl.PIXELFORMAT_ARGB8888, unsafe.Pointer(&s.scratch.Pix[0]), s.scratch.Stride,
		s.on.Format.Format, at, int(s.on.Pitch))
}

// write keeps the text for the pictures to come.
func (s *surface) write(o render.Overlay) (outdated bool) {
	s.text = o
	return true
}

// overwrite lays the text over what was drawn.
func (s *surface) overwrite() error {
	if s.text.Empty() {
		s.painter = nil // and its memory
		return nil
	}
	if s.painter == nil {
		s.painter = overlay.New()
	}
	boxes, _ := s.painter.Paint(s.text, s.w, s.h)
	for _, b := range boxes {
		if s.direct() {
			blend(s.window(), b)
		} else if err := blendAny(s.on, b); err != nil {
			return err
		}
		s.written = append(s.written, render.Rect{X: b.X, Y: b.Y, W: b.Pixels.Width, H: b.Pixels.Height})
	}
	return nil
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
