package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"planar/internal/rtsptest"
	"planar/player"
	"planar/player/clock"
	"planar/render/null"
)

// BenchmarkStreams plays 16 live streams of 640x360 at 25 fps in one process. What
// sending them costs, which is in this process too, is counted in.
func BenchmarkStreams(b *testing.B) {
	const streams, length = 16, 10 * time.Second
	clip := rtsptest.NewClip(b, "h264", 640, 360, 25, 250, "-preset", "veryfast", "-tune", "zerolatency", "-bf", "0", "-g", "25", "-b:v", "800k")
	camera := &rtsptest.Camera{Medias: rtsptest.Medias(clip.Media())}
	camera.Start(b)
	defer camera.Stop()
	sending, stop := context.WithCancel(b.Context())
	sender := camera.Sender(b, 0, 1)
	var sent sync.WaitGroup
	sent.Go(func() {
		for at := time.Duration(0); sending.Err() == nil; {
			at = sender.Play(sending, clip, at)
		}
	})
	defer sent.Wait()
	defer stop()
	for b.Loop() {
		o, t := &options{}, &rawFlags{}
		err := parseArgs(flagSet(o, t), o, t, []string{"--vo", "null", "--no-audio", "--rtsp-transport", "udp", camera.URL()})
		if err != nil {
			b.Fatal(err)
		}
		enough := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(b.Context(), length, enough)
		var players []*player.Player
		var playing sync.WaitGroup
		began := cpuTime()
		for range streams {
			p := player.New(player.Config{
				Open: newOpener(o, slog.New(slog.DiscardHandler)).open, Video: null.New(), Time: clock.Real(),
				Log: slog.New(slog.DiscardHandler), NoAudio: true, Reconnect: true,
			})
			players = append(players, p)
			playing.Go(func() {
				if _, err := p.Run(ctx, []string{camera.URL()}); !errors.Is(err, enough) {
					b.Error(err)
				}
			})
		}
		playing.Wait()
		cancel()
		least := int64(1 << 60)
		for _, p := range players {
			least = min(least, p.Stats().Shown)
		}
		b.ReportMetric((cpuTime()-began).Seconds()/length.Seconds()/streams, "cpu/stream")
		b.ReportMetric(residentMB()/streams, "MB/stream")
		b.ReportMetric(float64(least), "pictures")
		if want := int64(length/time.Second-2) * 25; least < want {
			b.Errorf("%s", fmt.Sprintf("only %d pictures of %d were shown", least, want))
		}
	}
}
