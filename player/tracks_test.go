package player

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"planar/audio"
	"planar/demux"
)

// merged is a source of several sources of one stream each, in the order of their times.
type merged struct {
	parts   []demux.Source
	streams []demux.Stream
	noSeek  bool
	live    bool
	begin   time.Time // of a live one

	mu       sync.Mutex
	selected []int
	at       []time.Duration
	over     []bool
	stop     chan struct{}
}

func merge(streams []demux.Stream, parts ...demux.Source) *merged {
	m := &merged{parts: parts, at: make([]time.Duration, len(parts)), over: make([]bool, len(parts)), stop: make(chan struct{}), begin: time.Now()}
	for i, p := range parts {
		st := p.Streams()[0]
		st.Index, st.Default = i, false
		if i < len(streams) {
			st.Language, st.Title, st.Default = streams[i].Language, streams[i].Title, streams[i].Default
		}
		m.streams = append(m.streams, st)
	}
	return m
}

func (m *merged) Info() demux.Info {
	i := demux.Info{Format: "merged", Seekable: !m.noSeek && !m.live, Live: m.live}
	for _, p := range m.parts {
		i.Duration = max(i.Duration, p.Info().Duration)
	}
	return i
}
func (m *merged) Streams() []demux.Stream { return m.streams }
func (m *merged) Select(streams ...int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.selected = streams
}

func (m *merged) Read() (*demux.Packet, error) {
	for {
		at := -1
		for i := range m.parts {
			if !m.over[i] && (at < 0 || m.at[i] < m.at[at]) {
				at = i
			}
		}
		if at < 0 {
			return nil, io.EOF
		}
		p, err := m.parts[at].Read()
		if errors.Is(err, io.EOF) {
			m.over[at] = true
			continue
		} else if err != nil {
			return nil, err
		}
		p.Stream = at
		m.at[at] = p.PTS + p.Duration
		if m.live {
			select {
			case <-time.After(time.Until(m.begin.Add(p.PTS))):
			case <-m.stop:
				p.Release()
				return nil, demux.ErrInterrupted
			}
		}
		m.mu.Lock()
		wanted := slices.Contains(m.selected, at)
		m.mu.Unlock()
		if wanted {
			return p, nil
		}
		p.Release()
	}
}

func (m *merged) Seek(t time.Duration) error {
	for i, p := range m.parts {
		if err := p.Seek(t); err != nil {
			return err
		}
		m.at[i], m.over[i] = t, false
	}
	return nil
}

func (m *merged) VideoDecoder(i int) (demux.VideoDecoder, error) { return m.parts[i].VideoDecoder(0) }

func (m *merged) AudioDecoder(i int) (demux.AudioDecoder, error) { return m.parts[i].AudioDecoder(0) }

func (m *merged) Interrupt() {
	select {
	case <-m.stop:
	default:
		close(m.stop)
	}
}

func (m *merged) Close() error {
	var errs []error
	for _, p := range m.parts {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// marked makes a raw source of sound in whose samples, in the left channel, the track
// (0 to 2) and the frame are written, so that it can be seen what is heard.
func (s *stage) marked(track int, d time.Duration, f audio.Format) demux.Source {
	path := filepath.Join(s.dir, fmt.Sprintf("track%d.pcm", track))
	n := f.Frames(d)
	data := make([]byte, n*int64(f.FrameBytes()))
	for i := range n {
		binary.LittleEndian.PutUint16(data[i*int64(f.FrameBytes()):], mark16(track, i))
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		s.t.Fatal(err)
	}
	src, err := demux.OpenRawAudio(path, demux.RawAudioParams{Codec: "pcm_s16le", SampleBytes: 2, Format: f})
	if err != nil {
		s.t.Fatal(err)
	}
	return src
}

// mark16 is never 0, which is silence.
func mark16(track int, frame int64) uint16 { return uint16(track+1)<<13 | uint16(frame)&0x1fff }

// run16 is samples of one track (-1 for silence) that follow each other.
type run16 struct {
	track     int
	at, n     int64 // in what was heard
	from, end int   // frames of the source, modulo 8192
}

func runs16(pcm []byte) (list []run16) {
	for i := int64(0); i < int64(len(pcm)/2); i++ {
		v := binary.LittleEndian.Uint16(pcm[2*i:])
		track, frame := int(v>>13)-1, int(v&0x1fff)
		if l := len(list) - 1; l >= 0 && list[l].track == track && (track < 0 || list[l].end&0x1fff == frame) {
			list[l].n++
			list[l].end = frame + 1
			continue
		}
		list = append(list, run16{track, i, 1, frame, frame + 1})
	}
	return list
}

func (h *heardAt) all() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.data)
}

// leftOnly is a resampler to mono of what has any number of channels.
type leftOnly struct {
	passing
	in audio.Format
}

func (l leftOnly) Convert(b *audio.Block) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	var out []byte
	for i := range b.Frames {
		out = append(out, b.Planes[0][i*l.in.FrameBytes():][:2]...)
	}
	return out, nil
}

// evenly wants every picture shown, at an even pace but for the first, which waits for
// the sound's way through the device.
func evenly(t *testing.T, shown []seen, n int) {
	t.Helper()
	if len(shown) != n {
		t.Errorf("%d pictures shown, want %d", len(shown), n)
	}
	for i := 2; i < len(shown); i++ {
		if d := shown[i].at - shown[i-1].at; d < 30*ms || d > 50*ms {
			t.Errorf("picture %d stayed for %v", shown[i-1].number, d)
		}
	}
}

// Another track is heard soon, goes on to the sample where the one before ends, and the
// pictures do not notice.
func TestSelectSound(t *testing.T) {
	stereo := audio.Format{Sample: audio.S16, Rate: testRate, Channels: 2}
	type step struct {
		at   time.Duration
		do   func(*stage)
		then int // the track that is heard from then on
	}
	key := func(s *stage) { s.screen.press("a") }
	for _, c := range []struct {
		name   string
		second audio.Format
		loop   int
		seeks  bool
		steps  []step
	}{
		{"by key", testFormat, 1, true, []step{{2 * time.Second, key, 1}}},
		{"there and back", testFormat, 1, true, []step{{2 * time.Second, key, 1}, {2500 * ms, key, 0}, {2900 * ms, key, 1}}},
		{"at once back", testFormat, 1, true, []step{{2 * time.Second, func(s *stage) { s.screen.press("a", "a") }, 0}}},
		{"another format", stereo, 1, true, []step{{2 * time.Second, key, 1}, {3 * time.Second, key, 0}}},
		{"at the start", testFormat, 1, true, []step{{10 * ms, key, 1}}},
		{"near the end", testFormat, 1, true, []step{{3500 * ms, key, 1}}},
		{"a pipe", testFormat, 1, false, []step{{2 * time.Second, key, 1}}},
		{"in a loop", testFormat, 2, true, []step{{3900 * ms, key, 1}, {6 * time.Second, key, 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.cfg.Loop = c.loop
				s.cfg.NewResampler = func(in, out audio.Format, speed float64) (Resampler, error) { return leftOnly{passing{out}, in}, nil }
				m := merge(nil, s.pictures(100), s.marked(0, 4*time.Second, testFormat), s.marked(1, 4*time.Second, c.second))
				m.noSeek = !c.seeks
				s.start(m)
				began := time.Since(s.screen.begin)
				for _, st := range c.steps {
					time.Sleep(st.at - (time.Since(s.screen.begin) - began))
					st.do(s)
				}
				s.finish()
				evenly(t, s.screen.all(), 100*c.loop)

				runs := runs16(s.heard.all())
				var tracks []int
				total, last := int64(0), -1
				for i, r := range runs {
					if r.track < 0 {
						t.Errorf("%d frames of silence from %d on", r.n, r.at)
					} else if r.track != last {
						tracks, last = append(tracks, r.track), r.track
					}
					total += r.n
					if i > 0 && r.from != runs[i-1].end&0x1fff && r.from != 0 {
						t.Errorf("the sound jumps at %d: from frame %d to %d of track %d", r.at, runs[i-1].end, r.from, r.track)
					}
				}
				if want := testFormat.Frames(4 * time.Second * time.Duration(c.loop)); total != want {
					t.Errorf("%d frames were heard, want %d", total, want)
				}
				want := []int{0}
				for _, st := range c.steps {
					if want[len(want)-1] != st.then {
						want = append(want, st.then)
					}
				}
				if c.name == "at the start" && tracks[0] == 1 {
					want = want[1:]
				}
				if !slices.Equal(tracks, want) {
					t.Errorf("tracks %v were heard, want %v", tracks, want)
				}
				next := 0
				for i, r := range runs {
					if i == 0 || r.track == runs[i-1].track {
						continue
					}
					at, _ := s.heard.when(r.at, testRate)
					for next < len(c.steps) && c.steps[next].then != r.track {
						next++
					}
					if next < len(c.steps) {
						if d := at - began - c.steps[next].at; d < 0 || d > 350*ms {
							t.Errorf("track %d is heard %v after it was chosen", r.track, d)
						}
					}
				}
			})
		})
	}
}

// inSync wants the sound heard at a time to be the one of the picture shown then.
func inSync(t *testing.T, h *heardAt, shown []seen, runs []run16, within time.Duration) {
	t.Helper()
	compared := 0
	for _, p := range shown {
		for _, r := range runs {
			if r.track < 0 || r.n < testRate/10 {
				continue
			}
			begin, ok := h.when(r.at, testRate)
			end, ok2 := h.when(r.at+r.n-1, testRate)
			if !ok || !ok2 || p.at < begin || p.at > end {
				continue
			}
			compared++
			frame := (int64(r.from) + testFormat.Frames(p.at-begin)) & 0x1fff
			off := testFormat.Duration((frame - testFormat.Frames(p.pts)) & 0x1fff)
			if off > testFormat.Duration(4096) {
				off -= testFormat.Duration(8192)
			}
			if off < -within || off > within {
				t.Errorf("at picture %d sound is off by %v", p.number, off)
			}
		}
	}
	if compared == 0 {
		t.Error("there was nothing to compare")
	}
}

// Sound that was not heard for a while, because there was none of that track or none was
// wanted, comes back in time with the pictures, which have gone on.
func TestSelectSoundLater(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second time.Duration
		none          TrackChoice
		do            func(*stage, *devices)
		wait          time.Duration // from the last thing done until there is sound
	}{
		{"none and back", 8 * time.Second, 8 * time.Second, TrackChoice{}, func(s *stage, d *devices) {
			s.ask(Command{Do: SelectTrack, Kind: demux.Audio, Index: -1})
			time.Sleep(time.Second)
			if n := d.all()[0].frames(); n > testFormat.Frames(2100*ms) {
				t.Errorf("without a track %d frames have been heard", n)
			}
			s.ask(Command{Do: SelectTrack, Kind: demux.Audio, Index: 2})
		}, 400 * ms},
		{"after a short one", time.Second, 8 * time.Second, TrackChoice{}, func(s *stage, d *devices) { s.screen.press("a") }, 400 * ms},
		{"none at first", 8 * time.Second, 8 * time.Second, TrackChoice{None: true}, func(s *stage, d *devices) {
			s.screen.press("a")
			time.Sleep(time.Second)
			s.screen.press("a")
		}, 400 * ms},
		{"with a seek without", 8 * time.Second, 8 * time.Second, TrackChoice{}, func(s *stage, d *devices) {
			s.ask(Command{Do: SelectTrack, Kind: demux.Audio, Index: -1})
			time.Sleep(500 * ms)
			s.ask(Command{Do: SeekTo, Time: 4 * time.Second})
			time.Sleep(500 * ms)
			s.screen.press("a", "a")
		}, 400 * ms},
		{"paused", 8 * time.Second, 8 * time.Second, TrackChoice{}, func(s *stage, d *devices) {
			s.screen.press("space")
			time.Sleep(time.Second)
			s.screen.press("a")
			time.Sleep(time.Second)
			s.screen.press("space")
		}, 400 * ms},
		{"none and back, paused", 8 * time.Second, 8 * time.Second, TrackChoice{}, func(s *stage, d *devices) {
			s.screen.press("space")
			time.Sleep(time.Second)
			s.ask(Command{Do: SelectTrack, Kind: demux.Audio, Index: -1})
			time.Sleep(time.Second)
			s.ask(Command{Do: SelectTrack, Kind: demux.Audio, Index: 2})
			time.Sleep(time.Second)
			s.screen.press("space")
		}, 400 * ms},
		{"with a seek", 8 * time.Second, 8 * time.Second, TrackChoice{}, func(s *stage, d *devices) {
			s.ask(Command{Do: SeekTo, Time: 5 * time.Second})
			s.screen.press("a")
		}, 400 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.asks()
				var d devices
				d.use(s)
				s.cfg.AudioTrack = c.none
				s.start(merge(nil, s.pictures(200), s.marked(0, c.first, testFormat), s.marked(1, c.second, testFormat)))
				time.Sleep(2 * time.Second)
				c.do(s, &d)
				done := time.Since(s.screen.begin)
				s.finish()
				var heard *heardAt
				for _, h := range d.all() {
					heard = h
				}
				if heard == nil {
					t.Fatal("no sound device was opened")
				}
				runs := runs16(heard.all())
				last := runs[len(runs)-1]
				if last.track != 1 {
					t.Fatalf("what was heard last is of track %d: %+v", last.track, runs)
				}
				if at, _ := heard.when(last.at, testRate); at-done > c.wait {
					t.Errorf("it is heard %v after it was chosen", at-done)
				}
				if last.n < testFormat.Frames(time.Second) {
					t.Errorf("only %d frames of it are heard: %+v", last.n, runs)
				}
				inSync(t, heard, s.screen.all(), []run16{last}, 25*ms)
			})
		})
	}
}

// A live source goes on with what comes of the other track.
func TestSelectSoundLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		m := merge(nil, s.pictures(200), s.marked(0, 8*time.Second, testFormat), s.marked(1, 8*time.Second, testFormat))
		m.live = true
		s.start(m)
		time.Sleep(3 * time.Second)
		asked := time.Since(s.screen.begin)
		s.screen.press("a")
		time.Sleep(2 * time.Second)
		s.stop()
		runs := slices.DeleteFunc(runs16(s.heard.all()), func(r run16) bool { return r.track < 0 })
		last := runs[len(runs)-1]
		if last.track != 1 {
			t.Fatalf("what was heard last is of track %d", last.track)
		}
		for _, r := range runs {
			if r.track == 1 {
				if at, _ := s.heard.when(r.at, testRate); at-asked > 600*ms {
					t.Errorf("it is heard after %v", at-asked)
				}
				break
			}
		}
		if n := len(s.screen.all()); n < 115 {
			t.Errorf("%d pictures in 5 s", n)
		}
	})
}

// Another picture track goes on at the same place.
func TestSelectVideo(t *testing.T) {
	for _, live := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			s.asks()
			one := s.pictures(200)
			s.dir = t.TempDir()
			m := merge(nil, one, s.pictures(200), s.marked(0, 8*time.Second, testFormat))
			m.live = live
			s.start(m)
			time.Sleep(2 * time.Second)
			before := s.screen.last().number
			s.ask(Command{Do: SelectTrack, Kind: demux.Video, Index: 1})
			time.Sleep(400 * ms)
			if n := s.screen.last().number; n < before || n > before+12 {
				t.Errorf("live %v: frame %d after another track was chosen at %d", live, n, before)
			}
			if v, a := s.p.current.tracks.playing(); v != 1 || a != 2 {
				t.Errorf("live %v: tracks %d and %d play", live, v, a)
			}
			time.Sleep(time.Second)
			if n := s.screen.last().number; n < before+25 {
				t.Errorf("live %v: only up to frame %d a second later", live, n)
			}
			s.stop()
		})
	}
}

// Which tracks are chosen, and what is said if they are not there.
func TestTrackChoice(t *testing.T) {
	streams := []demux.Stream{
		{Index: 0, Kind: demux.Video},
		{Index: 1, Kind: demux.Audio, Language: "eng"},
		{Index: 2, Kind: demux.Audio, Language: "ger", Default: true},
		{Index: 4, Kind: demux.Audio, Language: "fra"},
		{Index: 5, Kind: demux.Audio, Language: "pt-BR"},
		{Index: 6, Kind: demux.Audio, Language: "por"},
		{Index: 7, Kind: demux.Audio, Language: "not a language at all"},
		{Index: 8, Kind: demux.Audio},
	}
	for _, c := range []struct {
		in      string
		sound   int
		missing bool
		bad     bool
	}{
		{in: "1", sound: 1},
		{in: "3", sound: 4},
		{in: "7", sound: 8},
		{in: "8", sound: 2, missing: true},
		{in: "de", sound: 2},
		{in: "DEU", sound: 2},
		{in: "ger", sound: 2},
		{in: "de-CH", sound: 2},
		{in: "en", sound: 1},
		{in: "por", sound: 6},
		{in: "pt", sound: 5},
		{in: "it", sound: 2, missing: true},
		{in: "none", sound: -1},
		{in: "0", bad: true},
		{in: "-1", bad: true},
		{in: "what ever", bad: true},
		{in: "", bad: true},
	} {
		choice, err := ParseTrack(c.in)
		if (err != nil) != c.bad {
			t.Errorf("%q: %v", c.in, err)
		}
		if err != nil {
			continue
		}
		st := newStage(t)
		s := &session{cfg: &st.cfg, name: "clip.mkv", log: st.cfg.Log}
		s.cfg.AudioTrack = choice
		_, sound, sounds := s.choose(streams, true)
		got := -1
		if sound != nil {
			got = sound.Index
		}
		if got != c.sound || !sounds {
			t.Errorf("%q: stream %d, want %d", c.in, got, c.sound)
		}
		if said := strings.Contains(st.log.String(), "no sound track"); said != c.missing {
			t.Errorf("%q: it is said that it is missing: %v", c.in, said)
		}
	}
}

// The map of channels is heard, after what is muted.
func TestChannelMap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stereo := audio.Format{Sample: audio.S16, Rate: testRate, Channels: 2}
		s := newStage(t)
		s.asks()
		s.cfg.ChannelMap = audio.ChannelMap{2}
		s.cfg.NewResampler = func(in, out audio.Format, speed float64) (Resampler, error) { return leftOnly{passing{out}, in}, nil }
		s.start(s.marked(0, 3*time.Second, stereo))
		time.Sleep(time.Second)
		s.ask(Command{Do: SetChannelMap, Map: audio.ChannelMap{1, 2}})
		time.Sleep(time.Second)
		s.ask(Command{Do: MuteChannel})
		s.finish()
		if f := s.device().Format(); f.Channels != 1 {
			t.Errorf("the device has %d channels, want 1", f.Channels)
		}
		runs := runs16(s.heard.all())
		if len(runs) != 3 || runs[0].track != -1 || runs[1].track != 0 || runs[2].track != -1 {
			t.Fatalf("heard: %+v; want silence, the left channel, silence", runs)
		}
		if at := testFormat.Duration(runs[1].at); at < time.Second || at > 1400*ms {
			t.Errorf("it is heard from %v on", at)
		}
		if runs[1].from != int(runs[1].at)&0x1fff {
			t.Errorf("frame %d is heard at %d", runs[1].from, runs[1].at)
		}
	})
}

// Packets that two own are given back once, after both.
func TestShare(t *testing.T) {
	freed := 0
	p := &demux.Packet{OnFree: func() { freed++ }}
	q := share(p)
	r := share(q)
	for i, x := range []*demux.Packet{q, p, p, r, r} {
		if x.Release(); (freed == 1) != (i >= 3) {
			t.Fatalf("freed %d times after %d releases", freed, i+1)
		}
	}
}

// What is kept is bounded in bytes and goes when it is over.
func TestKept(t *testing.T) {
	tr := tracks{keeps: true, sound: 1, sounds: []int{1, 2}}
	out := 0
	add := func(epoch int, stream int, at time.Duration, size int, from time.Duration) bool {
		out++
		return tr.keep(&packet{Packet: func() *demux.Packet {
			p := &demux.Packet{Stream: stream, PTS: at, Duration: 20 * ms, Size: size, OnFree: func() { out-- }}
			return p
		}(), epoch: epoch}, from)
	}
	for i := range 100 {
		at := time.Duration(i) * 20 * ms
		if !add(0, 1, at, 10, at-time.Second) || add(0, 2, at, 10, at-time.Second) {
			t.Fatal("only stream 1 is played")
		}
	}
	if n := len(tr.kept); n < 100 || n > 106 {
		t.Errorf("%d packets of a second of two tracks are kept", n)
	}
	add(1, 1, 0, 10, 0)
	if n := len(tr.kept); n != 1 {
		t.Errorf("%d packets after a seek", n)
	}
	for range 100 {
		add(1, 1, time.Hour, 1<<20, 0)
	}
	if tr.bytes > keptLimit.bytes+2<<20 {
		t.Errorf("%d bytes are kept", tr.bytes)
	}
	tr.clear()
	if tr.bytes != 0 || len(tr.kept) != 0 {
		t.Errorf("%d bytes are left", tr.bytes)
	}
}

// asks gives the stage controls that a test asks for commands.
func (s *stage) asks() {
	d := &desk{screen: s.screen}
	s.cfg.Video, s.cfg.Controls = d, d
}

func (s *stage) ask(c ...Command) { s.cfg.Controls.(*desk).ask(c...) }
