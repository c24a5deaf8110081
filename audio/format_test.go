package audio

import (
	"math"
	"testing"
	"time"
)

func TestSampleFormat(t *testing.T) {
	for _, c := range []struct {
		s      SampleFormat
		bytes  int
		planar bool
		out    SampleFormat
	}{
		{"u8", 1, false, S16},
		{"u8p", 1, true, S16},
		{S16, 2, false, S16},
		{"s16p", 2, true, S16},
		{S32, 4, false, S32},
		{"s32p", 4, true, S32},
		{F32, 4, false, F32},
		{"fltp", 4, true, F32},
		{"s64", 8, false, F32},
		{"s64p", 8, true, F32},
		{"dbl", 8, false, F32},
		{"dblp", 8, true, F32},
		{"", 0, false, F32},
		{"p", 0, false, F32},
		{"s24", 0, false, F32},
	} {
		if got := c.s.Bytes(); got != c.bytes {
			t.Errorf("%q.Bytes() = %d, want %d", c.s, got, c.bytes)
		}
		if got := c.s.Planar(); got != c.planar {
			t.Errorf("%q.Planar() = %v, want %v", c.s, got, c.planar)
		}
		if got := c.s.Output(); got != c.out {
			t.Errorf("%q.Output() = %s, want %s", c.s, got, c.out)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		rate   int
		frames int64
		want   time.Duration
	}{
		{48000, 0, 0},
		{48000, 48000, time.Second},
		{48000, 1, 20833},
		{48000, 2, 41667},
		{44100, 1024, 23219955},
		{44100, 44100 * 86400, day},
		{192000, 192000*86400*365 + 96000, 365*day + time.Second/2},
		{48000, -48000, -time.Second},
		{0, 1000, 0},
		{-1, 1000, 0},
	} {
		f := Format{Sample: S16, Rate: c.rate, Channels: 2}
		if got := f.Duration(c.frames); got != c.want {
			t.Errorf("%d Hz: Duration(%d) = %v, want %v", c.rate, c.frames, got, c.want)
		}
	}
}

func TestFormatFrames(t *testing.T) {
	for _, c := range []struct {
		rate int
		d    time.Duration
		want int64
	}{
		{48000, 0, 0},
		{48000, time.Second, 48000},
		{48000, 20833, 1},
		{48000, 10416, 0},
		{48000, 10417, 1},
		{44100, 23219955, 1024},
		{44100, -23219955, -1024},
		{48000, -1500 * time.Millisecond, -72000},
		{192000, 365 * 24 * time.Hour, 192000 * 86400 * 365},
		{0, time.Second, 0},
	} {
		f := Format{Sample: S16, Rate: c.rate, Channels: 2}
		if got := f.Frames(c.d); got != c.want {
			t.Errorf("%d Hz: Frames(%v) = %d, want %d", c.rate, c.d, got, c.want)
		}
	}
	for _, rate := range []int{8000, 11025, 44100, 48000, 96000, 192000} {
		f := Format{Rate: rate}
		for n := int64(0); n < 3*int64(rate); n += 7 {
			if got := f.Frames(f.Duration(n)); got != n {
				t.Fatalf("%d Hz: Frames(Duration(%d)) = %d", rate, n, got)
			}
		}
	}
}

func TestFormat(t *testing.T) {
	f := Format{Sample: F32, Rate: 44100, Channels: 6}
	if got := f.FrameBytes(); got != 24 {
		t.Errorf("FrameBytes() = %d, want 24", got)
	}
	if got, want := f.String(), "flt 44100 Hz 6 ch"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
}

func TestBlockRelease(t *testing.T) {
	(*Block)(nil).Release()
	(&Block{}).Release()
	n := 0
	b := Block{OnFree: func() { n++ }}
	b.Release()
	b.Release()
	if n != 1 {
		t.Errorf("a block released twice was freed %d times", n)
	}
}

func TestPeriodAndQueue(t *testing.T) {
	for _, c := range []struct{ rate, period, queue int }{
		{44100, 1024, 11025},
		{48000, 1024, 12000},
		{96000, 2048, 24000},
		{192000, 4096, 48000},
		{22050, 512, 5512},
		{8000, 128, 2000},
		{0, 64, 256},
		{math.MaxInt32, 32768, math.MaxInt32 / 4},
	} {
		p := PeriodFrames(c.rate)
		if q := QueueFrames(c.rate, p); p != c.period || q != c.queue {
			t.Errorf("%d Hz: a period of %d, a queue of %d, want %d, %d", c.rate, p, q, c.period, c.queue)
		}
	}
	if got := QueueFrames(48000, 8192); got != 4*8192 {
		t.Errorf("a queue of %d frames for long periods, want four of them", got)
	}
}
