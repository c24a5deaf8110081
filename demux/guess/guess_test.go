package guess

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"planar/render"
)

// zeros is a file of zeros; reading it fails the test if it is not allowed.
type zeros struct {
	t       testing.TB
	allowed bool
	read    int64
}

func (z *zeros) ReadAt(p []byte, _ int64) (int, error) {
	if !z.allowed {
		z.t.Error("content was read though name and size settle the matter")
	}
	z.read += int64(len(p))
	clear(p)
	return len(p), nil
}

// bytesOf is the size of n frames.
func bytesOf(t testing.TB, format string, w, h int, n int64) int64 {
	t.Helper()
	ls, err := formats.Layouts(format, w, h)
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for _, l := range ls {
		sum += int64(l.RowBytes) * int64(l.Rows)
	}
	return sum * n
}

func summary(c Candidate) string {
	s := fmt.Sprintf("%dx%d %s", c.Width, c.Height, c.PixelFormat)
	if c.Rate.Known() {
		s += " @" + rateText(c.Rate)
	}
	return s
}

func TestRankByNameAndSize(t *testing.T) {
	for _, c := range []struct {
		path   string
		format string // of the real content, of which only the size is known
		w, h   int
		n      int64
		extra  int64
		want   string
		sure   bool
	}{
		{"foreman_352x288_30fps.yuv", "yuv420p", 352, 288, 300, 0, "352x288 yuv420p @30", true},
		{"foreman_352x288.yuv", "yuv420p", 352, 288, 300, 17, "352x288 yuv420p", true},
		{"foreman_352x288.yuv", "yuv422p", 352, 288, 301, 0, "352x288 yuv422p", false},
		{"out_640x480_nv12.yuv", "nv12", 640, 480, 10, 0, "640x480 nv12", true},
		{"Tango2_3840x2160_60fps_10bit_420.yuv", "yuv420p10le", 3840, 2160, 300, 0, "3840x2160 yuv420p10le @60", true},
		{"x_1920x1080_10bit.yuv", "yuv422p10le", 1920, 1080, 7, 0, "1920x1080 yuv422p10le", false},
		{"x_10bit_1080p.yuv", "yuv420p10le", 1920, 1080, 7, 0, "1920x1080 yuv420p10le", true},
		{"x_444_720p50.yuv", "yuv444p", 1280, 720, 13, 0, "1280x720 yuv444p @50", false},
		{"x_4k.yuv", "yuv420p", 4096, 2160, 7, 0, "4096x2160 yuv420p", true},
		{"x_hd.yuv", "yuv420p", 1280, 720, 7, 0, "1280x720 yuv420p", true},
		{"x_1920x1080_to_640x360.yuv", "yuv420p", 640, 360, 31, 0, "640x360 yuv420p", true},
		{"/seq/1920x1080/foo.yuv", "yuv420p", 1920, 1080, 60, 0, "1920x1080 yuv420p", true},
		{"/data/cif/akiyo.yuv", "yuv420p", 352, 288, 300, 0, "352x288 yuv420p", true},
		{"/data/cif/akiyo_qcif.yuv", "yuv420p", 176, 144, 300, 0, "176x144 yuv420p", true},
		{"class_B_1080p50/foo.yuv", "yuv420p", 1920, 1080, 30, 0, "1920x1080 yuv420p @50", true},
		{"x_351x289.yuv", "yuv420p", 351, 289, 30, 0, "351x289 yuv420p", true},
		{"bus_cif_150frames.yuv", "yuv420p", 352, 288, 150, 0, "352x288 yuv420p", true},
		{"nothing.yuv", "yuv420p", 832, 480, 301, 0, "832x480 yuv420p", false},
		{"nothing.yuv", "yuv420p", 1920, 1080, 60, 0, "1920x1080 yuv420p", false},
		{"wrong_1280x720.yuv", "yuv420p", 352, 288, 300, 0, "352x288 yuv420p", false},
	} {
		size := bytesOf(t, c.format, c.w, c.h, c.n) + c.extra
		cs := Rank(File{Path: c.path, Size: size}, Video{}, formats)
		if len(cs) == 0 || len(cs) > maxCandidates {
			t.Errorf("%s: %d candidates", c.path, len(cs))
			continue
		}
		wrong := strings.HasPrefix(c.path, "wrong")
		if wrong { // size alone does not decide, but the right one must be listed
			for _, k := range cs {
				wrong = wrong && summary(k) != c.want
			}
			if wrong {
				t.Errorf("%s: %s is not among %d candidates", c.path, c.want, len(cs))
			}
			continue
		}
		if got := summary(cs[0]); got != c.want || c.sure && !cs[0].Sure {
			t.Errorf("%s of %d bytes: %s, sure %v, score %.3f; want %s, %v", c.path, size, got, cs[0].Sure, cs[0].Score, c.want, c.sure)
		}
		if cs[0].Frames != c.n || cs[0].Rest != c.extra {
			t.Errorf("%s: %d frames and %d bytes, want %d and %d", c.path, cs[0].Frames, cs[0].Rest, c.n, c.extra)
		}
	}
}

func TestRankNeverOverridesWhatIsGiven(t *testing.T) {
	given := []Video{
		{Width: 100, Height: 50},
		{Width: 1920},
		{Height: 288},
		{PixelFormat: "I420"},
		{PixelFormat: "nv12", Width: 352, Height: 288, Rate: render.Rational{Num: 7, Den: 1}, Header: 16, FrameHeader: 6},
		{Rate: render.Rational{Num: 7, Den: 1}, Colour: render.Colour{Matrix: render.BT601, Range: render.Full, Siting: render.SitingTopLeft}},
	}
	for _, v := range given {
		for _, name := range []string{"x.yuv", "a_640x480_nv21_30fps_709.yuv"} {
			for _, size := range []int64{-1, 0, 100, 640 * 480 * 3 / 2 * 10} {
				f := File{Path: name, Size: size}
				if size == 100 {
					f.Content = &zeros{t: t, allowed: true}
				}
				for _, c := range Rank(f, v, formats) {
					if v.Width != 0 && c.Width != v.Width || v.Height != 0 && c.Height != v.Height || v.PixelFormat != "" && c.PixelFormat != v.PixelFormat ||
						v.Rate.Known() && c.Rate != v.Rate || v.Colour.Matrix != 0 && c.Colour != v.Colour || c.Header != v.Header || c.FrameHeader != v.FrameHeader {
						t.Errorf("%s of %d bytes, given %+v: %+v", name, size, v, c.Video)
					}
				}
			}
		}
	}
	cs := Rank(File{Path: "x_cif.yuv", Size: 16 + 30*(6+152064), Content: &zeros{t: t}}, given[4], formats)
	if len(cs) != 1 || cs[0].Frames != 30 || cs[0].Rest != 0 || !cs[0].Sure {
		t.Errorf("all given, with headers: %+v", cs)
	}
}

func TestRankReadsNothingOfSettledFiles(t *testing.T) {
	for _, name := range []string{"a_352x288_yuv420p_8bit.yuv", "a_352x288_nv12.yuv", "/x/cif/a.nv12"} {
		if cs := Rank(File{Path: name, Size: 152064 * 30, Content: &zeros{t: t}}, Video{}, formats); len(cs) == 0 || !cs[0].Sure {
			t.Errorf("%s: %+v", name, cs)
		}
	}
}

func TestRankOfPipes(t *testing.T) {
	cs := Rank(File{Path: "fifo_1280x720_25fps", Size: -1}, Video{}, formats)
	if len(cs) == 0 || summary(cs[0]) != "1280x720 yuv420p @25" || !cs[0].Sure {
		t.Errorf("a pipe with a telling name: %+v", cs)
	}
	if cs := Rank(File{Path: "-", Size: -1}, Video{}, formats); len(cs) > 0 {
		t.Errorf("a pipe that nothing is known of is taken for %+v", cs[0])
	}
}

func TestRankColourAndReasons(t *testing.T) {
	cs := Rank(File{Path: "a_709_full_352x288_25fps_30frames.yuv", Size: 152064 * 30}, Video{}, formats)
	if len(cs) == 0 {
		t.Fatal("no candidates")
	}
	if c := cs[0].Colour; c.Matrix != render.BT709 || c.Range != render.Full {
		t.Errorf("colour %+v", c)
	}
	all := strings.Join(cs[0].Reasons, "; ")
	for _, want := range []string{"size 352x288: from the name", "yuv420p: usual", "25 fps: from the name", "bt709: from the name", "full range: from the name", "30 frames: as the name says"} {
		if !strings.Contains(all, want) {
			t.Errorf("reasons %q do not say %q", all, want)
		}
	}
}

const stillW, stillH = 1400, 800

// still is a smooth picture with edges: luma, U and V from 0 to 1.
var still = sync.OnceValue(func() (p [3][]float32) {
	for y := range stillH {
		for x := range stillW {
			x, y := float64(x), float64(y)
			edge := 0.0
			if math.Mod(x*0.011+y*0.007, 1) > 0.6 {
				edge = 0.25
			}
			fine := 0.05 * math.Sin(x*0.31) * math.Cos(y*0.23)
			p[0] = append(p[0], float32(0.4+0.2*math.Sin(x*0.013+y*0.017)+edge+fine))
			p[1] = append(p[1], float32(0.47+0.11*math.Sin(x*0.017-y*0.009)-edge*0.2))
			p[2] = append(p[2], float32(0.55+0.09*math.Cos(x*0.009+y*0.021)+edge*0.3))
		}
	}
	return p
})

// scene is a camera that pans over the still.
type scene struct{ noise *rand.Rand }

func (s *scene) at(component, x, y, t int) float64 {
	if component == 3 {
		return 1
	}
	return float64(still()[component][(y+t)*stillW+x+2*t])
}

func (s *scene) rgb(component, x, y, t int) float64 {
	luma, u, v := s.at(0, x, y, t), s.at(1, x, y, t)-0.5, s.at(2, x, y, t)-0.5
	switch component {
	case 0:
		return luma + 1.4*v
	case 1:
		return luma - 0.34*u - 0.71*v
	case 2:
		return luma + 1.77*u
	}
	return 1
}

// shoot films n frames of a scene in the given format.
func shoot(tb testing.TB, format string, w, h, n int, seed uint64) []byte {
	tb.Helper()
	d, ok := formats.Describe(format)
	ls, err := formats.Layouts(format, w, h)
	if !ok || err != nil {
		tb.Fatal(format, err)
	}
	s := &scene{noise: rand.New(rand.NewPCG(seed, 1))}
	var out []byte
	for f := range n {
		for p, l := range ls {
			plane := make([]byte, l.RowBytes*l.Rows)
			for i, c := range d.Components {
				if c.Plane == p {
					s.component(plane, l, &d, i, w, f)
				}
			}
			out = append(out, plane...)
		}
	}
	return out
}

func (s *scene) component(plane []byte, l render.Layout, d *render.Descriptor, i, w, t int) {
	c := d.Components[i]
	sx, sy := 1, 1
	value := s.at
	if d.RGB {
		value = s.rgb
	} else if i == 1 || i == 2 {
		sx, sy = 1<<d.ShiftX, 1<<d.ShiftY
	}
	most := float64(int(1)<<c.Depth - 1)
	for y := range l.Rows {
		for x := range (w + sx - 1) / sx {
			v := value(i, x*sx, y*sy, t)
			if i < 3 {
				v += (s.noise.Float64() - 0.5) * 0.02
			}
			k := int(max(0, min(most, v*most))) << c.Shift
			at := y*l.RowBytes + c.Offset + x*c.Step
			switch {
			case c.Depth == 8:
				plane[at] = byte(k)
			case d.BigEndian:
				plane[at], plane[at+1] = byte(k>>8), byte(k)
			default:
				plane[at], plane[at+1] = byte(k), byte(k>>8)
			}
		}
	}
}

func TestContentDecides(t *testing.T) {
	sizes := [][2]int{{176, 144}, {352, 288}, {640, 360}, {640, 480}, {1280, 720}}
	names := []string{
		"yuv420p", "nv12", "yuv422p", "yuv444p", "yuyv422", "uyvy422", "yuv420p10le", "p010le", "gray", "rgb24",
		"yuv422p10le", "yuv420p10be", "gbrp", "argb",
	}
	right, all := 0, 0
	for i, s := range sizes {
		for j, format := range names {
			if s[0] > 200 && (i+j)%4 != 0 || (i+5*j)%thin != 0 { // a quarter of the larger ones is enough
				continue
			}
			n := max(2, 12*176*144/s[0]/s[1])
			data := shoot(t, format, s[0], s[1], n, uint64(100*i+j))
			cs := Rank(File{Path: "/x/unknown.bin", Size: int64(len(data)), Content: bytes.NewReader(data)}, Video{}, formats)
			all++
			want := fmt.Sprintf("%dx%d %s", s[0], s[1], format)
			if len(cs) > 0 && summary(cs[0]) == want {
				right++
			} else if len(cs) > 0 {
				t.Logf("%s was taken for %s (%.2f)", want, summary(cs[0]), cs[0].Score)
			}
		}
	}
	t.Logf("%d of %d are right", right, all)
	if right*100 < all*93 {
		t.Errorf("only %d of %d are right", right, all)
	}
}

func TestContentAgainstNames(t *testing.T) {
	for _, c := range []struct {
		path, format string
		w, h, n      int
		want         string
	}{
		{"a_352x288.yuv", "nv12", 352, 288, 6, "352x288 nv12"},
		{"a_352x288_420.yuv", "yuv420p10le", 352, 288, 4, "352x288 yuv420p10le"},
		{"a_352x288_420.yuv", "yuv420p", 352, 288, 4, "352x288 yuv420p"},
		{"a_352x288.yuv", "p010le", 352, 288, 4, "352x288 p010le"},
		{"a_352x288.yuv", "gray", 352, 288, 6, "352x288 gray"},
		{"a_1280x720.yuv", "yuv420p", 352, 288, 7, "352x288 yuv420p"},
		{"a_352x288_10bit.yuv", "yuv420p", 352, 288, 3, "352x288 yuv420p"},
		{"unusual.yuv", "yuv420p", 372, 222, 7, "372x222 yuv420p"},
	}[:8/min(thin, 4)] {
		data := shoot(t, c.format, c.w, c.h, c.n, 5)
		cs := Rank(File{Path: c.path, Size: int64(len(data)), Content: bytes.NewReader(data)}, Video{}, formats)
		if len(cs) == 0 || summary(cs[0]) != c.want {
			t.Errorf("%s holding %s: %+v", c.path, c.want, cs[:min(2, len(cs))])
		}
	}
}

// shortReader ends before the size that was told.
type shortReader struct{}

func (shortReader) ReadAt([]byte, int64) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestContentThatCannotBeRead(t *testing.T) {
	cs := Rank(File{Path: "a_352x288.yuv", Size: 152064 * 30, Content: shortReader{}}, Video{}, formats)
	if len(cs) == 0 || summary(cs[0]) != "352x288 yuv420p" {
		t.Errorf("%+v", cs)
	}
}

func TestReadingIsBounded(t *testing.T) {
	for i, name := range []string{"x_3840x2160.yuv", "x_8k_rgb48.raw", "x.yuv"} {
		if i > 1 && thin > 1 {
			break
		}
		z := &zeros{t: t, allowed: true}
		Rank(File{Path: name, Size: 12441600 * 3840, Content: z}, Video{}, formats)
		if z.read > maxRead {
			t.Errorf("%s: %d bytes were read", name, z.read)
		}
	}
}

func FuzzRank(f *testing.F) {
	f.Add("a_352x288.yuv", int64(152064*3), []byte("0123456789"), int64(0), int64(0), 0, 0, "")
	f.Add("x.nv12", int64(math.MaxInt64), []byte{0}, int64(1), int64(2), 16, 0, "nv12")
	f.Add("x_32768x32768_rgb48", int64(-1), []byte{}, int64(math.MaxInt64), int64(-1), 1<<31, 1<<31, "yuv420p10le")
	f.Fuzz(func(t *testing.T, path string, size int64, data []byte, header, frameHeader int64, w, h int, format string) {
		given := Video{Width: w, Height: h, PixelFormat: format, Header: header, FrameHeader: frameHeader}
		start := time.Now()
		for _, s := range []int64{size, int64(len(data))} {
			cs := Rank(File{Path: path, Size: s, Content: bytes.NewReader(data)}, given, formats)
			if len(cs) > maxCandidates {
				t.Errorf("%d candidates", len(cs))
			}
			for _, c := range cs {
				if !(c.Score >= 0 && c.Score <= 1) || c.Frames < 0 || c.Rest < 0 || c.Width < 1 || c.Height < 1 || w != 0 && c.Width != w || h != 0 && c.Height != h || format != "" && c.PixelFormat != format {
					t.Errorf("given %+v: %+v", given, c)
				}
			}
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

func BenchmarkRankNamed2160p(b *testing.B) {
	z := &zeros{t: b, allowed: true}
	for b.Loop() {
		Rank(File{Path: "park_joy_3840x2160_50fps.yuv", Size: 12441600 * 340, Content: z}, Video{}, formats)
	}
}

func BenchmarkRankUnnamed2160p(b *testing.B) {
	z := &zeros{t: b, allowed: true}
	for b.Loop() {
		Rank(File{Path: "dump.bin", Size: 12441600 * 340, Content: z}, Video{}, formats)
	}
}

func BenchmarkRankUnnamed(b *testing.B) {
	data := shoot(b, "yuv420p", 640, 480, 20, 1)
	b.ResetTimer()
	for b.Loop() {
		Rank(File{Path: "dump.bin", Size: int64(len(data)), Content: bytes.NewReader(data)}, Video{}, formats)
	}
}
