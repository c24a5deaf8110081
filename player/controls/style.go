package controls

import (
	"github.com/inkyblackness/imgui-go/v4"
)

// colour is red, green, blue and alpha, 0 to 1, as imgui.PushStyleColor has it.
type colour = imgui.Vec4

// rgb is an opaque colour of 0xRRGGBB.
func rgb(c uint32) colour {
	return colour{X: float32(c>>16&255) / 255, Y: float32(c>>8&255) / 255, Z: float32(c&255) / 255, W: 1}
}

// alpha is c, a times as opaque.
func alpha(c colour, a float32) colour {
	c.W *= a
	return c
}

// theme is the colours of the controls.
type theme struct {
	panel           colour // behind everything
	raised          colour // cards, fields
	hover           colour // added to what the pointer is over
	press           colour
	line            colour // borders and separators
	text            colour
	grey            colour // secondary text
	faint           colour // what is disabled
	accent          colour
	onAccent        colour // text on it
	good, warn, bad colour
}

// dark is the one theme: near black, translucent, with amber, which is seen over
// bright pictures (on the panel) and dark ones, and is not taken for red or green.
var dark = theme{
	panel:    colour{X: 0.066, Y: 0.07, Z: 0.078, W: 0.92},
	raised:   colour{X: 1, Y: 1, Z: 1, W: 0.06},
	hover:    colour{X: 1, Y: 1, Z: 1, W: 0.1},
	press:    colour{X: 1, Y: 1, Z: 1, W: 0.16},
	line:     colour{X: 1, Y: 1, Z: 1, W: 0.09},
	text:     rgb(0xeceded),
	grey:     rgb(0xa0a4aa),
	faint:    rgb(0x696d73),
	accent:   rgb(0xffb224),
	onAccent: rgb(0x1b1405),
	good:     rgb(0x63c174),
	warn:     rgb(0xf5c451),
	bad:      rgb(0xf2645a),
}

// applyStyle sets Dear ImGui's style for the scale.
func (t *toolkit) applyStyle() {
	s := imgui.CurrentStyle()
	v := func(x, y float32) imgui.Vec2 { return imgui.Vec2{X: t.px(x), Y: t.px(y)} }
	s.SetWindowPadding(v(14, 12))
	s.SetFramePadding(v(9, 5))
	s.SetItemSpacing(v(8, 7))
	s.SetItemInnerSpacing(v(6, 4))
	s.SetCellPadding(v(6, 3))
	s.SetWindowMinSize(v(32, 16))
	s.SetWindowRounding(t.px(8))
	s.SetPopupRounding(t.px(8))
	s.SetChildRounding(t.px(5))
	s.SetFrameRounding(t.px(5))
	s.SetGrabRounding(t.px(5))
	s.SetTabRounding(t.px(5))
	s.SetScrollbarRounding(t.px(5))
	s.SetScrollbarSize(t.px(9))
	s.SetGrabMinSize(t.px(12))
	s.SetIndentSpacing(t.px(16))
	s.SetWindowBorderSize(1)
	s.SetPopupBorderSize(1)
	s.SetChildBorderSize(1)
	s.SetFrameBorderSize(0)
	s.SetTabBorderSize(0)
	s.SetAntiAliasedLinesUseTex(false) // the rasteriser draws triangles faster than textures
	s.SetCircleTessellationMaxError(0.2)

	c := &t.theme
	solid := c.panel
	solid.W = 0.97
	for id, col := range map[imgui.StyleColorID]colour{
		imgui.StyleColorText: c.text, imgui.StyleColorTextDisabled: c.grey,
		imgui.StyleColorWindowBg: c.panel, imgui.StyleColorChildBg: {}, imgui.StyleColorPopupBg: solid,
		imgui.StyleColorBorder: c.line, imgui.StyleColorBorderShadow: {},
		imgui.StyleColorFrameBg: c.raised, imgui.StyleColorFrameBgHovered: c.hover, imgui.StyleColorFrameBgActive: c.hover,
		imgui.StyleColorScrollbarBg: {}, imgui.StyleColorScrollbarGrab: c.press,
		imgui.StyleColorScrollbarGrabHovered: alpha(c.text, 0.3), imgui.StyleColorScrollbarGrabActive: alpha(c.text, 0.4),
		imgui.StyleColorCheckMark: c.accent, imgui.StyleColorSliderGrab: c.accent, imgui.StyleColorSliderGrabActive: c.accent,
		imgui.StyleColorButton: c.raised, imgui.StyleColorButtonHovered: c.hover, imgui.StyleColorButtonActive: c.press,
		imgui.StyleColorHeader: c.raised, imgui.StyleColorHeaderHovered: c.hover, imgui.StyleColorHeaderActive: c.press,
		imgui.StyleColorSeparator: c.line, imgui.StyleColorSeparatorHovered: c.accent, imgui.StyleColorSeparatorActive: c.accent,
		imgui.StyleColorResizeGrip: {}, imgui.StyleColorResizeGripHovered: c.hover, imgui.StyleColorResizeGripActive: c.accent,
		imgui.StyleColorTab: {}, imgui.StyleColorTabHovered: c.hover, imgui.StyleColorTabActive: c.press,
		imgui.StyleColorTableHeaderBg: c.raised, imgui.StyleColorTableBorderStrong: c.line, imgui.StyleColorTableBorderLight: c.line,
		imgui.StyleColorTableRowBg: {}, imgui.StyleColorTableRowBgAlt: alpha(c.raised, 0.5),
		imgui.StyleColorTextSelectedBg: alpha(c.accent, 0.35), imgui.StyleColorNavHighlight: c.accent,
		imgui.StyleColorModalWindowDarkening: {W: 0.5},
	} {
		s.SetColor(id, col)
	}
}

// packed is c for draw lists, with the alpha that the widgets have; see fade.
func (t *toolkit) packed(c colour) imgui.PackedColor {
	c.W *= imgui.CurrentStyle().Alpha()
	return imgui.PackedColorFromVec4(c)
}
