package rtsp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"planar/demux"
	"planar/player/publish/wire"
)

// userAgent is how planar calls itself.
const userAgent = "planar"

// address is where a server is, and what may be said about it.
type address struct {
	url *base.URL
	wire.Peer
}

// parseAddress reads a URL whose user and password may hold any character.
func parseAddress(name string) (address, error) {
	to := address{Peer: wire.NewPeer(name)}
	bare, user, password, ok := demux.SplitUser(name)
	scheme, rest, found := strings.Cut(bare, "://")
	scheme = strings.ToLower(scheme)
	if !found || scheme != "rtsp" && scheme != "rtsps" {
		return to, to.Fail("is no address of an RTSP server: rtsp://HOST/PATH", nil)
	}
	u, err := base.ParseURL(scheme + "://" + rest)
	if err != nil {
		var parse *url.Error
		if errors.As(err, &parse) {
			err = parse.Err // without the URL, which may hold secrets
		}
		return to, to.Fail(fmt.Sprintf("is no address that makes sense: %v", err), err)
	}
	if u.Hostname() == "" {
		return to, to.Fail("names no server: rtsp://HOST/PATH", nil)
	}
	if ok {
		u.User = url.UserPassword(user, password)
	}
	to.url = u
	return to, nil
}

func (to address) secure() bool { return to.url.Scheme == "rtsps" }

// connect begins a conversation, up to and including RECORD.
func (t *Target) connect(ctx context.Context, streams []demux.Stream) (*connection, error) {
	desc, err := describe(streams)
	if err != nil {
		return nil, t.to.Refuse(err.Error(), err)
	}
	ctx, cancel := context.WithTimeout(ctx, t.o.Timeout)
	defer cancel()

	c := &connection{t: t, ended: make(chan struct{}), cname: fmt.Sprintf("%016x", rand.Uint64())}
	for i, m := range desc.Medias {
		p, err := newPacketizer(m.Formats[0], streams[i])
		if err != nil {
			return nil, t.to.Refuse(err.Error(), err)
		}
		c.tracks = append(c.tracks, &track{packetizer: p})
	}

	protocol := gortsplib.ProtocolTCP
	if t.o.Transport == "udp" {
		protocol = gortsplib.ProtocolUDP
	}
	var answered atomic.Bool
	var sockets []*net.UDPConn
	c.client = &gortsplib.Client{
		Scheme: t.to.url.Scheme, Host: t.to.url.Host, UserAgent: userAgent, Protocol: &protocol,
		ReadTimeout: t.o.Timeout, WriteTimeout: finishTimeout,
		WriteQueueSize: 8, // nothing goes through it
		DialContext:    c.dial, DialTLSContext: c.dialTLS,
		ListenPacket: func(network, address string) (net.PacketConn, error) {
			p, err := net.ListenPacket(network, address)
			if s, ok := p.(*net.UDPConn); ok {
				sockets = append(sockets, s)
			}
			return p, err
		},
		OnRequest: func(*base.Request) { c.asked.CompareAndSwap(0, time.Now().UnixNano()) },
		OnResponse: func(*base.Response) {
			answered.Store(true)
			c.asked.Store(0)
		},
		OnDecodeError:     func(error) {},
		OnTransportSwitch: func(error) {},
	}
	if err := c.client.Start(); err != nil {
		return nil, t.to.Fail(err.Error(), err)
	}
	released := context.AfterFunc(ctx, c.client.Close)
	err = c.begin(desc, &protocol, &sockets)
	if !released() || err != nil {
		c.client.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, t.to.explain(err, answered.Load(), t.o)
	}
	go func() {
		c.err = c.client.Wait()
		close(c.ended)
	}()
	return c, nil
}

// dial opens the connection; c.tcp is valid as soon as the first request was answered.
func (c *connection) dial(ctx context.Context, network, address string) (net.Conn, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := nc.(*net.TCPConn); ok {
		c.tcp = tcp
		wire.Tune(tcp)
	}
	return nc, nil
}

// dialTLS shakes hands too: the library would do it at the first write, which nothing
// ends.
func (c *connection) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	nc, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := c.t.o.TLS.Clone()
	if config.ServerName == "" {
		config.ServerName = c.t.to.url.Hostname()
	}
	secured := tls.Client(nc, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return secured, nil
}

// begin announces the streams, sets them up and has them recorded. protocol is what the
// client looks at; if the server refuses TCP it may be changed to UDP. sockets are those
// that the client has opened so far.
func (c *connection) begin(desc *description.Session, protocol *gortsplib.Protocol, sockets *[]*net.UDPConn) error {
	to := c.t.to.url
	if _, err := c.client.Announce(to, desc); err != nil {
		return err
	}
	for i, m := range desc.Medias {
		res, err := c.client.Setup(to, m, 0, 0)
		if err != nil && i == 0 && c.t.o.Transport == "auto" && !c.t.to.secure() && refusesTCP(err) {
			c.t.o.Log.Debug("the server refuses TCP", "target", c.t.to.Show)
			*protocol = gortsplib.ProtocolUDP
			res, err = c.client.Setup(to, m, 0, 0)
		}
		if err != nil {
			return err
		}
		var chosen headers.Transport
		if err := chosen.Unmarshal(res.Header["Transport"]); err != nil {
			return err
		}
		t := c.tracks[i]
		if *protocol == gortsplib.ProtocolTCP {
			id := chosen.InterleavedIDs[0] // the library has seen to it that there are some
			if id < 0 || id+1 > math.MaxUint8 {
				return fmt.Errorf("the server gave away channel %d, but the last is %d", id, math.MaxUint8)
			}
			t.channel = byte(id)
			continue
		}
		if p := chosen.ServerPorts; min(p[0], p[1]) < 1 || max(p[0], p[1]) > math.MaxUint16 {
			return fmt.Errorf("the server named UDP ports %d and %d, which do not exist", p[0], p[1])
		}
		n := len(*sockets) // the latest two are this medium's
		host := sourceOf(&chosen, c.tcp)
		t.rtp = datagrams{(*sockets)[n-2], netip.AddrPortFrom(host, uint16(chosen.ServerPorts[0]))}
		t.rtcp = datagrams{(*sockets)[n-1], netip.AddrPortFrom(host, uint16(chosen.ServerPorts[1]))}
	}
	if _, err := c.client.Record(); err != nil {
		return err
	}
	if *protocol == gortsplib.ProtocolTCP {
		if c.wire = c.client.NetConn(); c.wire == nil {
			return net.ErrClosed
		}
		return c.wire.SetWriteDeadline(time.Time{}) // the library's, for its request
	}
	return nil
}

// sourceOf is the address that a server receives datagrams at.
func sourceOf(t *headers.Transport, tcp *net.TCPConn) netip.Addr {
	remote := tcp.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	if t.Source2 == nil {
		return remote
	}
	if ip, err := netip.ParseAddr(*t.Source2); err == nil && !ip.IsUnspecified() && !ip.IsMulticast() {
		return ip.Unmap()
	}
	return remote
}

// refusesTCP reports whether a server wants packets to go over UDP instead.
func refusesTCP(err error) bool {
	var status liberrors.ErrClientBadStatusCode
	if errors.As(err, &status) {
		return status.Code == base.StatusUnsupportedTransport
	}
	return errors.As(err, new(liberrors.ErrClientServerRequestedUDP))
}

// explain says what went wrong. The error is a *publish.Refused if trying again would
// not help. answered tells whether anything came that was RTSP.
func (to address) explain(err error, answered bool, o TargetOptions) error {
	var status liberrors.ErrClientBadStatusCode
	var unknownHost *net.DNSError
	var badCert *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	refused := func(cause string) error { return to.Refuse(cause, err) }
	switch {
	case errors.Is(err, context.Canceled):
		return to.Fail("interrupted", err)
	case errors.As(err, &status):
		return to.explainStatus(status, o)
	case errors.As(err, &unknownHost) && !unknownHost.IsTimeout:
		return to.Fail("unknown host "+to.Host, err)
	case to.Unreachable(err) != "":
		return to.Fail(to.Unreachable(err), err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, new(liberrors.ErrClientRequestTimedOut)):
		return to.Fail(fmt.Sprintf("%s does not answer (%s waited)", to.Host, o.Timeout), err)
	case errors.As(err, &badCert):
		if errors.As(badCert.Err, new(x509.UnknownAuthorityError)) {
			return refused("its certificate is signed by nobody known here: give --tls-ca FILE, or --tls-insecure")
		}
		return refused(fmt.Sprintf("its certificate is not valid for %s: %v", to.Host, badCert.Err))
	case errors.As(err, &header):
		return refused(to.Host + " does not speak TLS on that port: try rtsp://")
	case refusesTCP(err), errors.As(err, new(liberrors.ErrClientServerRequestedTCP)):
		return refused("the server takes nothing over " + o.Transport + ": try another --rtsp-transport")
	case errors.As(err, new(liberrors.ErrClientAuthSetup)):
		return refused("the server asks for the password in a way that is not known here")
	case isClosed(err) && answered:
		return to.Fail(to.Host+" closed the connection", err)
	case !answered:
		if to.secure() {
			return to.Fail(to.Host+" does not speak RTSP over TLS on that port, which is 322 if none is given", err)
		}
		return to.Fail(to.Host+" does not speak RTSP on that port, which is 554 if none is given", err)
	}
	return to.Fail(demux.Redact(err.Error()), err)
}

func (to address) explainStatus(s liberrors.ErrClientBadStatusCode, o TargetOptions) error {
	refused := func(cause string) error { return to.Refuse(cause, s) }
	switch s.Code {
	case base.StatusUnauthorized:
		if to.url.User == nil {
			return refused("401 unauthorised: it wants a user and password: put USER:PASSWORD@ before the host")
		}
		return refused("401 unauthorised: wrong user or password")
	case base.StatusForbidden:
		return to.Fail("403 forbidden: the server takes nothing from here under that path", s)
	case base.StatusNotFound:
		return to.Fail("404 not found: the server takes nothing under that path", s)
	case base.StatusMethodNotAllowed, base.StatusNotImplemented:
		return refused(fmt.Sprintf("the server serves streams but takes none (%d %s)", s.Code, s.Message))
	case base.StatusUnsupportedTransport:
		return refused("461: the server takes nothing over " + overWhat(o.Transport, to.secure()) + ": try another --rtsp-transport")
	}
	return to.Fail(demux.Redact(fmt.Sprintf("the server says %d %s", s.Code, s.Message)), s)
}

// overWhat names a transport in a message.
func overWhat(transport string, secure bool) string {
	switch {
	case secure || transport == "tcp":
		return "TCP"
	case transport == "udp":
		return "UDP"
	}
	return "TCP or UDP"
}

func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// isCongestion reports whether a datagram found no room in this machine.
func isCongestion(err error) bool { return errors.Is(err, syscall.ENOBUFS) }
