package sdlaudio

import "time"

// periodsAhead is, for each of SDL's drivers, how many periods of sound lie
// between the (smoothed) start of a callback and the sample being heard. SDL does
// not tell; the numbers follow from how the drivers of SDL 2.26 work.
var periodsAhead = map[string]float64{
	// The server is asked for a whole latency of one period (tlength, adjusted),
	// and the next callback begins as soon as the last byte of the block before
	// has been requested. Requests come in steps of a quarter of it, so that on
	// average half a step, 1/8, is gone already; the rest is rounding. Measured
	// with a null sink against the server's own promise to a reference client, as
	// shares of a period: 0.843 and 0.837 (44.1 kHz, sink at 44.1 and 48), 0.841 and
	// 0.864 (48 kHz, sink at 48 and 44.1).
	"pulseaudio": 0.85,
	// A buffer of two periods; the write of a block returns, and the next
	// callback begins, when the whole of it has found room: the buffer is full. (If
	// ALSA is itself led to PulseAudio, one more was measured: 3.09.)
	"alsa": 2,
	// The callback fills a block in the graph's cycle, whose sink keeps the
	// block before still queued.
	"pipewire": 1,
	// Two buffers in turn: one is played while the other is being filled.
	"coreaudio": 1,
	"wasapi":    1,
	// Nothing is heard: a block is played, or written, when it is handed over.
	"dummy": 0,
	"disk":  0,
}

// latency is the time from the hand-over of a block to SDL's driver until its
// first frame is heard. period is in frames, rate in Hz. What the
// hardware adds (a few ms, Bluetooth far more) is not known to anybody here.
func latency(driver string, period, rate int) time.Duration {
	periods, known := periodsAhead[driver]
	if !known {
		periods = 1 // any driver double-buffers
	}
	return time.Duration(periods * float64(period) / float64(rate) * float64(time.Second))
}
