package extract

import (
	"bytes"
	"regexp"

	"github.com/docvault/docvault/runtime/document"
)

// HeadBytes is how many first bytes of a file Detect wants. The entries that tell an office file lie behind its thumbnail at times, and
// the headers of an e-mail are long.
const HeadBytes = 64 << 10

// maxJunkBytes is how far behind other bytes a PDF may begin: readers agree on the first KiB.
const maxJunkBytes = 1024

var (
	pdfMagic = regexp.MustCompile(`%PDF-\d`)
	// pdfStart is a header, and an object behind nothing but comments.
	pdfStart = regexp.MustCompile(`^%PDF-\d[^\r\n]*(?:[\s\x00]|%[^\r\n]*)*\d+\s+\d+\s+obj\b`)

	bomUTF8    = []byte("\xef\xbb\xbf")
	bomUTF16LE = []byte("\xff\xfe")
	bomUTF16BE = []byte("\xfe\xff")
)

// detectors are asked in this order. Each knows a family of types: one that finds its own ends the search, even with no type, for what
// cannot be read. Magic bytes at the beginning come before those behind junk: an archive may hold a PDF.
var detectors = []func(head []byte) (t Type, known bool){
	tellPDF, tellImage, tellZip, tellOLE, tellForeign, tellRTF, tellEmail, tellPDFBehindJunk, tellHTML, tellText,
}

// Detect tells the type from the first bytes, never from the name. Magic bytes behind a BOM or junk count.
// Errors: a *document.UnsupportedTypeError, which is document.ErrUnsupportedType.
func Detect(head []byte) (Type, error) {
	head = head[:min(len(head), HeadBytes)]
	for _, detector := range detectors {
		if t, known := detector(head); known {
			if readers[t.MIME] == nil {
				return Type{}, &document.UnsupportedTypeError{Instead: t.instead}
			}
			return t, nil
		}
	}
	return Type{}, &document.UnsupportedTypeError{}
}

// findPDF splits at the magic bytes. Not found: behind is nil.
func findPDF(head []byte) (before, behind []byte) {
	at := pdfMagic.FindIndex(head[:min(len(head), maxJunkBytes)])
	if len(at) == 0 {
		return nil, nil
	}
	return head[:at[0]], head[at[0]:]
}

// tellPDF knows what has the magic bytes at the beginning, or behind a BOM and spaces.
func tellPDF(head []byte) (Type, bool) {
	before, behind := findPDF(head)
	return typePDF, behind != nil && len(bytes.TrimSpace(bytes.TrimPrefix(before, bomUTF8))) == 0
}

// tellPDFBehindJunk wants an object to follow the magic bytes: a text may speak of PDF.
func tellPDFBehindJunk(head []byte) (Type, bool) {
	_, behind := findPDF(head)
	return typePDF, pdfStart.Match(behind)
}

// foreignMagic begins files that are no text, though some are made of printable bytes, and that cannot be read.
var foreignMagic = [][]byte{[]byte("%!PS")}

func tellForeign(head []byte) (Type, bool) {
	head = bytes.TrimPrefix(head, bomUTF8)
	for _, magic := range foreignMagic {
		if bytes.HasPrefix(head, magic) {
			return Type{}, true
		}
	}
	return Type{}, false
}
