package sdlwindow

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/veandco/go-sdl2/sdl"

	"planar/render"
)

// keyboard names keys. Keys that make a character are named by SDL's text
// events, which know the layout, shift and AltGr; the others by the key event
// itself. SDL sends a key's text directly after the key.
type keyboard struct {
	sym   sdl.Keycode // the last key that went down
	mod   uint16      // the modifiers that were held then
	held  uint16      // the modifiers that are held now
	named bool        // down has named that key; its text is not another press
}

// Modifiers that make a key something else than a planar key.
const commandMod = sdl.KMOD_CTRL | sdl.KMOD_ALT | sdl.KMOD_GUI

// down takes a key that goes down or repeats and returns its name, or "" if it
// has none or text is to come.
func (k *keyboard) down(sym sdl.Keycode, mod uint16) string {
	k.sym, k.mod, k.named = sym, mod, true
	name := ""
	switch {
	case sym >= sdl.K_KP_1 && sym <= sdl.K_KP_0 || sym == sdl.K_KP_PERIOD:
		if mod&sdl.KMOD_NUM != 0 {
			k.named = false
			return ""
		}
		name = keypad[sym]
	case sym == sdl.K_KP_ENTER:
		name = "return"
	case sym >= sdl.K_KP_DIVIDE && sym <= sdl.K_KP_PLUS:
		k.named = false
		return ""
	case sym == sdl.K_SPACE:
		name = "space"
	case sym >= sdl.K_LCTRL && sym <= sdl.K_RGUI, sym == sdl.K_MODE,
		sym == sdl.K_CAPSLOCK, sym == sdl.K_NUMLOCKCLEAR, sym == sdl.K_SCROLLLOCK:
		return ""
	case sym > ' ' && sym < 0x40000000 && sym != sdl.K_DELETE:
		k.named = false
		return command(sym, mod)
	case sym == sdl.K_TAB && mod&sdl.KMOD_SHIFT != 0:
		name = "shift+tab"
	default:
		name = strings.ToLower(sdl.GetKeyName(sym))
	}
	if mod&commandMod != 0 {
		return ""
	}
	return name
}

// command names a letter that goes down with Ctrl held: such a key makes no text.
func command(sym sdl.Keycode, mod uint16) string {
	if sym < sdl.K_a || sym > sdl.K_z || mod&sdl.KMOD_CTRL == 0 || mod&(commandMod&^sdl.KMOD_CTRL) != 0 {
		return ""
	}
	if mod&sdl.KMOD_SHIFT != 0 {
		return "ctrl+shift+" + string(rune(sym))
	}
	return "ctrl+" + string(rune(sym))
}

// keypad names the keypad's keys without Num Lock.
var keypad = map[sdl.Keycode]string{
	sdl.K_KP_0: "insert", sdl.K_KP_PERIOD: "delete", sdl.K_KP_5: "clear",
	sdl.K_KP_1: "end", sdl.K_KP_2: "down", sdl.K_KP_3: "pagedown", sdl.K_KP_4: "left",
	sdl.K_KP_6: "right", sdl.K_KP_7: "home", sdl.K_KP_8: "up", sdl.K_KP_9: "pageup",
}

// text takes the text that a key made and returns the key's name, or "".
func (k *keyboard) text(s string) string {
	if k.named {
		return ""
	}
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || n != len(s) || r == utf8.RuneError || !unicode.IsGraphic(r) || r == ' ' {
		return "" // composed text, a paste or a space is no key
	}
	if k.commands(r, k.mod) {
		return ""
	}
	return s
}

// commands reports whether the last key that went down, and made r, was to be a
// command, by the modifiers with it.
func (k *keyboard) commands(r rune, mod uint16) bool {
	mod &= commandMod
	if mod == 0 {
		return false
	}
	// AltGr, which some systems report as right alt with control, is a second shift
	// on keyboards where it changes the character.
	altGr := mod&sdl.KMOD_RALT != 0 && mod&^(sdl.KMOD_RALT|sdl.KMOD_LCTRL) == 0
	return !altGr || unicode.ToLower(r) == unicode.ToLower(rune(k.sym))
}

// typed is what of a text that has come in is to be written: nothing of commands,
// and no control characters.
func (k *keyboard) typed(s string) string {
	if r, n := utf8.DecodeRuneInString(s); n == len(s) && k.commands(r, k.held) {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
}

// mods are SDL's modifiers as render has them.
func mods(mod uint16) (m render.Mods) {
	for _, p := range []struct {
		sdl uint16
		is  render.Mods
	}{{sdl.KMOD_SHIFT, render.ModShift}, {sdl.KMOD_CTRL, render.ModCtrl}, {sdl.KMOD_ALT, render.ModAlt}} {
		if mod&p.sdl != 0 {
			m |= p.is
		}
	}
	return m
}
