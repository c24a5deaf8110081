package demux

import (
	"os"

	"golang.org/x/sys/unix"
)

// willNeedPiece is how much one call asks for: the kernel cuts each down to
// the device's read-ahead or its largest request, of which the latter is 1280
// KiB by default.
const willNeedPiece = 1 << 20

// willNeed lets the kernel read n bytes of f at off into the page cache, and
// does not wait for them. Errors do not matter: reading will tell.
func willNeed(f *os.File, off, n int64) {
	c, err := f.SyscallConn()
	if err != nil {
		return
	}
	c.Control(func(fd uintptr) {
		var b [1]byte
		probe := [][]byte{b[:]}
		for end := off + n; off < end; off += willNeedPiece {
			n := min(willNeedPiece, end-off)
			// Asking for what is in the cache costs a look at each page. The
			// last byte of a piece speaks for it.
			if got, err := unix.Preadv2(int(fd), probe, off+n-1, unix.RWF_NOWAIT); got == 1 && err == nil {
				continue
			}
			if unix.Fadvise(int(fd), off, n, unix.FADV_WILLNEED) != nil {
				return
			}
		}
	})
}

// writers says whether anybody has f open for writing: the kernel gives a read
// lease if nobody has, which is handed back at once. It cannot tell of files on
// network file systems and of other users.
func writers(f *os.File) writing {
	c, err := f.SyscallConn()
	if err != nil {
		return writtenPerhaps
	}
	w := writtenPerhaps
	c.Control(func(fd uintptr) {
		switch _, err := unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_RDLCK); err {
		case nil:
			unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_UNLCK)
			w = writtenByNobody
		case unix.EAGAIN:
			w = writtenNow
		}
	})
	return w
}
