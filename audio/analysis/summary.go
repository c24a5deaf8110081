package analysis

import (
	"math"
	"time"

	"planar/audio"
)

const (
	// silenceBelow is what digital silence keeps below, -70 dBFS: the smallest code of
	// A-law, which has none for zero, is 8/32768.
	silenceBelow = 0.000316
	// silenceFrom is how long sound must not change to be digital silence: shorter, it
	// is where a quiet wave crosses zero.
	silenceFrom = 10 * time.Millisecond
)

// Summary adds up the whole of some sound, up to MaxChannels of it. The zero value is
// ready. It is used by one goroutine.
type Summary struct {
	format  audio.Format
	buf     [][]float32
	sums    []tally
	frames  int64
	still   int64 // frames at the end that have not changed, and are quiet
	silent  int64 // frames of digital silence, without those at the end
	leading int64 // of which these begin the sound
	loud    bool  // something has been heard
}

// tally is of one channel.
type tally struct {
	peak    float32
	total   float64
	last    float32
	run     int   // of samples at full scale
	clipped int64 // samples
}

// Totals is what some sound amounts to.
type Totals struct {
	Frames   int64
	Channels []ChannelTotals
	// Frames of digital silence: at the beginning, at the end, and in all. It is sound
	// that does not change in any channel, for at least 10 ms, below -70 dBFS.
	Leading, Trailing, Silent int64
}

// ChannelTotals is what one channel amounts to.
type ChannelTotals struct {
	Peak    float64 // dBFS, Floor for silence
	DC      float64 // the mean, of which 1 is full scale
	Clipped int64   // samples in runs of three or more at full scale
}

// Add takes the next block. Time stamps do not count. The error is ErrFormat if rate or
// channels have changed or cannot be; the block is then ignored.
func (s *Summary) Add(b *audio.Block) error {
	channels := split(b, &s.buf)
	if len(channels) == 0 || b.Rate <= 0 {
		return ErrFormat
	}
	if s.sums == nil {
		s.format, s.sums = b.Format, make([]tally, len(channels))
	}
	if b.Rate != s.format.Rate || len(channels) != len(s.sums) {
		return ErrFormat
	}
	top := full(b.Sample)
	s.silence(channels)
	for c, v := range channels {
		s.sums[c].add(v, top)
	}
	s.frames += int64(len(channels[0]))
	return nil
}

func (c *tally) add(samples []float32, top float32) {
	peak, total := c.peak, 0.0
	for _, v := range samples {
		total += float64(v)
		v = magnitude(v)
		if v > peak {
			peak = v
		}
		if v < top {
			c.run = 0
			continue
		}
		switch c.run++; {
		case c.run == clipRun:
			c.clipped += clipRun
		case c.run > clipRun:
			c.clipped++
		}
	}
	c.peak = peak
	c.total += total
	if n := len(samples); n > 0 {
		c.last = samples[n-1]
	}
}

// magnitude is without a branch, which noise would have mispredicted half the time.
func magnitude(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }

// silence looks for frames that are like the one before in every channel, and quiet.
func (s *Summary) silence(channels [][]float32) {
	for i := range channels[0] {
		quiet, same := true, s.frames > 0 || i > 0
		for c, samples := range channels {
			v, before := samples[i], s.sums[c].last
			if i > 0 {
				before = samples[i-1]
			}
			if magnitude(v) >= silenceBelow {
				quiet = false
				break
			}
			same = same && v == before
		}
		if !quiet {
			s.endStill()
			s.loud = true
			continue
		}
		if !same && s.still > 0 {
			s.endStill() // one value ends, and another one may stay
			s.loud = true
		}
		s.still++
	}
}

// endStill says that the sound goes on, behind what may have been silence.
func (s *Summary) endStill() {
	if s.still > 0 && s.still >= s.least() {
		s.silent += s.still
		if !s.loud {
			s.leading = s.still
		}
	}
	s.still = 0
}

// least is how many frames make silence.
func (s *Summary) least() int64 { return max(1, s.format.Frames(silenceFrom)) }

// Totals is what has been added up to now. The caller owns it.
func (s *Summary) Totals() Totals {
	t := Totals{Frames: s.frames, Leading: s.leading, Silent: s.silent}
	if s.still >= s.least() && s.frames > 0 {
		t.Trailing = s.still
		t.Silent += s.still
		if !s.loud {
			t.Leading = s.still
		}
	}
	for _, c := range s.sums {
		t.Channels = append(t.Channels, ChannelTotals{Peak: DB(float64(c.peak)), DC: c.total / math.Max(1, float64(s.frames)), Clipped: c.clipped})
	}
	return t
}
