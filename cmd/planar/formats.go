package main

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"planar/demux"
	"planar/demux/ffmpeg"
	"planar/demux/guess"
	"planar/player/controls"
	"planar/render"
	"planar/render/convert"
)

// rawFiles is what headerless files are taken for: what they were opened as, and
// what the window's panel has said since. It is used by the goroutine that opens
// and by the main one.
type rawFiles struct {
	mu        sync.Mutex
	now       map[string]controls.RawFile
	said      map[string]rawChoice
	sounds    map[string]openedSound // by the source's name
	soundSaid map[string]soundChoice // by the sound's own
}

func newRawFiles() *rawFiles {
	return &rawFiles{
		now: map[string]controls.RawFile{}, said: map[string]rawChoice{},
		sounds: map[string]openedSound{}, soundSaid: map[string]soundChoice{},
	}
}

// opened notes what a file was opened as.
func (r *rawFiles) opened(name string, c guess.Candidate, given []int, size int64) {
	f := controls.RawFile{RawVideo: controls.RawVideo{Video: c.Video, Strides: given}, Bytes: size, Sure: c.Sure}
	if n, err := frameBytes(f.RawVideo); err == nil {
		f.FrameBytes = n
	}
	if !f.Rate.Known() {
		f.Rate.Num, f.Rate.Den = defaultRate, 1
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now[name] = f
	if r.sounds[name].file == name {
		delete(r.sounds, name) // it was taken for sound before
	}
}

// frameBytes is how long a frame is, with what stands before it.
func frameBytes(v controls.RawVideo) (int64, error) {
	ls, err := rawFormats{v.Strides}.Layouts(v.PixelFormat, v.Width, v.Height)
	if err != nil {
		return 0, err
	}
	n := v.FrameHeader
	for _, l := range ls {
		n += int64(l.RowBytes) * int64(l.Rows)
	}
	return n, nil
}

// choice is what the panel has said of a file.
func (r *rawFiles) choice(name string) (rawChoice, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.said[name]
	return c, ok
}

// isRaw reports whether the panel has said that a file is headerless video.
func (r *rawFiles) isRaw(name string) bool {
	_, ok := r.choice(name)
	return ok
}

// Raw implements controls.RawFiles.
func (r *rawFiles) Raw(name string) (controls.RawFile, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.now[name]
	return f, ok
}

// SetRaw implements controls.RawFiles.
func (r *rawFiles) SetRaw(name string, v controls.RawVideo) error {
	if v.Width < 1 || v.Height < 1 || v.Width > demux.MaxDimension || v.Height > demux.MaxDimension {
		return fmt.Errorf("%dx%d is no picture size: want 1 to %d", v.Width, v.Height, demux.MaxDimension)
	}
	f, err := ffmpeg.FindRawFormat(v.PixelFormat)
	if err != nil {
		return err
	}
	v.PixelFormat = f.Name
	if err := canShow(f); err != nil {
		return fmt.Errorf("%s cannot be shown: %w", f.Name, err) // the window would close
	}
	for _, s := range v.Strides {
		if s < 0 || s > maxStride {
			return fmt.Errorf("stride %d: want 0 to %d bytes", s, maxStride)
		}
	}
	if v.Header < 0 || v.Header > maxHeader || v.FrameHeader < 0 || v.FrameHeader > maxFrameHeader {
		return fmt.Errorf("an offset of %d bytes, and %d before each frame, cannot be", v.Header, v.FrameHeader)
	}
	n, err := frameBytes(v)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now, ok := r.now[name]; ok && now.Bytes >= 0 && v.Header+n > now.Bytes {
		return fmt.Errorf("a frame would have %d bytes, the file has %d", n, max(0, now.Bytes-v.Header))
	}
	delete(r.soundSaid, name)
	r.said[name] = rawChoice{Video: v.Video, Strides: v.Strides, ZeroHeader: true, ZeroFrameHeader: true}
	return nil
}

// canShow tries to show a picture of a pixel format: a few of those that FFmpeg
// describes it does not convert.
func canShow(f ffmpeg.RawFormat) error {
	if f.Packed() {
		return nil // its decoder makes pictures that are
	}
	const w, h = 16, 16
	ls, err := f.Layouts(w, h)
	if err != nil {
		return err
	}
	p := render.Picture{Width: w, Height: h, Format: f.PixelFormat}
	for _, l := range ls {
		p.Planes = append(p.Planes, render.Plane{Data: make([]byte, l.RowBytes*l.Rows), Stride: l.RowBytes, RowBytes: l.RowBytes, Rows: l.Rows})
	}
	conv := convert.New(ffmpeg.NewScaler())
	defer conv.Close()
	return conv.Convert(render.NewBitmap(w, h), &p, render.Bilinear)
}

// Guesses implements controls.RawFiles.
func (r *rawFiles) Guesses(_ context.Context, name string) ([]guess.Candidate, error) {
	file, closeFile, err := rawFile(name)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	return guess.Rank(file, guess.Video{}, rawFormats{}), nil
}

// PixelFormats implements controls.RawFiles.
func (r *rawFiles) PixelFormats() []string {
	usual := []string{
		"yuv420p", "nv12", "yuv422p", "yuyv422", "uyvy422", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le",
		"p010le", "v210", "gray", "rgb24", "bgr24", "rgba", "bgra", "gbrp",
	}
	names := slices.Clone(usual)
	for _, n := range ffmpeg.RawFormatNames() {
		if !slices.Contains(usual, n) {
			names = append(names, n)
		}
	}
	return names
}
