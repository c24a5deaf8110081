package player

import (
	"time"

	"planar/audio"
	"planar/audio/analysis"
	"planar/demux"
	"planar/render"
)

// Status is what playback is and does, for the controls. Everything in it is
// valid until Controls.Draw returns.
type Status struct {
	Stats
	Name string // of the source, as it was given; not for showing: it may hold a password
	// Since is how long the present state of opening or a lost signal has lasted.
	Since time.Duration
	Entry string // the position that is being typed; empty if none is
	// LostBy and NoSound are why the signal is lost and why there is no sound
	// although there should be, in one line; empty if neither is so.
	LostBy, NoSound string

	IsLive, Seekable   bool
	HasVideo, HasSound bool
	Stills             bool            // cover art: one picture while the sound plays
	Rate               render.Rational // of the pictures; zero if not known
	Streams            []demux.Stream  // of the source
	Video, Sound       int             // the indices of those that play; -1 for none
	Position           time.Duration   // in the source: of the picture, or of the sound if there is none
	ReadTo             time.Duration   // up to where the source has been read
	Paused             bool            // and not only at the end
	Volume             float64         // 0 to 1
	Muted, LoopAll     bool
	Fullscreen         bool

	Playlist []string // names, as they were given
	At       int      // the one that plays

	View      render.View
	Component int
	Colour    render.Colour // what SetColour has said
	Filter    render.Filter

	Picture *render.Picture // on the screen, as it was decoded; nil if there is none

	Channels   ChannelStatus
	ChannelMap audio.ChannelMap
	// Levels is how loud each channel is in what is heard now, before the volume.
	// It is measured only as long as it is asked for at least once a second; nil if
	// there is no sound.
	Levels func() []analysis.Level
	// WatchLoudness has Stats.Loudness measured for the next 2 s of sound; nil if there
	// is no sound or nothing to measure it with.
	WatchLoudness func()
	Device        string // the sound device that was chosen; empty for the default
}

// ChannelStatus is which channels of the sound are heard: bit n is channel n's.
type ChannelStatus struct {
	Count         int // 0 if there is no sound, or none has come yet
	Muted, Soloed uint32
}

// status tells what the session does.
func (s *session) status() Status {
	st := s.p.status()
	now := s.now()
	st.Name, st.IsLive, st.Seekable = s.name, s.info.Live, s.info.Seekable
	st.HasVideo, st.HasSound, st.Stills, st.Rate, st.Streams = s.hasVideo, s.hasSound, s.framesAreStills, s.rate(), s.streams
	st.Video, st.Sound = s.tracks.playing()
	st.Position, st.Paused = s.place(), s.paused
	st.ReadTo = time.Duration(s.readTo.Load())
	s.mu.Lock()
	if s.lost != nil {
		st.Since, st.LostBy = now-s.lostAt, s.cause
	}
	if s.noSound != nil {
		st.NoSound = s.noSound.Error()
	}
	s.mu.Unlock()
	if s.entry.open {
		st.Entry = s.entry.String()
	}
	if s.shown != nil {
		st.Picture = &s.shown.Picture
	}
	if s.hasSound && st.Sound != noTrack {
		source, _ := s.speaker.formats()
		st.Channels.Count = source.Channels
		st.Channels.Soloed &= firstChannels(source.Channels)
		st.Levels = s.levels
		if s.cfg.NewLoudness != nil {
			st.WatchLoudness = s.speaker.loudness.look
		}
	}
	return st
}

// levelsWanted is for how long sound is measured after its levels were asked for.
const levelsWanted = time.Second

// levels measures the sound, from now on and as long as it is asked for.
func (s *session) levels() []analysis.Level {
	s.levelsAt = s.now()
	s.speaker.setMetering(true)
	return s.speaker.levels()
}

// restMeter ends measuring when nobody looks any more.
func (s *session) restMeter() {
	if s.levelsAt != 0 && s.now()-s.levelsAt > levelsWanted {
		s.levelsAt = 0
		s.speaker.setMetering(false)
	}
}

// place is position, or where playback begins if no picture has come yet.
func (s *session) place() time.Duration {
	if s.hasVideo && !s.framesAreStills && s.shown == nil {
		return s.clamp(s.epochs.current().target)
	}
	return s.position()
}

// status tells what does not depend on what plays.
func (p *Player) status() Status {
	return Status{
		Stats: p.Stats(), Volume: p.volume, Muted: p.muted, LoopAll: p.loop < 0, Fullscreen: p.cfg.Video.Fullscreen(),
		Playlist: p.list, At: p.at, View: p.look.view, Component: p.look.component, Colour: p.look.colour, Filter: p.look.filter,
		Device: p.soundDevice(), Channels: p.mutes, ChannelMap: p.channelMap, Video: noTrack, Sound: noTrack,
	}
}

// state is what the session does, in a word. mu is held.
func (s *session) state(now time.Duration) State {
	switch {
	case s.lost != nil:
		return SignalLost
	case s.over.Load():
		return Ended
	case s.buffering(now):
		return Buffering
	case s.stopped.Load():
		return Paused
	}
	return Playing
}
