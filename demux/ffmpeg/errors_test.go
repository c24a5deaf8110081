package ffmpeg

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"planar/demux"
)

// opens tries to open name, which must fail with a line that has all of want.
func refuses(t *testing.T, name string, o Options, want ...string) error {
	t.Helper()
	begin := time.Now()
	s, err := Open(t.Context(), name, o)
	if err == nil {
		_ = s.Close()
		t.Fatalf("%s was opened: %+v %+v", name, s.Info(), s.Streams())
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q lacks %q", err, w)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("error of more than one line: %q", err)
	}
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
	return err
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBadFiles(t *testing.T) {
	whole, err := os.ReadFile(mp4(t))
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 200_000)
	x := uint32(1)
	for i := range noise {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	if err := refuses(t, filepath.Join(t.TempDir(), "none.mp4"), Options{}, "file does not exist"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	refuses(t, t.TempDir(), Options{}, "is a directory")
	refuses(t, write(t, "empty.mp4", nil), Options{}, "empty (0 bytes)")
	refuses(t, write(t, "cut.mp4", whole[:len(whole)/2]), Options{}, "truncated: the index (moov) is missing")
	refuses(t, write(t, "noise.bin", noise), Options{}, "--as raw-video --size WxH")
	refuses(t, write(t, "noise.mp4", noise), Options{}, "not a media file")
	refuses(t, write(t, "notes.txt", []byte(strings.Repeat("Just some words.\n", 500))), Options{}, "no video or sound in it")
	refuses(t, write(t, "s.srt", []byte("1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nBye\n")), Options{}, "no video or sound in it")
	refuses(t, mp4(t), Options{Format: "nonsense"}, `no input format "nonsense"`)
	refuses(t, "nonsense://host/x", Options{}, "no protocol")
	refuses(t, "new\nline.mp4", Options{}, "file does not exist")
	if os.Getuid() != 0 {
		p := write(t, "shut.mp4", whole)
		if err := os.Chmod(p, 0); err != nil {
			t.Fatal(err)
		}
		refuses(t, p, Options{}, "permission denied")
	}
}

// A playlist in a local file must not reach the network.
func TestLocalPlaylistStaysLocal(t *testing.T) {
	hit := make(chan string, 8)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { hit <- r.URL.Path }))
	defer srv.Close()
	m3u := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n" + srv.URL + "/a.ts\n#EXT-X-ENDLIST\n"
	refuses(t, write(t, "x.m3u8", []byte(m3u)), Options{})
	refuses(t, write(t, "x.ffconcat", []byte("ffconcat version 1.0\nfile '"+srv.URL+"/b.ts'\n")), Options{})
	select {
	case p := <-hit:
		t.Errorf("the network was reached for %s", p)
	default:
	}
}

func TestOddNames(t *testing.T) {
	whole, err := os.ReadFile(mp4(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	for _, n := range []string{"-x.mp4", "http:colon.mp4", "a b%20#?.mp4", "pipe:0", "ümläut@:.mp4"} {
		if err := os.WriteFile(n, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if v := firstOf(t, open(t, n, Options{}), demux.Video); v.Codec != "h264" {
			t.Errorf("%s: %+v", n, v)
		}
	}
	open(t, "file://"+dir+"/a%20b%2520%23%3F.mp4", Options{})
}

func TestNetworkErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	if err := refuses(t, "rtsp://me:hush@"+closed+"/x", Options{}, "connection refused", "me:***@"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v is not ECONNREFUSED", err)
	}
	refuses(t, "http://"+closed+"/x", Options{}, "connection refused")
	refuses(t, "rtmp://"+closed+"/a/b", Options{}, "connection refused")
	refuses(t, "http://me:hush@no-such-host.invalid/x", Options{OpenTimeout: 4 * time.Second}, "host")

	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/401":
			w.WriteHeader(401)
		case "/404":
			w.WriteHeader(404)
		default:
			w.Write([]byte("hello, I am a web page\n"))
		}
	}))
	defer srv.Close()
	auth := strings.Replace(srv.URL, "http://", "http://me:hush@", 1)
	refuses(t, auth+"/401", Options{}, "wrong user or password")
	refuses(t, srv.URL+"/404", Options{}, "404 not found")
	if err := refuses(t, auth+"/page", Options{}); strings.Contains(err.Error(), "hush") {
		t.Errorf("password in %q", err)
	}
}

// silent accepts connections and says nothing.
func silent(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	return l.Addr().String()
}

func TestSilentServer(t *testing.T) {
	for _, scheme := range []string{"rtsp", "rtmp", "http", "tcp"} {
		t.Run(scheme, func(t *testing.T) {
			name := scheme + "://" + silent(t) + "/x"
			begin := time.Now()
			refuses(t, name, Options{OpenTimeout: 500 * time.Millisecond}, "nothing came from 127.0.0.1 within 0.5 s")
			if d := time.Since(begin); d > time.Second || d < 450*time.Millisecond {
				t.Errorf("open time-out took %v", d)
			}

			ctx, cancel := context.WithCancel(t.Context())
			var cancelled time.Time
			time.AfterFunc(200*time.Millisecond, func() { cancelled = time.Now(); cancel() })
			_, err := Open(ctx, name, Options{})
			if !errors.Is(err, demux.ErrInterrupted) || !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			if d := time.Since(cancelled); d > 200*time.Millisecond {
				t.Errorf("returned %v after being cancelled", d)
			}
		})
	}
}

func TestCancelledBeforehand(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Open(ctx, mp4(t), Options{}); !errors.Is(err, demux.ErrInterrupted) {
		t.Errorf("%v", err)
	}
}

func TestInterruptRead(t *testing.T) {
	s := open(t, mp4(t), Options{})
	p, err := s.Read()
	if err != nil {
		t.Fatal(err)
	}
	p.Release()
	s.Interrupt()
	for range 2 {
		if _, err := s.Read(); !errors.Is(err, demux.ErrInterrupted) {
			t.Errorf("Read: %v", err)
		}
	}
	if err := s.Seek(0); !errors.Is(err, demux.ErrInterrupted) {
		t.Errorf("Seek: %v", err)
	}
	_ = s.Close()
	s.Interrupt() // harmless
	_ = s.Close()
}

func TestSetLogger(t *testing.T) {
	var b strings.Builder
	SetLogger(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	_, err := Open(t.Context(), "http://me:hush@127.0.0.1:1/x", Options{})
	SetLogger(nil)
	if err == nil {
		t.Fatal("opened")
	}
	if !strings.Contains(b.String(), "127.0.0.1") || strings.Contains(b.String(), "hush") {
		t.Errorf("log: %q", b.String())
	}
}
