package rtsp

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestFFmpeg has FFmpeg publish real pictures and sound, and FFmpeg watch them: what it
// decodes is whole, and both begin at about the same time.
func TestFFmpeg(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	s := serveAt(t, ServerOptions{AcceptPush: true})
	url := s.URLs()[0] + "/real"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	publisher := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc=s=320x240:r=25",
		"-f", "lavfi", "-i", "sine=r=48000", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac",
		"-f", "rtsp", "-rtsp_transport", "tcp", url)
	if err := publisher.Start(); err != nil {
		t.Fatal(err)
	}
	defer publisher.Wait()
	defer cancel()
	for end := time.Now().Add(15 * time.Second); len(s.Stats().Paths) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Skip("FFmpeg does not publish")
		}
	}
	time.Sleep(2 * time.Second)
	for _, transport := range []string{"tcp", "udp"} {
		guard, end := context.WithTimeout(t.Context(), 20*time.Second)
		defer end()
		probe := exec.CommandContext(guard, "ffprobe", "-v", "error", "-rtsp_transport", transport, "-read_intervals", "%+2",
			"-show_entries", "packet=codec_type,pts_time,flags", "-of", "csv=p=0", url)
		var errs strings.Builder
		probe.Stderr = &errs
		out, err := probe.Output()
		if err != nil || errs.Len() > 0 {
			t.Errorf("%s: ffprobe: %v %s", transport, err, errs.String())
		}
		first := map[string]float64{}
		count := map[string]int{}
		for line := range strings.Lines(string(out)) {
			f := strings.Split(strings.TrimSpace(line), ",")
			if len(f) < 3 {
				continue
			}
			if count[f[0]] == 0 && !strings.HasPrefix(f[2], "K") {
				t.Errorf("%s: the first packet is no key picture: %s", transport, line)
			}
			if pts, err := strconv.ParseFloat(f[1], 64); err == nil { // of the first picture FFmpeg does not tell
				if _, ok := first[f[0]]; !ok {
					first[f[0]] = pts
				}
			}
			count[f[0]]++
		}
		t.Logf("%s: first %v, packets %v", transport, first, count)
		if d := first["video"] - first["audio"]; count["video"] < 30 || count["audio"] < 50 || d > 0.3 || d < -0.3 {
			t.Errorf("%s: first %v, packets %v, want both from the same time on", transport, first, count)
		}
	}
}
