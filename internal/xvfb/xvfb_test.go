package xvfb

import (
	"errors"
	"image/color"
	"os"
	"os/exec"
	"testing"
)

func TestScreenshot(t *testing.T) {
	s := ForTest(t, 320, 200)
	img, err := s.Screenshot()
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() != 320 || b.Dy() != 200 {
		t.Fatalf("the screen is %v", b)
	}
	if _, err := exec.LookPath("xsetroot"); err != nil {
		t.Skip("needs xsetroot")
	}
	cmd := exec.Command("xsetroot", "-solid", "#123456")
	cmd.Env = append(os.Environ(), "DISPLAY="+s.Display)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if img, err = s.Screenshot(); err != nil {
		t.Fatal(err)
	}
	if got, want := img.RGBAAt(319, 199), (color.RGBA{0x12, 0x34, 0x56, 255}); got != want {
		t.Errorf("the root window is %v, want %v", got, want)
	}
}

func TestTwoServers(t *testing.T) {
	a, b := ForTest(t, 64, 64), ForTest(t, 64, 64)
	if a.Display == b.Display {
		t.Errorf("both are %s", a.Display)
	}
}

func TestMissing(t *testing.T) {
	t.Setenv("PATH", "")
	if _, err := Start(64, 64, 24); !errors.Is(err, ErrMissing) {
		t.Errorf("got %v", err)
	}
}

func TestDecodeXWDRefuses(t *testing.T) {
	for n := range 200 {
		if _, err := decodeXWD(make([]byte, n)); err == nil {
			t.Errorf("%d zero bytes are no dump", n)
		}
	}
}
