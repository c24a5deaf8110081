package player

import (
	"sync"
	"time"
)

// meter counts over the last second, in tenths. It may be used from any goroutine.
type meter struct {
	mu     sync.Mutex
	tenths [meterSlots]struct{ at, n int64 }
}

// meterSlots is a second, and the tenth that is not over.
const meterSlots = 11

const meterTenth = 100 * time.Millisecond

// add counts n at real time now.
func (m *meter) add(n int64, now time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := int64(now / meterTenth)
	s := &m.tenths[at%meterSlots]
	if s.at != at {
		s.at, s.n = at, 0
	}
	s.n += n
}

// rate is what was counted in the last ten whole tenths, per second.
func (m *meter) rate(now time.Duration) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := int64(now / meterTenth)
	var n int64
	for _, s := range m.tenths {
		if s.at < at && s.at >= at-(meterSlots-1) {
			n += s.n
		}
	}
	return float64(n)
}

// smooth is a mean that forgets: each value counts a sixteenth.
type smooth struct {
	mu    sync.Mutex
	value time.Duration
	begun bool
}

func (s *smooth) note(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun {
		s.value, s.begun = d, true
	}
	s.value += (d - s.value) / 16
}

func (s *smooth) get() (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value, s.begun
}
