// Package e2e tests the built program from outside: command line in, exit code,
// output, picture on the screen and sound in the device out.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The program under test, and a folder for clips that tests share.
var program, shared string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "planar-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755) // a test runs the program as another user
	shared = dir
	if program = os.Getenv("PLANAR_BIN"); program == "" {
		program = filepath.Join(dir, "planar")
		build := exec.Command("go", "build", "-o", program, "../cmd/planar")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "cannot build planar: %v\n%s", err, out)
			return 1
		}
	} else if program, err = filepath.Abs(program); err == nil {
		_, err = os.Stat(program)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "PLANAR_BIN: %v\n", err)
		return 1
	}
	return m.Run()
}

// debian names the package that a tool comes from.
var debian = map[string]string{
	"ffmpeg": "ffmpeg", "Xvfb": "xvfb", "xdotool": "xdotool", "nginx": "nginx", "pulseaudio": "pulseaudio", "pactl": "pulseaudio-utils",
	"parec": "pulseaudio-utils", "script": "bsdutils", "python3": "python3", "srt-live-transmit": "srt-tools",
}

// need skips a test for which a program is missing, and fails it where CI is
// true: there nothing may be missing.
func need(t testing.TB, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if lookup(tool) == "" {
			missing(t, tool, debian[tool])
		}
	}
}

func missing(t testing.TB, what, pkg string) {
	t.Helper()
	text := fmt.Sprintf("%s is not installed (Debian: apt-get install %s)", what, pkg)
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// lookup finds a program also where Debian keeps servers, which is not in a
// user's PATH.
func lookup(tool string) string {
	for _, p := range []string{tool, "/usr/sbin/" + tool} {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	return ""
}

// process is a program that a test has started, in a process group of its own.
type process struct {
	t    testing.TB
	name string
	cmd  *exec.Cmd
	out  output
	err  output
	done chan struct{} // closed when it has ended
	took time.Duration
}

// output collects what a process writes; it can be read meanwhile.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// spawn starts a command and ends it, and all that it started, with the test.
func spawn(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, name: filepath.Base(cmd.Path), cmd: cmd, done: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = &p.out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &p.err
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	endWithParent(cmd.SysProcAttr)
	cmd.WaitDelay = 2 * time.Second
	started := make(chan error)
	go func() {
		// Linux ends the process with the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		began := time.Now()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			p.took = time.Since(began)
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

// kill ends the process and its group at once.
func (p *process) kill() {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// result waits for the end and returns what there is to check.
func (p *process) result(limit time.Duration) result {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		p.signal(syscall.SIGQUIT) // Go prints what it hangs in
		time.Sleep(300 * time.Millisecond)
		p.kill()
		p.t.Fatalf("%s has not ended after %v\nstdout: %s\nstderr: %s", p.name, limit, tail(p.out.String()), tail(p.err.String()))
	}
	r := result{code: p.cmd.ProcessState.ExitCode(), stdout: p.out.String(), stderr: p.err.String(), took: p.took}
	if strings.Contains(r.stderr, "DATA RACE") || strings.Contains(r.stderr, "goroutine 1 [") || r.code < 0 {
		p.t.Errorf("%s crashed (exit code %d): %s", p.name, r.code, r.stderr)
	}
	return r
}

type result struct {
	code           int
	stdout, stderr string
	took           time.Duration
}

func tail(s string) string {
	if len(s) > 4000 {
		return "..." + s[len(s)-4000:]
	}
	return s
}

// patience is how long a run of the program may take; none needs a fraction of it.
const patience = 30 * time.Second

// setup changes a command before it is started.
type setup func(*exec.Cmd)

// env sets variables, "NAME=value".
func env(v ...string) setup { return func(c *exec.Cmd) { c.Env = append(c.Env, v...) } }

func stdin(r io.Reader) setup { return func(c *exec.Cmd) { c.Stdin = r } }

func in(dir string) setup { return func(c *exec.Cmd) { c.Dir = dir } }

// start starts planar in an environment without display, sound server and
// anything else of the person who runs the tests.
func start(t testing.TB, args []string, set ...setup) *process {
	t.Helper()
	home := t.TempDir()
	cmd := exec.Command(program, args...)
	cmd.Dir = home
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "LC_ALL=C.UTF-8", "GORACE=halt_on_error=1 atexit_sleep_ms=0"}
	for _, s := range set {
		s(cmd)
	}
	return spawn(t, cmd)
}

// planar runs the program to its end.
func planar(t testing.TB, args []string, set ...setup) result {
	t.Helper()
	return start(t, args, set...).result(patience)
}

// ok fails the test unless the program said that everything was played, and
// nothing else.
func (r result) ok(t testing.TB) result {
	t.Helper()
	if r.code != 0 || r.stderr != "" {
		t.Errorf("exit code %d, want 0 and silence; stderr: %s", r.code, tail(r.stderr))
	}
	return r
}

// fails checks an exit code and a message of one line that contains the words.
func (r result) fails(t testing.TB, code int, words ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d; stderr: %s", r.code, code, tail(r.stderr))
	}
	r.says(t, words...)
}

// says checks that exactly one line was written to stderr, in the form that all
// messages have.
func (r result) says(t testing.TB, words ...string) {
	t.Helper()
	line, ok := strings.CutSuffix(r.stderr, "\n")
	if !ok || strings.Contains(line, "\n") {
		t.Errorf("stderr is not one line: %q", r.stderr)
		return
	}
	message(t, line, words...)
}

// message checks one line for people.
func message(t testing.TB, line string, words ...string) {
	t.Helper()
	if !strings.HasPrefix(line, "planar: ") {
		t.Errorf("the message does not begin with the program's name: %q", line)
	}
	for _, noise := range []string{"panic", "goroutine", "ALSA lib", "[rtsp", "[mov", " @ 0x", "%!", "<nil>"} {
		if strings.Contains(line, noise) {
			t.Errorf("noise in the message: %q", line)
		}
	}
	for _, w := range words {
		if !strings.Contains(strings.ToLower(line), strings.ToLower(w)) {
			t.Errorf("the message %q does not say %q", line, w)
		}
	}
}

// until waits for a condition.
func until(t testing.TB, limit time.Duration, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !cond(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v: %s", limit, what)
		}
	}
}

// ffmpeg runs ffmpeg and returns what it writes to its standard output.
func ffmpeg(t testing.TB, args ...string) []byte {
	t.Helper()
	need(t, "ffmpeg")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, lookup("ffmpeg"), append([]string{"-hide_banner", "-v", "error", "-nostdin", "-y"}, args...)...)
	var msg bytes.Buffer
	cmd.Stderr = &msg
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg %s: %v\n%s", strings.Join(args, " "), err, msg.String())
	}
	return out
}

var clips sync.Map // name: *sync.Once

// clip is a file that ffmpeg makes once for all tests that use it. The last of
// the arguments, the file, is added.
func clip(t testing.TB, name string, args ...string) string {
	t.Helper()
	need(t, "ffmpeg")
	path := filepath.Join(shared, name)
	once, _ := clips.LoadOrStore(name, new(sync.Once))
	once.(*sync.Once).Do(func() { ffmpeg(t, append(slices.Clone(args), path)...) })
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s could not be made: %v", name, err)
	}
	return path
}

// rawClip is n frames of testsrc as I420. Its name tells size and rate.
func rawClip(t testing.TB, w, h, n int) string {
	t.Helper()
	return clip(t, fmt.Sprintf("raw%d_%dx%d_25fps.yuv", n, w, h), append(testsrc(w, h, n), "-pix_fmt", "yuv420p", "-f", "rawvideo")...)
}

func testsrc(w, h, n int) []string {
	return []string{"-f", "lavfi", "-i", fmt.Sprintf("testsrc=size=%dx%d:rate=25", w, h), "-frames:v", fmt.Sprint(n)}
}

// write makes a file in a folder of the test's own.
func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
