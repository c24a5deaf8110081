package player

import "time"

// command is something a person asks of the player.
type command struct {
	do     action
	time   time.Duration // seekBy
	factor float64       // speedBy: multiplies the speed
	amount float64       // volumeBy: parts of full volume
}

type action int

const (
	none action = iota
	togglePause
	stepForward
	stepBack
	seekBy
	seekStart
	seekEnd
	speedBy
	speedReset
	volumeBy
	toggleMute
	toggleLoop
	markLoop
	openEntry
	togglePanel
	toggleFullscreen
	leaveFullscreen
	snapshot
	quit
)

// keys binds keys to commands, as mpv does where it has the command.
var keys = map[string]command{
	"space":       {do: togglePause},
	".":           {do: stepForward},
	",":           {do: stepBack},
	"left":        {do: seekBy, time: -5 * time.Second},
	"right":       {do: seekBy, time: 5 * time.Second},
	"down":        {do: seekBy, time: -60 * time.Second},
	"up":          {do: seekBy, time: 60 * time.Second},
	"home":        {do: seekStart},
	"end":         {do: seekEnd},
	"[":           {do: speedBy, factor: 1 / 1.1},
	"]":           {do: speedBy, factor: 1.1},
	"backspace":   {do: speedReset},
	"9":           {do: volumeBy, amount: -0.05},
	"0":           {do: volumeBy, amount: 0.05},
	"wheeldown":   {do: volumeBy, amount: -0.05},
	"wheelup":     {do: volumeBy, amount: 0.05},
	"m":           {do: toggleMute},
	"L":           {do: toggleLoop}, // the whole source
	"l":           {do: markLoop},   // from here, to here, off
	"g":           {do: openEntry},  // digits and the like then go to entry.go
	"#":           {do: openEntry},
	"i":           {do: togglePanel},
	"f":           {do: toggleFullscreen},
	"doubleclick": {do: toggleFullscreen},
	"escape":      {do: leaveFullscreen},
	"s":           {do: snapshot},
	"q":           {do: quit},
}
