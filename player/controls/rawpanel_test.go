package controls

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"planar/demux/guess"
	"planar/player"
	"planar/render"
)

// shelf is RawFiles with one file, whose frames have 1.5 bytes a pixel.
type shelf struct {
	name    string
	file    RawFile
	raw     bool
	guesses []guess.Candidate
	err     error
	asked   chan string // a name for each call of Guesses; nil if they are not counted
	set     []RawVideo
}

func (s *shelf) Raw(name string) (RawFile, bool) {
	return s.file, s.raw && name == s.name
}

func (s *shelf) SetRaw(name string, v RawVideo) error {
	if name != s.name {
		return errors.New("another file")
	}
	n := v.FrameHeader + int64(v.Width)*int64(v.Height)*3/2
	if n > s.file.Bytes {
		return fmt.Errorf("a frame would have %d bytes, the file has %d", n, s.file.Bytes)
	}
	s.set = append(s.set, v)
	return nil
}

func (s *shelf) Guesses(_ context.Context, name string) ([]guess.Candidate, error) {
	if s.asked != nil {
		s.asked <- name
	}
	return s.guesses, s.err
}

func (s *shelf) PixelFormats() []string {
	return []string{"yuv420p", "nv12", "yuv422p", "yuyv422", "uyvy422", "yuv444p", "yuv420p10le", "yuv422p10le", "v210", "gray", "rgb24"}
}

// reopened does what a Reload does.
func (s *shelf) reopened() {
	s.raw = true
	s.file.RawVideo = s.set[len(s.set)-1]
	s.file.FrameBytes = s.file.FrameHeader + int64(s.file.Width)*int64(s.file.Height)*3/2
	s.file.Sure = true
}

const clip = "/clips/bridge_352x288_25fps.yuv"

func newShelf() *shelf {
	cif := RawVideo{Video: guess.Video{Width: 352, Height: 288, PixelFormat: "yuv420p", Rate: render.Rational{Num: 25, Den: 1}}}
	candidate := func(w, h int, format string, score float64, rest int64, reasons ...string) guess.Candidate {
		return guess.Candidate{Video: guess.Video{Width: w, Height: h, PixelFormat: format}, Frames: 300, Rest: rest, Score: score, Reasons: reasons}
	}
	first := candidate(352, 288, "yuv420p", 0.93, 0, "size from the name", "25 fps from the name", "300 frames fit exactly")
	first.Rate, first.Sure = cif.Rate, true
	return &shelf{
		name: clip, raw: true,
		file: RawFile{RawVideo: cif, Bytes: 45619200, FrameBytes: 152064, Sure: true},
		guesses: []guess.Candidate{
			first, candidate(352, 288, "nv12", 0.05, 0, "size from the name", "chroma is less smooth so"),
			candidate(176, 144, "yuv420p", 0.012, 0, "a usual size", "1200 frames fit exactly"), candidate(704, 576, "gray", 0.004, 1234, "a usual size"),
		},
	}
}

// rawRig is a rig with the panel, or what opens it by itself.
func rawRig(t testing.TB, w, h int, scale float64, s *shelf) *rig {
	r := newRig(t, w, h, scale, Options{Raw: s, Describe: described})
	r.m.State = player.Paused
	return r
}

// guessed waits for the guesses.
func (r *rig) guessed() {
	r.t.Helper()
	for range 200 {
		r.pass(20 * time.Millisecond)
		if _, _, done := r.c.raw.picture.guesses.answer(r.st.Name); done {
			r.pass(100 * time.Millisecond)
			return
		}
		time.Sleep(time.Millisecond)
	}
	r.t.Fatal("there are no guesses")
}

func TestRawShots(t *testing.T) {
	if *shots == "" {
		t.Skip("only draws pictures to be looked at")
	}
	for _, s := range []struct {
		name  string
		w, h  int
		scale float64
	}{{"720", 1280, 720, 1}, {"240", 320, 240, 1}, {"1440", 2560, 1440, 2}} {
		f := newShelf()
		f.file.Bytes += 3
		r := rawRig(t, s.w, s.h, s.scale, f)
		r.pass(100 * time.Millisecond)
		r.guessed()
		r.shot("raw-" + s.name)
		r.c.raw.picture.problem = "a frame would have 152064 bytes, the file has 1024"
		r.c.dirty = true
		r.pass(100 * time.Millisecond)
		r.shot("problem-" + s.name)
		r.c.raw.picture.problem = ""
		sc := func(v float64) int { return int(v * s.scale) }
		r.click(sc(80), sc(200), render.ButtonLeft)
		r.pass(time.Second)
		r.shot("formats-" + s.name)
	}
}

func TestRawFields(t *testing.T) {
	base := rawFields{width: "352", height: "288", format: "yuv420p", rate: "25"}
	with := func(change func(f *rawFields)) rawFields {
		f := base
		change(&f)
		return f
	}
	for _, c := range []struct {
		name   string
		fields rawFields
		want   RawVideo
		err    string // a part of it; empty if there is none
	}{
		{"all", base, RawVideo{Video: guess.Video{Width: 352, Height: 288, PixelFormat: "yuv420p", Rate: render.Rational{Num: 25, Den: 1}}}, ""},
		{"rest", with(func(f *rawFields) {
			f.rate, f.stride, f.header, f.frameHeader, f.colour = "29.97", "384, 192 192", " 54 ", "6", render.Colour{Matrix: render.BT709}
		}), RawVideo{
			Video:   guess.Video{Width: 352, Height: 288, PixelFormat: "yuv420p", Rate: render.Rational{Num: 30000, Den: 1001}, Colour: render.Colour{Matrix: render.BT709}, Header: 54, FrameHeader: 6},
			Strides: []int{384, 192, 192},
		}, ""},
		{"no width", with(func(f *rawFields) { f.width = "" }), RawVideo{}, "width"},
		{"zero height", with(func(f *rawFields) { f.height = "0" }), RawVideo{}, "height"},
		{"huge", with(func(f *rawFields) { f.width = "99999999999999999999" }), RawVideo{}, "width"},
		{"too wide", with(func(f *rawFields) { f.width = "32769" }), RawVideo{}, "32768"},
		{"no format", with(func(f *rawFields) { f.format = "" }), RawVideo{}, "pixel format"},
		{"no rate", with(func(f *rawFields) { f.rate = "fast" }), RawVideo{}, "frame rate"},
		{"negative stride", with(func(f *rawFields) { f.stride = "-4" }), RawVideo{}, "stride"},
		{"five strides", with(func(f *rawFields) { f.stride = "1,2,3,4,5" }), RawVideo{}, "4 planes"},
		{"negative offset", with(func(f *rawFields) { f.header = "-1" }), RawVideo{}, "offset"},
		{"words", with(func(f *rawFields) { f.frameHeader = "few" }), RawVideo{}, "before each frame"},
	} {
		got, err := c.fields.video()
		switch {
		case c.err == "" && (err != nil || !reflect.DeepEqual(got, c.want)):
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: error %v, want one line with %q", c.name, err, c.err)
		}
		if c.err != "" {
			continue
		}
		again := fieldsOf(c.want)
		if back, err := again.video(); err != nil || !reflect.DeepEqual(back, c.want) {
			t.Errorf("%s: written as %+v and read back: %+v, %v", c.name, again, back, err)
		}
	}
}

func TestRateText(t *testing.T) {
	for _, c := range []struct {
		num, den int
		want     string
	}{{24000, 1001, "23.976"}, {30000, 1001, "29.97"}, {60000, 1001, "59.94"}, {120000, 1001, "119.88"}, {25, 1, "25"}, {50, 2, "25"}, {25, 2, "25/2"}, {0, 0, ""}, {7000, 1001, "7000/1001"}} {
		if got := rateText(render.Rational{Num: c.num, Den: c.den}); got != c.want {
			t.Errorf("%d/%d is %q, want %q", c.num, c.den, got, c.want)
		}
	}
	for _, s := range usualRates {
		r, err := parseRate(s)
		if err != nil || rateText(r) != s {
			t.Errorf("%q is read as %v (%v) and written %q", s, r, err, rateText(r))
		}
	}
}

func TestRawTexts(t *testing.T) {
	for got, want := range map[string]string{
		grouped(0): "0", grouped(999): "999", grouped(1000): "1 000", grouped(1234567): "1 234 567",
		lengthText(12): "12 bytes", lengthText(45619200): "45.6 MB", lengthText(123456789012): "123 GB", lengthText(1 << 62): "4611686 TB",
		leftOver(1): "1 byte left over", leftOver(3000): "3 000 bytes left over",
		moved("352", 16, 32768): "368", moved("1", -2, 32768): "1", moved("32768", 2, 32768): "32768", moved("wide", 2, 32768): "wide",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	formats := newShelf().PixelFormats()
	for filter, want := range map[string]int{"": len(formats), "yuv 422": 2, "420P10": 1, "none": 0} {
		if got := namesMatching(formats, filter); len(got) != want {
			t.Errorf("%q finds %v, want %d", filter, got, want)
		}
	}
}

// TestRawOpensByItself looks at when the panel comes up without being asked for.
func TestRawOpensByItself(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *shelf, o *Options)
		want   bool
	}{
		{"sure and divides", func(*shelf, *Options) {}, false},
		{"not sure", func(s *shelf, _ *Options) { s.file.Sure = false }, true},
		{"3 bytes left over", func(s *shelf, _ *Options) { s.file.Bytes += 3 }, true},
		{"of a pipe", func(s *shelf, _ *Options) { s.file.Bytes = -1 }, false},
		{"not raw", func(s *shelf, _ *Options) { s.raw, s.file.Sure = false, false }, false},
		{"never", func(s *shelf, o *Options) { s.file.Sure, o.Show = false, "never" }, false},
	} {
		s := newShelf()
		o := Options{Raw: s}
		c.change(s, &o)
		r := newRig(t, 1280, 720, 1, o)
		asked := 0
		r.m.Status = func() player.Status { asked++; return r.st }
		r.m.Frame = -1
		r.pass(100 * time.Millisecond)
		r.m.Frame = 0
		r.pass(100 * time.Millisecond)
		if got := r.c.panels.raw; got != c.want {
			t.Errorf("%s: the panel is open: %v, want %v", c.name, got, c.want)
		}
		r.c.panels.raw = false
		for range 3 { // it is not opened again
			r.m.Frame = -1
			r.pass(50 * time.Millisecond)
			r.m.Frame = 0
			r.pass(50 * time.Millisecond)
		}
		if r.c.panels.raw {
			t.Errorf("%s: the panel has opened once more", c.name)
		}
		if c.want {
			continue
		}
		r.pass(20 * time.Second) // until the bar is gone
		asked = 0
		for range 50 {
			r.m.Frame++
			r.c.Draw(r.m)
		}
		if asked > 0 {
			t.Errorf("%s: the status was asked for %d times in 50 frames", c.name, asked)
		}
	}
}

// openRaw is a rig with the panel open.
func openRaw(t *testing.T, s *shelf) *rig {
	r := rawRig(t, 1280, 720, 1, s)
	r.press("r")
	if s.raw {
		r.guessed()
	}
	r.took()
	return r
}

// reloads does what was asked for; it reports what the file was taken for since.
func (r *rig) reloads(s *shelf) (set []RawVideo, commands []player.Command) {
	for _, c := range r.took() {
		commands = append(commands, c)
		if c.Do == player.Reload {
			s.reopened()
		}
	}
	set, s.set = s.set, nil
	r.pass(100 * time.Millisecond)
	return set, commands
}

func TestRawEdits(t *testing.T) {
	s := newShelf()
	r := openRaw(t, s)
	click := func(x, y int) { r.click(x, y, render.ButtonLeft) }
	all := func() { r.do(render.Event{Kind: render.KeyPress, Key: "ctrl+a", Mods: render.ModCtrl}) }
	once := func(what string, want func(v *RawVideo)) {
		t.Helper()
		to := s.file.RawVideo
		want(&to)
		set, commands := r.reloads(s)
		if len(set) != 1 || !sameRaw(set[0], to) {
			t.Fatalf("%s: set to %+v, want %+v; problem %q", what, set, to, r.c.raw.picture.problem)
		}
		if n := len(commands); n == 0 || commands[n-1].Do != player.Reload {
			t.Fatalf("%s: asked for %+v", what, commands)
		}
	}
	click(163, 96)
	once("the stepper", func(v *RawVideo) { v.Width += 2 })
	click(137, 96)
	once("the other stepper", func(v *RawVideo) { v.Width -= 2 })
	r.wheel(220, 96, -1, 0)
	once("the wheel", func(v *RawVideo) { v.Height -= 2 })
	r.wheel(220, 96, 1, render.ModShift)
	once("the wheel with Shift", func(v *RawVideo) { v.Height += 16 })
	r.wheel(220, 96, -1, 0)
	r.reloads(s)

	click(60, 96)
	r.press("up")
	once("the arrow key", func(v *RawVideo) { v.Width += 2 })
	r.do(render.Event{Kind: render.KeyPress, Key: "down", Mods: render.ModShift})
	once("the arrow key with Shift", func(v *RawVideo) { v.Width -= 16 })

	// Typing is applied after a pause, or with Enter.
	all()
	r.write("320")
	r.pass(100 * time.Millisecond)
	if set, _ := r.reloads(s); len(set) != 0 {
		t.Fatalf("while typing it was set to %+v", set)
	}
	r.pass(time.Second)
	once("typing", func(v *RawVideo) { v.Width = 320 })
	click(60, 96)
	all()
	r.write("176")
	r.press("return")
	once("Enter", func(v *RawVideo) { v.Width = 176 })
	r.pass(time.Second)
	if set, _ := r.reloads(s); len(set) != 0 {
		t.Fatalf("after Enter it was set again, to %+v", set)
	}

	// What cannot be is told, and changes nothing.
	click(60, 96)
	all()
	r.write("zero")
	r.press("return")
	if set, commands := r.reloads(s); len(set) != 0 || len(commands) != 0 || r.c.raw.picture.problem == "" {
		t.Fatalf("no number: set to %+v, asked for %+v, problem %q", set, commands, r.c.raw.picture.problem)
	}
	click(60, 96)
	all()
	r.write("32000")
	r.press("return")
	s.file.Bytes = 1000000
	click(220, 96)
	r.press("up")
	if set, _ := r.reloads(s); len(set) > 1 || !strings.Contains(r.c.raw.picture.problem, "the file has 1000000") {
		t.Fatalf("too large: set to %+v, problem %q", set, r.c.raw.picture.problem)
	}
}

func TestRawChoices(t *testing.T) {
	s := newShelf()
	r := openRaw(t, s)
	click := func(x, y int) { r.click(x, y, render.ButtonLeft); r.pass(200 * time.Millisecond) }
	// A pixel format that is searched for.
	click(100, 197)
	r.write("nv1")
	r.press("return")
	if set, _ := r.reloads(s); len(set) != 1 || set[0].PixelFormat != "nv12" {
		t.Fatalf("searching for nv1 sets %+v", set)
	}
	// The matrix is told to the player, too: BT.709 is the third.
	click(100, 259)
	click(100, 295+2*30+10)
	set, commands := r.reloads(s)
	if len(set) != 1 || set[0].Colour.Matrix != render.BT709 || len(commands) != 2 ||
		commands[0].Do != player.SetColour || commands[0].Colour.Matrix != render.BT709 || commands[1].Do != player.Reload {
		t.Fatalf("BT.709 sets %+v and asks for %+v", set, commands)
	}
	// A size.
	click(180, 136)
	click(180, 136+30+10+30)
	if set, _ := r.reloads(s); len(set) != 1 || set[0].Height == 288 {
		t.Fatalf("a size sets %+v", set)
	}
	// A rate.
	click(317, 197)
	click(340, 197+16+4+6+28+14)
	if set, _ := r.reloads(s); len(set) != 1 || set[0].Rate.Num != 24 {
		t.Fatalf("24 sets %+v", set)
	}
	// A guess, the third.
	list, _, _ := r.c.raw.picture.guesses.answer(clip)
	click(150, 620)
	set, _ = r.reloads(s)
	if len(set) != 1 || !among(list, set[0]) {
		t.Fatalf("a guess sets %+v", set)
	}
}

// among reports whether v is one of the candidates, at any rate.
func among(list []guess.Candidate, v RawVideo) bool {
	for _, c := range list {
		if c.Width == v.Width && c.Height == v.Height && c.PixelFormat == v.PixelFormat {
			return true
		}
	}
	return false
}

// TestTreatAsRaw takes a file that has a header for headerless.
func TestTreatAsRaw(t *testing.T) {
	s := newShelf()
	s.raw = false
	r := openRaw(t, s)
	if _, _, done := r.c.raw.picture.guesses.answer(clip); done {
		t.Fatal("the file was looked at before that was wanted")
	}
	r.click(100, 90, render.ButtonLeft)
	r.guessed()
	if set, _ := r.reloads(s); len(set) != 1 || set[0].Width != 352 || set[0].Rate.Num != 25 {
		t.Fatalf("set to %+v, problem %q", set, r.c.raw.picture.problem)
	}
	if !s.raw {
		t.Error("it was not opened again")
	}
}
