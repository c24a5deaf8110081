package publish

import (
	"time"

	"planar/demux"
)

// Stats is how publishing goes. Counters are since the beginning.
type Stats struct {
	Elapsed     time.Duration
	Read        int64 // packets of the source
	SourceLost  int64 // times that a live source was lost
	Stalls      int64 // times that reading or encoding was so slow that time stood still
	Streams     []StreamStats
	Targets     []TargetStats
	QueuedBytes int64 // kept for targets that are behind
}

// StreamStats is how one stream goes.
type StreamStats struct {
	Kind    demux.Kind
	From    string // the source's codec
	Stream  demux.Stream
	Copied  bool
	Units   int64
	Late    int64 // pictures left out because encoding is too slow
	Dropped int64 // packets of a live source that came too fast
	Damaged int64
}

// TargetStats is how one target goes.
type TargetStats struct {
	Address   string // without secrets
	State     State
	Err       error // the latest, also when all is well again
	Units     int64
	Sent      int64 // bytes
	Dropped   int64 // units left out
	Skips     int64 // times that some were
	Connected int64 // connections made
	Behind    time.Duration
	RTT       time.Duration // 0 if unknown
}

// Stats may be called at any time, from any goroutine.
func (p *Publisher) Stats() Stats {
	st := Stats{Read: p.read.Load(), SourceLost: p.lost.Load(), Stalls: p.pace.Slips()}
	p.mu.Lock()
	if !p.began.IsZero() {
		st.Elapsed = time.Since(p.began)
	}
	for _, t := range p.tracks {
		s := StreamStats{Kind: t.in.Kind, From: t.in.Codec, Stream: t.in, Copied: t.copied, Units: t.frames.Load(), Late: t.late.Load(), Dropped: t.dropped.Load(), Damaged: t.damaged.Load()}
		if t.out != nil {
			s.Stream = *t.out
		}
		st.Streams = append(st.Streams, s)
	}
	p.mu.Unlock()
	_, st.QueuedBytes = p.backlog.Len()
	for _, s := range p.senders {
		st.Targets = append(st.Targets, s.stats())
	}
	return st
}

func (s *sender) stats() TargetStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := TargetStats{
		Address: s.target.String(), State: s.state, Err: s.err, Units: s.units.Load(), Sent: s.sent,
		Dropped: s.reader.Dropped(), Skips: s.reader.Skips(), Connected: s.connect.Load(), Behind: time.Duration(s.behind.Load()),
	}
	if s.conn != nil {
		t.Sent += s.conn.Sent()
		t.RTT = s.conn.RTT()
	}
	return t
}
