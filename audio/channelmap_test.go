package audio

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestParseChannelMap(t *testing.T) {
	for _, c := range []struct {
		in   string
		want ChannelMap
		bad  bool
	}{
		{"", nil, false},
		{"1,2", ChannelMap{1, 2}, false},
		{"2, 2", ChannelMap{2, 2}, false},
		{"-,1", ChannelMap{0, 1}, false},
		{"64", ChannelMap{64}, false},
		{"1,2,3,4,5,6,7,8", ChannelMap{1, 2, 3, 4, 5, 6, 7, 8}, false},
		{"0,1", nil, true},
		{"65", nil, true},
		{"-1", nil, true},
		{"L,R", nil, true},
		{"1,,2", nil, true},
		{"99999999999999999999", nil, true},
		{strings.Repeat("1,", 100000) + "1", nil, true},
	} {
		got, err := ParseChannelMap(c.in)
		if !reflect.DeepEqual(got, c.want) || (err != nil) != c.bad {
			t.Errorf("%.20q: %v, %v; want %v, an error: %v", c.in, got, err, c.want, c.bad)
		}
		if again, err := ParseChannelMap(got.String()); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%v printed and read is %v, %v", got, again, err)
		}
	}
}

func TestChannelMap(t *testing.T) {
	stereo := []byte{1, 1, 2, 2, 3, 3, 4, 4} // s16, two frames of two channels
	for _, c := range []struct {
		name   string
		m      ChannelMap
		in     Block
		planes [][]byte
		layout uint64
	}{
		{"nothing", nil, Block{Format: Format{"s16", 48000, 2, 3}, Frames: 2, Planes: [][]byte{stereo}}, [][]byte{stereo}, 3},
		{"swap", ChannelMap{2, 1}, Block{Format: Format{"s16", 48000, 2, 3}, Frames: 2, Planes: [][]byte{stereo}}, [][]byte{{2, 2, 1, 1, 4, 4, 3, 3}}, 3},
		{"one to both", ChannelMap{2, 2}, Block{Format: Format{"s16", 48000, 2, 3}, Frames: 2, Planes: [][]byte{stereo}}, [][]byte{{2, 2, 2, 2, 4, 4, 4, 4}}, 3},
		{"one alone", ChannelMap{1}, Block{Format: Format{"s16", 48000, 2, 3}, Frames: 2, Planes: [][]byte{stereo}}, [][]byte{{1, 1, 3, 3}}, 0},
		{"silence", ChannelMap{0, 1, 3}, Block{Format: Format{"s16", 48000, 2, 3}, Frames: 2, Planes: [][]byte{stereo}}, [][]byte{{0, 0, 1, 1, 0, 0, 0, 0, 3, 3, 0, 0}}, 0},
		{"silence of u8", ChannelMap{1, 0}, Block{Format: Format{"u8", 8000, 1, 0}, Frames: 2, Planes: [][]byte{{7, 8}}}, [][]byte{{7, 0x80, 8, 0x80}}, 0},
		{"planar", ChannelMap{2, 0, 1}, Block{Format: Format{"s16p", 48000, 2, 3}, Frames: 1, Planes: [][]byte{{1, 1}, {2, 2}}}, [][]byte{{2, 2}, {0, 0}, {1, 1}}, 0},
		{"fewer planes than it says", ChannelMap{2, 1}, Block{Format: Format{"fltp", 48000, 2, 3}, Frames: 1, Planes: [][]byte{{1, 2, 3, 4}}}, [][]byte{{0, 0, 0, 0}, {1, 2, 3, 4}}, 3},
		{"less than it says", ChannelMap{1, 1}, Block{Format: Format{"s16", 48000, 2, 3}, Frames: 2, Planes: [][]byte{{1, 1, 2, 2, 3}}}, [][]byte{{1, 1, 1, 1, 0, 0, 0, 0}}, 3},
		{"no memory", ChannelMap{1}, Block{Format: Format{"s16", 48000, 2, 3}, Frames: 1}, [][]byte{{0, 0}}, 0},
		{"nothing in it", ChannelMap{1}, Block{Format: Format{"s16", 48000, 2, 3}, Planes: [][]byte{nil}}, [][]byte{{}}, 0},
	} {
		var mem Mapped
		for range 2 { // the memory is used again
			before := bytes.Join(c.in.Planes, nil)
			got := c.m.Apply(&c.in, &mem)
			if len(got.Planes) != len(c.planes) || got.Layout != c.layout || got.Frames != c.in.Frames || len(c.m) > 0 && got.Channels != len(c.m) {
				t.Fatalf("%s: %d planes, layout %d, %d frames, %d channels", c.name, len(got.Planes), got.Layout, got.Frames, got.Channels)
			}
			for i := range c.planes {
				if !bytes.Equal(got.Planes[i], c.planes[i]) {
					t.Errorf("%s: plane %d is %v, want %v", c.name, i, got.Planes[i], c.planes[i])
				}
			}
			if !bytes.Equal(bytes.Join(c.in.Planes, nil), before) {
				t.Errorf("%s: what went in has changed", c.name)
			}
			if c.m.Format(c.in.Format) != got.Format {
				t.Errorf("%s: %v was announced, %v came", c.name, c.m.Format(c.in.Format), got.Format)
			}
		}
	}
}

func TestChannelMapDoesNotAllocate(t *testing.T) {
	for _, sample := range []SampleFormat{"s16", "fltp"} {
		b := Block{Format: Format{sample, 48000, 2, 3}, Frames: 1024, Planes: [][]byte{make([]byte, 8192), make([]byte, 8192)}}
		var mem Mapped
		m := ChannelMap{2, 1}
		m.Apply(&b, &mem)
		if n := testing.AllocsPerRun(100, func() { m.Apply(&b, &mem) }); n != 0 {
			t.Errorf("%s: %v allocations a block", sample, n)
		}
	}
}
