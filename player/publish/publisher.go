package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"planar/demux"
	"planar/player/clock"
	"planar/player/queue"
)

// Publisher sends one source to its destinations. It is made by New; Run is called
// once, Stats at any time.
type Publisher struct {
	cfg     Config
	info    demux.Info
	live    bool
	tracks  []*track
	group   *queue.Group[item]
	backlog *queue.Backlog[*Unit]
	pace    pacer
	senders []*sender
	began   time.Time

	mu      sync.Mutex
	src     demux.Source
	streams []demux.Stream // what is sent, once it is known
	ready   chan struct{}  // closed then, or when nothing can be sent
	opened  bool
	failure Lost
	stop    context.CancelFunc // ends Run
	timer   *time.Timer        // opens without the streams that are missing

	read atomic.Int64 // packets
	lost atomic.Int64 // times that a live source was lost
	left atomic.Int64 // senders that run
}

// ErrNothing is returned where a source has nothing that can be sent.
var ErrNothing = errors.New("has neither pictures nor sound that can be sent")

// item is what a track is given: a packet, or a mark.
type item struct {
	*demux.Packet
	offset  time.Duration // from the source's time to ours
	mark    mark
	begin   func(*track)  // of markBegin
	reached chan struct{} // of markLeave: closed when it is done
}

type mark int

const (
	markNone  mark = iota
	markBegin      // packets of a newly opened source follow
	markDrain      // the source goes back to its beginning
	markLeave      // the source is about to be closed
	markEnd        // nothing follows
)

// Bounds of what is read ahead of the clock, for each stream: a second or 16 MiB of
// packets, three raw pictures; 64 MiB in all where a file is interleaved badly.
const (
	aheadTime   = time.Second
	aheadBytes  = 16 << 20
	aheadFrames = 3
	aheadHard   = 64 << 20
)

// New prepares to publish. On an error the source has been closed.
func New(cfg Config) (*Publisher, error) {
	p := &Publisher{cfg: cfg, src: cfg.Source, info: cfg.Source.Info(), ready: make(chan struct{})}
	p.live = p.info.Live
	longest := time.Duration(0)
	for _, d := range cfg.Destinations {
		longest = max(longest, d.Delay)
	}
	p.backlog = queue.NewBacklog[*Unit](queue.Keep{Bytes: backlogBytes, Duration: longest + lag})
	p.group = queue.NewGroup(aheadHard,
		func(i item) queue.Cost {
			if i.Packet == nil {
				return queue.Cost{}
			}
			return queue.Cost{Bytes: int64(i.Size), Duration: i.Duration}
		},
		func(i item) { i.Release() })
	if err := p.choose(); err != nil {
		p.src.Close()
		return nil, fmt.Errorf("%s: %w", cfg.Name, err)
	}
	for _, d := range cfg.Destinations {
		p.senders = append(p.senders, newSender(p, d))
	}
	return p, nil
}

// choose takes the best picture and sound track and decides what becomes of them.
func (p *Publisher) choose() error {
	var wanted []int
	for _, k := range []demux.Kind{demux.Video, demux.Audio} {
		s := p.chosen(k)
		if s == nil {
			continue
		}
		t, err := newTrack(p, *s)
		if err != nil {
			return err
		}
		p.tracks = append(p.tracks, t)
		wanted = append(wanted, s.Index)
	}
	if len(p.tracks) == 0 {
		return ErrNothing
	}
	p.src.Select(wanted...)
	return nil
}

// chosen is the stream of a kind that is sent; nil for none.
func (p *Publisher) chosen(k demux.Kind) *demux.Stream {
	if k == demux.Video && p.cfg.NoVideo || k == demux.Audio && p.cfg.NoAudio {
		return nil
	}
	streams := p.src.Streams()
	if index, ok := p.cfg.Tracks[k]; ok {
		if i := slices.IndexFunc(streams, func(s demux.Stream) bool { return s.Index == index }); i >= 0 {
			return &streams[i]
		}
		return nil
	}
	var best *demux.Stream
	for i := range streams {
		if s := &streams[i]; s.Kind == k && !s.Still && (best == nil || s.Default && !best.Default) {
			best = s
		}
	}
	return best
}

// takenByAll reports whether all targets can carry a codec; if not, one that cannot.
func (p *Publisher) takenByAll(codec string) (bool, Target) {
	for _, d := range p.cfg.Destinations {
		if !d.Target.Takes(codec) {
			return false, d.Target
		}
	}
	return true, nil
}

// Lost is Run's error where something of the source could not be sent. It has been
// logged.
type Lost struct {
	All bool // nothing was left to send
	Err error
}

func (l *Lost) Error() string { return l.Err.Error() }

// Unwrap returns the cause.
func (l *Lost) Unwrap() error { return l.Err }

// lose notes that a track cannot be sent any more.
func (p *Publisher) lose(t *track, err error) {
	p.cfg.Log.Error(fmt.Sprintf("%s: %s is no longer sent: %v", p.cfg.Name, t.in.Kind, err))
	t.lane.SetActive(false) // or reading would run ahead to fill it
	p.mu.Lock()
	defer p.mu.Unlock()
	t.lost = true
	p.failure.Err = err
	p.failure.All = !slices.ContainsFunc(p.tracks, func(t *track) bool { return !t.lost })
	if p.failure.All {
		p.stop()
	}
}

// Outcome is what became of a destination.
type Outcome struct {
	Address string
	Err     error // nil if everything was sent that could be
}

// Run publishes until the source ends, ctx does, or all destinations have failed. It
// closes the source and all connections, and returns when all its goroutines have
// ended. The error is the source's.
func (p *Publisher) Run(ctx context.Context) ([]Outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.mu.Lock()
	p.began, p.stop = time.Now(), cancel
	p.mu.Unlock()
	var tracks, senders sync.WaitGroup
	p.left.Store(int64(len(p.senders)))
	for _, s := range p.senders {
		senders.Go(func() {
			s.run(ctx)
			if p.left.Add(-1) == 0 {
				cancel() // nobody is left to send to
			}
		})
	}
	interrupted := make(chan struct{})
	keep := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		p.group.Close()
		p.source().Interrupt()
		p.open()
	})
	for _, t := range p.tracks {
		tracks.Go(func() {
			t.run(ctx)
			p.settle(t, nil)
		})
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		p.watch(ctx)
	}()
	err := p.readLoop(ctx)
	if ctx.Err() != nil && (err == nil || errors.Is(err, demux.ErrInterrupted)) {
		err = nil
	}
	for _, t := range p.tracks {
		t.lane.Put(item{mark: markEnd})
	}
	tracks.Wait()
	p.group.Close()
	p.backlog.Close()
	senders.Wait()
	stopped := ctx.Err() != nil
	if !keep() {
		<-interrupted // a source that is closed is not interrupted any more
	}
	cancel()
	<-watched
	closeErr := p.source().Close()
	if err == nil && !stopped {
		err = closeErr
	}
	if err == nil && p.failure.Err != nil {
		err = &p.failure
	}
	var out []Outcome
	for _, s := range p.senders {
		out = append(out, Outcome{s.target.String(), s.failure()})
	}
	return out, err
}

func (p *Publisher) source() demux.Source {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.src
}

// watch closes connections that are stuck.
func (p *Publisher) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, s := range p.senders {
			s.unstick(time.Now())
		}
	}
}

// readLoop reads packets and hands them to the tracks, goes back to the beginning of
// a file that is looped, and brings a live source back.
func (p *Publisher) readLoop(ctx context.Context) error {
	if err := p.begin(); err != nil {
		return err
	}
	var stamps *clock.Restamper
	start := time.Duration(0) // where the source's time 0, or its first packet, comes to be
	rounds, some := 1, false
	end := func() { // of the round
		for _, t := range p.tracks {
			start = max(start, t.end)
		}
		stamps = nil
		p.markAll(markDrain)
	}
	for ctx.Err() == nil {
		pkt, err := p.source().Read()
		switch {
		case err == nil:
		case errors.Is(err, demux.ErrAgain):
			continue
		case ctx.Err() != nil:
			return nil
		case p.live && p.cfg.Reopen != nil:
			end()
			if err := p.reopen(ctx, err); err != nil {
				return err
			}
			start = max(start, reordering+time.Since(p.began)) // time has gone on meanwhile
			continue
		case !errors.Is(err, io.EOF):
			return err
		case some && p.info.Seekable && (p.cfg.Loop < 0 || rounds < p.cfg.Loop):
			rounds++
			some = false
			end()
			if err := p.source().Seek(0); err != nil {
				return err
			}
			continue
		default:
			if !p.info.Seekable && (p.cfg.Loop < 0 || p.cfg.Loop > 1) {
				p.cfg.Log.Warn(p.cfg.Name + ": can be read once only: it is not looped")
			}
			return nil
		}
		some = true
		p.read.Add(1)
		t := p.track(pkt.Stream)
		if t == nil {
			pkt.Release()
			continue
		}
		at := pkt.DTS
		if at == demux.NoPTS {
			at = pkt.PTS
		}
		if stamps == nil {
			if rounds == 1 && !p.live && at != demux.NoPTS {
				start -= min(0, at) // decoding may begin before the first picture is shown
				if p.encodesSound() {
					start += priming
				}
			}
			if p.live {
				start = max(start, reordering)
			}
			stamps = clock.NewRestamper(start, p.live)
		}
		i := item{Packet: pkt}
		if at != demux.NoPTS {
			i.offset = stamps.Offset(pkt.Stream, at, pkt.Duration)
			t.end = max(t.end, pkt.Time()+pkt.Duration+i.offset)
			if p.live {
				p.pace.arrived(pkt.Time()+i.offset, pkt.Captured, time.Now())
			}
		}
		if t.in.Kind == demux.Audio {
			i.offset += p.cfg.AudioDelay
		}
		t.take(i)
	}
	return nil
}

// reordering is room before the first picture of a live stream, whose decoding may
// begin earlier by as many pictures as are shown in another order: four at 25 fps.
const reordering = 160 * time.Millisecond

// priming is room for what an encoder of sound begins with, a packet that lies before
// the sound it was given: 1024 samples of AAC at 32 kHz.
const priming = 32 * time.Millisecond

func (p *Publisher) encodesSound() bool {
	return slices.ContainsFunc(p.tracks, func(t *track) bool { return t.in.Kind == demux.Audio && !t.copied })
}

func (p *Publisher) track(stream int) *track {
	for _, t := range p.tracks {
		if t.in.Index == stream {
			return t
		}
	}
	return nil
}

func (p *Publisher) markAll(m mark) {
	for _, t := range p.tracks {
		t.lane.Put(item{mark: m})
	}
}

// reopen opens a live source again, with back-off.
func (p *Publisher) reopen(ctx context.Context, cause error) error {
	p.cfg.Log.Warn(fmt.Sprintf("%v: trying again", cause))
	p.lost.Add(1)
	p.leave(ctx)
	p.source().Close()
	from := time.Now()
	for n := 1; ctx.Err() == nil; n++ {
		if !sleep(ctx, backoff(n, 0.5)) {
			break
		}
		src, err := p.cfg.Reopen(ctx)
		if err != nil {
			continue
		}
		if err := p.adopt(ctx, src); err != nil {
			return err
		}
		p.cfg.Log.Warn(fmt.Sprintf("%s: back after %.1f s", p.cfg.Name, time.Since(from).Seconds()))
		return nil
	}
	return nil
}

// adopt takes a source in place of the one that was lost. It must have the same
// streams: the targets have been told of them.
func (p *Publisher) adopt(ctx context.Context, src demux.Source) error {
	p.mu.Lock()
	p.src = src
	p.mu.Unlock()
	if ctx.Err() != nil { // too late for the interruption that came before
		src.Interrupt()
	}
	var wanted []int
	for _, t := range p.tracks {
		i := slices.IndexFunc(src.Streams(), func(s demux.Stream) bool { return s.Kind == t.in.Kind && s.Codec == t.in.Codec && !s.Still })
		if i < 0 {
			return fmt.Errorf("%s: came back without its %s stream of %s: start again", p.cfg.Name, t.in.Kind, t.in.Codec)
		}
		p.mu.Lock()
		t.in = src.Streams()[i]
		p.mu.Unlock()
		wanted = append(wanted, t.in.Index)
	}
	src.Select(wanted...)
	return p.begin()
}

// begin has the tracks expect packets of a source that was just opened.
func (p *Publisher) begin() error {
	for _, t := range p.tracks {
		begin, err := t.prepare(p.source())
		if err != nil {
			return fmt.Errorf("%s: %w", p.cfg.Name, err)
		}
		t.lane.Put(item{mark: markBegin, begin: begin})
	}
	return nil
}

// leave waits until the tracks have let go of the source.
func (p *Publisher) leave(ctx context.Context) {
	for _, t := range p.tracks {
		reached := make(chan struct{})
		if !t.lane.Put(item{mark: markLeave, reached: reached}) {
			return // they end, and Run waits for that
		}
		select {
		case <-reached:
		case <-ctx.Done():
			return
		}
	}
}

// settle notes what a track sends, or with nil that it sends nothing; with the last
// one sending begins. Before, it returns at once: the caller waits for ready.
func (p *Publisher) settle(t *track, s *demux.Stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.settled || p.opened {
		return
	}
	t.settled, t.out = true, s
	if s != nil && p.timer == nil {
		p.timer = time.AfterFunc(streamsWithin, p.open)
	}
	if !slices.ContainsFunc(p.tracks, func(t *track) bool { return !t.settled }) {
		p.openLocked()
	}
}

// open begins sending with the streams that are known.
func (p *Publisher) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.openLocked()
}

func (p *Publisher) openLocked() {
	if p.opened {
		return
	}
	p.opened = true
	if p.timer != nil {
		p.timer.Stop()
	}
	for _, t := range p.tracks {
		if t.out == nil {
			continue
		}
		t.out.Index = len(p.streams)
		p.streams = append(p.streams, *t.out)
	}
	close(p.ready)
}

// Streams is what is sent, once it is known. The caller does not write to it.
func (p *Publisher) Streams() []demux.Stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.streams
}

// emit hands a unit to the senders.
func (p *Publisher) emit(u *Unit) {
	p.backlog.Append(u, queue.Mark{Bytes: len(u.Data), Key: u.Key && (u.Stream == 0 || p.streams[0].Kind != demux.Video), At: u.At})
}

// sleep waits; false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
