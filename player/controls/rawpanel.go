package controls

import (
	"github.com/inkyblackness/imgui-go/v4"

	"planar/demux"
	"planar/player"
)

// rawPanel shows and changes what a headerless file is taken for: a page for its
// pictures, one for its sound, or both where they are played together.
type rawPanel struct {
	came    arrivals
	offered map[string]bool // files that the panel has opened for, or need not

	picture rawPicture
	sound   rawSound
	page    int     // of a pair: rawPicturePage or rawSoundPage
	height  float32 // of what the panel holds, in pixels
}

// The pages, as the switch has them.
const (
	rawPicturePage = iota
	rawSoundPage
)

// maxOffered bounds the names that are remembered, some 100 kB.
const maxOffered = 1024

// rawPicture is what a source's pictures are taken for; false if they have a header.
func (o *Options) rawPicture(name string) (RawFile, bool) {
	if o.Raw == nil || name == "" {
		return RawFile{}, false
	}
	return o.Raw.Raw(name)
}

// rawSound is what a source's sound is taken for; false if it has a header.
func (o *Options) rawSound(name string) (RawSound, bool) {
	if o.RawSound == nil || name == "" {
		return RawSound{}, false
	}
	return o.RawSound.Sound(name)
}

// observe opens the panel by itself, once for each file of which it is not known
// what it is, at the page that has the doubt.
func (r *rawPanel) observe(c *Controls, m player.Moment) {
	if r.picture.guesses.news() || r.sound.guesses.news() {
		c.dirty = true
	}
	if !c.panels.raw {
		r.picture.rest()
		r.sound.rest()
	}
	name, ok := r.begun(c, m)
	if !ok || r.offered[name] {
		return
	}
	picture, isPicture := c.o.rawPicture(name)
	sound, isSound := c.o.rawSound(name)
	if !isPicture && !isSound {
		return
	}
	if r.offered == nil || len(r.offered) >= maxOffered {
		r.offered = map[string]bool{}
	}
	r.offered[name] = true
	switch {
	case isPicture && picture.doubtful():
		r.page = rawPicturePage
	case isSound && sound.doubtful():
		r.page = rawSoundPage
	default:
		return
	}
	c.panels.raw, c.dirty = true, true
}

// begun is the name of a source that may have begun: its first picture is there, or
// it has none.
func (r *rawPanel) begun(c *Controls, m player.Moment) (name string, ok bool) {
	came := r.came.came(m)
	switch {
	case c.o.Raw == nil && c.o.RawSound == nil, c.o.Show == "never":
		return "", false
	case m.Frame >= 0:
		if !came {
			return "", false
		}
		return m.Status().Name, true
	case m.State == player.Idle, m.State == player.Opening:
		return "", false
	}
	st := m.Status()
	return st.Name, !st.HasVideo
}

// doubtful reports whether the file may be something else.
func (f RawFile) doubtful() bool {
	_, rest := f.Frames()
	return !f.Sure || rest != 0
}

func (s RawSound) doubtful() bool {
	_, rest := s.Frames()
	return !s.Sure || rest != 0
}

func (r *rawPanel) close() {
	r.picture.guesses.close()
	r.sound.guesses.close()
}

// rawWidth is the panel's, in pixels at scale 1.
const rawWidth = 336

// build draws the panel.
func (r *rawPanel) build(v *view) {
	t := v.tk
	edge := min(t.px(12), float32(min(v.m.W, v.m.H))/30)
	size := vec2{X: min(t.px(rawWidth), float32(v.m.W)-2*edge)}
	pos := vec2{X: edge, Y: edge}
	// Beside the inspector, if there is room.
	if x := edge + t.px(inspectorWidth) + t.px(8); v.panels.inspector && x+size.X <= float32(v.m.W) {
		pos.X = x
	}
	name := v.st.Name
	picture, isPicture := v.o.rawPicture(name)
	sound, isSound := v.o.rawSound(name)
	title := "Raw format"
	switch {
	case isPicture && isSound:
		title = "Raw video and sound"
	case isPicture:
		title = "Raw video"
	case isSound:
		title = "Raw sound"
	}
	t.panelV("raw", title, &v.panels.raw, pos, size, 0, func() {
		defer t.steady(&r.height)
		if name == "" || v.o.Raw == nil && v.o.RawSound == nil {
			t.wrapped("Nothing is playing.", body, t.theme.grey)
			return
		}
		r.picture.attend(name)
		r.sound.attend(name)
		page := rawPicturePage
		switch {
		case isPicture && isSound:
			page = r.choose(v)
		case isSound:
			page = rawSoundPage
		case !isPicture:
			r.notRaw(v)
			return
		}
		// Names such as dump.raw tell nothing: what was taken for the one may be the other.
		if page == rawPicturePage {
			r.picture.build(v, picture)
			if !v.st.HasSound {
				imgui.Dummy(vec2{Y: t.px(2)})
				r.asSound(v)
			}
		} else {
			r.sound.build(v, sound)
			if !v.st.HasVideo {
				imgui.Dummy(vec2{Y: t.px(2)})
				r.asVideo(v)
			}
		}
	})
}

// choose is the switch between the pages of a pair. What was typed on the one that is
// left is applied.
func (r *rawPanel) choose(v *view) (page int) {
	to, changed := v.tk.segmented("page", []string{"Picture", "Sound"}, r.page, v.tk.room())
	if !changed {
		return r.page
	}
	r.page = to
	if r.picture.due != 0 {
		r.picture.apply(v)
	}
	if r.sound.due != 0 {
		r.sound.apply(v)
	}
	return to
}

// notRaw offers to take a file for headerless.
func (r *rawPanel) notRaw(v *view) {
	t := v.tk
	if demux.IsURL(v.st.Name) {
		t.wrapped("A stream says what it is.", body, t.theme.grey)
		return
	}
	t.wrapped("This file has a header that says what it is.", body, t.theme.grey)
	r.asVideo(v)
	r.asSound(v)
}

// asVideo offers to take a file for headerless video, which it is not taken for.
func (r *rawPanel) asVideo(v *view) {
	if v.o.Raw == nil || r.sound.wish {
		return
	}
	if c, ok := r.picture.offer(v, "Treat as raw video", v.o.Raw.Guesses); ok {
		r.picture.take(v, c)
	}
	r.picture.trouble(v.tk)
}

// asSound offers to take a file for headerless sound, which it is not taken for.
func (r *rawPanel) asSound(v *view) {
	if v.o.RawSound == nil || r.picture.wish {
		return
	}
	if c, ok := r.sound.offer(v, "Treat as raw sound", v.o.RawSound.SoundGuesses); ok {
		r.sound.take(v, c)
	}
	r.sound.trouble(v.tk)
}
