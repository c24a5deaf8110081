package controls

// #include <stdlib.h>
import "C"

import (
	_ "embed"
	"math"
	"sync"
	"unsafe"

	"github.com/inkyblackness/imgui-go/v4"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/sfnt"
)

// The fonts; fonts/README.md says where they are from.
var (
	//go:embed fonts/Roboto-Regular.ttf
	robotoRegular []byte
	//go:embed fonts/Roboto-Medium.ttf
	robotoMedium []byte
	//go:embed fonts/DroidSansFallback.ttf
	droidFallback []byte
	//go:embed fonts/Hangul.ttf
	hangulFallback []byte
	//go:embed fonts/TablerIcons.ttf
	tablerIcons []byte
)

// basic is drawn in every font that has it: ranges of Unicode, ends included.
// Latin 1 and Extended A, Greek, Cyrillic, punctuation and a few signs.
var basic = []uint16{
	0x20, 0x7e, 0xa0, 0x17f, 0x370, 0x3ff, 0x400, 0x45f, 0x490, 0x491, 0x2010, 0x2027, 0x2030, 0x203a,
	0x20ac, 0x20ac, 0x2116, 0x2116, 0x2122, 0x2122, 0x2212, 0x2212, 0x221e, 0x221e, 0x2248, 0x2248, 0x2260, 0x2265,
}

// maxExtra bounds the characters beyond basic that are drawn, by the size of the
// texture that they take: 2000 of 18 pixels square in two sizes are 1.3 MB, at
// scale 2 four times that. Those that come later are drawn as "?".
const maxExtra = 2000

// face names a font of the toolkit.
type face int

const (
	body   face = iota // Roboto, for text
	strong             // Roboto Medium, for titles
	small              // Roboto, for what is secondary
	mono               // Go Mono, for values
	icons              // Tabler's, for buttons; see icons.go
	smallIcons
	bigIcons
	faces
)

// sizes are heights of a line in pixels at scale 1, from ascent to descent.
var sizes = [faces]float32{body: 17, strong: 17, small: 15, mono: 15, icons: 20, smallIcons: 16, bigIcons: 26}

// fontSet is the fonts at one scale.
type fontSet struct {
	scale  float64
	beside script // what the fallback fonts have that are in it
	font   [faces]imgui.Font
	ranges []*rangeList
}

// rangeList is ranges of Unicode in C memory, which Dear ImGui reads whenever it
// builds its texture. So characters are added to a font, or taken from it, by
// writing here. It lives as long as the context.
type rangeList struct {
	what  []uint16 // always
	extra bool     // and the toolkit's extra characters
	mem   unsafe.Pointer
}

// rangeCap is how many numbers a rangeList has room for: the longest of the
// constant ones, two for each extra character, and the 0 at the end.
var rangeCap = len(basic) + 2*maxExtra + 1

func newRangeList(what []uint16, extra bool) *rangeList {
	return &rangeList{what, extra, C.malloc(C.size_t(2 * rangeCap))}
}

// write sets the characters.
func (l *rangeList) write(what []uint16, extra []rune) {
	m := unsafe.Slice((*uint16)(l.mem), rangeCap)
	n := copy(m, what)
	if l.extra {
		for _, r := range extra {
			m[n], m[n+1] = uint16(r), uint16(r)
			n += 2
		}
	}
	m[n] = 0
}

// idle leaves one character: Dear ImGui cannot forget a font, but that costs nothing.
func (l *rangeList) idle() {
	if len(l.what) == 0 {
		l.write(nil, nil)
		return
	}
	l.write([]uint16{l.what[0], l.what[0]}, nil)
}

// fontBox is the fonts of one Dear ImGui context.
type fontBox struct {
	atlas imgui.FontAtlas
	sets  []*fontSet // the last one used is the one drawn with; see select
	now   *fontSet
	scale float64

	extra  []rune // met so far, beyond basic, and in one of the fonts
	known  map[rune]bool
	beside script // what of them is in the fallback fonts
	stale  bool   // the texture lacks some
	built  int    // times
}

// need notes the characters of s, so that the next texture has them.
func (f *fontBox) need(s string) {
	for _, r := range s {
		if r >= 0x180 && !f.known[r] {
			f.meet(r)
		}
	}
}

// has is f, or body if f lacks a character of s that body may have.
func (f *fontBox) has(s string, want face) face {
	if want == strong || want == mono {
		for _, r := range s {
			if r >= 0x180 && !isBasic(r) {
				return body
			}
		}
	}
	return want
}

func isBasic(r rune) bool {
	for i := 0; i < len(basic); i += 2 {
		if r >= rune(basic[i]) && r <= rune(basic[i+1]) {
			return true
		}
	}
	return false
}

// meet notes one character.
func (f *fontBox) meet(r rune) {
	// Dear ImGui's characters have 16 bits. The map may grow to all of them.
	if r > 0xffff || r == 0xfffd {
		return
	}
	f.known[r] = true
	if isBasic(r) || len(f.extra) >= maxExtra {
		return
	}
	switch {
	case covers(roboto(), r):
	case covers(droid(), r):
		f.beside |= han
	case covers(hangul(), r):
		f.beside |= korean
	default:
		return
	}
	f.extra = append(f.extra, r)
	f.stale = true
}

// script is what a fallback font has. Dear ImGui copies each font that it is given,
// so they come when their characters do.
type script uint8

const (
	han    script = 1 << iota // Chinese and Japanese
	korean                    // Hangul
)

// roboto, droid and hangul parse the fonts' tables when they are first needed.
var (
	roboto = sync.OnceValue(func() *sfnt.Font { return parse(robotoRegular) })
	droid  = sync.OnceValue(func() *sfnt.Font { return parse(droidFallback) })
	hangul = sync.OnceValue(func() *sfnt.Font { return parse(hangulFallback) })
)

func parse(b []byte) *sfnt.Font {
	f, err := sfnt.Parse(b)
	if err != nil {
		return nil // tested: they do parse
	}
	return f
}

func covers(f *sfnt.Font, r rune) bool {
	if f == nil {
		return false
	}
	i, err := f.GlyphIndex(nil, r)
	return err == nil && i != 0
}

// fresh builds the texture anew if it lacks anything. It must not be called between
// the beginning and the end of a frame.
func (f *fontBox) fresh() (rebuilt bool) {
	if f.now != nil && f.now.scale == f.scale && f.now.beside == f.beside && !f.stale {
		return false
	}
	f.pick()
	for _, s := range f.sets {
		for _, l := range s.ranges {
			if s == f.now {
				l.write(l.what, f.extra)
			} else {
				l.idle()
			}
		}
	}
	f.stale = false
	f.built++
	return f.atlas.Build()
}

// pick makes the set of fonts for the scale the one drawn with.
func (f *fontBox) pick() {
	for _, s := range f.sets {
		if s.scale == f.scale && s.beside == f.beside {
			f.now = s
			return
		}
	}
	s := &fontSet{scale: f.scale, beside: f.beside}
	for i := range faces {
		switch i {
		case body, small:
			s.font[i] = s.add(f.atlas, robotoRegular, i, basic, true, false)
		case strong:
			s.font[i] = s.add(f.atlas, robotoMedium, i, basic, false, false)
		case mono:
			s.font[i] = s.add(f.atlas, gomono.TTF, i, basic, false, false)
		default:
			s.font[i] = s.add(f.atlas, tablerIcons, i, iconRange, false, false)
		}
		if i != body && i != small {
			continue
		}
		if s.beside&han != 0 {
			s.add(f.atlas, droidFallback, i, nil, true, true)
		}
		if s.beside&korean != 0 {
			s.add(f.atlas, hangulFallback, i, nil, true, true)
		}
	}
	f.sets = append(f.sets, s)
	f.now = s
}

// add adds a font to the atlas, or merges it into the one added before.
func (s *fontSet) add(atlas imgui.FontAtlas, ttf []byte, size face, what []uint16, extra, merge bool) imgui.Font {
	l := newRangeList(what, extra)
	l.write(what, nil)
	s.ranges = append(s.ranges, l)
	cfg := imgui.NewFontConfig()
	defer cfg.Delete()
	// Glyphs lie on whole pixels: sharp, and drawn by copying.
	cfg.SetOversampleH(1)
	cfg.SetOversampleV(1)
	cfg.SetPixelSnapH(true)
	cfg.SetMergeMode(merge)
	px := float32(math.Round(float64(sizes[size]) * s.scale))
	return atlas.AddFontFromMemoryTTFV(ttf, px, cfg, imgui.GlyphRanges(uintptr(l.mem)))
}

// free gives the C memory back, after the context's end.
func (f *fontBox) free() {
	for _, s := range f.sets {
		for _, l := range s.ranges {
			C.free(l.mem)
		}
	}
	f.sets = nil
}
