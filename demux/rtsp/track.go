package rtsp

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtcp"

	"planar/demux"
)

// track is one elementary stream on its way from RTP packets to access units. But
// for damaged, everything belongs to the goroutine that reads the source.
type track struct {
	index  int
	media  *description.Media
	format format.Format // as the library knows it
	as     format.Format // as it is played
	codec  codec

	order    *reorderer
	clock    *trackClock
	units    *depacketizer
	gate     gate
	feedback feedback
	ssrc     uint32 // of the sender, as of the latest packet
	firs     uint8  // full intra requests sent
	askedAt  time.Time
	heldAt   int64 // what gate had held back when it was closed

	spacing spacing
	keyAt   uint32 // RTP time of the latest key frame
	keys    int64
	keyGap  time.Duration
	bytes   int64
	whole   int64
	damaged atomic.Int64 // packets that made no sense
	window  lossWindow
}

// begin makes what a track needs to be received. ordered says that packets come in
// order.
func (t *track) begin(line *timeline, ordered, showDamaged bool) {
	t.order = newReorderer(t.codec.clockRate, ordered)
	t.clock = line.track(t.codec.clockRate, t.codec.kind == demux.Video)
	t.gate.showDamaged = showDamaged
	t.restart()
	if r := t.codec.rate; r.Known() {
		t.order.setFrameTime(time.Duration(float64(time.Second) / r.Float()))
	}
}

// restart forgets what came before.
func (t *track) restart() {
	if t.units != nil {
		t.units.restart()
		return
	}
	var err error
	if t.units, err = newDepacketizer(t.as, t.codec, t.gate.showDamaged); err != nil {
		t.units = nil // the SDP describes it wrongly; take drops its packets
	}
}

// accepts reports whether a payload type is the track's. A medium with one format
// can hardly mean another one.
func (t *track) accepts(payloadType uint8) bool {
	return payloadType == t.format.PayloadType() || len(t.media.Formats) == 1
}

// stream describes the track to the player.
func (t *track) stream() demux.Stream {
	return demux.Stream{
		Index: t.index, Kind: t.codec.kind, Codec: t.codec.name, Default: true,
		Width: t.codec.width, Height: t.codec.height, FrameRate: t.codec.rate, Sound: t.codec.sound, Config: t.codec.extradata,
	}
}

// take turns a packet whose turn it is into access units and calls emit for each,
// saying whether it may be shown and whether decoding begins anew with it.
func (t *track) take(p inOrder, now time.Time, emit func(u unit, through, fresh bool)) {
	if t.units == nil {
		t.damaged.Add(1)
		return
	}
	t.ssrc = p.packet.SSRC
	switch {
	case p.restarted:
		t.restart()
		t.clock.rebase()
		t.lose(now)
	case p.lost > 0:
		t.units.lost()
		t.lose(now)
	}
	t.window.note(1, p.lost, now)
	units, err := t.units.push(p.packet)
	if err != nil {
		t.damaged.Add(1)
		t.lose(now) // what it held is missing
	}
	for _, u := range units {
		t.bytes += int64(len(u.data))
		if !u.damaged {
			t.whole++
		}
		t.spacing.note(u.rtpTime, t.codec.clockRate)
		if u.key && t.codec.kind == demux.Video {
			if t.keys++; t.keys > 1 {
				t.keyGap = ticks(int64(int32(u.rtpTime-t.keyAt)), t.codec.clockRate)
			}
			t.keyAt = u.rtpTime
		}
		through, fresh := true, false
		if t.codec.kind == demux.Video {
			through, fresh = t.gate.pass(u, now)
		}
		if u.duration == 0 {
			u.duration = t.spacing.length()
		}
		emit(u, through, fresh)
	}
	if t.codec.kind == demux.Video {
		t.order.setFrameTime(t.spacing.length())
	}
}

// lose notes that something is missing. Nothing that is heard refers to it.
func (t *track) lose(now time.Time) {
	if t.codec.kind == demux.Video {
		t.gate.lost(now)
	}
}

// receptionReport is what we tell the sender, RFC 3550 section 6.4.1.
func (t *track) receptionReport(now time.Time) (rtcp.ReceptionReport, bool) {
	fraction, total, highest, jitter, ssrc, ok := t.order.report()
	if !ok {
		return rtcp.ReceptionReport{}, false
	}
	r := rtcp.ReceptionReport{SSRC: ssrc, FractionLost: fraction, TotalLost: total, LastSequenceNumber: highest, Jitter: jitter}
	if at, lsr, ok := t.clock.lastReport(); ok {
		r.LastSenderReport = lsr
		r.Delay = uint32(min(now.Sub(at).Seconds(), 60000) * 65536)
	}
	return r, true
}

// reception tells how the track is being received.
func (t *track) reception(now time.Time) demux.TrackReception {
	c := t.order.counts()
	return demux.TrackReception{
		Kind: t.codec.kind, Codec: t.codec.name, Bytes: t.bytes, Units: t.whole,
		Packets: int64(c.received), Lost: int64(c.lost), Late: int64(c.late), Reordered: int64(c.reordered),
		Duplicated: int64(c.duplicated), Restarts: int64(c.restarts), Damaged: t.damaged.Load(),
		LossNow: t.window.share(now), Jitter: t.order.jitter(), ReorderWait: t.order.bound(),
		KeyInterval: t.keyGap, Held: t.gate.held, Waiting: t.gate.waiting(now),
	}
}

// spacing learns how far apart the pictures of a track are: the smallest distance
// between the timestamps of two that follow each other is that of two neighbours,
// whatever the order they are sent in.
type spacing struct {
	last  uint32
	begun bool
	gaps  [spacingLooks]time.Duration
	n     int
}

// spacingLooks is long enough to see neighbours among B frames and short enough to
// follow a change of the rate within a second.
const spacingLooks = 16

func (s *spacing) note(rtpTime uint32, clockRate int) {
	d := ticks(int64(int32(rtpTime-s.last)), clockRate)
	if s.begun && d != 0 && d > -time.Second && d < 10*time.Second {
		s.gaps[s.n%spacingLooks] = max(d, -d)
		s.n++
	}
	s.last, s.begun = rtpTime, true
}

// length is the distance, 0 while it is not known.
func (s *spacing) length() time.Duration {
	var least time.Duration
	for _, g := range s.gaps[:min(s.n, spacingLooks)] {
		if least == 0 || g < least {
			least = g
		}
	}
	return least
}

// ticks is a number of ticks of a clock as a duration.
func ticks(n int64, clockRate int) time.Duration {
	if clockRate <= 0 {
		return 0
	}
	rate := int64(clockRate)
	return time.Duration(n/rate)*time.Second + time.Duration(n%rate)*time.Second/time.Duration(rate)
}

// transit is a mean that forgets: each value counts a thirty-second.
type transit struct {
	mean  time.Duration
	begun bool
}

func (t *transit) note(d time.Duration) {
	if !t.begun {
		t.mean, t.begun = d, true
	}
	t.mean += (d - t.mean) / 32
}

// lossWindow is the loss over the last second, in tenths.
type lossWindow struct {
	tenths [10]struct {
		at        int64
		got, lost int
	}
}

func (w *lossWindow) note(got, lost int, now time.Time) {
	at := now.UnixMilli() / 100
	s := &w.tenths[at%10]
	if s.at != at {
		s.at, s.got, s.lost = at, 0, 0
	}
	s.got += got
	s.lost += lost
}

func (w *lossWindow) share(now time.Time) float64 {
	got, lost := 0, 0
	for _, s := range w.tenths {
		if now.UnixMilli()/100-s.at < 10 {
			got += s.got
			lost += s.lost
		}
	}
	if lost == 0 {
		return 0
	}
	return float64(lost) / float64(got+lost)
}

func randomSSRC() uint32 { return rand.Uint32N(math.MaxUint32) + 1 }
