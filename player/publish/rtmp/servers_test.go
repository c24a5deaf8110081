package rtmp

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/message"

	"planar/audio"
	"planar/demux"
	"planar/player/publish"
	"planar/render"
)

const rtmpModule = "/usr/lib/nginx/modules/ngx_rtmp_module.so"

const clipLength = 5 * time.Second

// encode has ffmpeg make clipLength of a test pattern.
func encode(t *testing.T, flags ...string) []byte {
	t.Helper()
	args := []string{"-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25"}
	args = append(append(args, flags...), "-t", fmt.Sprint(clipLength.Seconds()), "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-")
	var stderr bytes.Buffer
	cmd := exec.Command("ffmpeg", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("ffmpeg cannot encode: %v %s", err, stderr.String())
	}
	return out
}

// h264Clip is H.264 with B pictures, and AAC, read from an FLV file (a header of 13
// bytes, then tags of 11 bytes, a body and 4 bytes).
func h264Clip(t *testing.T) (streams []demux.Stream, units []*publish.Unit) {
	t.Helper()
	b := encode(t, "-f", "lavfi", "-i", "sine=sample_rate=48000", "-c:v", "libx264", "-bf", "2", "-qp", "1", "-vf", "noise=alls=30", "-c:a", "aac", "-ac", "2", "-f", "flv")
	streams = []demux.Stream{
		{Kind: demux.Video, Codec: "h264", Width: 320, Height: 240, FrameRate: render.Rational{Num: 25, Den: 1}},
		{Index: 1, Kind: demux.Audio, Codec: "aac", Sound: audio.Format{Rate: 48000, Channels: 2}},
	}
	for b = b[13:]; len(b) > 15; {
		size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		dts := time.Duration(int(b[7])<<24|int(b[4])<<16|int(b[5])<<8|int(b[6])) * time.Millisecond
		typ, body := b[0], b[11:11+size]
		b = b[11+size+4:]
		switch {
		case typ == typeAudio && body[1] == 0:
			streams[1].Config = body[2:]
		case typ == typeAudio:
			units = append(units, &publish.Unit{Stream: 1, PTS: dts, DTS: dts, Key: true, Data: body[2:]})
		case typ == typeVideo && body[1] == 0: // one parameter set of each kind
			record := body[5:]
			n := int(record[6])<<8 | int(record[7])
			m := int(record[9+n])<<8 | int(record[10+n])
			streams[0].Config = annexB(record[8:8+n], record[11+n:11+n+m])
		case typ == typeVideo && body[1] == 1:
			u := &publish.Unit{DTS: dts, PTS: dts + time.Duration(int(body[2])<<16|int(body[3])<<8|int(body[4]))*time.Millisecond, Key: body[0]>>4 == 1}
			for p := body[5:]; len(p) > 4; {
				n := binary.BigEndian.Uint32(p)
				u.NALUs = append(u.NALUs, p[4:4+n])
				p = p[4+n:]
			}
			u.Data = annexB(u.NALUs...)
			units = append(units, u)
		}
	}
	return streams, units
}

// h265Clip is H.265 without B pictures, cut where the delimiters are.
func h265Clip(t *testing.T) ([]demux.Stream, []*publish.Unit) {
	t.Helper()
	b := encode(t, "-c:v", "libx265", "-x265-params", "log-level=none:bframes=0:aud=1:repeat-headers=1", "-f", "hevc")
	var units []*publish.Unit
	var sets [][]byte
	var u *publish.Unit
	nalus, err := publish.SplitAnnexB(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nalus {
		switch typ := n[0] >> 1 & 0x3F; {
		case typ == 35:
			at := time.Duration(len(units)) * 40 * time.Millisecond
			u = &publish.Unit{PTS: at, DTS: at}
			units = append(units, u)
			continue
		case typ >= 32 && typ <= 34 && len(units) == 1:
			sets = append(sets, n)
		case typ >= 16 && typ <= 21:
			u.Key = true
		}
		u.NALUs = append(u.NALUs, n)
	}
	for _, u := range units {
		u.Data = annexB(u.NALUs...)
	}
	return []demux.Stream{{Kind: demux.Video, Codec: "hevc", Config: annexB(sets...), Width: 320, Height: 240}}, units
}

// freePort is one that nothing listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// start runs a server until the test ends.
func start(t *testing.T, port int, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			t.Skip("the server does not start")
		}
	}
}

func startNginx(t *testing.T) (port int) {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("no nginx: install nginx")
	}
	if _, err := os.Stat(rtmpModule); err != nil {
		t.Skip("nginx has no RTMP module: install libnginx-mod-rtmp")
	}
	dir, port := t.TempDir(), freePort(t)
	config := fmt.Sprintf("load_module %s;\ndaemon off; master_process off; pid %s/pid; error_log %s/log warn;\nevents { worker_connections 64; }\n"+
		"rtmp { server { listen 127.0.0.1:%d; chunk_size 4096; application live { live on; wait_key on; } } }\n", rtmpModule, dir, dir, port)
	path := filepath.Join(dir, "conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, port, exec.Command(nginx, "-p", dir, "-c", path, "-e", filepath.Join(dir, "log")))
	return port
}

func startLal(t *testing.T) (port int) {
	t.Helper()
	port = freePort(t)
	self, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", lalPort, port))
	cmd.Dir = t.TempDir()
	start(t, port, cmd)
	return port
}

// True servers pass on what they are given: ffprobe reads it back.
func TestServers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, tool := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s: install ffmpeg", tool)
		}
	}
	streams, units := h264Clip(t)
	shared := func(*testing.T) ([]demux.Stream, []*publish.Unit) { return streams, units }
	for _, c := range []struct {
		name  string
		start func(*testing.T) int
		clip  func(*testing.T) ([]demux.Stream, []*publish.Unit)
		after time.Duration
	}{
		{"nginx", startNginx, shared, 0},
		{"nginx after 5 h", startNginx, shared, 5 * time.Hour}, // timestamps of 32 bits, in all chunks
		{"lal after 5 h", startLal, shared, 5 * time.Hour},
		{"lal H.265", startLal, h265Clip, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			streams, clip := c.clip(t)
			var units []*publish.Unit
			largest := 0
			for _, u := range clip {
				later := *u
				later.PTS, later.DTS = u.PTS+c.after, u.DTS+c.after
				units = append(units, &later)
				largest = max(largest, len(u.Data))
			}
			if c.after > 0 && largest < chunkSize {
				t.Errorf("the largest picture has %d bytes: one chunk", largest)
			}
			port := c.start(t)
			address := fmt.Sprintf("rtmp://127.0.0.1:%d/live/cam?token=x", port)
			to := target(t, address, Options{})
			conn := connect(t, to, streams...)
			if _, err := target(t, address, Options{}).Connect(context.Background(), streams); err == nil && strings.HasPrefix(c.name, "nginx") {
				t.Error("a second publisher is taken")
			} else if strings.HasPrefix(c.name, "nginx") && (!publish.IsPermanent(err) || !strings.Contains(err.Error(), "NetStream.Publish.BadName")) {
				t.Errorf("a second publisher is told %v", err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			sent := make(chan error, 1)
			go func() {
				began := time.Now()
				for n := 0; ; n++ { // again and again, however late ffprobe begins
					u, again := *units[n%len(units)], time.Duration(n/len(units))*clipLength
					u.PTS, u.DTS = u.PTS+again, u.DTS+again
					select {
					case <-ctx.Done():
						sent <- nil
						return
					case <-time.After(time.Until(began.Add(u.DTS - c.after))):
					}
					if err := conn.Write(&u); err != nil {
						sent <- err
						return
					}
				}
			}()
			if streams[0].Codec == "hevc" { // FFmpeg before 6.1 does not read it
				readEnhanced(t, port)
				cancel()
				if err := <-sent; err != nil {
					t.Errorf("the server ends it: %v", err)
				}
				return
			}
			out, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-of", "json", "-read_intervals", "%+3",
				"-show_entries", "stream=codec_name,width,height:packet=codec_type,pts_time,dts_time,flags", strings.TrimSuffix(address, "?token=x")).Output()
			cancel()
			if err := <-sent; err != nil {
				t.Errorf("the server ends it: %v", err)
			}
			if err != nil {
				t.Fatalf("ffprobe: %v", err)
			}
			var got struct {
				Streams []struct {
					Name   string `json:"codec_name"`
					Width  int
					Height int
				}
				Packets []struct {
					Type  string `json:"codec_type"`
					PTS   string `json:"pts_time"`
					DTS   string `json:"dts_time"`
					Flags string
				}
			}
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			if len(got.Streams) != 2 {
				t.Fatalf("streams are %+v", got.Streams)
			}
			for _, s := range got.Streams {
				if s.Name != "aac" && (s.Name != streams[0].Codec || s.Width != 320 || s.Height != 240) {
					t.Errorf("stream is %+v", s)
				}
			}
			pictures, reordered, keys := 0, 0, 0
			for _, p := range got.Packets {
				if p.Type != "video" {
					continue
				}
				pictures++
				if p.PTS != p.DTS {
					reordered++
				}
				if strings.HasPrefix(p.Flags, "K") {
					keys++
				}
			}
			first, _ := strconv.ParseFloat(got.Packets[0].DTS, 64)
			if first < c.after.Seconds()-1 && first > 10 { // ffprobe may begin at 0
				t.Errorf("the first timestamp is %v s, want some %v", first, c.after)
			}
			if pictures < 20 || reordered == 0 || keys == 0 {
				t.Errorf("%d pictures, %d of them reordered, %d keys", pictures, reordered, keys)
			}
		})
	}
}

// readEnhanced reads H.265 back with the library's client, from a key picture on.
func readEnhanced(t *testing.T, port int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c := &gortmplib.Client{URL: &url.URL{Scheme: "rtmp", Host: fmt.Sprintf("127.0.0.1:%d", port), Path: "/live", Fragment: "cam"}}
	if err := c.Initialize(ctx); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.NetConn().SetDeadline(time.Now().Add(30 * time.Second))
	configs, pictures := 0, 0
	for pictures < 20 {
		m, err := c.Read()
		if err != nil {
			t.Fatalf("after %d sequence headers and %d pictures: %v", configs, pictures, err)
		}
		switch m.(type) {
		case *message.VideoExSequenceStart:
			configs++
		case *message.VideoExFramesX, *message.VideoExCodedFrames:
			pictures++
		}
	}
	if configs != 1 {
		t.Errorf("%d sequence headers, want 1", configs)
	}
}
