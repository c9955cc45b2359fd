package extract

import (
	"context"
	"encoding/xml"
	"errors"
	"io/fs"
	"os"
)

// readPPTX reads a PowerPoint file, a page for each slide, in the order of the show: the slide, its diagrams and charts, the speaker's
// notes, comments.
func readPPTX(_ context.Context, file *os.File, r request) (Result, error) {
	a, err := openArchive(file, r.Limits)
	if err != nil {
		return Result{}, err
	}
	main, relations, err := a.mainPart("ppt/presentation.xml")
	if err != nil {
		return Result{}, err
	}
	show := &partReferences{element: "sldId", most: r.Limits.MaxPages}
	if err := a.readPart(main, show); err != nil {
		return Result{}, err
	}
	if show.full() {
		return Result{}, tooLarge("The presentation has more than %d slides. Split it.", r.Limits.MaxPages)
	}
	out := &pages{room: r.Limits.MaxTextBytes}
	slides := partsByID(relations)
	for _, id := range show.ids {
		if err := a.readSlide(slides[id], out); err != nil {
			return Result{}, err
		}
		if out.next(); out.full() {
			break
		}
	}
	result := out.result()
	result.PageCount = max(1, len(show.ids))
	return result, nil
}

func (a *archive) readSlide(part string, out *pages) error {
	relations, err := a.relations(part)
	if err != nil {
		return err
	}
	if err := a.readPart(part, &officeText{out: out}); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, kind := range []string{"diagramData", "chart", "notesSlide"} {
		out.separate(blankLine)
		if err := a.readRelated(relations, kind, textOf(kind, out)); err != nil {
			return err
		}
	}
	out.separate(blankLine)
	return a.readRelated(relations, "comments", &noteText{officeText{out: out}})
}

func partsByID(relations []relation) map[string]string {
	parts := make(map[string]string, len(relations))
	for _, r := range relations {
		parts[r.id] = r.part
	}
	return parts
}

// partReferences collects what the elements of a name refer to, in order.
type partReferences struct {
	element string
	most    int
	ids     []string
}

func (r *partReferences) open(name string, attributes []xml.Attr) bool {
	if name == r.element {
		// An id of its own stands beside the relation's, told apart by the namespace alone, which has two names.
		for _, a := range attributes {
			if a.Name.Local == "id" && a.Name.Space != "" {
				r.ids = append(r.ids, a.Value)
			}
		}
	}
	return true
}

func (*partReferences) close(string) {}
func (*partReferences) text(string)  {}
func (r *partReferences) full() bool { return len(r.ids) > r.most }
