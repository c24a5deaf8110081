// Package hash is the video output that writes one line per frame instead of
// showing it: number, time and MD5 of the frame's bytes. The sums equal those
// of FFmpeg's framemd5 muxer for raw video.
package hash

import (
	"crypto/md5"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"planar/render"
)

// Output writes a line like
//
//	12 0.480000 d41d8cd98f00b204e9800998ecf8427e
//
// for each frame presented: the frame's number in its source, its time in
// seconds, and the MD5 of the visible bytes, plane by plane and row by row
// without padding.
type Output struct {
	render.Headless
	w        io.Writer
	md5      hash.Hash
	sum      [md5.Size]byte
	prepared bool
}

// New returns an output that writes to w, one Write per line. Closing the
// output does not close w.
func New(w io.Writer) *Output {
	return &Output{Headless: render.NewHeadless(), w: w, md5: md5.New()}
}

// Prepare sums p and keeps no reference to it.
func (o *Output) Prepare(p *render.Picture) error {
	o.prepared = false
	if err := p.CheckPlanes(); err != nil {
		return err
	}
	o.md5.Reset()
	for _, pl := range p.Planes {
		if pl.Stride == pl.RowBytes {
			o.md5.Write(pl.Data[:pl.Rows*pl.RowBytes])
			continue
		}
		for y := range pl.Rows {
			o.md5.Write(pl.Data[y*pl.Stride:][:pl.RowBytes])
		}
	}
	o.md5.Sum(o.sum[:0])
	o.prepared = true
	return nil
}

// Present writes the prepared picture's line.
func (o *Output) Present(number int64, pts time.Duration) error {
	if !o.prepared {
		return errors.New("hash output: no picture was prepared")
	}
	if _, err := fmt.Fprintf(o.w, "%d %s %x\n", number, seconds(pts), o.sum); err != nil {
		return fmt.Errorf("writing frame hashes: %w", err)
	}
	return nil
}

// Paced is false: every frame is hashed, as fast as they come.
func (*Output) Paced() bool { return false }

// seconds writes d with six decimals, rounded half away from zero. Integers
// only: a float has too few digits for the microseconds of a large timestamp.
func seconds(d time.Duration) string {
	sign, n := "", uint64(d)
	if d < 0 {
		sign, n = "-", -n
	}
	us := (n + 500) / 1000
	if us == 0 {
		sign = ""
	}
	return fmt.Sprintf("%s%d.%06d", sign, us/1e6, us%1e6)
}
