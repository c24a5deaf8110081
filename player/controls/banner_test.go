package controls

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"planar/player"
	"planar/render"
)

// say writes a line into the log that the screen shows.
func (r *rig) say(level slog.Level, text string) {
	r.c.notices.add(notice{level: level, text: text})
}

// settle lets what has come up be laid out.
func (r *rig) settle() { r.pass(50 * time.Millisecond) }

// toastAt is a place within a toast, x from its right edge if it is negative.
func (r *rig) toastAt(i, x, y int) (int, int) {
	b := r.c.banner.toasts[i].box
	if x < 0 {
		return int(b.x1) + x, int(b.y0) + y
	}
	return int(b.x0) + x, int(b.y0) + y
}

func TestBannerStates(t *testing.T) {
	for _, c := range []struct {
		state player.State
		seen  bool
		again time.Duration // at least; 0 for not at all
	}{
		{player.Playing, false, 0},
		{player.Paused, false, 0},
		{player.Idle, true, 0},
		{player.Opening, true, spinEvery},
		{player.Buffering, true, spinEvery},
		{player.SignalLost, true, spinEvery},
	} {
		for _, show := range []string{"auto", "never"} {
			r := newRig(t, 1280, 720, 1, Options{Show: show})
			r.m.State = c.state
			r.pass(time.Second)
			if got := len(r.last.Layers) > 0; got != c.seen {
				t.Errorf("%s, %s: seen %v, want %v", c.state, show, got, c.seen)
			}
			if c.again == 0 {
				if r.last.Again != 0 {
					t.Errorf("%s: to be drawn again after %v, want not at all", c.state, r.last.Again)
				}
				continue
			}
			before := r.c.tk.frames
			r.pass(time.Second)
			if n := r.c.tk.frames - before; n < 9 || n > 11 {
				t.Errorf("%s: drawn %d times a second, want 10", c.state, n)
			}
		}
	}
}

func TestBannerEnd(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.pass(time.Second)
	r.m.State = player.Ended
	r.pass(time.Second)
	if len(r.last.Layers) == 0 {
		t.Error("nothing says that it is the end")
	}
	r.pass(1100 * time.Millisecond)
	if len(r.last.Layers) != 0 || r.last.Again != 0 {
		t.Errorf("%d layers, again after %v; want nothing 2 s after the end", len(r.last.Layers), r.last.Again)
	}
}

// A state that comes back is drawn again, although all else is as it was.
func TestBannerComesBack(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	for range 3 {
		r.m.State = player.Buffering
		r.settle()
		if len(r.last.Layers) != 0 {
			t.Error("a wait that may be short is told at once")
		}
		r.pass(bufferAfter)
		if len(r.last.Layers) == 0 {
			t.Error("buffering is not seen")
		}
		r.m.State = player.Playing
		r.settle()
		if len(r.last.Layers) != 0 {
			t.Error("buffering is seen while it plays")
		}
	}
}

// A chip is in nobody's way.
func TestBannerChipLetsThrough(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.m.State = player.SignalLost
	r.st.LostBy = "the sender has closed the connection"
	r.settle()
	l := r.last.Layers[0]
	if r.click(l.X+l.Pixels.Width/2, l.Y+l.Pixels.Height/2, render.ButtonRight) {
		t.Error("the chip took a click")
	}
}

func TestBannerCancel(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.m.State, r.m.Frame = player.Opening, -1
	r.st.Since = 4 * time.Second
	r.pass(200 * time.Millisecond)
	l := r.last.Layers[0]
	r.click(l.X+l.Pixels.Width-50, l.Y+l.Pixels.Height-30, render.ButtonLeft)
	if asked := r.took(); len(asked) != 1 || asked[0].Do != player.CancelOpening {
		t.Errorf("asked for %v, want that opening is cancelled", asked)
	}
}

func TestBannerIdle(t *testing.T) {
	files := []string{"/clips/one.yuv", "/clips/two.mkv", "/clips/three.y4m"}
	calls := 0
	r := newRig(t, 1280, 720, 1, Options{Recent: func() ([]string, []string) {
		calls++
		return files, []string{"rtsp://me:secret@camera/1", "b://1", "c://2", "d://3"}
	}})
	r.m.State, r.m.Frame = player.Idle, -1
	r.st = player.Status{Volume: 1}
	r.pass(time.Second)
	l := r.last.Layers[0]
	// The second of the rows at the lower end: five of 46, and 20 of padding.
	r.click(l.X+l.Pixels.Width/2, l.Y+l.Pixels.Height-20-46*4+23, render.ButtonLeft)
	asked := r.took()
	if len(asked) != 1 || asked[0].Do != player.Open || len(asked[0].Names) != 1 || asked[0].Names[0] != files[1] {
		t.Errorf("asked for %v, want %q to be opened", asked, files[1])
	}
	before := calls
	r.pass(time.Minute)
	if calls > before+2 {
		t.Errorf("asked %d times for what is recent while nothing happened", calls-before)
	}
	if len(files) != 3 || files[2] != "/clips/three.y4m" {
		t.Error("the program's list was written to")
	}
}

func TestToasts(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.m.State = player.Paused
	r.say(slog.LevelInfo, "opened")
	r.settle()
	if len(r.last.Layers) != 0 {
		t.Error("an ordinary line of the log comes up")
	}
	for _, c := range []struct {
		level slog.Level
		stays time.Duration
	}{{player.LevelAnswer, toastStays}, {slog.LevelWarn, toastStays}, {slog.LevelError, errorStays}} {
		r.say(c.level, "something happened")
		r.settle()
		r.pass(c.stays - 200*time.Millisecond)
		if len(r.c.banner.toasts) != 1 || len(r.last.Layers) == 0 {
			t.Errorf("%v: no longer there shortly before %v", c.level, c.stays)
		}
		if r.last.Again == 0 || r.last.Again > c.stays {
			t.Errorf("%v: drawn again after %v, want when it goes", c.level, r.last.Again)
		}
		r.pass(400 * time.Millisecond)
		if len(r.last.Layers) != 0 || r.last.Again != 0 {
			t.Errorf("%v: still there after %v", c.level, c.stays)
		}
	}
}

func TestToastsAtMost(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.m.State = player.Paused
	for i := range 7 {
		r.say(slog.LevelWarn, fmt.Sprintf("line %d", i))
	}
	for range 3 {
		r.say(slog.LevelWarn, "line 5")
	}
	r.say(slog.LevelError, "line 5") // something else, since it is worse
	r.say(slog.LevelWarn, strings.Repeat("桥", 1000))
	r.settle()
	var got []string
	for _, o := range r.c.banner.toasts {
		got = append(got, fmt.Sprint(o.text[:min(6, len(o.text))], "*", o.count))
		if len(o.text) > maxToast+len("…") || !strings.HasPrefix(strings.ToValidUTF8(o.text, "?"), o.text[:6]) {
			t.Errorf("a text of %d bytes", len(o.text))
		}
	}
	if want := "[line 5*4 line 6*1 line 5*1 桥桥*1]"; fmt.Sprint(got) != want {
		t.Errorf("toasts %v, want %v", got, want)
	}
}

func TestToastStaysUnderPointer(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.m.State = player.Paused
	r.say(slog.LevelWarn, "frames are being dropped")
	r.settle()
	r.move(r.toastAt(0, 20, 15))
	r.pass(time.Minute)
	if len(r.c.banner.toasts) != 1 {
		t.Fatal("it has gone from under the pointer")
	}
	r.move(900, 300)
	r.pass(toastHeld + barStays + time.Second)
	if len(r.c.banner.toasts) != 0 || len(r.last.Layers) != 0 {
		t.Error("it has not gone after the pointer had left it")
	}
}

func TestToastCloses(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.m.State = player.Paused
	r.say(slog.LevelWarn, "one")
	r.say(slog.LevelWarn, "two")
	r.settle()
	x, y := r.toastAt(0, -16, 19)
	r.click(x, y, render.ButtonLeft)
	r.settle()
	if len(r.c.banner.toasts) != 1 || r.c.banner.toasts[0].text != "two" {
		t.Errorf("toasts %v, want two alone", r.c.banner.toasts)
	}
}

func TestOSD(t *testing.T) {
	for _, c := range []struct {
		key  string
		show string
		want bool
	}{
		{"0", "auto", true},
		{"9", "always", true},
		{"m", "auto", true},
		{"]", "auto", true},
		{"right", "auto", true},
		{"home", "auto", true},
		{"0", "never", false},
		{"space", "auto", false},
		{".", "auto", false},
		{"x", "auto", false},
	} {
		r := newRig(t, 1280, 720, 1, Options{Show: c.show})
		r.m.State = player.Paused
		r.pass(time.Second)
		before := len(r.last.Layers)
		if r.press(c.key) {
			t.Errorf("the key %q was taken", c.key)
		}
		if got := len(r.last.Layers) > before; got != c.want {
			t.Errorf("key %q, %s: seen %v, want %v", c.key, c.show, got, c.want)
		}
		r.pass(osdStays)
		if len(r.last.Layers) != before || r.last.Again != 0 {
			t.Errorf("key %q: still there after %v", c.key, osdStays)
		}
		// Once more: nothing but the key is new.
		r.press(c.key)
		if got := len(r.last.Layers) > before; got != c.want {
			t.Errorf("key %q, %s, the second time: seen %v, want %v", c.key, c.show, got, c.want)
		}
	}
}

func TestOSDWheel(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	turn := func(mods render.Mods, volume float64) bool {
		r.c.Handle(render.Event{Kind: render.Wheel, X: 300, Y: 300, WheelY: 1, Mods: mods}, r.m.Now)
		r.st.Volume = volume // by the player
		r.settle()
		seen := len(r.last.Layers) > 0
		r.pass(2 * osdStays)
		return seen
	}
	if !turn(0, 0.85) {
		t.Error("the wheel does not show the volume")
	}
	if turn(render.ModCtrl, 0.85) {
		t.Error("the wheel with Ctrl shows the volume")
	}
	if turn(0, 0.85) {
		t.Error("the wheel shows a volume that has not changed")
	}
	if !turn(0, 0.9) {
		t.Error("the wheel does not show the volume the second time")
	}
}

func TestBannerEntry(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.m.State = player.Paused
	r.c.Handle(render.Event{Kind: render.KeyPress, Key: "g"}, r.m.Now)
	r.st.Entry = "#"
	r.settle()
	if len(r.last.Layers) != 1 {
		t.Fatalf("%d layers, want the card for a position", len(r.last.Layers))
	}
	// 9 is a digit now, and not for the volume.
	r.c.Handle(render.Event{Kind: render.KeyPress, Key: "9"}, r.m.Now)
	r.st.Entry = "#9"
	r.settle()
	if len(r.last.Layers) != 1 {
		t.Errorf("%d layers, want the card alone", len(r.last.Layers))
	}
	r.pass(time.Minute)
	if len(r.last.Layers) != 1 {
		t.Error("the card has gone while typing")
	}
	r.c.Handle(render.Event{Kind: render.KeyPress, Key: "return"}, r.m.Now)
	r.st.Entry = ""
	r.settle()
	if len(r.last.Layers) != 0 {
		t.Error("the card is still there")
	}
	r.press("9")
	if len(r.last.Layers) != 1 {
		t.Error("the volume's key shows nothing after typing")
	}
}

func TestBannerLooks(t *testing.T) {
	recent := func() ([]string, []string) {
		return []string{"/home/a/clips/foreman_352x288_30fps.yuv", "/srv/rushes/2024-05/Съёмка №7 — 北京の夜景 final 1920x1080 50p yuv422p10le.yuv", "/clips/a.mkv"},
			[]string{"rtsp://me:secret@camera.example/stream1"}
	}
	for _, c := range []struct {
		w, h  int
		scale float64
	}{{1280, 720, 1}, {320, 240, 1}, {2560, 1440, 2}, {100, 60, 1}} {
		size := fmt.Sprintf("-%dx%d", c.w, c.h)
		make := func(state player.State) *rig {
			r := newRig(t, c.w, c.h, c.scale, Options{Recent: recent})
			r.m.State = state
			return r
		}
		r := make(player.Idle)
		r.pass(time.Second)
		r.look("idle" + size)

		r = make(player.Opening)
		r.st.Source, r.st.Since = "https://streams.example/events/2024/main-stage/camera-3/low-latency/index.m3u8?session=0123456789", 7*time.Second
		r.pass(time.Second)
		r.look("opening" + size)

		r = make(player.SignalLost)
		r.live()
		r.m.State = player.SignalLost
		r.st.Since, r.st.LostBy = 12*time.Second, "rtsp://camera.example/1: no packets for 5 s; trying again"
		r.wake()
		r.look("lost" + size)

		r = make(player.Buffering)
		r.pass(time.Second)
		r.look("buffering" + size)

		r = make(player.Paused)
		r.st.NoSound = "no sound device: connection refused"
		r.say(player.LevelAnswer, "snapshot: bridge_352x288_25fps-310.png")
		for range 3 {
			r.say(slog.LevelWarn, "bridge.mkv: damaged packets were left out; the picture may be wrong until the next key frame")
		}
		r.say(slog.LevelError, "camera.ts: cannot be opened: no such file or directory")
		r.wake()
		r.press("0")
		r.look("toasts" + size)

		r = make(player.Paused)
		r.st.Entry = "#123"
		r.press("right")
		r.look("entry" + size)
	}
	if n := failures.Load(); n != 0 {
		t.Errorf("%d of Dear ImGui's assertions failed", n)
	}
}

// Toasts lie where no panel opens, the newest nearest to the controller.
func TestToastsLieLowLeft(t *testing.T) {
	for _, size := range [][2]int{{1280, 720}, {320, 240}} {
		r := newRig(t, size[0], size[1], 1, Options{Show: "always"})
		r.c.panels.inspector = true
		r.say(slog.LevelWarn, "one")
		r.say(slog.LevelWarn, "two")
		r.settle()
		one, two, bar := r.c.banner.toasts[0].box, r.c.banner.toasts[1].box, r.c.bar.box
		if two.y1 > bar.y0 || one.y1 > two.y0 || int(one.x0) > size[0]/2 {
			t.Errorf("%v: toasts in %v and %v, want them in this order above the controller in %v", size, one, two, bar)
		}
	}
}

// While a headerless file's panel says what does not fit, toasts do not.
func TestToastsLeaveGuessingAlone(t *testing.T) {
	r := newRig(t, 1280, 720, 1, Options{})
	r.c.panels.raw = true
	r.say(slog.LevelWarn, "bytes are left over")
	r.say(slog.LevelError, "cannot be read")
	r.settle()
	if n := len(r.c.banner.toasts); n != 1 || r.c.banner.toasts[0].text != "cannot be read" {
		t.Errorf("toasts %v, want the error alone", r.c.banner.toasts)
	}
}
