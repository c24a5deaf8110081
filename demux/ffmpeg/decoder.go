package ffmpeg

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asticode/go-astiav"

	"planar/demux"
)

// codec is what video and audio decoders have in common.
type codec struct {
	cc       *astiav.CodecContext
	num, den int           // time base of the packets
	base     *atomic.Int64 // what is 0 on our timeline, nanoseconds; shared with the source
	own      *astiav.Packet
	frames   *framePool
}

// openCodec opens a decoder. Files are decoded by several threads, which
// adds a delay of as many frames; live streams only where that adds none.
func openCodec(par *astiav.CodecParameters, tb astiav.Rational, threads int, live bool) (*codec, error) {
	dec := astiav.FindDecoder(par.CodecID())
	if dec == nil {
		return nil, fmt.Errorf("FFmpeg here has no decoder for %s", par.CodecID().Name())
	}
	cc := astiav.AllocCodecContext(dec)
	if cc == nil {
		return nil, errors.New("not enough memory for a decoder")
	}
	if err := par.ToCodecContext(cc); err != nil {
		cc.Free()
		return nil, fmt.Errorf("decoder %s: %w", dec.Name(), err)
	}
	setupCodec(cc, tb)
	cc.SetThreadCount(threads)
	if live {
		cc.SetFlags(cc.Flags().Add(astiav.CodecContextFlagLowDelay))
		cc.SetThreadType(astiav.ThreadTypeSlice)
	} else {
		cc.SetThreadType(astiav.ThreadTypeFrame | astiav.ThreadTypeSlice)
	}
	if err := cc.Open(dec, nil); err != nil {
		cc.Free()
		return nil, fmt.Errorf("decoder %s: %w", dec.Name(), err)
	}
	return &codec{cc: cc, num: tb.Num(), den: tb.Den(), base: new(atomic.Int64), frames: &framePool{}}, nil
}

// nanoseconds is the time base of packets that do not come from FFmpeg.
var nanoseconds = astiav.NewRational(1, int(time.Second))

// send hands p, or with nil the end, to the decoder.
func (c *codec) send(p *demux.Packet) error {
	if p == nil {
		return decodeError(c.cc.SendPacket(nil))
	}
	if ap, ok := p.Native.(*astiav.Packet); ok {
		return decodeError(c.cc.SendPacket(ap))
	}
	if len(p.Data) == 0 {
		return nil // FFmpeg would take an empty packet for the end
	}
	if c.own == nil {
		c.own = astiav.AllocPacket()
	}
	if err := fillPacket(c.own, p.Data); err != nil {
		return err
	}
	defer c.own.Unref()
	c.own.SetPts(c.ticks(p.PTS))
	c.own.SetDts(c.ticks(p.DTS))
	c.own.SetDuration(durationToTicks(p.Duration, c.num, c.den))
	if p.Key {
		c.own.SetFlags(c.own.Flags().Add(astiav.PacketFlagKey))
	}
	return decodeError(c.cc.SendPacket(c.own))
}

func (c *codec) ticks(d time.Duration) int64 {
	if d == demux.NoPTS {
		return noTimestamp
	}
	return durationToTicks(d+time.Duration(c.base.Load()), c.num, c.den)
}

func (c *codec) time(ts int64) time.Duration {
	return since(ticksToDuration(ts, c.num, c.den), time.Duration(c.base.Load()))
}

func decodeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, astiav.ErrEagain):
		return demux.ErrAgain
	case errors.Is(err, astiav.ErrEof):
		return io.EOF
	}
	return fmt.Errorf("decoding: %w", err)
}

// receive returns a decoded frame, to be given back to c.frames.
func (c *codec) receive() (*astiav.Frame, error) {
	f := c.frames.get()
	if err := c.cc.ReceiveFrame(f); err != nil {
		c.frames.put(f)
		return nil, decodeError(err)
	}
	return f, nil
}

// Flush forgets everything sent so far, also after a drain.
func (c *codec) Flush() { flushCodec(c.cc) }

// Close frees the decoder. Frames that are still out stay valid.
func (c *codec) Close() {
	c.cc.Free()
	if c.own != nil {
		c.own.Free()
		c.own = nil
	}
	c.frames.close()
}

// framePool keeps freed frames for reuse; they are released on other goroutines
// and may outlive the decoder.
type framePool struct {
	mu     sync.Mutex
	free   []*astiav.Frame
	closed bool
}

func (p *framePool) get() *astiav.Frame {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		f := p.free[n-1]
		p.free = p.free[:n-1]
		return f
	}
	return astiav.AllocFrame()
}

func (p *framePool) put(f *astiav.Frame) {
	f.Unref()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		f.Free()
		return
	}
	p.free = append(p.free, f)
}

func (p *framePool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, f := range p.free {
		f.Free()
	}
	p.free = nil
}

// Preload loads the libraries that decoding needs, which takes tens of milliseconds
// the first time. It may be called from any goroutine.
func Preload() { astiav.FindDecoder(astiav.CodecIDH264) }
