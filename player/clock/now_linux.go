package clock

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// fdAlarm is an alarm by a timer of the kernel's. The runtime's own timers are
// rounded to milliseconds by epoll; this one is good to some 50 us, and waiting for
// it holds no thread.
type fdAlarm struct{ f *os.File }

func newAlarm() Alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return NewTimerAlarm()
	}
	return fdAlarm{os.NewFile(uintptr(fd), "timer")}
}

func (a fdAlarm) Set(d time.Duration) {
	conn, err := a.f.SyscallConn()
	if err != nil {
		return // closed
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, int64(d)))} // 0 would stop it
	conn.Control(func(fd uintptr) { unix.TimerfdSettime(int(fd), 0, &spec, nil) })
}

func (a fdAlarm) Wait() {
	var expirations [8]byte
	a.f.Read(expirations[:])
}

func (a fdAlarm) Close() { a.f.Close() }
