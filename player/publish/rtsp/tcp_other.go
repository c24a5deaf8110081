//go:build !linux

package rtsp

import (
	"net"
	"time"
)

// What only Linux tells is not known here.

func tune(*net.TCPConn) {}

func roundTrip(*net.TCPConn) time.Duration { return 0 }

func unacknowledged(*net.TCPConn) int { return 0 }
