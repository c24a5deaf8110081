package player

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/text/language"

	"planar/demux"
)

// TrackChoice says which of a source's streams of a kind is to be played. The zero value
// is the one that the container has as the default, else the first.
type TrackChoice struct {
	Number   int    // counted from 1 among the streams of that kind
	Language string // a tag or a code of ISO 639, such as "de", "deu" or "de-CH", if Number is 0
	None     bool   // none of them
}

// ParseTrack reads a choice of sound: a number, "none" or a language.
func ParseTrack(s string) (TrackChoice, error) {
	if s == "none" {
		return TrackChoice{None: true}, nil
	}
	if n, err := strconv.Atoi(s); err == nil {
		if n < 1 {
			return TrackChoice{}, errors.New("tracks are counted from 1")
		}
		return TrackChoice{Number: n}, nil
	}
	if _, err := language.Parse(s); err != nil {
		return TrackChoice{}, fmt.Errorf("%q is neither a number, a language such as de or deu, nor none", s)
	}
	return TrackChoice{Language: s}, nil
}

func (c TrackChoice) String() string {
	switch {
	case c.None:
		return "none"
	case c.Number > 0:
		return strconv.Itoa(c.Number)
	}
	return strconv.Quote(c.Language)
}

// Find is the stream of a kind that is meant; nil if there is none.
func (c TrackChoice) Find(streams []demux.Stream, kind demux.Kind) *demux.Stream {
	want, _ := language.Parse(c.Language)
	base, _ := want.Base()
	var near *demux.Stream
	n := 0
	for i := range streams {
		st := &streams[i]
		if st.Kind != kind {
			continue
		}
		if n++; n == c.Number {
			return st
		}
		if c.Number > 0 || c.Language == "" || st.Language == "" {
			continue
		}
		if strings.EqualFold(st.Language, c.Language) {
			return st
		}
		if has, err := language.Parse(st.Language); err == nil && near == nil {
			if b, _ := has.Base(); b == base {
				near = st // the same language, if perhaps of another country
			}
		}
	}
	return near
}

// choose picks the streams to play: those asked for, as far as they are there, else
// the container's default, else the first. sounds tells whether there is any sound that
// could be played.
func (s *session) choose(streams []demux.Stream, complain bool) (video, sound *demux.Stream, sounds bool) {
	video, sound = choose(streams, s.cfg.NoVideo, s.cfg.NoAudio || s.cfg.OpenAudio == nil)
	for _, k := range []struct {
		kind   demux.Kind
		what   string
		choice TrackChoice
		to     **demux.Stream
	}{{demux.Video, "picture", s.cfg.VideoTrack, &video}, {demux.Audio, "sound", s.cfg.AudioTrack, &sound}} {
		if *k.to == nil || k.choice == (TrackChoice{}) || k.choice.None {
			continue
		}
		if found := k.choice.Find(streams, k.kind); found != nil {
			*k.to = found
		} else if complain {
			var there []string
			for i, st := range ofKind(streams, k.kind) {
				there = append(there, strings.TrimSpace(strconv.Itoa(i+1)+" "+st.Language))
			}
			s.log.Warn(fmt.Sprintf("%s: no %s track %s; there is: %s. Playing the default one", label(s.name), k.what, k.choice, strings.Join(there, ", ")))
		}
	}
	sounds = sound != nil
	if s.cfg.AudioTrack.None {
		sound = nil
	}
	return video, sound, sounds
}

// ofKind are the streams of a kind, in their order.
func ofKind(streams []demux.Stream, kind demux.Kind) (list []demux.Stream) {
	for _, st := range streams {
		if st.Kind == kind {
			list = append(list, st)
		}
	}
	return list
}

// keptLimit bounds the sound that is kept for a change of the track, of all tracks
// together: what waits in the queue of packets (encodedLimit.Duration) and preroll before
// that, for 20 tracks of 200 kbit/s 1.2 MiB, for 8 of 8 channels of raw 48 kHz sound 14 MiB.
// With more, the new track begins a little later.
var keptLimit = struct {
	items int
	bytes int64
}{16384, 16 << 20}

// preroll is how much sound before the place that is heard is given to the decoder of
// another track: those of Opus and AAC need 80 and 40 ms before they are right.
const preroll = 300 * time.Millisecond

// noTrack stands for the index of a stream where none is played.
const noTrack = -1

// tracks is which streams are played, and the packets of all sound that may still be
// heard, so that another track can go on where this one is.
type tracks struct {
	mu           sync.Mutex
	video, sound int          // stream indices; noTrack for none
	src          demux.Source // whose decoders can be had; nil while a live source is lost
	keeps        bool         // packets of all sound streams are read and kept
	sounds       []int        // their indices
	kept         []packet     // in the order of reading, with the marks between them; each holds its own share of the memory
	bytes        int64

	told [2]int // owned by the demux goroutine: the video and sound that the source has been told of
}

// playing returns the indices of the streams that are played.
func (t *tracks) playing() (video, sound int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.video, t.sound
}

// wanted is what to select of the source. mu is held.
func (t *tracks) wanted() (list []int) {
	if t.video != noTrack {
		list = append(list, t.video)
	}
	switch {
	case t.keeps:
		list = append(list, t.sounds...)
	case t.sound != noTrack:
		list = append(list, t.sound)
	}
	return list
}

// adopt takes the source that is read from now on, and tells it what to deliver. It is
// called by the goroutine that owns the source.
func (t *tracks) adopt(src demux.Source, video, sound int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.video, t.sound = video, sound
	t.told = [2]int{video, sound}
	t.sounds = nil
	for _, st := range ofKind(src.Streams(), demux.Audio) {
		t.sounds = append(t.sounds, st.Index)
	}
	src.Select(t.wanted()...)
}

// lose says that the source is about to be closed.
func (t *tracks) lose() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.src = nil
}

// hasSound reports whether a stream is sound that may be heard, now or later.
func (t *tracks) hasSound(stream int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return stream == t.sound || t.keeps && slices.Contains(t.sounds, stream)
}

// keep keeps a packet of sound, or a mark, and reports whether it is to be played. What
// ends before the playback time from is not needed any more.
func (t *tracks) keep(p *packet, from time.Duration) (plays bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	plays = p.mark != markNone || p.Stream == t.sound
	if !t.keeps {
		return plays
	}
	for len(t.kept) > 0 {
		q := &t.kept[0]
		full := len(t.kept) >= keptLimit.items || t.bytes > keptLimit.bytes
		if !full && q.epoch == p.epoch && q.mark == markNone && q.Time() != demux.NoPTS && q.Time()+q.Duration+q.offset >= from {
			break
		}
		t.drop()
	}
	k := *p
	if p.Packet != nil {
		k.Packet = share(p.Packet)
		t.bytes += int64(p.Size)
	}
	t.kept = append(t.kept, k)
	return plays
}

// drop forgets the oldest packet. mu is held.
func (t *tracks) drop() {
	q := t.kept[0]
	if q.Packet != nil {
		t.bytes -= int64(q.Size)
		q.Release()
	}
	t.kept[0] = packet{}
	t.kept = t.kept[1:]
}

// clear frees what is kept.
func (t *tracks) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.kept) > 0 {
		t.drop()
	}
}

// share makes a packet one that two own: its memory is given back when both have
// released it.
func share(p *demux.Packet) *demux.Packet {
	free := p.OnFree
	var owners atomic.Int32
	owners.Store(2)
	p.OnFree = func() {
		if owners.Add(-1) == 0 && free != nil {
			free()
		}
	}
	other := *p
	return &other
}

// changeSound has another sound stream played, or none. Where packets are kept, those of
// the new stream take the place of the old one's in the lane; else they follow them.
func (s *session) changeSound(to int) {
	t, epoch := &s.tracks, s.epochs.current().n
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sound = to
	if t.src == nil {
		return // it is opened when there is a source again
	}
	next := []packet{{epoch: epoch, mark: markOpen, src: t.src, stream: to}}
	var drops func(packet) bool
	if t.keeps {
		drops = func(p packet) bool { return p.mark != markOpen && p.mark != markClose }
		for i := range t.kept {
			k := &t.kept[i]
			if k.epoch != epoch || k.Packet != nil && k.Stream != to {
				continue
			}
			p := *k
			if k.Packet != nil {
				p.Packet = share(k.Packet)
			}
			next = append(next, p)
		}
	}
	s.slane.Replace(drops, next)
}

// selectTrack plays another stream of a kind, or no sound.
func (s *session) selectTrack(kind demux.Kind, index int) {
	var st *demux.Stream
	list := ofKind(s.streams, kind)
	at := slices.IndexFunc(list, func(st demux.Stream) bool { return st.Index == index })
	if at >= 0 {
		st = &list[at]
	}
	video, sound := s.tracks.playing()
	switch {
	case kind == demux.Audio && (!s.hasSound || index == sound), kind == demux.Video && (!s.hasVideo || index == video):
	case st == nil && (kind != demux.Audio || index != noTrack):
	case kind == demux.Audio:
		s.selectSound(st, index, at, len(list))
	case st.Still != s.framesAreStills:
		s.answer("a picture that stands still and one that moves do not take turns: open the source again with --video-track")
	default:
		s.selectVideo(st, at, len(list))
	}
}

func (s *session) selectSound(st *demux.Stream, index, at, n int) {
	said := "no sound"
	switch {
	case st != nil:
		said = fmt.Sprintf("sound track %d of %d: %s", at+1, n, st.Track())
		s.length.sound.Store(st.Duration)
		s.speaker.expect(st.Sound)
	case !s.hasVideo || s.framesAreStills:
		s.answer("there is nothing but sound to be played: mute it instead")
		return
	default:
		s.length.sound.Store(0)
	}
	s.changeSound(index)
	if !s.info.Live && !s.tracks.keeps && s.info.Seekable && st != nil {
		s.jump(s.position(), showing) // what has been read ahead does not have it
	}
	s.answer(said)
	s.refresh.poke()
}

func (s *session) selectVideo(st *demux.Stream, at, n int) {
	where := s.position()
	s.tracks.mu.Lock()
	s.tracks.video = st.Index
	s.tracks.mu.Unlock()
	s.setRate(st.FrameRate)
	s.length.picture.Store(st.Duration)
	if s.info.Seekable {
		s.jump(where, showing)
	}
	s.answer(fmt.Sprintf("picture track %d of %d: %s", at+1, n, st.Track()))
}

// nextTrack plays the next stream of a kind; after the last one the first.
func (s *session) nextTrack(kind demux.Kind) {
	video, sound := s.tracks.playing()
	now := video
	if kind == demux.Audio {
		now = sound
	}
	list := slices.DeleteFunc(ofKind(s.streams, kind), func(st demux.Stream) bool { return st.Still != (kind == demux.Video && s.framesAreStills) })
	if len(list) == 0 {
		return
	}
	at := slices.IndexFunc(list, func(st demux.Stream) bool { return st.Index == now })
	if at >= 0 && len(list) == 1 {
		s.answer("there is one track only")
		return
	}
	s.selectTrack(kind, list[(at+1)%len(list)].Index)
}

// follow has the source deliver what is played by now. The demux goroutine calls it.
func (s *session) follow(e *epoch) {
	t := &s.tracks
	t.mu.Lock()
	now, before := [2]int{t.video, t.sound}, t.told
	t.told = now
	if now == before {
		t.mu.Unlock()
		return
	}
	s.src.Select(t.wanted()...)
	t.mu.Unlock()
	if now[0] == before[0] {
		return
	}
	s.live.needsKey, s.live.since = s.info.Live, 0
	s.vlane.SetActive(true)
	s.vlane.Put(packet{epoch: e.n, mark: markOpen, src: s.src, stream: now[0]})
}
