package sdlwindow_test

import (
	"planar/player"
	sdlwindow "planar/render/sdl"
)

var _ player.VideoOutput = (*sdlwindow.Window)(nil)
