// Package ffmpeg is planar's only contact with FFmpeg: input, decoding, scaling,
// resampling, encoding and writing containers. It goes through go-astiav, and through
// a small shim in C for what that lacks.
package ffmpeg

// #cgo pkg-config: libavformat libavcodec libavutil libswscale libswresample
// #include "shim.h"
// #include <stdlib.h>
import "C"

import (
	"runtime"
	"sync"
	"time"
	"unsafe"

	"github.com/asticode/go-astiav"

	"planar/render"
)

type (
	streamInfo = C.PlStream
	packetInfo = C.PlPacket
	frameInfo  = C.PlFrame
	soundInfo  = C.PlSound
	layoutInfo = C.PlLayout
)

// noTimestamp is FFmpeg's AV_NOPTS_VALUE.
const noTimestamp = -1 << 63

func init() { C.pl_log_init() }

// ptr is the C object inside one of astiav's wrappers, which keep it in their
// first field.
func ptr[T any](p *T) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(p)) }

func formatC(fc *astiav.FormatContext) *C.AVFormatContext { return (*C.AVFormatContext)(ptr(fc)) }
func codecC(c *astiav.CodecContext) *C.AVCodecContext     { return (*C.AVCodecContext)(ptr(c)) }
func frameC(f *astiav.Frame) *C.AVFrame                   { return (*C.AVFrame)(ptr(f)) }
func packetC(p *astiav.Packet) *C.AVPacket                { return (*C.AVPacket)(ptr(p)) }

func fail(r C.int) error {
	if r < 0 {
		return astiav.Error(r)
	}
	return nil
}

// interrupter ends FFmpeg's blocking calls, at once or at a deadline. stop may
// be called from any goroutine and after free.
type interrupter struct {
	mu sync.Mutex
	c  *C.PlInterrupt
	// stopped outlives c.
	stopped bool
}

func newInterrupter() *interrupter { return &interrupter{c: C.pl_interrupt_new()} }

func (i *interrupter) attach(fc *astiav.FormatContext) { C.pl_interrupt_attach(formatC(fc), i.c) }

func (i *interrupter) stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stopped = true
	if i.c != nil {
		C.pl_interrupt_stop(i.c)
	}
}

func (i *interrupter) isStopped() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.stopped
}

// resume lets FFmpeg block again, to say goodbye to a peer. isStopped still tells
// of a stop.
func (i *interrupter) resume() { C.pl_interrupt_resume(i.c) }

// deadline sets when blocking calls end by themselves, d from now; never if d
// is not positive.
func (i *interrupter) deadline(d time.Duration) {
	us := int64(-1)
	if d > 0 {
		us = d.Microseconds()
	}
	C.pl_interrupt_deadline(i.c, C.int64_t(us))
}

func (i *interrupter) expired() bool { return C.pl_interrupt_expired(i.c) != 0 }

func (i *interrupter) free() {
	i.mu.Lock()
	defer i.mu.Unlock()
	C.pl_interrupt_free(i.c)
	i.c = nil
}

// captureLog runs f and returns the errors and warnings FFmpeg logged
// meanwhile on this thread.
func captureLog(f func() error) (string, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	C.pl_log_begin()
	err := f()
	return C.GoString(C.pl_log_end()), err
}

func streamInfoOf(fc *astiav.FormatContext, i int) (o streamInfo, err error) {
	err = fail(C.pl_stream_info(formatC(fc), C.int(i), &o))
	return o, err
}

func discardStream(fc *astiav.FormatContext, i int, discard bool) {
	d := C.int(0)
	if discard {
		d = 1
	}
	C.pl_stream_discard(formatC(fc), C.int(i), d)
}

// streamTag is what a stream's metadata has under a name, at most 511 bytes of it;
// empty if there is nothing.
func streamTag(fc *astiav.FormatContext, i int, name string) string {
	var buf [512]C.char
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	C.pl_stream_tag(formatC(fc), C.int(i), n, &buf[0], C.int(len(buf)))
	return C.GoString(&buf[0])
}

// ioSeekable reports whether bytes can be seeked in; known is false if the
// format does its own input and output.
func ioSeekable(fc *astiav.FormatContext) (seekable, known bool) {
	r := C.pl_io_seekable(formatC(fc))
	return r > 0, r >= 0
}

func ioError(fc *astiav.FormatContext) error { return fail(C.pl_io_error(formatC(fc))) }

func limitProbe(fc *astiav.FormatContext, size int64, d time.Duration) {
	C.pl_limit_probe(formatC(fc), C.int64_t(size), C.int64_t(d.Microseconds()))
}

func seekInput(fc *astiav.FormatContext, stream int, ts int64) error {
	return fail(C.pl_seek(formatC(fc), C.int(stream), C.int64_t(ts)))
}

// rewindInput goes to the first byte.
func rewindInput(fc *astiav.FormatContext) error { return fail(C.pl_seek_begin(formatC(fc))) }

func packetInfoOf(p *astiav.Packet) (o packetInfo) {
	C.pl_packet_info(packetC(p), &o)
	return o
}

// fillPacket gives p a padded copy of data.
func fillPacket(p *astiav.Packet, data []byte) error {
	return fail(C.pl_packet_fill(packetC(p), unsafe.Pointer(unsafe.SliceData(data)), C.int(len(data))))
}

func setupCodec(c *astiav.CodecContext, tb astiav.Rational) {
	C.pl_codec_setup(codecC(c), C.int(tb.Num()), C.int(tb.Den()))
}

func flushCodec(c *astiav.CodecContext) { C.pl_codec_flush(codecC(c)) }

func codecByName(name string) (astiav.CodecID, bool) {
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	id := C.pl_codec_id(n)
	return astiav.CodecID(id), id != 0
}

func setAudioParams(p *astiav.CodecParameters, rate, channels int, mask uint64) error {
	return fail(C.pl_par_audio((*C.AVCodecParameters)(ptr(p)), C.int(rate), C.int(channels), C.uint64_t(mask)))
}

func frameInfoOf(f *astiav.Frame, o *frameInfo) error { return fail(C.pl_frame_info(frameC(f), o)) }
func soundInfoOf(f *astiav.Frame, o *soundInfo) error { return fail(C.pl_sound_info(frameC(f), o)) }

func cBytes(p *C.uint8_t, n int) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(p)), n) }

// cRow is n bytes at offset off of p, which may be negative.
func cRow(p *C.uint8_t, off, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(p), off)), n)
}

// soundPlane is plane i of a decoded block.
func soundPlane(o *soundInfo, i int) []byte {
	return cBytes(unsafe.Slice(o.data, int(o.planes))[i], int(o.bytes))
}

func layoutOf(format astiav.PixelFormat, w, h int) (o layoutInfo, err error) {
	err = fail(C.pl_layout(C.int(format), C.int(w), C.int(h), &o))
	return o, err
}

func descriptorOf(format astiav.PixelFormat) (d render.Descriptor, ok bool) {
	var o C.PlDescriptor
	if C.pl_describe(C.int(format), &o) < 0 {
		return d, false
	}
	d = render.Descriptor{
		Name: format.Name(), ShiftX: int(o.shift_x), ShiftY: int(o.shift_y),
		RGB: o.rgb != 0, Alpha: o.alpha != 0, BigEndian: o.big_endian != 0, Float: o.is_float != 0,
		Bayer: o.bayer != 0, Palette: o.palette != 0, Bitstream: o.bitstream != 0,
	}
	for _, c := range o.comp[:o.components] {
		d.Components = append(d.Components, render.Component{
			Plane: int(c.plane), Step: int(c.step), Offset: int(c.offset), Shift: int(c.shift), Depth: int(c.depth),
		})
	}
	return d, true
}

func nextPixelFormat(prev int) int { return int(C.pl_pixel_format_next(C.int(prev))) }

func isRGB(f astiav.PixelFormat) bool { return C.pl_pixel_format_rgb(C.int(f)) != 0 }

// isFull reports whether pictures of format f are full range unless they say
// otherwise: RGB, grey and the "yuvj" formats.
func isFull(f astiav.PixelFormat) bool { return C.pl_pixel_format_full(C.int(f)) != 0 }

func hasAlpha(f astiav.PixelFormat) bool { return C.pl_pixel_format_alpha(C.int(f)) != 0 }

func isPaletted(f astiav.PixelFormat) bool { return C.pl_pixel_format_pal(C.int(f)) != 0 }

func depthOf(f astiav.PixelFormat) int { return int(C.pl_pixel_format_depth(C.int(f))) }

// scaleParams is everything a scaling context depends on.
type scaleParams struct {
	sw, sh   int
	src      astiav.PixelFormat
	dw, dh   int
	flags    int
	matrix   int // FFmpeg's AVColorSpace
	full     bool
	contrast int // 1<<16 leaves it
	chromaX  int // chroma position in 1/256 of a luma sample, -513 for the default
	chromaY  int
	dst      astiav.PixelFormat
}

// scaler is an SwsContext, and for a GBRP one what lies between it and packed
// pixels.
type scaler struct {
	c       *C.struct_SwsContext
	scratch unsafe.Pointer
	shift   C.int
}

func newScaleContext(p scaleParams) (scaler, error) {
	full, err := C.int(0), C.int(0)
	if p.full {
		full = 1
	}
	c := C.pl_scale_new(C.int(p.sw), C.int(p.sh), C.int(p.src), C.int(p.dw), C.int(p.dh), C.int(p.dst),
		C.int(p.flags), C.int(p.matrix), full, C.int(p.contrast), C.int(p.chromaX), C.int(p.chromaY), &err)
	if c == nil {
		return scaler{}, fail(err)
	}
	s := scaler{c: c}
	if p.dst == astiav.PixelFormatGbrp {
		s.shift = C.pl_chroma_shift(C.int(p.src))
		s.scratch = C.av_malloc(C.pl_band_bytes(C.int(p.dw), C.int(p.dh)))
		if s.scratch == nil {
			s.free()
			return scaler{}, astiav.Error(-12) // ENOMEM
		}
	}
	return s, nil
}

func (s scaler) scale(k *scaleParams, planes *[4]unsafe.Pointer, strides *[4]int, dst []byte, stride int) error {
	d := unsafe.Pointer(unsafe.SliceData(dst))
	if s.scratch != nil {
		return fail(C.pl_scale_band(s.c, C.int(k.sh), s.shift, C.int(k.dw), C.int(k.dh), s.scratch,
			planes[0], planes[1], planes[2], planes[3],
			C.int(strides[0]), C.int(strides[1]), C.int(strides[2]), C.int(strides[3]), d, C.int(stride)))
	}
	return fail(C.pl_scale(s.c, C.int(k.sh), planes[0], planes[1], planes[2], planes[3],
		C.int(strides[0]), C.int(strides[1]), C.int(strides[2]), C.int(strides[3]), d, C.int(stride)))
}

func (s scaler) free() {
	C.sws_freeContext(s.c)
	C.av_free(s.scratch)
}

// makeOpaque sets the fourth byte of every pixel to 255.
func makeOpaque(dst []byte, stride, w, h int) {
	C.pl_opaque(unsafe.Pointer(unsafe.SliceData(dst)), C.int(stride), C.int(w), C.int(h))
}

// swr is an SwrContext with one interleaved output plane.
type swr struct{ c *C.struct_SwrContext }

func newSwr(in, out audioSpec) (swr, error) {
	var err C.int
	c := C.pl_swr_new(C.int(in.sample), C.int(in.rate), C.int(in.channels), C.uint64_t(in.mask),
		C.int(out.sample), C.int(out.rate), C.int(out.channels), C.uint64_t(out.mask), &err)
	if c == nil {
		return swr{}, fail(err)
	}
	return swr{c}, nil
}

func (s swr) free() { C.pl_swr_free(s.c) }

// bound is how many frames at most come out for n more.
func (s swr) bound(n int) int { return int(C.pl_swr_bound(s.c, C.int(n))) }

// convert fills out with up to room frames from n frames in planes; nil planes
// drain. planes is C memory or pinned.
func (s swr) convert(out []byte, room int, planes *unsafe.Pointer, n int) (int, error) {
	r := C.pl_swr_convert(s.c, unsafe.Pointer(unsafe.SliceData(out)), C.int(room), planes, C.int(n))
	return int(r), fail(r)
}

// delay is how much sound is inside, in units of 1/base s.
func (s swr) delay(base int64) int64 { return int64(C.pl_swr_delay(s.c, C.int64_t(base))) }

// newDriftSwr makes a context from a, which is interleaved, to a, for compensate.
func newDriftSwr(a audioSpec) (swr, error) {
	var err C.int
	c := C.pl_swr_drift_new(C.int(a.sample), C.int(a.rate), C.int(a.channels), C.uint64_t(a.mask), &err)
	if c == nil {
		return swr{}, fail(err)
	}
	return swr{c}, nil
}

// compensate makes the context give delta frames more in the next distance frames
// that come out, evenly: 1 - delta/distance frames go in for each.
func (s swr) compensate(delta, distance int) error {
	return fail(C.pl_swr_drift_set(s.c, C.int(delta), C.int(distance)))
}

// push is convert with one interleaved plane of n frames. It drains nothing: with
// n = 0 it gives what is ready.
func (s swr) push(out []byte, room int, pcm []byte, n int) (int, error) {
	r := C.pl_swr_drift(s.c, unsafe.Pointer(unsafe.SliceData(out)), C.int(room), unsafe.Pointer(unsafe.SliceData(pcm)), C.int(n))
	return int(r), fail(r)
}

// fillAudioFrame gives f a copy of n interleaved frames.
func fillAudioFrame(f *astiav.Frame, a audioSpec, data []byte, n int, pts int64) error {
	return fail(C.pl_audio_frame(frameC(f), C.int(a.sample), C.int(a.rate), C.int(a.channels), C.uint64_t(a.mask),
		unsafe.Pointer(unsafe.SliceData(data)), C.int(n), C.int64_t(pts)))
}

// parseLayout reads FFmpeg's name of a channel layout.
func parseLayout(name string) (channels int, mask uint64, err error) {
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	var n C.int
	var m C.uint64_t
	err = fail(C.pl_channel_layout_parse(s, &n, &m))
	return int(n), uint64(m), err
}

// frameNumber is what a filter has left with a frame under a name, NaN if nothing.
func frameNumber(f *astiav.Frame, key string) float64 {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	return float64(C.pl_frame_number(frameC(f), k))
}

// describeLayout is FFmpeg's name of a channel layout, for filter arguments.
func describeLayout(a audioSpec) (string, error) {
	var buf [256]C.char
	if err := fail(C.pl_channel_layout_describe(C.int(a.channels), C.uint64_t(a.mask), &buf[0], C.int(len(buf)))); err != nil {
		return "", err
	}
	return C.GoString(&buf[0]), nil
}

// audioSpec is an audio.Format in FFmpeg's terms.
type audioSpec struct {
	sample   astiav.SampleFormat
	rate     int
	channels int
	mask     uint64
}
