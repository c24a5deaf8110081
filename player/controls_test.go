package player

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"planar/demux"
	"planar/render"
)

// desk is a screen with controls on it, which a test plays.
type desk struct {
	*screen
	mu       sync.Mutex
	layers   int // calls of SetLayers
	view     render.View
	awake    bool
	asked    []Command
	states   []State
	statuses []Status
	draws    int
	takes    func(render.Event) bool
	again    time.Duration
	broken   error // why it cannot be shown
}

func (d *desk) ShowNow() error            { return d.broken }
func (d *desk) Clear()                    {}
func (d *desk) Size() (int, int, float64) { return 160, 160, 1 }
func (d *desk) SetLayers([]render.Layer)  { d.mu.Lock(); d.layers++; d.mu.Unlock() }
func (d *desk) SetView(v render.View)     { d.mu.Lock(); d.view = v; d.mu.Unlock() }
func (d *desk) SetFilter(render.Filter)   {}
func (d *desk) InhibitScreenSaver(on bool) {
	d.mu.Lock()
	d.awake = on
	d.mu.Unlock()
}

func (d *desk) Handle(e render.Event, _ time.Duration) bool { return d.takes != nil && d.takes(e) }

func (d *desk) Draw(m Moment) Drawing {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.draws++
	if n := len(d.states); n == 0 || d.states[n-1] != m.State {
		d.states = append(d.states, m.State)
	}
	st := m.Status()
	st.Picture = nil // not ours after this
	st.Playlist = slices.Clone(st.Playlist)
	d.statuses = append(d.statuses, st)
	a := d.asked
	d.asked = nil
	return Drawing{Asked: a, Again: d.again}
}

// ask has the controls ask for something.
func (d *desk) ask(c ...Command) {
	d.mu.Lock()
	d.asked = append(d.asked, c...)
	d.mu.Unlock()
	d.Wake()
}

func (d *desk) status() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.statuses) == 0 {
		return Status{}
	}
	return d.statuses[len(d.statuses)-1]
}

func (d *desk) event(e render.Event) {
	d.screen.mu.Lock()
	d.events = append(d.events, e)
	d.screen.mu.Unlock()
	d.Wake()
}

// newDesk is a stage whose screen has controls. Any source but those named bad can
// be opened; one that is called slow takes for ever.
func newDesk(t *testing.T, bad ...string) (*stage, *desk, *[]string) {
	s := newStage(t)
	d := &desk{screen: s.screen}
	s.cfg.Video, s.cfg.Controls = d, d
	opened := &[]string{}
	s.cfg.Open = func(ctx context.Context, name string) (demux.Source, error) {
		*opened = append(*opened, name)
		if slices.Contains(bad, name) {
			return nil, errors.New(name + ": broken")
		}
		if name == "slow" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		s.dir = t.TempDir()
		return s.pictures(250), nil
	}
	return s, d, opened
}

func TestPlaylist(t *testing.T) {
	tests := []struct {
		name string
		do   []Command
		want []string // what was opened
		list []string // the playlist at the end
	}{
		{"open", []Command{{Do: Open, Names: []string{"a", "b"}}}, []string{"test", "a"}, []string{"test", "a", "b"}},
		{"append", []Command{{Do: Append, Names: []string{"a"}}}, []string{"test"}, []string{"test", "a"}},
		{"next", []Command{{Do: Append, Names: []string{"a"}}, {Do: PlayNext}}, []string{"test", "a"}, []string{"test", "a"}},
		{"previous", []Command{{Do: Open, Names: []string{"a"}}, {Do: PlayPrevious}}, []string{"test", "a", "test"}, []string{"test", "a"}},
		{"no next", []Command{{Do: PlayNext}, {Do: PlayPrevious}}, []string{"test"}, []string{"test"}},
		{"one of them", []Command{{Do: Append, Names: []string{"a", "b"}}, {Do: PlayAt, Index: 2}}, []string{"test", "b"}, []string{"test", "a", "b"}},
		{"none of them", []Command{{Do: PlayAt, Index: 7}, {Do: PlayAt, Index: -1}}, []string{"test"}, []string{"test"}},
		{"remove another", []Command{{Do: Append, Names: []string{"a", "b"}}, {Do: Remove, Index: 1}}, []string{"test"}, []string{"test", "b"}},
		{"remove one before", []Command{{Do: Open, Names: []string{"a"}}, {Do: Remove}}, []string{"test", "a"}, []string{"a"}},
		{"remove what plays", []Command{{Do: Append, Names: []string{"a"}}, {Do: Remove}}, []string{"test", "a"}, []string{"a"}},
		{"remove the last", []Command{{Do: Remove}}, []string{"test"}, []string{"test"}},
		{"broken", []Command{{Do: Open, Names: []string{"bad"}}}, []string{"test", "bad", "test"}, []string{"test"}},
		{"broken, and another", []Command{{Do: Open, Names: []string{"bad", "a"}}}, []string{"test", "bad", "a"}, []string{"test", "a"}},
		{"only broken ones", []Command{{Do: Open, Names: []string{"bad", "bad"}}}, []string{"test", "bad", "bad", "test"}, []string{"test"}},
		{"broken behind what is removed", []Command{{Do: Append, Names: []string{"bad", "a"}}, {Do: Remove}}, []string{"test", "bad", "a"}, []string{"bad", "a"}},
		{"another while it opens", []Command{{Do: Open, Names: []string{"slow"}}, {Do: Open, Names: []string{"bad"}}}, []string{"test", "slow", "bad", "test"}, []string{"test", "slow"}},
		{
			"what was there moves meanwhile",
			[]Command{{Do: Append, Names: []string{"slow"}}, {Do: Open, Names: []string{"a"}}, {Do: PlayAt, Index: 2}, {Do: Remove}, {Do: Open, Names: []string{"bad"}}},
			[]string{"test", "a", "slow", "bad", "a"},
			[]string{"a", "slow"},
		},
		{
			"others come before what was there",
			[]Command{{Do: Append, Names: []string{"slow", "a"}}, {Do: PlayAt, Index: 2}, {Do: PlayPrevious}, {Do: Open, Names: []string{"bad", "bad"}}},
			[]string{"test", "a", "slow", "bad", "bad", "a"},
			[]string{"test", "slow", "a"},
		},
		{"broken next", []Command{{Do: Append, Names: []string{"bad"}}, {Do: PlayNext}}, []string{"test", "bad", "test"}, []string{"test", "bad"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, d, opened := newDesk(t, "bad")
				s.start(nil)
				time.Sleep(time.Second)
				for _, c := range test.do {
					d.ask(c)
					time.Sleep(time.Second)
				}
				st := d.status()
				d.ask(Command{Do: Quit})
				<-s.done
				if s.err != ErrQuit || !slices.Equal(*opened, test.want) {
					t.Errorf("opened %q, want %q; Run returned %v", *opened, test.want, s.err)
				}
				if !slices.Equal(st.Playlist, test.list) {
					t.Errorf("the playlist is %q, want %q", st.Playlist, test.list)
				}
				if st.At < 0 || st.At >= len(st.Playlist) || st.Playlist[st.At] != (*opened)[len(*opened)-1] {
					t.Errorf("source %d is marked as playing, %q were opened", st.At, *opened)
				}
			})
		})
	}
}

// A source that is taken for something else goes on at the frame that is there,
// and stays as it is if it cannot be that.
func TestReload(t *testing.T) {
	for _, broken := range []bool{false, true} {
		t.Run(fmt.Sprint("broken ", broken), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, d, _ := newDesk(t)
				opens := 0
				s.cfg.Open = func(context.Context, string) (demux.Source, error) {
					if opens++; opens > 1 && broken {
						return nil, errors.New("test: no such format")
					}
					s.dir = filepath.Join(t.TempDir())
					return s.pictures(250), nil
				}
				s.cfg.Paused = true
				s.start(nil)
				time.Sleep(time.Second)
				d.ask(Command{Do: SeekTo, Time: 4*time.Second + 5*ms})
				time.Sleep(time.Second)
				d.ask(Command{Do: Reload})
				time.Sleep(time.Second)
				if got := d.status(); got.Frame != 100 || got.State != "paused" {
					t.Errorf("frame %d, %s: want 100, paused", got.Frame, got.State)
				}
				d.ask(Command{Do: TogglePause})
				time.Sleep(time.Second)
				d.ask(Command{Do: Quit})
				<-s.done
				all := s.screen.all()
				if last := all[len(all)-1].number; last < 120 || last > 126 {
					t.Errorf("a second later frame %d is shown, want about 125", last)
				}
				if opens != 2 {
					t.Errorf("opened %d times, want 2", opens)
				}
			})
		})
	}
}

// Whoever drags along the seek bar sees pictures on the way, and the one at its end.
func TestScrub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d, _ := newDesk(t)
		s.cfg.Paused = true
		decoding := 30 * ms
		s.cfg.Open = func(context.Context, string) (demux.Source, error) {
			return slow{s.pictures(250), func() time.Duration { return decoding }}, nil
		}
		s.start(nil)
		time.Sleep(time.Second)
		before := len(s.screen.all())
		for i := range 100 {
			d.ask(Command{Do: SeekTo, Time: time.Duration(i) * 80 * ms})
			time.Sleep(10 * ms)
		}
		time.Sleep(time.Second)
		if got := s.screen.last().number; got != 198 {
			t.Errorf("dragged to frame 198, frame %d is shown", got)
		}
		if n := len(s.screen.all()) - before; n < 10 || n > 50 {
			t.Errorf("%d pictures were shown in a second of dragging, each of which takes 30 ms", n)
		}
		d.ask(Command{Do: Quit})
		<-s.done
	})
}

// A seek that waits for another one gives way to what is asked for after it, and is
// not forgotten if that one finds no picture.
func TestScrubThenSomethingElse(t *testing.T) {
	for _, c := range []struct {
		name string
		do   []Command
		lost bool // the first seek fails
		want int64
	}{
		{"the beginning", []Command{{Do: SeekTo, Time: 4 * time.Second}, {Do: SeekTo, Time: 8 * time.Second}, {Do: SeekStart}}, false, 0},
		{"a step", []Command{{Do: SeekTo, Time: 4 * time.Second}, {Do: StepForward}, {Do: SeekTo, Time: 8 * time.Second}}, false, 200},
		{"nothing", []Command{{Do: SeekTo, Time: 4 * time.Second}, {Do: SeekTo, Time: 8 * time.Second}}, true, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, d, _ := newDesk(t)
				s.cfg.Paused = true
				s.cfg.Open = func(context.Context, string) (demux.Source, error) {
					src := slow{s.pictures(250), func() time.Duration { return 30 * ms }}
					return &lossy{Source: src, lost: c.lost}, nil
				}
				s.start(nil)
				time.Sleep(time.Second)
				d.ask(c.do...)
				time.Sleep(time.Second)
				if got := s.screen.last().number; got != c.want {
					t.Errorf("frame %d is shown, want %d", got, c.want)
				}
				d.ask(Command{Do: Quit})
				<-s.done
			})
		})
	}
}

// lossy is a source in which, if lost, the first seek fails, after a while.
type lossy struct {
	demux.Source
	lost bool
}

func (l *lossy) Seek(to time.Duration) error {
	if l.lost {
		l.lost = false
		time.Sleep(100 * ms)
		return errors.New("test: cannot seek there")
	}
	return l.Source.Seek(to)
}

// A source that is opened again goes on where a seek was on its way to, and with the
// frames that were looped, at whatever rate they come.
func TestReloadKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d, _ := newDesk(t)
		s.cfg.Paused = true
		rate := render.Rational{Num: 25, Den: 1}
		s.cfg.Open = func(context.Context, string) (demux.Source, error) {
			s.dir = t.TempDir()
			return slow{s.picturesAt(250, rate), func() time.Duration { return 30 * ms }}, nil
		}
		s.start(nil)
		time.Sleep(time.Second)
		for _, at := range []time.Duration{2 * time.Second, 4 * time.Second} {
			d.ask(Command{Do: SeekTo, Time: at})
			time.Sleep(time.Second)
			d.ask(Command{Do: MarkLoop})
			time.Sleep(100 * ms)
		}
		rate = render.Rational{Num: 50, Den: 1}
		d.ask(Command{Do: SeekTo, Time: 3 * time.Second}, Command{Do: Reload})
		time.Sleep(time.Second)
		d.Wake()
		time.Sleep(100 * ms)
		if st := d.status(); st.Frame != 75 || st.LoopA != time.Second || st.LoopB != 2*time.Second {
			t.Errorf("frame %d, looped from %v to %v; want 75, 1 s to 2 s", st.Frame, st.LoopA, st.LoopB)
		}
		d.ask(Command{Do: Quit})
		<-s.done
	})
}

func TestLoopAtAnotherRate(t *testing.T) {
	ntsc, film, pal := render.Rational{Num: 30000, Den: 1001}, render.Rational{Num: 24000, Den: 1001}, render.Rational{Num: 25, Den: 1}
	for n := range int64(5000) {
		for _, r := range [][2]render.Rational{{ntsc, film}, {film, ntsc}, {ntsc, pal}, {pal, ntsc}} {
			p := part{a: demux.FrameTime(n, r[0]), b: NoLoop}
			if got := p.at(r[0], r[1]); got.a != demux.FrameTime(n, r[1]) || got.b != NoLoop {
				t.Fatalf("frame %d at %v is at %v, want %v", n, p.a, got.a, demux.FrameTime(n, r[1]))
			}
			if back := frameAt(p.a, r[0]); back != n {
				t.Fatalf("frame %d has the number %d", n, back)
			}
		}
	}
}

func TestControlsSeeStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d, _ := newDesk(t)
		open := s.cfg.Open
		s.cfg.Open = func(ctx context.Context, name string) (demux.Source, error) {
			time.Sleep(2 * time.Second)
			return open(ctx, name)
		}
		s.cfg.Exit = false
		d.again = 200 * ms
		s.start(nil)
		time.Sleep(3 * time.Second)
		lit := func() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.awake }
		drawn := func() int { d.mu.Lock(); defer d.mu.Unlock(); return d.draws }
		if !lit() {
			t.Error("the screen may go dark while pictures move")
		}
		if st := d.status(); st.Duration != 10*time.Second || !st.HasVideo || st.Rate.Num != 25 || !st.Seekable {
			t.Errorf("status %+v", st)
		}
		d.ask(Command{Do: TogglePause})
		time.Sleep(time.Second)
		if lit() {
			t.Error("the screen stays lit while a picture stands still")
		}
		d.ask(Command{Do: TogglePause})
		time.Sleep(10 * time.Second)
		d.mu.Lock()
		if want := []State{Opening, Playing, Paused, Playing, Ended}; !slices.Equal(d.states, want) {
			t.Errorf("states %q, want %q", d.states, want)
		}
		d.mu.Unlock()
		d.mu.Lock()
		d.again = 0
		d.mu.Unlock()
		time.Sleep(time.Second)
		draws := drawn()
		time.Sleep(time.Hour)
		if n := drawn() - draws; n != 0 {
			t.Errorf("drawn %d times in an hour in which nothing happened", n)
		}
		d.ask(Command{Do: Quit})
		<-s.done
	})
}

// While it opens, a source can be given up.
func TestCancelOpening(t *testing.T) {
	for name, cancel := range map[string]func(*desk){
		"button": func(d *desk) { d.ask(Command{Do: CancelOpening}) },
		"escape": func(d *desk) { d.press("escape") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, d, _ := newDesk(t)
				s.cfg.Open = func(ctx context.Context, name string) (demux.Source, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				s.start(nil)
				time.Sleep(time.Second)
				cancel(d)
				<-s.done
				if len(s.out) != 1 || !errors.Is(s.out[0].Err, errCancelled) {
					t.Errorf("outcomes %v", s.out)
				}
			})
		})
	}
}

// With nothing to play, an idle player waits for something.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d, opened := newDesk(t)
		s.cfg.Idle = true
		s.p = New(s.cfg)
		go func() {
			defer close(s.done)
			s.out, s.err = s.p.Run(t.Context(), nil)
		}()
		time.Sleep(time.Second)
		d.ask(Command{Do: Open, Names: []string{"a"}})
		time.Sleep(20 * time.Second)
		d.ask(Command{Do: Append, Names: []string{"b"}})
		time.Sleep(time.Second)
		d.event(render.Event{Kind: render.CloseRequest})
		<-s.done
		if want := []string{"a", "b"}; !slices.Equal(*opened, want) || s.err != ErrQuit {
			t.Errorf("opened %q, want %q; Run returned %v", *opened, want, s.err)
		}
		if want := []State{Idle, Playing, Idle, Playing}; !slices.Equal(d.states, want) {
			t.Errorf("states %q, want %q", d.states, want)
		}
	})
}

// What is appended and cannot be played is told of once, and an idle player can be
// told how loud to be.
func TestIdleFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d, opened := newDesk(t, "bad")
		s.cfg.Idle = true
		s.p = New(s.cfg)
		go func() {
			defer close(s.done)
			s.out, s.err = s.p.Run(t.Context(), nil)
		}()
		time.Sleep(time.Second)
		d.ask(Command{Do: SetVolume, Amount: 0.3}, Command{Do: ToggleMute}, Command{Do: SetDevice, Text: "headphones"})
		time.Sleep(time.Second)
		if st := d.status(); st.Volume != 0.3 || !st.Muted || st.Device != "headphones" || st.State != string(Idle) {
			t.Errorf("volume %v, muted %v, device %q, %s", st.Volume, st.Muted, st.Device, st.State)
		}
		for _, c := range []Command{{Do: Append, Names: []string{"bad"}}, {Do: PlayAt}, {Do: CancelOpening}, {Do: PlayPrevious}} {
			d.ask(c)
			time.Sleep(time.Second)
		}
		d.ask(Command{Do: Quit})
		<-s.done
		if want := []string{"bad", "bad", "bad"}; !slices.Equal(*opened, want) || len(s.out) != 3 || s.err != ErrQuit {
			t.Errorf("opened %q, want %q; outcomes %v, %v", *opened, want, s.out, s.err)
		}
	})
}

// A window that cannot be shown ends an idle player.
func TestIdleWithoutWindow(t *testing.T) {
	s, d, _ := newDesk(t)
	s.cfg.Idle = true
	d.broken = errors.New("no display")
	if out, err := New(s.cfg).Run(t.Context(), nil); err != d.broken || len(out) != 0 {
		t.Errorf("outcomes %v, %v", out, err)
	}
}

// The mouse on the picture: full screen, volume, zoom, pan; but not what the
// controls take.
func TestPointer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d, _ := newDesk(t)
		s.cfg.Volume = 0.5
		s.start(nil)
		time.Sleep(time.Second)
		step := func(e ...render.Event) Status {
			for _, e := range e {
				d.event(e)
			}
			time.Sleep(50 * ms)
			return d.status()
		}
		wheel := render.Event{Kind: render.Wheel, WheelY: 1, X: 80, Y: 80}
		if got := step(wheel, wheel).Volume; got < 0.599 || got > 0.601 {
			t.Errorf("two notches up: volume %v, want 0.6", got)
		}
		half := wheel
		half.WheelY = -0.5
		if got := step(half, half).Volume; got < 0.549 || got > 0.551 {
			t.Errorf("two halves of a notch down: volume %v, want 0.55", got)
		}
		wheel.Mods = render.ModCtrl
		if got := step(wheel, wheel, wheel).View.Zoom; got < 19.9 || got > 20.1 {
			t.Errorf("three notches with Ctrl: zoom %v, want twice the 10 that fit", got)
		}
		before := d.status().View
		move := []render.Event{
			{Kind: render.PointerDown, Button: render.ButtonLeft, Clicks: 1, X: 80, Y: 80},
			{Kind: render.PointerMove, X: 100, Y: 80},
			{Kind: render.PointerUp, Button: render.ButtonLeft, X: 100, Y: 80},
			{Kind: render.PointerMove, X: 150, Y: 80},
		}
		after := step(move...).View
		if dx := before.X - after.X; dx < 0.06 || dx > 0.065 || after.Y != before.Y { // 20 of 320 pixels
			t.Errorf("dragged by 20 pixels from %+v to %+v", before, after)
		}
		d.takes = func(e render.Event) bool { return e.Kind == render.Wheel }
		if got := step(wheel).View; got != after {
			t.Errorf("what the controls took zoomed to %+v", got)
		}
		d.ask(Command{Do: Quit})
		<-s.done
	})
}

// What the source says of colours can be overridden and restored while it plays.
func TestColourOverride(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d, _ := newDesk(t)
		s.cfg.Paused = true
		s.start(nil)
		time.Sleep(time.Second)
		for _, want := range []render.Colour{{Matrix: render.BT709, Range: render.Full}, {}} {
			d.ask(Command{Do: SetColour, Colour: want})
			time.Sleep(100 * ms)
			d.Wake()
			time.Sleep(100 * ms)
			if got := d.status().Look.Said; got.Matrix != want.Matrix || got.Range != want.Range {
				t.Errorf("set %v, the picture is %v", want, got)
			}
		}
		if n := s.screen.last().number; n != 0 {
			t.Errorf("frame %d is shown, want 0", n)
		}
		d.ask(Command{Do: Quit})
		<-s.done
	})
}
