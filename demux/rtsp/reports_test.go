package rtsp

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"planar/demux"
	"planar/internal/rtsptest"
)

// sound20 sends 20 ms of sound after the other.
func sound20() programme { return programme{media: 1, unit: samples, every: 20 * time.Millisecond} }

// feedbackOf is the latest RTCP of a type that came to a camera.
func feedbackOf[T rtcp.Packet](c *rtsptest.Camera) (last T, n int) {
	for _, f := range c.Received() {
		if r, ok := f.Packet.(*rtcp.ReceiverReport); ok && len(r.Reports) == 0 {
			continue // opens a firewall
		}
		if p, ok := f.Packet.(T); ok {
			last = p
			n++
		}
	}
	return last, n
}

func TestReceiverReports(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video())})
			p := pictures()
			wall := time.Now()
			var ssrc uint32
			p.set = func(s *rtsptest.Sender) { ssrc = s.SSRC }
			p.before = func(s *rtsptest.Sender, n int, pts time.Duration) {
				if n%50 == 1 {
					s.Report(wall.Add(pts), pts)
				}
			}
			p.run(t, camera)
			s := open(t, camera.URL(), transport)
			mustRead(t, s, func(*demux.Packet) bool {
				_, n := feedbackOf[*rtcp.ReceiverReport](camera)
				return n > 0
			})
			r, _ := feedbackOf[*rtcp.ReceiverReport](camera)
			if len(r.Reports) != 1 {
				t.Fatalf("%+v, want one report", r)
			}
			b := r.Reports[0]
			if b.SSRC != ssrc || b.TotalLost != 0 || b.FractionLost != 0 || b.LastSenderReport == 0 || b.Delay == 0 || b.Delay > 65536 {
				t.Errorf("%+v, want no loss of SSRC %d, and the sender report of up to 0.5 s ago", b, ssrc)
			}
		})
	}
}

func TestKeyFramesAreAskedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, transport string
		lines           []string
		pli, fir        bool
	}{
		{"pli, udp", "udp", []string{"a=rtcp-fb:96 nack pli"}, true, false},
		{"pli, tcp", "tcp", []string{"a=rtcp-fb:96 nack", "a=rtcp-fb:* nack pli", "a=rtcp-fb:96 ccm fir"}, true, false},
		{"fir", "tcp", []string{"a=rtcp-fb:96 ccm fir"}, false, true},
		{"nothing offered", "tcp", nil, false, false},
		{"something else offered", "udp", []string{"a=rtcp-fb:96 nack", "a=rtcp-fb:96 goog-remb"}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video()), Lines: c.lines})
			p := pictures()
			asked, given := 0, false
			var ssrc uint32
			p.set = func(s *rtsptest.Sender) { ssrc = s.SSRC }
			p.before = func(s *rtsptest.Sender, n int, _ time.Duration) {
				if n == 10 {
					s.Seq++ // a packet gets lost
				}
				_, pli := feedbackOf[*rtcp.PictureLossIndication](camera)
				_, fir := feedbackOf[*rtcp.FullIntraRequest](camera)
				given = pli+fir > asked || n == 100
				asked = pli + fir
			}
			p.unit = func(n int) [][]byte { return pictureOf(n, n == 0 || given) }
			p.run(t, camera)
			s := open(t, camera.URL(), c.transport)
			list := mustRead(t, s, upTo(11)) // the first one after the gap
			first := list[len(list)-1]
			if !first.Key || !first.Fresh || (number(first) < 90) != (c.pli || c.fir) {
				t.Errorf("picture %d is the first after the loss, want a key frame that was asked for: %v", number(first), c.pli || c.fir)
			}
			pli, n := feedbackOf[*rtcp.PictureLossIndication](camera)
			if (n > 0) != c.pli || n > 0 && pli.MediaSSRC != ssrc {
				t.Errorf("%d picture loss indications, wanted: %v", n, c.pli)
			}
			fir, n := feedbackOf[*rtcp.FullIntraRequest](camera)
			if (n > 0) != c.fir || n > 0 && (len(fir.FIR) != 1 || fir.FIR[0].SSRC != ssrc) {
				t.Errorf("%d full intra requests, wanted: %v", n, c.fir)
			}
		})
	}
}

func TestSenderClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		ahead     time.Duration // of the sender's clock
		plausible bool
	}{{"set alike", 0, true}, {"an hour behind", -time.Hour, false}, {"a minute ahead", time.Minute, false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video())})
			p := pictures()
			var wall time.Time
			p.before = func(s *rtsptest.Sender, n int, pts time.Duration) {
				if n == 0 {
					wall = time.Now().Add(c.ahead)
				}
				if n%10 == 5 {
					s.Report(wall.Add(pts), pts)
				}
			}
			p.run(t, camera)
			s := open(t, camera.URL(), "tcp")
			if c := s.Reception().Clock; c.Known || c.Plausible {
				t.Errorf("%+v before any report", c)
			}
			list := mustRead(t, s, upTo(40))
			last := list[len(list)-1]
			if got := s.Reception().Clock; !got.Known || got.Plausible != c.plausible || got.Age > time.Second ||
				got.Offset+c.ahead < -10*time.Millisecond || got.Offset+c.ahead > 100*time.Millisecond {
				t.Errorf("%+v, want an offset of %v, plausible: %v", got, -c.ahead, c.plausible)
			}
			if !c.plausible {
				if !last.Captured.IsZero() {
					t.Errorf("captured at %v, want unknown", last.Captured)
				}
				return
			}
			want := wall.Add(time.Duration(number(last)) * testEvery)
			if d := last.Captured.Sub(want); d < -time.Millisecond || d > time.Millisecond {
				t.Errorf("captured at %v, want %v", last.Captured, want)
			}
		})
	}
}

// Sound comes 300 ms late; the sender's reports tell what belongs together.
func TestAlignment(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video(), sound())})
			wall := time.Now()
			report := func(s *rtsptest.Sender, n int, pts time.Duration) {
				if n%25 == 10 {
					s.Report(wall.Add(pts), pts)
				}
			}
			v, a := pictures(), sound20()
			a.delay = 300 * time.Millisecond
			v.before, a.before = report, report
			v.run(t, camera)
			a.run(t, camera)
			s := open(t, camera.URL(), transport)
			list := mustRead(t, s, func(p *demux.Packet) bool { return p.Stream == 0 && number(p) >= 150 })
			var zero [2]time.Duration // PTS of what was captured at 0
			for _, p := range list {
				if p.Stream == 0 {
					zero[0] = p.PTS - time.Duration(number(p))*testEvery
				} else {
					zero[1] = p.PTS - time.Duration(p.Data[3])*20*time.Millisecond
				}
			}
			if d := zero[1] - zero[0]; d < -2*time.Millisecond || d > 2*time.Millisecond {
				t.Errorf("the sound is %v off, want less than 2 ms", d)
			}
		})
	}
}

func TestGoodbye(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, transport string
		medias          int
		byes            []int // media that say goodbye
		goesOn          bool  // packets follow
		end             bool
	}{
		{"udp", "udp", 1, []int{0}, false, true},
		{"tcp", "tcp", 1, []int{0}, false, true},
		{"both tracks", "tcp", 2, []int{0, 1}, false, true},
		{"one of two", "tcp", 2, []int{1}, true, false},
		{"not meant", "udp", 1, []int{0}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video(), sound())[:c.medias]})
			bye := func() {
				for _, m := range c.byes {
					camera.SendRTCP(m, &rtcp.Goodbye{Sources: []uint32{1}})
				}
			}
			p := pictures()
			if c.goesOn {
				p.before = func(_ *rtsptest.Sender, n int, _ time.Duration) {
					if n == 20 {
						bye()
					}
				}
			} else {
				p.total, p.after = 20, bye
			}
			p.run(t, camera)
			s := open(t, camera.URL(), c.transport)
			var last time.Time
			list, err := read(s, func(p *demux.Packet) bool { last = time.Now(); return number(p) >= 150 })
			took := time.Since(last)
			switch {
			case !c.end && err != nil:
				t.Errorf("%v after %d pictures, want no end", err, len(list))
			case c.end && (!errors.Is(err, io.EOF) || len(list) != 20):
				t.Errorf("%v after %d pictures, want io.EOF after 20", err, len(list))
			case c.end && (took < 700*time.Millisecond || took > 1600*time.Millisecond):
				t.Errorf("io.EOF after %v, want 1 s", took)
			}
		})
	}
}
