package sdlaudio

import (
	"math/rand/v2"
	"testing"
	"time"
)

const (
	testBlock   = 24 * time.Millisecond
	testRequest = testBlock / 4
)

// answers are what a server says of a stream whose first frame was heard at begins, in
// turn soon after a block was asked for, and late in it. What SDL then holds back of it is
// all but what was left of a request, and a part of a request.
type answers struct {
	r      *rand.Rand
	begins time.Duration
	even   bool // requests and blocks keep step
	wrong  int  // one in so many answers lacks a request that is on its way
	late   bool
}

func (a *answers) next() bounds {
	rest := testRequest
	if !a.even {
		rest = time.Duration(1 + a.r.Int64N(int64(testRequest)))
	}
	held := testBlock - (testRequest - rest)
	if a.late {
		held = rest + time.Duration(a.r.IntN(2))*testRequest // it may be earlier than thought
	}
	a.late = !a.late
	low := a.begins - held
	if a.wrong > 0 && a.r.IntN(a.wrong) == 0 {
		low -= testRequest
	}
	return bounds{low, low + testBlock}
}

func TestOffset(t *testing.T) {
	for _, c := range []struct {
		name  string
		even  bool
		wrong int
		drift time.Duration // from answer to answer
		jump  time.Duration // after 200 answers
		error time.Duration
	}{
		{"in step", true, 0, 0, 0, 0},
		{"in step, on a busy machine", true, 80, 0, 0, 0},
		{"in step, a fast device", true, 0, -20 * time.Microsecond, 0, time.Millisecond},
		{"in step, a slow device", true, 0, 20 * time.Microsecond, 0, time.Millisecond},
		{"in step, interrupted", true, 0, 0, 30 * time.Millisecond, 0},
		{"out of step", false, 0, 0, 0, 4 * time.Millisecond},
		{"out of step, a fast device", false, 0, -20 * time.Microsecond, 0, 4 * time.Millisecond},
		{"out of step, interrupted", false, 0, 0, 40 * time.Millisecond, 4 * time.Millisecond},
		{"sooner", true, 0, 0, -30 * time.Millisecond, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := answers{rand.New(rand.NewPCG(1, 2)), time.Second, c.even, c.wrong, false}
			o := offset{request: testRequest}
			var worst, sum time.Duration
			n := 0
			for i := range 400 {
				if i == 200 {
					a.begins += c.jump
				}
				a.begins += c.drift
				o.add(a.next())
				got, ok := o.get()
				if ok != (i+1 >= boundsNeeded) && (i < 200 || c.jump == 0) {
					t.Errorf("after %d answers: known is %v", i+1, ok)
				}
				since := i % 200
				if !ok || since < 2*boundsKept {
					continue
				}
				err := got - a.begins
				worst, sum, n = max(worst, err.Abs()), sum+err, n+1
			}
			mean := sum / time.Duration(n)
			t.Logf("off by %v in the mean, %v at worst", mean, worst)
			if worst > c.error || mean.Abs() > 1500*time.Microsecond {
				t.Errorf("off by %v in the mean, %v at worst, want at most 1.5ms, %v", mean, worst, c.error)
			}
		})
	}
}

// Single answers that disagree change nothing; several do.
func TestOffsetBelievesSeveral(t *testing.T) {
	a := answers{rand.New(rand.NewPCG(3, 4)), time.Second, true, 0, false}
	o := offset{request: testRequest}
	for range boundsKept {
		o.add(a.next())
	}
	if !o.settled() {
		t.Fatal("not settled")
	}
	before, _ := o.get()
	late := bounds{before + time.Second, before + time.Second + testBlock}
	for i := range boundsOdd - 1 {
		o.add(late)
		if got, _ := o.get(); got != before || o.settled() {
			t.Errorf("after %d odd answers: %v, settled is %v", i+1, got-before, o.settled())
		}
	}
	o.add(a.next())
	if got, _ := o.get(); got != before || !o.settled() {
		t.Error("odd answers have left something behind")
	}
	for range boundsNeeded {
		o.add(late)
	}
	if got, ok := o.get(); !ok || got < before+time.Second {
		t.Errorf("%d answers were not believed: %v, %v", boundsNeeded, got-before, ok)
	}
	o.reset()
	if _, ok := o.get(); ok || o.settled() {
		t.Error("known after a reset")
	}
}
