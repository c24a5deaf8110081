package render

import "context"

// Headless is the window-less half of an output that shows nothing: events
// that never come, a title and a shape that nobody sees. Outputs embed it.
// The zero value is not ready; use NewHeadless.
type Headless struct{ wake chan struct{} }

// NewHeadless returns a Headless that nothing has woken yet.
func NewHeadless() Headless { return Headless{wake: make(chan struct{}, 1)} }

// Wait blocks until Wake is called or ctx ends. It never has an event to return.
func (h Headless) Wait(ctx context.Context) []Event {
	select {
	case <-h.wake:
	case <-ctx.Done():
	}
	return nil
}

// Wake ends a Wait, now or the next one; several calls before it count as one.
// It may be called from any goroutine.
func (h Headless) Wake() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Forget has nothing to let go of.
func (Headless) Forget() {}

// SetTitle does nothing.
func (Headless) SetTitle(string) {}

// SetShape does nothing.
func (Headless) SetShape(w, h int) {}

// SetFullscreen does nothing.
func (Headless) SetFullscreen(bool) {}

// Fullscreen is always false.
func (Headless) Fullscreen() bool { return false }

// Close does nothing: there is nothing to give back.
func (Headless) Close() error { return nil }
