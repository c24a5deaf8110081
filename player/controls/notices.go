package controls

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"planar/player"
)

// notice is a line of the log, as the screen shows it.
type notice struct {
	at    time.Time
	level slog.Level
	text  string
}

// maxNotices bounds the list: more than a person reads, and an hour of a source
// that is lost every few seconds.
const maxNotices = 500

// notices are the latest lines of the log. They come from any goroutine.
type notices struct {
	mu      sync.Mutex
	all     []notice
	serial  int // of the latest one
	urgent  int // of the latest one that is to be seen at once
	dropped int // from the beginning of all
}

func (n *notices) add(x notice) (urgent bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.all) >= maxNotices {
		n.all = slices.Delete(n.all, 0, maxNotices/10)
		n.dropped += maxNotices / 10
	}
	n.all = append(n.all, x)
	n.serial++
	if urgent = x.level >= player.LevelAnswer; urgent {
		n.urgent = n.serial
	}
	return urgent
}

// since returns the lines after the one with the given serial number, and the
// number of the latest.
func (n *notices) since(serial int) ([]notice, int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	from := min(len(n.all), max(0, serial-n.dropped))
	return slices.Clone(n.all[from:]), n.serial
}

// latest is the serial number of the latest line that is to be seen at once.
func (n *notices) latest() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.urgent
}

// Log keeps what the screen shows of the program's log.
type Log struct {
	notices notices
	wake    atomic.Pointer[func()] // has the screen drawn
}

// NewLog makes an empty log.
func NewLog() *Log { return &Log{} }

// Handler is next, which keeps what it handles in l too. Lines of the level info and
// above are kept even if next does not want them.
func (l *Log) Handler(next slog.Handler) slog.Handler { return &teller{next, l} }

// teller is a log handler that notes what it hands on.
type teller struct {
	slog.Handler
	log *Log
}

func (t *teller) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelInfo || t.Handler.Enabled(ctx, l)
}

func (t *teller) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo && t.log.notices.add(notice{r.Time, r.Level, r.Message}) {
		if wake := t.log.wake.Load(); wake != nil {
			(*wake)()
		}
	}
	if !t.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return t.Handler.Handle(ctx, r)
}

func (t *teller) WithAttrs(a []slog.Attr) slog.Handler { return &teller{t.Handler.WithAttrs(a), t.log} }

func (t *teller) WithGroup(g string) slog.Handler { return &teller{t.Handler.WithGroup(g), t.log} }
