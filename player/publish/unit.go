// Package publish is planar's other half: it reads a source, passes its access
// units on as they are or encodes them anew, keeps real time, and hands them to any
// number of targets, none of which can hold another one up.
//
//	source -> readLoop -> track (copy, or decode and encode; pace) -> Backlog -> a sender for each target
//
// It knows neither protocols nor encoders: targets, encoders and muxers are given to
// it.
package publish

import (
	"context"
	"errors"
	"time"

	"planar/demux"
)

// Unit is one access unit (a picture, or a frame of sound) on its way to the
// targets, which share it: nobody writes to it, and its memory is the garbage
// collector's.
//
// What Data is: H.264 and H.265 in Annex B form (ITU-T H.264 and H.265), without
// access unit delimiters, with the parameter sets before each key picture; AAC
// without ADTS headers (ISO/IEC 14496-3 raw_data_block); Opus packets (RFC 6716); of
// other codecs what the source has.
type Unit struct {
	Stream   int           // the index in the list of streams
	PTS, DTS time.Duration // from 0; go on without a jump where the source is looped. DTS never falls within a stream
	Duration time.Duration // 0 if unknown
	Key      bool          // decoding can begin here; true for sound
	Data     []byte
	NALUs    [][]byte  // of H.264 and H.265: the parts of Data between start codes; nil otherwise
	At       time.Time // when it was due to leave, or captured: wall clock
}

// Target is an address, or anything else, that access units are sent to.
type Target interface {
	// Connect makes a connection that takes these streams; their Config is
	// complete. It returns when the other side is ready to take units, an error says
	// in one line what failed, or ctx has ended. A target may be connected again when
	// its connection is closed. The error is a *Refused if trying again is of no use.
	Connect(ctx context.Context, streams []demux.Stream) (Connection, error)
	// Takes reports whether it can carry a codec (FFmpeg's name: "h264", "hevc",
	// "aac", "opus").
	Takes(codec string) bool
	// String is the address without secrets, as the user is shown it.
	String() string
}

// A target that waits for the other side to come, however long that takes, has a method
// Patient() bool beside.

// Connection is a target while it is connected. Write is called by one goroutine;
// Close and RTT may be called from any.
type Connection interface {
	// Write sends a unit. It may block as long as the other side is slow; Close ends
	// that. An error means that the connection is lost.
	Write(*Unit) error
	// Finish ends the stream in an orderly way, after the last Write: what is still
	// held is sent, trailers are written. Close is called after it, or ends it where it
	// takes too long.
	Finish() error
	// Close ends the connection at once. It may be called more than once.
	Close() error
	// RTT is the round trip time to the other side, 0 where it is not known.
	RTT() time.Duration
	// Sent is how many bytes have been handed to the network or the file, with all
	// headers.
	Sent() int64
}

// Refused is an error that trying again does not help: a wrong password, a codec
// that the protocol has no name for.
type Refused struct{ Err error }

func (r *Refused) Error() string { return r.Err.Error() }

// Unwrap returns the cause.
func (r *Refused) Unwrap() error { return r.Err }

// Permanent marks an error as one that trying again does not help; nil stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &Refused{err}
}

// IsPermanent reports whether trying again is of no use.
func IsPermanent(err error) bool {
	var r *Refused
	return errors.As(err, &r)
}
