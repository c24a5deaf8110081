package player

import (
	"math"
	"sync"
	"time"
)

// liveEdge keeps a live stream live: it knows how much has arrived that is not
// yet played, and says how far to skip when that stays large, as it does after
// a server sent a whole group of pictures at once or the network held data up.
type liveEdge struct {
	mu      sync.Mutex
	newest  time.Duration // playback time of the latest arrival
	some    bool
	least   time.Duration // smallest backlog seen in the window
	opened  time.Duration // real time at which the window was opened
	windows int           // windows closed since the (re)start
	from    time.Duration // playback time before which nothing is played
	skips   int64

	target, excess time.Duration
}

const (
	// What a skip leaves: with sound, what is in the device's hands (two periods of
	// 23 ms) and some network jitter; without, only that.
	soundTarget, silentTarget = 80 * time.Millisecond, 20 * time.Millisecond
	// How much more than the target is put up with before skipping. A skip of
	// pictures alone is hardly seen, one of sound is heard.
	soundExcess, silentExcess = 200 * time.Millisecond, 60 * time.Millisecond
	// The smallest backlog of a window counts, so that jitter does not cause
	// skips. The first windows are short: a burst at the start is skipped at once.
	liveFirstWindow, liveWindow = 250 * time.Millisecond, 2 * time.Second
	liveFirstWindows            = 4
)

func newLiveEdge(sound bool) *liveEdge {
	l := &liveEdge{target: silentTarget, excess: silentExcess}
	if sound {
		l.target, l.excess = soundTarget, soundExcess
	}
	l.restart()
	return l
}

// restart forgets what arrived: the source begins anew.
func (l *liveEdge) restart() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.some, l.windows, l.opened, l.from = false, 0, 0, math.MinInt64
}

// arrived notes the playback time of a packet that came in.
func (l *liveEdge) arrived(t time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.some || t > l.newest {
		l.newest, l.some = t, true
	}
}

// skip returns how far playback, which is at media, has to jump forward; 0 most
// of the time.
func (l *liveEdge) skip(media, now time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.some {
		return 0
	}
	backlog := l.newest - media
	if l.opened == 0 {
		l.opened, l.least = now, backlog
	}
	l.least = min(l.least, backlog)
	length := liveWindow
	if l.windows < liveFirstWindows {
		length = liveFirstWindow
	}
	if now-l.opened < length {
		return 0
	}
	least := l.least
	l.opened, l.least = now, backlog
	l.windows++
	if least <= l.target+l.excess {
		return 0
	}
	l.skips++
	l.least = backlog - (least - l.target)
	l.from = media + least - l.target
	return least - l.target
}

// begin is the playback time to which the latest skip led.
func (l *liveEdge) begin() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.from
}

func (l *liveEdge) skipCount() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.skips
}

// backlog is how much has arrived that is not yet played.
func (l *liveEdge) backlog(media time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.some {
		return 0
	}
	return l.newest - media
}
