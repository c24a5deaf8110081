package demux

import "time"

// Receiver is a source that counts what arrives. Reception may be called from
// any goroutine, also after Close.
type Receiver interface {
	Reception() Reception
}

// Reception tells how a live source is being received. Counters are since it was
// opened.
type Reception struct {
	Transport string // how packets come: "UDP", "TCP", "UDP multicast", "TLS"
	Tracks    []TrackReception
	Overflow  int64 // packets dropped because nobody read them
	Switches  int64 // changes of the transport while playing
	// Clock is what the sender's reports say of its clock.
	Clock SenderClock
}

// SenderClock is the sender's clock as seen from here.
type SenderClock struct {
	Known     bool          // a report has come
	Age       time.Duration // of the latest report
	Offset    time.Duration // its arrival minus the time in it: the way here and the difference of the clocks
	Plausible bool          // Offset may be a delay alone: the clocks seem to be set alike
}

// TrackReception tells how one track is being received.
type TrackReception struct {
	Kind  Kind
	Codec string // FFmpeg's name
	Bytes int64
	Units int64 // access units that came in whole

	Packets     int64         // RTP packets received
	Lost        int64         // missing when their turn was over
	Late        int64         // of the lost, those that came after all
	Reordered   int64         // came in time, but not in order
	Duplicated  int64         // came more than once
	Damaged     int64         // that made no sense
	Restarts    int64         // times the sender began anew
	LossNow     float64       // share of the packets of the last second, 0 to 1
	Jitter      time.Duration // interarrival jitter, RFC 3550 section 6.4.1
	ReorderWait time.Duration // how long a missing packet is waited for

	KeyInterval time.Duration // between the latest two key frames, 0 if unknown
	Held        int64         // access units held back because they could not be shown whole
	Waiting     time.Duration // how long a key frame has been awaited, 0 if it is not
}

// Loss is the share of the packets that got lost, 0 to 1.
func (t TrackReception) Loss() float64 {
	if t.Lost <= 0 {
		return 0
	}
	return float64(t.Lost) / float64(t.Packets+t.Lost)
}

// Add adds the counters of an earlier reception of the same source, before it was
// lost and opened again. What is not a counter stays.
func (r *Reception) Add(earlier Reception) {
	r.Overflow += earlier.Overflow
	r.Switches += earlier.Switches
	for i := range r.Tracks {
		for _, e := range earlier.Tracks {
			if t := &r.Tracks[i]; t.Kind == e.Kind {
				t.Bytes += e.Bytes
				t.Units += e.Units
				t.Packets += e.Packets
				t.Lost += e.Lost
				t.Late += e.Late
				t.Reordered += e.Reordered
				t.Duplicated += e.Duplicated
				t.Damaged += e.Damaged
				t.Restarts += e.Restarts
				t.Held += e.Held
				break
			}
		}
	}
}
