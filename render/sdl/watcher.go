//go:build unix

package sdlwindow

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// watcher tells when something has come in from the window system.
//
// Waiting in SDL would be waiting in C, and Go's scheduler watches a thread that is
// in C by looking at it every 20 us for a while: at 30 frames a second that costs
// more than drawing them. The runtime's poller waits for nothing.
type watcher struct {
	arrived chan struct{} // holds a token when something has come
	arm     chan struct{} // holds one when all that came before has been read
	file    *os.File
	done    chan struct{}
}

// newWatcher watches f, which it owns; nil if the poller does not take it.
func newWatcher(f *os.File) *watcher {
	conn, err := f.SyscallConn()
	if err != nil || f.SetReadDeadline(time.Time{}) != nil {
		f.Close()
		return nil
	}
	w := &watcher{arrived: make(chan struct{}, 1), arm: make(chan struct{}, 1), file: f, done: make(chan struct{})}
	go w.run(conn)
	return w
}

func (w *watcher) run(conn syscall.RawConn) {
	defer close(w.done)
	for range w.arm {
		waited := false
		err := conn.Read(func(fd uintptr) bool {
			// Asked first without waiting: what came before counts too.
			p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, _ := unix.Poll(p, 0)
			ready := waited || n > 0
			waited = true
			return ready
		})
		if err != nil {
			return // closed
		}
		select {
		case w.arrived <- struct{}{}:
		default:
		}
	}
}

// ready arms the watcher: whatever is read after this is told.
func (w *watcher) ready() <-chan struct{} {
	select {
	case w.arm <- struct{}{}:
	default:
	}
	return w.arrived
}

// close ends the watcher and its goroutine.
func (w *watcher) close() {
	w.file.Close()
	close(w.arm)
	<-w.done
}
