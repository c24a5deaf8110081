package rtsp

import (
	"flag"
	"fmt"
	"io"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// recorderVariable makes the test program a server that takes all and keeps nothing,
// for benchmarks that measure this side alone.
const recorderVariable = "RTSP_TEST_RECORDER"

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "6") // they wait more than they work
	flag.Parse()
	if os.Getenv(recorderVariable) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	server := &recorder{count: true}
	if err := server.begin(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(server.url())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent ends
	server.server.Close()
}
