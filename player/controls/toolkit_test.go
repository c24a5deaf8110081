package controls

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/render"
)

// oneButton draws a window at 100, 100 with a button at its upper left corner.
func oneButton(k *toolkit, clicks *int) func() {
	return func() {
		k.panel("test", nil, vec2{X: 100, Y: 100}, vec2{X: 200, Y: 150}, 0, func() {
			if k.textButton("button", "Press") {
				*clicks++
			}
		})
	}
}

func event(kind render.EventKind, x, y int) render.Event {
	return render.Event{Kind: kind, X: x, Y: y, Button: render.ButtonLeft}
}

// TestClicks sends whole clicks between two frames: none may get lost, and none may
// land where the pointer was or will be.
func TestClicks(t *testing.T) {
	k := newToolkit(1)
	defer k.close()
	clicks := 0
	build := oneButton(k, &clicks)
	settle(t, k, 0, 640, 480, build)
	// The button lies below the panel's title.
	const bx, by = 130, 162
	var taken []bool
	for range 3 {
		for _, e := range []render.Event{
			event(render.PointerMove, bx, by), event(render.PointerDown, bx, by), event(render.PointerUp, bx, by),
			event(render.PointerMove, 600, 20), event(render.PointerDown, 600, 20), event(render.PointerUp, 600, 20),
		} {
			taken = append(taken, k.handle(e))
		}
	}
	settle(t, k, time.Second, 640, 480, build)
	if clicks != 3 {
		t.Errorf("three clicks between two frames were %d clicks", clicks)
	}
	for i, got := range taken {
		if want := i%6 < 3; got != want {
			t.Errorf("event %d of a click inside and one outside: taken is %v, want %v", i%6, got, want)
		}
	}
}

// TestDragsKeepTheirOwner presses on one side of a panel's edge and lets go on the
// other.
func TestDragsKeepTheirOwner(t *testing.T) {
	for _, c := range []struct {
		name           string
		x0, y0, x1, y1 int
		want           bool
	}{
		{"from the panel to the picture", 150, 200, 500, 400, true},
		{"from the picture to the panel", 500, 400, 150, 200, false},
	} {
		k := newToolkit(1)
		build := oneButton(k, new(int))
		settle(t, k, 0, 640, 480, build)
		for _, e := range []render.Event{event(render.PointerDown, c.x0, c.y0), event(render.PointerMove, c.x1, c.y1), event(render.PointerUp, c.x1, c.y1)} {
			if got := k.handle(e); got != c.want {
				t.Errorf("%s: event of kind %d: taken is %v, want %v", c.name, e.Kind, got, c.want)
			}
		}
		k.close()
	}
}

type board struct{ text string }

func (b *board) Text() (string, error) {
	if b.text == "" {
		return "", errors.New("empty")
	}
	return b.text, nil
}
func (b *board) SetText(s string) { b.text = s }

func TestTyping(t *testing.T) {
	k := newToolkit(1)
	defer k.close()
	b := &board{text: "pasted"}
	k.setClipboard(b)
	s, entered := "", false
	build := func() {
		k.panel("test", nil, vec2{X: 100, Y: 100}, vec2{X: 200, Y: 150}, 0, func() {
			if _, e := k.field("field", "hint", &s, 0); e {
				entered = true
			}
		})
	}
	settle(t, k, 0, 640, 480, build)
	press := func(key string) bool {
		mods := render.Mods(0)
		if strings.HasPrefix(key, "ctrl+") {
			mods = render.ModCtrl
		}
		return k.handle(render.Event{Kind: render.KeyPress, Key: key, Mods: mods})
	}
	if press("a") || k.handle(render.Event{Kind: render.TextInput, Text: "a"}) {
		t.Error("a key was taken with no field to type in")
	}
	k.handle(event(render.PointerDown, 150, 160))
	k.handle(event(render.PointerUp, 150, 160))
	settle(t, k, time.Second, 640, 480, build)
	if !press("x") {
		t.Error("a key that prints was not taken while a field is typed in")
	}
	for _, e := range []render.Event{
		{Kind: render.TextInput, Text: "aЖ"},
		{Kind: render.KeyPress, Key: "backspace"},
		{Kind: render.TextInput, Text: "北"},
		{Kind: render.KeyPress, Key: "ctrl+v", Mods: render.ModCtrl},
		{Kind: render.KeyPress, Key: "left"},
		{Kind: render.KeyPress, Key: "left"},
		{Kind: render.TextInput, Text: "!"},
	} {
		if !k.handle(e) {
			t.Errorf("%+v was not taken while a field is typed in", e)
		}
	}
	settle(t, k, 2*time.Second, 640, 480, build)
	if want := "a北past!ed"; s != want {
		t.Errorf("the field holds %q, want %q", s, want)
	}
	press("ctrl+a")
	press("ctrl+c")
	press("return")
	settle(t, k, 3*time.Second, 640, 480, build)
	if b.text != s || !entered {
		t.Errorf("the clipboard holds %q and entered is %v, want %q and true", b.text, entered, s)
	}
	if k.fonts.built < 2 {
		t.Error("a typed character that is not in the texture did not have it built anew")
	}
}

// TestLayers looks at what changes, and what does not, from frame to frame.
func TestLayers(t *testing.T) {
	k := newToolkit(1)
	defer k.close()
	label := "one"
	build := func() {
		k.panel("a", nil, vec2{X: 20, Y: 20}, vec2{X: 200, Y: 100}, 0, func() { k.text("still") })
		k.panel("b", nil, vec2{X: 300, Y: 20}, vec2{X: 200, Y: 100}, 0, func() { k.text(label) })
	}
	settle(t, k, 0, 640, 480, build)
	first := append([]render.Layer{}, k.layers()...)
	if len(first) != 2 {
		t.Fatalf("%d layers, want one for each of two windows", len(first))
	}
	settle(t, k, time.Second, 640, 480, build)
	if !render.SameLayers(first, k.layers()) {
		t.Error("the same frame again has other versions")
	}
	before := append([]byte{}, first[1].Pixels.Pix...)
	label = "two"
	settle(t, k, 2*time.Second, 640, 480, build)
	second := k.layers()
	if second[0].Version != first[0].Version || second[1].Version == first[1].Version {
		t.Errorf("versions %d, %d became %d, %d; want that of the second window to change", first[0].Version, first[1].Version, second[0].Version, second[1].Version)
	}
	if string(before) != string(first[1].Pixels.Pix) {
		t.Error("pixels that are on the screen were drawn over")
	}
	if l := second[0]; l.X < 18 || l.X > 20 || l.Pixels.Width < 200 || l.Pixels.Width > 204 || l.Pixels.Height > 104 {
		t.Errorf("a window of 200x100 at 20, 20 is a layer of %dx%d at %d, %d", l.Pixels.Width, l.Pixels.Height, l.X, l.Y)
	}
	// Memory goes round.
	for i := range 20 {
		label = strings.Repeat("x", i)
		settle(t, k, time.Duration(3+i)*time.Second, 640, 480, build)
		k.layers()
	}
	if n := len(k.spare); n == 0 || n > maxSpare {
		t.Errorf("%d panes wait for being used again, want 1 to %d", n, maxSpare)
	}
	settle(t, k, time.Minute, 640, 480, func() {})
	if l := k.layers(); len(l) != 0 {
		t.Errorf("a frame without windows has %d layers", len(l))
	}
}

// TestLayersStayInside draws windows that reach beyond the window, and draws on
// after it became tiny.
func TestLayersStayInside(t *testing.T) {
	k := newToolkit(2)
	defer k.close()
	g := newGallery(k)
	for i, s := range [][2]int{{1600, 1300}, {300, 200}, {1, 1}, {0, -5}, {1 << 20, 3}} {
		settle(t, k, time.Duration(i)*time.Second, s[0], s[1], g.build)
		for _, l := range k.layers() {
			r := l.Rect()
			if r.X < 0 || r.Y < 0 || r.X+r.W > max(1, min(s[0], maxSide)) || r.Y+r.H > max(1, s[1]) {
				t.Errorf("a layer at %+v in a window of %v", r, s)
			}
		}
	}
}

func TestScale(t *testing.T) {
	k := newToolkit(0)
	defer k.close()
	build := oneButton(k, new(int))
	for _, c := range []struct{ scale, want, size float64 }{{1, 1, 17}, {2, 2, 34}, {1.3, 1.25, 21}, {1, 1, 17}, {99, 4, 68}, {-1, 1, 17}} {
		k.setScale(c.scale)
		settle(t, k, 0, 640, 480, build)
		if k.scale != c.want || float64(k.font(body).FontSize()) != c.size {
			t.Errorf("scale %v became %v with text of %v pixels, want %v and %v", c.scale, k.scale, k.font(body).FontSize(), c.want, c.size)
		}
	}
}

// TestFonts looks for characters in the fonts, as Dear ImGui has them.
func TestFonts(t *testing.T) {
	k := newToolkit(1)
	defer k.close()
	settle(t, k, 0, 640, 480, func() {})
	has := func(f face, r rune) bool { return k.font(f).FindGlyph(r).Codepoint() == int(r) }
	for f, text := range map[face]string{body: "aÄłΩЖё№—…≤", strong: "aÄłΩЖ—", small: "aÄłΩЖ", mono: "0aÄ"} {
		for _, r := range text {
			if !has(f, r) {
				t.Errorf("font %d has no %q", f, r)
			}
		}
	}
	for i := icon(firstIcon); i < iconEnd; i++ {
		for _, f := range []face{icons, smallIcons, bigIcons} {
			if !has(f, rune(i)) {
				t.Errorf("font %d has no icon %d", f, i-firstIcon)
			}
		}
	}
	width := k.font(body).FindGlyph('0').AdvanceX()
	for r := '1'; r <= '9'; r++ {
		if k.font(body).FindGlyph(r).AdvanceX() != width {
			t.Errorf("digit %c is %v pixels wide and 0 %v; want tabular digits", r, k.font(body).FindGlyph(r).AdvanceX(), width)
		}
	}
	if has(body, '京') {
		t.Error("a character that nobody needs is in the texture")
	}
	k.need("北京の")
	settle(t, k, time.Second, 640, 480, func() {})
	if !has(body, '京') || !has(small, 'の') {
		t.Error("characters that are needed are not in the texture")
	}
	built := k.fonts.built
	k.need("北京 \U0001f600 ￿ \xff")
	for r := rune(0x4e00); r < 0x4e00+maxExtra+500; r++ {
		k.need(string(r))
	}
	if len(k.fonts.extra) != maxExtra {
		t.Errorf("%d extra characters, want no more than %d", len(k.fonts.extra), maxExtra)
	}
	settle(t, k, 2*time.Second, 640, 480, func() {})
	if k.fonts.built != built+1 {
		t.Errorf("the texture was built %d times for many characters, want once", k.fonts.built-built)
	}
}

func TestElide(t *testing.T) {
	k := newToolkit(1)
	defer k.close()
	settle(t, k, 0, 640, 480, func() {
		for _, c := range []struct {
			s     string
			width float32
		}{{"short.yuv", 500}, {fileName, 200}, {fileName, 60}, {strings.Repeat("x", 1<<20), 300}, {"", 10}, {"ab", 1}, {"a\xff\xfeb" + fileName, 100}} {
			got := k.elide(c.s, body, c.width)
			w := k.measure(got, body).X
			if w > c.width && got != "…" {
				t.Errorf("%.40q in %v pixels is %q, %v pixels wide", c.s, c.width, got, w)
			}
			if k.measure(c.s, body).X <= c.width && got != c.s {
				t.Errorf("%q fits in %v pixels but became %q", c.s, c.width, got)
			}
			if strings.HasSuffix(c.s, ".yuv") && c.width > 100 && !strings.HasSuffix(got, ".yuv") {
				t.Errorf("%q in %v pixels is %q, without its end", c.s, c.width, got)
			}
		}
	})
}

func TestImages(t *testing.T) {
	k := newToolkit(1)
	defer k.close()
	b := render.NewBitmap(4, 4)
	id := k.image("a", b, 1)
	if k.image("a", b, 1) != id || k.image("a", b, 2) != id || k.image("b", b, 1) == id {
		t.Error("an image's identifier depends on more than its key")
	}
	v := k.texture(id).version
	b.Pix[0] = 200
	if k.image("a", b, 2); k.texture(id).version != v {
		t.Error("the same version was copied again")
	}
	if k.image("a", b, 3); k.texture(id).version == v || *k.texture(id).pix != 200 {
		t.Error("another version was not copied")
	}
	for _, bad := range []render.Bitmap{{}, {Width: 1 << 20, Height: 1 << 20, Stride: 4 << 20}, {Pix: make([]byte, 8), Width: 4, Height: 4, Stride: 16}, {Pix: make([]byte, 64), Width: 4, Height: 4, Stride: -16}} {
		if k.image("bad", bad, 1); k.texture(k.image("bad", bad, 1)).pix != nil {
			t.Errorf("a bitmap of %dx%d, stride %d and %d bytes was accepted", bad.Width, bad.Height, bad.Stride, len(bad.Pix))
		}
	}
	for i := range 3 * maxImages {
		k.image(strings.Repeat("k", i), b, 1)
	}
	if len(k.images) > maxImages || len(k.byID) != len(k.images) {
		t.Errorf("%d images and %d identifiers are held, want no more than %d", len(k.images), len(k.byID), maxImages)
	}
}

// TestMenu opens a popup, which takes what is clicked elsewhere and Escape.
func TestMenu(t *testing.T) {
	k := newToolkit(1)
	defer k.close()
	chosen, open := 0, true
	build := func() {
		k.panel("test", nil, vec2{X: 100, Y: 100}, vec2{X: 200, Y: 150}, 0, func() {
			if open {
				imgui.OpenPopup("menu")
				open = false
			}
			k.popup("menu", func() {
				if k.menuItem("item", iconCheck, "Something", "ctrl+s", false) {
					chosen++
				}
			})
		})
	}
	settle(t, k, 0, 640, 480, build)
	if !k.popupOpen || !k.handle(render.Event{Kind: render.KeyPress, Key: "escape"}) {
		t.Fatal("with a popup open Escape was not taken")
	}
	settle(t, k, time.Second, 640, 480, build)
	if k.popupOpen || k.handle(render.Event{Kind: render.KeyPress, Key: "escape"}) {
		t.Error("Escape did not close the popup")
	}
	open = true
	settle(t, k, 2*time.Second, 640, 480, build)
	if !k.handle(event(render.PointerDown, 600, 400)) || !k.handle(event(render.PointerUp, 600, 400)) {
		t.Error("a click beside a popup was not taken")
	}
	settle(t, k, 3*time.Second, 640, 480, build)
	if k.popupOpen || chosen != 0 {
		t.Error("a click beside a popup did not just close it")
	}
}

// TestPanelPlaces opens panels that are meant for one place, and makes the window
// small and large again.
func TestPanelPlaces(t *testing.T) {
	k := newToolkit(1)
	defer k.close()
	now, two := time.Duration(0), false
	draw := func(w, h int) {
		t.Helper()
		now += time.Second
		settle(t, k, now, w, h, func() {
			k.panel("a", nil, vec2{X: 20, Y: 20}, vec2{X: 200, Y: 100}, 0, func() {})
			if two {
				k.panel("b", nil, vec2{X: 20, Y: 20}, vec2{X: 180}, 0, func() { k.text("text") })
			}
		})
	}
	want := func(name string, at vec2) {
		t.Helper()
		if got := k.places[name].pos; got != at {
			t.Errorf("panel %s at %v, want %v", name, got, at)
		}
	}
	draw(800, 600)
	two = true
	draw(800, 600)
	want("a", vec2{X: 20, Y: 20})
	want("b", vec2{X: 800 - 20 - 180, Y: 20}) // not upon the other
	draw(400, 300)
	want("b", vec2{X: 400 - 8 - 180, Y: 20})
	draw(800, 600)
	want("b", vec2{X: 800 - 20 - 180, Y: 20}) // back again
}
