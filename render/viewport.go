package render

// Rect is a rectangle in pixels, top left corner and size.
type Rect struct{ X, Y, W, H int }

// Fit places a picture of shape w x h in a window of winW x winH: as large as
// fits, its aspect ratio kept and rounded to the nearest pixel, centred. At
// least one pixel of it is always there.
func Fit(winW, winH, w, h int) Rect {
	if winW <= 0 || winH <= 0 || w <= 0 || h <= 0 {
		return Rect{}
	}
	r := Rect{W: winW, H: winH}
	if winW*h < winH*w { // the width binds
		r.H = max(1, min(winH, (2*winW*h+w)/(2*w)))
	} else {
		r.W = max(1, min(winW, (2*winH*w+h)/(2*h)))
	}
	r.X, r.Y = (winW-r.W)/2, (winH-r.H)/2
	return r
}

// Bars returns the parts of a window of winW x winH that r does not cover: at
// most two, above and below or left and right of it.
func Bars(winW, winH int, r Rect) []Rect {
	var bars []Rect
	for _, b := range []Rect{
		{0, 0, winW, r.Y},
		{0, r.Y + r.H, winW, winH - r.Y - r.H},
		{0, r.Y, r.X, r.H},
		{r.X + r.W, r.Y, winW - r.X - r.W, r.H},
	} {
		if b.W > 0 && b.H > 0 {
			bars = append(bars, b)
		}
	}
	return bars
}

// InitialSize is the size of a new window for a picture of shape w x h on a
// screen with usable space maxW x maxH: the picture's own size, or, if that
// does not fit, the largest of the same shape that does. Never below 64 x 64.
func InitialSize(w, h, maxW, maxH int) (int, int) {
	if w > maxW || h > maxH {
		r := Fit(maxW, maxH, w, h)
		w, h = r.W, r.H
	}
	return max(64, w), max(64, h)
}
