package demux

import "time"

// How long a live source may be silent: ten times its usual packet interval,
// within these bounds.
const (
	SilenceLeast = 2 * time.Second
	silenceMost  = 15 * time.Second
	silenceTimes = 10
)

// Silence learns how often packets come and says for how long none may.
type Silence struct {
	last time.Time
	mean time.Duration
}

// Arrived notes a packet.
func (s *Silence) Arrived(now time.Time) {
	if !s.last.IsZero() {
		d := now.Sub(s.last)
		if s.mean == 0 {
			s.mean = d
		} else {
			s.mean += (d - s.mean) / 16
		}
	}
	s.last = now
}

// Limit is the longest silence that is no loss of the source.
func (s *Silence) Limit() time.Duration {
	return min(max(SilenceLeast, silenceTimes*s.mean), silenceMost)
}
