package guess

import (
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"planar/demux"
	"planar/render"
)

// hints is what a name tells; zero where it says nothing.
type hints struct {
	sizes  []size // more than one if the name is ambiguous: "4k"
	format string // complete: "nv12", "yuv420p10le"
	plain  bool   // format is an ordinary word too: "grey_wolf", "rgb_to_yuv"
	chroma int    // 400, 420 ... of a format that is not complete
	depth  int    // bits
	big    bool   // big-endian
	rate   render.Rational
	colour render.Colour
	frames int64
}

type size struct {
	w, h int
	weak bool // might mean something else: "720", "640_480", "hd"
}

// merge fills what h does not tell from o.
func (h hints) merge(o hints) hints {
	if len(h.sizes) == 0 {
		h.sizes = o.sizes
	}
	if h.format == "" && h.chroma == 0 && h.depth == 0 {
		h.format, h.plain, h.chroma, h.depth, h.big = o.format, o.plain, o.chroma, o.depth, o.big
	} else if h.format == "" && o.format == "" {
		if h.chroma == 0 {
			h.chroma = o.chroma
		}
		if h.depth == 0 {
			h.depth, h.big = o.depth, o.big
		}
	}
	if !h.rate.Known() {
		h.rate = o.rate
	}
	if h.colour.Matrix == render.MatrixUnknown {
		h.colour.Matrix = o.colour.Matrix
	}
	if h.colour.Range == render.RangeUnknown {
		h.colour.Range = o.colour.Range
	}
	return h
}

// plainWords name formats, and other things.
var plainWords = map[string]bool{"gray": true, "grey": true, "mono": true, "luma": true, "rgb": true, "bgr": true}

// maxName bounds the part of a name that is looked at: the longest that Linux
// allows.
const maxName = 255

// nameHints reads a file's name without its folders.
func nameHints(base string) hints {
	ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(base), "."))
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	if ext == "" || stem == "" {
		return wordHints(base)
	}
	if wholeExtensions[ext] {
		return wordHints(stem)
	}
	e := wordHints(ext)
	if e.format == "" && e.chroma == 0 && startsWithDigit(ext) {
		return wordHints(base) // "clip_29.97fps", "v1.2"
	}
	h := wordHints(stem)
	if h.format != "" && (!h.plain || e.format == "") || h.chroma != 0 && e.format == "" {
		return h
	}
	h.format, h.plain, h.chroma = e.format, false, e.chroma
	if e.depth != 0 {
		h.depth, h.big = e.depth, e.big
	}
	return h
}

// wholeExtensions say nothing about the pictures.
var wholeExtensions = map[string]bool{"yuv": true, "raw": true, "bin": true, "dat": true, "y4m": true, "video": true, "out": true, "vid": true}

// folderHints reads the names of the folder of path, and of the folder above.
func folderHints(path string) hints {
	parent := filepath.Dir(path)
	return wordHints(filepath.Base(parent)).merge(wordHints(filepath.Base(filepath.Dir(parent))))
}

// text is a name of which parts are blanked when they have been understood, so
// that no digit is used twice.
type text struct {
	s    string
	size int // where the first size ended, -1 if there was none
}

// take blanks the first group of the first match of re whose groups accept
// takes, and tells whether there was one.
func (t *text) take(re *regexp.Regexp, accept func(g []string) bool) bool {
	for from := 0; from < len(t.s); {
		m := re.FindStringSubmatchIndex(t.s[from:])
		if m == nil {
			return false
		}
		g := make([]string, len(m)/2)
		for i := range g {
			if m[2*i] >= 0 {
				g[i] = t.s[from+m[2*i] : from+m[2*i+1]]
			}
		}
		a, b := from+m[2], from+m[3]
		if accept(g) {
			t.s = t.s[:a] + strings.Repeat(" ", b-a) + t.s[b:]
			return true
		}
		from = max(b, from+1)
	}
	return false
}

// word makes a pattern of which group 1 stands between characters that are
// neither letters nor digits.
func word(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[^a-z0-9])(` + pattern + `)(?:$|[^a-z0-9])`)
}

var noise = []*regexp.Regexp{
	// Dates, times of day, checksums, identifiers, codecs.
	regexp.MustCompile(`(?:^|[^0-9])((?:19|20)[0-9]{2}([-_.])(?:0[1-9]|1[0-2])[-_.](?:0[1-9]|[12][0-9]|3[01])(?:[t_ -](?:[01][0-9]|2[0-3])[-_.:h][0-5][0-9](?:[-_.:m][0-5][0-9])?)?)(?:$|[^0-9])`),
	regexp.MustCompile(`(?:^|[^0-9a-f])([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:$|[^0-9a-f])`),
	word(`[0-9a-f]*(?:[0-9][0-9a-f]*[a-f][0-9a-f]*[0-9]|[a-f][0-9a-f]*[0-9][0-9a-f]*[a-f])[0-9a-f]*`),
	regexp.MustCompile(`(?:^|[^0-9])([0-9]{6,})(?:$|[^0-9])`),
	word(`(?:x|h|s)[._-]?26[1-6]|mpeg-?[124]|mp[34]|vp[89]|av1|avc1?|hevc[0-9]?|jpeg2000|j2k|prores[0-9]*`),
	word(`v[0-9]+(?:\.[0-9]+)+`),
}

const number = `[0-9]{1,3}(?:\.[0-9]{1,3})?|2398|23976|2997|5994|11988`

var (
	sizeX     = regexp.MustCompile(`(?:^|[^0-9])(([0-9]{2,5}) ?x ?([0-9]{2,5})(?:x([0-9]{1,6}))?)(?:$|[^0-9])`)
	sizeWH    = regexp.MustCompile(`(?:^|[^a-z])(w(?:idth)?[_=-]?([0-9]{2,5})[_,-]*h(?:eight)?[_=-]?([0-9]{2,5}))(?:$|[^0-9])`)
	sizeWH2   = regexp.MustCompile(`(?:^|[^0-9])(([0-9]{2,5})w[_,-]*([0-9]{2,5})h)(?:$|[^a-z0-9])`)
	sizePair  = regexp.MustCompile(`(?:^|[^0-9a-z])(([1-9][0-9]{2,3})[_ -]([1-9][0-9]{2,3}))(?:$|[^0-9])`)
	sizeLines = regexp.MustCompile(`(?:^|[^0-9])((144|240|288|360|480|540|576|720|900|1080|1440|1600|2160|4320)[pi](?:[_-]?(` + number + `))?)(?:$|[^0-9a-z.]|[a-z]{4}|_)`)
	sizeCIF   = regexp.MustCompile(`((sq|q|4|16)?cif)(?:$|[^a-z])`)
	sizeWord  = word(`qqvga|qvga|hvga|wqvga|vga|wvga|svga|xga|wxga|sxga|uxga|sif|ntsc|pal|d1|[hf]hd|fullhd|uhd[12]?|qhd|hd720|hd1080|hd|wqxga|dci4k|dci|[24568]k`)
	sizeRate  = word(`(fhd|uhd|hd|4k|8k)[_-]?(24|25|30|50|60|100|120)`)
	sizeBare  = word(`720|1080|2160|4320`)

	frameCount = regexp.MustCompile(`(?:^|[^0-9a-z.])(([1-9][0-9]{0,6})[_-]?(?:frames?|frms?|frm|f|fr))(?:$|[^a-z0-9])`)
	countWord  = regexp.MustCompile(`(?:^|[^a-z])((?:n?frames|nb)[_=-]?([1-9][0-9]{0,6}))(?:$|[^0-9])`)

	rateSplit = regexp.MustCompile(`(?:^|[^0-9.])((29[_,-]97|23[_,-]976|23[_,-]98|59[_,-]94|119[_,-]88)[_ -]?(?:fps|hz))`)
	rateUnit  = regexp.MustCompile(`(?:^|[^0-9.])((` + number + `)[_ -]?(?:fps|hz))(?:$|[^a-z])`)
	rateFirst = regexp.MustCompile(`(?:^|[^a-z])((?:fps|rate|framerate)[_=-]?(` + number + `))(?:$|[^0-9a-z])`)
	rateP     = regexp.MustCompile(`(?:^|[^0-9a-z.])((` + number + `)[pi])(?:$|[^a-z0-9])`)
	rateAfter = regexp.MustCompile(`(?:^|[^0-9a-z.])(p?(` + number + `))(?:$|[^0-9a-z.]|\.[a-z])`)

	depthUnit = regexp.MustCompile(`(?:^|[^0-9])((8|9|10|12|14|16)[_ -]?(?:bits?|bpc|bpp|bps|b)(le|be)?)(?:$|[^a-z])`)
	depthP    = word(`p(9|10|12|14|16)(le|be)?`)
	depthWord = regexp.MustCompile(`(?:^|[^a-z])((?:bits?|bitdepth|depth|bpc)[_=-]?(8|9|10|12|14|16))(?:$|[^0-9a-z])`)
	endian    = word(`le|be|bigendian|littleendian`)
	chroma    = regexp.MustCompile(`(?:^|[^0-9a-z]|[0-9]b(?:it)?)((yuv|yuvj|yuva|yuv_|yuv-|ycbcr|ycbcr_|ycbcr-|yuvj_|ch?|i|p)?(400|410|411|420|422|440|444)(sp|p|planar|semiplanar)?(?:_?(?:p|b)?(8|9|10|12|14|16))?(?:b|bits?)?_?(le|be)?)(?:$|[^a-z0-9])`)

	packed = word(`(?:nv12|nv21|nv16|nv61|nv24|nv42|yv12|yv16|yv24|iyuv|i420|i422|i444|yuy2|yuyv(?:422)?|yunv|yvyu(?:422)?|uyvy(?:422)?|2vuy|v210|y8|y800|ayuv|vuya|vuyx|` +
		`rgb0|rgbx|bgr0|bgrx|0rgb|0bgr|xrgb|xbgr|rgba|bgra|argb|abgr|rgb32|bgr32|rgb24|bgr24|rgb|bgr|rgb8|bgr8|rgb565|bgr565|rgb555|bgr555|gr[ae]y(?:scale)?|gr[ae]y8|mono|mono8|luma|luma[_-]only|lumaonly|y[_-]?only)`)
	words16 = word(`((?:p01[026]|p21[026]|p41[026]|y21[026]|y41[026]|i010|i012|i210|i212|i410|i412|nv20|rgb48|bgr48|rgba64|bgra64|xv30|x2rgb10|x2bgr10|y1[0246]|gr[ae]y(?:9|10|12|14|16)|mono1[0246]|ya16))_?(le|be)?`)
	gbr     = word(`(gbra?p?|planar_?rgb|rgbp)_?(8|9|10|12|14|16)?(?:b|bits?)?(le|be)?`)
	rgbDeep = word(`(rgb|bgr|rgba|bgra)_?(16)(?:b|bits?)?(le|be)?`)
	bayer   = word(`(?:bayer[_-]?)?(rggb|bggr|grbg|gbrg)[_-]?(8|10|12|14|16)?(?:b|bits?)?(le|be)?`)

	matrix  = regexp.MustCompile(`(?:^|[^a-z0-9])((?:itu-?r?|bt|rec|ycc|csp)[._ -]?(601|709|2020)(?:nc[l]?)?)(?:$|[^0-9])`)
	matrix2 = word(`(601|709)([fl])?`)
	full    = word(`full|full[_-]?range|fullswing|range[_=-]?(?:full|pc|jpeg)|pc[_-]?range|jpeg[_-]?range`)
	limited = word(`limited|limited[_-]?range|video[_-]?range|narrow|range[_=-]?(?:limited|tv|mpeg)|tv[_-]?range|mpeg[_-]?range`)
)

// wordHints reads a name that has no extension.
func wordHints(name string) (h hints) {
	if len(name) > maxName {
		name = name[len(name)-maxName:]
	}
	t := &text{size: -1}
	t.s = strings.NewReplacer("×", "x", "*", "x", "4:2:0", "420", "4:2:2", "422", "4:4:4", "444", "4:0:0", "400", "4:1:1", "411").Replace(strings.ToLower(name))
	for _, re := range noise[:2] {
		for t.take(re, always) {
		}
	}
	h.explicitSizes(t)
	for _, re := range noise[2:] {
		for t.take(re, always) {
		}
	}
	h.lines(t)
	h.count(t)
	h.rates(t)
	h.formats(t)
	h.colours(t)
	h.namedSizes(t)
	h.bareNumbers(t)
	return h
}

func always([]string) bool { return true }

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func (h *hints) addSize(w, ht int, weak bool) bool {
	if w < 16 || ht < 16 || w > demux.MaxDimension || ht > demux.MaxDimension {
		return false
	}
	if !slices.ContainsFunc(h.sizes, func(s size) bool { return s.w == w && s.h == ht }) {
		h.sizes = append(h.sizes, size{w, ht, weak})
	}
	return true
}

// explicitSizes takes 1920x1080 and w1920h1080.
func (h *hints) explicitSizes(t *text) {
	take := func(g []string) bool {
		if strings.HasPrefix(g[2], "0") || strings.HasPrefix(g[3], "0") || !h.addSize(atoi(g[2]), atoi(g[3]), false) {
			return false
		}
		if len(g) > 4 && g[4] != "" {
			if n := atoi(g[4]); n == 8 || n == 10 || n == 12 || n == 16 {
				h.depth = n
			} else if n > 16 {
				h.frames = int64(n)
			}
		}
		return true
	}
	for _, re := range []*regexp.Regexp{sizeWH, sizeWH2, sizeX} {
		for range 8 {
			before := t.s
			if !t.take(re, take) {
				break
			}
			t.mark(before)
		}
	}
}

// mark notes where what was blanked since before ended.
func (t *text) mark(before string) {
	for i := len(t.s) - 1; i >= 0; i-- {
		if t.s[i] != before[i] {
			if t.size < 0 {
				t.size = i + 1
			}
			return
		}
	}
}

// sized takes a size and notes its place.
func (h *hints) sized(t *text, re *regexp.Regexp, accept func(g []string) bool) bool {
	before := t.s
	ok := t.take(re, accept)
	if ok {
		t.mark(before)
	}
	return ok
}

var widthOfLines = map[int]int{
	144: 176, 240: 320, 288: 352, 360: 640, 480: 720, 540: 960, 576: 720, 720: 1280, 900: 1600, 1080: 1920, 1440: 2560, 1600: 2560, 2160: 3840, 4320: 7680,
}

// lines takes 1080p, 720p50, 1080i2997.
func (h *hints) lines(t *text) {
	h.sized(t, sizeLines, func(g []string) bool {
		if g[3] != "" && !h.rate.Known() {
			if r, ok := usualRate(g[3]); ok {
				h.rate = r
			}
		}
		if len(h.sizes) > 0 {
			return true
		}
		n := atoi(g[2])
		h.addSize(widthOfLines[n], n, false)
		if n == 480 {
			h.addSize(640, 480, false)
			h.addSize(854, 480, true)
			h.addSize(832, 480, true)
		}
		if n == 2160 {
			h.addSize(4096, 2160, true)
		}
		return true
	})
}

func (h *hints) count(t *text) {
	take := func(g []string) bool {
		if g[1] == "601f" || g[1] == "709f" { // full range
			return false
		}
		h.frames = int64(atoi(g[2]))
		return true
	}
	if !t.take(frameCount, take) {
		t.take(countWord, take)
	}
}

// spelled rates have lost their dot.
var spelled = map[string]string{"2398": "23.976", "23976": "23.976", "2997": "29.97", "5994": "59.94", "11988": "119.88"}

func parseRate(s string) (render.Rational, bool) {
	if d, ok := spelled[s]; ok {
		s = d
	}
	r, err := demux.ParseRate(s)
	return r, err == nil && !strings.HasPrefix(s, "00")
}

// usualRate takes only rates that pictures usually have, for numbers that may
// mean something else.
func usualRate(s string) (render.Rational, bool) {
	r, ok := parseRate(s)
	if !ok || strings.HasPrefix(s, "0") {
		return render.Rational{}, false
	}
	if r.Den == 1001 || r == (render.Rational{Num: 25, Den: 2}) {
		return r, true
	}
	switch r.Num {
	case 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 144, 240:
		return r, r.Den == 1
	}
	return render.Rational{}, false
}

func (h *hints) rates(t *text) {
	split := strings.NewReplacer("_", ".", ",", ".", "-", ".")
	take := func(g []string) bool {
		r, ok := parseRate(split.Replace(g[2]))
		if ok && !h.rate.Known() {
			h.rate = r
		}
		return ok
	}
	for _, re := range []*regexp.Regexp{rateSplit, rateUnit, rateFirst} {
		if t.take(re, take) {
			return
		}
	}
	t.take(rateP, func(g []string) bool {
		r, ok := usualRate(g[2])
		if ok && !h.rate.Known() {
			h.rate = r
		}
		return ok
	})
}

func (h *hints) setDepth(bits, order string) {
	if bits != "" {
		h.depth = atoi(bits)
	}
	if order == "be" {
		h.big = true
	}
}

// formats takes whole names of formats first, then chroma and depth.
func (h *hints) formats(t *text) {
	t.take(bayer, func(g []string) bool {
		h.format = "bayer_" + g[2] + "8"
		if n := atoi(g[3]); n > 8 {
			h.format = "bayer_" + g[2] + "16" + order(g[4] == "be")
		}
		return true
	})
	t.take(words16, func(g []string) bool {
		h.format = wide(g[2], g[3] == "be")
		return true
	})
	t.take(rgbDeep, func(g []string) bool {
		h.format = map[string]string{"rgb": "rgb48", "bgr": "bgr48", "rgba": "rgba64", "bgra": "bgra64"}[g[2]] + order(g[4] == "be")
		return true
	})
	t.take(packed, func(g []string) bool {
		h.format, h.plain = short(g[1]), plainWords[g[1]]
		return true
	})
	var alpha, gbrp string
	t.take(gbr, func(g []string) bool {
		gbrp = "gbrp"
		if strings.HasPrefix(g[2], "gbra") {
			gbrp = "gbrap"
		}
		h.setDepth(g[3], g[4])
		return true
	})
	for t.take(chroma, func(g []string) bool {
		if g[3] == "400" && g[2] == "" && g[5] == "" { // a number, unless a depth is near
			if !depthUnit.MatchString(t.s) {
				return false
			}
		}
		if h.chroma != 0 {
			return false
		}
		h.chroma = atoi(g[3])
		if strings.HasPrefix(g[2], "yuvj") {
			h.colour.Range = render.Full
		}
		if g[2] == "yuva" {
			alpha = "a"
		}
		h.setDepth(g[5], g[6])
		if strings.HasPrefix(g[4], "s") && h.format == "" {
			h.format = map[int]string{420: "nv12", 422: "nv16", 444: "nv24"}[h.chroma]
		}
		return true
	}) {
	}
	for _, re := range []*regexp.Regexp{depthUnit, depthP, depthWord} {
		t.take(re, func(g []string) bool {
			if h.depth == 0 {
				h.depth = atoi(g[2])
			}
			if len(g) > 3 && g[3] == "be" {
				h.big = true
			}
			return true
		})
	}
	t.take(endian, func(g []string) bool {
		h.big = h.big || g[1][0] == 'b'
		return h.depth > 8 || h.format != ""
	})
	h.complete(alpha, gbrp)
}

// complete makes a whole format of chroma and depth where both are known, and
// of short names with a depth beside them: "nv12_10bit" is p010.
func (h *hints) complete(alpha, gbrp string) {
	bits := ""
	if h.depth > 8 {
		bits = strconv.Itoa(h.depth) + order(h.big)
	}
	deep := map[string]string{"nv12": "p0", "nv16": "p2", "nv24": "p4"}
	switch {
	case gbrp != "" && h.format == "":
		h.format = gbrp + bits
	case h.format == "gray" && h.depth > 8:
		h.format = "gray" + bits
	case (h.format == "i420" || h.format == "iyuv") && h.depth > 8:
		h.format = "yuv420p" + bits
	case h.format == "rgb24" && h.depth > 8:
		h.format = "rgb48" + order(h.big)
	case deep[h.format] != "" && (h.depth == 10 || h.depth == 12 || h.depth == 16):
		h.format = deep[h.format] + strconv.Itoa(h.depth) + order(h.big)
	case h.format == "" && h.chroma == 400 && h.depth != 0:
		h.format = "gray" + bits
	case h.format == "" && h.chroma != 0 && h.depth != 0:
		h.format = "yuv" + alpha + strconv.Itoa(h.chroma) + "p" + bits
	}
}

func order(big bool) string {
	if big {
		return "be"
	}
	return "le"
}

// short gives FFmpeg's names to common ones.
func short(s string) string {
	switch s {
	case "yuy2", "yuyv", "yunv":
		return "yuyv422"
	case "yvyu":
		return "yvyu422"
	case "uyvy", "2vuy":
		return "uyvy422"
	case "i422", "i444":
		return "yuv" + s[1:] + "p"
	case "rgb", "rgb8":
		return "rgb24"
	case "bgr", "bgr8":
		return "bgr24"
	case "rgb32":
		return "rgba"
	case "bgr32":
		return "bgra"
	case "rgbx":
		return "rgb0"
	case "bgrx":
		return "bgr0"
	case "xrgb":
		return "0rgb"
	case "xbgr":
		return "0bgr"
	case "rgb565", "bgr565", "rgb555", "bgr555":
		return s + "le"
	}
	if strings.HasPrefix(s, "gray") || strings.HasPrefix(s, "grey") || strings.HasPrefix(s, "mono") || strings.HasPrefix(s, "luma") || s == "y8" || s == "y800" || strings.HasSuffix(s, "only") {
		return "gray"
	}
	return s
}

// wide gives FFmpeg's names to formats with samples of more than 8 bits.
func wide(s string, big bool) string {
	o := order(big)
	switch s {
	case "i010", "i012":
		return "yuv420p" + s[2:] + o
	case "i210", "i212":
		return "yuv422p" + s[2:] + o
	case "i410", "i412":
		return "yuv444p" + s[2:] + o
	case "y410", "y412", "y416", "y216":
		return s // FFmpeg has no such name: the caller may know it
	case "y10", "y12", "y14", "y16", "ya16":
		return strings.Replace("gray"+strings.TrimLeft(s, "ya"), "ya", "", 1) + o
	}
	if n, ok := strings.CutPrefix(s, "grey"); ok {
		s = "gray" + n
	}
	if n, ok := strings.CutPrefix(s, "mono"); ok {
		s = "gray" + n
	}
	return s + o
}

func (h *hints) colours(t *text) {
	m := map[string]render.Matrix{"601": render.BT601, "709": render.BT709, "2020": render.BT2020}
	take := func(g []string) bool {
		h.colour.Matrix = m[g[2]]
		return true
	}
	if !t.take(matrix, take) {
		t.take(matrix2, func(g []string) bool {
			if g[3] != "" {
				h.colour.Range = map[string]render.Range{"f": render.Full, "l": render.Limited}[g[3]]
			}
			return take(g)
		})
	}
	if t.take(full, always) {
		h.colour.Range = render.Full
	} else if t.take(limited, always) {
		h.colour.Range = render.Limited
	}
}

var sizesOfWord = map[string][]size{
	"qqvga": {{w: 160, h: 120}}, "qvga": {{w: 320, h: 240}}, "hvga": {{w: 480, h: 320}}, "wqvga": {{w: 416, h: 240}, {w: 400, h: 240, weak: true}},
	"vga": {{w: 640, h: 480}}, "wvga": {{w: 832, h: 480}, {w: 800, h: 480}, {w: 854, h: 480, weak: true}}, "svga": {{w: 800, h: 600}}, "xga": {{w: 1024, h: 768}},
	"wxga": {{w: 1280, h: 800}, {w: 1280, h: 768}, {w: 1366, h: 768}}, "sxga": {{w: 1280, h: 1024}}, "uxga": {{w: 1600, h: 1200}}, "wqxga": {{w: 2560, h: 1600}},
	"sif": {{w: 352, h: 240}, {w: 352, h: 288, weak: true}}, "ntsc": {{w: 720, h: 480}, {w: 720, h: 486, weak: true}}, "pal": {{w: 720, h: 576}}, "d1": {{w: 720, h: 576}, {w: 720, h: 480}},
	"hhd": {{w: 1920, h: 1080, weak: true}}, "fhd": {{w: 1920, h: 1080}}, "fullhd": {{w: 1920, h: 1080}}, "hd": {{w: 1920, h: 1080, weak: true}, {w: 1280, h: 720, weak: true}},
	"hd720": {{w: 1280, h: 720}}, "hd1080": {{w: 1920, h: 1080}}, "qhd": {{w: 2560, h: 1440}, {w: 960, h: 540, weak: true}},
	"uhd": {{w: 3840, h: 2160}}, "uhd1": {{w: 3840, h: 2160}}, "uhd2": {{w: 7680, h: 4320}}, "dci": {{w: 4096, h: 2160}, {w: 2048, h: 1080}}, "dci4k": {{w: 4096, h: 2160}},
	"2k": {{w: 2048, h: 1080}, {w: 1920, h: 1080, weak: true}, {w: 2560, h: 1440, weak: true}}, "4k": {{w: 3840, h: 2160}, {w: 4096, h: 2160}},
	"5k": {{w: 5120, h: 2880}}, "6k": {{w: 6144, h: 3456, weak: true}}, "8k": {{w: 7680, h: 4320}, {w: 8192, h: 4320, weak: true}},
}

var cifs = map[string][2]int{"sq": {128, 96}, "q": {176, 144}, "": {352, 288}, "4": {704, 576}, "16": {1408, 1152}}

// namedSizes takes "cif", "uhd" and their like, and "1920_1080".
func (h *hints) namedSizes(t *text) {
	if len(h.sizes) > 0 {
		return
	}
	if h.sized(t, sizeCIF, func(g []string) bool {
		c := cifs[g[2]]
		return h.addSize(c[0], c[1], false)
	}) {
		return
	}
	if h.sized(t, sizePair, func(g []string) bool {
		w, ht := atoi(g[2]), atoi(g[3])
		return plausiblePair(w, ht) && h.addSize(w, ht, !usual(w, ht))
	}) {
		return
	}
	add := func(word string) {
		for _, s := range sizesOfWord[word] {
			h.addSize(s.w, s.h, s.weak)
		}
	}
	if h.sized(t, sizeRate, func(g []string) bool {
		add(g[2])
		if !h.rate.Known() {
			h.rate, _ = usualRate(g[3])
		}
		return true
	}) {
		return
	}
	h.sized(t, sizeWord, func(g []string) bool {
		add(g[1])
		return true
	})
}

// plausiblePair tells whether two numbers side by side are likely a size.
func plausiblePair(w, h int) bool {
	if usual(w, h) {
		return true
	}
	ratio := float64(w) / float64(h)
	return w%16 == 0 && h%8 == 0 && w >= 160 && h >= 120 && ratio >= 1.2 && ratio <= 2.4
}

// bareNumbers takes what is left: a rate behind a size, or a number of lines.
func (h *hints) bareNumbers(t *text) {
	if !h.rate.Known() && t.size >= 0 {
		after := &text{s: t.s[t.size:]}
		after.take(rateAfter, func(g []string) bool {
			r, ok := usualRate(g[2])
			if ok && !counted(after.s, g[1]) {
				h.rate = r
				return true
			}
			return false
		})
	}
	if len(h.sizes) == 0 {
		t.take(sizeBare, func(g []string) bool {
			n := atoi(g[1])
			return h.addSize(widthOfLines[n], n, true)
		})
	}
}

var countedWord = regexp.MustCompile(`(?:qp|q|crf|take|part|clip|no|nr|num|frame|ver|seg|gop|id|seq|cam|test|run|vol|ch)[_=-]$`)

// counted tells whether a number is the number of something: "qp_30".
func counted(s, number string) bool {
	before, _, _ := strings.Cut(s, number)
	return countedWord.MatchString(before)
}

func startsWithDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }
