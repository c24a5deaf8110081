package guess

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// checkSounds tests what holds for all candidates.
func checkSounds(t *testing.T, got []SoundCandidate, f File, given Sound) {
	t.Helper()
	if len(got) > maxCandidates {
		t.Errorf("%d candidates", len(got))
	}
	sum := 0.0
	for i, c := range got {
		s := c.Sound
		if given.Format != "" && s.Format != given.Format || given.Rate != 0 && s.Rate != given.Rate || given.Channels != 0 && s.Channels != given.Channels || s.Layout != given.Layout || s.Header != given.Header {
			t.Errorf("%+v overrides %+v", s, given)
		}
		if s.Format == "" || s.Rate <= 0 || s.Channels <= 0 || len(c.Reasons) < 3 {
			t.Errorf("not complete: %+v", c)
		}
		if !(c.Score >= 0 && c.Score <= 1) || i > 0 && c.Score > got[i-1].Score {
			t.Errorf("score %v of candidate %d", c.Score, i)
		}
		sum += c.Score
		if c.Sure && i > 0 {
			t.Errorf("candidate %d is sure", i)
		}
		if n := int64(findSoundFormat(s.Format).bytes) * int64(s.Channels); f.Size >= 0 && n > 0 && c.Frames*n+c.Rest != f.Size-s.Header {
			t.Errorf("%d frames of %d bytes and %d are not %d bytes", c.Frames, n, c.Rest, f.Size-s.Header)
		}
		for _, d := range got[:i] {
			if d.Sound == s {
				t.Errorf("%+v twice", s)
			}
		}
	}
	if sum > 1+1e-9 {
		t.Errorf("scores add up to %v", sum)
	}
}

func soundSummary(c SoundCandidate) string {
	return fmt.Sprintf("%s %d %d", c.Format, c.Rate, c.Channels)
}

func TestRankSoundByName(t *testing.T) {
	for _, c := range []struct {
		path  string
		size  int64
		given Sound
		want  string
		sure  bool
	}{
		{"x.pcm", -1, Sound{}, "s16le 44100 2", false},
		{"-", -1, Sound{}, "s16le 44100 2", false},
		{"x.pcm", 0, Sound{}, "s16le 44100 2", false},
		{"44100_16bit_2ch.pcm", -1, Sound{}, "s16le 44100 2", true},
		{"x_48k_s24le_stereo.pcm", 6000, Sound{}, "s24le 48000 2", true},
		{"x_48k_s24le_stereo.pcm", 6001, Sound{}, "s24le 48000 2", true},
		{"x_48k_s24le_stereo.pcm", 5, Sound{}, "s24le 48000 2", false},
		{"x.ul", -1, Sound{}, "mulaw 8000 1", false},
		{"x_16000_mono.s16", 200, Sound{}, "s16le 16000 1", true},
		{"/rec/48k/x.pcm", -1, Sound{}, "s16le 48000 2", false},
		{"/rec/f32le_96k/x_mono.raw", 4000, Sound{}, "f32le 96000 1", false},
		{"x_5.1.pcm", 12000, Sound{}, "s16le 48000 6", false},
		{"planar-demo.pcm", 8000, Sound{}, "s16le 44100 2", false},
		{"/src/planar/x.pcm", 8000, Sound{}, "s16le 44100 2", false},
		{"/rec/planar_2ch/x.pcm", -1, Sound{}, "s16le_planar 44100 2", false},
		{"x_s16le_planar_48k.pcm", -1, Sound{}, "s16le_planar 48000 2", false},
		{"x_48k_s24le.pcm", -1, Sound{Format: "u8", Rate: 7, Channels: 40}, "u8 7 40", true},
		{"x", -1, Sound{Format: "s16be_planar", Rate: 48000, Channels: 3}, "s16be_planar 48000 3", true},
		{"x", -1, Sound{Rate: 48000, Layout: 0x3f}, "s16le 48000 6", false},
		{"x", 100, Sound{Format: "nonsense"}, "nonsense 44100 2", false},
		{"x.pcm", 9, Sound{}, "s16le 44100 2", false},
	} {
		f := File{Path: c.path, Size: c.size}
		got := RankSound(f, c.given)
		if len(got) == 0 {
			t.Errorf("%s: nothing", c.path)
			continue
		}
		given := c.given
		if given.Layout != 0 {
			given.Channels = 6
		}
		checkSounds(t, got, f, given)
		if s := soundSummary(got[0]); c.path != "x.pcm" && (s != c.want || got[0].Sure != c.sure) || c.size < 9 && s != c.want {
			t.Errorf("%s of %d bytes: %s, sure %v, want %s, %v; %q", c.path, c.size, s, got[0].Sure, c.want, c.sure, got[0].Reasons)
		}
	}
	for _, given := range []Sound{{Header: -1}, {Header: 11}, {Rate: -1}, {Channels: -1}, {Channels: math.MaxInt}} {
		if got := RankSound(File{Path: "x", Size: 10}, given); got != nil {
			t.Errorf("%+v is possible: %+v", given, got[0])
		}
	}
}

func TestSoundReasons(t *testing.T) {
	for _, c := range []struct {
		path  string
		size  int64
		given Sound
		want  []string
	}{
		{"x_s16le_48k.pcm", 1003, Sound{Channels: 2}, []string{"s16le: from the name", "2 channels: given", "48000 Hz: from the name", "3 bytes are left over after 250 frames"}},
		{"/u8/x_mono.raw", -1, Sound{Format: "mulaw"}, []string{"mulaw: given", "1 channel: from the name", "8000 Hz: assumed, usual for mulaw"}},
		{"/96k/x_16bit.raw", -1, Sound{}, []string{"s16le: agrees with the name", "2 channels: usual", "96000 Hz: from the folder's name"}},
		{"x", -1, Sound{}, []string{"s16le: usual", "2 channels: usual", "44100 Hz: assumed, the content cannot tell"}},
	} {
		if got := RankSound(File{Path: c.path, Size: c.size}, c.given)[0].Reasons; !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.path, got, c.want)
		}
	}
}

// stereo is some sound with two channels.
func stereoSound(format string) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	return encodeSound(findSoundFormat(format), interleave(layout("wide", plucks, r, 20000, 44100), 0.5, 0))
}

func TestSoundContent(t *testing.T) {
	s16, f32 := stereoSound("s16le"), stereoSound("f32le")
	r := rand.New(rand.NewPCG(3, 4))
	noisy := make([]byte, 1<<17)
	for i := range noisy {
		noisy[i] = byte(r.Uint32())
	}
	for _, c := range []struct {
		what, path string
		content    []byte
		given      Sound
		want       string
		sure       bool
	}{
		{"no hints", "x.pcm", s16, Sound{}, "s16le 44100 2", false},
		{"rate given", "x.pcm", s16, Sound{Rate: 48000}, "s16le 48000 2", true},
		{"rate named", "x_96k.pcm", f32, Sound{}, "f32le 96000 2", true},
		{"only the width named", "x_16bit_48k.pcm", stereoSound("s16be"), Sound{}, "s16be 48000 2", true},
		{"32 bits of float", "x_32bit_48k_stereo.pcm", f32, Sound{}, "f32le 48000 2", true},
		{"folder is wrong", "/s16le/x.pcm", f32, Sound{}, "f32le 44100 2", false},
		{"odd header", "x.pcm", append([]byte("1234567"), s16...), Sound{Header: 7}, "s16le 44100 2", false},
		{"cut", "x_48k.pcm", s16[:len(s16)-3], Sound{}, "s16le 48000 2", false},
		{"late in a long silence", "x.pcm", append(make([]byte, 8<<20), bytes.Repeat(s16, 4)...), Sound{}, "s16le 44100 2", false},
		{"noise", "x_48k.pcm", noisy, Sound{}, "s16le 48000 2", false},
		{"zeros", "x_48k.pcm", make([]byte, 1<<16), Sound{}, "s16le 48000 2", false},
		{"planar", "x_planar_48k.pcm", encodeSound(findSoundFormat("s24le"), tones(r, 40000, 48000)), Sound{}, "s24le_planar 48000 2", false},
	} {
		f := soundFile(c.path, c.content)
		got := RankSound(f, c.given)
		if len(got) == 0 {
			t.Errorf("%s: nothing", c.what)
			continue
		}
		checkSounds(t, got, f, c.given)
		if s := soundSummary(got[0]); s != c.want || got[0].Sure != c.sure {
			t.Errorf("%s: %s (%.2f), sure %v, want %s, %v; %q", c.what, s, got[0].Score, got[0].Sure, c.want, c.sure, got[0].Reasons)
		}
	}
}

// brokenDisk cannot be read.
type brokenDisk struct{}

func (brokenDisk) ReadAt([]byte, int64) (int, error) { return 0, errors.New("broken") }

func TestSoundReads(t *testing.T) {
	z := &zeros{t: t, allowed: true}
	f := File{Path: "x.pcm", Size: math.MaxInt64, Content: z}
	checkSounds(t, RankSound(f, Sound{}), f, Sound{})
	if z.read > soundSearches*soundWindow || z.read == 0 {
		t.Errorf("read %d bytes, want at most %d", z.read, soundSearches*soundWindow)
	}
	RankSound(File{Path: "x_s16le_2ch.pcm", Size: 1 << 20, Content: &zeros{t: t}}, Sound{})
	f = File{Path: "x.pcm", Size: 1 << 20, Content: brokenDisk{}}
	if got := RankSound(f, Sound{}); len(got) == 0 || soundSummary(got[0]) != "s16le 44100 2" {
		t.Errorf("broken disk: %+v", got)
	}
}

// TestSoundFarHeader has a header that ends where offsets do.
func TestSoundFarHeader(t *testing.T) {
	for _, rest := range []int64{1, 5, soundWindow, soundPlaces * soundWindow, soundPlaces*soundWindow + 1} {
		f := File{Path: "x.pcm", Size: math.MaxInt64, Content: brokenDisk{}}
		given := Sound{Header: math.MaxInt64 - rest}
		done := make(chan []SoundCandidate, 1)
		go func() { done <- RankSound(f, given) }()
		select {
		case got := <-done:
			checkSounds(t, got, f, given)
		case <-time.After(20 * time.Second):
			t.Fatalf("%d bytes before the end of all offsets: does not come back", rest)
		}
	}
}

func FuzzRankSound(f *testing.F) {
	s16 := stereoSound("s16le")
	f.Add("x.pcm", s16[:9000], int64(-2), "", 0, 0, int64(0))
	f.Add("x_48k.raw", stereoSound("f64be")[:5001], int64(1<<40), "", 0, 0, int64(1))
	f.Add("x.raw", bytes.Repeat([]byte{0xff, 0x80}, 900), int64(-2), "f32le", 0, 32, int64(3))
	f.Add("x", []byte{1}, int64(math.MaxInt64), "s16le_planar", 1, 1<<20, int64(math.MaxInt64))
	f.Add("x.pcm", s16[:100], int64(math.MaxInt64), "", 0, 0, int64(math.MaxInt64-5))
	f.Fuzz(func(t *testing.T, path string, content []byte, size int64, format string, rate, channels int, header int64) {
		if size < -1 {
			size = int64(len(content))
		}
		file := File{Path: path, Size: size, Content: bytes.NewReader(content)}
		given := Sound{Format: format, Rate: rate, Channels: channels, Header: header}
		checkSounds(t, RankSound(file, given), file, given)
	})
}

func BenchmarkRankSound(b *testing.B) {
	for _, format := range []string{"u8", "s16le", "f64le"} {
		f := soundFile("x.pcm", bytes.Repeat(stereoSound(format), 8))
		b.Run(format, func(b *testing.B) {
			for b.Loop() {
				RankSound(f, Sound{})
			}
		})
	}
}
