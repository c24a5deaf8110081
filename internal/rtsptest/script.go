package rtsptest

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

// Script is an RTSP server that says exactly what a test wants, right or wrong.
type Script struct {
	l      *listener
	answer func(*base.Request) (string, bool)

	mu       sync.Mutex
	requests []*base.Request
}

// NewScript answers each request with the bytes that answer returns ("": with
// nothing), and hangs up after them if it returns false. It ends with the test.
// Requests of one connection come one after the other, those of several at once.
func NewScript(t testing.TB, answer func(*base.Request) (reply string, stay bool)) *Script {
	t.Helper()
	s := &Script{answer: answer}
	var err error
	if s.l, err = listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.l.start(nil, s.serve)
	t.Cleanup(s.l.close)
	return s
}

// URL is where the script is read.
func (s *Script) URL() string { return "rtsp://" + s.l.address() + "/cam" }

// Requests are the latest requests, at most maxRecord.
func (s *Script) Requests() []*base.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*base.Request(nil), s.requests...)
}

func (s *Script) serve(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		req := &base.Request{}
		if req.Unmarshal(r) != nil {
			return
		}
		s.mu.Lock()
		s.requests = record(s.requests, req)
		s.mu.Unlock()
		reply, stay := s.answer(req)
		if _, err := c.Write([]byte(reply)); err != nil || !stay {
			return
		}
	}
}

// Reply is a correct answer to a request: a status such as "200 OK", headers such as
// "Session: 1", and a body that may be empty.
func Reply(req *base.Request, status, body string, headers ...string) string {
	lines := []string{"RTSP/1.0 " + status, "CSeq: " + strings.Join(req.Header["CSeq"], "")}
	lines = append(lines, headers...)
	if body != "" {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// maxRecord bounds what counterparts remember of what they were sent: an hour of
// keep-alives and reports of two tracks, each second.
const maxRecord = 4096

// record adds to what is remembered, and forgets the oldest.
func record[T any](list []T, x T) []T {
	if len(list) == maxRecord {
		list = append(list[:0], list[1:]...)
	}
	return append(list, x)
}
