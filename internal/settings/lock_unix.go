//go:build unix

package settings

import (
	"os"
	"syscall"
	"time"
)

// lock keeps other planar from changing files of a folder until the function it
// returns is called. Where the file system knows no locks, or somebody holds one
// for longer than reading and writing a small file takes, it goes on without: of
// two changes one may then get lost, but the file stays whole.
func lock(dir string) (unlock func()) {
	d, err := os.Open(dir)
	if err != nil {
		return func() {}
	}
	const tries = 50 // 500 ms in all
	for range tries {
		if syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != syscall.EWOULDBLOCK {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return func() { d.Close() } // and with it the lock
}
