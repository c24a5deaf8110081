// Package controls draws what a person sees and clicks over the picture: with Dear
// ImGui, whose triangles a rasteriser in C turns into translucent layers, so that no
// GPU is needed. It is the only user of imgui-go.
//
// # The toolkit
//
// A toolkit is one Dear ImGui context with fonts, style, input and layers. It is
// used by one goroutine.
//
//	k := newToolkit(scale)             // close ends it
//	k.setClipboard(c)                  // for text fields; has Text and SetText
//	taken := k.handle(event)           // for each event of the window, first
//	for {
//		k.frame(now, w, h, build)  // build calls imgui and the widgets below
//		if !k.pending() {
//			break
//		}
//	}
//	layers := k.layers()               // rasterised where changed; valid until called twice more
//	again := k.again()                 // when the next frame is due by itself, or 0
//
// The loop should be bounded, by 8 frames or so. build runs once for each frame and
// must not mind: a click is seen by one frame only. setScale changes the scale.
//
// # Rules for what is called within build
//
// Lengths are pixels of the window. k.px(v) is v pixels of an ordinary screen, in
// whole pixels. Colours are of type colour (imgui.Vec4, not multiplied by alpha):
// those in k.theme, rgb(0xRRGGBB), alpha(c, 0.5). Draw lists take k.packed(c), which
// includes the alpha of fade and disable. Places and sizes are vec2 (imgui.Vec2).
//
// Text that imgui draws itself, as by imgui.Text, must be announced by k.need(s), or
// characters beyond Latin, Greek and Cyrillic are drawn as "?". The widgets do so.
// An identifier ("id") tells widgets of one window apart and is never shown; in
// lists use imgui.PushIDInt. What is shown is never parsed for "##".
//
// The faces of text are body, strong (titles), small (secondary) and mono (values).
// Icons are iconPlay and so on, of type icon, in the faces icons, smallIcons and
// bigIcons.
//
// # Text
//
//	k.text(s)  k.note(s)                        // ordinary, small and grey
//	k.label(s, face, colour)                    // any
//	k.wrapped(s, face, colour)                  // in as many lines as it takes
//	k.measure(s, face) vec2
//	k.elide(s, face, width) string              // cut in its middle
//	k.write(p, s, face, colour)                 // at a place, not laid out
//	k.writeIn(a, b, x, s, face, colour)         // in a rectangle; x is 0 left to 1 right
//
// # Buttons and choices
//
//	k.iconButton(id, icon, tip) bool            // round, 34 pixels; clicked
//	k.iconButtonV(id, icon, tip, iconLook{size, face, on, dim, fill}) bool
//	k.textButton(id, s) bool                    // 30 pixels high
//	k.primaryButton(id, s) bool                 // the one that does what a dialogue is for
//	k.toggle(id, s, *bool) (changed bool)       // as wide as there is room
//	k.segmented(id, choices, selected, width) (now int, changed bool)
//	k.combo(id, choices, selected, width) (now int, changed bool)
//	k.dropdown(id, caption, width, wide, high, func())  // a button over a list of one's own
//	k.field(id, hint, *string, width) (changed, entered bool)
//	k.slider(id, value, sliderLook{width, height, knob, colour, from, to, marks, off}) slid
//	        // slid{value, changed, held, released, hovered, at, x, top}
//	k.hit(id, size) item                        // for widgets of one's own
//
// A width of 0 is all the room there is (for segmented: what the words need).
//
// # Windows
//
//	k.panel(title, *open, pos, size, flags, func())  // size.Y 0: as high as its contents
//	k.panelV(id, title, ...)                         // panel with a title that may change
//	k.popup(id, func())                              // after imgui.OpenPopup(id); Escape closes it
//	k.menuItem(id, icon, s, key, on) (clicked bool)  // in a popup
//	k.tip(s)                                         // of the last item, when the pointer rests on it
//	k.tooltipAt(p, down, func())                     // below p (down 0) or above it (1)
//
// A window of one's own is imgui.BeginV(id, nil, panelFlags|...) to imgui.End.
//
// # Layout and pictures
//
//	s := k.strip(height)                        // items in a row, in the middle of its height
//	s.next(itemHeight, gap)  s.right(itemWidth, itemHeight)  s.text(s, face, colour, gap)  s.left(width)  s.end()
//	k.section(s)  k.separator()  k.card(id, func())  k.room() float32
//	k.keyValue(name, value)  k.keyValueV(name, value, colour)
//	k.chip(s, colour)  k.progress(fraction, width)
//	k.listRow(id, rowLook{icon, title, detail, right, selected, on, width, height}) rowHit
//	        // rowHit{clicked, double, hovered, held, a, b}
//	k.plot(size, axis{min, max, label, lines}, series{values, colour}...)
//	k.image(key, bitmap, version) imgui.TextureID  // for imgui.Image and draw lists
//	k.rect(drawList, a, b, colour)
//	defer k.fade(a)()                           // all that follows a times as opaque
//	end := k.disable(off); ...; end()           // faint and dead
//	k.later(d)                                  // another frame d after this one
package controls
