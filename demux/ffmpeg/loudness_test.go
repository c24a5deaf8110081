package ffmpeg

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"time"

	"planar/audio"
)

// part is a sine of a programme: its level in dBFS in each channel, of the peak, and
// how long it lasts.
type part struct {
	levels []float64
	length time.Duration
}

// both is a sine in both channels.
func both(level float64, seconds float64) part {
	return part{[]float64{level, level}, time.Duration(seconds * float64(time.Second))}
}

// repeat is parts n times.
func repeat(n int, parts ...part) (all []part) {
	for range n {
		all = append(all, parts...)
	}
	return all
}

const none = -999 // dBFS: no sound

// programme is a sine of 1 kHz as interleaved floats. A second is computed and
// repeated, because the race detector makes sines slow.
func programme(f audio.Format, parts []part) []byte {
	var pcm []byte
	at := 0
	for _, p := range parts {
		gain := make([]float64, len(p.levels))
		for c, l := range p.levels {
			gain[c] = math.Pow(10, l/20)
		}
		var second []byte
		for i := range f.Rate {
			v := math.Sin(2 * math.Pi * 1000 * float64(i) / float64(f.Rate))
			for c := range gain {
				second = binary.NativeEndian.AppendUint32(second, math.Float32bits(float32(gain[c]*v)))
			}
		}
		for left := int(f.Frames(p.length)); left > 0; {
			from := at % f.Rate
			n := min(left, f.Rate-from)
			pcm = append(pcm, second[from*f.FrameBytes():(from+n)*f.FrameBytes()]...)
			at, left = at+n, left-n
		}
	}
	return pcm
}

// feed measures interleaved PCM in blocks of some frames, and calls after, which may
// be nil, with each report.
func feed(t testing.TB, f audio.Format, pcm []byte, frames int, after func(audio.Loudness)) audio.Loudness {
	t.Helper()
	m, err := NewLoudness(f)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for len(pcm) > 0 {
		n := min(frames, len(pcm)/f.FrameBytes())
		size := n * f.FrameBytes()
		if err := m.Feed(&audio.Block{Format: f, Frames: n, Planes: [][]byte{pcm[:size:size]}}); err != nil {
			t.Fatal(err)
		}
		if pcm = pcm[size:]; after != nil {
			after(m.Report())
		}
	}
	return m.Report()
}

var stereo48 = audio.Format{Sample: audio.F32, Rate: 48000, Channels: 2, Layout: 3}

// near reports whether a figure is what is wanted; NaN is what is not known.
func near(got, want, tolerance float64) bool {
	if math.IsNaN(want) || math.IsInf(want, 0) {
		return math.IsNaN(got) == math.IsNaN(want) && math.IsInf(got, -1) == math.IsInf(want, -1)
	}
	return math.Abs(got-want) <= tolerance
}

// Test signals of EBU Tech 3341 that are made of sines, and what they must measure.
func TestIntegratedLoudness(t *testing.T) {
	five := audio.Format{Sample: audio.F32, Rate: 48000, Channels: 6, Layout: 0x3f} // 5.1: L R C LFE Ls Rs
	mono := audio.Format{Sample: audio.F32, Rate: 48000, Channels: 1, Layout: 4}
	at := func(f audio.Format, rate int) audio.Format { f.Rate = rate; return f }
	one := func(levels ...float64) []part { return []part{{levels, 5 * time.Second}} }
	for _, c := range []struct {
		name   string
		format audio.Format
		parts  []part
		want   float64
	}{
		{"3341-1", stereo48, []part{both(-23, 20)}, -23},
		{"3341-2", stereo48, []part{both(-33, 20)}, -33},
		{"3341-3", stereo48, []part{both(-36, 10), both(-23, 60), both(-36, 10)}, -23},
		{"3341-4", stereo48, []part{both(-72, 10), both(-36, 10), both(-23, 60), both(-36, 10), both(-72, 10)}, -23},
		{"3341-5", stereo48, []part{both(-26, 20), both(-20, 20.1), both(-26, 20)}, -23},
		{"3341-6", five, []part{{[]float64{-28, -28, -24, none, -30, -30}, 20 * time.Second}}, -23},
		{"44100 Hz", at(stereo48, 44100), one(-23, -23), -23},
		{"32000 Hz", at(stereo48, 32000), one(-23, -23), -23},
		{"96000 Hz", at(stereo48, 96000), one(-23, -23), -23},
		{"192000 Hz", at(stereo48, 192000), one(-23, -23), -23},
		{"mono is one channel", mono, one(-23), -26},
		{"left alone", stereo48, one(-23, none), -26},
		{"LFE does not count", five, one(none, none, none, -10, none, none), math.NaN()},
		{"surrounds count 1.5 dB more", five, one(none, none, none, none, -23, none), -23 - 3.01 + 1.5},
		{"no layout is the default one", audio.Format{Sample: audio.F32, Rate: 48000, Channels: 2}, one(-23, -23), -23},
		{"below the gate", stereo48, one(-80, -80), math.NaN()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := feed(t, c.format, programme(c.format, c.parts), 1024, nil)
			if !near(r.Integrated, c.want, 0.1) {
				t.Errorf("%.2f LUFS integrated, want %.1f", r.Integrated, c.want)
			}
			var length time.Duration
			for _, p := range c.parts {
				length += p.length
			}
			if r.Measured != length {
				t.Errorf("%v were measured, want %v", r.Measured, length)
			}
		})
	}
}

// Loudness over time: EBU Tech 3341, signals 1, 9 and 12. Before a window is full,
// nothing is known of it.
func TestMomentaryAndShortTerm(t *testing.T) {
	for _, c := range []struct {
		name       string
		parts      []part
		momentary  bool
		shortTerm  bool
		from       time.Duration
		wantSilent bool
	}{
		{"3341-1", []part{both(-23, 8)}, true, true, 3 * time.Second, false},
		{"3341-9", repeat(5, both(-20, 1.34), both(-30, 1.66)), false, true, 3 * time.Second, false},
		{"3341-12", repeat(25, both(-20, 0.18), both(-30, 0.22)), true, false, time.Second, false},
		{"silence", []part{both(none, 4)}, true, true, 3 * time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := -23.0
			if c.wantSilent {
				want = math.Inf(-1)
			}
			feed(t, stereo48, programme(stereo48, c.parts), 480, func(r audio.Loudness) {
				if known := r.Measured >= 400*time.Millisecond; math.IsNaN(r.Momentary) == known {
					t.Errorf("%v: momentary %.2f", r.Measured, r.Momentary)
				}
				if known := r.Measured >= 3*time.Second; math.IsNaN(r.ShortTerm) == known {
					t.Errorf("%v: short-term %.2f", r.Measured, r.ShortTerm)
				}
				if r.Measured < c.from {
					return
				}
				if c.momentary && !near(r.Momentary, want, 0.1) {
					t.Errorf("%v: momentary %.2f LUFS, want %.1f", r.Measured, r.Momentary, want)
				}
				if c.shortTerm && !near(r.ShortTerm, want, 0.1) {
					t.Errorf("%v: short-term %.2f LUFS, want %.1f", r.Measured, r.ShortTerm, want)
				}
			})
		})
	}
}

// Test signals of EBU Tech 3342.
func TestLoudnessRange(t *testing.T) {
	for i, c := range []struct {
		levels []float64
		want   float64
	}{
		{[]float64{-20, -30}, 10},
		{[]float64{-20, -15}, 5},
		{[]float64{-40, -20}, 20},
		{[]float64{-50, -35, -20, -35, -50}, 15},
	} {
		t.Run(fmt.Sprintf("3342-%d", i+1), func(t *testing.T) {
			t.Parallel()
			var parts []part
			for _, l := range c.levels {
				parts = append(parts, both(l, 20))
			}
			if r := feed(t, stereo48, programme(stereo48, parts), 4800, nil); !near(r.Range, c.want, 1) {
				t.Errorf("%.2f LU, want %.0f", r.Range, c.want)
			}
		})
	}
}

// The range is known with the fifth short-term value above the gate, and not before.
func TestShortLoudnessRange(t *testing.T) {
	feed(t, stereo48, programme(stereo48, []part{both(none, 1), both(-23, 5)}), 480, func(r audio.Loudness) {
		known := r.Measured >= 3400*time.Millisecond
		if math.IsNaN(r.Range) == known || known && !(r.Range >= 0 && r.Range < 6) {
			t.Errorf("%v: %.2f LU, want known %t", r.Measured, r.Range, known)
		}
	})
}

// wave is a sine in both channels: its frequency in parts of the rate, its phase in
// degrees, its amplitude.
func wave(f audio.Format, part, phase, amplitude float64, length time.Duration) (pcm []byte) {
	for i := range f.Frames(length) {
		v := amplitude * math.Sin(2*math.Pi*(float64(i)/part+phase/360))
		for range f.Channels {
			pcm = binary.NativeEndian.AppendUint32(pcm, math.Float32bits(float32(v)))
		}
	}
	return pcm
}

// EBU Tech 3341, signals 15 to 19, which may measure 0.2 dB more or 0.4 dB less. The
// samples' own peak is known exactly. A sine that is cut in overshoots when it is
// resampled, so this one is faded in.
func TestPeaks(t *testing.T) {
	rate := func(r int) audio.Format { f := stereo48; f.Rate = r; return f }
	for _, c := range []struct {
		name                   string
		format                 audio.Format
		part, phase, amplitude float64
		sample, peak           float64
	}{
		{"3341-15", stereo48, 4, 0, 0.5, -6.02, -6},
		{"3341-16", stereo48, 4, 45, 0.5, -9.03, -6},
		{"3341-17", stereo48, 6, 60, 0.5, -7.27, -6},
		{"3341-18", stereo48, 8, 67.5, 0.5, -6.71, -6},
		{"3341-19", stereo48, 4, 45, 1.41, -0.03, 3},
		{"quiet", stereo48, 4, 45, 0.0005, -69.03, -66.02},
		{"44100 Hz", rate(44100), 4, 45, 0.5, -9.03, -6},
		{"88200 Hz", rate(88200), 8, 22.5, 0.5, -6.71, -6},
		{"192000 Hz", rate(192000), 16, 0, 0.5, -6.02, -6},
		{"1000 Hz has peaks, and no loudness", rate(1000), 4, 45, 0.5, -9.03, -6},
	} {
		t.Run(c.name, func(t *testing.T) {
			pcm := wave(c.format, c.part, c.phase, c.amplitude, time.Second)
			fade := c.format.Frames(50 * time.Millisecond)
			for i := range fade * int64(c.format.Channels) {
				v := math.Float32frombits(binary.NativeEndian.Uint32(pcm[4*i:])) * float32(i) / float32(fade*2)
				binary.NativeEndian.PutUint32(pcm[4*i:], math.Float32bits(v))
			}
			r := feed(t, c.format, pcm, 1024, nil)
			if !near(r.SamplePeak, c.sample, 0.01) {
				t.Errorf("%.3f dBFS, want %.2f", r.SamplePeak, c.sample)
			}
			if d := r.TruePeak - c.peak; !(d >= -0.4 && d <= 0.2) {
				t.Errorf("%.3f dBTP, want %.1f +0.2 -0.4", r.TruePeak, c.peak)
			}
			if c.format.Rate < minLoudnessRate && !math.IsNaN(r.Momentary) {
				t.Errorf("%.2f LUFS at %d Hz, want none", r.Momentary, c.format.Rate)
			}
		})
	}
}

// Every format that a decoder gives is measured alike, in planes and not.
func TestLoudnessOfFormats(t *testing.T) {
	whole := stereo48
	whole.Sample = audio.F32
	pcm := programme(whole, []part{both(-23, 4)})
	for name := range sampleFormats {
		t.Run(string(name), func(t *testing.T) {
			f := whole
			f.Sample = name
			inter := f
			inter.Sample = audio.SampleFormat(trimPlanar(string(name)))
			conv, err := NewResampler(whole, inter, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer conv.Close()
			data, err := conv.Convert(&audio.Block{Format: whole, Frames: len(pcm) / whole.FrameBytes(), Planes: [][]byte{pcm}})
			if err != nil {
				t.Fatal(err)
			}
			planes := [][]byte{data}
			if name.Planar() {
				planes = [][]byte{nil, nil}
				for i, size := 0, name.Bytes(); i < len(data); i += size {
					c := i / size % 2
					planes[c] = append(planes[c], data[i:i+size]...)
				}
			}
			m, err := NewLoudness(f)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if err := m.Feed(&audio.Block{Format: f, Frames: len(data) / inter.FrameBytes(), Planes: planes}); err != nil {
				t.Fatal(err)
			}
			tolerance := 0.1
			if name.Bytes() == 1 {
				tolerance = 0.5 // steps are -42 dBFS
			}
			if r := m.Report(); !near(r.Integrated, -23, tolerance) || !near(r.SamplePeak, -23, tolerance) {
				t.Errorf("%.2f LUFS and %.2f dBFS, want -23", r.Integrated, r.SamplePeak)
			}
		})
	}
}

func trimPlanar(name string) string {
	if audio.SampleFormat(name).Planar() {
		return name[:len(name)-1]
	}
	return name
}

// What the filter does not take has peaks and no loudness; what is no number is
// silence; and a meter wants the format it was made for.
func TestLoudnessOfOddSound(t *testing.T) {
	many := audio.Format{Sample: audio.F32, Rate: 48000, Channels: 32}
	loud := make([]float64, many.Channels)
	for i := range loud {
		loud[i] = -20
	}
	r := feed(t, many, programme(many, []part{{loud, time.Second}}), 1024, nil)
	if !math.IsNaN(r.Momentary) || !math.IsNaN(r.Integrated) || !near(r.SamplePeak, -20, 0.1) || !near(r.TruePeak, -20, 0.3) {
		t.Errorf("32 channels without places: %+v, want peaks of -20 and nothing else", r)
	}
	wide := audio.Format{Sample: audio.F32, Rate: 1 << 20, Channels: 64}
	if r := feed(t, wide, make([]byte, 4096*wide.FrameBytes()), 1000, nil); !math.IsNaN(r.Momentary) || !math.IsInf(r.SamplePeak, -1) {
		t.Errorf("64 channels of 1 MHz: %+v, want no loudness", r)
	}
	pcm := programme(stereo48, []part{both(-23, 4)})
	for i, bits := range []uint32{0x7fc00000, 0x7f800000, 0xff800000} {
		binary.NativeEndian.PutUint32(pcm[10000+100*i:], bits)
	}
	if r := feed(t, stereo48, pcm, 1024, nil); !near(r.Integrated, -23, 0.1) || !near(r.SamplePeak, -23, 0.1) {
		t.Errorf("with NaN and Inf: %+v, want -23", r)
	}
	m, err := NewLoudness(stereo48)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if r := m.Report(); r.Measured != 0 || !math.IsNaN(r.Momentary) || !math.IsNaN(r.SamplePeak) || !math.IsNaN(r.TruePeak) {
		t.Errorf("before anything: %+v, want nothing known", r)
	}
	if err := m.Feed(&audio.Block{Format: stereo48}); err != nil {
		t.Errorf("an empty block: %v", err)
	}
	if err := m.Feed(&audio.Block{Format: many, Frames: 1, Planes: [][]byte{make([]byte, 128)}}); err == nil {
		t.Error("a block of another format is taken")
	}
	if err := m.Feed(&audio.Block{Format: stereo48, Frames: 2, Planes: [][]byte{make([]byte, 8)}}); err == nil {
		t.Error("a block that is too short is taken")
	}
	if _, err := NewLoudness(audio.Format{Sample: audio.F32, Channels: 2}); err == nil {
		t.Error("sound without a rate is taken")
	}
}

// BenchmarkLoudness tells what a second of sound costs, and making a meter.
func BenchmarkLoudness(b *testing.B) {
	for _, c := range []struct {
		name string
		f    audio.Format
	}{
		{"stereo 48 kHz", stereo48},
		{"5.1 48 kHz", audio.Format{Sample: audio.F32, Rate: 48000, Channels: 6, Layout: 0x3f}},
		{"stereo 192 kHz", audio.Format{Sample: audio.F32, Rate: 192000, Channels: 2, Layout: 3}},
		{"64 channels 48 kHz", audio.Format{Sample: audio.F32, Rate: 48000, Channels: 64}},
	} {
		b.Run(c.name, func(b *testing.B) {
			pcm := wave(c.f, 48, 0, 0.1, time.Second)
			m, err := NewLoudness(c.f)
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			for b.Loop() {
				for at := 0; at < len(pcm); {
					n := min(1024*c.f.FrameBytes(), len(pcm)-at)
					if err := m.Feed(&audio.Block{Format: c.f, Frames: n / c.f.FrameBytes(), Planes: [][]byte{pcm[at : at+n]}}); err != nil {
						b.Fatal(err)
					}
					at += n
				}
			}
		})
	}
	b.Run("making one", func(b *testing.B) {
		for b.Loop() {
			m, err := NewLoudness(stereo48)
			if err != nil {
				b.Fatal(err)
			}
			m.Close()
		}
	})
}
