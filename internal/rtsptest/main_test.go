package rtsptest

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pcmu is the simplest medium: a packet holds samples, and nothing refers to another.
func pcmu() *description.Media {
	return &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{
		&format.G711{PayloadTyp: 0, MULaw: true, SampleRate: 8000, ChannelCount: 1},
	}}
}

// client is the library's, and what it has received.
type client struct {
	gortsplib.Client
	mu      sync.Mutex
	packets []rtp.Packet
	rtcp    []rtcp.Packet
	desc    *description.Session

	// What came to its sockets, before the library put it in order.
	arrived, late, twice int64
}

// play plays all there is at a URL, until the test ends.
func play(t *testing.T, url string, set func(*client)) (*client, error) {
	t.Helper()
	u, err := base.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{Client: gortsplib.Client{
		Scheme: u.Scheme, Host: u.Host, ReadTimeout: 5 * time.Second,
		OnPacketsLost: func(uint64) {}, OnDecodeError: func(error) {}, OnTransportSwitch: func(error) {},
	}}
	c.ListenPacket = func(network, address string) (net.PacketConn, error) {
		p, err := net.ListenPacket(network, address)
		if err != nil {
			return nil, err
		}
		return &counting{UDPConn: p.(*net.UDPConn), c: c}, nil
	}
	if set != nil {
		set(c)
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	t.Cleanup(c.Close)
	desc, _, err := c.Describe(u)
	if err != nil {
		return c, err
	}
	c.desc = desc
	if err := c.SetupAll(desc.BaseURL, desc.Medias); err != nil {
		return c, err
	}
	c.OnPacketRTPAny(func(_ *description.Media, _ format.Format, p *rtp.Packet) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.packets = append(c.packets, *p)
	})
	c.OnPacketRTCPAny(func(_ *description.Media, p rtcp.Packet) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.rtcp = append(c.rtcp, p)
	})
	_, err = c.Play(nil)
	return c, err
}

func (c *client) medium() *description.Media { return c.desc.Medias[0] }

func (c *client) received() []rtp.Packet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]rtp.Packet(nil), c.packets...)
}

// counting is a socket that counts RTP.
type counting struct {
	*net.UDPConn
	c       *client
	seen    map[uint16]bool
	highest uint16
}

func (s *counting) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := s.UDPConn.ReadFrom(b)
	if err == nil && isRTP(b[:n]) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		seq := uint16(b[2])<<8 | uint16(b[3])
		switch {
		case s.seen == nil:
			s.seen, s.highest = map[uint16]bool{}, seq
		case s.seen[seq]:
			s.c.twice++
			return n, from, err
		case int16(seq-s.highest) < 0:
			s.c.late++
		default:
			s.highest = seq
		}
		s.seen[seq] = true
		s.c.arrived++
	}
	return n, from, err
}

// until waits for something.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}
