package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"planar/demux/ffmpeg"
)

// console is the terminal's error output, shared by messages, a line each, and
// by a status line that is drawn over and over on the last one.
type console struct {
	mu       sync.Mutex
	f        *os.File
	terminal bool
	status   string
}

func newConsole(f *os.File) *console {
	return &console{f: f, terminal: isTerminal(f)}
}

// openLog is the terminal of a command without a window, and the log that goes there.
func openLog(o *options) (*console, *slog.Logger) {
	term := newConsole(os.Stderr)
	log := slog.New(term.handler(o.logLevel))
	ffmpeg.SetLogger(log)
	return term, log
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

// setStatus replaces the status line; "" removes it.
func (c *console) setStatus(line string) {
	if !c.terminal {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if ws, err := unix.IoctlGetWinsize(int(c.f.Fd()), unix.TIOCGWINSZ); err == nil && ws.Col > 1 && len(line) >= int(ws.Col) {
		line = line[:ws.Col-1] // a wrapped line could not be drawn over
	}
	if line != c.status {
		fmt.Fprint(c.f, "\r\x1b[K"+line)
		c.status = line
	}
}

func (c *console) println(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != "" {
		fmt.Fprint(c.f, "\r\x1b[K")
	}
	fmt.Fprintln(c.f, line)
	fmt.Fprint(c.f, c.status)
}

// handler prints log records as people read them: one line, the program's name,
// the message; attributes only if there are any.
func (c *console) handler(level slog.Level) slog.Handler { return &lineHandler{c: c, level: level} }

type lineHandler struct {
	c     *console
	level slog.Level
	attrs string
}

func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	line := "planar: " + r.Message + h.attrs
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	h.c.println(strings.ReplaceAll(line, "\n", " "))
	return nil
}

func (h *lineHandler) WithAttrs(as []slog.Attr) slog.Handler {
	n := *h
	for _, a := range as {
		n.attrs += " " + a.String()
	}
	return &n
}

// WithGroup ignores groups: no message uses them.
func (h *lineHandler) WithGroup(string) slog.Handler { return h }
