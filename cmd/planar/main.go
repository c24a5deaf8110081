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

func run(args []string) int {
	command, help, try := play, helpText, "planar --help"
	opts, t, asJSON := &options{}, &rawFlags{}, false
	flags := flagSet(opts, t)
	if len(args) > 0 && args[0] == "probe" {
		args = args[1:]
		flags, help, try = probeFlags(opts, t, &asJSON), probeHelp, "planar probe --help"
		command = func(ctx context.Context, o *options) int { return probe(ctx, o, asJSON) }
	} else {
		applySettings(flags, opts)
	}
	err := parseArgs(flags, opts, t, args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Print(help())
		return exitPlayed
	case err != nil:
		fmt.Fprintf(os.Stderr, "planar: %v\nTry '%s'.\n", err, try)
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
	return command(ctx, opts)
}
