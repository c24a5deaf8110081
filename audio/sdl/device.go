// Package sdlaudio plays PCM on a sound device. It is the only package
// that touches SDL's audio.
//
// Go runs on no audio thread: the callback is C (output.c) and reads a ring that
// Write fills. A callback in Go would wait for the scheduler and the garbage
// collector, 30 to 70 ms at worst, and nobody would be told.
package sdlaudio

// #cgo pkg-config: sdl2
// #cgo LDFLAGS: -lm
// #include "output.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
	"unsafe"

	"github.com/veandco/go-sdl2/sdl"

	"planar/audio"
)

// allowSamplesChange is SDL_AUDIO_ALLOW_SAMPLES_CHANGE, which go-sdl2 lacks. It
// lets the callback have the device's own period; otherwise SDL would put a queue
// of its own between the two, whose delay nobody knows.
const allowSamplesChange = 8

var errClosed = errors.New("sound output: already closed")

// Device is an open sound device. Write, End, Flush and Close are called from one
// goroutine, the others from any.
type Device struct {
	format   audio.Format
	capacity int // frames
	period   time.Duration
	latency  time.Duration // by rule, until it has been measured
	offset   offset        // as measured
	name     string        // as OpenDevice got it
	driver   string

	// mu guards what follows against Close and sleep; all others only read it.
	mu   sync.RWMutex
	out  *C.planar_out     // nil once closed
	id   sdl.AudioDeviceID // 0 while it sleeps
	lost bool              // it did not wake up again
	end  audio.Position
	ran  int64 // underruns when it was closed

	stopMeasuring func() // and waits for the end of it; guarded by setUp

	nap nap
}

// Open is OpenDevice with the default device.
func Open(want audio.Format) (*Device, error) { return OpenDevice("", want) }

// OpenDevice opens a device by a name that Devices has listed, the default one for
// "", with a format near want, which Format then tells: converting to it is the caller's
// task, SDL converts nothing but what the device cannot take at all. The device is paused.
// OpenDevice sets up a part of SDL that is shared with video, so the two must not be
// set up at the same time.
func OpenDevice(name string, want audio.Format) (*Device, error) {
	f := request(want)
	if f.Rate <= 0 || f.Channels <= 0 {
		return nil, fmt.Errorf("sound output: cannot play %v", want)
	}
	setUp.Lock()
	defer setUp.Unlock()
	if err := begin(); err != nil {
		return nil, err
	}
	d, err := open(name, f)
	if err != nil {
		sdl.QuitSubSystem(sdl.INIT_AUDIO)
		return nil, err
	}
	return d, nil
}

// maxDevices bounds what Devices lists; nobody chooses from more.
const maxDevices = 256

// Devices lists the names of the devices that sound can be played on, such as
// OpenDevice takes. It may take tens of milliseconds, where it has to connect to the sound
// server, and may be called from any goroutine, under OpenDevice's condition. Sound systems
// that have nothing to choose from list one name or none.
func Devices() ([]string, error) {
	setUp.Lock()
	defer setUp.Unlock()
	if err := begin(); err != nil {
		return nil, err
	}
	defer sdl.QuitSubSystem(sdl.INIT_AUDIO)
	var names []string
	for i := range min(sdl.GetNumAudioDevices(false), maxDevices) {
		if name := sdl.GetAudioDeviceName(i, false); name != "" {
			names = append(names, name)
		}
	}
	return names, nil
}

// setUp is held while SDL's audio is set up, taken down, or asked for its devices:
// it does not guard that itself.
var setUp sync.Mutex

// begin sets up SDL's audio, which QuitSubSystem takes down. setUp is held.
func begin() error {
	sdl.SetHint(sdl.HINT_NO_SIGNAL_HANDLERS, "1") // signals are the program's
	for _, h := range []string{sdl.HINT_APP_NAME, sdl.HINT_AUDIO_DEVICE_APP_NAME, sdl.HINT_AUDIO_DEVICE_STREAM_NAME} {
		sdl.SetHintWithPriority(h, ourName, sdl.HINT_DEFAULT) // a name set by the user wins
	}
	sdl.SetHintWithPriority(sdl.HINT_AUDIO_DEVICE_STREAM_ROLE, "video", sdl.HINT_DEFAULT)
	C.planar_quiet_alsa()
	if err := sdl.InitSubSystem(sdl.INIT_AUDIO); err != nil {
		return fmt.Errorf("no sound: there is no usable sound system (%w)", err)
	}
	return nil
}

func open(name string, f audio.Format) (*Device, error) {
	out := C.planar_out_new()
	if out == nil {
		return nil, errNoMemory
	}
	id, got, err := openSDL(name, f, audio.PeriodFrames(f.Rate), out)
	if err != nil {
		C.planar_out_free(out)
		return nil, err
	}
	if int(got.Channels) != f.Channels {
		f.Channels = int(got.Channels)
		f.Layout = layout(f.Channels)
	}
	f.Rate = int(got.Freq)
	period := int(got.Samples)
	capacity := audio.QueueFrames(f.Rate, period)
	if C.planar_out_setup(out, C.uint32_t(capacity), C.double(float64(period)/float64(f.Rate)*1e9),
		C.int(f.Channels), formats[f.Sample].c) == 0 {
		sdl.CloseAudioDevice(id)
		C.planar_out_free(out)
		return nil, errNoMemory
	}
	driver := sdl.GetCurrentAudioDriver()
	d := &Device{
		format:   f,
		capacity: capacity,
		period:   f.Duration(int64(period)),
		latency:  latency(driver, period, f.Rate),
		name:     name,
		driver:   driver,
		out:      out,
	}
	d.start(id)
	d.nap.begin(d)
	return d, nil
}

var errNoMemory = errors.New("no sound: out of memory")

// openSDL opens SDL's device for an output, which is not called yet.
func openSDL(name string, f audio.Format, period int, out *C.planar_out) (id sdl.AudioDeviceID, got sdl.AudioSpec, err error) {
	want := sdl.AudioSpec{
		Freq:     int32(f.Rate),
		Format:   formats[f.Sample].sdl,
		Channels: uint8(f.Channels),
		Samples:  uint16(period),
		Callback: sdl.AudioCallback(C.planar_out_callback),
		UserData: unsafe.Pointer(out),
	}
	id, err = sdl.OpenAudioDevice(name, false, &want, &got,
		sdl.AUDIO_ALLOW_FREQUENCY_CHANGE|sdl.AUDIO_ALLOW_CHANNELS_CHANGE|allowSamplesChange)
	if err != nil {
		device := "the sound device"
		if name != "" {
			device = fmt.Sprintf("the sound device %q", name)
		}
		err = fmt.Errorf("no sound: %s cannot be opened (%s: %w)", device, sdl.GetCurrentAudioDriver(), err)
	}
	return id, got, err
}

// start has SDL's device call back, and its latency measured where that is possible.
func (d *Device) start(id sdl.AudioDeviceID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.id = id
	d.offset.reset()
	d.offset.request = d.period / 4 // as PulseAudio does with the buffer that SDL asks for
	C.planar_out_attach(d.out, C.SDL_AudioDeviceID(id))
	sdl.PauseAudioDevice(id, false) // into the output's own pause: see planar_out_pause
	if d.driver != "pulseaudio" {
		d.stopMeasuring = func() {}
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	out := d.out // lives at least as long as this goroutine
	done.Go(func() {
		// Without an answer the rule goes on to count.
		_ = measurePulse(ctx, stream{
			feed:   func() feed { return fed(out) },
			paused: d.nap.paused.Load,
			rate:   d.format.Rate, period: d.period, offset: &d.offset,
		})
	})
	d.stopMeasuring = func() { cancel(); done.Wait() }
}

func fed(out *C.planar_out) feed {
	f := C.planar_out_feed(out)
	return feed{int64(f.calls), int64(f.total), int64(f.last), time.Duration(f.when), time.Duration(C.planar_out_now())}
}

// stop closes SDL's device, if there is one. The output is used on by others meanwhile:
// closing takes tens of milliseconds.
func (d *Device) stop() {
	d.mu.Lock()
	id := d.id
	d.id = 0
	if id != 0 {
		C.planar_out_attach(d.out, 0)
	}
	d.mu.Unlock()
	if id != 0 {
		d.stopMeasuring()
		sdl.CloseAudioDevice(id) // waits for the audio thread
	}
}

// formats are SDL's and our C code's names of what outputs take.
var formats = map[audio.SampleFormat]struct {
	sdl sdl.AudioFormat
	c   C.int
}{
	audio.S16: {sdl.AUDIO_S16SYS, C.PLANAR_S16},
	audio.S32: {sdl.AUDIO_S32SYS, C.PLANAR_S32},
	audio.F32: {sdl.AUDIO_F32SYS, C.PLANAR_F32},
}

// FFmpeg's masks of the channel orders below.
const (
	mono     = 0x4
	stereo   = 0x3
	quad     = 0x33
	back51   = 0x3f
	side51   = 0x60f
	surround = 0x63f // 7.1
)

// request turns what is wanted into what SDL is asked for. SDL knows a number of
// channels but no layout, and its drivers agree about the order only for mono,
// stereo and 5.1 (PulseAudio's takes 8 channels for 7.1 with front centres, and
// refuses 5 and 7). So a known layout is mapped to one of these; channels without a
// layout are taken as they are, so that they stay untouched.
func request(want audio.Format) audio.Format {
	f := want
	f.Sample = want.Sample.Output()
	switch n := want.Channels; {
	case want.Layout == 0 && (n == 1 || n == 2 || n == 4 || n == 6 || n == 8):
	case n == 1:
		f.Layout = mono
	case n == 2:
		f.Layout = stereo
	case n == 6 && want.Layout == side51: // same order
	case n > 2:
		f.Channels, f.Layout = 6, back51
	}
	return f
}

// layout is the channel layout of a device that insists on n channels, 0 where
// FFmpeg's default is the same or nothing is known.
func layout(n int) uint64 {
	switch n {
	case 1:
		return mono
	case 2:
		return stereo
	case 4:
		return quad
	case 6:
		return back51
	case 8:
		return surround
	}
	return 0
}

// Format is what Write takes.
func (d *Device) Format() audio.Format { return d.format }

// Driver is SDL's name of the sound system in use, such as "pulseaudio".
func (d *Device) Driver() string { return d.driver }

// Write copies as many whole frames into the queue as there is room for and
// returns their number.
func (d *Device) Write(pcm []byte) (frames int, err error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.out == nil {
		return 0, errClosed
	}
	frames = len(pcm) / d.format.FrameBytes()
	if frames == 0 {
		return 0, nil
	}
	return int(C.planar_out_write(d.out, unsafe.Pointer(&pcm[0]), C.uint32_t(min(frames, d.capacity)))), nil
}

// End says that nothing more will be written for now: running out of what is
// queued is no underrun. The next Write takes it back.
func (d *Device) End() { d.use(func(o *C.planar_out) { C.planar_out_end(o) }) }

// Capacity is the size of the queue in frames.
func (d *Device) Capacity() int { return d.capacity }

// Queued is how many frames are waiting to be handed to SDL.
func (d *Device) Queued() (frames int) {
	d.use(func(o *C.planar_out) { frames = int(C.planar_out_queued(o)) })
	return frames
}

// Position tells how far the device has come. It stands still while the device
// is paused.
func (d *Device) Position() audio.Position {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.out == nil {
		return d.end
	}
	return d.position()
}

func (d *Device) position() audio.Position {
	p := C.planar_out_position(d.out)
	latency := d.latency
	if first, ok := d.offset.get(); ok && p.running != 0 { // what is older is of another stream, perhaps
		at := time.Duration(float64(p.at) / float64(d.format.Rate) * float64(time.Second))
		if l := first + at - time.Duration(p.when); l > -d.period && l < maxMeasured {
			latency = l
		}
	}
	return audio.Position{
		Handed:  int64(p.handed),
		Last:    int(p.last),
		Age:     time.Duration(p.age),
		Period:  d.period,
		Latency: latency,
		Running: p.running != 0,
		Starved: p.starved != 0,
	}
}

// maxMeasured is more latency than any device has.
const maxMeasured = 10 * time.Second

// Flush throws away what is queued.
func (d *Device) Flush() { d.use(func(o *C.planar_out) { C.planar_out_flush(o) }) }

// Pause stops and resumes the device. In a long pause it sleeps, and takes some tens of
// milliseconds to sound again.
func (d *Device) Pause(paused bool) {
	d.use(func(o *C.planar_out) { C.planar_out_pause(o, C.int(sdl.Btoi(paused))) })
	d.nap.pause(d, paused)
}

// SetVolume sets the gain, 0 to 1.
func (d *Device) SetVolume(gain float64) {
	if math.IsNaN(gain) {
		return
	}
	gain = min(max(gain, 0), 1)
	d.use(func(o *C.planar_out) { C.planar_out_set_gain(o, C.float(gain)) })
}

// Underruns counts the times the device ran out of sound before End.
func (d *Device) Underruns() int64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.out == nil {
		return d.ran
	}
	return int64(C.planar_out_underruns(d.out))
}

// use runs f unless the device is closed.
func (d *Device) use(f func(*C.planar_out)) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.out != nil {
		f(d.out)
	}
}

// Lost reports whether the device has gone, unplugged or with its sound server. It
// then takes sound at its pace, and nobody hears it.
func (d *Device) Lost() bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.out != nil && (d.lost || d.id != 0 && sdl.GetAudioDeviceStatus(d.id) == sdl.AUDIO_STOPPED)
}

// Close stops the device; what is queued is not played. It may be called again.
func (d *Device) Close() error {
	d.nap.end()
	setUp.Lock()
	defer setUp.Unlock()
	d.mu.RLock()
	open := d.out != nil
	if open {
		C.planar_out_pause(d.out, 1)
		d.end = d.position()
	}
	d.mu.RUnlock()
	if !open {
		return nil
	}
	d.stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ran = int64(C.planar_out_underruns(d.out))
	C.planar_out_free(d.out)
	d.out = nil
	sdl.QuitSubSystem(sdl.INIT_AUDIO)
	return nil
}
