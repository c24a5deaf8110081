package e2e

import (
	"fmt"
	"image"
	"image/color"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
)

// watch plays a live source without a window, with statistics.
func watch(t testing.TB, args ...string) *process {
	t.Helper()
	return start(t, append([]string{"--vo", "null", "--ao", "null", "--stats", "-"}, args...))
}

// becomes waits until the latest statistics are as wanted.
func becomes(t testing.TB, p *process, limit time.Duration, what string, cond func(stats) bool) stats {
	t.Helper()
	var last stats
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if all := allStats(t, p.out.String()); len(all) > 0 {
			if last = all[len(all)-1]; cond(last) {
				return last
			}
		}
		if p.ended() || time.Now().After(end) {
			t.Fatalf("waited %v for %s (ended: %v); the last statistics: %+v\nstderr: %s", limit, what, p.ended(), last, tail(p.err.String()))
		}
	}
}

func playing(more int64) func(stats) bool {
	return func(s stats) bool { return s.State == "playing" && s.Shown >= more }
}

// stop ends a player as Ctrl-C does.
func stop(t testing.TB, p *process) result {
	t.Helper()
	p.signal(syscall.SIGINT)
	r := p.result(2 * time.Second)
	if r.code != 4 {
		t.Errorf("exit code %d after SIGINT, want 4", r.code)
	}
	return r
}

var liveKinds = []struct {
	name  string
	make  func(testing.TB) server
	sound bool
	flags []string
}{
	{"rtsp-udp", func(t testing.TB) server { return newRTSPServer(t) }, false, nil},
	{"rtsp-tcp-sound", func(t testing.TB) server { return newRTSPServer(t) }, true, []string{"--rtsp-transport", "tcp"}},
	{"rtmp", func(t testing.TB) server { return newRTMPServer(t) }, false, nil},
	{"rtmp-sound", func(t testing.TB) server { return newRTMPServer(t) }, true, nil},
}

// A server that is killed and comes back: so does the picture.
func TestReconnect(t *testing.T) {
	t.Parallel()
	for _, c := range liveKinds {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.make(t)
			s.start()
			pub := publish(t, s, c.sound)
			p := watch(t, append(c.flags, s.readURL())...)
			becomes(t, p, 8*time.Second, "the first pictures", playing(20))
			first := becomes(t, p, 5*time.Second, "more pictures", playing(45))
			if c.sound && first.AVDiff == nil {
				t.Error("no sound")
			}

			s.kill()
			pub.kill()
			lost := becomes(t, p, 8*time.Second, "the loss", func(s stats) bool { return s.State == "signal lost" })
			time.Sleep(1200 * time.Millisecond)
			still := becomes(t, p, time.Second, "the loss", func(s stats) bool { return s.State == "signal lost" })
			if still.Shown != lost.Shown && still.Shown > lost.Shown+3 {
				t.Errorf("pictures of a server that is gone: %d, then %d", lost.Shown, still.Shown)
			}

			s.start()
			publish(t, s, c.sound)
			// 3 s, and one until the next line of statistics.
			back := becomes(t, p, 4*time.Second, "the picture to come back", func(s stats) bool {
				return s.State == "playing" && s.Shown > still.Shown+5
			})
			if back.Reconnects != 1 {
				t.Errorf("%d reconnects, want 1", back.Reconnects)
			}
			after := becomes(t, p, 3*time.Second, "more pictures", playing(back.Shown+20))
			if c.sound && (after.AVDiff == nil || *after.AVDiff < -80 || *after.AVDiff > 80) {
				t.Errorf("picture and sound after the loss are apart: %+v", after)
			}
			if live := lastLive(t, p.out.String()); live.Target > 1000 {
				t.Errorf("the delay is to be %.0f ms after the loss, want less than 1000", live.Target)
			}
			r := stop(t, p)
			for line := range strings.Lines(r.stderr) {
				message(t, strings.TrimSuffix(line, "\n"))
			}
			if !strings.Contains(r.stderr, "signal lost") || !strings.Contains(r.stderr, "signal back") {
				t.Errorf("stderr does not tell of loss and return: %s", r.stderr)
			}
			if rs, ok := s.(*rtspServer); ok {
				udp, tcp := rs.readers(gortsplib.ProtocolUDP), rs.readers(gortsplib.ProtocolTCP)
				if overTCP := len(c.flags) > 0; overTCP && udp > 0 || !overTCP && (udp == 0 || tcp > 0) {
					t.Errorf("streams set up over UDP: %d, over TCP: %d", udp, tcp)
				}
			}
		})
	}
}

func TestNoReconnect(t *testing.T) {
	t.Parallel()
	for _, c := range liveKinds[1:3] {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.make(t)
			s.start()
			publish(t, s, c.sound)
			p := watch(t, append(c.flags, "--no-reconnect", s.readURL())...)
			becomes(t, p, 8*time.Second, "the first pictures", playing(20))
			s.kill()
			r := p.result(6 * time.Second)
			if last := lastStats(t, r.stdout); !*last.Final || last.Reconnects != 0 {
				t.Errorf("at the end: %+v", last)
			}
			if r.code != 0 {
				t.Errorf("exit code %d, want 0: it was played", r.code)
			}
		})
	}
}

// When the signal is lost the last picture stays, and the title says so.
func TestSignalLostInTheWindow(t *testing.T) {
	t.Parallel()
	x := newScreen(t)
	s := newRTSPServer(t)
	s.start()
	pub := publish(t, s, false)
	w := x.play("--geometry", "+0+0", "--rtsp-transport", "tcp", s.readURL())
	until(t, 5*time.Second, "pictures", func() bool { return w.number() > 10 })
	if p := w.place(); p != image.Rect(0, 0, 320, 240) {
		t.Errorf("the window is at %v", p)
	}
	s.kill()
	pub.kill()
	until(t, 5*time.Second, "the title", func() bool { return strings.HasPrefix(w.title(), "signal lost - ") })
	time.Sleep(200 * time.Millisecond)
	last, err := x.Screenshot()
	if err != nil {
		t.Fatal(err)
	}
	colours := map[color.RGBA]bool{}
	const row = 130 // between what is said of the loss
	for px := range 320 {
		colours[last.RGBAAt(px, row)] = true
	}
	if len(colours) < 5 {
		t.Errorf("the last picture has gone: %d colours in a row; see %s", len(colours), keep(t, last))
	}
	w.xdotool("windowsize", w.id, "640", "480") // also in a window of another size
	x.shows("the last picture, larger", func(img *image.RGBA) error {
		for _, px := range []image.Point{{30, row}, {100, row}, {170, row}} {
			if a, b := last.RGBAAt(px.X, px.Y), img.RGBAAt(2*px.X, 2*px.Y); a != b {
				return fmt.Errorf("pixel %v was %v and is %v", px, a, b)
			}
		}
		return nil
	})
	w.press("q")
	if r := w.result(2 * time.Second); r.code != 0 {
		t.Errorf("exit code %d after q", r.code)
	}
}

// RTMP does not say whether there is sound: nothing may be waited for that does
// not come.
func TestRTMPWithoutSoundStartsSoon(t *testing.T) {
	t.Parallel()
	s := newRTMPServer(t)
	s.start()
	publish(t, s, false)
	time.Sleep(1500 * time.Millisecond) // let the publisher announce itself
	began := time.Now()
	r := planar(t, []string{"--vo", "hash", "--frames", "1", s.readURL()}).ok(t)
	// A key frame comes every second.
	if took := time.Since(began); took > 2500*time.Millisecond {
		t.Errorf("the first picture took %v, want at most 2.5 s", took)
	}
	if len(parseHashes(t, r.stdout)) != 1 {
		t.Errorf("stdout: %q", r.stdout)
	}
}

func TestRTSPPassword(t *testing.T) {
	t.Parallel()
	for name, method := range map[string]auth.VerifyMethod{"basic": auth.VerifyMethodBasic, "digest": auth.VerifyMethodDigestMD5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rtspPassword(t, method)
		})
	}
}

func rtspPassword(t *testing.T, method auth.VerifyMethod) {
	s := newRTSPServer(t)
	s.user, s.password, s.auth = "viewer", "s3cr3t", []auth.VerifyMethod{method}
	s.start()
	publish(t, s, false) // only readers need the password
	host := fmt.Sprintf("127.0.0.1:%d/cam", s.port)
	t.Run("right", func(t *testing.T) {
		r := planar(t, []string{"--vo", "null", "--ao", "null", "--frames", "10", "rtsp://viewer:s3cr3t@" + host}).ok(t)
		if strings.Contains(r.stdout+r.stderr, "s3cr3t") {
			t.Errorf("the password is in the output: %s%s", r.stdout, r.stderr)
		}
	})
	t.Run("none", func(t *testing.T) {
		planar(t, quiet("rtsp://"+host)).fails(t, 2, "127.0.0.1", "user or password")
	})
	for _, password := range []string{"hunter2zzz", "p@ss:w0rd", "zz/yy?xx#ww", "50%zz&aa=bb;cc", "zwei wörter", "'\"\\quoted$(x)"} {
		for _, escaped := range []bool{false, true} {
			t.Run(fmt.Sprintf("wrong %s %v", password, escaped), func(t *testing.T) {
				p := password
				if escaped {
					p = url.QueryEscape(password)
					p = strings.ReplaceAll(p, "+", "%20")
				}
				r := planar(t, []string{"--vo", "null", "--ao", "null", "--open-timeout", "5", "rtsp://viewer:" + p + "@" + host})
				if r.code != 2 {
					t.Errorf("exit code %d, want 2: %s", r.code, r.stderr)
				}
				if escaped || !strings.ContainsAny(password, "@/?#% ") {
					r.says(t, "127.0.0.1", "user or password")
				}
				for _, secret := range []string{password, p, password[1:], p[1:], password[len(password)/2:]} {
					if strings.Contains(r.stdout+r.stderr, secret) {
						t.Errorf("the password %q is in the output: %s%s", password, r.stdout, r.stderr)
						break
					}
				}
			})
		}
	}
}

// GStreamer's server shares no code with planar.
func TestGStreamerRTSP(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	movie := clip(t, "gst.mp4", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25", "-f", "lavfi", "-i", "sine=frequency=440", "-t", "20",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2")
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			serve := func() (*process, string) { return gstreamer(t, fmt.Sprint(port), "cam", movie) }
			server, address := serve()
			p := watch(t, "--rtsp-transport", transport, address)
			becomes(t, p, 8*time.Second, "the first pictures", playing(20))
			st := becomes(t, p, 5*time.Second, "more pictures", playing(45))
			if st.AVDiff == nil || st.DecodeErrors != 0 {
				t.Errorf("playing: %+v", st)
			}
			server.kill()
			lost := becomes(t, p, 8*time.Second, "the loss", func(s stats) bool { return s.State == "signal lost" })
			serve()
			back := becomes(t, p, 4*time.Second, "the picture to come back", func(s stats) bool {
				return s.State == "playing" && s.Shown > lost.Shown+5
			})
			if back.Reconnects != 1 {
				t.Errorf("%d reconnects, want 1", back.Reconnects)
			}
			stop(t, p)
		})
	}
}
