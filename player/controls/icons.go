package controls

// icon is a picture in the fonts icons, smallIcons and bigIcons.
type icon rune

// The icons, in the order in which fonts/subset.py puts them into the font; a new
// one is added at the end of both.
const (
	iconPlay icon = iota + firstIcon
	iconPause
	iconStop
	iconStepBack // one frame: a bar and a thin angle
	iconStepForward
	iconPrevious // of the playlist: a bar and a filled triangle
	iconNext
	iconLive // a dot in a ring
	iconChevronLeft
	iconChevronRight
	iconChevronUp
	iconChevronDown
	iconVolumeHigh
	iconVolumeLow
	iconVolumeMute // struck through
	iconFullscreen
	iconWindowed
	iconMore // three dots in a row
	iconMoreVertical
	iconMenu // three lines
	iconPlaylist
	iconList
	iconStatistics
	iconLineChart
	iconSliders
	iconSettings
	iconDropper
	iconZoomIn
	iconZoomOut
	iconClose
	iconFolderOpen
	iconFolder
	iconLink
	iconCamera
	iconClock
	iconRecent
	iconWarning
	iconInfo
	iconSpeaker
	iconLoop
	iconWave
	iconActivity
	iconRadio
	iconBroadcast
	iconCheck
	iconPlus
	iconTrash
	iconKeyboard
	iconHelp
	iconGrid
	iconRefresh
	iconPhoto
	iconEye
	iconSearch
	iconAspect
	iconFocus
	iconCrosshair
	iconSoundFile
	iconVideo
	iconFile
	iconExternal
	iconRewind // two filled triangles
	iconForward
	iconRecord // a filled dot
	iconCopy
	iconPin
	iconRuler

	iconEnd
)

// firstIcon is where icons begin in their font. It is low because Dear ImGui keeps
// tables up to the highest character.
const firstIcon = 0x100

// iconRange is where icons are in their font.
var iconRange = []uint16{firstIcon, uint16(iconEnd) - 1}

// String is the icon as text of its font.
func (i icon) String() string { return string(rune(i)) }
