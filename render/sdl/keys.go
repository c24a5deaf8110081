package sdlwindow

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/veandco/go-sdl2/sdl"
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
		return ""
	default:
		name = strings.ToLower(sdl.GetKeyName(sym))
	}
	if mod&commandMod != 0 {
		return ""
	}
	return name
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
	if mod := k.mod & commandMod; mod != 0 {
		// AltGr, which some systems report as right alt with control, is a
		// second shift on keyboards where it changes the character.
		altGr := mod&sdl.KMOD_RALT != 0 && mod&^(sdl.KMOD_RALT|sdl.KMOD_LCTRL) == 0
		if !altGr || unicode.ToLower(r) == unicode.ToLower(rune(k.sym)) {
			return ""
		}
	}
	return s
}
