package clock

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bounds of what ParsePosition takes: longer and farther than any source, and
// far from what an int64 of nanoseconds holds.
const (
	maxPosition = 100_000_000 // seconds
	maxFrame    = 1 << 50
)

// ParsePosition reads a place in a source as people type it: "#100" is a
// frame's number, "12.5", "1:02.5" and "1:02:03.5" are times, rounded to the
// nanosecond. frame is -1 for a time, t is 0 for a frame. The error quotes s.
func ParsePosition(s string) (t time.Duration, frame int64, err error) {
	bad := fmt.Errorf("%q is not seconds, [H:]M:S or #FRAME", s)
	if n, ok := strings.CutPrefix(s, "#"); ok {
		frame, e := strconv.ParseUint(n, 10, 63)
		if e != nil || frame > maxFrame {
			return 0, -1, bad
		}
		return 0, int64(frame), nil
	}
	parts := strings.Split(s, ":")
	if len(parts) > 3 {
		return 0, -1, bad
	}
	total := 0.0
	for _, p := range parts {
		v, e := strconv.ParseFloat(p, 64)
		if e != nil || strings.Trim(p, "0123456789.") != "" { // no sign, exponent or infinity
			return 0, -1, bad
		}
		total = total*60 + v
	}
	if total > maxPosition {
		return 0, -1, bad
	}
	return time.Duration(math.Round(total * float64(time.Second))), -1, nil
}
