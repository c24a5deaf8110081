package main

import (
	"os"
	"path/filepath"
	"testing"

	"planar/demux/ffmpeg"
	"planar/demux/guess"
	"planar/player/controls"
	"planar/render"
	"planar/render/convert"
)

// Whatever the panel may have a file taken for can be opened and shown: a source
// that cannot closes the window. Nearly all formats can.
func TestSetRaw(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	name := filepath.Join(t.TempDir(), "a_64x64.yuv")
	if err := os.WriteFile(name, make([]byte, 64*64*16), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := parsed(t, "", name)
	if err != nil {
		t.Fatal(err)
	}
	p := newOpener(o, quiet())
	conv := convert.New(ffmpeg.NewScaler())
	defer conv.Close()
	shown := 0
	formats := p.files.PixelFormats()
	for _, format := range formats {
		if p.files.SetRaw(name, controls.RawVideo{Video: guess.Video{Width: 64, Height: 64, PixelFormat: format}}) != nil {
			continue
		}
		shown++
		if err := showFirst(t, p, conv, name); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
	if all := len(formats); shown < all*9/10 {
		t.Errorf("%d of %d formats can be chosen", shown, all)
	}
	for _, v := range []guess.Video{
		{Width: 64, Height: 64, PixelFormat: "pal8"},
		{Width: 64, Height: 64, PixelFormat: "none"},
		{Width: 0, Height: 64, PixelFormat: "gray"},
		{Width: 1 << 20, Height: 64, PixelFormat: "gray"},
		{Width: 1024, Height: 1024, PixelFormat: "gray"},
		{Width: 64, Height: 64, PixelFormat: "gray", Header: -1},
		{Width: 64, Height: 64, PixelFormat: "gray", Header: 64 * 64 * 16},
	} {
		if p.files.SetRaw(name, controls.RawVideo{Video: v}) == nil {
			t.Errorf("%+v can be chosen", v)
		}
	}
}

// showFirst opens a source and converts its first picture.
func showFirst(t *testing.T, p *opener, conv render.Converter, name string) error {
	src, err := p.open(t.Context(), name)
	if err != nil {
		return err
	}
	defer src.Close()
	src.Select(0)
	pkt, err := src.Read()
	if err != nil {
		return err
	}
	defer pkt.Release()
	dec, err := src.VideoDecoder(0)
	if err != nil {
		return err
	}
	defer dec.Close()
	if err := dec.Send(pkt); err != nil {
		return err
	}
	f, err := dec.Receive()
	if err != nil {
		return err
	}
	defer f.Release()
	return conv.Convert(render.NewBitmap(64, 64), &f.Picture, render.Bilinear)
}
