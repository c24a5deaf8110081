package carrier

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"planar/demux"
	"planar/player/publish"
)

func TestMain(m *testing.M) {
	// The SRT library forgets a timer, and now and then its reader, when it is rejected.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/datarhei/gosrt.Dial.func1"), goleak.IgnoreAnyFunction("github.com/datarhei/gosrt.Dial.func3"))
}

// fakeMuxer puts each packet into packets of 188 bytes: 0x47, the number of bytes, the
// bytes, filled up with 0xFF. It holds them until Flush.
type fakeMuxer struct {
	w      io.Writer
	held   []byte
	closed *int
}

func pack(data []byte) (out []byte) {
	for first := true; first || len(data) > 0; first = false {
		n := min(len(data), tsPacket-2)
		p := append([]byte{0x47, byte(n)}, data[:n]...)
		out = append(out, append(p, bytes.Repeat([]byte{0xFF}, tsPacket-len(p))...)...)
		data = data[n:]
	}
	return out
}

// unpack undoes pack.
func unpack(t *testing.T, b []byte) (data []byte) {
	t.Helper()
	for ; len(b) >= tsPacket; b = b[tsPacket:] {
		if b[0] != 0x47 {
			t.Fatalf("a packet begins with %#x", b[0])
		}
		data = append(data, b[2:2+int(b[1])]...)
	}
	if len(b) != 0 {
		t.Errorf("%d bytes are left over", len(b))
	}
	return data
}

func (m *fakeMuxer) Write(_ int, p *demux.Packet) error {
	m.held = append(m.held, pack(p.Data)...)
	return nil
}

func (m *fakeMuxer) Flush() error {
	_, err := m.w.Write(m.held)
	m.held = m.held[:0]
	return err
}

func (m *fakeMuxer) Close() error {
	*m.closed++
	_, err := m.w.Write(pack([]byte("END")))
	return err
}

// setup is options with a fake muxer, and how often it was closed.
func setup() (o Options, closed *int) {
	closed = new(int)
	return Options{
		NewMuxer: func(format string, _ []demux.Stream, w io.Writer) (Muxer, error) {
			if format == "bad" {
				return nil, errors.New("no place for it")
			}
			return &fakeMuxer{w: w, closed: closed}, nil
		},
		Takes: func(format, codec string) bool { return format == transport && codec == "h264" },
		FormatOf: func(name string) (string, error) {
			switch filepath.Ext(name) {
			case ".ts":
				return transport, nil
			case ".mp4", ".bad":
				return filepath.Ext(name)[1:], nil
			}
			return "", errors.New("no format has that extension")
		},
		Timeout: 3 * time.Second,
	}, closed
}

func newTarget(t *testing.T, address string, set ...func(*Options)) publish.Target {
	t.Helper()
	o, _ := setup()
	for _, f := range set {
		f(&o)
	}
	to, err := New(address, o)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func connect(t *testing.T, to publish.Target) publish.Connection {
	t.Helper()
	c, err := to.Connect(context.Background(), []demux.Stream{{Codec: "h264"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// unit is a number of bytes that say which unit they are of, 40 ms after the one before.
func unit(n, size int) *publish.Unit {
	b := bytes.Repeat([]byte{byte(n)}, max(size, 8))
	binary.BigEndian.PutUint64(b, uint64(n))
	at := time.Duration(n) * 40 * time.Millisecond
	return &publish.Unit{PTS: at, DTS: at, Duration: 40 * time.Millisecond, Key: true, Data: b}
}

// send writes units and ends; it returns all their bytes, and the muxer's last ones.
func send(t *testing.T, c publish.Connection, sizes ...int) (want []byte) {
	t.Helper()
	for n, size := range sizes {
		u := unit(n, size)
		want = append(want, u.Data...)
		if err := c.Write(u); err != nil {
			t.Fatalf("unit %d: %v", n, err)
		}
	}
	if err := c.Finish(); err != nil {
		t.Fatalf("Finish: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
	if err := c.Write(unit(0, 10)); err == nil {
		t.Error("a closed connection takes units")
	}
	return append(want, "END"...)
}

// failed tests an error: one line that says something, without secrets.
func failed(t *testing.T, err error, permanent bool, says string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want: %s", says)
	}
	s := err.Error()
	if !strings.Contains(s, says) || publish.IsPermanent(err) != permanent {
		t.Errorf("permanent %v: %s; want %v: %s", publish.IsPermanent(err), s, permanent, says)
	}
	if strings.ContainsAny(s, "\n\r") || strings.Contains(s, "hidden") {
		t.Errorf("not one line without secrets: %q", s)
	}
}
