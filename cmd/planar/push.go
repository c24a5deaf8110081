package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/demux/ffmpeg"
	"planar/player"
	"planar/player/publish"
	"planar/player/publish/carrier"
	"planar/player/publish/rtmp"
	"planar/player/publish/rtsp"
	"planar/render"
)

// push is the command of that name: one source to one or many addresses.
func push(ctx context.Context, o *options) int {
	term, log := openLog(o)
	name := o.sources[0]
	destinations, err := destinationsOf(o, log)
	if err == nil {
		err = overwrites(o)
	}
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
	var lost *publish.Lost
	if err != nil && !errors.As(err, &lost) {
		log.Error(err.Error())
	}
	if repErr != nil {
		log.Error(repErr.Error())
	}
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case lost != nil && !lost.All && failed == 0 && repErr == nil:
		return exitSomeFailed
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

// overwrites says that an address is a file that is read, or that it is given twice.
func overwrites(o *options) error {
	for i, a := range o.sources[1:] {
		if slices.Contains(o.sources[1:1+i], a) {
			return fmt.Errorf("%s is given twice", demux.OneLine(demux.Redact(a)))
		}
		there, err := os.Stat(strings.TrimPrefix(a, "file://"))
		if err != nil || !there.Mode().IsRegular() {
			continue
		}
		for _, from := range []string{o.sources[0], o.audio} {
			if read, err := os.Stat(from); err == nil && os.SameFile(there, read) {
				return fmt.Errorf("%s is what is to be sent: choose another name for the file", demux.OneLine(a))
			}
		}
	}
	return nil
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
	shown := demux.OneLine(demux.Redact(name))
	tracks := map[demux.Kind]int{}
	for kind, c := range map[demux.Kind]player.TrackChoice{demux.Video: o.videoTrack, demux.Audio: o.audioTrack} {
		if c.Number == 0 && c.Language == "" {
			continue
		}
		s := c.Find(src.Streams(), kind)
		if s == nil {
			src.Close()
			return nil, fmt.Errorf("%s: has no %s track %s", shown, kind, c)
		}
		tracks[kind] = s.Index
	}
	cfg := publish.Config{
		Source: src, Name: shown, Loop: o.loop, Destinations: to, Retries: o.push.retries,
		Copy: o.push.copying, NoVideo: o.noVideo, NoAudio: o.noAudio || o.audioTrack.None, Tracks: tracks, AudioDelay: o.audioDelay, Video: o.push.video, Audio: o.push.audio, GOP: o.push.gop,
		EncodeVideo: o.push.encodeVideo, EncodeAudio: o.push.encodeAudio, ConnectWithin: o.openTimeout,
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
// numbered pictures, the test pattern, a device.
func (p *opener) takesSize(name string) bool {
	return isCaptured(name) || demux.IsSequence(name) || p.content(name) == demux.RawVideo
}

// pathName is what a source is called on a server: its name without folder and
// extension, in characters that need no escapes.
func pathName(source string, taken map[string]bool) string {
	s := source
	if demux.IsURL(source) {
		u, err := url.Parse(source)
		switch {
		case err != nil:
			s = "" // with what may be a password in it
		case strings.Trim(u.Path, "/") != "":
			s = u.Path
		default:
			s = strings.ReplaceAll(u.Hostname(), ".", "_") // nothing to cut off
		}
	}
	s = strings.TrimRight(s, "/")
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
