package guess

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"
)

// encodeSound writes samples from -1 to 1 in a format.
func encodeSound(f soundFormat, x []float64) []byte {
	out := make([]byte, 0, len(x)*f.bytes)
	for _, v := range x {
		v = max(-1, min(1, v))
		if f.law() {
			table := &mulawTable
			full := 8031.0
			if f.kind == alawSample {
				table, full = &alawTable, 4032
			}
			out = append(out, lawByte(table, v*full))
			continue
		}
		var w uint64
		width := 8 * f.bytes
		switch {
		case f.kind == floatSample && f.bytes == 4:
			w = uint64(math.Float32bits(float32(v)))
		case f.kind == floatSample:
			w = math.Float64bits(v)
		default:
			w = uint64(int64(math.Round(v * (math.Ldexp(1, width-1) - 1025*float64(f.bytes/8) - 1))))
			if f.kind == unsignedSample {
				w ^= 1 << (width - 1)
			}
		}
		var b [8]byte
		if f.big {
			binary.BigEndian.PutUint64(b[:], w<<(64-width))
			out = append(out, b[:f.bytes]...)
		} else {
			binary.LittleEndian.PutUint64(b[:], w)
			out = append(out, b[:f.bytes]...)
		}
	}
	return out
}

// lawByte finds the code nearest to v.
func lawByte(table *[256]lawCode, v float64) byte {
	// Of either sign, half of the codes are in order, if bits of alaw are put right.
	flip := 0xff
	if table == &alawTable {
		flip = 0x55
	}
	sign := 0
	if math.Signbit(table[0x80^flip].value) == (v < 0) {
		sign = 0x80
	}
	i := sort.Search(127, func(i int) bool {
		return math.Abs(table[(i|sign)^flip].value)+math.Abs(table[(i+1|sign)^flip].value) >= 2*math.Abs(v)
	})
	return byte((i | sign) ^ flip)
}

// voice is one channel of generated sound, n samples long at rate Hz.
type voice func(r *rand.Rand, n int, rate float64) []float64

// tones are some partials.
func tones(r *rand.Rand, n int, rate float64) []float64 {
	x := make([]float64, n)
	for range 3 {
		w, a, p := 2*math.Pi*(100+2500*r.Float64())/rate, 0.05+0.2*r.Float64(), 6*r.Float64()
		for i := range x {
			x[i] += a * math.Sin(w*float64(i)+p)
		}
	}
	return x
}

func sweep(r *rand.Rand, n int, rate float64) []float64 {
	x := make([]float64, n)
	from, to, p := 50+100*r.Float64(), 2000+1500*r.Float64(), 6*r.Float64()
	for i := range x {
		p += 2 * math.Pi / rate * from * math.Pow(to/from, float64(i)/float64(n))
		x[i] = 0.5 * math.Sin(p)
	}
	return x
}

// murmur is noise in resonances, in syllables, as speech is.
func murmur(r *rand.Rand, n int, rate float64) []float64 {
	x := make([]float64, n)
	formants := []float64{300 + 500*r.Float64(), 900 + 1200*r.Float64()}
	for k, f := range formants {
		radius := math.Exp(-math.Pi * (80 + 40*float64(k)) / rate)
		a1, a2 := 2*radius*math.Cos(2*math.Pi*f/rate), -radius*radius
		gain := (1 - radius) * 0.6
		var y1, y2 float64
		phase := r.Float64()
		for i := range x {
			syllable := math.Max(0, math.Sin(2*math.Pi*(3.1*float64(i)/rate+phase)))
			e := r.NormFloat64() * syllable * gain
			if i%int(rate/110) == 0 {
				e += 12 * gain * syllable
			}
			y := a1*y1 + a2*y2 + e
			y1, y2 = y, y1
			x[i] += y * 0.8
		}
	}
	return x
}

// plucks are decaying partials with a little noise at their beginnings.
func plucks(r *rand.Rand, n int, rate float64) []float64 {
	x := make([]float64, n)
	for at := 0; at < n; at += int(rate * (0.1 + 0.2*r.Float64())) {
		f, a := 80*math.Pow(2, 3*r.Float64()), 0.1+0.25*r.Float64()
		for h := 1.0; h < 9; h++ {
			w, decay := 2*math.Pi*f*h/rate, math.Exp(-(2+h)/rate)
			env, p := a/h/1.5, 6*r.Float64()
			for i := at; i < n && env > 1e-5; i++ {
				x[i] += env * math.Sin(w*float64(i-at)+p)
				env *= decay
			}
		}
		for i, env := at, a*0.2; i < n && env > 1e-5; i++ {
			x[i] += env * r.NormFloat64()
			env *= 0.995
		}
	}
	return x
}

var voices = []struct {
	name string
	make voice
}{{"tones", tones}, {"sweep", sweep}, {"murmur", murmur}, {"plucks", plucks}}

// layout makes channels of voices.
func layout(kind string, v voice, r *rand.Rand, n int, rate float64) [][]float64 {
	mix := func(a []float64, ga float64, b []float64, gb float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = ga*a[i] + gb*b[i]
		}
		return x
	}
	a := v(r, n, rate)
	switch kind {
	case "mono":
		return [][]float64{a}
	case "same":
		return [][]float64{a, a}
	case "near":
		b := v(r, n, rate)
		return [][]float64{mix(a, 1, b, 0.05), mix(a, 0.95, b, -0.05)}
	case "wide":
		b := v(r, n, rate)
		return [][]float64{mix(a, 0.8, b, 0.3), mix(a, 0.4, b, 0.7)}
	case "apart":
		return [][]float64{a, v(r, n, rate)}
	case "quad":
		b, c := v(r, n, rate), v(r, n, rate)
		return [][]float64{a, b, mix(a, 0.3, c, 0.5), mix(b, 0.3, c, -0.5)}
	}
	b, c := v(r, n, rate), v(r, n, rate)
	low := make([]float64, n)
	y := 0.0
	for i := range low {
		y += (a[i] - y) * 0.01
		low[i] = y
	}
	return [][]float64{mix(a, 0.8, b, 0.2), mix(a, 0.2, b, 0.8), c, low, mix(a, 0.2, c, 0.1), mix(b, 0.2, c, 0.1)}
}

func interleave(ch [][]float64, gain float64, silence int) []float64 {
	out := make([]float64, 0, (len(ch[0])+silence)*len(ch))
	out = append(out, make([]float64, silence*len(ch))...)
	for i := range ch[0] {
		for _, c := range ch {
			out = append(out, gain*c[i])
		}
	}
	return out
}

func soundFile(path string, b []byte) File {
	return File{Path: path, Size: int64(len(b)), Content: bytes.NewReader(b)}
}

// TestSoundQuality ranks generated sound of all formats without hints.
func TestSoundQuality(t *testing.T) {
	const rate, n = 44100, 30000
	type tally struct{ right, all int }
	by := map[string]*tally{}
	count := func(key string, ok bool) {
		if by[key] == nil {
			by[key] = &tally{}
		}
		by[key].all++
		if ok {
			by[key].right++
		}
	}
	var slowest time.Duration
	k := 0
	for _, v := range voices {
		for _, l := range []string{"mono", "same", "near", "wide", "apart", "quad", "5.1"} {
			for _, level := range []struct {
				name    string
				gain    float64
				silence int
			}{{"loud", 1, 0}, {"quiet", 0.03, 0}, {"late", 0.4, 9000}} {
				r := rand.New(rand.NewPCG(7, uint64(len(by)+k)))
				ch := layout(l, v.make, r, n, rate)
				x := interleave(ch, level.gain, level.silence)
				for _, f := range soundFormats {
					if f.bytes == 1 && level.name == "quiet" { // a few steps, not sound any more
						continue
					}
					if k++; k%(5*thin) != 0 { // 5 shares no factor with the numbers of formats
						continue
					}
					start := time.Now()
					got := RankSound(soundFile("x.pcm", encodeSound(f, x)), Sound{})
					slowest = max(slowest, time.Since(start))
					if len(got) == 0 {
						t.Fatalf("%s %s %s %s: nothing", v.name, l, level.name, f.name)
					}
					want := fmt.Sprintf("%s %d", f.name, len(ch))
					have := fmt.Sprintf("%s %d", got[0].Format, got[0].Channels)
					ok := have == want
					for _, key := range []string{"all", v.name, l, level.name, f.name} {
						count(key, ok)
					}
					if !ok {
						t.Logf("%s %s %s: is %s, got %s (%.2f)", v.name, l, level.name, want, have, got[0].Score)
					}
					if got[0].Sure {
						t.Errorf("%s %s: sure of %v, whose rate nothing tells", v.name, want, got[0])
					}
				}
			}
		}
	}
	var keys []string
	for key := range by {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var table strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&table, "\n%-8s %4d of %4d  %5.1f %%", key, by[key].right, by[key].all, 100*float64(by[key].right)/float64(by[key].all))
	}
	t.Logf("slowest %v%s", slowest, table.String())
	if all := by["all"]; float64(all.right) < 0.95*float64(all.all) {
		t.Errorf("%d of %d right, want 95 %%", all.right, all.all)
	}
}
