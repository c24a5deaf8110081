package guess

import (
	"encoding/binary"
	"io"
	"math"
	"math/bits"
	"slices"
)

// Sound is judged by how well samples are predicted by those before them in the same
// channel, and by the channel beside it. A wrong width, byte order, kind or number of
// channels makes neighbours strangers, and what a coder would pay for the residuals,
// in bits per byte of the file, rises. All hypotheses are judged on the same bytes.
//
// The predictors are polynomials of degree 0 to 3, which take for granted that sound
// has more of the low frequencies than of the high ones. A predictor that adapts to
// any spectrum would not do: it would find a lag of two samples in two interleaved
// channels, and call them one.

const (
	soundWindow   = 8 << 10 // bytes judged at each place
	soundBlock    = 2 << 10 // bytes that share a predictor
	soundPlaces   = 64      // 512 KiB
	soundSearches = 256     // places read in search of sound, 2 MiB
	soundJudged   = 12      // windows that are judged
	roughWindows  = 3       // that all hypotheses are held against,
	roughBytes    = 4 << 10 // and of these so much
	noisePenalty  = 0.5     // bits per sample of a channel that is full-scale noise
	alikeChannels = 0.3     // the correlation from which channels predict each other
)

// soundSampler holds parts of a file that are not silent.
type soundSampler struct {
	header  int64
	windows []window
	bytes   int
	x       []float64 // samples of a window, as numbers
	step    []float32 // binary logarithms of their quanta; empty if all are 0
}

// newSoundSampler reads places all over the file, goes on if most are silent, and
// keeps the loudest.
func newSoundSampler(content io.ReaderAt, size, header int64) soundSampler {
	s := soundSampler{header: header}
	usable := size - header
	var all []window
	add := func(at, n int64) {
		buf := make([]byte, n)
		if got, _ := content.ReadAt(buf, at); got >= 0 && got <= len(buf) && lively(buf[:got]) {
			all = append(all, window{at: at, buf: buf[:got]})
		}
	}
	if usable <= soundPlaces*soundWindow {
		for at := int64(0); at < usable; at += soundWindow { // header+at would overflow in the condition
			add(header+at, min(soundWindow, usable-at))
		}
	} else {
		for i := range soundSearches {
			if i >= soundPlaces && len(all) >= soundJudged {
				break
			}
			at := int64(float64(usable-soundWindow) * math.Mod(0.11+float64(i)*0.6180339887, 1))
			add(header+at&^7, soundWindow)
		}
	}
	// The first of them are spread all over the file; so is every part of a short one.
	for i := range min(len(all), soundJudged) {
		w := all[i]
		if usable <= soundPlaces*soundWindow {
			w = all[i*len(all)/min(len(all), soundJudged)]
		}
		s.windows = append(s.windows, w)
		s.bytes += len(w.buf)
	}
	if n := len(s.windows); n > roughWindows {
		for i := range roughWindows {
			j := i * n / roughWindows
			s.windows[i], s.windows[j] = s.windows[j], s.windows[i]
		}
	}
	return s
}

// lively tells whether b is not mostly one value repeated, whatever the format.
func lively(b []byte) bool {
	for period := 1; period <= 4; period++ { // silence of unsigned samples is 0x80 0x00
		n := 0
		for i := period; i < len(b); i++ {
			if b[i] != b[i-period] {
				n++
			}
		}
		if n == 0 || n < (len(b)-period)/12 {
			return false
		}
	}
	return len(b) > 0
}

// compare finds the costs of hypotheses, by some of the content only if rough.
func (s *soundSampler) compare(hs []*soundHypothesis, rough bool) {
	windows := s.windows
	if rough {
		windows = slices.Clone(windows[:min(len(windows), roughWindows)])
		for i, w := range windows {
			windows[i].buf = w.buf[:min(len(w.buf), roughBytes)]
		}
	}
	// The samples of a format are decoded once for all numbers of channels.
	groups := map[string][]*soundHypothesis{}
	var order []string
	for _, h := range hs {
		if h.bytes == 0 || h.channels > maxChannels {
			continue
		}
		name := h.String()
		if groups[name] == nil {
			order = append(order, name)
		}
		groups[name] = append(groups[name], h)
	}
	for _, name := range order {
		group := groups[name]
		judges := make([]soundJudge, len(group))
		for _, w := range windows {
			phase := int((int64(group[0].bytes) - (w.at-s.header)%int64(group[0].bytes)) % int64(group[0].bytes))
			if phase >= len(w.buf) {
				continue
			}
			first := (w.at - s.header + int64(phase)) / int64(group[0].bytes)
			bad := s.decode(group[0].soundFormat, w.buf[phase:])
			for i, h := range group {
				judges[i].window(h, s.x, s.step, first, bad)
			}
		}
		for i, h := range group {
			h.cost, h.judged = judges[i].cost(h)
		}
	}
}

// decode makes numbers of the samples in b, 1 being the smallest step of linear
// formats, and full scale of float; it tells how many are no numbers.
func (s *soundSampler) decode(f soundFormat, b []byte) (bad int) {
	n := len(b) / f.bytes
	s.x, s.step = slices.Grow(s.x[:0], n)[:n], s.step[:0]
	x := s.x
	switch {
	case f.law():
		table := &mulawTable
		if f.kind == alawSample {
			table = &alawTable
		}
		s.step = slices.Grow(s.step, n)[:n]
		for i := range x {
			x[i], s.step[i] = table[b[i]].value, table[b[i]].step
		}
		return 0
	case f.kind == floatSample:
		s.step = slices.Grow(s.step, n)[:n]
		return s.floats(f, b)
	}
	var used uint64
	width := 8 * f.bytes
	half := uint64(1) << (width - 1)
	for i := range x {
		v := word64(b[i*f.bytes:], f.bytes, f.big)
		if f.kind == unsignedSample {
			v ^= half
		}
		used |= v
		x[i] = float64(int64(v<<(64-width)) >> (64 - width))
	}
	if idle := min(bits.TrailingZeros64(used), width-1); idle > 0 { // bits that are never used cost nothing
		scale := math.Ldexp(1, -idle)
		for i := range x {
			x[i] *= scale
		}
	}
	return 0
}

// word64 reads an unsigned number of n bytes.
func word64(b []byte, n int, big bool) uint64 {
	switch {
	case n == 1:
		return uint64(b[0])
	case n == 2 && big:
		return uint64(binary.BigEndian.Uint16(b))
	case n == 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case n == 3 && big:
		return uint64(b[0])<<16 | uint64(b[1])<<8 | uint64(b[2])
	case n == 3:
		return uint64(b[2])<<16 | uint64(b[1])<<8 | uint64(b[0])
	case n == 4 && big:
		return uint64(binary.BigEndian.Uint32(b))
	case n == 4:
		return uint64(binary.LittleEndian.Uint32(b))
	case big:
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}

// floats decodes IEEE 754. The quantum of a sample is that of its mantissa, or a
// coarser one that all samples are multiples of, as after a conversion.
func (s *soundSampler) floats(f soundFormat, b []byte) (bad int) {
	fraction := 23
	if f.bytes == 8 {
		fraction = 52
	}
	lowest := math.MaxInt
	for i := range s.x {
		w := word64(b[i*f.bytes:], f.bytes, f.big)
		var v float64
		if f.bytes == 4 {
			v = float64(math.Float32frombits(uint32(w)))
		} else {
			v = math.Float64frombits(w)
		}
		if a := math.Abs(v); !(a < 1<<40) || a > 0 && a < 0x1p-60 { // no sound, and its logarithms would look smooth
			v = 0
			bad++
		}
		s.x[i] = v
		if v == 0 {
			s.step[i] = -149
			continue
		}
		exponent := int(math.Float64bits(v)>>52&0x7ff) - 1023
		s.step[i] = float32(exponent - fraction)
		mantissa := math.Float64bits(v)&(1<<52-1) | 1<<52
		lowest = min(lowest, exponent-52+bits.TrailingZeros64(mantissa))
	}
	if lowest == math.MaxInt {
		lowest = -fraction
	}
	for i, v := range s.x {
		if v == 0 {
			s.step[i] = max(float32(lowest), float32(-fraction))
		}
		s.step[i] = max(s.step[i], float32(lowest))
	}
	return bad
}

// lawCode is what a code of G.711 stands for.
type lawCode struct {
	value float64
	step  float32 // binary logarithm of the distance to the next value
}

var mulawTable, alawTable = lawTables()

func lawTables() (mu, a [256]lawCode) {
	for i := range 256 {
		c := ^i & 0xff
		exponent, mantissa := c>>4&7, c&15
		v := (mantissa*2+33)<<exponent - 33
		if c&0x80 != 0 {
			v = -v
		}
		mu[i] = lawCode{float64(v), float32(1 + exponent)}
		c = i ^ 0x55
		exponent, mantissa = c>>4&7, c&15
		v = mantissa*2 + 1
		if exponent > 0 {
			v = (mantissa*2 + 33) << (exponent - 1)
		}
		if c&0x80 == 0 {
			v = -v
		}
		a[i] = lawCode{float64(v), float32(max(1, exponent))}
	}
	return mu, a
}

// soundJudge adds up what a hypothesis costs.
type soundJudge struct {
	bits    float64
	samples int
	sum     [maxChannels]float64
	square  [maxChannels]float64
	loud    [maxChannels]float64 // sums of absolute values
	rough   [maxChannels]float64 // sums of absolute differences
	count   [maxChannels]int
}

// window judges the samples x, of which the first is the file's sample number first.
func (j *soundJudge) window(h *soundHypothesis, x []float64, step []float32, first int64, bad int) {
	channels := h.channels
	if h.planar {
		channels = 1
	}
	if bad > len(x)/8 {
		j.bits += float64(len(x)) * (float64(8*h.bytes) + noisePenalty)
		j.samples += len(x)
		return
	}
	skip := int((int64(channels) - first%int64(channels)) % int64(channels))
	block := max(16, soundBlock/h.bytes/channels) * channels
	for i := skip; i+8*channels <= len(x); i += block {
		end := min(len(x), i+block)
		end -= (end - i) % channels
		var s []float32
		if len(step) > 0 {
			s = step[i:end]
		}
		for c := range channels {
			j.channel(h, x[i:end], s, c, channels)
		}
		j.samples += end - i
	}
	j.bits += float64(bad) * float64(8*h.bytes)
}

// warmUp is how many samples of a block the predictors need before they are judged.
const warmUp = 3

// channel judges one channel of a block of at least 8 frames.
func (j *soundJudge) channel(h *soundHypothesis, x []float64, step []float32, c, channels int) {
	x0, x1, x2 := x[c], x[c+channels], x[c+2*channels]
	p0, p1, p2 := x2, x2-x1, x2-2*x1+x0 // the sample before, its difference and second difference
	var s0, s1, s2, s3 float64
	var sum, square float64
	for i := c + warmUp*channels; i < len(x); i += channels {
		v := x[i]
		d1 := v - p0
		d2 := d1 - p1
		s0 += math.Abs(v)
		s1 += math.Abs(d1)
		s2 += math.Abs(d2)
		s3 += math.Abs(d2 - p2)
		sum += v
		square += v * v
		p0, p1, p2 = v, d1, d2
	}
	n := len(x)/channels - warmUp
	m := min(s0, s1, s2, s3)
	if c > 0 {
		m = min(m, beside(x, c, channels))
	}
	quantum := 0.0
	for i := c + warmUp*channels; i < len(step); i += channels {
		quantum += float64(step[i])
	}
	width := float64(8 * h.bytes)
	price := math.Log2(1 + 2*math.E*m/float64(n)*math.Exp2(-quantum/float64(n)))
	if !(price < width) {
		price = width
	}
	price += max(0, price-(width-noisePenalty))
	j.bits += price * float64(len(x)/channels)
	j.sum[c] += sum
	j.square[c] += square
	j.loud[c] += s0
	j.rough[c] += s1
	j.count[c] += n
}

// beside is the sum of the residuals of a channel that is predicted by the channel
// before, as far as the two change together, and by the past of what is left.
// More of that past would predict two halves of one channel better than the whole,
// and channels that are each other's opposite are two phases of a tone.
func beside(x []float64, c, channels int) float64 {
	var with, other, own float64 // correlation of differences
	p, q := x[c+(warmUp-1)*channels], x[c+(warmUp-1)*channels-1]
	for i := c + warmUp*channels; i < len(x); i += channels {
		d, e := x[i]-p, x[i-1]-q
		with += d * e
		other += e * e
		own += d * d
		p, q = x[i], x[i-1]
	}
	if with <= 0 || with*with <= alikeChannels*alikeChannels*other*own {
		return math.Inf(1)
	}
	gain := math.Round(with/other*16) / 16 // so that equal channels leave nothing
	last := x[c+(warmUp-1)*channels] - gain*x[c+(warmUp-1)*channels-1]
	var s0, s1 float64
	for i := c + warmUp*channels; i < len(x); i += channels {
		v := x[i] - gain*x[i-1]
		s0 += math.Abs(v)
		s1 += math.Abs(v - last)
		last = v
	}
	return min(s0, s1)
}

// cost is the mean price of a byte; false if nothing was judged.
func (j *soundJudge) cost(h *soundHypothesis) (float64, bool) {
	if j.samples == 0 {
		return 8, false
	}
	cost := j.bits / float64(j.samples)
	channels := h.channels
	if h.planar {
		channels = 1
	}
	full := math.Ldexp(1, 8*h.bytes-1)
	switch {
	case h.law():
		full = 1 << 13
	case h.kind == floatSample:
		full = 2
	}
	odd := 0.0
	for c := range channels {
		n := max(1, float64(j.count[c]))
		mean, square := j.sum[c]/n, j.square[c]/n
		switch {
		case mean*mean > 0.9999*square && mean != 0:
			odd += float64(8 * h.bytes) // a constant, but not silence: one phase of a tone
		case mean*mean > 0.9*square && mean != 0:
			odd++
		case j.rough[c] > 1.7*j.loud[c]:
			odd += float64(8 * h.bytes) // rougher than noise, whose ratio is 1.4: a tone out of phase
		}
		if j.loud[c]/n > 0.6*full {
			odd++ // pressed against the limits
		}
		if square == 0 && j.count[c] > 0 && channels <= 4 {
			odd += 0.4 // padding rather than a silent channel
			if h.bytes == 1 {
				odd += 0.6
			}
		}
	}
	cost += odd / float64(channels)
	return cost / float64(h.bytes), true
}

// speech tells whether one channel sounds like a voice at a low rate: bright for its
// rate, and loud and quiet in turns.
func (s *soundSampler) speech(h *soundHypothesis) bool {
	var square, slope float64
	least, most := math.Inf(1), 0.0
	for _, w := range s.windows {
		phase := int((int64(h.bytes) - (w.at-s.header)%int64(h.bytes)) % int64(h.bytes))
		if phase >= len(w.buf) {
			continue
		}
		s.decode(h.soundFormat, w.buf[phase:])
		for i := 0; i+512 <= len(s.x); i += 512 {
			var e, d float64
			for k := i + 1; k < i+512; k++ {
				e += s.x[k] * s.x[k]
				d += (s.x[k] - s.x[k-1]) * (s.x[k] - s.x[k-1])
			}
			square, slope = square+e, slope+d
			least, most = min(least, e), max(most, e)
		}
	}
	return slope > 0.04*square && slope < 1.5*square && most > 300*least
}
