package ffmpeg

import (
	"fmt"
	"sync"

	"github.com/asticode/go-astiav"

	"planar/render"
)

// MaxSide is the largest width and height planar takes, in luma samples.
const MaxSide = 32768

// Layouts returns the shape of each plane of a w x h picture of the named pixel
// format, in FFmpeg's order; a palette is not counted. It allocates nothing of
// the picture's size. The error says what is wrong with the name or the size.
func Layouts(format string, w, h int) ([]render.Layout, error) {
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide {
		return nil, fmt.Errorf("picture size %dx%d is outside 1x1 to %dx%d", w, h, MaxSide, MaxSide)
	}
	f, ok := pixelFormat(format)
	if !ok {
		return nil, fmt.Errorf("unknown pixel format %q", format)
	}
	l, err := layoutOf(f, w, h)
	if err != nil {
		return nil, fmt.Errorf("pixel format %s at %dx%d: %w", format, w, h, err)
	}
	ls := make([]render.Layout, l.planes)
	for i := range ls {
		ls[i] = render.Layout{RowBytes: int(l.rowbytes[i]), Rows: int(l.rows[i])}
	}
	return ls, nil
}

type formatTable struct {
	names  []string
	byName map[string]astiav.PixelFormat
}

var pixelFormats = sync.OnceValue(func() formatTable {
	t := formatTable{byName: map[string]astiav.PixelFormat{}}
	for i := nextPixelFormat(-1); i >= 0; i = nextPixelFormat(i) {
		f := astiav.PixelFormat(i)
		t.names = append(t.names, f.Name())
		t.byName[f.Name()] = f
	}
	return t
})

// pixelFormat finds a format that lies in ordinary memory by its name.
func pixelFormat(name string) (astiav.PixelFormat, bool) {
	f, ok := pixelFormats().byName[name]
	return f, ok
}

// PixelFormats lists the names of all pixel formats that lie in ordinary
// memory. The caller owns the list.
func PixelFormats() []string { return append([]string(nil), pixelFormats().names...) }

// Describe says how the samples of a pixel format lie in memory; false if there is
// no such format.
func Describe(name string) (render.Descriptor, bool) {
	f, ok := pixelFormat(name)
	if !ok {
		return render.Descriptor{}, false
	}
	return descriptorOf(f)
}
