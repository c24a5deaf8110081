package guess

import (
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// soundHints is what a name tells of sound; zero where it says nothing.
type soundHints struct {
	format   string // complete: "s16le", "mulaw"
	bits     int    // of a sample
	kind     sampleKind
	kinded   bool // kind is told
	big      bool
	ordered  bool // big is told
	planar   bool
	rate     int  // Hz
	round    bool // rate is a bare round number, which may count something else
	channels int
	precise  bool // a format is told by a name that nothing else has
}

// tellsFormat tells whether anything but the order of channels is known of samples.
func (h *soundHints) tellsFormat() bool { return h.format != "" || h.bits != 0 || h.kinded }

// exact tells whether a format follows.
func (h *soundHints) exact() bool { return h.format != "" }

// agrees tells whether f has what the name tells.
func (h *soundHints) agrees(f soundFormat) bool {
	if h.format != "" {
		return f.name == h.format
	}
	if h.bits != 0 && (f.bytes*8 != h.bits || f.law()) || h.kinded && f.kind != h.kind {
		return false
	}
	return !h.ordered || f.bytes == 1 || f.big == h.big
}

// merge fills what h does not tell from o.
func (h soundHints) merge(o soundHints) soundHints {
	if !h.tellsFormat() {
		h.format, h.bits, h.kind, h.kinded, h.precise = o.format, o.bits, o.kind, o.kinded, o.precise
		if o.tellsFormat() {
			h.big, h.ordered = o.big, o.ordered
		}
	}
	h.planar = h.planar || o.planar
	if h.rate == 0 {
		h.rate, h.round = o.rate, o.round
	}
	if h.channels == 0 {
		h.channels = o.channels
	}
	return h
}

// soundExtension is what an extension tells, SoX's among them.
type soundExtension struct {
	format         string
	rate, channels int
}

var soundExtensions = map[string]soundExtension{
	"sb": {format: "s8"}, "ub": {format: "u8"}, "sw": {format: "s16le"}, "uw": {format: "u16le"}, "sl": {format: "s32le"},
	"s1": {format: "s8"}, "s2": {format: "s16le"}, "s3": {format: "s24le"}, "s4": {format: "s32le"},
	"u1": {format: "u8"}, "u2": {format: "u16le"}, "u3": {format: "u24le"}, "u4": {format: "u32le"},
	"f4": {format: "f32le"}, "f8": {format: "f64le"}, "s8": {format: "s8"}, "u8": {format: "u8"},
	"al": {format: "alaw"}, "ul": {format: "mulaw"}, "pcmu": {format: "mulaw"}, "pcma": {format: "alaw"},
	"cdda": {"s16be", 44100, 2}, "cdr": {"s16be", 44100, 2},
	"sln": {"s16le", 8000, 1}, "sln12": {"s16le", 12000, 1}, "sln16": {"s16le", 16000, 1}, "sln24": {"s16le", 24000, 1}, "sln32": {"s16le", 32000, 1},
	"sln44": {"s16le", 44100, 1}, "sln48": {"s16le", 48000, 1}, "sln96": {"s16le", 96000, 1}, "sln192": {"s16le", 192000, 1},
}

// SoundExtension reports whether a file's extension is one of headerless sound alone.
func SoundExtension(path string) bool {
	_, ok := soundExtensions[strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))]
	return ok
}

// soundNameHints reads a file's name without its folders.
func soundNameHints(base string) soundHints {
	if len(base) > maxName {
		base = base[len(base)-maxName:]
	}
	ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(base), "."))
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	if ext == "" || stem == "" {
		return soundWordHints(base)
	}
	var e soundHints
	if x, ok := soundExtensions[ext]; ok {
		e = soundHints{format: x.format, rate: x.rate, channels: x.channels, precise: x.format != "u8" && x.format != "s8"}
	} else if e = soundWordHints(ext); e.format == "" {
		switch {
		case startsWithDigit(ext):
			return soundWordHints(base) // "clip_44.1khz", "x_5.1"
		default:
			e = soundHints{}
		}
	}
	h := soundWordHints(stem)
	if h.format == "" && e.format != "" && h.bits != 0 && h.bits != 8*findSoundFormat(e.format).bytes {
		return h // the name means something else than the extension
	}
	if h.format == "" && e.format != "" {
		f := findSoundFormat(e.format)
		if h.ordered && h.big && !f.big && f.bytes > 1 {
			e.format = strings.TrimSuffix(e.format, "le") + "be"
		}
		e.planar = h.planar
		h.bits, h.kinded, h.ordered = 0, false, false
	}
	return h.merge(e)
}

// soundFolderHints reads the names of the folder of path, and of the folder above.
func soundFolderHints(path string) soundHints {
	parent := filepath.Dir(path)
	return soundWordHints(filepath.Base(parent)).merge(soundWordHints(filepath.Base(filepath.Dir(parent))))
}

var soundNoise = []*regexp.Regexp{
	noise[0], noise[1],
	// 20240131_192000, 20240131-1920.
	regexp.MustCompile(`(?:^|[^0-9])((?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[t_ -]?(?:[01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9])?)?)(?:$|[^0-9])`),
	word(`v[0-9]+(?:\.[0-9]+)+`),
	sizeX, sizeWH, sizeWH2, rateSplit,
	// Bit rates, counts, lengths, pictures' rates.
	regexp.MustCompile(`(?:^|[^0-9.])([0-9]+(?:\.[0-9]+)?[_ -]?(?:[km]?bps|[km]bits?|kb|mb|kib|mib|bytes|samples|smpl|frames|frm|ms|us|secs?|seconds|min|fps|db|dbfs|lufs))(?:$|[^a-z])`),
	regexp.MustCompile(`(?:^|[^a-z])((?:take|part|clip|no|nr|num|track|trk|frame|ver|seg|seq|id|cam|test|run|vol|bitrate|br|seed|n|offset|samples|len)[_=-]?[0-9]+)(?:$|[^0-9a-z])`),
}

var (
	// anyRate are those that a bare number must be to be one.
	anyRate = `8000|11025|12000|16000|22050|24000|32000|44100|48000|64000|88200|96000|176400|192000|352800|384000`

	soundRateWord = regexp.MustCompile(`(?:^|[^a-z])((?:fs|sr|ar|samplerate|sample[_-]rate|rate|freq)[_=-]?([0-9]{4,6})(?:hz)?)(?:$|[^0-9a-z])`)
	soundKilohz   = regexp.MustCompile(`(?:^|[^0-9.,])(([0-9]{1,3}(?:[.,_][0-9]{1,3})?)[_ -]?khz)(?:$|[^a-z])`)
	soundKilohz2  = regexp.MustCompile(`(?:^|[^0-9])(([0-9]{1,3})[_ -]?khz)(?:$|[^a-z])`)
	soundHertz    = regexp.MustCompile(`(?:^|[^0-9.])(([0-9]{4,6})[_ -]?hz)(?:$|[^a-z])`)
	soundSplitK   = regexp.MustCompile(`(?:^|[^0-9.])(([0-9]{2,3})k([0-9]{1,3}))(?:$|[^0-9])`)
	soundK        = regexp.MustCompile(`(?:^|[^0-9.])((8|11|12|16|22|24|32|44|48|64|88|96|176|192|352|384)k)(?:$|[^a-z])`)
	soundDotted   = regexp.MustCompile(`(?:^|[^0-9a-z.])((11\.025|22\.05|44[.,]1|88[.,]2|176[.,]4|352[.,]8)k?)(?:$|[^0-9a-z.]|\.[a-z])`)
	soundBare     = regexp.MustCompile(`(?:^|[^0-9.])((` + anyRate + `))(?:$|[^0-9])`)
	soundPair     = word(`(16|24|32)[_/-](44|48|88|96|176|192)`)

	soundSample  = regexp.MustCompile(`(?:^|[^a-z0-9]|[0-9](?:k|hz|ch))((?:pcm[_-]?)?([suf])(8|16|24|32|64)(?:[_-]?3)?[_-]?(le|be)?([_-]?planar|p)?)(?:$|[^a-z0-9])`)
	soundSample2 = regexp.MustCompile(`(?:^|[^a-z0-9])(()((?:signed|unsigned|uint|int|float|i|flt|l?pcm)[_-]?)(8|16|24|32|64)(?:[_-]?bits?|b)?[_-]?(le|be)?)(?:$|[^a-z0-9])`)
	soundL16     = word(`l(8|16|24)`)
	soundLaw     = word(`(?:pcm_?)?((?:mu?|u|µ)[_-]?law|ulaw|g711[_-]?mu?|g711[_-]?u|pcmu|a[_-]?law|g711[_-]?a|pcma)`)
	soundBits    = regexp.MustCompile(`(?:^|[^0-9.])((8|16|24|32|64)[_ -]?(?:bits?|b)[_-]?(le|be)?)(?:$|[^a-z])`)
	soundBits2   = regexp.MustCompile(`(?:^|[^a-z])((?:bits?|depth|bitdepth|bps)[_=-]?(8|16|24|32|64))(?:$|[^0-9a-z])`)
	soundKind    = word(`signed|unsigned|float|floats|double|flt|dbl|fltp|dblp`)
	soundOrder   = word(`le|be|big[_-]?endian|little[_-]?endian|msb|lsb`)
	soundPlanar  = word(`planar|non-?interleaved|deinterleaved`)

	soundChannels  = regexp.MustCompile(`(?:^|[^0-9.])(([1-9][0-9]?)[_ -]?(?:channels?|chans?|chn?|ch)s?)(?:$|[^a-z])`)
	soundChannels2 = regexp.MustCompile(`(?:^|[^a-z])((?:channels?|chans?|ch|ac|nch)[_=-]?([1-9][0-9]?))(?:$|[^0-9a-z])`)
	soundChannels3 = word(`([1-9])c`)
	soundSurround  = regexp.MustCompile(`(?:^|[^0-9a-z.])(([2-9])[._-]([01])(?:\.([2468]))?)(?:$|[^0-9a-z.]|\.[a-z])`)
	soundChWord    = word(`mono|monaural|stereo|binaural|quad|quadraphonic|surround`)
)

// soundWordHints reads a name that has no extension.
func soundWordHints(name string) (h soundHints) {
	if len(name) > maxName {
		name = name[len(name)-maxName:]
	}
	t := &text{s: strings.ToLower(name)}
	for _, re := range soundNoise {
		for t.take(re, always) {
		}
	}
	h.samples(t)
	h.rates(t)
	h.numbers(t)
	h.depths(t)
	h.count(t)
	// The word alone may mean anything: this program has it for a name.
	h.planar = h.planar && (h.tellsFormat() || h.rate != 0 || h.channels != 0)
	return h
}

// samples takes whole names of formats.
func (h *soundHints) samples(t *text) {
	t.take(soundLaw, func(g []string) bool {
		h.format, h.precise = "mulaw", true
		name := strings.TrimLeft(strings.TrimPrefix(g[1], "pcm_"), "_")
		if strings.HasPrefix(name, "a") || strings.HasPrefix(name, "pcma") || strings.HasPrefix(name, "pcmal") || strings.HasPrefix(name, "g711") && strings.HasSuffix(name, "a") {
			h.format = "alaw"
		}
		return true
	})
	t.take(soundSample, func(g []string) bool {
		if g[2] == "f" && g[3] != "32" && g[3] != "64" || g[2] == "u" && g[3] == "64" {
			return false
		}
		h.set(g[2], g[3], g[4])
		h.planar = h.planar || g[5] != ""
		h.precise = g[3] != "8" || strings.HasPrefix(g[1], "pcm")
		return h.format != ""
	})
	take := func(g []string) bool {
		kind := map[string]string{"unsigned": "u", "uint": "u", "float": "f", "flt": "f"}[strings.TrimRight(g[3], "_-")]
		if kind == "" {
			kind = "s"
		}
		if kind == "s" && g[4] == "8" && strings.HasPrefix(g[3], "pcm") {
			return false
		}
		if kind == "f" && g[4] != "32" && g[4] != "64" {
			return false
		}
		h.set(kind, g[4], g[5])
		h.precise = h.precise || strings.HasSuffix(strings.TrimRight(g[3], "_-"), "pcm")
		return h.format != ""
	}
	if h.format == "" {
		t.take(soundSample2, take)
	}
	if h.format == "" {
		t.take(soundL16, func(g []string) bool { // RFC 3551, network byte order
			h.format = map[string]string{"8": "u8", "16": "s16be", "24": "s24be"}[g[2]]
			return true
		})
	}
	for range 2 {
		t.take(soundOrder, func(g []string) bool {
			h.ordered, h.big = true, g[1][0] == 'b' || g[1] == "msb"
			return true
		})
	}
	if t.take(soundPlanar, always) {
		h.planar = true
	}
	if h.ordered && h.big && strings.HasSuffix(h.format, "le") {
		h.format = strings.TrimSuffix(h.format, "le") + "be"
	}
}

// set makes a format of its parts.
func (h *soundHints) set(kind, bits, byteOrder string) {
	name := kind + bits
	if bits != "8" {
		if byteOrder == "" {
			byteOrder = "le"
		}
		name += byteOrder
	}
	if findSoundFormat(name).bytes > 0 {
		h.format = name
	}
}

// rates takes what is a rate beyond doubt, and numbers with units.
func (h *soundHints) rates(t *text) {
	take := func(hz float64, any bool) bool {
		n := int(hz)
		if n < 8000 || n > 384000 || !any && !usualSoundRate(n) {
			return false
		}
		if h.rate == 0 {
			h.rate = n
		}
		return true
	}
	t.take(soundRateWord, func(g []string) bool { return take(float64(atoi(g[2])), true) })
	kilo := func(g []string) bool {
		v, err := strconv.ParseFloat(strings.NewReplacer(",", ".", "_", ".").Replace(g[2]), 64)
		return err == nil && take(exactRate(v), false)
	}
	for t.take(soundKilohz, kilo) {
	}
	for t.take(soundKilohz2, kilo) {
	}
	for t.take(soundHertz, func(g []string) bool { return take(float64(atoi(g[2])), false) }) {
	}
	t.take(soundSplitK, func(g []string) bool {
		v, err := strconv.ParseFloat(g[2]+"."+g[3], 64)
		return err == nil && v != math.Trunc(v) && take(exactRate(v), false)
	})
	if h.rate == 0 {
		t.take(soundK, func(g []string) bool { return take(exactRate(float64(atoi(g[2]))), false) })
	}
	if h.rate == 0 {
		t.take(soundDotted, kilo)
	}
}

// exactRate is the rate in Hz that people mean by v kHz: 44 and 44.1 are 44100.
func exactRate(v float64) float64 {
	switch int(v) {
	case 11:
		return 11025
	case 22:
		return 22050
	case 44:
		return 44100
	case 88:
		return 88200
	case 176:
		return 176400
	case 352:
		return 352800
	}
	return v * 1000
}

var ratesOfNumbers = strings.Split(anyRate, "|")

// usualSoundRate tells whether n Hz are usual, or were.
func usualSoundRate(n int) bool {
	return slices.Contains(ratesOfNumbers, strconv.Itoa(n)) || n == 37800 || n == 44056 || n == 18900 || n == 50000
}

// numbers takes bare numbers that are usual rates.
func (h *soundHints) numbers(t *text) {
	if h.rate != 0 {
		return
	}
	t.take(soundBare, func(g []string) bool {
		h.rate = atoi(g[2])
		h.round = h.rate%4000 == 0 && h.rate%48000 != 0
		return true
	})
	if h.rate == 0 {
		t.take(soundPair, func(g []string) bool {
			h.bits = atoi(g[2])
			h.rate = int(exactRate(float64(atoi(g[3]))))
			return true
		})
	}
}

// depths takes "16bit", "unsigned", "float", and completes a format where it can.
func (h *soundHints) depths(t *text) {
	take := func(g []string) bool {
		if h.bits == 0 {
			h.bits = atoi(g[2])
		}
		if len(g) > 3 && g[3] != "" {
			h.ordered, h.big = true, g[3] == "be"
		}
		return true
	}
	t.take(soundBits, take)
	t.take(soundBits2, take)
	t.take(soundKind, func(g []string) bool {
		h.kinded = true
		switch g[1][0] {
		case 's':
			h.kind = signedSample
		case 'u':
			h.kind = unsignedSample
		default:
			h.kind = floatSample
			if h.bits == 0 || h.bits < 32 {
				h.bits = 32
				if g[1][0] == 'd' {
					h.bits = 64
				}
			}
			h.planar = h.planar || g[1] == "fltp" || g[1] == "dblp"
		}
		return true
	})
	if h.format != "" {
		return
	}
	switch {
	case h.kinded && h.bits != 0 && h.bits != 8:
		h.set([]string{"s", "u", "f"}[h.kind], strconv.Itoa(h.bits), order(h.big))
	case h.kinded && h.bits == 8:
		h.set([]string{"s", "u", "f"}[h.kind], "8", "")
	case h.ordered && (h.bits == 16 || h.bits == 24):
		h.set("s", strconv.Itoa(h.bits), order(h.big))
	}
}

// count takes the number of channels.
func (h *soundHints) count(t *text) {
	take := func(g []string) bool {
		n := atoi(g[2])
		if n < 1 || n > maxChannels || h.channels != 0 {
			return false
		}
		h.channels = n
		return true
	}
	for _, re := range []*regexp.Regexp{soundChannels, soundChannels2, soundChannels3} {
		t.take(re, take)
	}
	t.take(soundSurround, func(g []string) bool {
		n := atoi(g[2]) + atoi(g[3]) + atoi(g[4])
		if h.channels == 0 && (g[3] == "1" || g[4] != "") {
			h.channels = n
		}
		return true
	})
	t.take(soundChWord, func(g []string) bool {
		n := map[string]int{"mono": 1, "monaural": 1, "stereo": 2, "binaural": 2, "quad": 4, "quadraphonic": 4, "surround": 6}[g[1]]
		if h.channels == 0 {
			h.channels = n
		}
		return true
	})
}
