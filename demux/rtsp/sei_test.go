package rtsp

import (
	"bytes"
	"testing"
)

func TestRecoveryCount(t *testing.T) {
	user := append([]byte{5, 0xFF, 0x01}, bytes.Repeat([]byte{0xA5}, 256)...)
	for _, c := range []struct {
		name   string
		b      []byte
		signed bool
		count  int
		ok     bool
	}{
		{"count 0", []byte{6, 1, 0xC4, 0x80}, false, 0, true},
		{"count 1", []byte{6, 1, 0x50, 0x80}, false, 1, true},
		{"count 24, as of x264", []byte{6, 2, 0x0C, 0x90, 0x80}, false, 24, true},
		{"after user data", append(bytes.Clone(user), 6, 1, 0xC4, 0x80), false, 0, true},
		{"count 65535, emulation prevented", []byte{6, 5, 0, 0, 3, 0x80, 0x00, 0x40, 0x80, 0x80}, false, 65535, true},
		{"count beyond 65535", []byte{6, 5, 0, 0, 3, 0x40, 0, 0, 0x80}, false, 0, false},
		{"count 65534", []byte{6, 5, 0, 1, 0xFF, 0xFE, 0x80, 0x80}, false, 65534, true},
		{"poc 0", []byte{6, 1, 0xC0, 0x80}, true, 0, true},
		{"poc 1", []byte{6, 1, 0x50, 0x80}, true, 1, true},
		{"poc -1", []byte{6, 1, 0x70, 0x80}, true, -1, true},
		{"poc 2", []byte{6, 1, 0x20, 0x80}, true, 2, true},
		{"other message", []byte{1, 1, 0x50, 0x80}, false, 0, false},
		{"size beyond the end", []byte{6, 9, 0xC4, 0x80}, false, 0, false},
		{"size never ends", []byte{6, 0xFF, 0xFF}, false, 0, false},
		{"no payload", []byte{6, 0, 0x80}, false, 0, false},
		{"count never ends", []byte{6, 4, 0, 0, 0, 0, 0x80}, false, 0, false},
		{"empty", nil, false, 0, false},
	} {
		count, ok := recoveryCount(c.b, c.signed)
		if ok != c.ok || ok && count != c.count {
			t.Errorf("%s: %d, %v; want %d, %v", c.name, count, ok, c.count, c.ok)
		}
	}
}

func FuzzRecoveryCount(f *testing.F) {
	f.Add([]byte{6, 1, 0xC4, 0x80}, false)
	f.Add([]byte{1, 2, 3, 4, 6, 1, 0x50, 0x80}, true)
	for _, name := range []string{"refresh.h264", "slices.h264"} {
		for _, n := range fixture(f, name) {
			if n[0]&0x1F == 6 {
				f.Add(n[1:], false)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, signed bool) {
		count, ok := recoveryCount(b, signed)
		if ok && (signed && (count < -32768 || count > 32767) || !signed && (count < 0 || count > 65535)) {
			t.Errorf("a count of %d", count)
		}
	})
}
