package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"planar/demux"
	"planar/player/publish"
)

// pushOptions is what push and serve are told beyond what a source is.
type pushOptions struct {
	video demux.VideoEncoding
	audio demux.AudioEncoding
	gop   time.Duration
	// How to encode was said, so nothing is passed on.
	encodeVideo, encodeAudio bool
	copying                  publish.Copying
	retries                  int // as publish.Config has it

	channels  int
	stagger   time.Duration
	overwrite bool

	listen         string
	user, password string
	acceptPush     bool
	multicast      bool
	certificate    string // files
	key            string
}

// pushFlags are those of push and serve as they are written.
type pushFlags struct {
	copying, videoCodec, audioCodec, bitrate, audioBitrate, gop, size, fps, user, retries string
	stagger                                                                               float64

	own *pflag.FlagSet // as the command has them
}

// changed reports whether one of the flags was given.
func (w *pushFlags) changed(names ...string) bool {
	return slices.ContainsFunc(names, w.own.Changed)
}

// Bounds of flags.
const (
	minBitrate  = 1000 // bits per second
	maxBitrate  = 1e9
	maxGOP      = time.Hour
	maxChannels = 4096
	maxStagger  = 60_000 // ms
)

// sending are the flags that push and serve have of those of playing.
var sending = append([]string{"audio", "audio-delay", "audio-track", "video-track", "loop", "no-audio", "no-video", "tls-ca", "tls-insecure", "reconnect", "no-reconnect", "stats", "version"}, describing...)

// sendingFlags declares what push and serve have in common.
func sendingFlags(name string, o *options, t *rawFlags) *pflag.FlagSet {
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.SortFlags = false
	f.Usage = func() {}
	p, w := &o.push, &t.push
	w.own = f
	f.StringVar(&w.copying, "copy", "auto", "pass streams on as they are: auto (where all targets take the codec), yes or no")
	f.StringVar(&w.videoCodec, "video-codec", "", "encode pictures as h264 or h265 (default: h264, where they are not passed on)")
	f.StringVar(&w.audioCodec, "audio-codec", "", "encode sound as aac or opus (default: aac, where it is not passed on)")
	f.StringVar(&w.bitrate, "bitrate", "", "bits per second of encoded pictures: 2500k, 4M (default: by size and rate)")
	f.StringVar(&w.audioBitrate, "audio-bitrate", "", "bits per second of encoded sound: 128k (default: by channels)")
	f.StringVar(&w.gop, "gop", "1s", "from one key picture to the next: 1s, 500ms, or a number of pictures")
	f.StringVar(&p.video.Preset, "preset", "veryfast", "preset of x264 or x265, ultrafast to veryslow")
	f.StringVar(&w.size, "output-size", "", "scale pictures to this size: WxH, or qcif, cif, 720p ...")
	f.StringVar(&w.fps, "output-fps", "", "send so many pictures a second: 25, 30000/1001")
	base := flagSet(o, t)
	base.VisitAll(func(fl *pflag.Flag) {
		switch {
		case fl.Name == "channels" && name == "push":
			// Which is how many publishers there are.
			fl.Name = "audio-channels"
		case !slices.Contains(sending, fl.Name):
			return
		}
		f.AddFlag(fl)
	})
	f.Lookup("size").Usage = "picture size of a raw video, the test pattern or a camera; of other sources the one to send: WxH, or qcif, cif, 720p ..."
	f.Lookup("fps").Usage = "frame rate of a raw video, the test pattern or a camera; of other sources the one to send: 25, 30000/1001"
	f.Lookup("audio").Usage = "send this file's sound with the source's pictures"
	f.Lookup("audio-track").Usage = "sound track to send: its number from 1, a language such as de or deu, or none (default: the file's default, else the first)"
	f.Lookup("video-track").Usage = "picture track to send: its number from 1 (default: the file's default, else the first)"
	f.Lookup("loop").Usage = "how often to send each source, or inf"
	f.Lookup("no-audio").Usage = "do not send sound"
	f.Lookup("no-video").Usage = "do not send pictures"
	return f
}

// pushFlagSet are the flags of push.
func pushFlagSet(o *options, t *rawFlags) *pflag.FlagSet {
	f := sendingFlags("push", o, t)
	p, w := &o.push, &t.push
	f.Lookup("rtsp-transport").Usage = "auto, udp, tcp, multicast or http: of RTSP sources, and, udp or tcp, of RTSP targets"
	f.StringVar(&w.retries, "retries", "auto", "how often in a row to try a target again: a number, -1 for ever, or auto (for ever once it was connected, else not at all)")
	f.IntVar(&p.channels, "channels", 1, "send so many copies; %d in an address is the number, from 0, of each")
	f.Float64Var(&w.stagger, "stagger", 0, "milliseconds by which each copy is behind the one before")
	f.BoolVar(&p.overwrite, "overwrite", false, "write over files that exist")
	return f
}

// serveFlagSet are the flags of serve.
func serveFlagSet(o *options, t *rawFlags) *pflag.FlagSet {
	f := sendingFlags("serve", o, t)
	p, w := &o.push, &t.push
	_ = f.Lookup("loop").Value.Set("inf")
	f.Lookup("loop").DefValue = "inf"
	f.StringVar(&p.listen, "listen", "127.0.0.1:8554", "address and port to listen on; :8554 is all of the machine's")
	f.StringVar(&w.user, "user", "", "who may come in: USER:PASSWORD, or @FILE with that in it, which no list of processes shows")
	f.StringVar(&p.certificate, "tls-cert", "", "file with the server's certificate, and those up to the authority: rtsps instead of rtsp")
	f.StringVar(&p.key, "tls-key", "", "file with the certificate's key")
	f.BoolVar(&p.multicast, "multicast", false, "offer multicast too")
	f.BoolVar(&p.acceptPush, "accept-push", false, "pass on what others publish here, at any path")
	return f
}

// checkSending reads what is written for push and serve.
func checkSending(o *options, t *rawFlags) error {
	p, w := &o.push, &t.push
	var err error
	check := func(e error) {
		if err == nil {
			err = e
		}
	}
	p.copying = oneOf(check, "--copy", w.copying, map[string]publish.Copying{"auto": publish.CopyAuto, "yes": publish.CopyAlways, "no": publish.CopyNever})
	p.video.Codec = oneOf(check, "--video-codec", w.videoCodec, map[string]string{"": "", "h264": "h264", "h265": "hevc"})
	p.audio.Codec = oneOf(check, "--audio-codec", w.audioCodec, map[string]string{"": "", "aac": "aac", "opus": "opus"})
	p.encodeVideo = w.changed("bitrate", "gop", "preset")
	p.encodeAudio = w.changed("audio-bitrate")
	if p.copying == publish.CopyAlways && (p.encodeVideo || p.encodeAudio) {
		check(errors.New("--copy yes passes streams on as they are: leave out how to encode them"))
	}
	p.video.Bitrate = bitrate(check, "--bitrate", w.bitrate)
	p.audio.Bitrate = bitrate(check, "--audio-bitrate", w.audioBitrate)
	oneOf(check, "--preset", p.video.Preset, presets)
	if n, e := strconv.Atoi(w.gop); e == nil {
		between(check, "--gop", float64(n), 1, 100000)
		p.video.GOP = n
	} else if d, e := time.ParseDuration(w.gop); e != nil || d <= 0 || d > maxGOP {
		check(fmt.Errorf("--gop %q is neither a number of pictures nor a time such as 1s or 500ms", w.gop))
	} else {
		p.gop = d
	}
	var e error
	if w.size != "" {
		p.video.Width, p.video.Height, e = demux.ParseSize(w.size)
		check(e)
	}
	if w.fps != "" {
		p.video.Rate, e = demux.ParseRate(w.fps)
		check(e)
	}
	if p.channels != 0 { // of push
		between(check, "--channels", float64(p.channels), 1, maxChannels)
	}
	p.retries = publish.RetriesAuto
	if w.retries != "auto" && w.retries != "" {
		n, e := strconv.Atoi(w.retries)
		if e != nil || n < -1 || n > math.MaxInt32 {
			check(fmt.Errorf("--retries %q is neither auto nor a number from -1", w.retries))
		}
		p.retries = n
	}
	between(check, "--stagger", w.stagger, 0, maxStagger)
	p.stagger = time.Duration(w.stagger * float64(time.Millisecond))
	if (p.certificate == "") != (p.key == "") {
		check(errors.New("--tls-cert and --tls-key are given together"))
	}
	if w.user != "" {
		p.user, p.password, e = credentials(w.user)
		check(e)
	}
	return err
}

var presets = map[string]bool{
	"ultrafast": true, "superfast": true, "veryfast": true, "faster": true, "fast": true,
	"medium": true, "slow": true, "slower": true, "veryslow": true,
}

// bitrate reads a number of bits per second, with k, M or G behind it or not.
func bitrate(check func(error), flag, s string) int64 {
	if s == "" {
		return 0
	}
	digits := strings.TrimRight(s, "kKmMgG")
	unit, ok := map[string]float64{"": 1, "k": 1e3, "m": 1e6, "g": 1e9}[strings.ToLower(s[len(digits):])]
	v, err := strconv.ParseFloat(digits, 64)
	if v *= unit; err != nil || !ok || !(v >= minBitrate && v <= maxBitrate) {
		check(fmt.Errorf("%s %q is not a bit rate from 1k to 1G, such as 2500k or 4M", flag, s))
		return 0
	}
	return int64(v)
}

// maxSecret bounds the file of --user.
const maxSecret = 4096

// credentials reads USER:PASSWORD, or a file of it. Errors do not repeat them.
func credentials(s string) (user, password string, err error) {
	if name, ok := strings.CutPrefix(s, "@"); ok {
		file, err := os.Open(name)
		if err != nil {
			return "", "", fmt.Errorf("--user: %w", err)
		}
		defer file.Close()
		b, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
		if err != nil {
			return "", "", fmt.Errorf("--user: %w", err)
		}
		if len(b) > maxSecret {
			return "", "", fmt.Errorf("--user: %s is longer than %d bytes", name, maxSecret)
		}
		s = strings.TrimRight(string(b), "\r\n")
	}
	user, password, ok := strings.Cut(s, ":")
	if !ok || user == "" || password == "" {
		return "", "", errors.New("--user is USER:PASSWORD, or @FILE with that in it")
	}
	return user, password, nil
}

func enoughToPush(o *options) error {
	switch {
	case len(o.sources) == 0:
		return errors.New("nothing to push: give a file, test, a camera or a URL, and where to send it")
	case len(o.sources) == 1:
		return fmt.Errorf("nowhere to push %s to: give one or more addresses behind it", demux.OneLine(demux.Redact(o.sources[0])))
	case o.push.channels > 1:
		for _, a := range o.sources[1:] {
			if !strings.Contains(a, "%d") {
				return fmt.Errorf("--channels %d: %s has no %%d for the number of the channel", o.push.channels, demux.OneLine(demux.Redact(a)))
			}
		}
	}
	return nil
}

func enoughToServe(o *options) error {
	if len(o.sources) == 0 && !o.push.acceptPush {
		return errors.New("nothing to serve: give a file, test, a camera or a URL, or --accept-push")
	}
	return nil
}

func pushHelp() string {
	return `Usage: planar push [flags] SOURCE URL...

Sends a source in real time to one or many addresses. SOURCE is a file, raw or
not, test (a pattern with a clock, a flash and a beep), a camera such as
/dev/video0, the screen, or a live URL. URL is rtsp://, rtsps://, rtmp://,
rtmps://, rtp:// (MPEG-TS), udp://, srt://, http:// (PUT), https://, or a file.
Streams are passed on as they are where all targets take them, else encoded, once
for all. A target that fails or is slow does not hold the others up.

` + pushFlagSet(&options{}, &rawFlags{}).FlagUsages() + `
Exit codes: 0 everything was sent, 1 usage, 2 the source cannot be read or no target
reached, 3 some of several targets failed, 4 interrupted by a signal.
`
}

func serveHelp() string {
	return `Usage: planar serve [flags] SOURCE...

Is an RTSP server for sources, each at rtsp://HOST:PORT/NAME, where the name is the
file's. SOURCE is as of planar push. It prints the addresses.

` + serveFlagSet(&options{}, &rawFlags{}).FlagUsages() + `
Exit codes: 0 everything was sent, 1 usage, 2 cannot open, 3 some of several sources
failed, 4 interrupted by a signal.
`
}
