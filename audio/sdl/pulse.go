package sdlaudio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/jfreymuth/pulse/proto"
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
	slowAnswer = 3 * time.Millisecond
)

// measurePulse asks the sound server, over a connection of its own, when what it was
// given will be heard, until ctx ends, with which the stream ends, or the server says nothing
// of use. SDL does not tell; the server knows its sink's latency, that of Bluetooth included.
func measurePulse(ctx context.Context, s stream) error {
	server, err := dialPulse()
	if err != nil {
		return err
	}
	defer func() { server.close(ctx.Err() != nil) }()
	late := time.Duration(askLate * float64(s.period))
	for {
		for _, phase := range []time.Duration{askSoon, late} {
			b, err := server.ask(ctx, s, phase)
			switch {
			case ctx.Err() != nil:
				return nil
			case errors.Is(err, errNoAnswer), errors.Is(err, context.DeadlineExceeded): // the device or the server stands still
			case err != nil:
				s.offset.reset() // the rule counts again
				return err
			default:
				s.offset.add(b)
			}
		}
		wait := askEach
		if !s.offset.settled() {
			wait = 0
		}
		if !sleep(ctx, wait) {
			return nil
		}
		for s.offset.settled() && s.paused() {
			if !sleep(ctx, askEach) {
				return nil
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

// pulse is a connection to the sound server.
type pulse struct {
	client *proto.Client
	conn   net.Conn
	index  uint32 // of our stream
	known  bool   // index is
}

func dialPulse() (*pulse, error) {
	c, conn, err := proto.Connect("")
	if err != nil {
		return nil, err
	}
	c.Callback = func(any) {}
	c.SetTimeout(answerTime)
	name := proto.SetClientName{Props: proto.PropList{"application.name": proto.PropListString("planar")}}
	if err := c.Request(&name, &proto.SetClientNameReply{}); err != nil {
		conn.Close()
		return nil, err
	}
	return &pulse{client: c, conn: conn}, nil
}

// answerTime is how long the server may take for an answer: closing the device waits for
// one.
const answerTime = 200 * time.Millisecond

// close also ends our stream if that is over. SDL would wait for the next request for
// sound, which a sink that has been idle sends after up to two seconds.
func (p *pulse) close(over bool) {
	if over && p.known {
		_ = p.client.Request(&proto.KillSinkInput{SinkInputIndex: p.index}, nil)
	}
	p.conn.Close()
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
	f := s.feed()
	wait := f.when + phase - f.now
	if wait < 0 {
		wait += s.period // after the next callback
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
	if !p.known {
		if err := p.find(); err != nil {
			return 0, err
		}
	}
	var r proto.GetSinkInputInfoReply
	if err := p.client.Request(&proto.GetSinkInputInfo{SinkInputIndex: p.index}, &r); err != nil {
		return 0, err
	}
	if r.SinkInputLatency == 0 && r.SinkLatency == 0 {
		return 0, errors.New("the sound server does not tell latencies") // PipeWire's, of some versions
	}
	return time.Duration(r.SinkInputLatency+r.SinkLatency) * time.Microsecond, nil
}

// find looks for our stream: the newest of this process.
func (p *pulse) find() error {
	var list proto.GetSinkInputInfoListReply
	if err := p.client.Request(&proto.GetSinkInputInfoList{}, &list); err != nil {
		return err
	}
	pid := fmt.Sprint(os.Getpid())
	for _, i := range list {
		if i.Properties["application.process.id"].String() == pid && (!p.known || i.SinkInputIndex > p.index) {
			p.index, p.known = i.SinkInputIndex, true
		}
	}
	if !p.known {
		return errors.New("the sound server does not list our stream")
	}
	return nil
}
