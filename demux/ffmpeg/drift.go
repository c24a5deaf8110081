package ffmpeg

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"planar/audio"
)

// The factors Resampler.Drift takes: less than a semitone either way.
const (
	MinDrift = 0.95
	MaxDrift = 1.05
)

// Drift plays factor times faster, MinDrift to MaxDrift, from the next block on, by
// resampling: the pitch follows. 1 ends it. There is no gap and no click.
//
// From then on n frames that come out are n times factor frames that went in (times
// the speed), to within a hundredth of a frame that does not accumulate. The first
// of them is what lies Delay before the next block: some 17 frames that are inside
// already are played at the new factor too.
//
// A resampler that never drifted does nothing to the samples. One that goes back to
// 1 keeps resampling, at exactly 1, until it is drained by Convert: it stands at a
// fraction of a frame, from which there is no way back without a step.
func (r *Resampler) Drift(factor float64) error {
	if r.closed {
		return errClosed
	}
	if !(factor >= MinDrift && factor <= MaxDrift) { // nor NaN
		return fmt.Errorf("drift by %g is outside %g to %g", factor, MinDrift, MaxDrift)
	}
	if r.drift == nil {
		if factor == 1 {
			return nil
		}
		d, err := newDrift(r.ospec, r.out.FrameBytes(), r.past)
		if err != nil {
			return fmt.Errorf("sound that drifts: %w", err)
		}
		r.drift = d
	}
	r.drift.factor = factor
	return nil
}

// Delay is how much sound, as time of the input, is inside: what comes out next is
// from that long before the next block's beginning. At a speed other than 1, what
// is kept for the change of speed is not counted.
func (r *Resampler) Delay() time.Duration {
	var d time.Duration
	if r.conv.c != nil {
		d += time.Duration(r.conv.delay(int64(time.Second)))
	}
	if r.drift != nil {
		d += time.Duration(math.Round(r.drift.delay() / float64(r.drift.spec.rate) * float64(time.Second)))
	}
	return d
}

// pastFrames is how many frames a drift's filter, of 34, wants to have seen before
// it begins. It gives nothing before it has 35, and holds back 17 of them.
const pastFrames = 64

// silence is pastFrames of it.
func silence(f audio.Format) []byte {
	var zero byte
	if f.Sample == "u8" {
		zero = 0x80
	}
	return bytes.Repeat([]byte{zero}, pastFrames*f.FrameBytes())
}

// remember keeps the last pastFrames that passed.
func (r *Resampler) remember(pcm []byte) {
	pcm = pcm[max(0, len(pcm)-len(r.past)):]
	copy(r.past, r.past[len(pcm):])
	copy(r.past[len(r.past)-len(pcm):], pcm)
}

// drifted is what becomes of pcm; drain asks for what is inside as well.
func (r *Resampler) drifted(pcm []byte, drain bool) ([]byte, error) {
	d := r.drift
	if d == nil {
		r.remember(pcm)
		if drain {
			r.past = silence(r.out)
		}
		return pcm, nil
	}
	pcm, err := d.run(pcm)
	if err != nil {
		return nil, fmt.Errorf("sound that drifts: %w", err)
	}
	if !drain {
		return pcm, nil
	}
	rest, err := d.drain()
	if err != nil {
		return nil, fmt.Errorf("sound that drifts: %w", err)
	}
	pcm = append(pcm, rest...)
	d.close()
	r.drift, r.past = nil, silence(r.out)
	return pcm, r.Drift(d.factor)
}

// drift resamples interleaved PCM by a factor near 1 that may change at any time.
type drift struct {
	conv       swr
	spec       audioSpec
	frameBytes int
	factor     float64 // frames in for each frame out
	// Frames that will come first and have been played already, before there was a
	// drift.
	skip int
	// What delay would be, had the context done exactly as it was told.
	lag float64
	buf []byte
}

// newDrift makes a drift that goes on from past, which is pastFrames long.
func newDrift(a audioSpec, frameBytes int, past []byte) (*drift, error) {
	conv, err := newDriftSwr(a)
	if err != nil {
		return nil, err
	}
	d := &drift{conv: conv, spec: a, frameBytes: frameBytes, factor: 1}
	got, err := conv.push(d.room(pastFrames), pastFrames, past, pastFrames)
	if err != nil {
		d.close()
		return nil, err
	}
	d.skip = pastFrames - got
	return d, nil
}

// room is a buffer for n frames.
func (d *drift) room(n int) []byte {
	if need := n * d.frameBytes; len(d.buf) < need {
		d.buf = make([]byte, need)
	}
	return d.buf
}

// delay is how many frames of the input are inside and not yet played.
func (d *drift) delay() float64 {
	const parts = 1 << 16 // of a frame
	return float64(d.conv.delay(int64(d.spec.rate)*parts))/parts - float64(d.skip)
}

const (
	// driftDistance is for how many frames that come out a compensation is to last:
	// more than a block, as each block begins another, and enough for the finest
	// steps.
	driftDistance = 1 << 30
	// driftMend is over how many frames an error is worked off, or over a block that
	// is longer. It is below 0.002 frames but for huge blocks, so that the factor is
	// off by millionths.
	driftMend = 1024
)

// steer sets the context's ratio for n frames. It takes steps of a millionth, which
// would be 3 frames in a minute; so what the steps before have left is mended.
func (d *drift) steer(n int) error {
	mend := (d.delay() - d.lag) / float64(max(n, driftMend))
	return d.conv.compensate(int(math.Round((1-d.factor-mend)*driftDistance)), driftDistance)
}

// run sends pcm through. The result is valid until the next call.
func (d *drift) run(pcm []byte) ([]byte, error) {
	n := len(pcm) / d.frameBytes
	if n == 0 {
		return nil, nil
	}
	left := n
	if d.skip > 0 {
		// At the ratio of before, which makes it whole frames.
		got, err := d.conv.push(d.room(d.skip), d.skip, pcm, n)
		if err != nil {
			return nil, err
		}
		d.lag += float64(n)
		if d.skip, left = d.skip-got, 0; d.skip > 0 {
			return nil, nil
		}
	}
	if err := d.steer(n); err != nil {
		return nil, err
	}
	room := d.conv.bound(left)
	got, err := d.conv.push(d.room(room), room, pcm, left)
	if err != nil {
		return nil, err
	}
	d.lag += float64(left) - float64(got)*d.factor
	return d.buf[:got*d.frameBytes], nil
}

// drain returns what is inside, in memory of its own; d takes no more then.
func (d *drift) drain() ([]byte, error) {
	room := d.conv.bound(0) + pastFrames
	buf := make([]byte, room*d.frameBytes)
	got, err := d.conv.convert(buf, room, nil, 0)
	if err != nil {
		return nil, err
	}
	return buf[min(d.skip, got)*d.frameBytes : got*d.frameBytes], nil
}

func (d *drift) close() { d.conv.free() }
