package extract

import (
	"encoding/xml"
	"strconv"
)

// maxRepeats bounds how often a cell or row is written that says to be there many times: sheets are filled to their end that way.
const maxRepeats = 1000

// linkedSheet is the style of what LibreOffice keeps, and does not show, of the sheets in other files that a file refers to.
const linkedSheet = "ta_extref"

// odfText is the markup of text in all OpenDocuments.
type odfText struct {
	out  *pages // where text goes now
	page string // name of the element that makes a page, "" for a text
	most int    // pages

	notes      *pages // notes and comments, until the page ends
	paragraphs int    // open, each in the one before: what stands in none is no text
	cells      int    // open, each in the one before
	comments   int    // open
	pageDepth  int    // page elements open
	frames     []int  // open; the paragraphs that were open around each
	diverted   []diversion
}

// diversion is where text went before it was diverted, and how often the diverted text is to be written there.
type diversion struct {
	to    *pages
	times int
}

// odfLeftOut are elements without text to read.
var odfLeftOut = map[string]bool{
	"tracked-changes": true, "forms": true, "note-citation": true, "page-number": true, "page-count": true, "ruby-text": true,
	"desc": true, "content-validations": true,
}

func (o *odfText) open(name string, attributes []xml.Attr) bool {
	if o.hidden(name, attributes) {
		return false
	}
	switch name {
	case o.page:
		o.pageDepth++
	case "frame":
		o.frames = append(o.frames, o.paragraphs)
	case "text-box":
		o.endLine()
	case "p", "h":
		o.paragraphs++
	case "s":
		o.out.separate(space)
	case "tab":
		o.out.separate(tab)
	case "line-break":
		o.endLine()
	case "note-body":
		o.divert(o.notes, 1)
	case "annotation":
		o.comments++
		o.divert(o.notes, 1)
	case "table-row":
		o.divert(&pages{room: o.out.room}, repeats(attributes, "number-rows-repeated"))
	case "table-cell", "covered-table-cell":
		o.divert(&pages{room: o.out.room}, repeats(attributes, "number-columns-repeated"))
		o.cells++
	case "notes":
		o.out.separate(blankLine)
	}
	return true
}

// hidden reports whether an element holds no text to read. Some are fields of the text but for where they belong to a comment or an image.
func (o *odfText) hidden(name string, attributes []xml.Attr) bool {
	switch name {
	case o.page:
		return attribute(attributes, "style-name") == linkedSheet
	case "creator", "date", "creator-initials", "sender-initials":
		return o.comments > 0
	case "title":
		return len(o.frames) > 0 && o.frames[len(o.frames)-1] == o.paragraphs
	}
	return odfLeftOut[name]
}

func (o *odfText) close(name string) {
	switch name {
	case "frame":
		o.frames = o.frames[:len(o.frames)-1]
	case "p", "h":
		o.paragraphs--
		o.endLine()
	case "note-body":
		o.rejoin(nothing)
		o.notes.separate(line)
	case "annotation":
		o.comments--
		o.rejoin(nothing)
		o.notes.separate(line)
	case "table-cell", "covered-table-cell":
		o.cells--
		o.rejoin(tab)
	case "table-row":
		o.rejoin(line)
	}
	if name == o.page {
		if o.pageDepth--; o.pageDepth == 0 {
			o.endPage()
		}
	}
}

// endLine ends a paragraph. A row of a table is one line, whatever its cells hold.
func (o *odfText) endLine() {
	if o.cells > 0 {
		o.out.separate(space)
		return
	}
	o.out.separate(line)
}

func (o *odfText) text(data string) {
	if o.paragraphs > 0 {
		o.out.words(data)
	}
}

func (o *odfText) full() bool { return o.out.full() || len(o.out.done) > o.most }

// divert lets text go elsewhere until rejoin.
func (o *odfText) divert(to *pages, times int) {
	o.diverted = append(o.diverted, diversion{o.out, times})
	o.out = to
}

// rejoin ends the last diversion. Notes stay where they are; the text of cells and rows is written, as often as it says, with a
// separator behind it.
func (o *odfText) rejoin(s separator) {
	last := o.diverted[len(o.diverted)-1]
	o.diverted = o.diverted[:len(o.diverted)-1]
	from := o.out
	o.out = last.to
	if from == o.notes {
		return
	}
	if o.cells > 0 {
		s = space
	}
	for range last.times {
		if from.page.Len() == 0 || o.out.full() {
			break
		}
		o.out.write(from.page.String())
		o.out.separate(s)
	}
	o.out.separate(s)
	o.out.truncated = o.out.truncated || from.truncated
}

// endPage writes the notes of the page behind its text.
func (o *odfText) endPage() {
	o.writeNotes()
	o.out.next()
}

func (o *odfText) writeNotes() {
	o.out.separate(blankLine)
	o.out.write(o.notes.page.String())
	o.out.truncated = o.out.truncated || o.notes.truncated
	o.notes.page.Reset()
	o.notes.pending = nothing
}

// end ends what the end of the room left open.
func (o *odfText) end() {
	for len(o.diverted) > 0 {
		o.rejoin(nothing)
	}
	o.writeNotes()
}

func repeats(attributes []xml.Attr, name string) int {
	n, err := strconv.Atoi(attribute(attributes, name))
	if err != nil {
		return 1
	}
	return max(1, min(n, maxRepeats))
}

// odfMargins are the headers and footers in the styles of a text, equal ones once.
type odfMargins struct {
	odfText
	headers, footers *pages
	seen             map[string]bool
	margins          int // open
}

func newODFMargins(room int) *odfMargins {
	return &odfMargins{
		odfText: odfText{notes: &pages{}, out: &pages{room: room}},
		headers: &pages{room: room}, footers: &pages{room: room}, seen: map[string]bool{},
	}
}

// odfMarginNames say which of them are headers.
var odfMarginNames = map[string]bool{
	"header": true, "header-left": true, "header-first": true, "footer": false, "footer-left": false, "footer-first": false,
}

func (m *odfMargins) open(name string, attributes []xml.Attr) bool {
	if _, found := odfMarginNames[name]; found {
		m.margins++
	}
	return m.odfText.open(name, attributes)
}

func (m *odfMargins) close(name string) {
	m.odfText.close(name)
	isHeader, found := odfMarginNames[name]
	if !found {
		return
	}
	m.margins--
	text := m.out.page.String()
	m.out.page.Reset()
	m.out.pending = nothing
	if m.seen[text] {
		return
	}
	m.seen[text] = true
	to := m.footers
	if isHeader {
		to = m.headers
	}
	to.write(text)
	to.separate(line)
}

func (m *odfMargins) text(data string) {
	if m.margins > 0 {
		m.odfText.text(data)
	}
}
