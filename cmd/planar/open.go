package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"planar/audio"
	"planar/demux"
	"planar/demux/ffmpeg"
	"planar/render"
)

// opener opens sources as the command line says.
type opener struct {
	o    *options
	note func(string)
	once sync.Map // names whose notes have been given
}

// open opens one source, paired with the file of --audio if there is one.
func (p *opener) open(ctx context.Context, name string) (demux.Source, error) {
	src, err := p.openOne(ctx, name, p.content(name))
	if err != nil || p.o.audio == "" {
		return src, err
	}
	sound := demux.ContentOf(p.o.audio)
	if p.o.rawAudio && sound == demux.Media && filepath.Ext(p.o.audio) != ".wav" {
		sound = demux.RawAudio
	}
	second, err := p.openOne(ctx, p.o.audio, sound)
	if err != nil {
		src.Close()
		return nil, err
	}
	return demux.Pair(src, second), nil
}

// content says what a source is: by --as, by its name, by the flags given.
func (p *opener) content(name string) demux.Content {
	switch {
	case p.o.as != demux.Unknown:
		return p.o.as
	case demux.IsURL(name):
		return demux.Media
	}
	c := demux.ContentOf(name)
	if c == demux.Media && (name == "-" || unknownExtension(name)) {
		switch {
		case p.o.rawVideo:
			return demux.RawVideo
		case p.o.rawAudio:
			return demux.RawAudio
		}
	}
	return c
}

// unknownExtension reports whether a name's ending says nothing of a container.
func unknownExtension(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case "", ".raw", ".bin", ".dat", ".out", ".dump", ".dec", ".rec":
		return true
	}
	return false
}

func (p *opener) openOne(ctx context.Context, name string, c demux.Content) (demux.Source, error) {
	switch c {
	case demux.RawVideo:
		return p.openRawVideo(name)
	case demux.RawAudio:
		return p.openRawAudio(name)
	}
	src, err := ffmpeg.Open(ctx, name, ffmpeg.Options{OpenTimeout: p.o.openTimeout, RTSPTransport: p.o.rtspTransport})
	if err != nil {
		return nil, err
	}
	return src, nil
}

// pixelFormatAliases are the common names of formats that FFmpeg calls otherwise.
var pixelFormatAliases = map[string]string{
	"i420": "yuv420p", "iyuv": "yuv420p", "i422": "yuv422p", "i444": "yuv444p", "yuy2": "yuyv422", "uyvy": "uyvy422",
	"y800": "gray", "i010": "yuv420p10le", "p010": "p010le", "p016": "p016le",
}

const defaultRate = 25

func (p *opener) openRawVideo(name string) (demux.Source, error) {
	v := demux.RawVideoParams{
		Width: p.o.width, Height: p.o.height, PixelFormat: p.o.pixelFormat, Rate: p.o.rate,
		Colour: p.o.colour, Header: p.o.header, FrameHeader: p.o.frameHeader,
	}
	if a, ok := pixelFormatAliases[strings.ToLower(v.PixelFormat)]; ok {
		v.PixelFormat = a
	}
	named := demux.ParseName(name)
	if v.Width == 0 {
		v.Width, v.Height = named.Width, named.Height
	}
	if err := demux.CheckFile(name); err != nil {
		return nil, err
	}
	if v.Width == 0 {
		return nil, fmt.Errorf("%s: raw video, and its name does not tell the picture size: give it with --size WxH", name)
	}
	if !v.Rate.Known() {
		v.Rate = named.Rate
	}
	guessed := false
	if !v.Rate.Known() {
		v.Rate, guessed = render.Rational{Num: defaultRate, Den: 1}, true
	}
	var err error
	if v.Layout, err = ffmpeg.Layouts(v.PixelFormat, v.Width, v.Height); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	v.Strides = strides(p.o.stride, v.Layout)
	src, err := demux.OpenRawVideo(name, v)
	if err != nil {
		return nil, err
	}
	if _, told := p.once.LoadOrStore(name, true); guessed && !told {
		p.note(fmt.Sprintf("%s: its name does not tell the frame rate: playing at %d, give another with --fps", name, defaultRate))
	}
	return src, nil
}

// strides gives the other planes a stride in the proportion of their rows.
func strides(first int, layout []render.Layout) []int {
	if first == 0 {
		return nil
	}
	var s []int
	for _, l := range layout {
		s = append(s, (first*l.RowBytes+layout[0].RowBytes-1)/layout[0].RowBytes)
	}
	return s
}

func (p *opener) openRawAudio(name string) (demux.Source, error) {
	codec, size, native, err := ffmpeg.PCMCodec(p.o.sampleFormat)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	a := demux.RawAudioParams{
		Codec: codec, SampleBytes: size, Header: p.o.header,
		Format: audio.Format{Sample: native, Rate: p.o.sampleRate, Channels: p.o.channels},
	}
	if !nativeCodec(codec) {
		a.Decoder = func() (demux.AudioDecoder, error) { return ffmpeg.NewPCMDecoder(codec, a.Format) }
	}
	return demux.OpenRawAudio(name, a)
}

// nativeCodec reports whether a codec's samples are what the machine computes
// with, so that there is nothing to decode.
func nativeCodec(codec string) bool {
	switch codec {
	case "pcm_u8":
		return true
	case "pcm_s16le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_s64le":
		return littleEndian
	}
	return false
}

// prefetch opens the first source while the window is being made.
type prefetch struct {
	open func(context.Context, string) (demux.Source, error)
	name string
	done chan struct{}
	src  demux.Source
	err  error
	used bool
}

func (p *opener) prefetch(ctx context.Context, name string) *prefetch {
	f := &prefetch{open: p.open, name: name, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		f.src, f.err = p.open(ctx, name)
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
