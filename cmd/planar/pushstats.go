package main

import (
	"fmt"
	"strings"
	"time"

	"planar/demux"
	"planar/player"
	"planar/player/publish"
)

// pushing tells of a publisher.
type pushing struct {
	p             *publish.Publisher
	shown, logged rates // of the status line, and of --stats
}

func newPushing(p *publish.Publisher) *pushing { return &pushing{p: p} }

// rates are what counters of a publisher did since they were looked at before.
type rates struct {
	at      time.Duration
	units   int64 // of the first stream
	sent    []int64
	fps     float64
	bitrate []float64 // of each target, bits per second
}

// rateOver is the time over which rates are taken at least.
const rateOver = time.Second

// look takes new rates when enough time has passed.
func (r *rates) look(st publish.Stats) {
	d := (st.Elapsed - r.at).Seconds()
	if r.sent != nil && st.Elapsed-r.at < rateOver*9/10 {
		return
	}
	if r.sent == nil {
		r.sent, r.bitrate = make([]int64, len(st.Targets)), make([]float64, len(st.Targets))
	}
	for i, t := range st.Targets {
		r.bitrate[i] = float64(t.Sent-r.sent[i]) * 8 / max(d, 1e-3)
		r.sent[i] = t.Sent
	}
	r.fps = 0
	if len(st.Streams) > 0 {
		r.fps = float64(st.Streams[0].Units-r.units) / max(d, 1e-3)
		r.units = st.Streams[0].Units
	}
	r.at = st.Elapsed
}

// shownTargets is how many targets the status line tells of one by one.
const shownTargets = 3

func (s *pushing) status() string {
	st := s.p.Stats()
	s.shown.look(st)
	var b strings.Builder
	b.WriteString(player.ClockText(st.Elapsed))
	for i, t := range st.Streams {
		how := "encoded"
		if t.Copied {
			how = "copied"
		}
		fmt.Fprintf(&b, "  %s %s", t.Stream.Codec, how)
		if i == 0 && t.Kind == demux.Video {
			fmt.Fprintf(&b, " %.1f fps", s.shown.fps)
		}
		if n := t.Late + t.Dropped; n > 0 {
			fmt.Fprintf(&b, " %d left out", n)
		}
	}
	if len(st.Targets) > shownTargets {
		b.WriteString(summary(st, s.shown.bitrate))
		return b.String()
	}
	for i, t := range st.Targets {
		fmt.Fprintf(&b, "  | %s", short(t.Address))
		if t.State != publish.Sending {
			fmt.Fprintf(&b, " %s", t.State)
			continue
		}
		fmt.Fprintf(&b, " %s dropped %d", bitsText(s.shown.bitrate[i]), t.Dropped)
		if t.RTT > 0 {
			fmt.Fprintf(&b, " rtt %.1f ms", milliseconds(t.RTT))
		}
	}
	return b.String()
}

// summary tells of many targets.
func summary(st publish.Stats, bitrate []float64) string {
	count := map[publish.State]int{}
	var dropped int64
	var worst time.Duration
	total := 0.0
	for i, t := range st.Targets {
		count[t.State]++
		dropped += t.Dropped
		worst = max(worst, t.RTT)
		total += bitrate[i]
	}
	s := fmt.Sprintf("  | %d targets %s dropped %d", len(st.Targets), bitsText(total), dropped)
	for state := publish.Waiting; state <= publish.Failed; state++ {
		if count[state] > 0 {
			s += fmt.Sprintf(" %d %s", count[state], state)
		}
	}
	if worst > 0 {
		s += fmt.Sprintf(" rtt up to %.1f ms", milliseconds(worst))
	}
	return s
}

// short is an address without its path's beginning, for a line that has little room.
func short(address string) string {
	if len(address) <= 32 {
		return address
	}
	r := []rune(address)
	return string(r[:min(12, len(r))]) + "..." + string(r[max(0, len(r)-17):])
}

func bitsText(bits float64) string {
	switch {
	case bits >= 1e6:
		return fmt.Sprintf("%.2f Mbit/s", bits/1e6)
	case bits >= 1e3:
		return fmt.Sprintf("%.0f kbit/s", bits/1e3)
	}
	return fmt.Sprintf("%.0f bit/s", bits)
}

// pushLine is one line of --stats of push and serve. Counters are since the start.
type pushLine struct {
	Elapsed    float64      `json:"elapsed_s"`
	Final      bool         `json:"final"`
	Read       int64        `json:"packets_read"`
	SourceLost int64        `json:"source_lost"`
	Stalls     int64        `json:"stalls"`
	Queued     int64        `json:"queued_bytes"`
	Streams    []pushStream `json:"streams"`
	Targets    []pushTarget `json:"targets"`
	CPU        float64      `json:"cpu"`
	RSS        float64      `json:"rss_mb"`
}

type pushStream struct {
	Kind    string  `json:"kind"`
	From    string  `json:"source_codec"`
	Codec   string  `json:"codec"`
	Copied  bool    `json:"copied"`
	Width   int     `json:"width,omitempty"`
	Height  int     `json:"height,omitempty"`
	Units   int64   `json:"access_units"`
	FPS     float64 `json:"fps,omitempty"` // of the first stream, over the last second
	Late    int64   `json:"late"`          // pictures that encoding was too slow for
	Dropped int64   `json:"dropped"`       // packets of a live source that came too fast
	Damaged int64   `json:"damaged"`
}

type pushTarget struct {
	Address   string  `json:"address"`
	State     string  `json:"state"`
	Error     string  `json:"error,omitempty"` // the latest
	Units     int64   `json:"access_units"`
	Bytes     int64   `json:"bytes"`
	Bitrate   float64 `json:"bitrate"` // bits per second over the last second
	Dropped   int64   `json:"dropped"`
	Skips     int64   `json:"skips"`
	Connected int64   `json:"connections"`
	Behind    float64 `json:"behind_ms"`
	RTT       float64 `json:"rtt_ms,omitempty"`
}

func (s *pushing) line(proc process) any {
	st := s.p.Stats()
	s.logged.look(st)
	l := pushLineOf(st, s.logged)
	l.Elapsed, l.Final, l.CPU, l.RSS = round(proc.elapsed.Seconds()), proc.final, proc.cpu, round(residentMB())
	return l
}

func pushLineOf(st publish.Stats, r rates) pushLine {
	l := pushLine{Read: st.Read, SourceLost: st.SourceLost, Stalls: st.Stalls, Queued: st.QueuedBytes}
	for i, t := range st.Streams {
		p := pushStream{
			Kind: t.Kind.String(), From: t.From, Codec: t.Stream.Codec, Copied: t.Copied, Width: t.Stream.Width, Height: t.Stream.Height,
			Units: t.Units, Late: t.Late, Dropped: t.Dropped, Damaged: t.Damaged,
		}
		if i == 0 {
			p.FPS = round(r.fps)
		}
		l.Streams = append(l.Streams, p)
	}
	for i, t := range st.Targets {
		p := pushTarget{
			Address: t.Address, State: t.State.String(), Units: t.Units, Bytes: t.Sent, Bitrate: round(r.bitrate[i]),
			Dropped: t.Dropped, Skips: t.Skips, Connected: t.Connected, Behind: milliseconds(t.Behind), RTT: milliseconds(t.RTT),
		}
		if t.Err != nil {
			p.Error = t.Err.Error()
		}
		l.Targets = append(l.Targets, p)
	}
	return l
}
