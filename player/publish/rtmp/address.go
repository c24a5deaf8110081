package rtmp

import (
	"errors"
	"net"
	"strings"

	"planar/demux"
)

// address is an rtmp:// or rtmps:// URL taken apart. app and stream are as they are
// written in it, with their queries and percent signs: servers compare them so.
type address struct {
	tls            bool
	dial           string // host:port
	host           string // for the certificate
	app            string // "live"
	stream         string // "name?token=x"
	url            string // tcUrl: scheme, host and app
	user, password string
}

// split takes a URL apart: the application is the first part of its path, or the
// first two if there are three or more (an application and its instance), and the
// rest is the stream. A slash in the stream's query does not count.
func split(rawURL string) (a address, err error) {
	without, user, password, _ := demux.SplitUser(rawURL)
	a.user, a.password = user, password
	scheme, rest, ok := strings.Cut(without, "://")
	scheme = strings.ToLower(scheme)
	a.tls = scheme == "rtmps"
	if !ok || !a.tls && scheme != "rtmp" {
		return a, errors.New("no rtmp:// or rtmps:// address")
	}
	host, path, _ := strings.Cut(rest, "/")
	port := "1935"
	if a.tls {
		port = "443"
	}
	a.host = strings.Trim(host, "[]")
	if h, p, err := net.SplitHostPort(host); err == nil {
		a.host, port = h, p
	}
	if a.host == "" || port == "" || strings.ContainsAny(host, "?#") {
		return a, errors.New("it names no host and port")
	}
	a.dial = net.JoinHostPort(a.host, port)

	parts := strings.SplitN(path, "/", 4)
	n := 1 // how many parts are the application
	query := strings.IndexByte(path, '?')
	if len(parts) > 2 && parts[1] != "" && (query < 0 || query > len(parts[0])+1+len(parts[1])) {
		n = 2
	}
	a.app = strings.Join(parts[:min(n, len(parts))], "/")
	a.stream = strings.TrimLeft(path[len(a.app):], "/")
	if a.app == "" || a.stream == "" {
		return a, errors.New("it names no stream: " + scheme + "://HOST/APPLICATION/STREAM")
	}
	a.url = scheme + "://" + host + "/" + a.app
	return a, nil
}
