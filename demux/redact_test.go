package demux

import (
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		"file.mp4":                        "file.mp4",
		"/a/b@c:d.mp4":                    "/a/b@c:d.mp4",
		"rtsp://host/x":                   "rtsp://host/x",
		"rtsp://host:554/live@1":          "rtsp://host:554/live@1",
		"rtsp://user@host/x":              "rtsp://user@host/x",
		"rtsp://user:secret@host/x":       "rtsp://user:***@host/x",
		"rtsp://user:@host/x":             "rtsp://user:***@host/x",
		"rtsp://:secret@host":             "rtsp://:***@host",
		"rtsp://u:se:c@r@et@host:554/x":   "rtsp://u:***@host:554/x",
		"rtsp://u:se/cr@et/x@10.0.0.1/a":  "rtsp://u:***@10.0.0.1/a",
		"rtsp://u:se cr@et@10.0.0.1/a":    "rtsp://u:***@10.0.0.1/a",
		"rtsp://u:p?w#d@cam.local:8554/x": "rtsp://u:***@cam.local:8554/x",
		"rtsp://u:p@[::1]:554/x":          "rtsp://u:***@[::1]:554/x",
		"//u:p@h/x":                       "//u:***@h/x",
		"http://h/x?a=1&token=abc&b=2":    "http://h/x?a=1&token=***&b=2",
		"http://h/x?Password=abc#key=z":   "http://h/x?Password=***#key=***",
		"srt://h:1?passphrase=0123456789": "srt://h:1?passphrase=***",
		"srt://h:1?streamid=a":            "srt://h:1?streamid=***",
		"srt://:1?mode=listener&srt_streamid=#!::u=me,r=x;y&latency=200": "srt://:1?mode=listener&srt_streamid=***&latency=200",
		"rtmp://h/a/s playpath=x pwd=hidden":                             "rtmp://h/a/s playpath=x pwd=***",
		"concat:http://u:p@a/x|http://v:q@b":                             "concat:http://u:***@a/x|http://v:***@b",
		"async:cache:http://u:p@a/x":                                     "async:cache:http://u:***@a/x",
		"Cannot open rtsp://u:p@h/x: no":                                 "Cannot open rtsp://u:***@h/x: no",
		"rtsp://":                                                        "rtsp://",
		"://@:@//":                                                       "://@:***@//",
		"rtsp://u:p@":                                                    "rtsp://u:***@",
	} {
		if got := Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("user", "p@ss/w?#:d", "host.example/x")
	f.Fuzz(func(t *testing.T, user, pass, rest string) {
		_ = Redact(user + pass + rest) // no crash on anything
		for _, s := range []string{user, pass, rest} {
			if strings.ContainsAny(s, "/@:?#[]& =;\\") || s == "" {
				return
			}
		}
		const mark = "Zq7SECRET7qZ"
		if got := Redact("rtsp://" + user + ":" + mark + pass + "@" + rest + "/a"); strings.Contains(got, mark) {
			t.Errorf("%q", got)
		}
	})
}

func TestHost(t *testing.T) {
	for in, want := range map[string]string{
		"rtsp://h/x": "h", "rtsp://u:p@h:554/x": "h", "rtsp://u:se:c@r@et@cam.local:554/x": "cam.local",
		"rtsp://[::1]:8554/x": "::1", "x.mp4": "", "http://h?x=1": "h",
	} {
		if got := Host(in); got != want {
			t.Errorf("Host(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSplitUser(t *testing.T) {
	for _, c := range []struct{ in, without, user, password string }{
		{"rtsp://cam/x", "rtsp://cam/x", "", ""},
		{"rtsp://u:p@cam:554/x", "rtsp://cam:554/x", "u", "p"},
		{"rtsp://u@cam/x", "rtsp://cam/x", "u", ""},
		{"rtsp://u:p%40ss@cam/x", "rtsp://cam/x", "u", "p@ss"},
		{"rtsp://u:p@ss:w0rd@cam.lan/x", "rtsp://cam.lan/x", "u", "p@ss:w0rd"},
		{"rtsp://u:a/b?c#d@10.0.0.7:8554/x", "rtsp://10.0.0.7:8554/x", "u", "a/b?c#d"},
		{"rtsp://u:50%zz@10.0.0.7/x", "rtsp://10.0.0.7/x", "u", "50%zz"},
		{"rtsp://u:a+b c@[::1]:554/x", "rtsp://[::1]:554/x", "u", "a+b c"},
		{"rtsp://10.0.0.7:554/x?for=me:you@10.0.0.8/y", "rtsp://10.0.0.7:554/x?for=me:you@10.0.0.8/y", "", ""},
		{"no url", "no url", "", ""},
	} {
		without, user, password, ok := SplitUser(c.in)
		if without != c.without || user != c.user || password != c.password || ok != (c.user != "") {
			t.Errorf("%s: %q %q %q %v, want %q %q %q", c.in, without, user, password, ok, c.without, c.user, c.password)
		}
	}
}
