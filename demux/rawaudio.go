package demux

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"planar/audio"
)

// RawAudioParams is what a headerless PCM file does not say itself.
type RawAudioParams struct {
	Codec       string       // FFmpeg's codec name, such as "pcm_s16le"
	SampleBytes int          // bytes of one sample in the file
	Format      audio.Format // of the decoded sound
	Header      int64        // bytes before the first sample
	Planar      bool         // the file holds one channel after the other

	// Decoder makes a decoder for Codec, which gets interleaved samples. If nil, the
	// file's samples are already in Format, and are passed on as they are.
	Decoder func() (AudioDecoder, error)
}

type rawAudio struct {
	file  *rawFile
	p     RawAudioParams
	frame int64 // bytes of one frame in the file
	next  int64 // number of the frame to read
	block int64 // frames of a packet
	plane int64 // if planar: frames of each channel, as the file was when it was opened
	buf   []byte
}

// OpenRawAudio opens a headerless PCM file; name may be "-".
func OpenRawAudio(name string, p RawAudioParams) (Source, error) {
	a := &rawAudio{p: p, frame: int64(p.SampleBytes) * int64(p.Format.Channels)}
	if a.frame <= 0 || p.Format.Rate <= 0 {
		return nil, fmt.Errorf("%s: needs a sample format, at least one channel and a sample rate", name)
	}
	// 20 ms: short enough for a quick start, long enough to cost nothing.
	a.block = max(1, int64(p.Format.Rate)/50)
	var err error
	if a.file, err = openRawFile(name); err != nil {
		return nil, err
	}
	if a.file.seekable() && a.frames() == 0 {
		a.file.close()
		if p.Header > 0 {
			return nil, fmt.Errorf("%s: cannot be played: has %d bytes, and its sound is to begin after %d: give another --header-bytes", name, a.file.size.Load(), p.Header)
		}
		return nil, fmt.Errorf("%s: cannot be played: has %d bytes, less than one frame of %d bytes", name, a.file.size.Load(), a.frame)
	}
	if p.Planar {
		if !a.file.seekable() {
			a.file.close()
			return nil, fmt.Errorf("%s: cannot be played from a pipe: where each channel begins depends on the length; write it to a file, or send interleaved samples", a.file.name)
		}
		a.plane = a.frames()
	}
	return a, nil
}

// maxSeconds keeps times within what time.Duration holds, 292 years, however long a
// sparse file may be.
const maxSeconds = 1 << 33

func (a *rawAudio) frames() int64 {
	if a.plane > 0 {
		return a.plane // the channels' places do not move
	}
	return min(max(0, a.file.current()-a.p.Header)/a.frame, maxSeconds*int64(a.p.Format.Rate))
}

func (a *rawAudio) Info() Info {
	info := Info{Format: "raw audio", Seekable: a.file.seekable()}
	if info.Seekable {
		info.Duration = a.p.Format.Duration(a.frames())
		if rest := max(0, a.file.size.Load()-a.p.Header) % a.frame; rest != 0 {
			info.Notes = append(info.Notes, fmt.Sprintf("%d bytes are left over after %d whole frames of %d bytes: are --sample-format and --channels right?",
				rest, a.frames(), a.frame))
		}
	}
	return info
}

func (a *rawAudio) Streams() []Stream {
	return []Stream{{Kind: Audio, Codec: a.p.Codec, Duration: a.Info().Duration, Default: true, Sound: a.p.Format}}
}

func (a *rawAudio) Select(...int) {}

func (a *rawAudio) Read() (*Packet, error) {
	buf := make([]byte, a.block*a.frame)
	var got int64
	if a.p.Planar {
		n, err := a.interleave(buf)
		if err != nil {
			return nil, err
		}
		got = n
	} else {
		n, err := a.file.read(buf, a.p.Header+a.next*a.frame)
		if err != nil {
			return nil, err
		}
		got = int64(n) / a.frame
	}
	if got == 0 || a.next >= maxSeconds*int64(a.p.Format.Rate) {
		return nil, io.EOF
	}
	at := a.p.Format.Duration(a.next)
	a.next += got
	return &Packet{PTS: at, DTS: at, Duration: a.p.Format.Duration(a.next) - at, Key: true, Size: int(got * a.frame), Data: buf[:got*a.frame]}, nil
}

// interleave fills b from a planar file and returns how many frames it got.
func (a *rawAudio) interleave(b []byte) (frames int64, err error) {
	size, channels := a.p.SampleBytes, a.p.Format.Channels
	frames = min(a.block, a.plane-a.next)
	for c := range channels {
		a.buf = slices.Grow(a.buf[:0], int(frames)*size)[:int(frames)*size]
		n, err := a.file.read(a.buf, a.p.Header+(int64(c)*a.plane+a.next)*int64(size))
		if err != nil {
			return 0, err
		}
		frames = min(frames, int64(n/size)) // less if the file was cut meanwhile
		for i := range int(frames) {
			copy(b[(i*channels+c)*size:][:size], a.buf[i*size:])
		}
	}
	return frames, nil
}

func (a *rawAudio) Seek(t time.Duration) error {
	if !a.file.seekable() {
		return fmt.Errorf("%s: cannot seek in a pipe", a.file.name)
	}
	a.next = min(max(0, a.p.Format.Frames(t)), a.frames())
	return nil
}

func (a *rawAudio) VideoDecoder(int) (VideoDecoder, error) {
	return nil, errors.New("no pictures in raw audio")
}

func (a *rawAudio) AudioDecoder(int) (AudioDecoder, error) {
	if a.p.Decoder != nil {
		return a.p.Decoder()
	}
	return &pcmPass{format: a.p.Format}, nil
}

func (a *rawAudio) Interrupt()   { a.file.interrupt() }
func (a *rawAudio) Close() error { return a.file.close() }

// NewRawAudioDecoder makes a decoder of packets whose Data already is interleaved sound
// of format f, for sources of their own that have such. A block takes the memory of its
// packet over.
func NewRawAudioDecoder(f audio.Format) AudioDecoder { return &pcmPass{format: f} }

// pcmPass hands packets on that already are what the machine plays.
type pcmPass struct {
	format  audio.Format
	next    *audio.Block
	drained bool
}

func (d *pcmPass) Send(p *Packet) error {
	if d.next != nil {
		return ErrAgain
	}
	if p == nil {
		d.drained = true
		return nil
	}
	d.next = &audio.Block{Format: d.format, Frames: len(p.Data) / d.format.FrameBytes(), PTS: p.PTS, Planes: [][]byte{p.Data}, OnFree: p.OnFree}
	p.OnFree = nil
	return nil
}

func (d *pcmPass) Receive() (*audio.Block, error) {
	if b := d.next; b != nil {
		d.next = nil
		return b, nil
	}
	if d.drained {
		return nil, io.EOF
	}
	return nil, ErrAgain
}

func (d *pcmPass) Flush() {
	d.next.Release()
	d.next, d.drained = nil, false
}

func (d *pcmPass) Close() { d.Flush() }
