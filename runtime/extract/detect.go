package extract

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"github.com/docvault/docvault/runtime/document"
)

// HeadBytes is how many first bytes of a file Detect wants.
const HeadBytes = 4096

// maxJunkBytes is how far behind other bytes a PDF may begin: readers agree on the first KiB.
const maxJunkBytes = 1024

// Type is what a file is, told from its content.
type Type struct {
	MIME string
	Kind document.Kind
	Ext  string // lower case, with the dot
}

// The types that can be read.
var (
	typePDF  = Type{MIME: "application/pdf", Kind: document.KindPDF, Ext: ".pdf"}
	typeText = Type{MIME: "text/plain", Kind: document.KindText, Ext: ".txt"}
)

var (
	pdfMagic  = regexp.MustCompile(`%PDF-\d`)
	pdfObject = regexp.MustCompile(`\d+ \d+ obj\b`)

	bomUTF8    = []byte("\xef\xbb\xbf")
	bomUTF16LE = []byte("\xff\xfe")
	bomUTF16BE = []byte("\xfe\xff")
)

// otherMagic begins files that are made of printable bytes and yet are no text.
var otherMagic = [][]byte{[]byte(`{\rtf`), []byte("%!PS")}

// Detect tells the type from the first bytes, never from the name. Magic bytes behind a BOM or junk count.
// Errors: document.ErrUnsupportedType.
func Detect(head []byte) (Type, error) {
	switch {
	case isPDF(head):
		return typePDF, nil
	case isText(head):
		return typeText, nil
	}
	return Type{}, document.ErrUnsupportedType
}

// isPDF finds the magic bytes. Behind anything but a BOM and spaces, an object must follow: a text may speak of PDF.
func isPDF(head []byte) bool {
	at := pdfMagic.FindIndex(head[:min(len(head), maxJunkBytes)])
	if at == nil {
		return false
	}
	junk := bytes.TrimSpace(bytes.TrimPrefix(head[:at[0]], bomUTF8))
	return len(junk) == 0 || pdfObject.Match(head[at[1]:])
}

func isText(head []byte) bool {
	if bytes.HasPrefix(head, bomUTF16LE) || bytes.HasPrefix(head, bomUTF16BE) {
		return printable(decodeUTF16(head))
	}
	head = bytes.TrimPrefix(head, bomUTF8)
	for _, magic := range otherMagic {
		if bytes.HasPrefix(head, magic) {
			return false
		}
	}
	if valid := withoutCutRune(head); utf8.Valid(valid) {
		return printable(string(valid))
	}
	return printable(decodeWindows1252(head)) && mostlyASCII(head)
}

// printable reports whether a text holds no control character that only binary files hold.
func printable(text string) bool {
	for _, r := range text {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == '\f' || r == '\v' || r == '\x1b' || r == '\b':
		case r < ' ' || r == 0x7f:
			return false
		}
	}
	return text != ""
}

// mostlyASCII reports whether at most half of the bytes are above ASCII, as in every language that Windows-1252 is for.
func mostlyASCII(head []byte) bool {
	high := 0
	for _, b := range head {
		if b >= utf8.RuneSelf {
			high++
		}
	}
	return high <= len(head)/2
}
