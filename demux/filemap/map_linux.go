//go:build linux && cgo

package filemap

// #include "map_linux.h"
import "C"

import (
	"errors"
	"io"
	"os"
	"unsafe"
)

func mapFile(f *os.File, off int64, n int) ([]byte, func(), error) {
	page := int64(os.Getpagesize())
	begin := off &^ (page - 1)
	skip := int(off - begin)
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	var at unsafe.Pointer
	var slot C.int
	if err := raw.Control(func(fd uintptr) {
		slot = C.planar_map(C.int(fd), C.int64_t(begin), C.size_t(skip+n), &at)
	}); err != nil {
		return nil, nil, err
	}
	if slot < 0 {
		// Cut since it was looked at, or a page that cannot be read: reading
		// tells which.
		if st, err := f.Stat(); err == nil && st.Size()-int64(n) < off {
			return nil, nil, io.ErrUnexpectedEOF
		}
		return nil, nil, errors.ErrUnsupported
	}
	data := unsafe.Slice((*byte)(unsafe.Add(at, skip)), n)
	return data, func() { C.planar_unmap(slot) }, nil
}

// lost is how many pages have been replaced because the file was cut.
func lost() int { return int(C.planar_lost_pages()) }
