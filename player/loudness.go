package player

import (
	"sync/atomic"
	"time"

	"planar/audio"
)

// LoudnessMeter measures decoded sound of one format by EBU R 128. It is used from
// one goroutine.
type LoudnessMeter interface {
	// Feed measures a block, which it does not keep.
	Feed(b *audio.Block) error
	Report() audio.Loudness
	Close()
}

// loudnessWanted is how much sound is measured after somebody has looked, as the
// playback of normal speed counts it. Counted in sound, a look outlasts a pause.
const loudnessWanted = 2 * time.Second

// loudness measures the sound of a source as it is, before channels are silenced and
// before volume and speed, as long as somebody looks. It is a programme from when that
// began, through pauses and seeks, until it is cleared or the format changes. What is
// measured has been decoded and is heard after what is in the output's queue. The zero
// value is ready.
type loudness struct {
	left    atomic.Int64 // ns of sound to be measured yet
	cleared atomic.Bool
	latest  atomic.Pointer[audio.Loudness] // nil if nothing is measured

	// Owned by the sound goroutine.
	format  audio.Format
	meter   LoudnessMeter // for format; nil if there is none, or none yet
	refused bool          // format is not measured
	opening chan opening  // brings the meter, once; nil if none is being made
	waiting unheard       // what is to be measured then
}

// opening is what came of making a meter.
type opening struct {
	meter LoudnessMeter
	err   error
}

// maxWaiting bounds what waits for a meter: 3 s of 5.1 as floats. Making the first
// one loads FFmpeg's filters, which may take longer than there is sound in the output;
// who hands over more than this waits.
const maxWaiting = 4 << 20

// look has the sound measured for a while. It may be called from any goroutine, as may
// clear and report.
func (l *loudness) look() { l.left.Store(int64(loudnessWanted)) }

// clear has measuring begin anew.
func (l *loudness) clear() { l.cleared.Store(true) }

// report is what has been measured; nil if nothing is.
func (l *loudness) report() *audio.Loudness {
	r := l.latest.Load()
	if r != nil && l.cleared.Load() {
		none := audio.NoLoudness()
		return &none
	}
	return r
}

// feed measures a block that is played at a speed, if that is wanted: always, or
// after a look. An error is returned once for each format.
func (l *loudness) feed(b *audio.Block, speed float64, always bool, open func(audio.Format) (LoudnessMeter, error)) error {
	if open == nil || !always && l.left.Load() <= 0 {
		l.end(false)
		return nil
	}
	if !always {
		l.left.Add(-int64(float64(b.Duration(int64(b.Frames))) / speed))
	}
	if b.Format != l.format || l.cleared.Load() {
		l.end(true)
		l.cleared.Store(false)
		l.format = b.Format
	}
	if l.meter == nil && !l.refused {
		if l.opening == nil {
			l.opening = make(chan opening, 1)
			go func(c chan<- opening, f audio.Format) {
				m, err := open(f)
				c <- opening{m, err}
			}(l.opening, b.Format)
		}
		l.waiting.add(b, 0)
		return l.opened(l.waiting.bytes > maxWaiting)
	}
	return l.measure(b)
}

// opened takes the meter over that is being made, if it is there or when it is, and
// measures what has waited for it.
func (l *loudness) opened(wait bool) error {
	if l.opening == nil || !wait && len(l.opening) == 0 {
		return nil
	}
	o := <-l.opening
	blocks := l.waiting.blocks
	l.opening, l.waiting = nil, unheard{}
	if o.err != nil {
		l.refused = true
		return o.err
	}
	l.meter = o.meter
	for i := range blocks {
		if err := l.measure(&blocks[i].Block); err != nil {
			return err
		}
	}
	return nil
}

// measure has the meter measure a block; without one it does nothing.
func (l *loudness) measure(b *audio.Block) error {
	if l.meter == nil {
		return nil
	}
	if err := l.meter.Feed(b); err != nil {
		l.refused = true
		l.free()
		l.latest.Store(nil)
		return err
	}
	r := l.meter.Report()
	l.latest.Store(&r)
	return nil
}

// end ends measuring. What another look begins is another programme. A meter that is
// being made is waited for, or goes when it is there and end is called again.
func (l *loudness) end(wait bool) {
	l.waiting = unheard{}
	l.opened(wait)
	l.free()
	l.latest.Store(nil)
	l.format, l.refused = audio.Format{}, false
}

// close measures what is left and frees the meter. What has been measured is still
// reported.
func (l *loudness) close() {
	l.opened(true)
	l.free()
}

func (l *loudness) free() {
	if l.meter != nil {
		l.meter.Close()
		l.meter = nil
	}
}
