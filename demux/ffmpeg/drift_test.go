package ffmpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"planar/audio"
)

// quiet is a block of zeros for any format.
func quiet(f audio.Format, frames int) *audio.Block {
	b := &audio.Block{Format: f, Frames: frames}
	if !f.Sample.Planar() {
		b.Planes = [][]byte{make([]byte, frames*f.FrameBytes())}
		return b
	}
	for range f.Channels {
		b.Planes = append(b.Planes, make([]byte, frames*f.Sample.Bytes()))
	}
	return b
}

// Over ten minutes what comes out times its factors is what went in.
func TestDriftCounts(t *testing.T) {
	cases := []struct {
		name   string
		rate   int
		factor func(*rand.Rand) float64
	}{
		{"0.95", 48000, nil},
		{"0.9997", 48000, nil},
		{"1.0001", 48000, nil},
		{"1.013", 48000, nil},
		{"1.05", 48000, nil},
		{"1.013 from 44100", 44100, nil},
		{"changing", 48000, func(r *rand.Rand) float64 { return 0.95 + 0.1*r.Float64() }},
		{"changing finely", 44100, func(r *rand.Rand) float64 { return 1 + 0.001*r.NormFloat64() }},
		{"now and then", 48000, func(r *rand.Rand) float64 { return []float64{1, 1, 1, 1.01, 0.97}[r.IntN(5)] }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := audio.Format{Sample: audio.S16, Rate: c.rate, Channels: 1}
			out := audio.Format{Sample: audio.S16, Rate: 48000, Channels: 1}
			r, err := NewResampler(in, out, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			rnd := rand.New(rand.NewPCG(1, 2))
			var factor float64
			if c.factor == nil {
				if _, err := fmt.Sscan(c.name, &factor); err != nil {
					t.Fatal(err)
				}
			}
			const most = 2048
			b := quiet(in, most)
			var fed, frames int64
			played, worst := 0.0, 0.0 // frames of out
			convert := func(b *audio.Block) {
				pcm, err := r.Convert(b)
				if err != nil {
					t.Fatal(err)
				}
				frames += int64(len(pcm) / 2)
				played += float64(len(pcm)/2) * factor
			}
			for fed < 600*int64(c.rate) {
				if c.factor != nil {
					factor = c.factor(rnd)
				}
				if err := r.Drift(factor); err != nil {
					t.Fatal(err)
				}
				b.Frames = 1 + rnd.IntN(most)
				fed += int64(b.Frames)
				convert(b)
				wrong := played - (in.Duration(fed)-r.Delay()).Seconds()*48000
				worst = max(worst, math.Abs(wrong))
			}
			if worst > 0.01 {
				t.Errorf("wrong by up to %.4f frames on the way", worst)
			}
			want := float64(fed) * 48000 / float64(c.rate)
			convert(nil)
			if math.Abs(played-want) > 1.01 {
				t.Errorf("%d frames that play %.2f for %.2f, drained", frames, played, want)
			}
			if c.factor == nil && math.Abs(float64(frames)-want/factor) > 1.01 {
				t.Errorf("%d frames came out, want %.2f / %g = %.2f", frames, want, factor, want/factor)
			}
		})
	}
}

// floats is the first channel of PCM, -1 to 1.
func floats(f audio.Format, pcm []byte) []float64 {
	var v []float64
	for ; len(pcm) > 0; pcm = pcm[f.FrameBytes():] {
		if f.Sample == audio.F32 {
			v = append(v, float64(math.Float32frombits(binary.LittleEndian.Uint32(pcm))))
		} else {
			v = append(v, float64(int16(binary.LittleEndian.Uint16(pcm)))/(1<<15))
		}
	}
	return v
}

// A sine that begins to drift, drifts by a factor that jumps with every block, and
// ends to, is at each frame what it was at that frame's time: nothing is lost,
// repeated or bent.
func TestDriftIsSmooth(t *testing.T) {
	f32 := audio.Format{Sample: audio.F32, Rate: 48000, Channels: 1}
	s16 := audio.Format{Sample: audio.S16, Rate: 48000, Channels: 2}
	for _, c := range []struct {
		name       string
		rate       int
		out        audio.Format
		frames     int // of a block
		hz         float64
		allowed    float64 // of an amplitude of 0.5
		fromAtMost int     // when what comes out is right at first
	}{
		{"passing", 48000, f32, 1000, 440, 1e-4, 0},
		{"passing, high", 48000, f32, 1000, 10000, 1e-3, 0},
		{"tiny blocks", 48000, f32, 7, 1000, 2e-4, 0},
		{"single frames", 48000, f32, 1, 1000, 2e-4, 0},
		{"format and layout", 48000, s16, 960, 1000, 2e-4, 0},
		{"another rate", 44100, s16, 1024, 1000, 3e-4, 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := audio.Format{Sample: "fltp", Rate: c.rate, Channels: 1}
			r, err := NewResampler(in, c.out, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			rnd := rand.New(rand.NewPCG(3, 4))
			var at int64
			var got, pos []float64 // values, and frames of out as the player counts them
			next := 0.0
			blocks := max(100, 20000/c.frames)
			for i := range blocks {
				factor := 1.0
				if i >= blocks/5 && i < blocks*4/5 {
					factor = 0.95 + 0.1*rnd.Float64()
				}
				if err := r.Drift(factor); err != nil {
					t.Fatal(err)
				}
				pcm, err := r.Convert(sine(c.rate, 1, c.frames, at, c.hz))
				if err != nil {
					t.Fatal(err)
				}
				at += int64(c.frames)
				for _, v := range floats(c.out, pcm) {
					got, pos = append(got, v), append(pos, next)
					next += factor
				}
			}
			// A mono source at full level in both of two channels is 3 dB less.
			amp := 0.0
			for _, v := range got {
				amp = max(amp, math.Abs(v))
			}
			slope := amp * 2 * math.Pi * c.hz / 48000
			worst, where := 0.0, 0
			for i := c.fromAtMost; i < len(got); i++ {
				e := math.Abs(got[i]/amp*0.5 - 0.5*math.Sin(2*math.Pi*c.hz*pos[i]/48000))
				if e > worst {
					worst, where = e, i
				}
				if i > 0 && math.Abs(got[i]-got[i-1]) > 2*slope {
					t.Errorf("a step of %.3f at frame %d of %d: the sine's steepest is %.3f", got[i]-got[i-1], i, len(got), slope)
				}
			}
			if worst > c.allowed {
				t.Errorf("wrong by up to %.2e, at frame %d of %d; allowed are %.1e", worst, where, len(got), c.allowed)
			}
			if len(got) < blocks*c.frames*9/10 {
				t.Errorf("%d frames for %d", len(got), blocks*c.frames)
			}
		})
	}
}

// Without a drift nothing is touched, and after one draining ends it.
func TestDriftOfNothing(t *testing.T) {
	f := audio.Format{Sample: audio.S16, Rate: 48000, Channels: 2}
	r, err := NewResampler(f, f, 1)
	if err != nil {
		t.Fatal(err)
	}
	b := quiet(f, 500)
	drift := func(v float64) {
		t.Helper()
		if err := r.Drift(v); err != nil {
			t.Errorf("%g: %v", v, err)
		}
	}
	convert := func(b *audio.Block) []byte {
		t.Helper()
		pcm, err := r.Convert(b)
		if err != nil {
			t.Error(err)
		}
		return pcm
	}
	passes := func(when string) {
		t.Helper()
		if pcm := convert(b); len(pcm) != len(b.Planes[0]) || &pcm[0] != &b.Planes[0][0] || r.Delay() != 0 {
			t.Errorf("%s: %d bytes of %d, or not the same; %v inside", when, len(pcm), len(b.Planes[0]), r.Delay())
		}
	}
	drift(1)
	passes("without a drift")
	for _, v := range []float64{0, -1, 0.9499, 1.0501, math.NaN(), math.Inf(1)} {
		if err := r.Drift(v); err == nil {
			t.Errorf("drift by %v was accepted", v)
		}
	}
	passes("after factors that were refused")
	drift(1.01)
	if pcm := convert(nil); len(pcm) != 0 {
		t.Errorf("%d bytes came out, although none were inside", len(pcm))
	}
	convert(b)
	if d := r.Delay(); d < 200*time.Microsecond || d > 500*time.Microsecond {
		t.Errorf("%v inside, want about 17 frames", d)
	}
	drift(1)
	convert(nil)
	passes("at 1 after draining")
	r.Close()
	if err := r.Drift(1.01); err == nil {
		t.Error("a closed resampler drifts")
	}
}

// A resampler that was drained begins as a new one does.
func TestDriftAfterDraining(t *testing.T) {
	in := audio.Format{Sample: "fltp", Rate: 48000, Channels: 1}
	out := audio.Format{Sample: audio.F32, Rate: 48000, Channels: 1}
	block := func() *audio.Block { return sine(48000, 1, 1000, 25, 440) }
	first := func(before func(r *Resampler) error) []byte {
		t.Helper()
		r, err := NewResampler(in, out, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := before(r); err != nil {
			t.Fatal(err)
		}
		pcm, err := r.Convert(block())
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Clone(pcm)
	}
	convert := func(r *Resampler, b *audio.Block) error { _, err := r.Convert(b); return err }
	want := first(func(r *Resampler) error { return r.Drift(1.01) })
	if v := floats(out, want); len(v) < 900 || v[0] == 0 {
		t.Fatalf("%d frames of a sine, beginning with %v", len(v), v[:1])
	}
	if got := first(func(r *Resampler) error {
		return errors.Join(convert(r, block()), convert(r, nil), r.Drift(1.01))
	}); !bytes.Equal(got, want) {
		t.Error("drained before the drift, it begins otherwise")
	}
	if got := first(func(r *Resampler) error {
		return errors.Join(convert(r, block()), r.Drift(1.01), convert(r, block()), convert(r, nil))
	}); !bytes.Equal(got, want) {
		t.Error("drained during the drift, it begins otherwise")
	}
}

// All formats that pass can drift, and nothing is lost when there is little.
func TestDriftFormats(t *testing.T) {
	var formats []audio.Format
	for _, s := range []audio.SampleFormat{"u8", "s16", "s32", "s64", "flt", "dbl"} {
		formats = append(formats, audio.Format{Sample: s, Rate: 48000, Channels: 2})
	}
	for _, n := range []int{1, 6, 8, 9, 16, 20} {
		formats = append(formats, audio.Format{Sample: audio.S16, Rate: 8000, Channels: n})
	}
	formats = append(formats, audio.Format{Sample: audio.F32, Rate: 192000, Channels: 6, Layout: 0x60f})
	for _, f := range formats {
		for _, frames := range []int{1, 10, 17, 40, 5000} {
			r, err := NewResampler(f, f, 1)
			if err != nil {
				t.Fatalf("%v: %v", f, err)
			}
			for round := range 2 {
				if err := r.Drift(1.05); err != nil {
					t.Fatalf("%v: %v", f, err)
				}
				have := 0
				for _, b := range []*audio.Block{quiet(f, frames), nil} {
					pcm, err := r.Convert(b)
					if err != nil {
						t.Fatalf("%v: %v", f, err)
					}
					have += len(pcm) / f.FrameBytes()
				}
				if want := float64(frames) / 1.05; math.Abs(float64(have)-want) > 1.01 {
					t.Errorf("%v, round %d: %d frames gave %d, want %.1f", f, round, frames, have, want)
				}
			}
			r.Close()
		}
	}
}

// A second of stereo at 48 kHz.
func BenchmarkDrift(b *testing.B) {
	f := audio.Format{Sample: audio.F32, Rate: 48000, Channels: 2}
	r, err := NewResampler(f, f, 1)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	if err := r.Drift(1.01); err != nil {
		b.Fatal(err)
	}
	block := quiet(f, 960)
	for b.Loop() {
		for range 50 {
			if _, err := r.Convert(block); err != nil {
				b.Fatal(err)
			}
		}
	}
}
