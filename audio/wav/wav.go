// Package wav is the sound output that writes a WAVE file: --ao wav:FILE.
package wav

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"sync"

	"planar/audio"
	"planar/audio/null"
)

// Options says how the file is written.
type Options struct {
	// Unpaced takes sound as fast as it comes. Otherwise the output consumes in
	// real time, like a sound device, so that a picture can play in sync with it.
	Unpaced bool
}

// Device writes the sound it consumes, and none of the silence in between. It is
// null's device in everything but Close.
type Device struct {
	*null.Device
	file  *file
	close func() error
}

// Open creates the file, or truncates it, and returns a paused output that takes
// the output format nearest to want.
func Open(path string, want audio.Format, opt Options) (*Device, error) {
	want.Sample = want.Sample.Output()
	if want.Channels > math.MaxUint16 {
		return nil, fmt.Errorf("sound file %s: too many channels: %d", path, want.Channels)
	}
	if want.Rate <= 0 || want.Channels <= 0 {
		return nil, fmt.Errorf("sound file %s: cannot hold %v", path, want)
	}
	f, err := create(path, want)
	if err != nil {
		return nil, err
	}
	n, err := null.Open(want, null.Options{Unpaced: opt.Unpaced, Consume: f.write})
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	d := &Device{Device: n, file: f}
	d.close = sync.OnceValue(func() error {
		err := d.Device.Close()
		if e := d.file.close(); err == nil {
			err = e
		}
		return err
	})
	return d, nil
}

// Close ends the output and completes the file; what is queued is not written. It
// returns the error that stopped the writing, if there was one, also when it is
// called again.
func (d *Device) Close() error { return d.close() }

// limit is the most that the sizes of a WAVE file can say, less the largest header.
const limit = math.MaxUint32 - 128

// file is the file on disk.
type file struct {
	format audio.Format
	limit  int64 // bytes of samples
	data   int64 // written so far
	f      *os.File
	w      *bufio.Writer
}

func create(path string, f audio.Format) (*file, error) {
	fd, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666) // not os.Create: a pipe must not be its own reader
	if err != nil {
		return nil, fmt.Errorf("sound file %s: %w", path, cause(err))
	}
	w := &file{format: f, limit: limit, f: fd, w: bufio.NewWriterSize(fd, 1<<16)}
	_, err = w.w.Write(header(f, unknown)) // into the buffer: it cannot fail yet
	return w, w.named(err)
}

// write appends samples.
func (w *file) write(pcm []byte) error {
	room := (w.limit - w.data) / int64(w.format.FrameBytes()) * int64(w.format.FrameBytes())
	full := int64(len(pcm)) > room
	if full {
		pcm = pcm[:room]
	}
	if bigEndian {
		for s := range slices.Chunk(pcm, w.format.Sample.Bytes()) {
			slices.Reverse(s)
		}
	}
	n, err := w.w.Write(pcm)
	w.data += int64(n)
	if err == nil && full {
		err = errors.New("full: a WAVE file holds no more than 4 GiB")
	}
	return w.named(err)
}

// close writes what is buffered and the sizes, if the file can be sought in.
func (w *file) close() error {
	err := w.w.Flush()
	info, e := w.f.Stat()
	if err == nil {
		err = e
	}
	if err == nil && info.Mode().IsRegular() {
		_, err = w.f.WriteAt(header(w.format, uint32(w.data)), 0)
	}
	if e := w.f.Close(); err == nil {
		err = e
	}
	return w.named(err)
}

// named says which file an error is about.
func (w *file) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sound file %s: %w", w.f.Name(), cause(err))
}

// cause strips the path, which named adds, from an error of package os.
func cause(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
