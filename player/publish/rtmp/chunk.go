package rtmp

import (
	"encoding/binary"
	"errors"
)

// Message types (RTMP 1.0, sections 5.4 and 7.1).
const (
	typeChunkSize   = 1
	typeAbort       = 2
	typeAck         = 3
	typeUserControl = 4
	typeWindow      = 5
	typeAudio       = 8
	typeVideo       = 9
	typeCommand3    = 17
	typeData        = 18
	typeCommand     = 20
)

// Chunk streams, one for each kind of message, as other publishers number them.
const (
	chunkControl = 2
	chunkCommand = 3
	chunkAudio   = 4
	chunkData    = 5
	chunkVideo   = 6
)

const (
	firstChunkSize = 128   // until another one is announced (RTMP 1.0, 5.4.1)
	chunkSize      = 65536 // the most that SRS takes; most units are then one chunk
	maxMessage     = 1<<24 - 1
	extended       = 0xFFFFFF // a timestamp from which on it has a field of its own
)

var errTooLarge = errors.New("a picture of 16 MiB or more cannot be sent by RTMP")

// chunker cuts messages into chunks (RTMP 1.0, 5.3). Each message begins with a full
// header (type 0), so that none depends on the one before. Its buffer is reused; it
// grows to the largest message.
type chunker struct {
	buf    []byte
	size   int // of a chunk
	room   int // left in the chunk that is being filled
	header [5]byte
	next   []byte // the header of a chunk that goes on: part of header
}

// begin starts a message of length bytes, which write is then given. ms is its
// timestamp, which wraps after 49 days.
func (c *chunker) begin(chunk, typ byte, stream, ms uint32, length int) error {
	if length > maxMessage {
		return errTooLarge
	}
	short := min(ms, extended)
	c.buf = append(c.buf, chunk, byte(short>>16), byte(short>>8), byte(short),
		byte(length>>16), byte(length>>8), byte(length), typ)
	c.buf = binary.LittleEndian.AppendUint32(c.buf, stream)
	c.header[0] = 3<<6 | chunk
	c.next = c.header[:1]
	if short == extended {
		c.buf = binary.BigEndian.AppendUint32(c.buf, ms)
		c.next = binary.BigEndian.AppendUint32(c.next, ms)
	}
	c.room = c.size
	return nil
}

// write appends a part of the message.
func (c *chunker) write(p []byte) {
	for len(p) > 0 {
		if c.room == 0 {
			c.buf = append(c.buf, c.next...)
			c.room = c.size
		}
		n := min(c.room, len(p))
		c.buf = append(c.buf, p[:n]...)
		c.room -= n
		p = p[n:]
	}
}

// message appends a whole message.
func (c *chunker) message(chunk, typ byte, stream uint32, body []byte) error {
	if err := c.begin(chunk, typ, stream, 0, len(body)); err != nil {
		return err
	}
	c.write(body)
	return nil
}
