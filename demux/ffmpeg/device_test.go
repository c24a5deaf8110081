package ffmpeg

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/asticode/go-astiav"
	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"planar/audio"
	"planar/audio/audiotest"
	"planar/demux"
	"planar/internal/xvfb"
	"planar/render"
)

func TestIsDevice(t *testing.T) {
	file := filepath.Join(t.TempDir(), "video0")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"/dev/video0": true, "/dev/video63": true, "screen": true, "screen:640x480+1+2": true, "screen::1.0": true,
		"pulse:": true, "pulse:mic": true,
		"/dev/null": false, "/dev/video": false, "/dev/video0x": false, "video0": false, file: false, "": false, "-": false,
		"screen.mp4": false, "screens": false, "pulse": false, "rtsp://screen/": false, "x/screen": false,
	} {
		if got := IsDevice(name); got != want {
			t.Errorf("IsDevice(%q) is %v, want %v", name, got, want)
		}
	}
}

func TestNewDevice(t *testing.T) {
	t.Setenv("DISPLAY", ":5")
	o := DeviceOptions{Width: 800, Height: 600, Rate: render.Rational{Num: 30000, Den: 1001}, SampleRate: 44100, Channels: 1}
	for _, c := range []struct {
		name        string
		o           DeviceOptions
		format, url string
		dict        string // what must be in it: key=value
	}{
		{"screen", DeviceOptions{}, "x11grab", ":5", "framerate=30"},
		{"screen", o, "x11grab", ":5", "video_size=800x600 framerate=30000/1001"},
		{"screen:", DeviceOptions{}, "x11grab", ":5", ""},
		{"screen:640x480", o, "x11grab", ":5", "video_size=640x480 grab_x=0 grab_y=0"},
		{"screen:640x480+10+20", DeviceOptions{}, "x11grab", ":5", "video_size=640x480 grab_x=10 grab_y=20"},
		{"screen::1.0", DeviceOptions{}, "x11grab", ":1.0", ""},
		{"screen::1.0:640x480+10+20", DeviceOptions{}, "x11grab", ":1.0", "video_size=640x480 grab_x=10 grab_y=20"},
		{"screen:host:1", DeviceOptions{}, "x11grab", "host:1", ""},
		{"/dev/video3", o, "v4l2", "/dev/video3", "video_size=800x600 framerate=30000/1001 timestamps=abs"},
		{"pulse:", DeviceOptions{}, "pulse", "default", "sample_rate=48000 channels=2 fragment_size=3840"},
		{"pulse:mic", o, "pulse", "mic", "sample_rate=44100 channels=1 fragment_size=1764"},
	} {
		d, err := newDevice(c.name, c.o)
		if err != nil || d.format != c.format || d.url != c.url {
			t.Errorf("%s: %+v, %v, want %s of %s", c.name, d, err, c.format, c.url)
			continue
		}
		for _, kv := range strings.Fields(c.dict) {
			if k, v, _ := strings.Cut(kv, "="); d.dict[k] != v {
				t.Errorf("%s: option %s is %q, want %q", c.name, k, d.dict[k], v)
			}
		}
		if _, ok := d.dict["video_size"]; ok && !strings.Contains(c.dict, "video_size") {
			t.Errorf("%s: a size of %s that nobody asked for", c.name, d.dict["video_size"])
		}
	}
	for _, name := range []string{"screen:640", "screen:0x480", "screen:640x99999", "screen:640x480+1", "screen:a+b:0", "screen: :0", "nothing"} {
		if d, err := newDevice(name, DeviceOptions{}); err == nil {
			t.Errorf("%s: accepted as %+v", name, d)
		}
	}
	t.Setenv("DISPLAY", "")
	if _, err := newDevice("screen", DeviceOptions{}); err == nil || !strings.Contains(err.Error(), "DISPLAY") {
		t.Errorf("without DISPLAY: %v", err)
	}
}

// What is said of devices that cannot be opened, or are lost.
func TestDeviceErrors(t *testing.T) {
	v := &device{kind: camera, url: "/dev/video0"}
	x := &device{kind: screen, url: ":3"}
	p := &device{kind: recorder, url: "default"}
	av := func(e syscall.Errno) error { return astiav.Error(-int(e)) }
	for _, c := range []struct {
		d    *device
		err  error
		log  string
		want string
		is   error
	}{
		{v, av(syscall.ENOENT), "", "no such camera", fs.ErrNotExist},
		{v, av(syscall.EACCES), "", "group", fs.ErrPermission},
		{v, av(syscall.EPERM), "", "group", fs.ErrPermission},
		{v, av(syscall.EBUSY), "ioctl(VIDIOC_STREAMON): Device or resource busy", "in use by another program", syscall.EBUSY},
		{v, av(syscall.ENOTTY), "", "another one", syscall.ENOTTY},
		{v, av(syscall.ENODEV), "Not a video capture device.", "another one", syscall.ENODEV},
		{v, av(syscall.ENODEV), "", "does not answer", syscall.ENODEV},
		{v, av(syscall.EINVAL), "Cannot find a proper format", "--size", syscall.EINVAL},
		{v, av(syscall.ENOMEM), "", "not enough memory", syscall.ENOMEM},
		{x, av(syscall.EIO), "Cannot open display :3, error 1.", "cannot reach the X server :3", syscall.EIO},
		{x, av(syscall.EINVAL), "Capture area 900x900 at position 0.0 outside the screen size 320x200", "not all on the screen", syscall.EINVAL},
		{x, av(syscall.EIO), "", "cannot be captured", syscall.EIO},
		{p, av(syscall.EIO), "", "PulseAudio", syscall.EIO},
		{p, av(syscall.ENOENT), "", "pactl", syscall.ENOENT},
	} {
		err := c.d.explain(newTarget("/dev/video0"), c.err, c.log)
		if !strings.HasPrefix(err.Error(), "/dev/video0: ") || !strings.Contains(err.Error(), c.want) || !errors.Is(err, c.is) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v with %q: %q, want one line with %q", c.err, c.log, err, c.want)
		}
	}
	for _, c := range []struct {
		d    *device
		err  syscall.Errno
		want string
	}{
		{v, syscall.ENODEV, "the camera is gone"},
		{v, syscall.EIO, "the camera is gone"},
		{v, syscall.EINVAL, "reading failed"},
		{x, syscall.EACCES, "the screen is gone"},
		{p, syscall.EIO, "the sound server is gone"},
	} {
		err := c.d.readError(newTarget("/dev/video0"), av(c.err))
		if !strings.Contains(err.Error(), "/dev/video0: "+c.want) || !errors.Is(err, c.err) {
			t.Errorf("%v while reading: %q, want %q", c.err, err, c.want)
		}
	}
}

func TestMissingDevices(t *testing.T) {
	t.Setenv("PULSE_SERVER", "unix:"+filepath.Join(t.TempDir(), "none"))
	for name, want := range map[string]string{
		"/dev/video4711":  "no such camera",
		"screen::4711":    "cannot reach the X server :4711",
		"screen:nonsense": "neither an area nor a display",
		"pulse:":          "PulseAudio",
	} {
		s, err := OpenDevice(t.Context(), name, DeviceOptions{OpenTimeout: 5 * time.Second})
		if err == nil {
			_ = s.Close()
			t.Errorf("%s was opened", name)
			continue
		}
		if !strings.HasPrefix(err.Error(), name+": ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q, want one line with %q", name, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := OpenDevice(ctx, "screen::4711", DeviceOptions{}); !errors.Is(err, demux.ErrInterrupted) {
		t.Errorf("interrupted: %v", err)
	}
	if n := len(devices.users); n != 0 {
		t.Errorf("%d devices are still on the timeline", n)
	}
}

func TestRecorder(t *testing.T) {
	audiotest.StartPulse(t, audio.Format{Sample: audio.S16, Rate: 48000, Channels: 2})
	s, err := OpenDevice(t.Context(), "pulse:test.monitor", DeviceOptions{SampleRate: 44100, Channels: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := audio.Format{Sample: audio.S16, Rate: 44100, Channels: 1}
	st := s.Streams()
	if len(st) != 1 || st[0].Kind != demux.Audio || st[0].Codec != "pcm_s16le" || st[0].Sound.Rate != want.Rate || st[0].Sound.Channels != 1 || st[0].Sound.Sample != want.Sample {
		t.Fatalf("streams are %+v, want %v", st, want)
	}
	d, err := s.AudioDecoder(st[0].Index)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	begin, frames := time.Now(), 0
	for frames < 44100/2 {
		p, err := s.Read()
		if err != nil {
			t.Fatal(err)
		}
		if ago := time.Since(p.Captured); ago < -time.Second || ago > 5*time.Second || p.PTS > 10*time.Second {
			t.Errorf("PTS %v, captured %v ago", p.PTS, ago)
		}
		if err := d.Send(p); err != nil {
			t.Fatal(err)
		}
		b, err := d.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if b.Frames > 44100/5 {
			t.Errorf("a block of %d frames, want some 882", b.Frames)
		}
		frames += b.Frames
		b.Release()
		p.Release()
	}
	t.Logf("half a second of sound in %v", time.Since(begin))
}

// paintRoot fills the whole screen, and a square of it with another colour. Its
// connection is closed, and everything freed, by a clean-up of the test.
func paintRoot(t *testing.T, display string, all, square uint32) {
	t.Helper()
	c, err := xgb.NewConnDisplay(display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	root := xproto.Setup(c).DefaultScreen(c)
	fill := func(pixel uint32, r xproto.Rectangle) {
		gc, err := xproto.NewGcontextId(c)
		if err != nil {
			t.Fatal(err)
		}
		xproto.CreateGC(c, gc, xproto.Drawable(root.Root), xproto.GcForeground, []uint32{pixel})
		if err := xproto.PolyFillRectangleChecked(c, xproto.Drawable(root.Root), gc, []xproto.Rectangle{r}).Check(); err != nil {
			t.Fatal(err)
		}
	}
	fill(all, xproto.Rectangle{Width: root.WidthInPixels, Height: root.HeightInPixels})
	fill(square, xproto.Rectangle{X: 10, Y: 20, Width: 32, Height: 16})
}

func TestScreen(t *testing.T) {
	server := xvfb.ForTest(t, 320, 200)
	paintRoot(t, server.Display, 0x123456, 0xc08040)
	for _, c := range []struct {
		name string
		o    DeviceOptions
		w, h int
		fps  int
		rgb  [3]byte // of the pixel in the upper left corner
	}{
		{"screen:" + server.Display, DeviceOptions{}, 320, 200, 30, [3]byte{0x12, 0x34, 0x56}},
		{"screen:" + server.Display + ":32x16+10+20", DeviceOptions{Rate: render.Rational{Num: 50, Den: 1}}, 32, 16, 50, [3]byte{0xc0, 0x80, 0x40}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := OpenDevice(t.Context(), c.name, c.o)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			st := s.Streams()
			if i := s.Info(); !i.Live || i.Seekable || i.Format != "x11grab" || len(i.Notes) != 0 {
				t.Errorf("Info is %+v", i)
			}
			if len(st) != 1 || st[0].Width != c.w || st[0].Height != c.h || st[0].FrameRate != (render.Rational{Num: c.fps, Den: 1}) {
				t.Fatalf("streams are %+v, want %dx%d at %d", st, c.w, c.h, c.fps)
			}
			d, err := s.VideoDecoder(st[0].Index)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			last := time.Duration(-1)
			for range 4 {
				p, err := s.Read()
				if err != nil {
					t.Fatal(err)
				}
				if p.PTS <= last || p.PTS > 5*time.Second {
					t.Errorf("PTS %v after %v", p.PTS, last)
				}
				last = p.PTS
				if late := time.Since(p.Captured); late < 0 || late > 5*time.Second {
					t.Errorf("captured %v ago", late)
				}
				if err := d.Send(p); err != nil {
					t.Fatal(err)
				}
				f, err := d.Receive()
				if err != nil {
					t.Fatal(err)
				}
				if px := f.Planes[0].Data; f.Format != "bgr0" || [3]byte{px[2], px[1], px[0]} != c.rgb {
					t.Errorf("%s pixel %x, want %x", f.Format, px[:4], c.rgb)
				}
				f.Release()
				p.Release()
			}
			s.Interrupt()
			if _, err := s.Read(); !errors.Is(err, demux.ErrInterrupted) {
				t.Errorf("interrupted: %v", err)
			}
		})
	}
	_, err := OpenDevice(t.Context(), "screen:"+server.Display+":640x480", DeviceOptions{})
	if err == nil || !strings.Contains(err.Error(), "not all on the screen") {
		t.Errorf("an area larger than the screen: %v", err)
	}
}

// A server that ends takes its screen with it.
func TestScreenIsLost(t *testing.T) {
	server, err := xvfb.Start(64, 64, 24)
	if errors.Is(err, xvfb.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenDevice(t.Context(), "screen:"+server.Display, DeviceOptions{})
	server.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 100 {
		p, err := s.Read()
		if err != nil {
			if !strings.Contains(err.Error(), "the screen is gone") {
				t.Errorf("got %q", err)
			}
			return
		}
		p.Release()
	}
	t.Error("the screen of a server that has ended still gives pictures")
}
