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
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"planar/demux"
	"planar/internal/rtsptest"
	"planar/player/publish"
	"planar/player/publish/wire"
)

// recorder is the library's server, which notes what is sent to it.
type recorder struct {
	server *gortsplib.Server
	addr   string

	user, password string
	refuseTCP      bool
	udp            bool            // listen for it
	announce       base.StatusCode // the answer to it, if not 200
	tls            *tls.Config
	count          bool // packets only, as a benchmark wants

	mu       sync.Mutex
	units    [][][]byte // of each medium: the parts, one after the other
	reports  []*rtcp.SenderReport
	over     string
	torndown bool
}

func (r *recorder) start(t testing.TB) {
	t.Helper()
	if err := r.begin(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.server.Close)
}

// begin listens on any port, and with udp on any pair of them.
func (r *recorder) begin() (err error) {
	for range 100 { // somebody else may take them meanwhile
		l, fail := net.Listen("tcp", "127.0.0.1:0")
		if fail != nil {
			return fail
		}
		r.addr = l.Addr().String()
		l.Close()
		r.server = &gortsplib.Server{
			Handler: r, RTSPAddress: r.addr, TLSConfig: r.tls,
			AuthMethods: []auth.VerifyMethod{auth.VerifyMethodDigestMD5, auth.VerifyMethodBasic},
		}
		if r.udp {
			p := 20000 + 2*rand.IntN(6000)
			r.server.UDPRTPAddress, r.server.UDPRTCPAddress = fmt.Sprintf("127.0.0.1:%d", p), fmt.Sprintf("127.0.0.1:%d", p+1)
		}
		if err = r.server.Start(); err == nil {
			return nil
		}
	}
	return err
}

func (r *recorder) url() string {
	if r.tls != nil {
		return "rtsps://" + r.addr + "/live"
	}
	return "rtsp://" + r.addr + "/live"
}

func status(code base.StatusCode) *base.Response { return &base.Response{StatusCode: code} }

func (r *recorder) OnAnnounce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	if r.user != "" && !ctx.Conn.VerifyCredentials(ctx.Request, r.user, r.password) {
		return status(base.StatusUnauthorized), liberrors.ErrServerAuth{}
	}
	if r.announce != 0 {
		return status(r.announce), nil
	}
	return status(base.StatusOK), nil
}

func (r *recorder) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if r.refuseTCP && ctx.Transport.Protocol == gortsplib.ProtocolTCP {
		return status(base.StatusUnsupportedTransport), nil, nil
	}
	return status(base.StatusOK), nil, nil
}

func (r *recorder) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = fmt.Sprint(ctx.Session.Transport().Protocol)
	r.units = nil
	if r.count {
		return status(base.StatusOK), nil
	}
	for _, m := range ctx.Session.AnnouncedDescription().Medias {
		f, i := m.Formats[0], len(r.units)
		r.units = append(r.units, nil)
		decode := decoder(noTest{}, f)
		ctx.Session.OnPacketRTP(m, f, func(k *rtp.Packet) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if list, err := decode(k); err == nil {
				for _, b := range list {
					r.units[i] = append(r.units[i], bytes.Clone(b))
				}
			}
		})
		ctx.Session.OnPacketRTCP(m, func(k rtcp.Packet) {
			if s, ok := k.(*rtcp.SenderReport); ok {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.reports = append(r.reports, s)
			}
		})
	}
	return status(base.StatusOK), nil
}

func (r *recorder) OnSessionClose(*gortsplib.ServerHandlerOnSessionCloseCtx) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.torndown = true
}

func (r *recorder) parts(i int) [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i >= len(r.units) {
		return nil
	}
	return slices.Clone(r.units[i])
}

// noTest is a test that cannot fail, for what runs on the server's goroutines.
type noTest struct{ testing.TB }

func (noTest) Helper()               {}
func (noTest) Fatal(args ...any)     { panic(fmt.Sprint(args...)) }
func (noTest) Fatalf(string, ...any) { panic("no decoder") }

func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 5 s for: %s", what)
		}
	}
}

var both = []demux.Stream{h264Stream, aacStream}

func connect(t testing.TB, url string, o TargetOptions, streams []demux.Stream) publish.Connection {
	t.Helper()
	target, err := NewTarget(url, o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := target.Connect(context.Background(), streams)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Units arrive as they were sent, over each transport.
func TestPush(t *testing.T) {
	ca := rtsptest.NewAuthority(t)
	for _, c := range []struct {
		name, transport string
		server          *recorder
		over            string
	}{
		{"tcp", "tcp", &recorder{}, "TCP"},
		{"auto", "", &recorder{udp: true}, "TCP"},
		{"udp", "udp", &recorder{udp: true}, "UDP"},
		{"auto to a server of UDP", "auto", &recorder{udp: true, refuseTCP: true}, "UDP"},
		{"tls", "auto", &recorder{tls: ca.Server(t, "127.0.0.1", time.Now().Add(time.Hour))}, "TCP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.server.start(t)
			conn := connect(t, c.server.url(), TargetOptions{Transport: c.transport, TLS: &tls.Config{RootCAs: ca.Pool}}, both)
			r := rand.New(rand.NewPCG(1, 1))
			began := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
			var want [2][][]byte
			bytesIn := 0
			for i := range 50 {
				pts := time.Duration(i) * 40 * time.Millisecond
				u := nalUnits(pts, noise(r, 1+r.IntN(4000), 0x41))
				if i%10 == 0 {
					size := 40_000 // what a socket for datagrams holds
					if c.over == "TCP" {
						size = 500_000
					}
					u = nalUnits(pts, h264SPS, h264PPS, noise(r, size, 0x65))
				}
				u.At = began.Add(pts)
				want[0] = append(want[0], u.NALUs...)
				bytesIn += len(u.Data)
				sound := &publish.Unit{Stream: 1, PTS: pts, DTS: pts, Key: true, Data: noise(r, 340), At: began.Add(pts)}
				want[1] = append(want[1], sound.Data)
				for _, u := range []*publish.Unit{u, sound} {
					if err := conn.Write(u); err != nil {
						t.Fatal(err)
					}
				}
				if c.over == "UDP" {
					time.Sleep(time.Millisecond)
				}
			}
			if err := conn.Write(&publish.Unit{Stream: 1}); err != nil {
				t.Errorf("an empty unit: %v", err)
			}
			if rtt := conn.RTT(); rtt <= 0 || rtt > time.Second {
				t.Errorf("round trip time %s, want what is usual on this machine", rtt)
			}
			if sent := conn.Sent(); sent < int64(bytesIn) || sent > int64(bytesIn)*11/10 {
				t.Errorf("%d bytes sent, want %d and up to a tenth for headers", sent, bytesIn)
			}
			if err := conn.Finish(); err != nil {
				t.Fatal(err)
			}
			conn.Close()
			if c.over == "TCP" { // all is there when Finish returns, or will be soon
				until(t, "the last frame", func() bool { return len(c.server.parts(1)) == len(want[1]) })
			}
			for i := range want {
				if got := c.server.parts(i); !slices.EqualFunc(got, want[i], bytes.Equal) {
					t.Errorf("stream %d: %d parts arrived, not as the %d that were sent", i, len(got), len(want[i]))
				}
			}
			until(t, "TEARDOWN", func() bool { c.server.mu.Lock(); defer c.server.mu.Unlock(); return c.server.torndown })
			if c.server.over != c.over {
				t.Errorf("packets came over %s, want %s", c.server.over, c.over)
			}
			if n := len(c.server.reports); n != 2 {
				t.Fatalf("%d reports came, want one of each stream", n)
			}
			if at := ntp.Decode(c.server.reports[0].NTPTime); at.Sub(began).Abs() > time.Microsecond {
				t.Errorf("the first picture is said to be of %s, want %s", at, began)
			}
		})
	}
}

// Reports say when a picture was captured that is shown later than it is decoded, and
// come every five seconds of the units' clock.
func TestReports(t *testing.T) {
	server := &recorder{}
	server.start(t)
	conn := connect(t, server.url(), TargetOptions{}, both[:1])
	began := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	base := conn.(*connection).tracks[0].packetizer.base
	for i := range 12 {
		u := nalUnits(time.Duration(i)*time.Second+80*time.Millisecond, []byte{0x41, byte(i)})
		u.DTS = time.Duration(i) * time.Second
		u.At = began.Add(u.DTS)
		if err := conn.Write(u); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Finish(); err != nil {
		t.Fatal(err)
	}
	until(t, "three reports", func() bool { server.mu.Lock(); defer server.mu.Unlock(); return len(server.reports) == 3 })
	for i, s := range server.reports {
		at := 5*time.Duration(i)*time.Second + 80*time.Millisecond
		if d := ntp.Decode(s.NTPTime).Sub(began.Add(at)).Abs(); d > time.Microsecond || s.RTPTime-base != uint32(at.Seconds()*90000) {
			t.Errorf("report %d: %s at %d, want %s at %d", i, ntp.Decode(s.NTPTime), s.RTPTime-base, began.Add(at), uint32(at.Seconds()*90000))
		}
		if want := uint32(5*i + 1); s.PacketCount != want || s.OctetCount != 2*want {
			t.Errorf("report %d: %d packets of %d bytes, want %d of 2", i, s.PacketCount, s.OctetCount, want)
		}
	}
}

func TestConnectErrors(t *testing.T) {
	ca := rtsptest.NewAuthority(t)
	good := ca.Server(t, "127.0.0.1", time.Now().Add(time.Hour))
	silent := rtsptest.NewScript(t, func(*base.Request) (string, bool) { return "", true })
	web := rtsptest.NewScript(t, func(*base.Request) (string, bool) { return "HTTP/1.1 400 Bad Request\r\n\r\n", false })
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "rtsp://" + free.Addr().String() + "/live"
	free.Close()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	go func() {
		if c, err := plain.Accept(); err == nil {
			c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			c.Close()
		}
	}()
	with := func(user, url string) string { return strings.Replace(url, "://", "://"+user+"@", 1) }
	for _, c := range []struct {
		name      string
		server    *recorder
		user, url string
		o         TargetOptions
		streams   []demux.Stream
		want      string // of the error; "": none
		permanent bool
	}{
		{"right password", &recorder{user: "u", password: "s3cr@t"}, "u:s3cr@t", "", TargetOptions{}, nil, "", false},
		{"wrong password", &recorder{user: "u", password: "p"}, "u:s3cr@t", "", TargetOptions{}, nil, "401 unauthorised: wrong user or password", true},
		{"no password", &recorder{user: "u", password: "p"}, "", "", TargetOptions{}, nil, "USER:PASSWORD@", true},
		{"404", &recorder{announce: base.StatusNotFound}, "", "", TargetOptions{}, nil, "404 not found: the server takes nothing under that path", false},
		{"403", &recorder{announce: base.StatusForbidden}, "u:s3cr@t", "", TargetOptions{}, nil, "403 forbidden", false},
		{"501", &recorder{announce: base.StatusNotImplemented}, "", "", TargetOptions{}, nil, "serves streams but takes none", true},
		{"461", &recorder{}, "", "", TargetOptions{Transport: "udp"}, nil, "461: the server takes nothing over UDP: try another --rtsp-transport", true},
		{"461 of both", &recorder{refuseTCP: true}, "", "", TargetOptions{}, nil, "461: the server takes nothing over TCP or UDP", true},
		{"no authority", &recorder{tls: good}, "", "", TargetOptions{}, nil, "signed by nobody known here", true},
		{"no TLS", nil, "", "rtsps://" + plain.Addr().String() + "/live", TargetOptions{}, nil, "does not speak TLS on that port: try rtsp://", true},
		{"no RTSP over TLS", nil, "", strings.Replace(web.URL(), "rtsp", "rtsps", 1), TargetOptions{}, nil, "does not speak RTSP over TLS on that port", false},
		{"an unknown codec", &recorder{}, "", "", TargetOptions{}, []demux.Stream{{Codec: "wmv2"}}, "rtsp cannot carry wmv2", true},
		{"nobody there", nil, "u:s3cr@t", closed, TargetOptions{}, nil, "connection refused: nothing listens on that port of 127.0.0.1", false},
		{"silence", nil, "u:s3cr@t", silent.URL(), TargetOptions{Timeout: 200 * time.Millisecond}, nil, "127.0.0.1 does not answer (200ms waited)", false},
		{"no RTSP", nil, "", web.URL(), TargetOptions{}, nil, "does not speak RTSP on that port", false},
		{"unknown host", nil, "", "rtsp://host.invalid/x", TargetOptions{}, nil, "unknown host host.invalid", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := c.url
			if c.server != nil {
				c.server.start(t)
				url = c.server.url()
			}
			if c.user != "" {
				url = with(c.user, url)
			}
			target, err := NewTarget(url, c.o)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(target.String(), "s3cr") {
				t.Errorf("%s shows the password", target)
			}
			if c.streams == nil {
				c.streams = both
			}
			began := time.Now()
			conn, err := target.Connect(context.Background(), c.streams)
			if err == nil {
				conn.Close()
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			switch {
			case c.want == "":
				if err != nil {
					t.Error(err)
				}
			case err == nil || !strings.Contains(err.Error(), c.want):
				t.Errorf("%v, want an error that says %q", err, c.want)
			case strings.Contains(err.Error(), "s3cr") || strings.Contains(err.Error(), "\n"):
				t.Errorf("%q shows the password, or has several lines", err)
			case publish.IsPermanent(err) != c.permanent:
				t.Errorf("%v: permanent is %v, want %v", err, !c.permanent, c.permanent)
			}
		})
	}
}

func TestNewTargetRefuses(t *testing.T) {
	for _, c := range []struct{ url, transport, want string }{
		{"http://host/x", "", "is no address of an RTSP server"},
		{"host/x", "", "is no address of an RTSP server"},
		{"rtsp:///x", "", "names no server"},
		{"rtsp://u:s3cret@ho st/%zz", "", "is no address that makes sense"},
		{"rtsp://host/x", "sctp", `there is no transport "sctp"`},
		{"rtsps://host/x", "udp", "rtsps goes over TCP"},
	} {
		_, err := NewTarget(c.url, TargetOptions{Transport: c.transport})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want an error that says %q", c.url, err, c.want)
		}
	}
}

// The end of ctx ends a connect at once.
func TestConnectIsInterrupted(t *testing.T) {
	asked := make(chan struct{}, 1)
	silent := rtsptest.NewScript(t, func(*base.Request) (string, bool) {
		asked <- struct{}{}
		return "", true
	})
	target, err := NewTarget(silent.URL(), TargetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var at time.Time
	go func() {
		<-asked
		at = time.Now()
		cancel()
	}()
	_, err = target.Connect(ctx, both)
	if !errors.Is(err, context.Canceled) || publish.IsPermanent(err) {
		t.Errorf("%v, want that it was canceled", err)
	}
	if took := time.Since(at); took > 3*time.Second {
		t.Errorf("that took %s", took)
	}
}

// A server that goes away in the middle is noticed, and the target can be connected
// again.
func TestServerIsKilled(t *testing.T) {
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport, func(t *testing.T) {
			server := &recorder{udp: transport == "udp"}
			server.start(t)
			conn := connect(t, server.url(), TargetOptions{Transport: transport}, both)
			var killed time.Time
			for i := 0; ; i++ {
				err := conn.Write(nalUnits(time.Duration(i)*40*time.Millisecond, noise(rand.New(rand.NewPCG(1, 1)), 3000, 0x41)))
				if err != nil {
					if killed.IsZero() {
						t.Fatal(err)
					}
					if !strings.Contains(err.Error(), "127.0.0.1 closed the connection") || publish.IsPermanent(err) {
						t.Errorf("%v, want that the server closed the connection", err)
					}
					break
				}
				if i == 10 {
					server.server.Close()
					killed = time.Now()
				}
				if !killed.IsZero() && time.Since(killed) > 3*time.Second {
					t.Fatal("a second later, units are still taken")
				}
				time.Sleep(time.Millisecond)
			}
			if err := conn.Finish(); err == nil {
				t.Error("a lost connection was finished in an orderly way")
			}
			conn.Close()
			conn.Close()
		})
	}
}

// A server that stops reading makes Write wait, without much being held for it, and
// Close ends that.
func TestSlowServer(t *testing.T) {
	// The script would stumble over the first packet, so what is before it stops first.
	server := rtsptest.NewScript(t, func(r *base.Request) (string, bool) {
		if r.Method == base.Setup {
			return rtsptest.Reply(r, "200 OK", "", "Session: 1", "Transport: "+r.Header["Transport"][0]), true
		}
		return rtsptest.Reply(r, "200 OK", ""), true
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	behind := strings.TrimSuffix(strings.TrimPrefix(server.URL(), "rtsp://"), "/cam")
	release := make(chan struct{})
	var between sync.WaitGroup
	between.Go(func() { passOn(l, behind, release) })
	t.Cleanup(func() {
		close(release)
		l.Close()
		between.Wait()
	})

	conn := connect(t, "rtsp://"+l.Addr().String()+"/live", TargetOptions{Transport: "tcp"}, both[:1])
	failed := make(chan error, 1)
	var progress sync.Mutex
	last := time.Now()
	go func() {
		r := rand.New(rand.NewPCG(1, 1))
		for {
			if err := conn.Write(nalUnits(0, noise(r, 20_000, 0x41))); err != nil {
				failed <- err
				return
			}
			progress.Lock()
			last = time.Now()
			progress.Unlock()
		}
	}()
	until(t, "Write waits", func() bool { progress.Lock(); defer progress.Unlock(); return time.Since(last) > 300*time.Millisecond })
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
	// What the other side's kernel holds is its own affair.
	if n := wire.Unacknowledged(conn.(*connection).tcp); n > 4<<20 {
		t.Errorf("%d bytes are held for the server", n)
	}
	began := time.Now()
	conn.Close()
	err = <-failed
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("Write went on for %s after Close", took)
	}
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want that it is closed", err)
	}
}

// passOn passes one connection on until the other side has answered RECORD, then reads
// nothing more.
func passOn(l net.Listener, to string, release <-chan struct{}) {
	a, err := l.Accept()
	if err != nil {
		return
	}
	defer a.Close()
	b, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer b.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := a.Read(buf)
		if err != nil {
			return
		}
		last := bytes.HasPrefix(buf[:n], []byte("RECORD"))
		b.Write(buf[:n])
		if n, err = b.Read(buf); err != nil {
			return
		}
		a.Write(buf[:n])
		if last {
			<-release
			return
		}
	}
}
