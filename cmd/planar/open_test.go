package main

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"planar/demux"
	"planar/render"
)

// A file comes before the pattern and the screen of the same name, which have names of
// their own too.
func TestCapturedNames(t *testing.T) {
	t.Chdir(t.TempDir())
	check := func(when, name string, pattern, device bool) {
		t.Helper()
		if got := isPattern(name); got != pattern {
			t.Errorf("%s: isPattern(%q) is %v, want %v", when, name, got, pattern)
		}
		if got := isDevice(name); got != device {
			t.Errorf("%s: isDevice(%q) is %v, want %v", when, name, got, device)
		}
	}
	check("no files", "test", true, false)
	check("no files", "test:", true, false)
	check("no files", "test.yuv", false, false)
	check("no files", "./test", false, false)
	check("no files", "screen", false, true)
	check("no files", "/dev/video0", false, true)
	for _, name := range []string{"test", "screen"} {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check("with files", "test", false, false)
	check("with files", "test:", true, false)
	check("with files", "screen", false, false)
	check("with files", "screen:", false, true)
}

func TestOpenPattern(t *testing.T) {
	t.Chdir(t.TempDir())
	o := &options{rawVideo: true, rawAudio: true} // as --size and --channels have it
	o.raw.Width, o.raw.Height, o.raw.Rate = 320, 180, render.Rational{Num: 25, Den: 1}
	o.sound.Rate, o.sound.Channels = 44100, 1
	p := &opener{o: o, choices: openChoices(), files: newRawFiles(), log: slog.New(slog.DiscardHandler)}
	src, err := p.openToPlay(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	s := src.Streams()
	if len(s) != 2 || s[0].Width != 320 || s[0].Height != 180 || s[0].FrameRate != o.raw.Rate || s[1].Sound.Rate != 44100 || s[1].Sound.Channels != 1 {
		t.Errorf("streams are %+v, want what the flags say", s)
	}
	if len(p.opened.names) != 0 {
		t.Errorf("%q would be remembered", p.opened.names)
	}
	if c := p.content("test"); c != demux.Media {
		t.Errorf("the content of test is %v, want Media", c)
	}
	o.raw.Width = 16
	if _, err := p.openToPlay(t.Context(), "test"); err == nil || !strings.Contains(err.Error(), "--size") {
		t.Errorf("16 columns: %v", err)
	}
	if _, err := p.openToPlay(t.Context(), "/dev/video4711"); err == nil || !strings.Contains(err.Error(), "no such camera") {
		t.Errorf("a missing camera: %v", err)
	}
}
