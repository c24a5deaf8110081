package guess

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"path/filepath"
	"slices"
)

// Sound is what is assumed of a headerless sound file; zero fields are unknown.
type Sound struct {
	// Format is FFmpeg's name of the samples: "s16le", "f32be", "mulaw" ...; with
	// "_planar" behind it if the file holds one channel after the other.
	Format   string
	Rate     int // Hz
	Channels int
	Layout   uint64 // FFmpeg's channel mask, 0 for the default of Channels; never guessed
	Header   int64  // bytes before the first sample; never guessed
}

// SoundCandidate is one thing that a headerless sound file may be.
type SoundCandidate struct {
	Sound
	Frames, Rest int64    // whole frames in the file, and bytes left over; 0 if the size is unknown
	Score        float64  // 0 to 1, like a probability
	Reasons      []string // a short phrase for each property
	// Sure means that format, rate and channels follow from what is given or from the
	// name, or that the content leaves no doubt. Content never settles the rate.
	Sure bool
}

const (
	maxGivenChannels = 1 << 20 // keeps the arithmetic of frames far from overflow
	maxChannels      = 32      // that are held against the content
	soundCertainty   = 80      // how much a bit per byte counts, in natural logarithms
	soundEnough      = 12 << 10
	ratedSounds      = 6 // formats and channels that are listed with other rates too
)

// soundHypothesis is a sample format and a number of channels, and what speaks for
// them.
type soundHypothesis struct {
	soundFormat
	channels       int
	format, number origin  // where the two come from
	open           bool    // format is only partly told
	log            float64 // natural logarithm of its likelihood, not normalised
	cost           float64 // of its content, bits per byte
	judged         bool
	n, rest        int64
}

// soundRate is a rate that a file may have.
type soundRate struct {
	hz     int
	weight float64
	from   origin
	speech bool // because it sounds like speech
}

// soundGuesser holds what RankSound works with.
type soundGuesser struct {
	file         File
	given        Sound
	name, folder soundHints
	all          []*soundHypothesis
	sampler      soundSampler
}

// RankSound lists what a sound file may be, best first, at most 16. What is given is
// never overridden: every candidate has its non-zero fields. Of the content some
// 512 KiB are read, 2 MiB if most of it is silence, and none if name or given settle
// format and channels. Without hints it takes some 20 ms. It is nil if what is given
// is impossible.
func RankSound(f File, given Sound) []SoundCandidate {
	if given.Header < 0 || given.Rate < 0 || given.Channels < 0 || given.Channels > maxGivenChannels || f.Size >= 0 && given.Header > f.Size {
		return nil
	}
	if given.Channels == 0 {
		given.Channels = bits.OnesCount64(given.Layout)
	}
	g := &soundGuesser{file: f, given: given, name: soundNameHints(filepath.Base(f.Path)), folder: soundFolderHints(f.Path)}
	g.assume()
	if g.contentNeeded() {
		g.judge()
	}
	g.sort()
	return g.candidates()
}

// SpeaksOfSound reports whether a file's name tells a sample format or rate, as in
// "voice_44100_16bit_2ch.raw", and nothing of pictures.
func SpeaksOfSound(path string) bool {
	base := filepath.Base(path)
	p := nameHints(base)
	if len(p.sizes) > 0 || p.format != "" && !p.plain || p.chroma != 0 || p.frames != 0 {
		return false
	}
	h := soundNameHints(base)
	// A round number may count anything, and 16 bits may be those of pictures.
	vague := 0
	for _, told := range []bool{h.rate != 0, h.bits != 0, h.channels != 0} {
		if told {
			vague++
		}
	}
	return h.precise || h.rate != 0 && (!h.round || vague > 1)
}

// soundFormatChoice is a format to consider.
type soundFormatChoice struct {
	soundFormat
	weight float64
	from   origin
	open   bool
}

// channelChoice is a number of channels to consider.
type channelChoice struct {
	n      int
	weight float64
	from   origin
}

// assume pairs formats and numbers of channels.
func (g *soundGuesser) assume() {
	channels := g.channelChoices()
	for _, f := range g.formatChoices() {
		for _, c := range channels {
			h := &soundHypothesis{soundFormat: f.soundFormat, channels: c.n, format: f.from, number: c.from, open: f.open, log: math.Log(f.weight * c.weight)}
			if h.law() && h.number < fromFolder { // telephones have one ear
				if c.n == 1 {
					h.log++
				} else {
					h.log--
				}
			}
			g.fit(h)
			g.all = append(g.all, h)
		}
	}
}

// formatChoices lists the formats to consider: what is given, else those that agree
// with the file's name, else all, and those that agree with the folder's name first.
func (g *soundGuesser) formatChoices() (out []soundFormatChoice) {
	if g.given.Format != "" {
		f := findSoundFormat(g.given.Format)
		return []soundFormatChoice{{f, 1, fromGiven, false}}
	}
	add := func(h soundHints, from origin) {
		for _, f := range soundFormats {
			if h.agrees(f) {
				f.planar = h.planar
				out = append(out, soundFormatChoice{f, f.weight, from, !h.exact()})
			}
		}
	}
	if g.name.tellsFormat() {
		add(g.name, fromName)
	}
	if len(out) == 0 && g.folder.tellsFormat() {
		add(g.folder, fromFolder)
	}
	most := 0.0
	for _, c := range out {
		most = max(most, c.weight)
	}
	for i := range out {
		out[i].weight /= most
	}
	if len(out) > 0 && out[0].from == fromName {
		return out
	}
	others := 1.0
	if len(out) > 0 {
		others = unlike(fromFolder)
	}
	for _, f := range soundFormats {
		f.planar = g.name.planar || g.folder.planar
		if !slices.ContainsFunc(out, func(o soundFormatChoice) bool { return o.name == f.name }) {
			out = append(out, soundFormatChoice{f, f.weight * others, fromUsual, false})
		}
	}
	return out
}

// usualChannels are weighed by how often headerless files have them.
var usualChannels = []channelChoice{{n: 2, weight: 1}, {n: 1, weight: 0.7}, {n: 6, weight: 0.06}, {n: 4, weight: 0.04}, {n: 8, weight: 0.04}, {n: 3, weight: 0.008}, {n: 5, weight: 0.008}, {n: 7, weight: 0.003}, {n: 16, weight: 0.005}, {n: 12, weight: 0.004}, {n: 10, weight: 0.002}}

func (g *soundGuesser) channelChoices() []channelChoice {
	switch {
	case g.given.Channels > 0:
		return []channelChoice{{g.given.Channels, 1, fromGiven}}
	case g.name.channels > 0:
		return []channelChoice{{g.name.channels, 1, fromName}}
	case g.folder.channels > 0:
		out := []channelChoice{{g.folder.channels, 1, fromFolder}}
		for _, c := range usualChannels {
			if c.n != g.folder.channels {
				c.weight *= unlike(fromFolder)
				out = append(out, c)
			}
		}
		return out
	}
	return usualChannels
}

// fit finds how often a frame goes into the file.
func (g *soundGuesser) fit(h *soundHypothesis) {
	if g.file.Size < 0 || h.bytes == 0 {
		return
	}
	frame := int64(h.bytes) * int64(h.channels)
	body := g.file.Size - g.given.Header
	h.n, h.rest = body/frame, body%frame
	if h.rest != 0 {
		// Few files are cut, and a wrong frame leaves nothing over by chance only.
		h.log -= 3.5 + math.Log(float64(frame))/2
	}
}

// settled tells whether neither the format nor the channels are left to be found out.
func (h *soundHypothesis) settled() bool {
	return h.format >= fromName && !h.open && h.number >= fromName
}

// contentNeeded tells whether the content has to choose.
func (g *soundGuesser) contentNeeded() bool {
	return g.file.Content != nil && g.file.Size > g.given.Header && len(g.all) > 1
}

// judge holds all hypotheses against some of the content, and the best against more.
func (g *soundGuesser) judge() {
	g.sampler = newSoundSampler(g.file.Content, g.file.Size, g.given.Header)
	s := &g.sampler
	if len(s.windows) == 0 {
		return
	}
	s.compare(g.all, true)
	merit := func(h *soundHypothesis) float64 { return h.log - soundCertainty*h.cost }
	slices.SortStableFunc(g.all, func(a, b *soundHypothesis) int { return cmp.Compare(merit(b), merit(a)) })
	best := g.all[:min(len(g.all), maxCandidates)]
	s.compare(best, false)
	least := math.Inf(1)
	for _, h := range best {
		if h.judged {
			least = min(least, h.cost)
		}
	}
	if math.IsInf(least, 1) {
		return
	}
	// Noise tells little, and so do few bytes.
	weight := soundCertainty * max(0.02, min(1, (7.9-least)/1.2)) * min(1, float64(s.bytes)/soundEnough)
	for i, h := range g.all {
		switch {
		case i >= len(best):
			h.log -= weight * max(0.5, h.cost-least)
		case h.judged:
			h.log -= weight * (h.cost - least)
		}
	}
}

// sort puts the most likely first.
func (g *soundGuesser) sort() {
	slices.SortStableFunc(g.all, func(a, b *soundHypothesis) int { return cmp.Compare(b.log, a.log) })
}

// usualRates are weighed by how often stereo has them.
var usualRates = []soundRate{{hz: 44100, weight: 0.5}, {hz: 48000, weight: 0.32}, {hz: 96000, weight: 0.04}, {hz: 16000, weight: 0.03}, {hz: 22050, weight: 0.03}, {hz: 32000, weight: 0.02}, {hz: 8000, weight: 0.02}, {hz: 24000, weight: 0.01}, {hz: 88200, weight: 0.01}, {hz: 192000, weight: 0.01}, {hz: 11025, weight: 0.01}}

// rates lists the rates that h may have, the usual first; the weights add up to 1.
func (g *soundGuesser) rates(h *soundHypothesis) []soundRate {
	switch {
	case g.given.Rate > 0:
		return []soundRate{{hz: g.given.Rate, weight: 1, from: fromGiven}}
	case g.name.rate > 0:
		return []soundRate{{hz: g.name.rate, weight: 1, from: fromName}}
	}
	out := slices.Clone(usualRates)
	prefer := func(hz int, factor float64) {
		i := slices.IndexFunc(out, func(r soundRate) bool { return r.hz == hz })
		if i < 0 {
			out = append(out, soundRate{hz: hz, weight: 0.01})
			i = len(out) - 1
		}
		out[i].weight *= factor
	}
	switch {
	case g.folder.rate > 0:
		prefer(g.folder.rate, 1000)
	case h.law():
		prefer(8000, 500)
		prefer(16000, 30)
	case h.channels >= 4:
		prefer(48000, 4)
	case h.channels == 1 && h.bytes <= 2 && h.judged && g.sampler.speech(h):
		prefer(16000, 15) // but not before 44100: voices are few, and instruments sound like them
		prefer(8000, 10)
	}
	sum := 0.0
	for i := range out {
		if out[i].hz == g.folder.rate {
			out[i].from = fromFolder
		}
		out[i].speech = !h.law() && h.channels == 1 && out[i].hz == 16000 && out[i].weight > 0.4
		sum += out[i].weight
	}
	for i := range out {
		out[i].weight /= sum
	}
	slices.SortStableFunc(out, func(a, b soundRate) int { return cmp.Compare(b.weight, a.weight) })
	return out
}

func (g *soundGuesser) candidates() (out []SoundCandidate) {
	if len(g.all) == 0 {
		return nil
	}
	type rated struct {
		*soundHypothesis
		soundRate
		score, share float64 // of everything, and of the hypothesis at any rate
	}
	sum := 0.0
	for _, h := range g.all {
		sum += math.Exp(h.log - g.all[0].log)
	}
	var all []rated
	for i, h := range g.all[:min(len(g.all), maxCandidates)] {
		share := math.Exp(h.log-g.all[0].log) / sum
		rates := g.rates(h)
		if i >= ratedSounds {
			rates = rates[:1]
		}
		for _, r := range rates {
			all = append(all, rated{h, r, share * r.weight, share})
		}
	}
	slices.SortStableFunc(all, func(a, b rated) int { return cmp.Compare(b.score, a.score) })
	for i, r := range all[:min(len(all), maxCandidates)] {
		if i > 0 && r.score < 1e-6 {
			break
		}
		c := SoundCandidate{Sound: g.given, Frames: r.n, Rest: r.rest, Score: r.score, Reasons: g.reasons(r.soundHypothesis, r.soundRate, r.share)}
		c.Rate, c.Channels = r.hz, r.channels
		if c.Format == "" {
			c.Format = r.String()
		}
		c.Sure = i == 0 && r.from >= fromName && g.sure(r.soundHypothesis, r.share)
		out = append(out, c)
	}
	return out
}

// sure tells whether format and channels of h are beyond doubt.
func (g *soundGuesser) sure(h *soundHypothesis, share float64) bool {
	if g.file.Size >= 0 && h.n == 0 && h.bytes > 0 {
		return false
	}
	if h.settled() {
		return true
	}
	if !h.judged {
		// Little-endian signed words are what "16bit" means.
		return h.number >= fromName && h.format >= fromName && (h.name == "s16le" || h.name == "s24le")
	}
	return share >= 0.95 && h.rest == 0
}

func (g *soundGuesser) reasons(h *soundHypothesis, r soundRate, share float64) []string {
	format := originNames[h.format]
	agree := "neighbouring samples agree best"
	switch content := h.judged && share > 0.3; {
	case format != "" && h.open && content:
		format = "agrees with the " + format[len("from the "):] + ", and the content"
	case format != "" && h.open:
		format = "agrees with the " + format[len("from the "):]
	case format == "" && content:
		format = agree
	case format == "":
		format = "usual"
	}
	out := []string{h.String() + ": " + format}
	if g.given.Format != "" {
		out[0] = g.given.Format + ": given"
	}
	number := originNames[h.number]
	switch {
	case number == "" && h.judged && !h.planar && share > 0.6: // of noise they cannot be told
		number = agree
	case number == "":
		number = "usual"
	}
	out = append(out, fmt.Sprintf("%d %s: %s", h.channels, pluralChannels(h.channels), number))
	rate := originNames[r.from]
	switch {
	case rate == "" && r.speech:
		rate = "assumed, it is like speech"
	case rate == "" && h.law():
		rate = "assumed, usual for " + h.name
	case rate == "":
		rate = "assumed, the content cannot tell"
	}
	out = append(out, fmt.Sprintf("%d Hz: %s", r.hz, rate))
	if h.rest != 0 {
		out = append(out, fmt.Sprintf("%d bytes are left over after %d %s", h.rest, h.n, plural(h.n)))
	}
	return out
}

func pluralChannels(n int) string {
	if n == 1 {
		return "channel"
	}
	return "channels"
}
