package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stats is a line of --stats.
type stats struct {
	Elapsed      float64  `json:"elapsed_s"`
	Final        *bool    `json:"final"`
	Source       string   `json:"source"`
	State        string   `json:"state"`
	Frame        int64    `json:"frame"`
	PTS          float64  `json:"pts_s"`
	Duration     float64  `json:"duration_s"`
	Shown        int64    `json:"shown"`
	Dropped      int64    `json:"dropped"`
	Late         int64    `json:"late"`
	Duplicated   int64    `json:"duplicated"`
	Decoded      int64    `json:"decoded"`
	DecodeErrors int64    `json:"decode_errors"`
	AVDiff       *float64 `json:"av_diff_ms"`
	Underruns    int64    `json:"underruns"`
	Momentary    *float64 `json:"loudness_momentary_lufs"`
	ShortTerm    *float64 `json:"loudness_short_term_lufs"`
	Integrated   *float64 `json:"loudness_integrated_lufs"`
	LoudRange    *float64 `json:"loudness_range_lu"`
	SamplePeak   *float64 `json:"sample_peak_dbfs"`
	TruePeak     *float64 `json:"true_peak_dbtp"`
	Reconnects   int64    `json:"reconnects"`
	BytesRead    int64    `json:"bytes_read"`
	CPU          *float64 `json:"cpu"`
	RSS          float64  `json:"rss_mb"`
}

// allStats reads whole lines; what is still being written is left out.
func allStats(t testing.TB, out string) (all []stats) {
	t.Helper()
	for line := range strings.Lines(out) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		var s stats
		if err := json.Unmarshal([]byte(line), &s); err != nil || s.Final == nil {
			t.Fatalf("not a line of statistics: %q: %v", line, err)
		}
		all = append(all, s)
	}
	return all
}

func lastStats(t testing.TB, out string) stats {
	t.Helper()
	all := allStats(t, out)
	if len(all) == 0 {
		t.Fatal("no statistics")
	}
	return all[len(all)-1]
}

func TestStatsFile(t *testing.T) {
	t.Parallel()
	raw := rawClip(t, 176, 144, 60) // 2.4 s
	path := filepath.Join(t.TempDir(), "stats.jsonl")
	r := planar(t, []string{"--vo", "null", "--ao", "null", "--stats", path, raw}).ok(t)
	if r.stdout != "" {
		t.Errorf("stdout: %q", r.stdout)
	}
	all := allStats(t, string(read(t, path)))
	if len(all) < 3 {
		t.Fatalf("%d lines in 2.4 s, want one a second and a final one", len(all))
	}
	for i, s := range all {
		if last := i == len(all)-1; *s.Final != last {
			t.Errorf("line %d of %d has final %v", i, len(all), *s.Final)
		}
		if i > 0 && (s.Shown < all[i-1].Shown || s.Elapsed < all[i-1].Elapsed) {
			t.Errorf("line %d goes back: %+v after %+v", i, s, all[i-1])
		}
		if s.CPU == nil || s.RSS < 1 {
			t.Errorf("line %d: no processor time or memory: %+v", i, s)
		}
	}
	if s := all[0]; s.State != "playing" || s.Duration != 2.4 || s.Source != filepath.Base(raw) || s.Shown < 15 || s.Shown > 35 {
		t.Errorf("after a second: %+v", s)
	}
	s := all[len(all)-1]
	if s.Shown+s.Dropped != 60 || s.Decoded != 60 || s.DecodeErrors != 0 || s.Reconnects != 0 || s.BytesRead != 60*int64(frameBytes(176, 144)) {
		t.Errorf("at the end: %+v", s)
	}
	if s.Dropped != 0 && s.Late == 0 {
		t.Errorf("dropped without being late: %+v", s)
	}
	if s.Frame != 59 || s.PTS != 2.36 || s.State != "ended" || s.Source != filepath.Base(raw) {
		t.Errorf("at the end: frame %d at %v s, %q, of %q; want the last one, #59 at 2.36 s, ended, of %s", s.Frame, s.PTS, s.State, s.Source, filepath.Base(raw))
	}
	if s.AVDiff != nil {
		t.Errorf("a difference to sound that there is not: %v ms", *s.AVDiff)
	}
	if s.Elapsed < 2.3 || s.Elapsed > 5 {
		t.Errorf("2.4 s took %v s", s.Elapsed)
	}
}

func TestStatsOfAPair(t *testing.T) {
	t.Parallel()
	raw := rawClip(t, 176, 144, 50)
	pcm := write(t, "x.pcm", make([]byte, 2*44100*4))
	r := planar(t, append([]string{"--vo", "null", "--ao", "null", "--stats", "-", "--audio", pcm, raw}, cd...)).ok(t)
	if first := allStats(t, r.stdout)[0]; first.AVDiff == nil || *first.AVDiff < -40 || *first.AVDiff > 40 {
		t.Errorf("picture minus sound after a second: %+v, want within a frame", first)
	}
	s := lastStats(t, r.stdout)
	if s.Shown+s.Dropped != 50 || s.Underruns != 0 {
		t.Errorf("at the end: %+v", s)
	}
}

// The status line is drawn on a terminal only, and leaves nothing behind.
func TestStatusLine(t *testing.T) {
	t.Parallel()
	need(t, "script")
	raw := rawClip(t, 64, 48, 25)
	flags := []string{"--vo", "null", "--ao", "null", raw}
	if r := planar(t, flags).ok(t); r.stdout != "" {
		t.Errorf("stdout: %q", r.stdout)
	}
	home := t.TempDir()
	cmd := exec.Command(lookup("script"), "-qec", "exec '"+program+"' '"+strings.Join(flags, "' '")+"'", "/dev/null")
	cmd.Dir, cmd.Env = home, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TERM=xterm", "SHELL=/bin/sh"}
	cmd.Stdin = strings.NewReader("")
	r := spawn(t, cmd).result(10 * time.Second)
	if r.code != 0 {
		t.Errorf("exit code %d", r.code)
	}
	lines := strings.Split(r.stdout, "\r\x1b[K")
	shown := 0
	for _, l := range lines[:len(lines)-1] {
		if strings.Contains(l, " / 00:01.000") && strings.Contains(l, "#") && strings.Contains(l, "dropped 0") {
			shown++
		}
		if strings.Contains(l, "\n") {
			t.Errorf("the status line scrolls: %q", l)
		}
	}
	if shown < 3 {
		t.Errorf("the status line was drawn %d times in a second: %q", shown, r.stdout)
	}
	if last := lines[len(lines)-1]; last != "" {
		t.Errorf("the last thing on the terminal is %q, want the status line removed", last)
	}
}
