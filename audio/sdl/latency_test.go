package sdlaudio

import (
	"testing"
	"time"
)

func TestLatency(t *testing.T) {
	for _, c := range []struct {
		driver       string
		period, rate int
		want         time.Duration
	}{
		{"pulseaudio", 1024, 48000, 18133 * time.Microsecond},
		{"pulseaudio", 1024, 44100, 19737 * time.Microsecond},
		{"alsa", 1024, 48000, 42667 * time.Microsecond},
		{"pipewire", 2048, 96000, 21333 * time.Microsecond},
		{"coreaudio", 1024, 48000, 21333 * time.Microsecond},
		{"dummy", 1024, 48000, 0},
		{"disk", 1024, 48000, 0},
		{"sndio", 480, 48000, 10 * time.Millisecond},
	} {
		if got := latency(c.driver, c.period, c.rate).Round(time.Microsecond); got != c.want {
			t.Errorf("latency(%s, %d, %d) = %v, want %v", c.driver, c.period, c.rate, got, c.want)
		}
	}
}
