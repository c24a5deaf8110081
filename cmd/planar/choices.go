package main

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"planar/demux"
	"planar/demux/ffmpeg"
	"planar/demux/guess"
	"planar/internal/settings"
	"planar/render"
)

// rawChoice is what the user said of one headerless video; what is zero was not
// said, unless ZeroHeader or ZeroFrameHeader tells that zero was.
type rawChoice struct {
	guess.Video
	Strides                     []int
	ZeroHeader, ZeroFrameHeader bool
}

// orElse fills in from d what c does not say.
func (c rawChoice) orElse(d rawChoice) rawChoice {
	if len(c.Strides) == 0 && (c.Width == 0 || c.Width == d.Width) && (c.PixelFormat == "" || c.PixelFormat == d.PixelFormat) {
		c.Strides = d.Strides // of another size or format they would make no sense
	}
	if c.Width == 0 {
		c.Width, c.Height = d.Width, d.Height
	}
	if c.PixelFormat == "" {
		c.PixelFormat = d.PixelFormat
	}
	if !c.Rate.Known() {
		c.Rate = d.Rate
	}
	c.Colour = c.Colour.OrElse(d.Colour)
	if c.Header == 0 && !c.ZeroHeader {
		c.Header = d.Header
	}
	if c.FrameHeader == 0 && !c.ZeroFrameHeader {
		c.FrameHeader = d.FrameHeader
	}
	return c
}

// soundChoice is what the user said of one headerless sound; what is zero was not
// said, unless ZeroHeader tells that zero was.
type soundChoice struct {
	guess.Sound
	ZeroHeader bool
}

// orElse fills in from d what c does not say.
func (c soundChoice) orElse(d soundChoice) soundChoice {
	if c.Format == "" {
		c.Format = d.Format
	}
	if c.Rate == 0 {
		c.Rate = d.Rate
	}
	if c.Channels == 0 {
		c.Channels, c.Layout = d.Channels, d.Layout
	}
	if c.Header == 0 && !c.ZeroHeader {
		c.Header = d.Header
	}
	return c
}

// whole reports whether nothing is left to be guessed.
func (c soundChoice) whole() bool { return c.Format != "" && c.Rate != 0 && c.Channels != 0 }

// check says why a choice cannot be; what is not said can.
func (c soundChoice) check() error {
	if c.Format != "" {
		if _, err := ffmpeg.FindPCMFormat(c.Format); err != nil {
			return err
		}
	}
	switch {
	case c.Rate != 0 && (c.Rate < minSampleRate || c.Rate > maxSampleRate):
		return fmt.Errorf("a sample rate of %d Hz cannot be: want %d to %d", c.Rate, minSampleRate, maxSampleRate)
	case c.Channels < 0 || c.Channels > ffmpeg.MaxChannels:
		return fmt.Errorf("%d channels cannot be: want 1 to %d", c.Channels, ffmpeg.MaxChannels)
	case c.Layout != 0 && bits.OnesCount64(c.Layout) != c.Channels:
		return fmt.Errorf("the layout has %d channels, not %d", bits.OnesCount64(c.Layout), c.Channels)
	case c.Header < 0 || c.Header > maxHeader:
		return fmt.Errorf("an offset of %d bytes cannot be", c.Header)
	}
	return nil
}

// choices remembers, per file, what the user once said of it, as video or as sound. A file that
// cannot be read or written costs no more than the memory.
type choices struct{ path string }

// maxChoices bounds the file: a thousand entries are some 200 KB, read in a
// few milliseconds, and only when a raw file is opened.
const maxChoices = 1000

// savedChoice is a line of the file, newest first.
type savedChoice struct {
	File        string          `json:"file"`
	Bytes       int64           `json:"bytes"` // its length when it was opened
	Width       int             `json:"width,omitempty"`
	Height      int             `json:"height,omitempty"`
	PixelFormat string          `json:"pixel_format,omitempty"`
	Rate        render.Rational `json:"rate,omitzero"`
	Colour      render.Colour   `json:"colour,omitzero"`
	Strides     []int           `json:"strides,omitempty"`
	Header      int64           `json:"header_bytes,omitempty"`
	FrameHeader int64           `json:"frame_header_bytes,omitempty"`
	Sound       *savedSound     `json:"sound,omitempty"` // the file is sound; of the rest, only Header counts
}

// savedSound is what was said of sound.
type savedSound struct {
	Format   string `json:"sample_format,omitempty"`
	Rate     int    `json:"sample_rate,omitempty"`
	Channels int    `json:"channels,omitempty"`
	Layout   uint64 `json:"layout,omitempty"`
}

// openChoices finds the file: $XDG_STATE_HOME/planar/raw-video.json.
func openChoices() *choices { return &choices{settings.StateFile("raw-video.json")} }

// key is how a file is called in the memory: its path from the root, links
// resolved. Pipes have none.
func key(name string) string {
	if name == "-" {
		return ""
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	// The pattern of a sequence is no file, but its folder is one.
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}

func (c *choices) load() (all []savedChoice) {
	b, err := os.ReadFile(c.path)
	if err != nil || json.Unmarshal(b, &all) != nil {
		return nil
	}
	return all
}

// find returns what was said of a file; nil if nothing was.
func (c *choices) find(name string) *savedChoice {
	k := key(name)
	if c.path == "" || k == "" {
		return nil
	}
	all := c.load()
	if i := slices.IndexFunc(all, func(s savedChoice) bool { return s.File == k }); i >= 0 {
		return &all[i]
	}
	return nil
}

// lookup returns what was said of a video, and how long its file was then.
func (c *choices) lookup(name string) (r rawChoice, bytes int64, ok bool) {
	s := c.find(name)
	if s == nil || s.Sound != nil {
		return r, 0, false
	}
	r = s.choice()
	return r, s.Bytes, r.valid()
}

// lookupSound returns what was said of sound, and how long its file was then.
func (c *choices) lookupSound(name string) (r soundChoice, bytes int64, ok bool) {
	s := c.find(name)
	if s == nil || s.Sound == nil {
		return r, 0, false
	}
	r.Sound = guess.Sound{Format: s.Sound.Format, Rate: s.Sound.Rate, Channels: s.Sound.Channels, Layout: s.Sound.Layout, Header: s.Header}
	return r, s.Bytes, r.check() == nil
}

func (s *savedChoice) choice() rawChoice {
	return rawChoice{
		Video: guess.Video{
			Width: s.Width, Height: s.Height, PixelFormat: s.PixelFormat, Rate: s.Rate, Colour: s.Colour,
			Header: s.Header, FrameHeader: s.FrameHeader,
		},
		Strides: s.Strides,
	}
}

// valid reports whether a choice could have been made on the command line: the
// file may have been edited.
func (c rawChoice) valid() bool {
	between := func(v, most int64) bool { return v >= 0 && v <= most }
	ok := between(int64(c.Width), demux.MaxDimension) && between(int64(c.Height), demux.MaxDimension) && (c.Width == 0) == (c.Height == 0) &&
		between(c.Header, maxHeader) && between(c.FrameHeader, maxFrameHeader) && len(c.Strides) <= 4 &&
		(c.Rate == render.Rational{} || c.Rate.Known() && c.Rate.Float() <= 1000)
	for _, s := range c.Strides {
		ok = ok && between(int64(s), maxStride)
	}
	if ok && c.PixelFormat != "" {
		_, err := ffmpeg.FindRawFormat(c.PixelFormat)
		ok = err == nil
	}
	return ok
}

// rememberSound notes what the user said of a file of sound that is so long.
func (c *choices) rememberSound(name string, bytes int64, r soundChoice) error {
	k := key(name)
	if c.path == "" || k == "" {
		return nil
	}
	return c.update(k, &savedChoice{File: k, Bytes: bytes, Header: r.Header, Sound: &savedSound{r.Format, r.Rate, r.Channels, r.Layout}})
}

// remember notes what the user said of a video that is so long.
func (c *choices) remember(name string, bytes int64, r rawChoice) error {
	k := key(name)
	if c.path == "" || k == "" {
		return nil
	}
	now := savedChoice{
		File: k, Bytes: bytes, Width: r.Width, Height: r.Height, PixelFormat: r.PixelFormat, Rate: r.Rate, Colour: r.Colour,
		Strides: r.Strides, Header: r.Header, FrameHeader: r.FrameHeader,
	}
	return c.update(k, &now)
}

// forget takes back what was said of a file.
func (c *choices) forget(name string) error {
	k := key(name)
	if c.path == "" || k == "" {
		return nil
	}
	return c.update(k, nil)
}

// update replaces the entry of a file; nil removes it.
func (c *choices) update(k string, now *savedChoice) error {
	all := c.load()
	i := slices.IndexFunc(all, func(s savedChoice) bool { return s.File == k })
	switch {
	case now == nil && i < 0, now != nil && i >= 0 && reflect.DeepEqual(all[i], *now):
		return nil // nothing to forget, or nothing new
	case i >= 0:
		all = slices.Delete(all, i, i+1)
	}
	if now != nil {
		all = slices.Insert(all, 0, *now)
	}
	all = all[:min(len(all), maxChoices)]
	b, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return err
	}
	return settings.Replace(c.path, b)
}
