package extract

import (
	"bufio"
	"context"
	"os"
)

// readDOCX reads a Word file as one page: headers, text, files within it, diagrams, charts, footnotes, endnotes, comments, footers.
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
	if err := a.readChunks(relations, out); err != nil {
		return Result{}, err
	}
	for _, kind := range []string{"diagramData", "chart", "footnotes", "endnotes", "comments"} {
		out.separate(blankLine)
		if err := a.readRelated(relations, kind, textOf(kind, out)); err != nil {
			return Result{}, err
		}
	}
	out.separate(blankLine)
	if err := a.readMargins(relations, "footer", out); err != nil {
		return Result{}, err
	}
	return out.result(), nil
}

// readChunks reads the files that Word is to take text from when it opens the document: programs for the web write HTML that way.
func (a *archive) readChunks(relations []relation, out *pages) error {
	for _, r := range relations {
		if r.kind != "aFChunk" || !a.has(r.part) {
			continue
		}
		out.separate(blankLine)
		if err := a.readChunk(r.part, out); err != nil {
			return err
		}
	}
	return nil
}

func (a *archive) readChunk(part string, out *pages) error {
	content, err := a.open(part)
	if err != nil {
		return err
	}
	defer content.Close()
	buffered := bufio.NewReaderSize(content, HeadBytes)
	head, _ := buffered.Peek(HeadBytes) // what is wrong shows again when it is read
	_, isHTML := tellHTML(head)
	_, isEmail := tellEmail(head) // of one part HTML, with what belongs to it
	switch {
	case isEmail:
		m := &email{lines: newMailLines(buffered), limits: a.limits, parts: a.limits.MaxEntries}
		err = m.message(out, 0)
	case isHTML:
		err = writeHTML(buffered, "", a.limits, out)
	case isText(head):
		err = writeLines(buffered, out)
	default:
		out.lost = true
	}
	if err != nil {
		return whyBroken(err)
	}
	return nil
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
