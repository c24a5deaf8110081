// Package filemap lets a program look at a part of a file where the kernel keeps
// it, instead of copying it: half of what reading raw pictures costs is the copy.
//
// The price of mapping files is that a file may be cut while it is looked at,
// which is a SIGBUS. Here, such a page reads as zeros.
package filemap

import (
	"errors"
	"io"
	"os"
)

// Map returns n bytes of f from offset off, which are in memory when it returns.
// They must not be written, and are valid until free is called, which must happen
// once. They change when the file does.
//
// The error is io.ErrUnexpectedEOF if the file is shorter than that, and
// errors.ErrUnsupported if the file, the system or the number of mappings at a time
// (128) does not allow it: reading may still work.
func Map(f *os.File, off int64, n int) (data []byte, free func(), err error) {
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, nil, err
	case !st.Mode().IsRegular() || off < 0 || n <= 0:
		return nil, nil, errors.ErrUnsupported
	case st.Size()-int64(n) < off:
		return nil, nil, io.ErrUnexpectedEOF
	}
	return mapFile(f, off, n)
}
