package rtsptest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

func TestCameraAuth(t *testing.T) {
	for _, c := range []struct {
		name    string
		methods []auth.VerifyMethod
		user    *url.Userinfo
		ok      bool
	}{
		{"basic", []auth.VerifyMethod{auth.VerifyMethodBasic}, url.UserPassword("u", "p"), true},
		{"md5", []auth.VerifyMethod{auth.VerifyMethodDigestMD5}, url.UserPassword("u", "p"), true},
		{"sha256", []auth.VerifyMethod{auth.VerifyMethodDigestSHA256}, url.UserPassword("u", "p"), true},
		{"wrong password", nil, url.UserPassword("u", "q"), false},
		{"nobody", nil, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			camera := &Camera{Medias: Medias(pcmu()), User: "u", Password: "p", Auth: c.methods}
			camera.Start(t)
			u, _ := url.Parse(camera.URL())
			u.User = c.user
			_, err := play(t, u.String(), nil)
			if (err == nil) != c.ok {
				t.Errorf("playing: %v, want success: %v", err, c.ok)
			}
		})
	}
}

func TestCameraTLS(t *testing.T) {
	ca := NewAuthority(t)
	hour := time.Now().Add(time.Hour)
	for _, c := range []struct {
		name   string
		config *tls.Config
		pool   *x509.CertPool
		err    string
	}{
		{"known authority", ca.Server(t, "127.0.0.1", hour), ca.Pool, ""},
		{"unknown authority", ca.Server(t, "127.0.0.1", hour), NewAuthority(t).Pool, "unknown authority"},
		{"another host", ca.Server(t, "camera.example", hour), ca.Pool, "doesn't contain any IP SANs"},
		{"expired", ca.Server(t, "127.0.0.1", time.Now().Add(-time.Minute)), ca.Pool, "expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			camera := &Camera{Medias: Medias(pcmu()), TLS: c.config}
			camera.Start(t)
			client, err := play(t, camera.URL(), func(k *client) { k.TLSConfig = &tls.Config{RootCAs: c.pool} })
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("playing: %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			camera.WaitPlaying(t, 1)
			camera.Sender(t, 0, 1).Send([][]byte{{1}}, 0)
			until(t, "a packet", func() bool { return len(client.received()) == 1 })
		})
	}
}

func TestCameraTransports(t *testing.T) {
	for _, c := range []struct {
		name     string
		set      func(*Camera)
		protocol gortsplib.Protocol
		status   base.StatusCode // 200: plays
		packets  bool
	}{
		{"udp", func(*Camera) {}, gortsplib.ProtocolUDP, base.StatusOK, true},
		{"tcp", func(*Camera) {}, gortsplib.ProtocolTCP, base.StatusOK, true},
		{"udp refused", func(c *Camera) { c.RefuseUDP = true }, gortsplib.ProtocolUDP, base.StatusUnsupportedTransport, false},
		{"tcp refused", func(c *Camera) { c.RefuseTCP = true }, gortsplib.ProtocolTCP, base.StatusUnsupportedTransport, false},
		{"udp swallowed", func(c *Camera) { c.SwallowUDP = true }, gortsplib.ProtocolUDP, base.StatusOK, false},
		{"tcp not swallowed", func(c *Camera) { c.SwallowUDP = true }, gortsplib.ProtocolTCP, base.StatusOK, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			camera := &Camera{Medias: Medias(pcmu())}
			c.set(camera)
			camera.Start(t)
			client, err := play(t, camera.URL(), func(k *client) { k.Protocol = &c.protocol })
			if c.status != base.StatusOK {
				if err == nil || !strings.Contains(err.Error(), "461") {
					t.Errorf("playing: %v, want %d", err, c.status)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			camera.WaitPlaying(t, 1)
			camera.Sender(t, 0, 1).Send([][]byte{{1}}, 0)
			if c.packets {
				until(t, "a packet", func() bool { return len(client.received()) == 1 })
			} else if time.Sleep(50 * time.Millisecond); len(client.received()) != 0 {
				t.Error("a packet came, want none")
			}
			if err := client.WritePacketRTCP(client.medium(), &rtcp.PictureLossIndication{MediaSSRC: 5}); err != nil {
				t.Fatal(err)
			}
			until(t, "a PLI", func() bool {
				for _, f := range camera.Received() {
					if p, ok := f.Packet.(*rtcp.PictureLossIndication); ok && p.MediaSSRC == 5 && f.Media == 0 {
						return true
					}
				}
				return false
			})
			client.Close()
			until(t, "TEARDOWN", func() bool { return camera.Count(base.Teardown) == 1 })
		})
	}
}

func TestCameraRestarts(t *testing.T) {
	camera := &Camera{Medias: Medias(pcmu())}
	camera.Start(t)
	first := camera.Address()
	client1, err := play(t, camera.URL(), func(c *client) { c.Protocol = new(gortsplib.ProtocolTCP) })
	if err != nil {
		t.Fatal(err)
	}
	camera.WaitPlaying(t, 1)
	s := camera.Sender(t, 0, 9)
	old := s.SSRC
	at := time.Unix(1_000_000_000, 0)
	s.Seq = 65535
	s.Send([][]byte{{1}, {2}}, time.Second)
	s.Restart()
	s.Send([][]byte{{3}}, 2*time.Second)
	s.Report(at, 2*time.Second)
	until(t, "three packets and a report", func() bool {
		client1.mu.Lock()
		defer client1.mu.Unlock()
		return len(client1.packets) == 3 && len(client1.rtcp) == 1
	})
	p := client1.received()
	if p[0].SequenceNumber != 65535 || p[1].SequenceNumber != 0 || p[0].Marker || !p[1].Marker || p[0].Timestamp != p[1].Timestamp {
		t.Errorf("the first unit came as %v, %v", p[0].Header, p[1].Header)
	}
	if p[0].SSRC != old || p[2].SSRC != s.SSRC || old == s.SSRC || p[2].Timestamp != s.Base+16000 {
		t.Errorf("the unit after the restart came as %v, after SSRC %d", p[2].Header, old)
	}
	if r, ok := client1.rtcp[0].(*rtcp.SenderReport); !ok || r.SSRC != s.SSRC || r.RTPTime != p[2].Timestamp ||
		r.NTPTime>>32 != 1_000_000_000+2208988800 || r.PacketCount != 1 {
		t.Errorf("the report is %+v", client1.rtcp[0])
	}

	camera.Stop()
	if err := client1.Wait(); err == nil {
		t.Error("the client has not seen the camera stop")
	}
	camera.Send(0, &rtp.Packet{Header: rtp.Header{Version: 2}}) // to nobody
	camera.Start(t)
	if camera.Address() != first {
		t.Errorf("the camera came back as %s, want %s", camera.Address(), first)
	}
	if _, err := play(t, camera.URL(), nil); err != nil {
		t.Fatal(err)
	}
	camera.WaitPlaying(t, 1)
	if got := camera.Count(base.Play); got != 2 {
		t.Errorf("%d times PLAY, want 2", got)
	}
}

func TestCameraHeaders(t *testing.T) {
	target := &Camera{Medias: Medias(pcmu()), SessionTimeout: 6 * time.Second, Lines: []string{"a=rtcp-fb:0 nack pli", "a=x"}}
	var session, sdp string
	target.Answer = func(_ *base.Request, r *base.Response) {
		if len(r.Body) > 0 {
			sdp = string(r.Body)
		}
		if s := r.Header["Session"]; s != nil {
			session = s[0]
		}
	}
	target.Start(t)
	camera := &Camera{Medias: Medias(pcmu()), Redirect: target.URL()}
	camera.Start(t)
	client, err := play(t, camera.URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	target.WaitPlaying(t, 1)
	if !strings.HasSuffix(session, ";timeout=6") {
		t.Errorf("the session is %q, want one with timeout=6", session)
	}
	if !strings.HasSuffix(sdp, "\r\na=rtcp-fb:0 nack pli\r\na=x\r\n") {
		t.Errorf("the description is %q, want one that ends with the lines added", sdp)
	}
	if r := target.Requests(); r[0].Header["CSeq"] == nil {
		t.Errorf("the first request is remembered as %v", r[0])
	}
	// The library's client asks for something 5 s before the timeout.
	asked := target.Count(base.Options) + target.Count(base.GetParameter)
	until(t, "a keep-alive", func() bool { return target.Count(base.Options)+target.Count(base.GetParameter) > asked })
	client.Close()
}

func TestCameraDisconnectsTheSilent(t *testing.T) {
	camera := &Camera{Medias: Medias(pcmu()), SessionTimeout: 100 * time.Millisecond}
	camera.Start(t)
	c, err := net.Dial("tcp", camera.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprint(c, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
	b, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(b), "RTSP/1.0 200 OK\r\nCSeq: 1\r\n") {
		t.Errorf("the camera said %q and then %v, want an answer and the end", b, err)
	}
}

func TestClips(t *testing.T) {
	for _, codec := range []string{"h264", "h265"} {
		t.Run(codec, func(t *testing.T) {
			small := NewClip(t, codec, 160, 96, 25, 5)
			large := NewClip(t, codec, 320, 176, 25, 5)
			camera := &Camera{Medias: Medias(small.Media())}
			camera.Start(t)
			client, err := play(t, camera.URL(), func(c *client) { c.Protocol = new(gortsplib.ProtocolTCP) })
			if err != nil {
				t.Fatal(err)
			}
			camera.WaitPlaying(t, 1)
			s := camera.Sender(t, 0, 1)
			ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer stop()
			end := s.Play(ctx, small, 0)
			if end < 200*time.Millisecond || end > 400*time.Millisecond {
				t.Errorf("%v were played in 300 ms", end)
			}
			s.Send(large.Units[0], end)
			until(t, "the larger picture", func() bool {
				p := client.received()
				return len(p) > 0 && p[len(p)-1].Timestamp == s.RTPTime(end) && p[len(p)-1].Marker
			})
			if want := int(end / small.FrameTime); markers(client.received()) != want+1 {
				t.Errorf("%d access units came, want %d", markers(client.received()), want+1)
			}
			switch f := small.Format.(type) {
			case *format.H264:
				if f.SPS == nil || f.PPS == nil {
					t.Error("parameter sets are missing")
				}
			case *format.H265:
				if f.VPS == nil || f.SPS == nil || f.PPS == nil {
					t.Error("parameter sets are missing")
				}
			}
		})
	}
}

func TestClipWithBFrames(t *testing.T) {
	clip := NewClip(t, "h264", 160, 96, 25, 10, "-bf", "2", "-preset", "medium")
	seen, ahead := map[time.Duration]bool{}, false
	for i, pts := range clip.PTS {
		ahead = ahead || i > 0 && pts < clip.PTS[i-1]
		seen[pts] = true
	}
	if !ahead || len(seen) != 10 || !seen[0] || !seen[9*clip.FrameTime] {
		t.Errorf("times are %v, want 10 out of order", clip.PTS)
	}
}

func markers(packets []rtp.Packet) (n int) {
	for _, p := range packets {
		if p.Marker {
			n++
		}
	}
	return n
}

func TestScript(t *testing.T) {
	s := NewScript(t, func(req *base.Request) (string, bool) {
		if req.Method == base.Options {
			return Reply(req, "200 OK", "", "Public: DESCRIBE"), true
		}
		return Reply(req, "503 Service Unavailable", "busy"), false
	})
	if _, err := play(t, s.URL(), nil); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("playing: %v, want 503", err)
	}
	if r := s.Requests(); len(r) != 2 || r[1].Method != base.Describe {
		t.Errorf("requests are %v, want OPTIONS and DESCRIBE", r)
	}
}

func TestFiles(t *testing.T) {
	ca := NewAuthority(t)
	_, cert, key := ca.Files(t, ca.Server(t, "127.0.0.1", time.Now().Add(time.Hour)))
	if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
		t.Error(err)
	}
}
