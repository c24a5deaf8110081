package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"planar/audio"
	"planar/demux"
	"planar/demux/ffmpeg"
	"planar/internal/settings"
	"planar/player"
	"planar/player/clock"
	"planar/render"
)

// options is the command line, parsed and checked.
type options struct {
	sources []string

	raw            rawChoice   // raw video
	sound          soundChoice // raw sound
	rawVideo       bool        // a flag was given that only headerless video has
	describes      bool        // a flag was given that says what a headerless video is
	rawAudio       bool        // a flag was given that only headerless sound has
	describesSound bool        // a flag was given that says what headerless sound is
	forget         bool

	audio      string
	audioDelay time.Duration
	as         demux.Content
	audioTrack player.TrackChoice
	videoTrack player.TrackChoice
	channelMap audio.ChannelMap

	start      time.Duration
	startFrame int64
	frames     int64
	loop       int
	speed      float64
	pause      bool
	exit       bool
	volume     float64
	mute       bool
	noAudio    bool
	noVideo    bool
	untimed    bool

	geometry   render.Geometry
	borderless bool
	fullscreen bool
	filter     render.Filter
	renderer   string
	osc        string // auto, always, never
	idle       bool
	settings   settings.Settings
	complaints []string // about the settings file
	volumeSaid bool     // by a flag or in the settings

	rtspTransport string
	latency       *time.Duration // nil: auto
	tls           *tls.Config    // nil: the system's authorities
	showDamaged   bool
	reconnect     bool
	openTimeout   time.Duration

	vo         string
	ao         string // device, null, wav
	wavFile    string
	screenshot string
	stats      string
	logLevel   slog.Level
	version    bool
	asJSON     bool // of probe

	push pushOptions
}

// Bounds of flags, in bytes.
const (
	maxStride      = 16 * demux.MaxDimension
	maxHeader      = 1 << 50
	maxFrameHeader = 1 << 30

	// Of raw sound, in Hz.
	minSampleRate = 1000
	maxSampleRate = 768000

	maxLatency = 10000 // milliseconds
)

// rawFlags are the flags that say what a headerless file holds.
type rawFlags struct {
	size, format, fps, matrix, rng, as, start, loop, geometry, scale, logLevel, ao string
	volume, audioDelay                                                             float64
	latency, tlsCA                                                                 string
	tlsInsecure, noReconnect, help                                                 bool
	timeout                                                                        float64
	siting, sampleFormat, channels, audioTrack, channelMap                         string
	strides                                                                        []int
	header                                                                         int64

	declared *pflag.FlagSet // by the names they have in flagSet, whatever a command calls them
	push     pushFlags
}

// flagSet declares the flags, bound to o and t.
func flagSet(o *options, t *rawFlags) *pflag.FlagSet {
	f := pflag.NewFlagSet("planar", pflag.ContinueOnError)
	f.SortFlags = false
	f.Usage = func() {}
	t.declared = f

	f.StringVarP(&t.size, "size", "s", "", "picture size of a raw video: WxH, or qcif, cif, 720p, 1080p, uhd ...")
	f.StringVarP(&t.format, "pixel-format", "f", "", "pixel format of a raw video: FFmpeg's name, or i420, yv12, yuy2, v210 ...")
	f.StringVarP(&t.fps, "fps", "r", "", "frame rate of a raw video: 25, 29.97, 30000/1001")
	f.IntSliceVar(&t.strides, "stride", nil, "bytes from row to row of a raw video: of the first plane, or A,B,C of each (default: no padding)")
	f.Int64Var(&t.header, "header-bytes", 0, "bytes to skip at the beginning of a raw file")
	f.Int64Var(&o.raw.FrameHeader, "frame-header-bytes", 0, "bytes to skip before each frame of a raw video")
	f.StringVar(&t.matrix, "matrix", "", "colour matrix: bt601, bt709 or bt2020 (default: the file's tag, else by size)")
	f.StringVar(&t.rng, "range", "", "range of code values: limited or full (default: the file's tag, else full of RGB and grey, limited of others)")
	f.StringVar(&t.siting, "siting", "", "where chroma samples lie: left, centre or topleft (default: the file's tag, else left)")

	f.StringVar(&t.sampleFormat, "sample-format", "", "samples of raw sound: FFmpeg's name; with _planar one channel after the other (default: by name and content, else s16le)")
	f.IntVar(&o.sound.Rate, "sample-rate", 0, "sample rate of raw sound in Hz (default: by name and content, else 44100)")
	f.StringVar(&t.channels, "channels", "", "channels of raw sound: a number, or a layout such as mono, stereo, quad, 5.1 (default: by name and content, else 2)")

	f.StringVarP(&o.audio, "audio", "a", "", "play this file's sound with the source's pictures")
	f.Float64Var(&t.audioDelay, "audio-delay", 0, "milliseconds by which the sound is played later")
	f.StringVar(&t.audioTrack, "audio-track", "", "sound track to begin with: its number from 1, a language such as de or deu, or none (default: the file's default, else the first)")
	f.IntVar(&o.videoTrack.Number, "video-track", 0, "picture track to begin with: its number from 1 (default: the file's default, else the first)")
	f.StringVar(&t.channelMap, "channel-map", "", "which channels are heard where: the source's channel for each that plays, from 1, - for silence: 2,1 swaps, 1,1 is the left one on both sides")
	f.StringVar(&t.as, "as", "", "what the source is: raw-video, raw-audio, y4m or media (default: by name)")
	f.BoolVar(&o.forget, "forget", false, "forget what was said of a raw file before")

	f.StringVar(&t.start, "start", "", "where to begin: seconds, [H:]M:S, or #FRAME")
	f.Int64Var(&o.frames, "frames", 0, "leave after so many frames")
	f.StringVar(&t.loop, "loop", "1", "how often to play each source, or inf")
	f.Float64Var(&o.speed, "speed", 1, "playback speed, 0.1 to 16")
	f.BoolVar(&o.pause, "pause", false, "begin paused")
	f.BoolVar(&o.exit, "exit", false, "leave when all has been played")
	f.Float64Var(&t.volume, "volume", 100, "volume, 0 to 100")
	f.BoolVar(&o.mute, "mute", false, "begin without sound")
	f.BoolVar(&o.noAudio, "no-audio", false, "do not play sound")
	f.BoolVar(&o.noVideo, "no-video", false, "do not play pictures")
	f.BoolVar(&o.untimed, "untimed", false, "show frames as fast as they come")

	f.StringVar(&t.geometry, "geometry", "", "size and place of the window: WxH+X+Y, either part may be left out")
	f.BoolVar(&o.borderless, "borderless", false, "no title bar and border")
	f.BoolVarP(&o.fullscreen, "fullscreen", "F", false, "begin in full screen")
	f.StringVar(&o.osc, "osc", "auto", "on-screen controls: auto, always or never")
	f.StringVar(&t.scale, "scale", "bilinear", "scaling filter: nearest, bilinear or bicubic")
	f.StringVar(&o.renderer, "renderer", "auto", "auto, software or opengl")
	f.BoolVar(&o.idle, "idle", false, "open a window even with nothing to play, and keep it when nothing is left")

	f.StringVar(&o.rtspTransport, "rtsp-transport", "auto", "auto (UDP, and TCP when nothing comes or too much gets lost), udp, tcp, multicast or http")
	f.StringVar(&t.latency, "latency", "auto", "delay of live sources in milliseconds, beyond that of the way; or auto: what its jitter asks for")
	f.BoolVar(&o.showDamaged, "show-damaged", false, "after a loss, show damaged pictures instead of waiting for a key frame")
	f.StringVar(&t.tlsCA, "tls-ca", "", "file with the certificates that rtsps servers' are to be signed by")
	f.BoolVar(&t.tlsInsecure, "tls-insecure", false, "accept any certificate: who listens or pretends is not noticed")
	f.BoolVar(&o.reconnect, "reconnect", true, "connect again when a live source is lost")
	f.BoolVar(&t.noReconnect, "no-reconnect", false, "leave when a live source is lost")
	f.Float64Var(&t.timeout, "open-timeout", 10, "seconds to wait for a source to open")

	f.StringVar(&o.vo, "vo", "window", "video output: window, null, or hash (a line for each frame: number, PTS, MD5)")
	f.StringVar(&t.ao, "ao", "device", "audio output: device, null or wav:FILE")
	f.StringVar(&o.screenshot, "screenshot", "", "write the last picture to this PNG file")
	f.StringVar(&o.stats, "stats", "", "write statistics to this file (- for standard output), a JSON line a second")
	f.StringVar(&t.logLevel, "log-level", "warn", "debug, info, warn or error")
	f.BoolVar(&o.version, "version", false, "print the version and those of the libraries")
	f.BoolVarP(&t.help, "help", "h", false, "print this text")
	return f
}

func helpText() string {
	f := flagSet(&options{}, &rawFlags{})
	return `Usage: planar [flags] SOURCE...
       planar probe [flags] SOURCE...    say what a source is
       planar push [flags] SOURCE URL... send it to one or many addresses
       planar serve [flags] SOURCE...    be an RTSP server for it

Plays raw video (I420 and others), raw PCM, whatever FFmpeg reads, and live
streams. SOURCE is a file, - for standard input, or a URL.

` + f.FlagUsages() + `
Keys: Space pause, . , step, arrows seek, Home End, g go to a frame or time,
[ ] speed, Backspace 1x, 9 0 volume, m mute, a sound track, f full screen, s snapshot,
l loop between two frames, L loop, < > playlist, 1 2 3 4 planes, + - = zoom, i statistics,
? all the keys, right button menu, q quit.

Exit codes: 0 played, 1 usage, 2 cannot open, 3 some of several sources failed,
4 interrupted by a signal.
`
}

// applySettings gives flags the values that the settings file has for them, which
// those on the command line then replace.
func applySettings(f *pflag.FlagSet, o *options) {
	o.settings, o.complaints = settings.Load()
	for name, value := range o.settings.Flags {
		if err := f.Set(name, value); err != nil {
			o.complaints = append(o.complaints, fmt.Sprintf("%s: %s: %v", settings.Path(), name, err))
			continue
		}
		f.Lookup(name).Changed = false // not on the command line
	}
	_, o.volumeSaid = o.settings.Flags["volume"]
}

// parseArgs parses and checks a command line; f is bound to o and t.
func parseArgs(f *pflag.FlagSet, o *options, t *rawFlags, args []string) error {
	if err := f.Parse(args); err != nil {
		return err
	}
	if t.help {
		return pflag.ErrHelp
	}
	o.sources = f.Args()
	if o.version {
		return nil
	}
	changed := func(names ...string) bool { return slices.ContainsFunc(names, t.declared.Changed) }
	o.rawVideo = changed("size", "pixel-format", "stride", "frame-header-bytes")
	o.describes = o.rawVideo || changed("fps", "matrix", "range", "siting", "header-bytes")
	o.rawAudio = changed("sample-format", "sample-rate", "channels")
	o.describesSound = o.rawAudio || changed("header-bytes")
	if !changed("ao") && o.vo == "hash" {
		o.noAudio = true // nobody listens, and a device would keep real time
	}
	o.raw.PixelFormat, o.raw.Strides, o.raw.Header, o.sound.Header = t.format, t.strides, t.header, t.header
	o.raw.ZeroHeader, o.raw.ZeroFrameHeader = changed("header-bytes"), changed("frame-header-bytes")
	o.sound.ZeroHeader = o.raw.ZeroHeader
	var err error
	check := func(e error) {
		if err == nil {
			err = e
		}
	}
	if t.size != "" {
		var e error
		o.raw.Width, o.raw.Height, e = demux.ParseSize(t.size)
		check(e)
	}
	if t.fps != "" {
		var e error
		o.raw.Rate, e = demux.ParseRate(t.fps)
		check(e)
	}
	o.raw.Colour.Matrix = oneOf(check, "--matrix", t.matrix, map[string]render.Matrix{"": 0, "bt601": render.BT601, "bt709": render.BT709, "bt2020": render.BT2020})
	o.raw.Colour.Range = oneOf(check, "--range", t.rng, map[string]render.Range{"": 0, "limited": render.Limited, "full": render.Full})
	o.raw.Colour.Siting = oneOf(check, "--siting", t.siting, map[string]render.Siting{"": 0, "left": render.SitingLeft, "centre": render.SitingCentre, "topleft": render.SitingTopLeft})
	o.as = oneOf(check, "--as", t.as, map[string]demux.Content{"": demux.Unknown, "raw-video": demux.RawVideo, "raw-audio": demux.RawAudio, "y4m": demux.Y4M, "media": demux.Media})
	o.filter = oneOf(check, "--scale", t.scale, map[string]render.Filter{"nearest": render.Nearest, "bilinear": render.Bilinear, "bicubic": render.Bicubic})
	o.logLevel = oneOf(check, "--log-level", t.logLevel, map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError})
	oneOf(check, "--vo", o.vo, map[string]int{"window": 0, "null": 0, "hash": 0})
	oneOf(check, "--renderer", o.renderer, map[string]int{"auto": 0, "software": 0, "opengl": 0})
	oneOf(check, "--osc", o.osc, map[string]int{"auto": 0, "always": 0, "never": 0})
	oneOf(check, "--rtsp-transport", o.rtspTransport, map[string]int{"auto": 0, "udp": 0, "tcp": 0, "multicast": 0, "http": 0})
	if t.latency != "auto" {
		ms, e := strconv.ParseFloat(t.latency, 64)
		if e != nil {
			check(fmt.Errorf("--latency %q is neither auto nor a number of milliseconds", t.latency))
		}
		between(check, "--latency", ms, 0, maxLatency)
		d := time.Duration(ms * float64(time.Millisecond))
		o.latency = &d
	}
	var e error
	o.tls, e = tlsConfig(t.tlsCA, t.tlsInsecure)
	check(e)
	o.ao, o.wavFile, _ = strings.Cut(t.ao, ":")
	oneOf(check, "--ao", o.ao, map[string]int{"device": 0, "null": 0, "wav": 0})
	if o.ao != "device" { // the settings say what a person wants to hear, not what files hold
		for _, name := range []string{"volume", "mute", "audio-delay"} {
			if l := t.declared.Lookup(name); l != nil && !l.Changed {
				check(l.Value.Set(l.DefValue))
			}
		}
	}
	if o.ao == "wav" && o.wavFile == "" {
		check(errors.New("--ao wav needs a file: wav:FILE"))
	}
	for _, s := range t.strides {
		between(check, "--stride", float64(s), 0, maxStride)
	}
	between(check, "--header-bytes", float64(t.header), 0, maxHeader)
	between(check, "--frame-header-bytes", float64(o.raw.FrameHeader), 0, maxFrameHeader)
	if t.sampleFormat != "" {
		format, e := ffmpeg.FindPCMFormat(t.sampleFormat)
		if e != nil {
			check(fmt.Errorf("--sample-format: %w", e))
		}
		o.sound.Format = format.Name
	}
	if o.sound.Rate != 0 || changed("sample-rate") {
		between(check, "--sample-rate", float64(o.sound.Rate), minSampleRate, maxSampleRate)
	}
	if t.channels != "" {
		var e error
		if o.sound.Channels, o.sound.Layout, e = ffmpeg.ParseChannels(t.channels); e != nil {
			check(fmt.Errorf("--%s: %w", t.declared.Lookup("channels").Name, e))
		}
	}
	between(check, "--volume", t.volume, 0, 100)
	between(check, "--speed", o.speed, 0.1, 16)
	between(check, "--open-timeout", t.timeout, 0.1, 3600)
	between(check, "--audio-delay", t.audioDelay, -60000, 60000)
	between(check, "--video-track", float64(o.videoTrack.Number), 0, 1000)
	if t.audioTrack != "" {
		var e error
		if o.audioTrack, e = player.ParseTrack(t.audioTrack); e != nil {
			check(fmt.Errorf("--audio-track: %w", e))
		}
	}
	if m, e := audio.ParseChannelMap(t.channelMap); e != nil {
		check(fmt.Errorf("--channel-map %q: %w", t.channelMap, e))
	} else {
		o.channelMap = m
	}
	between(check, "--frames", float64(o.frames), 0, 1<<60)
	o.volume = t.volume / 100
	o.volumeSaid = o.volumeSaid || changed("volume")
	o.openTimeout = time.Duration(t.timeout * float64(time.Second))
	o.audioDelay = time.Duration(t.audioDelay * float64(time.Millisecond))
	o.reconnect = o.reconnect && !t.noReconnect
	if t.loop == "inf" {
		o.loop = -1
	} else if n, e := strconv.Atoi(t.loop); e != nil || n < 1 {
		check(fmt.Errorf("--loop %q is not a count from 1, or inf", t.loop))
	} else {
		o.loop = n
	}
	if t.start != "" {
		at, frame, e := clock.ParsePosition(t.start)
		if e != nil {
			check(fmt.Errorf("--start %w", e))
		}
		o.start, o.startFrame = at, max(0, frame)
	}
	if t.geometry != "" {
		var e error
		o.geometry, e = render.ParseGeometry(t.geometry)
		check(e)
	}
	if t.push.copying != "" {
		check(checkSending(o, t))
	}
	if o.noAudio && o.noVideo {
		check(errors.New("--no-audio and --no-video leave nothing"))
	}
	return err
}

// enoughToPlay checks what is given to play or probe.
func enoughToPlay(o *options) error {
	if len(o.sources) == 0 && (!o.idle || o.vo != "window") {
		return errors.New("nothing to play: give a file or a URL")
	}
	return nil
}

// oneOf looks a flag's value up among those it may have.
func oneOf[T any](check func(error), flag, value string, values map[string]T) T {
	v, ok := values[value]
	if !ok {
		var names []string
		for n := range values {
			if n != "" {
				names = append(names, n)
			}
		}
		slices.Sort(names)
		check(fmt.Errorf("%s %q is not one of %s", flag, value, strings.Join(names, ", ")))
	}
	return v
}

func between(check func(error), flag string, v, low, high float64) {
	if !(v >= low && v <= high) {
		check(fmt.Errorf("%s %g is outside %g to %g", flag, v, low, high))
	}
}
