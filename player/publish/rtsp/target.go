// Package rtsp sends access units over RTSP: to a server, and as one.
package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"planar/demux"
	"planar/player/publish"
	"planar/player/publish/wire"
)

// TargetOptions say how a server is spoken to. Their zero value is what is usual.
type TargetOptions struct {
	// Transport of the packets: "tcp" (interleaved, RFC 2326 section 10.12), "udp", or
	// "auto" ("" too), which is TCP unless the server refuses it.
	Transport string
	TLS       *tls.Config   // for rtsps; nil: the server's certificate is verified by the system's authorities
	Timeout   time.Duration // of connecting; 0: 10 s
	Log       *slog.Logger  // nil: nowhere
}

// Target is a place on an RTSP server that streams are announced and sent to (ANNOUNCE,
// SETUP, RECORD: RFC 2326). It may be used from any goroutine.
type Target struct {
	to address
	o  TargetOptions
}

// NewTarget makes a target of "rtsp://[USER:PASSWORD@]HOST[:PORT]/PATH", or rtsps. The
// error is one line without secrets.
func NewTarget(name string, o TargetOptions) (*Target, error) {
	to, err := parseAddress(name)
	if err != nil {
		return nil, err
	}
	switch o.Transport {
	case "":
		o.Transport = "auto"
	case "auto", "tcp":
	case "udp":
		if to.secure() {
			return nil, to.Fail("rtsps goes over TCP: leave out --rtsp-transport udp", nil)
		}
	default:
		return nil, to.Fail(fmt.Sprintf("there is no transport %q: auto, tcp or udp", o.Transport), nil)
	}
	if o.TLS == nil {
		o.TLS = &tls.Config{}
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Target{to, o}, nil
}

// Takes implements publish.Target.
func (t *Target) Takes(codec string) bool { return takes(codec) }

// String implements publish.Target.
func (t *Target) String() string { return t.to.Show }

// Connect implements publish.Target. It does not outlast the options' Timeout.
func (t *Target) Connect(ctx context.Context, streams []demux.Stream) (publish.Connection, error) {
	c, err := t.connect(ctx, streams)
	if err != nil {
		return nil, err // not a *connection that is nil
	}
	return c, nil
}

// connection is a target that is being recorded. The library leads the conversation:
// RTSP, and what the server sends. Packets do not go through it: it has a queue for
// them that drops what does not fit, and a system call and two allocations for each.
// They are written to its sockets here, over TCP all of a unit at once, so that a
// server that is slow is felt by Write.
type connection struct {
	t      *Target
	client *gortsplib.Client
	tcp    *net.TCPConn // of the RTSP connection
	wire   net.Conn     // what interleaved packets are written to: tcp, or TLS on it; nil over UDP
	tracks []*track
	cname  string // the name that all tracks share in reports, RFC 3550 section 6.5.1
	buf    []byte // what is to be written next; at most writeSize
	pace   pacer  // of datagrams
	sent   atomic.Int64
	asked  atomic.Int64 // when the oldest request that was not answered was sent, Unix ns; 0: there is none

	ended chan struct{} // closed when the conversation is over
	err   error         // why, valid then
}

// track is a stream's way to the server.
type track struct {
	packetizer *packetizer
	channel    byte // of RTP over TCP; RTCP has the next
	rtp, rtcp  datagrams

	packets, octets uint32    // sent, for reports
	reported        time.Time // when the latest report was made, by the units' clock
	dropped         bool      // a unit that could not be sent has been logged
}

// datagrams are a UDP socket and where it sends to.
type datagrams struct {
	socket *net.UDPConn
	to     netip.AddrPort
}

const (
	// writeSize is what is written at once at most, in bytes; larger units in parts.
	writeSize = 64 << 10
	// frameHeader is the size of what precedes an interleaved packet.
	frameHeader = 4
	// reportEvery is how often a sender's report is made, RFC 3550 section 6.2.
	reportEvery = 5 * time.Second
	// finishTimeout bounds how long what is on its way is waited for at the end.
	finishTimeout = 2 * time.Second
	// answerTimeout is how long a server may take to answer a request, of which the
	// library sends one at least every 30 s to keep the session alive.
	answerTimeout = 10 * time.Second
	// lostTimeout bounds how long the cause of an error in writing is waited for.
	lostTimeout = 100 * time.Millisecond
)

// Write implements publish.Connection.
func (c *connection) Write(u *publish.Unit) error {
	select {
	case <-c.ended:
		return c.lost(nil)
	default:
	}
	if u.Stream < 0 || u.Stream >= len(c.tracks) {
		return nil // none of those that were announced
	}
	if c.wire == nil { // datagrams go out whether anybody takes them or not; the library does not miss answers
		if asked := c.asked.Load(); asked != 0 && time.Since(time.Unix(0, asked)) > answerTimeout {
			return c.t.to.Fail(c.t.to.Host+" does not answer any more", os.ErrDeadlineExceeded)
		}
	}
	t := c.tracks[u.Stream]
	packets, err := t.packetizer.packets(u)
	if err != nil {
		if !t.dropped {
			t.dropped = true
			c.t.o.Log.Warn("left out what cannot be sent", "target", c.t.to.Show, "stream", u.Stream, "cause", err)
		}
		return nil
	}
	for _, p := range packets {
		if err := c.put(t, p); err != nil {
			return c.lost(err)
		}
	}
	if age := u.At.Sub(t.reported); len(packets) > 0 && !u.At.IsZero() && (age < 0 || age >= reportEvery) {
		t.reported = u.At
		if err := c.report(t, packets[0].Timestamp, u); err != nil {
			return c.lost(err)
		}
	}
	if err := c.flush(); err != nil {
		return c.lost(err)
	}
	return nil
}

// put sends a packet over UDP, or puts it into the buffer.
func (c *connection) put(t *track, p *rtp.Packet) error {
	size := p.MarshalSize()
	b, err := c.room(t.channel, size)
	if err != nil {
		return err
	}
	if _, err := p.MarshalTo(b); err != nil {
		return err
	}
	t.packets++
	t.octets += uint32(len(p.Payload))
	return c.send(&t.rtp, b)
}

// report sends a sender's report and the sender's name, RFC 3550 section 6.1: the unit
// with this timestamp was captured at that time. Pictures are sent in the order of
// decoding, but At is when it was their turn, so that those that are shown later were
// captured later.
func (c *connection) report(t *track, timestamp uint32, u *publish.Unit) error {
	ssrc := t.packetizer.ssrc
	b, err := rtcp.CompoundPacket{
		&rtcp.SenderReport{
			SSRC: ssrc, NTPTime: ntp.Encode(u.At.Add(u.PTS - u.DTS)), RTPTime: timestamp,
			PacketCount: t.packets, OctetCount: t.octets,
		},
		rtcp.NewCNAMESourceDescription(ssrc, c.cname),
	}.Marshal()
	if err != nil {
		return err
	}
	to, err := c.room(t.channel+1, len(b))
	if err != nil {
		return err
	}
	copy(to, b)
	return c.send(&t.rtcp, to)
}

// room makes room in the buffer for a packet of so many bytes, over TCP after its
// header.
func (c *connection) room(channel byte, size int) ([]byte, error) {
	if c.wire == nil {
		c.buf = grow(c.buf[:0], size)
		return c.buf, nil
	}
	if len(c.buf)+frameHeader+size > writeSize {
		if err := c.flush(); err != nil {
			return nil, err
		}
	}
	c.buf = append(c.buf, '$', channel, byte(size>>8), byte(size))
	n := len(c.buf)
	c.buf = grow(c.buf, size)
	return c.buf[n:], nil
}

// grow makes b longer by n bytes.
func grow(b []byte, n int) []byte {
	if len(b)+n > cap(b) {
		b = append(make([]byte, 0, 2*(len(b)+n)), b...)
	}
	return b[:len(b)+n]
}

// send sends a datagram; over TCP flush does it.
func (c *connection) send(d *datagrams, b []byte) error {
	if c.wire != nil {
		return nil
	}
	c.pace.wait(1) // a key picture at once would be too much for the receiver's socket
	n, err := d.socket.WriteToUDPAddrPort(b, d.to)
	c.sent.Add(int64(n))
	if err != nil && isCongestion(err) {
		return nil // lost, as it may be further on
	}
	return err
}

// flush writes what is in the buffer.
func (c *connection) flush() error {
	if c.wire == nil || len(c.buf) == 0 {
		return nil
	}
	n, err := c.wire.Write(c.buf)
	c.sent.Add(int64(n))
	c.buf = c.buf[:0]
	return err
}

// lost says why nothing can be written any more.
func (c *connection) lost(err error) error {
	// The library closes what we write to when the conversation is over, and knows why
	// it is. Of a broken connection it may know a moment later than we do, or never.
	wait := lostTimeout
	if err == nil || errors.Is(err, net.ErrClosed) {
		wait = 2 * finishTimeout // closing is bounded by one
	}
	select {
	case <-c.ended:
		err = c.err
	case <-time.After(wait):
	}
	if errors.As(err, new(liberrors.ErrClientTerminated)) {
		return c.t.to.Fail("closed", net.ErrClosed)
	}
	return c.t.to.explain(err, true, c.t.o)
}

// Finish implements publish.Connection.
func (c *connection) Finish() error {
	select {
	case <-c.ended:
		return c.lost(nil)
	default:
	}
	// What the server has not acknowledged when the socket is closed is lost if the
	// server says anything meanwhile.
	for end := time.Now().Add(finishTimeout); c.wire != nil && wire.Unacknowledged(c.tcp) > 0 && time.Now().Before(end); {
		select {
		case <-c.ended:
			return c.lost(nil)
		case <-time.After(5 * time.Millisecond):
		}
	}
	if c.wire == nil { // TEARDOWN is not to overtake datagrams
		time.Sleep(min(max(20*time.Millisecond, c.RTT()), finishTimeout))
	}
	c.client.Close()
	<-c.ended
	return nil
}

// Close implements publish.Connection.
func (c *connection) Close() error {
	c.tcp.Close() // a Write that waits, and a TEARDOWN that would, end
	c.client.Close()
	<-c.ended
	return nil
}

// RTT implements publish.Connection. Over UDP it is that of the RTSP connection.
func (c *connection) RTT() time.Duration { return wire.RoundTrip(c.tcp) }

// Sent implements publish.Connection. It counts RTP and RTCP with the headers that RTSP
// puts before them, but not those of TLS, TCP, UDP and IP.
func (c *connection) Sent() int64 { return c.sent.Load() }
