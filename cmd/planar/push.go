package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/demux/ffmpeg"
	"planar/player/publish"
	"planar/player/publish/carrier"
	"planar/player/publish/rtmp"
	"planar/player/publish/rtsp"
	"planar/render"
)

// push is the command of that name: one source to one or many addresses.
func push(ctx context.Context, o *options) int {
	term := newConsole(os.Stderr)
	log := slog.New(term.handler(o.logLevel))
	ffmpeg.SetLogger(log)
	name := o.sources[0]
	destinations, err := destinationsOf(o, log)
	if err != nil {
		log.Error(err.Error())
		return exitUsage
	}
	p, err := openPublisher(ctx, newOpener(o, log), name, destinations, log)
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case err != nil:
		log.Error(err.Error())
		return exitCannotOpen
	}
	rep, err := newReporter(o.stats, newPushing(p), term)
	if err != nil {
		log.Error(err.Error())
		return exitCannotOpen
	}
	outcomes, err := p.Run(ctx)
	repErr := rep.close()
	failed := 0
	for _, out := range outcomes {
		if out.Err != nil {
			failed++
		}
	}
	for _, e := range []error{err, repErr} {
		if e != nil {
			log.Error(e.Error())
		}
	}
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case err != nil, repErr != nil, failed == len(outcomes):
		return exitCannotOpen
	case failed > 0:
		return exitSomeFailed
	}
	return exitPlayed
}

// destinationsOf makes the targets of all channels.
func destinationsOf(o *options, log *slog.Logger) ([]publish.Destination, error) {
	var list []publish.Destination
	for n := range o.push.channels {
		for _, address := range o.sources[1:] {
			if o.push.channels > 1 {
				address = strings.ReplaceAll(address, "%d", strconv.Itoa(n))
			}
			t, err := targetOf(address, o, log)
			if err != nil {
				return nil, err
			}
			list = append(list, publish.Destination{Target: t, Delay: time.Duration(n) * o.push.stagger})
		}
	}
	return list, nil
}

func targetOf(address string, o *options, log *slog.Logger) (publish.Target, error) {
	scheme, _, _ := strings.Cut(address, "://")
	switch strings.ToLower(scheme) {
	case "rtsp", "rtsps":
		transport := "auto"
		if o.rtspTransport == "udp" || o.rtspTransport == "tcp" {
			transport = o.rtspTransport
		}
		return rtsp.NewTarget(address, rtsp.TargetOptions{Transport: transport, TLS: o.tls, Timeout: o.openTimeout, Log: log})
	case "rtmp", "rtmps":
		return rtmp.NewTarget(address, rtmp.Options{TLS: o.tls, Timeout: o.openTimeout, Log: log})
	}
	return carrier.New(address, carrier.Options{
		NewMuxer: func(format string, streams []demux.Stream, w io.Writer) (carrier.Muxer, error) {
			m, err := ffmpeg.NewMuxer(format, streams, w, ffmpeg.MuxerOptions{Live: strings.Contains(address, "://")})
			if err != nil {
				return nil, err // and not a nil muxer in an interface
			}
			return m, nil
		},
		Takes: ffmpeg.Takes, FormatOf: ffmpeg.MuxerFor, Overwrite: o.push.overwrite, TLS: o.tls, Timeout: o.openTimeout, Log: log,
	})
}

// encoders are FFmpeg's.
var encoders = publish.Encoders{
	Video: func(like *render.Picture, e demux.VideoEncoding) (publish.VideoEncoder, error) {
		v, err := ffmpeg.NewVideoEncoder(like, e)
		if err != nil {
			return nil, err
		}
		return v, nil
	},
	Audio: func(in audio.Format, e demux.AudioEncoding) (publish.AudioEncoder, error) {
		a, err := ffmpeg.NewAudioEncoder(in, e)
		if err != nil {
			return nil, err
		}
		return a, nil
	},
}

// openPublisher opens a source to be sent.
func openPublisher(ctx context.Context, open *opener, name string, to []publish.Destination, log *slog.Logger) (*publish.Publisher, error) {
	o := open.o
	src, err := open.open(ctx, name)
	if err != nil {
		return nil, err
	}
	cfg := publish.Config{
		Source: src, Name: demux.OneLine(demux.Redact(name)), Loop: o.loop, Destinations: to, Retries: o.push.retries,
		Copy: o.push.copying, NoVideo: o.noVideo, NoAudio: o.noAudio, AudioDelay: o.audioDelay, Video: o.push.video, Audio: o.push.audio, GOP: o.push.gop,
		Encoders: encoders, Log: log,
	}
	if o.reconnect && demux.IsURL(name) {
		cfg.Reopen = func(ctx context.Context) (demux.Source, error) { return open.open(ctx, name) }
	}
	if !open.takesSize(name) { // what --size and --fps say is what is wanted
		if cfg.Video.Width == 0 {
			cfg.Video.Width, cfg.Video.Height = o.raw.Width, o.raw.Height
		}
		if !cfg.Video.Rate.Known() {
			cfg.Video.Rate = o.raw.Rate
		}
	}
	return publish.New(cfg)
}

// takesSize reports whether --size and --fps say what a source is: headerless video,
// the test pattern, a device.
func (p *opener) takesSize(name string) bool {
	return isCaptured(name) || p.content(name) == demux.RawVideo
}

// pathName is what a source is called on a server: its name without folder and
// extension, in characters that need no escapes.
func pathName(source string, taken map[string]bool) string {
	s := source
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s, _, _ = strings.Cut(rest, "?")
		if _, host, ok := strings.Cut(s, "@"); ok {
			s = host // without user and password
		}
		s = strings.TrimRight(s, "/")
	}
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	if i := strings.LastIndexByte(s, '.'); i > 0 {
		s = s[:i]
	}
	s = strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, s), "_.")
	if s == "" {
		s = "stream"
	}
	name := s
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s-%d", s, n)
	}
	taken[name] = true
	return name
}
