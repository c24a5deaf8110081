package rtsp

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// unsentLimit is how many bytes the kernel takes beyond what is on its way: two
	// seconds of 500 kbit/s. Without it a slow server would be noticed when its backlog
	// fills megabytes.
	unsentLimit = 128 << 10
	// goneAfter is when a server that acknowledges nothing, or takes nothing, is given
	// up; the kernel's own patience is a quarter of an hour.
	goneAfter = 20 * time.Second
)

// tune prepares a connection for a live stream. What the kernel does not know does no
// harm.
func tune(c *net.TCPConn) {
	control(c, func(fd int) {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentLimit)
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(goneAfter.Milliseconds()))
	})
}

// roundTrip is the kernel's estimate of the round trip time, 0 if there is none.
func roundTrip(c *net.TCPConn) (rtt time.Duration) {
	control(c, func(fd int) {
		if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			rtt = time.Duration(info.Rtt) * time.Microsecond
		}
	})
	return rtt
}

// unacknowledged is how many bytes have been written that the other side's kernel does
// not have yet; 0 if that is not known.
func unacknowledged(c *net.TCPConn) (n int) {
	control(c, func(fd int) { n, _ = unix.IoctlGetInt(fd, unix.SIOCOUTQ) })
	return n
}

func control(c *net.TCPConn, f func(fd int)) {
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}
