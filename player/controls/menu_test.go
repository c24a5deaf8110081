package controls

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/demux/guess"
	"planar/player"
	"planar/render"
)

// menuRig opens the menu with the right button, over a file that plays.
func menuRig(t *testing.T, w, h int, scale float64, o Options) *rig {
	t.Helper()
	r := newRig(t, w, h, scale, o)
	r.st.Picture = &render.Picture{Width: 352, Height: 288}
	r.st.Look.Colour = render.Colour{Matrix: render.BT601, Range: render.Limited, Siting: render.SitingLeft}
	r.st.Streams = []demux.Stream{
		{Kind: demux.Video, Codec: "h264"},
		{Index: 1, Kind: demux.Audio, Codec: "aac", Language: "eng"},
		{Index: 2, Kind: demux.Audio, Codec: "aac", Language: "deu"},
		{Index: 3, Kind: demux.Video, Codec: "h264"},
	}
	r.st.HasSound, r.st.Sound, r.st.Channels.Count = true, 1, 2
	r.c.menu.spots = map[string][4]int{}
	r.pass(20 * time.Millisecond)
	return r
}

func middle(s [4]int) (x, y int) { return (s[0] + s[2]) / 2, (s[1] + s[3]) / 2 }

// choose clicks on an entry of the open menu, by way of the submenus that it is in.
func (r *rig) choose(path string) {
	r.t.Helper()
	names := strings.Split(path, ">")
	for i := range names {
		at, ok := r.c.menu.spots[strings.Join(names[:i+1], ">")]
		if !ok {
			r.t.Fatalf("the menu has no %q; it has %v", strings.Join(names[:i+1], ">"), r.c.menu.spots)
		}
		x, y := middle(at)
		r.click(x, y, render.ButtonLeft)
		r.pass(100 * time.Millisecond)
	}
}

func TestMenuEntries(t *testing.T) {
	o := Options{
		Recent: func() (files, addresses []string) {
			return []string{"/clips/a.yuv", "/clips/b.mp4"}, []string{"rtsp://camera.example/stream"}
		},
		Devices: func(context.Context) ([]string, error) { return []string{"HDMI", "USB"}, nil },
	}
	for _, tt := range []struct {
		path string
		want player.Command
	}{
		{"Quit", player.Command{Do: player.Quit}},
		{"Recent>b.mp4", player.Command{Do: player.Open, Names: []string{"/clips/b.mp4"}}},
		{"Recent>rtsp://camera.example/stream", player.Command{Do: player.Open, Names: []string{"rtsp://camera.example/stream"}}},
		{"Playback>Pause", player.Command{Do: player.TogglePause}},
		{"Playback>Next", player.Command{Do: player.PlayNext}},
		{"Playback>Go to…", player.Command{Do: player.EnterPosition}},
		{"Playback>Speed>0.5×", player.Command{Do: player.SetSpeed, Factor: 0.5}},
		{"Playback>Loop from here (A)", player.Command{Do: player.MarkLoop}},
		{"Playback>Loop all", player.Command{Do: player.ToggleLoop}},
		{"Playback>Snapshot", player.Command{Do: player.Snapshot}},
		{"Picture>Matrix>BT.709", player.Command{Do: player.SetColour, Colour: render.Colour{Matrix: render.BT709}}},
		{"Picture>Range>Full", player.Command{Do: player.SetColour, Colour: render.Colour{Range: render.Full}}},
		{"Picture>Plane>U", player.Command{Do: player.ShowComponent, Index: 2}},
		{"View>Zoom>Fit", player.Command{Do: player.SetView}},
		{"View>Zoom>1600 %", player.Command{Do: player.SetView, View: render.View{Zoom: 16, X: 0.5, Y: 0.5}}},
		{"View>Pixel filter>Nearest", player.Command{Do: player.SetFilter, Filter: render.Nearest}},
		{"View>Full screen", player.Command{Do: player.ToggleFullscreen}},
		{"Sound>Mute", player.Command{Do: player.ToggleMute}},
		{"Sound>Track>2  deu, aac", player.Command{Do: player.SelectTrack, Kind: demux.Audio, Index: 2}},
		{"Sound>Track>No sound", player.Command{Do: player.SelectTrack, Kind: demux.Audio, Index: -1}},
		{"Sound>Track>Next", player.Command{Do: player.NextTrack, Kind: demux.Audio}},
		{"Sound>Channels>Right to both", player.Command{Do: player.SetChannelMap, Map: audio.ChannelMap{2, 2}}},
		{"Sound>Channels>All channels", player.Command{Do: player.SetChannelMap}},
		{"Picture>Track>2  h264", player.Command{Do: player.SelectTrack, Kind: demux.Video, Index: 3}},
		{"Sound>USB", player.Command{Do: player.SetDevice, Text: "USB"}},
		{"Sound>Default device", player.Command{Do: player.SetDevice}},
	} {
		for _, size := range []struct {
			w, h  int
			scale float64
		}{{1280, 720, 1}, {320, 600, 1}} {
			t.Run(fmt.Sprintf("%s at %dx%d", tt.path, size.w, size.h), func(t *testing.T) {
				r := menuRig(t, size.w, size.h, size.scale, o)
				if !r.click(100, 60, render.ButtonRight) && !r.c.menu.open {
					t.Fatal("the right button opens no menu")
				}
				r.pass(300 * time.Millisecond)
				r.took()
				r.choose(tt.path)
				if got := r.took(); len(got) != 1 || !reflect.DeepEqual(got[0], tt.want) {
					t.Errorf("asked for %+v, want %+v", got, tt.want)
				}
				if r.c.menu.open {
					t.Error("the menu is still open")
				}
			})
		}
	}
}

func TestMenuKeysMatch(t *testing.T) {
	r := menuRig(t, 1280, 720, 1, Options{})
	r.click(100, 60, render.ButtonRight)
	v := &view{Controls: r.c, m: r.m, st: &r.st}
	bound := player.Keys()
	var walk func(path string, es []entry)
	walk = func(path string, es []entry) {
		for _, e := range es {
			walk(path+e.name+">", e.sub)
			if e.key == "" {
				continue
			}
			r.c.asked = nil
			before := r.c.panels
			e.do()
			asked, panels := r.c.asked, r.c.panels
			r.c.asked, r.c.panels = nil, before
			r.c.opener.closeTop()
			if want, ok := bound[e.key]; ok {
				if len(asked) != 1 || !reflect.DeepEqual(asked[0], want) {
					t.Errorf("%s%s asks for %+v, its key %q for %+v", path, e.name, asked, e.key, want)
				}
				continue
			}
			if !r.c.key(e.key) {
				t.Errorf("%s%s shows the key %q, which does nothing", path, e.name, e.key)
			}
			if r.c.panels != panels {
				t.Errorf("%s%s and its key %q open different panels", path, e.name, e.key)
			}
			r.c.panels = before
			r.c.opener.closeTop()
		}
	}
	walk("", r.c.menu.entries(v))
}

func TestMenuCloses(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(r *rig)
		want bool
	}{
		{"a click elsewhere", func(r *rig) { r.click(1200, 600, render.ButtonLeft) }, false},
		{"a right click elsewhere", func(r *rig) { r.click(1200, 600, render.ButtonRight) }, false},
		{"escape", func(r *rig) { r.press("escape") }, false},
		{"escape in a submenu", func(r *rig) { r.choose("View"); r.press("escape") }, true},
		{"its key", func(r *rig) { r.press("f10") }, false},
		{"another key", func(r *rig) { r.press("m") }, false},
		{"what is off", func(r *rig) { r.choose("Panels"); r.choose("Panels>Network") }, true},
		{"time", func(r *rig) { r.pass(5 * time.Second) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := menuRig(t, 1280, 720, 1, Options{})
			r.click(100, 60, render.ButtonRight)
			r.pass(300 * time.Millisecond)
			tt.do(r)
			r.pass(100 * time.Millisecond)
			if r.c.menu.open != tt.want {
				t.Errorf("open: %v, want %v", r.c.menu.open, tt.want)
			}
			if got := r.took(); len(got) != 0 {
				t.Errorf("asked for %+v, want nothing", got)
			}
			if r.c.panels.any() {
				t.Errorf("opened %+v", r.c.panels)
			}
		})
	}
}

func TestMenuOpensCards(t *testing.T) {
	o := Options{
		Raw:    rawNames{"/clips/bridge_352x288_25fps.yuv"},
		Recent: func() (files, addresses []string) { return nil, []string{"rtsp://me:***@camera.example/x"} },
	}
	for _, tt := range []struct {
		path string
		card card
		text string
		raw  bool
	}{
		{"Open file…", pathCard, "/clips/", false},
		{"Open address…", addressCard, "", false},
		{"Recent>rtsp://me:***@camera.example/x", addressCard, "rtsp://me:***@camera.example/x", false},
		{"Format>Raw format…", noCard, "", true},
		{"Format>Treat as raw…", noCard, "", false},
	} {
		t.Run(tt.path, func(t *testing.T) {
			r := menuRig(t, 1280, 720, 1, o)
			r.click(100, 60, render.ButtonRight)
			r.pass(300 * time.Millisecond)
			r.choose(tt.path)
			r.looked()
			if op := &r.c.opener; op.card != tt.card || op.text != tt.text || r.c.panels.raw != tt.raw {
				t.Errorf("card %v with %q, raw panel %v; want %v, %q, %v", op.card, op.text, r.c.panels.raw, tt.card, tt.text, tt.raw)
			}
			if got := r.took(); len(got) != 0 {
				t.Errorf("asked for %+v, want nothing", got)
			}
		})
	}
}

// rawNames are the names of headerless files.
type rawNames []string

func (n rawNames) Raw(name string) (RawFile, bool) {
	return RawFile{Sure: true}, slices.Contains(n, name)
}
func (n rawNames) SetRaw(string, RawVideo) error { return nil }
func (n rawNames) PixelFormats() []string        { return nil }
func (n rawNames) Guesses(context.Context, string) ([]guess.Candidate, error) {
	return nil, nil
}

// The press that opens the menu must not close it, whatever else is seen.
func TestMenuOverAPanel(t *testing.T) {
	down := render.Event{Kind: render.PointerDown, X: 1200, Y: 300, Button: render.ButtonRight, Clicks: 1}
	r := menuRig(t, 1280, 720, 1, Options{})
	r.press("?")
	r.pass(300 * time.Millisecond)
	r.move(down.X, down.Y)
	if !r.do(down) || !r.c.menu.open {
		t.Error("the right button opens no menu beside a panel")
	}
	r.do(render.Event{Kind: render.PointerUp, X: down.X, Y: down.Y, Button: render.ButtonRight})
	r.pass(100 * time.Millisecond)
	if !r.c.menu.open {
		t.Error("its release closes the menu")
	}
	r.press("escape")
	r.pass(100 * time.Millisecond)
	down.X = 640
	r.move(down.X, down.Y)
	if !r.do(down) || r.c.menu.open {
		t.Error("the right button on a panel opens the menu, or is not taken")
	}
}

func TestMenuClickOutsideIsTaken(t *testing.T) {
	r := menuRig(t, 1280, 720, 1, Options{Show: "never"}) // so that nothing else is seen
	r.click(100, 60, render.ButtonRight)
	r.pass(300 * time.Millisecond)
	if !r.do(render.Event{Kind: render.PointerDown, X: 1200, Y: 600, Button: render.ButtonLeft, Clicks: 1}) {
		t.Error("a click that closes the menu goes to the picture")
	}
	if !r.do(render.Event{Kind: render.PointerUp, X: 1200, Y: 600, Button: render.ButtonLeft}) {
		t.Error("and its release")
	}
	if r.do(render.Event{Kind: render.PointerDown, X: 1200, Y: 300, Button: render.ButtonLeft, Clicks: 1}) {
		t.Error("a click after that is still taken")
	}
}

func TestMenuByKeys(t *testing.T) {
	r := menuRig(t, 1280, 720, 1, Options{})
	r.press("f10")
	r.pass(100 * time.Millisecond)
	// Playback is the first below what opens something; Recent is off.
	for _, key := range []string{"down", "down", "down", "down", "right", "down", "return"} {
		r.press(key)
	}
	if got := r.took(); len(got) != 1 || got[0].Do != player.PlayNext {
		t.Errorf("asked for %+v, want the next source", got)
	}
	r.press("f10")
	for _, key := range []string{"up", "return"} {
		r.press(key)
	}
	if got := r.took(); len(got) != 1 || got[0].Do != player.Quit {
		t.Errorf("asked for %+v, want to quit", got)
	}
}

func TestMenuRest(t *testing.T) {
	r := menuRig(t, 1280, 720, 1, Options{})
	r.click(100, 60, render.ButtonRight)
	r.pass(300 * time.Millisecond)
	r.move(middle(r.c.menu.spots["View"]))
	if want := []int{6}; !slices.Equal(r.c.menu.path, want) {
		t.Fatalf("the pointer on View opens %v, want %v", r.c.menu.path, want)
	}
	r.move(middle(r.c.menu.spots["Sound"]))
	if want := []int{6}; !slices.Equal(r.c.menu.path, want) {
		t.Errorf("on the way: %v, want %v still", r.c.menu.path, want)
	}
	r.pass(menuDelay + 50*time.Millisecond)
	if want := []int{7}; !slices.Equal(r.c.menu.path, want) {
		t.Errorf("the pointer that stays on Sound opens %v, want %v", r.c.menu.path, want)
	}
}

func TestMenuWithoutASource(t *testing.T) {
	r := menuRig(t, 640, 480, 1, Options{})
	r.st = player.Status{}
	r.st.State, r.st.LoopA, r.st.LoopB = string(player.Idle), player.NoLoop, player.NoLoop
	r.m.State, r.m.Frame = player.Idle, -1
	r.click(100, 60, render.ButtonRight)
	r.pass(300 * time.Millisecond)
	r.took()
	r.choose("Playback")
	r.choose("Playback>Pause")
	r.choose("Format")
	if _, ok := r.c.menu.spots["Format>Raw format…"]; !ok {
		t.Error("Format has no entries")
	}
	if got := r.took(); len(got) != 0 {
		t.Errorf("asked for %+v with nothing to play, want nothing", got)
	}
}

func TestMenuRecentIsBounded(t *testing.T) {
	many := func(s string) (l []string) {
		for i := range 30 {
			l = append(l, fmt.Sprintf(s, i))
		}
		return l
	}
	for _, tt := range []struct {
		files, addresses    int
		wantFiles, wantURLs int
	}{{30, 30, 5, 5}, {30, 0, 10, 0}, {30, 2, 8, 2}, {0, 30, 0, 10}, {1, 1, 1, 1}} {
		n := menu{files: many("/c/%d.yuv")[:tt.files], addresses: many("rtsp://c/%d")[:tt.addresses]}
		urls, es := 0, n.recent(&view{Controls: New(Options{})})
		for _, e := range es {
			if e.icon == iconLink {
				urls++
			}
		}
		if urls != tt.wantURLs || len(es)-urls != tt.wantFiles {
			t.Errorf("of %d files and %d addresses: %d and %d, want %d and %d", tt.files, tt.addresses, len(es)-urls, urls, tt.wantFiles, tt.wantURLs)
		}
	}
}

func TestComponentNames(t *testing.T) {
	describe := func(name string) (render.Descriptor, bool) {
		d := render.Descriptor{Name: name, Components: make([]render.Component, 3)}
		switch name {
		case "yuva420p":
			d.Components, d.Alpha = make([]render.Component, 4), true
		case "gray":
			d.Components = d.Components[:1]
		case "ya8":
			d.Components, d.Alpha = d.Components[:2], true
		case "gbrp":
			d.RGB = true
		case "none":
			return d, false
		}
		return d, true
	}
	for _, tt := range []struct {
		format string
		want   string
	}{{"yuv420p", "Y U V"}, {"yuva420p", "Y U V Alpha"}, {"gbrp", "R G B"}, {"gray", ""}, {"ya8", "Y"}, {"none", ""}, {"", ""}} {
		if got := strings.Join(componentNames(describe, tt.format), " "); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.format, got, tt.want)
		}
	}
	if got := strings.Join(componentNames(nil, "bgr24"), " "); got != "R G B" {
		t.Errorf("bgr24 by its name: %q, want R G B", got)
	}
}

func TestMenuShots(t *testing.T) {
	o := Options{
		Recent: func() (files, addresses []string) {
			return []string{"/home/me/видео/" + fileName, "/clips/bridge_352x288_25fps.yuv", "/clips/北京の夜景.mp4"},
				[]string{"rtsp://admin:***@camera.example/stream/with/a/very/long/path/that/does/not/end", "udp://239.0.0.1:5000"}
		},
		Devices: func(context.Context) ([]string, error) {
			return []string{"Built-in Audio Analog Stereo", "HDA NVidia, HDMI 0 (LG 27UK850)", "USB Audio CODEC"}, nil
		},
	}
	for _, size := range []struct {
		w, h  int
		scale float64
	}{{1280, 720, 1}, {320, 240, 1}, {2560, 1440, 2}} {
		for _, path := range []string{"", "Recent", "View>Zoom", "Sound", "Playback"} {
			r := menuRig(t, size.w, size.h, size.scale, o)
			r.click(size.w/5, size.h/6, render.ButtonRight)
			r.pass(300 * time.Millisecond)
			if path != "" && size.h > 300 {
				r.choose(path)
			}
			if path != "" && size.h < 300 {
				for range strings.Split(path, ">") {
					r.press("down")
					r.press("down")
					r.press("down")
					r.press("down")
					r.press("right")
				}
			}
			r.pass(300 * time.Millisecond)
			r.shot(fmt.Sprintf("menu_%d_%s", size.w, strings.ReplaceAll(path, ">", "_")))
			for name, s := range r.c.menu.spots {
				if s[0] < 0 || s[2] > size.w {
					t.Errorf("%s is outside of the window: %v", name, s)
				}
			}
			if n := failures.Load(); n != 0 {
				t.Fatalf("%d assertions of Dear ImGui failed", n)
			}
		}
	}
}

// What is offered to be heard, and what of it is heard now.
func TestChannelChoices(t *testing.T) {
	for _, c := range []struct {
		channels int
		now      audio.ChannelMap
		names    string
		at       int
	}{
		{0, nil, "All channels", 0},
		{1, nil, "All channels", 0},
		{2, nil, "All channels|Left to both|Right to both|Swap left and right", 0},
		{2, audio.ChannelMap{2, 2}, "All channels|Left to both|Right to both|Swap left and right", 2},
		{6, audio.ChannelMap{2, 1, 3, 4, 5, 6}, "All channels|Left to both|Right to both|Swap left and right|Only C|Only LFE|Only Ls|Only Rs", 3},
		{2, audio.ChannelMap{0, 1}, "All channels|Left to both|Right to both|Swap left and right|Map -,1", 4},
	} {
		list, at := channelChoices(c.channels, c.now)
		var names []string
		for _, ch := range list {
			names = append(names, ch.name)
		}
		if got := strings.Join(names, "|"); got != c.names || at != c.at {
			t.Errorf("%d channels, %v: %s, %d chosen; want %s, %d", c.channels, c.now, got, at, c.names, c.at)
		}
	}
	if list, _ := channelChoices(1<<30, nil); len(list) > 100 {
		t.Errorf("%d choices", len(list))
	}
}
