package controls

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"planar/audio/analysis"
	"planar/render"
)

// soundScan reads the sound of a source in the background.
type soundScan struct {
	name   string
	stream int
	cancel context.CancelFunc

	mu    sync.Mutex
	peaks *analysis.Peaks       // nil until the source is open
	spec  *analysis.Spectrogram // the same
	whole time.Duration         // how long the source says that it is, 0 if it does not
	done  bool
	err   error
}

// errNoScan says that a source's sound cannot be read apart from playback.
var errNoScan = errors.New("its sound cannot be read a second time")

// scanSound begins to read a stream of sound of a source.
func scanSound(o *Options, name string, stream int) *soundScan {
	if o.OpenSound == nil {
		return &soundScan{name: name, cancel: func() {}, done: true, err: errNoScan}
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &soundScan{name: name, stream: stream, cancel: cancel}
	go func() {
		defer o.Wake() // what is shown changes
		err := s.run(ctx, o)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.done, s.err = true, err
	}()
	return s
}

func (s *soundScan) run(ctx context.Context, o *Options) error {
	src, whole, err := o.OpenSound(ctx, s.name, s.stream)
	if err != nil {
		return err
	}
	defer src.Close() // it was only read
	peaks, spec := analysis.NewPeaks(whole), analysis.NewSpectrogram()
	s.mu.Lock()
	s.peaks, s.spec, s.whole = peaks, spec, whole
	s.mu.Unlock()
	return analysis.Scan(ctx, src, peaks, spec)
}

// scanned is what a scan has come to.
type scanned struct {
	peaks    *analysis.Peaks // nil as long as there is nothing
	spec     *analysis.Spectrogram
	channels int
	length   time.Duration // of the source, as far as it is known by now
	read     time.Duration
	progress float64 // 0 to 1, 0 if it is not known
	done     bool
	err      error
}

// look tells how far the scan has come. A nil scan has not begun.
func (s *soundScan) look() scanned {
	if s == nil {
		return scanned{}
	}
	s.mu.Lock()
	v := scanned{spec: s.spec, peaks: s.peaks, length: s.whole, done: s.done, err: s.err}
	s.mu.Unlock()
	if v.peaks != nil {
		v.channels, v.read, v.progress = v.peaks.Channels(), v.peaks.Duration(), v.peaks.Progress()
		v.length = max(v.length, v.read)
		if v.done && v.err == nil {
			v.length = v.read
		}
	}
	return v
}

// zoomed is which part of a source is shown.
type zoomed struct {
	from, to time.Duration
	whole    time.Duration // the length of the source
}

const (
	// narrowest is the shortest part that is shown, if the source is short enough.
	narrowest = time.Millisecond
	// finestPart is the part of a source that is worth a window: analysis.Peaks has
	// up to 65536 columns, and this is 16 of them.
	finestPart = 4096
)

// all reports whether everything is shown.
func (z zoomed) all() bool { return z.from <= 0 && z.to >= z.whole }

// span is how long what is shown is.
func (z zoomed) span() time.Duration { return z.to - z.from }

// resize takes another length of the source into account. What shows all of it
// goes on doing so.
func (z zoomed) resize(whole time.Duration) zoomed {
	if z.all() {
		return zoomed{0, whole, whole}
	}
	z.whole = whole
	return z.clamp()
}

// clamp moves what is shown into the source.
func (z zoomed) clamp() zoomed {
	span := min(max(z.span(), narrowest, z.whole/finestPart), max(z.whole, narrowest))
	z.from = min(max(z.from, 0), max(0, z.whole-span))
	z.to = z.from + span
	return z
}

// zoom shows factor times as much, with the time at that is x of the way from left
// to right staying there.
func (z zoomed) zoom(x, factor float64) zoomed {
	at := z.at(x)
	span := min(max(float64(z.span())*factor, float64(narrowest), float64(z.whole)/finestPart), float64(z.whole))
	z.from = at - time.Duration(x*span)
	z.to = z.from + time.Duration(span)
	return z.clamp()
}

// pan shows what is parts of the window later.
func (z zoomed) pan(parts float64) zoomed { return z.move(time.Duration(parts * float64(z.span()))) }

func (z zoomed) move(d time.Duration) zoomed {
	z.from += d
	z.to += d
	return z.clamp()
}

// follow turns a page when the playhead leaves what is shown, where it was before.
func (z zoomed) follow(before, now time.Duration) zoomed {
	if z.all() || before < z.from || before > z.to || now >= z.from && now <= z.to {
		return z
	}
	return z.move(now - z.from)
}

// at is the time that is x of the way from left to right.
func (z zoomed) at(x float64) time.Duration { return z.from + time.Duration(x*float64(z.span())) }

// place is where a time is: 0 at the left, 1 at the right.
func (z zoomed) place(t time.Duration) float64 {
	return float64(t-z.from) / float64(max(z.span(), 1))
}

// tickSteps are the distances of a ruler's lines.
var tickSteps = func() (steps []time.Duration) {
	for _, unit := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond} {
		steps = append(steps, unit, 2*unit, 5*unit)
	}
	for _, s := range []time.Duration{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 4 * 3600, 12 * 3600, 24 * 3600} {
		steps = append(steps, s*time.Second)
	}
	return steps
}()

// tickStep is the distance of a ruler's lines, so that there are at most n of them.
func tickStep(span time.Duration, n int) time.Duration {
	for _, s := range tickSteps {
		if span <= s*time.Duration(max(n, 1)) {
			return s
		}
	}
	return span // it is years long
}

// tickText is a time at a ruler with lines at a distance.
func tickText(t, step time.Duration) string {
	t = t.Round(time.Millisecond)
	h, m, sec := int(t/time.Hour), int(t/time.Minute)%60, (t % time.Minute).Seconds()
	digits := 0
	for s := step; s%time.Second != 0 && digits < 3; s *= 10 {
		digits++
	}
	width := 2
	if digits > 0 {
		width = 3 + digits
	}
	if h > 0 {
		return fmt.Sprintf("%d:%02d:%0*.*f", h, m, width, digits, sec)
	}
	return fmt.Sprintf("%d:%0*.*f", m, width, digits, sec)
}

// ink is a pixel as a render.Bitmap has it: blue, green, red, alpha.
type ink [4]byte

// inkOf is c over what is below it, of which both are opaque after that.
func inkOf(c, below colour) ink {
	mix := func(c, b, a float32) byte { return byte(255*(b+(c-b)*a) + 0.5) }
	return ink{mix(c.Z, below.Z, c.W), mix(c.Y, below.Y, c.W), mix(c.X, below.X, c.W), 255}
}

// waveInk is the colours of a waveform.
type waveInk struct{ back, middle, peak, rms, clip ink }

// fillBitmap makes all of b one colour.
func fillBitmap(b render.Bitmap, c ink) {
	for y := range b.Height {
		row := b.Pix[y*b.Stride:][:4*b.Width]
		for x := 0; x < len(row); x += 4 {
			*(*ink)(row[x:]) = c
		}
	}
}

// drawWave draws a column of sound for each pixel's width of b: from the lowest to
// the highest sample, the RMS brighter, and the ends in another colour where samples
// are at full scale.
func drawWave(b render.Bitmap, columns []analysis.Column, c waveInk) {
	fillBitmap(b, c.back)
	if b.Height < 1 {
		return
	}
	half := float64(b.Height-1) / 2
	at := func(v float32) int { return int(math.Round(half - half*float64(min(max(v, -1), 1)))) }
	line := func(x, y0, y1 int, c ink) {
		for y, i := y0, y0*b.Stride+4*x; y <= y1; y, i = y+1, i+b.Stride {
			*(*ink)(b.Pix[i:]) = c
		}
	}
	zero := at(0)
	for x := range b.Width {
		line(x, zero, zero, c.middle)
	}
	tip := 1 + b.Height/40
	for x := range min(b.Width, len(columns)) {
		k := columns[x]
		if !k.Known {
			continue
		}
		top, bottom := at(k.Max), at(k.Min)
		line(x, top, bottom, c.peak)
		if k.RMS > 0 {
			line(x, max(top, at(k.RMS)), min(bottom, at(-k.RMS)), c.rms)
		}
		if k.Max >= nearFull {
			line(x, 0, min(tip, bottom), c.clip)
		}
		if k.Min <= -1 {
			line(x, max(b.Height-1-tip, top), b.Height-1, c.clip)
		}
	}
}

// nearFull is the largest sample of 16 bits.
const nearFull = 32767.0 / 32768

// lowestHertz is where a logarithmic axis of frequencies begins: the lowest that is
// heard.
const lowestHertz = 20.0

// hertz is the frequency at y of the way from the bottom to the top of a
// spectrogram of sound of a rate.
func hertz(y float64, rate int, logarithmic bool) float64 {
	top := float64(rate) / 2
	if !logarithmic || top <= lowestHertz {
		return y * top
	}
	return lowestHertz * math.Pow(top/lowestHertz, y)
}

// heightOf is the inverse of hertz.
func heightOf(f float64, rate int, logarithmic bool) float64 {
	top := float64(rate) / 2
	if !logarithmic || top <= lowestHertz {
		return f / max(top, 1)
	}
	return math.Log(max(f, lowestHertz)/lowestHertz) / math.Log(top/lowestHertz)
}

// quietest is the level in half dB, as analysis has it, that is drawn black: -110
// dBFS. Below that is the noise of 16 bits.
const quietest = 255 - 2*110

// heatInks is the colour of each level.
var heatInks = sync.OnceValue(func() *[256]ink {
	var h [256]ink
	for i := range h {
		r, g, b := analysis.Heat(byte(max(0, i-quietest) * 255 / (255 - quietest)))
		h[i] = ink{b, g, r, 255}
	}
	return &h
})

// drawSpectrum draws columns of a spectrogram, one for each pixel's width of b. Of
// the bins that lie within a pixel's height the highest level counts.
func drawSpectrum(b render.Bitmap, columns [][]byte, rate int, logarithmic bool, back ink) {
	fillBitmap(b, back)
	if rate <= 0 {
		return
	}
	colours := heatInks()
	first, end := make([]int, b.Height), make([]int, b.Height)
	bin := func(y int) float64 {
		return hertz(float64(b.Height-y)/float64(b.Height), rate, logarithmic) * 2 * analysis.Bins / float64(rate)
	}
	for y := range b.Height {
		first[y] = min(max(int(bin(y+1)), 0), analysis.Bins-1)
		end[y] = min(max(int(math.Ceil(bin(y))), first[y]+1), analysis.Bins)
	}
	for x := range min(b.Width, len(columns)) {
		c := columns[x]
		if len(c) < analysis.Bins {
			continue
		}
		for y := range b.Height {
			level := byte(0)
			for _, l := range c[first[y]:end[y]] {
				level = max(level, l)
			}
			*(*ink)(b.Pix[y*b.Stride+4*x:]) = colours[level]
		}
	}
}

// overall is the columns of all channels on one another.
func overall(p *analysis.Peaks, from, to time.Duration, n int) []analysis.Column {
	var sum []analysis.Column
	for c := range p.Channels() {
		v := p.Columns(c, from, to, n)
		if c == 0 {
			sum = v
			continue
		}
		for i := range sum {
			if k := v[i]; k.Known {
				sum[i] = analysis.Column{Min: min(sum[i].Min, k.Min), Max: max(sum[i].Max, k.Max), RMS: max(sum[i].RMS, k.RMS), Known: true}
			}
		}
	}
	return sum
}

// channelNames are what the n channels of sound usually are, in the order of WAV and
// FFmpeg's default layouts; numbers where there is no usual order.
func channelNames(n int) []string {
	usual := [][]string{
		1: {"M"}, 2: {"L", "R"}, 3: {"L", "R", "LFE"}, 4: {"L", "R", "C", "Cs"}, 5: {"L", "R", "C", "Ls", "Rs"},
		6: {"L", "R", "C", "LFE", "Ls", "Rs"}, 7: {"L", "R", "C", "LFE", "Cs", "Ls", "Rs"},
		8: {"L", "R", "C", "LFE", "Lb", "Rb", "Ls", "Rs"},
	}
	if n > 0 && n < len(usual) {
		return usual[n]
	}
	names := make([]string, max(n, 0))
	for i := range names {
		names[i] = fmt.Sprint(i + 1)
	}
	return names
}
