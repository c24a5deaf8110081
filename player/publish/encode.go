package publish

import (
	"planar/audio"
	"planar/demux"
	"planar/render"
)

// Encoders make encoders. They may be called from any goroutine.
type Encoders struct {
	// Video makes an encoder for pictures like this one, whose format and colours
	// tell what comes; it may be given others later.
	Video func(like *render.Picture, e demux.VideoEncoding) (VideoEncoder, error)
	// Audio makes an encoder for sound of a format.
	Audio func(in audio.Format, e demux.AudioEncoding) (AudioEncoder, error)
}

// VideoEncoder turns pictures into access units in the form of Unit.Data, without
// delay: no B pictures, nothing looked ahead. All calls come from one goroutine.
type VideoEncoder interface {
	// Stream says what comes out: Codec, Config (parameter sets in Annex B form),
	// Width, Height, FrameRate, Colour. Valid from the beginning.
	Stream() demux.Stream
	// Encode encodes a picture with its PTS, which must be greater than the one
	// before, and returns the access units that are ready; key asks for a key picture.
	// A nil frame asks for what is still inside, at the end. The packets' Data is the
	// caller's.
	Encode(f *demux.Frame, key bool) ([]demux.Packet, error)
	Close()
}

// AudioEncoder is a VideoEncoder's counterpart for sound.
type AudioEncoder interface {
	// Stream says what comes out: Codec, Config, Sound (rate and channels).
	Stream() demux.Stream
	// Encode encodes a block of sound; nil asks for what is still inside. A block
	// that does not follow the one before is taken for what it says: after a gap of
	// more than 100 ms the timestamps jump with it, smaller ones are evened out.
	Encode(b *audio.Block) ([]demux.Packet, error)
	Close()
}
