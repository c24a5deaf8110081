package ffmpeg

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/asticode/go-astiav"
)

// soundGraph is a chain of filters that interleaved sound is sent through. The zero
// value is none, and may be freed.
type soundGraph struct {
	graph *astiav.FilterGraph
	src   *astiav.FilterContext
	sink  *astiav.FilterContext
}

// newSoundGraph makes a graph of a chain in FFmpeg's notation for sound of a. The
// caller frees it.
func newSoundGraph(a audioSpec, chain string) (g soundGraph, err error) {
	defer func() {
		if err != nil {
			g.free()
			g = soundGraph{}
		}
	}()
	if g.graph = astiav.AllocFilterGraph(); g.graph == nil {
		return g, errors.New("not enough memory")
	}
	g.graph.SetThreadCount(1)
	layout, err := describeLayout(a)
	if err != nil {
		return g, err
	}
	src, sink := astiav.FindFilterByName("abuffer"), astiav.FindFilterByName("abuffersink")
	if src == nil || sink == nil {
		return g, errors.New("FFmpeg here has no filters for sound")
	}
	g.src, err = g.graph.NewFilterContext(src, "in", astiav.FilterArgs{
		"sample_fmt": a.sample.Name(), "sample_rate": strconv.Itoa(a.rate),
		"channel_layout": layout, "time_base": "1/" + strconv.Itoa(a.rate),
	})
	if err != nil {
		return g, err
	}
	if g.sink, err = g.graph.NewFilterContext(sink, "out", nil); err != nil {
		return g, err
	}
	outputs, inputs := astiav.AllocFilterInOut(), astiav.AllocFilterInOut()
	defer outputs.Free()
	defer inputs.Free()
	outputs.SetName("in")
	outputs.SetFilterContext(g.src)
	outputs.SetPadIdx(0)
	outputs.SetNext(nil)
	inputs.SetName("out")
	inputs.SetFilterContext(g.sink)
	inputs.SetPadIdx(0)
	inputs.SetNext(nil)
	if err := g.graph.Parse(chain, inputs, outputs); err != nil {
		return g, fmt.Errorf("FFmpeg here does not take the filters %s: %w", chain, err)
	}
	return g, g.graph.Configure()
}

func (g *soundGraph) free() {
	if g.sink != nil {
		g.sink.Free()
	}
	if g.src != nil {
		g.src.Free()
	}
	if g.graph != nil {
		g.graph.Free()
	}
	*g = soundGraph{}
}
