package demux

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseNumbering(t *testing.T) {
	for pattern, names := range map[string][2]string{ // of 7 and 12345
		"frame%04d.yuv":     {"frame0007.yuv", "frame12345.yuv"},
		"/a%d/b/f%d":        {"/a%d/b/f7", "/a%d/b/f12345"},
		"%d":                {"7", "12345"},
		"%0d.yuv":           {"7.yuv", "12345.yuv"},
		"100%%_%03d%%d.yuv": {"100%_007%d.yuv", "100%_12345%d.yuv"},
		"x%012d":            {"x000000000007", "x000000012345"},
	} {
		n, ok := parseNumbering(pattern)
		if !ok || n.name(7) != names[0] || n.name(12345) != names[1] {
			t.Errorf("%s: %v, %q, %q", pattern, ok, n.name(7), n.name(12345))
		}
	}
	for _, pattern := range []string{
		"", "frame.yuv", "%", "%%", "%%d", "f%4d.yuv", "f%-4d", "f%x", "f%s.yuv", "f%04", "f%d_%d.yuv", "%d/frame.yuv",
		"f%0000d", "f%099999999999d.yuv", "f%0 4d", "50%.yuv", "f%d%", "f%0x4d",
	} {
		if n, ok := parseNumbering(pattern); ok {
			t.Errorf("%q is taken for a pattern: %+v", pattern, n)
		}
	}
}

func TestIsSequence(t *testing.T) {
	dir := t.TempDir()
	literal := filepath.Join(dir, "really%d.yuv")
	if err := os.WriteFile(literal, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		filepath.Join(dir, "f%04d.yuv"): true, literal: false, filepath.Join(dir, "f.yuv"): false,
		"http://host/a%04d.yuv": false, "-": false, "": false,
	} {
		if IsSequence(name) != want {
			t.Errorf("IsSequence(%q) is not %v", name, want)
		}
	}
}

// sequenceFiles writes files of one 4x4 frame, filled with i+1, and returns the folder.
func sequenceFiles(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte{byte(i + 1)}, 24), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindSequence(t *testing.T) {
	for _, c := range []struct {
		files       string
		pattern     string
		first, last string
		n           int
	}{
		{"f0000 f0001 f0002", "f%04d", "f0000", "f0002", 3},
		{"f0003 f0001 f0002 f0004", "f%04d", "f0001", "f0004", 4},
		{"f0010 f0011 f0013", "f%04d", "f0010", "f0011", 2},
		{"f8 f9 f10 f11 f011 f0012 f12x xf12", "f%d", "f8", "f11", 4},
		{"f08 f09 f10 f99 f100", "f%02d", "f08", "f10", 3},
		{"f98 f99 f100 f101", "f%02d", "f98", "f101", 4},
		{"f+1 f-1 f1 f5 f99999999999999999999", "f%d", "f1", "f1", 1},
	} {
		dir := sequenceFiles(t, strings.Fields(c.files)...)
		s, err := FindSequence(filepath.Join(dir, c.pattern))
		if err != nil || s.Len() != c.n || filepath.Base(s.Name(0)) != c.first || filepath.Base(s.Name(s.Len()-1)) != c.last {
			t.Errorf("%s: %+v, %v", c.files, s, err)
		}
	}
	for pattern, want := range map[string]string{
		filepath.Join(t.TempDir(), "f%04d.yuv"):   "no file matches: want names such as f0000.yuv",
		filepath.Join(t.TempDir(), "no", "f%d.x"): "does not exist",
		"plain.yuv": "is not the pattern of an image sequence",
	} {
		if _, err := FindSequence(pattern); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", pattern, err, want)
		}
	}
}

func TestSequence(t *testing.T) {
	dir := sequenceFiles(t, "f03", "f04", "f05", "f06", "f07", "f09")
	m := &mapped{}
	p := params(4, 4)
	p.Map = m.look
	src, err := OpenSequence(filepath.Join(dir, "f%02d"), p)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if info := src.Info(); info.Duration != 200*time.Millisecond || !info.Seekable || len(info.Notes) != 0 {
		t.Errorf("info %+v", info)
	}
	if got := numbers(t, src); !bytes.Equal(got, upTo(5)) || m.open.Load() != 0 {
		t.Errorf("frames %v, %d mappings left", got, m.open.Load())
	}
	for _, to := range []int{3, 0, 4, 400} {
		if err := src.Seek(time.Duration(to) * 40 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if pkt, err := src.Read(); err != nil || pkt.Data[0] != byte(min(to, 4)+1) {
			t.Errorf("after a seek to %d: %v, %v", to, pkt, err)
		}
	}
	src.Interrupt()
	if _, err := src.Read(); !errors.Is(err, ErrInterrupted) {
		t.Errorf("after an interrupt: %v", err)
	}
}

func TestSequenceFilesOfOtherSizes(t *testing.T) {
	dir := sequenceFiles(t, "f0", "f1", "f2")
	p := params(4, 2)
	p.Header, p.FrameHeader = 2, 1
	pattern := filepath.Join(dir, "f%d")
	src, err := OpenSequence(pattern, p)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if notes := src.Info().Notes; len(notes) != 1 || !strings.Contains(notes[0], "f0 has 24 bytes, more than a frame of 15") {
		t.Errorf("notes %v", notes)
	}
	if err := os.Truncate(filepath.Join(dir, "f1"), 14); err != nil {
		t.Fatal(err)
	}
	if _, err := src.Read(); err != nil {
		t.Error(err)
	}
	if _, err := src.Read(); err == nil || !strings.Contains(err.Error(), "f1: has 14 bytes, less than a frame of 15") {
		t.Errorf("a short file: %v", err)
	}
	os.Remove(filepath.Join(dir, "f1"))
	if _, err := src.Read(); err == nil || !strings.Contains(err.Error(), "f1: file does not exist") {
		t.Errorf("a removed file: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "f1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := src.Read(); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a folder: %v", err)
	}
	p.Header = 100
	if _, err := OpenSequence(pattern, p); err == nil || !strings.Contains(err.Error(), "f0: cannot be played: has 24 bytes, less than one yuv420p frame of 4x2 (113 bytes)") {
		t.Errorf("files that are too short: %v", err)
	}
}

func FuzzSequencePattern(f *testing.F) {
	for _, s := range []string{"frame%04d.yuv", "%%%d%%", "a%d/b%03dc", "%099999999999d", "f%0d%"} {
		f.Add(s, 7)
	}
	f.Fuzz(func(t *testing.T, pattern string, number int) {
		n, ok := parseNumbering(pattern)
		if !ok {
			return
		}
		if number < 0 || number > 1<<31-1 {
			number = 0
		}
		name := n.base(number)
		if got, ok := n.number(name); !ok || got != number {
			t.Errorf("%q: number %d is %q, which reads %d, %v", pattern, number, name, got, ok)
		}
		if got := fmt.Sprintf(filepath.Base(pattern), number); filepath.Base(pattern) == pattern && got != name {
			t.Errorf("%q of %d is %q, printf says %q", pattern, number, name, got)
		}
	})
}
