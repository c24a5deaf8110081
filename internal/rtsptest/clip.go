package rtsptest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
)

// Clip is a piece of encoded video.
type Clip struct {
	Units     [][][]byte      // access units in decoding order, as NAL units without start codes
	PTS       []time.Duration // of each, from 0 on
	FrameTime time.Duration
	Format    format.Format // with the parameter sets of the first key frame

	codec string
}

// NewClip encodes frames of ffmpeg's test picture as "h264" or "h265". Without other
// flags there is one key frame and there are no B-frames, so that clips can be
// played one after the other. It skips the test where there is no ffmpeg.
func NewClip(t testing.TB, codec string, width, height, rate, frames int, flags ...string) *Clip {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("ffmpeg is not installed")
		}
		t.Skip("ffmpeg is not installed (Debian: apt-get install ffmpeg)")
	}
	dir := t.TempDir()
	stream, list := filepath.Join(dir, "clip."+codec), filepath.Join(dir, "list")
	muxer, filter := "h264", "h264_metadata=aud=insert"
	args := []string{
		"-hide_banner", "-v", "error", "-nostdin", "-f", "lavfi", "-i", fmt.Sprintf("testsrc=size=%dx%d:rate=%d", width, height, rate),
		"-frames:v", fmt.Sprint(frames), "-pix_fmt", "yuv420p", "-g", fmt.Sprint(frames), "-bf", "0", "-threads", "1",
	}
	if codec == "h264" {
		args = append(args, "-c:v", "libx264", "-preset", "ultrafast")
	} else {
		muxer, filter = "hevc", "hevc_metadata=aud=insert"
		args = append(args, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:repeat-headers=1:bframes=0:pools=none")
	}
	args = append(args, flags...)
	args = append(args, "-map", "0:v", "-f", "tee", fmt.Sprintf("[bsfs=%s:f=%s]%s|[f=framecrc]%s", filter, muxer, stream, list))
	if out, err := exec.Command(ffmpeg, args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	b, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	c := &Clip{FrameTime: time.Second / time.Duration(rate), codec: codec}
	c.Units = c.split(b)
	c.PTS = presentation(string(text))
	if len(c.Units) != frames || len(c.PTS) != frames {
		t.Fatalf("ffmpeg made %d access units with %d times, want %d", len(c.Units), len(c.PTS), frames)
	}
	c.Format = c.describe()
	return c
}

// Media is a medium of a camera that sends this clip.
func (c *Clip) Media() *description.Media {
	return &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{c.Format}}
}

// kind is the type of a NAL unit, ITU-T H.264 section 7.3.1 and H.265 section 7.3.1.2.
func (c *Clip) kind(nal []byte) byte {
	if c.codec == "h264" {
		return nal[0] & 31
	}
	return nal[0] >> 1 & 63
}

// split takes an Annex B stream apart at its start codes and access unit delimiters,
// which are left out.
func (c *Clip) split(b []byte) (units [][][]byte) {
	delimiter := byte(9)
	if c.codec == "h265" {
		delimiter = 35
	}
	for _, nal := range bytes.Split(b, []byte{0, 0, 1}) {
		nal = bytes.TrimRight(nal, "\x00") // of the next start code: a NAL unit ends with a bit that is 1
		switch {
		case len(nal) == 0:
		case c.kind(nal) == delimiter:
			units = append(units, nil)
		case len(units) > 0:
			units[len(units)-1] = append(units[len(units)-1], nal)
		}
	}
	return units
}

// presentation reads the times from what ffmpeg's framecrc writes: a line
// "#tb 0: 1/25", then one "0, DTS, PTS, ..." for each packet.
func presentation(list string) (pts []time.Duration) {
	num, den := int64(0), int64(1)
	for line := range strings.Lines(list) {
		var dts, p int64
		fmt.Sscanf(line, "#tb 0: %d/%d", &num, &den)
		if n, _ := fmt.Sscanf(line, "0, %d, %d", &dts, &p); n == 2 {
			pts = append(pts, time.Duration(p*num*int64(time.Second)/den))
		}
	}
	return pts
}

// describe takes the parameter sets from the first access unit.
func (c *Clip) describe() format.Format {
	sets := map[byte][]byte{}
	for _, nal := range c.Units[0] {
		sets[c.kind(nal)] = nal
	}
	if c.codec == "h264" {
		return &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: sets[7], PPS: sets[8]}
	}
	return &format.H265{PayloadTyp: 96, VPS: sets[32], SPS: sets[33], PPS: sets[34]}
}
