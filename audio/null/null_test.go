package null_test

import (
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"planar/audio"
	"planar/audio/audiotest"
	"planar/audio/null"
	"planar/player"
)

var _ player.AudioOutput = (*null.Device)(nil)

var format = audio.Format{Sample: audio.S16, Rate: 48000, Channels: 2}

func TestOutput(t *testing.T) {
	for name, opt := range map[string]null.Options{
		"default": {},
		"latency": {Latency: 30 * time.Millisecond},
		"bursts":  {Period: 512, Burst: 2},
		"unpaced": {Unpaced: true},
	} {
		t.Run(name, func(t *testing.T) {
			var got []byte
			opt.Consume = func(pcm []byte) error {
				got = append(got, pcm...)
				return nil
			}
			audiotest.Run(t, audiotest.Kind{
				Open: func(t *testing.T, want audio.Format) audiotest.Output {
					got = nil
					d, err := null.Open(want, opt)
					if err != nil {
						t.Fatal(err)
					}
					return d
				},
				Recorded: func(*testing.T) []byte { return got },
				Formats:  []audio.Format{format, {Sample: audio.F32, Rate: 44100, Channels: 6}, {Sample: audio.S32, Rate: 8000, Channels: 1}},
				Unpaced:  opt.Unpaced,
			})
		})
	}
}

func open(t *testing.T, opt null.Options) *null.Device {
	t.Helper()
	d, err := null.Open(format, opt)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// keepFull writes whenever there is room, for a while.
func keepFull(t *testing.T, d *null.Device, during time.Duration) {
	t.Helper()
	pcm := audiotest.Noise(format, format.Rate/10)
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := d.Write(pcm); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, null.Options{Latency: 50 * time.Millisecond})
		defer d.Close()
		d.Write(audiotest.Noise(format, format.Rate/10))
		start := time.Now()
		d.Pause(false)
		synctest.Wait()
		for range 600 {
			keepFull(t, d, time.Second)
			want := (time.Since(start) - 50*time.Millisecond).Seconds() * float64(format.Rate)
			if got := d.Position().Heard(format.Rate); math.Abs(got-want) > 0.5 {
				t.Fatalf("after %v frame %.1f is heard, want %.1f", time.Since(start), got, want)
			}
		}
		if n := d.Underruns(); n != 0 {
			t.Errorf("%d underruns", n)
		}
	})
}

func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, null.Options{})
		defer d.Close()
		d.Pause(false)
		keepFull(t, d, time.Second)
		p := d.Position()
		d.Stall(300 * time.Millisecond)
		keepFull(t, d, 250*time.Millisecond)
		q := d.Position()
		if q.Handed > p.Handed+int64(p.Last) || q.Starved {
			t.Errorf("not stalled: %+v, then %+v", p, q)
		}
		keepFull(t, d, 250*time.Millisecond)
		if r := d.Position(); r.Handed < q.Handed+5000 || d.Underruns() != 0 {
			t.Errorf("it does not go on: %+v, then %+v", q, r)
		}
	})
}

func TestConsumeFails(t *testing.T) {
	for _, unpaced := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			full, calls := errors.New("full"), 0
			d := open(t, null.Options{Unpaced: unpaced, Consume: func([]byte) error { calls++; return full }})
			d.Pause(false)
			pcm := audiotest.Noise(format, 100)
			_, err := d.Write(pcm)
			if time.Sleep(100 * time.Millisecond); err == nil {
				_, err = d.Write(pcm)
			}
			time.Sleep(100 * time.Millisecond)
			if !errors.Is(err, full) || calls != 1 {
				t.Errorf("unpaced %v: Write returned %v, %d calls", unpaced, err, calls)
			}
			if err := d.Close(); !errors.Is(err, full) {
				t.Errorf("unpaced %v: Close returned %v", unpaced, err)
			}
		})
	}
}

func TestVolumeRamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []byte
		d := open(t, null.Options{Period: 1000, Consume: func(pcm []byte) error { got = append(got, pcm...); return nil }})
		pcm := audiotest.Noise(format, 3000)
		d.Write(pcm)
		d.Pause(false)
		synctest.Wait()
		d.SetVolume(0.25)
		time.Sleep(time.Second)
		d.Close()
		audio.ApplyGain(pcm[4000:8000], format, 1, 0.25)
		audio.ApplyGain(pcm[8000:], format, 0.25, 0.25)
		if string(got) != string(pcm) {
			t.Error("the volume does not change in a straight line over one period")
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	for _, f := range []audio.Format{{}, {Sample: audio.S16, Rate: 48000}, {Sample: audio.S16, Channels: 2}} {
		if _, err := null.Open(f, null.Options{}); err == nil {
			t.Errorf("Open takes %v", f)
		}
	}
}
