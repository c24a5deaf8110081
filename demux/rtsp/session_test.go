package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"

	"planar/demux"
	"planar/internal/rtsptest"
)

// checkError tests that an error is one line that says what it should, and nothing
// that it should not.
func checkError(t *testing.T, err error, want string, secrets ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if !strings.Contains(err.Error(), want) || strings.ContainsAny(err.Error(), "\r\n") {
		t.Errorf("%q, want one line with %q", err, want)
	}
	for _, s := range secrets {
		if s != "" && strings.Contains(err.Error(), s) {
			t.Errorf("%q tells %q", err, s)
		}
	}
}

func TestAuth(t *testing.T) {
	t.Parallel()
	methods := map[string][]auth.VerifyMethod{
		"basic": {auth.VerifyMethodBasic}, "md5": {auth.VerifyMethodDigestMD5}, "sha256": {auth.VerifyMethodDigestSHA256}, "any": nil,
	}
	const odd = "p@ss:/w?r#d %41é&=+"
	noColon := strings.ReplaceAll(odd, ":", "")
	for _, c := range []struct {
		name, method, password string
		userinfo               string // in the URL
		err                    string
	}{
		{"basic", "basic", "secret", "admin:secret@", ""},
		{"md5", "md5", "secret", "admin:secret@", ""},
		{"sha256", "sha256", "secret", "admin:secret@", ""},
		{"any", "any", "secret", "admin:secret@", ""},
		{"basic, odd password", "basic", noColon, "admin:" + url.PathEscape(noColon) + "@", ""}, // the camera takes no colon
		{"md5, odd password", "md5", odd, "admin:" + url.PathEscape(odd) + "@", ""},
		{"sha256, odd password", "sha256", odd, "admin:" + url.QueryEscape(strings.ReplaceAll(odd, " ", "")) + "@", "wrong user or password"},
		{"not escaped", "md5", "p@ss/w:rd", "admin:p@ss/w:rd@", ""},
		{"wrong", "md5", "secret", "admin:Geheim1@", "401 unauthorised: wrong user or password"},
		{"wrong, basic", "basic", "secret", "admin:Geheim1@", "401 unauthorised: wrong user or password"},
		{"nobody", "any", "secret", "", "401 unauthorised: it wants a user or password: rtsp://USER:PASSWORD@127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video()), User: "admin", Password: c.password, Auth: methods[c.method]})
			pictures().run(t, camera)
			log := &logged{}
			o := Options{Transport: "tcp"}
			log.option(&o)
			s, err := Open(t.Context(), strings.Replace(camera.URL(), "rtsp://", "rtsp://"+c.userinfo, 1), o)
			secret := strings.TrimSuffix(strings.TrimPrefix(c.userinfo, "admin:"), "@")
			if secret != "" && strings.Contains(log.String(), secret) {
				t.Errorf("the log tells the password: %s", log)
			}
			if c.err != "" {
				checkError(t, err, c.err, secret, c.password)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			mustRead(t, s, upTo(2))
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca := rtsptest.NewAuthority(t)
	hour := time.Now().Add(time.Hour)
	server := ca.Server(t, "127.0.0.1", hour)
	for _, c := range []struct {
		name           string
		server, client *tls.Config
		err            string
	}{
		{"known", server, &tls.Config{RootCAs: ca.Pool}, ""},
		{"unknown", server, &tls.Config{RootCAs: rtsptest.NewAuthority(t).Pool}, "its certificate is signed by nobody known here: give --tls-ca FILE, or --tls-insecure"},
		{"the system's authorities", server, nil, "its certificate is signed by nobody known here"},
		{"not verified", server, &tls.Config{InsecureSkipVerify: true}, ""},
		{"another host", ca.Server(t, "camera.example", hour), &tls.Config{RootCAs: ca.Pool}, "its certificate is not valid for 127.0.0.1"},
		{"expired", ca.Server(t, "127.0.0.1", time.Now().Add(-time.Minute)), &tls.Config{RootCAs: ca.Pool}, "its certificate is not valid for 127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video()), TLS: c.server})
			pictures().run(t, camera)
			s, err := Open(t.Context(), strings.Replace(camera.URL(), "rtsp://", "rtsps://", 1), Options{TLS: c.client, OpenTimeout: 5 * time.Second})
			if c.err != "" {
				checkError(t, err, c.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			checkWhole(t, mustRead(t, s, upTo(20)))
			if got := s.Reception().Transport; got != "TLS" {
				t.Errorf("over %s, want TLS", got)
			}
		})
	}
}

func TestNoTLSThere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = c.Read(make([]byte, 100))
		_, _ = c.Write([]byte("RTSP/1.0 400 Bad Request\r\n\r\n"))
	})
	defer wg.Wait()
	defer l.Close()
	_, err = Open(t.Context(), "rtsps://"+l.Addr().String()+"/", Options{})
	checkError(t, err, "127.0.0.1 does not speak TLS on that port: try rtsp://")
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	target := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video()), User: "u", Password: "p"})
	pictures().run(t, target)
	camera := start(t, &rtsptest.Camera{Redirect: target.URL()})
	s := open(t, strings.Replace(camera.URL(), "rtsp://", "rtsp://u:p@", 1), "auto")
	checkWhole(t, mustRead(t, s, upTo(10)))
	if n := target.Count(base.Play); n != 1 {
		t.Errorf("%d times PLAY, want 1", n)
	}
}

func TestKeepAliveAndTeardown(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video()), SessionTimeout: 2 * time.Second})
			pictures().run(t, camera)
			s := open(t, camera.URL(), transport)
			asked := camera.Count(base.Options) + camera.Count(base.GetParameter)
			checkWhole(t, mustRead(t, s, upTo(300))) // 3 s
			if n := camera.Count(base.Options) + camera.Count(base.GetParameter) - asked; n < 1 || n > 4 {
				t.Errorf("%d keep-alives in 3 s, want some", n)
			}
			s.Close()
			until(t, "TEARDOWN", func() bool { return camera.Count(base.Teardown) == 1 })
			camera.WaitPlaying(t, 0)
			s.Close() // again
			if _, err := s.Read(); !errors.Is(err, demux.ErrInterrupted) {
				t.Errorf("Read after Close: %v, want demux.ErrInterrupted", err)
			}
			if r := s.Reception(); len(r.Tracks) != 1 || r.Tracks[0].Packets < 900 {
				t.Errorf("Reception after Close: %+v", r)
			}
		})
	}
}

func TestSilentSender(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, transport string
		cut             bool
	}{{"udp", "udp", false}, {"tcp", "tcp", false}, {"udp cut", "udp", true}, {"tcp cut", "tcp", true}, {"auto cut", "auto", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video())})
			proxy := rtsptest.NewProxy(t, camera.Address(), 1)
			p := pictures()
			if c.cut {
				p.before = func(_ *rtsptest.Sender, n int, _ time.Duration) { proxy.Cut(n > 30) }
			} else {
				p.total = 31
			}
			p.run(t, camera)
			s := open(t, proxy.URL(camera.URL()), c.transport)
			var last time.Time
			list, err := read(s, func(*demux.Packet) bool { last = time.Now(); return false })
			took := time.Since(last)
			checkError(t, err, "no data for 2 s")
			if took < 1900*time.Millisecond || took > 2600*time.Millisecond {
				t.Errorf("%v after %v, want 2 to 2.6 s", err, took)
			}
			if n := len(list); n < 30 {
				t.Errorf("%d pictures came before, want 30", n)
			}
			began := time.Now()
			s.Close()
			if took := time.Since(began); took > 1500*time.Millisecond {
				t.Errorf("Close took %v", took)
			}
		})
	}
}

func TestConnectionEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, transport string
		end             func(*rtsptest.Camera, *rtsptest.Proxy)
	}{
		{"udp, reset", "udp", func(_ *rtsptest.Camera, p *rtsptest.Proxy) { p.Reset() }},
		{"tcp, reset", "tcp", func(_ *rtsptest.Camera, p *rtsptest.Proxy) { p.Reset() }},
		{"tcp, closed", "tcp", func(c *rtsptest.Camera, _ *rtsptest.Proxy) { c.Disconnect() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video())})
			proxy := rtsptest.NewProxy(t, camera.Address(), 1)
			pictures().run(t, camera)
			s := open(t, proxy.URL(camera.URL()), c.transport)
			mustRead(t, s, upTo(20))
			c.end(camera, proxy)
			began := time.Now()
			_, err := read(s, never)
			checkError(t, err, "closed the connection")
			if took := time.Since(began); took > time.Second {
				t.Errorf("it took %v to notice", took)
			}
		})
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video())})
		p := pictures()
		p.total = 1
		p.run(t, camera)
		s := open(t, camera.URL(), transport)
		mustRead(t, s, upTo(0))
		time.AfterFunc(50*time.Millisecond, s.Interrupt)
		began := time.Now()
		_, err := s.Read()
		if took := time.Since(began); !errors.Is(err, demux.ErrInterrupted) || took > time.Second {
			t.Errorf("%s: Read ended after %v with %v, want demux.ErrInterrupted after 50 ms", transport, took, err)
		}
		if _, err := s.Read(); !errors.Is(err, demux.ErrInterrupted) {
			t.Errorf("%s: the next Read says %v", transport, err)
		}
	}
}

// mute is a server that accepts connections and says nothing.
func mute(t *testing.T) string {
	l, err := net.Listen("tcp4", "127.0.0.1:0") // the kernel accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	answer := func(status, body string, headers ...string) func(*base.Request) (string, bool) {
		return func(req *base.Request) (string, bool) {
			if req.Method == base.Options {
				return rtsptest.Reply(req, "200 OK", "", "Public: DESCRIBE"), true
			}
			return rtsptest.Reply(req, status, body, headers...), true
		}
	}
	script := func(f func(*base.Request) (string, bool)) string { return rtsptest.NewScript(t, f).URL() }
	closed, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	silent := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video())})
	for _, c := range []struct {
		name, url   string
		err         string
		least, most time.Duration // 0: at once
	}{
		{"says nothing", "rtsp://" + mute(t) + "/", "nothing came from 127.0.0.1 within 0.7 s", 700 * time.Millisecond, 0},
		{"says nothing, TLS", "rtsps://" + mute(t) + "/", "nothing came from 127.0.0.1 within 0.7 s", 700 * time.Millisecond, 0},
		{"no answers", script(func(*base.Request) (string, bool) { return "", true }), "nothing came from 127.0.0.1 within 0.7 s", 700 * time.Millisecond, 0},
		{"half an answer", script(func(*base.Request) (string, bool) { return "RTSP/1.0 200 OK\r\nCS", true }), "nothing came", 700 * time.Millisecond, 0},
		{"no packets", silent.URL(), "nothing came from 127.0.0.1 within 0.7 s", 700 * time.Millisecond, 0},
		{"404", script(answer("404 Not Found", "")), "404 not found: nothing is published under that path", 0, 0},
		{"403", script(answer("403 Forbidden", "")), "403 forbidden", 0, 0},
		{"500", script(answer("500 On\x1bfire", "")), "the server says 500 On?fire", 0, 0},
		{"garbage", script(func(*base.Request) (string, bool) { return strings.Repeat("\x00\xff garbage \r\n", 100), false }), "127.0.0.1", 0, 0},
		{"HTTP", script(func(*base.Request) (string, bool) { return "HTTP/1.1 400 Bad Request\r\n\r\n", false }), "127.0.0.1", 0, 0},
		{"no description", script(answer("200 OK", "nonsense", "Content-Type: application/sdp")), "127.0.0.1", 0, 0},
		{"an empty one", script(answer("200 OK", "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\n", "Content-Type: application/sdp")), "", 0, 0},
		{"hangs up", script(func(*base.Request) (string, bool) { return "", false }), "closed the connection", 0, 0},
		{"closed port", "rtsp://" + closed.Addr().String() + "/", "connection refused: nothing listens on that port of 127.0.0.1", 0, 0},
		{"unknown host", "rtsp://camera.invalid/", "unknown host camera.invalid", 0, 0},
		{"no host", "rtsp:///cam", "names no server", 0, 0},
		{"no port", "rtsp://127.0.0.1:port/cam", "no address that makes sense", 0, 0},
	} {
		for _, transport := range []string{"tcp", "auto"} {
			t.Run(c.name+", "+transport, func(t *testing.T) {
				t.Parallel()
				began := time.Now()
				s, err := Open(t.Context(), c.url, Options{Transport: transport, OpenTimeout: 700 * time.Millisecond})
				took := time.Since(began)
				if err == nil {
					s.Close()
				}
				checkError(t, err, c.err)
				if took < c.least || took > c.least+700*time.Millisecond {
					t.Errorf("%v after %v, want %v", err, took, c.least)
				}
				if c.least > 0 && !errors.Is(err, syscall.ETIMEDOUT) {
					t.Errorf("%v is no syscall.ETIMEDOUT", err)
				}
			})
		}
	}
}

func TestOpenIsInterrupted(t *testing.T) {
	t.Parallel()
	silent := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video())})
	for name, url := range map[string]string{
		"no answer": "rtsp://" + mute(t) + "/", "no TLS": "rtsps://" + mute(t) + "/", "no packet": silent.URL(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
			began := time.Now()
			_, err := Open(ctx, url, Options{Transport: "tcp"})
			if took := time.Since(began); took > time.Second || !errors.Is(err, demux.ErrInterrupted) {
				t.Errorf("Open ended after %v with %v, want demux.ErrInterrupted after 100 ms", took, err)
			}
			cause := errors.New("a reason")
			ctx, abort := context.WithCancelCause(t.Context())
			abort(cause)
			if _, err := Open(ctx, url, Options{}); err == nil {
				t.Error("opened when it was over")
			}
		})
	}
}

// What can be played is, and of the rest it is said that it is not.
func TestTracks(t *testing.T) {
	t.Parallel()
	speex := &format.Speex{PayloadTyp: 97, SampleRate: 16000}
	back := sound()
	back.IsBackChannel = true
	application := &description.Media{Type: description.MediaTypeApplication, Formats: []format.Format{
		&format.Generic{PayloadTyp: 107, RTPMa: "vnd.onvif.metadata/90000", ClockRat: 90000},
	}}
	opus := &format.Opus{PayloadTyp: 98, ChannelCount: 2}
	for _, c := range []struct {
		name   string
		medias []*description.Media
		set    func(*Options)
		tracks string
		notes  string
	}{
		{"both", rtsptest.Medias(video(), sound()), nil, "h264 pcm_mulaw", ""},
		{"back channel and application", rtsptest.Medias(video(), application, back), nil, "h264", ""},
		{"two of a kind", rtsptest.Medias(video(), video(&format.H265{PayloadTyp: 99}), sound(opus), sound()), nil, "h264 opus", ""},
		{"unknown sound", rtsptest.Medias(video(), sound(speex)), nil, "h264", "its audio track is speex/16000, which is not played"},
		{"no sound", rtsptest.Medias(video(), sound()), func(o *Options) { o.NoAudio = true }, "h264", ""},
		{"several formats", rtsptest.Medias(video(), sound(speex, opus)), nil, "h264 opus", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: c.medias})
			pictures().run(t, camera)
			s := open(t, camera.URL(), "tcp", func(o *Options) {
				if c.set != nil {
					c.set(o)
				}
			})
			var names []string
			for _, v := range s.Streams() {
				names = append(names, v.Codec)
			}
			if got := strings.Join(names, " "); got != c.tracks {
				t.Errorf("tracks %q, want %q", got, c.tracks)
			}
			if n := camera.Count(base.Setup); n != len(names) {
				t.Errorf("%d times SETUP, want %d", n, len(names))
			}
			if i := s.Info(); strings.Join(i.Notes, "; ") != c.notes || !i.Live || i.Seekable || i.Duration != 0 || i.Format != "rtsp" {
				t.Errorf("%+v, want notes %q", i, c.notes)
			}
			mustRead(t, s, upTo(2))
		})
	}
	for _, c := range []struct {
		name   string
		medias []*description.Media
		set    func(*Options)
		err    string
	}{
		{"unknown sound alone", rtsptest.Medias(sound(speex)), nil, "its audio track is speex/16000, which is not played"},
		{"application alone", rtsptest.Medias(application), nil, "no video or sound in it"},
		{"nothing wanted", rtsptest.Medias(sound()), func(o *Options) { o.NoAudio = true }, "no video or sound in it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: c.medias})
			o := Options{}
			if c.set != nil {
				c.set(&o)
			}
			_, err := Open(t.Context(), camera.URL(), o)
			checkError(t, err, c.err)
			if !errors.Is(err, ErrUnplayable) || camera.Count(base.Setup) > 0 {
				t.Errorf("%v after %d times SETUP, want ErrUnplayable before", err, camera.Count(base.Setup))
			}
		})
	}
}

// Of a medium with several formats, packets of another one than was chosen do not
// come through.
func TestOtherPayloadType(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(sound(
				&format.G711{PayloadTyp: 0, MULaw: true, SampleRate: 8000, ChannelCount: 1},
				&format.G711{PayloadTyp: 8, SampleRate: 8000, ChannelCount: 1},
			))})
			p := programme{unit: samples, every: 5 * time.Millisecond}
			p.change = func(n int, packets []*rtp.Packet) []*rtp.Packet {
				if n%10 == 9 {
					packets[0].PayloadType = 8
				}
				return packets
			}
			p.run(t, camera)
			s := open(t, camera.URL(), transport)
			n := 0
			for _, p := range mustRead(t, s, func(*demux.Packet) bool { n++; return n == 45 }) {
				if k := int(p.Data[3]); k%10 == 9 {
					t.Errorf("packet %d came through", k)
				}
			}
		})
	}
}

func TestLengthOfRecording(t *testing.T) {
	t.Parallel()
	camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(video()), Lines: []string{"a=range:npt=0-10.5"}})
	pictures().run(t, camera)
	if got := open(t, camera.URL(), "tcp").Info().Duration; got != 10500*time.Millisecond {
		t.Errorf("it lasts %v, want 10.5 s", got)
	}
}
