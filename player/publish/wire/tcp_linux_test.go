package wire

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTune(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	Tune(c)
	control(c, func(fd int) {
		for option, want := range map[int]int{unix.TCP_NOTSENT_LOWAT: unsentLimit, unix.TCP_USER_TIMEOUT: int(goneAfter.Milliseconds())} {
			if n, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, option); err != nil || n != want {
				t.Errorf("option %d is %d, want %d: %v", option, n, want, err)
			}
		}
	})
	a, b := net.Pipe()
	defer b.Close()
	defer a.Close()
	Tune(a) // of no use, and no harm
	if RoundTrip(a) != 0 || Unacknowledged(a) != 0 {
		t.Error("a pipe has a round trip time")
	}
}
