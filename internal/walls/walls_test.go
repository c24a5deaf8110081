// Package walls tests that the packages keep to their places: what may import
// what, and why. docs/ARCHITECTURE.md draws the same map.
package walls

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// homes says which packages alone may import a library, and why.
var homes = []struct {
	library string
	allowed []string
	why     string
}{
	{
		"github.com/asticode/go-astiav",
		[]string{"planar/demux/ffmpeg"},
		"another FFmpeg major needs another go-astiav with other names; that is cheap only while they are in one place",
	},
	{
		"github.com/veandco/go-sdl2/sdl",
		[]string{"planar/render/sdl", "planar/audio/sdl"},
		"pictures and sound must be testable, and replaceable, without SDL",
	},
	{
		"github.com/inkyblackness/imgui-go/v4",
		[]string{"planar/player/controls"},
		"the library sleeps; another one shall cost one package",
	},
	{
		"github.com/BurntSushi/toml",
		[]string{"planar/internal/settings"},
		"settings have one reader, which bounds what a file may cost",
	},
	{
		"planar/player/controls",
		[]string{"planar/cmd/planar"},
		"the player knows its controls by their contract, and is tested without them",
	},
	{
		"planar/render/sdl",
		[]string{"planar/cmd/planar"},
		"only the command names concrete devices",
	},
	{
		"planar/audio/sdl",
		[]string{"planar/cmd/planar"},
		"only the command names concrete devices",
	},
	{
		"planar/demux/ffmpeg",
		[]string{"planar/cmd/planar"},
		"the player knows sources by their contract",
	},
	{
		"github.com/bluenviron/gortmplib",
		[]string{"planar/player/publish/rtmp"},
		"a target is known by its contract; another library shall cost one package",
	},
	{
		"github.com/datarhei/gosrt",
		[]string{"planar/player/publish/carrier"},
		"a target is known by its contract; another library shall cost one package",
	},
	{
		"planar/player/publish/rtsp",
		[]string{"planar/cmd/planar"},
		"only the command names concrete targets",
	},
	{
		"planar/player/publish/rtmp",
		[]string{"planar/cmd/planar"},
		"only the command names concrete targets",
	},
	{
		"planar/player/publish/carrier",
		[]string{"planar/cmd/planar"},
		"only the command names concrete targets",
	},
	{
		"planar/demux/filemap",
		[]string{"planar/cmd/planar"},
		"readers work without mapping, and are tested so; only the command says that there is one",
	},
	{
		"planar/demux/guess",
		[]string{"planar/cmd/planar", "planar/player/controls"},
		"readers are told what a file holds; guessing is for whoever talks to the user",
	},
	{
		"planar/player",
		[]string{"planar/cmd/planar", "planar/player/controls"},
		"devices and sources lie below the player and must not know it",
	},
}

// pure packages are arithmetic and plain reading: they build without cgo.
var pure = []string{
	"planar/render", "planar/render/hash", "planar/render/null", "planar/render/scope", "planar/audio", "planar/audio/analysis", "planar/audio/null", "planar/audio/wav",
	"planar/demux", "planar/demux/guess", "planar/demux/pattern", "planar/demux/rtsp", "planar/player", "planar/player/clock", "planar/player/latency", "planar/player/queue",
	"planar/player/publish", "planar/player/publish/rtsp", "planar/player/publish/rtmp", "planar/player/publish/carrier", "planar/player/publish/wire", "planar/internal/settings",
}

// imports lists, for each package of the module, what its code (not its tests) imports.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "planar/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	m := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		m[f[0]] = f[1:]
	}
	return m
}

func TestLibrariesHaveOneHome(t *testing.T) {
	for pkg, imported := range imports(t) {
		for _, h := range homes {
			if !slices.Contains(imported, h.library) || slices.Contains(h.allowed, pkg) {
				continue
			}
			t.Errorf("%s imports %s: only %v may, because %s", pkg, h.library, h.allowed, h.why)
		}
	}
}

func TestPurePackagesNeedNoC(t *testing.T) {
	all := imports(t)
	for _, pkg := range pure {
		if _, ok := all[pkg]; !ok {
			t.Errorf("%s is listed here but does not exist", pkg)
		}
		if slices.Contains(all[pkg], "C") {
			t.Errorf("%s uses cgo", pkg)
		}
		for _, i := range all[pkg] {
			if strings.HasPrefix(i, "planar/") && !slices.Contains(pure, i) {
				t.Errorf("%s imports %s, which is not pure", pkg, i)
			}
		}
	}
}
