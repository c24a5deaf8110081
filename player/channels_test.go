package player

import (
	"bytes"
	"slices"
	"testing"

	"planar/audio"
)

func TestChannelMask(t *testing.T) {
	for _, c := range []struct {
		name        string
		muted, solo uint32
		silent      []int // of 34 channels
	}{
		{"all on", 0, 0, nil},
		{"two muted", 1<<1 | 1<<31, 0, []int{1, 31}},
		{"solo", 0, 1 << 2, slices.DeleteFunc(upTo(34), func(c int) bool { return c == 2 })},
		{"solo wins", 1 << 2, 1<<2 | 1<<5, slices.DeleteFunc(upTo(34), func(c int) bool { return c == 2 || c == 5 })},
	} {
		var m channelMask
		m.muted.Store(c.muted)
		m.solo.Store(c.solo)
		var got []int
		for ch := range 34 {
			if m.silent(ch, 34) {
				got = append(got, ch)
			}
		}
		if !slices.Equal(got, c.silent) {
			t.Errorf("%s: silent are %v, want %v", c.name, got, c.silent)
		}
	}
}

// Channels that a source does not have cannot be alone in it.
func TestChannelMaskOfAnotherSource(t *testing.T) {
	for _, c := range []struct {
		solo     uint32
		channels int
		silent   []int
	}{
		{1 << 5, 2, nil},
		{1<<5 | 1<<1, 2, []int{0}},
		{1 << 5, 6, upTo(5)},
		{1 << 31, 31, nil},
		{1 << 31, 32, upTo(31)},
	} {
		var m channelMask
		m.solo.Store(c.solo)
		var got []int
		for ch := range c.channels {
			if m.silent(ch, c.channels) {
				got = append(got, ch)
			}
		}
		if !slices.Equal(got, c.silent) {
			t.Errorf("solo %x of %d channels: silent are %v, want %v", c.solo, c.channels, got, c.silent)
		}
	}
}

func upTo(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

func TestChannelMaskApply(t *testing.T) {
	const frames, channels = 5, 3
	for _, s := range []audio.SampleFormat{"u8", "s16", "s32", "s64", "flt", "dbl", "u8p", "s16p", "s32p", "s64p", "fltp", "dblp"} {
		f := audio.Format{Sample: s, Rate: 48000, Channels: channels}
		size := s.Bytes()
		planes, plane := 1, frames*channels*size
		if s.Planar() {
			planes, plane = channels, frames*size
		}
		b := &audio.Block{Format: f, Frames: frames}
		for p := range planes {
			pcm := make([]byte, plane)
			for i := range pcm {
				pcm[i] = byte(1 + p*50 + i%97)
			}
			b.Planes = append(b.Planes, pcm)
		}
		before := make([][]byte, planes)
		for i := range before {
			before[i] = bytes.Clone(b.Planes[i])
		}
		sample := func(b *audio.Block, frame, c int) []byte {
			if s.Planar() {
				return b.Planes[c][frame*size : (frame+1)*size]
			}
			return b.Planes[0][(frame*channels+c)*size:][:size]
		}
		var m channelMask
		var scratch []byte
		if m.apply(b, &scratch) != b || scratch != nil {
			t.Errorf("%s: all on makes a copy", s)
		}
		m.muted.Store(1 << 7)
		if m.apply(b, &scratch) != b {
			t.Errorf("%s: a channel that does not exist makes a copy", s)
		}
		m.muted.Store(1 << 1)
		got := m.apply(b, &scratch)
		for i := range before {
			if !bytes.Equal(b.Planes[i], before[i]) {
				t.Fatalf("%s: the source's memory has changed", s)
			}
		}
		quiet := bytes.Repeat([]byte{0}, size)
		if size == 1 {
			quiet[0] = 0x80
		}
		for i := range frames {
			for c := range channels {
				want := sample(b, i, c)
				if c == 1 {
					want = quiet
				}
				if !bytes.Equal(sample(got, i, c), want) {
					t.Fatalf("%s: frame %d of channel %d is %x, want %x", s, i, c, sample(got, i, c), want)
				}
			}
		}
	}
}

// A block that is shorter than it says must not be read beyond its end.
func TestChannelMaskShort(t *testing.T) {
	var m channelMask
	var scratch []byte
	m.solo.Store(1)
	for _, f := range []audio.Format{{Sample: "s16", Channels: 2}, {Sample: "s16p", Channels: 2}, {Sample: "?", Channels: 2}, {Sample: "s16"}} {
		m.apply(&audio.Block{Format: f, Frames: 100, Planes: [][]byte{{1, 2, 3, 4, 5}}}, &scratch)
	}
}
