package publish

import (
	"context"
	"log/slog"
	"time"

	"planar/demux"
)

// Copying says what becomes of streams that could be passed on as they are.
type Copying int

const (
	CopyAuto   Copying = iota // passed on if all targets take the codec, else encoded
	CopyAlways                // passed on, or it is an error
	CopyNever                 // encoded
)

// Destination is a target and how it is treated.
type Destination struct {
	Target Target
	// Delay is how much later than the others it is sent everything.
	Delay time.Duration
}

// RetriesAuto tries for ever to come back to a target that has been connected, and
// not at all where the first attempt failed.
const RetriesAuto = -2

// Config says what is published, how, and where to.
type Config struct {
	Source demux.Source // closed by Run
	// Reopen opens a live source again when it is lost; nil ends then.
	Reopen func(context.Context) (demux.Source, error)
	Name   string // of the source, without secrets
	Loop   int    // how often a file is sent, 0 and 1 once, -1 without end

	Destinations []Destination
	// Retries is how often in a row a target is tried again: a count, -1 for ever, or
	// RetriesAuto.
	Retries int
	// ConnectWithin is how long one attempt to connect may take; 0: 10 s. Targets that
	// say Patient have no limit.
	ConnectWithin time.Duration

	AudioDelay time.Duration // by which sound is later than the source says

	// Tracks are the streams that are sent, by index. Of a kind that is not in it, it is
	// the one that is marked as default, or the first.
	Tracks map[demux.Kind]int

	Copy Copying
	// How to encode was said: then nothing is passed on.
	EncodeVideo, EncodeAudio bool
	NoVideo, NoAudio         bool
	Video                    demux.VideoEncoding // what zero values mean: h264, as the source, a key picture each second
	Audio                    demux.AudioEncoding // the zero value: aac
	GOP                      time.Duration       // from one key picture to the next; 0: Video.GOP, or 1 s
	Encoders                 Encoders

	Log *slog.Logger
}

// Bounds in time.
const (
	// stuckAfter is how long one unit may take to be written before the connection is
	// given up: a TCP peer that is alive takes something within seconds.
	stuckAfter = 10 * time.Second
	// finishWithin is how long taking leave of a target may take at the end: the index of
	// a file that took days is some 100 MB. leaveWithin is the same when interrupted.
	finishWithin = 30 * time.Second
	leaveWithin  = 2 * time.Second
	// lag is how far a target may fall behind before it is moved to the latest key
	// picture: two groups of pictures of the usual length.
	lag = 2 * time.Second
	// streamsWithin is how long is waited for streams of which something is missing,
	// when others are ready.
	streamsWithin = 5 * time.Second
	// steady is how long a connection has to last to count as one that works.
	steady = 5 * time.Second
)

// backlogBytes bounds what is kept for targets that are behind: 2 s of 100 Mbit/s and
// a group of pictures of 10 s at 16 Mbit/s fit.
const backlogBytes = 64 << 20

// backoff is how long to wait before the attempt after n failed ones: 0.25 s, 0.5 s,
// then 1 s, so that a server that is back has a picture within 1.5 s. spread, from 0
// to 1, keeps many senders from coming at once.
func backoff(n int, spread float64) time.Duration {
	d := min(250*time.Millisecond<<min(max(0, n-1), 2), time.Second)
	return time.Duration(float64(d) * (0.8 + 0.4*spread))
}
