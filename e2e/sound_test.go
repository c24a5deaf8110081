package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"planar/audio"
	"planar/audio/audiotest"
)

// SDL's dummy and disk drivers do not keep true time, so no test of time uses
// them: wav and null outputs of planar's own, or PulseAudio's null sink.

// wave is what a WAVE file says and holds.
type wave struct {
	tag, channels, bits int
	rate                int
	pcm                 []byte
}

func parseWave(t testing.TB, b []byte) (w wave) {
	t.Helper()
	e := binary.LittleEndian
	if len(b) < 44 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" || int(e.Uint32(b[4:])) != len(b)-8 {
		t.Fatalf("not a whole WAVE file: %d bytes, % x", len(b), b[:min(len(b), 44)])
	}
	for at := 12; at+8 <= len(b); {
		name, size := string(b[at:at+4]), int(e.Uint32(b[at+4:]))
		at += 8
		if at+size > len(b) {
			t.Fatalf("chunk %q of %d bytes in the remaining %d", name, size, len(b)-at)
		}
		body := b[at : at+size]
		switch name {
		case "fmt ":
			w.tag, w.channels, w.rate, w.bits = int(e.Uint16(body)), int(e.Uint16(body[2:])), int(e.Uint32(body[4:])), int(e.Uint16(body[14:]))
			if w.tag == 0xfffe {
				w.tag = int(e.Uint16(body[24:]))
			}
		case "data":
			w.pcm = body
		}
		at += size + size%2
	}
	return w
}

// sameSound compares sample by sample.
func sameSound(t testing.TB, got, want []byte, frame int) {
	t.Helper()
	if len(bytes.Trim(want, "\x00")) < len(want)/2 || len(want) == 0 {
		t.Error("silence is expected: the test is worth nothing")
	}
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	t.Errorf("%d frames, want %d; they differ from frame %d on", len(got)/frame, len(want)/frame, at/frame)
}

func TestWaveIsExact(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	type c struct {
		sample         string // FFmpeg's name of the raw format
		rate, channels int
		tag, bits      int
		as             string // what is written, by FFmpeg's name
	}
	var cases []c
	for _, sample := range []string{
		"s8", "u8", "s16le", "s16be", "u16le", "u16be", "s24le", "s24be", "u24le", "u24be", "s32le", "s32be", "u32le", "u32be",
		"f32le", "f32be", "f64le", "f64be", "mulaw", "alaw",
	} {
		k := c{sample: sample, rate: 22050, channels: 2, tag: 1, bits: 16, as: "s16le"}
		switch {
		case sample[0] == 'f':
			k.tag, k.bits, k.as = 3, 32, "f32le"
		case strings.Contains(sample, "24"), strings.Contains(sample, "32"):
			k.bits, k.as = 32, "s32le"
		}
		cases = append(cases, k)
	}
	cases = append(cases,
		c{"s16le", 44100, 2, 1, 16, "s16le"}, c{"s16le", 8000, 1, 1, 16, "s16le"}, c{"s24le", 48000, 2, 1, 32, "s32le"},
		c{"s32le", 384000, 2, 1, 32, "s32le"}, c{"s16le", 48000, 6, 1, 16, "s16le"}, c{"s16le", 8000, 32, 1, 16, "s16le"},
		c{"s24be", 8000, 32, 1, 32, "s32le"}, c{"f64le", 384000, 1, 3, 32, "f32le"}, c{"u8", 8000, 64, 1, 16, "s16le"},
	)
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s %d %d", c.sample, c.rate, c.channels), func(t *testing.T) {
			t.Parallel()
			// 0.2345 s of noise: no whole number of anything.
			frames := c.rate * 2345 / 10000
			channels := fmt.Sprint(c.channels)
			// The noise of one channel is taken for that of several, so that all differ.
			raw := write(t, "x.pcm", ffmpeg(t, "-f", "lavfi", "-i", fmt.Sprintf("anoisesrc=seed=7:amplitude=0.9:sample_rate=%d", c.rate),
				"-af", fmt.Sprintf("atrim=end_sample=%d", frames*c.channels), "-ac", "1", "-f", c.sample, "-"))
			want := ffmpeg(t, "-f", c.sample, "-ar", fmt.Sprint(c.rate), "-ac", "1", "-i", raw, "-f", c.as, "-")
			planes := write(t, "planes.pcm", unweave(read(t, raw), len(read(t, raw))/frames/c.channels, c.channels))
			for sample, file := range map[string]string{c.sample: raw, c.sample + "_planar": planes} {
				out := filepath.Join(t.TempDir(), "out.wav")
				planar(t, []string{
					"--vo", "null", "--ao", "wav:" + out, "--sample-format", sample, "--sample-rate", fmt.Sprint(c.rate),
					"--channels", channels, file,
				}).ok(t)
				w := parseWave(t, read(t, out))
				if w.tag != c.tag || w.bits != c.bits || w.rate != c.rate || w.channels != c.channels {
					t.Errorf("%s: format %d of %d bits, %d Hz, %d channels", sample, w.tag, w.bits, w.rate, w.channels)
				}
				frame := c.channels * c.bits / 8
				if len(w.pcm) != frames*frame {
					t.Errorf("%s: %d frames, want exactly %d", sample, len(w.pcm)/frame, frames)
				}
				sameSound(t, w.pcm, want, frame)
			}
		})
	}
}

// unweave puts the channels of interleaved samples one after another.
func unweave(b []byte, size, channels int) (out []byte) {
	for c := range channels {
		for at := c * size; at+size <= len(b); at += size * channels {
			out = append(out, b[at:at+size]...)
		}
	}
	return out
}

// cd says what noise16 is, which the content of noise cannot.
var cd = []string{"--sample-format", "s16", "--sample-rate", "44100", "--channels", "stereo"}

// Whatever of a raw sound file is asked for comes, to the sample.
func TestWaveOfParts(t *testing.T) {
	t.Parallel()
	pcm := noise16(44100)
	raw := write(t, "x.pcm", pcm)
	for _, c := range []struct {
		name  string
		flags []string
		want  []byte
	}{
		{"whole", []string{raw}, pcm},
		{"loop", []string{"--loop", "3", raw}, bytes.Repeat(pcm, 3)},
		{"start", []string{"--start", "0.5", raw}, pcm[22050*4:]},
		{"start at a sample", []string{"--start", fmt.Sprintf("%.9f", 12345.0/44100), raw}, pcm[12345*4:]},
		{"start at the last sample", []string{"--start", fmt.Sprintf("%.9f", 44099.0/44100), raw}, pcm[44099*4:]},
		{"loop from a start", []string{"--start", fmt.Sprintf("%.9f", 777.0/44100), "--loop", "2", raw}, append(bytes.Clone(pcm[777*4:]), pcm...)},
		{"two files", []string{raw, raw}, pcm}, // each begins the file anew
		{"header", []string{"--header-bytes", "400", raw}, pcm[400:]},
		{"stdin", []string{"-"}, pcm},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "out.wav")
			planar(t, slices.Concat(cd, []string{"--vo", "null", "--ao", "wav:" + out}, c.flags), stdin(bytes.NewReader(pcm))).ok(t)
			w := parseWave(t, read(t, out))
			if w.rate != 44100 || w.channels != 2 || w.bits != 16 {
				t.Errorf("%d Hz, %d channels, %d bits", w.rate, w.channels, w.bits)
			}
			sameSound(t, w.pcm, c.want, 4)
		})
	}
}

// The end of a file beyond 4 GiB is found.
func TestHugeSound(t *testing.T) {
	t.Parallel()
	tail := noise16(4410)
	raw := write(t, "x.pcm", []byte{0})
	f, err := os.OpenFile(raw, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const frames = 5 << 30 / 4
	if _, err := f.WriteAt(tail, 4*(frames-4410)); err != nil {
		t.Skip("no sparse file of 5 GiB can be here:", err)
	}
	out := filepath.Join(t.TempDir(), "out.wav")
	planar(t, append([]string{"--vo", "null", "--ao", "wav:" + out, "--start", fmt.Sprintf("%.9f", (frames-4410)/44100.0), raw}, cd...)).ok(t)
	sameSound(t, parseWave(t, read(t, out)).pcm, tail, 4)
}

// What was not said is guessed, and told in a line; what was said is remembered.
func TestSoundIsGuessed(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	state := t.TempDir()
	with := env("XDG_STATE_HOME=" + state)
	tone := func(rate int) []byte { // of two channels that differ, and that no other format is as smooth in
		return ffmpeg(t, "-f", "lavfi", "-i", "sine=440:d=1", "-f", "lavfi", "-i", "sine=1234:d=1", "-filter_complex", "amerge", "-ar", fmt.Sprint(rate), "-f", "s16le", "-")
	}
	pcm := tone(48000)
	told := write(t, "voice_48000_16bit_2ch.raw", pcm)
	usual := write(t, "usual.pcm", pcm)
	swapped := slices.Clone(pcm)
	for i := 0; i < len(swapped); i += 2 {
		swapped[i], swapped[i+1] = pcm[i+1], pcm[i]
	}
	vague := write(t, "vague.pcm", swapped)
	for _, c := range []struct {
		name string
		args []string
		rate int
		says []string // none: silence
	}{
		{"by name", []string{told}, 48000, nil},
		{"what is expected", []string{usual}, 44100, nil},
		{"by content", []string{vague}, 44100, []string{"vague.pcm", "s16be, 44100 Hz, 2 channels", "a guess"}},
		{"by a flag", []string{"--sample-format", "s16be", "--sample-rate", "22050", "--channels", "2", vague}, 22050, nil},
		{"remembered", []string{vague}, 22050, nil},
		{"a flag comes first", []string{"--sample-rate", "32000", vague}, 32000, nil},
		{"the latest", []string{vague}, 32000, nil},
		{"forgotten", []string{"--forget", vague}, 44100, []string{"a guess"}},
		{"standard input", []string{"--as", "raw-audio", "-"}, 44100, nil},
	} {
		out := filepath.Join(t.TempDir(), "out.wav")
		r := planar(t, append([]string{"--vo", "null", "--ao", "wav:" + out}, c.args...), with, stdin(bytes.NewReader(pcm)))
		if c.says == nil {
			r.ok(t)
		} else {
			r.fails(t, 0, c.says...)
		}
		w := parseWave(t, read(t, out))
		if w.rate != c.rate || w.channels != 2 || !bytes.Equal(w.pcm, pcm) {
			t.Errorf("%s: %d Hz, %d channels, the same samples: %v; want %d Hz, 2", c.name, w.rate, w.channels, bytes.Equal(w.pcm, pcm), c.rate)
		}
	}
	planar(t, []string{"--vo", "null", "--ao", "null", "--sample-format", "s16_planar", "-"}, with, stdin(bytes.NewReader(pcm))).fails(t, 2, "pipe")
}

func TestProbeSound(t *testing.T) {
	t.Parallel()
	pcm := slices.Concat(make([]byte, 4*22050), noise16(44100), make([]byte, 4*22050))
	raw := write(t, "x.pcm", pcm)
	r := planar(t, append([]string{"probe", "--json", raw}, cd...)).ok(t)
	var got struct {
		Duration float64 `json:"duration_s"`
		Sounds   []struct {
			Format   string `json:"sample_format"`
			Rate     int    `json:"sample_rate"`
			Channels int
			Sure     bool
		} `json:"sound_candidates"`
		Content struct {
			Whole    bool
			Peak     float64 `json:"peak_dbfs"`
			Leading  float64 `json:"leading_silence_s"`
			Trailing float64 `json:"trailing_silence_s"`
			Share    float64 `json:"silence_share"`
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		t.Fatal(err, r.stdout)
	}
	if len(got.Sounds) != 1 || got.Sounds[0].Format != "s16le" || got.Sounds[0].Rate != 44100 || got.Sounds[0].Channels != 2 || !got.Sounds[0].Sure {
		t.Errorf("candidates %+v", got.Sounds)
	}
	if c := got.Content; got.Duration != 2 || !c.Whole || c.Leading != 0.5 || c.Trailing != 0.5 || c.Share != 0.5 || c.Peak < -1 || c.Peak > 0 {
		t.Errorf("%v s, %+v", got.Duration, c)
	}
	r = planar(t, append([]string{"probe", raw}, cd...)).ok(t)
	for _, s := range []string{"x.pcm: raw audio", "00:02.000", "peak", "DC offset", "digital silence 50 %", "0.5 s at the beginning", "0.5 s at the end", "s16le, 44100 Hz, 2 channels"} {
		if !strings.Contains(r.stdout, s) {
			t.Errorf("no %q in: %s", s, r.stdout)
		}
	}
}

// noise16 is n frames of stereo noise that begins and ends with sound.
func noise16(n int) []byte {
	return audiotest.Noise(audio.Format{Sample: audio.S16, Rate: 44100, Channels: 2}, n)
}

// Sound of containers comes out as FFmpeg decodes it, and pictures lose none.
func TestWaveOfMovies(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	av := []string{"-f", "lavfi", "-i", "testsrc=size=176x144:rate=25", "-f", "lavfi", "-i", "anoisesrc=seed=3:amplitude=0.5:sample_rate=48000", "-t", "2"}
	for _, c := range []struct {
		name string
		args []string
	}{
		{"pcm.wav", []string{"-map", "1", "-ac", "2", "-c:a", "pcm_s16le"}},
		{"flac.mkv", []string{"-c:v", "mpeg2video", "-ac", "2", "-c:a", "flac", "-sample_fmt", "s16"}},
		{"pcm.mov", []string{"-c:v", "mjpeg", "-ac", "2", "-c:a", "pcm_s16le"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := clip(t, "sound-"+c.name, append(av, c.args...)...)
			want := ffmpeg(t, "-i", path, "-map", "0:a:0", "-f", "s16le", "-")
			out := filepath.Join(t.TempDir(), "out.wav")
			planar(t, []string{"--vo", "null", "--untimed", "--ao", "wav:" + out, path}).ok(t)
			w := parseWave(t, read(t, out))
			if w.rate != 48000 || w.channels != 2 || w.bits != 16 {
				t.Errorf("%d Hz, %d channels, %d bits", w.rate, w.channels, w.bits)
			}
			sameSound(t, w.pcm, want, 4)
		})
	}
}

// A pair of raw files: every picture, every sample.
func TestPair(t *testing.T) {
	t.Parallel()
	raw := rawClip(t, 176, 144, 50) // 2 s
	pcm := noise16(2 * 44100)
	sound := write(t, "x.pcm", pcm)
	for _, flags := range [][]string{{"--vo", "hash"}, {"--vo", "null"}} {
		t.Run(flags[1], func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "out.wav")
			r := planar(t, slices.Concat(cd, flags, []string{"--ao", "wav:" + out, "--stats", filepath.Join(t.TempDir(), "stats"), "--audio", sound, raw})).ok(t)
			sameSound(t, parseWave(t, read(t, out)).pcm, pcm, 4)
			if flags[1] == "hash" {
				samePictures(t, parseHashes(t, r.stdout), hashes(t, []string{raw}))
			}
		})
	}
}

// Without a sound device the picture plays all the same.
func TestNoSoundDevice(t *testing.T) {
	t.Parallel()
	raw := rawClip(t, 176, 144, 25)
	pcm := write(t, "x.pcm", noise16(44100))
	for _, c := range []struct {
		name string
		env  []string
	}{
		{"no such driver", []string{"SDL_AUDIODRIVER=none-such"}},
		{"no server", []string{"SDL_AUDIODRIVER=pulseaudio", "PULSE_SERVER=unix:/nonexistent/socket"}},
		{"no card", []string{"SDL_AUDIODRIVER=alsa", "ALSA_CONFIG_PATH=/nonexistent"}},
		{"nothing said", []string{"PULSE_SERVER=unix:/nonexistent/socket", "ALSA_CARD=none-such", "ALSA_CONFIG_PATH=/nonexistent"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := planar(t, append([]string{"--vo", "null", "--stats", "-", "--audio", pcm, raw}, cd...), env(c.env...))
			r.fails(t, 0, "sound", "playing without sound")
			if s := lastStats(t, r.stdout); s.Shown+s.Dropped != 25 || s.Shown < 20 {
				t.Errorf("shown %d, dropped %d, of 25", s.Shown, s.Dropped)
			}
			if r.took < 900*time.Millisecond || r.took > 3*time.Second {
				t.Errorf("one second took %v", r.took)
			}
			// Sound alone cannot be played.
			planar(t, append([]string{"--vo", "null", pcm}, cd...), env(c.env...)).fails(t, 2, "x.pcm", "cannot be played")
		})
	}
}

// Through a sound server: every sample, once, in order, and in its time. It
// runs alone, and another time if a busy machine has interrupted the recording.
func TestPulseAudio(t *testing.T) {
	need(t, "pulseaudio", "pactl", "parec")
	f := audio.Format{Sample: audio.S16, Rate: 44100, Channels: 2}
	pulse := audiotest.StartPulse(t, f)
	server := []string{"SDL_AUDIODRIVER=pulseaudio", "PULSE_SERVER=" + os.Getenv("PULSE_SERVER"), "XDG_RUNTIME_DIR=" + os.Getenv("XDG_RUNTIME_DIR"), "HOME=" + os.Getenv("HOME")}
	pcm := noise16(3 * 44100)
	sound := write(t, "x.pcm", pcm)
	raw := rawClip(t, 176, 144, 75) // 3 s
	for _, c := range []struct {
		name string
		args []string
	}{
		{"sound alone", []string{sound}},
		{"a pair", []string{"--audio", sound, raw}},
	} {
		t.Run(c.name, func(t *testing.T) {
			const attempts = 3
			for attempt := 1; ; attempt++ {
				rec := pulse.Record(t)
				time.Sleep(100 * time.Millisecond)
				from := len(rec.Bytes())
				r := planar(t, slices.Concat(cd, []string{"--vo", "null", "--exit", "--stats", "-"}, c.args), env(server...)).ok(t)
				time.Sleep(300 * time.Millisecond)
				got := trimSilence(rec.Bytes()[from/4*4:])
				s := lastStats(t, r.stdout)
				if s.Underruns == 0 && bytes.Equal(got, pcm) {
					// The last of its samples has been heard when it ends, and not long before.
					if r.took < 2900*time.Millisecond || r.took > 5*time.Second {
						t.Errorf("three seconds took %v", r.took)
					}
					for _, s := range allStats(t, r.stdout) {
						if s.AVDiff != nil && math.Abs(*s.AVDiff) > 40 {
							t.Errorf("picture minus sound: %v ms", *s.AVDiff)
						}
					}
					return
				}
				if attempt == attempts {
					t.Errorf("%d underruns, silence in it: %s", s.Underruns, gaps(got))
					sameSound(t, got, pcm, 4)
					return
				}
				t.Logf("once more: %d underruns, %d frames of %d; silence in it: %s", s.Underruns, len(got)/4, len(pcm)/4, gaps(got))
			}
		})
	}
}

// trimSilence takes silent frames off both ends.
func trimSilence(b []byte) []byte {
	b = b[:len(b)/4*4]
	for len(b) > 0 && strings.Trim(string(b[:4]), "\x00") == "" {
		b = b[4:]
	}
	for len(b) > 0 && strings.Trim(string(b[len(b)-4:]), "\x00") == "" {
		b = b[:len(b)-4]
	}
	return b
}

// gaps lists the runs of silent frames in noise, which has none.
func gaps(b []byte) string {
	text, silent := "", 0
	for i := 0; i+4 <= len(b); i += 4 {
		if binary.LittleEndian.Uint32(b[i:]) == 0 {
			silent++
			continue
		}
		if silent > 0 {
			text += fmt.Sprintf(" %d frames before %d", silent, i/4)
		}
		silent = 0
	}
	return text
}

// The loudness of a tone is what EBU Tech 3341 says: a sine of 1 kHz at -23 dBFS in
// two channels is -23 LUFS. Volume and speed do not change it; without sound, and of
// what does not last long enough, nothing is said.
func TestLoudness(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	tone := func(seconds, channels string) string {
		return write(t, "tone.wav", ffmpeg(t, "-f", "lavfi", "-i", "aevalsrc=pow(10\\,-23/20)*sin(2*PI*1000*t):s=48000:d="+seconds,
			"-af", "pan="+channels, "-c:a", "pcm_s24le", "-f", "wav", "-"))
	}
	long := tone("5", "stereo|c0=c0|c1=c0")
	for _, c := range []struct {
		name  string
		file  string
		flags []string
		lufs  float64 // 0: not known
		peak  float64 // dBFS and dBTP; 0: not known
	}{
		{"stereo", long, nil, -23, -23},
		{"volume and speed", long, []string{"--volume", "0.1", "--speed", "2"}, -23, -23},
		{"mono", tone("5", "mono|c0=c0"), nil, -26, -23},
		{"short", tone("0.2", "stereo|c0=c0|c1=c0"), nil, 0, -23},
		{"32 channels", tone("2", "32 channels|c7=c0"), nil, 0, -23},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := planar(t, append([]string{"--vo", "null", "--ao", "null", "--untimed", "--exit", "--stats", "-", c.file}, c.flags...)).ok(t)
			s := lastStats(t, r.stdout)
			check := func(name string, got *float64, want, tolerance float64) {
				switch {
				case got == nil && want != 0:
					t.Errorf("%s is not told, want %.1f", name, want)
				case got != nil && want == 0:
					t.Errorf("%s is %.2f, want none", name, *got)
				case got != nil && math.Abs(*got-want) > tolerance:
					t.Errorf("%s is %.2f, want %.1f", name, *got, want)
				}
			}
			check("integrated loudness", s.Integrated, c.lufs, 0.3)
			check("momentary loudness", s.Momentary, c.lufs, 0.3)
			check("short-term loudness", s.ShortTerm, c.lufs, 0.3)
			check("sample peak", s.SamplePeak, c.peak, 0.1)
			check("true peak", s.TruePeak, c.peak, 0.3)
			if known := s.LoudRange != nil; known != (c.lufs != 0) || known && *s.LoudRange > 0.5 {
				t.Errorf("loudness range %v, want about 0 where there is loudness", s.LoudRange)
			}
		})
	}
}
