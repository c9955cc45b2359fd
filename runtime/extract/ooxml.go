package extract

import (
	"encoding/xml"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/docvault/docvault/runtime/document"
)

// relation is one of the links of a part of an Office Open XML file to others.
type relation struct {
	id   string
	kind string // the end of its type: "footnotes", "slide"
	part string // name of the entry
}

// relations reads those of a part; of the package itself for "".
func (a *archive) relations(part string) ([]relation, error) {
	directory, name := path.Split(part)
	r := &relationReader{base: directory, most: a.limits.MaxEntries}
	err := a.readPart(directory+"_rels/"+name+".rels", r)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err == nil && r.full():
		return nil, tooLarge("A part of the file refers to more than %d others.", a.limits.MaxEntries)
	}
	return r.found, err
}

// readPart reads an entry as XML. Errors: fs.ErrNotExist, else as readXML.
func (a *archive) readPart(name string, m markup) error {
	content, err := a.open(name)
	if err != nil {
		return err
	}
	defer content.Close()
	return readXML(content, a.limits, m)
}

// readRelated reads, in order, the parts of some kinds that others refer to. What is missing is passed over.
func (a *archive) readRelated(relations []relation, kind string, m markup) error {
	for _, r := range relations {
		if r.kind != kind {
			continue
		}
		if err := a.readPart(r.part, m); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// mainPart finds the part that the others hang on, and its relations.
func (a *archive) mainPart(usual string) (string, []relation, error) {
	ofPackage, err := a.relations("")
	if err != nil {
		return "", nil, err
	}
	main := usual
	for _, r := range ofPackage {
		if r.kind == "officeDocument" && a.has(r.part) {
			main = r.part
			break
		}
	}
	if !a.has(main) {
		return "", nil, &document.ReadError{
			Code: document.CodeMalformed, Detail: "The file is an archive like an Office document, but holds none.",
		}
	}
	relations, err := a.relations(main)
	return main, relations, err
}

type relationReader struct {
	base  string
	most  int
	found []relation
}

func (r *relationReader) open(name string, attributes []xml.Attr) bool {
	if name != "Relationship" || attribute(attributes, "TargetMode") == "External" {
		return true
	}
	target := attribute(attributes, "Target")
	if !strings.HasPrefix(target, "/") {
		target = path.Join(r.base, target)
	}
	kind := attribute(attributes, "Type")
	r.found = append(r.found, relation{
		id: attribute(attributes, "Id"), kind: kind[strings.LastIndexByte(kind, '/')+1:], part: strings.TrimPrefix(target, "/"),
	})
	return true
}

func (*relationReader) close(string) {}
func (*relationReader) text(string)  {}
func (r *relationReader) full() bool { return len(r.found) > r.most }
