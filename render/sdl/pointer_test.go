package sdlwindow

import (
	"fmt"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/veandco/go-sdl2/sdl"

	"planar/render"
)

// pointing tells pointer events in short, those in a row that are alike once.
func pointing(events []render.Event) []string {
	var out []string
	for _, e := range events {
		s := ""
		switch e.Kind {
		case render.PointerMove:
			s = fmt.Sprintf("move %d,%d", e.X, e.Y)
		case render.PointerDown:
			s = fmt.Sprintf("down %d at %d,%d clicks %d", e.Button, e.X, e.Y, e.Clicks)
		case render.PointerUp:
			s = fmt.Sprintf("up %d at %d,%d", e.Button, e.X, e.Y)
		case render.PointerLeave:
			s = "leave"
		case render.Wheel:
			s = fmt.Sprintf("wheel %v,%v at %d,%d", e.WheelX, e.WheelY, e.X, e.Y)
		default:
			continue
		}
		if e.Mods != 0 {
			s += fmt.Sprintf(" mods %d", e.Mods)
		}
		if len(out) == 0 || out[len(out)-1] != s {
			out = append(out, s)
		}
	}
	return out
}

func TestPointer(t *testing.T) {
	w := eventWindow(t)
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"mousemove", "120", "130"}, []string{"move 120,130"}},
		{[]string{"mousemove", "10", "20"}, []string{"move 10,20"}},
		{[]string{"click", "1"}, []string{"down 1 at 10,20 clicks 1", "up 1 at 10,20"}},
		{[]string{"click", "2"}, []string{"down 2 at 10,20 clicks 1", "up 2 at 10,20"}},
		{[]string{"click", "3"}, []string{"down 3 at 10,20 clicks 1", "up 3 at 10,20"}},
		{[]string{"click", "8"}, nil},
		{[]string{"click", "4"}, []string{"wheel 0,1 at 10,20"}},
		{[]string{"click", "5"}, []string{"wheel 0,-1 at 10,20"}},
		{[]string{"click", "7"}, []string{"wheel 1,0 at 10,20"}},
		{[]string{"keydown", "ctrl", "click", "4", "keyup", "ctrl"}, []string{"wheel 0,1 at 10,20 mods 2"}},
		{[]string{"keydown", "shift", "click", "1", "keyup", "shift"}, []string{"down 1 at 10,20 clicks 1 mods 1", "up 1 at 10,20 mods 1"}},
		// Held, it is followed beyond the window, of 300x200.
		{[]string{"mousedown", "1"}, []string{"down 1 at 10,20 clicks 1"}},
		{[]string{"mousemove", "500", "400"}, []string{"move 500,400"}},
		{[]string{"mouseup", "1"}, []string{"up 1 at 500,400", "leave"}},
		{[]string{"mousemove", "50", "60"}, []string{"move 50,60"}},
	} {
		time.Sleep(550 * time.Millisecond) // longer than a double click
		xdotool(t, c.args...)
		var events []render.Event
		if c.want != nil {
			events = append(collect(w, 1), extra(w)...)
		}
		events = append(events, extra(w)...)
		got := pointing(events)
		if len(c.want) == 2 && c.want[1] == "leave" {
			// Where the pointer is told once more on the way is the server's matter.
			got = slices.DeleteFunc(got, func(s string) bool { return s == "move 500,400" })
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: got %q, want %q", c.args, got, c.want)
		}
		if keys := keyNames(events); keys != nil {
			t.Errorf("%v: got the keys %q, want none", c.args, keys)
		}
	}
	time.Sleep(600 * time.Millisecond)
	xdotool(t, "click", "--repeat", "2", "--delay", "40", "1")
	events := append(append(collect(w, 4), extra(w)...), extra(w)...)
	want := []string{"down 1 at 50,60 clicks 1", "up 1 at 50,60", "down 1 at 50,60 clicks 2", "up 1 at 50,60"}
	if got := pointing(events); !slices.Equal(got, want) {
		t.Errorf("a double click: got %q, want %q", got, want)
	}
	if keys := keyNames(events); keys != nil {
		t.Errorf("a double click: got the keys %q, want none", keys)
	}
	onMain(func() { w.WantPointer(false) })
	xdotool(t, "mousemove", "70", "80")
	if got := pointing(extra(w)); got != nil {
		t.Errorf("a move that nobody wants gave %q", got)
	}
}

// TestMoves: of a run of moves the last is told, in its place between presses, and
// not more often than a screen can show.
func TestMoves(t *testing.T) {
	w := &Window{pointer: pointer{wanted: true}}
	move := func(x int32) { w.handle(&sdl.MouseMotionEvent{Type: sdl.MOUSEMOTION, X: x, Y: 1}) }
	for x := range int32(50) {
		move(x)
	}
	w.events = append(w.events, render.Event{Kind: render.KeyPress, Key: "x"})
	for x := range int32(50) {
		move(100 + x)
	}
	if got := pointing(w.events); len(w.events) != 3 || !slices.Equal(got, []string{"move 49,1", "move 149,1"}) {
		t.Errorf("%d events: %q", len(w.events), got)
	}

	w = eventWindow(t)
	waits := 0
	onMain(func() {
		var all sdl.CEvent // which SDL copies
		e := (*sdl.MouseMotionEvent)(unsafe.Pointer(&all))
		e.Type = sdl.MOUSEMOTION
		began := sdl.GetTicks64()
		for sdl.GetTicks64() < began+200 {
			e.X++
			if _, err := sdl.PushEvent(e); err != nil {
				t.Error(err)
			}
			if got := w.Wait(t.Context()); len(got) == 1 && got[0].X == int(e.X) {
				waits++
			}
		}
	})
	if waits < 2 || waits > 200/moveMillis+3 {
		t.Errorf("moves ended %d Waits in 200 ms", waits)
	}
}

func TestWheelFlipped(t *testing.T) {
	for _, c := range []struct {
		e    sdl.MouseWheelEvent
		x, y float64
	}{
		{sdl.MouseWheelEvent{Y: 1, PreciseY: 1.25}, 0, 1.25},
		{sdl.MouseWheelEvent{PreciseX: 0.5, PreciseY: -0.25}, 0.5, -0.25},
		{sdl.MouseWheelEvent{X: 1, Y: -2, PreciseX: 1, PreciseY: -2, Direction: sdl.MOUSEWHEEL_FLIPPED}, -1, 2},
		{sdl.MouseWheelEvent{X: 2, Y: -1}, 2, -1}, // of an older SDL
	} {
		w := &Window{}
		c.e.Type = sdl.MOUSEWHEEL
		w.handle(&c.e)
		if len(w.events) != 1 {
			t.Fatalf("%+v: got %+v, want one event", c.e, w.events)
		}
		if e := w.events[0]; e.Kind != render.Wheel || e.WheelX != c.x || e.WheelY != c.y {
			t.Errorf("%+v: got %+v, want a wheel of %v,%v", c.e, e, c.x, c.y)
		}
	}
}

func texts(events []render.Event) (all string) {
	for _, e := range events {
		if e.Kind == render.TextInput {
			all += e.Text
		}
	}
	return all
}

func TestTextInput(t *testing.T) {
	w := eventWindow(t)
	for press, want := range map[string]string{
		"l": "l", "shift+l": "L", "space": " ", "ctrl+l": "", "alt+l": "", "Return": "", "Tab": "", "Escape": "", "Left": "", "KP_Add": "+",
	} {
		xdotool(t, "key", press)
		events := append(collect(w, 1), extra(w)...)
		if got := texts(events); got != want {
			t.Errorf("%s wrote %q, want %q", press, got, want)
		}
		for _, e := range events {
			if wantMods := map[string]render.Mods{"shift+l": render.ModShift, "ctrl+l": render.ModCtrl}[press]; e.Kind == render.KeyPress && e.Mods != wantMods {
				t.Errorf("%s: modifiers %v, want %v", press, e.Mods, wantMods)
			}
		}
	}
	for _, c := range []struct {
		held       uint16
		text, want string
	}{
		{0, "漢字", "漢字"},
		{0, "a\x00b\x7f\n", "ab"},
		{0, "a\xffb", "ab"},
		{0, "", ""},
		{sdl.KMOD_LCTRL, "x", ""},
		{sdl.KMOD_LCTRL, "漢字", "漢字"},
		{sdl.KMOD_RALT, "@", "@"},
		{sdl.KMOD_LALT, "x", ""},
	} {
		k := keyboard{sym: 'q', held: c.held}
		if got := k.typed(c.text); got != c.want {
			t.Errorf("%q with %#x writes %q, want %q", c.text, c.held, got, c.want)
		}
	}
}

func TestClipboard(t *testing.T) {
	w := eventWindow(t)
	const text = "rtsp://host/ä"
	onMain(func() {
		if err := w.SetClipboardText(text); err != nil {
			t.Error(err)
		}
		if got, err := w.ClipboardText(); got != text || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// TestSetCursor: every shape can be had, and unknown ones do no harm.
func TestSetCursor(t *testing.T) {
	w := eventWindow(t)
	onMain(func() {
		for _, shape := range []render.Cursor{
			render.CursorHand, render.CursorText, render.CursorCrosshair, render.CursorMove,
			render.CursorResizeH, render.CursorResizeV, render.CursorArrow, render.CursorHand, render.CursorHand,
		} {
			w.SetCursor(shape)
			if w.cursor.shapes[shape] == nil {
				t.Errorf("no cursor for shape %d", shape)
			}
			if got := sdl.GetCursor(); got != w.cursor.shapes[shape] {
				t.Errorf("shape %d is not the cursor's", shape)
			}
		}
		w.SetCursor(-1)
		w.SetCursor(99)
		if w.cursor.shape != render.CursorArrow {
			t.Errorf("unknown shapes are shape %d", w.cursor.shape)
		}
	})
}

func TestScreenSaver(t *testing.T) {
	w := eventWindow(t)
	onMain(func() {
		for _, on := range []bool{true, false, false, true, false, true} {
			w.InhibitScreenSaver(on)
			if sdl.IsScreenSaverEnabled() == on {
				t.Errorf("inhibited %v, and the screen saver is not as it should be", on)
			}
		}
	})
}

func TestSize(t *testing.T) {
	eachRenderer(t, func(t *testing.T, renderer string) {
		t.Setenv("GDK_SCALE", "")
		w := open(t, Options{Renderer: renderer, Geometry: geometry(t, "301x202+0+0")})
		show(t, w, quadrants(64, 64, 0))
		idle(w)
		onMain(func() {
			if width, height, scale := w.Size(); width != 301 || height != 202 || scale != 1 {
				t.Errorf("%dx%d at %v, want 301x202 at 1", width, height, scale)
			}
			w.textScale = textScale(144, "")
			if _, _, scale := w.Size(); scale != 1.5 {
				t.Errorf("144 dots per inch are a scale of %v, want 1.5", scale)
			}
		})
	})
	for _, c := range []struct {
		dpi  float64
		gdk  string
		want float64
	}{
		{0, "", 1},
		{96, "", 1},
		{96, "2", 1},
		{0, "2", 2},
		{0, "x", 1},
		{0, "-3", 1},
		{0, "NaN", 1},
		{0, "1e9", 8},
		{120, "", 1.25},
		{140, "", 1.5},
		{192, "", 2},
		{72, "", 1},
		{1e300, "", 8},
	} {
		if got := textScale(c.dpi, c.gdk); got != c.want {
			t.Errorf("%v dpi, GDK_SCALE %q: %v, want %v", c.dpi, c.gdk, got, c.want)
		}
	}
	for _, c := range []struct {
		resources string
		want      float64
	}{
		{"", 0}, {"Xft.dpi:\t192\n", 192}, {"Xft.antialias: 1\nXft.dpi: 120.5", 120.5}, {"Xft.dpi: many\n", 0}, {"*Xft.dpix: 3\n", 0},
	} {
		if got := xftDPI(c.resources); got != c.want {
			t.Errorf("%q: %v, want %v", c.resources, got, c.want)
		}
	}
}
