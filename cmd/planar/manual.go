package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"planar/internal/settings"
)

// The manual page and the shells' completions are written from the flags, so that
// they tell what there is. What is in packaging/ is what this makes:
//
//	go test ./cmd/planar -run Manual -update

// manualDate is the date on the manual page, that of its last change of substance.
const manualDate = "2026-11-25"

// argument says what a flag takes.
type argument struct {
	name   string   // as the manual calls it
	values []string // to be offered
	closed bool     // there are no others
	files  bool
}

// arguments describes what each flag takes that is not just there or not.
var arguments = map[string]argument{
	"size":               {name: "WxH", values: []string{"qcif", "cif", "4cif", "vga", "480p", "576p", "720p", "1080p", "1440p", "2k", "uhd", "4k", "8k"}},
	"pixel-format":       {name: "format", values: []string{"i420", "yv12", "nv12", "nv21", "i422", "i444", "yuy2", "uyvy", "yuv420p10le", "yuv422p10le", "yuv444p10le", "p010", "v210", "y210", "y410", "ayuv", "rgb24", "bgr24", "rgba", "bgra", "gbrp", "gray", "gray10le", "gray16le"}},
	"fps":                {name: "rate", values: []string{"24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60"}},
	"stride":             {name: "bytes"},
	"header-bytes":       {name: "bytes"},
	"frame-header-bytes": {name: "bytes"},
	"matrix":             {name: "matrix", values: []string{"bt601", "bt709", "bt2020"}, closed: true},
	"range":              {name: "range", values: []string{"limited", "full"}, closed: true},
	"siting":             {name: "siting", values: []string{"left", "centre", "topleft"}, closed: true},
	"sample-format":      {name: "format", values: []string{"u8", "s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "f32be", "f64le", "alaw", "mulaw", "s16le_planar"}},
	"sample-rate":        {name: "Hz", values: []string{"8000", "16000", "22050", "32000", "44100", "48000", "96000", "192000"}},
	"channels":           {name: "count", values: []string{"1", "2", "6", "8", "mono", "stereo", "quad", "5.1", "7.1"}},
	"audio":              {name: "file", files: true},
	"audio-delay":        {name: "ms"},
	"audio-track":        {name: "track", values: []string{"none"}},
	"video-track":        {name: "number"},
	"channel-map":        {name: "list", values: []string{"1,1", "2,2", "2,1"}},
	"as":                 {name: "kind", values: []string{"raw-video", "raw-audio", "y4m", "media"}, closed: true},
	"start":              {name: "position"},
	"frames":             {name: "count"},
	"loop":               {name: "count", values: []string{"inf"}},
	"speed":              {name: "factor", values: []string{"0.25", "0.5", "1", "2", "4"}},
	"volume":             {name: "percent"},
	"geometry":           {name: "WxH+X+Y"},
	"osc":                {name: "when", values: []string{"auto", "always", "never"}, closed: true},
	"scale":              {name: "filter", values: []string{"nearest", "bilinear", "bicubic"}, closed: true},
	"renderer":           {name: "renderer", values: []string{"auto", "software", "opengl"}, closed: true},
	"rtsp-transport":     {name: "transport", values: []string{"auto", "udp", "tcp", "multicast", "http"}, closed: true},
	"latency":            {name: "ms", values: []string{"auto"}},
	"tls-ca":             {name: "file", files: true},
	"open-timeout":       {name: "seconds"},
	"vo":                 {name: "output", values: []string{"window", "null", "hash"}, closed: true},
	"ao":                 {name: "output", values: []string{"device", "null", "wav:"}, closed: true},
	"screenshot":         {name: "file", files: true},
	"stats":              {name: "file", files: true},
	"log-level":          {name: "level", values: []string{"debug", "info", "warn", "error"}, closed: true},

	"copy":           {name: "when", values: []string{"auto", "yes", "no"}, closed: true},
	"video-codec":    {name: "codec", values: []string{"h264", "h265"}, closed: true},
	"audio-codec":    {name: "codec", values: []string{"aac", "opus"}, closed: true},
	"bitrate":        {name: "bits", values: []string{"500k", "1M", "2M", "4M", "8M"}},
	"audio-bitrate":  {name: "bits", values: []string{"64k", "128k", "256k"}},
	"gop":            {name: "length", values: []string{"500ms", "1s", "2s", "25", "50"}},
	"preset":         {name: "preset", values: []string{"ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"}, closed: true},
	"output-size":    {name: "WxH", values: []string{"qcif", "cif", "4cif", "vga", "480p", "576p", "720p", "1080p", "1440p", "2k", "uhd", "4k", "8k"}},
	"output-fps":     {name: "rate", values: []string{"24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60"}},
	"audio-channels": {name: "count", values: []string{"1", "2", "6", "8", "mono", "stereo", "quad", "5.1", "7.1"}},
	"push channels":  {name: "count"}, // not what playing calls so
	"stagger":        {name: "ms"},
	"retries":        {name: "count", values: []string{"-1"}},
	"listen":         {name: "address", values: []string{"127.0.0.1:8554"}},
	"user":           {name: "user:password"},
	"tls-cert":       {name: "file", files: true},
	"tls-key":        {name: "file", files: true},
}

// argumentOf is what a flag of a command takes.
func argumentOf(command string, f *pflag.Flag) argument {
	if a, ok := arguments[command+" "+f.Name]; ok {
		return a
	}
	return arguments[f.Name]
}

// flagGroups are the manual's headings, each before the flag that is named.
var flagGroups = map[string]string{
	"size": "Raw video", "sample-format": "Raw sound", "audio": "Sources", "start": "Playback",
	"geometry": "Window", "rtsp-transport": "Live streams", "vo": "Output",
}

// manualKeys are the keys of the player.
var manualKeys = [][2]string{
	{"Space", "pause"},
	{". ,", "one frame forward, back"},
	{"Left Right", "5 s back, forward"},
	{"Down Up", "60 s back, forward"},
	{"Home End", "first, last frame"},
	{"g", "go to a frame number, or a time such as 1:02.5; Enter"},
	{"[ ]", "slower, faster"},
	{"Backspace", "normal speed"},
	{"l", "loop from here, to here, no more"},
	{"L", "loop all"},
	{"< >", "previous, next source"},
	{"9 0, wheel", "volume"},
	{"m", "mute"},
	{"a", "next sound track"},
	{"f, double click", "full screen"},
	{"Esc", "close what is open; leave full screen"},
	{"+ - =", "enlarge, reduce, show all of the picture"},
	{"1 2 3 4", "one component alone: Y or R, U or G, V or B; all of them"},
	{"s", "snapshot: a PNG file of the picture at its own size"},
	{"i", "statistics"},
	{"I", "pixel inspector"},
	{"n", "numbers of a live stream"},
	{"p", "playlist"},
	{"r", "what a raw video is taken for"},
	{"w", "sound: meters and waveform"},
	{"o, Ctrl+o", "open files"},
	{"u, Ctrl+l", "open a URL"},
	{"? F1", "all the keys"},
	{"right button", "menu"},
	{"q", "quit"},
}

// manualExamples are command lines, each with what it does.
var manualExamples = [][2]string{
	{"planar clip_352x288_30fps.yuv", "Raw I420; size and rate are in the name."},
	{"planar -s 1920x1080 -r 60 -f p010 crowd.yuv", "Raw video whose name tells nothing. What is said of a file is remembered."},
	{"planar --idle", "A window, to open or drop files in."},
	{"planar probe dump.raw", "What may this be, and why?"},
	{"planar --sample-format f32le --sample-rate 48000 --channels 1 take.raw", "Raw sound. What is not said is guessed."},
	{"planar clip_cif.yuv --audio take.pcm", "A pair, in sync."},
	{"planar --start 1:02 --loop inf movie.mp4", "Whatever FFmpeg reads."},
	{"planar --latency 200 --rtsp-transport tcp rtsp://camera/stream", "A live stream over TCP, 200 ms behind the fastest packet."},
	{"planar push clip.mp4 rtmp://server/live/a rtsp://user:secret@camera/b", "Sends a file to two servers in real time, as it is."},
	{"planar push --loop inf --channels 64 --stagger 50 clip.mp4 rtsp://server/load%d", "64 publishers from one reading of a file."},
	{"planar push test 'srt://receiver:9000?passphrase=...' udp://239.0.0.1:5000", "A test pattern with a clock, encoded once."},
	{"planar serve --user @secret.txt clip.mp4 /dev/video0", "An RTSP server for a file, again and again, and a camera."},
	{"planar --vo hash clip.mkv", "Number, time and MD5 of each frame."},
	{"ffmpeg -i x.mp4 -f rawvideo - | planar -s 720p -", "Standard input."},
}

// takesValue reports whether a flag has to be followed by something.
func takesValue(f *pflag.Flag) bool { return f.NoOptDefVal == "" }

// listFlags lists the flags of a command, "" is playing, in their order.
func listFlags(name string) (list []*pflag.Flag) {
	for _, c := range commands() {
		if c.name != name {
			continue
		}
		c.flags(&options{}, &rawFlags{}).VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				list = append(list, f)
			}
		})
	}
	return list
}

// sameFlag reports whether a list has a flag with its meaning.
func sameFlag(list []*pflag.Flag, f *pflag.Flag) bool {
	return slices.ContainsFunc(list, func(o *pflag.Flag) bool { return o.Name == f.Name && o.Usage == f.Usage && o.DefValue == f.DefValue })
}

// ownFlags are the flags of a command that playing does not have, or not so.
func ownFlags(name string) []*pflag.Flag {
	play := listFlags("")
	return slices.DeleteFunc(listFlags(name), func(f *pflag.Flag) bool { return sameFlag(play, f) })
}

// named are the commands that are called by a word.
func named() []command { return commands()[1:] }

// commandWords are these words, separated by blanks.
func commandWords() string {
	var words []string
	for _, c := range named() {
		words = append(words, c.name)
	}
	return strings.Join(words, " ")
}

// manualPage is planar(1), in the man macros of roff.
func manualPage() string {
	var b strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	text := func(s string) { line("%s", fill(roff(s))) }
	item := func(head, s string) {
		line(".TP\n%s", head)
		text(s)
	}
	flagItem := func(command string, f *pflag.Flag) {
		head := `\fB` + roff("--"+f.Name) + `\fR`
		if f.Shorthand != "" {
			head = `\fB` + roff("-"+f.Shorthand) + `\fR, ` + head
		}
		if takesValue(f) {
			head += ` \fI` + roff(argumentOf(command, f).name) + `\fR`
		}
		s := sentence(f.Usage)
		if !slices.Contains([]string{"", "0", "false", "[]"}, f.DefValue) && !strings.Contains(s, "default") {
			s += " Default: " + f.DefValue + "."
		}
		item(head, s)
	}

	line(`.\" Generated from the flags, see cmd/planar/manual.go.`)
	line(`.TH PLANAR 1 %s planar "User Commands"`, manualDate)
	line(".SH NAME\nplanar \\- play, send and serve raw and encoded video, sound and live streams")
	line(".SH SYNOPSIS")
	line(".B planar\n.RI [ flags ] \" source\" ...\n.br\n.B planar probe\n.RI [ flags ] \" source\" ...")
	line(".br\n.B planar push\n.RI [ flags ] \" source url\" ...\n.br\n.B planar serve\n.RI [ flags ] \" source\" ...")
	line(".SH DESCRIPTION")
	text("planar plays headerless video (I420 and other pixel formats) and PCM sound, whatever FFmpeg reads, and live RTSP, RTMP and other streams, in a window that keeps the picture's shape. " +
		"A source is a file, - for standard input, a pattern such as frame%04d.yuv, or a URL. Several are played one after another.")
	line(".PP")
	text("Size, pixel format, rate and colours of a headerless file come from flags, else from what was said of that file before, else from its name, its length and its content.")
	line(".PP\n.B planar probe")
	text("says what a source is: its streams, or, of a headerless video, what it may be, best first, with the reasons. It takes the flags that say what a source is, and --json for a JSON line a source.")
	line(".PP\n.B planar push")
	text("sends a source in real time to one or many addresses: rtsp, rtsps, rtmp, rtmps, rtp (MPEG-TS), udp, srt, http and https (PUT), or files. Beyond what can be played, a source may be test, a pattern with a clock, a flash and a beep. " +
		"Streams are passed on as they are where all targets take them, else encoded, once for all. A target that fails or is slow does not hold the others up.")
	line(".PP\n.B planar serve")
	text("is an RTSP server for sources, each at rtsp://HOST:PORT/NAME, where the name is the file's. It prints the addresses.")
	line(".SH OPTIONS")
	for _, f := range listFlags("") {
		if title, ok := flagGroups[f.Name]; ok {
			line(".SS %s", title)
		}
		flagItem("", f)
	}
	line(".SS Probe")
	for _, f := range ownFlags("probe") {
		flagItem("probe", f)
	}
	push, serve := ownFlags("push"), ownFlags("serve")
	line(".SS Push and serve")
	text("Both take the flags above that say what a source is, and those of the output, of certificates, and of reconnecting. Besides:")
	for _, f := range push {
		if sameFlag(serve, f) {
			flagItem("push", f)
		}
	}
	for _, c := range []struct {
		title, name string
		own, others []*pflag.Flag
	}{{"Push", "push", push, serve}, {"Serve", "serve", serve, push}} {
		line(".SS %s", c.title)
		for _, f := range c.own {
			if !sameFlag(c.others, f) {
				flagItem(c.name, f)
			}
		}
	}
	line(".SH KEYS")
	for _, k := range manualKeys {
		item(`\fB`+roff(k[0])+`\fR`, sentence(k[1]))
	}
	line(".PP\nFiles that are dropped on the window are played.")
	line(".SH EXIT STATUS")
	for code, text := range []string{
		exitPlayed:      "Everything was played, or the user quit.",
		exitUsage:       "The command line makes no sense.",
		exitCannotOpen:  "Nothing could be opened, or an output could not be written.",
		exitSomeFailed:  "Some of several sources failed.",
		exitInterrupted: "A signal ended the program.",
	} {
		item(fmt.Sprintf(`\fB%d\fR`, code), text)
	}
	line(".SH FILES")
	item(`\fI$XDG_CONFIG_HOME/planar/planar.toml\fR`, "Settings, in TOML, one a line; in ~/.config by default. Flags win over them. A line that makes no sense is told and passed over. There may be:")
	line(".RS")
	for _, k := range settings.Keys() {
		item(`\fB`+roff(k.Name)+`\fR`, k.Doc+". Default: "+k.Default+".")
	}
	line(".RE")
	item(`\fI$XDG_STATE_HOME/planar/state.json\fR`, "The window's size, the volume, the latest files and URLs (without passwords); in ~/.local/state by default. It may be removed.")
	item(`\fI$XDG_STATE_HOME/planar/raw\-video.json\fR`, "What was said of headerless files. --forget takes back what was said of one.")
	line(".SH EXAMPLES")
	for _, e := range manualExamples {
		item(`\fB`+roff(e[0])+`\fR`, e[1])
	}
	line(".SH SEE ALSO\n.BR ffmpeg (1),\n.BR ffplay (1),\n.BR mpv (1)")
	return b.String()
}

// roff escapes text: backslashes, quotes, hyphens that are minus signs to be
// copied, and what makes a line a request.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "~", `\(ti`, "^", `\(ha`, "'", `\(aq`, "`", `\(ga`, `"`, `\(dq`).Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}

// fill breaks a text that roff made into lines of at most 80 bytes.
func fill(s string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(s) {
		switch {
		case column == 0:
		case column+1+len(word) > 80 && word[0] != '.': // which would make it a request
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

// sentence makes one of a flag's text.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	// A value that is written small is not the beginning of a sentence.
	first, _, _ := strings.Cut(s, " ")
	if word := strings.Trim(first, ",:"); word == "auto" || word == "debug" {
		return "One of " + s + "."
	}
	if list, open := strings.CutSuffix(s, " ..."); open {
		s = list + " and others"
	}
	return string(unicode.ToUpper(r)) + s[n:] + "."
}

// dashed are the ways to write a flag: "-s", "--size".
func dashed(f *pflag.Flag) []string {
	if f.Shorthand != "" {
		return []string{"-" + f.Shorthand, "--" + f.Name}
	}
	return []string{"--" + f.Name}
}

const generatedBy = "generated from the flags, see cmd/planar/manual.go."

// bashCompletion needs nothing but bash, from 4 on.
func bashCompletion() string {
	var b strings.Builder
	words := func(name string) string {
		var all []string
		for _, f := range listFlags(name) {
			all = append(all, dashed(f)...)
		}
		return strings.Join(all, " ")
	}
	b.WriteString("# bash completion of planar; " + generatedBy + `
_planar() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} before= flag=
	((COMP_CWORD < 2)) || before=${COMP_WORDS[COMP_CWORD-2]}
	COMPREPLY=()
	# "--flag=value" and "wav:file" are three words each.
	case $prev$cur in
	*:*) return ;;
	esac
	if [[ $cur == = ]]; then
		flag=$prev cur=
	elif [[ $prev == = ]]; then
		flag=$before
	elif [[ $prev == -* ]]; then
		flag=$prev
	fi
	case ${COMP_WORDS[1]}$flag in
`)
	for _, c := range named() {
		for _, f := range listFlags(c.name) {
			if _, other := arguments[c.name+" "+f.Name]; other {
				fmt.Fprintf(&b, "\t%s)\n\t\tcompopt +o default\n\t\treturn\n\t\t;;\n", c.name+"--"+f.Name)
			}
		}
	}
	b.WriteString("\tesac\n\tcase $flag in\n")
	var files, free []string
	seen := map[string]bool{}
	for _, f := range allFlags() {
		a := arguments[f.Name]
		switch {
		case seen[f.Name] || !takesValue(f):
		case a.files:
			files = append(files, dashed(f)...)
		case len(a.values) == 0:
			free = append(free, dashed(f)...)
		default:
			fmt.Fprintf(&b, "\t%s)\n\t\tcompopt +o default\n", strings.Join(dashed(f), " | "))
			if slices.ContainsFunc(a.values, func(v string) bool { return strings.HasSuffix(v, ":") }) {
				b.WriteString("\t\tcompopt -o nospace\n")
			}
			fmt.Fprintf(&b, "\t\tCOMPREPLY=($(compgen -W '%s' -- \"$cur\"))\n\t\treturn\n\t\t;;\n", strings.Join(a.values, " "))
		}
		seen[f.Name] = true
	}
	fmt.Fprintf(&b, "\t%s) return ;;\n", strings.Join(files, " | "))
	fmt.Fprintf(&b, "\t%s)\n\t\tcompopt +o default\n\t\treturn\n\t\t;;\n\tesac\n", strings.Join(free, " | "))
	b.WriteString("\tif [[ $cur == -* ]]; then\n\t\tcase ${COMP_WORDS[1]} in\n")
	for _, c := range named() {
		fmt.Fprintf(&b, "\t\t%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")) ;;\n", c.name, words(c.name))
	}
	fmt.Fprintf(&b, "\t\t*) COMPREPLY=($(compgen -W '%s' -- \"$cur\")) ;;\n\t\tesac\n", words(""))
	fmt.Fprintf(&b, `	elif ((COMP_CWORD == 1)) && [[ -n $cur ]]; then
		# Commands and files; without a command readline finds the files.
		local found=$(compgen -W '%s' -- "$cur")
		[[ $found ]] || return
		compopt -o filenames
		local IFS=$'\n'
		COMPREPLY=($found $(compgen -f -- "$cur"))
	fi
}
complete -o default -F _planar planar
`, commandWords())
	return b.String()
}

// allFlags are those of all commands, playing first; names may come more than once.
func allFlags() (list []*pflag.Flag) {
	for _, c := range commands() {
		list = append(list, listFlags(c.name)...)
	}
	return list
}

func zshCompletion() string {
	var b strings.Builder
	spec := func(command string, f *pflag.Flag) string {
		a := argumentOf(command, f)
		action := " " // a hint, and nothing to choose from
		switch {
		case f.Name == "ao":
			action = "_planar_ao"
		case a.files:
			action = "_files"
		case len(a.values) > 0:
			action = "(" + strings.Join(a.values, " ") + ")"
		}
		text := "[" + strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(f.Usage) + "]"
		long, short := "--"+f.Name, "-"+f.Shorthand
		if takesValue(f) {
			long, short = long+"=", short+"+"
			text += ":" + a.name + ":" + action
		}
		text = "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
		if f.Shorthand == "" {
			return long + text
		}
		return "'(-" + f.Shorthand + " --" + f.Name + ")'{" + short + "," + long + "}" + text
	}
	b.WriteString("#compdef planar\n# zsh completion of planar; " + generatedBy + `

_planar_ao() {
	if compset -P 'wav:'; then
		_files
	else
		compadd device null
		compadd -S '' wav:
	fi
}

_planar_first() {
	if ((CURRENT == 2)); then
		_alternative 'commands:command:((`)
	for i, c := range named() {
		if i > 0 {
			b.WriteString(" ")
		}
		fmt.Fprintf(&b, `%s\:"%s"`, c.name, c.does)
	}
	b.WriteString(`))' 'files:source:_files'
	else
		_files
	fi
}

_planar() {
	local -a specs
	local word=
	((CURRENT > 2)) && word=$words[2]
	case $word in
`)
	for _, c := range named() {
		fmt.Fprintf(&b, "\t%s)\n\t\tshift words\n\t\t((CURRENT--))\n\t\tspecs=(\n", c.name)
		for _, f := range listFlags(c.name) {
			b.WriteString("\t\t\t" + spec(c.name, f) + "\n")
		}
		b.WriteString("\t\t)\n\t\t;;\n")
	}
	b.WriteString("\t*)\n\t\tspecs=(\n")
	for _, f := range listFlags("") {
		b.WriteString("\t\t\t" + spec("", f) + "\n")
	}
	b.WriteString(`			'1:source:_planar_first'
		)
		;;
	esac
	_arguments -s -S : $specs '*:source:_files'
}

_planar "$@"
`)
	return b.String()
}

func fishCompletion() string {
	var b strings.Builder
	b.WriteString("# fish completion of planar; " + generatedBy + `
function __planar_command
	set -l words (commandline -opc)
	contains -- "$words[2]" ` + commandWords() + `
	and echo $words[2]
	or echo play
end

`)
	for _, c := range named() {
		fmt.Fprintf(&b, "complete -c planar -n 'test (count (commandline -opc)) = 1' -a %s -d '%s'\n", c.name, c.does)
	}
	write := func(command string, f *pflag.Flag, condition string) {
		b.WriteString("complete -c planar" + condition)
		if f.Shorthand != "" {
			b.WriteString(" -s " + f.Shorthand)
		}
		b.WriteString(" -l " + f.Name)
		a := argumentOf(command, f)
		switch {
		case !takesValue(f):
		case a.files:
			b.WriteString(" -r -F")
		case len(a.values) > 0:
			b.WriteString(" -x -a '" + strings.Join(a.values, " ") + "'")
		default:
			b.WriteString(" -x")
		}
		b.WriteString(" -d '" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(f.Usage) + "'\n")
	}
	for _, c := range commands() {
		word := c.name
		if word == "" {
			word = "play"
		}
		for _, f := range listFlags(c.name) {
			write(c.name, f, " -n 'test (__planar_command) = "+word+"'")
		}
	}
	return b.String()
}

// generated are the files that are made here, by their path in the repository.
func generated() map[string]string {
	return map[string]string{
		"packaging/man/planar.1":            manualPage(),
		"packaging/completions/planar.bash": bashCompletion(),
		"packaging/completions/_planar":     zshCompletion(),
		"packaging/completions/planar.fish": fishCompletion(),
		"docs/planar.toml":                  settings.Default(),
	}
}
