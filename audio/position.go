package audio

import "time"

// Position is a snapshot of an output's progress.
type Position struct {
	Handed  int64         // frames of sound (not silence) handed to the device since it was opened
	Last    int           // of these, how many by the latest hand-over
	Age     time.Duration // time since the latest hand-over of sound, or the first without, began; smoothed, so it may be a little negative; stands still while paused
	Period  time.Duration // time between hand-overs
	Latency time.Duration // from a hand-over until its first frame is heard
	Running bool          // sound has been handed over since the output was opened, flushed or resumed
	Starved bool          // the latest hand-over found too little sound and was filled up with silence
}

// Heard is the frame that is being heard now, counted as Handed counts. It lies
// Latency behind the latest hand-over and moves on with time, but never
// past what was handed over, nor by more than one and a half periods if the
// device stalls; a starved device goes on to the end of what it has, silence
// follows it. The result may be negative before the first frame is heard. It falls
// back by up to Latency when sound sets in again after a flush or a starvation:
// what comes then takes that long to be heard.
func (p Position) Heard(rate int) float64 {
	since := p.Age
	if !p.Starved {
		since = min(since, p.Period+p.Period/2)
	}
	heard := float64(p.Handed-int64(p.Last)) + (since-p.Latency).Seconds()*float64(rate)
	return min(heard, float64(p.Handed))
}
