package controls

import (
	"testing"
	"time"

	"planar/demux/guess"
)

// TestGuesses looks at the goroutine that asks.
func TestGuesses(t *testing.T) {
	s := newShelf()
	s.asked = make(chan string)
	woken := make(chan bool, 10)
	var g guesses[guess.Candidate]
	ask := func(name string) { g.ask(name, s.Guesses, func() { woken <- true }) }
	ask("a")
	ask("b") // before a is answered
	ask("b")
	for {
		name := <-s.asked
		if name == "b" {
			break
		}
	}
	<-woken
	if _, _, done := g.answer("a"); done {
		t.Error("what was asked before has an answer")
	}
	if list, err, done := g.answer("b"); !done || err != nil || len(list) != 4 {
		t.Errorf("the answer is %v, %v, %v", list, err, done)
	}
	if !g.news() || g.news() {
		t.Error("news is not once")
	}
	ask("b")
	ask("c")
	g.close()
	ask("d")
	for {
		select {
		case name := <-s.asked:
			if name == "d" {
				t.Error("something is asked about after close")
			}
		case <-woken:
			t.Error("Wake is called after close")
		case <-time.After(20 * time.Millisecond):
			return
		}
	}
}
