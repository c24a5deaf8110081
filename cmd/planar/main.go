// Command planar plays raw and encoded video and sound, files and live streams,
// for people who make them. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
)

// Exit codes, fixed for scripts.
const (
	exitPlayed      = 0 // everything was played, or the user quit
	exitUsage       = 1 // the command line makes no sense
	exitCannotOpen  = 2 // nothing could be opened, or an output could not be written
	exitSomeFailed  = 3 // some of several sources failed
	exitInterrupted = 4 // a signal ended the program
)

// version is set by the linker.
var version = "unknown"

func init() {
	// SDL's video belongs to the thread that the program began on.
	runtime.LockOSThread()
}

func main() { os.Exit(run(os.Args[1:])) }

// errSignal is the cause of a context that a signal ended.
var errSignal = errors.New("interrupted by a signal")

// command is what the first word of the command line asks for; the one without a
// name plays.
type command struct {
	name, does string
	flags      func(*options, *rawFlags) *pflag.FlagSet
	help       func() string
	// enough says what is missing among the arguments.
	enough func(*options) error
	run    func(context.Context, *options) int
}

func commands() []command {
	return []command{
		{"", "play", flagSet, helpText, enoughToPlay, play},
		{"probe", "say what a source is", probeFlags, probeHelp, enoughToPlay, probe},
		{"push", "send a source to one or many addresses", pushFlagSet, pushHelp, enoughToPush, push},
		{"serve", "be an RTSP server for sources", serveFlagSet, serveHelp, enoughToServe, serve},
	}
}

// commandOf finds the command, and its arguments.
func commandOf(args []string) (command, []string) {
	all := commands()
	for _, c := range all[1:] {
		if len(args) > 0 && c.name == args[0] {
			return c, args[1:]
		}
	}
	return all[0], args
}

func run(args []string) int {
	cmd, args := commandOf(args)
	opts, t := &options{}, &rawFlags{}
	flags := cmd.flags(opts, t)
	if cmd.name == "" { // settings are about playing
		applySettings(flags, opts)
	}
	err := parseArgs(flags, opts, t, args)
	if err == nil && !opts.version {
		err = cmd.enough(opts)
	}
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Print(cmd.help())
		return exitPlayed
	case err != nil:
		fmt.Fprintf(os.Stderr, "planar: %v\nTry '%s --help'.\n", err, strings.TrimSpace("planar "+cmd.name))
		return exitUsage
	case opts.version:
		printVersion()
		return exitPlayed
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		cancel(errSignal)
		<-signals // a second one does not wait for an orderly end
		os.Exit(exitInterrupted)
	}()
	return cmd.run(ctx, opts)
}
