package carrier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"planar/player/publish"
	"planar/player/publish/wire"
)

const (
	// multicastTTL is over how many routers multicast goes, unless the address says:
	// FFmpeg's number.
	multicastTTL = 16
	// fullPause and fullTries: how long, and how often, is waited when the network card's
	// queue is full (ENOBUFS). It empties within a millisecond or not at all.
	fullPause = time.Millisecond
	fullTries = 20
	maxUDP    = 65507 // bytes of a datagram over IPv4
)

// udp carries MPEG-TS in datagrams, with or without RTP headers.
type udp struct {
	cutter
	peer    wire.Peer
	log     *slog.Logger
	conn    *net.UDPConn
	rtp     *rtpHeader // nil without
	packet  []byte     // header and payload of one
	bytes   atomic.Int64
	refused atomic.Int64 // datagrams that nobody received
}

// newUDP takes udp://HOST:PORT and rtp://HOST:PORT with the options pkt_size, ttl,
// localaddr, localport (localrtpport) and buffer_size, which mean what they mean to FFmpeg.
func newUDP(peer wire.Peer, address string, o Options, rtp bool) (func(context.Context) (carrier, error), error) {
	host, opts := splitOptions(address)
	if h, p, err := net.SplitHostPort(host); err != nil || h == "" || p == "" {
		return nil, errors.New("it must name a host and a port")
	}
	number := func(key string, least, most, usual int) int {
		v, ok := opts[key]
		if !ok {
			return usual
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			o.Log.Warn(fmt.Sprintf("%s: %s=%s is no number from %d to %d: not used", peer.Show, key, v, least, most))
			return usual
		}
		return n
	}
	header := 0
	if rtp {
		header = rtpHeaderSize
	}
	size := (number("pkt_size", tsPacket+header, maxUDP, payload+header) - header) / tsPacket * tsPacket
	ttl := number("ttl", 0, 255, multicastTTL)
	buffer := number("buffer_size", 1, 1<<30, 0)
	local := &net.UDPAddr{Port: number("localrtpport", 1, 65535, number("localport", 1, 65535, 0))}
	if v, ok := opts["localaddr"]; ok {
		if local.IP = net.ParseIP(v); local.IP == nil {
			return nil, errors.New("localaddr must be an IP address of this machine")
		}
	}

	return func(ctx context.Context) (carrier, error) {
		ctx, cancel := context.WithTimeout(ctx, o.Timeout) // of looking up the name
		defer cancel()
		d := net.Dialer{}
		if local.IP != nil || local.Port != 0 {
			d.LocalAddr = local
		}
		conn, err := d.DialContext(ctx, "udp", host)
		if err != nil {
			if errors.Is(err, syscall.EADDRNOTAVAIL) {
				return nil, peer.Refuse("localaddr must be an IP address of this machine", err)
			}
			return nil, err
		}
		u := &udp{peer: peer, log: o.Log, conn: conn.(*net.UDPConn)}
		u.cutter = cutter{size: size, send: u.datagram, gap: udpGap, percent: 50}
		if rtp {
			u.rtp = &rtpHeader{sequence: uint16(rand.Uint32()), offset: rand.Uint32(), ssrc: rand.Uint32()}
			u.rtp.at(0)
		}
		if buffer > 0 {
			_ = u.conn.SetWriteBuffer(buffer) // the kernel may allow less
		}
		if to := u.conn.RemoteAddr().(*net.UDPAddr); to.IP.IsMulticast() {
			if err := multicast(u.conn, to.IP, local.IP, ttl); err != nil {
				u.conn.Close()
				return nil, fmt.Errorf("cannot send multicast: %w", err)
			}
		}
		return u, nil
	}, nil
}

// multicast sets how far multicast goes, and from where.
func multicast(conn *net.UDPConn, group, local net.IP, ttl int) error {
	from := interfaceOf(local)
	if group.To4() == nil {
		p := ipv6.NewPacketConn(conn)
		if from != nil {
			if err := p.SetMulticastInterface(from); err != nil {
				return err
			}
		}
		return p.SetMulticastHopLimit(ttl)
	}
	p := ipv4.NewPacketConn(conn)
	if from != nil {
		if err := p.SetMulticastInterface(from); err != nil {
			return err
		}
	}
	return p.SetMulticastTTL(ttl)
}

// interfaceOf is the network interface that has an address, nil if there is none.
func interfaceOf(ip net.IP) *net.Interface {
	if ip == nil {
		return nil
	}
	list, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for i := range list {
		addrs, err := list[i].Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
				return &list[i]
			}
		}
	}
	return nil
}

// datagram sends one. That nobody listens is no error: a receiver may come later.
func (u *udp) datagram(b []byte) error {
	if u.rtp != nil {
		u.packet = append(u.rtp.append(u.packet[:0]), b...)
		b = u.packet
	}
	refused := false
	for try := 0; ; try++ {
		_, err := u.conn.Write(b)
		switch {
		case err == nil:
			u.bytes.Add(int64(len(b)))
			return nil
		case errors.Is(err, syscall.ECONNREFUSED):
			// The answer to an earlier one, in place of sending this one: so once more.
			if u.refused.Add(1) == 1 {
				u.log.Warn(u.peer.Show + ": nobody receives on that port of " + u.peer.Host + " yet; sending goes on")
			}
			if refused {
				return nil
			}
			refused = true
		case errors.Is(err, syscall.ENOBUFS) && try < fullTries:
			time.Sleep(fullPause)
		case errors.Is(err, syscall.ENOBUFS):
			return nil // lost, as on any other part of the way
		default:
			return err
		}
	}
}

func (u *udp) end(unit *publish.Unit) error {
	if u.rtp != nil && unit != nil {
		u.rtp.at(unit.DTS)
	}
	return u.flush(unit)
}

func (u *udp) finish() error { return u.end(nil) }

func (u *udp) close() error {
	if err := u.conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func (u *udp) rtt() time.Duration { return 0 }
func (u *udp) sent() int64        { return u.bytes.Load() }
