package hash_test

import (
	"planar/player"
	"planar/render/hash"
)

var _ player.VideoOutput = (*hash.Output)(nil)
