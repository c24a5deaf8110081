package rtsp

import "time"

const (
	// jumpLeast is how far timestamps must be from where they should be for the
	// sender to have set them anew: farther than pictures are sent out of order (16
	// of 40 ms), and near enough for servers that turn back by a second or two when
	// another viewer comes.
	jumpLeast = time.Second
	// elapsedMost keeps arithmetic with times of arrival from overflowing.
	elapsedMost = 365 * 24 * time.Hour

	// Tracks are aligned by arrival first. What the sender says instead is believed
	// as far as the way here can explain the difference: RTP-Info, which many
	// servers get wrong, less than sender reports.
	infoMost        = time.Second
	firstReportMost = 2 * time.Second
	laterReportMost = 5 * time.Second
	// changeLeast is what senders are off that give their wall clock in
	// milliseconds; with 100 ppm of drift and reports every 5 s the error stays
	// below 2 ms.
	changeLeast = time.Millisecond
	// reportsApart is how old one track's report may be when the other's comes:
	// 100 ppm make 3 ms of it.
	reportsApart = 30 * time.Second
	// clockSet is how far a sender's wall clock may get from its RTP clock between
	// two reports without having been set.
	clockSet = 100 * time.Millisecond

	// offsetsKept is how many reports the network's shortest delay is looked for in.
	offsetsKept = 8

	// leadWeight makes the lead an average over about so many access units.
	leadWeight = 64
	// A track's own lead is of use for leadLasts, the reference's from leadSettles
	// on: before, it tells how the server filled our buffers.
	leadLasts   = time.Minute
	leadSettles = 10 * time.Second
)

// timeline maps the RTP timestamps of the tracks of one session to one PTS
// timeline, which begins with 0 when the first access unit arrives. The reference
// track runs by its own RTP clock; the others are kept in step with it, by what
// the sender says. It is not safe for concurrent use.
type timeline struct {
	tracks    []*trackClock
	reference *trackClock
	hasVideo  bool
	begun     bool
	start     time.Time // arrival of what is at 0

	offsets  [offsetsKept]time.Duration // of the latest reports, arrival minus NTP time
	reports  int
	reportAt time.Time
}

// clockState is what sender reports tell of the sender's wall clock.
type clockState struct {
	Known bool
	At    time.Time // when the latest report came
	// Offset is the arrival of a report minus its NTP time, the smallest of the
	// latest ones: the delay of the network and the difference of the clocks.
	Offset    time.Duration
	Plausible bool // Offset may be a delay alone: -100 ms to 10 s
}

// trackClock is one track's way to the timeline: the PTS is the time by the RTP
// clock since the anchor, plus the offset.
type trackClock struct {
	line *timeline
	rate int // Hz

	anchored bool
	used     bool // has been anchored before
	anchor   int64
	offset   time.Duration // PTS of the anchor
	arranged time.Duration // the offset before any report was used
	reported bool          // the offset comes from reports

	last    int64 // the latest timestamp, unwrapped
	lastAt  time.Time
	highest time.Duration // the highest PTS handed out
	lead    time.Duration // how far PTS is ahead of arrival, on average

	info struct {
		known     bool
		timestamp uint32
	}
	report senderReport
}

// senderReport is the latest of a track, RFC 3550 section 6.4.1.
type senderReport struct {
	known     bool
	at        time.Time
	ntp       uint64
	wall      time.Time
	timestamp uint32
	unwrapped int64 // timestamp, while the track is anchored
	outdated  bool  // the wall clock has been set since
}

func newTimeline() *timeline { return &timeline{} }

// track adds a track with an RTP clock of this many Hz. The first track with
// video is the reference, or else the first of all.
func (t *timeline) track(clockRate int, video bool) *trackClock {
	if clockRate < 1 || clockRate > 1e9 { // more would overflow
		clockRate = 90000
	}
	c := &trackClock{line: t, rate: clockRate}
	if t.reference == nil || (video && !t.hasVideo) {
		t.reference = c
	}
	t.hasVideo = t.hasVideo || video
	t.tracks = append(t.tracks, c)
	return c
}

// pts is the place of a timestamp on the timeline; arrived is when its access
// unit did. The first of a track is placed by its arrival. Timestamps may wrap,
// and go back for B-frames. If they jump by more than 10 s without need, it is as
// if rebase had been called.
func (c *trackClock) pts(timestamp uint32, arrived time.Time) time.Duration {
	if !c.line.begun {
		c.line.begun, c.line.start = true, arrived
	}
	if c.anchored {
		ts := c.unwrap(timestamp, arrived)
		pts := c.place(ts)
		// Neither what comes late is a jump, nor what was left out meanwhile.
		if near(ticks(ts-c.last, c.rate), 0, jumpLeast) || near(pts, arrived.Sub(c.line.start)+c.lead, jumpLeast) {
			c.note(ts, arrived, pts)
			return pts
		}
		c.rebase()
	}
	return c.begin(timestamp, arrived)
}

// unwrap finds the timestamp with these lower 32 bits next to where the track
// should be at a time.
func (c *trackClock) unwrap(timestamp uint32, at time.Time) int64 {
	about := c.last + c.since(at)
	return about + int64(int32(timestamp-uint32(about)))
}

// since is the time since the latest access unit in ticks, not negative.
func (c *trackClock) since(at time.Time) int64 {
	d := min(max(at.Sub(c.lastAt), 0), elapsedMost)
	rate := int64(c.rate)
	return int64(d/time.Second)*rate + int64(d%time.Second)*rate/int64(time.Second)
}

// near tells whether two durations differ by no more than most.
func near(a, b, most time.Duration) bool { return a-b <= most && b-a <= most }

// place is the PTS of an unwrapped timestamp.
func (c *trackClock) place(ts int64) time.Duration { return c.offset + ticks(ts-c.anchor, c.rate) }

// note remembers an access unit.
func (c *trackClock) note(ts int64, arrived time.Time, pts time.Duration) {
	c.last, c.lastAt = ts, arrived
	c.highest = max(c.highest, pts)
	c.lead += (pts - arrived.Sub(c.line.start) - c.lead) / leadWeight
}

// begin anchors the track with its first access unit.
func (c *trackClock) begin(timestamp uint32, arrived time.Time) time.Duration {
	pts := arrived.Sub(c.line.start) + c.leadAt(arrived)
	if c.used {
		pts = max(pts, c.highest)
	} else {
		c.highest = pts
	}
	c.anchored, c.used, c.reported = true, true, false
	c.anchor, c.offset, c.arranged = int64(timestamp), pts, pts
	c.lead = pts - arrived.Sub(c.line.start)
	c.note(c.anchor, arrived, pts)
	c.report.unwrapped = c.unwrap(c.report.timestamp, c.report.at)
	if c == c.line.reference {
		// It has moved, and the others are where they were: that is what reports
		// have to agree with now.
		for _, o := range c.line.tracks {
			o.arranged, o.reported = o.offset, false
		}
	}
	c.line.alignByInfo()
	c.line.alignByReports()
	return c.place(c.anchor)
}

// leadAt is how far ahead of its arrival a track begins. Clocks drift apart, a
// sender's and ours by seconds a day, so a track that begins anew, or late, goes
// by where the timeline is and not by what our clock says since the start.
func (c *trackClock) leadAt(arrived time.Time) time.Duration {
	r := c.line.reference
	switch {
	case c.used && (c == r || arrived.Sub(c.lastAt) < leadLasts):
		return c.lead
	case c != r && r.used && arrived.Sub(c.line.start) > leadSettles:
		return r.lead
	}
	return 0
}

// rebase says that the sender begins anew. The next access unit is placed by its
// arrival again, and not before what was handed out. Reports and RTP-Info of
// before do not count.
func (c *trackClock) rebase() {
	c.anchored, c.reported = false, false
	c.info.known = false
	c.report = senderReport{}
}

// rtpInfo takes the rtptime of the answer to PLAY, RFC 2326 section 12.33: the
// same moment for all tracks. It aligns them if all have one and it is within 1 s
// of the alignment by arrival, until there are sender reports.
func (c *trackClock) rtpInfo(timestamp uint32) {
	c.info.known, c.info.timestamp = true, timestamp
	c.line.alignByInfo()
}

func (t *timeline) alignByInfo() {
	for _, c := range t.tracks {
		if !c.info.known {
			return
		}
	}
	r := t.reference
	for _, c := range t.tracks {
		if c == r || c.reported || !c.anchored || !r.anchored {
			continue
		}
		offset := c.offset + r.place(r.unwrap(r.info.timestamp, r.lastAt)) - c.place(c.unwrap(c.info.timestamp, c.lastAt))
		if near(offset, c.arranged, infoMost) {
			c.move(offset - c.offset)
		}
	}
}

// move changes a track's offset.
func (c *trackClock) move(by time.Duration) {
	c.offset += by
	c.lead += by
}

// senderReport takes a sender report, RFC 3550 section 6.4.1: its NTP and RTP
// timestamps, and when it arrived. An NTP time of 0 means that the sender has no
// wall clock (section 4), and such a report is ignored.
func (c *trackClock) senderReport(ntp uint64, timestamp uint32, arrived time.Time) {
	if ntp == 0 {
		return
	}
	s := senderReport{known: true, at: arrived, ntp: ntp, wall: ntpTime(ntp), timestamp: timestamp}
	if c.anchored {
		s.unwrapped = c.unwrap(timestamp, arrived)
	}
	if was := &c.report; c.anchored && was.known && !was.outdated {
		if !near(s.wall.Sub(was.wall), ticks(s.unwrapped-was.unwrapped, c.rate), clockSet) {
			// What the others said is of the old clock, until they report again.
			for _, o := range c.line.tracks {
				o.report.outdated = true
			}
			c.line.reports = 0
		}
	}
	c.report = s
	t := c.line
	t.offsets[t.reports%offsetsKept] = arrived.Sub(s.wall)
	t.reports++
	t.reportAt = arrived
	t.alignByReports()
}

// alignByReports corrects the offsets of the tracks for which, like for the
// reference, the sender has told what its wall clock says at which RTP timestamp.
// The reports must have come within 30 s of each other, without the clock being
// set in between, and the first of them must be within 2 s of the alignment
// before, later ones within 5 s of the one so far: a wall clock that is set
// between two tracks' reports, or one for each track, does no harm.
func (t *timeline) alignByReports() {
	r := t.reference
	for _, c := range t.tracks {
		if c == r || !c.reportUsable() || !r.reportUsable() {
			continue
		}
		if !near(c.report.at.Sub(r.report.at), 0, reportsApart) {
			continue
		}
		apart := c.report.wall.Sub(r.report.wall)
		if !near(apart, 0, 2*reportsApart) { // clocks that differ, or nonsense
			continue
		}
		by := r.place(r.report.unwrapped) + apart - c.place(c.report.unwrapped)
		switch {
		case !c.reported && near(c.offset+by, c.arranged, firstReportMost),
			c.reported && near(by, 0, laterReportMost) && !near(by, 0, changeLeast):
			c.reported = true
			c.move(by)
		}
	}
}

func (c *trackClock) reportUsable() bool {
	return c.anchored && c.report.known && !c.report.outdated
}

// captured is what the sender's wall clock said at a timestamp, by its latest
// report; false if there is none since the track began (anew).
func (c *trackClock) captured(timestamp uint32) (time.Time, bool) {
	if !c.anchored || !c.report.known {
		return time.Time{}, false
	}
	ts := c.unwrap(timestamp, c.lastAt)
	return c.report.wall.Add(ticks(ts-c.report.unwrapped, c.rate)), true
}

// clock tells what is known of the sender's wall clock.
func (t *timeline) clock() clockState {
	if t.reports == 0 {
		return clockState{}
	}
	offset := t.offsets[0]
	for _, o := range t.offsets[:min(t.reports, offsetsKept)] {
		offset = min(offset, o)
	}
	return clockState{
		Known: true, At: t.reportAt, Offset: offset,
		Plausible: offset >= -100*time.Millisecond && offset <= 10*time.Second,
	}
}

// lastReport is when the track's latest sender report came, and the middle 32
// bits of its NTP time, for DLSR and LSR, RFC 3550 section 6.4.1; false if there
// is none since the track began (anew).
func (c *trackClock) lastReport() (at time.Time, lsr uint32, ok bool) {
	return c.report.at, uint32(c.report.ntp >> 16), c.report.known
}

// ntpTime converts an NTP timestamp. Its seconds count from 1900 or, if their
// highest bit is not set, from February 2036 (RFC 4330 section 3).
func ntpTime(ntp uint64) time.Time {
	const from1900 = 2208988800 // to 1970
	seconds := int64(ntp >> 32)
	if seconds < 1<<31 {
		seconds += 1 << 32
	}
	return time.Unix(seconds-from1900, int64(ntp&0xffffffff)*int64(time.Second)>>32)
}
