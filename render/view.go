package render

import "math"

// View is which part of a picture a window shows.
type View struct {
	// Zoom is window pixels per pixel of the displayed picture; 0 shows all of it,
	// as large as fits.
	Zoom float64
	// X, Y are the point of the displayed picture that lies in the window's
	// centre, as fractions of its width and height. They are of no meaning while
	// Zoom is 0.
	X, Y float64
}

// The limits of View.Zoom.
const (
	MinZoom = 0.25
	MaxZoom = 64
)

// PixelZoom is the View.Zoom from which a picture's samples are shown as squares.
const PixelZoom = 2

// PartConverter is a Converter that can make a part of a large bitmap.
type PartConverter interface {
	Converter
	// ConvertPart fills dst with what lies at x, y of the bitmap of w x h that
	// Convert would make. dst must not reach beyond that.
	ConvertPart(dst Bitmap, p *Picture, f Filter, x, y, w, h int) error
}

// In what follows, winW x winH is the window, in pixels, and w x h the displayed
// picture, as DisplaySize has it. A pixel of the window reaches from px to px+1,
// its middle is px+0.5; so do those of the picture.

// Place is where the whole picture lies in the window: its top left corner and
// its size, all whole numbers. It may reach beyond the window, but never leaves
// the window's centre, and lies in the middle where it is smaller. All are 0 if
// there is no window or no picture.
func (v View) Place(winW, winH, w, h int) (x, y, pw, ph float64) {
	if winW <= 0 || winH <= 0 || w <= 0 || h <= 0 {
		return 0, 0, 0, 0
	}
	if !(v.Zoom > 0) {
		r := Fit(winW, winH, w, h)
		return float64(r.X), float64(r.Y), float64(r.W), float64(r.H)
	}
	lo, hi := zoomLimits(winW, winH, w, h)
	zoom := min(max(v.Zoom, lo), hi)
	pw = max(1, math.Round(float64(w)*zoom))
	ph = max(1, math.Round(float64(h)*zoom))
	return placeAxis(v.X, float64(winW), pw), placeAxis(v.Y, float64(winH), ph), pw, ph
}

// placeAxis is where a picture of a size begins in a window if centre is the
// fraction of it that lies in the window's middle.
func placeAxis(centre, window, size float64) float64 {
	if size <= window {
		return math.Floor((window - size) / 2)
	}
	// Halves are frequent here, and must not fall to one side or the other by how
	// the fraction was rounded.
	const bit = 1e-6
	return math.Floor(window/2 - fraction(centre)*size + 0.5 + bit)
}

// fraction is f within 0 and 1.
func fraction(f float64) float64 {
	if !(f > 0) {
		return 0
	}
	return min(f, 1)
}

// Scale is the window's pixels per pixel of the picture, Zoom or what it comes
// to if that is 0; 0 if there is no window or no picture.
func (v View) Scale(winW, winH, w, h int) float64 {
	if winW <= 0 || winH <= 0 || w <= 0 || h <= 0 {
		return 0
	}
	lo, hi := zoomLimits(winW, winH, w, h)
	if !(v.Zoom > 0) {
		return fitScale(winW, winH, w, h)
	}
	return min(max(v.Zoom, lo), hi)
}

func fitScale(winW, winH, w, h int) float64 {
	return min(float64(winW)/float64(w), float64(winH)/float64(h))
}

// zoomLimits are those of Zoom: all of the picture may need less than MinZoom to
// be seen, or allow for more than MaxZoom.
func zoomLimits(winW, winH, w, h int) (lo, hi float64) {
	fit := fitScale(winW, winH, w, h)
	return min(MinZoom, fit), max(MaxZoom, fit)
}

// ZoomAt makes the picture factor times as large, within the limits of Zoom, so
// that the point of it under px, py of the window stays there, as far as Place
// allows.
func (v View) ZoomAt(factor, px, py float64, winW, winH, w, h int) View {
	zoom := v.Scale(winW, winH, w, h)
	if zoom == 0 || !(factor > 0) {
		return v
	}
	x, y, pw, ph := v.Place(winW, winH, w, h)
	lo, hi := zoomLimits(winW, winH, w, h)
	zoom = min(max(zoom*factor, lo), hi)
	to := View{Zoom: zoom}
	_, _, tw, th := to.Place(winW, winH, w, h)
	// What lies so far right of the point now, and in its size of then.
	centre := func(p, at, size, window, now float64) float64 {
		return fraction((p-at)/size + (window/2-p)/now)
	}
	to.X = centre(px, x, pw, float64(winW), tw)
	to.Y = centre(py, y, ph, float64(winH), th)
	return to
}

// Pan moves the picture by dx, dy of the window's pixels, as far as Place allows.
// All of a picture that fits into the window stays where it is.
func (v View) Pan(dx, dy float64, winW, winH, w, h int) View {
	if !(v.Zoom > 0) {
		return v
	}
	_, _, pw, ph := v.Place(winW, winH, w, h)
	if pw > float64(winW) {
		v.X = fraction(fraction(v.X) - dx/pw)
	}
	if ph > float64(winH) {
		v.Y = fraction(fraction(v.Y) - dy/ph)
	}
	return v
}

// Point is which point of the displayed picture lies at px, py of the window. It
// may be beyond the picture's edges.
func (v View) Point(px, py float64, winW, winH, w, h int) (x, y float64) {
	left, top, pw, ph := v.Place(winW, winH, w, h)
	if pw == 0 {
		return -1, -1
	}
	return (px - left) * float64(w) / pw, (py - top) * float64(h) / ph
}

// Sample is the luma sample of p at dx, dy of the displayed picture. It is not ok
// beyond the picture's edges.
func (p *Picture) Sample(dx, dy float64) (x, y int, ok bool) {
	w, h := p.DisplaySize()
	if !(dx >= 0 && dy >= 0 && dx < float64(w) && dy < float64(h)) {
		return 0, 0, false
	}
	// An axis that is turned about runs the other way: what is from 0 to 1 on it is
	// the last.
	along := func(at float64, n, size int) int {
		return min(int(at*float64(n)/float64(size)), n-1)
	}
	against := func(at float64, n, size int) int { return n - 1 - along(at, n, size) }
	switch p.Rotation {
	case 90:
		return along(dy, p.Width, h), against(dx, p.Height, w), true
	case 180:
		return against(dx, p.Width, w), against(dy, p.Height, h), true
	case 270:
		return against(dy, p.Width, h), along(dx, p.Height, w), true
	}
	return along(dx, p.Width, w), along(dy, p.Height, h), true
}
