package e2e

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// picture is a line of --vo hash.
type picture struct {
	number int64
	pts    float64 // seconds
	md5    string
}

// hashes runs planar --vo hash.
func hashes(t testing.TB, args []string, set ...setup) []picture {
	t.Helper()
	return parseHashes(t, planar(t, append([]string{"--vo", "hash"}, args...), set...).ok(t).stdout)
}

func parseHashes(t testing.TB, out string) (all []picture) {
	t.Helper()
	for line := range strings.Lines(out) {
		var p picture
		if n, err := fmt.Sscanf(line, "%d %f %s\n", &p.number, &p.pts, &p.md5); n != 3 || err != nil || len(p.md5) != 32 || len(strings.Fields(line)) != 3 {
			t.Fatalf("not number, time and MD5: %q", line)
		}
		all = append(all, p)
	}
	return all
}

// decoded is what FFmpeg's own decode of a file gives.
func decoded(t testing.TB, path string, input ...string) (all []picture) {
	t.Helper()
	args := append(slices.Clone(input), "-noautorotate", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "framemd5", "-")
	timeBase := math.NaN()
	for s := bufio.NewScanner(bytes.NewReader(ffmpeg(t, args...))); s.Scan(); {
		line := s.Text()
		if tb, ok := strings.CutPrefix(line, "#tb 0: "); ok {
			num, den, _ := strings.Cut(tb, "/")
			n, errN := strconv.ParseFloat(num, 64)
			d, errD := strconv.ParseFloat(den, 64)
			if errN != nil || errD != nil {
				t.Fatalf("framemd5: %q", line)
			}
			timeBase = n / d
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, ",")
		pts, err := strconv.ParseFloat(strings.TrimSpace(f[2]), 64)
		if len(f) != 6 || err != nil {
			t.Fatalf("framemd5: %q", line)
		}
		all = append(all, picture{int64(len(all)), pts * timeBase, strings.TrimSpace(f[5])})
	}
	if len(all) == 0 {
		t.Fatal("FFmpeg decoded nothing: the test is worth nothing")
	}
	return all
}

// samePictures compares line by line; numbers too, and times to the millisecond.
func samePictures(t testing.TB, got, want []picture) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d frames, want %d", len(got), len(want))
	}
	bad := 0
	for i := range min(len(got), len(want)) {
		g, w := got[i], want[i]
		if g.number != w.number || g.md5 != w.md5 || math.Abs(g.pts-w.pts) > 0.0010005 {
			if bad++; bad <= 3 {
				t.Errorf("line %d: %+v, want %+v", i, g, w)
			}
		}
	}
	if bad > 3 {
		t.Errorf("%d lines differ", bad)
	}
	if distinct := map[string]bool{}; len(want) > 1 {
		for _, p := range want {
			distinct[p.md5] = true
		}
		if len(distinct) < 2 {
			t.Error("all pictures are alike: the test is worth nothing")
		}
	}
}

const noise = "noise=alls=20:allf=t"

func TestHashEqualsFFmpeg(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	src := func(more ...string) []string { return append(testsrc(176, 144, 60), more...) }
	bframes := []string{"-vf", noise, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "20"}
	for _, c := range []struct {
		name  string
		args  []string
		input []string // for ffmpeg, to read it
		flags []string // for planar
		least int      // frames that there must be
	}{
		{
			name: "raw.yuv", args: src("-pix_fmt", "yuv420p", "-f", "rawvideo"), least: 60,
			input: []string{"-f", "rawvideo", "-video_size", "176x144", "-framerate", "25"}, flags: []string{"-s", "176x144", "-r", "25"},
		},
		{
			name: "odd.yuv", args: append(testsrc(351, 289, 20), "-pix_fmt", "yuv420p", "-f", "rawvideo"), least: 20,
			input: []string{"-f", "rawvideo", "-video_size", "351x289", "-framerate", "29.97"}, flags: []string{"-s", "351x289", "-r", "30000/1001"},
		},
		{
			name: "tiny.yuv", args: append(testsrc(176, 144, 9), "-vf", "scale=1:1", "-pix_fmt", "yuv420p", "-f", "rawvideo"), least: 9,
			input: []string{"-f", "rawvideo", "-video_size", "1x1", "-framerate", "25"}, flags: []string{"-s", "1x1", "-r", "25"},
		},
		{
			name: "422p10.yuv", args: append(testsrc(175, 143, 9), "-pix_fmt", "yuv422p10le", "-f", "rawvideo"), least: 9,
			input: []string{"-f", "rawvideo", "-video_size", "175x143", "-framerate", "25", "-pixel_format", "yuv422p10le"},
			flags: []string{"-s", "175x143", "-r", "25", "-f", "yuv422p10le"},
		},
		{name: "y.y4m", args: append(testsrc(351, 289, 20), "-pix_fmt", "yuv420p"), least: 20},
		{name: "bframes.mp4", args: src(bframes...), least: 60},
		{name: "bframes-sound.mp4", args: append(append([]string{"-f", "lavfi", "-i", "sine=d=2.4"}, src(bframes...)...), "-c:a", "aac"), least: 60},
		{name: "mpeg2.ts", args: src("-vf", noise, "-c:v", "mpeg2video", "-bf", "2", "-q:v", "4"), least: 60},
		{name: "h264.ts", args: src(bframes...), least: 60},
		{name: "mjpeg.mov", args: src("-c:v", "mjpeg", "-pix_fmt", "yuvj420p"), least: 60},
		{name: "vp9.webm", args: src("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "500k"), least: 60},
		{name: "ffv1.mkv", args: append(testsrc(351, 289, 20), "-pix_fmt", "yuv422p10le", "-c:v", "ffv1"), least: 20},
		{name: "flv1.flv", args: src("-c:v", "flv"), least: 60},
		{name: "h264.flv", args: src(bframes...), least: 60},
		{name: "rgb.avi", args: src("-c:v", "ffvhuff", "-pix_fmt", "rgb24"), least: 60},
		{name: "vfr.mkv", args: src("-vf", "select='not(mod(n,3))+gt(mod(n,7),4)',"+noise, "-fps_mode", "vfr", "-c:v", "libx264", "-preset", "veryfast"), least: 25},
		{name: "vfr.mp4", args: src("-vf", "select='not(mod(n,3))+gt(mod(n,7),4)',"+noise, "-fps_mode", "vfr", "-c:v", "libx264", "-preset", "veryfast"), least: 25},
		{name: "offset.ts", args: src("-output_ts_offset", "3600", "-c:v", "libx264", "-preset", "veryfast"), least: 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := clip(t, "hash-"+c.name, c.args...)
			want := decoded(t, path, c.input...)
			if len(want) < c.least {
				t.Fatalf("FFmpeg finds %d frames, want %d", len(want), c.least)
			}
			samePictures(t, hashes(t, append(c.flags, path)), want)
		})
	}
	t.Run("editlist.mp4", func(t *testing.T) {
		t.Parallel()
		whole := clip(t, "hash-bframes.mp4", src(bframes...)...)
		// Cut between key frames: the edit list hides the frames before.
		path := clip(t, "hash-editlist.mp4", "-ss", "1.0", "-i", whole, "-c", "copy")
		all, want := decoded(t, path, "-ignore_editlist", "1"), decoded(t, path)
		if len(want) >= len(all) {
			t.Fatalf("the edit list hides nothing: %d of %d frames", len(want), len(all))
		}
		samePictures(t, hashes(t, []string{path}), want)
	})
}

func TestRawEqualsItsLosslessTwin(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	for _, c := range []struct {
		file  string
		w, h  int
		codec []string
	}{
		{"ffv1.mkv", 351, 289, []string{"-c:v", "ffv1"}},
		{"qp0.mp4", 352, 288, []string{"-c:v", "libx264", "-preset", "veryfast", "-qp", "0"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			raw := rawClip(t, c.w, c.h, 25)
			size := fmt.Sprintf("%dx%d", c.w, c.h)
			args := []string{"-f", "rawvideo", "-video_size", size, "-framerate", "25", "-i", raw}
			twin := clip(t, "twin-"+c.file, append(args, c.codec...)...)
			got := hashes(t, []string{raw})
			if sum := fmt.Sprintf("%x", md5.Sum(read(t, raw)[:frameBytes(c.w, c.h)])); len(got) != 25 || got[0].md5 != sum {
				t.Errorf("%d lines, the first is %+v, want 25 and the MD5 of the file's first frame, %s", len(got), got[:1], sum)
			}
			samePictures(t, hashes(t, []string{twin}), got)
		})
	}
}

func frameBytes(w, h int) int { return w*h + 2*((w+1)/2)*((h+1)/2) }

func TestHashParts(t *testing.T) {
	t.Parallel()
	raw := rawClip(t, 351, 289, 25)
	mp4 := clip(t, "parts.mp4", append(testsrc(176, 144, 50), "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "20")...)
	twice := func(p []picture) []picture { return append(slices.Clone(p), p...) }
	for _, c := range []struct {
		name  string
		file  string
		flags []string
		want  func(whole []picture) []picture
	}{
		{"frames", raw, []string{"--frames", "7"}, func(w []picture) []picture { return w[:7] }},
		{"start at a frame", raw, []string{"--start", "#10", "--frames", "5"}, func(w []picture) []picture { return w[10:15] }},
		{"start at the last frame", raw, []string{"--start", "#24"}, func(w []picture) []picture { return w[24:] }},
		// At 0.5 s frame 12, of 0.48 s, is on the screen.
		{"start at a time", raw, []string{"--start", "0.5"}, func(w []picture) []picture { return w[12:] }},
		{"start at a time of a frame", raw, []string{"--start", "0:00:00.52"}, func(w []picture) []picture { return w[13:] }},
		{"loop", raw, []string{"--loop", "2"}, twice},
		{"mp4, start at a frame", mp4, []string{"--start", "#10", "--frames", "5"}, func(w []picture) []picture { return w[10:15] }},
		{"mp4, start at a time", mp4, []string{"--start", "0.5"}, func(w []picture) []picture { return w[12:] }},
		{"mp4, start between key frames", mp4, []string{"--start", "1.5"}, func(w []picture) []picture { return w[37:] }},
		{"mp4, loop", mp4, []string{"--loop", "2"}, twice},
		{"mp4, loop of a part", mp4, []string{"--loop", "inf", "--frames", "60"}, func(w []picture) []picture { return twice(w)[:60] }},
		{"two sources", raw, []string{raw}, twice},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := c.want(hashes(t, []string{c.file}))
			samePictures(t, hashes(t, append(c.flags, c.file)), want)
		})
	}
}

func TestHashOfStdin(t *testing.T) {
	t.Parallel()
	raw := rawClip(t, 351, 289, 25)
	y4m := clip(t, "stdin.y4m", append(testsrc(176, 144, 25), "-pix_fmt", "yuv420p")...)
	ts := clip(t, "stdin.ts", append(testsrc(176, 144, 25), "-c:v", "mpeg2video")...)
	for _, c := range []struct {
		file  string
		flags []string
	}{
		{raw, []string{"-s", "351x289", "-r", "25"}},
		{y4m, nil},
		{ts, nil},
	} {
		t.Run(c.file[len(shared)+1:], func(t *testing.T) {
			t.Parallel()
			want := hashes(t, []string{c.file})
			// A pipe, fed in pieces that are no frames.
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			data := read(t, c.file)
			go func() {
				defer w.Close()
				for piece := range slices.Chunk(data, 10007) {
					if _, err := w.Write(piece); err != nil {
						return
					}
				}
			}()
			defer r.Close()
			samePictures(t, hashes(t, append(c.flags, "-"), stdin(r)), want)
			// A file.
			f, err := os.Open(c.file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			samePictures(t, hashes(t, append(c.flags, "-"), stdin(f)), want)
		})
	}
}

func TestUntimed(t *testing.T) {
	t.Parallel()
	// Ten seconds of it.
	raw := rawClip(t, 176, 144, 250)
	r := planar(t, []string{"--untimed", "--vo", "null", "--ao", "null", "--stats", "-", raw}).ok(t)
	if r.took > 3*time.Second {
		t.Errorf("it took %v to run through ten seconds of CIF/4", r.took)
	}
	if st := lastStats(t, r.stdout); st.Shown != 250 || st.Dropped != 0 {
		t.Errorf("shown %d dropped %d, want 250 and 0", st.Shown, st.Dropped)
	}
}
