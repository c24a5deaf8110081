package convert

import (
	"maps"
	"slices"
)

// Formats lists the formats that the kernel converts.
func Formats() []string { return slices.Sorted(maps.Keys(formats)) }

// SetPortable does without hand-written vector code.
func (c *Converter) SetPortable() { c.portable = true }
