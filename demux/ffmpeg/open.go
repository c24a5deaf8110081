package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/asticode/go-astiav"

	"planar/demux"
)

// Options say how to open a source. The zero value is good for most.
type Options struct {
	Format        string            // FFmpeg's name of an input format to force, "" to find out
	Dict          map[string]string // further options of FFmpeg's protocols and formats
	OpenTimeout   time.Duration     // until there is something to play; 0 means 10 s
	RTSPTransport string            // "auto" or "" (UDP, then TCP), "udp", "tcp", "multicast"
	Threads       int               // of each decoder, 0 for as many as the machine has
	Live          *bool             // overrides what the address says

	device *device // set by OpenDevice
}

const defaultOpenTimeout = 10 * time.Second

// abandonAfter is how much longer than FFmpeg's own deadline Open waits for it:
// looking up a host name, for one, cannot be interrupted.
const abandonAfter = 250 * time.Millisecond

// Open opens a file, "-" (standard input) or a URL. It returns when the
// streams are known, and at the latest after opts.OpenTimeout or when ctx ends;
// later, ctx has no effect. The error is one line without passwords; it is
// demux.ErrInterrupted (errors.Is) if ctx ended, and an fs or syscall error where
// the system gave the cause.
func Open(ctx context.Context, name string, opts Options) (*Source, error) {
	if opts.OpenTimeout <= 0 {
		opts.OpenTimeout = defaultOpenTimeout
	}
	t := newTarget(name)
	if ctx.Err() != nil {
		return nil, t.interrupted(ctx.Err())
	}
	s := &Source{t: t, opts: opts, intr: newInterrupter()}
	type result struct{ err error }
	done := make(chan result, 1)
	go func() {
		err := s.open()
		if err != nil {
			_ = s.Close()
		}
		done <- result{err}
	}()
	// If FFmpeg does not come back, it is left to itself and tidied up later.
	abandon := func() {
		s.intr.stop()
		go func() {
			if r := <-done; r.err == nil {
				_ = s.Close()
			}
		}()
	}
	timer := time.NewTimer(opts.OpenTimeout + abandonAfter)
	defer timer.Stop()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, r.err
		}
		return s, nil
	case <-ctx.Done():
		abandon()
		return nil, t.interrupted(ctx.Err())
	case <-timer.C:
		abandon()
		return nil, t.timeout(opts.OpenTimeout)
	}
}

// open does Open's work. All of it runs on one goroutine.
func (s *Source) open() error {
	end := time.Now().Add(s.opts.OpenTimeout)
	if err := s.prepare(); err != nil {
		return err
	}
	if s.t.proto == "rtsp" || s.t.proto == "rtsps" {
		return s.openRTSP(end)
	}
	if err := s.connect(nil, end); err != nil {
		return err
	}
	return s.examine(end)
}

// prepare looks at local files, about which the system knows better than
// FFmpeg what is wrong.
func (s *Source) prepare() error {
	if d := s.opts.device; d != nil {
		return s.prepareDevice(d)
	}
	if s.t.proto != "" {
		return nil
	}
	if s.t.name == "-" {
		return s.preparePipe(os.Stdin.Fd(), "/proc/self/fd/0")
	}
	if f := s.inputFormat(); f != nil && f.Flags().Has(astiav.IOFormatFlagNofile) {
		s.t.url = s.t.name // a device or generator, not a file
		return nil
	}
	fi, err := os.Stat(s.t.name)
	switch {
	case err != nil && errors.Is(err, os.ErrNotExist) && isSequence(s.t.name):
		return nil // numbered pictures
	case err != nil:
		return s.t.statCause(err)
	case fi.IsDir():
		return s.t.fail("is a directory", syscall.EISDIR)
	case fi.Mode()&os.ModeNamedPipe != 0:
		// Opened by us: FFmpeg would block in it without a way out.
		f, err := os.OpenFile(s.t.name, os.O_RDONLY, 0)
		if err != nil {
			return s.t.statCause(err)
		}
		defer f.Close()
		return s.preparePipe(f.Fd(), fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	case fi.Mode().IsRegular() && fi.Size() == 0:
		return s.t.fail("the file is empty (0 bytes)", nil)
	}
	return nil
}

// preparePipe reopens a pipe without blocking, so that reading it can be
// interrupted and whoever shares it does not notice. Where that is impossible,
// FFmpeg reads the descriptor itself. A redirected regular file can be seeked.
func (s *Source) preparePipe(fd uintptr, path string) error {
	s.t.url = "pipe:" + strconv.Itoa(int(fd))
	var st syscall.Stat_t
	if err := syscall.Fstat(int(fd), &st); err != nil {
		return s.t.fail("standard input is closed", err)
	}
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		return s.t.fail("is a directory", syscall.EISDIR)
	case syscall.S_IFREG:
		if off, err := syscall.Seek(int(fd), 0, 1); err == nil && off == 0 {
			if f, err := os.Open(path); err == nil {
				_ = f.Close()
				s.t.url = "file:" + path
			}
		}
	case syscall.S_IFIFO:
		n, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
		if err == nil {
			s.pipe = os.NewFile(uintptr(n), s.t.show)
			s.t.url = "pipe:" + strconv.Itoa(n)
		}
	}
	return nil
}

// isSequence tells names like "frame%04d.png".
func isSequence(name string) bool {
	i := strings.IndexByte(name, '%')
	if i < 0 {
		return false
	}
	rest := strings.TrimLeft(name[i+1:], "0123456789")
	return strings.HasPrefix(rest, "d")
}

func (s *Source) inputFormat() *astiav.InputFormat {
	if s.opts.Format == "" {
		return nil
	}
	return astiav.FindInputFormat(s.opts.Format)
}

// defaults are the options for a kind of address.
func (s *Source) defaults() map[string]string {
	if d := s.opts.device; d != nil {
		return d.dict
	}
	d := map[string]string{}
	if s.presumedLive() {
		d["fflags"] = "nobuffer"
	}
	switch s.t.proto {
	case "rtsp", "rtsps":
		d["max_delay"] = "100000" // µs to wait for a packet that UDP delivers late
		d["buffer_size"] = strconv.Itoa(2 << 20)
		d["allowed_media_types"] = "video+audio"
	case "rtmp", "rtmps", "rtmpt", "rtmpe", "rtmpte", "rtmpts":
		d["rtmp_buffer"] = "100" // ms the server may send ahead
	case "udp":
		d["overrun_nonfatal"] = "1"
		d["buffer_size"] = strconv.Itoa(2 << 20)
	}
	return d
}

// presumedLive is what the address says.
func (s *Source) presumedLive() bool {
	if s.opts.Live != nil {
		return *s.opts.Live
	}
	switch s.t.proto {
	case "rtsp", "rtsps", "rtp", "srtp", "udp", "udplite", "srt", "tcp", "rist", "mmst", "mmsh":
		return true
	}
	return strings.HasPrefix(s.t.proto, "rtmp")
}

// connect opens the input, not later than end.
func (s *Source) connect(extra map[string]string, end time.Time) error {
	f := s.inputFormat()
	if f == nil && s.opts.Format != "" {
		return s.t.fail(fmt.Sprintf("FFmpeg has no input format %q", s.opts.Format), nil)
	}
	dict := astiav.NewDictionary()
	defer dict.Free()
	for _, m := range []map[string]string{s.defaults(), extra, s.opts.Dict} {
		for k, v := range m {
			if err := dict.Set(k, v, 0); err != nil {
				return s.t.fail("option "+demux.OneLine(k), err)
			}
		}
	}
	if s.intr.isStopped() {
		return s.t.interrupted(nil)
	}
	left := time.Until(end)
	if left <= 0 {
		return s.t.timeout(s.opts.OpenTimeout)
	}
	fc := astiav.AllocFormatContext()
	if s.opts.device != nil {
		fc.SetFlags(fc.Flags() | astiav.NewFormatContextFlags(astiav.FormatContextFlagNonblock)) // so that a camera without light can be closed
	}
	s.intr.attach(fc)
	s.intr.deadline(left)
	s.info.Notes = nil
	log, err := captureLog(func() error { return fc.OpenInput(s.t.url, f, dict) })
	if err != nil {
		return s.openFailed(err, log) // FFmpeg has freed fc
	}
	s.fc = fc
	var unknown []string
	for k := range s.opts.Dict {
		if dict.Get(k, nil, 0) != nil {
			unknown = append(unknown, k)
		}
	}
	sort.Strings(unknown)
	for _, k := range unknown {
		s.info.Notes = append(s.info.Notes, "FFmpeg has no use for the option "+demux.OneLine(k)+" here")
	}
	return nil
}

func (s *Source) openFailed(err error, log string) error {
	switch {
	case s.intr.isStopped():
		return s.t.interrupted(nil)
	case s.intr.expired():
		return s.t.timeout(s.opts.OpenTimeout)
	case s.opts.device != nil:
		return s.opts.device.explain(s.t, err, log)
	}
	return s.t.explain(err, log)
}

// notMedia are input formats that accept text, and what only shows text.
var notMedia = map[string]bool{"tty": true, "bin": true, "xbin": true, "adf": true, "idf": true}

// examine finds out about the streams of a connected input other than RTSP.
func (s *Source) examine(end time.Time) error {
	if d := s.opts.device; d != nil {
		return s.examineDevice(d)
	}
	format := s.fc.InputFormat().Name()
	if notMedia[format] && s.opts.Format == "" {
		return s.t.fail("no video or sound in it; "+rawHint, nil)
	}
	seekable, hasIO := ioSeekable(s.fc)
	s.live = s.presumedLive()
	if s.opts.Live == nil && s.t.proto != "" && hasIO && !seekable && s.fc.Duration() <= 0 {
		s.live = true
	}
	s.info.Live = s.live
	s.info.Format = format
	s.refresh()
	if s.live && format == "flv" {
		if err := s.gather(time.Until(end)); err != nil {
			return s.firstFailed(err)
		}
		return s.finish()
	}
	if s.live {
		limitProbe(s.fc, probeBytes, probeTime)
	}
	s.intr.deadline(max(time.Until(end), time.Millisecond))
	log, err := captureLog(func() error { return s.fc.FindStreamInfo(nil) })
	if err != nil || s.intr.isStopped() || s.intr.expired() {
		return s.openFailed(err, log)
	}
	s.refresh()
	if !s.live {
		return s.finishFile(log)
	}
	return s.finish()
}

// firstFailed is why no first packet came.
func (s *Source) firstFailed(err error) error {
	switch {
	case s.intr.isStopped():
		return s.t.interrupted(nil)
	case s.intr.expired():
		return s.t.timeout(s.opts.OpenTimeout)
	}
	return s.t.fail("connected, but nothing to play came", err)
}

// finishFile drops streams FFmpeg could not make out and sets the timeline.
func (s *Source) finishFile(log string) error {
	var dropped, known int
	for i, t := range s.tracks {
		switch {
		case t == nil:
		case t.usable():
			known++
		default:
			dropped++
			t.par.Free()
			s.tracks[i] = nil
			discardStream(s.fc, i, true)
		}
	}
	if known == 0 && dropped > 0 {
		return s.t.explain(astiav.ErrInvaliddata, log)
	}
	if dropped > 0 {
		s.info.Notes = append(s.info.Notes, fmt.Sprintf("%d of its streams could not be made out", dropped))
	}
	if d := ticksToDuration(s.fc.Duration(), 1, 1e6); d > 0 {
		s.info.Duration = d
	}
	seekable, hasIO := ioSeekable(s.fc)
	s.info.Seekable = seekable || !hasIO && s.info.Duration > 0
	s.base.Store(int64(s.startTime()))
	s.based = true
	s.markStills()
	return s.finish()
}

// startTime is the format's start, taken from the stream that defines it where
// that is more exact than FFmpeg's microseconds.
func (s *Source) startTime() time.Duration {
	start := ticksToDuration(s.fc.StartTime(), 1, 1e6)
	if start == demux.NoPTS {
		return 0
	}
	exact := start
	for i, t := range s.tracks {
		if t == nil {
			continue
		}
		o, err := streamInfoOf(s.fc, i)
		if err != nil {
			continue
		}
		st := ticksToDuration(int64(o.start_time), t.num, t.den)
		if d := st - start; st != demux.NoPTS && d >= -time.Microsecond && d <= time.Microsecond {
			exact = st
			break
		}
	}
	return exact
}

// markStills marks the only picture of a picture file.
func (s *Source) markStills() {
	f := s.info.Format
	if f != "image2" && !strings.HasSuffix(f, "_pipe") {
		return
	}
	for _, t := range s.tracks {
		if t != nil && t.Kind == demux.Video && !isSequence(s.t.name) {
			t.Still = true
		}
	}
}

// finish refuses what cannot be played. From here on Read decides about time.
func (s *Source) finish() error {
	s.intr.deadline(0)
	for _, t := range s.tracks {
		if t != nil {
			return nil
		}
	}
	return s.t.fail("no video or sound in it", nil)
}

// openRTSP connects without probing: what the decoders need is in the SDP.
// FFmpeg itself changes from UDP to TCP only if the server refuses UDP, so here
// TCP is tried if nothing comes.
func (s *Source) openRTSP(end time.Time) error {
	transports := []string{"udp", "tcp"}
	switch s.opts.RTSPTransport {
	case "", "auto":
		if s.t.proto == "rtsps" {
			transports = []string{"tcp"}
		}
	case "multicast":
		transports = []string{"udp_multicast"}
	default:
		transports = []string{s.opts.RTSPTransport}
	}
	s.live = s.opts.Live == nil || *s.opts.Live
	s.info.Live, s.info.Format = true, "rtsp"
	for i, tr := range transports {
		last := i == len(transports)-1
		if err := s.connect(map[string]string{"rtsp_transport": tr}, end); err != nil {
			return err
		}
		s.refresh()
		if err := s.finish(); err != nil {
			return err
		}
		wait := time.Until(end)
		if !last {
			wait = min(wait, udpPatience)
		}
		err := s.firstPacket(max(wait, time.Millisecond))
		if err == nil {
			return nil
		}
		if last || s.intr.isStopped() {
			return s.firstFailed(err)
		}
		s.disconnect()
	}
	return nil
}

// VideoDecoder makes a decoder for stream i.
func (s *Source) VideoDecoder(i int) (demux.VideoDecoder, error) {
	c, t, err := s.newCodec(i, demux.Video)
	if err != nil {
		return nil, err
	}
	return &videoDecoder{codec: *c, stream: t, info: new(frameInfo)}, nil
}

// AudioDecoder makes a decoder for stream i.
func (s *Source) AudioDecoder(i int) (demux.AudioDecoder, error) {
	c, _, err := s.newCodec(i, demux.Audio)
	if err != nil {
		return nil, err
	}
	return &audioDecoder{codec: *c, info: new(soundInfo)}, nil
}

func (s *Source) newCodec(i int, k demux.Kind) (*codec, demux.Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i < 0 || i >= len(s.tracks) || s.tracks[i] == nil || s.tracks[i].Kind != k {
		return nil, demux.Stream{}, fmt.Errorf("%s: stream %d is not %s", s.t.show, i, k)
	}
	t := s.tracks[i]
	threads := s.opts.Threads
	if t.Still {
		threads = 1
	}
	c, err := openCodec(t.par, t.tb, threads, s.live)
	if err != nil {
		return nil, demux.Stream{}, fmt.Errorf("%s: %w", s.t.show, err)
	}
	c.base = &s.base
	return c, t.Stream, nil
}
