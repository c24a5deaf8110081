package sdlwindow

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"planar/render"
)

// TestBlend compares the blend with the formula, for all alphas and widths that
// vectors do not divide.
func TestBlend(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, w := range []int{1, 2, 3, 7, 8, 31, 65} {
		window, over := render.NewBitmap(w+4, 259), render.NewBitmap(w, 256)
		for i := range window.Pix {
			window.Pix[i] = byte(rng.Uint32())
		}
		for i := range w * 256 {
			a := i / w
			for j := range 3 {
				over.Pix[4*i+j] = byte(rng.IntN(a + 1))
			}
			over.Pix[4*i+3] = byte(a)
		}
		want := bytes.Clone(window.Pix)
		for y := range 256 {
			for x := range w {
				src := over.Pix[y*over.Stride+4*x:][:4]
				dst := want[(y+1)*window.Stride+4*(x+2):][:3]
				for i := range dst {
					dst[i] = src[i] + byte((2*int(dst[i])*(255-int(src[3]))+255)/510)
				}
			}
		}
		blend(window, 2, 1, over)
		if !bytes.Equal(window.Pix, want) {
			t.Errorf("width %d: not as the formula", w)
		}
	}
}
