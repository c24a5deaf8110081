package controls

import (
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"planar/player"
	"planar/render"
)

// shots is where the tests leave what they drew, to be looked at: go test
// ./player/controls -shots DIR.
var shots = flag.String("shots", "", "leave pictures of what is drawn in this folder")

// rig plays a person in front of controls over a picture.
type rig struct {
	t     testing.TB
	c     *Controls
	m     player.Moment
	st    player.Status
	asked []player.Command
	last  player.Drawing
}

// newRig makes controls over a window of w x h that plays a file of a minute.
func newRig(t testing.TB, w, h int, scale float64, o Options) *rig {
	if o.Wake == nil {
		o.Wake = func() {}
	}
	if o.Show == "" {
		o.Show = "auto"
	}
	r := &rig{t: t, c: New(o)}
	t.Cleanup(r.c.Close)
	r.m = player.Moment{Now: time.Hour, W: w, H: h, Scale: scale, State: player.Playing, Frame: 1}
	r.st = player.Status{
		Name: "/clips/bridge_352x288_25fps.yuv", Seekable: true, HasVideo: true, HasSound: true,
		Rate: render.Rational{Num: 25, Den: 1}, Position: 12400 * time.Millisecond, ReadTo: 20 * time.Second, Volume: 0.8,
		Playlist: []string{"/clips/bridge_352x288_25fps.yuv", "/clips/桥_1920x1080.yuv"},
		Channels: player.ChannelStatus{Count: 2},
	}
	r.st.Source, r.st.Stats.State, r.st.Frame, r.st.PTS, r.st.Duration, r.st.Speed = "bridge_352x288_25fps.yuv", "playing", 310, r.st.Position, time.Minute, 1
	r.st.LoopA, r.st.LoopB = player.NoLoop, player.NoLoop
	r.st.Look = player.Look{Width: 352, Height: 288, Format: "yuv420p"}
	r.m.Status = func() player.Status { return r.st }
	r.c.Handle(render.Event{Kind: render.PointerMove, X: -1, Y: -1}, r.m.Now) // the window comes under the pointer
	return r
}

// pass lets time pass, drawing as often as the controls want it.
func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	end := r.m.Now + d
	for i := 0; ; i++ {
		if i > 10000 {
			r.t.Fatal("the controls want to be drawn all the time")
		}
		r.last = r.c.Draw(r.m)
		r.asked = append(r.asked, r.last.Asked...)
		if r.last.Again <= 0 || r.m.Now+r.last.Again > end {
			break
		}
		r.m.Now += r.last.Again
	}
	r.m.Now = end
}

// do is something that the person does, and a moment to see what comes of it. It
// reports whether the controls took it.
func (r *rig) do(events ...render.Event) (taken bool) {
	r.t.Helper()
	for _, e := range events {
		taken = r.c.Handle(e, r.m.Now)
		r.pass(20 * time.Millisecond)
	}
	return taken
}

func (r *rig) move(x, y int) bool { return r.do(render.Event{Kind: render.PointerMove, X: x, Y: y}) }

func (r *rig) press(key string) bool { return r.do(render.Event{Kind: render.KeyPress, Key: key}) }

func (r *rig) wheel(x, y int, notches float64, mods render.Mods) bool {
	return r.do(render.Event{Kind: render.Wheel, X: x, Y: y, WheelY: notches, Mods: mods})
}

// click moves to a place and presses a button there.
func (r *rig) click(x, y int, b render.Button) bool {
	r.move(x, y)
	return r.do(render.Event{Kind: render.PointerDown, X: x, Y: y, Button: b, Clicks: 1}, render.Event{Kind: render.PointerUp, X: x, Y: y, Button: b})
}

// drag presses the left button at one place and releases it at another.
func (r *rig) drag(x0, y0, x1, y1 int) {
	r.move(x0, y0)
	r.do(render.Event{Kind: render.PointerDown, X: x0, Y: y0, Button: render.ButtonLeft, Clicks: 1})
	for i := range 4 {
		r.move(x0+(x1-x0)*(i+1)/4, y0+(y1-y0)*(i+1)/4)
	}
	r.do(render.Event{Kind: render.PointerUp, X: x1, Y: y1, Button: render.ButtonLeft})
}

// write types text, as a window hands it on.
func (r *rig) write(text string) {
	for _, ch := range text {
		key := string(ch)
		if ch == ' ' {
			key = "space"
		}
		r.do(render.Event{Kind: render.KeyPress, Key: key}, render.Event{Kind: render.TextInput, Text: string(ch)})
	}
}

// took is what was asked for since the last call.
func (r *rig) took() []player.Command {
	a := r.asked
	r.asked = nil
	return a
}

// shot draws the layers over a picture, half of it bright and half dark, and leaves
// it in the folder -shots.
func (r *rig) shot(name string) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, r.m.W, r.m.H))
	for y := range r.m.H {
		for x := range r.m.W {
			v := uint8(235 - 20*(y/16%2))
			if x > r.m.W/2 {
				v = uint8(16 + 20*(x/16%2))
			}
			img.SetRGBA(x, y, color.RGBA{v, v, uint8(max(0, int(v)-10)), 255})
		}
	}
	for _, l := range r.last.Layers {
		for y := range l.Pixels.Height {
			for x := range l.Pixels.Width {
				if !(image.Point{l.X + x, l.Y + y}.In(img.Rect)) {
					continue
				}
				p := l.Pixels.Pix[y*l.Pixels.Stride+4*x:]
				at := img.Pix[img.PixOffset(l.X+x, l.Y+y):]
				for i, c := range [3]byte{p[2], p[1], p[0]} {
					at[i] = uint8(min(255, int(c)+int(at[i])*(255-int(p[3]))/255))
				}
			}
		}
	}
	if *shots != "" {
		f, err := os.Create(filepath.Join(*shots, name+".png"))
		if err != nil {
			r.t.Fatal(err)
		}
		defer f.Close()
		if err := png.Encode(f, img); err != nil {
			r.t.Fatal(err)
		}
	}
	return img
}
