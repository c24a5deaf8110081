package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"

	"planar/audio"
	nullaudio "planar/audio/null"
	sdlaudio "planar/audio/sdl"
	wavaudio "planar/audio/wav"
	"planar/demux"
	"planar/demux/ffmpeg"
	"planar/internal/settings"
	"planar/packaging/icons"
	"planar/player"
	"planar/player/clock"
	"planar/player/controls"
	"planar/render"
	"planar/render/convert"
	"planar/render/hash"
	"planar/render/null"
	sdlwindow "planar/render/sdl"
)

// play wires the player to its devices, runs it, and turns the outcome into an
// exit code.
func play(ctx context.Context, o *options) int {
	term := newConsole(os.Stderr)
	told := controls.NewLog()
	log := slog.New(told.Handler(term.handler(o.logLevel)))
	for _, c := range o.complaints {
		log.Warn(c)
	}
	remember(o)
	ffmpeg.SetLogger(log)
	open := newOpener(o, log)
	// The window and the first source are made at the same time: each takes tens
	// of milliseconds.
	first := open.prefetch(ctx, o.sources)

	conv := convert.New(ffmpeg.NewScaler())
	defer conv.Close()
	video, code := openVideo(ctx, o, conv, first, log)
	if video == nil {
		first.discard()
		return code
	}
	// Only a window has controls, and can go on showing the last picture.
	window, stays := video.(*sdlwindow.Window)
	var desk *desktop
	if stays {
		desk = newDesktop(o, window, open, told)
	}
	var soundLost atomic.Bool
	cfg := player.Config{
		Open: first.Open, Video: video, Log: log, Time: clock.Real(),
		OpenAudio: audioOpener(o, &soundLost), NewResampler: newResampler,
		Start: o.start, StartFrame: o.startFrame, Frames: o.frames, Loop: o.loop, Speed: o.speed,
		Paused: o.pause, Exit: o.exit || !stays, NoVideo: o.noVideo, NoAudio: o.noAudio, Untimed: o.untimed,
		Volume: o.volume, Mute: o.mute, Colour: o.raw.Colour, Filter: o.filter, Idle: o.idle && stays,
		VideoTrack: o.videoTrack, AudioTrack: o.audioTrack, ChannelMap: o.channelMap,
		Describe: ffmpeg.Describe, AudioDelay: o.audioDelay, Reconnect: o.reconnect, Latency: o.latency,
		NewLoudness: newLoudness, Loudness: o.stats != "",
	}
	if desk != nil {
		cfg.Controls = desk.controls
	}
	shots := &snapshots{conv: conv, folder: o.settings.ScreenshotFolder}
	cfg.Snapshot = shots.save
	var lastErr error
	if o.screenshot != "" {
		cfg.OnLast = func(f *demux.Frame) { lastErr = shots.write(o.screenshot, f) }
	}
	p := player.New(cfg)
	rep, err := newReporter(o.stats, playback{p}, term)
	if err != nil {
		log.Error(err.Error())
		video.Close()
		return exitCannotOpen
	}
	outcomes, err := p.Run(ctx, o.sources)
	repErr := rep.close()
	if desk != nil {
		if err := desk.close(p); err != nil {
			log.Debug("what to remember is not kept: " + err.Error())
		}
	}
	closeErr := video.Close()

	code = exitCode(outcomes, err, log)
	for _, e := range []error{lastErr, repErr, closeErr} {
		if e != nil {
			log.Error(e.Error())
			if code == exitPlayed {
				code = exitCannotOpen
			}
		}
	}
	if soundLost.Load() && code == exitPlayed {
		code = exitCannotOpen // the player has said why
	}
	return code
}

// remember takes over what was left of the last time: the window's size and the
// volume, unless they were said.
func remember(o *options) {
	if o.vo != "window" {
		return
	}
	s := settings.OpenStore().Load()
	if o.settings.RememberWindow && !o.geometry.Sized() && s.Width > 0 && s.Height > 0 {
		o.geometry.W, o.geometry.H = s.Width, s.Height
	}
	if !o.volumeSaid && s.Volume != nil && o.ao == "device" {
		o.volume = *s.Volume
	}
}

func exitCode(outcomes []player.Outcome, err error, log *slog.Logger) int {
	failed := 0
	for _, o := range outcomes {
		if o.Err != nil {
			failed++
		}
	}
	switch {
	case errors.Is(err, errSignal):
		return exitInterrupted
	case err != nil && !errors.Is(err, player.ErrQuit):
		log.Error(err.Error())
		return exitCannotOpen
	case failed == 0:
		return exitPlayed
	case failed == len(outcomes):
		return exitCannotOpen
	}
	return exitSomeFailed
}

// openVideo makes the picture's output. Without a display, a source that has
// only sound is played without a window.
func openVideo(ctx context.Context, o *options, conv render.Converter, first *prefetch, log *slog.Logger) (player.VideoOutput, int) {
	switch o.vo {
	case "hash":
		return hash.New(os.Stdout), 0
	case "null":
		return null.New(), 0
	}
	w, err := sdlwindow.Open(sdlwindow.Options{
		Title: "planar", Geometry: o.geometry, Borderless: o.borderless, Fullscreen: o.fullscreen,
		Filter: o.filter, Renderer: o.renderer, Converter: conv, Icon: icons.PNG,
	})
	if err == nil {
		log.Debug("drawing by " + w.RendererName())
		return w, 0
	}
	select {
	case <-first.done:
	case <-ctx.Done():
		return nil, exitInterrupted
	}
	if ctx.Err() != nil {
		return nil, exitInterrupted
	}
	if first.err != nil {
		log.Error(first.err.Error())
		return nil, exitCannotOpen
	}
	if first.src != nil && (o.noVideo || !hasPictures(first.src)) {
		log.Warn(err.Error() + ": playing the sound without a window")
		return null.New(), 0
	}
	log.Error(err.Error() + ": start an X server or Wayland, or use --vo null or --vo hash")
	return nil, exitCannotOpen
}

func hasPictures(src demux.Source) bool {
	for _, s := range src.Streams() {
		if s.Kind == demux.Video && !s.Still {
			return true
		}
	}
	return false
}

// audioOpener makes the sound's output for a format, as --ao says. lost is set
// when a file that was asked for cannot be written in whole.
func audioOpener(o *options, lost *atomic.Bool) func(string, audio.Format) (player.AudioOutput, error) {
	// Sound that nobody waits for is taken as fast as it comes: when frames are
	// not timed, and when a file is written and no window shows the time.
	paced := !o.untimed && o.vo == "window" || o.ao == "null" && !o.untimed && o.vo != "hash"
	switch o.ao {
	case "wav":
		return func(_ string, f audio.Format) (player.AudioOutput, error) {
			d, err := wavaudio.Open(o.wavFile, f, wavaudio.Options{Unpaced: !paced})
			if err != nil {
				lost.Store(true)
				return nil, err
			}
			return &soundFile{Device: d, lost: lost}, nil
		}
	case "null":
		return func(_ string, f audio.Format) (player.AudioOutput, error) {
			return nullaudio.Open(f, nullaudio.Options{Unpaced: !paced})
		}
	}
	if o.untimed {
		return nil // a device would keep real time
	}
	return func(name string, f audio.Format) (player.AudioOutput, error) { return sdlaudio.OpenDevice(name, f) }
}

// soundFile remembers that it could not be written. Each error is returned once:
// the player plays on without the sound, and says why.
type soundFile struct {
	*wavaudio.Device
	lost *atomic.Bool
}

func (s *soundFile) Write(pcm []byte) (int, error) {
	n, err := s.Device.Write(pcm)
	if err != nil {
		s.lost.Store(true)
	}
	return n, err
}

func (s *soundFile) Close() error {
	err := s.Device.Close()
	if err != nil && s.lost.Swap(true) {
		return nil
	}
	return err
}

func newResampler(in, out audio.Format, speed float64) (player.Resampler, error) {
	return ffmpeg.NewResampler(in, out, speed)
}

func newLoudness(f audio.Format) (player.LoudnessMeter, error) {
	m, err := ffmpeg.NewLoudness(f)
	if err != nil {
		return nil, err // and not a nil meter in an interface
	}
	return m, nil
}
