package audiotest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"planar/audio"
)

// Pulse is a private PulseAudio server with one sink that plays nowhere.
type Pulse struct {
	format audio.Format
	env    []string
}

// StartPulse starts a server whose sink has the given format, S16 or F32, and
// leads the process's clients to it until the test ends. It skips the test if
// PulseAudio is not installed.
func StartPulse(t *testing.T, f audio.Format) *Pulse {
	t.Helper()
	for _, tool := range []string{"pulseaudio", "pactl", "parec"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	dir, err := os.MkdirTemp("", "pulse") // t.TempDir is too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	config := filepath.Join(dir, ".config", "pulse")
	if err := os.MkdirAll(config, 0o700); err != nil {
		t.Fatal(err)
	}
	// A starved real-time thread must not be killed.
	if err := os.WriteFile(filepath.Join(config, "daemon.conf"), []byte("rlimit-rttime = -1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "socket")
	t.Setenv("HOME", dir)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("PULSE_SERVER", "unix:"+socket)
	p := &Pulse{format: f, env: os.Environ()}
	p.start(t, "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--log-level=error",
		"-L", fmt.Sprintf("module-null-sink sink_name=test format=%s rate=%d channels=%d", pulseFormat(f), f.Rate, f.Channels),
		"-L", fmt.Sprintf("module-native-protocol-unix socket=%s auth-anonymous=1", socket))
	Until(t, "the PulseAudio server", func() bool {
		c := exec.Command("pactl", "info")
		c.Env = p.env
		return c.Run() == nil
	})
	return p
}

func pulseFormat(f audio.Format) string {
	if f.Sample == audio.F32 {
		return "float32ne"
	}
	return "s16ne"
}

// start starts a process that is ended with the test.
func (p *Pulse) start(t *testing.T, name string, arg ...string) io.Reader {
	t.Helper()
	c := exec.Command(name, arg...)
	c.Env = p.env
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	return out
}

// Recording is what comes out of the sink.
type Recording struct {
	mu   sync.Mutex
	pcm  []byte
	when []time.Time // of each chunk
	end  []int       // bytes after each chunk
	rate int         // bytes a second
}

// Record records the sink until the test ends, in the sink's own format.
func (p *Pulse) Record(t *testing.T) *Recording {
	t.Helper()
	out := p.start(t, "parec", "-d", "test.monitor", "--raw", "--latency-msec=5", "--format="+pulseFormat(p.format),
		fmt.Sprintf("--rate=%d", p.format.Rate), fmt.Sprintf("--channels=%d", p.format.Channels))
	r := &Recording{rate: p.format.Rate * p.format.FrameBytes()}
	go func() { // ends with parec
		b := make([]byte, 1<<16)
		for {
			n, err := out.Read(b)
			r.mu.Lock()
			r.pcm = append(r.pcm, b[:n]...)
			r.when, r.end = append(r.when, time.Now()), append(r.end, len(r.pcm))
			r.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	Until(t, "the recording", func() bool { return len(r.Bytes()) > 0 })
	return r
}

// Bytes is what has been recorded so far.
func (r *Recording) Bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.pcm)
}

// Time is when the byte at an offset came out: chunks come late, never early, so
// the one that was least late tells.
func (r *Recording) Time(offset int) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := func(i, offset int) time.Time {
		return r.when[i].Add(time.Duration(float64(offset-r.end[i]) / float64(r.rate) * float64(time.Second)))
	}
	best := at(0, offset)
	for i := range r.when {
		if t := at(i, offset); t.Before(best) {
			best = t
		}
	}
	return best
}
