package sdlwindow

import (
	"context"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/veandco/go-sdl2/sdl"

	"planar/render"
)

// collect returns what comes in until n events are there or time is up.
func collect(w *Window, n int) []render.Event {
	var events []render.Event
	for end := time.Now().Add(2 * time.Second); len(events) < n && time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		onMain(func() { events = append(events, w.Wait(ctx)...) })
		cancel()
	}
	return events
}

// extra returns what still comes in for a moment.
func extra(w *Window) []render.Event {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	var events []render.Event
	onMain(func() { events = w.Wait(ctx) })
	return events
}

func keyNames(events []render.Event) []string {
	var names []string
	for _, e := range events {
		if e.Kind == render.KeyPress {
			names = append(names, e.Key)
		}
	}
	return names
}

// eventWindow is a window under the pointer, ready for keys.
func eventWindow(t *testing.T) *Window {
	w := open(t, Options{Renderer: "software", Geometry: geometry(t, "300x200+0+0")})
	show(t, w, quadrants(64, 64, 0))
	xdotool(t, "mousemove", "100", "100")
	idle(w)
	return w
}

func TestKeys(t *testing.T) {
	w := eventWindow(t)
	for _, c := range []struct {
		press string // xdotool's name
		want  []string
	}{
		{"l", []string{"l"}},
		{"shift+l", []string{"L"}},
		{"bracketleft", []string{"["}},
		{"bracketright", []string{"]"}},
		{"period", []string{"."}},
		{"comma", []string{","}},
		{"shift+slash", []string{"?"}},
		{"9", []string{"9"}},
		{"shift+9", []string{"("}},
		{"space", []string{"space"}},
		{"shift+space", []string{"space"}},
		{"Left", []string{"left"}},
		{"Right", []string{"right"}},
		{"Up", []string{"up"}},
		{"Down", []string{"down"}},
		{"Home", []string{"home"}},
		{"End", []string{"end"}},
		{"Prior", []string{"pageup"}},
		{"Escape", []string{"escape"}},
		{"BackSpace", []string{"backspace"}},
		{"Return", []string{"return"}},
		{"Tab", []string{"tab"}},
		{"Delete", []string{"delete"}},
		{"F11", []string{"f11"}},
		{"KP_Left", []string{"left"}},
		{"KP_Add", []string{"+"}},
		{"KP_Enter", []string{"return"}},
		{"shift+Tab", []string{"shift+tab"}},
		{"ctrl+l", []string{"ctrl+l"}},
		{"ctrl+c", []string{"ctrl+c"}},
		{"ctrl+Left", nil},
		{"alt+l", nil},
		{"super+l", nil},
		{"ctrl+shift+l", []string{"ctrl+shift+l"}},
		{"ctrl+alt+l", nil},
		{"shift", nil},
		{"Control_L", nil},
		{"q", []string{"q"}},
	} {
		xdotool(t, "key", c.press)
		var events []render.Event
		if c.want != nil {
			events = collect(w, len(c.want))
		}
		events = append(events, extra(w)...)
		if got := keyNames(events); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.press, got, c.want)
		}
	}
}

// TestLayout: on a German keyboard other keys make the brackets, with AltGr,
// and Z and Y change places.
func TestLayout(t *testing.T) {
	w := eventWindow(t)
	if _, err := exec.LookPath("setxkbmap"); err != nil {
		t.Skip("needs setxkbmap")
	}
	if out, err := exec.Command("setxkbmap", "de").CombinedOutput(); err != nil {
		t.Skipf("setxkbmap: %v: %s", err, out)
	}
	defer exec.Command("setxkbmap", "us").Run()
	idle(w)
	for _, c := range []struct{ down, press, want string }{
		{"", "29", "z"},                 // Y on an American keyboard
		{"ISO_Level3_Shift", "17", "["}, // AltGr and 8
		{"", "34", "ü"},
		{"Shift_L", "20", "?"},
	} {
		args := []string{"key", c.press}
		if c.down != "" {
			args = []string{"keydown", c.down, "key", c.press, "keyup", c.down}
		}
		xdotool(t, args...)
		if got := keyNames(append(collect(w, 1), extra(w)...)); !slices.Equal(got, []string{c.want}) {
			t.Errorf("key %s with %q: got %q, want %q", c.press, c.down, got, c.want)
		}
	}
}

func TestKeyRepeat(t *testing.T) {
	w := eventWindow(t)
	xdotool(t, "keydown", "Right")
	got := keyNames(collect(w, 3))
	xdotool(t, "keyup", "Right")
	if len(got) < 3 || slices.ContainsFunc(got, func(s string) bool { return s != "right" }) {
		t.Errorf("a key held down gave %q", got)
	}
}

func TestCloseRequest(t *testing.T) {
	w := eventWindow(t)
	// What SDL makes of the close button of its only window.
	onMain(func() {
		if err := pushUserEvent(sdl.QUIT); err != nil {
			t.Error(err)
		}
	})
	if got := append(collect(w, 1), extra(w)...); len(got) != 1 || got[0].Kind != render.CloseRequest {
		t.Errorf("got %v", got)
	}
}

func TestDrop(t *testing.T) {
	w := &Window{}
	for _, c := range []struct {
		kind uint32
		text string
		want string
	}{
		{sdl.DROPFILE, "/tmp/a file.y4m", "/tmp/a file.y4m"},
		{sdl.DROPTEXT, "rtsp://host/live\r\n", "rtsp://host/live"},
		{sdl.DROPTEXT, "a sentence", ""},
		{sdl.DROPBEGIN, "", ""},
		{sdl.DROPCOMPLETE, "", ""},
	} {
		w.events = nil
		w.handle(&sdl.DropEvent{Type: c.kind, File: c.text})
		got := ""
		if len(w.events) == 1 && w.events[0].Kind == render.FileDrop {
			got = w.events[0].Path
		}
		if got != c.want || c.want == "" && len(w.events) != 0 {
			t.Errorf("%q: got %v", c.text, w.events)
		}
	}
}

func TestAltGrAsRightAlt(t *testing.T) {
	for _, c := range []struct {
		sym  sdl.Keycode
		mod  uint16
		text string
		want string
	}{
		{'8', sdl.KMOD_RALT, "[", "["},
		{'8', sdl.KMOD_RALT | sdl.KMOD_LCTRL, "[", "["},
		{'l', sdl.KMOD_RALT, "l", ""},
		{'l', sdl.KMOD_RALT | sdl.KMOD_SHIFT, "L", ""},
		{'l', sdl.KMOD_LALT, "ł", ""},
		{'l', sdl.KMOD_RALT | sdl.KMOD_GUI, "ł", ""},
		{'l', sdl.KMOD_NUM | sdl.KMOD_CAPS, "L", "L"},
		{'l', 0, "漢字", ""},
	} {
		var k keyboard
		if got := k.down(c.sym, c.mod); got != "" {
			t.Errorf("key %q: named %q before its text", c.sym, got)
		}
		if got := k.text(c.text); got != c.want {
			t.Errorf("key %q, modifiers %#x, text %q: got %q, want %q", c.sym, c.mod, c.text, got, c.want)
		}
	}
}

func TestIsSoftware(t *testing.T) {
	for name, want := range map[string]bool{
		"llvmpipe (LLVM 15.0.6, 256 bits)": true, "softpipe": true, "Software Rasterizer": true,
		"Google SwiftShader": true, "": true,
		"Mesa Intel(R) UHD Graphics 620 (KBL GT2)": false, "NVIDIA GeForce RTX 3060/PCIe/SSE2": false,
		"AMD Radeon RX 6600 (navi23, LLVM 15.0.6, DRM 3.49)": false, "Apple M2": false, "virgl (Mesa)": false,
	} {
		if got := isSoftware(name); got != want {
			t.Errorf("%q: software %v", name, got)
		}
	}
}

// TestCursor: in full screen the pointer hides until it is moved.
func TestCursor(t *testing.T) {
	w := eventWindow(t)
	onMain(func() { w.SetFullscreen(true) })
	hidden := func() (h bool) {
		onMain(func() { h = w.cursor.hidden })
		return h
	}
	for end := time.Now().Add(cursorDelay + 2*time.Second); !hidden() && time.Now().Before(end); {
		extra(w)
	}
	if !hidden() {
		t.Fatal("the pointer stays")
	}
	xdotool(t, "mousemove", "150", "150")
	settle(w, func() bool { return !hidden() })
	if hidden() {
		t.Error("the pointer stays hidden")
	}
}

// TestFallback: without a graphics processor nobody has to say so.
func TestFallback(t *testing.T) {
	w := open(t, Options{Geometry: geometry(t, "64x64+0+0")})
	if name := w.RendererName(); name != "surface" {
		t.Skipf("this machine has %s", name)
	}
	onMain(func() {
		c, err := newTexture(w.win, w.opts.Converter, render.Bilinear, false)
		if err == nil {
			c.close()
			t.Errorf("%s was taken for a graphics processor", c.name())
		}
	})
}
