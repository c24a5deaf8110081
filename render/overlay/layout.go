package overlay

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/image/font/sfnt"

	"planar/render"
)

const (
	ellipsis = '…'
	// gap is between labels and what they name, in characters.
	gap = 2
	// step is what widths of panels are a multiple of, in characters, so that they
	// do not twitch with every number.
	step = 8
	// narrowest is the least number of characters that a line is cut to.
	narrowest = 8
)

// layOut makes the boxes of p.text.
func (p *Painter) layOut() {
	c := p.cell
	margin := c.w
	var badge render.Rect
	if columns := (p.w-2*margin)/c.w - 4; p.text.Badge != "" && columns >= narrowest && c.h+c.w+2*margin <= p.h {
		line := cut(p.text.Badge, columns)
		badge = render.Rect{W: (len(line) + 4) * c.w, H: c.h + c.w}
		badge.X, badge.Y = p.w-margin-badge.W, margin
		b := p.box(0, badge, badge.H/2)
		disc(b.Pixels, float64(c.w)*1.5, float64(badge.H)/2, float64(c.w)*0.55, accent)
		p.write(b.Pixels, c.w*11/4, c.w/2, line, bright)
	}
	p.panel(margin, badge)
}

// panel makes the panel, beside the badge, or below it where that is in its way.
func (p *Painter) panel(margin int, badge render.Rect) {
	c := p.cell
	lines := p.text.Panel
	columns := (p.w-2*margin)/c.w - 2
	if len(lines) == 0 || columns < narrowest {
		return
	}
	labels, width := measure(lines, columns)
	width = min((width+step-1)/step*step, columns)
	r := render.Rect{X: margin, Y: margin, W: (width + 2) * c.w}
	if badge.W > 0 && r.X+r.W+margin > badge.X {
		r.Y = badge.Y + badge.H + margin/2
	}
	rows := min(len(lines), (p.h-margin-r.Y-c.w)/c.h)
	if rows < 1 {
		return
	}
	r.H = rows*c.h + c.w
	b := p.box(1, r, c.w)
	for i, line := range lines[:rows] {
		y := c.w/2 + i*c.h
		if i == rows-1 && rows < len(lines) {
			line = string(ellipsis)
		}
		label, value, labelled := strings.Cut(line, "\t")
		if !labelled {
			p.write(b.Pixels, c.w, y, cut(line, width), bright)
			continue
		}
		p.write(b.Pixels, c.w, y, cut(label, labels), dim)
		p.write(b.Pixels, c.w*(1+labels+gap), y, cut(value, width-labels-gap), bright)
	}
}

// measure returns how wide the labels and the whole lines are, in characters: at
// most columns, of which labels take no more than a third.
func measure(lines []string, columns int) (labels, width int) {
	for _, line := range lines {
		if label, _, ok := strings.Cut(line, "\t"); ok {
			labels = max(labels, count(label, max(1, columns/3-gap)))
		}
	}
	for _, line := range lines {
		if _, value, ok := strings.Cut(line, "\t"); ok {
			width = max(width, labels+gap+count(value, columns-labels-gap))
		} else {
			width = max(width, count(line, columns))
		}
	}
	return labels, width
}

// count is the number of characters of s, but at most limit.
func count(s string, limit int) int {
	n := 0
	for range s {
		if n >= limit {
			break
		}
		n++
	}
	return n
}

// cut returns the characters of s, or, if they are more than n, the first of them
// and an ellipsis. Tabs and ends of lines are spaces.
func cut(s string, n int) []rune {
	if n < 1 {
		return nil
	}
	var out []rune
	for _, r := range s {
		if len(out) == n {
			out[n-1] = ellipsis
			break
		}
		if r == '\t' || r == '\n' || r == '\r' {
			r = ' '
		}
		out = append(out, r)
	}
	return out
}

// known reports whether the font shows r. Characters that steer a terminal or the
// direction of writing have no place in a line, whatever the font says.
func known(r rune) bool {
	if r == utf8.RuneError || !unicode.IsGraphic(r) {
		return false
	}
	i, err := mono().GlyphIndex(new(sfnt.Buffer), r)
	return err == nil && i != 0
}
