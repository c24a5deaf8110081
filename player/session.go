package player

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"planar/demux"
	"planar/player/clock"
	"planar/player/queue"
	"planar/render"
)

// session plays one source. Three goroutines feed it (readLoop, videoLoop,
// speaker.loop), one wakes it (refresh.loop); everything that a person sees or
// does happens in run, on the main goroutine.
type session struct {
	cfg   *Config
	p     *Player
	name  string
	log   *slog.Logger
	out   VideoOutput
	stats *stats

	ctx      context.Context // while run runs
	info     demux.Info
	from     opened // where to begin
	file     watched
	hasVideo bool
	hasSound bool
	paced    bool // frames are shown at their time

	tracks          tracks
	packets         *queue.Group[packet]
	vlane, slane    *queue.Lane[packet] // nil if there is no such stream
	frameGroup      *queue.Group[frame]
	frames          *queue.Lane[frame]
	epochs          *epochs
	refresh         *refresh
	live            *livePlay
	speaker         *speaker
	pace            atomic.Pointer[render.Rational]
	framesAreStills bool // cover art: sound goes on under one picture
	length          length
	ends            atomic.Int64 // the latest epoch of which all has been read
	readTo          atomic.Int64 // how far has been read, in the source's time, ns
	streams         []demux.Stream

	// Owned by the main goroutine.
	next      *frame // prepared, waiting for its time
	shown     *frame // on the screen
	before    *frame // presented before it; kept until another one is
	shownAt   time.Duration
	paused    bool
	step      bool // present one frame although paused
	stepped   bool // paused, and no longer where the sound is
	pending   int  // -1 or 1: a step back or forward is to follow the one under way
	videoDone bool // the final frame has come
	ended     bool
	presented int64
	wanted    *time.Duration // a seek is to follow the one under way
	mouse     pointer
	levelsAt  time.Duration // when the sound's levels were asked for; 0 if they are not measured
	titled    string
	titledAs  string // the part of it before the time
	titledAt  time.Duration
	failed    error // playback cannot go on
	part      part

	entry entry
	stall stall

	over, stopped atomic.Bool // ended and paused, for Stats
	lostWay       atomic.Bool // a seek has failed

	mu      sync.Mutex
	src     demux.Source // the one to interrupt
	clk     *clock.Clock
	playing bool            // not paused, not before the first picture
	waiting time.Duration   // real time since when the clock has waited for sound; 0 if it does not
	awaited time.Duration   // real time since when an epoch's first picture has been awaited; 0 if it is not
	stalled bool            // reading has fallen behind: playback waits until there is more
	ahead   time.Duration   // playback time of the sound that waits for the pictures after a stall; 0 if it does not
	lost    error           // why the signal is lost
	lostAt  time.Duration   // real time since when
	cause   string          // why it was lost the latest time
	earlier demux.Reception // of the sources that were lost
	damage  error           // why reading ended early
	noSound error           // why there is no sound: no device or decoder
}

// Bounds of the queues. Encoded packets: 2 s or 16 MiB a stream, so that a
// file on a slow disk plays on for a while. Raw frames: 3, which hides a pause
// of two frame times in reading. In all 64 MiB, reached only by files that are
// interleaved badly.
var (
	encodedLimit = queue.Limit{Items: 4096, Bytes: 16 << 20, Duration: 2 * time.Second}
	rawLimit     = queue.Limit{Items: 3}
	hardLimit    = int64(64 << 20)
)

// framesAhead is how many decoded frames wait for their time: enough for an
// uneven decoder (B frames come in groups of 3), few enough for memory. With the
// one prepared that makes 3 + 1.
const framesAhead = 3

func newSession(p *Player, name string, from *opened) (*session, error) {
	src := from.src
	s := &session{
		cfg: &p.cfg, p: p, name: name, log: p.cfg.Log, out: p.cfg.Video, stats: &p.stats,
		info: src.Info(), src: src, clk: clock.New(), epochs: newEpochs(), from: *from, paused: from.paused,
		paced: p.cfg.Video.Paced() && !p.cfg.Untimed,
	}
	s.streams = src.Streams()
	video, sound, sounds := s.choose(s.streams, true)
	if video == nil && sound == nil {
		return nil, fmt.Errorf("%s: nothing in it to play with these flags", label(name))
	}
	s.live = newLivePlay(p.cfg.Latency)
	s.packets = queue.NewGroup(hardLimit, packetCost, func(p packet) {
		p.Release()
		if p.done != nil {
			p.done()
		}
	})
	s.frameGroup = queue.NewGroup(hardLimit, func(frame) queue.Cost { return queue.Cost{} }, func(f frame) { f.Release() })
	s.frames = s.frameGroup.Lane(queue.Limit{Items: framesAhead})
	playing := [2]int{noTrack, noTrack}
	s.setRate(render.Rational{})
	if video != nil {
		s.hasVideo, s.framesAreStills = true, video.Still
		s.setRate(video.FrameRate)
		limit := encodedLimit
		switch {
		case s.info.Live:
			limit = liveLimit
		case video.Codec == "rawvideo":
			limit = rawLimit
		}
		s.vlane = s.packets.Lane(limit)
		s.vlane.SetActive(!video.Still)
		playing[0] = video.Index
		w, h := render.DisplaySize(video.Width, video.Height, video.SAR, video.Rotation)
		if w > 0 && h > 0 {
			s.out.SetShape(w, h)
		}
	}
	if sounds {
		s.hasSound = true
		s.slane = s.packets.Lane(encodedLimit)
		s.slane.SetActive(sound != nil)
	}
	if sound != nil {
		playing[1] = sound.Index
	}
	// A server might have to send more for tracks that nobody hears.
	s.tracks.keeps = sounds && !s.info.Live && !demux.IsURL(name)
	s.tracks.adopt(src, playing[0], playing[1])
	s.measure(src)
	s.file = watched{there: !demux.IsURL(name) && onDisk(name), at: s.now()}
	s.part = from.part.at(from.rate, s.rate())
	s.speaker = newSpeaker(s)
	s.refresh = newRefresh(s)
	for _, n := range s.info.Notes {
		s.log.Warn(label(name) + ": " + n)
	}
	return s, nil
}

func packetCost(p packet) queue.Cost {
	if p.Packet == nil {
		return queue.Cost{}
	}
	return queue.Cost{Bytes: int64(p.Size), Duration: p.Duration}
}

// choose picks the streams to play: the container's default, else the first;
// cover art only if there is no other picture.
func choose(streams []demux.Stream, noVideo, noSound bool) (video, sound *demux.Stream) {
	better := func(a, b *demux.Stream) bool {
		return b == nil || (b.Still && !a.Still) || (a.Default && !b.Default && a.Still == b.Still)
	}
	for i := range streams {
		switch st := &streams[i]; {
		case st.Kind == demux.Video && !noVideo && better(st, video):
			video = st
		case st.Kind == demux.Audio && !noSound && better(st, sound):
			sound = st
		}
	}
	return video, sound
}

// run plays until the end, an error, a wish of the user's, or ctx.
func (s *session) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	s.ctx = ctx
	var running, sounding sync.WaitGroup
	start := func(f func(context.Context)) { running.Go(func() { f(ctx) }) }
	if !s.hasVideo { // or the window would stay hidden
		if err := s.p.showBlack(); err != nil {
			s.failed = err
		}
	}
	s.begin()
	start(s.readLoop)
	if s.hasVideo {
		start(s.videoLoop)
	}
	if s.hasSound {
		sounding.Go(func() { s.speaker.loop(ctx) })
	}
	start(s.refresh.loop)
	err := s.loop(ctx)

	// The order matters: nobody may wait for a goroutine that waits for data.
	s.snapshotLast()
	cancel()
	s.interruptSource()
	s.packets.Close()
	s.frameGroup.Close()
	quiet, done := ended(&sounding), ended(&running)
	hung := time.After(hangs)
	select {
	case <-quiet:
		s.speaker.close() // also where the reader hangs, or the device stays open behind it
	case <-hung:
		s.log.Debug("the sound device does not return; leaving it behind")
		return err
	}
	select {
	case <-done:
	case <-hung:
		// Only a read that nothing can interrupt (a terminal) takes so long.
		s.log.Debug("a reader does not return; leaving it behind")
		return err
	}
	s.refresh.close()
	s.tracks.clear()
	s.p.overlay.keepAwake(false)
	s.out.Forget()
	for _, f := range []*frame{s.next, s.shown, s.before} {
		f.release()
	}
	if src := s.swapSource(nil); src != nil {
		src.Close()
	}
	return err
}

// ended returns a channel that is closed when all goroutines of a group have ended.
func ended(g *sync.WaitGroup) <-chan struct{} {
	c := make(chan struct{})
	go func() {
		g.Wait()
		close(c)
	}()
	return c
}

// hangs is how long leaving waits for a goroutine before it is given up.
const hangs = 3 * time.Second

// begin sets the first epoch.
func (s *session) begin() {
	target := s.from.start
	if target == 0 && s.from.frame > 0 && s.rate().Known() {
		target = demux.FrameTime(s.from.frame, s.rate())
	}
	if !s.info.Seekable && (target > 0 || s.from.frame > 0) {
		s.log.Warn(label(s.name) + ": cannot seek in this source: it plays from where it begins")
		target = 0
	}
	if target > 0 {
		s.epochs.begin(target, showing)
	} else {
		s.epochs.begin(0, fromStart)
		s.epochs.takeJump() // it is there already
	}
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clk.SetSpeed(s.speed(), now)
	s.clk.Set(s.clamp(target), now)
	s.playing = !s.paused && !s.hasVideo
	if s.hasVideo {
		s.awaited = now
	}
}

// loop waits for something to happen and answers it.
func (s *session) loop(ctx context.Context) error {
	for {
		if err := s.advance(); err != nil {
			return err
		}
		if s.finished() {
			return s.failure()
		}
		s.over.Store(s.ended)
		s.stopped.Store(s.paused)
		s.setTitle()
		s.p.overlay.keepAwake(s.hasVideo && !s.paused && !s.ended)
		if asked, err := s.draw(); err != nil {
			return err
		} else if asked {
			continue
		}
		events := s.out.Wait(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var dropped []string // several files come as several events
		for _, e := range events {
			if e.Kind == render.FileDrop {
				if !s.p.overlay.handle(e, s.now()) {
					dropped = append(dropped, e.Path)
				}
				continue
			}
			if err := s.handle(e); err != nil {
				return err
			}
		}
		if len(dropped) > 0 {
			return s.p.do(Command{Do: Open, Names: dropped})
		}
	}
}

// draw lets the controls draw, and does what they ask for.
func (s *session) draw() (asked bool, err error) {
	if !s.p.overlay.visible {
		return false, nil // the window comes with the first picture
	}
	s.restMeter()
	m := Moment{Now: s.now(), Live: s.info.Live, Frame: -1, View: s.p.look.view, Status: s.status}
	s.mu.Lock()
	m.State = s.state(m.Now)
	s.mu.Unlock()
	if s.shown != nil {
		m.Frame = s.shown.Number
	}
	commands := s.p.overlay.draw(m)
	for _, c := range commands {
		if err := s.do(c); err != nil {
			return true, err
		}
	}
	return len(commands) > 0, nil
}

// advance shows what is due and prepares what comes next. It ends by telling the
// refresh goroutine when to call again.
func (s *session) advance() error {
	for {
		now := s.now()
		s.sync(now)
		ready := s.next != nil || s.prepareNext(now)
		switch {
		case s.failed != nil:
			return s.failed
		case !ready && s.loopEnds(now):
			s.loopBack()
			continue
		case s.stalls(now):
			s.refresh.look(now + pollStall)
			return nil
		case !ready && (s.wanted != nil || s.pending != 0) && !s.moving():
			s.goOn() // what was under way ends without a picture
			continue
		case ready && s.leavesLoop() && s.due(now):
			s.loopBack()
			continue
		case !ready:
			s.noteHunger(now)
			s.refresh.idle(s.nextLook(now))
			return nil
		case !s.due(now):
			s.refresh.at(s.next.start)
			return nil
		}
		if err := s.present(); err != nil {
			return err
		}
		s.goOn()
		if s.enough() {
			return nil
		}
	}
}

// prepareNext takes the next frame worth showing from the queue and prepares it.
func (s *session) prepareNext(now time.Duration) bool {
	cur := s.epochs.current().n
	for {
		f, ok := s.frames.TryGet()
		if !ok {
			return false
		}
		if f.epoch != cur {
			f.Release()
			continue
		}
		if f.final {
			s.videoDone = true
			s.resumeSound()
			continue
		}
		if s.judge(&f, now) == clock.Drop {
			s.stats.dropped.Add(1)
			f.Release()
			continue
		}
		w, h := f.DisplaySize()
		s.out.SetShape(w, h)
		s.shape(w, h)
		if err := s.out.Prepare(s.apply(&f)); err != nil {
			f.Release()
			s.failed = fmt.Errorf("%s: cannot show a frame: %w", label(s.name), err)
			return false
		}
		s.next = &f
		return true
	}
}

// judge decides about a frame that has not been prepared yet.
func (s *session) judge(f *frame, now time.Duration) clock.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.first || s.paused || !s.playing || !s.paced {
		return clock.Show
	}
	media := s.clk.At(now)
	if s.info.Live && f.end <= s.live.begin() {
		return clock.Drop // skipped to stay live
	}
	if s.info.Live && !s.speaker.leads() && media-f.start > liveBehind && s.clk.Running() {
		// The sender has paused, or the way here has become longer: go on from there.
		// If more follows at once, the controller skips.
		s.clk.Set(f.start, now)
		return clock.Show
	}
	if s.stall.hungry.Load() && !s.speaker.leads() && media > f.start {
		s.clk.Set(f.start, now) // nor by waiting for a disk
		return clock.Show
	}
	last := s.frames.Len() == 0
	return clock.Decide(f.start, f.end, media, now-s.shownAt, last)
}

// due reports whether the prepared frame is to be shown now.
func (s *session) due(now time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.next.first || s.step || !s.paced && !s.paused:
		return true
	case s.paused || !s.clk.Running():
		return false
	}
	return clock.Decide(s.next.start, s.next.start, s.clk.At(now), 0, true) == clock.Show
}

// present shows the prepared frame and accounts for it.
func (s *session) present() error {
	f := s.next
	began := s.now()
	s.noteStages(f, began)
	if err := s.out.Present(f.Number, f.PTS); err != nil {
		return fmt.Errorf("%s: cannot show a frame: %w", label(s.name), err)
	}
	s.p.overlay.visible = true
	now := s.now()
	s.stats.presenting.note(now - began)
	s.account(f, now)
	s.noteStay(f, now)
	s.before.release()
	s.before, s.shown, s.next = s.shown, f, nil
	s.shownAt = now
	s.presented++
	if s.step {
		s.step, s.stepped = false, true
	}
	if f.first || s.paused {
		// Playback stands at this picture: after a seek, a step, or at the start.
		s.mu.Lock()
		s.clk.Set(f.start, now)
		if f.first && s.info.Live {
			s.live.from.Store(int64(f.start)) // the sound of before it is not played
		}
		s.mu.Unlock()
	}
	s.resumeSound()
	return nil
}

// resumeSound lets sound and clock go on once the picture they belong to is on
// the screen, or none will come.
func (s *session) resumeSound() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaited = 0
	s.playing = !s.paused && !s.stalled
	s.speaker.pause(!s.playing || s.ahead != 0)
}

// endOfShown is the real time at which the picture on the screen will have been
// there for as long as it should.
func (s *session) endOfShown() time.Duration {
	if s.shown == nil || s.paused {
		return 0
	}
	return s.shownAt + time.Duration(float64(s.shown.end-s.shown.start)/s.speed())
}

// enough reports whether as many frames as asked for have been shown.
func (s *session) enough() bool { return s.cfg.Frames > 0 && s.presented >= s.cfg.Frames }

// finished reports whether everything has been played and nothing holds the
// program.
func (s *session) finished() bool {
	if s.failed != nil || s.enough() {
		return true
	}
	s.mu.Lock()
	silent := s.noSound != nil && !s.hasVideo
	s.mu.Unlock()
	if silent {
		return true
	}
	if s.looping() {
		return false
	}
	videoOver := !s.hasVideo || (s.videoDone && s.next == nil && (s.now() >= s.endOfShown() || !s.paced))
	soundOver := !s.hasSound || s.speaker.over()
	if s.ended = videoOver && soundOver && !s.paused; s.ended {
		s.mu.Lock()
		s.clk.Stop(s.now())
		s.playing = false // nothing moves any more: the refresh goroutine may rest
		s.mu.Unlock()
	}
	return s.ended && (s.cfg.Exit || s.p.at+1 < len(s.p.list) || !s.paced)
}

// failure is why the session counts as not played, if it does.
func (s *session) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.failed != nil:
		return s.failed
	case s.noSound != nil && !s.hasVideo:
		return fmt.Errorf("%s: cannot be played: %w", label(s.name), s.noSound)
	case s.hasVideo && s.presented == 0 && !s.framesAreStills:
		if s.damage != nil {
			return fmt.Errorf("%s: no picture could be decoded: %w", label(s.name), s.damage)
		}
		return fmt.Errorf("%s: no picture could be decoded", label(s.name))
	}
	return nil
}

// speed is the speed of playback: a live source comes at its own.
func (s *session) speed() float64 {
	if s.info.Live {
		return 1
	}
	return s.p.speed
}

func (s *session) now() time.Duration { return s.cfg.Time.Now() }

// clockNow is the playback time.
func (s *session) clockNow() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clk.At(s.now())
}

// rate is that of the video stream; zero if unknown.
func (s *session) rate() render.Rational { return *s.pace.Load() }

func (s *session) setRate(r render.Rational) { s.pace.Store(&r) }

// lane is where packets of a stream go; nil if it cannot be heard or seen.
func (s *session) lane(stream int) *queue.Lane[packet] {
	video, _ := s.tracks.playing()
	switch {
	case s.hasVideo && stream == video:
		return s.vlane
	case s.hasSound && s.tracks.hasSound(stream):
		return s.slane
	}
	return nil
}

func (s *session) lanes() (all []*queue.Lane[packet]) {
	for _, l := range []*queue.Lane[packet]{s.vlane, s.slane} {
		if l != nil {
			all = append(all, l)
		}
	}
	return all
}

// loops reports whether there is another round after so many.
func (s *session) loops(rounds int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.p.loop < 0 || rounds < s.p.loop
}

// swapSource replaces the source that interruptSource reaches, and returns the
// old one, which the caller closes.
func (s *session) swapSource(src demux.Source) demux.Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.src
	if r, ok := old.(demux.Receiver); ok {
		last := r.Reception()
		last.Add(s.earlier)
		s.earlier = last
	}
	s.src = src
	return old
}

func (s *session) interruptSource() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.src != nil {
		s.src.Interrupt()
	}
}

func (s *session) setLost(err error) {
	s.mu.Lock()
	s.lost, s.lostAt = err, s.now()
	if err != nil {
		s.cause = err.Error()
	}
	s.mu.Unlock()
	s.out.Wake()
}

func (s *session) setDamaged(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.damage == nil {
		s.damage = err
	}
}

// titleEvery is how often the title follows the time; each change is a round
// trip to the window manager.
const titleEvery = 500 * time.Millisecond

func (s *session) setTitle() {
	now := s.now()
	as, still := s.titleState(now)
	if s.titledAt != 0 && now-s.titledAt < titleEvery && as == s.titledAs && !still {
		return
	}
	title := as
	if s.shown != nil {
		title += fmt.Sprintf("%s #%d - ", ClockText(s.shown.PTS), s.shown.Number)
	}
	title += display(s.name) + " - planar"
	if title != s.titled {
		s.titled, s.titledAs, s.titledAt = title, as, now
		s.out.SetTitle(title)
	}
}

// titleState is what the title says before the time, and whether the picture
// stands still, so that the title need not lag behind it.
func (s *session) titleState(now time.Duration) (text string, still bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entry.open {
		text = "go to " + s.entry.String() + "_ - "
	}
	state := ""
	switch {
	case s.lost != nil:
		state = "signal lost - "
	case s.ended:
		state = "end - "
	case s.buffering(now):
		state = "buffering - "
	case s.paused:
		state = "paused - "
	}
	text += state
	if l := s.part.String(); l != "" {
		text += "loop " + l + " - "
	}
	return text, state != ""
}

// ClockText is a time as people read it: 1:02:03.456, or 02:03.456.
func ClockText(t time.Duration) string {
	t = t.Round(time.Millisecond)
	h, m, sec := int(t.Hours()), int(t.Minutes())%60, t.Seconds()-60*float64(int(t.Minutes()))
	if h > 0 {
		return fmt.Sprintf("%d:%02d:%06.3f", h, m, sec)
	}
	return fmt.Sprintf("%02d:%06.3f", m, sec)
}

// label is how a source is called in messages: as it was typed, a URL without
// its password.
func label(name string) string {
	switch {
	case name == "-":
		return "standard input"
	case demux.IsURL(name):
		return demux.Redact(name)
	}
	return demux.OneLine(name)
}

// display is how a source is called in titles: a file without its folder.
func display(name string) string {
	if demux.IsURL(name) {
		return label(name)
	}
	return filepath.Base(label(name))
}

func (f *frame) release() {
	if f != nil {
		f.Release()
	}
}
