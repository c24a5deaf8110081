package sdlaudio_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"planar/audio"
	"planar/audio/audiotest"
	sdlaudio "planar/audio/sdl"
	"planar/player"
)

var _ player.AudioOutput = (*sdlaudio.Device)(nil)

func open(t *testing.T, want audio.Format) audiotest.Output {
	t.Helper()
	d, err := sdlaudio.Open(want)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// formats are what SDL's dummies take unchanged.
var formats = []audio.Format{
	{Sample: audio.S16, Rate: 48000, Channels: 2},
	{Sample: audio.S32, Rate: 44100, Channels: 6},
	{Sample: audio.F32, Rate: 22050, Channels: 1},
}

func TestDummy(t *testing.T) {
	t.Setenv("SDL_AUDIODRIVER", "dummy")
	audiotest.Run(t, audiotest.Kind{Open: open, Formats: formats})
}

func TestDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pcm")
	t.Setenv("SDL_AUDIODRIVER", "disk")
	t.Setenv("SDL_DISKAUDIOFILE", file)
	audiotest.Run(t, audiotest.Kind{
		Open:    open,
		Formats: formats,
		Recorded: func(t *testing.T) []byte {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			return b
		},
	})
}

// TestPulse also shows that samples pass PulseAudio unchanged, if the sink has
// their format.
func TestPulse(t *testing.T) {
	f := audio.Format{Sample: audio.S16, Rate: 48000, Channels: 2}
	t.Setenv("SDL_AUDIODRIVER", "pulseaudio")
	pulse := audiotest.StartPulse(t, f)
	rec := pulse.Record(t)
	start := 0
	audiotest.Run(t, audiotest.Kind{
		Open: func(t *testing.T, want audio.Format) audiotest.Output {
			start = len(rec.Bytes()) / f.FrameBytes() * f.FrameBytes()
			return open(t, want)
		},
		Recorded: func(*testing.T) []byte {
			time.Sleep(100 * time.Millisecond) // the way through the monitor
			return rec.Bytes()[start:]
		},
		Formats: []audio.Format{f},
		Retries: 3,
	})
}

// TestHeard compares what the position says with what comes out of PulseAudio:
// how evenly it moves and, roughly, how late it is. The recording itself adds some
// milliseconds that are not known exactly, and is interrupted on a busy machine: one good
// run of a few is enough.
func TestHeard(t *testing.T) {
	f := audio.Format{Sample: audio.S16, Rate: 44100, Channels: 2}
	t.Setenv("SDL_AUDIODRIVER", "pulseaudio")
	rec := audiotest.StartPulse(t, f).Record(t)
	for attempt := 1; ; attempt++ {
		problem := heard(t, f, rec)
		if problem == "" {
			return
		}
		if attempt == 4 {
			t.Fatal(problem)
		}
		t.Log("once more: " + problem)
	}
}

// heard plays clicks and says what is wrong with the times the position tells for them.
func heard(t *testing.T, f audio.Format, rec *audiotest.Recording) string {
	o := open(t, f)
	defer o.Close()
	from := len(rec.Bytes()) / f.FrameBytes() * f.FrameBytes()

	// A click each 100 ms, and when the position says that it is heard.
	const clicks = 20
	step := f.Rate / 10
	pcm := make([]byte, step*(clicks+1)*f.FrameBytes())
	for i := range clicks {
		binary.NativeEndian.PutUint16(pcm[(i+1)*step*f.FrameBytes():], 10000)
	}
	var said []time.Time
	o.Pause(false)
	left := pcm
	audiotest.Until(t, "all is heard", func() bool {
		n, err := o.Write(left)
		if err != nil {
			t.Fatal(err)
		}
		left = left[n*f.FrameBytes():]
		h, now := o.Position().Heard(f.Rate), time.Now()
		for len(said) < clicks && h >= float64((len(said)+1)*step) {
			over := h - float64((len(said)+1)*step)
			said = append(said, now.Add(-time.Duration(over/float64(f.Rate)*float64(time.Second))))
		}
		return len(said) == clicks
	})
	if o.Underruns() > 0 {
		return "the machine is too busy: sound was interrupted"
	}
	time.Sleep(100 * time.Millisecond)
	var late []float64 // ms
	b := rec.Bytes()
	for at := from; at+4 <= len(b); at += 4 {
		if b[at] != 0 || b[at+1] != 0 {
			if len(late) < clicks {
				late = append(late, rec.Time(at).Sub(said[len(late)]).Seconds()*1e3)
			}
		}
	}
	if len(late) != clicks {
		return fmt.Sprintf("heard %d clicks of %d", len(late), clicks)
	}
	sorted := slices.Sorted(slices.Values(late))
	median, spread := sorted[clicks/2], sorted[clicks-2]-sorted[1]
	t.Logf("recorded %.2f ms after the position says, spread %.2f ms", median, spread)
	if spread > 3 {
		return fmt.Sprintf("the position moves unevenly: %.2f", late)
	}
	if math.Abs(median+6) > 3 { // the monitor is read a block of some 6 ms ahead of the sink's own time
		return fmt.Sprintf("the position is off by %.2f ms", median+6)
	}
	return ""
}

func TestOpen(t *testing.T) {
	t.Setenv("SDL_AUDIODRIVER", "dummy")
	for _, c := range []struct{ want, got audio.Format }{
		{audio.Format{Sample: "fltp", Rate: 44100, Channels: 2, Layout: 0x3}, audio.Format{Sample: audio.F32, Rate: 44100, Channels: 2, Layout: 0x3}},
		{audio.Format{Sample: "u8", Rate: 8000, Channels: 1}, audio.Format{Sample: audio.S16, Rate: 8000, Channels: 1}},
		{audio.Format{Sample: "s32p", Rate: 192000, Channels: 6, Layout: 0x60f}, audio.Format{Sample: audio.S32, Rate: 192000, Channels: 6, Layout: 0x60f}},
		{audio.Format{Sample: "dbl", Rate: 48000, Channels: 8, Layout: 0x63f}, audio.Format{Sample: audio.F32, Rate: 48000, Channels: 6, Layout: 0x3f}},
		{audio.Format{Sample: "s16", Rate: 48000, Channels: 5}, audio.Format{Sample: audio.S16, Rate: 48000, Channels: 6, Layout: 0x3f}},
		{audio.Format{Sample: "s16", Rate: 48000, Channels: 4}, audio.Format{Sample: audio.S16, Rate: 48000, Channels: 4}},
	} {
		o := open(t, c.want)
		if got := o.Format(); got != c.got {
			t.Errorf("Open(%+v).Format() = %+v, want %+v", c.want, got, c.got)
		}
		if p := o.Position().Period; p < 15*time.Millisecond || p > 32*time.Millisecond {
			t.Errorf("%v: the period is %v", c.want, p)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The dummy has one device, which can be opened by its name and by none.
func TestDevicesDummy(t *testing.T) {
	t.Setenv("SDL_AUDIODRIVER", "dummy")
	names, err := sdlaudio.Devices()
	if err != nil || len(names) != 1 || names[0] == "" {
		t.Fatalf("Devices() = %q, %v, want one name", names, err)
	}
	d, err := sdlaudio.OpenDevice(names[0], formats[0])
	if err != nil {
		t.Fatal(err)
	}
	if d.Lost() {
		t.Error("a device that is open counts as lost")
	}
	if more, err := sdlaudio.Devices(); err != nil || !slices.Equal(more, names) {
		t.Errorf("while one is open: %q, %v, want %q", more, err, names)
	}
	d.Close()
	if d.Lost() {
		t.Error("a device that was closed counts as lost")
	}
	if _, err := sdlaudio.OpenDevice("no such device", formats[0]); err == nil || !strings.Contains(err.Error(), `"no such device"`) {
		t.Errorf("a device that is not there: %v", err)
	}
	t.Setenv("SDL_AUDIODRIVER", "no such driver")
	if names, err := sdlaudio.Devices(); err == nil || len(names) > 0 {
		t.Errorf("without a sound system: %q, %v", names, err)
	}
}

// Of two devices the one that is named plays.
func TestDevicesPulse(t *testing.T) {
	f := formats[0]
	t.Setenv("SDL_AUDIODRIVER", "pulseaudio")
	rec := audiotest.StartPulse(t, f).Record(t)
	if out, err := exec.Command("pactl", "load-module", "module-null-sink", "sink_name=other", "sink_properties=device.description=Other").CombinedOutput(); err != nil {
		t.Fatalf("a second device: %v: %s", err, out)
	}
	began := time.Now()
	names, err := sdlaudio.Devices()
	took := time.Since(began)
	if err != nil || len(names) != 2 || !slices.Contains(names, "Other") {
		t.Fatalf("Devices() = %q, %v, want two, and Other", names, err)
	}
	t.Logf("%q, listed in %v", names, took.Round(time.Millisecond))
	for _, name := range names {
		from := len(rec.Bytes())
		d, err := sdlaudio.OpenDevice(name, f)
		if err != nil {
			t.Fatal(err)
		}
		d.Pause(false)
		if _, err := d.Write(audiotest.Noise(f, 4800)); err != nil {
			t.Fatal(err)
		}
		audiotest.Until(t, "sound is handed over", func() bool { return d.Position().Handed > 0 })
		time.Sleep(200 * time.Millisecond) // the way through the monitor
		d.Close()
		heard := len(bytes.Trim(rec.Bytes()[from:], "\x00")) > 0
		if want := name != "Other"; heard != want {
			t.Errorf("%s: heard on the first device: %v, want %v", name, heard, want)
		}
	}
}

// A device whose server goes is lost.
func TestLost(t *testing.T) {
	t.Setenv("SDL_AUDIODRIVER", "pulseaudio")
	audiotest.StartPulse(t, formats[0])
	d, err := sdlaudio.Open(formats[0])
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.Pause(false)
	if d.Lost() {
		t.Fatal("lost at once")
	}
	exec.Command("pactl", "exit").Run() // its answer may get lost
	audiotest.Until(t, "the device is lost", d.Lost)
}

func TestNoDevice(t *testing.T) {
	t.Setenv("SDL_AUDIODRIVER", "pulseaudio")
	t.Setenv("PULSE_SERVER", "unix:/nonexistent")
	_, err := sdlaudio.Open(formats[0])
	if err == nil || !strings.HasPrefix(err.Error(), "no sound: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("Open without a device: %v", err)
	}
	t.Log(err)
	t.Setenv("SDL_AUDIODRIVER", "dummy") // and after a failure it works again
	if err := open(t, formats[0]).Close(); err != nil {
		t.Error(err)
	}
	if _, err := sdlaudio.Open(audio.Format{}); err == nil {
		t.Error("Open takes an empty format")
	}
}
