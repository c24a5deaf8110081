package player

import (
	"context"
	"log/slog"
	"time"

	"planar/render"
)

// Screen is a VideoOutput that a person looks at. All methods are called from the
// main goroutine.
type Screen interface {
	VideoOutput
	// ShowNow shows the window before there is a picture, black.
	ShowNow() error
	// Clear shows black instead of the last picture, which has been forgotten.
	Clear()
	// Size is the window's, in pixels; scale is how many of them are the size of
	// one on an ordinary screen.
	Size() (w, h int, scale float64)
	// SetLayers draws layers over the pictures until it is called again: at once,
	// or with the next picture if one comes soon.
	SetLayers(layers []render.Layer)
	// SetView and SetFilter say how pictures are shown, and show the one that is
	// there so.
	SetView(v render.View)
	SetFilter(f render.Filter)
	// InhibitScreenSaver keeps the screen from going dark.
	InhibitScreenSaver(on bool)
}

// Controls are what a person sees and clicks over the picture. All methods are
// called from the main goroutine.
type Controls interface {
	// Handle takes what a person did, and reports whether it was meant for the
	// controls, so that nothing else is to come of it.
	Handle(e render.Event, now time.Duration) (taken bool)
	// Draw returns what is to be seen now. It is called often, whenever anything
	// has happened, and does next to nothing if nothing is to be seen.
	Draw(m Moment) Drawing
}

// LevelAnswer is the level at which the log tells a person what came of something
// that was asked for: it is shown in the window, and not on the terminal unless it
// is to tell more than warnings.
const LevelAnswer = slog.LevelInfo + 2

// answer tells a person what came of a wish.
func (s *session) answer(text string) { s.log.Log(context.Background(), LevelAnswer, text) }

// Moment is what Controls.Draw is told.
type Moment struct {
	Now   time.Duration
	W, H  int     // of the window, in pixels
	Scale float64 // as Screen.Size has it
	State State
	Live  bool
	Frame int64 // number of the one on the screen; -1 if there is none
	View  render.View
	// Status tells everything else. It costs some microseconds.
	Status func() Status
}

// Drawing is what Controls.Draw wants.
type Drawing struct {
	Layers []render.Layer
	Asked  []Command // since the last time
	// Again is how long from now Draw wants to be called even if nothing happens;
	// 0 if it need not be.
	Again time.Duration
}

// State is what playback does.
type State string

// The states of playback.
const (
	Idle       State = "idle" // there is nothing to play
	Opening    State = "opening"
	Playing    State = "playing"
	Paused     State = "paused"
	Buffering  State = "buffering"
	SignalLost State = "signal lost"
	Ended      State = "ended"
)

// overlay is the controls on the screen. The zero value has none.
type overlay struct {
	screen   Screen
	controls Controls
	alarm    *time.Timer // wakes the main goroutine for another Draw
	awake    bool        // the screen saver is inhibited
	visible  bool        // the window is
}

func newOverlay(out VideoOutput, c Controls) overlay {
	screen, ok := out.(Screen)
	if !ok {
		return overlay{}
	}
	return overlay{screen: screen, controls: c}
}

// handle gives an event to the controls first.
func (o *overlay) handle(e render.Event, now time.Duration) (taken bool) {
	return o.controls != nil && o.controls.Handle(e, now)
}

// draw lets the controls draw, and returns what they ask for.
func (o *overlay) draw(m Moment) []Command {
	if o.controls == nil {
		return nil
	}
	m.W, m.H, m.Scale = o.screen.Size()
	d := o.controls.Draw(m)
	o.screen.SetLayers(d.Layers)
	switch {
	case d.Again <= 0:
		o.rest()
	case o.alarm == nil:
		o.alarm = time.AfterFunc(d.Again, o.screen.Wake)
	default:
		o.alarm.Reset(d.Again)
	}
	return d.Asked
}

// rest calls the alarm off.
func (o *overlay) rest() {
	if o.alarm != nil {
		o.alarm.Stop()
	}
}

// keepAwake inhibits the screen saver while pictures move.
func (o *overlay) keepAwake(on bool) {
	if o.screen != nil && on != o.awake {
		o.awake = on
		o.screen.InhibitScreenSaver(on)
	}
}
