package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// Timebase is a source of real time. The player takes it as a value so that
// tests can bring their own.
type Timebase struct {
	// Now is the time since some fixed moment.
	Now func() time.Duration
	// Nap sleeps for a short while, more exactly than a timer does.
	Nap func(time.Duration)
}

var start = time.Now()

// Real is the machine's monotonic clock. This file is the only place where the
// player reads it.
func Real() Timebase {
	return Timebase{
		Now: func() time.Duration { return time.Since(start) },
		// The runtime's timers are rounded to milliseconds by epoll; the kernel's
		// own sleep is good to some tens of microseconds.
		Nap: func(d time.Duration) {
			if d > 0 {
				ts := unix.NsecToTimespec(int64(d))
				unix.Nanosleep(&ts, nil)
			}
		},
	}
}
