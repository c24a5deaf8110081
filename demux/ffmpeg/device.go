package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/asticode/go-astiav"
	"golang.org/x/sys/unix"

	"planar/audio"
	"planar/demux"
	"planar/render"
)

// DeviceOptions say how to capture. What is zero is left to the device.
type DeviceOptions struct {
	Width, Height int             // of a camera's pictures; of the screen, where its name does not say it
	Rate          render.Rational // frames per second; 30 of a screen
	SampleRate    int             // Hz, of sound
	Channels      int             // of sound
	OpenTimeout   time.Duration   // 0 means 10 s
}

// deviceKind is what a device is.
type deviceKind int

const (
	noDevice deviceKind = iota
	camera              // Video4Linux2
	screen              // X11
	recorder            // PulseAudio
)

// device is how FFmpeg is to open one.
type device struct {
	kind   deviceKind
	format string // FFmpeg's name of the input format
	url    string
	dict   map[string]string
	size   [2]int // what was asked for; 0 if nothing was
}

const (
	screenName = "screen"
	pulseName  = "pulse:"
	videoMajor = 81 // of Linux's character devices: Video4Linux2
)

var (
	videoName = regexp.MustCompile(`^/dev/video[0-9]+$`)
	geometry  = regexp.MustCompile(`^([0-9]{1,5})x([0-9]{1,5})(?:\+([0-9]{1,5})\+([0-9]{1,5}))?$`)
)

// IsDevice reports whether a name is one that OpenDevice opens: a camera ("/dev/video0",
// or any other name of a character device of Video4Linux2), the screen ("screen",
// "screen:1280x720+10+20", "screen::1.0", "screen::1.0:1280x720"), or the recording side
// of a sound server ("pulse:", "pulse:SOURCE").
func IsDevice(name string) bool { return kindOf(name) != noDevice }

func kindOf(name string) deviceKind {
	switch {
	case name == screenName, strings.HasPrefix(name, screenName+":"):
		return screen
	case strings.HasPrefix(name, pulseName):
		return recorder
	case videoName.MatchString(name):
		return camera
	}
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && unix.Major(uint64(st.Rdev)) == videoMajor {
		return camera
	}
	return noDevice
}

// OpenDevice opens a device to capture from; see IsDevice for its names. It is live, is
// not probed, and its packets say when they were captured. Devices that are open at the
// same time share a timeline, which begins near 0 with the first one. Interrupt waits
// for a screen's next picture. Otherwise it is like Open.
func OpenDevice(ctx context.Context, name string, o DeviceOptions) (*Source, error) {
	d, err := newDevice(name, o)
	if err != nil {
		return nil, newTarget(name).fail(err.Error(), nil)
	}
	live := true
	return Open(ctx, name, Options{Format: d.format, OpenTimeout: o.OpenTimeout, Live: &live, device: d})
}

// newDevice says how to open one. Its error lacks the name.
func newDevice(name string, o DeviceOptions) (*device, error) {
	d := &device{kind: kindOf(name), dict: map[string]string{}}
	if o.Width > 0 && o.Height > 0 {
		d.size = [2]int{o.Width, o.Height}
	}
	if o.Rate.Known() {
		d.dict["framerate"] = fmt.Sprintf("%d/%d", o.Rate.Num, o.Rate.Den)
	}
	switch d.kind {
	case camera:
		d.format, d.url = "v4l2", name
		d.dict["timestamps"] = "abs"
	case screen:
		d.format = "x11grab"
		if err := d.screen(name); err != nil {
			return nil, err
		}
		if !o.Rate.Known() {
			d.dict["framerate"] = "30"
		}
	case recorder:
		d.format, d.url = "pulse", strings.TrimPrefix(name, pulseName)
		if d.url == "" {
			d.url = "default"
		}
		rate, channels := o.SampleRate, o.Channels
		if rate <= 0 {
			rate = 48000
		}
		if channels <= 0 {
			channels = 2
		}
		d.size = [2]int{}
		d.dict = map[string]string{
			"sample_rate": strconv.Itoa(rate), "channels": strconv.Itoa(channels), "name": "planar",
			"fragment_size": strconv.Itoa(max(1, rate/50) * channels * 2), // 20 ms; the server's usual is 2 s
		}
	default:
		return nil, errors.New("is not a device: give /dev/videoN, screen, or pulse: and what is to be heard")
	}
	if d.size[0] > 0 {
		d.dict["video_size"] = fmt.Sprintf("%dx%d", d.size[0], d.size[1])
	}
	return d, nil
}

// screen reads screen[:DISPLAY][:WxH[+X+Y]], where DISPLAY has a colon itself.
func (d *device) screen(name string) error {
	rest := strings.TrimPrefix(strings.TrimPrefix(name, screenName), ":")
	area := rest
	if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		area = rest[i+1:]
	}
	if m := geometry.FindStringSubmatch(area); m != nil {
		rest = strings.TrimSuffix(strings.TrimSuffix(rest, area), ":")
		var n [4]int
		for i, s := range m[1:] {
			n[i], _ = strconv.Atoi(s) // digits, or nothing
		}
		if n[0] < 1 || n[1] < 1 || max(n[0], n[1]) > demux.MaxDimension {
			return fmt.Errorf("the area %s is outside 1x1 to %dx%d", area, demux.MaxDimension, demux.MaxDimension)
		}
		d.size = [2]int{n[0], n[1]}
		d.dict["grab_x"], d.dict["grab_y"] = strconv.Itoa(n[2]), strconv.Itoa(n[3])
	}
	switch {
	case rest == "":
		if d.url = os.Getenv("DISPLAY"); d.url == "" {
			return errors.New("there is no X server: DISPLAY is not set; name one, such as screen::0")
		}
	case strings.IndexByte(rest, ':') < 0 || strings.ContainsAny(rest, "+, "):
		return errors.New("is neither an area nor a display: give screen:WxH+X+Y, screen::0 or both, screen::0:WxH+X+Y")
	default:
		d.url = rest
	}
	return nil
}

var registerDevices sync.Once

// prepareDevice loads FFmpeg's devices, and looks whether there is a camera at all.
func (s *Source) prepareDevice(d *device) error {
	if d.kind == camera {
		if _, err := os.Stat(s.t.name); err != nil {
			return d.explain(s.t, err, "")
		}
	}
	registerDevices.Do(astiav.RegisterAllDevices)
	devices.join(s) // before anything is captured
	s.t.url = d.url
	return nil
}

// examineDevice takes what the device says: there is nothing to probe.
func (s *Source) examineDevice(d *device) error {
	s.live, s.info.Live, s.info.Format = true, true, d.format
	s.refresh()
	for _, t := range s.tracks {
		if d.kind == recorder && t != nil {
			t.Sound.Sample = audio.S16 // PCM that has not been decoded yet does not say it
		}
		if t != nil && t.Kind == demux.Video && d.size[0] > 0 && d.size != [2]int{t.Width, t.Height} {
			s.info.Notes = append(s.info.Notes, fmt.Sprintf("the device gives %dx%d, not the %dx%d that were asked for", t.Width, t.Height, d.size[0], d.size[1]))
		}
	}
	return s.finish()
}

// devices is the timeline of the devices that are open. Their timestamps are the wall
// clock's, so that pictures of one and sound of another fit together.
var devices timeline

type timeline struct {
	mu    sync.Mutex
	users map[*Source]bool
	begin time.Time
}

func (l *timeline) join(s *Source) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.users) == 0 {
		l.users, l.begin = map[*Source]bool{}, time.Now()
	}
	l.users[s] = true
}

func (l *timeline) leave(s *Source) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.users, s)
}

func (l *timeline) base() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Duration(l.begin.UnixNano())
}

// wallClock is when a device's packet was captured, if its time is of the wall clock:
// not of all cameras it is.
func wallClock(t time.Duration) (at time.Time, ok bool) {
	at = time.Unix(0, int64(t))
	return at, t != demux.NoPTS && time.Since(at).Abs() < 10*time.Second
}

// explain is target.explain for devices: what failed and what helps.
func (d *device) explain(t target, err error, log string) error {
	sys, low := unwrapErrno(err), strings.ToLower(log)
	is := func(all ...error) bool {
		for _, e := range all {
			if errors.Is(sys, e) {
				return true
			}
		}
		return false
	}
	said := t.detail(log)
	switch d.kind {
	case camera:
		switch {
		case is(fs.ErrNotExist):
			return t.fail("no such camera: is it plugged in? "+camerasHere(), sys)
		case is(fs.ErrPermission):
			return t.fail("permission denied: your user must be in the group that owns it, mostly video (usermod -aG video USER, then log in again)", sys)
		case is(syscall.EBUSY):
			return t.fail("the camera is in use by another program: close that first", sys)
		case is(syscall.ENOTTY) || strings.Contains(low, "not a video capture device"):
			return t.fail("gives no pictures: a camera may have several /dev/videoN, try another one", sys)
		case is(syscall.ENODEV, syscall.ENXIO, syscall.EIO):
			return t.fail("the camera does not answer: plug it in again", sys)
		case is(syscall.EINVAL):
			return t.fail("the camera does not take this size or rate: leave out --size and --fps, or give others"+said, sys)
		}
	case screen:
		switch {
		case strings.Contains(low, "cannot open display"):
			return t.fail("cannot reach the X server "+demux.OneLine(d.url)+": does it run, and may you use it (DISPLAY, XAUTHORITY)?", sys)
		case strings.Contains(low, "outside the screen"):
			return t.fail("the area is not all on the screen: give a smaller one"+said, sys)
		}
		return t.fail("the screen cannot be captured"+said, sys)
	case recorder:
		switch {
		case is(syscall.ENOENT):
			return t.fail("the sound server has no such source: pactl list short sources tells their names", sys)
		}
		return t.fail("cannot record from the sound server: does PulseAudio or PipeWire run?"+said, sys)
	}
	return t.explain(err, log)
}

// camerasHere lists cameras for an error line.
func camerasHere() string {
	found, _ := filepath.Glob("/dev/video*")
	const most = 8
	switch {
	case len(found) == 0:
		return "There is no /dev/videoN here"
	case len(found) > most:
		found = append(found[:most], "...")
	}
	return "There is " + demux.OneLine(strings.Join(found, ", "))
}

// readError is why a device that was open gives nothing more.
func (d *device) readError(t target, err error) error {
	sys := unwrapErrno(err)
	cause := "reading failed"
	switch d.kind {
	case camera:
		if errors.Is(sys, syscall.ENODEV) || errors.Is(sys, syscall.EIO) || errors.Is(sys, syscall.ENXIO) {
			cause = "the camera is gone: it was unplugged or switched off"
		}
	case screen:
		cause = "the screen is gone, or has become smaller than the area"
	case recorder:
		cause = "the sound server is gone"
	}
	return fmt.Errorf("%s: %s: %w", t.show, cause, sys)
}
