package overlay

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"planar/render"
)

// panelOf paints lines alone and returns the panel.
func panelOf(t *testing.T, w, h int, lines ...string) Box {
	t.Helper()
	boxes, _ := New().Paint(render.Overlay{Panel: lines}, w, h)
	if len(boxes) != 1 {
		t.Fatalf("%d boxes, want 1", len(boxes))
	}
	return boxes[0]
}

// column is the pixels of b from the given cell of a line on, n cells wide.
func column(b Box, c cell, row, from, n int) []byte {
	var out []byte
	for y := range c.h {
		line := b.Pixels.Pix[(c.w/2+row*c.h+y)*b.Pixels.Stride:][:b.Pixels.Stride]
		out = append(out, line[4*c.w*(1+from):][:4*c.w*n]...)
	}
	return out
}

func TestDiv255(t *testing.T) {
	for v := range 255*255 + 1 {
		if got, want := div255(v), byte(math.Round(float64(v)/255)); got != want {
			t.Fatalf("div255(%d) = %d, want %d", v, got, want)
		}
	}
}

func TestOver(t *testing.T) {
	for _, c := range []struct {
		dst     [4]byte
		colour  colour
		covered byte
		want    [4]byte
	}{
		{[4]byte{10, 20, 30, 40}, bright, 0, [4]byte{10, 20, 30, 40}},
		{[4]byte{10, 20, 30, 40}, bright, 255, [4]byte{246, 243, 240, 255}},
		{[4]byte{}, colour{255, 0, 51, 128}, 255, [4]byte{26, 0, 128, 128}},
		{[4]byte{0, 100, 200, 255}, colour{255, 0, 51, 255}, 128, [4]byte{26, 50, 228, 255}},
	} {
		got := c.dst
		if over(got[:], c.colour, c.covered); got != c.want {
			t.Errorf("%v over %v, %d: got %v, want %v", c.colour, c.dst, c.covered, got, c.want)
		}
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct {
		w, h int
		size float64 // of the font, in pixels
	}{
		{64, 64, 11}, {320, 240, 11}, {640, 480, 11}, {1280, 720, 14.4}, {1920, 1080, 21.6}, {3840, 2160, 28}, {1080, 1920, 28}, {500, 1600, 13.9},
	} {
		got := cellFor(c.w, c.h)
		if math.Abs(got.size()-c.size) > 0.9 {
			t.Errorf("%dx%d: text of %.1f pixels, want about %.1f", c.w, c.h, got.size(), c.size)
		}
		if got.h <= int(got.size()) || got.baseline >= got.h {
			t.Errorf("%dx%d: lines of %d with the baseline at %d", c.w, c.h, got.h, got.baseline)
		}
	}
}

// TestPlace: boxes lie in the window and not on each other, their pixels are
// proper, and where there is room they are there.
func TestPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	p := New()
	for range 400 {
		w, h := rng.IntN(900), rng.IntN(700)
		o := render.Overlay{Badge: strings.Repeat("b", rng.IntN(60))}
		for range rng.IntN(40) {
			o.Panel = append(o.Panel, strings.Repeat("l", rng.IntN(20))+"\t"+strings.Repeat("v", rng.IntN(120)))
		}
		boxes, _ := p.Paint(o, w, h)
		want := 0
		if w >= 200 && h >= 100 {
			want = min(len(o.Badge), 1) + min(len(o.Panel), 1)
		}
		if len(boxes) < want {
			t.Errorf("%dx%d, %d lines, badge %q: %d boxes, want %d", w, h, len(o.Panel), o.Badge, len(boxes), want)
		}
		for _, b := range boxes {
			px := b.Pixels
			if b.X < 0 || b.Y < 0 || b.X+px.Width > w || b.Y+px.Height > h {
				t.Errorf("a box of %dx%d at %d,%d leaves the window of %dx%d", px.Width, px.Height, b.X, b.Y, w, h)
			}
			for i := 0; i < len(px.Pix); i += 4 {
				if q := px.Pix[i:][:4]; max(q[0], q[1], q[2]) > q[3] {
					t.Fatalf("pixel %v has more colour than alpha", q)
				}
			}
		}
		if len(boxes) == 2 {
			a, b := boxes[0], boxes[1]
			if a.X < b.X+b.Pixels.Width && b.X < a.X+a.Pixels.Width && a.Y < b.Y+b.Pixels.Height && b.Y < a.Y+a.Pixels.Height {
				t.Errorf("%dx%d: badge and panel overlap", w, h)
			}
		}
	}
	for _, size := range [][2]int{{0, 0}, {-5, 10}, {1, 1}, {40, 2000}, {2000, 10}} {
		p.Paint(render.Overlay{Panel: []string{"a\tb"}, Badge: "c"}, size[0], size[1])
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{
		{"", 3, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"äöüß", 3, "äö…"},
		{"abcd", 1, "…"},
		{"abcd", 0, ""},
		{"abcd", -1, ""},
		{"a\tb\r\nc", 9, "a b  c"},
	} {
		if got := string(cut(c.s, c.n)); got != c.want {
			t.Errorf("cut(%q, %d) = %q, want %q", c.s, c.n, got, c.want)
		}
	}
}

// TestColumns: values begin below each other, labels are dim and values bright.
func TestColumns(t *testing.T) {
	const w, h = 1280, 720
	c := cellFor(w, h)
	b := panelOf(t, w, h, "fps\tsame", "reconnects\tsame", "no label")
	at := len("reconnects") + gap
	if !bytes.Equal(column(b, c, 0, at, 4), column(b, c, 1, at, 4)) {
		t.Error("equal values beside labels of different length do not look the same")
	}
	for _, l := range []struct {
		what            string
		row, from, n    int
		atLeast, atMost byte
	}{
		{"a label", 1, 0, 10, 150, 190},
		{"a value", 1, at, 4, 220, 246},
		{"a line without label", 2, 0, 8, 220, 246},
		{"no text", 0, 4, at - 4, 0, 30},
	} {
		got := byte(0)
		px := column(b, c, l.row, l.from, l.n)
		for i := 0; i < len(px); i += 4 {
			got = max(got, px[i])
		}
		if got < l.atLeast || got > l.atMost {
			t.Errorf("%s: brightest %d, want %d to %d", l.what, got, l.atLeast, l.atMost)
		}
	}
}

// TestClip: lines that are too long, and too many, end in an ellipsis.
func TestClip(t *testing.T) {
	const w, h = 320, 240
	c := cellFor(w, h)
	columns := (w-2*c.w)/c.w - 2
	long := panelOf(t, w, h, strings.Repeat("x", 500))
	want := panelOf(t, w, h, strings.Repeat("x", columns-1)+"…")
	if !bytes.Equal(long.Pixels.Pix, want.Pixels.Pix) {
		t.Error("a line that is too long is not cut with an ellipsis")
	}
	if columns < 40 {
		t.Errorf("only %d characters fit into %d pixels", columns, w)
	}
	many := panelOf(t, w, h, slices.Repeat([]string{"yyyyyyyy"}, 99)...)
	rows := (many.Pixels.Height - c.w) / c.h
	want = panelOf(t, w, h, append(slices.Repeat([]string{"yyyyyyyy"}, rows-1), "…")...)
	if !bytes.Equal(many.Pixels.Pix, want.Pixels.Pix) || rows < 12 {
		t.Errorf("lines that are too many are not cut with an ellipsis after %d", rows)
	}
}

// TestHostileText: what does not belong on a line is a question mark, and what is
// endless costs no more than what fits.
func TestHostileText(t *testing.T) {
	const w, h = 1280, 720
	for _, s := range []string{
		"\x00", "\x07", "\x1b", "\x7f", "\u0085", "\xff", "\ufffd", "\u200b", "\u202e", "\u2066", "\u2028", "\U0001f4a9", "漢", "\U0010ffff", "\ue000",
	} {
		got, want := panelOf(t, w, h, "a"+s+"b"), panelOf(t, w, h, "a?b")
		if !bytes.Equal(got.Pixels.Pix, want.Pixels.Pix) {
			t.Errorf("%q is not drawn as a question mark", s)
		}
	}
	for _, s := range []string{"é", "ß", "Ж", "Ω", "–", "…", "µ", "€", "%"} {
		got, not := panelOf(t, w, h, s), panelOf(t, w, h, "?")
		if bytes.Equal(got.Pixels.Pix, not.Pixels.Pix) {
			t.Errorf("%q is drawn as a question mark, though the font has it", s)
		}
	}
	p := New()
	huge := strings.Repeat("\x1b[31m漢\xff\t", 1<<20)
	p.Paint(render.Overlay{Panel: slices.Repeat([]string{huge}, 1000), Badge: huge}, w, h)
	for r := range rune(5000) {
		p.glyph(r)
	}
	if len(p.glyphs) > maxGlyphs {
		t.Errorf("%d glyphs are remembered", len(p.glyphs))
	}
}

func TestBadge(t *testing.T) {
	const w, h = 1280, 720
	boxes, _ := New().Paint(render.Overlay{Badge: "signal lost 3 s"}, w, h)
	if len(boxes) != 1 {
		t.Fatalf("%d boxes, want 1", len(boxes))
	}
	b, c := boxes[0], cellFor(w, h)
	if right := w - b.X - b.Pixels.Width; right != c.w || b.Y != c.w {
		t.Errorf("the badge is %d pixels from the right and %d from the top, want %d", right, b.Y, c.w)
	}
	dot := b.Pixels.Pix[b.Pixels.Height/2*b.Pixels.Stride+c.w*3/2*4:][:4]
	if want := pixel(accent, 255); !bytes.Equal(dot, want[:]) {
		t.Errorf("the dot is %v, want %v", dot, want)
	}
	if corner := b.Pixels.Pix[:4]; !bytes.Equal(corner, make([]byte, 4)) {
		t.Errorf("the corner is %v, want nothing", corner)
	}
}

// TestCache: Paint tells whether its result is another one, and keeps no hold on
// the caller's lines.
func TestCache(t *testing.T) {
	p := New()
	lines := []string{"one", "two"}
	panel, none := render.Overlay{Panel: lines}, render.Overlay{}
	check := func(what string, o render.Overlay, w, h, boxes int, changed bool) {
		t.Helper()
		b, c := p.Paint(o, w, h)
		if len(b) != boxes || c != changed {
			t.Errorf("%s: %d boxes, changed %v; want %d, %v", what, len(b), c, boxes, changed)
		}
	}
	check("nothing", none, 640, 480, 0, false)
	check("a panel", panel, 640, 480, 1, true)
	check("the same", panel, 640, 480, 1, false)
	lines[0] = "three"
	check("another line", panel, 640, 480, 1, true)
	check("a larger window", panel, 1280, 720, 1, true)
	check("a badge too", render.Overlay{Panel: lines, Badge: "b"}, 1280, 720, 2, true)
	check("nothing again", none, 1280, 720, 0, true)
	check("still nothing", none, 640, 480, 0, false)
}

// TestCalm: the panel keeps its size while numbers in it grow by a digit.
func TestCalm(t *testing.T) {
	width := func(n int) int { return panelOf(t, 1280, 720, fmt.Sprintf("fps\t%d", n)).Pixels.Width }
	if a, b := width(9), width(10); a != b {
		t.Errorf("the panel is %d pixels wide, then %d", a, b)
	}
}

// BenchmarkPaint is a panel of 14 lines that changes every time.
func BenchmarkPaint(b *testing.B) {
	p, n := New(), 0
	lines := slices.Repeat([]string{"video\t41811 packets, lost 12 (0.03 %), late 1, reordered 4, jitter 1.1 ms"}, 14)
	for b.Loop() {
		n++
		lines[3] = fmt.Sprintf("frame\t%d", n)
		p.Paint(render.Overlay{Panel: lines}, 1920, 1080)
	}
}
