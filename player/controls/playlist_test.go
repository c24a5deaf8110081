package controls

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"planar/demux"
	"planar/player"
	"planar/render"
)

// listRig opens the playlist.
func listRig(t *testing.T, w, h int, scale float64, names []string, at int) *rig {
	t.Helper()
	r := newRig(t, w, h, scale, Options{})
	r.c.playlist.spots = map[string][4]int{}
	r.c.opener.spots = map[string][4]int{}
	r.st.Playlist, r.st.At = names, at
	r.press("p")
	r.pass(500 * time.Millisecond) // Dear ImGui takes a click in its first 300 ms for a second one
	return r
}

// press2 is a double click.
func (r *rig) press2(x, y int) {
	r.click(x, y, render.ButtonLeft)
	r.do(render.Event{Kind: render.PointerDown, X: x, Y: y, Button: render.ButtonLeft, Clicks: 2}, render.Event{Kind: render.PointerUp, X: x, Y: y, Button: render.ButtonLeft})
}

func TestPlaylist(t *testing.T) {
	names := []string{"/clips/a.yuv", "/clips/b.yuv", "rtsp://me:secret@camera.example/c"}
	at := func(r *rig, what string) (x, y int) {
		r.t.Helper()
		s, ok := r.c.playlist.spots[what]
		if !ok {
			r.t.Fatalf("the playlist has no %q, but %v", what, r.c.playlist.spots)
		}
		return middle(s)
	}
	row := func(r *rig, name string) (x, y int) {
		x, y = at(r, name)
		return x - 60, y
	}
	key := func(k string) func(r *rig) {
		return func(r *rig) {
			x, y := row(r, names[1])
			r.click(x, y, render.ButtonLeft)
			r.press(k)
		}
	}
	for _, tt := range []struct {
		name string
		do   func(r *rig)
		want []player.Command
	}{
		{"a click only chooses", func(r *rig) { x, y := row(r, names[1]); r.click(x, y, render.ButtonLeft) }, nil},
		{"a double click plays", func(r *rig) { x, y := row(r, names[1]); r.press2(x, y) }, []player.Command{{Do: player.PlayAt, Index: 1}}},
		{"enter plays", key("return"), []player.Command{{Do: player.PlayAt, Index: 1}}},
		{"delete takes out", key("delete"), []player.Command{{Do: player.Remove, Index: 1}}},
		{"arrows", func(r *rig) { key("down")(r); r.press("return") }, []player.Command{{Do: player.PlayAt, Index: 2}}},
		{"the cross takes out", func(r *rig) {
			r.move(row(r, names[2]))
			x, y := at(r, "remove "+names[2])
			r.click(x, y, render.ButtonLeft)
		}, []player.Command{{Do: player.Remove, Index: 2}}},
		{"next", func(r *rig) { x, y := at(r, "next"); r.click(x, y, render.ButtonLeft) }, []player.Command{{Do: player.PlayNext}}},
		{"there is none before", func(r *rig) { x, y := at(r, "previous"); r.click(x, y, render.ButtonLeft) }, nil},
		{"enter before a click is not its", func(r *rig) {
			if r.press("return") {
				t.Error("it is taken")
			}
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := listRig(t, 1280, 720, 1, names, 0)
			tt.do(r)
			r.pass(100 * time.Millisecond)
			if got := r.took(); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("asked for %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestPlaylistAdds(t *testing.T) {
	r := listRig(t, 1280, 720, 1, []string{"/clips/a.yuv"}, 0)
	x, y := middle(r.c.playlist.spots["add address"])
	r.click(x, y, render.ButtonLeft)
	r.looked()
	r.pass(200 * time.Millisecond)
	r.write("udp://x:1")
	r.press("return")
	if got, want := r.took(), []player.Command{{Do: player.Append, Names: []string{"udp://x:1"}}}; !reflect.DeepEqual(got, want) {
		t.Errorf("asked for %+v, want %+v", got, want)
	}
	x, y = middle(r.c.playlist.spots["add files"])
	r.click(x, y, render.ButtonLeft)
	r.looked()
	if o := &r.c.opener; o.card != pathCard || !o.add {
		t.Errorf("the card is %v and adds: %v; want a path that is added", o.card, o.add)
	}
}

func TestPlaylistDrop(t *testing.T) {
	r := listRig(t, 1280, 720, 1, []string{"/clips/a.yuv"}, 0)
	drop := func(x, y int) bool {
		return r.do(render.Event{Kind: render.FileDrop, Path: "/clips/n.yuv", X: x, Y: y})
	}
	x, y := middle(r.c.playlist.spots["/clips/a.yuv"])
	if !drop(x, y) {
		t.Error("a file on the panel is not taken")
	}
	if got, want := r.took(), []player.Command{{Do: player.Append, Names: []string{"/clips/n.yuv"}}}; !reflect.DeepEqual(got, want) {
		t.Errorf("asked for %+v, want %+v", got, want)
	}
	if drop(100, 600) {
		t.Error("a file beside the panel is taken")
	}
	r.press("p")
	if drop(x, y) {
		t.Error("a file is taken where the panel was")
	}
}

func TestPlaylistIsLong(t *testing.T) {
	var names []string
	for i := range 5000 {
		names = append(names, fmt.Sprintf("/clips/%d.yuv", i))
	}
	r := listRig(t, 1280, 720, 1, names, 2500)
	if _, ok := r.c.playlist.spots[names[2500]]; !ok {
		t.Error("what plays is not seen when the panel opens")
	}
	if n := len(r.c.playlist.spots); n > 30 {
		t.Errorf("%d rows are drawn, want those that are seen", n)
	}
	r.st.At = 4999
	r.m.Frame++
	r.pass(300 * time.Millisecond)
	s, ok := r.c.playlist.spots[names[4999]]
	if !ok || s[3] > 720-100 {
		t.Errorf("what plays now is not seen: %v", s)
	}
	x, y := middle(s)
	r.wheel(x, y, 3, 0)
	r.pass(300 * time.Millisecond)
	if now, ok := r.c.playlist.spots[names[4999]]; ok && now == s {
		t.Error("the wheel does not scroll")
	}
	r.st.Playlist, r.st.At = nil, 0
	r.m.Frame++
	r.pass(300 * time.Millisecond)
	if failures.Load() != 0 {
		t.Error("an empty playlist fails")
	}
}

func TestSourceName(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	for _, tt := range []struct{ name, title, detail string }{
		{"/home/me/clips/a.yuv", "a.yuv", "~/clips"},
		{"/mnt/北京/夜景.mp4", "夜景.mp4", "/mnt/北京"},
		{"a.yuv", "a.yuv", ""},
		{"rtsp://me:secret@host/x", "rtsp://me:***@host/x", ""},
		{"-", "standard input", ""},
		{"/x/two\nlines.yuv", demux.OneLine("two\nlines.yuv"), "/x"},
		{"", ".", ""},
	} {
		if title, detail := sourceName(tt.name); title != tt.title || detail != tt.detail {
			t.Errorf("%q: %q, %q; want %q, %q", tt.name, title, detail, tt.title, tt.detail)
		}
	}
}

func TestPlaylistShots(t *testing.T) {
	names := []string{
		"/clips/bridge_352x288_25fps.yuv", "/mnt/архив/北京/北京の夜景.mkv", "/clips/" + fileName, "rtsp://me:secret@camera.example/stream",
		"/clips/tone.wav", "/clips/タイムラプス 新宿 2160p.mp4", "/clips/7.yuv", "/clips/8.yuv", "/clips/9.yuv", "/clips/10.yuv", "/clips/11.yuv",
	}
	for _, size := range []struct {
		w, h  int
		scale float64
	}{{1280, 720, 1}, {320, 240, 1}, {2560, 1440, 2}} {
		r := listRig(t, size.w, size.h, size.scale, names, 1)
		s := r.c.playlist.spots[names[2]]
		if size.h < 300 {
			s = r.c.playlist.spots[names[0]]
		}
		x, y := middle(s)
		r.click(x, y, render.ButtonLeft)
		r.pass(300 * time.Millisecond)
		r.shot(fmt.Sprintf("list_%d", size.w))
		if len(r.c.asked) != 0 {
			t.Errorf("asked for %v", r.c.asked)
		}
	}
}
