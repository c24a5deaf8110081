package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"planar/demux"
	"planar/demux/guess"
	"planar/player"
	"planar/render"
)

// probed is what planar probe says of one source.
type probed struct {
	Source     string            `json:"source"`
	Kind       string            `json:"kind"` // "raw video", "raw audio", "media"
	Bytes      int64             `json:"bytes,omitempty"`
	Remembered bool              `json:"remembered,omitempty"`       // the user's earlier choice takes part
	Candidates []probedCandidate `json:"candidates,omitempty"`       // of a raw video, best first
	Sounds     []probedSound     `json:"sound_candidates,omitempty"` // of raw sound, best first
	Format     string            `json:"format,omitempty"`
	Duration   float64           `json:"duration_s,omitempty"`
	Live       bool              `json:"live,omitempty"`
	Seekable   bool              `json:"seekable"`
	Streams    []probedStream    `json:"streams,omitempty"`
	Notes      []string          `json:"notes,omitempty"`
	Content    *probedContent    `json:"content,omitempty"` // of raw sound, as the first candidate has it
}

// probedCandidate is one reading of a headerless video.
type probedCandidate struct {
	Width       int      `json:"width"`
	Height      int      `json:"height"`
	PixelFormat string   `json:"pixel_format"`
	FPS         string   `json:"fps,omitempty"` // a fraction; none if nothing tells
	Matrix      string   `json:"matrix"`
	Range       string   `json:"range"`
	Frames      int64    `json:"frames"`
	Rest        int64    `json:"rest_bytes"`
	Score       float64  `json:"score"`
	Sure        bool     `json:"sure"`
	Reasons     []string `json:"reasons"`
}

type probedStream struct {
	Index       int     `json:"index"`
	Kind        string  `json:"kind"`
	Codec       string  `json:"codec"`
	Duration    float64 `json:"duration_s,omitempty"`
	Width       int     `json:"width,omitempty"`
	Height      int     `json:"height,omitempty"`
	PixelFormat string  `json:"pixel_format,omitempty"`
	FPS         string  `json:"fps,omitempty"`
	SAR         string  `json:"sar,omitempty"`
	Rotation    int     `json:"rotation,omitempty"`
	Matrix      string  `json:"matrix,omitempty"`
	Range       string  `json:"range,omitempty"`
	Siting      string  `json:"siting,omitempty"`
	Rate        int     `json:"sample_rate,omitempty"`
	Channels    int     `json:"channels,omitempty"`
	Sample      string  `json:"sample_format,omitempty"`
	Track       int     `json:"track"` // from 1 among the streams of its kind, as --audio-track has it
	Default     bool    `json:"default,omitempty"`
	Language    string  `json:"language,omitempty"`
	Title       string  `json:"title,omitempty"`
}

// describing are the flags of probe: those that say what a source is.
var describing = []string{
	"size", "pixel-format", "fps", "stride", "header-bytes", "frame-header-bytes", "matrix", "range", "siting",
	"sample-format", "sample-rate", "channels", "as", "forget", "rtsp-transport", "open-timeout", "log-level", "help",
}

func probeFlags(o *options, t *rawFlags) *pflag.FlagSet {
	f := flagSet(o, t)
	f.BoolVar(&o.asJSON, "json", false, "print JSON, a line for each source")
	f.VisitAll(func(fl *pflag.Flag) { fl.Hidden = !slices.Contains(describing, fl.Name) && fl.Name != "json" })
	return f
}

func probeHelp() string {
	return `Usage: planar probe [flags] SOURCE...

Says what a source is: its streams, or, of a headerless file, what it may be,
best first, with the reasons. Of raw sound it tells peak, DC offset, silence and
clipped samples too.

` + probeFlags(&options{}, &rawFlags{}).FlagUsages()
}

// probe is the command of that name.
func probe(ctx context.Context, o *options) int {
	_, log := openLog(o)
	open := newOpener(o, log)
	failed := 0
	for _, name := range o.sources {
		r, err := open.probe(ctx, name)
		if err == nil {
			err = print(os.Stdout, r, o.asJSON)
		}
		switch {
		case ctx.Err() != nil:
			return exitInterrupted
		case err != nil:
			log.Error(err.Error())
			failed++
		}
	}
	switch failed {
	case 0:
		return exitPlayed
	case len(o.sources):
		return exitCannotOpen
	}
	return exitSomeFailed
}

// probe looks at one source.
func (p *opener) probe(ctx context.Context, name string) (r probed, err error) {
	kind := p.content(name)
	if kind == demux.RawVideo {
		rank, err := p.rank(name)
		if err != nil {
			return r, err
		}
		r = probed{Source: name, Kind: "raw video", Bytes: max(0, rank.size), Remembered: rank.remembered, Seekable: rank.size >= 0}
		for _, c := range rank.candidates {
			r.Candidates = append(r.Candidates, describeCandidate(c))
		}
		if rank.remembered {
			p.o.raw.tellApart(r.Candidates)
		}
		if len(r.Candidates) == 0 {
			return r, fmt.Errorf("%s: raw video, and neither its name nor its content tells the picture size: give it with --size WxH", name)
		}
		return r, nil
	}
	if kind == demux.RawAudio && !demux.IsURL(name) {
		return p.probeSound(ctx, name)
	}
	src, err := p.openOne(ctx, name, kind)
	if err != nil {
		return r, err
	}
	defer src.Close()
	info := src.Info()
	r = probed{
		Source: demux.Redact(name), Kind: "media", Format: info.Format, Duration: info.Duration.Seconds(),
		Live: info.Live, Seekable: info.Seekable, Notes: info.Notes,
	}
	tracks := map[demux.Kind]int{}
	for _, s := range src.Streams() {
		tracks[s.Kind]++
		d := describeStream(s)
		d.Track = tracks[s.Kind]
		r.Streams = append(r.Streams, d)
	}
	return r, nil
}

// tellApart has the reasons say what was said earlier rather than now.
func (c rawChoice) tellApart(all []probedCandidate) {
	for _, k := range all {
		for i, r := range k.Reasons {
			earlier := strings.HasPrefix(r, "size ") && c.Width == 0 || strings.HasPrefix(r, k.PixelFormat+":") && c.PixelFormat == "" ||
				strings.Contains(r, " fps:") && !c.Rate.Known()
			if what, ok := strings.CutSuffix(r, ": given"); ok && earlier {
				k.Reasons[i] = what + ": remembered"
			}
		}
	}
}

func describeCandidate(c guess.Candidate) probedCandidate {
	colour := c.Colour.Resolve(c.Width, c.Height)
	return probedCandidate{
		Width: c.Width, Height: c.Height, PixelFormat: c.PixelFormat, FPS: fraction(c.Rate),
		Matrix: colour.Matrix.String(), Range: colour.Range.String(),
		Frames: c.Frames, Rest: c.Rest, Score: round(c.Score), Sure: c.Sure, Reasons: c.Reasons,
	}
}

func describeStream(s demux.Stream) probedStream {
	d := probedStream{Index: s.Index, Kind: s.Kind.String(), Codec: s.Codec, Duration: s.Duration.Seconds(), Default: s.Default, Language: s.Language, Title: s.Title}
	if s.Kind == demux.Audio {
		d.Rate, d.Channels, d.Sample = s.Sound.Rate, s.Sound.Channels, string(s.Sound.Sample)
		return d
	}
	d.Width, d.Height, d.PixelFormat, d.FPS, d.SAR, d.Rotation = s.Width, s.Height, s.PixelFormat, fraction(s.FrameRate), fraction(s.SAR), s.Rotation
	if s.Colour.Matrix != render.MatrixUnknown {
		d.Matrix = s.Colour.Matrix.String()
	}
	if s.Colour.Range != render.RangeUnknown {
		d.Range = s.Colour.Range.String()
	}
	if s.Colour.Siting != render.SitingUnknown {
		d.Siting = s.Colour.Siting.String()
	}
	return d
}

// fraction prints 30000/1001, or 25 for 25/1; nothing if it is unknown.
func fraction(r render.Rational) string {
	switch {
	case !r.Known():
		return ""
	case r.Den == 1:
		return fmt.Sprint(r.Num)
	}
	return fmt.Sprintf("%d/%d", r.Num, r.Den)
}

func print(w io.Writer, r probed, asJSON bool) error {
	if asJSON {
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", b)
		return err
	}
	var b strings.Builder
	b.WriteString(demux.OneLine(r.Source) + ": " + r.Kind)
	if r.Format == r.Kind {
		r.Format = ""
	}
	for _, s := range []string{r.Format, count(r.Bytes, "bytes")} {
		if s != "" {
			b.WriteString(", " + s)
		}
	}
	if r.Duration > 0 {
		b.WriteString(", " + player.ClockText(time.Duration(r.Duration*float64(time.Second))))
	}
	if r.Live {
		b.WriteString(", live")
	}
	b.WriteString("\n")
	for _, n := range r.Notes {
		b.WriteString("  note: " + n + "\n")
	}
	for _, s := range r.Streams {
		b.WriteString("  " + s.line() + "\n")
	}
	if r.Remembered {
		b.WriteString("  was opened with flags before, which are remembered: flags given now win, --forget forgets them\n")
	}
	t := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	for i, c := range r.Candidates {
		fmt.Fprintf(t, "%2d.\t%.2f\t%dx%d\t%s\t%s\t%s\n", i+1, c.Score, c.Width, c.Height, c.PixelFormat, c.fit(), strings.Join(c.Reasons, "; "))
	}
	r.Content.print(&b)
	for i, c := range r.Sounds {
		fmt.Fprintf(t, "%2d.\t%.2f\t%s\t%s\t%s\n", i+1, c.Score, c.line(), count(c.Frames, "frames"), strings.Join(c.Reasons, "; "))
	}
	t.Flush()
	_, err := io.WriteString(w, b.String())
	return err
}

func count(n int64, what string) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", n, what)
}

// fit tells how often a frame goes into the file, and the rate.
func (c probedCandidate) fit() string {
	s := fmt.Sprintf("%d frames", c.Frames)
	if c.Rest > 0 {
		s += fmt.Sprintf(" + %d bytes", c.Rest)
	}
	if c.FPS != "" {
		s += " at " + c.FPS + " fps"
	}
	return s
}

func (s probedStream) line() string {
	f := []string{fmt.Sprintf("%d: %s %s", s.Index, s.Kind, s.Codec)}
	add := func(format string, a ...any) { f = append(f, fmt.Sprintf(format, a...)) }
	if s.Width > 0 {
		add("%dx%d", s.Width, s.Height)
	}
	for _, v := range []string{s.PixelFormat, s.Sample} {
		if v != "" {
			add("%s", v)
		}
	}
	if s.FPS != "" {
		add("%s fps", s.FPS)
	}
	if s.SAR != "" && s.SAR != "1" {
		add("SAR %s", s.SAR)
	}
	if s.Rotation != 0 {
		add("turned by %d degrees", s.Rotation)
	}
	for _, v := range []string{s.Matrix, s.Range, s.Siting} {
		if v != "" {
			add("%s", v)
		}
	}
	if s.Rate > 0 {
		add("%d Hz, %s", s.Rate, channelCount(s.Channels))
	}
	if s.Language != "" {
		add("language %s", s.Language)
	}
	if s.Title != "" {
		add("%q", s.Title)
	}
	return strings.Join(f, ", ")
}
