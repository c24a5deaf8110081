package controls

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/player"
	"planar/player/latency"
	"planar/render"
)

// fileStats is a file that plays.
func fileStats() player.Stats {
	return player.Stats{
		Source: "bridge_352x288_25fps.yuv", State: "playing", Frame: 310, PTS: 12400 * time.Millisecond,
		Look:  player.Look{Width: 352, Height: 288, Format: "yuv420p"},
		Shown: 311, Late: 1, Dropped: 2, Duplicated: 3, AVKnown: true, AVDiff: -3200 * time.Microsecond, SoundQueued: 84 * time.Millisecond, DeviceLatency: 22 * time.Millisecond,
		Rates:    player.Rates{Bits: 30.41e6, Received: 25, Decoded: 25, Shown: 24.9},
		Stages:   player.Stages{Decode: 1200 * time.Microsecond, Queue: 40 * time.Millisecond, Present: 300 * time.Microsecond},
		Lateness: -250 * time.Microsecond, Speed: 1,
	}
}

// liveStats is a live source with pictures and sound that has lost something.
func liveStats() player.Stats {
	st := fileStats()
	st.Source, st.Reconnects, st.Skips = "rtsp://camera.example/stream", 2, 1
	st.Stages.Reorder = 2500 * time.Microsecond
	st.Rates.Bits = 4.32e6
	st.Live = &player.Live{
		Report: latency.Report{Target: 62500 * time.Microsecond, Behind: 3100 * time.Microsecond, Speed: 1.004, Jitter: 2 * time.Millisecond},
		Cause:  "rtsp://camera.example/stream: the connection was closed by the other side", Received: true, Captured: true, ToScreen: 140 * time.Millisecond,
		Reception: demux.Reception{
			Transport: "UDP", Clock: demux.SenderClock{Known: true, Plausible: true, Age: 4 * time.Second},
			Tracks: []demux.TrackReception{
				{
					Kind: demux.Video, Codec: "h264", Packets: 12345, Lost: 30, LossNow: 0.015, Late: 4, Reordered: 5, Duplicated: 6,
					Jitter: 1300 * time.Microsecond, KeyInterval: 2 * time.Second, Held: 7,
				},
				{Kind: demux.Audio, Codec: "aac", Packets: 2345, Jitter: 700 * time.Microsecond},
			},
		},
	}
	return st
}

func TestStatistics(t *testing.T) {
	tests := []struct {
		name      string
		st        player.Stats
		change    func(st *player.Stats)
		want, not []string
	}{
		{"a file", fileStats(), nil, []string{
			"Name: bridge_352x288_25fps.yuv", "State: playing", "Bitrate: 30.41 Mbit/s", "Size: 352 × 288", "Format: yuv420p", "Frame: 310 at 00:12.400",
			"Received: 25.0 fps", "Decoded: 25.0 fps", "Shown: 24.9 fps", "Frames shown: 311", "Late: 1\n", "Dropped: 2\n", "Repeated: 3\n",
			"Queue: 40.0 ms", "Present: 0.3 ms", "Lateness: -0.2 ms", "Sound late by: -3.2 ms", "Sound queue: 84.0 ms", "Device latency: 22.0 ms",
		}, []string{"Stream", "Reorder", "Decode:", "Live", "Reconnects", "Damaged"}},
		{
			"sound alone",
			player.Stats{Source: "a.wav", State: "playing", SoundQueued: 84 * time.Millisecond, PTS: time.Second, Frame: -1},
			nil,
			[]string{"Name: a.wav", "Position\n  Time: 00:01.000", "Sound queue: 84.0 ms"},
			[]string{"fps", "Format", "Sound −"},
		},
		{"nothing", player.Stats{State: "opening", Frame: -1}, nil, []string{"State: opening", "Bitrate: 0 kbit/s"}, []string{"Sound", "Timing"}},
		{"live", liveStats(), nil, []string{
			"Name: rtsp://camera.example/stream", "Stream: h264, aac over UDP", "Bitrate: 4.32 Mbit/s", "Reorder: 2.5 ms",
			"Latency target: 62.5 ms", "Behind it: +3.1 ms", "Speed: 1.004", "Skips: 1", "To screen: 140.0 ms", "Sender's report: 4 s old",
			"Reconnects: 2", "Latest cause: the connection was closed by the other side",
			"Video packets\n  Received: 12345", "Lost: 30 (0.24 %)", "Lost now: 1.5 %", "Late, reordered, twice: 4, 5, 6", "Jitter: 1.3 ms",
			"Key frames: every 2.00 s", "Units held back: 7", "Sound packets\n  Received: 2345",
		}, []string{"Awaiting"}},
		{"clocks that are apart", liveStats(), func(st *player.Stats) {
			st.Live.Captured, st.Live.Reception.Clock = false, demux.SenderClock{Known: true, Offset: -3 * time.Second}
		}, []string{"To screen: clock off by +3.0 s"}, []string{"report"}},
		{"no report", liveStats(), func(st *player.Stats) { st.Live.Captured, st.Live.Reception.Clock = false, demux.SenderClock{} }, []string{"To screen: no report yet"}, nil},
		{"no key frame", liveStats(), func(st *player.Stats) {
			st.Live.Reception.Tracks[0].KeyInterval, st.Live.Reception.Tracks[0].Waiting = 0, 2500*time.Millisecond
		}, []string{"Key frames: not seen twice", "Awaiting one for: 2.5 s"}, nil},
		{"live, nothing received", player.Stats{State: "opening", Live: &player.Live{}}, nil, []string{"Latency target: 0.0 ms", "Reconnects: 0"}, []string{"To screen", "Stream", "cause"}},
		{
			"loudness", fileStats(), func(st *player.Stats) {
				st.Loudness = &audio.Loudness{
					Measured: 12340 * time.Millisecond, Momentary: math.Inf(-1), ShortTerm: -23.04, Integrated: math.NaN(), Range: 5.06, SamplePeak: -1, TruePeak: 0.24,
				}
			},
			[]string{
				"Loudness, EBU R 128\n", "Momentary: −∞ LUFS\n", "Short-term: -23.0 LUFS\n", "Integrated: – LUFS\n", "Range: 5.1 LU\n",
				"Sample peak: -1.0 dBFS\n", "True peak: 0.2 dBTP\n", "Measured so far: 12.3 s\n",
			},
			nil,
		},
		{"no loudness", fileStats(), nil, nil, []string{"Loudness", "LUFS"}},
		{"damage", fileStats(), func(st *player.Stats) { st.DecodeErrors, st.Stalls = 4, 2 }, []string{"Damaged: 4", "Stalls: 2"}, nil},
	}
	for _, tt := range tests {
		if tt.change != nil {
			tt.change(&tt.st)
		}
		got := plain(statistics(tt.st))
		for _, w := range tt.want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: there is no %q in\n%s", tt.name, w, got)
			}
		}
		for _, w := range tt.not {
			if strings.Contains(got, w) {
				t.Errorf("%s: %q is in\n%s", tt.name, w, got)
			}
		}
	}
}

func TestBitrate(t *testing.T) {
	for v, want := range map[float64]string{0: "0 kbit/s", 64e3: "64 kbit/s", 999e3: "999 kbit/s", 1e6: "1.00 Mbit/s", 2.49e9: "2.49 Gbit/s"} {
		if got := bitrate(v); got != want {
			t.Errorf("bitrate(%v) is %q, want %q", v, got, want)
		}
	}
}

func TestCutTo(t *testing.T) {
	for _, tt := range []struct {
		s    string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc…"}, {"aüb", 2, "a…"}, {"", 0, ""}} {
		if got := cutTo(tt.s, tt.n); got != tt.want {
			t.Errorf("cutTo(%q, %d) is %q, want %q", tt.s, tt.n, got, tt.want)
		}
	}
}

// paste is a clipboard.
type paste struct{ text string }

func (p *paste) ClipboardText() (string, error) { return p.text, nil }

func (p *paste) SetClipboardText(s string) error {
	p.text = s
	return nil
}

func TestStatsPanelCopies(t *testing.T) {
	board := &paste{}
	r := newRig(t, 1280, 720, 1, Options{Clipboard: board})
	r.st.Stats = fileStats()
	r.press("i")
	r.pass(time.Second)
	// The button is left of the one that closes, in the panel's upper right corner.
	r.click(12+298-14-26-4-13, 12+12+13, render.ButtonLeft)
	if !strings.Contains(board.text, "Format: yuv420p") {
		t.Errorf("the clipboard has %q, want the statistics", board.text)
	}
	r.leave("stats-copied")
	r.click(12+298-14-13, 12+12+13, render.ButtonLeft)
	if r.c.panels.stats {
		t.Error("the panel is open after a click on its cross")
	}
}

// TestStatsPanelSizes draws the panel in all sizes; the pictures are for looking at.
func TestStatsPanelSizes(t *testing.T) {
	before := failures.Load()
	for _, size := range []struct {
		w, h  int
		scale float64
	}{{1280, 720, 1}, {320, 240, 1}, {2560, 1440, 2}} {
		for name, st := range map[string]player.Stats{"file": fileStats(), "live": liveStats()} {
			r := newRig(t, size.w, size.h, size.scale, Options{Clipboard: &paste{}})
			r.st.Stats = st
			r.press("i")
			for i := range 60 {
				r.st.Lateness = time.Duration(i*i*7%13-6) * 300 * time.Microsecond
				r.pass(100 * time.Millisecond)
			}
			for _, l := range r.last.Layers {
				if l.X < 0 || l.Y < 0 || l.X+l.Pixels.Width > size.w || l.Y+l.Pixels.Height > size.h {
					t.Errorf("%s in %d x %d: a layer is at %+v", name, size.w, size.h, l.Rect())
				}
			}
			r.leave(fmt.Sprintf("stats-%s-%dx%d", name, size.w, size.h))
			r.wheel(100, 120, -20, 0)
			r.pass(time.Second)
			if size.h < 300 {
				r.leave(fmt.Sprintf("stats-%s-scrolled", name))
			}
		}
	}
	if n := failures.Load() - before; n > 0 {
		t.Errorf("%d assertions of Dear ImGui failed", n)
	}
}

// Loudness is measured while the panel or that of the sound is there, and only then,
// and a button begins anew.
func TestPanelsWatchLoudness(t *testing.T) {
	before := failures.Load()
	for _, c := range []struct{ name, key string }{{"statistics", "i"}, {"sound", "w"}} {
		r := newRig(t, 1280, 720, 1, Options{})
		watched := 0
		r.st.HasSound, r.st.HasVideo = true, true
		r.st.WatchLoudness = func() { watched++ }
		r.st.Loudness = &audio.Loudness{Measured: time.Second, Momentary: -23, ShortTerm: -23, Integrated: -23, Range: 1, SamplePeak: -23, TruePeak: -23}
		r.move(640, 700)
		for range 20 {
			r.pass(100 * time.Millisecond)
		}
		if watched != 0 {
			t.Errorf("%s: watched %d times before it was there", c.name, watched)
		}
		r.press(c.key)
		for range 20 {
			r.pass(100 * time.Millisecond)
		}
		if watched < 15 {
			t.Errorf("%s: watched %d times in 2 s, want one for each 100 ms", c.name, watched)
		}
		r.leave("loudness-" + c.name)
		watched = 0
		r.press(c.key)
		r.pass(time.Second)
		watched = 0
		for range 20 {
			r.pass(100 * time.Millisecond)
		}
		if watched != 0 {
			t.Errorf("%s: watched %d times after it was closed", c.name, watched)
		}
	}
	if n := failures.Load() - before; n > 0 {
		t.Errorf("%d assertions of Dear ImGui failed", n)
	}
}
