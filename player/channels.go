package player

import (
	"sync/atomic"

	"planar/audio"
)

// channelMask says which of a source's channels are heard: bit n is channel n.
// Channels from the 33rd on always are, unless others are alone. It outlives
// sources: one that has none of the channels that are alone is heard. It may be
// used from any goroutine.
type channelMask struct {
	muted atomic.Uint32
	solo  atomic.Uint32 // if any, these alone are heard, muted or not
}

// firstChannels is the bits of the first n channels.
func firstChannels(n int) uint32 { return uint32(1<<min(max(n, 0), 32) - 1) }

// silent reports whether a channel is not heard, of so many.
func (m *channelMask) silent(channel, channels int) bool {
	bit := uint32(0)
	if channel < 32 {
		bit = 1 << channel
	}
	if solo := m.solo.Load() & firstChannels(channels); solo != 0 {
		return solo&bit == 0
	}
	return m.muted.Load()&bit != 0
}

// apply returns the block with the channels silenced that are not heard. It leaves
// b's memory alone, which may be a mapped file: if anything is silenced, the
// result is in scratch, which grows as needed and is valid until the next call.
func (m *channelMask) apply(b *audio.Block, scratch *[]byte) *audio.Block {
	if m.muted.Load() == 0 && m.solo.Load() == 0 {
		return b
	}
	silent := make([]bool, max(b.Channels, 0))
	some := false
	for c := range silent {
		silent[c] = m.silent(c, len(silent))
		some = some || silent[c]
	}
	size := b.Sample.Bytes()
	if !some || size == 0 {
		return b
	}
	masked := *b
	masked.OnFree = nil
	zero := byte(0)
	if size == 1 {
		zero = 0x80 // unsigned
	}
	if b.Sample.Planar() {
		quiet := grow(scratch, b.Frames*size)
		fill(quiet, zero)
		masked.Planes = make([][]byte, len(b.Planes))
		for c, p := range b.Planes {
			if masked.Planes[c] = p; c < len(silent) && silent[c] {
				masked.Planes[c] = quiet
			}
		}
		return &masked
	}
	pcm := grow(scratch, b.Frames*b.FrameBytes())
	pcm = pcm[:copy(pcm, b.Planes[0])]
	for at := 0; at+b.FrameBytes() <= len(pcm); at += b.FrameBytes() {
		for c := range silent {
			if silent[c] {
				fill(pcm[at+c*size:at+(c+1)*size], zero)
			}
		}
	}
	masked.Planes = [][]byte{pcm}
	return &masked
}

func grow(b *[]byte, n int) []byte {
	if cap(*b) < n {
		*b = make([]byte, n)
	}
	return (*b)[:n]
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}
