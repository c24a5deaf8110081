package controls

import (
	"context"
	"time"

	"planar/audio/analysis"
	"planar/demux/guess"
	"planar/player"
	"planar/render"
)

// Options are what the controls need of the program around them. Functions that
// take a context may block and are called on goroutines of their own; the others
// are called from the main goroutine and return at once.
type Options struct {
	Show string // when the controller appears: "auto", "always" or "never"
	Hex  bool   // code values are shown in hexadecimal at first
	// Accent is the colour of what is active, 0xRRGGBB; 0 for the usual one.
	Accent uint32

	Log       *Log   // what the screen shows of the program's log; nil for nothing
	Wake      func() // ends the wait for events, so that Draw is called; from any goroutine
	Clipboard Clipboard
	Window    Pointing

	Raw      RawFiles
	RawSound RawSounds
	Describe func(pixelFormat string) (render.Descriptor, bool)
	// OpenSound opens a stream of sound of a source once more, to be read as fast as it can
	// be, and tells how long it is, 0 if that is not known. The caller closes it.
	OpenSound func(ctx context.Context, name string, stream int) (Sound, time.Duration, error)
	Devices   func(ctx context.Context) ([]string, error) // of sound, by name
	// Ask shows the desktop's own dialog for opening files. errors.ErrUnsupported
	// means that there is none.
	Ask    func(ctx context.Context) ([]string, error)
	Recent func() (files, addresses []string) // opened lately, the newest first
}

// Sound is decoded sound that is read from its beginning to its end.
type Sound interface {
	analysis.Blocks
	Close() error
}

// Clipboard is the desktop's.
type Clipboard interface {
	ClipboardText() (string, error)
	SetClipboardText(text string) error
}

// Pointing is what the controls want of the mouse's pointer.
type Pointing interface {
	SetCursor(c render.Cursor)
}

// RawFiles tells what headerless files are taken for, and changes that.
type RawFiles interface {
	// Raw tells what a source is taken for; false if it is not a headerless video.
	Raw(name string) (RawFile, bool)
	// SetRaw says what a source is to be taken for when it is opened next. The error
	// says in one line why that cannot be.
	SetRaw(name string, v RawVideo) error
	// Guesses ranks what a source may be, whatever has been said of it.
	Guesses(ctx context.Context, name string) ([]guess.Candidate, error)
	// PixelFormats are the names of those that are known, the usual ones first.
	PixelFormats() []string
}

// RawVideo is what a headerless video is taken for.
type RawVideo struct {
	guess.Video
	Strides []int // bytes, of each plane; none where rows are not padded
}

// RawFile is a headerless video.
type RawFile struct {
	RawVideo
	Bytes      int64 // of the file; -1 of a pipe
	FrameBytes int64 // of a frame, with what stands before it; 0 if it cannot be
	Sure       bool  // it was said, or nothing else fits
}

// Frames is how many whole frames the file has, and the bytes that are left over.
func (f RawFile) Frames() (whole, rest int64) {
	if f.FrameBytes <= 0 || f.Bytes < f.Header {
		return 0, max(0, f.Bytes)
	}
	return (f.Bytes - f.Header) / f.FrameBytes, (f.Bytes - f.Header) % f.FrameBytes
}

// RawSounds tells what headerless sound is taken for, and changes that. A source is
// asked about by its own name, also where the sound is a file of its own that plays with
// the source's pictures.
type RawSounds interface {
	// Sound tells what a source's sound is taken for; false if it has a header.
	Sound(name string) (RawSound, bool)
	// SetSound says what a source's sound is to be taken for when it is opened next.
	// The error says in one line why that cannot be.
	SetSound(name string, s guess.Sound) error
	// SoundGuesses ranks what a source's sound may be, whatever has been said of it.
	SoundGuesses(ctx context.Context, name string) ([]guess.SoundCandidate, error)
	// SampleFormats are the names of those that are known, the usual ones first.
	SampleFormats() []string
}

// RawSound is a headerless sound file.
type RawSound struct {
	guess.Sound
	Bytes      int64 // of the file; -1 of a pipe
	FrameBytes int64 // of a frame, one sample of each channel
	Sure       bool  // it was said, nothing else fits, or it is what most people expect
}

var _ player.Controls = (*Controls)(nil)
