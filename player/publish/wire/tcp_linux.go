package wire

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
	// goneAfter is when another side that acknowledges nothing, or takes nothing, is
	// given up; the kernel's own patience is a quarter of an hour.
	goneAfter = 20 * time.Second
)

// Tune prepares a TCP connection for a live stream: little is held in the kernel
// (TCP_NOTSENT_LOWAT), and another side that has gone is noticed after 20 s
// (TCP_USER_TIMEOUT). What the kernel does not know, and other connections, it leaves as
// they are.
func Tune(c net.Conn) {
	control(c, func(fd int) {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentLimit)
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(goneAfter.Milliseconds()))
	})
}

// RoundTrip is the kernel's smoothed round trip time of a TCP connection (TCP_INFO,
// tcp(7)), 0 if there is none.
func RoundTrip(c net.Conn) (rtt time.Duration) {
	control(c, func(fd int) {
		if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			rtt = time.Duration(info.Rtt) * time.Microsecond
		}
	})
	return rtt
}

// Unacknowledged is how many bytes have been written to a TCP connection that the other
// side's kernel does not have yet; 0 if that is not known.
func Unacknowledged(c net.Conn) (n int) {
	control(c, func(fd int) { n, _ = unix.IoctlGetInt(fd, unix.SIOCOUTQ) })
	return n
}

// control calls f if c is of TCP and open.
func control(c net.Conn, f func(fd int)) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}
