package ffmpeg

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"planar/demux"
)

func TestFindRawFormat(t *testing.T) {
	for name, want := range map[string]string{
		"yuv420p": "yuv420p", "I420": "yuv420p", "IYUV": "yuv420p", "YV12": "yvu420p", "yuy2": "yuyv422", "P010": "p010le",
		"yuv420p10": "yuv420p10le", "yuv422p10be": "yuv422p10be", "v210": "v210", "Y410": "y410", "y210": "y210le", "rggb8": "bayer_rggb8",
		"gray16": "gray16le", "P012": "p016le", "yuv444p10msble": "yuv444p16le", "Y800": "gray", "nv24": "nv24", "rgb48": "rgb48le",
	} {
		f, err := FindRawFormat(name)
		if err != nil || f.Name != want {
			t.Errorf("%s: %q, %v; want %q", name, f.Name, err, want)
		}
	}
	for _, name := range []string{"", "nonsense", "le", "vaapi", "yuv420p11le", "nv61"} {
		if f, err := FindRawFormat(name); err == nil {
			t.Errorf("%q is taken for %s", name, f.Name)
		}
	}
	for _, aliases := range []map[string]string{formatAliases, swappedFormats} {
		for a := range aliases {
			if _, err := FindRawFormat(a); err != nil {
				t.Errorf("alias %s: %v", a, err)
			}
		}
	}
}

func TestStoredLayouts(t *testing.T) {
	for _, c := range []struct {
		format string
		w, h   int
		bytes  int
	}{
		{"yv12", 351, 289, 152479},
		{"v210", 1920, 1080, 5120 * 1080},
		{"v210", 1, 1, 128},
		{"y410", 351, 289, 351 * 289 * 4},
		{"v308", 7, 5, 105},
		{"r210", 65, 2, 1024},
		{"p216le", 64, 2, 512},
	} {
		f, err := FindRawFormat(c.format)
		if err != nil {
			t.Fatal(err)
		}
		ls, err := f.Layouts(c.w, c.h)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, l := range ls {
			n += l.RowBytes * l.Rows
		}
		if n != c.bytes {
			t.Errorf("%s %dx%d has %d bytes, want %d", c.format, c.w, c.h, n, c.bytes)
		}
		if _, err := f.Layouts(1<<31, 1<<31); err == nil {
			t.Errorf("%s of 2^31 x 2^31 has a layout", c.format)
		}
	}
}

func TestDescribe(t *testing.T) {
	f, _ := FindRawFormat("p010le")
	d, ok := f.Describe()
	if !ok || d.Depth() != 10 || d.Components[0].Shift != 6 || d.Components[2].Offset != 2 || d.ShiftX != 1 || d.ShiftY != 1 || d.RGB {
		t.Errorf("p010le: %+v", d)
	}
	f, _ = FindRawFormat("yv12")
	if d, ok := f.Describe(); !ok || d.Components[1].Plane != 2 || d.Components[2].Plane != 1 {
		t.Errorf("yv12: %+v", d)
	}
	f, _ = FindRawFormat("v210")
	if _, ok := f.Describe(); ok {
		t.Error("v210 has a descriptor")
	}
}

// y410 stores a picture whose samples tell where they belong.
func y410(w, h, stride int) []byte {
	b := make([]byte, stride*h)
	for y := range h {
		for x := range w {
			v := uint32(200+x) | uint32(100+y)<<10 | uint32(300+x+y)<<20 | 3<<30
			binary.LittleEndian.PutUint32(b[y*stride+4*x:], v)
		}
	}
	return b
}

func TestUnpackY410(t *testing.T) {
	const w, h = 5, 3
	f, _ := FindRawFormat("y410")
	for _, stride := range []int{0, 4*w + 12} {
		dec, err := f.NewDecoder(w, h, stride)
		if err != nil {
			t.Fatal(err)
		}
		data := y410(w, h, max(stride, 4*w))
		if err := dec.Send(&demux.Packet{Data: data, PTS: time.Second}); err != nil {
			t.Fatal(err)
		}
		p, err := dec.Receive()
		if err != nil {
			t.Fatal(err)
		}
		for y := range h {
			for x := range w {
				for i, want := range []int{100 + y, 200 + x, 300 + x + y} {
					pl := p.Planes[i]
					if got := int(binary.LittleEndian.Uint16(pl.Data[y*pl.Stride+2*x:])); got != want {
						t.Fatalf("plane %d at %d,%d: %d, want %d", i, x, y, got, want)
					}
				}
			}
		}
		if _, err := dec.Receive(); !errors.Is(err, demux.ErrAgain) {
			t.Errorf("a second frame: %v", err)
		}
		if err := dec.Send(&demux.Packet{Data: data[:10]}); err == nil {
			t.Error("a short picture is taken")
		}
		dec.Close()
	}
}

// Rows with padding give the same picture as rows without.
func TestUnpackStride(t *testing.T) {
	const w, h = 50, 4 // 256 bytes a row
	f, _ := FindRawFormat("v210")
	unpack := func(stride int) *demux.Frame {
		dec, err := f.NewDecoder(w, h, stride)
		if err != nil {
			t.Fatal(err)
		}
		defer dec.Close()
		stride = max(stride, 256)
		data := make([]byte, stride*h)
		for y := range h {
			for x := range 256 / 4 {
				binary.LittleEndian.PutUint32(data[y*stride+4*x:], uint32(x*y*12345)&(1<<30-1))
			}
		}
		if err := dec.Send(&demux.Packet{Data: data}); err != nil {
			t.Fatal(err)
		}
		if err := dec.Send(nil); err != nil {
			t.Fatal(err)
		}
		p, err := dec.Receive()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	a, b := unpack(0), unpack(320)
	if a.Format != "yuv422p10le" {
		t.Errorf("v210 is unpacked to %s", a.Format)
	}
	for i := range a.Planes {
		for y := range a.Planes[i].Rows {
			p, q := a.Planes[i], b.Planes[i]
			if string(p.Data[y*p.Stride:][:p.RowBytes]) != string(q.Data[y*q.Stride:][:q.RowBytes]) {
				t.Fatalf("plane %d row %d differs", i, y)
			}
		}
	}
}
