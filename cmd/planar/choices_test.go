package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"planar/demux/guess"
	"planar/render"
)

func TestChoices(t *testing.T) {
	dir := t.TempDir()
	c := &choices{filepath.Join(dir, "planar", "raw-video.json")}
	if _, ok := c.lookup("x.yuv"); ok {
		t.Error("something is remembered before anything was said")
	}
	want := rawChoice{
		Video: guess.Video{
			Width: 352, Height: 288, PixelFormat: "nv12", Rate: render.Rational{Num: 30000, Den: 1001},
			Colour: render.Colour{Matrix: render.BT2020, Range: render.Full, Siting: render.SitingTopLeft}, Header: 7, FrameHeader: 1 << 40,
		},
		Strides: []int{384, 384},
	}
	if err := c.remember("x.yuv", want); err != nil {
		t.Fatal(err)
	}
	if err := c.remember("y.yuv", rawChoice{Video: guess.Video{PixelFormat: "gray"}}); err != nil {
		t.Fatal(err)
	}
	if got, ok := c.lookup("./x.yuv"); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("remembered %+v, want %+v", got, want)
	}
	if got, ok := c.lookup("y.yuv"); !ok || got.PixelFormat != "gray" || got.Width != 0 {
		t.Errorf("%+v", got)
	}
	for i := range 5 {
		if err := c.remember(fmt.Sprintf("%d.yuv", i), rawChoice{Video: guess.Video{Width: 16, Height: 16}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := c.lookup("x.yuv"); !ok {
		t.Error("forgotten too soon")
	}
	if _, ok := c.lookup("-"); ok || c.remember("-", want) != nil {
		t.Error("standard input has no memory")
	}
	if err := (&choices{}).remember("x.yuv", want); err != nil {
		t.Error(err)
	}
}

// What has been edited into nonsense is not believed.
func TestChoicesRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raw-video.json")
	abs, err := filepath.Abs("x.yuv")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		``, `null`, `{}`, `[{"file":%q,"width":-1,"height":5}]`, `[{"file":%q,"width":5}]`, `[{"file":%q,"header_bytes":-1}]`,
		`[{"file":%q,"rate":{"num":1,"den":0}}]`, `[{"file":%q,"colour":{"matrix":"bt1886"}}]`, `[{"file":%q,"strides":[-5]}]`,
	} {
		if len(text) > 5 {
			text = fmt.Sprintf(text, abs)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := (&choices{path}).lookup("x.yuv"); ok {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

// Flags come before what was said earlier, each for itself.
func TestChoiceOrElse(t *testing.T) {
	now := rawChoice{Video: guess.Video{PixelFormat: "nv12", Colour: render.Colour{Range: render.Full}}}
	then := rawChoice{
		Video:   guess.Video{Width: 352, Height: 288, PixelFormat: "gray", Colour: render.Colour{Matrix: render.BT709, Range: render.Limited}},
		Strides: []int{512},
	}
	got := now.orElse(then)
	want := rawChoice{
		Video:   guess.Video{Width: 352, Height: 288, PixelFormat: "nv12", Colour: render.Colour{Matrix: render.BT709, Range: render.Full}},
		Strides: []int{512},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
