package ffmpeg

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"planar/audio"
)

// PCMFormat is a way in which the samples of headerless sound are stored.
type PCMFormat struct {
	Name   string             // as FFmpeg's demuxers have it, such as "s16le" or "mulaw"; with "_planar" behind it if Planar
	Codec  string             // the decoder's name for interleaved samples
	Bytes  int                // of one sample in the file
	Native audio.SampleFormat // that it decodes to
	Planar bool               // one channel after the other
}

const planarSuffix = "_planar"

// FindPCMFormat looks a sample format up by FFmpeg's name of its demuxer ("s16le"),
// decoder ("pcm_s16le_planar") or sample format ("s16", "fltp"), or by a common one, in
// either case. A name without a byte order means little-endian.
func FindPCMFormat(name string) (PCMFormat, error) {
	n := strings.TrimPrefix(strings.ToLower(name), "pcm_")
	n, planar := strings.CutSuffix(n, planarSuffix)
	if short, ok := strings.CutSuffix(n, "p"); ok && !planar {
		n, planar = short, true
	}
	if a, ok := pcmAliases[n]; ok {
		n = a
	}
	for _, n := range []string{n, n + "le"} {
		i := slices.IndexFunc(pcmFormats, func(f PCMFormat) bool { return f.Name == n })
		if i < 0 {
			continue
		}
		f := pcmFormats[i]
		f.Codec = "pcm_" + f.Name
		if f.Planar = planar; planar {
			f.Name += planarSuffix
		}
		return f, nil
	}
	return PCMFormat{}, fmt.Errorf("unknown sample format %q: give u8, s16le, s24be, f32le, alaw, mulaw or another of FFmpeg's names (ffmpeg -formats), with _planar behind it for one channel after the other", name)
}

// PCMFormatNames lists what FindPCMFormat knows by its proper name, the usual ones
// first. The caller owns the list.
func PCMFormatNames() []string {
	var names, planar []string
	for _, f := range pcmFormats {
		names, planar = append(names, f.Name), append(planar, f.Name+planarSuffix)
	}
	return append(names, planar...)
}

// pcmAliases are the names of samples that FFmpeg's demuxers call otherwise. Every
// machine planar is built for is little-endian.
var pcmAliases = map[string]string{"flt": "f32le", "dbl": "f64le", "float": "f32le", "double": "f64le", "ulaw": "mulaw"}

// pcmFormats are all interleaved formats; Codec follows from Name.
var pcmFormats = []PCMFormat{
	{Name: "s16le", Bytes: 2, Native: "s16"},
	{Name: "s24le", Bytes: 3, Native: "s32"},
	{Name: "s32le", Bytes: 4, Native: "s32"},
	{Name: "f32le", Bytes: 4, Native: "flt"},
	{Name: "u8", Bytes: 1, Native: "u8"},
	{Name: "s8", Bytes: 1, Native: "u8"},
	{Name: "mulaw", Bytes: 1, Native: "s16"},
	{Name: "alaw", Bytes: 1, Native: "s16"},
	{Name: "s16be", Bytes: 2, Native: "s16"},
	{Name: "s24be", Bytes: 3, Native: "s32"},
	{Name: "s32be", Bytes: 4, Native: "s32"},
	{Name: "f32be", Bytes: 4, Native: "flt"},
	{Name: "f64le", Bytes: 8, Native: "dbl"},
	{Name: "f64be", Bytes: 8, Native: "dbl"},
	{Name: "s64le", Bytes: 8, Native: "s64"},
	{Name: "s64be", Bytes: 8, Native: "s64"},
	{Name: "u16le", Bytes: 2, Native: "s16"},
	{Name: "u16be", Bytes: 2, Native: "s16"},
	{Name: "u24le", Bytes: 3, Native: "s32"},
	{Name: "u24be", Bytes: 3, Native: "s32"},
	{Name: "u32le", Bytes: 4, Native: "s32"},
	{Name: "u32be", Bytes: 4, Native: "s32"},
}

// MaxChannels is how many channels raw sound may have: as many as swresample takes.
const MaxChannels = 64

// ParseChannels reads a number of channels from 1 to MaxChannels, or FFmpeg's name of a
// layout ("mono", "5.1", "quad", "FL+FR+LFE"), whose mask it returns too. A bare number
// has the mask 0.
func ParseChannels(s string) (n int, mask uint64, err error) {
	n, err = strconv.Atoi(s)
	if err != nil && len(s) <= 256 && !strings.Contains(s, "\x00") { // which FFmpeg would not see
		n, mask, err = parseLayout(s)
	}
	if err != nil || n < 1 || n > MaxChannels {
		return 0, 0, fmt.Errorf("channels %q: want a number from 1 to %d, or FFmpeg's name of a layout such as mono, stereo, quad, 5.1, 7.1", s, MaxChannels)
	}
	return n, mask, nil
}
