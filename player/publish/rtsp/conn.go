package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"planar/player/publish/wire"
)

const (
	// writeTimeout is how long a viewer may take for one unit before it is given up.
	// What comes meanwhile waits in the backlog.
	writeTimeout = 10 * time.Second
	// greetTimeout is how long a connection may stay silent at first, TLS included;
	// then the library has timeouts of its own.
	greetTimeout = 10 * time.Second
	// spareConns are allowed beyond the number of viewers: those who ask, and publish.
	spareConns = 256
	// datagramBuffer is asked of the system for what is sent over UDP: the key pictures
	// of many viewers at once. The system gives what it allows.
	datagramBuffer = 4 << 20
)

// conn is a client's RTSP connection. Responses come from the library, media from us.
type conn struct {
	net.Conn
	s *Server

	mu   sync.Mutex // of writing
	then func()     // is called after the next response
}

// Write writes a response, or whatever else the library says.
func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	n, err := c.write(b)
	then := c.then
	c.then = nil
	c.mu.Unlock()
	if then != nil && err == nil {
		then()
	}
	return n, err
}

// after has f called when the next response has been written.
func (c *conn) after(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.then = f
}

// send writes interleaved packets, unless ctx has ended. A response that is written
// after that is not followed by any.
func (c *conn) send(ctx context.Context, b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := c.write(b)
	return err
}

// write writes all of b, or closes the connection: what follows half a packet would be
// taken for the rest of it. The caller holds mu.
func (c *conn) write(b []byte) (int, error) {
	_ = c.Conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := c.Conn.Write(b)
	if err != nil {
		c.Close()
	}
	return n, err
}

// SetWriteDeadline does nothing: write has its own, and the library's would be for what
// another goroutine is writing.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// Close implements net.Conn.
func (c *conn) Close() error {
	c.s.forget(c)
	return c.Conn.Close()
}

// listener makes conns.
type listener struct {
	net.Listener
	s *Server
}

// Accept returns an error only when the listener is closed, because the library ends
// the whole server with any. A client more than is allowed is disconnected.
func (l *listener) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil, err
			}
			l.s.o.Log.Warn("a connection could not be accepted", "cause", err)
			time.Sleep(10 * time.Millisecond) // no more files: some are closed in time
			continue
		}
		wire.Tune(nc)
		_ = nc.SetReadDeadline(time.Now().Add(greetTimeout))
		if l.s.o.TLS != nil {
			nc = tls.Server(nc, l.s.o.TLS)
		}
		if c := (&conn{Conn: nc, s: l.s}); l.s.remember(c) {
			return c, nil
		}
		nc.Close()
	}
}

// socket is a UDP socket that the library and we write to.
type socket struct{ *net.UDPConn }

// SetWriteDeadline does nothing: the library sets one for the odd packet of its own,
// which would then end all later writes of ours.
func (socket) SetWriteDeadline(time.Time) error { return nil }

// listenPair opens the sockets for RTP, whose port is even, and for RTCP, which has the
// next (RFC 3550 section 11): usualRTP if that is free, otherwise any.
func listenPair(network string, ip net.IP) (pair [2]socket, err error) {
	at := func(port int) (*net.UDPConn, error) {
		return net.ListenUDP(network, &net.UDPAddr{IP: ip, Port: port})
	}
	for port, try := usualRTP, 0; try < 100; port, try = 0, try+1 {
		var first, second *net.UDPConn
		if first, err = at(port); err == nil {
			n := first.LocalAddr().(*net.UDPAddr).Port
			if second, err = at(n ^ 1); err == nil {
				if n&1 == 1 {
					first, second = second, first
				}
				_ = first.SetWriteBuffer(datagramBuffer)
				return [2]socket{{first}, {second}}, nil
			}
			first.Close()
		}
	}
	return pair, err
}

// listenError says in one line why an address cannot be listened on.
func listenError(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s: another program listens there: end it, or choose another port with --listen HOST:PORT", address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s: not allowed to listen there: choose a port above 1023 with --listen HOST:PORT", address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s: this machine does not have that address: choose one of its own with --listen, or 0.0.0.0 for all", address)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return fmt.Errorf("%s: cannot listen there: %w", address, err)
}
