package ffmpeg

// #cgo pkg-config: libavutil
// #include <libavutil/avutil.h>
import "C"

// Version is that of the FFmpeg libraries the program runs with, such as
// "FFmpeg 5.1.9-0+deb12u1".
func Version() string { return "FFmpeg " + C.GoString(C.av_version_info()) }
