package demux

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// rawFile reads a headerless file, standard input ("-") or a FIFO. Regular
// files are read at an offset, so that seeking costs nothing; others in order.
type rawFile struct {
	f           *os.File
	name        string
	size        int64 // of a regular file at opening, -1 of others
	pos         int64
	nonblocking bool // the descriptor was made so, and must be put back
	interrupted atomic.Bool
}

func openRawFile(name string) (*rawFile, error) {
	r := &rawFile{name: name, size: -1}
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
		r.size = st.Size()
		if r.size == 0 {
			r.f.Close()
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
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("%s: cannot open: %w", name, err)
}

func (r *rawFile) seekable() bool { return r.size >= 0 }

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
			err = fmt.Errorf("%s: cannot read at byte %d: %w", r.name, off+int64(n), errors.Unwrap(err))
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
	r.interrupted.Store(true)
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
