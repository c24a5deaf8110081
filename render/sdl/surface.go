package sdlwindow

import (
	"errors"
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
	view   render.View

	// What was drawn last, and where.
	on      *sdl.Surface
	pixels  unsafe.Pointer
	w, h    int
	picture render.Rect // the part of the picture that is in the window

	scratch render.Bitmap // for screens that do not have 32-bit pixels

	layers []render.Layer // that are wanted, and
	laid   []laid         // that are on what was drawn last; those below first
	free   [][]byte       // memory of those that have gone, while others are laid
	unseen bool           // show has not been called since
	damage []render.Rect  // else where layers have changed since
}

func (*surface) name() string { return "surface" }

func (s *surface) draw(p *render.Picture) error {
	on, err := s.win.GetSurface()
	if err != nil {
		return err
	}
	fresh := !s.is(on)
	s.on, s.pixels, s.w, s.h = on, on.Data(), int(on.W), int(on.H)
	var place, r render.Rect
	if p != nil {
		dw, dh := p.DisplaySize()
		place = wholePlace(s.view, s.w, s.h, dw, dh)
		r = intersect(place, render.Rect{W: s.w, H: s.h})
	}
	clear := func(b render.Rect) error {
		to := sdlRect(b)
		return on.FillRect(&to, 0)
	}
	for _, b := range render.Bars(s.w, s.h, r) {
		if fresh || r != s.picture {
			if err := clear(b); err != nil {
				return err
			}
			continue
		}
		for _, l := range s.laid { // which reach over the bars
			if r := intersect(l.at, b); r.W > 0 && r.H > 0 {
				if err := clear(r); err != nil {
					return err
				}
			}
		}
	}
	s.picture = r
	s.bury()
	s.unseen = true
	if err := s.convert(p, place, r); err != nil {
		return err
	}
	return s.settle()
}

// wholePlace is where the whole of a picture lies in a window.
func wholePlace(v render.View, winW, winH, w, h int) render.Rect {
	x, y, pw, ph := v.Place(winW, winH, w, h)
	return render.Rect{X: int(x), Y: int(y), W: int(pw), H: int(ph)}
}

// look says how pictures are drawn from now on.
func (s *surface) look(v render.View, f render.Filter) { s.view, s.filter = v, f }

// viewFilter is how pictures are scaled in a view.
func viewFilter(v render.View, f render.Filter) render.Filter {
	if v.Zoom >= render.PixelZoom {
		return render.Nearest
	}
	return f
}

// convertPart fills dst with the part of p at r, if all of it is at place.
func convertPart(conv render.Converter, dst render.Bitmap, p *render.Picture, f render.Filter, place, r render.Rect) error {
	if r == place {
		return conv.Convert(dst, p, f)
	}
	parts, ok := conv.(render.PartConverter)
	if !ok {
		return errors.New("cannot show a part of a picture")
	}
	return parts.ConvertPart(dst, p, f, r.X-place.X, r.Y-place.Y, place.W, place.H)
}

// memory is all of the surface's.
func (s *surface) memory() []byte {
	return unsafe.Slice((*byte)(s.on.Data()), int(s.on.Pitch)*s.h)
}

// window is the surface's memory, of 32-bit pixels.
func (s *surface) window() render.Bitmap {
	return render.Bitmap{Pix: s.memory(), Width: s.w, Height: s.h, Stride: int(s.on.Pitch)}
}

// direct reports whether the surface has the pixels that converters make.
func (s *surface) direct() bool {
	f := s.on.Format.Format
	return f == sdl.PIXELFORMAT_RGB888 || f == sdl.PIXELFORMAT_ARGB8888
}

// convert fills r with the part of p that is there, if all of it is at place.
func (s *surface) convert(p *render.Picture, place, r render.Rect) error {
	if r.W <= 0 || r.H <= 0 {
		return nil
	}
	filter := viewFilter(s.view, s.filter)
	if s.direct() {
		return convertPart(s.conv, s.window().Sub(r), p, filter, place, r)
	}
	if s.scratch.Width != r.W || s.scratch.Height != r.H {
		s.scratch = render.NewBitmap(r.W, r.H)
	}
	if err := convertPart(s.conv, s.scratch, p, filter, place, r); err != nil {
		return err
	}
	at := unsafe.Add(s.on.Data(), r.Y*int(s.on.Pitch)+r.X*int(s.on.Format.BytesPerPixel))
	return sdl.ConvertPixels(int32(r.W), int32(r.H),
		sdl.PIXELFORMAT_ARGB8888, unsafe.Pointer(&s.scratch.Pix[0]), s.scratch.Stride,
		s.on.Format.Format, at, int(s.on.Pitch))
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

func (s *surface) show() error {
	if err := s.settle(); err != nil {
		return err
	}
	s.damage, s.unseen = s.damage[:0], false
	return s.win.UpdateSurface()
}

// close has nothing to give back: the surface goes with the window.
func (s *surface) close() {}
