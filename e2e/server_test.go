package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtp"
)

// freePort is a loopback port that nothing uses for TCP or UDP, nor the next one
// for UDP: an even number, as RTP likes it.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		port += port % 2
		free := true
		for _, p := range []int{port, port + 1} {
			c, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", p))
			if err != nil {
				free = false
				break
			}
			c.Close()
		}
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil && free {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// reachable waits for a server.
func reachable(t testing.TB, port int) {
	t.Helper()
	until(t, 5*time.Second, fmt.Sprintf("a server on port %d", port), func() bool {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// mute is a server that accepts connections and says nothing.
func mute(t testing.TB) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			c.Close()
		}
	})
	return l.Addr().(*net.TCPAddr).Port
}

// server can be fed, read, killed and started again on the same port.
type server interface {
	start()
	kill()
	// readURL is where it is read, writeURL where ffmpeg publishes, and format
	// are ffmpeg's flags for that.
	readURL() string
	writeURL() string
	format() []string
}

// rtspServer relays what is published to it to its readers.
type rtspServer struct {
	t              testing.TB
	port, udp      int
	user, password string // of readers, if any
	auth           []auth.VerifyMethod

	mu        sync.Mutex
	srv       *gortsplib.Server
	stream    *gortsplib.ServerStream
	publisher *gortsplib.ServerSession
	protocols map[gortsplib.Protocol]int       // over which readers have set up streams
	onPacket  func(format.Format, *rtp.Packet) // what publishers send, if it is of interest
}

func newRTSPServer(t testing.TB) *rtspServer {
	s := &rtspServer{t: t, port: freePort(t), protocols: map[gortsplib.Protocol]int{}}
	for s.udp = freePort(t); s.udp == s.port; {
		s.udp = freePort(t)
	}
	t.Cleanup(s.kill)
	return s
}

func (s *rtspServer) start() {
	s.t.Helper()
	srv := &gortsplib.Server{
		Handler: s, AuthMethods: s.auth, RTSPAddress: fmt.Sprintf("127.0.0.1:%d", s.port),
		UDPRTPAddress: fmt.Sprintf("127.0.0.1:%d", s.udp), UDPRTCPAddress: fmt.Sprintf("127.0.0.1:%d", s.udp+1),
	}
	if err := srv.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.srv = srv
	s.mu.Unlock()
}

func (s *rtspServer) kill() {
	s.mu.Lock()
	srv := s.srv
	s.srv = nil
	s.mu.Unlock()
	if srv != nil {
		srv.Close()
	}
}

func (s *rtspServer) readURL() string  { return fmt.Sprintf("rtsp://127.0.0.1:%d/cam", s.port) }
func (s *rtspServer) writeURL() string { return s.readURL() }
func (s *rtspServer) format() []string { return []string{"-f", "rtsp", "-rtsp_transport", "tcp"} }

func (s *rtspServer) readers(p gortsplib.Protocol) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.protocols[p]
}

// OnSessionClose ends the stream with its publisher.
func (s *rtspServer) OnSessionClose(c *gortsplib.ServerHandlerOnSessionCloseCtx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream != nil && c.Session == s.publisher {
		s.stream.Close()
		s.stream, s.publisher = nil, nil
	}
}

func (s *rtspServer) find(conn *gortsplib.ServerConn, req *base.Request) (*base.Response, *gortsplib.ServerStream, error) {
	if s.user != "" && !conn.VerifyCredentials(req, s.user, s.password) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, s.stream, nil
}

// OnDescribe is called by readers.
func (s *rtspServer) OnDescribe(c *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.find(c.Conn, c.Request)
}

// OnAnnounce is called by publishers.
func (s *rtspServer) OnAnnounce(c *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream != nil {
		s.stream.Close()
	}
	s.stream, s.publisher = &gortsplib.ServerStream{Server: s.srv, Desc: c.Description}, c.Session
	if err := s.stream.Initialize(); err != nil {
		s.stream = nil
		return &base.Response{StatusCode: base.StatusInternalServerError}, err
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSetup is called by both.
func (s *rtspServer) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if c.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return &base.Response{StatusCode: base.StatusOK}, nil, nil
	}
	res, stream, err := s.find(c.Conn, c.Request)
	if stream != nil {
		s.mu.Lock()
		s.protocols[c.Transport.Protocol]++
		s.mu.Unlock()
	}
	return res, stream, err
}

// OnPlay is called by readers.
func (s *rtspServer) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnRecord is called by publishers.
func (s *rtspServer) OnRecord(c *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	s.mu.Lock()
	stream := s.stream
	s.mu.Unlock()
	c.Session.OnPacketRTPAny(func(m *description.Media, f format.Format, p *rtp.Packet) {
		if s.onPacket != nil {
			s.onPacket(f, p)
		}
		_ = stream.WritePacketRTP(m, p) // a reader that has gone
	})
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// rtmpServer is nginx with its RTMP module.
type rtmpServer struct {
	t    testing.TB
	port int
	dir  string
	p    *process
}

const rtmpModule = "/usr/lib/nginx/modules/ngx_rtmp_module.so"

func newRTMPServer(t testing.TB) *rtmpServer { return rtmpServerOf(t, false) }

// rtmpServerOf makes a server that keeps what is published in files NAME.flv of its
// folder, if it is to be recorded.
func rtmpServerOf(t testing.TB, recorded bool) *rtmpServer {
	need(t, "nginx")
	if !exists(rtmpModule) {
		missing(t, rtmpModule, "libnginx-mod-rtmp")
	}
	s := &rtmpServer{t: t, port: freePort(t), dir: t.TempDir()}
	record := ""
	if recorded {
		record = "record all; record_path " + s.dir + "; record_unique off;"
	}
	config := fmt.Sprintf(`load_module %s;
daemon off; master_process off; pid %s/pid; error_log %s/log warn;
events { worker_connections 64; }
rtmp { server { listen 127.0.0.1:%d; chunk_size 4096; application live { live on; wait_key on; %s } } }
`, rtmpModule, s.dir, s.dir, s.port, record)
	if err := os.WriteFile(filepath.Join(s.dir, "conf"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *rtmpServer) start() {
	s.t.Helper()
	s.p = spawn(s.t, exec.Command(lookup("nginx"), "-p", s.dir, "-c", filepath.Join(s.dir, "conf"), "-e", filepath.Join(s.dir, "log")))
	reachable(s.t, s.port)
}

func (s *rtmpServer) kill() { s.p.kill() }

func (s *rtmpServer) readURL() string  { return fmt.Sprintf("rtmp://127.0.0.1:%d/live/cam", s.port) }
func (s *rtmpServer) writeURL() string { return s.readURL() }

func (s *rtmpServer) format() []string {
	return []string{"-f", "flv", "-flvflags", "no_duration_filesize"}
}

// publish feeds a server in real time, as a camera does, until the test or the
// server ends. It returns when the server has it.
func publish(t testing.TB, s server, sound bool) *process {
	t.Helper()
	need(t, "ffmpeg")
	args := []string{"-hide_banner", "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25"}
	if sound {
		args = append(args, "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-c:a", "aac", "-ac", "2")
	}
	args = append(args, "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-bf", "0", "-pix_fmt", "yuv420p",
		"-flush_packets", "1", "-muxdelay", "0")
	args = append(append(args, s.format()...), s.writeURL())
	p := spawn(t, exec.Command(lookup("ffmpeg"), args...))
	if r, ok := s.(*rtspServer); ok {
		until(t, 10*time.Second, "the publisher", func() bool {
			if p.ended() {
				t.Fatalf("ffmpeg cannot publish: %s", p.err.String())
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.publisher != nil && r.publisher.State() == gortsplib.ServerSessionStateRecord
		})
	}
	return p
}
