package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"planar/demux"
	planarff "planar/demux/ffmpeg"
	"planar/demux/pattern"
	"planar/demux/rtsp"
	"planar/render"
)

// serve starts planar as a server and returns the addresses it prints.
func serve(t testing.TB, paths int, args ...string) (p *process, urls []string) {
	t.Helper()
	p = start(t, append([]string{"serve", "--listen", fmt.Sprintf("127.0.0.1:%d", freePort(t))}, args...))
	until(t, 10*time.Second, "the server's addresses", func() bool {
		if p.ended() {
			t.Fatalf("planar serve has ended: %s", p.err.String())
		}
		urls = strings.Fields(p.out.String())
		return len(urls) >= paths
	})
	return p, urls
}

// watchLive reads a live source's pictures and gives each, with its packet's time of
// capture, to see, until that is false.
func watchLive(t testing.TB, url, transport string, see func(f *demux.Frame, captured time.Time) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	src, err := rtsp.Open(ctx, url, rtsp.Options{Transport: transport, NoAudio: true, VideoDecoder: func(s demux.Stream, extradata []byte) (demux.VideoDecoder, error) {
		return planarff.NewVideoDecoder(planarff.VideoParams{Codec: s.Codec, Extradata: extradata, Width: s.Width, Height: s.Height, Live: true})
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dec, err := src.VideoDecoder(src.Streams()[0].Index)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	captured := map[time.Duration]time.Time{}
	for ctx.Err() == nil {
		pkt, err := src.Read()
		if errors.Is(err, demux.ErrAgain) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		captured[pkt.PTS] = pkt.Captured
		if err := dec.Send(pkt); err != nil {
			t.Fatal(err)
		}
		pkt.Release()
		for {
			f, err := dec.Receive()
			if errors.Is(err, demux.ErrAgain) || errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			more := see(f, captured[f.PTS])
			f.Release()
			if !more {
				return
			}
		}
	}
	t.Fatal("the pictures have stopped")
}

// The three lines of the README, and what the pattern's clock says of the way from
// capture to a decoded picture: how long it takes, and whether the sender's reports
// tell it truly.
func TestPushServeAndPlay(t *testing.T) {
	for _, direct := range []bool{true, false} {
		name, url := "served", ""
		if direct {
			_, urls := serve(t, 1, "--size", "640x360", "test")
			url = urls[0]
		} else {
			name = "pushed to a server"
			port := freePort(t)
			server := start(t, []string{"serve", "--accept-push", "--listen", fmt.Sprintf("127.0.0.1:%d", port)})
			reachable(t, port)
			url = fmt.Sprintf("rtsp://127.0.0.1:%d/try", port)
			start(t, []string{"push", "--size", "640x360", "--retries", "5", "test", url})
			until(t, 10*time.Second, "the stream", func() bool {
				if server.ended() {
					t.Fatal(server.err.String())
				}
				return planar(t, []string{"probe", "--rtsp-transport", "tcp", url}).code == 0
			})
		}
		for _, transport := range []string{"udp", "tcp"} {
			t.Run(name+" "+transport, func(t *testing.T) {
				var took, off []float64 // ms
				last := int64(-1)
				watchLive(t, url, transport, func(f *demux.Frame, captured time.Time) bool {
					s, ok := pattern.ReadStamp(&f.Picture)
					if !ok {
						t.Error("a picture without a stamp")
					}
					if last >= 0 && int64(s.Frame) != last+1 {
						t.Logf("picture %d follows %d", s.Frame, last)
					}
					last = int64(s.Frame)
					now := time.Now()
					at := s.Time(now)
					took = append(took, float64(now.Sub(at).Microseconds())/1000)
					if !captured.IsZero() {
						off = append(off, float64(captured.Sub(at).Microseconds())/1000)
					}
					return len(took) < 90
				})
				took = took[45:] // without the key picture that was kept, and those after it
				slices.Sort(took)
				if len(off) < 30 {
					t.Fatalf("only %d pictures have a time of capture", len(off))
				}
				off = off[len(off)-30:]
				slices.Sort(off)
				t.Logf("capture to picture: median %.1f ms; time of capture as reported is %+.1f to %+.1f ms off", took[len(took)/2], off[0], off[len(off)-1])
				if m := took[len(took)/2]; m > 150 {
					t.Errorf("a picture takes %.1f ms from capture to being decoded", m)
				}
				if worst := max(math.Abs(off[0]), math.Abs(off[len(off)-1])); worst > 20 {
					t.Errorf("the time of capture is reported up to %.1f ms off", worst)
				}
			})
		}
	}
}

// The flash and the beep of the pattern arrive together, encoded, in a file.
func TestPatternInStep(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out.mkv")
	p := start(t, []string{"push", "--size", "640x360", "test", out})
	time.Sleep(4500 * time.Millisecond)
	p.signal(syscall.SIGINT)
	if r := p.result(patience); r.code != 4 {
		t.Fatalf("exit code %d: %s", r.code, r.stderr)
	}
	const rate = 48000
	raw := ffmpeg(t, "-i", out, "-map", "0:a:0", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", fmt.Sprint(rate), "-f", "s16le", "-")
	var beeps []float64 // seconds
	quiet := rate
	for i := 0; i+1 < len(raw); i += 2 {
		v := int(int16(uint16(raw[i]) | uint16(raw[i+1])<<8))
		if max(v, -v) < 1500 {
			quiet++
			continue
		}
		if quiet > rate/10 {
			beeps = append(beeps, float64(i/2)/rate)
		}
		quiet = 0
	}
	var flashes []float64
	lit := false
	for _, f := range litPictures(t, out) {
		if f.lit && !lit {
			flashes = append(flashes, f.at)
		}
		lit = f.lit
	}
	if len(flashes) < 3 || len(beeps) < 3 {
		t.Fatalf("%d flashes, %d beeps", len(flashes), len(beeps))
	}
	for i := range min(len(flashes), len(beeps)) {
		if d := 1000 * (beeps[i] - flashes[i]); math.Abs(d) > 5 {
			t.Errorf("beep %d comes %.1f ms after its flash, at %.3f s", i, d, flashes[i])
		}
	}
	t.Logf("flashes %v, beeps %v", flashes, beeps)
}

type litFrame struct {
	at  float64
	lit bool
}

// litPictures looks at all pictures of a file for whether the ball's band is white.
func litPictures(t testing.TB, name string) (all []litFrame) {
	t.Helper()
	src, err := planarff.Open(t.Context(), name, planarff.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dec, err := src.VideoDecoder(0)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	src.Select(0)
	take := func() {
		for {
			f, err := dec.Receive()
			if err != nil {
				return
			}
			all = append(all, litFrame{f.PTS.Seconds(), bandIsLit(&f.Picture)})
			f.Release()
		}
	}
	for {
		pkt, err := src.Read()
		if err != nil {
			_ = dec.Send(nil)
			take()
			return all
		}
		for errors.Is(dec.Send(pkt), demux.ErrAgain) {
			take()
		}
		pkt.Release()
		take()
	}
}

// bandIsLit looks at a row of luma in the ball's band.
func bandIsLit(p *render.Picture) bool {
	y := p.Height * 68 / 100
	bright := 0
	for x := range p.Width {
		if p.Planes[0].Data[y*p.Planes[0].Stride+x] > 180 {
			bright++
		}
	}
	return bright > p.Width*8/10
}

// A new viewer has a picture at once, however long the group of pictures is.
func TestServeFirstPicture(t *testing.T) {
	t.Parallel()
	long := clip(t, "long-gop.mp4", append(testsrc(320, 240, 500), "-c:v", "libx264", "-preset", "ultrafast", "-g", "500", "-keyint_min", "500", "-sc_threshold", "0", "-pix_fmt", "yuv420p")...)
	_, urls := serve(t, 2, long, pushClip(t))
	time.Sleep(3 * time.Second)
	for _, transport := range []string{"udp", "tcp"} {
		began := time.Now()
		planar(t, []string{"--vo", "hash", "--frames", "1", "--rtsp-transport", transport, urls[0]}).ok(t)
		if d := time.Since(began); d > 1500*time.Millisecond {
			t.Errorf("%s: the first picture took %v", transport, d)
		}
	}
	// What others make of it.
	need(t, "ffmpeg")
	for _, transport := range []string{"udp", "tcp"} {
		out := ffmpeg(t, "-rtsp_transport", transport, "-i", urls[1], "-map", "0:v", "-frames:v", "30", "-fps_mode", "passthrough", "-f", "framemd5", "-")
		got, want := hashColumn(out), pictureHashes(t, pushClip(t))
		want = slices.Concat(want, want)
		if at := slices.Index(want, got[0]); at < 0 || !slices.Equal(got, want[at:at+len(got)]) {
			t.Errorf("%s: ffmpeg reads %d pictures, from number %d, %s", transport, len(got), at, difference(got, want[max(0, at):]))
		}
	}
}

func TestServePasswordAndFailures(t *testing.T) {
	t.Parallel()
	secret := write(t, "secret", []byte("viewer:s3cret\n"))
	_, urls := serve(t, 1, "--user", "@"+secret, pushClip(t))
	with := strings.Replace(urls[0], "rtsp://", "rtsp://viewer:s3cret@", 1)
	planar(t, []string{"--vo", "hash", "--frames", "1", with}).ok(t)
	planar(t, []string{"--vo", "hash", "--frames", "1", urls[0]}).fails(t, 2, "user")
	r := planar(t, []string{"--vo", "hash", "--frames", "1", strings.Replace(with, "s3cret", "wr0ng", 1)})
	r.fails(t, 2, "password")
	if strings.Contains(r.stderr, "wr0ng") {
		t.Errorf("the password is told: %s", r.stderr)
	}
	port := freePort(t)
	start(t, []string{"serve", "--listen", fmt.Sprintf("127.0.0.1:%d", port), pushClip(t)})
	reachable(t, port)
	planar(t, []string{"serve", "--listen", fmt.Sprintf("127.0.0.1:%d", port), pushClip(t)}).fails(t, 2, fmt.Sprint(port), "another program")
	planar(t, []string{"serve", "--listen", fmt.Sprintf("127.0.0.1:%d", freePort(t)), "no.mp4"}).fails(t, 2, "no.mp4")
	r = planar(t, []string{"serve", "--loop", "1", "--listen", fmt.Sprintf("127.0.0.1:%d", freePort(t)), "no.mp4", pushClip(t)})
	r.fails(t, 3, "no.mp4")
}

// A relay of a live stream goes on when its source is back, on the same connection.
func TestPushRelay(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	args := []string{"serve", "--listen", fmt.Sprintf("127.0.0.1:%d", port), pushClip(t)}
	first := start(t, args)
	reachable(t, port)
	out := filepath.Join(t.TempDir(), "relay.mkv")
	p := start(t, []string{"push", fmt.Sprintf("rtsp://127.0.0.1:%d/push", port), out})
	until(t, 10*time.Second, "the relay's file", func() bool {
		i, err := os.Stat(out)
		return err == nil && i.Size() > 60000
	})
	first.kill()
	time.Sleep(time.Second)
	size := func() int64 { i, _ := os.Stat(out); return i.Size() }
	before := size()
	start(t, args)
	until(t, 10*time.Second, "the relay after its source was lost", func() bool { return size() > before+60000 })
	p.signal(syscall.SIGINT)
	r := p.result(patience)
	if r.code != 4 || !strings.Contains(r.stderr, "trying again") || !strings.Contains(r.stderr, "back after") {
		t.Errorf("exit code %d, stderr: %s", r.code, r.stderr)
	}
	b, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=dts_time", "-of", "csv=p=0", out).Output()
	if err != nil {
		t.Fatal(err)
	}
	lastAt, n := -1.0, 0
	for _, line := range strings.Fields(string(b)) {
		var at float64
		if _, err := fmt.Sscan(strings.TrimSuffix(line, ","), &at); err != nil {
			continue
		}
		if at < lastAt {
			t.Errorf("DTS %.3f after %.3f", at, lastAt)
		}
		lastAt = at
		n++
	}
	if n < 60 {
		t.Errorf("only %d pictures", n)
	}
}
