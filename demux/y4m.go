package demux

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"planar/render"
)

// Y4MOptions is what OpenY4M needs besides the file.
type Y4MOptions struct {
	// Layouts returns the planes of FFmpeg's pixel format at a size.
	Layouts func(format string, width, height int) ([]render.Layout, error)
	Map     MapFunc         // as in RawVideoParams
	Colour  render.Colour   // fields that are known win over the file's
	Rate    render.Rational // wins over the file's if known
}

const (
	y4mMagic = "YUV4MPEG2 "
	y4mFrame = "FRAME"
	// maxY4MLine bounds a header line, which is usually less than 100 bytes.
	maxY4MLine = 4096
	// y4mLead is the length of a frame header without parameters.
	y4mLead        = int64(len(y4mFrame) + 1)
	y4mDefaultRate = 25
)

// IsY4M reports whether a file that begins with head is a YUV4MPEG2 file.
func IsY4M(head []byte) bool { return bytes.HasPrefix(head, []byte(y4mMagic)) }

// OpenY4M opens a YUV4MPEG2 file as mjpegtools and FFmpeg write it; name may
// be "-". Of a pipe it waits for the header.
func OpenY4M(name string, o Y4MOptions) (Source, error) {
	f, err := openRawFile(name)
	if err != nil {
		return nil, err
	}
	v, err := newY4M(f, o)
	if err != nil {
		f.close()
		return nil, err
	}
	return v, nil
}

func newY4M(f *rawFile, o Y4MOptions) (*rawVideo, error) {
	line, err := readY4MLine(f)
	if err != nil {
		return nil, err
	}
	h, err := parseY4M(line)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	p := RawVideoParams{Width: h.width, Height: h.height, PixelFormat: h.format, Rate: h.rate, SAR: h.sar, Colour: o.Colour.OrElse(h.colour), Map: o.Map}
	if o.Rate.Known() {
		p.Rate, h.notes = o.Rate, nil
	}
	if err := checkSize(f.name, p.Width, p.Height); err != nil {
		return nil, err
	}
	if p.Layout, err = o.Layouts(p.PixelFormat, p.Width, p.Height); err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	v, size, err := newRawVideo(f.name, p)
	if err != nil {
		return nil, err
	}
	s := &y4mStore{file: f, pictures: newPictures(size, p.Map), first: int64(len(line)) + 1}
	if f.regular {
		if f.seen < s.first+y4mLead+size {
			return nil, fmt.Errorf("%s: cannot be played: %d bytes follow its header, less than one %s frame of %dx%d (%d bytes)",
				f.name, max(0, f.seen-s.first), p.PixelFormat, p.Width, p.Height, y4mLead+size)
		}
		if s.lead, err = s.leadAt(s.first); err != nil {
			return nil, err
		}
		// Headers are as a rule alike or plain. One with parameters that the
		// next does not have would make the count too small.
		if next, err := s.leadAt(s.first + s.lead + size); s.lead != y4mLead && (err != nil || next != s.lead) {
			s.append(s.first)
		}
	}
	v.store, v.format, v.notes = s, "yuv4mpegpipe", h.notes
	return v, nil
}

// readY4MLine returns the first line without its end.
func readY4MLine(f *rawFile) (string, error) {
	head := make([]byte, maxY4MLine)
	n, err := f.read(head[:len(y4mMagic)], 0)
	if err != nil {
		return "", err
	}
	if !IsY4M(head[:n]) {
		return "", fmt.Errorf("%s: is not a YUV4MPEG2 file: it begins with %q", f.name, head[:n])
	}
	if f.regular {
		n, err = f.read(head, 0)
		if i := bytes.IndexByte(head[:n], '\n'); i >= 0 {
			return string(head[:i]), nil
		}
	} else {
		n, err = readLine(f, head, n)
		if err == nil && head[n-1] == '\n' {
			return string(head[:n-1]), nil
		}
	}
	switch {
	case err != nil:
		return "", err
	case n < len(head):
		return "", fmt.Errorf("%s: ends within its header", f.name)
	}
	return "", fmt.Errorf("%s: its header line has more than %d bytes: the file is damaged", f.name, maxY4MLine)
}

// readLine reads a pipe into b, of which n bytes are there, until a line or b
// or the pipe ends. It takes one byte at a time, not to take any of what follows.
func readLine(f *rawFile, b []byte, n int) (int, error) {
	for n < len(b) && b[n-1] != '\n' {
		got, err := f.read(b[n:n+1], f.pos)
		if got == 0 || err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// y4mHeader is what the first line says.
type y4mHeader struct {
	width, height int
	format        string // FFmpeg's name
	colour        render.Colour
	rate, sar     render.Rational
	notes         []string
}

// parseY4M reads the first line of a file, as yuv4mpeg(5) of mjpegtools
// describes it, with FFmpeg's formats of more than 8 bits. The size is not
// checked. Unknown tags are skipped.
func parseY4M(line string) (y4mHeader, error) {
	var h y4mHeader
	rest, ok := strings.CutPrefix(line, y4mMagic)
	if !ok {
		return h, errors.New("is not a YUV4MPEG2 file")
	}
	format, oldFormat, rate := "", "", ""
	for _, tag := range strings.Fields(rest) {
		value := tag[1:]
		var err error
		switch tag[0] {
		case 'W':
			h.width, err = strconv.Atoi(value)
		case 'H':
			h.height, err = strconv.Atoi(value)
		case 'F':
			rate = value
		case 'A':
			h.sar = y4mRatio(value)
		case 'C':
			format = value
		case 'X':
			if s, ok := strings.CutPrefix(value, "YSCSS="); ok {
				oldFormat = strings.ToLower(s)
			} else if s, ok := strings.CutPrefix(value, "COLORRANGE="); ok {
				h.colour.Range = map[string]render.Range{"FULL": render.Full, "LIMITED": render.Limited}[s]
			}
		}
		if err != nil {
			return h, fmt.Errorf("its header says %.40q, which is not a size", tag)
		}
	}
	if h.width == 0 || h.height == 0 {
		return h, errors.New("its header does not tell the picture size (W and H)")
	}
	if format == "" {
		format = oldFormat
	}
	if h.format, h.colour.Siting, ok = y4mFormat(format); !ok {
		return h, fmt.Errorf("its header says pixel format %.40q (C), which planar does not know", format)
	}
	h.setRate(rate)
	return h, nil
}

// setRate takes the value of the tag F.
func (h *y4mHeader) setRate(value string) {
	h.rate = y4mRatio(value)
	if f := h.rate.Float(); f >= 0.001 && f <= 1000 {
		return
	}
	h.rate = render.Rational{Num: y4mDefaultRate, Den: 1}
	h.notes = append(h.notes, fmt.Sprintf("its header does not tell a frame rate: playing at %d, give another with --fps", y4mDefaultRate))
}

// y4mRatio reads "30000:1001"; what is no ratio, such as "0:0", is unknown.
func y4mRatio(s string) render.Rational {
	a, b, _ := strings.Cut(s, ":")
	n, errN := strconv.ParseInt(a, 10, 32)
	d, errD := strconv.ParseInt(b, 10, 32)
	if errN != nil || errD != nil || n <= 0 || d <= 0 {
		return render.Rational{}
	}
	return render.Rational{Num: int(n), Den: int(d)}
}

// y4mFormat returns FFmpeg's pixel format and the chroma siting of a tag C;
// the empty one means 420jpeg.
func y4mFormat(tag string) (string, render.Siting, bool) {
	switch tag {
	case "", "420", "420jpeg":
		return "yuv420p", render.SitingCentre, true
	case "420mpeg2":
		return "yuv420p", render.SitingLeft, true
	case "420paldv":
		return "yuv420p", render.SitingTopLeft, true
	case "411", "422", "444":
		return "yuv" + tag + "p", render.SitingUnknown, true
	case "444alpha":
		return "yuva444p", render.SitingUnknown, true
	case "mono":
		return "gray", render.SitingUnknown, true
	}
	deep := func(depth string) bool { return slices.Contains([]string{"9", "10", "12", "14", "16"}, depth) }
	if depth, ok := strings.CutPrefix(tag, "mono"); ok && deep(depth) {
		return "gray" + depth + "le", render.SitingUnknown, true
	}
	planes, depth, _ := strings.Cut(tag, "p")
	if (planes == "420" || planes == "422" || planes == "444") && deep(depth) {
		return "yuv" + tag + "le", render.SitingUnknown, true
	}
	return "", 0, false
}

// y4mStore is a file of pictures that each have a header line. The lines are
// usually alike, which makes the place of a picture a multiplication.
type y4mStore struct {
	file *rawFile
	pictures
	first int64 // where the first frame header begins
	lead  int64 // length of the first, and usually of each, frame header

	mu sync.Mutex // held to write starts, and by count to read them
	// starts are the places of the frame headers 0, 1 ... and of the end of the
	// last known frame; nil while the headers are alike.
	starts []int64
}

func (s *y4mStore) seekable() bool { return s.file.seekable() }

func (s *y4mStore) count() int64 {
	if !s.file.regular {
		return 0
	}
	n, _ := s.measure(s.file.current())
	return n
}

// measure returns the number of whole frames in so many bytes, and how many
// bytes are over. Frames that nobody has looked at are thought to have plain
// headers.
func (s *y4mStore) measure(size int64) (n, rest int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, lead := s.first, s.lead
	if s.starts != nil {
		n = int64(max(0, sort.Search(len(s.starts), func(i int) bool { return s.starts[i] > size })-1))
		from, lead = s.starts[n], y4mLead
		if int(n) < len(s.starts)-1 { // cut short
			return n, max(0, size-from)
		}
	}
	more := max(0, size-from)
	return n + more/(lead+s.size), more % (lead + s.size)
}

func (s *y4mStore) load(n int64) ([]byte, func(), error) {
	off, err := s.find(n)
	if err != nil {
		return nil, nil, err
	}
	data, free, err := s.read(s.file, off)
	if err == nil {
		s.file.prefetch(off + s.size)
	}
	return data, free, err
}

// find returns the place of picture n, of which the file has the whole. Of a
// pipe it is the next one.
func (s *y4mStore) find(n int64) (int64, error) {
	if !s.file.regular {
		if err := s.skipLead(); err != nil {
			return 0, err
		}
		return s.file.pos, nil
	}
	if s.starts == nil {
		at := s.first + n*(s.lead+s.size)
		if err := s.file.await(at + s.lead + s.size); err != nil {
			return 0, err
		}
		lead, err := s.leadAt(at)
		if err == nil && lead == s.lead {
			return at + lead, nil
		}
		if _, misplaced := errors.AsType[*leadError](err); err != nil && !misplaced {
			return 0, err
		}
	}
	if err := s.index(n, s.file.await); err != nil {
		return 0, err
	}
	return s.starts[n+1] - s.size, nil
}

// index looks at the frame headers up to that of frame n. have says whether
// the file has so many bytes.
func (s *y4mStore) index(n int64, have func(end int64) error) error {
	if s.starts == nil {
		s.append(s.first)
	}
	for int64(len(s.starts)) < n+2 {
		at := s.starts[len(s.starts)-1]
		if err := have(at + y4mLead + s.size); err != nil {
			return err
		}
		lead, err := s.leadAt(at)
		if err != nil {
			return err
		}
		if err := have(at + lead + s.size); err != nil {
			return err
		}
		s.append(at + lead + s.size)
	}
	// What is known may have been cut off since.
	return have(s.starts[n+1])
}

func (s *y4mStore) append(start int64) {
	s.mu.Lock()
	s.starts = append(s.starts, start)
	s.mu.Unlock()
}

// leadAt returns the length of the frame header at an offset.
func (s *y4mStore) leadAt(at int64) (int64, error) {
	var b [maxY4MLine]byte
	n := 0
	for _, upTo := range []int{64, len(b)} { // parameters are short, if there are any
		got, err := s.file.read(b[n:upTo], at+int64(n))
		if err != nil {
			return 0, err
		}
		n += got
		if i := bytes.IndexByte(b[:n], '\n'); i >= 0 {
			n = i + 1
			break
		}
	}
	if n < int(y4mLead) {
		return 0, s.file.cutShort()
	}
	return int64(n), s.checkLead(b[:n], at)
}

// skipLead reads a pipe up to the end of a frame header.
func (s *y4mStore) skipLead() error {
	var b [maxY4MLine]byte
	at := s.file.pos
	n, err := s.file.read(b[:y4mLead], at)
	if err != nil {
		return err
	}
	if n < int(y4mLead) {
		return io.EOF
	}
	if b[n-1] == ' ' {
		if n, err = readLine(s.file, b[:], n); err != nil {
			return err
		}
	}
	return s.checkLead(b[:n], at)
}

func (s *y4mStore) checkLead(b []byte, at int64) error {
	rest, ok := bytes.CutPrefix(b, []byte(y4mFrame))
	if ok && len(rest) > 0 && (rest[0] == '\n' || rest[0] == ' ') && rest[len(rest)-1] == '\n' {
		return nil
	}
	return &leadError{s.file.name, at}
}

// leadError says that there is no frame header where there should be one.
type leadError struct {
	name string
	at   int64
}

func (e *leadError) Error() string {
	return fmt.Sprintf("%s: no frame header (%s) at byte %d: the file is damaged, or its header tells the wrong size or pixel format", e.name, y4mFrame, e.at)
}

func (s *y4mStore) seek(n int64) (int64, error) {
	if err := s.file.restart(); err != nil {
		return 0, err
	}
	size := s.file.current()
	count, _ := s.measure(size)
	n = min(n, max(0, count-1))
	if s.starts == nil {
		lead, err := s.leadAt(s.first + n*(s.lead+s.size))
		if count == 0 || err == nil && lead == s.lead {
			return n, nil
		}
	}
	err := s.index(n, func(end int64) error {
		if end > size {
			return io.EOF
		}
		return nil
	})
	if errors.Is(err, io.EOF) { // fewer than were counted
		n, _ = s.measure(size)
		return max(0, min(n, int64(len(s.starts)-1))-1), nil
	}
	return n, err
}

func (s *y4mStore) leftover() string {
	n, rest := s.measure(s.file.size.Load())
	if rest == 0 {
		return ""
	}
	return fmt.Sprintf("%d bytes are left over after %d whole frames: the file is cut short", rest, n)
}

func (s *y4mStore) interrupt()   { s.file.interrupt() }
func (s *y4mStore) close() error { return s.file.close() }
