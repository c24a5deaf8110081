package audio

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

func TestApplyGain(t *testing.T) {
	s16 := func(v ...int16) (b []byte) {
		for _, v := range v {
			b = binary.NativeEndian.AppendUint16(b, uint16(v))
		}
		return b
	}
	s32 := func(v ...int32) (b []byte) {
		for _, v := range v {
			b = binary.NativeEndian.AppendUint32(b, uint32(v))
		}
		return b
	}
	f32 := func(v ...float32) (b []byte) {
		for _, v := range v {
			b = binary.NativeEndian.AppendUint32(b, math.Float32bits(v))
		}
		return b
	}
	for _, c := range []struct {
		name      string
		s         SampleFormat
		channels  int
		from, to  float64
		pcm, want []byte
	}{
		{"nothing", S16, 2, 0, 1, nil, nil},
		{"unchanged", S16, 2, 1, 1, s16(-32768, 32767), s16(-32768, 32767)},
		{"half", S16, 2, 0.5, 0.5, s16(-32768, 32767, 3, -5), s16(-16384, 16384, 2, -2)},
		{"silence", S16, 1, 0, 0, s16(-32768, 32767), s16(0, 0)},
		{"ramp", S16, 2, 1, 0, s16(100, -100, 100, -100, 100, -100, 100, -100), s16(75, -75, 50, -50, 25, -25, 0, 0)},
		{"ramp up ends at exactly 1", S32, 1, 0, 1, s32(math.MaxInt32, math.MinInt32, math.MaxInt32), s32(715827882, -1431655765, math.MaxInt32)},
		{"32 bit", S32, 1, 0.25, 0.25, s32(math.MinInt32, 400), s32(math.MinInt32/4, 100)},
		{"float", F32, 2, 0.5, 0.5, f32(1, -0.25), f32(0.5, -0.125)},
		{"no output's format", "s24", 2, 0, 0, s16(1, 2), s16(1, 2)},
	} {
		got := slices.Clone(c.pcm)
		ApplyGain(got, Format{Sample: c.s, Rate: 48000, Channels: c.channels}, c.from, c.to)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: % x, want % x", c.name, got, c.want)
		}
	}
}
