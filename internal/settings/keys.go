package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Key describes one setting of the file.
type Key struct {
	Name    string
	Default string // as it is written in the file
	Doc     string // one sentence, without its full stop
	Flag    bool   // there is a flag of this name, whose value it is

	// set checks a value as TOML gives it, and notes it. The error goes on after
	// the setting's name.
	set func(s *Settings, name string, v any) error
}

// Keys lists the settings, in the order in which they are documented.
func Keys() []Key { return slices.Clone(keys) }

var keys = []Key{
	{"volume", "100", "Volume, 0 to 100", true, number(0, 100)},
	{"mute", "false", "Begin without sound", true, boolean},
	{"audio-delay", "0", "Milliseconds by which sound is played later, -60000 to 60000, for screens that are slower than the loudspeakers", true, number(-60000, 60000)},
	{"osc", `"auto"`, `On-screen controls: "auto", "always" or "never"`, true, choice("auto", "always", "never")},
	{"scale", `"bilinear"`, `Scaling filter: "nearest", "bilinear" or "bicubic"`, true, choice("nearest", "bilinear", "bicubic")},
	{"renderer", `"auto"`, `What draws the picture: "auto", "software" or "opengl"`, true, choice("auto", "software", "opengl")},
	{"fullscreen", "false", "Begin in full screen", true, boolean},
	{"rtsp-transport", `"auto"`, `How RTSP streams are fetched: "auto" (UDP, and TCP when that fails), "udp", "tcp", "multicast" or "http"`, true, choice("auto", "udp", "tcp", "multicast", "http")},
	{"latency", `"auto"`, `Delay of live sources: milliseconds, 0 to 10000, or "auto", which is what the jitter asks for`, true, latency},
	{"show-damaged", "false", "After a loss, show damaged pictures instead of waiting for a key frame", true, boolean},
	{"reconnect", "true", "Connect again when a live source is lost", true, boolean},
	{"open-timeout", "10", "Seconds to wait for a source to open, 0.1 to 3600", true, number(0.1, 3600)},

	{"screenshot-folder", `""`, `Folder for snapshots: an absolute path, or ~/ and what is below the home folder; "" is the folder planar was started in`, false, func(s *Settings, _ string, v any) (err error) {
		s.ScreenshotFolder, err = folder(v, s.ScreenshotFolder)
		return err
	}},
	{"hex-pixels", "false", "Show code values of pixels in hexadecimal", false, func(s *Settings, _ string, v any) error { return truth(v, &s.HexPixels) }},
	{"accent", `"#ffb224"`, `Colour of what is active in the controls: "#rrggbb"`, false, func(s *Settings, _ string, v any) (err error) {
		s.Accent, err = colour(v, s.Accent)
		return err
	}},
	{"remember-window", "true", "Open windows in the size of the last one", false, func(s *Settings, _ string, v any) error { return truth(v, &s.RememberWindow) }},
	{"remember-recent", "true", "Keep lists of the latest files and URLs, without passwords", false, func(s *Settings, _ string, v any) error { return truth(v, &s.RememberRecent) }},
}

// number accepts what lies from low to high.
func number(low, high float64) func(*Settings, string, any) error {
	return func(s *Settings, name string, v any) error {
		var f float64
		switch v := v.(type) {
		case int64:
			f = float64(v)
		case float64:
			f = v
		default:
			return fmt.Errorf("is %s: give a number from %g to %g, without quotes", kind(v), low, high)
		}
		if !(f >= low && f <= high) { // nor is it, if it is no number
			return fmt.Errorf("%g is outside %g to %g: give a number between them", f, low, high)
		}
		s.Flags[name] = strconv.FormatFloat(f, 'f', -1, 64)
		return nil
	}
}

func boolean(s *Settings, name string, v any) error {
	var b bool
	if err := truth(v, &b); err != nil {
		return err
	}
	s.Flags[name] = strconv.FormatBool(b)
	return nil
}

func truth(v any, to *bool) error {
	b, ok := v.(bool)
	if !ok {
		return fmt.Errorf("is %s: write true or false, without quotes", kind(v))
	}
	*to = b
	return nil
}

func choice(names ...string) func(*Settings, string, any) error {
	return func(s *Settings, name string, v any) error {
		t, ok := v.(string)
		switch {
		case !ok:
			return fmt.Errorf("is %s: give one of %s", kind(v), quoted(names))
		case !slices.Contains(names, t):
			return fmt.Errorf("%q is unknown: give one of %s", shorten(t), quoted(names))
		}
		s.Flags[name] = t
		return nil
	}
}

func latency(s *Settings, name string, v any) error {
	if v == "auto" {
		s.Flags[name] = "auto"
		return nil
	}
	if t, ok := v.(string); ok {
		return fmt.Errorf("%q is unknown: give \"auto\", or milliseconds from 0 to 10000 without quotes", shorten(t))
	}
	return number(0, 10000)(s, name, v)
}

// folder is an absolute path; ~/ stands for the home folder.
func folder(v any, or string) (string, error) {
	t, ok := v.(string)
	switch {
	case !ok:
		return or, fmt.Errorf("is %s: give a path in quotes", kind(v))
	case t == "":
		return "", nil
	case !cleanPath(t):
		return or, errors.New("holds control characters, or is longer than a path may be: give another folder")
	}
	if rest, ok := strings.CutPrefix(t, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return or, fmt.Errorf("%q cannot be found (%w): give an absolute path", shorten(t), err)
		}
		t = filepath.Join(home, rest)
	}
	if !filepath.IsAbs(t) {
		return or, fmt.Errorf("%q is not absolute: begin it with / or ~/", shorten(t))
	}
	return filepath.Clean(t), nil
}

// colour is 0xRRGGBB of "#rrggbb".
func colour(v any, or uint32) (uint32, error) {
	t, ok := v.(string)
	if !ok {
		return or, fmt.Errorf("is %s: give a colour in quotes, such as \"#ffb224\"", kind(v))
	}
	hex, ok := strings.CutPrefix(t, "#")
	n, err := strconv.ParseUint(hex, 16, 24)
	if !ok || len(hex) != 6 || err != nil {
		return or, fmt.Errorf("%q is no colour: give red, green and blue in hexadecimal, such as \"#ffb224\"", shorten(t))
	}
	return uint32(n), nil
}

// kind says what a TOML value is.
func kind(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case int64, float64:
		return "a number"
	case bool:
		return "true or false"
	case nested:
		return "a list or a table"
	}
	return "a date"
}

func quoted(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }

// Default is a settings file that says all that can be said, each setting
// commented out at its default.
func Default() string {
	var b strings.Builder
	b.WriteString(`# planar's settings, in TOML: one setting a line, text in quotes.
#
# planar reads $XDG_CONFIG_HOME/planar/planar.toml when it starts, which is
# ~/.config/planar/planar.toml by default. Flags on the command line win over
# this file, this file over what planar remembers. A line that makes no sense
# is told and passed over. Remove the # before a setting to change it.
`)
	for _, k := range keys {
		b.WriteByte('\n')
		column := 0
		for _, word := range strings.Fields(k.Doc + ".") {
			if column == 0 || column+1+len(word) > 78 {
				if column > 0 {
					b.WriteByte('\n')
				}
				b.WriteByte('#')
				column = 1
			}
			b.WriteString(" " + word)
			column += 1 + len(word)
		}
		fmt.Fprintf(&b, "\n#%s = %s\n", k.Name, k.Default)
	}
	return b.String()
}
