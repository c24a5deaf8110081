package sdlwindow

/*
// gl_string calls glGetString, whose address only SDL knows.
static const char *gl_string(void *get, unsigned int name) {
	return ((const char *(*)(unsigned int))get)(name);
}
*/
import "C"

import (
	"path/filepath"
	"runtime"
	"strings"

	"github.com/veandco/go-sdl2/sdl"
)

// mayHaveGPU is a check that takes microseconds, where loading OpenGL takes a
// tenth of a second. Only Linux's answer is worth anything.
func mayHaveGPU() bool {
	if runtime.GOOS != "linux" {
		return true
	}
	for _, pattern := range []string{"/dev/dri/renderD*", "/dev/nvidiactl"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return true
		}
	}
	return false
}

// glRenderer names what draws for the current OpenGL context.
func glRenderer() string {
	const glRendererName = 0x1F01
	get := sdl.GLGetProcAddress("glGetString")
	if get == nil {
		return ""
	}
	return C.GoString(C.gl_string(get, glRendererName))
}

// isSoftware reports whether a GL_RENDERER string names a processor that only
// pretends to be a graphics processor.
func isSoftware(renderer string) bool {
	renderer = strings.ToLower(renderer)
	for _, s := range []string{"llvmpipe", "softpipe", "swrast", "swiftshader", "software", "gdi generic"} {
		if strings.Contains(renderer, s) {
			return true
		}
	}
	return renderer == ""
}
