//go:build !(linux || freebsd || openbsd || netbsd)

package sdlwindow

import (
	"unsafe"

	"github.com/veandco/go-sdl2/sdl"
)

func x11Window(*sdl.Window) (display unsafe.Pointer, window uint64) { return nil, 0 }

func unmanaged(*sdl.Window) bool { return false }

func watch(*sdl.Window) *watcher { return nil }

func askPointer(*sdl.Window) (x, y int, ok bool) { return 0, 0, false }

func textDPI(*sdl.Window) float64 { return 0 }
