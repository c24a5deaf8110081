// Package sdlwindow is the window: the only package that touches SDL's video.
//
// Everything but Wake belongs to the goroutine that called Open, which must be
// locked to the main OS thread.
//
// window.go is what the player asks of a window; surface.go and texture.go are the
// two ways to draw, without a graphics processor and with one, and layers.go is
// what lies over the picture. events.go is how it waits, and keys.go and pointer.go
// are what a person does meanwhile. desktop.go, icon.go and cursor.go are what the
// desktop has to do with it, and x11.go is what SDL does not tell of an X server.
package sdlwindow

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/veandco/go-sdl2/sdl"

	"planar/render"
)

// Options say what kind of window to open.
type Options struct {
	Title      string
	Icon       []byte          // a PNG, for title bars and lists of windows; nil for none
	Geometry   render.Geometry // the zero value takes the pictures' size, centred
	Borderless bool
	Fullscreen bool
	Filter     render.Filter
	// Renderer is "auto" (or empty), "software" or "opengl". Auto takes a
	// graphics processor if there is one and else draws without OpenGL, which
	// would then be a slow imitation.
	Renderer string
	// Converter turns pictures into pixels. It stays the caller's to close,
	// after the window.
	Converter render.Converter
}

// minSize is the smallest width and height of a window.
const minSize = 64

// canvas is where a window's pictures are drawn: its surface or a texture.
type canvas interface {
	// draw makes p, or black if p is nil, what the next show puts on the screen.
	draw(p *render.Picture) error
	// stale reports whether the window has changed so that what was drawn last
	// cannot be shown any more.
	stale() bool
	// show puts what was drawn last on the screen.
	show() error
	// look says how pictures are drawn from now on. It makes what was drawn last
	// stale if that looks otherwise.
	look(v render.View, f render.Filter)
	// lay keeps the layers that are over what is drawn or shown from now on.
	lay(ls []render.Layer)
	// settle brings the layers of what was drawn last, which is not stale, up to
	// date. The screen does not change.
	settle() error
	// showLayers is settle, and puts that on the screen, which shows what was drawn
	// last but for its layers.
	showLayers() error
	// name says what kind of canvas this is, for logs.
	name() string
	close()
}

// Window is a window that shows pictures. It implements player.VideoOutput.
type Window struct {
	opts   Options
	win    *sdl.Window
	canvas canvas

	// The pictures are their owner's; the contract keeps shown valid until
	// another one is presented, so that it can be drawn again at any time.
	shown, next *render.Picture
	holds       content
	visible     bool
	forgotten   bool  // the screen shows a picture that cannot be drawn again
	redrawErr   error // from redrawing in Wait; Prepare returns it

	layers  []render.Layer
	view    render.View
	changes changes

	shapeW, shapeH int
	askedW, askedH int          // the size this package last gave the window
	keepSize       bool         // the size is the user's: SetShape leaves it alone
	emulated       *render.Rect // the window's place before an emulated full screen

	keys      keyboard
	events    []render.Event
	cursor    cursor
	pointer   pointer
	textScale float64 // how large text is to be, as the desktop says; 1 if it does not

	wake    chan struct{} // holds a token when Wake was called
	watcher *watcher      // nil where only SDL can wait
	inSDL   atomic.Bool   // Wait sleeps in SDL: only an event ends that
	mu      sync.RWMutex
	closed  bool // guarded by mu: Wake may come when SDL has gone
}

// content is what the canvas holds.
type content int

const (
	holdsNothing content = iota
	holdsShown           // the picture on the screen, or black if there was none
	holdsNext            // the prepared picture
	holdsScreen          // what is on the screen, of a picture that is forgotten
)

// wakeEvent is the type of the event that ends a Wait.
var wakeEvent = sync.OnceValue(func() uint32 { return sdl.RegisterEvents(1) })

// Open starts SDL's video and makes a window, which stays hidden until the
// first Present or ShowNow.
func Open(opts Options) (*Window, error) {
	if opts.Converter == nil {
		return nil, errors.New("a window needs a converter")
	}
	switch opts.Renderer {
	case "":
		opts.Renderer = "auto"
	case "auto", "software", "opengl":
	default:
		return nil, fmt.Errorf("unknown renderer %q: want auto, software or opengl", opts.Renderer)
	}
	setHints()
	if err := initVideo(); err != nil {
		return nil, err
	}
	w := &Window{opts: opts, keepSize: opts.Geometry.Sized(), wake: make(chan struct{}, 1)}
	if err := w.open(); err != nil {
		sdl.QuitSubSystem(sdl.INIT_VIDEO)
		return nil, fmt.Errorf("cannot open a window: %w", err)
	}
	for _, unused := range []uint32{
		sdl.KEYMAPCHANGED, sdl.TEXTEDITING, sdl.CLIPBOARDUPDATE,
		sdl.FINGERDOWN, sdl.FINGERUP, sdl.FINGERMOTION, sdl.MULTIGESTURE, sdl.SYSWMEVENT, sdl.DISPLAYEVENT,
	} {
		sdl.EventState(unused, sdl.IGNORE)
	}
	// Characters arrive as text, which knows the keyboard's layout.
	sdl.StartTextInput()
	wakeEvent()
	w.watcher = watch(w.win)
	w.textScale = textScale(textDPI(w.win), os.Getenv("GDK_SCALE"))
	w.pointer.wanted = true
	return w, nil
}

// compose names Xlib's table of composed characters.
const compose = "XCOMPOSEFILE"

// noCompose is set while compose names an empty table.
var noCompose bool

// C libraries read the environment from any thread and without a lock, so that
// it is not safe to add to it later than here.
func init() {
	if _, set := os.LookupEnv("SDL_VIDEO_X11_WMCLASS"); !set {
		os.Setenv("SDL_VIDEO_X11_WMCLASS", "planar")
	}
	// Reading the table takes half of the time in which SDL starts, and no key
	// of planar is composed.
	if _, set := os.LookupEnv(compose); !set {
		noCompose = os.Setenv(compose, os.DevNull) == nil
	}
}

// setHints tells SDL how planar wants it before anything is initialised.
func setHints() {
	for name, value := range map[string]string{
		sdl.HINT_APP_NAME: "planar",
		// Go handles SIGINT and SIGTERM.
		sdl.HINT_NO_SIGNAL_HANDLERS: "1",
		// Or SDL draws window surfaces through OpenGL, even a software one.
		sdl.HINT_FRAMEBUFFER_ACCELERATION: "0",
		// Pictures are presented at their time, not at the screen's.
		sdl.HINT_RENDER_VSYNC: "0",
		// A window among others must not switch the desktop's compositor off.
		sdl.HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR: "0",
	} {
		sdl.SetHint(name, value)
	}
}

// initVideo starts SDL's video on a display that a person can see.
func initVideo() error {
	const prefix = "no display: cannot open a window"
	if runtime.GOOS == "linux" && os.Getenv("SDL_VIDEODRIVER") == "" {
		// Left alone, SDL tries everything it knows, some of which complain on
		// stderr and one of which shows nothing.
		var drivers []string
		if os.Getenv("DISPLAY") != "" {
			drivers = append(drivers, "x11")
		}
		if os.Getenv("WAYLAND_DISPLAY") != "" || os.Getenv("WAYLAND_SOCKET") != "" {
			drivers = append(drivers, "wayland")
		}
		if cards, _ := filepath.Glob("/dev/dri/card*"); len(cards) > 0 && len(drivers) == 0 {
			drivers = append(drivers, "KMSDRM")
		}
		if len(drivers) == 0 {
			return errors.New(prefix + " (DISPLAY is not set)")
		}
		sdl.SetHint("SDL_VIDEODRIVER", strings.Join(drivers, ","))
	}
	err := sdl.InitSubSystem(sdl.INIT_VIDEO)
	if noCompose { // programs that planar starts may need it
		os.Unsetenv(compose)
		noCompose = false
	}
	if err != nil {
		variables := ""
		for _, v := range []string{"SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"} {
			if s := os.Getenv(v); s != "" {
				variables += fmt.Sprintf("%s=%q ", v, s)
			}
		}
		return fmt.Errorf("%s (%s: %w)", prefix, strings.TrimSpace(variables), err)
	}
	return nil
}

// open makes the window and its canvas.
func (w *Window) open() error {
	tryGPU := w.opts.Renderer == "opengl" || w.opts.Renderer == "auto" && mayHaveGPU()
	if tryGPU {
		if err := w.create(); err != nil {
			return err
		}
		c, err := newTexture(w.win, w.opts.Converter, w.opts.Filter, w.opts.Renderer == "opengl")
		if err == nil {
			w.canvas = c
			return nil
		}
		// SDL made this window for OpenGL: its surface would be OpenGL's too.
		w.win.Destroy()
		w.win = nil
		if w.opts.Renderer == "opengl" {
			return err
		}
	}
	if err := w.create(); err != nil {
		return err
	}
	w.canvas = &surface{win: w.win, conv: w.opts.Converter, filter: w.opts.Filter}
	return nil
}

// create makes the hidden window.
func (w *Window) create() error {
	g := w.opts.Geometry
	w.askedW, w.askedH = max(minSize, g.W), max(minSize, g.H)
	if !g.Sized() {
		// Until SetShape tells, which is before anybody sees it.
		w.askedW, w.askedH = 640, 360
	}
	flags := uint32(sdl.WINDOW_HIDDEN | sdl.WINDOW_RESIZABLE | sdl.WINDOW_ALLOW_HIGHDPI)
	if w.opts.Borderless {
		flags |= sdl.WINDOW_BORDERLESS
	}
	x, y := g.Place(w.askedW, w.askedH, w.screen())
	win, err := sdl.CreateWindow(w.opts.Title, int32(x), int32(y), int32(w.askedW), int32(w.askedH), flags)
	if err != nil {
		return err
	}
	win.SetMinimumSize(minSize, minSize)
	w.win = win
	return nil
}

// screen is the space for windows on the window's screen, the first one if
// there is no window yet. An explicit place counts from the screen's own edge.
func (w *Window) screen() render.Rect {
	display := 0
	if w.win != nil {
		if d, err := w.win.GetDisplayIndex(); err == nil {
			display = d
		}
	}
	bounds := sdl.GetDisplayUsableBounds
	if w.opts.Geometry.Placed {
		bounds = sdl.GetDisplayBounds
	}
	r, err := bounds(display)
	if err != nil || r.W <= 0 || r.H <= 0 {
		return render.Rect{W: 1280, H: 720}
	}
	return render.Rect{X: int(r.X), Y: int(r.Y), W: int(r.W), H: int(r.H)}
}

// RendererName says how pictures get to the screen, such as "surface" or
// "opengl (Mesa Intel(R) UHD Graphics)".
func (w *Window) RendererName() string { return w.canvas.name() }

// Prepare scales, converts and uploads p. The screen does not change.
func (w *Window) Prepare(p *render.Picture) error {
	w.next, w.holds = nil, holdsNothing
	if err := w.redrawErr; err != nil {
		w.redrawErr = nil
		return err
	}
	if err := w.canvas.draw(p); err != nil {
		return err
	}
	w.next, w.holds = p, holdsNext
	return nil
}

// Forget lets go of all pictures: what is on the screen stays, until something
// covers it.
func (w *Window) Forget() {
	if w.changes.pending && w.shown != nil {
		w.repair() // while it can still be drawn
		w.redrawErr = nil
	}
	w.forgotten = w.forgotten || w.shown != nil
	if w.holdScreen() {
		w.holds = holdsScreen
	} else {
		w.holds = holdsNothing
	}
	w.shown, w.next = nil, nil
}

// Present makes the prepared picture visible, and the window with it if it is
// the first. Without a new picture the last one is shown again.
func (w *Window) Present(int64, time.Duration) error {
	if w.next != nil {
		if w.holds == holdsNext {
			w.holds = holdsShown
		} else {
			w.holds = holdsNothing
		}
		w.shown, w.next = w.next, nil
	} else if w.shown == nil {
		return errors.New("no picture was prepared")
	}
	if err := w.reveal(); err != nil {
		return err
	}
	err := w.redraw()
	w.changes.presented()
	return err
}

// ShowNow shows the window before there is a picture, black: for sources that
// take long to open.
func (w *Window) ShowNow() error {
	if w.visible {
		return nil
	}
	if err := w.reveal(); err != nil {
		return err
	}
	return w.redraw()
}

// Clear shows black instead of a picture that has been forgotten.
func (w *Window) Clear() {
	if w.visible && w.shown == nil && w.forgotten {
		w.holds = holdsNothing
		w.repair()
	}
}

// reveal puts the window on the screen.
func (w *Window) reveal() error {
	if w.visible {
		return nil
	}
	w.visible = true
	w.win.Show()
	if w.opts.Fullscreen {
		return w.setFullscreen(true)
	}
	return nil
}

// redraw shows the presented picture, or black. What was prepared is
// converted again by Present if it had to give way.
func (w *Window) redraw() error {
	if w.holds == holdsScreen && !w.canvas.stale() {
		w.changes.shown()
		return w.canvas.show()
	}
	if w.holds != holdsShown || w.canvas.stale() {
		w.holds = holdsNothing
		if err := w.canvas.draw(w.shown); err != nil {
			return err
		}
		w.holds = holdsShown
	}
	if err := w.canvas.show(); err != nil {
		return err
	}
	w.forgotten = false
	w.changes.shown()
	return nil
}

// SetTitle names what is shown in the window's title bar.
func (w *Window) SetTitle(title string) { w.win.SetTitle(title) }

// SetShape says how large the pictures to come are, in square pixels. The
// window takes their size, reduced to fit the screen, unless the user gave it
// one or it fills the screen.
func (w *Window) SetShape(width, height int) {
	if width <= 0 || height <= 0 || width == w.shapeW && height == w.shapeH {
		return
	}
	w.shapeW, w.shapeH = width, height
	if w.keepSize || w.Fullscreen() || w.maximised() {
		return
	}
	// Window sizes and screens are counted in points; on dense screens a point
	// is more than one pixel.
	screen := w.screen()
	scale := w.pixelsPerPoint()
	pw, ph := render.InitialSize(width, height, int(float64(screen.W)*scale), int(float64(screen.H)*scale))
	nw, nh := max(minSize, int(float64(pw)/scale+0.5)), max(minSize, int(float64(ph)/scale+0.5))
	if nw == w.askedW && nh == w.askedH {
		return
	}
	w.askedW, w.askedH = nw, nh
	w.win.SetSize(int32(nw), int32(nh))
	if !w.visible {
		x, y := w.opts.Geometry.Place(nw, nh, screen)
		w.win.SetPosition(int32(x), int32(y))
	}
	w.holds = holdsNothing
	if !w.visible {
		// The system hands out a surface's memory page by page, at the first
		// touch. That takes milliseconds, in which the first picture is made.
		if err := w.canvas.draw(nil); err != nil {
			w.redrawErr = err
		}
	}
}

func (w *Window) pixelsPerPoint() float64 {
	points, _ := w.win.GetSize()
	pixels, _ := w.win.GLGetDrawableSize()
	if points <= 0 || pixels <= 0 {
		return 1
	}
	return float64(pixels) / float64(points)
}

// SetFullscreen enters or leaves full screen. Before the window is shown it
// says how it will be shown.
func (w *Window) SetFullscreen(on bool) {
	if !w.visible {
		w.opts.Fullscreen = on
		return
	}
	if on == w.Fullscreen() {
		return
	}
	if err := w.setFullscreen(on); err != nil {
		w.redrawErr = err
		return
	}
	w.opts.Fullscreen = on
	w.repair()
}

// Fullscreen tells whether the window fills the screen.
func (w *Window) Fullscreen() bool {
	if !w.visible {
		return w.opts.Fullscreen
	}
	return w.emulated != nil || w.win.GetFlags()&sdl.WINDOW_FULLSCREEN_DESKTOP == sdl.WINDOW_FULLSCREEN_DESKTOP
}

func (w *Window) setFullscreen(on bool) error {
	var flags uint32
	if on {
		flags = sdl.WINDOW_FULLSCREEN_DESKTOP
	}
	w.holds = holdsNothing
	switch {
	case on && unmanaged(w.win):
		w.emulateFullscreen()
	case w.emulated != nil:
		w.place(*w.emulated)
		w.emulated = nil
	default:
		if err := w.win.SetFullscreen(flags); err != nil {
			return fmt.Errorf("cannot change to or from full screen: %w", err)
		}
	}
	w.cursor.fullscreen(w, on)
	return nil
}

// emulateFullscreen makes the window as large as its screen.
func (w *Window) emulateFullscreen() {
	display, err := w.win.GetDisplayIndex()
	if err != nil {
		display = 0
	}
	screen, err := sdl.GetDisplayBounds(display)
	if err != nil {
		return
	}
	x, y := w.win.GetPosition()
	width, height := w.win.GetSize()
	w.emulated = &render.Rect{X: int(x), Y: int(y), W: int(width), H: int(height)}
	w.place(render.Rect{X: int(screen.X), Y: int(screen.Y), W: int(screen.W), H: int(screen.H)})
}

// place moves and resizes the window.
func (w *Window) place(r render.Rect) {
	w.win.SetPosition(int32(r.X), int32(r.Y))
	w.win.SetSize(int32(r.W), int32(r.H))
}

// Paced is true: a window shows frames at their time.
func (w *Window) Paced() bool { return true }

// Wake ends a Wait, now or the next one. It may be called from any goroutine,
// and after Close.
func (w *Window) Wake() {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default:
		return // one is enough
	}
	if w.inSDL.Load() {
		// An error means that the queue is full, so that there is plenty to end the Wait.
		_ = pushUserEvent(wakeEvent())
	}
}

// Close destroys the window and ends SDL's video. The pictures it was given
// are not touched any more.
func (w *Window) Close() error {
	w.mu.Lock()
	closed := w.closed
	w.closed = true
	w.mu.Unlock()
	if closed {
		return nil
	}
	w.cursor.close()
	w.changes.stop()
	w.pointer.stop()
	if w.watcher != nil {
		w.watcher.close()
	}
	w.canvas.close()
	w.shown, w.next = nil, nil
	err := w.win.Destroy()
	// Events of this window must not reach the next one.
	sdl.FlushEvents(sdl.FIRSTEVENT, sdl.LASTEVENT)
	sdl.QuitSubSystem(sdl.INIT_VIDEO)
	return err
}
