package audio

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a ChannelMap.
const (
	maxMapped = 8  // channels that come out: as many as have a usual order
	maxSource = 64 // the number of a channel that goes in
)

// ChannelMap says what each channel plays: the source's channel of that number, counted
// from 1 in the order of the source, or silence where it is 0 or the source has none of
// that number. As many channels come out as it is long. An empty map leaves all as it is.
type ChannelMap []int

// ParseChannelMap reads a list such as "2,1" or "1,-", where "-" is silence. An empty
// text is an empty map.
func ParseChannelMap(s string) (ChannelMap, error) {
	if s == "" {
		return nil, nil
	}
	var m ChannelMap
	for part := range strings.SplitSeq(s, ",") {
		if len(m) == maxMapped {
			return nil, fmt.Errorf("more than %d channels", maxMapped)
		}
		part = strings.TrimSpace(part)
		if part == "-" {
			m = append(m, 0)
			continue
		}
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > maxSource {
			return nil, fmt.Errorf("%q is neither a channel's number, 1 to %d, nor - for silence", part, maxSource)
		}
		m = append(m, n)
	}
	return m, nil
}

func (m ChannelMap) String() string {
	var parts []string
	for _, n := range m {
		if n == 0 {
			parts = append(parts, "-")
		} else {
			parts = append(parts, strconv.Itoa(n))
		}
	}
	return strings.Join(parts, ",")
}

// Silent reports whether nothing is heard of a source of so many channels, although the
// map asks for some.
func (m ChannelMap) Silent(channels int) bool {
	asks := false
	for _, c := range m {
		if c > 0 && c <= channels {
			return false
		}
		asks = asks || c > 0
	}
	return asks
}

// Format is the format that comes out where f goes in.
func (m ChannelMap) Format(f Format) Format {
	if len(m) == 0 {
		return f
	}
	if len(m) != f.Channels {
		f.Channels, f.Layout = len(m), 0
	}
	return f
}

// Mapped is the memory of ChannelMap.Apply. The zero value is ready for use.
type Mapped struct {
	block  Block
	planes [][]byte
	pcm    []byte
}

// Apply returns the block with its channels mapped. It leaves b's memory alone, which
// may be a mapped file; what it returns is b, or is valid as long as b and until the next
// call with the same memory, and need not be released. The memory grows to the size
// of the largest block.
func (m ChannelMap) Apply(b *Block, to *Mapped) *Block {
	size := b.Sample.Bytes()
	if len(m) == 0 || size == 0 || b.Channels <= 0 || b.Frames < 0 {
		return b
	}
	to.block = Block{Format: m.Format(b.Format), Frames: b.Frames, PTS: b.PTS}
	to.planes = to.planes[:0]
	if b.Sample.Planar() {
		silence := to.silence(b.Frames*size, size)
		for _, n := range m {
			plane := silence
			if n >= 1 && n <= len(b.Planes) && len(b.Planes[n-1]) >= b.Frames*size {
				plane = b.Planes[n-1]
			}
			to.planes = append(to.planes, plane)
		}
		to.block.Planes = to.planes
		return &to.block
	}
	step, out := b.FrameBytes(), size*len(m)
	pcm := to.silence(b.Frames*out, size)
	var in []byte
	if len(b.Planes) > 0 {
		in = b.Planes[0]
	}
	for c, n := range m {
		if n < 1 || n > b.Channels {
			continue
		}
		from := (n - 1) * size
		for f := range min(b.Frames, len(in)/step) {
			copy(pcm[f*out+c*size:][:size], in[f*step+from:])
		}
	}
	to.planes = append(to.planes, pcm)
	to.block.Planes = to.planes
	return &to.block
}

// silence is n bytes of silence of samples of a size.
func (m *Mapped) silence(n, size int) []byte {
	m.pcm = slices.Grow(m.pcm[:0], n)[:n]
	clear(m.pcm)
	if size == 1 { // unsigned
		for i := range m.pcm {
			m.pcm[i] = 0x80
		}
	}
	return m.pcm
}
