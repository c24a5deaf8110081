// Package rtsptest has what planar's RTSP client is tested with: a camera that
// does what a test tells it, a network that loses and delays packets, and a server
// that says anything at all. Everything is on loopback and ends with its test.
package rtsptest

import (
	"crypto/tls"
	"fmt"
	"net"
	"sync"
)

// listener accepts TCP connections and serves each in a goroutine of its own.
type listener struct {
	l    net.Listener
	wg   sync.WaitGroup
	mu   sync.Mutex
	open map[net.Conn]net.Conn // to the TCP connection below, which is the same without TLS
	over bool
}

func listen(address string) (*listener, error) {
	l, err := net.Listen("tcp4", address)
	if err != nil {
		return nil, err
	}
	return &listener{l: l, open: map[net.Conn]net.Conn{}}, nil
}

// start serves connections until close; over TLS, if config is not nil. They are
// closed when serve returns.
func (n *listener) start(config *tls.Config, serve func(net.Conn)) {
	n.wg.Go(func() {
		for {
			tcp, err := n.l.Accept()
			if err != nil {
				return
			}
			c := tcp
			if config != nil {
				c = tls.Server(tcp, config)
			}
			if !n.track(c, tcp) {
				return
			}
			n.wg.Go(func() {
				defer n.forget(c)
				serve(c)
			})
		}
	})
}

// track has a connection closed by close and reset. It reports whether there is
// still time for that; if not, the connection is closed.
func (n *listener) track(c, tcp net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.over {
		tcp.Close()
		return false
	}
	n.open[c] = tcp
	return true
}

func (n *listener) forget(c net.Conn) {
	n.mu.Lock()
	delete(n.open, c)
	n.mu.Unlock()
	c.Close()
}

// reset ends the connections with RST: without a linger time there is no FIN.
func (n *listener) reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, tcp := range n.open { // all of them first: whoever serves one may close another when it ends
		tcp.(*net.TCPConn).SetLinger(0)
	}
	for _, tcp := range n.open {
		tcp.Close()
	}
}

// close ends all connections and waits for what serves them.
func (n *listener) close() {
	n.l.Close()
	n.mu.Lock()
	n.over = true
	for _, tcp := range n.open {
		tcp.Close()
	}
	n.mu.Unlock()
	n.wg.Wait()
}

func (n *listener) address() string { return n.l.Addr().String() }

// listenPair opens two UDP ports on an IPv4 address: an even one for RTP and the
// next for RTCP, RFC 3550 section 11.
func listenPair(ip net.IP) (pair [2]*net.UDPConn, err error) {
	for range 100 {
		if pair[0], err = net.ListenUDP("udp4", &net.UDPAddr{IP: ip}); err != nil {
			return pair, err
		}
		if port := portOf(pair[0]); port%2 == 0 {
			if pair[1], err = net.ListenUDP("udp4", &net.UDPAddr{IP: ip, Port: port + 1}); err == nil {
				// A key frame is a burst of packets that nobody may be awake to take.
				for _, c := range pair {
					c.SetReadBuffer(1 << 20)
				}
				return pair, nil
			}
		}
		pair[0].Close()
	}
	return pair, fmt.Errorf("no pair of free UDP ports on %v: %w", ip, err)
}

func portOf(c *net.UDPConn) int { return c.LocalAddr().(*net.UDPAddr).Port }
