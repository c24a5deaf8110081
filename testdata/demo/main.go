// Command demo writes the clip that `make run` plays: a test card as raw I420
// and its sound as raw PCM. The card is made to be judged by eye: the ring is
// round only if the aspect ratio is right, the sweep and the sliding bar show
// uneven pacing, the serrated edge shows cropping, and each second's white
// flash starts with the same sample as a 1 kHz beep.
package main

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
)

const (
	width, height = 352, 288
	fps           = 25
	seconds       = 5
	frames        = fps * seconds
	frameBytes    = width * height * 3 / 2

	sampleRate = 44100
	channels   = 2
	pcmSamples = sampleRate * seconds // per channel

	beepHz      = 1000
	beepSamples = sampleRate * 8 / 100
	beepPeak    = 8192 // -12 dBFS: audible, not startling
	beepRelease = sampleRate / 200
)

func main() {
	dir := flag.String("o", "demo", "directory to write the pair to")
	flag.Parse()
	if err := run(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	video := fmt.Sprintf("planar-demo_%dx%d_%dfps.yuv", width, height, fps)
	if err := writeFile(filepath.Join(dir, video), writeVideo); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "planar-demo.pcm"), writeAudio)
}

// writeFile renames into place, so that an interrupted run leaves no short
// clip that make would take for a finished one.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".demo-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func writeVideo(w io.Writer) error {
	c := newCard()
	buf := make([]byte, frameBytes)
	for n := range frames {
		c.frame(n, buf)
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

func writeAudio(w io.Writer) error {
	var sample [2 * channels]byte
	for i := range pcmSamples {
		v := uint16(beep(i % sampleRate))
		binary.LittleEndian.PutUint16(sample[0:], v)
		binary.LittleEndian.PutUint16(sample[2:], v)
		if _, err := w.Write(sample[:]); err != nil {
			return err
		}
	}
	return nil
}

// beep returns the i-th sample of a second. It begins half a sample into the
// sine, so that the very first sample is already not silence.
func beep(i int) int16 {
	if i >= beepSamples {
		return 0
	}
	gain := min(1, float64(beepSamples-i)/beepRelease) // the end must not click
	phase := 2 * math.Pi * beepHz * (float64(i) + 0.5) / sampleRate
	return int16(math.Round(beepPeak * gain * math.Sin(phase)))
}
