package demux

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// writing says whether a file is being written.
type writing int

const (
	writtenPerhaps writing = iota // the system cannot tell
	writtenNow
	writtenByNobody
)

// rawFile reads a headerless file, standard input ("-") or a FIFO. Regular
// files are read at an offset, so that seeking costs nothing; others in order.
type rawFile struct {
	f           *os.File
	name        string
	regular     bool
	size        atomic.Int64 // of a regular file, when somebody last looked
	seen        int64        // the size that the reader knows of
	grew        bool         // since it was opened
	ahead       readAhead
	pos         int64
	nonblocking bool // the descriptor was made so, and must be put back
	interrupted atomic.Bool
	stop        chan struct{} // closed by interrupt
	changed     time.Time     // while await waits: when the file was last seen to change
}

func openRawFile(name string) (*rawFile, error) {
	r := &rawFile{name: name, stop: make(chan struct{})}
	if name == "-" {
		r.name = "standard input"
		// A blocking read of a pipe cannot be interrupted; one that goes through
		// the runtime's poller can.
		if st, err := os.Stdin.Stat(); err == nil && st.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0 && syscall.SetNonblock(0, true) == nil {
			r.nonblocking = true
			r.f = os.NewFile(0, name)
		} else {
			r.f = os.Stdin
		}
	} else {
		st, err := statRaw(name)
		if err != nil {
			return nil, err
		}
		flags := os.O_RDONLY
		if st.Mode()&fs.ModeNamedPipe != 0 {
			flags |= syscall.O_NONBLOCK // else opening waits for a writer, and cannot be interrupted
		}
		if r.f, err = os.OpenFile(name, flags, 0); err != nil {
			return nil, plainPathError(name, err)
		}
	}
	if st, err := r.f.Stat(); err == nil && st.Mode().IsRegular() {
		r.regular, r.seen = true, st.Size()
		r.size.Store(r.seen)
		if r.seen == 0 {
			r.close()
			return nil, fmt.Errorf("%s: is empty (0 bytes)", r.name)
		}
	}
	return r, nil
}

// plainPathError says in plain words why a path cannot be opened.
func plainPathError(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: file does not exist", name)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: permission denied: you may not read this file", name)
	}
	return fmt.Errorf("%s: cannot open: %w", name, plainCause(err))
}

// plainCause takes the path off an error, for those who name it themselves.
func plainCause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func (r *rawFile) seekable() bool { return r.regular }

// current is the size of a regular file by now, or, once it is closed, as it was.
func (r *rawFile) current() int64 {
	size, _, _ := r.restat()
	return size
}

// restat looks at a regular file's size and time of change again.
func (r *rawFile) restat() (size int64, modified time.Time, err error) {
	st, err := r.f.Stat()
	if err != nil {
		return r.size.Load(), modified, err
	}
	r.size.Store(st.Size())
	return st.Size(), st.ModTime(), nil
}

const (
	// settled is how long a file must have stood still to be thought complete.
	settled = 2 * time.Second
	// slowest is the same while somebody has it open for writing: some encoders
	// take that long for a frame.
	slowest = 15 * time.Second
	// growthPoll is how often a file is looked at while it may grow.
	growthPoll = 50 * time.Millisecond
)

// await looks whether a regular file that is being written has at least end
// bytes yet. If not it returns, after a while, ErrAgain, so that whoever reads
// can turn to something else; io.EOF if there will be no more: nothing has been
// added for a while, nobody writes, or the file was cut short.
func (r *rawFile) await(end int64) error {
	if r.interrupted.Load() {
		return ErrInterrupted
	}
	if end <= r.seen {
		return nil
	}
	w := writers(r.f) // before the size: a writer's last act is to close
	size, modified, err := r.restat()
	if err != nil {
		return fmt.Errorf("%s: cannot look at its size: %w", r.name, plainCause(err))
	}
	cut, grown := size < r.seen, size > r.seen
	r.seen = size
	r.grew = r.grew || grown
	switch {
	case size >= end:
		r.changed = time.Time{}
		return nil
	case cut, w == writtenByNobody && !r.grew:
		return io.EOF
	case grown, r.grew && r.changed.IsZero():
		r.changed = time.Now()
	case r.changed.IsZero():
		r.changed = modified
	}
	limit := settled
	if w == writtenNow {
		limit = slowest
	}
	// A server's clock may be ahead of ours.
	if time.Since(r.changed).Abs() >= limit {
		r.changed = time.Time{}
		return io.EOF
	}
	select {
	case <-r.stop:
		return ErrInterrupted
	case <-time.After(growthPoll):
		return ErrAgain
	}
}

// cutShort notes that less was read than await promised.
func (r *rawFile) cutShort() error {
	if r.regular {
		r.seen = r.current()
	}
	return io.EOF
}

// read fills b from offset off (or, of a pipe, from where it stands) and
// returns how much it got; less than len(b) only at the end.
func (r *rawFile) read(b []byte, off int64) (int, error) {
	if r.interrupted.Load() {
		return 0, ErrInterrupted
	}
	if r.seekable() {
		n, err := r.f.ReadAt(b, off)
		if err == io.EOF {
			err = nil
		}
		if err != nil {
			err = fmt.Errorf("%s: cannot read at byte %d: %w", r.name, off+int64(n), plainCause(err))
		}
		return n, err
	}
	for r.pos < off { // a header to skip
		n, err := io.CopyN(io.Discard, r.waiter(), off-r.pos)
		r.pos += n
		if err != nil {
			return 0, r.pipeError(err)
		}
	}
	n, err := io.ReadFull(r.waiter(), b)
	r.pos += int64(n)
	return n, r.pipeError(err)
}

func (r *rawFile) pipeError(err error) error {
	switch {
	case r.interrupted.Load():
		return ErrInterrupted
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil
	}
	return fmt.Errorf("%s: cannot read: %w", r.name, err)
}

// waiter reads the file; of a FIFO opened without blocking it waits for the
// first writer, of which the absence looks like an end.
func (r *rawFile) waiter() io.Reader {
	if r.pos > 0 || r.f == os.Stdin || r.nonblocking {
		return r.f
	}
	return readerFunc(func(b []byte) (int, error) {
		for {
			n, err := r.f.Read(b)
			if n > 0 || err != io.EOF || r.interrupted.Load() {
				return n, err
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func (r *rawFile) interrupt() {
	if r.interrupted.Swap(true) {
		return
	}
	close(r.stop)
	if !r.seekable() {
		r.f.SetReadDeadline(time.Now())
	}
}

func (r *rawFile) close() error {
	if r.nonblocking {
		// Standard input is shared with the shell: leave it open and as it was.
		return syscall.SetNonblock(0, false)
	}
	if r.f == os.Stdin {
		return nil
	}
	return r.f.Close()
}

// pictures reads stored pictures of one size, into buffers that it reuses, or
// by mapping them.
type pictures struct {
	size    int64
	mapFile MapFunc
	free    chan []byte
}

// framesInFlight is how many frame buffers are kept for reuse: the player's
// packet queue (3), its frame queue (3), one prepared, two shown last, one being read.
const framesInFlight = 10

func newPictures(size int64, m MapFunc) pictures {
	return pictures{size: size, mapFile: m, free: make(chan []byte, framesInFlight)}
}

// read returns the picture at an offset of r, which must have it if it is a
// regular file, and what gives its memory back. At the end, or in the midst of
// a picture, the error is io.EOF.
func (p *pictures) read(r *rawFile, off int64) ([]byte, func(), error) {
	if p.mapFile != nil && r.regular {
		data, unmap, err := p.mapFile(r.f, off, int(p.size))
		switch {
		case err == nil:
			return data, unmap, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return nil, nil, r.cutShort()
		case !errors.Is(err, errors.ErrUnsupported):
			return nil, nil, fmt.Errorf("%s: cannot read at byte %d: %w", r.name, off, plainCause(err))
		}
	}
	var buf []byte
	select {
	case buf = <-p.free:
	default:
		buf = make([]byte, p.size)
	}
	n, err := r.read(buf, off)
	if err == nil && n < len(buf) {
		err = r.cutShort()
	}
	if err != nil {
		p.recycle(buf)
		return nil, nil, err
	}
	return buf, func() { p.recycle(buf) }, nil
}

func (p *pictures) recycle(buf []byte) {
	select {
	case p.free <- buf:
	default:
	}
}

// fileStore is a file of pictures of one size: picture n begins at
// header + n*(frameHeader+size) + frameHeader.
type fileStore struct {
	file *rawFile
	pictures
	header, frameHeader int64
}

func (s *fileStore) step() int64 { return s.frameHeader + s.size }

func (s *fileStore) seekable() bool { return s.file.seekable() }

func (s *fileStore) count() int64 {
	if !s.file.regular {
		return 0
	}
	return max(0, s.file.current()-s.header) / s.step()
}

func (s *fileStore) load(n int64) ([]byte, func(), error) {
	off := s.header + n*s.step() + s.frameHeader
	if off < 0 || off > math.MaxInt64-s.size {
		return nil, nil, io.EOF
	}
	if s.file.regular {
		if err := s.file.await(off + s.size); err != nil {
			return nil, nil, err
		}
	}
	data, free, err := s.read(s.file, off)
	if err == nil {
		s.file.prefetch(off + s.size)
	}
	return data, free, err
}

func (s *fileStore) seek(n int64) (int64, error) {
	if err := s.file.restart(); err != nil {
		return 0, err
	}
	return min(n, max(0, s.count()-1)), nil
}

func (s *fileStore) leftover() string {
	size := s.file.size.Load() // as count has found it
	rest := max(0, size-s.header) % s.step()
	if rest == 0 {
		return ""
	}
	return fmt.Sprintf("%d bytes are left over after %d whole frames of %d bytes: the file is cut short (%d bytes are missing), or --size is wrong",
		rest, max(0, size-s.header)/s.step(), s.step(), s.step()-rest)
}

func (s *fileStore) interrupt()   { s.file.interrupt() }
func (s *fileStore) close() error { return s.file.close() }

// CheckFile reports in plain words why a raw file cannot be opened: it is
// missing, a directory, or empty. Other names pass.
func CheckFile(name string) error {
	if name == "-" {
		return nil
	}
	_, err := statRaw(name)
	return err
}

// statRaw looks at a path, with an error in plain words if it cannot be a raw file.
func statRaw(name string) (fs.FileInfo, error) {
	st, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, plainPathError(name, err)
	case st.IsDir():
		return nil, fmt.Errorf("%s: is a directory, not a file", name)
	case st.Mode().IsRegular() && st.Size() == 0:
		return nil, fmt.Errorf("%s: is empty (0 bytes)", name)
	}
	return st, nil
}
