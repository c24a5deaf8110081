package guess

import (
	"slices"
	"strings"
)

// sampleKind says what the bits of a sample mean.
type sampleKind uint8

const (
	signedSample sampleKind = iota
	unsignedSample
	floatSample
	mulawSample // ITU-T G.711
	alawSample  // ITU-T G.711
)

// soundFormat is a format of samples.
type soundFormat struct {
	name   string // FFmpeg's, without "_planar"
	bytes  int    // of a sample, 0 if the format is unknown
	kind   sampleKind
	big    bool
	weight float64 // how usual it is
	planar bool
}

// String is FFmpeg's name of the format.
func (f soundFormat) String() string {
	if f.planar {
		return f.name + planarSuffix
	}
	return f.name
}

// law tells whether samples are logarithms, as in telephones.
func (f soundFormat) law() bool { return f.kind == mulawSample || f.kind == alawSample }

const planarSuffix = "_planar"

var soundFormats = []soundFormat{
	{name: "s16le", bytes: 2, weight: 1},
	{name: "f32le", bytes: 4, kind: floatSample, weight: 0.15},
	{name: "s24le", bytes: 3, weight: 0.12},
	{name: "s32le", bytes: 4, weight: 0.1},
	{name: "s16be", bytes: 2, big: true, weight: 0.1},
	{name: "u8", bytes: 1, kind: unsignedSample, weight: 0.06},
	{name: "mulaw", bytes: 1, kind: mulawSample, weight: 0.05},
	{name: "alaw", bytes: 1, kind: alawSample, weight: 0.05},
	{name: "s8", bytes: 1, weight: 0.03},
	{name: "f64le", bytes: 8, kind: floatSample, weight: 0.03},
	{name: "s24be", bytes: 3, big: true, weight: 0.03},
	{name: "s32be", bytes: 4, big: true, weight: 0.02},
	{name: "f32be", bytes: 4, kind: floatSample, big: true, weight: 0.02},
	{name: "u16le", bytes: 2, kind: unsignedSample, weight: 0.01},
	{name: "s64le", bytes: 8, weight: 0.005},
	{name: "f64be", bytes: 8, kind: floatSample, big: true, weight: 0.005},
	{name: "u16be", bytes: 2, kind: unsignedSample, big: true, weight: 0.005},
	{name: "u24le", bytes: 3, kind: unsignedSample, weight: 0.003},
	{name: "u32le", bytes: 4, kind: unsignedSample, weight: 0.003},
	{name: "u24be", bytes: 3, kind: unsignedSample, big: true, weight: 0.002},
	{name: "u32be", bytes: 4, kind: unsignedSample, big: true, weight: 0.002},
	{name: "s64be", bytes: 8, big: true, weight: 0.002},
}

// nativeFormats are names without byte order.
var nativeFormats = map[string]string{
	"s16": "s16le", "s24": "s24le", "s32": "s32le", "s64": "s64le", "u16": "u16le", "u24": "u24le", "u32": "u32le",
	"flt": "f32le", "dbl": "f64le", "f32": "f32le", "f64": "f64le", "fltp": "f32le_planar", "dblp": "f64le_planar",
	"u8p": "u8_planar", "s16p": "s16le_planar", "s32p": "s32le_planar", "s64p": "s64le_planar",
}

// findSoundFormat gives the shape of a format by its name; bytes is 0 if it is
// unknown.
func findSoundFormat(name string) soundFormat {
	name = strings.TrimPrefix(strings.ToLower(name), "pcm_")
	if n, ok := nativeFormats[name]; ok {
		name = n
	}
	base, planar := strings.CutSuffix(name, planarSuffix)
	i := slices.IndexFunc(soundFormats, func(f soundFormat) bool { return f.name == base })
	if i < 0 {
		return soundFormat{name: base, planar: planar}
	}
	f := soundFormats[i]
	f.planar = planar
	return f
}
