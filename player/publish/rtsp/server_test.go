package rtsp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"planar/demux"
	source "planar/demux/rtsp"
	"planar/internal/rtsptest"
	"planar/player/publish"
)

func serveAt(t testing.TB, o ServerOptions) *Server {
	t.Helper()
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	s, err := NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

const (
	showEvery = 20 * time.Millisecond // one picture, and one frame of sound
	showGOP   = 25
)

// picture is the number n of a show: a key picture of 40 packets, or another one of 5.
func picture(n int) *publish.Unit {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	pts := time.Duration(n) * showEvery
	var u *publish.Unit
	if n%showGOP == 0 {
		u = nalUnits(pts, h264SPS, h264PPS, slice(r, 55000, 0x65))
	} else {
		u = nalUnits(pts, slice(r, 7000, 0x41))
	}
	u.Key = n%showGOP == 0
	return u
}

// slice is noise in which there are no start codes.
func slice(r *rand.Rand, size int, head byte) []byte {
	b := noise(r, size, head, 0x9a)
	for i := range b {
		if b[i] == 0 {
			b[i] = 0xa5
		}
	}
	return b
}

func sample(n int) *publish.Unit {
	r := rand.New(rand.NewPCG(2, uint64(n)))
	pts := time.Duration(n) * showEvery
	return &publish.Unit{Stream: 1, PTS: pts, DTS: pts, Key: true, Data: slice(r, 200, 0x21)}
}

// show is pictures and sound that run until the test ends.
type show struct {
	t      testing.TB
	c      publish.Connection
	began  time.Time
	mu     sync.Mutex
	n      int // so many have been sent
	stop   context.CancelFunc
	done   sync.WaitGroup
	waited atomic.Int64 // the longest Write, ns
}

// run sends what connect takes, at its time.
func run(t testing.TB, target publish.Target) *show {
	t.Helper()
	c, err := target.Connect(t.Context(), both)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &show{t: t, c: c, stop: cancel, began: time.Now()}
	s.done.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			at := s.began.Add(time.Duration(n) * showEvery)
			time.Sleep(time.Until(at))
			for _, u := range []*publish.Unit{picture(n), sample(n)} {
				u.At = at
				before := time.Now()
				if err := c.Write(u); err != nil {
					return
				}
				s.waited.Store(max(s.waited.Load(), int64(time.Since(before))))
			}
			s.mu.Lock()
			s.n = n + 1
			s.mu.Unlock()
		}
	})
	t.Cleanup(s.end)
	return s
}

func (s *show) end() {
	s.stop()
	s.done.Wait()
	s.c.Close()
}

func (s *show) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// number finds out which unit of the show data is, -1 if none.
func number(u *demux.Packet) int {
	n := int((u.PTS + showEvery/2) / showEvery)
	for d := range 200 {
		for _, at := range []int{n + d, n - d} {
			if at < 0 {
				continue
			}
			want := sample(at).Data
			if u.Stream == 0 {
				if u.Key != (at%showGOP == 0) {
					continue
				}
				want = picture(at).Data
			}
			if bytes.Equal(want, u.Data) {
				return at
			}
		}
	}
	return -1
}

// TestServe plays with planar's own receiver: what arrives is what was sent, whole, and
// sound and picture are in step from the beginning.
func TestServe(t *testing.T) {
	t.Parallel()
	authority := rtsptest.NewAuthority(t)
	for _, c := range []struct {
		name, transport string
		o               ServerOptions
	}{
		{"TCP", "tcp", ServerOptions{}},
		{"UDP", "udp", ServerOptions{}},
		{"TLS", "tcp", ServerOptions{TLS: authority.Server(t, "127.0.0.1", time.Now().Add(time.Hour))}},
		{"TLS, any", "auto", ServerOptions{TLS: authority.Server(t, "127.0.0.1", time.Now().Add(time.Hour))}},
		{"UDP, all addresses", "udp", ServerOptions{Listen: ":0"}},
		{"with a password", "tcp", ServerOptions{User: "u", Password: "p:w"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serveAt(t, c.o)
			target := s.Path("live/1")
			sh := run(t, target)
			until(t, "the middle of the second group of pictures", func() bool { return sh.sent() > showGOP*3/2 })
			url := target.String()
			if c.o.User != "" {
				url = strings.Replace(url, "://", "://u:p%3Aw@", 1)
			}
			src, err := source.Open(t.Context(), url, source.Options{Transport: c.transport, TLS: &tls.Config{RootCAs: authority.Pool}})
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			guard := time.AfterFunc(10*time.Second, src.Interrupt)
			defer guard.Stop()
			var last [2]int
			var apart [2]time.Duration // PTS minus what the show says
			for got := 0; got < 150; {
				p, err := src.Read()
				if errors.Is(err, demux.ErrAgain) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				n := number(p)
				if n < 0 {
					t.Fatalf("a unit of %d bytes of stream %d was not sent", len(p.Data), p.Stream)
				}
				if last[p.Stream] == 0 && n%showGOP != 0 {
					t.Errorf("stream %d begins with unit %d, want that of a key picture", p.Stream, n)
				}
				if was := last[p.Stream]; was != 0 && n != was+1 {
					t.Errorf("stream %d: unit %d follows %d", p.Stream, n, was)
				}
				last[p.Stream] = n
				apart[p.Stream] = p.PTS - time.Duration(n)*showEvery
				// Reports come to a port of their own, and may be overtaken.
				at := time.Millisecond
				if c.transport == "udp" && got < 60 {
					at = 100 * time.Millisecond
				}
				if d := apart[0] - apart[1]; last[0] != 0 && last[1] != 0 && d.Abs() > at {
					t.Errorf("after %d units, sound and picture are %v apart", got, d)
				}
				p.Release()
				got++
			}
			if st := s.Stats().Paths; len(st) != 1 || st[0].Viewers != 1 || st[0].Dropped != 0 || st[0].Sent == 0 || st[0].Name != "live/1" {
				t.Errorf("statistics %+v, want one viewer who got all", st)
			}
		})
	}
}

// watcher is a viewer by the library's client, which notes the packets.
type watcher struct {
	client *gortsplib.Client
	desc   *description.Session

	mu      sync.Mutex
	packets [2][]*rtp.Packet // by medium
	times   [2][]time.Time   // of their arrival
	reports [2][]*rtcp.SenderReport
	before  [2]int // packets that came before the first report
	byes    int
}

func watch(t testing.TB, url string, protocol gortsplib.Protocol, media ...int) *watcher {
	t.Helper()
	u, err := base.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{
		client: &gortsplib.Client{
			Scheme: u.Scheme, Host: u.Host, Protocol: &protocol, TLSConfig: &tls.Config{InsecureSkipVerify: true},
			OnPacketsLost: func(uint64) {}, OnDecodeError: func(error) {},
			// The machine may be busy with other tests for longer than the usual room lasts.
			ListenPacket: func(network, address string) (net.PacketConn, error) {
				c, err := net.ListenPacket(network, address)
				if err == nil {
					_ = c.(*net.UDPConn).SetReadBuffer(2 << 20)
				}
				return c, err
			},
		},
	}
	if err := w.client.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.Close)
	if w.desc, _, err = w.client.Describe(u); err != nil {
		t.Fatal(err)
	}
	if media == nil {
		media = []int{0, 1}
	}
	for _, i := range media {
		m := w.desc.Medias[i]
		if _, err := w.client.Setup(w.desc.BaseURL, m, 0, 0); err != nil {
			t.Fatal(err)
		}
		w.client.OnPacketRTP(m, m.Formats[0], func(p *rtp.Packet) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.packets[i] = append(w.packets[i], p)
			w.times[i] = append(w.times[i], time.Now())
		})
		w.client.OnPacketRTCP(m, func(p rtcp.Packet) {
			w.mu.Lock()
			defer w.mu.Unlock()
			switch p := p.(type) {
			case *rtcp.SenderReport:
				if len(w.reports[i]) == 0 {
					w.before[i] = len(w.packets[i])
				}
				w.reports[i] = append(w.reports[i], p)
			case *rtcp.Goodbye:
				w.byes++
			}
		})
	}
	return w
}

func (w *watcher) play(t testing.TB) {
	t.Helper()
	if _, err := w.client.Play(nil); err != nil {
		t.Fatal(err)
	}
}

func (w *watcher) count(media int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.packets[media])
}

// over waits for the end of the conversation.
func (w *watcher) over(t testing.TB) {
	t.Helper()
	ended := make(chan struct{})
	go func() { w.client.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the viewer is not disconnected")
	}
}

// contiguous tests that no packet is missing, and that none comes twice.
func (w *watcher) contiguous(t testing.TB) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for m, list := range w.packets {
		for i := 1; i < len(list); i++ {
			if list[i].SequenceNumber != list[i-1].SequenceNumber+1 {
				t.Errorf("medium %d: packet %d follows %d", m, list[i].SequenceNumber, list[i-1].SequenceNumber)
			}
		}
	}
}

// TestJoin has viewers come in the middle of a group of pictures.
func TestJoin(t *testing.T) {
	t.Parallel()
	s := serveAt(t, ServerOptions{})
	target := s.Path("live")
	sh := run(t, target)
	for _, protocol := range []gortsplib.Protocol{gortsplib.ProtocolTCP, gortsplib.ProtocolUDP} {
		for range 4 {
			n := sh.sent()
			until(t, "some pictures more", func() bool { return sh.sent() > n+7 })
			w := watch(t, target.String(), protocol)
			w.play(t)
			played := time.Now()
			until(t, "a second", func() bool { return w.count(0) > 300 && w.count(1) > 50 })
			w.contiguous(t)
			w.mu.Lock()
			if first := w.packets[0][0].Payload; first[0]&0x1f != stapA || !keyH264(first) {
				t.Errorf("%v: it begins with %x, want parameter sets", protocol, first[:4])
			}
			if d := w.times[0][0].Sub(played); d > 400*time.Millisecond {
				t.Errorf("%v: the first packet comes %v after PLAY", protocol, d)
			}
			for m := range 2 {
				if len(w.reports[m]) == 0 {
					t.Errorf("%v: no report of medium %d", protocol, m)
					continue
				}
				if w.before[m] > 0 && protocol == gortsplib.ProtocolTCP {
					t.Errorf("%d packets of medium %d came before the first report", w.before[m], m)
				}
				// Wall clock by report and by the show.
				r := w.reports[m][0]
				p := w.packets[m][len(w.packets[m])-1]
				if p.SSRC != r.SSRC {
					t.Errorf("a report of %08x, packets of %08x", r.SSRC, p.SSRC)
				}
				rate := w.desc.Medias[m].Formats[0].ClockRate()
				at := ntp.Decode(r.NTPTime).Add(time.Duration(int32(p.Timestamp-r.RTPTime)) * time.Second / time.Duration(rate))
				off := at.Sub(sh.began) % showEvery
				if off = min(off, showEvery-off); off.Abs() > 100*time.Microsecond {
					t.Errorf("%v: medium %d is off its time by %v", protocol, m, off)
				}
			}
			w.mu.Unlock()
			w.client.Close()
		}
	}
}

// TestOneTrack sets up only one of them, on channels or ports of its choice.
func TestOneTrack(t *testing.T) {
	t.Parallel()
	s := serveAt(t, ServerOptions{})
	target := s.Path("live")
	run(t, target)
	for _, protocol := range []gortsplib.Protocol{gortsplib.ProtocolTCP, gortsplib.ProtocolUDP} {
		for _, media := range [][]int{{0}, {1}, {1, 0}} { // the client numbers channels in this order
			w := watch(t, target.String(), protocol, media...)
			w.play(t)
			until(t, "packets", func() bool { return w.count(media[0]) > 60 })
			w.contiguous(t)
			if other := 1 - media[0]; len(media) == 1 && w.count(other) > 0 {
				t.Errorf("%v: %d packets of a medium that was not set up", protocol, w.count(other))
			}
			w.client.Close()
		}
	}
}

// TestPause stops for a moment, and for longer than viewers may be behind.
func TestPause(t *testing.T) {
	t.Parallel()
	s := serveAt(t, ServerOptions{})
	target := s.Path("live")
	run(t, target)
	w := watch(t, target.String(), gortsplib.ProtocolTCP)
	w.play(t)
	until(t, "packets", func() bool { return w.count(0) > 100 })
	if _, err := w.client.Pause(); err != nil {
		t.Fatal(err)
	}
	n := w.count(0)
	time.Sleep(200 * time.Millisecond)
	if w.count(0) != n {
		t.Errorf("%d packets in a pause", w.count(0)-n)
	}
	w.play(t)
	until(t, "packets after the pause", func() bool { return w.count(0) > n+200 })
	w.contiguous(t)
	if _, err := w.client.Pause(); err != nil {
		t.Fatal(err)
	}
	n = w.count(0)
	time.Sleep(lag + time.Second)
	w.play(t)
	until(t, "packets after the long pause", func() bool { return w.count(0) > n+100 })
	w.mu.Lock()
	defer w.mu.Unlock()
	if first := w.packets[0][n]; !keyH264(first.Payload) {
		t.Errorf("after a long pause it goes on with %x, want a key picture", first.Payload[:4])
	}
	if first := w.packets[0][n]; first.SequenceNumber == w.packets[0][n-1].SequenceNumber+1 {
		t.Error("after a long pause it goes on where it was, want the latest key picture")
	}
}

// stalled is a viewer over TCP that reads only when it is told to.
type stalled struct {
	net.Conn
	seq []uint16 // of the first track
	key []bool
}

func stall(t testing.TB, s *Server, path string) *stalled {
	t.Helper()
	c, err := net.Dial("tcp", s.address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.(*net.TCPConn).SetReadBuffer(64 << 10)
	url := s.URLs()[0] + path
	session := ""
	for i, r := range []string{
		"SETUP " + url + "/trackID=0 RTSP/1.0\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n",
		"PLAY " + url + " RTSP/1.0\r\n",
	} {
		if session != "" {
			r += "Session: " + session + "\r\n"
		}
		fmt.Fprintf(c, "%sCSeq: %d\r\n\r\n", r, i+1)
		var head []byte
		for b := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, b[0]) {
			if _, err := c.Read(b); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.HasPrefix(head, []byte("RTSP/1.0 200")) {
			t.Fatalf("%s\n%s", r, head)
		}
		if _, after, ok := bytes.Cut(head, []byte("Session: ")); ok {
			session = string(after[:bytes.IndexAny(after, ";\r")])
		}
	}
	return &stalled{Conn: c}
}

// read reads n packets of pictures.
func (s *stalled) read(t testing.TB, n int) {
	t.Helper()
	s.SetReadDeadline(time.Now().Add(10 * time.Second))
	full := func(b []byte) {
		for at := 0; at < len(b); {
			k, err := s.Read(b[at:])
			if err != nil {
				t.Fatal(err)
			}
			at += k
		}
	}
	for n > 0 {
		head := make([]byte, 4)
		full(head)
		if head[0] != '$' {
			t.Fatalf("%x instead of an interleaved packet", head)
		}
		b := make([]byte, int(head[2])<<8|int(head[3]))
		full(b)
		if head[1] != 0 {
			continue
		}
		var p rtp.Packet
		if err := p.Unmarshal(b); err != nil {
			t.Fatal(err)
		}
		s.seq, s.key = append(s.seq, p.SequenceNumber), append(s.key, keyH264(p.Payload))
		n--
	}
}

// TestSlowViewer has one that stops reading. Another one does not notice, and the slow
// one goes on with a key picture.
func TestSlowViewer(t *testing.T) {
	t.Parallel()
	s := serveAt(t, ServerOptions{})
	target := s.Path("live")
	sh := run(t, target)
	slow := stall(t, s, "/live")
	slow.read(t, 50)
	w := watch(t, target.String(), gortsplib.ProtocolTCP)
	w.play(t)
	until(t, "the other viewer", func() bool { return w.count(0) > 100 })
	n := w.count(0)
	time.Sleep(lag + 3*time.Second)
	w.contiguous(t)
	w.mu.Lock()
	var worst time.Duration
	for i := n + 1; i < len(w.times[0]); i++ {
		worst = max(worst, w.times[0][i].Sub(w.times[0][i-1]))
	}
	w.mu.Unlock()
	t.Logf("the other viewer waited %v at most, the sender %v", worst, time.Duration(sh.waited.Load()))
	if worst > showEvery+400*time.Millisecond {
		t.Errorf("the other viewer waited %v", worst)
	}
	gaps := 0
	for at := 1; at < 5000 && gaps == 0; {
		slow.read(t, 100)
		for ; at < len(slow.seq); at++ {
			if slow.seq[at] != slow.seq[at-1]+1 {
				gaps++
				if !slow.key[at] {
					t.Errorf("after a gap of %d packets there is no key picture", slow.seq[at]-slow.seq[at-1]-1)
				}
			}
		}
	}
	st := s.Stats().Paths[0]
	if gaps == 0 || st.Slow != 1 || st.Dropped == 0 {
		t.Errorf("%d gaps, statistics %+v, want some, and units dropped for one viewer", gaps, st)
	}
}

// request sends one request on a connection of its own and returns the status line and
// the rest.
func request(t testing.TB, s *Server, format string, args ...any) (status, rest string) {
	t.Helper()
	c, err := net.Dial("tcp", s.address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(c, format, args...)
	b := make([]byte, 8192)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	status, rest, _ = strings.Cut(string(b[:n]), "\r\n")
	return strings.TrimPrefix(status, "RTSP/1.0 "), rest
}

func TestServerAuth(t *testing.T) {
	t.Parallel()
	s := serveAt(t, ServerOptions{User: "admin", Password: "secret", AcceptPush: true})
	target := s.Path("live")
	run(t, target)
	if status, rest := request(t, s, "DESCRIBE %s RTSP/1.0\r\nCSeq: 1\r\n\r\n", target); !strings.HasPrefix(status, "401") ||
		!strings.Contains(rest, "WWW-Authenticate: Basic") || !strings.Contains(rest, "WWW-Authenticate: Digest") {
		t.Errorf("without a password: %s\n%s", status, rest)
	}
	for _, c := range []struct{ authorization, want string }{
		{"Basic YWRtaW46c2VjcmV0", "200"},
		{"Basic YWRtaW46c2VjcmV1", "401"},
		{"Basic YWRtaW86c2VjcmV0", "401"},
		{"Basic OnNlY3JldA==", "401"},
		{`Digest username="admin", realm="ipcam", nonce="", uri="/", response="00"`, "401"},
	} {
		status, _ := request(t, s, "DESCRIBE %s RTSP/1.0\r\nCSeq: 1\r\nAuthorization: %s\r\n\r\n", target, c.authorization)
		if !strings.HasPrefix(status, c.want) {
			t.Errorf("%s: %s, want %s", c.authorization, status, c.want)
		}
	}
	for _, r := range []string{
		"SETUP " + target.String() + "/trackID=0 RTSP/1.0\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n",
		"ANNOUNCE " + s.URLs()[0] + "/x RTSP/1.0\r\nContent-Type: application/sdp\r\nContent-Length: 55\r\n",
	} {
		body := ""
		if strings.HasPrefix(r, "ANN") {
			body = "v=0\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\na=control:track\r\n"
			r = strings.Replace(r, "55", fmt.Sprint(len(body)), 1)
		}
		if status, _ := request(t, s, "%sCSeq: 1\r\n\r\n%s", r, body); !strings.HasPrefix(status, "401") {
			t.Errorf("%.8s without a password: %s", r, status)
		}
	}
	url := strings.Replace(target.String(), "://", "://admin:secret@", 1)
	w := watch(t, url, gortsplib.ProtocolTCP) // digest
	w.play(t)
	until(t, "packets", func() bool { return w.count(0) > 0 })
}

// TestStatus is how the server answers what it does not have or want.
func TestStatus(t *testing.T) {
	t.Parallel()
	s := serveAt(t, ServerOptions{MaxViewers: 1})
	target := s.Path("live")
	run(t, target)
	tcp := "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
	url := s.URLs()[0]
	sdp := "v=0\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\na=control:track\r\n"
	for _, c := range []struct{ request, want string }{
		{"DESCRIBE " + url + "/live RTSP/1.0\r\nCSeq: 1\r\n\r\n", "200"},
		{"DESCRIBE " + url + "/other RTSP/1.0\r\nCSeq: 1\r\n\r\n", "404"},
		{"SETUP " + url + "/other/trackID=0 RTSP/1.0\r\nCSeq: 1\r\n" + tcp + "\r\n", "404"},
		{"SETUP " + url + "/live/trackID=7 RTSP/1.0\r\nCSeq: 1\r\n" + tcp + "\r\n", "400"},
		{"SETUP " + url + "/live/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP;multicast\r\n\r\n", "461"},
		{"PLAY " + url + "/live RTSP/1.0\r\nCSeq: 1\r\n\r\n", "501"},
		{"ANNOUNCE " + url + "/x RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: " + fmt.Sprint(len(sdp)) + "\r\n\r\n" + sdp, "405"},
	} {
		if status, _ := request(t, s, "%s", c.request); !strings.HasPrefix(status, c.want) {
			t.Errorf("%.40q: %s, want %s", c.request, status, c.want)
		}
	}
	until(t, "sessions that have ended", func() bool { return s.Stats().Paths[0].Viewers == 0 })
	w := watch(t, target.String(), gortsplib.ProtocolTCP)
	w.play(t)
	if status, _ := request(t, s, "SETUP %s/live/trackID=0 RTSP/1.0\r\nCSeq: 1\r\n%s\r\n", url, tcp); !strings.HasPrefix(status, "503") {
		t.Errorf("one viewer too many: %s, want 503", status)
	}
	w.client.Close()
	until(t, "the viewer to be forgotten", func() bool { return s.Stats().Paths[0].Viewers == 0 })
}

// multicastAddress is one of an interface that can do it, which loopback cannot.
func multicastAddress(t testing.TB) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&(net.FlagUp|net.FlagMulticast|net.FlagLoopback) != net.FlagUp|net.FlagMulticast {
			continue
		}
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
				return n.IP.String()
			}
		}
	}
	t.Skip("no interface is capable of multicast")
	return ""
}

// TestMulticastOffer asks for multicast: the answer names a group of the range, and
// reports and packets go there as long as somebody plays.
func TestMulticastOffer(t *testing.T) {
	t.Parallel()
	s := serveAt(t, ServerOptions{MulticastRange: "239.255.77.0/24", Listen: multicastAddress(t) + ":0"})
	target := s.Path("live")
	run(t, target)
	status, rest := request(t, s, "SETUP %s/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP;multicast\r\n\r\n", target)
	var line string
	for l := range strings.Lines(rest) {
		if v, ok := strings.CutPrefix(l, "Transport: "); ok {
			line = strings.TrimSpace(v)
		}
	}
	var h headers.Transport
	if err := h.Unmarshal(base.HeaderValue{line}); err != nil || h.Destination2 == nil || !strings.HasPrefix(*h.Destination2, "239.255.77.") || h.Ports == nil {
		t.Fatalf("%s: %q, want a group and ports", status, line)
	}
	w := watch(t, target.String(), gortsplib.ProtocolUDPMulticast)
	w.play(t)
	until(t, "packets and reports", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.packets[0]) > 100 && len(w.packets[1]) > 10 && len(w.reports[0]) > 0 && len(w.reports[1]) > 0
	})
	w.contiguous(t)
	w.mu.Lock()
	if first := w.packets[0][0]; !keyH264(first.Payload) {
		t.Errorf("it begins with %x, want a key picture", first.Payload[:4])
	}
	w.mu.Unlock()
	w.client.Close()
	until(t, "the groups being left", func() bool { return s.Stats().Paths[0].Viewers == 0 })
	n := s.Stats().Paths[0].Sent
	time.Sleep(5 * showEvery)
	if m := s.Stats().Paths[0].Sent; m != n {
		t.Errorf("%d bytes are sent to nobody", m-n)
	}
}

// TestEnd ends a stream in an orderly way: viewers get all there is, and are told.
func TestEnd(t *testing.T) {
	t.Parallel()
	s := serveAt(t, ServerOptions{})
	target := s.Path("live")
	for _, protocol := range []gortsplib.Protocol{gortsplib.ProtocolTCP, gortsplib.ProtocolUDP} {
		sh := run(t, target) // again, under the same name
		w := watch(t, target.String(), protocol)
		w.play(t)
		until(t, "packets", func() bool { return w.count(0) > 100 })
		sh.stop()
		sh.done.Wait()
		if err := sh.c.Finish(); err != nil {
			t.Error(err)
		}
		sh.c.Close()
		w.over(t)
		if protocol == gortsplib.ProtocolTCP {
			last, _ := newPacketizer(&format.H264{PayloadTyp: 96, PacketizationMode: 1}, h264Stream)
			want, err := last.packets(picture(sh.sent() - 1))
			if err != nil {
				t.Fatal(err)
			}
			w.mu.Lock()
			if got := w.packets[0][len(w.packets[0])-1]; !bytes.Equal(got.Payload, want[len(want)-1].Payload) {
				t.Error("the last packet has not come")
			}
			if w.byes != 2 {
				t.Errorf("%d goodbyes, want one of each medium", w.byes)
			}
			w.mu.Unlock()
		}
		if err := sh.c.Write(picture(0)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after Close: %v", err)
		}
	}
}

// TestServerClose closes while viewers play, one of whom does not read.
func TestServerClose(t *testing.T) {
	s := serveAt(t, ServerOptions{})
	target := s.Path("live")
	sh := run(t, target)
	stuck := stall(t, s, "/live")
	stuck.read(t, 10)
	for _, protocol := range []gortsplib.Protocol{gortsplib.ProtocolTCP, gortsplib.ProtocolUDP} {
		w := watch(t, target.String(), protocol)
		w.play(t)
		until(t, "packets", func() bool { return w.count(0) > 10 })
	}
	time.Sleep(500 * time.Millisecond)
	before := time.Now()
	s.Close()
	if d := time.Since(before); d > time.Second {
		t.Errorf("Close took %v", d)
	}
	sh.end()
	if _, err := target.Connect(t.Context(), both); err == nil {
		t.Error("a closed server can be connected to")
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	s := serveAt(t, ServerOptions{})
	for _, c := range []struct {
		o    ServerOptions
		want string
	}{
		{ServerOptions{Listen: s.address.String()}, "another program listens there"},
		{ServerOptions{Listen: "203.0.113.7:8554"}, "this machine does not have that address"},
		{ServerOptions{Listen: "8554"}, "HOST:PORT"},
		{ServerOptions{Listen: "127.0.0.1:99999"}, "cannot listen there"},
		{ServerOptions{Password: "secret"}, "needs a user"},
		{ServerOptions{User: "a:b"}, "colon"},
		{ServerOptions{Multicast: true, TLS: &tls.Config{}}, "not encrypted"},
		{ServerOptions{MulticastRange: "192.168.0.0/16"}, "no range"},
	} {
		bad, err := NewServer(c.o)
		if err == nil {
			bad.Close()
			t.Errorf("%+v: no error, want %q", c.o, c.want)
		} else if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %q, want %q", c.o, err, c.want)
		}
	}
	all := serveAt(t, ServerOptions{Listen: "0.0.0.0:0"})
	if urls := all.URLs(); !strings.HasPrefix(urls[0], "rtsp://127.0.0.1:") || slices.Contains(urls[1:], urls[0]) {
		t.Errorf("listening everywhere it is found at %v, want loopback first", urls)
	}
	if got, want := all.Path("/a b/ä/").String(), all.URLs()[0]+"/a%20b/%C3%A4"; got != want {
		t.Errorf("a path at %s, want %s", got, want)
	}
}

// TestConnectTwice has two streams under one name, a stream that cannot be described,
// and a name that is too long.
func TestConnectTwice(t *testing.T) {
	t.Parallel()
	s := serveAt(t, ServerOptions{})
	run(t, s.Path("live"))
	for _, c := range []struct {
		name    string
		streams []demux.Stream
	}{
		{"live", both}, {"none", nil}, {"odd", []demux.Stream{{Codec: "hq_hqa"}}}, {strings.Repeat("x", 256), both}, {"\x01", both},
	} {
		if _, err := s.Path(c.name).Connect(t.Context(), c.streams); !publish.IsPermanent(err) || strings.ContainsAny(err.Error(), "\n\x01") {
			t.Errorf("%.9q: %v, want a permanent error of one line", c.name, err)
		}
	}
	if st := s.Stats(); len(st.Paths) != 1 {
		t.Errorf("statistics %+v, want one path", st)
	}
}
