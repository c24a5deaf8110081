package sdlwindow

import (
	"context"
	"strings"
	"unsafe"

	"github.com/veandco/go-sdl2/sdl"

	"planar/render"
)

// pushUserEvent puts an event of the given type into SDL's queue.
func pushUserEvent(kind uint32) error {
	// SDL copies a whole SDL_Event, which is longer than a UserEvent.
	var whole sdl.CEvent
	e := (*sdl.UserEvent)(unsafe.Pointer(&whole))
	e.Type = kind
	_, err := sdl.PushEvent(e)
	return err
}

// Wait sleeps until the user does something, Wake is called or ctx ends, and
// returns what has come in. Meanwhile the window redraws itself as needed.
func (w *Window) Wait(ctx context.Context) []render.Event {
	w.events = nil
	if w.visible && w.opts.Icon != nil { // now that the first picture does not wait for it
		setIcon(w.win, w.opts.Icon)
		w.opts.Icon = nil
	}
	for {
		woken, damaged := ctx.Err() != nil, false
		for e := sdl.PollEvent(); e != nil; e = sdl.PollEvent() {
			damaged = w.handle(e) || damaged
		}
		w.cursor.hideIfDue()
		if damaged {
			w.repair()
		}
		if w.catchUp() || damaged {
			// Drawing talks to the X server and may read events on the way, which the
			// socket will not tell of again: look once more before sleeping.
			continue
		}
		select {
		case <-w.wake:
			woken = true
		default:
		}
		if woken || len(w.events) > 0 && !w.pointer.holdsBack(w.events) {
			return w.told()
		}
		if len(w.events) > 0 {
			w.pointer.hold(w)
		}
		if w.watcher == nil {
			w.waitInSDL(ctx)
			continue
		}
		select {
		case <-w.wake:
			return w.told()
		case <-w.watcher.ready():
		case <-ctx.Done():
		}
	}
}

// waitInSDL sleeps until SDL has an event, Wake is called or ctx ends.
func (w *Window) waitInSDL(ctx context.Context) {
	defer context.AfterFunc(ctx, w.Wake)()
	w.inSDL.Store(true)
	defer w.inSDL.Store(false)
	if len(w.wake) > 0 {
		return // it came before inSDL told to push an event
	}
	if e := sdl.WaitEvent(); e != nil && e.GetType() != wakeEvent() {
		if w.handle(e) {
			w.repair()
		}
	}
}

// repair redraws the window outside Present.
func (w *Window) repair() {
	if !w.visible {
		return
	}
	if err := w.redraw(); err != nil {
		w.redrawErr = err
	}
}

// handle translates e and reports whether the window has to be drawn again.
func (w *Window) handle(e sdl.Event) (damaged bool) {
	switch e := e.(type) {
	case *sdl.WindowEvent:
		return w.handleWindow(e)
	case *sdl.RenderEvent: // textures were lost
		w.holds = holdsNothing
		if t, ok := w.canvas.(*texture); ok {
			t.forget()
		}
		return true
	case *sdl.KeyboardEvent:
		w.keys.held = e.Keysym.Mod
		if e.Type == sdl.KEYDOWN {
			w.key(w.keys.down(e.Keysym.Sym, e.Keysym.Mod))
		}
	case *sdl.TextInputEvent:
		text := e.GetText()
		w.key(w.keys.text(text))
		if text = w.keys.typed(text); text != "" {
			w.events = append(w.events, render.Event{Kind: render.TextInput, Text: text})
		}
	case *sdl.MouseWheelEvent:
		w.wheel(e)
	case *sdl.MouseButtonEvent:
		w.cursor.moved(w)
		w.button(e)
	case *sdl.MouseMotionEvent:
		w.cursor.moved(w)
		w.move(e)
	case *sdl.DropEvent:
		if e.File != "" && (e.Type == sdl.DROPFILE || e.Type == sdl.DROPTEXT && strings.Contains(e.File, "://")) {
			x, y := w.dropPoint()
			w.events = append(w.events, render.Event{Kind: render.FileDrop, Path: strings.TrimSpace(e.File), X: x, Y: y})
		}
	case *sdl.QuitEvent: // follows the closing of the only window
		w.events = append(w.events, render.Event{Kind: render.CloseRequest})
	}
	return false
}

func (w *Window) handleWindow(e *sdl.WindowEvent) (damaged bool) {
	switch e.Event {
	case sdl.WINDOWEVENT_RESIZED: // by somebody else than this package
		if !w.Fullscreen() && (int(e.Data1) != w.askedW || int(e.Data2) != w.askedH) {
			w.keepSize = true
		}
		fallthrough
	case sdl.WINDOWEVENT_SIZE_CHANGED:
		// SDL makes a new surface, maybe where the old one was.
		w.holds = holdsNothing
		return true
	case sdl.WINDOWEVENT_EXPOSED, sdl.WINDOWEVENT_SHOWN, sdl.WINDOWEVENT_RESTORED,
		sdl.WINDOWEVENT_MAXIMIZED, sdl.WINDOWEVENT_FOCUS_GAINED:
		return true
	case sdl.WINDOWEVENT_LEAVE:
		w.events = append(w.events, render.Event{Kind: render.PointerLeave})
	}
	return false
}

// key adds a key press, unless name is empty.
func (w *Window) key(name string) {
	if name != "" {
		w.events = append(w.events, render.Event{Kind: render.KeyPress, Key: name, Mods: mods(w.keys.held)})
	}
}
