// Package rtsp receives live streams from RTSP servers and cameras (RFC 2326):
// gortsplib holds the conversation, and what arrives is put in order, timed and
// judged here. It knows no decoders: the caller brings them.
//
// Packets go this way: a socket (tap.go) or the library's callbacks, the inbox, and
// then, all on the goroutine that calls Read, a reorderer, a depacketizer, a gate
// that holds back what cannot be shown whole, and a timeline.
package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtcp"

	"planar/demux"
)

// Options say how to receive.
type Options struct {
	// Transport is "udp", "tcp", "multicast", "http", or "auto" (or empty): UDP, and
	// TCP when nothing comes or too much gets lost.
	Transport   string
	OpenTimeout time.Duration // until the first packet; 0 means 10 s
	TLS         *tls.Config   // for rtsps; nil means the system's authorities
	// ShowDamaged lets pictures through that are not whole, or refer to such.
	ShowDamaged bool
	NoVideo     bool // do not ask for video
	NoAudio     bool // nor for audio
	Log         *slog.Logger
	// VideoDecoder and AudioDecoder make decoders for what a stream describes;
	// extradata is in the form that FFmpeg expects.
	VideoDecoder func(s demux.Stream, extradata []byte) (demux.VideoDecoder, error)
	AudioDecoder func(s demux.Stream, extradata []byte) (demux.AudioDecoder, error)
}

const (
	defaultOpenTimeout = 10 * time.Second
	// udpPatience is how long UDP packets are waited for before TCP is tried.
	udpPatience = 2 * time.Second
	// switchAgain is how long after a failed change of the transport another one is tried.
	switchAgain = time.Minute
	// standbyMost is how long a session over TCP may take to bring a key frame.
	standbyMost = 30 * time.Second
	// farewell is how long a sender that has said goodbye may stay silent before it
	// is believed: some say it and go on.
	farewell = time.Second
	// byeOvertakes is how long after a goodbye, which comes to another port, packets
	// may come that were sent before it.
	byeOvertakes = 100 * time.Millisecond
	// busyWait is how long after a 503 a server is asked again.
	busyWait = 300 * time.Millisecond
	// askEvery is how often a key frame is asked for while one is missing.
	askEvery = 500 * time.Millisecond
)

// Source is a live stream. It implements demux.Source and demux.Receiver.
type Source struct {
	o    Options
	to   address
	info demux.Info
	ctx  context.Context
	stop context.CancelCauseFunc
	in   *inbox
	work sync.WaitGroup // goroutines that close or make sessions

	// Owned by the goroutine that reads.
	ready      []*demux.Packet
	silence    demux.Silence
	heard      time.Time // when the latest packet came
	byes       map[*track]time.Time
	timer      *time.Timer
	trouble    trouble
	began      time.Time     // arrival of what is at 0
	transit    transit       // from being sent to having arrived, but for a constant
	switchTo   chan *session // a session over TCP that is ready, nil if it failed
	trying     bool
	early      []arrival // of the session that is being made, no more than the inbox holds
	earlyBytes int64
	tryAfter   time.Time

	mu       sync.Mutex // guards what Reception and the decoders look at
	cur      *session
	standby  *session     // receives already, but waits for a key frame
	selected map[int]bool // nil: all
	switches int64
	before   demux.Reception // of the sessions that were left

	standbySince time.Time
}

var (
	_ demux.Source   = (*Source)(nil)
	_ demux.Receiver = (*Source)(nil)
)

// Open connects to an rtsp:// or rtsps:// address and returns when the first packet
// has come, at the latest after o.OpenTimeout or when ctx ends. The error is one
// line without passwords; errors.Is tells demux.ErrInterrupted and ErrUnplayable.
func Open(ctx context.Context, name string, o Options) (*Source, error) {
	if o.OpenTimeout <= 0 {
		o.OpenTimeout = defaultOpenTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	to, err := parseAddress(name)
	if err != nil {
		return nil, err
	}
	s := &Source{o: o, to: to, in: newInbox(), timer: time.NewTimer(time.Hour), byes: map[*track]time.Time{}, switchTo: make(chan *session, 1)}
	s.ctx, s.stop = context.WithCancelCause(context.Background())
	opening, cancel := context.WithTimeout(ctx, o.OpenTimeout)
	defer cancel()
	if err := s.open(opening); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// transports lists what is tried, in this order.
func (s *Source) transports() []string {
	switch t := s.o.Transport; {
	case t != "" && t != "auto":
		return []string{t}
	case s.to.url.Scheme == "rtsps":
		return []string{"tcp"}
	}
	return []string{"auto", "tcp"}
}

func (s *Source) open(ctx context.Context) error {
	list := s.transports()
	for i, transport := range list {
		last := i == len(list)-1
		began := time.Now()
		sess, err := s.connect(ctx, transport)
		if err != nil {
			if !last && refusesUDP(err) {
				continue
			}
			return s.to.explain(err, transport, s.o.OpenTimeout)
		}
		s.cur = sess
		until := began.Add(s.o.OpenTimeout)
		if last = last || sess.transport == "TCP"; !last {
			until = time.Now().Add(udpPatience)
		}
		err = s.first(ctx, until)
		if err == nil {
			s.describe()
			return nil
		}
		if ctx.Err() != nil || last {
			return err
		}
		s.o.Log.Info(fmt.Sprintf("%s: nothing came over UDP within %s: trying TCP", s.to.show, seconds(udpPatience)))
		s.cur = nil
		sess.close()
	}
	return nil
}

// connect is the package's connect, but a server that is busy, maybe with the end of
// another conversation, is asked again.
func (s *Source) connect(ctx context.Context, transport string) (*session, error) {
	for {
		sess, err := connect(ctx, &s.o, s.to, transport, s.in)
		var status liberrors.ErrClientBadStatusCode
		if !errors.As(err, &status) || status.Code != base.StatusServiceUnavailable {
			return sess, err
		}
		select {
		case <-time.After(busyWait):
		case <-ctx.Done():
			return nil, err // what it says is more than that time is over
		}
	}
}

// first waits for the first packet.
func (s *Source) first(ctx context.Context, until time.Time) error {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	for {
		select {
		case a := <-s.in.c:
			s.in.taken(a)
			s.handle(a)
			if a.rtp != nil && a.s == s.cur {
				return nil
			}
		case <-t.C:
			return s.to.explain(context.DeadlineExceeded, "", s.o.OpenTimeout)
		case <-ctx.Done():
			return s.to.explain(context.Cause(ctx), "", s.o.OpenTimeout)
		case <-s.cur.ended:
			return s.to.explain(s.cur.err, "", s.o.OpenTimeout)
		}
	}
}

func (s *Source) describe() {
	s.info = demux.Info{Format: "rtsp", Live: true, Duration: s.cur.length, Notes: s.cur.notes}
	var names []string
	for _, t := range s.cur.tracks {
		names = append(names, t.codec.name)
	}
	s.o.Log.Info(fmt.Sprintf("%s: %s over %s", s.to.show, strings.Join(names, " and "), s.cur.transport))
}

// Info describes the source as a whole.
func (s *Source) Info() demux.Info { return s.info }

// Streams lists the streams. The caller owns the list.
func (s *Source) Streams() []demux.Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []demux.Stream
	for _, t := range s.cur.tracks {
		list = append(list, t.stream())
	}
	return list
}

// Select makes Read return packets of these streams only.
func (s *Source) Select(streams ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.selected = map[int]bool{}
	for _, i := range streams {
		s.selected[i] = true
	}
}

// Seek is not possible.
func (s *Source) Seek(time.Duration) error {
	return s.to.fail("cannot seek in a live stream", errors.ErrUnsupported)
}

// VideoDecoder makes a decoder for a stream.
func (s *Source) VideoDecoder(i int) (demux.VideoDecoder, error) {
	t, err := s.track(i, demux.Video)
	if err != nil {
		return nil, err
	}
	return s.o.VideoDecoder(t.stream(), t.codec.extradata)
}

// AudioDecoder makes a decoder for a stream.
func (s *Source) AudioDecoder(i int) (demux.AudioDecoder, error) {
	t, err := s.track(i, demux.Audio)
	if err != nil {
		return nil, err
	}
	return s.o.AudioDecoder(t.stream(), t.codec.extradata)
}

func (s *Source) track(i int, k demux.Kind) (*track, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i < 0 || i >= len(s.cur.tracks) || s.cur.tracks[i].codec.kind != k {
		return nil, s.to.fail(fmt.Sprintf("stream %d is not %s", i, k), nil)
	}
	return s.cur.tracks[i], nil
}

// Interrupt makes a blocked and every further Read return demux.ErrInterrupted.
func (s *Source) Interrupt() { s.stop(demux.ErrInterrupted) }

// Close takes leave of the server and returns when all goroutines have ended.
func (s *Source) Close() error {
	s.stop(demux.ErrInterrupted)
	s.timer.Stop()
	s.mu.Lock()
	open := []*session{s.cur, s.standby}
	s.standby = nil
	s.mu.Unlock()
	s.work.Wait()
	select {
	case late := <-s.switchTo:
		open = append(open, late)
	default:
	}
	for _, sess := range open {
		if sess != nil {
			sess.close()
		}
	}
	return nil
}

// Read returns the next access unit; its bytes are the caller's. After Interrupt it
// returns demux.ErrInterrupted, when the sender has said goodbye io.EOF, and when
// the server has gone or fallen silent an error that says so.
func (s *Source) Read() (*demux.Packet, error) {
	for {
		if s.ctx.Err() != nil {
			return nil, demux.ErrInterrupted
		}
		if len(s.ready) > 0 {
			p := s.ready[0]
			s.ready[0] = nil
			s.ready = s.ready[1:]
			return p, nil
		}
		if err := s.step(); err != nil {
			return nil, err
		}
	}
}

// step waits until something has to be done, and does it.
func (s *Source) step() error {
	now := time.Now()
	if err := s.tend(now); err != nil || len(s.ready) > 0 {
		return err
	}
	s.timer.Reset(s.alarm(now).Sub(now))
	select {
	case a := <-s.in.c:
		s.in.taken(a)
		s.handle(a)
		s.drain()
		return nil
	case <-s.timer.C:
		return nil // tend looks at the clock
	case <-s.ctx.Done():
		return nil
	case sess := <-s.switchTo:
		s.tried(sess)
		return nil
	case <-s.cur.ended:
		// What came before comes first.
		if s.drain(); len(s.ready) > 0 {
			return nil
		}
		if isEOF(s.cur.err) {
			// No io.EOF: the sender has not said goodbye.
			return s.to.fail("the server closed the connection", syscall.ECONNRESET)
		}
		return s.to.explain(s.cur.err, "", s.o.OpenTimeout)
	}
}

// drain handles what else has come already.
func (s *Source) drain() {
	for range inboxSize {
		select {
		case a := <-s.in.c:
			s.in.taken(a)
			s.handle(a)
		default:
			return
		}
	}
}

// alarm is when tend has to look next, though nothing comes.
func (s *Source) alarm(now time.Time) time.Time {
	next := s.heard.Add(s.silence.Limit())
	soonest := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	for _, sess := range []*session{s.cur, s.standby} {
		if sess == nil {
			continue
		}
		if sess.reports {
			soonest(sess.reportAt)
		}
		for _, t := range sess.tracks {
			soonest(t.order.deadline())
			if s.wantsKey(t) {
				soonest(t.askedAt.Add(askEvery))
			}
		}
	}
	if at, all := s.goodbye(); all {
		soonest(at.Add(farewell))
	}
	if next.Before(now) {
		return now
	}
	return next
}

// goodbye is when the last of the tracks said goodbye, if all have.
func (s *Source) goodbye() (at time.Time, all bool) {
	for _, b := range s.byes {
		if b.After(at) {
			at = b
		}
	}
	return at, len(s.byes) > 0 && len(s.byes) == len(s.cur.tracks)
}

// handle takes what came.
func (s *Source) handle(a arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case a.s == s.cur, a.s == s.standby:
	case s.trying && len(s.early) < inboxSize && s.earlyBytes < inboxBytes:
		s.early = append(s.early, a) // connect has not returned yet
		s.earlyBytes += a.size()
		return
	default:
		return // of a conversation that is over
	}
	s.take(a)
}

// take takes what came in a conversation that goes on. mu is held.
func (s *Source) take(a arrival) {
	if a.rtcp != nil {
		s.handleRTCP(a)
		return
	}
	if a.s == s.cur {
		s.silence.Arrived(a.at)
		s.heard = a.at
		if bye, ok := s.byes[a.t]; ok && a.at.Sub(bye) > byeOvertakes {
			delete(s.byes, a.t)
		}
	}
	a.t.order.push(a.rtp, a.at)
	// By the time of its arrival: what is missing may be in the inbox.
	s.collect(a.s, a.t, a.at)
}

func (s *Source) handleRTCP(a arrival) {
	switch p := a.rtcp.(type) {
	case *rtcp.SenderReport:
		a.t.clock.senderReport(p.NTPTime, p.RTPTime, a.at)
	case *rtcp.Goodbye:
		if a.s == s.cur {
			s.byes[a.t] = a.at
		}
	}
}

// collect takes from a track's reorderer what is in order by now. mu is held.
func (s *Source) collect(sess *session, t *track, now time.Time) {
	for {
		p, ok := t.order.pop(now)
		if !ok {
			return
		}
		open, since, held := t.gate.open, t.gate.since, t.gate.held
		if p.restarted {
			s.o.Log.Info(fmt.Sprintf("%s: %s: the sender has begun anew", s.to.show, t.codec.kind))
		}
		t.take(p, now, func(u unit, through, fresh bool) { s.emit(sess, t, u, through, fresh, p.at) })
		switch {
		case open && !t.gate.open:
			t.heldAt = held
		case !open && t.gate.open && t.keys > 1:
			s.o.Log.Info(fmt.Sprintf("%s: after a loss %d pictures were held back for %.2f s", s.to.show, t.gate.held-t.heldAt, now.Sub(since).Seconds()))
		}
		if sess == s.cur && t.codec.kind == demux.Video {
			s.trouble.note(1, p.lost, t.gate.waiting(now) > 0 && t.keys > 0, now)
		}
	}
}

// emit makes a packet of an access unit whose last piece came at the given time,
// unless it is to be held back: then it only tells the time. mu is held.
func (s *Source) emit(sess *session, t *track, u unit, through, fresh bool, at time.Time) {
	if s.began.IsZero() {
		s.began = at
	}
	pts := t.clock.pts(u.rtpTime, at) + sess.shift
	if sess == s.cur && t == sess.reference() {
		s.transit.note(at.Sub(s.began) - pts)
	}
	if !through || s.selected != nil && !s.selected[t.index] {
		return
	}
	p := &demux.Packet{
		Stream: t.index, PTS: pts, DTS: demux.NoPTS, Duration: u.duration,
		Key: u.key, Fresh: fresh, Waited: time.Since(at), Size: len(u.data), Data: u.data,
	}
	if c, ok := t.clock.captured(u.rtpTime); ok && sess.timeline.clock().Plausible {
		p.Captured = c
	}
	if sess == s.cur {
		s.ready = append(s.ready, p)
		return
	}
	// The pictures before this one still come over the other transport.
	if p.Fresh || !sess.hasVideo() {
		p.Fresh = true
		// It goes on where the pictures of the other session were by now.
		move := at.Sub(s.began) - s.transit.mean - p.PTS
		p.PTS += move
		sess.shift += move
		s.promote()
		s.ready = append(s.ready, p)
	}
}

// reference is the track by whose time the session goes: the video, if there is any.
func (s *session) reference() *track {
	for _, t := range s.tracks {
		if t.codec.kind == demux.Video {
			return t
		}
	}
	return s.tracks[0]
}

func (s *session) hasVideo() bool { return s.reference().codec.kind == demux.Video }

// promote goes on with the standby session, which has a picture now. mu is held.
func (s *Source) promote() {
	old := s.cur
	left := old.reception(time.Now())
	left.Add(s.before)
	s.before = left
	s.cur, s.standby = s.standby, nil
	s.switches++
	s.trouble = trouble{}
	s.heard, s.silence = time.Now(), demux.Silence{}
	clear(s.byes)
	s.work.Go(old.close)
	s.o.Log.Warn(fmt.Sprintf("%s: now over %s", s.to.show, s.cur.transport))
}

// tend does what is due by the clock.
func (s *Source) tend(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	quiet := len(s.in.c) == 0 // else what has come may change what is missing
	for _, sess := range []*session{s.cur, s.standby} {
		if sess == nil {
			continue
		}
		sess.report(now)
		for _, t := range sess.tracks {
			if quiet {
				s.collect(sess, t, now)
			}
			if s.wantsKey(t) && now.Sub(t.askedAt) >= askEvery {
				t.askedAt = now
				sess.askForKeyFrame(t)
			}
		}
	}
	if len(s.ready) > 0 {
		return nil
	}
	if limit := s.silence.Limit(); now.Sub(s.heard) >= limit && quiet {
		return s.to.fail("no data for "+seconds(limit), nil)
	}
	if at, all := s.goodbye(); all && quiet && now.Sub(at) >= farewell {
		return io.EOF
	}
	s.giveUpStandby(now)
	s.considerTCP(now)
	return nil
}

// wantsKey reports whether a key frame is missing that can be asked for.
func (s *Source) wantsKey(t *track) bool {
	missing := !t.gate.open && !t.gate.since.IsZero() // the first of all may just be coming
	return t.codec.kind == demux.Video && missing && (t.feedback.pli || t.feedback.fir) && t.ssrc != 0
}

// considerTCP begins a conversation over TCP beside the one over UDP when that
// loses too much. The pictures change over with the next key frame, without a gap.
// mu is held.
func (s *Source) considerTCP(now time.Time) {
	if len(s.transports()) < 2 || s.cur.transport != "UDP" || s.trying || s.standby != nil || now.Before(s.tryAfter) || !s.trouble.enough(now) {
		return
	}
	s.trying = true
	s.o.Log.Warn(s.to.show + ": too many packets get lost over UDP: changing to TCP")
	s.work.Go(func() {
		ctx, cancel := context.WithTimeout(s.ctx, s.o.OpenTimeout)
		defer cancel()
		sess, err := s.connect(ctx, "tcp")
		if err != nil && s.ctx.Err() == nil {
			s.o.Log.Warn(s.to.explain(err, "tcp", s.o.OpenTimeout).Error() + ": staying with UDP")
		}
		s.switchTo <- sess
	})
}

// giveUpStandby lets go of a session over TCP that has ended, or brings no picture.
// mu is held.
func (s *Source) giveUpStandby(now time.Time) {
	if s.standby == nil {
		return
	}
	select {
	case <-s.standby.ended:
	default:
		if now.Sub(s.standbySince) < standbyMost {
			return
		}
	}
	s.o.Log.Warn(s.to.show + ": no picture came over TCP: staying with UDP")
	s.work.Go(s.standby.close)
	s.standby, s.tryAfter = nil, now.Add(switchAgain)
}

// tried takes the session over TCP, or notes that there is none.
func (s *Source) tried(sess *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	early := s.early
	s.trying, s.early, s.earlyBytes = false, nil, 0
	s.tryAfter = time.Now().Add(switchAgain)
	if sess == nil {
		return
	}
	if !sameTracks(s.cur, sess) {
		s.o.Log.Warn(s.to.show + ": over TCP it is not the same stream: staying with UDP")
		s.work.Go(sess.close)
		return
	}
	s.standby, s.standbySince = sess, time.Now()
	for _, a := range early {
		if a.s == sess {
			s.take(a)
		}
	}
}

func sameTracks(a, b *session) bool {
	if len(a.tracks) != len(b.tracks) {
		return false
	}
	for i := range a.tracks {
		if a.tracks[i].codec.name != b.tracks[i].codec.name {
			return false
		}
	}
	return true
}

// Reception tells how the stream is being received.
func (s *Source) Reception() demux.Reception {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	r := s.cur.reception(now)
	r.Overflow, r.Switches = s.in.overflow.Load(), s.switches
	r.Add(s.before)
	return r
}
