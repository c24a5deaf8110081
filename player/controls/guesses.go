package controls

import (
	"context"
	"sync"
)

// guesses asks what files may be, one at a time, on a goroutine of its own. C is one
// thing that a file may be.
type guesses[C any] struct {
	mu      sync.Mutex
	name    string // what is asked about
	list    []C
	err     error
	done    bool // list and err are the answer
	fresh   bool // and have not been looked at
	running bool
	closed  bool
	cancel  context.CancelFunc // of what is being asked
}

// ranking lists what a file may be, the likeliest first.
type ranking[C any] func(ctx context.Context, name string) ([]C, error)

// ask asks about a file; wake is called when there is an answer, from any goroutine.
// One that is asked about already is not asked about again.
func (g *guesses[C]) ask(name string, rank ranking[C], wake func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.name == name && (g.running || g.done) {
		return
	}
	g.name, g.list, g.err, g.done, g.fresh = name, nil, nil, false, false
	if g.cancel != nil {
		g.cancel()
	}
	if !g.running {
		g.running = true
		go g.run(rank, wake)
	}
}

// run asks until nothing more is wanted.
func (g *guesses[C]) run(rank ranking[C], wake func()) {
	for {
		g.mu.Lock()
		if g.closed {
			g.mu.Unlock()
			return
		}
		name := g.name
		ctx, cancel := context.WithCancel(context.Background())
		g.cancel = cancel
		g.mu.Unlock()
		list, err := rank(ctx, name)
		cancel()
		g.mu.Lock()
		if g.name == name && !g.closed {
			g.list, g.err, g.done, g.fresh, g.running = list, err, true, true, false
			wake() // while locked: not after close has returned
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
	}
}

// answer is what came of asking about a file.
func (g *guesses[C]) answer(name string) (list []C, err error, done bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.name != name || !g.done {
		return nil, nil, false
	}
	return g.list, g.err, true
}

// news reports, once, that there is an answer.
func (g *guesses[C]) news() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	fresh := g.fresh
	g.fresh = false
	return fresh
}

func (g *guesses[C]) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	if g.cancel != nil {
		g.cancel()
	}
}
