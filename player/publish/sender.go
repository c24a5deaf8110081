package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"planar/player/queue"
)

// sender sends units to one target, at the target's pace, in a goroutine of its own.
type sender struct {
	p      *Publisher
	target Target
	delay  time.Duration
	reader *queue.Reader[*Unit]

	units   atomic.Int64
	stuck   atomic.Bool  // the connection was closed because it took nothing
	busy    atomic.Int64 // when the unit that is being written was begun, Unix ns; 0: none is
	behind  atomic.Int64 // of the latest unit when it was written, ns
	connect atomic.Int64 // connections made

	mu    sync.Mutex
	state State
	conn  Connection
	sent  int64 // bytes of earlier connections
	err   error // the latest

	// Of the sending goroutine.
	lost time.Time // when the connection was lost, until another one has proved to be steady
	told bool      // that there is another one
}

// State is what a sender is doing.
type State int

const (
	Waiting    State = iota // for its first units
	Connecting              //
	Sending                 //
	Retrying                // waiting before another attempt
	Finished                // everything was sent
	Failed                  // given up
)

func (s State) String() string {
	return [...]string{"waiting", "connecting", "sending", "retrying", "finished", "failed"}[s]
}

func newSender(p *Publisher, d Destination) *sender {
	return &sender{
		p: p, target: d.Target, delay: d.Delay,
		reader: p.backlog.NewReader(queue.ReaderOptions{From: queue.FromOldest, Lag: lag + d.Delay}),
	}
}

// errAllSent ends a connection that was fed to the end.
var errAllSent = errors.New("everything was sent")

// errEnded is why a target got nothing: the source ended first.
var errEnded = errors.New("the source ended before there was a connection")

// run sends until the backlog ends, ctx does, or the target is given up.
func (s *sender) run(ctx context.Context) {
	select {
	case <-s.p.ready:
	case <-ctx.Done():
		return
	}
	if len(s.p.streams) == 0 || !sleep(ctx, s.delay) {
		return
	}
	failed := 0 // attempts in a row
	for ctx.Err() == nil {
		s.set(Connecting, nil, nil)
		began := time.Now()
		conn, err := s.open(ctx)
		if err == nil {
			s.set(Sending, conn, nil)
			s.connect.Add(1)
			s.back()
			err = s.feed(ctx, conn)
			if time.Since(began) > steady {
				failed = 0
				s.lost = time.Time{}
			}
		}
		switch {
		case errors.Is(err, errAllSent):
			s.set(Finished, nil, nil)
			return
		case ctx.Err() != nil:
			return
		}
		failed++
		if s.givesUp(err, failed) {
			s.set(Failed, nil, err)
			s.p.cfg.Log.Error(err.Error())
			return
		}
		s.away(err)
		s.set(Retrying, nil, err)
		if !sleep(ctx, backoff(failed, rand.Float64())) {
			return
		}
		if s.p.backlog.Closed() {
			err := fmt.Errorf("%s: %w", s.target, errEnded)
			if s.connect.Load() > 0 {
				err = fmt.Errorf("%s: the connection was lost before the end", s.target)
			}
			s.set(Failed, nil, err)
			s.p.cfg.Log.Error(err.Error())
			return
		}
		before := time.Time{}
		if s.delay > 0 {
			before = time.Now().Add(-s.delay)
		}
		s.reader.Rejoin(before)
	}
}

func (s *sender) open(ctx context.Context) (Connection, error) {
	if p, ok := s.target.(interface{ Patient() bool }); !ok || !p.Patient() {
		within := s.p.cfg.ConnectWithin
		if within <= 0 {
			within = 10 * time.Second
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	return s.target.Connect(ctx, s.p.streams)
}

// givesUp decides about another attempt after so many failed ones in a row.
func (s *sender) givesUp(err error, failed int) bool {
	switch n := s.p.cfg.Retries; {
	case IsPermanent(err):
		return true
	case n >= 0:
		return failed > n
	case n == RetriesAuto:
		return s.connect.Load() == 0
	}
	return false
}

// feed writes what the backlog has, until it ends, which is errAllSent, ctx does, or
// the connection is lost. It closes the connection.
func (s *sender) feed(ctx context.Context, conn Connection) error {
	defer func() {
		conn.Close()
		s.mu.Lock()
		s.sent += conn.Sent()
		s.conn = nil
		s.mu.Unlock()
	}()
	// Taking leave has its time, also where a write blocks.
	leave := time.AfterFunc(time.Hour, func() { conn.Close() })
	leave.Stop()
	defer leave.Stop()
	defer context.AfterFunc(ctx, func() { leave.Reset(leaveWithin) })()
	for {
		u, err := s.reader.Next(ctx)
		if err != nil { // the end, or ctx's
			if ctx.Err() == nil {
				leave.Reset(finishWithin)
			}
			if e := conn.Finish(); e != nil {
				return e
			}
			if errors.Is(err, io.EOF) {
				return errAllSent
			}
			return err
		}
		if s.delay > 0 && !sleep(ctx, time.Until(u.At.Add(s.delay))) {
			continue // to the end
		}
		s.busy.Store(time.Now().UnixNano())
		err = conn.Write(u)
		s.busy.Store(0)
		if err != nil && s.stuck.Swap(false) {
			err = fmt.Errorf("%s: took nothing for %.0f s", s.target, stuckAfter.Seconds())
		}
		if err != nil {
			return err
		}
		s.units.Add(1)
		s.behind.Store(int64(time.Since(u.At) - s.delay))
	}
}

// unstick closes a connection on which one unit has been written for too long.
func (s *sender) unstick(now time.Time) {
	since := s.busy.Load()
	if since == 0 || now.Sub(time.Unix(0, since)) < stuckAfter {
		return
	}
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn != nil {
		s.stuck.Store(true)
		conn.Close()
	}
}

func (s *sender) set(state State, conn Connection, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.conn = state, conn
	if err != nil {
		s.err = err
	}
}

// away tells that the target is lost: once, as long as it does not stay for a while.
func (s *sender) away(err error) {
	if s.lost.IsZero() {
		s.lost, s.told = time.Now(), false
		s.p.cfg.Log.Warn(err.Error() + ": trying again")
	}
}

// back tells, as often, that the target is there again.
func (s *sender) back() {
	if !s.lost.IsZero() && !s.told {
		s.told = true
		s.p.cfg.Log.Warn(fmt.Sprintf("%s: connected again after %.1f s", s.target, time.Since(s.lost).Seconds()))
	}
}

// failure is what is to be said of the target at the end: nil if it took everything,
// or was interrupted.
func (s *sender) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == Failed {
		return s.err
	}
	return nil
}
