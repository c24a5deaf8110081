package player

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"planar/audio"
	"planar/audio/analysis"
	"planar/demux"
)

// speaker is the sound stage: packets in, PCM out, and the time of what is heard.
type speaker struct {
	s     *session
	speed atomic.Uint64 // float64 bits: media seconds per second
	gain  atomic.Uint64 // float64 bits: of the output

	mu      sync.Mutex
	out     AudioOutput
	state   speakerState
	epoch   int             // whose sound the output plays
	base    int64           // frames handed over before the epoch's first
	time    *audio.Timeline // of the frames in the output
	paused  bool
	joining bool         // a new output's sound is on its way, and the clock runs meanwhile
	decoded audio.Format // of the latest block
	tempo   float64      // media seconds per second of what was heard last
	end     int64        // frames written in all; valid once state is speakerDrained

	// Owned by the sound goroutine.
	dec      demux.AudioDecoder
	cur      *epoch
	written  int64 // frames handed to the output, less those flushed
	res      Resampler
	in       audio.Format  // what res takes
	resSpeed float64       // what res was made for
	next     time.Duration // playback time at which the next block is expected
	anchored bool          // next is known
	skipped  time.Duration // live: what live.begin was when it was last obeyed
	offset   atomic.Int64  // playback time minus the source's, of the latest block
	errors   oncePerSecond
	drift    float64 // what res drifts by
	unheard  unheard
	masked   []byte // memory for mask.apply
	mapped   audio.Mapped
	stream   int           // the source's, that is decoded; noTrack if none is
	stitch   bool          // the next block is another stream's than the one before: it goes on to the sample
	round    bool          // the next block begins another round of a loop: what a codec puts before it is cut
	loudness loudness      // of what is decoded; look, clear and report from any goroutine
	again    bool          // what is placed has been placed before, for another output
	rejoin   bool          // the output to be opened next is to take over from one that was left
	left     bool          // leftAt is known
	leftAt   time.Duration // the playback time that was heard of it last
	replaced time.Duration // real time at which a device that had gone was replaced; 0 if none was
	gone     bool          // a device has, and another one is looked for while there is none
	retried  time.Duration // real time of the latest look

	resumed  chan struct{} // holds a token when there may be room again
	mask     channelMask
	routes   atomic.Pointer[audio.ChannelMap]
	metering atomic.Bool
	meter    analysis.Meter // fed by the sound goroutine, on the output's own timeline: frames handed over
	moving   atomic.Bool    // another output is wanted
	wanted   atomic.Uint64  // float64 bits: the drift that is wanted, live
}

type speakerState int

const (
	speakerPending speakerState = iota // no sound yet
	speakerActive
	speakerDrained // all has been written
	speakerOff     // no device, or no sound in the source
)

func newSpeaker(s *session) *speaker {
	k := &speaker{s: s, cur: &epoch{}, paused: s.paused || s.hasVideo, resumed: make(chan struct{}, 1), anchored: !s.info.Live}
	k.skipped = s.live.begin()
	k.setSpeed(s.speed())
	k.setDrift(1)
	k.gain.Store(math.Float64bits(s.p.gain()))
	k.setMuted(s.p.mutes.Muted)
	k.setSolo(s.p.mutes.Soloed)
	k.setMap(s.p.channelMap)
	if _, k.stream = s.tracks.playing(); k.stream == noTrack {
		k.state = speakerOff
	}
	return k
}

func (k *speaker) setSpeed(v float64) { k.speed.Store(math.Float64bits(v)) }

// setDrift makes a live source's sound play a little faster or slower.
func (k *speaker) setDrift(v float64) { k.wanted.Store(math.Float64bits(v)) }

// loop is the sound goroutine.
func (k *speaker) loop(ctx context.Context) {
	defer k.closeDecoder()
	for {
		p, ok := k.s.slane.Get()
		if !ok || !k.take(ctx, p) {
			return
		}
	}
}

func (k *speaker) take(ctx context.Context, p packet) bool {
	defer p.Release()
	switch p.mark {
	case markOpen:
		k.closeDecoder()
		if p.stream != k.stream {
			k.change(p.stream)
		}
		if p.stream == noTrack {
			return true
		}
		var err error
		if k.dec, err = p.src.AudioDecoder(p.stream); err != nil {
			k.dec = nil
			k.fail(err)
		}
		return true
	case markClose:
		k.closeDecoder()
		p.done()
		return true
	}
	if p.epoch != k.cur.n {
		c := k.s.epochs.current()
		if p.epoch != c.n {
			return true
		}
		k.begin(c)
	}
	if k.dec == nil || p.mark == markNone && p.Stream != k.stream {
		return true
	}
	k.retry()
	if !k.move(ctx) {
		return false
	}
	if k.is(speakerOff) {
		return true
	}
	if p.mark == markNone {
		k.offset.Store(int64(p.offset))
		return k.decode(ctx, p.Packet)
	}
	if !k.decode(ctx, nil) {
		return false
	}
	k.dec.Flush()
	k.round = true
	if p.mark == markEnd {
		if !k.drain(ctx) {
			return false
		}
		k.mu.Lock()
		k.end = k.written
		if k.out != nil {
			k.out.End()
		}
		if k.state != speakerOff {
			k.state = speakerDrained
		}
		k.mu.Unlock()
	}
	return true
}

// change goes on with another stream of the source, or with none. What has been handed
// over of the one before is still heard, a quarter of a second at most, and the new one takes
// over to the sample, so that neither clock nor pictures notice. Where nothing
// is heard, the new one begins where playback is by now, as on another output.
func (k *speaker) change(stream int) {
	k.stream, k.stitch = stream, true
	k.loudness.clear()
	k.mu.Lock()
	_, h := k.hearing()
	state, opened := k.state, k.out != nil
	k.mu.Unlock()
	switch {
	case stream == noTrack:
		k.restart()
		if opened {
			k.out.End()
		}
		k.off()
		return
	case k.s.paced && (state == speakerOff || h == hearsGap || h == hearsNothing):
		k.left = false
		k.leave()
	case opened:
		k.setState(speakerActive)
	default:
		k.setState(speakerPending)
	}
	k.s.slane.SetActive(true)
}

func (k *speaker) setState(st speakerState) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state = st
}

// begin starts a new epoch: what the output still holds is thrown away.
func (k *speaker) begin(e *epoch) {
	k.cur = e
	if k.dec != nil {
		k.dec.Flush()
	}
	k.restart()
	k.next, k.anchored = e.target, !k.s.info.Live
}

// restart empties the output and its timeline.
func (k *speaker) restart() {
	k.closeResampler()
	k.meter.Reset()
	k.unheard, k.left = unheard{}, false
	k.mu.Lock()
	defer k.mu.Unlock()
	k.epoch, k.joining = k.cur.n, false
	if k.out != nil {
		k.time.Reset()
		k.out.Flush()
		k.written = k.out.Position().Handed
		k.base = k.written
	}
	if k.state == speakerDrained {
		k.state = speakerActive
	}
}

func (k *speaker) decode(ctx context.Context, pkt *demux.Packet) bool {
	for {
		err := k.dec.Send(pkt)
		again := errors.Is(err, demux.ErrAgain)
		if err != nil && !again {
			k.s.stats.decodeErrors.Add(1)
			k.errors.report(k.s, "audio: ", err)
		}
		for {
			b, err := k.dec.Receive()
			if err != nil {
				if !errors.Is(err, demux.ErrAgain) && !errors.Is(err, io.EOF) {
					k.errors.report(k.s, "audio: ", err)
				}
				break
			}
			ok := k.play(ctx, b)
			b.Release()
			if !ok {
				return false
			}
		}
		if !again {
			return true
		}
	}
}

const (
	// Timestamps of containers are rounded to milliseconds; a deviation of the
	// stamped from the counted time below this is no news.
	stampJitter = 5 * time.Millisecond
	// Up to this the timeline is moved without touching the sound; a longer hole
	// is filled with silence, a longer overlap cut.
	smallGap = 50 * time.Millisecond
)

// play puts one block at its place in time and writes it to the output.
func (k *speaker) play(ctx context.Context, b *audio.Block) bool {
	if !k.openOutput(ctx, b.Format) {
		return true
	}
	if skip := k.s.live.begin(); skip != k.skipped {
		k.mu.Lock()
		k.skipped = skip
		k.mu.Unlock()
		k.restart()
		k.anchored = false
	}
	start := k.next
	if b.PTS != demux.NoPTS {
		start = b.PTS + time.Duration(k.offset.Load()) + k.s.cfg.AudioDelay
	}
	if k.s.info.Live {
		k.reserve()
	}
	if start+b.Duration(int64(b.Frames)) <= k.skipped {
		return true
	}
	if !k.anchored {
		k.next, k.anchored = start, true
	}
	if b.Format != k.decoded {
		k.mu.Lock()
		k.decoded = b.Format
		k.mu.Unlock()
		if m := *k.routes.Load(); m.Silent(b.Channels) {
			k.s.log.Warn(fmt.Sprintf("%s: the channel map %v asks for channels that it has not: it has %d, and is silent", label(k.s.name), m, b.Channels))
		}
	}
	if t, h := k.heard(); h == hears {
		k.left = false
		k.unheard.heard(t)
	}
	k.unheard.add(b, start)
	return k.place(ctx, b, start) && k.move(ctx)
}

// place writes a block that begins at playback time start to the output. It returns
// false when the goroutine is to end.
func (k *speaker) place(ctx context.Context, b *audio.Block, start time.Duration) bool {
	gap := start - k.next
	hole := smallGap
	switch {
	case k.stitch:
		hole = b.Duration(1)
	case k.s.info.Live, k.round:
		hole = stampJitter // of a live source, what got lost would eat up what the device holds
	}
	if gap < -hole || gap < 0 && k.fresh() {
		// Before the target of a seek, or an overlap: cut to the sample.
		cut := min(b.Format.Frames(-gap), int64(b.Frames))
		if cut == int64(b.Frames) {
			return true
		}
		trim(b, int(cut))
		start += b.Duration(cut)
		gap = start - k.next
	}
	speed := k.wantedSpeed()
	switch {
	case gap > hole:
		if !k.flushResampler(ctx) || !k.silence(ctx, gap, speed) {
			return ctx.Err() == nil
		}
		k.closeResampler()
	case distance(gap, 0) > stampJitter || (gap != 0 && k.fresh()):
		if !k.flushResampler(ctx) {
			return ctx.Err() == nil
		}
		k.closeResampler()
	default:
		start = k.next // counted time is smoother than stamped time
	}
	routes := *k.routes.Load()
	if in := routes.Format(b.Format); k.res == nil || k.in != in || k.resSpeed != speed {
		if !k.flushResampler(ctx) {
			return ctx.Err() == nil
		}
		if err := k.openResampler(in, speed); err != nil {
			k.errors.report(k.s, "audio: ", err)
			return true
		}
		k.time.Append(k.written, start-k.res.Late(), speed)
	}
	if drift := math.Float64frombits(k.wanted.Load()); drift != k.drift {
		if err := k.res.Drift(drift); err != nil {
			k.errors.report(k.s, "audio: ", err)
		}
		k.drift = drift
		k.time.Append(k.written, start-k.res.Delay(), speed*drift)
	}
	if err := k.measure(b, speed); err != nil {
		k.s.log.Debug("loudness is not measured: " + err.Error())
	}
	pcm, err := k.res.Convert(routes.Apply(k.mask.apply(b, &k.masked), &k.mapped))
	if err != nil {
		k.errors.report(k.s, "audio: ", err)
		return true
	}
	k.next, k.stitch, k.round = start+b.Duration(int64(b.Frames)), false, false
	ok := k.write(ctx, pcm)
	over := k.past(k.next)
	if over {
		k.out.End() // running dry now is no underrun
	}
	// A lane that gets nothing more, or is not listened to, must not make the
	// reader look for it.
	k.s.slane.SetActive(!over && !k.is(speakerOff))
	return ok
}

// fresh reports whether nothing of this epoch has been written yet.
func (k *speaker) fresh() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.written == k.base
}

// trim cuts n frames from a block's beginning.
func trim(b *audio.Block, n int) {
	step := b.Sample.Bytes()
	if !b.Sample.Planar() {
		step *= b.Channels
	}
	for i := range b.Planes {
		b.Planes[i] = b.Planes[i][n*step:]
	}
	b.Frames -= n
	if b.PTS != demux.NoPTS {
		b.PTS += b.Duration(int64(n))
	}
}

// openOutput opens the device when the first sound is there; false if there is
// none.
func (k *speaker) openOutput(ctx context.Context, f audio.Format) bool {
	if k.out != nil || k.is(speakerOff) {
		return k.out != nil
	}
	// Connecting to a sound server takes tens of milliseconds: not under the lock
	// that the picture's timing needs.
	out, err := k.s.p.openAudio(k.routes.Load().Format(f))
	if err != nil {
		k.fail(err)
		return false
	}
	k.mu.Lock()
	k.out, k.state, k.time = out, speakerActive, audio.NewTimeline(out.Format().Rate)
	k.base = out.Position().Handed
	k.epoch, k.written = k.cur.n, k.base
	out.SetVolume(math.Float64frombits(k.gain.Load()))
	out.Pause(k.paused)
	k.mu.Unlock()
	k.gone = false
	k.s.setNoSound(nil)
	if k.rejoin {
		k.rejoin = false
		k.join(ctx)
	}
	return true
}

func (k *speaker) openResampler(in audio.Format, speed float64) error {
	k.closeResampler()
	res, err := k.s.cfg.NewResampler(in, k.out.Format(), speed)
	if err != nil {
		return err
	}
	k.res, k.in, k.resSpeed, k.drift = res, in, speed, 1
	return nil
}

func (k *speaker) closeResampler() {
	if k.res != nil {
		k.res.Close()
		k.res = nil
	}
}

// flushResampler writes what is still inside the resampler.
func (k *speaker) flushResampler(ctx context.Context) bool {
	if k.res == nil {
		return true
	}
	pcm, err := k.res.Convert(nil)
	if err != nil {
		k.errors.report(k.s, "audio: ", err)
	}
	return k.write(ctx, pcm)
}

// drain writes all that is left, to another output if that is wanted meanwhile.
func (k *speaker) drain(ctx context.Context) bool {
	for k.flushResampler(ctx) {
		if !k.moving.Load() {
			return true
		}
		if !k.move(ctx) {
			return false
		}
	}
	return false
}

// silence writes silence of the given media time.
func (k *speaker) silence(ctx context.Context, gap time.Duration, speed float64) bool {
	f := k.out.Format()
	k.time.Append(k.written, k.next, speed)
	for n := f.Frames(time.Duration(float64(gap) / speed)); n > 0; {
		some := min(n, int64(f.Rate)/10)
		if !k.write(ctx, make([]byte, some*int64(f.FrameBytes()))) {
			return false
		}
		n -= some
	}
	return true
}

// write hands PCM to the output, waiting for room. It returns false when the
// goroutine is to end; sound of an epoch that is over, or for an output that is to be
// left, is thrown away.
func (k *speaker) write(ctx context.Context, pcm []byte) bool {
	size := k.out.Format().FrameBytes()
	// A fraction of the queue's length, so that it is refilled long before it
	// runs out, and rarely.
	wait := k.out.Format().Duration(int64(k.out.Capacity())) / 6
	for len(pcm) > 0 && !k.moving.Load() {
		n, err := k.out.Write(pcm)
		if err != nil {
			k.s.log.Error(err.Error())
			k.off()
			return true
		}
		if k.metering.Load() {
			f := k.out.Format()
			k.meter.Feed(pcm[:n*size], f, f.Duration(k.written))
		}
		k.mu.Lock()
		k.written += int64(n)
		k.mu.Unlock()
		if pcm = pcm[n*size:]; len(pcm) == 0 {
			break
		}
		if k.s.epochs.current().n != k.cur.n || k.s.live.begin() != k.skipped || k.s.info.Live && k.s.stopped.Load() {
			return true
		}
		if gone(k.out) {
			k.replace()
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-k.resumed:
		case <-time.After(k.patience(wait)):
		}
	}
	return true
}

// patience is how long to wait for room: in a pause there will be none.
func (k *speaker) patience(wait time.Duration) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.paused {
		return max(wait, pausedWait)
	}
	return wait
}

// pausedWait is how soon a seek in a pause is noticed here, which nobody hears.
const pausedWait = time.Second / 2

// fail goes on without sound, for a reason. The reason first: whoever sees that
// there is no sound shall not take it for played.
func (k *speaker) fail(err error) {
	k.s.soundFailed(err)
	k.off()
}

func (k *speaker) off() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state = speakerOff
	k.s.slane.SetActive(false)
}

func (k *speaker) is(st speakerState) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state == st
}

func (k *speaker) closeDecoder() {
	if k.dec != nil {
		k.dec.Close()
		k.dec = nil
	}
}

// close frees what the goroutine, which has ended, left behind.
func (k *speaker) close() {
	k.closeResampler()
	k.loudness.close()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.out == nil {
		return
	}
	k.s.stats.underruns.Add(k.out.Underruns())
	if err := k.out.Close(); err != nil {
		k.s.log.Error(err.Error())
	}
	k.out, k.state = nil, speakerOff
}

// pause stops and resumes the output.
func (k *speaker) pause(paused bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.paused == paused {
		return
	}
	k.paused, k.joining = paused, k.joining && !paused
	if k.out != nil {
		k.out.Pause(paused)
	}
	if !paused {
		k.resume()
	}
}

// resume ends a long wait for room.
func (k *speaker) resume() {
	select {
	case k.resumed <- struct{}{}:
	default:
	}
}

func (k *speaker) setGain(g float64) {
	k.gain.Store(math.Float64bits(g))
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.out != nil {
		k.out.SetVolume(g)
	}
}

// hearing is what the sound says about the time.
type hearing int

const (
	hearsNothing hearing = iota // there is no sound, or it is over: the wall clock leads
	hearsNotYet                 // sound will come
	hears                       // sound is being played: it leads
	hearsGap                    // the device has run out of sound
)

// heard is the playback time of the sound that is being heard now.
func (k *speaker) heard() (time.Duration, hearing) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t, h := k.hearing()
	switch {
	case h == hears:
		k.joining = false
	case h == hearsNotYet && k.joining:
		h = hearsNothing // playback does not wait for it
	}
	return t, h
}

// hearing is heard for an output that nobody has left. mu is held.
func (k *speaker) hearing() (time.Duration, hearing) {
	if k.state == speakerOff {
		return 0, hearsNothing
	}
	if k.epoch != k.s.epochs.current().n || k.skipped != k.s.live.begin() {
		return 0, hearsNotYet // or it is about to jump
	}
	if k.out == nil {
		if k.state == speakerDrained {
			return 0, hearsNothing // there was nothing to open one for
		}
		return 0, hearsNotYet
	}
	pos := k.out.Position()
	if !pos.Running || pos.Handed <= k.base {
		if k.state == speakerDrained && (pos.Handed >= k.end || gone(k.out)) {
			return 0, hearsNothing // there is none, or none comes any more
		}
		return 0, hearsNotYet
	}
	at := pos.Heard(k.out.Format().Rate)
	t, speed, ok := k.time.At(at)
	if ok {
		k.tempo = speed
	}
	switch {
	case !ok:
		return 0, hearsNotYet
	case k.state == speakerDrained && at >= float64(k.end)-1:
		return t, hearsNothing
	case pos.Starved && k.state != speakerDrained && at >= float64(pos.Handed)-1:
		if k.past(t) {
			return t, hearsNothing // over, although the file goes on with pictures
		}
		return t, hearsGap
	}
	return t, hears
}

// heardSpeed is the speed of the sound that was heard last. A change of speed is heard
// when what is queued has been played.
func (k *speaker) heardSpeed() float64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.tempo
}

// wantedSpeed is the speed that was set last.
func (k *speaker) wantedSpeed() float64 { return math.Float64frombits(k.speed.Load()) }

// began reports whether any sound has been handed over.
func (k *speaker) began() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.out != nil && k.written > k.base
}

// past reports whether the stream's sound ends about playback time t.
func (k *speaker) past(t time.Duration) bool {
	end := k.s.length.sound.Load()
	return end > 0 && t-time.Duration(k.offset.Load())-k.s.cfg.AudioDelay >= end-smallGap
}

// leads reports whether the sound is the clock's master.
func (k *speaker) leads() bool {
	_, h := k.heard()
	return h != hearsNothing
}

// over reports whether all sound has been heard.
func (k *speaker) over() bool {
	k.mu.Lock()
	state, epoch := k.state, k.epoch
	k.mu.Unlock()
	if state == speakerOff {
		return true
	}
	if state != speakerDrained || epoch != k.s.epochs.current().n {
		return false
	}
	k.mu.Lock()
	_, h := k.hearing()
	k.mu.Unlock()
	return h == hearsNothing || !k.s.paced
}
