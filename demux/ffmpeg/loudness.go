package ffmpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
	"unsafe"

	"github.com/asticode/go-astiav"

	"planar/audio"
)

// Loudness measures sound of one format by EBU R 128. Loudness comes from FFmpeg's
// filter ebur128: BS.1770-4's weights for the channels of a layout (LFE does not
// count), gates at -70 LUFS and 10 LU below. Mono counts as one channel, 3 LU less than
// the same from two. Peaks are its own, because the filter tells them in thousandths of
// full scale. It is used from one goroutine.
type Loudness struct {
	conv    *Resampler   // to pcm
	pcm     audio.Format // the same sound as interleaved floats
	spec    audioSpec    // of pcm
	samples []float32    // of a piece

	graph soundGraph // none: it does not take the format
	frame *astiav.Frame
	pts   int64

	up      swr // nil context: the samples are close enough as they are
	between []float32

	frames       int64
	ranged       int     // short-term values above the gate
	sample, fine float32 // peaks; 1 is full scale
	report       audio.Loudness
}

// What the filter gets. Below, its filters for lower rates would be far off; above, it
// would keep the latest 3.4 s as more than 84 MB of doubles.
const (
	minLoudnessRate    = 8000
	maxLoudnessSamples = 64 * 48000 // a second
)

// gate is the absolute gate of BS.1770-4, in LUFS.
const gate = -70

// minRanged is from how many short-term values on the filter's range is one: of fewer,
// a tenth is rounded to none, and it takes the gate for the lowest.
const minRanged = 5

// loudnessPiece is how many frames are measured at once, so that what lies between is
// bounded: 4 MB of 64 channels.
const loudnessPiece = 4096

// NewLoudness makes a meter for blocks of a format. Of a format that has no loudness,
// such as 32 channels that nobody knows the places of, it measures peaks alone. The
// caller closes it.
func NewLoudness(f audio.Format) (*Loudness, error) {
	l := &Loudness{pcm: f, report: audio.NoLoudness()}
	l.pcm.Sample = audio.F32
	var err error
	if l.spec, err = specOf(l.pcm); err != nil {
		return nil, err
	}
	if l.conv, err = NewResampler(f, l.pcm, 1); err != nil {
		return nil, err
	}
	// BS.1770-4 Annex 2: four times as many samples at 48 kHz, twice as many at 96.
	if factor := oversampling(f.Rate); factor > 1 {
		raised := l.spec
		raised.rate *= factor
		if l.up, err = newSwr(l.spec, raised); err != nil {
			l.Close()
			return nil, fmt.Errorf("oversampling: %w", err)
		}
	}
	if l.frame = astiav.AllocFrame(); l.frame == nil {
		l.Close()
		return nil, errors.New("not enough memory")
	}
	if f.Rate >= minLoudnessRate && f.Rate*f.Channels <= maxLoudnessSamples {
		// The level is trace's: each tenth of a second would be a line of the log.
		l.graph, _ = newSoundGraph(l.spec, "ebur128=metadata=1:framelog=56")
	}
	return l, nil
}

// oversampling is by how much a rate is to be raised for true peaks.
func oversampling(rate int) int {
	switch {
	case rate < 88200:
		return 4
	case rate < 176400:
		return 2
	}
	return 1
}

// Feed measures a block, which it does not keep. Samples that are no numbers count as
// silence. ErrFormatChanged asks for a new meter.
func (l *Loudness) Feed(b *audio.Block) error {
	pcm, err := l.conv.Convert(b)
	if err != nil {
		return err
	}
	size := loudnessPiece * l.pcm.FrameBytes()
	for len(pcm) > 0 {
		n := min(len(pcm), size)
		if err := l.measure(pcm[:n]); err != nil {
			return fmt.Errorf("measuring loudness: %w", err)
		}
		pcm = pcm[n:]
	}
	return nil
}

// measure measures up to loudnessPiece frames of interleaved floats.
func (l *Loudness) measure(pcm []byte) error {
	l.take(pcm)
	n := len(l.samples) / l.pcm.Channels
	l.frames += int64(n)
	if err := l.peakBetween(n); err != nil || l.graph.graph == nil {
		return err
	}
	if err := fillAudioFrame(l.frame, l.spec, floatBytes(l.samples), n, l.pts); err != nil {
		return err
	}
	l.pts += int64(n)
	if err := l.graph.src.BuffersrcAddFrame(l.frame, 0); err != nil {
		return err
	}
	for {
		err := l.graph.sink.BuffersinkGetFrame(l.frame, 0)
		if errors.Is(err, astiav.ErrEagain) || errors.Is(err, astiav.ErrEof) {
			return nil
		}
		if err != nil {
			return err
		}
		l.read()
		l.frame.Unref()
	}
}

// take copies samples, to where they may be read as such and written, and notes their
// peak.
func (l *Loudness) take(pcm []byte) {
	n := len(pcm) / 4
	if cap(l.samples) < n {
		l.samples = make([]float32, n)
	}
	l.samples = l.samples[:n]
	top := l.sample
	for i := range l.samples {
		v := math.Float32frombits(binary.NativeEndian.Uint32(pcm[4*i:]))
		a := abs32(v)
		if !(a <= math.MaxFloat32) {
			v, a = 0, 0 // one would stay in the filters for ever
		}
		l.samples[i] = v
		if a > top {
			top = a
		}
	}
	l.sample = top
}

// peakBetween notes the peak between n frames of samples. Those of the resampler's
// latest millisecond come with the next.
func (l *Loudness) peakBetween(n int) error {
	if l.up.c == nil {
		return nil
	}
	room := l.up.bound(n) + 64
	if need := room * l.pcm.Channels; len(l.between) < need {
		l.between = make([]float32, need)
	}
	got, err := l.up.push(floatBytes(l.between), room, floatBytes(l.samples), n)
	if err != nil {
		return err
	}
	top := l.fine
	for _, v := range l.between[:got*l.pcm.Channels] {
		if a := abs32(v); a > top {
			top = a
		}
	}
	l.fine = top
	return nil
}

func abs32(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }

// floatBytes is the memory of samples.
func floatBytes(s []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s))
}

// read takes the figures over that the filter has written to a frame, one for each
// tenth of a second. Before a window is full it takes what is missing for silence, and
// an integrated loudness of nothing it tells as the gate.
func (l *Loudness) read() {
	r := &l.report
	r.Momentary = l.window("lavfi.r128.M", 400*time.Millisecond)
	r.ShortTerm = l.window("lavfi.r128.S", 3*time.Second)
	if r.Integrated = frameNumber(l.frame, "lavfi.r128.I"); r.Integrated <= gate {
		r.Integrated = math.NaN()
	}
	if r.ShortTerm >= gate {
		l.ranged++
	}
	if r.Range = frameNumber(l.frame, "lavfi.r128.LRA"); l.ranged < minRanged {
		r.Range = math.NaN()
	}
}

// window is the loudness of the latest sound of a length.
func (l *Loudness) window(key string, length time.Duration) float64 {
	const silent = -120 // the filter's least power is 1e-12, -120.7 LUFS
	v := frameNumber(l.frame, key)
	switch {
	case l.pts < l.pcm.Frames(length):
		return math.NaN()
	case v <= silent:
		return math.Inf(-1)
	}
	return v
}

// Report tells what has been measured so far.
func (l *Loudness) Report() audio.Loudness {
	r := l.report
	r.Measured = l.pcm.Duration(l.frames)
	if r.Measured > 0 {
		r.SamplePeak = 20 * math.Log10(float64(l.sample))
		r.TruePeak = 20 * math.Log10(float64(max(l.fine, l.sample)))
	}
	return r
}

// Close frees the meter.
func (l *Loudness) Close() {
	l.conv.Close()
	l.graph.free()
	if l.up.c != nil {
		l.up.free()
		l.up.c = nil
	}
	if l.frame != nil {
		l.frame.Free()
		l.frame = nil
	}
}
