//go:build linux || freebsd || openbsd || netbsd

package sdlwindow

/*
#cgo pkg-config: sdl2
#include <SDL_loadso.h>
#include <SDL_syswm.h>

// x11_window asks SDL what the window is to X11; 0 if it is nothing. (go-sdl2's
// GetWMInfo gives SDL a structure that is too short.)
static void *x11_window(SDL_Window *w, unsigned long *window)
{
	SDL_SysWMinfo info;
	SDL_VERSION(&info.version);
	if (!SDL_GetWindowWMInfo(w, &info)) return 0;
#ifdef SDL_VIDEO_DRIVER_X11
	if (info.subsystem == SDL_SYSWM_X11) {
		*window = info.info.x11.window;
		return info.info.x11.display;
	}
#endif
	return 0;
}

// has_manager looks for the property with which window managers announce
// themselves. Xlib is in memory when SDL uses it; linking to it would make
// planar need X11 everywhere. If there is no telling, the answer is yes.
static int has_manager(void *display)
{
	int answer = 1;
	void *lib = SDL_LoadObject("libX11.so.6");
	if (!lib) return answer;
	unsigned long (*root)(void *) = SDL_LoadFunction(lib, "XDefaultRootWindow");
	unsigned long (*atom)(void *, const char *, int) = SDL_LoadFunction(lib, "XInternAtom");
	int (*property)(void *, unsigned long, unsigned long, long, long, int, unsigned long, unsigned long *, int *,
		unsigned long *, unsigned long *, unsigned char **) = SDL_LoadFunction(lib, "XGetWindowProperty");
	int (*release)(void *) = SDL_LoadFunction(lib, "XFree");
	if (root && atom && property && release) {
		unsigned long type = 0, items = 0, left = 0;
		unsigned char *data = 0;
		int format = 0;
		unsigned long check = atom(display, "_NET_SUPPORTING_WM_CHECK", 1);
		answer = check != 0 &&
			property(display, root(display), check, 0, 1, 0, 0, &type, &format, &items, &left, &data) == 0 && items > 0;
		if (data) release(data);
	}
	SDL_UnloadObject(lib);
	return answer;
}

// connection is the descriptor of the socket to the X server, -1 if not known.
static int connection(void *display)
{
	void *lib = SDL_LoadObject("libX11.so.6");
	if (!lib) return -1;
	int (*number)(void *) = SDL_LoadFunction(lib, "XConnectionNumber");
	int fd = number ? number(display) : -1;
	SDL_UnloadObject(lib);
	return fd;
}

// resources is what the X server has been told by xrdb; 0 if nothing. It is
// Xlib's memory, and stays while the display is open.
static const char *resources(void *display)
{
	void *lib = SDL_LoadObject("libX11.so.6");
	if (!lib) return 0;
	char *(*string)(void *) = SDL_LoadFunction(lib, "XResourceManagerString");
	const char *s = string ? string(display) : 0;
	SDL_UnloadObject(lib);
	return s;
}

// pointer is where the pointer is in a window; 0 if nobody knows.
static int pointer(void *display, unsigned long window, int *x, int *y)
{
	void *lib = SDL_LoadObject("libX11.so.6");
	if (!lib) return 0;
	int (*query)(void *, unsigned long, unsigned long *, unsigned long *, int *, int *, int *, int *, unsigned *) =
		SDL_LoadFunction(lib, "XQueryPointer");
	unsigned long root, child;
	int rx, ry;
	unsigned mask;
	int known = query && query(display, window, &root, &child, &rx, &ry, x, y, &mask);
	SDL_UnloadObject(lib);
	return known;
}
*/
import "C"

import (
	"os"
	"unsafe"

	"github.com/veandco/go-sdl2/sdl"
	"golang.org/x/sys/unix"
)

// x11Window is win's number on the X server and the connection to that; nil
// if the window is not X11's.
func x11Window(win *sdl.Window) (display unsafe.Pointer, window uint64) {
	var id C.ulong
	display = C.x11_window((*C.SDL_Window)(unsafe.Pointer(win)), &id)
	return display, uint64(id)
}

// unmanaged reports whether win is on an X server without a window manager,
// where nobody answers SDL's requests for full screen.
func unmanaged(win *sdl.Window) bool {
	display, _ := x11Window(win)
	return display != nil && C.has_manager(display) == 0
}

// watch makes a watcher of the connection to the X server. It returns nil if win
// is not X11's: then only SDL can wait.
func watch(win *sdl.Window) *watcher {
	display, _ := x11Window(win)
	if display == nil {
		return nil
	}
	fd := int(C.connection(display))
	if fd < 0 {
		return nil
	}
	own, err := unix.Dup(fd)
	if err != nil {
		return nil
	}
	unix.CloseOnExec(own)
	return newWatcher(os.NewFile(uintptr(own), "X11"))
}

// askPointer asks the X server where the pointer is in win, in pixels: SDL does not
// hear of it while somebody else drags something. ok is false if win is not X11's.
func askPointer(win *sdl.Window) (x, y int, ok bool) {
	display, id := x11Window(win)
	if display == nil {
		return 0, 0, false
	}
	var cx, cy C.int
	known := C.pointer(display, C.ulong(id), &cx, &cy)
	return int(cx), int(cy), known != 0
}

// textDPI is what the desktop says of dots per inch, for text; 0 for nothing.
func textDPI(win *sdl.Window) float64 {
	display, _ := x11Window(win)
	if display == nil {
		return 0
	}
	return xftDPI(C.GoString(C.resources(display)))
}
