//go:build !linux

package wire

import (
	"net"
	"time"
)

// Tune does nothing where only Linux has the options.
func Tune(net.Conn) {}

// RoundTrip is not known here: 0.
func RoundTrip(net.Conn) time.Duration { return 0 }

// Unacknowledged is not known here: 0.
func Unacknowledged(net.Conn) int { return 0 }
