package scope

import (
	"math"
	"math/bits"

	"planar/render"
)

// Stat is what the code values of one component are like in a part of a picture.
type Stat struct {
	N        int // samples; if there are none the rest is 0
	Min, Max int
	Mean     float64
	StdDev   float64 // of these samples: the root of the mean squared distance from Mean
}

// Region measures the part of p inside r, in luma samples, component by
// component. It counts every sample that covers a part of r, and appends to
// out[:0], which may be nil. Sums are exact, and rounded once at the end.
func (f *Format) Region(p *render.Picture, r render.Rect, out []Stat) ([]Stat, error) {
	out = out[:0]
	for i := range f.components {
		s, err := f.samples(p, i)
		if err != nil {
			return out, err
		}
		a := f.components[i].clip(r, p.Width, p.Height)
		lo, hi := uint16(math.MaxUint16), uint16(0)
		var sum, squares uint64
		read := s.reader(a, 1)
		for v := read.next(); v != nil; v = read.next() {
			var once, twice uint64 // a piece's, which registers hold
			least, most := lo, hi
			for _, x := range v {
				least, most = min(least, x), max(most, x)
				once += uint64(x)
				twice += uint64(x) * uint64(x)
			}
			lo, hi = least, most
			sum += once
			squares += twice
		}
		n := a.width() * a.height()
		if n == 0 {
			out = append(out, Stat{})
			continue
		}
		mean, deviation := moments(uint64(n), sum, squares)
		out = append(out, Stat{N: n, Min: int(lo), Max: int(hi), Mean: mean, StdDev: deviation})
	}
	return out, nil
}

// moments are the mean and the standard deviation of n numbers, n > 0, of which
// the sum and the sum of squares are known: sqrt(n*squares - sum^2) / n. The
// difference is taken with 128 bits, because in floating point it would lose
// what small deviations are made of.
func moments(n, sum, squares uint64) (mean, deviation float64) {
	hi, lo := bits.Mul64(n, squares)
	subHi, subLo := bits.Mul64(sum, sum)
	lo, borrow := bits.Sub64(lo, subLo, 0)
	hi, _ = bits.Sub64(hi, subHi, borrow)
	return float64(sum) / float64(n), math.Sqrt(math.Ldexp(float64(hi), 64)+float64(lo)) / float64(n)
}
