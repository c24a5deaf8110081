package demux

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestIsContainer(t *testing.T) {
	ts := make([]byte, headBytes)
	for i := 0; i < len(ts); i += 188 {
		ts[i] = 0x47
	}
	for name, c := range map[string]struct {
		head string
		want bool
	}{
		"mp4":                   {"\x00\x00\x00\x20ftypisom", true},
		"mkv":                   {"\x1a\x45\xdf\xa3\x01", true},
		"ts":                    {string(ts), true},
		"short ts":              {string(ts[:300]), false},
		"h264":                  {"\x00\x00\x00\x01\x67\x64\x00", true},
		"black RGB":             {string(make([]byte, headBytes)), false},
		"black luma":            {string(bytes.Repeat([]byte{16}, headBytes)), false},
		"a ramp of 16-bit grey": {"\x00\x00\x01\x00\x02\x00\x03\x00", false},
		"nothing":               {"", false},
		"three bytes":           {"\x00\x00\x01", false},
	} {
		if got := IsContainer([]byte(c.head)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestHead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, bytes.Repeat([]byte("ab"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Head(path); len(got) != headBytes || string(got[:2]) != "ab" {
		t.Errorf("%d bytes", len(got))
	}
	if err := os.WriteFile(path, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Head(path); string(got) != "abc" {
		t.Errorf("%q", got)
	}
	for _, other := range []string{filepath.Dir(path), path + "missing", "-"} {
		if got := Head(other); got != nil {
			t.Errorf("%s: %q", other, got)
		}
	}
}
