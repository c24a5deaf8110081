package player

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"planar/audio"
	"planar/audio/analysis"
	nullaudio "planar/audio/null"
	"planar/demux"
)

// devices opens one simulated device after another and remembers what each played.
type devices struct {
	mu    sync.Mutex
	heard []*heardAt
	fail  atomic.Bool
	lost  atomic.Int64 // the number of the device that has gone, from 1
	opens time.Duration

	asleep atomic.Int64 // ns before the next device takes anything
}

// numbered is a device that can go.
type numbered struct {
	*nullaudio.Device
	d *devices
	n int
}

func (n numbered) Lost() bool { return n.d.lost.Load() == int64(n.n) }

// sleeping is a device that wakes up some time after it was first started.
type sleeping struct {
	numbered
	d time.Duration
}

func (s sleeping) Pause(paused bool) {
	s.numbered.Pause(paused)
	if !paused {
		s.Stall(s.d)
	}
}

// afterSilence is what follows the silence at the beginning of mono s16, and how many
// frames of it there are.
func afterSilence(pcm []byte) (silence int64, rest []byte) {
	n := (len(pcm) - len(bytes.TrimLeft(pcm, "\x00"))) / 2
	return int64(n), pcm[2*n:]
}

func (d *devices) use(s *stage) {
	s.cfg.OpenAudio = func(_ string, f audio.Format) (AudioOutput, error) {
		time.Sleep(d.opens)
		if d.fail.Load() {
			return nil, errors.New("no such device")
		}
		h := &heardAt{begin: s.screen.begin}
		d.mu.Lock()
		d.heard = append(d.heard, h)
		n := len(d.heard)
		d.mu.Unlock()
		o := s.sound
		o.Consume = h.consume(f, o.Latency)
		dev, err := nullaudio.Open(f, o)
		if err == nil && d.asleep.Load() > 0 {
			d.mu.Lock()
			defer d.mu.Unlock()
			return sleeping{numbered{dev, d, n}, time.Duration(d.asleep.Load())}, nil
		}
		return numbered{dev, d, n}, err
	}
}

func (d *devices) all() []*heardAt {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]*heardAt(nil), d.heard...)
}

// speaker is that of the source being played.
func (s *stage) speaker() *speaker {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return s.p.current.speaker
}

// A change of the device while it plays: pictures keep their pace, and the sound
// goes on in time with them, with a hole no longer than opening takes.
func TestReopen(t *testing.T) {
	for _, c := range []struct {
		name string
		at   time.Duration
		hole time.Duration // at most
		do   func(*stage, *devices)
	}{
		{"asked for", 2 * time.Second, 150 * ms, func(s *stage, _ *devices) { s.speaker().reopen() }},
		{"near the end", 5800 * ms, 150 * ms, func(s *stage, _ *devices) { s.speaker().reopen() }},
		{"a device that starts slowly", 2 * time.Second, 1650 * ms, func(s *stage, d *devices) {
			d.asleep.Store(int64(1500 * ms))
			s.speaker().reopen()
		}},
		{"device gone", 2 * time.Second, 150 * ms, func(_ *stage, d *devices) { d.lost.Store(1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				sound, data := s.tone(6 * time.Second)
				d := &devices{opens: 60 * ms}
				d.use(s)
				s.start(demux.Pair(slow{s.pictures(150), func() time.Duration { return ms }}, sound))
				time.Sleep(c.at)
				c.do(s, d)
				s.finish()

				all := s.screen.all()
				if !equalNumbers(all, 150) {
					t.Fatalf("frames shown: %v", numbers(all))
				}
				for i, f := range all[2:] { // the first waits for the first device
					if gap := f.at - all[i+1].at; gap < 25*ms || gap > 55*ms {
						t.Errorf("frame %d came %v after the one before", f.number, gap)
					}
				}
				heard := d.all()
				if len(heard) != 2 {
					t.Fatalf("%d devices were opened, want 2", len(heard))
				}
				first := heard[0].data
				silence, second := afterSilence(heard[1].data)
				if !bytes.HasPrefix(data, first) || !bytes.HasSuffix(data, second) {
					t.Fatalf("%d and %d bytes were played; they are not the beginning and the end of the sound", len(first), len(second))
				}
				missing := testFormat.Duration(int64(len(data)-len(first)-len(second)) / 2)
				if missing < 0 || missing > c.hole {
					t.Errorf("%v of sound are missing", missing)
				}
				begin := int64(len(data)-len(second)) / 2 // of the second device's sound
				for _, f := range all {
					frame := testFormat.Frames(f.pts)
					at, ok := heard[1].when(frame-begin+silence, testRate)
					if frame < begin || !ok {
						continue
					}
					if off := f.at - at; abs(off) > 2*ms {
						t.Errorf("frame %d was shown %v after its sound", f.number, off)
					}
				}
			})
		})
	}
}

func equalNumbers(all []seen, n int64) bool {
	got := numbers(all)
	if int64(len(got)) != n {
		return false
	}
	for i, v := range got {
		if v != int64(i) {
			return false
		}
	}
	return true
}

// In a pause the new device begins exactly where the old one stood.
func TestReopenPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, data := s.tone(4 * time.Second)
		d := &devices{}
		d.use(s)
		s.start(sound)
		time.Sleep(2 * time.Second)
		s.screen.press("space")
		time.Sleep(time.Second)
		at, _ := s.speaker().heard()
		s.speaker().reopen()
		time.Sleep(time.Second)
		s.screen.press("space")
		s.finish()
		heard := d.all()
		if len(heard) != 2 {
			t.Fatalf("%d devices were opened, want 2", len(heard))
		}
		_, second := afterSilence(heard[1].data)
		if !bytes.HasSuffix(data, second) {
			t.Fatal("the second device did not play the end of the sound")
		}
		if from := testFormat.Duration(int64(len(data)-len(second)) / 2); abs(from-at) > ms {
			t.Errorf("it goes on from %v, want %v", from, at)
		}
	})
}

// A device that cannot be opened costs the sound, not the picture, and another one
// brings the sound back.
func TestReopenFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, data := s.tone(8 * time.Second)
		d := &devices{}
		d.use(s)
		s.start(demux.Pair(slow{s.pictures(200), func() time.Duration { return ms }}, sound))
		time.Sleep(time.Second)
		d.fail.Store(true)
		s.speaker().reopen()
		time.Sleep(time.Second)
		if log := s.log.String(); !strings.Contains(log, "no such device: playing without sound") {
			t.Errorf("the log says %q", log)
		}
		d.fail.Store(false)
		s.speaker().reopen()
		s.finish()
		all := s.screen.all()
		if !equalNumbers(all, 200) {
			t.Fatalf("frames shown: %v", numbers(all))
		}
		heard := d.all()
		if len(heard) != 2 {
			t.Fatalf("%d devices were opened, want 2", len(heard))
		}
		// Packets that were read meanwhile are gone: it begins with silence.
		silence, rest := afterSilence(heard[1].data)
		if len(rest) < 3*testRate*2 || !bytes.HasSuffix(data, rest) {
			t.Fatal("the second device did not play the end of the sound")
		}
		begin := int64(len(data)-len(rest)) / 2
		last := all[199]
		at, ok := heard[1].when(testFormat.Frames(last.pts)-begin+silence, testRate)
		if !ok || abs(last.at-at) > 5*ms {
			t.Errorf("the last picture was shown at %v, its sound at %v", last.at, at)
		}
	})
}

// Where the device that was chosen cannot be opened the default one plays on, and the
// controls are told when none does.
func TestReopenFallsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, desk, _ := newDesk(t)
		sound, _ := s.tone(8 * time.Second)
		s.cfg.Open = func(context.Context, string) (demux.Source, error) { return sound, nil }
		d := &devices{}
		d.use(s)
		open := s.cfg.OpenAudio
		s.cfg.OpenAudio = func(name string, f audio.Format) (AudioOutput, error) {
			if name != "" {
				return nil, errors.New(name + " cannot be opened")
			}
			return open(name, f)
		}
		s.start(nil)
		time.Sleep(time.Second)
		desk.ask(Command{Do: SetDevice, Text: "headphones"})
		time.Sleep(time.Second)
		desk.Wake()
		time.Sleep(time.Second)
		if st := desk.status(); st.Device != "" || st.NoSound != "" || st.State != "playing" {
			t.Errorf("device %q, %s, no sound: %q", st.Device, st.State, st.NoSound)
		}
		if n := len(d.all()); n != 2 {
			t.Errorf("%d devices were opened, want 2", n)
		}
		if log := s.log.String(); !strings.Contains(log, "headphones cannot be opened: trying the default one") {
			t.Errorf("the log says %q", log)
		}
		s.finish()
	})
}

// The device that plays is not opened anew when it is chosen once more.
func TestSameDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, desk, _ := newDesk(t)
		sound, data := s.tone(4 * time.Second)
		s.cfg.Open = func(context.Context, string) (demux.Source, error) { return sound, nil }
		d := &devices{}
		d.use(s)
		s.start(nil)
		for _, device := range []string{"", "headphones", "headphones"} {
			time.Sleep(time.Second)
			desk.ask(Command{Do: SetDevice, Text: device})
		}
		s.finish()
		if heard := d.all(); len(heard) != 2 {
			t.Errorf("%d devices were opened, want 2", len(heard))
		} else if _, rest := afterSilence(heard[1].data); !bytes.HasSuffix(data, rest) || len(rest) < testRate*2 {
			t.Error("the second one did not play the end of the sound")
		}
	})
}

// The controls are told why there is no sound, and when there is again.
func TestNoSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, desk, _ := newDesk(t)
		sound, _ := s.tone(8 * time.Second)
		src := demux.Pair(slow{s.pictures(200), func() time.Duration { return ms }}, sound)
		s.cfg.Open = func(context.Context, string) (demux.Source, error) { return src, nil }
		d := &devices{}
		d.use(s)
		d.fail.Store(true)
		s.start(nil)
		for _, want := range []string{"no such device", ""} {
			time.Sleep(time.Second)
			if got := desk.status().NoSound; got != want {
				t.Errorf("there is no sound because of %q, want %q", got, want)
			}
			d.fail.Store(false)
			desk.ask(Command{Do: SetDevice})
		}
		s.finish()
	})
}

// A change of the device when the sound is over, and the pictures go on, holds nothing up.
func TestReopenAfterTheSound(t *testing.T) {
	for _, at := range []time.Duration{2700 * ms, 3200 * ms, 4900 * ms, 5010 * ms} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			sound, _ := s.tone(3 * time.Second)
			d := &devices{}
			d.use(s)
			s.start(demux.Pair(s.pictures(125), sound))
			time.Sleep(at)
			s.speaker().reopen()
			s.finish()
			if all := s.screen.all(); !equalNumbers(all, 125) {
				t.Errorf("%v: frames shown: %v", at, numbers(all))
			} else if took := all[124].at - all[0].at; took < 4900*ms || took > 5050*ms {
				t.Errorf("%v: 124 frames took %v, want 4.96 s", at, took)
			}
		})
	}
}

// Nor where no output was ever opened, because playback begins behind the sound.
func TestReopenWithoutSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, _ := s.tone(2 * time.Second)
		s.cfg.Start = 3 * time.Second
		s.start(demux.Pair(s.pictures(100), sound))
		time.Sleep(500 * ms)
		s.speaker().reopen()
		s.finish()
		if took := time.Since(s.screen.begin); took > 2*time.Second {
			t.Errorf("the last second took %v", took)
		}
	})
}

// Whatever else happens meanwhile, it plays on, and the end of the sound is heard.
func TestReopenAnyTime(t *testing.T) {
	for seed := range int64(20) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewSource(seed))
			s := newStage(t)
			sound, data := s.tone(8 * time.Second)
			d := &devices{opens: 30 * ms}
			d.use(s)
			s.start(demux.Pair(s.pictures(200), sound))
			paused := false
			for range 25 {
				time.Sleep(time.Duration(r.Intn(200)) * ms)
				switch r.Intn(6) {
				case 0:
					s.screen.press("space")
					paused = !paused
				case 1:
					s.screen.press("left")
				case 2:
					k := s.speaker()
					k.setMetering(true)
					k.levels()
				default:
					s.speaker().reopen()
				}
			}
			if paused {
				s.screen.press("space")
			}
			s.finish()
			heard := d.all()
			_, last := afterSilence(heard[len(heard)-1].data)
			tail := data[len(data)-testRate:] // half a second
			if len(last) < len(tail) || !bytes.Equal(last[len(last)-len(tail):], tail) {
				t.Errorf("seed %d: the last of %d devices did not play the end of the sound", seed, len(heard))
			}
			all := s.screen.all()
			if f := all[len(all)-1]; f.number != 199 {
				t.Errorf("seed %d: the last picture is %d", seed, f.number)
			} else if at, ok := heard[len(heard)-1].when(heard[len(heard)-1].frames()-testFormat.Frames(40*ms), testRate); !ok || abs(at-f.at) > 5*ms {
				t.Errorf("seed %d: the last picture was shown at %v, its sound at %v", seed, f.at, at)
			}
		})
	}
}

// A device that goes again and again is not opened for ever.
func TestDeviceGoesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, _ := s.tone(4 * time.Second)
		d := &devices{}
		d.use(s)
		s.start(demux.Pair(s.pictures(100), sound))
		time.Sleep(time.Second)
		d.lost.Store(1)
		time.Sleep(time.Second)
		d.lost.Store(2)
		s.finish()
		if n := len(d.all()); n != 2 {
			t.Errorf("%d devices were opened, want 2", n)
		}
		if log := s.log.String(); !strings.Contains(log, "the sound device has gone: playing without sound") {
			t.Errorf("the log says %q", log)
		}
	})
}

// A device that comes back after a while is heard again, in time; that there was none is
// said once.
func TestDeviceComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, data := s.tone(14 * time.Second)
		d := &devices{}
		d.use(s)
		s.start(demux.Pair(s.pictures(350), sound))
		time.Sleep(time.Second)
		d.fail.Store(true)
		d.lost.Store(1)
		time.Sleep(7 * time.Second)
		if st := s.p.Stats(); st.AVKnown {
			t.Error("without sound there still is a difference to it")
		}
		d.fail.Store(false)
		s.finish()
		all := d.all()
		if len(all) != 2 {
			t.Fatalf("%d devices were opened, want 2", len(all))
		}
		if n := strings.Count(s.log.String(), "playing without sound"); n != 1 {
			t.Errorf("it was said %d times that there is no sound", n)
		}
		_, rest := afterSilence(all[1].data)
		if len(rest) < 2*int(testFormat.Frames(2*time.Second)) || !bytes.HasSuffix(data, rest) {
			t.Errorf("%d bytes were heard at the end, or others than those of the file", len(rest))
		}
		shown := s.screen.all()
		for i, f := range shown[2:] { // the first waits for the first device
			if gap := f.at - shown[i+1].at; gap < 25*ms || gap > 55*ms {
				t.Errorf("frame %d came %v after the one before", f.number, gap)
			}
		}
	})
}

// steps makes a stereo source: half and tenth of full scale, in the first and the
// second channel, that change places each second.
func (s *stage) steps(seconds int) (demux.Source, audio.Format) {
	f := audio.Format{Sample: audio.S16, Rate: testRate, Channels: 2}
	var data []byte
	for i := range seconds * testRate {
		a, b := int16(16384), int16(3277)
		if i/testRate%2 == 1 {
			a, b = b, a
		}
		if i%2 == 1 {
			a, b = -a, -b
		}
		data = binary.NativeEndian.AppendUint16(data, uint16(a))
		data = binary.NativeEndian.AppendUint16(data, uint16(b))
	}
	path := filepath.Join(s.dir, "steps.pcm")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		s.t.Fatal(err)
	}
	src, err := demux.OpenRawAudio(path, demux.RawAudioParams{Codec: "pcm_s16le", SampleBytes: 2, Format: f})
	if err != nil {
		s.t.Fatal(err)
	}
	return src, f
}

// Levels are those of what is heard, which is what was handed over a quarter of a
// second and more ago.
func TestLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		src, f := s.steps(4)
		s.start(src)
		time.Sleep(100 * ms)
		k := s.speaker()
		if l := k.levels(); l != nil {
			t.Errorf("levels that nobody measures: %v", l)
		}
		k.setMetering(true)
		half, tenth := analysis.DB(0.5), analysis.DB(3277.0/32768)
		for _, c := range []struct {
			heard       time.Duration
			left, right float64
		}{
			{900 * ms, half, tenth}, {1150 * ms, tenth, half}, {1950 * ms, tenth, half}, {2150 * ms, half, tenth},
		} {
			now, _ := k.heard()
			time.Sleep(c.heard - now)
			l := k.levels()
			if len(l) != 2 || math.Abs(l[0].Peak-c.left) > 0.01 || math.Abs(l[1].Peak-c.right) > 0.01 {
				t.Errorf("at %v: %+v, want peaks of %.2f and %.2f", c.heard, l, c.left, c.right)
			}
		}
		if l := k.levels(); math.Abs(l[0].Hold-half) > 0.01 {
			t.Errorf("held %v, want %v", l[0].Hold, half)
		}
		if in, out := k.formats(); in != f || out != f {
			t.Errorf("formats %v and %v, want %v", in, out, f)
		}
		s.finish()
	})
}

// Channels that are muted are silent in what is played, and only they.
func TestMuteChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		src, f := s.steps(4)
		s.start(src)
		time.Sleep(time.Second)
		k := s.speaker()
		k.setMuted(1)
		time.Sleep(time.Second)
		k.setSolo(1)
		time.Sleep(time.Second)
		k.setMuted(0)
		k.setSolo(0)
		s.finish()
		pcm := s.heard.data
		if int64(len(pcm)) != 4*testRate*4 {
			t.Fatalf("%d bytes were played", len(pcm))
		}
		for _, c := range []struct {
			at          time.Duration
			left, right bool
		}{{500 * ms, true, true}, {1800 * ms, false, true}, {2800 * ms, true, false}, {3800 * ms, true, true}} {
			b := pcm[f.Frames(c.at)*4:]
			l, r := binary.NativeEndian.Uint16(b) != 0, binary.NativeEndian.Uint16(b[2:]) != 0
			if l != c.left || r != c.right {
				t.Errorf("at %v: left %v, right %v; want %v, %v", c.at, l, r, c.left, c.right)
			}
		}
	})
}

func TestUnheard(t *testing.T) {
	var u unheard
	b := &audio.Block{Format: testFormat, Frames: 4800, Planes: [][]byte{make([]byte, 9600)}}
	for i := range 10 {
		b.Planes[0][0] = byte(i)
		u.add(b, time.Duration(i)*100*ms)
	}
	u.heard(450 * ms)
	if len(u.blocks) != 6 || u.bytes != 6*9600 || u.blocks[0].start != 400*ms || u.blocks[0].Planes[0][0] != 4 {
		t.Errorf("%d blocks of %d bytes are kept", len(u.blocks), u.bytes)
	}
	for range 2 * maxUnheard / 9600 {
		u.add(b, time.Hour)
	}
	if u.bytes > maxUnheard || u.bytes != len(u.blocks)*9600 {
		t.Errorf("%d bytes are kept", u.bytes)
	}
	u.heard(2 * time.Hour)
	if u.bytes != 0 || len(u.blocks) != 0 {
		t.Errorf("%d bytes are kept", u.bytes)
	}
}

func TestReadSound(t *testing.T) {
	s := newStage(t)
	sound, data := s.tone(2 * time.Second)
	r, err := ReadSound(t.Context(), demux.Pair(s.pictures(50), sound), -1)
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for {
		b, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := testFormat.Duration(int64(len(got)) / 2); b.PTS != want {
			t.Errorf("a block at %v, want %v", b.PTS, want)
		}
		got = append(got, b.Planes[0][:b.Frames*2]...)
		b.Release()
	}
	if !bytes.Equal(got, data) {
		t.Errorf("%d bytes were read, of %d; or they differ", len(got), len(data))
	}
	if _, err := r.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	sound, _ = s.tone(time.Second)
	if r, err = ReadSound(ctx, sound, 0); err != nil {
		t.Fatal(err)
	}
	p := analysis.NewPeaks(time.Second)
	if err := analysis.Scan(ctx, r, p, nil); err != nil || p.Progress() != 1 || p.Duration() != time.Second {
		t.Errorf("scan: %v, progress %v, %v", err, p.Progress(), p.Duration())
	}
	cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("after it was cancelled: %v", err)
	}
	r.Close()
	for what, src := range map[string]demux.Source{"pictures": s.pictures(1), "live": &live{liveServer: newLiveServer(0), stop: make(chan struct{})}} {
		if _, err := ReadSound(t.Context(), src, -1); err == nil {
			t.Error(fmt.Sprint("sound was found in ", what))
		}
	}
}
