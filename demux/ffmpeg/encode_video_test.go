package ffmpeg

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"planar/demux"
	"planar/render"
)

// What player/publish asks of an encoder.
type videoEncoder interface {
	Stream() demux.Stream
	Encode(f *demux.Frame, key bool) ([]demux.Packet, error)
	Close()
}

var _ videoEncoder = (*VideoEncoder)(nil)

// scene is a moving smooth picture: luma, blue and red difference at x, y of picture n,
// 8-bit limited range, within what RGB can be.
func scene(x, y float64, n int) (l, u, v float64) {
	t := float64(n)
	return 126 + 40*math.Sin(x/17+t/5) + 25*math.Cos(y/13-t/7), 128 + 20*math.Sin(x/40+y/60), 128 + 20*math.Cos(x/50-t/9)
}

// planar420 is picture n of the scene in yuv420p.
func planar420(t testing.TB, w, h, n int) *demux.Frame {
	p := pictureOf(t, "yuv420p", w, h, 1, 0, 0, 0)
	for i, pl := range p.Planes {
		for y := range pl.Rows {
			for x := range pl.RowBytes {
				c := [3]float64{}
				if c[0], _, _ = scene(float64(x), float64(y), n); i > 0 {
					_, c[1], c[2] = scene(float64(2*x), float64(2*y)+0.5, n)
				}
				pl.Data[y*pl.Stride+x] = byte(c[i] + 0.5)
			}
		}
	}
	p.Colour = render.Colour{Matrix: render.BT709, Range: render.Limited, Siting: render.SitingLeft}
	return &demux.Frame{Picture: *p, PTS: time.Duration(n) * 40 * time.Millisecond, Duration: 40 * time.Millisecond}
}

// as is a yuv420p frame in another format.
func as(t testing.TB, f *demux.Frame, format string) *demux.Frame {
	p := pictureOf(t, format, f.Width, f.Height, 1, 0, 0, 0)
	p.Colour = f.Colour
	src := f.Planes
	for y := range f.Height {
		for x := range f.Width {
			l, u, v := src[0].Data[y*src[0].Stride+x], src[1].Data[y/2*src[1].Stride+x/2], src[2].Data[y/2*src[2].Stride+x/2]
			switch format {
			case "nv12":
				p.Planes[0].Data[y*p.Planes[0].Stride+x] = l
				p.Planes[1].Data[y/2*p.Planes[1].Stride+x/2*2] = u
				p.Planes[1].Data[y/2*p.Planes[1].Stride+x/2*2+1] = v
			case "yuv420p10le":
				for i, c := range []int{int(l), int(u), int(v)} {
					sx, sy := x, y
					if i > 0 {
						sx, sy = x/2, y/2
					}
					at := p.Planes[i].Data[sy*p.Planes[i].Stride+2*sx:]
					at[0], at[1] = byte(c<<2), byte(c>>6)
				}
			case "rgb24":
				fl, fu, fv := scene(float64(x), float64(y), int(f.PTS/(40*time.Millisecond)))
				bgr := floatRGB(int(fl*256), int(fu*256), int(fv*256), 16, f.Colour)
				for i := range 3 {
					p.Planes[0].Data[y*p.Planes[0].Stride+3*x+i] = byte(min(max(bgr[2-i], 0), 255) + 0.5)
				}
				p.Colour = render.Colour{Matrix: render.RGB, Range: render.Full}
			}
		}
	}
	g := *f
	g.Picture = *p
	return &g
}

// psnr compares the common part of two yuv420p pictures, all planes together.
func psnr(a, b *render.Picture) float64 {
	sum, n := 0.0, 0
	for i := range a.Planes {
		p, q := a.Planes[i], b.Planes[i]
		for y := range min(p.Rows, q.Rows) {
			for x := range min(p.RowBytes, q.RowBytes) {
				d := float64(p.Data[y*p.Stride+x]) - float64(q.Data[y*q.Stride+x])
				sum += d * d
				n++
			}
		}
	}
	return 10 * math.Log10(255*255*float64(n)/max(sum, 1e-9))
}

func newVideoEncoder(t testing.TB, like *render.Picture, e demux.VideoEncoding) *VideoEncoder {
	t.Helper()
	v, err := NewVideoEncoder(like, e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// decodeAll decodes packets one by one and passes each frame on.
func decodeAll(t testing.TB, s demux.Stream, ps []demux.Packet, f func(i int, fr *demux.Frame)) {
	t.Helper()
	d, err := NewVideoDecoder(VideoParams{Codec: s.Codec, Extradata: s.Config, Live: true, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	n := 0
	for i := range len(ps) + 1 {
		var p *demux.Packet
		if i < len(ps) {
			p = &ps[i]
		}
		if err := d.Send(p); err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		for {
			fr, err := d.Receive()
			if errors.Is(err, demux.ErrAgain) || errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			f(n, fr)
			fr.Release()
			n++
		}
	}
	if n != len(ps) {
		t.Errorf("%d pictures from %d packets", n, len(ps))
	}
}

var rate25 = render.Rational{Num: 25, Den: 1}

func TestEncodeVideo(t *testing.T) {
	for _, c := range []struct {
		codec, format string
		w, h          int
		least         float64 // dB
	}{
		{"h264", "yuv420p", 160, 120, 50},
		{"h264", "yuv420p", 161, 123, 50},
		{"h264", "nv12", 162, 122, 50},
		{"h264", "yuv420p10le", 160, 120, 50},
		{"h264", "rgb24", 160, 120, 50},
		{"h264", "rgb24", 161, 121, 50},
		{"hevc", "yuv420p", 320, 240, 50},
		{"hevc", "nv12", 161, 121, 50},
	} {
		t.Run(fmt.Sprintf("%s/%s/%dx%d", c.codec, c.format, c.w, c.h), func(t *testing.T) {
			const n, gop, wanted = 25, 10, 14
			frames := make([]*demux.Frame, n)
			given := make([]*demux.Frame, n)
			for i := range frames {
				frames[i] = planar420(t, c.w, c.h, i)
				if c.format == "rgb24" {
					frames[i].Colour.Matrix = render.BT601 // what it becomes below 720 lines
				}
				if given[i] = frames[i]; c.format != "yuv420p" {
					given[i] = as(t, frames[i], c.format)
				}
			}
			v := newVideoEncoder(t, &given[0].Picture, demux.VideoEncoding{Codec: c.codec, Rate: rate25, GOP: gop, Bitrate: 1_500_000})
			s := v.Stream()
			if s.Width != c.w&^1 || s.Height != c.h&^1 || s.Codec != c.codec || s.PixelFormat != "yuv420p" || s.FrameRate != rate25 || s.SAR != (render.Rational{Num: 1, Den: 1}) {
				t.Errorf("stream %+v", s)
			}
			sets := typesOf(s.Config, c.codec)
			if want := map[string]string{"h264": "[7 8]", "hevc": "[32 33 34]"}[c.codec]; fmt.Sprint(sets) != want {
				t.Errorf("parameter sets of types %v, want %s", sets, want)
			}
			if !bytes.HasPrefix(s.Config, []byte{0, 0, 0, 1}) {
				t.Errorf("configuration begins with % x", s.Config[:min(8, len(s.Config))])
			}
			var ps []demux.Packet
			var keys []int
			for i, f := range given {
				got, err := v.Encode(f, i == wanted)
				if err != nil {
					t.Fatal(err)
				}
				if len(got) != 1 {
					t.Fatalf("picture %d: %d packets, want one at once", i, len(got))
				}
				p := got[0]
				if p.PTS != f.PTS || p.DTS != f.PTS || p.Duration != f.Duration || p.Size != len(p.Data) {
					t.Errorf("picture %d: PTS %v DTS %v duration %v, want %v and %v", i, p.PTS, p.DTS, p.Duration, f.PTS, f.Duration)
				}
				types := typesOf(p.Data, c.codec)
				for _, k := range types {
					if isLitter(k, c.codec) {
						t.Errorf("picture %d has a NAL unit of type %d", i, k)
					}
				}
				if has := bytes.Equal(parameterSets(p.Data, c.codec), s.Config); has != p.Key {
					t.Errorf("picture %d: key %t, has the parameter sets of Config: %t; NAL units %v", i, p.Key, has, types)
				}
				if p.Key {
					keys = append(keys, i)
					if !isParameterSet(types[0], c.codec) {
						t.Errorf("picture %d begins with NAL unit type %d", i, types[0])
					}
				}
				ps = append(ps, p)
			}
			if want := []int{0, 10, 14, 24}; fmt.Sprint(keys) != fmt.Sprint(want) {
				t.Errorf("key pictures %v, want %v", keys, want)
			}
			if rest, err := v.Encode(nil, false); err != nil || len(rest) != 0 {
				t.Errorf("at the end: %d packets, %v", len(rest), err)
			}
			if _, err := v.Encode(given[0], false); err == nil {
				t.Error("encoding goes on after the end")
			}
			worst := math.Inf(1)
			decodeAll(t, s, ps, func(i int, fr *demux.Frame) {
				if fr.PTS != frames[i].PTS || fr.Width != c.w&^1 || fr.Height != c.h&^1 {
					t.Errorf("picture %d: %v %dx%d", i, fr.PTS, fr.Width, fr.Height)
				}
				if fr.Colour != s.Colour || fr.Colour != frames[i].Colour {
					t.Errorf("picture %d: colour %+v, stream's %+v, source's %+v", i, fr.Colour, s.Colour, frames[i].Colour)
				}
				worst = min(worst, psnr(&frames[i].Picture, &fr.Picture))
			})
			t.Logf("worst PSNR %.1f dB", worst)
			if worst < c.least {
				t.Errorf("worst PSNR %.1f dB, want %.1f", worst, c.least)
			}
			// Decoding can begin at each key picture without Config.
			later := s
			later.Config = nil
			decodeAll(t, later, ps[14:], func(int, *demux.Frame) {})
		})
	}
}

func typesOf(b []byte, codec string) (types []int) {
	units(b, func(u []byte, _ int) { types = append(types, unitType(u, codec)) })
	return types
}

func TestStripUnits(t *testing.T) {
	for _, c := range []struct{ in, want, sets string }{
		{"", "", ""},
		{"\x00\x00\x01", "\x00\x00\x01", ""},
		{"\x00\x00\x00\x01\x09\xf0\x00\x00\x01\x67\x01\x00\x00\x01\x68\x02\x00\x00\x01\x65\x03", "\x00\x00\x01\x67\x01\x00\x00\x01\x68\x02\x00\x00\x01\x65\x03", "\x00\x00\x00\x01\x67\x01\x00\x00\x00\x01\x68\x02"},
		{"\x00\x00\x00\x01\x67\x01\x00\x00\x01\x06\x05\x00\x00\x00\x01\x65\x03", "\x00\x00\x00\x01\x67\x01\x00\x00\x00\x01\x65\x03", "\x00\x00\x00\x01\x67\x01"},
		{"\x00\x00\x01\x65\x03\x00\x00\x01\x06\x01", "\x00\x00\x01\x65\x03", ""},
	} {
		if got := parameterSets([]byte(c.in), "h264"); string(got) != c.sets {
			t.Errorf("% x: parameter sets % x, want % x", c.in, got, c.sets)
		}
		if got := stripUnits([]byte(c.in), "h264"); string(got) != c.want {
			t.Errorf("% x: stripped % x, want % x", c.in, got, c.want)
		}
	}
}

// Sizes, shapes and colours of what is made.
func TestEncodedStream(t *testing.T) {
	sar := func(n, d int) render.Rational { return render.Rational{Num: n, Den: d} }
	for _, c := range []struct {
		format   string
		w, h     int
		sar      render.Rational
		ew, eh   int
		ww, wh   int
		wsar     render.Rational
		colour   render.Colour
		encoded  render.Colour
		rotation int
	}{
		{"yuv420p", 64, 48, sar(0, 0), 0, 0, 64, 48, sar(1, 1), render.Colour{}, render.Colour{Matrix: render.BT601, Range: render.Limited, Siting: render.SitingLeft}, 90},
		{"yuv420p", 1920, 1080, sar(1, 1), 640, 0, 640, 360, sar(1, 1), render.Colour{}, render.Colour{Matrix: render.BT709, Range: render.Limited, Siting: render.SitingLeft}, 0},
		{"yuv420p", 1920, 1080, sar(1, 1), 854, 480, 854, 480, sar(1, 1), render.Colour{}, render.Colour{Matrix: render.BT709, Range: render.Limited, Siting: render.SitingLeft}, 0},
		{"yuv420p", 1920, 1080, sar(1, 1), 640, 480, 640, 480, sar(4, 3), render.Colour{}, render.Colour{Matrix: render.BT709, Range: render.Limited, Siting: render.SitingLeft}, 0},
		{"yuv420p", 720, 576, sar(16, 11), 0, 288, 360, 288, sar(16, 11), render.Colour{}, render.Colour{Matrix: render.BT601, Range: render.Limited, Siting: render.SitingLeft}, 0},
		{"yuvj420p", 64, 48, sar(1, 1), 0, 0, 64, 48, sar(1, 1), render.Colour{Siting: render.SitingCentre}, render.Colour{Matrix: render.BT601, Range: render.Full, Siting: render.SitingCentre}, 0},
		{"yuv422p10le", 64, 48, sar(1, 1), 0, 0, 64, 48, sar(1, 1), render.Colour{Matrix: render.BT2020, Range: render.Full, Siting: render.SitingTopLeft}, render.Colour{Matrix: render.BT2020, Range: render.Full, Siting: render.SitingLeft}, 0},
		{"bgra", 1280, 720, sar(1, 1), 0, 0, 1280, 720, sar(1, 1), render.Colour{Matrix: render.RGB, Range: render.Full}, render.Colour{Matrix: render.BT709, Range: render.Limited, Siting: render.SitingLeft}, 0},
		{"gray", 64, 48, sar(1, 1), 0, 0, 64, 48, sar(1, 1), render.Colour{}, render.Colour{Matrix: render.BT601, Range: render.Full, Siting: render.SitingLeft}, 0},
		{"yuv420p", 1, 1, sar(1, 1), 0, 0, 2, 2, sar(1, 1), render.Colour{}, render.Colour{Matrix: render.BT601, Range: render.Limited, Siting: render.SitingLeft}, 0},
	} {
		p := pictureOf(t, c.format, c.w, c.h, 1, 90, 110, 140)
		p.SAR, p.Colour, p.Rotation = c.sar, c.colour, c.rotation
		v := newVideoEncoder(t, p, demux.VideoEncoding{Codec: "h264", Width: c.ew, Height: c.eh, Rate: rate25, Preset: "ultrafast"})
		s := v.Stream()
		if s.Width != c.ww || s.Height != c.wh || s.SAR != c.wsar || s.Colour != c.encoded || s.Rotation != c.rotation {
			t.Errorf("%s %dx%d to %dx%d: %dx%d SAR %v, colour %+v, rotation %d; want %dx%d %v %+v", c.format, c.w, c.h, c.ew, c.eh,
				s.Width, s.Height, s.SAR, s.Colour, s.Rotation, c.ww, c.wh, c.wsar, c.encoded)
		}
		ps, err := v.Encode(&demux.Frame{Picture: *p}, false)
		if err != nil || len(ps) != 1 {
			t.Fatalf("%s %dx%d: %d packets, %v", c.format, c.w, c.h, len(ps), err)
		}
		decodeAll(t, s, ps, func(_ int, f *demux.Frame) {
			if f.Width != c.ww || f.Height != c.wh || f.SAR != c.wsar || f.Colour != c.encoded {
				t.Errorf("%s %dx%d to %dx%d: decoded %dx%d SAR %v, colour %+v", c.format, c.w, c.h, c.ew, c.eh, f.Width, f.Height, f.SAR, f.Colour)
			}
		})
		v.Close()
	}
}

// Flat colours come through every conversion.
func TestEncodedColours(t *testing.T) {
	begin := pictureOf(t, "yuv420p", 64, 64, 1, 100, 120, 140)
	begin.Colour = render.Colour{Matrix: render.BT709, Range: render.Limited, Siting: render.SitingLeft}
	v := newVideoEncoder(t, begin, demux.VideoEncoding{Codec: "h264", Rate: rate25, Bitrate: 2_000_000})
	c601 := render.Colour{Matrix: render.BT601, Range: render.Limited}
	full := render.Colour{Matrix: render.BT709, Range: render.Full}
	back := func(r, g, b float64) [3]float64 { // to BT.709 limited
		y := 0.2126*r + 0.7152*g + 0.0722*b
		return [3]float64{16 + y*219/255, 128 + (b-y)/1.8556*224/255, 128 + (r-y)/1.5748*224/255}
	}
	turned := func(c render.Colour) [3]float64 {
		bgr := floatRGB(100, 120, 140, 8, c)
		return back(bgr[2], bgr[1], bgr[0])
	}
	cases := []struct {
		name   string
		p      *render.Picture
		colour render.Colour
		want   [3]float64
	}{
		{"as begun", begin, begin.Colour, [3]float64{100, 120, 140}},
		{"another size", pictureOf(t, "yuv420p", 96, 80, 1, 100, 120, 140), begin.Colour, [3]float64{100, 120, 140}},
		{"10 bit", pictureOf(t, "yuv420p10le", 64, 64, 2, 400, 480, 560), begin.Colour, [3]float64{100, 120, 140}},
		{"4:2:2", pictureOf(t, "yuv422p", 64, 64, 1, 100, 120, 140), begin.Colour, [3]float64{100, 120, 140}},
		{"another matrix", pictureOf(t, "yuv420p", 64, 64, 1, 100, 120, 140), c601, turned(c601)},
		{"another range", pictureOf(t, "yuv420p", 64, 64, 1, 100, 120, 140), full, turned(full)},
		{"yuvj420p", pictureOf(t, "yuvj420p", 64, 64, 1, 100, 120, 140), render.Colour{Matrix: render.BT709}, turned(full)},
		{"red", pictureOf(t, "rgb24", 64, 64, 1, 200, 200, 200), render.Colour{Matrix: render.RGB, Range: render.Full}, back(200, 200, 200)},
	}
	var ps []demux.Packet
	for i, c := range cases {
		c.p.Colour = c.colour
		got, err := v.Encode(&demux.Frame{Picture: *c.p, PTS: time.Duration(i) * 40 * time.Millisecond}, true)
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, got...)
	}
	decodeAll(t, v.Stream(), ps, func(i int, f *demux.Frame) {
		for k, pl := range f.Planes {
			if got := float64(pl.Data[pl.Stride*pl.Rows/2+pl.RowBytes/2]); math.Abs(got-cases[i].want[k]) > 2 {
				t.Errorf("%s: plane %d is %v, want %.1f", cases[i].name, k, got, cases[i].want[k])
			}
		}
	})
}

func TestEncodeVideoRefuses(t *testing.T) {
	p := pictureOf(t, "yuv420p", 64, 48, 1, 90, 110, 140)
	for _, c := range []struct {
		name string
		e    demux.VideoEncoding
		want string
	}{
		{"codec", demux.VideoEncoding{Codec: "theora"}, "h264 or hevc"},
		{"preset", demux.VideoEncoding{Codec: "h264", Preset: "turbo"}, "veryfast"},
		{"size", demux.VideoEncoding{Codec: "h264", Width: 30000}, "16384"},
		{"rate", demux.VideoEncoding{Codec: "h264", Bitrate: 1 << 40}, "bit rate"},
		{"low rate", demux.VideoEncoding{Codec: "h264", Bitrate: 1}, "bit rate"},
	} {
		v, err := NewVideoEncoder(p, c.e)
		if err == nil {
			v.Close()
			t.Errorf("%s: no error", c.name)
		} else if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q does not name %q in one line", c.name, err, c.want)
		}
	}
	v := newVideoEncoder(t, p, demux.VideoEncoding{Codec: "h264"})
	for name, change := range map[string]func(p *render.Picture){
		"format":    func(p *render.Picture) { p.Format = "nonsense" },
		"planes":    func(p *render.Picture) { p.Planes = p.Planes[:2] },
		"short":     func(p *render.Picture) { p.Planes[2].Data = p.Planes[2].Data[:10] },
		"stride":    func(p *render.Picture) { p.Planes[0].Stride = 3 },
		"backwards": func(p *render.Picture) { p.Planes[0].Stride = -64 },
		"no size":   func(p *render.Picture) { p.Height = 0 },
	} {
		q := *p
		q.Planes = append([]render.Plane(nil), p.Planes...)
		change(&q)
		if _, err := v.Encode(&demux.Frame{Picture: q}, false); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := v.Encode(&demux.Frame{Picture: *p, PTS: time.Second}, false); err != nil {
		t.Error("after bad pictures:", err)
	}
	if _, err := v.Encode(&demux.Frame{Picture: *p, PTS: time.Second}, false); err == nil {
		t.Error("the same PTS twice is taken")
	}
	v.Close()
	v.Close()
	if _, err := v.Encode(&demux.Frame{Picture: *p, PTS: 2 * time.Second}, false); err == nil {
		t.Error("a closed encoder encodes")
	}
}

func BenchmarkEncodeVideo(b *testing.B) {
	for _, format := range []string{"yuv420p", "nv12"} {
		b.Run(format+"/720p", func(b *testing.B) {
			var frames []*demux.Frame
			for i := range 8 {
				f := planar420(b, 1280, 720, i)
				if format != "yuv420p" {
					f = as(b, f, format)
				}
				frames = append(frames, f)
			}
			v := newVideoEncoder(b, &frames[0].Picture, demux.VideoEncoding{Codec: "h264", Rate: rate25})
			b.ReportAllocs()
			n := time.Duration(0)
			for b.Loop() {
				f := frames[int(n)%len(frames)]
				f.PTS = n * 40 * time.Millisecond
				if ps, err := v.Encode(f, false); err != nil || len(ps) != 1 {
					b.Fatal(len(ps), err)
				}
				n++
			}
		})
	}
}
