package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/ncruces/zenity"

	sdlaudio "planar/audio/sdl"
	"planar/demux"
	"planar/demux/ffmpeg"
	"planar/internal/settings"
	"planar/player"
	"planar/player/controls"
	sdlwindow "planar/render/sdl"
)

// desktop is what a window has around it: its controls, and what is remembered
// from one time to the next.
type desktop struct {
	window   *sdlwindow.Window
	controls *controls.Controls
	wanted   settings.Settings
	volume   float64 // at the start
	store    *settings.Store
	opened   *history
}

func newDesktop(o *options, w *sdlwindow.Window, open *opener, told *controls.Log) *desktop {
	d := &desktop{window: w, wanted: o.settings, volume: o.volume, store: settings.OpenStore(), opened: &open.opened}
	var devices func(context.Context) ([]string, error)
	if o.ao == "device" {
		devices = func(context.Context) ([]string, error) { return sdlaudio.Devices() }
	}
	d.controls = controls.New(controls.Options{
		Show: o.osc, Hex: o.settings.HexPixels, Accent: o.settings.Accent,
		Log: told, Wake: w.Wake, Clipboard: w, Window: w,
		Raw: open.files, RawSound: open.files, Describe: ffmpeg.Describe, OpenSound: open.sound,
		Ask: askFiles, Recent: d.recent, Devices: devices,
	})
	return d
}

// recent lists what was opened lately, the newest first.
func (d *desktop) recent() (files, addresses []string) {
	if !d.wanted.RememberRecent {
		return nil, nil
	}
	s := d.store.Load()
	d.opened.addTo(&s)
	for _, name := range s.Recent {
		if !demux.IsURL(name) {
			files = append(files, name)
		}
	}
	return files, s.URLs
}

// close remembers how things were left, and gives the controls back.
func (d *desktop) close(p *player.Player) error {
	d.controls.Close()
	w, h, resized := d.window.UserSize()
	volume := p.Volume()
	return d.store.Update(func(s *settings.State) {
		if d.wanted.RememberRecent {
			d.opened.addTo(s)
		}
		if resized && d.wanted.RememberWindow {
			s.Width, s.Height = w, h
		}
		if volume != d.volume { // one that was only given for this time is not kept
			s.Volume = &volume
		}
	})
}

// askFiles shows the desktop's dialog for opening files.
func askFiles(ctx context.Context) ([]string, error) {
	names, err := zenity.SelectFileMultiple(zenity.Context(ctx), zenity.Title("Open"))
	switch {
	case errors.Is(err, zenity.ErrCanceled):
		return nil, nil
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.ErrUnsupported
	}
	return names, err
}

// sound opens a stream of a source's sound once more, for looking at all of it.
func (p *opener) sound(ctx context.Context, name string, stream int) (controls.Sound, time.Duration, error) {
	if demux.IsURL(name) || name == "-" || isCaptured(name) {
		return nil, 0, fmt.Errorf("%s: only the sound of files can be read twice", demux.Redact(name))
	}
	src, err := p.open(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	length := src.Info().Duration
	sound, err := player.ReadSound(ctx, src, stream)
	if err != nil {
		return nil, 0, err
	}
	return sound, length, nil
}
