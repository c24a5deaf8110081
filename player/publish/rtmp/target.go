// Package rtmp publishes by RTMP and RTMPS to servers such as nginx-rtmp, SRS, lal and
// ZLMediaKit: H.264 and AAC to any of them, H.265 and Opus to those that know enhanced
// RTMP. Handshake, chunks that are read and AMF are gortmplib's.
//
//	units -> Write -> chunks -> one write to the socket
//	socket -> watch: answers pings, notices the end
package rtmp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"planar/demux"
	"planar/player/publish"
	"planar/player/publish/wire"
)

// Options of a target; the zero value will do.
type Options struct {
	TLS     *tls.Config   // of rtmps; nil for the usual
	Timeout time.Duration // of connecting, until the server takes the stream; 0: 10 s
	Log     *slog.Logger  // nil: none
}

const (
	defaultTimeout = 10 * time.Second
	// lingering is how long Finish waits for the server to close.
	lingering = time.Second
)

// Target is an rtmp:// or rtmps:// address.
type Target struct {
	to        address
	peer      wire.Peer
	o         Options
	published atomic.Bool // it has been connected before
}

// NewTarget checks an address: rtmp[s]://[USER:PASSWORD@]HOST[:PORT]/APPLICATION/STREAM.
func NewTarget(rawURL string, o Options) (*Target, error) {
	t := &Target{peer: wire.NewPeer(rawURL), o: o}
	t.o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	if t.o.Log == nil {
		t.o.Log = slog.New(slog.DiscardHandler)
	}
	var err error
	if t.to, err = split(rawURL); err != nil {
		return nil, t.peer.Refuse(err.Error(), err)
	}
	t.peer.Show = t.hide(t.peer.Show)
	return t, nil
}

// hide leaves of a stream's name that looks like a key, as those of public services
// are, its beginning only: 16 characters or more, letters and digits.
func (t *Target) hide(text string) string {
	name, _, _ := strings.Cut(t.to.stream, "?")
	if len(name) < 16 || !strings.ContainsFunc(name, unicode.IsLetter) || !strings.ContainsAny(name, "0123456789") {
		return text
	}
	return strings.ReplaceAll(text, name, name[:4]+"***")
}

func (t *Target) String() string { return t.peer.Show }

// Takes implements publish.Target.
func (t *Target) Takes(codec string) bool {
	return slices.Contains([]string{"h264", "hevc", "aac", "opus"}, codec)
}

// Connect implements publish.Target: it connects, is accepted, and sends what the
// decoders need. RTMP carries one video and one audio stream at most.
func (t *Target) Connect(ctx context.Context, streams []demux.Stream) (publish.Connection, error) {
	var tracks []*track
	var enhanced []string
	count := map[demux.Kind]int{}
	for _, s := range streams {
		tr, err := newTrack(s)
		if err != nil {
			return nil, t.peer.Refuse(err.Error(), err)
		}
		if count[s.Kind]++; count[s.Kind] > 1 {
			return nil, t.peer.Refuse(fmt.Sprintf("RTMP carries one %v stream only", s.Kind), nil)
		}
		switch s.Codec {
		case "hevc":
			enhanced = append(enhanced, fourHEV)
		case "opus":
			enhanced = append(enhanced, fourOpu)
		}
		tracks = append(tracks, tr)
	}
	about, err := metadata(streams)
	if err != nil {
		return nil, t.peer.Refuse(err.Error(), err)
	}

	ctx, cancel := context.WithTimeout(ctx, t.o.Timeout)
	defer cancel()
	query := ""
	for {
		c, err := t.connect(ctx, query, enhanced)
		if err == nil {
			c.tracks = tracks
			if err = c.begin(about); err == nil {
				t.published.Store(true)
				t.o.Log.Debug("RTMP: the server takes the stream", "target", t.String(), "user asked for", query != "")
				return c, nil
			}
			c.tcp.Close()
		}
		if ctx.Err() != nil {
			err = ctx.Err() // rather than that the socket was closed because of it
		}
		var no *rejection
		if !errors.As(err, &no) {
			return nil, t.peer.Explain(err, t.o.Timeout)
		}
		answer, wrong := adobe(no.description, query, t.to.user, t.to.password)
		if answer == "" || wrong {
			return nil, t.refused(no, wrong)
		}
		query = answer
	}
}

// connect makes one connection, up to where the server takes units.
func (t *Target) connect(ctx context.Context, query string, enhanced []string) (c *connection, err error) {
	tcp, err := new(net.Dialer).DialContext(ctx, "tcp", t.to.dial) // Go sets TCP_NODELAY
	if err != nil {
		return nil, err
	}
	wire.Tune(tcp)
	c = &connection{name: t.to.stream, peer: t.peer, tcp: &wire.Conn{Conn: tcp}, ended: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { tcp.Close() })
	defer func() {
		if !stop() && err == nil {
			err = ctx.Err()
		}
		if err != nil {
			tcp.Close()
		}
	}()
	var conn net.Conn = c.tcp
	if t.to.tls {
		config := t.o.TLS.Clone()
		if config == nil {
			config = &tls.Config{}
		}
		config.ServerName = cmp.Or(config.ServerName, t.to.host)
		c.tls = tls.Client(conn, config)
		if err := c.tls.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = c.tls
	}
	if c.session, err = newSession(conn); err != nil {
		return nil, err
	}
	if err := c.session.connect(t.to, query, enhanced); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, t.peer.Fail(fmt.Sprintf("%s closed the connection: it may have no application %q", t.peer.Host, t.to.app), err)
		}
		return nil, err
	}
	if err := c.session.publish(t.to.stream); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, t.peer.Fail(t.peer.Host+" closed the connection: it does not take this stream", err)
		}
		return nil, err
	}
	return c, nil
}

// refused says what a server's no means, and whether trying again may help.
func (t *Target) refused(no *rejection, wrong bool) error {
	says := no.code
	if says == "" {
		says = "no"
	}
	if no.description != "" && !strings.Contains(no.description, "authmod=") {
		says += ": " + t.hide(no.description)
	}
	switch {
	case wrong:
		return t.peer.Refuse("wrong user or password", no)
	case strings.Contains(no.description, "authmod="):
		return t.peer.Refuse("it wants a user and password: put USER:PASSWORD@ before the host", no)
	case no.code == "NetStream.Publish.BadName":
		// After a loss the server may still think that the old connection lives; at first
		// somebody else publishes under that name.
		if t.published.Load() {
			return t.peer.Fail("the server still has the stream from before: "+says, no)
		}
		return t.peer.Refuse("the server refuses the stream, somebody else may publish it already: "+says, no)
	case slices.ContainsFunc([]string{"Rejected", "InvalidApp", "Unauthorized", "Denied", "Authenticate"}, func(s string) bool { return strings.Contains(no.code, s) }):
		return t.peer.Refuse("the server refuses the stream: "+says, no)
	}
	return t.peer.Fail("the server says "+says, no)
}

// connection implements publish.Connection.
type connection struct {
	session *session
	name    string
	peer    wire.Peer
	tcp     *wire.Conn
	tls     *tls.Conn // nil without
	tracks  []*track

	once  sync.Once
	cause error         // why it ended; once sets it
	ended chan struct{} // closed when watch has ended
}

// begin sends what comes before the first unit, and starts to watch.
func (c *connection) begin(about []byte) error {
	err := c.session.send(func(out *chunker) error {
		if err := out.message(chunkData, typeData, c.session.stream, about); err != nil {
			return err
		}
		for _, t := range c.tracks {
			chunk, typ := byte(chunkAudio), byte(typeAudio)
			if t.video {
				chunk, typ = chunkVideo, typeVideo
			}
			if err := out.message(chunk, typ, c.session.stream, t.config); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	go func() {
		defer close(c.ended)
		err := c.session.watch()
		_ = c.end(err) // makes a blocked Write return
	}()
	return nil
}

// end closes the connection and returns why it was closed first.
func (c *connection) end(err error) error {
	c.once.Do(func() {
		c.cause = c.peer.Explain(err, 0)
		c.tcp.Close() // not by TLS, which would wait for a full socket
	})
	return c.cause
}

// Write implements publish.Connection.
func (c *connection) Write(u *publish.Unit) error {
	if u.Stream < 0 || u.Stream >= len(c.tracks) {
		return nil
	}
	s := c.session
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.sendLocked(func(out *chunker) error { return c.tracks[u.Stream].append(out, s.stream, u) })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooLarge):
		return c.peer.Fail(err.Error(), err)
	}
	return c.end(err)
}

// Finish implements publish.Connection.
func (c *connection) Finish() error {
	err := c.session.unpublish(c.name)
	if err == nil && c.tls != nil {
		err = c.tls.CloseWrite()
	}
	if tcp, ok := c.tcp.Conn.(*net.TCPConn); ok && err == nil {
		err = tcp.CloseWrite()
	}
	if err != nil {
		return c.end(err)
	}
	// The server closes when it has read all. If we closed first, with something of
	// it unread, the kernel would throw away what is still to be sent.
	select {
	case <-c.ended:
	case <-time.After(lingering):
	}
	return nil
}

// Close implements publish.Connection.
func (c *connection) Close() error {
	_ = c.end(net.ErrClosed)
	<-c.ended
	return nil
}

// RTT implements publish.Connection.
func (c *connection) RTT() time.Duration { return c.tcp.RTT() }

// Sent implements publish.Connection.
func (c *connection) Sent() int64 { return c.tcp.Sent() }
