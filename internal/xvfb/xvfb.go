// Package xvfb gives tests a private X server and pictures of its screen.
package xvfb

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ErrMissing says that the Xvfb program is not installed.
var ErrMissing = errors.New("xvfb is not installed (Debian: apt-get install xvfb)")

// Server is a running X server without hardware. Its screen is readable at
// any time and shows exactly what its clients have drawn, without the pointer.
type Server struct {
	Display string // for the environment variable DISPLAY, such as ":3"

	dir     string
	process *os.Process
	ended   chan error
}

// Start runs a server with one screen of w x h pixels and the given depth (24
// or 16 bits). Close ends it.
func Start(w, h, depth int) (*Server, error) {
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		return nil, ErrMissing
	}
	dir, err := os.MkdirTemp("", "planar-xvfb-")
	if err != nil {
		return nil, err
	}
	r, pw, err := os.Pipe()
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	defer r.Close()
	var log strings.Builder
	cmd := exec.Command(path, "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx%d", w, h, depth),
		"-fbdir", dir, "-nolisten", "tcp", "-noreset", "-nocursor")
	cmd.ExtraFiles = []*os.File{pw}
	cmd.Stderr = &log
	cmd.SysProcAttr = endWithParent()
	s := &Server{dir: dir, ended: make(chan error, 1)}
	started := make(chan error, 1)
	go func() {
		// Linux ends the server with the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		pw.Close()
		started <- err
		if err == nil {
			s.ended <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	s.process = cmd.Process
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("xvfb did not start: %s", strings.TrimSpace(log.String()))
	}
	s.Display = ":" + strings.TrimSpace(number)
	return s, nil
}

// ForTest is Start for the time of a test, which is skipped without Xvfb.
func ForTest(tb testing.TB, w, h int) *Server {
	tb.Helper()
	s, err := Start(w, h, 24)
	if errors.Is(err, ErrMissing) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Close ends the server.
func (s *Server) Close() {
	s.process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(5 * time.Second):
		s.process.Kill()
		<-s.ended
	}
	os.RemoveAll(s.dir)
}

// Screenshot reads the whole screen.
func (s *Server) Screenshot() (*image.RGBA, error) {
	b, err := os.ReadFile(filepath.Join(s.dir, "Xvfb_screen0"))
	if err != nil {
		return nil, err
	}
	return decodeXWD(b)
}

// decodeXWD reads an X window dump, version 7, of a TrueColor screen.
func decodeXWD(b []byte) (*image.RGBA, error) {
	const words = 25
	if len(b) < 4*words {
		return nil, errors.New("window dump: too short")
	}
	// Its header is big-endian whatever the machine is.
	field := func(i int) int { return int(binary.BigEndian.Uint32(b[4*i:])) }
	if field(1) != 7 || field(2) != 2 {
		return nil, fmt.Errorf("window dump: version %d format %d, want 7 and 2", field(1), field(2))
	}
	w, h, bits, stride := field(4), field(5), field(11), field(12)
	offset := field(0) + 12*field(19)
	size := bits / 8
	if bits != 16 && bits != 32 || w <= 0 || h <= 0 || stride < w*size || offset+h*stride > len(b) {
		return nil, fmt.Errorf("window dump: %dx%d, %d bits, stride %d in %d bytes", w, h, bits, stride, len(b))
	}
	var order binary.ByteOrder = binary.LittleEndian
	if field(7) != 0 {
		order = binary.BigEndian
	}
	var scale [3][256]byte // by channel and unscaled value
	var shift [3]int
	for c := range 3 {
		mask := field(14 + c)
		if mask == 0 {
			return nil, errors.New("window dump: not a TrueColor screen")
		}
		for mask&1 == 0 {
			mask >>= 1
			shift[c]++
		}
		for v := range min(mask, 255) + 1 {
			scale[c][v] = byte((v*255 + mask/2) / mask)
		}
	}
	masks := [3]int{field(14), field(15), field(16)}
	// Nearly all screens are like this, and tests look at many of them.
	usual := size == 4 && order == binary.LittleEndian && masks == [3]int{0xff0000, 0xff00, 0xff}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		row := b[offset+y*stride:]
		if usual {
			out := img.Pix[y*img.Stride:][:4*w]
			for i := 0; i < len(out); i += 4 {
				out[i], out[i+1], out[i+2], out[i+3] = row[i+2], row[i+1], row[i], 255
			}
			continue
		}
		for x := range w {
			var v int
			if size == 4 {
				v = int(order.Uint32(row[4*x:]))
			} else {
				v = int(order.Uint16(row[2*x:]))
			}
			p := img.Pix[y*img.Stride+4*x:]
			for c := range 3 {
				p[c] = scale[c][v&masks[c]>>shift[c]]
			}
			p[3] = 255
		}
	}
	return img, nil
}
