package rtmp

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/q191201771/lal/pkg/logic"
	"go.uber.org/goleak"

	"planar/audio"
	"planar/demux"
	"planar/player/publish"
	"planar/render"
)

// lalPort, in the environment, makes the test a lal server that listens on that port:
// in a process of its own, because nothing ends all that it starts.
const lalPort = "PLANAR_TEST_LAL"

func TestMain(m *testing.M) {
	if port := os.Getenv(lalPort); port != "" {
		config := fmt.Sprintf(`{"conf_version":"v0.4.1","rtmp":{"enable":true,"addr":"127.0.0.1:%s","gop_num":1},"log":{"level":5,"is_to_stdout":false}}`, port)
		server := logic.NewLalServer(func(o *logic.Option) { o.ConfRawContent = []byte(config) })
		end := make(chan os.Signal, 1)
		signal.Notify(end, os.Interrupt)
		go func() { <-end; os.Exit(0) }()
		_ = server.RunLoop()
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

var (
	testSPS = []byte{ // 352x288, High
		0x67, 0x64, 0x00, 0x0c, 0xac, 0x3b, 0x50, 0xb0, 0x4b, 0x42, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x3d, 0x08,
	}
	otherSPS = []byte{ // 1280x720, High
		0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x6c, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x1e,
		0x07, 0x8c, 0x18, 0xcb,
	}
	testPPS = []byte{0x68, 0xee, 0x3c, 0x80}

	hevcVPS = []byte{
		0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0xb0, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x7b, 0x18, 0xb0, 0x24,
	}
	hevcSPS = []byte{ // 1920x1080, Range Extensions
		0x42, 0x01, 0x01, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0xb0, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x7b, 0xa0, 0x07, 0x82, 0x00,
		0x88, 0x7d, 0xb6, 0x71, 0x8b, 0x92, 0x44, 0x80, 0x53, 0x88, 0x88, 0x92, 0xcf, 0x24, 0xa6, 0x92, 0x72, 0xc9, 0x12, 0x49, 0x22,
		0xdc, 0x91, 0xaa, 0x48, 0xfc, 0xa2, 0x23, 0xff, 0x00, 0x01, 0x00, 0x01, 0x6a, 0x02, 0x02, 0x02, 0x01,
	}
	hevcPPS = []byte{0x44, 0x01, 0xc0, 0x25, 0x2f, 0x05, 0x32, 0x40}
)

func annexB(nalus ...[]byte) (b []byte) {
	for _, n := range nalus {
		b = append(append(b, 0, 0, 0, 1), n...)
	}
	return b
}

func videoStream() demux.Stream {
	return demux.Stream{
		Kind: demux.Video, Codec: "h264", Config: annexB(testSPS, testPPS),
		Width: 352, Height: 288, FrameRate: render.Rational{Num: 30000, Den: 1001},
	}
}

func soundStream() demux.Stream {
	return demux.Stream{
		Index: 1, Kind: demux.Audio, Codec: "aac", Config: []byte{0x11, 0x90}, // LC, 48 kHz, stereo
		Sound: audio.Format{Rate: 48000, Channels: 2},
	}
}

// picture is an H.264 unit of some bytes that nobody can decode.
func picture(key bool, size int, pts, dts time.Duration) *publish.Unit {
	slice := bytes.Repeat([]byte{0xA5}, size)
	slice[0] = 0x41
	nalus := [][]byte{slice}
	if key {
		slice[0] = 0x65
		nalus = [][]byte{testSPS, testPPS, slice}
	}
	return &publish.Unit{PTS: pts, DTS: dts, Key: key, Data: annexB(nalus...), NALUs: nalus}
}

// server accepts publishers one after another, each of which it hands to serve.
type server struct {
	address string
	done    chan struct{}
}

func newServer(t *testing.T, serve func(n int, c net.Conn)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: l.Addr().String(), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(n, c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-s.done })
	return s
}

// accept takes a publisher up to where it may send.
func accept(t *testing.T, c net.Conn) *gortmplib.ServerConn {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	s := &gortmplib.ServerConn{RW: c}
	if err := s.Initialize(); err != nil {
		t.Errorf("the server's side of connecting: %v", err)
		return nil
	}
	if err := s.AcceptConn(); err != nil {
		t.Errorf("the server's side of publishing: %v", err)
		return nil
	}
	if err := s.AcceptAction(); err != nil {
		t.Errorf("the server's answer: %v", err)
		return nil
	}
	return s
}

// collect reads messages until the publisher ends.
func collect(s *gortmplib.ServerConn) (list []message.Message) {
	for s != nil {
		m, err := s.Read()
		if err != nil {
			break
		}
		list = append(list, m)
	}
	return list
}

func target(t *testing.T, url string, o Options) *Target {
	t.Helper()
	to, err := NewTarget(url, o)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func connect(t *testing.T, to *Target, streams ...demux.Stream) publish.Connection {
	t.Helper()
	c, err := to.Connect(context.Background(), streams)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func write(t *testing.T, c publish.Connection, units ...*publish.Unit) {
	t.Helper()
	for _, u := range units {
		if err := c.Write(u); err != nil {
			t.Fatal(err)
		}
	}
}
