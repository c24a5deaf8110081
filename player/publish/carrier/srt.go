package carrier

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	gosrt "github.com/datarhei/gosrt"
	"github.com/datarhei/gosrt/circular"
	"github.com/datarhei/gosrt/packet"

	"planar/player/publish"
	"planar/player/publish/wire"
)

const (
	// knocking is how long an answer of the other side is waited for before it is
	// asked again: libsrt's interval.
	knocking = 250 * time.Millisecond
	// srtGap is the time from one burst of packets to the next. The library sends what it
	// has every 10 ms, so 60 datagrams at a time, which a receiver's socket holds. Nor does
	// its queue of 1024 packets, which ends the connection when it is full, ever hold more.
	// The receiver plays them by their timestamps, so a unit may take most of its time.
	srtGap = 5 * time.Millisecond
	// longestLinger bounds how long Finish waits until the receiver has played all.
	longestLinger = 3 * time.Second
	srtHeaderSize = 16
	// microseconds is the number from which on a latency is in microseconds.
	microseconds = 10_000
)

// srt carries MPEG-TS by SRT (draft-sharabayko-srt).
type srt struct {
	cutter
	peer     wire.Peer
	conn     gosrt.Conn
	listener gosrt.Listener // nil if we called
	guard    *guard         // nil until there is one
	latency  time.Duration
	bytes    atomic.Int64
	heard    atomic.Bool // Write has had the library's last error
	once     sync.Once
	closed   chan struct{}
}

// newSRT takes srt://HOST:PORT?mode=caller|listener&... with libsrt's options, and
// FFmpeg's names for them. patient is true if it listens.
func newSRT(peer wire.Peer, address string, o Options) (dial func(context.Context) (carrier, error), patient bool, err error) {
	host, opts := splitOptions(address)
	config, listen, err := srtConfig(opts)
	if err != nil {
		return nil, false, err
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil || port == "" || name == "" && !listen {
		return nil, false, errors.New("it must name a host and a port")
	}
	connect := func(ctx context.Context, config gosrt.Config) (carrier, error) {
		s := &srt{peer: peer, latency: config.PeerLatency, closed: make(chan struct{})}
		s.cutter = cutter{size: int(config.PayloadSize) / tsPacket * tsPacket, send: s.datagram, gap: srtGap, percent: 75}
		if listen {
			return s, s.listen(ctx, host, config)
		}
		ctx, cancel := context.WithTimeout(ctx, o.Timeout)
		defer cancel()
		return s, s.call(ctx, host, config)
	}
	return func(ctx context.Context) (carrier, error) {
		c, err := connect(ctx, config)
		if err != nil {
			return nil, err
		}
		return c, nil
	}, listen, nil
}

// srtConfig reads the options. A latency below 10,000 is in milliseconds, as libsrt's
// programs have it, otherwise in microseconds, as FFmpeg has it: 10 s would be much too
// much, and 10 ms too little.
func srtConfig(opts options) (c gosrt.Config, listen bool, err error) {
	c = gosrt.DefaultConfig()
	c.PayloadSize = payload
	number := func(keys string, least, most int64, set func(int64)) {
		for key := range strings.SplitSeq(keys, " ") {
			v, ok := opts[key]
			if !ok {
				continue
			}
			if n, bad := strconv.ParseInt(v, 10, 64); bad == nil && n >= least && n <= most {
				set(n)
			} else if err == nil {
				err = fmt.Errorf("%s must be a number from %d to %d", key, least, most)
			}
		}
	}
	duration := func(keys string, set func(time.Duration)) {
		number(keys, 0, 60_000_000, func(n int64) {
			if n < microseconds {
				n *= 1000
			}
			set(time.Duration(n) * time.Microsecond)
		})
	}
	switch mode := opts["mode"]; mode {
	case "", "caller":
	case "listener":
		listen = true
	default:
		return c, false, errors.New("mode must be caller or listener")
	}
	if v := opts["transtype"]; v != "" && v != "live" {
		return c, false, errors.New("transtype must be live")
	}
	c.Passphrase = opts["passphrase"]
	if n := len(c.Passphrase); n != 0 && (n < gosrt.MIN_PASSPHRASE_SIZE || n > gosrt.MAX_PASSPHRASE_SIZE) {
		return c, false, fmt.Errorf("the passphrase must have %d to %d characters", gosrt.MIN_PASSPHRASE_SIZE, gosrt.MAX_PASSPHRASE_SIZE)
	}
	c.StreamId = opts["streamid"]
	if v, ok := opts["srt_streamid"]; ok {
		c.StreamId = v
	}
	if len(c.StreamId) > gosrt.MAX_STREAMID_SIZE {
		return c, false, fmt.Errorf("the streamid must have %d characters at most", gosrt.MAX_STREAMID_SIZE)
	}
	duration("latency", func(d time.Duration) { c.PeerLatency, c.ReceiverLatency = d, d })
	duration("peerlatency", func(d time.Duration) { c.PeerLatency = d })
	duration("rcvlatency", func(d time.Duration) { c.ReceiverLatency = d })
	number("pbkeylen", 0, 32, func(n int64) {
		switch n {
		case 0:
		case 16, 24, 32:
			c.PBKeylen = int(n)
		default:
			err = errors.New("pbkeylen must be 16, 24 or 32")
		}
	})
	number("payload_size payloadsize pkt_size", tsPacket, gosrt.MAX_PAYLOAD_SIZE, func(n int64) { c.PayloadSize = uint32(n) })
	number("maxbw", -1, 1<<40, func(n int64) { c.MaxBW = n })
	number("inputbw", 0, 1<<40, func(n int64) { c.InputBW = n })
	number("oheadbw", 10, 100, func(n int64) { c.OverheadBW = n })
	number("ipttl ttl", 1, 255, func(n int64) { c.IPTTL = int(n) })
	number("iptos tos", 0, 255, func(n int64) { c.IPTOS = int(n) })
	number("snddropdelay", 0, 60_000, func(n int64) { c.SendDropDelay = time.Duration(n) * time.Millisecond })
	number("peeridletimeo", 100, 600_000, func(n int64) { c.PeerIdleTimeout = time.Duration(n) * time.Millisecond })
	return c, listen, err
}

// call connects to a listener.
func (s *srt) call(ctx context.Context, host string, config gosrt.Config) error {
	// The library asks once, waits for its full time-out even if the port is closed, and
	// leaves a goroutine behind when it gets no answer. So it begins when there is one.
	if err := knock(ctx, host); err != nil {
		return err
	}
	guard, address, err := guardCall(ctx, host, config)
	if err != nil {
		return err
	}
	s.guard = guard
	defer func() {
		if s.conn == nil {
			guard.close()
		}
	}()
	deadline, _ := ctx.Deadline()
	config.ConnectionTimeout = max(time.Until(deadline), time.Millisecond)
	type answer struct {
		conn gosrt.Conn
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		conn, err := gosrt.Dial("srt", address, config)
		answers <- answer{conn, err}
	}()
	var a answer
	select {
	case a = <-answers:
	case <-ctx.Done():
		if a = <-answers; a.err == nil { // bounded by the same time-out, or nearly so
			s.conn = a.conn
			_ = s.close()
		}
		return ctx.Err()
	}
	switch {
	case a.err == nil:
		s.conn = a.conn
		return nil
	case rejection.MatchString(a.err.Error()):
		return s.rejected(a.err)
	case strings.Contains(a.err.Error(), "timeout"):
		return os.ErrDeadlineExceeded
	}
	return a.err
}

// rejection is how the library writes why it was rejected: a number in base 32.
var rejection = regexp.MustCompile(`REJECT \(([0-9a-v]+)\)`)

// rejected says what a reason means (libsrt's access control guidelines).
func (s *srt) rejected(err error) error {
	code, _ := strconv.ParseInt(rejection.FindStringSubmatch(err.Error())[1], 32, 32)
	switch gosrt.RejectionReason(code) {
	case gosrt.REJ_BADSECRET, gosrt.REJ_UNSECURE:
		return s.peer.Refuse("the passphrase is wrong, or only one side has one", err)
	case gosrt.REJX_UNAUTHORIZED, gosrt.REJX_FORBIDDEN:
		return s.peer.Refuse(s.peer.Host+" does not allow this stream: look at its streamid", err)
	case gosrt.REJX_BAD_REQUEST, gosrt.REJX_BAD_MODE, gosrt.REJX_UNACCEPTABLE, gosrt.REJX_NOTFOUND:
		return s.peer.Fail(s.peer.Host+" does not know such a stream: look at its streamid", err)
	case gosrt.REJX_CONFLICT, gosrt.REJX_LOCKED:
		return s.peer.Fail(s.peer.Host+" has the stream from somebody else", err)
	case gosrt.REJX_OVERLOAD:
		return s.peer.Fail(s.peer.Host+" has too much to do", err)
	default:
		return s.peer.Fail(fmt.Sprintf("%s rejects the connection (reason %d)", s.peer.Host, code), err)
	}
}

// knock asks a listener whether it is there, by the first message of a handshake
// (draft-sharabayko-srt, 4.3.1.1), until it answers or ctx ends.
func knock(ctx context.Context, host string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "udp", host)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	p := packet.NewPacket(conn.RemoteAddr())
	h := p.Header()
	h.IsControlPacket = true
	h.ControlType = packet.CTRLTYPE_HANDSHAKE
	cif := &packet.CIFHandshake{
		IsRequest: true, Version: 4, ExtensionField: 2,
		InitialPacketSequenceNumber: circular.New(0, packet.MAX_SEQUENCENUMBER),
		MaxTransmissionUnitSize:     gosrt.MAX_MSS_SIZE, MaxFlowWindowSize: 25600,
		HandshakeType: packet.HSTYPE_INDUCTION, SRTSocketId: rand.Uint32()>>2 | 1,
	}
	cif.PeerIP.FromNetAddr(conn.LocalAddr())
	p.MarshalCIF(cif)
	var hello bytes.Buffer
	if err := p.Marshal(&hello); err != nil {
		return err
	}
	var b [gosrt.MAX_MSS_SIZE]byte
	for {
		_, err := conn.Write(hello.Bytes())
		if err == nil {
			_ = conn.SetReadDeadline(time.Now().Add(knocking))
			_, err = conn.Read(b[:])
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			return nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		}
	}
}

// listen waits for one caller, as long as ctx allows.
func (s *srt) listen(ctx context.Context, host string, config gosrt.Config) (err error) {
	listener, err := gosrt.Listen("srt", "127.0.0.1:0", config)
	if err != nil {
		return err
	}
	if s.guard, err = guardListener(ctx, host, listener.Addr(), config); err != nil {
		listener.Close()
		if errors.Is(err, syscall.EADDRINUSE) {
			return s.peer.Fail("that port is in use already", err)
		}
		return err
	}
	s.listener = listener
	stop := context.AfterFunc(ctx, s.listener.Close)
	defer stop()
	for {
		req, err := accept(s.listener)
		if err != nil {
			s.listener.Close()
			s.guard.close()
			return cmp.Or(ctx.Err(), err)
		}
		switch {
		case req == nil:
			continue
		case config.Passphrase == "" && req.IsEncrypted():
			req.Reject(gosrt.REJ_UNSECURE)
			continue
		case config.Passphrase != "" && (!req.IsEncrypted() || req.SetPassphrase(config.Passphrase) != nil):
			req.Reject(gosrt.REJ_BADSECRET)
			continue
		}
		conn, err := req.Accept()
		if err != nil {
			continue // it has gone; another one may come
		}
		s.conn = conn
		s.guard.only(req.RemoteAddr())
		if !stop() {
			_ = s.close()
			return ctx.Err()
		}
		return nil
	}
}

// accept is the next caller; nil if the library panics on its handshake.
func accept(l gosrt.Listener) (req gosrt.ConnRequest, err error) {
	defer func() {
		if recover() != nil {
			req, err = nil, nil
		}
	}()
	return l.Accept2()
}

// datagram gives one to the library, which sends it when it is its turn.
func (s *srt) datagram(b []byte) error {
	if _, err := s.conn.Write(b); err != nil {
		s.heard.Store(!errors.Is(err, io.EOF) && err.Error() != "no connection")
		select {
		case <-s.closed:
			return net.ErrClosed
		default:
			return io.EOF // whatever the library calls it
		}
	}
	s.bytes.Add(int64(len(b) + srtHeaderSize))
	return nil
}

func (s *srt) end(u *publish.Unit) error {
	return s.flush(u)
}

// finish waits until the receiver has had the time to play the end: it would throw it
// away as soon as it hears that the connection is closed.
func (s *srt) finish() error {
	err := s.end(nil)
	if err == nil {
		latency := max(s.latency, time.Duration(s.guard.latency.Load())*time.Millisecond)
		select {
		case <-time.After(min(latency+s.rtt()+knocking, longestLinger)):
		case <-s.closed:
		}
	}
	return err
}

func (s *srt) close() error {
	s.once.Do(func() {
		close(s.closed)
		if s.guard != nil {
			defer s.guard.close()
		}
		if s.conn != nil {
			_ = s.conn.Close()
		}
		if s.listener != nil {
			s.listener.Close()
			return
		}
		// The library's reader has one error to hand over, and waits until it is taken.
		control := packet.NewPacket(nil) // of which WritePacket does nothing else
		defer control.Decommission()
		control.Header().IsControlPacket = true
		for i := 0; i < 100 && !s.heard.Load(); i++ {
			if s.conn.WritePacket(control) != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	return nil
}

func (s *srt) rtt() time.Duration {
	var v gosrt.Statistics
	s.conn.Stats(&v)
	return time.Duration(v.Instantaneous.MsRTT * float64(time.Millisecond))
}

func (s *srt) sent() int64 { return s.bytes.Load() }
