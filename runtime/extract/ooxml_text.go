package extract

import (
	"encoding/xml"
	"slices"
	"strings"
)

// officeText is the markup of running text in Word and PowerPoint files, which call paragraphs, runs and tables alike.
type officeText struct {
	out    *pages
	texts  int    // elements open that hold text
	cells  int    // cells open, each in the one before
	fields []bool // open, each in the one before: whether what follows is its instruction, no text
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
	case "br", "cr", "txbxContent":
		o.endLine()
	case "noBreakHyphen":
		o.out.write("-")
	case "sym":
		o.out.write(symbol(attribute(attributes, "font"), attribute(attributes, "char")))
	case "den": // of a fraction
		o.out.write("/")
	case "fldChar":
		o.field(attribute(attributes, "fldCharType"))
	case "fld":
		return attribute(attributes, "type") != "slidenum"
	}
	return !leftOut[name]
}

func (o *officeText) close(name string) {
	switch name {
	case "t":
		o.texts--
	case "p":
		clear(o.fields) // an instruction ends with its paragraph, whatever is missing
		o.endLine()
	case "tr":
		o.endLine()
	case "tc":
		o.cells--
		o.endCell()
	case "tbl", "footnote", "endnote", "comment":
		o.endLine()
	}
}

func (o *officeText) field(mark string) {
	last := len(o.fields) - 1
	switch {
	case mark == "begin":
		o.fields = append(o.fields, true)
	case last < 0: // the beginning is in what was left out
	case mark == "separate":
		o.fields[last] = false
	case mark == "end":
		o.fields = o.fields[:last]
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
	if o.texts == 0 || slices.Contains(o.fields, true) {
		return
	}
	body := strings.TrimLeft(data, "\r\n")
	if len(body) < len(data) {
		o.endLine()
	}
	ended := strings.TrimRight(body, "\r\n")
	o.out.write(ended)
	if len(ended) < len(body) {
		o.endLine()
	}
}

func (o *officeText) full() bool { return o.out.full() }

// symbols are the characters that people know of fonts whose codes are their own.
var symbols = map[string]map[string]string{
	"Symbol": {
		"44": "Δ", "53": "Σ", "57": "Ω", "61": "α", "62": "β", "63": "χ", "64": "δ", "65": "ε", "67": "γ", "6C": "λ", "6D": "μ", "70": "π",
		"72": "ρ", "73": "σ", "74": "τ", "77": "ω", "A3": "≤", "A5": "∞", "AE": "→", "B0": "°", "B1": "±", "B3": "≥", "B4": "×", "B9": "≠",
		"BB": "≈", "D6": "√", "E5": "∑",
	},
	"Wingdings": {"6F": "☐", "A8": "☐", "E0": "→", "FB": "✗", "FC": "✓", "FD": "☒", "FE": "☑"},
}

// symbol returns the character of a font's code, a space where it is not known. Codes stand in the private area from F000 on.
func symbol(font, code string) string {
	code = strings.ToUpper(code)
	if known := symbols[font][strings.TrimPrefix(code, "F0")]; known != "" {
		return known
	}
	return " "
}
