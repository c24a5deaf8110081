package demux

import (
	"bytes"
	"io"
	"os"
)

// headBytes is enough for three packets of an MPEG transport stream.
const headBytes = 3 * 188

// Head returns the first bytes of a regular file; nothing of others, which must
// not be opened to be looked at.
func Head(name string) []byte {
	st, err := os.Stat(name)
	if err != nil || !st.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, headBytes)
	n, _ := io.ReadFull(f, b)
	return b[:n]
}

// magics are how files with a header begin.
var magics = []struct {
	at   int
	text string
}{
	{4, "ftyp"},
	{4, "moov"},
	{4, "mdat"},
	{0, "\x1a\x45\xdf\xa3"},
	{0, "RIFF"},
	{0, "RF64"},
	{0, "OggS"},
	{0, "FLV\x01"},
	{0, "fLaC"},
	{0, "ID3"},
	{0, "\x00\x00\x01\xba"},
	{0, "\x00\x00\x01\xb3"},
	{0, "DKIF"},
	{0, "caff"},
	{0, "FORM"},
	{0, ".snd"},
	{0, "#!AMR"},
	{0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"},
	{0, "\x06\x0e\x2b\x34"},
	{0, "\x89PNG\r\n"},
	{0, "\xff\xd8\xff"},
	{0, "GIF8"},
	// H.264 and H.265 begin with a delimiter or a parameter set.
	{0, "\x00\x00\x00\x01\x09"},
	{0, "\x00\x00\x00\x01\x67"},
	{0, "\x00\x00\x00\x01\x27"},
	{0, "\x00\x00\x00\x01\x40\x01"},
	{0, "\x00\x00\x00\x01\x46\x01"},
	{0, "\x00\x00\x01\x09"},
	{0, "\x00\x00\x01\x67"},
	{0, "\x00\x00\x01\x27"},
	{0, "\x00\x00\x01\x40\x01"},
	{0, "\x00\x00\x01\x46\x01"},
}

// IsWave reports whether a file that begins so is a WAVE file.
func IsWave(head []byte) bool {
	return len(head) >= 12 && (bytes.HasPrefix(head, []byte("RIFF")) || bytes.HasPrefix(head, []byte("RF64"))) && string(head[8:12]) == "WAVE"
}

// IsContainer reports whether a file that begins so has a header that FFmpeg
// knows, whatever the file's name may suggest.
func IsContainer(head []byte) bool {
	for _, m := range magics {
		if len(head) > m.at && bytes.HasPrefix(head[m.at:], []byte(m.text)) {
			return true
		}
	}
	return len(head) == headBytes && head[0] == 0x47 && head[188] == 0x47 && head[376] == 0x47
}
