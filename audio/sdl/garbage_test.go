package sdlaudio_test

import (
	"flag"
	"runtime"
	"sync"
	"testing"
	"time"

	"planar/audio"
	"planar/audio/audiotest"
	sdlaudio "planar/audio/sdl"
)

var garbage = flag.Duration("garbage", 3*time.Second, "how long the garbage collector is kept busy")

// The collector stops goroutines, but not the callback: what is queued bridges that.
func TestGarbageDoesNotInterrupt(t *testing.T) {
	f := audio.Format{Sample: audio.S16, Rate: 48000, Channels: 2}
	t.Setenv("SDL_AUDIODRIVER", "pulseaudio")
	audiotest.StartPulse(t, f).Record(t)
	for attempt := 1; ; attempt++ {
		n := underrunsBesideGarbage(t, f)
		if n == 0 {
			return
		}
		if attempt == 3 { // a busy machine can hold the goroutine up that writes
			t.Fatalf("%d underruns", n)
		}
	}
}

// underrunsBesideGarbage plays while all processors make garbage.
func underrunsBesideGarbage(t *testing.T, f audio.Format) int64 {
	d, err := sdlaudio.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var litter sync.WaitGroup
	stop := make(chan struct{})
	for range runtime.GOMAXPROCS(0) {
		litter.Go(func() {
			keep := make([][]*int, 256) // some live on, so that there is something to mark
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				some := make([]*int, 512)
				for j := range some {
					some[j] = new(int)
				}
				keep[i%len(keep)] = some
			}
		})
	}
	// As the player does: the queue is filled up a few times while it is played.
	pcm := audiotest.Noise(f, d.Capacity())
	each := f.Duration(int64(d.Capacity())) / 6
	d.Pause(false)
	for end := time.Now().Add(*garbage); time.Now().Before(end); time.Sleep(each) {
		if _, err := d.Write(pcm); err != nil {
			t.Fatal(err)
		}
	}
	handed := f.Duration(d.Position().Handed)
	n := d.Underruns()
	close(stop)
	litter.Wait()
	runtime.ReadMemStats(&after)
	t.Logf("%v of sound beside %d MB of garbage and %d collections", handed.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20, after.NumGC-before.NumGC)
	if after.NumGC-before.NumGC < 10 || handed < *garbage/2 {
		t.Error("there was nothing to see")
	}
	return n
}
