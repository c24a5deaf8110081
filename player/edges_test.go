package player

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/render"
)

func TestReplaySoundOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Exit = false
		snd, _ := s.tone(2 * time.Second)
		s.start(snd)
		time.Sleep(3 * time.Second)
		s.screen.press("space")
		time.Sleep(time.Second)
		time.Sleep(10 * time.Second)
		st := s.p.Stats()
		if st.State != "ended" {
			t.Error("end not noticed")
		}
		s.stop()
	})
}

type noVideoDec struct{ demux.Source }

func (noVideoDec) VideoDecoder(int) (demux.VideoDecoder, error) { return nil, errors.New("no decoder") }

func TestNoVideoDecoder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := hardLimit
		hardLimit = 1 << 20
		defer func() { hardLimit = old }()
		s := newStage(t)
		snd, _ := s.tone(60 * time.Second)
		s.start(demux.Pair(noVideoDec{s.pictures(1500)}, snd))
		time.Sleep(100 * time.Second)
		if s.heard.frames() == 0 {
			t.Error("no sound although only the video decoder is missing")
		}
		s.stop()
	})
}

func TestFramesHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Exit = false
		s.cfg.Frames = 100
		s.start(s.pictures(25))
		time.Sleep(3 * time.Second)
		select {
		case <-s.done:
			t.Error("left although window should stay")
		default:
		}
		s.screen.press("m")
		time.Sleep(time.Second)
		select {
		case <-s.done:
			t.Error("left at an unrelated key")
			return
		default:
		}
		s.stop()
	})
}

func TestPauseDuringSeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		snd, _ := s.tone(60 * time.Second)
		var slowNow atomic.Int64
		s.start(demux.Pair(slow{s.pictures(250), func() time.Duration { return time.Duration(slowNow.Load()) }}, snd))
		time.Sleep(time.Second)
		slowNow.Store(int64(900 * ms))
		at := s.heard.frames()
		s.screen.press("right")
		time.Sleep(10 * ms)
		s.screen.press("space")
		time.Sleep(10 * ms)
		s.screen.press("space")
		time.Sleep(500 * ms)
		if s.screen.last().number < 100 && s.heard.frames()-at > testRate/5 {
			t.Error("sound went on before the picture of the seek")
		}
		s.stop()
	})
}

func TestShortSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := hardLimit
		hardLimit = 10 * 384 // ten raw frames, as 64 MiB are 20 of 1080p
		defer func() { hardLimit = old }()
		s := newStage(t)
		snd, _ := s.tone(2 * time.Second)
		s.start(demux.Pair(s.pictures(250), snd))
		s.finish()
		all := s.screen.all()
		// The first picture also waits for the sound: for the device to ask, and
		// for what it took to be heard.
		limit := 40*ms + s.sound.Latency + testFormat.Duration(int64(audio.PeriodFrames(testRate)))
		for i, f := range all[1:] {
			if gap := f.at - all[i].at; gap > limit+ms {
				t.Errorf("no picture for %v before frame %d", gap, f.number)
			}
			limit = 60 * ms
		}
	})
}

func TestSeekBehindVideo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := hardLimit
		hardLimit = 1 << 20 // some 10 s of this sound, as 64 MiB are 6 min of CD sound
		defer func() { hardLimit = old }()
		s := newStage(t)
		snd, _ := s.tone(200 * time.Second)
		s.start(demux.Pair(s.pictures(100), snd))
		time.Sleep(time.Second)
		s.screen.press("up")
		time.Sleep(5 * time.Second)
		a := s.heard.frames()
		time.Sleep(5 * time.Second)
		if s.heard.frames() == a {
			t.Errorf("silent and frozen after a seek behind the pictures; %+v", s.p.Stats())
		}
		s.stop()
	})
}

func TestSpeedLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Speed = 2
		server := newLiveServer(0)
		s.cfg.Open = server.open
		s.start(nil)
		time.Sleep(5 * time.Second)
		if s.p.Stats().Speed != 1 {
			t.Error("a live source at speed 2")
		}
		s.stop()
	})
}

type failSeek struct {
	demux.Source
	fail *atomic.Bool
}

func (f failSeek) Seek(t time.Duration) error {
	if f.fail.Load() {
		return errors.New("seek failed")
	}
	return f.Source.Seek(t)
}

func TestSeekFailsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Exit = false
		var fail atomic.Bool
		s.start(failSeek{s.pictures(500), &fail})
		time.Sleep(time.Second)
		fail.Store(true)
		s.screen.press("right")
		time.Sleep(time.Second)
		fail.Store(false)
		s.screen.press("home")
		time.Sleep(time.Second)
		if n := s.screen.last().number; n > 40 || s.p.Stats().State != "playing" {
			t.Errorf("after home: frame %d, %q", n, s.p.Stats().State)
		}
		a := s.screen.last()
		time.Sleep(time.Second)
		if s.screen.last() == a {
			t.Error("nothing plays any more after one failed seek")
		}
		s.stop()
	})
}

type noSoundDec struct{ demux.Source }

func (noSoundDec) AudioDecoder(int) (demux.AudioDecoder, error) { return nil, errors.New("no decoder") }

func TestSoundOnlyNoDecoder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		snd, _ := s.tone(time.Second)
		s.start(noSoundDec{snd})
		<-s.done
		if s.out[0].Err == nil {
			t.Error("counted as played")
		}
	})
}

// What is dropped replaces what plays; if it cannot be played, that comes back.
// Neither keeps the user from leaving.
func TestDrop(t *testing.T) {
	for name, playable := range map[string]bool{"playable": true, "broken": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.cfg.Exit = false
				var opened []string
				s.cfg.Open = func(_ context.Context, name string) (demux.Source, error) {
					opened = append(opened, name)
					if name == "dropped" && !playable {
						return nil, errors.New("dropped: broken")
					}
					return s.pictures(250), nil
				}
				s.start(nil)
				time.Sleep(time.Second)
				s.screen.mu.Lock()
				s.screen.events = append(s.screen.events, render.Event{Kind: render.FileDrop, Path: "dropped"})
				s.screen.mu.Unlock()
				s.screen.Wake()
				time.Sleep(time.Second)
				s.screen.press("q")
				<-s.done
				want := []string{"test", "dropped"}
				if !playable {
					want = append(want, "test")
				}
				if !slices.Equal(opened, want) || s.err != ErrQuit {
					t.Errorf("opened %q, want %q; Run returned %v", opened, want, s.err)
				}
			})
		})
	}
}
