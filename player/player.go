// Package player plays sources: it runs the goroutines that read, decode and
// time pictures and sound, and owns the state of playback. It knows outputs and
// sources only by their contracts; see docs/ARCHITECTURE.md for a map.
package player

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/player/clock"
	"planar/render"
)

// Config is what a Player is made of and how it is to play.
type Config struct {
	Open         Opener
	Video        VideoOutput
	OpenAudio    func(want audio.Format) (AudioOutput, error) // nil for no sound
	NewResampler func(in, out audio.Format, speed float64) (Resampler, error)
	Snapshot     func(name string, f *demux.Frame) (path string, err error)
	Time         clock.Timebase
	Log          *slog.Logger

	Start      time.Duration // where to begin
	StartFrame int64         // number of the frame to begin with, if Start is 0
	Frames     int64         // leave after so many frames; 0 for all
	Loop       int           // how often to play in all; 0 or 1 once, -1 for ever
	Speed      float64       // 1 if 0
	Paused     bool          // begin paused
	Exit       bool          // leave when all has played
	NoVideo    bool
	NoAudio    bool
	Volume     float64 // 0 to 1
	Mute       bool
	Colour     render.Colour        // what is known here is so, whatever the source says; RGB stays RGB
	AudioDelay time.Duration        // sound is played this much later than its timestamps say
	Reconnect  bool                 // try again for ever when a live source is lost
	Latency    *time.Duration       // how far behind its sender a live source is played beyond what the way takes; nil: as little as its jitter allows
	Untimed    bool                 // show frames as fast as they come, and drop none
	OnLast     func(f *demux.Frame) // called with the last picture shown of each source; may be nil
}

// ErrQuit is how Run says that the user left.
var ErrQuit = errors.New("quit by the user")

// Player plays one source after another. Run is called from the main goroutine.
type Player struct {
	cfg   Config
	stats stats

	// State that outlives a source; main goroutine only.
	speed  float64
	volume float64
	muted  bool
	loop   int
	panel  bool     // the statistics are on the screen
	queue  []string // sources still to play

	mu      sync.Mutex
	current *session // for Stats
	last    Stats    // the source played last: its name, length and speed
}

// New makes a player. The caller closes the outputs after Run.
func New(cfg Config) *Player {
	if cfg.Speed == 0 {
		cfg.Speed = 1
	}
	return &Player{cfg: cfg, speed: cfg.Speed, volume: cfg.Volume, muted: cfg.Mute, loop: cfg.Loop}
}

// Outcome is how one source ended.
type Outcome struct {
	Name string
	Err  error // nil if it was played
}

// Run plays the sources in turn until they have ended, the user quits or ctx
// is cancelled. The outcomes tell how each of those tried ended; the error is
// ErrQuit, the cause of ctx, or nil. When Run returns, all its goroutines have
// ended but for one that may hang in a read of standard input.
func (p *Player) Run(ctx context.Context, names []string) (outcomes []Outcome, err error) {
	p.queue = names
	before := "" // what a dropped file has replaced
	for len(p.queue) > 0 {
		name := p.queue[0]
		p.queue = p.queue[1:]
		err := p.play(ctx, name)
		var next *dropped
		switch {
		case errors.As(err, &next):
			p.queue = append(slices.Clone(next.paths), p.queue...)
			before, err = name, nil
		case errors.Is(err, ErrQuit):
			return append(outcomes, Outcome{Name: name}), err
		case ctx.Err() != nil: // whatever err says: the opener may have seen it first
			return append(outcomes, Outcome{Name: name}), context.Cause(ctx)
		case err != nil && before != "":
			// What was dropped cannot be played: back to what was there.
			p.queue = append(p.queue, before)
			before = ""
		}
		outcomes = append(outcomes, Outcome{name, err})
		if err != nil {
			p.cfg.Log.Error(err.Error())
		}
	}
	return outcomes, nil
}

// showWindow shows the window, if the output is one, before there is a picture.
func (p *Player) showWindow() error {
	if w, ok := p.cfg.Video.(interface{ ShowNow() error }); ok {
		return w.ShowNow()
	}
	return nil
}

// dropped ends a session because files were dropped on the window.
type dropped struct{ paths []string }

func (d *dropped) Error() string { return "replaced by " + strings.Join(d.paths, ", ") }

// play opens one source and plays it to its end.
func (p *Player) play(ctx context.Context, name string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.mu.Lock()
	p.last = Stats{}
	p.mu.Unlock()
	src, err := p.open(ctx, name)
	if err != nil {
		return err
	}
	s, err := newSession(p, name, src)
	if err != nil {
		src.Close()
		return err
	}
	p.setCurrent(s)
	defer p.setCurrent(nil)
	return s.run(ctx)
}

func (p *Player) setCurrent(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s == nil && p.current != nil {
		r := p.current.report()
		p.stats.keep(r)
		p.last = Stats{Source: display(p.current.name), Duration: p.current.length.whole.Load(), Speed: r.speed}
	}
	p.current = s
}

// showAfter is how long opening may take before the window says so: files open
// faster, and then the window appears once, at the right size.
const showAfter = 300 * time.Millisecond

// open opens a source while the window stays alive.
func (p *Player) open(ctx context.Context, name string) (demux.Source, error) {
	type result struct {
		src demux.Source
		err error
	}
	done := make(chan result, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		src, err := p.cfg.Open(ctx, name)
		done <- result{src, err}
		p.cfg.Video.Wake()
	}()
	slow := time.AfterFunc(showAfter, p.cfg.Video.Wake)
	defer slow.Stop()
	began := p.cfg.Time.Now()
	shown := false
	// leave abandons the attempt; the opener sees the cancelled context.
	leave := func(err error) (demux.Source, error) {
		cancel()
		if r := <-done; r.src != nil {
			r.src.Close()
		}
		return nil, err
	}
	for {
		select {
		case r := <-done:
			return r.src, r.err
		default:
		}
		if ctx.Err() != nil {
			return leave(context.Cause(ctx))
		}
		if !shown && p.cfg.Time.Now()-began >= showAfter {
			shown = true
			p.cfg.Video.SetTitle("opening " + display(name) + " - planar")
			if err := p.showWindow(); err != nil {
				return leave(err)
			}
		}
		for _, e := range p.cfg.Video.Wait(ctx) {
			switch c := keys[e.Key]; {
			case e.Kind == render.CloseRequest, e.Kind == render.KeyPress && c.do == quit:
				return leave(ErrQuit)
			case e.Kind == render.FileDrop:
				return leave(&dropped{[]string{e.Path}})
			}
		}
	}
}
