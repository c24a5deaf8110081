package demux

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// maxFolderNames bounds how many names of a folder are looked at.
const maxFolderNames = 10_000_000

// numbering is a file name with a number in it, as printf writes it.
type numbering struct {
	dir, prefix, suffix string
	width               int // the number has at least so many digits
}

// parseNumbering reads a pattern whose base name holds one %d or %0Nd; %% is
// a percent sign.
func parseNumbering(pattern string) (numbering, bool) {
	dir, base := filepath.Split(pattern)
	n := numbering{dir: dir}
	var text strings.Builder
	found := false
	for {
		before, after, ok := strings.Cut(base, "%")
		text.WriteString(before)
		if !ok {
			n.suffix = text.String()
			return n, found
		}
		if rest, ok := strings.CutPrefix(after, "%"); ok {
			text.WriteByte('%')
			base = rest
			continue
		}
		digits, rest, ok := strings.Cut(after, "d")
		if !ok || found || digits != "" && (digits[0] != '0' || len(digits) > 3 || !onlyDigits(digits)) {
			return numbering{}, false
		}
		n.width, _ = strconv.Atoi(digits)
		n.prefix, base, found = text.String(), rest, true
		text.Reset()
	}
}

// name is the path of the file with a number.
func (n *numbering) name(number int) string {
	return n.dir + n.base(number)
}

func (n *numbering) base(number int) string {
	return fmt.Sprintf("%s%0*d%s", n.prefix, n.width, number, n.suffix)
}

// number is the number in a file's base name.
func (n *numbering) number(base string) (int, bool) {
	rest, ok := strings.CutPrefix(base, n.prefix)
	if !ok {
		return 0, false
	}
	digits, ok := strings.CutSuffix(rest, n.suffix)
	if !ok || digits == "" || !onlyDigits(digits) {
		return 0, false
	}
	number, err := strconv.ParseInt(digits, 10, 32)
	return int(number), err == nil && n.base(int(number)) == base
}

// IsSequence reports whether name is the pattern of an image sequence, such as
// "frame%04d.yuv", and not the name of a file or URL.
func IsSequence(name string) bool {
	if _, ok := parseNumbering(name); !ok || IsURL(name) {
		return false
	}
	_, err := os.Lstat(name)
	return err != nil
}

// Sequence is the files of an image sequence, in the order of their numbers.
type Sequence struct {
	names numbering
	first int
	count int
}

// FindSequence looks for the files of a pattern: from the smallest number
// there is to the last before a gap. There is at least one.
func FindSequence(pattern string) (Sequence, error) {
	names, ok := parseNumbering(pattern)
	if !ok {
		return Sequence{}, fmt.Errorf("%s: is not the pattern of an image sequence: want one %%d or %%0Nd in the file's name, such as frame%%04d.yuv", pattern)
	}
	numbers, err := names.list(pattern)
	if err != nil {
		return Sequence{}, err
	}
	if len(numbers) == 0 {
		return Sequence{}, fmt.Errorf("%s: no file matches: want names such as %s", pattern, names.base(0))
	}
	slices.Sort(numbers)
	n := 1
	for n < len(numbers) && numbers[n] == numbers[0]+n {
		n++
	}
	return Sequence{names: names, first: numbers[0], count: n}, nil
}

// list returns the numbers of the files in the pattern's folder.
func (n *numbering) list(pattern string) (numbers []int, err error) {
	dir := n.dir
	if dir == "" {
		dir = "."
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, plainPathError(dir, err)
	}
	defer f.Close()
	for looked := 0; ; {
		names, err := f.Readdirnames(4096)
		for _, name := range names {
			if number, ok := n.number(name); ok {
				numbers = append(numbers, number)
			}
		}
		switch looked += len(names); {
		case errors.Is(err, io.EOF):
			return numbers, nil
		case err != nil:
			return nil, fmt.Errorf("%s: cannot list the folder: %w", pattern, plainCause(err))
		case looked > maxFolderNames:
			return nil, fmt.Errorf("%s: its folder has more than %d names: put the sequence into a folder of its own", pattern, maxFolderNames)
		}
	}
}

// Len is the number of files, at least 1.
func (s Sequence) Len() int { return s.count }

// Name is the path of file i, from 0 to Len()-1.
func (s Sequence) Name(i int) string { return s.names.name(s.first + i) }

// OpenSequence opens an image sequence, as FindSequence finds it, of headerless
// files with one frame each. p.Header and p.FrameHeader are bytes before it, in
// each file.
func OpenSequence(pattern string, p RawVideoParams) (Source, error) {
	v, size, err := newRawVideo(pattern, p)
	if err != nil {
		return nil, err
	}
	seq, err := FindSequence(pattern)
	if err != nil {
		return nil, err
	}
	s := &sequenceStore{files: seq, pictures: newPictures(size, p.Map), header: p.Header + p.FrameHeader}
	f, err := s.open(0)
	if err != nil {
		return nil, err
	}
	defer f.close()
	frame := s.header + size
	if f.seen < frame {
		return nil, tooShort(f.name, f.seen, p, frame)
	}
	if f.seen > frame {
		v.notes = append(v.notes, fmt.Sprintf("%s has %d bytes, more than a frame of %d: the rest of each file is not shown, or --size is wrong", f.name, f.seen, frame))
	}
	v.store, v.format = s, "raw image sequence"
	return v, nil
}

// sequenceStore is one picture a file.
type sequenceStore struct {
	files Sequence
	pictures
	header      int64
	told        int64 // files below this one the kernel was told to read
	interrupted atomic.Bool
}

func (s *sequenceStore) seekable() bool   { return true }
func (s *sequenceStore) count() int64     { return int64(s.files.count) }
func (s *sequenceStore) leftover() string { return "" }

// open opens file i, which must be a regular one.
func (s *sequenceStore) open(i int64) (*rawFile, error) {
	name := s.files.Name(int(i))
	st, err := statRaw(name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a regular file", name)
	}
	return openRawFile(name)
}

func (s *sequenceStore) load(n int64) ([]byte, func(), error) {
	if s.interrupted.Load() {
		return nil, nil, ErrInterrupted
	}
	if n >= s.count() {
		return nil, nil, io.EOF
	}
	f, err := s.open(n)
	if err != nil {
		return nil, nil, err
	}
	defer f.close()
	data, free, err := s.read(f, s.header)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: has %d bytes, less than a frame of %d: the file is cut short", f.name, f.size.Load(), s.header+s.size)
	}
	if err == nil {
		s.prefetch(n + 1)
	}
	return data, free, err
}

// prefetch tells the kernel which files follow when the reader has come to
// file n: two for each that is read, up to the window of readAhead.
func (s *sequenceStore) prefetch(n int64) {
	s.told = max(s.told, n)
	end := min(s.count(), n+max(1, readAheadBytes/(s.header+s.size)), s.told+2)
	for ; s.told < end; s.told++ {
		if f, err := s.open(s.told); err == nil {
			willNeed(f.f, 0, min(f.seen, s.header+s.size))
			f.close()
		}
	}
}

func (s *sequenceStore) seek(n int64) (int64, error) {
	s.told = 0
	return min(n, s.count()-1), nil
}

func (s *sequenceStore) interrupt()   { s.interrupted.Store(true) }
func (s *sequenceStore) close() error { return nil }
