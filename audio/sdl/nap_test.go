package sdlaudio

import (
	"bytes"
	"testing"
	"time"

	"planar/audio"
	"planar/audio/audiotest"
)

// asleep reports whether SDL's device is closed.
func (d *Device) asleep() bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.id == 0
}

// A device that is paused for long is closed, wakes up to play what is queued, and
// counts on as if nothing had been.
func TestNap(t *testing.T) {
	defer func(d time.Duration) { napAfter = d }(napAfter)
	napAfter = 50 * time.Millisecond
	f := audio.Format{Sample: audio.S16, Rate: 48000, Channels: 2}
	for _, driver := range []string{"dummy", "pulseaudio"} {
		t.Run(driver, func(t *testing.T) {
			t.Setenv("SDL_AUDIODRIVER", driver)
			var rec *audiotest.Recording
			if driver == "pulseaudio" {
				rec = audiotest.StartPulse(t, f).Record(t)
			}
			d, err := Open(f)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			audiotest.Until(t, "it sleeps, as it was never resumed", d.asleep)
			pcm := audiotest.Noise(f, 4800)
			for round := range 3 {
				if n, err := d.Write(pcm); n != 4800 || err != nil {
					t.Fatalf("Write while asleep: %d, %v", n, err)
				}
				if d.Lost() {
					t.Error("a sleeping device counts as lost")
				}
				d.Pause(false)
				d.End()
				want := int64(4800 * (round + 1))
				audiotest.Until(t, "all is heard after it woke up", func() bool {
					p := d.Position()
					return p.Handed == want && p.Heard(f.Rate) == float64(want)
				})
				if d.asleep() {
					t.Error("it plays in its sleep")
				}
				d.Pause(true)
				before := d.Position()
				audiotest.Until(t, "it sleeps again", d.asleep)
				if p := d.Position(); p.Handed != before.Handed || p.Age != before.Age {
					t.Errorf("falling asleep moved the position: %+v, then %+v", before, p)
				}
			}
			if n := d.Underruns(); n != 0 {
				t.Errorf("%d underruns", n)
			}
			if rec != nil {
				time.Sleep(100 * time.Millisecond)
				if heard := rec.Bytes(); !bytes.Contains(heard, pcm) {
					t.Error("what was written was not heard as it was")
				}
			}
		})
	}
}

// Closing, pausing and resuming while it falls asleep and wakes up.
func TestNapIsInterrupted(t *testing.T) {
	defer func(d time.Duration) { napAfter = d }(napAfter)
	napAfter = time.Millisecond
	t.Setenv("SDL_AUDIODRIVER", "dummy")
	f := audio.Format{Sample: audio.S16, Rate: 48000, Channels: 2}
	for i := range 20 {
		d, err := Open(f)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 4 {
			d.Pause(n%2 == 1)
			d.Position()
			d.Flush()
			time.Sleep(time.Duration(i*n) * 200 * time.Microsecond)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d.Pause(false)
	}
}
