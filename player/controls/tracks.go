package controls

import (
	"fmt"
	"slices"

	"planar/audio"
	"planar/demux"
	"planar/player"
)

// tracks are the menu's entries for the streams of a kind; none if there is nothing to
// choose from.
func (n *menu) tracks(v *view, kind demux.Kind) (es []entry) {
	c, st := v.Controls, v.st
	now := st.Video
	if kind == demux.Audio {
		now = st.Sound
	}
	for _, s := range st.Streams {
		if s.Kind != kind || kind == demux.Video && s.Still != st.Stills {
			continue
		}
		es = append(es, entry{
			name: fmt.Sprintf("%d  %s", len(es)+1, s.Track()), on: s.Index == now,
			do: n.asks(c, player.Command{Do: player.SelectTrack, Kind: kind, Index: s.Index}),
		})
	}
	switch {
	case kind == demux.Video && len(es) < 2, len(es) == 0, kind == demux.Audio && !st.HasSound:
		return nil
	case kind == demux.Audio && st.HasVideo && !st.Stills:
		es = append(es, entry{
			name: "No sound", on: now < 0, line: true,
			do: n.asks(c, player.Command{Do: player.SelectTrack, Kind: kind, Index: -1}),
		})
	}
	if kind == demux.Audio && len(st.Streams) > 1 {
		es = append(es, entry{icon: iconNext, name: "Next", key: "a", line: true, do: n.asks(c, player.Command{Do: player.NextTrack, Kind: kind})})
	}
	return es
}

// channelChoice is a way to hear a source's channels.
type channelChoice struct {
	name string
	to   audio.ChannelMap
}

// channelChoices are the ways that are offered for so many channels, and which of them
// now is. One that was given by a flag and is none of these is the last.
func channelChoices(channels int, now audio.ChannelMap) (list []channelChoice, at int) {
	list = []channelChoice{{"All channels", nil}}
	if channels >= 2 {
		swap := audio.ChannelMap{2, 1}
		for n := 3; n <= min(channels, 8); n++ {
			swap = append(swap, n)
		}
		list = append(list, channelChoice{"Left to both", audio.ChannelMap{1, 1}}, channelChoice{"Right to both", audio.ChannelMap{2, 2}})
		if len(swap) == channels { // else some would be lost
			list = append(list, channelChoice{"Swap left and right", swap})
		}
	}
	for i, name := range channelNames(min(channels, 64)) {
		if i >= 2 {
			list = append(list, channelChoice{"Only " + name, audio.ChannelMap{i + 1, i + 1}})
		}
	}
	for i, ch := range list {
		if slices.Equal(ch.to, now) {
			return list, i
		}
	}
	return append(list, channelChoice{"Map " + now.String(), now}), len(list)
}

// channels are the menu's entries for channelChoices.
func (n *menu) channels(v *view) (es []entry) {
	list, at := channelChoices(v.st.Channels.Count, v.st.ChannelMap)
	for i, ch := range list {
		es = append(es, entry{
			name: ch.name, on: i == at, line: i == 1 || i == 4,
			do: n.asks(v.Controls, player.Command{Do: player.SetChannelMap, Map: ch.to}),
		})
	}
	return es
}

// mapping is the sound panel's choice of channels.
func (s *soundPanel) mapping(v *view, width float32) {
	list, at := channelChoices(v.st.Channels.Count, v.st.ChannelMap)
	names := make([]string, len(list))
	for i, ch := range list {
		names[i] = ch.name
	}
	if k, changed := v.tk.combo("channels", names, at, width); changed {
		v.ask(player.Command{Do: player.SetChannelMap, Map: list[k].to})
	}
}
