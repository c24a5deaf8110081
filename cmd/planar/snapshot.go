package main

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"planar/demux"
	"planar/render"
)

// snapshots writes pictures as PNG files.
type snapshots struct {
	conv   render.Converter
	folder string // where save puts them; empty for the current one
}

// save writes the picture to a new file in the folder, named after the
// source and the frame.
func (s *snapshots) save(source string, f *demux.Frame) (string, error) {
	stem := "planar"
	if !demux.IsURL(source) && source != "-" {
		base := filepath.Base(source)
		stem = strings.TrimSuffix(base, filepath.Ext(base))
	}
	for i := 0; i < 1000; i++ {
		name := fmt.Sprintf("%s-%06d.png", stem, f.Number)
		if i > 0 {
			name = fmt.Sprintf("%s-%06d-%d.png", stem, f.Number, i)
		}
		path := filepath.Join(s.folder, name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return path, s.write(path, f)
		}
	}
	return "", fmt.Errorf("snapshot: a thousand files named %s-%06d are enough", stem, f.Number)
}

// write writes a picture at its own size, upright, as a PNG file. What cannot
// be written in whole is removed again.
func (s *snapshots) write(path string, f *demux.Frame) (err error) {
	w, h := f.Width, f.Height
	if f.Rotation%180 != 0 {
		w, h = h, w
	}
	bmp := render.NewBitmap(w, h)
	if err := s.conv.Convert(bmp, &f.Picture, render.Bilinear); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	for i := 0; i < len(bmp.Pix); i += 4 { // BGRX to RGBA
		bmp.Pix[i], bmp.Pix[i+2], bmp.Pix[i+3] = bmp.Pix[i+2], bmp.Pix[i], 255
	}
	img := &image.RGBA{Pix: bmp.Pix, Stride: bmp.Stride, Rect: image.Rect(0, 0, w, h)}
	out, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("snapshot: cannot write: %w", err)
	}
	buf := bufio.NewWriter(out)
	if err = png.Encode(buf, img); err == nil {
		err = buf.Flush()
	}
	if e := out.Close(); err == nil {
		err = e
	}
	if err != nil {
		if st, e := os.Stat(path); e == nil && st.Mode().IsRegular() {
			os.Remove(path)
		}
		return fmt.Errorf("snapshot: cannot write: %w", err)
	}
	return nil
}
