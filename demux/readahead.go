package demux

import "fmt"

const (
	// readAheadBytes bounds how far the kernel reads ahead of the player: 5
	// frames of 2160p at 8 bits, or 1/3 s of 1080p60. It is page cache, which
	// the kernel takes back when it needs the memory.
	readAheadBytes = 64 << 20
	// readAheadStep is how much is asked for at once, and the window after a
	// seek: what was asked for delays the reads of the next seek.
	readAheadStep = 8 << 20
)

// readAhead decides what to ask the kernel for. The zero value is a reader
// that has just been placed.
type readAhead struct {
	to     int64 // up to where the kernel was asked
	window int64
}

// next returns the part of a file of the given size to ask for when a reader
// has come to pos; n is 0 if there is nothing to ask for yet. Positions do not
// go back without a new readAhead.
func (a *readAhead) next(pos, size int64) (off, n int64) {
	a.window = min(max(2*a.window, readAheadStep), readAheadBytes)
	a.to = max(a.to, pos)
	end := min(size, pos+a.window)
	if n = end - a.to; n <= 0 || n < readAheadStep && end < size {
		return 0, 0
	}
	off, a.to = a.to, end
	return off, n
}

// prefetch tells the kernel what follows when the reader of a regular file has
// come to pos.
func (r *rawFile) prefetch(pos int64) {
	if !r.regular {
		return
	}
	if off, n := r.ahead.next(pos, r.seen); n > 0 {
		willNeed(r.f, off, n)
	}
}

// restart says that the reader goes somewhere else.
func (r *rawFile) restart() error {
	if !r.regular {
		return fmt.Errorf("%s: cannot seek in a pipe", r.name)
	}
	r.ahead = readAhead{}
	return nil
}
