package ffmpeg

import (
	"github.com/asticode/go-astiav"

	"planar/render"
)

// FFmpeg's AVColorSpace, AVColorRange and AVChromaLocation are the code points
// of ISO/IEC 23001-8 and do not change.
func matrixOf(space int) render.Matrix {
	switch space {
	case 0:
		return render.RGB
	case 1:
		return render.BT709
	case 4, 5, 6: // FCC, BT.470BG, SMPTE 170M: within a code value of each other
		return render.BT601
	case 9, 10:
		return render.BT2020
	}
	return render.MatrixUnknown
}

func rangeOf(r int) render.Range {
	switch r {
	case 1:
		return render.Limited
	case 2:
		return render.Full
	}
	return render.RangeUnknown
}

func sitingOf(l int) render.Siting {
	switch l {
	case 1:
		return render.SitingLeft
	case 2:
		return render.SitingCentre
	case 3:
		return render.SitingTopLeft
	}
	return render.SitingUnknown
}

// colourOf combines what a stream or frame is tagged with and what its pixel
// format says.
func colourOf(space, rng, location int, f astiav.PixelFormat) render.Colour {
	c := render.Colour{Matrix: matrixOf(space), Range: rangeOf(rng), Siting: sitingOf(location)}
	if f < 0 {
		if space == 0 {
			// Zero is RGB, but also what a demuxer leaves behind that never set it.
			c.Matrix = render.MatrixUnknown
		}
		return c
	}
	switch {
	case isRGB(f):
		c.Matrix = render.RGB
	case c.Matrix == render.RGB:
		c.Matrix = render.MatrixUnknown
	}
	if c.Range == render.RangeUnknown && isFull(f) {
		c.Range = render.Full
	}
	return c
}
