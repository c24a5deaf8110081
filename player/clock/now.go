package clock

import "time"

// Timebase is a source of real time. The player takes it as a value so that
// tests can bring their own.
type Timebase struct {
	// Now is the time since some fixed moment.
	Now func() time.Duration
	// Wall is the time of day, nil where there is none.
	Wall func() time.Time
	// NewAlarm makes an alarm, which its user closes.
	NewAlarm func() Alarm
}

// Alarm wakes one goroutine at a time that others may change.
type Alarm interface {
	// Set makes the alarm go off after d (at once if d <= 0), and not when it was
	// set to before. It may be called from any goroutine.
	Set(d time.Duration)
	// Wait returns when the alarm has gone off.
	Wait()
	Close()
}

var start = time.Now()

// Real is the machine's monotonic clock. The player reads it nowhere else.
func Real() Timebase {
	return Timebase{Now: func() time.Duration { return time.Since(start) }, Wall: time.Now, NewAlarm: newAlarm}
}

// timerAlarm is an alarm by the runtime's timers, which are up to a millisecond late.
type timerAlarm struct{ t *time.Timer }

// NewTimerAlarm returns an alarm by the runtime's timers, which under
// testing/synctest keep simulated time.
func NewTimerAlarm() Alarm { return timerAlarm{time.NewTimer(time.Hour)} }

func (a timerAlarm) Set(d time.Duration) { a.t.Reset(d) }
func (a timerAlarm) Wait()               { <-a.t.C }
func (a timerAlarm) Close()              { a.t.Stop() }
