package rtsp

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/pion/rtp"

	"planar/demux"
	"planar/internal/rtsptest"
)

// numbers are those of pictures.
func numbers(list []*demux.Packet) (n []int) {
	for _, p := range list {
		n = append(n, number(p))
	}
	return n
}

func seq(from, to int) (n []int) {
	for i := from; i <= to; i++ {
		n = append(n, i)
	}
	return n
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		faults rtsptest.Faults
	}{
		{"none", rtsptest.Faults{}},
		{"loss", rtsptest.Faults{Loss: 0.02}},
		{"duplicates", rtsptest.Faults{Duplicate: 0.1}},
		{"reordering", rtsptest.Faults{Reorder: 0.05, ReorderBy: 3 * time.Millisecond}},
		{"jitter", rtsptest.Faults{Jitter: 5 * time.Millisecond}},
		{"all", rtsptest.Faults{Loss: 0.01, Duplicate: 0.02, Reorder: 0.02, ReorderBy: 3 * time.Millisecond, Jitter: 4 * time.Millisecond}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			const n = 200
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video())})
			proxy := rtsptest.NewProxy(t, camera.Address(), 5)
			p := pictures()
			p.total = n + testGOP + 1
			p.before = func(_ *rtsptest.Sender, i int, _ time.Duration) {
				switch i {
				case testGOP: // the source knows the sequence by then
					proxy.SetFaults(c.faults)
				case n:
					proxy.SetFaults(rtsptest.Faults{})
				}
			}
			p.run(t, camera)
			s := open(t, proxy.URL(camera.URL()), "udp")
			list := mustRead(t, s, upTo(n+testGOP))
			checkWhole(t, list)
			sent, r := proxy.Counts(), s.Reception()
			got := r.Tracks[0]
			if got.Packets != sent.Forwarded+sent.Duplicated || got.Duplicated != sent.Duplicated {
				t.Errorf("%d packets came, %d of them twice; the proxy sent %d and %d of them twice", got.Packets, got.Duplicated, sent.Forwarded, sent.Duplicated)
			}
			if got.Lost-got.Late != sent.Lost {
				t.Errorf("%d packets are lost, %d of them late; the proxy dropped %d", got.Lost, got.Late, sent.Lost)
			}
			if got.Reordered+got.Late != sent.Reordered {
				t.Errorf("%d packets came late in time, %d too late; the proxy held back %d", got.Reordered, got.Late, sent.Reordered)
			}
			if got.Lost == 0 && len(list) != p.total || got.Units != int64(len(list))+got.Held {
				t.Errorf("%d of %d pictures came, %d whole, %d held back, %d packets lost", len(list), p.total, got.Units, got.Held, got.Lost)
			}
			if r.Transport != "UDP" || r.Overflow != 0 || r.Switches != 0 || got.Damaged != 0 || got.Restarts != 0 || got.Codec != "h264" {
				t.Errorf("%+v", r)
			}
			if got.ReorderWait < 5*time.Millisecond || got.ReorderWait > 12*time.Millisecond {
				t.Errorf("packets are waited for %v, want 5 ms to a frame", got.ReorderWait)
			}
			if !slices.ContainsFunc(list, func(p *demux.Packet) bool { return p.PTS > 0 }) || got.KeyInterval < 100*time.Millisecond {
				t.Errorf("key frames are %v apart, want 100 ms or more", got.KeyInterval)
			}
		})
	}
}

func TestLossOfOnePacket(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, transport string
		show            bool
		picture, packet int // lost
		want            []int
		held            int64
	}{
		{"udp, middle", "udp", false, 5, 1, append(seq(0, 4), seq(10, 20)...), 4},
		{"udp, first", "udp", false, 5, 0, append(seq(0, 4), seq(10, 20)...), 4},
		{"udp, last", "udp", false, 5, 2, append(seq(0, 4), seq(10, 20)...), 4},
		{"tcp, middle", "tcp", false, 5, 1, append(seq(0, 4), seq(10, 20)...), 4},
		{"tcp, of a key frame", "tcp", false, 10, 1, append(seq(0, 9), 20), 9},
		{"tcp, parameter sets, which are known", "tcp", false, 10, 0, seq(0, 20), 0},
		{"tcp, right before a key frame", "tcp", false, 9, 2, append(seq(0, 8), seq(10, 20)...), 0},
		{"udp, shown", "udp", true, 5, 1, nil, 4},
		{"tcp, shown", "tcp", true, 5, 2, nil, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video())})
			p := pictures()
			p.change = func(n int, packets []*rtp.Packet) []*rtp.Packet {
				if n == c.picture {
					return slices.Delete(packets, c.packet, c.packet+1)
				}
				return packets
			}
			p.run(t, camera)
			s := open(t, camera.URL(), c.transport, func(o *Options) { o.ShowDamaged = c.show })
			// What is cut off has no number.
			numbered := func(p *demux.Packet) bool { return number(p) < 1000 }
			list := mustRead(t, s, func(p *demux.Packet) bool { return numbered(p) && number(p) >= 20 })
			got := numbers(list)
			if c.show {
				list = slices.DeleteFunc(list, func(p *demux.Packet) bool { return !numbered(p) })
				got = numbers(list)
				// All that follow are there, and the next key frame tells that they were not right.
				if missing := len(seq(0, 20)) - len(got); missing > 2 {
					t.Errorf("pictures %v were shown, want nearly all", got)
				}
				for _, p := range list {
					if p.Fresh != (number(p) == 0 || number(p) == 10) {
						t.Errorf("picture %d: Fresh is %v", number(p), p.Fresh)
					}
				}
			} else {
				checkWhole(t, list)
				if !slices.Equal(got, c.want) {
					t.Errorf("pictures %v were handed out, want %v", got, c.want)
				}
				if r := s.Reception().Tracks[0]; r.Held != c.held {
					t.Errorf("%d pictures were held back, want %d", r.Held, c.held)
				}
			}
			if r := s.Reception().Tracks[0]; r.Lost != 1 || r.Waiting != 0 {
				t.Errorf("%+v: want 1 packet lost and a picture that moves", r)
			}
		})
	}
}

func TestDisorderWithinTheBound(t *testing.T) {
	t.Parallel()
	for _, pause := range []time.Duration{0, 30 * time.Millisecond} {
		t.Run(fmt.Sprintf("read each %v", pause), func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video())})
			p := pictures()
			p.change = func(n int, packets []*rtp.Packet) []*rtp.Packet {
				if n > 0 {
					slices.Reverse(packets)
				}
				return packets
			}
			p.run(t, camera)
			s := open(t, camera.URL(), "udp")
			list := mustRead(t, s, func(p *demux.Packet) bool {
				time.Sleep(pause) // whoever reads late loses nothing by it
				return number(p) >= 50
			})
			checkWhole(t, list)
			// The machine may take longer than the bound between two packets, seldom.
			if r := s.Reception().Tracks[0]; r.Lost > 4 || r.Lost != r.Late || r.Reordered < 90 {
				t.Errorf("%d packets lost, %d of them late, %d out of order: want nearly none of 100 lost", r.Lost, r.Late, r.Reordered)
			}
		})
	}
}

// logged is what a source logs.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) option(o *Options) { o.Log = slog.New(slog.NewTextHandler(l, nil)) }

func TestTransportAtOpening(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, transport string
		camera          *rtsptest.Camera
		want, err       string
		least, most     time.Duration
	}{
		{"udp", "auto", &rtsptest.Camera{}, "UDP", "", 0, 1900 * time.Millisecond},
		{"nothing given", "", &rtsptest.Camera{}, "UDP", "", 0, 1900 * time.Millisecond},
		{"tcp", "tcp", &rtsptest.Camera{}, "TCP", "", 0, 1900 * time.Millisecond},
		{"udp swallowed", "auto", &rtsptest.Camera{SwallowUDP: true}, "TCP", "", 2 * time.Second, 3 * time.Second},
		{"udp refused", "auto", &rtsptest.Camera{RefuseUDP: true}, "TCP", "", 0, 1900 * time.Millisecond},
		{"udp alone refused", "udp", &rtsptest.Camera{RefuseUDP: true}, "", "461", 0, 1900 * time.Millisecond},
		{"tcp alone refused", "tcp", &rtsptest.Camera{RefuseTCP: true}, "", "461", 0, 1900 * time.Millisecond},
		{"all refused", "auto", &rtsptest.Camera{RefuseUDP: true, RefuseTCP: true}, "", "461", 0, 1900 * time.Millisecond},
		{"udp alone swallowed", "udp", &rtsptest.Camera{SwallowUDP: true}, "", "nothing came from 127.0.0.1 within 2.5 s", 2400 * time.Millisecond, 3500 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			camera := c.camera
			camera.Medias = rtsptest.Medias(video(), sound())
			camera.Start(t)
			pictures().run(t, camera)
			began := time.Now()
			s, err := Open(t.Context(), camera.URL(), Options{Transport: c.transport, OpenTimeout: 2500 * time.Millisecond})
			took := time.Since(began)
			if took < c.least || took > c.most {
				t.Errorf("it took %v, want %v to %v", took, c.least, c.most)
			}
			if err != nil {
				if c.err == "" || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%v, want %q", err, c.err)
				}
				return
			}
			defer s.Close()
			if got := s.Reception().Transport; got != c.want || c.err != "" {
				t.Errorf("received over %s, want %s%s", got, c.want, c.err)
			}
			mustRead(t, s, upTo(30))
		})
	}
}

func TestTransportWhilePlaying(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, transport string
		refuse          bool
		want            string
		setups          int
	}{
		{"auto", "auto", false, "TCP", 2},
		{"auto, TCP refused", "auto", true, "UDP", 2},
		{"udp", "udp", false, "UDP", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video()), RefuseTCP: c.refuse})
			proxy := rtsptest.NewProxy(t, camera.Address(), 3)
			pictures().run(t, camera)
			log := &logged{}
			s := open(t, proxy.URL(camera.URL()), c.transport, log.option)
			proxy.SetFaults(rtsptest.Faults{Loss: 0.05})
			after := 0
			list := mustRead(t, s, func(p *demux.Packet) bool {
				if s.Reception().Transport == "TCP" {
					after++
				}
				return after == 50 || c.want == "UDP" && number(p) > 350
			})
			r := s.Reception()
			if r.Transport != c.want || (r.Switches == 1) != (c.want == "TCP") {
				t.Errorf("over %s after %d changes, want %s\n%s", r.Transport, r.Switches, c.want, log)
			}
			if got := camera.Count(base.Setup); got != c.setups {
				t.Errorf("%d times SETUP, want %d", got, c.setups)
			}
			if c.want == "UDP" {
				checkWhole(t, list)
				return
			}
			// Over TCP nothing gets lost, so the last one that is fresh is the first.
			change := len(list) - 1
			for change > 0 && !list[change].Fresh {
				change--
			}
			if n := len(list) - change; n < 40 || n > 50 || !list[change].Key {
				t.Errorf("%d pictures since the last fresh one, want 50 since the change over", n)
			}
			checkWhole(t, list[:change])
			checkWhole(t, list[change:])
			for i, p := range list[1:] {
				last, n := list[i], number(p)
				if m := number(last); n < m || n == m && i+1 != change {
					t.Errorf("picture %d after %d", n, m)
				}
				// Where the transports overlap, the same moment has nearly the same PTS.
				want := last.PTS + time.Duration(n-number(last))*testEvery
				if d := p.PTS - want; d < -60*time.Millisecond || d > 60*time.Millisecond {
					t.Errorf("picture %d has PTS %v, %v after the one before, want %v", n, p.PTS, p.PTS-last.PTS, want)
				}
			}
			until(t, "the end of the conversation over UDP", func() bool { return camera.Count(base.Teardown) == 1 })
		})
	}
}

func TestRestartedSender(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video())})
			p := pictures()
			p.before = func(s *rtsptest.Sender, n int, _ time.Duration) {
				if n == 20 {
					s.Restart()
				}
			}
			p.run(t, camera)
			s := open(t, camera.URL(), transport)
			list := mustRead(t, s, upTo(40))
			if got := numbers(list); !slices.Equal(got, seq(0, 40)) {
				t.Errorf("pictures %v, want 0 to 40", got)
			}
			for i, p := range list {
				if p.Fresh != (i == 0 || i == 20) {
					t.Errorf("picture %d: Fresh is %v", i, p.Fresh)
				}
				if i > 0 && p.PTS <= list[i-1].PTS || p.PTS > time.Second {
					t.Errorf("picture %d has PTS %v", i, p.PTS)
				}
			}
			if r := s.Reception().Tracks[0]; r.Restarts != 1 || r.Lost != 0 {
				t.Errorf("%+v, want one restart and no loss", r)
			}
		})
	}
}

func TestNewSizeInBand(t *testing.T) {
	t.Parallel()
	camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video())})
	p := pictures()
	p.unit = func(n int) [][]byte {
		u := picture(n)
		if n >= 20 && len(u) > 1 {
			u[0] = largeSPS
		}
		return u
	}
	p.run(t, camera)
	s := open(t, camera.URL(), "tcp")
	if v := s.Streams()[0]; v.Width != 352 || v.Height != 288 || v.Codec != "h264" || v.Kind != demux.Video {
		t.Errorf("the stream is %+v, want h264 of 352x288", v)
	}
	list := mustRead(t, s, upTo(30))
	if got := numbers(list); !slices.Equal(got, seq(0, 30)) {
		t.Fatalf("pictures %v, want 0 to 30", got)
	}
	for _, n := range []int{20, 30} {
		if want := annexB(p.unit(n)); string(list[n].Data) != string(want) || !list[n].Key || list[n].Fresh {
			t.Errorf("picture %d: %x..., key %v, fresh %v; want a key frame with the new parameters", n, list[n].Data[:40], list[n].Key, list[n].Fresh)
		}
	}
}

func TestTimestampsWrap(t *testing.T) {
	t.Parallel()
	camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video())})
	p := pictures()
	p.set = func(s *rtsptest.Sender) { s.Base, s.Seq = 1<<32-18000, 0xffff-30 }
	p.run(t, camera)
	s := open(t, camera.URL(), "udp")
	list := mustRead(t, s, upTo(40))
	checkWhole(t, list)
	for i, p := range list {
		if want := list[0].PTS + time.Duration(i)*testEvery; p.PTS != want {
			t.Errorf("picture %d has PTS %v, want %v", i, p.PTS, want)
		}
		if i > 20 && p.Duration != testEvery {
			t.Errorf("picture %d lasts %v, want %v", i, p.Duration, testEvery)
		}
	}
	if r := s.Reception().Tracks[0]; r.Lost != 0 || r.Restarts != 0 || r.KeyInterval != 100*time.Millisecond {
		t.Errorf("%+v, want no loss, no restart, key frames 100 ms apart", r)
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video(), sound())})
	pictures().run(t, camera)
	programme{media: 1, unit: samples, every: 20 * time.Millisecond}.run(t, camera)
	s := open(t, camera.URL(), "tcp")
	s.Select(1)
	n := 0
	for _, p := range mustRead(t, s, func(*demux.Packet) bool { n++; return n == 20 }) {
		if p.Stream != 1 || p.Duration != 20*time.Millisecond || !p.Key {
			t.Errorf("%+v, want sound of 20 ms", p)
		}
	}
	if err := s.Seek(0); err == nil {
		t.Error("a live stream can be sought in")
	}
	if _, err := s.AudioDecoder(0); err == nil {
		t.Error("a decoder of sound for pictures")
	}
}

func TestOverflow(t *testing.T) {
	b := newInbox()
	for range inboxSize + 5 {
		b.put(arrival{})
	}
	if got := b.overflow.Load(); got != 5 {
		t.Errorf("%d packets too many, want 5", got)
	}
}
