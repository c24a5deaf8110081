package hash_test

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"planar/render"
	"planar/render/hash"
)

// padded makes a 351x289 yuv420p picture out of tightly packed bytes, with
// strides wider than its rows and no padding after the last row.
func padded(packed []byte) *render.Picture {
	p := &render.Picture{Format: "yuv420p", Width: 351, Height: 289}
	for _, l := range []render.Layout{{RowBytes: 351, Rows: 289}, {RowBytes: 176, Rows: 145}, {RowBytes: 176, Rows: 145}} {
		pl := render.Plane{Stride: l.RowBytes + 17, RowBytes: l.RowBytes, Rows: l.Rows}
		pl.Data = bytes.Repeat([]byte{0xEE}, (l.Rows-1)*pl.Stride+l.RowBytes)
		for y := range l.Rows {
			copy(pl.Data[y*pl.Stride:], packed[:l.RowBytes])
			packed = packed[l.RowBytes:]
		}
		p.Planes = append(p.Planes, pl)
	}
	return p
}

func TestLines(t *testing.T) {
	packed := make([]byte, 351*289+2*176*145)
	for i := range packed {
		packed[i] = byte(i * 7)
	}
	want := md5.Sum(packed)
	var b strings.Builder
	o := hash.New(&b)
	for _, f := range []struct {
		number int64
		pts    time.Duration
		text   string
	}{
		{0, 0, "0.000000"},
		{1, 33366666 * time.Nanosecond, "0.033367"},
		{2, -1500 * time.Microsecond, "-0.001500"},
		{3, -499 * time.Nanosecond, "0.000000"},
		{4, 100*time.Hour + time.Microsecond, "360000.000001"},
		{5, math.MaxInt64, "9223372036.854776"},
		{6, math.MinInt64, "-9223372036.854776"},
	} {
		b.Reset()
		if err := o.Prepare(padded(packed)); err != nil {
			t.Fatal(err)
		}
		if b.Len() != 0 {
			t.Fatal("Prepare wrote")
		}
		if err := o.Present(f.number, f.pts); err != nil {
			t.Fatal(err)
		}
		if got, want := b.String(), fmt.Sprintf("%d %s %x\n", f.number, f.text, want); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if o.Paced() {
		t.Error("the hash output must not be paced")
	}
}

func TestEqualsFramemd5(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("needs the ffmpeg program")
	}
	source := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc=s=351x289", "-frames:v", "2", "-pix_fmt", "yuv420p"}
	raw, err := exec.Command("ffmpeg", append(source, "-f", "rawvideo", "-")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	md5s, err := exec.Command("ffmpeg", append(source, "-f", "framemd5", "-")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`[0-9a-f]{32}`).FindAllString(string(md5s), -1)
	const size = 351*289 + 2*176*145
	if len(raw) != 2*size || len(want) != 2 {
		t.Fatalf("ffmpeg gave %d bytes and %d sums", len(raw), len(want))
	}
	var b strings.Builder
	o := hash.New(&b)
	for i, sum := range want {
		b.Reset()
		if err := o.Prepare(padded(raw[i*size:][:size])); err != nil {
			t.Fatal(err)
		}
		if err := o.Present(int64(i), 0); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(b.String(), sum+"\n") {
			t.Errorf("frame %d: got %q, want sum %s", i, b.String(), sum)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestErrors(t *testing.T) {
	o := hash.New(broken{})
	if o.Present(0, 0) == nil {
		t.Error("Present before Prepare succeeded")
	}
	p := padded(make([]byte, 351*289+2*176*145))
	if err := o.Prepare(p); err != nil {
		t.Fatal(err)
	}
	if err := o.Present(0, 0); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("a write error was lost: %v", err)
	}
	p.Planes[2].Data = p.Planes[2].Data[:100]
	if o.Prepare(p) == nil {
		t.Error("a plane that is too short was accepted")
	}
	if o.Present(0, 0) == nil {
		t.Error("Present after a failed Prepare succeeded")
	}
}
