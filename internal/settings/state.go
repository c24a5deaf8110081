package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"planar/demux"
)

// State is what planar remembers from one time to the next. What is zero is not
// remembered.
type State struct {
	Width  int      `json:"window_width,omitempty"` // of the window, in screen units
	Height int      `json:"window_height,omitempty"`
	Volume *float64 `json:"volume,omitempty"` // 0 to 1
	Mute   bool     `json:"mute,omitempty"`
	Recent []string `json:"recent,omitempty"` // absolute paths and URLs, newest first
	URLs   []string `json:"urls,omitempty"`   // what was opened as a URL, newest first
	Panels []string `json:"panels,omitempty"` // names of the open ones
}

// Bounds of the state.
const (
	// MaxRecent bounds each of the two lists: as many as a menu shows.
	MaxRecent  = 20
	maxPanels  = 16
	maxPanel   = 32                 // bytes of a panel's name
	maxWindow  = demux.MaxDimension // a window is not larger than a picture may be
	maxStateKB = 1024               // 2 * MaxRecent * maxPath, each byte escaped with at most 6: 960 KB
)

// Store is the file that keeps the state. Several planar may use it at a time. A
// file that cannot be read or written costs no more than the memory.
type Store struct{ path string }

// OpenStore returns the store in $XDG_STATE_HOME/planar/state.json, with
// ~/.local/state for a variable that is unset or not absolute. Nothing is read yet.
func OpenStore() *Store {
	return &Store{StateFile("state.json")}
}

// Load reads the state. What makes no sense in it is left out.
func (st *Store) Load() State {
	var s State
	b, err := readFile(st.path, maxStateKB<<10)
	if err != nil || json.Unmarshal(b, &s) != nil {
		return State{}
	}
	s.clean()
	return s
}

// Update changes the state: change gets it as the file has it now, so that what
// another planar noted meanwhile stays, and the result is written whole or not at
// all, readable by the user alone. An error says that the change is not kept.
func (st *Store) Update(change func(*State)) error {
	if st.path == "" {
		return nil
	}
	dir := filepath.Dir(st.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	defer lock(dir)()
	s := st.Load()
	change(&s)
	s.clean()
	b, err := json.MarshalIndent(&s, "", "\t")
	if err != nil {
		return err
	}
	b = append(b, '\n')
	if old, err := readFile(st.path, maxStateKB<<10); err == nil && bytes.Equal(old, b) {
		return nil
	}
	return Replace(st.path, b)
}

// StateFile is the path of a file in which planar remembers something:
// $XDG_STATE_HOME/planar/name, with ~/.local/state for a variable that is unset or not
// absolute; "" if there is no home either.
func StateFile(name string) string {
	return xdg("XDG_STATE_HOME", filepath.Join(".local", "state"), name)
}

// Replace writes a file whole or not at all, as another planar may be reading it. Its
// folder, which is made if need be, and it are the user's alone.
func Replace(path string, b []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	f, err := os.CreateTemp(dir, stem+"-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// AddRecent puts a source on top of the recent ones, and of the URLs if it is
// one: files by their absolute path, URLs without user, password and whatever
// else demux.Redact takes for a secret. Standard input is not noted, nor what
// cannot be kept.
func (s *State) AddRecent(source string) {
	kept := keepable(source)
	if kept == "" {
		return
	}
	s.Recent = onTop(s.Recent, kept)
	if demux.IsURL(kept) {
		s.URLs = onTop(s.URLs, kept)
	}
}

func onTop(list []string, first string) []string {
	list = slices.DeleteFunc(list, func(s string) bool { return s == first })
	list = slices.Insert(list, 0, first)
	return list[:min(len(list), MaxRecent)]
}

// keepable is a source as it is remembered; "" if it is not.
func keepable(source string) string {
	switch {
	case source == "-" || !cleanPath(source):
		return ""
	case demux.IsURL(source):
		source = withoutSecrets(source)
	default:
		path, err := filepath.Abs(source)
		if err != nil {
			return ""
		}
		source = path
	}
	if !cleanPath(source) {
		return ""
	}
	return source
}

const hidden = "***" // what demux.Redact writes instead of a secret

var hiddenParam = regexp.MustCompile(`([?&;#])[^?&;\s#=]*=\*\*\*`)

// withoutSecrets takes the secrets out of a URL. It is "" if they cannot all be
// taken out.
func withoutSecrets(address string) string {
	bare, _, _, _ := demux.SplitUser(address)
	redacted := demux.Redact(bare)
	if redacted != bare {
		// "?a=***&b=1" loses its parameter, and then what joined it to the others.
		redacted = hiddenParam.ReplaceAllString(redacted, "$1")
		redacted = joints.ReplaceAllStringFunc(redacted, func(s string) string { return s[:1] })
		redacted = strings.TrimRight(redacted, "?&;#")
	}
	// A second look: what is left must not have become a secret by being joined.
	if strings.Contains(redacted, hidden) || !demux.IsURL(redacted) || demux.Redact(redacted) != redacted {
		return ""
	}
	if _, _, _, ok := demux.SplitUser(redacted); ok {
		return ""
	}
	// In "rtsp://user:pass/word@host" the port is no number, which Parse refuses.
	if _, err := url.Parse(redacted); err != nil {
		return ""
	}
	return redacted
}

var joints = regexp.MustCompile(`[?&;#][&;]+`)

var panelName = regexp.MustCompile(`^[a-z0-9-]+$`)

// clean leaves out what planar would not have written: the file may have been edited.
func (s *State) clean() {
	if s.Width < 1 || s.Height < 1 || s.Width > maxWindow || s.Height > maxWindow {
		s.Width, s.Height = 0, 0
	}
	if s.Volume != nil && !(*s.Volume >= 0 && *s.Volume <= 1) {
		s.Volume = nil
	}
	s.Recent = cleanList(s.Recent, func(e string) bool { return demux.IsURL(e) || filepath.IsAbs(e) })
	s.URLs = cleanList(s.URLs, demux.IsURL)
	var panels []string
	for _, p := range s.Panels {
		if len(p) <= maxPanel && panelName.MatchString(p) && !slices.Contains(panels, p) && len(panels) < maxPanels {
			panels = append(panels, p)
		}
	}
	s.Panels = panels
}

// cleanList is a list of sources without those that are not of their kind, come
// twice or are too many.
func cleanList(list []string, belongs func(string) bool) (kept []string) {
	for _, e := range list {
		if !belongs(e) {
			continue
		}
		if e = keepable(e); e != "" && !slices.Contains(kept, e) {
			kept = append(kept, e)
		}
		if len(kept) == MaxRecent {
			break
		}
	}
	return kept
}
