package extract

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/unicode"
)

// markup is told of what an XML document holds. Names are without namespaces: the formats read here do not need them.
type markup interface {
	// open is told of an element; false leaves out what it holds, and its close.
	open(name string, attributes []xml.Attr) bool
	close(name string)
	text(data string)
	// full ends the reading early.
	full() bool
}

// readXML walks a document. Entities of its own are refused, as encoding/xml does: they make little into much.
// Errors: *document.ReadError, or a passing one.
func readXML(r io.Reader, limits Limits, m markup) error {
	decoder := xml.NewDecoder(inUTF8(r))
	decoder.CharsetReader = func(label string, input io.Reader) (io.Reader, error) {
		if strings.EqualFold(label, "utf-16") {
			return input, nil // inUTF8 has decoded it
		}
		return charset.NewReaderLabel(label, input)
	}
	w := &xmlWalk{limits: limits, to: m}
	for !m.full() {
		token, err := decoder.Token()
		switch {
		case errors.Is(err, io.EOF) && token == nil:
			return nil
		case err != nil:
			return whyBroken(err)
		}
		if err := w.step(token); err != nil {
			return err
		}
	}
	return nil
}

type xmlWalk struct {
	limits  Limits
	to      markup
	depth   int
	leftOut int // depth of the element that is left out, 0 for none
}

func (w *xmlWalk) step(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		if w.depth++; w.depth > w.limits.MaxDepth {
			return tooLarge("The file nests more than %d elements in each other.", w.limits.MaxDepth)
		}
		if w.leftOut == 0 && !w.to.open(token.Name.Local, token.Attr) {
			w.leftOut = w.depth
		}
	case xml.EndElement:
		switch w.leftOut {
		case 0:
			w.to.close(token.Name.Local)
		case w.depth:
			w.leftOut = 0
		}
		w.depth--
	case xml.CharData:
		if w.leftOut == 0 {
			w.to.text(string(token))
		}
	}
	return nil
}

// inUTF8 decodes UTF-16, which encoding/xml cannot.
func inUTF8(r io.Reader) io.Reader {
	buffered := bufio.NewReader(r)
	start, _ := buffered.Peek(2) // what is wrong shows again when it is read
	if bytes.Equal(start, bomUTF16LE) || bytes.Equal(start, bomUTF16BE) {
		return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Reader(buffered)
	}
	return buffered
}

// attribute returns the value of the first attribute of a name, "" if there is none.
func attribute(attributes []xml.Attr, name string) string {
	for _, a := range attributes {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
