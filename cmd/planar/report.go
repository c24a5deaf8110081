package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"planar/player"
	"planar/render"
)

// subject is what a reporter tells about: playback, or publishing.
type subject interface {
	// status is the terminal's status line.
	status() string
	// line is a line of --stats, which is written as JSON.
	line(process) any
}

// process is what every line of --stats says of the program.
type process struct {
	elapsed time.Duration
	final   bool
	cpu     float64 // seconds per second since the line before
}

// reporter tells once in a while how it goes: in the status line, and as JSON lines
// for --stats.
type reporter struct {
	of   subject
	term *console
	file *os.File // nil without --stats
	own  bool     // file is to be closed
	quit chan struct{}
	done chan error
	cpu  time.Duration
	at   time.Time
	from time.Time
}

const statusEvery = 200 * time.Millisecond

func newReporter(stats string, of subject, term *console) (*reporter, error) {
	r := &reporter{of: of, term: term, quit: make(chan struct{}), done: make(chan error, 1), at: time.Now(), from: time.Now(), cpu: cpuTime()}
	switch stats {
	case "":
	case "-":
		r.file = os.Stdout
	default:
		f, err := os.Create(stats)
		if err != nil {
			return nil, fmt.Errorf("--stats: cannot write: %w", err)
		}
		r.file, r.own = f, true
	}
	go r.loop()
	return r, nil
}

// close writes the final line and ends the reporter.
func (r *reporter) close() error {
	close(r.quit)
	return <-r.done
}

func (r *reporter) loop() {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	var status <-chan time.Time
	if r.term.terminal {
		t := time.NewTicker(statusEvery)
		defer t.Stop()
		status = t.C
	}
	var err error
	for {
		select {
		case <-status:
			r.term.setStatus(r.of.status())
			continue
		case <-second.C:
			if r.file != nil && err == nil {
				err = r.write(false)
			}
			continue
		case <-r.quit:
		}
		r.term.setStatus("")
		if r.file != nil && err == nil {
			err = r.write(true)
		}
		if r.own {
			if e := r.file.Close(); err == nil {
				err = e
			}
		}
		if err != nil {
			err = fmt.Errorf("--stats: cannot write: %w", err)
		}
		r.done <- err
		return
	}
}

// statsLine is one line of --stats. Times are in the unit of their names;
// counters are since the start.
type statsLine struct {
	Elapsed      float64   `json:"elapsed_s"`
	Final        bool      `json:"final"`
	Source       string    `json:"source"`
	State        string    `json:"state"`
	Frame        int64     `json:"frame"`
	PTS          float64   `json:"pts_s"`
	Duration     float64   `json:"duration_s"`
	Width        int       `json:"width"`
	Height       int       `json:"height"`
	PixelFormat  string    `json:"pixel_format"`
	Matrix       string    `json:"matrix"`
	Range        string    `json:"range"`
	Siting       string    `json:"siting"`
	Assumed      []string  `json:"assumed"` // of the three: what neither flags nor the source say
	Shown        int64     `json:"shown"`
	Dropped      int64     `json:"dropped"`
	Late         int64     `json:"late"`
	Duplicated   int64     `json:"duplicated"`
	Decoded      int64     `json:"decoded"`
	DecodeErrors int64     `json:"decode_errors"`
	AVDiff       *float64  `json:"av_diff_ms"` // picture minus sound; null if there is no sound
	Lateness     float64   `json:"lateness_ms"`
	VideoPackets int       `json:"video_packets"`
	AudioPackets int       `json:"audio_packets"`
	Frames       int       `json:"frames_queued"`
	SoundQueued  float64   `json:"audio_queued_ms"`
	Latency      float64   `json:"audio_latency_ms"` // of the device
	Underruns    int64     `json:"underruns"`
	Stalls       int64     `json:"stalls"` // times that playback waited for a slow disk or network
	Reconnects   int64     `json:"reconnects"`
	Skips        int64     `json:"skips"`
	Momentary    *float64  `json:"loudness_momentary_lufs,omitempty"` // EBU R 128, of the sound in the source; absent if not known
	ShortTerm    *float64  `json:"loudness_short_term_lufs,omitempty"`
	Integrated   *float64  `json:"loudness_integrated_lufs,omitempty"` // since the source began
	LoudRange    *float64  `json:"loudness_range_lu,omitempty"`
	SamplePeak   *float64  `json:"sample_peak_dbfs,omitempty"`
	TruePeak     *float64  `json:"true_peak_dbtp,omitempty"`
	Speed        float64   `json:"speed"`
	Bitrate      float64   `json:"bitrate"` // bits per second, this and the next three over the last second
	FPSReceived  float64   `json:"fps_received"`
	FPSDecoded   float64   `json:"fps_decoded"`
	FPSShown     float64   `json:"fps_shown"`
	Reorder      float64   `json:"stage_reorder_ms"` // means over the latest pictures
	Decode       float64   `json:"stage_decode_ms"`
	Queue        float64   `json:"stage_queue_ms"`
	Present      float64   `json:"stage_present_ms"`
	Live         *liveLine `json:"live,omitempty"`
	BytesRead    int64     `json:"bytes_read"`
	CPU          float64   `json:"cpu"` // CPU seconds per second, since the line before
	RSS          float64   `json:"rss_mb"`
}

func (r *reporter) write(final bool) error {
	now, cpu := time.Now(), cpuTime()
	p := process{now.Sub(r.from), final, round((cpu - r.cpu).Seconds() / max(1e-3, now.Sub(r.at).Seconds()))}
	r.at, r.cpu = now, cpu
	b, err := json.Marshal(r.of.line(p))
	if err != nil {
		return err
	}
	_, err = r.file.Write(append(b, '\n'))
	return err
}

// playback tells of a player.
type playback struct{ *player.Player }

func (p playback) status() string { return statusLine(p.Stats()) }

func (p playback) line(proc process) any {
	st := p.Stats()
	ms := milliseconds
	line := statsLine{
		Elapsed: round(proc.elapsed.Seconds()), Final: proc.final, Source: st.Source, State: st.State, Frame: st.Frame,
		PTS: st.PTS.Seconds(), Duration: st.Duration.Seconds(), Shown: st.Shown, Dropped: st.Dropped, Late: st.Late,
		Duplicated: st.Duplicated, Decoded: st.Decoded, DecodeErrors: st.DecodeErrors, Lateness: ms(st.Lateness),
		VideoPackets: st.VideoPackets, AudioPackets: st.AudioPackets, Frames: st.Frames, SoundQueued: ms(st.SoundQueued), Latency: ms(st.DeviceLatency),
		Width: st.Look.Width, Height: st.Look.Height, PixelFormat: st.Look.Format, Matrix: st.Look.Colour.Matrix.String(),
		Range: st.Look.Colour.Range.String(), Siting: st.Look.Colour.Siting.String(), Assumed: assumed(st.Look.Said),
		Underruns: st.Underruns, Stalls: st.Stalls, Reconnects: st.Reconnects, Skips: st.Skips, Speed: st.Speed,
		Bitrate: st.Rates.Bits, FPSReceived: st.Rates.Received, FPSDecoded: st.Rates.Decoded, FPSShown: st.Rates.Shown,
		Reorder: ms(st.Stages.Reorder), Decode: ms(st.Stages.Decode), Queue: ms(st.Stages.Queue), Present: ms(st.Stages.Present),
		Live:      liveLineOf(st.Live),
		BytesRead: st.Bytes, CPU: proc.cpu, RSS: round(residentMB()),
	}
	if st.AVKnown {
		d := ms(st.AVDiff)
		line.AVDiff = &d
	}
	if l := st.Loudness; l != nil {
		line.Momentary, line.ShortTerm, line.Integrated = figure(l.Momentary), figure(l.ShortTerm), figure(l.Integrated)
		line.LoudRange, line.SamplePeak, line.TruePeak = figure(l.Range), figure(l.SamplePeak), figure(l.TruePeak)
	}
	return line
}

// silent is what digital silence is told as, in dB: JSON has no infinity.
const silent = -200

// figure is a figure of loudness as JSON takes it, nil if it is not known.
func figure(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	v = round(min(max(v, silent), -silent))
	return &v
}

// assumed names the parts of a colour that were not said.
func assumed(said render.Colour) []string {
	all := []string{}
	if said.Matrix == render.MatrixUnknown {
		all = append(all, "matrix")
	}
	if said.Range == render.RangeUnknown {
		all = append(all, "range")
	}
	if said.Siting == render.SitingUnknown {
		all = append(all, "siting")
	}
	return all
}

func round(v float64) float64 {
	f, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 3, 64), 64)
	return f
}

// statusLine is what the terminal shows while playing.
func statusLine(st player.Stats) string {
	if st.State == "opening" {
		return "opening ..."
	}
	var b strings.Builder
	b.WriteString(player.ClockText(st.PTS))
	if st.Duration > 0 {
		b.WriteString(" / " + player.ClockText(st.Duration))
	}
	if st.Frame >= 0 {
		fmt.Fprintf(&b, "  #%d", st.Frame)
	}
	if st.AVKnown {
		fmt.Fprintf(&b, "  A-V %+.1f ms", -float64(st.AVDiff.Microseconds())/1000)
	}
	fmt.Fprintf(&b, "  dropped %d", st.Dropped)
	if st.Speed != 1 && st.Speed > 0 {
		fmt.Fprintf(&b, "  %.2fx", st.Speed)
	}
	if l := st.Live; l != nil {
		fmt.Fprintf(&b, "  target %.0f ms", milliseconds(l.Target))
		for _, t := range l.Reception.Tracks {
			if t.Lost > 0 {
				fmt.Fprintf(&b, "  %s lost %.2f %%", t.Kind, 100*t.Loss())
			}
		}
	}
	if st.State != "playing" {
		b.WriteString("  " + st.State)
	}
	return b.String()
}

// cpuTime is what this process has used of the processors.
func cpuTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// residentMB is the process's resident memory in megabytes (1e6 bytes), 0 where
// the system does not tell.
func residentMB() float64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseFloat(f[1], 64)
	return pages * float64(os.Getpagesize()) / 1e6
}
