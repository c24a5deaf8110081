package main

import (
	"encoding/binary"
	"fmt"

	"github.com/veandco/go-sdl2/sdl"
)

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// libraries names the libraries that the program runs with.
func libraries() []string {
	var v sdl.Version
	sdl.GetVersion(&v)
	return []string{fmt.Sprintf("SDL %d.%d.%d", v.Major, v.Minor, v.Patch)}
}
