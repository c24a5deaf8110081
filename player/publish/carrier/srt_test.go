package carrier

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	gosrt "github.com/datarhei/gosrt"
)

// listenSRT accepts one caller after another and collects what each sends.
func listenSRT(t *testing.T, passphrase string) (port int, received func() []byte, conns chan gosrt.Conn) {
	t.Helper()
	l, err := gosrt.Listen("srt", "127.0.0.1:0", gosrt.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all bytes.Buffer
	var wg sync.WaitGroup
	conns = make(chan gosrt.Conn, 10)
	wg.Go(func() {
		for {
			req, err := l.Accept2()
			if err != nil {
				return
			}
			if passphrase != "" && req.SetPassphrase(passphrase) != nil {
				req.Reject(gosrt.REJ_BADSECRET)
				continue
			}
			if passphrase == "" && strings.Contains(req.StreamId(), "forbidden") {
				req.Reject(gosrt.REJX_FORBIDDEN)
				continue
			}
			c, err := req.Accept()
			if err != nil {
				continue
			}
			conns <- c
			wg.Go(func() {
				b := make([]byte, 2000)
				for {
					n, err := c.Read(b)
					if err != nil {
						return
					}
					mu.Lock()
					all.Write(b[:n])
					mu.Unlock()
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().(*net.UDPAddr).Port, func() []byte {
		mu.Lock()
		defer mu.Unlock()
		return bytes.Clone(all.Bytes())
	}, conns
}

// eventually waits until what has been received is what was sent, and 5 s at most.
func eventually(t *testing.T, received func() []byte, want []byte) {
	t.Helper()
	var got []byte
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if got = received(); bytes.Equal(unpack(t, got), want) {
			return
		}
	}
	t.Errorf("%d bytes came, others than were sent", len(got))
}

// freeUDP is a port that nothing listens on.
func freeUDP(t *testing.T) int {
	t.Helper()
	probe, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	return probe.LocalAddr().(*net.UDPAddr).Port
}

// receiveSRT calls a listener, several times if it must, and reads all; nil if none answers.
func receiveSRT(port int) []byte {
	config := gosrt.DefaultConfig()
	config.ConnectionTimeout = time.Second
	config.ReceiverLatency, config.PeerLatency = testLatency, testLatency
	for range 10 {
		conn, err := gosrt.Dial("srt", fmt.Sprintf("127.0.0.1:%d", port), config)
		if err != nil {
			continue
		}
		all, _ := io.ReadAll(conn)
		_ = (&srt{conn: conn, closed: make(chan struct{})}).close()
		return all
	}
	return nil
}

// testLatency is enough for a machine that has much else to do.
const testLatency = time.Second

func TestSRTCaller(t *testing.T) {
	t.Parallel()
	for _, passphrase := range []string{"", "hidden in the sand"} {
		t.Run(passphrase, func(t *testing.T) {
			t.Parallel()
			port, received, conns := listenSRT(t, passphrase)
			address := fmt.Sprintf("srt://127.0.0.1:%d?latency=%d&streamid=#!::r=live/x,m=hidden", port, testLatency.Milliseconds())
			if passphrase != "" {
				address += "&passphrase=" + strings.ReplaceAll(passphrase, " ", "%20")
			}
			to := newTarget(t, address)
			if strings.Contains(to.String(), "hidden") {
				t.Errorf("the target is shown as %s", to)
			}
			for range 2 { // one may connect again
				before := len(received())
				c := connect(t, to)
				if id := (<-conns).StreamId(); id != "#!::r=live/x,m=hidden" {
					t.Errorf("the stream's name is %q", id)
				}
				if c.RTT() <= 0 || c.RTT() > time.Second {
					t.Errorf("round trip time %v", c.RTT())
				}
				want := send(t, c, 1000, 60_000, 100)
				eventually(t, func() []byte { return received()[before:] }, want)
			}
		})
	}
}

func TestSRTRefused(t *testing.T) {
	t.Parallel()
	port, _, _ := listenSRT(t, "the right passphrase")
	_, err := newTarget(t, fmt.Sprintf("srt://127.0.0.1:%d?passphrase=hidden+wrong+one", port)).Connect(context.Background(), nil)
	failed(t, err, true, "the passphrase is wrong, or only one side has one")
	port, _, _ = listenSRT(t, "")
	_, err = newTarget(t, fmt.Sprintf("srt://127.0.0.1:%d?streamid=forbidden", port)).Connect(context.Background(), nil)
	failed(t, err, true, "127.0.0.1 does not allow this stream")
}

func TestSRTNobody(t *testing.T) {
	t.Parallel()
	silent, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	port := silent.LocalAddr().(*net.UDPAddr).Port
	to := newTarget(t, fmt.Sprintf("srt://127.0.0.1:%d", port), func(o *Options) { o.Timeout = 300 * time.Millisecond })
	began := time.Now()
	_, err = to.Connect(context.Background(), nil)
	failed(t, err, false, "nothing came from 127.0.0.1 within 0.3 s")
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("it took %v to give up", d)
	}
	silent.Close()
	_, err = to.Connect(context.Background(), nil)
	failed(t, err, false, "connection refused")
}

// A listener that goes away ends Write.
func TestSRTGone(t *testing.T) {
	t.Parallel()
	port, _, conns := listenSRT(t, "")
	c := connect(t, newTarget(t, fmt.Sprintf("srt://127.0.0.1:%d", port)))
	(<-conns).Close()
	var err error
	for n := 0; err == nil && n < 5000; n++ {
		err = c.Write(unit(n, 1000))
		time.Sleep(time.Millisecond)
	}
	failed(t, err, false, "127.0.0.1 closed the connection")
	c.Close()
}

func TestSRTListener(t *testing.T) {
	t.Parallel()
	port := freeUDP(t)
	to := newTarget(t, fmt.Sprintf("srt://127.0.0.1:%d?mode=listener", port))

	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := to.Connect(ctx, nil) // nobody calls
	failed(t, err, false, "interrupted")

	got := make(chan []byte, 1)
	go func() { got <- receiveSRT(port) }()
	c := connect(t, to)
	want := send(t, c, 1000, 60_000)
	if b := <-got; !bytes.Equal(unpack(t, b), want) {
		t.Errorf("%d bytes came, others than were sent", len(b))
	}
}

func TestSRTOptions(t *testing.T) {
	for query, want := range map[string]time.Duration{
		"latency=200": 200 * time.Millisecond, "latency=200000": 200 * time.Millisecond, "latency=9999": 9999 * time.Millisecond, "": 120 * time.Millisecond,
	} {
		_, o := splitOptions("srt://h:1?" + query)
		c, _, err := srtConfig(o)
		if err != nil || c.PeerLatency != want {
			t.Errorf("%s: %v, %v; want %v", query, c.PeerLatency, err, want)
		}
	}
}

// libsrt's own program receives it; a wrong passphrase is told as one.
func TestSRTLiveTransmit(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("srt-live-transmit")
	if err != nil {
		t.Skip("no srt-live-transmit: install srt-tools")
	}
	for _, passphrase := range []string{"", "hidden in the sand"} {
		port := freeUDP(t)
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		address := fmt.Sprintf("srt://127.0.0.1:%d?mode=listener", port)
		mine := fmt.Sprintf("srt://127.0.0.1:%d?latency=1000", port)
		if passphrase != "" {
			address += "&passphrase=" + passphrase
			mine += "&passphrase="
		}
		cmd := exec.CommandContext(ctx, tool, "-q", "-a:no", "-loglevel:fatal", address, "file://con")
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Skip(err)
		}
		waitFor := func(o *Options) { o.Timeout = 10 * time.Second }
		if passphrase != "" {
			// Until it listens, the port is closed.
			var err error
			for range 50 {
				_, err = newTarget(t, mine+"hidden+and+wrong", func(o *Options) { o.Timeout = 2 * time.Second }).Connect(ctx, nil)
				if err == nil || !strings.Contains(err.Error(), "connection refused") {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			failed(t, err, true, "the passphrase is wrong")
		}
		var c interface {
			Close() error
		}
		for range 50 {
			conn, err := newTarget(t, mine+strings.ReplaceAll(passphrase, " ", "%20"), waitFor).Connect(ctx, nil)
			if err != nil {
				time.Sleep(100 * time.Millisecond)
				continue
			}
			c = conn
			want := send(t, conn, 1000, 60_000, 10)
			_ = cmd.Wait()
			if !bytes.Equal(unpack(t, out.Bytes()), want) {
				t.Errorf("%d bytes came, others than were sent", out.Len())
			}
			break
		}
		if c == nil {
			t.Error("it does not take the connection")
			cancel()
			_ = cmd.Wait()
		}
	}
}
