package controls

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"planar/player"
)

// liveMinute plays a live source for n seconds, with a loss at a third and a signal
// that is lost for some seconds at two thirds.
func liveMinute(r *rig, n int) {
	rnd := rand.New(rand.NewPCG(1, 2))
	r.m.Live, r.st.IsLive, r.st.Seekable = true, true, false
	r.st.Stats = liveStats()
	r.st.Name = "rtsp://camera.example/stream"
	live := *r.st.Live
	for i := range n {
		l := live
		l.Reception.Tracks = append(l.Reception.Tracks[:0:0], live.Reception.Tracks...)
		video := &l.Reception.Tracks[0]
		video.LossNow = 0
		r.st.Rates.Bits = 4e6 + 8e5*math.Sin(float64(i)/5) + 3e5*rnd.Float64()
		r.st.Rates.Shown = 25
		if i >= n/3 && i < n/3+6 {
			video.LossNow = 0.01 * float64(1+i%4)
			r.st.Rates.Shown = 21
		}
		video.Jitter = time.Duration(1.5e6 + 2e6*rnd.Float64())
		l.Target = time.Duration(60e6 + 1e6*float64(i/20*20))
		l.Behind = time.Duration(6e6 * rnd.NormFloat64())
		r.st.Stages = player.Stages{
			Reorder: time.Duration(1e6 + 1e6*rnd.Float64()), Decode: time.Duration(6e6 + 2e6*rnd.Float64()),
			Queue: time.Duration(38e6 + 8e6*rnd.Float64()), Present: time.Duration(1e6 + 5e5*rnd.Float64()),
		}
		r.m.State = player.Playing
		if i >= 2*n/3 && i < 2*n/3+5 {
			r.m.State, l.Lost = player.SignalLost, time.Second
		}
		r.st.Live = &l
		r.m.Frame += 25
		r.pass(time.Second)
	}
}

func TestLivePanelSamples(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	liveMinute(r, 60)
	seen, lost := 0, 0
	r.c.live.past.window(r.m.Now-1, minute, func(_ int, s *sample) {
		seen++
		if s.lost {
			lost++
		}
	})
	if seen != 60 || lost != 5 {
		t.Errorf("%d samples of 60 s, %d of them without a signal, want 60 and 5", seen, lost)
	}
	r.st.Name = "rtsp://camera.example/other"
	r.pass(time.Second)
	if n := r.c.live.past.count; n > 2 {
		t.Errorf("%d samples a second after another source began", n)
	}
}

// TestLivePanelAgain tests when the controls want to be called for a sample.
func TestLivePanelAgain(t *testing.T) {
	at := time.Hour + 300*time.Millisecond
	for _, tt := range []struct {
		name string
		m    player.Moment
		want time.Duration
	}{
		{"a file", player.Moment{Now: at, State: player.Playing}, 0},
		{"live, pictures come", player.Moment{Now: at, Live: true, State: player.Playing, Frame: 5}, time.Second},
		{"live, sound alone", player.Moment{Now: at, Live: true, State: player.Playing, Frame: -1}, 700 * time.Millisecond},
		{"live, lost", player.Moment{Now: at, Live: true, State: player.SignalLost, Frame: 5}, 700 * time.Millisecond},
		{"live, paused", player.Moment{Now: at, Live: true, State: player.Paused, Frame: 5}, 700 * time.Millisecond},
	} {
		if got := (&livePanel{}).again(tt.m); got != tt.want {
			t.Errorf("%s: again after %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestLivePanelFile tests that a file is sampled only while the panel is open.
func TestLivePanelFile(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.pass(5 * time.Second)
	if n := r.c.live.past.count; n != 0 {
		t.Errorf("%d samples of a file while the panel is closed", n)
	}
	r.press("n")
	r.st.Rates = player.Rates{Bits: 3e7, Shown: 25}
	for range 5 {
		r.st.Stages = player.Stages{Decode: 2 * time.Millisecond, Queue: 40 * time.Millisecond}
		r.pass(time.Second)
	}
	if n := r.c.live.past.count; n < 5 || n > 6 {
		t.Errorf("%d samples in 5 s, want one a second", n)
	}
	r.leave("live-file")
}

// TestLivePanelEvents tests that the list is the log's, and bounded.
func TestLivePanelEvents(t *testing.T) {
	var n notices
	var l livePanel
	for i := range 2 * maxNotices {
		n.add(notice{text: fmt.Sprint(i)})
		if i%7 == 0 {
			l.events(&n)
		}
	}
	l.events(&n)
	if len(l.lines) != maxLines || l.lines[0].text != fmt.Sprint(2*maxNotices-maxLines) || l.lines[maxLines-1].text != fmt.Sprint(2*maxNotices-1) {
		t.Errorf("%d lines from %q to %q, want the latest %d", len(l.lines), l.lines[0].text, l.lines[len(l.lines)-1].text, maxLines)
	}
}

// TestLivePanelSizes draws the panel in all sizes; the pictures are for looking at.
func TestLivePanelSizes(t *testing.T) {
	before := failures.Load()
	for _, size := range []struct {
		w, h  int
		scale float64
	}{{1280, 720, 1}, {320, 240, 1}, {2560, 1440, 2}} {
		r := newRig(t, size.w, size.h, size.scale, Options{Log: NewLog()})
		at := time.Date(2024, 5, 6, 12, 3, 4, 0, time.UTC)
		for i, n := range []notice{
			{level: slog.LevelInfo, text: "rtsp://camera.example/stream: receiving by UDP"},
			{level: slog.LevelWarn, text: "rtsp://camera.example/stream: 3.2 % of the packets got lost in the last second"},
			{level: slog.LevelError, text: "rtsp://camera.example/stream: the connection was closed by the other side; trying again every second until it is there, however long that takes"},
			{level: slog.LevelInfo, text: "rtsp://camera.example/stream: connected again after 4.9 s"},
		} {
			n.at = at.Add(time.Duration(i*17) * time.Second)
			r.c.o.Log.notices.add(n)
		}
		r.press("n")
		liveMinute(r, 60)
		name := fmt.Sprintf("%dx%d", size.w, size.h)
		r.leave("live-" + name)
		p := r.c.live.corners
		r.move(int(p[0].X+(p[1].X-p[0].X)*0.4), int(p[0].Y+p[1].Y)/2)
		r.pass(300 * time.Millisecond)
		r.leave("live-hover-" + name)
		if size.h < 300 {
			r.wheel(100, 150, -100, 0)
			r.pass(time.Second)
			r.leave("live-scrolled")
		}
	}
	if n := failures.Load() - before; n > 0 {
		t.Errorf("%d assertions of Dear ImGui failed", n)
	}
}
