package controls

import (
	"fmt"
	"math"
	"testing"
	"time"

	"planar/audio/analysis"
	"planar/render"
)

func TestZoomed(t *testing.T) {
	const min = time.Minute
	all := zoomed{0, 10 * min, 10 * min}
	tests := []struct {
		name string
		got  zoomed
		want zoomed
	}{
		{"half, about the middle", all.zoom(0.5, 0.5), zoomed{150 * time.Second, 450 * time.Second, 10 * min}},
		{"half, about the left end", all.zoom(0, 0.5), zoomed{0, 5 * min, 10 * min}},
		{"no more than all", all.zoom(0.3, 7), all},
		{"back to all", all.zoom(0.3, 0.5).zoom(0.9, 2.5), all},
		{"a page later", zoomed{0, min, 10 * min}.pan(1), zoomed{min, 2 * min, 10 * min}},
		{"not beyond the end", zoomed{9 * min, 10 * min, 10 * min}.pan(3), zoomed{9 * min, 10 * min, 10 * min}},
		{"not before the beginning", zoomed{min / 2, min, 10 * min}.pan(-9), zoomed{0, min / 2, 10 * min}},
		{"all of what has grown", all.resize(11 * min), zoomed{0, 11 * min, 11 * min}},
		{"a part of what has grown", zoomed{0, min, 10 * min}.resize(11 * min), zoomed{0, min, 11 * min}},
		{"a part of what has shrunk", zoomed{8 * min, 9 * min, 10 * min}.resize(2 * min), zoomed{min, 2 * min, 2 * min}},
		{"the first length", zoomed{}.resize(min), zoomed{0, min, min}},
		{"the playhead leaves", zoomed{0, min, 10 * min}.follow(59*time.Second, 61*time.Second), zoomed{61 * time.Second, 121 * time.Second, 10 * min}},
		{"the playhead is elsewhere", zoomed{0, min, 10 * min}.follow(5*min, 5*min+1), zoomed{0, min, 10 * min}},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %v to %v of %v, want %v to %v of %v", tt.name, tt.got.from, tt.got.to, tt.got.whole, tt.want.from, tt.want.to, tt.want.whole)
		}
	}
	z := all
	for range 100 {
		z = z.zoom(0.25, 0.5)
	}
	if z.span() != 10*min/finestPart || !near(z.at(0.25), 150*time.Second, z.span()) {
		t.Errorf("the narrowest is %v to %v, want %v about 2:30", z.from, z.to, 10*min/finestPart)
	}
	short := zoomed{0, time.Second, time.Second}
	for range 100 {
		short = short.zoom(0.5, 0.5)
	}
	if short.span() != narrowest {
		t.Errorf("the narrowest of a second is %v, want %v", short.span(), narrowest)
	}
	for _, x := range []float64{0, 0.3, 1} {
		if got := z.place(z.at(x)); math.Abs(got-x) > 1e-6 {
			t.Errorf("place(at(%v)) is %v", x, got)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, tt := range []struct {
		span time.Duration
		n    int
		step time.Duration
		text string // of one tick
	}{
		{2 * time.Millisecond, 4, time.Millisecond, "0:00.001"},
		{time.Second, 10, 100 * time.Millisecond, "0:00.1"},
		{time.Minute, 8, 10 * time.Second, "0:10"},
		{50 * time.Millisecond, 5, 10 * time.Millisecond, "0:00.01"},
		{10 * time.Hour, 8, 2 * time.Hour, "2:00:00"},
		{1e6 * time.Hour, 1, 1e6 * time.Hour, "1000000:00:00"},
		{0, 0, time.Millisecond, "0:00.001"},
	} {
		if got := tickStep(tt.span, tt.n); got != tt.step {
			t.Errorf("%d ticks in %v are %v apart, want %v", tt.n, tt.span, got, tt.step)
		}
		if got := tickText(tt.step, tt.step); got != tt.text {
			t.Errorf("the tick at %v is %q, want %q", tt.step, got, tt.text)
		}
	}
	if got := tickText(3661500*time.Millisecond, 500*time.Millisecond); got != "1:01:01.5" {
		t.Errorf("a tick is %q, want 1:01:01.5", got)
	}
}

func TestDrawWave(t *testing.T) {
	c := waveInk{back: ink{0, 0, 0, 255}, middle: ink{1, 1, 1, 255}, peak: ink{2, 2, 2, 255}, rms: ink{3, 3, 3, 255}, clip: ink{4, 4, 4, 255}}
	b := render.NewBitmap(4, 21)
	drawWave(b, []analysis.Column{{Min: -0.5, Max: 0.5, RMS: 0.2, Known: true}, {Min: -1, Max: 1, RMS: 1, Known: true}, {Min: -30, Max: 30, RMS: 30, Known: true}}, c)
	at := func(x, y int) byte { return b.Pix[y*b.Stride+4*x] }
	for _, tt := range []struct {
		x, y int
		want byte
	}{{0, 0, 0}, {0, 4, 0}, {0, 5, 2}, {0, 7, 2}, {0, 8, 3}, {0, 10, 3}, {0, 12, 3}, {0, 15, 2}, {0, 16, 0}, {1, 0, 4}, {1, 10, 3}, {1, 20, 4}, {2, 0, 4}, {3, 10, 1}, {3, 9, 0}} {
		if got := at(tt.x, tt.y); got != tt.want {
			t.Errorf("pixel %d, %d is %d, want %d", tt.x, tt.y, got, tt.want)
		}
	}
	drawWave(render.NewBitmap(0, 0), nil, c)
	drawWave(render.NewBitmap(1, 1), []analysis.Column{{Min: -1, Max: 1, Known: true}}, c)
}

func TestDrawSpectrum(t *testing.T) {
	column := make([]byte, analysis.Bins)
	column[analysis.Bins/2] = 255 // a quarter of the rate
	column[3] = quietest
	for _, logarithmic := range []bool{false, true} {
		b := render.NewBitmap(3, 200)
		drawSpectrum(b, [][]byte{column, nil}, 48000, logarithmic, ink{9, 9, 9, 255})
		bright, rows := 0, 0
		for y := range b.Height {
			if p := b.Pix[y*b.Stride:]; int(p[0])+int(p[1])+int(p[2]) > 300 {
				bright, rows = y, rows+1
			}
			if b.Pix[y*b.Stride+4] != 9 {
				t.Fatalf("log %v: something is drawn where nothing is known", logarithmic)
			}
		}
		want := 100
		if logarithmic {
			want = int(200 * (1 - math.Log(12000/20.0)/math.Log(24000/20.0)))
		}
		if rows < 1 || rows > 2 || bright < want-2 || bright > want+2 {
			t.Errorf("log %v: %d bright rows, the last at %d, want one or two at %d", logarithmic, rows, bright, want)
		}
	}
	drawSpectrum(render.NewBitmap(3, 3), [][]byte{{1, 2}}, 0, true, ink{})
	drawSpectrum(render.NewBitmap(3, 3), [][]byte{{1, 2}}, 8, true, ink{})
}

func TestHertz(t *testing.T) {
	for _, logarithmic := range []bool{false, true} {
		for _, y := range []float64{0, 0.25, 1} {
			if got := heightOf(hertz(y, 48000, logarithmic), 48000, logarithmic); math.Abs(got-y) > 1e-9 {
				t.Errorf("log %v: the height of the frequency at %v is %v", logarithmic, y, got)
			}
		}
	}
	if f := hertz(1, 44100, true); math.Abs(f-22050) > 1e-6 {
		t.Errorf("the top is at %v Hz, want 22050", f)
	}
}

func TestChannelNames(t *testing.T) {
	for n, want := range map[int]string{-1: "[]", 0: "[]", 1: "[M]", 2: "[L R]", 6: "[L R C LFE Ls Rs]", 9: "[1 2 3 4 5 6 7 8 9]"} {
		if got := fmt.Sprint(channelNames(n)); got != want {
			t.Errorf("%d channels are %s, want %s", n, got, want)
		}
	}
	for n := range 40 {
		if got := len(channelNames(n)); got != n {
			t.Errorf("%d channels have %d names", n, got)
		}
	}
}

func TestOnScale(t *testing.T) {
	for db, want := range map[float64]float32{analysis.Floor: 0, -60: 0, -30: 0.5, 0: 1, 6: 1, math.NaN(): 0} {
		if got := onScale(db); got != want {
			t.Errorf("%v dBFS is at %v, want %v", db, got, want)
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	p := analysis.NewPeaks(time.Minute)
	s := analysis.NewSpectrogram()
	if err := analysis.Scan(b.Context(), &tune{channels: 2, length: time.Minute}, p, s); err != nil {
		b.Fatal(err)
	}
	bm := render.NewBitmap(740, 130)
	b.Run("wave", func(b *testing.B) {
		for range b.N {
			drawWave(bm, p.Columns(0, 0, time.Minute, 740), waveInk{})
		}
	})
	bm = render.NewBitmap(740, 260)
	b.Run("spectrum", func(b *testing.B) {
		for range b.N {
			drawSpectrum(bm, s.Columns(0, time.Minute, 740), 48000, false, ink{})
		}
	})
}
