package rtmp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/bluenviron/gortmplib/pkg/amf0"
	"github.com/bluenviron/gortmplib/pkg/bytecounter"
	"github.com/bluenviron/gortmplib/pkg/handshake"
	"github.com/bluenviron/gortmplib/pkg/rawmessage"
)

// session is the conversation with a server. Reading is for one goroutine, sending
// for any.
type session struct {
	conn net.Conn // TLS, if it is
	in   *rawmessage.Reader

	mu     sync.Mutex // of what follows, and of writing to conn
	out    chunker
	stream uint32 // the message stream that the server has made for us

	sent atomic.Int64 // bytes
}

// command is a remote procedure call, an answer to one, or a status.
type command struct {
	name string
	id   int
	args amf0.Data
}

// rejection is an answer that says no.
type rejection struct{ code, description string }

func (r *rejection) Error() string {
	return strings.TrimSpace(r.code + " " + r.description)
}

// maxCommand bounds what is parsed of a server's command: true ones have some hundred
// bytes, and the parser recurses.
const maxCommand = 16 << 10

const (
	// answers is how many bytes a server may send in any case, and answerShare the part of
	// what it is sent that it may send besides: less than an acknowledgement of 16 bytes for
	// every window, and now and then a ping. The reader would keep 10 MB of unfinished
	// messages in each of 62 chunk streams.
	answers     = 1 << 20
	answerShare = 64
)

var errTalks = errors.New("the server sends much more than answers")

// listened is what is read of the server, within these bounds.
type listened struct {
	*session
	n int64
}

// Read implements io.Reader.
func (l *listened) Read(p []byte) (int, error) {
	n, err := l.conn.Read(p)
	if l.n += int64(n); l.n > answers+l.sent.Load()/answerShare {
		return 0, errTalks
	}
	return n, err
}

// newSession shakes hands (RTMP 1.0, 5.2).
func newSession(conn net.Conn) (*session, error) {
	s := &session{conn: conn, out: chunker{size: firstChunkSize}}
	if _, _, err := handshake.DoClient(conn, false, false); err != nil {
		return nil, err
	}
	counter := bytecounter.NewReader(&listened{session: s})
	s.in = rawmessage.NewReader(counter, counter, func(n uint32) error {
		return s.send(func(out *chunker) error {
			return out.message(chunkControl, typeAck, 0, binary.BigEndian.AppendUint32(nil, n))
		})
	})
	return s, nil
}

// send writes what fill has appended, at once: one unit, one system call.
func (s *session) send(fill func(*chunker) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sendLocked(fill)
}

func (s *session) sendLocked(fill func(*chunker) error) error {
	s.out.buf = s.out.buf[:0]
	if err := fill(&s.out); err != nil {
		return err
	}
	if len(s.out.buf) == 0 {
		return nil
	}
	n, err := s.conn.Write(s.out.buf)
	s.sent.Add(int64(n))
	return err
}

// call appends a command.
func call(out *chunker, stream uint32, name string, id int, args ...any) error {
	body, err := append(amf0.Data{name, float64(id)}, args...).Marshal()
	if err != nil {
		return err
	}
	return out.message(chunkCommand, typeCommand, stream, body)
}

// read returns the next command, and does what the messages before it ask for. What
// it does not know it ignores.
func (s *session) read() (command, error) {
	for {
		m, err := s.in.Read()
		if err != nil {
			return command{}, err
		}
		b := m.Body
		switch m.Type {
		case typeChunkSize:
			if len(b) < 4 || binary.BigEndian.Uint32(b) == 0 {
				return command{}, errors.New("the server speaks no RTMP: chunks without a size")
			}
			if err := s.in.SetChunkSize(binary.BigEndian.Uint32(b)); err != nil {
				return command{}, err
			}
		case typeAbort:
			if len(b) >= 4 {
				s.in.AbortChunkStream(binary.BigEndian.Uint32(b))
			}
		case typeWindow:
			if len(b) >= 4 {
				s.in.SetWindowAckSize(binary.BigEndian.Uint32(b))
			}
		case typeUserControl:
			if len(b) >= 6 && binary.BigEndian.Uint16(b) == 6 { // ping: the same, as its answer (7)
				pong := append([]byte{0, 7}, b[2:6]...)
				err := s.send(func(out *chunker) error { return out.message(chunkControl, typeUserControl, 0, pong) })
				if err != nil {
					return command{}, err
				}
			}
		case typeCommand3, typeCommand:
			if m.Type == typeCommand3 && len(b) > 0 {
				b = b[1:] // AMF0 after a byte that says so
			}
			if len(b) > maxCommand {
				continue
			}
			list, err := amf0.Unmarshal(b)
			if err != nil || len(list) < 2 {
				continue
			}
			name, ok1 := list[0].(string)
			id, ok2 := list[1].(float64)
			if ok1 && ok2 {
				return command{name, int(id), list[2:]}, nil
			}
		}
	}
}

// answer waits for the answer to a command.
func (s *session) answer(id int) (command, error) {
	for {
		c, err := s.read()
		if err != nil {
			return c, err
		}
		switch {
		case c.id != id:
		case c.name == "_error":
			return c, c.rejected()
		case c.name == "_result":
			return c, nil
		}
	}
}

// info is what a command says about itself: level, code, description.
func (c command) info() (level, code, description string) {
	for _, a := range c.args {
		o, ok := a.(amf0.Object)
		if e, isArray := a.(amf0.ECMAArray); isArray {
			o, ok = amf0.Object(e), true
		}
		if !ok {
			continue
		}
		if v, ok := o.GetString("level"); ok {
			level = v
		}
		if v, ok := o.GetString("code"); ok {
			code = v
		}
		if v, ok := o.GetString("description"); ok {
			description = v
		}
	}
	return level, code, description
}

func (c command) rejected() error {
	_, code, description := c.info()
	return &rejection{code, description[:min(len(description), 500)]}
}

// connect asks for the application (RTMP 1.0, 7.2.1.1). query is appended to its name.
func (s *session) connect(a address, query string, enhanced []string) error {
	if query != "" {
		query = "?" + query
	}
	arg := amf0.Object{
		{Key: "app", Value: a.app + query},
		{Key: "type", Value: "nonprivate"},
		{Key: "flashVer", Value: "FMLE/3.0 (compatible; planar)"}, // some servers let only encoders publish
		{Key: "tcUrl", Value: a.url + query},
	}
	if len(enhanced) > 0 {
		var list amf0.StrictArray
		for _, four := range enhanced {
			list = append(list, four)
		}
		arg = append(arg, amf0.ObjectEntry{Key: "fourCcList", Value: list})
	}
	err := s.send(func(out *chunker) error {
		err := out.message(chunkControl, typeChunkSize, 0, binary.BigEndian.AppendUint32(nil, chunkSize))
		if err != nil {
			return err
		}
		out.size = chunkSize
		return call(out, 0, "connect", 1, arg)
	})
	if err != nil {
		return err
	}
	_, err = s.answer(1)
	return err
}

// publish asks to publish (RTMP 1.0, 7.2.1.3 and 7.2.2.6; the first two commands are
// Adobe's encoder's, and some servers wait for them).
func (s *session) publish(name string) error {
	err := s.send(func(out *chunker) error {
		return errors.Join(
			call(out, 0, "releaseStream", 2, nil, name),
			call(out, 0, "FCPublish", 3, nil, name),
			call(out, 0, "createStream", 4, nil),
		)
	})
	if err != nil {
		return err
	}
	c, err := s.answer(4)
	if err != nil {
		return err
	}
	id := 0.
	for _, a := range c.args {
		if v, ok := a.(float64); ok {
			id = v
		}
	}
	if id < 1 || id > 1<<32-1 {
		return errors.New("the server speaks no RTMP: it makes no stream")
	}
	s.stream = uint32(id)
	err = s.send(func(out *chunker) error { return call(out, s.stream, "publish", 5, nil, name, "live") })
	if err != nil {
		return err
	}
	for {
		c, err := s.read()
		if err != nil {
			return err
		}
		if c.name == "_error" && c.id == 5 {
			return c.rejected()
		}
		if level, code, _ := c.info(); c.name == "onStatus" {
			if code == "NetStream.Publish.Start" {
				return nil
			}
			if level == "error" {
				return c.rejected()
			}
		}
	}
}

// unpublish says that nothing comes any more.
func (s *session) unpublish(name string) error {
	return s.send(func(out *chunker) error {
		return errors.Join(
			call(out, 0, "FCUnpublish", 6, nil, name),
			call(out, 0, "deleteStream", 7, nil, float64(s.stream)),
		)
	})
}

// watch reads until the connection ends, and returns why.
func (s *session) watch() error {
	for {
		c, err := s.read()
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			return io.EOF
		case err != nil:
			return err
		case c.name == "onStatus":
			if level, _, _ := c.info(); level == "error" {
				return fmt.Errorf("the server ends the stream: %w", c.rejected())
			}
		}
	}
}
