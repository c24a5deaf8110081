package rtsp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/pion/rtp"
)

// TestRelay has a publisher whose packets reach viewers as they are, over each
// transport.
func TestRelay(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := serveAt(t, ServerOptions{AcceptPush: true})
			url := s.URLs()[0] + "/from/outside"
			target, err := NewTarget(url, TargetOptions{Transport: transport})
			if err != nil {
				t.Fatal(err)
			}
			sh := run(t, target)
			until(t, "the middle of a group of pictures", func() bool { return sh.sent() > showGOP*3/2 })
			if st := s.Stats().Paths; len(st) != 1 || st[0].Name != "from/outside" || !st[0].Pushed {
				t.Errorf("statistics %+v, want the path", st)
			}
			for _, protocol := range []gortsplib.Protocol{gortsplib.ProtocolTCP, gortsplib.ProtocolUDP} {
				w := watch(t, url, protocol)
				w.play(t)
				until(t, "packets", func() bool { return w.count(0) > 250 && w.count(1) > 50 })
				w.contiguous(t)
				w.mu.Lock()
				if first := w.packets[0][0]; !keyH264(first.Payload) {
					t.Errorf("it begins with %x, want a key picture", first.Payload[:4])
				}
				for m := range 2 {
					if len(w.reports[m]) == 0 || w.reports[m][0].SSRC != w.packets[m][0].SSRC {
						t.Errorf("medium %d: no report of it", m)
					}
				}
				// The first whole picture is one of the show.
				decode := decoder(t, w.desc.Medias[0].Formats[0])
				var got [][]byte
				for _, p := range w.packets[0] {
					if got, err = decode(p); err == nil {
						break
					}
				}
				found := false
				for n := 0; n < sh.sent()+showGOP; n += showGOP {
					found = found || bytes.Equal(bytes.Join(picture(n).NALUs, nil), bytes.Join(got, nil))
				}
				if !found {
					t.Errorf("a picture of %d NAL units was not sent", len(got))
				}
				w.mu.Unlock()
				w.client.Close()
			}

			// A second publisher is refused, and the first one goes on.
			second, err := NewTarget(url, TargetOptions{Transport: transport})
			if err != nil {
				t.Fatal(err)
			}
			if c, err := second.Connect(t.Context(), both); err == nil {
				c.Close()
				t.Error("a second publisher is taken")
			}
			// When it goes, viewers are told, and the path is free.
			w := watch(t, url, gortsplib.ProtocolTCP)
			w.play(t)
			until(t, "packets", func() bool { return w.count(0) > 10 })
			sh.stop()
			sh.done.Wait()
			if err := sh.c.Finish(); err != nil {
				t.Error(err)
			}
			w.over(t)
			until(t, "the path to be free", func() bool { return len(s.Stats().Paths) == 0 })
			if status, _ := request(t, s, "DESCRIBE %s RTSP/1.0\r\nCSeq: 1\r\n\r\n", url); !strings.HasPrefix(status, "404") {
				t.Errorf("DESCRIBE after that: %s, want 404", status)
			}
			connect(t, url, TargetOptions{Transport: transport}, both)
		})
	}
}

// TestAnnounce is how ANNOUNCE is answered.
func TestAnnounce(t *testing.T) {
	t.Parallel()
	s := serveAt(t, ServerOptions{AcceptPush: true})
	s.Path("ours") // nobody is connected to it
	run(t, s.Path("live"))
	url := s.URLs()[0]
	audio := "m=audio 0 RTP/AVP 0\r\na=control:track%d\r\n"
	many := ""
	for i := range maxStreams + 1 {
		many += fmt.Sprintf(audio, i)
	}
	for _, c := range []struct{ path, medias, want string }{
		{"/ok", fmt.Sprintf(audio, 0), "200"},
		{"/ours", fmt.Sprintf(audio, 0), "409"},
		{"/live/", fmt.Sprintf(audio, 0), "409"},
		{"/none", "", "4"},
		{"/many", many, "4"},
		{"/no-formats", "m=audio 0 RTP/AVP\r\na=control:x\r\n", "4"},
		{"/sound-as-video", "m=audio 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:x\r\n", "200"},
		{"/" + strings.Repeat("x", maxName+1), fmt.Sprintf(audio, 0), "414"},
	} {
		body := "v=0\r\ns=-\r\nt=0 0\r\n" + c.medias
		status, _ := request(t, s, "ANNOUNCE %s%s RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", url, c.path, len(body), body)
		if !strings.HasPrefix(status, c.want) {
			t.Errorf("%.20s: %s, want %s", c.path, status, c.want)
		}
	}
	until(t, "the path to be free", func() bool { return len(s.Stats().Paths) == 1 })
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		key     func([]byte) bool
		payload []byte
		want    bool
	}{
		{"nothing", keyH264, nil, false},
		{"IDR", keyH264, []byte{0x65, 1}, true},
		{"SPS", keyH264, []byte{0x67, 1}, true},
		{"PPS", keyH264, []byte{0x68, 1}, false},
		{"slice", keyH264, []byte{0x41, 1}, false},
		{"STAP-A of SPS and PPS", keyH264, []byte{0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 1}, true},
		{"STAP-A of SEI and IDR", keyH264, []byte{0x78, 0, 2, 0x06, 1, 0, 2, 0x65, 1}, true},
		{"STAP-A of slices", keyH264, []byte{0x78, 0, 2, 0x41, 1, 0, 2, 0x41, 1}, false},
		{"STAP-A beyond its end", keyH264, []byte{0x78, 0, 9, 0x65, 1}, false},
		{"STAP-A of nothing", keyH264, []byte{0x78, 0, 0, 0, 0}, false},
		{"FU-A, first of IDR", keyH264, []byte{0x7c, 0x85, 1}, true},
		{"FU-A, next of IDR", keyH264, []byte{0x7c, 0x05, 1}, false},
		{"FU-A, first of a slice", keyH264, []byte{0x7c, 0x81, 1}, false},
		{"FU-A without a header", keyH264, []byte{0x7c}, false},
		{"H.265 nothing", keyH265, []byte{0x26}, false},
		{"H.265 IDR_W_RADL", keyH265, []byte{0x26, 1, 1}, true},
		{"H.265 CRA", keyH265, []byte{0x2a, 1, 1}, true},
		{"H.265 VPS", keyH265, []byte{0x40, 1, 1}, true},
		{"H.265 TRAIL_R", keyH265, []byte{0x02, 1, 1}, false},
		{"H.265 AP of parameter sets", keyH265, []byte{0x60, 1, 0, 3, 0x40, 1, 7, 0, 3, 0x42, 1, 8}, true},
		{"H.265 AP of slices", keyH265, []byte{0x60, 1, 0, 3, 0x02, 1, 7}, false},
		{"H.265 FU, first of IDR_N_LP", keyH265, []byte{0x62, 1, 0x94, 1}, true},
		{"H.265 FU, last of IDR_N_LP", keyH265, []byte{0x62, 1, 0x54, 1}, false},
		{"H.265 FU without a header", keyH265, []byte{0x62, 1}, false},
	} {
		if got := c.key(c.payload); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestBegins is where viewers of a pushed stream may begin.
func TestBegins(t *testing.T) {
	t.Parallel()
	idr, sps, other := []byte{0x65, 1}, []byte{0x67, 1}, []byte{0x41, 1}
	r := &relay{key: keyH264}
	for i, c := range []struct {
		elapsed time.Duration
		time    uint32
		payload []byte
		want    bool
	}{
		{0, 0, other, false},
		{keylessAfter + 1, 1, other, true}, // it may never have any
		{keylessAfter + 2, 2, sps, true},
		{keylessAfter + 2, 2, idr, false}, // begins with the one before
		{keylessAfter + 3, 3, other, false},
		{keylessAfter + 4, 4, idr, true},
	} {
		r.packets = []*rtp.Packet{{Header: rtp.Header{Timestamp: c.time}, Payload: c.payload}}
		if got := r.begins(c.elapsed); got != c.want {
			t.Errorf("unit %d, %x: %v, want %v", i, c.payload, got, c.want)
		}
	}
}
