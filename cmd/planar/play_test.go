package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"planar/internal/settings"
	"planar/player"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// parsed is a command line, after a settings file.
func parsed(t *testing.T, file string, args ...string) (*options, error) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	path := settings.Path()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	o, raw := &options{}, &rawFlags{}
	f := flagSet(o, raw)
	applySettings(f, o)
	if len(o.complaints) > 0 {
		t.Fatal(o.complaints)
	}
	return o, parseArgs(f, o, raw, args)
}

// The settings file says how loud a person wants it, the command line what a script
// writes to a file.
func TestSettingsOfSound(t *testing.T) {
	const file = "volume = 50\nmute = true\naudio-delay = 100\n"
	for _, c := range []struct {
		args   []string
		volume float64
		mute   bool
	}{
		{[]string{"x"}, 0.5, true},
		{[]string{"--volume", "80", "--mute=false", "x"}, 0.8, false},
		{[]string{"--ao", "wav:x.wav", "x"}, 1, false},
		{[]string{"--ao", "null", "x"}, 1, false},
		{[]string{"--ao", "wav:x.wav", "--volume", "80", "--mute", "x"}, 0.8, true},
	} {
		o, err := parsed(t, file, c.args...)
		if err != nil {
			t.Fatal(err)
		}
		if o.volume != c.volume || o.mute != c.mute || (o.audioDelay != 0) != (o.ao == "device") {
			t.Errorf("%q: volume %v, muted %v, delay %v; want %v, %v", c.args, o.volume, o.mute, o.audioDelay, c.volume, c.mute)
		}
	}
}

// Only a window can be idle.
func TestNothingToPlay(t *testing.T) {
	for _, c := range []struct {
		args []string
		ok   bool
	}{
		{[]string{"--idle"}, true},
		{nil, false},
		{[]string{"--idle", "--vo", "null"}, false},
		{[]string{"--idle", "--vo", "hash"}, false},
		{[]string{"--idle", "--vo", "null", "x"}, true},
	} {
		o, err := parsed(t, "", c.args...)
		if err == nil {
			err = enoughToPlay(o)
		}
		if (err == nil) != c.ok {
			t.Errorf("%q: %v", c.args, err)
		}
	}
}

// Without a display, a window for nothing in particular cannot be opened.
func TestIdleWithoutDisplay(t *testing.T) {
	t.Setenv("SDL_VIDEODRIVER", "none-such")
	o, err := parsed(t, "", "--idle")
	if err != nil {
		t.Fatal(err)
	}
	if out, code := openVideo(t.Context(), o, nil, newOpener(o, quiet()).prefetch(t.Context(), nil), quiet()); out != nil || code != exitCannotOpen {
		t.Errorf("%v, exit code %d; want none, %d", out, code, exitCannotOpen)
	}
}

// What could be played is remembered, not what only was looked at or failed.
func TestHistory(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	dir := t.TempDir()
	name := filepath.Join(dir, "a_16x16.yuv")
	if err := os.WriteFile(name, make([]byte, 384), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		open func(*opener) func(context.Context, string) error
		want []string
	}{
		{nil, playing, []string{name}},
		{[]string{"--audio", filepath.Join(dir, "none.wav")}, playing, nil},
		{nil, looking, nil},
	} {
		o, err := parsed(t, "", append(c.args, name)...)
		if err != nil {
			t.Fatal(err)
		}
		p := newOpener(o, quiet())
		err = c.open(p)(t.Context(), name)
		if (err == nil) != (c.want != nil) || !slices.Equal(p.opened.names, c.want) {
			t.Errorf("%q: opened with %v, remembered %q, want %q", c.args, err, p.opened.names, c.want)
		}
	}
}

func playing(p *opener) func(context.Context, string) error {
	return func(ctx context.Context, name string) error {
		f := p.prefetch(ctx, []string{name})
		src, err := f.Open(ctx, name)
		if err == nil {
			src.Close()
		}
		return err
	}
}

func looking(p *opener) func(context.Context, string) error {
	return func(ctx context.Context, name string) error {
		_, _, err := p.sound(ctx, name, -1) // which it has not
		return err
	}
}

func TestExitCode(t *testing.T) {
	ok, bad := player.Outcome{Name: "a"}, player.Outcome{Name: "b", Err: os.ErrNotExist}
	for _, c := range []struct {
		outcomes []player.Outcome
		err      error
		want     int
	}{
		{nil, player.ErrQuit, exitPlayed},                                         // idle
		{[]player.Outcome{ok}, player.ErrQuit, exitPlayed},                        // quit
		{[]player.Outcome{ok, bad, ok}, player.ErrQuit, exitSomeFailed},           // one was dropped that could not be played
		{[]player.Outcome{bad}, player.ErrQuit, exitCannotOpen},                   // idle afterwards
		{[]player.Outcome{bad, bad}, nil, exitCannotOpen},                         // nothing was played
		{[]player.Outcome{ok, bad}, nil, exitSomeFailed},                          // some of it
		{[]player.Outcome{ok, bad}, errSignal, exitInterrupted},                   // whatever was
		{nil, os.ErrPermission, exitCannotOpen},                                   // no window
		{[]player.Outcome{{Name: "a"}, {Name: "a"}}, nil, exitPlayed},             // opened again
		{[]player.Outcome{{Name: "a", Err: os.ErrNotExist}}, nil, exitCannotOpen}, // the only one
	} {
		if got := exitCode(c.outcomes, c.err, quiet()); got != c.want {
			t.Errorf("%v, %v: exit code %d, want %d", c.outcomes, c.err, got, c.want)
		}
	}
}

// No error tells a URL's password, whatever flags make of the URL.
func TestPasswordIsNotTold(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	file := filepath.Join(t.TempDir(), "a_16x16.yuv")
	if err := os.WriteFile(file, make([]byte, 384), 0o600); err != nil {
		t.Fatal(err)
	}
	const address = "http://ann:secret@127.0.0.1:1/a.pcm"
	for _, args := range [][]string{
		{"--as", "raw-video", address},
		{"--as", "raw-audio", address},
		{"--as", "raw-audio", "--sample-format", "u8", address},
		{"--as", "y4m", address},
		{"--as", "media", address},
		{"--size", "16x16", address},
		{"--audio", address, file},
		{"--audio", address, "--channels", "1", file},
	} {
		o, err := parsed(t, "", args...)
		if err != nil {
			t.Fatal(err)
		}
		switch src, err := newOpener(o, quiet()).open(t.Context(), o.sources[0]); {
		case err == nil:
			src.Close()
			t.Errorf("%q can be opened", args)
		case strings.Contains(err.Error(), "secret"):
			t.Errorf("%q: %v", args, err)
		}
	}
}
