package demux

import "planar/render"

// VideoEncoding is what pictures are encoded as.
type VideoEncoding struct {
	Codec         string          // "h264" or "hevc"
	Width, Height int             // 0: as they come, made even
	Rate          render.Rational // frames per second, of the time base and the rate control
	Bitrate       int64           // bits per second; 0: by size and rate
	GOP           int             // pictures from one key picture to the next, at most
	Preset        string          // x264's and x265's name; "" for the usual
}

// AudioEncoding is what sound is encoded as.
type AudioEncoding struct {
	Codec   string // "aac" or "opus"
	Bitrate int64  // bits per second; 0: by rate and channels
}
