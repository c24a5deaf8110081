package sdlwindow

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/veandco/go-sdl2/sdl"

	"planar/render"
	"planar/render/overlay"
)

// errSoftwareGL says that OpenGL is there but no graphics processor is.
var errSoftwareGL = errors.New("OpenGL is drawn by software here")

// texture is the canvas with a graphics processor: pictures are uploaded, and
// scaled and turned when they are shown.
type texture struct {
	win    *sdl.Window
	ren    *sdl.Renderer
	conv   render.Converter
	filter render.Filter
	label  string
	maxW   int // largest texture
	maxH   int

	tex  *sdl.Texture
	kind textureKind

	// What was drawn last; a zero shape is black.
	shapeW, shapeH int
	rotation       int // degrees that are still to be turned
	// The window's size if the picture was scaled for it, else zero.
	fitW, fitH int

	shownW, shownH int // the window's size when show was called last

	text     render.Overlay
	painter  *overlay.Painter // made when text first comes
	captions []caption        // the text as it was composed last
}

// caption is a piece of text as a texture, and where it goes.
type caption struct {
	tex *sdl.Texture
	at  sdl.Rect
}

// textureKind is what a texture has to be made anew for.
type textureKind struct {
	format uint32
	w, h   int
	mode   sdl.YUV_CONVERSION_MODE
}

// newTexture makes a renderer for win. Unless forced it fails when that
// renderer would be a software one.
func newTexture(win *sdl.Window, conv render.Converter, filter render.Filter, force bool) (*texture, error) {
	driver := ""
	if force {
		driver = "opengl"
	}
	sdl.SetHint(sdl.HINT_RENDER_DRIVER, driver)
	ren, err := sdl.CreateRenderer(win, -1, sdl.RENDERER_ACCELERATED)
	if err != nil {
		return nil, fmt.Errorf("cannot use the graphics processor: %w", err)
	}
	t := &texture{win: win, ren: ren, conv: conv, filter: filter}
	info, err := ren.GetInfo()
	if err != nil {
		ren.Destroy()
		return nil, err
	}
	t.label, t.maxW, t.maxH = info.Name, int(info.MaxTextureWidth), int(info.MaxTextureHeight)
	if t.maxW <= 0 || t.maxH <= 0 {
		t.maxW, t.maxH = 2048, 2048
	}
	software := info.Flags&sdl.RENDERER_SOFTWARE != 0
	switch info.Name {
	case "opengl", "opengles", "opengles2":
		gl := glRenderer()
		t.label = fmt.Sprintf("%s (%s)", info.Name, gl)
		software = isSoftware(gl)
	}
	if software && !force {
		ren.Destroy()
		return nil, errSoftwareGL
	}
	return t, nil
}

func (t *texture) name() string { return t.label }

func (t *texture) draw(p *render.Picture) error {
	t.shapeW, t.shapeH, t.fitW, t.fitH = 0, 0, 0, 0
	if p == nil {
		return nil
	}
	dw, dh := p.DisplaySize()
	if mode, ok := yuvMode(p); ok && t.filter != render.Bicubic && t.holds(p.Width, p.Height) {
		if err := t.uploadYUV(p, mode); err != nil {
			return err
		}
		t.rotation = p.Rotation
	} else {
		if err := t.uploadConverted(p, dw, dh); err != nil {
			return err
		}
		t.rotation = 0
	}
	t.shapeW, t.shapeH = dw, dh
	return nil
}

// holds reports whether a texture can be as large as w x h.
func (t *texture) holds(w, h int) bool { return w <= t.maxW && h <= t.maxH }

// yuvMode finds out whether SDL's own conversion of p is right: it knows 8-bit
// 4:2:0 in BT.601, limited and full, and BT.709 limited.
func yuvMode(p *render.Picture) (sdl.YUV_CONVERSION_MODE, bool) {
	c := p.Colour
	switch p.Format {
	case "yuv420p":
	case "yuvj420p":
		c.Range = render.Full
	default:
		return 0, false
	}
	c = c.Resolve(p.Width, p.Height)
	switch {
	case c.Matrix == render.BT601 && c.Range == render.Limited:
		return sdl.YUV_CONVERSION_BT601, true
	case c.Matrix == render.BT601 && c.Range == render.Full:
		return sdl.YUV_CONVERSION_JPEG, true
	case c.Matrix == render.BT709 && c.Range == render.Limited:
		return sdl.YUV_CONVERSION_BT709, true
	}
	return 0, false
}

// ensure makes the texture be of kind k.
func (t *texture) ensure(k textureKind) error {
	if t.tex != nil && t.kind == k {
		return nil
	}
	t.drop()
	quality := "1"
	if t.filter == render.Nearest {
		quality = "0"
	}
	// Both are read when a texture is made; the mode is the process's.
	sdl.SetHint(sdl.HINT_RENDER_SCALE_QUALITY, quality)
	sdl.SetYUVConversionMode(k.mode)
	tex, err := t.ren.CreateTexture(k.format, sdl.TEXTUREACCESS_STREAMING, int32(k.w), int32(k.h))
	if err != nil {
		return fmt.Errorf("cannot make a texture of %dx%d: %w", k.w, k.h, err)
	}
	if err := tex.SetBlendMode(sdl.BLENDMODE_NONE); err != nil {
		tex.Destroy()
		return err
	}
	t.tex, t.kind = tex, k
	return nil
}

func (t *texture) drop() {
	if t.tex != nil {
		t.tex.Destroy()
		t.tex = nil
	}
}

func (t *texture) uploadYUV(p *render.Picture, mode sdl.YUV_CONVERSION_MODE) error {
	if err := p.CheckPlanes(); err != nil {
		return err
	}
	cw, ch := (p.Width+1)/2, (p.Height+1)/2
	if len(p.Planes) != 3 {
		return fmt.Errorf("a %s picture with %d planes", p.Format, len(p.Planes))
	}
	for i, want := range []render.Layout{{RowBytes: p.Width, Rows: p.Height}, {RowBytes: cw, Rows: ch}, {RowBytes: cw, Rows: ch}} {
		if p.Planes[i].RowBytes < want.RowBytes || p.Planes[i].Rows < want.Rows {
			return fmt.Errorf("plane %d of a %s picture of %dx%d is too small", i, p.Format, p.Width, p.Height)
		}
	}
	if err := t.ensure(textureKind{sdl.PIXELFORMAT_IYUV, p.Width, p.Height, mode}); err != nil {
		return err
	}
	y, u, v := p.Planes[0], p.Planes[1], p.Planes[2]
	return t.tex.UpdateYUV(nil, y.Data, y.Stride, u.Data, u.Stride, v.Data, v.Stride)
}

// uploadConverted lets the converter do the colours, the turning, and, where
// the graphics processor cannot, the scaling.
func (t *texture) uploadConverted(p *render.Picture, dw, dh int) error {
	w, h := p.Width, p.Height
	if p.Rotation%180 != 0 {
		w, h = h, w
	}
	if t.filter == render.Bicubic || !t.holds(w, h) {
		ow, oh, err := t.outputSize()
		if err != nil {
			return err
		}
		r := render.Fit(ow, oh, dw, dh)
		w, h = min(max(1, r.W), t.maxW), min(max(1, r.H), t.maxH)
		t.fitW, t.fitH = ow, oh
	}
	if err := t.ensure(textureKind{format: sdl.PIXELFORMAT_ARGB8888, w: w, h: h}); err != nil {
		return err
	}
	pix, stride, err := t.tex.Lock(nil)
	if err != nil {
		return fmt.Errorf("cannot write to a texture: %w", err)
	}
	defer t.tex.Unlock()
	return t.conv.Convert(render.Bitmap{Pix: pix, Width: w, Height: h, Stride: stride}, p, t.filter)
}

func (t *texture) outputSize() (w, h int, err error) {
	ow, oh, err := t.ren.GetOutputSize()
	return int(ow), int(oh), err
}

func (t *texture) stale() bool {
	if t.fitW == 0 {
		return false
	}
	w, h, err := t.outputSize()
	return err != nil || w != t.fitW || h != t.fitH
}

func (t *texture) show() error {
	w, h, err := t.outputSize()
	if err != nil {
		return err
	}
	if w != t.shownW || h != t.shownH {
		// OpenGL may notice a window's new size only at the end of a frame.
		t.shownW, t.shownH = w, h
		if err := t.compose(w, h); err != nil {
			return err
		}
	}
	return t.compose(w, h)
}

// compose draws and presents a frame of w x h.
func (t *texture) compose(w, h int) error {
	if err := t.ren.SetDrawColor(0, 0, 0, 255); err != nil {
		return err
	}
	if err := t.ren.Clear(); err != nil {
		return err
	}
	if r := render.Fit(w, h, t.shapeW, t.shapeH); r.W > 0 {
		// SDL turns the rectangle about its centre after placing it.
		dst := sdl.FRect{X: float32(r.X), Y: float32(r.Y), W: float32(r.W), H: float32(r.H)}
		if t.rotation%180 != 0 {
			dst.W, dst.H = dst.H, dst.W
			dst.X += (dst.H - dst.W) / 2
			dst.Y += (dst.W - dst.H) / 2
		}
		if err := t.ren.CopyExF(t.tex, nil, &dst, float64(t.rotation), nil, sdl.FLIP_NONE); err != nil {
			return err
		}
	}
	if err := t.overwrite(w, h); err != nil {
		return err
	}
	t.ren.Present()
	return nil
}

// write keeps the text for the frames to come.
func (t *texture) write(o render.Overlay) (outdated bool) {
	t.text = o
	return false
}

// overwrite draws the text over a frame of w x h.
func (t *texture) overwrite(w, h int) error {
	if t.text.Empty() {
		t.dropCaptions()
		t.painter = nil // and its memory
		return nil
	}
	if t.painter == nil {
		t.painter = overlay.New()
	}
	boxes, changed := t.painter.Paint(t.text, w, h)
	if changed || len(t.captions) != len(boxes) {
		if err := t.uploadCaptions(boxes); err != nil {
			return err
		}
	}
	for _, c := range t.captions {
		if err := t.ren.Copy(c.tex, nil, &c.at); err != nil {
			return err
		}
	}
	return nil
}

// uploadCaptions makes textures of boxes.
func (t *texture) uploadCaptions(boxes []overlay.Box) error {
	t.dropCaptions()
	for _, b := range boxes {
		w, h := int32(b.Pixels.Width), int32(b.Pixels.Height)
		tex, err := t.ren.CreateTexture(sdl.PIXELFORMAT_ARGB8888, sdl.TEXTUREACCESS_STATIC, w, h)
		if err != nil {
			return fmt.Errorf("cannot make a texture for text: %w", err)
		}
		t.captions = append(t.captions, caption{tex, sdl.Rect{X: int32(b.X), Y: int32(b.Y), W: w, H: h}})
		multiplied := sdl.ComposeCustomBlendMode(
			sdl.BLENDFACTOR_ONE, sdl.BLENDFACTOR_ONE_MINUS_SRC_ALPHA, sdl.BLENDOPERATION_ADD,
			sdl.BLENDFACTOR_ONE, sdl.BLENDFACTOR_ONE_MINUS_SRC_ALPHA, sdl.BLENDOPERATION_ADD)
		if tex.SetBlendMode(multiplied) != nil {
			// Colours are multiplied by alpha twice then: the text is dimmer, but there.
			if err := tex.SetBlendMode(sdl.BLENDMODE_BLEND); err != nil {
				return err
			}
		}
		if err := tex.Update(nil, unsafe.Pointer(&b.Pixels.Pix[0]), b.Pixels.Stride); err != nil {
			return err
		}
	}
	return nil
}

func (t *texture) dropCaptions() {
	for _, c := range t.captions {
		c.tex.Destroy()
	}
	t.captions = nil
}

func (t *texture) close() {
	t.drop()
	t.dropCaptions()
	t.ren.Destroy()
}
