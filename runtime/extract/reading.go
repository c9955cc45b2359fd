package extract

import (
	"context"
	"errors"
	"fmt"

	"github.com/docvault/docvault/runtime/document"
)

// Why a page was not read, or not to its end. Neither is the end of the document.
var (
	errPageBroken = errors.New("the page cannot be read")
	errPageSlow   = errors.New("the page took too long")
)

// reading gathers the pages of a document while they are read.
type reading struct {
	limits  Limits
	of      int // pages that the document has
	pages   []string
	left    int // bytes of text that may still be kept
	broken  int // pages that could not be read
	cut     bool
	slow    bool
	hasText bool
}

func newReading(pages int, limits Limits) *reading {
	return &reading{limits: limits, of: pages, pages: make([]string, 0, pages), left: limits.MaxTextBytes}
}

// over reports whether no further page can be taken: the text or the time is used up.
func (g *reading) over(ctx context.Context) bool { return g.cut || ctx.Err() != nil }

// add takes the next page: its text, and what err says of it. It returns errors that are not the page's: passing ones.
func (g *reading) add(text string, err error) error {
	switch {
	case errors.Is(err, errPageBroken):
		g.broken++
	case errors.Is(err, errPageSlow), errors.Is(err, context.DeadlineExceeded):
		g.slow = true
	case err != nil:
		return err
	}
	text, g.cut = truncate(text, g.left)
	g.left -= len(text)
	g.hasText = g.hasText || text != ""
	g.pages = append(g.pages, text)
	return nil
}

// result keeps what was read when the time is up, if it is any text at all.
func (g *reading) result(ctx context.Context) (Result, error) {
	late := g.slow || ctx.Err() != nil
	switch {
	case late && !g.hasText && !g.slow:
		return Result{}, tookTooLong(g.limits)
	case late && !g.hasText:
		return Result{}, &document.ReadError{Code: document.CodeTimedOut, Detail: fmt.Sprintf(
			"Reading the text of a page's image took more than %s.", g.limits.OCRPageTimeout)}
	case g.broken == g.of:
		return Result{}, &document.ReadError{Code: document.CodeMalformed, Detail: "No page of the document can be read: it is damaged."}
	}
	return Result{Pages: g.pages, PageCount: g.of, Truncated: g.cut || late || g.broken > 0}, nil
}
