package sdlwindow

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"planar/packaging/icons"
)

// xprop runs xprop on the window.
func xprop(t *testing.T, w *Window, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("xprop"); err != nil {
		t.Skip("needs xprop")
	}
	out, err := exec.Command("xprop", append([]string{"-id", xid(t, w)}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("xprop %v: %v: %s", args, err, out)
	}
	return string(out)
}

// TestUserSize: only a size that somebody else has given the window is the user's.
func TestUserSize(t *testing.T) {
	for _, c := range []struct{ name, geometry, size string }{
		{"the pictures'", "", "320x240"},
		{"given at the start", "300x200+0+0", "300x200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := Options{Renderer: "software"}
			if c.geometry != "" {
				opts.Geometry = geometry(t, c.geometry)
			}
			w := open(t, opts)
			expect := func(when, want string) {
				t.Helper()
				idle(w)
				onMain(func() {
					got := "none"
					if width, height, ok := w.UserSize(); ok {
						got = fmt.Sprintf("%dx%d", width, height)
					}
					if got != want {
						t.Errorf("%s: %s, want %s", when, got, want)
					}
				})
			}
			resize := func(size string) {
				width, height, _ := strings.Cut(size, "x")
				xdotool(t, "windowsize", "--sync", xid(t, w), width, height)
			}
			onMain(func() { w.SetShape(320, 240) })
			expect("hidden", "none")
			show(t, w, quadrants(320, 240, 0))
			expect("shown", "none")
			onMain(func() { w.SetFullscreen(true) })
			expect("filling the screen", "none")
			onMain(func() { w.SetFullscreen(false) })
			expect("and no more", "none")
			resize("401x302")
			expect("resized", "401x302")
			onMain(func() { w.SetShape(640, 360) })
			expect("with other pictures", "401x302")
			onMain(func() { w.SetFullscreen(true) })
			expect("filling the screen after that", "none")
			onMain(func() { w.SetFullscreen(false) })
			expect("and no more, after that", "401x302")
			// There is no window manager that would give it another size for this.
			onMain(w.win.Maximize)
			resize("900x700")
			expect("maximised", "none")
			onMain(w.win.Restore)
			resize("401x302")
			expect("and no more", "401x302")
			resize(c.size)
			expect("as it was at first", "none")
		})
	}
}

// onePNG is a PNG of w x h pixels; the one at x, y is what f says.
func onePNG(t *testing.T, w, h int, f func(x, y int) color.NRGBA) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, f(x, y))
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestIcon: the window has the icon that it was given, with its transparency, and
// does without one that is none.
func TestIcon(t *testing.T) {
	small := onePNG(t, 3, 2, func(x, y int) color.NRGBA { return color.NRGBA{uint8(x), uint8(y), 200, uint8(100 * x)} })
	large := onePNG(t, maxIcon+1, 1, func(int, int) color.NRGBA { return color.NRGBA{} })
	for _, c := range []struct {
		name string
		icon []byte
		want string // the numbers with which the property begins
	}{
		{"small", small, "3 2 200 1677787336 3355574472 456 1677787592 3355574728"},
		{"planar's", icons.PNG, "64 64 "},
		{"none", nil, ""},
		{"no PNG", []byte("icon"), ""},
		{"cut", icons.PNG[:len(icons.PNG)/2], ""},
		{"too large", large, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := open(t, Options{Renderer: "software", Icon: c.icon, Geometry: geometry(t, "100x100+0+0")})
			show(t, w, quadrants(64, 64, 0))
			idle(w)
			out := xprop(t, w, "-notype", "32c", "_NET_WM_ICON")
			got := strings.Join(regexp.MustCompile(`\b\d+\b`).FindAllString(out, -1), " ")
			if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
				t.Errorf("got %.200q, want %q", out, c.want)
			}
		})
	}
}

// BenchmarkIcon is what the icon costs; with -benchtime 1x, in a process that has
// just begun.
func BenchmarkIcon(b *testing.B) {
	w := open(b, Options{Renderer: "software", Geometry: geometry(b, "100x100+0+0")})
	var spent time.Duration
	for b.Loop() {
		onMain(func() {
			began := time.Now()
			setIcon(w.win, icons.PNG)
			spent += time.Since(began)
		})
	}
	b.ReportMetric(float64(spent.Microseconds())/float64(b.N), "us")
}
