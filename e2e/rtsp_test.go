package e2e

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// python is Debian's own: another one in the PATH does not see Debian's packages.
const python = "/usr/bin/python3"

// gstreamer starts GStreamer's RTSP server, which shares no code with planar, and
// returns the address that it prints.
func gstreamer(t testing.TB, args ...string) (*process, string) {
	t.Helper()
	check := exec.Command(python, "-c", `import gi; gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer`)
	if err := check.Run(); err != nil {
		missing(t, "GStreamer's RTSP server for Python", "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-rtsp gstreamer1.0-plugins-good")
	}
	script, err := filepath.Abs("../testdata/gst-rtsp-server.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, append([]string{script}, args...)...)
	hold, err := cmd.StdinPipe() // it ends when this closes
	if err != nil {
		t.Fatal(err)
	}
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	p := spawn(t, cmd)
	w.Close()
	t.Cleanup(func() { hold.Close(); out.Close() })
	_ = out.SetReadDeadline(time.Now().Add(10 * time.Second))
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, p.err.String())
	}
	return p, strings.TrimSpace(address)
}

// gstreamerCodecs are those that GStreamer can make here.
func gstreamerCodecs(t testing.TB) []string {
	t.Helper()
	out, err := exec.Command(python, "../testdata/gst-rtsp-server.py", "list").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// liveStats is what --stats says of a live source.
type liveStats struct {
	Transport string  `json:"transport"`
	Target    float64 `json:"latency_target_ms"`
	Switches  int64   `json:"transport_switches"`
	Tracks    []struct {
		Kind    string `json:"kind"`
		Codec   string `json:"codec"`
		Units   int64  `json:"access_units"`
		Lost    int64  `json:"lost"`
		Damaged int64  `json:"damaged"`
	} `json:"tracks"`
}

// lastLive is what the latest line that says something of the source says.
func lastLive(t testing.TB, out string) (last liveStats) {
	t.Helper()
	for line := range strings.Lines(out) {
		var s struct {
			Live *liveStats `json:"live"`
		}
		if strings.HasSuffix(line, "\n") && json.Unmarshal([]byte(line), &s) == nil && s.Live != nil {
			last = *s.Live
		}
	}
	return last
}

// wholeStream checks that a player receives and shows all of a stream of 25
// pictures a second, and ends it.
func wholeStream(t *testing.T, p *process, sound bool, transport string) {
	t.Helper()
	// A key frame comes every second.
	begin := becomes(t, p, 6*time.Second, "the first pictures", playing(5))
	s := becomes(t, p, 6*time.Second, "two more seconds", func(s stats) bool { return s.Elapsed >= begin.Elapsed+1.9 })
	// The machine may be busy; whoever shows every second picture is found.
	if rate := float64(s.Shown-begin.Shown) / (s.Elapsed - begin.Elapsed); rate < 20 || rate > 30 {
		t.Errorf("%.1f pictures a second, want 25: %+v, then %+v", rate, begin, s)
	}
	if s.DecodeErrors != 0 || s.Reconnects != 0 {
		t.Errorf("decode errors or reconnects: %+v", s)
	}
	if sound && s.AVDiff == nil {
		t.Errorf("no sound: %+v", s)
	} else if sound && (*s.AVDiff < -40 || *s.AVDiff > 40) {
		t.Errorf("picture minus sound is %.0f ms, want within 40", *s.AVDiff)
	}
	live := lastLive(t, p.out.String())
	if live.Transport != transport || live.Switches != 0 {
		t.Errorf("%d changes, and now over %q, want %s from the beginning", live.Switches, live.Transport, transport)
	}
	if live.Target <= 0 || live.Target > 700 {
		t.Errorf("the delay is to be %.0f ms, want less than 700 on the same machine", live.Target)
	}
	want := 1
	if sound {
		want = 2
	}
	if len(live.Tracks) != want {
		t.Errorf("%d tracks, want %d", len(live.Tracks), want)
	}
	for _, track := range live.Tracks {
		if track.Units == 0 || track.Lost != 0 || track.Damaged != 0 {
			t.Errorf("received: %+v, want everything", track)
		}
	}
	if r := stop(t, p); r.stderr != "" {
		t.Errorf("stderr: %s", tail(r.stderr))
	}
}

// Every codec, over UDP and TCP.
func TestGStreamerCodecs(t *testing.T) {
	t.Parallel()
	_, address := gstreamer(t, "0", "codecs")
	// A server for each viewer: GStreamer's turns timestamps back when another
	// viewer joins, see TestTimestampsTurnBack.
	_, other := gstreamer(t, "0", "codecs")
	have := gstreamerCodecs(t)
	video := []string{"h264", "h265", "mjpeg", "vp8", "vp9", "av1"}
	audio := []string{"aac", "latm", "opus", "pcmu", "pcma", "g722", "l16", "l24", "mp3", "ac3"}
	for _, name := range slices.Concat(video, audio) {
		if !slices.Contains(have, name) {
			continue // no encoder for it is installed
		}
		mount, sound := name, slices.Contains(audio, name)
		if sound {
			mount = "h264+" + name
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			udp := watch(t, "--rtsp-transport", "udp", address+mount)
			tcp := watch(t, "--rtsp-transport", "tcp", other+mount)
			wholeStream(t, udp, sound, "UDP")
			wholeStream(t, tcp, sound, "TCP")
		})
	}
}

// certificate makes a key and a certificate for 127.0.0.1, signed by itself.
func certificate(t testing.TB) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// Passwords, TLS, tunnels, and servers that do not send by every transport.
func TestGStreamerWays(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	user := []string{"--user", "viewer", "s3cr3t"}
	tls := []string{"--tls", cert, key}
	for _, c := range []struct {
		name      string
		server    []string
		args      []string
		transport string
		code      int    // of a failure
		says      string // then
	}{
		{"basic", append(user, "--auth", "basic"), nil, "UDP", 0, ""},
		{"digest", user, nil, "UDP", 0, ""},
		{"ca", tls, []string{"--tls-ca", cert}, "TLS", 0, ""},
		{"ca-digest", append(tls, user...), []string{"--tls-ca", cert}, "TLS", 0, ""},
		{"unknown-ca", tls, nil, "", 2, "--tls-ca"},
		{"http", nil, []string{"--rtsp-transport", "http"}, "HTTP", 0, ""},
		{"http-digest", user, []string{"--rtsp-transport", "http"}, "HTTP", 0, ""},
		{"https", append(tls, user...), []string{"--rtsp-transport", "http", "--tls-ca", cert}, "HTTP", 0, ""},
		{"only-tcp", []string{"--transports", "tcp"}, nil, "TCP", 0, ""},
		{"only-tcp-udp", []string{"--transports", "tcp"}, []string{"--rtsp-transport", "udp"}, "", 2, "461"},
		{"only-udp-tcp", []string{"--transports", "udp"}, []string{"--rtsp-transport", "tcp"}, "", 2, "461"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, address := gstreamer(t, append(c.server, "0", "codecs")...)
			if slices.Contains(c.server, "--user") {
				address = strings.Replace(address, "://", "://viewer:s3cr3t@", 1)
			}
			address += "h264+opus"
			if c.code != 0 {
				planar(t, append(c.args, quiet(address)...)).fails(t, c.code, "127.0.0.1", c.says)
				return
			}
			wholeStream(t, watch(t, append(c.args, address)...), true, c.transport)
		})
	}
}

// --tls-insecure plays, and says what it means.
func TestTLSInsecure(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	_, address := gstreamer(t, "--tls", cert, key, "0", "codecs")
	p := watch(t, "--tls-insecure", address+"h264")
	becomes(t, p, 6*time.Second, "the first pictures", playing(20))
	stop(t, p).says(t, "--tls-insecure", "not checked")
}

// When another viewer joins, GStreamer's server turns the timestamps of a shared
// stream back to where they began, in the middle of it: the pictures go on, at
// once and in step with the sound.
func TestTimestampsTurnBack(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			_, address := gstreamer(t, "0", "codecs")
			p := watch(t, "--rtsp-transport", transport, address+"h264+opus")
			before := becomes(t, p, 8*time.Second, "the first pictures", playing(40))
			guest := watch(t, "--rtsp-transport", transport, address+"h264+opus")
			becomes(t, guest, 8*time.Second, "the second viewer's pictures", playing(20))
			stop(t, guest)
			after := becomes(t, p, 5*time.Second, "three seconds", func(s stats) bool { return s.Elapsed >= before.Elapsed+3 })
			// Up to a second until the next key frame, as packets get lost there.
			if n := after.Shown - before.Shown; n < 45 {
				t.Errorf("%d pictures in %.1f s, want 75, or 50 if a key frame was missed", n, after.Elapsed-before.Elapsed)
			}
			if after.AVDiff == nil || *after.AVDiff < -40 || *after.AVDiff > 40 {
				t.Errorf("picture and sound are apart: %+v", after)
			}
			if live := lastLive(t, p.out.String()); live.Target > 700 {
				t.Errorf("the delay is to be %.0f ms, want less than 700: the way has not become longer", live.Target)
			}
			stop(t, p)
		})
	}
}

// Sound and pictures published by RTMP, read again and again: a key frame may be a
// second away, and the sound comes before it.
func TestRTMPPictureAndSound(t *testing.T) {
	t.Parallel()
	s := newRTMPServer(t)
	s.start()
	publish(t, s, true)
	time.Sleep(1500 * time.Millisecond)
	for i := range 5 { // all phases between two key frames
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			time.Sleep(time.Duration(i) * 200 * time.Millisecond)
			p := watch(t, s.readURL())
			if st := becomes(t, p, 5*time.Second, "pictures with sound", playing(10)); st.DecodeErrors != 0 {
				t.Errorf("decode errors: %+v", st)
			}
			stop(t, p)
		})
	}
}
