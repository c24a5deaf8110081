package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"planar/demux"
	"planar/demux/ffmpeg"
	"planar/demux/guess"
	"planar/demux/pattern"
	"planar/demux/rtsp"
	"planar/internal/settings"
)

// opener opens sources as the command line says.
type opener struct {
	o       *options
	choices *choices
	log     *slog.Logger
	opened  history
	files   *rawFiles
	once    sync.Map // names whose notes have been given
}

func newOpener(o *options, log *slog.Logger) *opener {
	return &opener{o: o, choices: openChoices(), files: newRawFiles(), log: log}
}

// history is what was opened to be played, the latest last, by any goroutine.
type history struct {
	mu    sync.Mutex
	names []string
}

// maxHistory is as many as are remembered.
const maxHistory = settings.MaxRecent

func (h *history) add(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.names = slices.DeleteFunc(h.names, func(n string) bool { return n == name })
	h.names = append(h.names, name)
	if n := len(h.names) - maxHistory; n > 0 {
		h.names = slices.Delete(h.names, 0, n)
	}
}

// addTo puts what was opened on top of what is remembered.
func (h *history) addTo(s *settings.State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.names {
		s.AddRecent(n)
	}
}

// note and debug log a line.
func (p *opener) note(s string)  { p.log.Warn(s) }
func (p *opener) debug(s string) { p.log.Debug(s) }

// open opens one source, paired with the file of --audio if there is one.
func (p *opener) open(ctx context.Context, name string) (demux.Source, error) {
	src, err := p.openOne(ctx, name, p.content(name))
	if err != nil || p.o.audio == "" {
		return src, err
	}
	var second demux.Source
	if c := p.audioContent(); c == demux.RawAudio {
		second, err = p.openRawSound(p.o.audio, name, src.Info().Duration)
	} else {
		second, err = p.openOne(ctx, p.o.audio, c)
	}
	if err != nil {
		src.Close()
		return nil, err
	}
	return demux.Pair(src, second), nil
}

// openToPlay is open, and notes what could be opened and may be found again.
func (p *opener) openToPlay(ctx context.Context, name string) (demux.Source, error) {
	src, err := p.open(ctx, name)
	if err == nil && !isCaptured(name) {
		p.opened.add(name)
	}
	return src, err
}

// content says what a source is: by --as, by its name, by the flags given.
func (p *opener) content(name string) demux.Content {
	switch {
	case p.files.isRaw(name): // the panel has the last word
		return demux.RawVideo
	case p.files.isSound(name):
		return demux.RawAudio
	case p.o.as != demux.Unknown:
		return p.o.as
	case demux.IsURL(name), isCaptured(name):
		return demux.Media
	}
	c := contentOfName(name)
	head := demux.Head(name)
	switch {
	case c == demux.Y4M:
		return c
	case demux.IsWave(head):
		return demux.Media // also where it is called .pcm
	case c == demux.RawAudio:
		return p.saidOr(name, c)
	}
	if demux.IsY4M(head) {
		return demux.Y4M // whatever its name
	}
	if _, err := ffmpeg.FindRawFormat(strings.TrimPrefix(filepath.Ext(name), ".")); err == nil && !demux.IsContainer(head) {
		return demux.RawVideo // "dump.yuv420p10le"
	}
	if c == demux.RawVideo || name != "-" && !unknownExtension(name) {
		return p.saidOr(name, c)
	}
	switch {
	case p.o.rawVideo:
		return demux.RawVideo
	case p.o.rawAudio:
		return demux.RawAudio
	case name == "-", demux.IsContainer(head):
		return c
	}
	if said := p.saidOr(name, c); said != c {
		return said
	}
	switch {
	case demux.ParseName(name).Width > 0, demux.IsSequence(name):
		return demux.RawVideo
	case guess.SpeaksOfSound(name):
		return demux.RawAudio
	}
	return c
}

// contentOfName is what a file's extension says.
func contentOfName(name string) demux.Content {
	c := demux.ContentOf(name)
	if c == demux.Media && guess.SoundExtension(name) && !demux.IsContainer(demux.Head(name)) {
		return demux.RawAudio
	}
	return c
}

// saidOr is what a file was taken for by choice before; what it is called if it was
// not.
func (p *opener) saidOr(name string, c demux.Content) demux.Content {
	if p.o.forget {
		return c
	}
	if _, _, ok := p.choices.lookup(name); ok {
		return demux.RawVideo
	}
	if _, _, ok := p.choices.lookupSound(name); ok {
		return demux.RawAudio
	}
	return c
}

// audioContent says what the file of --audio is. One that says nothing of itself is
// sound rather than pictures.
func (p *opener) audioContent() demux.Content {
	name := p.o.audio
	c := contentOfName(name)
	switch {
	case demux.IsURL(name), isCaptured(name):
		return demux.Media
	case p.files.isSound(name):
		return demux.RawAudio
	case demux.IsWave(demux.Head(name)):
		return demux.Media
	case c == demux.RawAudio:
		return c
	case c != demux.Media, demux.IsContainer(demux.Head(name)):
		return c
	case p.o.rawAudio, unknownExtension(name):
		return demux.RawAudio
	}
	return p.saidOr(name, c)
}

// unknownExtension reports whether a name's ending says nothing of a container.
func unknownExtension(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case "", ".raw", ".bin", ".dat", ".out", ".dump", ".dec", ".rec", ".vid", ".video":
		return true
	}
	return false
}

func (p *opener) openOne(ctx context.Context, name string, c demux.Content) (demux.Source, error) {
	if c != demux.Media && demux.IsURL(name) { // whose password readers of files would tell
		return nil, fmt.Errorf("%s: raw video, raw audio and y4m are read from files only: leave out --as", demux.Redact(name))
	}
	switch c {
	case demux.RawVideo:
		return p.openRawVideo(name)
	case demux.Y4M:
		return p.openY4M(name)
	case demux.RawAudio:
		return p.openRawSound(name, name, 0)
	}
	switch {
	case isPattern(name):
		return p.openPattern()
	case isDevice(name):
		return p.openDevice(ctx, name)
	}
	if isRTSP(name) {
		src, err := p.openRTSP(ctx, name)
		if !errors.Is(err, rtsp.ErrUnplayable) || strings.EqualFold(name[:6], "rtsps:") {
			return src, err // FFmpeg would not check a certificate
		}
		p.debug(err.Error() + ": trying FFmpeg")
	}
	opts := ffmpeg.Options{OpenTimeout: p.o.openTimeout, RTSPTransport: p.o.rtspTransport}
	if demux.IsSequence(name) && p.o.raw.Rate.Known() { // which numbered pictures do not say themselves
		opts.Dict = map[string]string{"framerate": fraction(p.o.raw.Rate)}
	}
	src, err := ffmpeg.Open(ctx, name, opts)
	if err != nil {
		return nil, err
	}
	return src, nil
}

// isPattern reports whether a source is the test pattern: "test", unless there is a
// file of that name, or "test:".
func isPattern(name string) bool { return name == "test:" || name == "test" && !exists(name) }

// isDevice reports whether a source is a camera, the screen, or what a microphone hears.
// A file called "screen" comes first.
func isDevice(name string) bool {
	return ffmpeg.IsDevice(name) && !(name == "screen" && exists(name))
}

// isCaptured reports whether a source is made here and now, rather than read.
func isCaptured(name string) bool { return isPattern(name) || isDevice(name) }

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// openPattern makes the test pattern as the flags of raw video and sound say.
func (p *opener) openPattern() (demux.Source, error) {
	return pattern.Open(pattern.Options{
		Width: p.o.raw.Width, Height: p.o.raw.Height, Rate: p.o.raw.Rate, SampleRate: p.o.sound.Rate, Channels: p.o.sound.Channels,
	})
}

// openDevice captures as the flags of raw video and sound say.
func (p *opener) openDevice(ctx context.Context, name string) (demux.Source, error) {
	src, err := ffmpeg.OpenDevice(ctx, name, ffmpeg.DeviceOptions{
		Width: p.o.raw.Width, Height: p.o.raw.Height, Rate: p.o.raw.Rate,
		SampleRate: p.o.sound.Rate, Channels: p.o.sound.Channels, OpenTimeout: p.o.openTimeout,
	})
	if err != nil {
		return nil, err
	}
	return src, nil
}

// prefetch opens the first source, if there is one, while the window is being made.
type prefetch struct {
	open func(context.Context, string) (demux.Source, error)
	name string
	done chan struct{}
	src  demux.Source
	err  error
	used bool
}

func (p *opener) prefetch(ctx context.Context, names []string) *prefetch {
	f := &prefetch{open: p.openToPlay, done: make(chan struct{}), used: len(names) == 0}
	if f.used {
		close(f.done)
		return f
	}
	f.name = names[0]
	go func() {
		defer close(f.done)
		f.src, f.err = f.open(ctx, f.name)
	}()
	return f
}

// Open is a player.Opener; its first call takes what was fetched.
func (f *prefetch) Open(ctx context.Context, name string) (demux.Source, error) {
	if f.used || name != f.name {
		return f.open(ctx, name)
	}
	f.used = true
	select {
	case <-f.done:
		return f.src, f.err
	case <-ctx.Done():
		f.discard()
		return nil, context.Cause(ctx)
	}
}

// discard closes what was fetched and never used, when it is there.
func (f *prefetch) discard() {
	f.used = true
	go func() {
		<-f.done
		if f.src != nil {
			f.src.Close()
		}
	}()
}
