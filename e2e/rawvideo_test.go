package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// probed is a line of planar probe --json.
type probed struct {
	Kind       string  `json:"kind"`
	Bytes      int64   `json:"bytes"`
	Format     string  `json:"format"`
	Duration   float64 `json:"duration_s"`
	Remembered bool    `json:"remembered"`
	Candidates []struct {
		Width       int      `json:"width"`
		Height      int      `json:"height"`
		PixelFormat string   `json:"pixel_format"`
		FPS         string   `json:"fps"`
		Matrix      string   `json:"matrix"`
		Frames      int64    `json:"frames"`
		Rest        int64    `json:"rest_bytes"`
		Score       float64  `json:"score"`
		Sure        bool     `json:"sure"`
		Reasons     []string `json:"reasons"`
	} `json:"candidates"`
	Streams []struct {
		Kind        string `json:"kind"`
		Codec       string `json:"codec"`
		Width       int    `json:"width"`
		PixelFormat string `json:"pixel_format"`
		FPS         string `json:"fps"`
		Range       string `json:"range"`
		Rate        int    `json:"sample_rate"`
	} `json:"streams"`
}

func probe(t testing.TB, args []string, set ...setup) (p probed) {
	t.Helper()
	r := planar(t, append([]string{"probe", "--json"}, args...), set...).ok(t)
	if err := json.Unmarshal([]byte(r.stdout), &p); err != nil {
		t.Fatalf("%v: %q", err, r.stdout)
	}
	return p
}

// lifelike is a raw clip of n frames of smooth, moving pictures.
func lifelike(t testing.TB, w, h, n int, format, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	ffmpeg(t, "-f", "lavfi", "-i", fmt.Sprintf("mandelbrot=size=%dx%d:rate=25,noise=alls=4", w, h), "-frames:v", fmt.Sprint(n), "-pix_fmt", format, "-f", "rawvideo", path)
	return path
}

func TestGuess(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	for _, c := range []struct {
		name, format string
		w, h         int
		fps          string
	}{
		{"clip_352x288_30fps.yuv", "yuv420p", 352, 288, "30"},
		{"crowd_nv12_640x360p50.yuv", "nv12", 640, 360, "50"},
		{"Tango_416x240_60_10bit_420.yuv", "yuv420p10le", 416, 240, "60"},
		{"news_cif.yuv", "yuv420p", 352, 288, ""},
		{"dump.bin_640x480.raw", "yuv420p", 640, 480, ""},
		{"x.yuv", "yuv420p", 352, 288, ""},
		{"out.yuv", "nv12", 640, 480, ""},
		{"frames.yuv", "yuv420p10le", 640, 360, ""},
		{"packed.yuv", "yuyv422", 640, 480, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := lifelike(t, c.w, c.h, 7, c.format, c.name)
			p := probe(t, []string{path})
			if p.Kind != "raw video" || len(p.Candidates) == 0 {
				t.Fatalf("%+v", p)
			}
			g := p.Candidates[0]
			if g.Width != c.w || g.Height != c.h || g.PixelFormat != c.format || g.FPS != c.fps || g.Frames != 7 || g.Rest != 0 || len(g.Reasons) == 0 {
				t.Errorf("taken for %+v", g)
			}
			scores := []float64{}
			for _, k := range p.Candidates {
				scores = append(scores, -k.Score)
			}
			if !slices.IsSorted(scores) {
				t.Errorf("candidates are not in the order of their scores: %v", scores)
			}
			// It plays as what it was taken for.
			r := planar(t, []string{"--vo", "hash", path})
			want := hashes(t, []string{"-s", fmt.Sprintf("%dx%d", c.w, c.h), "-f", c.format, "-r", "25", path})
			got := parseHashes(t, r.stdout)
			if r.code != 0 || len(got) != len(want) || got[6].md5 != want[6].md5 {
				t.Errorf("exit code %d, %d frames; %s", r.code, len(got), r.stderr)
			}
		})
	}
	text := planar(t, []string{"probe", lifelike(t, 352, 288, 3, "yuv420p", "x.yuv")}).ok(t).stdout
	if !strings.Contains(text, "352x288") || !strings.Contains(text, "yuv420p") || !strings.Contains(text, "3 frames") {
		t.Errorf("probe prints %q", text)
	}
}

func TestProbeMedia(t *testing.T) {
	t.Parallel()
	path := clip(t, "probe.mp4", "-f", "lavfi", "-i", "testsrc=size=176x144:rate=30000/1001", "-f", "lavfi", "-i", "sine", "-t", "1",
		"-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac")
	p := probe(t, []string{path})
	if p.Kind != "media" || len(p.Streams) != 2 || p.Streams[0].Codec != "h264" || p.Streams[0].FPS != "30000/1001" || p.Streams[1].Rate != 44100 {
		t.Errorf("%+v", p)
	}
	planar(t, []string{"probe", "missing.mp4"}).fails(t, 2, "missing.mp4", "does not exist")
	planar(t, []string{"probe", path, "missing.yuv"}).fails(t, 3, "missing.yuv", "does not exist")
	planar(t, []string{"probe"}).fails2(t, 1, "nothing to play")
	if r := planar(t, []string{"probe", "--help"}).ok(t); !strings.Contains(r.stdout, "--json") || strings.Contains(r.stdout, "--volume") {
		t.Errorf("help: %s", r.stdout)
	}
}

// fails2 is fails for usage errors, which have a second line.
func (r result) fails2(t testing.TB, code int, words string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.stderr, words) {
		t.Errorf("exit code %d, want %d; stderr: %s", r.code, code, r.stderr)
	}
}

// What the user said of a file holds without being said again; a flag wins.
func TestRemembered(t *testing.T) {
	t.Parallel()
	path := lifelike(t, 352, 288, 4, "nv12", "x_640x480.yuv")
	state := t.TempDir()
	memory := env("XDG_STATE_HOME=" + state)
	first := hashes(t, []string{"-s", "cif", "-f", "nv12", "-r", "50", path}, memory)
	again := hashes(t, []string{path}, memory)
	samePictures(t, again, first)
	link := filepath.Join(t.TempDir(), "link.yuv")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	samePictures(t, hashes(t, []string{link}, memory), first)
	p := probe(t, []string{path}, memory)
	if c := p.Candidates[0]; !p.Remembered || c.Width != 352 || c.PixelFormat != "nv12" || c.FPS != "50" {
		t.Errorf("probe says %+v", p)
	}
	other := hashes(t, []string{"-s", "176x144", "-r", "25", path}, memory)
	want := hashes(t, []string{"-s", "176x144", "-f", "nv12", "-r", "25", path})
	samePictures(t, other, want)
	samePictures(t, hashes(t, []string{path}, memory), want)

	// A damaged memory is none, and one that cannot be written costs nothing.
	file := filepath.Join(state, "planar", "raw-video.json")
	if err := os.WriteFile(file, []byte(`[{"file":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := probe(t, []string{path}, memory); p.Remembered {
		t.Error("remembered from a damaged file")
	}
	hashes(t, []string{"-s", "cif", "-r", "50", path}, env("XDG_STATE_HOME=/proc/nowhere"))
}

func TestStrides(t *testing.T) {
	t.Parallel()
	const w, h = 176, 144
	plain := rawClip(t, w, h, 3)
	b := read(t, plain)
	var padded bytes.Buffer
	pad := func(rows, width, stride int) {
		for range rows {
			padded.Write(b[:width])
			padded.Write(bytes.Repeat([]byte{0xee}, stride-width))
			b = b[width:]
		}
	}
	padded.WriteString("header")
	for range 3 {
		padded.WriteString("FRM")
		pad(h, w, 192)
		pad(h/2, w/2, 96)
		pad(h/2, w/2, 112)
	}
	path := write(t, "x.yuv", padded.Bytes())
	args := []string{"-s", "qcif", "-f", "yuv420p", "-r", "25", "--header-bytes", "6", "--frame-header-bytes", "3"}
	samePictures(t, hashes(t, append(args, "--stride", "192,96,112", path)), hashes(t, []string{plain}))
	planar(t, quiet(append(args, "--stride", "192,80,112", path)...)).fails(t, 2, "stride 80", "88 bytes")
	planar(t, quiet(append(args, "--stride", "192,96,112,5", path)...)).fails(t, 2, "3 planes")
}

func TestY4M(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	for _, format := range []string{"yuv420p", "yuv422p", "yuv444p", "yuv411p", "gray", "yuv420p10le", "yuv422p12le", "yuv444p16le", "gray10le"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.y4m")
			w := 351
			if strings.HasSuffix(format, "le") {
				w = 350 // at odd widths FFmpeg writes rows of half a sample
			}
			ffmpeg(t, append(testsrc(w, 289, 4), "-pix_fmt", format, "-strict", "-1", path)...)
			want := decoded(t, path)
			samePictures(t, hashes(t, []string{path}), want)
			samePictures(t, hashes(t, []string{"-"}, stdin(bytes.NewReader(read(t, path)))), want)
			last := hashes(t, []string{"--start", "#3", path})
			if len(last) != 1 || last[0].md5 != want[3].md5 {
				t.Errorf("from frame 3: %+v", last)
			}
		})
	}
	full := filepath.Join(t.TempDir(), "full.y4m")
	ffmpeg(t, append(testsrc(64, 64, 2), "-vf", "scale=out_range=full", "-pix_fmt", "yuv420p", "-color_range", "pc", full)...)
	if p := probe(t, []string{full}); p.Format != "yuv4mpegpipe" || p.Streams[0].Range != "full" || p.Streams[0].FPS != "25" {
		t.Errorf("%+v", p)
	}
	for name, data := range map[string]string{
		"huge.y4m":  "YUV4MPEG2 W2147483648 H2147483648 F25:1\nFRAME\n",
		"size.y4m":  "YUV4MPEG2 F25:1\nFRAME\n",
		"other.y4m": "RIFFxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"long.y4m":  "YUV4MPEG2 " + strings.Repeat("X", 100_000),
	} {
		planar(t, quiet(write(t, name, []byte(data)))).fails(t, 2, name)
	}
}

func TestSequence(t *testing.T) {
	t.Parallel()
	const w, h, n = 176, 144, 12
	b := read(t, rawClip(t, w, h, n))
	dir := t.TempDir()
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("frame%04d.yuv", i+7)), b[i*len(b)/n:(i+1)*len(b)/n], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := hashes(t, []string{rawClip(t, w, h, n)})
	pattern := filepath.Join(dir, "frame%04d.yuv")
	samePictures(t, hashes(t, []string{"-s", "qcif", "-r", "25", pattern}), want)
	got := hashes(t, []string{"-s", "qcif", "-r", "25", "--start", "#9", pattern})
	if len(got) != 3 || got[0].md5 != want[9].md5 {
		t.Errorf("from frame 9: %+v", got)
	}
	planar(t, quiet("-s", "qcif", filepath.Join(dir, "none%04d.yuv"))).fails(t, 2, "none%04d.yuv")
}

// A file that an encoder is still writing is played as it grows.
func TestGrowingFile(t *testing.T) {
	t.Parallel()
	b := read(t, rawClip(t, 176, 144, 60))
	frame := len(b) / 60
	path := write(t, "growing.yuv", b[:5*frame/2])
	p := start(t, []string{"--vo", "hash", "-s", "qcif", "-r", "25", path})
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at := 5 * frame / 2; at < len(b); {
		time.Sleep(50 * time.Millisecond)
		n := min(len(b)-at, 5*frame+frame/3)
		if _, err := f.Write(b[at : at+n]); err != nil {
			t.Fatal(err)
		}
		at += n
	}
	f.Close() // the writer's last act: now the end need not be waited for
	r := p.result(patience)
	samePictures(t, parseHashes(t, r.stdout), hashes(t, []string{rawClip(t, 176, 144, 60)}))
	if r.code != 0 {
		t.Errorf("exit code %d: %s", r.code, r.stderr)
	}
}

// A file that is cut while it plays ends there, in the window too, whose frames
// are not copies of the file.
func TestCutWhilePlaying(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	b := read(t, rawClip(t, 640, 480, 100))
	path := write(t, "cut.yuv", b)
	w := s.play("-s", "640x480", "-r", "25", "--exit", path)
	time.Sleep(600 * time.Millisecond)
	for i := range 20 { // more and more is gone
		if err := os.Truncate(path, int64(len(b)/(3+i)+1234*i)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if r := w.result(5 * time.Second); r.code != 0 || strings.Contains(r.stderr, "SIGBUS") {
		t.Errorf("exit code %d: %s", r.code, r.stderr)
	}
}

// Beyond 4 GiB frames are where they should be.
func TestHugeFile(t *testing.T) {
	t.Parallel()
	path := write(t, "huge.yuv", nil)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := read(t, rawClip(t, 176, 144, 2))
	frame := len(b) / 2
	n := int64(6<<30) / int64(frame)
	if _, err := f.WriteAt(b, n*int64(frame)); err != nil {
		t.Skip("this file system has no sparse files of 6 GiB: ", err)
	}
	got := hashes(t, []string{"-s", "qcif", "-r", "25", "--start", fmt.Sprintf("#%d", n), path})
	want := hashes(t, []string{rawClip(t, 176, 144, 2)})
	if len(got) != 2 || got[0].md5 != want[0].md5 || got[1].md5 != want[1].md5 || got[0].number != n {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestGeometryOverflow(t *testing.T) {
	t.Parallel()
	path := write(t, "x.yuv", make([]byte, 1000))
	planar(t, quiet("-s", "32768x32768", "-f", "rgba64le", path)).fails(t, 2, "x.yuv")
	planar(t, quiet("-s", "32768x32768", "--stride", "524288", "-f", "yuv444p16le", path)).fails(t, 2, "x.yuv")
	planar(t, quiet("-s", "16x16", "--header-bytes", "1125899906842624", path)).fails(t, 2, "x.yuv")
}

// What a file is does not follow from its name alone.
func TestKinds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mp4 := clip(t, "kind.mp4", append(testsrc(352, 288, 3), "-c:v", "libx264", "-pix_fmt", "yuv420p")...)
	y4m := filepath.Join(dir, "x.y4m")
	ffmpeg(t, append(testsrc(352, 288, 3), "-pix_fmt", "yuv420p", y4m)...)
	raw := rawClip(t, 352, 288, 3)
	for name, c := range map[string]struct {
		from, kind string
		args       []string
	}{
		"trailer_352x288":          {mp4, "media", nil},
		"trailer_352x288.dat":      {mp4, "media", []string{"--matrix", "bt709"}},
		"y4m_in_disguise.yuv":      {y4m, "media", nil},
		"y4m_352x288.bin":          {y4m, "media", []string{"--fps", "50"}},
		"dump_352x288":             {raw, "raw video", nil},
		"dump_352x288.dat":         {raw, "raw video", nil},
		"dump_352x288.nv12":        {raw, "raw video", nil},
		"dump_352x288.yuv420p10le": {raw, "raw video", nil},
		"dump.bin":                 {raw, "raw video", []string{"-s", "cif"}},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, read(t, c.from), 0o644); err != nil {
			t.Fatal(err)
		}
		if p := probe(t, append(c.args, path)); p.Kind != c.kind {
			t.Errorf("%s is taken for %s, want %s", name, p.Kind, c.kind)
		}
	}
}

// A FIFO is opened once: whoever writes into it is not left alone.
func TestRawFIFO(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "fifo.raw")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	raw := read(t, rawClip(t, 352, 288, 3))
	wrote := make(chan error, 1)
	go func() { wrote <- os.WriteFile(path, raw, 0) }()
	got := hashes(t, []string{"-s", "cif", "-r", "25", path})
	samePictures(t, got, hashes(t, []string{rawClip(t, 352, 288, 3)}))
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

// One stride is the first plane's, whatever the width.
func TestOneStride(t *testing.T) {
	t.Parallel()
	const w, h = 351, 289
	plain := clip(t, "odd_351x289_25fps.yuv", append(testsrc(w, h, 2), "-pix_fmt", "yuv420p", "-f", "rawvideo")...)
	b := read(t, plain)
	var padded []byte
	for range 2 {
		for _, p := range [][3]int{{w, h, 384}, {(w + 1) / 2, (h + 1) / 2, 192}, {(w + 1) / 2, (h + 1) / 2, 192}} {
			for range p[1] {
				padded = append(append(padded, b[:p[0]]...), make([]byte, p[2]-p[0])...)
				b = b[p[0]:]
			}
		}
	}
	path := write(t, "padded.yuv", padded)
	samePictures(t, hashes(t, []string{"-s", "351x289", "-f", "yuv420p", "-r", "25", "--stride", "384", path}), hashes(t, []string{plain}))
}

// What is remembered gives way to what is said now, and to another file.
func TestRememberedGivesWay(t *testing.T) {
	t.Parallel()
	memory := env("XDG_STATE_HOME=" + t.TempDir())
	raw := read(t, rawClip(t, 352, 288, 4))
	path := write(t, "clip_352x288_25fps.yuv", raw)
	want := hashes(t, []string{path})
	hashes(t, []string{"--header-bytes", "0", "-f", "yuv420p", path}, memory)
	planar(t, []string{"--vo", "hash", "-s", "176x144", "--header-bytes", "38016", path}, memory)
	if got := hashes(t, []string{path}, memory); len(got) != 15 {
		t.Errorf("%d frames of 176x144 after a header, want 15", len(got))
	}
	samePictures(t, hashes(t, []string{"-s", "cif", "--header-bytes", "0", path}, memory), want)
	planar(t, []string{"--vo", "hash", "-s", "176x144", path}, memory).ok(t)
	if p := probe(t, []string{path}, memory); !p.Remembered || !strings.Contains(strings.Join(p.Candidates[0].Reasons, ";"), "size 176x144: remembered") {
		t.Errorf("%+v", p)
	}
	samePictures(t, hashes(t, []string{"--forget", path}, memory), want)
	samePictures(t, hashes(t, []string{path}, memory), want)
	// Another file takes its place.
	planar(t, []string{"--vo", "hash", "-s", "176x144", "-f", "yuv420p", path}, memory).ok(t)
	if err := os.WriteFile(path, raw[:352*288*3/2], 0o644); err != nil { // 4 frames of QCIF
		t.Fatal(err)
	}
	if p := probe(t, []string{path}, memory); !p.Remembered {
		t.Error("forgotten although it fits")
	}
	if err := os.WriteFile(path, append(raw, raw[:352*288*3/2+1]...), 0o644); err != nil {
		t.Fatal(err)
	}
	if p := probe(t, []string{path}, memory); p.Remembered {
		t.Error("remembered although it does not fit")
	}
}
