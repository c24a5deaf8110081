package analysis

import (
	"math"
	"sync"
	"time"

	"planar/audio"
)

const (
	// window is the resolution of a Meter.
	window = 10 * time.Millisecond
	// rmsOver and peakOver are how long Level.RMS and Level.Peak look back. 300 ms is
	// the integration time of a VU meter (IEC 60268-17); a peak has to be seen by a
	// reader that comes ten times a second.
	rmsOver, peakOver = 300 * time.Millisecond, 100 * time.Millisecond
	// maxWindows bounds a Meter: 5.1 s. Sound is fed as far ahead of being heard as an
	// output's queue is long, which is at most four periods of 32768 frames (3.0 s
	// at 44.1 kHz; mostly it is 0.25 s) and its latency (a second, wireless), and is looked
	// back at for rmsOver. If the reader stays away for longer, the oldest are lost.
	maxWindows = 512

	// A held peak stays for holdFor and then falls by fallBy dB a second.
	holdFor = 1500 * time.Millisecond
	fallBy  = 20

	// clipRun is how many samples in a row are at full scale before that counts as
	// clipping: one or two are where a correct crest may well be.
	clipRun = 3
)

// Level is how loud one channel is, in dBFS, Floor for silence.
type Level struct {
	Peak  float64 // the largest sample of the latest 100 ms
	RMS   float64 // of the latest 300 ms
	Hold  float64 // the largest sample, held for 1.5 s, then falling by 20 dB/s
	Clips int64   // runs of three or more samples at full scale that have been heard
}

// Meter tells the levels of sound at the time when it is heard, although it is fed
// ahead of that. One goroutine may feed it (Feed, Reset) while another one reads
// (Levels, Clear). The zero value is ready.
type Meter struct {
	// Of the goroutine that feeds.
	buf    [][]float32
	rate   int
	next   int64 // frame that is fed next, on the feeder's timeline
	cur    span
	filled int // frames in cur
	runs   [MaxChannels]int

	mu      sync.Mutex
	windows []span // a ring of up to maxWindows, oldest first from start on
	start   int
	seen    time.Duration // up to where Levels has counted peaks and clips
	begun   bool
	held    [MaxChannels]hold
	clips   [MaxChannels]int64
}

// span is what is known of one window.
type span struct {
	from, to time.Duration
	stats    []stats // for each channel
}

type stats struct {
	peak  float32
	power float64 // mean square
	clips int
}

// hold is a held peak and when it was reached.
type hold struct {
	peak float32 // amplitude
	at   time.Duration
}

func (h hold) level(at time.Duration) float64 {
	return max(Floor, DB(float64(h.peak))-fallBy*max(0, at-h.at-holdFor).Seconds())
}

// Feed takes interleaved PCM whose first frame is heard at time at, on a timeline of
// heard time, which the caller chooses; Levels uses the same. Sound that begins
// before the end of what was fed earlier replaces it. Feed does not keep pcm.
func (m *Meter) Feed(pcm []byte, f audio.Format, at time.Duration) {
	size := f.FrameBytes()
	if size <= 0 || f.Rate <= 0 || f.Rate > maxRate || f.Sample.Planar() {
		return
	}
	first := f.Frames(at)
	if f.Rate != m.rate || first != m.next {
		if first < m.next || f.Rate != m.rate {
			m.forget(at)
		}
		m.rate, m.next, m.filled = f.Rate, first, 0
		m.runs = [MaxChannels]int{}
	}
	b := audio.Block{Format: f, Frames: len(pcm) / size, Planes: [][]byte{pcm}}
	channels := split(&b, &m.buf)
	if len(channels) == 0 {
		return
	}
	length := max(1, int(f.Frames(window)))
	top := full(f.Sample)
	for done := 0; done < len(channels[0]); {
		if m.filled == 0 || len(m.cur.stats) != len(channels) {
			m.cur = span{from: f.Duration(m.next), stats: make([]stats, len(channels))}
			m.filled = 0
		}
		n := min(length-m.filled, len(channels[0])-done)
		for c, s := range channels {
			m.measure(c, s[done:done+n], top)
		}
		done, m.next, m.filled = done+n, m.next+int64(n), m.filled+n
		if m.filled == length {
			for c := range m.cur.stats {
				m.cur.stats[c].power /= float64(length)
			}
			m.cur.to = f.Duration(m.next)
			m.push(m.cur)
			m.filled = 0
		}
	}
}

// measure adds samples of a channel to the present window.
func (m *Meter) measure(c int, s []float32, top float32) {
	st := &m.cur.stats[c]
	peak, power, run := st.peak, 0.0, m.runs[c]
	for _, v := range s {
		power += float64(v) * float64(v)
		if v < 0 {
			v = -v
		}
		if v > peak {
			peak = v
		}
		if v < top {
			run = 0
			continue
		}
		if run++; run == clipRun {
			st.clips++
		}
	}
	st.peak, m.runs[c] = peak, run
	st.power += power
}

func (m *Meter) push(w span) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.windows) < maxWindows {
		m.windows = append(m.windows, w)
		return
	}
	m.windows[m.start] = w
	m.start = (m.start + 1) % maxWindows
}

// forget drops the windows that end after a time.
func (m *Meter) forget(after time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var kept []span
	for i := range m.windows {
		if w := m.windows[(m.start+i)%len(m.windows)]; w.to <= after {
			kept = append(kept, w)
		}
	}
	m.windows, m.start = kept, 0
}

// Reset forgets what was fed, as when sound begins elsewhere. Clips are still counted.
func (m *Meter) Reset() {
	m.rate = 0 // Feed begins anew
	m.mu.Lock()
	defer m.mu.Unlock()
	m.windows, m.start = nil, 0
	m.held, m.begun = [MaxChannels]hold{}, false
}

// Clear forgets held peaks and counted clips.
func (m *Meter) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held, m.clips = [MaxChannels]hold{}, [MaxChannels]int64{}
}

// Levels is how loud each channel is in what is heard at a time; nothing if
// nothing is known. Peaks and clips between two calls are not missed, if these are less
// than a second apart.
func (m *Meter) Levels(at time.Duration) []Level {
	m.mu.Lock()
	defer m.mu.Unlock()
	var (
		power [MaxChannels]float64
		peak  [MaxChannels]float32
		n     int // windows in power
		width int // channels
	)
	seen := m.seen
	for i := range m.windows {
		w := &m.windows[(m.start+i)%len(m.windows)]
		if w.from >= at {
			break
		}
		width = len(w.stats)
		if !m.begun || w.from >= m.seen {
			for c, s := range w.stats {
				m.clips[c] += int64(s.clips)
				if DB(float64(s.peak)) >= m.held[c].level(w.to) {
					m.held[c] = hold{s.peak, w.to}
				}
			}
			seen = w.to
		}
		if w.from >= at-rmsOver {
			n++
			for c, s := range w.stats {
				power[c] += s.power
			}
		}
		if w.from >= at-peakOver {
			for c, s := range w.stats {
				peak[c] = max(peak[c], s.peak)
			}
		}
	}
	if width == 0 {
		return nil
	}
	m.seen, m.begun = seen, true
	levels := make([]Level, width)
	for c := range levels {
		levels[c] = Level{Peak: DB(float64(peak[c])), RMS: DB(math.Sqrt(power[c] / float64(max(n, 1)))), Hold: m.held[c].level(at), Clips: m.clips[c]}
	}
	return levels
}
