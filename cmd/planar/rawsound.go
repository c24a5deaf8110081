package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/demux/ffmpeg"
	"planar/demux/guess"
	"planar/player/controls"
)

// usualSound is what raw sound is taken for where nothing tells.
var usualSound = soundChoice{Sound: guess.Sound{Format: "s16le", Rate: 44100, Channels: 2}}

// soundRanking is what headerless sound may be.
type soundRanking struct {
	said       soundChoice // by flags, now or earlier; flags come first
	remembered bool        // something of it was said earlier
	size       int64       // bytes, -1 of a pipe
	expected   bool        // the best is what most people expect, and needs no question
	// candidates has one at least, and every one is whole.
	candidates []guess.SoundCandidate
}

// rankSound looks at headerless sound, that of pictures if it is paired: --header-bytes
// then is theirs, and how long they last, 0 if that is not known, may tell the rate. Its
// error says why it cannot be sound.
func (p *opener) rankSound(name string, paired bool, pictures time.Duration) (r soundRanking, err error) {
	file, closeFile, err := rawFile(name)
	if err != nil {
		return r, err
	}
	defer closeFile()
	r.size, r.said = file.Size, p.o.sound
	if paired {
		r.said.Header, r.said.ZeroHeader = 0, false
	}
	if c, ok := p.files.soundChoice(name); ok {
		r.said = c // by the window's panel, which says everything
	} else {
		p.recallSound(name, &r)
	}
	r.candidates = guess.RankSound(file, r.said.Sound)
	if len(r.candidates) == 0 {
		c := guess.SoundCandidate{Sound: r.said.orElse(usualSound).Sound, Sure: r.said.whole()}
		if c.Sure {
			c.Score = 1
		}
		if n, err := soundFrameBytes(c.Sound); err == nil && r.size >= c.Header {
			c.Frames, c.Rest = (r.size-c.Header)/n, (r.size-c.Header)%n
		}
		r.candidates = []guess.SoundCandidate{c}
	}
	fits := asLong(r.candidates, pictures)
	best := r.candidates[0]
	r.expected = best.Rest == 0 && best.Format == usualSound.Format && best.Channels == usualSound.Channels &&
		(fits || pictures <= 0 && best.Rate == usualSound.Rate)
	return r, nil
}

// asLong puts that candidate first which differs from the best by its rate alone, if at
// all, and lasts as long as the pictures, within 1 %: content does not tell the rate. It
// reports whether there is one.
func asLong(all []guess.SoundCandidate, pictures time.Duration) bool {
	best := all[0]
	if best.Sure || pictures <= 0 || best.Frames <= 0 {
		return false
	}
	for i, c := range all {
		lasts := float64(c.Frames) / float64(c.Rate)
		if c.Format != best.Format || c.Channels != best.Channels || math.Abs(lasts/pictures.Seconds()-1) > 0.01 {
			continue
		}
		for k, r := range c.Reasons {
			if what, _, ok := strings.Cut(r, " Hz:"); ok {
				c.Reasons[k] = what + " Hz: as long as the pictures"
			}
		}
		copy(all[1:], all[:i])
		all[0] = c
		return true
	}
	return false
}

// recallSound adds what was said of a file earlier. How long the file is now does
// not matter: nearly any length fits.
func (p *opener) recallSound(name string, r *soundRanking) {
	if p.o.forget {
		if err := p.choices.forget(name); err != nil {
			p.debug("cannot forget " + name + ": " + err.Error())
		}
		return
	}
	if earlier, _, ok := p.choices.lookupSound(name); ok {
		if r.size >= 0 && earlier.Header >= r.size {
			earlier.Header = 0 // the file has been cut since
		}
		r.said, r.remembered = r.said.orElse(earlier), true
	}
}

// soundFrameBytes is how long one sample of each channel is.
func soundFrameBytes(s guess.Sound) (int64, error) {
	f, err := ffmpeg.FindPCMFormat(s.Format)
	if err != nil {
		return 0, err
	}
	return int64(f.Bytes) * int64(s.Channels), nil
}

// openRawSound opens headerless sound as the flags, an earlier choice, or the best
// guess have it. source is what it plays for: name itself, or pictures.
// pictures is how long those last, 0 if that is not known.
func (p *opener) openRawSound(name, source string, pictures time.Duration) (demux.Source, error) {
	r, err := p.rankSound(name, name != source, pictures)
	if err != nil {
		return nil, err
	}
	best := r.candidates[0]
	src, err := openSound(name, best.Sound)
	if err != nil {
		return nil, err
	}
	p.files.openedSound(name, source, best, r.size, best.Sure || r.expected)
	_, chosen := p.files.soundChoice(name)
	if r.size >= 0 && (chosen || p.o.describesSound && (r.said.Sound != (guess.Sound{}) || r.said.ZeroHeader) && (name == p.o.audio || slices.Contains(p.o.sources, name))) {
		if err := p.choices.rememberSound(name, r.size, r.said); err != nil {
			p.debug("cannot remember how " + name + " was opened: " + err.Error())
		}
	}
	if _, told := p.once.LoadOrStore(name, true); !told && !chosen && !best.Sure && !r.expected {
		spoken := name
		if name == "-" {
			spoken = "standard input"
		}
		p.note(fmt.Sprintf("%s: taken for %s, a guess: if it sounds wrong give --sample-format, --sample-rate, --channels; planar probe lists what else it may be",
			spoken, describeSound(best.Sound)))
	}
	return src, nil
}

// describeSound is for a line of text: "s16le, 44100 Hz, 2 channels".
func describeSound(s guess.Sound) string {
	return fmt.Sprintf("%s, %d Hz, %s", s.Format, s.Rate, channelCount(s.Channels))
}

func channelCount(n int) string {
	if n == 1 {
		return "1 channel"
	}
	return fmt.Sprintf("%d channels", n)
}

// openSound opens headerless sound of which everything is known.
func openSound(name string, s guess.Sound) (demux.Source, error) {
	f, err := ffmpeg.FindPCMFormat(s.Format)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	a := demux.RawAudioParams{
		Codec: "pcm_" + f.Name, SampleBytes: f.Bytes, Header: s.Header, Planar: f.Planar,
		Format: audio.Format{Sample: f.Native, Rate: s.Rate, Channels: s.Channels, Layout: s.Layout},
	}
	if !nativeCodec(f.Codec) {
		a.Decoder = func() (demux.AudioDecoder, error) { return ffmpeg.NewPCMDecoder(f.Codec, a.Format) }
	}
	return demux.OpenRawAudio(name, a)
}

// nativeCodec reports whether a codec's samples are what the machine computes
// with, so that there is nothing to decode.
func nativeCodec(codec string) bool {
	switch codec {
	case "pcm_u8":
		return true
	case "pcm_s16le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_s64le":
		return littleEndian
	}
	return false
}

// openedSound is sound as it was opened, and the file that has it.
type openedSound struct {
	controls.RawSound
	file string
}

// openedSound notes what sound was opened as.
func (r *rawFiles) openedSound(file, source string, c guess.SoundCandidate, size int64, sure bool) {
	s := openedSound{RawSound: controls.RawSound{Sound: c.Sound, Bytes: size, Sure: sure}, file: file}
	if n, err := soundFrameBytes(c.Sound); err == nil {
		s.FrameBytes = n
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sounds[source] = s
	if source == file {
		delete(r.now, source) // it may have been taken for video before
	}
}

// soundChoice is what the panel has said of a file of sound.
func (r *rawFiles) soundChoice(file string) (soundChoice, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.soundSaid[file]
	return c, ok
}

// isSound reports whether the panel has said that a file is headerless sound.
func (r *rawFiles) isSound(file string) bool {
	_, ok := r.soundChoice(file)
	return ok
}

// Sound implements controls.RawSounds.
func (r *rawFiles) Sound(name string) (controls.RawSound, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.sounds[name]
	return s.RawSound, ok
}

// soundFile is the file that has a source's sound, the source itself if nothing else
// is known.
func (r *rawFiles) soundFile(name string) (openedSound, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.sounds[name]; ok {
		return s, true
	}
	return openedSound{file: name}, false
}

// SetSound implements controls.RawSounds.
func (r *rawFiles) SetSound(name string, s guess.Sound) error {
	f, err := ffmpeg.FindPCMFormat(s.Format)
	if err != nil {
		return err
	}
	s.Format = f.Name
	c := soundChoice{Sound: s, ZeroHeader: true}
	if !c.whole() {
		return errors.New("rate and channels must be given")
	}
	if err := c.check(); err != nil {
		return err
	}
	now, opened := r.soundFile(name)
	frame := int64(f.Bytes) * int64(s.Channels)
	switch {
	case demux.IsURL(now.file):
		return errors.New("only files can be headerless sound")
	case opened && now.Bytes < 0:
		return errors.New("what has been read from a pipe cannot be read anew")
	case opened && s.Header+frame > now.Bytes:
		return fmt.Errorf("a frame would have %d bytes, the file has %d", frame, max(0, now.Bytes-s.Header))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.said, now.file)
	r.soundSaid[now.file] = c
	return nil
}

// SoundGuesses implements controls.RawSounds.
func (r *rawFiles) SoundGuesses(_ context.Context, name string) ([]guess.SoundCandidate, error) {
	now, _ := r.soundFile(name)
	file, closeFile, err := rawFile(now.file)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	return guess.RankSound(file, guess.Sound{Header: now.Header}), nil
}

// SampleFormats implements controls.RawSounds.
func (r *rawFiles) SampleFormats() []string { return ffmpeg.PCMFormatNames() }

var (
	_ controls.RawFiles  = (*rawFiles)(nil)
	_ controls.RawSounds = (*rawFiles)(nil)
)
