package player

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"planar/demux"
)

// slowReader is a source that takes its time to read a packet.
type slowReader struct {
	demux.Source
	each func() time.Duration
}

func (s slowReader) Read() (*demux.Packet, error) {
	time.Sleep(s.each())
	return s.Source.Read()
}

// typeKeys presses keys one after another, with time to act between them.
func (s *stage) typeKeys(keys ...string) {
	for _, k := range keys {
		s.screen.press(k)
		time.Sleep(100 * ms)
	}
}

// at fails unless a frame is on the screen.
func (s *stage) at(what string, want int64) {
	s.t.Helper()
	if got := s.screen.last().number; got != want {
		s.t.Fatalf("%s: frame %d is on the screen, want %d", what, got, want)
	}
}

// goTo types a position.
func (s *stage) goTo(to string) {
	s.typeKeys("g")
	s.typeKeys(strings.Split(to, "")...)
	s.typeKeys("return")
}

func TestLoopBetweenTwoFrames(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to int // in the order in which they are marked
		sound    bool
		length   int // frames in the source
	}{
		{"silent", 10, 20, false, 100},
		{"with sound", 10, 20, true, 100},
		{"marked backwards", 20, 10, true, 100},
		{"from the first to the last frame", 0, 29, false, 30},
		{"to the last frame, with sound", 10, 29, true, 30},
		{"one frame", 12, 12, false, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.cfg.Paused = true
				src := s.pictures(c.length)
				var data []byte
				if c.sound {
					var sound demux.Source
					sound, data = s.tone(time.Duration(c.length) * 40 * ms)
					src = demux.Pair(src, sound)
				}
				s.start(src)
				time.Sleep(100 * ms)
				s.goTo(fmt.Sprint(c.from))
				s.at("A", int64(c.from))
				s.typeKeys("l")
				s.goTo(fmt.Sprint(c.to))
				s.at("B", int64(c.to))
				s.typeKeys("l")
				a, b := int64(min(c.from, c.to)), int64(max(c.from, c.to))
				st := s.p.Stats()
				if st.LoopA != time.Duration(a)*40*ms || st.LoopB != time.Duration(b)*40*ms {
					t.Errorf("loop %v to %v in the statistics", st.LoopA, st.LoopB)
				}
				if want := "loop " + ClockText(st.LoopA) + " to " + ClockText(st.LoopB); !strings.Contains(s.screen.Title(), want) || !strings.Contains(s.log.String(), want) {
					t.Errorf("title %q, log %s; want %q in both", s.screen.Title(), s.log.String(), want)
				}
				before := len(s.screen.all())
				s.screen.press("space")
				time.Sleep(10 * time.Second)
				all := s.screen.all()[before:]
				next, rounds := int64(c.to)+1, 0
				for i, f := range all {
					if next > b {
						next = a
						rounds++
					}
					if f.number != next {
						t.Fatalf("frames %v: want %d as number %d", numbers(all), next, i)
					}
					next++
					if i == 0 {
						continue
					}
					gap, most := f.at-all[i-1].at, 42*ms
					switch {
					case f.number == a:
						most = 60 * ms
					case all[i-1].number == a && c.sound: // the sound sets in
						most = 200 * ms
					}
					if gap < 38*ms || gap > most {
						t.Errorf("frame %d came %v after the one before", f.number, gap)
					}
				}
				if want := int(10*time.Second/(time.Duration(b-a+1)*40*ms+150*ms)) - 1; rounds < want {
					t.Errorf("%d rounds, want at least %d", rounds, want)
				}
				if c.sound {
					begin := data[2*testFormat.Frames(time.Duration(a)*40*ms+ms):]
					s.heard.mu.Lock()
					if n := bytes.Count(s.heard.data, begin[:64]); n < rounds-1 || n > rounds+1 {
						t.Errorf("the sound of frame %d was played %d times in %d rounds", a, n, rounds)
					}
					s.heard.mu.Unlock()
				}
				if st := s.p.Stats(); st.Dropped != 0 {
					t.Errorf("%d frames were dropped", st.Dropped)
				}

				s.typeKeys("l") // off
				if st := s.p.Stats(); st.LoopA != NoLoop || st.LoopB != NoLoop || strings.Contains(s.screen.Title(), "loop") {
					t.Errorf("after the third press: loop %v to %v, title %q", st.LoopA, st.LoopB, s.screen.Title())
				}
				time.Sleep(10 * time.Second) // to the end
				s.stop()
				s.at("without the loop", int64(c.length)-1)
			})
		})
	}
}

func TestLoopDoesNotConfineSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Paused = true
		s.start(s.pictures(100))
		time.Sleep(100 * ms)
		s.goTo("10")
		s.typeKeys("l")
		s.goTo("12")
		s.typeKeys("l", ".", ".")
		s.at("two steps behind B", 14)
		s.typeKeys(",", ",", ",", ",", ",")
		s.at("a step before A", 9)
		s.typeKeys("space")
		time.Sleep(time.Second)
		if n := s.screen.last().number; n < 10 || n > 12 {
			t.Errorf("playback came into the loop, but is at %d", n)
		}
		s.typeKeys("right") // leaves it
		time.Sleep(time.Second)
		if n := s.screen.last().number; n < 99 {
			t.Errorf("a seek behind the loop led to %d", n)
		}
		s.stop()
	})
}

func TestLoopOfSoundOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, data := s.tone(20 * time.Second)
		s.start(sound)
		time.Sleep(time.Second)
		s.screen.press("l")
		time.Sleep(time.Second)
		s.screen.press("l")
		time.Sleep(5 * time.Second)
		st := s.p.Stats()
		if d := st.LoopB - st.LoopA; abs(d-time.Second) > 60*ms {
			t.Errorf("loop %v to %v", st.LoopA, st.LoopB)
		}
		k := 2 * testFormat.Frames(st.LoopA+ms)
		s.heard.mu.Lock()
		if n := bytes.Count(s.heard.data, data[k:k+64]); n < 4 || n > 7 {
			t.Errorf("in 5 s the sound at A was played %d times", n)
		}
		s.heard.mu.Unlock()
		s.stop()
	})
}

func TestLoopWhereThereIsNoSeeking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Open = newLiveServer(0).open
		s.start(nil)
		time.Sleep(time.Second)
		s.typeKeys("l", "l")
		if st := s.p.Stats(); st.LoopA != NoLoop || !strings.Contains(s.log.String(), "cannot loop") {
			t.Errorf("loop from %v; log: %s", st.LoopA, s.log.String())
		}
		s.stop()
	})
}

func TestTypedPositions(t *testing.T) {
	for _, c := range []struct {
		keys  string // separated by spaces
		title string // before the last key
		want  int64
	}{
		{"g 1 2 return", "go to #12_", 12},
		{"# 9 9 return", "go to #99_", 99},
		{"g 0 return", "go to #0_", 0},
		{"g 1 . 0 return", "go to 1.0_", 25},
		{"g 0 : 0 2 . 5 return", "go to 0:02.5_", 62},
		{"g 1 2 3 backspace backspace return", "go to #1_", 1},
		{"g 1 backspace backspace 7 return", "go to #7_", 7},
		{"g 5 0 0 return", "go to #500_", 99},
		{"g 9 : 0 0 return", "go to 9:00_", 99},
		{"g 9 9 9 9 9 9 9 9 9 9 9 9 9 9 return", "go to #99999999999999_", 99},
		{"g return", "go to #_", 50},
		{"g 1 2 escape", "go to #12_", 50},
		{"g 1 2 .", "go to #12_", 50},
		{"g 1 2 ,", "go to #12_", 50},
		{"g 1 , 2 return", "go to 1.2_", 30},
		{"g 1 2 left", "go to #12_", 0},
		{"g 1 2 g 3 return", "go to #3_", 3},
		{"g 1 : : 2 return", "go to 1::2_", 50},
		{"g 1 home", "go to #1_", 0},
		{"g 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 return", "go to #999999999999999999999999_", 50},
	} {
		t.Run(c.keys, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.cfg.Paused, s.cfg.StartFrame = true, 50
				s.start(s.pictures(100))
				time.Sleep(100 * ms)
				keys := strings.Fields(c.keys)
				s.typeKeys(keys[:len(keys)-1]...)
				if !strings.HasPrefix(s.screen.Title(), c.title) {
					t.Errorf("title %q, want %q", s.screen.Title(), c.title)
				}
				s.typeKeys(keys[len(keys)-1])
				s.at("then", c.want)
				if open := strings.Contains(s.screen.Title(), "go to"); open != strings.Contains(".,", keys[len(keys)-1]) {
					t.Errorf("title %q", s.screen.Title())
				}
				s.stop()
			})
		})
	}
}

func TestTypedFrameWithoutARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, _ := s.tone(5 * time.Second)
		s.start(sound)
		time.Sleep(time.Second)
		s.goTo("12")
		if !strings.Contains(s.log.String(), "the frame rate is not known") {
			t.Errorf("log: %s", s.log.String())
		}
		s.goTo("4.0")
		if p := s.p.Stats().PTS; p < 4*time.Second || p > 4200*ms {
			t.Errorf("after going to 4 s: %v", p)
		}
		s.stop()
	})
}

// Keys that come slowly are all obeyed, those that come fast do not pile up.
func TestSteps(t *testing.T) {
	ten := func(key string) []string { return slices.Repeat([]string{key}, 10) }
	for _, c := range []struct {
		name string
		slow []string
		fast []string // all at once
		want []int64  // possible frames
	}{
		{"back", ten(","), nil, []int64{40}},
		{"forward", ten("."), nil, []int64{60}},
		{"to and fro", slices.Repeat([]string{",", "."}, 10), nil, []int64{50}},
		{"fro and to", slices.Repeat([]string{".", ","}, 10), nil, []int64{50}},
		{"to and fro at once", nil, []string{",", "."}, []int64{50}},
		{"fro and to at once", nil, []string{".", ","}, []int64{50}},
		{"twice to and fro at once", nil, []string{",", ".", ",", "."}, []int64{50}},
		{"to, fro and to at once", nil, []string{",", ".", ","}, []int64{49}},
		{"two back at once", nil, []string{",", ","}, []int64{48}},
		{"ten back at once", nil, ten(","), []int64{48}},
		{"two forward at once", nil, []string{".", "."}, []int64{52}},
		{"ten forward at once", nil, ten("."), []int64{52}},
		{"back at the first frame", []string{"home", ",", ","}, nil, []int64{0}},
		{"forward from it", []string{"home", ",", ","}, []string{"."}, []int64{1}},
		{"forward at the last frame", []string{"end", ".", "."}, nil, []int64{99}},
		{"back from it", []string{"end", ".", ".", ","}, nil, []int64{98}},
		{"back from it at once", []string{"end"}, []string{".", ","}, []int64{98}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.cfg.Paused, s.cfg.StartFrame = true, 50
				s.start(s.pictures(100))
				time.Sleep(100 * ms)
				s.typeKeys(c.slow...)
				s.screen.press(c.fast...)
				time.Sleep(100 * ms)
				if n := s.screen.last().number; !slices.Contains(c.want, n) {
					t.Errorf("frame %d, want one of %v; all: %v", n, c.want, numbers(s.screen.all()))
				}
				if st := s.p.Stats(); st.Dropped != 0 || st.State != "paused" {
					t.Errorf("%d dropped, %s", st.Dropped, st.State)
				}
				s.stop()
			})
		})
	}
}

func TestStepsAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Exit = false
		sound, _ := s.tone(4 * time.Second)
		s.start(demux.Pair(s.pictures(100), sound))
		time.Sleep(6 * time.Second)
		if st := s.p.Stats(); st.State != "ended" {
			t.Fatalf("state %q", st.State)
		}
		s.typeKeys(".", ".")
		s.at(". at the end", 99)
		s.typeKeys(",")
		s.at(", after the end", 98)
		s.typeKeys(".", ".", ",")
		s.at(". . ,", 98)
		s.stop()
	})
}

func TestStepWhilePlaying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.start(s.pictures(100))
		time.Sleep(1010 * ms)
		n := s.screen.last().number
		s.typeKeys(".")
		s.at(".", n+1)
		if st := s.p.Stats(); st.State != "paused" {
			t.Errorf("a step does not stop: %s", st.State)
		}
		s.typeKeys("space")
		time.Sleep(910 * ms)
		n = s.screen.last().number
		s.typeKeys(",")
		s.at(",", n-1)
		s.stop()
	})
}

// Stepping waits for no timer: a key that repeats at once runs as fast as the
// machine allows.
func TestStepsWaitForNothing(t *testing.T) {
	for _, key := range []string{",", "."} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			s.cfg.Paused, s.cfg.StartFrame = true, 120
			sound, _ := s.tone(10 * time.Second)
			s.start(demux.Pair(s.pictures(250), sound))
			time.Sleep(time.Second)
			began := time.Now()
			for range 100 {
				s.screen.press(key)
				synctest.Wait()
			}
			if d := time.Since(began); d != 0 || len(s.screen.all()) != 101 {
				t.Errorf("100 times %q showed %d frames and took %v", key, len(s.screen.all())-1, d)
			}
			s.stop()
		})
	}
}

// A seek that failed must not keep a step from being taken.
func TestStepAfterAFailedSeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Exit = false
		var fail atomic.Bool
		s.start(failSeek{s.pictures(100), &fail})
		time.Sleep(time.Second)
		fail.Store(true)
		s.typeKeys("right")
		n := s.screen.last().number
		fail.Store(false)
		s.typeKeys(",")
		s.at(",", n-1)
		s.stop()
	})
}

// growing is a source of which only so many frames are there yet.
type growing struct {
	demux.Source
	frames *atomic.Int64
}

func (g growing) until() time.Duration { return time.Duration(g.frames.Load()) * 40 * ms }

func (g growing) Info() demux.Info {
	i := g.Source.Info()
	i.Duration = g.until()
	return i
}

func (g growing) Streams() []demux.Stream {
	st := slices.Clone(g.Source.Streams())
	st[0].Duration = g.until()
	return st
}

func (g growing) Read() (*demux.Packet, error) {
	p, err := g.Source.Read()
	if err == nil && p.PTS >= g.until() {
		p.Release()
		return nil, io.EOF
	}
	return p, err
}

func (g growing) Seek(t time.Duration) error {
	if t > g.until() {
		return fmt.Errorf("seek to %v, behind the end at %v", t, g.until())
	}
	return g.Source.Seek(min(t, g.until()-40*ms))
}

func TestGrowingAndShrinkingFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Exit = false
		g := growing{s.pictures(200), &atomic.Int64{}}
		g.frames.Store(50)
		s.start(g)
		time.Sleep(time.Second)
		if d := s.p.Stats().Duration; d != 2*time.Second {
			t.Errorf("duration %v", d)
		}
		g.frames.Store(100) // it is seen when reading comes there
		time.Sleep(9 * time.Second)
		s.at("the end of the grown file", 99)
		st := s.p.Stats()
		if st.Duration != 4*time.Second || st.State != "ended" {
			t.Errorf("duration %v, %s", st.Duration, st.State)
		}
		g.frames.Store(150)
		time.Sleep(time.Second)
		s.at("nothing goes on by itself", 99)
		s.typeKeys(",", "end") // paused
		s.at("End", 149)
		g.frames.Store(180)
		s.goTo("170")
		s.at("a frame that was not there before", 170)
		if d := s.p.Stats().Duration; d != 180*40*ms {
			t.Errorf("duration %v", d)
		}
		g.frames.Store(60)
		s.typeKeys(",")
		s.at(", in a file that was cut", 59)
		s.typeKeys(",", "up")
		s.at("60 s on in a file that was cut", 59)
		if d := s.p.Stats().Duration; d != 60*40*ms {
			t.Errorf("duration %v", d)
		}
		s.stop()
	})
}

func TestSeekBehindTheEndOfSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Exit = false
		sound, _ := s.tone(20 * time.Second)
		s.start(sound)
		time.Sleep(time.Second)
		s.screen.press("end")
		synctest.Wait()
		for range 3 {
			if st := s.p.Stats(); st.PTS < 20*time.Second || st.PTS > 20*time.Second+10*ms {
				t.Errorf("at the end of 20 s: %v, %s", st.PTS, st.State)
			}
			time.Sleep(time.Second)
		}
		s.screen.press("left")
		time.Sleep(time.Second)
		if st := s.p.Stats(); st.PTS < 15500*ms || st.PTS > 16500*ms {
			t.Errorf("a second after going back 5 s: %v, %s", st.PTS, st.State)
		}
		s.goTo("0:19.0")
		time.Sleep(3 * time.Second)
		if st := s.p.Stats(); st.State != "ended" {
			t.Errorf("%v, %s", st.PTS, st.State)
		}
		s.stop()
	})
}

// hanging is a source that at some packet does not return any more, come what may.
type hanging struct {
	demux.Source
	left    *int
	release chan struct{}
}

func (h hanging) Read() (*demux.Packet, error) {
	if *h.left--; *h.left < 0 {
		<-h.release
		return nil, io.EOF
	}
	return h.Source.Read()
}

func TestHangingReaderLeavesNoOpenDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		left := 100
		sound, _ := s.tone(4 * time.Second)
		h := hanging{demux.Pair(s.pictures(100), sound), &left, make(chan struct{})}
		s.start(h)
		time.Sleep(time.Second)
		s.stop()
		if _, err := s.device().Write(make([]byte, 2)); err == nil {
			t.Error("the sound device is still open")
		}
		close(h.release)
	})
}

// BenchmarkSteps measures steps back and forward in raw video, one at a time.
func BenchmarkSteps(b *testing.B) {
	for name, key := range map[string]string{"back": ",", "forward": "."} {
		b.Run(name, func(b *testing.B) {
			s := newStage(b)
			s.cfg.Paused = true
			s.start(s.pictures(250))
			shown := 0
			wait := func() {
				for len(s.screen.all()) <= shown {
					time.Sleep(20 * time.Microsecond)
				}
				shown = len(s.screen.all())
			}
			wait()
			left := 0
			for b.Loop() {
				if left == 0 { // at the end: turn round
					b.StopTimer()
					s.screen.press(map[string]string{",": "end", ".": "home"}[key])
					wait()
					left = 249
					b.StartTimer()
				}
				s.screen.press(key)
				wait()
				left--
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
			s.stop()
		})
	}
}
