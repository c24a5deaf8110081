package player

import (
	"context"
	"sync"
	"time"

	"planar/demux"
	"planar/render"
)

// An epoch is the time between two jumps in playback. Packets, frames and sound
// carry the number of the epoch they were read in; what belongs to an older
// one is thrown away wherever it is met, so that a seek needs no rendezvous.
type epoch struct {
	n      int
	target time.Duration // where playback goes on, on the source's timeline
	mode   seekMode
}

// seekMode says which frame a seek is to arrive at.
type seekMode int

const (
	fromStart  seekMode = iota // the first frame there is
	showing                    // the frame that is on the screen at the target
	lastBefore                 // the last frame that begins before the target
)

// from is where reading has to begin.
func (e *epoch) from() time.Duration {
	if e.mode == lastBefore {
		return max(0, e.target-1)
	}
	return e.target
}

// wants reports whether playback begins with this frame, or only after it.
func (e *epoch) wants(start, end time.Duration) bool {
	switch e.mode {
	case showing:
		return end > e.target
	case lastBefore:
		return start >= e.target // the one held back goes out before it
	}
	return true
}

// epochs hands out epochs and knows the one that counts.
type epochs struct {
	mu    sync.Mutex
	cur   *epoch
	jump  bool          // the source has not yet been moved to where cur begins
	began chan struct{} // holds a token when a new epoch has begun
}

func newEpochs() *epochs { return &epochs{cur: &epoch{}, began: make(chan struct{}, 1)} }

func (e *epochs) current() *epoch {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cur
}

// begin starts a new epoch.
func (e *epochs) begin(target time.Duration, mode seekMode) *epoch {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cur, e.jump = &epoch{e.cur.n + 1, target, mode}, true
	select {
	case e.began <- struct{}{}:
	default:
	}
	return e.cur
}

// retarget moves the beginning of an epoch of which nothing has been read yet.
func (e *epochs) retarget(old *epoch, target time.Duration) *epoch {
	moved := &epoch{old.n, target, old.mode}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cur == old {
		e.cur = moved
	}
	return moved
}

// takeJump returns the current epoch, and whether the source must still be moved.
func (e *epochs) takeJump() (*epoch, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	j := e.jump
	e.jump = false
	return e.cur, j
}

func (e *epochs) jumpPending() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.jump
}

// packet is what travels from the demux goroutine to a decoder: an access unit,
// or a mark in their row.
type packet struct {
	*demux.Packet
	epoch  int
	offset time.Duration // playback time minus the source's time
	at     time.Duration // real time at which it was read
	mark   mark
	src    demux.Source // markOpen: whose decoder to make
	stream int          // markOpen
	done   func()       // markClose: called when the decoder is closed
}

type mark int

const (
	markNone  mark = iota
	markDrain      // the stream is over for now: give out what is still inside
	markEnd        // as markDrain, and playback ends here
	markOpen       // make a decoder for this source's stream
	markClose      // close the decoder: the source is about to go
)

// frame is a decoded picture on its way to the screen.
type frame struct {
	*demux.Frame
	epoch      int
	start, end time.Duration // playback time
	first      bool          // of its epoch: shown as soon as it is there
	final      bool          // no picture: the stream has ended
	from       origin
	said       render.Colour  // by the source; Colour is as it is shown
	alone      render.Picture // one component of it, if only that is shown
}

// origin is where a frame comes from: what its packet had gone through before.
type origin struct {
	pts      time.Duration // the packet's
	read     time.Duration // real time at which it was read
	waited   time.Duration // for packets before it, in the source
	captured time.Time     // by the sender's clock, zero if it does not say
	decoded  time.Duration // real time at which the picture came out of the decoder
}

// waitJump waits until a new epoch begins; false if ctx ends first.
func (e *epochs) waitJump(ctx context.Context) bool {
	for !e.jumpPending() {
		select {
		case <-ctx.Done():
			return false
		case <-e.began:
		}
	}
	return true
}
