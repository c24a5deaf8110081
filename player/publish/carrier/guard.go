package carrier

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	gosrt "github.com/datarhei/gosrt"
	"github.com/datarhei/gosrt/packet"
)

// The SRT library reads what comes from the network in goroutines of its own, and
// panics, blocks for ever or allocates gigabytes on some of it, which one datagram with
// a forged address is enough for. So it talks to a socket of ours on this machine:
//
//	network <-> guard.outside, plausible <-> door.inside <-> the library

const (
	// mostCallers is how many callers may shake hands at once. One more takes the place
	// of any other.
	mostCallers = 32
	// lastWords bounds how long is waited for what the library sent before it was closed.
	lastWords = 100 * time.Millisecond
	// doorBuffer is asked of the kernel for what the library sends at once: 60 datagrams.
	doorBuffer = 1 << 20

	handshakeSize = srtHeaderSize + 48 // without extensions
)

// guard stands between the network and the library.
type guard struct {
	outside *net.UDPConn
	library netip.AddrPort // where it listens; not valid if it calls
	done    chan struct{}  // closed when nothing comes from the network any more
	latency atomic.Int64   // ms, of the receiver, which may want more than we; 0: not known

	mu    sync.Mutex
	doors map[netip.AddrPort]*door // by who is behind them; of a call there is one
	full  bool                     // no more of them
}

// door is the socket by which the library talks to one on the network.
type door struct {
	inside  *net.UDPConn
	self    netip.AddrPort
	library atomic.Pointer[netip.AddrPort] // nil until it has said something
	id      atomic.Uint32                  // the library's socket ID, if it calls
	done    chan struct{}

	// Of the goroutine that reads from the network: what the library has been given.
	induced, concluded bool
}

// guardCall makes a guard between a host and the library, which is to call address.
func guardCall(ctx context.Context, host string, config gosrt.Config) (g *guard, address string, err error) {
	dialer := net.Dialer{Control: gosrt.DialControl(config)}
	conn, err := dialer.DialContext(ctx, "udp", host)
	if err != nil {
		return nil, "", err
	}
	g = &guard{outside: conn.(*net.UDPConn), doors: map[netip.AddrPort]*door{}, done: make(chan struct{})}
	d, err := g.open(netip.AddrPort{})
	if err != nil {
		conn.Close()
		return nil, "", err
	}
	go g.run(func(netip.AddrPort, []byte) *door { return d })
	return g, d.self.String(), nil
}

// guardListener makes a guard that listens at host in place of the library, which
// listens at library.
func guardListener(ctx context.Context, host string, library net.Addr, config gosrt.Config) (*guard, error) {
	// Not with SO_REUSEADDR: another program's socket on the same port would go unnoticed.
	lc := net.ListenConfig{Control: gosrt.DialControl(config)}
	conn, err := lc.ListenPacket(ctx, "udp", host)
	if err != nil {
		return nil, err
	}
	g := &guard{
		outside: conn.(*net.UDPConn), library: library.(*net.UDPAddr).AddrPort(),
		doors: map[netip.AddrPort]*door{}, done: make(chan struct{}),
	}
	go g.run(g.caller)
	return g, nil
}

// open makes a door.
func (g *guard) open(to netip.AddrPort) (*door, error) {
	inside, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	_ = inside.SetReadBuffer(doorBuffer) // the kernel may allow less
	d := &door{inside: inside, self: unmapped(inside.LocalAddr().(*net.UDPAddr).AddrPort()), done: make(chan struct{})}
	if g.library.IsValid() {
		library := unmapped(g.library)
		d.library.Store(&library)
	}
	g.doors[to] = d
	go d.run(func(b []byte) error {
		if to.IsValid() {
			_, err := g.outside.WriteToUDPAddrPort(b, to)
			return err
		}
		_, err := g.outside.Write(b)
		return err
	})
	return d, nil
}

// caller is the door of a caller who sends b; nil if there is none, or no place for one.
func (g *guard) caller(from netip.AddrPort, b []byte) *door {
	g.mu.Lock()
	defer g.mu.Unlock()
	if d := g.doors[from]; d != nil || g.full || controlType(b) != packet.CTRLTYPE_HANDSHAKE {
		return d
	}
	if len(g.doors) >= mostCallers {
		for other, d := range g.doors {
			d.inside.Close()
			delete(g.doors, other)
			break
		}
	}
	d, _ := g.open(from)
	return d
}

// only closes all doors but the one that the library knows by an address.
func (g *guard) only(address net.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.full = true
	for from, d := range g.doors {
		if d.self.String() != address.String() {
			d.inside.Close()
			delete(g.doors, from)
		}
	}
}

// run passes on what comes from the network.
func (g *guard) run(door func(from netip.AddrPort, b []byte) *door) {
	defer close(g.done)
	b := make([]byte, gosrt.MAX_MSS_SIZE+1) // what is longer is none of SRT's
	for {
		n, from, err := g.outside.ReadFromUDPAddrPort(b)
		if err != nil {
			if g.library.IsValid() && !errors.Is(err, net.ErrClosed) {
				time.Sleep(time.Millisecond) // what one of the callers made of it
				continue
			}
			g.mu.Lock()
			for _, d := range g.doors {
				d.inside.Close() // the kernel tells the library when it sends something
			}
			g.mu.Unlock()
			return
		}
		if n == len(b) || !plausible(b[:n]) {
			continue
		}
		d := door(from, b[:n])
		if d == nil || !g.library.IsValid() && !d.expects(b[:n]) {
			continue
		}
		if library := d.library.Load(); library != nil {
			if ms := receiverLatency(b[:n]); ms > 0 {
				g.latency.Store(ms)
			}
			_, _ = d.inside.WriteToUDPAddrPort(b[:n], *library) // what is lost comes again
		}
	}
}

// expects is false for handshakes that the calling library does not wait for: it takes
// one of each kind, and would stop for ever at another.
func (d *door) expects(b []byte) bool {
	if controlType(b) != packet.CTRLTYPE_HANDSHAKE {
		return true
	}
	if d.concluded || binary.BigEndian.Uint32(b[12:]) != d.id.Load() {
		return false
	}
	if handshakeType(b) != packet.HSTYPE_INDUCTION {
		d.concluded = true
		return true
	}
	first := !d.induced
	d.induced = true
	return first
}

// run passes on what the library sends, until it is told to end by a datagram from the
// door itself.
func (d *door) run(send func([]byte) error) {
	defer close(d.done)
	defer d.inside.Close()
	b := make([]byte, gosrt.MAX_MSS_SIZE)
	for {
		n, from, err := d.inside.ReadFromUDPAddrPort(b)
		from = unmapped(from)
		if err != nil || from == d.self {
			return
		}
		if library := d.library.Load(); library == nil {
			if n < handshakeSize {
				continue
			}
			d.id.Store(binary.BigEndian.Uint32(b[srtHeaderSize+24:]))
			d.library.Store(&from)
		} else if from != *library {
			continue
		}
		if errors.Is(send(b[:n]), syscall.ECONNREFUSED) {
			return // nobody is there any more
		}
	}
}

// close ends it when what the library has sent before has been passed on.
func (g *guard) close() {
	g.mu.Lock()
	g.full = true
	var doors []*door
	for _, d := range g.doors {
		doors = append(doors, d)
		_ = d.inside.SetReadDeadline(time.Now().Add(lastWords))
		_, _ = d.inside.WriteToUDPAddrPort([]byte{0}, d.self)
	}
	g.mu.Unlock()
	for _, d := range doors {
		<-d.done
	}
	g.outside.Close()
	<-g.done
}

// plausible reports whether a datagram is one that a receiver of our stream may send
// and that does the library no harm (draft-sharabayko-srt, 3.2). Data is not among them:
// the library would keep all of it.
func plausible(b []byte) bool {
	if len(b) < srtHeaderSize || b[0]&0x80 == 0 {
		return false
	}
	n := len(b) - srtHeaderSize
	switch controlType(b) {
	case packet.CTRLTYPE_HANDSHAKE:
		return plausibleHandshake(b)
	case packet.CTRLTYPE_KEEPALIVE, packet.CTRLTYPE_ACKACK:
		return true
	case packet.CTRLTYPE_ACK, packet.CTRLTYPE_NAK:
		return n >= 4 && n%4 == 0
	case packet.CTRLTYPE_SHUTDOWN:
		return n == 0 || n == 4
	case packet.CTRLTYPE_USER:
		// Not the handshake's extensions of version 4, which the library cannot answer.
		kind := packet.CtrlSubType(binary.BigEndian.Uint16(b[2:]))
		return (kind == packet.EXTTYPE_KMREQ || kind == packet.EXTTYPE_KMRSP) && n >= 4
	}
	return false
}

// plausibleHandshake is plausible for handshakes (3.2.1), of which conclusions must be
// of version 5, and their extensions complete.
func plausibleHandshake(b []byte) bool {
	if len(b) < handshakeSize {
		return false
	}
	if handshakeType(b) != packet.HSTYPE_CONCLUSION {
		return true
	}
	version, mss := binary.BigEndian.Uint32(b[srtHeaderSize:]), binary.BigEndian.Uint32(b[srtHeaderSize+12:])
	if version != 5 || mss < gosrt.MIN_MSS_SIZE {
		return false // of a size that is smaller than its headers the library makes 4 GB
	}
	rest := b[handshakeSize:]
	for len(rest) > 0 {
		if len(rest) < 4 {
			return false
		}
		n := 4 + 4*int(binary.BigEndian.Uint16(rest[2:]))
		if n > len(rest) {
			return false
		}
		rest = rest[n:]
	}
	return true
}

// receiverLatency is the latency in ms that a plausible conclusion asks for, or agrees to
// (3.2.1.1); 0 in any other datagram.
func receiverLatency(b []byte) int64 {
	if controlType(b) != packet.CTRLTYPE_HANDSHAKE || handshakeType(b) != packet.HSTYPE_CONCLUSION {
		return 0
	}
	for rest := b[handshakeSize:]; len(rest) >= 4; {
		kind, n := packet.CtrlSubType(binary.BigEndian.Uint16(rest)), 4+4*int(binary.BigEndian.Uint16(rest[2:]))
		if (kind == packet.EXTTYPE_HSREQ || kind == packet.EXTTYPE_HSRSP) && n == 16 {
			return int64(binary.BigEndian.Uint16(rest[12:]))
		}
		rest = rest[n:]
	}
	return 0
}

func controlType(b []byte) packet.CtrlType {
	return packet.CtrlType(binary.BigEndian.Uint16(b) &^ (1 << 15))
}

func handshakeType(b []byte) packet.HandshakeType {
	return packet.HandshakeType(binary.BigEndian.Uint32(b[srtHeaderSize+20:]))
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
