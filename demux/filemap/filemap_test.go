//go:build linux && cgo

package filemap

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func fileOf(t testing.TB, n int) (*os.File, []byte) {
	t.Helper()
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i*7 + i>>8)
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, data
}

func TestMap(t *testing.T) {
	f, want := fileOf(t, 100_000)
	for _, part := range [][2]int{{0, 1}, {0, 100_000}, {1, 99_999}, {4095, 2}, {4096, 4096}, {99_999, 1}, {12_345, 54_321}} {
		got, free, err := Map(f, int64(part[0]), part[1])
		if err != nil {
			t.Fatalf("%v: %v", part, err)
		}
		if !bytes.Equal(got, want[part[0]:part[0]+part[1]]) {
			t.Errorf("%v: other bytes than the file's", part)
		}
		free()
	}
}

func TestMapRefuses(t *testing.T) {
	f, _ := fileOf(t, 10_000)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for _, c := range []struct {
		f    *os.File
		off  int64
		n    int
		want error
	}{
		{f, 0, 10_001, io.ErrUnexpectedEOF},
		{f, 10_000, 1, io.ErrUnexpectedEOF},
		{f, 1 << 62, 1 << 62, io.ErrUnexpectedEOF},
		{f, -1, 10, errors.ErrUnsupported},
		{f, 0, 0, errors.ErrUnsupported},
		{r, 0, 10, errors.ErrUnsupported},
	} {
		if _, _, err := Map(c.f, c.off, c.n); !errors.Is(err, c.want) {
			t.Errorf("%d bytes at %d: %v, want %v", c.n, c.off, err, c.want)
		}
	}
}

// A file that is cut while it is looked at reads as zeros from there on, on
// whatever goroutine.
func TestCut(t *testing.T) {
	const size = 64 * 4096
	f, want := fileOf(t, size)
	data, free, err := Map(f, 0, size)
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	if err := f.Truncate(8192); err != nil {
		t.Fatal(err)
	}
	before := lost()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if !bytes.Equal(data[:8192], want[:8192]) {
				t.Error("what is left of the file is not read")
			}
			for i, b := range data[8192:] {
				if b != 0 {
					t.Errorf("byte %d is %d after the cut", 8192+i, b)
					return
				}
			}
		})
	}
	wg.Wait()
	if lost() == before {
		t.Error("no page was replaced: the test cut nothing")
	}
}

// A fault elsewhere stays a fault.
func TestOtherFaults(t *testing.T) {
	f, _ := fileOf(t, 8192)
	if _, free, err := Map(f, 0, 8192); err == nil {
		free() // the handler is in place
	}
	defer func() {
		if recover() == nil {
			t.Error("a nil pointer was read")
		}
	}()
	var p *int
	_ = *p
}

// There is an end to mappings at a time, and freeing makes room.
func TestManyMappings(t *testing.T) {
	f, _ := fileOf(t, 8192)
	var frees []func()
	for {
		_, free, err := Map(f, 4096, 100)
		if err != nil {
			if !errors.Is(err, errors.ErrUnsupported) || len(frees) < 64 {
				t.Errorf("after %d mappings: %v", len(frees), err)
			}
			break
		}
		frees = append(frees, free)
	}
	for _, free := range frees {
		free()
	}
	if _, free, err := Map(f, 0, 1); err != nil {
		t.Error(err)
	} else {
		free()
	}
}

func BenchmarkRead(b *testing.B) {
	const frame = 1920 * 1080 * 3 / 2
	f, _ := fileOf(b, 10*frame)
	b.Run("copied", func(b *testing.B) {
		buf := make([]byte, frame)
		b.SetBytes(frame)
		for i := range b.N {
			if _, err := f.ReadAt(buf, int64(i%10)*frame); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("mapped", func(b *testing.B) {
		b.SetBytes(frame)
		for i := range b.N {
			_, free, err := Map(f, int64(i%10)*frame, frame)
			if err != nil {
				b.Fatal(err)
			}
			free()
		}
	})
}
