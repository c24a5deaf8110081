package rtsp

import (
	"testing"
	"time"
)

func at(ms int) time.Time { return time.Unix(1_000_000, 0).Add(time.Duration(ms) * time.Millisecond) }

func TestGate(t *testing.T) {
	type step struct {
		lost           bool // before the unit
		unit           unit
		through, fresh bool
	}
	key := func(ts uint32) unit { return unit{rtpTime: ts, key: true} }
	inter := func(ts uint32) unit { return unit{rtpTime: ts} }
	recovery := func(ts uint32) unit { return unit{rtpTime: ts, recovery: true} }
	for _, c := range []struct {
		name  string
		show  bool
		held  int64
		steps []step
	}{
		{"nothing before the first key frame", false, 2, []step{
			{false, inter(1), false, false},
			{false, inter(2), false, false},
			{false, key(3), true, true},
			{false, inter(4), true, false},
			{false, key(5), true, false},
		}},
		{"after a loss nothing until the next key frame", false, 2, []step{
			{false, key(1), true, true},
			{false, inter(2), true, false},
			{true, inter(4), false, false},
			{false, inter(5), false, false},
			{false, key(6), true, true},
			{false, inter(7), true, false},
		}},
		{"a loss right before a key frame", false, 0, []step{
			{false, key(1), true, true},
			{true, key(3), true, true},
		}},
		{"a recovery point", false, 1, []step{
			{false, key(1), true, true},
			{true, inter(3), false, false},
			{false, recovery(4), true, true},
			{false, inter(5), true, false},
		}},
		{"leading pictures", false, 2, []step{
			{false, key(30), true, true}, // CRA: decoded before, shown after what refers to the group before
			{false, inter(10), false, false},
			{false, inter(20), false, false},
			{false, inter(40), true, false},
			{false, inter(35), true, false},
		}},
		{"leading pictures across the wrap", false, 1, []step{
			{false, key(10), true, true},
			{false, inter(0xFFFFFFF0), false, false},
			{false, inter(20), true, false},
		}},
		{"leading pictures of a whole stream", false, 0, []step{
			{false, key(10), true, true},
			{false, inter(20), true, false},
			{false, key(50), true, false},
			{false, inter(30), true, false},
		}},
		{"a damaged key frame is none", false, 1, []step{
			{false, unit{rtpTime: 1, key: true, damaged: true}, false, false},
			{false, key(2), true, true},
		}},
		{"show everything", true, 2, []step{
			{false, inter(1), true, false},
			{false, key(2), true, true},
			{true, inter(4), true, false},
			{false, key(5), true, true},
		}},
	} {
		g := gate{showDamaged: c.show}
		for i, s := range c.steps {
			if s.lost {
				g.lost(at(i))
			}
			through, fresh := g.pass(s.unit, at(i))
			if through != s.through || fresh != s.fresh {
				t.Errorf("%s: unit %d: through %v, fresh %v; want %v, %v", c.name, i, through, fresh, s.through, s.fresh)
			}
		}
		if g.held != c.held {
			t.Errorf("%s: %d units held, want %d", c.name, g.held, c.held)
		}
	}
}

func TestGateWaiting(t *testing.T) {
	var g gate
	if w := g.waiting(at(0)); w != 0 {
		t.Errorf("before anything came: %v", w)
	}
	g.pass(unit{}, at(0))
	if w := g.waiting(at(700)); w != 700*time.Millisecond {
		t.Errorf("a key frame has been awaited for %v, want 700 ms", w)
	}
	g.pass(unit{key: true}, at(700))
	if w := g.waiting(at(900)); w != 0 {
		t.Errorf("after the key frame: %v", w)
	}
	g.lost(at(1000))
	g.lost(at(1500)) // once more: it still began at 1000
	if w := g.waiting(at(1600)); w != 600*time.Millisecond {
		t.Errorf("since the loss: %v, want 600 ms", w)
	}
}

func TestTrouble(t *testing.T) {
	for _, c := range []struct {
		name  string
		lossy func(packet int) bool
		held  time.Duration // after each loss
		want  bool
	}{
		{"no loss", func(int) bool { return false }, 0, false},
		{"one accident", func(p int) bool { return p == 400 }, 900 * time.Millisecond, false},
		{"1 % with pictures standing still", func(p int) bool { return p%100 == 50 }, 200 * time.Millisecond, true},
		{"0.1 %, pictures back at once", func(p int) bool { return p%1000 == 50 }, 20 * time.Millisecond, false},
		{"5 % of the packets, none of them held for", func(p int) bool { return p%20 == 0 }, 0, true},
	} {
		var tr trouble
		got := false
		until := 0
		for p := range 1500 { // 300 a second
			now := p * 10 / 3
			lost := 0
			if c.lossy(p) {
				lost, until = 1, now+int(c.held.Milliseconds())
			}
			tr.note(1, lost, now < until, at(now))
			got = got || tr.enough(at(now))
		}
		if got != c.want {
			t.Errorf("%s: too much is %v, want %v", c.name, got, c.want)
		}
	}
}

func TestSpacing(t *testing.T) {
	for _, c := range []struct {
		name  string
		times []uint32
		want  time.Duration
	}{
		{"one", []uint32{5}, 0},
		{"25 fps", []uint32{0, 3600, 7200}, 40 * time.Millisecond},
		{"B frames", []uint32{0, 10800, 3600, 7200, 21600, 14400, 18000}, 40 * time.Millisecond},
		{"wrap", []uint32{0xFFFFFFFF - 1799, 1800}, 40 * time.Millisecond},
		{"several units at one time", []uint32{0, 0, 3000, 3000, 6000}, 33333333},
		{"a frame missing", []uint32{0, 3600, 10800, 14400}, 40 * time.Millisecond},
	} {
		var s spacing
		for _, ts := range c.times {
			s.note(ts, 90000)
		}
		if got := s.length(); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestLossWindow(t *testing.T) {
	var w lossWindow
	for i := range 100 {
		lost := 0
		if i%10 == 0 {
			lost = 1
		}
		w.note(1, lost, at(10*i))
	}
	if got := w.share(at(999)); got < 0.08 || got > 0.1 {
		t.Errorf("10 lost of 110: %v", got)
	}
	if got := w.share(at(3000)); got != 0 {
		t.Errorf("two seconds later: %v, want 0", got)
	}
}

func TestOffer(t *testing.T) {
	var o offer
	o.read([]byte("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\na=range:npt=0-12.5\r\n" +
		"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=rtcp-fb:* nack pli\r\na=rtcp-fb:96 ccm fir\r\na=control:trackID=0\r\n" +
		"m=audio 0 RTP/AVP 0\r\na=control:trackID=1\r\n"))
	if o.length != 12500*time.Millisecond {
		t.Errorf("length %v, want 12.5 s", o.length)
	}
	if f := o.feedback["trackID=0"]; !f.pli || !f.fir {
		t.Errorf("video: %+v, want both", f)
	}
	if f := o.feedback["trackID=1"]; f.pli || f.fir {
		t.Errorf("sound: %+v, want neither", f)
	}
	for _, live := range []string{"npt=now-", "npt=0-", "clock=20200101T000000Z-", ""} {
		if l := rangeLength(live); l != 0 {
			t.Errorf("%q: %v, want 0", live, l)
		}
	}
}

func FuzzOffer(f *testing.F) {
	f.Add([]byte("v=0\r\na=range:npt=0-12.5\r\nm=video 0 RTP/AVP 96\r\na=rtcp-fb:* nack pli\r\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		var o offer
		o.read(b)
	})
}

func TestAddress(t *testing.T) {
	for _, c := range []struct{ in, url, user, password, host string }{
		{"rtsp://cam/x", "rtsp://cam/x", "", "", "cam"},
		{"RTSP://cam:554/x?a=b", "rtsp://cam:554/x?a=b", "", "", "cam"},
		{"rtsps://u:p%40@10.0.0.1/x", "rtsps://10.0.0.1/x", "u", "p@", "10.0.0.1"},
		{"rtsp://u:a/b@10.0.0.1/x", "rtsp://10.0.0.1/x", "u", "a/b", "10.0.0.1"},
		{"rtsp://[::1]:8554/x", "rtsp://[::1]:8554/x", "", "", "::1"},
	} {
		to, err := parseAddress(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := to.url.CloneWithoutCredentials().String(); got != c.url {
			t.Errorf("%s: URL %s, want %s", c.in, got, c.url)
		}
		user, password := "", ""
		if to.url.User != nil {
			user = to.url.User.Username()
			password, _ = to.url.User.Password()
		}
		if user != c.user || password != c.password || to.host != c.host {
			t.Errorf("%s: %q %q at %q, want %q %q at %q", c.in, user, password, to.host, c.user, c.password, c.host)
		}
	}
	for _, bad := range []string{"rtsp://", "rtsp://h:port/x", "rtsp:///x", "http://x/y"} {
		if _, err := parseAddress(bad); err == nil {
			t.Errorf("%s is taken for an address", bad)
		}
	}
}
