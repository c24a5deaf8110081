package ffmpeg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"

	"planar/demux"
)

// freePort is a TCP port nobody listens on now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// freePair is a pair of UDP ports, the first even, as RTP wants it.
func freePair(t *testing.T) int {
	t.Helper()
	for p := 20000 + os.Getpid()%10000*2; p < 60000; p += 2 {
		a, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", p))
		if err != nil {
			continue
		}
		b, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", p+1))
		a.Close()
		if err != nil {
			continue
		}
		b.Close()
		return p
	}
	t.Fatal("no free UDP ports")
	return 0
}

// rtspServer serves H.264 at 25 frames per second while writing is on.
type rtspServer struct {
	srv     *gortsplib.Server
	stream  *gortsplib.ServerStream
	writing atomic.Bool
	onlyTCP bool // writing begins with the first TCP client
	url     string
	ready   chan struct{} // closed when stream is there
}

func (r *rtspServer) OnDescribe(c *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	<-r.ready
	if c.Path != "/live" {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, r.stream, nil
}

func (r *rtspServer) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	<-r.ready
	if !r.onlyTCP || c.Transport.Protocol == gortsplib.ProtocolTCP {
		r.writing.Store(true)
	}
	return &base.Response{StatusCode: base.StatusOK}, r.stream, nil
}

func (r *rtspServer) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// accessUnits are the NAL units of each frame of a clip.
func accessUnits(t *testing.T) (units [][][]byte, sps, pps []byte) {
	t.Helper()
	p := clip(t, "live.h264", with(pattern("320x240", "25", 4),
		strings.Fields("-pix_fmt yuv420p -c:v libx264 -preset ultrafast -tune zerolatency -g 12 -x264-params repeat-headers=1:sliced-threads=0 -f h264"))...)
	s := open(t, p, Options{})
	for {
		pk, err := s.Read()
		if errors.Is(err, io.EOF) {
			return units, sps, pps
		}
		if err != nil {
			t.Fatal(err)
		}
		var au [][]byte
		for _, n := range bytes.Split(packetBytes(pk), []byte{0, 0, 1}) {
			n = bytes.TrimRight(n, "\x00")
			if len(n) == 0 {
				continue
			}
			switch n[0] & 31 {
			case 7:
				sps = n
			case 8:
				pps = n
			}
			au = append(au, n)
		}
		units = append(units, au)
		pk.Release()
	}
}

func serveRTSP(t *testing.T, onlyTCP bool) *rtspServer {
	t.Helper()
	units, sps, pps := accessUnits(t)
	r := &rtspServer{onlyTCP: onlyTCP, ready: make(chan struct{})}
	port, udp := freePort(t), freePair(t)
	r.url = fmt.Sprintf("rtsp://127.0.0.1:%d/live", port)
	r.srv = &gortsplib.Server{
		Handler:       r,
		RTSPAddress:   fmt.Sprintf("127.0.0.1:%d", port),
		UDPRTPAddress: fmt.Sprintf("127.0.0.1:%d", udp), UDPRTCPAddress: fmt.Sprintf("127.0.0.1:%d", udp+1),
	}
	if err := r.srv.Start(); err != nil {
		t.Fatal(err)
	}
	f := &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: sps, PPS: pps}
	m := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{f}}
	r.stream = &gortsplib.ServerStream{Server: r.srv, Desc: &description.Session{Medias: []*description.Media{m}}}
	if err := r.stream.Initialize(); err != nil {
		t.Fatal(err)
	}
	close(r.ready)
	enc, err := f.CreateEncoder()
	if err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(40 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			if !r.writing.Load() {
				continue
			}
			pks, err := enc.Encode(units[n%len(units)])
			if err != nil {
				return
			}
			for _, p := range pks {
				p.Timestamp = uint32(123456789 + n*3600)
				_ = r.stream.WritePacketRTP(m, p)
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done; r.stream.Close(); r.srv.Close() })
	return r
}

func TestRTSP(t *testing.T) {
	for _, tr := range []string{"auto", "udp", "tcp"} {
		t.Run(tr, func(t *testing.T) {
			r := serveRTSP(t, false)
			begin := time.Now()
			s := open(t, r.url, Options{RTSPTransport: tr})
			if d := time.Since(begin); d > time.Second {
				t.Errorf("opening took %v", d)
			}
			v := firstOf(t, s, demux.Video)
			if i := s.Info(); v.Codec != "h264" || !i.Live || i.Seekable {
				t.Errorf("%+v %+v", v, i)
			}
			n, last := 0, demux.NoPTS
			decodeVideo(t, s, v.Index, func(f *demux.Frame) bool {
				// FFmpeg gives the first packet of an RTP stream no time.
				if n == 0 && f.PTS == demux.NoPTS {
					n++
					return true
				}
				if f.PTS < 0 || f.PTS > 10*time.Second || f.PTS <= last || f.Width != 320 {
					t.Errorf("frame %d: %dx%d at %v after %v", n, f.Width, f.Height, f.PTS, last)
				}
				last = f.PTS
				n++
				return n < 15
			})
			if d := time.Since(begin); d > 3*time.Second {
				t.Errorf("15 frames took %v", d)
			}
			begin = time.Now()
			_ = s.Close()
			if d := time.Since(begin); d > 500*time.Millisecond {
				t.Errorf("Close took %v", d)
			}
		})
	}
}

func TestRTSPFallsBackToTCP(t *testing.T) {
	r := serveRTSP(t, true)
	begin := time.Now()
	s := open(t, r.url, Options{})
	if d := time.Since(begin); d > 4*time.Second {
		t.Errorf("took %v", d)
	}
	p, err := s.Read()
	if err != nil {
		t.Fatal(err)
	}
	p.Release()
}

func TestRTSPErrors(t *testing.T) {
	r := serveRTSP(t, false)
	refuses(t, strings.Replace(r.url, "/live", "/missing", 1), Options{}, "404 not found")
}

// A peer that falls silent, or goes away, is noticed.
func TestRTSPStall(t *testing.T) {
	r := serveRTSP(t, false)
	s := open(t, r.url, Options{RTSPTransport: "tcp"})
	for range 10 {
		p, err := s.Read()
		if err != nil {
			t.Fatal(err)
		}
		p.Release()
	}
	r.writing.Store(false)
	begin := time.Now()
	for {
		p, err := s.Read()
		if err == nil {
			p.Release()
			continue
		}
		if !strings.Contains(err.Error(), "no data for 2 s") {
			t.Errorf("stall: %v", err)
		}
		break
	}
	if d := time.Since(begin); d < 1500*time.Millisecond || d > 3*time.Second {
		t.Errorf("the stall was noticed after %v", d)
	}
	go func() { time.Sleep(100 * time.Millisecond); s.Interrupt() }()
	begin = time.Now()
	if _, err := s.Read(); !errors.Is(err, demux.ErrInterrupted) {
		t.Errorf("interrupted: %v", err)
	}
	if d := time.Since(begin); d > 400*time.Millisecond {
		t.Errorf("interrupting took %v", d)
	}
}

// trickle writes a file in real time, as far as its bit rate is constant.
func trickle(w io.Writer, data []byte, d time.Duration, flush func()) {
	const step = 10 * time.Millisecond
	n := max(1, int(int64(len(data))*int64(step)/int64(d)))
	for len(data) > 0 {
		c := min(n, len(data))
		if _, err := w.Write(data[:c]); err != nil {
			return
		}
		flush()
		data = data[c:]
		time.Sleep(step)
	}
}

func TestLiveFLVAndTS(t *testing.T) {
	f := strings.Fields
	av := with(pattern("320x240", "25", 4), tone(4, 44100), f("-pix_fmt yuv420p -c:v libx264 -preset ultrafast -g 12 -tune zerolatency -b:v 300k -c:a aac -ac 2"))
	files := map[string]string{
		"/av.flv": clip(t, "live.flv", append(av, f("-flvflags no_duration_filesize")...)...),
		"/av.ts":  clip(t, "live.ts", av...),
		"/v.flv":  clip(t, "livev.flv", f("-i "+clip(t, "live.flv")+" -c copy -an -flvflags no_duration_filesize")...),
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := os.ReadFile(files[r.URL.Path])
		if err != nil {
			w.WriteHeader(404)
			return
		}
		trickle(w, b, 4*time.Second, w.(http.Flusher).Flush)
	}))
	defer srv.Close()
	for path, tracks := range map[string]int{"/av.flv": 2, "/av.ts": 2, "/v.flv": 1} {
		t.Run(path, func(t *testing.T) {
			begin := time.Now()
			s := open(t, srv.URL+path, Options{})
			took := time.Since(begin)
			t.Logf("open took %v", took)
			if took > 1500*time.Millisecond {
				t.Errorf("opening took %v", took)
			}
			if n := len(s.Streams()); n != tracks {
				t.Errorf("%d streams, want %d: %+v", n, tracks, s.Streams())
			}
			if i := s.Info(); !i.Live || i.Seekable {
				t.Errorf("%+v", i)
			}
			n := 0
			decodeVideo(t, s, firstOf(t, s, demux.Video).Index, func(f *demux.Frame) bool {
				if n == 0 && (f.PTS < -time.Second || f.PTS > time.Second) {
					t.Errorf("first frame at %v", f.PTS)
				}
				n++
				return n < 20
			})
			if n < 20 {
				t.Errorf("%d frames", n)
			}
		})
	}
}

func TestRTMP(t *testing.T) {
	const module = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("no nginx")
	}
	if _, err := os.Stat(module); err != nil {
		t.Skip("nginx has no RTMP module")
	}
	dir, port := t.TempDir(), freePort(t)
	conf := fmt.Sprintf("load_module %s;\ndaemon off;\nmaster_process off;\nuser root;\npid %s/pid;\nerror_log %s/error.log;\nevents {}\nrtmp { server { listen 127.0.0.1:%d; application live { live on; } } }\n",
		module, dir, dir, port)
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, nginx, "-c", path, "-p", dir)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = server.Wait() })
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	for i := 0; ; i++ {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			break
		}
		if i > 100 {
			t.Skip("nginx does not start")
		}
		time.Sleep(20 * time.Millisecond)
	}
	// nginx says nothing about a stream that is not there.
	refuses(t, "rtmp://"+addr+"/live/none", Options{OpenTimeout: time.Second}, "nothing came from 127.0.0.1 within 1 s")

	push := exec.CommandContext(ctx, "ffmpeg", with(f("-loglevel error -nostdin -re"), pattern("320x240", "25", 60), f("-re"), tone(60, 44100),
		f("-pix_fmt yuv420p -c:v libx264 -preset ultrafast -tune zerolatency -g 12 -c:a aac -f flv rtmp://"+addr+"/live/x"))...)
	if err := push.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = push.Wait() })
	time.Sleep(1500 * time.Millisecond)
	begin := time.Now()
	s := open(t, "rtmp://"+addr+"/live/x", Options{})
	t.Logf("open took %v", time.Since(begin))
	if len(s.Streams()) != 2 {
		t.Errorf("streams: %+v", s.Streams())
	}
	n := 0
	decodeVideo(t, s, firstOf(t, s, demux.Video).Index, func(*demux.Frame) bool {
		if n == 0 {
			t.Logf("first picture after %v", time.Since(begin))
		}
		n++
		return n < 20
	})
	if d := time.Since(begin); d > 4*time.Second {
		t.Errorf("20 frames took %v", d)
	}
}

func f(s string) []string { return strings.Fields(s) }

// A pipe without data does not hold up a reader that is to stop.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	ts, err := os.ReadFile(clip(t, "pipe.ts", with(pattern("160x120", "25", 2), f("-pix_fmt yuv420p -c:v libx264 -preset ultrafast"))...))
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan *os.File, 1)
	go func() {
		w, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return
		}
		_, _ = w.Write(ts)
		written <- w
	}()
	live := true // do not probe until the end
	s := open(t, path, Options{Live: &live})
	got := make(chan int, 1)
	go func() {
		n := 0
		for {
			p, err := s.Read()
			if err != nil {
				if !errors.Is(err, demux.ErrInterrupted) {
					t.Errorf("Read: %v", err)
				}
				got <- n
				return
			}
			n++
			p.Release()
		}
	}()
	w := <-written
	time.Sleep(200 * time.Millisecond)
	begin := time.Now()
	s.Interrupt()
	if n := <-got; n < 30 {
		t.Errorf("%d packets", n)
	}
	if d := time.Since(begin); d > 200*time.Millisecond {
		t.Errorf("interrupting took %v", d)
	}
	w.Close()
}

func TestLeaks(t *testing.T) {
	path := mp4(t)
	round := func() {
		s, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		var held []*demux.Frame
		d, err := s.VideoDecoder(firstOf(t, s, demux.Video).Index)
		if err != nil {
			t.Fatal(err)
		}
		a, err := s.AudioDecoder(firstOf(t, s, demux.Audio).Index)
		if err != nil {
			t.Fatal(err)
		}
		for n < 12 {
			p, err := s.Read()
			if err != nil {
				t.Fatal(err)
			}
			if p.Stream == firstOf(t, s, demux.Audio).Index {
				_ = a.Send(p)
				if b, err := a.Receive(); err == nil {
					b.Release()
				}
			} else {
				_ = d.Send(p)
				if fr, err := d.Receive(); err == nil {
					held = append(held, fr)
					n++
				}
			}
			p.Release()
		}
		_ = s.Seek(2 * time.Second)
		a.Close()
		d.Close()
		_ = s.Close()
		for _, fr := range held { // frames may outlive decoder and source
			_ = sum(visible(&fr.Picture))
			fr.Release()
		}
		if _, err := Open(t.Context(), "/nonexistent", Options{}); err == nil {
			t.Fatal("opened")
		}
	}
	for range 20 {
		round()
	}
	before := rss(t)
	for range 50 {
		round()
	}
	if grown := rss(t) - before; grown > 12<<20 {
		t.Errorf("grew by %d KiB", grown>>10)
	} else {
		t.Logf("grew by %d KiB to %d MiB", grown>>10, (before+grown)>>20)
	}
}

func rss(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip(err)
	}
	var size, res int
	if _, err := fmt.Sscan(string(b), &size, &res); err != nil {
		t.Fatal(err)
	}
	return res * os.Getpagesize()
}
