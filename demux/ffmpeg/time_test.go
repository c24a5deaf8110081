package ffmpeg

import (
	"math"
	"math/big"
	"testing"
	"time"

	"planar/demux"
)

func TestTicksToDuration(t *testing.T) {
	for _, c := range []struct {
		ts       int64
		num, den int
		want     time.Duration
	}{
		{0, 1, 90000, 0},
		{90000, 1, 90000, time.Second},
		{1, 1, 90000, 11111},
		{-1, 1, 90000, -11111},
		{1, 1001, 30000, 33366667},
		{-1, 1001, 30000, -33366667},
		{1, 1, 2_000_000_000, 1}, // half a nanosecond, away from zero
		{-1, 1, 2_000_000_000, -1},
		{1 << 33, 1, 90000, 95443717688889},
		{math.MaxInt64, 1, 1_000_000_000, math.MaxInt64},
		{math.MaxInt64, 1, 1, math.MaxInt64},
		{math.MinInt64 + 1, 1, 1, -math.MaxInt64},
		{math.MaxInt64, math.MaxInt32, 1, math.MaxInt64},
		{math.MinInt64, 1, 90000, demux.NoPTS},
		{5, 0, 1, demux.NoPTS},
		{5, 1, 0, demux.NoPTS},
		{5, -1, 25, demux.NoPTS},
	} {
		if got := ticksToDuration(c.ts, c.num, c.den); got != c.want {
			t.Errorf("ticksToDuration(%d, %d/%d) = %d, want %d", c.ts, c.num, c.den, got, c.want)
		}
	}
}

func FuzzTicks(f *testing.F) {
	f.Add(int64(12345), 1001, 30000)
	f.Fuzz(func(t *testing.T, ts int64, num, den int) {
		if num <= 0 || den <= 0 || num > math.MaxInt32 || den > math.MaxInt32 || ts == math.MinInt64 {
			return
		}
		got := ticksToDuration(ts, num, den)
		// round(|ts| * num * 1e9 / den), half up
		x := new(big.Int).Abs(big.NewInt(ts))
		x.Mul(x, big.NewInt(int64(num))).Mul(x, big.NewInt(1e9)).Add(x, big.NewInt(int64(den/2))).Div(x, big.NewInt(int64(den)))
		want := int64(math.MaxInt64)
		if x.IsInt64() {
			want = x.Int64()
		}
		if ts < 0 {
			want = -want
		}
		if int64(got) != want {
			t.Fatalf("%d * %d/%d: %d, want %d", ts, num, den, got, want)
		}
		if got == math.MaxInt64 || got == -math.MaxInt64 {
			return
		}
		back := durationToTicks(got, num, den)
		if ticksToDuration(back, num, den) > got || back < ts && ticksToDuration(back+1, num, den) <= got {
			t.Fatalf("%d ticks of %d/%d are %v, which is %d ticks", ts, num, den, got, back)
		}
	})
}

func TestSince(t *testing.T) {
	for _, c := range []struct{ t, base, want time.Duration }{
		{5, 3, 2},
		{3, 5, -2},
		{demux.NoPTS, 5, demux.NoPTS},
		{math.MaxInt64, -1, math.MaxInt64},
		{math.MinInt64 + 1, 2, math.MinInt64 + 1},
		{math.MinInt64 + 2, 2, math.MinInt64 + 1},
	} {
		if got := since(c.t, c.base); got != c.want {
			t.Errorf("since(%d, %d) = %d, want %d", c.t, c.base, got, c.want)
		}
	}
}
