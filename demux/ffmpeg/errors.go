package ffmpeg

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/asticode/go-astiav"

	"planar/demux"
)

// openError is one line: what failed and why, and what helps.
type openError struct {
	name, cause string
	err         error
}

func (e *openError) Error() string { return e.name + ": " + e.cause }
func (e *openError) Unwrap() error { return e.err }

const rawHint = "for raw video give --as raw-video --size WxH, for raw sound --as raw-audio"

// target is what is opened, and what may be said about it.
type target struct {
	name  string // as given
	show  string // on one line, without secrets
	url   string // for FFmpeg
	host  string // "" if local
	proto string // scheme of a URL, in lower case, else ""
}

var schemeRE = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.\-]*)://`)

func newTarget(name string) target {
	t := target{name: name, show: demux.OneLine(demux.Redact(name)), url: name}
	if m := schemeRE.FindStringSubmatch(name); m != nil {
		t.proto = strings.ToLower(m[1])
	}
	switch {
	case name == "-":
		t.show = "standard input"
	case t.proto == "file":
		path := name[len("file://"):]
		if i := strings.IndexByte(path, '/'); i > 0 && strings.EqualFold(path[:i], "localhost") {
			path = path[i:]
		}
		if p, err := url.PathUnescape(path); err == nil {
			path = p
		}
		t.proto, t.name = "", path
		fallthrough
	case t.proto == "":
		t.url = "file:" + t.name
	default:
		t.host = demux.Host(name)
	}
	return t
}

func (t target) fail(cause string, err error) error {
	return &openError{name: t.show, cause: cause, err: err}
}

func (t target) interrupted(cause error) error {
	if cause == nil {
		return t.fail("interrupted", demux.ErrInterrupted)
	}
	return t.fail("interrupted", errors.Join(demux.ErrInterrupted, cause))
}

func (t target) timeout(d time.Duration) error {
	from := t.host
	if from == "" {
		from = t.show
	}
	return t.fail(fmt.Sprintf("nothing came from %s within %s", from, seconds(d)), syscall.ETIMEDOUT)
}

func seconds(d time.Duration) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
}

const moovMissing = "moov atom not found"

// isISOMedia reports whether a file begins as MP4 and MOV files do.
func isISOMedia(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var b [8]byte
	if _, err := io.ReadFull(f, b[:]); err != nil {
		return false
	}
	switch string(b[4:]) {
	case "ftyp", "styp", "mdat", "moov", "moof", "wide", "free", "skip", "pnot":
		return true
	}
	return false
}

// causes are looked for in FFmpeg's log first, because nested protocols often
// turn a clear error into "Invalid data" or "Input/output error".
var causes = []struct{ log, cause string }{
	{moovMissing, "truncated: the index (moov) is missing; the recording was not finished or not all of it was copied"},
	{"failed to resolve hostname", "unknown host %s"},
	{"connection refused", "connection refused: nothing listens on that port of %s"},
	{"no route to host", "no route to %s"},
	{"network is unreachable", "network is unreachable"},
	{"connection reset", "%s closed the connection"},
	{"401 unauthorized", "401 unauthorised: wrong user or password"},
	{"403 forbidden", "403 forbidden: %s does not allow it"},
	{"404 not found", "404 not found: %s has no such stream"},
	{"404 stream not found", "404 not found: %s has no such stream"},
	{"454 session", "454 session not found"},
	{"461 ", "%s does not offer this transport; try --rtsp-transport tcp or udp"},
	{"certificate verification failed", "the certificate of %s is not trusted; see --tls-ca and --tls-insecure"},
	{"netstream.play.streamnotfound", "%s has no such stream"},
	{"server error: ", "%s refused it"},
	{"protocol not found", "FFmpeg has no protocol of this name"},
}

var codes = []struct {
	err   error
	cause string
}{
	{syscall.ENOENT, "file does not exist"},
	{syscall.EISDIR, "is a directory"},
	{syscall.EACCES, "permission denied"},
	{syscall.EPERM, "permission denied"},
	{syscall.ECONNREFUSED, "connection refused: nothing listens on that port of %s"},
	{syscall.ECONNRESET, "%s closed the connection"},
	{syscall.EPIPE, "%s closed the connection"},
	{syscall.EHOSTUNREACH, "no route to %s"},
	{syscall.ENETUNREACH, "network is unreachable"},
	{syscall.EADDRINUSE, "the address is in use by another program"},
	{syscall.ENOMEM, "not enough memory"},
	{syscall.EMFILE, "too many open files"},
	{syscall.EIO, "input/output error"},
}

var httpCodes = map[astiav.Error]string{
	astiav.ErrHttpUnauthorized: "401 unauthorised: wrong user or password",
	astiav.ErrHttpForbidden:    "403 forbidden: %s does not allow it",
	astiav.ErrHttpNotFound:     "404 not found: %s has no such stream",
	astiav.ErrHttpBadRequest:   "400 bad request",
	astiav.ErrHttpServerError:  "%s reports an error of its own (5xx)",
}

// explain turns FFmpeg's error and the lines it logged into one clear line.
func (t target) explain(err error, log string) error {
	fill := func(c string) string {
		host := t.host
		if host == "" {
			host = "it"
		}
		return strings.Replace(c, "%s", host, 1)
	}
	sys := unwrapErrno(err)
	low := strings.ToLower(log)
	for _, c := range causes {
		if strings.Contains(low, c.log) {
			if c.log == moovMissing && t.proto == "" && !isISOMedia(t.name) {
				continue // named like one, but it is not
			}
			return t.fail(fill(c.cause), sys)
		}
	}
	var code astiav.Error
	if errors.As(err, &code) {
		if c, ok := httpCodes[code]; ok {
			return t.fail(fill(c), sys)
		}
		switch code {
		case astiav.ErrProtocolNotFound:
			return t.fail(fmt.Sprintf("FFmpeg has no protocol %q", t.proto), sys)
		case astiav.ErrDemuxerNotFound, astiav.ErrDecoderNotFound:
			return t.fail("FFmpeg here cannot read this format", sys)
		case astiav.ErrInvaliddata, astiav.ErrEof:
			if t.host != "" {
				return t.fail("what "+t.host+" sent is not media FFmpeg knows, or it ended at once"+t.detail(log), sys)
			}
			return t.fail("cannot be read: not a media file FFmpeg knows, or damaged; "+rawHint, sys)
		}
	}
	for _, c := range codes {
		if errors.Is(sys, c.err) {
			return t.fail(fill(c.cause), sys)
		}
	}
	return t.fail(demux.OneLine(err.Error())+t.detail(log), sys)
}

// detail is the last line of FFmpeg's log in brackets, without secrets.
func (t target) detail(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	l := strings.TrimSpace(lines[len(lines)-1])
	if l == "" {
		return ""
	}
	l = strings.ReplaceAll(l, t.name, t.show)
	return " (" + demux.Redact(demux.OneLine(l)) + ")"
}

// unwrapErrno makes errors.Is(err, fs.ErrNotExist) and the like work on
// FFmpeg's negated errno values.
func unwrapErrno(err error) error {
	var code astiav.Error
	if errors.As(err, &code) && code < 0 && code > -4096 {
		return syscall.Errno(-code)
	}
	return err
}

// statCause says what os.Stat's or os.Open's error means.
func (t target) statCause(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return t.fail("file does not exist", err)
	case errors.Is(err, fs.ErrPermission):
		return t.fail("permission denied", err)
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return t.fail(demux.OneLine(err.Error()), err)
}
