package extract

import (
	"context"
	"encoding/xml"
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// readXLSX reads an Excel file, a page for each sheet: row by row, cells apart by tabs, then the comments and what is written on
// drawings. Formulas count with the result that was stored.
func readXLSX(_ context.Context, file *os.File, r request) (Result, error) {
	a, err := openArchive(file, r.Limits)
	if err != nil {
		return Result{}, err
	}
	main, relations, err := a.mainPart("xl/workbook.xml")
	if err != nil {
		return Result{}, err
	}
	book := &workbook{partReferences: partReferences{element: "sheet", most: r.Limits.MaxPages}}
	if err := a.readPart(main, book); err != nil {
		return Result{}, err
	}
	if book.full() {
		return Result{}, tooLarge("The workbook has more than %d sheets. Split it.", r.Limits.MaxPages)
	}
	strs := &sharedStrings{}
	if err := a.readRelated(relations, "sharedStrings", strs); err != nil {
		return Result{}, err
	}
	formats := &numberFormats{codes: map[int]string{}, since1904: book.since1904}
	if err := a.readRelated(relations, "styles", formats); err != nil {
		return Result{}, err
	}
	out := &pages{room: r.Limits.MaxTextBytes}
	sheets := partsByID(relations)
	for _, id := range book.ids {
		if err := a.readSheet(sheets[id], &sheet{out: out, strings: strs.all, formats: formats}); err != nil {
			return Result{}, err
		}
		if out.next(); out.full() {
			break
		}
	}
	result := out.result()
	result.PageCount = max(1, len(book.ids))
	return result, nil
}

func (a *archive) readSheet(part string, s *sheet) error {
	relations, err := a.relations(part)
	if err != nil {
		return err
	}
	if err := a.readPart(part, s); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.out.separate(blankLine)
	if err := a.readRelated(relations, "comments", &sheetNotes{to: s.out}); err != nil {
		return err
	}
	if err := a.readRelated(relations, "threadedComment", &noteText{officeText{out: s.out}}); err != nil {
		return err
	}
	s.out.separate(blankLine)
	return a.readRelated(relations, "drawing", &officeText{out: s.out})
}

type workbook struct {
	partReferences
	since1904 bool // how days are counted
}

func (w *workbook) open(name string, attributes []xml.Attr) bool {
	if name == "workbookPr" {
		w.since1904 = isTrue(attribute(attributes, "date1904"))
	}
	return w.partReferences.open(name, attributes)
}

func isTrue(value string) bool { return value == "1" || value == "true" }

// sharedStrings are the texts that cells refer to by number.
type sharedStrings struct {
	all   []string
	one   strings.Builder
	texts int
}

func (s *sharedStrings) open(name string, _ []xml.Attr) bool {
	switch name {
	case "si":
		s.one.Reset()
	case "t":
		s.texts++
	case "rPh": // how it is pronounced
		return false
	}
	return true
}

func (s *sharedStrings) close(name string) {
	switch name {
	case "t":
		s.texts--
	case "si":
		s.all = append(s.all, s.one.String())
	}
}

func (s *sharedStrings) text(data string) {
	if s.texts > 0 {
		s.one.WriteString(data)
	}
}

func (*sharedStrings) full() bool { return false }

// sheet writes the cells of a sheet.
type sheet struct {
	out     *pages
	strings []string
	formats *numberFormats

	kind, style string // of the cell that is read
	value       strings.Builder
	values      int // elements open that hold the value
}

func (s *sheet) open(name string, attributes []xml.Attr) bool {
	switch name {
	case "c":
		s.kind, s.style = attribute(attributes, "t"), attribute(attributes, "s")
		s.value.Reset()
	case "v", "t":
		s.values++
	case "f", "rPh", "headerFooter", "extLst":
		return false
	}
	return true
}

func (s *sheet) close(name string) {
	switch name {
	case "v", "t":
		s.values--
	case "c":
		s.out.words(s.cell())
		s.out.separate(tab)
	case "row":
		s.out.separate(line)
	}
}

func (s *sheet) text(data string) {
	if s.values > 0 {
		s.value.WriteString(data)
	}
}

func (s *sheet) full() bool { return s.out.full() }

// cell says what a cell shows.
func (s *sheet) cell() string {
	value := s.value.String()
	switch s.kind {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || i < 0 || i >= len(s.strings) {
			return ""
		}
		return unescaped(s.strings[i])
	case "b":
		return map[bool]string{true: "TRUE", false: "FALSE"}[isTrue(value)]
	case "", "n":
		return s.formats.show(value, s.style)
	}
	return unescaped(value)
}

// escapedCharacter is how texts of sheets write what XML cannot, by ECMA-376, 22.9.2.19.
var escapedCharacter = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

func unescaped(text string) string {
	return escapedCharacter.ReplaceAllStringFunc(text, func(escape string) string {
		code, err := strconv.ParseUint(escape[2:6], 16, 16)
		if err != nil {
			return escape
		}
		return string(rune(code))
	})
}
