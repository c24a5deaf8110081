package sdlaudio

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"planar/audio"
	"planar/audio/audiotest"
)

// fakePulse is a server that answers by a script.
type fakePulse struct {
	// answer returns what is sent for a request, nil for nothing, and whether the
	// connection is closed then.
	answer func(command, tag uint32) (frame []byte, hangUp bool)

	mu    sync.Mutex
	asked map[uint32]int // by command
}

func (p *fakePulse) times(command uint32) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[command]
}

// start listens where clients look, until the test ends.
func (p *fakePulse) start(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "pulse") // t.TempDir is too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "socket")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PULSE_SERVER", "unix:"+socket)
	p.asked = map[uint32]int{}
	var serving sync.WaitGroup
	t.Cleanup(func() { l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.serve(conn) })
		}
	})
}

func (p *fakePulse) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	var buf bytes.Buffer
	for {
		b, err := readFrame(in, &buf)
		if err != nil {
			return
		}
		d := decoder{b: b}
		command, tag := d.u32(), d.u32()
		p.mu.Lock()
		p.asked[command]++
		p.mu.Unlock()
		frame, hangUp := p.answer(command, tag)
		if _, err := conn.Write(frame); err != nil || hangUp {
			return
		}
	}
}

// ourInput is what a server knows of our stream.
func ourInput() sinkInput {
	file, _ := os.Executable()
	return sinkInput{
		index: 7, latency: 20000, sinkLatency: 10000, pid: strconv.Itoa(os.Getpid()),
		binary: filepath.Base(file), application: ourName, media: ourName,
	}
}

// behave answers as a server does that plays our stream.
func behave(command, tag uint32) ([]byte, bool) { return behaveWith(ourInput())(command, tag) }

// behaveWith answers as a server does that plays some streams.
func behaveWith(all ...sinkInput) func(command, tag uint32) ([]byte, bool) {
	return func(command, tag uint32) ([]byte, bool) {
		var m message
		switch command {
		case pulseAuth:
			m = m.u32(35 | 0x80000000)
		case pulseSetClientName:
			m = m.u32(1)
		case pulseListInputs:
			for _, i := range all {
				m = append(m, i.wire(pulseNewest)...)
			}
		case pulseGetSinkInput:
			m = all[0].wire(pulseNewest)
		}
		event := controlFrame(66, pulseControl, message(nil).u32(1).u32(2)) // for nobody
		return append(event, controlFrame(pulseReply, tag, m)...), false
	}
}

// but is behave with other answers to one command.
func but(command uint32, answer func(tag uint32) ([]byte, bool)) func(command, tag uint32) ([]byte, bool) {
	return func(c, tag uint32) ([]byte, bool) {
		if c == command {
			return answer(tag)
		}
		return behave(c, tag)
	}
}

func hang(uint32) ([]byte, bool) { return nil, false }

// testStream is a device that is called back each 10 ms.
func testStream() stream {
	const period, frames = 10 * time.Millisecond, 480
	start := time.Now()
	return stream{
		feed: func() feed {
			now := time.Since(start)
			n := int64(now / period)
			return feed{calls: n + 1, total: (n + 1) * frames, last: frames, when: time.Duration(n) * period, now: now}
		},
		paused: func() bool { return false },
		rate:   48000, period: period, offset: &offset{request: period / 4},
	}
}

// A server that is of no use, whatever it does, is given up.
func TestMeasureGivesUp(t *testing.T) {
	frame := func(length, channel uint32) func(uint32) ([]byte, bool) {
		return func(uint32) ([]byte, bool) {
			f := make([]byte, pulseDescriptor+1000)
			binary.BigEndian.PutUint32(f, length)
			binary.BigEndian.PutUint32(f[4:], channel)
			return f, false
		}
	}
	reply := func(m message) func(uint32) ([]byte, bool) {
		return func(tag uint32) ([]byte, bool) { return controlFrame(pulseReply, tag, m), false }
	}
	untold, another, unnamed, foreign := ourInput(), ourInput(), ourInput(), ourInput()
	untold.latency, untold.sinkLatency = 0, 0
	another.pid = "1"
	unnamed.application, unnamed.media = "another", "program"
	foreign.binary = "another"
	for _, c := range []struct {
		name   string
		answer func(command, tag uint32) ([]byte, bool)
		want   string // part of the error
	}{
		{"refuses us", but(pulseAuth, func(tag uint32) ([]byte, bool) {
			return controlFrame(pulseError, tag, message(nil).u32(1)), false
		}), "refused (code 1"},
		{"closes at once", but(pulseAuth, func(uint32) ([]byte, bool) { return nil, true }), "EOF"},
		{"is old", but(pulseAuth, reply(message(nil).u32(12))), "too old"},
		{"greets with nothing", but(pulseAuth, reply(nil)), "not understood"},
		{"closes within the list", but(pulseListInputs, func(tag uint32) ([]byte, bool) {
			f, _ := behave(pulseListInputs, tag)
			return f[:len(f)-100], true
		}), "EOF"},
		{"lists others only", behaveWith(another, unnamed, foreign), "does not list"},
		{"lists nothing", behaveWith(), "does not list"},
		{"lists junk", but(pulseListInputs, reply(message("Labcdtx\x00junk"))), "not understood"},
		{"refuses to tell", but(pulseGetSinkInput, func(tag uint32) ([]byte, bool) {
			return controlFrame(pulseError, tag, message(nil).u32(5)), false
		}), "refused (code 5"},
		{"tells nothing", but(pulseGetSinkInput, reply(nil)), "not understood"},
		{"tells of another", but(pulseGetSinkInput, reply(sinkInput{index: 8, latency: 1}.wire(pulseNewest))), "not understood"},
		{"sends junk", but(pulseAuth, func(uint32) ([]byte, bool) {
			return []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), true
		}), "EOF"},
		{"sends a huge frame", but(pulseListInputs, frame(0xfffffff0, pulseControl)), "not understood"},
		{"sends huge sound", but(pulseListInputs, frame(0xfffffff0, 0)), "does not answer"},
		{"tells no latency", behaveWith(untold), "does not tell latencies"},
		{"hangs", but(pulseAuth, hang), "does not answer"},
		{"hangs in the list", but(pulseListInputs, hang), "does not answer"},
		{"hangs when asked", but(pulseGetSinkInput, hang), "does not answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &fakePulse{answer: c.answer}
			p.start(t)
			s := testStream()
			for range boundsNeeded {
				s.offset.add(bounds{0, time.Millisecond}) // of before
			}
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			err := measurePulse(ctx, s)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
			if _, ok := s.offset.get(); ok {
				t.Error("there is an offset still")
			}
			if n := p.times(pulseKillSinkInput); n != 0 {
				t.Errorf("the stream was ended %d times, want none", n)
			}
		})
	}
}

// A server that hangs delays the end of the device by little.
func TestMeasureEnds(t *testing.T) {
	for _, command := range []uint32{pulseAuth, pulseSetClientName, pulseListInputs, pulseGetSinkInput, pulseKillSinkInput} {
		t.Run(strconv.Itoa(int(command)), func(t *testing.T) {
			p := &fakePulse{answer: but(command, hang)}
			p.start(t)
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- measurePulse(ctx, testStream()) }()
			time.Sleep(50 * time.Millisecond)
			cancel()
			from := time.Now()
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("got error %v, want none", err)
				}
				t.Logf("ended after %v", time.Since(from).Round(time.Millisecond))
			case <-time.After(time.Second):
				t.Fatal("did not end within 1 s")
			}
		})
	}
}

// One answer that does not come costs a new connection, no more.
func TestMeasureRedials(t *testing.T) {
	var asked atomic.Int64
	p := &fakePulse{answer: but(pulseGetSinkInput, func(tag uint32) ([]byte, bool) {
		if asked.Add(1)%4 == 2 {
			return nil, false
		}
		return behave(pulseGetSinkInput, tag)
	})}
	p.start(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	s := testStream()
	go func() { done <- measurePulse(ctx, s) }()
	audiotest.Until(t, "connections", func() bool { return p.times(pulseAuth) >= maxSilent+2 })
	cancel()
	if err := <-done; err != nil {
		t.Errorf("got error %v, want none", err)
	}
}

func TestMeasure(t *testing.T) {
	older, newer, long, wrap, updated := ourInput(), ourInput(), ourInput(), ourInput(), ourInput()
	older.index = 3
	updated.binary += " (deleted)"
	newer.index, newer.application, newer.media = 9, "another", "program"
	long.sinkLatency = uint64(maxAhead/time.Microsecond) - long.latency + 1
	wrap.sinkLatency = 1<<64 - 1
	for _, c := range []struct {
		name  string
		input sinkInput
		known bool
	}{
		{"usual", ourInput(), true},
		{"of an updated program", updated, true},
		{"too long", long, false},
		{"far too long", wrap, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &fakePulse{answer: behaveWith(c.input, older, newer)}
			p.start(t)
			s := testStream()
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- measurePulse(ctx, s) }()
			audiotest.Until(t, "answers", func() bool {
				_, ok := s.offset.get()
				return ok || !c.known && p.times(pulseGetSinkInput) >= maxUntold+5
			})
			if got, ok := s.offset.get(); ok != c.known || ok && (got < 0 || got > 50*time.Millisecond) {
				t.Errorf("the offset is %v, %v, want some 30 ms: %v", got, ok, c.known)
			}
			cancel()
			if err := <-done; err != nil {
				t.Errorf("got error %v, want none", err)
			}
			if n := p.times(pulseKillSinkInput); n != 1 {
				t.Errorf("the stream was ended %d times, want once", n)
			}
		})
	}
}

// While the device stands still, nobody is asked, and nobody is busy.
func TestMeasureStandingStill(t *testing.T) {
	for _, c := range []struct {
		name string
		feed feed
	}{
		{"not called yet", feed{now: time.Millisecond}},
		{"not called any more", feed{calls: 5, total: 5 * 480, last: 480, when: time.Second, now: 2 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &fakePulse{answer: behave}
			p.start(t)
			var looked atomic.Int64
			s := testStream()
			s.feed = func() feed { looked.Add(1); return c.feed }
			ctx, cancel := context.WithTimeout(context.Background(), 4*askEach)
			defer cancel()
			if err := measurePulse(ctx, s); err != nil {
				t.Errorf("got error %v, want none", err)
			}
			if n := looked.Load(); n < 1 || n > 5 {
				t.Errorf("the device was looked at %d times, want 1 to 5", n)
			}
			if n := p.times(pulseGetSinkInput); n != 0 {
				t.Errorf("the server was asked %d times, want never", n)
			}
			if n := p.times(pulseKillSinkInput); n != 1 {
				t.Errorf("the stream was ended %d times, want once", n)
			}
		})
	}
}

func TestMeasureWithoutServer(t *testing.T) {
	t.Setenv("PULSE_SERVER", "unix:"+filepath.Join(t.TempDir(), "none"))
	if err := measurePulse(context.Background(), testStream()); err == nil {
		t.Error("no error without a server")
	}
}

// A real server knows our stream.
func TestPulseFound(t *testing.T) {
	f := audio.Format{Sample: audio.S16, Rate: 48000, Channels: 2}
	t.Setenv("SDL_AUDIODRIVER", "pulseaudio")
	audiotest.StartPulse(t, f)
	d, err := Open(f)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var p pulse
	if err := p.connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer p.close(false)
	i, err := p.client.sinkInput(p.index)
	if err != nil {
		t.Fatal(err)
	}
	if file, _ := os.Executable(); i.binary != filepath.Base(file) || i.application != ourName || i.media != ourName {
		t.Errorf("the stream is of %q, called %q and %q, want %q and twice %q", i.binary, i.application, i.media, filepath.Base(file), ourName)
	}
	audiotest.Until(t, "a latency", func() bool {
		ahead, err := p.ahead()
		if err != nil && !errors.Is(err, errNoAnswer) {
			t.Fatal(err)
		}
		return ahead > 0
	})
	var r refusal
	if _, err := p.client.sinkInput(1 << 30); !errors.As(err, &r) || p.client.err != nil {
		t.Errorf("a stream that is none: %v (connection: %v), want it refused", err, p.client.err)
	}
	if _, err := p.ahead(); err != nil && !errors.Is(err, errNoAnswer) {
		t.Errorf("after a refusal: %v", err)
	}
}
