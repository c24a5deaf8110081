package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"planar/audio"
	"planar/audio/analysis"
	"planar/demux"
	"planar/demux/guess"
	"planar/player"
)

// probedSound is one reading of headerless sound.
type probedSound struct {
	Format   string   `json:"sample_format"`
	Rate     int      `json:"sample_rate"`
	Channels int      `json:"channels"`
	Frames   int64    `json:"frames"`
	Rest     int64    `json:"rest_bytes"`
	Score    float64  `json:"score"`
	Sure     bool     `json:"sure"`
	Reasons  []string `json:"reasons"`
}

// probedContent is what the samples of raw sound amount to. Times are in seconds.
type probedContent struct {
	Looked   float64         `json:"looked_at_s"` // from the beginning
	Whole    bool            `json:"whole"`       // nothing comes behind that
	Peak     float64         `json:"peak_dbfs"`
	DC       float64         `json:"dc_offset"` // the farthest from 0 of any channel; 1 is full scale
	Clipped  int64           `json:"clipped_samples"`
	Leading  float64         `json:"leading_silence_s"`
	Trailing float64         `json:"trailing_silence_s"` // 0 if not all was looked at
	Silence  float64         `json:"silence_share"`      // digital silence, 0 to 1
	Channels []probedChannel `json:"channels"`
}

type probedChannel struct {
	Peak    float64 `json:"peak_dbfs"`
	DC      float64 `json:"dc_offset"`
	Clipped int64   `json:"clipped_samples"`
}

// maxProbed is how much of a file of sound is looked at, in bytes: 50 minutes of CD, one
// to three seconds of work.
const maxProbed = 512 << 20

// probeSound looks at headerless sound.
func (p *opener) probeSound(ctx context.Context, name string) (r probed, err error) {
	rank, err := p.rankSound(name, false, 0)
	if err != nil {
		return r, err
	}
	best := rank.candidates[0].Sound
	src, err := openSound(name, best)
	if err != nil {
		return r, err
	}
	info := src.Info()
	r = probed{
		Source: name, Kind: "raw audio", Format: info.Format, Bytes: max(0, rank.size), Remembered: rank.remembered,
		Duration: info.Duration.Seconds(), Seekable: info.Seekable, Notes: info.Notes,
	}
	for _, s := range src.Streams() {
		d := describeStream(s)
		d.Track = 1
		r.Streams = append(r.Streams, d)
	}
	for _, c := range rank.candidates {
		k := probedSound{
			Format: c.Format, Rate: c.Rate, Channels: c.Channels, Frames: c.Frames, Rest: c.Rest,
			Score: round(c.Score), Sure: c.Sure, Reasons: c.Reasons,
		}
		if rank.remembered {
			k.tellApart(p.o.sound)
		}
		r.Sounds = append(r.Sounds, k)
	}
	if !info.Seekable {
		return r, src.Close() // what a pipe has is not known beforehand, and is gone afterwards
	}
	r.Content, err = contentOf(ctx, src, best, info.Duration)
	return r, err
}

// tellApart has the reasons say what was said earlier rather than now.
func (k *probedSound) tellApart(now soundChoice) {
	for i, r := range k.Reasons {
		earlier := strings.HasPrefix(r, k.Format+":") && now.Format == "" || strings.Contains(r, " channel") && now.Channels == 0 ||
			strings.Contains(r, " Hz:") && now.Rate == 0
		if what, ok := strings.CutSuffix(r, ": given"); ok && earlier {
			k.Reasons[i] = what + ": remembered"
		}
	}
}

// contentOf reads up to maxProbed bytes of sound. It closes src.
func contentOf(ctx context.Context, src demux.Source, s guess.Sound, length time.Duration) (*probedContent, error) {
	sound, err := player.ReadSound(ctx, src, -1)
	if err != nil {
		return nil, err
	}
	defer sound.Close()
	frame, err := soundFrameBytes(s)
	if err != nil {
		return nil, err
	}
	var sum analysis.Summary
	c := &probedContent{}
	for left := int64(maxProbed); left > 0; {
		b, err := sound.Next(ctx)
		if errors.Is(err, io.EOF) {
			c.Whole = true
			break
		}
		if err != nil {
			return nil, err
		}
		left -= int64(b.Frames) * frame
		err = sum.Add(b)
		b.Release()
		if err != nil {
			return nil, err
		}
	}
	f := audio.Format{Rate: s.Rate}
	seconds := func(frames int64) float64 { return f.Duration(frames).Seconds() }
	t := sum.Totals()
	c.Looked, c.Leading = seconds(t.Frames), seconds(t.Leading)
	if c.Whole = c.Whole || f.Duration(t.Frames) >= length; c.Whole {
		c.Trailing = seconds(t.Trailing)
	}
	c.Silence = round(float64(t.Silent) / math.Max(1, float64(t.Frames)))
	c.Peak = analysis.Floor
	for _, k := range t.Channels {
		k.DC = math.Round(k.DC*1e6)/1e6 + 0 // no -0
		c.Channels = append(c.Channels, probedChannel{Peak: round(k.Peak), DC: k.DC, Clipped: k.Clipped})
		c.Peak = math.Max(c.Peak, round(k.Peak))
		c.Clipped += k.Clipped
		if math.Abs(k.DC) > math.Abs(c.DC) {
			c.DC = k.DC
		}
	}
	return c, nil
}

func (c probedSound) line() string {
	s := describeSound(guess.Sound{Format: c.Format, Rate: c.Rate, Channels: c.Channels})
	if c.Rest > 0 {
		s += fmt.Sprintf(", %d bytes left over", c.Rest)
	}
	return s
}

// apart is how far the means of channels must differ to be told one by one.
const apart = 0.001

// print writes the content in a few lines; nothing if there is none.
func (c *probedContent) print(w io.Writer) {
	if c == nil {
		return
	}
	if !c.Whole {
		fmt.Fprintf(w, "  looked at the first %s only\n", player.ClockText(time.Duration(c.Looked*float64(time.Second))))
	}
	fmt.Fprintf(w, "  peak %s, DC offset %s", dbfs(c.Peak), c.offsets())
	if c.Clipped > 0 {
		fmt.Fprintf(w, ", %d samples clipped", c.Clipped)
	}
	switch {
	case c.Silence == 0:
		fmt.Fprint(w, ", no digital silence\n")
	default:
		fmt.Fprintf(w, "\n  digital silence %.4g %%", 100*c.Silence)
		if c.Leading > 0 {
			fmt.Fprintf(w, ", %.4g s at the beginning", c.Leading)
		}
		if c.Trailing > 0 {
			fmt.Fprintf(w, ", %.4g s at the end", c.Trailing)
		}
		fmt.Fprintln(w)
	}
}

// dbfs prints a level.
func dbfs(v float64) string {
	if v <= analysis.Floor {
		return "none"
	}
	return fmt.Sprintf("%.1f dBFS", v)
}

// offsets prints the mean of all channels, or of each if they differ.
func (c *probedContent) offsets() string {
	low, high := math.Inf(1), math.Inf(-1)
	var each []string
	for _, k := range c.Channels {
		low, high = math.Min(low, k.DC), math.Max(high, k.DC)
		each = append(each, offset(k.DC))
	}
	if high-low < apart {
		return offset(c.DC)
	}
	return strings.Join(each, " ")
}

func offset(v float64) string { return fmt.Sprintf("%.4f", math.Round(v*1e4)/1e4+0) }
