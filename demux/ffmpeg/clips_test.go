package ffmpeg

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"planar/demux"
	"planar/render"
)

var clips struct {
	sync.Mutex
	dir  string
	made map[string]string
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "planar-clips-")
	if err != nil {
		panic(err)
	}
	clips.dir, clips.made = dir, map[string]string{}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func ffmpegCLI(t testing.TB, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg program")
	}
	cmd := exec.Command("ffmpeg", append([]string{"-hide_banner", "-loglevel", "error", "-nostdin", "-y"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffmpeg %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.Bytes()
}

// clip makes a file once for all tests; args come before its name.
func clip(t testing.TB, name string, args ...string) string {
	t.Helper()
	clips.Lock()
	defer clips.Unlock()
	if p := clips.made[name]; p != "" {
		return p
	}
	p := filepath.Join(clips.dir, name)
	ffmpegCLI(t, append(args, p)...)
	clips.made[name] = p
	return p
}

func pattern(size, rate string, seconds float64) []string {
	return []string{"-f", "lavfi", "-i", fmt.Sprintf("testsrc=size=%s:rate=%s:duration=%g", size, rate, seconds)}
}

func tone(seconds float64, hz int) []string {
	return []string{"-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=1000:sample_rate=%d:duration=%g", hz, seconds)}
}

func with(lists ...[]string) []string {
	var all []string
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// mp4 is the clip most tests use: H.264 with B frames and AAC.
func mp4(t testing.TB) string {
	return clip(t, "bframes.mp4", with(pattern("320x240", "25", 6), tone(6, 44100),
		strings.Fields("-pix_fmt yuv420p -c:v libx264 -preset ultrafast -bf 2 -g 25 -c:a aac"))...)
}

func open(t testing.TB, name string, o Options) *Source {
	t.Helper()
	s, err := Open(t.Context(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func firstOf(t testing.TB, s *Source, k demux.Kind) demux.Stream {
	t.Helper()
	for _, st := range s.Streams() {
		if st.Kind == k {
			return st
		}
	}
	t.Fatalf("no %v stream in %+v", k, s.Streams())
	return demux.Stream{}
}

// decodeVideo passes every frame of a stream to f, which must not keep it.
func decodeVideo(t testing.TB, s *Source, stream int, f func(*demux.Frame) bool) {
	t.Helper()
	d, err := s.VideoDecoder(stream)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	s.Select(stream)
	for {
		p, err := s.Read()
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		for {
			serr := d.Send(p)
			again := errors.Is(serr, demux.ErrAgain)
			if serr != nil && !again {
				t.Logf("send: %v", serr)
			}
			for {
				fr, rerr := d.Receive()
				if errors.Is(rerr, demux.ErrAgain) {
					break
				}
				if errors.Is(rerr, io.EOF) {
					p.Release()
					return
				}
				if rerr != nil {
					t.Logf("receive: %v", rerr)
					continue
				}
				more := f(fr)
				fr.Release()
				if !more {
					p.Release()
					return
				}
			}
			if !again {
				break
			}
		}
		p.Release()
	}
}

// visible is the picture's bytes, tightly packed.
func visible(p *render.Picture) []byte {
	var b []byte
	for _, pl := range p.Planes {
		for y := range pl.Rows {
			b = append(b, pl.Data[y*pl.Stride:y*pl.Stride+pl.RowBytes]...)
		}
	}
	return b
}

func sum(b []byte) string {
	h := md5.Sum(b)
	return hex.EncodeToString(h[:])
}

// reference is what the ffmpeg program decodes: an MD5 for each frame.
func reference(t testing.TB, file string) []string {
	t.Helper()
	out := ffmpegCLI(t, "-noautorotate", "-i", file, "-map", "0:v:0", "-fps_mode", "passthrough", "-autoscale", "0", "-f", "framemd5", "-")
	var sums []string
	for _, l := range strings.Split(string(out), "\n") {
		if l == "" || l[0] == '#' {
			continue
		}
		f := strings.Split(l, ",")
		sums = append(sums, strings.TrimSpace(f[len(f)-1]))
	}
	return sums
}
