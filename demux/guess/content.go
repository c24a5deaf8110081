package guess

import (
	"io"
	"math"
	"math/bits"

	"planar/render"
)

// Content is judged by how well samples are predicted by their neighbours: the
// one to the left of the same component, the one above, and the one at the same
// place in the frame before. A wrong stride, frame size, order of components,
// depth or byte order makes some of these strangers to each other, and what a
// coder would pay for the differences, in bits per byte of the file, rises.
// All assumptions are judged on the same bytes, so their costs compare.

const (
	windows    = 20       // places of the file that are looked at
	fewWindows = 8        // if the size is known
	windowSize = 24 << 10 // bytes judged at each
	maxMargin  = 512 << 10
	block      = 128      // samples over which differences are averaged
	maxRead    = 64 << 20 // bytes read in all
	maxLag     = 16 << 10 // bytes of the longest row that is searched for
	lagStep    = 397      // bytes between the samples that the search looks at
)

// window is a part of the file: body is judged, what is before it are the lines
// above.
type window struct {
	at   int64 // where buf begins in the file
	body int   // where in buf the judged bytes begin
	buf  []byte
}

type sampler struct {
	content io.ReaderAt
	size    int64
	left    int64 // bytes that may still be read
	windows []window
	ref     []byte
}

// newSampler reads windows at so many places all over the file from header on, denser at its
// beginning; margin is the longest distance to a line above.
func newSampler(content io.ReaderAt, size, header int64, margin, places int) *sampler {
	s := &sampler{content: content, size: size, left: maxRead, ref: make([]byte, windowSize)}
	margin = min(margin, maxMargin)
	usable := size - header
	if usable <= 0 {
		return s
	}
	if usable <= int64(places*windowSize) {
		for at := header; at < size; at += windowSize {
			s.add(at, min(windowSize, size-at), margin, header)
		}
		return s
	}
	near := min(usable, 32<<20)
	for i := range places {
		span := usable
		if i%2 == 0 {
			span = near
		}
		at := header + int64(float64(span-windowSize)*math.Mod(0.11+float64(i)*0.6180339887, 1))
		s.add(at&^15, windowSize, margin, header)
	}
	return s
}

func (s *sampler) add(at, n int64, margin int, header int64) {
	m := min(int64(margin), at-header)
	w := window{at: at - m, body: int(m), buf: make([]byte, m+n)}
	if s.read(w.buf, w.at) {
		s.windows = append(s.windows, w)
	}
}

func (s *sampler) read(buf []byte, at int64) bool {
	if at < 0 || at > s.size-int64(len(buf)) || s.left < int64(len(buf)) {
		return false
	}
	s.left -= int64(len(buf))
	n, _ := s.content.ReadAt(buf, at)
	return n == len(buf)
}

// channel is a component as the judge needs it.
type channel struct {
	offset, step  int
	left, rows    int // distance to its neighbour: bytes to the left, rows above
	shift, depth  int
	wide, big     bool // words, big-endian
	chroma, alpha bool
}

// channels sorts the components of a format by planes; false if a format's
// samples are not whole bytes or words.
func channels(d *render.Descriptor, planes int) ([][]channel, bool) {
	if d.Bitstream || d.Palette || d.Float || len(d.Components) == 0 {
		return nil, false
	}
	byPlane := make([][]channel, planes)
	if d.Bayer {
		depth := 8
		if d.Depth() > 8 || d.Components[0].Step > 1 {
			depth = 16
		}
		n := depth / 8
		byPlane[0] = []channel{{step: n, left: 2 * n, rows: 2, depth: depth, wide: depth > 8, big: d.BigEndian}}
		return byPlane, planes == 1
	}
	for i, c := range d.Components {
		ok := c.Depth == 8 && c.Shift == 0 || c.Depth > 8 && c.Depth+c.Shift <= 16
		if !ok || c.Plane < 0 || c.Plane >= planes || c.Step < 1 || c.Step > 64 || c.Offset < 0 || c.Offset > 64 {
			return nil, false
		}
		byPlane[c.Plane] = append(byPlane[c.Plane], channel{
			offset: c.Offset, step: c.Step, left: c.Step, rows: 1,
			shift: c.Shift, depth: c.Depth, wide: c.Depth > 8, big: d.BigEndian,
			chroma: !d.RGB && (i == 1 || i == 2), alpha: d.Alpha && i == len(d.Components)-1,
		})
	}
	return byPlane, true
}

// judge adds up what an assumption costs.
type judge struct {
	bits  float64 // of the three predictions
	plain float64 // bits of the two within the picture
	bytes int
	used  uint // all values seen, or-ed
}

// cost is the mean price of a byte under the assumption that h is right; false
// if it cannot be told. It looks at one window in every.
func (s *sampler) cost(h *hypothesis, given Video, every int) (float64, bool) {
	ch, ok := channels(&h.descriptor, len(h.layouts))
	if !ok {
		return 0, false
	}
	step := h.frame + given.FrameHeader
	var j judge
	for i := 0; i < len(s.windows); i += every {
		w := &s.windows[i]
		j.window(w, s.reference(w, step, given.Header), h, ch, given.Header, given.FrameHeader)
	}
	if j.bytes == 0 {
		return 0, false
	}
	cost := j.bits / 3 / float64(j.bytes)
	h.texture = j.plain / 2 / float64(j.bytes)
	if d := h.descriptor.Depth(); d > 8 && !h.descriptor.Bayer {
		// Deeper samples than the picture needs are unlikely.
		cost += 0.04 * float64(max(0, d-bits.Len(j.used)))
	}
	return cost, true
}

// reference reads the bytes at the same place of the frame before, or of the one
// after; nil if there is neither.
func (s *sampler) reference(w *window, step, header int64) []byte {
	n := len(w.buf) - w.body
	at := w.at + int64(w.body)
	ref := s.ref[:n]
	if at-step >= header && s.read(ref, at-step) {
		return ref
	}
	if step <= s.size && s.read(ref, at+step) {
		return ref
	}
	return nil
}

func (j *judge) window(w *window, ref []byte, h *hypothesis, chs [][]channel, header, frameHeader int64) {
	step := h.frame + frameHeader
	at := w.at + int64(w.body)
	frameAt := w.at + int64(w.body) - (at-header)%step // of the frame that the body begins in
	for end := w.at + int64(len(w.buf)); frameAt < end; frameAt += step {
		planeAt := frameAt + frameHeader
		for p, l := range h.layouts {
			if l.RowBytes > 0 {
				first := max(0, (at-planeAt)/int64(l.RowBytes))
				for y := first; y < int64(l.Rows); y++ {
					row := planeAt + y*int64(l.RowBytes) - w.at
					if row >= int64(len(w.buf)) {
						break
					}
					for _, c := range chs[p] {
						j.row(w, ref, int(row), l.RowBytes, y >= int64(c.rows), c)
					}
				}
			}
			planeAt += int64(l.RowBytes) * int64(l.Rows)
		}
	}
}

// row judges the samples of one component in the part of a row that lies in the
// window; row is where it begins in the window's buffer, and may be negative.
func (j *judge) row(w *window, ref []byte, row, rowBytes int, above bool, c channel) {
	width := 1
	if c.wide {
		width = 2
	}
	first := row + c.offset + c.left
	if first < w.body {
		first += (w.body - first + c.step - 1) / c.step * c.step
	}
	end := min(row+rowBytes, len(w.buf)) - width + 1
	up := rowBytes * c.rows
	if first-c.left < 0 {
		first += c.step
	}
	above = above && first >= up
	for i := first; i < end; i += block * c.step {
		stop := min(end, i+block*c.step)
		var d sums
		if c.wide {
			d = words(w.buf, ref, w.body, i, stop, c, up, above)
		} else {
			d = octets(w.buf, ref, w.body, i, stop, c, up, above)
		}
		n := (stop - i + c.step - 1) / c.step
		j.bytes += n * width
		j.used |= d.used
		if d.bad {
			j.bits += float64(3*16*n) * 2
			j.plain += float64(2 * 16 * n)
			continue
		}
		j.bits += float64(n) * (3*float64(d.dirty) + oddity(d.total, n, c))
		left := price(d.left, n, c.depth)
		higher := left
		if above {
			higher = price(d.above, n, c.depth)
		}
		before := max(left, higher) + 1.5*float64(n) // motion may cost more than that
		if ref != nil {
			before = price(d.before, n, c.depth)
		}
		j.bits += left + higher + before
		j.plain += left + higher
	}
}

// price is about what a coder pays for n differences that add up to sum, if
// they are distributed as Laplace found.
func price(sum, n, depth int) float64 {
	return float64(n) * min(float64(depth), math.Log(1+2*math.E*float64(sum)/float64(n))/math.Ln2)
}

// oddity is what is charged a sample because chroma is far from grey, or alpha
// from opaque.
func oddity(total, n int, c channel) float64 {
	most := float64(int(1)<<c.depth - 1)
	mean := float64(total) / float64(n) / most
	switch {
	case c.chroma:
		return max(0, 4*math.Abs(mean-0.5)-1)
	case c.alpha:
		return 1 - mean
	}
	return 0
}

// sums are absolute differences to the neighbours.
type sums struct {
	left, above, before int
	total               int
	used                uint
	dirty               int  // bits below the samples that are not zero
	bad                 bool // samples have bits that the format has not
}

func abs(v int) int { return max(v, -v) }

func octets(b, ref []byte, body, i, stop int, c channel, up int, above bool) (d sums) {
	if !above {
		up = c.left
	}
	if ref == nil {
		ref, body = b, 0
	}
	if stop > len(b) || stop-body > len(ref) || i < up || i < c.left || i < body {
		return d
	}
	if c.step == 1 {
		n := stop - i
		row, left, higher, before := b[i:stop], b[i-c.left:][:n], b[i-up:][:n], ref[i-body:][:n]
		for i, v := range row {
			v := int(v)
			d.total += v
			d.left += abs(v - int(left[i]))
			d.above += abs(v - int(higher[i]))
			d.before += abs(v - int(before[i]))
		}
		return d
	}
	for ; i < stop; i += c.step {
		v := int(b[i])
		d.total += v
		d.left += abs(v - int(b[i-c.left]))
		d.above += abs(v - int(b[i-up]))
		d.before += abs(v - int(ref[i-body]))
	}
	return d
}

func words(b, ref []byte, body, i, stop int, c channel, up int, above bool) (d sums) {
	if !above {
		up = c.left
	}
	if ref == nil {
		ref, body = b, 0
	}
	if stop+1 > len(b) || stop+1-body > len(ref) || i < up || i < c.left || i < body {
		return d
	}
	lo, hi := 0, 1
	if c.big {
		lo, hi = 1, 0
	}
	at := func(b []byte, i int) int { return int(b[i+lo]) | int(b[i+hi])<<8 }
	var used, uneven uint
	for ; i < stop; i += c.step {
		v := at(b, i)
		used |= uint(v)
		uneven |= uint(v^v>>8) & 0xff
		d.total += v
		d.left += abs(v - at(b, i-c.left))
		d.above += abs(v - at(b, i-up))
		d.before += abs(v - at(ref, i-body))
	}
	d.left, d.above, d.before = d.left>>c.shift, d.above>>c.shift, d.before>>c.shift
	d.total >>= c.shift
	d.used = used >> c.shift
	d.bad = d.used>>c.depth != 0
	if used&(1<<c.shift-1) != 0 && uneven != 0 { // even: 8 bits times 257
		d.dirty = c.shift
	}
	return d
}

// lags finds the distances in bytes at which the file resembles itself best: the
// stride, its multiples, and at times its fractions. Best first.
func (s *sampler) lags(most int) []int {
	score := make([]float32, maxLag+2)
	for i := 0; i < len(s.windows); i++ {
		w := &s.windows[i]
		n := (len(w.buf) - maxLag - 2) / lagStep
		if n < 1 {
			continue
		}
		for lag := 16; lag < len(score); lag++ {
			sum := 0
			for i := len(w.buf) - 1; i >= len(w.buf)-n*lagStep; i -= lagStep {
				sum += abs(int(w.buf[i]) - int(w.buf[i-lag]))
			}
			score[lag] += float32(math.Log2(1 + float64(sum)/float64(n)))
		}
	}
	var best []int
	for lag := 32; lag <= maxLag; lag++ {
		if score[lag] > 0 && score[lag] < score[lag-1] && score[lag] <= score[lag+1] {
			best = insert(best, lag, score, most)
		}
	}
	return best
}

func insert(best []int, lag int, score []float32, most int) []int {
	i := len(best)
	for i > 0 && score[lag] < score[best[i-1]] {
		i--
	}
	if i == most {
		return best
	}
	best = append(best, 0)
	copy(best[i+1:], best[i:])
	best[i] = lag
	return best[:min(len(best), most)]
}

// likeness is how alike the three planes of h are: the smaller correlation of
// the horizontal differences of the first plane with those of the other two.
// Red, green and blue rise and fall together, luma and chroma do not.
func (s *sampler) likeness(h *hypothesis, given Video) float64 {
	l := h.layouts[0]
	var row [3][]byte
	for i := range row {
		row[i] = make([]byte, l.RowBytes)
	}
	step, wide := 1, 0
	if h.descriptor.Depth() > 8 {
		step, wide = 2, 1
	}
	if h.descriptor.BigEndian {
		wide = 0
	}
	var xx, xy [3]float64
	for i := range 24 {
		frame := (h.n - 1) * int64(i%4) / 4
		at := given.Header + frame*(h.frame+given.FrameHeader) + given.FrameHeader + int64(l.RowBytes)*int64(l.Rows*(2*i+1)/48)
		for p := range row {
			if !s.read(row[p], at+int64(p)*int64(l.RowBytes)*int64(l.Rows)) {
				return 0
			}
		}
		value := func(p, x int) int {
			if step == 1 {
				return int(row[p][x])
			}
			return int(row[p][x+wide])<<8 | int(row[p][x+1-wide])
		}
		for x := step; x+step <= l.RowBytes; x += step {
			a := value(0, x) - value(0, x-step)
			for p := range row {
				b := value(p, x) - value(p, x-step)
				xx[p] += float64(b * b)
				xy[p] += float64(a * b)
			}
		}
	}
	least := 1.0
	for p := 1; p < 3; p++ {
		if xx[0] == 0 || xx[p] == 0 {
			return 0
		}
		least = min(least, xy[p]/math.Sqrt(xx[0]*xx[p]))
	}
	return least
}

const seamFrames = 6 // whose seams are looked at

// seam is how much more the rows on both sides of the beginning of a plane
// differ than two rows behind it do, as the logarithm to base 2, from -1 to 3:
// near 0 means that the picture just goes on, and no plane begins there.
func (s *sampler) seam(h *hypothesis, given Video) float64 {
	step := h.frame + given.FrameHeader
	word := 1
	if h.descriptor.Depth() > 8 {
		word = 2
	}
	sum, n := 0.0, 0
	for i := range int64(seamFrames) {
		frame := h.n * i / seamFrames
		at := given.Header + frame*step + given.FrameHeader
		for p, l := range h.layouts {
			width := min(l.RowBytes, 8192) &^ (word - 1)
			if (frame > 0 && given.FrameHeader == 0 || p > 0) && l.Rows > 1 && width > 0 {
				buf := make([]byte, 2*l.RowBytes+width)
				if s.read(buf, at-int64(l.RowBytes)) {
					here, behind := distance(buf[:width], buf[l.RowBytes:], word, h.descriptor.BigEndian), distance(buf[l.RowBytes:][:width], buf[2*l.RowBytes:], word, h.descriptor.BigEndian)
					sum += max(-1, min(3, math.Log2((1+here)/(1+behind))))
					n++
				}
			}
			at += int64(l.RowBytes) * int64(l.Rows)
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// distance is the mean absolute difference of the samples of a and b.
func distance(a, b []byte, word int, big bool) float64 {
	sum := 0
	for i := 0; i+word <= len(a); i += word {
		if word == 1 {
			sum += abs(int(a[i]) - int(b[i]))
			continue
		}
		lo, hi := i, i+1
		if big {
			lo, hi = hi, lo
		}
		sum += abs(int(a[lo]) + int(a[hi])<<8 - int(b[lo]) - int(b[hi])<<8)
	}
	return float64(sum*word) / float64(len(a))
}
