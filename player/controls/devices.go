package controls

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// deviceList is the sound devices, by name, asked for in the background. The menu and
// the sound panel show it.
type deviceList struct {
	news atomic.Bool // an answer has come

	mu     sync.Mutex
	cancel context.CancelFunc
	busy   bool // there is one goroutine at most
	names  []string
	err    error // why the latest attempt gave none
}

const (
	// maxDevices is a window's height of them, and more than any machine has.
	maxDevices = 32
	// devicesIn bounds how long a list of devices is waited for. A sound server that
	// hangs must not keep a goroutine for ever.
	devicesIn = 10 * time.Second
)

// fetch asks for the devices anew, unless it is being done.
func (l *deviceList) fetch(o *Options) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy || o.Devices == nil {
		return
	}
	l.busy = true
	ctx, cancel := context.WithTimeout(context.Background(), devicesIn)
	l.cancel = cancel
	ask, wake := o.Devices, o.Wake
	go func() {
		defer cancel()
		names, err := ask(ctx)
		l.mu.Lock()
		l.busy, l.err = false, err
		if err == nil {
			l.names = names[:min(len(names), maxDevices)]
		}
		l.mu.Unlock()
		if ctx.Err() != context.Canceled {
			l.news.Store(true)
			if wake != nil {
				wake()
			}
		}
	}()
}

// list is what is known by now.
func (l *deviceList) list() ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.names, l.err
}

// waiting reports whether an answer is being waited for.
func (l *deviceList) waiting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy
}

// choices are what can be chosen, and which of it is.
func (l *deviceList) choices(chosen string) (names []string, at int) {
	known, _ := l.list()
	names = append([]string{"Default device"}, known...)
	if chosen == "" {
		return names, 0
	}
	if at = slices.Index(names[1:], chosen) + 1; at == 0 { // it has gone
		names = append(names, chosen)
		at = len(names) - 1
	}
	return names, at
}

// close ends the goroutine.
func (l *deviceList) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel()
	}
}
