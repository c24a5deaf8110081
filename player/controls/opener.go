package controls

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/inkyblackness/imgui-go/v4"

	"planar/demux"
	"planar/player"
)

// The opener's bounds.
const (
	// maxNames bounds what is listed of a folder: more than anybody scrolls through,
	// and some 500 KB.
	maxNames = 4096
	// maxText bounds what is typed, in bytes: Linux has no longer paths, and URLs that
	// are longer are not typed.
	maxText = 4096
	// maxReads bounds the folders and files that are being looked at at a time. On a
	// network that does not answer they stay for long.
	maxReads = 4
	// maxHistory bounds the addresses that are shown.
	maxHistory = 100
)

// lookEvery is how often the card looks whether a folder has been read.
const lookEvery = 30 * time.Millisecond

// strayFor is how long after the card's first frame the text of the key that opened
// it may still come.
const strayFor = 100 * time.Millisecond

// opener asks what to open: the desktop's dialog, or a field for a path, or one for
// an address.
type opener struct {
	c   *Controls // nil until something is asked
	add bool      // what is chosen comes into the playlist, and does not play at once

	ctx      context.Context // of the goroutines
	cancel   context.CancelFunc
	asking   bool // the desktop's dialog is shown
	noDialog bool // there is none
	answers  chan answer
	looks    chan look
	looking  int // goroutines that have not sent to looks yet

	card   card
	fresh  bool // the popup is to be opened by the next frame
	since  time.Duration
	stray  rune // see strayFor
	text   string
	put    bool // text is to come into the field, with the cursor at its end
	err    string
	chosen int  // row; -1 for none
	scroll bool // to the chosen row

	want   string // the folder that is listed, or will be
	got    folder
	tried  string // the path that is looked at because Enter was pressed
	rows   []row
	rowsOf rowsOf // what rows were made of
	counts string // of what was found
	start  string // the folder that the field begins with, with a slash
	past   []string

	spots map[string][4]int // where rows and buttons are, if a test wants to know
}

// card says what is asked for.
type card int

const (
	noCard card = iota
	pathCard
	addressCard
)

// answer is what came of the desktop's dialog.
type answer struct {
	names []string
	err   error
	add   bool
}

// look is what a folder has, or what a path is.
type look struct {
	folder
	tried  bool // it is about one path
	path   string
	isDir  bool
	failed error
}

// folder is what a folder has.
type folder struct {
	dir   string // as it was asked for
	names []dirName
	more  bool // than maxNames
	err   error
}

// dirName is a file or a folder in one.
type dirName struct {
	name string
	dir  bool
}

// row is a line of the list below the field.
type row struct {
	dirName
	up bool // the folder above
}

// rowsOf is what rows depend on.
type rowsOf struct {
	card       card
	text, dir  string
	known, off int
}

// ask asks for files to be played.
func (o *opener) ask(c *Controls) { o.askFor(c, false) }

// askMore asks for files that come into the playlist.
func (o *opener) askMore(c *Controls) { o.askFor(c, true) }

func (o *opener) askFor(c *Controls, add bool) {
	o.begin(c)
	if o.asking {
		return // the dialog is there already
	}
	if c.o.Ask == nil || o.noDialog {
		o.show(pathCard, add, 'o')
		return
	}
	o.asking = true
	ctx := o.ctx
	go func() {
		names, err := c.o.Ask(ctx)
		o.answers <- answer{names, err, add} // has room: there is one at a time
		if ctx.Err() == nil {
			c.o.Wake()
		}
	}()
}

// address asks for an address to be played.
func (o *opener) address(c *Controls) { o.addressFor(c, false) }

func (o *opener) addressFor(c *Controls, add bool) {
	o.begin(c)
	o.show(addressCard, add, 'u')
}

// revisit plays what was played before. Passwords are not kept: where an address had
// one, a person is asked for it.
func (o *opener) revisit(c *Controls, address string) {
	if !demux.IsURL(address) || !strings.Contains(address, "***") {
		c.ask(player.Command{Do: player.Open, Names: []string{address}})
		return
	}
	o.address(c)
	o.fill(address)
	o.err = noPassword
}

// noPassword is why an address of the history is not opened at once.
const noPassword = "Passwords are not kept: type it where *** is"

// begin makes what is needed to ask for something.
func (o *opener) begin(c *Controls) {
	if o.c != nil {
		return
	}
	o.c = c
	o.ctx, o.cancel = context.WithCancel(context.Background())
	o.answers = make(chan answer, 1)
	o.looks = make(chan look, maxReads)
}

// show opens a card.
func (o *opener) show(k card, add bool, key rune) {
	o.card, o.add, o.fresh, o.stray = k, add, true, key
	o.err, o.chosen, o.want, o.tried, o.rows, o.rowsOf = "", -1, "", "", nil, rowsOf{}
	o.got = folder{}
	o.fill("")
	o.past = nil
	if k == addressCard && o.c.o.Recent != nil {
		_, o.past = o.c.o.Recent()
		o.past = o.past[:min(len(o.past), maxHistory)]
	}
	o.c.dirty = true
}

// fill puts a text into the field.
func (o *opener) fill(s string) { o.text, o.put, o.chosen, o.err = s, true, -1, "" }

// visible reports whether a card is open. It takes what the desktop's dialog said,
// too, because it is asked before each drawing.
func (o *opener) visible() bool {
	o.collect()
	return o.card != noCard
}

// closeTop closes the card.
func (o *opener) closeTop() bool {
	if o.card == noCard {
		return false
	}
	o.card = noCard
	return true
}

// close ends the goroutines. One that waits for a disk ends when the disk answers.
func (o *opener) close() {
	if o.cancel != nil {
		o.cancel()
	}
}

// collect takes what the goroutines have found out.
func (o *opener) collect() {
	for {
		select {
		case a := <-o.answers: // nil before begin, which blocks
			o.asking = false
			o.answered(a)
		case l := <-o.looks:
			o.looking--
			o.looked(l)
		default:
			return
		}
	}
}

// answered takes what the desktop's dialog said.
func (o *opener) answered(a answer) {
	switch {
	case errors.Is(a.err, errors.ErrUnsupported):
		o.noDialog = true
		o.show(pathCard, a.add, 0)
	case a.err != nil:
		o.show(pathCard, a.add, 0)
		o.err = demux.OneLine(a.err.Error())
	case len(a.names) > 0:
		o.open(a.add, a.names...)
	}
}

// looked takes what was found of a folder or a path.
func (o *opener) looked(l look) {
	o.c.dirty = true
	switch {
	case o.card != pathCard:
	case !l.tried:
		if l.dir == o.want {
			o.got = l.folder
		}
	case l.path != o.tried:
	default:
		o.tried = ""
		switch {
		case l.failed != nil:
			o.err = pathError(l.failed)
		case l.isDir:
			o.fill(withSlash(o.typed()))
		default:
			o.done(l.path)
		}
	}
}

// pathError is why a path cannot be opened, without the path, which is in the field.
func pathError(err error) string {
	var p *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "There is no such file or folder"
	case errors.Is(err, fs.ErrPermission):
		return "You may not read this"
	case errors.As(err, &p):
		err = p.Err
	}
	return demux.OneLine(err.Error())
}

// done opens what was chosen and closes the card.
func (o *opener) done(name string) {
	o.card = noCard
	o.open(o.add, name)
}

func (o *opener) open(add bool, names ...string) {
	do := player.Open
	if add {
		do = player.Append
	}
	o.c.ask(player.Command{Do: do, Names: names})
}

// typed is the field's text as it is meant.
func (o *opener) typed() string { return strings.TrimSpace(o.text) }

// enter does what Enter is for.
func (o *opener) enter() {
	if o.chosen >= 0 && o.chosen < len(o.rows) {
		o.take(o.rows[o.chosen])
		return
	}
	s := o.typed()
	switch {
	case s == "":
	case demux.IsURL(s):
		if o.card == addressCard && strings.Contains(s, ":***@") {
			o.err = noPassword
			return
		}
		o.done(s)
	case o.card == addressCard:
		o.err = "An address begins with rtsp://, http:// or the like"
	default:
		o.try(expandHome(s))
	}
}

// take opens a row, or goes into it.
func (o *opener) take(r row) {
	if o.card == addressCard {
		if strings.Contains(r.name, "***") {
			o.fill(r.name)
			o.err = noPassword
			return
		}
		o.done(r.name)
		return
	}
	dir, _ := splitPath(o.text)
	switch {
	case r.up:
		o.fill(parentOf(dir))
	case r.dir:
		o.fill(dir + r.name + "/")
	default:
		o.done(expandHome(dir) + r.name)
	}
}

// try looks what a path is, in the background, to open it then.
func (o *opener) try(path string) {
	if o.looking >= maxReads {
		o.err = "The disk does not answer"
		return
	}
	o.tried, o.err = path, ""
	o.background(func() look {
		st, err := os.Stat(path)
		if err != nil && demux.IsSequence(path) {
			return look{tried: true, path: path}
		}
		return look{tried: true, path: path, failed: err, isDir: err == nil && st.IsDir()}
	})
}

// list has the folder of the text listed in the background.
func (o *opener) list() {
	dir, _ := splitPath(o.text)
	dir = expandHome(dir)
	if dir == "" {
		dir = "."
	}
	if dir == o.want || o.looking >= maxReads {
		return
	}
	o.want = dir
	o.background(func() look { return look{folder: readFolder(dir)} })
}

// background has something found out. The caller has seen to it that there are fewer
// than maxReads.
func (o *opener) background(find func() look) {
	o.looking++
	ctx := o.ctx
	go func() {
		o.looks <- find() // has room
		if ctx.Err() == nil {
			o.c.o.Wake()
		}
	}()
}

// readFolder lists a folder: folders first, both in natural order.
func readFolder(dir string) folder {
	d := folder{dir: dir}
	f, err := os.Open(dir)
	if err != nil {
		d.err = err
		return d
	}
	defer f.Close()
	entries, err := f.ReadDir(maxNames)
	if err != nil && !errors.Is(err, io.EOF) && len(entries) == 0 {
		d.err = err
	}
	if len(entries) == maxNames {
		_, err := f.Readdirnames(1)
		d.more = err == nil
	}
	for _, e := range entries {
		n := dirName{e.Name(), e.IsDir()}
		if e.Type()&fs.ModeSymlink != 0 {
			st, err := os.Stat(filepath.Join(dir, n.name))
			n.dir = err == nil && st.IsDir()
		}
		d.names = append(d.names, n)
	}
	slices.SortFunc(d.names, func(a, b dirName) int {
		if a.dir != b.dir {
			if a.dir {
				return -1
			}
			return 1
		}
		return naturalOrder(a.name, b.name)
	})
	return d
}

// naturalOrder compares names as people sort them: numbers by their value, letters
// without regard to their case.
func naturalOrder(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		if isDigit(x[0]) && isDigit(y[0]) {
			p, q := number(x), number(y)
			x, y = x[len(p):], y[len(q):]
			p, q = strings.TrimLeft(p, "0"), strings.TrimLeft(q, "0")
			if len(p) != len(q) {
				return len(p) - len(q)
			}
			if c := strings.Compare(p, q); c != 0 {
				return c
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(x)
		s, m := utf8.DecodeRuneInString(y)
		x, y = x[n:], y[m:]
		if c := int(unicode.ToLower(r)) - int(unicode.ToLower(s)); c != 0 {
			return c
		}
	}
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	return strings.Compare(a, b)
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// number is the digits that s begins with.
func number(s string) string {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return s[:n]
}

// splitPath splits a path behind its last slash. "~" alone is a folder.
func splitPath(s string) (dir, name string) {
	if s == "~" {
		return "~/", ""
	}
	i := strings.LastIndexByte(s, '/') + 1
	return s[:i], s[i:]
}

// withSlash is a folder's name with a slash behind it.
func withSlash(s string) string { return strings.TrimRight(s, "/") + "/" }

// parentOf is the folder above dir, both with a slash behind them.
func parentOf(dir string) string {
	up := filepath.Dir(strings.TrimRight(expandHome(dir), "/"))
	if dir == "" {
		if wd, err := os.Getwd(); err == nil {
			up = filepath.Dir(wd)
		}
	}
	return shortHome(withSlash(up))
}

// expandHome replaces a "~" at the beginning by the person's folder.
func expandHome(s string) string {
	if s != "~" && !strings.HasPrefix(s, "~/") {
		return s
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return s
	}
	return strings.TrimRight(home, "/") + s[1:]
}

// shortHome is a path with "~" for the person's folder.
func shortHome(s string) string {
	home, err := os.UserHomeDir()
	if err != nil || home == "/" || home == "" {
		return s
	}
	if rest, ok := strings.CutPrefix(s, strings.TrimRight(home, "/")); ok && (rest == "" || rest[0] == '/') {
		return "~" + rest
	}
	return s
}

// matching are the names that begin with what was typed or, if none does, those that
// have it in them; in both cases without regard to case. Hidden ones must be asked
// for by their dot.
func matching(names []dirName, typed string) []dirName {
	typed = strings.ToLower(typed)
	pick := func(fits func(s, typed string) bool) (found []dirName) {
		for _, n := range names {
			if strings.HasPrefix(n.name, ".") && !strings.HasPrefix(typed, ".") {
				continue
			}
			if fits(strings.ToLower(n.name), typed) {
				found = append(found, n)
			}
		}
		return found
	}
	if found := pick(strings.HasPrefix); len(found) > 0 {
		return found
	}
	return pick(strings.Contains)
}

// complete is the longest text that all names that begin with what was typed begin
// with; what was typed if there is none.
func complete(names []dirName, typed string) string {
	common, first := "", true
	for _, n := range matching(names, typed) {
		s := n.name
		if n.dir {
			s += "/"
		}
		if first {
			common, first = s, false
			continue
		}
		common = commonStart(common, s)
	}
	if len(common) < len(typed) || !strings.EqualFold(common[:len(typed)], typed) {
		return typed
	}
	return common
}

// commonStart is what two texts begin with, without regard to case, in the case of
// the first.
func commonStart(a, b string) string {
	at := 0
	for at < len(a) && at < len(b) {
		r, n := utf8.DecodeRuneInString(a[at:])
		s, m := utf8.DecodeRuneInString(b[at:])
		if n != m || unicode.ToLower(r) != unicode.ToLower(s) {
			break
		}
		at += n
	}
	return a[:at]
}

// update makes the rows for what is typed.
func (o *opener) update() {
	of := rowsOf{card: o.card, text: o.text, dir: o.got.dir, known: len(o.got.names), off: len(o.past)}
	if of == o.rowsOf {
		return
	}
	o.rowsOf = of
	o.rows, o.chosen = nil, -1
	if o.card == addressCard {
		typed := strings.ToLower(o.typed())
		for _, a := range o.past {
			if strings.Contains(strings.ToLower(a), typed) {
				o.rows = append(o.rows, row{dirName: dirName{name: a}})
			}
		}
		return
	}
	dir, typed := splitPath(o.text)
	if o.got.dir != o.want {
		return
	}
	if typed == "" && expandHome(dir) != "/" {
		o.rows = append(o.rows, row{dirName{"..", true}, true})
	}
	dirs, files := 0, 0
	for _, n := range matching(o.got.names, typed) {
		o.rows = append(o.rows, row{dirName: n})
		if n.dir {
			dirs++
		} else {
			files++
		}
	}
	o.counts = count(dirs, "folder") + ", " + count(files, "file")
	if o.got.more {
		o.counts += "; the folder has more than are listed"
	}
}

// count is a number of things.
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

// tab is what Tab makes of a text.
func (o *opener) tab(text string) string {
	if o.card != pathCard || o.want != o.got.dir {
		return text
	}
	dir, typed := splitPath(text)
	if o.chosen >= 0 && o.chosen < len(o.rows) && !o.rows[o.chosen].up {
		r := o.rows[o.chosen]
		if r.dir {
			return dir + r.name + "/"
		}
		return dir + r.name
	}
	return dir + complete(o.got.names, typed)
}

// begins is where the path field begins: in the folder of what plays, or where it
// was before, or where the program was started.
func (o *opener) begins(name string) string {
	if name != "" && name != "-" && !demux.IsURL(name) {
		if dir, err := filepath.Abs(filepath.Dir(name)); err == nil {
			o.start = withSlash(dir)
		}
	}
	if o.start == "" {
		if dir, err := os.Getwd(); err == nil {
			o.start = withSlash(dir)
		}
	}
	return shortHome(o.start)
}

// build draws the card.
func (o *opener) build(v *view) {
	o.collect()
	if o.asking {
		v.again(lookEvery*5, v.m.Now) // visible may not be asked while something else is
	}
	if o.card == noCard {
		return
	}
	t := v.tk
	if o.fresh {
		if pressed() { // Dear ImGui would close it at the end of this frame
			v.again(0, v.m.Now)
			return
		}
		imgui.OpenPopup("opener")
		if o.card == pathCard && o.text == "" {
			o.fill(o.begins(v.st.Name))
		}
		o.fresh, o.since = false, v.m.Now
	}
	was := o.card
	w, h := float32(t.w), float32(t.h)
	size := vec2{X: min(t.px(600), w-2*t.px(8)), Y: min(t.px(430), h-2*t.px(8))}
	if was == addressCard {
		size.Y = min(size.Y, t.px(124)+float32(min(len(o.past), 6))*t.px(30))
	}
	pos := vec2{X: round((w - size.X) / 2), Y: round(max(t.px(8), (h-size.Y)/4))}
	imgui.SetNextWindowPosV(pos, imgui.ConditionAlways, vec2{})
	imgui.SetNextWindowSizeV(size, imgui.ConditionAlways)
	t.popupV("opener", vec2{X: t.px(14), Y: t.px(12)}, imgui.WindowFlagsNoScrollbar|imgui.WindowFlagsNoScrollWithMouse, func() { o.inside(v) })
	switch {
	case o.card == noCard || imgui.IsPopupOpen("opener"):
	case imgui.IsAnyMouseDown():
		// A press beside the card closes it. Who sees that has to see the release.
		v.again(lookEvery, v.m.Now)
		return
	default:
		o.card = noCard
	}
	if o.card == noCard {
		v.again(0, v.m.Now)
	}
}

// inside draws what the card has.
func (o *opener) inside(v *view) {
	t := v.tk
	if o.spots != nil {
		clear(o.spots)
	}
	title, hint := "Open a file", "a path"
	switch {
	case o.card == addressCard && o.add:
		title, hint = "Add an address to the playlist", "rtsp://…  http://…  udp://…"
	case o.card == addressCard:
		title, hint = "Open an address", "rtsp://…  http://…  udp://…"
	case o.add:
		title = "Add a file to the playlist"
	}
	p, w := imgui.CursorScreenPos(), imgui.ContentRegionAvail().X
	q := vec2{X: p.X + w, Y: p.Y + t.px(24)}
	t.writeIn(p, q, 0, t.elide(title, strong, w), strong, t.theme.text)
	const keys = "Tab completes    arrows choose    Enter opens"
	if o.card == pathCard && w > t.measure(title, strong).X+t.measure(keys, small).X+t.px(24) {
		t.writeIn(p, q, 1, keys, small, t.theme.grey)
	}
	imgui.Dummy(vec2{X: w, Y: t.px(24)})

	label := "Open"
	if o.add {
		label = "Add"
	}
	room := w - t.measure(label, body).X - t.px(26) - t.px(8)
	if o.field(v, hint, room) {
		o.enter()
	}
	imgui.SameLine()
	o.spotted("open", func() {
		if t.primaryButton("open", label) {
			o.enter()
		}
	})
	if o.card == noCard {
		imgui.CloseCurrentPopup()
		return
	}
	if o.card == pathCard {
		o.list()
	}
	o.update()

	// One line for what is wrong, or what else is to be said.
	p = imgui.CursorScreenPos()
	q = vec2{X: p.X + w, Y: p.Y + t.px(18)}
	say, c := "", t.theme.grey
	switch {
	case o.err != "":
		say, c = o.err, t.theme.bad
	case o.card == addressCard && len(o.rows) > 0:
		say = "Lately"
	case o.card == addressCard:
	case o.want != o.got.dir || o.tried != "":
		say = "Reading…"
	case o.got.err != nil:
		say, c = pathError(o.got.err), t.theme.bad
	case len(o.rows) == 0:
		say = "Nothing here begins like that"
	default:
		say = o.counts
	}
	t.writeIn(p, q, 0, t.elide(say, small, w), small, c)
	imgui.Dummy(vec2{X: w, Y: t.px(18)})
	o.listing(v)
	if o.looking > 0 {
		v.again(lookEvery, v.m.Now)
	}
	if o.card == noCard {
		imgui.CloseCurrentPopup()
	}
}

// spotted notes where the item is that build lays out last.
func (o *opener) spotted(name string, build func()) {
	build()
	if o.spots != nil {
		a, b := imgui.ItemRectMin(), imgui.ItemRectMax()
		o.spots[name] = [4]int{int(a.X), int(a.Y), int(b.X), int(b.Y)}
	}
}

// field draws the field, and reports whether Enter was pressed.
func (o *opener) field(v *view, hint string, width float32) (entered bool) {
	t := v.tk
	t.need(hint)
	t.need(o.text)
	imgui.PushStyleVarVec2(imgui.StyleVarFramePadding, vec2{X: t.px(10), Y: round((t.px(30) - imgui.FontSize()) / 2)})
	imgui.SetNextItemWidth(width)
	before := o.text
	const flags = imgui.InputTextFlagsEnterReturnsTrue | imgui.InputTextFlagsCallbackCompletion | imgui.InputTextFlagsCallbackHistory |
		imgui.InputTextFlagsCallbackAlways | imgui.InputTextFlagsCallbackCharFilter
	entered = imgui.InputTextWithHintV("##text", hint, &o.text, flags, func(d imgui.InputTextCallbackData) int32 { return o.edit(d, v.m.Now) })
	active := imgui.IsItemActive()
	a, b := imgui.ItemRectMin(), imgui.ItemRectMax()
	imgui.WindowDrawList().AddRectV(a, b, t.packed(t.theme.accent), t.px(5), imgui.DrawFlagsRoundCornersAll, 1)
	imgui.PopStyleVar()
	if len(o.text) > maxText {
		o.text, o.put = strings.ToValidUTF8(o.text[:maxText], ""), true
	}
	t.need(o.text)
	if o.text != before && !o.put {
		o.err, o.tried = "", ""
	}
	// The field is always typed into: keys must not go to the player meanwhile.
	if !active && !imgui.IsMouseDown(0) {
		imgui.SetKeyboardFocusHereV(-1)
		o.put = true
		v.again(0, v.m.Now)
	}
	return entered
}

// edit is called by the field while it is typed into.
func (o *opener) edit(d imgui.InputTextCallbackData, now time.Duration) int32 {
	replace := func(s string) {
		d.DeleteBytes(0, len(d.Buffer()))
		d.InsertBytes(0, []byte(s))
		d.SetCursorPos(len(s))
		d.SetSelectionStart(len(s))
		d.SetSelectionEnd(len(s))
	}
	switch d.EventFlag() {
	case imgui.InputTextFlagsCallbackCharFilter:
		if d.EventChar() == o.stray && now-o.since < strayFor {
			return 1
		}
	case imgui.InputTextFlagsCallbackCompletion:
		text := string(d.Buffer())
		if s := o.tab(text); s != text {
			replace(s)
		} else if o.chosen < 0 && len(o.rows) > 0 {
			o.choose(1)
		}
	case imgui.InputTextFlagsCallbackHistory:
		if d.EventKey() == imgui.KeyUpArrow {
			o.choose(-1)
		} else {
			o.choose(1)
		}
	case imgui.InputTextFlagsCallbackAlways:
		text := string(d.Buffer())
		if o.put {
			o.put = false
			replace(o.text)
		} else if s := strings.TrimSpace(text); o.card == addressCard && s != text {
			replace(s) // it was pasted with a line's end, or the like
		}
	}
	return 0
}

// choose moves the chosen row.
func (o *opener) choose(by int) {
	n := len(o.rows)
	if n == 0 {
		return
	}
	switch {
	case o.chosen < 0 && by < 0:
		o.chosen = n - 1
	default:
		o.chosen = (o.chosen + by + n) % n
	}
	o.scroll = true
}

// listing draws the rows.
func (o *opener) listing(v *view) {
	t := v.tk
	imgui.PushStyleVarVec2(imgui.StyleVarItemSpacing, vec2{})
	defer imgui.PopStyleVar()
	imgui.BeginChildV("rows", vec2{}, false, imgui.WindowFlagsNoNav)
	high := t.px(30)
	visible := imgui.WindowHeight()
	if o.scroll && o.chosen >= 0 {
		at := float32(o.chosen) * high
		imgui.SetScrollY(scrollTo(imgui.ScrollY(), at, high, visible))
		v.again(0, v.m.Now)
	}
	o.scroll = false
	taken := -1
	first, behind := seenRows(imgui.ScrollY(), visible, high, len(o.rows))
	top := imgui.CursorPosY()
	for i := first; i < behind; i++ {
		r := o.rows[i]
		l := rowLook{icon: iconFolder, title: demux.OneLine(r.name), selected: i == o.chosen, height: high}
		switch {
		case r.up:
			l.icon, l.title = iconChevronUp, "Folder above"
		case o.card == addressCard:
			l.icon = iconLink
		case !r.dir:
			l.icon = fileIcon(r.name)
		}
		imgui.SetCursorPos(vec2{X: 0, Y: top + float32(i)*high})
		imgui.PushIDInt(i)
		o.spotted(r.name, func() {
			if t.listRow("row", l).clicked {
				taken = i
			}
		})
		imgui.PopID()
	}
	imgui.SetCursorPos(vec2{X: 0, Y: top + float32(len(o.rows))*high})
	imgui.Dummy(vec2{X: 1, Y: 1})
	imgui.EndChild()
	if taken >= 0 {
		o.take(o.rows[taken])
		v.again(0, v.m.Now)
	}
}

// seenRows are the rows of a list that are seen, and one more on either side: from
// first up to, and without, behind.
func seenRows(scroll, visible, high float32, n int) (first, behind int) {
	first = min(max(int(scroll/high)-1, 0), n)
	return first, min(max(int((scroll+visible)/high)+2, first), n)
}

// scrollTo is how far to scroll, from where it is, to see what lies at a place.
func scrollTo(scroll, at, high, visible float32) float32 {
	switch {
	case at < scroll:
		return at
	case at+high > scroll+visible:
		return at + high - visible
	}
	return scroll
}

// soundNames are endings of files that are sound.
var soundNames = map[string]bool{
	".wav": true, ".mp3": true, ".flac": true, ".ogg": true, ".opus": true, ".m4a": true, ".aac": true, ".ac3": true, ".pcm": true, ".aiff": true,
}

// videoNames are endings of files that are video.
var videoNames = map[string]bool{
	".yuv": true, ".y4m": true, ".rgb": true, ".raw": true, ".mp4": true, ".mkv": true, ".mov": true, ".webm": true, ".avi": true, ".ts": true,
	".m2ts": true, ".mts": true, ".mxf": true, ".mpg": true, ".mpeg": true, ".h264": true, ".h265": true, ".264": true, ".265": true, ".hevc": true,
	".avc": true, ".ivf": true, ".flv": true, ".wmv": true, ".m4v": true, ".3gp": true, ".ogv": true, ".vob": true, ".nv12": true, ".av1": true, ".obu": true,
}

// fileIcon is an icon for a file, by its name.
func fileIcon(name string) icon {
	switch ext := strings.ToLower(filepath.Ext(name)); {
	case demux.IsURL(name):
		return iconLink
	case soundNames[ext]:
		return iconSoundFile
	case videoNames[ext]:
		return iconVideo
	}
	return iconFile
}
