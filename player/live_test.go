package player

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sort"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/render"
)

// camera is a live sender of pictures at 25 fps and, with sound, of blocks of 20 ms
// whose samples all carry the block's number.
type camera struct {
	begin time.Time
	ppm   float64                                // by which its clock is fast
	sound bool                                   // it sends sound too
	gop   int                                    // pictures from key frame to key frame
	late  func(at time.Duration) time.Duration   // what the network adds to a packet sent then
	lose  func(kind demux.Kind, number int) bool // whether the network swallows a packet
}

const (
	cameraFrame = 40 * time.Millisecond
	cameraBlock = 20 * time.Millisecond
)

func (c *camera) open(context.Context, string) (demux.Source, error) {
	v := &viewer{camera: c, stop: make(chan struct{})}
	now := time.Since(c.begin)
	v.next[demux.Video], v.next[demux.Audio] = int(now/cameraFrame)+1, int(now/cameraBlock)+1
	return v, nil
}

// viewer is one connection to a camera.
type viewer struct {
	*camera
	next [2]int
	last time.Time
	stop chan struct{}
	once sync.Once
}

func (v *viewer) Info() demux.Info { return demux.Info{Format: "camera", Live: true} }

func (v *viewer) Streams() []demux.Stream {
	list := []demux.Stream{{Kind: demux.Video, Codec: "h264", Width: 16, Height: 16, FrameRate: render.Rational{Num: 25, Den: 1}}}
	if v.sound {
		list = append(list, demux.Stream{Index: 1, Kind: demux.Audio, Codec: "pcm_s16le", Sound: testFormat})
	}
	return list
}

func (v *viewer) Select(...int)            {}
func (v *viewer) Seek(time.Duration) error { return errors.New("live") }
func (v *viewer) Interrupt()               { v.once.Do(func() { close(v.stop) }) }
func (v *viewer) Close() error             { return nil }

// sent is when the camera sends what is at t on its own clock.
func (c *camera) sent(t time.Duration) time.Duration {
	return time.Duration(float64(t) / (1 + c.ppm/1e6))
}

func (v *viewer) Read() (*demux.Packet, error) {
	for {
		kind, length := demux.Video, cameraFrame
		if v.sound && time.Duration(v.next[demux.Audio])*cameraBlock <= time.Duration(v.next[demux.Video])*cameraFrame {
			kind, length = demux.Audio, cameraBlock
		}
		n := v.next[kind]
		v.next[kind]++
		pts := time.Duration(n) * length
		sent := v.sent(pts)
		if kind == demux.Audio {
			sent = v.sent(pts + length) // a block is there when it is over
		}
		at := v.begin.Add(sent)
		if v.late != nil {
			at = at.Add(v.late(sent))
		}
		if at.Before(v.last) {
			at = v.last // the network keeps the order
		}
		v.last = at
		select {
		case <-time.After(time.Until(at)):
		case <-v.stop:
			return nil, demux.ErrInterrupted
		}
		if v.lose != nil && v.lose(kind, n) {
			continue
		}
		p := &demux.Packet{Stream: int(kind), PTS: pts, DTS: pts, Duration: length, Key: kind == demux.Audio || n%max(v.gop, 1) == 0}
		if kind == demux.Video {
			p.Data, p.Size = []byte{byte(n)}, 1000
			return p, nil
		}
		p.Data = make([]byte, 2*testFormat.Frames(length))
		for i := 0; i < len(p.Data); i += 2 {
			binary.LittleEndian.PutUint16(p.Data[i:], uint16(n))
		}
		p.Size = len(p.Data)
		return p, nil
	}
}

func (v *viewer) VideoDecoder(int) (demux.VideoDecoder, error) { return &liveDecoder{}, nil }
func (v *viewer) AudioDecoder(int) (demux.AudioDecoder, error) { return &blockDecoder{}, nil }

// blockDecoder hands packets on as blocks.
type blockDecoder struct{ b *audio.Block }

func (d *blockDecoder) Send(p *demux.Packet) error {
	if p != nil {
		d.b = &audio.Block{Format: testFormat, Frames: len(p.Data) / 2, PTS: p.PTS, Planes: [][]byte{p.Data}}
	}
	return nil
}

func (d *blockDecoder) Receive() (*audio.Block, error) {
	if d.b == nil {
		return nil, demux.ErrAgain
	}
	b := d.b
	d.b = nil
	return b, nil
}
func (d *blockDecoder) Flush() { d.b = nil }
func (d *blockDecoder) Close() {}

// drifting resamples by leaving out or repeating samples.
type drifting struct {
	factor float64
	owed   float64
	buf    []byte
}

func (d *drifting) Drift(factor float64) error { d.factor = factor; return nil }
func (d *drifting) Delay() time.Duration       { return 0 }
func (d *drifting) Late() time.Duration        { return 0 }
func (d *drifting) Close()                     {}

func (d *drifting) Convert(b *audio.Block) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	want := float64(b.Frames)/d.factor + d.owed
	n := int(want)
	d.owed = want - float64(n)
	d.buf = d.buf[:0]
	for i := range n {
		j := min(i*b.Frames/n, b.Frames-1)
		d.buf = append(d.buf, b.Planes[0][2*j:2*j+2]...)
	}
	return d.buf, nil
}

func (s *stage) follow(c *camera) {
	s.cfg.Open = c.open
	s.cfg.Reconnect = true
	s.cfg.NewResampler = func(in, out audio.Format, speed float64) (Resampler, error) {
		return &drifting{factor: 1}, nil
	}
	s.start(nil)
}

// ages are how long after they were sent the pictures shown from some time on were
// shown.
func (s *stage) ages(c *camera, from time.Duration) (ages []time.Duration) {
	for _, f := range s.screen.all() {
		if f.at > from {
			ages = append(ages, f.at-c.sent(f.pts))
		}
	}
	sort.Slice(ages, func(i, j int) bool { return ages[i] < ages[j] })
	return ages
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	return d[len(d)/2]
}

// apart is how much later than the picture with the same timestamp a block was
// heard, for each picture shown in a span.
func (s *stage) apart(from, to time.Duration) (list []time.Duration) {
	first := map[uint16]int64{} // frame at which a block's sound begins, the latest
	s.heard.mu.Lock()
	data := s.heard.data
	s.heard.mu.Unlock()
	last := uint16(0)
	for i := 0; i+1 < len(data); i += 2 {
		if n := binary.LittleEndian.Uint16(data[i:]); n != last {
			last = n
			if n != 0 {
				first[n] = int64(i / 2)
			}
		}
	}
	for _, f := range s.screen.all() {
		if f.at < from || f.at > to {
			continue
		}
		frame, ok := first[uint16(f.pts/cameraBlock)]
		if !ok {
			continue
		}
		if heard, ok := s.heard.when(frame, testRate); ok && abs(heard-f.at) < 2*time.Second {
			list = append(list, heard-f.at)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
	return list
}

func jitter(most time.Duration) func(time.Duration) time.Duration {
	r := rand.New(rand.NewPCG(1, 2))
	return func(time.Duration) time.Duration { return time.Duration(r.Int64N(int64(most))) }
}

// A clock that runs at another speed than ours, for two hours: nothing may pile up.
func TestLiveDelayStays(t *testing.T) {
	for _, c := range []struct {
		name  string
		ppm   float64
		sound bool
	}{{"fast", 200, false}, {"slow", -200, false}, {"fast with sound", 200, true}, {"slow with sound", -200, true}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				cam := &camera{begin: time.Now(), ppm: c.ppm, sound: c.sound, gop: 25}
				s.follow(cam)
				span := 15 * time.Minute // 180 ms of drift
				if c.sound {
					span = 5 * time.Minute // its bytes are all kept
				}
				time.Sleep(time.Minute)
				early := s.ages(cam, 30*time.Second)
				time.Sleep(span)
				late := s.ages(cam, span+30*time.Second)
				if d := median(late) - median(early); abs(d) > 3*ms {
					t.Errorf("pictures were %v old after half a minute and %v in the end", median(early), median(late))
				}
				if len(late) < 700 {
					t.Errorf("%d pictures in the last half minute, want 750", len(late))
				}
				if c.sound {
					list := s.apart(span, span+time.Minute)
					if m := median(list); len(list) < 1000 || abs(m) > 5*ms || list[len(list)*95/100]-list[len(list)/20] > 6*ms {
						t.Errorf("sound %v after the picture (of %d)", m, len(list))
					}
				} else if m := median(late); m > 12*ms {
					t.Errorf("pictures are shown %v after they came, without any jitter", m)
				}
				if st := s.p.Stats(); st.Skips > 1 || st.Underruns > 1 {
					t.Errorf("%d skips, %d underruns", st.Skips, st.Underruns)
				}
				s.stop()
			})
		})
	}
}

// Pictures go out at their own rate, not as they come.
func TestLiveJitterIsSmoothed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		cam := &camera{begin: time.Now(), gop: 25, late: jitter(30 * ms)}
		s.follow(cam)
		time.Sleep(60 * time.Second)
		var last time.Duration
		rough, n := 0, 0
		for _, f := range s.screen.all() {
			if f.at > 20*time.Second {
				if n++; last != 0 && abs(f.at-last-cameraFrame) > 5*ms {
					rough++
				}
			}
			last = f.at
		}
		if n < 990 || rough > n/7 {
			t.Errorf("%d of %d pictures did not follow the one before by 40 ms", rough, n)
		}
		if m := median(s.ages(cam, 20*time.Second)); m > 45*ms {
			t.Errorf("they are %v old; 30 ms of jitter do not need that", m)
		}
		s.stop()
	})
}

// A network that is away for a while and then delivers everything: back to live.
func TestLiveAfterStalls(t *testing.T) {
	for _, sound := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			cam := &camera{begin: time.Now(), gop: 25, sound: sound, late: func(at time.Duration) time.Duration {
				for _, stall := range []struct{ from, length time.Duration }{{20 * time.Second, 400 * ms}, {40 * time.Second, 1500 * ms}} {
					if at >= stall.from && at < stall.from+stall.length {
						return stall.from + stall.length - at
					}
				}
				return 0
			}}
			s.follow(cam)
			time.Sleep(19 * time.Second)
			before := median(s.ages(cam, 10*time.Second))
			for _, to := range []time.Duration{39 * time.Second, 59 * time.Second} {
				time.Sleep(to - time.Since(cam.begin))
				if after := median(s.ages(cam, to-3*time.Second)); after-before > 6*ms {
					t.Errorf("sound %v: pictures were %v old before a stall and are %v old %v later", sound, before, after, to)
				}
			}
			if sound {
				if m := median(s.apart(50*time.Second, 59*time.Second)); abs(m) > 5*ms {
					t.Errorf("sound %v after the picture", m)
				}
			}
			s.stop()
		})
	}
}

// A pause ends where the stream is by then, at once.
func TestLivePause(t *testing.T) {
	for _, sound := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			cam := &camera{begin: time.Now(), gop: 250, sound: sound}
			s.follow(cam)
			time.Sleep(12 * time.Second)
			before := median(s.ages(cam, 11*time.Second))
			s.screen.press("space")
			time.Sleep(10 * time.Second)
			frozen := s.screen.last()
			if frozen.at > 12100*ms {
				t.Errorf("sound %v: a picture was shown at %v, in the pause", sound, frozen.at)
			}
			s.screen.press("space")
			time.Sleep(500 * ms)
			if f := s.screen.last(); f.at-cam.sent(f.pts) > before+150*ms {
				t.Errorf("sound %v: half a second after the pause a picture %v old is shown", sound, f.at-cam.sent(f.pts))
			}
			time.Sleep(5 * time.Second)
			if after := median(s.ages(cam, 25*time.Second)); after-before > 5*ms {
				t.Errorf("sound %v: %v old before the pause, %v after it", sound, before, after)
			}
			s.stop()
		})
	}
}

// Sound that gets lost leaves a hole; it must not eat up the device's queue.
func TestLiveSoundLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		r := rand.New(rand.NewPCG(3, 4))
		cam := &camera{begin: time.Now(), gop: 25, sound: true, lose: func(k demux.Kind, _ int) bool { return k == demux.Audio && r.IntN(20) == 0 }}
		s.follow(cam)
		time.Sleep(30 * time.Second)
		list := s.apart(5*time.Second, 29*time.Second)
		if m := median(list); len(list) < 400 || abs(m) > 6*ms {
			t.Errorf("sound %v after the picture (of %d)", m, len(list))
		}
		// Each of some 75 losses may let the device run dry until the next block comes.
		if st := s.p.Stats(); st.Underruns > 75 || st.Skips > 1 {
			t.Errorf("%d underruns, %d skips", st.Underruns, st.Skips)
		}
		if early, late := median(s.ages(cam, 3*time.Second)), median(s.ages(cam, 20*time.Second)); late-early > 15*ms {
			t.Errorf("pictures were %v old early on and %v late", early, late)
		}
		s.stop()
	})
}

// Sound that is announced and never comes is not waited for.
func TestLiveSilentSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		cam := &camera{begin: time.Now(), gop: 1, sound: true, lose: func(k demux.Kind, _ int) bool { return k == demux.Audio }}
		s.follow(cam)
		time.Sleep(time.Second)
		if n := len(s.screen.all()); n < 23 {
			t.Errorf("%d pictures in the first second, want 25", n)
		}
		s.stop()
	})
}

// An explicit delay is kept.
func TestLiveLatencyAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		asked := 300 * ms
		s.cfg.Latency = &asked
		cam := &camera{begin: time.Now(), gop: 25}
		s.follow(cam)
		time.Sleep(40 * time.Second)
		if m := median(s.ages(cam, 30*time.Second)); abs(m-asked) > 6*ms {
			t.Errorf("pictures are shown %v after they came, want %v", m, asked)
		}
		s.stop()
	})
}

// A source that is lost in a pause comes back in the pause, and the pause ends live.
func TestLiveReconnectsInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.cfg.Reconnect = true
		late := 500 * ms // so much that the decoder waits for room
		s.cfg.Latency = &late
		server := newLiveServer(0)
		s.cfg.Open = server.open
		s.start(nil)
		time.Sleep(5 * time.Second)
		s.screen.press("space")
		time.Sleep(time.Second)
		frozen := s.screen.last()
		server.kill()
		time.Sleep(3 * time.Second)
		server.restart()
		time.Sleep(2 * time.Second)
		if st := s.p.Stats(); st.Reconnects != 1 || s.screen.last() != frozen {
			t.Errorf("%d reconnects in the pause, want 1; frame %d became %d", st.Reconnects, frozen.number, s.screen.last().number)
		}
		s.screen.press("space")
		time.Sleep(3 * time.Second)
		if f := s.screen.last(); f.at-f.pts > 700*ms {
			t.Errorf("3 s after the pause a picture %v old is shown", f.at-f.pts)
		}
		s.stop()
	})
}

// A source that ends in a pause has ended when the pause has.
func TestLiveEndsInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		server := newLiveServer(0)
		s.cfg.Open = server.open
		s.start(nil)
		time.Sleep(5 * time.Second)
		s.screen.press("space")
		time.Sleep(time.Second)
		server.kill()
		time.Sleep(time.Second)
		s.screen.press("space")
		select {
		case <-s.done:
		case <-time.After(10 * time.Second):
			t.Error("it does not end")
			s.stop()
		}
	})
}
