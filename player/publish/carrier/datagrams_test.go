package carrier

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"planar/player/publish"
)

// What of a unit is sent when.
func TestPacing(t *testing.T) {
	const frame = 40 * time.Millisecond
	for _, c := range []struct {
		name      string
		packets   int // of 188 bytes
		duration  time.Duration
		gap       time.Duration
		percent   int
		datagrams int
		most      int // at one moment
		within    time.Duration
	}{
		{"small", 70, frame, udpGap, 50, 10, 10, 0},
		{"one burst", 210, frame, udpGap, 50, 30, 30, 0},
		{"key picture", 1610, frame, udpGap, 50, 230, 30, 7 * time.Millisecond},
		{"large, 25/s", 7000, frame, udpGap, 50, 1000, 48, 20 * time.Millisecond},
		{"large, 60/s", 7000, 16667 * time.Microsecond, udpGap, 50, 1000, 112, 8 * time.Millisecond},
		{"large, 1/s", 7000, time.Second, udpGap, 50, 1000, 48, 20 * time.Millisecond},
		{"no time", 700, time.Millisecond, udpGap, 50, 100, 100, 0},
		{"SRT key picture", 1610, frame, srtGap, 75, 230, 33, 30 * time.Millisecond},
		{"SRT large", 7000, frame, srtGap, 75, 1000, 143, 30 * time.Millisecond},
		{"not paced", 7000, frame, 0, 0, 1000, 1000, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				at := map[time.Duration]int{}
				k := cutter{size: payload, gap: c.gap, percent: c.percent, send: func(b []byte) error {
					at[time.Since(began)]++
					return nil
				}}
				_, _ = k.Write(make([]byte, c.packets*tsPacket))
				if err := k.flush(&publish.Unit{Duration: c.duration}); err != nil {
					t.Fatal(err)
				}
				sum, most, last := 0, 0, time.Duration(0)
				for when, n := range at {
					sum += n
					most = max(most, n)
					last = max(last, when)
				}
				if sum != c.datagrams || most != c.most || last != c.within {
					t.Errorf("%d datagrams, at most %d at once, the last after %v; want %d, %d, %v", sum, most, last, c.datagrams, c.most, c.within)
				}
			})
		})
	}
}

// Without durations they are told by the timestamps of each stream.
func TestPacingByTimestamps(t *testing.T) {
	var p pacer
	var got []int
	for i := range 3 {
		got = append(got, p.bursts(&publish.Unit{DTS: time.Duration(i) * 40 * time.Millisecond}, 1000, udpGap, 50),
			p.bursts(&publish.Unit{Stream: 1, DTS: time.Duration(i) * 20 * time.Millisecond}, 1000, udpGap, 50))
	}
	if want := []int{91, 91, 48, 91, 48, 91}; !slices.Equal(got, want) {
		t.Errorf("bursts of %v datagrams, want %v", got, want)
	}
}

// What is no whole TS packet waits for the rest.
func TestRemainder(t *testing.T) {
	var sizes []int
	k := cutter{size: payload, send: func(b []byte) error { sizes = append(sizes, len(b)); return nil }}
	for _, n := range []int{100, 100, 2000, 56} {
		_, _ = k.Write(make([]byte, n))
		if err := k.flush(nil); err != nil {
			t.Fatal(err)
		}
	}
	if want := []int{188, 1316, 564, 188}; !slices.Equal(sizes, want) {
		t.Errorf("datagrams of %v bytes, want %v", sizes, want)
	}
}
