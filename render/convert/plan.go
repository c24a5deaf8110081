package convert

// #include "kernel.h"
import "C"

import (
	"math"
	"unsafe"

	"planar/render"
)

// request is all that a plan depends on.
type request struct {
	format        string
	width, height int           // of the picture
	across, down  int           // of the bitmap
	of            part          // the bitmap is that
	colour        render.Colour // resolved
	nearest       bool
	portable      bool
}

// part is where a bitmap lies in that of the whole picture: at x, y of w x h
// pixels.
type part struct{ x, y, w, h int }

// span is the pixels of an axis that are wanted: count, from first on, of those
// that all of the picture would take.
type span struct{ whole, first, count int }

// plan is how pictures of one kind become bitmaps of one size. index, fraction
// and mask are planar_taps, one axis after the other.
type plan struct {
	c        C.planar_plan
	skip     [3]int // bytes before the first sample of a row that is looked at
	index    []int32
	fraction []int16
	mask     []uint16
}

// margin is PLANAR_MARGIN.
const margin = 32

func newPlan(f *format, r request) *plan {
	p := &plan{c: factors(f, r.colour)}
	p.c.width, p.c.height = C.int32_t(r.across), C.int32_t(r.down)
	p.c.components = C.int32_t(len(f.components))
	p.c.rgb, p.c.portable = flag(f.rgb), flag(r.portable)
	across, down := span{r.of.w, r.of.x, r.across}, span{r.of.h, r.of.y, r.down}
	spread := f.shiftX == 1 && r.across == r.width && r.of.w == r.width
	p.c.spread = flag(spread)
	x, y := f.offsets(r.colour.Siting)
	if spread && !r.nearest {
		p.spread(x.first)
	}
	room := r.across + 1
	for i := range f.components {
		k := &p.c.component[i]
		w, h := f.size(i, r.width, r.height)
		f.words(k, i)
		k.height = C.int32_t(h)
		x, y := x, y
		if f.rgb || i == 0 {
			x, y = siting{}, siting{}
		}
		k.columns = -1
		if first := len(p.index); !(spread && i > 0) {
			var close bool
			k.box_x, close = p.axis(w, x, r.width, across, r.nearest)
			var skip int
			skip, w = p.crop(first, w, int(k.box_x))
			p.skip[i] = skip * f.components[i].step * f.wordBytes()
			if w == r.across && p.plain(first) {
				p.truncate(first)
			} else {
				k.columns, k.mask = C.int32_t(first), flag(close)
			}
		}
		k.width = C.int32_t(w)
		room = max(room, w+1)
		k.rows = C.int32_t(len(p.index))
		k.box_y, _ = p.axis(h, y, r.height, down, r.nearest)
	}
	p.c.room = C.int32_t(room + 2*margin)
	return p
}

// siting is where the samples of an axis lie: each stands for 2^shift of
// luma's, and the first is first of luma's samples after luma's first.
type siting struct {
	shift int
	first float64
}

func (f *format) offsets(s render.Siting) (x, y siting) {
	middle := func(shift int) siting { return siting{shift, float64(int(1)<<shift-1) / 2} }
	x, y = middle(f.shiftX), middle(f.shiftY)
	if s != render.SitingCentre {
		x.first = 0
	}
	if s == render.SitingTopLeft {
		y.first = 0
	}
	return x, y
}

// words tells the kernel how component i lies in memory.
func (f *format) words(k *C.planar_component, i int) {
	k.bytes, k.big, k.step = C.int32_t(f.wordBytes()), flag(f.bigEndian), C.int32_t(f.components[i].step)
	k.max, k.gain = 1<<f.depth-1, C.int32_t(1)<<max(0, 15-f.depth)
	if f.high || f.depth == 16 {
		k.max, k.drop, k.gain = 65535, 1, 1
	}
	if !f.rgb && i > 0 {
		k.bias = 128 << 7
	}
}

// axis appends the taps of a component's columns or rows, of which it has n
// where luma has size, for the pixels of to. Where there are at least twice
// as many samples as the bitmap has, 2^box of them are averaged first, which
// leaves a rest for which looking at two samples is looking at all of them.
// close says that the masks hold.
func (p *plan) axis(n int, s siting, size int, to span, nearest bool) (box C.int32_t, close bool) {
	unit := 1
	for ; !nearest && (n-1)/unit+1 >= 2*to.whole; unit *= 2 {
		box++
	}
	last := (n - 1) / unit
	first := len(p.index)
	close = true
	for i := range to.count {
		at := (float64(to.first+i) + 0.5) * float64(size) / float64(to.whole) // in luma samples, from the picture's edge
		if nearest {
			p.tap(min(last, int(at)>>s.shift), 0)
		} else {
			at = (at - 0.5 - s.first) / float64(int(1)<<s.shift)
			at = (at - float64(unit-1)/2) / float64(unit)
			at = min(max(at, 0), float64(last))
			whole := math.Floor(at)
			p.tap(int(whole), at-whole)
		}
		apart := p.index[first+i] - p.index[first+i&^3]
		close = close && apart < 8
		p.mask = append(p.mask, uint16(2*apart|(2*apart+1)<<8))
	}
	return box, close
}

// crop counts the taps of columns from first on, of a component with n, from the
// first sample that they look at: that is so many before it, and width as many
// as they need.
func (p *plan) crop(first, n, box int) (skip, width int) {
	taps := p.index[first:]
	base, end := taps[0], taps[len(taps)-1]+1
	if p.fraction[len(p.fraction)-1] != 0 {
		end++
	}
	for i := range taps {
		taps[i] -= base
	}
	skip = int(base) << box
	return skip, min(n, int(end)<<box) - skip
}

func (p *plan) tap(index int, fraction float64) {
	p.index = append(p.index, int32(index))
	p.fraction = append(p.fraction, q15(fraction))
}

// plain reports whether the taps from first on are the samples themselves.
func (p *plan) plain(first int) bool {
	for i := range len(p.index) - first {
		if p.index[first+i] != int32(i) || p.fraction[first+i] != 0 {
			return false
		}
	}
	return true
}

func (p *plan) truncate(n int) { p.index, p.fraction, p.mask = p.index[:n], p.fraction[:n], p.mask[:n] }

// q15 is x, 0 <= x <= 1, in 1/32768.
func q15(x float64) int16 { return int16(min(32767, math.Round(x*32768))) }

// spread says where the colours of even and odd columns lie, if chroma has
// half the columns and its first sample lies first columns after the first.
func (p *plan) spread(first float64) {
	for odd := range 2 {
		at := (float64(odd) - first) / 2
		whole := math.Floor(at)
		p.c.column_whole[odd] = C.int32_t(whole)
		p.c.column_fraction[odd] = C.int16_t(q15(at - whole))
	}
}

// factors computes the kernel's arithmetic for a resolved colour. Limited
// range is the same at every depth; of full range, white is 2^depth-1, and
// not 255 shifted left.
func factors(f *format, colour render.Colour) C.planar_plan {
	white := 255.0
	if f.depth > 8 {
		white = math.Ldexp(1, 8) - math.Ldexp(1, 8-f.depth)
	}
	luma, chroma, black := 255/white, 255/white, 0.0
	if colour.Range == render.Limited {
		luma, chroma, black = 255.0/219, 255.0/224, 16
	}
	q13 := func(x float64) C.int16_t { return C.int16_t(math.Round(x * 8192)) }
	// Half a code value, so that cutting the fraction off rounds.
	offset := func(black float64) C.int16_t { return C.int16_t(math.Round((0.5 - black) * 32)) }
	if f.rgb {
		return C.planar_plan{level: q13(255 / white), offset: offset(0)}
	}
	kr, kb := colour.Matrix.Weights()
	kg := 1 - kr - kb
	return C.planar_plan{
		luma:    q13(luma),
		red_v:   q13(chroma * 2 * (1 - kr)),
		green_u: q13(-chroma * 2 * (1 - kb) * kb / kg),
		green_v: q13(-chroma * 2 * (1 - kr) * kr / kg),
		blue_u:  q13(chroma * 2 * (1 - kb)),
		offset:  offset(luma * black),
	}
}

func flag(b bool) C.int32_t {
	if b {
		return 1
	}
	return 0
}

// rows makes rows first <= row < last of dst, from components whose rows are
// stride bytes apart.
func (p *plan) rows(dst render.Bitmap, data [3][]byte, stride [3]int, first, last int, scratch []int16) {
	C.planar_convert(&p.c,
		(*C.int32_t)(unsafe.SliceData(p.index)), (*C.int16_t)(unsafe.SliceData(p.fraction)), (*C.uint16_t)(unsafe.SliceData(p.mask)),
		pointer(data[0]), C.ptrdiff_t(stride[0]),
		pointer(data[1]), C.ptrdiff_t(stride[1]),
		pointer(data[2]), C.ptrdiff_t(stride[2]),
		C.int(first), C.int(last),
		pointer(dst.Pix), C.ptrdiff_t(dst.Stride), (*C.int16_t)(unsafe.SliceData(scratch)))
}

// scratch is how many int16 rows needs.
func (p *plan) scratch() int { return int(C.planar_rows(&p.c)) * int(p.c.room) }

func pointer(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(b)) }
