package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"planar/demux"
)

// session is one conversation with a server, from the connection to TEARDOWN. The
// library's goroutines put what arrives into the inbox; everything else is done by
// whoever reads it.
type session struct {
	client    *gortsplib.Client
	transport string
	tracks    []*track
	notes     []string      // tracks that are not played, and why
	length    time.Duration // of what is served, 0 if it is live
	ssrc      uint32        // ours, in reports
	reports   bool          // receiver reports are ours to send
	reportAt  time.Time     // when to send the next ones

	timeline *timeline
	shift    time.Duration // from timeline to the source's

	ended chan struct{} // closed when the conversation is over
	err   error         // why, valid then
}

// arrival is something that came.
type arrival struct {
	s    *session
	t    *track
	rtp  *rtp.Packet // or:
	rtcp rtcp.Packet
	at   time.Time
}

// inbox is where sessions put what arrives. Its reader comes back within
// microseconds, unless the machine is overloaded: 4096 packets of 1,200 bytes are
// 0.4 s of 100 Mbit/s. Over TCP packets may be larger: of those, 32 MiB.
type inbox struct {
	c        chan arrival
	bytes    atomic.Int64
	overflow atomic.Int64
}

const (
	inboxSize  = 4096
	inboxBytes = 32 << 20
)

func newInbox() *inbox { return &inbox{c: make(chan arrival, inboxSize)} }

// put never waits: the library's goroutines have to empty the sockets.
func (b *inbox) put(a arrival) {
	size := a.size()
	if b.bytes.Add(size) <= inboxBytes {
		select {
		case b.c <- a:
			return
		default:
		}
	}
	b.bytes.Add(-size)
	b.overflow.Add(1)
}

// taken is told of everything that has been read from c.
func (b *inbox) taken(a arrival) { b.bytes.Add(-a.size()) }

// size is about what an arrival takes up, in bytes.
func (a arrival) size() int64 {
	if a.rtp == nil {
		return 100
	}
	return int64(len(a.rtp.Payload)) + 100
}

// userAgent is how planar calls itself.
const userAgent = "planar"

// writeTimeout bounds how long taking leave of a server that is stuck takes.
const writeTimeout = time.Second

// noTimeout keeps the library from judging silence, which is done by us: it takes
// what has not come yet for something that came in 1970.
const noTimeout = 200 * 365 * 24 * time.Hour

// connect begins a conversation over the given transport ("udp", "tcp",
// "multicast", "http", or "auto": UDP unless the server refuses it), up to and
// including PLAY. It gives up when ctx ends.
func connect(ctx context.Context, o *Options, to address, transport string, in *inbox) (*session, error) {
	s := &session{
		timeline: newTimeline(), ended: make(chan struct{}), ssrc: randomSSRC(),
		client: &gortsplib.Client{
			Scheme: to.url.Scheme, Host: to.url.Host, UserAgent: userAgent, TLSConfig: o.TLS,
			ReadTimeout: noTimeout, WriteTimeout: writeTimeout,
			AnyPortEnable: true, // behind address translation the announced ports are not those of the packets
			// The library would shake hands at the first write, which nothing ends.
			DialTLSContext:    (&tls.Dialer{Config: o.TLS}).DialContext,
			OnPacketsLost:     func(uint64) {},
			OnDecodeError:     func(error) {},
			OnTransportSwitch: func(error) {},
		},
	}
	c := s.client
	var protocol gortsplib.Protocol
	switch transport {
	case "tcp", "http":
		protocol = gortsplib.ProtocolTCP
	case "multicast":
		protocol = gortsplib.ProtocolUDPMulticast
	default:
		protocol = gortsplib.ProtocolUDP
	}
	if transport == "http" {
		c.Tunnel = gortsplib.TunnelHTTP
	}
	c.Protocol = &protocol
	taps := &taps{}
	c.ListenPacket = taps.listen
	said := &answers{}
	c.OnResponse = said.note
	if err := c.Start(); err != nil {
		return nil, err
	}
	released := context.AfterFunc(ctx, c.Close)
	err := s.begin(to, &protocol, transport == "auto", in, taps, said, o)
	if !released() || err != nil {
		c.Close()
		taps.close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	go func() {
		s.err = c.Wait()
		taps.close()
		close(s.ended)
	}()
	return s, nil
}

// answers is what the latest responses said, as far as the library does not pass it on.
type answers struct {
	mu    sync.Mutex
	offer offer
	setUp headers.Transport
}

// note is called on the library's goroutine.
func (a *answers) note(r *base.Response) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(r.Body) > 0 {
		a.offer = offer{} // a map that was handed out stays as it is
		a.offer.read(r.Body)
	}
	a.setUp = headers.Transport{}
	_ = a.setUp.Unmarshal(r.Header["Transport"])
}

func (a *answers) get() (offer, headers.Transport) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.offer, a.setUp
}

// begin asks what there is, sets up what can be played, and starts it. protocol is
// what the client looks at; if the server refuses UDP, it may be changed to TCP.
func (s *session) begin(to address, protocol *gortsplib.Protocol, mayTCP bool, in *inbox, taps *taps, said *answers, o *Options) error {
	c := s.client
	desc, _, err := c.Describe((*base.URL)(to.url))
	if err != nil {
		return err
	}
	described, _ := said.get()
	s.length = described.length
	s.choose(desc, o)
	if len(s.tracks) == 0 {
		return &unplayable{s.notes}
	}
	secure := false
	for i, t := range s.tracks {
		if h, ok := t.format.(*format.H264); ok {
			// Cameras that do not say how they packetize use fragments all the same;
			// the library would refuse UDP for the mode that says they do not.
			h.PacketizationMode = max(h.PacketizationMode, 1)
		}
		before := taps.count()
		_, err := c.Setup(desc.BaseURL, t.media, 0, 0)
		var status liberrors.ErrClientBadStatusCode
		if mayTCP && i == 0 && errors.As(err, &status) && status.Code == base.StatusUnsupportedTransport {
			// In the same conversation: a server may need time to get over the end of one.
			*protocol = gortsplib.ProtocolTCP
			_, err = c.Setup(desc.BaseURL, t.media, 0, 0)
		}
		if err != nil {
			return err
		}
		_, setUp := said.get()
		from := s.sender(&setUp)
		put := func(p *rtp.Packet, at time.Time) { in.put(arrival{s: s, t: t, rtp: p, at: at}) }
		secure = setUp.Profile == headers.TransportProfileSAVP || t.media.KeyMgmtMikey != nil || t.media.KeyMgmtSDES != nil
		switch {
		case secure || *protocol == gortsplib.ProtocolTCP:
			// What is encrypted has to go through the library, which then also
			// reorders, by its own measure.
			c.OnPacketRTP(t.media, t.format, func(p *rtp.Packet) { put(p, time.Now()) })
		case *protocol == gortsplib.ProtocolUDPMulticast:
			if err := taps.join(c.NetConn(), &setUp, from, t, put); err != nil {
				return err
			}
		default:
			taps.route(before, from, t, put)
		}
		c.OnPacketRTCP(t.media, func(p rtcp.Packet) { in.put(arrival{s: s, t: t, rtcp: p, at: time.Now()}) })
		t.begin(s.timeline, *protocol == gortsplib.ProtocolTCP || secure, o.ShowDamaged)
		t.feedback = described.feedback[t.media.Control]
	}
	res, err := c.Play(nil)
	if err != nil {
		return err
	}
	s.alignBy(res)
	s.transport = map[gortsplib.Protocol]string{
		gortsplib.ProtocolTCP: "TCP", gortsplib.ProtocolUDP: "UDP", gortsplib.ProtocolUDPMulticast: "UDP multicast",
	}[*protocol]
	switch {
	case c.Tunnel == gortsplib.TunnelHTTP:
		s.transport = "HTTP"
	case *protocol == gortsplib.ProtocolTCP && to.url.Scheme == "rtsps":
		s.transport = "TLS"
	case secure:
		s.transport += ", encrypted"
	}
	s.reports = *protocol == gortsplib.ProtocolTCP // over UDP the library sends them
	s.reportAt = time.Now().Add(reportEvery)
	return nil
}

// choose takes the first video and the first audio track that can be played.
func (s *session) choose(desc *description.Session, o *Options) {
	taken := map[demux.Kind]bool{demux.Video: o.NoVideo, demux.Audio: o.NoAudio}
	for _, m := range desc.Medias {
		if m.IsBackChannel || m.Type != description.MediaTypeVideo && m.Type != description.MediaTypeAudio {
			continue
		}
		known := false
		for _, f := range m.Formats {
			as := recognise(f)
			c, ok := codecOf(as)
			if !ok {
				continue
			}
			known = true
			if !taken[c.kind] {
				taken[c.kind] = true
				s.tracks = append(s.tracks, &track{index: len(s.tracks), media: m, format: f, as: as, codec: c})
			}
			break
		}
		if !known && len(m.Formats) > 0 {
			s.notes = append(s.notes, fmt.Sprintf("its %s track is %s, which is not played", m.Type, encoding(m.Formats[0])))
		}
	}
}

// sender is the address that packets come from.
func (s *session) sender(t *headers.Transport) net.IP {
	if t.Source2 != nil {
		if ip := net.ParseIP(*t.Source2); ip != nil && !ip.IsUnspecified() && !ip.IsMulticast() && !ip.Equal(net.IPv4bcast) {
			return ip
		}
	}
	if c := s.client.NetConn(); c != nil { // it goes when ctx ends
		if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
			return a.IP
		}
	}
	return nil
}

// alignBy uses what the answer to PLAY says of the tracks' timestamps.
func (s *session) alignBy(res *base.Response) {
	var info headers.RTPInfo
	if info.Unmarshal(res.Header["RTP-Info"]) != nil {
		return
	}
	for i, e := range info {
		if e.Timestamp == nil {
			continue
		}
		for j, t := range s.tracks {
			byURL := t.media.Control != "" && strings.HasSuffix(strings.TrimRight(e.URL, "/"), strings.TrimRight(t.media.Control, "/"))
			if byURL || i == j && len(info) == len(s.tracks) && e.URL == "" {
				t.clock.rtpInfo(*e.Timestamp)
			}
		}
	}
}

// close takes leave of the server. What has arrived may still be in the inbox.
func (s *session) close() {
	s.client.Close()
	<-s.ended
}

// reception tells how the session goes.
func (s *session) reception(now time.Time) demux.Reception {
	r := demux.Reception{Transport: s.transport}
	for _, t := range s.tracks {
		r.Tracks = append(r.Tracks, t.reception(now))
	}
	if c := s.timeline.clock(); c.Known {
		r.Clock = demux.SenderClock{Known: true, Age: now.Sub(c.At), Offset: c.Offset, Plausible: c.Plausible}
	}
	return r
}

// reportEvery is how often receiver reports are sent, RFC 3550 section 6.2.
const reportEvery = 5 * time.Second

// report sends the receiver reports that are due.
func (s *session) report(now time.Time) {
	if !s.reports || now.Before(s.reportAt) {
		return
	}
	s.reportAt = now.Add(reportEvery)
	for _, t := range s.tracks {
		if r, ok := t.receptionReport(now); ok {
			s.send(t, &rtcp.ReceiverReport{SSRC: s.ssrc, Reports: []rtcp.ReceptionReport{r}})
		}
	}
}

// askForKeyFrame sends what the sender understands, RFC 4585 section 6.3.1 and
// RFC 5104 section 4.3.1.
func (s *session) askForKeyFrame(t *track) {
	switch {
	case t.feedback.pli:
		s.send(t, &rtcp.PictureLossIndication{SenderSSRC: s.ssrc, MediaSSRC: t.ssrc})
	case t.feedback.fir:
		t.firs++
		s.send(t, &rtcp.FullIntraRequest{
			SenderSSRC: s.ssrc, MediaSSRC: t.ssrc,
			FIR: []rtcp.FIREntry{{SSRC: t.ssrc, SequenceNumber: t.firs}},
		})
	}
}

// send sends RTCP; failing to does no harm that reading would not show.
func (s *session) send(t *track, p rtcp.Packet) { _ = s.client.WritePacketRTCP(t.media, p) }

// unplayable is the error for a session without a track that can be played.
type unplayable struct{ notes []string }

func (u *unplayable) Error() string {
	if len(u.notes) == 0 {
		return "no video or sound in it"
	}
	return strings.Join(u.notes, "; ")
}

func (u *unplayable) Is(err error) bool { return err == ErrUnplayable }

// ErrUnplayable (errors.Is) is returned by Open when there is no track that planar
// plays by itself.
var ErrUnplayable = errors.New("no track that can be played")
