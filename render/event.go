package render

// Event is something a person did to a window.
type Event struct {
	Kind EventKind
	Key  string // KeyPress: see KeyPress
	Path string // FileDrop
}

// EventKind tells events apart.
type EventKind int

const (
	// KeyPress is a key going down or repeating. Printing keys are named by the
	// character they make ("[", "L", "."), others by SDL's name in lower case
	// ("space", "left", "escape", "f11"). The wheel is "wheelup" and
	// "wheeldown", a double click "doubleclick".
	KeyPress EventKind = iota
	// CloseRequest is the window's close button.
	CloseRequest
	// FileDrop is a file or URL dropped on the window.
	FileDrop
)
