package render

import "slices"

// Overlay is text that is written over the picture.
type Overlay struct {
	// Panel is a block of lines, such as statistics; none if it is empty. In each
	// line, what is before a tab is a label.
	Panel []string
	// Badge is one line that catches the eye, such as that the signal is lost.
	Badge string
}

// Empty reports whether there is nothing to write.
func (o Overlay) Empty() bool { return len(o.Panel) == 0 && o.Badge == "" }

// Equal reports whether o and p look the same.
func (o Overlay) Equal(p Overlay) bool { return o.Badge == p.Badge && slices.Equal(o.Panel, p.Panel) }

// Clone is a copy that shares no memory with o.
func (o Overlay) Clone() Overlay { return Overlay{Panel: slices.Clone(o.Panel), Badge: o.Badge} }
