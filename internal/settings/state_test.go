package settings

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"planar/demux"
)

func tempStore(t *testing.T) *Store {
	return &Store{filepath.Join(t.TempDir(), "planar", "state.json")}
}

func TestState(t *testing.T) {
	st := tempStore(t)
	if s := st.Load(); !reflect.DeepEqual(s, State{}) {
		t.Errorf("something is remembered before anything was: %+v", s)
	}
	volume := 0.25
	err := st.Update(func(s *State) {
		s.Width, s.Height, s.Volume, s.Mute, s.Panels = 640, 480, &volume, true, []string{"info", "playlist"}
		s.AddRecent("/a/b.yuv")
		s.AddRecent("rtsp://ann:secret@cam/x")
	})
	if err != nil {
		t.Fatal(err)
	}
	want := State{
		Width: 640, Height: 480, Volume: &volume, Mute: true, Panels: []string{"info", "playlist"},
		Recent: []string{"rtsp://cam/x", "/a/b.yuv"}, URLs: []string{"rtsp://cam/x"},
	}
	if got := st.Load(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	info, err := os.Stat(st.path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o, want 600", info.Mode().Perm())
	}
	// What is known already is not written again.
	if err := st.Update(func(s *State) { s.AddRecent("rtsp://cam/x") }); err != nil {
		t.Fatal(err)
	}
	if again, err := os.Stat(st.path); err != nil || !os.SameFile(info, again) {
		t.Error("the same is written again")
	}
	// Lists can be cleared.
	if err := st.Update(func(s *State) { s.Recent, s.URLs = nil, nil }); err != nil {
		t.Fatal(err)
	}
	if s := st.Load(); len(s.Recent)+len(s.URLs) > 0 || s.Width != 640 {
		t.Errorf("%+v", s)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(st.path), "*")); err != nil || len(left) != 1 {
		t.Errorf("left over: %v", left)
	}
}

func TestAddRecent(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ source, want string }{
		{"x.yuv", filepath.Join(wd, "x.yuv")},
		{"../x y.yuv", filepath.Join(filepath.Dir(wd), "x y.yuv")},
		{"/a//frame%04d.yuv", "/a/frame%04d.yuv"},
		{"/a/übung.yuv", "/a/übung.yuv"},
		{"-", ""},
		{"", ""},
		{"/a\nb", ""},
		{"/a\x1b[31m", ""},
		{"/a\xff", ""},
		{"/" + strings.Repeat("a", maxPath), ""},
		{"rtsp://cam/x", "rtsp://cam/x"},
		{"rtsp://ann:secret@cam:554/x?channel=1", "rtsp://cam:554/x?channel=1"},
		{"rtsp://ann:se/c@ret@cam.local/x", "rtsp://cam.local/x"},
		{"rtsp://ann:secret/@cam/x", ""},
		{"rtsp://secret@cam/x", "rtsp://cam/x"},
		{"https://h/x?token=secret", "https://h/x"},
		{"https://h/x?token=secret&a=1", "https://h/x?a=1"},
		{"https://h/x?a=1&token=secret&b=2", "https://h/x?a=1&b=2"},
		{"https://h/x?a=1&apikey=secret", "https://h/x?a=1"},
		{"https://h/x?key=secret&sig=secret;b=2", "https://h/x?b=2"},
		{"https://h/x?a=1#token=secret", "https://h/x?a=1"},
		{"srt://h:9000?passphrase=secret&mode=caller", "srt://h:9000?mode=caller"},
		{"https://h/x?next=https://bob:secret@h2/y", ""},
	} {
		var s State
		s.AddRecent(c.source)
		s.clean()
		got := strings.Join(s.Recent, " ")
		if got != c.want || strings.Contains(got, "secret") {
			t.Errorf("%q is remembered as %q, want %q", c.source, got, c.want)
		}
		if (len(s.URLs) == 1) != (c.want != "" && demux.IsURL(c.want)) {
			t.Errorf("%q: URLs %q", c.source, s.URLs)
		}
	}
	var s State
	for i := range 30 {
		s.AddRecent(fmt.Sprintf("/f%d", i))
	}
	s.AddRecent("/f20")
	if len(s.Recent) != MaxRecent || s.Recent[0] != "/f20" || s.Recent[1] != "/f29" || slices.Contains(s.Recent[1:], "/f20") {
		t.Errorf("%q", s.Recent)
	}
}

// What has been edited into nonsense is not believed, what makes sense is.
func TestStateRefuses(t *testing.T) {
	big := `["` + strings.Repeat("a", maxStateKB<<10) + `"]`
	for _, c := range []struct {
		text string
		want State
	}{
		{``, State{}},
		{`null`, State{}},
		{`[]`, State{}},
		{`{"window_width":"x"}`, State{}},
		{`{"mute":true}` + "\x00", State{}},
		{`{"window_width":-1,"window_height":5,"mute":true}`, State{Mute: true}},
		{`{"window_width":640,"mute":true}`, State{Mute: true}},
		{`{"window_width":100000,"window_height":100,"mute":true}`, State{Mute: true}},
		{`{"window_width":1e300}`, State{}},
		{`{"volume":1.5,"mute":true}`, State{Mute: true}},
		{`{"volume":-1,"mute":true}`, State{Mute: true}},
		{`{"recent":["/a","b","/a","/c\n","https://u:p@h/x","-","/d\u202a"]}`, State{Recent: []string{"/a", "https://h/x", "/d\u202a"}}},
		{`{"urls":["/a","https://u:p@h/x","https://h/x"]}`, State{URLs: []string{"https://h/x"}}},
		{`{"panels":["info","info","In fo","` + strings.Repeat("x", 33) + `"]}`, State{Panels: []string{"info"}}},
		{`{"mute":true,"recent":` + big + `}`, State{}},
		{strings.Repeat("[", 100000), State{}},
	} {
		st := tempStore(t)
		if err := os.MkdirAll(filepath.Dir(st.path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(st.path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := st.Load(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%.60s: got %+v, want %+v", c.text, got, c.want)
		}
		// And it can be written over.
		if err := st.Update(func(s *State) { s.Width, s.Height = 4, 3 }); err != nil || st.Load().Width != 4 {
			t.Errorf("%.60s: %v", c.text, err)
		}
	}
}

// The largest state that can be written can be read.
func TestLargestState(t *testing.T) {
	st := tempStore(t)
	err := st.Update(func(s *State) {
		for i := range MaxRecent {
			s.Recent = append(s.Recent, fmt.Sprintf("/%02d%s", i, strings.Repeat("<", maxPath-3)))
			s.URLs = append(s.URLs, fmt.Sprintf("http://h/%02d%s", i, strings.Repeat("<", maxPath-11)))
		}
		for i := range maxPanels {
			s.Panels = append(s.Panels, fmt.Sprintf("%0*d", maxPanel, i))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := st.Load(); len(s.Recent) != MaxRecent || len(s.URLs) != MaxRecent || len(s.Panels) != maxPanels {
		t.Errorf("read back %d, %d, %d", len(s.Recent), len(s.URLs), len(s.Panels))
	}
}

func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	st := &Store{filepath.Join(file, "planar", "state.json")} // below a file there is no folder
	if err := st.Update(func(s *State) { s.Mute = true }); err == nil {
		t.Error("no error where nothing can be written")
	}
	if s := st.Load(); !reflect.DeepEqual(s, State{}) {
		t.Errorf("%+v", s)
	}
}

// Goroutines and processes that note something at the same time lose nothing of
// each other, and who reads meanwhile sees a whole file.
func TestConcurrent(t *testing.T) {
	const writers, each = 4, 5 // together as many as are kept
	st := tempStore(t)
	if dir := os.Getenv("PLANAR_TEST_STATE"); dir != "" { // one of the processes
		st = &Store{dir}
		for i := range each {
			if err := st.Update(func(s *State) { s.AddRecent(fmt.Sprintf("/%s-%d", os.Getenv("PLANAR_TEST_NAME"), i)) }); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			if w%2 == 0 {
				cmd := exec.Command(os.Args[0], "-test.run=^TestConcurrent$")
				cmd.Env = append(os.Environ(), "PLANAR_TEST_STATE="+st.path, fmt.Sprintf("PLANAR_TEST_NAME=%d", w))
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
				return
			}
			for i := range each {
				if err := st.Update(func(s *State) { s.AddRecent(fmt.Sprintf("/%d-%d", w, i)) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		if b, err := os.ReadFile(st.path); err == nil && !json.Valid(b) {
			t.Fatalf("half a file: %q", b)
		}
	}
	if got := st.Load().Recent; len(got) != writers*each {
		t.Errorf("%d noted, want %d: %q", len(got), writers*each, got)
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"window_width":640,"window_height":480,"volume":0.5,"mute":true,"recent":["/a"],"urls":["rtsp://u:p@h/x?token=1"],"panels":["a"]}`))
	f.Add([]byte(`{"recent":["http://h/?a=***&pass=x;;#key=1"],"volume":1e308}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		st := &Store{filepath.Join(dir, "state.json")}
		if err := os.WriteFile(st.path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s := st.Load()
		for _, e := range slices.Concat(s.Recent, s.URLs) {
			if !cleanPath(e) || demux.IsURL(e) && demux.Redact(e) != e {
				t.Errorf("kept %q", e)
			}
		}
		if len(s.Recent) > MaxRecent || len(s.URLs) > MaxRecent || len(s.Panels) > maxPanels || s.Width < 0 || s.Height < 0 || s.Width > maxWindow || s.Height > maxWindow {
			t.Errorf("%+v", s)
		}
		again := s
		again.clean()
		if !reflect.DeepEqual(again, s) {
			t.Errorf("cleaned once %+v, twice %+v", s, again)
		}
	})
}

// No secret stays, whatever its text.
func FuzzSecrets(f *testing.F) {
	f.Add("hunter22", "token")
	f.Add("p@ss/w:rd", "apiKey")
	f.Fuzz(func(t *testing.T, noise, param string) {
		const secret = "Hunter2Hunter2"
		for _, address := range []string{
			"rtsp://ann:" + secret + noise + "@cam/x", "rtsp://ann:" + noise + secret + "@cam/x", "rtsp://" + secret + "@cam/x?" + noise + "=1",
			"https://h/x?" + noise + "&token=" + secret, "https://h/x?a=1&token=" + secret + "&" + param + "=" + noise,
		} {
			demuxHides := !strings.Contains(demux.Redact(address), secret)
			if got := keepable(address); demuxHides && strings.Contains(got, secret) {
				t.Errorf("%q is remembered as %q", address, got)
			}
		}
	})
}
