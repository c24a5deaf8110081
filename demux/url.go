package demux

import "regexp"

var urlStart = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+://`)

// IsURL reports whether a source's name is a URL rather than a path.
func IsURL(name string) bool { return urlStart.MatchString(name) }
