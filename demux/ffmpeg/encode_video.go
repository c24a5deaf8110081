package ffmpeg

// #include "encode.h"
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/asticode/go-astiav"

	"planar/demux"
	"planar/render"
)

// VideoEncoder encodes pictures as H.264 (x264) or H.265 (x265) without delay: an
// access unit comes out for each picture that goes in. It is used from one goroutine.
type VideoEncoder struct {
	encoder
	stream demux.Stream
	tick   time.Duration // a picture's duration by the rate
	last   time.Duration // PTS of the latest picture, NoPTS before the first
	length time.Duration // of the latest picture
	ended  bool

	ctx    *C.struct_SwsContext // nil: none yet
	key    conversion           // of ctx
	format string               // of the latest picture
	pixels astiav.PixelFormat   // that format
}

// presets are x264's and x265's names, the quickest first.
var presets = []string{"ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"}

const defaultPreset = "veryfast"

// videoBitrate is the bit rate where none is given: 0.08 bits for each pixel of H.264,
// which gives 5 Mbit/s for 1080p30 and 2.2 Mbit/s for 720p30, about what services of
// live video recommend; 60 % of that for H.265; never less than 200 kbit/s.
func videoBitrate(codec string, w, h int, rate float64) int64 {
	bits := 0.08 * float64(w) * float64(h) * rate
	if codec == "hevc" {
		bits *= 0.6
	}
	return int64(min(max(bits, 200_000), maxBitrate))
}

// sliceRows is how many rows a slice has at least. Each slice has a thread, and costs
// bits because nothing is predicted across its edge: below 512 rows one thread does.
const sliceRows = 256

// NewVideoEncoder makes an encoder for pictures like this one, of which format, size,
// colour and shape count. Others may be given to it later; they are scaled and
// converted to what was begun.
//
// What comes out is 8-bit 4:2:0, which every receiver can decode, of e.Width x
// e.Height. If both are 0 the size is the pictures' own, from which an odd column or
// row is cut; if one is, it follows from the other. Colours keep their matrix, range
// and chroma siting, which are written into the stream, what is unknown as
// render.Colour.Resolve has it; RGB becomes limited range BT.709, below 720 lines
// BT.601. The sample aspect ratio is such that the pictures keep their shape.
// Rotation cannot be carried by the stream: it is only in Stream().
//
// The rate control holds the bit rate within half a second (VBV). The caller closes
// the encoder.
func NewVideoEncoder(like *render.Picture, e demux.VideoEncoding) (*VideoEncoder, error) {
	library := map[string]string{"h264": "libx264", "hevc": "libx265"}[e.Codec]
	if library == "" {
		return nil, fmt.Errorf("pictures cannot be encoded as %q: give h264 or hevc", e.Codec)
	}
	if e.Preset == "" {
		e.Preset = defaultPreset
	}
	if !slices.Contains(presets, e.Preset) {
		return nil, fmt.Errorf("preset %q: give one of %s", e.Preset, strings.Join(presets, ", "))
	}
	if e.Rate.Known() {
		e.Rate = reduce(e.Rate)
	}
	if !e.Rate.Known() || e.Rate.Float() > 1000 || e.Rate.Den > math.MaxInt32/1000 {
		e.Rate = render.Rational{Num: 30, Den: 1} // what is least wrong, of a camera or a screen
	}
	if e.GOP <= 0 {
		e.GOP = max(1, int(math.Round(2*e.Rate.Float())))
	}
	w, h, err := encodedSize(like.Width, like.Height, e.Width, e.Height)
	if err != nil {
		return nil, err
	}
	if e.Bitrate <= 0 {
		e.Bitrate = videoBitrate(e.Codec, w, h, e.Rate.Float())
	}
	if e.Bitrate < minBitrate || e.Bitrate > maxBitrate {
		return nil, fmt.Errorf("a bit rate of %d bit/s: give %d to %d", e.Bitrate, minBitrate, maxBitrate)
	}
	pf, ok := pixelFormat(like.Format)
	if !ok {
		return nil, fmt.Errorf("unknown pixel format %q", like.Format)
	}
	enc, lib, err := newEncoder(e.Codec, library)
	if err != nil {
		return nil, err
	}
	v := &VideoEncoder{encoder: enc, last: demux.NoPTS, tick: rateDuration(e.Rate.Num, e.Rate.Den)}
	v.length = v.tick
	v.stream = demux.Stream{
		Kind: demux.Video, Codec: e.Codec, PixelFormat: "yuv420p",
		Width: w, Height: h, FrameRate: e.Rate, Rotation: like.Rotation,
		SAR: encodedSAR(like, w, h), Colour: encodedColour(like, pf),
	}
	if err := v.open(lib, e); err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

func (v *VideoEncoder) open(lib *astiav.Codec, e demux.VideoEncoding) error {
	s := &v.stream
	threads := max(1, min(runtime.NumCPU(), 4, s.Height/sliceRows))
	p := C.PlPictures{
		width: C.int(s.Width), height: C.int(s.Height), format: C.int(astiav.PixelFormatYuv420P),
		rate_num: C.int(s.FrameRate.Num), rate_den: C.int(s.FrameRate.Den),
		sar_num: C.int(s.SAR.Num), sar_den: C.int(s.SAR.Den),
		gop: C.int(min(e.GOP, math.MaxInt32/2)), threads: C.int(threads),
		bitrate: C.int64_t(e.Bitrate), buffer: C.int(e.Bitrate / 2),
		space: C.int(spaceOf(s.Colour.Matrix)), _range: C.int(s.Colour.Range), location: C.int(s.Colour.Siting),
	}
	C.pl_encoder_pictures(codecC(v.cc), &p)
	options := map[string]string{"preset": e.Preset, "tune": "zerolatency", "forced-idr": "1"}
	// With the global header, the parameter sets are known before the first picture;
	// repeat-headers has them before each key picture all the same.
	if e.Codec == "h264" {
		options["x264-params"] = "repeat-headers=1:scenecut=0:open-gop=0"
	} else {
		options["x265-params"] = fmt.Sprintf("repeat-headers=1:keyint=%d:min-keyint=%[1]d:scenecut=0:open-gop=0:bframes=0:rc-lookahead=0:info=0:log-level=error:pools=%d:frame-threads=1",
			e.GOP, threads)
	}
	if err := v.encoder.open(lib, options); err != nil {
		return err
	}
	s.Config = parameterSets(v.cc.ExtraData(), e.Codec)
	if len(s.Config) == 0 {
		return fmt.Errorf("encoding %s: the encoder gives no parameter sets", e.Codec)
	}
	return nil
}

// spaceOf is FFmpeg's AVColorSpace of a matrix.
func spaceOf(m render.Matrix) int {
	switch m {
	case render.RGB:
		return 0
	case render.BT709:
		return 1
	case render.BT601:
		return 6
	case render.BT2020:
		return 9
	}
	return 2 // not specified
}

// encodedSize is the size that w x h pictures are encoded in if ew x eh is wanted.
func encodedSize(w, h, ew, eh int) (int, int, error) {
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide {
		return 0, 0, fmt.Errorf("pictures of %dx%d cannot be encoded", w, h)
	}
	switch {
	case ew <= 0 && eh <= 0:
		ew, eh = w, h
	case ew <= 0:
		ew = int(math.Round(float64(w)*float64(eh)/float64(h)/2)) * 2
	case eh <= 0:
		eh = int(math.Round(float64(h)*float64(ew)/float64(w)/2)) * 2
	}
	ew, eh = max(2, ew&^1), max(2, eh&^1)
	if ew > maxEncoded || eh > maxEncoded {
		return 0, 0, fmt.Errorf("encoding %dx%d pictures: neither side may be above %d", ew, eh, maxEncoded)
	}
	return ew, eh, nil
}

// maxEncoded is the largest side x264 takes (16384); x265's levels end at 8192x4320.
const maxEncoded = 16384

// encodedSAR is the sample aspect ratio with which w x h samples have p's shape. One
// that would make less than a sample of difference is square, as is an unknown one.
func encodedSAR(p *render.Picture, w, h int) render.Rational {
	sar := p.SAR
	if !sar.Known() {
		sar = render.Rational{Num: 1, Den: 1}
	}
	sw, sh := p.Width, p.Height
	if cut(sw, w) {
		sw = w
	}
	if cut(sh, h) {
		sh = h
	}
	// float64 has room for the products of what the stream can carry.
	f := sar.Float() * float64(sw) * float64(h) / (float64(sh) * float64(w))
	if math.Abs(f-1)*float64(max(w, h)) < 1 {
		return render.Rational{Num: 1, Den: 1}
	}
	if sw == w && sh == h && sar.Num <= maxSAR && sar.Den <= maxSAR {
		return reduce(sar)
	}
	return approximate(f)
}

// maxSAR is the largest number of a sample aspect ratio in H.264 and H.265 (16 bits).
const maxSAR = 65535

// approximate finds the simplest fraction within 1/20000 of f by continued fractions.
func approximate(f float64) render.Rational {
	if !(f > 1.0/maxSAR && f < maxSAR) {
		return render.Rational{Num: 1, Den: 1}
	}
	x, n0, d0, n1, d1 := f, 0, 1, 1, 0
	for {
		a := int(x)
		n, d := a*n1+n0, a*d1+d0
		if n > maxSAR || d > maxSAR {
			break
		}
		n0, d0, n1, d1 = n1, d1, n, d
		if frac := x - float64(a); frac < 1e-9 || math.Abs(float64(n)/float64(d)/f-1) < 1.0/20000 {
			break
		}
		x = 1 / (x - float64(a))
	}
	if n1 == 0 || d1 == 0 {
		return render.Rational{Num: 1, Den: 1}
	}
	return render.Rational{Num: n1, Den: d1}
}

// cut reports whether have becomes want by leaving out the last column or row.
func cut(have, want int) bool { return have == want+1 && want&1 == 0 }

// encodedColour is what pictures like p are encoded with.
func encodedColour(p *render.Picture, pf astiav.PixelFormat) render.Colour {
	if isRGB(pf) || p.Colour.Matrix == render.RGB {
		c := render.Colour{Matrix: render.BT709, Range: render.Limited, Siting: render.SitingLeft}
		if p.Height < 720 {
			c.Matrix = render.BT601
		}
		return c
	}
	c := p.ShownColour()
	if d, ok := descriptorOf(pf); ok && (d.ShiftX != 1 || d.ShiftY != 1) {
		c.Siting = render.SitingLeft // of what is made; 4:2:0 keeps its own
	}
	return c
}

// Stream says what comes out, from the beginning: Config has the parameter sets in
// Annex B form. Nobody writes to it.
func (v *VideoEncoder) Stream() demux.Stream { return v.stream }

// Encode encodes a picture and returns its access unit in Annex B form, with the
// parameter sets before each key picture and without access unit delimiters; key
// asks for a key picture. PTS must rise from picture to picture (a frame without one
// follows the one before by the rate), comes back to the nanosecond, and is the DTS
// too. A nil frame ends the stream. f is not kept; the packets' Data is the caller's.
func (v *VideoEncoder) Encode(f *demux.Frame, key bool) ([]demux.Packet, error) {
	switch {
	case v.cc == nil:
		return nil, errEncoderClosed
	case v.ended && f == nil:
		return nil, nil
	case v.ended:
		return nil, errEnded
	case f == nil:
		v.ended = true
		if err := v.drain(); err != nil {
			return nil, err
		}
		return v.packets()
	}
	pts := f.PTS
	if pts == demux.NoPTS {
		pts = max(0, v.last+v.tick)
	}
	if pts <= v.last {
		return nil, fmt.Errorf("encoding %s: a picture of %v comes after one of %v", v.name, pts, v.last)
	}
	if err := v.send(&f.Picture, pts, key); err != nil {
		return nil, err
	}
	v.last = pts
	if v.length = f.Duration; v.length <= 0 {
		v.length = v.tick
	}
	return v.packets()
}

// packets takes out what is ready.
func (v *VideoEncoder) packets() ([]demux.Packet, error) {
	var ps []demux.Packet
	for {
		data, pts, key, err := v.receive()
		if finished(err) {
			return ps, nil
		}
		if err != nil {
			return ps, err
		}
		if key {
			data = stripUnits(data, v.name)
		}
		ps = append(ps, demux.Packet{
			PTS: time.Duration(pts), DTS: time.Duration(pts), Duration: v.length,
			Key: key, Size: len(data), Data: data,
		})
	}
}

// send hands a picture to the encoder, converted if need be.
func (v *VideoEncoder) send(p *render.Picture, pts time.Duration, key bool) error {
	k, err := v.conversion(p)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", v.name, err)
	}
	force := C.int(0)
	if key {
		force = 1
	}
	var planes [4]unsafe.Pointer
	var strides [4]C.int
	for i, pl := range p.Planes {
		planes[i], strides[i] = unsafe.Pointer(unsafe.SliceData(pl.Data)), C.int(pl.Stride)
	}
	if k.fits() {
		return v.sent(C.pl_encode_planes(codecC(v.cc), frameC(v.frame), k.dw, k.dh,
			planes[0], planes[1], planes[2], strides[0], strides[1], strides[2], C.int64_t(pts), force))
	}
	if v.ctx == nil || k != v.key {
		C.sws_freeContext(v.ctx)
		var r C.int
		v.key = k
		if v.ctx = C.pl_conversion_new((*C.PlConversion)(&k), &r); v.ctx == nil {
			return fmt.Errorf("encoding %s: converting %s pictures of %dx%d: %w", v.name, p.Format, p.Width, p.Height, fail(r))
		}
	}
	// The encoder is done with the frame when it comes back, so that it can be filled
	// again; one that is passed by reference leaves it empty.
	if v.frame.Width() == 0 {
		if err := v.sent(C.pl_picture_new(frameC(v.frame), k.dfmt, k.dw, k.dh)); err != nil {
			return err
		}
	}
	if err := v.sent(C.pl_conversion_run(v.ctx, k.sh, planes[0], planes[1], planes[2], planes[3],
		strides[0], strides[1], strides[2], strides[3], frameC(v.frame))); err != nil {
		return err
	}
	return v.sent(C.pl_encode_frame(codecC(v.cc), frameC(v.frame), C.int64_t(pts), force))
}

func (v *VideoEncoder) sent(r C.int) error {
	if err := fail(r); err != nil {
		return v.fail(err)
	}
	return nil
}

// conversion is what it takes to encode a picture.
type conversion C.PlConversion

// fits reports whether it takes nothing.
func (k *conversion) fits() bool {
	return k.sfmt == k.dfmt && k.sw == k.dw && k.sh == k.dh && k.smatrix == k.dmatrix && k.srange == k.drange && k.sx == k.dx && k.sy == k.dy
}

// conversion checks everything that C would otherwise read out of bounds.
func (v *VideoEncoder) conversion(p *render.Picture) (k conversion, err error) {
	if v.format != p.Format || v.format == "" {
		pf, ok := pixelFormat(p.Format)
		if !ok {
			return k, fmt.Errorf("unknown pixel format %q", p.Format)
		}
		v.format, v.pixels = p.Format, pf
	}
	if err := checkPicture(p, v.pixels); err != nil {
		return k, err
	}
	w, h := v.stream.Width, v.stream.Height
	sw, sh := p.Width, p.Height
	if cut(sw, w) {
		sw = w
	}
	if cut(sh, h) {
		sh = h
	}
	format := v.pixels
	if format == astiav.PixelFormatYuvj420P {
		format = astiav.PixelFormatYuv420P // the range is told apart
	}
	// RGB is the sRGB of the screen: all of its range, with the matrix it gets.
	from := encodedColour(p, v.pixels)
	full := from.Range == render.Full
	if isRGB(v.pixels) {
		from.Matrix, from.Siting, full = v.stream.Colour.Matrix, v.stream.Colour.Siting, true
	} else if p.Colour.Siting != render.SitingUnknown {
		from.Siting = p.Colour.Siting
	}
	to := v.stream.Colour
	k = conversion{
		sw: C.int(sw), sh: C.int(sh), sfmt: C.int(format), smatrix: C.int(swsMatrix(from.Matrix)), srange: flag(full),
		dw: C.int(w), dh: C.int(h), dfmt: C.int(astiav.PixelFormatYuv420P), dmatrix: C.int(swsMatrix(to.Matrix)), drange: flag(to.Range == render.Full),
		flags: swsBicubic | swsAccurateRnd | swsFullChrInp,
	}
	k.dx, k.dy = chromaPlace(to.Siting, 1, 1)
	d, _ := descriptorOf(v.pixels)
	k.sx, k.sy = chromaPlace(from.Siting, d.ShiftX, d.ShiftY)
	return k, nil
}

// swsFullChrInp has swscale look at the chroma of every pixel of RGB.
const swsFullChrInp = 0x4000

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// swsMatrix is swscale's number of a matrix.
func swsMatrix(m render.Matrix) int {
	switch m {
	case render.BT709:
		return 1
	case render.BT2020:
		return 9
	}
	return 5
}

// chromaPlace is where swscale is to see chroma samples, in 1/256 of a luma sample,
// of a format whose chroma planes are 1/2^sx as wide and 1/2^sy as high.
func chromaPlace(s render.Siting, sx, sy int) (x, y C.int) {
	x, y = chromaMiddle, chromaMiddle
	if sx == 1 {
		if x = 0; s == render.SitingCentre {
			x = 128
		}
	}
	if sy == 1 {
		if y = 128; s == render.SitingTopLeft {
			y = 0
		}
	}
	return x, y
}

// Close frees the encoder. It may be called more than once.
func (v *VideoEncoder) Close() {
	C.sws_freeContext(v.ctx)
	v.ctx = nil
	v.close()
}
