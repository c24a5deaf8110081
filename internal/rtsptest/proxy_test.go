package rtsptest

import (
	"bufio"
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
)

func TestProxyCounts(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults Faults
	}{
		{"none", Faults{}},
		{"loss", Faults{Loss: 0.1}},
		{"duplicates", Faults{Duplicate: 0.1}},
		{"reordering", Faults{Reorder: 0.05, ReorderBy: 4 * time.Millisecond}},
		{"jitter", Faults{Jitter: 3 * time.Millisecond}},
		{"all", Faults{Loss: 0.02, Duplicate: 0.02, Reorder: 0.02, ReorderBy: 4 * time.Millisecond, Jitter: 2 * time.Millisecond}},
	} {
		t.Run(c.name, func(t *testing.T) {
			camera := &Camera{Medias: Medias(pcmu())}
			camera.Start(t)
			proxy := NewProxy(t, camera.Address(), 1)
			client, err := play(t, proxy.URL(camera.URL()), func(c *client) { c.Protocol = new(gortsplib.ProtocolUDP) })
			if err != nil {
				t.Fatal(err)
			}
			camera.WaitPlaying(t, 1)
			proxy.SetFaults(c.faults)
			s := camera.Sender(t, 0, 2)
			const n = 1000
			for i := range n {
				s.Send([][]byte{{byte(i)}}, time.Duration(i)*20*time.Millisecond)
				if i%2 == 1 {
					time.Sleep(200 * time.Microsecond) // in truth 1 ms: the timer's
				}
			}
			until(t, "all packets", func() bool { p := proxy.Counts(); return p.Forwarded+p.Lost == n })
			got := proxy.Counts()
			until(t, "what was forwarded", func() bool {
				client.mu.Lock()
				defer client.mu.Unlock()
				return client.arrived == got.Forwarded && client.twice == got.Duplicated
			})
			if client.late != got.Reordered {
				t.Errorf("%d packets came late, the proxy counted %d", client.late, got.Reordered)
			}
			share := func(what string, n, of int64, want float64) {
				if f := float64(n) / float64(of); f < 0.6*want || f > 1.5*want || want == 0 && n > 0 {
					t.Errorf("%d of %d packets %s, want a share of %v", n, of, what, want)
				}
			}
			share("lost", got.Lost, n, c.faults.Loss)
			share("duplicated", got.Duplicated, got.Forwarded, c.faults.Duplicate)
			share("delayed", got.Delayed, got.Forwarded, c.faults.Reorder)
			if c.faults.Reorder == 0 && got.Reordered != 0 || got.Reordered > got.Delayed || 2*got.Reordered < got.Delayed {
				t.Errorf("%d packets reordered, %d were held back", got.Reordered, got.Delayed)
			}
			if got.Cut != 0 || got.Overflow != 0 {
				t.Errorf("%+v: nothing was cut, or too much", got)
			}
		})
	}
}

// The fate of packets depends on the seed and their number, and one fault does not
// change another.
func TestFaultsAreRepeatable(t *testing.T) {
	lost := func(f Faults, seed uint64) (list []int) {
		r := rand.New(rand.NewPCG(seed, 1))
		for i := range 500 {
			if f.draw(r).lost {
				list = append(list, i)
			}
		}
		return list
	}
	want := lost(Faults{Loss: 0.1}, 7)
	if got := lost(Faults{Loss: 0.1, Reorder: 0.5, Duplicate: 0.5, Jitter: time.Second}, 7); !slices.Equal(got, want) {
		t.Errorf("with other faults, packets %v are lost, want %v", got, want)
	}
	if got := lost(Faults{Loss: 0.1}, 8); slices.Equal(got, want) {
		t.Error("another seed loses the same packets")
	}
}

func TestProxyPassesTCPAndSeveralClients(t *testing.T) {
	camera := &Camera{Medias: Medias(pcmu(), pcmu())}
	camera.Start(t)
	proxy := NewProxy(t, camera.Address(), 1)
	proxy.SetFaults(Faults{Loss: 1})
	for range 2 {
		client, err := play(t, proxy.URL(camera.URL()), func(c *client) { c.Protocol = new(gortsplib.ProtocolTCP) })
		if err != nil {
			t.Fatal(err)
		}
		camera.WaitPlaying(t, 1)
		s := camera.Sender(t, 1, 3)
		for i := range 100 {
			s.Send([][]byte{bytes.Repeat([]byte{'$'}, 1000)}, time.Duration(i)*time.Millisecond)
		}
		until(t, "100 packets over TCP", func() bool { return len(client.received()) == 100 })
		client.Close()
		camera.WaitPlaying(t, 0)
	}
	if got := proxy.Counts(); got != (Counts{}) {
		t.Errorf("%+v: over TCP nothing is done, nor counted", got)
	}
}

func TestProxyCutAndReset(t *testing.T) {
	camera := &Camera{Medias: Medias(pcmu())}
	camera.Start(t)
	proxy := NewProxy(t, camera.Address(), 1)
	client, err := play(t, proxy.URL(camera.URL()), func(c *client) { c.Protocol = new(gortsplib.ProtocolUDP) })
	if err != nil {
		t.Fatal(err)
	}
	camera.WaitPlaying(t, 1)
	s := camera.Sender(t, 0, 1)
	send := func(n int) {
		for range n {
			s.Send([][]byte{{1}}, 0)
		}
	}
	send(10)
	// The library holds back what comes after a gap; the sockets show all.
	arrived := func(n int64) func() bool {
		return func() bool { client.mu.Lock(); defer client.mu.Unlock(); return client.arrived == n }
	}
	until(t, "10 packets", arrived(10))
	proxy.Cut(true)
	send(10)
	until(t, "10 packets cut off", func() bool { return proxy.Counts().Cut == 10 })
	proxy.Cut(false)
	send(10)
	until(t, "10 packets more", arrived(20))
	proxy.Reset()
	if err := client.Wait(); err == nil || !strings.Contains(err.Error(), "reset") {
		t.Errorf("the client says %v, want that the connection was reset", err)
	}
	camera.WaitPlaying(t, 0)
}

func TestReadMessage(t *testing.T) {
	for _, c := range []struct{ name, in, lines, body string }{
		{"request", "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\nrest", "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", ""},
		{"body", "RTSP/1.0 200 OK\ncontent-length: 3\n\nabcd", "RTSP/1.0 200 OK\ncontent-length: 3\n\n", "abc"},
		{"interleaved", "$\x01\x00\x02abc", "", "$\x01\x00\x02ab"},
		{"tunnel", "POST /cam HTTP/1.0\r\nContent-Length: 32767\r\n\r\n", "POST /cam HTTP/1.0\r\n", ""},
	} {
		m, err := readMessage(bufio.NewReader(strings.NewReader(c.in)))
		if got := strings.Join(m.lines, ""); err != nil || got != c.lines || string(m.body) != c.body {
			t.Errorf("%s: %q, %q, %v, want %q, %q", c.name, got, m.body, err, c.lines, c.body)
		}
	}
	for _, in := range []string{
		"", "$\x00", "$\x00\xff\xffshort", "no end", strings.Repeat("a: b\r\n", maxHead),
		"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n", "RTSP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nshort",
	} {
		if m, err := readMessage(bufio.NewReader(strings.NewReader(in))); err == nil {
			t.Errorf("%.20q: read as %.20q, want an error", in, m.bytes())
		}
	}
}

func TestTransportParameters(t *testing.T) {
	const in = "RTP/AVP;unicast;client_port=5000-5001;server_port=6000;source=10.0.0.1;x=y"
	if got := parameter(in, "client_port"); got != "5000" {
		t.Errorf("client_port is %q, want 5000", got)
	}
	got := setParameter(setParameter(setParameter(in, "client_port", ports(8000)), "server_port", ports(9000)), "source", "127.0.0.1")
	if want := "RTP/AVP;unicast;client_port=8000-8001;server_port=9000-9001;source=127.0.0.1;x=y"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := parameter(in, "destination"); got != "" {
		t.Errorf("destination is %q, want none", got)
	}
}
