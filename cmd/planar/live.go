package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"time"

	"planar/demux"
	"planar/demux/ffmpeg"
	"planar/demux/rtsp"
	"planar/player"
)

// isRTSP reports whether a source is an RTSP server's.
func isRTSP(name string) bool {
	scheme, _, ok := strings.Cut(name, "://")
	return ok && (strings.EqualFold(scheme, "rtsp") || strings.EqualFold(scheme, "rtsps"))
}

// openRTSP opens a stream of an RTSP server, without FFmpeg's demuxer.
func (p *opener) openRTSP(ctx context.Context, name string) (demux.Source, error) {
	if p.o.tls != nil && p.o.tls.InsecureSkipVerify && strings.EqualFold(name[:6], "rtsps:") {
		if _, told := p.once.LoadOrStore("insecure "+name, true); !told {
			p.note(demux.OneLine(demux.Redact(name)) + ": --tls-insecure: the certificate is NOT checked; anybody on the way may read and change this stream")
		}
	}
	go ffmpeg.Preload() // while the server is asked
	src, err := rtsp.Open(ctx, name, rtsp.Options{
		Transport: p.o.rtspTransport, OpenTimeout: p.o.openTimeout, TLS: p.o.tls, ShowDamaged: p.o.showDamaged,
		NoVideo: p.o.noVideo, NoAudio: p.o.noAudio, Log: p.log,
		VideoDecoder: func(s demux.Stream, extradata []byte) (demux.VideoDecoder, error) {
			return ffmpeg.NewVideoDecoder(ffmpeg.VideoParams{Codec: s.Codec, Extradata: extradata, Width: s.Width, Height: s.Height, Live: true})
		},
		AudioDecoder: func(s demux.Stream, extradata []byte) (demux.AudioDecoder, error) {
			return ffmpeg.NewAudioDecoder(ffmpeg.AudioParams{Codec: s.Codec, Extradata: extradata, Rate: s.Sound.Rate, Channels: s.Sound.Channels, Layout: s.Sound.Layout, Live: true})
		},
	})
	if err != nil {
		return nil, err
	}
	return src, nil
}

// tlsConfig is what --tls-ca and --tls-insecure say; nil if they say nothing.
func tlsConfig(file string, insecure bool) (*tls.Config, error) {
	if file == "" && !insecure {
		return nil, nil
	}
	c := &tls.Config{InsecureSkipVerify: insecure}
	if file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-ca: %s holds no certificate in PEM form", file)
		}
	}
	return c, nil
}

// liveLine is what --stats says of a live source.
type liveLine struct {
	Transport string      `json:"transport"` // "" if FFmpeg receives it
	Target    float64     `json:"latency_target_ms"`
	Behind    float64     `json:"behind_target_ms"`
	Allowance float64     `json:"jitter_allowance_ms"`
	ToScreen  *float64    `json:"capture_to_screen_ms"` // null while the sender's clock is not known or not set
	Lost      float64     `json:"signal_lost_s"`
	Cause     string      `json:"reconnect_cause"` // of the latest loss
	Switches  int64       `json:"transport_switches"`
	Unplayed  int64       `json:"unplayed"` // packets dropped before the decoder
	Overflow  int64       `json:"overflow"`
	ReportAge *float64    `json:"sender_report_age_s"`
	Offset    *float64    `json:"clock_offset_ms"` // from here to the sender's clock and the way from it
	Clock     string      `json:"clock"`           // "unknown", "synchronised", "not synchronised"
	Tracks    []liveTrack `json:"tracks"`
}

type liveTrack struct {
	Kind        string  `json:"kind"`
	Codec       string  `json:"codec"`
	Packets     int64   `json:"rtp_packets"`
	Bytes       int64   `json:"bytes"`
	Units       int64   `json:"access_units"`
	Lost        int64   `json:"lost"`
	LossAll     float64 `json:"loss_percent"`
	LossNow     float64 `json:"loss_percent_1s"`
	Late        int64   `json:"late"`
	Reordered   int64   `json:"reordered"`
	Duplicated  int64   `json:"duplicated"`
	Damaged     int64   `json:"damaged"`
	Restarts    int64   `json:"sender_restarts"`
	Jitter      float64 `json:"jitter_ms"`
	ReorderWait float64 `json:"reorder_bound_ms"`
	KeyInterval float64 `json:"key_frame_interval_s"`
	Held        int64   `json:"held_back"`
	Waiting     float64 `json:"key_frame_awaited_s"`
}

// liveLineOf is nil for a source that is not live.
func liveLineOf(l *player.Live) *liveLine {
	if l == nil {
		return nil
	}
	r := l.Reception
	line := &liveLine{
		Transport: r.Transport, Target: milliseconds(l.Target), Behind: milliseconds(l.Behind), Allowance: milliseconds(l.Allowance),
		Lost: round(l.Lost.Seconds()), Cause: l.Cause, Switches: r.Switches, Overflow: r.Overflow, Unplayed: l.Unplayed, Clock: "unknown", Tracks: []liveTrack{},
	}
	if l.Captured && r.Clock.Plausible {
		v := milliseconds(l.ToScreen)
		line.ToScreen = &v
	}
	if r.Clock.Known {
		age, offset := round(r.Clock.Age.Seconds()), milliseconds(r.Clock.Offset)
		line.ReportAge, line.Offset, line.Clock = &age, &offset, "not synchronised"
		if r.Clock.Plausible {
			line.Clock = "synchronised"
		}
	}
	for _, t := range r.Tracks {
		line.Tracks = append(line.Tracks, liveTrack{
			Kind: t.Kind.String(), Codec: t.Codec, Packets: t.Packets, Bytes: t.Bytes, Units: t.Units, Lost: t.Lost,
			LossAll: round(100 * t.Loss()), LossNow: round(100 * t.LossNow), Late: t.Late, Reordered: t.Reordered,
			Duplicated: t.Duplicated, Damaged: t.Damaged, Restarts: t.Restarts, Jitter: milliseconds(t.Jitter),
			ReorderWait: milliseconds(t.ReorderWait), KeyInterval: round(t.KeyInterval.Seconds()), Held: t.Held, Waiting: round(t.Waiting.Seconds()),
		})
	}
	return line
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
