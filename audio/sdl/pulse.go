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
	// Ten measurements a second follow any clock; each costs some 0.2 ms of processor
	// time. In a pause nothing is heard. Until enough are there, each period has one.
	measureEach   = 100 * time.Millisecond
	measurePaused = time.Second
	// askAfter is how long after a callback the server is asked: what was handed over
	// has reached it by then, and as a rule it has not requested more.
	askAfter = 4 * time.Millisecond
	// An answer that took longer says too little about its moment.
	slowAnswer = 3 * time.Millisecond
)

// measurePulse asks the sound server, over a connection of its own, when what it was
// given will be heard, until ctx ends or the server says nothing of use. SDL does not
// tell; the server knows its sink's latency, that of Bluetooth included.
func measurePulse(ctx context.Context, s stream) error {
	server, err := dialPulse()
	if err != nil {
		return err
	}
	defer server.conn.Close()
	defer context.AfterFunc(ctx, func() { server.conn.Close() })()
	for {
		first, err := server.first(ctx, s)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errNoAnswer): // the device stands still
		case err != nil:
			return err
		default:
			s.offset.add(first)
		}
		wait := measureEach
		switch {
		case s.paused():
			wait = measurePaused
		case !s.offset.settled():
			wait = 0
		}
		if !sleep(ctx, wait) {
			return nil
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
	name := proto.SetClientName{Props: proto.PropList{"application.name": proto.PropListString("planar")}}
	if err := c.Request(&name, &proto.SetClientNameReply{}); err != nil {
		conn.Close()
		return nil, err
	}
	return &pulse{client: c, conn: conn}, nil
}

// errNoAnswer means that nothing could be measured this time.
var errNoAnswer = errors.New("the sound server was not asked in time")

// first measures when the stream's first frame was heard.
//
// SDL asks the callback for a block as soon as all of the one before has gone, and hands
// it over in parts, as the server requests them. So when a callback has just come, the
// server has what was given before it, and at most a part of a request more: by so much
// the answer is late.
func (p *pulse) first(ctx context.Context, s stream) (time.Duration, error) {
	f := s.feed()
	wait := f.when + askAfter - f.now
	if wait < 0 {
		wait += s.period // for the next callback
	}
	if !sleep(ctx, wait) {
		return 0, ctx.Err()
	}
	before := s.feed()
	ahead, err := p.ahead()
	if err != nil {
		return 0, err
	}
	after := s.feed()
	if before.calls != after.calls || after.now-before.now > slowAnswer || before.now-before.when > s.period/2 {
		return 0, errNoAnswer
	}
	handed := time.Duration(float64(before.total-before.last) / float64(s.rate) * float64(time.Second))
	return (before.now+after.now)/2 + ahead - handed, nil
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
