// Package wire is what targets over sockets have in common: bytes that are counted,
// round trip times, and errors as one plain line without secrets.
package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"planar/demux"
	"planar/player/publish"
)

// Conn is a connection that counts what is written to it.
type Conn struct {
	net.Conn
	sent atomic.Int64
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

// Sent is how many bytes have been written.
func (c *Conn) Sent() int64 { return c.sent.Load() }

// RTT is RoundTrip of the connection.
func (c *Conn) RTT() time.Duration { return RoundTrip(c.Conn) }

// Peer is the other side, as it is named in errors.
type Peer struct{ Show, Host string }

// NewPeer is the peer of an address, which may hold secrets.
func NewPeer(address string) Peer {
	show := demux.OneLine(demux.Redact(address))
	p := Peer{Show: show, Host: demux.Host(address)}
	switch {
	case p.Host != "":
	case demux.IsURL(address): // one that listens: srt://:PORT
		p.Host = "the other side"
	default:
		p.Host = show
	}
	return p
}

// failure is one line: which target, and why.
type failure struct {
	line string
	err  error
}

func (f *failure) Error() string { return f.line }
func (f *failure) Unwrap() error { return f.err }

// Fail is an error that says what went wrong with the peer; err, which may be nil, is
// what errors.Is finds in it.
func (p Peer) Fail(cause string, err error) error {
	return &failure{p.Show + ": " + demux.OneLine(demux.Redact(cause)), err}
}

// Refuse is Fail for what trying again does not help.
func (p Peer) Refuse(cause string, err error) error { return publish.Permanent(p.Fail(cause, err)) }

// Unreachable says what an error means with which the network keeps the other side
// away; "" if it is none.
func (p Peer) Unreachable(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: nothing listens on that port of " + p.Host
	case errors.Is(err, syscall.EHOSTUNREACH):
		return "no route to " + p.Host
	case errors.Is(err, syscall.ENETUNREACH):
		return "network is unreachable"
	case errors.Is(err, syscall.ETIMEDOUT):
		return "nothing comes back from " + p.Host
	}
	return ""
}

// Explain says in one line what an error of the network means. timeout is how long
// was waited, if it is one of time.
func (p Peer) Explain(err error, timeout time.Duration) error {
	if err == nil {
		return nil // without the allocations of what follows
	}
	return p.explain(err, timeout)
}

func (p Peer) explain(err error, timeout time.Duration) error {
	var already *failure
	var unknown *net.DNSError
	var cert *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	cause := ""
	switch {
	case errors.As(err, &already):
		return err
	case errors.Is(err, context.Canceled):
		cause = "interrupted"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		cause = fmt.Sprintf("nothing came from %s within %s s", p.Host, strings.TrimSuffix(fmt.Sprintf("%.1f", timeout.Seconds()), ".0"))
	case errors.As(err, &unknown):
		cause = "unknown host " + p.Host
	case p.Unreachable(err) != "":
		cause = p.Unreachable(err)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		cause = p.Host + " closed the connection"
	case errors.Is(err, net.ErrClosed):
		cause = "the connection is closed"
	case errors.As(err, &cert):
		cause = fmt.Sprintf("the certificate of %s is not trusted: %v", p.Host, cert.Err)
	case errors.As(err, &header):
		cause = p.Host + " does not speak TLS on that port"
	default:
		cause = err.Error()
	}
	return p.Fail(cause, err)
}
