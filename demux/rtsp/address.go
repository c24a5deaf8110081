package rtsp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"planar/demux"
)

// address is where a source is, and what may be said about it.
type address struct {
	url  *base.URL
	show string // on one line, without secrets
	host string
}

// parseAddress reads a URL whose user and password may hold any character.
func parseAddress(name string) (address, error) {
	to := address{show: demux.OneLine(demux.Redact(name)), host: demux.Host(name)}
	bare, user, password, ok := demux.SplitUser(name)
	if i := strings.Index(bare, "://"); i > 0 {
		bare = strings.ToLower(bare[:i]) + bare[i:]
	}
	u, err := base.ParseURL(bare)
	if err != nil {
		var parse *url.Error
		if errors.As(err, &parse) {
			err = parse.Err // without the URL, which may hold secrets
		}
		return to, to.fail(fmt.Sprintf("is no address that makes sense: %v", err), err)
	}
	if u.Host == "" {
		return to, to.fail("names no server: rtsp://HOST/PATH", nil)
	}
	if ok {
		u.User = url.UserPassword(user, password)
	}
	to.url = u
	return to, nil
}

// failure is one line: what failed and why, and what helps.
type failure struct {
	name, cause string
	err         error
}

func (f *failure) Error() string { return f.name + ": " + f.cause }
func (f *failure) Unwrap() error { return f.err }

func (to address) fail(cause string, err error) error {
	return &failure{to.show, demux.OneLine(cause), err}
}

// explain says what went wrong in connecting over a transport.
func (to address) explain(err error, transport string, timeout time.Duration) error {
	var status liberrors.ErrClientBadStatusCode
	var unknownHost *net.DNSError
	var badCert *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	cause := ""
	switch {
	case errors.Is(err, demux.ErrInterrupted), errors.Is(err, context.Canceled):
		return to.fail("interrupted", errors.Join(demux.ErrInterrupted, err))
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return to.fail(fmt.Sprintf("nothing came from %s within %s", to.host, seconds(timeout)), syscall.ETIMEDOUT)
	case errors.Is(err, ErrUnplayable):
		return to.fail(err.Error(), err)
	case errors.As(err, &status):
		cause = statusCause(status, to, transport)
	case errors.As(err, &unknownHost):
		cause = "unknown host " + to.host
	case errors.Is(err, syscall.ECONNREFUSED):
		cause = "connection refused: nothing listens on that port of " + to.host
	case errors.Is(err, syscall.EHOSTUNREACH):
		cause = "no route to " + to.host
	case errors.Is(err, syscall.ENETUNREACH):
		cause = "network is unreachable"
	case errors.Is(err, syscall.ECONNRESET), isEOF(err):
		cause = to.host + " closed the connection"
	case errors.As(err, &badCert):
		cause = certificateCause(badCert.Err, to)
	case errors.As(err, &header):
		cause = to.host + " does not speak TLS on that port: try rtsp://"
	case refusesUDP(err):
		cause = "the server sends over TCP only: try --rtsp-transport tcp"
	case errors.As(err, new(liberrors.ErrClientServerRequestedUDP)):
		cause = "the server does not send over TCP: try --rtsp-transport udp"
	case errors.As(err, new(liberrors.ErrClientTransportHeaderInvalidDelivery)), errors.As(err, new(liberrors.ErrClientTransportHeaderNoPorts)):
		cause = "the server does not send by " + transport
	default:
		cause = err.Error()
	}
	return to.fail(cause, err)
}

// overWhat names a transport in a message.
func overWhat(transport string) string {
	if transport == "auto" {
		return "UDP or TCP"
	}
	return transport
}

func statusCause(s liberrors.ErrClientBadStatusCode, to address, transport string) string {
	switch s.Code {
	case base.StatusUnauthorized:
		if to.url.User == nil {
			return "401 unauthorised: it wants a user or password: rtsp://USER:PASSWORD@" + to.host
		}
		return "401 unauthorised: wrong user or password"
	case base.StatusForbidden:
		return "403 forbidden: wrong user or password, or not for this address"
	case base.StatusNotFound:
		return "404 not found: nothing is published under that path"
	case base.StatusUnsupportedTransport:
		return fmt.Sprintf("461: the server does not send by %s: try another --rtsp-transport", overWhat(transport))
	}
	return fmt.Sprintf("the server says %d %s", s.Code, s.Message)
}

func certificateCause(err error, to address) string {
	if errors.As(err, new(x509.UnknownAuthorityError)) {
		return "its certificate is signed by nobody known here: give --tls-ca FILE, or --tls-insecure"
	}
	return fmt.Sprintf("its certificate is not valid for %s: %v", to.host, err)
}

// refusesUDP reports whether a server wants packets to go over TCP instead.
func refusesUDP(err error) bool {
	var status liberrors.ErrClientBadStatusCode
	if errors.As(err, &status) {
		return status.Code == base.StatusUnsupportedTransport
	}
	return errors.As(err, new(liberrors.ErrClientServerRequestedTCP)) ||
		errors.As(err, new(liberrors.ErrClientTransportHeaderInvalidDelivery)) ||
		errors.As(err, new(liberrors.ErrClientServerPortsNotProvided))
}

func seconds(d time.Duration) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
