package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"planar/internal/xvfb"
)

// BenchmarkPlay plays raw video in a window of its size, as planar and as
// ffplay do it, turn by turn: processor time of the player per second of video,
// how long it took beyond the video's length, and frames not shown.
func BenchmarkPlay(b *testing.B) {
	need(b, "Xvfb", "ffmpeg")
	const seconds = 2
	for _, c := range []struct {
		name          string
		w, h, fps     int
		format, flags string
	}{
		{"cif30", 352, 288, 30, "yuv420p", ""},
		{"1080p60", 1920, 1080, 60, "yuv420p", ""},
		{"2160p30", 3840, 2160, 30, "yuv420p", ""},
		{"2160p30-10bit", 3840, 2160, 30, "yuv420p10le", ""},
	} {
		size := fmt.Sprintf("%dx%d", c.w, c.h)
		path := filepath.Join(b.TempDir(), fmt.Sprintf("bench_%s_%dfps_%s.yuv", size, c.fps, c.format))
		ffmpeg(b, "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%s:rate=%d", size, c.fps), "-frames:v", fmt.Sprint(c.fps*seconds), "-pix_fmt", c.format, "-f", "rawvideo", path)
		server := xvfb.ForTest(b, c.w, c.h)
		display := []string{"DISPLAY=" + server.Display, "HOME=" + b.TempDir(), "PATH=" + os.Getenv("PATH")}
		players := map[string]func() *exec.Cmd{
			"planar": func() *exec.Cmd {
				return exec.Command(program, "--exit", "--no-audio", "--stats", path+".stats", "--geometry", size+"+0+0", "--borderless", path)
			},
			"ffplay": func() *exec.Cmd {
				cmd := exec.Command(lookup("ffplay"), "-v", "error", "-autoexit", "-an", "-f", "rawvideo", "-video_size", size,
					"-pixel_format", c.format, "-framerate", fmt.Sprint(c.fps), "-x", fmt.Sprint(c.w), "-y", fmt.Sprint(c.h), "-noborder", path)
				cmd.Env = []string{"SDL_RENDER_DRIVER=software", "SDL_FRAMEBUFFER_ACCELERATION=0", "SDL_AUDIODRIVER=dummy"} // its best without a GPU
				return cmd
			},
		}
		for _, player := range []string{"planar", "ffplay"} {
			b.Run(c.name+"/"+player, func(b *testing.B) {
				if player == "ffplay" && lookup("ffplay") == "" {
					b.Skip("ffplay is not installed")
				}
				read(b, path) // from the page cache
				var cpu, wall time.Duration
				lost := 0
				for b.Loop() {
					cmd := players[player]()
					cmd.Env = append(cmd.Env, display...)
					began := time.Now()
					if out, err := cmd.CombinedOutput(); err != nil {
						b.Fatalf("%s: %v: %s", player, err, out)
					}
					wall += time.Since(began)
					cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
					if player == "planar" {
						lost += c.fps*seconds - shown(b, path+".stats")
					}
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(cpu.Seconds()/float64(b.N)/seconds, "cpu-s/s")
				b.ReportMetric(wall.Seconds()/float64(b.N)-seconds, "extra-s")
				if player == "planar" {
					b.ReportMetric(float64(lost)/float64(b.N), "lost/op")
				}
			})
		}
		os.Remove(path)
	}
}

// shown is the number of frames in the last line of --stats.
func shown(t testing.TB, path string) (n int) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(string(read(t, path))), "\n")
	_, rest, ok := strings.Cut(lines[len(lines)-1], `"shown":`)
	if _, err := fmt.Sscan(strings.TrimSuffix(strings.SplitN(rest, ",", 2)[0], "}"), &n); !ok || err != nil {
		t.Fatalf("no count of frames shown: %q", lines[len(lines)-1])
	}
	return n
}
