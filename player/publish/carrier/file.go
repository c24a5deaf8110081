package carrier

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"planar/player/publish"
	"planar/player/publish/wire"
)

// file carries a container to a file under its final name. Nothing that fails with it
// is better when it is tried again.
type file struct {
	f       *os.File
	peer    wire.Peer
	regular bool // one can seek in it
	created bool // it was not there before
	written atomic.Int64
	failed  error // the first error of writing; the writing goroutine's
}

func openFile(peer wire.Peer, name string, overwrite bool) (*file, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	info, err := os.Stat(name)
	created := errors.Is(err, fs.ErrNotExist)
	if err == nil && info.Mode().IsRegular() && !overwrite {
		return nil, peer.Refuse("it exists already: use --overwrite, or another name", fs.ErrExist)
	}
	if created && !overwrite {
		flags |= os.O_EXCL // if somebody makes it now, it is theirs
	}
	f, err := os.OpenFile(name, flags, 0o666)
	if err != nil {
		return nil, fileError(peer, name, err)
	}
	info, err = f.Stat()
	return &file{f: f, peer: peer, regular: err == nil && info.Mode().IsRegular(), created: created}, nil
}

func fileError(peer wire.Peer, name string, err error) error {
	cause := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		cause = "there is no folder " + filepath.Dir(name)
	case errors.Is(err, fs.ErrExist):
		cause = "it exists already: use --overwrite, or another name"
	case errors.Is(err, fs.ErrPermission):
		cause = "no permission to write there"
	case errors.Is(err, syscall.EISDIR):
		cause = "it is a folder: name a file in it"
	case errors.Is(err, syscall.ENOTDIR):
		cause = filepath.Dir(name) + " is no folder"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		cause = "no space left on the disk"
	case errors.Is(err, syscall.EROFS):
		cause = "the disk is read-only"
	case errors.Is(err, syscall.EFBIG):
		cause = "the file is as large as the disk's format allows"
	default:
		var p *fs.PathError
		if cause = err.Error(); errors.As(err, &p) {
			cause = fmt.Sprintf("cannot %s it: %v", p.Op, p.Err)
		}
	}
	return peer.Refuse(cause, err)
}

// Write implements io.Writer.
func (f *file) Write(p []byte) (int, error) {
	n, err := f.f.Write(p)
	f.written.Add(int64(n))
	if err != nil && f.failed == nil {
		f.failed = fileError(f.peer, f.f.Name(), err)
	}
	return n, err
}

// Seek implements io.Seeker, for muxers that fill in sizes at the end.
func (f *file) Seek(offset int64, whence int) (int64, error) { return f.f.Seek(offset, whence) }

func (f *file) end(*publish.Unit) error { return f.failed }

// finish closes the file, because some file systems say only then that they are full.
func (f *file) finish() error {
	err := f.f.Close()
	if err != nil && f.failed == nil {
		f.failed = fileError(f.peer, f.f.Name(), err)
	}
	return f.failed
}

func (f *file) close() error {
	if err := f.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fileError(f.peer, f.f.Name(), err)
	}
	return nil
}

// discard closes a file that nothing was written to, and leaves no trace of it.
func (f *file) discard() {
	_ = f.close()
	if f.created && f.regular && f.sent() == 0 {
		_ = os.Remove(f.f.Name())
	}
}

func (f *file) rtt() time.Duration { return 0 }
func (f *file) sent() int64        { return f.written.Load() }
