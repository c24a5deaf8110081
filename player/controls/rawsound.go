package controls

import (
	"slices"
	"strconv"
	"strings"

	"planar/demux/guess"
	"planar/player"
)

// rawSound is the page that shows and changes what headerless sound is taken for.
type rawSound struct {
	rawForm[guess.SoundCandidate]
	fields   soundFields
	seen     guess.Sound // what it was taken for when the fields were filled in
	channels stepper
}

// attend makes the page one of a source.
func (p *rawSound) attend(name string) {
	if p.rawForm.attend(name) {
		p.fields, p.seen = soundFields{}, guess.Sound{}
		p.channels = stepper{small: 1, large: 1, most: maxChannels}
	}
}

// build draws the page.
func (p *rawSound) build(v *view, file RawSound) {
	p.guesses.ask(p.name, v.o.RawSound.SoundGuesses, v.o.Wake)
	p.fill(file)
	p.samples(v)
	if p.ripe(v) {
		p.apply(v)
	}
	p.trouble(v.tk)
	whole, rest := file.Frames()
	fileFacts(v.tk, file.Bytes, file.FrameBytes, whole, rest, func() {
		if file.Bytes >= 0 && file.Rate > 0 {
			d := framesLast(whole, file.Rate)
			v.tk.keyValue("Duration", timeText(d, d))
		}
	})
	if c, ok := p.candidates(v.tk, func(c guess.SoundCandidate) candidate {
		return soundCandidate(c, file)
	}); ok {
		p.take(v, c)
	}
}

// fill fills the fields in with what the file is taken for, unless they say that
// already or are being typed in.
func (p *rawSound) fill(file RawSound) {
	if p.due != 0 || file.Sound == p.seen {
		return
	}
	p.seen = file.Sound
	if said, err := p.fields.sound(); err != nil || said != file.Sound {
		p.fields = soundFieldsOf(file.Sound)
	}
}

// take takes the file for a candidate. Nobody guesses what stands before the samples,
// nor where the loudspeakers are: what was said of that stays.
func (p *rawSound) take(v *view, c guess.SoundCandidate) {
	to := c.Sound
	if to.Rate == 0 {
		to.Rate = p.seen.Rate
	}
	if to.Rate == 0 {
		to.Rate = 48000
	}
	if to.Channels == 0 {
		to.Channels = max(p.seen.Channels, 1)
	}
	if to.Header == 0 {
		to.Header = p.seen.Header
	}
	if to.Layout == 0 && to.Channels == p.seen.Channels {
		to.Layout = p.seen.Layout
	}
	p.fields = soundFieldsOf(to)
	p.apply(v)
}

// apply has the file opened as the fields say.
func (p *rawSound) apply(v *view) {
	p.due, p.problem = 0, ""
	to, err := p.fields.sound()
	if err == nil {
		if now, ok := v.o.RawSound.Sound(p.name); ok && now.Sound == to {
			return
		}
		err = v.o.RawSound.SetSound(p.name, to)
	}
	if err != nil {
		p.problem = err.Error()
		return
	}
	v.ask(player.Command{Do: player.Reload})
}

// samples has the fields.
func (p *rawSound) samples(v *view) {
	t := v.tk
	gap := t.px(8)
	half := float32(int((t.room() - gap) / 2))
	halves := []float32{half, half}
	t.sideBySide(gap, halves, func(k int, w float32) {
		if k == 0 {
			t.note("Sample format")
			if to, changed := p.formats.build(t, "format", interleaved(v.o.RawSound.SampleFormats()), p.fields.format, w); changed {
				p.fields.format = to
				p.now(v)
			}
			return
		}
		t.note("Sample rate in Hz")
		p.orUsual(v, "rate", "48000", &p.fields.rate, usualSampleRates, w)
	})
	t.sideBySide(gap, halves, func(k int, w float32) {
		if k == 0 {
			t.note("Channels")
			p.steps(v, "channels", &p.channels, &p.fields.channels, w)
			return
		}
		t.note("Layout")
		p.layouts(v, w)
	})
	t.sideBySide(gap, halves, func(k int, w float32) {
		if k == 0 {
			t.note("Offset")
			p.input(v, "header", "0 bytes", &p.fields.header, w)
			return
		}
		t.note("Order")
		at := 0
		if p.fields.planar {
			at = 1
		}
		if to, changed := t.combo("order", []string{"Interleaved", "Planar"}, at, w); changed {
			p.fields.planar = to == 1
			p.now(v)
		}
	})
}

// layouts chooses one of the usual layouts, and with it the number of channels.
func (p *rawSound) layouts(v *view, width float32) {
	names, at := []string{"Other"}, 0
	for i, u := range usualLayouts {
		names = append(names, u.name)
		if at == 0 && p.fields.laidOut(u) {
			at = i + 1
		}
	}
	if k, changed := v.tk.combo("layout", names, at, width); changed && k > 0 {
		p.fields.setLayout(usualLayouts[k-1])
		p.now(v)
	}
}

// interleaved are the names of formats without those that the field of the order
// tells apart.
func interleaved(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.HasSuffix(n, planarSuffix) })
}

// soundCandidate is c as it is shown of a file.
func soundCandidate(c guess.SoundCandidate, f RawSound) candidate {
	s := candidate{
		title: c.Format, rest: c.Rest, score: c.Score, reasons: c.Reasons,
		on: c.Format == f.Format && (c.Rate == 0 || c.Rate == f.Rate) && (c.Channels == 0 || c.Channels == f.Channels),
	}
	if c.Rate > 0 {
		s.title += "  " + strconv.FormatFloat(float64(c.Rate)/1000, 'f', -1, 64) + " kHz"
	}
	if c.Channels > 0 {
		s.title += "  " + channelsText(c.Channels)
	}
	if c.Frames > 0 && c.Rate > 0 {
		d := framesLast(c.Frames, c.Rate)
		s.extent = timeText(d, d)
	}
	return s
}
