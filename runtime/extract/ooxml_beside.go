package extract

import (
	"encoding/xml"
	"strings"
)

// textOf is the markup of a kind of part.
func textOf(kind string, out *pages) markup {
	if kind == "chart" {
		return &chartText{officeText: officeText{out: out}, seen: map[string]bool{}}
	}
	return &officeText{out: out}
}

// noteText is officeText where a note's text stands in text, with or without runs.
type noteText struct{ officeText }

func (n *noteText) open(name string, attributes []xml.Attr) bool {
	if name == "text" {
		n.texts++
	}
	return n.officeText.open(name, attributes)
}

func (n *noteText) close(name string) {
	n.officeText.close(name)
	if name == "text" {
		n.texts--
		n.endLine()
	}
}

// sheetNotes reads the notes of a sheet, but for those that stand for a discussion, in programs that do not know of any.
type sheetNotes struct {
	officeText
	to *pages
}

func (n *sheetNotes) open(name string, attributes []xml.Attr) bool {
	if name == "comment" {
		n.out = &pages{room: n.to.room}
	}
	return n.out == nil || n.officeText.open(name, attributes)
}

func (n *sheetNotes) close(name string) {
	if n.out == nil {
		return
	}
	n.officeText.close(name)
	if name != "comment" {
		return
	}
	if note := n.out.page.String(); !strings.HasPrefix(note, "[Threaded comment]") {
		n.to.write(unescaped(note))
		n.to.separate(line)
	}
	n.to.truncated = n.to.truncated || n.out.truncated
	n.out = nil
}

func (n *sheetNotes) full() bool { return n.to.full() }

// chartText reads what a chart says: its titles, and the names of its series and categories, each once.
type chartText struct {
	officeText

	cached int // lists of names open
	name   strings.Builder
	seen   map[string]bool
}

func (c *chartText) open(name string, attributes []xml.Attr) bool {
	switch name {
	case "strCache", "lvl":
		c.cached++
	case "v":
		c.name.Reset()
	}
	return c.officeText.open(name, attributes)
}

func (c *chartText) close(name string) {
	c.officeText.close(name)
	switch name {
	case "strCache", "lvl":
		c.cached--
	case "v":
		if one := c.name.String(); c.cached > 0 && !c.seen[one] {
			c.seen[one] = true
			c.out.words(one)
			c.endLine()
		}
	}
}

func (c *chartText) text(data string) {
	c.officeText.text(data)
	if c.cached > 0 {
		c.name.WriteString(data)
	}
}
