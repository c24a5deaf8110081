package ffmpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"
	"time"

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
					if math.Abs(have-want) > math.Max(want*0.01, 0.03*48000) || speed == 1 && math.Abs(have-want) > 32 {
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

func TestSetSpeed(t *testing.T) {
	f := audio.Format{Sample: audio.S16, Rate: 48000, Channels: 1}
	in := audio.Format{Sample: "fltp", Rate: 48000, Channels: 1}
	r, err := NewResampler(in, f, 1.01)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	run := func(blocks int) (frames int) {
		for i := range blocks {
			got, err := r.Convert(sine(48000, 1, 1024, int64(i*1024), 440))
			if err != nil {
				t.Fatal(err)
			}
			frames += len(got) / 2
		}
		return frames
	}
	run(20)
	slow := run(100)
	if err := r.SetSpeed(1.5); err != nil {
		t.Fatal(err)
	}
	run(20)
	fast := run(100)
	if q := float64(slow) / float64(fast); math.Abs(q-1.5/1.01) > 0.06 {
		t.Errorf("%d and %d frames: ratio %.3f, want %.3f", slow, fast, q, 1.5/1.01)
	}
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
