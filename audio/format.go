// Package audio describes PCM sound: its format, its place in time, and the
// arithmetic that turns what a device has consumed into what is being heard.
// It knows neither SDL nor FFmpeg.
package audio

import (
	"fmt"
	"time"
)

// SampleFormat is FFmpeg's name of a native-endian sample format, interleaved
// ("u8", "s16", "s32", "flt", "dbl") or planar ("s16p", "fltp" ...).
type SampleFormat string

// The interleaved formats that outputs take.
const (
	S16 SampleFormat = "s16"
	S32 SampleFormat = "s32"
	F32 SampleFormat = "flt"
)

// Bytes is the size of one sample, 0 if the format is unknown.
func (s SampleFormat) Bytes() int {
	switch s {
	case "u8", "u8p":
		return 1
	case "s16", "s16p":
		return 2
	case "s32", "s32p", "flt", "fltp":
		return 4
	case "s64", "s64p", "dbl", "dblp":
		return 8
	}
	return 0
}

// Planar reports whether each channel has a plane of its own.
func (s SampleFormat) Planar() bool { return len(s) > 1 && s[len(s)-1] == 'p' }

// Format is the format of a PCM stream. A "frame" of it is one sample of each
// channel.
type Format struct {
	Sample   SampleFormat
	Rate     int // Hz
	Channels int
	Layout   uint64 // FFmpeg's channel mask, 0 for the default of Channels
}

// FrameBytes is the size of one frame in bytes.
func (f Format) FrameBytes() int { return f.Sample.Bytes() * f.Channels }

// Duration is how long n frames last, rounded to the nearest nanosecond.
func (f Format) Duration(n int64) time.Duration {
	if f.Rate <= 0 {
		return 0
	}
	r := int64(f.Rate)
	return time.Duration(n/r)*time.Second + time.Duration((n%r*int64(time.Second)+r/2)/r)
}

// Frames is how many frames last d, rounded to the nearest.
func (f Format) Frames(d time.Duration) int64 {
	r := int64(f.Rate)
	s := int64(d / time.Second)
	ns := int64(d % time.Second)
	half := int64(time.Second / 2)
	if ns < 0 {
		half = -half
	}
	return s*r + (ns*r+half)/int64(time.Second)
}

func (f Format) String() string {
	return fmt.Sprintf("%s %d Hz %d ch", f.Sample, f.Rate, f.Channels)
}

// Block is a run of decoded PCM. Its planes alias memory that belongs to
// whoever made it and are valid until Release.
type Block struct {
	Format
	Frames int
	PTS    time.Duration // of the first frame
	Planes [][]byte      // one if interleaved, else one for each channel
	OnFree func()        // called once by Release, may be nil
}

// Release gives the block's memory back. It may be called on a nil block.
func (b *Block) Release() {
	if b != nil && b.OnFree != nil {
		f := b.OnFree
		b.OnFree = nil
		f()
	}
}
