package e2e

import (
	"flag"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/jfreymuth/pulse/proto"
	"github.com/pion/rtp"
)

// promises plays tones as planar does not, and compares what the rig hears with what the
// server promises to the player of them. It returns what is wrong.
func promises(t *testing.T, r *rig) string {
	r.forget()
	const rounds = 15
	pcm := append(make([]byte, syncRate/2*4), syncSound(rounds*beatFrames)...) // a monitor may miss a stream's first milliseconds
	var c *proto.Client
	var stream proto.CreatePlaybackStreamReply
	feed := func(n int) { // called by one goroutine at a time
		n = min(n, len(pcm))
		_ = c.Send(stream.StreamIndex, pcm[:n])
		pcm = pcm[n:]
	}
	begun := make(chan struct{})
	c = pulseClient(t, func(msg any) {
		if m, ok := msg.(*proto.Request); ok {
			<-begun
			feed(int(m.Length))
		}
	})
	if err := c.Request(&proto.CreatePlaybackStream{
		SampleSpec: proto.SampleSpec{Format: proto.FormatInt16LE, Channels: 2, Rate: syncRate}, ChannelMap: proto.ChannelMap{proto.ChannelLeft, proto.ChannelRight},
		SinkIndex: proto.Undefined, BufferMaxLength: proto.Undefined, BufferTargetLength: syncRate / 20 * 4, BufferPrebufferLength: proto.Undefined,
		BufferMinimumRequest: proto.Undefined, AdjustLatency: true, Properties: proto.PropList{}, ChannelVolumes: proto.ChannelVolumes{0x10000, 0x10000},
	}, &stream); err != nil {
		t.Fatal(err)
	}
	feed(int(stream.BufferTargetLength))
	close(begun)
	promised := &monitor{}
	every(t, 20*time.Millisecond, func() {
		var l proto.GetPlaybackLatencyReply
		if c.Request(&proto.GetPlaybackLatency{StreamIndex: stream.StreamIndex}, &l) == nil && l.Running {
			promised.add(l.ReadIndex/4, wall(l.ReplyTime).Add(micro(l.Latency)))
		}
	})
	time.Sleep(4 * time.Second)
	var apart []pair
	k := 0
	for _, found := range findTones(r.sound.recorded()) {
		for k%tones != found.beat { // a busy machine loses some
			k++
		}
		if k >= rounds {
			break
		}
		d := r.sound.heard(found.middle).Sub(promised.heard(syncRate/2 + float64(k)*beatLength + toneTime/2*syncRate))
		apart = append(apart, pair{apart: d.Seconds() * 1000})
	}
	s := skewOf(apart)
	t.Logf("recorded minus promised, ms: %v", s)
	if s.n < rounds*2/3 || math.Abs(s.median) > 1 || s.spread > 3 {
		return fmt.Sprintf("recorded minus promised: %v, want %d tones, a median within 1 ms, and a spread of less than 3", s, rounds)
	}
	return ""
}

// The bounds of what is asserted, in ms. Where nothing disturbs, a tenth is reached; a
// busy machine shows pictures late, and wakes sound threads late.
const (
	medianBound = 10
	spreadBound = 15
	saidBound   = 5 // of what planar says, against what is measured
)

// full makes the scenes as long as good statistics need, long has one that shows drift.
var (
	full = flag.Bool("sync.full", false, "measure sound against picture for longer")
	long = flag.Duration("sync.long", 0, "measure sound against picture for so long, a line a minute")
)

// scene is a part of a run, that begins when something has been done.
type scene struct {
	name  string
	from  time.Time // after the keys that begin it
	to    time.Time // before those that end it
	speed float64
	told  bool // what is measured is told, not judged
}

// take is one run of planar on a rig.
type take struct {
	*rig
	t      *testing.T
	w      *window
	sound  *monitor // of the sink that is played on
	scenes []scene
	past   []pair // of a monitor that is no longer listened to
}

// start plays from the first scene on.
func (r *rig) start(t *testing.T, first scene, long time.Duration, args ...string) *take {
	t.Helper()
	r.forget()
	r.screen.t = t
	d := &take{rig: r, t: t, sound: r.sound}
	first.from = time.Now()
	d.scenes = []scene{first}
	d.w = r.play(args...)
	d.wait(long)
	return d
}

func (d *take) wait(long time.Duration) {
	if *full {
		long *= 2
	}
	time.Sleep(long)
}

// scene begins another scene with keys.
func (d *take) scene(s scene, long time.Duration, keys ...string) {
	d.t.Helper()
	d.scenes[len(d.scenes)-1].to = time.Now()
	if len(keys) > 0 {
		d.w.press(keys...)
	}
	s.from = time.Now()
	d.scenes = append(d.scenes, s)
	d.wait(long)
}

// speed is how fast was played at a time.
func (d *take) speed(at time.Time) float64 {
	v := 1.0
	for _, s := range d.scenes {
		if at.After(s.from) {
			v = s.speed
		}
	}
	return v
}

// ends quits, and judges how far apart sound and picture were in each scene, and what
// planar itself says of that. It returns what is wrong.
func (d *take) ends() (wrong string) {
	d.t.Helper()
	d.scenes[len(d.scenes)-1].to = time.Now()
	pairs := append(d.past, d.pairs(d.sound, d.speed)...)
	d.w.press("q")
	out := d.w.result(5 * time.Second).stdout
	calm, judged := true, 0
	var usual []pair
	for _, s := range d.scenes {
		var mine []pair
		for _, p := range pairs {
			// A key works before the program that presses it has ended.
			if p.shown.After(s.from.Add(-100*ms)) && p.shown.Before(s.to.Add(-50*ms)) {
				mine = append(mine, p)
			}
		}
		if s.speed == 1 && !s.told {
			usual = append(usual, mine...)
		}
		k, gap := skewOf(mine), d.longest(s.from, s.to)
		mark := " "
		if gap > disturbed {
			mark, calm = "~", false
		}
		d.t.Logf("%s %-22s %v\n  %s", mark, s.name, k, list(mine, s.from))
		if !s.told && gap <= disturbed {
			judged++
		}
		if !s.told && gap <= disturbed && (k.n < 3 || math.Abs(k.median) > medianBound || k.spread > spreadBound) {
			wrong += fmt.Sprintf("%s: sound minus picture: %v ms; want 3 pairs, a median within %v and a spread within %v\n", s.name, k, medianBound, spreadBound)
		}
	}
	var said []float64
	for _, s := range allStats(d.t, out) {
		if s.AVDiff != nil && s.State == "playing" {
			said = append(said, *s.AVDiff)
		}
	}
	switch {
	case !slices.ContainsFunc(d.scenes, func(s scene) bool { return !s.told }):
		return wrong
	case judged == 0:
		return tooBusy
	case len(usual) == 0:
		return wrong
	}
	if len(said) == 0 {
		return wrong + fmt.Sprintf("%d figures of planar's own, %d pairs", len(said), len(usual))
	}
	text := fmt.Sprintf("%.1f", said)
	slices.Sort(said)
	own, measured, last := said[len(said)/2], skewOf(usual).median, lastStats(d.t, out)
	d.t.Logf("planar says %+.2f ms, measured %+.2f ms; shown %d, dropped %d, late %d, underruns %d; %s", own, measured, last.Shown, last.Dropped, last.Late, last.Underruns, text)
	if calm && last.Underruns == 0 && math.Abs(own-measured) > saidBound {
		wrong += fmt.Sprintf("planar says that sound and picture are %+.2f ms apart, measured are %+.2f", own, measured)
	}
	return wrong
}

// tooBusy is what is wrong where no scene could be judged.
const tooBusy = "the machine is too busy to measure anything"

// disturbed is how long nobody may have looked at the screen, or the machine was too
// busy to judge.
const disturbed = 25 * time.Millisecond

func syncPair(t *testing.T, n int) []string {
	return []string{
		"-s", fmt.Sprintf("%dx%d", syncW, syncH), "-f", "yuv420p", "-r", fmt.Sprint(syncFPS),
		"--audio", write(t, "sync.pcm", syncSound(n)), write(t, "sync.yuv", syncVideo(n)),
	}
}

func syncMovie(t *testing.T, n int) string {
	t.Helper()
	pair := syncPair(t, n)
	path := filepath.Join(t.TempDir(), "sync.mp4")
	ffmpeg(t, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", pair[1], "-r", pair[5], "-i", pair[8], "-f", "s16le", "-ar", fmt.Sprint(syncRate), "-ac", "2", "-i", pair[7],
		"-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-bf", "0", "-c:a", "aac", "-b:a", "160k", path)
	return path
}

const ms = time.Millisecond

// Sound and picture from outside, in all that a person does to a running player. It
// runs alone: what is measured are milliseconds.
func TestSync(t *testing.T) {
	r := newRig(t)
	clip := syncPair(t, 40*syncFPS)
	sub := func(name string, f func(*testing.T) (wrong string)) {
		t.Run(name, func(t *testing.T) {
			const attempts = 3
			for attempt := 1; ; attempt++ {
				wrong := f(t)
				switch {
				case wrong == "":
					return
				case attempt == attempts && wrong == tooBusy:
					t.Skip(wrong)
				case attempt == attempts:
					t.Error(wrong)
					return
				}
				t.Logf("once more: %s", wrong)
			}
		})
	}
	if *long > 0 {
		sub("long", func(t *testing.T) string {
			d := r.start(t, scene{name: "minute 1", speed: 1}, time.Minute, append(clip, "--loop", "inf")...)
			for n := 2; time.Duration(n)*time.Minute <= *long; n++ {
				d.scene(scene{name: fmt.Sprint("minute ", n), speed: 1}, time.Minute)
			}
			return d.ends()
		})
		return
	}
	sub("rig", func(t *testing.T) string { return promises(t, r) })
	sub("pair", func(t *testing.T) string {
		d := r.start(t, scene{name: "start", speed: 1}, 2500*ms, clip...)
		d.scene(scene{name: "seek forward", speed: 1}, 1500*ms, "Right")
		d.scene(scene{name: "seek back", speed: 1}, 1500*ms, "Left")
		d.scene(scene{name: "a pause", speed: 1, told: true}, 300*ms, "space")
		d.scene(scene{name: "after a short pause", speed: 1}, 1500*ms, "space")
		d.scene(scene{name: "a pause", speed: 1, told: true}, 3000*ms, "space")
		d.scene(scene{name: "after a long pause", speed: 1}, 1500*ms, "space")
		return d.ends()
	})
	// Changes take a moment to be heard, and stretching moves short tones about: how far is
	// told.
	sub("speeds", func(t *testing.T) string {
		const faster = 1.1 * 1.1 * 1.1 * 1.1 * 1.1 * 1.1 * 1.1
		d := r.start(t, scene{name: "start", speed: 1}, 1000*ms, clip...)
		d.scene(scene{name: "faster", speed: faster, told: true}, 2000*ms, slices.Repeat([]string{"bracketright"}, 7)...)
		d.scene(scene{name: "normal again", speed: 1, told: true}, 1200*ms, "BackSpace")
		d.scene(scene{name: "slower", speed: 1 / faster, told: true}, 3000*ms, slices.Repeat([]string{"bracketleft"}, 7)...)
		d.scene(scene{name: "normal again", speed: 1, told: true}, 500*ms, "BackSpace")
		d.scene(scene{name: "normal", speed: 1}, 1000*ms)
		return d.ends()
	})
	if *full {
		for _, speed := range []float64{0.5, 0.9, 1.1, 1.5, 2} {
			sub(fmt.Sprint("speed ", speed), func(t *testing.T) string {
				d := r.start(t, scene{name: "start", speed: speed}, 3000*ms, append(clip, "--speed", fmt.Sprint(speed))...)
				return d.ends()
			})
		}
		sub("loop of a pair", func(t *testing.T) string {
			d := r.start(t, scene{name: "first round", speed: 1}, 2200*ms, append(syncPair(t, 4*syncFPS), "--loop", "inf")...)
			d.scene(scene{name: "more rounds", speed: 1}, 3000*ms)
			return d.ends()
		})
	}
	// A file is as long as its longest stream: AAC's last frame reaches over the end.
	sub("loop of a movie", func(t *testing.T) string {
		round := 2 * syncFPS
		if *full {
			round *= 2
		}
		d := r.start(t, scene{name: "first round", speed: 1}, 2200*ms, "--loop", "inf", syncMovie(t, round))
		d.scene(scene{name: "more rounds", speed: 1}, 3000*ms)
		return d.ends()
	})
	if *full {
		sub("movie", func(t *testing.T) string {
			d := r.start(t, scene{name: "start", speed: 1}, 2000*ms, syncMovie(t, 40*syncFPS))
			d.scene(scene{name: "seek forward", speed: 1}, 1500*ms, "Right")
			d.scene(scene{name: "seek back", speed: 1}, 1500*ms, "Left")
			d.scene(scene{name: "a pause", speed: 1, told: true}, 1000*ms, "space")
			d.scene(scene{name: "after a pause", speed: 1}, 1500*ms, "space")
			return d.ends()
		})
	}
	sub("live", func(t *testing.T) string { return live(t, r, "udp") })
	if *full {
		sub("live over TCP", func(t *testing.T) string { return live(t, r, "tcp") })
	}
	// Another sink takes the stream over, as when a person chooses one in the mixer.
	sub("moved", func(t *testing.T) string {
		d := r.start(t, scene{name: "start", speed: 1}, 1500*ms, clip...)
		module := pactl(t, "load-module", "module-null-sink", "sink_name=other", "format=s16le", "rate=48000", "channels=2")
		other := newMonitor(t, "other.monitor")
		time.Sleep(100 * ms)
		input := strings.Fields(pactl(t, "list", "short", "sink-inputs"))
		d.past = d.pairs(d.sound, d.speed)
		pactl(t, "move-sink-input", input[0], "other")
		d.sound = other
		d.scene(scene{name: "moved to 48 kHz", speed: 1}, 3000*ms)
		defer pactl(t, "unload-module", module)
		return d.ends()
	})
}

func live(t *testing.T, r *rig, transport string) string {
	s := clocked{newRTSPServer(t), new(atomic.Int32)}
	s.begin()
	args := append([]string{"-hide_banner", "-v", "error", "-nostdin", "-re", "-i", syncMovie(t, 40*syncFPS), "-c", "copy"}, s.format()...)
	spawn(t, exec.Command(lookup("ffmpeg"), append(args, s.writeURL())...))
	until(t, 10*time.Second, "both clocks", func() bool { return s.media.Load() == 3 })
	d := r.start(t, scene{name: "start", speed: 1, told: true}, 2000*ms, "--rtsp-transport", transport, s.readURL())
	d.scene(scene{name: "live", speed: 1}, 3000*ms)
	return d.ends()
}

// clocked is a relay that tells its readers what the publisher's clock says. The plain
// one times packets by their arrival, which is late for sound of several frames a packet.
type clocked struct {
	*rtspServer
	media *atomic.Int32 // a bit for each whose clock is known: video, audio
}

func (s clocked) OnRecord(c *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	s.mu.Lock()
	stream := s.stream
	s.mu.Unlock()
	c.Session.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) {
		if at, known := c.Session.PacketNTP(m, p); known {
			if m.Type == description.MediaTypeVideo {
				s.media.Or(1)
			} else {
				s.media.Or(2)
			}
			_ = stream.WritePacketRTPWithNTP(m, p, at) // a reader that has gone
		}
	})
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (s clocked) begin() {
	s.t.Helper()
	srv := &gortsplib.Server{
		Handler: s, RTSPAddress: fmt.Sprintf("127.0.0.1:%d", s.port),
		UDPRTPAddress: fmt.Sprintf("127.0.0.1:%d", s.udp), UDPRTCPAddress: fmt.Sprintf("127.0.0.1:%d", s.udp+1),
	}
	if err := srv.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.srv = srv
	s.mu.Unlock()
}
