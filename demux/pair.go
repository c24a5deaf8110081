package demux

import (
	"errors"
	"io"
	"time"
)

// pair plays the pictures of one source with the sound of another.
type pair struct {
	part    [2]Source // video, audio
	base    [2]int    // what is added to the stream numbers of each
	at      [2]time.Duration
	ended   [2]bool
	unused  [2]bool // nothing of this part is selected
	streams []Stream
}

// Pair joins the video streams of one source and the audio streams of another
// into one source, whose packets come in the order of their times. It owns
// both.
func Pair(video, audio Source) Source {
	p := &pair{part: [2]Source{video, audio}}
	for i, kind := range []Kind{Video, Audio} {
		var chosen []int
		for _, s := range p.part[i].Streams() {
			if s.Kind == kind {
				chosen = append(chosen, s.Index)
				s.Index += p.base[i]
				p.streams = append(p.streams, s)
			}
		}
		p.part[i].Select(chosen...)
		if i == 0 { // numbers may have gaps: not every stream is listed
			for _, s := range video.Streams() {
				p.base[1] = max(p.base[1], s.Index+1)
			}
		}
	}
	return p
}

func (p *pair) Info() Info {
	v, a := p.part[0].Info(), p.part[1].Info()
	return Info{
		Format: v.Format + " + " + a.Format, Duration: max(v.Duration, a.Duration), Live: v.Live || a.Live,
		Seekable: v.Seekable && a.Seekable, Notes: append(v.Notes, a.Notes...),
	}
}

func (p *pair) Streams() []Stream { return p.streams }

func (p *pair) Select(streams ...int) {
	var chosen [2][]int
	for _, s := range streams {
		i, own := p.of(s)
		chosen[i] = append(chosen[i], own)
	}
	for i := range p.part {
		p.part[i].Select(chosen[i]...)
		p.unused[i] = len(chosen[i]) == 0
		p.ended[i] = p.unused[i]
	}
}

// of tells which part a stream belongs to, and its number there.
func (p *pair) of(stream int) (part, own int) {
	if stream >= p.base[1] {
		return 1, stream - p.base[1]
	}
	return 0, stream
}

func (p *pair) Read() (*Packet, error) {
	for {
		i := 0
		if p.ended[0] || (!p.ended[1] && p.at[1] < p.at[0]) {
			i = 1
		}
		if p.ended[i] {
			return nil, io.EOF
		}
		pkt, err := p.part[i].Read()
		if errors.Is(err, io.EOF) {
			p.ended[i] = true
			continue
		}
		if err != nil {
			return nil, err
		}
		if t := pkt.Time(); t != NoPTS {
			p.at[i] = t + pkt.Duration
		}
		pkt.Stream += p.base[i]
		return pkt, nil
	}
}

func (p *pair) Seek(t time.Duration) error {
	for i, s := range p.part {
		if err := s.Seek(t); err != nil {
			return err
		}
		p.at[i], p.ended[i] = t, p.unused[i]
	}
	return nil
}

func (p *pair) VideoDecoder(stream int) (VideoDecoder, error) {
	i, own := p.of(stream)
	return p.part[i].VideoDecoder(own)
}

func (p *pair) AudioDecoder(stream int) (AudioDecoder, error) {
	i, own := p.of(stream)
	return p.part[i].AudioDecoder(own)
}

func (p *pair) Interrupt() {
	for _, s := range p.part {
		s.Interrupt()
	}
}

func (p *pair) Close() error {
	return errors.Join(p.part[0].Close(), p.part[1].Close())
}
