package rtsp

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/pion/rtp"

	"planar/audio"
	"planar/demux"
	"planar/player/publish"
)

// Parameter sets of 640x360 pictures, from x264 and x265.
var (
	h264SPS = []byte{
		0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01,
		0x00, 0x00, 0x03, 0x00, 0x32, 0x0f, 0x16, 0x2e, 0x48,
	}
	h264PPS = []byte{0x68, 0xcb, 0x83, 0xcb, 0x20}
	h265VPS = []byte{
		0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03,
		0x00, 0x00, 0x03, 0x00, 0x5d, 0x95, 0x98, 0x09,
	}
	h265SPS = []byte{
		0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03,
		0x00, 0x5d, 0xa0, 0x05, 0x02, 0x01, 0x69, 0x65, 0x95, 0x9a, 0x49, 0x32, 0xbc, 0x05, 0xa0, 0x20,
	}
	h265PPS = []byte{0x44, 0x01, 0xc1, 0x72, 0xb4, 0x62, 0x40}
)

func annexB(nalus ...[]byte) (b []byte) {
	for _, n := range nalus {
		b = append(append(b, 0, 0, 0, 1), n...)
	}
	return b
}

var (
	h264Stream = demux.Stream{Kind: demux.Video, Codec: "h264", Config: annexB(h264SPS, h264PPS), Width: 640, Height: 360}
	h265Stream = demux.Stream{Kind: demux.Video, Codec: "hevc", Config: annexB(h265VPS, h265SPS, h265PPS), Width: 640, Height: 360}
	aacStream  = demux.Stream{Kind: demux.Audio, Codec: "aac", Config: []byte{0x11, 0x90}, Sound: audio.Format{Rate: 48000, Channels: 2}}
)

func sound(codec string, rate, channels int) demux.Stream {
	return demux.Stream{Kind: demux.Audio, Codec: codec, Sound: audio.Format{Rate: rate, Channels: channels}}
}

// nalUnits makes an access unit of NAL units.
func nalUnits(pts time.Duration, nalus ...[]byte) *publish.Unit {
	u := &publish.Unit{PTS: pts, DTS: pts, Key: true, Data: annexB(nalus...)}
	at := 0
	for _, n := range nalus {
		at += 4
		u.NALUs = append(u.NALUs, u.Data[at:at+len(n)])
		at += len(n)
	}
	return u
}

// noise is random bytes behind a head.
func noise(r *rand.Rand, size int, head ...byte) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	copy(b, head)
	return b
}

func packetizerOf(t testing.TB, s demux.Stream) (*packetizer, format.Format) {
	t.Helper()
	d, err := describe([]demux.Stream{s})
	if err != nil {
		t.Fatal(err)
	}
	f := d.Medias[0].Formats[0]
	p, err := newPacketizer(f, s)
	if err != nil {
		t.Fatal(err)
	}
	return p, f
}

// decoder gives back what packets carry, once they carry a whole.
func decoder(t testing.TB, f format.Format) func(*rtp.Packet) ([][]byte, error) {
	t.Helper()
	one := func(b []byte, err error) ([][]byte, error) {
		if err != nil {
			return nil, err
		}
		return [][]byte{b}, nil
	}
	var err error
	var decode func(*rtp.Packet) ([][]byte, error)
	switch f := f.(type) {
	case *format.H264:
		d, fail := f.CreateDecoder()
		decode, err = func(k *rtp.Packet) ([][]byte, error) { return d.Decode(k) }, fail
	case *format.H265:
		d, fail := f.CreateDecoder()
		decode, err = func(k *rtp.Packet) ([][]byte, error) { return d.Decode(k) }, fail
	case *format.MPEG4Audio:
		d, fail := f.CreateDecoder()
		decode, err = func(k *rtp.Packet) ([][]byte, error) { return d.Decode(k) }, fail
	case *format.AC3:
		d, fail := f.CreateDecoder()
		decode, err = func(k *rtp.Packet) ([][]byte, error) { return d.Decode(k) }, fail
	case *format.MPEG1Audio:
		d, fail := f.CreateDecoder()
		decode, err = func(k *rtp.Packet) ([][]byte, error) { return d.Decode(k) }, fail
	case *format.AV1:
		d, fail := f.CreateDecoder()
		decode, err = func(k *rtp.Packet) ([][]byte, error) { return d.Decode(k) }, fail
	case *format.Opus:
		d, fail := f.CreateDecoder()
		decode, err = func(k *rtp.Packet) ([][]byte, error) { return one(d.Decode(k)) }, fail
	case *format.G711:
		d, fail := f.CreateDecoder()
		decode, err = func(k *rtp.Packet) ([][]byte, error) { return one(d.Decode(k)) }, fail
	case *format.VP8:
		d, fail := f.CreateDecoder()
		decode, err = func(k *rtp.Packet) ([][]byte, error) { return one(d.Decode(k)) }, fail
	case *format.VP9:
		d, fail := f.CreateDecoder()
		decode, err = func(k *rtp.Packet) ([][]byte, error) { return one(d.Decode(k)) }, fail
	default:
		t.Fatalf("no decoder of %T", f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return decode
}

// Whatever is sent comes out of the library's decoders as it was, with marks where the
// payload format wants them.
func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	last := func(i, n int) bool { return i == n-1 }
	never := func(int, int) bool { return false }
	video := func(head ...byte) [][]byte {
		var list [][]byte
		for _, size := range []int{2, 3, 100, maxPayload - 1, maxPayload, maxPayload + 1, 20_000, 2 << 20} {
			list = append(list, noise(r, max(size, len(head)), head...))
		}
		return list
	}
	frames := func(sizes []int, head ...byte) (list [][]byte) {
		for _, size := range sizes {
			list = append(list, noise(r, size, head...))
		}
		return list
	}
	obu := func(kind byte, size int) []byte { return noise(r, size, kind<<3) }
	temporal := func(list ...[]byte) []byte {
		b, err := av1.Bitstream(list).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	big := obu(6, 200_000)
	header := obu(1, 12)

	type unit struct {
		in   *publish.Unit
		want [][]byte
	}
	nal := func(list ...[]byte) unit { return unit{nalUnits(0, list...), list} }
	plain := func(list [][]byte) (units []unit) {
		for _, b := range list {
			units = append(units, unit{&publish.Unit{Data: b}, [][]byte{b}})
		}
		return units
	}
	var h264Units, h265Units []unit
	for _, n := range video(0x65) {
		h264Units = append(h264Units, nal(h264SPS, h264PPS, n), nal(n), nal(n, noise(r, 3000, 0x06), n))
	}
	for _, n := range video(0x26, 0x01) {
		h265Units = append(h265Units, nal(h265VPS, h265SPS, h265PPS, n), nal(n), nal(n, noise(r, 3000, 0x4e, 0x01), n))
	}
	for _, c := range []struct {
		name   string
		stream demux.Stream
		units  []unit
		marker func(i, n int) bool
	}{
		{"h264", h264Stream, h264Units, last},
		{"hevc", h265Stream, h265Units, last},
		{"aac", aacStream, plain(frames([]int{1, 6, 300, 1390, 1396, 1400, 1500, 5 << 10})), last},
		{"opus", sound("opus", 48000, 2), plain(frames([]int{1, 200, maxPayload})), never},
		{"pcm_alaw", sound("pcm_alaw", 8000, 1), plain(frames([]int{1, 160, 1400})), never},
		{"pcm_mulaw", sound("pcm_mulaw", 48000, 2), plain(frames([]int{2, 1400})), never},
		// MPEG-1 layer 3, 320 kbit/s at 48 kHz; layer 2, 384 kbit/s at 32 kHz.
		{"mp3", sound("mp3", 48000, 2), plain(frames([]int{960, 960}, 0xff, 0xfb, 0xe4, 0x00)), never},
		{"mp2", sound("mp2", 32000, 2), plain(frames([]int{1728, 1728}, 0xff, 0xfd, 0xe8, 0x00)), never},
		// 192 kbit/s and 640 kbit/s at 48 kHz.
		{"ac3", sound("ac3", 48000, 2), plain(append(frames([]int{768}, 0x0b, 0x77, 0, 0, 20, 0x40),
			frames([]int{2560}, 0x0b, 0x77, 0, 0, 36, 0x40)...)), last},
		{"vp8", demux.Stream{Codec: "vp8"}, plain(video(0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a)), last},
		{"vp9", demux.Stream{Codec: "vp9"}, plain(frames([]int{100, 1400, 30_000, 2 << 20}, 0x82, 0x49, 0x83, 0x42, 0x00, 0x77, 0xf0, 0x32, 0x34)), last},
		{"av1", demux.Stream{Codec: "av1"}, []unit{
			{&publish.Unit{Data: temporal([]byte{2 << 3}, header, big)}, [][]byte{header, big}},
			{&publish.Unit{Data: temporal(header)}, [][]byte{header}},
		}, last},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, f := packetizerOf(t, c.stream)
			decode := decoder(t, f)
			seq := p.seq
			for i, u := range c.units {
				packets, err := p.packets(u.in)
				if err != nil {
					t.Fatalf("unit %d: %v", i, err)
				}
				var got [][]byte
				for j, k := range packets {
					if k.SequenceNumber != seq || k.SSRC != p.ssrc || k.PayloadType != f.PayloadType() || k.Version != 2 {
						t.Fatalf("unit %d, packet %d: %v, want sequence number %d", i, j, k.Header, seq)
					}
					seq++
					if len(k.Payload) > maxPayload {
						t.Errorf("unit %d, packet %d: a payload of %d bytes, want %d at most", i, j, len(k.Payload), maxPayload)
					}
					if k.Marker != c.marker(j, len(packets)) {
						t.Errorf("unit %d, packet %d of %d: marker is %v", i, j, len(packets), k.Marker)
					}
					b, err := k.Marshal()
					if err != nil {
						t.Fatal(err)
					}
					var read rtp.Packet
					if err := read.Unmarshal(b); err != nil {
						t.Fatal(err)
					}
					if list, err := decode(&read); err == nil {
						got = append(got, list...)
					} else if j == len(packets)-1 {
						t.Fatalf("unit %d: %v", i, err)
					}
				}
				if !slices.EqualFunc(got, u.want, bytes.Equal) {
					t.Errorf("unit %d (%d bytes): %d parts came out, not as the %d that went in", i, len(u.in.Data), len(got), len(u.want))
				}
			}
		})
	}
}

// The timestamp is that of the absolute PTS, also days later, and wraps, as the
// sequence number does.
func TestTimestampsAndWrap(t *testing.T) {
	p, _ := packetizerOf(t, h264Stream)
	p.base, p.seq = 0xffff_fff0, 0xfffe
	for _, c := range []struct {
		pts  time.Duration
		want uint32 // from the base
		seq  uint16
	}{
		{0, 0, 0xfffe},
		{time.Second / 25, 3600, 0xffff},
		{33_366_667, 3003, 0},
		{33_366_661, 3003, 1}, // 3002.9995 is rounded
		{24 * time.Hour, 24 * 3600 * 90000 % (1 << 32), 2},
		{1000*24*time.Hour + 11_111, 1000*24*3600*90000%(1<<32) + 1, 3}, // 0.99999
	} {
		list, err := p.packets(nalUnits(c.pts, []byte{0x65, 1}))
		if err != nil || len(list) != 1 {
			t.Fatalf("%d packets, %v", len(list), err)
		}
		if got := list[0].Timestamp - p.base; got != c.want || list[0].SequenceNumber != c.seq {
			t.Errorf("at %s: timestamp %d, number %d, want %d and %d", c.pts, got, list[0].SequenceNumber, c.want, c.seq)
		}
	}
	p, _ = packetizerOf(t, aacStream)
	for i := range 1_000_000 {
		// 1024 samples each, as a demuxer would round them.
		pts := time.Duration((int64(i)*1024*1e9 + 24000) / 48000)
		if got := p.timestamp(pts) - p.base; got != uint32(i*1024) {
			t.Fatalf("frame %d of AAC is at %d, want %d", i, got, uint32(i*1024))
		}
	}
	// A block of samples that needs several packets.
	p, _ = packetizerOf(t, sound("pcm_alaw", 48000, 2))
	list, err := p.packets(&publish.Unit{Data: make([]byte, 3000), PTS: time.Second})
	if err != nil || len(list) != 3 {
		t.Fatalf("%d packets, %v, want 3", len(list), err)
	}
	for i, want := range []uint32{48000, 48700, 49400} {
		if got := list[i].Timestamp - p.base; got != want {
			t.Errorf("part %d of a block is at %d, want %d", i, got, want)
		}
	}
}

// What makes no sense is refused or left out, and nothing else suffers.
func TestHostileUnits(t *testing.T) {
	slice := []byte{0x65, 1, 2, 3}
	for _, c := range []struct {
		name   string
		stream demux.Stream
		unit   *publish.Unit
		n      int
		fails  bool
	}{
		{"nothing", h264Stream, &publish.Unit{}, 0, false},
		{"no NAL units", h264Stream, &publish.Unit{Data: []byte{1}}, 0, false},
		{"an empty NAL unit", h264Stream, nalUnits(0, nil), 0, false},
		{"an empty one among others", h264Stream, nalUnits(0, slice, nil, slice), 1, false},
		{"RTP's own type", h264Stream, nalUnits(0, []byte{28, 0x80}, slice), 1, false},
		{"half a header", h265Stream, nalUnits(0, []byte{0x26}), 0, false},
		{"RTP's own type of H.265", h265Stream, nalUnits(0, []byte{49 << 1, 1, 0x80}), 0, false},
		{"an AAC frame too large", aacStream, &publish.Unit{Data: make([]byte, maxAAC+1)}, 0, true},
		{"an Opus packet too large", sound("opus", 48000, 2), &publish.Unit{Data: make([]byte, maxPayload+1)}, 0, true},
		{"AC-3 too large", sound("ac3", 48000, 2), &publish.Unit{Data: make([]byte, maxAC3+1)}, 0, true},
		{"VP9 noise", demux.Stream{Codec: "vp9"}, &publish.Unit{Data: []byte{0}}, 0, true},
		{"AV1 cut", demux.Stream{Codec: "av1"}, &publish.Unit{Data: []byte{0x0a, 0xff}}, 0, true},
		{"AV1 delimiter alone", demux.Stream{Codec: "av1"}, &publish.Unit{Data: []byte{0x12, 0}}, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _ := packetizerOf(t, c.stream)
			before := slices.Clone(c.unit.Data)
			list, err := p.packets(c.unit)
			if len(list) != c.n || (err != nil) != c.fails {
				t.Errorf("%d packets, %v; want %d, an error: %v", len(list), err, c.n, c.fails)
			}
			if !bytes.Equal(before, c.unit.Data) {
				t.Error("the unit, which others share, was written to")
			}
		})
	}
}

// The header of several NAL units in one packet says how important the most important
// of them is (RFC 6184 section 5.7), and what fits into a packet is not copied.
func TestH264Payloads(t *testing.T) {
	p, _ := packetizerOf(t, h264Stream)
	list, err := p.packets(nalUnits(0, []byte{0x06, 1}, h264SPS, []byte{0x41, 2}))
	if err != nil || len(list) != 1 || list[0].Payload[0] != 0x60|stapA {
		t.Errorf("%d packets, %v, want one that begins with %#x", len(list), err, 0x60|stapA)
	}
	u := nalUnits(0, noise(rand.New(rand.NewPCG(1, 1)), 1000, 0x41))
	if list, err = p.packets(u); err != nil || len(list) != 1 || &list[0].Payload[0] != &u.NALUs[0][0] {
		t.Errorf("%d packets, %v, want one that aliases the unit", len(list), err)
	}
}

func BenchmarkPacketize(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		name   string
		stream demux.Stream
		unit   *publish.Unit
	}{
		{"H264Picture", h264Stream, nalUnits(0, noise(r, 2500, 0x41))},
		{"H264Small", h264Stream, nalUnits(0, noise(r, 900, 0x41))},
		{"H264Key2MB", h264Stream, nalUnits(0, h264SPS, h264PPS, noise(r, 2<<20, 0x65))},
		{"AAC", aacStream, &publish.Unit{Data: noise(r, 340)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, _ := packetizerOf(b, c.stream)
			b.ReportAllocs()
			b.SetBytes(int64(len(c.unit.Data)))
			for b.Loop() {
				if _, err := p.packets(c.unit); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
