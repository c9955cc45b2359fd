package extract

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// readHTML reads what a browser would show as text, as one page: the title first.
func readHTML(_ context.Context, file *os.File, r request) (Result, error) {
	out := &pages{room: r.Limits.MaxTextBytes}
	if err := writeHTML(file, "", r.Limits, out); err != nil {
		return Result{}, err
	}
	return out.result(), nil
}

// invisible are elements whose content is no text to read.
var invisible = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Template: true, atom.Noscript: true, atom.Iframe: true, atom.Noembed: true,
	atom.Noframes: true, atom.Datalist: true, atom.Rp: true, atom.Rt: true,
}

// ofRuby are the invisible elements whose end may be left out: the next of them, or their parent's end, is it.
var ofRuby = map[atom.Atom]bool{atom.Rp: true, atom.Rt: true}

// breaks are what stands before and behind an element.
var breaks = map[atom.Atom]separator{
	atom.Td: tab, atom.Th: tab,
	atom.Br: line, atom.Div: line, atom.Li: line, atom.Tr: line, atom.Dt: line, atom.Dd: line, atom.Option: line, atom.Hr: line,
	atom.Caption: line, atom.Legend: line, atom.Figcaption: line, atom.Address: line, atom.Summary: line, atom.Textarea: line,
	atom.Center: line, atom.Details: line, atom.Optgroup: line, atom.Menu: line, atom.Dialog: line, atom.Hgroup: line, atom.Fieldset: line,
	atom.Title: blankLine, atom.P: blankLine, atom.H1: blankLine, atom.H2: blankLine, atom.H3: blankLine, atom.H4: blankLine,
	atom.H5: blankLine, atom.H6: blankLine, atom.Table: blankLine, atom.Ul: blankLine, atom.Ol: blankLine, atom.Dl: blankLine,
	atom.Blockquote: blankLine, atom.Pre: blankLine, atom.Section: blankLine, atom.Article: blankLine, atom.Header: blankLine,
	atom.Footer: blankLine, atom.Main: blankLine, atom.Nav: blankLine, atom.Aside: blankLine, atom.Form: blankLine, atom.Figure: blankLine,
}

// writeHTML writes the text of a page. No more of the page is read than limits.MaxExpandedBytes, and no token of more than
// limits.MaxTextBytes: then the text is cut there.
func writeHTML(page io.Reader, label string, limits Limits, out *pages) error {
	bounded := &io.LimitedReader{R: page, N: limits.MaxExpandedBytes}
	tokens := html.NewTokenizer(markedUp(bounded, label))
	tokens.SetMaxBuf(limits.MaxTextBytes)
	w := &htmlWriter{out: out}
	for !out.full() {
		switch tokens.Next() {
		case html.ErrorToken:
			err := tokens.Err()
			out.truncated = out.truncated || errors.Is(err, html.ErrBufferExceeded) || bounded.N <= 0
			if errors.Is(err, io.EOF) || errors.Is(err, html.ErrBufferExceeded) {
				return nil
			}
			return whyBroken(err)
		case html.StartTagToken:
			name, _ := tokens.TagName()
			w.open(atom.Lookup(name))
		case html.EndTagToken:
			name, _ := tokens.TagName()
			w.close(atom.Lookup(name))
		case html.SelfClosingTagToken:
			tokens.NextIsNotRawText() // as in XHTML, where <title/> is whole
			name, _ := tokens.TagName()
			w.out.separate(breaks[atom.Lookup(name)])
		case html.TextToken:
			w.text(string(tokens.Text()))
		case html.CommentToken, html.DoctypeToken:
		}
	}
	return nil
}

type htmlWriter struct {
	out     *pages
	pres    int       // elements open whose lines count
	leftOut atom.Atom // the element that is left out, 0 for none
	depth   int       // of its own kind in it
}

func (w *htmlWriter) open(a atom.Atom) {
	switch {
	case w.leftOut != 0 && a == w.leftOut && !ofRuby[a]:
		w.depth++
	case w.leftOut != 0:
	case invisible[a]:
		w.leftOut, w.depth = a, 1
	default:
		if a == atom.Pre || a == atom.Textarea {
			w.pres++
		}
		w.out.separate(breaks[a])
	}
}

func (w *htmlWriter) close(a atom.Atom) {
	switch {
	case w.leftOut != 0:
		if a == w.leftOut {
			w.depth--
		}
		if w.depth == 0 || a == atom.Ruby && ofRuby[w.leftOut] {
			w.leftOut = 0
		}
	default:
		if (a == atom.Pre || a == atom.Textarea) && w.pres > 0 {
			w.pres--
		}
		w.out.separate(breaks[a])
	}
}

func (w *htmlWriter) text(text string) {
	if w.leftOut != 0 {
		return
	}
	if w.pres == 0 {
		w.out.words(text)
		return
	}
	for one := range strings.Lines(text) {
		body, ended := strings.CutSuffix(one, "\n")
		if !ended {
			w.out.write(body) // what goes on behind a tag
			continue
		}
		w.out.write(strings.TrimRight(body, " \t\r"))
		w.out.separate(line)
	}
}
