package ffmpeg

import (
	"fmt"

	"github.com/asticode/go-astiav"

	"planar/demux"
	"planar/render"
)

// VideoParams describe a video stream that does not come from FFmpeg's
// demuxers.
type VideoParams struct {
	Codec         string // FFmpeg's codec name, such as "h264"
	Extradata     []byte // parameter sets in the form FFmpeg expects; copied
	Width, Height int    // 0 if the bitstream says
	PixelFormat   string // for "rawvideo" and the like, else ""
	Live          bool   // decode without delay
	Threads       int    // 0 for as many as the machine has
}

// NewVideoDecoder makes a decoder for packets with Data. The caller closes it.
func NewVideoDecoder(v VideoParams) (demux.VideoDecoder, error) {
	id, ok := codecByName(v.Codec)
	if !ok {
		return nil, fmt.Errorf("unknown codec %q", v.Codec)
	}
	par := astiav.AllocCodecParameters()
	defer par.Free()
	par.SetMediaType(astiav.MediaTypeVideo)
	par.SetCodecID(id)
	par.SetWidth(v.Width)
	par.SetHeight(v.Height)
	if v.PixelFormat != "" {
		f, ok := pixelFormat(v.PixelFormat)
		if !ok {
			return nil, fmt.Errorf("unknown pixel format %q", v.PixelFormat)
		}
		par.SetPixelFormat(f)
	}
	if err := par.SetExtraData(v.Extradata); err != nil {
		return nil, err
	}
	c, err := openCodec(par, nanoseconds, v.Threads, v.Live)
	if err != nil {
		return nil, err
	}
	return &videoDecoder{codec: *c, info: new(frameInfo)}, nil
}

type videoDecoder struct {
	codec
	stream demux.Stream // what the container says of colour, shape and rotation
	info   *frameInfo   // of its own: C may not point into what points to Go memory
	format int32
	name   string // of format
}

func (d *videoDecoder) Send(p *demux.Packet) error { return d.send(p) }

// Receive returns the next frame. Its planes alias the decoder's memory, which
// is bound until the frame's release.
func (d *videoDecoder) Receive() (*demux.Frame, error) {
	af, err := d.receive()
	if err != nil {
		return nil, err
	}
	o := d.info
	if err := frameInfoOf(af, o); err != nil {
		d.frames.put(af)
		return nil, fmt.Errorf("decoded picture: %w", err)
	}
	pf := astiav.PixelFormat(o.format)
	if d.name == "" || d.format != int32(o.format) {
		d.format, d.name = int32(o.format), pf.Name()
	}
	f := &demux.Frame{
		Picture: render.Picture{
			Format: d.name,
			Width:  int(o.width), Height: int(o.height),
			Planes:   make([]render.Plane, int(o.planes)),
			SAR:      d.stream.SAR,
			Rotation: d.stream.Rotation,
			Colour:   colourOf(int(o.space), int(o._range), int(o.location), pf).OrElse(d.stream.Colour),
		},
		PTS:      d.time(int64(o.pts)),
		Duration: max(0, ticksToDuration(int64(o.duration), d.num, d.den)),
		Number:   -1,
		Key:      o.key != 0,
	}
	if !f.SAR.Known() {
		f.SAR = rational(int(o.sar_num), int(o.sar_den))
	}
	if o.rotation >= 0 && d.stream.Rotation == 0 {
		f.Rotation = int(o.rotation)
	}
	for i := range f.Planes {
		f.Planes[i] = plane(o, i)
	}
	if o.flipped != 0 {
		d.frames.put(af)
		return f, nil
	}
	frames := d.frames
	f.OnFree = func() { frames.put(af) }
	return f, nil
}

// plane describes plane i of a decoded picture; one that is stored bottom up is
// copied.
func plane(o *frameInfo, i int) render.Plane {
	stride, row, rows := int(o.linesize[i]), int(o.rowbytes[i]), int(o.rows[i])
	p := render.Plane{Stride: stride, RowBytes: row, Rows: rows}
	if o.flipped == 0 {
		p.Data = cBytes(o.data[i], (rows-1)*stride+row)
		return p
	}
	p.Stride, p.Data = row, make([]byte, row*rows)
	for y := range rows {
		copy(p.Data[y*row:(y+1)*row], cRow(o.data[i], y*stride, row))
	}
	return p
}
