package queue

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Backlog is what one goroutine produced last, for any number of readers, each at
// its own pace. Nobody waits for a reader: one that falls behind is moved to the
// latest item from which it can begin anew, and what it missed is counted. Items are
// shared and not copied.
//
// From the latest key item on everything is kept, so that a new reader can begin at
// once; what is older, as long as Keep says.
type Backlog[T any] struct {
	keep Keep

	mu     sync.Mutex
	items  []entry[T]
	first  int64 // the number of items[0]; numbers count from 0 and are never used again
	key    int64 // of the latest key item, -1 if it is not kept
	bytes  int64
	closed bool
	more   chan struct{} // closed, and replaced, when an item is appended or there will be none
}

type entry[T any] struct {
	item T
	Mark
}

// Mark says of an item what its place in the backlog depends on.
type Mark struct {
	Bytes int
	Key   bool      // a reader can begin here
	At    time.Time // when it was produced; if it falls, only by what streams are apart
}

// Keep bounds a backlog. Bytes is a hard limit, which a single item may exceed; an
// item that is older than the newest one by more than Duration is kept only if the
// latest key item is not newer.
type Keep struct {
	Bytes    int64
	Duration time.Duration
}

// NewBacklog returns an empty backlog.
func NewBacklog[T any](k Keep) *Backlog[T] {
	return &Backlog[T]{keep: k, key: -1, more: make(chan struct{})}
}

// Append adds an item. It never blocks. After Close it does nothing.
func (b *Backlog[T]) Append(item T, m Mark) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.items = append(b.items, entry[T]{item, m})
	b.bytes += int64(m.Bytes)
	if m.Key {
		b.key = b.end() - 1
	}
	b.trim(m.At)
	b.wake()
}

// trim forgets what is not kept.
func (b *Backlog[T]) trim(newest time.Time) {
	n := 0
	for ; n < len(b.items)-1; n++ {
		e := &b.items[n]
		old := newest.Sub(e.At) > b.keep.Duration && (b.key < 0 || b.first+int64(n) < b.key)
		if !old && b.bytes <= b.keep.Bytes {
			break
		}
		b.bytes -= int64(e.Bytes)
		*e = entry[T]{} // for the garbage collector
	}
	b.items = b.items[n:]
	b.first += int64(n)
	if b.key < b.first {
		b.key = -1
	}
}

// end is the number of the next item to come.
func (b *Backlog[T]) end() int64 { return b.first + int64(len(b.items)) }

func (b *Backlog[T]) wake() {
	close(b.more)
	b.more = make(chan struct{})
}

// Close says that there will be no more items. Readers read what is kept, then get
// io.EOF.
func (b *Backlog[T]) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		b.wake()
	}
}

// Closed reports whether Close was called.
func (b *Backlog[T]) Closed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

// Start is where a reader begins.
type Start int

const (
	FromKey    Start = iota // the latest key item, or the next one if none is kept
	FromOldest              // the oldest item that is kept
)

// ReaderOptions say how a reader reads.
type ReaderOptions struct {
	From Start
	// Before moves FromKey back to the latest key item that is not newer; the zero
	// time does not.
	Before time.Time
	// Lag is how far the reader may be behind the newest item, by their At. When it is
	// farther behind it goes on at the latest key item, if that is still before it.
	Lag time.Duration
}

// Reader reads a backlog. Its methods but Dropped and Skips are called by one
// goroutine.
type Reader[T any] struct {
	b       *Backlog[T]
	lag     time.Duration
	next    int64 // the number of the item to return
	awaits  bool  // only a key item will do
	dropped atomic.Int64
	skips   atomic.Int64
}

// NewReader returns a reader. It needs no closing.
func (b *Backlog[T]) NewReader(o ReaderOptions) *Reader[T] {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &Reader[T]{b: b, lag: o.Lag, next: b.end()}
	if o.From == FromOldest {
		r.next = b.first
	} else {
		r.begin(o.Before)
	}
	return r
}

// begin puts the reader at the latest key item that is not newer than before, if that
// is not zero.
func (r *Reader[T]) begin(before time.Time) {
	b := r.b
	at := b.key
	if !before.IsZero() {
		for at >= b.first && (!b.at(at).Key || b.at(at).At.After(before)) {
			at--
		}
	}
	if at < b.first {
		at = b.key
	}
	if r.awaits = at < 0; r.awaits {
		at = b.end()
	}
	r.dropped.Add(max(0, at-r.next))
	r.next = at
}

// Rejoin begins anew, as a reader FromKey does, after a time in which nothing could be
// done with items; what is left out counts as dropped.
func (r *Reader[T]) Rejoin(before time.Time) {
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	r.begin(before)
}

func (b *Backlog[T]) at(n int64) *entry[T] { return &b.items[n-b.first] }

// Dropped is how many items the reader has not been given.
func (r *Reader[T]) Dropped() int64 { return r.dropped.Load() }

// Skips is how often items were left out.
func (r *Reader[T]) Skips() int64 { return r.skips.Load() }

// Next returns the next item. It waits for it until ctx ends, whose error it then
// returns; io.EOF means that there will be none.
func (r *Reader[T]) Next(ctx context.Context) (item T, err error) {
	for {
		item, more, err := r.take()
		if more == nil {
			return item, err
		}
		select {
		case <-more:
		case <-ctx.Done():
			return item, ctx.Err()
		}
	}
}

// take returns the next item, or what to wait for.
func (r *Reader[T]) take() (item T, more <-chan struct{}, err error) {
	b := r.b
	b.mu.Lock()
	defer b.mu.Unlock()
	r.keepUp()
	for r.awaits && r.next < b.end() && !b.at(r.next).Key {
		r.drop(1)
	}
	if r.next < b.end() {
		item = b.at(r.next).item
		r.next++
		r.awaits = false
		return item, nil, nil
	}
	if b.closed {
		return item, nil, io.EOF
	}
	return item, b.more, nil
}

// keepUp moves a reader that is too far behind.
func (r *Reader[T]) keepUp() {
	b := r.b
	switch {
	case r.next < b.first: // what it should read is forgotten
		to := b.key
		if to < 0 {
			to = b.first
		}
		r.skips.Add(1)
		r.drop(to - r.next)
		r.awaits = true
	case r.next < b.key && b.items[len(b.items)-1].At.Sub(b.at(r.next).At) > r.lag:
		r.skips.Add(1)
		r.drop(b.key - r.next)
	}
}

func (r *Reader[T]) drop(n int64) {
	r.next += n
	r.dropped.Add(n)
}

// Len is how many items are kept, and their bytes.
func (b *Backlog[T]) Len() (items int, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.items), b.bytes
}
