package rtsptest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

// message is what is on a connection between an RTSP client and a server, byte for
// byte: a request or response (RFC 2326 sections 6 and 7) or, without lines, an
// interleaved packet (section 10.12).
type message struct {
	lines []string // the start line, headers and the empty line, with their ends
	body  []byte
}

// What is longer than this is no RTSP that a test sends.
const (
	maxHead = 64 << 10
	maxBody = 1 << 20
)

var errTooLong = errors.New("message too long")

func readMessage(r *bufio.Reader) (m message, err error) {
	first, err := r.Peek(1)
	if err != nil {
		return m, err
	}
	if first[0] == '$' {
		head, err := r.Peek(4)
		if err != nil {
			return m, err
		}
		m.body = make([]byte, 4+int(head[2])<<8+int(head[3]))
		_, err = io.ReadFull(r, m.body)
		return m, err
	}
	for size := 0; ; {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return m, err
		}
		if size += len(line); size > maxHead {
			return m, errTooLong
		}
		m.lines = append(m.lines, string(line))
		if len(bytes.TrimSpace(line)) == 0 || m.isHTTP() {
			break
		}
	}
	if n, _ := strconv.Atoi(m.header("Content-Length")); n > maxBody {
		return m, errTooLong
	} else if n > 0 {
		m.body = make([]byte, n)
		_, err = io.ReadFull(r, m.body)
	}
	return m, err
}

// isHTTP reports whether RTSP is tunnelled in what begins with this line.
func (m *message) isHTTP() bool { return strings.Contains(m.lines[0], "HTTP/1.") }

// header is the value of a header, "" if there is none.
func (m *message) header(name string) string {
	for _, line := range m.lines {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// setHeader replaces the value of a header that is there.
func (m *message) setHeader(name, value string) {
	for i, line := range m.lines {
		if key, _, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(key), name) {
			m.lines[i] = key + ": " + value + "\r\n"
		}
	}
}

func (m *message) bytes() []byte {
	return append([]byte(strings.Join(m.lines, "")), m.body...)
}
