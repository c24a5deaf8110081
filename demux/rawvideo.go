package demux

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"os"
	"time"

	"planar/render"
)

// RawVideoParams is what a headerless video file does not say itself.
type RawVideoParams struct {
	Width, Height int
	PixelFormat   string          // FFmpeg's name
	Layout        []render.Layout // of PixelFormat at this size, in stored order
	Rate          render.Rational
	SAR           render.Rational // zero if unknown
	Colour        render.Colour
	Header        int64 // bytes before the first frame
	FrameHeader   int64 // bytes before each frame
	Strides       []int // bytes per row of each stored plane; none, or 0, if rows are not padded
	SwapChroma    bool  // planes 1 and 2 are stored as V, U (YV12, YV16, YV24); frames have them as U, V

	// Decoder makes a decoder of stored pictures, for the layouts that FFmpeg
	// counts among the codecs (v210, v410 ...). If set, a stored picture has
	// FrameBytes bytes, and Layout, Strides and SwapChroma are not used.
	Decoder    func() (VideoDecoder, error)
	FrameBytes int64

	Map MapFunc // nil: frames are read into buffers
}

// MapFunc looks at n bytes of a regular file from offset off without copying
// them. The data are read-only; unmap, which may be nil, gives them back, once,
// in any goroutine, perhaps after f was closed. An error that is
// errors.ErrUnsupported makes the caller read into a buffer instead;
// io.ErrUnexpectedEOF says that the file is shorter.
type MapFunc func(f *os.File, off int64, n int) (data []byte, unmap func(), err error)

const (
	// maxFrameBytes bounds a stored picture: 2^31, which 32768x32768 at 16 bits
	// a pixel fills.
	maxFrameBytes = 1 << 31
	// maxHeaderBytes bounds the headers given by flags, so that offsets do not overflow.
	maxHeaderBytes = 1 << 50
)

// rawVideo gives the pictures of a store their times.
type rawVideo struct {
	store
	format  string
	p       RawVideoParams
	strides []int
	next    int64 // number of the frame to read
	notes   []string
}

// store is where stored pictures are: one file, or many. size, count and
// interrupt may be called from any goroutine, the others from one.
type store interface {
	seekable() bool
	// count is the number of whole pictures there are by now, 0 if unknown.
	count() int64
	// load returns the bytes of picture n and what gives them back. After the
	// last picture the error is io.EOF.
	load(n int64) (data []byte, free func(), err error)
	// seek finds the last picture at or before number n, which is not negative.
	seek(n int64) (int64, error)
	// leftover tells of bytes that make no picture; "" if there are none.
	leftover() string
	interrupt()
	close() error
}

// OpenRawVideo opens a headerless video file; name may be "-". The memory it
// uses is bounded by the frames that its user holds.
func OpenRawVideo(name string, p RawVideoParams) (Source, error) {
	v, size, err := newRawVideo(name, p)
	if err != nil {
		return nil, err
	}
	f, err := openRawFile(name)
	if err != nil {
		return nil, err
	}
	s := &fileStore{file: f, pictures: newPictures(size, p.Map), header: p.Header, frameHeader: p.FrameHeader}
	if f.seekable() && s.count() == 0 {
		f.close()
		return nil, tooShort(name, f.size.Load(), p, p.Header+p.FrameHeader+size)
	}
	v.store, v.format = s, "raw video"
	return v, nil
}

func tooShort(name string, size int64, p RawVideoParams, frame int64) error {
	return fmt.Errorf("%s: cannot be played: has %d bytes, less than one %s frame of %dx%d (%d bytes): give the right --size or --pixel-format",
		name, size, p.PixelFormat, p.Width, p.Height, frame)
}

// newRawVideo checks p and returns a source that still needs its store, and
// the bytes of a stored picture. It allocates nothing that depends on p's sizes.
func newRawVideo(name string, p RawVideoParams) (*rawVideo, int64, error) {
	if err := checkSize(name, p.Width, p.Height); err != nil {
		return nil, 0, err
	}
	if !p.Rate.Known() || p.Rate.Num > math.MaxInt32 || p.Rate.Den > math.MaxInt32 {
		return nil, 0, fmt.Errorf("%s: frame rate %d/%d is not one: give it with --fps", name, p.Rate.Num, p.Rate.Den)
	}
	if min(p.Header, p.FrameHeader) < 0 || max(p.Header, p.FrameHeader) > maxHeaderBytes {
		return nil, 0, fmt.Errorf("%s: a header of %d bytes and %d before each frame: both must be from 0 to 2^50", name, p.Header, p.FrameHeader)
	}
	v := &rawVideo{p: p}
	size := p.FrameBytes
	if p.Decoder == nil {
		var err error
		if v.strides, size, err = planeSizes(name, p); err != nil {
			return nil, 0, err
		}
	}
	if size <= 0 || size > maxFrameBytes || size > math.MaxInt {
		return nil, 0, fmt.Errorf("%s: a %s frame of %dx%d has %d bytes, which planar does not read: the limit is 2^31",
			name, p.PixelFormat, p.Width, p.Height, size)
	}
	return v, size, nil
}

func checkSize(name string, w, h int) error {
	if w < 1 || h < 1 || w > MaxDimension || h > MaxDimension {
		return fmt.Errorf("%s: size %dx%d is outside 1x1 to %dx%d", name, w, h, MaxDimension, MaxDimension)
	}
	return nil
}

// planeSizes returns the stride of each stored plane and the bytes of all.
func planeSizes(name string, p RawVideoParams) (strides []int, size int64, err error) {
	if len(p.Strides) > len(p.Layout) {
		return nil, 0, fmt.Errorf("%s: %d strides for the %d planes of %s", name, len(p.Strides), len(p.Layout), p.PixelFormat)
	}
	const maxStride = 16 * MaxDimension
	for i, l := range p.Layout {
		stride := l.RowBytes
		if i < len(p.Strides) && p.Strides[i] != 0 {
			stride = p.Strides[i]
		}
		if l.RowBytes < 1 || l.RowBytes > maxStride || l.Rows < 1 || l.Rows > MaxDimension {
			return nil, 0, fmt.Errorf("%s: plane %d of %s has %d rows of %d bytes, which planar does not read", name, i, p.PixelFormat, l.Rows, l.RowBytes)
		}
		if stride < l.RowBytes || stride > maxStride {
			return nil, 0, fmt.Errorf("%s: stride %d of plane %d is outside %d (its row of %d bytes) to %d", name, stride, i, l.RowBytes, l.RowBytes, maxStride)
		}
		strides = append(strides, stride)
		size += int64(stride) * int64(l.Rows)
	}
	return strides, size, nil
}

// at is the time of frame n, exact to the nanosecond.
func (v *rawVideo) at(n int64) time.Duration { return FrameTime(n, v.p.Rate) }

// FrameTime is n frames at the given rate, rounded to the nearest nanosecond;
// what is beyond a Duration's 292 years is its largest value.
func FrameTime(n int64, rate render.Rational) time.Duration {
	if n <= 0 || !rate.Known() {
		return 0
	}
	num, den := uint64(rate.Num), uint64(rate.Den)
	// Whole groups of num frames last exactly den seconds, which keeps the
	// products small.
	whole, rest := uint64(n)/num, uint64(n)%num
	high, seconds := bits.Mul64(whole, den)
	part := scale(rest*den, uint64(time.Second), num, num/2)
	if high != 0 || seconds >= math.MaxInt64/uint64(time.Second)-part/uint64(time.Second) {
		return math.MaxInt64
	}
	return time.Duration(seconds*uint64(time.Second) + part)
}

// FrameAt is the number of the frame shown at time t at the given rate.
func FrameAt(t time.Duration, rate render.Rational) int64 {
	if t <= 0 || !rate.Known() {
		return 0
	}
	n := int64(min(math.MaxInt64-1, scale(uint64(t), uint64(rate.Num), uint64(rate.Den)*uint64(time.Second), 0)))
	// A frame's time is rounded, perhaps down to t.
	if next := FrameTime(n+1, rate); next <= t && next != math.MaxInt64 {
		n++
	}
	return n
}

// scale is (a*b+c)/d, or the largest value if it is more.
func scale(a, b, d, c uint64) uint64 {
	high, low := bits.Mul64(a, b)
	low, carry := bits.Add64(low, c, 0)
	if high += carry; high >= d {
		return math.MaxUint64
	}
	q, _ := bits.Div64(high, low, d)
	return q
}

func (v *rawVideo) Info() Info {
	info := Info{Format: v.format, Seekable: v.seekable(), Notes: append([]string(nil), v.notes...)}
	if info.Seekable {
		info.Duration = v.at(v.count())
		if s := v.leftover(); s != "" {
			info.Notes = append(info.Notes, s)
		}
	}
	return info
}

func (v *rawVideo) Streams() []Stream {
	return []Stream{{
		Kind: Video, Codec: "rawvideo", Duration: v.at(v.count()), Default: true,
		Width: v.p.Width, Height: v.p.Height, PixelFormat: v.p.PixelFormat, FrameRate: v.p.Rate, SAR: v.p.SAR, Colour: v.p.Colour,
	}}
}

func (v *rawVideo) Select(...int) {}

func (v *rawVideo) Read() (*Packet, error) {
	data, free, err := v.load(v.next)
	if err != nil {
		return nil, err
	}
	at := v.at(v.next)
	v.next++
	return &Packet{PTS: at, DTS: at, Duration: v.at(v.next) - at, Key: true, Size: len(data), Data: data, OnFree: free}, nil
}

func (v *rawVideo) Seek(t time.Duration) error {
	n, err := v.seek(FrameAt(t, v.p.Rate))
	if err == nil {
		v.next = n
	}
	return err
}

func (v *rawVideo) VideoDecoder(int) (VideoDecoder, error) {
	if v.p.Decoder == nil {
		return &rawDecoder{v: v}, nil
	}
	d, err := v.p.Decoder()
	if err != nil {
		return nil, err
	}
	return &packedDecoder{VideoDecoder: d, v: v}, nil
}

func (v *rawVideo) AudioDecoder(int) (AudioDecoder, error) {
	return nil, errors.New("no sound in raw video")
}

func (v *rawVideo) Interrupt()   { v.interrupt() }
func (v *rawVideo) Close() error { return v.close() }

// NewRawVideoDecoder makes a decoder of packets whose Data is one picture as p says
// (its headers and Map do not matter), for sources of their own that have such. A
// frame takes the memory of its packet over.
func NewRawVideoDecoder(p RawVideoParams) (VideoDecoder, error) {
	v, _, err := newRawVideo("raw video", p)
	if err != nil {
		return nil, err
	}
	return v.VideoDecoder(0)
}

// rawDecoder makes frames of raw packets without touching a byte: the frame
// takes the packet's memory over.
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
	c := &d.v.p
	f := &Frame{
		Picture: render.Picture{
			Format: c.PixelFormat, Width: c.Width, Height: c.Height, Colour: c.Colour, SAR: c.SAR,
			Planes: make([]render.Plane, 0, len(c.Layout)),
		},
		PTS: p.PTS, Duration: p.Duration, Number: FrameAt(p.PTS, c.Rate), Key: true,
	}
	data := p.Data
	for i, l := range c.Layout {
		n := d.v.strides[i] * l.Rows
		f.Planes = append(f.Planes, render.Plane{Data: data[:n:n], Stride: d.v.strides[i], RowBytes: l.RowBytes, Rows: l.Rows})
		data = data[n:]
	}
	if c.SwapChroma && len(f.Planes) > 2 {
		f.Planes[1], f.Planes[2] = f.Planes[2], f.Planes[1]
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

// packedDecoder gives the frames of a decoder the times of the packets that
// they were made of, and what the file's parameters say.
type packedDecoder struct {
	VideoDecoder
	v    *rawVideo
	sent []timing // of packets whose frames have not come yet
}

type timing struct{ pts, duration time.Duration }

// maxDelay is more frames than a decoder keeps inside; older packets have
// been dropped by it.
const maxDelay = 64

func (d *packedDecoder) Send(p *Packet) error {
	err := d.VideoDecoder.Send(p)
	if err == nil && p != nil {
		if len(d.sent) == maxDelay {
			d.sent = d.sent[1:]
		}
		d.sent = append(d.sent, timing{p.PTS, p.Duration})
	}
	return err
}

func (d *packedDecoder) Receive() (*Frame, error) {
	f, err := d.VideoDecoder.Receive()
	if err != nil {
		return nil, err
	}
	if at, ok := d.timeOf(f); ok {
		f.PTS, f.Duration, f.Number = at.pts, at.duration, FrameAt(at.pts, d.v.p.Rate)
	}
	f.Key, f.Colour, f.SAR = true, d.v.p.Colour, d.v.p.SAR
	return f, nil
}

// timeOf finds the packet of f: the first one sent, or, since a decoder drops
// damaged ones, the one nearest to the time that the decoder gives.
func (d *packedDecoder) timeOf(f *Frame) (timing, bool) {
	if len(d.sent) == 0 {
		return timing{}, false
	}
	if f.PTS != NoPTS {
		for len(d.sent) > 1 && (d.sent[1].pts-f.PTS).Abs() <= (d.sent[0].pts-f.PTS).Abs() {
			d.sent = d.sent[1:]
		}
	}
	at := d.sent[0]
	d.sent = d.sent[1:]
	return at, true
}

func (d *packedDecoder) Flush() {
	d.VideoDecoder.Flush()
	d.sent = nil
}
