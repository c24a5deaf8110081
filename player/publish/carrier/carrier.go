// Package carrier holds the targets that carry the bytes of a container: files, HTTP
// PUT, and MPEG-TS over UDP, RTP and SRT. The muxer is given to it.
//
//	unit -> muxer -> buffer -> carrier: a file, a request's body, datagrams
package carrier

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"planar/demux"
	"planar/player/publish"
	"planar/player/publish/wire"
)

// Muxer writes a container to the writer that it was made for. All calls come from
// one goroutine at a time.
type Muxer interface {
	// Write takes a packet of a stream, by its index in the list of streams. It does not
	// keep it.
	Write(stream int, p *demux.Packet) error
	// Flush writes what is still held and can be written.
	Flush() error
	// Close writes what belongs to the end and gives everything back. It does not close
	// the writer.
	Close() error
}

// Options of the targets. NewMuxer, Takes and FormatOf must be set.
type Options struct {
	// NewMuxer makes a muxer of a format (FFmpeg's name). w is an io.Seeker too if it
	// is a regular file.
	NewMuxer func(format string, streams []demux.Stream, w io.Writer) (Muxer, error)
	// Takes reports whether a format has a place for a codec (FFmpeg's names).
	Takes func(format, codec string) bool
	// FormatOf is the format that a file name's extension stands for.
	FormatOf func(name string) (string, error)

	Overwrite bool          // files that exist
	TLS       *tls.Config   // of https; nil for the usual
	Timeout   time.Duration // of connecting; 0: 10 s. Not of an SRT listener: see Patient
	Log       *slog.Logger  // nil: none
}

const (
	defaultTimeout = 10 * time.Second
	transport      = "mpegts"
)

// carrier is where the bytes go. Write and end are called by the goroutine that
// writes units, the others by any.
type carrier interface {
	io.Writer
	// end says that a unit is complete: what was written is to be sent.
	end(u *publish.Unit) error
	// finish sends what is left after the muxer's last byte, and waits until it is there.
	finish() error
	// close ends everything at once and makes a blocked Write or end return.
	close() error
	rtt() time.Duration
	sent() int64
}

// target implements publish.Target for all of them.
type target struct {
	peer   wire.Peer
	format string
	o      Options
	dial   func(ctx context.Context) (carrier, error)
	// patient is true if it waits for the other side to call.
	patient bool
}

// New makes the target that an address stands for: a path or file:// URL, http://,
// https://, udp://, rtp:// or srt://. An error says in one line what is wrong with it.
func New(address string, o Options) (publish.Target, error) {
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	t := &target{peer: wire.NewPeer(address), format: transport, o: o}
	scheme := ""
	if demux.IsURL(address) {
		scheme = strings.ToLower(address[:strings.Index(address, "://")])
	}
	var err error
	switch scheme {
	case "", "file":
		name := filePath(address)
		if t.format, err = o.FormatOf(name); err == nil {
			t.dial = func(context.Context) (carrier, error) { return openFile(t.peer, name, o.Overwrite) }
		}
	case "http", "https":
		t.dial, err = newPut(t.peer, address, o)
		if u, bad := url.Parse(address); bad == nil && path.Ext(u.Path) != "" {
			if f, unknown := o.FormatOf(path.Base(u.Path)); unknown == nil {
				t.format = f
			}
		}
	case "udp":
		t.dial, err = newUDP(t.peer, address, o, false)
	case "rtp":
		t.dial, err = newUDP(t.peer, address, o, true)
	case "srt":
		t.dial, t.patient, err = newSRT(t.peer, address, o)
	default:
		err = fmt.Errorf("cannot publish to %s:// addresses here; there are rtsp, rtsps, rtmp, rtmps, rtp, udp, srt, http, https, and files", scheme)
	}
	if err != nil {
		return nil, t.peer.Refuse(err.Error(), err)
	}
	return t, nil
}

func (t *target) String() string          { return t.peer.Show }
func (t *target) Takes(codec string) bool { return t.o.Takes(t.format, codec) }

// Patient reports whether Connect waits until somebody calls, as long as that takes, as
// an SRT listener does: only ctx ends it.
func (t *target) Patient() bool { return t.patient }

// Connect implements publish.Target.
func (t *target) Connect(ctx context.Context, streams []demux.Stream) (publish.Connection, error) {
	to, err := t.dial(ctx)
	if err != nil {
		return nil, t.peer.Explain(err, t.o.Timeout)
	}
	mux, err := t.o.NewMuxer(t.format, streams, outlet(to))
	if err != nil {
		if f, ok := to.(*file); ok {
			f.discard()
		} else {
			_ = to.close()
		}
		return nil, t.peer.Refuse(err.Error(), err)
	}
	return &connection{to: to, mux: mux, peer: t.peer}, nil
}

// outlet is what a muxer is shown of a carrier: without the means to seek where
// there are none.
func outlet(to carrier) io.Writer {
	if f, ok := to.(*file); ok && f.regular {
		return f
	}
	return struct{ io.Writer }{to}
}

// connection implements publish.Connection.
type connection struct {
	to   carrier
	peer wire.Peer

	mu     sync.Mutex // of mux
	mux    Muxer      // nil when it is closed
	packet demux.Packet
}

var errClosed = errors.New("the connection is closed")

// Write implements publish.Connection.
func (c *connection) Write(u *publish.Unit) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mux == nil {
		return c.peer.Fail(errClosed.Error(), errClosed)
	}
	c.packet = demux.Packet{
		Stream: u.Stream, PTS: u.PTS, DTS: u.DTS, Duration: u.Duration, Key: u.Key, Size: len(u.Data), Data: u.Data,
	}
	err := c.mux.Write(u.Stream, &c.packet)
	c.packet.Data = nil
	if err == nil {
		err = c.mux.Flush()
	}
	return c.explain(err, c.to.end(u))
}

// explain prefers what the carrier says to what a muxer made of it.
func (c *connection) explain(mux, carrier error) error {
	return c.peer.Explain(cmp.Or(carrier, mux), 0)
}

// Finish implements publish.Connection.
func (c *connection) Finish() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mux == nil {
		return c.peer.Fail(errClosed.Error(), errClosed)
	}
	err := c.mux.Close()
	c.mux = nil
	return c.explain(err, c.to.finish())
}

// Close implements publish.Connection.
func (c *connection) Close() error {
	err := c.to.close() // first, so that a Write that holds the lock returns
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mux != nil {
		_ = c.mux.Close() // only to give back what it has: its trailer goes nowhere
		c.mux = nil
	}
	return err
}

// RTT implements publish.Connection.
func (c *connection) RTT() time.Duration { return c.to.rtt() }

// Sent implements publish.Connection.
func (c *connection) Sent() int64 { return c.to.sent() }

// filePath is the path that a name or file:// URL stands for (RFC 8089).
func filePath(address string) string {
	if !demux.IsURL(address) {
		return address
	}
	p := address[len("file://"):]
	if i := strings.IndexByte(p, '/'); i > 0 && strings.EqualFold(p[:i], "localhost") {
		p = p[i:]
	}
	if u, err := url.PathUnescape(p); err == nil {
		p = u
	}
	return p
}

// options are those behind a URL, by their names in lower case.
type options map[string]string

// splitOptions takes "SCHEME://[@]HOST:PORT[/]?KEY=VALUE&..." apart. Unlike in other
// URLs "#" and "+" mean themselves, as SRT's stream names have them.
func splitOptions(address string) (host string, o options) {
	_, rest, _ := strings.Cut(address, "://")
	rest, query, _ := strings.Cut(rest, "?")
	host = strings.TrimSuffix(rest, "/")
	host = host[strings.LastIndexByte(host, '@')+1:]
	o = options{}
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if u, err := url.PathUnescape(value); err == nil {
			value = u
		}
		o[strings.ToLower(key)] = value
	}
	delete(o, "")
	return host, o
}
