package rtsp

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"
)

// fixture reads the NAL units of a stream in testdata: three slices a picture of
// 64x64 or 128x192, or pictures that are refreshed column by column.
func fixture(tb testing.TB, name string) [][]byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return splitAnnexB([][]byte{b})
}

// fixtureUnits is the same as access units: parameter sets begin one, and first slices.
func fixtureUnits(tb testing.TB, name string) [][][]byte {
	tb.Helper()
	look := lookH264
	if filepath.Ext(name) == ".h265" {
		look = lookH265
	}
	var units [][][]byte
	sliced := true
	for _, n := range fixture(tb, name) {
		if l := look(n); sliced && (l.leads || l.first) {
			units, sliced = append(units, nil), false
		}
		sliced = sliced || look(n).slice
		units[len(units)-1] = append(units[len(units)-1], n)
	}
	return units
}

// packet makes the packet number seq.
func packet(seq uint16, rtpTime uint32, marker bool, payload ...byte) *rtp.Packet {
	return &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: rtpTime, Marker: marker}, Payload: payload}
}

// packetizer makes packets of 100 bytes of access units, 3000 ticks apart.
type packetizer struct {
	encode func([][]byte) ([]*rtp.Packet, error)
	seq    uint16
	time   uint32
}

func packetizerOf(tb testing.TB, f format.Format) *packetizer {
	tb.Helper()
	const size = 100
	p := &packetizer{seq: 65530, time: 1<<32 - 3000}
	one := func(encode func([]byte) ([]*rtp.Packet, error)) {
		p.encode = func(b [][]byte) ([]*rtp.Packet, error) { return encode(b[0]) }
	}
	var err error
	switch f := f.(type) {
	case *format.H264:
		f.PacketizationMode = 1
		e, err2 := f.CreateEncoder()
		e.PayloadMaxSize = size
		p.encode, err = e.Encode, err2
	case *format.H265:
		e, err2 := f.CreateEncoder()
		e.PayloadMaxSize = size
		p.encode, err = e.Encode, err2
	case *format.AV1:
		e, err2 := f.CreateEncoder()
		e.PayloadMaxSize = size
		p.encode, err = e.Encode, err2
	case *format.VP8:
		e, err2 := f.CreateEncoder()
		e.PayloadMaxSize = size
		one(e.Encode)
		err = err2
	case *format.VP9:
		e, err2 := f.CreateEncoder()
		e.PayloadMaxSize = size
		one(e.Encode)
		err = err2
	case *format.MPEG4Video:
		e, err2 := f.CreateEncoder()
		e.PayloadMaxSize = size
		one(e.Encode)
		err = err2
	case *format.MPEG1Video:
		e, err2 := f.CreateEncoder()
		e.PayloadMaxSize = size
		one(e.Encode)
		err = err2
	case *format.MPEG4Audio:
		e, err2 := f.CreateEncoder()
		p.encode, err = e.Encode, err2
	case *format.MPEG4AudioLATM:
		e, err2 := f.CreateEncoder()
		e.PayloadMaxSize = size
		one(e.Encode)
		err = err2
	case *format.MPEG1Audio:
		e, err2 := f.CreateEncoder()
		p.encode, err = e.Encode, err2
	case *format.AC3:
		e, err2 := f.CreateEncoder()
		p.encode, err = e.Encode, err2
	default:
		tb.Fatalf("no encoder for %T", f)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func (p *packetizer) unit(tb testing.TB, pieces ...[]byte) []*rtp.Packet {
	tb.Helper()
	packets, err := p.encode(pieces)
	if err != nil {
		tb.Fatal(err)
	}
	for _, q := range packets {
		q.SequenceNumber = p.seq
		p.seq++
		q.Timestamp += p.time
	}
	p.time += 3000
	return packets
}

func depacketizerOf(tb testing.TB, f format.Format, keep bool) *depacketizer {
	tb.Helper()
	c, ok := codecOf(f)
	if !ok {
		tb.Fatalf("%T is not known", f)
	}
	d, err := newDepacketizer(f, c, keep)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// feed pushes packets, noticing those that are missing, and wants no errors.
func feed(tb testing.TB, d *depacketizer, packets []*rtp.Packet) (units []unit) {
	tb.Helper()
	for i, p := range packets {
		if i > 0 && p.SequenceNumber != packets[i-1].SequenceNumber+1 {
			d.lost()
		}
		u, err := d.push(&rtp.Packet{Header: p.Header, Payload: bytes.Clone(p.Payload)})
		if err != nil {
			tb.Errorf("packet %d: %v", i, err)
		}
		units = append(units, u...)
	}
	return units
}

func describe(u unit) string {
	s := fmt.Sprintf("%d bytes at %d, %v long", len(u.data), u.rtpTime, u.duration)
	for _, f := range []struct {
		is   bool
		name string
	}{{u.key, "key"}, {u.recovery, "recovery"}, {u.damaged, "damaged"}, {u.params, "params"}} {
		if f.is {
			s += ", " + f.name
		}
	}
	return s
}

func checkUnits(tb testing.TB, name string, got, want []unit) {
	tb.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			tb.Errorf("%s: unit %d is missing: %s", name, i, describe(want[i]))
		case i >= len(want):
			tb.Errorf("%s: unit %d should not be: %s", name, i, describe(got[i]))
		case describe(got[i]) != describe(want[i]) || !bytes.Equal(got[i].data, want[i].data):
			tb.Errorf("%s: unit %d is %s\n%x\nwant %s\n%x", name, i, describe(got[i]), got[i].data, describe(want[i]), want[i].data)
		}
	}
}

// filled is n bytes that begin with head and have no start code in them.
func filled(n int, head ...byte) []byte {
	return append(head, bytes.Repeat([]byte{0xA5}, n-len(head))...)
}

func aacFormat() *format.MPEG4Audio {
	return &format.MPEG4Audio{
		Config:     &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 44100, ChannelConfig: 2},
		SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3,
	}
}

// TestEncoded puts together what the library's encoders take apart.
func TestEncoded(t *testing.T) {
	const t0, t1 = 1<<32 - 3000, 0
	lc := aacFormat().Config
	element := mpeg4audio.AudioMuxElement{StreamMuxConfig: muxConfig(lc, 1), Payloads: [][][][]byte{{{filled(300, 1)}}, {{filled(7, 2)}}}}
	latm, err := element.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	sequence, keyOBU, interOBU := filled(11, 0x08), filled(333, 0x30, 0x10), filled(150, 0x30, 0x30)
	lowOverhead := func(obus ...[]byte) (b []byte) {
		for _, o := range obus {
			b = append(b, o[0]|2)
			n := len(o) - 1
			if n > 127 {
				b = append(b, byte(n)|0x80)
				n >>= 7
			}
			b = append(append(b, byte(n)), o[1:]...)
		}
		return b
	}
	i4, p4 := filled(250, 0, 0, 1, 0xB6, 0x10), filled(120, 0, 0, 1, 0xB6, 0x50)
	i1 := slices.Concat(filled(12, 0, 0, 1, 0xB3), []byte{0, 0, 1, 0xB8, 1, 1, 1, 1, 0, 0, 1, 0, 1, 0x0F, 1, 1}, filled(300, 0, 0, 1, 1))
	p1 := slices.Concat([]byte{0, 0, 1, 0, 1, 0x17, 1, 1}, filled(300, 0, 0, 1, 1))
	vp8k, vp8p := filled(250, 0x10, 2, 0, 0x9D, 1, 0x2A), filled(150, 0x11)
	vp9k, vp9p := filled(250, 0x82, 0x49, 0x83, 0x42, 0x00, 0x03, 0xF0, 0x03, 0xF6), filled(150, 0x86)
	mp3 := filled(417, 0xFF, 0xFB, 0x90, 0x00)                                         // 128 kbit/s, 44.1 kHz
	aac := []time.Duration{ticks(1024, 44100), ticks(1152, 44100), ticks(1536, 48000)} // lengths
	ac3 := filled(768, 0x0B, 0x77, 0, 0, 0x14, 0x40, 0x2F, 0x84)                       // 192 kbit/s, 48 kHz
	for _, c := range []struct {
		f    format.Format
		in   [][][]byte
		want []unit
	}{
		{&format.AV1{}, [][][]byte{{sequence, keyOBU}, {interOBU}}, []unit{
			{data: lowOverhead(sequence, keyOBU), rtpTime: t0, key: true, params: true},
			{data: lowOverhead(interOBU), rtpTime: t1},
		}},
		{&format.VP8{}, [][][]byte{{vp8k}, {vp8p}}, []unit{{data: vp8k, rtpTime: t0, key: true}, {data: vp8p, rtpTime: t1}}},
		{&format.VP9{}, [][][]byte{{vp9k}, {vp9p}}, []unit{{data: vp9k, rtpTime: t0, key: true}, {data: vp9p, rtpTime: t1}}},
		{&format.MPEG4Video{Config: []byte{0, 0, 1, 0x20}}, [][][]byte{{i4}, {p4}}, []unit{{data: i4, rtpTime: t0, key: true}, {data: p4, rtpTime: t1}}},
		{&format.MPEG4Video{}, [][][]byte{{i4}, {append([]byte{0, 0, 1, 0x20, 9}, i4...)}}, []unit{
			{data: i4, rtpTime: t0}, {data: append([]byte{0, 0, 1, 0x20, 9}, i4...), rtpTime: t1, key: true},
		}},
		{&format.MPEG1Video{}, [][][]byte{{i1}, {p1}}, []unit{{data: i1, rtpTime: t0, key: true}, {data: p1, rtpTime: t1}}},
		{aacFormat(), [][][]byte{{filled(20, 1), filled(30, 2), filled(40, 3)}, {filled(5000, 4)}}, []unit{
			{data: filled(20, 1), rtpTime: t0, duration: aac[0], key: true},
			{data: filled(30, 2), rtpTime: t0 + 1024, duration: aac[0], key: true},
			{data: filled(40, 3), rtpTime: t0 + 2048, duration: aac[0], key: true},
			{data: filled(5000, 4), rtpTime: t1, duration: aac[0], key: true},
		}},
		{&format.MPEG4AudioLATM{StreamMuxConfig: muxConfig(lc, 1)}, [][][]byte{{latm}}, []unit{
			{data: filled(300, 1), rtpTime: t0, duration: aac[0], key: true},
			{data: filled(7, 2), rtpTime: t0 + 1024, duration: aac[0], key: true},
		}},
		{&format.MPEG4AudioLATM{CPresent: true}, [][][]byte{{filled(9)}, {filled(300)}}, []unit{ // the first may lack fragments
			{data: append([]byte{0x56, 0xE1, 0x2C}, filled(300)...), rtpTime: t1, key: true},
		}},
		{&format.MPEG1Audio{}, [][][]byte{{mp3, mp3}}, []unit{
			{data: mp3, rtpTime: t0, duration: aac[1], key: true}, {data: mp3, rtpTime: t0 + 2351, duration: aac[1], key: true},
		}},
		{&format.AC3{SampleRate: 48000, ChannelCount: 2}, [][][]byte{{ac3, ac3}}, []unit{
			{data: ac3, rtpTime: t0, duration: aac[2], key: true}, {data: ac3, rtpTime: t0 + 1536, duration: aac[2], key: true},
		}},
	} {
		e := packetizerOf(t, c.f)
		var packets []*rtp.Packet
		for _, u := range c.in {
			packets = append(packets, e.unit(t, u...)...)
		}
		checkUnits(t, fmt.Sprintf("%T", c.f), feed(t, depacketizerOf(t, c.f, false), packets), c.want)
	}
}

// TestSimpleSound has a unit for each packet.
func TestSimpleSound(t *testing.T) {
	for _, c := range []struct {
		name    string
		f       format.Format
		payload []byte
		want    time.Duration
	}{
		{"mu-law", &format.G711{MULaw: true, SampleRate: 8000, ChannelCount: 1}, filled(160), 20 * time.Millisecond},
		{"A-law, stereo", &format.G711{SampleRate: 16000, ChannelCount: 2}, filled(160), 5 * time.Millisecond},
		{"G.722", &format.G722{}, filled(160), 20 * time.Millisecond},
		{"L8", &format.LPCM{BitDepth: 8, SampleRate: 8000, ChannelCount: 1}, filled(80), 10 * time.Millisecond},
		{"L16", &format.LPCM{BitDepth: 16, SampleRate: 48000, ChannelCount: 2}, filled(192), time.Millisecond},
		{"L24", &format.LPCM{BitDepth: 24, SampleRate: 48000, ChannelCount: 2}, filled(288), time.Millisecond},
		{"Opus, SILK 60 ms", &format.Opus{ChannelCount: 2}, []byte{3 << 3, 1, 2}, 60 * time.Millisecond},
		{"Opus, CELT 2.5 ms", &format.Opus{ChannelCount: 2}, []byte{28 << 3, 1, 2}, 2500 * time.Microsecond},
		{"Opus, two of 20 ms", &format.Opus{ChannelCount: 2}, []byte{31<<3 | 1, 1, 2}, 40 * time.Millisecond},
		{"Opus, five of 10 ms", &format.Opus{ChannelCount: 6}, []byte{30<<3 | 3, 5, 2}, 50 * time.Millisecond},
	} {
		d := depacketizerOf(t, c.f, false)
		packets := []*rtp.Packet{packet(1, 100, false, c.payload...), packet(3, 200, true, c.payload...)} // one is lost
		checkUnits(t, c.name, feed(t, d, packets), []unit{
			{data: c.payload, rtpTime: 100, duration: c.want, key: true}, {data: c.payload, rtpTime: 200, duration: c.want, key: true},
		})
	}
}

func TestMJPEG(t *testing.T) {
	head := func(offset int) []byte {
		return []byte{0, byte(offset >> 16), byte(offset >> 8), byte(offset), 1, 50, 8, 8}
	}
	first, rest := append(head(0), filled(50)...), append(head(50), filled(30)...)
	d := depacketizerOf(t, &format.MJPEG{}, false)
	units := feed(t, d, []*rtp.Packet{
		packet(1, 0, true, rest...), // joined in the middle
		packet(2, 1, false, first...), packet(3, 1, true, rest...),
		packet(5, 2, true, rest...), // 4 is lost
		packet(6, 3, false, first...), packet(7, 3, true, rest...),
	})
	if len(units) != 2 || units[0].rtpTime != 1 || units[1].rtpTime != 3 {
		t.Fatalf("%d units, want those at 1 and 3", len(units))
	}
	for _, u := range units {
		scan := append(filled(80), 0xFF, 0xD9)
		if !u.key || !bytes.HasPrefix(u.data, []byte{0xFF, 0xD8}) || !bytes.HasSuffix(u.data, scan) {
			t.Errorf("%s is no whole picture: %x", describe(u), u.data)
		}
	}
}

// streams are the ones with slices: f, without parameter sets, and with.
func streams(tb testing.TB) []struct {
	name      string
	bare, sdp format.Format
	units     [][][]byte
	sets      int
} {
	tb.Helper()
	a, b := fixtureUnits(tb, "slices.h264"), fixtureUnits(tb, "slices.h265")
	if len(a) != 3 || len(b) != 2 {
		tb.Fatalf("%d and %d units in testdata, want 3 and 2", len(a), len(b))
	}
	b = append(b, b[0]) // so that both are a key frame, another picture, a key frame
	return []struct {
		name      string
		bare, sdp format.Format
		units     [][][]byte
		sets      int
	}{
		{"H.264", &format.H264{}, &format.H264{SPS: a[0][0], PPS: a[0][1]}, a, 2},
		{"H.265", &format.H265{}, &format.H265{VPS: b[0][0], SPS: b[0][1], PPS: b[0][2]}, b, 3},
	}
}

// TestParameterSets has them in the session description, in the stream, with a
// marker or a time of their own, or only once.
func TestParameterSets(t *testing.T) {
	for _, s := range streams(t) {
		key, inter := s.units[0], s.units[1]
		sets, naked := key[:s.sets], key[s.sets:]
		check := func(name string, f format.Format, change func([]*rtp.Packet), units [][][]byte, want ...unit) {
			t.Helper()
			e := packetizerOf(t, f)
			e.time = 0
			var packets []*rtp.Packet
			for _, u := range units {
				packets = append(packets, e.unit(t, u...)...)
			}
			if change != nil {
				change(packets)
			}
			checkUnits(t, s.name+", "+name, feed(t, depacketizerOf(t, f, false), packets), want)
		}
		at := func(n uint32, nals [][]byte) unit { return unit{data: annexB(nals), rtpTime: 3000 * n} }
		asKey := func(u unit) unit { u.key = true; return u }
		asNew := func(u unit) unit { u.params = true; return u }
		check("in-band", s.bare, nil, [][][]byte{key, inter, key}, asNew(asKey(at(0, key))), at(1, inter), asKey(at(2, key)))
		check("in both", s.sdp, nil, [][][]byte{key, inter}, asKey(at(0, key)), at(1, inter))
		check("in the session description", s.sdp, nil, [][][]byte{naked, inter}, asKey(at(0, naked)), at(1, inter))
		check("nowhere", s.bare, nil, [][][]byte{naked, inter}, at(0, naked), at(1, inter))
		check("once", s.bare, nil, [][][]byte{key, inter, naked}, asNew(asKey(at(0, key))), at(1, inter), asKey(at(2, key)))
		check("too late", s.bare, nil, [][][]byte{naked, key}, at(0, naked), asNew(asKey(at(1, key))))
		check("at another time", s.bare, nil, [][][]byte{sets, naked, inter}, asNew(asKey(at(1, key))), at(2, inter))
		check("at another time, no markers", s.bare, func(packets []*rtp.Packet) {
			for _, p := range packets {
				p.Marker = false
			}
		}, [][][]byte{sets, naked, inter, inter}, asNew(asKey(at(1, key))), at(2, inter))

		aud := []byte{0x09, 0xF0}
		if s.sets == 3 {
			aud = []byte{0x46, 0x01, 0x50}
		}
		with := func(nals [][]byte) [][]byte { return slices.Concat([][]byte{aud}, nals) }
		check("delimiters", s.bare, nil, [][][]byte{with(key), with(inter), with(naked)},
			asNew(asKey(at(0, with(key)))), at(1, with(inter)), asKey(at(2, with(key))))
	}
}

// TestNewParameterSets replace those of the session description, also where a later
// key frame comes without.
func TestNewParameterSets(t *testing.T) {
	u := fixtureUnits(t, "slices.h264")
	key := u[0]
	f := &format.H264{SPS: []byte{0x67, 1, 2, 3}, PPS: []byte{0x68, 1}}
	e := packetizerOf(t, f)
	d := depacketizerOf(t, f, false)
	got := feed(t, d, slices.Concat(e.unit(t, key...), e.unit(t, u[1]...), e.unit(t, key[2:]...)))
	checkUnits(t, "new sets", got, []unit{
		{data: annexB(key), rtpTime: 1<<32 - 3000, key: true, params: true},
		{data: annexB(u[1]), rtpTime: 0},
		{data: annexB(key), rtpTime: 3000, key: true},
	})
	d.restart()
	got = feed(t, d, e.unit(t, key[2:]...))
	checkUnits(t, "after a restart", got, []unit{{data: annexB(key[2:]), rtpTime: 6000, key: true}})
}

// TestLoss loses each packet of a key frame of three slices, alone and with the one
// after it.
func TestLoss(t *testing.T) {
	for _, s := range streams(t) {
		for _, f := range []format.Format{s.bare, s.sdp} {
			for _, markers := range []bool{true, false} {
				e := packetizerOf(t, f)
				var packets []*rtp.Packet
				whole := map[string]bool{} // those that can be decoded
				for i, u := range slices.Concat(s.units, s.units) {
					packets = append(packets, e.unit(t, u...)...)
					whole[string(annexB(u))] = true
					if i%3 != 1 && f == s.sdp { // without the sets
						whole[string(annexB(u[s.sets:]))] = true
					}
				}
				if !markers {
					for _, p := range packets {
						p.Marker = false
					}
				}
				for at := range packets {
					for n := 1; n <= 2; n++ {
						left := slices.Delete(slices.Clone(packets), at, min(at+n, len(packets)))
						if at == 0 || len(left) == at {
							continue
						}
						units := feed(t, depacketizerOf(t, f, false), left)
						from, to := packets[at].Timestamp, packets[min(at+n, len(packets))-1].Timestamp
						times := map[uint32]bool{}
						for _, u := range units {
							times[u.rtpTime] = true
							if !whole[string(u.data)] || u.damaged {
								t.Errorf("%s, packets %d+%d of %d lost, markers %v: %s is not whole", s.name, at, n, len(packets), markers, describe(u))
							}
						}
						last := packets[len(packets)-1].Timestamp
						for _, p := range packets {
							// Without markers, a unit that ends where packets are missing may lack some.
							cut := int32(p.Timestamp-from) >= 0 && int32(p.Timestamp-to) <= 0 ||
								!markers && (p.Timestamp == last || p.Timestamp == packets[at-1].Timestamp)
							if !cut && !times[p.Timestamp] {
								t.Errorf("%s, packets %d+%d of %d lost, markers %v: the unit at %d is not given out", s.name, at, n, len(packets), markers, p.Timestamp)
								break
							}
						}
					}
				}
			}
		}
	}
}

// TestJoin joins a stream at each packet.
func TestJoin(t *testing.T) {
	for _, s := range streams(t) {
		e := packetizerOf(t, s.sdp)
		packets := e.unit(t, s.units[0]...)
		first := len(packets)
		packets = append(packets, e.unit(t, s.units[2]...)...)
		for at := range packets {
			for _, u := range feed(t, depacketizerOf(t, s.sdp, false), packets[at:]) {
				if n := annexB(s.units[0][s.sets:]); !bytes.HasSuffix(u.data, n) && !bytes.Equal(u.data, annexB(s.units[2])) && !bytes.HasSuffix(u.data, annexB(s.units[2][s.sets:])) {
					t.Errorf("%s, from packet %d: %s is not whole", s.name, at, describe(u))
				}
			}
		}
		if got := feed(t, depacketizerOf(t, s.sdp, false), packets[first-1:]); len(got) != 1 || !got[0].key {
			t.Errorf("%s, joined before a key frame: %d units, want that", s.name, len(got))
		}
	}
}

// TestDamaged has what is left given out.
func TestDamaged(t *testing.T) {
	for _, s := range streams(t) {
		e := packetizerOf(t, s.sdp)
		packets := e.unit(t, s.units[0]...)
		n := len(packets)
		packets = slices.Concat(packets, e.unit(t, s.units[1]...), e.unit(t, s.units[2]...))
		for at := 1; at < n; at++ {
			units := feed(t, depacketizerOf(t, s.sdp, true), slices.Delete(slices.Clone(packets), at, at+1))
			if len(units) != 3 {
				t.Errorf("%s, packet %d of %d lost: %d units, want 3", s.name, at, n, len(units))
				continue
			}
			if u := units[0]; !u.damaged || u.key || len(u.data) == 0 || len(u.data) >= len(annexB(s.units[0])) {
				t.Errorf("%s, packet %d lost: the first unit is %s of %d", s.name, at, describe(u), len(annexB(s.units[0])))
			}
			// The end of the first is lost, and the second may be meant.
			if u := units[2]; u.damaged || !u.key || !bytes.Equal(u.data, annexB(s.units[2])) {
				t.Errorf("%s, packet %d lost: the third unit is %s", s.name, at, describe(u))
			}
		}
	}
	// The beginning of a fragmented slice is given out.
	f := &format.H264{PacketizationMode: 1, SPS: []byte{0x67, 1}, PPS: []byte{0x68, 1}}
	got := feed(t, depacketizerOf(t, f, true), []*rtp.Packet{
		packet(1, 7, false, 0x7C, 0x85, 0x88, 1, 2), packet(2, 7, false, 0x7C, 0x05, 3, 4), packet(4, 7, true, 0x7C, 0x45, 7, 8),
		packet(5, 8, true, 0x41, 0x9A, 1),
	})
	checkUnits(t, "slice", got, []unit{
		{data: annexB([][]byte{{0x65, 0x88, 1, 2, 3, 4}}), rtpTime: 7, damaged: true},
		{data: annexB([][]byte{{0x41, 0x9A, 1}}), rtpTime: 8},
	})
}

// TestPayloads are what senders do, by hand.
func TestPayloads(t *testing.T) {
	sps, pps, idr, inter := []byte{0x67, 1, 2}, []byte{0x68, 3}, []byte{0x65, 0x88, 4}, []byte{0x41, 0x9A, 5}
	later := []byte{0x65, 0x48, 6} // a slice that is not the first
	stap := []byte{0x78, 0, 3, 0x67, 1, 2, 0, 2, 0x68, 3}
	key := unit{data: annexB([][]byte{sps, pps, idr}), rtpTime: 9, key: true, params: true}
	for _, c := range []struct {
		name string
		in   []*rtp.Packet
		want []unit
	}{
		{"STAP-A", []*rtp.Packet{packet(1, 9, false, stap...), packet(2, 9, true, idr...)}, []unit{key}},
		{"single NAL units", []*rtp.Packet{packet(1, 9, false, sps...), packet(2, 9, false, pps...), packet(3, 9, true, idr...)}, []unit{key}},
		{"a marker each", []*rtp.Packet{packet(1, 9, true, sps...), packet(2, 9, true, pps...), packet(3, 9, true, idr...)}, []unit{key}},
		{"start codes within", []*rtp.Packet{packet(1, 9, true, key.data...)}, []unit{key}},
		{"start codes of 3 bytes within", []*rtp.Packet{packet(1, 9, true, bytes.ReplaceAll(key.data, startCode, startCode[1:])...)}, []unit{key}},
		{"padding", []*rtp.Packet{packet(1, 9, false), packet(2, 9, false, stap...), packet(3, 9, true), packet(4, 9, true, idr...)}, []unit{key}},
		{"FU-A of one packet", []*rtp.Packet{packet(1, 9, false, stap...), packet(2, 9, true, 0x7C, 0xC5, 0x88, 4)}, []unit{key}},
		{
			"without the first slice",
			[]*rtp.Packet{packet(1, 9, false, stap...), packet(2, 9, true, later...)},
			[]unit{{data: annexB([][]byte{sps, pps, later}), rtpTime: 9, params: true}},
		},
		{"from the second slice", []*rtp.Packet{packet(1, 9, true, later...), packet(2, 10, true, inter...)}, []unit{{data: annexB([][]byte{inter}), rtpTime: 10}}},
		{"sets without a picture", []*rtp.Packet{packet(1, 9, true, stap...)}, nil},
	} {
		checkUnits(t, c.name, feed(t, depacketizerOf(t, &format.H264{PacketizationMode: 1}, false), c.in), c.want)
	}

	h265 := slices.Concat([]byte{0x60, 1, 0, 3, 0x40, 1, 7, 0, 3, 0x42, 1, 8, 0, 3, 0x44, 1, 9}) // AP
	want := annexB([][]byte{{0x40, 1, 7}, {0x42, 1, 8}, {0x44, 1, 9}, {0x2A, 1, 0x80}})
	got := feed(t, depacketizerOf(t, &format.H265{}, false), []*rtp.Packet{packet(1, 9, false, h265...), packet(2, 9, true, 0x2A, 1, 0x80)})
	checkUnits(t, "AP and CRA", got, []unit{{data: want, rtpTime: 9, key: true, params: true}})
}

// TestBadPackets are counted, and what they were part of is not given out.
func TestBadPackets(t *testing.T) {
	f := &format.H264{PacketizationMode: 1, SPS: []byte{0x67, 1}, PPS: []byte{0x68, 1}}
	for _, c := range []struct {
		name string
		bad  []byte
	}{
		{"STAP-A beyond its end", []byte{0x78, 0xFF, 0xFF, 0x65}},
		{"STAP-B", []byte{0x79, 0, 0, 0}},
		{"FU-A without a beginning", []byte{0x7C, 0x45, 1}},
		{"FU-A without a header", []byte{0x7C}},
	} {
		d := depacketizerOf(t, f, false)
		var errs int
		var units []unit
		for _, p := range []*rtp.Packet{
			packet(1, 1, false, 0x65, 0x88, 1), packet(2, 1, false, c.bad...), packet(3, 1, true, 0x65, 0x48, 2),
			packet(4, 2, true, 0x65, 0x88, 3),
		} {
			u, err := d.push(p)
			units = append(units, u...)
			if err != nil {
				errs++
			}
		}
		if errs != 1 {
			t.Errorf("%s: %d errors, want 1", c.name, errs)
		}
		checkUnits(t, c.name, units, []unit{{data: annexB([][]byte{{0x65, 0x88, 3}}), rtpTime: 2, key: true}})
	}
}

func TestFragmentWithoutEnd(t *testing.T) {
	f := &format.H264{PacketizationMode: 1, SPS: []byte{0x67, 1}, PPS: []byte{0x68, 1}}
	d := depacketizerOf(t, f, false)
	if _, err := d.push(packet(1, 1, false, 0x7C, 0x85, 0x88)); err != nil {
		t.Error(err)
	}
	units, err := d.push(packet(2, 2, true, 0x65, 0x88, 3))
	if err == nil {
		t.Error("no error for a unit without an end")
	}
	checkUnits(t, "the next", units, []unit{{data: annexB([][]byte{{0x65, 0x88, 3}}), rtpTime: 2, key: true}})
}

// TestRecoveryPoint has a stream that never has a key frame after the first.
func TestRecoveryPoint(t *testing.T) {
	f := &format.H264{}
	e := packetizerOf(t, f)
	var packets []*rtp.Packet
	units := fixtureUnits(t, "refresh.h264")
	for _, u := range units {
		packets = append(packets, e.unit(t, u...)...)
	}
	var keys, recoveries int
	for i, u := range feed(t, depacketizerOf(t, f, false), packets) {
		if !bytes.Equal(u.data, annexB(units[i])) {
			t.Errorf("unit %d is not what was sent", i)
		}
		if u.key && u.recovery {
			t.Errorf("unit %d is a key frame and a recovery point", i)
		}
		if u.key {
			keys++
		}
		if u.recovery {
			recoveries++
		}
	}
	if keys != 1 || recoveries != 1 {
		t.Errorf("%d key frames and %d recovery points, want 1 and 1", keys, recoveries)
	}
	got := feed(t, depacketizerOf(t, &format.H265{VPS: []byte{0x40, 1}, SPS: []byte{0x42, 1}, PPS: []byte{0x44, 1}}, false),
		[]*rtp.Packet{packet(1, 1, false, 0x4E, 1, 6, 1, 0x50, 0x80), packet(2, 1, true, 2, 1, 0x80, 5)})
	checkUnits(t, "H.265", got, []unit{{data: annexB([][]byte{{0x4E, 1, 6, 1, 0x50, 0x80}, {2, 1, 0x80, 5}}), rtpTime: 1, recovery: true}})
}

// TestEndlessUnit has a sender that never ends a unit.
func TestEndlessUnit(t *testing.T) {
	sets := []byte{0x67, 1}
	for _, c := range []struct {
		name  string
		f     format.Format
		first []byte
		then  []byte
	}{
		{"H.264 slices", &format.H264{SPS: sets, PPS: sets}, []byte{0x65, 0x88}, filled(1000, 0x41, 0x20)},
		{"H.264 parameter sets", &format.H264{}, []byte{0x67, 1}, filled(1000, 0x67)},
		{"H.264 fragments", &format.H264{PacketizationMode: 1}, []byte{0x7C, 0x85, 0x88}, filled(1000, 0x7C, 0x05)},
		{"H.264 empty fragments", &format.H264{PacketizationMode: 1}, []byte{0x7C, 0x85, 0x88}, []byte{0x7C, 0x05}},
		{"VP8", &format.VP8{}, filled(10, 0x10), filled(1000, 0)},
		{"MPEG-1 video fragments", &format.MPEG1Video{}, []byte{0, 0, 0x10, 0, 0, 0, 1, 0xB3}, filled(1000, 0, 0, 0, 0)},
		{"JPEG without data", &format.MJPEG{}, []byte{0, 0, 0, 0, 1, 50, 8, 8}, []byte{0, 0, 0, 0, 1, 50, 8, 8}},
	} {
		d := depacketizerOf(t, c.f, false)
		_, _ = d.push(packet(0, 1, false, c.first...))
		var err error
		for i := 1; i < 40000 && err == nil; i++ {
			_, err = d.push(packet(uint16(i), 1, false, c.then...))
			if d.bytes > maxUnit || d.packets > maxPackets {
				t.Fatalf("%s: %d bytes in %d packets are kept", c.name, d.bytes, d.packets)
			}
		}
		if err == nil {
			t.Errorf("%s: no error", c.name)
		}
	}
}

// fuzzFormats are what the fuzz target of the depacketizer goes through.
func fuzzFormats() []format.Format {
	lc := aacFormat().Config
	return []format.Format{
		&format.H264{PacketizationMode: 1}, &format.H264{PacketizationMode: 1, SPS: []byte{0x67, 1}, PPS: []byte{0x68, 1}},
		&format.H265{}, &format.H265{VPS: []byte{0x40, 1}, SPS: []byte{0x42, 1}, PPS: []byte{0x44, 1}},
		&format.AV1{}, &format.VP8{}, &format.VP9{}, &format.MJPEG{}, &format.MPEG4Video{}, &format.MPEG1Video{},
		aacFormat(), &format.MPEG4AudioLATM{StreamMuxConfig: muxConfig(lc, 1)}, &format.MPEG4AudioLATM{CPresent: true},
		&format.Opus{ChannelCount: 2}, &format.G711{SampleRate: 8000, ChannelCount: 1}, &format.G722{},
		&format.LPCM{BitDepth: 24, SampleRate: 48000, ChannelCount: 2}, &format.MPEG1Audio{}, &format.AC3{SampleRate: 48000, ChannelCount: 2},
	}
}

// script is packets one after another: a byte that says what happens (1: marker, 2:
// another time, 4: some are lost before, 8: the sender began anew, 16: the sequence
// number jumps), the payload's length, the payload.
func script(packets []*rtp.Packet) (b []byte) {
	for i, p := range packets {
		var what byte
		if p.Marker {
			what |= 1
		}
		if i > 0 && p.Timestamp != packets[i-1].Timestamp {
			what |= 2
		}
		b = append(append(b, what, byte(len(p.Payload))), p.Payload...)
	}
	return b
}

func FuzzDepacketizer(f *testing.F) {
	for _, s := range streams(f) {
		for i, fuzzed := range fuzzFormats()[:4] {
			if fmt.Sprintf("%T", fuzzed) != fmt.Sprintf("%T", s.bare) {
				continue
			}
			e := packetizerOf(f, s.bare)
			var packets []*rtp.Packet
			for _, u := range s.units {
				packets = append(packets, e.unit(f, u...)...)
			}
			f.Add(uint8(i), false, script(packets))
			f.Add(uint8(i), true, script(packets[1:]))
		}
	}
	for i, b := range [][]byte{
		4:  {1, 6, 0x18, 3, 0x08, 1, 2, 0x30},
		5:  {1, 5, 0x10, 0x10, 2, 0, 0x9D},
		6:  {1, 5, 0x0C, 0x82, 0x49, 0x83, 0x42},
		7:  {1, 12, 0, 0, 0, 0, 1, 50, 8, 8, 1, 2, 3, 4},
		8:  {1, 6, 0, 0, 1, 0xB6, 0x10, 5},
		9:  {1, 12, 0, 0, 0x18, 0, 0, 0, 1, 0xB3, 1, 2, 3, 4},
		10: {1, 7, 0, 16, 0, 0x18, 1, 2, 3},
		11: {1, 5, 2, 1, 2, 1, 3},
		12: {1, 3, 1, 2, 3},
		13: {0, 3, 0xF8, 1, 2},
		17: {0, 8, 0, 0, 0, 0, 0xFF, 0xFB, 0x90, 0},
		18: {0, 8, 0, 1, 0x0B, 0x77, 0, 0, 0x10, 0x40},
	} {
		f.Add(uint8(i), i%2 == 0, b)
	}
	f.Fuzz(func(t *testing.T, kind uint8, keep bool, b []byte) {
		formats := fuzzFormats()
		d := depacketizerOf(t, formats[int(kind)%len(formats)], keep)
		var seq uint16
		var rtpTime uint32
		size := 0
		for len(b) >= 2 {
			what, n := b[0], min(int(b[1]), len(b)-2)
			payload := bytes.Clone(b[2 : 2+n])
			b = b[2+n:]
			size += n
			seq++
			if what&2 != 0 {
				rtpTime += 3000
			}
			if what&16 != 0 {
				seq++
			}
			if what&4 != 0 {
				d.lost()
			}
			if what&8 != 0 {
				d.restart()
			}
			units, _ := d.push(packet(seq, rtpTime, what&1 != 0, payload...))
			for _, u := range units {
				if len(u.data) == 0 || u.damaged && (!keep || u.key || u.recovery) || u.key && u.recovery || u.duration < 0 {
					t.Errorf("%s of %T", describe(u), d.f)
				}
			}
		}
		if d.bytes > size {
			t.Errorf("%d bytes are kept of %d", d.bytes, size)
		}
	})
}
