package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"planar/player/publish"
)

func TestExplain(t *testing.T) {
	p := NewPeer("rtmp://user:hidden@host:99/live/x")
	refused := p.Refuse("wrong user or password", nil)
	for _, c := range []struct {
		err  error
		want string
	}{
		{context.DeadlineExceeded, "nothing came from host within 2.5 s"},
		{context.Canceled, "interrupted"},
		{fmt.Errorf("read: %w", io.EOF), "host closed the connection"},
		{&net.OpError{Op: "write", Err: syscall.EPIPE}, "host closed the connection"},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "connection refused: nothing listens on that port of host"},
		{&net.OpError{Op: "write", Err: syscall.ETIMEDOUT}, "nothing comes back from host"},
		{&net.DNSError{Name: "host"}, "unknown host host"},
		{errors.New("two\nlines http://a:hidden@b"), "two?lines http://a:***@b"},
		{refused, "wrong user or password"},
	} {
		err := p.Explain(c.err, 2500*time.Millisecond)
		if want := "rtmp://user:***@host:99/live/x: " + c.want; err.Error() != want {
			t.Errorf("%v is explained as %q, want %q", c.err, err, want)
		}
		if !errors.Is(err, c.err) || publish.IsPermanent(err) != publish.IsPermanent(c.err) {
			t.Errorf("%v: the cause is lost", c.err)
		}
	}
	for address, want := range map[string]string{
		"srt://:19803?mode=listener": "srt://:19803?mode=listener: the other side closed the connection",
		"srt://h:1?streamid=hidden":  "srt://h:1?streamid=***: h closed the connection",
		"film.ts":                    "film.ts: film.ts closed the connection",
	} {
		if got := NewPeer(address).Explain(io.EOF, 0).Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if p.Explain(nil, 0) != nil {
		t.Error("no error is explained as one")
	}
	if s := NewPeer("a file").Fail("x", nil).Error(); !strings.HasPrefix(s, "a file: ") {
		t.Errorf("without a URL: %q", s)
	}
}

func TestConn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	Tune(raw)
	c := &Conn{Conn: raw}
	if _, err := c.Write(make([]byte, 100)); err != nil || c.Sent() != 100 {
		t.Errorf("%d bytes sent, want 100: %v", c.Sent(), err)
	}
	if d := c.RTT(); d < 0 || d > time.Second {
		t.Errorf("round trip time %v", d)
	}
	if n := Unacknowledged(raw); n < 0 || n > 100 {
		t.Errorf("%d bytes of 100 are unacknowledged", n)
	}
	c.Close()
	if d := c.RTT(); d != 0 {
		t.Errorf("closed, the round trip time is %v", d)
	}
}
