package demux

import (
	"testing"
	"time"
)

func TestSilence(t *testing.T) {
	var g Silence
	now := time.Unix(0, 0)
	feed := func(d time.Duration) time.Duration {
		for range 200 {
			now = now.Add(d)
			g.Arrived(now)
		}
		return g.Limit()
	}
	if g.Limit() != 2*time.Second {
		t.Errorf("before anything: %v", g.Limit())
	}
	if l := feed(20 * time.Millisecond); l != 2*time.Second {
		t.Errorf("20 ms: %v", l)
	}
	if l := feed(500 * time.Millisecond); l < 4900*time.Millisecond || l > 5100*time.Millisecond {
		t.Errorf("500 ms: %v", l)
	}
	if l := feed(5 * time.Second); l != 15*time.Second {
		t.Errorf("5 s: %v", l)
	}
}
