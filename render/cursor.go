package render

// Cursor is a shape of the mouse's pointer.
type Cursor int

// The shapes of the pointer.
const (
	CursorArrow Cursor = iota
	CursorHand
	CursorText      // a bar between letters
	CursorCrosshair // for picking a pixel
	CursorMove      // arrows in all directions
	CursorResizeH   // left and right
	CursorResizeV   // up and down
)
