package extract

import (
	"context"
	"os"
)

// readDOCX reads a Word file as one page: headers, text, footnotes, endnotes, comments, footers.
func readDOCX(_ context.Context, file *os.File, r request) (Result, error) {
	a, err := openArchive(file, r.Limits)
	if err != nil {
		return Result{}, err
	}
	main, relations, err := a.mainPart("word/document.xml")
	if err != nil {
		return Result{}, err
	}
	out := &pages{room: r.Limits.MaxTextBytes}
	if err := a.readMargins(relations, "header", out); err != nil {
		return Result{}, err
	}
	out.separate(blankLine)
	if err := a.readPart(main, &officeText{out: out}); err != nil {
		return Result{}, err
	}
	for _, kind := range []string{"footnotes", "endnotes", "comments"} {
		out.separate(blankLine)
		if err := a.readRelated(relations, kind, &officeText{out: out}); err != nil {
			return Result{}, err
		}
	}
	out.separate(blankLine)
	if err := a.readMargins(relations, "footer", out); err != nil {
		return Result{}, err
	}
	return out.result(), nil
}

// readMargins reads headers or footers, of which a file has one for first, even and other pages of each section: equal ones count
// once.
func (a *archive) readMargins(relations []relation, kind string, out *pages) error {
	seen := map[string]bool{}
	for _, r := range relations {
		if r.kind != kind {
			continue
		}
		margin := &pages{room: out.room}
		if err := a.readRelated([]relation{r}, kind, &officeText{out: margin}); err != nil {
			return err
		}
		text := margin.result().Pages[0]
		if !seen[text] {
			out.write(text)
			out.separate(line)
		}
		seen[text] = true
		out.truncated = out.truncated || margin.truncated
	}
	return nil
}
