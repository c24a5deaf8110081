package sdlaudio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wire is how a server of a version sends a stream.
func (s sinkInput) wire(version uint32) message {
	usec := func(m message, v uint64) message { return binary.BigEndian.AppendUint64(append(m, 'U'), v) }
	m := message(nil).u32(s.index).text(s.media).u32(1).u32(2).u32(3)
	m = append(m, 'a', 3, 2, 0, 0, 0xbb, 0x80, 'm', 2, 1, 2, 'v', 2, 0, 1, 0, 0, 0, 1, 0, 0)
	m = usec(usec(m, s.latency), s.sinkLatency)
	m = append(m, 'N').text("driver")
	if version >= 11 {
		m = append(m, '1')
	}
	if version >= 13 {
		m = m.props("application.process.id", s.pid, "application.process.binary", s.binary,
			"application.name", s.application, "media.name", s.media, "other", strings.Repeat("x", 5000))
	}
	if version >= 19 {
		m = append(m, '0')
	}
	if version >= 20 {
		m = append(m, '1', '0')
	}
	if version >= 21 {
		m = append(m, 'f', 'B', 1).props("format.rate", "48000")
	}
	return m
}

var someInputs = []sinkInput{
	{index: 7, latency: 20000, sinkLatency: 1500, pid: "42", binary: "planar", application: "planar", media: "planar"},
	{index: 1 << 31, latency: 1 << 63, pid: "", binary: "b", application: "ä", media: "song"},
}

func TestWireSinkInputs(t *testing.T) {
	for _, version := range []uint32{13, 18, 19, 20, 21, 32} {
		var m message
		for _, i := range someInputs {
			m = append(m, i.wire(version)...)
		}
		got, err := parseSinkInputs(m, version)
		if err != nil || !slices.Equal(got, someInputs) {
			t.Errorf("version %d: %+v, %v, want %+v", version, got, err, someInputs)
		}
		// Every end but those between entries is an error, as is another version.
		whole := len(someInputs[0].wire(version))
		for n := 1; n < len(m); n++ {
			if _, err := parseSinkInputs(m[:n], version); (err == nil) != (n == whole) {
				t.Fatalf("version %d: %v with %d of %d bytes", version, err, n, len(m))
			}
		}
	}
	if _, err := parseSinkInputs(someInputs[0].wire(21), 20); err == nil {
		t.Error("no error for a stream with more fields than the version has")
	}
	if _, err := parseSinkInputs(bytes.Repeat(sinkInput{}.wire(13), maxSinkInputs+1), 13); err == nil {
		t.Errorf("no error for %d streams", maxSinkInputs+1)
	}
}

func TestWireChannels(t *testing.T) {
	good := someInputs[0].wire(32)
	at := bytes.IndexByte(good, 'm') // of the media's name
	at += bytes.Index(good[at:], []byte{'m', 2}) + 1
	for _, n := range []byte{1, 3, 65, 255} {
		bad := bytes.Clone(good)
		bad[at] = n
		if _, err := parseSinkInputs(bad, 32); !errors.Is(err, errMalformed) {
			t.Errorf("%d channels in the map: %v, want %v", n, err, errMalformed)
		}
	}
}

func TestWireFrames(t *testing.T) {
	data := make([]byte, pulseDescriptor+100000)
	binary.BigEndian.PutUint32(data, 100000)
	whole := controlFrame(pulseAuth, 5, message(nil).u32(32).blob([]byte("cookie")))
	r := io.MultiReader(bytes.NewReader(data), bytes.NewReader(whole))
	var buf bytes.Buffer
	if b, err := readFrame(r, &buf); b != nil || err != nil {
		t.Fatalf("a frame of sound: %d bytes, %v, want it skipped", len(b), err)
	}
	b, err := readFrame(r, &buf)
	if err != nil {
		t.Fatal(err)
	}
	d := decoder{b: b}
	if command, tag, version := d.u32(), d.u32(), d.u32(); command != pulseAuth || tag != 5 || version != 32 {
		t.Errorf("command %d, tag %d, version %d, want %d, 5, 32", command, tag, version, pulseAuth)
	}
	d.tag('x')
	if n := d.number(); string(d.take(int(n))) != "cookie" || d.bad || len(d.b) != 0 {
		t.Errorf("the cookie did not come through, or more did: %q", b)
	}
	for _, length := range []uint32{0, maxPulseFrame + 1, 1<<32 - 1} {
		f := bytes.Clone(whole)
		binary.BigEndian.PutUint32(f, length)
		if _, err := readFrame(bytes.NewReader(f), &buf); !errors.Is(err, errMalformed) {
			t.Errorf("length %d: %v, want %v", length, err, errMalformed)
		}
	}
}

func FuzzSinkInputs(f *testing.F) {
	for _, version := range []uint32{0, 13, 20, 32} {
		f.Add([]byte(someInputs[0].wire(version)), version)
		f.Add([]byte(append(someInputs[0].wire(version), someInputs[1].wire(version)...)), version)
	}
	f.Fuzz(func(t *testing.T, b []byte, version uint32) {
		list, err := parseSinkInputs(b, version)
		kept := 0
		for _, i := range list {
			kept += len(i.pid) + len(i.binary) + len(i.application) + len(i.media)
		}
		if len(list) > maxSinkInputs || kept > len(b) || err != nil && list != nil {
			t.Errorf("%d streams with %d bytes of text from %d bytes, %v", len(list), kept, len(b), err)
		}
	})
}

func FuzzWireFrames(f *testing.F) {
	f.Add(controlFrame(pulseReply, 1, someInputs[0].wire(32)))
	f.Add(controlFrame(pulseError, 1, message(nil).u32(5)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var buf bytes.Buffer
		for r := bytes.NewReader(b); ; {
			if p, err := readFrame(r, &buf); err != nil {
				break
			} else if len(p) > maxPulseFrame {
				t.Fatalf("a payload of %d bytes", len(p))
			}
		}
		// The buffer doubles, and wants 512 bytes of room.
		if most := 4*len(b) + 4096; buf.Cap() > most {
			t.Errorf("a buffer of %d bytes for %d", buf.Cap(), len(b))
		}
	})
}

func TestPulseServers(t *testing.T) {
	got := parseServers(" {host}unix:/a/b /c tcp:there tcp4:there:5 tcp6:[::1] tcp:[::1]:6 ::1 there {open {x} unix:")
	want := []address{
		{"unix", "/a/b"},
		{"unix", "/c"},
		{"tcp", "there:4713"},
		{"tcp4", "there:5"},
		{"tcp6", "[::1]:4713"},
		{"tcp", "[::1]:6"},
		{"tcp", "[::1]:4713"},
		{"tcp", "there:4713"},
		{"unix", ""},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	t.Setenv("PULSE_SERVER", "")
	t.Setenv("PULSE_RUNTIME_PATH", "/p")
	t.Setenv("XDG_RUNTIME_DIR", "/x")
	if got, want := pulseServers(), []address{{"unix", "/p/native"}, {"unix", "/x/pulse/native"}}; !slices.Equal(got, want) {
		t.Errorf("by default: got %q, want %q", got, want)
	}
}

func TestPulseCookie(t *testing.T) {
	dir := t.TempDir()
	cookie := bytes.Repeat([]byte("c"), pulseCookie)
	for name, content := range map[string][]byte{"good": cookie, "long": append(cookie, "more"...), "short": cookie[:9]} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	zeros := make([]byte, pulseCookie)
	for name, want := range map[string][]byte{"good": cookie, "long": cookie, "short": zeros, "none": zeros, ".": zeros} {
		t.Setenv("PULSE_COOKIE", filepath.Join(dir, name))
		if got := readCookie(); !bytes.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
