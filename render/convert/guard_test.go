//go:build unix

package convert_test

import (
	"os"
	"syscall"
	"testing"

	"planar/render"
	"planar/render/convert"
)

// guarded is memory of n bytes between pages that must not be touched: at the
// end of its pages, or at their beginning.
func guarded(t *testing.T, n int, atEnd bool) []byte {
	page := os.Getpagesize()
	pages := (n + page - 1) / page
	m, err := syscall.Mmap(-1, 0, (pages+2)*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(m) })
	for _, guard := range [][]byte{m[:page], m[(pages+1)*page:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	m = m[page : (pages+1)*page]
	if atEnd {
		m = m[len(m)-n:]
	}
	return m[:n:n]
}

// TestGuardPages: no byte outside of planes and bitmap is touched, as a plane
// may end where a file that is mapped into memory does.
func TestGuardPages(t *testing.T) {
	k, slow := convert.New(nil), convert.New(nil)
	defer k.Close()
	defer slow.Close()
	slow.SetPortable()
	for n, name := range convert.Formats() {
		s := shapeOf(t, name)
		for m, size := range [][2]int{{1, 1}, {16, 2}, {31 + n%17, 3}, {64, 4}, {131, 5}} {
			w, h := size[0], size[1]
			p := shaped(t, name, w, h, m%2*9)
			s.fill(p, s.extremes(int64(n)))
			for i := range p.Planes {
				to := guarded(t, len(p.Planes[i].Data), (n+m)%4 != 0)
				copy(to, p.Planes[i].Data)
				p.Planes[i].Data = to
			}
			for _, to := range [][2]int{{w, h}, {2*w + 1, 3 * h}, {w/2 + 1, h/2 + 1}, {w/5 + 1, 1}} {
				dst := render.Bitmap{Width: to[0], Height: to[1], Stride: 4*to[0] + n%5}
				dst.Pix = guarded(t, (dst.Height-1)*dst.Stride+4*dst.Width, m%2 == 0)
				for _, f := range []render.Filter{render.Bilinear, render.Nearest} {
					if err := k.Convert(dst, p, f); err != nil {
						t.Fatal(err)
					}
					if err := slow.Convert(dst, p, f); err != nil {
						t.Fatal(err)
					}
					for _, at := range [][2]int{{0, 0}, {dst.Width, dst.Height}, {dst.Width / 2, dst.Height / 2}} {
						if err := k.ConvertPart(dst, p, f, at[0], at[1], 2*dst.Width, 2*dst.Height); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
	}
}
