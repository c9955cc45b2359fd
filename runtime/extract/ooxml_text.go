package extract

import (
	"encoding/xml"
	"strings"
)

// officeText is the markup of running text in Word and PowerPoint files, which call paragraphs, runs and tables alike.
type officeText struct {
	out   *pages
	texts int // elements open that hold text
	cells int // cells open, each in the one before
}

// leftOut are elements without text to read: properties, text that was deleted or moved away, and the second form of what newer
// programs show in another.
var leftOut = map[string]bool{
	"pPr": true, "rPr": true, "sectPr": true, "tblPr": true, "trPr": true, "tcPr": true, "sdtPr": true,
	"del": true, "moveFrom": true, "Fallback": true, "rt": true,
}

func (o *officeText) open(name string, attributes []xml.Attr) bool {
	switch name {
	case "t":
		o.texts++
	case "tc":
		o.cells++
	case "tab", "ptab":
		o.out.separate(tab)
	case "br", "cr":
		o.endLine()
	case "noBreakHyphen":
		o.out.write("-")
	case "fld":
		return attribute(attributes, "type") != "slidenum"
	}
	return !leftOut[name]
}

func (o *officeText) close(name string) {
	switch name {
	case "t":
		o.texts--
	case "p", "tr":
		o.endLine()
	case "tc":
		o.cells--
		o.endCell()
	case "tbl", "footnote", "endnote", "comment":
		o.endLine()
	}
}

// endLine ends a paragraph. A row of a table is one line, whatever its cells hold.
func (o *officeText) endLine() {
	if o.cells > 0 {
		o.out.separate(space)
		return
	}
	o.out.separate(line)
}

func (o *officeText) endCell() {
	if o.cells > 0 {
		o.out.separate(space)
		return
	}
	o.out.separate(tab)
}

func (o *officeText) text(data string) {
	if o.texts > 0 {
		o.out.write(strings.Trim(data, "\r\n"))
	}
}

func (o *officeText) full() bool { return o.out.full() }
