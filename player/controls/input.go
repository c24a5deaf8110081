package controls

import (
	"math"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/render"
)

// maxInput bounds the events that wait for a frame. A frame is drawn after each
// event or a few; 256 are seconds of typing. What is too much is dropped.
const maxInput = 256

// keyNames are the keys that Dear ImGui knows, by render.Event's names. Their
// indices in imgui-go are those that it is told, too.
var keyNames = map[string]int{
	"tab": imgui.KeyTab, "left": imgui.KeyLeftArrow, "right": imgui.KeyRightArrow, "up": imgui.KeyUpArrow,
	"down": imgui.KeyDownArrow, "pageup": imgui.KeyPageUp, "pagedown": imgui.KeyPageDown,
	"home": imgui.KeyHome, "end": imgui.KeyEnd, "insert": imgui.KeyInsert, "delete": imgui.KeyDelete,
	"backspace": imgui.KeyBackspace, "space": imgui.KeySpace, "return": imgui.KeyEnter, "escape": imgui.KeyEscape,
	"keypad enter": imgui.KeyKeyPadEnter,
	"ctrl+a":       imgui.KeyA, "ctrl+c": imgui.KeyC, "ctrl+v": imgui.KeyV, "ctrl+x": imgui.KeyX,
	"ctrl+y": imgui.KeyY, "ctrl+z": imgui.KeyZ,
}

// The native indices of modifiers, beyond those of keys.
const (
	nativeCtrl = iota + 64
	nativeShift
	nativeAlt
	noKey = 100 // never down
)

// input is what a person has done and Dear ImGui has not been told yet.
type input struct {
	queue []render.Event
	// x, y is where the pointer is, even if no frame knows it yet; out that it is
	// outside of the window.
	x, y int
	out  bool
	// owner says who got the press of a button that is held: the controls or
	// others.
	owner [render.ButtonRight + 1]owner
	down  map[int]bool // keys in this frame
	// wheelIn is in how many frames from this one the wheel may turn.
	wheelIn int
}

type owner int

const (
	nobody owner = iota
	ours
	theirs
)

// put queues an event.
func (in *input) put(e render.Event) {
	n := len(in.queue)
	if e.Kind == render.PointerMove && n > 0 && in.queue[n-1].Kind == render.PointerMove {
		in.queue[n-1] = e
		return
	}
	if n < maxInput {
		in.queue = append(in.queue, e)
	}
}

// feed tells Dear ImGui what may be told in one frame: it sees only how things are
// when a frame begins, so that a press and its release, or a press and a move, must
// not be in the same. It reports whether there was anything.
func (in *input) feed(io imgui.IO) bool {
	in.wheelIn = max(in.wheelIn-1, 0)
	before := in.down
	in.down = map[int]bool{}
	for k := range before {
		io.KeyRelease(k)
	}
	for i := nativeCtrl; i <= nativeAlt; i++ {
		io.KeyRelease(i)
	}
	var mods render.Mods
	var button, key, text, moved bool // something of this kind is in this frame
	n := 0
loop:
	for ; n < len(in.queue); n++ {
		e := &in.queue[n]
		switch e.Kind {
		case render.PointerMove, render.PointerLeave:
			if button {
				break loop
			}
			in.point(io, e)
		case render.PointerDown, render.PointerUp:
			if button || key || text {
				break loop
			}
			button = true
			in.point(io, e)
			if i, ok := buttonIndex(e.Button); ok {
				io.SetMouseButtonDown(i, e.Kind == render.PointerDown)
			}
			mods |= e.Mods
		case render.Wheel:
			if button {
				break loop
			}
			if p := io.MousePosition(); p.X != float32(e.X) || p.Y != float32(e.Y) {
				// Dear ImGui scrolls before a frame is built, by what the one before said;
				// and that has to know what is under the pointer: see ownWheel.
				in.point(io, e)
				moved, in.wheelIn = true, 2
			}
			if in.wheelIn > 0 {
				break loop
			}
			io.AddMouseWheelDelta(float32(e.WheelX), float32(e.WheelY))
			mods |= e.Mods
		case render.KeyPress:
			k, ok := keyNames[e.Key]
			if !ok {
				continue
			}
			if button || key || text || before[k] {
				break loop
			}
			key = true
			in.down[k] = true
			io.KeyPress(k)
			mods |= e.Mods
		case render.TextInput:
			if button || key {
				break loop
			}
			text = true
			io.AddInputCharacters(e.Text)
		}
	}
	for i, m := range []render.Mods{render.ModCtrl, render.ModShift, render.ModAlt} {
		if mods&m != 0 {
			io.KeyPress(nativeCtrl + i)
		}
	}
	io.KeyCtrl(nativeCtrl, noKey)
	io.KeyShift(nativeShift, noKey)
	io.KeyAlt(nativeAlt, noKey)
	in.queue = in.queue[:copy(in.queue, in.queue[n:])]
	return n > 0 || moved || len(before) > 0
}

// point tells where the pointer is.
func (in *input) point(io imgui.IO, e *render.Event) {
	if e.Kind == render.PointerLeave {
		io.SetMousePosition(imgui.Vec2{X: -math.MaxFloat32, Y: -math.MaxFloat32})
		return
	}
	io.SetMousePosition(imgui.Vec2{X: float32(e.X), Y: float32(e.Y)})
}

// buttonIndex is Dear ImGui's number of a button.
func buttonIndex(b render.Button) (i int, ok bool) {
	switch b {
	case render.ButtonLeft:
		return 0, true
	case render.ButtonRight:
		return 1, true
	case render.ButtonMiddle:
		return 2, true
	}
	return 0, false
}
