package ffmpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"planar/audio"
	"planar/demux"
)

// program is a second of pictures and sound, interleaved by time.
func program(t testing.TB, video, sound string, blocks int) ([]demux.Stream, []demux.Packet) {
	t.Helper()
	v := newVideoEncoder(t, &planar420(t, 160, 120, 0).Picture, demux.VideoEncoding{Codec: video, Rate: rate25, GOP: 10})
	a := newAudioEncoder(t, audio.Format{Sample: audio.F32, Rate: 48000, Channels: 2}, demux.AudioEncoding{Codec: sound})
	streams := []demux.Stream{v.Stream(), a.Stream()}
	var ps []demux.Packet
	for i := range blocks {
		got, err := v.Encode(planar420(t, 160, 120, i), false)
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, got...)
		got, err = a.Encode(soundBlock(i*1920, 1920, 2, 48000))
		if err != nil {
			t.Fatal(err)
		}
		for j := range got {
			got[j].Stream = 1
		}
		ps = append(ps, got...)
	}
	return streams, ps
}

// essence is what must come back of a packet: the NAL units of a picture without
// delimiters and headers that a container keeps apart, or the bytes of sound.
// lengths says that NAL units have their length before them, not start codes.
func essence(b []byte, codec string, lengths bool) string {
	if codec != "h264" && codec != "hevc" {
		if codec == "aac" && len(b) > 7 && b[0] == 0xff && b[1]&0xf0 == 0xf0 {
			b = b[7:] // ADTS
		}
		return sum(b)
	}
	var parts []string
	add := func(u []byte) {
		if t := unitType(u, codec); !isLitter(t, codec) && !isParameterSet(t, codec) {
			parts = append(parts, sum(u))
		}
	}
	if !lengths {
		units(b, func(u []byte, _ int) { add(u) })
		return strings.Join(parts, " ")
	}
	for len(b) > 4 {
		n := min(int(binary.BigEndian.Uint32(b)), len(b)-4)
		add(b[4 : 4+n])
		b = b[4+n:]
	}
	return strings.Join(parts, " ")
}

func mux(t testing.TB, format string, streams []demux.Stream, ps []demux.Packet, w io.Writer, o MuxerOptions) {
	t.Helper()
	m, err := NewMuxer(format, streams, w, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ps {
		if err := m.Write(p.Stream, &p); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

// pipe is a file that cannot seek.
type pipe struct{ io.Writer }

func TestMux(t *testing.T) {
	type key struct{ v, a string }
	programs := map[key]func() ([]demux.Stream, []demux.Packet){}
	for _, k := range []key{{"h264", "aac"}, {"hevc", "opus"}} {
		s, p := program(t, k.v, k.a, 25)
		programs[k] = func() ([]demux.Stream, []demux.Packet) { return s, p }
	}
	for _, c := range []struct {
		format, video, sound string
		seek, live, check    bool
		tick                 time.Duration // what timestamps may be off by
	}{
		{"mpegts", "h264", "aac", false, true, true, 12 * time.Microsecond},
		{"mpegts", "h264", "aac", true, false, false, 12 * time.Microsecond},
		{"mpegts", "hevc", "opus", false, true, true, 12 * time.Microsecond},
		{"mp4", "h264", "aac", true, false, true, 12 * time.Microsecond},
		{"mp4", "h264", "aac", false, false, false, 21 * time.Microsecond},
		{"mp4", "h264", "aac", true, true, false, 21 * time.Microsecond},
		{"mp4", "hevc", "opus", true, false, true, 12 * time.Microsecond},
		{"mov", "h264", "aac", true, false, false, 12 * time.Microsecond},
		{"matroska", "h264", "aac", true, false, false, time.Millisecond},
		{"matroska", "hevc", "opus", false, true, true, time.Millisecond},
		{"flv", "h264", "aac", false, true, false, time.Millisecond},
		{"flv", "h264", "aac", true, false, false, time.Millisecond},
	} {
		name := fmt.Sprintf("%s/%s+%s/seek=%t,live=%t", c.format, c.video, c.sound, c.seek, c.live)
		t.Run(name, func(t *testing.T) {
			streams, ps := programs[key{c.video, c.sound}]()
			path := filepath.Join(t.TempDir(), "out")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			var w io.Writer = f
			if !c.seek {
				w = pipe{f}
			}
			mux(t, c.format, streams, ps, w, MuxerOptions{Live: c.live})
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			src := open(t, path, Options{})
			got := map[string][]demux.Packet{}
			all := src.Streams()
			codecOf := func(i int) string {
				for _, s := range all {
					if s.Index == i {
						return s.Codec
					}
				}
				return ""
			}
			if len(all) != 2 || all[0].Codec != c.video || all[1].Codec != c.sound || all[0].Width != 160 || all[1].Sound.Rate != 48000 || all[1].Sound.Channels != 2 {
				t.Fatalf("streams %+v", all)
			}
			if c.format != "mpegts" {
				for i, s := range all {
					if len(s.Config) == 0 {
						t.Errorf("stream %d has no Config", i)
					}
				}
				if c.sound == "aac" && !bytes.HasPrefix(all[1].Config, streams[1].Config[:2]) {
					t.Errorf("AudioSpecificConfig % x, want % x", all[1].Config, streams[1].Config)
				}
			}
			for {
				p, err := src.Read()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				q := *p
				q.Data, q.OnFree, q.Native = append([]byte(nil), p.Bytes()...), nil, nil
				p.Release()
				got[codecOf(q.Stream)] = append(got[codecOf(q.Stream)], q)
			}
			var offset time.Duration
			for i, codec := range []string{c.video, c.sound} {
				var want []demux.Packet
				for _, p := range ps {
					if p.Stream == i {
						want = append(want, p)
					}
				}
				have := got[codec]
				if len(have) != len(want) {
					t.Fatalf("%s: %d packets, want %d", codec, len(have), len(want))
				}
				if i == 0 {
					offset = have[0].PTS - want[0].PTS
				}
				for j := range want {
					if essence(have[j].Data, codec, c.format != "mpegts") != essence(want[j].Data, codec, false) {
						t.Fatalf("%s packet %d: other bytes, %d instead of %d", codec, j, len(have[j].Data), len(want[j].Data))
					}
					if have[j].Key != want[j].Key {
						t.Errorf("%s packet %d: key %t, want %t", codec, j, have[j].Key, want[j].Key)
					}
					// Sound before the first picture is moved up to it in some containers.
					if d := have[j].PTS - want[j].PTS - offset; (d < -c.tick || d > c.tick) && want[j].PTS >= 0 {
						t.Errorf("%s packet %d: PTS %v, want %v", codec, j, have[j].PTS-offset, want[j].PTS)
					}
				}
			}
			if c.check {
				ffmpegCLI(t, "-xerror", "-i", path, "-f", "null", "-") // must not fail
			}
		})
	}
}

// Elementary streams and what is not a container of pictures.
func TestMuxPlain(t *testing.T) {
	streams, ps := program(t, "h264", "aac", 12)
	for format, i := range map[string]int{"h264": 0, "adts": 1} {
		var out bytes.Buffer
		var one []demux.Packet
		var size int
		for _, p := range ps {
			if p.Stream == i {
				p.Stream = 0
				one = append(one, p)
				size += len(p.Data) + 7*i
			}
		}
		mux(t, format, streams[i:i+1], one, &out, MuxerOptions{})
		if out.Len() != size {
			t.Errorf("%s: %d bytes, want %d", format, out.Len(), size)
		}
	}
	pcm := make([]byte, 48000)
	for i := range pcm {
		pcm[i] = byte(i * 7)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "a.wav"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := demux.Stream{Kind: demux.Audio, Codec: "pcm_s16le", Sound: audio.Format{Sample: "s16", Rate: 48000, Channels: 2}}
	mux(t, "wav", []demux.Stream{s}, []demux.Packet{{Data: pcm, Duration: 250 * time.Millisecond, Key: true}}, f, MuxerOptions{})
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(b, pcm) || binary.LittleEndian.Uint32(b[4:]) != uint32(len(b)-8) {
		t.Errorf("a file of %d bytes says that it has %d", len(b), binary.LittleEndian.Uint32(b[4:])+8)
	}
}

// Opus without a header is mono or stereo.
func TestMuxOpusHead(t *testing.T) {
	streams, ps := program(t, "h264", "opus", 12)
	streams[1].Config = nil
	path := filepath.Join(t.TempDir(), "out.mkv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	mux(t, "matroska", streams, ps, f, MuxerOptions{})
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s := firstOf(t, open(t, path, Options{}), demux.Audio)
	if !bytes.HasPrefix(s.Config, []byte("OpusHead\x01\x02")) || len(s.Config) != 19 {
		t.Errorf("header %q", s.Config)
	}
}

// Pictures out of order, whose first DTS is before 0, keep their times in every
// container.
func TestMuxReordered(t *testing.T) {
	file := clip(t, "bframes.ts", with(pattern("160x120", "25", 2), tone(2, 48000),
		strings.Fields("-pix_fmt yuv420p -c:v libx264 -preset ultrafast -bf 2 -g 25 -c:a aac -f mpegts"))...)
	read := func(path string) (streams []demux.Stream, ps []demux.Packet) {
		src := open(t, path, Options{})
		for i, k := range []demux.Kind{demux.Video, demux.Audio} {
			s := firstOf(t, src, k)
			s.Index = i
			streams = append(streams, s)
		}
		video := firstOf(t, src, demux.Video).Index
		for {
			p, err := src.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			q := demux.Packet{PTS: p.PTS, DTS: p.DTS, Duration: p.Duration, Key: p.Key, Data: append([]byte(nil), p.Bytes()...)}
			if p.Stream != video {
				q.Stream = 1
			}
			ps = append(ps, q)
			p.Release()
		}
		zero := ps[slices.IndexFunc(ps, func(p demux.Packet) bool { return p.Stream == 0 })].PTS
		for i := range ps {
			ps[i].PTS -= zero
			ps[i].DTS -= zero
		}
		return streams, ps
	}
	streams, ps := read(file)
	for i := range ps { // what publish.Unit wants
		if ps[i].Stream == 1 && len(ps[i].Data) > 7 {
			ps[i].Data = ps[i].Data[7:]
		}
	}
	streams[1].Config = []byte{0x11, 0x88} // AAC LC, 48 kHz, mono
	of := func(ps []demux.Packet, stream int) (out []demux.Packet) {
		for _, p := range ps {
			if p.Stream == stream && (stream == 0 || p.PTS > 50*time.Millisecond) {
				out = append(out, p)
			}
		}
		return out
	}
	for _, format := range []string{"mpegts", "mp4", "matroska", "flv"} {
		for _, live := range []bool{true, false} {
			path := filepath.Join(t.TempDir(), "out")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			mux(t, format, streams, ps, f, MuxerOptions{Live: live})
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			_, back := read(path)
			for stream := range 2 {
				want, have := of(ps, stream), of(back, stream)
				if len(have) != len(want) || len(want) < 40 {
					t.Errorf("%s, live %t: stream %d: %d packets, want %d", format, live, stream, len(have), len(want))
					continue
				}
				for i := range want {
					d := have[i].PTS - want[i].PTS
					if d.Abs() > time.Millisecond {
						t.Errorf("%s, live %t: stream %d, packet %d: PTS %v, want %v", format, live, stream, i, have[i].PTS, want[i].PTS)
						break
					}
				}
			}
		}
	}
}

// A transport stream that is written live comes out packet by packet, with its tables
// before each key picture.
func TestMuxLive(t *testing.T) {
	streams, ps := program(t, "h264", "aac", 25)
	var out bytes.Buffer
	m, err := NewMuxer("mpegts", streams, &out, MuxerOptions{Live: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for i, p := range ps {
		out.Reset()
		if err := m.Write(p.Stream, &p); err != nil {
			t.Fatal(err)
		}
		b := out.Bytes()
		if len(b) < len(p.Data) || len(b)%188 != 0 || b[0] != 0x47 {
			t.Fatalf("packet %d of %d bytes: %d bytes come out", i, len(p.Data), len(b))
		}
		pids := []uint16{}
		for ; len(b) > 0; b = b[188:] {
			pids = append(pids, binary.BigEndian.Uint16(b[1:])&0x1fff)
		}
		if at := slices.Index(pids, 0); p.Key && p.Stream == 0 && (at < 0 || at > slices.Index(pids, 256)) {
			t.Errorf("key picture, packet %d: no tables before it: PIDs %v", i, pids)
		}
	}
	for _, c := range []struct {
		format string
		held   bool
	}{{"flv", false}, {"matroska", true}, {"mp4", true}} {
		var out bytes.Buffer
		m, err := NewMuxer(c.format, streams, &out, MuxerOptions{Live: true})
		if err != nil {
			t.Fatal(err)
		}
		if out.Len() == 0 {
			t.Errorf("%s: no header", c.format)
		}
		out.Reset()
		if err := m.Write(0, &ps[0]); err != nil {
			t.Fatal(err)
		}
		if !c.held && out.Len() < len(ps[0].Data) {
			t.Errorf("%s: %d bytes of %d come out at once", c.format, out.Len(), len(ps[0].Data))
		}
		if err := m.Flush(); err != nil {
			t.Fatal(err)
		}
		if out.Len() < len(ps[0].Data)-64 { // without some parameter sets
			t.Errorf("%s: %d bytes of %d after Flush", c.format, out.Len(), len(ps[0].Data))
		}
		for _, p := range ps[1:] {
			if err := m.Write(p.Stream, &p); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// full takes some bytes, and then the disk is full.
type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	if f.room -= len(b); f.room < 0 {
		return 0, &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	}
	return len(b), nil
}

type fullSeeker struct{ *full }

func (f fullSeeker) Seek(o int64, whence int) (int64, error) { return o, nil }

func TestMuxErrors(t *testing.T) {
	streams, ps := program(t, "h264", "aac", 8)
	for _, format := range []string{"mpegts", "mp4", "matroska", "flv"} {
		for _, room := range []int{0, 3000, 20000, 1 << 30} {
			for _, live := range []bool{true, false} {
				var w io.Writer = &full{room: room}
				if !live {
					w = fullSeeker{&full{room: room}}
				}
				m, err := NewMuxer(format, streams, w, MuxerOptions{Live: live})
				if err == nil {
					for i := 0; i < 20 && err == nil; i++ { // more than the buffer
						for _, p := range ps {
							p.PTS += time.Duration(i) * time.Second
							p.DTS = p.PTS
							if err = m.Write(p.Stream, &p); err != nil {
								break
							}
						}
					}
					cerr := m.Close()
					if (err == nil) != (cerr == nil) && room < 1<<30 && err != nil {
						t.Errorf("%s, %d bytes: Write said %v, Close %v", format, room, err, cerr)
					}
					err = errors.Join(err, cerr)
				}
				if want := room < 1<<30; errors.Is(err, syscall.ENOSPC) != want || (err != nil) != want {
					t.Errorf("%s, live %t, room for %d bytes: error %v", format, live, room, err)
				}
			}
		}
	}
	none := []demux.Stream{}
	for name, err := range map[string]error{
		"format":  newMuxerError("nonsense", streams),
		"streams": newMuxerError("mp4", none),
		"codec":   newMuxerError("flv", []demux.Stream{{Kind: demux.Video, Codec: "hevc", Width: 16, Height: 16}}),
		"hls":     newMuxerError("hls", streams),
		"tee":     newMuxerError("tee", streams),
		"config":  newMuxerError("adts", []demux.Stream{{Kind: demux.Audio, Codec: "aac", Config: make([]byte, 2<<20), Sound: streams[1].Sound}}),
		"size":    newMuxerError("mp4", []demux.Stream{{Kind: demux.Video, Codec: "h264"}}),
		"rate":    newMuxerError("mp4", []demux.Stream{{Kind: demux.Audio, Codec: "aac"}}),
	} {
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	m, err := NewMuxer("mpegts", streams, io.Discard, MuxerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Write(2, &ps[0]); err == nil {
		t.Error("a stream that is not there is taken")
	}
	if err := m.Write(0, &demux.Packet{PTS: demux.NoPTS, DTS: demux.NoPTS, Data: []byte{1}}); err == nil {
		t.Error("a packet without a time is taken")
	}
	for _, at := range []time.Duration{3, -1 << 62, 1 << 62, 0, 1<<63 - 1} { // timestamps that jump do not end it
		if err := m.Write(0, &demux.Packet{PTS: at, DTS: at, Data: ps[0].Data, Key: true}); err != nil {
			t.Errorf("at %v: %v", at, err)
		}
	}
	if err := errors.Join(m.Close(), m.Close()); err != nil {
		t.Error(err)
	}
	if m.Write(0, &ps[0]) == nil || m.Flush() == nil {
		t.Error("a closed muxer writes")
	}
}

func newMuxerError(format string, s []demux.Stream) error {
	m, err := NewMuxer(format, s, io.Discard, MuxerOptions{})
	if err == nil {
		_ = m.Close()
	}
	return err
}

func TestMuxerFor(t *testing.T) {
	for name, want := range map[string]string{
		"a.mp4": "mp4", "/x/y.z/A.MKV": "matroska", "b.ts": "mpegts", "c.flv": "flv", "d.mov": "mov", "e.aac": "adts",
		"f.h264": "h264", "g.wav": "wav", "h.m4a": "ipod", "i.webm": "webm", "j.m2ts": "mpegts", "k.265": "hevc",
		"l": "", "m.nonsense": "", "n.m3u8": "", "o.jpg": "", "p.mpd": "", "": "",
	} {
		got, err := MuxerFor(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", name, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %q", name, err)
		}
	}
	for _, c := range []struct {
		format string
		takes  string
		not    string
	}{
		{"mpegts", "h264 hevc aac opus mp2", "vp9 flac pcm_s16le nonsense"},
		{"flv", "h264 aac", "hevc opus vp9"},
		{"mp4", "h264 hevc aac opus av1", "pcm_mulaw"},
		{"matroska", "h264 hevc aac opus vp9 flac pcm_s16le", "nonsense"},
		{"webm", "vp9 opus", "h264 aac"},
		{"adts", "aac", "h264 opus"},
		{"h264", "h264", "hevc aac"},
		{"wav", "pcm_s16le", "h264"},
		{"nonsense", "", "h264"},
	} {
		for _, codec := range strings.Fields(c.takes) {
			if !Takes(c.format, codec) {
				t.Errorf("%s does not take %s", c.format, codec)
			}
		}
		for _, codec := range strings.Fields(c.not) {
			if Takes(c.format, codec) {
				t.Errorf("%s takes %s", c.format, codec)
			}
		}
	}
}

func TestStreamConfig(t *testing.T) {
	s := open(t, mp4(t), Options{})
	v, a := firstOf(t, s, demux.Video), firstOf(t, s, demux.Audio)
	if len(v.Config) < 7 || v.Config[0] != 1 {
		t.Errorf("avcC begins with % x", v.Config[:min(8, len(v.Config))])
	}
	if len(a.Config) < 2 || a.Config[0]>>3 != 2 { // AAC LC
		t.Errorf("AudioSpecificConfig % x", a.Config)
	}
}

// Opening and closing again and again does not grow.
func TestEncodersDoNotLeak(t *testing.T) {
	streams, ps := program(t, "h264", "aac", 2)
	frame, block := planar420(t, 64, 48, 0), soundBlock(0, 4000, 2, 48000)
	rgb := as(t, frame, "rgb24")
	once := func() {
		for _, codec := range []string{"h264", "hevc"} {
			v, err := NewVideoEncoder(&rgb.Picture, demux.VideoEncoding{Codec: codec, Preset: "ultrafast"})
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range []*demux.Frame{rgb, frame} {
				f.PTS = time.Duration(i) * time.Second
				if _, err := v.Encode(f, true); err != nil {
					t.Fatal(err)
				}
			}
			v.Close()
		}
		for _, codec := range []string{"aac", "opus"} {
			a, err := NewAudioEncoder(block.Format, demux.AudioEncoding{Codec: codec})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.Encode(block); err != nil {
				t.Fatal(err)
			}
			a.Close()
		}
		for _, format := range []string{"mpegts", "mp4", "matroska", "flv"} {
			for _, w := range []io.Writer{io.Discard, &full{room: 100}} {
				m, err := NewMuxer(format, streams, w, MuxerOptions{Live: true})
				if err != nil {
					continue
				}
				for _, p := range ps {
					_ = m.Write(p.Stream, &p)
				}
				_ = m.Close()
			}
		}
		_ = newMuxerError("nonsense", streams)
	}
	for range 10 {
		once()
	}
	before := rss(t)
	const n = 60
	for range n {
		once()
	}
	runtime.GC()
	// A forgotten encoder has hundreds of kilobytes, a forgotten frame some 10.
	if grown := rss(t) - before; grown > 6<<20 {
		t.Errorf("%d rounds take %d KiB", n, grown>>10)
	}
}

func BenchmarkMux(b *testing.B) {
	streams, ps := program(b, "h264", "aac", 25)
	for _, format := range []string{"mpegts", "flv", "mp4"} {
		b.Run(format, func(b *testing.B) {
			m, err := NewMuxer(format, streams, io.Discard, MuxerOptions{Live: true})
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				p := ps[n%len(ps)]
				p.PTS += time.Duration(n/len(ps)) * time.Second
				p.DTS = p.PTS
				if err := m.Write(p.Stream, &p); err != nil {
					b.Fatal(err)
				}
				n++
			}
		})
	}
}
