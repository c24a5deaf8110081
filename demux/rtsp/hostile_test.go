package rtsp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"planar/demux"
	"planar/internal/rtsptest"
)

// everyFormat is one of each that is played.
func everyFormat() []format.Format {
	aac := &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 48000, ChannelConfig: 2}
	return []format.Format{
		&format.H264{PayloadTyp: 96, PacketizationMode: 1}, &format.H265{PayloadTyp: 96}, &format.MJPEG{},
		&format.VP8{PayloadTyp: 96}, &format.VP9{PayloadTyp: 96}, &format.AV1{PayloadTyp: 96}, &format.MPEG1Video{},
		&format.MPEG4Video{PayloadTyp: 96, Config: []byte{0, 0, 1, 0xB0, 1, 0, 0, 1, 0xB5, 0x89, 0x13, 0, 0, 1, 0, 0, 0, 1, 0x20, 0xC4}},
		&format.MPEG4Audio{PayloadTyp: 96, Config: aac, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3},
		&format.MPEG4AudioLATM{PayloadTyp: 96, ProfileLevelID: 1, CPresent: true},
		&format.MPEG4AudioLATM{PayloadTyp: 96, ProfileLevelID: 1, StreamMuxConfig: &mpeg4audio.StreamMuxConfig{
			Programs: []*mpeg4audio.StreamMuxConfigProgram{{Layers: []*mpeg4audio.StreamMuxConfigLayer{{AudioSpecificConfig: aac, LatmBufferFullness: 255}}}},
		}},
		&format.Opus{PayloadTyp: 96, ChannelCount: 2}, &format.G711{SampleRate: 8000, ChannelCount: 1}, &format.G722{},
		&format.LPCM{PayloadTyp: 96, BitDepth: 16, SampleRate: 48000, ChannelCount: 2}, &format.MPEG1Audio{},
		&format.AC3{PayloadTyp: 96, SampleRate: 48000, ChannelCount: 2},
	}
}

// Random payloads of every codec, half of them with a likely beginning, do no harm.
func TestHostilePayloads(t *testing.T) {
	t.Parallel()
	for i, f := range everyFormat() {
		t.Run(fmt.Sprintf("%d %s", i, encoding(f)), func(t *testing.T) {
			t.Parallel()
			c, ok := codecOf(f)
			if !ok {
				t.Fatal("not played")
			}
			m := video(f)
			if c.kind == demux.Audio {
				m = sound(f)
			}
			camera := start(t, &rtsptest.Camera{Medias: rtsptest.Medias(m)})
			random := rand.New(rand.NewPCG(9, uint64(i)))
			const total = 600
			p := programme{every: 500 * time.Microsecond, total: total}
			p.unit = func(int) [][]byte { return [][]byte{{1}} }
			p.change = func(n int, packets []*rtp.Packet) []*rtp.Packet {
				b := make([]byte, random.IntN(200))
				for i := range b {
					b[i] = byte(random.Uint32() >> (random.UintN(2) * 29)) // often small
				}
				packet := packets[0]
				packet.Payload, packet.Marker = b, random.UintN(3) == 0
				packet.Timestamp = uint32(n/4) * 3000
				if random.UintN(20) == 0 {
					packet.Timestamp = random.Uint32()
				}
				if random.UintN(50) == 0 {
					packet.SequenceNumber += uint16(random.UintN(5))
				}
				return packets[:1]
			}
			sent := make(chan struct{})
			p.after = func() { close(sent) }
			p.run(t, camera)
			s := open(t, camera.URL(), "udp", func(o *Options) { o.ShowDamaged = i%2 == 0 })
			go func() {
				<-sent
				time.Sleep(100 * time.Millisecond)
				s.Interrupt()
			}()
			if _, err := read(s, never); !errors.Is(err, demux.ErrInterrupted) {
				t.Errorf("%v, want demux.ErrInterrupted", err)
			}
			if got := s.Reception().Tracks[0]; got.Packets < total/2 {
				t.Errorf("%+v, want %d packets", got, total)
			}
		})
	}
}
