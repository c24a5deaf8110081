package player

import (
	"maps"
	"time"

	"planar/audio"
	"planar/demux"
	"planar/render"
)

// Command is something that a person asks of the player, by a key or by the
// controls.
type Command struct {
	Do     Action
	Time   time.Duration    // SeekBy, SeekTo
	Factor float64          // SpeedBy multiplies the speed, SetSpeed sets it
	Amount float64          // VolumeBy, SetVolume: parts of full volume
	Index  int              // PlayAt, Remove: in the playlist; ShowComponent; MuteChannel, SoloChannel; SelectTrack: of the stream, -1 for none
	Names  []string         // Open, Append: sources
	Text   string           // SetDevice: its name, empty for the default; GoTo: a position
	View   render.View      // SetView
	Colour render.Colour    // SetColour: what is unknown is left to the source
	Filter render.Filter    // SetFilter
	Kind   demux.Kind       // SelectTrack, NextTrack
	Map    audio.ChannelMap // SetChannelMap
}

// Action says what a Command is.
type Action int

// The actions. Unless something else is said a Command's other fields are of no
// meaning.
const (
	Nothing Action = iota
	TogglePause
	StepForward
	StepBack
	SeekBy
	SeekTo // Time, on the source's timeline
	SeekStart
	SeekEnd
	GoTo // Text, as the flag --start takes it
	SpeedBy
	SetSpeed
	VolumeBy
	SetVolume
	ToggleMute
	ToggleLoop // of the whole source
	MarkLoop   // A, then B, then off
	EnterPosition
	ToggleFullscreen
	LeaveFullscreen
	Snapshot
	Quit

	Open   // Names, instead of what plays; they come into the playlist behind it
	Append // Names, to the playlist
	PlayAt // Index
	PlayNext
	PlayPrevious
	Remove // Index
	Reload // the same source, taken for what the opener takes it for by now
	CancelOpening

	SetView
	ZoomBy        // Factor, about the window's centre
	ShowComponent // Index: 0 all, 1 Y or R, 2 U or G, 3 V or B, 4 alpha
	SetColour
	SetFilter
	SetDevice
	MuteChannel   // Index
	SoloChannel   // Index
	ClearLevels   // held peaks and clips of the meters; loudness is measured anew
	SelectTrack   // Kind and Index
	NextTrack     // Kind; after the last one the first
	SetChannelMap // Map: which channels are heard where
)

// Keys lists what keys do.
func Keys() map[string]Command { return maps.Clone(keys) }

// keys binds keys to commands, as mpv does where it has the command.
var keys = map[string]Command{
	"space":       {Do: TogglePause},
	".":           {Do: StepForward},
	",":           {Do: StepBack},
	"left":        {Do: SeekBy, Time: -5 * time.Second},
	"right":       {Do: SeekBy, Time: 5 * time.Second},
	"down":        {Do: SeekBy, Time: -60 * time.Second},
	"up":          {Do: SeekBy, Time: 60 * time.Second},
	"home":        {Do: SeekStart},
	"end":         {Do: SeekEnd},
	"[":           {Do: SpeedBy, Factor: 1 / 1.1},
	"]":           {Do: SpeedBy, Factor: 1.1},
	"backspace":   {Do: SetSpeed, Factor: 1},
	"9":           {Do: VolumeBy, Amount: -0.05},
	"0":           {Do: VolumeBy, Amount: 0.05},
	"wheeldown":   {Do: VolumeBy, Amount: -0.05},
	"wheelup":     {Do: VolumeBy, Amount: 0.05},
	"m":           {Do: ToggleMute},
	"a":           {Do: NextTrack, Kind: demux.Audio},
	"L":           {Do: ToggleLoop},
	"l":           {Do: MarkLoop},
	"g":           {Do: EnterPosition}, // digits and the like then go to entry.go
	"#":           {Do: EnterPosition},
	"f":           {Do: ToggleFullscreen},
	"doubleclick": {Do: ToggleFullscreen},
	"escape":      {Do: LeaveFullscreen},
	"s":           {Do: Snapshot},
	">":           {Do: PlayNext},
	"<":           {Do: PlayPrevious},
	"1":           {Do: ShowComponent, Index: 1},
	"2":           {Do: ShowComponent, Index: 2},
	"3":           {Do: ShowComponent, Index: 3},
	"4":           {Do: ShowComponent},
	"+":           {Do: ZoomBy, Factor: 2},
	"-":           {Do: ZoomBy, Factor: 0.5},
	"=":           {Do: SetView}, // all of it
	"q":           {Do: Quit},
}
