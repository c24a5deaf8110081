package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
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
	for _, c := range []c{
		{"s16le", 44100, 2, 1, 16, "s16le"},
		{"s16le", 8000, 1, 1, 16, "s16le"},
		{"s16be", 44100, 2, 1, 16, "s16le"},
		{"u8", 22050, 1, 1, 16, "s16le"},
		{"s24le", 48000, 2, 1, 32, "s32le"},
		{"s32le", 96000, 2, 1, 32, "s32le"},
		{"f32le", 48000, 2, 3, 32, "f32le"},
		{"f64le", 48000, 1, 3, 32, "f32le"},
		{"mulaw", 8000, 1, 1, 16, "s16le"},
		{"alaw", 8000, 1, 1, 16, "s16le"},
		{"s16le", 48000, 6, 1, 16, "s16le"},
	} {
		t.Run(fmt.Sprintf("%s %d %d", c.sample, c.rate, c.channels), func(t *testing.T) {
			t.Parallel()
			// 1.2345 s of noise: no whole number of anything.
			frames := c.rate * 12345 / 10000
			raw := write(t, "x.pcm", ffmpeg(t, "-f", "lavfi", "-i", fmt.Sprintf("anoisesrc=seed=7:amplitude=0.9:sample_rate=%d", c.rate),
				"-af", fmt.Sprintf("atrim=end_sample=%d", frames), "-ac", fmt.Sprint(c.channels), "-f", c.sample, "-"))
			want := ffmpeg(t, "-f", c.sample, "-ar", fmt.Sprint(c.rate), "-ac", fmt.Sprint(c.channels), "-i", raw, "-f", c.as, "-")
			out := filepath.Join(t.TempDir(), "out.wav")
			planar(t, []string{
				"--vo", "null", "--ao", "wav:" + out, "--sample-format", c.sample, "--sample-rate", fmt.Sprint(c.rate),
				"--channels", fmt.Sprint(c.channels), raw,
			}).ok(t)
			w := parseWave(t, read(t, out))
			if w.tag != c.tag || w.bits != c.bits || w.rate != c.rate || w.channels != c.channels {
				t.Errorf("format %d of %d bits, %d Hz, %d channels", w.tag, w.bits, w.rate, w.channels)
			}
			frame := c.channels * c.bits / 8
			if len(w.pcm) != frames*frame {
				t.Errorf("%d frames, want exactly %d", len(w.pcm)/frame, frames)
			}
			sameSound(t, w.pcm, want, frame)
		})
	}
}

// The default for a raw sound file is 44.1 kHz, 16 bits, stereo.
func TestWaveOfDefaults(t *testing.T) {
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
		{"two files", []string{raw, raw}, pcm}, // each begins the file anew
		{"header", []string{"--header-bytes", "400", raw}, pcm[400:]},
		{"stdin", []string{"--sample-rate", "44100", "-"}, pcm},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "out.wav")
			planar(t, append([]string{"--vo", "null", "--ao", "wav:" + out}, c.flags...), stdin(bytes.NewReader(pcm))).ok(t)
			w := parseWave(t, read(t, out))
			if w.rate != 44100 || w.channels != 2 || w.bits != 16 {
				t.Errorf("%d Hz, %d channels, %d bits", w.rate, w.channels, w.bits)
			}
			sameSound(t, w.pcm, c.want, 4)
		})
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
			r := planar(t, append(flags, "--ao", "wav:"+out, "--stats", filepath.Join(t.TempDir(), "stats"), "--audio", sound, raw)).ok(t)
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
			r := planar(t, []string{"--vo", "null", "--stats", "-", "--audio", pcm, raw}, env(c.env...))
			r.fails(t, 0, "sound", "playing without sound")
			if s := lastStats(t, r.stdout); s.Shown+s.Dropped != 25 || s.Shown < 20 {
				t.Errorf("shown %d, dropped %d, of 25", s.Shown, s.Dropped)
			}
			if r.took < 900*time.Millisecond || r.took > 3*time.Second {
				t.Errorf("one second took %v", r.took)
			}
			// Sound alone cannot be played.
			planar(t, []string{"--vo", "null", pcm}, env(c.env...)).fails(t, 2, "x.pcm", "cannot be played")
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
				r := planar(t, append([]string{"--vo", "null", "--exit", "--stats", "-"}, c.args...), env(server...)).ok(t)
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
