package demux

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

var (
	schemeStart = regexp.MustCompile(`(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//`)
	secretParam = regexp.MustCompile(`(?i)([?&;\s#]|^)([a-z0-9_.%\-]*(?:pass|pwd|secret|token|key|auth|sig|cred)[a-z0-9_.%\-]*)=([^&;\s#]*)`)
	streamID    = regexp.MustCompile(`(?i)([?&](?:srt_)?streamid)=[^&\s]*`)
	hostStart   = regexp.MustCompile(`^(?:\[[0-9A-Fa-f:.]+\]|localhost|[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+|[A-Za-z0-9\-]+:[0-9]+)(?:[:/?#]|$)`)
	plainHost   = regexp.MustCompile(`^(?:\[[0-9A-Fa-f:.]+\]|localhost|[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+)(?::[0-9]+)?(?:[?#]|$)`)
)

// Redact returns text with what may be a secret replaced by "***": the password
// of each "user:password@", and the values of parameters whose names say
// password, key, token and the like, or that are the streamid of SRT, which is often
// what a server knows a publisher by. It takes any text, also several URLs or
// broken ones, and hides rather too much than too little.
func Redact(text string) string {
	var b strings.Builder
	at := 0
	for _, m := range schemeStart.FindAllStringIndex(text, -1) {
		if m[1] <= at {
			continue
		}
		b.WriteString(text[at:m[1]])
		at = m[1]
		rest := text[at:]
		// A URL in a text ends at a blank, unless a password has blanks in it.
		if n := schemeStart.FindStringIndex(rest); n != nil {
			rest = rest[:n[0]]
		}
		if i := userinfo(rest); i >= 0 {
			if colon := strings.IndexByte(rest[:i], ':'); colon >= 0 {
				b.WriteString(rest[:colon] + ":***")
			} else {
				b.WriteString(rest[:i])
			}
			at += i
		}
	}
	b.WriteString(text[at:])
	hidden := streamID.ReplaceAllString(b.String(), "${1}=***")
	return secretParam.ReplaceAllString(hidden, "${1}${2}=***")
}

// userinfo is the index of the "@" that ends the user and password in what
// follows "//", -1 if there is none. A password may, against the rules, contain
// "@", "/" or a blank, so the last "@" with something like a host behind it counts.
func userinfo(rest string) int {
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	last := strings.LastIndexByte(authority, '@')
	for i := len(rest) - 1; i > last; i-- {
		if rest[i] == '@' && hostStart.MatchString(rest[i+1:]) && strings.IndexByte(rest[:i], ':') >= 0 {
			return i
		}
	}
	return last
}

// SplitUser takes "user:password@" out of a URL. Both may hold any character,
// escaped or, against the rules, not. without is the URL without them; ok is false
// if it names no user.
func SplitUser(rawURL string) (without, user, password string, ok bool) {
	m := schemeStart.FindStringIndex(rawURL)
	if m == nil || m[0] != 0 {
		return rawURL, "", "", false
	}
	rest := rawURL[m[1]:]
	i := userinfo(rest)
	if authority, _, _ := strings.Cut(rest, "/"); plainHost.MatchString(authority) {
		i = -1 // an "@" further on is the path's
	}
	if i < 0 {
		return rawURL, "", "", false
	}
	user, password, _ = strings.Cut(rest[:i], ":")
	return rawURL[:m[1]] + rest[i+1:], unescape(user), unescape(password), true
}

// unescape undoes percent encoding, where that is what it is.
func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// OneLine replaces what would break or disturb a line of text.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) && r != ' ' {
			return '?'
		}
		return r
	}, s)
}

// Host is the host that a URL names, without user, password and port; "" if the
// text is no URL.
func Host(address string) string {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		return ""
	}
	rest = rest[userinfo(rest)+1:]
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	if strings.HasPrefix(rest, "[") {
		if i := strings.IndexByte(rest, ']'); i > 0 {
			return OneLine(rest[1:i])
		}
	}
	if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		rest = rest[:i]
	}
	return OneLine(rest)
}
