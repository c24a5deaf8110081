package player

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"planar/demux"
)

// Someone who works on a file while it plays is told what became of it.
func TestFileVanishes(t *testing.T) {
	for name, c := range map[string]struct {
		change func(path string) error
		says   string
	}{
		"cut":     {func(p string) error { return os.Truncate(p, 384*100) }, "has been cut while it plays: 00:04.000 of 00:10.000 are left"},
		"removed": {os.Remove, "has been removed or renamed"},
		"left":    {func(string) error { return nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				src := s.pictures(250)
				path := filepath.Join(s.dir, "pictures.yuv")
				s.cfg.Open = func(context.Context, string) (demux.Source, error) { return src, nil }
				s.p = New(s.cfg)
				go func() {
					defer close(s.done)
					s.out, s.err = s.p.Run(t.Context(), []string{path})
				}()
				time.Sleep(time.Second)
				if err := c.change(path); err != nil {
					t.Fatal(err)
				}
				s.finish()
				warned := strings.Contains(s.log.String(), "level=WARN")
				if warned != (c.says != "") || !strings.Contains(s.log.String(), c.says) {
					t.Errorf("want %q, the log says:\n%s", c.says, s.log.String())
				}
			})
		})
	}
}

// The position of sound that is looped stays within it, also at the seam, where
// what is handed over is of another round than what is heard.
func TestPositionOfLoopedSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		const length = 300 * ms
		src, _ := s.tone(length)
		s.cfg.Loop = 20
		s.start(src)
		time.Sleep(100 * ms)
		last, seams := time.Duration(0), 0
		for range 400 {
			time.Sleep(10 * ms)
			at := s.p.Stats().PTS
			if at < 0 || at > length {
				t.Fatalf("at %v of %v", at, length)
			}
			if at < last {
				seams++
			}
			last = at
		}
		if seams < 12 || seams > 14 {
			t.Errorf("%d seams in 4 s of a loop of 300 ms, want 13", seams)
		}
		s.finish()
	})
}
