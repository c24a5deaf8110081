package ffmpeg

// #include "shim.h"
import "C"

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"

	"planar/demux"
)

var logger atomic.Pointer[slog.Logger]

// SetLogger sends FFmpeg's own log to l at debug level, passwords in URLs
// hidden; nil drops it, which is what happens without a call. FFmpeg has one log
// for the whole process.
func SetLogger(l *slog.Logger) {
	logger.Store(l)
	on := C.int(0)
	if l != nil && l.Enabled(context.Background(), slog.LevelDebug) {
		on = 1
	}
	C.pl_log_forward(on)
}

const verbose = 40 // AV_LOG_VERBOSE

//export planarLogLine
func planarLogLine(level C.int, class, line *C.char) {
	l := logger.Load()
	if l == nil || level >= verbose && C.GoString(class) == "AVFilter" { // the loudness meter says what it measures, ten times a second
		return
	}
	if s := strings.TrimSpace(C.GoString(line)); s != "" {
		l.Debug(demux.Redact(demux.OneLine(s)), "ffmpeg", C.GoString(class), "level", int(level))
	}
}
