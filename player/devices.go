package player

import (
	"context"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/render"
)

// VideoOutput shows pictures. All methods but Wake are called from the main
// goroutine, which is locked to the main OS thread.
type VideoOutput interface {
	// Prepare does all the work of showing a picture that can be done ahead of
	// its time: scaling, conversion, upload. What is on the screen does not
	// change. A picture must stay valid until another one has been presented,
	// because a window may have to draw it again at any time.
	Prepare(p *render.Picture) error
	// Present makes the prepared picture visible, as fast as it can. number and
	// pts are the frame's in its source.
	Present(number int64, pts time.Duration) error
	// Forget lets go of all pictures, before their memory goes. What is on the
	// screen stays there, but cannot be drawn again.
	Forget()
	// Wait blocks until an event arrives, Wake is called or ctx ends, and returns
	// what has come in; nothing for a bare Wake.
	Wait(ctx context.Context) []render.Event
	// Wake ends a Wait, now or the next one. It may be called from any goroutine.
	Wake()
	// SetTitle names what is shown.
	SetTitle(title string)
	// SetShape says how large, in square pixels, the pictures to come are, so
	// that a window without a size of its own can take theirs.
	SetShape(w, h int)
	// SetFullscreen enters or leaves full screen; Fullscreen tells which.
	SetFullscreen(on bool)
	Fullscreen() bool
	// Paced reports whether frames are to be presented at their time; if not,
	// every frame is presented as soon as it is there and none is dropped.
	Paced() bool
	Close() error
}

// AudioOutput plays interleaved PCM. Write, Flush, and Close are called from
// one goroutine; the others from any.
type AudioOutput interface {
	// Format is what Write takes; it may differ from what was asked for.
	Format() audio.Format
	// Write hands over as many whole frames as there is room for, without
	// blocking, and returns their number.
	Write(pcm []byte) (frames int, err error)
	// Capacity and Queued are the size of the output's queue and how much of it
	// is filled, in frames.
	Capacity() int
	Queued() int
	// Position tells how far the device has come.
	Position() audio.Position
	// End says that nothing more comes for now: a device that runs dry after
	// that is no underrun. A later Write takes it back.
	End()
	// Flush throws away what is queued. Position.Handed is not reset.
	Flush()
	// Pause stops and resumes the device; an output starts paused.
	Pause(paused bool)
	// SetVolume sets the gain, 0 to 1; at 1 samples pass unchanged.
	SetVolume(gain float64)
	// Underruns counts the times the device ran out of sound.
	Underruns() int64
	Close() error
}

// Resampler converts decoded blocks to an output's format, and plays them
// faster or slower with their pitch kept.
type Resampler interface {
	// Convert returns interleaved PCM in the output's format, valid until the
	// next call. A nil block returns what is still inside.
	Convert(b *audio.Block) ([]byte, error)
	// Drift plays factor times faster (0.95 to 1.05) from the next block on, by
	// resampling: the pitch follows, by less than a semitone. 1 ends it. n frames
	// that come out are n times factor that went in, without an error that grows.
	Drift(factor float64) error
	// Late is by how much, in media time, what comes out is later than its number
	// times the speed says.
	Late() time.Duration
	// Delay is how much of what went in has not come out.
	Delay() time.Duration
	Close()
}

// Opener opens a source by name: a path, "-" or a URL.
type Opener func(ctx context.Context, name string) (demux.Source, error)
