package controls

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/render"
)

// gallery draws every widget.
type gallery struct {
	t                 *toolkit
	open, on, off     bool
	volume, position  float64
	component, matrix int
	text              string
	picture           render.Bitmap
	clicks            int
	slid              slid
	wave, second      []float64
	fade              float32
}

func newGallery(t *toolkit) *gallery {
	g := &gallery{t: t, open: true, on: true, volume: 0.7, position: 0.35, component: 1, fade: 1, text: "rtsp://camera.example/stream"}
	g.picture = render.NewBitmap(96, 54)
	for i := range g.picture.Pix {
		x, y := i/4%96, i/4/96
		g.picture.Pix[i] = [4]byte{byte(x * 2), byte(y * 4), byte(200 - x), 7}[i%4]
	}
	for i := range 400 {
		g.wave = append(g.wave, 8+4*math.Sin(float64(i)/20)+math.Sin(float64(i)))
		g.second = append(g.second, 5+2*math.Cos(float64(i)/33))
	}
	return g
}

const fileName = "Съёмка №7 — 北京の夜景 final 1920x1080 50p yuv422p10le Prüfkörper Ωμέγα.yuv"

// bar is a control bar at the window's lower edge.
func (g *gallery) bar() {
	t := g.t
	w, h := float32(t.w), float32(t.h)
	high := t.px(84)
	defer t.fade(g.fade)()
	imgui.SetNextWindowPosV(vec2{X: t.px(12), Y: h - high - t.px(12)}, imgui.ConditionAlways, vec2{})
	imgui.SetNextWindowSizeV(vec2{X: w - 2*t.px(12), Y: high}, imgui.ConditionAlways)
	imgui.PushStyleVarVec2(imgui.StyleVarWindowPadding, vec2{X: t.px(12), Y: t.px(6)})
	imgui.BeginV("bar", nil, panelFlags|imgui.WindowFlagsNoResize|imgui.WindowFlagsNoMove|imgui.WindowFlagsNoScrollbar)
	imgui.PopStyleVar()
	g.slid = t.slider("seek", g.position, sliderLook{from: 0.2, to: 0.6, marks: []float64{0.8}})
	g.position = g.slid.value
	if g.slid.hovered {
		t.tooltipAt(vec2{X: g.slid.x, Y: g.slid.top - t.px(4)}, 1, func() { t.label("00:01:12:07", mono, t.theme.text) })
	}
	line := t.strip(t.px(44))
	for _, b := range []struct {
		ic  icon
		tip string
		l   iconLook
	}{
		{iconPrevious, "Previous  <", iconLook{}},
		{iconStepBack, "One frame back  ,", iconLook{}},
		{iconPause, "Pause  Space", iconLook{face: bigIcons, size: t.px(40), fill: true}},
		{iconStepForward, "One frame on  .", iconLook{}},
		{iconNext, "Next  >", iconLook{}},
		{iconVolumeHigh, "Mute  m", iconLook{}},
	} {
		line.next(max(b.l.size, t.px(34)), t.px(2))
		if t.iconButtonV(b.tip, b.ic, b.tip, b.l) {
			g.clicks++
		}
	}
	line.next(t.px(34), t.px(2))
	s := t.slider("volume", g.volume, sliderLook{width: t.px(90), height: t.px(34), knob: true, colour: &t.theme.text})
	g.volume = s.value
	line.text("00:00:42:13", mono, t.theme.text, t.px(12))
	line.text("/ 00:02:00:00", mono, t.theme.grey, t.px(8))
	line.next(t.px(22), t.px(12))
	t.chip("LIVE", t.theme.bad)
	line.right(5*t.px(34), t.px(34))
	for i, ic := range []icon{iconLoop, iconPlaylist, iconStatistics, iconSliders, iconFullscreen} {
		if i > 0 {
			line.next(t.px(34), 0)
		}
		t.iconButtonV(fmt.Sprint("right", i), ic, "Something", iconLook{on: i == 0, dim: i == 4})
	}
	line.end()
	imgui.End()
}

func (g *gallery) build() {
	t := g.t
	g.bar()
	t.panel("Widgets", &g.open, vec2{X: t.px(20), Y: t.px(20)}, vec2{X: t.px(400), Y: t.px(600)}, 0, func() {
		t.section("Colour")
		t.toggle("full", "Full range, with a description too long to fit beside the switch", &g.on)
		t.toggle("loop", "Loop", &g.off)
		g.component, _ = t.segmented("component", []string{"all", "Y", "U", "V"}, g.component, imgui.ContentRegionAvail().X)
		g.matrix, _ = t.combo("matrix", []string{"ITU-R BT.601", "ITU-R BT.709", "ITU-R BT.2020"}, g.matrix, 0)
		t.field("url", "rtsp://…", &g.text, 0)
		t.card("facts", func() {
			t.keyValue("Size", "1920 × 1080")
			t.keyValue("File", fileName)
			t.keyValueV("Dropped", "12", t.theme.bad)
			t.note("secondary: 北京の夜景, 한강 다리, Съёмка")
		})
		line := t.strip(t.px(30))
		line.next(t.px(30), 0)
		t.textButton("cancel", "Cancel")
		line.next(t.px(30), t.px(8))
		t.primaryButton("open", "Open")
		line.next(t.px(22), t.px(12))
		t.chip("LIVE", t.theme.bad)
		line.next(t.px(22), t.px(6))
		t.chip("10 bit", t.theme.grey)
		line.end()
		t.progress(0.4, 0)
		t.plot(vec2{Y: t.px(110)}, axis{min: 0, max: 16, lines: 1, label: func(v float64) string { return fmt.Sprintf("%.0f ms", v) }},
			series{g.wave, t.theme.accent}, series{g.second, t.theme.good})
	})
	t.panel("Playlist "+fileName, &g.open, vec2{X: t.px(440), Y: t.px(20)}, vec2{X: t.px(380)}, imgui.WindowFlagsNoResize, func() {
		imgui.PushStyleVarVec2(imgui.StyleVarItemSpacing, vec2{Y: t.px(2)})
		t.listRow("1", rowLook{icon: iconVideo, title: fileName, detail: "/home/someone/видео/北京/2024/a long path to it", right: "02:00", selected: true})
		t.listRow("2", rowLook{icon: iconSoundFile, title: "tone 1 kHz -20 dBFS.wav", right: "00:10", on: true})
		t.listRow("3", rowLook{icon: iconBroadcast, title: "rtsp://camera.example/stream", right: "live"})
		imgui.PopStyleVar()
		t.separator()
		imgui.Image(t.image("picture", g.picture, 1), vec2{X: t.px(96), Y: t.px(54)})
		imgui.SameLine()
		imgui.Image(t.image("picture", g.picture, 1), vec2{X: t.px(150), Y: t.px(54)})
		t.wrapped("A sentence that is longer than the panel is wide, and so goes on in the next line. Größe, łódź, ελληνικά.", small, t.theme.grey)
		end := t.disable(true)
		t.textButton("no", "Disabled")
		end()
	})
	imgui.SetNextWindowPosV(vec2{X: t.px(440), Y: t.px(380)}, imgui.ConditionAlways, vec2{})
	imgui.SetNextWindowSizeV(vec2{X: t.px(380), Y: t.px(240)}, imgui.ConditionAlways)
	imgui.BeginV("icons", nil, panelFlags)
	for i := range int(iconEnd - firstIcon) {
		ic := icon(firstIcon + i)
		if i%10 != 0 {
			imgui.SameLineV(0, 0)
		}
		t.iconButtonV(fmt.Sprint(i), ic, "", iconLook{size: t.px(32)})
	}
	imgui.End()
}

// compose lays layers over a picture.
func compose(dst *image.RGBA, layers []render.Layer) {
	for _, l := range layers {
		for y := range l.Pixels.Height {
			for x := range l.Pixels.Width {
				p := l.Pixels.Pix[y*l.Pixels.Stride+4*x:]
				d := dst.RGBAAt(l.X+x, l.Y+y)
				over := func(s, d uint8) uint8 { return s + uint8((int(d)*int(255-p[3])+127)/255) }
				dst.SetRGBA(l.X+x, l.Y+y, color.RGBA{over(p[2], d.R), over(p[1], d.G), over(p[0], d.B), 255})
			}
		}
	}
}

// settle draws frames until nothing is pending.
func settle(tb testing.TB, t *toolkit, now time.Duration, w, h int, build func()) {
	tb.Helper()
	for i := range 20 {
		t.frame(now+time.Duration(i)*time.Millisecond, w, h, build)
		if !t.pending() {
			return
		}
	}
	tb.Fatal("after 20 frames with no input another one is pending")
}

// TestGallery draws every widget over a dark and a bright picture. To look at them:
// PLANAR_GALLERY=/tmp go test -run Gallery.
func TestGallery(t *testing.T) {
	dir := os.Getenv("PLANAR_GALLERY")
	if dir == "" {
		dir = t.TempDir()
	}
	for _, scale := range []float64{1, 2} {
		k := newToolkit(scale)
		g := newGallery(k)
		w, h := int(840*scale), int(740*scale)
		settle(t, k, 0, w, h, g.build)
		k.handle(render.Event{Kind: render.PointerMove, X: int(500 * scale), Y: int(664 * scale)})
		settle(t, k, time.Second, w, h, g.build)
		layers := k.layers()
		if len(layers) < 4 {
			t.Errorf("%d layers, want one for each of three windows, the bar and the tooltip", len(layers))
		}
		img := image.NewRGBA(image.Rect(0, 0, 2*w, h))
		for y := range h {
			for x := range w {
				dark, bright := uint8(20+30*x/w), uint8(255-60*y/h)
				img.SetRGBA(x, y, color.RGBA{dark, dark + 10, dark + 24, 255})
				img.SetRGBA(w+x, y, color.RGBA{bright, bright, bright - 30, 255})
			}
		}
		compose(img, layers)
		for i := range layers {
			layers[i].X += w
		}
		compose(img, layers)
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("gallery-%v.png", scale)))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, img); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		k.close()
	}
	if n := failures.Load(); n > 0 {
		t.Errorf("%d assertions of Dear ImGui failed", n)
	}
}

// BenchmarkRedraw draws a bar and a panel of 400x600 in 1920x1080: all of it, or
// with a bar that changes.
func BenchmarkRedraw(b *testing.B) {
	for _, c := range []struct {
		name   string
		change func(k *toolkit, i int)
	}{
		{"all", func(k *toolkit, _ int) {
			for _, p := range k.panes {
				p.box = box{}
			}
		}},
		{"bar", func(*toolkit, int) {}},
	} {
		b.Run(c.name, func(b *testing.B) {
			k := newToolkit(1)
			defer k.close()
			g := newGallery(k)
			build := func() {
				g.bar()
				k.panel("Widgets", &g.open, vec2{X: 20, Y: 20}, vec2{X: 400, Y: 600}, 0, func() {
					k.toggle("full", "Full range", &g.on)
					g.component, _ = k.segmented("component", []string{"all", "Y", "U", "V"}, g.component, imgui.ContentRegionAvail().X)
					k.card("facts", func() {
						for i := range 12 {
							k.keyValue(fmt.Sprint("Name ", i), "1920 × 1080")
						}
					})
					k.plot(vec2{Y: 110}, axis{min: 0, max: 16, lines: 1, label: func(v float64) string { return fmt.Sprintf("%.0f ms", v) }},
						series{g.wave, k.theme.accent})
				})
			}
			settle(b, k, 0, 1920, 1080, build)
			k.layers()
			i := 0
			for b.Loop() {
				g.position = float64(i%1000) / 1000
				c.change(k, i)
				k.frame(time.Duration(i)*time.Millisecond, 1920, 1080, build)
				k.layers()
				i++
			}
		})
	}
}

// BenchmarkAtlas makes a context and builds the fonts' texture.
func BenchmarkAtlas(b *testing.B) {
	for _, scale := range []float64{1, 2} {
		b.Run(fmt.Sprint("scale", scale), func(b *testing.B) {
			for b.Loop() {
				k := newToolkit(scale)
				k.fonts.fresh()
				k.close()
			}
		})
	}
}
