package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// fill appends items from..to-1, one each 100 ms and 10 bytes, every gop-th a key
// item.
func fill(b *Backlog[int], from, to, gop int) {
	for i := from; i < to; i++ {
		b.Append(i, Mark{Bytes: 10, Key: i%gop == 0, At: began.Add(time.Duration(i) * 100 * time.Millisecond)})
	}
}

// drain reads what there is.
func drain(t *testing.T, r *Reader[int]) (got []int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for {
		i, err := r.Next(ctx)
		if err != nil {
			if !errors.Is(err, context.Canceled) && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			return got
		}
		got = append(got, i)
	}
}

func span(from, to int) (s []int) {
	for i := from; i < to; i++ {
		s = append(s, i)
	}
	return s
}

func TestBacklogReaders(t *testing.T) {
	const lag = 2 * time.Second
	tests := []struct {
		name    string
		keep    Keep
		before  int // items before the reader begins
		gop     int
		o       ReaderOptions
		after   int // items until it reads again
		want    []int
		dropped int64
	}{
		{"from the latest key", Keep{1 << 20, 0}, 25, 10, ReaderOptions{Lag: lag}, 27, span(20, 27), 0},
		{"nothing yet", Keep{1 << 20, 0}, 0, 10, ReaderOptions{Lag: lag}, 3, span(0, 3), 0},
		{"the oldest kept", Keep{1 << 20, time.Second}, 25, 5, ReaderOptions{From: FromOldest, Lag: lag}, 25, span(14, 25), 0},
		{"a group longer than what is kept", Keep{1 << 20, time.Second}, 95, 100, ReaderOptions{Lag: lag}, 98, span(0, 98), 0},
		{"too many bytes for the group", Keep{100, time.Second}, 95, 100, ReaderOptions{Lag: lag}, 102, span(100, 102), 5},
		{"too far behind", Keep{1 << 20, time.Minute}, 1, 10, ReaderOptions{Lag: lag}, 35, span(30, 35), 30},
		{"behind, but no newer key", Keep{1 << 20, time.Minute}, 1, 100, ReaderOptions{Lag: lag}, 35, span(0, 35), 0},
		{"forgotten", Keep{1 << 20, time.Second}, 1, 10, ReaderOptions{Lag: time.Hour}, 35, span(30, 35), 30},
		{"forgotten with the key", Keep{50, time.Second}, 1, 100, ReaderOptions{Lag: time.Hour}, 101, []int{100}, 100},
		{"a key some time ago", Keep{1 << 20, time.Minute}, 35, 10, ReaderOptions{Before: began.Add(1900 * time.Millisecond), Lag: time.Hour}, 35, span(10, 35), 0},
		{"a key that is forgotten", Keep{1 << 20, 0}, 35, 10, ReaderOptions{Before: began.Add(-time.Second), Lag: time.Hour}, 35, span(30, 35), 0},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			b := NewBacklog[int](c.keep)
			fill(b, 0, c.before, c.gop)
			r := b.NewReader(c.o)
			fill(b, c.before, c.after, c.gop)
			if got := drain(t, r); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if r.Dropped() != c.dropped {
				t.Errorf("%d dropped, want %d", r.Dropped(), c.dropped)
			}
			b.Close()
			b.Append(-1, Mark{Key: true})
			if i, err := r.Next(context.Background()); !errors.Is(err, io.EOF) {
				t.Errorf("after Close: %v, %v, want EOF", i, err)
			}
		})
	}
}

// What is kept stays within its bounds whatever comes.
func TestBacklogIsBounded(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	b := NewBacklog[[]byte](Keep{Bytes: 10000, Duration: time.Second})
	at := began
	for range 10000 {
		at = at.Add(time.Duration(rnd.IntN(50)) * time.Millisecond)
		n := rnd.IntN(2000)
		b.Append(make([]byte, n), Mark{Bytes: n, Key: rnd.IntN(30) == 0, At: at})
		items, bytes := b.Len()
		if bytes > 10000 || items == 0 {
			t.Fatalf("%d items of %d bytes kept", items, bytes)
		}
	}
}

// A hundred readers, some of them slow, get what comes in order and each group from
// its beginning; the writer never waits.
func TestBacklogManyReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBacklog[int](Keep{Bytes: 1 << 20, Duration: time.Second})
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				r := b.NewReader(ReaderOptions{Lag: time.Second})
				last := -1
				got := int64(0)
				for {
					n, err := r.Next(t.Context())
					if err != nil {
						break
					}
					if n != last+1 && n%10 != 0 || n <= last {
						panic(fmt.Sprintf("%d after %d", n, last))
					}
					last = n
					got++
					if i%10 == 0 {
						time.Sleep(250 * time.Millisecond)
					}
				}
				if i%10 != 0 && (r.Dropped() != 0 || got != 1000) {
					t.Errorf("reader %d got %d and lost %d", i, got, r.Dropped())
				}
				if i%10 == 0 && (r.Dropped() == 0 || got+r.Dropped() != 1000) {
					t.Errorf("slow reader %d got %d and lost %d", i, got, r.Dropped())
				}
			})
		}
		from := time.Now()
		for i := range 1000 {
			b.Append(i, Mark{Bytes: 100, Key: i%10 == 0, At: time.Now()})
			time.Sleep(100 * time.Millisecond)
		}
		if d := time.Since(from); d != 100*time.Second {
			t.Errorf("the writer took %v", d)
		}
		b.Close()
		wg.Wait()
	})
}

// A reader that could not read for a while begins anew at a key item.
func TestBacklogRejoin(t *testing.T) {
	b := NewBacklog[int](Keep{1 << 20, time.Minute})
	fill(b, 0, 5, 10)
	r := b.NewReader(ReaderOptions{Lag: time.Hour})
	drain(t, r)
	fill(b, 5, 37, 10)
	r.Rejoin(time.Time{})
	if got := drain(t, r); !slices.Equal(got, span(30, 37)) || r.Dropped() != 25 {
		t.Errorf("got %v, %d dropped, want 30 to 36 and 25", got, r.Dropped())
	}
	r.Rejoin(began.Add(2900 * time.Millisecond)) // again what was read already
	if got := drain(t, r); !slices.Equal(got, span(20, 37)) || r.Dropped() != 25 {
		t.Errorf("got %v, %d dropped, want 20 to 36 and 25", got, r.Dropped())
	}
}
