package analysis

import (
	"math"
	"sync"
	"time"

	"gonum.org/v1/gonum/dsp/fourier"

	"planar/audio"
)

const (
	// fftSize is the length of a transform in frames: 43 ms and bins of 23 Hz at 48
	// kHz, between what speech (short) and bass (long) ask for.
	fftSize = 2048
	// fftHop is the distance of two transforms. With half the length the Hann
	// windows add up to 1, so that every sample weighs the same.
	fftHop = fftSize / 2
	// Bins is how many bins a column has, from 0 Hz to just below half the rate.
	Bins = fftSize / 2
	// maxSpectra bounds a Spectrogram: 4 MiB. Of one transform each, these are 87 s
	// of 48 kHz; then columns are merged by two.
	maxSpectra = 1 << 12
	// maxSpectraDrawn bounds what Columns returns: a screen's width.
	maxSpectraDrawn = 1 << 13
)

// Level2dB is a Spectrogram's byte in dBFS: 255 is 0, steps are half a dB, and 0 is
// -127.5 or less. A full-scale sine reads 0 in the bin of its frequency, and up to
// 1.4 dB less if it lies between two bins.
func Level2dB(b byte) float64 { return (float64(b) - 255) / 2 }

// Spectrogram is the spectrum of a whole source over time: of each piece, and each
// frequency, the highest level of any channel. Its memory is bounded: pieces become
// longer as the sound grows. One goroutine may add while others draw.
type Spectrogram struct {
	// Of the goroutine that adds.
	track   track
	fft     *fourier.FFT
	weights []float64
	pending [][]float32 // for each channel, fftSize frames; the last ones are still to come
	have    int         // frames in pending
	silent  int64       // how many of the latest frames are digital silence
	seq     []float64
	coeff   []complex128
	power   []float64

	mu      sync.Mutex
	rate    int
	pos     int64    // frames that columns cover
	columns [][]byte // of Bins bytes each, nil for silence; shared with nobody
	every   int      // transforms in a column
	count   int      // transforms in the last column; 0 if it is complete
}

// NewSpectrogram makes an empty Spectrogram.
func NewSpectrogram() *Spectrogram { return &Spectrogram{every: 1} }

// Add takes the next block of the source. A gap before it is silence, an overlap is
// cut. The error is ErrFormat; the block is then ignored.
func (s *Spectrogram) Add(b *audio.Block) error {
	gap, channels, err := s.track.take(b)
	if err != nil {
		return err
	}
	if s.fft == nil {
		s.begin(len(channels))
	}
	for gap > 0 {
		gap -= s.put(nil, gap)
	}
	for n := int64(len(channels[0])); n > 0; {
		some := s.put(channels, n)
		for c := range channels {
			channels[c] = channels[c][some:]
		}
		n -= some
	}
	return nil
}

func (s *Spectrogram) begin(channels int) {
	s.fft = fourier.NewFFT(fftSize)
	s.weights, s.seq = make([]float64, fftSize), make([]float64, fftSize)
	for i := range s.weights {
		s.weights[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/fftSize)
	}
	s.coeff, s.power = make([]complex128, fftSize/2+1), make([]float64, Bins)
	s.pending = make([][]float32, channels)
	for c := range s.pending {
		s.pending[c] = make([]float32, fftSize)
	}
	// The first transform is centred on the first fftHop frames.
	s.have = (fftSize - fftHop) / 2
	s.silent = int64(s.have)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rate = s.track.rate
}

// put adds up to n frames, silent ones if channels is nil, up to the next
// transform, and returns how many.
func (s *Spectrogram) put(channels [][]float32, n int64) int64 {
	n = min(n, int64(fftSize-s.have))
	quiet := true
	if channels == nil && s.silent >= fftSize {
		return s.advance(n, quiet) // it is all zero already
	}
	for c, p := range s.pending {
		p = p[s.have : s.have+int(n)]
		if channels == nil {
			clear(p)
			continue
		}
		copy(p, channels[c])
		for i := len(p) - 1; i >= 0 && quiet; i-- {
			quiet = p[i] == 0
		}
	}
	return s.advance(n, quiet)
}

// advance notes n frames that were put, and makes the transform that they complete.
func (s *Spectrogram) advance(n int64, quiet bool) int64 {
	if s.have += int(n); quiet {
		s.silent += n
	} else {
		s.silent = 0
	}
	if s.have == fftSize {
		s.transform()
		s.have = fftSize - fftHop
		if s.silent < fftSize {
			for _, p := range s.pending {
				copy(p, p[fftHop:])
			}
		}
	}
	return n
}

// transform makes the spectrum of what is pending.
func (s *Spectrogram) transform() {
	if s.silent >= fftSize {
		s.push(nil)
		return
	}
	clear(s.power)
	for _, p := range s.pending {
		for i, v := range p {
			s.seq[i] = float64(v) * s.weights[i]
		}
		s.fft.Coefficients(s.coeff, s.seq)
		for i := range s.power {
			re, im := real(s.coeff[i]), imag(s.coeff[i])
			s.power[i] = max(s.power[i], re*re+im*im)
		}
	}
	s.push(s.power)
}

// quarter is what a full-scale sine's amplitude is in its bin: half its energy is at
// the negative frequency, and a Hann window's mean is a half.
const quarter = fftSize / 4.0

// level is a bin's squared magnitude as a byte: see Level2dB.
func level(power float64) byte {
	if power <= 0 {
		return 0
	}
	db := 10 * math.Log10(power/(quarter*quarter))
	return byte(math.Round(min(max(255+2*db, 0), 255)))
}

// push adds the spectrum of the next transform, nil for silence.
func (s *Spectrogram) push(power []float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == 0 {
		if len(s.columns) == maxSpectra {
			s.halve()
		}
		s.columns = append(s.columns, nil)
	}
	if last := &s.columns[len(s.columns)-1]; power != nil {
		if *last == nil {
			*last = make([]byte, Bins)
		}
		for i, v := range power {
			(*last)[i] = max((*last)[i], level(v))
		}
	}
	s.count = (s.count + 1) % s.every
	s.pos += fftHop
}

// halve merges columns by two.
func (s *Spectrogram) halve() {
	for i := range len(s.columns) / 2 {
		s.columns[i] = brighter(s.columns[2*i], s.columns[2*i+1])
	}
	clear(s.columns[len(s.columns)/2:])
	s.columns = s.columns[:len(s.columns)/2]
	s.every *= 2
}

// brighter is the maximum of two columns, written over the first that there is.
func brighter(a, b []byte) []byte {
	if a == nil {
		return b
	}
	for i, v := range b {
		a[i] = max(a[i], v)
	}
	return a
}

// Finish says that nothing more comes: what has not filled a transform is now seen.
func (s *Spectrogram) Finish() {
	if s.fft == nil {
		return
	}
	for s.pos < s.track.pos {
		s.put(nil, fftSize)
	}
}

// Rate is the sound's in Hz, 0 as long as nothing was added. Bin i of a column
// stands for the frequency i * Rate / (2 * Bins).
func (s *Spectrogram) Rate() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rate
}

// Columns draws the sound between two times in n columns (at most 8192) of equal
// length, each of Bins levels (see Level2dB), from low to high frequencies. A column
// is nil where nothing has been read. Of all pieces that a column touches the
// highest levels count. The caller owns the result.
func (s *Spectrogram) Columns(from, to time.Duration, n int) [][]byte {
	n = min(max(n, 0), maxSpectraDrawn)
	out := make([][]byte, n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rate == 0 || to <= from {
		return out
	}
	rate, width := float64(s.rate), float64(s.every*fftHop)
	begin, each := from.Seconds()*rate, (to-from).Seconds()*rate/float64(n)
	for i := range out {
		a := max(0, begin+float64(i)*each)
		b := min(float64(s.pos), begin+float64(i+1)*each)
		if a >= b {
			continue
		}
		out[i] = make([]byte, Bins)
		for _, c := range s.columns[int(a/width):min(int(math.Ceil(b/width)), len(s.columns))] {
			brighter(out[i], c)
		}
	}
	return out
}

// Heat is a calm colour for a level (see Level2dB): black, blue, violet, orange,
// pale yellow, with a luminance that rises all the way.
func Heat(b byte) (red, green, blue byte) {
	i := int(b) * (len(heat) - 1)
	at, part := i/255, i%255
	if part == 0 {
		return heat[at][0], heat[at][1], heat[at][2]
	}
	mix := func(c int) byte {
		return byte((int(heat[at][c])*(255-part) + int(heat[at+1][c])*part + 127) / 255)
	}
	return mix(0), mix(1), mix(2)
}

var heat = [...][3]byte{{0, 0, 0}, {14, 16, 44}, {38, 30, 92}, {92, 40, 118}, {156, 56, 104}, {212, 92, 72}, {240, 156, 76}, {252, 240, 188}}
