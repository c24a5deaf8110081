package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"planar/demux"
	"planar/demux/guess"
	"planar/player"
	"planar/player/controls"
)

// saved writes a file and returns its path.
func saved(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// openerFor is what a command line makes.
func openerFor(t *testing.T, args ...string) *opener {
	t.Helper()
	o, err := parsed(t, "", args...)
	if err != nil {
		t.Fatal(err)
	}
	return newOpener(o, quiet())
}

func TestSoundFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		want guess.Sound
	}{
		{nil, guess.Sound{}},
		{[]string{"--sample-format", "F32", "--sample-rate", "384000", "--channels", "32"}, guess.Sound{Format: "f32le", Rate: 384000, Channels: 32}},
		{[]string{"--channels", "quad", "--sample-format", "s24be_planar"}, guess.Sound{Format: "s24be_planar", Channels: 4, Layout: 0x33}},
		{[]string{"--header-bytes", "44"}, guess.Sound{Header: 44}},
	} {
		o, err := parsed(t, "", append(c.args, "x.pcm")...)
		if err != nil || o.sound.Sound != c.want || o.describesSound != (c.args != nil) {
			t.Errorf("%q: %+v, describes %v, %v; want %+v", c.args, o.sound.Sound, o.describesSound, err, c.want)
		}
	}
	for _, args := range [][]string{
		{"--sample-format", "s17"},
		{"--sample-rate", "0"},
		{"--sample-rate", "-8000"},
		{"--sample-rate", "900000"},
		{"--channels", "0"},
		{"--channels", "65"},
		{"--channels", "many"},
		{"--header-bytes", "-1"},
	} {
		if _, err := parsed(t, "", append(args, "x.pcm")...); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

func TestSoundContent(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	noise := make([]byte, 4000)
	wave := append([]byte("RIFF"), noise...)
	whole := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt "), noise...)
	for _, c := range []struct {
		name string
		data []byte
		args []string
		want demux.Content
	}{
		{"a.pcm", noise, nil, demux.RawAudio},
		{"a.pcm", whole, nil, demux.Media},
		{"a.cdda", noise, nil, demux.RawAudio},
		{"a.S24LE", noise, nil, demux.RawAudio},
		{"a.mulaw", noise, nil, demux.RawAudio},
		{"a.raw", noise, nil, demux.Media},
		{"a.raw", noise, []string{"--channels", "2"}, demux.RawAudio},
		{"a.raw", noise, []string{"--channels", "2", "--size", "16x16"}, demux.RawVideo},
		{"a.wav", wave, []string{"--channels", "2"}, demux.Media},
		{"voice_44100_16bit_2ch.raw", noise, nil, demux.RawAudio},
		{"voice_44100_16bit_2ch.raw", wave, nil, demux.Media},
		{"voice_44100_16bit_2ch.wav", noise, nil, demux.Media},
		{"video_352x288_44100_16bit.raw", noise, nil, demux.RawVideo},
		{"a.yuv", noise, []string{"--as", "raw-audio"}, demux.RawAudio},
	} {
		path := saved(t, c.name, c.data)
		if got := openerFor(t, append(c.args, path)...).content(path); got != c.want {
			t.Errorf("%s %q: %v, want %v", c.name, c.args, got, c.want)
		}
	}
	for _, c := range []struct {
		name string
		data []byte
		args []string
		want demux.Content
	}{
		{"a.pcm", noise, nil, demux.RawAudio},
		{"a.raw", noise, nil, demux.RawAudio},
		{"a.raw", wave, nil, demux.Media},
		{"a.wav", wave, []string{"--channels", "2"}, demux.Media},
		{"a.bin", noise, nil, demux.RawAudio},
		{"a", noise, nil, demux.RawAudio},
		{"a.bin", noise, []string{"--channels", "2"}, demux.RawAudio},
		{"voice_44100_16bit_2ch.bin", noise, nil, demux.RawAudio},
	} {
		p := openerFor(t, append(c.args, "--audio", saved(t, c.name, c.data), "x.yuv")...)
		if got := p.audioContent(); got != c.want {
			t.Errorf("--audio %s %q: %v, want %v", c.name, c.args, got, c.want)
		}
	}
}

// What was said of a file counts the next time, unless something else is said.
func TestSoundIsRemembered(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	path := saved(t, "a.raw", make([]byte, 8000))
	pictures := saved(t, "a_16x16.yuv", make([]byte, 384))
	run := func(want guess.Sound, args ...string) {
		t.Helper()
		p := openerFor(t, args...)
		src, err := p.open(t.Context(), p.o.sources[0])
		if err != nil {
			t.Fatal(err)
		}
		src.Close()
		if got, ok := p.files.Sound(p.o.sources[0]); !ok || got.Sound != want {
			t.Errorf("%q: opened as %+v, %v; want %+v", args, got.Sound, ok, want)
		}
	}
	run(guess.Sound{Format: "u8", Rate: 8000, Channels: 4, Layout: 0x33}, "--sample-format", "u8", "--sample-rate", "8000", "--channels", "quad", path)
	run(guess.Sound{Format: "u8", Rate: 8000, Channels: 4, Layout: 0x33}, path)
	run(guess.Sound{Format: "u8", Rate: 8000, Channels: 1, Header: 10}, "--channels", "1", "--header-bytes", "10", path)
	run(guess.Sound{Format: "u8", Rate: 8000, Channels: 1, Header: 10}, path)
	run(guess.Sound{Format: "u8", Rate: 8000, Channels: 1}, "--header-bytes", "0", path)
	run(guess.Sound{Format: "u8", Rate: 8000, Channels: 1}, path)
	run(guess.Sound{Format: "u8", Rate: 8000, Channels: 1}, "--audio", path, pictures)
	run(guess.Sound{Format: "u8", Rate: 16000, Channels: 1}, "--audio", path, "--sample-rate", "16000", "--header-bytes", "0", pictures)
	run(guess.Sound{Format: "u8", Rate: 16000, Channels: 1}, path)

	// What was said of it as pictures is the latest now.
	p := openerFor(t, "--size", "16x16", "--pixel-format", "gray", path)
	src, err := p.open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	src.Close()
	if got := openerFor(t, path).content(path); got != demux.RawVideo {
		t.Errorf("then it is %v, want raw video", got)
	}
	if _, _, ok := p.choices.lookupSound(path); ok {
		t.Error("it is remembered as sound too")
	}
}

// What has been edited into nonsense is not believed.
func TestSoundChoicesRefuse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raw-video.json")
	abs, err := filepath.Abs("x.raw")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		`"sound":{"sample_format":"bogus"}`, `"sound":{"sample_rate":-1}`, `"sound":{"sample_rate":5}`, `"sound":{"channels":65}`,
		`"sound":{"channels":-1}`, `"sound":{"channels":2,"layout":1}`, `"sound":{},"header_bytes":-1`, `"sound":[]`, `"sound":null`,
	} {
		if err := os.WriteFile(path, []byte(fmt.Sprintf(`[{"file":%q,%s}]`, abs, s)), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, _, ok := (&choices{path}).lookupSound("x.raw"); ok {
			t.Errorf("%s: %+v", s, got)
		}
	}
}

// Whatever the panel may have sound taken for can be opened and decoded.
func TestSetSound(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	name := saved(t, "a.pcm", make([]byte, 6400))
	p := openerFor(t, name)
	for _, format := range p.files.SampleFormats() {
		for _, channels := range []int{1, 2, 64} {
			if err := p.files.SetSound(name, guess.Sound{Format: format, Rate: 48000, Channels: channels, Header: 3}); err != nil {
				t.Fatal(err)
			}
			src, err := p.open(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := p.files.Sound(name)
			if !ok || !got.Sure || got.Format != format || got.Channels != channels || got.Bytes != 6400 || got.FrameBytes < int64(channels) || got.Header != 3 {
				t.Errorf("%s: %+v", format, got)
			}
			frames, err := soundFrames(t.Context(), src)
			if want := (6400 - 3) / got.FrameBytes; err != nil || frames != want {
				t.Errorf("%s, %d channels: %d frames, %v; want %d", format, channels, frames, err, want)
			}
		}
	}
	before, _ := p.files.Sound(name)
	for _, s := range []guess.Sound{
		{},
		{Format: "none", Rate: 48000, Channels: 2},
		{Format: "s16le", Channels: 2},
		{Format: "s16le", Rate: 48000},
		{Format: "s16le", Rate: 48000, Channels: 65},
		{Format: "s16le", Rate: 48000, Channels: -1},
		{Format: "s16le", Rate: 10, Channels: 2},
		{Format: "s16le", Rate: 48000, Channels: 2, Layout: 1},
		{Format: "s16le", Rate: 48000, Channels: 2, Header: -1},
		{Format: "s16le", Rate: 48000, Channels: 2, Header: 6400},
	} {
		if p.files.SetSound(name, s) == nil {
			t.Errorf("%+v can be chosen", s)
		}
	}
	if after, _ := p.files.Sound(name); after != before {
		t.Errorf("what was refused has changed %+v to %+v", before, after)
	}
	if p.files.SetSound("http://example.org/a.pcm", guess.Sound{Format: "s16le", Rate: 48000, Channels: 2}) == nil {
		t.Error("what the network brings can be headerless")
	}
}

// soundFrames counts what a source decodes to, and closes it.
func soundFrames(ctx context.Context, src demux.Source) (n int64, err error) {
	sound, err := player.ReadSound(ctx, src, -1)
	if err != nil {
		return 0, err
	}
	defer sound.Close()
	for {
		b, err := sound.Next(ctx)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		n += int64(b.Frames)
		b.Release()
	}
}

// Of a pair, the sound is asked about by the pictures' name.
func TestSoundOfAPair(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	sound := saved(t, "a.pcm", make([]byte, 8000))
	pictures := saved(t, "a_16x16_25fps.yuv", make([]byte, 384*25))
	p := openerFor(t, "--audio", sound, pictures)
	open := func() {
		t.Helper()
		src, err := p.open(t.Context(), pictures)
		if err != nil {
			t.Fatal(err)
		}
		src.Close()
	}
	open()
	if _, ok := p.files.Sound(pictures); !ok {
		t.Fatal("the pair has no raw sound")
	}
	want := guess.Sound{Format: "u8", Rate: 8000, Channels: 2}
	if err := p.files.SetSound(pictures, want); err != nil {
		t.Fatal(err)
	}
	open()
	if got, _ := p.files.Sound(pictures); got.Sound != want {
		t.Errorf("it is %+v, want %+v", got.Sound, want)
	}
	if _, ok := p.files.Raw(pictures); !ok || p.content(pictures) != demux.RawVideo {
		t.Error("the pictures are not raw video any more")
	}
	if g, err := p.files.SoundGuesses(t.Context(), pictures); err != nil || len(g) == 0 {
		t.Errorf("guesses: %v, %v", g, err)
	}
	if _, ok := p.files.Sound(sound); ok {
		t.Error("the file of --audio is asked about by its own name")
	}
}

// A file that is taken for video can be taken for sound, and the other way round.
func TestSoundAndPictures(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	name := saved(t, "a_16x16.yuv", make([]byte, 3840))
	p := openerFor(t, name)
	open := func(raw, sound bool) {
		t.Helper()
		src, err := p.open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		src.Close()
		_, isRaw := p.files.Raw(name)
		_, isSound := p.files.Sound(name)
		if isRaw != raw || isSound != sound {
			t.Errorf("video %v, sound %v; want %v, %v", isRaw, isSound, raw, sound)
		}
	}
	open(true, false)
	if err := p.files.SetSound(name, guess.Sound{Format: "s16le", Rate: 8000, Channels: 1}); err != nil {
		t.Fatal(err)
	}
	open(false, true)
	if err := p.files.SetRaw(name, controls.RawVideo{Video: guess.Video{Width: 16, Height: 16, PixelFormat: "gray"}}); err != nil {
		t.Fatal(err)
	}
	open(true, false)
}

func TestSampleFormats(t *testing.T) {
	names := newRawFiles().SampleFormats()
	if names[0] != "s16le" || !slices.Contains(names, "f64be_planar") || len(names) != 44 {
		t.Errorf("%d formats, from %s on", len(names), names[0])
	}
}

// In a pair the rate is the one with which the sound lasts as long as the pictures; what
// was said comes first.
func TestSoundLastsAsLongAsPictures(t *testing.T) {
	pictures := saved(t, "a_16x16_25fps.yuv", make([]byte, 384*50)) // 2 s
	for _, c := range []struct {
		frames   int
		flags    []string
		want     int
		expected bool
	}{
		{88200, nil, 44100, true},
		{96000, nil, 48000, true},
		{32000, nil, 16000, true},
		{96000, []string{"--sample-rate", "44100"}, 44100, false},
		{50000, nil, 44100, false}, // nothing fits
	} {
		t.Setenv("XDG_STATE_HOME", t.TempDir())
		var pcm []byte
		for i := range c.frames { // two channels that differ
			pcm = binary.LittleEndian.AppendUint16(pcm, uint16(int16(9000*math.Sin(float64(i)/20))))
			pcm = binary.LittleEndian.AppendUint16(pcm, uint16(int16(5000*math.Sin(float64(i)/31))))
		}
		sound := saved(t, "a.pcm", pcm)
		p := openerFor(t, append(c.flags, "--audio", sound, pictures)...)
		src, err := p.open(t.Context(), pictures)
		if err != nil {
			t.Fatal(err)
		}
		src.Close()
		got, _ := p.files.Sound(pictures)
		if got.Rate != c.want || got.Format != "s16le" || got.Channels != 2 || c.flags == nil && got.Sure != c.expected {
			t.Errorf("%d frames for 2 s, flags %q: %+v, want %d Hz, needing no question: %v", c.frames, c.flags, got, c.want, c.expected)
		}
	}
}
