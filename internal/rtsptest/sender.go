package rtsptest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// Sender makes RTP of one medium's access units. Its fields may be changed between
// calls. It belongs to one goroutine.
type Sender struct {
	SSRC uint32
	Seq  uint16 // of the next packet
	Base uint32 // RTP time at PTS 0

	camera          *Camera
	media           int
	format          format.Format
	encode          func([][]byte) ([]*rtp.Packet, error) // nil: a packet for each part
	random          *rand.Rand
	packets, octets uint32 // sent since Restart, for reports
}

// Sender sends the first format of a medium. SSRC, sequence number and time begin
// anywhere, the same with the same seed.
func (c *Camera) Sender(t testing.TB, media int, seed uint64) *Sender {
	t.Helper()
	s := &Sender{camera: c, media: media, format: c.Medias[media].Formats[0], random: rand.New(rand.NewPCG(seed, uint64(media)))}
	var err error
	switch f := s.format.(type) {
	case *format.H264:
		var e *rtph264.Encoder
		if e, err = f.CreateEncoder(); err == nil {
			s.encode = e.Encode
		}
	case *format.H265:
		var e *rtph265.Encoder
		if e, err = f.CreateEncoder(); err == nil {
			s.encode = e.Encode
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Restart()
	return s
}

// Restart begins anew, as a camera does that was restarted: with another SSRC,
// sequence number and RTP time.
func (s *Sender) Restart() {
	s.SSRC, s.Seq, s.Base = s.random.Uint32(), uint16(s.random.Uint32()), s.random.Uint32()
	s.packets, s.octets = 0, 0
}

// RTPTime is the RTP time at a PTS.
func (s *Sender) RTPTime(pts time.Duration) uint32 {
	// Whole seconds first: hours of nanoseconds times 90,000 do not fit.
	rate := int64(s.format.ClockRate())
	return s.Base + uint32(int64(pts/time.Second)*rate) + uint32(int64(pts%time.Second)*rate/int64(time.Second))
}

// Packets makes the next packets, of an access unit of H.264 or H.265 as NAL units
// without start codes, or of another codec as payloads. The last has the marker.
func (s *Sender) Packets(unit [][]byte, pts time.Duration) []*rtp.Packet {
	var packets []*rtp.Packet
	if s.encode != nil {
		packets, _ = s.encode(unit) // fails only for lengths that do not occur
	} else {
		for i, payload := range unit {
			header := rtp.Header{Version: 2, PayloadType: s.format.PayloadType(), Marker: i == len(unit)-1}
			packets = append(packets, &rtp.Packet{Header: header, Payload: payload})
		}
	}
	for _, p := range packets {
		p.SSRC, p.SequenceNumber, p.Timestamp = s.SSRC, s.Seq, s.RTPTime(pts)
		s.Seq++
		s.packets++
		s.octets += uint32(len(p.Payload))
	}
	return packets
}

// Send sends what Packets makes.
func (s *Sender) Send(unit [][]byte, pts time.Duration) {
	for _, p := range s.Packets(unit, pts) {
		s.camera.Send(s.media, p)
	}
}

// Report sends a sender report (RFC 3550 section 6.4.1): at PTS it was that time.
func (s *Sender) Report(at time.Time, pts time.Duration) {
	s.camera.SendRTCP(s.media, &rtcp.SenderReport{
		SSRC: s.SSRC, NTPTime: ntp.Encode(at), RTPTime: s.RTPTime(pts), PacketCount: s.packets, OctetCount: s.octets,
	})
}

// Play sends a clip over and over in real time, beginning at PTS from, with a report
// at first and then each second, until ctx ends. It returns where to go on.
func (s *Sender) Play(ctx context.Context, clip *Clip, from time.Duration) time.Duration {
	began, pts := time.Now(), from
	report := from
	for i := 0; ; i++ {
		n := i % len(clip.Units)
		pts = from + time.Duration(i)*clip.FrameTime
		select {
		case <-ctx.Done():
			return pts
		case <-time.After(time.Until(began.Add(pts - from))):
		}
		if pts >= report {
			s.Report(began.Add(pts-from), pts)
			report += time.Second
		}
		s.Send(clip.Units[n], pts-time.Duration(n)*clip.FrameTime+clip.PTS[n])
	}
}
