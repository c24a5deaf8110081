package null_test

import (
	"planar/player"
	"planar/render/null"
)

var _ player.VideoOutput = (*null.Output)(nil)
