package rtsp

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"golang.org/x/net/ipv4"

	"planar/player/queue"
)

// viewer is a session that plays a path.
type viewer struct {
	p         *path
	session   *gortsplib.ServerSession
	multicast bool
	ip        netip.Addr // where datagrams go
	from      string     // as it may be logged

	reader atomic.Pointer[queue.Reader[*parcel]] // from the first PLAY on

	mu     sync.Mutex         // may be held while the path's is taken, but not the other way round
	ways   []way              // by track
	cancel context.CancelFunc // not nil while it plays
	done   sync.WaitGroup
	closed bool

	// Owned by the goroutine that writes.
	pace  pacer
	left  *parcel        // what was about to be sent when PAUSE came
	batch []ipv4.Message // what goes over UDP next
	own   []byte         // what goes on channels of its own
}

// way is how the packets of a track reach a viewer.
type way struct {
	open     bool // it was set up
	udp      bool
	channel  byte           // over TCP, that of RTP; RTCP has the next
	to       net.Addr       // of RTP
	rtcp     netip.AddrPort // of RTCP
	reported time.Time      // when the latest report was due
}

func newViewer(p *path, ctx *gortsplib.ServerHandlerOnSetupCtx) *viewer {
	v := &viewer{
		p: p, session: ctx.Session, multicast: ctx.Transport.Protocol == gortsplib.ProtocolUDPMulticast,
		ways: make([]way, len(p.desc.Medias)),
	}
	if a, ok := ctx.Conn.NetConn().RemoteAddr().(*net.TCPAddr); ok {
		v.from, v.ip = a.String(), a.AddrPort().Addr().Unmap() // IPv4 as such, which sockets of IPv6 understand too
	}
	return v
}

// stream is what the library is to know of the path.
func (v *viewer) stream() *gortsplib.ServerStream {
	if v.multicast {
		return v.p.multicast
	}
	return v.p.unicast
}

// setUp notes where the packets of a medium go.
func (v *viewer) setUp(m *description.Media, t *headers.Transport) {
	i := slices.Index(v.p.desc.Medias, m)
	if i < 0 {
		return
	}
	w := way{open: true}
	switch {
	case t.ClientPorts != nil:
		w.udp = true
		w.to = net.UDPAddrFromAddrPort(netip.AddrPortFrom(v.ip, uint16(t.ClientPorts[0])))
		w.rtcp = netip.AddrPortFrom(v.ip, uint16(t.ClientPorts[1]))
	case t.InterleavedIDs != nil:
		w.channel = byte(t.InterleavedIDs[0])
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ways[i] = w
}

// play begins, or goes on where pause has stopped, if that is not too long ago. c is
// the connection that PLAY came on, where interleaved packets go.
func (v *viewer) play(c *conn) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed || v.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	v.cancel = cancel
	if v.multicast {
		v.p.cast(v)
		return
	}
	v.done.Wait() // for what played before a pause; it has been told to end, and takes no lock of ours
	r := v.reader.Load()
	if r == nil {
		r = v.p.backlog.NewReader(queue.ReaderOptions{From: queue.FromKey, Lag: lag})
		v.reader.Store(r)
		v.p.s.o.Log.Debug("viewer", "path", v.p.shown(), "from", v.from)
	}
	ways := slices.Clone(v.ways) // SETUP is over
	v.p.playing.Add(1)
	v.done.Go(func() {
		defer v.p.playing.Add(-1)
		v.run(ctx, c, r, ways)
	})
}

// pause ends what play has begun. Nothing is written to a connection after it.
func (v *viewer) pause() {
	v.mu.Lock()
	cancel := v.cancel
	v.cancel = nil
	v.mu.Unlock()
	if cancel == nil {
		return
	}
	cancel()
	if v.multicast {
		v.p.uncast(v)
	}
}

// close ends the viewer and waits for its goroutine.
func (v *viewer) close() {
	v.mu.Lock()
	v.closed = true
	v.mu.Unlock()
	v.pause()
	v.done.Wait()
	v.p.leave(v)
}

// dropped is how many units the viewer has not been sent because it was slow, and slow
// reports whether there are any.
func (v *viewer) dropped() (n int64, slow bool) {
	r := v.reader.Load()
	if r == nil {
		return 0, false
	}
	return r.Dropped(), r.Skips() > 0
}

// run sends what the backlog has until it ends, ctx does, or the viewer is lost.
func (v *viewer) run(ctx context.Context, c *conn, r *queue.Reader[*parcel], ways []way) {
	newest := v.p.latest()
	begun := false
	for {
		u, err := v.left, error(nil)
		if v.left = nil; u == nil {
			u, err = r.Next(ctx)
		}
		if errors.Is(err, io.EOF) {
			for i := range ways {
				if ways[i].open {
					_ = v.report(ctx, c, &ways[i], i, time.Time{}, true)
				}
			}
			v.session.Close()
		}
		if err != nil {
			return
		}
		if !begun {
			// Reports of all tracks come first, so that they are in step from the
			// beginning. They tell of the first unit, because for some receivers a
			// report's time is where time begins. The next ones come when what there
			// was is sent: from those it can be told how long units are on their way.
			begun = true
			for i := range ways {
				if ways[i].open && v.report(ctx, c, &ways[i], i, u.ntp, false) == nil {
					ways[i].reported = newest.Add(-reportEvery)
				}
			}
			v.pace = pacer{since: time.Now()} // over UDP they have a moment, because packets go to other ports
		}
		w := &ways[u.track]
		if !w.open {
			continue
		}
		if u.at.Sub(w.reported) >= reportEvery && v.report(ctx, c, w, u.track, time.Time{}, false) == nil {
			w.reported = u.at
		}
		if ctx.Err() != nil {
			v.left = u
			return
		}
		if err := v.send(ctx, c, w, u); err != nil {
			if ctx.Err() != nil { // over UDP some of it may have been sent, and will be again
				v.left = u
			} else {
				v.p.s.o.Log.Debug("viewer lost", "path", v.p.shown(), "from", v.from, "cause", err)
				v.session.Close()
			}
			return
		}
	}
}

// errNoReport says that there is nothing to report yet.
var errNoReport = errors.New("no time is known")

// report sends a sender's report of a track, as the path makes it.
func (v *viewer) report(ctx context.Context, c *conn, w *way, track int, at time.Time, bye bool) error {
	b := v.p.report(track, at, bye)
	if b == nil {
		return errNoReport
	}
	if w.udp {
		_, err := v.p.s.udp[1].WriteToUDPAddrPort(b, w.rtcp)
		return err
	}
	head := []byte{'$', w.channel + 1, byte(len(b) >> 8), byte(len(b))}
	return c.send(ctx, append(head, b...))
}

// send sends a unit: over TCP with one system call, over UDP with one for each burst.
func (v *viewer) send(ctx context.Context, c *conn, w *way, u *parcel) error {
	if !w.udp {
		err := c.send(ctx, v.onChannel(w.channel, u))
		if err == nil {
			v.p.sent.Add(int64(len(u.raw)))
		}
		return err
	}
	if v.batch == nil {
		v.batch = newBatch()
	}
	n := 0
	for b := range u.packets() {
		v.batch[n].Buffers[0], v.batch[n].Addr = b, w.to
		if n++; n == len(v.batch) {
			if err := v.flush(ctx, n); err != nil {
				return err
			}
			n = 0
		}
	}
	return v.flush(ctx, n)
}

// flush sends the first n datagrams of the batch. What cannot be sent is lost, as it
// may be further on: the viewer is judged by what it says.
func (v *viewer) flush(ctx context.Context, n int) error {
	v.pace.wait(n)
	if err := ctx.Err(); err != nil {
		return err
	}
	for list := v.batch[:n]; len(list) > 0; {
		k, err := v.p.s.datagrams.WriteBatch(list, 0)
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		for i := range list[:max(0, k)] {
			v.p.sent.Add(int64(list[i].N))
		}
		list = list[max(1, k):]
	}
	return nil
}

// newBatch is room for one burst of datagrams.
func newBatch() []ipv4.Message {
	list := make([]ipv4.Message, burst)
	room := make([][]byte, burst)
	for i := range list {
		list[i].Buffers = room[i : i+1]
	}
	return list
}

// onChannel is a unit's packets as they are interleaved on a channel. Those of the
// usual one are shared; others are copied, into memory that is used again, which costs
// a tenth of what the kernel does with them.
func (v *viewer) onChannel(channel byte, u *parcel) []byte {
	if channel == usualChannel(u.track) {
		return u.raw
	}
	v.own = append(v.own[:0], u.raw...)
	for b := v.own; len(b) > frameHeader; b = b[frameHeader+int(binary.BigEndian.Uint16(b[2:])):] {
		b[1] = channel
	}
	return v.own
}

// pacer spreads what is sent over UDP at once: a key picture, or all since the latest
// one for a new viewer. A receiver that has asked for nothing has room for some 90
// packets (212,992 bytes, of which each takes 2304): two bursts come at once at most,
// and 360 Mbit/s.
type pacer struct {
	left  int
	since time.Time // when the latest burst began
}

const (
	burst      = 32 // packets
	burstEvery = time.Millisecond
)

// wait is called before n packets, at most a burst.
func (p *pacer) wait(n int) {
	if p.left < n {
		now := time.Now()
		if d := burstEvery - now.Sub(p.since); d > 0 {
			time.Sleep(d)
			now = now.Add(d)
		}
		p.left, p.since = burst, now
	}
	p.left -= n
}
