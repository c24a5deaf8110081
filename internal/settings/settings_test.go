package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Setenv("HOME", "/home/ann")
	text := "\ufeff# mine\r\n\"volume\" = 80 # quiet\r\nmute=true\naudio-delay = -12.5\nosc = 'never'\n  scale = \"nearest\"\nrenderer = \"software\"\n" +
		"fullscreen = true\nrtsp-transport = \"tcp\"\nlatency = 150\nshow-damaged = true\nreconnect = false\nopen-timeout = 2.5\n" +
		"screenshot-folder = \"~/shots/\"\nhex-pixels = true\naccent = \"#00FF7f\"\nremember-window = false\nremember-recent = false"
	want := Settings{
		Flags: map[string]string{
			"volume": "80", "mute": "true", "audio-delay": "-12.5", "osc": "never", "scale": "nearest", "renderer": "software", "fullscreen": "true",
			"rtsp-transport": "tcp", "latency": "150", "show-damaged": "true", "reconnect": "false", "open-timeout": "2.5",
		},
		ScreenshotFolder: "/home/ann/shots", HexPixels: true, Accent: 0x00ff7f,
	}
	got, problems := parse(text)
	if len(problems) > 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, problems, want)
	}
	for _, k := range keys {
		if !strings.Contains(text, k.Name) {
			t.Errorf("%s is not tested", k.Name)
		}
	}
}

// What makes no sense is told with its line, cause and remedy, and costs nothing else.
func TestParseProblems(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`volum = 80`, `there is no setting "volum": did you mean volume?`},
		{`rtsp_transport = "tcp"`, `did you mean rtsp-transport`},
		{`colour-of-the-sky = 1`, `'man planar' lists`},
		{`a.b = 1`, `there is no setting "a.b"`},
		{`volume = 120`, `volume 120 is outside 0 to 100: give a number between them; the default, 100, is used`},
		{`volume = nan`, `outside`},
		{`volume = inf`, `outside`},
		{`volume = "80"`, `volume is text: give a number from 0 to 100, without quotes`},
		{`volume = 2024-05-01`, `volume is a date`},
		{`volume = [1]`, `volume is a list or a table: give a number`},
		{`volume = {a=1}`, `volume is a list or a table`},
		{`volume.x = 1`, `there is no setting "volume.x": did you mean volume?`},
		{`volume = true`, `volume is true or false`},
		{`volume = 99999999999999999999`, `is not understood`},
		{`mute = "yes"`, `mute is text: write true or false, without quotes`},
		{`hex-pixels = 1`, `hex-pixels is a number`},
		{`osc = "allways"`, `osc "allways" is unknown: give one of "auto", "always", "never"; the default, "auto", is used`},
		{`osc = always`, `is not understood`},
		{`osc = true`, `osc is true or false: give one of`},
		{`latency = "fast"`, `latency "fast" is unknown: give "auto", or milliseconds`},
		{`latency = -1`, `outside 0 to 10000`},
		{`screenshot-folder = "shots"`, `"shots" is not absolute: begin it with / or ~/`},
		{`screenshot-folder = "/a\u0000b"`, `control characters`},
		{`screenshot-folder = 5`, `give a path in quotes`},
		{`accent = "red"`, `"red" is no colour`},
		{`accent = "#+12345"`, `is no colour`},
		{`accent = 16755520`, `give a colour in quotes`},
		{`[window]`, `no sections`},
		{`[[window]]`, `no sections`},
		{`volume`, `is not understood`},
		{`= 5`, `is not understood`},
		{"volume = \xff", `is not understood`},
		{"# fine\nvolume = 80\nvolume = 90", `volume is set already, in line 2, which counts`},
	} {
		text := c.line + "\nreconnect = false\n"
		s, problems := parse(text)
		line := 1 + strings.Count(c.line, "\n")
		if len(problems) != 1 || problems[0].line != line || !strings.Contains(problems[0].text, c.want) {
			t.Errorf("%q: told %v, want line %d: %s", c.line, problems, line, c.want)
		}
		want := Defaults()
		want.Flags["reconnect"] = "false"
		if line > 1 {
			want.Flags["volume"] = "80"
		}
		if !reflect.DeepEqual(s, want) {
			t.Errorf("%q: got %+v, want %+v", c.line, s, want)
		}
	}
}

func TestDefault(t *testing.T) {
	s, problems := parse(Default())
	if len(problems) > 0 || !reflect.DeepEqual(s, Defaults()) {
		t.Errorf("the default file says %+v, %v", s, problems)
	}
	// With everything taken out of comments it says the same.
	said := regexp.MustCompile(`(?m)^#([a-z-]+ = )`).ReplaceAllString(Default(), "$1")
	s, problems = parse(said)
	if len(problems) > 0 || len(s.Flags) == 0 {
		t.Errorf("%+v, %v", s, problems)
	}
	for _, k := range Keys() {
		v, ok := s.Flags[k.Name]
		if ok != k.Flag || k.Flag && v != strings.Trim(k.Default, `"`) {
			t.Errorf("%s: %q (%t), want %s", k.Name, v, ok, k.Default)
		}
	}
	s.Flags = map[string]string{}
	if !reflect.DeepEqual(s, Defaults()) {
		t.Errorf("got %+v, want %+v", s, Defaults())
	}
	for line := range strings.Lines(Default()) {
		if len(line) > 80 {
			t.Errorf("longer than 79 characters: %q", line)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	path := filepath.Join(dir, "planar", "planar.toml")
	if Path() != path {
		t.Fatalf("looks for %s, want %s", Path(), path)
	}
	check := func(what string, want Settings, warnings ...string) {
		t.Helper()
		s, got := Load()
		if !reflect.DeepEqual(s, want) || len(got) != len(warnings) {
			t.Fatalf("%s: %+v, %q", what, s, got)
		}
		for i := range got {
			if !strings.Contains(got[i], warnings[i]) || strings.ContainsAny(got[i], "\n\t\x1b") {
				t.Errorf("%s: told %q, want %q in a line", what, got[i], warnings[i])
			}
		}
	}
	check("no folder", Defaults())
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	check("no file", Defaults())
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("volume = 5\n\nosc = \"\x1b[31m\"\n")
	want := Defaults()
	want.Flags["volume"] = "5"
	check("a bad line", want, path+":3: ")
	write(strings.Repeat("#", maxFile))
	check("as large as may be", Defaults())
	write(strings.Repeat("#", maxFile+1))
	check("too large", Defaults(), "larger than 64 KB: make it shorter")
	write(strings.Repeat("x\n", 1000))
	many := make([]string, maxWarnings)
	check("many bad lines", Defaults(), append(many, "990 more lines")...)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	check("a folder", Defaults(), "is not a plain file")
}

func TestPlaces(t *testing.T) {
	for _, c := range []struct{ home, config, state, wantConfig, wantState string }{
		{"/h", "/c", "/s", "/c/planar/planar.toml", "/s/planar/state.json"},
		{"/h", "", "", "/h/.config/planar/planar.toml", "/h/.local/state/planar/state.json"},
		{"/h", "c", "./s", "/h/.config/planar/planar.toml", "/h/.local/state/planar/state.json"},
		{"", "", "", "", ""},
		{"h", "", "", "", ""},
		{"", "/c", "/s", "/c/planar/planar.toml", "/s/planar/state.json"},
	} {
		t.Setenv("HOME", c.home)
		t.Setenv("XDG_CONFIG_HOME", c.config)
		t.Setenv("XDG_STATE_HOME", c.state)
		if Path() != c.wantConfig || OpenStore().path != c.wantState {
			t.Errorf("%+v: %q, %q", c, Path(), OpenStore().path)
		}
	}
	// Without any place there is nothing, and no complaint.
	t.Setenv("HOME", "")
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("XDG_STATE_HOME", "")
	if s, warnings := Load(); len(warnings) > 0 || !reflect.DeepEqual(s, Defaults()) {
		t.Errorf("%+v, %q", s, warnings)
	}
	st := OpenStore()
	if err := st.Update(func(s *State) { s.Mute = true }); err != nil || !reflect.DeepEqual(st.Load(), State{}) {
		t.Errorf("%v, %+v", err, st.Load())
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Default())
	f.Add("volume = 80\nosc = \"never\"\naccent = \"#123456\"\nlatency = 0x10\n")
	f.Add("a.b.c = [[{x=1}],\"\"\"")
	f.Add("screenshot-folder = \"~/\\u0007\"")
	f.Fuzz(func(t *testing.T, text string) {
		s, problems := parse(text)
		lines := 1 + strings.Count(text, "\n")
		for _, p := range problems {
			if p.line < 1 || p.line > lines || p.text == "" || len(p.text) > 2000 {
				t.Errorf("a problem of %d bytes in line %d of %d: %.200q", len(p.text), p.line, lines, p.text)
			}
		}
		if s.Accent > 0xffffff || s.ScreenshotFolder != "" && !filepath.IsAbs(s.ScreenshotFolder) {
			t.Errorf("%+v", s)
		}
		// What was taken can be written, and means the same then.
		var again strings.Builder
		for name, v := range s.Flags {
			if k := find(name); k == nil || !k.Flag {
				t.Fatalf("took a setting %q", name)
			}
			if _, err := fmt.Sscanf(v, "%f", new(float64)); err != nil && v != "true" && v != "false" {
				v = `"` + v + `"`
			}
			fmt.Fprintf(&again, "%s = %s\n", name, v)
		}
		if s2, p := parse(again.String()); len(p) > 0 || !reflect.DeepEqual(s2.Flags, s.Flags) {
			t.Errorf("%q: %v, %v", again.String(), s2.Flags, p)
		}
	})
}
