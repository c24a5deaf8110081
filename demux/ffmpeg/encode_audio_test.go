package ffmpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"
	"time"

	"planar/audio"
	"planar/demux"
)

// What player/publish asks of an encoder.
type audioEncoder interface {
	Stream() demux.Stream
	Encode(b *audio.Block) ([]demux.Packet, error)
	Close()
}

var _ audioEncoder = (*AudioEncoder)(nil)

// sweep is sample n of a channel of the test sound: tones with a beat, so that a shift
// of a sample is seen in the difference.
func sweep(n, channel, rate int) float64 {
	s := float64(n) / float64(rate)
	f := 300 + 170*float64(channel)
	return 0.3 * (math.Sin(2*math.Pi*f*s) + 0.7*math.Sin(2*math.Pi*(1.37*f+30*s)*s))
}

// soundBlock is frames of the test sound from one on, interleaved floats.
func soundBlock(from, frames, channels, rate int) *audio.Block {
	b := &audio.Block{Format: audio.Format{Sample: audio.F32, Rate: rate, Channels: channels}, Frames: frames}
	b.PTS = b.Duration(int64(from))
	var pcm []byte
	for n := range frames {
		for c := range channels {
			pcm = binary.LittleEndian.AppendUint32(pcm, math.Float32bits(float32(sweep(from+n, c, rate))))
		}
	}
	b.Planes = [][]byte{pcm}
	return b
}

func newAudioEncoder(t testing.TB, in audio.Format, e demux.AudioEncoding) *AudioEncoder {
	t.Helper()
	a, err := NewAudioEncoder(in, e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// decodeChannels decodes packets to floats, by channel. The decoder skips nothing.
func decodeChannels(t testing.TB, s demux.Stream, ps []demux.Packet) [][]float64 {
	t.Helper()
	config := append([]byte(nil), s.Config...)
	if s.Codec == "opus" {
		copy(config[10:], []byte{0, 0}) // its pre-skip is accounted for by PTS
	}
	d, err := NewAudioDecoder(AudioParams{Codec: s.Codec, Extradata: config, Rate: s.Sound.Rate, Channels: s.Sound.Channels})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	out := make([][]float64, s.Sound.Channels)
	for i := range len(ps) + 1 {
		var p *demux.Packet
		if i < len(ps) {
			p = &ps[i]
		}
		if err := d.Send(p); err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		for {
			b, err := d.Receive()
			if errors.Is(err, demux.ErrAgain) || errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if b.Channels != s.Sound.Channels {
				t.Fatalf("%d channels decoded, want %d", b.Channels, s.Sound.Channels)
			}
			for c := range b.Channels {
				for n := range b.Frames {
					plane, at := 0, (n*b.Channels+c)*4
					if b.Sample.Planar() {
						plane, at = c, n*4
					}
					out[c] = append(out[c], float64(math.Float32frombits(binary.LittleEndian.Uint32(b.Planes[plane][at:]))))
				}
			}
			b.Release()
		}
	}
	return out
}

func TestEncodeAudio(t *testing.T) {
	for _, c := range []struct {
		codec          string
		rate, channels int
		bitrate        int64
		delay          int // samples
		config         string
		least          float64 // dB
	}{
		{"aac", 48000, 2, 0, 1024, "1190", 25},
		{"aac", 44100, 1, 0, 1024, "1208", 25},
		{"aac", 48000, 6, 0, 1024, "11b0", 25},
		{"aac", 48000, 8, 0, 1024, "11b8", 25},
		{"aac", 22050, 2, 96000, 1024, "1390", 25},
		{"opus", 48000, 2, 128_000, 312, "4f707573486561640102380180bb0000000000", 20},
		{"opus", 48000, 1, 0, 312, "4f707573486561640101380180bb0000000000", 15},
	} {
		t.Run(fmt.Sprintf("%s/%d/%d", c.codec, c.rate, c.channels), func(t *testing.T) {
			in := audio.Format{Sample: audio.F32, Rate: c.rate, Channels: c.channels}
			a := newAudioEncoder(t, in, demux.AudioEncoding{Codec: c.codec, Bitrate: c.bitrate})
			s := a.Stream()
			if got := fmt.Sprintf("%x", s.Config); len(got) < len(c.config) || got[:len(c.config)] != c.config {
				t.Errorf("configuration %s, want %s", got, c.config)
			}
			if s.Sound.Rate != c.rate || s.Sound.Channels != c.channels || s.Codec != c.codec || s.Kind != demux.Audio {
				t.Errorf("stream %+v", s)
			}
			total := c.rate + 777
			size := map[string]int{"aac": 1024, "opus": 960}[c.codec]
			var ps []demux.Packet
			for at, step := 0, 1; at < total; step = step*3%4001 + 1 {
				n := min(step, total-at)
				got, err := a.Encode(soundBlock(at, n, c.channels, c.rate))
				if err != nil {
					t.Fatal(err)
				}
				ps = append(ps, got...)
				at += n
			}
			got, err := a.Encode(nil)
			if err != nil {
				t.Fatal(err)
			}
			ps = append(ps, got...)
			for i, p := range ps {
				if want := a.duration(int64(i*size - c.delay)); p.PTS != want || p.DTS != want || !p.Key || p.Duration != in.Duration(int64(size)) {
					t.Fatalf("packet %d: PTS %v duration %v key %t, want %v and %v", i, p.PTS, p.Duration, p.Key, want, in.Duration(int64(size)))
				}
			}
			out := decodeChannels(t, s, ps)
			have := len(out[0]) - c.delay
			if have < total || have > total+2*size {
				t.Errorf("%d samples after the delay, want %d and at most two packets more", have, total)
			}
			// At its documented place the sound is what went in, and one sample off it is not.
			for ch := range out {
				at := func(shift int) float64 {
					signal, noise := 0.0, 0.0
					for n := 4000; n < total-4000; n++ {
						want := sweep(n, ch, c.rate)
						d := out[ch][n+c.delay+shift] - want
						signal, noise = signal+want*want, noise+d*d
					}
					return 10 * math.Log10(signal/noise)
				}
				if c.channels == 6 && ch == 3 || c.channels == 8 && ch == 3 {
					continue // the low frequencies' channel has no others
				}
				here, before, after := at(0), at(-3), at(3)
				if here < c.least || before > here || after > here {
					t.Errorf("channel %d: %.1f dB in place, want %.1f; three samples before %.1f, after %.1f", ch, here, c.least, before, after)
				}
			}
		})
	}
}

func TestEncodeAudioConverts(t *testing.T) {
	for _, c := range []struct {
		in    audio.Format
		codec string
		want  audio.Format
	}{
		{audio.Format{Sample: "s16p", Rate: 192000, Channels: 2}, "aac", audio.Format{Sample: "fltp", Rate: 48000, Channels: 2, Layout: 3}},
		{audio.Format{Sample: "u8", Rate: 11025, Channels: 1}, "aac", audio.Format{Sample: "fltp", Rate: 11025, Channels: 1, Layout: 4}},
		{audio.Format{Sample: "dbl", Rate: 48000, Channels: 16}, "aac", audio.Format{Sample: "fltp", Rate: 48000, Channels: 8, Layout: 0x63f}},
		{audio.Format{Sample: "s16", Rate: 48000, Channels: 7}, "aac", audio.Format{Sample: "fltp", Rate: 48000, Channels: 6, Layout: 0x3f}},
		{audio.Format{Sample: "s32", Rate: 44100, Channels: 6}, "opus", audio.Format{Sample: "flt", Rate: 48000, Channels: 2, Layout: 3}},
		{audio.Format{Sample: "s16", Rate: 8000, Channels: 1}, "opus", audio.Format{Sample: "flt", Rate: 48000, Channels: 1, Layout: 4}},
	} {
		a, err := NewAudioEncoder(c.in, demux.AudioEncoding{Codec: c.codec})
		if err != nil {
			t.Errorf("%v as %s: %v", c.in, c.codec, err)
			continue
		}
		if got := a.Stream().Sound; got != c.want {
			t.Errorf("%v as %s: %v layout %x, want %v layout %x", c.in, c.codec, got, got.Layout, c.want, c.want.Layout)
		}
		b := &audio.Block{Format: c.in, Frames: c.in.Rate / 2}
		for range map[bool]int{true: c.in.Channels, false: 1}[c.in.Sample.Planar()] {
			b.Planes = append(b.Planes, make([]byte, c.in.Rate/2*c.in.FrameBytes()))
		}
		ps, err := a.Encode(b)
		rest, err2 := a.Encode(nil)
		if err := errors.Join(err, err2); err != nil {
			t.Error(err)
		}
		ps = append(ps, rest...)
		if end := ps[len(ps)-1]; end.PTS+end.Duration < 500*time.Millisecond || end.PTS > 550*time.Millisecond {
			t.Errorf("%v as %s: half a second ends with a packet of %v", c.in, c.codec, end.PTS)
		}
		a.Close()
		a.Close()
	}
	for _, e := range []demux.AudioEncoding{{Codec: "mp3"}, {Codec: "aac", Bitrate: 1}, {Codec: "opus", Bitrate: 10_000_000}} {
		if _, err := NewAudioEncoder(audio.Format{Sample: "s16", Rate: 48000, Channels: 2}, e); err == nil {
			t.Errorf("%+v: no error", e)
		}
	}
}

// Gaps, jitter and drift of what comes.
func TestEncodeAudioTimes(t *testing.T) {
	const ms = time.Millisecond
	start := 10 * time.Second
	for _, c := range []struct {
		name string
		pts  func(i int) time.Duration // of the ith block of 20 ms, less its place
		end  time.Duration             // by how much the timestamps are late at last
	}{
		{"jitter of a millisecond", func(i int) time.Duration { return time.Duration(i%3-1) * ms }, 0},
		{"a gap", func(i int) time.Duration { return time.Duration(i/50) * 300 * ms }, 300 * ms},
		{"a small gap", func(i int) time.Duration { return time.Duration(min(i/50, 1)) * 8 * ms }, 6 * ms},
		{"backwards", func(i int) time.Duration { return -time.Duration(min(i/50, 1)) * 500 * ms }, -10 * ms},
		{"a slow clock", func(i int) time.Duration { return time.Duration(i) * 20 * ms / 1000 }, 0},
	} {
		for _, codec := range []string{"aac", "opus"} {
			a := newAudioEncoder(t, audio.Format{Sample: audio.F32, Rate: 48000, Channels: 1}, demux.AudioEncoding{Codec: codec})
			var ps []demux.Packet
			for i := range 100 {
				b := soundBlock(i*960, 960, 1, 48000)
				b.PTS += start + c.pts(i)
				got, err := a.Encode(b)
				if err != nil {
					t.Fatal(err)
				}
				ps = append(ps, got...)
			}
			got, err := a.Encode(nil)
			if err != nil {
				t.Fatal(err)
			}
			ps = append(ps, got...)
			first := start + c.pts(0) - a.duration(int64(a.delay))
			if ps[0].PTS != first {
				t.Errorf("%s, %s: begins at %v, want %v", c.name, codec, ps[0].PTS, first)
			}
			jumps := 0
			for i := 1; i < len(ps); i++ {
				d := ps[i].PTS - ps[i-1].PTS
				if d < ps[i].Duration*98/100 {
					t.Errorf("%s, %s: packet %d is %v after the one before", c.name, codec, i, d)
				}
				if d > ps[i].Duration*102/100 {
					jumps++
					// The rest of the packet before the gap is silence, so that the jump is shorter by it.
					if d < 270*ms || d > 350*ms {
						t.Errorf("%s, %s: a jump of %v at packet %d", c.name, codec, d, i)
					}
				}
			}
			want := 0
			if c.name == "a gap" {
				want = 1
			}
			if jumps != want {
				t.Errorf("%s, %s: %d jumps, want %d", c.name, codec, jumps, want)
			}
			if want > 0 {
				// The first packet of the new run alone has the time of its own samples.
				want := start + 1300*ms + map[string]time.Duration{"aac": 0, "opus": a.duration(960 - 312)}[codec]
				if !slices.ContainsFunc(ps, func(p demux.Packet) bool { return p.PTS == want }) {
					t.Errorf("%s, %s: no packet at %v", c.name, codec, want)
				}
				continue
			}
			n := int64(len(ps) - 1)
			late := ps[n].PTS - (first + a.duration(n*int64(a.size)))
			if late < c.end-3*ms || late > c.end+3*ms {
				t.Errorf("%s, %s: late by %v at the end, want about %v", c.name, codec, late, c.end)
			}
		}
	}
}

func BenchmarkEncodeAudio(b *testing.B) {
	for _, codec := range []string{"aac", "opus"} {
		b.Run(codec, func(b *testing.B) {
			a := newAudioEncoder(b, audio.Format{Sample: audio.F32, Rate: 48000, Channels: 2}, demux.AudioEncoding{Codec: codec})
			block := soundBlock(0, 960, 2, 48000)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Encode(block); err != nil {
					b.Fatal(err)
				}
				block.PTS += 20 * time.Millisecond
			}
		})
	}
}
