// Package null is the video output that shows nothing, at the right time.
package null

import (
	"errors"
	"time"

	"planar/render"
)

// Output takes pictures and throws them away.
type Output struct {
	render.Headless
	prepared bool
}

// New returns an output that takes pictures at their time.
func New() *Output { return &Output{Headless: render.NewHeadless()} }

// Prepare looks at nothing in p and keeps no reference to it.
func (o *Output) Prepare(*render.Picture) error {
	o.prepared = true
	return nil
}

// Present succeeds once a picture has been prepared.
func (o *Output) Present(int64, time.Duration) error {
	if !o.prepared {
		return errors.New("null output: no picture was prepared")
	}
	return nil
}

// Paced is true: playing takes as long as it does in a window.
func (*Output) Paced() bool { return true }
