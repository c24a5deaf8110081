package rtsptest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/conn"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// Camera is an RTSP server that sends what a test tells it to all who play, under
// any path. It is not the library's server, which chooses SSRC and headers itself.
// The exported fields are set before Start, or between Stop and Start. A zero one
// asks for nothing special.
type Camera struct {
	Medias []*description.Media

	User, Password string              // asked for before DESCRIBE, SETUP and PLAY if User is not empty
	Auth           []auth.VerifyMethod // nil: basic and digest with MD5
	TLS            *tls.Config         // not nil: rtsps. Packets are interleaved then, UDP is refused

	RefuseUDP, RefuseTCP bool          // 461, RFC 2326 section 11.3.14
	SwallowUDP           bool          // SETUP over UDP succeeds, but no packet comes
	Redirect             string        // DESCRIBE is answered with 302 to this URL
	SessionTimeout       time.Duration // announced in whole seconds; who asks nothing for so long is disconnected
	Lines                []string      // more lines of each medium in the SDP, such as "a=rtcp-fb:96 nack pli"

	// Answer has the last word on a response; the connection is its goroutine's.
	Answer func(*base.Request, *base.Response)

	address string // of TCP, kept from Start to Start
	l       *listener
	readers sync.WaitGroup

	mu       sync.Mutex
	pair     [2]*net.UDPConn // for RTP and RTCP of all clients
	viewers  map[*viewer]struct{}
	requests []*base.Request
	methods  map[base.Method]int
	received []Feedback
}

// Medias is a list of media.
func Medias(list ...*description.Media) []*description.Media { return list }

// Feedback is RTCP from a client.
type Feedback struct {
	Media  int
	Packet rtcp.Packet
	At     time.Time
}

// viewer is a client's connection, and its session.
type viewer struct {
	c       net.Conn
	session string
	nonce   string

	writing sync.Mutex
	tracks  map[int]*track // by medium
	playing bool
}

// track is a medium that was set up, over UDP or over TCP.
type track struct {
	udp     [2]netip.AddrPort // RTP and RTCP; not valid over TCP
	channel int               // of RTP over TCP; RTCP has the next
}

// Start listens on a port of 127.0.0.1: the first time any, then the same again.
// The camera stops with the test at the latest.
func (c *Camera) Start(t testing.TB) {
	t.Helper()
	pair, err := listenPair(net.IPv4(127, 0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	first := c.address == ""
	if first {
		c.address = "127.0.0.1:0"
		t.Cleanup(c.Stop)
	}
	c.mu.Lock()
	c.pair, c.viewers = pair, map[*viewer]struct{}{}
	if first {
		c.methods = map[base.Method]int{}
	}
	c.mu.Unlock()
	if c.l, err = listen(c.address); err != nil {
		c.l = nil
		closeAll(pair)
		t.Fatal(err)
	}
	c.address = c.l.address()
	c.l.start(c.TLS, c.serve)
	c.readers.Go(func() { discard(pair[0]) })
	c.readers.Go(func() { c.readRTCP(pair[1]) })
}

// Stop closes all sockets at once, as a camera does that loses power, but for the
// FIN that the kernel sends.
func (c *Camera) Stop() {
	if c.l == nil {
		return
	}
	c.l.close()
	closeAll(c.pair)
	c.readers.Wait()
	c.l = nil
}

func closeAll(pair [2]*net.UDPConn) {
	for _, s := range pair {
		s.Close()
	}
}

// Disconnect ends all connections; the camera goes on listening.
func (c *Camera) Disconnect() { c.l.reset() }

// Address is HOST:PORT; it is known after the first Start.
func (c *Camera) Address() string { return c.address }

// URL is where the camera is seen, without user and password.
func (c *Camera) URL() string {
	scheme := "rtsp"
	if c.TLS != nil {
		scheme = "rtsps"
	}
	return scheme + "://" + c.address + "/cam"
}

// Count is how many requests of a method have come since the first Start.
func (c *Camera) Count(method base.Method) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.methods[method]
}

// Requests are the latest requests, at most maxRecord.
func (c *Camera) Requests() []*base.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*base.Request(nil), c.requests...)
}

// Received is the latest RTCP from clients, at most maxRecord packets.
func (c *Camera) Received() []Feedback {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Feedback(nil), c.received...)
}

// Playing is how many clients play.
func (c *Camera) Playing() (n int) {
	for _, v := range c.all() {
		v.writing.Lock()
		if v.playing {
			n++
		}
		v.writing.Unlock()
	}
	return n
}

// WaitPlaying waits until so many clients play.
func (c *Camera) WaitPlaying(t testing.TB, n int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); c.Playing() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d clients play, want %d", c.Playing(), n)
		}
	}
}

func (c *Camera) all() (list []*viewer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for v := range c.viewers {
		list = append(list, v)
	}
	return list
}

// Send sends a packet of a medium to all who play, as it is.
func (c *Camera) Send(media int, p *rtp.Packet) {
	if b, err := p.Marshal(); err == nil {
		c.send(media, 0, b)
	}
}

// SendRTCP sends a control packet, or a compound one (rtcp.CompoundPacket).
func (c *Camera) SendRTCP(media int, p rtcp.Packet) {
	if b, err := p.Marshal(); err == nil {
		c.send(media, 1, b)
	}
}

// send sends RTP (0) or RTCP (1).
func (c *Camera) send(media, kind int, b []byte) {
	c.mu.Lock()
	pair := c.pair
	c.mu.Unlock()
	for _, v := range c.all() {
		v.writing.Lock()
		t := v.tracks[media]
		switch {
		case t == nil || !v.playing || len(b) > 0xffff:
		case !t.udp[kind].IsValid():
			head := []byte{'$', byte(t.channel + kind), byte(len(b) >> 8), byte(len(b))}
			v.write(append(head, b...))
		case !c.SwallowUDP:
			pair[kind].WriteToUDPAddrPort(b, t.udp[kind])
		}
		v.writing.Unlock()
	}
}

// write gives up a client that takes nothing for a second. The caller holds writing.
func (v *viewer) write(b []byte) {
	v.c.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := v.c.Write(b); err != nil {
		v.c.Close()
	}
}

func (c *Camera) serve(nc net.Conn) {
	nonce, _ := auth.GenerateNonce()
	v := &viewer{c: nc, session: fmt.Sprintf("%016x", rand.Uint64()), nonce: nonce, tracks: map[int]*track{}}
	c.mu.Lock()
	c.viewers[v] = struct{}{}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.viewers, v)
		c.mu.Unlock()
	}()
	r := conn.NewConn(bufio.NewReader(nc), nc)
	alive := func() {
		if c.SessionTimeout > 0 {
			nc.SetReadDeadline(time.Now().Add(c.SessionTimeout))
		}
	}
	alive()
	for {
		m, err := r.Read()
		if err != nil {
			return
		}
		switch m := m.(type) {
		case *base.Request:
			alive()
			c.answer(v, m)
		case *base.InterleavedFrame:
			for media, t := range v.tracks { // changed by this goroutine alone
				if !t.udp[0].IsValid() && t.channel+1 == m.Channel {
					c.feedback(media, m.Payload)
				}
			}
		}
	}
}

func (c *Camera) answer(v *viewer, req *base.Request) {
	c.mu.Lock()
	c.methods[req.Method]++
	c.requests = record(c.requests, req)
	c.mu.Unlock()
	res := c.respond(v, req)
	if res.Header == nil {
		res.Header = base.Header{}
	}
	res.Header["CSeq"] = req.Header["CSeq"]
	if c.Answer != nil {
		c.Answer(req, res)
	}
	b, err := res.Marshal()
	if err != nil {
		v.c.Close()
		return
	}
	v.writing.Lock()
	defer v.writing.Unlock()
	v.write(b)
	if res.StatusCode == base.StatusOK {
		// Packets come after the answer.
		switch req.Method {
		case base.Play:
			v.playing = len(v.tracks) > 0
		case base.Pause:
			v.playing = false
		case base.Teardown:
			v.playing, v.tracks = false, map[int]*track{}
		}
	}
}

func status(code base.StatusCode) *base.Response { return &base.Response{StatusCode: code} }

func (c *Camera) respond(v *viewer, req *base.Request) *base.Response {
	if req.Method == base.Options {
		return &base.Response{StatusCode: base.StatusOK, Header: base.Header{
			"Public": {"OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"},
		}}
	}
	if req.URL == nil {
		return status(base.StatusBadRequest)
	}
	if c.User != "" {
		if err := auth.Verify(req, c.User, c.Password, c.Auth, "rtsptest", v.nonce); err != nil {
			return &base.Response{StatusCode: base.StatusUnauthorized, Header: base.Header{
				"WWW-Authenticate": auth.GenerateWWWAuthenticate(c.Auth, "rtsptest", v.nonce),
			}}
		}
	}
	var res *base.Response
	switch req.Method {
	case base.Describe:
		return c.describe(req)
	case base.Setup:
		res = c.setup(v, req)
	case base.Play, base.Pause, base.GetParameter, base.SetParameter, base.Teardown:
		res = status(base.StatusOK)
	default:
		return status(base.StatusNotImplemented)
	}
	if res.StatusCode == base.StatusOK && req.Method != base.Teardown {
		if res.Header == nil {
			res.Header = base.Header{}
		}
		session := headers.Session{Session: v.session}
		if c.SessionTimeout > 0 {
			session.Timeout = new(uint(c.SessionTimeout / time.Second))
		}
		res.Header["Session"] = session.Marshal()
	}
	return res
}

func (c *Camera) describe(req *base.Request) *base.Response {
	if c.Redirect != "" {
		return &base.Response{StatusCode: base.StatusFound, Header: base.Header{"Location": {c.Redirect}}}
	}
	desc := description.Session{Title: "rtsptest"}
	for i, m := range c.Medias {
		m := *m
		m.Control = fmt.Sprintf("trackID=%d", i)
		desc.Medias = append(desc.Medias, &m)
	}
	b, err := desc.Marshal()
	if err != nil {
		return status(base.StatusInternalServerError)
	}
	// A medium's lines reach from its m= to the next.
	sections := strings.Split(string(b), "\r\nm=")
	for i, s := range sections {
		if i > 0 {
			sections[i] = strings.Join(append([]string{strings.TrimSuffix(s, "\r\n")}, c.Lines...), "\r\n")
		}
	}
	b = []byte(strings.Join(sections, "\r\nm=") + "\r\n")
	return &base.Response{StatusCode: base.StatusOK, Body: b, Header: base.Header{
		"Content-Base": {req.URL.String() + "/"}, "Content-Type": {"application/sdp"},
	}}
}

// setup takes the first transport of those that the client can and the camera wants.
func (c *Camera) setup(v *viewer, req *base.Request) *base.Response {
	_, id, ok := strings.Cut(req.URL.String(), "trackID=")
	media, err := strconv.Atoi(id)
	if !ok || err != nil || media < 0 || media >= len(c.Medias) {
		return status(base.StatusNotFound)
	}
	var offered headers.Transports
	if offered.Unmarshal(req.Header["Transport"]) != nil {
		return status(base.StatusBadRequest)
	}
	for _, o := range offered {
		if o.Delivery != nil && *o.Delivery == headers.TransportDeliveryMulticast || o.Profile != headers.TransportProfileAVP {
			continue
		}
		chosen := headers.Transport{Protocol: o.Protocol, Delivery: new(headers.TransportDeliveryUnicast)}
		t := &track{channel: 2 * media}
		switch {
		case o.Protocol == headers.TransportProtocolTCP && !c.RefuseTCP:
			if o.InterleavedIDs != nil && o.InterleavedIDs[0] <= 0xfe {
				t.channel = o.InterleavedIDs[0]
			}
			chosen.InterleavedIDs = &[2]int{t.channel, t.channel + 1}
		case o.Protocol == headers.TransportProtocolUDP && !c.RefuseUDP && c.TLS == nil && o.ClientPorts != nil:
			chosen.ClientPorts = o.ClientPorts
			chosen.ServerPorts = &[2]int{portOf(c.pair[0]), portOf(c.pair[1])}
			for i, port := range o.ClientPorts {
				t.udp[i] = netip.AddrPortFrom(hostOf(v.c.RemoteAddr()), uint16(port))
			}
		default:
			continue
		}
		v.writing.Lock()
		v.tracks[media] = t
		v.writing.Unlock()
		return &base.Response{StatusCode: base.StatusOK, Header: base.Header{"Transport": chosen.Marshal()}}
	}
	return status(base.StatusUnsupportedTransport)
}

// discard reads what clients send to open firewalls.
func discard(s *net.UDPConn) {
	b := make([]byte, 1<<16)
	for {
		if _, _, err := s.ReadFromUDPAddrPort(b); err != nil && !isTemporary(err) {
			return
		}
	}
}

func (c *Camera) readRTCP(s *net.UDPConn) {
	b := make([]byte, 1<<16)
	for {
		n, from, err := s.ReadFromUDPAddrPort(b)
		if err == nil {
			if media, ok := c.mediaOf(from); ok {
				c.feedback(media, b[:n])
			}
		} else if !isTemporary(err) {
			return
		}
	}
}

// mediaOf finds the medium that was set up with this address for RTCP.
func (c *Camera) mediaOf(from netip.AddrPort) (int, bool) {
	for _, v := range c.all() {
		v.writing.Lock()
		tracks := maps.Clone(v.tracks)
		v.writing.Unlock()
		for media, t := range tracks {
			if t.udp[1] == from {
				return media, true
			}
		}
	}
	return 0, false
}

// feedback notes RTCP; what is none is not.
func (c *Camera) feedback(media int, b []byte) {
	packets, err := rtcp.Unmarshal(append([]byte(nil), b...)) // the result may point into it
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range packets {
		c.received = record(c.received, Feedback{media, p, time.Now()})
	}
}
