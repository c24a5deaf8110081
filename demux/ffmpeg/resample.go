package ffmpeg

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/asticode/go-astiav"

	"planar/audio"
)

// ErrFormatChanged is returned by Resampler.Convert for a block whose format is
// not the one the resampler was made for; make a new one for it.
var ErrFormatChanged = errors.New("the sound's format has changed")

var errClosed = errors.New("the resampler is closed")

// The speeds NewResampler takes.
const (
	MinSpeed = 0.1
	MaxSpeed = 16.0
)

// Resampler converts blocks of one format to interleaved PCM of another, played
// faster or slower with the pitch kept (speed), or a little so with the pitch
// following (Drift). It is used from one goroutine.
type Resampler struct {
	in, out audio.Format
	ispec   audioSpec
	ospec   audioSpec

	conv   swr    // nil context: in and out agree but for planes
	drift  *drift // nil: no drift so far
	past   []byte // what a drift begins after: see pastFrames
	tempo  *tempo
	buf    []byte
	ptrs   []unsafe.Pointer
	closed bool
}

// NewResampler makes a resampler from in to out, which must be interleaved.
// speed is media time per real time, MinSpeed to MaxSpeed. At speed 1 and with
// equal formats samples pass unchanged, and uncopied if they are interleaved.
func NewResampler(in, out audio.Format, speed float64) (*Resampler, error) {
	if speed < MinSpeed || speed > MaxSpeed || speed != speed {
		return nil, fmt.Errorf("speed %g is outside %g to %g", speed, MinSpeed, MaxSpeed)
	}
	if out.Sample.Planar() {
		return nil, fmt.Errorf("sound output in planes (%s)", out.Sample)
	}
	r := &Resampler{in: in, out: out}
	var err error
	if r.ispec, err = specOf(in); err != nil {
		return nil, err
	}
	if r.ospec, err = specOf(out); err != nil {
		return nil, err
	}
	r.past = silence(out)
	if !r.passes() {
		if r.conv, err = newSwr(r.ispec, r.ospec); err != nil {
			return nil, fmt.Errorf("sound from %v to %v: %w", in, out, err)
		}
	}
	if speed != 1 {
		if r.tempo, err = newTempo(r.ospec, out.FrameBytes(), speed); err != nil {
			r.Close()
			return nil, fmt.Errorf("sound at speed %g: %w", speed, err)
		}
	}
	return r, nil
}

// passes reports whether samples need no conversion.
func (r *Resampler) passes() bool {
	return r.in.Sample == r.out.Sample && r.in.Rate == r.out.Rate && r.in.Channels == r.out.Channels &&
		(r.in.Layout == r.out.Layout || r.in.Layout == 0 || r.out.Layout == 0)
}

func specOf(f audio.Format) (audioSpec, error) {
	s, ok := sampleFormats[f.Sample]
	if !ok || f.Rate <= 0 || f.Rate > 1<<24 || f.Channels <= 0 || f.Channels > 64 {
		return audioSpec{}, fmt.Errorf("sound format %v is not supported", f)
	}
	return audioSpec{sample: s, rate: f.Rate, channels: f.Channels, mask: f.Layout}, nil
}

var sampleFormats = map[audio.SampleFormat]astiav.SampleFormat{
	"u8": astiav.SampleFormatU8, "u8p": astiav.SampleFormatU8P,
	"s16": astiav.SampleFormatS16, "s16p": astiav.SampleFormatS16P,
	"s32": astiav.SampleFormatS32, "s32p": astiav.SampleFormatS32P,
	"s64": astiav.SampleFormatS64, "s64p": astiav.SampleFormatS64P,
	"flt": astiav.SampleFormatFlt, "fltp": astiav.SampleFormatFltp,
	"dbl": astiav.SampleFormatDbl, "dblp": astiav.SampleFormatDblp,
}

// Convert returns b as interleaved PCM in the output's format, valid until the
// next call or b's release. A nil block returns what is still inside; the
// resampler can be used on afterwards. ErrFormatChanged asks for a new one.
func (r *Resampler) Convert(b *audio.Block) ([]byte, error) {
	if r.closed {
		return nil, errClosed
	}
	pcm, err := r.convert(b)
	if err != nil {
		return nil, err
	}
	if pcm, err = r.drifted(pcm, b == nil); err != nil || r.tempo == nil {
		return pcm, err
	}
	return r.tempo.run(pcm, b == nil)
}

func (r *Resampler) convert(b *audio.Block) ([]byte, error) {
	if b != nil {
		if b.Format != r.in {
			return nil, fmt.Errorf("%w: %v instead of %v", ErrFormatChanged, b.Format, r.in)
		}
		if b.Frames == 0 {
			return nil, nil
		}
		if err := checkPlanes(b); err != nil {
			return nil, err
		}
	}
	if r.conv.c == nil {
		if b == nil {
			return nil, nil
		}
		return b.Planes[0][:b.Frames*r.in.FrameBytes()], nil
	}
	n := 0
	if b != nil {
		n = b.Frames
	}
	room := r.conv.bound(n) + 64
	if need := room * r.out.FrameBytes(); len(r.buf) < need {
		r.buf = make([]byte, need)
	}
	var first *unsafe.Pointer
	if b != nil {
		var pin runtime.Pinner
		defer pin.Unpin()
		r.ptrs = r.ptrs[:0]
		for _, p := range b.Planes {
			pin.Pin(unsafe.SliceData(p))
			r.ptrs = append(r.ptrs, unsafe.Pointer(unsafe.SliceData(p)))
		}
		first = &r.ptrs[0]
	}
	got, err := r.conv.convert(r.buf, room, first, n)
	if err != nil {
		return nil, fmt.Errorf("converting sound: %w", err)
	}
	if b == nil {
		// A drained context takes no more; a new one begins afresh.
		r.conv.free()
		if r.conv, err = newSwr(r.ispec, r.ospec); err != nil {
			return nil, err
		}
	}
	return r.buf[:got*r.out.FrameBytes()], nil
}

// Late is by how much, as time of the input, what comes out is later than its number
// times the speed says. At speed 1 it is 0.
func (r *Resampler) Late() time.Duration {
	if r.tempo == nil {
		return 0
	}
	return time.Duration(r.tempo.late / float64(r.out.Rate) * float64(time.Second))
}

// checkPlanes makes sure that C reads nothing beyond a block.
func checkPlanes(b *audio.Block) error {
	want, bytes := 1, b.Frames*b.FrameBytes()
	if b.Sample.Planar() {
		want, bytes = b.Channels, b.Frames*b.Sample.Bytes()
	}
	if len(b.Planes) != want {
		return fmt.Errorf("a block of %s with %d planes", b.Format, len(b.Planes))
	}
	for _, p := range b.Planes {
		if len(p) < bytes {
			return fmt.Errorf("a block of %s is shorter than its %d frames", b.Format, b.Frames)
		}
	}
	return nil
}

// Close frees the resampler.
func (r *Resampler) Close() {
	r.closed = true
	if r.conv.c != nil {
		r.conv.free()
		r.conv.c = nil
	}
	if r.drift != nil {
		r.drift.close()
		r.drift = nil
	}
	if r.tempo != nil {
		r.tempo.close()
		r.tempo = nil
	}
}

// tempo changes the speed of interleaved PCM by filters.
type tempo struct {
	spec       audioSpec
	chain      []string
	speed      float64
	late       float64 // frames of the input by which what comes out is later than its number says
	frameBytes int
	soundGraph
	in, got   *astiav.Frame
	went, out int64 // frames that went in and came out since the filters began
	buf       []byte
}

func newTempo(a audioSpec, frameBytes int, speed float64) (*tempo, error) {
	t := &tempo{spec: a, frameBytes: frameBytes, speed: speed, in: astiav.AllocFrame(), got: astiav.AllocFrame()}
	if t.chain = stretch(speed); astiav.FindFilterByName("rubberband") != nil && speed >= 0.5 && speed <= 2 {
		t.chain = []string{"rubberband=tempo=" + decimal(speed)}
		t.late = float64(rubberWindow(a.rate)/2) * (speed - 1)
	}
	err := t.build()
	if err != nil && t.late != 0 { // Rubber Band takes fewer channels than FFmpeg
		t.chain, t.late = stretch(speed), 0
		err = t.build()
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 9, 64) }

// rubberWindow is the length of Rubber Band's window in frames. It takes half of
// one for the past before the first frame, and gives as much of it as the speed leaves,
// so that all that comes is late by the rest: measured within 3 ms for tones in silence,
// in noise and in other tones. (atempo, which every FFmpeg has, is up to 15 ms early or
// late, as the sound wants it.)
func rubberWindow(rate int) int {
	n := 1
	for n*48000 < 2048*rate {
		n *= 2
	}
	return n
}

// stretch splits a speed into factors that one atempo does well: 0.5 is the
// least it takes, and above 2 it drops samples instead of blending them.
func stretch(speed float64) (chain []string) {
	add := func(factor float64) {
		chain = append(chain, "atempo="+decimal(factor))
		speed /= factor
	}
	for speed < 0.5 {
		add(0.5)
	}
	for speed > 2 {
		add(2)
	}
	add(speed)
	return chain
}

func (t *tempo) build() error {
	layout, err := describeLayout(t.spec)
	if err != nil {
		return err
	}
	format := fmt.Sprintf("aformat=sample_fmts=%s:sample_rates=%d:channel_layouts=%s", t.spec.sample.Name(), t.spec.rate, layout)
	t.soundGraph, err = newSoundGraph(t.spec, strings.Join(append(t.chain, format), ","))
	return err
}

// run sends pcm through; drain makes the filters give everything and begin anew.
func (t *tempo) run(pcm []byte, drain bool) ([]byte, error) {
	t.buf = t.buf[:0]
	if err := t.push(pcm); err != nil {
		return nil, fmt.Errorf("changing the speed: %w", err)
	}
	if !drain {
		return t.buf, nil
	}
	// The filters keep the end of what they have got: silence pushes it out.
	end := int64(math.Round(float64(t.went) / t.speed))
	zeros := make([]byte, t.spec.rate/10*t.frameBytes)
	for n := 0; t.out < end && n < maxPushes; n++ {
		if err := t.push(zeros); err != nil {
			return nil, fmt.Errorf("changing the speed: %w", err)
		}
	}
	excess := min(int(max(0, t.out-end))*t.frameBytes, len(t.buf))
	t.free() // drained filters take no more
	t.went, t.out = 0, 0
	return t.buf[:len(t.buf)-excess], nil
}

// maxPushes is how much silence, in tenths of a second, is pushed through at most: no
// filter keeps more at the highest speed.
const maxPushes = 50

// push sends pcm into the filters and adds what comes out to buf.
func (t *tempo) push(pcm []byte) error {
	if t.graph == nil {
		if err := t.build(); err != nil {
			return err
		}
	}
	if n := len(pcm) / t.frameBytes; n > 0 {
		if err := fillAudioFrame(t.in, t.spec, pcm, n, t.went); err != nil {
			return err
		}
		t.went += int64(n)
		if err := t.src.BuffersrcAddFrame(t.in, 0); err != nil {
			return err
		}
	}
	for {
		err := t.sink.BuffersinkGetFrame(t.got, 0)
		if errors.Is(err, astiav.ErrEagain) || errors.Is(err, astiav.ErrEof) {
			return nil
		}
		if err != nil {
			return err
		}
		var o soundInfo
		if err := soundInfoOf(t.got, &o); err != nil {
			return err
		}
		t.buf = append(t.buf, soundPlane(&o, 0)...)
		t.out += int64(o.samples)
		t.got.Unref()
	}
}

func (t *tempo) close() {
	t.free()
	t.in.Free()
	t.got.Free()
}
