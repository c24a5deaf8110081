// Package null simulates a sound device without one: it consumes what is written
// in periods, in real time. It is what --ao null plays on, what file outputs are built
// on, and, with its latency, bursts and stalls, how tests see what a bad device does.
package null

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"planar/audio"
)

// Options says how the device behaves. The zero value is a good one.
type Options struct {
	Period  int           // frames of a hand-over, 0 for audio.PeriodFrames
	Latency time.Duration // from a hand-over until its first frame is heard
	Burst   int           // hand-overs that come at once, less than 2 for an even device
	Drift   float64       // by how much of itself its clock is too fast: 100e-6 is 100 ppm
	Unpaced bool          // consume in Write, at once, instead of in real time

	// Consume receives the sound as it is handed over, with the volume applied
	// and without the silence of a starved device. It is called by one goroutine at
	// a time, may change pcm and must not keep it. An error stops the device; Write and Close
	// return it.
	Consume func(pcm []byte) error
}

var errClosed = errors.New("sound output: already closed")

// late is how many periods the device may lag behind its time, because the
// machine is busy, and still catch up. Beyond that it has lost the time, as a
// sound card would have.
const late = 4

// Device is a simulated output. Write, End, Flush and Close are called from one
// goroutine, the others from any.
type Device struct {
	format   audio.Format
	opt      Options
	capacity int // frames
	wake     chan struct{}
	done     chan struct{}

	consuming sync.Mutex // held while Consume runs; locked before mu
	block     []byte     // what is being consumed, of one period

	mu                sync.Mutex
	queue             []byte // a ring of capacity frames
	start, fill       int    // bytes
	paused, closed    bool
	ended             bool
	err               error // of Consume
	handed, underruns int64 // frames, times
	last              int   // frames
	running, starved  bool
	when              time.Time // of the latest hand-over of sound
	frozen            time.Time // when the position stopped, zero if it runs
	due               time.Time // of the next hand-over
	gain, applied     float64
}

// Open returns a paused device that takes the output format nearest to want.
func Open(want audio.Format, opt Options) (*Device, error) {
	if want.Rate <= 0 || want.Channels <= 0 {
		return nil, fmt.Errorf("sound output: cannot play %v", want)
	}
	f := want
	f.Sample = want.Sample.Output()
	if opt.Period <= 0 {
		opt.Period = audio.PeriodFrames(f.Rate)
	}
	opt.Burst = max(opt.Burst, 1)
	capacity := audio.QueueFrames(f.Rate, opt.Period*opt.Burst)
	d := &Device{
		format:   f,
		opt:      opt,
		capacity: capacity,
		wake:     make(chan struct{}, 1), // one is enough: the loop looks at everything
		done:     make(chan struct{}),
		block:    make([]byte, opt.Period*f.FrameBytes()),
		queue:    make([]byte, capacity*f.FrameBytes()),
		paused:   true,
		gain:     1,
		applied:  1,
	}
	if opt.Unpaced {
		close(d.done)
	} else {
		go d.run()
	}
	return d, nil
}

// run is the device's goroutine. It ends with Close.
func (d *Device) run() {
	defer close(d.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		d.mu.Lock()
		closed, idle, wait := d.closed, d.paused, time.Until(d.due)
		d.mu.Unlock()
		switch {
		case closed:
			return
		case idle:
			<-d.wake
		case wait > 0:
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-d.wake:
			}
		default:
			d.turn()
		}
	}
}

// turn hands over a burst of periods and sets the time of the next.
func (d *Device) turn() {
	period := d.period()
	d.mu.Lock()
	if now := time.Now(); now.Sub(d.due) > late*period*time.Duration(d.opt.Burst) {
		d.due = now
	}
	at := d.due
	d.mu.Unlock()
	for range d.opt.Burst {
		d.handOver(at)
	}
	d.mu.Lock()
	turn := d.format.Duration(int64(d.opt.Period * d.opt.Burst))
	d.due = d.due.Add(time.Duration(float64(turn) / (1 + d.opt.Drift)))
	d.mu.Unlock()
}

// handOver consumes up to one period and tells how much.
func (d *Device) handOver(at time.Time) int {
	d.consuming.Lock()
	defer d.consuming.Unlock()
	d.mu.Lock()
	if d.paused || d.closed {
		d.mu.Unlock()
		return 0
	}
	block := d.block[:min(d.fill, len(d.block))]
	n := copy(block, d.queue[d.start:])
	copy(block[n:], d.queue)
	d.start = (d.start + len(block)) % len(d.queue)
	d.fill -= len(block)
	from, to := d.applied, d.gain
	if !d.running {
		from = to
	}
	d.applied = to
	frames := len(block) / d.format.FrameBytes()
	d.account(frames, at)
	failed := d.err != nil
	d.mu.Unlock()

	audio.ApplyGain(block, d.format, from, to)
	if frames > 0 && !failed && d.opt.Consume != nil {
		if err := d.opt.Consume(block); err != nil {
			d.mu.Lock()
			d.err = err
			d.mu.Unlock()
		}
	}
	return frames
}

// account records a hand-over. Silence before the first sound, and after the
// first silence of a starvation, hands over nothing. mu is held.
func (d *Device) account(frames int, at time.Time) {
	if frames == 0 && (!d.running || d.starved) {
		return
	}
	starved := frames < d.opt.Period && !d.opt.Unpaced
	if starved && !d.starved && !d.ended {
		d.underruns++
	}
	d.handed += int64(frames)
	d.last = frames
	if d.opt.Unpaced {
		d.last = 0 // consumed is heard
	}
	d.when, d.frozen = at, time.Time{}
	d.running, d.starved = true, starved
}

// drain consumes everything that is queued, for an unpaced device.
func (d *Device) drain() {
	for d.handOver(time.Now()) > 0 {
	}
}

func (d *Device) period() time.Duration { return d.format.Duration(int64(d.opt.Period)) }

// Format is what Write takes.
func (d *Device) Format() audio.Format { return d.format }

// Write queues as many whole frames as there is room for and returns their
// number. On an unpaced device that is not paused there is always room.
func (d *Device) Write(pcm []byte) (frames int, err error) {
	size := d.format.FrameBytes()
	pcm = pcm[:len(pcm)/size*size]
	for {
		n, more, err := d.queueUp(pcm)
		frames += n / size
		pcm = pcm[n:]
		if err != nil || !more {
			return frames, err
		}
		d.drain()
	}
}

// queueUp takes what there is room for; more says that the queue should be
// drained and the rest be tried.
func (d *Device) queueUp(pcm []byte) (n int, more bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return 0, false, errClosed
	case d.err != nil:
		return 0, false, d.err
	}
	pcm = pcm[:min(len(pcm), len(d.queue)-d.fill)]
	end := (d.start + d.fill) % len(d.queue)
	n = copy(d.queue[end:], pcm)
	copy(d.queue, pcm[n:])
	d.fill += len(pcm)
	if len(pcm) > 0 {
		d.ended = false
	}
	return len(pcm), d.opt.Unpaced && !d.paused && d.fill > 0, nil
}

// End says that nothing more will be written for now: running out of what is
// queued is no underrun. The next Write takes it back.
func (d *Device) End() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
}

// Capacity is the size of the queue in frames.
func (d *Device) Capacity() int { return d.capacity }

// Queued is how many frames are waiting to be handed over.
func (d *Device) Queued() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fill / d.format.FrameBytes()
}

// Position tells how far the device has come. It stands still while the device
// is paused.
func (d *Device) Position() audio.Position {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := audio.Position{
		Handed:  d.handed,
		Last:    d.last,
		Period:  d.period(),
		Latency: d.opt.Latency,
		Running: d.running,
		Starved: d.starved,
	}
	switch {
	case d.handed == 0:
	case d.frozen.IsZero():
		p.Age = time.Since(d.when)
	default:
		p.Age = d.frozen.Sub(d.when)
	}
	return p
}

// stop begins a new run of sound: nothing is heard of it until the next
// hand-over. mu is held.
func (d *Device) stop() {
	if d.frozen.IsZero() {
		d.frozen = time.Now()
	}
	d.running, d.starved = false, false
}

// Flush throws away what is queued.
func (d *Device) Flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.start, d.fill = 0, 0
	d.ended = false
	d.stop()
}

// Pause stops and resumes the device.
func (d *Device) Pause(paused bool) {
	d.mu.Lock()
	switch {
	case paused == d.paused:
	case paused:
		if d.frozen.IsZero() {
			d.frozen = time.Now()
		}
	default:
		d.stop()
		d.due = time.Now()
	}
	d.paused = paused
	d.mu.Unlock()
	d.poke()
	if d.opt.Unpaced && !paused {
		d.drain()
	}
}

// Stall makes the device do nothing for a while, as if its driver hung.
func (d *Device) Stall(t time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.due = d.due.Add(t)
}

// SetVolume sets the gain, 0 to 1.
func (d *Device) SetVolume(gain float64) {
	if math.IsNaN(gain) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gain = min(max(gain, 0), 1)
}

// Underruns counts the times the device ran out of sound before End.
func (d *Device) Underruns() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.underruns
}

// Close ends the device; what is queued is not consumed. It returns the error of
// Consume, if there was one, and may be called again.
func (d *Device) Close() error {
	d.mu.Lock()
	if !d.closed {
		d.closed = true
		if d.frozen.IsZero() {
			d.frozen = time.Now()
		}
	}
	d.mu.Unlock()
	d.poke()
	<-d.done
	d.consuming.Lock() // an unpaced device consumes on others' goroutines
	defer d.consuming.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

func (d *Device) poke() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}
