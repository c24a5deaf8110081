package controls

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"planar/player"
	"planar/render"
)

// folderOf makes files, and folders where names end with a slash.
func folderOf(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		path := filepath.Join(dir, n)
		if strings.HasSuffix(n, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// looked draws until nothing is being looked at in the background.
func (r *rig) looked() {
	r.t.Helper()
	o := &r.c.opener
	for range 500 {
		r.pass(50 * time.Millisecond)
		if o.looking == 0 && !o.asking && o.tried == "" {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	r.t.Fatal("the opener looks at something for ever")
}

// fileRig opens the path field in a folder.
func fileRig(t *testing.T, dir string, o Options) *rig {
	t.Helper()
	r := newRig(t, 1280, 720, 1, o)
	r.st.Name = filepath.Join(dir, "plays.yuv")
	r.c.opener.spots = map[string][4]int{}
	if !r.do(render.Event{Kind: render.KeyPress, Key: "o"}) {
		t.Fatal("the key o opens nothing")
	}
	r.do(render.Event{Kind: render.TextInput, Text: "o"})
	r.looked()
	return r
}

func (r *rig) rowNames() (names []string) {
	for _, row := range r.c.opener.rows {
		names = append(names, row.name)
	}
	return names
}

func TestOpenerPath(t *testing.T) {
	dir := folderOf(t, "clip2.yuv", "clip10.yuv", "Clip1.yuv", "sub/", "sub/inner.mp4", "other.wav", ".hidden")
	at := func(name string) []player.Command {
		return []player.Command{{Do: player.Open, Names: []string{filepath.Join(dir, name)}}}
	}
	for _, tt := range []struct {
		name string
		do   func(r *rig)
		text string   // in the field, without the folder; "-" if it is closed
		rows []string // nil if they are of no interest
		err  string
		want []player.Command
	}{
		{name: "begins in the folder of what plays", do: func(r *rig) {}, rows: []string{"..", "sub", "Clip1.yuv", "clip2.yuv", "clip10.yuv", "other.wav"}},
		{name: "typing narrows", do: func(r *rig) { r.write("cl") }, text: "cl", rows: []string{"Clip1.yuv", "clip2.yuv", "clip10.yuv"}},
		{name: "the middle of a name", do: func(r *rig) { r.write("her") }, text: "her", rows: []string{"other.wav"}},
		{name: "hidden files if asked for", do: func(r *rig) { r.write(".") }, text: ".", rows: []string{".hidden"}},
		{name: "tab completes what is common", do: func(r *rig) { r.write("c"); r.press("tab") }, text: "Clip", rows: []string{"Clip1.yuv", "clip2.yuv", "clip10.yuv"}},
		{name: "tab completes a name", do: func(r *rig) { r.write("o"); r.press("tab") }, text: "other.wav"},
		{name: "tab completes a folder", do: func(r *rig) { r.write("s"); r.press("tab") }, text: "sub/", rows: []string{"..", "inner.mp4"}},
		{name: "and enter opens", do: func(r *rig) { r.write("o"); r.press("tab"); r.press("return") }, text: "-", want: at("other.wav")},
		{name: "the keypad's enter too", do: func(r *rig) { r.write("o"); r.press("tab"); r.press("keypad enter") }, text: "-", want: at("other.wav")},
		{name: "a folder is entered", do: func(r *rig) { r.write("sub"); r.press("return") }, text: "sub/", rows: []string{"..", "inner.mp4"}},
		{name: "arrows choose", do: func(r *rig) { r.write("cl"); r.press("down"); r.press("down"); r.press("return") }, text: "-", want: at("clip2.yuv")},
		{name: "arrows go around", do: func(r *rig) { r.write("cl"); r.press("up"); r.press("return") }, text: "-", want: at("clip10.yuv")},
		{name: "a chosen folder is entered", do: func(r *rig) { r.press("down"); r.press("down"); r.press("return") }, text: "sub/"},
		{name: "and left", do: func(r *rig) { r.write("sub/"); r.looked(); r.press("down"); r.press("return") }, text: ""},
		{name: "a click opens", do: func(r *rig) { x, y := middle(r.c.opener.spots["clip2.yuv"]); r.click(x, y, render.ButtonLeft) }, text: "-", want: at("clip2.yuv")},
		{name: "a click enters a folder", do: func(r *rig) { x, y := middle(r.c.opener.spots["sub"]); r.click(x, y, render.ButtonLeft) }, text: "sub/", rows: []string{"..", "inner.mp4"}},
		{name: "and one can go on typing", do: func(r *rig) {
			x, y := middle(r.c.opener.spots["sub"])
			r.click(x, y, render.ButtonLeft)
			r.looked()
			r.write("inn")
			r.press("tab")
			r.press("return")
		}, text: "-", want: at("sub/inner.mp4")},
		{name: "the button opens", do: func(r *rig) {
			r.write("clip2.yuv")
			x, y := middle(r.c.opener.spots["open"])
			r.click(x, y, render.ButtonLeft)
		}, text: "-", want: at("clip2.yuv")},
		{name: "what is not there", do: func(r *rig) { r.write("nothing"); r.press("return") }, text: "nothing", err: "There is no such file or folder"},
		{name: "the error goes with typing", do: func(r *rig) { r.write("nothing"); r.press("return"); r.looked(); r.write("2") }, text: "nothing2"},
		{name: "a sequence", do: func(r *rig) { r.write("f%04d.yuv"); r.press("return") }, text: "-", want: at("f%04d.yuv")},
		{name: "escape", do: func(r *rig) { r.press("escape") }, text: "-"},
		{name: "a click elsewhere", do: func(r *rig) { r.click(20, 700, render.ButtonLeft) }, text: "-"},
		{name: "keys of the player are text", do: func(r *rig) { r.write("q f") }, text: "q f"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := fileRig(t, dir, Options{})
			tt.do(r)
			r.looked()
			o := &r.c.opener
			if tt.text == "-" {
				if o.card != noCard {
					t.Errorf("the card is open, with %q and the error %q", o.text, o.err)
				}
			} else if want := shortHome(dir) + "/" + tt.text; o.card != pathCard || o.text != want {
				t.Errorf("the field (%v) has %q, want %q", o.card, o.text, want)
			}
			if tt.rows != nil && !slices.Equal(r.rowNames(), tt.rows) {
				t.Errorf("listed: %q, want %q", r.rowNames(), tt.rows)
			}
			if o.card != noCard && o.err != tt.err {
				t.Errorf("the error is %q, want %q", o.err, tt.err)
			}
			if got := r.took(); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("asked for %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestOpenerHome(t *testing.T) {
	home := folderOf(t, "film.mp4")
	t.Setenv("HOME", home)
	r := fileRig(t, home, Options{})
	if r.c.opener.text != "~/" {
		t.Errorf("the field has %q, want ~/", r.c.opener.text)
	}
	r.write("film.mp4")
	r.press("return")
	r.looked()
	if got := r.took(); len(got) != 1 || !slices.Equal(got[0].Names, []string{filepath.Join(home, "film.mp4")}) {
		t.Errorf("asked for %+v, want the film in the person's folder", got)
	}
}

func TestOpenerDialog(t *testing.T) {
	for _, tt := range []struct {
		name  string
		names []string
		err   error
		want  []player.Command
		card  card
	}{
		{name: "files", names: []string{"/a", "/b"}, want: []player.Command{{Do: player.Open, Names: []string{"/a", "/b"}}}},
		{name: "cancelled"},
		{name: "there is none", err: errors.ErrUnsupported, card: pathCard},
		{name: "it fails", err: errors.New("no display\nmore"), card: pathCard},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := 0
			r := newRig(t, 640, 480, 1, Options{Ask: func(context.Context) ([]string, error) { asked++; return tt.names, tt.err }})
			r.m.State = player.Paused
			r.press("o")
			r.looked()
			if got := r.took(); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("asked for %+v, want %+v", got, tt.want)
			}
			if got := r.c.opener.card; got != tt.card {
				t.Errorf("card %v, want %v", got, tt.card)
			}
			r.press("escape")
			r.press("o")
			r.looked()
			if want := 2 - min(1, len(errorsIs(tt.err))); asked != want {
				t.Errorf("the dialog was shown %d times, want %d", asked, want)
			}
		})
	}
}

// errorsIs is one character if err says that there is no dialog.
func errorsIs(err error) string {
	if errors.Is(err, errors.ErrUnsupported) {
		return "x"
	}
	return ""
}

func TestOpenerDialogEndsWithTheControls(t *testing.T) {
	ended := make(chan error)
	c := New(Options{Wake: func() { t.Error("woken after the end") }, Ask: func(ctx context.Context) ([]string, error) {
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}})
	c.opener.ask(c)
	c.opener.ask(c) // there is one dialog at a time
	c.Close()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the dialog is still waited for")
	}
	select {
	case <-ended:
		t.Fatal("there was a second dialog")
	case <-time.After(20 * time.Millisecond):
	}
}

func TestOpenerForgetsOldAnswers(t *testing.T) {
	c := New(Options{Wake: func() {}})
	defer c.Close()
	o := &c.opener
	o.begin(c)
	o.show(pathCard, false, 0)
	o.tried = "/new"
	o.looked(look{tried: true, path: "/old"})
	if len(c.asked) != 0 || o.card != pathCard {
		t.Errorf("asked for %+v because of a path that is no longer in the field", c.asked)
	}
	o.looked(look{tried: true, path: "/new"})
	if len(c.asked) != 1 || o.card != noCard {
		t.Errorf("asked for %+v, want the path in the field", c.asked)
	}
}

func TestOpenerAddress(t *testing.T) {
	o := Options{Recent: func() (files, addresses []string) {
		return nil, []string{"rtsp://one.example/a", "rtsp://me:***@two.example/b", "udp://239.0.0.1:5000"}
	}}
	opens := func(s string) []player.Command {
		return []player.Command{{Do: player.Open, Names: []string{s}}}
	}
	for _, tt := range []struct {
		name string
		do   func(r *rig)
		text string // "-" if it is closed
		rows int
		err  string
		want []player.Command
	}{
		{name: "the history", do: func(r *rig) {}, rows: 3},
		{name: "typing narrows", do: func(r *rig) { r.write("UDP") }, text: "UDP", rows: 1},
		{name: "enter", do: func(r *rig) { r.write("http://x/y"); r.press("return") }, text: "-", want: opens("http://x/y")},
		{name: "pasted", do: func(r *rig) {
			r.do(render.Event{Kind: render.TextInput, Text: "  http://x/y \n"})
			r.pass(50 * time.Millisecond)
			r.press("return")
		}, text: "-", want: opens("http://x/y")},
		{name: "from the history", do: func(r *rig) { r.press("down"); r.press("return") }, text: "-", want: opens("rtsp://one.example/a")},
		{name: "by a click", do: func(r *rig) {
			x, y := middle(r.c.opener.spots["udp://239.0.0.1:5000"])
			r.click(x, y, render.ButtonLeft)
		}, text: "-", want: opens("udp://239.0.0.1:5000")},
		{name: "without its password", do: func(r *rig) { r.press("down"); r.press("down"); r.press("return") }, text: "rtsp://me:***@two.example/b", rows: 1, err: noPassword},
		{name: "no address", do: func(r *rig) { r.write("foo"); r.press("return") }, text: "foo", err: "An address begins with rtsp://, http:// or the like"},
		{name: "nothing", do: func(r *rig) { r.press("return") }, rows: 3},
		{name: "escape", do: func(r *rig) { r.press("escape") }, text: "-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, 1280, 720, 1, o)
			r.c.opener.spots = map[string][4]int{}
			r.do(render.Event{Kind: render.KeyPress, Key: "u"}, render.Event{Kind: render.TextInput, Text: "u"})
			r.looked()
			r.pass(200 * time.Millisecond)
			tt.do(r)
			r.looked()
			op := &r.c.opener
			if tt.text == "-" {
				if op.card != noCard {
					t.Errorf("the card is open, with %q and the error %q", op.text, op.err)
				}
			} else {
				if op.card != addressCard || op.text != tt.text || op.err != tt.err {
					t.Errorf("the field (%v) has %q and the error %q, want %q and %q", op.card, op.text, op.err, tt.text, tt.err)
				}
				if len(op.rows) != tt.rows {
					t.Errorf("listed: %q, want %d", r.rowNames(), tt.rows)
				}
			}
			if got := r.took(); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("asked for %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestEscapeOrder(t *testing.T) {
	r := menuRig(t, 1280, 720, 1, Options{})
	r.press("?")
	r.press("u")
	r.pass(100 * time.Millisecond)
	if !r.press("escape") || r.c.opener.card != noCard || !r.c.panels.help {
		t.Fatalf("the first Escape: card %v, help %v; want the card closed only", r.c.opener.card, r.c.panels.help)
	}
	r.click(1200, 300, render.ButtonRight)
	r.pass(100 * time.Millisecond)
	if !r.press("escape") || r.c.menu.open || !r.c.panels.help {
		t.Fatalf("the second: menu %v, help %v; want the menu closed only", r.c.menu.open, r.c.panels.help)
	}
	if !r.press("escape") || r.c.panels.help {
		t.Error("the third does not close the help")
	}
	if r.press("escape") {
		t.Error("the fourth is taken, with nothing to close")
	}
}

func TestNaturalOrder(t *testing.T) {
	want := []string{"", "1", "01", "2", "10", "a", "A1b", "a2", "a10", "a10b", "B", "bridge", "Ä", "北京"}
	for i, a := range want {
		for j, b := range want {
			got := naturalOrder(a, b)
			if (got < 0) != (i < j) && a != "1" && b != "1" && a != "01" && b != "01" {
				t.Errorf("%q and %q: %d, want them in this order: %v", a, b, got, i < j)
			}
			if got*naturalOrder(b, a) > 0 {
				t.Errorf("%q and %q are each before the other", a, b)
			}
			if (got == 0) != (a == b) {
				t.Errorf("%q and %q: %d", a, b, got)
			}
		}
	}
	for _, bad := range []string{"\xff\xfe", "99999999999999999999999999999", strings.Repeat("0", 1000)} {
		if naturalOrder(bad, bad) != 0 || naturalOrder(bad, "a") == 0 {
			t.Errorf("%q is not in order", bad)
		}
	}
}

func TestComplete(t *testing.T) {
	names := []dirName{{"Videos", true}, {"video1.yuv", false}, {"video2.yuv", false}, {"Größe.wav", false}, {"GRÖSSE.wav", false}, {".x", false}}
	for _, tt := range []struct{ typed, want string }{
		{"", ""}, {"v", "Video"}, {"video1", "video1.yuv"}, {"VIDEOS", "Videos/"}, {"gr", "Grö"}, {"none", "none"}, {"deo", "deo"}, {".", ".x"},
	} {
		if got := complete(names, tt.typed); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.typed, got, tt.want)
		}
	}
}

func TestReadFolder(t *testing.T) {
	dir := folderOf(t, "b10", "b9", "z/", "a/")
	if err := os.Symlink(filepath.Join(dir, "z"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "gone"), filepath.Join(dir, "broken")); err != nil {
		t.Fatal(err)
	}
	d := readFolder(dir)
	want := []dirName{{"a", true}, {"link", true}, {"z", true}, {"b9", false}, {"b10", false}, {"broken", false}}
	if !slices.Equal(d.names, want) || d.more || d.err != nil {
		t.Errorf("%v, %v, %v; want %v", d.names, d.more, d.err, want)
	}
	if d := readFolder(filepath.Join(dir, "none")); !errors.Is(d.err, fs.ErrNotExist) {
		t.Errorf("of no folder: %v", d.err)
	}
	many := t.TempDir()
	for i := range maxNames + 1 {
		if err := os.WriteFile(filepath.Join(many, fmt.Sprint(i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if d := readFolder(many); len(d.names) != maxNames || !d.more {
		t.Errorf("%d names, more: %v; want %d and more", len(d.names), d.more, maxNames)
	}
}

func TestOpenerShots(t *testing.T) {
	dir := folderOf(t, "cut/", "北京の夜景/", "Größe und Maß/", "bridge_352x288_25fps.yuv", "foreman_1920x1080_yuv420p10le.yuv", "tone.wav",
		"notes.txt", "take 1.mp4", "take 2.mp4", "take 10.mp4", fileName, "夜景.mkv", "z1.ts", "z2.ts", "z3.ts", "z4.ts")
	t.Setenv("HOME", filepath.Dir(dir))
	o := Options{Recent: func() (files, addresses []string) {
		return nil, []string{"rtsp://admin:***@camera.example/stream/with/a/very/long/path/that/does/not/end/within/the/window", "udp://239.0.0.1:5000", "http://example.org/live.m3u8"}
	}}
	for _, size := range []struct {
		w, h  int
		scale float64
	}{{1280, 720, 1}, {320, 240, 1}, {2560, 1440, 2}} {
		show := func(name, key string, do func(r *rig)) {
			r := newRig(t, size.w, size.h, size.scale, o)
			r.st.Name = filepath.Join(dir, "plays.yuv")
			r.press(key)
			r.looked()
			r.pass(200 * time.Millisecond)
			do(r)
			r.looked()
			r.shot(fmt.Sprintf("open_%d_%s", size.w, name))
			if n := failures.Load(); n != 0 {
				t.Fatalf("%s: %d assertions of Dear ImGui failed", name, n)
			}
		}
		show("path", "o", func(r *rig) { r.press("down"); r.press("down"); r.press("down") })
		show("error", "o", func(r *rig) { r.write("take 3.mp4"); r.press("return") })
		show("address", "u", func(r *rig) {})
		show("password", "u", func(r *rig) { r.press("down"); r.press("return") })
	}
}
