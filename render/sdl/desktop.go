package sdlwindow

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/veandco/go-sdl2/sdl"
)

// Size is the window's size in pixels, and how many of them are the size of one on
// an ordinary screen: what the window system multiplies by, or if it does not,
// what the desktop says of text (Xft.dpi, GDK_SCALE), in quarters and at least 1.
func (w *Window) Size() (width, height int, scale float64) {
	pw, ph := w.win.GLGetDrawableSize()
	if pw <= 0 || ph <= 0 {
		pw, ph = w.win.GetSize()
	}
	scale = w.pixelsPerPoint()
	if scale == 1 {
		scale = w.textScale
	}
	return int(pw), int(ph), scale
}

// UserSize is the window's size in points if somebody else than this package has
// given it to the window: a person, or what arranges windows for one. It is false
// while the window is maximised or fills the screen.
func (w *Window) UserSize() (width, height int, ok bool) {
	pw, ph := w.win.GetSize()
	width, height = int(pw), int(ph)
	if !w.visible || w.Fullscreen() || w.maximised() || width == w.askedW && height == w.askedH {
		return 0, 0, false
	}
	return width, height, true
}

func (w *Window) maximised() bool { return w.win.GetFlags()&sdl.WINDOW_MAXIMIZED != 0 }

// textScale is how large text is to be, by what the desktop says of its dots per
// inch, 0 for nothing, and by what it tells GTK. Nobody means more than 8.
func textScale(dpi float64, gdkScale string) float64 {
	scale := dpi / 96
	if dpi <= 0 {
		scale, _ = strconv.ParseFloat(gdkScale, 64)
	}
	if !(scale > 1) {
		return 1
	}
	return math.Round(min(scale, 8)*4) / 4
}

// xftDPI finds Xft.dpi in an X server's resources; 0 if it is not there.
func xftDPI(resources string) float64 {
	for line := range strings.Lines(resources) {
		name, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(name) == "Xft.dpi" {
			dpi, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return dpi
		}
	}
	return 0
}

// InhibitScreenSaver keeps the screen from going dark, as it is from the start, or
// lets it.
func (w *Window) InhibitScreenSaver(on bool) {
	if on != sdl.IsScreenSaverEnabled() {
		return
	}
	if on {
		sdl.DisableScreenSaver()
	} else {
		sdl.EnableScreenSaver()
	}
}

// maxClipboard is how many bytes of the clipboard are taken: longer than any
// address or path.
const maxClipboard = 1 << 20

// ClipboardText is the text in the clipboard, "" if there is none.
func (w *Window) ClipboardText() (string, error) {
	s, err := sdl.GetClipboardText()
	if len(s) > maxClipboard {
		s = s[:maxClipboard]
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "")
	}
	return s, err
}

// SetClipboardText puts text into the clipboard.
func (w *Window) SetClipboardText(text string) error { return sdl.SetClipboardText(text) }
