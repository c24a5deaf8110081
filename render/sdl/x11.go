package sdlwindow

/*
// The three functions of Xlib that find out about a window manager. SDL has
// loaded the library; linking to it would make planar need X11 everywhere.
static unsigned long x_root(void *f, void *display) {
	return ((unsigned long (*)(void *))f)(display);
}
static unsigned long x_atom(void *f, void *display, const char *name) {
	return ((unsigned long (*)(void *, const char *, int))f)(display, name, 1);
}
static int x_has_property(void *f, void *xfree, void *display, unsigned long window, unsigned long atom) {
	unsigned long type = 0, items = 0, left = 0;
	unsigned char *data = 0;
	int format = 0;
	int failed = ((int (*)(void *, unsigned long, unsigned long, long, long, int, unsigned long, unsigned long *, int *,
		unsigned long *, unsigned long *, unsigned char **))f)(display, window, atom, 0, 1, 0, 0, &type, &format,
		&items, &left, &data);
	if (data) ((int (*)(void *))xfree)(data);
	return !failed && type != 0 && items > 0;
}
*/
import "C"

import (
	"unsafe"

	"github.com/veandco/go-sdl2/sdl"
)

// unmanaged reports whether win is on an X server without a window manager,
// where nobody answers SDL's requests for full screen.
func unmanaged(win *sdl.Window) bool {
	if driver, err := sdl.GetCurrentVideoDriver(); err != nil || driver != "x11" {
		return false
	}
	info, err := win.GetWMInfo()
	if err != nil || info.Subsystem != sdl.SYSWM_X11 {
		return false
	}
	lib := sdl.LoadObject("libX11.so.6")
	if lib == 0 {
		return false
	}
	defer lib.Unload()
	root, atom := lib.LoadFunction("XDefaultRootWindow"), lib.LoadFunction("XInternAtom")
	property, free := lib.LoadFunction("XGetWindowProperty"), lib.LoadFunction("XFree")
	if root == nil || atom == nil || property == nil || free == nil {
		return false
	}
	display := info.GetX11Info().Display
	name := []byte("_NET_SUPPORTING_WM_CHECK\x00")
	check := C.x_atom(atom, display, (*C.char)(unsafe.Pointer(&name[0])))
	return check == 0 || C.x_has_property(property, free, display, C.x_root(root, display), check) == 0
}
