package rtsp

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const (
	// A unit is sent on when it has so many packets, or bytes, even if it has not
	// ended: no picture is larger.
	maxUnitPackets = 16384
	maxUnitBytes   = 8 << 20
	// keylessAfter is how long a stream that has had no key picture is waited for;
	// then it is taken for one that is refreshed bit by bit.
	keylessAfter = 10 * time.Second
)

// push is a publisher's session. Its packets come from one goroutine of the library.
type push struct {
	p      *path
	conn   *gortsplib.ServerConn
	from   string
	tracks []*relay
	began  time.Time
}

// relay puts the packets of a medium together to units, of which it knows only where
// they end and whether decoding can begin with them.
type relay struct {
	video   bool
	key     func(payload []byte) bool // carries what a decoder begins with; nil if that cannot be told
	packets []*rtp.Packet             // of the unit that has not ended
	bytes   int
	keyed   bool   // a unit was a key unit
	keyTime uint32 // of the latest one
	report  atomic.Pointer[rtcp.SenderReport]
}

const statusConflict = 409 // RFC 9110 section 15.5.10; RTSP has none

// OnAnnounce answers ANNOUNCE of a publisher.
func (h handler) OnAnnounce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	if !h.allows(ctx.Conn, ctx.Request) {
		return reply(base.StatusUnauthorized, ""), errAuth
	}
	name := nameOf(ctx.Path)
	medias := ctx.Description.Medias
	switch {
	case !h.o.AcceptPush:
		return reply(base.StatusMethodNotAllowed, "Method Not Allowed: this server takes no streams"), nil
	case !usableName(name):
		return reply(base.StatusRequestURITooLong, ""), nil
	case len(medias) == 0 || len(medias) > maxStreams || slices.ContainsFunc(medias, func(m *description.Media) bool { return len(m.Formats) == 0 }):
		return reply(base.StatusUnsupportedMediaType, ""), nil
	}
	p, err := newPath(h.Server, name, ctx.Description)
	if err != nil {
		return reply(base.StatusUnsupportedMediaType, ""), nil
	}
	u := &push{p: p, conn: ctx.Conn, from: ctx.Conn.NetConn().RemoteAddr().String()}
	for _, m := range medias {
		r := &relay{video: m.Type == description.MediaTypeVideo}
		for _, f := range m.Formats {
			switch f.(type) {
			case *format.H264:
				r.key = keyH264
			case *format.H265:
				r.key = keyH265
			}
		}
		u.tracks = append(u.tracks, r)
	}
	if i := slices.IndexFunc(u.tracks, func(r *relay) bool { return r.key != nil }); i >= 0 {
		p.lead = i
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return reply(base.StatusServiceUnavailable, ""), nil
	case h.own[name] || h.paths[name] != nil:
		return reply(statusConflict, "Conflict: something is published at this path already"), nil
	case len(h.pushes) >= maxPushed:
		return reply(base.StatusServiceUnavailable, "Too Many Publishers"), nil
	}
	h.paths[name] = p
	h.pushes[ctx.Session] = u
	return reply(base.StatusOK, ""), nil
}

// OnRecord answers RECORD of a publisher: from now on there is something to see.
func (h handler) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	h.mu.Lock()
	u := h.pushes[ctx.Session]
	h.mu.Unlock()
	if u == nil {
		return reply(base.StatusMethodNotValidInThisState, ""), nil
	}
	if u.began.IsZero() {
		u.began = time.Now()
		h.o.Log.Info("publisher", "path", u.p.shown(), "from", u.from)
	}
	for i, m := range u.p.desc.Medias {
		for _, f := range m.Formats {
			ctx.Session.OnPacketRTP(m, f, func(k *rtp.Packet) { u.take(i, k, f.ClockRate(), time.Now()) })
		}
		// The library forgets a report that comes before the first packet.
		ctx.Session.OnPacketRTCP(m, func(k rtcp.Packet) {
			if r, ok := k.(*rtcp.SenderReport); ok && r.NTPTime != 0 { // 0: no wall clock, RFC 3550 section 6.4.1
				u.tracks[i].report.Store(r)
			}
		})
	}
	h.goLive(u.p)
	return reply(base.StatusOK, ""), nil
}

// take takes the next packet of a medium, which came at now. rate is of its
// timestamps, in Hz.
func (u *push) take(track int, k *rtp.Packet, rate int, now time.Time) {
	r := u.tracks[track]
	if len(r.packets) > 0 && r.packets[0].Timestamp != k.Timestamp {
		u.flush(track, rate, now)
	}
	r.packets = append(r.packets, k)
	r.bytes += len(k.Payload)
	if !r.video || k.Marker || len(r.packets) >= maxUnitPackets || r.bytes >= maxUnitBytes {
		u.flush(track, rate, now)
	}
}

// flush sends the unit on.
func (u *push) flush(track, rate int, now time.Time) {
	r := u.tracks[track]
	key := r.begins(now.Sub(u.began))
	_ = u.p.send(track, r.packets, key, now, r.captured(r.packets[0].Timestamp, rate))
	clear(r.packets)
	r.packets, r.bytes = r.packets[:0], 0
}

// captured is when something was captured by the publisher's clock; zero before its
// first report.
func (r *relay) captured(timestamp uint32, rate int) time.Time {
	sr := r.report.Load()
	if sr == nil || rate <= 0 {
		return time.Time{}
	}
	return ntp.Decode(sr.NTPTime).Add(time.Duration(int32(timestamp-sr.RTPTime)) * time.Second / time.Duration(rate))
}

// begins reports whether decoding can begin with the unit. Of several parts of one
// picture only the first counts. elapsed is since the stream has begun.
func (r *relay) begins(elapsed time.Duration) bool {
	if r.key == nil {
		return true // as without a backlog: viewers get what comes
	}
	at := r.packets[0].Timestamp
	if !slices.ContainsFunc(r.packets, func(k *rtp.Packet) bool { return r.key(k.Payload) }) {
		return !r.keyed && elapsed > keylessAfter
	}
	if r.keyed && r.keyTime == at {
		return false
	}
	r.keyed, r.keyTime = true, at
	return true
}

// keyH264 reports whether a payload (RFC 6184) carries a sequence parameter set or an
// IDR slice, or begins one.
func keyH264(b []byte) bool {
	const idr, sps, fuA = 5, 7, 28
	is := func(head byte) bool { return head&0x1f == idr || head&0x1f == sps }
	switch {
	case len(b) == 0:
		return false
	case b[0]&0x1f == stapA:
		return anyOf(b[1:], is)
	case b[0]&0x1f == fuA:
		return len(b) > 1 && b[1]&0x80 != 0 && is(b[1])
	}
	return is(b[0])
}

// keyH265 is the same of H.265 (RFC 7798): IDR and CRA pictures, and parameter sets.
func keyH265(b []byte) bool {
	const idrWRADL, cra, vps, pps, ap, fu = 19, 21, 32, 34, 48, 49
	is := func(kind byte) bool { return kind >= idrWRADL && kind <= cra || kind >= vps && kind <= pps }
	switch {
	case len(b) < 2:
		return false
	case b[0]>>1&0x3f == ap:
		return anyOf(b[2:], func(head byte) bool { return is(head >> 1 & 0x3f) })
	case b[0]>>1&0x3f == fu:
		return len(b) > 2 && b[2]&0x80 != 0 && is(b[2]&0x3f)
	}
	return is(b[0] >> 1 & 0x3f)
}

// anyOf looks at the first bytes of units that have their sizes in 16 bits before them.
func anyOf(b []byte, is func(head byte) bool) bool {
	for len(b) > 2 {
		n := int(b[0])<<8 | int(b[1])
		b = b[2:]
		if n == 0 || n > len(b) {
			return false
		}
		if is(b[0]) {
			return true
		}
		b = b[n:]
	}
	return false
}
