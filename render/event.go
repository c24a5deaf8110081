package render

// Event is something a person did to a window.
type Event struct {
	Kind EventKind
	Key  string // KeyPress: see KeyPress
	Text string // TextInput
	Path string // FileDrop
	// X, Y are where the pointer is, in pixels from the window's top left corner:
	// of pointer and wheel events and of FileDrop.
	X, Y   int
	Button Button // PointerDown, PointerUp
	Clicks int    // PointerDown: 1, 2 for the second press of a double click, and so on
	// WheelX, WheelY are notches of the wheel; up and right are positive.
	WheelX, WheelY float64
	Mods           Mods // held: of pointer, wheel and key events
}

// EventKind tells events apart.
type EventKind int

const (
	// KeyPress is a key going down or repeating. Printing keys are named by the
	// character they make ("[", "L", "."), others by SDL's name in lower case
	// ("space", "left", "escape", "f11"); with Ctrl held, and a letter, "ctrl+o".
	// What the mouse does is no key: that comes as the events below.
	KeyPress EventKind = iota
	// CloseRequest is the window's close button.
	CloseRequest
	// FileDrop is a file or URL dropped on the window.
	FileDrop
	// TextInput is text that was typed or composed. A key that prints gives it
	// beside its KeyPress.
	TextInput
	// PointerMove, PointerDown and PointerUp are the mouse's.
	PointerMove
	PointerDown
	PointerUp
	// PointerLeave says that the pointer has left the window.
	PointerLeave
	// Wheel is the mouse's wheel or a touch pad's two fingers.
	Wheel
)

// Button is a button of the mouse.
type Button int

// The buttons of a mouse.
const (
	ButtonLeft Button = iota + 1
	ButtonMiddle
	ButtonRight
)

// Mods are keys that are held while something else happens.
type Mods int

// The modifiers.
const (
	ModShift Mods = 1 << iota
	ModCtrl
	ModAlt
)
