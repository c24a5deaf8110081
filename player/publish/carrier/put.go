package carrier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"planar/demux"
	"planar/player/publish"
	"planar/player/publish/wire"
)

const (
	// expectation is how long a server may take to say that it wants the body (100
	// Continue, RFC 9110, 10.1.1); those that do not know it never do.
	expectation = time.Second
	// body is how much of the body is sent by one system call.
	body = 64 << 10
	// longestStatus bounds what a server says in an error.
	longestStatus = 300
)

var errEarly = errors.New("the server answers before it has the body")

// put is a container on its way to a server as the body of a PUT request.
type put struct {
	peer   wire.Peer
	cancel context.CancelFunc
	pipe   *io.PipeWriter
	auth   bool   // a user and password are sent
	unit   []byte // what the muxer has written of a unit; it grows to the largest one
	conn   atomic.Pointer[wire.Conn]

	ready  chan struct{} // closed when the server wants the body
	closed chan struct{} // closed when no more is sent
	done   chan struct{} // closed when the request has ended
	result error         // before done is closed: why
}

func newPut(peer wire.Peer, address string, o Options) (func(context.Context) (carrier, error), error) {
	without, user, password, auth := demux.SplitUser(address)
	u, err := url.Parse(without)
	if err != nil || u.Host == "" {
		return nil, errors.New("no address of a server and a file on it")
	}
	return func(ctx context.Context) (carrier, error) {
		alive, cancel := context.WithCancel(context.Background())
		read, write := io.Pipe()
		c := &put{
			peer: peer, cancel: cancel, pipe: write, auth: auth,
			ready: make(chan struct{}), closed: make(chan struct{}), done: make(chan struct{}),
		}
		req, err := http.NewRequestWithContext(alive, http.MethodPut, u.String(), &first{ReadCloser: read, ready: c.ready})
		if err != nil {
			cancel()
			return nil, err
		}
		if auth {
			req.SetBasicAuth(user, password)
		}
		req.Close = true // or the library sends the body after a final answer too
		req.Header.Set("Content-Type", "application/octet-stream")
		req.Header.Set("Expect", "100-continue")
		req.Header.Set("User-Agent", "planar")
		client := &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: o.TLS, WriteBufferSize: body, DisableKeepAlives: true,
			ExpectContinueTimeout: min(expectation, o.Timeout/2),
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				tcp, err := new(net.Dialer).DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				wire.Tune(tcp)
				counted := &wire.Conn{Conn: tcp}
				c.conn.Store(counted)
				return counted, nil
			},
		}
		go c.run(client, req)

		wait, stop := context.WithTimeout(ctx, o.Timeout)
		defer stop()
		select {
		case <-c.ready:
			select {
			case <-c.done: // it says more
			default:
				return c, nil
			}
		case <-c.done:
		case <-wait.Done():
			_ = c.close()
			return nil, wait.Err()
		}
		_ = c.close()
		return nil, c.explain(c.result)
	}, nil
}

// run makes the request.
func (c *put) run(client *http.Transport, req *http.Request) {
	defer close(c.done)
	defer c.cancel()
	defer client.CloseIdleConnections()
	resp, err := client.RoundTrip(req)
	if err == nil {
		if err = c.judge(resp); err == nil {
			select { // it may have answered early: it gets what there is all the same
			case <-c.closed:
			case <-req.Context().Done():
			}
		}
		resp.Body.Close()
	}
	c.result = err
	if err == nil {
		err = errClosed
	}
	_ = c.pipe.CloseWithError(err) // whoever writes shall not wait any more
}

// judge says what an answer means.
func (c *put) judge(resp *http.Response) error {
	status := fmt.Sprintf("the server answers %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	switch code := resp.StatusCode; {
	case code < 300:
		select {
		case <-c.ready:
			return nil
		default:
			return errEarly
		}
	case code < 400:
		// Not followed: the user and password are not for somebody else.
		if to, err := resp.Location(); err == nil {
			status += ": moved to " + to.Scheme + "://" + to.Host + to.Path
		}
		return c.peer.Refuse(status[:min(len(status), longestStatus)], nil)
	case code == http.StatusUnauthorized && !c.auth:
		return c.peer.Refuse(status+": it wants a user and password: put USER:PASSWORD@ before the host", nil)
	case code == http.StatusUnauthorized:
		return c.peer.Refuse(status+": wrong user or password", nil)
	case code == http.StatusForbidden:
		return c.peer.Refuse(status+": it does not allow this file to be written", nil)
	case code == http.StatusMethodNotAllowed, code == http.StatusNotImplemented:
		return c.peer.Refuse(status+": it takes no PUT requests", nil)
	default:
		return c.peer.Fail(status, nil)
	}
}

// explain says what ended the request. nil is an answer that says yes too early.
func (c *put) explain(err error) error {
	switch {
	case err == nil, errors.Is(err, errEarly), errors.Is(err, io.ErrClosedPipe):
		return c.peer.Fail(c.peer.Host+" ended the request early", err)
	case errors.Is(err, net.ErrClosed): // by the library, when it found it closed
		return c.peer.Fail(c.peer.Host+" closed the connection", err)
	}
	return c.peer.Explain(err, 0)
}

// first is a body that tells when it is read for the first time.
type first struct {
	io.ReadCloser
	once  sync.Once
	ready chan struct{}
}

func (f *first) Read(p []byte) (int, error) {
	f.once.Do(func() { close(f.ready) })
	return f.ReadCloser.Read(p)
}

// Write implements io.Writer.
func (c *put) Write(p []byte) (int, error) {
	c.unit = append(c.unit, p...)
	return len(p), nil
}

func (c *put) end(*publish.Unit) error {
	if len(c.unit) == 0 {
		return nil
	}
	_, err := c.pipe.Write(c.unit)
	c.unit = c.unit[:0]
	if err == nil {
		return nil
	}
	c.stop()
	<-c.done // the answer, if there is one, says more
	return c.explain(cmp.Or(c.result, err))
}

func (c *put) finish() error {
	err := c.end(nil)
	c.stop()
	if err != nil {
		return err
	}
	<-c.done
	if c.result != nil {
		return c.explain(c.result)
	}
	return nil
}

// stop ends the body. Only the goroutine that writes calls it.
func (c *put) stop() {
	_ = c.pipe.Close()
	select {
	case <-c.closed:
	default:
		close(c.closed)
	}
}

func (c *put) close() error {
	c.cancel()
	_ = c.pipe.CloseWithError(context.Canceled)
	<-c.done
	return nil
}

func (c *put) rtt() time.Duration {
	if conn := c.conn.Load(); conn != nil {
		return conn.RTT()
	}
	return 0
}

func (c *put) sent() int64 {
	if conn := c.conn.Load(); conn != nil {
		return conn.Sent()
	}
	return 0
}
