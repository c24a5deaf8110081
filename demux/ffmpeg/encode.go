package ffmpeg

// #include "encode.h"
import "C"

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/asticode/go-astiav"

	"planar/demux"
)

// encoder is what video and audio encoders have in common.
type encoder struct {
	cc     *astiav.CodecContext
	packet *astiav.Packet
	frame  *astiav.Frame // what is encoded, where it does not lie elsewhere
	name   string        // of the codec, for errors
}

// newEncoder finds an encoder by the first of its names that FFmpeg has.
func newEncoder(codec string, names ...string) (encoder, *astiav.Codec, error) {
	for _, n := range names {
		c := astiav.FindEncoderByName(n)
		if c == nil {
			continue
		}
		e := encoder{cc: astiav.AllocCodecContext(c), packet: astiav.AllocPacket(), frame: astiav.AllocFrame(), name: codec}
		if e.cc == nil || e.packet == nil || e.frame == nil {
			e.close()
			return encoder{}, nil, errors.New("not enough memory for an encoder")
		}
		return e, c, nil
	}
	return encoder{}, nil, fmt.Errorf("FFmpeg here has no encoder for %s (%s)", codec, strings.Join(names, ", "))
}

// open opens the encoder with options of its own.
func (e *encoder) open(c *astiav.Codec, options map[string]string) error {
	d := astiav.NewDictionary()
	defer d.Free()
	for k, v := range options {
		if err := d.Set(k, v, 0); err != nil {
			return err
		}
	}
	log, err := captureLog(func() error { return e.cc.Open(c, d) })
	if err != nil {
		return fmt.Errorf("encoding %s: %s cannot be opened: %w%s", e.name, c.Name(), unwrapErrno(err), lastLine(log))
	}
	return nil
}

// lastLine is the last line of FFmpeg's log in brackets.
func lastLine(log string) string {
	log = strings.TrimSpace(log)
	if log = strings.TrimSpace(log[strings.LastIndexByte(log, '\n')+1:]); log == "" {
		return ""
	}
	return " (" + demux.Redact(demux.OneLine(log)) + ")"
}

// receive returns the next packet with its bytes and whether it is a key picture's;
// demux.ErrAgain if there is none yet, io.EOF after the last one. Its PTS is in the
// encoder's ticks.
func (e *encoder) receive() (data []byte, pts int64, key bool, err error) {
	if err := e.cc.ReceivePacket(e.packet); err != nil {
		switch {
		case errors.Is(err, astiav.ErrEagain):
			return nil, 0, false, demux.ErrAgain
		case errors.Is(err, astiav.ErrEof):
			return nil, 0, false, io.EOF
		}
		return nil, 0, false, e.fail(err)
	}
	i := packetInfoOf(e.packet)
	data = e.packet.Data()
	e.packet.Unref()
	return data, int64(i.pts), i.key != 0, nil
}

func (e *encoder) fail(err error) error {
	return fmt.Errorf("encoding %s: %w", e.name, unwrapErrno(err))
}

// finished reports whether an error of receive only says that nothing comes now.
func finished(err error) bool { return errors.Is(err, demux.ErrAgain) || errors.Is(err, io.EOF) }

// drain tells the encoder that nothing more comes.
func (e *encoder) drain() error {
	if err := fail(C.pl_encode_frame(codecC(e.cc), nil, 0, 0)); err != nil && !errors.Is(err, astiav.ErrEof) {
		return e.fail(err)
	}
	return nil
}

func (e *encoder) close() {
	if e.cc != nil {
		e.cc.Free()
	}
	if e.packet != nil {
		e.packet.Free()
	}
	if e.frame != nil {
		e.frame.Free()
	}
	*e = encoder{name: e.name}
}

// The bit rates a video encoder is asked for, in bits per second: x264 and x265 count
// them in thousands, and FFmpeg the bits of the rate control's buffer in an int.
const (
	minBitrate = 1000
	maxBitrate = 1_000_000_000
)

var errEncoderClosed = errors.New("the encoder is closed")

// errEnded is the error of encoding after the end.
var errEnded = errors.New("the encoder has been told that nothing more comes")

// rateDuration is how long a picture lasts at a rate.
func rateDuration(num, den int) time.Duration { return ticksToDuration(1, den, num) }
