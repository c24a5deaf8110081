package controls

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"planar/demux"
	"planar/render"
)

// rawFields is a RawVideo as a person types it.
type rawFields struct {
	width, height       string
	format              string
	rate                string
	stride              string // bytes, of the planes, with commas between; empty where rows are not padded
	header, frameHeader string // bytes; empty is none
	colour              render.Colour
}

// fieldsOf writes v as video reads it.
func fieldsOf(v RawVideo) rawFields {
	var strides []string
	for _, s := range v.Strides {
		strides = append(strides, strconv.Itoa(s))
	}
	return rawFields{
		width: numberText(int64(v.Width)), height: numberText(int64(v.Height)), format: v.PixelFormat, rate: rateText(v.Rate),
		stride: strings.Join(strides, ", "), header: numberText(v.Header), frameHeader: numberText(v.FrameHeader), colour: v.Colour,
	}
}

// numberText writes a number; 0 is nothing.
func numberText(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// video reads the fields. The error says in one line which of them is wrong.
func (f *rawFields) video() (v RawVideo, err error) {
	v.PixelFormat, v.Colour = f.format, f.colour
	if v.Width, err = parseSide("width", f.width); err != nil {
		return v, err
	}
	if v.Height, err = parseSide("height", f.height); err != nil {
		return v, err
	}
	if f.format == "" {
		return v, errors.New("no pixel format is chosen")
	}
	if v.Rate, err = parseRate(f.rate); err != nil {
		return v, err
	}
	if v.Strides, err = parseStrides(f.stride); err != nil {
		return v, err
	}
	if v.Header, err = parseBytes("offset", f.header); err != nil {
		return v, err
	}
	v.FrameHeader, err = parseBytes("bytes before each frame", f.frameHeader)
	return v, err
}

// sameRaw reports whether a and b are the same.
func sameRaw(a, b RawVideo) bool {
	return a.Video == b.Video && slices.Equal(a.Strides, b.Strides)
}

// parseSide reads a width or a height.
func parseSide(what, s string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 1 || n > demux.MaxDimension {
		return 0, fmt.Errorf("%s: want a number from 1 to %d", what, demux.MaxDimension)
	}
	return n, nil
}

// parseRate reads a frame rate: a whole number, a fraction such as 30000/1001, or a
// decimal. 29.97 and its like are what they stand for.
func parseRate(s string) (render.Rational, error) {
	r, err := demux.ParseRate(strings.Replace(strings.TrimSpace(s), ",", ".", 1))
	if err != nil {
		return r, errors.New("frame rate: want a number such as 25, 29.97 or 30000/1001")
	}
	return r, nil
}

// rateText writes a rate as parseRate reads it.
func rateText(r render.Rational) string {
	switch {
	case !r.Known():
		return ""
	case r.Num%r.Den == 0:
		return strconv.Itoa(r.Num / r.Den)
	case r.Den == 1001:
		s := strings.TrimRight(strconv.FormatFloat(r.Float(), 'f', 3, 64), "0")
		if back, err := parseRate(s); err == nil && back == r {
			return s
		}
	}
	return fmt.Sprintf("%d/%d", r.Num, r.Den)
}

// maxStrides is how many planes a picture has at most.
const maxStrides = 4

// parseStrides reads strides in bytes, with commas or spaces between. None is nil.
func parseStrides(s string) ([]int, error) {
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
	if len(parts) > maxStrides {
		return nil, fmt.Errorf("stride: a picture has %d planes at most", maxStrides)
	}
	var out []int
	for _, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || n > math.MaxInt32 {
			return nil, errors.New("stride: want bytes from one row to the next, with commas between planes")
		}
		out = append(out, n)
	}
	return out, nil
}

// parseBytes reads a number of bytes. Nothing is none.
func parseBytes(what, s string) (int64, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s: want a number of bytes", what)
	}
	return n, nil
}

// moved is the number s, n more, but within 1 to most. What is no number stays as it
// is.
func moved(s string, n, most int) string {
	v, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return s
	}
	return strconv.Itoa(min(max(min(v, most)+n, 1), most))
}

// grouped writes a number with a thin space after each three digits.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// lengthText is a length in bytes, as people read it.
func lengthText(n int64) string {
	v, unit := float64(n), ""
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if v < 1000 {
			break
		}
		v, unit = v/1000, u
	}
	switch {
	case unit == "":
		return bytesText(n)
	case v < 100:
		return fmt.Sprintf("%.1f %s", v, unit)
	}
	return fmt.Sprintf("%.0f %s", v, unit)
}

// bytesText is a number of bytes.
func bytesText(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	return grouped(n) + " bytes"
}

// leftOver says how much is left over behind the last frame.
func leftOver(n int64) string { return bytesText(n) + " left over" }

// picture size that is common.
type usualSize struct {
	name string
	w, h int
}

var usualSizes = []usualSize{
	{"QCIF", 176, 144},
	{"QVGA", 320, 240},
	{"CIF", 352, 288},
	{"360p", 640, 360},
	{"VGA", 640, 480},
	{"4CIF", 704, 576},
	{"NTSC", 720, 480},
	{"PAL", 720, 576},
	{"480p", 832, 480},
	{"XGA", 1024, 768},
	{"720p", 1280, 720},
	{"1080p", 1920, 1080},
	{"DCI 2K", 2048, 1080},
	{"1440p", 2560, 1440},
	{"UHD", 3840, 2160},
	{"DCI 4K", 4096, 2160},
}

var usualRates = []string{"23.976", "24", "25", "29.97", "30", "50", "59.94", "60", "100", "119.88", "120"}
