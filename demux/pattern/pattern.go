// Package pattern is the source "test": a picture with a clock burnt in, a ball that
// runs once a second, and a flash and a beep at each whole second, made in real time.
// What it takes from here to a screen, and whether sound and picture stay together on
// the way, can be seen, heard, and measured with ReadStamp.
package pattern

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/render"
)

// Options say what the pattern is like. What is zero is usual.
type Options struct {
	Width, Height int              // 64x48 to 8192x8192; 1280x720
	Rate          render.Rational  // frames per second, 0.001 to 1000; 30
	SampleRate    int              // Hz, 1000 to 768000; 48000
	Channels      int              // 1 to 64, all with the same sound; 2
	Tone          int              // Hz of the beep, below half the sample rate; 1000
	Now           func() time.Time // the wall clock, which also sets the pace; time.Now
}

// The least and the largest size. Below, nothing can be read; a picture of the largest
// has 96 MiB.
const (
	minWidth, minHeight = 64, 48
	maxSide             = 8192
)

// complete fills in what is usual, and checks.
func (o Options) complete() (Options, error) {
	if o.Width == 0 && o.Height == 0 {
		o.Width, o.Height = 1280, 720
	}
	if o.Rate == (render.Rational{}) {
		o.Rate = render.Rational{Num: 30, Den: 1}
	}
	usual := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	usual(&o.SampleRate, 48000)
	usual(&o.Channels, 2)
	usual(&o.Tone, min(1000, o.SampleRate/4))
	if o.Now == nil {
		o.Now = time.Now
	}
	rate := o.Rate.Float()
	switch {
	case o.Width < minWidth || o.Height < minHeight || o.Width > maxSide || o.Height > maxSide:
		return o, fmt.Errorf("test pattern: size %dx%d is outside %dx%d to %dx%d: give another --size", o.Width, o.Height, minWidth, minHeight, maxSide, maxSide)
	case !(rate >= 0.001 && rate <= 1000) || o.Rate.Num > math.MaxInt32 || o.Rate.Den > math.MaxInt32:
		return o, fmt.Errorf("test pattern: %d/%d frames per second is outside 0.001 to 1000: give another --fps", o.Rate.Num, o.Rate.Den)
	case o.SampleRate < 1000 || o.SampleRate > 768000:
		return o, fmt.Errorf("test pattern: a sample rate of %d Hz is outside 1000 to 768000: give another --sample-rate", o.SampleRate)
	case o.Channels < 1 || o.Channels > 64:
		return o, fmt.Errorf("test pattern: %d channels is outside 1 to 64: give another number with --channels", o.Channels)
	case o.Tone < 1 || o.Tone > o.SampleRate/2:
		return o, fmt.Errorf("test pattern: a tone of %d Hz is outside 1 to half the sample rate of %d Hz", o.Tone, o.SampleRate)
	}
	return o, nil
}

// The streams' numbers.
const (
	videoStream = iota
	audioStream
)

// maxPictures bounds the memory of pictures. A player holds ten at most: three packets,
// what is being decoded, three frames, the prepared one and those on the screen. When
// all are in use a frame is left out, as a camera does it.
const maxPictures = 16

// maxBehind is how far the sound may be behind before it is left out too: the reader
// was stopped, and nobody wants to hear what it missed.
const maxBehind = 10 * time.Second

type source struct {
	o       Options
	painter *painter
	params  demux.RawVideoParams
	sound   audio.Format
	beep    []byte
	samples int64 // frames of sound in a block

	begin  time.Time // time 0: the first Read
	frame  int64     // the next picture
	sample int64     // the first one of the next block
	wanted [2]bool

	free  chan []byte
	made  int // pictures that there are
	timer *time.Timer
	stop  chan struct{} // closed by Interrupt
	once  sync.Once
}

// Open makes a pattern. Its timeline begins with the first Read. Frames come when they
// are due and never before; what they show as the time is the wall clock then. If the
// reader was slow, frames that are over are left out, so that numbers jump and times
// stay real. Blocks of sound, of 20 ms, come when their first sample is due, and follow
// each other without a gap unless the reader was 10 s behind. The pictures are 8-bit
// 4:2:0, BT.709 from 720 lines on and BT.601 below, limited range.
func Open(o Options) (demux.Source, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	s := &source{
		o: o, stop: make(chan struct{}), free: make(chan []byte, maxPictures), wanted: [2]bool{true, true},
		sound: audio.Format{Sample: audio.S16, Rate: o.SampleRate, Channels: o.Channels},
	}
	s.samples = s.sound.Frames(blockTime)
	s.beep = newBeep(s.sound, o.Tone)
	colour := render.Colour{Matrix: render.BT709, Range: render.Limited, Siting: render.SitingLeft}
	if o.Height < 720 {
		colour.Matrix = render.BT601
	}
	cw, ch := (o.Width+1)/2, (o.Height+1)/2
	s.params = demux.RawVideoParams{
		Width: o.Width, Height: o.Height, PixelFormat: "yuv420p", Rate: o.Rate, Colour: colour,
		SAR:    render.Rational{Num: 1, Den: 1},
		Layout: []render.Layout{{RowBytes: o.Width, Rows: o.Height}, {RowBytes: cw, Rows: ch}, {RowBytes: cw, Rows: ch}},
	}
	if s.painter, err = newPainter(o.Width, o.Height, o.Rate, colour.Matrix); err != nil {
		return nil, fmt.Errorf("test pattern: %w", err)
	}
	return s, nil
}

func (s *source) Info() demux.Info { return demux.Info{Format: "test pattern", Live: true} }

func (s *source) Streams() []demux.Stream {
	return []demux.Stream{
		{
			Index: videoStream, Kind: demux.Video, Codec: "rawvideo", Default: true, Width: s.o.Width, Height: s.o.Height,
			PixelFormat: s.params.PixelFormat, FrameRate: s.o.Rate, SAR: s.params.SAR, Colour: s.params.Colour,
		},
		{Index: audioStream, Kind: demux.Audio, Codec: "pcm_s16le", Default: true, Sound: s.sound},
	}
}

func (s *source) Select(streams ...int) {
	before := s.wanted
	s.wanted = [2]bool{}
	for _, i := range streams {
		if i == videoStream || i == audioStream {
			s.wanted[i] = true
		}
	}
	if s.wanted[audioStream] && !before[audioStream] && !s.begin.IsZero() {
		s.skipSound(s.o.Now().Sub(s.begin))
	}
}

// skipSound leaves the blocks out that begin before time at.
func (s *source) skipSound(at time.Duration) {
	s.sample = max(s.sample, (s.sound.Frames(at)+s.samples-1)/s.samples*s.samples)
}

func (s *source) Read() (*demux.Packet, error) {
	if s.begin.IsZero() {
		s.begin = s.o.Now()
	}
	for {
		select {
		case <-s.stop:
			return nil, demux.ErrInterrupted
		default:
		}
		now := s.o.Now()
		at := now.Sub(s.begin)
		s.frame = max(s.frame, demux.FrameAt(at, s.o.Rate))
		if at-s.sound.Duration(s.sample) > maxBehind {
			s.skipSound(at)
		}
		stream, due := s.next()
		switch {
		case stream < 0:
			<-s.stop // nothing is wanted
		case due > at:
			s.wait(due - at)
		case stream == audioStream:
			return s.readSound(now.Add(due - at)), nil
		default:
			if p := s.readFrame(now.Add(due - at)); p != nil {
				return p, nil
			}
		}
	}
}

// next tells which stream is due next, and when; -1 if none is wanted.
func (s *source) next() (stream int, due time.Duration) {
	frame, sound := demux.FrameTime(s.frame, s.o.Rate), s.sound.Duration(s.sample)
	switch {
	case s.wanted[videoStream] && (frame <= sound || !s.wanted[audioStream]):
		return videoStream, frame
	case s.wanted[audioStream]:
		return audioStream, sound
	}
	return -1, 0
}

// wait returns after d, or when the source is interrupted.
func (s *source) wait(d time.Duration) {
	if s.timer == nil {
		s.timer = time.NewTimer(d)
	} else {
		s.timer.Reset(d)
	}
	select {
	case <-s.timer.C:
	case <-s.stop:
		s.timer.Stop()
	}
}

// readFrame draws the next frame, nil if all pictures are in use.
func (s *source) readFrame(captured time.Time) *demux.Packet {
	n := s.frame
	s.frame++
	pic := s.picture()
	if pic == nil {
		return nil
	}
	s.painter.paint(pic, n, captured)
	pts := demux.FrameTime(n, s.o.Rate)
	return &demux.Packet{
		Stream: videoStream, PTS: pts, DTS: pts, Duration: demux.FrameTime(n+1, s.o.Rate) - pts, Key: true,
		Size: len(pic), Data: pic, Captured: captured,
		OnFree: func() { s.free <- pic }, // which has room for all
	}
}

// picture is memory that already has the background.
func (s *source) picture() []byte {
	select {
	case pic := <-s.free:
		return pic
	default:
	}
	if s.made == maxPictures {
		return nil
	}
	s.made++
	return append([]byte(nil), s.painter.background...)
}

func (s *source) readSound(captured time.Time) *demux.Packet {
	data := blockOfSound(s.sound, s.sample, s.samples, s.beep, s.o.Rate)
	pts := s.sound.Duration(s.sample)
	s.sample += s.samples
	return &demux.Packet{
		Stream: audioStream, PTS: pts, DTS: pts, Duration: s.sound.Duration(s.sample) - pts, Key: true,
		Size: len(data), Data: data, Captured: captured,
	}
}

func (s *source) Seek(time.Duration) error {
	return errors.New("test pattern: cannot seek: it is made in real time")
}

func (s *source) VideoDecoder(stream int) (demux.VideoDecoder, error) {
	if stream != videoStream {
		return nil, fmt.Errorf("test pattern: stream %d is not video", stream)
	}
	return demux.NewRawVideoDecoder(s.params)
}

func (s *source) AudioDecoder(stream int) (demux.AudioDecoder, error) {
	if stream != audioStream {
		return nil, fmt.Errorf("test pattern: stream %d is not audio", stream)
	}
	return demux.NewRawAudioDecoder(s.sound), nil
}

func (s *source) Interrupt()   { s.once.Do(func() { close(s.stop) }) }
func (s *source) Close() error { return nil }
