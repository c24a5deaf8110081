package audio

import (
	"math"
	"testing"
	"time"
)

func TestHeard(t *testing.T) {
	const ms = time.Millisecond
	playing := Position{Handed: 10000, Last: 1000, Period: 20 * ms, Latency: 30 * ms, Running: true}
	first := Position{Handed: 1000, Last: 1000, Period: 20 * ms, Latency: 30 * ms, Running: true}
	starved := Position{Handed: 10000, Last: 500, Period: 20 * ms, Latency: 30 * ms, Running: true, Starved: true}
	for _, c := range []struct {
		name string
		p    Position
		age  time.Duration
		want float64
	}{
		{"nothing played", Position{Period: 20 * ms, Latency: 30 * ms}, 0, -1500},
		{"first hand-over", first, 0, -1500},
		{"first frame is about to be heard", first, 29 * ms, -50},
		{"hand-over", playing, 0, 7500},
		{"half a period later", playing, 10 * ms, 8000},
		{"a period later", playing, 20 * ms, 8500},
		{"called early: the smoothed age is negative", playing, -2 * ms, 7400},
		{"late", playing, 30 * ms, 9000},
		{"stalled", playing, time.Hour, 9000},
		{"starved", starved, 0, 8000},
		{"starved, what is left is played", starved, 35 * ms, 9750},
		{"starved, silence", starved, 40 * ms, 10000},
		{"starved for long", starved, time.Hour, 10000},
		{"no latency", Position{Handed: 1000, Last: 1000, Period: 20 * ms}, 20 * ms, 1000},
		{"never past what was handed over", Position{Handed: 1000, Last: 1000, Period: 20 * ms}, 25 * ms, 1000},
	} {
		c.p.Age = c.age
		if got := c.p.Heard(50000); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}
