package e2e

import (
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// drop drags files over a window, to a place on the screen, and drops them there:
// the source's part of the X drag-and-drop protocol, version 5.
func (w *window) drop(x, y int, paths ...string) {
	t := w.screen.t
	t.Helper()
	c, target, atom := w.connect(w.id)
	defer c.Close()
	root := xproto.Setup(c).DefaultScreen(c).Root
	from, err := xproto.NewWindowId(c)
	if err != nil {
		t.Fatal(err)
	}
	xproto.CreateWindow(c, 0, from, root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, 0, 0, nil)
	selection, list, status, finished := atom("XdndSelection"), atom("text/uri-list"), atom("XdndStatus"), atom("XdndFinished")
	xproto.SetSelectionOwner(c, from, selection, xproto.TimeCurrentTime)
	send := func(kind string, data ...uint32) {
		m := xproto.ClientMessageEvent{
			Format: 32, Window: target, Type: atom(kind),
			Data: xproto.ClientMessageDataUnionData32New(append([]uint32{uint32(from)}, append(data, make([]uint32, 4-len(data))...)...)),
		}
		xproto.SendEvent(c, false, target, 0, string(m.Bytes()))
	}
	var uris strings.Builder
	for _, p := range paths {
		uris.WriteString((&url.URL{Scheme: "file", Path: p}).String() + "\r\n")
	}
	send("XdndEnter", 5<<24, uint32(list))
	send("XdndPosition", 0, uint32(x)<<16|uint32(y), 0, uint32(atom("XdndActionCopy")))
	time.AfterFunc(5*time.Second, c.Close)
	for {
		e, err := c.WaitForEvent()
		if e == nil {
			t.Fatalf("the window did not take what was dropped: %v", err)
		}
		switch e := e.(type) {
		case xproto.ClientMessageEvent:
			switch e.Type {
			case status:
				if e.Data.Data32[1]&1 == 0 {
					t.Fatal("the window takes no files")
				}
				send("XdndDrop", 0, xproto.TimeCurrentTime)
			case finished:
				return
			}
		case xproto.SelectionRequestEvent:
			xproto.ChangeProperty(c, xproto.PropModeReplace, e.Requestor, e.Property, list, 8, uint32(uris.Len()), []byte(uris.String()))
			n := xproto.SelectionNotifyEvent{Time: e.Time, Requestor: e.Requestor, Selection: e.Selection, Target: e.Target, Property: e.Property}
			xproto.SendEvent(c, false, e.Requestor, 0, string(n.Bytes()))
		}
	}
}

func init() { xgb.Logger.SetOutput(io.Discard) } // it speaks of missing authority

// closeWindow asks a window to close, as a window manager does for its close
// button; xdotool of Debian 12 cannot.
func (s *screen) closeWindow(id string) {
	s.t.Helper()
	c, window, atom := s.connect(id)
	defer c.Close()
	m := xproto.ClientMessageEvent{
		Format: 32, Window: window, Type: atom("WM_PROTOCOLS"),
		Data: xproto.ClientMessageDataUnionData32New([]uint32{uint32(atom("WM_DELETE_WINDOW")), 0, 0, 0, 0}),
	}
	if err := xproto.SendEventChecked(c, false, window, 0, string(m.Bytes())).Check(); err != nil {
		s.t.Fatal(err)
	}
}

// connect speaks to the X server about a window. The caller closes the connection;
// atom looks names up.
func (s *screen) connect(id string) (c *xgb.Conn, window xproto.Window, atom func(string) xproto.Atom) {
	s.t.Helper()
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		s.t.Fatal(err)
	}
	if c, err = xgb.NewConnDisplay(s.Display); err != nil {
		s.t.Fatal(err)
	}
	return c, xproto.Window(n), func(name string) xproto.Atom {
		r, err := xproto.InternAtom(c, false, uint16(len(name)), name).Reply()
		if err != nil {
			s.t.Fatal(err)
		}
		return r.Atom
	}
}

// pixels are the bytes of one plane of a frame of raw I420 video.
func pixels(raw []byte, w, h, frame, plane int) []byte {
	cw, ch := (w+1)/2, (h+1)/2
	at := frame * (w*h + 2*cw*ch)
	switch plane {
	case 0:
		return raw[at:][:w*h]
	case 1:
		return raw[at+w*h:][:cw*ch]
	}
	return raw[at+w*h+cw*ch:][:cw*ch]
}
