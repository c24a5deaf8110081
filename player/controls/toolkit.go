package controls

import (
	"bytes"
	"math"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/render"
)

// clipboard is the desktop's, for text fields.
type clipboard interface {
	Text() (string, error)
	SetText(s string)
}

// The toolkit's bounds.
const (
	maxSide   = 16384 // of the window, in pixels, as X11 and SDL have it
	maxLayers = 32    // windows, popups and tooltips; those beyond share one layer
	maxImages = 64    // that image holds
	maxImage  = 4096  // an image's width and height, in pixels: 64 MiB
)

// fontTexture is Dear ImGui's name for the texture of the fonts; images follow.
const fontTexture imgui.TextureID = 1

// failures counts assertions of Dear ImGui that failed: mistakes in the use of it,
// which tests look at. They must not panic through C++.
var failures atomic.Int64

// toolkit is a Dear ImGui context, what it is told and what it draws. It belongs to
// one goroutine; there may be several, but a call of one must not be made within
// frame of another.
type toolkit struct {
	context *imgui.Context
	io      imgui.IO
	fonts   fontBox
	scale   float64
	theme   theme
	board   clipboard

	input input
	last  time.Duration // now of the last frame
	first bool          // there has been none
	w, h  int
	// wheelOwned says that the wheel is not to scroll the panel: the pointer was over
	// something that it turns; wheelWanted that it is in this frame.
	wheelOwned, wheelWanted bool

	foot float32 // pixels at the bottom of the window that panels leave free
	// places are where panels were in the last frame, by their titles.
	places map[string]place
	// settle is how many more frames are wanted at once: Dear ImGui needs another
	// one to lay a new window out, or to show what a click did.
	settle int

	// As of the last frame.
	wantMouse, wantText, popupOpen bool
	at                             [2]int        // the pointer
	shapes                         []box         // of what is drawn and can be clicked on
	ghosts                         []box         // of tooltips, which cannot
	wake                           time.Duration // how long from then something changes by itself; 0 if nothing does

	// What widgets remember; see card, tip and tooltipAt.
	heights  map[string]float32
	right    float32
	tipAt    vec2
	tipFrame uint64
	tipSince time.Duration
	tipSize  vec2

	images  map[string]*imageEntry
	byID    map[imgui.TextureID]*imageEntry
	nextID  imgui.TextureID
	counter uint64 // versions of layers and of the fonts' texture
	tex     texture
	frames  uint64

	drawn   bool // the frame's draw data have not been rasterised yet
	lists   []list
	scratch []byte
	panes   []*pane
	handed  []*pane // what layers returned last
	spare   []*pane // whose memory may be used again
}

// imageEntry is a picture that image was given.
type imageEntry struct {
	id      imgui.TextureID
	version uint64
	pix     []byte
	tex     texture
	used    uint64 // the frame
}

// newToolkit makes a context. scale is how many pixels of the window are one of an
// ordinary screen.
func newToolkit(scale float64) *toolkit {
	imgui.SetAssertHandler(func(string, string, int) { failures.Add(1) })
	t := &toolkit{
		first:  true,
		images: map[string]*imageEntry{}, byID: map[imgui.TextureID]*imageEntry{}, nextID: fontTexture + 1,
		heights: map[string]float32{},
	}
	//lint:ignore SA1019 it is what there is, and the reason why one package has it
	t.context = imgui.CreateContext(nil)
	t.use()
	t.io = imgui.CurrentIO()
	t.io.SetIniFilename("")
	t.io.SetBackendFlags(imgui.BackendFlagsRendererHasVtxOffset)
	t.io.SetClipboard(nil)
	for k := imgui.KeyTab; k <= imgui.KeyZ; k++ {
		t.io.KeyMap(k, k)
	}
	t.io.SetMousePosition(imgui.Vec2{X: -math.MaxFloat32, Y: -math.MaxFloat32})
	t.input.out = true
	t.fonts = fontBox{atlas: t.io.Fonts(), known: map[rune]bool{}}
	t.theme = dark
	t.setScale(scale)
	return t
}

// close ends the context. Layers that were handed out stay as they are.
func (t *toolkit) close() {
	t.use()
	t.io.SetClipboard(nil)
	t.context.Destroy()
	t.fonts.free()
}

// use makes the context the current one.
func (t *toolkit) use() { _ = t.context.SetCurrent() } // fails only after close

// setClipboard says where text fields copy to and paste from; nil for nowhere.
func (t *toolkit) setClipboard(c clipboard) {
	t.use()
	t.board = c
	if c == nil {
		t.io.SetClipboard(nil)
		return
	}
	t.io.SetClipboard(c)
}

// setScale changes the scale, from the next frame on, in steps of a quarter from
// 0.75 to 4.
func (t *toolkit) setScale(scale float64) {
	if !(scale > 0) {
		scale = 1
	}
	scale = min(max(math.Round(scale*4)/4, 0.75), 4)
	if scale == t.scale {
		return
	}
	t.use()
	t.scale = scale
	t.fonts.scale = scale
	t.settle = 2
	t.applyStyle()
}

// need notes the characters of a text that is going to be drawn by imgui itself;
// the toolkit's widgets do it themselves.
func (t *toolkit) need(s string) { t.fonts.need(s) }

// px is a length of v pixels at scale 1.
func (t *toolkit) px(v float32) float32 { return float32(math.Round(float64(v) * t.scale)) }

// pending reports whether another frame is wanted at once, be it with the same now.
func (t *toolkit) pending() bool {
	return len(t.input.queue) > 0 || len(t.input.down) > 0 || t.settle > 0 || t.fonts.stale
}

// again is how long from the last frame the next is wanted even if nothing happens
// and pending is false; 0 if it need not be.
func (t *toolkit) again() time.Duration { return t.wake }

// later asks for a frame d from now, or before.
func (t *toolkit) later(d time.Duration) {
	if t.wake == 0 || d < t.wake {
		t.wake = d
	}
}

// handle takes an event, and reports whether it was over or for the controls.
func (t *toolkit) handle(e render.Event) (taken bool) {
	in := &t.input
	switch e.Kind {
	case render.PointerMove, render.PointerDown, render.PointerUp, render.Wheel:
		in.x, in.y, in.out = e.X, e.Y, false
	case render.PointerLeave:
		in.out = true
	}
	switch e.Kind {
	case render.PointerMove:
		taken = t.over() && !in.held(theirs) || in.held(ours)
	case render.PointerDown:
		taken = t.over() || t.popupOpen
		if e.Button >= render.ButtonLeft && e.Button <= render.ButtonRight {
			in.owner[e.Button] = theirs
			if taken {
				in.owner[e.Button] = ours
			}
		}
	case render.PointerUp:
		if e.Button >= render.ButtonLeft && e.Button <= render.ButtonRight {
			taken = in.owner[e.Button] == ours
			in.owner[e.Button] = nobody
		}
	case render.Wheel:
		taken = t.over() || t.popupOpen
	case render.KeyPress:
		taken = t.wantText || t.popupOpen && e.Key == "escape"
		if !taken {
			return false
		}
	case render.TextInput:
		taken = t.wantText
		if !taken {
			return false
		}
	case render.PointerLeave:
	default:
		return false
	}
	in.put(e)
	return taken
}

func (in *input) held(o owner) bool {
	for _, h := range in.owner {
		if h == o {
			return true
		}
	}
	return false
}

// over reports whether the pointer is over the controls: as Dear ImGui has it, if
// the last frame knew where the pointer is; by what was drawn, otherwise.
func (t *toolkit) over() bool {
	in := &t.input
	if in.out || t.first {
		return false
	}
	if t.at == [2]int{in.x, in.y} {
		return t.wantMouse
	}
	for _, s := range t.shapes {
		if s.has(in.x, in.y) {
			return true
		}
	}
	return false
}

// frame draws one: build calls imgui and the toolkit's widgets. now is on any
// clock that does not go back; w and h are the window's size in pixels. What was
// drawn is had from layers.
func (t *toolkit) frame(now time.Duration, w, h int, build func()) {
	t.use()
	w, h = min(max(w, 1), maxSide), min(max(h, 1), maxSide)
	if w != t.w || h != t.h {
		t.settle = 2
	}
	t.w, t.h = w, h
	t.frames++
	if t.fonts.fresh() {
		t.atlas()
		t.settle = max(t.settle, 1)
	}
	// A second at most: Dear ImGui tells double clicks by its own time, which must
	// not run slower than a person's.
	delta := min(max(now-t.last, time.Millisecond/2), time.Second)
	if t.first {
		delta = time.Second / 60
	}
	t.last, t.first = now, false
	t.io.SetDeltaTime(float32(delta.Seconds()))
	t.io.SetDisplaySize(imgui.Vec2{X: float32(w), Y: float32(h)})
	t.settle = max(t.settle-1, 0)
	if t.input.feed(t.io) {
		t.settle = max(t.settle, 1)
	}
	t.ghosts = t.ghosts[:0]
	t.wake = 0

	t.wheelOwned, t.wheelWanted = t.wheelWanted, false

	imgui.NewFrame()
	imgui.PushFont(t.font(body))
	build()
	t.popupOpen = imgui.IsPopupOpenV("", imgui.PopupFlagsAnyPopup)
	imgui.PopFont()
	imgui.Render()

	t.wantMouse = t.io.WantCaptureMouse()
	t.wantText = t.io.WantTextInput()
	if t.wantText {
		t.later(200 * time.Millisecond) // the cursor blinks at 0.8 s and 1.2 s
	}
	p := t.io.MousePosition()
	t.at = [2]int{-1, -1}
	if p.X >= 0 && p.Y >= 0 {
		t.at = [2]int{int(p.X), int(p.Y)}
	}
	t.collect()
	t.drawn = true
}

// font is one of the fonts, for imgui.PushFont.
func (t *toolkit) font(f face) imgui.Font { return t.fonts.now.font[f] }

// atlas looks up where the fonts' texture is now.
func (t *toolkit) atlas() {
	img := t.fonts.atlas.TextureDataAlpha8()
	t.fonts.atlas.SetTextureID(fontTexture)
	t.counter++
	t.tex = texture{alpha: true, pix: (*byte)(img.Pixels), width: img.Width, height: img.Height, stride: img.Width, version: t.counter}
}

// image registers a picture, opaque and at most 4096 pixels wide and high, for
// imgui.Image and draw lists. It copies b, unless it did under this key and version
// before. The identifier is the same for the same key while it is used in each
// frame; of those that are not, the oldest are forgotten. 0 is a white one.
func (t *toolkit) image(key string, b render.Bitmap, version uint64) imgui.TextureID {
	e := t.images[key]
	if e == nil {
		if len(t.images) >= maxImages {
			t.forgetImage()
		}
		e = &imageEntry{id: t.nextID, version: version + 1}
		t.nextID++
		t.images[key] = e
		t.byID[e.id] = e
	}
	e.used = t.frames
	if e.version == version && e.tex.width == b.Width && e.tex.height == b.Height {
		return e.id
	}
	e.version = version
	e.tex = texture{}
	if b.Width <= 0 || b.Height <= 0 || b.Width > maxImage || b.Height > maxImage ||
		b.Stride < 4*b.Width || len(b.Pix) < (b.Height-1)*b.Stride+4*b.Width {
		return e.id
	}
	n := 4 * b.Width * b.Height
	if cap(e.pix) < n {
		e.pix = make([]byte, n)
	}
	e.pix = e.pix[:n]
	for y := range b.Height {
		copy(e.pix[4*b.Width*y:], b.Pix[y*b.Stride:][:4*b.Width])
	}
	t.counter++
	e.tex = texture{pix: &e.pix[0], width: b.Width, height: b.Height, stride: 4 * b.Width, version: t.counter}
	return e.id
}

// forgetImage drops the image that was not used for longest.
func (t *toolkit) forgetImage() {
	var key string
	var old *imageEntry
	for k, e := range t.images {
		if old == nil || e.used < old.used || e.used == old.used && e.id < old.id {
			key, old = k, e
		}
	}
	delete(t.images, key)
	delete(t.byID, old.id)
}

// texture is what an identifier of Dear ImGui means.
func (t *toolkit) texture(id imgui.TextureID) texture {
	if id == fontTexture {
		return t.tex
	}
	if e := t.byID[id]; e != nil {
		return e.tex
	}
	return texture{}
}

// list is one of Dear ImGui's draw lists. The memory is Dear ImGui's until the next
// frame.
type list struct {
	vtx      []vertex
	idx      []uint16
	commands []command
	box      box // what it touches of the window
}

// command is a part of a list: indices from first on.
type command struct {
	clip                 box
	vertex, first, count int32
	_                    int32 // all of a command's memory is set, since it is compared
	id                   imgui.TextureID
	version              uint64 // of the texture
}

// pane is a layer: draw lists that follow one another and lie within the first.
type pane struct {
	box     box
	bytes   []byte // of the lists, as rasterised
	layer   render.Layer
	touched bool
}

// collect reads the frame's draw lists.
func (t *toolkit) collect() {
	t.lists = t.lists[:0]
	t.shapes = t.shapes[:0]
	data := imgui.RenderedDrawData()
	if !data.Valid() {
		return
	}
	window := box{0, 0, int32(t.w), int32(t.h)}
	for _, l := range data.CommandLists() {
		vp, vn := l.VertexBuffer()
		ip, in := l.IndexBuffer()
		if vn == 0 || in == 0 {
			continue
		}
		g := list{
			vtx: unsafe.Slice((*vertex)(vp), vn/int(unsafe.Sizeof(vertex{}))),
			idx: unsafe.Slice((*uint16)(ip), in/2),
		}
		for _, c := range l.Commands() {
			r := c.ClipRect()
			k := command{
				clip:   box{pixel(r.X), pixel(r.Y), pixel(r.Z), pixel(r.W)}.and(window),
				vertex: int32(c.VertexOffset()), first: int32(c.IndexOffset()), count: int32(c.ElementCount()), id: c.TextureID(),
			}
			if c.HasUserCallback() || k.clip.empty() || k.count <= 0 ||
				k.first < 0 || int(k.first)+int(k.count) > len(g.idx) || k.vertex < 0 || int(k.vertex) >= len(g.vtx) {
				continue
			}
			k.version = t.texture(k.id).version
			g.commands = append(g.commands, k)
			g.box = g.box.or(extent(k.clip, g.vtx[k.vertex:], g.idx[k.first:k.first+k.count]))
		}
		if g.box.empty() {
			continue
		}
		t.lists = append(t.lists, g)
		if !t.ghost(g.box) {
			t.shapes = append(t.shapes, g.box)
		}
	}
}

// ghost reports whether b is a tooltip's.
func (t *toolkit) ghost(b box) bool {
	for _, g := range t.ghosts {
		if g.contains(b) {
			return true
		}
	}
	return false
}

// pixel rounds a corner of a clip rectangle.
func pixel(f float32) int32 {
	if !(f > 0) {
		return 0
	}
	return int32(min(f, maxSide) + 0.5)
}

// layers is what the last frame drew, from bottom to top. It is rasterised here,
// and only where it differs from the last time. The pixels stay as they are until
// layers has been called two more times.
func (t *toolkit) layers() []render.Layer {
	if t.drawn {
		t.drawn = false
		t.rasterise()
	}
	out := make([]render.Layer, len(t.panes))
	for i, p := range t.panes {
		out[i] = p.layer
	}
	return out
}

// rasterise makes the panes of the lists.
func (t *toolkit) rasterise() {
	old := t.panes
	var panes []*pane
	for i := 0; i < len(t.lists); {
		// Lists that lie within the one before are its children, or as good as.
		b, n := t.lists[i].box, i+1
		for n < len(t.lists) && (b.contains(t.lists[n].box) || len(panes) == maxLayers-1) {
			b = b.or(t.lists[n].box)
			n++
		}
		panes = append(panes, t.pane(b, t.lists[i:n], old, len(panes)))
		i = n
	}
	// What the layers before this time's were drawn on is free now.
	for _, p := range t.handed {
		if !p.touched {
			t.recycle(p)
		}
	}
	t.handed = t.handed[:0]
	for _, p := range old {
		if !p.touched {
			t.handed = append(t.handed, p)
		}
	}
	for _, p := range panes {
		p.touched = false
	}
	t.panes = panes
}

// pane returns the old pane that shows the same, or a new one. i is where it was
// likely.
func (t *toolkit) pane(b box, lists []list, old []*pane, i int) *pane {
	t.scratch = t.scratch[:0]
	for _, l := range lists {
		t.scratch = append(t.scratch, raw(l.vtx)...)
		t.scratch = append(t.scratch, raw(l.idx)...)
		t.scratch = append(t.scratch, raw(l.commands)...)
	}
	same := func(p *pane) bool { return !p.touched && p.box == b && bytes.Equal(p.bytes, t.scratch) }
	if i < len(old) && same(old[i]) {
		old[i].touched = true
		return old[i]
	}
	for _, p := range old {
		if same(p) {
			p.touched = true
			return p
		}
	}
	t.counter++
	p := t.blank(int(b.x1-b.x0), int(b.y1-b.y0))
	p.box, p.touched = b, true
	p.bytes = append(p.bytes, t.scratch...)
	p.layer.X, p.layer.Y, p.layer.Version = int(b.x0), int(b.y0), t.counter
	for _, l := range lists {
		for _, c := range l.commands {
			triangles(p.layer.Pixels, p.layer.X, p.layer.Y, c.clip, l.vtx[c.vertex:], l.idx[c.first:c.first+c.count], t.texture(c.id))
		}
	}
	return p
}

// raw is the memory of s.
func raw[T any](s []T) []byte {
	var v T
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(v)))
}

// maxSpare is how many panes wait for being used again: two that change all the
// time, and two that did.
const maxSpare = 4

// blank is a pane with a transparent bitmap of w x h pixels.
func (t *toolkit) blank(w, h int) *pane {
	n := 4 * w * h
	for i, p := range t.spare {
		if pix := p.layer.Pixels.Pix; cap(pix) >= n && cap(pix) < 2*n {
			t.spare = append(t.spare[:i], t.spare[i+1:]...)
			clear(pix[:n])
			return &pane{bytes: p.bytes[:0], layer: render.Layer{Pixels: render.Bitmap{Pix: pix[:n], Width: w, Height: h, Stride: 4 * w}}}
		}
	}
	return &pane{layer: render.Layer{Pixels: render.NewBitmap(w, h)}}
}

func (t *toolkit) recycle(p *pane) {
	if len(t.spare) == maxSpare {
		t.spare = append(t.spare[:0], t.spare[1:]...)
	}
	t.spare = append(t.spare, p)
}
