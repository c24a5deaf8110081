package ffmpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/asticode/go-astiav"

	"planar/audio"
)

// sine is a block of float samples in planes.
func sine(rate, channels, frames int, at int64, hz float64) *audio.Block {
	b := &audio.Block{Format: audio.Format{Sample: "fltp", Rate: rate, Channels: channels}, Frames: frames}
	for range channels {
		p := make([]byte, 4*frames)
		for i := range frames {
			v := 0.5 * math.Sin(2*math.Pi*hz*float64(at+int64(i))/float64(rate))
			binary.LittleEndian.PutUint32(p[4*i:], math.Float32bits(float32(v)))
		}
		b.Planes = append(b.Planes, p)
	}
	return b
}

// frequency counts the rising zero crossings of the first channel.
func frequency(pcm []byte, channels, rate int) float64 {
	at := func(i int) int { return int(int16(binary.LittleEndian.Uint16(pcm[i*2*channels:]))) }
	n, first, last := 0, 0.0, 0.0
	for i := 1; i < len(pcm)/(2*channels); i++ {
		a, b := at(i-1), at(i)
		if a < 0 && b >= 0 {
			x := float64(i-1) + float64(-a)/float64(b-a)
			if n == 0 {
				first = x
			}
			n, last = n+1, x
		}
	}
	if n < 2 {
		return 0
	}
	return float64(n-1) / (last - first) * float64(rate)
}

func TestResampler(t *testing.T) {
	for _, speed := range []float64{1, 0.1, 0.25, 0.5, 0.9, 1.1, 2, 4, 16} {
		for _, rate := range []int{44100, 48000} {
			t.Run(fmt.Sprintf("%gx/%d", speed, rate), func(t *testing.T) {
				out := audio.Format{Sample: audio.S16, Rate: 48000, Channels: 2}
				in := audio.Format{Sample: "fltp", Rate: rate, Channels: 1}
				r, err := NewResampler(in, out, speed)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				for round := range 2 { // a drained resampler begins anew
					var pcm []byte
					const blocks, frames = 200, 1024
					for i := range blocks {
						got, err := r.Convert(sine(rate, 1, frames, int64(i*frames), 440))
						if err != nil {
							t.Fatal(err)
						}
						pcm = append(pcm, got...)
					}
					got, err := r.Convert(nil)
					if err != nil {
						t.Fatal(err)
					}
					pcm = append(pcm, got...)
					want := float64(blocks*frames) / float64(rate) / speed * 48000
					have := float64(len(pcm) / 4)
					if math.Abs(have-want) > 32 {
						t.Errorf("round %d: %v frames, want %v", round, have, want)
					}
					if hz := frequency(pcm, 2, 48000); math.Abs(hz-440) > 440*0.01 && speed < 16 {
						t.Errorf("round %d: %.2f Hz instead of 440", round, hz)
					}
				}
			})
		}
	}
}

func TestResamplerPassesThrough(t *testing.T) {
	f := audio.Format{Sample: audio.S16, Rate: 44100, Channels: 2, Layout: 3}
	r, err := NewResampler(f, audio.Format{Sample: audio.S16, Rate: 44100, Channels: 2}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pcm := make([]byte, 4*100)
	for i := range pcm {
		pcm[i] = byte(i * 3)
	}
	got, err := r.Convert(&audio.Block{Format: f, Frames: 100, Planes: [][]byte{pcm}})
	if err != nil || len(got) != len(pcm) || &got[0] != &pcm[0] {
		t.Errorf("not passed through: %d bytes, %v", len(got), err)
	}
	if got, err := r.Convert(nil); len(got) != 0 || err != nil {
		t.Errorf("drain: %d bytes, %v", len(got), err)
	}
	other := f
	other.Rate = 48000
	if _, err := r.Convert(&audio.Block{Format: other, Frames: 100, Planes: [][]byte{pcm}}); !errors.Is(err, ErrFormatChanged) {
		t.Errorf("another format: %v", err)
	}
	if _, err := r.Convert(&audio.Block{Format: f, Frames: 200, Planes: [][]byte{pcm}}); err == nil {
		t.Error("a short block was accepted")
	}
	for _, s := range []float64{0, -1, 0.05, 17, math.NaN(), math.Inf(1)} {
		if _, err := NewResampler(f, f, s); err == nil {
			t.Errorf("speed %v was accepted", s)
		}
	}
	if _, err := NewResampler(audio.Format{Sample: "x", Rate: 1, Channels: 1}, f, 1); err == nil {
		t.Error("an unknown format was accepted")
	}
}

// Tones in silence and in noise come out where the speed puts them.
func TestSpeedKeepsTime(t *testing.T) {
	if astiav.FindFilterByName("rubberband") == nil {
		t.Skip("FFmpeg here has no rubberband: atempo promises less")
	}
	for _, rate := range []int{22050, 44100, 48000, 96000} {
		for _, speed := range []float64{0.5, 0.8, 1.25, 2} {
			for _, noise := range []float64{0, 0.02} {
				if late := lateness(t, rate, speed, noise); math.Abs(late) > 6 {
					t.Errorf("%d Hz at speed %g, noise %g: tones are %.1f ms late", rate, speed, noise, late)
				}
			}
		}
	}
}

// lateness is the median of how late tones of 60 ms come, in ms as heard.
func lateness(t *testing.T, rate int, speed, noise float64) float64 {
	t.Helper()
	f := audio.Format{Sample: audio.S16, Rate: rate, Channels: 1}
	r, err := NewResampler(f, f, speed)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const tones, width = 12, 0.06
	random := rand.New(rand.NewPCG(1, 2))
	in := make([]float64, rate*(tones+1)/2)
	for i := range in {
		in[i] = noise * random.NormFloat64()
	}
	centre := func(k int) float64 { return 0.5*float64(k+1) + 0.013*float64(k%5) }
	for k := range tones {
		for i := int((centre(k) - width/2) * float64(rate)); i < int((centre(k)+width/2)*float64(rate)); i++ {
			x := float64(i)/float64(rate) - centre(k)
			in[min(i, len(in)-1)] += 0.6 * math.Sin(2*math.Pi*1000*x) * math.Pow(math.Cos(math.Pi*x/width), 2)
		}
	}
	pcm := make([]byte, 0, 2*len(in))
	for _, v := range in {
		pcm = binary.NativeEndian.AppendUint16(pcm, uint16(int16(v*32767)))
	}
	var out []float64
	for at := 0; at <= len(pcm); at += 2048 {
		b := &audio.Block{Format: f, Frames: min(1024, (len(pcm)-at)/2), Planes: [][]byte{pcm[at:]}}
		if at+2048 > len(pcm) {
			b = nil
		}
		got, err := r.Convert(b)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(got); i += 2 {
			out = append(out, float64(int16(binary.NativeEndian.Uint16(got[i:])))/32767)
		}
	}
	var late []float64
	for k := range tones - 1 {
		want := (centre(k) + r.Late().Seconds()) / speed
		var energy, moment float64
		for i := max(0, int((want-0.06/speed)*float64(rate))); i < min(len(out), int((want+0.06/speed)*float64(rate))); i++ {
			if math.Abs(out[i]) > 0.1 {
				energy += out[i] * out[i]
				moment += out[i] * out[i] * float64(i) / float64(rate)
			}
		}
		late = append(late, (moment/energy-want)*1000)
	}
	slices.Sort(late)
	return late[len(late)/2]
}

// Seeking in sound goes to the packet at or before the target.
func TestSeekSound(t *testing.T) {
	for _, ext := range []string{"wav", "flac", "m4a", "mp3", "ogg"} {
		args := map[string][]string{"ogg": {"-ar", "48000", "-c:a", "libopus"}}[ext]
		s := open(t, clip(t, "long."+ext, with(tone(20, 44100), args)...), Options{})
		for _, want := range []time.Duration{7 * time.Second, 0, 19 * time.Second, 3333 * time.Millisecond} {
			if err := s.Seek(want); err != nil {
				t.Fatalf("%s: %v", ext, err)
			}
			p, err := s.Read()
			if err != nil {
				t.Fatalf("%s: %v", ext, err)
			}
			if at := p.Time(); at > want || at < want-2*time.Second {
				t.Errorf("%s: seek to %v came to %v", ext, want, at)
			}
			p.Release()
		}
		for {
			p, err := s.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			p.Release()
		}
		if err := s.Seek(time.Second); err != nil {
			t.Errorf("%s: seek after the end: %v", ext, err)
		}
		if p, err := s.Read(); err != nil {
			t.Errorf("%s: after the end: %v", ext, err)
		} else {
			p.Release()
		}
	}
}
