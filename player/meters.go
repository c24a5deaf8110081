package player

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"planar/audio"
	"planar/audio/analysis"
	"planar/demux"
	"planar/player/clock"
)

// setMetering begins and ends measuring what is handed to the output. Levels are
// there as soon as what is measured is heard.
func (k *speaker) setMetering(on bool) { k.metering.Store(on) }

// clearMeter forgets held peaks and counted clips.
func (k *speaker) clearMeter() { k.meter.Clear() }

// levels is how loud each of the output's channels is in what is being heard now,
// before the volume; nil if nothing is heard or measured. In a pause it stays.
func (k *speaker) levels() []analysis.Level {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.metering.Load() || k.out == nil || k.epoch != k.s.epochs.current().n {
		return nil
	}
	pos := k.out.Position()
	if !pos.Running || pos.Handed <= k.base {
		return nil
	}
	f := k.out.Format()
	return k.meter.Levels(f.Duration(int64(pos.Heard(f.Rate))))
}

// measure has the loudness of a block measured, before it is played at a speed.
func (k *speaker) measure(b *audio.Block, speed float64) error {
	if k.again {
		return nil
	}
	return k.loudness.feed(b, speed, k.s.cfg.Loudness, k.s.cfg.NewLoudness)
}

// formats is the format of the sound as it was decoded, and as the output takes it;
// zero where there is none yet.
func (k *speaker) formats() (source, output audio.Format) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.out != nil {
		output = k.out.Format()
	}
	return k.decoded, output
}

// expect says what the sound to come is like, as far as the source knows: in a pause none
// comes.
func (k *speaker) expect(f audio.Format) {
	if f.Channels == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.decoded = f
}

// setMuted and setSolo choose which of the source's channels are heard: bit n is
// channel n, muted ones are not, and if any are solo, these alone are. It is heard
// when what is queued has been played.
func (k *speaker) setMuted(mask uint32) { k.mask.muted.Store(mask) }
func (k *speaker) setSolo(mask uint32)  { k.mask.solo.Store(mask) }

// setMap chooses which of the source's channels are heard, and where; after the choice by
// mask. It is heard when what is queued has been played.
func (k *speaker) setMap(m audio.ChannelMap) { k.routes.Store(&m) }

// maxUnheard bounds what is kept of sound on its way through the output. That is as
// much as its queue holds, 0.25 s as a rule and 4 s of the source's time at the
// highest speed, 16: 12 MiB of 8 channels of 96 kHz.
const maxUnheard = 16 << 20

// unheard is the decoded sound that has been handed over and not been heard, so
// that another output can go on with it.
type unheard struct {
	blocks []kept // in the order in which they were handed over
	bytes  int
}

// kept is a copy of a block, and the playback time of its beginning.
type kept struct {
	audio.Block
	start time.Duration
	bytes int
}

// add keeps a copy of a block.
func (u *unheard) add(b *audio.Block, start time.Duration) {
	k := kept{Block: *b, start: start}
	k.OnFree = nil
	k.Planes = make([][]byte, len(b.Planes))
	for i, p := range b.Planes {
		k.Planes[i] = slices.Clone(p)
		k.bytes += len(p)
	}
	u.blocks = append(u.blocks, k)
	u.bytes += k.bytes
	for u.bytes > maxUnheard {
		u.drop()
	}
}

// heard drops what ends at or before a playback time.
func (u *unheard) heard(t time.Duration) {
	for len(u.blocks) > 0 && u.blocks[0].start+u.blocks[0].Duration(int64(u.blocks[0].Frames)) <= t {
		u.drop()
	}
}

func (u *unheard) drop() {
	u.bytes -= u.blocks[0].bytes
	u.blocks[0] = kept{}
	u.blocks = u.blocks[1:]
}

// reopen has the output closed and another one opened, as soon as the sound
// goroutine gets to it: at once while it plays or is paused, and with the next
// packet where sound had failed or is over. Playback goes on meanwhile. It may be called
// from any goroutine.
func (k *speaker) reopen() {
	k.moving.Store(true)
	k.resume()
}

// move goes to another output while that is wanted, and hands over anew what has not
// been heard. It returns false when the goroutine is to end.
func (k *speaker) move(ctx context.Context) bool {
	for k.moving.Swap(false) {
		k.leave()
		k.again = true
		again := k.unheard.blocks
		k.unheard = unheard{}
		for i := range again {
			b := &again[i]
			k.unheard.add(&b.Block, b.start)
			if k.moving.Load() || k.is(speakerOff) {
				continue // it only has to be kept
			}
			if k.openOutput(ctx, b.Format) && !k.place(ctx, &b.Block, b.start) {
				return false
			}
		}
		k.again = false
	}
	return ctx.Err() == nil
}

// leave closes the output. The next block that is played opens another one.
func (k *speaker) leave() {
	if at, h := k.heard(); h == hears || h == hearsGap { // else what was left before counts
		k.left, k.leftAt = true, at
	}
	k.closeResampler()
	k.meter.Reset()
	k.mu.Lock()
	old := k.out
	k.out, k.state, k.rejoin = nil, speakerPending, true
	k.joining = !k.paused
	k.mu.Unlock()
	if old != nil {
		k.s.stats.underruns.Add(old.Underruns())
		if err := old.Close(); err != nil {
			k.s.log.Error(err.Error())
		}
	}
	k.s.slane.SetActive(true)
}

// slowDevice is how long a device may take to start: one that has been asleep takes
// a second or two.
const slowDevice = 5 * time.Second

// join has a new output begin where its sound is in time with playback, which has
// gone on.
func (k *speaker) join(ctx context.Context) {
	f := k.out.Format()
	if k.waitsToJoin() { // when a device has taken something, it is known when the next is heard
		k.write(ctx, make([]byte, f.Frames(3*k.out.Position().Period)*int64(f.FrameBytes())))
	}
	began := k.s.now()
	for k.waitsToJoin() && k.s.now()-began < slowDevice && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	k.mu.Lock()
	k.base = k.written // the silence is no sound
	paused := k.paused
	k.mu.Unlock()
	k.s.mu.Lock()
	now := k.s.now()
	at, running, speed := k.s.clk.At(now), k.s.clk.Running(), k.s.clk.Speed()
	k.s.mu.Unlock()
	switch pos := k.out.Position(); {
	case running && !paused && pos.Running:
		until := (float64(k.written) - pos.Heard(f.Rate)) / float64(f.Rate) // the next sample is heard, in seconds
		at += time.Duration(until * speed * float64(time.Second))
	case k.left && (paused || !running):
		at = k.leftAt
	}
	k.next, k.anchored = at, true
}

// waitsToJoin reports whether the device has not taken anything yet, but will.
func (k *speaker) waitsToJoin() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.out.Position().Running && k.joining && !k.moving.Load() && k.epoch == k.s.epochs.current().n && !gone(k.out)
}

// gone reports whether an output says that its device has gone.
func gone(out AudioOutput) bool {
	l, ok := out.(interface{ Lost() bool })
	return ok && l.Lost()
}

// replaceAgain is the time in which only one device that has gone is replaced at once; one
// that comes and goes is then looked for as if there were none.
const replaceAgain = 5 * time.Second

// replace goes on with another device when one has gone.
func (k *speaker) replace() {
	now := k.s.now()
	k.gone, k.retried = true, now
	if k.replaced != 0 && now-k.replaced < replaceAgain {
		k.fail(errors.New("no sound: the sound device has gone"))
		return
	}
	k.replaced = now
	k.s.log.Warn("the sound device has gone: trying to open one again")
	k.reopen()
}

// retryEach is how often a device is looked for when one has gone and there was no other:
// it may be plugged in again, or its server be started again. A try takes milliseconds.
const retryEach = 3 * time.Second

// retry looks for a device now and then.
func (k *speaker) retry() {
	if now := k.s.now(); k.gone && k.is(speakerOff) && now-k.retried >= retryEach {
		k.retried = now
		k.moving.Store(true)
	}
}

// SoundReader reads the sound of a source from beginning to end, apart from
// playback: analysis.Blocks. Its calls come from one goroutine.
type SoundReader struct {
	src    demux.Source
	dec    demux.AudioDecoder
	stream int
	stamps *clock.Restamper
	offset time.Duration
	sent   bool // all has been read and the decoder is being drained
	stop   func() bool
}

// ReadSound reads a stream of src by its index, or the one that would be played if
// stream is negative. It owns src, which was opened for this and not for playing, and
// interrupts it when ctx ends. The caller closes the reader.
func ReadSound(ctx context.Context, src demux.Source, stream int) (*SoundReader, error) {
	fail := func(err error) (*SoundReader, error) {
		src.Close()
		return nil, err
	}
	if src.Info().Live {
		return fail(errors.New("the sound of a live source has no end that could be read to"))
	}
	if stream < 0 {
		_, sound := choose(src.Streams(), true, false)
		if sound == nil {
			return fail(errors.New("there is no sound"))
		}
		stream = sound.Index
	}
	src.Select(stream)
	dec, err := src.AudioDecoder(stream)
	if err != nil {
		return fail(err)
	}
	return &SoundReader{src: src, dec: dec, stream: stream, stamps: clock.NewRestamper(0, false), stop: context.AfterFunc(ctx, src.Interrupt)}, nil
}

// Next returns the next block, with its PTS in playback time (demux.NoPTS if it has
// none), until io.EOF. The caller releases it before the next call. Damage is passed over.
func (r *SoundReader) Next(ctx context.Context) (*audio.Block, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b, err := r.dec.Receive()
		if err == nil {
			if b.PTS != demux.NoPTS {
				b.PTS += r.offset
			}
			return b, nil
		}
		if r.sent {
			return nil, io.EOF // also where the last packet is damaged
		}
		if err := r.send(); err != nil {
			return nil, err
		}
	}
}

// send gives the decoder the next packet, or the order to give out what is still
// inside.
func (r *SoundReader) send() error {
	pkt, err := r.src.Read()
	switch {
	case errors.Is(err, io.EOF):
		r.sent = true
		r.dec.Send(nil)
		return nil
	case errors.Is(err, demux.ErrAgain):
		return nil
	case err != nil:
		return fmt.Errorf("reading sound: %w", err)
	}
	defer pkt.Release()
	if pkt.Stream != r.stream {
		return nil
	}
	t := pkt.DTS
	if t == demux.NoPTS {
		t = pkt.PTS
	}
	if t != demux.NoPTS {
		r.offset = r.stamps.Offset(pkt.Stream, t, pkt.Duration)
	}
	r.dec.Send(pkt) // the decoder is empty and takes it; what it cannot decode is left out
	return nil
}

// Close frees the decoder and the source.
func (r *SoundReader) Close() error {
	r.stop()
	r.dec.Close()
	return r.src.Close()
}
