package e2e

import (
	"debug/elf"
	"os"
	"strings"
	"testing"
)

// The program must start without FFmpeg's libraries, which take 50 ms and 40 MB
// to load: see demux/ffmpeg/lazy.c.
func TestFFmpegIsLoadedLate(t *testing.T) {
	path := os.Getenv("PLANAR_BIN")
	if path == "" {
		t.Skip("only what make builds is linked for it: set PLANAR_BIN")
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Skip("not an ELF program:", err)
	}
	defer f.Close()
	libs, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range libs {
		if strings.HasPrefix(l, "libav") || strings.HasPrefix(l, "libsw") {
			symbols, _ := f.ImportedSymbols()
			var missing []string
			for _, s := range symbols {
				if s.Library == l || s.Library == "" && (strings.HasPrefix(s.Name, "av") || strings.HasPrefix(s.Name, "sw")) {
					missing = append(missing, s.Name)
				}
			}
			t.Errorf("%s is loaded at every start: add %v to demux/ffmpeg/lazy.h", l, missing)
		}
	}
}
