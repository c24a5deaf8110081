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
	if _, _, ok := c.lookup("x.yuv"); ok {
		t.Error("something is remembered before anything was said")
	}
	want := rawChoice{
		Video: guess.Video{
			Width: 352, Height: 288, PixelFormat: "nv12", Rate: render.Rational{Num: 30000, Den: 1001},
			Colour: render.Colour{Matrix: render.BT2020, Range: render.Full, Siting: render.SitingTopLeft}, Header: 7, FrameHeader: 1 << 20,
		},
		Strides: []int{384, 384},
	}
	if err := c.remember("x.yuv", 1000, want); err != nil {
		t.Fatal(err)
	}
	if err := c.remember("y.yuv", 1000, rawChoice{Video: guess.Video{PixelFormat: "gray"}}); err != nil {
		t.Fatal(err)
	}
	if got, _, ok := c.lookup("./x.yuv"); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("remembered %+v, want %+v", got, want)
	}
	if got, _, ok := c.lookup("y.yuv"); !ok || got.PixelFormat != "gray" || got.Width != 0 {
		t.Errorf("%+v", got)
	}
	for i := range 5 {
		if err := c.remember(fmt.Sprintf("%d.yuv", i), 1000, rawChoice{Video: guess.Video{Width: 16, Height: 16}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, ok := c.lookup("x.yuv"); !ok {
		t.Error("forgotten too soon")
	}
	if err := c.forget("y.yuv"); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := c.lookup("y.yuv"); ok {
		t.Error("y.yuv is not forgotten")
	}
	before, err := os.Stat(c.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.remember("x.yuv", 1000, want); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(c.path); err != nil || !os.SameFile(before, after) {
		t.Error("what is known already is written again")
	}
	if _, _, ok := c.lookup("-"); ok || c.remember("-", 1000, want) != nil {
		t.Error("standard input has no memory")
	}
	if err := (&choices{}).remember("x.yuv", 1, want); err != nil {
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
		`[{"file":%q,"pixel_format":"bogus"}]`, `[{"file":%q,"width":99999,"height":5}]`, `[{"file":%q,"header_bytes":9000000000000000000}]`,
	} {
		if len(text) > 5 {
			text = fmt.Sprintf(text, abs)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, _, ok := (&choices{path}).lookup("x.yuv"); ok {
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
		Video: guess.Video{Width: 352, Height: 288, PixelFormat: "nv12", Colour: render.Colour{Matrix: render.BT709, Range: render.Full}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Strides belong to a size and a format, and a zero that is said is not unsaid.
func TestChoiceOrElseExceptions(t *testing.T) {
	then := rawChoice{Video: guess.Video{Width: 352, Height: 288, PixelFormat: "yuv420p", Header: 100, FrameHeader: 5}, Strides: []int{384, 192, 192}}
	if got := (rawChoice{Video: guess.Video{PixelFormat: "nv12"}}).orElse(then); got.Strides != nil {
		t.Errorf("strides of yuv420p for nv12: %+v", got)
	}
	if got := (rawChoice{Video: guess.Video{Width: 640, Height: 480}}).orElse(then); got.Strides != nil {
		t.Errorf("strides of 352 columns for 640: %+v", got)
	}
	if got := (rawChoice{ZeroHeader: true, ZeroFrameHeader: true}).orElse(then); got.Header != 0 || got.FrameHeader != 0 || got.Strides == nil {
		t.Errorf("%+v", got)
	}
}
