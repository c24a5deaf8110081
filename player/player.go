// Package player plays sources: it runs the goroutines that read, decode and
// time pictures and sound, and owns the state of playback. It knows outputs and
// sources only by their contracts; see docs/ARCHITECTURE.md for a map.
package player

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/player/clock"
	"planar/render"
)

// Config is what a Player is made of and how it is to play.
type Config struct {
	Open     Opener
	Video    VideoOutput
	Controls Controls // over the pictures; nil for none
	// OpenAudio opens an output for sound of a format: the device of that name, or the
	// default one. It is nil for no sound.
	OpenAudio    func(device string, want audio.Format) (AudioOutput, error)
	NewResampler func(in, out audio.Format, speed float64) (Resampler, error)
	// NewLoudness makes a meter for sound of a format; nil if loudness is not measured.
	NewLoudness func(f audio.Format) (LoudnessMeter, error)
	Snapshot    func(name string, f *demux.Frame) (path string, err error)
	// Describe tells how a pixel format's samples lie in memory; nil if nobody knows.
	Describe func(format string) (render.Descriptor, bool)
	Time     clock.Timebase
	Log      *slog.Logger

	Start      time.Duration // where to begin
	StartFrame int64         // number of the frame to begin with, if Start is 0
	Frames     int64         // leave after so many frames; 0 for all
	Loop       int           // how often to play in all; 0 or 1 once, -1 for ever
	Speed      float64       // 1 if 0
	Paused     bool          // begin paused
	Exit       bool          // leave when all has played
	NoVideo    bool
	NoAudio    bool
	VideoTrack TrackChoice      // of each source
	AudioTrack TrackChoice      // None is not NoAudio: a track may still be chosen
	ChannelMap audio.ChannelMap // which of the source's channels are heard, and where
	Loudness   bool             // measure it all the time, and not only while Status.WatchLoudness is called
	Volume     float64          // 0 to 1
	Mute       bool
	Colour     render.Colour        // what is known here is so, whatever the source says; RGB stays RGB
	Filter     render.Filter        // what the window scales with at first
	Idle       bool                 // when there is nothing to play, wait for something instead of leaving
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
	look   look
	device atomic.Pointer[string] // the sound device that was chosen; read by the sound goroutine
	mutes  ChannelStatus          // channels that are not heard; its Count is of no meaning

	channelMap audio.ChannelMap

	overlay overlay
	list    []string // the playlist
	at      int      // the source of it that plays, or is to be played next
	back    int      // the source to go back to if that one cannot be played; negative for the one behind it
	added   int      // how many sources, from at on, are in the playlist to be played at once: what cannot be goes again
	ready   *opened  // the next source to play, if it is open already

	mu      sync.Mutex
	current *session // for Stats
	last    Stats    // the source played last: its name, length, speed and loudness
}

// New makes a player. The caller closes the outputs after Run.
func New(cfg Config) *Player {
	if cfg.Speed == 0 {
		cfg.Speed = 1
	}
	p := &Player{cfg: cfg, speed: cfg.Speed, volume: cfg.Volume, muted: cfg.Mute, loop: cfg.Loop, channelMap: cfg.ChannelMap}
	p.look.colour, p.look.filter = cfg.Colour, cfg.Filter
	p.overlay = newOverlay(cfg.Video, cfg.Controls)
	return p
}

// Outcome is how one source ended.
type Outcome struct {
	Name string
	Err  error // nil if it was played
}

// soundDevice is the name of the one that was chosen; empty for the default one.
func (p *Player) soundDevice() string {
	if name := p.device.Load(); name != nil {
		return *name
	}
	return ""
}

// openAudio opens the sound device that was chosen; the default one if there is none,
// or if it cannot be opened, and from then on. It may be called from any goroutine.
func (p *Player) openAudio(f audio.Format) (AudioOutput, error) {
	if chosen := p.device.Load(); chosen != nil && *chosen != "" {
		out, err := p.cfg.OpenAudio(*chosen, f)
		if err == nil {
			return out, nil
		}
		p.cfg.Log.Error(err.Error() + ": trying the default one")
		p.device.CompareAndSwap(chosen, nil) // unless another has been chosen meanwhile
	}
	return p.cfg.OpenAudio("", f)
}

// Volume is how loud it is, 0 to 1. It is called from the main goroutine.
func (p *Player) Volume() float64 { return p.volume }

// Run plays the sources in turn until they have ended, the user quits or ctx
// is cancelled. The outcomes tell how each of those tried ended; the error is
// ErrQuit, the cause of ctx, or nil. When Run returns, all its goroutines have
// ended but for one that may hang in a read of standard input.
func (p *Player) Run(ctx context.Context, names []string) (outcomes []Outcome, err error) {
	defer p.overlay.rest()
	p.list, p.back = slices.Clone(names), -1
	for {
		if p.at >= len(p.list) {
			if !p.cfg.Idle {
				return outcomes, nil
			}
			if err := p.idle(ctx); ctx.Err() != nil {
				return outcomes, context.Cause(ctx)
			} else if err != errTurn {
				return outcomes, err
			}
		}
		o := Outcome{Name: p.list[p.at]}
		switch err := p.play(ctx, o.Name); {
		case errors.Is(err, errTurn):
		case errors.Is(err, ErrQuit):
			return append(outcomes, o), err
		case ctx.Err() != nil: // whatever err says: the opener may have seen it first
			return append(outcomes, o), context.Cause(ctx)
		case err != nil:
			o.Err = err
			if errors.Is(err, errCancelled) {
				p.cfg.Log.Warn(err.Error()) // nothing is wrong
			} else {
				p.cfg.Log.Error(err.Error())
			}
			p.passOver()
		default:
			p.at++
			p.back, p.added = -1, 0
		}
		outcomes = append(outcomes, o)
	}
}

// play opens one source and plays it to its end.
func (p *Player) play(ctx context.Context, name string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.mu.Lock()
	p.last = Stats{}
	p.mu.Unlock()
	from := p.ready
	p.ready = nil
	if from == nil {
		src, err := p.open(ctx, name)
		if err != nil {
			return err
		}
		from = &opened{src: src, start: p.cfg.Start, frame: p.cfg.StartFrame, paused: p.cfg.Paused, part: noPart}
	}
	s, err := newSession(p, name, from)
	if err != nil {
		from.src.Close()
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
		p.last = Stats{Source: display(p.current.name), Duration: p.current.length.whole.Load(), Speed: r.speed, Loudness: p.current.speaker.loudness.report()}
	}
	p.current = s
}
