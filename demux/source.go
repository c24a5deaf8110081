// Package demux is where pictures and sound come from: the contract of a
// source, and the readers of headerless files. Readers that need a library
// (FFmpeg, RTSP) are packages below this one.
package demux

import (
	"errors"
	"math"
	"time"

	"planar/audio"
	"planar/render"
)

// NoPTS marks a packet or frame without a timestamp.
const NoPTS = time.Duration(math.MinInt64)

// ErrAgain is returned by a decoder's Receive when it needs another packet, and
// by a source's Read when nothing has come for a moment.
var ErrAgain = errors.New("nothing there yet")

// ErrInterrupted is returned by a Source whose Interrupt was called.
var ErrInterrupted = errors.New("interrupted")

// Kind tells video from audio.
type Kind int

// The kinds of stream that are played.
const (
	Video Kind = iota
	Audio
)

func (k Kind) String() string { return [...]string{"video", "audio"}[k] }

// Stream describes one elementary stream of a source. Fields that are not
// known before the first frame is decoded are zero.
type Stream struct {
	Index    int
	Kind     Kind
	Codec    string        // FFmpeg's codec name: "h264", "rawvideo", "pcm_s16le"
	Duration time.Duration // 0 if unknown
	Default  bool          // marked by the container as the one to play
	Still    bool          // one picture for the whole stream, such as cover art
	Language string        // as the container has it, mostly a code of ISO 639-2: "deu"; empty if unknown
	Title    string        // as the container has it; both are texts as Tag returns them
	// Config is what a decoder has to know before the first packet, as FFmpeg has it
	// in its extradata: avcC or parameter sets in Annex B form, AudioSpecificConfig,
	// OpusHead. nil if the source does not say it apart. Nobody writes to it.
	Config []byte

	// Video.
	Width, Height int
	PixelFormat   string
	FrameRate     render.Rational
	SAR           render.Rational
	Rotation      int
	Colour        render.Colour

	// Audio.
	Sound audio.Format
}

// Info describes a source as a whole.
type Info struct {
	Format   string        // the container or protocol, such as "mov,mp4,m4a" or "rtsp"
	Duration time.Duration // 0 if unknown or endless
	Live     bool          // data arrives in real time and cannot be paused at the origin
	Seekable bool
	Notes    []string // what the user should know: bytes left over at the end, and the like
}

// Packet is one access unit of one stream. Times are on the source's own
// timeline, which begins at 0 for files.
type Packet struct {
	Stream   int
	PTS, DTS time.Duration // NoPTS if unknown
	Duration time.Duration // 0 if unknown
	Key      bool
	Size     int // bytes

	// Fresh says that packets before this one are missing and that decoding can
	// begin anew here: what the decoder holds is not to be mixed with it.
	Fresh bool
	// Waited is how long it was held in the source for packets before it.
	Waited time.Duration
	// Captured is when the sender's clock says that this was captured; zero if it
	// does not say.
	Captured time.Time

	Data   []byte // the bytes, unless Native carries them
	Native any    // the source library's own packet, for decoders of the same source
	OnFree func() // called once by Release, may be nil
}

// Release gives the packet's memory back. It may be called on a nil packet.
func (p *Packet) Release() {
	if p != nil && p.OnFree != nil {
		f := p.OnFree
		p.OnFree = nil
		f()
	}
}

// Bytes is what the packet carries: Data, or a copy of what the library's own
// packet holds. It is valid until Release.
func (p *Packet) Bytes() []byte {
	if n, ok := p.Native.(interface{ Data() []byte }); ok && p.Data == nil {
		return n.Data()
	}
	return p.Data
}

// Time is the packet's PTS, or its DTS if it has none.
func (p *Packet) Time() time.Duration {
	if p.PTS != NoPTS {
		return p.PTS
	}
	return p.DTS
}

// Frame is one decoded picture with its place in time.
type Frame struct {
	render.Picture
	PTS      time.Duration // NoPTS if the stream does not say
	Duration time.Duration // 0 if the stream does not say
	Number   int64         // the frame's number in its stream, from 0; -1 if unknown
	Key      bool
	OnFree   func() // called once by Release, may be nil
}

// Release gives the frame's planes back. It may be called on a nil frame.
func (f *Frame) Release() {
	if f != nil && f.OnFree != nil {
		fn := f.OnFree
		f.OnFree = nil
		fn()
	}
}

// Source is an opened file or stream. Read, Seek and Close are called from one
// goroutine; Interrupt may be called from any.
type Source interface {
	Info() Info
	// Streams lists the streams known so far; it may grow while reading.
	Streams() []Stream
	// Select tells the source which streams (by index) are wanted; packets of
	// others need not be returned. Without a call all are.
	Select(streams ...int)
	// Read returns the next packet, which the caller releases. It blocks, but a
	// source may return ErrAgain when it has waited for a moment. At the end the
	// error is io.EOF; a later Seek makes reading possible again.
	Read() (*Packet, error)
	// Seek moves to the last point at or before t from which every selected
	// stream can be decoded.
	Seek(t time.Duration) error
	// VideoDecoder and AudioDecoder make a decoder for a stream. The caller
	// closes it, before the source.
	VideoDecoder(stream int) (VideoDecoder, error)
	AudioDecoder(stream int) (AudioDecoder, error)
	// Interrupt makes a blocked and every further call return
	// ErrInterrupted at once.
	Interrupt()
	Close() error
}

// VideoDecoder turns packets into frames. All calls come from one goroutine.
type VideoDecoder interface {
	// Send hands over a packet without taking ownership; nil asks for the
	// frames still inside. It returns ErrAgain if Receive must be called first.
	Send(*Packet) error
	// Receive returns the next frame, ErrAgain if there is none yet, or
	// io.EOF after the last one of a drained decoder.
	Receive() (*Frame, error)
	// Flush forgets everything sent so far, also after a drain.
	Flush()
	Close()
}

// AudioDecoder is a VideoDecoder's counterpart for sound.
type AudioDecoder interface {
	Send(*Packet) error
	Receive() (*audio.Block, error)
	Flush()
	Close()
}
