package ffmpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"planar/demux"
	"planar/render"
)

// RawFormat is a way in which headerless pictures are stored: as one of FFmpeg's
// pixel formats, as one with its chroma planes in the other order, or as one of
// the packed layouts that FFmpeg counts among its codecs.
type RawFormat struct {
	Name        string // what it is called: FFmpeg's name where FFmpeg has one
	PixelFormat string // of the frames that are read
	SwapChroma  bool   // stored as Y, V, U
	packed      *packedFormat
}

// packedFormat is a layout of one plane that is unpacked into PixelFormat.
type packedFormat struct {
	pixelFormat string
	codec       string // FFmpeg's decoder; none for what is unpacked here
	row         func(width int) int
}

var packedFormats = map[string]*packedFormat{
	"v210": {"yuv422p10le", "v210", func(w int) int { return (w + 47) / 48 * 128 }},
	"v410": {"yuv444p10le", "v410", func(w int) int { return 4 * w }},
	"v308": {"yuv444p", "v308", func(w int) int { return 3 * w }},
	"v408": {"yuva444p", "v408", func(w int) int { return 4 * w }},
	"ayuv": {"yuva444p", "ayuv", func(w int) int { return 4 * w }},
	"r210": {"gbrp10le", "r210", func(w int) int { return (w + 63) / 64 * 256 }},
	"y410": {"yuv444p10le", "", func(w int) int { return 4 * w }},
}

// swappedFormats store V before U. FFmpeg has them only by their FourCC.
var swappedFormats = map[string]string{
	"yvu420p": "yuv420p", "yvu422p": "yuv422p", "yvu444p": "yuv444p", "yvu410p": "yuv410p", "yvu411p": "yuv411p",
}

// formatAliases are the common names of formats that FFmpeg calls otherwise.
// What is aligned to the high end of 16-bit words is 16 bit deep to whoever
// converts it: limited range is the same, full range by less than 1/1000.
var formatAliases = map[string]string{
	"i420": "yuv420p", "iyuv": "yuv420p", "yuv420": "yuv420p", "420p": "yuv420p", "yu12": "yuv420p",
	"yv12": "yvu420p", "yv16": "yvu422p", "yv24": "yvu444p", "yvu420": "yvu420p", "yvu9": "yvu410p",
	"i422": "yuv422p", "yuv422": "yuv422p", "422p": "yuv422p", "yu16": "yuv422p",
	"i444": "yuv444p", "yuv444": "yuv444p", "444p": "yuv444p", "yu24": "yuv444p", "iyu2": "v308",
	"i010": "yuv420p10le", "i210": "yuv422p10le", "i410": "yuv444p10le", "i012": "yuv420p12le", "i212": "yuv422p12le", "i412": "yuv444p12le",
	"yuy2": "yuyv422", "yuyv": "yuyv422", "yunv": "yuyv422", "uyvy": "uyvy422", "uynv": "uyvy422", "2vuy": "uyvy422", "yvyu": "yvyu422",
	"y800": "gray", "y8": "gray", "grey": "gray", "gray8": "gray", "luma": "gray", "400": "gray", "yuv400": "gray", "yuv400p": "gray", "mono": "gray",
	"y10": "gray10le", "y12": "gray12le", "y14": "gray14le", "y16": "gray16le", "yuv400p10le": "gray10le", "yuv400p12le": "gray12le", "yuv400p16le": "gray16le",
	"p012": "p016le", "p012le": "p016le", "p212": "p216le", "p212le": "p216le", "p412": "p416le", "p412le": "p416le",
	"rgb": "rgb24", "bgr": "bgr24", "rgb888": "rgb24", "bgr888": "bgr24", "rgb3": "rgb24", "bgr3": "bgr24", "rgbx": "rgb0", "bgrx": "bgr0", "xrgb": "0rgb", "xbgr": "0bgr",
	"gbr": "gbrp", "gbr24p": "gbrp", "rgbp": "gbrp", "rgb565": "rgb565le", "rgb555": "rgb555le", "vuya": "ayuv",
	"rggb8": "bayer_rggb8", "bggr8": "bayer_bggr8", "gbrg8": "bayer_gbrg8", "grbg8": "bayer_grbg8",
	"rggb16": "bayer_rggb16le", "bggr16": "bayer_bggr16le", "gbrg16": "bayer_gbrg16le", "grbg16": "bayer_grbg16le",
	"yuv420p10msble": "yuv420p16le", "yuv422p10msble": "yuv422p16le", "yuv444p10msble": "yuv444p16le",
	"yuv420p12msble": "yuv420p16le", "yuv422p12msble": "yuv422p16le", "yuv444p12msble": "yuv444p16le",
	"gray10msble": "gray16le", "gray12msble": "gray16le",
	"yuv420p10msbbe": "yuv420p16be", "yuv422p10msbbe": "yuv422p16be", "yuv444p10msbbe": "yuv444p16be",
}

// FindRawFormat looks a stored format up by FFmpeg's name or a common one, in
// either case. A name without a byte order means little-endian.
func FindRawFormat(name string) (RawFormat, error) {
	n := strings.ToLower(name)
	if a, ok := formatAliases[n]; ok {
		n = a
	}
	if p, ok := packedFormats[n]; ok {
		return RawFormat{Name: n, PixelFormat: p.pixelFormat, packed: p}, nil
	}
	if f, ok := swappedFormats[n]; ok {
		return RawFormat{Name: n, PixelFormat: f, SwapChroma: true}, nil
	}
	for _, n := range []string{n, n + "le"} {
		if _, ok := pixelFormat(n); ok {
			return RawFormat{Name: n, PixelFormat: n}, nil
		}
	}
	return RawFormat{}, fmt.Errorf("unknown pixel format %q: give one of FFmpeg's names (ffmpeg -pix_fmts), or i420, yv12, yuy2, v210 and the like", name)
}

// RawFormatNames lists what FindRawFormat knows by its proper name, sorted. The
// caller owns the list.
func RawFormatNames() []string {
	names := PixelFormats()
	names = slices.AppendSeq(names, maps.Keys(packedFormats))
	names = slices.AppendSeq(names, maps.Keys(swappedFormats))
	slices.Sort(names)
	return slices.Compact(names)
}

// Packed reports whether frames have to be unpacked by NewDecoder.
func (f RawFormat) Packed() bool { return f.packed != nil }

// Layouts returns the shape of each plane as it is stored, without padding. It
// allocates nothing of the picture's size.
func (f RawFormat) Layouts(w, h int) ([]render.Layout, error) {
	if f.packed == nil {
		return Layouts(f.PixelFormat, w, h)
	}
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide {
		return nil, fmt.Errorf("picture size %dx%d is outside 1x1 to %dx%d", w, h, MaxSide, MaxSide)
	}
	return []render.Layout{{RowBytes: f.packed.row(w), Rows: h}}, nil
}

// Describe says how the samples lie in memory; false for packed formats, which
// no descriptor can tell.
func (f RawFormat) Describe() (d render.Descriptor, ok bool) {
	pf, found := pixelFormat(f.PixelFormat)
	if f.packed != nil || !found {
		return d, false
	}
	if d, ok = descriptorOf(pf); ok && f.SwapChroma {
		d.Name = f.Name
		d.Components[1].Plane, d.Components[2].Plane = d.Components[2].Plane, d.Components[1].Plane
	}
	return d, ok
}

// NewDecoder makes a decoder that unpacks stored pictures of w x h whose rows
// are stride bytes apart (0 for no padding). The caller closes it.
func (f RawFormat) NewDecoder(w, h, stride int) (demux.VideoDecoder, error) {
	if f.packed == nil {
		return nil, errors.New(f.Name + " pictures need no decoder")
	}
	row := f.packed.row(w)
	if stride == 0 {
		stride = row
	}
	u := &unpacker{width: w, height: h, row: row, stride: stride}
	if f.packed.codec == "" {
		return u, nil
	}
	var err error
	u.dec, err = NewVideoDecoder(VideoParams{Codec: f.packed.codec, Width: w, Height: h, Threads: 1})
	return u, err
}

// unpacker takes the padding out of rows and has FFmpeg decode them, or unpacks
// Y410 itself, which FFmpeg 5 does not know.
type unpacker struct {
	width, height, row, stride int

	dec   demux.VideoDecoder // nil for Y410
	tight []byte
	next  *demux.Frame
	over  bool
}

func (u *unpacker) Send(p *demux.Packet) error {
	if p == nil {
		u.over = true
		if u.dec != nil {
			return u.dec.Send(nil)
		}
		return nil
	}
	if u.next != nil {
		return demux.ErrAgain
	}
	if len(p.Data) < (u.height-1)*u.stride+u.row {
		return fmt.Errorf("a stored picture of %d bytes is too short for %dx%d", len(p.Data), u.width, u.height)
	}
	if u.dec == nil {
		u.next = u.y410(p)
		return nil
	}
	if u.stride == u.row {
		return u.dec.Send(p)
	}
	u.tight = slices.Grow(u.tight[:0], u.row*u.height)
	for y := range u.height {
		u.tight = append(u.tight, p.Data[y*u.stride:][:u.row]...)
	}
	q := *p
	q.Data, q.OnFree = u.tight, nil
	return u.dec.Send(&q)
}

// y410 unpacks words of 10 bits U, Y, V and 2 bits alpha, lowest bits first.
func (u *unpacker) y410(p *demux.Packet) *demux.Frame {
	plane := u.width * u.height * 2
	all := make([]byte, 3*plane)
	f := &demux.Frame{
		Picture: render.Picture{Format: "yuv444p10le", Width: u.width, Height: u.height},
		PTS:     p.PTS, Duration: p.Duration, Number: -1, Key: true,
	}
	for i := range 3 {
		f.Planes = append(f.Planes, render.Plane{Data: all[i*plane:][:plane:plane], Stride: 2 * u.width, RowBytes: 2 * u.width, Rows: u.height})
	}
	at := 0
	for y := range u.height {
		src := p.Data[y*u.stride:][:u.row]
		for x := 0; x+4 <= len(src); x += 4 {
			v := binary.LittleEndian.Uint32(src[x:])
			binary.LittleEndian.PutUint16(all[at:], uint16(v>>10&1023))
			binary.LittleEndian.PutUint16(all[plane+at:], uint16(v&1023))
			binary.LittleEndian.PutUint16(all[2*plane+at:], uint16(v>>20&1023))
			at += 2
		}
	}
	return f
}

func (u *unpacker) Receive() (*demux.Frame, error) {
	if u.dec != nil {
		return u.dec.Receive()
	}
	if f := u.next; f != nil {
		u.next = nil
		return f, nil
	}
	if u.over {
		return nil, io.EOF
	}
	return nil, demux.ErrAgain
}

func (u *unpacker) Flush() {
	u.next, u.over = nil, false
	if u.dec != nil {
		u.dec.Flush()
	}
}

func (u *unpacker) Close() {
	if u.dec != nil {
		u.dec.Close()
	}
}
