package controls

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"planar/player"
)

// otherwise are what the help tells of that is no key: the mouse, by other ways.
var otherwise = []string{"ctrl+wheel", "drag", "rightclick"}

func TestHelpTellsAllKeys(t *testing.T) {
	told := map[string]bool{}
	for _, g := range helpGroups {
		for _, k := range g.keys {
			for _, key := range k.keys {
				if told[key] {
					t.Errorf("%q is told twice", key)
				}
				told[key] = true
			}
		}
	}
	bound := player.Keys()
	for key := range bound {
		if !told[key] {
			t.Errorf("the player's key %q is not told", key)
		}
	}
	// All that the controls answer themselves, of what a keyboard has.
	var keyboard []string
	for r := rune(' '); r < 0x7f; r++ {
		keyboard = append(keyboard, string(r))
	}
	for r := 'a'; r <= 'z'; r++ {
		keyboard = append(keyboard, "ctrl+"+string(r))
	}
	for i := 1; i <= 12; i++ {
		keyboard = append(keyboard, fmt.Sprint("f", i))
	}
	keyboard = append(keyboard, "tab", "return", "space", "backspace", "delete", "insert", "home", "end", "pageup", "pagedown", "left", "right", "up", "down", "escape")
	for _, key := range keyboard {
		r := newRig(t, 640, 480, 1, Options{})
		taken := r.press(key)
		if taken && !told[key] {
			t.Errorf("the key %q does something and is not told", key)
		}
		if _, ok := bound[key]; taken && ok {
			t.Errorf("the key %q is the player's, and taken by the controls", key)
		}
		if _, ok := bound[key]; told[key] && !taken && !ok {
			t.Errorf("the key %q is told and does nothing", key)
		}
		delete(told, key)
	}
	for key := range told {
		if _, ok := bound[key]; !ok && !slices.Contains(otherwise, key) {
			t.Errorf("%q is told, and no key", key)
		}
	}
}

func TestKeyLabel(t *testing.T) {
	for key, want := range map[string]string{
		"": "", "+": "+", "o": "o", "I": "I", "space": "Space", "left": "Left", "ctrl+o": "Ctrl+O", "ctrl+wheel": "Ctrl+Wheel", "f10": "F10", "doubleclick": "Double click",
	} {
		if got := keyLabel(key); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
}

func TestHelpColumns(t *testing.T) {
	for _, tt := range []struct {
		heights []float32
		n       int
		want    []int
	}{
		{[]float32{1, 1, 1}, 3, []int{0, 1, 2, 3}},
		{[]float32{3, 1, 2}, 2, []int{0, 1, 3}},
		{[]float32{1, 1, 4}, 2, []int{0, 2, 3}},
		{[]float32{1, 2, 3}, 1, []int{0, 3}},
		{[]float32{5}, 3, []int{0, 1, 1, 1}},
		{nil, 2, []int{0, 0, 0}},
	} {
		if got := helpColumns(tt.heights, tt.n); !slices.Equal(got, tt.want) {
			t.Errorf("%v in %d: %v, want %v", tt.heights, tt.n, got, tt.want)
		}
	}
}

func TestHelpShots(t *testing.T) {
	for _, size := range []struct {
		w, h  int
		scale float64
	}{{1280, 720, 1}, {640, 480, 1}, {320, 240, 1}, {2560, 1440, 2}} {
		r := newRig(t, size.w, size.h, size.scale, Options{})
		r.press("?")
		r.pass(300 * time.Millisecond)
		r.shot(fmt.Sprintf("help_%d", size.w))
		if !r.press("escape") || r.c.panels.help {
			t.Error("Escape does not close the help")
		}
	}
}
