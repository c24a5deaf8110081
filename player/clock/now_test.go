package clock

import (
	"testing"
	"time"
)

func TestAlarm(t *testing.T) {
	for name, a := range map[string]Alarm{"real": Real().NewAlarm(), "timer": NewTimerAlarm()} {
		t.Run(name, func(t *testing.T) {
			defer a.Close()
			a.Set(time.Hour)
			begin := time.Now()
			go func() {
				time.Sleep(20 * time.Millisecond)
				a.Set(0) // from elsewhere, while somebody waits
			}()
			a.Wait()
			if d := time.Since(begin); d < 20*time.Millisecond || d > 5*time.Second {
				t.Errorf("went off after %v", d)
			}
			for _, d := range []time.Duration{time.Microsecond, 1300 * time.Microsecond, 5 * time.Millisecond} {
				a.Set(d)
				begin := time.Now()
				a.Wait()
				if got := time.Since(begin); got < d-d/10 {
					t.Errorf("set to %v, went off after %v", d, got)
				}
			}
		})
	}
}
