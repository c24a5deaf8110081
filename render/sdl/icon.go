package sdlwindow

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"

	"github.com/veandco/go-sdl2/sdl"
)

// maxIcon is the largest width and height of an icon, in pixels: what every X server
// takes in one request, and more than anybody shows.
const maxIcon = 256

// setIcon gives win a PNG as its icon, which takes 1 to 2 ms in a process that has
// just begun. A window can do without one, so that what is none is left out.
func setIcon(win *sdl.Window, data []byte) {
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil || c.Width > maxIcon || c.Height > maxIcon {
		return
	}
	icon, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return
	}
	// In SDL's memory: its surfaces must not hold Go's.
	s, err := sdl.CreateRGBSurfaceWithFormat(0, int32(c.Width), int32(c.Height), 32, uint32(sdl.PIXELFORMAT_RGBA32))
	if err != nil {
		return
	}
	defer s.Free()
	to := &image.NRGBA{Pix: s.Pixels(), Stride: int(s.Pitch), Rect: image.Rect(0, 0, c.Width, c.Height)}
	draw.Draw(to, to.Rect, icon, icon.Bounds().Min, draw.Src)
	win.SetIcon(s) // which copies it
}
