package main

import (
	"encoding/binary"
	"fmt"
	"runtime"

	"planar/demux/ffmpeg"
	sdlwindow "planar/render/sdl"
)

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

func printVersion() {
	fmt.Printf("planar %s (%s, %s/%s)\n%s\n%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, sdlwindow.Version(), ffmpeg.Version())
}
