package carrier

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"planar/demux"
)

// flat is a muxer that costs nothing.
type flat struct{ w io.Writer }

func (m flat) Write(_ int, p *demux.Packet) error { _, err := m.w.Write(p.Data); return err }
func (m flat) Flush() error                       { return nil }
func (m flat) Close() error                       { return nil }

// One picture of 4 Mbit/s at 50 per second, with the kernel's and the receiver's part.
func BenchmarkWrite(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer srv.Close()
	sink, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer sink.Close()
	go func() {
		for buf := make([]byte, 2000); ; {
			if _, err := sink.Read(buf); err != nil {
				return
			}
		}
	}()
	for name, address := range map[string]string{
		"udp": "udp://" + sink.LocalAddr().String(), "rtp": "rtp://" + sink.LocalAddr().String(), "http": srv.URL + "/x.ts", "file": "",
	} {
		b.Run(name, func(b *testing.B) {
			o, _ := setup()
			o.NewMuxer = func(_ string, _ []demux.Stream, w io.Writer) (Muxer, error) { return flat{w}, nil }
			if name == "file" {
				address = b.TempDir() + "/x.ts"
			}
			to, err := New(address, o)
			if err != nil {
				b.Fatal(err)
			}
			c, err := to.Connect(context.Background(), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			u := unit(0, 54*tsPacket)
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Write(u); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
