package demux

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"planar/render"
)

// MaxDimension bounds the width and height of a picture: 32768 samples, more
// than any codec makes. A size is checked against it before anything is
// allocated.
const MaxDimension = 32768

// Content says what a file holds.
type Content int

// The kinds of content.
const (
	Unknown  Content = iota
	RawVideo         // headerless pictures
	RawAudio         // headerless PCM
	Y4M              // YUV4MPEG2: pictures with a line of text before them
	Media            // anything with a header that FFmpeg reads
)

var extensions = map[string]Content{
	".yuv": RawVideo, ".i420": RawVideo, ".iyuv": RawVideo, ".yv12": RawVideo, ".yuv420p": RawVideo, ".420p": RawVideo, ".422p": RawVideo, ".444p": RawVideo,
	".420": RawVideo, ".422": RawVideo, ".444": RawVideo, ".yuv422p": RawVideo, ".yuv444p": RawVideo, ".i422": RawVideo, ".i444": RawVideo,
	".nv12": RawVideo, ".nv21": RawVideo, ".nv16": RawVideo, ".nv24": RawVideo, ".p010": RawVideo, ".p016": RawVideo, ".p210": RawVideo, ".p216": RawVideo,
	".yuy2": RawVideo, ".yuyv": RawVideo, ".uyvy": RawVideo, ".yvyu": RawVideo, ".v210": RawVideo, ".y210": RawVideo, ".y410": RawVideo, ".ayuv": RawVideo,
	".rgb": RawVideo, ".bgr": RawVideo, ".rgb24": RawVideo, ".bgr24": RawVideo, ".rgba": RawVideo, ".bgra": RawVideo, ".argb": RawVideo, ".rgb48": RawVideo,
	".gray": RawVideo, ".grey": RawVideo, ".y8": RawVideo, ".y800": RawVideo, ".y10": RawVideo, ".y12": RawVideo, ".y16": RawVideo,
	".bayer": RawVideo, ".rggb": RawVideo, ".bggr": RawVideo, ".grbg": RawVideo, ".gbrg": RawVideo,
	".y": RawVideo, ".cif": RawVideo, ".qcif": RawVideo,
	".y4m": Y4M,
	".pcm": RawAudio, ".s8": RawAudio, ".u8": RawAudio, ".sb": RawAudio, ".ub": RawAudio, ".sw": RawAudio, ".uw": RawAudio,
	".s16": RawAudio, ".s16le": RawAudio, ".s16be": RawAudio, ".u16": RawAudio, ".u16le": RawAudio, ".u16be": RawAudio,
	".s24": RawAudio, ".s24le": RawAudio, ".s24be": RawAudio, ".u24": RawAudio, ".u24le": RawAudio, ".u24be": RawAudio,
	".s32": RawAudio, ".s32le": RawAudio, ".s32be": RawAudio, ".u32": RawAudio, ".u32le": RawAudio, ".u32be": RawAudio,
	".s64": RawAudio, ".s64le": RawAudio, ".s64be": RawAudio,
	".f32": RawAudio, ".f32le": RawAudio, ".f32be": RawAudio, ".f64": RawAudio, ".f64le": RawAudio, ".f64be": RawAudio,
	".al": RawAudio, ".alaw": RawAudio, ".ul": RawAudio, ".ulaw": RawAudio, ".mulaw": RawAudio,
}

// ContentOf tells raw files from others by the name's extension.
func ContentOf(name string) Content {
	if c, ok := extensions[strings.ToLower(filepath.Ext(name))]; ok {
		return c
	}
	return Media
}

var namedSizes = map[string][2]int{
	"sqcif": {128, 96}, "qqvga": {160, 120}, "qcif": {176, 144}, "qvga": {320, 240}, "cif": {352, 288}, "sif": {352, 240},
	"vga": {640, 480}, "4cif": {704, 576}, "svga": {800, 600}, "xga": {1024, 768}, "360p": {640, 360}, "480p": {720, 480},
	"576p": {720, 576}, "ntsc": {720, 480}, "pal": {720, 576}, "540p": {960, 540}, "720p": {1280, 720}, "720": {1280, 720}, "hd": {1280, 720},
	"1080p": {1920, 1080}, "1080i": {1920, 1080}, "1080": {1920, 1080}, "fhd": {1920, 1080}, "hd1080": {1920, 1080}, "hd720": {1280, 720},
	"1440p": {2560, 1440}, "qhd": {2560, 1440}, "2k": {2048, 1080}, "2160p": {3840, 2160}, "uhd": {3840, 2160}, "4k": {3840, 2160},
	"4320p": {7680, 4320}, "8k": {7680, 4320},
}

// ParseSize reads "1920x1080" or a name such as "cif", "720p", "uhd".
func ParseSize(s string) (w, h int, err error) {
	if wh, ok := namedSizes[strings.ToLower(s)]; ok {
		return wh[0], wh[1], nil
	}
	a, b, ok := strings.Cut(strings.ToLower(s), "x")
	w, errW := strconv.Atoi(a)
	h, errH := strconv.Atoi(b)
	if !ok || errW != nil || errH != nil {
		return 0, 0, fmt.Errorf("size %q is not WIDTHxHEIGHT, nor a name such as cif, 720p, 1080p, uhd", s)
	}
	if w < 1 || h < 1 || w > MaxDimension || h > MaxDimension {
		return 0, 0, fmt.Errorf("size %q is outside 1x1 to %dx%d", s, MaxDimension, MaxDimension)
	}
	return w, h, nil
}

// ParseRate reads a frame rate: "25", "29.97", "30000/1001". The decimal forms
// of the NTSC rates mean those rates exactly.
func ParseRate(s string) (render.Rational, error) {
	bad := fmt.Errorf("frame rate %q is not a number from 0.001 to 1000, such as 25, 29.97 or 30000/1001", s)
	if a, b, ok := strings.Cut(s, "/"); ok {
		n, errN := strconv.Atoi(a)
		d, errD := strconv.Atoi(b)
		if errN != nil || errD != nil || n < 1 || d < 1 || n > 1e9 || d > 1e9 || n/d > 1000 || d/n >= 1000 {
			return render.Rational{}, bad
		}
		return render.Rational{Num: n, Den: d}, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0.001 && f <= 1000) {
		return render.Rational{}, bad
	}
	for _, n := range []int{24, 30, 48, 60, 120, 240} {
		if d := f - float64(n)*1000/1001; d > -0.006 && d < 0.006 {
			return render.Rational{Num: n * 1000, Den: 1001}, nil
		}
	}
	r := render.Rational{Num: int(f*1000 + 0.5), Den: 1000}
	for _, p := range []int{2, 2, 2, 5, 5, 5} {
		if r.Num%p == 0 && r.Den%p == 0 {
			r.Num, r.Den = r.Num/p, r.Den/p
		}
	}
	return r, nil
}

// Named is what a file's name tells about the pictures in it; zero where it
// says nothing.
type Named struct {
	Width, Height int
	Rate          render.Rational
}

var (
	sizeInName  = regexp.MustCompile(`(?:^|[^0-9])([0-9]{2,5})[xX*×]([0-9]{2,5})(?:[^0-9]|$)`)
	fpsInName   = regexp.MustCompile(`(?i)(?:^|[^0-9.])([0-9]{1,3}(?:\.[0-9]{1,3})?) ?(?:fps|hz)(?:[^a-z]|$)`)
	lineInName  = regexp.MustCompile(`(?i)^(360|480|540|576|720|1080|1440|2160|4320)[pi]([0-9]{2,3})?$`)
	afterSize   = regexp.MustCompile(`[0-9]{2,5}[xX*×][0-9]{2,5}[_@p-]([0-9]{2,3}(?:\.[0-9]{1,3})?)(?:[^0-9a-zA-Z]|$)`)
	nameBreakup = regexp.MustCompile(`[^A-Za-z0-9]+`)
)

// ParseName looks for a size and a rate in a file's name, as in
// "foreman_352x288_30fps.yuv", "crowd_1080p50.yuv", "news_cif.yuv" or
// "park_1920x1080_50.yuv".
func ParseName(path string) (n Named) {
	base := filepath.Base(path)
	base = strings.TrimSuffix(base, filepath.Ext(base))
	if m := sizeInName.FindStringSubmatch(base); m != nil {
		n.Width, n.Height, _ = ParseSize(m[1] + "x" + m[2])
	}
	if m := fpsInName.FindStringSubmatch(base); m != nil {
		n.Rate, _ = ParseRate(m[1])
	} else if m := afterSize.FindStringSubmatch(base); m != nil {
		n.Rate, _ = ParseRate(m[1])
	}
	for _, word := range nameBreakup.Split(base, -1) {
		if m := lineInName.FindStringSubmatch(word); m != nil {
			if n.Width == 0 {
				n.Width, n.Height, _ = ParseSize(m[1] + "p")
			}
			if m[2] != "" && !n.Rate.Known() {
				n.Rate, _ = ParseRate(m[2])
			}
		} else if n.Width == 0 && !onlyDigits(word) {
			if wh, ok := namedSizes[strings.ToLower(word)]; ok {
				n.Width, n.Height = wh[0], wh[1]
			}
		}
	}
	return n
}

func onlyDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }
