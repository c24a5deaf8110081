package publish

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"planar/demux"
	"planar/render"
)

// publishClip runs a publisher in simulated time.
func publishClip(t *testing.T, ctx context.Context, cfg Config) (outcomes []Outcome, took time.Duration, log string) {
	t.Helper()
	var l lines
	cfg.Log, cfg.Name = l.logger(), "clip"
	if cfg.Retries == 0 {
		cfg.Retries = RetriesAuto
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	outcomes, err = p.Run(ctx)
	took = time.Since(began)
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	for _, d := range cfg.Destinations {
		if n := d.Target.(*fakeTarget).open; n != 0 {
			t.Errorf("%s: %d connections are still open", d.Target, n)
		}
	}
	return outcomes, took, l.String()
}

// of are the arrivals of one stream.
func of(all []arrival, stream int) (list []arrival) {
	for _, a := range all {
		if a.Stream == stream {
			list = append(list, a)
		}
	}
	return list
}

// What is copied arrives whole, in the form of units, when it is due.
func TestCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, packets := clip(2)
		src, target := newFake(streams, packets), &fakeTarget{}
		began := time.Now()
		outcomes, took, log := publishClip(t, t.Context(), Config{Source: src, Destinations: to(target)})
		src.tidy(t)
		if outcomes[0].Err != nil || log != "" || target.finished != 1 {
			t.Errorf("outcome %v, log %q, finished %d times", outcomes, log, target.finished)
		}
		if want := 2*time.Second - 40*time.Millisecond; took < want || took > want+50*time.Millisecond {
			t.Errorf("took %v, want %v", took, want)
		}
		if len(target.streams) != 2 || !bytes.Equal(target.streams[0].Config, annexB(sps, pps)) || !bytes.Equal(target.streams[1].Config, asc) {
			t.Errorf("streams: %+v", target.streams)
		}
		video, sound := of(target.got, 0), of(target.got, 1)
		if len(video) != 50 || len(video)+len(sound) != len(packets) {
			t.Fatalf("%d pictures and %d frames of sound of %d", len(video), len(sound), len(packets))
		}
		for i, a := range video {
			want := annexB(slice(i))
			if i%25 == 0 {
				want = annexB(sps, pps, idr(i))
			}
			if !bytes.Equal(a.Data, want) || a.Key != (i%25 == 0) {
				t.Fatalf("picture %d: % x, key %t, want % x", i, a.Data, a.Key, want)
			}
			if !bytes.Equal(annexB(a.NALUs...), a.Data) {
				t.Errorf("picture %d: NALUs % x", i, a.NALUs)
			}
			due := time.Duration(i) * 40 * time.Millisecond
			if a.PTS != due || a.at.Sub(began) != due || !a.At.Equal(a.at) {
				t.Errorf("picture %d: PTS %v, sent at %v, due at %v", i, a.PTS, a.at.Sub(began), a.At.Sub(began))
			}
		}
		for i, a := range sound {
			if !bytes.Equal(a.Data, []byte{0x21, byte(i), byte(i >> 8)}) || a.at.Sub(began) != a.PTS {
				t.Errorf("sound %d: % x at %v, PTS %v", i, a.Data, a.at.Sub(began), a.PTS)
			}
		}
	})
}

// A loop goes on without a jump: every step is as long as those within the file, and
// the seam no longer than the longest stream asks for.
func TestLoopSeam(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, packets := clip(1)
		// B pictures: decoding begins 80 ms before the first picture is shown. Sound
		// is primed 21 ms before its beginning.
		for i := range packets {
			if packets[i].Stream == 3 {
				packets[i].DTS -= 80 * time.Millisecond
			} else {
				packets[i].PTS -= packets[i].Duration
				packets[i].DTS = packets[i].PTS
			}
		}
		slices.SortStableFunc(packets, func(a, b demux.Packet) int { return int(a.DTS - b.DTS) })
		src, target := newFake(streams, packets), &fakeTarget{}
		publishClip(t, t.Context(), Config{Source: src, Loop: 3, Destinations: to(target)})
		src.tidy(t)
		video, sound := of(target.got, 0), of(target.got, 1)
		if len(video) != 75 {
			t.Fatalf("%d pictures, want 75", len(video))
		}
		for i := 1; i < len(video); i++ {
			p, d := video[i].PTS-video[i-1].PTS, video[i].DTS-video[i-1].DTS
			if p != 40*time.Millisecond || d != p || video[i].PTS-video[i].DTS != 80*time.Millisecond {
				t.Errorf("picture %d: PTS +%v, DTS +%v, PTS - DTS %v", i, p, d, video[i].PTS-video[i].DTS)
			}
		}
		if video[0].DTS != 0 {
			t.Errorf("begins at %v", video[0].DTS)
		}
		for i := 1; i < len(sound); i++ {
			if d := sound[i].PTS - sound[i-1].PTS; d <= 0 || d > 45*time.Millisecond {
				t.Errorf("sound %d: +%v", i, d)
			}
		}
	})
}

// A target that does not take anything holds nobody up, and goes on with a key picture
// when it does again.
func TestSlowTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, packets := clip(20)
		free := make(chan bool)
		good := &fakeTarget{name: "good"}
		bad := &fakeTarget{name: "bad", hold: func(n int) <-chan bool {
			if n == 100 {
				return free
			}
			return nil
		}}
		time.AfterFunc(9*time.Second, func() { close(free) })
		began := time.Now()
		src := newFake(streams, packets)
		p, err := New(Config{Source: src, Retries: RetriesAuto, Destinations: to(good, bad), Log: new(lines).logger()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Run(t.Context()); err != nil {
			t.Error(err)
		}
		for _, a := range of(good.got, 0) {
			if d := a.at.Sub(began) - a.DTS; d != 0 {
				t.Fatalf("the good target's picture %v came %v late", a.PTS, d)
			}
		}
		if len(bad.got) < 102 {
			t.Fatalf("the slow target got only %d units", len(bad.got))
		}
		// The one after that on which it was slow.
		if a := bad.got[101]; !a.Key || a.Stream != 0 || a.PTS < 8*time.Second || a.conn != 1 {
			t.Errorf("the slow target went on with %v, stream %d, key %t", a.PTS, a.Stream, a.Key)
		}
		st := p.Stats().Targets[1]
		if st.Dropped != int64(len(packets)-len(bad.got)) || st.Skips != 1 || st.Units != int64(len(bad.got)) {
			t.Errorf("%d of %d came, counted: %+v", len(bad.got), len(packets), st)
		}
		src.tidy(t)
	})
}

// A connection that takes nothing for 10 s is given up, and made anew.
func TestStuckTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, packets := clip(20)
		target := &fakeTarget{wait: func(conn, n int) bool { return conn == 1 && n == 50 }}
		src := newFake(streams, packets)
		outcomes, _, log := publishClip(t, t.Context(), Config{Source: src, Destinations: to(target)})
		src.tidy(t)
		if target.conns != 2 || outcomes[0].Err != nil || !strings.Contains(log, "connected again after") {
			t.Errorf("%d connections, %v, log %q", target.conns, outcomes[0].Err, log)
		}
	})
}

// A target that is lost is connected again, for ever, with a key picture first.
func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, packets := clip(30)
		began := time.Now()
		target := &fakeTarget{
			fail: func(conn, n int) error {
				if conn == 1 && n == 120 {
					return io.EOF // as a connection ends whose server has gone
				}
				return nil
			},
			refuse: func(n int) error {
				if time.Since(began) > time.Second && time.Since(began) < 12*time.Second {
					return errRefused
				}
				return nil
			},
		}
		src := newFake(streams, packets)
		outcomes, _, log := publishClip(t, t.Context(), Config{Source: src, Destinations: to(target)})
		src.tidy(t)
		if outcomes[0].Err != nil || target.conns != 2 {
			t.Fatalf("%v, %d connections", outcomes[0].Err, target.conns)
		}
		again := target.got[120]
		if again.conn != 2 || !again.Key || again.Stream != 0 {
			t.Errorf("went on with %+v", again.Unit)
		}
		if d := again.at.Sub(began); d < 12*time.Second || d > 13200*time.Millisecond {
			t.Errorf("came back %v after the beginning, the server after 12 s", d)
		}
		if strings.Count(log, "trying again") != 1 || strings.Count(log, "connected again") != 1 {
			t.Errorf("log: %s", log)
		}
	})
}

func TestRetries(t *testing.T) {
	denied := Permanent(errors.New("wrong password"))
	tests := []struct {
		name     string
		retries  int
		refuse   func(int) error
		fail     func(conn, n int) error
		attempts int
		gaveUp   bool
	}{
		{"never there", RetriesAuto, func(int) error { return errRefused }, nil, 1, true},
		{"three more", 3, func(int) error { return errRefused }, nil, 4, true},
		{"there at the third", 3, func(n int) error {
			if n < 3 {
				return errRefused
			}
			return nil
		}, nil, 3, false},
		{"of no use", -1, func(int) error { return denied }, nil, 1, true},
		{"lost each time", 2, nil, func(_, n int) error {
			if n == 10 {
				return errors.New("reset")
			}
			return nil
		}, 3, true},
		{"lost after working", 1, nil, func(_, n int) error {
			if n == 500 { // 7 s
				return errors.New("reset")
			}
			return nil
		}, 3, false},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				streams, packets := clip(16)
				target, other := &fakeTarget{name: "a", refuse: c.refuse, fail: c.fail}, &fakeTarget{name: "b"}
				src := newFake(streams, packets)
				outcomes, _, log := publishClip(t, t.Context(), Config{Source: src, Retries: c.retries, Destinations: to(target, other)})
				src.tidy(t)
				if target.attempts != c.attempts || (outcomes[0].Err != nil) != c.gaveUp {
					t.Errorf("%d attempts, %v; want %d, given up: %t (%s)", target.attempts, outcomes[0].Err, c.attempts, c.gaveUp, log)
				}
				if outcomes[1].Err != nil || len(other.got) != len(packets) {
					t.Errorf("the other target got %d of %d, %v", len(other.got), len(packets), outcomes[1].Err)
				}
			})
		})
	}
}

// When nobody is left to send to, publishing ends.
func TestAllFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, packets := clip(60)
		src := newFake(streams, packets)
		target := &fakeTarget{refuse: func(int) error { return errRefused }}
		outcomes, took, _ := publishClip(t, t.Context(), Config{Source: src, Destinations: to(target)})
		src.tidy(t)
		if took > time.Second || !errors.Is(outcomes[0].Err, errRefused) {
			t.Errorf("%v after %v", outcomes[0].Err, took)
		}
	})
}

// A staggered target gets everything, later.
func TestStagger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, packets := clip(10)
		a, b := &fakeTarget{name: "a"}, &fakeTarget{name: "b"}
		d := to(a, b)
		d[1].Delay = 3700 * time.Millisecond
		src := newFake(streams, packets)
		publishClip(t, t.Context(), Config{Source: src, Destinations: d})
		src.tidy(t)
		if len(b.got) != len(a.got) || len(b.got) != len(packets) {
			t.Fatalf("%d and %d of %d", len(a.got), len(b.got), len(packets))
		}
		for i := range b.got {
			if late := b.got[i].at.Sub(a.got[i].at); late != d[1].Delay || b.got[i].Unit != a.got[i].Unit {
				t.Fatalf("unit %d came %v later", i, late)
			}
		}
	})
}

// Pictures are encoded where a target does not take their codec: once for all, at the
// rate that is asked for, with a key picture each second.
func TestEncode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, packets := clip(4)
		streams[0].Codec = "mpeg4"
		picky, any := &fakeTarget{name: "picky", takes: []string{"h264", "aac"}}, &fakeTarget{name: "any"}
		enc := &fakeEncoders{takes: 3 * time.Millisecond}
		src := newFake(streams, packets)
		_, _, log := publishClip(t, t.Context(), Config{
			Source: src, Loop: 2, Destinations: to(picky, any), Encoders: enc.encoders(),
			Video: demux.VideoEncoding{Rate: render.Rational{Num: 50, Den: 1}},
		})
		src.tidy(t)
		if len(enc.video) != 1 || enc.open != 0 || log != "" {
			t.Errorf("%d encoders made, %d open, %q", len(enc.video), enc.open, log)
		}
		if e := enc.video[0]; e.Codec != "h264" || e.GOP != 50 {
			t.Errorf("encoding %+v", e)
		}
		for _, target := range []*fakeTarget{picky, any} {
			video := of(target.got, 0)
			if n := len(video); n < 398 || n > 402 {
				t.Errorf("%d pictures of 8 s at 50 fps", n)
			}
			for i := 1; i < len(video); i++ {
				if d := video[i].PTS - video[i-1].PTS; d != 20*time.Millisecond {
					t.Errorf("picture %d: +%v", i, d)
				}
				if late := video[i].at.Sub(video[0].at) - (video[i].PTS - video[0].PTS); late < -5*time.Millisecond || late > 25*time.Millisecond {
					t.Errorf("picture %d was %v late", i, late)
				}
			}
		}
		if picky.streams[1].Codec != "aac" || picky.streams[0].Codec != "h264" {
			t.Errorf("streams %+v", picky.streams)
		}
	})
}

// Where encoding is too slow pictures are left out, and time goes on.
func TestEncodeTooSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, packets := clip(10)
		streams[0].Codec = "mpeg4"
		target := &fakeTarget{takes: []string{"h264", "aac"}}
		enc := &fakeEncoders{takes: 100 * time.Millisecond}
		src := newFake(streams, packets)
		_, took, _ := publishClip(t, t.Context(), Config{Source: src, Destinations: to(target), Encoders: enc.encoders()})
		src.tidy(t)
		if n := len(of(target.got, 0)); n < 95 || n > 105 {
			t.Errorf("%d pictures of 10 s, of which 10 a second are possible", n)
		}
		if took < 9900*time.Millisecond || took > 11*time.Second {
			t.Errorf("10 s took %v", took)
		}
		sound := of(target.got, 1)
		for i := 1; i < len(sound); i++ {
			if d := sound[i].at.Sub(sound[i-1].at); d > 200*time.Millisecond {
				t.Errorf("sound %d waited %v", i, d)
			}
		}
	})
}

func TestCannotBeSent(t *testing.T) {
	streams, packets := clip(1)
	odd := slices.Clone(streams)
	odd[0].Codec = "mpeg4"
	tests := []struct {
		name    string
		streams []demux.Stream
		cfg     Config
		takes   []string
		want    string
	}{
		{"nothing", nil, Config{}, nil, "clip: has neither pictures nor sound that can be sent"},
		{"only pictures, and they are not wanted", streams[:1], Config{NoVideo: true}, nil, "neither pictures nor sound"},
		{"copy what cannot be", odd, Config{Copy: CopyAlways}, []string{"h264", "aac"}, "fake://target cannot carry mpeg4"},
		{"a codec that the target has no name for", streams, Config{Video: demux.VideoEncoding{Codec: "hevc"}}, []string{"h264", "aac"}, "fake://target cannot carry HEVC"},
		{"copy at another size", streams, Config{Copy: CopyAlways, Video: demux.VideoEncoding{Width: 320, Height: 180}}, nil, "another size or rate"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			src := newFake(c.streams, packets)
			c.cfg.Source, c.cfg.Destinations, c.cfg.Name = src, to(&fakeTarget{takes: c.takes}), "clip"
			_, err := New(c.cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			src.tidy(t)
		})
	}
}

// A live source is passed on when it comes, and goes on after it was lost.
func TestLiveSourceLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, packets := clip(4)
		opened := 0
		var all []*fakeSource
		live := func() *fakeSource {
			s := newFake(streams, packets)
			s.info = demux.Info{Live: true}
			s.paced = true
			s.lost = errors.New("clip: the connection was lost")
			all = append(all, s)
			return s
		}
		target := &fakeTarget{}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		outcomes, _, log := publishClip(t, ctx, Config{
			Source: live(), Destinations: to(target),
			Reopen: func(context.Context) (demux.Source, error) {
				if opened++; opened%3 != 0 {
					return nil, errRefused
				}
				return live(), nil
			},
		})
		for _, s := range all {
			s.tidy(t)
		}
		if outcomes[0].Err != nil || target.conns != 1 || len(all) < 3 || strings.Count(log, "trying again") < 2 || !strings.Contains(log, "back after") {
			t.Errorf("%v, %d connections, %d sources, log %s", outcomes[0].Err, target.conns, len(all), log)
		}
		video := of(target.got, 0)
		for i := 1; i < len(video); i++ {
			media, real := video[i].PTS-video[i-1].PTS, video[i].at.Sub(video[i-1].at)
			if media <= 0 || media-real > 100*time.Millisecond || real-media > 100*time.Millisecond {
				t.Errorf("picture %d: PTS +%v, %v later", i, media, real)
			}
		}
	})
}

// Interrupting ends within the time that taking leave has, also where a target is
// stuck and another one waits to try again.
func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, packets := clip(60)
		src := newFake(streams, packets)
		good := &fakeTarget{name: "good"}
		stuck := &fakeTarget{name: "stuck", wait: func(_, n int) bool { return n == 10 }}
		gone := &fakeTarget{name: "gone", refuse: func(int) error { return errRefused }}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		outcomes, took, _ := publishClip(t, ctx, Config{Source: src, Retries: -1, Destinations: to(good, stuck, gone)})
		src.tidy(t)
		if took > 5*time.Second+finishWithin+100*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if outcomes[0].Err != nil || good.finished != 1 {
			t.Errorf("%v, finished %d times", outcomes[0].Err, good.finished)
		}
	})
}

// A track of which nothing comes does not hold the other one up for long.
func TestMissingTrack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, packets := clip(20)
		packets = slices.DeleteFunc(packets, func(p demux.Packet) bool { return p.Stream == 5 })
		src := newFake(streams, packets)
		src.info.Live, src.paced = true, true
		target := &fakeTarget{}
		publishClip(t, t.Context(), Config{Source: src, Destinations: to(target)})
		src.tidy(t)
		if len(target.streams) != 1 || len(target.got) < 12*25 {
			t.Errorf("%d streams, %d pictures of 20 s", len(target.streams), len(target.got))
		}
	})
}

// What cannot be encoded is told, and becomes of Run's error; the rest goes on.
func TestTrackFails(t *testing.T) {
	broken := errors.New("no such bit rate")
	for _, both := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			streams, packets := clip(5)
			streams[0].Codec = "mpeg4"
			enc := (&fakeEncoders{}).encoders()
			enc.Video = func(*render.Picture, demux.VideoEncoding) (VideoEncoder, error) { return nil, broken }
			cfg := Config{Name: "clip", Source: newFake(streams, packets), Loop: -1, Destinations: to(&fakeTarget{takes: []string{"h264", "aac"}}), Encoders: enc, NoAudio: both}
			var l lines
			cfg.Log = l.logger()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			p, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			_, err = p.Run(ctx)
			cfg.Source.(*fakeSource).tidy(t)
			var lost *Lost
			if !errors.As(err, &lost) || !errors.Is(err, broken) || lost.All != both || strings.Count(l.String(), "no longer sent") != 1 {
				t.Errorf("both %t: %v, log %s", both, err, l.String())
			}
			if ended := time.Since(began) < time.Second; ended != both {
				t.Errorf("both %t: took %v", both, time.Since(began))
			}
			if n := len(cfg.Destinations[0].Target.(*fakeTarget).got); !both && n < 400 {
				t.Errorf("only %d frames of sound in 10 s", n)
			}
		})
	}
}

// Key pictures come by time, whatever rate the source says.
func TestKeyPicturesByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams, packets := clip(20)
		streams[0].Codec = "mpeg4"
		// 5 pictures a second of a stream that says 25.
		packets = slices.DeleteFunc(packets, func(p demux.Packet) bool { return p.Stream == 3 && p.PTS%(200*time.Millisecond) != 0 })
		target := &fakeTarget{takes: []string{"h264", "aac"}}
		src := newFake(streams, packets)
		publishClip(t, t.Context(), Config{Source: src, Destinations: to(target), Encoders: (&fakeEncoders{}).encoders(), GOP: 2 * time.Second})
		src.tidy(t)
		var last time.Duration
		for _, a := range of(target.got, 0) {
			if a.Key {
				last = a.PTS
			} else if a.PTS-last > 2*time.Second {
				t.Errorf("no key picture from %v to %v", last, a.PTS)
			}
		}
	})
}

// A copied stream whose source does not know the size has it from its parameter sets.
func TestSizeFromParameterSets(t *testing.T) {
	sps := []byte{0x67, 0x42, 0xc0, 0x28, 0xd9, 0x00, 0x78, 0x02, 0x27, 0xe5, 0x84, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc9, 0x20}
	e, err := newElementary(demux.Stream{Kind: demux.Video, Codec: "h264"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.units(&demux.Packet{Key: true, Data: annexB(sps, pps, idr(1))}); err != nil {
		t.Fatal(err)
	}
	if e.stream.Width != 1920 || e.stream.Height != 1080 {
		t.Errorf("%dx%d, want 1920x1080", e.stream.Width, e.stream.Height)
	}
}
