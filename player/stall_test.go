package player

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"planar/demux"
)

// watch notes the states that playback goes through and how long each lasts.
func (s *stage) watch(d time.Duration) (states []string, lasted map[string]time.Duration) {
	const step = 5 * ms
	lasted = map[string]time.Duration{}
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(step) {
		select {
		case <-s.done:
			return states, lasted
		default:
		}
		st := s.p.Stats().State
		if len(states) == 0 || states[len(states)-1] != st {
			states = append(states, st)
		}
		lasted[st] += step
	}
	return states, lasted
}

// pauses makes reads at which reading stops for a while.
func pauses(at map[int]time.Duration) func() time.Duration {
	n := 0
	return func() time.Duration {
		n++
		return at[n]
	}
}

func TestStallShowsAsBuffering(t *testing.T) {
	for _, c := range []struct {
		name   string
		sound  bool
		stall  time.Duration
		stalls int64
	}{
		{"silent", false, 1500 * ms, 1},
		{"with sound", true, 1500 * ms, 1},
		{"long, with sound", true, 20 * time.Second, 1},
		{"hardly too long", false, 700 * ms, 1},
		{"short", false, 400 * ms, 0}, // 280 ms are in the queues
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				src, at := s.pictures(150), 50
				var data []byte
				if c.sound {
					var sound demux.Source
					sound, data = s.tone(6 * time.Second)
					src, at = demux.Pair(src, sound), 150
				}
				s.start(slowReader{src, pauses(map[int]time.Duration{at: c.stall})})
				states, lasted := s.watch(time.Minute)
				s.finish()
				want := []string{"playing", "buffering", "playing", "ended"}
				if c.stalls == 0 {
					want = []string{"playing", "ended"}
				}
				if len(states) > 0 && states[0] == "opening" {
					states = states[1:]
				}
				if states = slices.DeleteFunc(states, func(s string) bool { return s == "ended" }); !slices.Equal(states, want[:len(want)-1]) {
					t.Errorf("states %q, want %q", states, want)
				}
				if d := c.stall - lasted["buffering"]; c.stalls > 0 && (d < 250*ms || d > 650*ms) {
					t.Errorf("buffering for %v of %v", lasted["buffering"], c.stall)
				}
				st := s.p.Stats()
				if st.Stalls != c.stalls {
					t.Errorf("%d stalls, want %d", st.Stalls, c.stalls)
				}
				if c.stalls == 0 {
					return
				}
				all := s.screen.all()
				if !slices.Equal(numbers(all), count(0, 150)) || st.Dropped != 0 {
					t.Errorf("%d dropped; frames shown: %v", st.Dropped, numbers(all))
				}
				if !c.sound {
					return
				}
				if !bytes.Equal(s.heard.data, data) {
					t.Errorf("%d bytes of sound were played, of %d; or they differ", len(s.heard.data), len(data))
				}
				resumed := slices.IndexFunc(all[1:], func(f seen) bool { return f.at-all[f.number-1].at > 200*ms })
				for _, f := range all[resumed+30:] {
					if heard, ok := s.heard.when(testFormat.Frames(f.pts), testRate); ok && abs(f.at-heard) > 3*ms {
						t.Errorf("frame %d was shown %v after its sound", f.number, f.at-heard)
					}
				}
			})
		})
	}
}

// The pictures are slow, the sound is all there: it waits for them.
func TestStallOfPicturesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, data := s.tone(8 * time.Second)
		src := &interleaved{demux.Pair(s.pictures(200), sound), nil, 100}
		s.start(src)
		time.Sleep(20 * time.Second)
		s.finish()
		all := s.screen.all()
		if st := s.p.Stats(); !slices.Equal(numbers(all), count(0, 200)) || st.Dropped != 0 || st.Stalls != 1 {
			t.Fatalf("%d dropped, %d stalls, frames shown: %v", st.Dropped, st.Stalls, numbers(all))
		}
		if !bytes.Equal(s.heard.data, data) {
			t.Errorf("%d bytes of sound were played, of %d; or they differ", len(s.heard.data), len(data))
		}
		for i, f := range all[1:] {
			if gap := f.at - all[i].at; gap > 200*ms && f.number != 100 {
				t.Errorf("frame %d came after %v", f.number, gap)
			}
		}
		for _, f := range all[150:] {
			if heard, ok := s.heard.when(testFormat.Frames(f.pts), testRate); ok && abs(f.at-heard) > 3*ms {
				t.Errorf("frame %d was shown %v after its sound", f.number, f.at-heard)
			}
		}
	})
}

// interleaved is a file in which the sound comes half a second before its
// picture from picture n on, and where reading takes a second at that picture.
type interleaved struct {
	demux.Source
	later []*demux.Packet
	n     int
}

func (s *interleaved) Read() (*demux.Packet, error) {
	for {
		if len(s.later) > 12 {
			p := s.later[0]
			s.later = s.later[1:]
			if p.PTS == time.Duration(s.n)*40*ms {
				time.Sleep(1500 * ms)
			}
			return p, nil
		}
		p, err := s.Source.Read()
		if err != nil && len(s.later) > 0 {
			p = s.later[0]
			s.later = s.later[1:]
			return p, nil
		}
		if err != nil || p.Stream != 0 || p.PTS < time.Duration(s.n-20)*40*ms {
			return p, err
		}
		s.later = append(s.later, p)
	}
}

// A source at half the rate it should have plays in pieces, and all of it.
func TestSourceTooSlow(t *testing.T) {
	for _, sound := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			src, each := s.pictures(150), 80*ms
			if sound {
				snd, _ := s.tone(6 * time.Second)
				src = demux.Pair(src, snd)
				packets := 0
				for {
					p, err := src.Read()
					if err != nil {
						break
					}
					packets++
					p.Release()
				}
				src.Seek(0)
				each = 12 * time.Second / time.Duration(packets)
			}
			s.start(slowReader{src, func() time.Duration { return each }})
			states, lasted := s.watch(time.Minute)
			s.finish()
			st := s.p.Stats()
			if got := numbers(s.screen.all()); !slices.Equal(got, count(0, 150)) || st.Dropped != 0 {
				t.Errorf("sound %v: %d dropped; frames shown: %v", sound, st.Dropped, got)
			}
			// With the first queues filled each time there would be 12 and 9.
			if st.Stalls < 3 || st.Stalls > 8 || int64(len(states)) > 2*st.Stalls+3 {
				t.Errorf("sound %v: %d stalls, states %q", sound, st.Stalls, states)
			}
			if lasted["buffering"] < 2*time.Second || lasted["playing"] < 5*time.Second {
				t.Errorf("sound %v: %v", sound, lasted)
			}
			if took := time.Since(s.screen.begin); took > 13500*ms {
				t.Errorf("sound %v: what takes 12 s to read took %v to play", sound, took)
			}
		})
	}
}

func TestSlowFirstPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		var each atomic.Int64
		each.Store(int64(time.Second))
		s.start(slowReader{s.pictures(150), func() time.Duration { return time.Duration(each.Load()) }})
		time.Sleep(200 * ms)
		if st := s.p.Stats(); st.State != "playing" {
			t.Errorf("at first: %q", st.State)
		}
		time.Sleep(100 * ms)
		if st := s.p.Stats(); st.State != "buffering" || !strings.HasPrefix(s.screen.Title(), "buffering - ") {
			t.Errorf("waiting for the first picture: %q, title %q", st.State, s.screen.Title())
		}
		time.Sleep(500 * ms)
		each.Store(0)
		time.Sleep(time.Second)
		if st := s.p.Stats(); st.State != "playing" || strings.Contains(s.screen.Title(), "buffering") {
			t.Errorf("with a picture: %q, title %q", st.State, s.screen.Title())
		}
		each.Store(int64(time.Second))
		s.screen.press("home")
		time.Sleep(800 * ms)
		if st := s.p.Stats(); st.State != "buffering" || !strings.HasPrefix(s.screen.Title(), "buffering - ") {
			t.Errorf("after a seek: %q, title %q", st.State, s.screen.Title())
		}
		s.stop()
	})
}

func TestSoundOnlyBuffering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sound, data := s.tone(6 * time.Second)
		s.start(slowReader{sound, pauses(map[int]time.Duration{100: 4 * time.Second})})
		states, lasted := s.watch(time.Minute)
		s.finish()
		if slices.Index(states, "buffering") < 0 || lasted["buffering"] < time.Second || lasted["buffering"] > 4*time.Second {
			t.Errorf("states %q, buffering for %v", states, lasted["buffering"])
		}
		if n := len(states); n > 5 {
			t.Errorf("states %q", states)
		}
		if !bytes.Equal(s.heard.data, data) {
			t.Error("sound was lost")
		}
	})
}

// What a person does while playback is buffering works as ever.
func TestKeysWhileBuffering(t *testing.T) {
	for name, c := range map[string]struct {
		keys []string
		want int64 // frame on the screen 4 s later, about
		is   string
	}{
		"pause":          {[]string{"space"}, 57, "paused"},
		"pause and play": {[]string{"space", "space"}, 57 + 50, "playing"},
		"seek":           {[]string{"home"}, 50, "playing"},
		"step back":      {[]string{","}, 56, "paused"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				sound, _ := s.tone(20 * time.Second)
				at := pauses(map[int]time.Duration{50: 3 * time.Second})
				s.start(demux.Pair(slowReader{s.pictures(250), at}, sound))
				time.Sleep(3 * time.Second)
				if st := s.p.Stats(); st.State != "buffering" {
					t.Fatalf("state %q", st.State)
				}
				s.screen.press(c.keys...)
				time.Sleep(4 * time.Second)
				st := s.p.Stats()
				if d := st.Frame - c.want; st.State != c.is || max(d, -d) > 12 || st.Dropped != 0 {
					t.Errorf("%q: frame %d, want about %d; %d dropped", st.State, st.Frame, c.want, st.Dropped)
				}
				for _, f := range s.screen.all()[min(90, len(s.screen.all())):] {
					heard, ok := s.heard.when(testFormat.Frames(f.pts), testRate)
					if ok && name == "pause and play" && abs(f.at-heard) > 4*ms {
						t.Errorf("frame %d was shown %v after its sound", f.number, f.at-heard)
					}
				}
				s.stop()
			})
		})
	}
}

// A slow decoder is no reason for buffering, nor is a stream with few pictures.
func TestNoFalseBuffering(t *testing.T) {
	for name, src := range map[string]func(s *stage) demux.Source{
		"slow decoder": func(s *stage) demux.Source {
			return slow{s.pictures(50), func() time.Duration { return 700 * ms }}
		},
		"few pictures": func(s *stage) demux.Source {
			sound, _ := s.tone(20 * time.Second)
			return demux.Pair(sparse{s.pictures(10)}, sound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.start(slowReader{src(s), func() time.Duration { return ms }})
				s.finish()
				if st := s.p.Stats(); st.Stalls != 0 {
					t.Errorf("%d stalls", st.Stalls)
				}
			})
		})
	}
}

// sparse shows a picture each two seconds, and says that it is for 40 ms.
type sparse struct{ demux.Source }

func (s sparse) Read() (*demux.Packet, error) {
	p, err := s.Source.Read()
	if err == nil {
		p.PTS, p.DTS = p.PTS*50, p.DTS*50
	}
	return p, err
}

func (s sparse) VideoDecoder(i int) (demux.VideoDecoder, error) {
	d, err := s.Source.VideoDecoder(i)
	return sparseDecoder{d}, err
}

type sparseDecoder struct{ demux.VideoDecoder }

func (d sparseDecoder) Receive() (*demux.Frame, error) {
	f, err := d.VideoDecoder.Receive()
	if err == nil {
		f.Number /= 50
	}
	return f, err
}

// Data that comes in bursts, too slowly, is buffered as data that trickles is:
// no frame is lost, and the clock does not run away.
func TestBurstsAreBuffered(t *testing.T) {
	for _, burst := range []int{1, 2, 3, 4, 6} {
		t.Run(fmt.Sprint(burst), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				n := 0
				s.start(slowReader{s.pictures(200), func() time.Duration {
					if n++; n%burst == 0 { // 25 frames a second are wanted, 19 come
						return time.Duration(burst) * 53 * ms
					}
					return 0
				}})
				states, _ := s.watch(time.Minute)
				s.finish()
				st := s.p.Stats()
				if !slices.Equal(numbers(s.screen.all()), count(0, 200)) || st.Dropped != 0 {
					t.Errorf("%d frames dropped", st.Dropped)
				}
				if !slices.Contains(states, "buffering") || st.Stalls == 0 {
					t.Errorf("no buffering: %v", states)
				}
				if st.Lateness > 100*ms || st.Late > 40 {
					t.Errorf("%d frames late, the last by %v", st.Late, st.Lateness)
				}
			})
		})
	}
}

// trickle gives its last frames when they have been asked for often enough, as a
// file does that grows.
type trickle struct {
	demux.Source
	read  int
	ready int // frames that are there at once
	wait  func() bool
}

func (r *trickle) Read() (*demux.Packet, error) {
	if r.read >= r.ready && r.wait() {
		time.Sleep(50 * ms)
		return nil, demux.ErrAgain
	}
	p, err := r.Source.Read()
	if err == nil {
		r.read++
	}
	return p, err
}

func (r *trickle) Seek(t time.Duration) error {
	r.read = int(t / (40 * ms))
	return r.Source.Seek(t)
}

// A seek does not wait for the frame that is being written, nor does a loop
// whose last frame is the newest.
func TestAtTheEndOfAGrowingFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.start(&trickle{Source: s.pictures(100), ready: 50, wait: func() bool { return true }})
		time.Sleep(1600 * ms)
		s.screen.press("l") // frame 39 or 40
		time.Sleep(2 * time.Second)
		if n := s.screen.last().number; n != 49 || s.p.Stats().State != "buffering" {
			t.Errorf("frame %d, %s", n, s.p.Stats().State)
		}
		s.screen.press("l")
		before := len(s.screen.all())
		time.Sleep(2 * time.Second)
		if n := len(s.screen.all()) - before; n < 30 {
			t.Errorf("%d frames in 2 s of looping", n)
		}
		s.screen.press("l")
		time.Sleep(time.Second)
		began := time.Since(s.screen.begin)
		s.screen.press("home")
		time.Sleep(200 * ms)
		all := s.screen.all()
		i := slices.IndexFunc(all, func(f seen) bool { return f.at >= began })
		if i < 0 || all[i].number != 0 || all[i].at-began > 60*ms {
			t.Errorf("after Home: %v", all[max(0, i):])
		}
		s.stop()
	})
}
