package wav

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"planar/audio"
	"planar/audio/audiotest"
	"planar/player"
)

var _ player.AudioOutput = (*Device)(nil)

func TestOutput(t *testing.T) {
	for name, unpaced := range map[string]bool{"paced": false, "unpaced": true} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.wav")
			var f audio.Format
			audiotest.Run(t, audiotest.Kind{
				Open: func(t *testing.T, want audio.Format) audiotest.Output {
					d, err := Open(path, want, Options{Unpaced: unpaced})
					if err != nil {
						t.Fatal(err)
					}
					f = d.Format()
					return d
				},
				Recorded: func(t *testing.T) []byte {
					b, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					head := len(header(f, 0))
					if want := header(f, uint32(len(b)-head)); !bytes.HasPrefix(b, want) {
						t.Errorf("header\n%x, want\n%x", b[:head], want)
					}
					return b[head:]
				},
				Formats: []audio.Format{
					{Sample: audio.S16, Rate: 48000, Channels: 2},
					{Sample: audio.S32, Rate: 44100, Channels: 6, Layout: 0x3f},
					{Sample: audio.F32, Rate: 22050, Channels: 1},
				},
				Unpaced: unpaced,
			})
		})
	}
}

func TestHeader(t *testing.T) {
	const (
		riff = "52494646"
		wave = "57415645666d7420"
		fact = "66616374" + "04000000"
		data = "64617461"
		guid = "000000001000800000aa00389b71"
	)
	for _, c := range []struct {
		name string
		f    audio.Format
		data uint32
		want string
	}{
		{
			"PCM, canonical",
			audio.Format{Sample: audio.S16, Rate: 44100, Channels: 2},
			8,
			riff + "2c000000" + wave + "10000000" + "0100" + "0200" + "44ac0000" + "10b10200" + "0400" + "1000" + data + "08000000",
		},
		{
			"32 bit",
			audio.Format{Sample: audio.S32, Rate: 48000, Channels: 1},
			unknown,
			riff + "ffffffff" + wave + "10000000" + "0100" + "0100" + "80bb0000" + "00ee0200" + "0400" + "2000" + data + "ffffffff",
		},
		{
			"float",
			audio.Format{Sample: audio.F32, Rate: 48000, Channels: 1},
			12,
			riff + "3e000000" + wave + "12000000" + "0300" + "0100" + "80bb0000" + "00ee0200" + "0400" + "2000" + "0000" + fact + "03000000" + data + "0c000000",
		},
		{
			"5.1",
			audio.Format{Sample: audio.S16, Rate: 48000, Channels: 6, Layout: 0x3f},
			24,
			riff + "60000000" + wave + "28000000" + "feff" + "0600" + "80bb0000" + "00ca0800" + "0c00" + "1000" + "1600" + "1000" + "3f000000" + "0100" + guid +
				fact + "02000000" + data + "18000000",
		},
		{
			"channels without places",
			audio.Format{Sample: audio.F32, Rate: 48000, Channels: 3},
			0,
			riff + "48000000" + wave + "28000000" + "feff" + "0300" + "80bb0000" + "00ca0800" + "0c00" + "2000" + "1600" + "2000" + "00000000" + "0300" + guid +
				fact + "00000000" + data + "00000000",
		},
	} {
		if got := hex.EncodeToString(header(c.f, c.data)); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, c.want)
		}
	}
	if n := len(header(audio.Format{Sample: audio.F32, Rate: 1, Channels: 9}, 0)); limit+n > math.MaxUint32 {
		t.Errorf("a header of %d bytes is too large for the limit", n)
	}
}

func TestMask(t *testing.T) {
	for _, c := range []struct {
		channels int
		layout   uint64
		want     uint32
	}{{6, 0x3f, 0x3f}, {6, 0x60f, 0x60f}, {6, 0, 0}, {5, 0x3f, 0}, {2, 0x60000000, 0}} {
		if got := mask(audio.Format{Channels: c.channels, Layout: c.layout}); got != c.want {
			t.Errorf("mask of %d channels, layout %#x = %#x, want %#x", c.channels, c.layout, got, c.want)
		}
	}
}

func openUnpaced(t *testing.T, path string) *Device {
	t.Helper()
	d, err := Open(path, audio.Format{Sample: audio.S16, Rate: 48000, Channels: 1}, Options{Unpaced: true})
	if err != nil {
		t.Fatal(err)
	}
	d.Pause(false)
	return d
}

func TestTooLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.wav")
	d := openUnpaced(t, path)
	d.file.limit = 1001
	pcm := audiotest.Noise(d.Format(), 600)
	d.Write(pcm)
	_, err := d.Write(pcm)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "4 GiB") {
		t.Errorf("Write past the limit: %v", err)
	}
	if e := d.Close(); e == nil || e.Error() != err.Error() {
		t.Errorf("Close: %v", e)
	}
	b, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(b, append(header(d.Format(), 1000), pcm[:1000]...)) {
		t.Errorf("%d bytes, %v; want what fits", len(b), err)
	}
}

func TestDiskFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	check := func(err error) {
		t.Helper()
		if !errors.Is(err, syscall.ENOSPC) || strings.Count(err.Error(), "/dev/full") != 1 {
			t.Errorf("disk full: %v", err)
		}
	}
	d := openUnpaced(t, "/dev/full")
	d.Write(audiotest.Noise(d.Format(), 100)) // still in the buffer
	check(d.Close())
	check(d.Close())

	d = openUnpaced(t, "/dev/full")
	var err error
	for range 2 {
		if _, err = d.Write(audiotest.Noise(d.Format(), 100_000)); err != nil {
			break
		}
	}
	check(err)
	check(d.Close())
}

// A pipe cannot be sought in: its header says that the size is not known.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	read := make(chan []byte)
	go func() {
		b, _ := os.ReadFile(path)
		read <- b
	}()
	d := openUnpaced(t, path)
	pcm := audiotest.Noise(d.Format(), 1000)
	if n, err := d.Write(pcm); n != 1000 || err != nil {
		t.Errorf("Write: %d, %v", n, err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	select {
	case b := <-read:
		if !bytes.Equal(b, append(header(d.Format(), unknown), pcm...)) {
			t.Errorf("%d bytes came through", len(b))
		}
	case <-time.After(5 * time.Second):
		t.Error("nothing came through")
	}
}

func TestOpenRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "x.wav")
	_, err := Open(path, audio.Format{Sample: audio.S16, Rate: 48000, Channels: 2}, Options{})
	if !errors.Is(err, os.ErrNotExist) || strings.Count(err.Error(), path) != 1 {
		t.Errorf("Open in a directory that is not there: %v", err)
	}
	for _, f := range []audio.Format{{}, {Sample: audio.S16, Rate: 48000, Channels: 1 << 16}} {
		if _, err := Open(filepath.Join(t.TempDir(), "x.wav"), f, Options{}); err == nil {
			t.Errorf("Open takes %v", f)
		}
	}
}
