package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/pion/rtp"
)

// pushClip is 4 s of H.264 with B pictures, a key picture a second, and AAC.
func pushClip(t testing.TB) string {
	return clip(t, "push.mp4", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-t", "4", "-c:v", "libx264", "-preset", "fast", "-g", "25", "-bf", "2", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2")
}

// pictureHashes are the MD5s of a file's decoded pictures, in their order.
func pictureHashes(t testing.TB, file string) []string {
	t.Helper()
	return hashColumn(ffmpeg(t, "-i", file, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"))
}

// soundHashes are the MD5s of a file's packets of AAC, without headers.
func soundHashes(t testing.TB, file string) []string {
	t.Helper()
	return hashColumn(ffmpeg(t, "-i", file, "-map", "0:a:0", "-c", "copy", "-bsf:a", "aac_adtstoasc", "-f", "framemd5", "-"))
}

func hashColumn(out []byte) (list []string) {
	for line := range strings.Lines(string(out)) {
		if f := strings.Split(strings.TrimSpace(line), ","); len(f) >= 6 && line[0] != '#' {
			list = append(list, strings.TrimSpace(f[5]))
		}
	}
	return list
}

// lalServer is q191201771/lal, which keeps what is published in FLV files.
type lalServer struct {
	rtmp, rtsp int
	dir        string
}

var lalOnce sync.Once

func startLal(t testing.TB) *lalServer {
	t.Helper()
	binary := filepath.Join(shared, "lalserver")
	lalOnce.Do(func() {
		if out, err := exec.Command("go", "build", "-o", binary, "github.com/q191201771/lal/app/lalserver").CombinedOutput(); err != nil {
			t.Fatalf("lal: %v\n%s", err, out)
		}
	})
	s := &lalServer{rtmp: freePort(t), rtsp: freePort(t), dir: t.TempDir()}
	conf := write(t, "lal.json", fmt.Appendf(nil, `{"conf_version": "v0.4.1", "server_id": "1",
"rtmp": {"enable": true, "addr": "127.0.0.1:%d", "gop_num": 1}, "rtsp": {"enable": true, "addr": "127.0.0.1:%d"},
"record": {"enable_flv": true, "flv_out_path": %q},
"in_session": {}, "default_http": {}, "httpflv": {}, "hls": {}, "httpts": {}, "relay_push": {}, "static_relay_pull": {},
"http_api": {}, "http_notify": {}, "simple_auth": {}, "pprof": {}, "debug": {},
"log": {"level": 4, "filename": "", "is_to_stdout": true, "assert_behavior": 1}}`, s.rtmp, s.rtsp, s.dir))
	spawn(t, exec.Command(binary, "-c", conf))
	reachable(t, s.rtmp)
	reachable(t, s.rtsp)
	return s
}

// file is the recording of a stream.
func (s *lalServer) file(t testing.TB, stream string) string {
	t.Helper()
	all, _ := filepath.Glob(filepath.Join(s.dir, stream+"-*.flv"))
	if len(all) != 1 {
		t.Fatalf("lal has %d recordings of %s", len(all), stream)
	}
	return all[0]
}

// annexBOf collects the H.264 that an RTSP server is sent.
type annexBOf struct {
	mu  sync.Mutex
	dec *rtph264.Decoder
	b   bytes.Buffer
	err error
}

func (a *annexBOf) take(f format.Format, p *rtp.Packet) {
	h, ok := f.(*format.H264)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dec == nil {
		a.dec, a.err = h.CreateDecoder()
	}
	if a.err != nil {
		return
	}
	au, err := a.dec.Decode(p)
	if err != nil {
		return // more of the unit is to come
	}
	for _, n := range au {
		a.b.Write([]byte{0, 0, 0, 1})
		a.b.Write(n)
	}
}

func (a *annexBOf) file(t testing.TB) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return write(t, "rtsp.264", a.b.Bytes())
}

// receive starts ffmpeg as a receiver that writes what comes to a file, and what ends
// it.
func receive(t testing.TB, file string, args ...string) (stop func()) {
	t.Helper()
	p := spawn(t, exec.Command(lookup("ffmpeg"), append(append([]string{"-hide_banner", "-v", "error", "-nostdin", "-y", "-analyzeduration", "1000000"}, args...),
		"-map", "0", "-c", "copy", "-flush_packets", "1", file)...))
	return func() {
		t.Helper()
		p.signal(syscall.SIGINT)
		select {
		case <-p.done:
		case <-time.After(5 * time.Second):
			p.kill()
		}
	}
}

// collect is a receiver of datagrams, which gives what came when it is called.
func collect(t testing.TB, port int) func() []byte {
	t.Helper()
	c, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.(*net.UDPConn).SetReadBuffer(1 << 20)
	var all []byte
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 2048)
		for {
			n, _, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			all = append(all, b[:n]...)
		}
	}()
	t.Cleanup(func() { c.Close() })
	return func() []byte {
		c.Close()
		<-done
		return all
	}
}

// bound reports whether somebody has a UDP port of this machine.
func bound(t testing.TB, port int) bool {
	return strings.Contains(string(read(t, "/proc/net/udp"))+string(read(t, "/proc/net/udp6")), fmt.Sprintf(":%04X ", port))
}

// What is copied arrives everywhere as it is in the file, every picture and every
// frame of sound: by one push to all kinds of addresses at once.
func TestPushEverywhere(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg", "nginx", "srt-live-transmit")
	source := pushClip(t)
	wantPictures, wantSound := pictureHashes(t, source), soundHashes(t, source)
	dir := t.TempDir()

	nginx := rtmpServerOf(t, true)
	nginx.start()
	lal := startLal(t)
	rtspTCP, rtspUDP := newRTSPServer(t), newRTSPServer(t)
	tcp, udp := new(annexBOf), new(annexBOf)
	rtspTCP.onPacket, rtspUDP.onPacket = tcp.take, udp.take
	rtspTCP.start()
	rtspUDP.start()
	var put bytes.Buffer
	var putMu sync.Mutex
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		putMu.Lock()
		defer putMu.Unlock()
		_, _ = io.Copy(&put, r.Body)
	}))
	defer web.Close()

	udpPort, rtpPort, srtPort := freePort(t), freePort(t), freePort(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	datagrams := collect(t, udpPort)
	stopRTP := receive(t, file("rtp.ts"), "-i", fmt.Sprintf("rtp://127.0.0.1:%d", rtpPort))
	srt := exec.Command(lookup("srt-live-transmit"), "-q", fmt.Sprintf("srt://127.0.0.1:%d?mode=listener&passphrase=0123456789", srtPort), "file://con")
	srtFile, err := os.Create(file("srt.ts"))
	if err != nil {
		t.Fatal(err)
	}
	defer srtFile.Close()
	srt.Stdout = srtFile
	srtPeer := spawn(t, srt)
	for _, port := range []int{rtpPort, srtPort} {
		until(t, 10*time.Second, fmt.Sprintf("a receiver on UDP port %d", port), func() bool { return bound(t, port) })
	}

	r := planar(t, []string{
		"push", source,
		rtspTCP.writeURL(), fmt.Sprintf("rtsp://127.0.0.1:%d/live/lal-rtsp", lal.rtsp),
		fmt.Sprintf("rtmp://127.0.0.1:%d/live/nginx?token=secret", nginx.port), fmt.Sprintf("rtmp://127.0.0.1:%d/live/lal-rtmp", lal.rtmp),
		fmt.Sprintf("rtp://127.0.0.1:%d", rtpPort), fmt.Sprintf("udp://127.0.0.1:%d", udpPort),
		fmt.Sprintf("srt://127.0.0.1:%d?passphrase=0123456789", srtPort), web.URL + "/cam.ts",
		file("copy.mkv"), file("copy.mp4"), file("copy.flv"), file("copy.ts"),
	})
	if said := strings.Count(r.stderr, "\n"); r.code != 0 || said > 1 || said == 1 && !strings.Contains(r.stderr, "nobody receives on that port") {
		t.Errorf("exit code %d, stderr: %s", r.code, r.stderr)
	}
	if r.took < 3900*time.Millisecond || r.took > 9*time.Second {
		t.Errorf("4 s took %v", r.took)
	}
	planar(t, []string{"push", "--rtsp-transport", "udp", source, rtspUDP.writeURL()}).ok(t)
	time.Sleep(300 * time.Millisecond)
	stopRTP()
	if err := os.WriteFile(file("udp.ts"), datagrams(), 0o644); err != nil {
		t.Error(err)
	}
	srtPeer.signal(syscall.SIGTERM)
	srtPeer.result(patience)
	putMu.Lock()
	if err := os.WriteFile(file("put.ts"), put.Bytes(), 0o644); err != nil {
		t.Error(err)
	}
	putMu.Unlock()

	for name, path := range map[string]string{
		"RTSP over TCP": tcp.file(t), "RTSP over UDP": udp.file(t), "lal, RTSP": lal.file(t, "lal-rtsp"),
		"nginx, RTMP": filepath.Join(nginx.dir, "nginx.flv"), "lal, RTMP": lal.file(t, "lal-rtmp"),
		"RTP": file("rtp.ts"), "UDP": file("udp.ts"), "SRT": file("srt.ts"), "HTTP PUT": file("put.ts"),
		"mkv": file("copy.mkv"), "mp4": file("copy.mp4"), "flv": file("copy.flv"), "ts": file("copy.ts"),
	} {
		pictures := pictureHashes(t, path)
		if name == "RTP" {
			// ffmpeg has looked at the first packet, and closed and opened its socket; at
			// the end, which nothing tells it of, it holds back what it waits for more of.
			pictures = pictures[:max(1, len(pictures)-3)]
			at := slices.Index(wantPictures, pictures[0])
			if at < 0 || at > 50 || at+len(pictures) < 92 || !slices.Equal(pictures, wantPictures[at:at+len(pictures)]) {
				t.Errorf("RTP: %d pictures, from number %d, %s", len(pictures), at, difference(pictures, wantPictures[max(0, at):]))
			}
			continue
		}
		if !slices.Equal(pictures, wantPictures) {
			t.Errorf("%s: %d pictures, want %d, %s", name, len(pictures), len(wantPictures), difference(pictures, wantPictures))
		}
		if strings.HasSuffix(path, ".264") {
			continue
		}
		got := soundHashes(t, path)
		if missing := len(wantSound) - len(got); name == "lal, RTSP" && missing > 0 && missing < 8 {
			got = append(got, wantSound[len(got):]...) // it waits for the other stream until the end, and then forgets
		}
		if !slices.Equal(got, wantSound) {
			t.Errorf("%s: %d frames of sound, want %d, %s", name, len(got), len(wantSound), difference(got, wantSound))
		}
	}
}

// difference tells where two lists part.
func difference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			if n := slices.Index(want, got[i]); n >= 0 {
				return fmt.Sprintf("number %d is number %d of the source", i, n)
			}
			return fmt.Sprintf("number %d is not in the source", i)
		}
	}
	return "equal as far as they go"
}

// pushStats reads the lines of --stats.
func pushStats(t testing.TB, path string) (lines []pushLine) {
	t.Helper()
	for line := range bytes.Lines(read(t, path)) {
		var l pushLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		lines = append(lines, l)
	}
	return lines
}

type pushLine struct {
	Final   bool
	Streams []struct {
		Codec         string
		Copied        bool
		Width, Height int
		Units         int64 `json:"access_units"`
		Late          int64
	}
	Targets []struct {
		Address, State string
		Dropped        int64
		Connections    int64
		RTT            float64 `json:"rtt_ms"`
		Bitrate        float64
	}
}

// A server that is killed and started again is pushed to again; the other one notices
// nothing.
func TestPushServerKilled(t *testing.T) {
	t.Parallel()
	source := pushClip(t)
	a, b := newRTSPServer(t), rtmpServerOf(t, false)
	a.start()
	b.start()
	stats := filepath.Join(t.TempDir(), "stats")
	p := start(t, []string{"push", "--loop", "inf", "--stats", stats, source, a.writeURL(), b.writeURL()})
	publishing := func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.publisher != nil
	}
	until(t, 5*time.Second, "the publisher", publishing)
	time.Sleep(time.Second)
	a.kill()
	a.mu.Lock()
	a.stream, a.publisher = nil, nil
	a.mu.Unlock()
	time.Sleep(1500 * time.Millisecond)
	back := time.Now()
	a.start()
	until(t, 5*time.Second, "the publisher again", publishing)
	if d := time.Since(back); d > 1500*time.Millisecond {
		t.Errorf("the server was back for %v before it was pushed to", d)
	}
	b.kill()
	time.Sleep(500 * time.Millisecond)
	b.start()
	time.Sleep(2500 * time.Millisecond)
	p.signal(syscall.SIGINT)
	r := p.result(patience)
	if r.code != 4 || strings.Count(r.stderr, "trying again") != 2 || strings.Count(r.stderr, "connected again") != 2 {
		t.Errorf("exit code %d, stderr: %s", r.code, r.stderr)
	}
	lines := pushStats(t, stats)
	last := lines[len(lines)-1]
	if !last.Final || last.Targets[0].Connections != 2 || last.Targets[1].Connections != 2 {
		t.Errorf("statistics: %+v", last)
	}
}

// What cannot be sent to, or opened, is told in one line; what becomes of the others
// does not depend on it.
func TestPushFailures(t *testing.T) {
	t.Parallel()
	source := pushClip(t)
	closed := freePort(t)
	silent := mute(t)
	dir := t.TempDir()
	out, full, there := filepath.Join(dir, "out.ts"), filepath.Join(dir, "full.ts"), write(t, "there.ts", []byte("mine"))
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		args  []string
		code  int
		words []string
	}{
		{"nobody listens", []string{source, fmt.Sprintf("rtsp://user:secret@127.0.0.1:%d/cam", closed)}, 2, []string{"rtsp://user:***@127.0.0.1", "refused"}},
		{"nobody listens, RTMP", []string{source, fmt.Sprintf("rtmp://127.0.0.1:%d/live/cam", closed)}, 2, []string{"rtmp://127.0.0.1", "refused"}},
		{"a silent server", []string{"--open-timeout", "1", source, fmt.Sprintf("rtmp://127.0.0.1:%d/live/cam", silent)}, 2, []string{"rtmp://127.0.0.1", "1 s"}},
		{"one of two", []string{source, fmt.Sprintf("rtmp://127.0.0.1:%d/live/cam", closed), out}, 3, []string{"refused"}},
		{"a full disk", []string{"--overwrite", source, full}, 2, []string{"full.ts", "no space left"}},
		{"a file that exists", []string{source, there}, 2, []string{"there.ts", "--overwrite"}},
		{"a folder that does not", []string{source, filepath.Join(dir, "no", "x.mp4")}, 2, []string{"x.mp4"}},
		{"no such source", []string{filepath.Join(dir, "no.mp4"), out}, 2, []string{"no.mp4"}},
		{"no camera", []string{"/dev/video99", out}, 2, []string{"/dev/video99"}},
		{"an unknown protocol", []string{source, "gopher://127.0.0.1/x"}, 1, []string{"gopher", "rtsp"}},
		{"a codec that does not exist there", []string{"--copy", "yes", clip(t, "push.avi", append(testsrc(64, 64, 25), "-c:v", "msmpeg4v2")...), "rtsp://127.0.0.1:1/x"}, 2, []string{"cannot carry", "--copy"}},
	}
	t.Run("cases", func(t *testing.T) {
		for _, c := range tests {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				planar(t, append([]string{"push"}, c.args...)).fails(t, c.code, c.words...)
			})
		}
	})
	if string(read(t, there)) != "mine" {
		t.Error("the file that existed was written over")
	}
	for _, c := range [][]string{{"push"}, {"push", source}, {"push", "--channels", "2", source, "rtsp://127.0.0.1/x"}, {"push", "--gop", "x", source, out}, {"push", "--bitrate", "7", source, out}, {"serve"}} {
		if r := planar(t, c); r.code != 1 || !strings.HasPrefix(r.stderr, "planar: ") {
			t.Errorf("%q: exit code %d, %s", c, r.code, r.stderr)
		}
	}
}

// A raw pair, the test pattern and another codec are encoded once for all targets,
// with a key picture each second and no B pictures, and the sound in step.
func TestPushEncodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	raw := rawClip(t, 352, 288, 50)
	pcm := write(t, "x.pcm", bytes.Repeat([]byte{1, 2, 3, 4}, 2*44100))
	tests := []struct {
		name          string
		args          []string
		codec, sound  string
		width, height int
		frames        int
	}{
		{"a raw pair", []string{"--audio", pcm, raw, "raw.mkv"}, "h264", "aac", 352, 288, 50},
		{"H.265 and Opus", []string{"--audio", pcm, "--video-codec", "h265", "--audio-codec", "opus", "--preset", "ultrafast", raw, "x265.mkv"}, "hevc", "opus", 352, 288, 50},
		{"scaled, at another rate", []string{"--output-size", "176x144", "--output-fps", "50", raw, "small.mkv"}, "h264", "", 176, 144, 99},
		{"a file encoded anew", []string{"--copy", "no", "--size", "160x120", pushClip(t), "again.ts"}, "h264", "aac", 160, 120, 100},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			last := len(c.args) - 1
			out := filepath.Join(dir, c.args[last])
			planar(t, append(append([]string{"push"}, c.args[:last]...), out)).ok(t)
			var got struct {
				Streams []struct {
					Codec  string `json:"codec_name"`
					Type   string `json:"codec_type"`
					Width  int
					Height int
					B      int    `json:"has_b_frames"`
					Read   string `json:"nb_read_packets"`
				}
				Packets []struct {
					Type  string `json:"codec_type"`
					PTS   string `json:"pts_time"`
					Flags string
				}
			}
			cmd := exec.Command("ffprobe", "-v", "error", "-of", "json", "-count_packets", "-show_streams", "-show_packets", out)
			b, err := cmd.Output()
			if err == nil {
				err = json.Unmarshal(b, &got)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range got.Streams {
				switch {
				case s.Type == "audio" && s.Codec != c.sound:
					t.Errorf("sound is %s, want %q", s.Codec, c.sound)
				case s.Type == "video" && (s.Codec != c.codec || s.Width != c.width || s.Height != c.height || s.B != 0):
					t.Errorf("pictures are %+v", s)
				}
			}
			var times []float64
			for _, p := range got.Packets {
				if p.Type != "video" {
					continue
				}
				var at float64
				fmt.Sscan(p.PTS, &at)
				if len(times) == 0 && p.Flags[0] != 'K' {
					t.Error("does not begin with a key picture")
				}
				times = append(times, at)
			}
			if n := len(times); n < c.frames-1 || n > c.frames+1 {
				t.Errorf("%d pictures, want %d", n, c.frames)
			}
			if !slices.IsSorted(times) {
				t.Error("pictures are out of order")
			}
		})
	}
}

// Many channels are sent from one reading of the file, each in its own time and its
// own connection.
func TestPushChannels(t *testing.T) {
	t.Parallel()
	source := pushClip(t)
	dir := t.TempDir()
	stats := filepath.Join(dir, "stats")
	r := planar(t, []string{"push", "--channels", "8", "--stagger", "100", "--stats", stats, source, filepath.Join(dir, "out%d.ts")}).ok(t)
	if r.took < 4600*time.Millisecond || r.took > 8*time.Second {
		t.Errorf("4 s, staggered by 0.7, took %v", r.took)
	}
	want := sha256.Sum256([]byte(strings.Join(pictureHashes(t, source), "")))
	for n := range 8 {
		got := pictureHashes(t, filepath.Join(dir, fmt.Sprintf("out%d.ts", n)))
		if sha256.Sum256([]byte(strings.Join(got, ""))) != want {
			t.Errorf("channel %d has other pictures, %d of them", n, len(got))
		}
	}
	lines := pushStats(t, stats)
	if last := lines[len(lines)-1]; len(last.Targets) != 8 || last.Targets[7].State != "finished" || last.Targets[7].Dropped != 0 {
		t.Errorf("statistics: %+v", last)
	}
}
