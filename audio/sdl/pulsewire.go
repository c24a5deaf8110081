package sdlaudio

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// This is PulseAudio's native protocol, as far as the measurement needs it: five
// requests, one at a time, without shared memory and without events. A frame is a
// descriptor of 20 bytes (length, channel, offset twice, flags) and a payload; that of the
// control channel is a row of values with a tag before each. All numbers are big-endian.

// Commands of the protocol.
const (
	pulseError         = 0
	pulseReply         = 2
	pulseAuth          = 8
	pulseSetClientName = 9
	pulseGetSinkInput  = 29
	pulseListInputs    = 30
	pulseKillSinkInput = 49
)

const (
	// The version of the protocol that we speak at most, and the oldest server's that tells
	// whose a stream is.
	pulseNewest, pulseOldest = 32, 13

	pulseControl    = 0xffffffff // the channel of what is no sound
	pulseCookie     = 256        // bytes
	pulsePort       = "4713"
	pulseDescriptor = 20 // bytes

	// An entry of a list takes about 1.5 KB, so that 1 MiB is some 700 streams.
	maxPulseFrame   = 1 << 20
	maxSinkInputs   = 1024
	maxWireChannels = 64 // PipeWire's; PulseAudio has 32
)

// answerTime is how long the server may take for an answer: closing the device waits for
// up to two.
const answerTime = 200 * time.Millisecond

var errMalformed = errors.New("the sound server sent something that is not understood")

// refusal is the server's code of why it refuses a request.
type refusal uint32

func (r refusal) Error() string {
	return fmt.Sprintf("the sound server refused (code %d of PulseAudio's protocol)", uint32(r))
}

// message is a row of tagged values to be sent.
type message []byte

func (m message) u32(v uint32) message {
	return binary.BigEndian.AppendUint32(append(m, 'L'), v)
}

func (m message) blob(b []byte) message {
	m = binary.BigEndian.AppendUint32(append(m, 'x'), uint32(len(b)))
	return append(m, b...)
}

// text must hold no NUL.
func (m message) text(s string) message {
	return append(append(append(m, 't'), s...), 0)
}

// props is a list of properties, keys and values in turn.
func (m message) props(list ...string) message {
	m = append(m, 'P')
	for i := 0; i+1 < len(list); i += 2 {
		value := append([]byte(list[i+1]), 0)
		m = m.text(list[i]).u32(uint32(len(value))).blob(value)
	}
	return append(m, 'N')
}

// controlFrame is a whole frame with a command.
func controlFrame(command, tag uint32, args message) []byte {
	payload := append(message(nil).u32(command).u32(tag), args...)
	f := make([]byte, pulseDescriptor, pulseDescriptor+len(payload))
	binary.BigEndian.PutUint32(f, uint32(len(payload)))
	binary.BigEndian.PutUint32(f[4:], pulseControl)
	return append(f, payload...)
}

// readFrame reads a frame and returns the payload, which the buffer holds, or nil for one
// that is skipped as it is not for us.
func readFrame(r io.Reader, buf *bytes.Buffer) ([]byte, error) {
	var d [pulseDescriptor]byte
	if _, err := io.ReadFull(r, d[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(d[:])
	if binary.BigEndian.Uint32(d[4:]) != pulseControl || binary.BigEndian.Uint32(d[16:]) != 0 {
		_, err := io.CopyN(io.Discard, r, int64(length))
		return nil, err
	}
	if length == 0 || length > maxPulseFrame {
		return nil, errMalformed
	}
	buf.Reset()
	if _, err := io.CopyN(buf, r, int64(length)); err != nil { // grows with what really comes
		return nil, err
	}
	return buf.Bytes(), nil
}

// decoder takes values off a payload. After anything unexpected it is bad, and all further
// values are zero.
type decoder struct {
	b   []byte
	bad bool
}

// take returns the next n bytes, nil if there are not so many.
func (d *decoder) take(n int) []byte {
	if d.bad || n > len(d.b) {
		d.bad = true
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) tag(want byte) {
	if d.byte() != want {
		d.bad = true
	}
}

func (d *decoder) number() uint32 {
	if b := d.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) u32() uint32 {
	d.tag('L')
	return d.number()
}

// micros is a time in µs.
func (d *decoder) micros() uint64 {
	d.tag('U')
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) skipBool() {
	if b := d.byte(); b != '0' && b != '1' {
		d.bad = true
	}
}

// text is a string, false for the null string.
func (d *decoder) text() ([]byte, bool) {
	switch d.byte() {
	case 'N':
		return nil, false
	case 't':
		if end := bytes.IndexByte(d.b, 0); !d.bad && end >= 0 {
			return d.take(end + 1)[:end], true
		}
	}
	d.bad = true
	return nil, false
}

// skipChannels passes a sample spec, a channel map and volumes.
func (d *decoder) skipChannels() {
	d.tag('a')
	d.take(1 + 1 + 4) // format, channels, rate
	for _, c := range []struct {
		tag  byte
		size int
	}{{'m', 1}, {'v', 4}} {
		d.tag(c.tag)
		n := int(d.byte())
		if n > maxWireChannels {
			d.bad = true
		}
		d.take(n * c.size)
	}
}

// props calls with each property, the value without its NUL.
func (d *decoder) props(each func(key, value []byte)) {
	d.tag('P')
	for !d.bad {
		key, ok := d.text()
		if !ok {
			return
		}
		n := d.u32()
		d.tag('x')
		if d.number() != n || uint64(n) > uint64(len(d.b)) {
			d.bad = true
			return
		}
		value := d.take(int(n))
		if !d.bad {
			each(key, bytes.TrimSuffix(value, []byte{0}))
		}
	}
}

// sinkInput is what the server tells of a stream.
type sinkInput struct {
	index              uint32
	latency            uint64 // of what it has got of the stream, µs
	sinkLatency        uint64 // of what the stream plays on, µs
	pid, binary        string // of the process
	application, media string // names
}

// sinkInput takes one stream.
func (d *decoder) sinkInput(version uint32) (s sinkInput) {
	s.index = d.u32()
	media, _ := d.text()
	s.media = string(media)
	d.u32() // module
	d.u32() // client
	d.u32() // sink
	d.skipChannels()
	s.latency = d.micros()
	s.sinkLatency = d.micros()
	d.text() // resampling
	d.text() // driver
	if version >= 11 {
		d.skipBool() // muted
	}
	if version >= 13 {
		d.props(s.property)
	}
	if version >= 19 {
		d.skipBool() // corked
	}
	if version >= 20 {
		d.skipBool() // volume is readable
		d.skipBool() // and can be set
	}
	if version >= 21 {
		d.tag('f')
		d.tag('B')
		d.byte() // encoding
		d.props(func(_, _ []byte) {})
	}
	return s
}

func (s *sinkInput) property(key, value []byte) {
	switch string(key) {
	case "application.process.id":
		s.pid = string(value)
	case "application.process.binary":
		s.binary = string(value)
	case "application.name":
		s.application = string(value)
	case "media.name":
		s.media = string(value)
	}
}

// parseSinkInputs reads the arguments of a reply that lists streams.
func parseSinkInputs(b []byte, version uint32) ([]sinkInput, error) {
	d := decoder{b: b}
	var list []sinkInput
	for len(d.b) > 0 {
		s := d.sinkInput(version)
		if d.bad || len(list) == maxSinkInputs {
			return nil, errMalformed
		}
		list = append(list, s)
	}
	return list, nil
}

// pulseClient is a connection to the sound server, used from one goroutine. After a
// request that failed by more than a refusal it is closed: answers would be taken for those
// of other requests.
type pulseClient struct {
	conn    net.Conn
	in      *bufio.Reader
	frame   bytes.Buffer // the latest one
	version uint32
	tag     uint32 // of the latest request
	err     error  // why it is closed
}

// request returns the arguments of the answer, valid until the next request.
func (c *pulseClient) request(command uint32, args message) ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	answer, err := c.exchange(command, args)
	var r refusal
	if err != nil && !errors.As(err, &r) {
		c.close(err)
	}
	return answer, err
}

func (c *pulseClient) close(why error) {
	c.err = why
	c.conn.Close()
}

func (c *pulseClient) exchange(command uint32, args message) ([]byte, error) {
	// It also ends a server that sends without end, as the reader's buffer is small.
	if err := c.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return nil, err
	}
	c.tag++
	if _, err := c.conn.Write(controlFrame(command, c.tag, args)); err != nil {
		return nil, err
	}
	for {
		b, err := readFrame(c.in, &c.frame)
		if err != nil {
			return nil, err
		}
		if b == nil {
			continue
		}
		d := decoder{b: b}
		kind, tag := d.u32(), d.u32()
		switch {
		case d.bad:
			return nil, errMalformed
		case tag != c.tag: // an event
		case kind == pulseReply:
			return d.b, nil
		case kind == pulseError:
			code := d.u32()
			if d.bad {
				return nil, errMalformed
			}
			return nil, refusal(code)
		}
	}
}

// sinkInputs lists the streams that are played.
func (c *pulseClient) sinkInputs() ([]sinkInput, error) {
	b, err := c.request(pulseListInputs, nil)
	if err != nil {
		return nil, err
	}
	return parseSinkInputs(b, c.version)
}

func (c *pulseClient) sinkInput(index uint32) (sinkInput, error) {
	b, err := c.request(pulseGetSinkInput, message(nil).u32(index))
	if err != nil {
		return sinkInput{}, err
	}
	list, err := parseSinkInputs(b, c.version)
	if err != nil || len(list) != 1 || list[0].index != index {
		return sinkInput{}, errMalformed
	}
	return list[0], nil
}

func (c *pulseClient) killSinkInput(index uint32) error {
	_, err := c.request(pulseKillSinkInput, message(nil).u32(index))
	return err
}

// dialPulse connects to the first server that takes us.
func dialPulse(ctx context.Context) (c *pulseClient, err error) {
	err = errors.New("no sound server is known")
	for _, a := range pulseServers() {
		if c, err = dialServer(ctx, a); err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, err
}

func dialServer(ctx context.Context, a address) (*pulseClient, error) {
	dialer := net.Dialer{Timeout: answerTime}
	conn, err := dialer.DialContext(ctx, a.network, a.address)
	if err != nil {
		return nil, err
	}
	c := &pulseClient{conn: conn, in: bufio.NewReader(conn)}
	if err := c.greet(ctx); err != nil {
		c.close(err)
		return nil, err
	}
	return c, nil
}

// greet agrees on a version and says who we are.
func (c *pulseClient) greet(ctx context.Context) error {
	b, err := c.request(pulseAuth, message(nil).u32(pulseNewest).blob(readCookie()))
	if err != nil {
		return err
	}
	d := decoder{b: b}
	c.version = min(d.u32()&0xffff, pulseNewest) // flags are above
	if d.bad {
		return errMalformed
	}
	if c.version < pulseOldest {
		return fmt.Errorf("the sound server is too old: it speaks version %d of PulseAudio's protocol, %d is needed", c.version, pulseOldest)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	_, err = c.request(pulseSetClientName, message(nil).props("application.name", ourName))
	return err
}

// address is where a server may listen, as net.Dial takes it.
type address struct{ network, address string }

// pulseServers are the places to look for the server, the likeliest first.
func pulseServers() []address {
	if s := os.Getenv("PULSE_SERVER"); s != "" {
		return parseServers(s)
	}
	var all []address
	add := func(dir string, path ...string) {
		if dir != "" {
			all = append(all, address{"unix", filepath.Join(append([]string{dir}, path...)...)})
		}
	}
	add(os.Getenv("PULSE_RUNTIME_PATH"), "native")
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		add(dir, "pulse", "native")
	} else {
		add("/run/user", fmt.Sprint(os.Getuid()), "pulse", "native")
	}
	return all
}

// parseServers reads a list of servers as PULSE_SERVER has it. Which machine an entry is
// for is ignored: SDL has connected to one of them already.
func parseServers(list string) []address {
	var all []address
	for _, s := range strings.Fields(list) {
		if strings.HasPrefix(s, "{") {
			_, s, _ = strings.Cut(s, "}")
		}
		kind, rest, ok := strings.Cut(s, ":")
		switch {
		case s == "":
		case s[0] == '/':
			all = append(all, address{"unix", s})
		case ok && kind == "unix":
			all = append(all, address{"unix", rest})
		case ok && (kind == "tcp" || kind == "tcp4" || kind == "tcp6"):
			all = append(all, address{kind, withPort(rest)})
		default:
			all = append(all, address{"tcp", withPort(s)})
		}
	}
	return all
}

// withPort adds the default port to a host without one.
func withPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), pulsePort)
}

// readCookie is what lets this user in, zeros if there is none: some servers take anything.
func readCookie() []byte {
	var files []string
	if f := os.Getenv("PULSE_COOKIE"); f != "" {
		files = append(files, f)
	} else {
		if dir, err := os.UserConfigDir(); err == nil {
			files = append(files, filepath.Join(dir, "pulse", "cookie"))
		}
		if dir, err := os.UserHomeDir(); err == nil {
			files = append(files, filepath.Join(dir, ".pulse-cookie"))
		}
	}
	for _, name := range files {
		if cookie, err := readCookieFile(name); err == nil {
			return cookie
		}
	}
	return make([]byte, pulseCookie)
}

func readCookieFile(name string) ([]byte, error) {
	if i, err := os.Stat(name); err != nil || !i.Mode().IsRegular() { // opening a pipe would wait
		return nil, fmt.Errorf("%s is no file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cookie := make([]byte, pulseCookie)
	_, err = io.ReadFull(f, cookie)
	return cookie, err
}
