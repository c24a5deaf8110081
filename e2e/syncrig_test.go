package e2e

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"planar/audio"
	"planar/audio/audiotest"
	"planar/internal/xvfb"
)

// The material by which sound and picture are compared. Each picture is a row of
// upright black and white bars, its number in binary and a check; five times a
// second, when a picture begins, there is a short tone, whose pitch tells which
// one it is, modulo tones.
const (
	syncFPS            = 25
	syncRate           = 44100 // Hz
	syncW, syncH       = 160, 120
	numberBits         = 12
	checkBits          = 4
	bars               = numberBits + checkBits
	beatFrames         = 5 // pictures from tone to tone
	tones              = 16
	toneBase           = 600.0                // Hz, the lowest
	toneStep           = 150.0                // Hz, 4.5 waves within a tone
	toneTime           = 0.030                // s
	toneRamp           = 0.004                // s, at both ends: an encoder shall not smear it
	toneAmplitude      = 16000                // of 32768
	beatTime           = beatFrames * 0.04    // s
	beatLength         = syncRate * beatTime  // frames of sound
	syncWinW, syncWinH = 2 * syncW, 2 * syncH // of the window
)

// syncCheck is the check of a picture's number; a picture of one colour has none.
func syncCheck(n int) int { return (n ^ n>>4 ^ n>>8 ^ 0b0110) & 15 }

// syncVideo is n pictures of I420.
func syncVideo(n int) []byte {
	grey := make([]byte, syncW*syncH/2)
	for i := range grey {
		grey[i] = 128
	}
	var all []byte
	row := make([]byte, syncW)
	for i := range n {
		code := i<<checkBits | syncCheck(i)
		for x := range row {
			row[x] = 16
			if code>>(bars-1-x*bars/syncW)&1 != 0 {
				row[x] = 235
			}
		}
		for range syncH {
			all = append(all, row...)
		}
		all = append(all, grey...)
	}
	return all
}

// syncSound is the sound of n pictures: 16 bits, stereo, both channels the same.
func syncSound(n int) []byte {
	var all []byte
	for i := range n * syncRate / syncFPS {
		v := toneAt(i/beatLength, float64(i%beatLength)/syncRate)
		all = binary.LittleEndian.AppendUint16(all, uint16(v))
		all = binary.LittleEndian.AppendUint16(all, uint16(v))
	}
	return all
}

// toneAt is the sample of the tone of beat k, t seconds after its beginning.
func toneAt(k int, t float64) int16 {
	if t >= toneTime {
		return 0
	}
	envelope := 1.0
	if d := min(t, toneTime-t); d < toneRamp {
		envelope = math.Pow(math.Sin(math.Pi/2*d/toneRamp), 2)
	}
	return int16(toneAmplitude * envelope * math.Sin(2*math.Pi*(toneBase+toneStep*float64(k%tones))*t))
}

// tone is one found in a recording.
type tone struct {
	beat   int     // modulo tones
	middle float64 // of its energy, in frames of the recording
	length float64 // s, as far as it is loud
}

// findTones finds the tones of a recording. They are placed by the middle of their
// energy, which neither noise nor an encoder moves.
func findTones(pcm []int16) (found []tone) {
	const loud, quiet = toneAmplitude / 10, syncRate * 8 / 1000 // amplitude; frames between tones, at least
	for i := 0; i < len(pcm); i++ {
		if max(pcm[i], -pcm[i]) < loud {
			continue
		}
		last := i
		for j := i; j < min(len(pcm), last+quiet); j++ {
			if max(pcm[j], -pcm[j]) >= loud {
				last = j
			}
		}
		energy, moment, signs := 0.0, 0.0, 0
		for j := max(1, i-quiet/2); j < min(len(pcm), last+quiet/2); j++ {
			v := float64(pcm[j]) * float64(pcm[j])
			energy, moment = energy+v, moment+v*float64(j)
			if j > i && j <= last && (pcm[j] < 0) != (pcm[j-1] < 0) {
				signs++
			}
		}
		length := float64(last-i) / syncRate
		if beat := math.Round((float64(signs)/2/length - toneBase) / toneStep); beat >= 0 && beat < tones && length > toneTime/4 {
			found = append(found, tone{int(beat), moment / energy, length})
		}
		i = last + quiet/2
	}
	return found
}

// whole reports whether neither a seek nor a pause has cut a tone played at normal
// speed.
func (t tone) whole() bool {
	// A ramp is as loud as findTones asks after asin(sqrt(1/10))/(pi/2) of its time.
	return math.Abs(t.length-(toneTime-2*toneRamp*0.205)) < 0.0025
}

// rig is a private screen and a private sound server, watched closely.
type rig struct {
	t      *testing.T
	screen *screen
	set    setup // leads planar to the sound server
	frame  []byte
	origin int // of the screen's row that is looked at, in frame
	mu     sync.Mutex
	seen   []sight
	gaps   []sight // where nobody looked for long, without a number
	sound  *monitor
}

// sight is the first look that showed a picture.
type sight struct {
	number int
	at     time.Time     // between that look and the one before
	within time.Duration // time between the two
}

func newRig(t *testing.T) *rig {
	t.Helper()
	need(t, "Xvfb", "xdotool", "pulseaudio", "pactl")
	home := t.TempDir()
	t.Setenv("TMPDIR", home) // the server's framebuffer is found there
	r := &rig{t: t, screen: &screen{t, xvfb.ForTest(t, 640, 480)}}
	os.Unsetenv("TMPDIR")
	found, err := filepath.Glob(filepath.Join(home, "planar-xvfb-*", "Xvfb_screen0"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the framebuffers are %q (%v), want one", found, err)
	}
	r.watch(found[0])
	audiotest.StartPulse(t, audio.Format{Sample: audio.S16, Rate: syncRate, Channels: 2})
	r.set = env("SDL_AUDIODRIVER=pulseaudio", "PULSE_SERVER="+os.Getenv("PULSE_SERVER"), "XDG_RUNTIME_DIR="+os.Getenv("XDG_RUNTIME_DIR"), "HOME="+os.Getenv("HOME"))
	r.sound = newMonitor(t, "test.monitor")
	return r
}

// watch looks at the mapped framebuffer once a millisecond until the test ends. It
// disturbs neither the X server nor the player.
func (r *rig) watch(path string) {
	f, err := os.Open(path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		r.t.Fatal(err)
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		r.t.Fatal(err)
	}
	field := func(i int) int { return int(binary.BigEndian.Uint32(b[4*i:])) } // of an X window dump's header
	r.frame, r.origin = b, field(0)+12*field(19)+syncWinH/2*field(12)
	stop, stopped := make(chan struct{}), make(chan struct{})
	r.t.Cleanup(func() {
		close(stop)
		<-stopped
		_ = syscall.Munmap(b)
	})
	go func() {
		defer close(stopped)
		runtime.LockOSThread()
		before, number := time.Now(), -1
		for {
			select {
			case <-stop:
				return
			default:
			}
			time.Sleep(time.Millisecond)
			now := time.Now()
			n, ok := r.look()
			r.mu.Lock()
			gap := now.Sub(before)
			if gap > 10*time.Millisecond {
				r.gaps = append(r.gaps, sight{-1, now, gap})
			}
			if ok && n != number {
				number = n
				r.seen = append(r.seen, sight{n, before.Add(gap / 2), gap})
			}
			r.mu.Unlock()
			before = now
		}
	}()
}

// forget begins anew.
func (r *rig) forget() {
	r.mu.Lock()
	r.seen, r.gaps = nil, nil
	r.mu.Unlock()
	r.sound.forget()
}

// longest is the longest time in which nobody looked.
func (r *rig) longest(from, to time.Time) (worst time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.gaps {
		if g.at.After(from) && g.at.Before(to) {
			worst = max(worst, g.within)
		}
	}
	return worst
}

// look is the number of the picture on the screen.
func (r *rig) look() (n int, ok bool) {
	code := 0
	for i := range bars {
		x := (2*i + 1) * syncWinW / bars / 2
		switch v := r.frame[r.origin+4*x+1]; { // green
		case v > 200:
			code = code<<1 | 1
		case v < 55:
			code <<= 1
		default:
			return 0, false
		}
	}
	n = code >> checkBits
	return n, code&15 == syncCheck(n)
}

// play starts planar with sound, in the corner that is looked at.
func (r *rig) play(args ...string) *window {
	r.t.Helper()
	return r.screen.playWith(r.set, append([]string{
		"--ao", "device", "--borderless", "--geometry", fmt.Sprintf("%dx%d+0+0", syncWinW, syncWinH),
		"--stats", "-",
	}, args...)...)
}

// monitor records what a sink plays, and knows when each sample is heard: the server
// is asked again and again where it is. It keeps true time also where the recording
// jumps, as PulseAudio's does when a stream begins.
type monitor struct {
	mu     sync.Mutex
	pcm    []int16
	from   float64 // the frame that pcm begins with
	points []point
}

func (m *monitor) add(frame int64, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.points = append(m.points, point{float64(frame), at})
}

// forget frees what was recorded.
func (m *monitor) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.from += float64(len(m.pcm))
	m.pcm, m.points = nil, nil
}

// point says that a frame of the recording is heard at a time.
type point struct {
	frame float64
	at    time.Time
}

func newMonitor(t *testing.T, source string) *monitor {
	t.Helper()
	m := &monitor{}
	c := pulseClient(t, func(msg any) {
		if p, ok := msg.(*proto.DataPacket); ok {
			m.mu.Lock()
			defer m.mu.Unlock()
			for i := 0; i+2 <= len(p.Data); i += 2 {
				m.pcm = append(m.pcm, int16(binary.LittleEndian.Uint16(p.Data[i:])))
			}
		}
	})
	var s proto.CreateRecordStreamReply
	// Half of this is what the sink renders at a time, unless a player asks for less,
	// which planar does: it is measured as it is when nobody records.
	const fragment = 46 // ms
	if err := c.Request(&proto.CreateRecordStream{
		SampleSpec: proto.SampleSpec{Format: proto.FormatInt16LE, Channels: 1, Rate: syncRate}, ChannelMap: proto.ChannelMap{proto.ChannelMono},
		SourceIndex: proto.Undefined, SourceName: source, BufferMaxLength: proto.Undefined, BufferFragSize: syncRate * fragment / 1000 * 2,
		AdjustLatency: true, DirectOnInputIndex: proto.Undefined, Properties: proto.PropList{}, ChannelVolumes: proto.ChannelVolumes{0x10000},
	}, &s); err != nil {
		t.Fatal(err)
	}
	every(t, 20*time.Millisecond, func() {
		var l proto.GetRecordLatencyReply
		if c.Request(&proto.GetRecordLatency{StreamIndex: s.StreamIndex}, &l) != nil {
			return
		}
		// What is written next is rendered next, and heard when the sink has played
		// what it holds.
		at := wall(l.ReplyTime).Add(micro(l.MonitorLatency) - micro(l.Latency))
		m.add(l.WriteIndex/2, at)
	})
	// An idle sink has rendered 2 s of silence ahead, and begins nothing before these
	// are over; from then on it keeps the pace that is asked for here.
	until(t, 5*time.Second, "the recording", func() bool { return len(m.recorded()) > 0 })
	return m
}

// heard is when a frame of what recorded returns was heard, by the median of the nearest
// answers.
func (m *monitor) heard(frame float64) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	const nearest = 9
	frame += m.from
	i, _ := slices.BinarySearchFunc(m.points, frame, func(p point, f float64) int { return cmp.Compare(p.frame, f) })
	from := max(0, min(i-nearest/2, len(m.points)-nearest))
	var at []time.Time
	for _, p := range m.points[from:min(from+nearest, len(m.points))] {
		at = append(at, p.at.Add(time.Duration((frame-p.frame)/syncRate*1e9)))
	}
	slices.SortFunc(at, time.Time.Compare)
	return at[len(at)/2]
}

// recorded is the recording so far.
func (m *monitor) recorded() []int16 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.pcm)
}

func micro(us proto.Microseconds) time.Duration { return time.Duration(us) * time.Microsecond }

func wall(t proto.Time) time.Time {
	return time.Unix(int64(t.Seconds), int64(t.Microseconds)*1000)
}

// every calls f until the test ends.
func every(t *testing.T, d time.Duration, f func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop); <-stopped })
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(d):
				f()
			}
		}
	}()
}

func pulseClient(t *testing.T, callback func(any)) *proto.Client {
	t.Helper()
	c, conn, err := proto.Connect("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c.Callback = callback
	if err := c.Request(&proto.SetClientName{Props: proto.PropList{}}, &proto.SetClientNameReply{}); err != nil {
		t.Fatal(err)
	}
	return c
}

// pair is a tone and the picture that belongs to it.
type pair struct {
	number int
	shown  time.Time
	apart  float64 // sound minus picture, ms: positive if the sound is late
	held   bool    // the picture stood still, as at the start: it was dated by the next
}

// pairs matches the tones heard on a sink and the pictures shown. speed tells how fast was
// played when a tone was heard.
func (r *rig) pairs(sound *monitor, speed func(time.Time) float64) (all []pair) {
	r.mu.Lock()
	seen := slices.Clone(r.seen)
	r.mu.Unlock()
	for _, b := range findTones(sound.recorded()) {
		at := sound.heard(b.middle)
		v := speed(at)
		if v == 1 && !b.whole() {
			continue
		}
		at = at.Add(-time.Duration(toneTime / 2 / v * 1e9))
		best := pair{apart: math.Inf(1)}
		for i, s := range seen {
			if s.number%beatFrames != 0 || s.number/beatFrames%tones != b.beat || s.within > 5*time.Millisecond {
				continue
			}
			shown, held := s.at, false
			length := time.Duration(1e9 / syncFPS / v)
			if i+1 == len(seen) {
				continue
			}
			if next := seen[i+1]; next.at.Sub(s.at) > length*5/4 {
				if next.number != s.number+1 {
					continue // it was left from a pause
				}
				shown, held = next.at.Add(-length), true
			}
			if d := at.Sub(shown).Seconds() * 1000; math.Abs(d) < math.Abs(best.apart) {
				best = pair{s.number, s.at, d, held}
			}
		}
		if math.Abs(best.apart) < 1000*beatTime {
			all = append(all, best)
		}
	}
	return all
}

// skew is what pairs have in common, in ms.
type skew struct {
	n                     int
	median, spread, first float64 // spread: from the 5th to the 95th percentile
}

func skewOf(pairs []pair) (s skew) {
	if len(pairs) == 0 {
		return s
	}
	var d []float64
	for _, p := range pairs {
		d = append(d, p.apart)
	}
	s.n, s.first = len(d), d[0]
	slices.Sort(d)
	at := func(p float64) float64 {
		x := p * float64(len(d)-1)
		i := int(x)
		return d[i] + (x-float64(i))*(d[min(i+1, len(d)-1)]-d[i])
	}
	s.median, s.spread = at(0.5), at(0.95)-at(0.05)
	return s
}

func (s skew) String() string {
	return fmt.Sprintf("n %3d  median %+6.2f  spread %5.2f  first %+6.2f", s.n, s.median, s.spread, s.first)
}

// list is the pairs for reading.
func list(pairs []pair, from time.Time) string {
	var b strings.Builder
	for _, p := range pairs {
		mark := ""
		if p.held {
			mark = "h"
		}
		fmt.Fprintf(&b, " %.2f:#%d:%+.1f%s", p.shown.Sub(from).Seconds(), p.number, p.apart, mark)
	}
	return b.String()
}

// pactl runs a command of the sound server.
func pactl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("pactl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("pactl %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}
