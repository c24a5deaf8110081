package analysis

import (
	"context"
	"errors"
	"io"
	"time"

	"planar/audio"
)

// Blocks is a source of decoded sound.
type Blocks interface {
	// Next returns the next block, which the caller releases; io.EOF is the end. It
	// gives up with an error when ctx ends.
	Next(ctx context.Context) (*audio.Block, error)
}

// slice is how long Scan works between two rests: short against a picture's time.
const slice = 2 * time.Millisecond

// Scan reads all of src and adds it to p and s, either of which may be nil. It rests
// as long as it works, so that it takes half a processor at most from those who
// play meanwhile. It returns nil at the end of the source; what was added before an
// error stays.
func Scan(ctx context.Context, src Blocks, p *Peaks, s *Spectrogram) error {
	rest := time.NewTimer(0)
	defer rest.Stop()
	<-rest.C
	for began := time.Now(); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := src.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if p != nil {
			err = p.Add(b)
		}
		if s != nil && err == nil {
			err = s.Add(b)
		}
		b.Release()
		if err != nil {
			return err
		}
		if worked := time.Since(began); worked >= slice {
			rest.Reset(worked)
			select {
			case <-ctx.Done():
			case <-rest.C:
			}
			began = time.Now()
		}
	}
	if p != nil {
		p.Finish()
	}
	if s != nil {
		s.Finish()
	}
	return nil
}
