package sdlaudio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// feed is how far the device's callback has come.
type feed struct {
	calls int64         // since the stream began
	total int64         // frames it was given, silence included
	last  int64         // of these, by the latest call
	when  time.Duration // real time of the latest call
	now   time.Duration // real time
}

// stream is what the measurement needs of the device.
type stream struct {
	feed   func() feed
	paused func() bool
	rate   int // Hz
	period time.Duration
	offset *offset
}

const (
	// How long nobody asks after two answers. They cost some 0.2 ms of processor time each. In
	// a pause there are none, and until there are enough, one comes after the other.
	askEach = 100 * time.Millisecond
	// When in a period the server is asked, after a callback came: when what was handed
	// over has reached it and it has hardly requested more, and when it has got most of
	// the block.
	askSoon = 4 * time.Millisecond
	askLate = 0.85
	// An answer that took longer says too little about its moment.
	slowAnswer = 2 * time.Millisecond
	// The server may have hung for a moment. So many answers in a row that do not come say
	// that it has for good.
	maxSilent = 3
	// Some versions of PipeWire's server tell no latencies. A sink that has just begun may
	// have none for some answers.
	maxUntold = 20
	// More latency than this is a mistake.
	maxAhead = 10 * time.Second
)

// measurePulse asks the sound server, over a connection of its own, when what it was
// given will be heard, until ctx ends, with which the stream ends, or the server says nothing
// of use: then it returns why. SDL does not tell; the server knows its sink's latency, that
// of Bluetooth included. It ends at most two answerTime after ctx.
func measurePulse(ctx context.Context, s stream) error {
	var server pulse
	defer func() { server.close(ctx.Err() != nil) }()
	err := server.measure(ctx, s)
	if ctx.Err() != nil {
		return nil
	}
	s.offset.reset() // the rule counts again
	return err
}

// pulse is a measurement.
type pulse struct {
	client *pulseClient // nil until our stream has been found; may be broken
	index  uint32       // of our stream
	silent int          // answers in a row that did not come in time
	untold int          // answers in a row without a latency
}

// measure returns when ctx ends or nothing is to be expected any more.
func (p *pulse) measure(ctx context.Context, s stream) error {
	late := time.Duration(askLate * float64(s.period))
	for {
		for _, phase := range []time.Duration{askSoon, late} {
			b, err := p.ask(ctx, s, phase)
			var timeout net.Error
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err == nil:
				s.offset.add(b)
			case errors.Is(err, errNoAnswer):
			case errors.As(err, &timeout) && timeout.Timeout():
				if p.silent++; p.silent == maxSilent {
					return fmt.Errorf("the sound server does not answer: %w", err)
				}
			default:
				return err
			}
		}
		wait := askEach
		if !s.offset.settled() {
			wait = 0
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
		for s.offset.settled() && s.paused() {
			if !sleep(ctx, askEach) {
				return ctx.Err()
			}
		}
	}
}

// sleep waits; false if ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// connect finds our stream, unless that has been done over a connection that still holds.
func (p *pulse) connect(ctx context.Context) error {
	if p.client != nil && p.client.err == nil {
		return nil
	}
	c, err := dialPulse(ctx)
	if err != nil {
		return err
	}
	if err = ctx.Err(); err == nil {
		p.index, err = find(c)
	}
	if err != nil {
		c.close(err)
		return err
	}
	p.client = c
	return nil
}

// close also ends our stream if that is over. SDL would wait for the next request for
// sound, which a sink that has been idle sends after up to two seconds.
func (p *pulse) close(over bool) {
	if p.client == nil {
		return
	}
	if over {
		_ = p.client.killSinkInput(p.index)
	}
	p.client.close(net.ErrClosed)
}

// errNoAnswer means that nothing could be measured this time.
var errNoAnswer = errors.New("the sound server was not asked in time")

// ask measures when the stream's first frame was heard, at a phase of a block: so long
// after the callback that asked for it.
//
// SDL asks the callback for a block as soon as all of the one before has gone to the server,
// and hands it over in parts, as the server requests them. How much of it has gone nobody
// can see: none, or all.
func (p *pulse) ask(ctx context.Context, s stream, phase time.Duration) (b bounds, err error) {
	if err := p.connect(ctx); err != nil {
		return b, err
	}
	f := s.feed()
	wait := f.when + phase - f.now
	if wait < 0 {
		wait += s.period // after the next callback
	}
	if f.calls == 0 || wait < 0 { // the device stands still
		if !sleep(ctx, askEach) {
			return b, ctx.Err()
		}
		return b, errNoAnswer
	}
	if !sleep(ctx, min(wait, s.period)) {
		return b, ctx.Err()
	}
	before := s.feed()
	ahead, err := p.ahead()
	if err != nil {
		return b, err
	}
	after := s.feed()
	if before.calls != after.calls || after.now-before.now > slowAnswer || before.now-before.when > 2*s.period || before.now-before.when < askSoon/2 {
		return b, errNoAnswer
	}
	low := (before.now+after.now)/2 + ahead - s.lasts(before.total)
	return bounds{low, low + s.lasts(before.last)}, nil
}

// lasts is how long frames are heard.
func (s stream) lasts(frames int64) time.Duration {
	return time.Duration(float64(frames) / float64(s.rate) * float64(time.Second))
}

// ahead is how long from now the last of what the server has got of our stream will be
// heard.
func (p *pulse) ahead() (time.Duration, error) {
	i, err := p.client.sinkInput(p.index)
	if err != nil {
		return 0, err
	}
	p.silent = 0
	if i.latency == 0 && i.sinkLatency == 0 {
		if p.untold++; p.untold == maxUntold {
			return 0, errors.New("the sound server does not tell latencies")
		}
		return 0, errNoAnswer
	}
	p.untold = 0
	const most = uint64(maxAhead / time.Microsecond)
	if i.latency > most || i.sinkLatency > most-i.latency {
		return 0, errNoAnswer
	}
	return time.Duration(i.latency+i.sinkLatency) * time.Microsecond, nil
}

// ourName is what SDL calls us and our streams, unless the user has it do otherwise.
const ourName = "planar"

// find looks for our stream: the newest of this process that is called like it. A number
// of a process alone may be another's, of another container or machine.
func find(c *pulseClient) (index uint32, err error) {
	list, err := c.sinkInputs()
	if err != nil {
		return 0, err
	}
	pid := strconv.Itoa(os.Getpid())
	binary := ""
	if file, err := os.Executable(); err == nil {
		binary = filepath.Base(file)
	}
	found := false
	for _, i := range list {
		program := strings.TrimSuffix(i.binary, " (deleted)") // Linux adds that once we have been updated
		ours := i.pid == pid && (i.application == ourName || i.media == ourName) && (program == "" || program == binary)
		if ours && (!found || i.index > index) {
			index, found = i.index, true
		}
	}
	if !found {
		return 0, errors.New("the sound server does not list our stream")
	}
	return index, nil
}
