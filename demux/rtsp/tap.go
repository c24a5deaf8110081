package rtsp

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/pion/rtp"
)

// taps reads RTP packets off the library's UDP sockets before the library does,
// since its buffer for reordering waits for 64 packets after a loss, however long
// they take (1.3 s of sound). The library gets them too, for its reports.
type taps struct {
	mu     sync.Mutex
	opened []*tap
	joined []*net.UDPConn // multicast: sockets of our own
	done   sync.WaitGroup
}

// tap is a UDP socket whose packets are looked at on their way.
type tap struct {
	*net.UDPConn
	route atomic.Pointer[route]
}

// route is where a socket's packets go.
type route struct {
	from net.IP
	port int // 0 until the first packet has told it
	t    *track
	put  func(*rtp.Packet, time.Time)
}

// receiveBuffer is asked of the system for each socket: a key frame of 1 MB comes
// in one burst. The system gives what it allows.
const receiveBuffer = 2 << 20

// listen is the library's hook for opening sockets.
func (s *taps) listen(network, address string) (net.PacketConn, error) {
	c, err := net.ListenPacket(network, address)
	if err != nil {
		return nil, err
	}
	u := c.(*net.UDPConn)
	_ = u.SetReadBuffer(receiveBuffer)
	t := &tap{UDPConn: u}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = append(s.opened, t)
	return t, nil
}

// count is how many sockets have been opened.
func (s *taps) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.opened)
}

// route sends a track's packets on: of the sockets opened for it, the last but one
// is that of RTP, the last that of RTCP.
func (s *taps) route(before int, from net.IP, t *track, put func(*rtp.Packet, time.Time)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.opened); n-before >= 2 {
		s.opened[n-2].route.Store(&route{from: from, t: t, put: put})
	}
}

// ReadFrom is called by the library's one reader of the socket.
func (t *tap) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := t.UDPConn.ReadFrom(b)
	if err == nil {
		if r := t.route.Load(); r != nil {
			r.take(b[:n], from.(*net.UDPAddr), time.Now())
		}
	}
	return n, from, err
}

// take hands over a packet that comes from where it should.
func (r *route) take(b []byte, from *net.UDPAddr, at time.Time) {
	if !r.from.Equal(from.IP) || r.port != 0 && r.port != from.Port {
		return
	}
	if len(b) < 12 || b[0]>>6 != 2 || b[1] >= 192 && b[1] <= 223 {
		return // not RTP, or RTCP that came to the wrong port (RFC 5761 section 4)
	}
	p := &rtp.Packet{}
	if p.Unmarshal(append([]byte(nil), b...)) != nil || !r.t.accepts(p.PayloadType) {
		r.t.damaged.Add(1)
		return
	}
	r.port = from.Port
	r.put(p, at)
}

// join receives a multicast group by a socket of our own beside the library's,
// which cannot be tapped.
func (s *taps) join(control net.Conn, setUp *headers.Transport, from net.IP, t *track, put func(*rtp.Packet, time.Time)) error {
	if setUp.Destination2 == nil || setUp.Ports == nil {
		return nil // the library has refused it already
	}
	group, err := net.ResolveIPAddr("ip4", *setUp.Destination2)
	if err != nil {
		return err
	}
	c, err := net.ListenMulticastUDP("udp4", interfaceOf(control), &net.UDPAddr{IP: group.IP, Port: setUp.Ports[0]})
	if err != nil {
		return err
	}
	_ = c.SetReadBuffer(receiveBuffer)
	s.mu.Lock()
	s.joined = append(s.joined, c)
	s.mu.Unlock()
	r := &route{from: from, t: t, put: put}
	s.done.Go(func() {
		b := make([]byte, 65536)
		for {
			n, from, err := c.ReadFromUDP(b)
			if err != nil {
				return
			}
			r.take(b[:n], from, time.Now())
		}
	})
	return nil
}

// close closes our own sockets; the library closes its.
func (s *taps) close() {
	s.mu.Lock()
	for _, c := range s.joined {
		c.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
}

// interfaceOf is the network interface that a connection goes through, nil if it
// cannot be told.
func interfaceOf(c net.Conn) *net.Interface {
	if c == nil {
		return nil
	}
	local, ok := c.LocalAddr().(*net.TCPAddr)
	if !ok {
		return nil
	}
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range all {
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(local.IP) {
				return &i
			}
		}
	}
	return nil
}
