package wire

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// rtt asks the kernel (TCP_INFO, tcp(7)).
func rtt(c *net.TCPConn) (d time.Duration) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			d = time.Duration(info.Rtt) * time.Microsecond
		}
	}) // a socket that is closed has none
	return d
}
