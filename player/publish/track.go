package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/player/queue"
	"planar/render"
)

// track turns the packets of one stream of the source into units, in a goroutine of
// its own. in is the reading goroutine's, which changes it only while the track has let
// go of the source (markLeave); end and awaitsKey too; settled, lost and out are
// Publisher.mu's; the rest is its own.
type track struct {
	p    *Publisher
	lane *queue.Lane[item]

	in        demux.Stream
	end       time.Duration // how far the timeline has come
	awaitsKey bool          // packets up to the next key picture were dropped
	copied    bool

	settled bool
	lost    bool          // it could not be sent any more
	out     *demux.Stream // with its index once sending has begun; nil: not sent

	elementary *elementary // of a copied track
	video      demux.VideoDecoder
	audio      demux.AudioDecoder
	pictures   VideoEncoder
	sound      AudioEncoder
	rate       *frameRate
	gop        time.Duration // from one key picture to the next; 0: as many pictures as the encoder counts
	offset     time.Duration // of the latest packet
	keyed      bool          // a unit with which decoding can begin was sent
	waited     bool          // ready was waited for
	last       time.Duration // DTS of the latest unit
	shown      time.Duration // PTS of the latest picture that was encoded
	keyAt      time.Duration // of the latest key picture
	encoded    bool
	held       *demux.Frame // where another rate is asked for: the picture that is shown until the next one

	frames  atomic.Int64 // pictures sent, or units of sound
	late    atomic.Int64 // pictures left out because encoding is too slow
	damaged atomic.Int64 // packets of which nothing could be made
	dropped atomic.Int64 // packets of a live source that came faster than they could be worked off
}

func newTrack(p *Publisher, s demux.Stream) (*track, error) {
	t := &track{p: p, in: s, last: -step}
	limit := queue.Limit{Bytes: aheadBytes, Duration: aheadTime}
	if s.Codec == "rawvideo" {
		limit = queue.Limit{Items: aheadFrames}
	}
	t.lane = p.group.Lane(limit)
	var why string
	if p.cfg.Copy != CopyNever {
		why = t.cannotCopy()
		t.copied = why == ""
	}
	if t.copied {
		return t, nil
	}
	if p.cfg.Copy == CopyAlways {
		return nil, fmt.Errorf("--copy yes: %s: encode it with --copy auto", why)
	}
	enc := encodingOf(p.cfg, s.Kind)
	if ok, target := p.takenByAll(enc); !ok {
		return nil, fmt.Errorf("%s cannot carry %s: choose another codec", target, strings.ToUpper(enc))
	}
	return t, nil
}

func encodingOf(cfg Config, k demux.Kind) string {
	codec, usual := cfg.Video.Codec, "h264"
	if k == demux.Audio {
		codec, usual = cfg.Audio.Codec, "aac"
	}
	if codec == "" {
		return usual
	}
	return codec
}

// cannotCopy says why the stream has to be encoded; "" if it need not.
func (t *track) cannotCopy() string {
	s, cfg := t.in, t.p.cfg
	switch {
	case s.Kind == demux.Video && cfg.EncodeVideo || s.Kind == demux.Audio && cfg.EncodeAudio:
		return "it is said how to encode"
	case cfg.Copy == CopyAuto && uncompressed(s.Codec):
		return "it is not compressed"
	case s.Kind == demux.Video && (cfg.Video.Width > 0 || cfg.Video.Rate.Known()):
		return "another size or rate is asked for"
	case s.Kind == demux.Video && cfg.Video.Codec != "" && cfg.Video.Codec != s.Codec,
		s.Kind == demux.Audio && cfg.Audio.Codec != "" && cfg.Audio.Codec != s.Codec:
		return "another codec is asked for"
	}
	if ok, target := t.p.takenByAll(s.Codec); !ok {
		return fmt.Sprintf("%s cannot carry %s", target, s.Codec)
	}
	if _, err := newElementary(s); err != nil {
		return err.Error()
	}
	return ""
}

// uncompressed reports whether a codec is none: more than a network wants to carry.
// G.711 is what telephones and cameras send.
func uncompressed(codec string) bool {
	return codec == "rawvideo" || strings.HasPrefix(codec, "pcm_") && codec != "pcm_alaw" && codec != "pcm_mulaw"
}

// prepare returns what makes the track expect packets of a source, which is called in
// the track's goroutine.
func (t *track) prepare(src demux.Source) (func(*track), error) {
	in := t.in
	if t.copied {
		e, err := newElementary(in)
		if err != nil {
			return nil, err
		}
		return func(t *track) { t.elementary, t.keyed = e, false }, nil
	}
	if in.Kind == demux.Video {
		dec, err := src.VideoDecoder(in.Index)
		if err != nil {
			return nil, err
		}
		return func(t *track) { t.video = dec }, nil
	}
	dec, err := src.AudioDecoder(in.Index)
	if err != nil {
		return nil, err
	}
	return func(t *track) { t.audio = dec }, nil
}

// take gives the track a packet. Where it has no room a file waits; of a live source,
// which nobody can hold up, packets are left out, up to the next key picture.
func (t *track) take(i item) {
	if t.p.live {
		if t.lane.Full() {
			t.awaitsKey = t.in.Kind == demux.Video && t.in.Codec != "rawvideo"
			t.dropped.Add(1)
			i.Release()
			return
		}
		if t.awaitsKey && !i.Key {
			t.dropped.Add(1)
			i.Release()
			return
		}
		t.awaitsKey = false
	}
	t.lane.Put(i)
}

// run works until the end, or until the publisher's group of lanes is closed.
func (t *track) run(ctx context.Context) {
	defer t.close()
	for {
		i, ok := t.lane.Get()
		if !ok {
			return
		}
		var err error
		switch i.mark {
		case markBegin:
			i.begin(t)
		case markDrain:
			err = t.drain(ctx)
		case markLeave:
			err = t.drain(ctx)
			t.closeDecoder()
			close(i.reached)
		case markEnd:
			if err = t.drain(ctx); err == nil {
				err = t.finish(ctx)
			}
			if err != nil && ctx.Err() == nil {
				t.p.lose(t, err)
			}
			return
		default:
			t.offset = i.offset
			err = t.packet(ctx, i.Packet)
			i.Release()
		}
		if err != nil {
			if ctx.Err() == nil {
				t.p.lose(t, err)
			}
			t.p.settle(t, nil)
			t.discard()
			return
		}
	}
}

// discard takes what comes, so that others are not held up.
func (t *track) discard() {
	t.close()
	for {
		i, ok := t.lane.Get()
		if !ok || i.mark == markEnd {
			return
		}
		if i.mark == markBegin { // a decoder that nobody uses
			i.begin(t)
			t.closeDecoder()
		}
		if i.reached != nil {
			close(i.reached)
		}
		i.Release()
	}
}

func (t *track) close() {
	t.held.Release()
	t.held = nil
	t.closeDecoder()
	if t.pictures != nil {
		t.pictures.Close()
		t.pictures = nil
	}
	if t.sound != nil {
		t.sound.Close()
		t.sound = nil
	}
}

func (t *track) closeDecoder() {
	if t.video != nil {
		t.video.Close()
		t.video = nil
	}
	if t.audio != nil {
		t.audio.Close()
		t.audio = nil
	}
}

// packet passes a packet on, or decodes it and encodes what comes out.
func (t *track) packet(ctx context.Context, p *demux.Packet) error {
	if t.copied {
		units, err := t.elementary.units(p)
		if err != nil {
			t.damage(err)
			return nil
		}
		for _, u := range units {
			if err := t.send(ctx, u, t.offset); err != nil {
				return err
			}
		}
		return nil
	}
	return t.decode(ctx, p)
}

// damage counts what cannot be used, and tells of the first.
func (t *track) damage(err error) {
	if t.damaged.Add(1) == 1 {
		t.p.cfg.Log.Warn(fmt.Sprintf("%s: %s: %v", t.p.cfg.Name, t.in.Kind, err))
	}
}

// decode sends a packet to the decoder, or nil to empty it.
func (t *track) decode(ctx context.Context, p *demux.Packet) error {
	for {
		var err error
		if t.video != nil {
			err = t.video.Send(p)
		} else {
			err = t.audio.Send(p)
		}
		full := errors.Is(err, demux.ErrAgain)
		if err != nil && !full && !errors.Is(err, io.EOF) {
			t.damage(err)
		}
		if err := t.receive(ctx); err != nil || !full {
			return err
		}
	}
}

// receive encodes what the decoder has.
func (t *track) receive(ctx context.Context) error {
	for ctx.Err() == nil {
		var err error
		if t.video != nil {
			var f *demux.Frame
			if f, err = t.video.Receive(); err == nil {
				if err = t.picture(ctx, f); err != nil {
					return err
				}
				continue
			}
		} else {
			var b *audio.Block
			if b, err = t.audio.Receive(); err == nil {
				err = t.encodeSound(ctx, b)
				b.Release()
				if err != nil {
					return err
				}
				continue
			}
		}
		if !errors.Is(err, demux.ErrAgain) && !errors.Is(err, io.EOF) {
			t.damage(err)
		}
		return nil
	}
	return ctx.Err()
}

// tooLate is how far behind its time a picture is not encoded any more: other ones
// are due by then, and a receiver's buffer is used up.
const tooLate = 250 * time.Millisecond

// picture encodes a decoded picture, which it owns. At another rate it is held until
// it is known how long it is shown.
func (t *track) picture(ctx context.Context, f *demux.Frame) error {
	if t.pictures == nil {
		if err := t.beginPictures(&f.Picture); err != nil {
			f.Release()
			return err
		}
	}
	if f.PTS == demux.NoPTS {
		f.PTS = t.shown + t.interval()
		if t.held != nil {
			f.PTS = t.held.PTS + t.interval()
		}
	} else {
		f.PTS += t.offset
	}
	if t.rate == nil {
		defer f.Release()
		return t.encode(ctx, f, f.PTS)
	}
	err := t.showHeld(ctx, f.PTS)
	t.held.Release()
	t.held = f
	return err
}

// showHeld encodes the picture that is held for all the time up to another one's.
func (t *track) showHeld(ctx context.Context, until time.Duration) error {
	first, count := t.rate.before(until)
	for n := range count {
		if t.held == nil {
			return nil
		}
		if err := t.encode(ctx, t.held, t.rate.at(first+n)); err != nil {
			return err
		}
	}
	return nil
}

// showLast encodes the picture that is held for as long as it lasts.
func (t *track) showLast(ctx context.Context) error {
	if t.held == nil {
		return nil
	}
	length := t.held.Duration
	if length <= 0 {
		length = t.interval()
	}
	err := t.showHeld(ctx, t.held.PTS+length)
	t.held.Release()
	t.held = nil
	return err
}

// encode encodes a picture as one that is shown at pts.
func (t *track) encode(ctx context.Context, f *demux.Frame, pts time.Duration) error {
	if t.encoded && pts <= t.shown {
		return nil // B pictures of a broken stream, or the seam of a loop
	}
	if !t.p.live && t.p.pace.late(pts, time.Now()) > tooLate && pts < t.shown+time.Second {
		t.late.Add(1)
		return nil
	}
	g := *f
	g.PTS, g.OnFree = pts, nil
	// By time, because the rate may be another one than the source says.
	key := !t.encoded || t.gop > 0 && pts-t.keyAt > t.gop-t.interval()/2
	packets, err := t.pictures.Encode(&g, key)
	if err != nil {
		return fmt.Errorf("encoding as %s: %w", encodingOf(t.p.cfg, demux.Video), err)
	}
	t.shown, t.encoded = pts, true
	for i := range packets {
		if packets[i].Key {
			t.keyAt = packets[i].PTS
		}
	}
	return t.sendEncoded(ctx, packets)
}

func (t *track) interval() time.Duration {
	if r := t.in.FrameRate; r.Known() {
		return time.Duration(float64(time.Second) / r.Float())
	}
	return time.Second / 25
}

// beginPictures makes the encoder.
func (t *track) beginPictures(like *render.Picture) error {
	cfg := t.p.cfg
	e := cfg.Video
	e.Codec = encodingOf(cfg, demux.Video)
	if e.Rate.Known() {
		t.rate = &frameRate{num: int64(e.Rate.Num), den: int64(e.Rate.Den)}
	} else if e.Rate = t.in.FrameRate; !e.Rate.Known() {
		e.Rate = render.Rational{Num: 25, Den: 1}
	}
	if e.GOP <= 0 {
		if t.gop = cfg.GOP; t.gop <= 0 {
			t.gop = time.Second
		}
		e.GOP = max(1, int(t.gop.Seconds()*e.Rate.Float()+0.5))
	}
	if like.Rotation != 0 {
		cfg.Log.Warn(fmt.Sprintf("%s: is to be turned by %d degrees, which is not sent", cfg.Name, like.Rotation))
	}
	var err error
	if t.pictures, err = cfg.Encoders.Video(like, e); err != nil {
		t.pictures = nil
		return err
	}
	out := t.pictures.Stream()
	t.p.settle(t, &out)
	return nil
}

// encodeSound encodes a decoded block.
func (t *track) encodeSound(ctx context.Context, b *audio.Block) error {
	if t.sound == nil {
		e := t.p.cfg.Audio
		e.Codec = encodingOf(t.p.cfg, demux.Audio)
		enc, err := t.p.cfg.Encoders.Audio(b.Format, e)
		if err != nil {
			return err
		}
		t.sound = enc
		out := enc.Stream()
		t.p.settle(t, &out)
	}
	shifted := *b
	if shifted.OnFree = nil; b.PTS != demux.NoPTS {
		shifted.PTS += t.offset
	}
	packets, err := t.sound.Encode(&shifted)
	if err != nil {
		return fmt.Errorf("encoding as %s: %w", encodingOf(t.p.cfg, demux.Audio), err)
	}
	return t.sendEncoded(ctx, packets)
}

func (t *track) sendEncoded(ctx context.Context, packets []demux.Packet) error {
	for i := range packets {
		p := &packets[i]
		u := &Unit{PTS: p.PTS, DTS: p.DTS, Duration: p.Duration, Key: p.Key || t.in.Kind == demux.Audio, Data: p.Data}
		if t.in.Kind == demux.Video {
			var err error
			if u.NALUs, err = SplitAnnexB(p.Data); err != nil {
				return err
			}
		}
		if err := t.send(ctx, u, 0); err != nil {
			return err
		}
	}
	return nil
}

// drain empties the decoder: what comes next is not connected with what was.
func (t *track) drain(ctx context.Context) error {
	if t.video == nil && t.audio == nil {
		return nil
	}
	err := t.decode(ctx, nil)
	if err == nil {
		err = t.showLast(ctx)
	}
	if t.video != nil {
		t.video.Flush()
	} else {
		t.audio.Flush()
	}
	return err
}

// finish sends what the encoder still has.
func (t *track) finish(ctx context.Context) error {
	var packets []demux.Packet
	var err error
	switch {
	case t.pictures != nil:
		packets, err = t.pictures.Encode(nil, false)
	case t.sound != nil:
		packets, err = t.sound.Encode(nil)
	}
	if err != nil {
		return err
	}
	return t.sendEncoded(ctx, packets)
}

// send gives a unit its place in time, waits until it is due, and hands it out. The
// error is ctx's.
func (t *track) send(ctx context.Context, u *Unit, offset time.Duration) error {
	if t.in.Kind == demux.Video && !t.keyed {
		if t.keyed = u.Key; !u.Key {
			return nil // nobody could decode it
		}
	}
	if t.copied && !t.waited {
		if !t.elementary.ready() {
			t.keyed = false
			return nil
		}
		out := t.elementary.stream
		t.p.settle(t, &out)
	}
	if !t.waited {
		select {
		case <-t.p.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
		t.waited = true
	}
	if t.out == nil {
		return errLeftOut
	}
	if !t.place(u, offset) {
		return nil
	}
	u.Stream = t.out.Index
	now := time.Now()
	if t.p.live {
		u.At = t.p.pace.captured(u.DTS)
	} else {
		u.At = t.p.pace.due(u.DTS, now)
		if !sleep(ctx, u.At.Sub(now)) {
			return ctx.Err()
		}
	}
	t.p.emit(u)
	t.frames.Add(1)
	return nil
}

var errLeftOut = errors.New("it came so late that sending began without it")

// step is the smallest one between two units that all protocols know.
const step = time.Millisecond

// place moves a unit's times onto the timeline of the whole, and sees that DTS grows
// within the stream. It is false for a unit that has no place there: sound before the
// beginning, that only primes decoders.
func (t *track) place(u *Unit, offset time.Duration) bool {
	if u.DTS == demux.NoPTS && u.PTS == demux.NoPTS {
		u.DTS = t.last + max(t.interval(), u.Duration)
		u.PTS = u.DTS
	} else {
		if u.PTS == demux.NoPTS {
			u.PTS = u.DTS
		}
		u.DTS += offset
		u.PTS += offset
	}
	if t.in.Kind == demux.Audio && (u.PTS < 0 || u.PTS <= t.last) {
		return false
	}
	u.DTS = max(u.DTS, t.last+step)
	u.PTS = max(u.PTS, u.DTS)
	t.last = u.DTS
	return true
}
