package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestSizesAndNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := run(dir); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{
		"planar-demo_352x288_25fps.yuv": 125 * 352 * 288 * 3 / 2,
		"planar-demo.pcm":               5 * 44100 * 2 * 2,
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) {
		t.Errorf("%d files, want %d", len(entries), len(want))
	}
	for name, size := range want {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() != size {
			t.Errorf("%s: %v, %v; want %d bytes", name, info, err, size)
		}
	}
}

// The picture is a fixed point for people who compare screenshots: a change
// to it is to be seen in review.
func TestFrameZeroIsFixed(t *testing.T) {
	const want = "834d2eff032e5fd078983e855fabd3f0737304863fa219b14dfd8049886062ee"
	buf := make([]byte, frameBytes)
	c := newCard()
	c.frame(0, buf)
	if got := fmt.Sprintf("%x", sha256.Sum256(buf)); got != want {
		t.Errorf("sha256 %s, want %s", got, want)
	}
	c.frame(77, buf)
	c.frame(0, buf)
	if got := fmt.Sprintf("%x", sha256.Sum256(buf)); got != want {
		t.Error("frame 0 depends on what was drawn before")
	}
}

func TestFramesDifferAndStayInRange(t *testing.T) {
	seen := map[[32]byte]int{}
	buf := make([]byte, frameBytes)
	c := newCard()
	for n := range frames {
		c.frame(n, buf)
		sum := sha256.Sum256(buf)
		if was, ok := seen[sum]; ok {
			t.Fatalf("frames %d and %d are equal", was, n)
		}
		seen[sum] = n
		for i, v := range buf {
			if v < 16 || v > 240 || i < width*height && v > 235 {
				t.Fatalf("frame %d: byte %d is %d, out of the limited range", n, i, v)
			}
		}
	}
}

// Flash and beep begin together at each full second, and nowhere else.
func TestFlashAndBeepBeginTogether(t *testing.T) {
	corner := 40*width + 40 // outside the ring, not on text
	var flashes []int       // in samples
	buf := make([]byte, frameBytes)
	c := newCard()
	lit := false
	for n := range frames {
		c.frame(n, buf)
		if now := buf[corner] == 235; now != lit {
			lit = now
			if lit {
				flashes = append(flashes, n*sampleRate/fps)
			}
		}
	}

	var pcm bytes.Buffer
	if err := writeAudio(&pcm); err != nil {
		t.Fatal(err)
	}
	var beeps []int
	quiet := sampleRate // at least a hundredth of a second of silence parts two beeps
	for i := range pcmSamples {
		left := int16(binary.LittleEndian.Uint16(pcm.Bytes()[i*4:]))
		right := int16(binary.LittleEndian.Uint16(pcm.Bytes()[i*4+2:]))
		if left != right {
			t.Fatalf("sample %d: channels differ", i)
		}
		if left == 0 {
			quiet++
			continue
		}
		if quiet > sampleRate/100 {
			beeps = append(beeps, i)
		}
		quiet = 0
	}

	want := fmt.Sprint([]int{0, 44100, 88200, 132300, 176400})
	if fmt.Sprint(flashes) != want {
		t.Errorf("flashes at %v, want %v", flashes, want)
	}
	if fmt.Sprint(beeps) != want {
		t.Errorf("beeps at %v, want %v", beeps, want)
	}
}
