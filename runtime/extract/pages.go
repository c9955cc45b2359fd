package extract

import "strings"

// separator is what stands between two pieces of text.
type separator int

// In order of strength: of several that meet, the strongest is written.
const (
	nothing separator = iota
	space
	tab
	line
	blankLine
)

var separators = [...]string{nothing: "", space: " ", tab: "\t", line: "\n", blankLine: "\n\n"}

// pages collects text page by page, no more than room bytes in all. Separators are written between texts only: never at the beginning
// or end of a page, and only the strongest of those that meet.
type pages struct {
	room      int
	truncated bool
	lost      bool // something could not be read

	done    []string
	page    strings.Builder
	pending separator
}

// separate asks for s between what was written and what follows.
func (p *pages) separate(s separator) { p.pending = max(p.pending, s) }

// write adds text as it is.
func (p *pages) write(text string) {
	if text == "" {
		return
	}
	if p.page.Len() > 0 {
		p.add(separators[p.pending])
	}
	p.pending = nothing
	p.add(text)
}

// words adds text with each run of white space as one space.
func (p *pages) words(text string) {
	for {
		end := strings.IndexFunc(text, isSpace)
		if end < 0 {
			p.write(text)
			return
		}
		p.write(text[:end])
		p.separate(space)
		text = strings.TrimLeftFunc(text[end:], isSpace)
	}
}

// isSpace knows what markup languages take for white space: a no-break space is none.
func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f' }

func (p *pages) add(text string) {
	text = clean(text)
	kept, cut := truncate(text, p.room)
	if cut {
		p.truncated = true
		p.room = len(kept) // nothing may follow
	}
	p.room -= len(kept)
	p.page.WriteString(kept)
}

// full reports whether reading on is of no use.
func (p *pages) full() bool { return p.truncated }

// next ends the page, even an empty one.
func (p *pages) next() {
	p.done = append(p.done, p.page.String())
	p.page.Reset()
	p.pending = nothing
}

// result ends the last page. Without pages, the text is one.
func (p *pages) result() Result {
	if p.page.Len() > 0 || len(p.done) == 0 {
		p.next()
	}
	return Result{Pages: p.done, PageCount: len(p.done), Truncated: p.truncated || p.lost}
}

// unseen is what the database takes in no text, and what nobody sees in a word and search would part it at: soft hyphens, joiners, byte
// order marks.
var unseen = strings.NewReplacer("\x00", "", "\u00AD", "", "\u2060", "", "\uFEFF", "")

// clean drops what is unseen, and what is no text.
func clean(text string) string {
	return strings.ToValidUTF8(unseen.Replace(text), "\uFFFD")
}
