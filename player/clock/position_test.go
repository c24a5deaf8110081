package clock

import (
	"strings"
	"testing"
	"time"
)

func TestParsePosition(t *testing.T) {
	for _, c := range []struct {
		in    string
		t     time.Duration
		frame int64 // -1 for a time, -2 for an error
	}{
		{"0", 0, -1},
		{"12", 12 * time.Second, -1},
		{"12.5", 12500 * ms, -1},
		{".5", 500 * ms, -1},
		{"5.", 5 * time.Second, -1},
		{"0.57", 570 * ms, -1}, // 569999999.99 ns in binary
		{"62.04", 62040 * ms, -1},
		{"1:02.5", 62500 * ms, -1},
		{"90:00", 90 * time.Minute, -1},
		{"1:02:03.5", time.Hour + 2*time.Minute + 3500*ms, -1},
		{"100000000", 100_000_000 * time.Second, -1},
		{"#0", 0, 0},
		{"#100", 0, 100},
		{"#007", 0, 7},
		{"#1125899906842624", 0, 1 << 50},
		{"#1125899906842625", 0, -2},
		{"#99999999999999999999", 0, -2},
		{"100000001", 0, -2},
		{"1:2:3:4", 0, -2},
		{"", 0, -2},
		{"#", 0, -2},
		{"#-1", 0, -2},
		{"#+1", 0, -2},
		{"#1.5", 0, -2},
		{"-1", 0, -2},
		{"+1", 0, -2},
		{":", 0, -2},
		{".", 0, -2},
		{"1:", 0, -2},
		{":30", 0, -2},
		{"1.2.3", 0, -2},
		{"1e3", 0, -2},
		{"0x10", 0, -2},
		{"inf", 0, -2},
		{"NaN", 0, -2},
		{"1 2", 0, -2},
	} {
		at, frame, err := ParsePosition(c.in)
		if err != nil {
			if frame = -2; !strings.Contains(err.Error(), `"`+c.in+`"`) {
				t.Errorf("%q: the error does not quote it: %v", c.in, err)
			}
		}
		if at != c.t || frame != c.frame {
			t.Errorf("%q: time %v, frame %d (%v); want %v, %d", c.in, at, frame, err, c.t, c.frame)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	for _, s := range []string{"12.5", "1:02:03.5", "#100", "#", ":", "1e9", "99999999:59:59"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, frame, err := ParsePosition(s)
		switch {
		case at < 0 || at > maxPosition*time.Second || frame < -1 || frame > maxFrame:
			t.Errorf("%q: %v, frame %d", s, at, frame)
		case (at != 0 || frame != -1) && err != nil, at != 0 && frame >= 0:
			t.Errorf("%q: %v, frame %d, %v", s, at, frame, err)
		case err == nil && frame >= 0 != strings.HasPrefix(s, "#"):
			t.Errorf("%q: frame %d", s, frame)
		}
	})
}
