package sdlwindow

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/veandco/go-sdl2/sdl"

	"planar/render"
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
	view   render.View
	label  string
	maxW   int // largest texture
	maxH   int

	tex  *sdl.Texture
	kind textureKind

	// What was drawn last; a zero shape is black.
	shapeW, shapeH int
	rotation       int  // degrees that are still to be turned
	fit            *fit // if the picture was scaled for the window
	mustFit        bool // it had to be, whatever the view

	shownW, shownH int // the window's size when show was called last

	layers []render.Layer
	sheets []sheet // textures of the layers that were composed last
}

// fit is a picture that was scaled for a window of w x h pixels, and seen in a
// view: the part of it that is in the window at the place at.
type fit struct {
	w, h int
	view render.View
	at   render.Rect
}

// sheet is a layer as a texture.
type sheet struct {
	layer render.Layer // without its pixels
	tex   *sdl.Texture
}

// textureKind is what a texture has to be made anew for.
type textureKind struct {
	format uint32
	w, h   int
	mode   sdl.YUV_CONVERSION_MODE
	filter render.Filter
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
	t.shapeW, t.shapeH, t.fit, t.mustFit = 0, 0, nil, false
	if p == nil {
		return nil
	}
	dw, dh := p.DisplaySize()
	t.mustFit = t.filter == render.Bicubic || !t.holds(p.Width, p.Height) || !t.holds(p.Height, p.Width)
	if mode, ok := yuvMode(p); ok && !t.fits() {
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

// fits reports whether the picture is scaled for the window before it becomes a
// texture. Where samples are seen as squares it is: a graphics processor may be a
// little off at such scales.
func (t *texture) fits() bool { return t.mustFit || t.view.Zoom >= render.PixelZoom }

// look says how pictures are shown from now on.
func (t *texture) look(v render.View, f render.Filter) { t.view, t.filter = v, f }

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
	if k.filter == render.Nearest {
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
	if err := t.ensure(textureKind{sdl.PIXELFORMAT_IYUV, p.Width, p.Height, mode, t.filter}); err != nil {
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
	filter := viewFilter(t.view, t.filter)
	place := render.Rect{W: w, H: h}
	r := place
	if t.fits() {
		ow, oh, err := t.outputSize()
		if err != nil {
			return err
		}
		place = wholePlace(t.view, ow, oh, dw, dh)
		r = intersect(place, render.Rect{W: min(ow, t.maxW), H: min(oh, t.maxH)})
		if r.W <= 0 || r.H <= 0 {
			return fmt.Errorf("no texture for a window of %dx%d", ow, oh)
		}
		w, h = r.W, r.H
		t.fit = &fit{ow, oh, t.view, r}
	}
	if err := t.ensure(textureKind{format: sdl.PIXELFORMAT_ARGB8888, w: w, h: h, filter: filter}); err != nil {
		return err
	}
	pix, stride, err := t.tex.Lock(nil)
	if err != nil {
		return fmt.Errorf("cannot write to a texture: %w", err)
	}
	defer t.tex.Unlock()
	return convertPart(t.conv, render.Bitmap{Pix: pix, Width: w, Height: h, Stride: stride}, p, filter, place, r)
}

func (t *texture) outputSize() (w, h int, err error) {
	ow, oh, err := t.ren.GetOutputSize()
	return int(ow), int(oh), err
}

func (t *texture) stale() bool {
	if t.shapeW == 0 {
		return false
	}
	if t.fit == nil {
		return t.fits() || t.filter != t.kind.filter
	}
	w, h, err := t.outputSize()
	return err != nil || !t.fits() || t.fit.w != w || t.fit.h != h || t.fit.view != t.view || viewFilter(t.view, t.filter) != t.kind.filter
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
	r := wholePlace(t.view, w, h, t.shapeW, t.shapeH)
	if t.fit != nil {
		r = t.fit.at
	}
	if r.W > 0 && t.shapeW > 0 {
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
	if err := t.drawLayers(); err != nil {
		return err
	}
	t.ren.Present()
	return nil
}

// translucent makes a texture of pixels whose colours are multiplied by alpha.
func (t *texture) translucent(b render.Bitmap) (*sdl.Texture, error) {
	sdl.SetHint(sdl.HINT_RENDER_SCALE_QUALITY, "0")
	tex, err := t.ren.CreateTexture(sdl.PIXELFORMAT_ARGB8888, sdl.TEXTUREACCESS_STATIC, int32(b.Width), int32(b.Height))
	if err != nil {
		return nil, err
	}
	multiplied := sdl.ComposeCustomBlendMode(
		sdl.BLENDFACTOR_ONE, sdl.BLENDFACTOR_ONE_MINUS_SRC_ALPHA, sdl.BLENDOPERATION_ADD,
		sdl.BLENDFACTOR_ONE, sdl.BLENDFACTOR_ONE_MINUS_SRC_ALPHA, sdl.BLENDOPERATION_ADD)
	if err := tex.SetBlendMode(multiplied); err != nil {
		// Colours are multiplied by alpha twice then: they are dimmer, but there.
		err = tex.SetBlendMode(sdl.BLENDMODE_BLEND)
		if err != nil {
			tex.Destroy()
			return nil, err
		}
	}
	if err := tex.Update(nil, unsafe.Pointer(&b.Pix[0]), b.Stride); err != nil {
		tex.Destroy()
		return nil, err
	}
	return tex, nil
}

// lay keeps the layers for the frames to come. One that no texture holds, which
// is larger than any screen, is left out.
func (t *texture) lay(ls []render.Layer) {
	t.layers = slices.DeleteFunc(slices.Clone(ls), func(l render.Layer) bool { return !t.holds(l.Pixels.Width, l.Pixels.Height) })
}

// settle has nothing to do: layers are drawn when a frame is.
func (t *texture) settle() error { return nil }

// showLayers draws a frame: for a graphics processor that is little.
func (t *texture) showLayers() error { return t.show() }

// drawLayers draws the layers over a frame, and uploads those that have changed.
func (t *texture) drawLayers() error {
	for i, l := range t.layers {
		if i == len(t.sheets) {
			t.sheets = append(t.sheets, sheet{})
		}
		if err := t.upload(&t.sheets[i], l); err != nil {
			return fmt.Errorf("cannot make a texture for a layer: %w", err)
		}
		at := sdlRect(l.Rect())
		if err := t.ren.Copy(t.sheets[i].tex, nil, &at); err != nil {
			return err
		}
	}
	for i := len(t.layers); i < len(t.sheets); i++ {
		t.sheets[i].drop()
	}
	t.sheets = t.sheets[:len(t.layers)]
	return nil
}

// upload makes s be l.
func (t *texture) upload(s *sheet, l render.Layer) error {
	b, was := l.Pixels, s.layer
	if s.tex != nil && was.Rect() == l.Rect() && was.Version == l.Version {
		return nil
	}
	if s.tex != nil && was.Pixels.Width == b.Width && was.Pixels.Height == b.Height {
		if err := s.tex.Update(nil, unsafe.Pointer(&b.Pix[0]), b.Stride); err != nil {
			return err
		}
	} else {
		s.drop()
		tex, err := t.translucent(b)
		if err != nil {
			return err
		}
		s.tex = tex
	}
	s.layer = l
	s.layer.Pixels.Pix = nil
	return nil
}

func (s *sheet) drop() {
	if s.tex != nil {
		s.tex.Destroy()
		s.tex = nil
	}
}

// forget destroys all textures, as they were lost or the window goes.
func (t *texture) forget() {
	t.drop()
	for i := range t.sheets {
		t.sheets[i].drop()
	}
	t.sheets = nil
}

func (t *texture) close() {
	t.forget()
	t.ren.Destroy()
}
