package controls

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"testing"
	"time"

	"planar/audio"
	"planar/audio/analysis"
	"planar/player"
	"planar/render"
)

// tune is made-up sound: a chirp in each channel that swells and fades, with a
// channel of its own height. gate, if there is one, holds it back after half of it.
type tune struct {
	channels int
	length   time.Duration
	rate     int // 0 is 48000
	at       int64
	gate     chan struct{}
	err      error // instead of the end

	mu     sync.Mutex
	closed bool
}

func (s *tune) Next(ctx context.Context) (*audio.Block, error) {
	f := audio.Format{Sample: "s16", Rate: s.rate, Channels: s.channels}
	if s.rate == 0 {
		f.Rate = 48000
	}
	all := f.Frames(s.length)
	if s.gate != nil && s.at >= all/2 {
		select {
		case <-s.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	n := min(4800, all-s.at)
	if n <= 0 {
		if s.err != nil {
			return nil, s.err
		}
		return nil, io.EOF
	}
	pcm := make([]byte, 0, n*int64(2*s.channels))
	for i := range n {
		x := float64(s.at+i) / float64(f.Rate)
		part := x / s.length.Seconds()
		for c := range s.channels {
			loud := (0.55 + 0.4*math.Sin(2*math.Pi*x*(0.21+0.07*float64(c)))) * (0.6 + 0.4*math.Sin(2*math.Pi*x*1.7+float64(c)))
			v := loud * (0.7*math.Sin(2*math.Pi*x*(200+part*9000)) + 0.3*math.Sin(2*math.Pi*x*440*float64(c+1)))
			if c == 1 && part > 0.8 && part < 0.82 {
				v *= 4
			}
			pcm = binary.NativeEndian.AppendUint16(pcm, uint16(int16(32767*min(max(v, -1), 1))))
		}
	}
	b := &audio.Block{Format: f, Frames: int(n), PTS: f.Duration(s.at), Planes: [][]byte{pcm}}
	s.at += n
	return b, nil
}

func (s *tune) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *tune) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// levelsOf makes up levels of channels.
func levelsOf(db ...float64) func() []analysis.Level {
	return func() []analysis.Level {
		var l []analysis.Level
		for i, d := range db {
			l = append(l, analysis.Level{RMS: d - 5, Peak: d, Hold: d + 2.4, Clips: int64(i % 2)})
		}
		return l
	}
}

// soundRig makes a rig with the sound panel over a source with made-up sound. A
// scan of it is done, unless the tune has a gate.
func soundRig(t testing.TB, w, h int, scale float64, s *tune, change func(r *rig)) *rig {
	t.Helper()
	o := Options{
		OpenSound: func(context.Context, string, int) (Sound, time.Duration, error) { return s, s.length, nil },
		Devices: func(context.Context) ([]string, error) {
			return []string{"Built-in Audio Analog Stereo", "HDMI 2"}, nil
		},
	}
	r := newRig(t, w, h, scale, o)
	r.st.Duration = s.length
	r.st.Channels.Count = s.channels
	r.st.Levels = levelsOf([]float64{-9, -3.2, -20, -40, -14, -15, -30, -11}[:min(s.channels, 8)]...)
	if change != nil {
		change(r)
	}
	r.pass(0)
	if !r.c.panels.sound {
		r.press("w")
	}
	if s.gate == nil {
		waitFor(t, "the scan", func() bool { r.pass(250 * time.Millisecond); return r.c.sound.scan.look().done })
	} else {
		waitFor(t, "half of the scan", func() bool { r.pass(250 * time.Millisecond); return r.c.sound.scan.look().progress >= 0.49 })
	}
	r.pass(300 * time.Millisecond)
	r.took()
	return r
}

// waitFor waits for a goroutine.
func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: has not come within 20 s", what)
		}
	}
}

// waveCorners is where the waveform was drawn, by the panel's layout.
func (r *rig) waveCorners() (a, b vec2) { return r.c.sound.seen.area[0], r.c.sound.seen.area[1] }

func TestSoundPanelSeeks(t *testing.T) {
	r := soundRig(t, 1280, 720, 1, &tune{channels: 2, length: 20 * time.Second, rate: 8000}, nil)
	a, b := r.waveCorners()
	middle, y := int((a.X+b.X)/2), int((a.Y+b.Y)/2)
	r.click(middle, y, render.ButtonLeft)
	asked := r.took()
	if len(asked) == 0 || asked[len(asked)-1].Do != player.SeekTo || !near(asked[len(asked)-1].Time, 10*time.Second, 60*time.Millisecond) {
		t.Fatalf("a click in the middle of 20 s asked for %+v, want a seek to 10 s", asked)
	}
	r.drag(int(a.X)+10, y, int(a.X+(b.X-a.X)*3/4), y)
	asked = r.took()
	if len(asked) == 0 || !near(asked[len(asked)-1].Time, 15*time.Second, 60*time.Millisecond) {
		t.Fatalf("dragging to three quarters asked for %+v, want a last seek to 15 s", asked)
	}
	r.st.Seekable = false
	r.click(middle, y, render.ButtonLeft)
	if asked = r.took(); len(asked) > 0 {
		t.Errorf("a click asked for %+v although the source cannot seek", asked)
	}
}

func near(a, b, by time.Duration) bool { return a-b <= by && b-a <= by }

func TestSoundPanelZooms(t *testing.T) {
	r := soundRig(t, 1280, 720, 1, &tune{channels: 2, length: 20 * time.Second, rate: 8000}, nil)
	a, b := r.waveCorners()
	x, y := int(a.X+(b.X-a.X)/4), int((a.Y+b.Y)/2)
	r.move(x, y)
	r.wheel(x, y, 5, 0)
	z := r.c.sound.zoom
	if want := time.Duration(20e9 * math.Pow(0.8, 5)); !near(z.span(), want, 50*time.Millisecond) || !near(z.at(0.25), 5*time.Second, 50*time.Millisecond) {
		t.Fatalf("five notches show %v to %v, want %v about 5 s at a quarter", z.from, z.to, want)
	}
	r.wheel(x, y, -1, render.ModShift)
	if z2 := r.c.sound.zoom; z2.from <= z.from || z2.span() != z.span() {
		t.Errorf("Shift and a notch down show %v to %v after %v to %v, want as much, later", z2.from, z2.to, z.from, z.to)
	}
	for range 60 {
		r.wheel(x, y, 5, 0)
	}
	if z := r.c.sound.zoom; z.span() != 20*time.Second/finestPart {
		t.Errorf("it zooms in to %v, want %v", z.span(), 20*time.Second/finestPart)
	}
	// The overview moves what is shown.
	o := r.c.sound.seen.over
	r.drag(int(a.X+(b.X-a.X)/2), int(o)+10, int(a.X+(b.X-a.X)/2), int(o)+10)
	if z := r.c.sound.zoom; !near(z.at(0.5), 10*time.Second, 50*time.Millisecond) {
		t.Errorf("a press in the overview's middle shows %v to %v, want what is about 10 s", z.from, z.to)
	}
	for range 60 {
		r.wheel(x, y, -5, 0)
	}
	if !r.c.sound.zoom.all() {
		t.Errorf("it zooms out to %v", r.c.sound.zoom)
	}
}

func TestSoundPanelChannels(t *testing.T) {
	r := soundRig(t, 1280, 720, 1, &tune{channels: 2, length: time.Second}, nil)
	l := r.c.sound.seen
	y0, y1 := l.row(1)
	y := int(y0+y1) / 2
	r.click(int(l.heads)+31+10, y, render.ButtonLeft)
	r.click(int(l.heads)+31+24+10, y, render.ButtonLeft)
	asked := r.took()
	want := []player.Command{{Do: player.MuteChannel, Index: 1}, {Do: player.SoloChannel, Index: 1}}
	if fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("M and S of the second channel asked for %+v, want %+v", asked, want)
	}
}

func TestSoundPanelClips(t *testing.T) {
	r := soundRig(t, 1280, 720, 1, &tune{channels: 2, length: time.Second}, nil)
	s := &r.c.sound
	if !clipped(r.st.Levels(), 1) || clipped(r.st.Levels(), 0) {
		t.Fatal("want the second light on and the first one off")
	}
	m := s.seen.meters
	r.click(int(m[0].X+m[1].X)/2, int(m[0].Y+m[1].Y)/2, render.ButtonLeft)
	if asked := r.took(); len(asked) != 1 || asked[0].Do != player.ClearLevels {
		t.Errorf("a click on the meters asked for %+v, want the lights to go out", asked)
	}
}

func TestSoundPanelDevices(t *testing.T) {
	r := soundRig(t, 1280, 720, 1, &tune{channels: 2, length: time.Second}, nil)
	waitFor(t, "the devices", func() bool {
		r.pass(100 * time.Millisecond)
		n, _ := r.c.devices.choices("")
		return len(n) == 3
	})
	if n, at := r.c.devices.choices("HDMI 2"); at != 2 || n[0] != "Default device" {
		t.Errorf("choices are %q, of which %d is chosen, want 2", n, at)
	}
	if n, at := r.c.devices.choices("USB"); n[at] != "USB" {
		t.Errorf("a device that has gone is not among %q", n)
	}
	a, _ := r.waveCorners()
	right := int(r.c.sound.seen.meters[1].X)
	r.click(right-40, int(a.Y)-22, render.ButtonLeft)
	r.pass(time.Second)
	r.click(right-120, int(a.Y)-22+20+4+6+75, render.ButtonLeft)
	asked := r.took()
	if len(asked) != 1 || asked[0].Do != player.SetDevice || asked[0].Text != "HDMI 2" {
		t.Errorf("the third choice asked for %+v, want the device HDMI 2", asked)
	}
}

// TestSoundPanelSources tests that the scan is of the source that plays, and ends
// with it.
func TestSoundPanelSources(t *testing.T) {
	first := &tune{channels: 2, length: 10 * time.Second, rate: 8000, gate: make(chan struct{})}
	r := soundRig(t, 1280, 720, 1, first, nil)
	r.leave("sound-building")
	r.c.o.OpenSound = func(context.Context, string, int) (Sound, time.Duration, error) {
		return nil, 0, errors.New("no such file")
	}
	r.st.Name = "/clips/other.wav"
	r.pass(300 * time.Millisecond)
	waitFor(t, "the end of the first scan", first.isClosed)
	waitFor(t, "the failure", func() bool { r.pass(200 * time.Millisecond); return r.c.sound.scan.look().err != nil })
	r.pass(200 * time.Millisecond)
	r.leave("sound-failed")

	second := &tune{channels: 2, length: 10 * time.Second, rate: 8000, gate: make(chan struct{})}
	r = soundRig(t, 1280, 720, 1, second, nil)
	r.c.Close()
	waitFor(t, "the end of the scan", second.isClosed)
}

// TestSoundPanelLive tests that nothing is opened a second time that cannot be.
func TestSoundPanelLive(t *testing.T) {
	for _, live := range []bool{true, false} {
		opened := false
		r := newRig(t, 1280, 720, 1, Options{OpenSound: func(context.Context, string, int) (Sound, time.Duration, error) {
			opened = true
			return nil, 0, io.EOF
		}})
		r.st.IsLive, r.st.Seekable, r.m.Live = live, false, live
		r.st.Levels = levelsOf(-9, -3.2)
		r.press("w")
		r.pass(time.Second)
		if opened {
			t.Errorf("live %v: the source was opened again", live)
		}
		r.leave(fmt.Sprintf("sound-levels-%v", live))
	}
}

// TestSoundPanelOpens tests when the panel opens by itself.
func TestSoundPanelOpens(t *testing.T) {
	tests := []struct {
		name   string
		show   string
		change func(r *rig)
		want   bool
	}{
		{"sound alone", "auto", func(*rig) {}, true},
		{"never", "never", func(*rig) {}, false},
		{"pictures, none of which has come", "auto", func(r *rig) { r.st.HasVideo = true }, false},
		{"pictures", "auto", func(r *rig) { r.st.HasVideo, r.m.Frame = true, 0 }, false},
		{"opening", "auto", func(r *rig) { r.m.State = player.Opening }, false},
		{"nothing", "auto", func(r *rig) { r.m.State, r.st.HasSound = player.Idle, false }, false},
	}
	for _, tt := range tests {
		r := newRig(t, 640, 480, 1, Options{Show: tt.show})
		r.st.HasVideo, r.m.Frame = false, -1
		tt.change(r)
		r.pass(time.Second)
		if got := r.c.panels.sound; got != tt.want {
			t.Errorf("%s: open is %v, want %v", tt.name, got, tt.want)
		}
	}
	r := newRig(t, 640, 480, 1, Options{})
	r.st.HasVideo, r.m.Frame = false, -1
	r.pass(time.Second)
	r.press("w")
	r.st.Name = "/clips/next.wav"
	r.pass(time.Second)
	if r.c.panels.sound {
		t.Error("it opens for the next source although it was closed")
	}
	r = newRig(t, 640, 480, 1, Options{})
	r.st.HasVideo, r.m.Frame = false, -1
	r.pass(time.Second)
	r.st.HasVideo, r.m.Frame = true, 0
	r.pass(time.Second)
	if r.c.panels.sound {
		t.Error("it has opened by itself and stays when pictures come")
	}
}

// TestSoundPanelRate tests how often the panel is drawn.
func TestSoundPanelRate(t *testing.T) {
	r := soundRig(t, 1280, 720, 1, &tune{channels: 2, length: time.Second}, nil)
	measured := 0
	levels := r.st.Levels
	r.st.Levels = func() []analysis.Level { measured++; return levels() }
	r.pass(time.Second)
	if measured < 20 || measured > 31 {
		t.Errorf("playing it measured %d times a second, want 20 to 30", measured)
	}
	r.m.State = player.Paused
	r.pass(100 * time.Millisecond)
	measured = 0
	r.pass(time.Second)
	if measured > 1 {
		t.Errorf("paused it measured %d times a second, want not at all", measured)
	}
	r.m.State = player.Playing
	r.press("w")
	measured = 0
	r.pass(time.Second)
	if measured > 0 {
		t.Errorf("closed it measured %d times a second", measured)
	}
}

// TestSoundPanelSizes draws the panel in all sizes; the pictures are for looking at.
func TestSoundPanelSizes(t *testing.T) {
	before := failures.Load()
	for _, size := range []struct {
		w, h  int
		scale float64
	}{{1280, 720, 1}, {320, 240, 1}, {2560, 1440, 2}} {
		name := fmt.Sprintf("%dx%d", size.w, size.h)
		wave := soundRig(t, size.w, size.h, size.scale, &tune{channels: 2, length: 5 * time.Second}, func(r *rig) {
			r.st.Position = 3700 * time.Millisecond
			r.st.LoopA, r.st.LoopB = time.Second, 2400*time.Millisecond
		})
		wave.leave("sound-stereo-" + name)
		a, b := wave.waveCorners()
		wave.move(int(a.X+(b.X-a.X)/3), int(a.Y)+20)
		wave.wheel(int(a.X+(b.X-a.X)/3), int(a.Y)+20, 8, 0)
		wave.leave("sound-zoomed-" + name)
		wave.c.sound.spectrum = true
		wave.c.dirty = true
		wave.pass(time.Second)
		wave.leave("sound-spectrum-" + name)
		six := soundRig(t, size.w, size.h, size.scale, &tune{channels: 6, length: 3 * time.Second}, func(r *rig) {
			r.st.HasVideo, r.m.Frame = false, -1
			r.st.Channels.Muted = 1 << 3
		})
		six.leave("sound-six-" + name)
		six.c.sound.spectrum, six.c.sound.log = true, true
		six.c.dirty = true
		six.pass(time.Second)
		six.leave("sound-log-" + name)
		many := soundRig(t, size.w, size.h, size.scale, &tune{channels: 16, length: time.Second, rate: 8000}, nil)
		many.leave("sound-many-" + name)
	}
	if n := failures.Load() - before; n > 0 {
		t.Errorf("%d assertions of Dear ImGui failed", n)
	}
}

// BenchmarkSoundPanel draws the panel with the playhead and the levels moving.
func BenchmarkSoundPanel(b *testing.B) {
	for _, spectrum := range []bool{false, true} {
		r := soundRig(b, 924, 530, 1, &tune{channels: 2, length: 60 * time.Second}, func(r *rig) { r.st.HasVideo, r.m.Frame = false, -1 })
		r.c.sound.spectrum = spectrum
		b.Run(fmt.Sprintf("spectrum=%v", spectrum), func(b *testing.B) {
			for i := range b.N {
				r.st.Position = time.Duration(i%60000) * time.Millisecond
				r.st.Levels = levelsOf(-9-float64(i%20), -12)
				r.m.Now += meterEvery
				r.c.Draw(r.m)
			}
		})
	}
}

// leave is shot, if somebody wants to look: composing large pictures takes long.
func (r *rig) leave(name string) {
	if *shots != "" {
		r.shot(name)
	}
}
