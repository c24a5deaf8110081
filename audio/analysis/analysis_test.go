package analysis

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"planar/audio"
)

// encode writes amplitudes, given by channel, in any format.
func encode(f audio.Format, channels [][]float64) [][]byte {
	e := binary.NativeEndian
	one := func(b []byte, v float64) []byte {
		fixed := func(bits int) int64 {
			top := math.Ldexp(1, bits-1)
			if v >= 1 {
				return 1<<(bits-1) - 1
			}
			return int64(max(math.Round(v*top), -top))
		}
		switch f.Sample {
		case "u8", "u8p":
			return append(b, byte(fixed(8)+128))
		case "s16", "s16p":
			return e.AppendUint16(b, uint16(fixed(16)))
		case "s32", "s32p":
			return e.AppendUint32(b, uint32(fixed(32)))
		case "s64", "s64p":
			return e.AppendUint64(b, uint64(fixed(64)))
		case "flt", "fltp":
			return e.AppendUint32(b, math.Float32bits(float32(v)))
		}
		return e.AppendUint64(b, math.Float64bits(v))
	}
	planes := make([][]byte, 1)
	if f.Sample.Planar() {
		planes = make([][]byte, len(channels))
	}
	for i := range channels[0] {
		for c := range channels {
			p := &planes[c%len(planes)]
			*p = one(*p, channels[c][i])
		}
	}
	return planes
}

func blockOf(f audio.Format, pts time.Duration, channels ...[]float64) *audio.Block {
	return &audio.Block{Format: f, Frames: len(channels[0]), PTS: pts, Planes: encode(f, channels)}
}

func sine(n int, hz, rate, amplitude float64) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = amplitude * math.Sin(2*math.Pi*hz*float64(i)/rate)
	}
	return s
}

func noise(seed uint64, n int) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	s := make([]float64, n)
	for i := range s {
		s[i] = r.Float64()*2 - 1
	}
	return s
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s is %.4f, want %.4f within %g", what, got, want, within)
	}
}

// blocks is a source of blocks.
type blocks struct {
	next func(i int) (*audio.Block, error)
	i    int
}

func (b *blocks) Next(context.Context) (*audio.Block, error) {
	b.i++
	return b.next(b.i - 1)
}

func TestSplit(t *testing.T) {
	channels := [][]float64{{0, 0.5, -0.5, 0.25}, {0.75, -1, 0, -0.25}, {0, 0, 0.125, 0}}
	for _, s := range []audio.SampleFormat{"u8", "s16", "s32", "s64", "flt", "dbl", "u8p", "s16p", "s32p", "s64p", "fltp", "dblp"} {
		var buf [][]float32
		got := split(blockOf(audio.Format{Sample: s, Rate: 48000, Channels: 3}, 0, channels...), &buf)
		if len(got) != 3 {
			t.Fatalf("%s: %d channels, want 3", s, len(got))
		}
		for c := range got {
			for i, v := range got[c] {
				near(t, string(s), float64(v), channels[c][i], 1e-9)
			}
		}
	}
}

// What is wrong with a block must not be read beyond its end.
func TestSplitHostile(t *testing.T) {
	for _, c := range []struct {
		name     string
		b        audio.Block
		channels int
		frames   int
	}{
		{"no format", audio.Block{Frames: 5, Planes: [][]byte{{1, 2, 3}}}, 0, 0},
		{"no planes", audio.Block{Format: audio.Format{Sample: "s16", Channels: 2}, Frames: 5}, 0, 0},
		{"short", audio.Block{Format: audio.Format{Sample: "s16", Channels: 2}, Frames: 5, Planes: [][]byte{make([]byte, 11)}}, 2, 2},
		{"empty", audio.Block{Format: audio.Format{Sample: "s16", Channels: 2}, Frames: 5, Planes: [][]byte{nil}}, 2, 0},
		{"short plane", audio.Block{Format: audio.Format{Sample: "fltp", Channels: 2}, Frames: 5, Planes: [][]byte{make([]byte, 20), make([]byte, 7)}}, 2, 1},
		{"planes missing", audio.Block{Format: audio.Format{Sample: "fltp", Channels: 2}, Frames: 5, Planes: [][]byte{make([]byte, 20)}}, 1, 5},
		{"many channels", audio.Block{Format: audio.Format{Sample: "u8", Channels: 255}, Frames: 2, Planes: [][]byte{make([]byte, 510)}}, MaxChannels, 2},
		{"negative", audio.Block{Format: audio.Format{Sample: "u8", Channels: 1}, Frames: -2, Planes: [][]byte{make([]byte, 510)}}, 1, 0},
	} {
		var buf [][]float32
		got := split(&c.b, &buf)
		frames := 0
		if len(got) > 0 {
			frames = len(got[0])
		}
		if len(got) != c.channels || frames != c.frames {
			t.Errorf("%s: %d channels of %d frames, want %d of %d", c.name, len(got), frames, c.channels, c.frames)
		}
	}
	var buf [][]float32
	nan := split(blockOf(audio.Format{Sample: "flt", Rate: 1, Channels: 1}, 0, []float64{math.NaN(), math.Inf(1), math.Inf(-1)}), &buf)
	if v := nan[0]; v[0] != 0 || v[1] != loudest || v[2] != -loudest {
		t.Errorf("NaN and infinities become %v", v)
	}
}

func TestTrack(t *testing.T) {
	f := audio.Format{Sample: "s16", Rate: 1000, Channels: 1}
	const s = time.Second
	var tr track
	for i, c := range []struct {
		pts         time.Duration
		gap, frames int64
	}{
		{-s / 100, 0, 90}, // before time 0: cut
		{90 * time.Millisecond, 0, 100},
		{194 * time.Millisecond, 0, 100}, // jitter
		{NoPTS, 0, 100},
		{s, 610, 100}, // a hole up to 1 s
		{s / 2, 0, 0}, // all of it is there already
		{s + 50*time.Millisecond, 0, 50},
		{1000 * time.Hour, 0, 100}, // broken
		{math.MaxInt64, 0, 100},
		{-1000 * time.Hour, 0, 100},
	} {
		gap, ch, err := tr.take(blockOf(f, c.pts, make([]float64, 100)))
		if err != nil || gap != c.gap || int64(len(ch[0])) != c.frames {
			t.Errorf("block %d: a gap of %d, %d frames, %v; want %d, %d", i, gap, len(ch[0]), err, c.gap, c.frames)
		}
	}
	for _, f := range []audio.Format{{Sample: "s16", Rate: 2000, Channels: 1}, {Sample: "s16", Rate: 1000, Channels: 2}, {Sample: "?", Rate: 1000, Channels: 1}, {Sample: "s16", Channels: 1}, {Sample: "s16", Rate: 1 << 30, Channels: 1}} {
		if _, _, err := tr.take(&audio.Block{Format: f, Frames: 1, Planes: [][]byte{make([]byte, 4)}}); !errors.Is(err, ErrFormat) {
			t.Errorf("%v in the middle: %v, want ErrFormat", f, err)
		}
	}
}

func TestMeterSine(t *testing.T) {
	for _, s := range []audio.SampleFormat{audio.S16, audio.S32, audio.F32} {
		f := audio.Format{Sample: s, Rate: 48000, Channels: 3}
		pcm := encode(f, [][]float64{sine(48000, 1000, 48000, 1), sine(48000, 1000, 48000, 0.1), make([]float64, 48000)})[0]
		var m Meter
		if l := m.Levels(0); l != nil {
			t.Errorf("levels of nothing: %v", l)
		}
		for at := 0; at < 48000; at += 700 { // blocks that are no multiple of the window
			m.Feed(pcm[at*f.FrameBytes():min(at+700, 48000)*f.FrameBytes()], f, f.Duration(int64(at)))
		}
		l := m.Levels(900 * time.Millisecond)
		if len(l) != 3 {
			t.Fatalf("%d channels, want 3", len(l))
		}
		near(t, "the peak", l[0].Peak, 0, 0.001)
		near(t, "the RMS", l[0].RMS, -3.0103, 0.001)
		near(t, "the held peak", l[0].Hold, 0, 0.001)
		near(t, "a tenth's peak", l[1].Peak, -20, 0.001)
		near(t, "a tenth's RMS", l[1].RMS, -23.0103, 0.002)
		if l[2] != (Level{Floor, Floor, Floor, 0}) {
			t.Errorf("silence reads %+v", l[2])
		}
		if l[0].Clips != 0 {
			t.Errorf("a full-scale sine counts as clipped, %d times", l[0].Clips)
		}
	}
}

var mono = audio.Format{Sample: audio.S16, Rate: 1000, Channels: 1} // windows of 10 frames

func TestMeterTime(t *testing.T) {
	var m Meter
	loud := sine(100, 250, 1000, 0.5) // 0.1 s
	for i := range loud {
		loud[i] = math.Copysign(0.5, loud[i])
	}
	pcm := encode(mono, [][]float64{append(append(make([]float64, 1000), loud...), make([]float64, 4000)...)})[0]
	m.Feed(pcm[:2*1500], mono, 0) // more than is heard
	if l := m.Levels(500 * time.Millisecond)[0]; l.Peak != Floor || l.Hold != Floor {
		t.Errorf("before the sound is heard: %+v", l)
	}
	half := DB(0.5)
	l := m.Levels(1095 * time.Millisecond)[0]
	near(t, "peak in the sound", l.Peak, half, 1e-9)
	near(t, "RMS over 300 ms of which 100 are loud", l.RMS, half-10*math.Log10(3), 0.1)
	m.Feed(pcm[2*1500:], mono, 1500*time.Millisecond)
	for _, c := range []struct{ at, peak, hold float64 }{
		{1.15, half, half},
		{1.3, Floor, half},
		{2.5, Floor, half},
		{3.1, Floor, half - 10}, // reached at 1.1, held to 2.6
		{4.6, Floor, half - 40},
	} {
		l := m.Levels(time.Duration(c.at * float64(time.Second)))[0]
		near(t, "peak", l.Peak, c.peak, 1e-9)
		near(t, "hold", l.Hold, c.hold, 0.001)
	}
	m.Clear()
	if l := m.Levels(4700 * time.Millisecond)[0]; l.Hold != Floor {
		t.Errorf("a cleared hold is %v", l.Hold)
	}
	m.Reset()
	if l := m.Levels(4700 * time.Millisecond); l != nil {
		t.Errorf("after a reset: %v", l)
	}
}

// How often levels are read changes neither holds nor clips.
func TestMeterCalls(t *testing.T) {
	pcm := encode(mono, [][]float64{noise(1, 4000)})[0]
	for i := 0; i < 4000; i += 400 { // some clipping: runs of 3, 2 and 7
		for k, n := range []int{3, 2, 7} {
			for j := range n {
				binary.NativeEndian.PutUint16(pcm[2*(i+100*k+j):], []uint16{32767, 0x8000}[j%2])
			}
			binary.NativeEndian.PutUint16(pcm[2*(i+100*k+n):], 0)
		}
	}
	read := func(every time.Duration) Level {
		var m Meter
		var l Level
		for at := time.Duration(0); at <= 3900*time.Millisecond; at += every {
			if fed := mono.Frames(at); fed%100 == 0 && fed < 4000 {
				m.Feed(pcm[2*fed:2*(fed+100)], mono, at)
			}
			if all := m.Levels(at); len(all) == 1 {
				l = all[0]
			}
		}
		return l
	}
	fine, coarse := read(20*time.Millisecond), read(100*time.Millisecond)
	if fine != coarse {
		t.Errorf("read each 20 ms: %+v; each 100 ms: %+v", fine, coarse)
	}
	if fine.Clips != 20 {
		t.Errorf("%d clips, want 20", fine.Clips)
	}
}

// Sound that is thrown away before it is heard leaves no trace.
func TestMeterReplaces(t *testing.T) {
	var m Meter
	loud, quiet := make([]float64, 1000), make([]float64, 1000)
	for i := range loud {
		loud[i] = 1
	}
	m.Feed(encode(mono, [][]float64{loud})[0], mono, 0)
	m.Feed(encode(mono, [][]float64{quiet})[0], mono, 200*time.Millisecond)
	if l := m.Levels(700 * time.Millisecond)[0]; l.Peak != Floor || l.Hold < -1 || l.Clips != 1 {
		t.Errorf("levels %+v, want silence after one loud run", l)
	}
}

func TestMeterBounded(t *testing.T) {
	var m Meter
	for i := range 100 {
		m.Feed(make([]byte, 2000), mono, time.Duration(i)*time.Second)
	}
	if n := len(m.windows); n != maxWindows {
		t.Errorf("%d windows, want %d", n, maxWindows)
	}
	if len(m.Levels(100*time.Second)) != 1 {
		t.Error("the latest windows are gone")
	}
	m.Feed([]byte{1}, mono, 0)
	m.Feed(make([]byte, 64), audio.Format{}, 0)
	m.Feed(make([]byte, 64), audio.Format{Sample: "fltp", Rate: 10, Channels: 2}, 0)
}

func TestMeterConcurrent(t *testing.T) {
	var m Meter
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 200 {
			m.Feed(make([]byte, 200), mono, time.Duration(i)*100*time.Millisecond)
			if i%50 == 49 {
				m.Reset()
			}
		}
	}()
	for i := range 200 {
		m.Levels(time.Duration(i) * 100 * time.Millisecond)
		m.Clear()
	}
	<-done
}

// brute is what Columns should say, by looking at each sample.
func brute(s []float64, a, b float64, width int) (c, wide Column) {
	a, b = max(a, 0), min(b, float64(len(s)))
	if a >= b {
		return c, c
	}
	measure := func(a, b int) Column {
		c := Column{float32(s[a]), float32(s[a]), 0, true}
		power := 0.0
		for _, v := range s[a:b] {
			c.Min, c.Max = min(c.Min, float32(v)), max(c.Max, float32(v))
			power += v * v
		}
		c.RMS = float32(math.Sqrt(power / float64(b-a)))
		return c
	}
	first, end := int(a), int(math.Ceil(b))
	return measure(first, end), measure(first/width*width, min((end+width-1)/width*width, len(s)))
}

func TestPeaksBruteForce(t *testing.T) {
	f := audio.Format{Sample: "dblp", Rate: 8000, Channels: 2}
	r := rand.New(rand.NewPCG(3, 4))
	for _, length := range []int{1, 63, 64, 1000, 100_003} {
		ch := [][]float64{noise(1, length), noise(2, length)}
		for i := range ch[0] { // of changing loudness, so that a shift shows
			ch[0][i] *= math.Abs(math.Sin(float64(i) / 3000))
			ch[1][i] = ch[1][i]*0.1 + 0.5
		}
		p := NewPeaks(f.Duration(int64(length)))
		for at := 0; at < length; {
			n := min(1+r.IntN(5000), length-at)
			if err := p.Add(blockOf(f, f.Duration(int64(at)), ch[0][at:at+n], ch[1][at:at+n])); err != nil {
				t.Fatal(err)
			}
			at += n
			near(t, "progress", p.Progress(), float64(at)/float64(length), 1e-6)
			p.cap = 512 // merges after 32768 frames
		}
		if want := map[bool]int64{true: 256, false: 64}[length > 100_000]; p.width != want {
			t.Errorf("%d frames: columns of %d frames, want %d", length, p.width, want)
		}
		for range 200 {
			c, n := r.IntN(2), 1+r.IntN(300)
			from := time.Duration((r.Float64()*1.4 - 0.2) * float64(f.Duration(int64(length))))
			to := from + 1 + time.Duration(r.ExpFloat64()*float64(f.Duration(int64(length)))/4)
			each := (to - from).Seconds() * 8000 / float64(n)
			for i, got := range p.Columns(c, from, to, n) {
				a := from.Seconds()*8000 + float64(i)*each
				exact, wide := brute(ch[c], a, a+each, int(p.width))
				if got.Known != exact.Known {
					if b := a + each; math.Abs(b) > 1e-3 && math.Abs(a-float64(length)) > 1e-3 {
						t.Fatalf("column %d of %v to %v: known %v, want %v", i, from, to, got.Known, exact.Known)
					}
					continue
				}
				// At the edges rounding may decide for another column.
				if got.Min > exact.Min || got.Max < exact.Max || got.Min < wide.Min || got.Max > wide.Max {
					if at := math.Abs(math.Remainder(a, 1)); at > 1e-6 && math.Abs(math.Remainder(a+each, 1)) > 1e-6 {
						t.Fatalf("%d frames, column %d (%.3f to %.3f): %+v, want between %+v and %+v", length, i, a, a+each, got, exact, wide)
					}
				}
				if each > 20*float64(p.width) && a >= 0 && a+each <= float64(length) {
					near(t, "RMS", float64(got.RMS), float64(exact.RMS), 0.05*float64(exact.RMS)+0.002)
				}
			}
		}
	}
}

// A column that coincides with whole columns of the pyramid is exact, and so is the
// gap before a block.
func TestPeaksExact(t *testing.T) {
	f := audio.Format{Sample: "flt", Rate: 6400, Channels: 1} // 100 columns a second
	s := noise(9, 64*1000)
	p := NewPeaks(0)
	p.Add(blockOf(f, 0, s[:64*500]))
	p.Add(blockOf(f, f.Duration(64*600), s[64*600:]))
	for i := 64 * 500; i < 64*600; i++ {
		s[i] = 0
	}
	for n := 1; n <= 1000; n *= 10 {
		for i, got := range p.Columns(0, 0, 10*time.Second, n) {
			w := len(s) / n
			if want, _ := brute(s, float64(i*w), float64((i+1)*w), 1); got.Min != want.Min || got.Max != want.Max || math.Abs(float64(got.RMS-want.RMS)) > 1e-6 {
				t.Fatalf("column %d of %d: %+v, want %+v", i, n, got, want)
			}
		}
	}
	if p.Progress() != 0 {
		t.Errorf("progress without a length: %v", p.Progress())
	}
	p.Finish()
	if p.Progress() != 1 || p.Duration() != 10*time.Second || p.Channels() != 1 {
		t.Errorf("finished: progress %v, %v, %d channels", p.Progress(), p.Duration(), p.Channels())
	}
}

func TestPeaksBounded(t *testing.T) {
	for _, channels := range []int{1, 2, 6, 32, 255} {
		f := audio.Format{Sample: "u8", Rate: maxRate, Channels: channels}
		p := NewPeaks(0)
		pcm := [][]byte{make([]byte, channels)}
		for i := range 6 { // an hour each
			if err := p.Add(&audio.Block{Format: f, Frames: 1, PTS: time.Duration(i) * 59 * time.Minute, Planes: pcm}); err != nil {
				t.Fatal(err)
			}
		}
		cells := 0
		for _, c := range p.levels {
			for _, l := range c {
				cells += len(l)
			}
		}
		if cells == 0 || cells > 2*maxCells {
			t.Errorf("%d channels: %d cells, want up to %d", channels, cells, 2*maxCells)
		}
	}
	p := NewPeaks(0)
	if c := p.Columns(0, 0, time.Second, 3); len(c) != 3 || c[0].Known {
		t.Errorf("columns of nothing: %v", c)
	}
	if n := len(p.Columns(0, 0, time.Second, 1<<40)); n != maxDrawn {
		t.Errorf("%d columns", n)
	}
	if n := len(p.Columns(0, time.Second, 0, -1)); n != 0 {
		t.Errorf("%d columns", n)
	}
}

func TestSpectrogramSine(t *testing.T) {
	const rate = 48000
	f := audio.Format{Sample: "s16", Rate: rate, Channels: 2}
	s := NewSpectrogram()
	const n = rate * 2
	tone := sine(n, 1000, rate, 1)
	for i := range n / 2 {
		tone[n/2+i] = 0
	}
	for at := 0; at < n; at += 1000 {
		if err := s.Add(blockOf(f, NoPTS, make([]float64, 1000), tone[at:at+1000])); err != nil {
			t.Fatal(err)
		}
	}
	s.Finish()
	if s.Rate() != rate {
		t.Errorf("rate %d", s.Rate())
	}
	bin := 1000 * 2 * Bins / s.Rate() // 42.67: between two
	cols := s.Columns(0, 2*time.Second, 4)
	for i, c := range cols {
		if len(c) != Bins {
			t.Fatalf("column %d has %d bins", i, len(c))
		}
	}
	top := max(Level2dB(cols[0][bin]), Level2dB(cols[0][bin+1]))
	near(t, "the bin of 1 kHz", top, -0.7, 0.8)
	middle := s.Columns(300*time.Millisecond, 600*time.Millisecond, 1)[0]
	for b, v := range middle {
		if db := Level2dB(v); (b < bin-9 || b > bin+10) && db > -60 {
			t.Errorf("bin %d reads %.1f dB", b, db)
		}
	}
	for b, v := range cols[3] {
		if v != 0 {
			t.Fatalf("silence: bin %d reads %.1f dB", b, Level2dB(v))
		}
	}
	if c := s.Columns(3*time.Second, 4*time.Second, 1)[0]; c != nil {
		t.Error("there is something behind the end")
	}
	// A tone in the middle of a bin.
	s = NewSpectrogram()
	s.Add(blockOf(audio.Format{Sample: "dbl", Rate: 2 * Bins * 10, Channels: 1}, 0, sine(1<<14, 1000, 2*Bins*10, 0.1)))
	near(t, "bin 100", Level2dB(s.Columns(300*time.Millisecond, 400*time.Millisecond, 1)[0][100]), -20, 0.5)
}

// A click is in the column of its time, whatever the merging.
func TestSpectrogramTime(t *testing.T) {
	f := audio.Format{Sample: "fltp", Rate: 48000, Channels: 1}
	s := NewSpectrogram()
	const click = 1_000_000
	for at := int64(0); at < 9_000_000; at += 100_000 {
		b := make([]float64, 100_000)
		if at == click {
			b[0] = 1
		}
		if err := s.Add(blockOf(f, f.Duration(at), b)); err != nil {
			t.Fatal(err)
		}
	}
	s.Finish()
	if s.every != 4 || len(s.columns) > maxSpectra {
		t.Errorf("%d columns of %d transforms; want 4 transforms", len(s.columns), s.every)
	}
	for i, c := range s.columns {
		lit := c != nil && c[100] > 0
		from, to := i*s.every*fftHop, (i+1)*s.every*fftHop
		if near := click >= from-fftHop/2 && click < to+fftHop/2; lit != near {
			t.Errorf("the column from %d to %d: lit %v", from, to, lit)
		}
	}
}

func TestSpectrogramBounded(t *testing.T) {
	f := audio.Format{Sample: "u8", Rate: 48000, Channels: 1}
	s := NewSpectrogram()
	for i := range 10 {
		s.Add(&audio.Block{Format: f, Frames: 1, PTS: time.Duration(i) * 59 * time.Minute, Planes: [][]byte{{200}}})
	}
	if len(s.columns) > maxSpectra {
		t.Errorf("%d columns, want up to %d", len(s.columns), maxSpectra)
	}
	NewSpectrogram().Finish()
	if c := NewSpectrogram().Columns(0, time.Second, 2); len(c) != 2 || c[0] != nil {
		t.Errorf("columns of nothing: %v", c)
	}
}

func TestHeat(t *testing.T) {
	was := -1.0
	for i := range 256 {
		r, g, b := Heat(byte(i))
		y := 0.2126*float64(r) + 0.7152*float64(g) + 0.0722*float64(b)
		if y < was-0.5 {
			t.Errorf("%d is darker (%.1f) than the one before (%.1f)", i, y, was)
		}
		was = y
	}
	if r, g, b := Heat(0); r != 0 || g != 0 || b != 0 || was < 220 {
		t.Errorf("from (%d %d %d) to a luma of %.0f", r, g, b, was)
	}
}

func TestScan(t *testing.T) {
	f := audio.Format{Sample: "s16", Rate: 48000, Channels: 2}
	released := 0
	one := func(i int) (*audio.Block, error) {
		b := blockOf(f, f.Duration(int64(i)*4800), noise(uint64(i), 4800), noise(uint64(i)+99, 4800))
		b.OnFree = func() { released++ }
		return b, nil
	}
	p, s := NewPeaks(time.Second), NewSpectrogram()
	began := time.Now()
	busy := time.Duration(0)
	err := Scan(t.Context(), &blocks{next: func(i int) (*audio.Block, error) {
		if i == 10 {
			return nil, io.EOF
		}
		start := time.Now()
		for time.Since(start) < 3*time.Millisecond { // decoding
			_ = start
		}
		busy += time.Since(start)
		return one(i)
	}}, p, s)
	if err != nil || p.Progress() != 1 || p.Duration() != time.Second || released != 10 {
		t.Errorf("%v; progress %v, %v, %d blocks released", err, p.Progress(), p.Duration(), released)
	}
	if c := s.Columns(900*time.Millisecond, time.Second, 1)[0]; c == nil || c[500] == 0 {
		t.Error("no spectrum at the end")
	}
	if took := time.Since(began); took < 2*busy-10*time.Millisecond {
		t.Errorf("took %v, of which %v was decoding: it does not rest", took, busy)
	}

	broken := errors.New("broken")
	if err := Scan(t.Context(), &blocks{next: func(i int) (*audio.Block, error) {
		if i == 3 {
			return nil, broken
		}
		return one(i)
	}}, p, nil); !errors.Is(err, broken) {
		t.Errorf("error %v, want the source's", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := Scan(ctx, &blocks{next: func(i int) (*audio.Block, error) {
		if i == 3 {
			cancel()
		}
		return one(i)
	}}, nil, NewSpectrogram()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was cancelled", err)
	}
}

// Drawing while it is being built.
func TestConcurrent(t *testing.T) {
	f := audio.Format{Sample: "s16", Rate: 48000, Channels: 1}
	p, s := NewPeaks(5*time.Second), NewSpectrogram()
	done := make(chan error)
	go func() {
		done <- Scan(context.Background(), &blocks{next: func(i int) (*audio.Block, error) {
			if i == 50 {
				return nil, io.EOF
			}
			return blockOf(f, NoPTS, noise(uint64(i), 4800)), nil
		}}, p, s)
	}()
	for {
		p.Columns(0, 0, 5*time.Second, 100)
		s.Columns(0, 5*time.Second, 10)
		p.Progress()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}

func BenchmarkMeter(b *testing.B) {
	f := audio.Format{Sample: "s16", Rate: 48000, Channels: 2}
	pcm := encode(f, [][]float64{noise(1, 960), noise(2, 960)})[0]
	var m Meter
	for i := 0; b.Loop(); i++ { // 20 ms
		m.Feed(pcm, f, time.Duration(i)*20*time.Millisecond)
	}
}

// BenchmarkScan10min is without the rests.
func BenchmarkScan10min(b *testing.B) {
	f := audio.Format{Sample: "s16", Rate: 44100, Channels: 2}
	block := blockOf(f, NoPTS, noise(1, 4410), noise(2, 4410))
	for name, rests := range map[string]bool{"add": false, "scan": true} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				p, s := NewPeaks(0), NewSpectrogram()
				src := &blocks{next: func(i int) (*audio.Block, error) {
					if i == 6000 {
						return nil, io.EOF
					}
					return block, nil
				}}
				if rests {
					Scan(context.Background(), src, p, s)
					continue
				}
				for range 6000 {
					p.Add(block)
					s.Add(block)
				}
			}
		})
	}
}
