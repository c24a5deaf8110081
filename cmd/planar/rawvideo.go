package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"planar/demux"
	"planar/demux/ffmpeg"
	"planar/demux/filemap"
	"planar/demux/guess"
	"planar/player/controls"
	"planar/render"
)

// rawFormats is what the guesser asks of FFmpeg, with the strides that were
// given: a file is as long as its rows are, padding included.
type rawFormats struct{ strides []int }

func (rawFormats) Canonical(name string) (string, bool) {
	f, err := ffmpeg.FindRawFormat(name)
	return f.Name, err == nil
}

func (r rawFormats) Layouts(format string, w, h int) ([]render.Layout, error) {
	f, err := ffmpeg.FindRawFormat(format)
	if err != nil {
		return nil, err
	}
	ls, err := f.Layouts(w, h)
	if err != nil {
		return nil, err
	}
	if len(r.strides) > len(ls) {
		return nil, fmt.Errorf("--stride gives %d numbers, but %s has %d planes", len(r.strides), f.Name, len(ls))
	}
	for i, s := range strides(r.strides, f) {
		if s != 0 && s < ls[i].RowBytes {
			return nil, fmt.Errorf("stride %d of plane %d is less than its row of %d bytes", s, i, ls[i].RowBytes)
		}
		ls[i].RowBytes = max(s, ls[i].RowBytes)
	}
	return ls, nil
}

func (rawFormats) Describe(format string) (render.Descriptor, bool) {
	f, err := ffmpeg.FindRawFormat(format)
	if err != nil {
		return render.Descriptor{}, false
	}
	return f.Describe()
}

// strides gives every plane of a format its stride. A single one is the first
// plane's; the others then have one in the proportion of their rows, where these
// divide evenly.
func strides(given []int, f ffmpeg.RawFormat) []int {
	if len(given) != 1 {
		return given
	}
	wide, err := f.Layouts(1024, 16)
	if err != nil {
		return given
	}
	var s []int
	for _, l := range wide {
		s = append(s, (given[0]*l.RowBytes+wide[0].RowBytes-1)/wide[0].RowBytes)
	}
	return s
}

// ranking is what a headerless video may be.
type ranking struct {
	said       rawChoice // by flags, now or earlier; flags come first
	remembered bool      // something of it was said earlier
	size       int64     // bytes, -1 of a pipe
	candidates []guess.Candidate
}

// rawFile is a headerless file for the guesser; of a sequence, its first picture.
// The caller closes it.
func rawFile(name string) (file guess.File, closeFile func(), err error) {
	if demux.IsSequence(name) {
		seq, err := demux.FindSequence(name)
		if err != nil {
			return file, nil, err
		}
		name = seq.Name(0)
	}
	if err := demux.CheckFile(name); err != nil {
		return file, nil, err
	}
	file = guess.File{Path: name, Size: -1}
	st, err := os.Stat(name)
	if err != nil || name == "-" || !st.Mode().IsRegular() {
		return file, func() {}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return file, nil, fmt.Errorf("%s: cannot open: %w", name, errors.Unwrap(err))
	}
	file.Size, file.Content = st.Size(), f
	return file, func() { f.Close() }, nil
}

// rank looks at a headerless video. Its error says why it cannot be one.
func (p *opener) rank(name string) (r ranking, err error) {
	file, closeFile, err := rawFile(name)
	if err != nil {
		return r, err
	}
	defer closeFile()
	r.size, r.said = file.Size, p.o.raw
	if r.said.PixelFormat != "" {
		f, err := ffmpeg.FindRawFormat(r.said.PixelFormat)
		if err != nil {
			return r, fmt.Errorf("%s: %w", name, err)
		}
		r.said.PixelFormat = f.Name
	}
	if c, ok := p.files.choice(name); ok {
		r.said = c // by the window's panel, which says everything
	} else {
		p.recall(name, &r)
	}
	formats := rawFormats{r.said.Strides}
	if r.said.Width > 0 && r.said.PixelFormat != "" { // whether the two go together, and with the strides
		if _, err := formats.Layouts(r.said.PixelFormat, r.said.Width, r.said.Height); err != nil {
			return r, fmt.Errorf("%s: %w", name, err)
		}
	}
	r.candidates = guess.Rank(file, r.said.Video, formats)
	if len(r.candidates) == 0 && r.said.Width > 0 && r.said.PixelFormat != "" {
		r.candidates = []guess.Candidate{{Video: r.said.Video, Sure: true}} // the reader says what is wrong
	}
	return r, nil
}

// recall adds what was said of a file earlier. A file that has another length
// since, which that does not divide, is another one.
func (p *opener) recall(name string, r *ranking) {
	if p.o.forget {
		if err := p.choices.forget(name); err != nil {
			p.debug("cannot forget " + name + ": " + err.Error())
		}
		return
	}
	earlier, bytes, ok := p.choices.lookup(name)
	if !ok {
		return
	}
	if r.size >= 0 && r.size != bytes && earlier.Width > 0 && earlier.PixelFormat != "" {
		frame, err := frameBytes(controls.RawVideo{Video: earlier.Video, Strides: earlier.Strides})
		if err != nil || (r.size-earlier.Header)%frame != 0 {
			p.debug(name + ": has changed since it was opened with flags, which do not fit it any more")
			return
		}
	}
	r.said, r.remembered = r.said.orElse(earlier), true
}

const defaultRate = 25

// openRawVideo opens a headerless video as the flags, an earlier choice, or the
// best guess have it.
func (p *opener) openRawVideo(name string) (demux.Source, error) {
	r, err := p.rank(name)
	if err != nil {
		return nil, err
	}
	if len(r.candidates) == 0 {
		return nil, fmt.Errorf("%s: raw video, and neither its name nor its content tells the picture size: give it with --size WxH", name)
	}
	best := r.candidates[0]
	v, err := p.rawParams(name, best.Video, r.said.Strides)
	if err != nil {
		return nil, err
	}
	var src demux.Source
	if demux.IsSequence(name) {
		src, err = demux.OpenSequence(name, v)
	} else {
		src, err = demux.OpenRawVideo(name, v)
	}
	if err != nil {
		return nil, err
	}
	p.files.opened(name, best, r.said.Strides, r.size)
	_, chosen := p.files.choice(name)
	if r.size >= 0 && (chosen || p.o.describes && slices.Contains(p.o.sources, name)) {
		if err := p.choices.remember(name, r.size, r.said); err != nil {
			p.debug("cannot remember how " + name + " was opened: " + err.Error())
		}
	}
	if _, told := p.once.LoadOrStore(name, true); !told && !chosen {
		p.explain(name, r)
	}
	return src, nil
}

// explain says what was assumed without being told.
func (p *opener) explain(name string, r ranking) {
	best := r.candidates[0]
	switch {
	case !best.Sure && !best.Rate.Known():
		p.note(fmt.Sprintf("%s: taken for %dx%d %s at %d fps, a guess: if it looks wrong give --size, --pixel-format and --fps; planar probe lists what else it may be",
			name, best.Width, best.Height, best.PixelFormat, defaultRate))
	case !best.Sure:
		p.note(fmt.Sprintf("%s: taken for %dx%d %s, a guess: if it looks wrong give --size and --pixel-format; planar probe lists what else it may be",
			name, best.Width, best.Height, best.PixelFormat))
	case !best.Rate.Known():
		p.note(fmt.Sprintf("%s: its name does not tell the frame rate: playing at %d, give another with --fps", name, defaultRate))
	}
}

// rawParams are the reader's parameters for one candidate, whose size, format
// and strides rank has found to go together.
func (p *opener) rawParams(name string, c guess.Video, given []int) (v demux.RawVideoParams, err error) {
	f, err := ffmpeg.FindRawFormat(c.PixelFormat)
	if err != nil {
		return v, fmt.Errorf("%s: %w", name, err)
	}
	layout, err := f.Layouts(c.Width, c.Height)
	if err != nil {
		return v, fmt.Errorf("%s: %w", name, err)
	}
	v = demux.RawVideoParams{
		Width: c.Width, Height: c.Height, PixelFormat: f.PixelFormat, Layout: layout, Rate: c.Rate, Colour: c.Colour,
		Header: c.Header, FrameHeader: c.FrameHeader, Strides: strides(given, f), SwapChroma: f.SwapChroma, Map: filemap.Map,
	}
	if d, ok := f.Describe(); ok && d.RGB {
		v.Colour.Matrix = render.RGB
	}
	if !v.Rate.Known() {
		v.Rate = render.Rational{Num: defaultRate, Den: 1}
	}
	if f.Packed() {
		stride := layout[0].RowBytes
		if len(v.Strides) > 0 && v.Strides[0] != 0 {
			stride = v.Strides[0]
		}
		v.Layout, v.Strides = nil, nil
		v.FrameBytes = int64(stride) * int64(c.Height)
		v.Decoder = func() (demux.VideoDecoder, error) { return f.NewDecoder(c.Width, c.Height, stride) }
	}
	return v, nil
}

func (p *opener) openY4M(name string) (demux.Source, error) {
	return demux.OpenY4M(name, demux.Y4MOptions{
		Layouts: ffmpeg.Layouts, Map: filemap.Map, Colour: p.o.raw.Colour, Rate: p.o.raw.Rate,
	})
}
