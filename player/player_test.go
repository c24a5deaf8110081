package player

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/render"
)

const ms = time.Millisecond

// numbers of the frames shown.
func numbers(all []seen) (n []int64) {
	for _, s := range all {
		n = append(n, s.number)
	}
	return n
}

func count(from, to int64) (n []int64) {
	for i := from; i < to; i++ {
		n = append(n, i)
	}
	return n
}

func abs(d time.Duration) time.Duration { return max(d, -d) }

func TestEveryFrameAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.screen.convert = 5 * ms
		s.start(s.pictures(100))
		s.finish()
		all := s.screen.all()
		if !slices.Equal(numbers(all), count(0, 100)) {
			t.Fatalf("frames shown: %v", numbers(all))
		}
		for _, f := range all[1:] {
			if off := f.at - all[0].at - f.pts; abs(off) > ms {
				t.Errorf("frame %d was shown %v off its time", f.number, off)
			}
		}
		if over := time.Since(s.screen.begin) - all[0].at; over < 4*time.Second || over > 4*time.Second+100*ms {
			t.Errorf("100 frames at 25/s lasted %v, want 4s", over)
		}
	})
}

// Jitter of the device, bursts, uneven decoding: pictures keep to the sound.
func TestPicturesFollowTheSound(t *testing.T) {
	for name, set := range map[string]func(*stage, *slow){
		"even device":     func(*stage, *slow) {},
		"bursts":          func(s *stage, _ *slow) { s.sound.Burst = 2 },
		"long latency":    func(s *stage, _ *slow) { s.sound.Latency = 180 * ms },
		"uneven decoding": func(_ *stage, d *slow) { d.each = func() time.Duration { return time.Duration(rand.Intn(35)) * ms } },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				sound, data := s.tone(6 * time.Second)
				src := slow{s.pictures(150), func() time.Duration { return ms }}
				set(s, &src)
				s.start(demux.Pair(src, sound))
				s.finish()
				if !bytes.Equal(s.heard.data, data) {
					t.Errorf("%d bytes of sound were played, of %d; or they differ", len(s.heard.data), len(data))
				}
				all := s.screen.all()
				if !slices.Equal(numbers(all), count(0, 150)) {
					t.Fatalf("frames shown: %v", numbers(all))
				}
				for _, f := range all {
					heard, ok := s.heard.when(testFormat.Frames(f.pts), testRate)
					limit := 2 * ms
					if f.pts < time.Second {
						limit = 15 * ms // locking on, and the first picture does not wait for the sound
					}
					if f.number == 0 || !ok {
						continue
					}
					if s.sound.Burst > 1 {
						limit += 25 * ms // the device itself is that uneven
					}
					if off := f.at - heard; abs(off) > limit {
						t.Errorf("frame %d was shown %v after its sound", f.number, off)
					}
				}
				if st := s.p.Stats(); st.Dropped != 0 || st.Underruns != 0 {
					t.Errorf("dropped %d, underruns %d", st.Dropped, st.Underruns)
				}
			})
		})
	}
}

// An hour with a device whose crystal is off: pictures stay with the sound, and none is
// dropped for it.
func TestNoDriftInAnHour(t *testing.T) {
	for _, ppm := range []float64{-100, 100} {
		t.Run(fmt.Sprint(ppm), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.sound.Drift = ppm / 1e6
				const rate, fps = 8000, 2
				sound, _ := s.toneAs(time.Hour, audio.Format{Sample: audio.S16, Rate: rate, Channels: 1})
				s.start(demux.Pair(s.picturesAt(3600*fps, render.Rational{Num: fps, Den: 1}), sound))
				s.finish()
				all := s.screen.all()
				if !slices.Equal(numbers(all), count(0, 3600*fps)) {
					t.Fatalf("%d frames were shown, want each of %d", len(all), 3600*fps)
				}
				for _, f := range all[2*fps:] {
					heard, ok := s.heard.when(int64(f.pts.Seconds()*rate), rate)
					if off := f.at - heard; !ok || abs(off) > 2*ms {
						t.Fatalf("after %v the picture is %v behind its sound", f.pts, off)
					}
				}
				if st := s.p.Stats(); st.Underruns != 0 {
					t.Errorf("%d underruns", st.Underruns)
				}
			})
		})
	}
}

// A machine that decodes at half the speed shows fewer pictures, in time with
// the sound, and never none.
func TestSlowDecoderDropsFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, _ := s.tone(6 * time.Second)
		s.screen.convert = 30 * ms
		s.start(demux.Pair(slow{s.pictures(150), func() time.Duration { return 30 * ms }}, sound))
		s.finish()
		all := s.screen.all()
		for i, f := range all[1:] {
			if gap := f.at - all[i].at; gap > 250*ms {
				t.Errorf("no picture for %v", gap)
			}
		}
		if all[len(all)-1].number != 149 {
			t.Errorf("the last picture is %d", all[len(all)-1].number)
		}
	})
}

func TestDeviceStallsAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, data := s.tone(4 * time.Second)
		s.start(demux.Pair(s.pictures(100), sound))
		time.Sleep(time.Second)
		s.device().Stall(500 * ms)
		s.finish()
		if !bytes.Equal(s.heard.data, data) {
			t.Error("sound was lost in the stall")
		}
		if f := s.screen.last(); f.number != 99 {
			t.Errorf("the last picture is %d", f.number)
		}
	})
}

func TestNoSoundDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.OpenAudio = nil
		sound, _ := s.tone(time.Second)
		s.start(demux.Pair(s.pictures(25), sound))
		s.finish()
		if got := numbers(s.screen.all()); !slices.Equal(got, count(0, 25)) {
			t.Errorf("frames shown: %v", got)
		}
	})
}

func TestPauseStepAndSeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, _ := s.tone(20 * time.Second)
		s.start(demux.Pair(s.pictures(500), sound))
		time.Sleep(time.Second)
		s.screen.press("space")
		time.Sleep(time.Second)
		at := s.screen.last()
		time.Sleep(10 * time.Second)
		if now := s.screen.last(); now != at {
			t.Errorf("paused at frame %d, but frame %d came", at.number, now.number)
		}
		expect := func(key string, want int64) {
			t.Helper()
			s.screen.press(key)
			time.Sleep(200 * ms)
			if got := s.screen.last().number; got != want {
				t.Fatalf("after %q: frame %d, want %d", key, got, want)
			}
		}
		n := at.number
		expect(".", n+1)
		expect(".", n+2)
		expect(",", n+1)
		expect(",", n)
		expect(",", n-1)
		expect("right", n-1+125)
		expect("left", n-1)
		expect("end", 499)
		expect(",", 498)
		expect("home", 0)
		expect(",", 0)

		s.screen.press("space")
		time.Sleep(time.Second)
		played := s.screen.last()
		if played.number < 20 || played.number > 26 {
			t.Errorf("a second after playing on from 0: frame %d", played.number)
		}
		s.screen.press("right")
		time.Sleep(400 * ms)
		f := s.screen.last()
		heard, ok := s.heard.when(s.heard.frames()-1, testRate)
		if !ok || f.number < played.number+125 {
			t.Fatalf("frame %d after a seek by 5 s from %d", f.number, played.number)
		}
		_ = heard
		s.stop()
	})
}

// Sound and picture are in step again after a seek, whatever the device holds.
func TestSyncAfterSeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, data := s.tone(20 * time.Second)
		s.start(demux.Pair(s.pictures(500), sound))
		time.Sleep(1300 * ms)
		before := s.heard.frames()
		s.screen.press("right")
		time.Sleep(3 * time.Second)
		s.stop()
		all := s.screen.all()
		i := slices.IndexFunc(all, func(f seen) bool { return f.pts > 5*time.Second })
		target := all[i].pts
		// The sound after the seek begins with the sample at the target.
		k := bytes.Index(s.heard.data, data[2*testFormat.Frames(target):2*testFormat.Frames(target)+64])
		if k < 0 || int64(k/2) < before {
			t.Fatalf("the sample at %v was not played after the seek", target)
		}
		for _, f := range all[i+10:] {
			at, ok := s.heard.when(int64(k/2)+testFormat.Frames(f.pts-target), testRate)
			if ok && abs(f.at-at) > 5*ms {
				t.Errorf("frame %d: %v after its sound", f.number, f.at-at)
			}
		}
	})
}

func TestLoopHasNoSeam(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Loop = 3
		sound, data := s.tone(time.Second)
		s.start(demux.Pair(s.pictures(25), sound))
		s.finish()
		all := s.screen.all()
		want := append(append(count(0, 25), count(0, 25)...), count(0, 25)...)
		if !slices.Equal(numbers(all), want) {
			t.Fatalf("frames shown: %v", numbers(all))
		}
		for i := 10; i < len(all); i++ {
			if step := all[i].at - all[i-1].at; abs(step-40*ms) > 2*ms {
				t.Errorf("frame %d of round %d came after %v", all[i].number, i/25, step)
			}
		}
		if !bytes.Equal(s.heard.data, bytes.Repeat(data, 3)) {
			t.Errorf("%d bytes of sound, want 3 times %d without a gap", len(s.heard.data), len(data))
		}
	})
}

func TestUntimedShowsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.screen.unpaced = true
		s.start(s.pictures(250))
		s.finish()
		if got := numbers(s.screen.all()); !slices.Equal(got, count(0, 250)) {
			t.Errorf("frames shown: %v", got)
		}
		if d := time.Since(s.screen.begin); d > time.Second {
			t.Errorf("untimed playback took %v", d)
		}
	})
}

func TestFramesAndStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.StartFrame, s.cfg.Frames = 30, 5
		s.start(s.pictures(100))
		s.finish()
		if got := numbers(s.screen.all()); !slices.Equal(got, count(30, 35)) {
			t.Errorf("frames shown: %v", got)
		}
	})
}

func TestSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Speed = 2
		s.start(s.pictures(100))
		s.finish()
		all := s.screen.all()
		if d := all[99].at - all[0].at; abs(d-1980*ms) > 2*ms {
			t.Errorf("99 frame times at double speed took %v", d)
		}
	})
}

func TestQuitWhileOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		server := newLiveServer(0)
		opening := make(chan struct{})
		s.cfg.Open = func(ctx context.Context, name string) (demux.Source, error) {
			close(opening)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		s.start(nil)
		<-opening
		time.Sleep(time.Second)
		if !strings.Contains(s.screen.Title(), "opening") {
			t.Errorf("title %q", s.screen.Title())
		}
		s.screen.press("q")
		<-s.done
		if s.err != ErrQuit {
			t.Errorf("Run returned %v", s.err)
		}
		_ = server
	})
}

// A server that sends a whole group of pictures at once must not leave the
// viewer that much behind.
func TestLiveBurstIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		server := newLiveServer(2 * time.Second)
		time.Sleep(10 * time.Second)
		s.cfg.Open = server.open
		s.start(nil)
		time.Sleep(5 * time.Second)
		s.stop()
		for _, f := range s.screen.all() {
			if age := f.at - f.pts; f.at > 11500*ms && age > 350*ms {
				t.Fatalf("frame %d is %v old when it is shown", f.number, age)
			}
		}
	})
}

func TestLiveReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Reconnect = true
		server := newLiveServer(0)
		s.cfg.Open = server.open
		s.start(nil)
		for round := range 3 {
			time.Sleep(3 * time.Second)
			server.kill()
			time.Sleep(3 * time.Second)
			frozen := s.screen.last()
			if !strings.Contains(s.screen.Title(), "signal lost") {
				t.Errorf("round %d: title %q", round, s.screen.Title())
			}
			time.Sleep(3 * time.Second)
			if s.screen.last() != frozen {
				t.Errorf("round %d: a picture came from nowhere", round)
			}
			server.restart()
			time.Sleep(700 * ms)
			f := s.screen.last()
			if age := f.at - f.pts; f == frozen || age > 200*ms {
				t.Errorf("round %d: 0.7 s after the server is back: frame %d, %v old", round, f.number, age)
			}
		}
		time.Sleep(time.Second)
		if st := s.p.Stats(); st.Reconnects != 3 || st.State != "playing" {
			t.Errorf("%d reconnects, state %q", st.Reconnects, st.State)
		}
		s.stop()
	})
}

func TestQuitWhileLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Reconnect = true
		server := newLiveServer(0)
		s.cfg.Open = server.open
		s.start(nil)
		time.Sleep(time.Second)
		server.kill()
		time.Sleep(time.Second)
		began := time.Now()
		s.screen.press("q")
		<-s.done
		if d := time.Since(began); d > 100*ms {
			t.Errorf("leaving took %v", d)
		}
	})
}

// A pause while the last sound is on its way through the device, which then brings
// nothing more: playback ends all the same.
func TestResumedAtTheVeryEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.sound.Latency = 300 * ms
		sound, _ := s.tone(2 * time.Second)
		s.start(demux.Pair(s.pictures(50), sound))
		time.Sleep(2*time.Second + 200*ms) // all has been handed over, not all been heard
		s.screen.press("space")
		time.Sleep(time.Second)
		s.screen.press("space")
		select {
		case <-s.done:
		case <-time.After(5 * time.Second):
			t.Error("playback does not end")
			s.screen.press("q")
		}
		s.finish()
	})
}

// The speed that was set is told at once, also in a pause.
func TestSpeedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, _ := s.tone(4 * time.Second)
		s.start(demux.Pair(s.pictures(100), sound))
		time.Sleep(time.Second)
		for _, key := range []string{"", "space", "space"} {
			if key != "" {
				s.screen.press(key)
				time.Sleep(100 * ms)
			}
			before := s.p.Stats().Speed
			s.screen.press("]")
			time.Sleep(20 * ms)
			if got := s.p.Stats().Speed; got <= before {
				t.Errorf("after %q: the speed is %v, and was %v before it was raised", key, got, before)
			}
		}
		s.screen.press("q")
		s.finish()
	})
}

// A picture that stays for long goes sooner when the speed is raised.
func TestSpeedOfLongPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, _ := s.toneAs(40*time.Second, audio.Format{Sample: audio.S16, Rate: 8000, Channels: 1})
		s.start(demux.Pair(s.picturesAt(4, render.Rational{Num: 1, Den: 10}), sound))
		time.Sleep(11 * time.Second) // into the second one
		for range 8 {                // 1.1 to the eighth is 2.1
			s.screen.press("]")
		}
		s.finish()
		all := s.screen.all()
		if len(all) != 4 {
			t.Fatalf("%d pictures were shown", len(all))
		}
		if took := all[2].at - all[1].at; took < 4*time.Second || took > 7*time.Second {
			t.Errorf("after 1 s at normal and the rest at twice the speed, a picture of 10 s took %v", took)
		}
	})
}
