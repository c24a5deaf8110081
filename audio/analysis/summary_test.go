package analysis

import (
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"testing"

	"planar/audio"
)

// words is a block of 16-bit frames at 1 kHz, of which 10 make silence.
func words(channels int, v ...int16) *audio.Block {
	var pcm []byte
	for _, w := range v {
		pcm = binary.NativeEndian.AppendUint16(pcm, uint16(w))
	}
	return &audio.Block{Format: audio.Format{Sample: audio.S16, Rate: 1000, Channels: channels}, Frames: len(v) / channels, Planes: [][]byte{pcm}}
}

func repeat(v int16, n int) (out []int16) {
	for range n {
		out = append(out, v)
	}
	return out
}

func join(parts ...[]int16) (out []int16) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func TestSummarySilence(t *testing.T) {
	tone := []int16{100, -100, 200, -200}
	for _, c := range []struct {
		name                      string
		v                         []int16
		leading, trailing, silent int64
	}{
		{"none", tone, 0, 0, 0},
		{"all", repeat(0, 30), 30, 30, 30},
		{"around", join(repeat(0, 12), tone, repeat(0, 15)), 12, 15, 27},
		{"within", join(tone, repeat(0, 20), tone), 0, 0, 20},
		{"short", join(repeat(0, 9), tone, repeat(0, 9), tone, repeat(0, 9)), 0, 0, 0},
		{"a-law's", join(repeat(8, 12), tone), 12, 0, 12},
		{"a constant that is loud", repeat(500, 30), 0, 0, 0},
		{"noise below it", join([]int16{0, 1}, []int16{0, 1}, []int16{0, 1}, tone), 0, 0, 0},
		{"another value", join(repeat(0, 12), repeat(1, 11), tone), 12, 0, 23},
	} {
		// Also in pieces, and with a second channel that changes nothing.
		for _, size := range []int{1000, 7, 1} {
			for _, channels := range []int{1, 2} {
				var s Summary
				for rest := c.v; len(rest) > 0; {
					n := min(size, len(rest))
					piece := rest[:n]
					if channels == 2 {
						piece = nil
						for _, v := range rest[:n] {
							piece = append(piece, 0, v)
						}
					}
					if err := s.Add(words(channels, piece...)); err != nil {
						t.Fatal(err)
					}
					rest = rest[n:]
				}
				got := s.Totals()
				if got.Frames != int64(len(c.v)) || got.Leading != c.leading || got.Trailing != c.trailing || got.Silent != c.silent {
					t.Errorf("%s in pieces of %d, %d channels: %d frames, silence %d at the beginning, %d at the end, %d in all; want %d, %d, %d, %d",
						c.name, size, channels, got.Frames, got.Leading, got.Trailing, got.Silent, len(c.v), c.leading, c.trailing, c.silent)
				}
			}
		}
	}
}

func TestSummaryLevels(t *testing.T) {
	var s Summary
	top := int16(math.MaxInt16)
	if err := s.Add(words(2, 16384, 0, 0, top, 0, top)); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(words(2, 0, top, 0, top, 0, -100, 0, top)); err != nil { // the run goes on
		t.Fatal(err)
	}
	got := s.Totals()
	if len(got.Channels) != 2 || got.Frames != 7 {
		t.Fatalf("%+v", got)
	}
	a, b := got.Channels[0], got.Channels[1]
	if math.Abs(a.Peak+6.02) > 0.01 || math.Abs(a.DC-0.5/7) > 1e-6 || a.Clipped != 0 {
		t.Errorf("first channel: %+v, want a peak of -6.02, a mean of %v, nothing clipped", a, 0.5/7)
	}
	if math.Abs(b.Peak) > 0.01 || b.Clipped != 4 {
		t.Errorf("second channel: %+v, want a peak of 0 and 4 samples clipped", b)
	}
	if err := s.Add(words(1, 0)); !errors.Is(err, ErrFormat) {
		t.Errorf("other channels: %v", err)
	}
	if again := s.Totals(); !reflect.DeepEqual(again, got) {
		t.Errorf("what was refused counts: %+v", again)
	}
	var empty Summary
	if got := empty.Totals(); !reflect.DeepEqual(got, Totals{}) {
		t.Errorf("of nothing: %+v", got)
	}
}
