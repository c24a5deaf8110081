package sdlaudio

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/veandco/go-sdl2/sdl"
)

// nap closes SDL's device while its output has been paused for long: SDL would go on
// feeding silence, which takes 2 % of a core with PulseAudio, and keep Bluetooth awake.
type nap struct {
	paused atomic.Bool

	mu    sync.Mutex
	timer *time.Timer // until the device falls asleep; nil while it plays or is closed
	ended bool
	run   sync.WaitGroup // what falls asleep or wakes up
}

// napAfter is how long a pause is before the device is closed. A test shortens it.
var napAfter = 5 * time.Second

// begin starts with a paused device.
func (n *nap) begin(d *Device) { n.pause(d, true) }

// pause notes that the output was paused or is to play.
func (n *nap) pause(d *Device, paused bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended || n.paused.Swap(paused) == paused && (n.timer != nil) == paused {
		return
	}
	if n.timer != nil {
		n.timer.Stop()
		n.timer = nil
	}
	if paused {
		n.timer = time.AfterFunc(napAfter, func() { n.settle(d) })
	} else {
		n.start(d)
	}
}

// start brings the device to where it should be, on a goroutine. mu is held.
func (n *nap) start(d *Device) { n.run.Go(d.settle) }

// settle is start for the timer.
func (n *nap) settle(d *Device) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.ended {
		n.start(d)
	}
}

// end waits for what is going on, and lets nothing begin.
func (n *nap) end() {
	n.mu.Lock()
	n.ended = true
	if n.timer != nil {
		n.timer.Stop()
	}
	n.mu.Unlock()
	n.run.Wait()
}

// settle lets the device sleep if it is paused, and wakes it if it is not.
func (d *Device) settle() {
	setUp.Lock()
	defer setUp.Unlock()
	d.mu.RLock()
	asleep, lost := d.id == 0, d.lost
	d.mu.RUnlock()
	switch paused := d.nap.paused.Load(); {
	case paused:
		d.stop()
	case asleep && !lost:
		d.wake()
	}
}

// wake opens SDL's device again. If that is not what it was, it is lost.
func (d *Device) wake() {
	period := int(d.format.Frames(d.period))
	id, got, err := openSDL(d.name, d.format, period, d.out)
	if err == nil && (int(got.Freq) != d.format.Rate || int(got.Channels) != d.format.Channels || int(got.Samples) != period) {
		sdl.CloseAudioDevice(id)
		err = errChanged
	}
	if err != nil {
		d.mu.Lock()
		d.lost = true
		d.mu.Unlock()
		return
	}
	d.start(id)
}

var errChanged = errors.New("no sound: the sound device takes another format now")
