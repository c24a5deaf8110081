package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Tones of the two tracks of twoTracks, and of the second one's right channel, in Hz.
const (
	firstTone, secondTone, rightTone = 440, 1000, 3000
)

// twoTracks is 4 s of pictures with two tracks of sound of different formats: English,
// and German, the default one, whose channels differ.
func twoTracks(t *testing.T) string {
	t.Helper()
	need(t, "ffmpeg")
	out := filepath.Join(t.TempDir(), "two.mkv")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc=s=64x64:r=25:d=4",
		"-f", "lavfi", "-i", fmt.Sprintf("sine=f=%d:r=48000:d=4", firstTone),
		"-f", "lavfi", "-i", fmt.Sprintf("aevalsrc=0.5*sin(2*PI*%d*t)|0.5*sin(2*PI*%d*t):s=44100:d=4", secondTone, rightTone),
		"-map", "0", "-map", "1", "-map", "2", "-c:v", "ffv1", "-c:a:0", "pcm_s16le", "-c:a:1", "flac", "-sample_fmt:a:1", "s16",
		"-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger", "-metadata:s:a:1", "title=Zwei\n\x07Zeilen",
		"-disposition:a:0", "0", "-disposition:a:1", "default", out)
	return out
}

// level is how strong a tone is in one channel of 16-bit sound, from 0 to 1 for a
// full-scale sine.
func (w wave) level(channel int, hz float64) float64 {
	step := w.channels * 2
	n := len(w.pcm) / step
	var re, im float64
	for i := range n {
		v := float64(int16(uint16(w.pcm[i*step+2*channel]) | uint16(w.pcm[i*step+2*channel+1])<<8))
		p := 2 * math.Pi * hz * float64(i) / float64(w.rate)
		re, im = re+v*math.Cos(p), im+v*math.Sin(p)
	}
	return 2 * math.Hypot(re, im) / float64(max(n, 1)) / 32768
}

func TestAudioTrack(t *testing.T) {
	t.Parallel()
	clip := twoTracks(t)
	for _, c := range []struct {
		args        []string
		says        string
		left, right float64 // the tone, Hz
		channels    int
	}{
		{nil, "", secondTone, rightTone, 2},
		{[]string{"--audio-track", "1"}, "", firstTone, 0, 1},
		{[]string{"--audio-track", "en"}, "", firstTone, 0, 1},
		{[]string{"--audio-track", "deu"}, "", secondTone, rightTone, 2},
		{[]string{"--audio-track", "3"}, "no sound track 3; there is: 1 eng, 2 ger", secondTone, rightTone, 2},
		{[]string{"--audio-track", "fr"}, `no sound track "fr"`, secondTone, rightTone, 2},
		{[]string{"--channel-map", "2,1"}, "", rightTone, secondTone, 2},
		{[]string{"--channel-map", "2,2"}, "", rightTone, rightTone, 2},
		{[]string{"--channel-map", "2"}, "", rightTone, 0, 1},
		{[]string{"--channel-map", "-,1"}, "", 0, secondTone, 2},
	} {
		t.Run(fmt.Sprint(c.args), func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "out.wav")
			r := planar(t, append([]string{"--vo", "null", "--ao", "wav:" + out, clip}, c.args...))
			if c.says == "" {
				r.ok(t)
			} else if r.code != 0 || !strings.Contains(r.stderr, c.says) || strings.Count(r.stderr, "\n") != 1 {
				t.Errorf("exit code %d, %q; want 0 and a line with %q", r.code, r.stderr, c.says)
			}
			w := parseWave(t, read(t, out))
			if w.channels != c.channels || w.bits != 16 {
				t.Fatalf("%d channels of %d bits, want %d of 16", w.channels, w.bits, c.channels)
			}
			if d := float64(len(w.pcm)) / float64(2*w.channels*w.rate); math.Abs(d-4) > 0.01 {
				t.Errorf("%.3f s of sound, want 4", d)
			}
			for ch, want := range []float64{c.left, c.right}[:w.channels] {
				for _, hz := range []float64{firstTone, secondTone, rightTone} {
					if got := w.level(ch, hz); (got > 0.05) != (hz == want) {
						t.Errorf("channel %d: %v Hz has the level %.3f", ch, hz, got)
					}
				}
			}
		})
	}
	none := filepath.Join(t.TempDir(), "none.wav")
	planar(t, []string{"--vo", "null", "--ao", "wav:" + none, "--audio-track", "none", clip}).ok(t)
	if exists(none) {
		t.Error("--audio-track none opens an output")
	}
	for _, args := range [][]string{{"--audio-track", "what ever"}, {"--audio-track", "0"}, {"--video-track", "-1"}, {"--channel-map", "L,R"}} {
		if r := planar(t, append(args, clip)); r.code != 1 || !strings.Contains(r.stderr, args[0]) {
			t.Errorf("%q: exit code %d, %q; want 1 and the flag named", args, r.code, r.stderr)
		}
	}
}

func TestProbeTracks(t *testing.T) {
	t.Parallel()
	clip := twoTracks(t)
	planar(t, []string{"probe", clip}).ok(t)
	var p struct {
		Streams []struct {
			Kind, Language, Title string
			Track                 int
			Default               bool
		}
	}
	if err := json.Unmarshal([]byte(planar(t, []string{"probe", "--json", clip}).ok(t).stdout), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Streams) != 3 {
		t.Fatalf("%d streams", len(p.Streams))
	}
	if s := p.Streams[1]; s.Language != "eng" || s.Track != 1 || s.Default {
		t.Errorf("%+v", s)
	}
	if s := p.Streams[2]; s.Language != "ger" || s.Track != 2 || !s.Default || s.Title != "Zwei Zeilen" {
		t.Errorf("%+v", s)
	}
}

// The key for the next track, in the window, in real time: both tones are in the file,
// one after the other, and all of the time.
func TestSwitchTrack(t *testing.T) {
	t.Parallel()
	clip := twoTracks(t)
	s := newScreen(t)
	out := filepath.Join(t.TempDir(), "out.wav")
	w := s.desk("--ao", "wav:"+out, "--exit", clip)
	until(t, 5*time.Second, "it plays", func() bool { return w.number() > 20 })
	w.strike("a")
	w.process.result(20 * time.Second).ok(t)
	v := parseWave(t, read(t, out))
	if d := float64(len(v.pcm)) / float64(2*v.channels*v.rate); math.Abs(d-4) > 0.05 {
		t.Errorf("%.3f s of sound, want 4: nothing is lost or twice", d)
	}
	half := len(v.pcm) / 8 * 4
	first, last := v, v
	first.pcm, last.pcm = v.pcm[:half/4], v.pcm[half+half/2:]
	if l := first.level(0, secondTone); l < 0.3 {
		t.Errorf("the first track has the level %.3f at the beginning", l)
	}
	if l := last.level(0, firstTone); l < 0.03 {
		t.Errorf("the other track has the level %.3f at the end", l)
	}
	if l := last.level(0, secondTone); l > 0.03 {
		t.Errorf("the first track has the level %.3f at the end", l)
	}
}
