// Package queue holds bounded queues between the player's goroutines.
package queue

import (
	"sync"
	"time"
)

// Cost is what an item takes up.
type Cost struct {
	Bytes    int64
	Duration time.Duration
}

// Limit bounds a lane: it is full when any of the non-zero limits is reached.
type Limit struct {
	Items    int
	Bytes    int64
	Duration time.Duration
}

// Group is a set of lanes that one goroutine fills, such as the packets of the
// streams of one file. A full lane makes it wait, unless another lane has run
// empty: then the group fills on, up to Hard bytes in all, because a badly
// interleaved file has to be read further for what is missing.
type Group[T any] struct {
	mu     sync.Mutex
	change sync.Cond
	lanes  []*Lane[T]
	hard   int64
	bytes  int64
	closed bool
	cost   func(T) Cost
	free   func(T)
}

// Lane is a queue with one reader.
type Lane[T any] struct {
	g      *Group[T]
	limit  Limit
	items  []T
	cost   Cost // of all items
	active bool // counts as starving when empty
}

// NewGroup makes a group. cost tells what an item takes up, free gives back one
// that is thrown away; hard is the bound in bytes over all lanes.
func NewGroup[T any](hard int64, cost func(T) Cost, free func(T)) *Group[T] {
	g := &Group[T]{hard: hard, cost: cost, free: free}
	g.change.L = &g.mu
	return g
}

// Lane adds a lane.
func (g *Group[T]) Lane(limit Limit) *Lane[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := &Lane[T]{g: g, limit: limit, active: true}
	g.lanes = append(g.lanes, l)
	return l
}

func (l *Lane[T]) full() bool {
	m := l.limit
	return (m.Items > 0 && len(l.items) >= m.Items) || (m.Bytes > 0 && l.cost.Bytes >= m.Bytes) || (m.Duration > 0 && l.cost.Duration >= m.Duration)
}

// Full reports whether the lane has reached one of its limits.
func (l *Lane[T]) Full() bool {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	return l.full()
}

func (l *Lane[T]) mustWait() bool {
	if !l.full() {
		return false
	}
	for _, o := range l.g.lanes {
		if o != l && o.active && len(o.items) == 0 && l.g.bytes < l.g.hard {
			return false
		}
	}
	return true
}

// Put appends an item, waiting for room. It frees the item and returns false
// if the group is closed.
func (l *Lane[T]) Put(v T) bool {
	g := l.g
	g.mu.Lock()
	for l.mustWait() && !g.closed {
		g.change.Wait()
	}
	if g.closed {
		g.mu.Unlock()
		g.free(v)
		return false
	}
	l.add(v, 1)
	l.items = append(l.items, v)
	g.change.Broadcast()
	g.mu.Unlock()
	return true
}

// Drop throws away the items that match, without waiting, and returns their number.
func (l *Lane[T]) Drop(match func(T) bool) int {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	return l.drop(match)
}

func (l *Lane[T]) drop(match func(T) bool) int {
	items := l.items
	l.items = nil
	for _, v := range items {
		if !match(v) {
			l.items = append(l.items, v)
			continue
		}
		l.add(v, -1)
		l.g.free(v)
	}
	l.g.change.Broadcast()
	return len(items) - len(l.items)
}

// Replace throws away the items that match (none if match is nil) and appends others,
// without waiting, whatever the limits are: the caller bounds what it appends.
// It frees them if the group is closed.
func (l *Lane[T]) Replace(match func(T) bool, with []T) {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	if match != nil {
		l.drop(match)
	}
	for _, v := range with {
		if l.g.closed {
			l.g.free(v)
			continue
		}
		l.add(v, 1)
		l.items = append(l.items, v)
	}
	l.g.change.Broadcast()
}

func (l *Lane[T]) add(v T, sign int64) {
	c := l.g.cost(v)
	l.cost.Bytes += sign * c.Bytes
	l.cost.Duration += time.Duration(sign) * c.Duration
	l.g.bytes += sign * c.Bytes
}

// Get takes the first item, waiting for one. It returns false when the group
// is closed.
func (l *Lane[T]) Get() (v T, ok bool) {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	for len(l.items) == 0 && !l.g.closed {
		l.g.change.Wait()
	}
	return l.take()
}

// TryGet is Get without waiting.
func (l *Lane[T]) TryGet() (v T, ok bool) {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	return l.take()
}

func (l *Lane[T]) take() (v T, ok bool) {
	if l.g.closed || len(l.items) == 0 {
		return v, false
	}
	v = l.items[0]
	var none T
	l.items[0] = none
	l.items = l.items[1:]
	if len(l.items) == 0 {
		l.items = nil
	}
	l.add(v, -1)
	l.g.change.Broadcast()
	return v, true
}

// SetActive says whether the lane gets items at all; one that does not never
// counts as starving.
func (l *Lane[T]) SetActive(active bool) {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	if l.active != active {
		l.active = active
		l.g.change.Broadcast()
	}
}

// Len is the number of items in the lane, Cost what they take up.
func (l *Lane[T]) Len() int {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	return len(l.items)
}

// Cost is what the items in the lane take up.
func (l *Lane[T]) Cost() Cost {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	return l.cost
}

// Flush throws away what is in all lanes, except the items that keep (if not
// nil) wants to stay.
func (g *Group[T]) Flush(keep func(T) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flush(keep)
}

func (g *Group[T]) flush(keep func(T) bool) {
	for _, l := range g.lanes {
		l.drop(func(v T) bool { return keep == nil || !keep(v) })
	}
}

// Close throws away what is in all lanes and ends every Put and Get, now and
// later.
func (g *Group[T]) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	g.flush(nil)
}
