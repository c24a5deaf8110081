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

// crate is RawSounds with one file, of samples of 2 bytes.
type crate struct {
	name    string
	file    RawSound
	raw     bool
	guesses []guess.SoundCandidate
	err     error
	set     []guess.Sound
}

func (s *crate) Sound(name string) (RawSound, bool) { return s.file, s.raw && name == s.name }

func (s *crate) SetSound(name string, to guess.Sound) error {
	switch {
	case name != s.name:
		return errors.New("another file")
	case to.Header+int64(2*to.Channels) > s.file.Bytes:
		return fmt.Errorf("an offset of %d bytes leaves no frame, the file has %d", to.Header, s.file.Bytes)
	}
	s.set = append(s.set, to)
	return nil
}

func (s *crate) SoundGuesses(context.Context, string) ([]guess.SoundCandidate, error) {
	return s.guesses, s.err
}

func (s *crate) SampleFormats() []string {
	return []string{"s16le", "s16be", "s24le", "s24be", "s32le", "f32le", "f32be", "f64le", "u8", "s8", "mulaw", "alaw", "s16le_planar", "f32le_planar"}
}

const take = "/takes/interview_44100_16bit_2ch.pcm"

func newCrate() *crate {
	is := guess.Sound{Format: "s16le", Rate: 44100, Channels: 2}
	candidate := func(format string, rate, channels int, score float64, rest int64, reasons ...string) guess.SoundCandidate {
		return guess.SoundCandidate{
			Sound: guess.Sound{Format: format, Rate: rate, Channels: channels}, Frames: 13230000 / int64(2*channels), Rest: rest, Score: score, Reasons: reasons,
		}
	}
	return &crate{
		name: take, raw: true,
		file: RawSound{Sound: is, Bytes: 13230000, FrameBytes: 4, Sure: true},
		guesses: []guess.SoundCandidate{
			candidate("s16le", 44100, 2, 0.91, 0, "rate from the name", "smooth as 16 bit", "75.000 s fit exactly"),
			candidate("s16le", 44100, 1, 0.05, 0, "rate from the name", "channels are alike"),
			candidate("s16be", 48000, 2, 0.02, 0, "a usual rate"),
			candidate("s24le", 48000, 6, 0.004, 3, "a usual rate"),
		},
	}
}

// reopened does what a Reload does.
func (s *crate) reopened() {
	s.raw = true
	s.file.Sound = s.set[len(s.set)-1]
	s.file.FrameBytes = int64(2 * s.file.Channels)
	s.file.Sure = true
}

// pcmRig is a rig that plays the crate's file, with a shelf's pictures if there is
// one.
func pcmRig(t testing.TB, w, h int, scale float64, s *crate, f *shelf) *rig {
	o := Options{RawSound: s, Describe: described}
	if f != nil {
		f.name = s.name
		o.Raw = f
	}
	r := newRig(t, w, h, scale, o)
	r.st.Name, r.st.Source, r.st.Playlist = s.name, s.name, []string{s.name}
	r.m.State, r.c.sound.declined = player.Paused, true
	if f == nil || !f.raw {
		r.m.Frame, r.st.HasVideo = -1, false
	}
	return r
}

// openSound is a rig with the panel open.
func openSound(t *testing.T, s *crate, f *shelf) *rig {
	r := pcmRig(t, 1280, 720, 1, s, f)
	r.press("r")
	r.soundGuessed()
	r.took()
	return r
}

// soundGuessed waits for the guesses of what is played, if it asks for them.
func (r *rig) soundGuessed() {
	r.t.Helper()
	for range 200 {
		r.pass(20 * time.Millisecond)
		if _, _, done := r.c.raw.sound.guesses.answer(r.st.Name); done {
			break
		}
		if _, _, done := r.c.raw.picture.guesses.answer(r.st.Name); done {
			break
		}
		time.Sleep(time.Millisecond)
	}
	r.pass(100 * time.Millisecond)
}

// resounds does what was asked for; it reports what the sound was taken for since.
func (r *rig) resounds(s *crate) (set []guess.Sound, commands []player.Command) {
	commands = r.took()
	for _, c := range commands {
		if c.Do == player.Reload {
			s.reopened()
		}
	}
	set, s.set = s.set, nil
	r.pass(100 * time.Millisecond)
	return set, commands
}

func TestRawSoundShots(t *testing.T) {
	if *shots == "" {
		t.Skip("only draws pictures to be looked at")
	}
	for _, c := range []struct {
		name  string
		w, h  int
		scale float64
	}{{"720", 1280, 720, 1}, {"240", 320, 240, 1}, {"1440", 2560, 1440, 2}} {
		sc := func(v float64) int { return int(v * c.scale) }
		s := newCrate()
		s.file.Bytes += 3
		r := pcmRig(t, c.w, c.h, c.scale, s, nil)
		r.pass(100 * time.Millisecond)
		r.soundGuessed()
		r.shot("sound-" + c.name)
		r.c.raw.sound.problem = "an offset of 99000000 bytes leaves no frame, the file has 13230003"
		r.c.dirty = true
		r.pass(100 * time.Millisecond)
		r.shot("sound-problem-" + c.name)
		r.c.raw.sound.problem = ""
		for _, at := range []struct {
			name string
			x, y float64
		}{{"formats", 80, 96}, {"rates", 317, 96}, {"layouts", 260, 157}, {"orders", 260, 219}} {
			r.click(sc(at.x), sc(at.y), render.ButtonLeft)
			r.pass(time.Second)
			r.shot("sound-" + at.name + "-" + c.name)
			r.press("escape")
		}
		f := newShelf()
		r = pcmRig(t, c.w, c.h, c.scale, s, f)
		r.pass(100 * time.Millisecond)
		r.soundGuessed()
		r.shot("pair-sound-" + c.name)
		r.c.raw.page, r.c.dirty = rawPicturePage, true
		r.soundGuessed()
		r.shot("pair-picture-" + c.name)
		s, f = newCrate(), newShelf()
		s.raw, f.raw = false, false
		r = pcmRig(t, c.w, c.h, c.scale, s, f)
		r.press("r")
		r.pass(100 * time.Millisecond)
		r.shot("not-raw-" + c.name)
		f.raw = true
		r = pcmRig(t, c.w, c.h, c.scale, s, f)
		r.st.HasSound, f.guesses = false, f.guesses[:1]
		r.press("r")
		r.soundGuessed()
		r.shot("as-sound-" + c.name)
		s = newCrate()
		s.file.Sure = false
		r = pcmRig(t, c.w, c.h, c.scale, s, nil)
		r.c.sound.declined = false // the waveform is there, too
		r.pass(100 * time.Millisecond)
		r.soundGuessed()
		r.shot("sound-wave-" + c.name)
		f.raw, f.guesses, s.guesses = false, f.guesses[:1], s.guesses[:1]
		r = pcmRig(t, c.w, c.h, c.scale, s, f)
		r.press("r")
		r.soundGuessed()
		r.shot("as-video-" + c.name)
	}
}

func TestSoundFields(t *testing.T) {
	base := soundFields{format: "s16le", rate: "44100", channels: "2"}
	with := func(change func(f *soundFields)) soundFields {
		f := base
		change(&f)
		return f
	}
	for _, c := range []struct {
		name   string
		fields soundFields
		want   guess.Sound
		err    string // a part of it; empty if there is none
	}{
		{"all", base, guess.Sound{Format: "s16le", Rate: 44100, Channels: 2}, ""},
		{
			"rest", with(func(f *soundFields) { f.planar, f.channels, f.layout, f.header = true, " 6 ", 0x60f, "44" }),
			guess.Sound{Format: "s16le_planar", Rate: 44100, Channels: 6, Layout: 0x60f, Header: 44},
			"",
		},
		{"another number than the layout's", with(func(f *soundFields) { f.layout = 0x60f }), guess.Sound{Format: "s16le", Rate: 44100, Channels: 2}, ""},
		{"no format", with(func(f *soundFields) { f.format = "" }), guess.Sound{}, "sample format"},
		{"no rate", with(func(f *soundFields) { f.rate = "" }), guess.Sound{}, "sample rate"},
		{"no channels", with(func(f *soundFields) { f.channels = "0" }), guess.Sound{}, "channels"},
		{"many channels", with(func(f *soundFields) { f.channels = "65" }), guess.Sound{}, "64"},
		{"channels in words", with(func(f *soundFields) { f.channels = "stereo" }), guess.Sound{}, "channels"},
		{"negative offset", with(func(f *soundFields) { f.header = "-1" }), guess.Sound{}, "offset"},
	} {
		got, err := c.fields.sound()
		switch {
		case c.err == "" && (err != nil || got != c.want):
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: error %v, want one line with %q", c.name, err, c.err)
		}
		if c.err != "" {
			continue
		}
		again := soundFieldsOf(c.want)
		if back, err := again.sound(); err != nil || back != c.want {
			t.Errorf("%s: written as %+v and read back: %+v, %v", c.name, again, back, err)
		}
	}
}

func TestParseSampleRate(t *testing.T) {
	for s, want := range map[string]int{
		"48000": 48000, " 44 100 Hz": 44100, "44.1k": 44100, "22,05 kHz": 22050, "1000": 1000, "768000": 768000,
		"": 0, "k": 0, "999": 0, "768001": 0, "44100.5": 0, "-48000": 0, "NaN": 0, "inf": 0, "1e400": 0, "fast": 0,
	} {
		if got, err := parseSampleRate(s); got != want || (err == nil) != (want != 0) {
			t.Errorf("%q is %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range usualSampleRates {
		if n, err := parseSampleRate(s); err != nil || fmt.Sprint(n) != s {
			t.Errorf("the usual rate %q is read as %d, %v", s, n, err)
		}
	}
}

// TestLayouts chooses each of the layouts, and looks whether it is seen as chosen.
func TestLayouts(t *testing.T) {
	for _, u := range usualLayouts {
		f := soundFields{format: "u8", rate: "8000", channels: "9", layout: 0x1ff}
		f.setLayout(u)
		s, err := f.sound()
		if err != nil || s.Channels != u.channels || (s.Layout == 0) != u.usual || s.Layout != 0 && s.Layout != u.mask {
			t.Errorf("%s makes %+v, %v", u.name, s, err)
		}
		for _, other := range usualLayouts {
			if f.laidOut(other) != (other == u) {
				t.Errorf("%s is taken for %s: %v", u.name, other.name, f.laidOut(other))
			}
		}
		f.layout = u.mask
		if !f.laidOut(u) {
			t.Errorf("%s by its mask is not taken for it", u.name)
		}
	}
}

func TestSoundFrames(t *testing.T) {
	for _, c := range []struct {
		bytes, header, frame, whole, rest int64
	}{{100, 0, 4, 25, 0}, {103, 0, 4, 25, 3}, {100, 44, 6, 9, 2}, {10, 44, 4, 0, 10}, {100, 0, 0, 0, 100}, {-1, 0, 4, 0, 0}} {
		f := RawSound{Sound: guess.Sound{Header: c.header}, Bytes: c.bytes, FrameBytes: c.frame}
		if whole, rest := f.Frames(); whole != c.whole || rest != c.rest {
			t.Errorf("%+v: %d frames and %d bytes", c, whole, rest)
		}
	}
	for _, c := range []struct {
		n    int64
		rate int
		want time.Duration
	}{{44100, 44100, time.Second}, {1, 0, 0}, {1 << 62, 8000, 878400 * time.Hour}} {
		if got := framesLast(c.n, c.rate); got != c.want {
			t.Errorf("%d frames at %d Hz last %v, want %v", c.n, c.rate, got, c.want)
		}
	}
}

// TestRawSoundOpensByItself looks at when the panel comes up without being asked for,
// and at which page.
func TestRawSoundOpensByItself(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *crate, f *shelf)
		pair   bool
		want   bool
		page   int
	}{
		{"sure and divides", func(*crate, *shelf) {}, false, false, 0},
		{"not sure", func(s *crate, _ *shelf) { s.file.Sure = false }, false, true, rawSoundPage},
		{"3 bytes left over", func(s *crate, _ *shelf) { s.file.Bytes += 3 }, false, true, rawSoundPage},
		{"of a pipe", func(s *crate, _ *shelf) { s.file.Bytes = -1 }, false, false, 0},
		{"not raw", func(s *crate, _ *shelf) { s.raw, s.file.Sure = false, false }, false, false, 0},
		{"sure pair", func(*crate, *shelf) {}, true, false, 0},
		{"pair, sound is not sure", func(s *crate, _ *shelf) { s.file.Sure = false }, true, true, rawSoundPage},
		{"pair, picture is not sure", func(_ *crate, f *shelf) { f.file.Sure = false }, true, true, rawPicturePage},
		{"pair, neither is", func(s *crate, f *shelf) { s.file.Sure, f.file.Sure = false, false }, true, true, rawPicturePage},
	} {
		s, f := newCrate(), newShelf()
		c.change(s, f)
		if !c.pair {
			f = nil
		}
		r := pcmRig(t, 1280, 720, 1, s, f)
		frame := r.m.Frame
		begin := func() {
			r.m.State, r.m.Frame = player.Opening, -1
			r.pass(100 * time.Millisecond)
			if r.c.panels.raw {
				t.Errorf("%s: the panel is open before the source is", c.name)
			}
			r.m.State, r.m.Frame = player.Playing, frame
			r.pass(100 * time.Millisecond)
		}
		begin()
		if r.c.panels.raw != c.want || c.want && r.c.raw.page != c.page {
			t.Errorf("%s: the panel is open: %v, at page %d; want %v, %d", c.name, r.c.panels.raw, r.c.raw.page, c.want, c.page)
		}
		r.c.panels.raw = false
		begin() // once more
		if r.c.panels.raw {
			t.Errorf("%s: the panel has opened once more", c.name)
		}
	}
}

func TestRawSoundEdits(t *testing.T) {
	s := newCrate()
	r := openSound(t, s, nil)
	click := func(x, y int) { r.click(x, y, render.ButtonLeft); r.pass(200 * time.Millisecond) }
	all := func() { r.do(render.Event{Kind: render.KeyPress, Key: "ctrl+a", Mods: render.ModCtrl}) }
	once := func(what string, want func(to *guess.Sound)) {
		t.Helper()
		to := s.file.Sound
		want(&to)
		set, commands := r.resounds(s)
		if len(set) != 1 || set[0] != to {
			t.Fatalf("%s: set to %+v, want %+v; problem %q", what, set, to, r.c.raw.sound.problem)
		}
		if len(commands) != 1 || commands[0].Do != player.Reload {
			t.Fatalf("%s: asked for %+v, want a Reload", what, commands)
		}
	}
	nothing := func(what string) {
		t.Helper()
		if set, commands := r.resounds(s); len(set) != 0 || len(commands) != 0 {
			t.Fatalf("%s: set to %+v, asked for %+v", what, set, commands)
		}
	}

	// A rate is applied after a pause, or with Enter.
	click(220, 96)
	all()
	r.write("48k")
	r.pass(100 * time.Millisecond)
	nothing("while typing")
	r.pass(time.Second)
	once("a typed rate", func(to *guess.Sound) { to.Rate = 48000 })
	all()
	r.write("22050")
	r.press("return")
	once("a rate and Enter", func(to *guess.Sound) { to.Rate = 22050 })
	r.pass(time.Second)
	nothing("after Enter")
	click(317, 96) // the list
	click(340, 116+6+28+14)
	once("a usual rate", func(to *guess.Sound) { to.Rate = 11025 })

	// Steps of the channels.
	click(163, 157)
	once("a step", func(to *guess.Sound) { to.Channels = 3 })
	click(137, 157)
	once("a step back", func(to *guess.Sound) { to.Channels = 2 })
	r.wheel(60, 157, -1, 0)
	once("the wheel", func(to *guess.Sound) { to.Channels = 1 })
	r.wheel(60, 157, -1, 0)
	nothing("the wheel at one channel")
	click(60, 157)
	r.press("up")
	once("the arrow key", func(to *guess.Sound) { to.Channels = 2 })
	// A layout: the list is Other, Mono, Stereo, 2.1, 3.0.
	click(260, 157)
	click(260, 177+6+4*30+15)
	once("3.0", func(to *guess.Sound) { to.Channels, to.Layout = 3, 0x7 })
	click(163, 157)
	once("a step from 3.0", func(to *guess.Sound) { to.Channels, to.Layout = 4, 0 })

	// A format that is searched for.
	click(80, 96)
	r.write("f32")
	r.press("return")
	once("searching for f32", func(to *guess.Sound) { to.Format = "f32le" })
	click(260, 219)
	click(260, 239+6+30+15)
	once("planar", func(to *guess.Sound) { to.Format = "f32le_planar" })

	// The offset, and what cannot be: it is told, and changes nothing.
	click(80, 219)
	r.write("44")
	r.press("return")
	once("an offset", func(to *guess.Sound) { to.Header = 44 })
	click(80, 219)
	all()
	r.write("99000000")
	r.press("return")
	nothing("a large offset")
	if !strings.Contains(r.c.raw.sound.problem, "the file has 13230000") {
		t.Errorf("the problem is %q", r.c.raw.sound.problem)
	}
	click(80, 219)
	all()
	r.write("head")
	r.pass(time.Second)
	nothing("no number")
	if !strings.Contains(r.c.raw.sound.problem, "offset") {
		t.Errorf("the problem is %q", r.c.raw.sound.problem)
	}
	all()
	r.write("44")
	r.press("return")
	nothing("what it was taken for already")
	if r.c.raw.sound.problem != "" {
		t.Errorf("the problem is still %q", r.c.raw.sound.problem)
	}
}

// TestRawSoundCandidate takes the file for one of the guesses. What nobody guesses
// stays as it was said.
func TestRawSoundCandidate(t *testing.T) {
	s := newCrate()
	s.file.Header = 44
	r := openSound(t, s, nil)
	click := func(x, y int) { r.click(x, y, render.ButtonLeft); r.pass(200 * time.Millisecond) }
	const first, row = 400, 48
	click(150, first+2*row)
	want := s.guesses[2].Sound
	want.Header = 44
	if set, commands := r.resounds(s); !reflect.DeepEqual(set, []guess.Sound{want}) || len(commands) != 1 || commands[0].Do != player.Reload {
		t.Fatalf("the third guess sets %+v and asks for %+v", set, commands)
	}
	click(150, first+2*row)
	if set, _ := r.resounds(s); len(set) != 0 {
		t.Errorf("what it is taken for already is set: %+v", set)
	}
}

// TestRawPair goes from one page to the other.
func TestRawPair(t *testing.T) {
	s, f := newCrate(), newShelf()
	r := openSound(t, s, f)
	if f.set, s.set = nil, nil; r.c.raw.page != rawPicturePage {
		t.Fatalf("page %d is shown first", r.c.raw.page)
	}
	click := func(x, y int) { r.click(x, y, render.ButtonLeft); r.pass(100 * time.Millisecond) }
	const down = 37 // by the switch
	click(60, 96+down)
	r.do(render.Event{Kind: render.KeyPress, Key: "ctrl+a", Mods: render.ModCtrl})
	r.write("320")
	click(260, 67) // Sound, before the pause is over
	if len(f.set) != 1 || f.set[0].Width != 320 || len(s.set) != 0 {
		t.Fatalf("leaving the page sets %+v and %+v; problem %q", f.set, s.set, r.c.raw.picture.problem)
	}
	if r.c.raw.page != rawSoundPage {
		t.Fatal("the switch does not show the sound")
	}
	r.soundGuessed()
	click(163, 157+down)
	if len(s.set) != 1 || s.set[0].Channels != 3 || len(f.set) != 1 {
		t.Fatalf("a step sets %+v, and %+v of the pictures", s.set, f.set)
	}
	click(90, 67)
	if r.c.raw.page != rawPicturePage {
		t.Fatal("the switch does not show the picture")
	}
}

// TestTreatAsRawSound takes a file for headerless sound that has a header, or was
// taken for video, and the other way round.
func TestTreatAsRawSound(t *testing.T) {
	for _, c := range []struct {
		name           string
		picture, sound bool // what it is taken for
		toSound        bool // what it is to be taken for
		y              int  // of the button
	}{
		{"a header", false, false, true, 127},
		{"a header, video", false, false, false, 97},
		{"video", true, false, true, 530},
		{"sound", false, true, false, 451},
	} {
		s, f := newCrate(), newShelf()
		s.raw, f.raw = c.sound, c.picture
		s.guesses, f.guesses = s.guesses[:1], f.guesses[:1]
		r := pcmRig(t, 1280, 900, 1, s, f)
		r.st.HasSound = c.sound
		r.press("r")
		r.soundGuessed()
		r.took()
		r.click(100, c.y, render.ButtonLeft)
		waitFor(t, c.name, func() bool { r.pass(50 * time.Millisecond); return len(s.set)+len(f.set) > 0 })
		r.pass(50 * time.Millisecond)
		commands := r.took()
		if len(commands) != 1 || commands[0].Do != player.Reload {
			t.Errorf("%s: asked for %+v, want a Reload", c.name, commands)
		}
		switch {
		case c.toSound && (len(f.set) != 0 || len(s.set) != 1 || s.set[0] != s.guesses[0].Sound),
			!c.toSound && (len(s.set) != 0 || len(f.set) != 1 || f.set[0].Video != f.guesses[0].Video):
			t.Errorf("%s: set to %+v and %+v", c.name, f.set, s.set)
		}
	}
}

// TestRawSoundRescan has the waveform drawn again when the sound is taken for
// something else.
func TestRawSoundRescan(t *testing.T) {
	s := newCrate()
	r := pcmRig(t, 1280, 720, 1, s, nil)
	opened := make(chan bool, 100)
	r.c.o.OpenSound = func(context.Context, string, int) (Sound, time.Duration, error) {
		opened <- true
		return nil, 0, errors.New("there is none")
	}
	r.press("w")
	r.pass(200 * time.Millisecond)
	<-opened
	s.file.Rate = 48000
	r.c.dirty = true
	r.pass(200 * time.Millisecond)
	select {
	case <-opened:
	case <-time.After(5 * time.Second):
		t.Error("the sound is not read again")
	}
}
