// Package audiotest is the test that every sound output has to pass.
package audiotest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"planar/audio"
)

// Output is player.AudioOutput, without importing the player, and End, which
// announces that running out of sound is no underrun.
type Output interface {
	Format() audio.Format
	Write(pcm []byte) (frames int, err error)
	Capacity() int
	Queued() int
	Position() audio.Position
	Flush()
	Pause(paused bool)
	SetVolume(gain float64)
	Underruns() int64
	End()
	Close() error
}

// Kind is a kind of output under test.
type Kind struct {
	// Open returns a new output; it ends the test if it cannot.
	Open func(t *testing.T, want audio.Format) Output
	// Recorded returns what has come out of the output opened last, which has been
	// closed, with any amount of silence before and after. nil if nothing can be
	// recorded.
	Recorded func(t *testing.T) []byte
	// Formats that come out unchanged; one is enough.
	Formats []audio.Format
	// Retries is how often a recording that differs is made again: between an
	// output and a recording by another process a busy machine can interrupt the sound.
	Retries int
	// Unpaced outputs take everything at once.
	Unpaced bool
}

// Run runs all tests. They take real time, about two seconds.
func Run(t *testing.T, k Kind) {
	if len(k.Formats) == 0 {
		k.Formats = []audio.Format{{Sample: audio.S16, Rate: 48000, Channels: 2}}
	}
	for _, c := range []struct {
		name string
		test func(*testing.T, Kind)
	}{
		{"StartsPaused", startsPaused},
		{"Plays", plays},
		{"Flush", flush},
		{"Pause", pause},
		{"Underruns", underruns},
		{"Volume", volume},
		{"Close", closes},
		{"Concurrency", concurrency},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			c.test(t, k)
			goleak.VerifyNone(t, before)
		})
	}
}

// Noise is n frames that are silent in no channel of the first and the last.
func Noise(f audio.Format, n int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, 0, n*f.FrameBytes())
	for range n * f.Channels {
		v := r.Uint32() | 0x00010001
		switch f.Sample {
		case audio.S16:
			b = binary.NativeEndian.AppendUint16(b, uint16(v))
		case audio.S32:
			b = binary.NativeEndian.AppendUint32(b, v)
		default: // between 1 and 2 in size: neither denormal nor NaN
			b = binary.NativeEndian.AppendUint32(b, 0x3f800000|v&0x807fffff)
		}
	}
	return b
}

// Until waits for a condition; it ends the test if that takes too long.
func Until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long: %s", what)
		}
	}
}

func (k Kind) open(t *testing.T) (Output, audio.Format) {
	return k.openAs(t, k.Formats[0])
}

func (k Kind) openAs(t *testing.T, want audio.Format) (Output, audio.Format) {
	t.Helper()
	o := k.Open(t, want)
	t.Cleanup(func() { o.Close() })
	return o, o.Format()
}

// write hands over everything, waiting for room.
func write(t *testing.T, o Output, pcm []byte) {
	t.Helper()
	Until(t, "room in the queue", func() bool {
		n, err := o.Write(pcm)
		if err != nil {
			t.Fatalf("Write: %v", err)
		}
		pcm = pcm[n*o.Format().FrameBytes():]
		return len(pcm) == 0
	})
}

func closed(t *testing.T, o Output) {
	t.Helper()
	if err := o.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func startsPaused(t *testing.T, k Kind) {
	o, f := k.open(t)
	if min := f.Rate / 5; o.Capacity() < min {
		t.Errorf("Capacity is %d frames, want at least %d, 200 ms", o.Capacity(), min)
	}
	pcm := Noise(f, o.Capacity()+1)
	if n, err := o.Write(pcm[:f.FrameBytes()-1]); n != 0 || err != nil {
		t.Errorf("Write of less than a frame: %d, %v", n, err)
	}
	if n, err := o.Write(pcm); n != o.Capacity() || err != nil {
		t.Errorf("Write of more than there is room for: %d, %v, want %d", n, err, o.Capacity())
	}
	if n, err := o.Write(pcm); n != 0 || err != nil {
		t.Errorf("Write into a full queue: %d, %v, want 0", n, err)
	}
	time.Sleep(3 * o.Position().Period)
	if p := o.Position(); p.Handed != 0 || p.Running || p.Starved || o.Queued() != o.Capacity() {
		t.Errorf("it does not start paused: %+v, %d queued", p, o.Queued())
	}
	closed(t, o)
}

// plays checks that everything that is written comes out, in order and unchanged,
// and that the position moves accordingly.
func plays(t *testing.T, k Kind) {
	for _, want := range k.Formats {
		t.Run(want.String(), func(t *testing.T) {
			k.unchanged(t, func() string { return playsAs(t, k, want) })
		})
	}
}

func playsAs(t *testing.T, k Kind, want audio.Format) (difference string) {
	o, f := k.openAs(t, want)
	total := o.Capacity() * 3 / 2
	pcm := Noise(f, total)
	left := pcm
	heard, handed := -1e9, int64(0)
	o.Pause(false)
	idle := o.Position()
	if idle.Running || idle.Starved || idle.Handed != 0 {
		t.Errorf("before the first sound: %+v", idle)
	}
	Until(t, "all is heard", func() bool {
		n, err := o.Write(left)
		if err != nil {
			t.Fatalf("Write: %v", err)
		}
		left = left[n*f.FrameBytes():]
		if len(left) == 0 {
			o.End()
		}
		p := o.Position()
		h := p.Heard(f.Rate)
		if p.Handed < handed || p.Handed > int64(total) || h > float64(p.Handed) {
			t.Fatalf("impossible: %+v after %d handed", p, handed)
		}
		if p.Running {
			// A hand-over that comes early or late moves the position by the smoothed
			// part of that; the coarse timers of SDL's dummies are good for a few ms.
			if slack := float64(f.Rate) / 100; h < heard-slack {
				t.Errorf("the position fell from %.0f to %.0f", heard, h)
			}
			heard = max(heard, h)
		}
		handed = p.Handed
		return len(left) == 0 && h == float64(total)
	})
	if p := o.Position(); p.Handed != int64(total) || o.Queued() != 0 {
		t.Errorf("at the end: %+v and %d queued, want %d handed", p, o.Queued(), total)
	}
	time.Sleep(2 * o.Position().Period)
	if n := o.Underruns(); n != 0 {
		t.Errorf("%d underruns in sound that was announced to end", n)
	}
	closed(t, o)
	return k.compare(t, f, pcm)
}

// compare says how what was recorded differs from what was written, "" if it
// does not.
func (k Kind) compare(t *testing.T, f audio.Format, want []byte) string {
	t.Helper()
	if k.Recorded == nil {
		return ""
	}
	got := trim(k.Recorded(t), f.FrameBytes())
	if bytes.Equal(got, want) {
		return ""
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	return fmt.Sprintf("not what was written: %d frames instead of %d, the first difference is in frame %d",
		len(got)/f.FrameBytes(), len(want)/f.FrameBytes(), at/f.FrameBytes())
}

// unchanged runs a test that returns compare's result until it is "".
func (k Kind) unchanged(t *testing.T, test func() string) {
	t.Helper()
	for attempt := 1; ; attempt++ {
		difference := test()
		switch {
		case difference == "":
			return
		case attempt > k.Retries:
			t.Error(difference)
			return
		}
		t.Logf("once more: %s", difference)
	}
}

// trim takes silent frames off both ends.
func trim(b []byte, frame int) []byte {
	silence := make([]byte, frame)
	for len(b) >= frame && bytes.Equal(b[:frame], silence) {
		b = b[frame:]
	}
	b = b[:len(b)/frame*frame]
	for len(b) >= frame && bytes.Equal(b[len(b)-frame:], silence) {
		b = b[:len(b)-frame]
	}
	return b
}

func flush(t *testing.T, k Kind) {
	o, f := k.open(t)
	pcm := Noise(f, o.Capacity())
	write(t, o, pcm)
	o.Flush()
	if o.Queued() != 0 {
		t.Errorf("%d queued after a flush while paused", o.Queued())
	}
	o.Pause(false)
	time.Sleep(2 * o.Position().Period)
	if p := o.Position(); p.Handed != 0 || p.Running || p.Starved {
		t.Errorf("what was flushed is played: %+v", p)
	}
	write(t, o, pcm)
	Until(t, "it plays", func() bool { return o.Position().Handed > 0 })
	o.Flush()
	p := o.Position()
	if p.Running || p.Starved || p.Handed == 0 || o.Queued() != 0 {
		t.Errorf("after a flush while playing: %+v, %d queued", p, o.Queued())
	}
	time.Sleep(3 * p.Period)
	if q := o.Position(); q.Handed != p.Handed || q.Running || q.Starved || q.Heard(f.Rate) != p.Heard(f.Rate) {
		t.Errorf("after a flush it goes on: %+v, then %+v", p, q)
	}
	write(t, o, pcm[:len(pcm)/2])
	o.End()
	Until(t, "it plays on", func() bool { return o.Position().Handed == p.Handed+int64(o.Capacity()/2) })
	if n := o.Underruns(); n != 0 {
		t.Errorf("flushing made %d underruns", n)
	}
	closed(t, o)
}

func pause(t *testing.T, k Kind) {
	o, f := k.open(t)
	write(t, o, Noise(f, o.Capacity()))
	o.Pause(false)
	Until(t, "it plays", func() bool { return o.Position().Handed > 0 })
	o.Pause(true)
	p := o.Position()
	time.Sleep(3 * p.Period)
	if q := o.Position(); q.Handed != p.Handed || q.Age != p.Age {
		t.Errorf("the position moved in a pause: %+v, then %+v", p, q)
	}
	o.Pause(true)
	if q := o.Position(); q.Age != p.Age {
		t.Errorf("the position moved when pausing twice: %+v, then %+v", p, q)
	}
	o.Pause(false)
	if q := o.Position(); q.Running && q.Handed == p.Handed && !k.Unpaced {
		t.Errorf("it runs before the first hand-over: %+v", q)
	}
	o.End()
	Until(t, "it plays on", func() bool { return o.Position().Handed == int64(o.Capacity()) })
	if n := o.Underruns(); n != 0 {
		t.Errorf("pausing made %d underruns", n)
	}
	closed(t, o)
}

func underruns(t *testing.T, k Kind) {
	if k.Unpaced {
		t.Skip("cannot run out of sound")
	}
	o, f := k.open(t)
	o.Pause(false)
	time.Sleep(2 * o.Position().Period)
	if n := o.Underruns(); n != 0 || o.Position().Starved {
		t.Errorf("silence before the first sound: %d underruns, %+v", n, o.Position())
	}
	pcm := Noise(f, f.Rate/20)
	for want := int64(1); want <= 2; want++ {
		write(t, o, pcm)
		Until(t, "it starves", func() bool { return o.Queued() == 0 && o.Position().Starved })
		Until(t, "the rest is heard", func() bool { p := o.Position(); return p.Heard(f.Rate) == float64(p.Handed) })
		time.Sleep(2 * o.Position().Period)
		if n := o.Underruns(); n != want {
			t.Errorf("%d underruns, want %d", n, want)
		}
	}
	write(t, o, pcm)
	o.End()
	Until(t, "it ends", func() bool { return o.Queued() == 0 && o.Position().Starved })
	if n := o.Underruns(); n != 2 {
		t.Errorf("%d underruns after an announced end, want 2", n)
	}
	closed(t, o)
}

func volume(t *testing.T, k Kind) {
	for _, gain := range []float64{0.5, 0} {
		k.unchanged(t, func() string { return volumeAt(t, k, gain) })
	}
}

func volumeAt(t *testing.T, k Kind, gain float64) (difference string) {
	o, f := k.open(t)
	total := o.Capacity() / 2
	pcm := Noise(f, total)
	o.SetVolume(gain)
	write(t, o, pcm)
	o.End()
	o.Pause(false)
	Until(t, "all is heard", func() bool { p := o.Position(); return p.Running && p.Heard(f.Rate) == float64(total) })
	closed(t, o)
	audio.ApplyGain(pcm, f, gain, gain)
	return k.compare(t, f, trim(pcm, f.FrameBytes()))
}

func closes(t *testing.T, k Kind) {
	o, f := k.open(t)
	write(t, o, Noise(f, 100))
	o.Pause(false)
	Until(t, "it plays", func() bool { return o.Position().Handed == 100 })
	p, n := o.Position(), o.Underruns()
	closed(t, o)
	closed(t, o)
	if _, err := o.Write(Noise(f, 1)); err == nil {
		t.Error("Write works after Close")
	}
	o.Flush()
	o.Pause(false)
	o.SetVolume(1)
	o.End()
	if q := o.Position(); q.Handed != p.Handed || o.Underruns() < n {
		t.Errorf("after Close: %+v, want what was before: %+v", q, p)
	}
}

// concurrency is for the race detector: everything that may be called from any
// goroutine is, until after Close.
func concurrency(t *testing.T, k Kind) {
	o, f := k.open(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				p := o.Position()
				if p.Last > int(p.Handed) {
					t.Errorf("torn position: %+v", p)
				}
				o.Queued()
				o.Underruns()
				o.SetVolume(float64(n%10) / 10)
				o.Pause(n%8 == 7 && i == 0)
				time.Sleep(time.Millisecond)
			}
		})
	}
	pcm := Noise(f, f.Rate/50)
	for end := time.Now().Add(150 * time.Millisecond); time.Now().Before(end); {
		if _, err := o.Write(pcm); err != nil {
			t.Errorf("Write: %v", err)
		}
		time.Sleep(time.Millisecond)
	}
	o.Flush()
	closed(t, o)
	close(stop)
	wg.Wait()
}
