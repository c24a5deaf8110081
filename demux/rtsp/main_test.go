package rtsp

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"planar/demux"
	"planar/internal/rtsptest"
)

// parallel is how many tests run at once, on any machine: most of them wait.
const parallel = "12"

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set(parallel)
	}
	goleak.VerifyTestMain(m)
}

var (
	smallSPS = []byte{ // 352x288
		0x67, 0x64, 0x00, 0x0c, 0xac, 0x3b, 0x50, 0xb0, 0x4b, 0x42, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x3d, 0x08,
	}
	largeSPS = []byte{ // 1280x720
		0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x6c, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x1e,
		0x07, 0x8c, 0x18, 0xcb,
	}
	testPPS = []byte{0x68, 0xee, 0x3c, 0x80}
)

func testH264() *format.H264 {
	return &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: smallSPS, PPS: testPPS}
}

func video(f ...format.Format) *description.Media {
	if f == nil {
		f = []format.Format{testH264()}
	}
	return &description.Media{Type: description.MediaTypeVideo, Formats: f}
}

func sound(f ...format.Format) *description.Media {
	if f == nil {
		f = []format.Format{&format.G711{PayloadTyp: 0, MULaw: true, SampleRate: 8000, ChannelCount: 1}}
	}
	return &description.Media{Type: description.MediaTypeAudio, Formats: f}
}

const (
	testGOP     = 10
	testPicture = 3000 // bytes: three packets
	testEvery   = 10 * time.Millisecond
)

// picture is an H.264 access unit that nobody can decode, but that ends with its
// number. Every tenth is a key frame.
func picture(n int) [][]byte { return pictureOf(n, n%testGOP == 0) }

func pictureOf(n int, key bool) [][]byte {
	slice := bytes.Repeat([]byte{0xA5}, testPicture)
	slice[0], slice[1] = 0x41, 0x9A
	for i := range 4 { // never a start code
		slice[testPicture-1-i] = 0x80 | byte(n>>(7*i))
	}
	if !key {
		return [][]byte{slice}
	}
	slice[0] = 0x65
	return [][]byte{smallSPS, testPPS, slice}
}

// number is a picture's.
func number(p *demux.Packet) (n int) {
	for _, b := range p.Data[len(p.Data)-4:] {
		n = n<<7 | int(b&0x7f)
	}
	return n
}

// samples is 20 ms of sound that begins with its number.
func samples(n int) [][]byte {
	b := make([]byte, 160)
	binary.BigEndian.PutUint32(b, uint32(n))
	return [][]byte{b}
}

// programme is what a camera sends of one medium, from when the first client plays
// until the test ends.
type programme struct {
	media  int
	unit   func(n int) [][]byte
	every  time.Duration // between access units
	total  int           // so many; 0: endless
	delay  time.Duration // they are sent so late
	set    func(*rtsptest.Sender)
	before func(s *rtsptest.Sender, n int, pts time.Duration) // right before a unit
	change func(n int, packets []*rtp.Packet) []*rtp.Packet   // what is sent instead
	after  func()                                             // after the last unit
}

func pictures() programme { return programme{unit: picture, every: testEvery} }

func (p programme) run(t *testing.T, c *rtsptest.Camera) {
	t.Helper()
	s := c.Sender(t, p.media, 7)
	if p.set != nil {
		p.set(s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	pause := func(d time.Duration) bool {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(d):
			return true
		}
	}
	wg.Go(func() {
		for c.Playing() == 0 {
			if !pause(time.Millisecond) {
				return
			}
		}
		began := time.Now().Add(p.delay)
		for n := 0; p.total == 0 || n < p.total; n++ {
			pts := time.Duration(n) * p.every
			if !pause(time.Until(began.Add(pts))) {
				return
			}
			if p.before != nil {
				p.before(s, n, pts)
			}
			packets := s.Packets(p.unit(n), pts)
			if p.change != nil {
				packets = p.change(n, packets)
			}
			for _, packet := range packets {
				c.Send(p.media, packet)
			}
		}
		if p.after != nil {
			p.after()
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
}

func start(t *testing.T, c *rtsptest.Camera) *rtsptest.Camera {
	t.Helper()
	c.Start(t)
	return c
}

// open opens a source until the test ends.
func open(t *testing.T, url, transport string, set ...func(*Options)) *Source {
	t.Helper()
	o := Options{Transport: transport}
	for _, f := range set {
		f(&o)
	}
	s, err := Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// read reads until done says that a packet was the last, for 10 s at most.
func read(s *Source, done func(*demux.Packet) bool) (list []*demux.Packet, err error) {
	guard := time.AfterFunc(10*time.Second, s.Interrupt)
	defer guard.Stop()
	for {
		p, err := s.Read()
		if err != nil {
			return list, err
		}
		list = append(list, p)
		if done(p) {
			return list, nil
		}
	}
}

func never(*demux.Packet) bool { return false }

// upTo is for a picture's number, or a higher one.
func upTo(n int) func(*demux.Packet) bool {
	return func(p *demux.Packet) bool { return number(p) >= n }
}

func mustRead(t *testing.T, s *Source, done func(*demux.Packet) bool) []*demux.Packet {
	t.Helper()
	list, err := read(s, done)
	if err != nil {
		t.Fatalf("after %d packets: %v", len(list), err)
	}
	return list
}

// until waits for something.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// checkWhole tests that pictures are whole, and that after a gap none comes but a
// key frame that says so. A key frame may lack its parameter sets, which are known.
func checkWhole(t *testing.T, list []*demux.Packet) {
	t.Helper()
	for i, p := range list {
		n := number(p)
		gap := i == 0 || n != number(list[i-1])+1
		switch want := picture(n); {
		case bytes.Equal(p.Data, annexB(want)):
		case len(want) > 1 && bytes.Equal(p.Data, annexB(want[2:])):
			gap = true // it is a packet that was lost
		default:
			t.Errorf("picture %d has %d bytes, or others than sent, want %d", n, len(p.Data), len(annexB(want)))
		}
		if gap && !p.Key {
			t.Errorf("picture %d, no key frame, after a gap", n)
		}
		if p.Fresh != gap {
			t.Errorf("picture %d: Fresh is %v, after a gap: %v", n, p.Fresh, gap)
		}
		if p.Key != (n%testGOP == 0) {
			t.Errorf("picture %d: Key is %v", n, p.Key)
		}
	}
}
