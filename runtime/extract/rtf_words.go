package extract

import (
	"fmt"
	"io"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// rtfLeftOut name groups without text to read. Numbers of lists are made by programs, in other formats too.
var rtfLeftOut = map[string]bool{
	"colortbl": true, "stylesheet": true, "info": true, "pict": true, "nonshppict": true, "listtext": true, "pntext": true, "xe": true,
	"tc": true, "filetbl": true, "objdata": true, "sp": true, "fldinst": true, "ftnsep": true, "ftnsepc": true, "aftnsep": true,
	"aftnsepc": true,
}

// rtfAside name groups whose text stands elsewhere on the page.
var rtfAside = map[string]bool{
	"footnote": true, "annotation": true, "header": true, "headerl": true, "headerr": true, "headerf": true,
	"footer": true, "footerl": true, "footerr": true, "footerf": true,
}

// rtfKnown name optional groups that are read all the same: text in shapes.
var rtfKnown = map[string]bool{"shpinst": true, "shptxt": true}

var rtfSeparators = map[string]separator{
	"par": line, "line": line, "shptxt": line, "sect": line, "page": line, "column": line, "row": line, "nestrow": line, "softline": line,
	"tab": tab, "cell": tab, "nestcell": tab,
}

var rtfCharacters = map[string]string{
	"emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•",
	"emspace": " ", "enspace": " ", "qmspace": " ",
}

// rtfCharsets are the code pages of fonts' character sets.
var rtfCharsets = map[int]int{
	77: 10000, 128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255, 178: 1256, 186: 1257,
	204: 1251, 222: 874, 238: 1250, 254: 437, 255: 850,
}

// obey does what a control word says.
func (p *rtfParser) obey(name string, number int, numbered bool) error {
	if p.opensGroup(name) {
		return nil
	}
	if s, found := rtfSeparators[name]; found {
		p.separate(s)
		return nil
	}
	if text, found := rtfCharacters[name]; found {
		p.write(text)
		return nil
	}
	switch name {
	case "u":
		p.unicode(number)
	case "uc":
		p.group.fallback = max(0, min(number, 16))
	case "bin":
		return p.discard(number)
	case "deleted":
		p.flush()
		p.group.deleted = !numbered || number != 0
	default:
		p.encode(name, number)
	}
	return nil
}

// opensGroup knows words that say what their group is for.
func (p *rtfParser) opensGroup(name string) bool {
	optional := p.group.optional
	p.group.optional = false
	switch {
	case name == "fonttbl":
		p.group.leftOut, p.group.fontTable = true, true
	case rtfLeftOut[name], optional && !rtfKnown[name] && !rtfAside[name]:
		p.group.leftOut = true
	case rtfAside[name]:
		p.flush()
		p.group.out = p.notes
	default:
		return false
	}
	return true
}

// encode knows words about encodings, in the table of fonts and outside.
func (p *rtfParser) encode(name string, number int) {
	switch name {
	case "ansicpg":
		p.base = codePage(number)
	case "mac":
		p.base = codePage(10000)
	case "pc":
		p.base = codePage(437)
	case "pca":
		p.base = codePage(850)
	case "deff":
		p.usual = number
	case "f":
		p.flush()
		p.group.font = number
		if p.group.encoding = p.fonts[number]; p.group.encoding == nil {
			p.group.encoding = p.base
		}
	case "fcharset":
		if page, found := rtfCharsets[number]; found && p.group.fontTable && len(p.fonts) < maxRTFFonts {
			p.fonts[p.group.font] = codePage(page)
		}
	case "plain":
		p.flush()
		p.group.encoding = nil
	}
}

// maxRTFFonts is more than any file has.
const maxRTFFonts = 10_000

// codePage returns the encoding of a number; Windows-1252 for one that is not known.
func codePage(number int) encoding.Encoding {
	switch number {
	case 437:
		return charmap.CodePage437
	case 850:
		return charmap.CodePage850
	case 852:
		return charmap.CodePage852
	case 866:
		return charmap.CodePage866
	case 10000:
		return charmap.Macintosh
	}
	labels := map[int]string{932: "shift_jis", 936: "gbk", 949: "euc-kr", 950: "big5", 65001: "utf-8"}
	label, found := labels[number]
	if !found {
		label = fmt.Sprintf("windows-%d", number)
	}
	if e, _ := charset.Lookup(label); e != nil {
		return e
	}
	return charmap.Windows1252
}

// discard leaves out bytes of pictures and objects.
func (p *rtfParser) discard(n int) error {
	_, err := io.CopyN(io.Discard, p.in, int64(max(0, n)))
	return err
}
