package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// quiet needs neither display nor sound device.
func quiet(args ...string) []string { return append([]string{"--vo", "null", "--ao", "null"}, args...) }

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		says string
	}{
		{nil, "nothing to play"},
		{[]string{"--no-such-flag", "x.yuv"}, "no-such-flag"},
		{[]string{"-s", "352", "x.yuv"}, `"352"`},
		{[]string{"-s", "0x288", "x.yuv"}, `"0x288"`},
		{[]string{"-s", "-352x288", "x.yuv"}, `"-352x288"`},
		{[]string{"-s", "2147483648x2147483648", "x.yuv"}, "2147483648x2147483648"},
		{[]string{"-s", "99999999999999999999x1", "x.yuv"}, "99999999999999999999x1"},
		{[]string{"-r", "0", "x.yuv"}, `"0"`},
		{[]string{"-r", "1/0", "x.yuv"}, `"1/0"`},
		{[]string{"-r", "fast", "x.yuv"}, `"fast"`},
		{[]string{"--start", "soon", "x.yuv"}, `--start "soon"`},
		{[]string{"--start", "#-1", "x.yuv"}, `--start "#-1"`},
		{[]string{"--start", "1:2:3:4", "x.yuv"}, `--start "1:2:3:4"`},
		{[]string{"--start", "-1", "x.yuv"}, `--start "-1"`},
		{[]string{"--frames", "-1", "x.yuv"}, "--frames"},
		{[]string{"--frames", "many", "x.yuv"}, "frames"},
		{[]string{"--loop", "0", "x.yuv"}, `--loop "0"`},
		{[]string{"--speed", "0", "x.yuv"}, "--speed"},
		{[]string{"--speed", "NaN", "x.yuv"}, "--speed"},
		{[]string{"--volume", "101", "x.yuv"}, "--volume"},
		{[]string{"--vo", "paper", "x.yuv"}, `--vo "paper"`},
		{[]string{"--ao", "wav", "x.pcm"}, "--ao wav"},
		{[]string{"--ao", "tape", "x.pcm"}, `--ao "tape"`},
		{[]string{"--geometry", "wide", "x.yuv"}, `"wide"`},
		{[]string{"--sample-rate", "1", "x.pcm"}, "--sample-rate"},
		{[]string{"--channels", "0", "x.pcm"}, "--channels"},
		{[]string{"--channels", "5.9", "x.pcm"}, `"5.9"`},
		{[]string{"--sample-format", "s17", "x.pcm"}, `"s17"`},
		{[]string{"--open-timeout", "0", "x.pcm"}, "--open-timeout"},
		{[]string{"--as", "soup", "x.pcm"}, `--as "soup"`},
		{[]string{"--no-audio", "--no-video", "x.mp4"}, "--no-audio and --no-video"},
		{[]string{"--rtsp-transport", "pigeon", "rtsp://127.0.0.1/x"}, `--rtsp-transport "pigeon"`},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Parallel()
			r := planar(t, c.args)
			first, hint, _ := strings.Cut(r.stderr, "\n")
			if r.code != 1 || r.stdout != "" {
				t.Errorf("exit code %d, want 1; stdout: %q", r.code, r.stdout)
			}
			message(t, first, c.says)
			if hint != "Try 'planar --help'.\n" {
				t.Errorf("after the message: %q, want only the hint", hint)
			}
		})
	}
	t.Run("help", func(t *testing.T) {
		t.Parallel()
		r := planar(t, []string{"--help"}).ok(t)
		for _, w := range []string{"Usage: planar", "--size", "--vo", "Exit codes"} {
			if !strings.Contains(r.stdout, w) {
				t.Errorf("the help does not contain %q", w)
			}
		}
	})
	t.Run("version", func(t *testing.T) {
		t.Parallel()
		if r := planar(t, []string{"--version"}).ok(t); !strings.HasPrefix(r.stdout, "planar ") || !strings.Contains(r.stdout, "SDL 2.") {
			t.Errorf("stdout: %q", r.stdout)
		}
	})
}

// movie is an MP4 whose index is at its end, and one with it in front.
func movie(t testing.TB, faststart bool) []byte {
	name, flags := "movie.mp4", []string{"-movflags", "0"}
	if faststart {
		name, flags = "faststart.mp4", []string{"-movflags", "+faststart"}
	}
	args := append(testsrc(176, 144, 75), "-vf", noise, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-g", "10")
	return read(t, clip(t, name, append(args, flags...)...))
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	garbage := make([]byte, 100_000)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(garbage)
	prose := bytes.Repeat([]byte("It was the best of times, it was the worst of times.\n"), 200)
	frame := make([]byte, frameBytes(176, 144))
	whole := movie(t, false)
	if moov := bytes.Index(whole, []byte("moov")); moov < len(whole)/2 {
		t.Fatalf("the index is at byte %d of %d: the test is worth nothing", moov, len(whole))
	}
	size := []string{"-s", "176x144", "-r", "25"}
	for _, c := range []struct {
		name  string
		data  []byte // nil: no file
		flags []string
		says  []string
	}{
		{name: "missing.mp4", says: []string{"does not exist"}},
		{name: "missing_176x144_25fps.yuv", says: []string{"does not exist"}},
		{name: "missing.yuv", says: []string{"does not exist"}},
		{name: "missing.pcm", says: []string{"does not exist"}},
		{name: "empty.mp4", data: []byte{}, says: []string{"empty"}},
		{name: "empty.yuv", data: []byte{}, flags: size, says: []string{"empty"}},
		{name: "empty.pcm", data: []byte{}, says: []string{"empty"}},
		{name: "no-size.yuv", data: frame[1:], says: []string{"--size"}},
		{name: "no-size-but-rate.yuv", data: frame[1:], flags: []string{"-r", "25"}, says: []string{"--size"}},
		{name: "short_176x144_25fps.yuv", data: frame[:1000], says: []string{"1000 bytes", "less than one", fmt.Sprint(len(frame)), "--size"}},
		{name: "short.yuv", data: frame[:1000], flags: []string{"-s", "176x144"}, says: []string{"1000 bytes", "less than one"}},
		{name: "format_176x144_25fps.yuv", data: frame, flags: []string{"-f", "yuv42"}, says: []string{"yuv42"}},
		{name: "truncated.mp4", data: whole[:len(whole)*2/3], says: []string{"truncated", "moov"}},
		{name: "garbage.mp4", data: garbage, says: []string{"not a media file"}},
		{name: "garbage.mkv", data: garbage, says: []string{"not a media file"}},
		{name: "garbage", data: garbage, says: []string{"not a media file"}},
		{name: "text.txt", data: prose, says: []string{"no video or sound in it"}},
		{name: "text.mp4", data: prose, says: []string{"not a media file"}},
		{name: "text", data: prose, says: nil},
		{name: "odd name % \x1b[31m\n.mp4", data: garbage, says: []string{"not a media file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), c.name)
			if c.data != nil {
				path = write(t, c.name, c.data)
			}
			name, _, _ := strings.Cut(c.name, "\x1b")
			planar(t, quiet(append(c.flags, path)...)).fails(t, 2, append(c.says, name)...)
		})
	}
	for _, name := range []string{"folder", "folder.yuv", "folder.mp4"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), name)
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			planar(t, quiet(append(size, dir)...)).fails(t, 2, name, "is a directory")
		})
	}
	for _, name := range []string{"locked.mp4", "locked_176x144_25fps.yuv", "locked.pcm"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(shared, name)
			if err := os.WriteFile(path, frame, 0o600); err != nil {
				t.Fatal(err)
			}
			set := []setup{in(shared)}
			args := quiet(path)
			if os.Geteuid() == 0 {
				set = append(set, asNobody(t))
			} else if err := os.Chmod(path, 0); err != nil {
				t.Fatal(err)
			}
			planar(t, args, set...).fails(t, 2, name, "permission denied")
		})
	}
	t.Run("stdin empty", func(t *testing.T) {
		t.Parallel()
		planar(t, quiet("-"), stdin(strings.NewReader(""))).fails(t, 2, "standard input")
	})
	t.Run("stdin garbage", func(t *testing.T) {
		t.Parallel()
		planar(t, quiet("-"), stdin(bytes.NewReader(garbage))).fails(t, 2, "standard input")
	})
}

// asNobody runs the program, a copy that everybody may read, without root's rights.
func asNobody(t testing.TB) setup {
	t.Helper()
	path := filepath.Join(shared, "for-nobody-"+strings.ReplaceAll(filepath.Base(t.Name()), "/", "_"))
	body := read(t, program)
	// No other test may fork while the file is open for writing: its child would
	// keep it open, and a file that is written to cannot be run.
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, body, 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	return func(c *exec.Cmd) {
		c.Path, c.Args[0] = path, path
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
}

// A file that does not end with a frame is played as far as it goes.
func TestLeftover(t *testing.T) {
	t.Parallel()
	data := append(bytes.Clone(read(t, rawClip(t, 176, 144, 25))[:3*frameBytes(176, 144)]), make([]byte, 100)...)
	path := write(t, "left_176x144_25fps.yuv", data)
	r := planar(t, []string{"--vo", "hash", path})
	r.fails(t, 0, "left_176x144_25fps.yuv", "100 bytes are left over", "3 whole frames")
	samePictures(t, parseHashes(t, r.stdout), hashes(t, []string{rawClip(t, 176, 144, 25)})[:3])
}

// A recording of which the end is missing is played as far as it goes.
func TestCutMovie(t *testing.T) {
	t.Parallel()
	whole := movie(t, true)
	path := write(t, "cut.mp4", whole[:len(whole)*2/3])
	full := hashes(t, []string{write(t, "whole.mp4", whole)})
	r := planar(t, []string{"--vo", "hash", path})
	if r.code != 0 {
		t.Errorf("exit code %d, want 0", r.code)
	}
	lines := strings.Split(strings.TrimSuffix(r.stderr, "\n"), "\n")
	for _, l := range lines {
		message(t, l, "cut.mp4")
	}
	if len(lines) > 2 || r.stderr == "" {
		t.Errorf("stderr: %q, want a warning", r.stderr)
	}
	got := parseHashes(t, r.stdout)
	if len(full) != 75 || len(got) < 35 || len(got) > 60 {
		t.Fatalf("%d frames of two thirds of a file of %d", len(got), len(full))
	}
	// The picture that was cut in the middle may look as it likes.
	samePictures(t, got[:len(got)-4], full[:len(got)-4])
}

func TestBadAddress(t *testing.T) {
	t.Parallel()
	closed := freePort(t)
	for _, c := range []struct {
		url  string
		says []string
	}{
		{fmt.Sprintf("rtsp://127.0.0.1:%d/cam", closed), []string{"refused", fmt.Sprint(closed)}},
		{fmt.Sprintf("rtmp://127.0.0.1:%d/live/cam", closed), []string{"refused", fmt.Sprint(closed)}},
		{fmt.Sprintf("http://127.0.0.1:%d/x.mp4", closed), []string{"refused", fmt.Sprint(closed)}},
		{"rtsp://no-such-host.invalid/cam", []string{"unknown host", "no-such-host.invalid"}},
		{"rtmp://no-such-host.invalid/live/cam", []string{"unknown host", "no-such-host.invalid"}},
		{"gopher+x://127.0.0.1/cam", []string{"protocol", "gopher+x"}},
	} {
		t.Run(c.url, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(c.url, ".invalid") && !resolves(t) {
				t.Skip("no name service answers here")
			}
			planar(t, quiet(c.url)).fails(t, 2, c.says...)
		})
	}
}

// resolves reports whether asking for a name that does not exist is answered soon.
func resolves(t testing.TB) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	defer cancel()
	_, err := net.DefaultResolver.LookupHost(ctx, "no-such-host.invalid")
	if err == nil {
		t.Fatal("no-such-host.invalid has an address")
	}
	return ctx.Err() == nil
}

func TestServerThatSaysNothing(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"rtsp://127.0.0.1:%d/cam", "rtmp://127.0.0.1:%d/live/cam", "http://127.0.0.1:%d/x.mp4"} {
		scheme, _, _ := strings.Cut(path, ":")
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			r := planar(t, quiet("--open-timeout", "1", fmt.Sprintf(path, mute(t))))
			r.fails(t, 2, "127.0.0.1", "within 1 s")
			if r.took < 900*time.Millisecond || r.took > 1700*time.Millisecond {
				t.Errorf("it took %v, want 1 s and at most 0.7 more", r.took)
			}
		})
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	raw := rawClip(t, 176, 144, 250)
	playing := func(t *testing.T) *process {
		p := start(t, quiet("--stats", "-", "--loop", "inf", raw))
		becomes(t, p, 5*time.Second, "playing", func(s stats) bool { return s.Shown > 0 })
		return p
	}
	connecting := func(url string) func(*testing.T) *process {
		return func(t *testing.T) *process {
			p := start(t, quiet("--stats", "-", fmt.Sprintf(url, mute(t))))
			becomes(t, p, 5*time.Second, "connecting", func(s stats) bool { return s.State == "opening" })
			return p
		}
	}
	for _, c := range []struct {
		name  string
		begin func(*testing.T) *process
		with  syscall.Signal
	}{
		{"SIGINT while playing", playing, syscall.SIGINT},
		{"SIGTERM while playing", playing, syscall.SIGTERM},
		{"SIGHUP while playing", playing, syscall.SIGHUP},
		{"SIGINT while connecting, RTSP", connecting("rtsp://127.0.0.1:%d/cam"), syscall.SIGINT},
		{"SIGINT while connecting, RTMP", connecting("rtmp://127.0.0.1:%d/live/cam"), syscall.SIGINT},
		{"SIGINT while reading from a pipe", func(t *testing.T) *process {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { r.Close(); w.Close() })
			p := start(t, quiet("-s", "176x144", "-r", "25", "--stats", "-", "-"), stdin(r))
			time.Sleep(500 * time.Millisecond)
			return p
		}, syscall.SIGINT},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.begin(t)
			began := time.Now()
			p.signal(c.with)
			r := p.result(10 * time.Second)
			if took := time.Since(began); took > 500*time.Millisecond {
				t.Errorf("it took %v to end", took)
			}
			if r.code != 4 || r.stderr != "" {
				t.Errorf("exit code %d, want 4; stderr: %q, want nothing", r.code, r.stderr)
			}
			if s := lastStats(t, r.stdout); !*s.Final {
				t.Errorf("the last statistics are not the final ones: %+v", s)
			}
		})
	}
}

// Several sources of which some cannot be opened.
func TestSomeFail(t *testing.T) {
	t.Parallel()
	good := rawClip(t, 176, 144, 25)
	for _, c := range []struct {
		sources []string
		code    int
		bad     int
		frames  int
	}{
		{[]string{good, "/nowhere/a.mp4"}, 3, 1, 25},
		{[]string{"/nowhere/a.mp4", good}, 3, 1, 25},
		{[]string{good, "/nowhere/a.mp4", "/nowhere/b.yuv", good}, 3, 2, 50},
		{[]string{"/nowhere/a.mp4", "/nowhere/b.yuv"}, 2, 2, 0},
		{[]string{good, good}, 0, 0, 50},
	} {
		t.Run(fmt.Sprint(c.code, c.bad), func(t *testing.T) {
			t.Parallel()
			r := planar(t, append([]string{"--vo", "hash"}, c.sources...))
			if r.code != c.code {
				t.Errorf("exit code %d, want %d", r.code, c.code)
			}
			if got := parseHashes(t, r.stdout); len(got) != c.frames {
				t.Errorf("%d frames, want %d", len(got), c.frames)
			}
			n := 0
			for line := range strings.Lines(r.stderr) {
				message(t, strings.TrimSuffix(line, "\n"), "/nowhere/", "does not exist")
				n++
			}
			if n != c.bad {
				t.Errorf("%d messages, want %d: %s", n, c.bad, r.stderr)
			}
		})
	}
}

// What is written on the way, to a place that cannot be written to.
func TestOutputFails(t *testing.T) {
	t.Parallel()
	if !exists("/dev/full") {
		t.Skip("needs /dev/full")
	}
	raw := rawClip(t, 176, 144, 25)
	pcm := write(t, "noise.pcm", bytes.Repeat([]byte{1, 2, 3, 4}, 44100))
	const full, nowhere = "no space left on device", "no such file or directory"
	for _, c := range []struct {
		name  string
		flags []string
		says  []string
	}{
		{"screenshot, disk full", []string{"--screenshot", "/dev/full", raw}, []string{"/dev/full", full}},
		{"screenshot, no folder", []string{"--screenshot", "/nowhere/x.png", raw}, []string{"/nowhere/x.png", nowhere}},
		{"screenshot of what cannot be", []string{"--screenshot", "/dev", raw}, []string{"/dev", "is a directory"}},
		{"stats, disk full", []string{"--stats", "/dev/full", raw}, []string{"/dev/full", full}},
		{"stats, no folder", []string{"--stats", "/nowhere/x.json", raw}, []string{"/nowhere/x.json", nowhere}},
		{"wav, disk full", []string{"--ao", "wav:/dev/full", pcm}, []string{"/dev/full", full}},
		{"wav, no folder", []string{"--ao", "wav:/nowhere/x.wav", pcm}, []string{"/nowhere/x.wav", nowhere}},
		{"wav, disk full, with pictures", []string{"--ao", "wav:/dev/full", "--audio", pcm, raw}, []string{"/dev/full", full}},
		{"wav, no folder, with pictures", []string{"--ao", "wav:/nowhere/x.wav", "--audio", pcm, raw}, []string{"/nowhere/x.wav", nowhere}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args := slices.Concat([]string{"--vo", "null", "--untimed"}, cd, c.flags)
			if !strings.Contains(strings.Join(args, " "), "--ao") {
				args = append(args, "--ao", "null")
			}
			planar(t, args).fails(t, 2, c.says...)
		})
	}
	t.Run("hash, disk full", func(t *testing.T) {
		t.Parallel()
		f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		planar(t, []string{"--vo", "hash", raw}, func(c *exec.Cmd) { c.Stdout = f }).fails(t, 2, full)
	})
}
