package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"planar/demux"
	"planar/internal/settings"
	"planar/packaging/icons"
)

var update = flag.Bool("update", false, "write the manual page, the completions and the sample of the settings anew")

const top = "../.." // of the repository

// What is checked in is what the flags say.
func TestManualIsCurrent(t *testing.T) {
	for path, want := range generated() {
		path = filepath.Join(top, filepath.FromSlash(path))
		if *update {
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(want), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is not what the flags say (%v): go test ./cmd/planar -run Manual -update", path, err)
		}
	}
}

// parseOne parses a command line of playing, with one flag.
func parseOne(args ...string) error { return parseAs(commands()[0], args...) }

// parseAs parses a command line of a command, with one flag.
func parseAs(c command, args ...string) error {
	o, raw := &options{}, &rawFlags{}
	return parseArgs(c.flags(o, raw), o, raw, append(args, "x.yuv"))
}

// Every flag that takes something is described, and takes what is offered.
func TestManualArguments(t *testing.T) {
	set := flagSet(&options{}, &rawFlags{})
	for name := range arguments {
		name = name[strings.LastIndexByte(name, ' ')+1:]
		if !slices.ContainsFunc(allFlags(), func(f *pflag.Flag) bool { return f.Name == name }) {
			t.Errorf("there is no flag --%s", name)
		}
	}
	for name := range flagGroups {
		if set.Lookup(name) == nil {
			t.Errorf("there is no flag --%s to begin a group", name)
		}
	}
	for _, c := range commands() {
		for _, f := range listFlags(c.name) {
			testArgument(t, c, f)
		}
	}
}

func testArgument(t *testing.T, c command, f *pflag.Flag) {
	t.Helper()
	a := argumentOf(c.name, f)
	if ok := a.name != ""; ok != takesValue(f) {
		t.Errorf("%s --%s: takes something %t, described %t", c.name, f.Name, takesValue(f), ok)
		return
	}
	for _, v := range a.values {
		if v == "wav:" {
			v += "x.wav"
		}
		if err := parseAs(c, "--"+f.Name, v); err != nil {
			t.Errorf("%s --%s %s is offered, but: %v", c.name, f.Name, v, err)
		}
	}
	if a.name == "" {
		return
	}
	// The error names all values, if only some are taken.
	err := parseAs(c, "--"+f.Name, "?")
	_, list, closed := strings.Cut(strings.TrimSuffix(errorText(err), "."), "is not one of ")
	if closed != a.closed {
		t.Errorf("%s --%s: only some values are taken: %t, described: %t (%v)", c.name, f.Name, closed, a.closed, err)
	}
	want := strings.Split(list, ", ")
	var got []string
	for _, v := range a.values {
		got = append(got, strings.TrimSuffix(v, ":"))
	}
	slices.Sort(got)
	if closed && !slices.Equal(got, want) {
		t.Errorf("%s --%s offers %q, takes %q", c.name, f.Name, got, want)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// The settings of the file are flags' where they say so: their defaults are the
// same, and a flag takes what the file may say.
func TestSettingsAreFlags(t *testing.T) {
	set := flagSet(&options{}, &rawFlags{})
	for _, k := range settings.Keys() {
		f := set.Lookup(k.Name)
		if (f != nil) != k.Flag {
			t.Errorf("%s: a flag %t, said to be one %t", k.Name, f != nil, k.Flag)
		}
		if f == nil {
			continue
		}
		if d := strings.Trim(k.Default, `"`); d != f.DefValue {
			t.Errorf("%s: default %s in the file, %s of the flag", k.Name, d, f.DefValue)
		}
		a := arguments[k.Name]
		for _, v := range a.values {
			if !strings.Contains(k.Doc, `"`+v+`"`) {
				t.Errorf("%s: %s is not documented", k.Name, v)
			}
		}
		// Both ends of the ranges, as they are documented, and nothing beyond.
		if m := regexp.MustCompile(`(-?[0-9.]+) to ([0-9]+)`).FindStringSubmatch(k.Doc); m != nil {
			if err := errors.Join(parseOne("--"+k.Name+"="+m[1]), parseOne("--"+k.Name+"="+m[2])); err != nil {
				t.Errorf("%s: %v", k.Name, err)
			}
			if parseOne("--"+k.Name+"="+m[2]+"1") == nil || parseOne("--"+k.Name+"=-"+strings.TrimPrefix(m[1], "-")+"1") == nil {
				t.Errorf("%s: the flag takes more than %s", k.Name, m[0])
			}
		}
	}
}

// need skips the test without a program; tools that check what is written are no
// part of what planar needs.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("no %s here", program)
	}
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

func TestManualPage(t *testing.T) {
	page := manualPage()
	for _, f := range allFlags() {
		if !strings.Contains(page, roff("--"+f.Name)+`\fR`) {
			t.Errorf("--%s is missing", f.Name)
		}
	}
	for i, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, "'") || strings.TrimRight(line, " ") != line {
			t.Errorf("line %d: %q", i+1, line)
		}
	}
	t.Run("groff", func(t *testing.T) {
		need(t, "groff")
		if out := output(t, "groff", "-ww", "-man", "-z", filepath.Join(top, "packaging/man/planar.1")); out != "" {
			t.Error(out)
		}
	})
	t.Run("mandoc", func(t *testing.T) {
		need(t, "mandoc")
		output(t, "mandoc", "-Tlint", "-Wwarning", filepath.Join(top, "packaging/man/planar.1"))
	})
}

// completionCases are command lines, what must be offered, and what must not.
var completionCases = []struct {
	line       []string
	want, dont []string
}{
	{[]string{"--os"}, []string{"--osc"}, []string{"--size"}},
	{[]string{"--osc", ""}, []string{"auto", "always", "never"}, []string{"probe", "clip.yuv"}},
	{[]string{"--osc", "a"}, []string{"auto", "always"}, []string{"never"}},
	{[]string{"-s", "72"}, []string{"720p"}, nil},
	{[]string{"-f", "nv"}, []string{"nv12", "nv21"}, []string{"i420"}},
	{[]string{"--ao", "w"}, []string{"wav:"}, []string{"device"}},
	{[]string{"p"}, []string{"probe", "pictures.yuv"}, []string{"clip.yuv"}},
	{[]string{"c"}, []string{"clip.yuv"}, []string{"probe"}},
	{[]string{"probe", "--j"}, []string{"--json"}, nil},
	{[]string{"probe", "--"}, []string{"--json", "--size", "--help"}, []string{"--osc", "--volume"}},
	{[]string{"--"}, []string{"--osc", "--volume", "--help"}, []string{"--json"}},
	{[]string{"probe", "c"}, []string{"clip.yuv"}, nil},
	{[]string{"push", "--"}, []string{"--retries", "--channels", "--size", "--copy"}, []string{"--osc", "--volume", "--listen", "--json"}},
	{[]string{"push", "--copy", ""}, []string{"auto", "yes", "no"}, nil},
	{[]string{"serve", "--"}, []string{"--listen", "--accept-push", "--copy"}, []string{"--osc", "--retries"}},
	{[]string{"serve", "c"}, []string{"clip.yuv"}, nil},
	{[]string{"p"}, []string{"probe", "push", "pictures.yuv"}, []string{"serve"}},
	{[]string{"--mute", "c"}, []string{"clip.yuv"}, nil},
	{[]string{"--audio", "c"}, []string{"clip.yuv"}, nil},
}

// testCompletion runs the cases in a folder with two files; complete returns what
// is offered, separated by blanks.
func testCompletion(t *testing.T, complete func(t *testing.T, dir string, line []string) string) {
	dir := t.TempDir()
	for _, name := range []string{"clip.yuv", "pictures.yuv"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range completionCases {
		got := strings.Fields(complete(t, dir, c.line))
		for _, w := range c.want {
			if !slices.Contains(got, w) {
				t.Errorf("%q: offers %q, not %s", c.line, got, w)
			}
		}
		for _, w := range c.dont {
			if slices.Contains(got, w) {
				t.Errorf("%q: offers %q, also %s", c.line, got, w)
			}
		}
	}
}

func shell(t *testing.T, dir, name, script string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a shell that waits for more is killed
	defer cancel()
	cmd := exec.CommandContext(ctx, name, append([]string{"-c", script, name}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir+"/.config", "XDG_DATA_HOME="+dir+"/.data", "XDG_CACHE_HOME="+dir+"/.cache", "ZDOTDIR="+dir, "TERM=dumb")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	return string(out)
}

func TestManualBash(t *testing.T) {
	need(t, "bash")
	file, err := filepath.Abs(filepath.Join(top, "packaging/completions/planar.bash"))
	if err != nil {
		t.Fatal(err)
	}
	// compopt works only while readline completes; what it would have said is
	// noted, and "default" does what readline does.
	const script = `source "$1"; shift
compopt() { [[ $1 != +o ]] || default=; }
default=yes COMP_WORDS=(planar "$@") COMP_CWORD=$#
_planar planar "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
if ((${#COMPREPLY[@]} == 0)) && [[ $default ]]; then COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")); fi
printf '%s\n' "${COMPREPLY[@]}"`
	offered := func(t *testing.T, dir string, line []string) string {
		return shell(t, dir, "bash", script, append([]string{file}, line...)...)
	}
	testCompletion(t, offered)
	dir := t.TempDir()
	for _, c := range []struct {
		line []string
		want string
	}{
		{[]string{"--osc", "="}, "auto always never"},
		{[]string{"--osc", "=", "al"}, "always"},
		{[]string{"--volume", ""}, ""},
		{[]string{"--ao", "wav", ":", "x"}, ""},
	} {
		if got := strings.Join(strings.Fields(offered(t, dir, c.line)), " "); got != c.want {
			t.Errorf("%q: offers %q, want %q", c.line, got, c.want)
		}
	}
}

func TestManualFish(t *testing.T) {
	need(t, "fish")
	file, err := filepath.Abs(filepath.Join(top, "packaging/completions/planar.fish"))
	if err != nil {
		t.Fatal(err)
	}
	testCompletion(t, func(t *testing.T, dir string, line []string) string {
		out := shell(t, dir, "fish", `source $argv[2]; complete -C "planar $argv[3..]"`, append([]string{file}, line...)...)
		var names []string
		for l := range strings.Lines(out) {
			name, _, _ := strings.Cut(strings.TrimSpace(l), "\t")
			names = append(names, name)
		}
		return strings.Join(names, " ")
	})
}

func TestManualZsh(t *testing.T) {
	need(t, "zsh")
	dir, err := filepath.Abs(filepath.Join(top, "packaging/completions"))
	if err != nil {
		t.Fatal(err)
	}
	// zsh completes at a terminal only. One of its own is given a line, Tab, and a
	// key that ends it; what is added to the matches goes to a file as well.
	const rc = `autoload -Uz compinit; compinit -u -d $HOME/.dump
compadd() {
	local -a hits
	# With -O, -A or -D somebody asks what would match, and adds nothing yet.
	[[ " ${(j: :)@[1,(i)(-|--)]} " == *' -'[OAD]' '* ]] || {
		builtin compadd -O hits "$@"
		print -rl -- $hits >>$HOME/offered
	}
	builtin compadd "$@"
}
leave() { exit; }
zle -N leave; bindkey '^I' complete-word; bindkey '^T' leave
PROMPT=ready RPROMPT=`
	const script = `zmodload zsh/zpty
zpty z zsh -d -i
zpty -r z out '*ready*'
zpty -w -n z "planar $1"$'\t\x14'
while zpty -r z out; do :; done
cat $HOME/offered 2>/dev/null || true`
	testCompletion(t, func(t *testing.T, work string, line []string) string {
		if err := os.WriteFile(filepath.Join(work, ".zshrc"), []byte("fpath=("+dir+" $fpath)\n"+rc), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Remove(filepath.Join(work, "offered"))
		return shell(t, work, "zsh", script, strings.Join(line, " "))
	})
}

// The types that the desktop is told of are those that planar takes for raw files.
func TestManualTypes(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(top, "packaging/planar-mime.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var info struct {
		Types []struct {
			Type  string `xml:"type,attr"`
			Globs []struct {
				Pattern string `xml:"pattern,attr"`
			} `xml:"glob"`
		} `xml:"mime-type"`
	}
	if err := xml.Unmarshal(b, &info); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]demux.Content{"video/x-raw-yuv": demux.RawVideo, "video/x-yuv4mpeg": demux.Y4M, "audio/x-raw-pcm": demux.RawAudio}
	if len(info.Types) != len(kinds) {
		t.Errorf("%d types, want %d", len(info.Types), len(kinds))
	}
	entry, err := os.ReadFile(filepath.Join(top, "packaging/planar.desktop"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range info.Types {
		if len(m.Globs) == 0 || !strings.Contains(string(entry), m.Type+";") {
			t.Errorf("%s: %d patterns; is it in planar.desktop?", m.Type, len(m.Globs))
		}
		for _, g := range m.Globs {
			if got := demux.ContentOf("x" + strings.TrimPrefix(g.Pattern, "*")); got != kinds[m.Type] {
				t.Errorf("%s: planar takes %s for %v", m.Type, g.Pattern, got)
			}
		}
	}
	t.Run("desktop-file-validate", func(t *testing.T) {
		need(t, "desktop-file-validate")
		if out := output(t, "desktop-file-validate", filepath.Join(top, "packaging/planar.desktop")); out != "" {
			t.Error(out)
		}
	})
}

// Everything is installed where it belongs, and taken away again.
func TestManualInstall(t *testing.T) {
	if _, err := os.Stat(filepath.Join(top, "bin/planar")); err != nil {
		t.Skip("planar is not built")
	}
	dir := t.TempDir()
	install := func(args ...string) {
		t.Helper()
		cmd := exec.Command(filepath.Join(top, "packaging/install.sh"), args...)
		cmd.Env = append(os.Environ(), "DESTDIR="+dir, "PREFIX=/usr")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	files := func() (n int) {
		err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				n++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	install()
	for _, path := range []string{
		"bin/planar", "share/man/man1/planar.1", "share/bash-completion/completions/planar", "share/zsh/site-functions/_planar",
		"share/fish/vendor_completions.d/planar.fish", "share/applications/planar.desktop", "share/mime/packages/planar.xml",
		"share/metainfo/planar.metainfo.xml", "share/icons/hicolor/scalable/apps/planar.svg", "share/icons/hicolor/48x48/apps/planar.png",
		"share/doc/planar/LICENSE", "share/doc/planar/planar.toml",
	} {
		if _, err := os.Stat(filepath.Join(dir, "usr", path)); err != nil {
			t.Error(err)
		}
	}
	if n := files(); n < 18 {
		t.Errorf("%d files", n)
	}
	install("uninstall")
	if n := files(); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

// The window's icon is a PNG file of 64x64.
func TestManualIcon(t *testing.T) {
	img, err := png.Decode(bytes.NewReader(icons.PNG))
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() != 64 || b.Dy() != 64 {
		t.Errorf("%v, want 64x64", b)
	}
	if _, _, _, a := img.At(0, 0).RGBA(); a != 0 {
		t.Error("its corner is not transparent")
	}
}
