package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"planar/player/publish"
	"planar/player/publish/rtsp"
)

// serve is the command of that name: an RTSP server, into which each source is sent
// as push sends it to others.
func serve(ctx context.Context, o *options) int {
	term, log := openLog(o)
	server, err := listen(o, log)
	if err != nil {
		log.Error(err.Error())
		return exitCannotOpen
	}
	defer server.Close()

	open := newOpener(o, log)
	served := &serving{server: server}
	var failed []error
	taken := map[string]bool{}
	for _, name := range o.sources {
		to := []publish.Destination{{Target: server.Path(pathName(name, taken))}}
		p, err := openPublisher(ctx, open, name, to, log)
		if ctx.Err() != nil {
			return exitInterrupted
		}
		if err != nil {
			log.Error(err.Error())
			failed = append(failed, err)
			continue
		}
		served.sources = append(served.sources, newPushing(p))
	}
	if len(served.sources) == 0 && !o.push.acceptPush {
		return exitCannotOpen
	}
	bases, addresses := server.URLs(), io.Writer(os.Stdout)
	if o.stats == "-" {
		addresses = os.Stderr // whoever reads the one does not expect the other
	}
	for _, s := range served.sources {
		path := strings.TrimPrefix(s.p.Stats().Targets[0].Address, bases[0])
		for _, base := range bases {
			fmt.Fprintln(addresses, base+path)
		}
	}
	if o.push.acceptPush {
		fmt.Fprintln(addresses, "push to "+strings.Join(bases, "/NAME or ")+"/NAME")
	}
	rep, err := newReporter(o.stats, served, term)
	if err != nil {
		log.Error(err.Error())
		return exitCannotOpen
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	for _, s := range served.sources {
		wg.Go(func() {
			outcomes, err := s.p.Run(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && !errors.As(err, new(*publish.Lost)) {
				log.Error(err.Error())
			}
			if err == nil {
				err = outcomes[0].Err
			}
			if err != nil { // by now it has been told
				failed = append(failed, err)
			}
		})
	}
	wg.Wait()
	if o.push.acceptPush {
		<-ctx.Done()
	}
	if err := rep.close(); err != nil {
		log.Error(err.Error())
		return exitCannotOpen
	}
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case len(failed) == 0:
		return exitPlayed
	case len(failed) == len(o.sources):
		return exitCannotOpen
	}
	return exitSomeFailed
}

// listen starts the server.
func listen(o *options, log *slog.Logger) (*rtsp.Server, error) {
	opts := rtsp.ServerOptions{
		Listen: o.push.listen, User: o.push.user, Password: o.push.password,
		AcceptPush: o.push.acceptPush, Multicast: o.push.multicast, Log: log,
	}
	if o.push.certificate != "" {
		c, err := tls.LoadX509KeyPair(o.push.certificate, o.push.key)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
		opts.TLS = &tls.Config{Certificates: []tls.Certificate{c}}
	}
	return rtsp.NewServer(opts)
}

// serving tells of a server and what is sent into it.
type serving struct {
	server  *rtsp.Server
	sources []*pushing
}

// servedLine is one line of --stats of serve. Counters are since the start, or since
// the path was begun.
type servedLine struct {
	Elapsed     float64      `json:"elapsed_s"`
	Final       bool         `json:"final"`
	Connections int          `json:"connections"`
	Paths       []servedPath `json:"paths"`
	Sources     []pushLine   `json:"sources"`
	CPU         float64      `json:"cpu"`
	RSS         float64      `json:"rss_mb"`
}

type servedPath struct {
	Name    string `json:"name"`
	Pushed  bool   `json:"pushed"` // by somebody else
	Viewers int    `json:"viewers"`
	Slow    int    `json:"slow_viewers"`
	Bytes   int64  `json:"bytes"`
	Dropped int64  `json:"dropped"`
}

func (s *serving) line(proc process) any {
	st := s.server.Stats()
	l := servedLine{
		Elapsed: round(proc.elapsed.Seconds()), Final: proc.final, Connections: st.Connections,
		Paths: []servedPath{}, Sources: []pushLine{}, CPU: proc.cpu, RSS: round(residentMB()),
	}
	for _, p := range st.Paths {
		l.Paths = append(l.Paths, servedPath{p.Name, p.Pushed, p.Viewers, p.Slow, p.Sent, p.Dropped})
	}
	for _, p := range s.sources {
		l.Sources = append(l.Sources, p.line(proc).(pushLine))
	}
	return l
}

func (s *serving) status() string {
	st := s.server.Stats()
	var viewers, slow int
	var dropped int64
	for _, p := range st.Paths {
		viewers += p.Viewers
		slow += p.Slow
		dropped += p.Dropped
	}
	text := fmt.Sprintf("%d viewers of %d streams", viewers, len(st.Paths))
	if slow > 0 {
		text += fmt.Sprintf("  %d slow, dropped %d", slow, dropped)
	}
	if len(s.sources) == 1 {
		text += "  " + s.sources[0].status()
	}
	return text
}
