package player

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"planar/audio"
	"planar/demux"
)

// meters makes meters that count what they are fed, and remembers them.
type meters struct {
	mu   sync.Mutex
	made []*countingMeter
	fail error
}

type countingMeter struct {
	mu     sync.Mutex
	format audio.Format
	data   []byte
	closed bool
	fail   error
}

func (m *meters) open(f audio.Format) (LoudnessMeter, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &countingMeter{format: f, fail: m.fail}
	m.made = append(m.made, c)
	return c, nil
}

func (m *meters) all() []*countingMeter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.made)
}

func (c *countingMeter) Feed(b *audio.Block) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.data = append(c.data, b.Planes[0][:b.Frames*b.FrameBytes()]...)
	return c.fail
}

func (c *countingMeter) Report() audio.Loudness {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := audio.NoLoudness()
	r.Measured = c.format.Duration(int64(len(c.data) / c.format.FrameBytes()))
	return r
}

func (c *countingMeter) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		panic("closed twice")
	}
	c.closed = true
}

func (c *countingMeter) state() (measured time.Duration, closed bool) {
	r := c.Report()
	c.mu.Lock()
	defer c.mu.Unlock()
	return r.Measured, c.closed
}

// What is asked for all the time is measured from the first sample to the last, each
// of them once, whatever becomes of the output and of the channels; and it is told
// still when all is over.
func TestLoudnessOfAll(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(s *stage)
	}{
		{"plain", func(*stage) {}},
		{"another device", func(s *stage) { s.speaker().reopen() }},
		{"muted", func(s *stage) { s.speaker().setMuted(1) }},
		{"paused", func(s *stage) {
			s.screen.press("space")
			time.Sleep(10 * time.Second)
			s.screen.press("space")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, m := newStage(t), &meters{}
				s.cfg.NewLoudness, s.cfg.Loudness = m.open, true
				sound, data := s.tone(4 * time.Second)
				s.start(demux.Pair(s.pictures(100), sound))
				time.Sleep(time.Second)
				c.do(s)
				s.finish()
				made := m.all()
				if len(made) != 1 {
					t.Fatalf("%d meters, want 1", len(made))
				}
				if _, closed := made[0].state(); !closed {
					t.Error("the meter is still open")
				}
				if !slices.Equal(made[0].data, data) {
					t.Errorf("%d bytes were measured, want the %d of the source", len(made[0].data), len(data))
				}
				if l := s.p.Stats().Loudness; l == nil || l.Measured != 4*time.Second {
					t.Errorf("at the end: %+v, want 4 s measured", l)
				}
			})
		})
	}
}

// Nothing is measured while nobody looks. A look lasts 2 s of sound and outlasts a
// pause; a seek goes on with the same programme, clearing begins another.
func TestLoudnessWhileWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newStage(t), &meters{}
		s.cfg.NewLoudness = m.open
		sound, _ := s.tone(60 * time.Second)
		s.start(demux.Pair(s.pictures(1500), sound))
		wants := func(when string, made int, measured bool, least, most time.Duration) {
			t.Helper()
			all, l := m.all(), s.p.Stats().Loudness
			if len(all) != made || (l != nil) != measured {
				t.Fatalf("%s: %d meters, %+v; want %d, measured %t", when, len(all), l, made, measured)
			}
			if measured && (l.Measured < least || l.Measured > most) {
				t.Errorf("%s: %v measured, want %v to %v", when, l.Measured, least, most)
			}
			for i, c := range all {
				if _, closed := c.state(); closed == (i == made-1 && measured) {
					t.Errorf("%s: meter %d of %d closed: %t", when, i+1, made, closed)
				}
			}
		}
		watch := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * ms) {
				s.speaker().loudness.look()
			}
		}
		time.Sleep(2 * time.Second)
		wants("nobody looks", 0, false, 0, 0)
		watch(4 * time.Second)
		wants("after 4 s", 1, true, 3700*ms, 4300*ms)
		s.screen.press("space")
		time.Sleep(time.Minute)
		wants("in a pause", 1, true, 3700*ms, 4300*ms)
		s.screen.press("space")
		watch(2 * time.Second)
		wants("after the pause", 1, true, 5700*ms, 6300*ms)
		s.screen.press("right")
		watch(2 * time.Second)
		wants("after a seek", 1, true, 7200*ms, 8600*ms)
		s.speaker().loudness.clear()
		wants("cleared", 1, true, 0, 0)
		watch(time.Second)
		wants("a second after that", 2, true, 700*ms, 1300*ms)
		time.Sleep(3 * time.Second)
		wants("nobody looks any more", 2, false, 0, 0)
		watch(time.Second)
		wants("somebody looks again", 3, true, 700*ms, 1300*ms)
		s.stop()
		if _, closed := m.all()[2].state(); !closed {
			t.Error("the last meter is still open")
		}
	})
}

// A meter that fails is not tried with each block, and disturbs nothing.
func TestLoudnessFails(t *testing.T) {
	for name, set := range map[string]func(s *stage, m *meters){
		"opening": func(s *stage, m *meters) {
			s.cfg.NewLoudness = func(f audio.Format) (LoudnessMeter, error) {
				m.open(f)
				return nil, errors.New("no meter")
			}
		},
		"measuring": func(s *stage, m *meters) { m.fail, s.cfg.NewLoudness = errors.New("no meter"), m.open },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, m := newStage(t), &meters{}
				s.cfg.Loudness = true
				set(s, m)
				sound, data := s.tone(2 * time.Second)
				s.start(demux.Pair(s.pictures(50), sound))
				s.finish()
				if n := len(m.all()); n != 1 {
					t.Errorf("%d meters were tried, want 1", n)
				}
				if l := s.p.Stats().Loudness; l != nil {
					t.Errorf("%+v is told, want nothing", l)
				}
				if n := strings.Count(s.log.String(), "no meter"); n != 1 {
					t.Errorf("it was said %d times, want once", n)
				}
				if got := s.heard.frames(); got < int64(len(data)/2) {
					t.Errorf("%d frames were heard, want %d", got, len(data)/2)
				}
			})
		})
	}
}

// BenchmarkLoudnessOff is what a block costs when nothing is measured.
func BenchmarkLoudnessOff(b *testing.B) {
	var l loudness
	m := &meters{}
	block := &audio.Block{Format: testFormat, Frames: 1024, Planes: [][]byte{make([]byte, 2048)}}
	b.ReportAllocs()
	for b.Loop() {
		if err := l.feed(block, 1, false, m.open); err != nil {
			b.Fatal(err)
		}
	}
	if len(m.made) != 0 {
		b.Error("something was measured")
	}
}
