package pattern

import (
	"hash/crc32"
	"time"

	"planar/render"
)

// The machine-readable strip takes the last twelfth of the picture's height and its
// whole width: two rows of 40 cells, white for 1 and black for 0. Read from left to
// right, the upper row first, they are a big-endian number of 80 bits:
//
//	40 bits  the wall clock in ms since 1970-01-01 00:00 UTC, modulo 2^40
//	24 bits  the number of the frame, modulo 2^24
//	16 bits  the low half of the CRC-32 (IEEE 802.3) of the eight bytes before
//
// Places are fractions of the picture's size, so that scaling does not matter as long
// as a cell keeps two pixels each way: from 80x48 on, or of an unscaled picture 64x48.
const (
	stampColumns = 40
	stampRows    = 2
	millisBits   = 40
	frameBits    = 24
)

// leastContrast is how far apart black and white cells are at least, in code values of
// 8 bits; they are drawn 219 apart.
const leastContrast = 64

// Stamp is what the strip of a picture says.
type Stamp struct {
	Millis int64 // wall clock at capture: ms since 1970, modulo 2^40
	Frame  int64 // number of the frame, modulo 2^24
}

func stampOf(captured time.Time, frame int64) Stamp {
	return Stamp{captured.UnixMilli() & (1<<millisBits - 1), frame & (1<<frameBits - 1)}
}

// Time is the wall clock at capture, of all times that the stamp may mean the one
// nearest to near; 2^40 ms are 34 years.
func (s Stamp) Time(near time.Time) time.Time {
	const period = 1 << millisBits
	ahead := (s.Millis - near.UnixMilli()) & (period - 1)
	if ahead >= period/2 {
		ahead -= period
	}
	return time.UnixMilli(near.UnixMilli() + ahead)
}

// bytes is the stamp as the strip has it.
func (s Stamp) bytes() (b [stampRows * stampColumns / 8]byte) {
	v := uint64(s.Millis)<<frameBits | uint64(s.Frame)
	for i := range 8 {
		b[i] = byte(v >> (56 - 8*i))
	}
	sum := crc32.ChecksumIEEE(b[:8])
	b[8], b[9] = byte(sum>>8), byte(sum)
	return b
}

// drawStamp fills the strip of a luma plane of w x h samples.
func drawStamp(luma []byte, w, h int, s Stamp) {
	b := s.bytes()
	for r := range stampRows {
		top, bottom := stampEdge(h, r), stampEdge(h, r+1)
		first := luma[top*w:][:w]
		for c := range stampColumns {
			bit := r*stampColumns + c
			v := byte(black)
			if b[bit/8]>>(7-bit%8)&1 != 0 {
				v = white
			}
			fill(first[(2*c*w+stampColumns)/(2*stampColumns):(2*(c+1)*w+stampColumns)/(2*stampColumns)], v)
		}
		for y := top + 1; y < bottom; y++ {
			copy(luma[y*w:][:w], first)
		}
	}
}

// stampEdge is where row r of the strip begins.
func stampEdge(h, r int) int { return ((22+r)*h + 12) / 24 }

// ReadStamp reads the strip of a picture of the pattern, which may have been encoded
// and scaled meanwhile. It looks at the first plane, which must have a byte for each
// pixel: 8-bit luma of planar or semi-planar YUV, grey, or planar RGB. It reports false
// if there is no strip, or it is damaged.
func ReadStamp(p *render.Picture) (Stamp, bool) {
	if p == nil || len(p.Planes) == 0 || p.Planes[0].RowBytes != p.Width || p.CheckPlanes() != nil {
		return Stamp{}, false
	}
	luma := p.Planes[0]
	rows := min(p.Height, luma.Rows)
	if p.Width < stampColumns || rows < 24 {
		return Stamp{}, false
	}
	var level [stampRows * stampColumns]int
	low, high := 255, 0
	for i := range level {
		x0, x1 := middle(p.Width, i%stampColumns, stampColumns)
		y0, y1 := middle(rows, 22+i/stampColumns, 24)
		sum := 0
		for y := y0; y < y1; y++ {
			for _, v := range luma.Data[y*luma.Stride+x0 : y*luma.Stride+x1] {
				sum += int(v)
			}
		}
		level[i] = sum / ((x1 - x0) * (y1 - y0))
		low, high = min(low, level[i]), max(high, level[i])
	}
	if high-low < leastContrast {
		return Stamp{}, false
	}
	var b [len(level) / 8]byte
	for i, v := range level {
		if 2*v > low+high {
			b[i/8] |= 1 << (7 - i%8)
		}
	}
	var v uint64
	for _, c := range b[:8] {
		v = v<<8 | uint64(c)
	}
	s := Stamp{int64(v >> frameBits), int64(v & (1<<frameBits - 1))}
	return s, s.bytes() == b
}

// middle is the inner half of part i of n of a length, which neighbours do not blur
// into: the samples whose centres lie there, or the one nearest to its middle.
func middle(length, i, n int) (from, to int) {
	centred := func(quarters int) int { // the first sample with its centre at or behind it
		return (quarters*length - 2*n + 4*n - 1) / (4 * n)
	}
	from, to = centred(4*i+1), centred(4*i+3)
	if to <= from {
		from = (2*i + 1) * length / (2 * n)
		to = from + 1
	}
	return from, to
}
