package sdlwindow

import (
	"fmt"

	"github.com/veandco/go-sdl2/sdl"
)

// Version is that of the SDL library the program runs with, such as "SDL 2.26.5".
func Version() string {
	var v sdl.Version
	sdl.GetVersion(&v)
	return fmt.Sprintf("SDL %d.%d.%d", v.Major, v.Minor, v.Patch)
}
