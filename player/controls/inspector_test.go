package controls

import (
	"fmt"
	"image"
	"image/png"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"planar/player"
	"planar/render"
	"planar/render/convert"
	"planar/render/scope"
)

// described are the pixel formats of these tests.
func described(name string) (render.Descriptor, bool) {
	planes := func(sx, sy, depth int, order ...int) (render.Descriptor, bool) {
		d := render.Descriptor{Name: name, ShiftX: sx, ShiftY: sy, RGB: name[:3] == "gbr"}
		for _, k := range order {
			d.Components = append(d.Components, render.Component{Plane: k, Step: (depth + 7) / 8, Depth: depth})
		}
		return d, true
	}
	switch name {
	case "yuv420p":
		return planes(1, 1, 8, 0, 1, 2)
	case "yuv422p":
		return planes(1, 0, 8, 0, 1, 2)
	case "yuv444p":
		return planes(0, 0, 8, 0, 1, 2)
	case "yuv420p10le":
		return planes(1, 1, 10, 0, 1, 2)
	case "gray":
		return planes(0, 0, 8, 0)
	case "gbrp":
		return planes(0, 0, 8, 2, 0, 1)
	case "pal8":
		return render.Descriptor{Name: name, Palette: true, Components: []render.Component{{Step: 1, Depth: 8}}}, true
	}
	return render.Descriptor{}, false
}

// made is a picture of a format, with samples from a function of the component and
// the place among its samples.
func made(t testing.TB, name string, w, h int, of func(c, x, y int) int) *render.Picture {
	t.Helper()
	d, ok := described(name)
	if !ok {
		t.Fatalf("the tests know no %s", name)
	}
	p := &render.Picture{Format: name, Width: w, Height: h, Planes: make([]render.Plane, len(d.Components))}
	for i, c := range d.Components {
		cw, ch := w, h
		if i > 0 {
			cw, ch = (w-1)>>d.ShiftX+1, (h-1)>>d.ShiftY+1
		}
		pl := render.Plane{Stride: cw*c.Step + 5, RowBytes: cw * c.Step, Rows: ch}
		pl.Data = make([]byte, pl.Stride*ch)
		for y := range ch {
			for x := range cw {
				v := of(i, x, y)
				at := pl.Data[y*pl.Stride+x*c.Step:]
				at[0] = byte(v)
				if c.Step == 2 {
					at[1] = byte(v >> 8)
				}
			}
		}
		p.Planes[c.Plane] = pl
	}
	return p
}

// scenery is something like a picture: dark at the right, with colours.
func scenery(w, h, depth int) func(c, x, y int) int {
	return func(c, x, y int) int {
		fx, fy := float64(x)/float64(w), float64(y)/float64(h)
		if c > 0 {
			fx, fy = fx*2, fy*2
		}
		v := 0.0
		switch c {
		case 0:
			v = 0.85 - 0.75*fx + 0.08*math.Sin(9*fx*fy)*fy + 0.02*math.Sin(float64(x*7+y*3))
		case 1:
			v = 0.5 + 0.2*math.Sin(6*fx+2*fy)*fy
		default:
			v = 0.5 + 0.18*math.Cos(4*fx)*(1-fy)
		}
		return int(min(max(v, 0), 1) * float64(int(1)<<depth-1))
	}
}

// pointing notes the pointer's shapes.
type pointing struct{ shapes []render.Cursor }

func (p *pointing) SetCursor(c render.Cursor) { p.shapes = append(p.shapes, c) }

func (p *pointing) now() render.Cursor {
	if len(p.shapes) == 0 {
		return render.CursorArrow
	}
	return p.shapes[len(p.shapes)-1]
}

// inspecting is a rig that shows a picture, paused.
func inspecting(t testing.TB, w, h int, scale float64, p *render.Picture) *rig {
	r := newRig(t, w, h, scale, Options{Describe: described, Window: &pointing{}})
	r.m.State = player.Paused
	r.show(p)
	return r
}

// show presents another picture.
func (r *rig) show(p *render.Picture) {
	r.st.Picture = p
	r.st.Look = player.Look{Width: p.Width, Height: p.Height, Format: p.Format}
	r.st.Shown++
	r.m.Frame++
	r.st.Frame = r.m.Frame
	r.pass(200 * time.Millisecond)
}

// view shows the picture in another way.
func (r *rig) view(v render.View) {
	r.m.View, r.st.View = v, v
	r.pass(200 * time.Millisecond)
}

// screen is what a person sees: the picture as it is converted, and the layers.
func (r *rig) screen(name string) *image.RGBA {
	r.t.Helper()
	p := r.st.Picture
	b := render.NewBitmap(r.m.W, r.m.H)
	w, h := p.DisplaySize()
	x, y, pw, ph := r.st.View.Place(r.m.W, r.m.H, w, h)
	x0, y0 := max(0, int(x)), max(0, int(y))
	part := render.Rect{X: x0, Y: y0, W: min(r.m.W, int(x+pw)) - x0, H: min(r.m.H, int(y+ph)) - y0}
	shown := *p
	if n := r.st.Component; n > 0 {
		d, _ := described(p.Format)
		f, err := scope.New(d)
		if err != nil {
			r.t.Fatal(err)
		}
		var e scope.Extractor
		if shown, err = e.Plane(f, p, n-1); err != nil {
			r.t.Fatal(err)
		}
	}
	filter := render.Bilinear
	if r.st.View.Scale(r.m.W, r.m.H, w, h) >= render.PixelZoom {
		filter = render.Nearest
	}
	k := convert.New(nil)
	defer k.Close()
	if err := k.ConvertPart(b.Sub(part), &shown, filter, part.X-int(x), part.Y-int(y), int(pw), int(ph)); err != nil {
		r.t.Fatal(err)
	}
	img := image.NewRGBA(image.Rect(0, 0, r.m.W, r.m.H))
	for i := 0; i < len(b.Pix); i += 4 {
		img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = b.Pix[i+2], b.Pix[i+1], b.Pix[i], 255
	}
	for _, l := range r.last.Layers {
		for y := range l.Pixels.Height {
			for x := range l.Pixels.Width {
				if !(image.Point{X: l.X + x, Y: l.Y + y}.In(img.Rect)) {
					continue
				}
				px := l.Pixels.Pix[y*l.Pixels.Stride+4*x:]
				at := img.Pix[img.PixOffset(l.X+x, l.Y+y):]
				for i, c := range [3]byte{px[2], px[1], px[0]} {
					at[i] = uint8(min(255, int(c)+int(at[i])*(255-int(px[3]))/255))
				}
			}
		}
	}
	if *shots != "" && name != "" {
		out, err := os.Create(filepath.Join(*shots, name+".png"))
		if err != nil {
			r.t.Fatal(err)
		}
		defer out.Close()
		if err := png.Encode(out, img); err != nil {
			r.t.Fatal(err)
		}
	}
	return img
}

func TestInspectorShots(t *testing.T) {
	if *shots == "" {
		t.Skip("only draws pictures to be looked at")
	}
	for _, s := range []struct {
		name  string
		w, h  int
		scale float64
	}{{"720", 1280, 720, 1}, {"240", 320, 240, 1}, {"1440", 2560, 1440, 2}} {
		p := made(t, "yuv420p10le", 640, 360, scenery(640, 360, 10))
		r := inspecting(t, s.w, s.h, s.scale, p)
		r.press("I")
		r.move(s.w*2/3, s.h/2)
		r.pass(time.Second)
		r.screen("inspector-" + s.name)
		for kind := histogramScope; kind <= vectorScope; kind++ {
			r.c.inspector.scopes.kind = kind
			r.c.dirty = true
			r.pass(time.Second)
			r.screen(fmt.Sprintf("scope%d-%s", kind, s.name))
		}
		r.c.inspector.tool = true
		r.drag(s.w/2, s.h/3, s.w*3/4, s.h*2/3)
		r.pass(time.Second)
		r.screen("region-" + s.name)
		r.c.inspector.clear()
		r.c.inspector.clear()
		r.c.inspector.scopes.kind = noScope
		for _, z := range []float64{16, 64} {
			r.view(render.View{Zoom: z, X: 0.5, Y: 0.45})
			r.click(s.w*2/3, s.h/3, render.ButtonLeft)
			r.move(s.w*3/4, s.h/2)
			r.pass(time.Second)
			r.screen(fmt.Sprintf("zoom%.0f-%s", z, s.name))
		}
		for _, x := range []float64{0.05, 0.95} {
			r.view(render.View{Zoom: 64, X: x, Y: 0.45})
			r.press("I")
			r.screen(fmt.Sprintf("values-%.2f-%s", x, s.name))
			r.press("I")
		}
	}
}

// TestLattice compares lattice with View.Point and Picture.Sample.
func TestLattice(t *testing.T) {
	random := rand.New(rand.NewSource(3))
	for range 300 {
		p := &render.Picture{
			Format: "gray", Width: 1 + random.Intn(70), Height: 1 + random.Intn(50),
			Rotation: 90 * random.Intn(4), SAR: render.Rational{Num: 1 + random.Intn(4), Den: 1 + random.Intn(3)},
		}
		if random.Intn(2) == 0 {
			p.SAR = render.Rational{}
		}
		winW, winH := 1+random.Intn(700), 1+random.Intn(500)
		v := render.View{Zoom: math.Exp2(random.Float64()*7 - 1), X: random.Float64(), Y: random.Float64()}
		if random.Intn(4) == 0 {
			v = render.View{}
		}
		l := newLattice(p, v, winW, winH, scope.Component{})
		w, h := p.DisplaySize()
		what := fmt.Sprintf("%+v in %dx%d as %+v", *p, winW, winH, v)
		for range 40 {
			px, py := random.Intn(winW), random.Intn(winH)
			dx, dy := v.Point(float64(px)+0.5, float64(py)+0.5, winW, winH, w, h)
			x, y, ok := p.Sample(dx, dy)
			column, row, is := l.at(px, py)
			if is != ok {
				t.Fatalf("%s: %d,%d is in the picture: %v, want %v", what, px, py, is, ok)
			}
			if !ok {
				continue
			}
			// Both divide, so that places on an edge may fall to either side.
			near := func(d float64) bool { return math.Abs(d-math.Round(d)) < 1e-9 }
			if near(dx*float64(l.columns)/float64(w)) || near(dy*float64(l.rows)/float64(h)) {
				continue
			}
			if gx, gy := l.luma(column, row); gx != x || gy != y {
				t.Fatalf("%s: the sample at %d,%d is %d,%d, want %d,%d", what, px, py, gx, gy, x, y)
			}
			if c, r := l.shown(x, y); c != column || r != row {
				t.Fatalf("%s: sample %d,%d is shown in column %d and row %d, want %d and %d", what, x, y, c, r, column, row)
			}
			if px < l.x(column) || px >= l.x(column+1) || py < l.y(row) || py >= l.y(row+1) {
				t.Fatalf("%s: %d,%d is outside of %d..%d, %d..%d", what, px, py, l.x(column), l.x(column+1), l.y(row), l.y(row+1))
			}
		}
	}
}

// position is a sample that says where it is: no two within 16 x 16 are alike.
func position(_, x, y int) int { return y%16*16 + x%16 }

// TestPrintedIsDrawn compares what is written in cells, and what the readout names,
// with the pixels that are drawn there.
func TestPrintedIsDrawn(t *testing.T) {
	full := render.Colour{Range: render.Full}
	for _, c := range []struct {
		name      string
		format    string
		w, h      int
		rotation  int
		sar       render.Rational
		component int
	}{
		{"grey", "gray", 200, 100, 0, render.Rational{}, 0},
		{"turned by 90", "gray", 61, 43, 90, render.Rational{}, 0},
		{"turned by 180", "gray", 61, 43, 180, render.Rational{}, 0},
		{"turned by 270", "gray", 61, 43, 270, render.Rational{}, 0},
		{"wide samples", "gray", 61, 43, 0, render.Rational{Num: 16, Den: 11}, 0},
		{"narrow and turned", "gray", 61, 43, 90, render.Rational{Num: 3, Den: 4}, 0},
		{"luma", "yuv420p", 61, 43, 0, render.Rational{}, 1},
		{"chroma", "yuv420p", 61, 43, 0, render.Rational{}, 2},
		{"chroma, turned", "yuv420p", 61, 43, 270, render.Rational{}, 3},
		{"chroma of 422", "yuv422p", 61, 43, 0, render.Rational{Num: 4, Den: 3}, 2},
	} {
		p := made(t, c.format, c.w, c.h, position)
		p.Colour, p.Rotation, p.SAR = full, c.rotation, c.sar
		r := inspecting(t, 640, 360, 1, p)
		r.st.Component = c.component
		r.press("I")
		for _, v := range []render.View{{Zoom: 64, X: 0.5, Y: 0.5}, {Zoom: 64}, {Zoom: 64, X: 1, Y: 1}, {Zoom: 63.7, X: 0.31, Y: 0.87}, {Zoom: 100, X: 0.7, Y: 0.1}} {
			r.view(v)
			i := &r.c.inspector
			what := fmt.Sprintf("%s as %+v", c.name, v)
			if len(i.grid.cells) < 4 {
				t.Fatalf("%s: %d cells have values", what, len(i.grid.cells))
			}
			all := r.last.Layers
			r.last.Layers = nil
			drawn := r.screen("")
			r.last.Layers = all
			l := i.lattice()
			for _, cell := range i.grid.cells {
				x, y := (l.x(cell.column)+l.x(cell.column+1))/2, (l.y(cell.row)+l.y(cell.row+1))/2
				if !(image.Point{X: x, Y: y}).In(drawn.Rect) {
					continue
				}
				if got := int(drawn.Pix[drawn.PixOffset(x, y)]); got != cell.values[0] {
					t.Fatalf("%s: %d is written at %d,%d, where %d is drawn", what, cell.values[0], x, y, got)
				}
			}
			for px := 345; px < 640; px += 37 {
				for py := 5; py < 360; py += 29 {
					x, y, ok := i.under(px, py)
					if !ok {
						continue
					}
					v, _ := i.format.Sample(p, max(0, c.component-1), x, y)
					if got := int(drawn.Pix[drawn.PixOffset(px, py)]); got != v {
						t.Fatalf("%s: at %d,%d sample %d,%d has %d, but %d is drawn", what, px, py, x, y, v, got)
					}
				}
			}
		}
	}
}

// TestReadout points at places and looks at what is read there.
func TestReadout(t *testing.T) {
	p := made(t, "yuv420p10le", 64, 48, func(c, x, y int) int { return c*300 + y*8%256 + x%8 })
	r := inspecting(t, 1280, 720, 1, p)
	r.press("I")
	w := r.c.o.Window.(*pointing)
	for _, c := range []struct {
		view   render.View
		px, py int
		x, y   int
	}{
		{render.View{}, 640, 360, 32, 24},
		{render.View{Zoom: 64, X: 0.5, Y: 0.5}, 641, 361, 32, 24},
		{render.View{Zoom: 64, X: 0.5, Y: 0.5}, 639, 361, 31, 24},
		{render.View{Zoom: 64, X: 0, Y: 0}, 705, 425, 1, 1},
		{render.View{Zoom: 5}, 640, 360, 32, 24},
	} {
		r.view(c.view)
		if r.move(c.px, c.py) {
			t.Fatal("moving over the picture was taken")
		}
		i := &r.c.inspector
		x, y, ok := i.pointed(r.c)
		if !ok || x != c.x || y != c.y {
			t.Errorf("%+v: at %d,%d is sample %d,%d (%v), want %d,%d", c.view, c.px, c.py, x, y, ok, c.x, c.y)
			continue
		}
		got := read(i.format, p, x, y)
		want := [4]int{y*8%256 + x%8, 300 + y/2*8%256 + x/2%8, 600 + y/2*8%256 + x/2%8}
		if got.values != want || got.n != 3 || got.chromaX != x/2 || got.chromaY != y/2 {
			t.Errorf("sample %d,%d has %v, want %v", x, y, got, want)
		}
		if w.now() != render.CursorCrosshair {
			t.Error("the pointer is no crosshair over the picture")
		}
	}
	r.move(100, 150)
	if _, _, ok := r.c.inspector.pointed(r.c); ok || w.now() != render.CursorArrow {
		t.Error("over the panel the pointer still points at the picture")
	}
	r.move(640, 360)
	r.press("I")
	if w.now() != render.CursorArrow {
		t.Error("the pointer stays a crosshair without the panel")
	}
}

func TestInspectorButtons(t *testing.T) {
	r := inspecting(t, 1280, 720, 1, made(t, "yuv420p", 352, 288, scenery(352, 288, 8)))
	r.press("I")
	for _, c := range []struct {
		name string
		x, y int
		want player.Command
	}{
		{"-", 41, 73, player.Command{Do: player.ZoomBy, Factor: 0.5}},
		{"+", 139, 73, player.Command{Do: player.ZoomBy, Factor: 2}},
		{"Fit", 183, 73, player.Command{Do: player.SetView}},
		{"100 %", 245, 73, player.Command{Do: player.SetView, View: render.View{Zoom: 1, X: 0.5, Y: 0.5}}},
		{"U", 206, 110, player.Command{Do: player.ShowComponent, Index: 2}},
	} {
		r.took()
		if !r.click(c.x, c.y, render.ButtonLeft) {
			t.Errorf("a click on %s was not taken", c.name)
		}
		got := r.took()
		if len(got) != 1 || fmt.Sprintf("%+v", got[0]) != fmt.Sprintf("%+v", c.want) {
			t.Errorf("%s asks for %+v, want %+v", c.name, got, c.want)
		}
	}
	r.click(110, 147, render.ButtonLeft)
	if !r.c.inspector.hex {
		t.Error("Hex is not hexadecimal")
	}
	r.click(299, 147, render.ButtonLeft)
	if !r.c.inspector.tool {
		t.Error("the region tool is not on")
	}
	r.click(265, 147, render.ButtonLeft)
	if !r.c.inspector.grid.off {
		t.Error("the grid is not off")
	}
	r.click(134, 293, render.ButtonLeft)
	if k := r.c.inspector.scopes.kind; k != histogramScope {
		t.Errorf("scope %d was chosen, want %d", k, histogramScope)
	}
}

// TestPictureIsLeftAlone makes sure that what is meant for the picture comes to it.
func TestPictureIsLeftAlone(t *testing.T) {
	r := inspecting(t, 1280, 720, 1, made(t, "yuv420p", 352, 288, scenery(352, 288, 8)))
	all := func() (taken bool) {
		for _, e := range []render.Event{
			{Kind: render.PointerMove, X: 700, Y: 300},
			{Kind: render.PointerDown, X: 700, Y: 300, Button: render.ButtonLeft, Clicks: 1},
			{Kind: render.PointerMove, X: 720, Y: 320},
			{Kind: render.PointerUp, X: 720, Y: 320, Button: render.ButtonLeft},
			{Kind: render.Wheel, X: 720, Y: 320, WheelY: 1, Mods: render.ModCtrl},
			{Kind: render.KeyPress, Key: "escape"},
		} {
			taken = r.do(e) || taken
		}
		return taken
	}
	if all() {
		t.Error("without the panel an event was taken")
	}
	r.press("I")
	if all() {
		t.Error("with the panel an event was taken")
	}
	r.view(render.View{Zoom: 64, X: 0.5, Y: 0.5})
	if all() {
		t.Error("with the grid an event was taken")
	}
	if r.c.inspector.pinned || r.c.inspector.region.W != 0 {
		t.Error("dragging has pinned or selected something")
	}
}

func TestRegion(t *testing.T) {
	p := made(t, "yuv420p", 320, 180, func(c, x, _ int) int { return []int{x % 256, 128, 90}[c] })
	r := inspecting(t, 1280, 720, 1, p)
	r.press("I")
	i := &r.c.inspector
	// 4 pixels of the window are a sample.
	down := render.Event{Kind: render.PointerDown, X: 400, Y: 200, Button: render.ButtonLeft, Clicks: 1, Mods: render.ModShift}
	r.move(400, 200)
	if !r.do(down) || !r.move(479, 279) || !r.do(render.Event{Kind: render.PointerUp, X: 479, Y: 279, Button: render.ButtonLeft}) {
		t.Fatal("dragging with Shift was not taken")
	}
	if want := (render.Rect{X: 100, Y: 50, W: 20, H: 20}); i.region != want {
		t.Fatalf("region %v, want %v", i.region, want)
	}
	r.pass(time.Second)
	want := []scope.Stat{{N: 400, Min: 100, Max: 119, Mean: 109.5, StdDev: math.Sqrt(399.0 / 12)}, {N: 100, Min: 128, Max: 128, Mean: 128}, {N: 100, Min: 90, Max: 90, Mean: 90}}
	if fmt.Sprintf("%.9v", i.scopes.stats) != fmt.Sprintf("%.9v", want) {
		t.Errorf("statistics %v, want %v", i.scopes.stats, want)
	}
	frame := 0
	for _, l := range r.last.Layers {
		if l.Version>>63 == 1 {
			frame++
		}
	}
	if frame != 4 {
		t.Errorf("the region has %d sides over the picture", frame)
	}
	if !r.press("escape") || i.region.W != 0 {
		t.Error("Escape does not clear the region")
	}
	if r.press("escape") {
		t.Error("Escape was taken without a region")
	}
	// Upwards, out of the window, with the tool.
	i.tool = true
	r.drag(640, 360, 1279, -500)
	if want := (render.Rect{X: 160, Y: 0, W: 160, H: 91}); i.region != want {
		t.Errorf("region %v, want %v", i.region, want)
	}
	r.click(800, 100, render.ButtonLeft)
	if i.region.W != 0 {
		t.Error("a click does not clear the region")
	}
	i.tool = false
	r.click(800, 100, render.ButtonLeft)
	if !i.pinned || i.pin != [2]int{200, 25} {
		t.Errorf("a click pins %v, %v", i.pinned, i.pin)
	}
	r.click(800, 100, render.ButtonLeft)
	if i.pinned {
		t.Error("another click does not let go")
	}
}

// TestGrid looks at when there is a grid, and that it costs nothing otherwise.
func TestGrid(t *testing.T) {
	r := inspecting(t, 640, 360, 1, made(t, "yuv420p", 320, 180, scenery(320, 180, 8)))
	i := &r.c.inspector
	// The grid is the lowest layer, and has a version of its own kind.
	over := func() bool { return len(r.last.Layers) > 0 && r.last.Layers[0].Version>>63 == 1 }
	for _, c := range []struct {
		zoom         float64
		lines, cells bool
	}{{0, false, false}, {8, false, false}, {15.9999, true, false}, {32, true, false}, {64, true, true}, {0, false, false}} {
		r.view(render.View{Zoom: c.zoom, X: 0.5, Y: 0.5})
		if over() != c.lines || (len(i.grid.cells) > 0) != c.cells {
			t.Errorf("at zoom %v: lines %v, %d values; want %v, %v", c.zoom, over(), len(i.grid.cells), c.lines, c.cells)
		}
	}
	if i.grid.pages[0].Pix != nil || i.grid.pages[1].Pix != nil {
		t.Error("the grid keeps its memory when it is not to be seen")
	}
	r.view(render.View{Zoom: 64, X: 0.5, Y: 0.5})
	before := r.last.Layers[0].Version
	r.show(r.st.Picture)
	if r.last.Layers[0].Version != before {
		t.Error("the grid is drawn again although nothing has changed")
	}
	r.show(made(t, "yuv420p", 320, 180, position))
	if r.last.Layers[0].Version == before {
		t.Error("the grid stays as it was although the picture has changed")
	}
	i.grid.off = true
	r.move(10, 10)
	if over() {
		t.Error("there is a grid although it is off")
	}
	i.grid.off = false
	r.show(made(t, "pal8", 320, 180, position))
	if !over() || len(i.grid.cells) != 0 {
		t.Errorf("of a palette there are lines: %v, and %d values", over(), len(i.grid.cells))
	}
	r.press("I")
	r.move(500, 200)
	if i.format != nil {
		t.Error("a palette has values")
	}
	r.m.Frame, r.st.Picture = -1, nil
	r.m.View, r.st.View = render.View{}, render.View{}
	r.pass(time.Second)
	r.press("I")
	if over() {
		t.Error("there is something over no picture")
	}
}

// TestStrongLines looks at where chroma samples end.
func TestStrongLines(t *testing.T) {
	for _, c := range []struct {
		w, h, rotation int
		column         string // of which there are stronger lines before
		row            string
	}{{5, 4, 0, "2 4", "2"}, {5, 4, 180, "1 3", "2"}, {5, 4, 90, "2", "2 4"}, {5, 4, 270, "2", "1 3"}, {4, 5, 90, "1 3", "2"}} {
		p := &render.Picture{Width: c.w, Height: c.h, Rotation: c.rotation}
		k := gridLook{lattice: newLattice(p, render.View{}, 500, 500, scope.Component{}), groupX: 2, groupY: 2}
		var columns, rows []int
		for n := 1; n < k.lattice.columns; n++ {
			if k.strong(n, true) {
				columns = append(columns, n)
			}
		}
		for n := 1; n < k.lattice.rows; n++ {
			if k.strong(n, false) {
				rows = append(rows, n)
			}
		}
		if fmt.Sprint(columns) != "["+c.column+"]" || fmt.Sprint(rows) != "["+c.row+"]" {
			t.Errorf("%dx%d turned by %d: columns %v, rows %v; want %s, %s", c.w, c.h, c.rotation, columns, rows, c.column, c.row)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		v, depth int
		hex      bool
		want     string
	}{{0, 8, false, "0"}, {235, 8, false, "235"}, {7, 8, true, "07"}, {1023, 10, true, "3FF"}, {65535, 16, false, "65535"}, {65535, 16, true, "FFFF"}, {10, 10, false, "10"}} {
		if got := codeText(c.v, c.depth, c.hex); got != c.want {
			t.Errorf("%d of %d bits is %q, want %q", c.v, c.depth, got, c.want)
		}
		if got := string(appendCode(make([]byte, 0, 8), c.v, c.depth, c.hex)); got != c.want {
			t.Errorf("%d of %d bits is written %q, want %q", c.v, c.depth, got, c.want)
		}
		if n := codeDigits(c.depth, c.hex); len(c.want) > n {
			t.Errorf("%d bits have %d digits, but %q is longer", c.depth, n, c.want)
		}
	}
	if got := [3]int{screenCode(-4, 8), screenCode(300, 10), screenCode(127.5, 10)}; got != [3]int{0, 1023, 512} {
		t.Errorf("screen codes %v", got)
	}
	if got := zoomText(0.0525) + zoomText(16); got != "5.2 %1600 %" {
		t.Errorf("zooms %q", got)
	}
}

// TestScopesPace makes sure that scopes are drawn ten times a second, and take no
// more than a tenth of the time.
func TestScopesPace(t *testing.T) {
	r := inspecting(t, 1280, 720, 1, made(t, "yuv420p", 64, 36, scenery(64, 36, 8)))
	s := &r.c.inspector.scopes
	r.press("I")
	r.pass(time.Second)
	if s.version != 0 {
		t.Fatal("a scope was drawn although none is wanted")
	}
	cost, at := time.Duration(0), time.Duration(0)
	s.clock = func() time.Duration { at += cost; return at }
	r.m.State = player.Playing
	for _, c := range []struct {
		cost     time.Duration
		from, to uint64
	}{{time.Millisecond, 15, 21}, {50 * time.Millisecond, 3, 5}} {
		cost = c.cost
		s.kind = waveformScope
		before := s.version
		for range 100 { // 2 s of 50 frames
			r.m.Frame++
			r.st.Shown++
			r.pass(20 * time.Millisecond)
		}
		if n := s.version - before; n < c.from || n > c.to {
			t.Errorf("a scope that takes %v was drawn %d times in 2 s, want %d to %d", c.cost, n, c.from, c.to)
		}
	}
	r.m.State = player.Paused
	r.pass(time.Second)
	before := s.version
	r.move(900, 300)
	r.pass(time.Second)
	if s.version != before {
		t.Error("a scope is drawn again of the same picture")
	}
	for kind := histogramScope; kind <= vectorScope; kind++ {
		s.kind, r.c.dirty = kind, true
		r.pass(time.Second)
		if s.problem != "" || s.bitmap.Width == 0 {
			t.Errorf("scope %d: %q, %d pixels wide", kind, s.problem, s.bitmap.Width)
		}
	}
	r.press("I")
	before = s.version
	r.m.State = player.Playing
	for range 20 {
		r.m.Frame++
		r.st.Shown++
		r.pass(20 * time.Millisecond)
	}
	if s.version != before {
		t.Error("scopes are drawn although the panel is closed")
	}
}

func BenchmarkGrid(b *testing.B) {
	p := made(b, "yuv420p10le", 1920, 1080, scenery(1920, 1080, 10))
	for _, zoom := range []float64{16, 64} {
		b.Run(fmt.Sprint(zoom), func(b *testing.B) {
			r := inspecting(b, 1920, 1080, 1, p)
			r.view(render.View{Zoom: zoom, X: 0.5, Y: 0.5})
			i := &r.c.inspector
			for b.Loop() {
				i.grid.look.thick = 0 // so that it is drawn again
				i.grid.draw(p, i.format, -1, i.lattice(), 1920, 1080, 1, false, i.version)
			}
		})
	}
}

func BenchmarkScopesFollow(b *testing.B) {
	p := made(b, "yuv420p", 1920, 1080, scenery(1920, 1080, 8))
	for kind := histogramScope; kind <= vectorScope; kind++ {
		b.Run(scopeNames[kind], func(b *testing.B) {
			d, _ := described("yuv420p")
			f, _ := scope.New(d)
			var s scopes
			for b.Loop() {
				s.measure(p, f, subject{whole: true, kind: kind, w: 288, h: []int{0, 120, 150, 200}[kind]})
			}
		})
	}
	b.Run("region", func(b *testing.B) {
		d, _ := described("yuv420p")
		f, _ := scope.New(d)
		var s scopes
		for b.Loop() {
			s.measure(p, f, subject{region: render.Rect{W: 1920, H: 1080}, kind: noScope})
		}
	})
}
