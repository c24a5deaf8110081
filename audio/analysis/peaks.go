package analysis

import (
	"math"
	"math/bits"
	"slices"
	"sync"
	"time"

	"planar/audio"
)

const (
	// finest is how many frames a column of Peaks has at first: 1.3 ms at 48 kHz.
	finest = 64
	// maxColumns bounds the finest level; with 64 frames each it is full after 87 s
	// of 48 kHz, and columns are then merged by two, so that there are always more
	// than a screen has.
	maxColumns = 1 << 16
	// maxCells bounds the finest level of all channels together: 1.5 MiB of 12
	// bytes each, and all levels are twice that. From the third channel on there are
	// fewer columns.
	maxCells = 1 << 17
	// maxDrawn bounds what Columns returns.
	maxDrawn = 1 << 16
)

// Column is a piece of one channel's sound, as amplitudes, of which 1 is full scale.
type Column struct {
	Min, Max float32 // the smallest and the largest sample
	RMS      float32
	Known    bool // some of it has been read; else the others are 0
}

// Peaks is what the sound of a whole source looks like: extremes and RMS of each
// channel, at a resolution that halves as the sound grows, so that its memory
// is bounded (3 MiB). One goroutine may add while others draw.
type Peaks struct {
	length time.Duration
	track  track // of the goroutine that adds

	mu       sync.Mutex
	rate     int
	pos      int64 // frames in it
	width    int64 // frames of a column of the finest level
	cap      int   // columns of the finest level
	filled   int64 // frames in last
	last     []sum // the column that is not complete, for each channel
	lastLow  []float32
	lastHigh []float32
	levels   [][][]cell // by channel, then level (of half the resolution each), then column
	done     bool
}

// cell is a complete column of a level.
type cell struct{ low, high, power float32 } // power: sum of squares

type sum = float64

func (c cell) merge(d cell) cell {
	return cell{min(c.low, d.low), max(c.high, d.high), c.power + d.power}
}

// NewPeaks makes empty Peaks for a source of the given length, 0 if that is not
// known.
func NewPeaks(length time.Duration) *Peaks { return &Peaks{length: length} }

// Add takes the next block of the source. A gap before it is silence, an overlap is
// cut. The error is ErrFormat; the block is then ignored.
func (p *Peaks) Add(b *audio.Block) error {
	gap, channels, err := p.track.take(b)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate == 0 {
		p.begin(p.track.rate, len(channels))
	}
	for gap > 0 {
		gap -= p.put(nil, gap)
	}
	for n := int64(len(channels[0])); n > 0; {
		some := p.put(channels, n)
		for c := range channels {
			channels[c] = channels[c][some:]
		}
		n -= some
	}
	return nil
}

func (p *Peaks) begin(rate, channels int) {
	p.rate, p.width = rate, finest
	p.cap = min(maxColumns, 1<<(bits.Len(uint(maxCells/channels))-1))
	p.last = make([]sum, channels)
	p.lastLow, p.lastHigh = make([]float32, channels), make([]float32, channels)
	p.levels = make([][][]cell, channels)
}

// put adds up to n frames, silent ones if channels is nil, up to the end of the
// column that is being filled, and returns how many.
func (p *Peaks) put(channels [][]float32, n int64) int64 {
	n = min(n, p.width-p.filled)
	for c := range p.last {
		if p.filled == 0 {
			p.lastLow[c], p.lastHigh[c], p.last[c] = float32(math.Inf(1)), float32(math.Inf(-1)), 0
		}
		low, high, power := p.lastLow[c], p.lastHigh[c], p.last[c]
		if channels == nil {
			low, high = min(low, 0), max(high, 0)
		} else {
			for _, v := range channels[c][:n] {
				if v < low {
					low = v
				}
				if v > high {
					high = v
				}
				power += float64(v) * float64(v)
			}
		}
		p.lastLow[c], p.lastHigh[c], p.last[c] = low, high, power
	}
	p.filled += n
	p.pos += n
	if p.filled < p.width {
		return n
	}
	p.filled = 0
	for c := range p.levels {
		p.levels[c] = add(p.levels[c], p.lastCell(c))
	}
	if len(p.levels[0][0]) == p.cap { // it is even: the next level holds all of it
		for c := range p.levels {
			p.levels[c] = slices.Delete(p.levels[c], 0, 1)
		}
		p.width *= 2
	}
	return n
}

func (p *Peaks) lastCell(c int) cell {
	return cell{p.lastLow[c], p.lastHigh[c], float32(p.last[c])}
}

// add appends a column to the finest level, and what that completes to the others.
func add(levels [][]cell, v cell) [][]cell {
	for k := 0; ; k++ {
		if k == len(levels) {
			levels = append(levels, nil)
		}
		levels[k] = append(levels[k], v)
		n := len(levels[k])
		if n%2 != 0 {
			return levels
		}
		v = levels[k][n-2].merge(levels[k][n-1])
	}
}

// Finish says that nothing more comes.
func (p *Peaks) Finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = true
}

// Progress is how much of the source has been read, 0 to 1: 0 if its length is not
// known, and 1 once it is finished.
func (p *Peaks) Progress() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.done:
		return 1
	case p.length <= 0 || p.rate == 0:
		return 0
	}
	return min(1, p.duration().Seconds()/p.length.Seconds())
}

// Channels is how many channels the sound has, 0 as long as nothing was added.
func (p *Peaks) Channels() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.levels)
}

// Duration is how long what has been added is.
func (p *Peaks) Duration() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.duration()
}

func (p *Peaks) duration() time.Duration { return audio.Format{Rate: p.rate}.Duration(p.pos) }

// Columns draws a channel's sound between two times in n columns (at most 65536) of
// equal length. Extremes are those of all columns of the finest level that are
// touched, so that none is missed and one may be seen a column too early or late;
// the RMS is that of the part that is covered.
func (p *Peaks) Columns(channel int, from, to time.Duration, n int) []Column {
	n = min(max(n, 0), maxDrawn)
	out := make([]Column, n)
	p.mu.Lock()
	defer p.mu.Unlock()
	if channel < 0 || channel >= len(p.levels) || to <= from {
		return out
	}
	rate := float64(p.rate)
	begin, each := from.Seconds()*rate, (to-from).Seconds()*rate/float64(n)
	for i := range out {
		a := max(0, begin+float64(i)*each)
		b := min(float64(p.pos), begin+float64(i+1)*each)
		if a < b {
			out[i] = p.column(channel, a, b)
		}
	}
	return out
}

// column is the sound from frame a to frame b, which lie in it, a < b.
func (p *Peaks) column(channel int, a, b float64) Column {
	width := float64(p.width)
	end := int(math.Ceil(b / width))
	first := min(int(a/width), end-1)
	v := p.sum(channel, first, end)
	// Take off what lies before a and behind b.
	power := float64(v.power)
	if over := a - float64(first)*width; over > 0 {
		power -= p.density(channel, first) * over
	}
	if over := min(float64(end)*width, float64(p.pos)) - b; over > 0 {
		power -= p.density(channel, end-1) * over
	}
	return Column{v.low, v.high, float32(math.Sqrt(max(0, power) / (b - a))), true}
}

// density is the mean square of a column of the finest level.
func (p *Peaks) density(channel, i int) float64 {
	if level := p.finest(channel); i < len(level) {
		return float64(level[i].power) / float64(p.width)
	}
	return p.last[channel] / float64(max(p.filled, 1))
}

func (p *Peaks) finest(channel int) []cell {
	if len(p.levels[channel]) == 0 {
		return nil
	}
	return p.levels[channel][0]
}

// sum merges the columns first to end-1 of the finest level and the incomplete one,
// in steps that are as large as they can be.
func (p *Peaks) sum(channel, first, end int) cell {
	v := cell{float32(math.Inf(1)), float32(math.Inf(-1)), 0}
	levels := p.levels[channel]
	complete := min(end, len(p.finest(channel)))
	for i := first; i < complete; {
		k := min(bits.TrailingZeros(uint(i)), bits.Len(uint(complete-i))-1, len(levels)-1)
		v = v.merge(levels[k][i>>k])
		i += 1 << k
	}
	if end > complete && p.filled > 0 {
		v = v.merge(p.lastCell(channel))
	}
	return v
}
