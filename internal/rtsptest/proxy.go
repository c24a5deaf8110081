package rtsptest

import (
	"bufio"
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Faults are what a Proxy does to the RTP packets that a server sends over UDP.
// Shares are 0 to 1. RTCP, and what is interleaved with RTSP, stay whole.
type Faults struct {
	Loss      float64       // share that is dropped
	Duplicate float64       // share that is sent twice, one after the other
	Reorder   float64       // share that is held back for ReorderBy, and overtaken meanwhile
	ReorderBy time.Duration //
	Jitter    time.Duration // packets wait 0 to this, evenly distributed, and keep their order, as in the queue of a router
}

// Counts are RTP packets from the server over UDP.
type Counts struct {
	Forwarded  int64 // sent to the client, without duplicates
	Lost       int64 // dropped by Loss
	Duplicated int64 // sent twice
	Delayed    int64 // held back by Reorder
	Reordered  int64 // sent after one with a higher sequence number
	Cut        int64 // dropped by Cut
	Overflow   int64 // sent too early, because too many were held back
}

// Proxy is a network between an RTSP server and its clients. It forwards RTSP as it
// is, but for the ports in the Transport headers of SETUP (RFC 2326 section 12.39),
// so that RTP and RTCP over UDP come through it too.
type Proxy struct {
	server string
	seed   uint64
	l      *listener
	cut    atomic.Bool
	faults atomic.Pointer[Faults]
	setups atomic.Uint64

	forwarded, lost, duplicated, delayed, reordered, dropped, overflow atomic.Int64
}

// NewProxy stands before a server, HOST:PORT, until the test ends. With the same
// seed, the n-th packet of the n-th SETUP meets the same fate.
func NewProxy(t testing.TB, server string, seed uint64) *Proxy {
	t.Helper()
	p := &Proxy{server: server, seed: seed}
	p.faults.Store(&Faults{})
	var err error
	if p.l, err = listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	p.l.start(nil, p.serve)
	t.Cleanup(p.Close)
	return p
}

// Address is where the proxy listens, HOST:PORT.
func (p *Proxy) Address() string { return p.l.address() }

// URL is a URL of the server with the proxy's address.
func (p *Proxy) URL(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		panic(err) // the test's own
	}
	u.Host = p.Address()
	return u.String()
}

// SetFaults takes effect with the next packet.
func (p *Proxy) SetFaults(f Faults) { p.faults.Store(&f) }

// Cut drops all that comes from either side, also whole RTSP messages, while cut is
// true. Connections stay open, and new ones are accepted (by the kernel), but
// nothing comes through.
func (p *Proxy) Cut(cut bool) { p.cut.Store(cut) }

// Reset ends all TCP connections, to both sides, with RST.
func (p *Proxy) Reset() { p.l.reset() }

// Close ends all connections and waits for their goroutines.
func (p *Proxy) Close() { p.l.close() }

// Counts counts from the beginning, over all clients.
func (p *Proxy) Counts() Counts {
	return Counts{
		p.forwarded.Load(), p.lost.Load(), p.duplicated.Load(), p.delayed.Load(), p.reordered.Load(), p.dropped.Load(), p.overflow.Load(),
	}
}

// conversation is that of one client.
type conversation struct {
	p              *Proxy
	client, server net.Conn
	wg             sync.WaitGroup

	mu      sync.Mutex
	setups  map[string]*route // by the CSeq of a SETUP that is not answered yet
	sockets []*net.UDPConn
}

func (p *Proxy) serve(client net.Conn) {
	server, err := net.DialTimeout("tcp4", p.server, 5*time.Second)
	if err != nil {
		return
	}
	if !p.l.track(server, server) {
		return
	}
	c := &conversation{p: p, client: client, server: server, setups: map[string]*route{}}
	c.wg.Go(func() {
		c.relay(server, client, c.response)
		client.Close()
	})
	c.relay(client, server, c.request)
	p.l.forget(server)
	c.mu.Lock()
	for _, s := range c.sockets {
		s.Close()
	}
	c.mu.Unlock()
	c.wg.Wait()
}

// relay passes messages on until either side is closed. What is encrypted, or
// tunnelled in HTTP, passes as bytes.
func (c *conversation) relay(from, to net.Conn, change func(*message)) {
	r := bufio.NewReaderSize(from, maxHead)
	const tlsHandshake = 22 // RFC 8446 section 5.1
	first, err := r.Peek(1)
	raw := err == nil && first[0] == tlsHandshake
	buf := make([]byte, 4096)
	for {
		var b []byte
		if raw {
			n, err := r.Read(buf)
			if err != nil {
				return
			}
			b = buf[:n]
		} else {
			m, err := readMessage(r)
			if err != nil {
				return
			}
			if c.p.cut.Load() {
				continue
			}
			if m.lines != nil {
				raw = m.isHTTP()
				change(&m)
			}
			b = m.bytes()
		}
		if c.p.cut.Load() {
			continue
		}
		if _, err := to.Write(b); err != nil {
			return
		}
	}
}

var portParameters = map[string]*regexp.Regexp{
	"client_port": regexp.MustCompile(`(?i)client_port=(\d+)(-\d+)?`),
	"server_port": regexp.MustCompile(`(?i)server_port=(\d+)(-\d+)?`),
	"source":      regexp.MustCompile(`(?i)source=([^;,]*)`),
	"destination": regexp.MustCompile(`(?i)destination=([^;,]*)`),
}

// parameter is the value of a parameter of a Transport header, of ports the first.
func parameter(transport, name string) string {
	if m := portParameters[name].FindStringSubmatch(transport); m != nil {
		return m[1]
	}
	return ""
}

func setParameter(transport, name, value string) string {
	return portParameters[name].ReplaceAllLiteralString(transport, name+"="+value)
}

func ports(rtp int) string { return fmt.Sprintf("%d-%d", rtp, rtp+1) }

// request puts ports of ours in the place of the client's.
func (c *conversation) request(m *message) {
	transport := m.header("Transport")
	port, err := strconv.ParseUint(parameter(transport, "client_port"), 10, 16)
	if err != nil || !strings.HasPrefix(m.lines[0], "SETUP ") {
		return
	}
	pair, err := listenPair(c.client.LocalAddr().(*net.TCPAddr).IP)
	if err != nil {
		return // passes as it is, and the test will see that nothing is counted
	}
	host := hostOf(c.client.RemoteAddr())
	r := &route{p: c.p, port: portOf(pair[0]), random: rand.New(rand.NewPCG(c.p.seed, c.p.setups.Add(1)))}
	for i := range pair {
		r.client[i] = netip.AddrPortFrom(host, uint16(port)+uint16(i))
	}
	c.mu.Lock()
	c.setups[m.header("CSeq")] = r
	c.sockets = append(c.sockets, pair[:]...)
	c.mu.Unlock()
	c.wg.Go(func() { r.relayRTP(pair[0]) })
	c.wg.Go(func() { r.relayRTCP(pair[1]) })
	transport = setParameter(transport, "client_port", ports(r.port))
	m.setHeader("Transport", setParameter(transport, "destination", hostOf(c.server.LocalAddr()).String()))
}

// response puts ports of ours in the place of the server's, and gives the client
// its own back.
func (c *conversation) response(m *message) {
	c.mu.Lock()
	r := c.setups[m.header("CSeq")]
	delete(c.setups, m.header("CSeq"))
	c.mu.Unlock()
	transport := m.header("Transport")
	if r == nil || transport == "" {
		return
	}
	if port, err := strconv.ParseUint(parameter(transport, "server_port"), 10, 16); err == nil {
		var to [2]netip.AddrPort
		for i := range to {
			to[i] = netip.AddrPortFrom(hostOf(c.server.RemoteAddr()), uint16(port)+uint16(i))
		}
		r.server.Store(&to)
	}
	transport = setParameter(transport, "client_port", ports(int(r.client[0].Port())))
	transport = setParameter(transport, "server_port", ports(r.port))
	transport = setParameter(transport, "source", hostOf(c.client.LocalAddr()).String())
	m.setHeader("Transport", setParameter(transport, "destination", hostOf(c.client.RemoteAddr()).String()))
}

func hostOf(a net.Addr) netip.Addr { return a.(*net.TCPAddr).AddrPort().Addr().Unmap() }

// route is what one SETUP over UDP has opened. One pair of sockets faces both sides,
// and tells them by their addresses.
type route struct {
	p      *Proxy
	port   int // ours for RTP; RTCP has the next
	random *rand.Rand
	client [2]netip.AddrPort
	server atomic.Pointer[[2]netip.AddrPort] // nil until the server has told
}

// forward sends what came from one side, RTP (0) or RTCP (1), to the other.
func (r *route) forward(c *net.UDPConn, i int, from netip.AddrPort, b []byte) {
	if r.p.cut.Load() {
		return
	}
	if from != r.client[i] {
		c.WriteToUDPAddrPort(b, r.client[i])
	} else if to := r.server.Load(); to != nil {
		c.WriteToUDPAddrPort(b, to[i])
	}
}

func (r *route) relayRTCP(c *net.UDPConn) {
	b := make([]byte, 1<<16)
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err == nil {
			r.forward(c, 1, from, b[:n])
		} else if !isTemporary(err) {
			return
		}
	}
}

// maxHeld bounds what is held back: 1 s of 100 Mbit/s in packets of 1,200 bytes.
const maxHeld = 10_000

// relayRTP forwards RTP and does the faults. It sleeps in reading, at most until the
// first packet is due that is held back.
func (r *route) relayRTP(c *net.UDPConn) {
	var held departures
	var last time.Time // when the latest packet leaves that was not held back by Reorder
	var order int      // of arrival
	var out sequence
	b := make([]byte, 1<<16)
	send := func(d departure) {
		if r.p.cut.Load() {
			r.p.dropped.Add(1)
			return
		}
		r.p.forwarded.Add(1)
		if out.late(d.packet) {
			r.p.reordered.Add(1)
		}
		c.WriteToUDPAddrPort(d.packet, r.client[0])
		if d.twice {
			r.p.duplicated.Add(1)
			c.WriteToUDPAddrPort(d.packet, r.client[0])
		}
	}
	for {
		var wake time.Time
		if len(held) > 0 {
			wake = held[0].at
		}
		c.SetReadDeadline(wake)
		n, from, err := c.ReadFromUDPAddrPort(b)
		now := time.Now()
		switch {
		case err != nil:
			if !isTemporary(err) {
				return
			}
		case from == r.client[0] || !isRTP(b[:n]):
			r.forward(c, 0, from, b[:n])
		case r.p.cut.Load():
			r.p.dropped.Add(1)
		default:
			f := *r.p.faults.Load()
			fate := f.draw(r.random)
			if fate.lost {
				r.p.lost.Add(1)
				break
			}
			d := departure{at: now.Add(fate.wait), order: order, packet: append([]byte(nil), b[:n]...), twice: fate.twice}
			order++
			if d.at.Before(last) {
				d.at = last
			}
			last = d.at
			if fate.late {
				r.p.delayed.Add(1)
				d.at = d.at.Add(f.ReorderBy)
			}
			heap.Push(&held, d)
		}
		for len(held) > 0 && (!held[0].at.After(now) || len(held) > maxHeld) {
			if held[0].at.After(now) {
				r.p.overflow.Add(1)
			}
			send(heap.Pop(&held).(departure))
		}
	}
}

// isTemporary reports whether a socket can be read on: after its deadline, and when
// nobody listened where it sent to.
func isTemporary(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout() || strings.Contains(err.Error(), "connection refused")
}

// fate is what happens to one packet.
type fate struct {
	lost, twice, late bool
	wait              time.Duration
}

// draw always takes four numbers, so that one fault does not change the others.
func (f Faults) draw(r *rand.Rand) fate {
	return fate{
		lost:  r.Float64() < f.Loss,
		twice: r.Float64() < f.Duplicate,
		late:  r.Float64() < f.Reorder,
		wait:  time.Duration(r.Float64() * float64(f.Jitter)),
	}
}

// isRTP tells RTP from the packets with which clients open firewalls, and from RTCP
// (types 192 to 223, RFC 5761 section 4).
func isRTP(b []byte) bool { return len(b) >= 12 && b[0]>>6 == 2 && (b[1] < 192 || b[1] > 223) }

// sequence follows the sequence numbers of what is sent.
type sequence struct {
	began   bool
	ssrc    [4]byte
	highest uint16
}

// late reports whether a packet comes after one with a higher sequence number, in
// the arithmetic of RFC 3550 appendix A.1.
func (s *sequence) late(packet []byte) bool {
	n, ssrc := uint16(packet[2])<<8|uint16(packet[3]), [4]byte(packet[8:12])
	if s.began && ssrc == s.ssrc && int16(n-s.highest) < 0 {
		return true
	}
	s.began, s.ssrc, s.highest = true, ssrc, n
	return false
}

// departure is a packet that leaves later.
type departure struct {
	at     time.Time
	order  int
	packet []byte
	twice  bool
}

// departures are a heap, by time.
type departures []departure

func (d departures) Len() int { return len(d) }
func (d departures) Less(i, j int) bool {
	return d[i].at.Before(d[j].at) || d[i].at.Equal(d[j].at) && d[i].order < d[j].order
}
func (d departures) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *departures) Push(x any)   { *d = append(*d, x.(departure)) }
func (d *departures) Pop() any {
	last := (*d)[len(*d)-1]
	(*d)[len(*d)-1] = departure{}
	*d = (*d)[:len(*d)-1]
	return last
}
