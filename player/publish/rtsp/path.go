package rtsp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"planar/demux"
	"planar/player/publish"
	"planar/player/queue"
)

const (
	// lag is how far a viewer may fall behind before it is moved to the latest key
	// picture: a key picture of 1 MB over a link of 3 Mbit/s does not do it.
	lag = 3 * time.Second
	// keepBytes bounds a path's backlog: 5 s from one key picture to the next at
	// 50 Mbit/s. Where it is exceeded, new viewers wait for the next key picture.
	keepBytes = 32 << 20
	// drainTimeout bounds how long viewers are waited for at the end of a stream.
	drainTimeout = time.Second
	// parcelOverhead is about what a parcel takes up beside its packets.
	parcelOverhead = 200
)

// parcel is a unit in packets, as all viewers share it. Nobody writes to it.
type parcel struct {
	track int
	at    time.Time // when it was due
	ntp   time.Time // when it was captured, by the clock of reports; zero if unknown
	// raw is the packets of the unit as they are interleaved (RFC 2326 section 10.12)
	// on the usual channel: "$", channel, length in 16 bits, packet.
	raw []byte
}

// usualChannel is that of a track whose viewer numbers channels as most do.
func usualChannel(track int) byte { return byte(2 * track) }

// packets are what raw consists of.
func (c *parcel) packets() iter.Seq[[]byte] { return packetsOf(c.raw) }

func packetsOf(raw []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(raw) > frameHeader {
			n := frameHeader + int(binary.BigEndian.Uint16(raw[2:]))
			if !yield(raw[frameHeader:n]) {
				return
			}
			raw = raw[n:]
		}
	}
}

// pack makes a parcel's raw, with the SSRC that viewers have been told.
func pack(track int, packets []*rtp.Packet, of map[uint8]origin) ([]byte, error) {
	size := 0
	for _, p := range packets {
		size += frameHeader + p.MarshalSize()
	}
	raw := make([]byte, size)
	at := 0
	for _, p := range packets {
		b := raw[at:]
		n, err := p.MarshalTo(b[frameHeader:])
		if err != nil {
			return nil, err
		}
		if n > 0xffff {
			return nil, fmt.Errorf("a packet of %d bytes is too large", n)
		}
		b[0], b[1] = '$', usualChannel(track)
		binary.BigEndian.PutUint16(b[2:], uint16(n))
		binary.BigEndian.PutUint32(b[frameHeader+8:], of[p.PayloadType].ssrc) // RFC 3550 section 5.1
		at += frameHeader + n
	}
	return raw, nil
}

// path is what is seen under a name, from Connect or ANNOUNCE on until it ends.
type path struct {
	s    *Server
	name string
	desc *description.Session
	// Both are what the library describes to viewers; we write only to the second one,
	// while somebody receives it. They are not closed, which the library may do badly
	// while a client sets up: sessions are.
	unicast, multicast *gortsplib.ServerStream
	sources            []map[uint8]origin // of each medium, by payload type
	lead               int                // the medium whose key units viewers begin with
	backlog            *queue.Backlog[*parcel]
	live               atomic.Bool // viewers may come
	ended              atomic.Bool
	sent               atomic.Int64 // bytes
	playing            atomic.Int64 // goroutines that write to viewers

	mu      sync.Mutex
	viewers map[*viewer]struct{}
	tracks  []counters
	newest  time.Time // of what was sent
	dropped int64     // units, of viewers that have gone
	casting *casting
}

// origin is what packets of a payload type have in common.
type origin struct {
	ssrc uint32 // that viewers have been told
	rate int    // of timestamps, in Hz
}

// counters are what sender reports are made of.
type counters struct {
	origin
	packets, octets uint32
	// The latest unit's time by both clocks; ntp is zero as long as it is not known.
	ntp time.Time
	rtp uint32
}

func newPath(s *Server, name string, d *description.Session) (*path, error) {
	p := &path{
		s: s, name: name, desc: d, viewers: map[*viewer]struct{}{}, tracks: make([]counters, len(d.Medias)),
		backlog: queue.NewBacklog[*parcel](queue.Keep{Bytes: keepBytes, Duration: lag}),
		lead:    max(0, slices.IndexFunc(d.Medias, func(m *description.Media) bool { return m.Type == description.MediaTypeVideo })),
	}
	p.unicast = &gortsplib.ServerStream{Server: s.lib, Desc: d}
	if err := p.unicast.Initialize(); err != nil {
		return nil, err
	}
	if s.o.Multicast {
		p.multicast = &gortsplib.ServerStream{Server: s.lib, Desc: d}
		if err := p.multicast.Initialize(); err != nil {
			return nil, err
		}
	}
	st := p.unicast.Stats()
	for _, m := range d.Medias {
		of := map[uint8]origin{}
		for _, f := range m.Formats {
			of[f.PayloadType()] = origin{st.Medias[m].Formats[f].LocalSSRC, f.ClockRate()}
		}
		p.sources = append(p.sources, of)
	}
	return p, nil
}

// shown is the name as it may be logged.
func (p *path) shown() string { return demux.OneLine("/" + p.name) }

// send hands the packets of a unit to the viewers. captured is when it was captured, zero
// if that is not known.
func (p *path) send(track int, packets []*rtp.Packet, key bool, at, captured time.Time) error {
	if p.ended.Load() {
		return net.ErrClosed
	}
	raw, err := pack(track, packets, p.sources[track])
	if err != nil {
		return err
	}
	p.mu.Lock()
	c := &p.tracks[track]
	for _, k := range packets {
		c.packets++
		c.octets += uint32(len(k.Payload))
	}
	if !captured.IsZero() {
		c.origin, c.ntp, c.rtp = p.sources[track][packets[0].PayloadType], captured, packets[0].Timestamp
	}
	if at.After(p.newest) {
		p.newest = at
	}
	m := queue.Mark{Bytes: cap(raw) + parcelOverhead, Key: key && track == p.lead, At: p.newest}
	p.mu.Unlock()
	p.backlog.Append(&parcel{track: track, at: m.At, ntp: captured, raw: raw}, m)
	return nil
}

// report is a sender's report and its name, RFC 3550 section 6.1; nil as long as the
// time is not known. It tells of the latest unit, whose times are exact, or of an
// earlier time. bye takes leave (section 6.6).
func (p *path) report(track int, at time.Time, bye bool) []byte {
	p.mu.Lock()
	c := p.tracks[track]
	p.mu.Unlock()
	if c.ntp.IsZero() {
		return nil
	}
	if !at.IsZero() && at.Before(c.ntp) {
		c.rtp -= uint32(c.ntp.Sub(at).Seconds() * float64(c.rate))
		c.ntp = at
	}
	list := rtcp.CompoundPacket{
		&rtcp.SenderReport{SSRC: c.ssrc, NTPTime: ntp.Encode(c.ntp), RTPTime: c.rtp, PacketCount: c.packets, OctetCount: c.octets},
		rtcp.NewCNAMESourceDescription(c.ssrc, p.s.cname),
	}
	if bye {
		list = append(list, &rtcp.Goodbye{Sources: []uint32{c.ssrc}})
	}
	b, err := list.Marshal()
	if err != nil {
		return nil
	}
	return b
}

// latest is when the newest unit was due.
func (p *path) latest() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.newest
}

// join adds a viewer, unless the path has ended.
func (p *path) join(v *viewer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended.Load() {
		return false
	}
	p.viewers[v] = struct{}{}
	return true
}

// leave is join's counterpart.
func (p *path) leave(v *viewer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.viewers[v]; ok {
		delete(p.viewers, v)
		n, _ := v.dropped()
		p.dropped += n
	}
}

// drain ends the stream: viewers are sent what there is, and that it is over.
func (p *path) drain() {
	p.live.Store(false)
	p.backlog.Close()
	for end := time.Now().Add(drainTimeout); p.playing.Load() > 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
}

// end disconnects all viewers. It may be called more than once.
func (p *path) end() {
	p.live.Store(false)
	p.backlog.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended.Store(true)
	for v := range p.viewers {
		v.session.Close()
	}
}

// casting sends a path's packets to its multicast groups.
type casting struct {
	viewers map[*viewer]struct{}
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

// cast begins with the first viewer.
func (p *path) cast(v *viewer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.casting == nil {
		ctx, cancel := context.WithCancel(context.Background())
		c := &casting{viewers: map[*viewer]struct{}{}, cancel: cancel}
		p.casting = c
		p.playing.Add(1)
		c.done.Go(func() {
			defer p.playing.Add(-1)
			p.runCast(ctx)
		})
	}
	p.casting.viewers[v] = struct{}{}
}

// uncast ends with the last one.
func (p *path) uncast(v *viewer) {
	p.mu.Lock()
	c := p.casting
	if c == nil {
		p.mu.Unlock()
		return
	}
	delete(c.viewers, v)
	last := len(c.viewers) == 0
	if last {
		p.casting = nil
	}
	p.mu.Unlock()
	if last {
		c.cancel()
		c.done.Wait()
	}
}

func (p *path) runCast(ctx context.Context) {
	r := p.backlog.NewReader(queue.ReaderOptions{Lag: lag})
	var pace pacer
	for {
		c, err := r.Next(ctx)
		if err != nil {
			return
		}
		captured := c.ntp
		if captured.IsZero() {
			captured = c.at
		}
		for b := range c.packets() {
			pace.wait(1)
			var k rtp.Packet
			if k.Unmarshal(b) != nil {
				continue
			}
			for ctx.Err() == nil {
				err := p.multicast.WritePacketRTPWithNTP(p.desc.Medias[c.track], &k, captured)
				if !errors.As(err, new(liberrors.ErrServerWriteQueueFull)) {
					break
				}
				time.Sleep(time.Millisecond)
			}
			p.sent.Add(int64(len(b)))
		}
	}
}

// place is a path as a target.
type place struct {
	s    *Server
	name string
}

// String implements publish.Target.
func (t *place) String() string { return t.s.URLs()[0] + pathURL(t.name) }

// Takes implements publish.Target.
func (t *place) Takes(codec string) bool { return takes(codec) }

// Connect implements publish.Target.
func (t *place) Connect(_ context.Context, streams []demux.Stream) (publish.Connection, error) {
	fail := func(err error) (publish.Connection, error) {
		return nil, publish.Permanent(fmt.Errorf("%s: %w", t, err))
	}
	if !usableName(t.name) {
		return fail(fmt.Errorf("a path has %d bytes at most, and no control characters", maxName))
	}
	d, err := describe(streams)
	if err != nil {
		return fail(err)
	}
	p, err := newPath(t.s, t.name, d)
	if err != nil {
		return fail(err)
	}
	o := &outgoing{p: p, url: t.String(), refused: make([]bool, len(streams))}
	for i := range streams {
		k, err := newPacketizer(d.Medias[i].Formats[0], streams[i])
		if err != nil {
			return fail(err)
		}
		o.packetizers = append(o.packetizers, k)
	}
	if !t.s.add(p) {
		return fail(errors.New("something is served under that name already: choose another one"))
	}
	t.s.goLive(p)
	return o, nil
}

// outgoing is a path while units are sent to it.
type outgoing struct {
	p           *path
	url         string
	packetizers []*packetizer
	refused     []bool // what of this stream cannot be sent has been logged
}

// Write implements publish.Connection. It waits for nobody.
func (o *outgoing) Write(u *publish.Unit) error {
	if u.Stream < 0 || u.Stream >= len(o.packetizers) {
		return nil // none of those that are described
	}
	packets, err := o.packetizers[u.Stream].packets(u)
	if err == nil && len(packets) > 0 {
		at := u.At
		if at.IsZero() {
			at = time.Now()
		}
		// Pictures come in the order of decoding, and At is when it was their turn;
		// those that are shown later were captured later.
		err = o.p.send(u.Stream, packets, u.Key, at, at.Add(u.PTS-u.DTS))
	}
	if errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("%s: closed: %w", o.url, err)
	}
	if err != nil && !o.refused[u.Stream] {
		o.refused[u.Stream] = true
		o.p.s.o.Log.Warn("left out what cannot be sent", "target", o.url, "stream", u.Stream, "cause", err)
	}
	return nil
}

// Finish implements publish.Connection.
func (o *outgoing) Finish() error {
	o.p.drain()
	return nil
}

// Close implements publish.Connection. The viewers are disconnected.
func (o *outgoing) Close() error {
	o.p.end()
	o.p.s.remove(o.p)
	return nil
}

// RTT implements publish.Connection: viewers are many, and each has another one.
func (o *outgoing) RTT() time.Duration { return 0 }

// Sent implements publish.Connection: bytes to all viewers, RTP with the headers that
// RTSP puts before it.
func (o *outgoing) Sent() int64 { return o.p.sent.Load() }
