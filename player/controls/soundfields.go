package controls

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"planar/audio"
	"planar/demux/guess"
)

// soundFields is a guess.Sound as a person types it.
type soundFields struct {
	format   string // without planarSuffix
	planar   bool
	rate     string
	channels string
	layout   uint64 // FFmpeg's channel mask; of no meaning if it has another number of channels
	header   string // bytes; empty is none
}

// planarSuffix is behind the name of a format that has one channel after the other.
const planarSuffix = "_planar"

// What --sample-rate and --channels take, too.
const (
	minSampleRate = 1000
	maxSampleRate = 768000
	maxChannels   = 64
)

// soundFieldsOf writes s as sound reads it.
func soundFieldsOf(s guess.Sound) soundFields {
	f := soundFields{rate: numberText(int64(s.Rate)), channels: numberText(int64(s.Channels)), layout: s.Layout, header: numberText(s.Header)}
	f.format, f.planar = strings.CutSuffix(s.Format, planarSuffix)
	return f
}

// sound reads the fields. The error says in one line which of them is wrong.
func (f *soundFields) sound() (s guess.Sound, err error) {
	if f.format == "" {
		return s, errors.New("no sample format is chosen")
	}
	s.Format = f.format
	if f.planar {
		s.Format += planarSuffix
	}
	if s.Rate, err = parseSampleRate(f.rate); err != nil {
		return s, err
	}
	s.Channels, err = strconv.Atoi(strings.TrimSpace(f.channels))
	if err != nil || s.Channels < 1 || s.Channels > maxChannels {
		return s, fmt.Errorf("channels: want a number from 1 to %d", maxChannels)
	}
	if bits.OnesCount64(f.layout) == s.Channels {
		s.Layout = f.layout
	}
	s.Header, err = parseBytes("offset", f.header)
	return s, err
}

// parseSampleRate reads a sample rate: "48000", "44 100 Hz", "44.1k" or "44,1 kHz".
func parseSampleRate(s string) (int, error) {
	s = strings.ToLower(strings.Join(strings.Fields(s), ""))
	s = strings.TrimSuffix(s, "hz")
	s, thousands := strings.CutSuffix(s, "k")
	v, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
	if thousands {
		v = math.Round(v * 1000)
	}
	if err != nil || v != math.Trunc(v) || v < minSampleRate || v > maxSampleRate {
		return 0, fmt.Errorf("sample rate: want a number of Hz from %d to %d", minSampleRate, maxSampleRate)
	}
	return int(v), nil
}

// usualLayout is a way in which loudspeakers are commonly placed.
type usualLayout struct {
	name     string
	channels int
	mask     uint64 // FFmpeg's channel mask
	usual    bool   // what FFmpeg takes that number of channels for
}

// usualLayouts are FFmpeg's, under the names it has for them.
var usualLayouts = []usualLayout{
	{"Mono", 1, 0x4, true},
	{"Stereo", 2, 0x3, true},
	{"2.1", 3, 0xb, true},
	{"3.0", 3, 0x7, false},
	{"Quad", 4, 0x33, false},
	{"4.0", 4, 0x107, true},
	{"5.0", 5, 0x37, true},
	{"5.0 side", 5, 0x607, false},
	{"5.1", 6, 0x3f, true},
	{"5.1 side", 6, 0x60f, false},
	{"6.1", 7, 0x70f, true},
	{"7.1", 8, 0x63f, true},
}

// laidOut reports whether the fields say u.
func (f *soundFields) laidOut(u usualLayout) bool {
	if n, err := strconv.Atoi(strings.TrimSpace(f.channels)); err != nil || n != u.channels {
		return false
	}
	return f.layout == u.mask || u.usual && bits.OnesCount64(f.layout) != u.channels
}

// setLayout makes the fields say u.
func (f *soundFields) setLayout(u usualLayout) {
	f.channels, f.layout = strconv.Itoa(u.channels), u.mask
	if u.usual {
		f.layout = 0
	}
}

// channelsText is a number of channels, in few letters.
func channelsText(n int) string {
	switch n {
	case 1:
		return "mono"
	case 2:
		return "stereo"
	}
	return fmt.Sprintf("%d ch", n)
}

// Frames is how many whole frames the file has, and the bytes that are left over.
func (s RawSound) Frames() (whole, rest int64) {
	if s.FrameBytes <= 0 || s.Bytes < s.Header {
		return 0, max(0, s.Bytes)
	}
	return (s.Bytes - s.Header) / s.FrameBytes, (s.Bytes - s.Header) % s.FrameBytes
}

// framesLast is how long n frames of sound last at rate Hz, a century at most: files
// may have holes and be of any length.
func framesLast(n int64, rate int) time.Duration {
	const century = 100 * 366 * 24 * 3600
	if rate <= 0 {
		return 0
	}
	return audio.Format{Rate: rate}.Duration(min(n, century*int64(rate)))
}

var usualSampleRates = []string{"8000", "11025", "16000", "22050", "32000", "44100", "48000", "88200", "96000", "176400", "192000", "384000"}
