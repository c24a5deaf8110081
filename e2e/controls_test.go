package e2e

import (
	"bytes"
	"fmt"
	"image"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Places on a window of deskW x deskH: those of the controller's buttons, whose
// places follow from the window's size.
const (
	deskW, deskH = 960, 600

	seekFrom, seekTo = 31, 929 // the seek bar's ends
	seekY            = 531
	buttonsY         = 563
	playX            = 81
	stepBackX        = 41
	stepForwardX     = 121
	fullscreenX      = 882
)

// desk starts planar in a window with controls.
func (s *screen) desk(args ...string) *window {
	s.t.Helper()
	return s.play(append([]string{"--osc", "auto", "--borderless", "--geometry", fmt.Sprintf("%dx%d+0+0", deskW, deskH)}, args...)...)
}

// move moves the pointer, in two steps, and gives the window time to see it.
func (w *window) move(x, y int) {
	w.screen.t.Helper()
	w.xdotool("mousemove", fmt.Sprint(x+3), fmt.Sprint(y+2))
	w.xdotool("mousemove", fmt.Sprint(x), fmt.Sprint(y))
	time.Sleep(100 * time.Millisecond)
}

func (w *window) click(x, y int) {
	w.screen.t.Helper()
	w.move(x, y)
	w.xdotool("click", "1")
	time.Sleep(50 * time.Millisecond)
}

// strike presses keys where the pointer is.
func (w *window) strike(keys ...string) {
	w.screen.t.Helper()
	for _, k := range keys {
		w.xdotool("key", k)
	}
}

func (w *window) frameIs(t *testing.T, what string, ok func(n int) bool) {
	t.Helper()
	until(t, 3*time.Second, fmt.Sprintf("%s (%s)", what, w.title()), func() bool { return ok(w.number()) })
}

// A person with a mouse and a keyboard.
func TestControls(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	clip := greyClip(t, 400)
	w := s.desk("--pause", clip)
	w.at(t, "the first frame", 0)

	// The controller comes with the pointer, and goes without it.
	corner := image.Rect(20, deskH-80, 940, deskH-20)
	plain := w.colours(corner)
	until(t, 5*time.Second, "the controller", func() bool {
		w.move(300, 300)
		return w.colours(corner) > plain+20
	})
	until(t, 8*time.Second, "no controller", func() bool { return w.colours(corner) == plain })

	w.click(playX, buttonsY)
	until(t, 3*time.Second, "it plays", func() bool { return !strings.HasPrefix(w.title(), "paused") && w.number() > 3 })
	w.click(playX, buttonsY)
	until(t, 3*time.Second, "a pause", func() bool { return strings.HasPrefix(w.title(), "paused") })

	w.click(seekFrom+(seekTo-seekFrom)/2, seekY)
	w.frameIs(t, "the middle of the seek bar", func(n int) bool { return n >= 198 && n <= 201 })
	w.move(seekFrom+(seekTo-seekFrom)/2, seekY)
	w.xdotool("mousedown", "1")
	w.move(seekFrom+(seekTo-seekFrom)/4, seekY)
	w.xdotool("mouseup", "1")
	w.frameIs(t, "dragged to a quarter", func(n int) bool { return n >= 98 && n <= 101 })
	n := w.number()
	w.click(stepForwardX, buttonsY)
	w.frameIs(t, "step forward", func(m int) bool { return m == n+1 })
	w.click(stepBackX, buttonsY)
	w.frameIs(t, "step back", func(m int) bool { return m == n })

	own := w.place()
	w.click(fullscreenX, buttonsY)
	until(t, 3*time.Second, "full screen", func() bool { return w.place() == image.Rect(0, 0, screenW, screenH) })
	w.strike("Escape")
	until(t, 3*time.Second, "the window again", func() bool { return w.place() == own })

	// Another file, by its path.
	other := flatClip(t, 352, 288)
	w.move(480, 200)
	w.strike("ctrl+o")
	time.Sleep(500 * time.Millisecond)
	w.strike("ctrl+a")
	w.xdotool("type", "--delay", "15", other)
	time.Sleep(300 * time.Millisecond)
	w.strike("Return")
	until(t, 5*time.Second, "the other file", func() bool { return strings.Contains(w.title(), filepath.Base(other)) })

	// A third one, dropped on the picture.
	third := write(t, "third_64x64_25fps.yuv", bytes.Repeat([]byte{90}, 64*64*3/2*10))
	w.drop(480, 200, third)
	until(t, 5*time.Second, "the dropped file", func() bool { return strings.Contains(w.title(), "third_") })
	w.strike("less")
	until(t, 5*time.Second, "the one before", func() bool { return strings.Contains(w.title(), filepath.Base(other)) })
	// Dropped on the playlist, it only comes behind the others.
	w.move(480, 200)
	w.strike("p")
	time.Sleep(500 * time.Millisecond)
	w.move(deskW-100, 100)
	w.drop(deskW-100, 100, third)
	time.Sleep(500 * time.Millisecond)
	if !strings.Contains(w.title(), filepath.Base(other)) {
		t.Errorf("a file that was dropped on the playlist plays at once: %s", w.title())
	}
	w.strike("p")
	for range 2 {
		w.strike("greater")
		until(t, 5*time.Second, "the next one", func() bool { return strings.Contains(w.title(), "third_") })
	}
	w.quits()
}

// A headerless file of which nothing is known: its size is typed into the panel
// until the picture is right, and remembered.
func TestRawPanel(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	raw := write(t, "dump.bin", read(t, flatClip(t, 352, 288)))
	state := env("XDG_STATE_HOME=" + t.TempDir())
	w := s.playWith(state, "--osc", "never", "--borderless", "--geometry", fmt.Sprintf("%dx%d+0+0", deskW, deskH),
		"--pause", "-s", "176x144", "-f", "yuv420p", "-r", "25", raw)
	w.frameIs(t, "the first frame", func(n int) bool { return n == 0 })
	w.move(700, 300)
	w.strike("r")
	time.Sleep(700 * time.Millisecond) // until the guesses are there
	for _, f := range []struct {
		x    int
		text string
	}{{70, "352"}, {220, "288"}} {
		w.click(f.x, 96)
		w.strike("ctrl+a")
		w.xdotool("type", "--delay", "20", f.text)
		w.strike("Return")
		time.Sleep(300 * time.Millisecond)
	}
	w.move(700, 300)
	w.strike("r")
	s.shows("the right picture", flat(image.Rect(0, 0, deskW, deskH), 352, 288, kr601, kb601))
	w.quits()
	r := planar(t, []string{"probe", raw}, state)
	if !strings.Contains(r.stdout, "352x288") || !strings.Contains(r.stdout, "remembered") {
		t.Errorf("what was typed is not remembered; probe says:\n%s", r.stdout)
	}
}

// Sound without pictures does not keep the last picture of what was before.
func TestSoundAfterPictures(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	w := s.play("--geometry", "200x200+10+10", "--loop", "inf", greyClip(t, 50), write(t, "x.pcm", noise16(44100*4)))
	until(t, 3*time.Second, "it plays", func() bool { return w.number() > 0 })
	w.press("greater")
	until(t, 3*time.Second, "the sound", func() bool { return strings.Contains(w.title(), "x.pcm") })
	s.shows("black", func(img *image.RGBA) error {
		for _, p := range []image.Point{{20, 20}, {110, 110}, {200, 200}} {
			if c := img.RGBAAt(p.X, p.Y); c.R != 0 || c.G != 0 || c.B != 0 {
				return fmt.Errorf("pixel %v is %v", p, c)
			}
		}
		return nil
	})
	w.quits()
}

// colours counts the colours in a part of the screen.
func (w *window) colours(r image.Rectangle) int {
	img, err := w.Screenshot()
	if err != nil {
		w.screen.t.Fatal(err)
	}
	seen := map[[3]byte]bool{}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			c := img.RGBAAt(x, y)
			seen[[3]byte{c.R, c.G, c.B}] = true
		}
	}
	return len(seen)
}

// At 64x, what is written in a cell is what the file has there, at every plane.
func TestCellValues(t *testing.T) {
	t.Parallel()
	const w, h = 64, 48
	var raw []byte
	for y := range h {
		for x := range w {
			raw = append(raw, byte(x*3+y*5))
		}
	}
	for _, scale := range [][2]int{{7, 3}, {2, 9}} {
		for y := range h / 2 {
			for x := range w / 2 {
				raw = append(raw, byte(16+x*scale[0]+y*scale[1]))
			}
		}
	}
	s := newScreen(t)
	win := s.desk("--pause", write(t, "cells_64x48_25fps.yuv", raw))
	win.frameIs(t, "the picture", func(n int) bool { return n == 0 })
	win.move(480, 590)
	win.strike("plus", "plus", "plus", "plus", "plus")
	const zoom = 64
	read, err := newReader(15)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, lines int, want func(x, y, line int) int) {
		t.Helper()
		s.shows(what, func(img *image.RGBA) error {
			for y := h/2 - 4; y < h/2+3; y++ {
				for x := w/2 - 7; x < w/2+7; x++ {
					cell := image.Rect(0, 0, zoom, zoom).Add(image.Pt(deskW/2+(x-w/2)*zoom, deskH/2+(y-h/2)*zoom))
					for l := range lines {
						middle := cell.Min.Y + zoom/2 + (2*l-lines+1)*9
						got, err := read.read(img, image.Rect(cell.Min.X+8, middle-8, cell.Max.X-8, middle+8))
						if err != nil {
							return err
						}
						if want := want(x, y, l); got != want {
							return fmt.Errorf("in the cell of %d,%d, line %d, is written %d, the file has %d", x, y, l+1, got, want)
						}
					}
				}
			}
			return nil
		})
	}
	sample := func(x, y, plane int) int {
		if plane == 0 {
			return int(pixels(raw, w, h, 0, 0)[y*w+x])
		}
		return int(pixels(raw, w, h, 0, plane)[y/2*w/2+x/2])
	}
	check("all planes", 3, sample)
	win.strike("1")
	check("luma", 1, func(x, y, _ int) int { return sample(x, y, 0) })
	win.quits()
}
