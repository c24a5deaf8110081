package carrier

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"planar/demux"
	"planar/player/publish"
)

func TestNew(t *testing.T) {
	for _, c := range []struct{ address, says string }{
		{"gopher://host/x", "cannot publish to gopher:// addresses here; there are rtsp, rtsps, rtmp, rtmps, rtp, udp, srt, http, https, and files"},
		{"film.xyz", "no format has that extension"},
		{"udp://host", "it must name a host and a port"},
		{"udp://host:1?localaddr=me", "localaddr must be an IP address"},
		{"rtp://:5000", "it must name a host and a port"},
		{"http:///x.ts", "no address of a server"},
		{"srt://host", "it must name a host and a port"},
		{"srt://host:1?mode=rendezvous", "mode must be caller or listener"},
		{"srt://host:1?passphrase=hidden", "the passphrase must have 10 to 80 characters"},
		{"srt://host:1?pbkeylen=7", "pbkeylen must be 16, 24 or 32"},
		{"srt://host:1?latency=x", "latency must be a number"},
	} {
		o, _ := setup()
		_, err := New(c.address, o)
		failed(t, err, true, c.says)
	}
	to := newTarget(t, "http://user:hidden@host/live.ts?token=hidden")
	if s := to.String(); strings.Contains(s, "hidden") {
		t.Errorf("a target is shown as %s", s)
	}
	if !to.Takes("h264") || to.Takes("vp9") || newTarget(t, "http://host/live.mp4").Takes("h264") || !newTarget(t, "http://host/live").Takes("h264") {
		t.Error("Takes does not ask for the format of the extension")
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a film.ts")
	c := connect(t, newTarget(t, name))
	want := send(t, c, 1000, 100)
	got, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(unpack(t, got), want) {
		t.Errorf("the file has %d bytes, want others: %v", len(got), err)
	}
	if c.Sent() != int64(len(got)) {
		t.Errorf("%d bytes sent, the file has %d", c.Sent(), len(got))
	}

	_, err = newTarget(t, name).Connect(context.Background(), nil)
	failed(t, err, true, "it exists already: use --overwrite")
	send(t, connect(t, newTarget(t, "file://"+strings.ReplaceAll(name, " ", "%20"), func(o *Options) { o.Overwrite = true })), 10)
	if info, err := os.Stat(name); err != nil || info.Size() >= int64(len(got)) {
		t.Errorf("overwritten, it has %d bytes: %v", info.Size(), err)
	}

	for address, says := range map[string]string{
		filepath.Join(dir, "none", "x.ts"): "there is no folder " + filepath.Join(dir, "none"),
		filepath.Join(name, "x.ts"):        "is no folder",
		filepath.Join(dir, "x.bad"):        "no place for it",
	} {
		_, err := newTarget(t, address).Connect(context.Background(), nil)
		failed(t, err, true, says)
	}
	if _, err := os.Stat(filepath.Join(dir, "x.bad")); err == nil {
		t.Error("a file that cannot be muxed is left behind")
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.ts"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = newTarget(t, filepath.Join(dir, "folder.ts")).Connect(context.Background(), nil)
	failed(t, err, true, "it is a folder")
	if os.Getuid() != 0 {
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(dir, 0o700)
		_, err = newTarget(t, filepath.Join(dir, "x.ts")).Connect(context.Background(), nil)
		failed(t, err, true, "no permission")
	}
}

// A muxer can seek in a file, but not in a pipe or anything else.
func TestSeeker(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo.ts")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip(err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for name, want := range map[string]bool{filepath.Join(dir, "x.ts"): true, fifo: false, "udp://127.0.0.1:9": false} {
		got := false
		to := newTarget(t, name, func(o *Options) {
			inner := o.NewMuxer
			o.NewMuxer = func(f string, s []demux.Stream, w io.Writer) (Muxer, error) {
				_, got = w.(io.Seeker)
				return inner(f, s, w)
			}
		})
		connect(t, to).Close()
		if got != want {
			t.Errorf("%s can seek: %v, want %v", name, got, want)
		}
	}
}

func TestFullDisk(t *testing.T) {
	if err := syscall.Access("/dev/full", 2); err != nil {
		t.Skip("no /dev/full")
	}
	o, closed := setup()
	o.FormatOf = func(string) (string, error) { return transport, nil }
	to, err := New("/dev/full", o)
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, to)
	failed(t, c.Write(unit(0, 1000)), true, "no space left on the disk")
	failed(t, c.Finish(), true, "no space left on the disk")
	c.Close()
	if *closed != 1 {
		t.Errorf("the muxer was closed %d times", *closed)
	}
}

func TestPut(t *testing.T) {
	type request struct {
		line, user, password string
		chunked              []string
		body                 []byte
	}
	got := make(chan request, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := request{line: r.Method + " " + r.URL.Path, chunked: r.TransferEncoding}
		q.user, q.password, _ = r.BasicAuth()
		q.body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
		got <- q
	}))
	defer srv.Close()
	to := newTarget(t, strings.Replace(srv.URL, "//", "//user:p%40ss@", 1)+"/dir/live.ts")
	for range 2 { // one may connect again
		c := connect(t, to)
		want := send(t, c, 1000, 300_000, 10)
		r := <-got
		if r.line != "PUT /dir/live.ts" || r.user != "user" || r.password != "p@ss" || !slices.Equal(r.chunked, []string{"chunked"}) {
			t.Errorf("the request is %s by %s:%s, %v", r.line, r.user, r.password, r.chunked)
		}
		if !bytes.Equal(unpack(t, r.body), want) {
			t.Errorf("%d bytes came, others than were sent", len(r.body))
		}
		if n := c.Sent(); n < int64(len(r.body)) || n > int64(len(r.body))+4000 {
			t.Errorf("%d bytes sent, %d of them body", n, len(r.body))
		}
	}
}

func TestPutRefused(t *testing.T) {
	for code, c := range map[int]struct {
		permanent bool
		says      string
	}{
		401: {true, "401 Unauthorized: wrong user or password"},
		403: {true, "403 Forbidden"},
		405: {true, "405 Method Not Allowed"},
		500: {false, "500 Internal Server Error"},
		302: {true, "302 Found: moved to http://elsewhere/y.ts"},
		200: {false, "127.0.0.1 ended the request early"},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if code == 302 {
				w.Header().Set("Location", "http://elsewhere/y.ts?token=hidden")
			}
			w.WriteHeader(code)
		}))
		_, err := newTarget(t, strings.Replace(srv.URL, "//", "//user:hidden@", 1)+"/x.ts").Connect(context.Background(), nil)
		failed(t, err, c.permanent, c.says)
		if code == 401 {
			_, err = newTarget(t, srv.URL+"/x.ts").Connect(context.Background(), nil)
			failed(t, err, true, "401 Unauthorized: it wants a user and password: put USER:PASSWORD@ before the host")
		}
		srv.Close()
	}
}

// A server that refuses, or dies, in the middle ends Write, and says why if it can.
func TestPutMiddle(t *testing.T) {
	for _, c := range []struct {
		name      string
		serve     http.HandlerFunc
		permanent bool
		says      string
	}{
		{"refuses", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadFull(r.Body, make([]byte, 1000))
			w.WriteHeader(http.StatusForbidden)
		}, true, "403"},
		{"has enough", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadFull(r.Body, make([]byte, 1000))
			w.WriteHeader(http.StatusOK)
		}, false, "127.0.0.1 ended the request early"},
		{"dies", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadFull(r.Body, make([]byte, 1000))
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.Close()
			}
		}, false, "127.0.0.1 closed the connection"},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := httptest.NewServer(c.serve)
			defer srv.Close()
			conn := connect(t, newTarget(t, srv.URL+"/x.ts"))
			var err error
			for n := 0; err == nil && n < 10_000; n++ {
				err = conn.Write(unit(n, 10_000))
				time.Sleep(time.Millisecond)
			}
			failed(t, err, c.permanent, c.says)
			conn.Close()
		})
	}
}

// A server that answers at once and closes, without a word about the body: the answer is
// what is said, and no body is sent.
func TestPutFinal(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rest := make(chan []byte, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(c)
			for line := ""; line != "\r\n" && err == nil; {
				line, err = r.ReadString('\n')
			}
			_, _ = io.WriteString(c, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
			_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
			b, _ := io.ReadAll(r)
			rest <- b
			c.Close()
		}
	}()
	for range 20 {
		_, err = newTarget(t, "http://"+l.Addr().String()+"/x.ts").Connect(context.Background(), nil)
		failed(t, err, false, "500 Internal Server Error")
		if b := <-rest; len(b) > 0 {
			t.Fatalf("the body is sent all the same: %q", b)
		}
	}
}

// A server that says nothing, or does not read, holds nobody up for longer than it may.
func TestPutSilent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// Without an answer to "Expect" the body is sent after half of the time-out.
	c := connect(t, newTarget(t, "http://"+l.Addr().String()+"/x.ts", func(o *Options) { o.Timeout = 200 * time.Millisecond }))
	result := make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			if err := c.Write(unit(n, 1<<20)); err != nil {
				result <- err
				return
			}
		}
	}()
	select {
	case err := <-result:
		t.Fatalf("Write does not wait: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	c.Close()
	<-result

	l.Close()
	_, err = newTarget(t, "http://"+l.Addr().String()+"/x.ts").Connect(context.Background(), nil)
	failed(t, err, false, "connection refused: nothing listens on that port of 127.0.0.1")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = newTarget(t, "http://"+l.Addr().String()+"/x.ts").Connect(ctx, nil)
	failed(t, err, false, "")
}

// listenUDP receives datagrams until the test ends.
func listenUDP(t *testing.T) (port int, next func() []byte) {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().(*net.UDPAddr).Port, func() []byte {
		b := make([]byte, 1<<16)
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		n, err := conn.Read(b)
		if err != nil {
			return nil
		}
		return b[:n]
	}
}

func TestUDP(t *testing.T) {
	for _, c := range []struct {
		options string
		sizes   []int // of the datagrams of one unit of 20 packets, then of the muxer's end
	}{
		{"", []int{1316, 1316, 1128, 188}},
		{"?pkt_size=1000", []int{940, 940, 940, 940, 188}},
		{"?pkt_size=20&localaddr=127.0.0.1", []int{1316, 1316, 1128, 188}},
	} {
		port, next := listenUDP(t)
		conn := connect(t, newTarget(t, fmt.Sprintf("udp://127.0.0.1:%d%s", port, c.options)))
		want := send(t, conn, 20*(tsPacket-2))
		var sizes []int
		var all []byte
		for range c.sizes {
			b := next()
			sizes = append(sizes, len(b))
			all = append(all, b...)
		}
		if !slices.Equal(sizes, c.sizes) || !bytes.Equal(unpack(t, all), want) {
			t.Errorf("%q: datagrams of %v bytes, want %v", c.options, sizes, c.sizes)
		}
		if conn.Sent() != int64(len(all)) {
			t.Errorf("%d bytes sent, want %d", conn.Sent(), len(all))
		}
	}
}

// A receiver that comes late is no error.
func TestUDPNobody(t *testing.T) {
	port, _ := func() (int, func() []byte) {
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.LocalAddr().(*net.UDPAddr).Port, nil
	}()
	c := connect(t, newTarget(t, fmt.Sprintf("udp://127.0.0.1:%d", port)))
	for n := range 20 {
		if err := c.Write(unit(n, 3000)); err != nil {
			t.Fatalf("unit %d: %v", n, err)
		}
		time.Sleep(time.Millisecond)
	}
	if n := c.(*connection).to.(*udp).refused.Load(); n == 0 {
		t.Error("no refusal was counted")
	}
}

func TestRTP(t *testing.T) {
	port, next := listenUDP(t)
	c := connect(t, newTarget(t, fmt.Sprintf("rtp://127.0.0.1:%d", port)))
	h := c.(*connection).to.(*udp).rtp
	h.sequence = 65534 // it wraps
	offset, ssrc := h.offset, h.ssrc
	late := unit(1, 100)
	late.DTS = 0 // of another stream, a little behind
	for _, u := range []*publish.Unit{unit(0, 2000), unit(1, 100), late, {DTS: 30 * time.Hour, Data: []byte{1}}} {
		if err := c.Write(u); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []struct {
		size      int
		timestamp uint32
	}{{1316, 0}, {4 * 188, 0}, {188, 3600}, {188, 3600}, {188, uint32(30 * 3600 * 90000 % (1 << 32))}} {
		b := next()
		if len(b) != rtpHeaderSize+want.size || b[0] != 0x80 || b[1] != 33 || b[rtpHeaderSize] != 0x47 {
			t.Fatalf("packet %d has %d bytes: %x", i, len(b), b[:min(len(b), 16)])
		}
		sequence := uint16(b[2])<<8 | uint16(b[3])
		timestamp := uint32(b[4])<<24 | uint32(b[5])<<16 | uint32(b[6])<<8 | uint32(b[7])
		source := uint32(b[8])<<24 | uint32(b[9])<<16 | uint32(b[10])<<8 | uint32(b[11])
		if sequence != 65534+uint16(i) || timestamp-offset != want.timestamp || source != ssrc {
			t.Errorf("packet %d: sequence %d, timestamp %d, SSRC %d; want %d, %d, %d", i, sequence, timestamp-offset, source, 65534+uint16(i), want.timestamp, ssrc)
		}
	}
}

// Close ends a Write in another goroutine, and closes the muxer once.
func TestCloseClosesMuxer(t *testing.T) {
	o, closed := setup()
	var writes atomic.Int64
	o.FormatOf = func(string) (string, error) { return transport, nil }
	to, err := New(filepath.Join(t.TempDir(), "x"), o)
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, to)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; c.Write(unit(n, 100)) == nil; n++ {
			writes.Add(1)
		}
	}()
	for writes.Load() < 10 {
		time.Sleep(time.Millisecond)
	}
	c.Close()
	<-done
	if *closed != 1 {
		t.Errorf("the muxer was closed %d times, want once", *closed)
	}
}
