package wav

import (
	"encoding/binary"
	"math"
	"math/bits"

	"planar/audio"
)

// unknown is the size that stands in the header of a file that is being written,
// or that could not be sought in: readers take it as "to the end".
const unknown = math.MaxUint32

// Format tags and the rest of the GUIDs that WAVE_FORMAT_EXTENSIBLE wraps them in.
const (
	tagPCM        = 1
	tagFloat      = 3
	tagExtensible = 0xfffe
	guidTail      = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
)

// header is everything before the samples. data is their size in bytes, or
// unknown. PCM of one or two channels gets the canonical 44 bytes.
//
// It is written here because it is small and the libraries at hand take integer
// buffers only: no float samples, no bytes as they are.
func header(f audio.Format, data uint32) []byte {
	e := binary.LittleEndian
	tag := uint16(tagPCM)
	if f.Sample == audio.F32 {
		tag = tagFloat
	}
	outer := tag
	if f.Channels > 2 {
		outer = tagExtensible
	}
	size := f.Sample.Bytes() * 8

	format := e.AppendUint16(nil, outer)
	format = e.AppendUint16(format, uint16(f.Channels))
	format = e.AppendUint32(format, uint32(f.Rate))
	format = e.AppendUint32(format, uint32(f.Rate*f.FrameBytes()))
	format = e.AppendUint16(format, uint16(f.FrameBytes()))
	format = e.AppendUint16(format, uint16(size))
	switch outer {
	case tagFloat:
		format = e.AppendUint16(format, 0) // size of the extension: only PCM goes without
	case tagExtensible:
		format = e.AppendUint16(format, 22)
		format = e.AppendUint16(format, uint16(size))
		format = e.AppendUint32(format, mask(f))
		format = e.AppendUint16(format, tag)
		format = append(format, guidTail...)
	}

	body := chunk([]byte("WAVE"), "fmt ", uint32(len(format)))
	body = append(body, format...)
	if outer != tagPCM { // all but plain PCM must say how many frames there are
		frames := uint32(unknown)
		if data != unknown {
			frames = data / uint32(f.FrameBytes())
		}
		body = e.AppendUint32(chunk(body, "fact", 4), frames)
	}
	body = chunk(body, "data", data)
	all := uint32(unknown)
	if data != unknown {
		all = uint32(len(body)) + data
	}
	return append(chunk(nil, "RIFF", all), body...)
}

func chunk(b []byte, name string, size uint32) []byte {
	return binary.LittleEndian.AppendUint32(append(b, name...), size)
}

// mask is the channel mask, whose bits are the same as FFmpeg's, or 0 for
// "not said" if there is none or the file format has no bits for it.
func mask(f audio.Format) uint32 {
	const known = 1<<18 - 1
	if f.Layout&^known != 0 || bits.OnesCount64(f.Layout) != f.Channels {
		return 0
	}
	return uint32(f.Layout)
}
