// Package settings reads what a person wants of planar permanently, and keeps
// what planar remembers from one time to the next.
package settings

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/BurntSushi/toml"

	"planar/demux"
)

// Settings is what the settings file says, or the defaults where it is silent.
type Settings struct {
	// Flags are the values that the file gives to flags of the command line, by
	// the flag's name and as it takes them. The command line wins over them.
	Flags map[string]string

	ScreenshotFolder string // absolute; "": the folder that planar was started in
	HexPixels        bool   // show code values of pixels in hexadecimal
	Accent           uint32 // colour of what is active in the controls, 0xRRGGBB
	RememberWindow   bool   // open windows in the size of the last one
	RememberRecent   bool   // keep lists of the latest files and URLs
}

// Defaults are the settings of an empty file.
func Defaults() Settings {
	return Settings{Flags: map[string]string{}, Accent: 0xffb224, RememberWindow: true, RememberRecent: true}
}

// Bounds of a settings file.
const (
	maxFile     = 64 << 10 // bytes; the commented default is 3 KB
	maxWarnings = 10       // more lines than a person wants to read on each start
)

// Path is where the settings file is looked for: $XDG_CONFIG_HOME/planar/planar.toml,
// with ~/.config for a variable that is unset or, as the XDG Base Directory
// Specification says, not absolute. It is "" if there is no home either.
func Path() string {
	return xdg("XDG_CONFIG_HOME", ".config", "planar.toml")
}

// xdg is a file of planar's in the folder that a variable names, or in one below
// the home folder.
func xdg(variable, below, name string) string {
	dir := os.Getenv(variable)
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil || !filepath.IsAbs(home) {
			return ""
		}
		dir = filepath.Join(home, below)
	}
	return filepath.Join(dir, "planar", name)
}

// Load reads the settings file. Without one the settings are the defaults. Each
// warning is a line for the user about something in the file that is not used;
// the rest of it is.
func Load() (Settings, []string) { return load(Path()) }

func load(path string) (Settings, []string) {
	text, err := readFile(path, maxFile)
	switch {
	case path == "" || errors.Is(err, os.ErrNotExist):
		return Defaults(), nil
	case err != nil:
		return Defaults(), []string{demux.OneLine(fmt.Sprintf("settings are not read: %v", err))}
	}
	s, problems := parse(string(text))
	var warnings []string
	for i, p := range problems {
		if i == maxWarnings {
			warnings = append(warnings, demux.OneLine(fmt.Sprintf("%s: %d more lines are not used", path, len(problems)-i)))
			break
		}
		warnings = append(warnings, demux.OneLine(fmt.Sprintf("%s:%d: %s", path, p.line, p.text)))
	}
	return s, warnings
}

// readFile reads a plain file of at most so many bytes. It does not open what is
// no plain file: a FIFO would keep planar waiting.
func readFile(path string, most int64) ([]byte, error) {
	st, err := os.Stat(path)
	if errors.Is(err, os.ErrPermission) {
		return nil, os.ErrNotExist // a folder that is closed to us holds no file of ours
	}
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a plain file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		return nil, fmt.Errorf("%s is larger than %d KB: make it shorter", path, most>>10)
	}
	return b, err
}

// problem is something in a settings file that is not used, in a line counted from 1.
type problem struct {
	line int
	text string
}

// parse reads the text of a settings file. The file is flat, one setting a line,
// so each line is a TOML document of its own: a mistake has a line number, and
// costs no other line.
func parse(text string) (s Settings, problems []problem) {
	s = Defaults()
	seen := map[string]int{}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		if err := parseLine(&s, strings.TrimRight(line, "\r\n"), number, seen); err != nil {
			problems = append(problems, problem{number, err.Error()})
		}
	}
	return s, problems
}

func parseLine(s *Settings, line string, number int, seen map[string]int) error {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return nil
	}
	if line[0] == '[' {
		return errors.New("planar's settings have no sections: remove the line, and write one setting a line, such as volume = 80")
	}
	// The name is looked up before the line is decoded, and nothing nested is:
	// the parser's time grows with the square of the depth.
	name, value, ok := strings.Cut(line, "=")
	name, value = strings.Trim(strings.TrimSpace(name), `"'`), strings.TrimSpace(value)
	if !ok || name == "" {
		return notUnderstood(line, "a name, =, and a value are expected")
	}
	k := find(name)
	switch {
	case k == nil && nearest(name) != "":
		return fmt.Errorf("there is no setting %q: did you mean %s?", shorten(name), nearest(name))
	case k == nil:
		return fmt.Errorf("there is no setting %q: 'man planar' lists what there is", shorten(name))
	case seen[name] > 0:
		return fmt.Errorf("%s is set already, in line %d, which counts: remove one of the two", name, seen[name])
	}
	values := map[string]any{}
	if strings.HasPrefix(value, "[") || strings.HasPrefix(value, "{") {
		values[name] = nested{}
	} else if _, err := toml.Decode(line, &values); err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			err = errors.New(syntax.Message)
		}
		return notUnderstood(line, err.Error())
	}
	if err := k.set(s, name, values[name]); err != nil {
		return fmt.Errorf("%s %w; the default, %s, is used", name, err, k.Default)
	}
	seen[name] = number
	return nil
}

// nested stands for a list or a table, which no setting is.
type nested struct{}

func notUnderstood(line, why string) error {
	return fmt.Errorf("%q is not understood (%s): write one setting a line, such as volume = 80 or osc = \"auto\", text in quotes", shorten(line), why)
}

// shorten cuts a text for a message.
func shorten(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

// find looks a setting up; nil if there is none of that name.
func find(name string) *Key {
	for i := range keys {
		if keys[i].Name == name {
			return &keys[i]
		}
	}
	return nil
}

// nearest is the setting whose name differs from a mistyped one by at most two
// letters; "" if none does.
func nearest(name string) string {
	best, least := "", 3
	if len(name) > 40 { // longer than any name and two letters
		return ""
	}
	for _, k := range keys {
		if d := distance(name, k.Name); d < least {
			best, least = k.Name, d
		}
	}
	return best
}

// distance counts the letters to put in, take out or change to get from a to b
// (Levenshtein's).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// cleanPath reports whether a path or URL may be kept and shown: valid UTF-8, as
// the files here must be, without control characters, and no longer than Linux's
// PATH_MAX.
func cleanPath(s string) bool {
	return s != "" && len(s) <= maxPath && strings.ToValidUTF8(s, "") == s && strings.IndexFunc(s, unicode.IsControl) < 0
}

const maxPath = 4096 // bytes
