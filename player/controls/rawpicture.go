package controls

import (
	"fmt"

	"planar/demux"
	"planar/demux/guess"
	"planar/player"
	"planar/render"
)

// rawPicture is the page that shows and changes what a headerless video is taken for.
type rawPicture struct {
	rawForm[guess.Candidate]
	fields        rawFields
	seen          RawVideo // what it was taken for when the fields were filled in
	coloured      bool     // matrix or range were changed, which the player is told, too
	width, height stepper
}

// Chroma is often half as wide, and codecs pad to macroblocks.
var sideStep = stepper{small: 2, large: 16, most: demux.MaxDimension}

// attend makes the page one of a source.
func (p *rawPicture) attend(name string) {
	if p.rawForm.attend(name) {
		p.fields, p.seen, p.coloured = rawFields{}, RawVideo{}, false
		p.width, p.height = sideStep, sideStep
	}
}

// build draws the page.
func (p *rawPicture) build(v *view, file RawFile) {
	p.guesses.ask(p.name, v.o.Raw.Guesses, v.o.Wake)
	p.fill(file)
	p.picture(v)
	p.layout(v)
	if p.ripe(v) {
		p.apply(v)
	}
	p.trouble(v.tk)
	whole, rest := file.Frames()
	fileFacts(v.tk, file.Bytes, file.FrameBytes, whole, rest, nil)
	if c, ok := p.candidates(v.tk, func(c guess.Candidate) candidate {
		return pictureCandidate(c, file)
	}); ok {
		p.take(v, c)
	}
}

// fill fills the fields in with what the file is taken for, unless they say that
// already or are being typed in.
func (p *rawPicture) fill(file RawFile) {
	if p.due != 0 || sameRaw(file.RawVideo, p.seen) {
		return
	}
	p.seen = file.RawVideo
	if said, err := p.fields.video(); err != nil || !sameRaw(said, file.RawVideo) {
		p.fields = fieldsOf(file.RawVideo)
	}
}

// take takes the file for a candidate.
func (p *rawPicture) take(v *view, c guess.Candidate) {
	to := RawVideo{Video: c.Video}
	if !to.Rate.Known() {
		to.Rate = p.seen.Rate
	}
	if !to.Rate.Known() {
		to.Rate = render.Rational{Num: 25, Den: 1}
	}
	p.fields = fieldsOf(to)
	p.apply(v)
}

// apply has the file opened as the fields say.
func (p *rawPicture) apply(v *view) {
	coloured := p.coloured
	p.due, p.problem, p.coloured = 0, "", false
	to, err := p.fields.video()
	if err == nil {
		if now, ok := v.o.Raw.Raw(p.name); ok && sameRaw(now.RawVideo, to) {
			return
		}
		err = v.o.Raw.SetRaw(p.name, to)
	}
	if err != nil {
		p.problem = err.Error()
		return
	}
	if coloured {
		c := to.Colour
		c.Siting = v.st.Colour.Siting
		v.ask(player.Command{Do: player.SetColour, Colour: c})
	}
	v.ask(player.Command{Do: player.Reload})
}

// picture has the fields that say what a picture is.
func (p *rawPicture) picture(v *view) {
	t := v.tk
	gap := t.px(8)
	half := float32(int((t.room() - gap) / 2))
	halves := []float32{half, half}
	t.sideBySide(gap, halves, func(k int, w float32) {
		if k == 0 {
			p.side(v, "Width", &p.width, &p.fields.width, w)
		} else {
			p.side(v, "Height", &p.height, &p.fields.height, w)
		}
	})
	sizes, at := []string{"Other size"}, 0
	for i, u := range usualSizes {
		sizes = append(sizes, fmt.Sprintf("%s  %d × %d", u.name, u.w, u.h))
		if w, h := fmt.Sprint(u.w), fmt.Sprint(u.h); w == p.fields.width && h == p.fields.height {
			at = i + 1
		}
	}
	if k, changed := t.combo("size", sizes, at, 2*half+gap); changed && k > 0 {
		u := usualSizes[k-1]
		p.fields.width, p.fields.height = fmt.Sprint(u.w), fmt.Sprint(u.h)
		p.now(v)
	}
	t.sideBySide(gap, halves, func(k int, w float32) {
		if k == 0 {
			t.note("Pixel format")
			if to, changed := p.formats.build(t, "format", v.o.Raw.PixelFormats(), p.fields.format, w); changed {
				p.fields.format = to
				p.now(v)
			}
			return
		}
		t.note("Frames a second")
		p.orUsual(v, "rate", "25", &p.fields.rate, usualRates, w)
	})
	t.sideBySide(gap, halves, func(k int, w float32) {
		if k == 0 {
			t.note("Matrix")
			matrices := []string{"By size", "BT.601", "BT.709", "BT.2020", "RGB"}
			if to, changed := t.combo("matrix", matrices, int(p.fields.colour.Matrix), w); changed {
				p.fields.colour.Matrix, p.coloured = render.Matrix(to), true
				p.now(v)
			}
			return
		}
		t.note("Range")
		if to, changed := t.combo("range", []string{"Usual", "Limited", "Full"}, int(p.fields.colour.Range), w); changed {
			p.fields.colour.Range, p.coloured = render.Range(to), true
			p.now(v)
		}
	})
}

// side is a field of a width or a height.
func (p *rawPicture) side(v *view, name string, n *stepper, s *string, width float32) {
	v.tk.note(name)
	p.steps(v, name, n, s, width)
}

// layout has the fields that say where pictures lie in the file.
func (p *rawPicture) layout(v *view) {
	t := v.tk
	gap := t.px(8)
	third := float32(int((t.room() - 2*gap) / 3))
	fields := []struct {
		id, name, hint string
		s              *string
	}{{"stride", "Row stride", "packed", &p.fields.stride}, {"header", "Offset", "0 bytes", &p.fields.header}, {"frame", "Frame header", "0 bytes", &p.fields.frameHeader}}
	t.sideBySide(gap, []float32{third, third, third}, func(k int, w float32) {
		f := &fields[k]
		t.label(t.elide(f.name, small, w), small, t.theme.grey)
		p.input(v, f.id, f.hint, f.s, w)
	})
}

// pictureCandidate is c as it is shown of a file.
func pictureCandidate(c guess.Candidate, f RawFile) candidate {
	s := candidate{
		title: fmt.Sprintf("%d×%d  %s", c.Width, c.Height, c.PixelFormat), rest: c.Rest, score: c.Score, reasons: c.Reasons,
		on: c.Width == f.Width && c.Height == f.Height && c.PixelFormat == f.PixelFormat,
	}
	if c.Rate.Known() {
		s.title += "  " + rateText(c.Rate) + " fps"
	}
	if c.Frames > 0 {
		s.extent = grouped(c.Frames) + " fr."
	}
	return s
}
