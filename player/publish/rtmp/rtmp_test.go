package rtmp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/amf0"
	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"planar/demux"
	"planar/player/publish"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct{ url, dial, app, stream, tc string }{
		{"rtmp://host/live/name?token=x", "host:1935", "live", "name?token=x", "rtmp://host/live"},
		{"rtmp://host:19350/live/name", "host:19350", "live", "name", "rtmp://host:19350/live"},
		{"rtmps://host/live/name", "host:443", "live", "name", "rtmps://host/live"},
		{"RTMP://host/live/name", "host:1935", "live", "name", "rtmp://host/live"},
		{"rtmp://user:p%40ss@host/live/name", "host:1935", "live", "name", "rtmp://host/live"},
		{"rtmp://host/app/instance/name", "host:1935", "app/instance", "name", "rtmp://host/app/instance"},
		{"rtmp://host/app/instance/a/b", "host:1935", "app/instance", "a/b", "rtmp://host/app/instance"},
		{"rtmp://host/live/name?back=a/b/c", "host:1935", "live", "name?back=a/b/c", "rtmp://host/live"},
		{"rtmp://host/live?vhost=v/name", "host:1935", "live?vhost=v", "name", "rtmp://host/live?vhost=v"},
		{"rtmp://host/live//name", "host:1935", "live", "name", "rtmp://host/live"},
		{"rtmp://host/live/a%20b", "host:1935", "live", "a%20b", "rtmp://host/live"},
		{"rtmp://[::1]/live/name", "[::1]:1935", "live", "name", "rtmp://[::1]/live"},
		{"rtmp://[::1]:9/live/name", "[::1]:9", "live", "name", "rtmp://[::1]:9/live"},
		{"rtmp://host/live", "", "", "", ""},
		{"rtmp://host/live/", "", "", "", ""},
		{"rtmp:///live/name", "", "", "", ""},
		{"rtmp://", "", "", "", ""},
		{"http://host/live/name", "", "", "", ""},
	} {
		a, err := split(c.url)
		if (err != nil) != (c.app == "") {
			t.Errorf("%s: error %v", c.url, err)
		}
		if c.app != "" && (a.dial != c.dial || a.app != c.app || a.stream != c.stream || a.url != c.tc) {
			t.Errorf("%s: %+v, want %+v", c.url, a, c)
		}
	}
}

// Passwords, tokens, and names that are keys, are not shown.
func TestString(t *testing.T) {
	for url, want := range map[string]string{
		"rtmp://user:pass@host/live/cam?token=x":      "rtmp://user:***@host/live/cam?token=***",
		"rtmp://host/live2/abcd-1fgh-ijk2-mnop-q3st":  "rtmp://host/live2/abcd***",
		"rtmps://host:443/rtmp/FB-1234567890-0-AbC?s": "rtmps://host:443/rtmp/FB-1***?s",
		"rtmp://host/live/camera-of-the-entrance":     "rtmp://host/live/camera-of-the-entrance",
	} {
		if got := target(t, url, Options{}).String(); got != want {
			t.Errorf("%s is shown as %s, want %s", url, got, want)
		}
	}
}

// What a server is told, and that each unit comes as it was, at its time to the
// millisecond, also after 5 hours, where timestamps need more than 24 bits.
func TestUnits(t *testing.T) {
	const after = 5 * time.Hour
	type got struct {
		url      string
		messages []message.Message
	}
	results := make(chan got, 1)
	srv := newServer(t, func(_ int, c net.Conn) {
		s := accept(t, c)
		if s != nil {
			results <- got{s.URL.String(), collect(s)}
		}
	})
	frame := time.Second * 1001 / 30000
	var units []*publish.Unit
	for i, shown := range []int{1, 4, 2, 3, 7, 5, 6, 8, 9} { // decoding order of I P B B P B B P P
		dts := after + time.Duration(i)*frame
		u := picture(i == 0, 3000+i, after+time.Duration(shown)*frame, dts)
		if i == 0 {
			u = picture(true, 200_000, u.PTS, u.DTS) // several chunks
		}
		units = append(units, u, &publish.Unit{Stream: 1, PTS: dts, DTS: dts, Key: true, Data: bytes.Repeat([]byte{byte(i)}, 300)})
	}
	to := target(t, "rtmp://"+srv.address+"/live/name?token=x", Options{})
	if s := to.String(); strings.Contains(s, "token=x") {
		t.Errorf("the target is shown as %q: with its token", s)
	}
	c := connect(t, to, videoStream(), soundStream())
	write(t, c, units...)
	if c.RTT() < 0 || c.RTT() > time.Second {
		t.Errorf("round trip time %v", c.RTT())
	}
	sum := int64(0)
	for _, u := range units {
		sum += int64(len(u.Data))
	}
	if n := c.Sent(); n < sum || n > sum+sum/10+8000 {
		t.Errorf("%d bytes were sent, %d of them units", n, sum)
	}
	if err := c.Finish(); err != nil {
		t.Errorf("Finish: %v", err)
	}
	c.Close()
	if err := c.Write(units[0]); err == nil {
		t.Error("a closed connection takes units")
	}

	r := <-results
	if want := "rtmp://" + srv.address + "/live/name?token=x"; r.url != want {
		t.Errorf("the server sees %s, want %s", r.url, want)
	}
	var names []string
	i := 0
	for _, m := range r.messages {
		switch m := m.(type) {
		case *message.CommandAMF0:
			names = append(names, m.Name)
		case *message.DataAMF0:
			list, ok := m.Payload[2].(amf0.ECMAArray)
			if !ok {
				t.Fatalf("metadata are %#v", m.Payload)
			}
			o := amf0.Object(list)
			for key, want := range map[string]float64{"width": 352, "height": 288, "framerate": 30000. / 1001, "videocodecid": 7, "audiocodecid": 10, "audiosamplerate": 48000} {
				if v, _ := o.GetFloat64(key); v != want {
					t.Errorf("metadata: %s is %v, want %v", key, v, want)
				}
			}
		case *message.Video:
			if m.Type == message.VideoTypeConfig {
				if s := m.AVCConfig.SequenceParameterSets[0].NALUnit; !bytes.Equal(s, testSPS) {
					t.Errorf("sequence header has SPS %x", s)
				}
				continue
			}
			u := units[i]
			i++
			var au h264.AVCC
			if err := au.Unmarshal(m.AU); err != nil {
				t.Fatal(err)
			}
			want := u.NALUs[len(u.NALUs)-1:]
			if !slices.EqualFunc(au, want, bytes.Equal) {
				t.Errorf("unit %d has other bytes than were sent", i-1)
			}
			if m.DTS != u.DTS.Round(time.Millisecond) || m.DTS+m.PTSDelta != u.PTS.Round(time.Millisecond) || m.IsKeyFrame != u.Key {
				t.Errorf("unit %d: DTS %v, PTS %v, key %v; sent %v, %v, %v", i-1, m.DTS, m.DTS+m.PTSDelta, m.IsKeyFrame, u.DTS, u.PTS, u.Key)
			}
		case *message.Audio:
			if m.AACType == message.AudioAACTypeConfig {
				continue
			}
			u := units[i]
			i++
			if !bytes.Equal(m.AU, u.Data) || m.DTS != u.DTS.Round(time.Millisecond) {
				t.Errorf("sound %d: %d bytes at %v, want %d at %v", i-1, len(m.AU), m.DTS, len(u.Data), u.DTS)
			}
		}
	}
	if i != len(units) {
		t.Errorf("%d units came, want %d", i, len(units))
	}
	if want := []string{"FCUnpublish", "deleteStream"}; !slices.Equal(names, want) {
		t.Errorf("at the end the server was told %v, want %v", names, want)
	}
}

// Enhanced RTMP: what kind of message, and the codec.
func TestEnhanced(t *testing.T) {
	results := make(chan []message.Message, 1)
	fours := make(chan amf0.StrictArray, 1)
	srv := newServer(t, func(_ int, c net.Conn) {
		if s := accept(t, c); s != nil {
			fours <- s.FourCcList
			results <- collect(s)
		}
	})
	video := demux.Stream{Kind: demux.Video, Codec: "hevc", Config: annexB(hevcVPS, hevcSPS, hevcPPS)}
	sound := soundStream()
	sound.Codec, sound.Config = "opus", nil
	c := connect(t, target(t, "rtmp://"+srv.address+"/live/x", Options{}), video, sound)
	slice := []byte{0x26, 0x01, 1, 2, 3}
	write(t, c,
		&publish.Unit{PTS: 40e6, DTS: 0, Key: true, Data: annexB(hevcVPS, hevcSPS, hevcPPS, slice), NALUs: [][]byte{hevcVPS, hevcSPS, hevcPPS, slice}},
		&publish.Unit{PTS: 40e6, DTS: 40e6, Data: annexB(slice), NALUs: [][]byte{slice}},
		&publish.Unit{Stream: 1, PTS: 20e6, DTS: 20e6, Key: true, Data: []byte{7, 8, 9}})
	_ = c.Finish()
	c.Close()
	if f := <-fours; !slices.Equal(f, amf0.StrictArray{"hvc1", "Opus"}) {
		t.Errorf("fourCcList is %v", f)
	}
	var kinds []string
	for _, m := range <-results {
		switch m := m.(type) {
		case *message.VideoExSequenceStart:
			kinds = append(kinds, "config")
			if n := m.HEVCConfig.NaluArrays[1].Nalus[0].NALUnit; !bytes.Equal(n, hevcSPS) || m.HEVCConfig.GeneralLevelIdc != 123 || m.HEVCConfig.LengthSizeMinusOne != 3 {
				t.Errorf("hvcC is %+v", m.HEVCConfig)
			}
		case *message.VideoExCodedFrames:
			kinds = append(kinds, "frame")
			if m.PTSDelta != 40*time.Millisecond || m.DTS != 0 || !bytes.Equal(m.Payload, append([]byte{0, 0, 0, 5}, slice...)) {
				t.Errorf("picture is %+v", m)
			}
		case *message.VideoExFramesX:
			kinds = append(kinds, "frameX")
		case *message.AudioExSequenceStart:
			kinds = append(kinds, "opus")
			if m.OpusConfig.ChannelCount != 2 {
				t.Errorf("OpusHead is %+v", m.OpusConfig)
			}
		case *message.AudioExCodedFrames:
			kinds = append(kinds, "sound")
			if !bytes.Equal(m.Payload, []byte{7, 8, 9}) || m.DTS != 20*time.Millisecond {
				t.Errorf("sound is %+v", m)
			}
		}
	}
	if want := []string{"config", "opus", "frame", "frameX", "sound"}; !slices.Equal(kinds, want) {
		t.Errorf("messages are %v, want %v", kinds, want)
	}
}

// Key pictures of enhanced RTMP say so, which the library does not look at.
func TestEnhancedKey(t *testing.T) {
	tr, err := newTrack(demux.Stream{Codec: "hevc", Config: annexB(hevcVPS, hevcSPS, hevcPPS)})
	if err != nil {
		t.Fatal(err)
	}
	if tr.config[0] != 0x90 {
		t.Errorf("a sequence header begins with %#x, want 0x90", tr.config[0])
	}
	for key, want := range map[bool]byte{true: 0x93, false: 0xA3} {
		c := &chunker{size: chunkSize}
		if err := tr.append(c, 1, &publish.Unit{Key: key, NALUs: [][]byte{{0x26, 1, 1}}}); err != nil {
			t.Fatal(err)
		}
		if c.buf[12] != want {
			t.Errorf("key %v: the message begins with %#x, want %#x", key, c.buf[12], want)
		}
	}
}

// Parameter sets that change make a new sequence header, others do not.
func TestNewParameterSets(t *testing.T) {
	tr, err := newTrack(videoStream())
	if err != nil {
		t.Fatal(err)
	}
	slice := []byte{0x65, 1, 2}
	for i, c := range []struct {
		sps     []byte
		headers int
	}{{testSPS, 0}, {otherSPS, 1}, {otherSPS, 0}, {testSPS, 1}, {[]byte{0x67}, 0}} {
		out := &chunker{size: chunkSize}
		if err := tr.append(out, 1, &publish.Unit{Key: true, NALUs: [][]byte{c.sps, testPPS, slice}}); err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(out.buf, []byte{0x17, 0, 0, 0, 0, 1, 0x64}); n != c.headers {
			t.Errorf("unit %d: %d sequence headers, want %d", i, n, c.headers)
		}
		if !bytes.HasSuffix(out.buf, append([]byte{0, 0, 0, 3}, slice...)) {
			t.Errorf("unit %d: the picture is not at the end of %x", i, out.buf)
		}
	}
}

// Each chunk of a message that goes on repeats an extended timestamp.
func TestChunks(t *testing.T) {
	for _, c := range []struct {
		ms     uint32
		header int
		next   []byte
	}{
		{0xFFFFFE, 12, []byte{0xC6}},
		{0xFFFFFF, 16, []byte{0xC6, 0, 0xFF, 0xFF, 0xFF}},
		{0xFFFFFFFF, 16, []byte{0xC6, 0xFF, 0xFF, 0xFF, 0xFF}},
	} {
		k := &chunker{size: 100}
		if err := k.begin(chunkVideo, typeVideo, 1, c.ms, 250); err != nil {
			t.Fatal(err)
		}
		k.write(make([]byte, 99))
		k.write(make([]byte, 151))
		if want := c.header + 250 + 2*len(c.next); len(k.buf) != want {
			t.Errorf("%#x: %d bytes, want %d", c.ms, len(k.buf), want)
		}
		for _, at := range []int{c.header + 100, c.header + 200 + len(c.next)} {
			if got := k.buf[at : at+len(c.next)]; !bytes.Equal(got, c.next) {
				t.Errorf("%#x: at %d is %x, want %x", c.ms, at, got, c.next)
			}
		}
	}
	if err := new(chunker).begin(1, 1, 1, 0, 1<<24); err == nil {
		t.Error("a message of 16 MiB was taken")
	}
}

// What cannot work is refused for good, what may work later is not, and no line has a
// secret in it.
func TestRefused(t *testing.T) {
	status := func(code, description string) func(*testing.T, net.Conn) {
		return func(t *testing.T, c net.Conn) {
			s := &gortmplib.ServerConn{RW: c}
			_ = c.SetDeadline(time.Now().Add(5 * time.Second))
			if err := s.Initialize(); err != nil {
				t.Error(err)
				return
			}
			if err := s.AcceptConn(); err != nil {
				t.Error(err)
				return
			}
			_ = s.Write(&message.CommandAMF0{ChunkStreamID: 5, MessageStreamID: 0x1000000, Name: "onStatus", Arguments: []any{
				nil, amf0.Object{{Key: "level", Value: "error"}, {Key: "code", Value: code}, {Key: "description", Value: description}},
			}})
			_, _ = io.Copy(io.Discard, c)
		}
	}
	rejects := func(t *testing.T, c net.Conn) {
		s := &gortmplib.ServerConn{RW: c}
		if err := s.Initialize(); err != nil {
			t.Error(err)
			return
		}
		_ = s.Write(&message.CommandAMF0{ChunkStreamID: 3, Name: "_error", CommandID: 1, Arguments: []any{
			nil, amf0.Object{{Key: "level", Value: "error"}, {Key: "code", Value: "NetConnection.Connect.Rejected"}, {Key: "description", Value: "no such app"}},
		}})
		_, _ = io.Copy(io.Discard, c)
	}
	for _, c := range []struct {
		name      string
		serve     func(*testing.T, net.Conn)
		permanent bool
		says      string
	}{
		{"name taken", status("NetStream.Publish.BadName", "Already publishing"), true, "somebody else may publish it already: NetStream.Publish.BadName: Already publishing"},
		{"unauthorised", status("NetStream.Publish.Unauthorized", "token=hidden is wrong"), true, "refuses the stream: NetStream.Publish.Unauthorized"},
		{"failed", status("NetStream.Publish.Failed", "disk full"), false, "the server says NetStream.Publish.Failed: disk full"},
		{"other error", status("NetStream.Failed", ""), false, "the server says NetStream.Failed"},
		{"application", rejects, true, "NetConnection.Connect.Rejected: no such app"},
		{"closes", func(t *testing.T, c net.Conn) {
			if err := (&gortmplib.ServerConn{RW: c}).Initialize(); err != nil {
				t.Error(err)
			}
		}, false, `closed the connection: it may have no application "live"`},
		{"no RTMP", func(_ *testing.T, c net.Conn) {
			_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n" + strings.Repeat("x", 4000)))
			_, _ = io.Copy(io.Discard, c)
		}, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := newServer(t, func(_ int, conn net.Conn) { c.serve(t, conn) })
			to := target(t, "rtmp://user:hidden@"+srv.address+"/live/x?key=hidden", Options{Timeout: 2 * time.Second})
			conn, err := to.Connect(context.Background(), []demux.Stream{videoStream()})
			if err == nil {
				conn.Close()
				t.Fatal("connected")
			}
			if publish.IsPermanent(err) != c.permanent || !strings.Contains(err.Error(), c.says) {
				t.Errorf("permanent %v: %v; want %v: ... %s", publish.IsPermanent(err), err, c.permanent, c.says)
			}
			if s := err.Error(); strings.Contains(s, "hidden") || strings.Contains(s, "\n") {
				t.Errorf("not one line without secrets: %q", s)
			}
		})
	}
	for name, streams := range map[string][]demux.Stream{
		"codec":         {{Kind: demux.Video, Codec: "vp8"}},
		"two pictures":  {videoStream(), videoStream()},
		"no parameters": {{Kind: demux.Video, Codec: "h264"}},
		"damaged":       {{Kind: demux.Video, Codec: "h264", Config: annexB([]byte{0x67}, []byte{0x68})}},
		"no config":     {{Kind: demux.Audio, Codec: "aac"}},
	} {
		_, err := target(t, "rtmp://127.0.0.1:9/live/x", Options{}).Connect(context.Background(), streams)
		if !publish.IsPermanent(err) {
			t.Errorf("%s: %v, want a permanent error", name, err)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := target(t, "rtmp://"+l.Addr().String()+"/live/x", Options{Timeout: 200 * time.Millisecond})
	began := time.Now()
	_, err = to.Connect(context.Background(), []demux.Stream{videoStream()}) // it never answers
	if err == nil || !strings.Contains(err.Error(), "nothing came from 127.0.0.1 within 0.2 s") || publish.IsPermanent(err) {
		t.Errorf("a silent server: %v", err)
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("it took %v to give up", d)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	to = target(t, "rtmp://"+l.Addr().String()+"/live/x", Options{})
	if _, err = to.Connect(ctx, []demux.Stream{videoStream()}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	l.Close()
	if _, err = to.Connect(context.Background(), []demux.Stream{videoStream()}); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("a closed port: %v", err)
	}
}

// A server that goes away is noticed without a Write, and one may connect again; a name
// that is then still taken is no reason to give up.
func TestServerGone(t *testing.T) {
	srv := newServer(t, func(n int, c net.Conn) {
		s := accept(t, c)
		if n == 1 {
			collect(s)
		}
	})
	to := target(t, "rtmp://"+srv.address+"/live/x", Options{})
	c := connect(t, to, videoStream())
	select {
	case <-c.(*connection).ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the end is not noticed")
	}
	if err := c.Write(picture(true, 100, 0, 0)); err == nil || !strings.Contains(err.Error(), "127.0.0.1 closed the connection") {
		t.Errorf("Write: %v", err)
	}
	c.Close()
	c = connect(t, to, videoStream())
	write(t, c, picture(true, 100, 0, 0))
	c.Close()
	if err := to.refused(&rejection{code: "NetStream.Publish.BadName"}, false); publish.IsPermanent(err) {
		t.Errorf("after a connection: %v is permanent", err)
	}
}

// Write waits for a server that does not read, and Close ends that.
func TestBlocked(t *testing.T) {
	release := make(chan struct{})
	srv := newServer(t, func(_ int, c net.Conn) { accept(t, c); <-release })
	c := connect(t, target(t, "rtmp://"+srv.address+"/live/x", Options{}), videoStream())
	result := make(chan error, 1)
	go func() {
		for {
			if err := c.Write(picture(true, 1<<20, 0, 0)); err != nil {
				result <- err
				return
			}
		}
	}()
	select {
	case err := <-result:
		t.Fatalf("Write does not wait: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	began := time.Now()
	c.Close()
	if err := <-result; err == nil || time.Since(began) > 3*time.Second {
		t.Errorf("Write ends with %v after %v", err, time.Since(began))
	}
	close(release)
}

// A server that sends much, none of it a whole message, is not listened to for long.
func TestTalks(t *testing.T) {
	srv := newServer(t, func(_ int, c net.Conn) {
		accept(t, c)
		_, _ = c.Write([]byte{2, 0, 0, 0, 0, 0, 4, typeChunkSize, 0, 0, 0, 0, 0, 0, 0, 128})
		// A message of 9 MB, in chunks of 128 bytes, the first of which has a whole header.
		chunk := append([]byte{5, 0, 0, 0, 0x90, 0, 0, 20, 0, 0, 0, 0}, make([]byte, 128)...)
		for sent := 0; sent < 2*answers; sent += len(chunk) {
			if _, err := c.Write(chunk); err != nil {
				return
			}
			chunk = append([]byte{3<<6 | 5}, make([]byte, 128)...)
		}
		_, _ = c.Read(make([]byte, 1)) // until it is closed
	})
	c := connect(t, target(t, "rtmp://"+srv.address+"/live/x", Options{}), videoStream())
	select {
	case <-c.(*connection).ended:
	case <-time.After(10 * time.Second):
		t.Fatalf("%d bytes and more are read", answers)
	}
	if err := c.Write(picture(true, 100, 0, 0)); err == nil || !strings.Contains(err.Error(), errTalks.Error()) {
		t.Errorf("Write: %v, want %v", err, errTalks)
	}
	c.Close()
}

// Pings are answered, and messages that nobody knows do no harm.
func TestPing(t *testing.T) {
	got := make(chan uint32, 1)
	srv := newServer(t, func(_ int, c net.Conn) {
		s := accept(t, c)
		if s == nil {
			return
		}
		_, _ = c.Write([]byte{2, 0, 0, 0, 0, 0, 1, 99, 0, 0, 0, 0, 7})          // of a type that does not exist
		_, _ = c.Write([]byte{2, 0, 0, 0, 0, 0, 2, 20, 0, 0, 0, 0, 0xFF, 0xFF}) // no command
		_ = s.Write(&message.UserControlPingRequest{ServerTime: 4711})
		for _, m := range collect(s) {
			if p, ok := m.(*message.UserControlPingResponse); ok {
				got <- p.ServerTime
			}
		}
		close(got)
	})
	c := connect(t, target(t, "rtmp://"+srv.address+"/live/x", Options{}), videoStream())
	time.Sleep(100 * time.Millisecond)
	_ = c.Finish()
	c.Close()
	if v := <-got; v != 4711 {
		t.Errorf("the ping's answer is %d, want 4711", v)
	}
}

func TestPassword(t *testing.T) {
	for _, c := range []struct {
		user string
		ok   bool
		says string
	}{
		{"user:p%40ss@", true, ""},
		{"user:wrong@", false, "wrong user or password"},
		{"", false, "it wants a user and password"},
	} {
		srv := newServer(t, func(_ int, conn net.Conn) {
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			s := &gortmplib.ServerConn{RW: conn}
			if s.Initialize() != nil {
				return
			}
			if s.AcceptConnIfCredentialsMatch("user", "p@ss") == nil && s.AcceptAction() == nil {
				if !strings.HasSuffix(s.URL.String(), "/live/x") {
					t.Errorf("the server sees %s", s.URL)
				}
				collect(s)
			}
		})
		conn, err := target(t, "rtmp://"+c.user+srv.address+"/live/x", Options{}).Connect(context.Background(), []demux.Stream{videoStream()})
		if (err == nil) != c.ok {
			t.Errorf("%q: %v", c.user, err)
		}
		if err != nil && (!strings.Contains(err.Error(), c.says) || !publish.IsPermanent(err)) {
			t.Errorf("%q: %v, want %s", c.user, err, c.says)
		}
		if conn != nil {
			conn.Close()
		}
	}
}

// Descriptions as Adobe's servers write them.
func TestAdobe(t *testing.T) {
	const first = "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : "
	a, wrong := adobe(first, "", "u", "p")
	if a != "authmod=adobe&user=u" || wrong {
		t.Errorf("first answer: %q, %v", a, wrong)
	}
	b, wrong := adobe("[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=u&salt=s+=&challenge=c&opaque=o", a, "u", "p")
	if !strings.HasPrefix(b, "authmod=adobe&user=u&challenge=") || !strings.HasSuffix(b, "&opaque=o") || wrong {
		t.Errorf("second answer: %q, %v", b, wrong)
	}
	if _, wrong = adobe("[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed&opaque=o", b, "u", "p"); !wrong {
		t.Error("a wrong password is not noticed")
	}
	if _, wrong = adobe(first, a, "u", "p"); !wrong {
		t.Error("asked the same again, it goes on for ever")
	}
}

func TestTLS(t *testing.T) {
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	defer web.Close()
	srv := newServer(t, func(_ int, c net.Conn) {
		conn := tls.Server(c, web.TLS)
		if conn.Handshake() == nil {
			collect(accept(t, conn))
		}
	})
	c := connect(t, target(t, "rtmps://"+srv.address+"/live/x", Options{TLS: &tls.Config{InsecureSkipVerify: true}}), videoStream())
	write(t, c, picture(true, 100_000, 0, 0))
	if err := c.Finish(); err != nil {
		t.Errorf("Finish: %v", err)
	}
	c.Close()
	_, err := target(t, "rtmps://"+srv.address+"/live/x", Options{}).Connect(context.Background(), []demux.Stream{videoStream()})
	if err == nil || !strings.Contains(err.Error(), "the certificate of 127.0.0.1 is not trusted") {
		t.Errorf("a certificate of nobody: %v", err)
	}
}

func FuzzNewTrack(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0x67, 0, 0, 1, 0x68, 0, 0, 0})
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = newTrack(demux.Stream{Codec: "h264", Config: b})
		_, _ = newTrack(demux.Stream{Codec: "hevc", Config: b})
	})
}

// discard is a connection that takes everything.
type discard struct{ net.Conn }

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// One picture of 4 Mbit/s at 50 per second: what a connection costs without the
// kernel.
func BenchmarkWrite(b *testing.B) {
	tr, err := newTrack(videoStream())
	if err != nil {
		b.Fatal(err)
	}
	s := &session{conn: discard{}, out: chunker{size: chunkSize}, stream: 1}
	c := &connection{session: s, tracks: []*track{tr}}
	u := picture(false, 10_000, 0, 0)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Write(u); err != nil {
			b.Fatal(err)
		}
	}
}

// The same over a loopback socket, with the kernel's and the receiver's part.
func BenchmarkLoopback(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, c) }()
		}
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	tr, err := newTrack(videoStream())
	if err != nil {
		b.Fatal(err)
	}
	c := &connection{session: &session{conn: conn, out: chunker{size: chunkSize}, stream: 1}, tracks: []*track{tr}}
	u := picture(false, 10_000, 0, 0)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Write(u); err != nil {
			b.Fatal(err)
		}
	}
}
