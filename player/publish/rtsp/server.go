package rtsp

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"golang.org/x/net/ipv4"

	"planar/demux"
	"planar/player/publish"
)

// ServerOptions say how the server serves. Their zero value is what is usual.
type ServerOptions struct {
	Listen         string       // HOST:PORT; "": 127.0.0.1:8554
	User, Password string       // asked of viewers and publishers (RFC 2617, basic or digest); no User: of nobody
	TLS            *tls.Config  // not nil: rtsps, where all packets go over the same connection
	AcceptPush     bool         // others may publish, at any path that is not one of ours
	Multicast      bool         // offered to viewers who ask for it
	MulticastRange string       // the groups to use, such as "239.255.0.0/16" ("": that one; RFC 2365 section 6.1)
	MaxViewers     int          // 0: 4096
	Log            *slog.Logger // nil: nowhere
}

const (
	usualListen    = "127.0.0.1:8554"
	usualRange     = "239.255.0.0/16"
	usualViewers   = 4096
	maxPushed      = 64  // paths by ANNOUNCE
	maxName        = 255 // bytes of a path's name
	awaitPath      = 3 * time.Second
	usualRTP       = 8000
	multicastRTP   = 8002
	multicastRTCP  = 8003
	multicastQueue = 256 // packets in the library's queue for each medium of a group
)

// Server is an RTSP server (RFC 2326). The library leads the conversations: methods,
// sessions, authentication, keep-alive. The packets are ours: each path has a backlog
// of units in packets, which viewers share and read each at its own pace, in a
// goroutine of its own, beginning with the latest key picture.
type Server struct {
	o       ServerOptions
	lib     *gortsplib.Server
	address *net.TCPAddr
	udp     [2]socket // for RTP and RTCP; zero if there is none
	// datagrams is the former, for several packets at once. Also where it is one of
	// IPv6: only the addresses matter.
	datagrams *ipv4.PacketConn
	cname     string // the name that all tracks share in reports, RFC 3550 section 6.5.1

	mu       sync.Mutex
	closed   bool
	more     chan struct{} // closed, and replaced, when a path goes live, or none will any more
	conns    map[*conn]struct{}
	own      map[string]bool // names that Path was asked for
	paths    map[string]*path
	sessions map[*gortsplib.ServerSession]*viewer
	pushes   map[*gortsplib.ServerSession]*push
}

// NewServer listens. The error is one line.
func NewServer(o ServerOptions) (*Server, error) {
	if o.Listen == "" {
		o.Listen = usualListen
	}
	if o.MaxViewers <= 0 {
		o.MaxViewers = usualViewers
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MulticastRange == "" {
		o.MulticastRange = usualRange
	} else {
		o.Multicast = true
	}
	shown := demux.OneLine(o.Listen)
	host, _, err := net.SplitHostPort(o.Listen)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s is no address to listen on: HOST:PORT, such as %s", shown, usualListen)
	case o.User == "" && o.Password != "":
		return nil, errors.New("a password needs a user")
	case strings.Contains(o.User, ":"):
		return nil, errors.New("a user's name cannot have a colon in it")
	case o.Multicast && o.TLS != nil:
		return nil, errors.New("multicast is not encrypted: leave out either that or TLS")
	}
	if _, n, err := net.ParseCIDR(o.MulticastRange); err != nil || len(n.IP) != net.IPv4len || !n.IP.IsMulticast() {
		return nil, fmt.Errorf("%s is no range of IPv4 multicast groups, such as %s", demux.OneLine(o.MulticastRange), usualRange)
	}
	s := &Server{
		o: o, cname: "planar", more: make(chan struct{}),
		conns: map[*conn]struct{}{}, own: map[string]bool{}, paths: map[string]*path{},
		sessions: map[*gortsplib.ServerSession]*viewer{}, pushes: map[*gortsplib.ServerSession]*push{},
	}
	s.lib = &gortsplib.Server{
		Handler: handler{s}, RTSPAddress: o.Listen, WriteTimeout: writeTimeout, WriteQueueSize: multicastQueue,
		Listen: func(network, address string) (net.Listener, error) {
			l, err := net.Listen(network, address)
			if err != nil {
				return nil, err
			}
			s.address = l.Addr().(*net.TCPAddr)
			return &listener{l, s}, nil
		},
	}
	if o.TLS == nil {
		s.openUDP(host)
	}
	if o.Multicast {
		s.lib.MulticastIPRange, s.lib.MulticastRTPPort, s.lib.MulticastRTCPPort = o.MulticastRange, multicastRTP, multicastRTCP
	}
	if err := s.lib.Start(); err != nil {
		for _, u := range s.udp {
			if u.UDPConn != nil {
				u.Close()
			}
		}
		return nil, listenError(shown, err)
	}
	return s, nil
}

// openUDP opens the sockets that packets are sent from. Without them, packets go over
// TCP.
func (s *Server) openUDP(host string) {
	network := "udp"
	if host == "0.0.0.0" {
		network = "udp4" // as the library does for TCP
	}
	at, err := net.ResolveIPAddr("ip", host)
	if err == nil {
		s.udp, err = listenPair(network, at.IP)
	}
	if err != nil {
		s.o.Log.Warn("no packets over UDP, only over TCP", "cause", err)
		return
	}
	s.datagrams = ipv4.NewPacketConn(s.udp[0])
	s.lib.UDPRTPAddress, s.lib.UDPRTCPAddress = s.udp[0].LocalAddr().String(), s.udp[1].LocalAddr().String()
	s.lib.ListenPacket = func(network, address string) (net.PacketConn, error) {
		switch address {
		case s.lib.UDPRTPAddress:
			return s.udp[0], nil
		case s.lib.UDPRTCPAddress:
			return s.udp[1], nil
		}
		return net.ListenPacket(network, address)
	}
}

// Close disconnects everybody, and returns when all goroutines have ended.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	close(s.more)
	s.more = make(chan struct{})
	for _, p := range s.paths {
		p.end()
	}
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns { // whoever writes to one that is slow would be waited for
		c.Close()
	}
	s.lib.Close()
	return nil
}

// URLs are the addresses of the server without a path, such as "rtsp://127.0.0.1:8554".
// If it listens on all of the machine's addresses, those, loopback first.
func (s *Server) URLs() (list []string) {
	if !s.address.IP.IsUnspecified() {
		return []string{s.url(s.address.IP)}
	}
	list = []string{s.url(net.IPv4(127, 0, 0, 1))}
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() && (n.IP.To4() != nil || s.address.IP.To4() == nil) {
			list = append(list, s.url(n.IP))
		}
	}
	return list
}

func (s *Server) url(ip net.IP) string {
	scheme := "rtsp"
	if s.o.TLS != nil {
		scheme = "rtsps"
	}
	return scheme + "://" + net.JoinHostPort(ip.String(), strconv.Itoa(s.address.Port))
}

// Path is the target that is seen under a name, such as "live" or "studio/1". Nobody
// can publish there but who has it.
func (s *Server) Path(name string) publish.Target {
	name = strings.Trim(name, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own[name] = true
	return &place{s, name}
}

// usableName reports whether a path may have a name.
func usableName(name string) bool {
	return len(name) <= maxName && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

// nameOf is the name of the path in a request.
func nameOf(path string) string { return strings.Trim(path, "/") }

// pathURL is the path of a URL with that name.
func pathURL(name string) string { return (&url.URL{Path: "/" + name}).EscapedPath() }

// goLive lets viewers come, also those who wait.
func (s *Server) goLive(p *path) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.live.Store(true)
	close(s.more)
	s.more = make(chan struct{})
}

// await is the path of that name; nil if there is none. One that is about to come is
// waited for: whoever starts publisher and viewer together need not know which is
// quicker.
func (s *Server) await(name string) *path {
	timeout := time.NewTimer(awaitPath)
	defer timeout.Stop()
	for {
		s.mu.Lock()
		p, more := s.paths[name], s.more
		may := !s.closed && (s.own[name] || s.o.AcceptPush)
		s.mu.Unlock()
		if p != nil && p.live.Load() {
			return p
		}
		if !may {
			return nil
		}
		select {
		case <-more:
		case <-timeout.C:
			return nil
		}
	}
}

// add puts a path under its name; false if there is one already, or the server is
// closed.
func (s *Server) add(p *path) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.paths[p.name] != nil {
		return false
	}
	s.paths[p.name] = p
	return true
}

// remove frees a path's name.
func (s *Server) remove(p *path) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paths[p.name] == p {
		delete(s.paths, p.name)
	}
}

func (s *Server) remember(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.conns) >= s.o.MaxViewers+spareConns {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// viewer is the one of a session, nil if it has none.
func (s *Server) viewer(ss *gortsplib.ServerSession) *viewer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[ss]
}

// allows checks user and password.
func (s *Server) allows(c *gortsplib.ServerConn, r *base.Request) bool {
	if s.o.User == "" {
		return true
	}
	var a headers.Authorization
	if a.Unmarshal(r.Header["Authorization"]) == nil && a.Method == headers.AuthMethodBasic {
		// In constant time, which the library does not take. What is compared of a
		// digest tells nothing about the password.
		return same(a.Username, s.o.User)&same(a.BasicPass, s.o.Password) == 1
	}
	return c.VerifyCredentials(r, s.o.User, s.o.Password)
}

func same(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// handler is what the library asks. Its methods are called on the goroutines of
// connections and sessions.
type handler struct{ *Server }

func reply(code base.StatusCode, message string) *base.Response {
	return &base.Response{StatusCode: code, StatusMessage: message}
}

var errAuth = liberrors.ErrServerAuth{}

// OnDescribe answers DESCRIBE.
func (h handler) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if !h.allows(ctx.Conn, ctx.Request) {
		return reply(base.StatusUnauthorized, ""), nil, errAuth
	}
	p := h.await(nameOf(ctx.Path))
	if p == nil {
		return reply(base.StatusNotFound, ""), nil, nil
	}
	return reply(base.StatusOK, ""), p.unicast, nil
}

// OnSetup answers SETUP of viewers and publishers.
func (h handler) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if !h.allows(ctx.Conn, ctx.Request) {
		return reply(base.StatusUnauthorized, ""), nil, errAuth
	}
	if ctx.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return reply(base.StatusOK, ""), nil, nil
	}
	if ctx.Conn.Transport().Tunnel != gortsplib.TunnelNone {
		// What packets are wrapped into there is the library's secret.
		return reply(base.StatusUnsupportedTransport, ""), nil, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	v := h.sessions[ctx.Session]
	if v != nil && ctx.Session.State() == gortsplib.ServerSessionStatePrePlay {
		if v.p.ended.Load() {
			return reply(base.StatusNotFound, ""), nil, nil
		}
		return reply(base.StatusOK, ""), v.stream(), nil // always the same, or the library panics
	}
	if v != nil { // an earlier SETUP has failed
		v.p.leave(v)
		delete(h.sessions, ctx.Session)
	}
	p := h.paths[nameOf(ctx.Path)]
	if p == nil || !p.live.Load() {
		return reply(base.StatusNotFound, ""), nil, nil
	}
	if len(h.sessions) >= h.o.MaxViewers {
		return reply(base.StatusServiceUnavailable, "Too Many Viewers"), nil, nil
	}
	v = newViewer(p, ctx)
	if !p.join(v) {
		return reply(base.StatusNotFound, ""), nil, nil
	}
	h.sessions[ctx.Session] = v
	return reply(base.StatusOK, ""), v.stream(), nil
}

// OnResponse sees the responses on their way. That of SETUP says where the packets of
// a medium go: the library has taken what the client asked for, or chosen itself.
func (h handler) OnResponse(c *gortsplib.ServerConn, r *base.Response) {
	r.Header["Server"] = base.HeaderValue{userAgent}
	var t headers.Transport
	if r.StatusCode != base.StatusOK || r.Header["Transport"] == nil || t.Unmarshal(r.Header["Transport"]) != nil {
		return
	}
	ss := c.Session()
	if ss == nil {
		return
	}
	if v := h.viewer(ss); v != nil {
		if m := ss.Medias(); len(m) > 0 {
			v.setUp(m[len(m)-1], &t)
		}
	}
}

// OnRequest sees the requests before they are handled.
func (h handler) OnRequest(c *gortsplib.ServerConn, r *base.Request) {
	if ss := c.Session(); ss != nil && r.Method == base.Teardown {
		if v := h.viewer(ss); v != nil {
			v.pause() // no packet is to follow the response
		}
	}
}

// OnPlay answers PLAY. Packets follow the response.
func (h handler) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	v := h.viewer(ctx.Session)
	c, ok := ctx.Conn.NetConn().(*conn)
	if v == nil || !ok || v.p.ended.Load() {
		return reply(base.StatusNotFound, ""), nil
	}
	c.after(func() { v.play(c) })
	return reply(base.StatusOK, ""), nil
}

// OnPause answers PAUSE.
func (h handler) OnPause(ctx *gortsplib.ServerHandlerOnPauseCtx) (*base.Response, error) {
	if v := h.viewer(ctx.Session); v != nil {
		v.pause()
	}
	return reply(base.StatusOK, ""), nil
}

// OnSessionClose is the end of a viewer, or of a publisher.
func (h handler) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	h.mu.Lock()
	v, u := h.sessions[ctx.Session], h.pushes[ctx.Session]
	delete(h.sessions, ctx.Session)
	delete(h.pushes, ctx.Session)
	h.mu.Unlock()
	if v != nil {
		v.close()
		h.o.Log.Debug("viewer gone", "path", v.p.shown(), "from", v.from)
	}
	if u != nil {
		u.p.end()
		h.remove(u.p)
		h.o.Log.Info("publisher gone", "path", u.p.shown(), "from", u.from)
	}
}

// OnConnClose ends what is published over UDP from a connection that has gone, or its
// name would not be free until the library misses packets, 10 s later.
func (h handler) OnConnClose(ctx *gortsplib.ServerHandlerOnConnCloseCtx) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ss, u := range h.pushes {
		if u.conn == ctx.Conn {
			ss.Close()
		}
	}
}

// The library would write these to the standard log.

// OnPacketsLost is told of packets that a publisher has lost.
func (h handler) OnPacketsLost(*gortsplib.ServerHandlerOnPacketsLostCtx) {}

// OnDecodeError is told of packets that are damaged.
func (h handler) OnDecodeError(*gortsplib.ServerHandlerOnDecodeErrorCtx) {}

// OnStreamWriteError is told of packets that find no room in a queue of the library.
func (h handler) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) {}
