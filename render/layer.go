package render

// Layer is a piece of what is drawn over the picture, such as a panel.
type Layer struct {
	X, Y int // of its top left corner in the window, in pixels; it may reach beyond
	// Pixels are in the order blue, green, red, alpha; the colours are multiplied
	// by alpha. The memory is the maker's, who leaves it alone while the layer is
	// in use.
	Pixels Bitmap
	// Version changes with the pixels: layers at one place, of one size and
	// version, look the same.
	Version uint64
}

// Rect is what the layer covers of the window.
func (l Layer) Rect() Rect { return Rect{l.X, l.Y, l.Pixels.Width, l.Pixels.Height} }

// SameLayers reports whether a and b look the same.
func SameLayers(a, b []Layer) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Rect() != b[i].Rect() || a[i].Version != b[i].Version {
			return false
		}
	}
	return true
}
