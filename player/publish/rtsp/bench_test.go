//go:build unix

package rtsp

import (
	"bufio"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"planar/player/publish"
)

// second is what a channel of 640x360 at 500 kbit/s with 64 kbit/s of AAC sends in a
// second: 25 pictures and 47 frames of sound, more or less in turn.
func second() (units []*publish.Unit) {
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 25 {
		pts := time.Duration(i) * 40 * time.Millisecond
		u := nalUnits(pts, noise(r, 2000, 0x41))
		if i == 0 {
			u = nalUnits(pts, h264SPS, h264PPS, noise(r, 14_500, 0x65))
		}
		units = append(units, u)
	}
	for i := range 47 {
		pts := time.Duration(i) * 1024 * time.Second / 48000
		units = append(units, &publish.Unit{Stream: 1, PTS: pts, DTS: pts, Key: true, Data: noise(r, 170)})
	}
	return units
}

// startRecorder starts a server in a process of its own.
func startRecorder(b *testing.B) (url string) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), recorderVariable+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPush64 sends a second of 64 channels in each turn, as fast as the server
// takes it.
func BenchmarkPush64(b *testing.B) {
	const channels = 64
	url := startRecorder(b)
	var conns []publish.Connection
	for range channels {
		conns = append(conns, connect(b, url, TargetOptions{}, both))
	}
	units := second()
	b.ReportAllocs()
	began := cpu(b)
	for b.Loop() {
		for _, u := range units {
			for _, c := range conns {
				if err := c.Write(u); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	perSecond := float64((cpu(b) - began).Nanoseconds()) / float64(b.N) / channels
	b.ReportMetric(perSecond/float64(len(units)), "cpu-ns/unit")
	b.ReportMetric(perSecond/1e7, "%cpu/channel")
}
