package rtsp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"

	"planar/demux"
)

// library is gortsplib's own server and stream, which is what ours is measured by.
type library struct{ stream *gortsplib.ServerStream }

func (l *library) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return status(base.StatusOK), l.stream, nil
}

func (l *library) OnSetup(*gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return status(base.StatusOK), l.stream, nil
}

func (l *library) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return status(base.StatusOK), nil
}

func (l *library) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) {}

// viewersOf, in the environment, makes this test program one that plays: "udp", or tcp,
// the number of viewers and the address of a server.
const viewersOf = "PLANAR_TEST_VIEWERS"

// TestViewers is what the program is then, and nothing otherwise.
func TestViewers(t *testing.T) {
	var transport, addr string
	var n int
	if _, err := fmt.Sscan(os.Getenv(viewersOf), &transport, &n, &addr); err != nil {
		t.Skip("for the benchmark")
	}
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		how := "RTP/AVP/TCP;unicast;interleaved=0-1"
		if transport == "udp" {
			pair, err := listenPair("udp4", net.IPv4(127, 0, 0, 1))
			if err != nil {
				t.Fatal(err)
			}
			defer pair[0].Close() // also keeps the garbage collector from doing it
			defer pair[1].Close()
			port := pair[0].LocalAddr().(*net.UDPAddr).Port
			how = fmt.Sprintf("RTP/AVP;unicast;client_port=%d-%d", port, port+1)
		}
		r := bufio.NewReader(c)
		url, session := "rtsp://"+addr+"/live", ""
		for _, ask := range []string{"SETUP " + url + "/trackID=0 RTSP/1.0\r\nTransport: " + how, "PLAY " + url + " RTSP/1.0"} {
			fmt.Fprintf(c, "%s%s\r\nCSeq: 1\r\n\r\n", ask, session)
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if v, ok := strings.CutPrefix(line, "Session: "); ok {
					session = "\r\nSession: " + strings.TrimSpace(strings.Split(v, ";")[0])
				}
				if line == "\r\n" {
					break
				}
			}
		}
		go io.Copy(io.Discard, r)
	}
	fmt.Println("playing")
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// BenchmarkViewers sends pictures of 7,000 bytes, five packets, to 1,000 viewers in
// another process, ten a second, and tells what this one takes for each of them and
// each viewer.
func BenchmarkViewers(b *testing.B) {
	const viewers, every = 1000, 100 * time.Millisecond
	for _, transport := range []string{"tcp", "udp"} {
		for _, whose := range []string{"ours", "library"} {
			b.Run(transport+"/"+whose, func(b *testing.B) {
				var addr string
				var send func(n int)
				if whose == "ours" {
					s := serveAt(b, ServerOptions{})
					addr = s.address.String()
					c, err := s.Path("live").Connect(b.Context(), []demux.Stream{h264Stream})
					if err != nil {
						b.Fatal(err)
					}
					defer c.Close()
					send = func(n int) {
						u := picture(n*showGOP + 1)
						u.Key = n == 0
						u.At = time.Now()
						if err := c.Write(u); err != nil {
							b.Fatal(err)
						}
					}
				} else {
					l := &library{}
					s := &gortsplib.Server{Handler: l, RTSPAddress: "127.0.0.1:0", UDPRTPAddress: "127.0.0.1:34560", UDPRTCPAddress: "127.0.0.1:34561"}
					if err := s.Start(); err != nil {
						b.Fatal(err)
					}
					defer s.Close()
					addr = s.NetListener().Addr().String()
					d, err := describe([]demux.Stream{h264Stream})
					if err != nil {
						b.Fatal(err)
					}
					l.stream = &gortsplib.ServerStream{Server: s, Desc: d}
					if err := l.stream.Initialize(); err != nil {
						b.Fatal(err)
					}
					k, err := newPacketizer(d.Medias[0].Formats[0], h264Stream)
					if err != nil {
						b.Fatal(err)
					}
					send = func(n int) {
						packets, err := k.packets(picture(n*showGOP + 1))
						if err != nil {
							b.Fatal(err)
						}
						for _, p := range packets {
							if err := l.stream.WritePacketRTP(d.Medias[0], p); err != nil {
								b.Fatal(err)
							}
						}
					}
				}
				child := exec.Command(os.Args[0], "-test.run=^TestViewers$", "-test.timeout=10m")
				child.Stderr = os.Stderr
				child.Env = append(os.Environ(), viewersOf+"="+transport+" "+strconv.Itoa(viewers)+" "+addr)
				in, err := child.StdinPipe()
				if err != nil {
					b.Fatal(err)
				}
				out, err := child.StdoutPipe()
				if err != nil {
					b.Fatal(err)
				}
				if err := child.Start(); err != nil {
					b.Fatal(err)
				}
				defer child.Wait()
				defer in.Close()
				r := bufio.NewReader(out)
				if line, _ := r.ReadString('\n'); line != "playing\n" {
					rest, _ := io.ReadAll(r)
					b.Fatalf("the viewers say %q", line+string(rest))
				}
				send(0)
				time.Sleep(time.Second)
				var before, after runtime.MemStats
				var used [2]syscall.Rusage
				runtime.ReadMemStats(&before)
				syscall.Getrusage(syscall.RUSAGE_SELF, &used[0])
				b.ResetTimer()
				n := 0
				for next := time.Now(); b.Loop(); next = next.Add(every) {
					time.Sleep(time.Until(next))
					n++
					send(n)
				}
				time.Sleep(every)
				syscall.Getrusage(syscall.RUSAGE_SELF, &used[1])
				runtime.ReadMemStats(&after)
				cpu := func(u syscall.Rusage) int64 { return u.Utime.Nano() + u.Stime.Nano() }
				each := float64(n) * viewers
				b.ReportMetric(float64(cpu(used[1])-cpu(used[0]))/each, "cpu-ns/viewer")
				b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/each, "B/viewer")
				b.ReportMetric(float64(after.Mallocs-before.Mallocs)/each, "allocs/viewer")
				b.ReportMetric(float64(after.HeapInuse+after.StackInuse)/viewers, "heap+stack-B/viewer")
			})
		}
	}
}
