// Package guess says what a headerless video file may hold, judging by its
// name, its folder's names, its size and its content.
package guess

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"

	"planar/demux"
	"planar/render"
)

// Video is what is assumed of a headerless video; zero fields are unknown.
type Video struct {
	Width, Height       int    // luma samples
	PixelFormat         string // FFmpeg's name, or an alias that Formats knows
	Rate                render.Rational
	Colour              render.Colour
	Header, FrameHeader int64 // bytes before the first frame, and before each; never guessed
}

// Formats is what the guesser needs to know of pixel formats.
type Formats interface {
	// Canonical gives the name of a pixel format as Layouts takes it
	// ("I420" -> "yuv420p"), false if it is unknown.
	Canonical(name string) (string, bool)
	// Layouts gives the shape of each plane of a w x h picture.
	Layouts(format string, w, h int) ([]render.Layout, error)
	// Describe says how samples lie in memory, false if that is not known.
	Describe(format string) (render.Descriptor, bool)
}

// File is a file to guess about.
type File struct {
	Path    string
	Size    int64       // bytes, -1 if unknown (a pipe)
	Content io.ReaderAt // nil if content cannot be looked at
}

// Candidate is one thing that a file may be.
type Candidate struct {
	Video
	Frames, Rest int64    // whole frames in the file, and bytes left over; 0 if the size is unknown
	Score        float64  // 0 to 1, like a probability
	Reasons      []string // a short phrase for each property
	// Sure means that size and format follow from what is given, from the name,
	// the folder or a unique fit: the file can be played without asking.
	Sure bool
}

const (
	maxCandidates = 16
	maxFrames     = 100000
	usualFrames   = 150
	maxFrameBytes = 1 << 31
	maxExact      = 48  // of which this many closely
	maxJudged     = 160 // assumptions held against the content
	seamWeight    = 1.5 // how much the beginnings of planes count
	certainty     = 80  // how much a bit per byte counts, in natural logarithms
	plain         = 0.3 // bits per byte of the plainest content that is trusted in full
)

// hypothesis is a size and a pixel format, and what speaks for them.
type hypothesis struct {
	geometry
	choice
	layouts    []render.Layout
	descriptor render.Descriptor
	frame      int64 // bytes
	n, rest    int64
	log        float64 // natural logarithm of its likelihood, not normalised
	cost       float64 // of its content, bits per byte
	texture    float64 // the part of it that is within pictures
	judged     bool
}

func (h *hypothesis) exact() bool { return h.rest == 0 && h.n > 0 }

// settled tells whether neither the size nor the format is left to be found out.
func (h *hypothesis) settled() bool {
	return h.geometry.from >= fromFolder && h.choice.from >= fromFolder && !h.open
}

// guesser holds what Rank works with.
type guesser struct {
	file         File
	given        Video
	formats      Formats
	name, folder hints
	all          []*hypothesis
	contentUsed  bool
}

// Rank lists what the file may be, best first, at most 16. What is given is never
// overridden: every candidate has its non-zero fields. Of the content at most
// 64 MiB are read, and none if name or given settle the matter.
func Rank(f File, given Video, formats Formats) []Candidate {
	if given.Header < 0 || given.FrameHeader < 0 || given.Width < 0 || given.Height < 0 || f.Size >= 0 && given.Header > f.Size || given.FrameHeader > maxFrameBytes {
		return nil
	}
	g := &guesser{file: f, given: given, formats: formats, name: nameHints(filepath.Base(f.Path)), folder: folderHints(f.Path)}
	g.assume(g.geometries(), g.choices())
	if g.contentNeeded() {
		g.judge()
	}
	g.sort()
	return g.candidates()
}

// geometries lists the sizes to consider: what is given, else what the names
// say, and far behind them what is usual.
func (g *guesser) geometries() []geometry {
	w, h := g.given.Width, g.given.Height
	if w > 0 && h > 0 {
		return []geometry{{w, h, 1, fromGiven}}
	}
	var out []geometry
	named, from, others := g.name.sizes, fromName, 1e-5
	if len(named) == 0 {
		named, from, others = g.folder.sizes, fromFolder, 1e-4
	}
	if len(named) == 0 {
		others = 1
	} else if named[0].weak {
		others = 1e-3
	}
	for _, s := range named {
		weight := 1.0
		if s.weak {
			weight = 0.3
		}
		out = append(out, geometry{s.w, s.h, weight, from})
	}
	for _, u := range usualSizes {
		if !slices.ContainsFunc(out, func(o geometry) bool { return o.w == u.w && o.h == u.h }) {
			u.weight *= others
			out = append(out, u)
		}
	}
	if w == 0 && h == 0 {
		return out
	}
	out = slices.DeleteFunc(out, func(o geometry) bool { return w > 0 && o.w != w || h > 0 && o.h != h })
	return append(out, completed(w, h)...)
}

// completed gives a size of which one side is known the usual shapes.
func completed(w, h int) (out []geometry) {
	for _, r := range [][2]int{{16, 9}, {4, 3}, {11, 9}, {3, 2}, {1, 1}, {9, 16}, {3, 4}} {
		a, b := w, h
		if w == 0 {
			a = (h*r[0]/r[1] + 1) &^ 1
		} else {
			b = (w*r[1]/r[0] + 1) &^ 1
		}
		if a > 0 && b > 0 && a <= demux.MaxDimension && b <= demux.MaxDimension {
			out = append(out, geometry{a, b, 0.01, fromUsual})
		}
	}
	return out
}

// choices lists the pixel formats to consider.
func (g *guesser) choices() []choice {
	if name := g.given.PixelFormat; name != "" {
		return []choice{{name: name, weight: 1, from: fromGiven}}
	}
	hint, from := g.name, fromName
	if hint.format == "" && hint.chroma == 0 {
		// The name may tell the depth and the folder the chroma.
		whole := hints{depth: hint.depth, big: hint.big}.merge(g.folder)
		if hint.depth == 0 {
			from = fromFolder
		}
		whole.complete("", "")
		hint = whole
	}
	if c, ok := g.formats.Canonical(hint.format); ok && hint.format != "" {
		out := []choice{{name: c, weight: 1, from: from, open: hint.plain || from == fromFolder}}
		if hint.plain {
			return g.others(out, 0.1)
		}
		return g.others(out, unlike(from))
	}
	return g.others(g.partly(hint, from), unlike(from))
}

// unlike is the weight of formats that a name, or the folder's, speaks against. A
// folder is often called after something else.
func unlike(from origin) float64 {
	if from == fromFolder {
		return 0.05
	}
	return 1e-4
}

// others adds the usual formats that are not in out.
func (g *guesser) others(out []choice, weight float64) []choice {
	if len(out) == 0 {
		weight = 1
	}
	for _, u := range usualFormats {
		if !slices.ContainsFunc(out, func(o choice) bool { return o.name == u.name }) {
			u.weight *= weight
			out = append(out, u)
		}
	}
	return out
}

// partly lists the usual formats that agree with a chroma or a depth.
func (g *guesser) partly(h hints, from origin) (out []choice) {
	if h.chroma == 0 && h.depth == 0 {
		return nil
	}
	for _, u := range usualFormats {
		d, ok := g.formats.Describe(u.name)
		if !ok || h.depth != 0 && (d.Depth() != h.depth || d.BigEndian != h.big) || h.chroma != 0 && chromaOf(&d) != h.chroma {
			continue
		}
		u.from, u.open = from, true
		out = append(out, u)
	}
	most := 0.0
	for _, c := range out {
		most = max(most, c.weight)
	}
	for i := range out {
		out[i].weight /= most
	}
	return out
}

// chromaOf is 420, 422 ... of a format, 0 of RGB.
func chromaOf(d *render.Descriptor) int {
	if d.RGB || d.Bayer {
		return 0
	}
	if len(d.Components) < 3 {
		return 400
	}
	return map[[2]int]int{{1, 1}: 420, {1, 0}: 422, {0, 0}: 444, {2, 0}: 411, {2, 2}: 410, {0, 1}: 440}[[2]int{d.ShiftX, d.ShiftY}]
}

// assume pairs sizes and formats and keeps the pairs that fit the file.
func (g *guesser) assume(sizes []geometry, formats []choice) {
	for _, c := range formats {
		name, ok := g.formats.Canonical(c.name)
		if !ok {
			continue
		}
		d, described := g.formats.Describe(name)
		c.name = name
		for _, s := range sizes {
			h := &hypothesis{geometry: s, choice: c}
			if described {
				h.descriptor = d
			}
			if g.fit(h) {
				g.all = append(g.all, h)
			}
		}
	}
}

// fit finds how often a frame goes into the file; false if the pair need not be
// considered.
func (g *guesser) fit(h *hypothesis) bool {
	l, err := g.formats.Layouts(h.name, h.w, h.h)
	if err != nil || len(l) == 0 {
		return false
	}
	for _, p := range l {
		if p.RowBytes < 0 || p.Rows < 0 || p.RowBytes > maxFrameBytes || p.Rows > maxFrameBytes {
			return false
		}
		h.frame += int64(p.RowBytes) * int64(p.Rows)
	}
	if h.frame < 1 || h.frame > maxFrameBytes {
		return false
	}
	h.layouts = l
	h.log = math.Log(h.geometry.weight * h.choice.weight)
	known := h.geometry.from >= fromFolder
	if g.file.Size < 0 {
		return known
	}
	body := g.file.Size - g.given.Header
	h.n, h.rest = body/(h.frame+g.given.FrameHeader), body%(h.frame+g.given.FrameHeader)
	if h.n == 0 { // still being written
		h.log -= 20
		return known
	}
	n := h.n
	if known { // then long files are as likely as short ones
		n = usualFrames
	}
	h.log += frameCountLog(n)
	if h.rest != 0 {
		h.log -= 9 // cut short, or wrong
		return known && (h.choice.weight >= 0.05 || h.choice.from >= fromFolder)
	}
	if want := g.name.frames; want == h.n {
		h.log += 4
	}
	return true
}

// frameCountLog is how likely a file has n frames: some hundreds are usual, and
// round numbers. Dividing by n accounts for small frames, which divide many
// sizes by chance.
func frameCountLog(n int64) float64 {
	x := (math.Log(float64(n)) - math.Log(usualFrames)) / 1.8
	log := -x*x/2 - math.Log(float64(n))
	if n%10 == 0 {
		log++
	}
	if n > maxFrames {
		log -= 10
	}
	return log
}

// contentNeeded tells whether the content has to choose.
func (g *guesser) contentNeeded() bool {
	if g.file.Content == nil || g.file.Size <= 0 || g.given.Width > 0 && g.given.Height > 0 && g.given.PixelFormat != "" {
		return false
	}
	g.sort()
	return len(g.all) == 0 || g.all[0].n > 0 && (!g.all[0].settled() || !g.all[0].exact())
}

// judge holds the most likely assumptions against the content.
func (g *guesser) judge() {
	g.contentUsed = true
	search := len(g.name.sizes) == 0 && len(g.folder.sizes) == 0 && g.given.Width == 0 && g.given.Height == 0
	if len(g.all) > 0 && g.all[0].exact() && !search {
		// Far-fetched assumptions are not worth reading for.
		best := g.all[0].log
		g.all = slices.DeleteFunc(g.all, func(h *hypothesis) bool { return h.log < best-8 })
	}
	judged := g.all[:min(len(g.all), maxJudged)]
	margin := 0
	if search {
		margin = maxLag + 2
	}
	for _, h := range judged {
		for _, l := range h.layouts {
			margin = max(margin, 2*l.RowBytes)
		}
	}
	places := windows
	if !search {
		places = fewWindows
	}
	s := newSampler(g.file.Content, g.file.Size, g.given.Header, margin, places)
	g.compare(s, judged)
	if search {
		g.search(s)
	}
	g.weigh()
	g.sort()
	for _, h := range g.all[:min(len(g.all), maxCandidates)] {
		if h.judged {
			h.log += seamWeight * s.seam(h, g.given)
		}
	}
	g.tellRGB(s)
}

// compare finds the costs of hypotheses: of all of them roughly, and exactly of
// the best.
func (g *guesser) compare(s *sampler, hs []*hypothesis) {
	for _, h := range hs {
		h.cost, h.judged = s.cost(h, g.given, 5)
	}
	hs = slices.DeleteFunc(slices.Clone(hs), func(h *hypothesis) bool { return !h.judged })
	merit := func(h *hypothesis) float64 { return h.log - certainty*h.cost }
	slices.SortStableFunc(hs, func(a, b *hypothesis) int { return cmp.Compare(merit(b), merit(a)) })
	shift, enough := 0.0, math.Inf(-1)
	if len(hs) > 0 {
		enough = merit(hs[0]) - 12 - certainty*0.05
	}
	for i, h := range hs {
		rough := h.cost
		if i < 6 || i < maxExact && merit(h) > enough {
			h.cost, _ = s.cost(h, g.given, 1)
			shift = max(shift, h.cost-rough)
		} else {
			h.cost += shift
		}
	}
}

// tellRGB tells planar RGB from 4:4:4, which have the same shape.
func (g *guesser) tellRGB(s *sampler) {
	g.sort()
	for _, h := range g.all[:min(len(g.all), maxCandidates)] {
		if !h.judged || len(h.layouts) != 3 || h.choice.from >= fromFolder || h.n == 0 || h.layouts[0] != h.layouts[1] || h.layouts[0] != h.layouts[2] {
			continue
		}
		if alike := s.likeness(h, g.given) > 0.5; alike != h.descriptor.RGB {
			h.log -= 6
		}
	}
}

// search adds sizes that are not usual, from the distance at which lines
// resemble each other.
func (g *guesser) search(s *sampler) {
	known := map[[2]int]bool{}
	for _, h := range g.all {
		known[[2]int{h.w, h.h}] = true
	}
	before := len(g.all)
	for _, lag := range s.lags(6) {
		for _, c := range usualFormats[:12] {
			name, ok := g.formats.Canonical(c.name)
			d, described := g.formats.Describe(name)
			if !ok || !described || g.given.PixelFormat != "" {
				continue
			}
			c.name = name
			if l, err := g.formats.Layouts(name, 64, 64); err == nil && len(l) > 0 && lag*64%l[0].RowBytes == 0 {
				g.heights(lag*64/l[0].RowBytes, c, d, known)
			}
		}
	}
	added := g.all[before:]
	slices.SortStableFunc(added, func(a, b *hypothesis) int { return cmp.Compare(b.log, a.log) })
	added = added[:min(len(added), maxJudged/2)]
	g.all = g.all[:before+len(added)]
	g.compare(s, added)
}

// heights adds the heights of pictures w wide that divide the file.
func (g *guesser) heights(w int, c choice, d render.Descriptor, known map[[2]int]bool) {
	if w < 32 || w > demux.MaxDimension {
		return
	}
	for h := max(2, w*2/5) &^ 1; h <= min(2*w, demux.MaxDimension); h += 2 {
		if known[[2]int{w, h}] {
			continue
		}
		weight := 1e-4
		if h%8 == 0 {
			weight *= 3
		}
		if r := float64(w) / float64(h); r > 1.2 && r < 1.9 {
			weight *= 3
		}
		hy := &hypothesis{geometry: geometry{w, h, weight, fromLines}, choice: c, descriptor: d}
		if g.fit(hy) && hy.n > 1 {
			g.all = append(g.all, hy)
		}
	}
}

// weigh turns costs into likelihoods.
func (g *guesser) weigh() {
	least, texture := math.Inf(1), math.Inf(1)
	for _, h := range g.all {
		if h.judged {
			least, texture = min(least, h.cost), min(texture, h.texture)
		}
	}
	// Pictures without texture, such as a black leader, tell next to nothing.
	weight := certainty * min(1, texture/plain)
	for _, h := range g.all {
		switch {
		case h.judged:
			h.log -= weight * (h.cost - least)
		case !math.IsInf(least, 1) && h.choice.from < fromFolder:
			h.log -= 10
		}
	}
}

// sort puts the most likely first.
func (g *guesser) sort() {
	slices.SortStableFunc(g.all, func(a, b *hypothesis) int { return cmp.Compare(b.log, a.log) })
}

func (g *guesser) candidates() []Candidate {
	if len(g.all) == 0 {
		return nil
	}
	sum := 0.0
	for _, h := range g.all {
		sum += math.Exp(h.log - g.all[0].log)
	}
	var out []Candidate
	for i, h := range g.all[:min(len(g.all), maxCandidates)] {
		score := math.Exp(h.log-g.all[0].log) / sum
		if i > 0 && score < 1e-6 && h.geometry.from < fromFolder {
			continue
		}
		c := Candidate{Video: g.video(h), Frames: h.n, Rest: h.rest, Score: score, Reasons: g.reasons(h)}
		c.Sure = i == 0 && g.sure(h, score)
		out = append(out, c)
	}
	return out
}

func (g *guesser) video(h *hypothesis) Video {
	v := g.given
	v.Width, v.Height = h.w, h.h
	if v.PixelFormat == "" {
		v.PixelFormat = h.name
	}
	told := g.name.merge(g.folder)
	if !v.Rate.Known() {
		v.Rate = told.rate
	}
	if v.Colour.Matrix == render.MatrixUnknown && !h.descriptor.RGB {
		v.Colour.Matrix = told.colour.Matrix
	}
	if v.Colour.Range == render.RangeUnknown {
		v.Colour.Range = told.colour.Range
	}
	return v
}

func (g *guesser) sure(h *hypothesis, score float64) bool {
	switch {
	case h.settled():
		return h.exact() || g.file.Size < 0 || h.n > 0 && score > 0.5
	case g.file.Size < 0:
		return h.geometry.from >= fromFolder
	case h.geometry.from >= fromFolder && h.exact() && h.name == "yuv420p":
		return true // nothing speaks against what is usual
	case h.geometry.from >= fromFolder && !h.judged:
		return h.n > 0 && score >= 0.4
	case h.geometry.from >= fromFolder:
		return h.n > 0 && score >= 0.7 && (h.exact() || !h.open)
	}
	return h.exact() && score >= 0.9 && h.choice.weight >= 0.005 && (h.judged || len(g.all) == 1)
}

var originNames = map[origin]string{fromGiven: "given", fromName: "from the name", fromFolder: "from the folder's name"}

func (g *guesser) reasons(h *hypothesis) []string {
	why := originNames[h.geometry.from]
	switch {
	case h.geometry.from == fromLines:
		why = fmt.Sprintf("neighbouring lines agree best, and it divides the file into %d %s", h.n, plural(h.n))
	case why == "" && g.file.Size < 0:
		why = "usual"
	case why == "":
		why = fmt.Sprintf("divides the file into %d %s", h.n, plural(h.n))
	}
	out := []string{fmt.Sprintf("size %dx%d: %s", h.w, h.h, why)}
	if h.geometry.from < fromFolder && len(g.name.sizes) > 0 {
		out = append(out, fmt.Sprintf("%dx%d, which the name says, does not fit as well", g.name.sizes[0].w, g.name.sizes[0].h))
	}
	out = append(out, h.name+": "+g.formatReason(h))
	if h.judged && h.choice.from < fromGiven && twin(h.name) != "" {
		out = append(out, "the order of the colours cannot be told: "+twin(h.name)+" if they are swapped")
	}
	for _, r := range []struct {
		given, name, folder bool
		what                string
	}{
		{g.given.Rate.Known(), g.name.rate.Known(), g.folder.rate.Known(), rateText(g.video(h).Rate) + " fps"},
		{g.given.Colour.Matrix != 0, g.name.colour.Matrix != 0, g.folder.colour.Matrix != 0, g.video(h).Colour.Matrix.String()},
		{g.given.Colour.Range != 0, g.name.colour.Range != 0, g.folder.colour.Range != 0, g.video(h).Colour.Range.String() + " range"},
	} {
		switch {
		case r.given:
			out = append(out, r.what+": given")
		case r.name:
			out = append(out, r.what+": from the name")
		case r.folder:
			out = append(out, r.what+": from the folder's name")
		}
	}
	switch {
	case h.rest != 0:
		out = append(out, fmt.Sprintf("%d bytes are left over after %d %s", h.rest, h.n, plural(h.n)))
	case g.name.frames != 0 && g.name.frames == h.n:
		out = append(out, fmt.Sprintf("%d %s: as the name says", h.n, plural(h.n)))
	}
	return out
}

func (g *guesser) formatReason(h *hypothesis) string {
	why := originNames[h.choice.from]
	content := h.judged && h.log >= g.all[0].log-5
	switch {
	case why != "" && !h.open:
		return why
	case why != "" && content:
		return "agrees with the " + why[len("from the "):] + ", and the content"
	case why != "":
		return "agrees with the " + why[len("from the "):]
	case content && h.name != "yuv420p":
		return "neighbouring lines, chroma and frames agree best"
	case content:
		return "usual, and the content agrees"
	}
	return "usual"
}

func plural(n int64) string {
	if n == 1 {
		return "frame"
	}
	return "frames"
}

// rateText writes a rate as people do: 25, 29.97, 23.976.
func rateText(r render.Rational) string {
	return fmt.Sprintf("%.5g", r.Float())
}

// twin is the format that differs in the order of U and V, or red and blue, only.
func twin(format string) string {
	return map[string]string{"yuv420p": "yvu420p", "nv12": "nv21", "nv16": "nv61", "nv24": "nv42", "yuyv422": "yvyu422", "rgb24": "bgr24", "rgba": "bgra", "bgra": "rgba"}[format]
}
