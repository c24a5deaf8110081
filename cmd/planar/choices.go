package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"planar/demux/guess"
	"planar/render"
)

// rawChoice is what the user said of one headerless video; what is zero was not
// said.
type rawChoice struct {
	guess.Video
	Strides []int
}

// orElse fills in from d what c does not say.
func (c rawChoice) orElse(d rawChoice) rawChoice {
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
	if c.Header == 0 {
		c.Header = d.Header
	}
	if c.FrameHeader == 0 {
		c.FrameHeader = d.FrameHeader
	}
	if len(c.Strides) == 0 {
		c.Strides = d.Strides
	}
	return c
}

// choices remembers, per file, what the user once said of it. A file that
// cannot be read or written costs no more than the memory.
type choices struct{ path string }

// maxChoices bounds the file: a thousand entries are some 200 KB, read in a
// few milliseconds, and only when a raw file is opened.
const maxChoices = 1000

// savedChoice is a line of the file, newest first.
type savedChoice struct {
	File        string          `json:"file"`
	Width       int             `json:"width,omitempty"`
	Height      int             `json:"height,omitempty"`
	PixelFormat string          `json:"pixel_format,omitempty"`
	Rate        render.Rational `json:"rate,omitzero"`
	Colour      render.Colour   `json:"colour,omitzero"`
	Strides     []int           `json:"strides,omitempty"`
	Header      int64           `json:"header_bytes,omitempty"`
	FrameHeader int64           `json:"frame_header_bytes,omitempty"`
}

// openChoices finds the file: $XDG_STATE_HOME/planar/raw-video.json.
func openChoices() *choices {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) { // the specification: ignore relative ones
		home, err := os.UserHomeDir()
		if err != nil {
			return &choices{}
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return &choices{filepath.Join(dir, "planar", "raw-video.json")}
}

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
		path = real
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

// lookup returns what was said of a file.
func (c *choices) lookup(name string) (rawChoice, bool) {
	k := key(name)
	if c.path == "" || k == "" {
		return rawChoice{}, false
	}
	for _, s := range c.load() {
		if s.File != k {
			continue
		}
		r := rawChoice{
			Video: guess.Video{
				Width: s.Width, Height: s.Height, PixelFormat: s.PixelFormat, Rate: s.Rate, Colour: s.Colour,
				Header: s.Header, FrameHeader: s.FrameHeader,
			},
			Strides: s.Strides,
		}
		return r, r.valid()
	}
	return rawChoice{}, false
}

// valid reports whether a choice could have been made on the command line: the
// file may have been edited.
func (c rawChoice) valid() bool {
	ok := c.Width >= 0 && c.Height >= 0 && (c.Width == 0) == (c.Height == 0) && c.Header >= 0 && c.FrameHeader >= 0 &&
		(c.Rate == render.Rational{} || c.Rate.Known())
	for _, s := range c.Strides {
		ok = ok && s >= 0
	}
	return ok
}

// remember notes what the user said of a file.
func (c *choices) remember(name string, r rawChoice) error {
	k := key(name)
	if c.path == "" || k == "" {
		return nil
	}
	all := []savedChoice{{
		File: k, Width: r.Width, Height: r.Height, PixelFormat: r.PixelFormat, Rate: r.Rate, Colour: r.Colour,
		Strides: r.Strides, Header: r.Header, FrameHeader: r.FrameHeader,
	}}
	for _, s := range c.load() {
		if s.File != k && len(all) < maxChoices {
			all = append(all, s)
		}
	}
	b, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return err
	}
	dir := filepath.Dir(c.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// Whole or not at all: another planar may be reading.
	f, err := os.CreateTemp(dir, "raw-video-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), c.path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
