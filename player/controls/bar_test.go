package controls

import (
	"slices"
	"testing"
	"time"

	"planar/demux"
	"planar/player"
	"planar/player/latency"
	"planar/render"
)

// spot is the middle of a part of the controller.
func (r *rig) spot(p part) (x, y int) {
	r.t.Helper()
	for _, s := range r.c.bar.places {
		if s.part == p {
			return int(s.x + s.width/2), int(r.c.bar.row)
		}
	}
	r.t.Fatalf("part %d is not in the controller: %v", p, r.c.bar.places)
	return 0, 0
}

func (r *rig) has(p part) bool {
	return slices.ContainsFunc(r.c.bar.places, func(s slot) bool { return s.part == p })
}

// wake moves the pointer, and waits until the controller has come up.
func (r *rig) wake() {
	r.t.Helper()
	r.move(r.m.W/2, r.m.H/3)
	r.move(r.m.W/2+1, r.m.H/3)
	r.pass(200 * time.Millisecond)
	if len(r.last.Layers) == 0 && r.m.W > 20 {
		r.t.Fatal("the controller did not come up when the pointer moved")
	}
}

// track is a place on the seek bar, x from 0 to 1.
func (r *rig) track(x float64) (int, int) {
	b, pad := r.c.bar.seekBox, int32(r.c.tk.px(7))
	return int(float64(b.x0+pad) + x*float64(b.x1-b.x0-2*pad)), int(b.y0+b.y1) / 2
}

// look is shot, if anybody wants to look: it takes its time.
func (r *rig) look(name string) {
	if *shots != "" {
		r.shot(name)
	}
}

func commands(asked []player.Command, do player.Action) (found []player.Command) {
	for _, c := range asked {
		if c.Do == do {
			found = append(found, c)
		}
	}
	return found
}

// live makes the rig's source a live one.
func (r *rig) live() {
	r.m.Live, r.st.IsLive, r.st.Seekable, r.st.Duration = true, true, false, 0
	r.st.Name, r.st.Source = "rtsp://camera.example/1", "rtsp://camera.example/1"
	r.st.Playlist = r.st.Playlist[:1]
	r.st.Live = &player.Live{
		Report: latency.Report{Target: 120 * time.Millisecond, Behind: 4 * time.Millisecond, Speed: 1}, Received: true,
		Reception: demux.Reception{Transport: "UDP", Tracks: []demux.TrackReception{{Kind: demux.Video, Packets: 1000, LossNow: 0.004}, {Kind: demux.Audio}}},
		ToScreen:  212 * time.Millisecond, Captured: true,
	}
}

func TestControllerComesAndGoes(t *testing.T) {
	for _, c := range []struct {
		show  string
		state player.State
		moved bool
		want  bool
	}{
		{"auto", player.Playing, false, false},
		{"auto", player.Playing, true, true},
		{"auto", player.Paused, true, true},
		{"auto", player.Paused, false, false},
		{"always", player.Playing, false, true},
		{"always", player.Paused, false, true},
		{"never", player.Playing, true, false},
	} {
		r := newRig(t, 1280, 720, 1, Options{Show: c.show})
		r.m.State = c.state
		if c.moved {
			r.move(100, 100)
		}
		r.pass(200 * time.Millisecond)
		if got := len(r.last.Layers) > 0; got != c.want {
			t.Errorf("%s, %s, moved %v: seen %v, want %v", c.show, c.state, c.moved, got, c.want)
		}
		if !c.want && r.last.Again != 0 {
			t.Errorf("%s, %s: nothing to be seen, and to be drawn again after %v", c.show, c.state, r.last.Again)
		}
	}
}

func TestControllerFades(t *testing.T) {
	for _, state := range []player.State{player.Playing, player.Paused} {
		r := newRig(t, 1280, 720, 1, Options{})
		r.m.State = state
		r.move(100, 100)
		if l := r.c.bar.level; l <= 0 || l >= 1 {
			t.Errorf("%s: level %v after 20 ms, want it to be coming", state, l)
		}
		r.pass(fadeIn)
		if l := r.c.bar.level; l != 1 {
			t.Errorf("%s: level %v after 140 ms, want 1", state, l)
		}
		r.pass(barStays - fadeIn - 100*time.Millisecond)
		if l := r.c.bar.level; l != 1 {
			t.Errorf("%s: level %v after 2.4 s, want 1", state, l)
		}
		r.pass(250 * time.Millisecond)
		if l := r.c.bar.level; l <= 0 || l >= 1 {
			t.Errorf("%s: level %v after 2.65 s, want it to be going", state, l)
		}
		r.pass(200 * time.Millisecond)
		if len(r.last.Layers) != 0 || r.last.Again != 0 {
			t.Errorf("%s: %d layers, again after %v; want nothing after it has gone", state, len(r.last.Layers), r.last.Again)
		}
		// It comes back, although nothing else has changed.
		r.move(300, 300)
		if len(r.last.Layers) == 0 {
			t.Errorf("%s: it does not come back", state)
		}
	}
}

func TestControllerStays(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.wake()
	r.move(r.spot(playPart))
	r.pass(time.Minute)
	if r.c.bar.level != 1 {
		t.Error("it has gone from under the pointer")
	}
	r.move(640, 200)
	r.do(render.Event{Kind: render.PointerDown, X: 640, Y: 200, Button: render.ButtonLeft, Clicks: 1})
	r.pass(time.Minute)
	if r.c.bar.level != 1 {
		t.Error("it has gone while a button is held")
	}
	r.do(render.Event{Kind: render.PointerUp, X: 640, Y: 200, Button: render.ButtonLeft})
	r.pass(barStays + fadeOut + 50*time.Millisecond)
	if r.c.bar.level != 0 {
		t.Error("it has not gone after the button was released")
	}

	r.wake()
	r.do(render.Event{Kind: render.PointerLeave})
	r.pass(leaveGrace - 50*time.Millisecond)
	if r.c.bar.level != 1 {
		t.Error("no grace after the pointer has left")
	}
	r.pass(fadeOut + 100*time.Millisecond)
	if len(r.last.Layers) != 0 || r.last.Again != 0 {
		t.Error("it has not gone after the pointer has left")
	}
}

func TestControllerRate(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{Show: "always"})
	r.m.State = player.Paused
	r.pass(time.Second)
	if r.last.Again != 0 {
		t.Errorf("while paused it is drawn again after %v, want not at all", r.last.Again)
	}
	r.m.State = player.Playing
	r.pass(time.Second)
	before := r.c.tk.frames
	r.pass(time.Second)
	if n := r.c.tk.frames - before; n < 8 || n > 11 {
		t.Errorf("drawn %d times a second while playing, want 10", n)
	}
}

func TestControllerButtons(t *testing.T) {
	for _, c := range []struct {
		part part
		want player.Action
	}{
		{playPart, player.TogglePause},
		{backPart, player.StepBack},
		{forwardPart, player.StepForward},
		{previousPart, player.PlayPrevious},
		{nextPart, player.PlayNext},
		{loopPart, player.ToggleLoop},
		{mutePart, player.ToggleMute},
		{fullscreenPart, player.ToggleFullscreen},
	} {
		r := newRig(t, 1280, 720, 1, Options{})
		r.wake()
		x, y := r.spot(c.part)
		if !r.click(x, y, render.ButtonLeft) {
			t.Errorf("part %d: the click was not taken", c.part)
		}
		if asked := r.took(); len(asked) != 1 || asked[0].Do != c.want {
			t.Errorf("part %d: asked for %v, want action %d", c.part, asked, c.want)
		}
	}
	r := newRig(t, 1280, 720, 1, Options{})
	r.wake()
	for _, p := range []part{inspectorPart, statsPart, playlistPart, soundPart} {
		x, y := r.spot(p)
		r.click(x, y, render.ButtonLeft)
	}
	if p := r.c.panels; !p.inspector || !p.stats || !p.playlist || !p.sound {
		t.Errorf("panels %+v are open, want the inspector, the statistics, the playlist, the sound", p)
	}
}

func TestControllerMenu(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.wake()
	x, y := r.spot(menuPart)
	r.click(x, y, render.ButtonLeft)
	if !r.c.menu.open {
		t.Fatal("the menu has not opened")
	}
	r.move(300, 300)
	r.pass(time.Minute)
	if r.c.bar.level != 1 {
		t.Error("the controller has gone while its menu was open")
	}
}

func TestControllerLoop(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.st.LoopA, r.st.LoopB = 10*time.Second, 20*time.Second
	r.wake()
	x, y := r.spot(loopPart)
	r.click(x, y, render.ButtonLeft)
	if asked := r.took(); len(asked) != 1 || asked[0].Do != player.MarkLoop {
		t.Errorf("asked for %v, want the loop's end", asked)
	}
}

func TestControllerSpeed(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.wake()
	x, y := r.spot(speedPart)
	r.click(x, y, render.ButtonLeft)
	r.pass(100 * time.Millisecond)
	if !r.c.bar.popup {
		t.Fatal("the choice of speeds has not come up")
	}
	r.look("speed-1280x720")
	// The popup is over the button: seven choices side by side, 2x to the right of
	// the middle.
	l := r.last.Layers[len(r.last.Layers)-1]
	r.click(l.X+l.Pixels.Width*11/14, l.Y+l.Pixels.Height/2, render.ButtonLeft)
	asked := commands(r.took(), player.SetSpeed)
	if len(asked) != 1 || asked[0].Factor != 2 {
		t.Errorf("asked for %v, want speed 2", asked)
	}
	r.pass(100 * time.Millisecond)
	if r.c.bar.popup {
		t.Error("the choice is still there")
	}
}

func TestControllerSeeks(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.wake()
	x0, y := r.track(0)
	x1, _ := r.track(1)
	r.drag(x0-3, y, x1+3, y)
	asked := commands(r.took(), player.SeekTo)
	if len(asked) != 5 {
		t.Fatalf("asked for %v, want a seek for each of five places", asked)
	}
	// Frames last 40 ms; 0 is the first, 1499 the last.
	if got, want := asked[0].Time, 20*time.Millisecond; got != want {
		t.Errorf("at the left end: %v, want %v", got, want)
	}
	if got, want := asked[4].Time, 59980*time.Millisecond; got != want {
		t.Errorf("at the right end: %v, want %v", got, want)
	}
	if !slices.IsSortedFunc(asked, func(a, b player.Command) int { return int(a.Time - b.Time) }) {
		t.Errorf("seeks %v do not follow the pointer", asked)
	}
	for _, c := range asked {
		if c.Time%(40*time.Millisecond) != 20*time.Millisecond {
			t.Errorf("a seek to %v is not to a frame's middle", c.Time)
		}
	}

	x, _ := r.track(0.5)
	r.wheel(x, y, 1, 0)
	r.wheel(x, y, -2, 0)
	r.wheel(x, y, 1, render.ModShift)
	asked = commands(r.took(), player.SeekTo)
	// The drag went to the last frame; the position has not followed yet, so that the
	// wheel counts from there.
	want := []time.Duration{59980, 59900, 59980}
	for i := range want {
		if len(asked) != 3 || asked[i].Time != want[i]*time.Millisecond {
			t.Fatalf("the wheel asked for %v, want %v ms", asked, want)
		}
	}
	r.pass(2 * time.Second) // by now the seek is given up
	r.wheel(x, y, 1, 0)
	r.pass(2 * time.Second)
	r.wheel(x, y, -1, render.ModShift)
	asked = commands(r.took(), player.SeekTo)
	if len(asked) != 2 || asked[0].Time != 311*40*time.Millisecond+20*time.Millisecond || asked[1].Time != 285*40*time.Millisecond+20*time.Millisecond {
		t.Errorf("the wheel asked for %v, want frame 311 and then frame 285", asked)
	}
}

// A touch pad's two fingers turn by parts of a notch.
func TestControllerSmoothWheel(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.m.State = player.Paused
	r.wake()
	x, y := r.track(0.5)
	for range 10 {
		r.wheel(x, y, 0.25, 0)
	}
	if asked := commands(r.took(), player.SeekTo); len(asked) != 2 || asked[1].Time != 312*40*time.Millisecond+20*time.Millisecond {
		t.Errorf("two and a half notches asked for %v, want frame 312 in two steps", asked)
	}
}

func TestControllerRemaining(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.wake()
	x, y := r.spot(totalPart)
	r.click(x, y, render.ButtonLeft)
	if !r.c.bar.remaining {
		t.Error("a click on the length does not show what remains")
	}
	r.click(x, y, render.ButtonLeft)
	if r.c.bar.remaining {
		t.Error("a second click does not show the length again")
	}
	if asked := r.took(); len(asked) != 0 {
		t.Errorf("asked for %v", asked)
	}
}

func TestControllerHeld(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.m.State = player.Paused
	r.wake()
	x, y := r.track(0.3)
	r.move(x, y)
	r.do(render.Event{Kind: render.PointerDown, X: x, Y: y, Button: render.ButtonLeft, Clicks: 1})
	before := r.c.tk.frames
	r.pass(time.Minute)
	if n := r.c.tk.frames - before; n > 4 {
		t.Errorf("drawn %d times while the seek bar was held still", n)
	}
	r.live() // the next source, meanwhile
	r.do(render.Event{Kind: render.PointerUp, X: x, Y: y, Button: render.ButtonLeft})
	before = r.c.tk.frames
	r.pass(time.Minute)
	if n := r.c.tk.frames - before; n > 40 { // it fades
		t.Errorf("drawn %d times after the seek bar had gone", n)
	}
	if asked := commands(r.took(), player.SeekTo); len(asked) != 1 {
		t.Errorf("asked for %v, want one seek", asked)
	}
}

func TestControllerExplains(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.m.State = player.Paused
	r.wake()
	r.move(r.spot(loopPart))
	if len(r.c.tk.ghosts) != 0 {
		t.Error("the loop's button is explained at once")
	}
	r.pass(restFor + 100*time.Millisecond)
	if len(r.c.tk.ghosts) != 1 {
		t.Error("the loop's button is not explained after the pointer has rested on it")
	}
}

func TestHiddenCostsNothing(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.wake()
	r.pass(barStays + fadeOut + time.Second)
	r.m.Status = func() player.Status {
		t.Error("asked for the status while there was nothing to be seen")
		return r.st
	}
	n := testing.AllocsPerRun(100, func() {
		r.m.Now += 16 * time.Millisecond
		r.m.Frame++
		if d := r.c.Draw(r.m); d.Layers != nil || d.Again != 0 {
			t.Errorf("there is something: %+v", d)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations each time while nothing is to be seen", n)
	}
}

func BenchmarkController(b *testing.B) {
	r := newRig(b, 1280, 720, 1, Options{Show: "always"})
	r.pass(time.Second)
	b.ResetTimer()
	for range b.N {
		r.m.Now += playingEvery
		r.st.Position += playingEvery
		r.st.Frame += 2
		r.c.Draw(r.m)
	}
}

func TestControllerNoSeeking(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.st.Seekable = false
	r.wake()
	x, y := r.track(0.7)
	r.click(x, y, render.ButtonLeft)
	r.wheel(x, y, 1, 0)
	if asked := r.took(); len(asked) != 0 {
		t.Errorf("asked for %v of a source that cannot be sought in", asked)
	}
}

func TestControllerVolume(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.wake()
	x, y := r.spot(volumePart)
	if !r.wheel(x, y, -1, 0) {
		t.Error("the wheel over the volume was not taken")
	}
	asked := r.took()
	if len(asked) != 1 || asked[0].Do != player.VolumeBy || asked[0].Amount != -0.05 {
		t.Errorf("the wheel asked for %v, want 5 %% less", asked)
	}
	r.click(x, y, render.ButtonLeft)
	asked = r.took()
	if len(asked) == 0 || asked[0].Do != player.SetVolume || asked[0].Amount < 0.4 || asked[0].Amount > 0.6 {
		t.Errorf("a click in the slider's middle asked for %v, want half the volume", asked)
	}
	r.st.HasSound = false
	r.pass(200 * time.Millisecond)
	r.click(x, y, render.ButtonLeft)
	r.wheel(x, y, 1, 0)
	x, y = r.spot(mutePart)
	r.click(x, y, render.ButtonLeft)
	if asked := r.took(); len(asked) != 0 {
		t.Errorf("without sound asked for %v", asked)
	}
}

func TestControllerLive(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.live()
	r.wake()
	if !r.c.bar.seekBox.empty() || r.has(trackPart) {
		t.Error("a live source has a seek bar")
	}
	for _, p := range []part{speedPart, loopPart, backPart, positionPart} {
		if r.has(p) {
			t.Errorf("a live source has part %d", p)
		}
	}
	for _, p := range []part{livePart, delayPart, lossPart, sincePart, playPart} {
		x, y := r.spot(p)
		r.click(x, y, render.ButtonLeft)
	}
	if asked := r.took(); len(asked) != 1 || asked[0].Do != player.TogglePause {
		t.Errorf("clicks on LIVE and on play asked for %v, want a pause", asked)
	}
	if words, _ := delayText(&r.st); words != "delay 212 ms" {
		t.Errorf("the delay is %q", words)
	}
	r.st.Live.Captured = false
	if words, _ := delayText(&r.st); words != "buffer 124 ms" {
		t.Errorf("the delay is %q when the sender's clock is not known", words)
	}
	if loss, ok := lossNow(&r.st); !ok || lossText(loss) != "0.4 % lost" {
		t.Errorf("the loss is %q, %v", lossText(loss), ok)
	}
}

func TestControllerLiveSince(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.pass(time.Minute)
	r.live()
	r.m.State, r.m.Frame = player.Opening, -1
	r.pass(time.Second)
	r.m.State = player.Playing
	r.pass(time.Second)
	r.m.Frame = 0
	r.pass(10 * time.Minute)
	r.wake()
	if got, want := clockText(r.m.Now-r.c.bar.opened), "10:01"; got != want {
		t.Errorf("%s since it was opened, want %s", got, want)
	}
	r.m.Frame = -1 // another one, opened too fast to be seen
	r.pass(time.Second)
	r.m.Frame = 0
	r.pass(4 * time.Second)
	if got, want := clockText(r.m.Now-r.c.bar.opened), "0:05"; got != want {
		t.Errorf("%s since the next one was opened, want %s", got, want)
	}
}

func TestControllerSoundOnly(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.st.HasVideo, r.st.Rate, r.m.Frame, r.st.Frame = false, render.Rational{}, -1, -1
	r.wake()
	if r.has(framePart) || r.has(backPart) {
		t.Error("sound has frames")
	}
	x, y := r.track(0.5)
	r.click(x, y, render.ButtonLeft)
	asked := commands(r.took(), player.SeekTo)
	if len(asked) == 0 || asked[0].Time < 29900*time.Millisecond || asked[0].Time > 30100*time.Millisecond {
		t.Errorf("asked for %v, want half a minute", asked)
	}
}

func TestArrange(t *testing.T) {
	whole := func() []slot {
		var parts []slot
		for p := previousPart; p <= menuPart; p++ {
			if p < livePart || p > trackPart {
				parts = append(parts, slot{part: p, width: 30})
			}
		}
		return parts
	}
	gone := []part{
		soundPart, inspectorPart, statsPart, playlistPart, loopPart, speedPart, volumePart, totalPart, framePart, previousPart, nextPart,
		fullscreenPart, backPart, forwardPart, mutePart, positionPart,
	}
	before := len(whole())
	for width := float32(1000); width > 0; width -= 10 {
		got := arrange(width, 2, whole())
		if len(got) > before {
			t.Errorf("%v pixels: %d parts, more than in a wider row", width, len(got))
		}
		before = len(got)
		end := float32(0)
		for _, s := range got {
			if s.x < end && width >= 62 {
				t.Fatalf("%v pixels: %v overlap", width, got)
			}
			end = s.x + s.width
		}
		if end > width && width >= 62 {
			t.Errorf("%v pixels: the row ends at %v", width, end)
		}
		// What is left out is what is to go first.
		for i, p := range gone {
			missing := !slices.ContainsFunc(got, func(s slot) bool { return s.part == p })
			if !missing {
				for _, later := range gone[i:] {
					if ranks[later] != ranks[p] && !slices.ContainsFunc(got, func(s slot) bool { return s.part == later }) {
						t.Errorf("%v pixels: part %d is gone before part %d", width, later, p)
					}
				}
			}
		}
	}
	if before != 2 {
		t.Errorf("%d parts are left in no room, want play and menu", before)
	}
	got := arrange(300, 2, []slot{{part: playPart, width: 30}, {part: trackPart, width: 40}, {part: menuPart, width: 30}})
	if got[1].x != 32 || got[1].width != 300-64 {
		t.Errorf("the track is at %v, %v wide; want 32, 236", got[1].x, got[1].width)
	}
}

func TestControllerSizes(t *testing.T) {
	for _, c := range []struct {
		w, h  int
		scale float64
		name  string
	}{
		{1280, 720, 1, "1280x720"}, {640, 360, 1, "640x360"}, {320, 240, 1, "320x240"}, {640, 140, 1, "640x140"}, {200, 150, 1, "200x150"}, {2560, 1440, 2, "2560x1440"}, {60, 20, 1, "60x20"}, {1, 1, 1, "1x1"},
	} {
		for _, kind := range []string{"file", "live"} {
			r := newRig(t, c.w, c.h, c.scale, Options{})
			r.st.LoopA, r.st.LoopB = 20*time.Second, 40*time.Second
			if kind == "live" {
				r.live()
			}
			if kind == "file" && c.w == 1280 {
				r.st.Paused, r.m.State = true, player.Paused
			}
			r.wake()
			if !r.has(playPart) || !r.has(menuPart) {
				t.Errorf("%s at %s: no play or no menu", kind, c.name)
			}
			if kind == "file" && r.c.bar.seekBox.empty() && c.w >= 200 {
				t.Errorf("no seek bar at %s", c.name)
			}
			if kind == "file" && c.w >= 200 {
				x, y := r.track(0.66)
				r.move(x, y)
				r.pass(300 * time.Millisecond)
			}
			r.look(kind + "-" + c.name)
		}
	}
	if n := failures.Load(); n != 0 {
		t.Errorf("%d of Dear ImGui's assertions failed", n)
	}
}
