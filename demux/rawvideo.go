package demux

import (
	"errors"
	"fmt"
	"io"
	"time"

	"planar/render"
)

// RawVideoParams is what a headerless video file does not say itself.
type RawVideoParams struct {
	Width, Height int
	PixelFormat   string          // FFmpeg's name
	Layout        []render.Layout // of PixelFormat at this size
	Rate          render.Rational
	Colour        render.Colour
	Header        int64 // bytes before the first frame
	FrameHeader   int64 // bytes before each frame
	Strides       []int // bytes per row of each plane; none, or 0, if rows are not padded
}

// rawVideo reads headerless pictures: frame n begins at
// Header + n*(FrameHeader+bytes of a frame) + FrameHeader.
type rawVideo struct {
	file    *rawFile
	p       RawVideoParams
	strides []int
	bytes   int64 // of one picture, without its header
	next    int64 // number of the frame to read
	free    chan []byte
}

// framesInFlight is how many frame buffers are kept for reuse: the player's
// packet queue (3), its frame queue (3), one prepared, two shown last, one being read.
const framesInFlight = 10

// OpenRawVideo opens a headerless video file; name may be "-". The memory it
// uses is bounded by the frames that its user holds.
func OpenRawVideo(name string, p RawVideoParams) (Source, error) {
	if p.Width < 1 || p.Height < 1 || p.Width > MaxDimension || p.Height > MaxDimension {
		return nil, fmt.Errorf("%s: size %dx%d is outside 1x1 to %dx%d", name, p.Width, p.Height, MaxDimension, MaxDimension)
	}
	v := &rawVideo{p: p, free: make(chan []byte, framesInFlight)}
	for i, l := range p.Layout {
		stride := l.RowBytes
		if i < len(p.Strides) && p.Strides[i] != 0 {
			if stride = p.Strides[i]; stride < l.RowBytes || stride > 16*MaxDimension {
				return nil, fmt.Errorf("%s: stride %d of plane %d is less than its row of %d bytes, or far too large", name, stride, i, l.RowBytes)
			}
		}
		v.strides = append(v.strides, stride)
		v.bytes += int64(stride) * int64(l.Rows)
	}
	if v.bytes == 0 || v.bytes > 1<<31 {
		return nil, fmt.Errorf("%s: a %s frame of %dx%d has %d bytes, which planar does not read", name, p.PixelFormat, p.Width, p.Height, v.bytes)
	}
	var err error
	if v.file, err = openRawFile(name); err != nil {
		return nil, err
	}
	if v.file.seekable() && v.frames() == 0 {
		v.file.close()
		return nil, fmt.Errorf("%s: cannot be played: has %d bytes, less than one %s frame of %dx%d (%d bytes): give the right --size or --pixel-format",
			name, v.file.size, p.PixelFormat, p.Width, p.Height, v.bytes)
	}
	return v, nil
}

func (v *rawVideo) step() int64 { return v.bytes + v.p.FrameHeader }

// frames is the number of whole frames in a regular file.
func (v *rawVideo) frames() int64 { return max(0, v.file.size-v.p.Header) / v.step() }

// at is the time of frame n, exact to the nanosecond.
func (v *rawVideo) at(n int64) time.Duration { return FrameTime(n, v.p.Rate) }

// FrameTime is n frames at the given rate, rounded to the nearest nanosecond.
func FrameTime(n int64, rate render.Rational) time.Duration {
	num, den := int64(rate.Num), int64(rate.Den)
	// Whole groups of num frames last exactly den seconds, which keeps the
	// product in 64 bits.
	whole, rest := n/num, n%num
	return time.Duration(whole*den)*time.Second + time.Duration((rest*den*int64(time.Second)+num/2)/num)
}

// FrameAt is the number of the frame shown at time t at the given rate.
func FrameAt(t time.Duration, rate render.Rational) int64 {
	if t <= 0 {
		return 0
	}
	n := int64(t.Seconds() * rate.Float())
	for FrameTime(n+1, rate) <= t {
		n++
	}
	for n > 0 && FrameTime(n, rate) > t {
		n--
	}
	return n
}

func (v *rawVideo) Info() Info {
	info := Info{Format: "raw video", Seekable: v.file.seekable()}
	if info.Seekable {
		info.Duration = v.at(v.frames())
		if rest := max(0, v.file.size-v.p.Header) % v.step(); rest != 0 {
			info.Notes = append(info.Notes, fmt.Sprintf("%d bytes are left over after %d whole frames of %d bytes: the file is cut short (%d bytes are missing), or --size %dx%d is wrong",
				rest, v.frames(), v.step(), v.step()-rest, v.p.Width, v.p.Height))
		}
	}
	return info
}

func (v *rawVideo) Streams() []Stream {
	return []Stream{{
		Kind: Video, Codec: "rawvideo", Duration: v.Info().Duration, Default: true,
		Width: v.p.Width, Height: v.p.Height, PixelFormat: v.p.PixelFormat, FrameRate: v.p.Rate, Colour: v.p.Colour,
	}}
}

func (v *rawVideo) Select(...int) {}

func (v *rawVideo) Read() (*Packet, error) {
	var buf []byte
	select {
	case buf = <-v.free:
	default:
		buf = make([]byte, v.bytes)
	}
	n, err := v.file.read(buf, v.p.Header+v.next*v.step()+v.p.FrameHeader)
	if err == nil && int64(n) < v.bytes {
		err = io.EOF // the end, or a partial frame, which Info mentions
	}
	if err != nil {
		v.recycle(buf)
		return nil, err
	}
	p := &Packet{PTS: v.at(v.next), DTS: v.at(v.next), Duration: v.at(v.next+1) - v.at(v.next), Key: true, Size: len(buf), Data: buf}
	p.OnFree = func() { v.recycle(buf) }
	v.next++
	return p, nil
}

func (v *rawVideo) recycle(buf []byte) {
	select {
	case v.free <- buf:
	default:
	}
}

func (v *rawVideo) Seek(t time.Duration) error {
	if !v.file.seekable() {
		return fmt.Errorf("%s: cannot seek in a pipe", v.file.name)
	}
	v.next = min(FrameAt(t, v.p.Rate), max(0, v.frames()-1))
	return nil
}

func (v *rawVideo) VideoDecoder(int) (VideoDecoder, error) { return &rawDecoder{v: v}, nil }

func (v *rawVideo) AudioDecoder(int) (AudioDecoder, error) {
	return nil, errors.New("no sound in raw video")
}

func (v *rawVideo) Interrupt()   { v.file.interrupt() }
func (v *rawVideo) Close() error { return v.file.close() }

// rawDecoder makes frames of raw packets without touching a byte: the frame
// takes the packet's buffer over.
type rawDecoder struct {
	v       *rawVideo
	next    *Frame
	drained bool
}

func (d *rawDecoder) Send(p *Packet) error {
	if d.next != nil {
		return ErrAgain
	}
	if p == nil {
		d.drained = true
		return nil
	}
	c := d.v.p
	f := &Frame{
		Picture: render.Picture{Format: c.PixelFormat, Width: c.Width, Height: c.Height, Colour: c.Colour},
		PTS:     p.PTS, Duration: p.Duration, Number: FrameAt(p.PTS, c.Rate), Key: true,
	}
	data := p.Data
	for i, l := range c.Layout {
		n := d.v.strides[i] * l.Rows
		f.Planes = append(f.Planes, render.Plane{Data: data[:n:n], Stride: d.v.strides[i], RowBytes: l.RowBytes, Rows: l.Rows})
		data = data[n:]
	}
	f.OnFree, p.OnFree = p.OnFree, nil
	d.next = f
	return nil
}

func (d *rawDecoder) Receive() (*Frame, error) {
	if f := d.next; f != nil {
		d.next = nil
		return f, nil
	}
	if d.drained {
		return nil, io.EOF
	}
	return nil, ErrAgain
}

func (d *rawDecoder) Flush() {
	d.next.Release()
	d.next, d.drained = nil, false
}

func (d *rawDecoder) Close() { d.Flush() }
