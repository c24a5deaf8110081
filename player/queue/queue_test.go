package queue

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type item struct {
	n     int
	bytes int64
}

func group(t *testing.T, hard int64) (*Group[item], *sync.Map) {
	freed := &sync.Map{}
	g := NewGroup(hard, func(i item) Cost { return Cost{Bytes: i.bytes, Duration: time.Duration(i.bytes)} }, func(i item) { freed.Store(i.n, true) })
	t.Cleanup(g.Close)
	return g, freed
}

// blocked reports whether f is still running when everything has come to rest.
func blocked(f func()) (done func() bool) {
	var mu sync.Mutex
	finished := false
	go func() {
		f()
		mu.Lock()
		finished = true
		mu.Unlock()
	}()
	return func() bool {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return finished
	}
}

func TestFullLaneWaits(t *testing.T) {
	for name, limit := range map[string]Limit{"items": {Items: 2}, "bytes": {Bytes: 20}, "duration": {Duration: 20}} {
		synctest.Test(t, func(t *testing.T) {
			g, _ := group(t, 1000)
			l := g.Lane(limit)
			l.Put(item{1, 10})
			if l.Full() {
				t.Errorf("%s: full after one item", name)
			}
			l.Put(item{2, 10})
			if !l.Full() {
				t.Errorf("%s: not full after two items", name)
			}
			done := blocked(func() { l.Put(item{3, 10}) })
			if done() {
				t.Errorf("%s: a third item went into a full lane", name)
			}
			if v, ok := l.Get(); !ok || v.n != 1 {
				t.Errorf("%s: got %v %v, want item 1", name, v, ok)
			}
			if !done() {
				t.Errorf("%s: Put did not go on when there was room", name)
			}
			if c := l.Cost(); c.Bytes != 20 || l.Len() != 2 {
				t.Errorf("%s: %d items cost %v", name, l.Len(), c)
			}
		})
	}
}

func TestStarvingLaneLetsAnotherOverfill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := group(t, 50)
		a, b := g.Lane(Limit{Items: 1}), g.Lane(Limit{Items: 1})
		for i := range 5 {
			a.Put(item{i, 10}) // b is empty: the file has to be read on
		}
		done := blocked(func() { a.Put(item{9, 10}) })
		if done() {
			t.Error("a lane grew past the hard limit")
		}
		b.Put(item{100, 1})
		a.Get()
		if done() {
			t.Error("a lane over its own limit took more although no other starves")
		}
		b.SetActive(false)
		for range 4 {
			a.Get()
		}
		if !done() {
			t.Error("Put still waits")
		}
	})
}

func TestFlushKeepsMarksAndWakesPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, freed := group(t, 1000)
		l := g.Lane(Limit{Items: 2})
		l.Put(item{1, 10})
		l.Put(item{2, 10})
		done := blocked(func() { l.Put(item{3, 10}) })
		done()
		g.Flush(func(i item) bool { return i.n == 2 })
		if !done() {
			t.Fatal("Put waits although the lane was flushed")
		}
		if _, ok := freed.Load(1); !ok {
			t.Error("a flushed item was not freed")
		}
		for _, want := range []int{2, 3} {
			if v, ok := l.TryGet(); !ok || v.n != want {
				t.Errorf("got %v %v, want item %d", v, ok, want)
			}
		}
		if c := l.Cost(); c != (Cost{}) {
			t.Errorf("an empty lane costs %v", c)
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, freed := group(t, 1000)
		l, empty := g.Lane(Limit{Items: 1}), g.Lane(Limit{Items: 1})
		empty.SetActive(false)
		l.Put(item{1, 1})
		put := blocked(func() {
			if l.Put(item{2, 1}) {
				t.Error("Put succeeded in a closed group")
			}
		})
		get := blocked(func() {
			if _, ok := empty.Get(); ok {
				t.Error("Get succeeded in a closed group")
			}
		})
		if put() || get() {
			t.Fatal("nothing to wait for")
		}
		g.Close()
		if !put() || !get() {
			t.Error("still waiting in a closed group")
		}
		for _, n := range []int{1, 2} {
			if _, ok := freed.Load(n); !ok {
				t.Errorf("item %d was not freed", n)
			}
		}
	})
}

// Replace waits for no room, keeps the order, and frees what it throws away, and
// everything once the group is closed.
func TestReplace(t *testing.T) {
	g, freed := group(t, 1000)
	l := g.Lane(Limit{Items: 2})
	l.Put(item{1, 10})
	l.Put(item{2, 10})
	l.Replace(func(i item) bool { return i.n == 1 }, []item{{3, 10}, {4, 10}})
	l.Replace(nil, []item{{5, 10}})
	if c := l.Cost(); c.Bytes != 40 {
		t.Errorf("the lane costs %d bytes, want 40", c.Bytes)
	}
	for _, want := range []int{2, 3, 4, 5} {
		if v, ok := l.TryGet(); !ok || v.n != want {
			t.Errorf("got %d, want %d", v.n, want)
		}
	}
	g.Close()
	l.Replace(nil, []item{{6, 10}})
	for n, want := range map[int]bool{1: true, 2: false, 6: true} {
		if _, got := freed.Load(n); got != want {
			t.Errorf("item %d freed: %v, want %v", n, got, want)
		}
	}
}
