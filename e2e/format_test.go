package e2e

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	planarff "planar/demux/ffmpeg"
	"planar/render"
)

// stored are formats that ffmpeg can write.
var stored = []string{
	"yuv420p", "yuv422p", "yuv444p", "yuv410p", "yuv411p", "yuv440p", "yuvj420p", "yuva420p", "yuva444p10le",
	"nv12", "nv21", "nv24", "nv42", "p010le", "p010be", "p016le", "p210le", "p216le", "p410le", "p416le",
	"yuyv422", "uyvy422", "yvyu422",
	"yuv420p9le", "yuv420p10le", "yuv420p10be", "yuv420p12le", "yuv420p14le", "yuv420p16le", "yuv420p16be",
	"yuv422p9le", "yuv422p10le", "yuv422p10be", "yuv422p12le", "yuv422p16le", "yuv440p10le",
	"yuv444p9le", "yuv444p10le", "yuv444p12le", "yuv444p14be", "yuv444p16le",
	"gray", "gray9le", "gray10le", "gray12le", "gray14le", "gray16le", "gray16be", "ya8",
	"rgb24", "bgr24", "rgba", "bgra", "argb", "abgr", "rgb0", "0bgr", "rgb48le", "rgb48be", "rgba64le", "rgb565le", "rgb555be",
	"x2rgb10le", "gbrp", "gbrp10le", "gbrp16be", "gbrap", "gbrpf32le",
}

// What ffmpeg writes, planar reads: every byte of every format, in pictures of
// odd sizes.
func TestStoredFormats(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	const w, h, frames = 351, 289, 3
	dir := t.TempDir()
	file := func(format, ext string) string { return filepath.Join(dir, format+ext) }
	args := testsrc(w, h, frames)[:4]
	for _, f := range stored {
		args = append(args, "-map", "0", "-frames:v", fmt.Sprint(frames), "-pix_fmt", f, "-f", "rawvideo", file(f, ".yuv"),
			"-map", "0", "-frames:v", fmt.Sprint(frames), "-pix_fmt", f, "-f", "framemd5", file(f, ".md5"))
	}
	ffmpeg(t, args...)
	for _, f := range stored {
		t.Run(f, func(t *testing.T) {
			got := hashes(t, []string{"-s", fmt.Sprintf("%dx%d", w, h), "-f", f, "-r", "25", file(f, ".yuv")})
			var want []string
			for line := range strings.Lines(string(read(t, file(f, ".md5")))) {
				if !strings.HasPrefix(line, "#") {
					want = append(want, strings.TrimSpace(line[strings.LastIndex(line, ",")+1:]))
				}
			}
			if len(got) != frames || len(want) != frames {
				t.Fatalf("%d frames, ffmpeg has %d", len(got), len(want))
			}
			for i := range got {
				if got[i].md5 != want[i] {
					t.Errorf("frame %d: %s, ffmpeg has %s", i, got[i].md5, want[i])
				}
			}
		})
	}
}

// Layouts that FFmpeg counts among its codecs are unpacked.
func TestPackedFormats(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	for _, codec := range []string{"v210", "v410", "v308", "v408", "ayuv", "r210"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			const w, h = 350, 289
			dir := t.TempDir()
			raw, twin := filepath.Join(dir, "x."+codec), filepath.Join(dir, "x.nut")
			ffmpeg(t, append(testsrc(w, h, 3), "-map", "0", "-c:v", codec, "-f", "rawvideo", raw, "-map", "0", "-frames:v", "3", "-c:v", codec, twin)...)
			samePictures(t, hashes(t, []string{"-s", "350x289", "-f", codec, "-r", "25", "--as", "raw-video", raw}), decoded(t, twin))
		})
	}
}

// The planes of YV12 come out in I420's order.
func TestSwappedFormats(t *testing.T) {
	t.Parallel()
	const w, h = 176, 144
	b := read(t, rawClip(t, w, h, 2))
	for i := range 2 {
		f := b[i*w*h*3/2:][:w*h*3/2]
		u := slices.Clone(f[w*h : w*h*5/4])
		copy(f[w*h:], f[w*h*5/4:])
		copy(f[w*h*5/4:], u)
	}
	path := write(t, "x.yv12", b)
	want := hashes(t, []string{rawClip(t, w, h, 2)})
	samePictures(t, hashes(t, []string{"-s", "qcif", "-r", "25", path}), want)
	samePictures(t, hashes(t, []string{"-s", "qcif", "-r", "25", "-f", "YV12", path}), want)
}

// blocks is a picture of flat blocks, each with other code values, in any format
// whose samples a descriptor can tell.
type blocks struct {
	desc   render.Descriptor
	values [][3]float64 // of 0..1, of the range of code values
}

const (
	blockSize = 48
	blockCols = 6
	blockRows = 4
)

// newBlocks spreads values over luma and chroma, or R, G and B.
func newBlocks(d render.Descriptor) *blocks {
	b := &blocks{desc: d}
	for i := range blockCols * blockRows {
		b.values = append(b.values, [3]float64{
			float64(i*7%24) / 23, float64(i*5%24) / 23, float64(i*11%24) / 23,
		})
	}
	return b
}

// code is component c of block i as a code value.
func (b *blocks) code(i, c int) int {
	if c > 2 || len(b.desc.Components) == 2 && c == 1 {
		return 1<<b.desc.Components[c].Depth - 1 // alpha
	}
	return int(math.Round(b.values[i][c] * float64(int(1)<<b.desc.Components[c].Depth-1)))
}

// bytes stores the picture.
func (b *blocks) bytes(t *testing.T, format planarff.RawFormat) []byte {
	t.Helper()
	const w, h = blockCols * blockSize, blockRows * blockSize
	ls, err := format.Layouts(w, h)
	if err != nil {
		t.Fatal(err)
	}
	var planes [][]byte
	for _, l := range ls {
		planes = append(planes, make([]byte, l.RowBytes*l.Rows))
	}
	chroma := func(c int) bool { return !b.desc.RGB && (c == 1 || c == 2) && len(b.desc.Components) > 2 }
	for c, comp := range b.desc.Components {
		sx, sy := 0, 0
		if chroma(c) {
			sx, sy = b.desc.ShiftX, b.desc.ShiftY
		}
		plane, row := planes[comp.Plane], ls[comp.Plane].RowBytes
		for y := range h >> sy {
			for x := range w >> sx {
				v := b.code((y<<sy)/blockSize*blockCols+(x<<sx)/blockSize, c) << comp.Shift
				at := plane[y*row+x*comp.Step+comp.Offset:]
				if comp.Shift+comp.Depth > 8 {
					orWord(at, uint64(v), 2, b.desc.BigEndian)
				} else {
					at[0] |= byte(v)
				}
			}
		}
	}
	return bytes.Join(planes, nil)
}

func orWord(at []byte, v uint64, n int, big bool) {
	for i := range n {
		k := i
		if big {
			k = n - 1 - i
		}
		at[i] |= byte(v >> (8 * k))
	}
}

// want is what block i looks like, by the formulas of the standards.
func (b *blocks) want(i int, c render.Colour) (rgb [3]float64) {
	top := func(c int) float64 { return float64(int(1)<<b.desc.Components[c].Depth - 1) }
	if b.desc.RGB {
		for k := range 3 {
			rgb[k] = float64(b.code(i, k)) / top(k) * 255
		}
		return rgb
	}
	y, u, v := float64(b.code(i, 0))/top(0), 0.0, 0.0
	unit := float64(int(1) << (b.desc.Components[0].Depth - 8))
	if c.Range == render.Limited {
		y = (float64(b.code(i, 0))/unit - 16) / 219
	}
	if len(b.desc.Components) > 2 {
		scale := top(0)
		if c.Range == render.Limited {
			scale = 224 * unit
		}
		u, v = (float64(b.code(i, 1))-128*unit)/scale, (float64(b.code(i, 2))-128*unit)/scale
	}
	kr, kb := c.Matrix.Weights()
	r, bl := y+2*(1-kr)*v, y+2*(1-kb)*u
	g := (y - kr*r - kb*bl) / (1 - kr - kb)
	for k, x := range []float64{r, g, bl} {
		rgb[k] = math.Max(0, math.Min(255, x*255))
	}
	return rgb
}

// check compares the middles of the blocks with the reference.
func (b *blocks) check(img image.Image, at image.Point, c render.Colour) error {
	worst, where, tolerance := 0.0, 0, 1.0
	for i := range b.values {
		x, y := at.X+i%blockCols*blockSize+blockSize/2, at.Y+i/blockCols*blockSize+blockSize/2
		px := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
		want := b.want(i, c)
		for k, got := range []uint8{px.R, px.G, px.B} {
			if d := math.Abs(float64(got) - want[k]); d > worst {
				worst, where = d, i
			}
		}
	}
	if worst > tolerance {
		return fmt.Errorf("block %d is %.2f code values off", where, worst)
	}
	return nil
}

// colours are all that planar converts, with the flags that say so.
func colours() (all []render.Colour) {
	for _, m := range []render.Matrix{render.BT601, render.BT709, render.BT2020} {
		for _, r := range []render.Range{render.Limited, render.Full} {
			all = append(all, render.Colour{Matrix: m, Range: r})
		}
	}
	return all
}

// telling are the formats that blocks can store: whole bytes, integers, no
// palettes and filters.
func telling() (all []planarff.RawFormat) {
	for _, name := range planarff.PixelFormats() {
		f, err := planarff.FindRawFormat(name)
		if err != nil || f.Name != name {
			continue
		}
		d, ok := f.Describe()
		// Depths below 8, and three times 10 in 32 bits, lie across bytes; XYZ is
		// another colour space; UYYVYY is not told right.
		if !ok || d.Float || d.Bayer || d.Palette || d.Bitstream || d.Components[0].Depth < 8 || strings.HasPrefix(name, "x") || name == "uyyvyy411" {
			continue
		}
		all = append(all, f)
	}
	return all
}

// Every format is shown within one code value of a float reference: each with
// one matrix and range, the common ones with all.
func TestColourOfEveryFormat(t *testing.T) {
	t.Parallel()
	common := []string{"yuv420p", "nv12", "yuv420p10le", "p010le", "yuv422p10le", "yuv444p12le", "yuv444p16le", "uyvy422", "gray10le"}
	formats := telling()
	if len(formats) < 100 {
		t.Errorf("only %d formats are tested", len(formats))
	}
	for i, f := range formats {
		all := colours()
		if !slices.Contains(common, f.Name) {
			all = all[i%len(all):][:1]
		}
		for _, c := range all {
			if strings.HasPrefix(f.Name, "yuvj") {
				c.Range = render.Full // whatever is said
			}
			t.Run(fmt.Sprintf("%s/%v/%v", f.Name, c.Matrix, c.Range), func(t *testing.T) {
				t.Parallel()
				d, _ := f.Describe()
				b := newBlocks(d)
				path := write(t, "blocks.yuv", b.bytes(t, f))
				shot := filepath.Join(t.TempDir(), "shot.png")
				planar(t, []string{
					"--vo", "null", "-s", fmt.Sprintf("%dx%d", blockCols*blockSize, blockRows*blockSize), "-f", f.Name, "-r", "25",
					"--matrix", c.Matrix.String(), "--range", c.Range.String(), "--screenshot", shot, path,
				}).ok(t)
				file, err := os.Open(shot)
				if err != nil {
					t.Fatal(err)
				}
				defer file.Close()
				img, err := png.Decode(file)
				if err != nil {
					t.Fatal(err)
				}
				if err := b.check(img, image.Point{}, c); err != nil {
					t.Errorf("%v; see %s", err, keep(t, img))
				}
			})
		}
	}
}

// The statistics say how pictures are shown, and what of that was assumed.
func TestColourInTheStatistics(t *testing.T) {
	t.Parallel()
	raw := rawClip(t, 176, 144, 2)
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{nil, `"width":176,"height":144,"pixel_format":"yuv420p","matrix":"bt601","range":"limited","siting":"left","assumed":["matrix","range","siting"]`},
		{[]string{"--matrix", "bt2020"}, `"matrix":"bt2020","range":"limited","siting":"left","assumed":["range","siting"]`},
		{[]string{"--matrix", "bt709", "--range", "full", "--siting", "topleft"}, `"matrix":"bt709","range":"full","siting":"topleft","assumed":[]`},
		{[]string{"-f", "rgb24"}, `"pixel_format":"rgb24","matrix":"rgb","range":"full"`},
		{[]string{"-f", "gray"}, `"pixel_format":"gray","matrix":"bt601","range":"full"`},
	} {
		r := planar(t, append(quiet("--stats", "-", "-s", "qcif", "-r", "25"), append(c.flags, raw)...))
		if r.code != 0 || !strings.Contains(r.stdout, c.want) {
			t.Errorf("%v: exit code %d, %s; want %s", c.flags, r.code, r.stdout, c.want)
		}
	}
}

// The window shows the same: of each kind of layout one.
func TestColourInTheWindow(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	for i, name := range []string{"yuv420p", "yv12", "nv21", "p010le", "yuv422p10le", "yuv444p16be", "yuyv422", "gray16le", "rgb24", "gbrp12le", "yuva444p10le"} {
		c := colours()[i%6]
		f, err := planarff.FindRawFormat(name)
		if err != nil {
			t.Fatal(err)
		}
		d, _ := f.Describe()
		b := newBlocks(d)
		path := write(t, "blocks.yuv", b.bytes(t, f))
		w := s.play("--geometry", "+100+60", "-s", fmt.Sprintf("%dx%d", blockCols*blockSize, blockRows*blockSize), "-f", name, "-r", "25",
			"--matrix", c.Matrix.String(), "--range", c.Range.String(), path)
		s.shows(name, func(img *image.RGBA) error { return b.check(img, image.Pt(100, 60), c) })
		w.quits()
	}
}
