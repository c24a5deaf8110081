package render

// Descriptor says how the samples of a pixel format lie in memory. It mirrors
// FFmpeg's AVPixFmtDescriptor, whose table is where descriptors come from.
type Descriptor struct {
	Name string
	// Components in FFmpeg's order: luma, U, V or R, G, B, then alpha if there is one.
	Components []Component
	// Chroma planes are 1/2^ShiftX as wide and 1/2^ShiftY as high as luma,
	// rounded up.
	ShiftX, ShiftY int
	RGB            bool
	Alpha          bool
	BigEndian      bool // of samples of more than one byte
	Float          bool
	Bayer          bool // one sample a pixel, behind a colour filter
	Palette        bool
	Bitstream      bool // steps and offsets are bits, not bytes
}

// Component is where one component's samples are.
type Component struct {
	Plane  int
	Step   int // bytes from one sample to the next of its row
	Offset int // bytes before the first sample of a row
	Shift  int // bits to shift a sample's word down by
	Depth  int // bits of a sample
}

// Depth is the largest number of bits of a component, 0 of an unknown format.
func (d *Descriptor) Depth() int {
	n := 0
	for _, c := range d.Components {
		n = max(n, c.Depth)
	}
	return n
}
